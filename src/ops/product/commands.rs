//! Commands that a template brings: run only where somebody trusts its very commit.

use super::fetch::Version;
use super::{Due, Wish, usage};
use crate::base::words;
use crate::ops::OpError;
use crate::template::Command;
use std::path::Path;

/// What a folder has in a commit's place.
pub(super) const FOLDER: &str = "folder";

/// Whether who says `trust` means a commit: all of it, or its first twelve digits or more.
pub(super) fn means(trust: &str, commit: &str) -> bool {
    let digits = commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit());
    trust == commit || (digits && trust.len() >= 12 && commit.starts_with(trust))
}

/// A command, for people.
pub(super) fn shown(due: &Due) -> String {
    let command = match &due.command {
        Command::Shell(line) => line.clone(),
        Command::Program(words) => words::join(words),
    };
    match &due.folder {
        Some(folder) => format!("{command} (in {folder})"),
        None => command,
    }
}

/// The commands that may be run: all, where somebody trusts this very commit.
pub(super) fn trusted(
    due: &[Due],
    version: &Version,
    wish: &Wish<'_>,
    allow: &mut dyn FnMut(&[Due], &str) -> bool,
) -> Result<(), OpError> {
    let commit = version.commit.as_deref().unwrap_or(FOLDER);
    let named = wish.trust.is_some_and(|trust| means(trust, commit));
    if due.is_empty() || named || allow(due, commit) {
        return Ok(());
    }
    let mut help: Vec<String> = due
        .iter()
        .map(|due| format!("it would run: {}", shown(due)))
        .collect();
    help.push(format!("let it, for this commit only: --trust {commit}"));
    help.push("leave the commands out: --skip-tasks".to_owned());
    Err(OpError::Policy {
        what: "the template wants to run commands on this machine".to_owned(),
        help,
    })
}

pub(super) async fn run(base: &Path, folder: &str, due: &[Due]) -> Result<(), OpError> {
    for due in due {
        let mut at = base.join(folder);
        if let Some(below) = &due.folder {
            at.push(below);
        }
        let mut command = match &due.command {
            Command::Shell(line) => {
                let mut command = tokio::process::Command::new("/bin/sh");
                command.arg("-c").arg(line);
                command
            }
            Command::Program(words) => {
                let mut words = words.iter();
                let mut command =
                    tokio::process::Command::new(words.next().map_or("", String::as_str));
                command.args(words);
                command
            }
        };
        let output = command
            .current_dir(&at)
            .envs(due.variables.iter().cloned())
            .stdin(std::process::Stdio::null())
            .kill_on_drop(true)
            .output()
            .await;
        let output = output.map_err(|error| {
            usage(
                format!(
                    "`{}` of the template cannot be started: {error}",
                    shown(due)
                ),
                &[],
            )
        })?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(usage(
                format!(
                    "`{}` of the template failed ({}): {said}",
                    shown(due),
                    output.status
                ),
                &[
                    "the product is not marked as being of this version: mend it, and run coasti's command again",
                ],
            ));
        }
    }
    Ok(())
}
