//! Secrets of the stack's folder: `config/secrets/NAME`, or `NAME.age`, which is the same, encrypted.

use super::{Folder, Unreadable, codes};
use crate::base::{Digest, Secret, ValueId};
use crate::diag::{Diagnostic, Diagnostics, Origin, Place};
use std::collections::{BTreeMap, BTreeSet};

/// Where they are.
pub const FOLDER: &str = "config/secrets";

/// Who can open those that are encrypted: public keys, one a line.
pub const RECIPIENTS: &str = "config/secrets/recipients.txt";

/// What the names of encrypted ones end in.
pub const ENCRYPTED: &str = ".age";

/// Rights of a file that others than its owner have.
const OTHERS: u32 = 0o077;

/// Whether a file of these permission bits can be read by others than its owner.
pub fn is_open_to_others(mode: u32) -> bool {
    mode & OTHERS != 0
}

/// What is in an encrypted file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encrypted {
    /// The digest of the file as it is, encrypted.
    pub digest: Digest,
    /// Its content.
    pub content: Content,
}

/// A secret, as far as it can be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Its value, to the last byte.
    Open(Secret<String>),
    /// It is encrypted, and nothing here opens it.
    Locked(Locked),
}

/// Why a secret cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locked {
    /// In words that go on after the file's name.
    pub why: String,
    /// What to do.
    pub help: Vec<String>,
}

/// A secret that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What is in it.
    pub content: Content,
    /// Of one that is encrypted, the digest of its file.
    pub encrypted: Option<Digest>,
}

/// What the files ask for of secrets and generated values, and where they do.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Secrets of the folder, by name.
    pub secrets: BTreeMap<String, BTreeSet<Origin>>,
    /// Generated values.
    pub generated: BTreeMap<ValueId, BTreeSet<Origin>>,
}

/// Whether a secret can be called so.
pub fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !name.is_empty()
        && name.len() <= 200
        && !name.starts_with('.')
        && !is_public(name)
        && name.chars().all(allowed)
}

/// What a secret can be called.
pub const NAMES: &str =
    "a secret's name is letters, digits, `.`, `_` and `-`, and does not end in `.age`";

/// Whether a file among the secrets may be read by everybody, and committed.
pub fn is_public(file: &str) -> bool {
    file.ends_with(ENCRYPTED) || RECIPIENTS.rsplit('/').next() == Some(file)
}

/// Where a secret is that is not encrypted.
pub fn plain_path(name: &str) -> String {
    format!("{FOLDER}/{name}")
}

/// Where it is, encrypted.
pub fn encrypted_path(name: &str) -> String {
    format!("{FOLDER}/{name}{ENCRYPTED}")
}

/// Where it is that a value came from.
pub fn path(name: &str, is_encrypted: impl Fn(&ValueId) -> bool) -> String {
    match is_encrypted(&id(name, false)) {
        true => encrypted_path(name),
        false => plain_path(name),
    }
}

/// What its value is called: `whole`, as files get it, or as variables do.
pub fn id(name: &str, whole: bool) -> ValueId {
    ValueId::new(match whole {
        true => format!("secret:{name}:file"),
        false => format!("secret:{name}"),
    })
}

/// Finds a secret; says why where it cannot be had. `at` is where it is asked for.
pub fn find(
    folder: &dyn Folder,
    name: &str,
    at: Option<&Place>,
    d: &mut Diagnostics,
) -> Option<Found> {
    let error = |code, summary: String| Diagnostic::error(code, at.cloned(), summary);
    if !is_name(name) {
        let missing = error(codes::NO_SECRET, format!("no secret `{name}`"));
        d.push(missing.help(NAMES));
        return None;
    }
    let (plain_at, encrypted_at) = (plain_path(name), encrypted_path(name));
    let read = folder.read(&plain_at);
    let plain = had(read, &plain_at, at, d)?.map(|source| Secret::new(source.text.clone()));
    let encrypted = had(folder.decrypt(&encrypted_at), &encrypted_at, at, d)?;
    if plain.is_some() && folder.mode(&plain_at).is_some_and(is_open_to_others) {
        let summary = format!("others on this machine can read `{plain_at}`");
        let warning = Diagnostic::warning(codes::OPEN_SECRET, None, summary);
        d.push(warning.help(format!("chmod 600 {plain_at}")));
    }
    match (plain, encrypted) {
        (None, None) => {
            let missing = error(codes::NO_SECRET, format!("no secret `{name}`"));
            d.push(missing.help(format!(
                "coasti secret set {name}, or put its value into `{plain_at}`, readable by you only"
            )));
            None
        }
        (Some(plain), None) => Some(Found {
            content: Content::Open(plain),
            encrypted: None,
        }),
        (None, Some(Encrypted { digest, content })) => Some(Found {
            content,
            encrypted: Some(digest),
        }),
        (Some(plain), Some(Encrypted { digest, content })) => {
            let why = match &content {
                Content::Open(opened) if *opened == plain => {
                    return Some(Found {
                        content,
                        encrypted: Some(digest),
                    });
                }
                Content::Open(_) => "with different values",
                Content::Locked(_) => "and nothing here can tell whether they are the same",
            };
            let twice = format!("`{plain_at}` and `{encrypted_at}` are both there, {why}");
            d.push(
                error(codes::SECRET_TWICE, twice)
                    .help(format!(
                        "what others have is the encrypted one: rm {plain_at}"
                    ))
                    .help(format!("if the other one holds: rm {encrypted_at}")),
            );
            None
        }
    }
}

/// What was read; none where that failed, which is said.
fn had<T>(
    read: Result<T, Unreadable>,
    path: &str,
    at: Option<&Place>,
    d: &mut Diagnostics,
) -> Option<T> {
    let why = match read {
        Ok(read) => return Some(read),
        // What is wrong in it is nobody's to see.
        Err(Unreadable::NotText(..)) => "is not UTF-8".to_owned(),
        Err(why) => why.to_string(),
    };
    d.push(Diagnostic {
        at: at.cloned(),
        ..broken(path, &why)
    });
    None
}

/// An age identity that others can read: it opens everything.
pub fn shared_identity(path: &str) -> Diagnostic {
    let summary = format!("others on this machine can read `{path}`, your age identity");
    Diagnostic::warning(codes::OPEN_SECRET, None, summary).help(format!("chmod 600 {path}"))
}

/// A plain secret that git keeps.
pub fn committed(name: &str) -> Diagnostic {
    let path = plain_path(name);
    let summary = format!("git keeps `{path}`, which is not encrypted");
    Diagnostic::warning(codes::COMMITTED_SECRET, None, summary)
        .help(format!(
            "git rm --cached {path}, or coasti secret set --encrypt {name}"
        ))
        .help("then change its value: what was committed before can still be read")
}

/// A file that is not what it should be.
pub fn broken(path: &str, why: &str) -> Diagnostic {
    Diagnostic::error(codes::NO_SECRET, None, format!("`{path}` {why}"))
}

/// A secret as a variable holds it: editors end a file with a line break that nobody means.
pub fn for_variable(
    name: &str,
    value: &Secret<String>,
    at: Option<&Place>,
    d: &mut Diagnostics,
) -> Option<Secret<String>> {
    let text = value.expose();
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    let error = |summary| Diagnostic::error(codes::NO_SECRET, at.cloned(), summary);
    if text.is_empty() {
        let empty = error(format!("the secret `{name}` is empty"));
        d.push(empty.help("an empty password would let everybody in: put a value into it"));
        return None;
    }
    if text.contains('\0') {
        let summary = format!("the secret `{name}` has a NUL byte, which no variable can hold");
        d.push(error(summary));
        return None;
    }
    Some(Secret::new(text.to_owned()))
}

/// A locked secret, where its value is needed.
pub fn locked(name: &str, locked: &Locked, at: Option<&Place>) -> Diagnostic {
    let summary = format!("`{}` {}", encrypted_path(name), locked.why);
    let mut error = Diagnostic::error(codes::LOCKED_SECRET, at.cloned(), summary);
    error.help.clone_from(&locked.help);
    error
}
