//! What another value of a secret leads to: which containers the next apply replaces, and what no apply changes.

use super::files;
use crate::base::{Digest, EngineId, Secret, ValueId};
use crate::build::{Context, Rules, Unsendable};
use crate::config::secrets::{self, Content, Encrypted, encrypted_path, plain_path};
use crate::config::{self, Desired, Folder, Unreadable};
use crate::diag::{Diagnostics, Origin, Source};
use crate::diff::{Action, Wishes};
use crate::engine::Look;
use crate::model::Stack;
use crate::observe::Observed;
use crate::ops::OpError;
use crate::ops::folder::Disk;
use crate::ops::gather::gather;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A container that is given a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// Its address.
    pub container: String,
    /// How: `TOKEN`, `/run/secrets/token`, or the field's name.
    pub by: String,
    /// Where that is said.
    pub origin: Option<Origin>,
    /// Where it is read only when data is initialised: the variable, and the volume or directory of that data.
    pub once: Option<(String, EngineId)>,
}

/// Who is given any of these values.
pub fn uses(stack: &Stack, ids: &BTreeSet<ValueId>) -> Vec<Use> {
    let mut all = Vec::new();
    for (id, resource, spec) in stack.containers() {
        let has = |text: &crate::model::Text| text.values().any(|value| ids.contains(&value.id));
        let mut add = |by: &str, field: &str, once: Option<(String, EngineId)>| {
            all.push(Use {
                container: id.address.clone(),
                by: by.to_owned(),
                origin: resource.origin(field).cloned(),
                once,
            });
        };
        let init_only = resource.about.iter().flat_map(|about| &about.init_only);
        let once: BTreeMap<String, &EngineId> = init_only
            .filter_map(|(name, data)| {
                let given = spec.given(name);
                let by = given.variable()?.to_owned();
                given.text().is_some_and(has).then_some((by, data))
            })
            .collect();
        let is_once = |by: &str| once.get(by).map(|data| (by.to_owned(), (*data).clone()));
        let mut seen = 0;
        for (name, _) in spec.env.iter().filter(|(_, text)| has(text)) {
            seen += 1;
            add(name, &format!("env.{name}"), is_once(name));
        }
        for (path, _) in spec.files.iter().filter(|(_, file)| has(&file.content)) {
            seen += 1;
            // The variable that names the file is what an image reads.
            let names = |text: &crate::model::Text| text.as_plain() == Some(path);
            let by = spec.env.iter().find(|(_, text)| names(text));
            let once = by.and_then(|(name, _)| is_once(name));
            add(path, &format!("files.{path}"), once);
        }
        if seen == 0 && spec.texts().any(has) {
            add("its commands", "", None);
        }
    }
    all
}

/// What the next apply does with another value.
#[derive(Clone, Debug, Default)]
pub struct Effect {
    /// Who is given it.
    pub uses: Vec<Use>,
    /// Containers that an apply replaces, by address.
    pub replaced: BTreeSet<String>,
    /// Those that it makes.
    pub created: BTreeSet<String>,
    /// Whether it does something else besides.
    pub more: bool,
    /// Data that was made with the value of now: no apply changes it there.
    pub bound: Vec<(String, String, EngineId)>,
    /// Whether the engine was asked.
    pub known: bool,
}

impl Effect {
    /// As far as the files tell.
    pub fn of_files(desired: &Desired, ids: &BTreeSet<ValueId>) -> Self {
        Self {
            uses: uses(&config::preview(desired), ids),
            ..Self::default()
        }
    }

    /// What a plan made with the other value says.
    pub async fn of_plan<L: Look>(
        look: &L,
        desired: &Desired,
        ids: &BTreeSet<ValueId>,
        other: Option<(&ValueId, &Secret<String>)>,
    ) -> Result<Self, OpError> {
        let mut gathered = gather(look, desired).await?;
        if let Some((id, value)) = other {
            gathered.pretend(desired, id, value)?;
        }
        let plan = gathered.plan(&Wishes::default());
        let uses = uses(&gathered.sealed.stack, ids);
        let theirs: BTreeSet<&str> = uses.iter().map(|one| one.container.as_str()).collect();
        let mut effect = Self {
            known: true,
            ..Self::default()
        };
        for change in &plan.changes {
            let address = &change.id.address;
            if change.id.kind != crate::base::Kind::Container {
                continue;
            }
            let theirs = theirs.contains(address.as_str());
            if change.action == Action::Replace && theirs {
                effect.replaced.insert(address.clone());
            } else if change.action == Action::Create && theirs {
                effect.created.insert(address.clone());
            } else {
                effect.more = true;
            }
        }
        let is_refused = |one: &Use| {
            let mut refusals = plan.refusals.iter();
            refusals.any(|no| no.code == "P0302" && no.id.address == one.container)
        };
        effect.bound = bound(&uses, &gathered.observed, is_refused);
        effect.uses = uses;
        Ok(effect)
    }
}

fn bound(
    uses: &[Use],
    observed: &Observed,
    is_refused: impl Fn(&Use) -> bool,
) -> Vec<(String, String, EngineId)> {
    let there = |data: &EngineId| {
        data.as_str().starts_with('/')
            || observed.volumes.contains_key(data.as_str())
            || observed.foreign.volumes.contains(data.as_str())
    };
    let of = uses.iter().filter(|one| is_refused(one));
    of.filter_map(|one| {
        let (variable, data) = one.once.clone()?;
        there(&data).then(|| (one.container.clone(), variable, data))
    })
    .collect()
}

/// The ids of a secret's values.
pub fn ids(name: &str) -> BTreeSet<ValueId> {
    [secrets::id(name, false), secrets::id(name, true)].into()
}

/// The folder as it would be with another value of a secret.
pub struct With<'a> {
    disk: &'a Disk,
    name: &'a str,
    value: &'a Secret<String>,
    is_encrypted: bool,
}

impl<'a> With<'a> {
    /// Likewise.
    pub fn new(disk: &'a Disk, name: &'a str, value: &'a Secret<String>) -> Result<Self, OpError> {
        let there = files::all(disk)?.remove(name).unwrap_or_default();
        Ok(Self {
            disk,
            name,
            value,
            is_encrypted: there.encrypted,
        })
    }
}

impl Folder for With<'_> {
    fn read(&self, path: &str) -> Result<Option<Arc<Source>>, Unreadable> {
        if path != plain_path(self.name) {
            return self.disk.read(path);
        }
        Ok((!self.is_encrypted).then(|| {
            Arc::new(Source::new(
                path,
                self.disk.root().join(path),
                self.value.expose().clone(),
            ))
        }))
    }

    fn decrypt(&self, path: &str) -> Result<Option<Encrypted>, Unreadable> {
        if path != encrypted_path(self.name) {
            return self.disk.decrypt(path);
        }
        Ok(self.is_encrypted.then(|| Encrypted {
            // Never looked up: it is open.
            digest: Digest::of(&[]),
            content: Content::Open(self.value.clone()),
        }))
    }

    fn exists(&self, path: &str) -> bool {
        self.disk.exists(path)
    }

    fn archived(&self, path: &str) -> Result<Option<BTreeSet<String>>, String> {
        self.disk.archived(path)
    }

    fn context(&self, path: &str, rules: &Rules) -> Result<Context, Unsendable> {
        self.disk.context(path, rules)
    }

    fn name(&self) -> String {
        self.disk.name()
    }
}

/// Reads the files as they would be; none where they have errors.
pub fn read(folder: &dyn Folder, environment: Option<&str>) -> Option<Desired> {
    config::read_for(folder, environment, &mut Diagnostics::new())
}
