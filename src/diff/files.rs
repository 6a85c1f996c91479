//! Files delivered into containers: volumes of coasti's own, made with the container that reads them and
//! removed once nothing mounts them.

use super::others::{change, taken};
use super::{Action, Change, Diff, Inputs, Reason};
use crate::base::{EngineId, Kind, ResourceId, names};
use crate::model::{MountSource, Spec};
use crate::observe::{Observed, Volume};
use std::collections::BTreeSet;

/// Whether a volume holds files that coasti delivers, and so no data.
pub(super) fn is(volume: &Volume) -> bool {
    let id = volume.owner.resource.as_ref();
    id.is_some_and(|id| id.kind == Kind::File)
}

/// Whether a container of the stack mounts the volume: then it was filled, because no container is made
/// before. That through which it is filled does not count.
fn mounted<'a>(observed: &'a Observed, name: &'a str) -> impl Iterator<Item = &'a EngineId> {
    let holder = names::holder(name);
    let containers = observed.containers.values();
    containers
        .filter(move |container| container.name != holder)
        .filter(move |container| {
            let mut mounts = container.mounts.values();
            mounts.any(
                |mount| matches!(&mount.source, MountSource::Volume(id) if id.as_str() == name),
            )
        })
        .map(|container| &container.id)
}

/// What is not there, or may not be whole, is made.
pub(super) fn missing(inputs: &Inputs<'_>, diff: &mut Diff) {
    let wanted = inputs.desired.resources.iter();
    for (id, resource) in wanted.filter(|(id, _)| id.kind == Kind::File) {
        if !inputs.wants(id) {
            continue;
        }
        let name = resource.name.as_str();
        if inputs.observed.foreign.volumes.contains(name) {
            diff.refusals.push(taken(id, resource, "volume"));
            continue;
        }
        let there = inputs.observed.volumes.contains_key(name);
        if there && mounted(inputs.observed, name).next().is_some() {
            continue;
        }
        let mut made = change(id, resource, Action::Create, Reason::New);
        // The real one tells a digest, which before the first apply is made with a key of the plan's own.
        made.name = names::object(&inputs.desired.name, &id.address);
        diff.changes.insert(id.clone(), made);
    }
}

/// What nothing mounts any more, once all that goes is gone, goes as well: it holds no data, and what is in
/// it is kept in the store.
pub(super) fn unused(inputs: &Inputs<'_>, diff: &mut Diff) {
    let desired = inputs.desired;
    let wanted: BTreeSet<&str> = desired
        .resources
        .values()
        .filter(|resource| matches!(resource.spec, Spec::File(_)))
        .map(|resource| resource.name.as_str())
        .collect();
    let changed = diff.changes.values();
    let going: BTreeSet<EngineId> = changed
        .filter_map(|change| change.container.as_ref())
        .flat_map(|container| &container.others)
        // One that failed may be kept to be looked at, with its files.
        .filter(|object| !inputs.wishes.keep_failed || object.good || !object.ever_started)
        .map(|object| object.id.clone())
        .collect();
    for volume in inputs.observed.volumes.values().filter(|volume| is(volume)) {
        let name = volume.name.as_str();
        let Some(of) = &volume.owner.resource else {
            continue;
        };
        // A copy by hand carries labels along: its name is not one that we give.
        let base = names::versioned(&desired.name, &of.address, "");
        let ours = name.starts_with(&base) || name.len() == names::MAX;
        let used = mounted(inputs.observed, name).any(|id| !going.contains(id));
        if !ours || used || wanted.contains(name) || !inputs.wants_label(of) {
            continue;
        }
        // The files that take their place have the same address.
        let version = name.rsplit('-').next().unwrap_or_default();
        let id = ResourceId::file(format!("{}@{version}", of.address));
        let reason = match inputs.wishes.undo {
            true => Reason::Leftover,
            false => Reason::NotInFiles,
        };
        diff.changes.insert(
            id.clone(),
            Change {
                id,
                name: name.to_owned(),
                action: Action::Remove,
                reasons: vec![reason],
                fields: Vec::new(),
                origin: None,
                strategy: None,
                container: None,
                object: Some(EngineId::new(name)),
            },
        );
    }
}
