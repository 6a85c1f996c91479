//! What is mounted into a container, and how.

use super::container::is_default;
use crate::base::{EngineId, names};
use serde::{Deserialize, Serialize};

/// Something mounted into a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// What is mounted.
    #[serde(flatten)]
    pub source: MountSource,
    /// Whether the container may only read it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub read_only: bool,
    /// How it is mounted, where the engine shall do more than it does by itself.
    #[serde(flatten)]
    pub options: MountOptions,
}

/// A mount that the container may write to, as the engine makes it by itself.
impl From<MountSource> for Mount {
    fn from(source: MountSource) -> Self {
        Self {
            source,
            read_only: false,
            options: MountOptions::default(),
        }
    }
}

impl Mount {
    /// What is said of it beyond what and where, as Docker's short form has it: `:ro,z`, or nothing.
    pub fn suffix(&self) -> String {
        let MountOptions {
            selinux,
            propagation,
            no_copy,
        } = self.options;
        let words = [
            self.read_only.then_some("ro"),
            selinux.map(Selinux::word),
            propagation.map(Propagation::word),
            no_copy.then_some("nocopy"),
        ];
        let words: Vec<_> = words.into_iter().flatten().collect();
        let divider = if words.is_empty() { "" } else { ":" };
        format!("{divider}{}", words.join(","))
    }
}

/// What else is said of a mount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountOptions {
    /// For whom a directory is labelled anew on hosts with SELinux. Such a directory is one of
    /// [`create`](super::ContainerSpec::create).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selinux: Option<Selinux>,
    /// What of later mounts below a directory is seen on the other side; `rprivate`, nothing, is never written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub propagation: Option<Propagation>,
    /// Whether a new volume stays empty where the image has files at its path.
    #[serde(default, rename = "nocopy", skip_serializing_if = "is_default")]
    pub no_copy: bool,
}

/// Who may use a directory on a host with SELinux.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Selinux {
    /// Every container.
    #[serde(rename = "z")]
    Shared,
    /// This one alone.
    #[serde(rename = "Z")]
    Private,
}

impl Selinux {
    /// Docker's letter.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Shared => "z",
            Self::Private => "Z",
        }
    }

    /// That of Docker's letter.
    pub fn of(word: &str) -> Option<Self> {
        let all = [Self::Shared, Self::Private];
        all.into_iter().find(|one| one.word() == word)
    }
}

/// Which mounts below a directory show on the other side: in the container those of the host (`slave`), or in
/// both directions (`shared`). With an `r` also those below other mounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Propagation {
    /// None, not even now below other mounts.
    Private,
    /// In both directions.
    Shared,
    /// Likewise, below other mounts as well.
    Rshared,
    /// Those of the host.
    Slave,
    /// Likewise, below other mounts as well.
    Rslave,
}

impl Propagation {
    /// What an engine does by itself.
    pub const DEFAULT: &'static str = "rprivate";

    /// Docker's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Shared => "shared",
            Self::Rshared => "rshared",
            Self::Slave => "slave",
            Self::Rslave => "rslave",
        }
    }

    /// That of Docker's word; none for the default.
    pub fn of(word: &str) -> Option<Self> {
        let all = [
            Self::Private,
            Self::Shared,
            Self::Rshared,
            Self::Slave,
            Self::Rslave,
        ];
        all.into_iter().find(|one| one.word() == word)
    }
}

/// What can be mounted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MountSource {
    /// A volume, by its name on the engine.
    Volume(EngineId),
    /// A directory or file of the engine's host.
    Directory(String),
    /// Memory.
    Tmpfs {
        /// Bytes at most.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size: Option<i64>,
        /// Permission bits.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mode: Option<u32>,
    },
}

impl MountSource {
    /// A directory or file of the engine's host, its absolute path cleaned as the engine cleans it: one place has one
    /// name.
    pub fn directory(path: &str) -> Self {
        Self::Directory(names::absolute(path))
    }

    /// What keeps data: the volume's name or the directory.
    pub fn data(&self) -> Option<&str> {
        match self {
            Self::Volume(name) => Some(name.as_str()),
            Self::Directory(path) => Some(path),
            Self::Tmpfs { .. } => None,
        }
    }
}
