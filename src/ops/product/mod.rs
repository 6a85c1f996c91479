//! Products and tools: fetched, their questions asked, rendered, placed, updated by a three-way merge, removed.

mod answers;
mod archive;
mod budget;
mod commands;
mod download;
mod error;
mod fetch;
mod folder;
mod git;
mod install;
mod journal;
mod launch;
mod links;
mod merge;
mod template;

#[cfg(fuzzing)]
pub use archive::fuzz_archive;
pub use commands::shown;
pub use error::{Class, FetchError};
pub use fetch::{Access, Origin, declared_id, probe};
pub use install::{Prepared, prepare};
pub use launch::{Launch, launch};
pub(super) use template::Template;

use super::root::Root;
use super::{OpError, secrets};
use crate::base::Secret;
use crate::config::{Auth, Listed};
use crate::diag::Diagnostics;
use crate::ops::folder::Disk;
pub use crate::template::Due;
use serde_json::{Map, Value as Json};
use std::cell::Cell;
use std::path::Path;
use std::time::Duration;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Install it; over what is there, where it is anew.
    Install {
        /// Whether it is anew.
        recopy: bool,
    },
    /// Merge a newer version into it.
    Update,
    /// Answer its questions anew, the version stays.
    Configure,
}

/// How it is to be done.
#[derive(Debug)]
pub struct Wish<'a> {
    /// Answers.
    pub data: Map<String, Json>,
    /// Whether they stand in an argument, which others can see.
    pub seen: bool,
    /// Another branch, tag or commit than the list's.
    pub reference: Option<&'a str>,
    /// Only tell what would be done.
    pub pretend: bool,
    /// Its answers file, where that is none of those that Copier has.
    pub answers_file: Option<&'a str>,
    /// The commit whose commands may be run.
    pub trust: Option<&'a str>,
    /// Leave out the commands.
    pub skip_tasks: bool,
    /// How long one command of git's may take.
    pub timeout: Duration,
    /// Whether commands of the template ran before anything else was written: that is not undone.
    pub ran: Cell<bool>,
}

/// What was done.
#[derive(Debug, Default)]
pub struct Done {
    /// Files that were written anew.
    pub written: Vec<String>,
    /// Files that were taken away.
    pub removed: Vec<String>,
    /// Files whose changes were merged.
    pub merged: Vec<String>,
    /// Files with conflicts that somebody has to look at.
    pub conflicts: Vec<String>,
    /// What is worth knowing.
    pub notes: Vec<String>,
    /// What the template says.
    pub message: Option<String>,
    /// The commit.
    pub version: Option<String>,
    /// Warnings of the template.
    pub warnings: Diagnostics,
}

fn usage(what: impl Into<String>, help: &[&str]) -> OpError {
    OpError::usage(what, help)
}

fn io(why: String) -> OpError {
    OpError::usage(why, &[])
}

/// A failure to fetch, with the product's id and what to do.
pub fn failed(id: &str, repo: &str, error: &FetchError) -> OpError {
    let help = error.help().replace("ID", id);
    OpError::usage(
        format!("{}: {}: {}", repo, error.kind(), error.said),
        &[&help],
    )
}

/// Where a product is, and what opens it, as it is kept.
pub fn origin(disk: &Disk, listed: &Listed, timeout: Duration) -> Result<Origin, OpError> {
    let access = access(disk, listed)?;
    origin_with(disk, listed, access, timeout)
}

/// Where a product is, with what opens it.
pub fn origin_with(
    disk: &Disk,
    listed: &Listed,
    access: Access,
    timeout: Duration,
) -> Result<Origin, OpError> {
    let Some(repo) = &listed.repo else {
        return Err(usage(
            format!("the list does not say where `{}` comes from", listed.id),
            &["write `vcs_repo: ADDRESS` into its entry"],
        ));
    };
    if crate::config::secrecy::has_credentials(repo) {
        return Err(usage(
            format!("the address of `{}` has a password in it", listed.id),
            &[
                "write the address without it, `auth: token`, and the token into config/secrets/vcs_auth_ID",
            ],
        ));
    }
    let known = disk.root().join("config/known_hosts");
    let local = Path::new(repo);
    let relative = !repo.contains(':') && local.is_relative();
    Ok(Origin {
        // Relative to the stack's folder, as everything in its files.
        repo: if relative {
            disk.root().join(local).to_string_lossy().into_owned()
        } else {
            repo.clone()
        },
        access,
        known_hosts: known.is_file().then_some(known),
        timeout,
    })
}

/// What opens a product's repository, as it is kept.
fn access(disk: &Disk, listed: &Listed) -> Result<Access, OpError> {
    let name = access_name(&listed.id);
    let there = || match secrets::files::get(disk, &name)? {
        Some(value) => Ok(Secret::new(value.expose().trim().to_owned())),
        None => Err(usage(
            format!(
                "config/secrets/{name} is missing: `{}` is reached with what it holds",
                listed.id
            ),
            &[&format!(
                "coasti secret set {name}, or put the token, or the path of the ssh key, into it, readable by you only"
            )],
        )),
    };
    Ok(match listed.auth {
        Auth::None => Access::Own,
        Auth::Token => Access::Token(there()?),
        Auth::SshKey => {
            let text = there()?;
            if text.expose().starts_with("-----BEGIN") {
                Access::KeyText(text)
            } else {
                let key = disk.root().join(text.expose());
                if !key.is_file() {
                    return Err(usage(
                        format!("config/secrets/{name} has neither an ssh key nor the path of one"),
                        &["a path is relative to the stack's folder, or absolute"],
                    ));
                }
                Access::Key(key)
            }
        }
    })
}

/// That no update of a product was cut off: its files are of two versions then.
pub fn settled(disk: &Disk, all: &[Listed]) -> Result<(), OpError> {
    let open = |one: &&Listed| disk.root().join(journal::path(&one.path)).exists();
    let Some(one) = all.iter().find(open) else {
        return Ok(());
    };
    let (id, list) = (&one.id, if one.tool { "tool" } else { "product" });
    Err(usage(
        format!("a command that changed the files of `{id}` was cut off"),
        &[&format!("this finishes it: coasti {list} update {id}")],
    ))
}

/// Whether its files are there, and what tells that all of it was done is not.
pub fn unfinished(disk: &Disk, listed: &Listed) -> bool {
    listed.repo.is_some()
        && disk.root().join(&listed.path).is_dir()
        && matches!(answers::installed(disk, &listed.path, None), Ok(None))
}

/// The version that is installed, as its answers tell it; none where they do not.
pub fn version(disk: &Disk, listed: &Listed) -> Option<String> {
    let (_, answers) = answers::installed(disk, &listed.path, None).ok()??;
    Some(answers.get("_commit")?.as_str()?.to_owned())
}

/// Removes a product's folder, links and secrets.
pub fn remove(disk: &Disk, listed: &Listed) -> Result<(), OpError> {
    let root = Root::open(disk.root()).map_err(io)?;
    links::unlink(&root, disk.root(), &listed.id, &listed.path).map_err(io)?;
    root.remove_folder(&listed.path).map_err(io)?;
    // Of a command that was cut off.
    journal::discard(&root, &listed.path).map_err(io)?;
    secrets::files::remove(disk, &install::answers_name(&listed.id))?;
    forget_access(disk, &listed.id)
}

/// What opens a product's repository.
fn access_name(id: &str) -> String {
    format!("vcs_auth_{id}")
}

/// Keeps what opens a product's repository; returns what is worth knowing.
pub fn keep_access(disk: &Disk, id: &str, secret: &Secret<String>) -> Result<Vec<String>, OpError> {
    let text = Secret::new(format!("{}\n", secret.expose().trim()));
    let put = secrets::files::put(disk, &access_name(id), &text, None)?;
    Ok(put.notes)
}

/// Takes it away.
pub fn forget_access(disk: &Disk, id: &str) -> Result<(), OpError> {
    secrets::files::remove(disk, &access_name(id))
}
