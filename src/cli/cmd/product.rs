//! `coasti product` and `coasti tool`.

use super::ask::{line, question};
use super::session::Shell;
use crate::base::Secret;
use crate::cli::args::{Copy, Format, ItemCommand};
use crate::cli::render::style::clean;
use crate::config::{self, Auth, Listed};
use crate::diag::Diagnostics;
use crate::ops::OpError;
use crate::ops::folder::Disk;
use crate::ops::product::{self, Access, Done, Due, Wish};
use crate::template::{Command as Task, Prompt};
use serde_json::{Map, Value as Json, json};
use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

/// Products, or tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Product,
    Tool,
}

impl What {
    fn word(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Tool => "tool",
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Product => "products",
            Self::Tool => "tools",
        }
    }

    fn file(self) -> String {
        format!("config/{}.yml", self.key())
    }
}

pub(super) async fn run(
    shell: &Shell,
    what: What,
    command: ItemCommand,
) -> Result<ExitCode, OpError> {
    let disk = shell.folder()?;
    match command {
        ItemCommand::List { format } => list(shell, &disk, what, format),
        ItemCommand::Add {
            address,
            id,
            vcs_ref,
            path,
            token_file,
            key,
            timeout,
        } => {
            let new = New {
                address,
                id,
                reference: vcs_ref,
                path,
                token_file,
                key,
            };
            add(shell, &disk, what, new, timeout.duration()).await
        }
        ItemCommand::Install { id, recopy, copy } => {
            place(shell, &disk, what, &id, &copy, recopy, false).await
        }
        ItemCommand::Update { id, copy } => {
            place(shell, &disk, what, &id, &copy, false, true).await
        }
        ItemCommand::Remove { id, confirm } => remove(shell, &disk, what, &id, confirm.as_deref()),
    }
}

fn listed(disk: &Disk, what: What) -> Result<Vec<Listed>, OpError> {
    let mut d = Diagnostics::new();
    let all = config::list(disk, &mut d);
    if d.has_errors() {
        return Err(OpError::Files(d));
    }
    Ok(all
        .into_iter()
        .filter(|one| one.tool == (what == What::Tool))
        .collect())
}

/// An entry by its id, with its number in the list.
fn find(all: Vec<Listed>, what: What, id: &str) -> Result<(usize, Listed), OpError> {
    let ids: Vec<String> = all.iter().map(|one| one.id.clone()).collect();
    all.into_iter()
        .enumerate()
        .find(|(_, one)| one.id == id)
        .ok_or_else(|| {
            let known = match ids.is_empty() {
                true => format!("coasti {} add ADDRESS", what.word()),
                false => format!("there are {}", ids.join(", ")),
            };
            OpError::usage(format!("{} lists no `{id}`", what.file()), &[&known])
        })
}

fn list(shell: &Shell, disk: &Disk, what: What, format: Format) -> Result<ExitCode, OpError> {
    let all = listed(disk, what)?;
    if matches!(format, Format::Json) {
        let rows: Vec<Json> = all
            .iter()
            .map(|one| {
                let auth = match one.auth {
                    Auth::None => "none",
                    Auth::Token => "token",
                    Auth::SshKey => "ssh-key",
                };
                json!({"id": one.id, "enabled": one.enabled, "path": one.path, "repo": one.repo, "ref": one.reference, "auth": auth, "installed": disk.root().join(&one.path).is_dir()})
            })
            .collect();
        shell.out.data(&format!("{}\n", Json::Array(rows)));
        return Ok(ExitCode::SUCCESS);
    }
    if all.is_empty() {
        shell.out.say(&format!(
            "{} lists nothing: coasti {} add ADDRESS",
            what.file(),
            what.word()
        ));
    }
    let wide = all
        .iter()
        .map(|one| one.id.chars().count())
        .max()
        .unwrap_or_default();
    for one in all {
        let state = match (one.enabled, disk.root().join(&one.path).is_dir()) {
            (false, _) => "disabled",
            (true, true) => "installed",
            (true, false) => "not installed",
        };
        let reference = one.reference.as_deref().unwrap_or("latest");
        let from = one.repo.as_deref().unwrap_or("here");
        shell.out.data(&clean(&format!(
            "{:wide$}  {state:<13}  {reference}  {from}",
            one.id
        )));
        shell.out.data("\n");
    }
    Ok(ExitCode::SUCCESS)
}

struct New {
    address: String,
    id: Option<String>,
    reference: Option<String>,
    path: Option<String>,
    token_file: Option<std::path::PathBuf>,
    key: Option<std::path::PathBuf>,
}

async fn add(
    shell: &Shell,
    disk: &Disk,
    what: What,
    new: New,
    timeout: std::time::Duration,
) -> Result<ExitCode, OpError> {
    let all = listed(disk, What::Product)?
        .into_iter()
        .chain(listed(disk, What::Tool)?);
    let name = new
        .address
        .trim_end_matches('/')
        .rsplit(['/', ':'])
        .next()
        .unwrap_or_default();
    let id = new
        .id
        .unwrap_or_else(|| name.strip_suffix(".git").unwrap_or(name).to_owned());
    if let Some(old) = all.into_iter().find(|one| one.id == id) {
        let list = if old.tool { What::Tool } else { What::Product };
        return Err(OpError::usage(
            format!("{} lists `{id}` already", list.file()),
            &[
                "name it otherwise with --id",
                &format!("take the other away: coasti {} remove {id}", list.word()),
            ],
        ));
    }
    let secret = match (&new.token_file, &new.key) {
        (Some(file), _) if file.as_os_str() == "-" => {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .map_err(|error| {
                    OpError::usage(format!("standard input cannot be read: {error}"), &[])
                })?;
            Some((Auth::Token, text))
        }
        (Some(file), _) => Some((
            Auth::Token,
            std::fs::read_to_string(file)
                .map_err(|error| OpError::usage(format!("{}: {error}", file.display()), &[]))?,
        )),
        (None, Some(key)) => {
            let key =
                std::path::absolute(key).map_err(|error| OpError::usage(error.to_string(), &[]))?;
            Some((Auth::SshKey, key.to_string_lossy().into_owned()))
        }
        (None, None) => None,
    };
    let auth = secret.as_ref().map_or(Auth::None, |(auth, _)| *auth);
    let mut fields = vec![("id", id.clone()), ("vcs_repo", new.address.clone())];
    match auth {
        Auth::None => {}
        Auth::Token => fields.push(("auth", "token".to_owned())),
        Auth::SshKey => fields.push(("auth", "ssh-key".to_owned())),
    }
    let path = new
        .path
        .clone()
        .unwrap_or_else(|| format!("{}/{id}", what.key()));
    fields.push(("dst_path", path));
    fields.extend(
        new.reference
            .clone()
            .map(|reference| ("vcs_ref", reference)),
    );
    // What the list would be is read as every list is, before anything is written.
    let file = what.file();
    let source = source(disk, &file)?;
    let text =
        config::with_entry(&source, what.key(), &fields).map_err(|why| OpError::usage(why, &[]))?;
    let entry = checked(disk, &file, &text, &id)?;
    if let Some((_, secret)) = secret {
        product::keep_access(disk, &id, &Secret::new(secret))?;
    }
    let reached = async {
        let origin = product::origin(disk, &entry, timeout)?;
        product::probe(&origin)
            .await
            .map_err(|error| product::failed(&id, &origin.repo, &error))
            .map(|()| origin)
    };
    match reached.await {
        Ok(origin) => {
            write(disk, &source, &text)?;
            let with = match origin.access {
                Access::Own => "",
                Access::Token(_) => " with the token",
                Access::Key(_) => " with the key",
            };
            shell.out.say(&format!(
                "{} can be reached{with}; {file} lists `{id}`: coasti {} install {id}",
                new.address,
                what.word()
            ));
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            if auth != Auth::None {
                let _ =
                    std::fs::remove_file(disk.root().join(format!("config/secrets/vcs_auth_{id}")));
            }
            Err(error)
        }
    }
}

fn source(disk: &Disk, file: &str) -> Result<crate::diag::Source, OpError> {
    use crate::config::Folder as _;
    let read = disk
        .read(file)
        .map_err(|why| OpError::usage(format!("{file} {why}"), &[]))?;
    let path = disk.root().join(file);
    Ok(match read {
        Some(source) => crate::diag::Source {
            name: source.name.clone(),
            path,
            text: source.text.clone(),
        },
        None => crate::diag::Source {
            name: file.to_owned(),
            path,
            text: "version: 1\n".to_owned(),
        },
    })
}

fn write(disk: &Disk, source: &crate::diag::Source, text: &str) -> Result<(), OpError> {
    let wrong = |error: std::io::Error| {
        OpError::usage(format!("{} cannot be written: {error}", source.name), &[])
    };
    if source.path.symlink_metadata().is_err() {
        return std::fs::write(&source.path, text).map_err(wrong);
    }
    disk.replace(source, text).map_err(wrong)
}

/// A folder with one file other than it is.
struct With<'a> {
    disk: &'a Disk,
    file: &'a str,
    text: &'a str,
}

impl config::Folder for With<'_> {
    fn read(
        &self,
        path: &str,
    ) -> Result<Option<std::sync::Arc<crate::diag::Source>>, config::Unreadable> {
        if path == self.file {
            let source = crate::diag::Source {
                name: path.to_owned(),
                path: self.disk.root().join(path),
                text: self.text.to_owned(),
            };
            return Ok(Some(std::sync::Arc::new(source)));
        }
        self.disk.read(path)
    }

    fn exists(&self, path: &str) -> bool {
        self.disk.exists(path)
    }

    fn name(&self) -> String {
        self.disk.name()
    }
}

fn checked(disk: &Disk, file: &str, text: &str, id: &str) -> Result<Listed, OpError> {
    let mut d = Diagnostics::new();
    let all = config::list(&With { disk, file, text }, &mut d);
    if d.has_errors() {
        return Err(OpError::Files(d));
    }
    all.into_iter()
        .find(|one| one.id == id)
        .ok_or_else(|| OpError::usage(format!("`{id}` cannot be listed in {file}"), &[]))
}

async fn place(
    shell: &Shell,
    disk: &Disk,
    what: What,
    id: &str,
    copy: &Copy,
    recopy: bool,
    update: bool,
) -> Result<ExitCode, OpError> {
    let (number, entry) = find(listed(disk, what)?, what, id)?;
    let data = match &copy.data {
        None => Map::new(),
        Some(text) => match serde_json::from_str(text) {
            Ok(Json::Object(data)) => data,
            Ok(_) => {
                return Err(OpError::usage(
                    "--data is no JSON object",
                    &["it looks like {\"name\": \"value\"}"],
                ));
            }
            // The text may hold secrets: only where it is wrong is said.
            Err(error) => {
                return Err(OpError::usage(
                    format!("--data is no JSON: column {}", error.column()),
                    &["it looks like {\"name\": \"value\"}"],
                ));
            }
        },
    };
    let wish = Wish {
        data,
        reference: copy.vcs_ref.as_deref(),
        pretend: copy.pretend,
        recopy,
        trust: copy.trust.as_deref(),
        skip_tasks: copy.skip_tasks,
        timeout: copy.timeout.duration(),
    };
    let interactive = shell.out.can_ask() && !shell.global.quiet && !copy.defaults;
    let mut ask = |prompt: &Prompt<'_>| {
        if interactive {
            question(prompt)
        } else {
            Ok(None)
        }
    };
    let mut allow = |due: &[Due], commit: &str| interactive && permission(shell, due, commit);
    let done = product::install(disk, &entry, &wish, update, &mut ask, &mut allow).await?;
    tell(shell, id, &done, copy.pretend);
    if let Some(reference) = copy.vcs_ref.as_deref().filter(|_| !copy.pretend)
        && entry.reference.as_deref() != Some(reference)
    {
        let source = source(disk, &what.file())?;
        let text = config::with_value(&source, what.key(), number, "vcs_ref", reference).map_err(
            |why| OpError::usage(why, &[&format!("write `vcs_ref: {reference}` into it")]),
        )?;
        checked(disk, &what.file(), &text, id)?;
        write(disk, &source, &text)?;
    }
    Ok(if done.conflicts.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(crate::cli::exit::code::ERROR)
    })
}

fn tell(shell: &Shell, id: &str, done: &Done, pretend: bool) {
    shell.warn(&done.warnings);
    let mut lines = Vec::new();
    let groups = [
        ("write", &done.written),
        ("merge", &done.merged),
        ("remove", &done.removed),
    ];
    for (word, paths) in groups {
        lines.extend(paths.iter().map(|path| format!("  {word} {path}")));
    }
    for line in lines {
        shell.out.say(&clean(&line));
    }
    for note in &done.notes {
        shell.out.say(&clean(&format!("  note: {note}")));
    }
    let version = done
        .version
        .as_deref()
        .map(|version| format!(" at {version}"))
        .unwrap_or_default();
    let would = if pretend { "would be " } else { "" };
    shell
        .out
        .say(&clean(&format!("`{id}` {would}installed{version}")));
    if let Some(message) = done.message.as_ref().filter(|_| !pretend) {
        for line in message.lines() {
            shell.out.say(&clean(line));
        }
    }
    for path in &done.conflicts {
        shell.out.tell(&clean(&format!("conflict: {path}")));
    }
    if !done.conflicts.is_empty() {
        let would = if pretend { "would have" } else { "have" };
        shell.out.tell(&format!(
            "these files {would} both versions, between <<<<<<< and >>>>>>>: choose, then commit"
        ));
    }
}

fn permission(shell: &Shell, due: &[Due], commit: &str) -> bool {
    shell.out.tell(&clean(&format!(
        "The template at {commit} wants to run on this machine:"
    )));
    for due in due {
        let command = match &due.command {
            Task::Shell(line) => line.clone(),
            Task::Program(words) => words.join(" "),
        };
        shell.out.tell(&clean(&format!("  {command}")));
    }
    shell.out.confirm("Let it?")
}

fn remove(
    shell: &Shell,
    disk: &Disk,
    what: What,
    id: &str,
    confirm: Option<&str>,
) -> Result<ExitCode, OpError> {
    let (number, entry) = find(listed(disk, what)?, what, id)?;
    let typed = match confirm {
        Some(typed) => typed.to_owned(),
        None if shell.out.can_ask() => {
            shell.out.tell(&format!(
                "{} goes with all that is in it, its data too, with its links and its secrets.",
                entry.path
            ));
            shell.out.tell("Type its id to go on:");
            line()
                .map_err(|why| OpError::usage(why, &[]))?
                .trim()
                .to_owned()
        }
        None => {
            return Err(OpError::usage(
                "there is no terminal to ask on",
                &[&format!(
                    "{} goes with all that is in it, its data too: --confirm {id}",
                    entry.path
                )],
            ));
        }
    };
    if typed != id {
        return Err(OpError::usage(
            format!("nothing was removed: `{typed}` is not `{id}`"),
            &[],
        ));
    }
    let source = source(disk, &what.file())?;
    let text = config::without_entry(&source, what.key(), number)
        .map_err(|why| OpError::usage(why, &[]))?;
    product::remove(disk, &entry)?;
    write(disk, &source, &text)?;
    if Path::new(&disk.root().join("config/deploy.yml")).exists() {
        shell.out.say(&format!(
            "`{id}` is removed. What runs of it goes with the next apply, once no site names it"
        ));
    } else {
        shell.out.say(&format!("`{id}` is removed"));
    }
    Ok(ExitCode::SUCCESS)
}
