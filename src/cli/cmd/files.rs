//! What is done with the files alone.

use super::session::Shell;
use crate::cli::args::{Format, GraphFormat};
use crate::cli::exit::code;
use crate::cli::render;
use crate::config::{explain, preview, schema};
use crate::ops::folder::Disk;
use crate::ops::writing::Writing;
use crate::ops::{OpError, files};
use std::process::ExitCode;

/// Prints a file's schema.
pub(super) fn schema(shell: &Shell, name: &str) -> Result<ExitCode, OpError> {
    let unknown = || OpError::usage(format!("there is no schema `{name}`"), &[]);
    shell.out.data(&schema::text(name).ok_or_else(unknown)?);
    Ok(ExitCode::SUCCESS)
}

/// Tells where values come from.
pub(super) fn explain(
    shell: &Shell,
    address: &[String],
    format: Format,
) -> Result<ExitCode, OpError> {
    let for_program = shell.is_json(format);
    let (_, desired) = shell.files()?;
    if address.is_empty() {
        let all = explain::addresses(&preview(&desired));
        let overlaid = explain::overlaid(&desired);
        match for_program {
            true => shell.print(&render::explain::list_json(&all, &overlaid)),
            false => {
                let style = shell.data_style();
                let text = render::explain::list(&all, &overlaid, &style);
                shell.out.data(&text);
            }
        }
        return Ok(ExitCode::SUCCESS);
    }
    let all = explain::explain(&desired, &address.join(" ")).map_err(|unknown| {
        let near = unknown.near.map(|near| format!("did you mean `{near}`?"));
        let known = format!("there are: {}", unknown.known.join(", "));
        OpError::Usage {
            what: unknown.summary,
            help: near.into_iter().chain([known]).collect(),
        }
    })?;
    match for_program {
        true => shell.print(&render::explain::json(&all)),
        false => {
            let text = render::explain::human(&all, &shell.data_style());
            shell.out.data(&text);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows what needs what.
pub(super) fn graph(shell: &Shell, format: GraphFormat) -> Result<ExitCode, OpError> {
    if format == GraphFormat::Json {
        shell.document.whole();
    }
    let (_, desired) = shell.files()?;
    let stack = preview(&desired);
    match format {
        GraphFormat::Text => {
            let text = render::graph::text(&stack, &shell.data_style());
            shell.out.data(&text);
        }
        GraphFormat::Dot => shell.out.data(&render::graph::dot(&stack)),
        GraphFormat::Mermaid => shell.out.data(&render::graph::mermaid(&stack)),
        GraphFormat::Json => shell.print(&render::graph::json(&stack)),
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows what a change changes.
pub(super) fn show(shell: &Shell, change: &files::Change) {
    let (name, before) = (&change.source.name, &change.source.text);
    shell
        .out
        .data(&render::lines::diff(name, before, &change.text));
}

/// The stack's folder, to write into unless it is only looked at.
pub(super) fn to_write(shell: &Shell, look: bool) -> Result<(Disk, Option<Writing>), OpError> {
    if look {
        return Ok((shell.folder()?, None));
    }
    let (disk, writing) = shell.writing()?;
    Ok((disk, Some(writing)))
}

/// Writes files in one form.
pub(super) fn fmt(shell: &Shell, check: bool, named: &[String]) -> Result<ExitCode, OpError> {
    let (disk, _writing) = to_write(shell, check)?;
    let files::Formats { changes, left } = files::formats(&disk, named)?;
    for (name, why) in left {
        shell.out.say(&format!("{name} is left as it is: it {why}"));
    }
    if check {
        for change in &changes {
            show(shell, change);
        }
        return Ok(match changes.is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(code::PENDING),
        });
    }
    files::write(&disk, &changes)?;
    for change in &changes {
        shell.out.say(&format!("{} formatted", change.source.name));
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes files at today's version.
pub(super) fn migrate(shell: &Shell, check: bool, named: &[String]) -> Result<ExitCode, OpError> {
    let (disk, _writing) = to_write(shell, check)?;
    let changes = files::migrations(&disk, named)?;
    for change in &changes {
        show(shell, change);
    }
    if check {
        return Ok(match changes.is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(code::PENDING),
        });
    }
    files::write(&disk, &changes)?;
    shell.out.say(&match changes.len() {
        0 => "all files are of today's version".to_owned(),
        1 => "wrote 1 file; commit it".to_owned(),
        count => format!("wrote {count} files; commit them"),
    });
    Ok(ExitCode::SUCCESS)
}
