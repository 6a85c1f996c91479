//! A product's answers file: where it is, and that it tells the truth.

use super::usage;
use crate::config::Folder as _;
use crate::diag::{Diagnostics, Source};
use crate::ops::OpError;
use crate::ops::folder::Disk;
use crate::template::{self, ANSWERS_FILES, About, Answers, Entry, Rendered};
use serde_json::{Map, Value as Json};
use std::path::Path;
use std::sync::Arc;

/// An answers file: its path in the product's folder, and its answers.
pub(super) type Kept = (String, Map<String, Json>);

/// Where Copier has it.
pub(super) const USUAL: &str = ".copier-answers.yml";

/// How many folders deep one of another name is looked for, and how many files are looked at.
const DEEPEST: usize = 3;
const MOST: usize = 5_000;

/// No answers file is larger, in bytes.
const LARGEST: u64 = 1 << 20;

/// A name that a template, or somebody, gives it.
pub(super) fn named(name: &str) -> Result<String, OpError> {
    let name = name.strip_prefix("./").unwrap_or(name);
    let why = match template::check_path(name) {
        Err(why) => Some(why.to_owned()),
        Ok(()) if name.contains("{{") => Some("it is computed, and coasti does not do that".into()),
        Ok(()) if ANSWERS_FILES.contains(&name) || is_named(name) => None,
        Ok(()) => Some(format!(
            "its name ends with .yml or .yaml, and it stands at most {DEEPEST} folders deep"
        )),
    };
    match why {
        None => Ok(name.to_owned()),
        Some(why) => Err(usage(
            format!("the answers file cannot be `{name}`: {why}"),
            &["name another one with --answers-file"],
        )),
    }
}

/// The answers file of an installed product: `named`, or where Copier has it, or the one file that looks like one.
pub(super) fn installed(
    disk: &Disk,
    folder: &str,
    named: Option<&str>,
) -> Result<Option<Kept>, OpError> {
    let names = named.map_or_else(|| ANSWERS_FILES.to_vec(), |name| vec![name]);
    for name in names {
        template::check_path(name)
            .map_err(|why| usage(format!("the answers file cannot be `{name}`: {why}"), &[]))?;
        if let Some(kept) = read(disk, folder, name)? {
            return Ok(Some(kept));
        }
    }
    if named.is_some() {
        return Ok(None);
    }
    let mut found = Vec::new();
    let mut left = MOST;
    look(&disk.root().join(folder), "", 0, &mut left, &mut found);
    found.sort();
    match found.as_slice() {
        [] => Ok(None),
        [name] => read(disk, folder, name),
        several => Err(usage(
            format!("{folder} has several answers files: {}", several.join(", ")),
            &["say which with --answers-file FILE"],
        )),
    }
}

fn read(disk: &Disk, folder: &str, name: &str) -> Result<Option<Kept>, OpError> {
    let path = format!("{folder}/{name}");
    match disk.read(&path) {
        Ok(None) => Ok(None),
        Ok(Some(source)) => Ok(Some((name.to_owned(), answers(&source)?))),
        Err(why) => Err(usage(format!("{path} {why}"), &[])),
    }
}

fn answers(source: &Arc<Source>) -> Result<Map<String, Json>, OpError> {
    let mut d = Diagnostics::new();
    let answers = template::read_answers(source, &mut d);
    match d.has_errors() {
        true => Err(OpError::Files(d)),
        false => Ok(answers),
    }
}

/// Files below a folder that look like answers files.
fn look(folder: &Path, below: &str, depth: usize, left: &mut usize, found: &mut Vec<String>) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        let (Ok(kind), Ok(name)) = (entry.file_type(), entry.file_name().into_string()) else {
            continue;
        };
        let Some(fewer) = left.checked_sub(1) else {
            return;
        };
        *left = fewer;
        let path = format!("{below}{name}");
        // What it works with is not its template's.
        let other = depth == 0 && ["data", "logs"].contains(&name.as_str()) || name == ".git";
        if kind.is_dir() && !other && depth < DEEPEST {
            look(&entry.path(), &format!("{path}/"), depth + 1, left, found);
        } else if kind.is_file()
            && is_named(&path)
            && entry.metadata().is_ok_and(|about| about.len() <= LARGEST)
            && std::fs::read_to_string(entry.path()).is_ok_and(|text| is_one(&text))
        {
            found.push(path);
        }
    }
}

/// Whether one may have this name, so that it is found again.
fn is_named(path: &str) -> bool {
    let end = path.rsplit('.').next().unwrap_or_default();
    ["yml", "yaml"].contains(&end) && path.matches('/').count() <= DEEPEST
}

/// Whether a text looks like one.
fn is_one(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("_src_path:"))
}

/// That no file that could be read as the answers file tells of another commit: updates, and who trusts it, go by
/// that.
pub(super) fn check(own: &str, about: &About, rendered: &Rendered) -> Result<(), OpError> {
    let wanted = about.answers(&Answers::default());
    for (path, entry) in rendered.tree.iter() {
        let known = path == own || ANSWERS_FILES.contains(&path);
        let text = match entry {
            Entry::Link(_) if known => {
                return Err(usage(
                    format!("the template makes a link of {path}, which is for its answers"),
                    &["tell the product's authors"],
                ));
            }
            Entry::Link(_) => continue,
            Entry::File { .. } => rendered.tree.text(path).unwrap_or_default(),
        };
        let read = known || is_named(path) && is_one(text);
        if !read {
            continue;
        }
        let source = Source::new(path, Path::new(path), text);
        let told = answers(&Arc::new(source))?;
        for name in ["_commit", template::COMMIT] {
            if let Some(value) = told.get(name)
                && wanted.get(name) != Some(value)
            {
                return Err(usage(
                    format!("the template writes another `{name}` into {path} than it is of"),
                    &[
                        "tell the product's authors: `{{ _copier_answers|to_nice_yaml }}` is what belongs there",
                    ],
                ));
            }
        }
    }
    Ok(())
}
