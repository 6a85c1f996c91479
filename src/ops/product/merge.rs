//! What an update changes: the older template's files, the newer one's and the user's, compared three ways.

use super::{Done, OpError, io, links, usage};
use crate::ops::root::{Root, same};
use crate::ops::temporary::Temporary;
use crate::template::{Entry, Rendered, Tree};
use std::collections::BTreeSet;
use std::path::Path;

/// What is to be written, and what to tell of it.
pub(super) struct Plan {
    /// Each path with what it becomes; none where it goes.
    pub changes: Vec<(String, Option<Entry>)>,
    /// What to tell.
    pub done: Done,
}

impl Plan {
    fn note(&mut self, text: String) {
        if !self.done.notes.contains(&text) {
            self.done.notes.push(text);
        }
    }

    /// Of an installation: all files, but not over those that are made once.
    pub(super) fn fresh(root: &Root, folder: &str, rendered: &Rendered) -> Result<Self, OpError> {
        let mut plan = Self {
            changes: Vec::new(),
            done: Done::default(),
        };
        for (path, entry) in rendered.tree.iter() {
            if let Some(part) = links::elsewhere(root, folder, path) {
                plan.note(links::left_out(part));
                continue;
            }
            let there = there(root, folder, path)?;
            let kept = there.is_some() && rendered.once.iter().any(|once| once == path);
            if kept || there.is_some_and(|there| same(&there, entry)) {
                continue;
            }
            plan.done.written.push(path.to_owned());
            plan.changes.push((path.to_owned(), Some(entry.clone())));
        }
        Ok(plan)
    }
}

/// Compares three ways. Files of `once` are not touched where they are there.
pub(super) async fn plan(
    root: &Root,
    folder: &str,
    (base, new): (&Tree, &Tree),
    once: &[String],
    answers_file: &str,
) -> Result<Plan, OpError> {
    let mut plan = Plan {
        changes: Vec::new(),
        done: Done::default(),
    };
    let paths: BTreeSet<&str> = base
        .iter()
        .chain(new.iter())
        .map(|(path, _)| path)
        .collect();
    for path in paths {
        let (was, is) = (base.get(path), new.get(path));
        if let Some(part) = links::elsewhere(root, folder, path) {
            if was != is {
                plan.note(links::left_out(part));
            }
            continue;
        }
        let own = there(root, folder, path)?;
        let equal = |one: Option<&Entry>, other: Option<&Entry>| match (one, other) {
            (Some(one), Some(other)) => same(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        // What coasti keeps of the answers is nobody else's.
        if path == answers_file {
            plan.changes
                .extend(is.map(|is| (path.to_owned(), Some(is.clone()))));
            continue;
        }
        let kept = own.is_some() && once.iter().any(|once| once == path);
        if kept || equal(was, is) || equal(own.as_ref(), is) {
            continue;
        }
        match (was, is, &own) {
            (was, Some(is), own) if equal(own.as_ref(), was) => {
                plan.done.written.push(path.to_owned());
                plan.changes.push((path.to_owned(), Some(is.clone())));
            }
            (was, None, own) if equal(own.as_ref(), was) => {
                plan.done.removed.push(path.to_owned());
                plan.changes.push((path.to_owned(), None));
            }
            (_, None, _) => plan.done.notes.push(format!(
                "{path} is gone from the template; yours was changed and stays"
            )),
            (_, Some(_), None) => plan.done.notes.push(format!(
                "{path} changed in the template; you removed it, and it stays away"
            )),
            (was, Some(is), Some(own)) => {
                let texts = (own, is, was.map_or(Some(&[][..]), bytes));
                let merged = match texts {
                    (
                        Entry::File { bytes: own, .. },
                        Entry::File {
                            bytes: is,
                            executable,
                        },
                        Some(was),
                    ) => merge(own, was, is)
                        .await?
                        .map(|(bytes, conflict)| (bytes, *executable, conflict)),
                    _ => None,
                };
                match merged {
                    Some((bytes, executable, conflict)) => {
                        let list = if conflict {
                            &mut plan.done.conflicts
                        } else {
                            &mut plan.done.merged
                        };
                        list.push(path.to_owned());
                        plan.changes
                            .push((path.to_owned(), Some(Entry::File { bytes, executable })));
                    }
                    None => {
                        // No text: both stay, side by side.
                        let beside = format!("{path}.coasti-update");
                        plan.done
                            .conflicts
                            .push(format!("{path} (the template's is {beside})"));
                        plan.changes.push((beside, Some(is.clone())));
                    }
                }
            }
        }
    }
    Ok(plan)
}

/// What stands at a path of a product.
fn there(root: &Root, folder: &str, path: &str) -> Result<Option<Entry>, OpError> {
    let path = format!("{folder}/{path}");
    root.read(&path).map_err(|why| {
        let what = match root.is_folder(&path) {
            true => format!("{path} is a folder, and the template has a file there"),
            false => why,
        };
        let help = "what stands there is of another kind than the template's: move it away, commit that, and run it again";
        usage(what, &[help])
    })
}

fn bytes(entry: &Entry) -> Option<&[u8]> {
    match entry {
        Entry::File { bytes, .. } => Some(bytes),
        Entry::Link(_) => None,
    }
}

/// Git's merge of one file, and whether it has conflicts; none where it is no text.
async fn merge(own: &[u8], was: &[u8], is: &[u8]) -> Result<Option<(Vec<u8>, bool)>, OpError> {
    if [own, was, is].iter().any(|bytes| bytes.contains(&0)) {
        return Ok(None);
    }
    let home = Temporary::new().map_err(io)?;
    for (name, bytes) in [("own", own), ("was", was), ("is", is)] {
        std::fs::write(home.path().join(name), bytes)
            .map_err(|error| usage(format!("{}: {error}", home.path().display()), &[]))?;
    }
    let output = tokio::process::Command::new("git")
        .args([
            "merge-file",
            "--stdout",
            "-L",
            "yours",
            "-L",
            "older template",
            "-L",
            "newer template",
            "own",
            "was",
            "is",
        ])
        .current_dir(home.path())
        .stdin(std::process::Stdio::null())
        .output()
        .await
        .map_err(|error| usage(format!("git cannot be started: {error}"), &["install git"]))?;
    match output.status.code() {
        Some(0) => Ok(Some((output.stdout, false))),
        // The number of conflicts, at most 127.
        Some(1..=127) => Ok(Some((output.stdout, true))),
        _ => Ok(None),
    }
}

/// Refuses to merge into what is not committed: there would be no way back.
pub(super) async fn clean(base: &Path, folder: &str) -> Result<(), OpError> {
    let output = tokio::process::Command::new("git")
        .arg("-C")
        .arg(base)
        .args(["status", "--porcelain", "--", folder])
        .stdin(std::process::Stdio::null())
        .output()
        .await;
    let Ok(output) = output else { return Ok(()) };
    if output.status.success() && !output.stdout.is_empty() {
        let files = String::from_utf8_lossy(&output.stdout);
        let files: Vec<&str> = files
            .lines()
            .filter_map(|line| line.get(3..))
            .take(5)
            .collect();
        return Err(usage(
            format!(
                "{folder} has changes that are not committed: {}",
                files.join(", ")
            ),
            &["commit them first: an update merges into them, and there would be no way back"],
        ));
    }
    Ok(())
}
