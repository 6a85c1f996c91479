//! All secrets and generated values that a stack has or asks for. Never what they are.

use super::{age, files};
use crate::base::ValueId;
use crate::config::secrets::{Content, ENCRYPTED, FOLDER, encrypted_path};
use crate::config::{self, Auth, Folder as _};
use crate::diag::{Diagnostics, Origin};
use crate::ops::OpError;
use crate::ops::folder::Disk;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What there is, and what is wrong with it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Listing {
    /// Secrets of the folder, by name.
    pub secrets: Vec<Listed>,
    /// Generated values, by address.
    pub generated: Vec<Generated>,
    /// The public keys that encrypted ones are for.
    pub recipients: Vec<String>,
    /// Whether the files could be read without errors: else they may ask for more.
    pub complete: bool,
}

/// A secret of the folder.
#[derive(Clone, Debug, Serialize)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// How it stands there.
    pub kind: Kind,
    /// The permission bits of the plain one, as `0600`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Whether others on this machine can read it.
    pub open_to_others: bool,
    /// Whether git keeps it as it is.
    pub committed: bool,
    /// Of an encrypted one, whether it can be opened here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opens: Option<bool>,
    /// Where it is asked for: `FILE:LINE`, or in words.
    pub uses: BTreeSet<String>,
}

/// How a secret stands in the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// As it is.
    Plain,
    /// Encrypted.
    Encrypted,
    /// As both.
    Both,
    /// Not at all, although it is asked for.
    Missing,
}

/// A generated value.
#[derive(Clone, Debug, Serialize)]
pub struct Generated {
    /// Its address.
    pub address: String,
    /// Whether it was made; none where the engine was not asked.
    pub made: Option<bool>,
    /// Where it is asked for.
    pub uses: BTreeSet<String>,
}

/// Lists them. `made` are the values that the store has, where that is known.
pub fn list(
    disk: &Disk,
    environment: Option<&str>,
    made: Option<&BTreeSet<ValueId>>,
) -> Result<Listing, OpError> {
    let mut wrong = Diagnostics::new();
    let asked = config::asked(disk, environment, &mut wrong);
    let there = files::all(disk)?;
    let committed = files::committed(disk);
    let places = |all: &BTreeSet<Origin>| all.iter().map(ToString::to_string).collect();
    let mut uses: BTreeMap<String, BTreeSet<String>> = asked
        .secrets
        .iter()
        .map(|(name, all)| (name.clone(), places(all)))
        .collect();
    for (name, of) in products(disk) {
        // Without a file of its own nothing asks for answers that are secret.
        if name.starts_with(ANSWERS) && !there.contains_key(&name) {
            continue;
        }
        uses.entry(name).or_default().insert(of);
    }
    let names: BTreeSet<&String> = there.keys().chain(uses.keys()).collect();
    let secrets = names.into_iter().map(|name| {
        let files = there.get(name).cloned().unwrap_or_default();
        Listed {
            name: name.clone(),
            kind: match (files.plain, files.encrypted) {
                (None, false) => Kind::Missing,
                (Some(_), false) => Kind::Plain,
                (None, true) => Kind::Encrypted,
                (Some(_), true) => Kind::Both,
            },
            mode: files.plain.map(|mode| format!("{mode:04o}")),
            open_to_others: files.plain.is_some_and(config::secrets::is_open_to_others),
            committed: committed.contains(name),
            opens: files.encrypted.then(|| opens(disk, name)),
            uses: uses.get(name).cloned().unwrap_or_default(),
        }
    });
    let generated = asked.generated.iter().map(|(id, all)| Generated {
        address: id.to_string(),
        made: made.map(|made| made.contains(id)),
        uses: places(all),
    });
    let recipients = files::recipients(disk)?;
    Ok(Listing {
        secrets: secrets.collect(),
        generated: generated.collect(),
        recipients: recipients
            .as_ref()
            .map(age::Recipients::keys)
            .unwrap_or_default(),
        complete: !wrong.has_errors(),
    })
}

fn opens(disk: &Disk, name: &str) -> bool {
    let read = disk.decrypt(&encrypted_path(name));
    read.is_ok_and(|read| read.is_some_and(|one| matches!(one.content, Content::Open(_))))
}

const ANSWERS: &str = "answers_";

/// What products have among the secrets.
fn products(disk: &Disk) -> Vec<(String, String)> {
    let mut uses = Vec::new();
    for one in config::list(disk, &mut Diagnostics::new()) {
        let kind = if one.tool { "tool" } else { "product" };
        if one.auth != Auth::None {
            let of = format!("{kind} {}: its repository", one.id);
            uses.push((format!("vcs_auth_{}", one.id), of));
        }
        let of = format!("{kind} {}: its answers", one.id);
        uses.push((format!("{ANSWERS}{}", one.id), of));
    }
    uses
}

/// What is worth a look about a secret, in a few words each.
pub fn remarks(one: &Listed) -> Vec<String> {
    let path = format!("{FOLDER}/{}", one.name);
    let mut all = Vec::new();
    if one.kind == Kind::Missing {
        all.push(format!("coasti secret set {}", one.name));
    } else if one.uses.is_empty() {
        all.push("nothing asks for it".to_owned());
    }
    if one.open_to_others {
        all.push(format!("others can read it: chmod 600 {path}"));
    }
    if one.committed {
        all.push(format!("git keeps it: git rm --cached {path}"));
    }
    if one.kind == Kind::Both {
        all.push(format!("stands twice: rm {path}, or rm {path}{ENCRYPTED}"));
    }
    if one.opens == Some(false) {
        all.push("cannot be opened here".to_owned());
    }
    all
}
