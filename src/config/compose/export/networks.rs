//! Networks, how services join them, and ports.

use super::{Export, escape, key, put, put_flag, put_list, put_map};
use crate::base::Kind;
use crate::model::{Addresses, Attachment, ContainerSpec, NetworkMode, NetworkSpec, Stack, Subnet};
use serde_json::{Map, Value, json};
use std::net::Ipv6Addr;

/// A network of the file.
pub(super) fn network_of(stack: &Stack, name: &str, network: &NetworkSpec) -> Value {
    let mut fields = Map::new();
    if network.external {
        fields.insert("name".into(), json!(escape(name)));
        fields.insert("external".into(), json!(true));
    } else {
        if network.internal {
            fields.insert("internal".into(), json!(true));
        }
        put(&mut fields, "driver", network.driver.as_ref());
        put_flag(&mut fields, "enable_ipv6", network.enable_ipv6);
        put_map(&mut fields, "driver_opts", &network.options);
        put_map(&mut fields, "labels", &network.labels);
        let fixed = stack.containers().any(|(_, _, spec)| {
            let joined = spec.live.networks.get(name);
            joined.is_some_and(|joined| joined.fixed().next().is_some())
        });
        let said =
            [&network.ipam, &network.ipam6].map(|addresses| *addresses != Addresses::default());
        // Engines choose other subnets themselves, but none of IPv6 and none of a network that is there already.
        if fixed || network.enable_ipv6 || network.is_lan() || said.contains(&true) {
            let all: Vec<_> = network.subnets().map(subnet_of).collect();
            fields.insert("ipam".into(), json!({ "config": all }));
        }
    }
    Value::Object(fields)
}

fn subnet_of((subnet, addresses): (Subnet, &Addresses)) -> Value {
    let mut config = Map::new();
    config.insert("subnet".into(), json!(subnet));
    if let Some(gateway) = addresses.gateway {
        config.insert("gateway".into(), json!(gateway));
    }
    if let Some(range) = addresses.ip_range {
        config.insert("ip_range".into(), json!(range));
    }
    if !addresses.aux_addresses.is_empty() {
        config.insert("aux_addresses".into(), json!(addresses.aux_addresses));
    }
    Value::Object(config)
}

impl Export<'_> {
    pub(super) fn network(&mut self, fields: &mut Map<String, Value>, spec: &ContainerSpec) {
        match &spec.network_mode {
            NetworkMode::Host => drop(fields.insert("network_mode".into(), json!("host"))),
            NetworkMode::None => drop(fields.insert("network_mode".into(), json!("none"))),
            NetworkMode::Container(name) => {
                if let Some((other, _)) = self.stack.by_name(Kind::Container, name) {
                    let mode = format!("service:{}", key(other));
                    fields.insert("network_mode".into(), json!(mode));
                }
            }
            NetworkMode::Own if spec.live.networks.is_empty() => {
                fields.insert("network_mode".into(), json!("bridge"));
            }
            NetworkMode::Own => {
                let mut joined = Map::new();
                let mut known = Vec::new();
                for (name, attachment) in &spec.live.networks {
                    let Attachment {
                        aliases,
                        links,
                        address,
                        address6,
                    } = attachment;
                    known.extend(links.iter().filter_map(|link| self.link(name, link)));
                    let mut how = Map::new();
                    put_list(&mut how, "aliases", aliases.iter());
                    for (key, address) in [("ipv4_address", address), ("ipv6_address", address6)] {
                        let address = address.map(|address| address.to_string());
                        put(&mut how, key, address.as_ref());
                    }
                    let network = self.stack.by_name(Kind::Network, name);
                    let network = network.map_or_else(|| name.clone(), |(id, _)| key(id));
                    joined.insert(network, Value::Object(how));
                }
                fields.insert("networks".into(), Value::Object(joined));
                known.sort();
                known.dedup();
                put_list(fields, "links", known.iter());
            }
        }
        let ports: Vec<_> = spec
            .published()
            .map(|(inside, port)| {
                let (inside, protocol) = inside.split_once('/').unwrap_or((inside, "tcp"));
                let mut entry = Map::new();
                entry.insert(
                    "target".into(),
                    json!(inside.parse::<u16>().unwrap_or_default()),
                );
                entry.insert("published".into(), json!(port.host.to_string()));
                entry.insert("protocol".into(), json!(protocol));
                if port.bind != Ipv6Addr::UNSPECIFIED {
                    entry.insert("host_ip".into(), json!(port.bind.to_string()));
                }
                Value::Object(entry)
            })
            .collect();
        if !ports.is_empty() {
            fields.insert("ports".into(), json!(ports));
        }
    }

    /// A name for another in a network: for the service that answers there to what it stands for.
    fn link(&self, network: &str, (name, of): (&String, &String)) -> Option<String> {
        let answers = |spec: &ContainerSpec| {
            let joined = spec.live.networks.get(network);
            joined.is_some_and(|joined| joined.aliases.contains(of))
        };
        let mut all = self.stack.containers();
        let (id, ..) = all.find(|(_, _, spec)| answers(spec))?;
        Some(format!("{}:{name}", key(id)))
    }
}
