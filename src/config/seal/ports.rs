//! Ports of the host.

use super::{Facts, before};
use crate::config::codes;
use crate::config::expand::Draft;
use crate::diag::{Diagnostic, Diagnostics};
use crate::model::{Port, Protocol, Stack, overlap};
use crate::observe::{Observed, PublishedPort};
use std::collections::BTreeSet;

/// Gives every port its number: fixed ones first, then those given before, then the lowest free.
pub(super) fn choose(draft: &mut Draft, facts: &Facts<'_>, d: &mut Diagnostics) {
    let mut used: BTreeSet<(Protocol, u16)> = BTreeSet::new();
    for container in &draft.containers {
        for port in &container.ports {
            if let Some(host) = port.host {
                used.insert((port.protocol, host));
                if let Some(by) = holder(port, host, facts) {
                    let summary =
                        format!("the host's port {host}/{} is taken", port.protocol.word());
                    d.push(
                        Diagnostic::error(codes::PORT_TAKEN, Some(port.at.clone()), summary)
                            .label(by)
                            .help("free it, or write another number, or `host: auto`"),
                    );
                }
            }
        }
    }
    let previous: Vec<Vec<Option<u16>>> = draft
        .containers
        .iter()
        .map(|container| {
            let old = before(container, draft, facts);
            let port = |port: &crate::config::expand::Port| {
                let given = old?.ports.get(&port.key())?.host;
                let free = !taken_by_others(port.protocol, given, facts);
                (port.host.is_none() && free).then_some(given)
            };
            container.ports.iter().map(port).collect()
        })
        .collect();
    // What was given before is kept before anything new is given.
    let mut chosen: Vec<Vec<Option<u16>>> = Vec::new();
    for (container, previous) in draft.containers.iter().zip(previous) {
        let keep = container.ports.iter().zip(previous).map(|(port, given)| {
            let kept = given.filter(|given| !used.contains(&(port.protocol, *given)));
            if let Some(kept) = kept {
                used.insert((port.protocol, kept));
            }
            kept
        });
        chosen.push(keep.collect());
    }
    let ours = published_by_us(facts.observed);
    let (from, to) = draft.ports;
    for (container, chosen) in draft.containers.iter_mut().zip(chosen) {
        for (port, kept) in container.ports.iter().zip(chosen) {
            let free = |number: &u16| {
                let key = (port.protocol, *number);
                !used.contains(&key)
                    && !ours.contains(&key)
                    && !taken_by_others(port.protocol, *number, facts)
            };
            let Some(host) = port.host.or(kept).or_else(|| (from..=to).find(free)) else {
                d.push(
                    Diagnostic::error(
                        codes::NO_PORT,
                        Some(port.at.clone()),
                        format!(
                            "no port from {from} to {to} is free for `{}`",
                            container.id.address
                        ),
                    )
                    .help("widen `ports: {from: …, to: …}`"),
                );
                continue;
            };
            used.insert((port.protocol, host));
            if port.direct {
                continue;
            }
            let key = port.key();
            container
                .origins
                .insert(format!("ports.{key}"), port.at.clone());
            container.spec.ports.insert(
                key,
                Port {
                    bind: port.bind,
                    host,
                },
            );
        }
    }
}

/// Whether a port is to be published that no container of ours has yet.
pub(super) fn new(stack: &Stack, observed: &Observed) -> bool {
    let ours = published_by_us(observed);
    let mut all = stack.containers().flat_map(|(_, _, spec)| &spec.ports);
    all.any(|(inside, port)| !ours.contains(&(Protocol::of(inside), port.host)))
}

/// Ports that containers of this stack, and those that it takes over, publish now.
fn published_by_us(observed: &Observed) -> BTreeSet<(Protocol, u16)> {
    let all = observed
        .containers
        .values()
        .chain(observed.adoptable.values());
    all.flat_map(|container| &container.ports)
        .map(|port| (port.protocol, port.port))
        .collect()
}

/// Whether a container that is not ours publishes it, or something else listens on it.
fn taken_by_others(protocol: Protocol, number: u16, facts: &Facts<'_>) -> bool {
    foreign(facts).any(|port| port.protocol == protocol && port.port == number)
        || listened_on(protocol, number, facts)
}

/// Ports of containers that are somebody else's, and stay so.
fn foreign<'a>(facts: &'a Facts<'_>) -> impl Iterator<Item = &'a PublishedPort> {
    let observed = facts.observed;
    let ports = observed.foreign.ports.iter();
    ports.filter(|port| !observed.adoptable.contains_key(&port.by))
}

fn listened_on(protocol: Protocol, number: u16, facts: &Facts<'_>) -> bool {
    let key = (protocol, number);
    facts.observed.host.listening.contains(&key) && !published_by_us(facts.observed).contains(&key)
}

/// Who holds a port that a file asks for.
fn holder(port: &crate::config::expand::Port, host: u16, facts: &Facts<'_>) -> Option<String> {
    let foreign = foreign(facts).find(|other| {
        other.protocol == port.protocol && other.port == host && overlap(other.bind, port.bind)
    });
    if let Some(other) = foreign {
        return Some(format!("the container `{}` publishes it", other.by));
    }
    // Who uses the host's network listens itself: seen from outside it is a process like any other.
    let process = !port.direct && listened_on(port.protocol, host, facts);
    process.then(|| "a process of the host listens on it".to_owned())
}
