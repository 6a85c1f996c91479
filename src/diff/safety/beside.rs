//! What a container that starts finds beside it: one that this plan leaves alone may have its volume or its port.

use crate::base::{EngineId, ResourceId};
use crate::diff::{Action, Change, Diff, Inputs, Refusal, Slots, adopt};
use crate::model::{ContainerSpec, Protocol, overlap};
use crate::observe::Container;
use crate::services;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A container that runs and that the plan does not touch, with its resource where it is one of ours.
type Running<'a> = (&'a Container, Option<&'a ResourceId>);

/// Refuses what would start on a volume, or with a port, that somebody else of this stack has.
pub(super) fn beside(
    inputs: &Inputs<'_>,
    slots: &Slots<'_>,
    diff: &Diff,
    refusals: &mut Vec<Refusal>,
) {
    let ours: BTreeMap<_, _> = slots.all().map(|(id, c)| (&c.container.id, id)).collect();
    let running = inputs.observed.containers.values();
    let running: Vec<Running<'_>> = running
        .filter(|container| container.state.status.is_active())
        .map(|container| (container, ours.get(&container.id).copied()))
        .filter(|(_, id)| id.is_none_or(|id| !diff.changes.contains_key(id)))
        .collect();
    let starts = [
        Action::Create,
        Action::Start,
        Action::Replace,
        Action::Restore,
    ];
    let starting = diff.changes.values().filter(|c| starts.contains(&c.action));
    for change in starting {
        let Some(spec) = inputs.desired.container(&change.id) else {
            continue;
        };
        refusals.extend(on_volume(inputs, change, spec, &running));
        refusals.extend(on_database(inputs, change, slots));
        refusals.extend(with_port(inputs, change, spec, &running, diff));
    }
}

/// Two containers on one volume harm its data: one that was renamed or copied by hand may still run there, or
/// one of ours, though the files no longer say that it uses the volume.
fn on_volume(
    inputs: &Inputs<'_>,
    change: &Change,
    spec: &ContainerSpec,
    running: &[Running<'_>],
) -> Option<Refusal> {
    // What the files say that both use, they share.
    let shared = |id: &ResourceId, volume: &EngineId| {
        let spec = inputs.desired.container(id);
        spec.is_some_and(|spec| spec.written().any(|other| other == volume))
    };
    let (volume, container, id) = spec.written().find_map(|volume| {
        let (container, id) = running.iter().find(|(container, id)| {
            writes(container, volume.as_str()) && id.is_none_or(|id| !shared(id, volume))
        })?;
        Some((volume, container, *id))
    })?;
    let name = &container.name;
    let (why, help) = who(inputs, change, name, id);
    Some(Refusal {
        code: "P0309".into(),
        id: change.id.clone(),
        summary: format!("container `{name}` runs on volume `{volume}`"),
        why: format!(
            "{why}, and two containers on one volume harm its data (`{}` would be the second)",
            change.name
        ),
        help,
        origin: change.origin.clone(),
    })
}

/// Two servers on one database harm it, whoever the other one belongs to. What else two write to, they may
/// share: and what is beside a database that runs already, and is none, is a backup's tool or the like.
fn on_database(inputs: &Inputs<'_>, change: &Change, slots: &Slots<'_>) -> Option<Refusal> {
    let resource = inputs.desired.resources.get(&change.id)?;
    let data = resource.about.as_ref()?.init_only.values().next()?.as_str();
    let stops = |name: &String| {
        let mut all = inputs.desired.containers();
        all.any(|(_, resource, _)| {
            let found = adopt::found(inputs.observed, resource);
            found.is_some_and(|found| found.name == *name)
        })
    };
    let runs = slots.of(&change.id).iter().any(|own| {
        let active = own.container.state.status.is_active();
        active && writes(own.container, data)
    });
    let mut others = inputs.observed.foreign.containers.iter();
    let (name, other) = others.find(|(name, other)| {
        let server = !runs || services::of_data(&other.image).is_some();
        server && other.writes.contains(data) && !stops(name)
    })?;
    let own = change.id.address.rsplit('/').next().unwrap_or_default();
    let (whose, help) = match &other.stack {
        Some(stack) => (
            format!("it is the stack `{stack}`'s"),
            vec![format!(
                "if `{}` is to take its place: take it out of the files of `{stack}` and apply them; else use other data",
                change.name
            )],
        ),
        None => (
            "it is not coasti's".to_owned(),
            vec![
                format!(
                    "if `{}` is to take its place: `adopt: {{{own}: {name}}}` in the site",
                    change.name
                ),
                format!(
                    "if it only reads, as a backup does: mount the data into it read-only (`:ro`), else stop it: \
                     docker stop {name}"
                ),
            ],
        ),
    };
    Some(Refusal {
        code: "P0309".into(),
        id: change.id.clone(),
        summary: format!("container `{name}` runs on `{data}`"),
        why: format!(
            "{whose}, and two servers on one database harm it (`{}` would be the second)",
            change.name
        ),
        help,
        origin: change.origin.clone(),
    })
}

/// Whose container is in the way, and what can be done about it.
fn who(
    inputs: &Inputs<'_>,
    change: &Change,
    name: &str,
    id: Option<&ResourceId>,
) -> (&'static str, Vec<String>) {
    let Some(id) = id else {
        return (
            "it bears this stack's labels under a name that coasti does not give",
            vec![
                format!(
                    "if it was `{}` and somebody renamed it: docker rename {name} {}",
                    change.name, change.name
                ),
                format!("else stop it: docker stop {name}"),
            ],
        );
    };
    let label = id.label();
    let help = match inputs.hold(id) {
        Some(_) => format!(
            "let it run as the files say (coasti start {label}), or stop it: coasti stop {label}"
        ),
        None => format!("name it too: --target {label}, or leave out --target"),
    };
    ("this plan leaves it alone", vec![help])
}

fn writes(container: &Container, data: &str) -> bool {
    let mut mounts = container.mounts.values().filter(|mount| !mount.read_only);
    mounts.any(|mount| mount.source.data() == Some(data))
}

/// A port that moved in the files from one to another: the one that has it must give it up in the same plan.
fn with_port(
    inputs: &Inputs<'_>,
    change: &Change,
    spec: &ContainerSpec,
    running: &[Running<'_>],
    diff: &Diff,
) -> Option<Refusal> {
    let published = running.iter().flat_map(|(container, id)| {
        let ports = container.ports.iter();
        ports.map(|port| {
            (
                container.name.as_str(),
                *id,
                (port.protocol, port.port, port.bind),
            )
        })
    });
    // One that does not run at the moment keeps its port: it is what `start` starts.
    let kept = inputs.base.into_iter().flat_map(|base| base.containers());
    let kept = kept
        .filter(|(id, ..)| !inputs.wants(id) && !diff.changes.contains_key(id))
        .flat_map(|(id, resource, spec)| {
            ports(spec).map(move |(_, port)| (resource.name.as_str(), Some(id), port))
        });
    let others: Vec<_> = published.chain(kept).collect();
    let (inside, port, name, id) = ports(spec).find_map(|(inside, port)| {
        let clash = |other: &(Protocol, u16, IpAddr)| {
            (port.0, port.1) == (other.0, other.1) && overlap(port.2, other.2)
        };
        let (name, id, _) = others.iter().find(|(_, _, other)| clash(other))?;
        Some((inside, port, *name, *id))
    })?;
    let (why, help) = who(inputs, change, name, id);
    let field = format!("ports.{inside}");
    let resource = inputs.desired.resources.get(&change.id);
    Some(Refusal {
        code: "P0311".into(),
        id: change.id.clone(),
        summary: format!("container `{name}` has port {}/{}", port.1, port.0.word()),
        why: format!("{why}, and `{}` is to publish it", change.name),
        help,
        origin: resource
            .and_then(|resource| resource.origin(&field))
            .cloned()
            .or_else(|| change.origin.clone()),
    })
}

/// What a container is to publish: the port inside, and the protocol, number and address outside.
fn ports(spec: &ContainerSpec) -> impl Iterator<Item = (&str, (Protocol, u16, IpAddr))> {
    spec.published().map(|(inside, port)| {
        let outside = (Protocol::of(inside), port.host, port.bind);
        (inside, outside)
    })
}
