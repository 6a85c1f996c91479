//! What is done with the files of a stack's folder, without an engine.

use super::OpError;
use super::folder::Disk;
use crate::config::format::{self, Formatted};
use crate::config::{Folder, migrate};
use crate::diag::{Diagnostics, Source};
use std::sync::Arc;
use std::time::Duration;

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

/// What there is to write for all files to be of today's version.
pub fn migrations(disk: &Disk, named: &[String]) -> Result<Vec<Change>, OpError> {
    let stack = migrate::stack_of(&disk.name());
    let mut changes = Vec::new();
    for source in sources(disk, named, own(disk))? {
        let text = migrate::migrate(&source, &stack).map_err(OpError::Files)?;
        changes.extend(text.map(|text| Change { source, text }));
    }
    Ok(changes)
}

/// What there is to write for all files to have one form.
pub struct Formats {
    /// Files that get another text.
    pub changes: Vec<Change>,
    /// Files that are left as they are, and why.
    pub left: Vec<(String, &'static str)>,
}

/// Likewise for all files to have one form. What is wrong with all of them is told at once.
pub fn formats(disk: &Disk, named: &[String]) -> Result<Formats, OpError> {
    let mut formats = Formats {
        changes: Vec::new(),
        left: Vec::new(),
    };
    let own = own(disk).into_iter().chain(overlays(disk)).collect();
    let mut wrong = Diagnostics::new();
    for source in sources(disk, named, own)? {
        match formatted(&source) {
            Ok(Formatted::Same) => {}
            Ok(Formatted::New(text)) => formats.changes.push(Change { source, text }),
            Ok(Formatted::Left(why)) => formats.left.push((source.name.clone(), why)),
            Err(diagnostics) => wrong.extend(diagnostics),
        }
    }
    match wrong.is_empty() {
        true => Ok(formats),
        false => Err(OpError::Files(wrong)),
    }
}

/// Longer than this no file takes that somebody wrote.
const FORMATTING: Duration = Duration::from_secs(4);

/// A file in the form that all have, or why it is left. The formatter is somebody else's, and takes odd files badly: it
/// is given a thread and a time of its own.
pub fn formatted(source: &Arc<Source>) -> Result<Formatted, Diagnostics> {
    let (made, result) = std::sync::mpsc::channel();
    let source = source.clone();
    // What it says where it gives up is nothing that anybody can use.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let work = move || made.send(format::format(&source));
    let result = std::thread::Builder::new()
        .spawn(work)
        .ok()
        .and_then(|_| result.recv_timeout(FORMATTING).ok());
    std::panic::set_hook(hook);
    result.unwrap_or(Ok(Formatted::Left(
        "has something in it that takes too long to format, or cannot be",
    )))
}

/// The stack's own files that are there.
fn own(disk: &Disk) -> Vec<String> {
    let own = OWN.iter().filter(|name| disk.exists(name));
    own.map(|name| (*name).to_owned()).collect()
}

/// The files of environments.
fn overlays(disk: &Disk) -> Vec<String> {
    let entries = std::fs::read_dir(disk.root().join("config"));
    let names = entries.into_iter().flatten().flatten();
    let mut all: Vec<String> = names
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| {
            let parts: Vec<_> = name.split('.').collect();
            matches!(
                parts.as_slice(),
                ["deploy", _, "yml" | "yaml" | "toml" | "json"]
            )
        })
        .map(|name| format!("config/{name}"))
        .collect();
    all.sort();
    all
}

/// The files that are named, or all of `own` where none is.
fn sources(disk: &Disk, named: &[String], own: Vec<String>) -> Result<Vec<Arc<Source>>, OpError> {
    let all = match named {
        [] => own,
        named => named.to_vec(),
    };
    let read = |name: &String| {
        let unread = |why: String| OpError::usage(format!("{name} {why}"), &[]);
        match disk.read(name) {
            Ok(Some(source)) => Ok(source),
            Ok(None) => Err(unread("is not there".to_owned())),
            Err(why) => Err(unread(why.to_string())),
        }
    };
    all.iter().map(read).collect()
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
