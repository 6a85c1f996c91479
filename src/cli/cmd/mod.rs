//! The commands: each reads the files, reaches the engine, and hands over to `ops`.

mod ask;
mod change;
mod compose;
mod files;
mod import;
mod init;
mod look;
mod plan;
mod product;
mod secret;
mod session;
mod unseen;

use super::args::{Cli, Command};
use crate::diff::Wishes;
use crate::ops::hold::Act;
use session::Shell;
use std::process::ExitCode;

/// Runs one command.
pub(super) async fn run(cli: Cli) -> ExitCode {
    let shell = Shell::new(cli.global);
    let result = match cli.command {
        Command::Init {
            dir,
            data,
            vcs,
            remote,
            recopy,
            vcs_ref,
            pretend,
            defaults,
            yes,
        } => {
            let wish = init::Wish {
                dir,
                data,
                vcs,
                remote,
                recopy,
                version: vcs_ref,
                pretend,
                defaults,
                yes,
            };
            init::run(&shell, wish).await
        }
        Command::Configure { data, pretend } => init::configure(&shell, data.as_deref(), pretend),
        Command::Validate { format } => plan::validate(&shell, format),
        Command::Migrate { check, files } => files::migrate(&shell, check, &files),
        Command::Fmt { check, files } => files::fmt(&shell, check, &files),
        Command::Schema { name } => files::schema(&shell, &name),
        Command::Graph { format } => files::graph(&shell, format),
        Command::Explain { address, format } => files::explain(&shell, &address, format),
        Command::Plan {
            narrow,
            out,
            detailed_exitcode,
            full,
            format,
        } => {
            plan::plan(
                &shell,
                &narrow,
                out.as_deref(),
                detailed_exitcode,
                full,
                format,
            )
            .await
        }
        Command::Apply {
            plan,
            narrow,
            change,
            keep_failed,
        } => change::apply(&shell, plan.as_deref(), &narrow, &change, keep_failed).await,
        Command::Rollback { revision, change } => {
            change::rollback(&shell, revision.as_deref(), &change).await
        }
        Command::Recover { change } => change::recover(&shell, &change).await,
        Command::Destroy { change } => change::destroy(&shell, &change).await,
        Command::Status { full, format } => look::status(&shell, full, format).await,
        Command::History { number, format } => look::history(&shell, number, format).await,
        Command::Show { what, format } => look::show(&shell, what.as_deref(), format).await,
        Command::Logs { name, follow, tail } => look::logs(&shell, &name, follow, tail).await,
        Command::Exec { name, command } => look::exec(&shell, &name, &command).await,
        Command::Start(labels) => change::act(&shell, Act::Start, &labels).await,
        Command::Unpause(labels) => change::act(&shell, Act::Start, &labels).await,
        Command::Stop(labels) => change::act(&shell, Act::Stop, &labels).await,
        Command::Restart(labels) => change::act(&shell, Act::Restart, &labels).await,
        Command::Pause(labels) => change::act(&shell, Act::Pause, &labels).await,
        Command::Remove(labels) => change::act(&shell, Act::Remove, &labels).await,
        Command::Export(command) => compose::export(&shell, command).await,
        Command::Import(command) => import::import(&shell, command).await,
        Command::Product(command) => product::run(&shell, product::What::Product, command).await,
        Command::Tool(command) => product::run(&shell, product::What::Tool, command).await,
        Command::Secret(command) => secret::run(&shell, command).await,
        Command::Lock(command) => look::lock(&shell, command).await,
    };
    shell.document.end(&shell.out, result.as_ref().err());
    let code = result.as_ref().map_or_else(
        |error| super::exit::report(error, &shell.out, &shell.style()),
        |code| *code,
    );
    if let (Err(error), true) = (&result, shell.has_begun()) {
        super::exit::tell_unsure(error, &shell.out, &shell.style());
    }
    match shell.out.unwritten() {
        Some(error) => {
            super::exit::tell_unwritten(error, &shell.out, &shell.style());
            // What went wrong before says more.
            result.map_or(code, |_| ExitCode::from(super::exit::code::ERROR))
        }
        None => code,
    }
}

/// What the options of a plan wish for.
fn wishes(narrow: &super::args::Narrow) -> Wishes {
    // As labels are read from the files.
    let labels = |named: &[String]| named.iter().map(|name| name.to_ascii_lowercase()).collect();
    Wishes {
        target: labels(&narrow.target),
        replace: labels(&narrow.replace),
        new_data: labels(&narrow.new_data),
        max_removals: narrow.max_removals,
        ..Wishes::default()
    }
}
