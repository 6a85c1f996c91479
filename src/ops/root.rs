//! Writing below a folder, whatever links stand in the way: each folder is opened from the one above
//! it without following links, so that nothing outside is ever touched.

use super::folder::beside;
use crate::config::secrets;
use crate::template::{Entry, check_path};
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

/// A folder to write below.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    fd: OwnedFd,
}

/// Why something could not be written.
pub(super) type Wrong = String;

const FOLDER: OFlags = OFlags::DIRECTORY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

impl Root {
    pub(super) fn open(path: &Path) -> Result<Self, Wrong> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
        let fd = rustix::fs::openat(CWD, path, flags, Mode::empty())
            .map_err(|error| format!("{} cannot be opened: {error}", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            fd,
        })
    }

    /// The folder that a path is in, and its name there. Without `make`, none comes back where a folder is missing.
    fn parent<'p>(&self, path: &'p str, make: bool) -> Result<Option<(OwnedFd, &'p str)>, Wrong> {
        check_path(path).map_err(|why| format!("`{}`: {why}", path.escape_debug()))?;
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut at = self.fd.try_clone().map_err(|error| error.to_string())?;
        let mut seen = PathBuf::new();
        for part in folders.split('/').filter(|part| !part.is_empty()) {
            seen.push(part);
            let open =
                |at: &OwnedFd| rustix::fs::openat(at, part, FOLDER | OFlags::RDONLY, Mode::empty());
            let next = match (open(&at), make) {
                (Err(Errno::NOENT), false) => return Ok(None),
                (Err(Errno::NOENT), true) => {
                    let mode = if part == "secrets" { 0o700 } else { 0o777 };
                    let mode = Mode::from_raw_mode(mode);
                    match rustix::fs::mkdirat(&at, part, mode) {
                        Ok(()) | Err(Errno::EXIST) => {}
                        Err(error) => return Err(self.wrong(&seen, error)),
                    }
                    open(&at)
                }
                (other, _) => other,
            };
            at = next.map_err(|error| match error {
                Errno::LOOP | Errno::NOTDIR => format!(
                    "{} is no folder (a link is not followed)",
                    self.path.join(&seen).display()
                ),
                error => self.wrong(&seen, error),
            })?;
        }
        Ok(Some((at, name)))
    }

    fn wrong(&self, path: &Path, error: Errno) -> Wrong {
        format!("{}: {error}", self.path.join(path).display())
    }

    /// What stands at a path; an error for what is neither a file nor a link.
    pub(super) fn read(&self, path: &str) -> Result<Option<Entry>, Wrong> {
        let Some((folder, name)) = self.parent(path, false)? else {
            return Ok(None);
        };
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        match rustix::fs::openat(&folder, name, flags, Mode::empty()) {
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::LOOP) => {
                let target = rustix::fs::readlinkat(&folder, name, Vec::new())
                    .map_err(|error| self.wrong(Path::new(path), error))?;
                Ok(Some(Entry::Link(target.to_string_lossy().into_owned())))
            }
            Err(error) => Err(self.wrong(Path::new(path), error)),
            Ok(fd) => {
                let mut file = File::from(fd);
                let about = file.metadata().map_err(|error| error.to_string())?;
                if !about.is_file() {
                    return Err(format!("{} is no file", self.path.join(path).display()));
                }
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes)
                    .map_err(|error| format!("{path}: {error}"))?;
                use std::os::unix::fs::PermissionsExt as _;
                let executable = about.permissions().mode() & 0o100 != 0;
                Ok(Some(Entry::File { bytes, executable }))
            }
        }
    }

    /// Puts an entry at a path: a new file beside it, then one rename.
    pub(super) fn write(&self, path: &str, entry: &Entry) -> Result<(), Wrong> {
        self.stage(path, entry)?.commit()
    }

    /// Writes an entry whole beside its path, to take its place once all that belongs together is written.
    pub(super) fn stage(&self, path: &str, entry: &Entry) -> Result<Staged, Wrong> {
        let Some((folder, name)) = self.parent(path, true)? else {
            return Err(format!("{path}: no folder"));
        };
        let staged = Staged {
            folder,
            new: beside(name)?,
            name: name.to_owned(),
            shown: self.path.join(path),
            done: false,
        };
        let (folder, new) = (&staged.folder, staged.new.as_str());
        let wrong = |error: Errno| self.wrong(Path::new(path), error);
        match entry {
            Entry::Link(target) => {
                rustix::fs::symlinkat(target.as_str(), folder, new).map_err(wrong)?
            }
            Entry::File { bytes, executable } => {
                let mode = match (is_private(path), executable) {
                    (true, _) => Mode::RUSR | Mode::WUSR,
                    (false, true) => Mode::from_raw_mode(0o777),
                    (false, false) => Mode::from_raw_mode(0o666),
                };
                let flags = OFlags::WRONLY
                    | OFlags::CREATE
                    | OFlags::EXCL
                    | OFlags::NOFOLLOW
                    | OFlags::CLOEXEC;
                let fd = rustix::fs::openat(folder, new, flags, mode).map_err(wrong)?;
                let mut file = File::from(fd);
                file.write_all(bytes)
                    .and_then(|()| file.sync_all())
                    .map_err(|error| format!("{path}: {error}"))?;
            }
        }
        Ok(staged)
    }

    /// Copies a file with its rights; those of others go where it holds secrets.
    pub(super) fn copy(&self, path: &str, from: &Path, secret: bool) -> Result<(), Wrong> {
        let Some((folder, name)) = self.parent(path, true)? else {
            return Err(format!("{path}: no folder"));
        };
        let unreadable = |error: std::io::Error| format!("{}: {error}", from.display());
        let mut from_file = File::open(from).map_err(unreadable)?;
        let about = from_file.metadata().map_err(unreadable)?;
        let kept = match secret || is_private(path) {
            true => 0o700,
            false => 0o777,
        };
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let wrong = |error: Errno| self.wrong(Path::new(path), error);
        let fd = rustix::fs::openat(&folder, name, flags, Mode::RUSR | Mode::WUSR);
        let mut file = File::from(fd.map_err(wrong)?);
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::Permissions::from_mode(about.permissions().mode() & kept);
        std::io::copy(&mut from_file, &mut file)
            .and_then(|_| file.set_permissions(mode))
            .and_then(|()| file.sync_all())
            .map_err(|error| format!("{path}: {error}"))
    }

    /// Gives a file or folder another name, in one step. A file takes another one's place, a folder none that is not
    /// empty.
    pub(super) fn rename(&self, from: &str, to: &str) -> Result<(), Wrong> {
        let (Some((old, name)), Some((new, to_name))) =
            (self.parent(from, false)?, self.parent(to, true)?)
        else {
            return Err(format!("{from}: no folder"));
        };
        match rustix::fs::renameat(&old, name, &new, to_name) {
            // A folder of it is on another disk.
            Err(Errno::XDEV) => {
                let entry = self.read(from)?.ok_or_else(|| format!("{from}: no file"))?;
                self.write(to, &entry)?;
                self.remove(from)
            }
            Err(error) => Err(self.wrong(Path::new(to), error)),
            Ok(()) => {
                let _ = rustix::fs::fsync(&new);
                Ok(())
            }
        }
    }

    /// Whether something stands at a path.
    pub(super) fn is_there(&self, path: &str) -> Result<bool, Wrong> {
        let Some((folder, name)) = self.parent(path, false)? else {
            return Ok(false);
        };
        match rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(self.wrong(Path::new(path), error)),
        }
    }

    /// Makes a folder, and those above it.
    pub(super) fn make_folder(&self, path: &str) -> Result<(), Wrong> {
        self.parent(&format!("{path}/x"), true).map(drop)
    }

    /// Takes a file or link away.
    pub(super) fn remove(&self, path: &str) -> Result<(), Wrong> {
        let Some((folder, name)) = self.parent(path, false)? else {
            return Ok(());
        };
        match rustix::fs::unlinkat(&folder, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(self.wrong(Path::new(path), error)),
        }
    }

    /// Takes a folder away with all that is in it. Links in it go, what they lead to stays.
    pub(super) fn remove_folder(&self, path: &str) -> Result<(), Wrong> {
        // Opened first: that none of the folders above is a link.
        let Some((_, _)) = self.parent(path, false)? else {
            return Ok(());
        };
        match std::fs::remove_dir_all(self.path.join(path)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(format!("{path}: {error}"))
            }
            _ => Ok(()),
        }
    }

    /// Whether a link is at a path.
    pub(super) fn is_link(&self, path: &str) -> bool {
        std::fs::symlink_metadata(self.path.join(path)).is_ok_and(|about| about.is_symlink())
    }

    /// Whether a folder is at a path, not a link to one.
    pub(super) fn is_folder(&self, path: &str) -> bool {
        std::fs::symlink_metadata(self.path.join(path)).is_ok_and(|about| about.is_dir())
    }
}

/// An entry that is written, beside its place. It goes where it does not take it.
#[derive(Debug)]
pub(super) struct Staged {
    folder: OwnedFd,
    new: String,
    name: String,
    shown: PathBuf,
    done: bool,
}

impl Staged {
    /// Takes its place, in one step.
    pub(super) fn commit(mut self) -> Result<(), Wrong> {
        let (folder, new, name) = (&self.folder, self.new.as_str(), self.name.as_str());
        rustix::fs::renameat(folder, new, folder, name)
            .map_err(|error| format!("{}: {error}", self.shown.display()))?;
        // Some file systems cannot, and keep the order by themselves.
        let _ = rustix::fs::fsync(folder);
        self.done = true;
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.done {
            let _ = rustix::fs::unlinkat(&self.folder, self.new.as_str(), AtFlags::empty());
        }
    }
}

/// Files that hold secrets are for their owner only, unless they are encrypted.
fn is_private(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let secret = path.split('/').rev().skip(1).any(|part| part == "secrets");
    secret && !secrets::is_public(name) || name.ends_with(".env") || name.starts_with(".env.")
}

/// Whether two have one content.
pub(super) fn same(one: &Entry, other: &Entry) -> bool {
    match (one, other) {
        (Entry::File { bytes, .. }, Entry::File { bytes: others, .. }) => bytes == others,
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::temporary::Temporary;
    use std::fs;

    fn file(text: &str) -> Entry {
        Entry::File {
            bytes: text.as_bytes().to_vec(),
            executable: false,
        }
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        let home = Temporary::new().unwrap();
        let (base, outside) = (home.path().join("stack"), home.path().join("outside"));
        fs::create_dir_all(base.join("products")).unwrap();
        fs::create_dir_all(&outside).unwrap();
        fs::write(outside.join("kept"), "kept").unwrap();
        let root = Root::open(&base).unwrap();
        // A folder that is a link, in the middle and at the start.
        std::os::unix::fs::symlink(&outside, base.join("products/shop")).unwrap();
        std::os::unix::fs::symlink("../outside", base.join("tools")).unwrap();
        for path in ["products/shop/kept", "products/shop/a/b", "tools/kept"] {
            assert!(
                root.write(path, &file("x"))
                    .unwrap_err()
                    .contains("a link is not followed"),
                "{path}"
            );
            assert!(
                root.remove(path).is_err()
                    && root.read(path).is_err()
                    && root.remove_folder(path).is_err(),
                "{path}"
            );
        }
        for path in [
            "/etc/x",
            "../outside/kept",
            "a/../../outside/kept",
            ".git/hooks/x",
        ] {
            assert!(
                root.write(path, &file("x")).is_err() && root.remove(path).is_err(),
                "{path}"
            );
        }
        // A file that is a link is replaced, not written through.
        std::os::unix::fs::symlink("../../outside/kept", base.join("products/file")).unwrap();
        root.write("products/file", &file("new")).unwrap();
        assert_eq!(
            fs::read_to_string(base.join("products/file")).unwrap(),
            "new"
        );
        assert_eq!(fs::read_to_string(outside.join("kept")).unwrap(), "kept");
        // Removing a folder leaves what its links lead to.
        fs::create_dir(base.join("products/wiki")).unwrap();
        std::os::unix::fs::symlink(&outside, base.join("products/wiki/data")).unwrap();
        root.remove_folder("products/wiki").unwrap();
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
        // What is no file is not read, and never waited for.
        rustix::fs::mknodat(
            CWD,
            base.join("pipe"),
            rustix::fs::FileType::Fifo,
            Mode::RUSR,
            0,
        )
        .unwrap();
        assert!(root.read("pipe").unwrap_err().contains("is no file"));
    }

    #[test]
    fn what_is_staged_takes_its_place_at_once_or_goes() {
        let home = Temporary::new().unwrap();
        let base = home.path();
        let root = Root::open(base).unwrap();
        root.write("config/a", &file("old")).unwrap();
        let names = || {
            let all = fs::read_dir(base.join("config")).unwrap();
            let mut names: Vec<_> = all.map(|one| one.unwrap().file_name()).collect();
            names.sort();
            names
        };
        let staged = root.stage("config/a", &file("new")).unwrap();
        assert_eq!(fs::read_to_string(base.join("config/a")).unwrap(), "old");
        assert_eq!(names().len(), 2);
        drop(staged);
        assert_eq!(names(), ["a"]);
        let staged = root.stage("config/a", &file("new")).unwrap();
        staged.commit().unwrap();
        assert_eq!(fs::read_to_string(base.join("config/a")).unwrap(), "new");
        assert_eq!(names(), ["a"]);
    }

    #[test]
    fn only_what_is_encrypted_may_be_read_by_others() {
        for path in [
            "config/secrets/a",
            "products/x/config/secrets/y/z",
            "x/.env",
            "a.env",
            ".env.prod",
        ] {
            assert!(is_private(path), "{path}");
        }
        for path in [
            "config/secrets/a.age",
            "config/secrets/recipients.txt",
            "config/a",
        ] {
            assert!(!is_private(path), "{path}");
        }
    }
}
