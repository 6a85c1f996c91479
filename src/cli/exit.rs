//! Exit codes, the same everywhere, and the text of failures.

use super::out::Out;
use super::render::style::Tone;
use super::render::{self, Style};
use crate::engine::ErrorKind;
use crate::ops::{OpError, Undone};
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

fn head(style: &Style, text: &str) -> String {
    format!("{} {text}\n", style.paint(Tone::Bad, "error:"))
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
            text += "hint: make a new plan (coasti plan), look at it, apply that\n";
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
            text += "hint: wait for it with --lock-wait 5m\n";
            text += "hint: if that run is certainly over: coasti lock release\n";
            code::LOCKED
        }
        OpError::Engine(error) => {
            text += &head(style, &error.to_string());
            if error.kind == ErrorKind::Unreachable {
                text += "hint: is the engine running, and may you use it? (docker info)\n";
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
            text += "hint: what runs now is healthy; please report these fields\n";
            code::ERROR
        }
        OpError::Usage { what, help } => {
            text += &head(style, what);
            for line in help {
                let _ = writeln!(text, "hint: {line}");
            }
            code::ERROR
        }
        OpError::Failed(failed) => {
            let _ = match failed.interrupted {
                true => writeln!(text, "{}", style.paint(Tone::Warn, "interrupted")),
                false => writeln!(
                    text,
                    "{} {}: {}",
                    style.paint(Tone::Bad, "failed:"),
                    failed.what,
                    failed.error
                ),
            };
            section(&mut text, "its last output", failed.logs.as_deref());
            section(&mut text, "its last health check", failed.health.as_deref());
            for name in &failed.kept {
                let _ = writeln!(
                    text,
                    "kept to be looked at: {name} (docker logs {name}); the next apply removes it"
                );
            }
            match &failed.undone {
                Undone::Nothing => text += "nothing that ran was touched\n",
                Undone::Complete => {
                    text += "undone: what ran before runs again; data written meanwhile stays\n"
                }
                Undone::Partly(left) => {
                    let _ = writeln!(
                        text,
                        "{} {left}",
                        style.paint(Tone::Bad, "not fully undone:")
                    );
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

fn section(text: &mut String, title: &str, body: Option<&str>) {
    let Some(body) = body else { return };
    let _ = writeln!(text, "  {title}:");
    for line in body.trim_end().lines() {
        let _ = writeln!(text, "  │ {line}");
    }
}
