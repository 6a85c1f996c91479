//! The command line: arguments in, text and exit codes out.
//!
//! Everything for people goes to standard error or a terminal, data to standard output.

pub mod args;
mod cmd;
mod document;
pub mod exit;
mod out;
pub mod render;

use args::Cli;
use clap::Parser as _;
use std::process::ExitCode;

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; clap's own code for the rest is 2, which here means changes.
            let wrong = error.use_stderr();
            let lost = error.print().is_err_and(|error| out::is_loss(&error));
            return ExitCode::from(match (wrong, lost) {
                (true, _) => exit::code::USAGE,
                (false, true) => exit::code::ERROR,
                (false, false) => 0,
            });
        }
    };
    init_tracing(cli.global.verbose);
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            out::Out::new(&cli.global).tell(&format!("error: no runtime: {error}"));
            return ExitCode::from(exit::code::ERROR);
        }
    };
    let code = runtime.block_on(cmd::run(cli));
    // A call that is still under way (after a second Ctrl-C) is not waited for.
    runtime.shutdown_background();
    code
}

fn init_tracing(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "coasti=info",
        2 => "coasti=debug",
        _ => "debug",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("COASTI_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // It would panic where nobody reads them any more.
        .log_internal_errors(false)
        .try_init();
}
