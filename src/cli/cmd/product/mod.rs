//! `coasti product` and `coasti tool`.

mod access;
mod add;
mod launch;
mod place;

use super::files::to_write;
use super::session::Shell;
use crate::cli::args::{Format, ItemCommand};
use crate::cli::render::{self, style::clean};
use crate::config::{self, Auth, Listed};
use crate::diag::{Diagnostics, did_you_mean};
use crate::ops::OpError;
use crate::ops::folder::Disk;
use crate::ops::product::{self, Work};
use add::New;
use place::Order;
pub(super) use place::answers;
use serde_json::{Value as Json, json};
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
    let reads = match &command {
        ItemCommand::List { .. } | ItemCommand::Run { .. } => true,
        ItemCommand::Install { copy, .. }
        | ItemCommand::Update { copy, .. }
        | ItemCommand::Configure { copy, .. } => copy.pretend,
        ItemCommand::Add { .. } | ItemCommand::Remove { .. } => false,
    };
    let (disk, _writing) = to_write(shell, reads)?;
    match command {
        ItemCommand::List { format } => list(shell, &disk, what, format),
        ItemCommand::Add {
            address,
            data,
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
                access: None,
            };
            let new = new.with(data.as_deref())?;
            add::add(shell, &disk, what, new, timeout.duration()).await
        }
        ItemCommand::Install {
            id,
            vcs_ref,
            recopy,
            copy,
        } => {
            let work = Work::Install { recopy };
            let id = place::chosen(shell, &disk, what, id, false)?;
            Order::new(&id, work, vcs_ref.as_deref(), &copy)
                .run(shell, &disk, what)
                .await
        }
        ItemCommand::Update { id, vcs_ref, copy } => {
            let id = place::chosen(shell, &disk, what, id, true)?;
            Order::new(&id, Work::Update, vcs_ref.as_deref(), &copy)
                .run(shell, &disk, what)
                .await
        }
        ItemCommand::Configure { id, copy } => {
            let id = place::chosen(shell, &disk, what, id, true)?;
            Order::new(&id, Work::Configure, None, &copy)
                .run(shell, &disk, what)
                .await
        }
        ItemCommand::Run {
            id,
            trust,
            arguments,
        } => launch::run(shell, &disk, what, &id, trust.as_deref(), &arguments),
        ItemCommand::Remove { id, confirm } => {
            add::remove(shell, &disk, what, &id, confirm.as_deref())
        }
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
            let near = did_you_mean(id, ids.iter().map(String::as_str));
            let near = near.map(|near| format!("did you mean `{near}`?"));
            OpError::Usage {
                what: format!("{} lists no `{id}`", what.file()),
                help: near.into_iter().chain([known]).collect(),
            }
        })
}

fn list(shell: &Shell, disk: &Disk, what: What, format: Format) -> Result<ExitCode, OpError> {
    let mut all = listed(disk, what)?;
    for one in &mut all {
        one.repo = one.repo.as_deref().map(render::masked);
    }
    if matches!(format, Format::Json) {
        let rows: Vec<Json> = all
            .iter()
            .map(|one| {
                let auth = match one.auth {
                    Auth::None => "none",
                    Auth::Token => "token",
                    Auth::SshKey => "ssh-key",
                };
                json!({"id": one.id, "enabled": one.enabled, "path": one.path, "repo": one.repo, "ref": one.reference, "auth": auth, "installed": disk.root().join(&one.path).is_dir(), "version": product::version(disk, one)})
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
    let versions: Vec<_> = all.iter().map(|one| product::version(disk, one)).collect();
    let versions = versions.into_iter().map(Option::unwrap_or_default);
    let versions: Vec<String> = versions.collect();
    let longest = versions.iter().map(|one| one.chars().count()).max();
    let longest = longest.unwrap_or_default();
    for (one, version) in all.iter().zip(versions) {
        let state = match (one.enabled, disk.root().join(&one.path).is_dir()) {
            (false, _) => "disabled",
            (true, true) if product::unfinished(disk, one) => "unfinished",
            (true, true) => "installed",
            (true, false) => "not installed",
        };
        let reference = one.reference.as_deref().unwrap_or("latest");
        let from = one.repo.as_deref().unwrap_or("here");
        shell.out.data(&clean(&format!(
            "{:wide$}  {state:<13}  {version:longest$}  {reference}  {from}",
            one.id
        )));
        shell.out.data("\n");
    }
    Ok(ExitCode::SUCCESS)
}

fn source(disk: &Disk, file: &str) -> Result<crate::diag::Source, OpError> {
    use crate::config::Folder as _;
    let read = disk
        .read(file)
        .map_err(|why| OpError::usage(format!("{file} {why}"), &[]))?;
    let path = disk.root().join(file);
    Ok(match read {
        Some(source) => crate::diag::Source::new(source.name.clone(), path, source.text.clone()),
        None => crate::diag::Source::new(file, path, "version: 1\n"),
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
            let source = crate::diag::Source::new(path, self.disk.root().join(path), self.text);
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
