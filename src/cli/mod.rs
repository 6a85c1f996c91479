//! The command line: arguments in, text and exit codes out.

pub mod render;

use std::process::ExitCode;

/// Runs the program.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
