//! Identifiers, each its own type, so that one cannot stand for another.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes an identifier that was made before.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

text_id! {
    /// A stack's name: `[a-z0-9-]`, 1 to 40 characters; it starts every name on the engine.
    StackName
}
text_id! {
    /// A stack's identity: 32 hexadecimal digits, made once; two folders with one name have two.
    StackId
}
text_id! {
    /// What the engine calls an object: a container's or network's id, a volume's name.
    EngineId
}
text_id! {
    /// A revision: `r` and a number that counts up, such as `r12`.
    RevisionId
}
text_id! {
    /// One run of something that changes: 16 hexadecimal digits.
    RunId
}
text_id! {
    /// A value that is kept apart from specs: `blog/database/MARIADB_PASSWORD` for a generated one,
    /// `secret:NAME` for a file's, `text:DIGEST` for one that stood in a file as text.
    ValueId
}

impl RevisionId {
    /// What a user calls it: `r12`, `R12`, or `12` alone.
    pub fn named(text: &str) -> Self {
        let number = text.strip_prefix(['r', 'R']).unwrap_or(text);
        let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        match digits {
            true => Self::new(format!("r{number}")),
            false => Self::new(text),
        }
    }
}

impl StackName {
    /// Checks the form that names on the engine rely on.
    pub fn is_valid(text: &str) -> bool {
        (1..=40).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-')
    }
}

/// What a resource is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An image that containers run.
    Image,
    /// A network.
    Network,
    /// A volume.
    Volume,
    /// Files delivered into a container.
    File,
    /// A container: an app, a provider, a platform service, a job.
    Container,
}

impl Kind {
    /// The word in output and labels.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Network => "network",
            Self::Volume => "volume",
            Self::File => "file",
            Self::Container => "container",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A resource's identity in its stack: a kind and an address, such as `container:blog/database`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceId {
    /// What it is.
    pub kind: Kind,
    /// Where it belongs: `LABEL`, `LABEL/PROVIDER`, `LABEL/PROVIDER/VOLUME`, or an image's reference.
    pub address: String,
}

impl ResourceId {
    /// A resource of `kind` at `address`.
    pub fn new(kind: Kind, address: impl Into<String>) -> Self {
        Self {
            kind,
            address: address.into(),
        }
    }

    /// The container at `address`.
    pub fn container(address: impl Into<String>) -> Self {
        Self::new(Kind::Container, address)
    }

    /// The volume at `address`.
    pub fn volume(address: impl Into<String>) -> Self {
        Self::new(Kind::Volume, address)
    }

    /// The files at `address`.
    pub fn file(address: impl Into<String>) -> Self {
        Self::new(Kind::File, address)
    }

    /// The network at `address`.
    pub fn network(address: impl Into<String>) -> Self {
        Self::new(Kind::Network, address)
    }

    /// The image of that reference.
    pub fn image(reference: impl Into<String>) -> Self {
        Self::new(Kind::Image, reference)
    }

    /// The label of the site that it belongs to: the address up to its first `/`.
    pub fn label(&self) -> &str {
        match self.kind {
            Kind::Image => "",
            _ => self.address.split('/').next().unwrap_or(&self.address),
        }
    }

    /// The same part of another label's site: `blog/database` is `news/database` under `news`.
    pub fn under(&self, label: &str) -> Self {
        let rest = self.address.strip_prefix(self.label());
        let address = format!("{label}{}", rest.unwrap_or_default());
        Self::new(self.kind, address)
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.word(), self.address)
    }
}

impl fmt::Debug for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for ResourceId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, address) = text
            .split_once(':')
            .ok_or_else(|| format!("`{text}` is no KIND:ADDRESS"))?;
        let kind = match kind {
            "image" => Kind::Image,
            "network" => Kind::Network,
            "volume" => Kind::Volume,
            "file" => Kind::File,
            "container" => Kind::Container,
            _ => return Err(format!("`{kind}` is no kind of resource")),
        };
        Ok(Self::new(kind, address))
    }
}

impl Serialize for ResourceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ResourceId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_are_called_by_their_number_as_well() {
        for (said, meant) in [
            ("r1", "r1"),
            ("R12", "r12"),
            ("7", "r7"),
            ("next", "next"),
            ("r", "r"),
        ] {
            assert_eq!(RevisionId::named(said).as_str(), meant);
        }
    }
}
