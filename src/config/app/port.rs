//! Ports.

use super::{entries, one_of};
use crate::config::codes;
use crate::config::doc::{Node, Sp, Table, Value, wrong_type};
use crate::diag::{Before, Diagnostic, Diagnostics, Place};
use crate::model::Protocol;
use std::{collections::BTreeMap, net::IpAddr};

/// A number as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) enum Number {
    /// This one.
    Fixed(u16),
    /// The next free one.
    Auto,
    /// What a variable says.
    Of {
        /// Whose.
        from: String,
        /// Which.
        key: String,
    },
}

/// A port as written; what is not said may come from elsewhere.
#[derive(Clone, Debug)]
pub(in crate::config) struct PortDef {
    /// Where its name stands.
    pub at: Place,
    /// Inside the container.
    pub container: Option<Sp<Number>>,
    /// On the host.
    pub host: Option<Sp<Number>>,
    /// Where the proxy listens for it.
    pub proxy: Option<Sp<Number>>,
    /// TCP or UDP.
    pub protocol: Option<Protocol>,
    /// The host's address.
    pub bind: Option<IpAddr>,
    /// Whether something was wrong with it, which was said.
    pub broken: bool,
}

/// Reads a table of ports.
pub(super) fn read(node: Option<&Node>, d: &mut Diagnostics) -> BTreeMap<String, PortDef> {
    let mut ports = BTreeMap::new();
    for entry in entries(node, "`port`", d) {
        let what = format!("the port `{}`", entry.key);
        // `port: {web: 80}` is short for the container's port.
        if entry.node.value.whole().is_some() {
            if let Some(container) = number(&entry.node, &what, d) {
                let container = Some(Sp::new(container, &entry.node.at));
                let def = PortDef {
                    container,
                    ..PortDef::empty(&entry.key_at)
                };
                ports.insert(entry.key.clone(), def);
            }
            continue;
        }
        let Some(mut table) = Table::of(&entry.node, &what, d) else {
            continue;
        };
        let mut def = PortDef::empty(&entry.key_at);
        for (key, to) in [
            ("container", &mut def.container),
            ("host", &mut def.host),
            ("proxy", &mut def.proxy),
        ] {
            if let Some(node) = table.take(key, d) {
                *to = number(node, &format!("`{key}` of {what}"), d).map(|n| Sp::new(n, &node.at));
                def.broken |= to.is_none();
            }
        }
        if let Some(protocol) = table.text("protocol", d)
            && one_of(
                &protocol,
                &format!("`protocol` of {what}"),
                &["tcp", "udp", "sctp"],
                d,
            )
        {
            def.protocol = Protocol::named(&protocol.value);
        }
        if let Some(bind) = table.text("bind", d) {
            def.bind = address(&bind, d);
        }
        table.flag("ssl", d);
        table.finish(d);
        ports.insert(entry.key.clone(), def);
    }
    ports
}

/// An address of the host to listen on.
pub(in crate::config) fn address(text: &Sp<String>, d: &mut Diagnostics) -> Option<IpAddr> {
    let parsed = text.value.parse().ok();
    if parsed.is_none() {
        d.push(
            Diagnostic::error(
                codes::BAD_VALUE,
                text.at.clone(),
                format!("`{}` is no address", text.value),
            )
            .help(
                "`127.0.0.1` is this host only; `0.0.0.0` is everybody over IPv4, `::` everybody",
            ),
        );
    }
    parsed
}

fn number(node: &Node, what: &str, d: &mut Diagnostics) -> Option<Number> {
    let int = match &node.value {
        Value::Text(text) if text.eq_ignore_ascii_case("auto") => return Some(Number::Auto),
        Value::Map(_) => {
            let mut table = Table::of(node, what, d)?;
            let from = table.text("from", d).map(|from| from.value);
            let key = table.need_text("key", d);
            table.finish(d);
            return Some(Number::Of {
                from: from.unwrap_or_default(),
                key: key?.value,
            });
        }
        value => value.whole(),
    };
    match int.map(u16::try_from) {
        Some(Ok(port)) if port > 0 => Some(Number::Fixed(port)),
        Some(_) => {
            d.push(Diagnostic::error(
                codes::BAD_PORT,
                Some(node.at.clone()),
                format!("{what} must be between 1 and 65535"),
            ));
            None
        }
        None => {
            d.push(wrong_type(what, "a number, `auto` or `{key: NAME}`", node));
            None
        }
    }
}

impl PortDef {
    fn empty(at: &Place) -> Self {
        Self {
            at: at.clone(),
            container: None,
            host: None,
            proxy: None,
            protocol: None,
            bind: None,
            broken: false,
        }
    }

    pub(super) fn overlay(&mut self, over: &Self) {
        self.at = over.at.clone().over(Before::File(self.at.clone()));
        self.container = over.container.clone().or(self.container.take());
        self.host = over.host.clone().or(self.host.take());
        self.proxy = over.proxy.clone().or(self.proxy.take());
        self.protocol = over.protocol.or(self.protocol);
        self.bind = over.bind.or(self.bind);
        self.broken |= over.broken;
    }
}
