//! What is done with the files alone.

use super::session::Shell;
use crate::cli::exit::code;
use crate::config::schema;
use crate::ops::{OpError, files};
use std::process::ExitCode;

/// Prints a file's schema.
pub(super) fn schema(shell: &Shell, name: &str) -> Result<ExitCode, OpError> {
    let unknown = || OpError::usage(format!("there is no schema `{name}`"), &[]);
    shell.out.data(&schema::text(name).ok_or_else(unknown)?);
    Ok(ExitCode::SUCCESS)
}

/// Writes files at today's version.
pub(super) fn migrate(shell: &Shell, check: bool, named: &[String]) -> Result<ExitCode, OpError> {
    let disk = shell.folder()?;
    let changes = files::migrations(&disk, named)?;
    for change in &changes {
        shell.out.data(&change.diff());
    }
    if check {
        return Ok(match changes.is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(code::PENDING),
        });
    }
    files::write(&disk, &changes)?;
    shell.out.say(&match changes.len() {
        0 => "all files are of today's version".to_owned(),
        1 => "wrote 1 file; commit it".to_owned(),
        count => format!("wrote {count} files; commit them"),
    });
    Ok(ExitCode::SUCCESS)
}
