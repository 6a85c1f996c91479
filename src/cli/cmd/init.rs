//! `coasti init`.

use super::ask::{Terminal, stopped};
use super::product::answers;
use super::session::Shell;
use crate::cli::args::Vcs;
use crate::cli::render::style::{clean, count};
use crate::ops::OpError;
use crate::ops::files;
use crate::ops::folder::Disk;
use crate::ops::init::{self, Ground, Made, Prepared};
use crate::template::Prompt;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// How many names of a folder's content are told.
const TOLD: usize = 5;

pub(super) struct Wish {
    pub(super) dir: Option<PathBuf>,
    pub(super) data: Option<String>,
    pub(super) vcs: Option<Vcs>,
    pub(super) remote: Option<String>,
    pub(super) recopy: bool,
    /// The version of the skeleton that the installer would fetch.
    pub(super) version: Option<String>,
    pub(super) pretend: bool,
    pub(super) defaults: bool,
    pub(super) yes: bool,
}

pub(super) async fn run(shell: &Shell, wish: Wish) -> Result<ExitCode, OpError> {
    if wish.version.is_some() {
        return Err(OpError::usage(
            "`init` has no --vcs-ref: what it makes is built into coasti, and has coasti's version",
            &[
                "leave it out; a stack that is there is brought up to date in the same way",
                "of a product: coasti product install ID --vcs-ref REF",
            ],
        ));
    }
    let terminal = Terminal::of(shell).filter(|_| !wish.defaults);
    let dir = wish.dir.as_ref().or(shell.global.directory.as_ref());
    let here = Path::new(".");
    let folder = std::path::absolute(dir.map_or(here, PathBuf::as_path))
        .map_err(|error| OpError::usage(error.to_string(), &[]))?;
    let mut data = answers(wish.data.as_deref())?;
    let vcs = match (wish.vcs, &wish.remote) {
        (None, Some(_)) => Some(Vcs::Remote),
        (vcs, _) => vcs,
    };
    if let Some(vcs) = vcs {
        let word = match vcs {
            Vcs::Local => "local",
            Vcs::Remote => "remote",
            Vcs::Skip => "skip",
        };
        data.insert("vcs_repo_type".to_owned(), json!(word));
    }
    if let Some(remote) = &wish.remote {
        data.insert("vcs_online_repo".to_owned(), json!(remote));
    }
    let ground = init::look(&folder)?;
    if ground != Ground::Stack {
        if dir.is_none()
            && let Some(above) = folder.parent().and_then(Disk::find)
        {
            let above = above.root().display().to_string();
            return Err(OpError::usage(
                format!("this is in a stack's folder, {above}"),
                &[
                    &format!("to mend that one: coasti init {above}"),
                    "to make another one in it: coasti init DIR",
                ],
            ));
        }
        if let Ground::Taken(in_git, names) = &ground
            && !in_git
            && !wish.yes
            && !wish.pretend
        {
            agree(terminal, &folder, names)?;
        }
    }
    let mut ask = |prompt: &Prompt<'_>| match terminal {
        Some(terminal) => terminal.question(prompt),
        None => Ok(None),
    };
    let prepared = init::prepare(&folder, data, wish.recopy, &mut ask);
    let prepared = tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => return Err(OpError::Interrupted),
        prepared = prepared => prepared?,
    };
    let anew = wish.recopy && (wish.pretend || anew(shell, terminal, wish.yes, &prepared)?);
    let made = match wish.pretend {
        true => prepared.pretend(anew),
        false => prepared.write(anew).await?,
    };
    tell(shell, &folder, &ground, &made, &wish);
    Ok(ExitCode::SUCCESS)
}

/// `coasti configure`.
pub(super) fn configure(
    shell: &Shell,
    data: Option<&str>,
    pretend: bool,
) -> Result<ExitCode, OpError> {
    let (disk, _writing) = super::files::to_write(shell, pretend)?;
    let terminal = Terminal::of(shell);
    let mut ask = |prompt: &Prompt<'_>| match terminal {
        Some(terminal) => terminal.question(prompt),
        None => Ok(None),
    };
    let done = init::configure(&disk, answers(data)?, &mut ask)?;
    let Some(change) = done.change else {
        shell
            .out
            .say("nothing to change: the answers are as before");
        return Ok(ExitCode::SUCCESS);
    };
    super::files::show(shell, &change);
    if pretend {
        return Ok(ExitCode::SUCCESS);
    }
    let name = change.source.name.clone();
    files::write(&disk, &[change])?;
    shell.out.say(&format!("wrote {name}; commit it"));
    if done.renamed {
        shell.explain(
            "the stack has another name: `coasti plan` tells what that means for what runs",
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether it may be made in a folder that has other things in it.
fn agree(terminal: Option<Terminal<'_>>, folder: &Path, names: &[String]) -> Result<(), OpError> {
    let mut told: Vec<String> = names.iter().take(TOLD).map(|name| clean(name)).collect();
    if names.len() > TOLD {
        told.push(format!("{} more", names.len() - TOLD));
    }
    let what = format!("{} is not empty: {}", folder.display(), told.join(", "));
    let Some(terminal) = terminal else {
        return Err(OpError::usage(
            what,
            &["name a new folder, or make the stack's files beside these: --yes"],
        ));
    };
    let asked = format!("{what}. Make the stack's files beside these?");
    match terminal.agrees(&asked, false).map_err(stopped)? {
        true => Ok(()),
        false => Err(OpError::Interrupted),
    }
}

/// Whether files that are there and differ are made anew.
fn anew(
    shell: &Shell,
    terminal: Option<Terminal<'_>>,
    yes: bool,
    prepared: &Prepared,
) -> Result<bool, OpError> {
    let others = prepared.others();
    if others.is_empty() || yes {
        return Ok(true);
    }
    let Some(terminal) = terminal else {
        return Err(OpError::usage(
            format!("these files differ: {}", others.join(", ")),
            &["make them anew, what is in them goes: --recopy --yes"],
        ));
    };
    for path in &others {
        shell.out.tell(&clean(&format!("  {path}")));
    }
    let asked = "Make these files anew? What is in them goes";
    match terminal.agrees(asked, false).map_err(stopped)? {
        true => Ok(true),
        false => Err(OpError::Interrupted),
    }
}

fn tell(shell: &Shell, folder: &Path, ground: &Ground, made: &Made, wish: &Wish) {
    let say = |text: &str| shell.out.say(&clean(text));
    let is_new = *ground != Ground::Stack;
    for (word, paths) in [("write", &made.written), ("change", &made.changed)] {
        for path in paths {
            say(&format!("  {word} {path}"));
        }
    }
    if wish.recopy || wish.pretend {
        for path in &made.kept {
            say(&format!("  keep {path}"));
        }
    }
    let would = if wish.pretend { "would be " } else { "" };
    let name = &made.stack;
    let at = folder.display();
    say(&match (is_new, made.written.len() + made.changed.len()) {
        (true, _) if made.committed => format!("stack `{name}` {would}made in {at}, and committed"),
        (true, _) => format!("stack `{name}` {would}made in {at}"),
        (false, 0) => format!("stack `{name}` in {at} is complete"),
        (false, n) => format!(
            "stack `{name}` in {at}: {} {would}written; commit them",
            count(n, "file")
        ),
    });
    for note in &made.notes {
        shell.explain(&format!("note: {note}"));
    }
    if let Some((why, help)) = &made.unfinished {
        shell.out.tell(&clean(why));
        for line in help {
            shell.out.tell(&format!("  {}", clean(line)));
        }
    }
    if is_new && !wish.pretend {
        say("next:");
        let cd = format!("cd {at}");
        let steps = [
            (cd.as_str(), "the stack's folder"),
            (
                "coasti product add ADDRESS",
                "list a product, from git, an archive or a folder",
            ),
            ("coasti product install ID", "bring it here"),
            (
                "edit config/deploy.yml",
                "an entry under `site` for each app that is to run",
            ),
            ("coasti plan", "see what an apply would do"),
        ];
        let here = std::env::current_dir().is_ok_and(|here| here == folder);
        for (step, why) in steps.into_iter().skip(usize::from(here)) {
            if step.len() > 26 {
                say(&format!("  {step}"));
                continue;
            }
            say(format!("  {step:28}{why}").trim_end());
        }
    }
}
