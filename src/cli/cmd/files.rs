//! What is done with the files alone.

use super::session::Shell;
use crate::config::schema;
use crate::ops::OpError;
use std::process::ExitCode;

/// Prints a file's schema.
pub(super) fn schema(shell: &Shell, name: &str) -> Result<ExitCode, OpError> {
    let text = schema::text(name)
        .ok_or_else(|| OpError::usage(format!("there is no schema `{name}`"), &[]))?;
    shell.out.data(&text);
    Ok(ExitCode::SUCCESS)
}
