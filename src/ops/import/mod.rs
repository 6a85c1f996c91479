//! Making a stack of what was written for other systems: everything is checked before anything is written, and
//! what runs already is looked at, so that the first plan takes it over.

pub mod compose;
pub mod dtaas;
mod found;
mod metadata;
pub mod nua;
mod yaml;

use super::error::OpError;
use super::folder::{Disk, MARK, beside};
use super::init;
use super::root::Root;
use crate::config::{self, Folder, Unreadable};
use crate::diag::{Diagnostics, Source};
use crate::template::Entry;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What an import did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// The stack's folder.
    pub folder: PathBuf,
    /// Its name.
    pub stack: String,
    /// What became of each app.
    pub sites: Vec<Made>,
    /// Files that were written, relative to the folder.
    pub written: Vec<String>,
    /// What was left out, and why; what could not be looked at.
    pub notes: Vec<String>,
    /// What to do next.
    pub next: Vec<String>,
    /// Warnings about the files.
    #[serde(skip)]
    pub warnings: Diagnostics,
}

/// What became of an app.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Made {
    /// The site's label.
    pub label: String,
    /// The product that it runs.
    pub product: String,
    /// Its domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Where it was written before: `FILE:LINE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Where the definition of its product was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    /// Containers that the first apply takes over.
    pub takes_over: Vec<Taken>,
}

/// A container that is taken over.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Taken {
    /// Its name.
    pub container: String,
    /// Its id.
    pub id: String,
    /// What it does.
    pub status: String,
    /// Volumes and directories that it writes to.
    pub data: Vec<String>,
    /// Ports of the host that it publishes.
    pub ports: Vec<String>,
}

/// A folder that is to be written: what is in it already, with files on top.
struct Draft {
    disk: Disk,
    files: BTreeMap<String, Arc<Source>>,
    /// Files that are copied as they are.
    copies: BTreeMap<String, PathBuf>,
}

impl Draft {
    fn new(root: &Path) -> Self {
        Self {
            disk: Disk::at(root),
            files: BTreeMap::new(),
            copies: BTreeMap::new(),
        }
    }

    /// What a stack's folder has besides what it is about.
    fn add_surroundings(&mut self) {
        for (path, text) in init::surroundings() {
            self.add(&path, text);
        }
    }

    /// A file of coasti's own, which an editor finds the schema of.
    fn add_known(&mut self, path: &str, schema: &str, text: &str) {
        let depth = path.matches('/').count();
        let schema = format!("{}schemas/{schema}.schema.json", "../".repeat(depth));
        let text = format!("# yaml-language-server: $schema={schema}\n{text}");
        self.add(path, text);
    }

    /// A file of coasti's own.
    fn add(&mut self, path: &str, text: String) {
        let source = Source::new(path, self.disk.root().join(path), text);
        self.files.insert(path.to_owned(), Arc::new(source));
    }

    /// A file of the user's, which is told by its own name.
    fn add_from(&mut self, path: &str, source: &Arc<Source>) {
        // Folders that it mounts are told as they will be.
        let source = Source::new(
            source.name.clone(),
            self.disk.root().join(path),
            source.text.clone(),
        );
        self.files.insert(path.to_owned(), Arc::new(source));
    }

    /// Reads the folder as it will be.
    fn check(&self) -> Result<Diagnostics, OpError> {
        let mut diagnostics = Diagnostics::new();
        let desired = config::read(self, &mut diagnostics);
        match desired.is_some() && !diagnostics.has_errors() {
            true => Ok(diagnostics),
            false => Err(OpError::Files(diagnostics)),
        }
    }

    /// Writes what is new below `folder`; the file by which a stack's folder is known comes last.
    fn write(&self, folder: &Path) -> Result<Vec<String>, OpError> {
        let wrong = |why: String| OpError::usage(why, &["nothing else was changed"]);
        let root = Root::open(folder).map_err(wrong)?;
        for path in init::FOLDERS {
            root.make_folder(path).map_err(wrong)?;
        }
        let mut files: Vec<_> = self.files.iter().collect();
        files.sort_by_key(|(path, _)| (path.as_str() == MARK, path.as_str()));
        for (path, from) in &self.copies {
            let to = folder.join(path);
            let made = fs::create_dir_all(to.parent().unwrap_or(folder));
            // A second name of the file costs nothing; on another disk it is copied.
            let copied = made
                .and_then(|()| fs::hard_link(from, &to).or_else(|_| fs::copy(from, &to).map(drop)));
            copied.map_err(|error| wrong(format!("{}: {error}", to.display())))?;
        }
        for (path, source) in &files {
            let entry = Entry::File {
                bytes: source.text.clone().into_bytes(),
                executable: false,
            };
            root.write(path, &entry).map_err(wrong)?;
        }
        let files = files.into_iter().map(|(path, _)| path.clone());
        let mut written: Vec<String> = files.chain(self.copies.keys().cloned()).collect();
        written.sort();
        Ok(written)
    }

    /// Writes into a folder that is there: all of it or nothing.
    fn write_into(&self) -> Result<Vec<String>, OpError> {
        let written = self.write(self.disk.root());
        if written.is_err()
            && let Ok(root) = Root::open(self.disk.root())
        {
            // None of them was there before.
            for path in self.files.keys() {
                let _ = root.remove(path);
            }
        }
        written
    }

    /// Writes a folder that is not there yet, or is empty: all of it or nothing.
    fn write_fresh(&self) -> Result<Vec<String>, OpError> {
        let to = self.disk.root();
        let name = to.file_name().unwrap_or_default().to_string_lossy();
        let parent = to.parent().unwrap_or(Path::new("/"));
        let wrong = |error: std::io::Error| {
            OpError::usage(format!("{} cannot be made: {error}", to.display()), &[])
        };
        fs::create_dir_all(parent).map_err(wrong)?;
        let new = beside(&name).map_err(|why| OpError::usage(why, &[]))?;
        let new = parent.join(new);
        fs::create_dir(&new).map_err(wrong)?;
        let written = self
            .write(&new)
            .and_then(|written| fs::rename(&new, to).map(|()| written).map_err(wrong));
        if written.is_err() {
            let _ = fs::remove_dir_all(&new);
        }
        written
    }
}

impl Folder for Draft {
    fn read(&self, path: &str) -> Result<Option<Arc<Source>>, Unreadable> {
        match self.files.get(path) {
            Some(source) => Ok(Some(Arc::clone(source))),
            None => self.disk.read(path),
        }
    }

    fn exists(&self, path: &str) -> bool {
        self.files.contains_key(path) || self.copies.contains_key(path) || self.disk.exists(path)
    }

    fn archived(&self, path: &str) -> Result<Option<std::collections::BTreeSet<String>>, String> {
        match self.copies.get(path) {
            Some(from) => super::folder::archived(from),
            None => self.disk.archived(path),
        }
    }

    fn name(&self) -> String {
        self.disk.name()
    }
}

/// The stack's name: as it is said, else made of another name.
fn stack_name(said: Option<&str>, other: &str) -> Result<crate::base::StackName, OpError> {
    use crate::base::StackName;
    let made = config::migrate::stack_of(other);
    let name = said.unwrap_or(&made);
    if StackName::is_valid(name) {
        return Ok(StackName::new(name));
    }
    let what = match said {
        Some(said) => format!("`{said}` cannot be a stack's name"),
        None => format!("no stack's name can be made of `{other}`"),
    };
    Err(OpError::usage(
        what,
        &["--stack NAME: 1 to 40 of `a-z`, `0-9` and `-`, the ends letters or digits"],
    ))
}
