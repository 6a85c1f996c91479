//! Commands that look, and those that reach into one container.

use super::session::Shell;
use crate::cli::args::{Format, LockCommand, SecretCommand};
use crate::cli::render;
use crate::config;
use crate::diag::Diagnostics;
use crate::exec::{Events, Stop};
use crate::ops::{OpError, hold, recover, secrets, status as op};
use crate::store::{Store, lock};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::process::ExitCode;

/// What runs.
pub(super) async fn status(shell: &Shell, full: bool, format: Format) -> Result<ExitCode, OpError> {
    let disk = shell.folder()?;
    let mut diagnostics = Diagnostics::new();
    let desired = config::read(&disk, &mut diagnostics);
    let Some(desired) = desired else {
        return Err(OpError::Files(diagnostics));
    };
    let engine = shell.engine().await?;
    let status = op::status(
        &engine,
        &desired.name,
        Some(&desired).filter(|_| !diagnostics.has_errors()),
    )
    .await;
    let status = match status {
        // What runs can be told even where the files are wrong.
        Err(OpError::Files(_)) => op::status(&engine, &desired.name, None).await?,
        other => other?,
    };
    match format {
        Format::Json | Format::Jsonl => shell
            .out
            .data(&format!("{}\n", render::status::json(&status))),
        Format::Human | Format::Markdown => {
            shell.out.data(&render::status::human(
                &status,
                full,
                jiff::Timestamp::now(),
                &shell.data_style(),
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What was done.
pub(super) async fn history(
    shell: &Shell,
    number: usize,
    format: Format,
) -> Result<ExitCode, OpError> {
    let (name, _) = shell.stack()?;
    let engine = shell.engine().await?;
    let mut runs = Store::new(&engine, &name).runs().await?;
    runs.reverse();
    runs.truncate(number);
    match format {
        Format::Json | Format::Jsonl => shell
            .out
            .data(&format!("{}\n", render::history::json(&runs))),
        Format::Human | Format::Markdown => {
            shell.out.data(&render::history::human(
                &runs,
                jiff::Timestamp::now(),
                &shell.data_style(),
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// One revision or run; without a name, the newest run.
pub(super) async fn show(
    shell: &Shell,
    what: Option<&str>,
    format: Format,
) -> Result<ExitCode, OpError> {
    let (name, _) = shell.stack()?;
    let engine = shell.engine().await?;
    let store = Store::new(&engine, &name);
    let runs = store.runs().await?;
    let run = match what {
        None => runs.last(),
        Some(what) => runs.iter().rev().find(|run| {
            run.seq.to_string() == what
                || run.id.as_str() == what
                || run
                    .revision
                    .as_ref()
                    .is_some_and(|revision| revision.as_str() == what)
        }),
    };
    let Some(run) = run else {
        let what = what.unwrap_or("anything");
        return Err(OpError::usage(
            format!("there is no run or revision `{what}`"),
            &["`coasti history` lists them"],
        ));
    };
    let revision = match &run.revision {
        Some(id) => store.revision(id).await?,
        None => None,
    };
    match format {
        Format::Json | Format::Jsonl => {
            shell.out.data(&format!(
                "{}\n",
                render::history::json_one(run, revision.as_ref())
            ));
        }
        Format::Human | Format::Markdown => {
            let (now, style) = (jiff::Timestamp::now(), shell.data_style());
            shell.out.data(&render::history::human_one(
                run,
                revision.as_ref(),
                now,
                &style,
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What a container prints.
pub(super) async fn logs(
    shell: &Shell,
    name: &str,
    follow: bool,
    tail: usize,
) -> Result<ExitCode, OpError> {
    let (stack, id) = shell.stack()?;
    let engine = shell.engine().await?;
    let known = recover::known(&engine, &stack, id.as_ref(), None).await?;
    let container = hold::container(&known, name)?;
    let mut lines = engine.follow_logs(container.as_str(), Some(tail), follow);
    while let Some(line) = lines.next().await {
        shell.out.data(&format!("{}\n", line?.text));
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs a command in a container; exits with its code.
pub(super) async fn exec(
    shell: &Shell,
    name: &str,
    command: &[String],
) -> Result<ExitCode, OpError> {
    use std::io::IsTerminal as _;
    let (stack, id) = shell.stack()?;
    let engine = shell.engine().await?;
    let known = recover::known(&engine, &stack, id.as_ref(), None).await?;
    let container = hold::container(&known, name)?;
    let tty = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let code = engine
        .exec_interactive(container.as_str(), command, tty)
        .await?;
    Ok(ExitCode::from(
        u8::try_from(code.clamp(0, 255)).unwrap_or(u8::MAX),
    ))
}

/// Generated values.
pub(super) async fn secret(shell: &Shell, command: SecretCommand) -> Result<ExitCode, OpError> {
    let (name, id) = shell.stack_with_id()?;
    let engine = shell.engine().await?;
    match command {
        SecretCommand::Get { address } => {
            let value = secrets::get(&engine, &name, &address).await?;
            shell.out.data(&format!("{}\n", value.expose()));
        }
        SecretCommand::Export => {
            let values = secrets::all(&engine, &name).await?;
            let plain: BTreeMap<_, _> = values
                .iter()
                .map(|(id, value)| (id.as_str(), value.expose()))
                .collect();
            let json = serde_json::to_string_pretty(&plain).unwrap_or_default();
            shell.out.data(&format!("{json}\n"));
        }
        SecretCommand::Import => {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .map_err(|error| {
                    OpError::usage(format!("standard input cannot be read: {error}"), &[])
                })?;
            let values: BTreeMap<String, String> = serde_json::from_str(&text).map_err(|error| {
                let where_ = format!("line {}, column {}", error.line(), error.column());
                OpError::usage(
                    format!("standard input is no JSON object of strings ({where_})"),
                    &["it looks like {\"blog/database/MARIADB_PASSWORD\": \"…\"}, as `coasti secret export` writes it"],
                )
            })?;
            let change = crate::cli::args::Change {
                yes: true,
                lock_wait: crate::base::Span::ZERO,
                format: Format::Human,
            };
            let who = shell.who(None, &change).await;
            let count = secrets::import(
                &engine,
                &name,
                id,
                values,
                &who,
                &Events::default(),
                &Stop::default(),
            )
            .await?;
            shell.out.say(&format!("{count} values taken in"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The lock.
pub(super) async fn lock(shell: &Shell, command: LockCommand) -> Result<ExitCode, OpError> {
    let (name, _) = shell.stack()?;
    let engine = shell.engine().await?;
    let held = lock::look(&engine, &name).await?;
    match (command, held) {
        (
            LockCommand::Status {
                format: Format::Json | Format::Jsonl,
            },
            held,
        ) => {
            let holder = held.as_ref().and_then(|(_, holder)| holder.clone());
            let json = serde_json::json!({"locked": held.is_some(), "holder": holder});
            shell.out.data(&format!("{json}\n"));
        }
        (_, None) => shell.out.say("not locked"),
        (LockCommand::Status { .. }, Some((_, holder))) => match holder {
            Some(holder) => {
                let dead = if holder.process.is_dead() {
                    " (that process is dead: the next command takes over)"
                } else {
                    ""
                };
                shell.out.data(&format!(
                    "locked by {} for {} since {}, run {}, process {}{dead}\n",
                    holder.actor, holder.why, holder.since, holder.run, holder.process.pid
                ));
            }
            None => shell
                .out
                .data("locked by somebody whose name could not be read\n"),
        },
        (LockCommand::Release { yes }, Some((id, holder))) => {
            let by = holder.map_or_else(
                || "somebody".to_owned(),
                |holder| format!("{} ({})", holder.actor, holder.why),
            );
            if !yes {
                if !shell.out.can_ask() {
                    return Err(OpError::usage(
                        "there is no terminal to ask on",
                        &["pass --yes"],
                    ));
                }
                let question = format!(
                    "The lock is held by {by}. If that run still works, both will change things. Release it?"
                );
                if !shell.out.confirm(&question) {
                    shell.out.say("nothing was changed");
                    return Ok(ExitCode::SUCCESS);
                }
            }
            lock::release(&engine, &id).await?;
            shell.out.say(&format!("released; it was held by {by}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}
