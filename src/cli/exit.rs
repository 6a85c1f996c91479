//! Exit codes, the same everywhere, and the text of failures.

use super::out::Out;
use super::render::style::{Tone, clean};
use super::render::{self, Style};
use crate::engine::ErrorKind;
use crate::ops::{Before, OpError, Undone};
use crate::store::StoreError;
use std::fmt::Write as _;
use std::process::ExitCode;

/// Exit codes. 0 is done or nothing to do.
pub mod code {
    /// An error.
    pub const ERROR: u8 = 1;
    /// Changes pending (`--detailed-exitcode`).
    pub const PENDING: u8 = 2;
    /// Files invalid.
    pub const FILES: u8 = 3;
    /// The plan is stale.
    pub const STALE: u8 = 4;
    /// Locked.
    pub const LOCKED: u8 = 5;
    /// Not permitted by policy.
    pub const REFUSED: u8 = 6;
    /// Failed, undone.
    pub const UNDONE: u8 = 7;
    /// Failed, not fully undone.
    pub const NOT_UNDONE: u8 = 8;
    /// Degraded.
    pub const DEGRADED: u8 = 9;
    /// Usage.
    pub const USAGE: u8 = 64;
    /// Interrupted, state consistent.
    pub const INTERRUPTED: u8 = 130;
}

/// Tells what went wrong and gives the exit code.
pub fn report(error: &OpError, out: &Out, style: &Style) -> ExitCode {
    let (code, text) = explain(error, style);
    out.tell(&text);
    ExitCode::from(code)
}

/// Tells how to find out what is, where the engine went away under a command that changes something.
pub fn tell_unsure(error: &OpError, out: &Out, style: &Style) {
    let away = match error {
        OpError::Engine(error) | OpError::Store(StoreError::Engine(error)) => error.is_fatal(),
        _ => false,
    };
    if away {
        let text = "whether all of it was done is not known. Once the engine is back, `coasti status` tells what runs \
                    and whether a run was cut off; `coasti recover`, or the next apply, ends such a run";
        out.tell(&hint(style, text));
    }
}

/// Tells that data was lost on its way to standard output.
pub fn tell_unwritten(error: &std::io::Error, out: &Out, style: &Style) {
    let why = format!("standard output could not be written: {error}");
    let hint = hint(
        style,
        "what is there of it is not whole; what the command was to change is changed",
    );
    out.tell(&(head(style, &why) + &hint));
}

/// The exit code that an error has.
pub fn code_of(error: &OpError) -> u8 {
    explain(error, &Style::default()).0
}

fn head(style: &Style, text: &str) -> String {
    lead(style, Tone::Bad, "error:", text)
}

/// A word in its colour, then text, in lines that fit.
fn lead(style: &Style, tone: Tone, word: &str, text: &str) -> String {
    let whole = format!("{word} {text}");
    let lines: String = whole
        .trim_end()
        .lines()
        .map(|line| style.wrap(0, &clean(line)))
        .collect();
    lines.replacen(word, &style.paint(tone, word), 1)
}

fn hint(style: &Style, text: &str) -> String {
    lead(style, Tone::Plain, "hint:", text)
}

fn explain(error: &OpError, style: &Style) -> (u8, String) {
    let mut text = String::new();
    let code = match error {
        OpError::Files(diagnostics) => {
            text = render::diag::human(diagnostics, style.color, style.width);
            code::FILES
        }
        OpError::Refused(refusals, _) => {
            text = refusals
                .iter()
                .map(|refusal| render::plan::refusal(refusal, style))
                .collect::<Vec<_>>()
                .join("\n");
            code::REFUSED
        }
        OpError::Stale(changed) => {
            text += &head(
                style,
                "the plan is stale: something changed since it was made",
            );
            for what in changed {
                let _ = writeln!(text, "  - {what}");
            }
            text += &hint(
                style,
                "make a new plan (coasti plan), look at it, apply that",
            );
            code::STALE
        }
        OpError::Locked(holder) => {
            text += &head(style, "the stack is locked");
            match holder {
                Some(holder) => {
                    let process = &holder.process;
                    let _ = writeln!(text, "  by:    {} (process {})", holder.actor, process.pid);
                    let _ = writeln!(text, "  for:   {} (run {})", holder.why, holder.run);
                    let _ = writeln!(text, "  since: {}", holder.since);
                }
                None => text += "  by somebody whose name could not be read\n",
            }
            text += &hint(style, "wait for it with --lock-wait 5m");
            text += &hint(style, "if that run is certainly over: coasti lock release");
            code::LOCKED
        }
        OpError::Busy(holder) => {
            text += &head(style, "another command writes into the stack's folder");
            if let Some(holder) = holder {
                let _ = writeln!(text, "  {}", clean(holder));
            }
            text += &hint(style, "run it again once that one has ended");
            code::LOCKED
        }
        OpError::Engine(error) => {
            text += &head(style, &error.to_string());
            if error.kind == ErrorKind::Unreachable {
                text += &hint(
                    style,
                    "is the engine running, and may you use it? (docker info)",
                );
            }
            code::ERROR
        }
        OpError::Store(error) => {
            text += &head(style, &error.to_string());
            code::ERROR
        }
        OpError::NotConverged(fields) => {
            text += &head(
                style,
                "applied, but a new plan is not empty: the engine did not take what was asked for",
            );
            for field in fields {
                let _ = writeln!(text, "  - {field}");
            }
            text += &hint(
                style,
                "what runs now is healthy; please report these fields",
            );
            code::ERROR
        }
        OpError::Interrupted => {
            text += &lead(style, Tone::Warn, "interrupted:", "nothing was changed");
            code::INTERRUPTED
        }
        OpError::Cut { what, help } => {
            text += &lead(style, Tone::Warn, "interrupted:", what);
            for line in help {
                text += &hint(style, line);
            }
            code::INTERRUPTED
        }
        OpError::Usage { what, help } | OpError::Policy { what, help } => {
            text += &head(style, what);
            for line in help {
                text += &hint(style, line);
            }
            match error {
                OpError::Policy { .. } => code::REFUSED,
                _ => code::ERROR,
            }
        }
        OpError::Failed(failed) => {
            if failed.interrupted {
                text += &lead(style, Tone::Warn, "interrupted", "");
            } else {
                let why = format!("{}: {}", failed.what, failed.error);
                text += &lead(style, Tone::Bad, "failed:", &why);
                if let Some(at) = &failed.at {
                    let line = format!("  --> {}", clean(&at.to_string()));
                    let _ = writeln!(text, "{}", style.paint(Tone::Dim, &line));
                }
            }
            let left = match &failed.undone {
                Undone::Partly(left) => left.as_str(),
                Undone::Nothing | Undone::Complete(_) => "",
            };
            if [&failed.error, left]
                .iter()
                .any(|why| why.contains("port is already allocated"))
            {
                let how = "`docker ps` shows which container publishes that port. If none does, the engine itself \
                           still holds it, as after a crash: restarting the engine frees it";
                text += &hint(style, how);
            }
            section(&mut text, style, "its last output", failed.logs.as_deref());
            section(
                &mut text,
                style,
                "its last health check",
                failed.health.as_deref(),
            );
            for name in &failed.kept.containers {
                let how = format!("{name} (docker logs {name}); the next apply removes it");
                text += &lead(style, Tone::Plain, "kept to be looked at:", &how);
            }
            match &failed.undone {
                Undone::Nothing => text += "nothing that ran was touched\n",
                Undone::Complete(before) => {
                    let data = match (failed.kept.volumes.as_slice(), before) {
                        ([], _) => String::new(),
                        (volumes, Before::Untouched) => {
                            format!("; data written meanwhile stays, in {}", names(volumes))
                        }
                        (volumes, _) => format!(", in {}", names(volumes)),
                    };
                    let back = match before {
                        Before::Nothing => {
                            "what it made is gone again; data written meanwhile stays"
                        }
                        Before::Untouched => {
                            "what it made is gone again; what ran before was not touched"
                        }
                        Before::Again => "what ran before runs again; data written meanwhile stays",
                    };
                    text += &lead(style, Tone::Plain, "undone:", &(back.to_owned() + &data));
                }
                Undone::Partly(left) => {
                    text += &lead(style, Tone::Bad, "not fully undone:", left);
                }
            }
            match (&failed.undone, failed.interrupted) {
                (Undone::Partly(_), _) => code::NOT_UNDONE,
                (_, true) => code::INTERRUPTED,
                _ => code::UNDONE,
            }
        }
    };
    (code, text)
}

/// `volume a`, `volumes a, b`.
fn names(volumes: &[String]) -> String {
    let word = if volumes.len() == 1 {
        "volume"
    } else {
        "volumes"
    };
    format!("{word} {}", volumes.join(", "))
}

fn section(text: &mut String, style: &Style, title: &str, body: Option<&str>) {
    let Some(body) = body else { return };
    let bar = if style.unicode { "│" } else { "|" };
    let _ = writeln!(text, "  {title}:");
    let room = style.width.saturating_sub(4).max(20);
    for line in body.trim_end().lines() {
        // A terminal would go on at its left edge, without the bar.
        let line: Vec<char> = clean(line).chars().collect();
        for part in line.chunks(room).map(String::from_iter) {
            let _ = writeln!(text, "  {bar} {part}");
        }
        if line.is_empty() {
            let _ = writeln!(text, "  {bar}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{Failed, Kept};

    #[test]
    fn a_port_that_the_engine_keeps_is_told_with_what_frees_it() {
        let told = |error: &str| {
            let failed = Failed {
                what: "container blog (acme-blog): starting".to_owned(),
                error: error.to_owned(),
                at: None,
                logs: None,
                health: None,
                undone: Undone::Complete(Before::Again),
                interrupted: false,
                kept: Kept::default(),
            };
            explain(&OpError::Failed(Box::new(failed)), &Style::default()).1
        };
        let hint = "restarting the engine frees it";
        let told_of = |error: &str| told(error).replace('\n', " ").contains(hint);
        assert!(told_of(
            "Bind for 127.0.0.1:80 failed: port is already allocated"
        ));
        assert!(!told_of("no such image"));
    }
}
