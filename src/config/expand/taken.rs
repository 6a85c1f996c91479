//! Mounts that a container takes over from others: `volumes_from` of compose files.
//!
//! Each becomes a mount of its own, so that nothing after this knows where it came from.

use super::{Container, Draft};
use crate::base::ResourceId;
use crate::diag::{Diagnostics, Place};
use crate::graph::{self, Edges};
use crate::model::{Mount, MountSource};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// From whom a container takes mounts.
#[derive(Clone)]
pub(in crate::config) struct Taken {
    /// The other.
    pub from: ResourceId,
    /// Whether they can only be read here.
    pub read_only: bool,
    /// Where it is said.
    pub at: Place,
}

/// Containers by number, each after those that it takes mounts from, which stand with it.
pub(in crate::config) fn order(containers: &[Container]) -> Vec<(usize, Vec<usize>)> {
    let numbers: BTreeMap<&ResourceId, usize> =
        containers.iter().map(|one| &one.id).zip(0..).collect();
    let from = |container: &Container| -> Vec<usize> {
        let all = container.taken.iter();
        all.filter_map(|taken| numbers.get(&taken.from).copied())
            .collect()
    };
    let all = containers.iter().map(from).enumerate();
    let all: BTreeMap<usize, Vec<usize>> = all.collect();
    let edges: Edges<usize> = all
        .iter()
        .map(|(number, from)| (*number, from.iter().copied().collect()))
        .collect();
    // They are needs as well, and those in a circle were refused.
    let order = graph::order(&edges).unwrap_or_default();
    let order = order.into_iter();
    order
        .map(|number| (number, all.get(&number).cloned().unwrap_or_default()))
        .collect()
}

/// Gives the container `number` what those at `from` mount now, where it has nothing of its own.
pub(in crate::config) fn take(containers: &mut [Container], number: usize, from: &[usize]) {
    let Some(own) = containers.get(number).filter(|_| !from.is_empty()) else {
        return;
    };
    let mut found: BTreeMap<String, (Mount, bool, Place)> = BTreeMap::new();
    // Of what two of them have, the later one's.
    for (taken, from) in own.taken.iter().zip(from).rev() {
        let Some(other) = containers.get(*from) else {
            continue;
        };
        for (target, mount) in &other.spec.mounts {
            // Memory is of one container.
            let Some(data) = mount.source.data() else {
                continue;
            };
            if own.spec.mounts.contains_key(target) {
                continue;
            }
            if let Entry::Vacant(entry) = found.entry(target.clone()) {
                let mut mount = mount.clone();
                let made = other.spec.create.contains(data);
                mount.read_only |= taken.read_only;
                // What a new volume has is of the other's image.
                mount.options.no_copy |= matches!(mount.source, MountSource::Volume(_));
                entry.insert((mount, made, taken.at.clone()));
            }
        }
    }
    let Some(own) = containers.get_mut(number) else {
        return;
    };
    for (target, (mount, made, at)) in found {
        if made {
            own.spec
                .create
                .extend(mount.source.data().map(str::to_owned));
        }
        own.origins.insert(format!("mounts.{target}"), at);
        own.spec.mounts.insert(target, mount);
    }
    own.keeps();
}

/// Gives all of them what the files say of the others. What images declare is known where an engine is.
pub(super) fn all(draft: &mut Draft, containers: &mut [Container], d: &mut Diagnostics) {
    for (number, from) in order(containers) {
        if from.is_empty() {
            continue;
        }
        let of = |number: &usize| {
            containers
                .get(*number)
                .map_or(0, |one| one.spec.mounts.len())
        };
        let count: usize = from.iter().map(of).sum();
        let at = containers.get(number).map(|one| one.at.clone());
        let fits = draft.budget.each("mounts", count, at.as_ref(), d)
            && draft.budget.containers(0, count, at.as_ref(), d);
        if !fits {
            return;
        }
        take(containers, number, &from);
    }
}
