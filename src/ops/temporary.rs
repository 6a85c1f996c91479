//! Folders of this process's own.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A folder that only this user may look into, gone with this value.
#[derive(Debug)]
pub struct Temporary(PathBuf, Option<Sweeper>);

impl Temporary {
    /// Where there is room. Why not, in words for the user, where that fails.
    pub fn new() -> Result<Self, String> {
        Self::below(&std::env::temp_dir())
    }

    /// In memory, for what no disk is to have, where that can be; tells whether it is.
    pub fn in_memory() -> Result<(Self, bool), String> {
        let own = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let memory = own.into_iter().chain([PathBuf::from("/dev/shm")]);
        for folder in memory.filter(|folder| folder.is_absolute() && is_memory(folder)) {
            if let Ok(made) = Self::below(&folder) {
                return Ok((made, true));
            }
        }
        Ok((Self::new()?, false))
    }

    fn below(folder: &Path) -> Result<Self, String> {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).map_err(|error| format!("no randomness: {error}"))?;
        let path = folder.join(format!("coasti-{}", crate::base::digest::hex(&bytes)));
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|error| format!("{} cannot be made: {error}", path.display()))?;
        Ok(Self(path, None))
    }

    /// Likewise, and gone also where this process is killed.
    pub fn swept(mut self) -> Self {
        self.1 = Sweeper::of(&self.0);
        self
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
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
}
