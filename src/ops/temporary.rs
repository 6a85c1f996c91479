//! Folders of this process's own.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// A folder that only this user may look into, gone with this value.
#[derive(Debug)]
pub(super) struct Temporary(PathBuf);

impl Temporary {
    /// Why not, in words for the user, where that fails.
    pub(super) fn new() -> Result<Self, String> {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).map_err(|error| format!("no randomness: {error}"))?;
        let path =
            std::env::temp_dir().join(format!("coasti-{}", crate::base::digest::hex(&bytes)));
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|error| format!("{} cannot be made: {error}", path.display()))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
