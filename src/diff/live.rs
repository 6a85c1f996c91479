//! What the engine can change in place: compared with the live object, not with what it was made from.

use super::{Cause, FieldChange, Inputs};
use crate::base::ResourceId;
use crate::model::{Attachment, ContainerSpec, LiveSpec, Resource, Spec};
use crate::observe::Container;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is changed in place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveChange {
    /// Limits and restart policy; none where they are right.
    pub update: Option<LiveSpec>,
    /// Networks to leave.
    pub disconnect: Vec<String>,
    /// Networks to join.
    pub connect: BTreeMap<String, Attachment>,
}

impl LiveChange {
    /// Whether there is nothing to change.
    pub fn is_empty(&self) -> bool {
        self.update.is_none() && self.disconnect.is_empty() && self.connect.is_empty()
    }
}

/// Limits that were declared for this container and no longer are: the engine cannot lift them in place.
pub(super) fn removed_limits(
    inputs: &Inputs<'_>,
    id: &ResourceId,
    spec: &ContainerSpec,
    container: &Container,
) -> Vec<String> {
    let base = base_live(inputs, id, container);
    let Some(base) = base else { return Vec::new() };
    let (now, live) = (&container.live, &spec.live);
    [
        ("memory", base.memory, live.memory, now.memory),
        (
            "memory_swap",
            base.memory_swap,
            live.memory_swap,
            now.memory_swap,
        ),
        ("nano_cpus", base.nano_cpus, live.nano_cpus, now.nano_cpus),
        ("pids", base.pids, live.pids, now.pids),
    ]
    .into_iter()
    .filter(|(_, base, wanted, now)| base.is_some() && wanted.is_none() && now.is_some())
    .map(|(field, ..)| field.to_owned())
    .collect()
}

/// What was last applied of the fields that change in place: the good revision's, else the label's.
fn base_live<'a>(
    inputs: &'a Inputs<'_>,
    id: &ResourceId,
    container: &'a Container,
) -> Option<&'a LiveSpec> {
    if let Some(base) = inputs.base.and_then(|base| base.container(id)) {
        return Some(&base.live);
    }
    match &container.owner.spec {
        Some(Spec::Container(spec)) => Some(&spec.live),
        _ => None,
    }
}

/// What differs on the live object, and how it is mended.
pub(super) fn compare_live(
    inputs: &Inputs<'_>,
    id: &ResourceId,
    resource: &Resource,
    spec: &ContainerSpec,
    container: &Container,
    fields: &mut Vec<FieldChange>,
) -> LiveChange {
    let (wanted, now) = (&spec.live, &container.live);
    let base = base_live(inputs, id, container)
        .cloned()
        .unwrap_or_else(|| wanted.clone());
    let mut live = LiveChange::default();
    let mut tell = |field: &str, from: Option<String>, to: Option<String>, yours: bool| {
        fields.push(FieldChange {
            field: field.to_owned(),
            from,
            to,
            cause: if yours { Cause::You } else { Cause::Drift },
            origin: resource.origin(&format!("live.{field}")).cloned(),
        });
    };
    let bytes = |n: i64| crate::base::size::show(n);
    let cpus = |n: i64| format!("{}.{:03}", n / 1_000_000_000, n % 1_000_000_000 / 1_000_000);
    type Limit<'a> = (
        &'a str,
        Option<i64>,
        Option<i64>,
        Option<i64>,
        &'a dyn Fn(i64) -> String,
    );
    let limits: [Limit<'_>; 4] = [
        ("memory", wanted.memory, now.memory, base.memory, &bytes),
        (
            "memory_swap",
            wanted.memory_swap,
            now.memory_swap,
            base.memory_swap,
            &bytes,
        ),
        (
            "cpus",
            wanted.nano_cpus,
            now.nano_cpus,
            base.nano_cpus,
            &cpus,
        ),
        ("pids", wanted.pids, now.pids, base.pids, &|n| n.to_string()),
    ];
    let mut update = false;
    for (field, wanted, now, base, show) in limits {
        if wanted.is_some() && wanted != now {
            tell(field, now.map(show), wanted.map(show), wanted != base);
            update = true;
        }
    }
    if wanted.restart != now.restart {
        let show = |r: &crate::model::Restart| Some(r.name.word().to_owned());
        tell(
            "restart",
            show(&now.restart),
            show(&wanted.restart),
            wanted.restart != base.restart,
        );
        update = true;
    }
    if update {
        live.update = Some(LiveSpec {
            networks: BTreeMap::new(),
            ..wanted.clone()
        });
    }
    for (network, attachment) in &wanted.networks {
        let as_is = now.networks.get(network);
        let right = as_is.is_some_and(|n| {
            attachment.aliases.is_subset(&n.aliases)
                && attachment.links == n.links
                && (attachment.address.is_none() || attachment.address == n.address)
                && (attachment.address6.is_none() || attachment.address6 == n.address6)
        });
        if !right {
            let yours = base.networks.get(network) != Some(attachment);
            tell(
                &format!("networks.{network}"),
                as_is.map(Attachment::show),
                Some(attachment.show()),
                yours,
            );
            if as_is.is_some() {
                live.disconnect.push(network.clone());
            }
            live.connect.insert(network.clone(), attachment.clone());
        }
    }
    for network in now.networks.keys() {
        // A network that was joined by hand is not ours to leave; one that we joined is.
        if !wanted.networks.contains_key(network) && base.networks.contains_key(network) {
            tell(
                &format!("networks.{network}"),
                Some("connected".into()),
                None,
                true,
            );
            live.disconnect.push(network.clone());
        }
    }
    live
}
