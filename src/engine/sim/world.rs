//! What the simulated engine has, and small questions about it.

use super::clock;
use super::faults::FaultPlan;
use super::files::{self, Tree};
use super::ledger::{Record, Violation};
use super::program::Behaviour;
use crate::base::{Digest, EngineId, Secret, StackName, names::absolute};
use crate::engine::{ContainerCreate, Event};
use crate::model::{
    Attachment, Health, LiveSpec, Mount, MountSource, NetworkMode, Protocol, Subnet,
};
use crate::observe::{HealthStatus, Image, LABEL_STACK, State, Status};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
};
use tokio::sync::mpsc::UnboundedSender;

/// An image, and what its containers do.
#[derive(Clone, Debug, Default)]
pub struct SimImage {
    /// What the engine says of it. Without an id it gets one from its reference.
    pub facts: Image,
    /// What its containers do.
    pub behaviour: Behaviour,
    /// Its health check; facts say that it has one.
    pub health: Option<Health>,
    /// Its command. One that does not behave by its command needs none.
    pub command: Option<Vec<String>>,
    /// What commands run in its containers end with: the command's words joined by spaces, code, output.
    /// Others end with 0, or for [`Behaviour::Command`] with what they say.
    pub commands: BTreeMap<String, (i64, String)>,
    /// Whether it has no files at all.
    pub empty: bool,
}

impl SimImage {
    /// An image that behaves like that and has nothing else to it.
    pub fn new(behaviour: Behaviour) -> Self {
        Self {
            behaviour,
            ..Self::default()
        }
    }

    /// With these paths declared as volumes.
    #[must_use]
    pub fn volumes<const N: usize>(mut self, paths: [&str; N]) -> Self {
        self.facts.volumes = paths.map(str::to_owned).into();
        self
    }

    /// With a health check.
    #[must_use]
    pub fn health(mut self, health: Health) -> Self {
        self.facts.has_health = true;
        self.health = Some(health);
        self
    }

    /// With a variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.facts.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Named by a digest at its registry.
    #[must_use]
    pub fn digest(mut self, digest: &str) -> Self {
        self.facts.digests = vec![digest.to_owned()];
        self
    }
}

/// A container.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub(super) id: EngineId,
    pub(super) name: String,
    pub(super) create: ContainerCreate,
    /// The image's id.
    pub(super) image: String,
    pub(super) bundle: SimImage,
    pub(super) env: BTreeMap<String, Secret<String>>,
    /// Limits and policy now; networks are in `endpoints`.
    pub(super) live: LiveSpec,
    pub(super) endpoints: BTreeMap<String, Endpoint>,
    pub(super) mounts: BTreeMap<String, Mount>,
    pub(super) state: State,
    /// Counts starts, so that a timer of an earlier run is known as such.
    pub(super) epoch: u64,
    /// Whether a user stopped it last.
    pub(super) stopped_by_hand: bool,
    /// Whether it ran when the engine died.
    pub(super) ran_at_crash: bool,
    pub(super) layer: Tree,
    pub(super) log: String,
    /// What its health check said last.
    pub(super) verdict: Option<String>,
    /// When it began to run.
    pub(super) since: u64,
}

/// How a container is on a network.
#[derive(Clone, Debug, Default)]
pub(super) struct Endpoint {
    /// The network, once it has joined it: another one of the same name is not it.
    pub(super) network: Option<EngineId>,
    pub(super) attachment: Attachment,
}

/// A network.
#[derive(Clone, Debug)]
pub(super) struct Net {
    pub(super) id: EngineId,
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) subnet: Option<Subnet>,
    pub(super) subnet6: Option<Subnet>,
    pub(super) driver: Option<String>,
    pub(super) parent: Option<String>,
    pub(super) internal: bool,
}

impl Net {
    pub(super) fn subnets(&self) -> impl Iterator<Item = Subnet> {
        self.subnet.into_iter().chain(self.subnet6)
    }
}

/// A volume.
#[derive(Clone, Debug, Default)]
pub(super) struct Vol {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) options: BTreeMap<String, String>,
    pub(super) files: Tree,
    /// Whether a container that mounts it was ever started.
    pub(super) used: bool,
}

/// Something that happens by itself, later.
#[derive(Clone, Debug)]
pub(super) enum Timer {
    /// The main process ends.
    Exit(EngineId, u64, i64),
    /// The health check changes its mind.
    Health(EngineId, u64, HealthStatus),
    /// The restart policy starts it again.
    Restart(EngineId, u64),
}

/// Somebody who listens to events.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) caller: String,
    pub(super) stack: StackName,
    pub(super) sender: UnboundedSender<Event>,
}

/// Everything there is.
#[derive(Debug)]
pub(super) struct World {
    pub(super) units: BTreeMap<EngineId, Unit>,
    pub(super) nets: BTreeMap<EngineId, Net>,
    pub(super) volumes: BTreeMap<String, Vol>,
    pub(super) images: BTreeMap<String, SimImage>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) registry: BTreeMap<String, SimImage>,
    pub(super) registry_reachable: bool,
    /// Whether the engine runs.
    pub(super) up: bool,
    /// Callers that were killed.
    pub(super) dead: BTreeSet<String>,
    pub(super) now: u64,
    pub(super) timers: BTreeMap<(u64, u64), Timer>,
    /// When timers are due that nobody waits for yet.
    pub(super) unwatched: Vec<u64>,
    pub(super) listeners: Vec<Listener>,
    /// Ports of the host's other processes.
    pub(super) taken: BTreeSet<(Protocol, u16)>,
    /// Directories of the host.
    pub(super) directories: BTreeSet<String>,
    /// Names of containers that may be taken over, although they bear no label.
    pub(super) adoptable: BTreeSet<String>,
    pub(super) faults: FaultPlan,
    pub(super) history: Vec<Record>,
    pub(super) violations: Vec<Violation>,
    /// Commands that were run: container, words.
    pub(super) commands: Vec<(String, Vec<String>)>,
    /// How long each changing call takes.
    pub(super) latency: u64,
    /// Paths of the caller's are relative to it.
    pub(super) folder: PathBuf,
    /// What the build under way printed.
    pub(super) printed: String,
    pub(super) seq: u64,
}

impl World {
    pub(super) fn new() -> Self {
        let mut world = Self {
            units: BTreeMap::new(),
            nets: BTreeMap::new(),
            volumes: BTreeMap::new(),
            images: BTreeMap::new(),
            tags: BTreeMap::new(),
            registry: BTreeMap::new(),
            registry_reachable: true,
            up: true,
            dead: BTreeSet::new(),
            now: 0,
            timers: BTreeMap::new(),
            unwatched: Vec::new(),
            listeners: Vec::new(),
            taken: BTreeSet::new(),
            directories: BTreeSet::new(),
            adoptable: BTreeSet::new(),
            faults: FaultPlan::new(),
            history: Vec::new(),
            violations: Vec::new(),
            commands: Vec::new(),
            latency: 0,
            folder: PathBuf::new(),
            printed: String::new(),
            seq: 0,
        };
        let bridge = Subnet {
            address: IpAddr::V4(Ipv4Addr::new(172, 17, 0, 0)),
            prefix: 16,
        };
        for (name, subnet) in [("bridge", Some(bridge)), ("host", None), ("none", None)] {
            let id = world.new_id("network");
            let net = Net {
                id: id.clone(),
                name: name.to_owned(),
                labels: BTreeMap::new(),
                subnet,
                subnet6: None,
                driver: None,
                parent: None,
                internal: false,
            };
            world.nets.insert(id, net);
        }
        world
    }

    pub(super) fn new_id(&mut self, kind: &str) -> EngineId {
        self.seq += 1;
        EngineId::new(Digest::of(format!("{kind} {}", self.seq).as_bytes()).as_str())
    }

    pub(super) fn timestamp(&mut self) -> String {
        self.seq += 1;
        clock::stamp(self.now, self.seq)
    }

    pub(super) fn schedule(&mut self, at: u64, timer: Timer) {
        self.seq += 1;
        self.timers.insert((at, self.seq), timer);
        self.unwatched.push(at);
    }

    /// A container's id, by id, name or the start of an id.
    pub(super) fn unit_id(&self, text: &str) -> Option<EngineId> {
        let name = text.trim_start_matches('/');
        self.units
            .get(&EngineId::new(text))
            .or_else(|| self.units.values().find(|unit| unit.name == name))
            .or_else(|| {
                let start = |unit: &&Unit| name.len() >= 12 && unit.id.as_str().starts_with(name);
                self.units.values().find(start)
            })
            .map(|unit| unit.id.clone())
    }

    /// A network, by id or name.
    pub(super) fn net(&self, text: &str) -> Option<&Net> {
        self.nets
            .get(&EngineId::new(text))
            .or_else(|| self.nets.values().find(|net| net.name == text))
    }

    /// The network that an endpoint of that name leads to.
    pub(super) fn endpoint_net(&self, name: &str, endpoint: &Endpoint) -> Option<&Net> {
        match &endpoint.network {
            Some(id) => self.nets.get(id),
            None => self.net(name),
        }
    }

    /// An image and its id, by reference or id.
    pub(super) fn image(&self, text: &str) -> Option<(&String, &SimImage)> {
        let id = self.tags.get(&normal(text)).map_or(text, String::as_str);
        let prefixed = format!("sha256:{id}");
        self.images
            .get_key_value(id)
            .or_else(|| self.images.get_key_value(&prefixed))
            .or_else(|| {
                let named = |(_, image): &(&String, &SimImage)| {
                    let mut digests = image.facts.digests.iter();
                    digests.any(|digest| normal(digest) == normal(text))
                };
                self.images.iter().find(named)
            })
    }

    /// Takes an image in, under that reference.
    pub(super) fn add_image(&mut self, reference: &str, mut image: SimImage) -> String {
        if image.facts.id.is_empty() {
            image.facts.id = image_id(reference, &image);
        }
        let id = image.facts.id.clone();
        self.images.insert(id.clone(), image);
        self.tags.insert(normal(reference), id.clone());
        id
    }

    /// Whether something holds this volume, running or not.
    pub(super) fn users<'a>(&'a self, volume: &'a str) -> impl Iterator<Item = &'a Unit> {
        self.units
            .values()
            .filter(move |unit| unit.volumes().any(|(name, _)| name == volume))
    }

    /// Tells those who listen.
    pub(super) fn tell(&mut self, id: &EngineId, action: &str) {
        let stack = self
            .units
            .get(id)
            .and_then(|unit| unit.create.labels.get(LABEL_STACK));
        let event = Event {
            container: id.clone(),
            action: action.to_owned(),
        };
        let stack = stack.cloned();
        self.listeners.retain(|listener| {
            Some(listener.stack.as_str()) != stack.as_deref()
                || listener.sender.send(event.clone()).is_ok()
        });
    }

    /// Where a path of a container leads: the tree's root, the path in the tree, and whether it may be
    /// written.
    pub(super) fn place<'a>(&'a self, unit: &'a Unit, path: &str) -> Place<'a> {
        let path = absolute(path);
        let mount = unit
            .mounts
            .iter()
            .filter_map(|(root, mount)| {
                let inner = files::below(&path, root)?;
                Some((root, mount, inner))
            })
            .max_by_key(|(root, ..)| root.len());
        if let Some((root, mount, inner)) = mount
            && let MountSource::Volume(name) = &mount.source
            && let Some(volume) = self.volumes.get(name.as_str())
        {
            return Place {
                volume: Some(name.to_string()),
                tree: &volume.files,
                root: root.clone(),
                inner: inner.to_owned(),
                refusal: mount
                    .read_only
                    .then_some("mounted volume is marked read-only"),
            };
        }
        // A file of a volume, mounted by the path that the engine's host has it at.
        if let Some((root, mount, rest)) = mount
            && let MountSource::Directory(source) = &mount.source
            && let Some((name, file)) = files::of_volume(source)
            && let Some(volume) = self.volumes.get(name)
        {
            let inner = absolute(&format!("{file}/{rest}"));
            return Place {
                volume: Some(name.to_owned()),
                tree: &volume.files,
                root: root.clone(),
                inner: inner.trim_start_matches('/').to_owned(),
                refusal: mount
                    .read_only
                    .then_some("mounted volume is marked read-only"),
            };
        }
        Place {
            volume: None,
            tree: &unit.layer,
            root: "/".to_owned(),
            inner: path.trim_start_matches('/').to_owned(),
            refusal: unit
                .create
                .spec
                .read_only
                .then_some("container rootfs is marked read-only"),
        }
    }
}

/// Where a path leads.
pub(super) struct Place<'a> {
    /// The volume; none for the container's own layer.
    pub(super) volume: Option<String>,
    pub(super) tree: &'a Tree,
    pub(super) root: String,
    pub(super) inner: String,
    /// Why it cannot be written.
    pub(super) refusal: Option<&'static str>,
}

impl Unit {
    /// Whether a process of it exists.
    pub(super) fn runs(&self) -> bool {
        matches!(self.state.status, Status::Running | Status::Paused)
    }

    /// Volumes and whether it may write.
    pub(super) fn volumes(&self) -> impl Iterator<Item = (&str, bool)> {
        self.mounts
            .values()
            .filter_map(|mount| match &mount.source {
                MountSource::Volume(name) => Some((name.as_str(), !mount.read_only)),
                _ => None,
            })
    }

    /// Volumes and directories that it may write.
    pub(super) fn writes(&self) -> impl Iterator<Item = &str> {
        let writable = |mount: &&Mount| !mount.read_only;
        self.mounts
            .values()
            .filter(writable)
            .filter_map(|mount| match &mount.source {
                MountSource::Volume(name) => Some(name.as_str()),
                MountSource::Directory(path) => Some(path.as_str()),
                MountSource::Tmpfs { .. } => None,
            })
    }

    /// The health check that counts.
    pub(super) fn health(&self) -> Option<Health> {
        let of_image = || {
            self.bundle.health.clone().or_else(|| {
                self.bundle.facts.has_health.then(|| Health {
                    test: vec!["CMD".into(), "true".into()],
                    interval: None,
                    timeout: None,
                    start_period: None,
                    retries: None,
                    start_interval: None,
                })
            })
        };
        match &self.create.spec.health {
            Some(health) if health.test.first() == Some(&"NONE".into()) => None,
            Some(health) if !health.test.is_empty() => Some(health.clone()),
            _ => of_image(),
        }
    }

    /// Published ports that it holds while it runs: none while it is on no network.
    pub(super) fn published(&self) -> impl Iterator<Item = (Protocol, IpAddr, u16)> {
        let default = self.create.spec.live.networks.is_empty();
        let joined = default || self.endpoints.values().any(|e| e.network.is_some());
        self.publishes().filter(move |_| joined)
    }

    /// Ports that it wants when it starts.
    pub(super) fn publishes(&self) -> impl Iterator<Item = (Protocol, IpAddr, u16)> {
        let spec = &self.create.spec;
        let own = spec.network_mode == NetworkMode::Own;
        spec.published()
            .filter(move |_| own)
            .map(|(inside, port)| (Protocol::of(inside), port.bind, port.host))
    }

    /// The words of its main process.
    pub(super) fn argv(&self) -> Vec<String> {
        let words = |list: &Option<Vec<Secret<String>>>| {
            list.iter()
                .flatten()
                .map(|word| word.expose().clone())
                .collect::<Vec<_>>()
        };
        let mut argv = words(&self.create.entrypoint);
        match (&self.create.command, &self.bundle.command) {
            (Some(_), _) => argv.extend(words(&self.create.command)),
            (None, Some(command)) => argv.extend(command.iter().cloned()),
            (None, None) => {}
        }
        argv
    }
}

/// A reference in full: `redis` → `docker.io/library/redis:latest`.
pub(super) fn normal(reference: &str) -> String {
    let host = reference
        .split_once('/')
        .map(|(host, _)| host)
        .filter(|host| host.contains(['.', ':']) || *host == "localhost");
    let mut full = match host {
        Some(_) => reference.to_owned(),
        None if reference.contains('/') => format!("docker.io/{reference}"),
        None => format!("docker.io/library/{reference}"),
    };
    let last = full.rsplit('/').next().unwrap_or_default();
    if !last.contains([':', '@']) {
        full.push_str(":latest");
    }
    full
}

/// An id that says what an image is.
pub(super) fn image_id(reference: &str, image: &SimImage) -> String {
    let text = format!("{} {image:?}", normal(reference));
    format!("sha256:{}", Digest::of(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_compared_in_full() {
        assert_eq!(normal("redis"), "docker.io/library/redis:latest");
        assert_eq!(normal("docker.io/library/redis:7"), normal("redis:7"));
        assert_eq!(normal("coasti-test/tiny:1"), "docker.io/coasti-test/tiny:1");
        assert_eq!(normal("localhost:5000/a"), "localhost:5000/a:latest");
        assert_eq!(normal("a/b@sha256:1"), "docker.io/a/b@sha256:1");
    }
}
