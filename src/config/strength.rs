//! Which passwords are too weak to be let loose on a network.

/// Fewer characters are guessed.
const LEAST: usize = 8;

/// Passwords that everybody can read: those of the templates that users start from, and the ones that are
/// tried first.
const KNOWN: &[&str] = &[
    "Astr0n0m1c@lG28ww",
    "XaphrDKDTaaS2025",
    "choopog0ithoJ6x",
    "deeYeijoowoo8ze",
    "dtaas",
    "dtaas123",
    "dtaas1357",
    "dtaas_secret",
    "dtaastest123",
    "12345678",
    "123456789",
    "1234567890",
    "admin123",
    "administrator",
    "changeit",
    "changeme",
    "default1",
    "iloveyou",
    "letmein1",
    "passw0rd",
    "password",
    "password1",
    "password123",
    "postgres",
    "qwerty123",
    "qwertyuiop",
    "rabbitmq",
    "sysadmin",
    "thingsboard",
    "welcome1",
];

/// Why a password of `user` is weak; none where it is not.
pub(super) fn weakness(password: &str, user: &str) -> Option<&'static str> {
    let lower = password.to_lowercase();
    if KNOWN.iter().any(|known| known.to_lowercase() == lower) {
        return Some("everybody knows it: it stands in templates or in lists of common ones");
    }
    if !user.is_empty() && lower == user.to_lowercase() {
        return Some("it is the user's name");
    }
    if password.chars().count() < LEAST {
        return Some("it has fewer than 8 characters");
    }
    if password.chars().all(|c| c.is_ascii_digit()) && password.chars().count() < 16 {
        return Some("it has digits only");
    }
    let mut distinct: Vec<char> = password.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() < 4 {
        return Some("it has the same few characters again and again");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_is_what_is_known_short_or_uniform() {
        for weak in [
            "dtaas1357",
            "Password",
            "alice",
            "abc1234",
            "20260101",
            "aaaaaaaabbbb",
            "",
        ] {
            assert!(weakness(weak, "Alice").is_some(), "{weak}");
        }
        for strong in ["kuchen-im-regen", "x9!Kq2#v", "1029384756102938"] {
            assert_eq!(weakness(strong, "alice"), None, "{strong}");
        }
    }
}
