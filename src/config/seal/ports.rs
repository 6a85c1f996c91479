//! Ports of the host.

use super::{Facts, before};
use crate::base::ResourceId;
use crate::config::codes;
use crate::config::expand::{Container, Draft, Port as Wanted};
use crate::diag::{Diagnostic, Diagnostics};
use crate::model::{ContainerSpec, Port, Protocol, Stack, overlap};
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
    let fixed = |container: &Container| container.ports.iter().map(|port| port.host).collect();
    let mut chosen: Vec<Vec<Option<u16>>> = draft.containers.iter().map(fixed).collect();
    // Who has a range of its own chooses first: others have more to choose from.
    const OWN_RANGE: [bool; 2] = [true, false];
    // What was given before is kept before anything new is given.
    for (container, numbers) in draft.containers.iter().zip(&mut chosen) {
        let Some(old) = before(container, draft, facts) else {
            continue;
        };
        for own_range in OWN_RANGE {
            for (port, number) in container.ports.iter().zip(&mut *numbers) {
                if number.is_none() && port.among.is_some() == own_range {
                    *number = given(port, old, draft.ports, &used, facts);
                    used.extend(number.map(|kept| (port.protocol, kept)));
                }
            }
        }
    }
    let ours = published_by_us(facts.observed);
    for own_range in OWN_RANGE {
        for (container, numbers) in draft.containers.iter().zip(&mut chosen) {
            for (port, number) in container.ports.iter().zip(numbers) {
                if number.is_some() || port.among.is_some() != own_range {
                    continue;
                }
                let (from, to) = port.among.unwrap_or(draft.ports);
                *number = (from..=to).find(|number| {
                    let key = (port.protocol, *number);
                    !used.contains(&key)
                        && !ours.contains(&key)
                        && !taken_by_others(port.protocol, *number, facts)
                });
                match *number {
                    Some(host) => drop(used.insert((port.protocol, host))),
                    None => d.push(none_free(port, &container.id, (from, to))),
                }
            }
        }
    }
    for (container, numbers) in draft.containers.iter_mut().zip(chosen) {
        for (port, host) in container.ports.iter().zip(numbers) {
            let Some(host) = host.filter(|_| !port.direct) else {
                continue;
            };
            let key = port.key();
            let bind = port.bind;
            container.spec.publish(&key, Port { bind, host });
            let field = match container.spec.more_ports.contains_key(&key) {
                true => format!("ports.{key}.also"),
                false => format!("ports.{key}"),
            };
            container.origins.insert(field, port.at.clone());
        }
    }
}

/// What a port was given before, where that still fits.
fn given(
    port: &Wanted,
    old: &ContainerSpec,
    stacks: (u16, u16),
    used: &BTreeSet<(Protocol, u16)>,
    facts: &Facts<'_>,
) -> Option<u16> {
    let key = port.key();
    let within = |(from, to): (u16, u16), number: &u16| (from..=to).contains(number);
    let all = old.published().filter(|(inside, _)| *inside == key);
    let all = all.map(|(_, at)| at.host).filter(|number| {
        port.among.is_none_or(|own| within(own, number))
            && !used.contains(&(port.protocol, *number))
            && !taken_by_others(port.protocol, *number, facts)
    });
    // Beside a number that a file said until now, the one that was given is kept.
    all.min_by_key(|number| !within(port.among.unwrap_or(stacks), number))
}

fn none_free(port: &Wanted, of: &ResourceId, (from, to): (u16, u16)) -> Diagnostic {
    let summary = format!("no port from {from} to {to} is free for `{}`", of.address);
    let error = Diagnostic::error(codes::NO_PORT, Some(port.at.clone()), summary);
    error.help(match port.among {
        Some(_) => "free one of them, or write a longer range",
        None => "widen `ports: {from: …, to: …}`",
    })
}

/// Whether a port is to be published that no container of ours has yet.
pub(super) fn new(stack: &Stack, observed: &Observed) -> bool {
    let ours = published_by_us(observed);
    let mut all = stack.containers().flat_map(|(_, _, spec)| spec.published());
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
fn holder(port: &Wanted, host: u16, facts: &Facts<'_>) -> Option<String> {
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
