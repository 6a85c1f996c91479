//! Files as data.

use crate::base::names;
use std::collections::BTreeMap;

/// A file or a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A file's content, and whether it may be executed.
    File {
        /// Its content.
        bytes: Vec<u8>,
        /// Whether it may be executed.
        executable: bool,
    },
    /// A symbolic link to a path.
    Link(String),
}

/// Files by their path, which is relative, with `/` between its parts. What is in a tree has a path that
/// [`check_path`] lets pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    entries: BTreeMap<String, Entry>,
    bytes: usize,
}

/// How many files a product may have.
pub const MOST_FILES: usize = 50_000;
/// How many bytes they may have in all.
pub const MOST_BYTES: usize = 256 << 20;

/// Why a path may not be written below a product's folder.
pub fn check_path(path: &str) -> Result<(), &'static str> {
    if path.is_empty() {
        return Err("it is empty");
    }
    if path.starts_with('/') {
        return Err("it is absolute");
    }
    if path.chars().any(char::is_control) {
        return Err("it has control characters");
    }
    if path.contains('\\') {
        return Err("it has a backslash");
    }
    for part in path.split('/') {
        match part {
            "" => return Err("one of its parts is empty"),
            "." | ".." => return Err("it has `.` or `..` as a part"),
            // Hooks and configuration there are commands that git runs.
            part if part.eq_ignore_ascii_case(".git") => return Err("it is in a `.git` folder"),
            part if part.len() > 255 => return Err("one of its parts is longer than 255 bytes"),
            _ => {}
        }
    }
    if path.len() > 4000 {
        return Err("it is longer than 4000 bytes");
    }
    Ok(())
}

impl Tree {
    /// Puts a file in; why not, where its path is not allowed or taken, or the tree grows too large.
    pub fn add(&mut self, path: &str, entry: Entry) -> Result<(), String> {
        check_path(path).map_err(|why| format!("`{}`: {why}", path.escape_debug()))?;
        let size = self.room(&entry)?;
        // A file where another path needs a folder.
        let mut above = path;
        while let Some((folder, _)) = above.rsplit_once('/') {
            if self.entries.contains_key(folder) {
                return Err(format!(
                    "`{folder}` is a file, and `{path}` needs it as a folder"
                ));
            }
            above = folder;
        }
        let below = format!("{path}/");
        if self
            .entries
            .range(below.clone()..)
            .next()
            .is_some_and(|(at, _)| at.starts_with(&below))
        {
            return Err(format!("`{path}` is a file, and a folder as well"));
        }
        if self.entries.insert(path.to_owned(), entry).is_some() {
            return Err(format!("`{path}` is there twice"));
        }
        self.bytes += size;
        Ok(())
    }

    /// How many bytes one more file has; why not, where that makes the tree too large.
    pub(super) fn room(&self, entry: &Entry) -> Result<usize, String> {
        if self.entries.len() >= MOST_FILES {
            return Err(format!("there are more than {MOST_FILES} files"));
        }
        let size = match entry {
            Entry::File { bytes, .. } => bytes.len(),
            Entry::Link(_) => 0,
        };
        match self.bytes.saturating_add(size) > MOST_BYTES {
            true => Err(format!("the files have more than {} MB", MOST_BYTES >> 20)),
            false => Ok(size),
        }
    }

    /// How many bytes its files have.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The file or link at a path.
    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// A file's text; none where it is none or not UTF-8.
    pub fn text(&self, path: &str) -> Option<&str> {
        match self.get(path)? {
            Entry::File { bytes, .. } => std::str::from_utf8(bytes).ok(),
            Entry::Link(_) => None,
        }
    }

    /// All, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries
            .iter()
            .map(|(path, entry)| (path.as_str(), entry))
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What a link in this tree stands for, followed up to eight times; none where it leads outside or nowhere.
    pub(super) fn follow(&self, path: &str) -> Option<&Entry> {
        let mut at = path.to_owned();
        for _ in 0..8 {
            let Entry::Link(target) = self.get(&at)? else {
                return self.get(&at);
            };
            at = join(&at, target)?;
        }
        None
    }
}

/// Where a link at `path` leads; none where that is outside.
pub(super) fn join(path: &str, target: &str) -> Option<String> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    names::join(folder, target)
}
