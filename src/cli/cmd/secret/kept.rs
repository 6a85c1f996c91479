//! Values that the engine keeps: generated ones, and those of files as they were applied.

use super::{Shell, input, print};
use crate::base::{StackId, StackName, ValueId};
use crate::config::secrets as named;
use crate::engine::docker::Docker;
use crate::exec::{Events, Stop};
use crate::ops::{OpError, secrets};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

/// Prints a generated value.
pub(super) async fn get(shell: &Shell, address: &str) -> Result<(), OpError> {
    let (name, id) = shell.stack_with_id()?;
    let engine = shell.engine().await?;
    let (value, changed) = secrets::get(&engine, &name, &id, address).await?;
    print(shell, &value);
    if changed {
        shell.explain("note: this is in force; another was taken in since, for the next apply");
    }
    Ok(())
}

/// Prints a secret of the folder as it was last applied.
pub(super) async fn applied(shell: &Shell, secret: &str) -> Result<(), OpError> {
    let (name, id) = shell.stack_with_id()?;
    let engine = shell.engine().await?;
    let kept = secrets::all(&engine, &name, &id).await?;
    // To the last byte where it was delivered as a file.
    let ids = [true, false].map(|whole| named::id(secret, whole));
    match ids.iter().find_map(|id| kept.values.get(id)) {
        Some(value) => {
            print(shell, value);
            Ok(())
        }
        None => Err(OpError::usage(
            format!("`{secret}` was not applied yet"),
            &[&format!(
                "coasti secret get {secret} prints what the folder has"
            )],
        )),
    }
}

/// Prints all.
pub(super) async fn export(shell: &Shell) -> Result<(), OpError> {
    let (name, id) = shell.stack_with_id()?;
    let engine = shell.engine().await?;
    let kept = secrets::all(&engine, &name, &id).await?;
    let plain: BTreeMap<_, _> = kept
        .values
        .iter()
        .map(|(id, value)| (id.as_str(), value.expose()))
        .collect();
    let json = serde_json::to_string_pretty(&plain).unwrap_or_default();
    shell.out.data(&format!("{json}\n"));
    if !kept.changed.is_empty() {
        let changed = listed(&kept.changed);
        shell.explain(&format!(
            "note: these are in force; others were taken in since, for the next apply: {changed}"
        ));
    }
    match kept.lost {
        None => Ok(()),
        Some(lost) if lost.is_empty() => {
            shell.explain(
                "note: the store is gone; these are what the containers tell, and an apply keeps them again",
            );
            Ok(())
        }
        Some(lost) => Err(OpError::Usage {
            what: format!(
                "the store is gone: these are what the containers tell, and nobody knows {}",
                listed(&lost)
            ),
            help: vec!["take those in from a copy: coasti secret import".into()],
        }),
    }
}

/// Takes one value in.
pub(super) async fn set(shell: &Shell, address: &str) -> Result<(), OpError> {
    let (name, id) = shell.stack_with_id()?;
    let engine = shell.engine().await?;
    known(shell, &engine, &name, &id, address).await?;
    let value = input(shell, address)?;
    secrets::files::proper(&value)?;
    // As a variable holds it.
    let text = value.expose().trim_end_matches(['\r', '\n']).to_owned();
    let values = [(address.to_owned(), text)].into();
    let imported = take_in(shell, &engine, &name, id, values).await?;
    tell_import(shell, &imported);
    Ok(())
}

/// Refuses an address that nothing has: it would be kept and never used.
async fn known(
    shell: &Shell,
    engine: &Docker,
    name: &StackName,
    id: &StackId,
    address: &str,
) -> Result<(), OpError> {
    let disk = shell.folder()?;
    let environment = shell.global.environment.as_deref();
    let mut d = crate::diag::Diagnostics::new();
    let asked = crate::config::asked(&disk, environment, &mut d);
    if asked.generated.contains_key(&ValueId::new(address)) {
        return Ok(());
    }
    secrets::get(engine, name, id, address).await.map(drop)
}

/// Takes values in from JSON.
pub(super) async fn import(shell: &Shell) -> Result<(), OpError> {
    let (name, id) = shell.stack_with_id()?;
    let engine = shell.engine().await?;
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| OpError::usage(format!("standard input cannot be read: {error}"), &[]))?;
    let values: BTreeMap<String, String> = serde_json::from_str(&text).map_err(|error| {
        let where_ = format!("line {}, column {}", error.line(), error.column());
        OpError::usage(
            format!("standard input is no JSON object of strings ({where_})"),
            &["it looks like {\"blog/database/MARIADB_PASSWORD\": \"…\"}, as `coasti secret export` writes it"],
        )
    })?;
    let imported = take_in(shell, &engine, &name, id, values).await?;
    tell_import(shell, &imported);
    Ok(())
}

pub(super) async fn take_in(
    shell: &Shell,
    engine: &Docker,
    name: &StackName,
    id: StackId,
    values: BTreeMap<String, String>,
) -> Result<secrets::Imported, OpError> {
    let change = crate::cli::args::Change {
        yes: true,
        lock_wait: crate::base::Span::ZERO,
        format: crate::cli::args::RunFormat::Human,
    };
    let who = shell.who(None, &change).await;
    let (events, stop) = (Events::default(), Stop::default());
    secrets::import(engine, name, id, values, &who, &events, &stop).await
}

fn listed(ids: &BTreeSet<ValueId>) -> String {
    let ids: Vec<_> = ids.iter().map(ValueId::as_str).collect();
    ids.join(", ")
}

fn tell_import(shell: &Shell, imported: &secrets::Imported) {
    let noun = if imported.count == 1 {
        "value"
    } else {
        "values"
    };
    shell
        .out
        .say(&format!("{} {noun} taken in", imported.count));
    if imported.changed.is_empty() {
        return;
    }
    shell.explain(&format!(
        "The next apply gives what runs another {}.",
        listed(&imported.changed)
    ));
    for (id, volume) in &imported.bound {
        let label = id.as_str().split('/').next().unwrap_or_default();
        let text = format!(
            "warning: the data in `{volume}` was made with another {id}, and no apply changes it there. If it \
             was changed inside the service: coasti apply --new-data {label}. If not, take the old value in \
             again: coasti secret get {id} prints it."
        );
        shell.out.tell(&shell.style().wrap(0, &text));
    }
}
