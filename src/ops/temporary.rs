//! Folders of this process's own.

use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use rustix::io::Errno;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Once;

/// A folder that only this user may look into, gone with this value. What a process that was killed left behind goes
/// when another one makes its first.
#[derive(Debug)]
pub struct Temporary {
    path: PathBuf,
    /// Held as long as it is somebody's: the system lets go of it however the process ends.
    _lock: Option<OwnedFd>,
    sweeper: Option<Sweeper>,
}

/// How the names begin.
const START: &str = "coasti-work-";

/// How many bytes of randomness follow, in hexadecimal.
const RANDOM: usize = 8;

impl Temporary {
    /// Where there is room. Why not, in words for the user, where that fails.
    pub fn new() -> Result<Self, String> {
        Self::below(&std::env::temp_dir())
    }

    /// In memory, for what no disk is to have, where that can be; tells whether it is.
    pub fn in_memory() -> Result<(Self, bool), String> {
        for folder in memory() {
            if let Ok(made) = Self::below(&folder) {
                return Ok((made, true));
            }
        }
        Ok((Self::new()?, false))
    }

    fn below(folder: &Path) -> Result<Self, String> {
        static SWEPT: Once = Once::new();
        SWEPT.call_once(|| {
            let all = memory().chain([std::env::temp_dir()]);
            all.for_each(|folder| sweep(&folder));
        });
        // Somebody who sweeps may have found it before it was locked.
        for _ in 0..10 {
            if let Some(made) = Self::made(folder)? {
                return Ok(made);
            }
        }
        Err(format!("no folder stays in {}", folder.display()))
    }

    /// None where somebody else took it away.
    fn made(folder: &Path) -> Result<Option<Self>, String> {
        let mut bytes = [0; RANDOM];
        getrandom::fill(&mut bytes).map_err(|error| format!("no randomness: {error}"))?;
        let path = folder.join(format!("{START}{}", crate::base::digest::hex(&bytes)));
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|error| format!("{} cannot be made: {error}", path.display()))?;
        let lock = match locked(&path) {
            Ok(lock) => Some(lock),
            Err(Errno::WOULDBLOCK | Errno::NOENT) => return Ok(None),
            // Where nothing can be locked, nothing is swept either.
            Err(_) => None,
        };
        Ok(path.exists().then_some(Self {
            path,
            _lock: lock,
            sweeper: None,
        }))
    }

    /// Likewise, and gone also where this process is killed.
    pub fn swept(mut self) -> Self {
        self.sweeper = Sweeper::of(&self.path);
        self
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Folders in memory.
fn memory() -> impl Iterator<Item = PathBuf> {
    let own = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let all = own.into_iter().chain([PathBuf::from("/dev/shm")]);
    all.filter(|folder| folder.is_absolute() && is_memory(folder))
}

/// Makes a folder this process's own, where it is nobody's.
fn locked(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = open(path, flags, Mode::empty())?;
    flock(&folder, FlockOperation::NonBlockingLockExclusive)?;
    Ok(folder)
}

/// Whether a name is one that coasti gives: somebody may call a folder nearly so.
fn is_ours(name: &str) -> bool {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let rest = name.strip_prefix(START);
    rest.is_some_and(|rest| rest.len() == 2 * RANDOM && rest.bytes().all(hex))
}

/// Removes what this user's processes left there that are no more: what is in use is locked.
fn sweep(folder: &Path) {
    let own = rustix::process::geteuid().as_raw();
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let ours = name.to_str().is_some_and(is_ours);
        if !ours || !entry.metadata().is_ok_and(|about| about.uid() == own) {
            continue;
        }
        let path = entry.path();
        if let Ok(_lock) = locked(&path) {
            let _ = fs::remove_dir_all(&path);
        }
    }
}

/// Removes a folder once this process is gone, however it goes: it waits for the end of a pipe that nobody else
/// holds.
#[derive(Debug)]
struct Sweeper(Child);

impl Sweeper {
    /// None where there is no shell: then the folder goes with its value alone.
    fn of(folder: &Path) -> Option<Self> {
        // What the process had started may still write into it for a moment.
        let script = "trap '' INT HUP TERM QUIT; cat >/dev/null; \
                      for n in 1 2 3 4 5; do rm -rf -- \"$1\"; [ -e \"$1\" ] || exit; sleep 1; done";
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", script, "coasti-sweeper"])
            .arg(folder)
            // Away from the terminal's keys.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.spawn().ok().map(Self)
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Whether what is written there stays in memory (tmpfs, ramfs).
fn is_memory(folder: &Path) -> bool {
    const KINDS: [u32; 2] = [0x0102_1994, 0x8584_58f6];
    rustix::fs::statfs(folder).is_ok_and(|about| {
        // Its type differs between machines, its low 32 bits do not.
        let kind = u64::try_from(about.f_type).unwrap_or_default();
        u32::try_from(kind & 0xffff_ffff).is_ok_and(|kind| KINDS.contains(&kind))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn it_is_for_its_owner_and_goes() {
        for made in [
            Temporary::new().unwrap(),
            Temporary::in_memory().unwrap().0,
            Temporary::new().unwrap().swept(),
        ] {
            let path = made.path().to_owned();
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
            fs::write(path.join("x"), "x").unwrap();
            drop(made);
            assert!(!path.exists());
        }
        assert!(!is_memory(Path::new("/proc")));
    }

    #[test]
    fn what_a_killed_process_left_goes_and_nothing_else() {
        let home = Temporary::new().unwrap();
        let names = || {
            let all = fs::read_dir(home.path()).unwrap();
            let mut names: Vec<_> = all
                .map(|one| one.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        };
        let made = |name: &str| {
            let path = home.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::write(path.join("x"), "x").unwrap();
            path
        };
        let left = made("coasti-work-00000000000000ff");
        let others = made("coasti-0123456789abcdef");
        for name in [
            "coasti-work-notes",
            "coasti-work-2",
            "coasti-work-00000000000000FF",
        ] {
            made(name);
        }
        std::os::unix::fs::symlink(&others, home.path().join("coasti-work-0123456789abcdef"))
            .unwrap();
        fs::write(home.path().join("coasti-work-fedcba9876543210"), "x").unwrap();
        let used = Temporary::made(home.path()).unwrap().unwrap();
        // As long as somebody has it.
        let held = locked(&left).unwrap();
        sweep(home.path());
        assert!(left.join("x").exists());
        drop(held);
        sweep(home.path());
        let used = used.path().file_name().unwrap().to_str().unwrap();
        let mut kept = [
            "coasti-0123456789abcdef",
            "coasti-work-0123456789abcdef",
            "coasti-work-2",
            "coasti-work-00000000000000FF",
            "coasti-work-fedcba9876543210",
            "coasti-work-notes",
            used,
        ];
        kept.sort();
        assert_eq!(names(), kept);
        assert!(others.join("x").exists());
    }
}
