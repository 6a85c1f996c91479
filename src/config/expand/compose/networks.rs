//! Networks of a compose project, and how its services join them.

use super::project::{Names, external, renamed, settings, unknown};
use super::service::Cx;
use crate::base::names;
use crate::config::codes;
use crate::config::compose::{Field, Item, Keys, Link, Network as Uses, Service, labels};
use crate::config::expand::container::origin;
use crate::config::expand::{Container, Draft, Network};
use crate::diag::{Diagnostic, Diagnostics};
use crate::model::{Attachment, ContainerSpec, Need, NetworkMode, Subnet};
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
                internal: false,
                external: false,
                subnet: None,
                options: BTreeMap::new(),
                labels: BTreeMap::new(),
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
        network.external = true;
        network.name = said.unwrap_or_else(|| field.key.clone());
        let told = settings("network", field, Diagnostic::warning);
        told.for_each(|warning| d.push(warning));
        return;
    }
    if let Some(said) = said {
        d.push(renamed("network", &said, &network.name, &field.item));
    }
    network.internal = keys.flag("internal", d).unwrap_or(false);
    if let Some((driver, at)) = keys.plain("driver", d)
        && !matches!(driver.as_str(), "bridge" | "default")
    {
        d.push(at.bad("`driver` of a network", "`bridge`: there is one engine"));
    }
    for (key, only) in [("enable_ipv4", true), ("enable_ipv6", false)] {
        if keys.flag(key, d).is_some_and(|flag| flag != only) {
            let what = format!("`{key}` of network `{}`", field.key);
            d.push(field.item.bad(&what, "networks have IPv4 addresses here"));
        }
    }
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
            let Some(mut config) = Keys::of(item, "`config` of `ipam`", d) else {
                continue;
            };
            if let Some((text, at)) = config.plain("subnet", d) {
                if network.subnet.is_some() {
                    let summary = format!("network `{}` has two subnets", field.key);
                    let error = Diagnostic::error(codes::COMPOSE_KEY, Some(at.at.clone()), summary);
                    d.push(error.help("a network has one here"));
                }
                match text.parse::<Subnet>() {
                    Ok(subnet) if subnet.address.is_ipv4() => network.subnet = Some(subnet),
                    _ => d.push(at.bad("`subnet`", "an IPv4 range, such as `172.30.0.0/24`")),
                }
            }
            if let Some((text, at)) = config.plain("gateway", d) {
                let first = network.subnet.and_then(gateway);
                if first.as_deref() != Some(text.as_str()) {
                    d.push(at.bad(
                        "`gateway`",
                        "the subnet's first address, which is what it is without being said",
                    ));
                }
            }
            config.finish(&[("ip_range", ""), ("aux_addresses", "")], d);
        }
        ipam.finish(&[("options", "")], d);
    }
    let said = keys.table("driver_opts", d).into_iter();
    network.options = said.map(|(key, value, _)| (key, value)).collect();
    network.labels = labels(&mut keys, d);
    keys.finish(&[], d);
}

/// The address that the engine gives itself.
fn gateway(subnet: Subnet) -> Option<String> {
    match subnet.address {
        std::net::IpAddr::V4(address) => {
            let first = u32::from(address).checked_add(1)?;
            Some(std::net::Ipv4Addr::from(first).to_string())
        }
        std::net::IpAddr::V6(_) => None,
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
                if let Some(id) = self.ids(other).first() {
                    let name = names::object(&draft.stack, &id.address);
                    spec.network_mode = NetworkMode::Container(name);
                    container.needs.insert(id.clone(), Need::Started);
                    container.about.renews_with.insert(id.clone());
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
                    };
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
}
