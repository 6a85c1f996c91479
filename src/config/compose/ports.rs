//! Published ports, short and long.

use super::tree::{Item, Keys, Val};
use crate::config::codes;
use crate::diag::{Before, Diagnostic, Diagnostics, Place};
use crate::model::Protocol;
use std::net::IpAddr;

/// A port to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) struct PortUse {
    /// Inside the container.
    pub container: u16,
    /// On the host; none is the next free one.
    pub host: Option<u16>,
    /// What that one is chosen from, where the file says it: the first and the last.
    pub among: Option<(u16, u16)>,
    /// The host's address, where one is said.
    pub bind: Option<IpAddr>,
    /// TCP or UDP.
    pub protocol: Protocol,
    /// Where it stands.
    pub at: Place,
}

const HELP: &str =
    "`\"8080:80\"`, `\"127.0.0.1:8080:80/tcp\"`, or a table with `target` and `published`";

/// Reads the ports of a service.
pub(super) fn read(items: &[Item], what: &str, d: &mut Diagnostics) -> Vec<PortUse> {
    let mut ports: Vec<PortUse> = Vec::new();
    for item in items {
        let found = match &item.value {
            Val::Map(_) => long(item, what, d),
            _ => short(item, what, d),
        };
        for port in found {
            let key = |port: &PortUse| (port.container, port.protocol, port.host, port.among);
            let same = |other: &&mut PortUse| {
                let one_place = other.bind == port.bind || (everywhere(other) && everywhere(&port));
                key(other) == key(&port) && one_place
            };
            match ports.iter_mut().find(same) {
                None => ports.push(port),
                // Said twice, as by a file that is laid over another.
                Some(other) => {
                    other.at = port.at.over(Before::File(other.at.clone()));
                    other.bind = other.bind.max(port.bind);
                }
            }
        }
    }
    ports
}

/// Whether all addresses of a kind are named, as in `0.0.0.0:80:80` beside `[::]:80:80`: both are all that there are.
fn everywhere(port: &PortUse) -> bool {
    port.host.is_some() && port.bind.is_some_and(|bind| bind.is_unspecified())
}

fn bad(item: &Item, why: &str) -> Diagnostic {
    let summary = match item.as_str() {
        Some(text) => format!("`{}` publishes no port", text.shown()),
        None => "this entry of `ports` publishes no port".to_owned(),
    };
    Diagnostic::error(codes::BAD_PORT, Some(item.at.clone()), summary)
        .label(why)
        .help(HELP)
}

fn short(item: &Item, what: &str, d: &mut Diagnostics) -> Vec<PortUse> {
    let name = format!("an entry of `ports` of {what}");
    let Some(text) = super::tree::plain(item, &name, d) else {
        return Vec::new();
    };
    let (rest, protocol) = match text.rsplit_once('/') {
        Some((rest, word)) => (rest, word),
        None => (text.as_str(), "tcp"),
    };
    let (host, container) = match rest.rsplit_once(':') {
        Some((host, container)) => (Some(host), container),
        None => (None, rest),
    };
    let (bind, published) = match host.map(|host| (host, host.rsplit_once(':'))) {
        None => (None, None),
        Some((published, None)) => (None, Some(published)),
        Some((_, Some((address, published)))) => {
            (Some(address.trim_matches(['[', ']'])), Some(published))
        }
    };
    build(
        item,
        container,
        published.filter(|text| !text.is_empty()),
        bind,
        protocol,
        d,
    )
}

fn long(item: &Item, what: &str, d: &mut Diagnostics) -> Vec<PortUse> {
    let Some(mut keys) = Keys::of(item, format!("a port of {what}"), d) else {
        return Vec::new();
    };
    let target = keys.plain("target", d);
    let published = keys.plain("published", d).map(|(text, _)| text);
    let bind = keys.plain("host_ip", d).map(|(text, _)| text);
    let protocol = keys.plain("protocol", d).map(|(text, _)| text);
    keys.accept(&["mode", "name", "app_protocol"]);
    keys.finish(&[], d);
    let Some((target, _)) = target else {
        let summary = format!("a port of {what} has no `target`");
        d.push(Diagnostic::error(codes::BAD_PORT, Some(item.at.clone()), summary).help(HELP));
        return Vec::new();
    };
    let published = published.filter(|text| !text.is_empty() && text != "0");
    let protocol = protocol.unwrap_or_else(|| "tcp".to_owned());
    build(
        item,
        &target,
        published.as_deref(),
        bind.as_deref(),
        &protocol,
        d,
    )
}

fn build(
    item: &Item,
    container: &str,
    published: Option<&str>,
    bind: Option<&str>,
    protocol: &str,
    d: &mut Diagnostics,
) -> Vec<PortUse> {
    let Some(protocol) = Protocol::named(&protocol.to_ascii_lowercase()) else {
        d.push(bad(item, "the protocol is `tcp`, `udp` or `sctp`"));
        return Vec::new();
    };
    let bind = match bind.filter(|text| !text.is_empty()).map(str::parse) {
        None => None,
        Some(Ok(address)) => Some(address),
        Some(Err(_)) => {
            d.push(bad(
                item,
                "what stands before the host's port is no address",
            ));
            return Vec::new();
        }
    };
    let Some(inside) = range(container) else {
        d.push(bad(item, "a port is a number from 1 to 65535"));
        return Vec::new();
    };
    let outside = match published.map(range) {
        None => None,
        Some(Some(range)) => Some(range),
        Some(None) => {
            d.push(bad(item, "the host's port is a number from 1 to 65535"));
            return Vec::new();
        }
    };
    let length = |(from, to): (u16, u16)| to - from;
    // Of more than are needed for one, the engine takes one that is free; for several it would not know which for which.
    let among = outside.filter(|range| length(inside) == 0 && length(*range) > 0);
    if outside.is_some_and(|outside| among.is_none() && length(outside) != length(inside)) {
        d.push(
            bad(item, "both ranges must be equally long")
                .help("leave the host's port out: the next free one is taken"),
        );
        return Vec::new();
    }
    let (from, to) = inside;
    (from..=to)
        .map(|port| PortUse {
            container: port,
            host: outside
                .filter(|_| among.is_none())
                .map(|(first, _)| first + (port - from)),
            among,
            bind,
            protocol,
            at: item.at.clone(),
        })
        .collect()
}

/// `80` or `80-90`.
fn range(text: &str) -> Option<(u16, u16)> {
    let port = |text: &str| text.trim().parse::<u16>().ok().filter(|port| *port > 0);
    let (from, to) = match text.split_once('-') {
        Some((from, to)) => (port(from)?, port(to)?),
        None => (port(text)?, port(text)?),
    };
    // A longer one is a mistake, not a wish.
    (from <= to && to - from < 1000).then_some((from, to))
}
