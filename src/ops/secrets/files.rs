//! Secrets as files of the stack's folder: read, written, encrypted anew.

use super::age::{self, Recipients};
use crate::base::Secret;
use crate::config::Folder as _;
use crate::config::secrets::{
    self, Content, ENCRYPTED, FOLDER, Found, RECIPIENTS, encrypted_path, is_name, plain_path,
};
use crate::diag::Diagnostics;
use crate::ops::OpError;
use crate::ops::folder::Disk;
use crate::ops::root::{Root, Staged};
use crate::template::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Larger ones are no secrets, and their encrypted form would not be read.
const MOST_MB: usize = 2;

/// How a secret stands in the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `NAME`, for its owner only, not committed.
    Plain,
    /// `NAME.age`, committed.
    Encrypted,
}

/// What there is of a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// The permission bits of the plain one.
    pub plain: Option<u32>,
    /// Whether there is an encrypted one.
    pub encrypted: bool,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// The file, from the stack's folder.
    pub path: String,
    /// What is worth knowing.
    pub notes: Vec<String>,
}

fn io(why: String) -> OpError {
    OpError::usage(why, &[])
}

fn file(bytes: Vec<u8>) -> Entry {
    Entry::File {
        bytes,
        executable: false,
    }
}

/// All secrets that have a file, by name.
pub fn all(disk: &Disk) -> Result<BTreeMap<String, Files>, OpError> {
    let folder = disk.root().join(FOLDER);
    let wrong = |error: std::io::Error| io(format!("{}: {error}", folder.display()));
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(wrong(error)),
    };
    let mut all: BTreeMap<String, Files> = BTreeMap::new();
    for entry in entries {
        let entry = entry.map_err(wrong)?;
        // Products have links to folders of theirs here.
        let Ok(about) = entry.path().metadata() else {
            continue;
        };
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if !about.is_file() {
            continue;
        }
        match name.strip_suffix(ENCRYPTED) {
            Some(name) if is_name(name) => all.entry(name.to_owned()).or_default().encrypted = true,
            None if is_name(&name) => {
                all.entry(name).or_default().plain = Some(about.permissions().mode() & 0o7777);
            }
            _ => {}
        }
    }
    Ok(all)
}

/// What is there of one secret.
fn of(disk: &Disk, name: &str) -> Files {
    Files {
        plain: disk.mode(&plain_path(name)),
        encrypted: disk.mode(&encrypted_path(name)).is_some(),
    }
}

/// A secret's value, to the last byte; none where it has no file.
///
/// # Errors
/// What is wrong with its files, or why it cannot be opened.
pub fn get(disk: &Disk, name: &str) -> Result<Option<Secret<String>>, OpError> {
    named(name)?;
    if of(disk, name) == Files::default() {
        return Ok(None);
    }
    let mut d = Diagnostics::new();
    match secrets::find(disk, name, None, &mut d) {
        Some(Found {
            content: Content::Open(value),
            ..
        }) => return Ok(Some(value)),
        Some(Found {
            content: Content::Locked(locked),
            ..
        }) => d.push(secrets::locked(name, &locked, None)),
        None => {}
    }
    Err(OpError::Files(d))
}

/// Refuses what cannot be a secret's name.
pub fn named(name: &str) -> Result<(), OpError> {
    match is_name(name) {
        true => Ok(()),
        false => Err(OpError::usage(
            format!("`{name}` cannot be a secret's name"),
            &[secrets::NAMES],
        )),
    }
}

/// Refuses what cannot be a secret's value.
pub fn proper(value: &Secret<String>) -> Result<(), OpError> {
    let text = value.expose();
    let why = if text.trim_end_matches(['\r', '\n']).is_empty() {
        "the value is empty".to_owned()
    } else if text.contains('\0') {
        "the value has a NUL byte, which no variable can hold".to_owned()
    } else if text.len() > MOST_MB << 20 {
        format!("the value has more than {MOST_MB} MB")
    } else {
        return Ok(());
    };
    Err(OpError::usage(why, &["nothing was changed"]))
}

/// Who can open what is encrypted; none where nothing is to be.
pub fn recipients(disk: &Disk) -> Result<Option<Recipients>, OpError> {
    let text = match disk.read(RECIPIENTS) {
        Ok(Some(source)) => source.text.clone(),
        Ok(None) => return Ok(None),
        Err(why) => return Err(io(format!("{RECIPIENTS} {why}"))),
    };
    let all = age::recipients(&text).map_err(|(line, why)| {
        OpError::usage(
            format!("{RECIPIENTS}:{line}: what stands there {why}"),
            &["a line is the public key of one who can open secrets: age1…"],
        )
    })?;
    Ok(Some(all).filter(|all| !all.keys().is_empty()))
}

fn for_whom(disk: &Disk) -> Result<Recipients, OpError> {
    recipients(disk)?.ok_or_else(|| {
        OpError::usage(
            format!("{RECIPIENTS} lists nobody who could open what is encrypted"),
            &[
                "coasti secret keygen puts your public key there, and makes your identity where you have none",
            ],
        )
    })
}

/// Writes a secret, as `form`, else as it stands there, else encrypted where the folder has recipients.
pub fn put(
    disk: &Disk,
    name: &str,
    value: &Secret<String>,
    form: Option<Form>,
) -> Result<Put, OpError> {
    named(name)?;
    proper(value)?;
    let there = of(disk, name);
    let form = match (form, there.encrypted, there.plain) {
        (Some(form), ..) => form,
        (None, true, _) => Form::Encrypted,
        (None, false, Some(_)) => Form::Plain,
        (None, false, None) => match recipients(disk)? {
            Some(_) => Form::Encrypted,
            None => Form::Plain,
        },
    };
    let (path, other) = match form {
        Form::Plain => (plain_path(name), encrypted_path(name)),
        Form::Encrypted => (encrypted_path(name), plain_path(name)),
    };
    let root = Root::open(disk.root()).map_err(io)?;
    if let Some(Entry::Link(to)) = root.read(&path).map_err(io)? {
        return Err(OpError::usage(
            format!("{path} is a link to {to}, and what it leads to is not written"),
            &["change it where it is, or remove the link"],
        ));
    }
    let mut notes = Vec::new();
    let bytes = match form {
        Form::Plain => {
            notes.extend(ignore(disk, &root, &path)?);
            value.expose().clone().into_bytes()
        }
        Form::Encrypted => {
            let whom = for_whom(disk)?;
            notes.extend(shuts_out(&whom));
            notes.extend(ignored(disk, &path));
            encrypted(value, &whom)?
        }
    };
    root.write(&path, &file(bytes)).map_err(io)?;
    root.remove(&other).map_err(io)?;
    Ok(Put { path, notes })
}

fn encrypted(value: &Secret<String>, whom: &Recipients) -> Result<Vec<u8>, OpError> {
    age::encrypt(value, whom).ok_or_else(|| io("encrypting failed".to_owned()))
}

/// Whether whoever works here could not open what is encrypted for these.
fn is_shut_out(whom: &Recipients) -> bool {
    let Ok(mine) = age::identities() else {
        return false;
    };
    let keys = whom.keys();
    !mine.recipients().iter().any(|mine| keys.contains(mine))
}

fn shuts_out(whom: &Recipients) -> Option<String> {
    is_shut_out(whom).then(|| format!("you cannot open it: {RECIPIENTS} does not list your key"))
}

/// Takes a secret's files away.
pub fn remove(disk: &Disk, name: &str) -> Result<(), OpError> {
    named(name)?;
    let root = Root::open(disk.root()).map_err(io)?;
    root.remove(&plain_path(name)).map_err(io)?;
    root.remove(&encrypted_path(name)).map_err(io)
}

/// Encrypts all that is encrypted anew, for those that are recipients now: all of it, or nothing where
/// something cannot be opened or written. Returns the names.
pub fn rekey(disk: &Disk, without_me: bool) -> Result<Vec<String>, OpError> {
    let whom = for_whom(disk)?;
    if is_shut_out(&whom) && !without_me {
        return Err(OpError::usage(
            format!("{RECIPIENTS} does not list your key: you could not open anything afterwards"),
            &[
                "coasti secret keygen puts it there",
                "--without-me if that is meant",
            ],
        ));
    }
    let root = Root::open(disk.root()).map_err(io)?;
    let identities = age::identities();
    let mut d = Diagnostics::new();
    let mut staged: Vec<(String, Vec<u8>, Staged)> = Vec::new();
    let names = all(disk)?.into_iter().filter(|(_, files)| files.encrypted);
    for (name, _) in names {
        let path = encrypted_path(&name);
        let bytes = match root.read(&path).map_err(io)? {
            Some(Entry::File { bytes, .. }) => bytes,
            Some(Entry::Link(to)) => {
                let what = format!("{path} is a link to {to}, and what it leads to is not written");
                return Err(OpError::usage(what, &["remove the link first"]));
            }
            None => continue,
        };
        match age::decrypt(&bytes, &identities) {
            Ok(value) => {
                let new = file(encrypted(&value, &whom)?);
                let new = root.stage(&path, &new).map_err(io)?;
                staged.push((name, bytes, new));
            }
            Err(age::Shut::Locked(locked)) => {
                d.push(secrets::locked(&name, &locked, None));
                if identities.is_err() {
                    break;
                }
            }
            Err(age::Shut::Broken(why)) => d.push(secrets::broken(&path, &why)),
        }
    }
    if d.has_errors() {
        return Err(OpError::Files(d));
    }
    let mut done: Vec<(String, Vec<u8>)> = Vec::new();
    for (name, before, new) in staged {
        if let Err(why) = new.commit() {
            // Those that are written become what they were.
            for (name, before) in done {
                root.write(&encrypted_path(&name), &file(before))
                    .map_err(io)?;
            }
            return Err(io(why));
        }
        done.push((name, before));
    }
    Ok(done.into_iter().map(|(name, _)| name).collect())
}

/// An identity that there is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Its file, where it was made.
    pub file: Option<PathBuf>,
    /// Public keys.
    pub recipients: Vec<String>,
    /// What is worth knowing.
    pub notes: Vec<String>,
}

/// Makes sure that whoever works here has an identity and is a recipient. `whose` tells of it in the list.
/// Tells whether the list is another one now.
pub fn keygen(disk: &Disk, whose: &str) -> Result<(Keys, bool), OpError> {
    let root = Root::open(disk.root()).map_err(io)?;
    let before = recipients(disk)?;
    let mut keys = match age::identities() {
        Ok(mine) => Keys {
            file: None,
            recipients: mine.recipients(),
            notes: Vec::new(),
        },
        Err(locked) => new_identity(&locked)?,
    };
    let listed = before.map(|all| all.keys()).unwrap_or_default();
    let new: Vec<_> = keys
        .recipients
        .iter()
        .filter(|key| !listed.contains(key))
        .collect();
    if new.is_empty() {
        keys.notes.extend(let_in(disk, &root)?);
        return Ok((keys, false));
    }
    let mut text = match root.read(RECIPIENTS).map_err(io)? {
        Some(Entry::File { bytes, .. }) => String::from_utf8_lossy(&bytes).into_owned(),
        Some(Entry::Link(to)) => {
            let what = format!("{RECIPIENTS} is a link to {to}, and what it leads to is not written");
            return Err(OpError::usage(what, &["remove the link first"]));
        }
        None => "# Who can open what is encrypted here (NAME.age). After a change: coasti secret rekey\n".into(),
    };
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    for key in new {
        text += &format!("# {whose}\n{key}\n");
    }
    root.write(RECIPIENTS, &file(text.into_bytes()))
        .map_err(io)?;
    keys.notes.extend(let_in(disk, &root)?);
    Ok((keys, true))
}

/// Makes an identity where there is none. One that is there and cannot be read is left alone.
fn new_identity(locked: &secrets::Locked) -> Result<Keys, OpError> {
    use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
    let Some(path) = age::identity_file() else {
        let what = "there is no place for an identity: neither HOME nor COASTI_AGE_KEY_FILE is set";
        return Err(OpError::usage(what, &[]));
    };
    let wrong = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => OpError::Usage {
            what: format!("{} is there and is no identity", path.display()),
            help: locked.help.clone(),
        },
        _ => io(format!("{} cannot be written: {error}", path.display())),
    };
    if let Some(folder) = path.parent() {
        let mut make = std::fs::DirBuilder::new();
        make.recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(wrong)?;
    }
    let (identity, public) = age::generate();
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(wrong)?;
    let text = format!("# public key: {public}\n{}\n", identity.expose());
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all());
    if let Err(error) = written {
        let _ = std::fs::remove_file(&path);
        return Err(wrong(error));
    }
    Ok(Keys {
        file: Some(path),
        recipients: vec![public],
        notes: Vec::new(),
    })
}

/// Git, in the stack's folder; none where there is none or it fails.
fn git(disk: &Disk, arguments: &[&str]) -> Option<std::process::Output> {
    let mut git = Command::new("git");
    git.arg("-C").arg(disk.root()).args(arguments);
    git.stdin(Stdio::null()).output().ok()
}

fn is_in_git(disk: &Disk) -> bool {
    let mut above = disk.root().ancestors();
    above.any(|folder| folder.join(".git").symlink_metadata().is_ok())
}

/// Whether git leaves a path out; none where it cannot be asked.
fn is_ignored(disk: &Disk, path: &str) -> Option<bool> {
    let said = git(disk, &["check-ignore", "-q", "--no-index", "--", path])?;
    match said.status.code() {
        Some(0) => Some(true),
        Some(1) => Some(false),
        _ => None,
    }
}

/// Lines that keep plain secrets out of git, and encrypted ones in.
const IGNORE: &str = "/config/secrets/*\n!/config/secrets/*.age\n!/config/secrets/recipients.txt\n";

/// The file that says what git leaves out.
const LIST: &str = ".gitignore";

/// Makes git leave a plain secret out, before it is there.
fn ignore(disk: &Disk, root: &Root, path: &str) -> Result<Option<String>, OpError> {
    if !is_in_git(disk) || is_ignored(disk, path) == Some(true) {
        return Ok(None);
    }
    let note = "keeps plain secrets out of git now: commit it";
    let added = format!("# Secrets that are not encrypted.\n{IGNORE}");
    if mend(root, &added, IGNORE)? {
        return Ok(Some(format!("{LIST} {note}")));
    }
    let why =
        format!("git does not ignore {path}, although {LIST} says so, or is a link: see to it");
    Ok(is_ignored(disk, path).is_some().then_some(why))
}

/// Adds to what git leaves out; tells whether it did: not to a link, and not what is there.
fn mend(root: &Root, added: &str, there: &str) -> Result<bool, OpError> {
    let mut text = match root.read(LIST).map_err(io)? {
        Some(Entry::File { bytes, .. }) => String::from_utf8_lossy(&bytes).into_owned(),
        None => String::new(),
        Some(Entry::Link(_)) => return Ok(false),
    };
    if text.contains(there) {
        return Ok(false);
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    root.write(LIST, &file((text + added).into_bytes()))
        .map_err(io)?;
    Ok(true)
}

/// Makes git take who can open secrets: it is to be committed.
fn let_in(disk: &Disk, root: &Root) -> Result<Option<String>, OpError> {
    if !is_in_git(disk) || is_ignored(disk, RECIPIENTS) != Some(true) {
        return Ok(None);
    }
    let line = format!("!/{RECIPIENTS}\n");
    if mend(root, &line, &line)? && is_ignored(disk, RECIPIENTS) != Some(true) {
        let note = format!("{LIST} lets {RECIPIENTS} into git now: commit it");
        return Ok(Some(note));
    }
    Ok(ignored(disk, RECIPIENTS))
}

/// Git leaves out what is to be committed.
fn ignored(disk: &Disk, path: &str) -> Option<String> {
    if !is_in_git(disk) || is_ignored(disk, path) != Some(true) {
        return None;
    }
    let said = git(disk, &["check-ignore", "-v", "--no-index", "--", path])?;
    let said = String::from_utf8_lossy(&said.stdout);
    let by = said.split('\t').next().unwrap_or_default().to_owned();
    Some(format!(
        "git ignores {path} ({by}), and it is to be committed: write {} in its place",
        IGNORE.trim_end().replace('\n', ", ")
    ))
}

/// Plain secrets that git keeps: whoever has the repository has them.
pub fn committed(disk: &Disk) -> BTreeSet<String> {
    if !is_in_git(disk) {
        return BTreeSet::new();
    }
    let listed = git(disk, &["ls-files", "-z", "--", FOLDER]);
    let listed = listed.filter(|said| said.status.success());
    let text = listed.map(|said| String::from_utf8_lossy(&said.stdout).into_owned());
    let paths = text.iter().flat_map(|text| text.split('\0'));
    let names = paths.filter_map(|path| Path::new(path).strip_prefix(FOLDER).ok()?.to_str());
    names
        .filter(|name| is_name(name))
        .map(str::to_owned)
        .collect()
}
