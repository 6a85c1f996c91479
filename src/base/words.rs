//! Commands that are written as one line.

/// The longest command that is written as one line, in bytes. The kernel takes no longer text.
pub const LONGEST: usize = 128 << 10;

/// Splits a command into words as a POSIX shell does, and as Compose does; none where a quote is not closed.
///
/// Nothing is expanded, and `#` starts no comment: it is a part of addresses and colours.
pub fn split(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\n' | '\r' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '"' => break,
                        '\\' => match chars.next()? {
                            '\n' => {}
                            c @ ('"' | '\\' | '$' | '`') => word.push(c),
                            c => word.extend(['\\', c]),
                        },
                        c => word.push(c),
                    }
                }
            }
            // A line that goes on.
            '\\' => match chars.next()? {
                '\n' => {}
                c => word.get_or_insert_default().push(c),
            },
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Some(words)
}

/// Words as one line that [`split`] takes apart again, quotes where they are needed.
pub fn join(words: &[String]) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_./:=@%+,-^".contains(c);
    let words = words
        .iter()
        .map(|word| match word.is_empty() || !word.chars().all(plain) {
            true => format!("'{}'", word.replace('\'', r"'\''")),
            false => word.clone(),
        });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_joined_is_split_again() {
        for text in ["a b", "it's", "", "$x", "a\\b", "*", "\"", "ä-1", "x\ny"] {
            let words = vec!["sh".to_owned(), text.to_owned()];
            assert_eq!(
                split(&join(&words)).as_deref(),
                Some(words.as_slice()),
                "{text}"
            );
        }
        assert_eq!(
            join(&["sed".to_owned(), "s/^a/b/".to_owned()]),
            "sed s/^a/b/"
        );
    }

    #[test]
    fn commands_are_split_as_a_shell_does() {
        for (text, words) in [
            (
                r#"sh -c 'a b' "c \"d\"" e\ f """#,
                &["sh", "-c", "a b", "c \"d\"", "e f", ""] as &[&str],
            ),
            ("", &[]),
            (" \t\n", &[]),
            ("a\tb\nc\r\n", &["a", "b", "c"]),
            ("a # b", &["a", "#", "b"]),
            ("curl http://x/#top '#'", &["curl", "http://x/#top", "#"]),
            (r#"a'b'"c"d"#, &["abcd"]),
            (r"'a\b' a\\b", &[r"a\b", r"a\b"]),
            (r#""\$x \n \\""#, &[r"$x \n \"]),
            ("a \\\n b\\\nc \"d\\\ne\"", &["a", "bc", "de"]),
            (
                "$HOME *.txt ~ {A,B} a;b|c",
                &["$HOME", "*.txt", "~", "{A,B}", "a;b|c"],
            ),
        ] {
            assert_eq!(
                split(text).as_deref(),
                Some(
                    words
                        .iter()
                        .map(ToString::to_string)
                        .collect::<Vec<_>>()
                        .as_slice()
                ),
                "{text:?}"
            );
        }
        for text in ["a 'b", "a \"b", "a\\", "\"a\\"] {
            assert_eq!(split(text), None, "{text:?}");
        }
    }
}
