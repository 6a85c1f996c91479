//! A stack's folder on disk.

use super::secrets::age::{self, Shut};
use super::writing::NEW;
use crate::base::Digest;
use crate::build::{Context, Rules, Unsendable};
use crate::config::secrets::{Content, Encrypted};
use crate::config::{Folder, Unreadable};
use crate::diag::Source;
use rustix::fs::OFlags;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::{
    collections::BTreeSet,
    fs,
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Files over this many MB are refused unread.
const MOST: u64 = 4;
const LARGEST: u64 = MOST * 1024 * 1024;

/// What some editors start a file with; it is no part of the text.
const MARK_OF_ORDER: char = '\u{feff}';

/// The file by which a stack's folder is recognised.
pub const MARK: &str = "config/products.yml";

/// A stack's folder.
#[derive(Clone, Debug)]
pub struct Disk {
    root: PathBuf,
}

impl Disk {
    /// The folder `start` or the nearest one above it that has `config/products.yml`.
    pub fn find(start: &Path) -> Option<Self> {
        let start = std::path::absolute(start).ok()?;
        start.ancestors().map(Self::at).find(Self::is_stack)
    }

    /// Exactly this folder.
    pub fn at(root: &Path) -> Self {
        Self {
            root: std::path::absolute(root).unwrap_or_else(|_| root.to_owned()),
        }
    }

    /// Whether it has the file by which a stack's folder is recognised, be it one that cannot be read.
    pub fn is_stack(&self) -> bool {
        self.root.join(MARK).symlink_metadata().is_ok()
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Replaces a file's text: a new file beside it, then one rename, so that it is never half written. Fails where
    /// the file is not what was read any more.
    pub fn replace(&self, source: &Source, text: &str) -> io::Result<()> {
        // Where the path is a link, it stays one.
        let path = source.path.canonicalize()?;
        let old = fs::read(&path)?;
        let mut mark = [0; MARK_OF_ORDER.len_utf8()];
        let mark = MARK_OF_ORDER.encode_utf8(&mut mark).as_bytes();
        // The mark is no part of the text, and stays all the same.
        let (mark, was) = match old.strip_prefix(mark) {
            Some(rest) => (mark, rest),
            None => (&[][..], old.as_slice()),
        };
        if was != source.text.as_bytes() {
            return Err(io::Error::other("it was changed meanwhile"));
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let new = path.with_file_name(beside(&name).map_err(io::Error::other)?);
        let write = || {
            let mut file = fs::File::create_new(&new)?;
            file.write_all(mark)?;
            file.write_all(text.as_bytes())?;
            file.set_permissions(fs::metadata(&path)?.permissions())?;
            file.sync_all()?;
            fs::rename(&new, &path)
        };
        let written = write();
        if written.is_err() {
            let _ = fs::remove_file(&new);
        }
        written
    }
}

/// A name for a file that is written beside its place: no other has it.
pub(super) fn beside(name: &str) -> Result<String, String> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| format!("no randomness: {error}"))?;
    // A name has at most 255 bytes.
    let name: String = name.chars().take(40).collect();
    let bytes = crate::base::digest::hex(&bytes);
    Ok(format!(".{name}.{bytes}{NEW}"))
}

/// A file's content; none where there is no file.
fn bytes(path: &Path) -> Result<Option<Vec<u8>>, Unreadable> {
    let absent = |error: &io::Error| {
        let kind = error.kind();
        matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
    };
    let wrong = |error: io::Error| Unreadable::Because(format!("cannot be read: {error}"));
    // Before it is opened: opening a pipe waits for somebody who writes, and a device may act on it.
    let about = match path.metadata() {
        Ok(about) => about,
        Err(error) if absent(&error) => {
            return match path.read_link() {
                Ok(to) => Err(Unreadable::Because(format!(
                    "is a link to {}, which is not there",
                    to.display()
                ))),
                Err(_) => Ok(None),
            };
        }
        Err(error) => return Err(wrong(error)),
    };
    check(&about)?;
    let file = match fs::OpenOptions::new()
        .read(true)
        // It may be another one by now.
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(path)
    {
        Ok(file) => file,
        Err(error) if absent(&error) => return Ok(None),
        Err(error) => return Err(wrong(error)),
    };
    check(&file.metadata().map_err(wrong)?)?;
    let mut bytes = Vec::new();
    // What grows while it is read, or tells no size (`/proc` does not), is cut off as well.
    file.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(wrong)?;
    if bytes.len() as u64 > LARGEST {
        return Err(Unreadable::TooLarge(MOST));
    }
    Ok(Some(bytes))
}

/// Only a regular file of bounded size is read.
fn check(about: &fs::Metadata) -> Result<(), Unreadable> {
    let kind = about.file_type();
    let what = if kind.is_file() {
        return match about.len() > LARGEST {
            true => Err(Unreadable::TooLarge(MOST)),
            false => Ok(()),
        };
    } else if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    };
    Err(Unreadable::Because(format!("is {what}, not a file")))
}

/// The references in an image archive, from its table of contents alone. One that is compressed, or of a form
/// that names no references, is not looked into: the engine does.
pub(super) fn archived(path: &Path) -> Result<Option<BTreeSet<String>>, String> {
    const PACKED: [&[u8]; 4] = [b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd"];
    const MOST_ENTRIES: usize = 100_000;
    let wrong = |error: io::Error| error.to_string();
    let mut file = fs::File::open(path).map_err(wrong)?;
    let mut start = Vec::new();
    (&file).take(8).read_to_end(&mut start).map_err(wrong)?;
    if PACKED.iter().any(|magic| start.starts_with(magic)) {
        return Ok(None);
    }
    file.rewind().map_err(wrong)?;
    let mut archive = tar::Archive::new(file);
    let entries = archive.entries_with_seek().map_err(wrong)?;
    let mut other_form = false;
    for entry in entries.take(MOST_ENTRIES) {
        let entry = entry.map_err(|_| "it is no tar archive".to_owned())?;
        let name = entry.path().map_err(wrong)?;
        let name = name.strip_prefix(".").unwrap_or(&name);
        other_form |= name == Path::new("index.json") || name == Path::new("repositories");
        if name != Path::new("manifest.json") {
            continue;
        }
        let mut text = Vec::new();
        entry.take(LARGEST).read_to_end(&mut text).map_err(wrong)?;
        #[derive(serde::Deserialize)]
        struct Saved {
            #[serde(rename = "RepoTags")]
            tags: Option<Vec<String>>,
        }
        let images: Vec<Saved> = serde_json::from_slice(&text)
            .map_err(|_| "its manifest.json cannot be read".to_owned())?;
        let tags = images.into_iter().flat_map(|image| image.tags);
        return Ok(Some(tags.flatten().collect()));
    }
    match other_form {
        true => Ok(None),
        false => Err("it has no manifest.json".to_owned()),
    }
}

impl Folder for Disk {
    fn read(&self, path: &str) -> Result<Option<Arc<Source>>, Unreadable> {
        let full = self.root.join(path);
        let Some(bytes) = bytes(&full)? else {
            return Ok(None);
        };
        let source = |text: &str| {
            Arc::new(Source::new(
                path,
                full.clone(),
                text.strip_prefix(MARK_OF_ORDER).unwrap_or(text),
            ))
        };
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(source(&text))),
            Err(error) => {
                let text = String::from_utf8_lossy(error.as_bytes());
                let skipped =
                    usize::from(text.starts_with(MARK_OF_ORDER)) * MARK_OF_ORDER.len_utf8();
                let at = error.utf8_error().valid_up_to();
                Err(Unreadable::NotText(
                    source(&text),
                    at.saturating_sub(skipped),
                ))
            }
        }
    }

    fn decrypt(&self, path: &str) -> Result<Option<Encrypted>, Unreadable> {
        let Some(bytes) = bytes(&self.root.join(path))? else {
            return Ok(None);
        };
        let content = match age::decrypt(&bytes, &age::identities()) {
            Ok(value) => Content::Open(value),
            Err(Shut::Locked(locked)) => Content::Locked(locked),
            Err(Shut::Broken(why)) => return Err(Unreadable::Because(why)),
        };
        Ok(Some(Encrypted {
            digest: Digest::of(&bytes),
            content,
        }))
    }

    fn mode(&self, path: &str) -> Option<u32> {
        let about = self.root.join(path).metadata().ok()?;
        Some(about.permissions().mode() & 0o7777)
    }

    fn exists(&self, path: &str) -> bool {
        self.root.join(path).is_file()
    }

    fn has_folder(&self, path: &str) -> bool {
        self.root.join(path).is_dir()
    }

    fn archived(&self, path: &str) -> Result<Option<BTreeSet<String>>, String> {
        archived(&self.root.join(path))
    }

    fn context(&self, path: &str, rules: &Rules) -> Result<Context, Unsendable> {
        crate::engine::context::look(&self.root.join(path), rules)
    }

    fn name(&self) -> String {
        self.root
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    /// A folder of the test's own, gone with it.
    struct Temporary(PathBuf);

    impl Temporary {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("coasti-{name}-{}", std::process::id()));
            fs::create_dir_all(path.join("config")).unwrap();
            Self(path)
        }
    }

    impl Drop for Temporary {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn why(path: &Path) -> String {
        bytes(path).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_file_is_refused_and_never_waited_for() {
        let folder = Temporary::new("kinds");
        let at = |name: &str| folder.0.join(name);
        mknodat(CWD, at("pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        assert_eq!(why(&at("pipe")), "is a named pipe, not a file");
        let _listening = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        assert_eq!(why(&at("socket")), "is a socket, not a file");
        assert_eq!(why(&at("config")), "is a directory, not a file");
        assert_eq!(why(Path::new("/dev/zero")), "is a device, not a file");
        std::os::unix::fs::symlink("nowhere", at("link")).unwrap();
        assert_eq!(why(&at("link")), "is a link to nowhere, which is not there");
        assert_eq!(bytes(&at("absent")), Ok(None));
        assert_eq!(bytes(&at("socket/file")), Ok(None));
    }

    #[test]
    fn large_files_are_refused_unread() {
        let folder = Temporary::new("large");
        let path = folder.0.join("large");
        let file = fs::File::create(&path).unwrap();
        file.set_len(LARGEST).unwrap();
        assert_eq!(bytes(&path).unwrap().unwrap().len() as u64, LARGEST);
        // Were it read, this would not fit into memory.
        file.set_len(1 << 42).unwrap();
        assert_eq!(bytes(&path), Err(Unreadable::TooLarge(4)));
    }

    #[test]
    fn a_wrong_byte_has_its_place() {
        let folder = Temporary::new("bytes");
        let path = folder.0.join("config/deploy.yml");
        fs::write(path, b"\xef\xbb\xbfstack: a\r\n# \xc3\xa9 \xe9\r\n").unwrap();
        let read = Disk::at(&folder.0).read("config/deploy.yml");
        let Err(Unreadable::NotText(source, at)) = read else {
            panic!("{read:?}")
        };
        assert_eq!(source.text, "stack: a\r\n# \u{e9} \u{fffd}\r\n");
        assert_eq!(source.text.get(at..at + 3), Some("\u{fffd}"));
    }

    #[test]
    fn an_image_archive_tells_what_it_has() {
        let folder = Temporary::new("archive");
        let disk = Disk::at(&folder.0);
        let write = |name: &str, files: &[(&str, &str)]| {
            let mut tar = tar::Builder::new(Vec::new());
            for (path, text) in files {
                let mut header = tar::Header::new_gnu();
                header.set_size(text.len() as u64);
                header.set_mode(0o644);
                tar.append_data(&mut header, path, text.as_bytes()).unwrap();
            }
            fs::write(folder.0.join(name), tar.into_inner().unwrap()).unwrap();
        };
        let manifest = r#"[{"RepoTags": ["a:1", "b:2"]}, {"RepoTags": null}]"#;
        write(
            "a.tar",
            &[("0/layer.tar", "x"), ("manifest.json", manifest)],
        );
        let tags = disk.archived("a.tar").unwrap().unwrap();
        assert_eq!(Vec::from_iter(tags), ["a:1", "b:2"]);
        write("oci.tar", &[("index.json", "{}")]);
        assert_eq!(disk.archived("oci.tar"), Ok(None));
        fs::write(folder.0.join("packed.tar.gz"), b"\x1f\x8b\x08\0").unwrap();
        assert_eq!(disk.archived("packed.tar.gz"), Ok(None));
        write("other.tar", &[("readme", "x")]);
        write("broken.tar", &[("manifest.json", "[")]);
        fs::write(folder.0.join("junk.tar"), "junk".repeat(500)).unwrap();
        fs::write(folder.0.join("empty.tar"), "").unwrap();
        for (name, why) in [
            ("other.tar", "it has no manifest.json"),
            ("broken.tar", "its manifest.json cannot be read"),
            ("junk.tar", "it is no tar archive"),
            ("empty.tar", "it has no manifest.json"),
        ] {
            assert_eq!(disk.archived(name), Err(why.to_owned()), "{name}");
        }
    }

    #[test]
    fn a_replaced_link_stays_a_link() {
        let folder = Temporary::new("replaced");
        let path = folder.0.join("config/deploy.yml");
        fs::write(folder.0.join("real.yml"), "a").unwrap();
        std::os::unix::fs::symlink("../real.yml", &path).unwrap();
        let disk = Disk::at(&folder.0);
        let source = disk.read("config/deploy.yml").unwrap().unwrap();
        disk.replace(&source, "b").unwrap();
        let again = disk.replace(&source, "c").unwrap_err();
        assert_eq!(again.to_string(), "it was changed meanwhile");
        assert!(path.symlink_metadata().unwrap().is_symlink());
        assert_eq!(fs::read_to_string(folder.0.join("real.yml")).unwrap(), "b");
        assert_eq!(fs::read_dir(folder.0.join("config")).unwrap().count(), 1);
    }

    #[test]
    fn a_replaced_text_keeps_its_mark_of_order() {
        let folder = Temporary::new("marked");
        let path = folder.0.join("config/deploy.yml");
        fs::write(&path, "\u{feff}a: 1\n").unwrap();
        let disk = Disk::at(&folder.0);
        let source = disk.read("config/deploy.yml").unwrap().unwrap();
        disk.replace(&source, "a: 2\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "\u{feff}a: 2\n");
    }

    #[test]
    fn a_folder_is_found_whatever_its_mark_is() {
        let folder = Temporary::new("mark");
        let below = folder.0.join("config");
        let mark = folder.0.join(MARK);
        mknodat(CWD, mark, FileType::Fifo, Mode::RUSR, 0).unwrap();
        assert_eq!(Disk::find(&below).unwrap().root(), folder.0);
    }
}
