//! Networks, their address ranges, and how containers join them.

use super::container::is_default;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A network. Its subnet is given when it is made and never changes by itself, so it is no part of the hash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSpec {
    /// The subnet to make it with (`172.24.0.0/26`); none takes the engine's choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet: Option<Subnet>,
    /// The driver; Docker's `bridge` where none is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// What addresses of the subnet are for, where it is said.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ipam: Addresses,
    /// Whether it has IPv6 addresses as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub enable_ipv6: bool,
    /// Its subnet of these; given like the other one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet6: Option<Subnet>,
    /// What addresses of that are for, where it is said.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ipam6: Addresses,
    /// Whether it has no way out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub internal: bool,
    /// Options of its driver.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
    /// Labels of the user's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Not coasti's to make or remove.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub external: bool,
}

/// What addresses of a subnet are for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Addresses {
    /// That of the way out; the engine's choice, the first, where none is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<IpAddr>,
    /// Those that the engine gives containers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_range: Option<Subnet>,
    /// Those that it gives nobody, each with what it is.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub aux_addresses: BTreeMap<String, IpAddr>,
}

impl NetworkSpec {
    /// Its subnets, each with what its addresses are for.
    pub fn subnets(&self) -> impl Iterator<Item = (Subnet, &Addresses)> {
        let both = [(self.subnet, &self.ipam), (self.subnet6, &self.ipam6)];
        both.into_iter()
            .filter_map(|(subnet, addresses)| Some((subnet?, addresses)))
    }

    /// Whether containers are in the host's own network with it, each under an address of its own: the engine
    /// publishes no port then.
    pub fn is_lan(&self) -> bool {
        matches!(self.driver.as_deref(), Some("macvlan" | "ipvlan"))
    }

    /// The interface of the host that it is on, of which no other one of its driver may be.
    pub fn parent(&self) -> Option<&String> {
        self.options.get("parent").filter(|_| self.is_lan())
    }
}

/// An address range in CIDR notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subnet {
    /// Its first address.
    pub address: IpAddr,
    /// Bits that all its addresses share.
    pub prefix: u8,
}

impl Subnet {
    /// Whether an address is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let prefix = if address.is_ipv4() { 32 } else { 128 };
        self.prefix <= prefix && self.overlaps(&Self { address, prefix })
    }

    /// The address after its first, which the engine gives itself.
    pub fn gateway(&self) -> Option<IpAddr> {
        Some(match self.address {
            IpAddr::V4(address) => IpAddr::V4(u32::from(address).checked_add(1)?.into()),
            IpAddr::V6(address) => IpAddr::V6(u128::from(address).checked_add(1)?.into()),
        })
    }

    /// Whether an address is in both.
    pub fn overlaps(&self, other: &Self) -> bool {
        let prefix = self.prefix.min(other.prefix);
        match (self.address, other.address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                let mask = u32::MAX
                    .checked_shl(32 - u32::from(prefix.min(32)))
                    .unwrap_or(0);
                u32::from(a) & mask == u32::from(b) & mask
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => {
                let mask = u128::MAX
                    .checked_shl(128 - u32::from(prefix.min(128)))
                    .unwrap_or(0);
                u128::from(a) & mask == u128::from(b) & mask
            }
            _ => false,
        }
    }

    /// The subnets of `prefix` bits in it, in order (IPv4 only; none otherwise).
    pub fn divide(self, prefix: u8) -> impl Iterator<Item = Self> {
        let (start, count) = match self.address {
            IpAddr::V4(address) if (self.prefix..=30).contains(&prefix) => {
                (u32::from(address), 1u64 << (prefix - self.prefix))
            }
            _ => (0, 0),
        };
        (0..count).map(move |n| {
            let offset = u32::try_from(n << (32 - u64::from(prefix))).unwrap_or(0);
            Self {
                address: IpAddr::V4(start.wrapping_add(offset).into()),
                prefix,
            }
        })
    }
}

impl std::fmt::Display for Subnet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl std::str::FromStr for Subnet {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WHAT: &str = "a subnet is an address and a prefix, such as `172.24.0.0/14`";
        let (address, prefix) = text.split_once('/').ok_or(WHAT)?;
        let address: IpAddr = address.parse().map_err(|_| WHAT)?;
        let prefix: u8 = prefix.parse().map_err(|_| WHAT)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        if prefix > most {
            Err(WHAT)
        } else {
            Ok(Self { address, prefix })
        }
    }
}

impl Serialize for Subnet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Subnet {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// How a container joins a network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    /// Further names it answers to.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub aliases: BTreeSet<String>,
    /// Names that it alone knows others by: what each stands for is a name that answers in this network.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub links: BTreeMap<String, String>,
    /// A fixed IPv4 address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// A fixed IPv6 address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address6: Option<IpAddr>,
}

impl Attachment {
    /// Its fixed addresses: no two containers have one at a time.
    pub fn fixed(&self) -> impl Iterator<Item = IpAddr> {
        self.address.into_iter().chain(self.address6)
    }

    /// In words for people.
    pub fn show(&self) -> String {
        let list = |names: &mut dyn Iterator<Item = String>| names.collect::<Vec<_>>().join(", ");
        let mut words = Vec::new();
        if !self.aliases.is_empty() {
            words.push(format!("as {}", list(&mut self.aliases.iter().cloned())));
        }
        let at: Vec<_> = self.fixed().map(|address| address.to_string()).collect();
        if !at.is_empty() {
            words.push(format!("at {}", at.join(" and ")));
        }
        if !self.links.is_empty() {
            let links = self.links.iter();
            let mut links = links.map(|(name, of)| format!("{name} for {of}"));
            words.push(format!("with {}", list(&mut links)));
        }
        match words.is_empty() {
            true => "connected".to_owned(),
            false => words.join(", "),
        }
    }
}

/// Whether a container has networks of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkMode {
    /// It joins those of [`LiveSpec::networks`]; the engine's default bridge where there are none.
    #[default]
    Own,
    /// It uses the host's.
    Host,
    /// It has none.
    None,
    /// It uses those of another container, by its name on the engine.
    Container(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subnets_divide_and_overlap() {
        let pool: Subnet = "172.24.0.0/14".parse().unwrap();
        let parts: Vec<_> = pool.divide(26).take(3).map(|s| s.to_string()).collect();
        assert_eq!(
            parts,
            ["172.24.0.0/26", "172.24.0.64/26", "172.24.0.128/26"]
        );
        assert_eq!(pool.divide(26).count(), 4096);
        assert!(pool.overlaps(&"172.26.3.0/24".parse().unwrap()));
        assert!(!pool.overlaps(&"172.28.0.0/24".parse().unwrap()));
        assert!("1.2.3.4/33".parse::<Subnet>().is_err());
    }
}
