//! What the simulated engine shows, in the shape in which Docker's answers are read.

use super::clock::Clock;
use super::units::OF_IMAGES;
use super::world::{Net, Unit, Vol, World, normal};
use crate::base::EngineId;
use crate::engine::Scope;
use crate::model::{LiveSpec, Port, Protocol};
use crate::observe::{
    Container, Host, Image, LABEL_ID, LABEL_STACK, MadeFrom, Network, Observed, Owner,
    PublishedPort, Stranger, Volume,
};
use std::collections::{BTreeMap, BTreeSet};

impl Unit {
    /// As inspected.
    pub(super) fn shown(&self) -> Container {
        let networks = self
            .endpoints
            .iter()
            .map(|(name, endpoint)| (name.clone(), endpoint.attachment.clone()))
            .collect();
        let mut ports: Vec<PublishedPort> = self
            .create
            .spec
            .published()
            .map(|(inside, port)| PublishedPort {
                protocol: Protocol::of(inside),
                port: port.host,
                bind: port.bind,
                by: self.name.clone(),
            })
            .collect();
        ports.sort();
        let spec = &self.create.spec;
        let mut places: BTreeMap<String, Vec<Port>> = BTreeMap::new();
        for (inside, port) in spec.published() {
            places.entry(inside.to_owned()).or_default().push(port);
        }
        Container {
            id: self.id.clone(),
            name: self.name.clone(),
            owner: Owner::from_labels(&self.create.labels),
            state: self.state.clone(),
            image: self.image.clone(),
            env: self.env.clone(),
            live: LiveSpec {
                networks,
                ..self.live.clone()
            },
            mounts: self.mounts.clone(),
            ports,
            auto_remove: false,
            made: MadeFrom {
                image: spec.image.clone(),
                hostname: spec.hostname.clone().unwrap_or_default(),
                labels: self.create.labels.clone(),
                ports: places,
            },
        }
    }
}

impl Net {
    fn shown(&self) -> Network {
        Network {
            id: self.id.clone(),
            name: self.name.clone(),
            owner: Owner::from_labels(&self.labels),
            subnets: self.subnets().collect(),
            internal: self.internal,
        }
    }
}

impl Vol {
    fn shown(&self, name: &str) -> Volume {
        Volume {
            name: name.to_owned(),
            owner: Owner::from_labels(&self.labels),
            driver: "local".to_owned(),
            options: self.options.clone(),
        }
    }
}

impl World {
    pub(super) fn observe(&self, scope: &Scope) -> Observed {
        let mut seen = Observed::default();
        let ours = |labels: &BTreeMap<String, String>| {
            labels.get(LABEL_STACK).map(String::as_str) == Some(scope.stack.as_str())
        };
        let other = |labels: &BTreeMap<String, String>| {
            let stack = labels.get(LABEL_STACK)?;
            let id = labels.get(LABEL_ID).cloned().unwrap_or_default();
            (stack != scope.stack.as_str()).then(|| (stack.clone(), id))
        };
        for unit in self.units.values() {
            let labels = &unit.create.labels;
            if ours(labels) {
                seen.containers.insert(unit.name.clone(), unit.shown());
                continue;
            }
            if scope.adopt.contains(&unit.name) {
                seen.adoptable.insert(unit.name.clone(), unit.shown());
            }
            seen.foreign.stacks.extend(other(labels));
            let mut stranger = Stranger {
                image: unit.create.spec.image.clone(),
                stack: labels.get(LABEL_STACK).cloned(),
                writes: BTreeSet::new(),
            };
            for network in unit.endpoints.keys() {
                let on = seen.foreign.attached.entry(network.clone()).or_default();
                on.insert(unit.name.clone());
            }
            if unit.runs() {
                let published = unit.published();
                let published = published.map(|(protocol, bind, port)| PublishedPort {
                    protocol,
                    port,
                    bind,
                    by: unit.name.clone(),
                });
                seen.foreign.ports.extend(published);
                stranger.writes.extend(unit.writes().map(str::to_owned));
            }
            seen.foreign.containers.insert(unit.name.clone(), stranger);
        }
        for net in self.nets.values() {
            if ours(&net.labels) {
                seen.networks.insert(net.name.clone(), net.shown());
                continue;
            }
            seen.foreign.stacks.extend(other(&net.labels));
            let subnets = net.subnets().map(|subnet| (net.name.clone(), subnet));
            seen.foreign.subnets.extend(subnets);
            seen.foreign.networks.insert(net.name.clone());
        }
        for (name, volume) in &self.volumes {
            if ours(&volume.labels) {
                seen.volumes.insert(name.clone(), volume.shown(name));
                continue;
            }
            seen.foreign.stacks.extend(other(&volume.labels));
            seen.foreign.volumes.insert(name.clone());
        }
        for reference in &scope.images {
            if let Some((_, image)) = self.image(reference) {
                seen.images.insert(reference.clone(), image.facts.clone());
            }
        }
        seen.foreign.subnets.sort();
        seen.foreign.ports.sort();
        seen.foreign.ports.dedup();
        seen
    }

    /// What listens on a host includes the ports that running containers publish.
    pub(super) fn host(&self) -> Host {
        let published = self.units.values().filter(|unit| unit.runs());
        let ports = published.flat_map(Unit::published);
        let mut listening: BTreeSet<_> =
            ports.map(|(protocol, _, port)| (protocol, port)).collect();
        listening.extend(&self.taken);
        Host {
            listening,
            routes: Vec::new(),
        }
    }

    pub(super) fn facts(&self, reference: &str) -> Option<Image> {
        self.image(reference).map(|(_, image)| image.facts.clone())
    }

    pub(super) fn registry_digest(&self, reference: &str) -> Option<String> {
        let image = self.registry.get(&normal(reference))?;
        let named = image.facts.digests.first();
        let digest = named.map_or(image.facts.id.as_str(), String::as_str);
        Some(digest.rsplit('@').next().unwrap_or(digest).to_owned())
    }

    pub(super) fn link(&self, container: &str, path: &str) -> Option<String> {
        let unit = self.units.get(&self.unit_id(container)?)?;
        let place = self.place(unit, path);
        place.tree.follow(&place.root, &place.inner)
    }

    pub(super) fn read(&self, container: &str, path: &str) -> std::io::Result<Option<Vec<u8>>> {
        let Some(unit) = self.unit_id(container).and_then(|id| self.units.get(&id)) else {
            return Ok(None);
        };
        let place = self.place(unit, path);
        let name = path.trim_end_matches('/').rsplit('/').next();
        place.tree.pack(&place.inner, name.unwrap_or_default())
    }

    /// What is in a container's own layer and not its image's, without the folders around it.
    pub(super) fn written(&self, id: &EngineId) -> Option<Vec<String>> {
        let unit = self.units.get(&self.unit_id(id.as_str())?)?;
        let paths = unit.layer.files().map(|(path, _)| path);
        let around = |path: &String| {
            let mut others = unit.layer.files();
            others.any(|(other, _)| other.starts_with(&format!("{path}/")))
        };
        let leaves = paths.filter(|path| !OF_IMAGES.contains(&path.as_str()) && !around(path));
        Some(leaves.map(|path| format!("/{path}")).collect())
    }

    pub(super) fn log(&self, id: &EngineId, tail: usize) -> Option<String> {
        let unit = self.units.get(&self.unit_id(id.as_str())?)?;
        let lines: Vec<&str> = unit.log.lines().collect();
        let from = lines.len().saturating_sub(tail);
        let kept = lines.get(from..).unwrap_or_default();
        Some(kept.iter().map(|line| format!("{line}\n")).collect())
    }

    /// What exists, one line an object, without what differs from run to run (ids, times): to compare two
    /// worlds by.
    pub(super) fn picture(&self) -> String {
        use std::fmt::Write as _;
        let mut text = String::new();
        let mut units: Vec<&Unit> = self.units.values().collect();
        units.sort_by(|a, b| a.name.cmp(&b.name));
        for unit in units {
            let _ = write!(
                text,
                "container {} {} image={}",
                unit.name,
                unit.state.status.word(),
                unit.create.spec.image
            );
            if let Some(health) = unit.state.health {
                let _ = write!(text, " health={health:?}");
            }
            for (name, value) in &unit.create.env {
                let _ = write!(text, " {name}={}", value.expose());
            }
            for (path, mount) in &unit.mounts {
                let _ = write!(text, " {path}={:?}", mount.source);
            }
            for (name, endpoint) in &unit.endpoints {
                let _ = write!(text, " net={name}{:?}", endpoint.attachment.aliases);
            }
            let live = &unit.live;
            let _ = writeln!(
                text,
                " restart={} memory={:?} cpus={:?}",
                live.restart.name.word(),
                live.memory,
                live.nano_cpus
            );
        }
        let mut nets: Vec<&str> = self.nets.values().map(|net| net.name.as_str()).collect();
        nets.sort_unstable();
        for name in nets {
            let _ = writeln!(text, "network {name}");
        }
        for name in self.volumes.keys() {
            let _ = writeln!(text, "volume {name}");
        }
        text
    }
}

/// A free-standing engine's account of itself.
pub(super) fn info() -> crate::engine::Info {
    crate::engine::Info {
        product: "simulator".to_owned(),
        version: "20.10".to_owned(),
        api: "1.41".to_owned(),
        local: true,
        address: "sim://".to_owned(),
    }
}

/// Waits until the clock shows `millis`.
pub(super) async fn until(clock: Clock, millis: u64) {
    tokio::time::sleep_until(clock.at(millis)).await;
}
