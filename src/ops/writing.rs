//! Who writes into a stack's folder: one command at a time, on the machines that share its file system.

use super::OpError;
use crate::ops::folder::Disk;
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// How often a command that waits looks again.
const AGAIN: Duration = Duration::from_millis(50);

/// The folder's own descriptor is locked: there is no file of it for git to see, and it ends with its process.
const LOCKED: &str = "config";

/// What the names of files that are written beside their places end with.
pub(super) const NEW: &str = ".coasti-new";

/// Folders in which files are written beside their places.
const SWEPT: [&str; 2] = ["config", "config/secrets"];

/// That no other command of coasti's writes into a stack's folder, while this is held.
#[derive(Debug)]
pub struct Writing(#[allow(dead_code)] Option<OwnedFd>);

impl Writing {
    /// Begins to write, once whoever does has ended, at most `wait` from now. A file system without such locks
    /// (some networks' are) keeps nobody out.
    ///
    /// # Errors
    /// `OpError::Busy` where another command writes.
    pub fn begin(disk: &Disk, wait: Duration) -> Result<Self, OpError> {
        let path = disk.root().join(LOCKED);
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
        let Ok(folder) = rustix::fs::open(&path, flags, Mode::empty()) else {
            return Ok(Self(None));
        };
        let until = Instant::now() + wait;
        loop {
            match rustix::fs::flock(&folder, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {
                    sweep(disk.root());
                    return Ok(Self(Some(folder)));
                }
                Err(Errno::INTR) => {}
                Err(Errno::WOULDBLOCK) if Instant::now() < until => std::thread::sleep(AGAIN),
                Err(Errno::WOULDBLOCK) => return Err(OpError::Busy(holder(&path))),
                Err(_) => return Ok(Self(None)),
            }
        }
    }
}

/// Takes away what killed commands left: nobody else writes now.
fn sweep(root: &Path) {
    let folders = SWEPT
        .iter()
        .filter_map(|path| fs::read_dir(root.join(path)).ok());
    for entry in folders.flatten().flatten() {
        let name = entry.file_name();
        let left = name.to_str().is_some_and(|name| name.ends_with(NEW));
        if left && entry.file_type().is_ok_and(|kind| !kind.is_dir()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The process that holds the lock, and its command, as far as this machine tells.
fn holder(path: &Path) -> Option<String> {
    let path = path.canonicalize().ok()?;
    let inode = path.metadata().ok()?.ino();
    let locks = fs::read_to_string("/proc/locks").ok()?;
    let mut processes = locks.lines().filter_map(|line| locked_by(line, inode));
    let process = processes.find(|process| has_open(*process, &path))?;
    let words = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    Some(match command(&words) {
        Some(command) => format!("process {process}: {command}"),
        None => format!("process {process}"),
    })
}

/// The process that a line of `/proc/locks` is of: `1: FLOCK ADVISORY WRITE 4711 08:01:131 0 EOF`.
fn locked_by(line: &str, inode: u64) -> Option<u32> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [_, "FLOCK", _, "WRITE", process, place, ..] = words.as_slice() else {
        return None;
    };
    let of = place.rsplit(':').next()?;
    (of.parse() == Ok(inode)).then(|| process.parse().ok())?
}

/// Whether a process has a folder open. What another user's has is not told.
fn has_open(process: u32, path: &Path) -> bool {
    match fs::read_dir(format!("/proc/{process}/fd")) {
        Ok(open) => open
            .flatten()
            .any(|one| fs::read_link(one.path()).is_ok_and(|to| to == path)),
        Err(error) => error.kind() == std::io::ErrorKind::PermissionDenied,
    }
}

/// A command's words up to its options, whose values are nobody's business.
fn command(words: &[u8]) -> Option<String> {
    let words = String::from_utf8_lossy(words);
    let mut words = words.split('\0').filter(|word| !word.is_empty());
    let program = words.next()?.rsplit('/').next()?;
    let rest = words.take_while(|word| !word.starts_with("--"));
    let all: Vec<&str> = [program].into_iter().chain(rest).collect();
    Some(all.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::temporary::Temporary;

    fn stack() -> (Temporary, Disk) {
        let home = Temporary::new().unwrap();
        fs::create_dir_all(home.path().join("config/secrets")).unwrap();
        let disk = Disk::at(home.path());
        (home, disk)
    }

    #[test]
    fn one_writes_at_a_time_and_the_other_is_told_who() {
        let (_home, disk) = stack();
        let held = Writing::begin(&disk, Duration::ZERO).unwrap();
        let Err(OpError::Busy(who)) = Writing::begin(&disk, Duration::from_millis(1)) else {
            panic!("two write")
        };
        let who = who.unwrap();
        assert!(
            who.starts_with(&format!("process {}: ", std::process::id())),
            "{who}"
        );
        // Whoever waits goes on once the other has ended.
        let other = disk.clone();
        let waits = std::thread::spawn(move || Writing::begin(&other, Duration::from_secs(60)));
        drop(held);
        waits.join().unwrap().unwrap();
    }

    #[test]
    fn what_was_left_goes_once_nobody_else_writes() {
        let (home, disk) = stack();
        let at = |path: &str| home.path().join(path);
        fs::write(at("config/secrets/.token.00ff.coasti-new"), "secret").unwrap();
        fs::write(at("config/secrets/token"), "secret").unwrap();
        fs::create_dir(at("config/x.coasti-new")).unwrap();
        drop(Writing::begin(&disk, Duration::ZERO).unwrap());
        assert_eq!(fs::read_dir(at("config/secrets")).unwrap().count(), 1);
        assert!(at("config/x.coasti-new").is_dir());
    }

    #[test]
    fn a_holder_is_read_off_the_systems_list() {
        let line = "12: FLOCK  ADVISORY  WRITE 4711 fd:01:131 0 EOF";
        assert_eq!(locked_by(line, 131), Some(4711));
        assert_eq!(locked_by(line, 132), None);
        assert_eq!(
            locked_by("13: POSIX  ADVISORY  WRITE 4711 fd:01:131 0 EOF", 131),
            None
        );
        assert_eq!(
            locked_by("14: -> FLOCK  ADVISORY  WRITE 4711 fd:01:131 0 EOF", 131),
            None
        );
        assert_eq!(locked_by("", 131), None);
        let words = b"/usr/bin/coasti\0-C\0shop\0product\0update\0wiki\0--data\0{\"key\":\"x\"}\0";
        assert_eq!(
            command(words).as_deref(),
            Some("coasti -C shop product update wiki")
        );
        assert_eq!(command(b""), None);
    }
}
