//! The encryption of secrets: age, with keys of its own kind. Who can open them is in a file that is committed;
//! what opens them is with whoever works.

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::secrecy::ExposeSecret as _;
use age::x25519::{Identity, Recipient};
use age::{DecryptError, Decryptor, Encryptor};
use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::base::Secret;
use crate::config::secrets::{Locked, RECIPIENTS, is_open_to_others};

/// The identity itself.
pub const KEY: &str = "COASTI_AGE_KEY";
/// The file that it is in.
pub const KEY_FILE: &str = "COASTI_AGE_KEY_FILE";
/// Where it is otherwise, in the user's folder of configuration.
const USUAL: &str = "coasti/identities.txt";

const START_OF_IDENTITY: &str = "AGE-SECRET-KEY-1";

/// What opens secrets, and where it was found.
#[derive(Clone)]
pub struct Identities {
    keys: Vec<Identity>,
    /// For messages.
    from: String,
}

impl std::fmt::Debug for Identities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} identities of {}", self.keys.len(), self.from)
    }
}

/// What a command is told by its surroundings.
type Variable<'a> = &'a dyn Fn(&str) -> Option<OsString>;

fn surroundings(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Where identities are looked for where no variable says so; none where nobody has a home.
fn usual(variable: Variable<'_>) -> Option<PathBuf> {
    let folder = match variable("XDG_CONFIG_HOME").map(PathBuf::from) {
        Some(folder) if folder.is_absolute() => folder,
        _ => PathBuf::from(variable("HOME")?).join(".config"),
    };
    Some(folder.join(USUAL))
}

/// The file in which an identity of this user's is kept.
pub fn identity_file() -> Option<PathBuf> {
    surroundings(KEY_FILE)
        .map(PathBuf::from)
        .or_else(|| usual(&surroundings))
}

/// The identity's file, where others than this user can read it.
pub fn shared_file() -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    if surroundings(KEY).is_some() {
        return None;
    }
    let path = identity_file()?;
    let mode = std::fs::metadata(&path).ok()?.permissions().mode() & 0o7777;
    is_open_to_others(mode).then_some(path)
}

/// The identities at hand: those of the first place that has some.
pub fn identities() -> Result<Identities, Locked> {
    find(&surroundings)
}

fn find(variable: Variable<'_>) -> Result<Identities, Locked> {
    if let Some(text) = variable(KEY) {
        return read(&text.to_string_lossy(), KEY);
    }
    let named = variable(KEY_FILE).map(PathBuf::from);
    let usual = usual(variable);
    let Some(path) = named.as_ref().or(usual.as_ref()) else {
        return Err(none(None));
    };
    let shown = match &named {
        Some(path) => format!("{} ({KEY_FILE})", path.display()),
        None => path.display().to_string(),
    };
    match std::fs::read_to_string(path) {
        Ok(text) => read(&text, &shown),
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
            Err(none(usual.as_deref()))
        }
        Err(error) => Err(Locked {
            why: format!("is encrypted, and {shown} cannot be read: {error}"),
            help: vec![format!(
                "{KEY_FILE} is the path of a file with your age identity"
            )],
        }),
    }
}

/// There is no identity.
fn none(usual: Option<&Path>) -> Locked {
    let usual = usual.map_or_else(String::new, |path| {
        format!(" or put it at {}", path.display())
    });
    Locked {
        why: "is encrypted, and there is no age identity here".to_owned(),
        help: vec![
            format!("name the file of yours with {KEY_FILE}, give it itself as {KEY},{usual}"),
            "without one, what somebody who has one applied from this very file can be planned and applied".to_owned(),
        ],
    }
}

/// Identities as `age-keygen` writes them. No line is told of but by its number.
fn read(text: &str, from: &str) -> Result<Identities, Locked> {
    let wrong = |why: &str, help: &str| Locked {
        why: format!("is encrypted, and {from} {why}"),
        help: vec![help.to_owned()],
    };
    let open = "open it first, as in COASTI_AGE_KEY=\"$(age -d FILE)\" coasti …";
    if text.starts_with("age-encryption.org/") || text.starts_with("-----BEGIN AGE ENCRYPTED") {
        return Err(wrong("is encrypted itself", open));
    }
    if text.starts_with("-----BEGIN") {
        let help = "make an age identity (coasti secret keygen)";
        return Err(wrong("has an ssh key, which is not supported", help));
    }
    let mut keys = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match line.parse() {
            Ok(key) => keys.push(key),
            Err(_) => {
                let why = format!("has no age identity in line {}", number + 1);
                let help = format!("a line of it starts with `{START_OF_IDENTITY}`, or with `#`");
                return Err(wrong(&why, &help));
            }
        }
    }
    if keys.is_empty() {
        return Err(wrong(
            "has no identity in it",
            "coasti secret keygen makes one",
        ));
    }
    let from = from.to_owned();
    Ok(Identities { keys, from })
}

impl Identities {
    /// The public keys of these.
    pub fn recipients(&self) -> Vec<String> {
        let keys = self.keys.iter();
        keys.map(|key| key.to_public().to_string()).collect()
    }
}

/// A new identity, as text, with its public key.
pub fn generate() -> (Secret<String>, String) {
    let key = Identity::generate();
    let public = key.to_public().to_string();
    (
        Secret::new(key.to_string().expose_secret().to_owned()),
        public,
    )
}

/// Why something could not be opened.
#[derive(Debug, PartialEq, Eq)]
pub enum Shut {
    /// It is not what it should be, in words that go on after its name.
    Broken(String),
    /// Nothing at hand opens it.
    Locked(Locked),
}

/// Opens what was encrypted.
pub fn decrypt(
    bytes: &[u8],
    identities: &Result<Identities, Locked>,
) -> Result<Secret<String>, Shut> {
    let broken = |why: &str| Shut::Broken(why.to_owned());
    let damaged = |error: DecryptError| match error {
        DecryptError::UnknownFormat => {
            broken("is damaged, or of a version of age that is not known")
        }
        DecryptError::Io(error) => Shut::Broken(format!("is damaged: {error}")),
        _ => broken("is damaged: it is not what was encrypted"),
    };
    if ![&b"age-encryption.org/"[..], b"-----BEGIN AGE "]
        .iter()
        .any(|start| bytes.starts_with(start))
    {
        return Err(broken("is no age file"));
    }
    let reader = Decryptor::new_buffered(ArmoredReader::new(bytes)).map_err(damaged)?;
    if reader.is_scrypt() {
        return Err(broken("is encrypted with a passphrase, not for recipients"));
    }
    let identities = identities.as_ref().map_err(|no| Shut::Locked(no.clone()))?;
    let keys = identities.keys.iter().map(|key| key as &dyn age::Identity);
    let mut reader = reader.decrypt(keys).map_err(|error| match error {
        DecryptError::NoMatchingKeys => Shut::Locked(Locked {
            why: format!("is not encrypted for {}", identities.from),
            help: vec![format!(
                "somebody who can open it puts your public key ({}) into {RECIPIENTS} and runs \
                 `coasti secret rekey`",
                identities.recipients().join(", ")
            )],
        }),
        other => damaged(other),
    })?;
    let mut text = Vec::new();
    reader
        .read_to_end(&mut text)
        .map_err(|_| broken("is damaged: it is not what was encrypted"))?;
    let text = String::from_utf8(text).map_err(|_| broken("holds something that is not UTF-8"))?;
    Ok(Secret::new(text))
}

/// Who can open what is encrypted.
#[derive(Clone)]
pub struct Recipients(Vec<Recipient>);

impl std::fmt::Debug for Recipients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} recipients", self.0.len())
    }
}

/// Reads public keys, one a line; `#` starts a line that says whose the next one is.
///
/// # Errors
/// What is wrong, and in which line. What stands there is not told: it may be a secret key.
pub fn recipients(text: &str) -> Result<Recipients, (usize, String)> {
    let mut all: Vec<Recipient> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let why = match line.parse::<Recipient>() {
            Ok(one) => {
                if !all.iter().any(|other| other.to_string() == one.to_string()) {
                    all.push(one);
                }
                continue;
            }
            Err(_) if line.to_ascii_uppercase().starts_with("AGE-SECRET-KEY") => {
                "is a secret key: it opens everything. Take it out, make another one, and where this was committed, \
                 change every secret"
            }
            Err(_) if line.starts_with("ssh-") || line.starts_with("ecdsa-") => {
                "is an ssh key, which is not supported: ask for an age key (coasti secret keygen)"
            }
            Err(_) => {
                "is no public key of age: one starts with `age1`, and what follows `#` is left out"
            }
        };
        return Err((number + 1, why.to_owned()));
    }
    Ok(Recipients(all))
}

impl Recipients {
    /// The public keys.
    pub fn keys(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

/// Encrypts for all of `recipients`, as text. None comes back where there are none.
pub fn encrypt(value: &Secret<String>, recipients: &Recipients) -> Option<Vec<u8>> {
    let keys = recipients.0.iter().map(|key| key as &dyn age::Recipient);
    let encryptor = Encryptor::with_recipients(keys).ok()?;
    let write = || {
        let armor = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?;
        let mut writer = encryptor.wrap_output(armor)?;
        writer.write_all(value.expose().as_bytes())?;
        writer.finish()?.finish()
    };
    let written: std::io::Result<_> = write();
    written.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn value(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    fn of(key: &Secret<String>) -> Result<Identities, Locked> {
        read(key.expose(), "the test")
    }

    fn why(shut: Shut) -> String {
        match shut {
            Shut::Broken(why) => why,
            Shut::Locked(locked) => locked.why,
        }
    }

    fn told(bytes: &[u8], who: &Result<Identities, Locked>) -> String {
        why(decrypt(bytes, who).unwrap_err())
    }

    #[test]
    fn what_is_encrypted_is_opened_by_each_recipient_and_nobody_else() {
        let [(one, public), (two, other), (three, _)] = [(); 3].map(|()| generate());
        let both = recipients(&format!("# one\n{public}\n\n{other}\n{public}\n")).unwrap();
        assert_eq!(both.keys(), [public.clone(), other]);
        for text in [
            "swordfish",
            "",
            "-----\nline\r\nother \u{fc}\n",
            &"x".repeat(200_000),
        ] {
            let bytes = encrypt(&value(text), &both).unwrap();
            assert!(bytes.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----\n"));
            for key in [&one, &two] {
                assert_eq!(decrypt(&bytes, &of(key)), Ok(value(text)));
            }
            let shut = decrypt(&bytes, &of(&three)).unwrap_err();
            assert_eq!(why(shut), "is not encrypted for the test");
        }
        assert!(encrypt(&value("x"), &recipients("# nobody\n").unwrap()).is_none());
        assert_eq!(of(&one).unwrap().recipients(), [public]);
        assert!(!format!("{:?}", of(&one).unwrap()).contains(one.expose().as_str()));
    }

    #[test]
    fn what_is_no_age_file_or_damaged_is_told_with_or_without_an_identity() {
        let (key, public) = generate();
        let bytes = encrypt(&value("swordfish"), &recipients(&public).unwrap()).unwrap();
        let nobody = Err(none(None));
        for who in [&of(&key), &nobody] {
            assert_eq!(told(b"", who), "is no age file");
            assert_eq!(told(b"hunter2\n", who), "is no age file");
        }
        assert_eq!(
            told(&bytes, &nobody),
            "is encrypted, and there is no age identity here"
        );
        let text = String::from_utf8(bytes.clone()).unwrap();
        // Cut off, changed in the middle of its content, and with an end that is not its own.
        let lines: Vec<&str> = text.lines().collect();
        let [head @ .., last, end] = lines.as_slice() else {
            panic!("{text}")
        };
        let swapped = if last.starts_with('A') { "B" } else { "A" };
        let changed = format!("{}\n{swapped}{}\n{end}\n", head.join("\n"), &last[1..]);
        for broken in [&text[..text.len() / 2], &changed, &format!("{text}more\n")] {
            assert!(
                told(broken.as_bytes(), &of(&key)).contains("damaged"),
                "{} {broken}",
                told(broken.as_bytes(), &of(&key))
            );
        }
    }

    #[test]
    fn identities_are_found_in_one_place_after_another() {
        let home = crate::ops::temporary::Temporary::new().unwrap();
        let [(one, first), (two, second), (three, third)] = [(); 3].map(|()| generate());
        let write = |path: &str, key: &Secret<String>| {
            let path = home.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, format!("# mine\n{}\n", key.expose())).unwrap();
            path.into_os_string()
        };
        write(".config/coasti/identities.txt", &one);
        let file = write("other.txt", &two);
        let found = |set: &[(&'static str, OsString)]| {
            let home = ("HOME", home.path().into());
            let set: BTreeMap<_, _> = set.iter().cloned().chain([home]).collect();
            find(&|name| set.get(name).cloned()).map(|found| found.recipients())
        };
        assert_eq!(found(&[]), Ok(vec![first]));
        assert_eq!(found(&[(KEY_FILE, file.clone())]), Ok(vec![second]));
        let text = OsString::from(three.expose());
        assert_eq!(found(&[(KEY_FILE, file), (KEY, text)]), Ok(vec![third]));
        let gone = found(&[(KEY_FILE, "/nowhere/at/all".into())]).unwrap_err();
        assert!(
            gone.why
                .contains("/nowhere/at/all (COASTI_AGE_KEY_FILE) cannot be read")
        );
        let elsewhere = found(&[("XDG_CONFIG_HOME", home.path().join("none").into())]).unwrap_err();
        assert!(
            elsewhere.help[0].ends_with("none/coasti/identities.txt"),
            "{elsewhere:?}"
        );
    }

    #[test]
    fn nothing_that_may_be_a_secret_is_repeated() {
        let (key, public) = generate();
        for (text, told) in [
            ("", "no identity in it"),
            ("# only words\n", "no identity in it"),
            ("\nhunter2\n", "no age identity in line 2"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2", "ssh key"),
            (
                "age-encryption.org/v1\n-> scrypt hunter2",
                "encrypted itself",
            ),
            (&public, "no age identity in line 1"),
        ] {
            let locked = read(text, "the file").unwrap_err();
            assert!(locked.why.contains(told), "{locked:?}");
            assert!(!format!("{locked:?}").contains("hunter2"));
        }
        for (text, line, told) in [
            ("hunter2".to_owned(), 1, "no public key"),
            (format!("{public} alice"), 1, "no public key"),
            (format!("{public}\n\nssh-ed25519 AAAA"), 3, "ssh key"),
            (format!("# mine\n{}", key.expose()), 2, "secret key"),
        ] {
            let (number, why) = recipients(&text).unwrap_err();
            assert!(number == line && why.contains(told), "{number}: {why}");
            assert!(!why.contains("hunter2") && !why.contains(key.expose().as_str()));
        }
    }
}
