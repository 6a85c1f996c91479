//! Values that were generated for data that is still there, and are gone: they are not generated anew.

use crate::base::{Digest, Kind, StackName, ValueId, names};
use crate::config::Sealed;
use crate::diff::Refusal;
use crate::model::{ContainerSpec, Resource, Spec, Stack, Text};
use crate::observe::Observed;
use crate::store::Peek;
use std::collections::{BTreeMap, BTreeSet};

/// Whether the store was removed while containers of the stack are there.
pub(super) fn history(name: &StackName, peek: &Peek, observed: &Observed) -> bool {
    let mut containers = observed.containers.values();
    peek.key.is_none()
        && !observed.volumes.contains_key(&names::store(name))
        && containers.any(|container| container.owner.resource.is_some())
}

/// What is known of the past.
pub(super) struct Kept<'a> {
    /// Values that the store has, or that were rebuilt from containers.
    pub(super) digests: &'a BTreeMap<ValueId, Digest>,
    /// What was last applied and good.
    pub(super) base: Option<&'a Stack>,
    /// Whether there is a store.
    pub(super) store: bool,
}

impl Kept<'_> {
    /// Whether the past of a label is known: then a value that is not there was never made.
    fn knows(&self, label: &str) -> bool {
        let of = |id: &ValueId| id.as_str().split('/').next() == Some(label);
        self.digests.keys().any(of)
            || self
                .base
                .is_some_and(|base| base.containers().any(|(id, ..)| id.label() == label))
    }
}

/// A refusal for each value that is lost.
pub(super) fn lost(sealed: &Sealed, observed: &Observed, kept: &Kept<'_>) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let mut told: BTreeSet<ValueId> = BTreeSet::new();
    let missing = |text: &Text| -> Vec<ValueId> {
        let ids = text.values().map(|value| value.id.clone());
        ids.filter(|id| sealed.generate.contains_key(id) && !kept.digests.contains_key(id))
            .collect()
    };
    let persistent = |id: &ValueId| sealed.generate.get(id).is_some_and(|g| g.persistent);
    for (id, resource, spec) in sealed.stack.containers() {
        for (variable, volume) in read_once(sealed, observed, kept, resource) {
            let given = spec.given(variable);
            let gone = given.text().map(missing).unwrap_or_default();
            if gone.is_empty() {
                continue;
            }
            told.extend(gone);
            let by = given.variable().unwrap_or(variable);
            refusals.push(refusal(
                id,
                resource,
                &format!("env.{by}"),
                &format!("{}/{by}", id.address),
                volume,
            ));
        }
    }
    // What a provider was told of is not told of who uses it.
    for (id, resource, spec) in sealed.stack.containers() {
        for value in spec.texts().flat_map(missing).filter(persistent) {
            let owner = value.as_str().split('/').next().unwrap_or_default();
            if kept.knows(owner) || kept.knows(id.label()) || !told.insert(value.clone()) {
                continue;
            }
            if let Some(volume) = made_before(sealed, observed, id.label()) {
                refusals.push(refusal(id, resource, "env", value.as_str(), volume));
            }
        }
    }
    refusals
}

/// Variables that are read only when a volume is initialised, with volumes that were.
fn read_once<'a>(
    sealed: &'a Sealed,
    observed: &'a Observed,
    kept: &'a Kept<'_>,
    resource: &'a Resource,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let had_store = kept.store && kept.base.is_some();
    let init_only = resource.about.iter().flat_map(|about| &about.init_only);
    init_only
        .map(|(variable, volume)| (variable.as_str(), volume.as_str()))
        .filter(move |(_, volume)| {
            let made = observed
                .volumes
                .get(*volume)
                .is_some_and(|volume| volume.owner.run.is_some());
            let external = sealed
                .stack
                .by_name(Kind::Volume, volume)
                .is_some_and(|(_, r)| matches!(&r.spec, Spec::Volume(v) if v.external));
            made || external && (!had_store || resource.life.adopt.is_some())
        })
}

/// A volume that a run made for a label.
fn made_before<'a>(sealed: &'a Sealed, observed: &Observed, label: &str) -> Option<&'a str> {
    let of = sealed
        .stack
        .containers()
        .filter(|(id, ..)| id.label() == label);
    of.flat_map(|(_, _, spec)| ContainerSpec::written(spec))
        .map(|name| name.as_str())
        .find(|name| {
            let volume = observed.volumes.get(*name);
            volume.is_some_and(|volume| volume.owner.run.is_some())
        })
}

fn refusal(
    id: &crate::base::ResourceId,
    resource: &Resource,
    field: &str,
    value: &str,
    volume: &str,
) -> Refusal {
    let variable = value.rsplit('/').next().unwrap_or(value);
    Refusal {
        code: "P0308".into(),
        id: id.clone(),
        summary: format!("`{variable}` for the data in volume `{volume}` is lost"),
        why: "the store that kept it is gone, and no container is left that knows it".into(),
        help: vec![
            format!("bring it back: coasti secret import (with {value}), or"),
            format!(
                "begin anew: copy the volume's files elsewhere, remove it (docker volume rm {volume}), and pass \
                 `--new-data {}`",
                id.label()
            ),
        ],
        origin: resource.origin(field).cloned(),
    }
}
