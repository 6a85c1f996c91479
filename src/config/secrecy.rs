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
    text.match_indices("://").any(|(at, mark)| {
        let rest = text.get(at + mark.len()..).unwrap_or_default();
        let end = rest
            .find(|c: char| "/?# \t\n\"'".contains(c))
            .unwrap_or(rest.len());
        let authority = rest.get(..end).unwrap_or_default();
        authority
            .rsplit_once('@')
            .and_then(|(user, _)| user.split_once(':'))
            .is_some_and(|(_, password)| !password.is_empty())
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
    fn urls_tell_passwords() {
        assert!(has_credentials("jdbc:postgres://u:p@h/db"));
        assert!(!has_credentials("http://h:80/a@b"));
        assert!(!has_credentials("postgres://u@h/db"));
    }
}
