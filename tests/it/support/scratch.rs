//! A folder of a test's own, gone with it.

use std::{
    fs,
    path::{Path, PathBuf},
};

pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Self {
        let mut bytes = [0; 6];
        getrandom::fill(&mut bytes).unwrap();
        let name = format!("coasti-test-{}", coasti::base::digest::hex(&bytes));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
