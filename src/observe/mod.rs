//! What an engine runs, as data: gathered by reading calls only, then handed to the pure planner.

mod owner;

pub use owner::{
    LABEL_ID, LABEL_KEY, LABEL_RESOURCE, LABEL_RUN, LABEL_SPEC, LABEL_SPEC_HASH, LABEL_STACK,
    Owner, Stamp,
};

use crate::base::{EngineId, Secret};
use crate::model::{LiveSpec, Mount, Port, Protocol, Subnet};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

/// One look at an engine.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Containers that bear this stack's label, by name; whether they are really ours is
    /// [`Owner`]'s and their name's to say.
    pub containers: BTreeMap<String, Container>,
    /// Networks that bear this stack's label, by name.
    pub networks: BTreeMap<String, Network>,
    /// Volumes that bear this stack's label, by name.
    pub volumes: BTreeMap<String, Volume>,
    /// Containers that do not bear this stack's label and that the files take over, by name.
    pub adoptable: BTreeMap<String, Container>,
    /// Everything else's names, so that a clash is seen before it happens.
    pub foreign: Foreign,
    /// Images that were asked for, by the reference as written; absent where the engine has none.
    pub images: BTreeMap<String, Image>,
    /// What the engine's host uses itself, where it was asked for.
    pub host: Host,
}

impl Observed {
    /// Subnets of all networks, ours and those of others.
    pub fn subnets(&self) -> impl Iterator<Item = Subnet> {
        let foreign = self.foreign.subnets.iter().map(|(_, subnet)| subnet);
        let own = self.networks.values().flat_map(|network| &network.subnets);
        foreign.chain(own).copied()
    }
}

/// What an engine's host uses itself; nothing where that cannot be known (an engine elsewhere).
#[derive(Clone, Debug, Default)]
pub struct Host {
    /// Ports that something listens on.
    pub listening: BTreeSet<(Protocol, u16)>,
    /// Addresses that it routes elsewhere.
    pub routes: Vec<Subnet>,
}

/// Names and claims of objects that do not bear this stack's label.
#[derive(Clone, Debug, Default)]
pub struct Foreign {
    /// Containers, by name.
    pub containers: BTreeMap<String, Stranger>,
    /// Names of networks.
    pub networks: BTreeSet<String>,
    /// Names of volumes.
    pub volumes: BTreeSet<String>,
    /// Subnets of networks, with the network's name.
    pub subnets: Vec<(String, Subnet)>,
    /// Ports that running containers publish.
    pub ports: Vec<PublishedPort>,
    /// Containers that are on a network, running or not, by the network's name.
    pub attached: BTreeMap<String, BTreeSet<String>>,
    /// Other stacks that coasti keeps here: name and id.
    pub stacks: BTreeSet<(String, String)>,
}

/// A container that does not bear this stack's label.
#[derive(Clone, Debug, Default)]
pub struct Stranger {
    /// The image, as it was called when the container was made.
    pub image: String,
    /// Which other stack of coasti's it belongs to.
    pub stack: Option<String>,
    /// Volumes and directories that it may write to; nothing where it does not run.
    pub writes: BTreeSet<String>,
}

/// A port that a container publishes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublishedPort {
    /// TCP or UDP.
    pub protocol: Protocol,
    /// The host's port.
    pub port: u16,
    /// The host's address; unspecified (`0.0.0.0`) is all.
    pub bind: IpAddr,
    /// The container's name.
    pub by: String,
}

/// A container as inspected.
#[derive(Clone, Debug)]
pub struct Container {
    /// The engine's id.
    pub id: EngineId,
    /// Its name.
    pub name: String,
    /// What our labels on it say.
    pub owner: Owner,
    /// What it does.
    pub state: State,
    /// The id of the image it was made from.
    pub image: String,
    /// Its variables, secrets among them.
    pub env: BTreeMap<String, Secret<String>>,
    /// What can change in place, as it is now.
    pub live: LiveSpec,
    /// What is mounted in it, by path.
    pub mounts: BTreeMap<String, Mount>,
    /// Ports that its configuration publishes.
    pub ports: Vec<PublishedPort>,
    /// Whether the engine removes it, with its unnamed volumes, once it ends.
    pub auto_remove: bool,
    /// What it was made from.
    pub made: MadeFrom,
}

/// What a container was made from: all that is known of one that bears no spec of ours.
#[derive(Clone, Debug, Default)]
pub struct MadeFrom {
    /// The image as it was called then.
    pub image: String,
    /// The host name that programs in it see.
    pub hostname: String,
    /// All of its labels.
    pub labels: BTreeMap<String, String>,
    /// What it publishes, by `PORT/PROTOCOL` inside.
    pub ports: BTreeMap<String, Vec<Port>>,
}

/// What a container does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Running, exited, …
    pub status: Status,
    /// What its health check says; none where it has none.
    pub health: Option<HealthStatus>,
    /// The exit code of its last run.
    pub exit_code: i64,
    /// Whether it was ever started.
    pub ever_started: bool,
    /// When it was started last (RFC 3339, the engine's clock); changes with every start.
    pub started_at: String,
    /// How often the engine has started it again by itself.
    pub restarts: i64,
    /// Why it could not be started, in the engine's words.
    pub error: String,
    /// Whether it was killed for its memory.
    pub oom_killed: bool,
}

/// Docker's states of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Made, never started.
    Created,
    /// Runs.
    Running,
    /// Runs, frozen.
    Paused,
    /// Ended, about to be started again.
    Restarting,
    /// Ended.
    Exited,
    /// Being removed.
    Removing,
    /// Could not be removed.
    Dead,
}

impl Status {
    /// Docker's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Exited => "exited",
            Self::Removing => "removing",
            Self::Dead => "dead",
        }
    }

    /// Whether a process of it exists or is about to.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Running | Self::Paused | Self::Restarting)
    }
}

/// What a health check says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HealthStatus {
    /// No verdict yet.
    Starting,
    /// It works.
    Healthy,
    /// It failed as often as allowed.
    Unhealthy,
}

/// A network as inspected.
#[derive(Clone, Debug)]
pub struct Network {
    /// The engine's id.
    pub id: EngineId,
    /// Its name.
    pub name: String,
    /// What our labels on it say.
    pub owner: Owner,
    /// Its subnets.
    pub subnets: Vec<Subnet>,
    /// Whether it has no way out.
    pub internal: bool,
}

/// A volume as inspected.
#[derive(Clone, Debug)]
pub struct Volume {
    /// Its name, which is also its id.
    pub name: String,
    /// What our labels on it say.
    pub owner: Owner,
    /// Its driver.
    pub driver: String,
    /// The driver's options.
    pub options: BTreeMap<String, String>,
}

/// An image that the engine has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// The engine's id of it.
    pub id: String,
    /// Its digests at registries, such as `docker.io/library/redis@sha256:…`; empty for imported images.
    pub digests: Vec<String>,
    /// Paths that it declares as volumes.
    pub volumes: BTreeSet<String>,
    /// Whether it brings a health check.
    pub has_health: bool,
    /// Its variables, such as `PG_MAJOR`.
    pub env: BTreeMap<String, String>,
    /// Ports that it says it listens on (`80/tcp`).
    pub exposed: BTreeSet<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}
