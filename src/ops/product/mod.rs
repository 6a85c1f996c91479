//! Products and tools: fetched, their questions asked, rendered, placed, updated by a three-way merge, removed.

mod commands;
mod error;
mod fetch;
mod folder;
mod install;
mod links;
mod merge;
mod template;

pub use error::{Class, FetchError};
pub use fetch::{Access, Origin, probe};
pub use install::{Prepared, prepare};

use super::OpError;
use super::root::Root;
use crate::config::{Auth, Folder as _, Listed};
use crate::diag::Diagnostics;
use crate::ops::folder::Disk;
pub use crate::template::Due;
use crate::template::Entry;
use serde_json::{Map, Value as Json};
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

/// Where a product is, and what opens it.
pub fn origin(disk: &Disk, listed: &Listed, timeout: Duration) -> Result<Origin, OpError> {
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
    let secret = format!("config/secrets/vcs_auth_{}", listed.id);
    let file = disk.root().join(&secret);
    let there = || match disk.read(&secret) {
        Ok(Some(source)) => Ok(source.text.trim().to_owned()),
        Ok(None) => Err(usage(
            format!(
                "{secret} is missing: `{}` is reached with what it holds",
                listed.id
            ),
            &["put the token, or the path of the ssh key, into it, readable by you only"],
        )),
        Err(why) => Err(usage(format!("{secret} {why}"), &[])),
    };
    let access = match listed.auth {
        Auth::None => Access::Own,
        Auth::Token => there().map(|_| Access::Token(file))?,
        Auth::SshKey => {
            let text = there()?;
            if text.starts_with("-----BEGIN") {
                Access::Key(file)
            } else {
                let key = disk.root().join(&text);
                if !key.is_file() {
                    return Err(usage(
                        format!(
                            "{secret} names the ssh key {}, which is not there",
                            key.display()
                        ),
                        &[],
                    ));
                }
                Access::Key(key)
            }
        }
    };
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

/// Removes a product's folder, links and secrets.
pub fn remove(disk: &Disk, listed: &Listed) -> Result<(), OpError> {
    let root = Root::open(disk.root()).map_err(io)?;
    links::unlink(&root, disk.root(), &listed.id, &listed.path).map_err(io)?;
    root.remove_folder(&listed.path).map_err(io)?;
    root.remove(&install::secrets_path(&listed.id))
        .map_err(io)?;
    root.remove(&format!("config/secrets/vcs_auth_{}", listed.id))
        .map_err(io)
}

/// Keeps what opens a product's repository, for its owner only.
pub fn keep_access(
    disk: &Disk,
    id: &str,
    secret: &crate::base::Secret<String>,
) -> Result<(), OpError> {
    let root = Root::open(disk.root()).map_err(io)?;
    let bytes = format!("{}\n", secret.expose().trim()).into_bytes();
    root.write(
        &format!("config/secrets/vcs_auth_{id}"),
        &Entry::File {
            bytes,
            executable: false,
        },
    )
    .map_err(io)
}
