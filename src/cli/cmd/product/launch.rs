//! `run`: a product's own program.

use super::{What, find, listed};
use crate::base::words;
use crate::cli::cmd::ask::{Terminal, stopped};
use crate::cli::cmd::session::Shell;
use crate::cli::render::style::clean;
use crate::ops::OpError;
use crate::ops::folder::Disk;
use crate::ops::product;
use std::process::ExitCode;

pub(super) fn run(
    shell: &Shell,
    disk: &Disk,
    what: What,
    id: &str,
    trust: Option<&str>,
    arguments: &[String],
) -> Result<ExitCode, OpError> {
    let (_, entry) = find(listed(disk, what)?, what, id)?;
    let launch = product::launch(disk, &entry, arguments)?;
    if !launch.is_trusted(trust) {
        let Some(terminal) = Terminal::of(shell) else {
            return Err(launch.refusal());
        };
        let commit = launch.commit.as_deref().unwrap_or_default();
        let line = words::join(&launch.words);
        let asked = format!("`{id}` at {commit} runs on this machine: {line}. Let it?");
        if !terminal.agrees(&clean(&asked), false).map_err(stopped)? {
            return Err(OpError::Interrupted);
        }
    }
    Err(launch.start())
}
