//! Text with `{NAME}` in it.

/// A stretch of a template.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Text as it is.
    Plain(String),
    /// A name to be replaced.
    Name(String),
}

/// Splits a text as Python's `format` does: `{{` and `}}` are braces, `{NAME}` is a name. What stands
/// between two braces that is no name is the error.
pub(super) fn split(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, after) = rest.split_at_checked(at).unwrap_or((rest, ""));
        plain.push_str(before);
        if let Some(next) = after.strip_prefix("{{") {
            plain.push('{');
            rest = next;
        } else if let Some(next) = after.strip_prefix("}}") {
            plain.push('}');
            rest = next;
        } else {
            let inner = after
                .strip_prefix('{')
                .and_then(|inner| inner.split_once('}'));
            let Some((name, next)) = inner.filter(|(name, _)| is_name(name)) else {
                return Err(after.chars().take(12).collect());
            };
            if !plain.is_empty() {
                pieces.push(Piece::Plain(std::mem::take(&mut plain)));
            }
            pieces.push(Piece::Name(name.to_owned()));
            rest = next;
        }
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        pieces.push(Piece::Plain(plain));
    }
    Ok(pieces)
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_braces() {
        let pieces = split("a{B}{{c}}{D_1}").unwrap();
        assert_eq!(
            pieces,
            [
                Piece::Plain("a".into()),
                Piece::Name("B".into()),
                Piece::Plain("{c}".into()),
                Piece::Name("D_1".into())
            ]
        );
        assert_eq!(split("").unwrap(), []);
        for bad in ["{", "}", "{}", "{a b}", "a}b", "{\"x\": 1}"] {
            assert!(split(bad).is_err(), "{bad}");
        }
    }
}
