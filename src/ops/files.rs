//! What is done with the files of a stack's folder, without an engine.

use super::OpError;
use super::folder::Disk;
use crate::config::{Folder, migrate};
use crate::diag::Source;
use std::sync::Arc;

/// The files that are migrated where none is named.
const OWN: &[&str] = &[
    "config/products.yml",
    "config/tools.yml",
    "config/deploy.yml",
    "config/deploy.yaml",
    "config/deploy.toml",
    "config/deploy.json",
];

/// A file, and the text that is to be written into it.
pub struct Change {
    /// The file as it is.
    pub source: Arc<Source>,
    /// As it is to be.
    pub text: String,
}

impl Change {
    /// The lines that differ, with three around them.
    pub fn diff(&self) -> String {
        let name = &self.source.name;
        let diff = similar::TextDiff::from_lines(&self.source.text, &self.text);
        diff.unified_diff().header(name, name).to_string()
    }
}

/// What there is to write for all files to be of today's version.
pub fn migrations(disk: &Disk, named: &[String]) -> Result<Vec<Change>, OpError> {
    let own = OWN.iter().filter(|name| disk.exists(name));
    let all: Vec<String> = match named {
        [] => own.map(|name| (*name).to_owned()).collect(),
        named => named.to_vec(),
    };
    let stack = migrate::stack_of(&disk.name());
    let mut changes = Vec::new();
    for name in all {
        let unread = |why: String| OpError::usage(format!("{name} {why}"), &[]);
        let source = match disk.read(&name) {
            Ok(Some(source)) => source,
            Ok(None) => return Err(unread("is not there".to_owned())),
            Err(why) => return Err(unread(why.to_string())),
        };
        let text = migrate::migrate(&source, &stack).map_err(OpError::Files)?;
        changes.extend(text.map(|text| Change { source, text }));
    }
    Ok(changes)
}

/// Writes what there is to write, each file whole or not at all.
pub fn write(disk: &Disk, changes: &[Change]) -> Result<(), OpError> {
    for change in changes {
        let name = &change.source.name;
        disk.replace(&change.source, &change.text)
            .map_err(|error| OpError::usage(format!("{name} cannot be written: {error}"), &[]))?;
    }
    Ok(())
}
