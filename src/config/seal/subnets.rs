//! Subnets of networks, from coasti's own pool.

use super::Facts;
use crate::base::{ResourceId, names};
use crate::config::codes;
use crate::config::expand::Draft;
use crate::diag::{Diagnostic, Diagnostics, Place};
use crate::model::{Spec, Stack, Subnet};
use crate::observe::Observed;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

/// Addresses for 62 containers: an app and its providers.
const PREFIX: u8 = 26;
/// Where a file says no pool: the first, then the second, for Docker's own networks may have all of the first.
const POOLS: [Subnet; 2] = [
    Subnet {
        address: IpAddr::V4(Ipv4Addr::new(172, 24, 0, 0)),
        prefix: 14,
    },
    Subnet {
        address: IpAddr::V4(Ipv4Addr::new(10, 64, 0, 0)),
        prefix: 14,
    },
];

/// The subnets of networks.
pub(super) struct Chosen {
    /// By the networks' addresses; none is the engine's choice.
    pub of: BTreeMap<String, Option<Subnet>>,
    /// Those of IPv6, of networks that have such addresses.
    pub six: BTreeMap<String, Subnet>,
    /// The pool that the last came from.
    pub pool: Subnet,
}

impl Draft {
    /// Addresses to give networks.
    pub(in crate::config) fn pool(&self) -> Subnet {
        self.pool.unwrap_or(POOLS[0])
    }
}

/// Whether a network is to be made.
pub(super) fn new(stack: &Stack, observed: &Observed) -> bool {
    stack
        .resources
        .iter()
        .any(|(id, resource)| match &resource.spec {
            Spec::Network(network) => {
                let name = names::object(&stack.name, &id.address);
                !network.external && !observed.networks.contains_key(&name)
            }
            _ => false,
        })
}

/// What networks have, and what the host routes elsewhere.
fn taken(observed: &Observed) -> Vec<Subnet> {
    let routes = observed.host.routes.iter().copied();
    observed.subnets().chain(routes).collect()
}

/// Chooses a subnet for each network, by its address. A network that exists keeps what it has.
pub(super) fn choose(draft: &Draft, facts: &Facts<'_>, d: &mut Diagnostics) -> Chosen {
    let observed = facts.observed;
    let mut chosen: BTreeMap<String, Option<Subnet>> = BTreeMap::new();
    let mut taken = taken(observed);
    for (address, network) in &draft.networks {
        if network.spec.external {
            chosen.insert(address.clone(), None);
            continue;
        }
        if let Some(said) = network.spec.subnet {
            said_subnet(&network.name, said, &network.at, facts, d);
            taken.push(said);
            chosen.insert(address.clone(), Some(said));
            continue;
        }
        let name = names::object(&draft.stack, address);
        if let Some(network) = observed.networks.get(&name) {
            chosen.insert(
                address.clone(),
                network
                    .subnets
                    .iter()
                    .find(|s| s.address.is_ipv4())
                    .copied(),
            );
        }
    }
    for address in draft.networks.keys() {
        if chosen.contains_key(address) {
            continue;
        }
        let old = facts.previous.and_then(|stack| {
            match &stack.resources.get(&ResourceId::network(address))?.spec {
                Spec::Network(network) => network.subnet,
                _ => None,
            }
        });
        if let Some(old) = old.filter(|old| !taken.iter().any(|other| other.overlaps(old))) {
            taken.push(old);
            chosen.insert(address.clone(), Some(old));
        }
    }
    let pools = match &draft.pool {
        Some(pool) => std::slice::from_ref(pool),
        None => &POOLS,
    };
    let mut candidates = pools
        .iter()
        .flat_map(|pool| pool.divide(PREFIX).map(|one| (*pool, one)));
    let mut used = draft.pool();
    for (address, network) in &draft.networks {
        if chosen.contains_key(address) {
            continue;
        }
        // What was passed over once is taken for all.
        let Some((pool, free)) =
            candidates.find(|(_, one)| !taken.iter().any(|other| other.overlaps(one)))
        else {
            let pools: Vec<_> = pools.iter().map(ToString::to_string).collect();
            d.push(
                Diagnostic::error(
                    codes::NO_SUBNET,
                    Some(network.at.clone()),
                    format!(
                        "no subnet of {} is free for the network of `{address}`",
                        pools.join(" or ")
                    ),
                )
                .help("write another pool: `networks: {pool: 10.128.0.0/14}`"),
            );
            continue;
        };
        taken.push(free);
        used = pool;
        chosen.insert(address.clone(), Some(free));
    }
    Chosen {
        of: chosen,
        six: choose6(draft, facts, d),
        pool: used,
    }
}

/// Chooses those of IPv6: engines before Docker 27 choose none themselves. Those of private networks (RFC 4193) are
/// drawn from the network's name, so that they are the same wherever it is made.
fn choose6(draft: &Draft, facts: &Facts<'_>, d: &mut Diagnostics) -> BTreeMap<String, Subnet> {
    let observed = facts.observed;
    let mut chosen = BTreeMap::new();
    let mut taken = taken(observed);
    let wanted = draft.networks.iter();
    let wanted = wanted.filter(|(_, net)| net.spec.enable_ipv6 && !net.spec.external);
    let (said, free): (Vec<_>, Vec<_>) = wanted.partition(|(_, net)| net.spec.subnet6.is_some());
    for (address, network) in said {
        let Some(said) = network.spec.subnet6 else {
            continue;
        };
        said_subnet(&network.name, said, &network.at, facts, d);
        taken.push(said);
        chosen.insert(address.clone(), said);
    }
    for (address, network) in free {
        let there = observed.networks.get(&network.name);
        let there = there.and_then(|net| net.subnets.iter().find(|one| one.address.is_ipv6()));
        let drawn = || {
            let digest = crate::base::Digest::of(network.name.as_bytes());
            let digits = digest.short(10);
            let start = u128::from_str_radix(digits, 16).unwrap_or_default();
            (0..=u128::from(u16::MAX))
                .map(|n| Subnet {
                    address: IpAddr::V6(((0xfd << 120) | (start << 80) | (n << 64)).into()),
                    prefix: 64,
                })
                .find(|one| !taken.iter().any(|other| other.overlaps(one)))
        };
        if let Some(subnet) = there.copied().or_else(drawn) {
            taken.push(subnet);
            chosen.insert(address.clone(), subnet);
        }
    }
    chosen
}

/// A subnet that the files say cannot be another than the one that a network of ours has, nor one that others
/// use.
fn said_subnet(name: &str, said: Subnet, at: &Place, facts: &Facts<'_>, d: &mut Diagnostics) {
    let observed = facts.observed;
    if let Some(network) = observed.networks.get(name) {
        if !network.subnets.contains(&said) {
            let shown: Vec<_> = network.subnets.iter().map(ToString::to_string).collect();
            let summary = format!(
                "the network `{name}` has the subnet {}, not {said}",
                shown.join(", ")
            );
            d.push(
                Diagnostic::error(codes::OTHER_SUBNET, Some(at.clone()), summary).help(
                    "give the network another name in the compose file: it is made anew then",
                ),
            );
        }
        return;
    }
    let mut others = observed.foreign.subnets.iter();
    if let Some((other, subnet)) = others.find(|(_, subnet)| subnet.overlaps(&said)) {
        let summary = format!("the subnet {said} overlaps that of the network `{other}`");
        d.push(
            Diagnostic::error(codes::NO_SUBNET, Some(at.clone()), summary)
                .label(format!("it has {subnet}"))
                .help("write another, or leave it out where no address is fixed"),
        );
    }
}
