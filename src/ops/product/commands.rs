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

/// A command, for people, in one line: what stands below it is coasti's own.
pub fn shown(due: &Due) -> String {
    let command = match &due.command {
        Command::Shell(line) => line.clone(),
        Command::Program(words) => words::join(words),
    };
    let command = command.trim_end().replace('\n', "\\n");
    match &due.folder {
        Some(folder) => format!("{command} (in {folder})"),
        None => command,
    }
}

/// Asks for what may be run: all, where somebody trusts this very commit. What is asked for once is not again.
pub(super) fn trusted(
    due: &[Due],
    agreed: &[Due],
    version: &Version,
    wish: &Wish<'_>,
    allow: &mut dyn FnMut(&[Due], &str) -> bool,
) -> Result<(), OpError> {
    let commit = version.commit.as_deref().unwrap_or(FOLDER);
    let named = wish.trust.is_some_and(|trust| means(trust, commit));
    let new = due.iter().filter(|due| !agreed.contains(due));
    let new: Vec<Due> = new.cloned().collect();
    if new.is_empty() || named || allow(&new, commit) {
        return Ok(());
    }
    let mut help: Vec<String> = new
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

/// Runs them, one after the other. What to do where one fails is told by `failed`.
pub(super) async fn run(
    base: &Path,
    folder: &str,
    due: &[Due],
    failed: &str,
) -> Result<(), OpError> {
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
                &[failed],
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
                &[failed],
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::time::Duration;

    fn due(line: &str) -> Due {
        Due {
            command: Command::Shell(line.to_owned()),
            folder: None,
            variables: Vec::new(),
        }
    }

    #[test]
    fn only_what_was_not_agreed_to_is_asked_for() {
        let wish = Wish {
            data: serde_json::Map::new(),
            seen: false,
            reference: None,
            pretend: false,
            answers_file: None,
            trust: None,
            skip_tasks: false,
            timeout: Duration::ZERO,
            ran: Cell::new(false),
        };
        let version = Version {
            commit: Some("c".repeat(40)),
            describe: None,
        };
        let all = [due("a"), due("b {{ x }}\nhint: c\n"), due("c")];
        let agreed = [due("a"), due("c")];
        let mut asked = Vec::new();
        let mut allow = |new: &[Due], _: &str| {
            asked.push(new.to_vec());
            true
        };
        trusted(&all, &agreed, &version, &wish, &mut allow).unwrap();
        trusted(&agreed, &agreed, &version, &wish, &mut allow).unwrap();
        assert_eq!(asked, [[due("b {{ x }}\nhint: c\n")]]);
        let refused = trusted(&all, &agreed, &version, &wish, &mut |_, _| false);
        let Err(OpError::Policy { help, .. }) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(
            help.first().map(String::as_str),
            Some(r"it would run: b {{ x }}\nhint: c")
        );
    }
}
