//! Whose network a service has, and how it joins several.

use super::needs::{Condition, Dependency};
use super::service::Service;
use super::tree::{Item, Keys, Val, plain};
use crate::config::{codes, rules};
use crate::diag::{Diagnostic, Diagnostics, Place};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Whose network a service has.
#[derive(Clone, Debug)]
pub(in crate::config) enum Network {
    /// It joins these.
    Joins(Vec<Join>),
    /// The host's.
    Host,
    /// None.
    None,
    /// Another service's.
    Of(String, Place),
}

/// A name that a service has for another.
#[derive(Clone, Debug)]
pub(in crate::config) struct Link {
    /// The other service.
    pub service: String,
    /// The name.
    pub name: String,
    /// Where it stands.
    pub at: Place,
}

/// How a service joins a network.
#[derive(Clone, Debug)]
pub(in crate::config) struct Join {
    /// The network's key.
    pub network: String,
    /// Further names.
    pub aliases: BTreeSet<String>,
    /// A fixed IPv4 address.
    pub address: Option<IpAddr>,
    /// A fixed IPv6 address.
    pub address6: Option<IpAddr>,
    /// Where it stands.
    pub at: Place,
}

impl Join {
    /// Of a network, with nothing else said.
    fn new(network: &str, at: &Place) -> Self {
        Self {
            network: network.to_owned(),
            aliases: BTreeSet::new(),
            address: None,
            address6: None,
            at: at.clone(),
        }
    }
}

/// A fixed address of one kind.
fn fixed(
    keys: &mut Keys<'_>,
    key: &'static str,
    kind: fn(&IpAddr) -> bool,
    such: &str,
    d: &mut Diagnostics,
) -> Option<IpAddr> {
    let (text, at) = keys.plain(key, d)?;
    let address = text.parse().ok().filter(kind);
    if address.is_none() {
        d.push(at.bad(&format!("`{key}`"), &format!("such as `{such}`")));
    }
    address
}

impl Service {
    /// A link is a need, and may be a name for the other that only this service knows.
    pub(super) fn links(&mut self, links: Vec<(String, &Item)>, d: &mut Diagnostics) {
        let name = &self.name;
        for (text, item) in links {
            let at = item.at.clone();
            let mut wrong = |code, summary: String, help: &str| {
                d.push(Diagnostic::error(code, Some(at.clone()), summary).help(help));
            };
            let (service, alias) = text.split_once(':').unwrap_or((&text, &text));
            if !matches!(self.network, Network::Joins(_)) {
                wrong(
                    codes::COMPOSE_KEY,
                    format!("`links` of `{name}`, which has no network of its own"),
                    "`depends_on` says what is needed",
                );
                continue;
            }
            if alias.is_empty() || alias.contains([':', ' ']) {
                wrong(
                    codes::BAD_VALUE,
                    format!("`links` of `{name}` cannot be `{text}`"),
                    "`SERVICE`, or `SERVICE:NAME`",
                );
                continue;
            }
            if self.needs.iter().all(|need| need.service != service) {
                self.needs.push(Dependency {
                    service: service.to_owned(),
                    condition: Condition::Started,
                    required: true,
                    restart: true,
                    kept: false,
                    at: at.clone(),
                });
            }
            if alias == service {
                continue;
            }
            let mut known = self.links.iter();
            match known.find(|link| link.name == alias) {
                Some(link) if link.service != service => wrong(
                    codes::BAD_VALUE,
                    format!(
                        "`links` of `{name}` calls both `{}` and `{service}` `{alias}`",
                        link.service
                    ),
                    "a name stands for one service",
                ),
                Some(_) => {}
                None => self.links.push(Link {
                    service: service.to_owned(),
                    name: alias.to_owned(),
                    at,
                }),
            }
        }
    }

    /// Names with one or several addresses each.
    pub(super) fn hosts(&mut self, keys: &mut Keys<'_>, d: &mut Diagnostics) {
        let what = keys.name("extra_hosts");
        let Some(item) = keys.take("extra_hosts") else {
            return;
        };
        if !matches!(item.value, Val::Map(_)) {
            d.push(item.wrong(&what, "a table or a list"));
        }
        for field in item.fields() {
            let name = &field.key;
            let of = format!("the address of `{name}`");
            if field.item.items().is_empty() {
                d.push(field.item.bad(&of, "one address, or a list of them"));
            }
            let mut all = Vec::new();
            for item in field.item.items() {
                let Some(text) = plain(item, &format!("`{name}` in {what}"), d) else {
                    continue;
                };
                let inner = text
                    .strip_prefix('[')
                    .and_then(|rest| rest.strip_suffix(']'));
                let address = inner.unwrap_or(&text).to_owned();
                if let Err(help) = rules::host(name, &address) {
                    d.push(item.bad(&of, &help));
                }
                if !all.contains(&address) {
                    all.push(address);
                }
            }
            let mut all = all.into_iter();
            self.spec
                .extra_hosts
                .extend(all.next().map(|first| (name.clone(), first)));
            let more: Vec<_> = all.collect();
            if !more.is_empty() {
                self.spec.more_hosts.insert(name.clone(), more);
            }
        }
        if let (false, Some(at)) = (
            self.spec.more_hosts.is_empty(),
            self.origins.get("extra_hosts"),
        ) {
            self.origins.insert("more_hosts".to_owned(), at.clone());
        }
    }
}

pub(super) fn network(keys: &mut Keys<'_>, what: &str, d: &mut Diagnostics) -> Network {
    let mode = keys.plain("network_mode", d);
    let networks = keys.take("networks");
    if let (Some((mode, at)), Some(networks)) = (&mode, networks) {
        let summary = format!("{what} has both `network_mode: {mode}` and `networks`");
        let error = Diagnostic::error(codes::COMPOSE_KEY, Some(at.at.clone()), summary);
        d.push(error.related(networks.at.clone(), "one of them has to go"));
    }
    match mode.as_ref().map(|(mode, at)| (mode.as_str(), at)) {
        Some(("host", _)) => return Network::Host,
        Some(("none", _)) => return Network::None,
        // The engine's default bridge knows no names; a network of the service's own is at least as good.
        None | Some(("bridge" | "default" | "", _)) => {}
        Some((mode, at)) => match mode.strip_prefix("service:") {
            Some(name) => return Network::Of(name.to_owned(), at.at.clone()),
            None => d.push(at.bad(
                "`network_mode`",
                "`host`, `none`, `bridge`, `service:NAME`, or `container:NAME` of a service with that `container_name`",
            )),
        },
    }
    let Some(networks) = networks else {
        let at = mode.map_or(&keys.at, |(_, at)| &at.at);
        return Network::Joins(vec![Join::new("default", at)]);
    };
    let mut joins = Vec::new();
    for field in networks.fields() {
        let mut join = Join::new(&field.key, &field.key_at);
        if let Some(mut keys) =
            Keys::of(&field.item, format!("network `{}` of {what}", field.key), d)
        {
            let aliases = keys.texts("aliases", d).into_iter();
            join.aliases = aliases
                .map(|(text, _)| text)
                .filter(|text| !text.is_empty())
                .collect();
            join.address = fixed(&mut keys, "ipv4_address", IpAddr::is_ipv4, "172.30.0.10", d);
            join.address6 = fixed(&mut keys, "ipv6_address", IpAddr::is_ipv6, "fd00:30::10", d);
            for key in ["priority", "gw_priority"] {
                if let Some(item) = keys.take(key) {
                    let summary = format!("`{key}` of a network has no effect");
                    let warning =
                        Diagnostic::warning(codes::IGNORED, Some(item.at.clone()), summary);
                    d.push(warning.label("networks are joined in the order of their names"));
                }
            }
            const OTHERS: &[(&str, &str)] = &[
                ("driver_opts", ""),
                ("interface_name", ""),
                ("link_local_ips", ""),
                ("mac_address", ""),
            ];
            keys.finish(OTHERS, d);
        }
        joins.push(join);
    }
    Network::Joins(joins)
}
