//! The `coasti` program: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    coasti::cli::main()
}
