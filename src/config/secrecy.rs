//! Which values must not be shown, told by their names and forms.

use crate::model::HELD;
use std::ops::Range;

/// Words in a variable's name that make its value a secret, wherever they stand.
const WORDS: &[&str] = &[
    "APIKEY",
    "APIKEYS",
    "CRED",
    "CREDENTIAL",
    "CREDENTIALS",
    "CREDS",
    "PASS",
    "PASSPHRASE",
    "PASSPHRASES",
    "PASSWD",
    "PASSWORD",
    "PASSWORDS",
    "PRIVATE",
    "PW",
    "PWD",
    "SECRET",
    "SECRETS",
    "TOKEN",
];

/// Those that do at the end of a name: `JWT_ALGORITHM` and `TOKENS_PER_DAY` are none.
const LAST: &[&str] = &["JWT", "TOKENS"];

/// What words end in that are two, written as one: `PGPASSWORD`, `CLIENTSECRET`.
const ENDS: &[&str] = &[
    "ACCESSKEY",
    "APIKEY",
    "AUTHKEY",
    "CREDENTIAL",
    "CREDENTIALS",
    "ENCRYPTIONKEY",
    "PASS",
    "PASSPHRASE",
    "PASSWD",
    "PASSWORD",
    "PASSWORDS",
    "PRIVATEKEY",
    "PWD",
    "SECRET",
    "SECRETKEY",
    "SECRETS",
    "SIGNINGKEY",
    "TOKEN",
    "TOKENS",
];

/// Words that end so and are one.
const WHOLE: &[&str] = &["BYPASS", "COMPASS", "OVERPASS", "TRESPASS", "UNDERPASS"];

/// Pairs of words that make a secret.
const PAIRS: &[(&str, &str)] = &[
    ("ACCESS", "KEY"),
    ("API", "KEY"),
    ("API", "KEYS"),
    ("APP", "KEY"),
    ("AUTH", "KEY"),
    ("ENCRYPTION", "KEY"),
    ("MASTER", "KEY"),
    ("SIGNING", "KEY"),
];

/// What is counted is none: `MAX_TOKENS`.
const COUNTS: &[&str] = &["COUNT", "LIMIT", "MAX", "MIN", "NUM", "TOTAL"];

/// Names that nothing tells, by their programs' documentation.
const KNOWN: &[&str] = &["REDISCLI_AUTH"];

/// Whether a variable of that name holds a secret: `DB_PASSWORD`, `api-key`, `dbPassword`, `PGPASSWORD`, `TOKEN2`;
/// not `PASSENGERS`, nor `MAX_TOKENS`.
///
/// `…_FILE` names a file, by the images' convention.
pub fn is_secret_name(name: &str) -> bool {
    let words = words(name);
    let Some(last) = words.last() else {
        return false;
    };
    if last == "FILE" {
        return false;
    }
    let counts = |word: &str| COUNTS.iter().any(|count| word.starts_with(count));
    let plural = |word: &str| word.ends_with("TOKENS") && words.iter().any(|one| counts(one));
    let told = |(n, word): (usize, &String)| {
        let word = word.as_str();
        let end = n + 1 == words.len();
        if WORDS.contains(&word) || end && LAST.contains(&word) && !plural(word) {
            return true;
        }
        let one = WHOLE.iter().any(|whole| word.ends_with(whole)) || plural(word);
        end && !one && ENDS.iter().any(|mark| word.ends_with(mark))
    };
    words.iter().enumerate().any(told)
        || words.windows(2).any(|pair| match pair {
            [a, b] => PAIRS.contains(&(a, b)),
            _ => false,
        })
        || KNOWN.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// The words of a name in capitals, without numbers at their ends: divided by `_`, `-` and `.`, and where small
/// letters are followed by a capital one.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut small = false;
    for c in name.chars() {
        if "_-.".contains(c) || small && c.is_ascii_uppercase() {
            words.push(String::new());
        }
        small = c.is_ascii_lowercase() || small && c.is_ascii_digit();
        if let Some(word) = words.last_mut().filter(|_| !"_-.".contains(c)) {
            word.push(c.to_ascii_uppercase());
        }
    }
    for word in &mut words {
        let length = word.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        word.truncate(length);
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a text has a password in it that can be seen (`postgres://user:pass@host/`, `host=h password=x`).
pub fn has_credentials(text: &str) -> bool {
    secrets(text).any(|range| text.get(range).is_some_and(|text| !is_held(text)))
}

fn is_held(text: &str) -> bool {
    text.chars().all(|c| c == HELD)
}

/// Where passwords of a text's URLs stand.
fn passwords(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices("://").filter_map(|(at, mark)| {
        let start = at + mark.len();
        let rest = text.get(start..).unwrap_or_default();
        let end = rest
            .find(|c: char| "/?# \t\n\"'".contains(c))
            .unwrap_or(rest.len());
        let authority = rest.get(..end).unwrap_or_default();
        let (user, _) = authority.rsplit_once('@')?;
        let (name, password) = user.split_once(':')?;
        let start = start + name.len() + 1;
        (!password.is_empty()).then_some(start..start + password.len())
    })
}

/// Where values stand in a text whose names are secrets': `user=x,password=y`, `--password=x`, `Password=x;`,
/// `"token": "x"`, `--token x`.
fn pairs(text: &str) -> impl Iterator<Item = Range<usize>> {
    let word = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let flag = move |before: &str| before.starts_with('-') && before.chars().all(word);
    text.match_indices(['=', ':', ' '])
        .filter_map(move |(at, sign)| {
            let before = text.get(..at)?;
            let quoted = before.strip_suffix(['"', '\'']);
            if sign == ":" && quoted.is_none() {
                return None;
            }
            let before = quoted.unwrap_or(before);
            let name = before.rsplit(|c| !word(c)).next()?;
            let rest = text.get(at + 1..)?;
            let stray = sign == " " && (!name.starts_with('-') || rest.starts_with('-'));
            if stray || !is_secret_name(name) {
                return None;
            }
            let value = rest.trim_start_matches(if sign == ":" { " " } else { "" });
            let start = text.len() - value.len();
            let inner = value.strip_prefix(['"', '\'']);
            let length = match inner.and(value.chars().next()) {
                Some(quote) => {
                    let inner = inner.unwrap_or_default();
                    return some(start + 1, inner.find(quote).unwrap_or(inner.len()));
                }
                // A flag that is a word of its own.
                None if sign == "=" && flag(before) && !value.contains(" -") => value.len(),
                None => {
                    // A comma is one of the value, or ends it in a list of options.
                    let list = |at: usize| {
                        let rest = value.get(at + 1..).unwrap_or_default();
                        let next = rest.split([',', ' ']).next();
                        before.contains(',') || next.is_some_and(|next| next.contains('='))
                    };
                    let ends = |&(at, c): &(usize, char)| {
                        c.is_whitespace() || ";&\"'".contains(c) || c == ',' && list(at)
                    };
                    value
                        .char_indices()
                        .find(ends)
                        .map_or(value.len(), |end| end.0)
                }
            };
            some(start, length)
        })
}

fn some(start: usize, length: usize) -> Option<Range<usize>> {
    (length > 0).then_some(start..start + length)
}

/// Where what is secret stands in a text.
fn secrets(text: &str) -> impl Iterator<Item = Range<usize>> {
    passwords(text).chain(pairs(text))
}

/// Where what is secret stands in a text, in order and apart from each other.
pub(super) fn ranges(text: &str) -> Vec<Range<usize>> {
    let mut all: Vec<_> = secrets(text).collect();
    all.sort_by_key(|range| range.start);
    let mut apart: Vec<Range<usize>> = Vec::new();
    for range in all {
        match apart.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => apart.push(range),
        }
    }
    apart
}

/// What is secret in a word of a command, where no shell fills it in (`$NAME`, `$(cat FILE)`).
pub(super) fn of_command(text: &str) -> Vec<Range<usize>> {
    let mut all = ranges(text);
    let filled = |text: &str| {
        is_held(text)
            || is_reference(text)
            || ["$(", "${", "`"].iter().any(|mark| text.starts_with(mark))
    };
    all.retain(|range| text.get(range.clone()).is_some_and(|text| !filled(text)));
    all
}

/// What of the value of `name`, as it is written, makes a secret: all of it, or passwords in it.
pub(super) fn written<'t>(name: &str, text: &'t str) -> Vec<&'t str> {
    match is_secret_name(name) {
        true => vec![text],
        false => secrets(text).filter_map(|range| text.get(range)).collect(),
    }
}

/// The text of `key` with what is secret in it replaced by `***`. References to variables stay.
pub fn masked(key: &str, text: &str) -> String {
    const MASK: &str = "***";
    if text.is_empty() || is_reference(text) {
        return text.to_owned();
    }
    let open = |range: &Range<usize>| {
        text.get(range.clone())
            .is_some_and(|text| !is_reference(text))
    };
    if is_secret_name(key) || passwords(text).any(|range| open(&range)) || has_default(text) {
        return MASK.to_owned();
    }
    let mut shown = String::new();
    let mut from = 0;
    for range in ranges(text).into_iter().filter(open) {
        shown.push_str(text.get(from..range.start).unwrap_or_default());
        shown.push_str(MASK);
        from = range.end;
    }
    shown.push_str(text.get(from..).unwrap_or_default());
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
        is_secret_name(name) && !rest.starts_with('}')
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
            "PGPASSWORD",
            "dbPassword",
            "dbPassword2",
            "DbPasswordHash",
            "LDAPPASSWORD",
            "ROOTPASS",
            "SSHPASS",
            "SECRETKEY",
            "CLIENTSECRET",
            "APITOKEN",
            "MQTTTOKEN",
            "PASSWORDS",
            "TOKENS",
            "API_TOKENS",
            "CRED",
            "JWT",
            "REDISCLI_AUTH",
            "MYSQL_ROOT_PASSWORD2",
            "TS_AUTHKEY",
            "apiKeys",
            "spring.datasource.password",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "PASSENGERS",
            "COMPASS",
            "PROXY_BYPASS",
            "KEY",
            "KEYBOARD",
            "SECRETARY",
            "SACRED",
            "AUTHOR",
            "TOKENIZER",
            "POSTGRES_PASSWORD_FILE",
            "PGPASSFILE",
            "passwordFile",
            "TOKENS_PER_DAY",
            "MAX_TOKENS",
            "maxNewTokens",
            "MAXTOKENS",
            "JWT_ALGORITHM",
            "USER",
            "",
            "_",
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
            ("command", "--password=hunter 2", "--password=***"),
            (
                "command",
                "run --password=hunter -v",
                "run --password=*** -v",
            ),
            (
                "dsn",
                "user=a password=x host=h",
                "user=a password=*** host=h",
            ),
            ("dsn", "password='a b' host=h", "password='***' host=h"),
            ("dsn", "Server=h;Password=x;", "Server=h;Password=***;"),
            ("o", "password=a,b", "password=***"),
            ("o", "user=x,password=y,rw", "user=x,password=***,rw"),
            ("opts", "x --token y -v", "x --token *** -v"),
            (
                "json",
                r#"{"token": "a b", "n": 1}"#,
                r#"{"token": "***", "n": 1}"#,
            ),
            ("URL", "http://h/?token=x&n=1", "http://h/?token=***&n=1"),
            (
                "opts",
                "-Dmail.password=x -Xmx1g",
                "-Dmail.password=*** -Xmx1g",
            ),
            (
                "opts",
                "--max-tokens=9 --password-file=/x",
                "--max-tokens=9 --password-file=/x",
            ),
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
        assert!(has_credentials("user=a password=x host=h"));
        assert!(!has_credentials(&format!("user=a password={HELD} host=h")));
        assert!(!has_credentials("http://h:80/a@b"));
        assert!(!has_credentials("postgres://u@h/db"));
    }
}
