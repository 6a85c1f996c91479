//! Which values must not be shown, told by their names and forms.

/// Words in a variable's name, between underscores, that make its value a secret.
const WORDS: &[&str] = &[
    "PASS",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "PWD",
    "PW",
    "SECRET",
    "SECRETS",
    "TOKEN",
    "PRIVATE",
    "CREDENTIAL",
    "CREDENTIALS",
    "APIKEY",
];

/// Pairs of words that do.
const PAIRS: &[(&str, &str)] = &[
    ("API", "KEY"),
    ("ACCESS", "KEY"),
    ("SIGNING", "KEY"),
    ("ENCRYPTION", "KEY"),
];

/// Whether a variable of that name holds a secret: `DB_PASSWORD`, `api-key`, not `PASSENGERS`.
///
/// `…_FILE` names a file, by the images' convention.
pub fn is_secret_name(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let words: Vec<&str> = upper
        .split(['_', '-', '.'])
        .filter(|word| !word.is_empty())
        .collect();
    if words.last() == Some(&"FILE") {
        return false;
    }
    words.iter().any(|word| WORDS.contains(word))
        || words.windows(2).any(|pair| match pair {
            [a, b] => PAIRS.contains(&(a, b)),
            _ => false,
        })
}

/// Whether a text has a URL with a password in it (`postgres://user:pass@host/`).
pub fn has_credentials(text: &str) -> bool {
    passwords(text).next().is_some()
}

/// The passwords of a text's URLs.
fn passwords(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("://").filter_map(|(at, mark)| {
        let rest = text.get(at + mark.len()..).unwrap_or_default();
        let end = rest
            .find(|c: char| "/?# \t\n\"'".contains(c))
            .unwrap_or(rest.len());
        let authority = rest.get(..end).unwrap_or_default();
        let (user, _) = authority.rsplit_once('@')?;
        let (_, password) = user.split_once(':')?;
        (!password.is_empty()).then_some(password)
    })
}

/// Whether a name is a secret's, be it a second one (`password2`).
pub(super) fn tells(name: &str) -> bool {
    is_secret_name(name.trim_end_matches(|c: char| c.is_ascii_digit()))
}

/// The text of `key` with what is secret in it replaced by `***`. References to variables stay.
pub fn masked(key: &str, text: &str) -> String {
    const MASK: &str = "***";
    if text.is_empty() || is_reference(text) {
        return text.to_owned();
    }
    let in_url = passwords(text).any(|password| !is_reference(password));
    if tells(key) || in_url || has_default(text) {
        return MASK.to_owned();
    }
    // `user=x,password=y`, `--password=x`, `DB_PASSWORD=x`
    let mut shown = String::new();
    for part in text.split_inclusive(',') {
        let bare = part.strip_suffix(',').unwrap_or(part);
        let name = |left: &str| tells(left.rsplit([' ', '-', '"', '\'']).next().unwrap_or(left));
        let found = bare
            .match_indices('=')
            .find(|(at, _)| bare.get(..*at).is_some_and(name));
        let secret = found.and_then(|(at, _)| Some((bare.get(..=at)?, bare.get(at + 1..)?)));
        match secret.filter(|(_, value)| !value.is_empty() && !is_reference(value)) {
            Some((before, _)) => {
                shown.push_str(before);
                shown.push_str(MASK);
                if part.ends_with(',') {
                    shown.push(',');
                }
            }
            None => shown.push_str(part),
        }
    }
    shown
}

/// Whether a text is the name of another value and nothing else: `${NAME}`, `$NAME`, `{NAME}`.
fn is_reference(text: &str) -> bool {
    let inner = text.strip_prefix('$').unwrap_or(text);
    let name = match inner.strip_prefix('{') {
        Some(rest) => rest.strip_suffix('}'),
        None if inner.len() < text.len() => Some(inner),
        None => None,
    };
    let word = |c: char| c.is_ascii_alphanumeric() || "_.".contains(c);
    name.is_some_and(|name| !name.is_empty() && name.chars().all(word))
}

/// Whether a text says what a secret variable is where it is not set: `${DB_PASSWORD:-hunter2}`.
fn has_default(text: &str) -> bool {
    text.split("${").skip(1).any(|rest| {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = rest.find(|c| !word(c)).unwrap_or(rest.len());
        let (name, rest) = rest.split_at_checked(end).unwrap_or((rest, ""));
        tells(name) && !rest.starts_with('}')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_secrets() {
        for name in [
            "DB_PASSWORD",
            "PASS",
            "ACKEE_PWD",
            "my-api-key",
            "AWS_SECRET_ACCESS_KEY",
            "gh.token",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "PASSENGERS",
            "COMPASS",
            "KEY",
            "POSTGRES_PASSWORD_FILE",
            "TOKENS_PER_DAY",
            "USER",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn what_is_written_is_shown_without_secrets() {
        for (key, text, shown) in [
            ("LOG", "a=b, c", "a=b, c"),
            ("DB_PASSWORD", "hunter2", "***"),
            ("DB_PASSWORD", "${DB_PASSWORD}", "${DB_PASSWORD}"),
            ("DB_PASSWORD", "{database.PASSWORD}", "{database.PASSWORD}"),
            ("DB_PASSWORD", "x${A}", "***"),
            ("DB_PASSWORD", "{\"a\": 1}", "***"),
            ("URL", "pg://u:p@h/", "***"),
            ("URL", "pg://u:${P}@h/", "pg://u:${P}@h/"),
            (
                "o",
                "user=x,password2=y,vers=3",
                "user=x,password2=***,vers=3",
            ),
            ("command", "run --password=hunter 2", "run --password=***"),
            ("command", "run ${DB_PASSWORD:-hunter2}", "***"),
            (
                "command",
                "run ${A:-b} ${DB_PASSWORD}",
                "run ${A:-b} ${DB_PASSWORD}",
            ),
            ("environment", "DB_PASSWORD=${P}", "DB_PASSWORD=${P}"),
            ("environment", "DB_PASSWORD=hunter2", "DB_PASSWORD=***"),
            ("x", "", ""),
        ] {
            assert_eq!(masked(key, text), shown, "{key}: {text}");
        }
    }

    #[test]
    fn urls_tell_passwords() {
        assert!(has_credentials("jdbc:postgres://u:p@h/db"));
        assert!(!has_credentials("http://h:80/a@b"));
        assert!(!has_credentials("postgres://u@h/db"));
    }
}
