//! Networks and volumes.

use super::{Action, Change, Diff, Inputs, Notice, Reason, Refusal, Slots};
use crate::base::{Kind, ResourceId, names};
use crate::model::{Resource, Spec, Subnet, flatten};
use crate::observe::Owner;
use std::collections::BTreeSet;

pub(super) fn change(
    id: &ResourceId,
    resource: &Resource,
    action: Action,
    reason: Reason,
) -> Change {
    Change {
        id: id.clone(),
        name: resource.name.clone(),
        action,
        reasons: vec![reason],
        fields: Vec::new(),
        origin: resource.origin("").cloned(),
        strategy: None,
        container: None,
        object: None,
    }
}

/// Networks and volumes are made where they are missing, and never changed. `there` are ours by name, with why
/// one of them is not what the files want; `foreign` are everybody else's.
fn made(
    inputs: &Inputs<'_>,
    kind: Kind,
    foreign: &BTreeSet<String>,
    there: impl Fn(&ResourceId, &Resource) -> Option<Option<Refusal>>,
    diff: &mut Diff,
) {
    let wanted = inputs.desired.resources.iter();
    for (id, resource) in wanted.filter(|(id, _)| id.kind == kind && inputs.wants(id)) {
        let external = match &resource.spec {
            Spec::Network(network) => network.external,
            Spec::Volume(volume) => volume.external,
            _ => continue,
        };
        let theirs = foreign.contains(&resource.name);
        let refusal = match there(id, resource) {
            None if external && !theirs => Some(missing(id, resource, kind.word())),
            None if external => None,
            None if theirs => Some(taken(id, resource, kind.word())),
            None => {
                let known = inputs
                    .base
                    .is_some_and(|base| base.resources.contains_key(id));
                let reason = if known { Reason::Gone } else { Reason::New };
                let change = change(id, resource, Action::Create, reason);
                diff.changes.insert(id.clone(), change);
                None
            }
            Some(differs) => differs.filter(|_| !external),
        };
        diff.refusals.extend(refusal);
    }
}

/// How the fields of labels begin.
const LABELS: &str = "labels.";

/// In which fields an object was made otherwise than the files say now.
fn differing(owner: &Owner, resource: &Resource) -> BTreeSet<String> {
    let before = owner.spec.as_ref();
    // Mostly it is what it was, and nothing has to be written out to see that.
    let Some(before) = before.filter(|before| **before != resource.spec) else {
        return BTreeSet::new();
    };
    let (before, after) = (flatten(before), flatten(&resource.spec));
    let fields = before.keys().chain(after.keys());
    fields
        .filter(|field| before.get(*field) != after.get(*field))
        .cloned()
        .collect()
}

/// Labels are fixed as well. As nothing that runs depends on them, what differs is told and no more.
fn other_labels<'a>(
    inputs: &Inputs<'_>,
    kind: Kind,
    owner: impl Fn(&str) -> Option<&'a Owner>,
    diff: &mut Diff,
) {
    let wanted = inputs.desired.resources.iter();
    for (id, resource) in wanted.filter(|(id, _)| id.kind == kind && inputs.wants(id)) {
        let (Some(owner), false) = (owner(&resource.name), inputs.wishes.undo) else {
            continue;
        };
        let fields = differing(owner, resource).into_iter();
        let labels: BTreeSet<String> = fields
            .filter_map(|field| Some(field.strip_prefix(LABELS)?.to_owned()))
            .collect();
        if !labels.is_empty() {
            diff.notices.insert(Notice::Labels {
                id: id.clone(),
                name: resource.name.clone(),
                labels,
            });
        }
    }
}

/// Networks are made and removed, never changed.
pub(super) fn networks(inputs: &Inputs<'_>, slots: &Slots<'_>, diff: &mut Diff) {
    let there = |id: &ResourceId, resource: &Resource| {
        let network = inputs.observed.networks.get(&resource.name)?;
        let opens = match &resource.spec {
            Spec::Network(spec) => network.internal != spec.internal,
            _ => false,
        };
        let fixed = |field: &String| {
            let whole = matches!(field.as_str(), "driver" | "enable_ipv6");
            whole || field.starts_with("ipam.") || field.starts_with("ipam6.")
        };
        let options: Vec<_> = differing(&network.owner, resource)
            .into_iter()
            .filter_map(|field| match field.strip_prefix("options.") {
                Some(option) => Some(format!("`{option}`")),
                None => fixed(&field).then(|| format!("`{field}`")),
            })
            .collect();
        let what = match (opens, options.as_slice()) {
            (true, _) => "change between internal and open".to_owned(),
            (false, []) => return Some(None),
            (false, some) => format!("change its options: {}", some.join(", ")),
        };
        Some((!inputs.wishes.undo || opens).then(|| Refusal {
            code: "P0204".into(),
            id: id.clone(),
            summary: format!("network `{}` cannot {what}", resource.name),
            why: "the engine fixes that when it makes the network".into(),
            help: anew(resource, inputs.desired.pool),
            origin: resource.origin("").cloned(),
        }))
    };
    let foreign = &inputs.observed.foreign.networks;
    made(inputs, Kind::Network, foreign, there, diff);
    let owner = |name: &str| Some(&inputs.observed.networks.get(name)?.owner);
    other_labels(inputs, Kind::Network, owner, diff);
    for network in inputs.observed.networks.values() {
        let Some(id) = &network.owner.resource else {
            continue;
        };
        let ours = network.name == names::object(&inputs.desired.name, &id.address);
        let known = inputs
            .desired
            .by_name(Kind::Network, &network.name)
            .is_some();
        if !ours || known || !inputs.wants(id) {
            continue;
        }
        let by = strangers_on(inputs, slots, &network.name);
        if !by.is_empty() {
            let name = network.name.clone();
            diff.notices.insert(Notice::InUse { name, by });
            continue;
        }
        let reason = if inputs.wishes.undo {
            Reason::Leftover
        } else {
            Reason::NotInFiles
        };
        diff.changes.insert(
            id.clone(),
            Change {
                id: id.clone(),
                name: network.name.clone(),
                action: Action::Remove,
                reasons: vec![reason],
                fields: Vec::new(),
                origin: None,
                strategy: None,
                container: None,
                object: Some(network.id.clone()),
            },
        );
    }
}

/// How a network comes to be made anew. The one before goes once nothing is on it any more: what the engine has only
/// once, the new one cannot have beside it.
fn anew(resource: &Resource, pool: Option<Subnet>) -> Vec<String> {
    const BRIDGE: &str = "com.docker.network.bridge.name";
    let Spec::Network(spec) = &resource.spec else {
        return Vec::new();
    };
    let bridge = spec.options.get(BRIDGE);
    let bridge = bridge.map(|name| format!("the bridge's name `{name}` (`{BRIDGE}`)"));
    // One of coasti's own choice is another one under another name.
    let said = spec.subnet;
    let said = said.filter(|subnet| !pool.is_some_and(|pool| pool.overlaps(subnet)));
    let subnet = said.map(|subnet| format!("the subnet {subnet}"));
    let parent = spec.parent();
    let parent = parent.map(|parent| format!("a network on `{parent}`"));
    let once: Vec<_> = bridge.into_iter().chain(subnet).chain(parent).collect();
    let mut help = vec![
        "call it otherwise in the compose file: containers move over as they run, and this one goes"
            .to_owned(),
    ];
    if !once.is_empty() {
        help.push(format!(
            "the engine has {} once, and this one keeps it until then: leave it out under the other name and apply, \
             then call the network as before with it and apply again",
            once.join(" and ")
        ));
    }
    help
}

/// Containers on a network that no plan of this stack touches: the engine does not remove it under them.
fn strangers_on(inputs: &Inputs<'_>, slots: &Slots<'_>, network: &str) -> BTreeSet<String> {
    let foreign = inputs.observed.foreign.attached.get(network);
    let ours: BTreeSet<&str> = slots
        .all()
        .map(|(_, candidate)| candidate.container.name.as_str())
        .collect();
    let copies = inputs.observed.containers.values().filter(|container| {
        container.live.networks.contains_key(network) && !ours.contains(container.name.as_str())
    });
    let copies = copies.map(|container| container.name.clone());
    foreign
        .into_iter()
        .flatten()
        .cloned()
        .chain(copies)
        .collect()
}

/// Volumes are made; never changed, never removed.
pub(super) fn volumes(inputs: &Inputs<'_>, diff: &mut Diff) {
    let there = |id: &ResourceId, resource: &Resource| {
        let volume = inputs.observed.volumes.get(&resource.name)?;
        let mut fields = differing(&volume.owner, resource);
        fields.retain(|field| !field.starts_with(LABELS));
        let differs = !fields.is_empty() && !inputs.wishes.undo;
        Some(differs.then(|| Refusal {
            code: "P0205".into(),
            id: id.clone(),
            summary: format!("volume `{}` would have to be made anew", resource.name),
            why: format!(
                "the engine cannot change {} of a volume, and its data stays",
                fields.into_iter().collect::<Vec<_>>().join(", ")
            ),
            help: vec!["give the volume another name in the files and copy the data over".into()],
            origin: resource.origin("").cloned(),
        }))
    };
    let foreign = &inputs.observed.foreign.volumes;
    made(inputs, Kind::Volume, foreign, there, diff);
    let owner = |name: &str| Some(&inputs.observed.volumes.get(name)?.owner);
    other_labels(inputs, Kind::Volume, owner, diff);
    for volume in inputs.observed.volumes.values() {
        let used = inputs.desired.by_name(Kind::Volume, &volume.name).is_some();
        let store = volume.name == names::store(&inputs.desired.name);
        let files = super::files::is(volume);
        if !used && !store && !files && !inputs.wishes.undo {
            diff.notices.insert(Notice::Retained {
                name: volume.name.clone(),
            });
        }
    }
}

fn missing(id: &ResourceId, resource: &Resource, what: &str) -> Refusal {
    Refusal {
        code: "P0206".into(),
        id: id.clone(),
        summary: format!("{what} `{}` does not exist", resource.name),
        why: "the files say `external: true`: it is not coasti's to make".into(),
        help: vec![format!(
            "make it (docker {what} create {}), or drop `external`",
            resource.name
        )],
        origin: resource.origin("").cloned(),
    }
}

pub(super) fn taken(id: &ResourceId, resource: &Resource, what: &str) -> Refusal {
    // Whose data it holds nobody here knows: perhaps it is this very stack's, restored by hand.
    let help = match what {
        "volume" => vec![
            format!(
                "to use that volume and what is in it: `name: {}` with `external: true`, or",
                resource.name
            ),
            "choose another label".into(),
        ],
        _ => vec!["choose another label, or remove what has the name".into()],
    };
    Refusal {
        code: "P0202".into(),
        id: id.clone(),
        summary: format!(
            "the name `{}` belongs to a {what} that is not this stack's",
            resource.name
        ),
        why: "it does not bear this stack's labels, so it is somebody else's".into(),
        help,
        origin: resource.origin("").cloned(),
    }
}

/// Drops what only held or untargeted containers would need: their images are not pulled, their networks
/// and volumes not made, unless new data is asked for.
pub(super) fn drop_unneeded(inputs: &Inputs<'_>, diff: &mut Diff) {
    let mut needed: BTreeSet<ResourceId> = diff
        .changes
        .values()
        .filter(|change| change.id.kind == Kind::Container)
        .filter_map(|change| Some((change, inputs.desired.resources.get(&change.id)?)))
        .flat_map(|(change, resource)| {
            // A container that stays needs its networks, but no image any more.
            let made = change
                .container
                .as_ref()
                .is_none_or(|container| container.keep.is_none());
            let needs = resource
                .needs
                .keys()
                .filter(move |need| made || need.kind != Kind::Image);
            needs.cloned().collect::<Vec<_>>()
        })
        .collect();
    // What is built may start from what is built.
    loop {
        let builds = diff.changes.iter();
        let builds = builds.filter(|(id, it)| it.action == Action::Build && needed.contains(*id));
        let bases = builds.filter_map(|(id, _)| inputs.desired.resources.get(id));
        let bases = bases.flat_map(|image| image.needs.keys());
        let more: Vec<_> = bases.filter(|id| !needed.contains(*id)).cloned().collect();
        if more.is_empty() {
            break;
        }
        needed.extend(more);
    }
    diff.changes
        .retain(|id, change| match (id.kind, change.action) {
            (Kind::Image, _) | (Kind::Network | Kind::Volume | Kind::File, Action::Create) => {
                let asked = inputs.wishes.new_data.contains(id.label());
                needed.contains(id) || asked && id.kind == Kind::Volume
            }
            _ => true,
        });
}
