//! Files on disk for as long as a test's thread lives.

use std::{
    cell::RefCell,
    fs,
    path::{Path, PathBuf},
};

thread_local! {
    static ALL: RefCell<Vec<Written>> = const { RefCell::new(Vec::new()) };
}

struct Written(PathBuf);

impl Drop for Written {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A folder with these files.
pub fn written<'a>(files: impl IntoIterator<Item = (&'a String, &'a String)>) -> PathBuf {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).unwrap();
    let name = format!("coasti-written-{}", coasti::base::digest::hex(&bytes));
    let folder = std::env::temp_dir().join(name);
    for (path, text) in files {
        write(&folder.join(path), text);
    }
    ALL.with_borrow_mut(|all| all.push(Written(folder.clone())));
    folder
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}
