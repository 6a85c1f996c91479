//! The spec of a container.

use crate::base::{EngineId, ResourceId, Span};
use crate::model::{Attachment, Blkio, Files, Mount, NetworkMode, Text};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::{IpAddr, SocketAddr},
};

/// Everything declared of a container. What is not declared is absent and not owned.
///
/// All but [`LiveSpec`] is fixed when the engine makes the container: a change there replaces it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContainerSpec {
    /// The image's reference, in full (`docker.io/library/postgres:15.1`).
    pub image: String,
    /// Replaces the image's command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<Text>>,
    /// Replaces the image's entrypoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Vec<Text>>,
    /// Variables.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, Text>,
    /// The host name that programs in it see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// `user`, `uid`, `user:group`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Where the command starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    /// Labels of the user's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Published ports by `PORT/PROTOCOL` inside the container.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ports: BTreeMap<String, Port>,
    /// Where else on the host the ports of [`ports`](Self::ports) are published; [`published`](Self::published) has all.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub more_ports: BTreeMap<String, BTreeSet<SocketAddr>>,
    /// Mounts by their path inside the container.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mounts: BTreeMap<String, Mount>,
    /// Files delivered into it, by their path inside.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: Files,
    /// Whether it has networks of its own.
    #[serde(default, skip_serializing_if = "is_default")]
    pub network_mode: NetworkMode,
    /// How the engine finds out whether it works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// Bytes of `/dev/shm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shm_size: Option<i64>,
    /// Host names with fixed addresses; `host-gateway` is the host's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra_hosts: BTreeMap<String, String>,
    /// Further addresses of them, in order.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub more_hosts: BTreeMap<String, Vec<String>>,
    /// Where its output goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<Log>,
    /// The signal that asks it to stop, if not the image's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_signal: Option<String>,
    /// How long it may take to stop before it is killed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_timeout: Option<Span>,
    /// Whether a small init reaps processes in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<bool>,
    /// Whether it has all rights on the host.
    #[serde(default, skip_serializing_if = "is_default")]
    pub privileged: bool,
    /// Whether its root is read-only.
    #[serde(default, skip_serializing_if = "is_default")]
    pub read_only: bool,
    /// Whether it has a terminal.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tty: bool,
    /// Capabilities it gets.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub cap_add: BTreeSet<String>,
    /// Capabilities it loses.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub cap_drop: BTreeSet<String>,
    /// Name servers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dns: Vec<String>,
    /// Kernel settings.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sysctls: BTreeMap<String, String>,
    /// Options of the security modules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security_opt: Vec<String>,
    /// Devices of the host, as `HOST:CONTAINER[:RIGHTS]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<String>,
    /// Kinds of devices that it may use (`c 189:* rwm`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub device_rules: Vec<String>,
    /// Devices that drivers of the engine give it, such as GPUs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub device_requests: Vec<DeviceRequest>,
    /// What starts its processes, as the engine calls it (`runc`, `nvidia`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<String>,
    /// What is said to that about it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Limits of its processes, by name (`nofile`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ulimits: BTreeMap<String, Ulimit>,
    /// What follows the host name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domainname: Option<String>,
    /// Domains that names are looked up in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dns_search: Vec<String>,
    /// Options of its resolver.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dns_opt: Vec<String>,
    /// Further groups of its user.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group_add: Vec<String>,
    /// Whether its standard input stays open.
    #[serde(default, skip_serializing_if = "is_default")]
    pub stdin_open: bool,
    /// Whose processes it sees: `host`, `container:` and a name on the engine, or its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<String>,
    /// With whom it shares memory: `host`, `private`, `shareable`, `none`, `container:` and a name on the engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipc: Option<String>,
    /// Whose users it has: `host`, or the engine's choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userns: Option<String>,
    /// Whose host name it has: `host`, or its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uts: Option<String>,
    /// Bytes of memory that it is meant to have where memory is short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_reservation: Option<i64>,
    /// Its weight where processors are short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_shares: Option<i64>,
    /// The processors that it may use (`0-3`, `0,1`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpuset: Option<String>,
    /// What it may read from and write to disks.
    #[serde(default, skip_serializing_if = "is_default")]
    pub blkio: Blkio,
    /// How readily its memory is moved to the swap, from 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swappiness: Option<i64>,
    /// Whether it waits, and is not killed, where its memory runs out.
    #[serde(default, skip_serializing_if = "is_default")]
    pub oom_kill_disable: bool,
    /// Microseconds of [`cpu_rt_period`](Self::cpu_rt_period) that its processes may run in real time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_rt_runtime: Option<i64>,
    /// Of how many microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_rt_period: Option<i64>,
    /// Options of the driver that stores its files (`size`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub storage_opt: BTreeMap<String, String>,
    /// Whose control groups it sees: `host`, or `private`, its own; the engine's choice where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cgroup: Option<String>,
    /// The control group that its own is made in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cgroup_parent: Option<String>,
    /// How soon it is killed where memory runs out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oom_score_adj: Option<i64>,
    /// Commands run in it, in order, each time it was made anew and works.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub post_run: Vec<Text>,
    /// Whether they run as soon as it is started: what makes it healthy may be one of them.
    #[serde(default, skip_serializing_if = "is_default")]
    pub post_run_at_start: bool,
    /// Directories of the engine's host, among those it mounts, that the engine makes where they are missing.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub create: BTreeSet<String>,
    /// What the engine can change on a live container.
    #[serde(default, skip_serializing_if = "is_default")]
    pub live: LiveSpec,
}

impl ContainerSpec {
    /// Every place on the host at which it publishes a port, with the port inside.
    pub fn published(&self) -> impl Iterator<Item = (&str, Port)> {
        let more = |inside: &String| self.more_ports.get(inside).into_iter().flatten();
        self.ports.iter().flat_map(move |(inside, first)| {
            let more = more(inside).map(|at| Port {
                bind: at.ip(),
                host: at.port(),
            });
            let all = std::iter::once(first.clone()).chain(more);
            all.map(move |port| (inside.as_str(), port))
        })
    }

    /// Every host name with each of its fixed addresses.
    pub fn hosts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.extra_hosts.iter().flat_map(|(name, first)| {
            let more = self.more_hosts.get(name).into_iter().flatten();
            let all = std::iter::once(first).chain(more);
            all.map(move |address| (name.as_str(), address.as_str()))
        })
    }

    /// Publishes a port; of several places of one the lowest comes first, whatever the order in a file.
    pub fn publish(&mut self, inside: &str, port: Port) {
        use std::collections::btree_map::Entry;
        match self.ports.entry(inside.to_owned()) {
            Entry::Vacant(first) => drop(first.insert(port)),
            Entry::Occupied(mut first) => {
                let mut all = self.more_ports.remove(inside).unwrap_or_default();
                all.extend([first.get(), &port].map(|port| SocketAddr::new(port.bind, port.host)));
                if let Some(lowest) = all.pop_first() {
                    first.insert(Port {
                        bind: lowest.ip(),
                        host: lowest.port(),
                    });
                }
                if !all.is_empty() {
                    self.more_ports.insert(inside.to_owned(), all);
                }
            }
        }
    }
}

/// What stands before the name of a container whose processes or memory another one has.
pub const OF_CONTAINER: &str = "container:";

impl ContainerSpec {
    /// Containers whose processes or memory it has, by their names on the engine.
    pub fn joined(&self) -> impl Iterator<Item = &str> {
        let modes = [&self.pid, &self.ipc].into_iter().flatten();
        modes.filter_map(|mode| mode.strip_prefix(OF_CONTAINER))
    }

    /// Containers whose network, processes or memory it has, likewise.
    pub fn shares(&self) -> impl Iterator<Item = &str> {
        let network = match &self.network_mode {
            NetworkMode::Container(name) => Some(name.as_str()),
            NetworkMode::Own | NetworkMode::Host | NetworkMode::None => None,
        };
        network.into_iter().chain(self.joined())
    }

    /// Calls those containers otherwise, where `name` has another one for them.
    pub fn rename_shared(&mut self, name: impl Fn(&str) -> Option<String>) {
        if let NetworkMode::Container(other) = &mut self.network_mode
            && let Some(name) = name(other)
        {
            *other = name;
        }
        for mode in [&mut self.pid, &mut self.ipc].into_iter().flatten() {
            if let Some(name) = mode.strip_prefix(OF_CONTAINER).and_then(&name) {
                *mode = format!("{OF_CONTAINER}{name}");
            }
        }
    }
}

pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Devices that a driver of the engine is to give a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceRequest {
    /// The driver; the engine looks for one that has the capabilities where it is empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub driver: String,
    /// How many; -1 is all.
    #[serde(default, skip_serializing_if = "is_default")]
    pub count: i64,
    /// Which, instead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
    /// What they must be able to do: all of it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub capabilities: BTreeSet<String>,
    /// Options of the driver.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
}

/// A limit of a container's processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ulimit {
    /// What counts; a process may raise it.
    pub soft: i64,
    /// Up to this.
    pub hard: i64,
}

/// What the engine can change in place; compared with the live object, not part of the spec hash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiveSpec {
    /// Bytes of memory it may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<i64>,
    /// Bytes of memory and swap together; -1 is unlimited swap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_swap: Option<i64>,
    /// Billionths of a processor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nano_cpus: Option<i64>,
    /// How many processes it may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pids: Option<i64>,
    /// When the engine starts it again.
    #[serde(default)]
    pub restart: Restart,
    /// Networks it joins, by their name on the engine.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub networks: BTreeMap<String, Attachment>,
}

/// When the engine starts a container again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restart {
    /// The policy.
    pub name: RestartName,
    /// Tries, for `on-failure`; 0 is without end.
    #[serde(default, skip_serializing_if = "is_default")]
    pub max_retries: i64,
}

/// Docker's restart policies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestartName {
    /// Always: the default for apps and services.
    #[default]
    Always,
    /// Never.
    No,
    /// After a failure.
    OnFailure,
    /// Always, but not when it was stopped before the engine stopped.
    UnlessStopped,
}

impl RestartName {
    /// Docker's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::No => "no",
            Self::OnFailure => "on-failure",
            Self::UnlessStopped => "unless-stopped",
        }
    }
}

/// A published port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Port {
    /// The host's address that it listens on; `0.0.0.0` is every one of IPv4, `::` every one there is.
    pub bind: IpAddr,
    /// The host's port.
    pub host: u16,
}

impl Port {
    /// Where the host itself reaches it: `localhost:8080`, `127.0.0.1:8080`.
    pub fn reached(&self) -> String {
        match self.bind.is_unspecified() {
            true => format!("localhost:{}", self.host),
            false => self.to_string(),
        }
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::new(self.bind, self.host).fmt(f)
    }
}

/// Whether two addresses of the host cannot be listened on with one port.
pub fn overlap(a: IpAddr, b: IpAddr) -> bool {
    a == b || a.is_unspecified() || b.is_unspecified()
}

/// What carries the data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// That of a port as a container has it: `PORT/PROTOCOL`.
    pub fn of(inside: &str) -> Self {
        let word = inside.rsplit_once('/').map(|(_, word)| word);
        word.and_then(Self::named).unwrap_or_default()
    }

    /// That of a word: `tcp`, `udp` or `sctp`.
    pub fn named(word: &str) -> Option<Self> {
        let all = [Self::Tcp, Self::Udp, Self::Sctp];
        all.into_iter().find(|one| one.word() == word)
    }

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }
}

/// A health check that the engine runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// Docker's form: `["CMD-SHELL", "…"]`, `["CMD", …]` or `["NONE"]`.
    pub test: Vec<Text>,
    /// Between two checks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Span>,
    /// For one check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// While failures do not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_period: Option<Span>,
    /// Failures in a row that make it unhealthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// Between two checks while it starts (from Docker 25 on; earlier ones take the interval).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_interval: Option<Span>,
}

impl Health {
    /// The words of the test, where none of them is kept apart.
    pub fn words(&self) -> Vec<String> {
        let word = |text: &Text| text.as_plain().unwrap_or_default().to_owned();
        self.test.iter().map(word).collect()
    }

    /// How long it may take until the verdict is in: start period, then every retry, and 10 s.
    pub fn patience(&self) -> Span {
        // Docker's own defaults where nothing is said.
        let interval = self.interval.unwrap_or(Span::from_secs(30));
        let timeout = self.timeout.unwrap_or(Span::from_secs(30));
        let retries = u64::from(self.retries.unwrap_or(3).max(1));
        let start = self.start_period.unwrap_or(Span::ZERO);
        start
            .plus(interval.plus(timeout).times(retries))
            .plus(Span::from_secs(10))
    }
}

/// Where a container's output goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Docker's logging driver; the engine's own where it is empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub driver: String,
    /// Its options.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
}

/// What a container is for: told to users and compared to name a change, never sent to the engine as a
/// setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// App, provider, …
    pub role: Role,
    /// The product's id; for a provider the service's (`postgres`).
    pub product: String,
    /// The product's version, or the service's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// `host` or `host/path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Variables whose values are shown once, after an apply, on a terminal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub display: Vec<String>,
    /// Variables that the image reads only when it initialises its data, each with the name of the volume or
    /// the path of the directory that the data is in.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub init_only: BTreeMap<String, EngineId>,
    /// The label that this one had before (`was: OLD`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// The container of the app that this provider serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serves: Option<ResourceId>,
    /// Whether it runs to an end: it has done its work when it ended with 0.
    #[serde(default, skip_serializing_if = "is_default")]
    pub job: bool,
    /// Containers that, made anew, make this one anew as well.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub renews_with: BTreeSet<ResourceId>,
    /// Containers that it waits for and, by its file, could do without.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub optional: BTreeSet<ResourceId>,
    /// The platform that its image is for, by its file: the engine's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
}

/// What a container is in its stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A site.
    App,
    /// Serves one site.
    Provider,
}
