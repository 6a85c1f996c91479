//! Commands that look, and those that reach into one container.

use super::session::Shell;
use crate::cli::args::{Format, LockCommand};
use crate::cli::exit::code;
use crate::cli::render;
use crate::diag::Diagnostics;
use crate::ops::gather::{owned, within_reach};
use crate::ops::{OpError, hold, recover, status as op};
use crate::store::record::RunRecord;
use crate::store::{Store, lock};
use std::process::ExitCode;

/// What runs.
pub(super) async fn status(shell: &Shell, full: bool, format: Format) -> Result<ExitCode, OpError> {
    let for_program = shell.is_json(format);
    let disk = shell.folder()?;
    let mut wrong = Diagnostics::new();
    let desired = shell.read(&disk, &mut wrong);
    let (name, id) = shell.stack()?;
    let engine = shell.engine().await?;
    let status = match &desired {
        Some(_) => op::status(&engine, &name, id.as_ref(), desired.as_ref()).await,
        None => Err(OpError::Files(wrong)),
    };
    let (status, wrong) = match status {
        // What runs can be told even where the files are wrong.
        Err(OpError::Files(wrong)) => {
            let status = op::status(&engine, &name, id.as_ref(), None).await?;
            (status, Some(wrong))
        }
        other => (other?, None),
    };
    if let Some(wrong) = &wrong
        && !for_program
    {
        let style = shell.style();
        let text = render::diag::human(wrong, style.color, style.width);
        shell.out.tell(&text);
    }
    if for_program {
        shell.print(&render::status::json(&status, wrong.as_ref()));
    } else {
        shell.out.data(&render::status::human(
            &status,
            full,
            jiff::Timestamp::now(),
            &shell.data_style(),
        ));
    }
    Ok(if status.is_bad() {
        ExitCode::from(code::DEGRADED)
    } else {
        ExitCode::SUCCESS
    })
}

/// What was done.
pub(super) async fn history(
    shell: &Shell,
    number: usize,
    format: Format,
) -> Result<ExitCode, OpError> {
    let for_program = shell.is_json(format);
    let (name, id) = shell.stack()?;
    let engine = shell.engine().await?;
    within_reach(&engine, &name, id.as_ref()).await?;
    let mut runs = Store::new(&engine, &name).runs().await?;
    runs.reverse();
    let older = runs.len().saturating_sub(number);
    runs.truncate(number);
    if for_program {
        shell.print(&render::history::json(&runs));
    } else {
        shell.out.data(&render::history::human(
            &runs,
            jiff::Timestamp::now(),
            &shell.data_style(),
        ));
        if older > 0 {
            let all = older + runs.len();
            shell.explain(&format!(
                "{older} more before these: coasti history -n {all}"
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
    let for_program = shell.is_json(format);
    let (name, id) = shell.stack()?;
    let engine = shell.engine().await?;
    within_reach(&engine, &name, id.as_ref()).await?;
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
            &[&kept(&runs), "`coasti history` lists them"],
        ));
    };
    let revision = match &run.revision {
        Some(id) => store.revision(id).await?,
        None => None,
    };
    if for_program {
        shell.print(&render::history::json_one(run, revision.as_ref()));
    } else {
        let (now, style) = (jiff::Timestamp::now(), shell.data_style());
        shell.out.data(&render::history::human_one(
            run,
            revision.as_ref(),
            now,
            &style,
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Which runs there are: commands that only kept a decision have a number as well, and no record.
fn kept(runs: &[RunRecord]) -> String {
    let mut spans: Vec<(u64, u64)> = Vec::new();
    for run in runs {
        match spans.last_mut() {
            Some((_, last)) if *last + 1 == run.seq => *last = run.seq,
            _ => spans.push((run.seq, run.seq)),
        }
    }
    let spans: Vec<_> = spans
        .iter()
        .map(|(first, last)| match first == last {
            true => first.to_string(),
            false => format!("{first} to {last}"),
        })
        .collect();
    match spans.is_empty() {
        true => "no run is kept".to_owned(),
        false => format!("the runs kept: {}", spans.join(", ")),
    }
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
    while !shell.out.is_over()
        && let Some(line) = lines.next().await
    {
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

/// The lock.
pub(super) async fn lock(shell: &Shell, command: LockCommand) -> Result<ExitCode, OpError> {
    let for_program = matches!(&command, LockCommand::Status { format } if shell.is_json(*format));
    let (name, id) = shell.stack()?;
    let engine = shell.engine().await?;
    owned(&engine, &name, id.as_ref()).await?;
    let held = lock::look(&engine, &name).await?;
    match (command, held) {
        (LockCommand::Status { .. }, held) if for_program => {
            let holder = held.as_ref().and_then(|(_, holder)| holder.clone());
            let json = serde_json::json!({"locked": held.is_some(), "holder": holder});
            shell.print(&json);
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
