//! Networks of a compose project, and how its services join them.

use super::project::{Names, external, renamed, settings, unknown};
use super::service::Cx;
use crate::base::names;
use crate::config::codes;
use crate::config::compose::{
    Field, Item, Keys, Link, Network as Uses, NetworkUse, Service, labels,
};
use crate::config::expand::container::origin;
use crate::config::expand::{Container, Draft, Network};
use crate::diag::{Diagnostic, Diagnostics};
use crate::model::{Attachment, ContainerSpec, Need, NetworkMode, NetworkSpec, Subnet};
use std::collections::BTreeMap;

/// The networks that services join, into the draft.
pub(super) fn networks(draft: &mut Draft, cx: &Cx<'_>, d: &mut Diagnostics) -> Names {
    let label = &cx.site.label.value;
    let declared = &cx.project.networks;
    let mut names = Names::new();
    for service in cx.services {
        let Uses::Joins(joins) = &service.network else {
            continue;
        };
        for join in joins {
            if names.contains_key(&join.network) {
                continue;
            }
            let found = declared.iter().find(|field| field.key == join.network);
            if found.is_none() && join.network != "default" {
                d.push(unknown("network", &join.network, &join.at, declared));
                continue;
            }
            let address = match join.network.as_str() {
                "default" => label.clone(),
                other => format!("{label}/{}", names::sanitize(other)),
            };
            let ours = names::object(&draft.stack, &address);
            let mut network = Network {
                name: ours.clone(),
                at: found.map_or_else(|| cx.site.at.clone(), |field| field.key_at.clone()),
                spec: NetworkSpec::default(),
            };
            if let Some(field) = found {
                network_of(field, &mut network, d);
            }
            names.insert(join.network.clone(), network.name.clone());
            let at = network.at.clone();
            if let Some(other) = draft.networks.insert(address, network) {
                let summary = format!("two networks would be one, `{ours}`");
                d.push(
                    Diagnostic::error(codes::NAME_CLASH, Some(at), summary)
                        .related(other.at, "the first"),
                );
            }
        }
    }
    names
}

fn network_of(field: &Field, network: &mut Network, d: &mut Diagnostics) {
    let Some(mut keys) = Keys::of(&field.item, format!("network `{}`", field.key), d) else {
        return;
    };
    let (is_external, old_name) = external(&mut keys, d);
    let name = keys.plain("name", d);
    let said = name.map(|(name, _)| name).or(old_name);
    if is_external {
        network.spec.external = true;
        network.name = said.unwrap_or_else(|| field.key.clone());
        let told = settings("network", field, Diagnostic::warning);
        told.for_each(|warning| d.push(warning));
        return;
    }
    if let Some(said) = said {
        d.push(renamed("network", &said, &network.name, &field.item));
    }
    let spec = &mut network.spec;
    spec.internal = keys.flag("internal", d).unwrap_or(false);
    if let Some((driver, at)) = keys.plain("driver", d) {
        match driver.as_str() {
            "bridge" | "default" => {}
            "macvlan" | "ipvlan" => spec.driver = Some(driver),
            _ => d.push(at.bad(
                "`driver` of a network",
                "`bridge`, `macvlan` or `ipvlan`: there is one engine",
            )),
        }
    }
    if keys.flag("enable_ipv4", d) == Some(false) {
        let what = format!("`enable_ipv4` of network `{}`", field.key);
        d.push(field.item.bad(&what, "networks have IPv4 addresses here"));
    }
    spec.enable_ipv6 = keys.flag("enable_ipv6", d).unwrap_or(false);
    keys.accept(&["attachable"]);
    if let Some(mut ipam) = keys
        .take("ipam")
        .and_then(|item| Keys::of(item, "`ipam`", d))
    {
        if let Some((driver, at)) = ipam.plain("driver", d)
            && driver != "default"
        {
            d.push(at.bad("`driver` of `ipam`", "`default`"));
        }
        for item in ipam.take("config").map(Item::items).unwrap_or_default() {
            subnet_of(&field.key, item, spec, d);
        }
        ipam.finish(&[("options", "")], d);
    }
    let said = keys.table("driver_opts", d).into_iter();
    spec.options = said.map(|(key, value, _)| (key, value)).collect();
    spec.labels = labels(&mut keys, d);
    keys.finish(&[], d);
}

/// An entry of `config` of `ipam`: a subnet, and what addresses of it are for.
fn subnet_of(network: &str, item: &Item, spec: &mut NetworkSpec, d: &mut Diagnostics) {
    let Some(mut config) = Keys::of(item, "`config` of `ipam`", d) else {
        return;
    };
    let said = config.plain("subnet", d);
    let gateway = config.plain("gateway", d);
    let range = config.plain("ip_range", d);
    let others = config.table("aux_addresses", d);
    config.finish(&[], d);
    let Some((text, at)) = said else {
        let more = gateway.iter().chain(&range).map(|(_, at)| *at);
        if let Some(at) = more.chain(others.iter().map(|(.., at)| *at)).next() {
            let summary = format!("`ipam` of network `{network}` names no `subnet`");
            d.push(Diagnostic::error(
                codes::MISSING,
                Some(at.at.clone()),
                summary,
            ));
        }
        return;
    };
    let Ok(subnet) = text.parse::<Subnet>() else {
        d.push(at.bad("`subnet`", "such as `172.30.0.0/24` or `fd00:30::/64`"));
        return;
    };
    let six = subnet.address.is_ipv6();
    if six && !spec.enable_ipv6 {
        let summary = format!("the subnet {subnet} of network `{network}` has no effect");
        let warning = Diagnostic::warning(codes::IGNORED, Some(at.at.clone()), summary);
        d.push(warning.help("`enable_ipv6: true` gives the network IPv6 addresses"));
        return;
    }
    let (own, addresses) = match six {
        false => (&mut spec.subnet, &mut spec.ipam),
        true => (&mut spec.subnet6, &mut spec.ipam6),
    };
    if own.replace(subnet).is_some() {
        let summary = format!("network `{network}` has two subnets of one kind");
        let error = Diagnostic::error(codes::COMPOSE_KEY, Some(at.at.clone()), summary);
        d.push(error.help("a network has one of IPv4 here, and one of IPv6"));
    }
    let inside = |text: &str, at: &Item, what: &str, d: &mut Diagnostics| {
        let address = text
            .parse()
            .ok()
            .filter(|address| subnet.contains(*address));
        if address.is_none() {
            d.push(at.bad(what, &format!("an address of {subnet}")));
        }
        address
    };
    if let Some((text, at)) = &range {
        let part = |range: &Subnet| range.prefix >= subnet.prefix && subnet.overlaps(range);
        addresses.ip_range = text.parse().ok().filter(part);
        if addresses.ip_range.is_none() {
            d.push(at.bad("`ip_range`", &format!("a part of {subnet}")));
        }
    }
    if let Some((text, at)) = gateway {
        let gateway = inside(&text, at, "`gateway`", d);
        // Without being said it is the first: of the range, where there is one.
        let is_so = gateway == subnet.gateway() && addresses.ip_range.is_none();
        addresses.gateway = gateway.filter(|_| !is_so);
    }
    for (name, text, at) in others {
        if let Some(address) = inside(&text, at, &format!("`{name}` of `aux_addresses`"), d) {
            addresses.aux_addresses.insert(name, address);
        }
    }
}

impl Cx<'_> {
    /// Whose network a container has, and how it joins those of its own.
    pub(super) fn network(
        &self,
        draft: &Draft,
        container: &mut Container,
        service: &Service,
        networks: &Names,
        d: &mut Diagnostics,
    ) {
        let spec = &mut container.spec;
        match &service.network {
            Uses::Host => spec.network_mode = NetworkMode::Host,
            Uses::None => spec.network_mode = NetworkMode::None,
            Uses::Of(other, at) => {
                if let Some(id) = self.of(service, "network_mode", other, at, d) {
                    let name = names::object(&draft.stack, &id.address);
                    spec.network_mode = NetworkMode::Container(name);
                    container.needs.insert(id.clone(), Need::Started);
                    container.about.renews_with.insert(id);
                }
                for (key, said) in [
                    ("hostname", spec.hostname.is_some()),
                    ("dns", !spec.dns.is_empty()),
                    ("extra_hosts", !spec.extra_hosts.is_empty()),
                ] {
                    if said {
                        let summary = format!(
                            "`{key}` of `{}`, which uses the network of `{other}`",
                            service.name
                        );
                        d.push(
                            Diagnostic::error(codes::COMPOSE_KEY, Some(at.clone()), summary)
                                .help(format!("say it of `{other}`")),
                        );
                    }
                }
            }
            Uses::Joins(joins) => {
                // The hostname stays the same whatever container runs: some programs name their data by it.
                if spec.uts.is_none() {
                    spec.hostname
                        .get_or_insert_with(|| names::fit(&service.name, 63));
                }
                for join in joins {
                    let Some(name) = networks.get(&join.network) else {
                        continue;
                    };
                    let mut aliases = join.aliases.clone();
                    aliases.insert(service.name.clone());
                    aliases.extend(service.container_name.clone());
                    let attachment = Attachment {
                        aliases,
                        links: BTreeMap::new(),
                        address: join.address,
                        address6: join.address6,
                    };
                    self.inside(draft, service, join, &attachment, name, d);
                    spec.live.networks.insert(name.clone(), attachment);
                    let field = format!("live.networks.{name}");
                    origin(&mut container.origins, field, Some(&join.at));
                }
                for link in &service.links {
                    self.link(spec, service, link, networks, d);
                }
            }
        }
    }

    /// A name for another service, in every network that both have. It stands for the name that the other answers to
    /// there, so that it leads to whichever container of it runs.
    fn link(
        &self,
        spec: &mut ContainerSpec,
        service: &Service,
        link: &Link,
        networks: &Names,
        d: &mut Diagnostics,
    ) {
        // One that is not there is told of where needs are.
        let other = self.services.iter().find(|one| one.name == link.service);
        let Some(other) = other else { return };
        let shared = |name: &str| match &other.network {
            Uses::Joins(joins) => joins.iter().any(|join| {
                let theirs = networks.get(&join.network);
                theirs.is_some_and(|theirs| theirs == name)
            }),
            _ => false,
        };
        let mut known = false;
        for (name, attachment) in &mut spec.live.networks {
            if shared(name) {
                let of = link.service.clone();
                attachment.links.insert(link.name.clone(), of);
                known = true;
            }
        }
        if !known {
            let summary = format!(
                "`links` of `{}` calls `{}` `{}`, and they have no network in common",
                service.name, link.service, link.name
            );
            d.push(
                Diagnostic::error(codes::COMPOSE_KEY, Some(link.at.clone()), summary)
                    .help("name one network under `networks` of both"),
            );
        }
    }

    /// What is fixed must be of a subnet of the network, where the files say that.
    fn inside(
        &self,
        draft: &Draft,
        service: &Service,
        join: &NetworkUse,
        attachment: &Attachment,
        name: &str,
        d: &mut Diagnostics,
    ) {
        let mut networks = draft.networks.values();
        let Some(network) = networks.find(|network| network.name == name) else {
            return;
        };
        let spec = &network.spec;
        if spec.external {
            return;
        }
        for address in attachment.fixed() {
            let subnet = match address.is_ipv6() {
                true if !spec.enable_ipv6 => {
                    let summary = format!(
                        "`ipv6_address` of `{}`, whose network `{}` has no IPv6",
                        service.name, join.network
                    );
                    let error =
                        Diagnostic::error(codes::COMPOSE_KEY, Some(join.at.clone()), summary);
                    d.push(error.help("`enable_ipv6: true`, and a `subnet` under `ipam`"));
                    continue;
                }
                true => spec.subnet6,
                false => spec.subnet,
            };
            if subnet.is_some_and(|subnet| subnet.contains(address)) {
                continue;
            }
            let summary = format!(
                "{address} of `{}` is of no subnet of the network `{}`",
                service.name, join.network
            );
            let error = Diagnostic::error(codes::BAD_VALUE, Some(join.at.clone()), summary);
            d.push(match subnet {
                Some(subnet) => error.help(format!("an address of {subnet}")),
                None => error.help("name the subnet under `ipam` of the network"),
            });
        }
    }

    /// Whether a container can publish ports: it has a network that is not the host's own.
    pub(super) fn publishes(draft: &Draft, container: &Container) -> bool {
        let mut joined = container.spec.live.networks.keys();
        let lan = |name: &String| {
            let mut networks = draft.networks.values();
            networks.any(|network| network.name == *name && network.spec.is_lan())
        };
        joined.len() == 0 || !joined.all(lan)
    }
}
