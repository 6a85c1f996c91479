//! `coasti import compose|nua|dtaas`.

use super::session::Shell;
use crate::cli::args::ImportCommand;
use crate::ops::OpError;
use crate::ops::folder::Disk;
use crate::ops::import::compose::{self, Import};
use crate::ops::import::{Report, Taken, dtaas, nua};
use crate::ops::writing::Writing;
use std::process::ExitCode;
use std::time::Duration;

pub(super) async fn import(shell: &Shell, command: ImportCommand) -> Result<ExitCode, OpError> {
    match command {
        ImportCommand::Compose {
            file,
            id,
            root,
            files,
            env_file,
            profile,
        } => {
            let import = Import {
                file,
                root,
                id,
                files,
                env_files: env_file,
                profiles: profile,
            };
            of_compose(shell, &import).await
        }
        ImportCommand::Nua {
            files,
            to,
            stack,
            apps,
            images,
            format,
        } => {
            let json = shell.is_json(format);
            let engine = shell.engine().await;
            let options = nua::Options {
                files,
                to,
                stack,
                apps,
                images,
            };
            let report = nua::import(&options, engine.as_ref()).await?;
            tell(shell, &report, json);
            Ok(ExitCode::SUCCESS)
        }
        ImportCommand::Dtaas { dir, stack, format } => {
            let json = shell.is_json(format);
            let _writing = Writing::begin(&Disk::at(&dir), Duration::ZERO)?;
            let engine = shell.engine().await;
            let report = dtaas::import(&dir, stack.as_deref(), engine.as_ref()).await?;
            tell(shell, &report, json);
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn tell(shell: &Shell, report: &Report, json: bool) {
    shell.warn(&report.warnings);
    if json {
        shell.print(&serde_json::to_value(report).unwrap_or_default());
        return;
    }
    let style = shell.style();
    for site in &report.sites {
        let mut line = site.label.clone();
        for fact in [Some(&site.product), site.domain.as_ref()]
            .into_iter()
            .flatten()
        {
            line.push_str(&format!(" {} {fact}", style.dot()));
        }
        shell.out.say(&line);
        if let Some(from) = &site.from {
            let definition = site.definition.as_deref().unwrap_or("its own file");
            let text = format!("from {from}, defined in {definition}");
            shell.out.say(style.wrap(2, &text).trim_end());
        }
        for taken in &site.takes_over {
            shell.out.say(style.wrap(2, &words(taken)).trim_end());
        }
    }
    shell.out.say(&format!("wrote {}", report.folder.display()));
    for path in &report.written {
        shell.out.say(&format!("  {path}"));
    }
    if !report.notes.is_empty() {
        shell.out.say("to know:");
        for note in &report.notes {
            let text = style.wrap(4, note);
            shell.out.say(&format!("  - {}", text.trim()));
        }
    }
    shell.out.say("next:");
    for step in &report.next {
        shell.out.say(&format!("  {step}"));
    }
}

/// What is taken over, in a sentence.
fn words(taken: &Taken) -> String {
    let mut text = format!(
        "takes over container {} ({})",
        taken.container, taken.status
    );
    if !taken.data.is_empty() {
        text.push_str(&format!(", with the data in {}", taken.data.join(", ")));
    }
    if !taken.ports.is_empty() {
        text.push_str(&format!(", on port {}", taken.ports.join(", ")));
    }
    text
}

async fn of_compose(shell: &Shell, import: &Import) -> Result<ExitCode, OpError> {
    let (disk, _writing) = shell.writing()?;
    let engine = shell.engine().await;
    let done = compose::import(&disk, import, engine.as_ref()).await?;
    shell.warn(&done.diagnostics);
    for path in &done.files {
        shell.out.say(&format!("wrote {path}"));
    }
    let style = shell.style();
    for (service, taken) in &done.running {
        let text = format!("{service}: {}", words(taken));
        shell.out.say(style.wrap(2, &text).trim_end());
    }
    if !done.folders.is_empty() {
        shell.explain("its services mount these, which were not copied as a whole: bring them there before the first apply");
    }
    for (path, now) in &done.folders {
        let now = now.as_ref().map(|now| format!(" (now {})", now.display()));
        shell.explain(&format!("- {path}{}", now.unwrap_or_default()));
    }
    for note in &done.notes {
        shell.explain(&format!("note: {note}"));
    }
    shell.out.say(&format!(
        "to run it: `- id: {}` under `products` in config/products.yml, and under `site` in the deploy file:",
        done.id
    ));
    for line in done.site.lines() {
        shell.out.say(line);
    }
    Ok(ExitCode::SUCCESS)
}
