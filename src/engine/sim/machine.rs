//! What tests do to the simulated machine, and ask of it, beside its requests.

use super::world::{self, SimImage, World, normal};
use super::{Behaviour, COASTI, Clock, FaultPlan, HAND, Record, Sim, Violation, files, look};
use crate::model::Protocol;
use crate::observe::{Container, HealthStatus};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

impl Sim {
    /// An engine with nothing on it.
    pub fn new() -> Self {
        Self {
            world: Arc::new(Mutex::new(World::new())),
            clock: Clock::new(),
            info: Arc::new(look::info()),
            caller: COASTI.into(),
        }
    }

    /// The same engine for another caller: it is killed alone, and its calls are told apart in the history.
    #[must_use]
    pub fn caller(&self, name: &str) -> Self {
        Self {
            caller: name.into(),
            ..self.clone()
        }
    }

    /// The same engine for somebody who works by hand: faults do not hit, and promises do not bind. Calls
    /// take a container's name for its id.
    #[must_use]
    pub fn hand(&self) -> Self {
        self.caller(HAND)
    }

    /// Puts an image on the engine.
    pub fn add_image(&self, reference: &str, image: SimImage) {
        self.with(|world| world.add_image(reference, image));
    }

    /// Puts an image into the registry, in place of what has that reference there.
    pub fn publish(&self, reference: &str, mut image: SimImage) {
        if image.facts.id.is_empty() {
            image.facts.id = world::image_id(reference, &image);
        }
        self.with(|world| world.registry.insert(normal(reference), image));
    }

    /// Takes what is built from `folder`, where paths are relative.
    #[must_use]
    pub fn with_folder(self, folder: &std::path::Path) -> Self {
        self.with(|world| world.folder = folder.to_owned());
        self
    }

    /// Speaks that version of the API.
    #[must_use]
    pub fn with_api(mut self, api: &str) -> Self {
        let info = crate::engine::Info {
            api: api.to_owned(),
            ..(*self.info).clone()
        };
        self.info = Arc::new(info);
        self
    }

    /// Whether pulls get an answer from now on.
    pub fn registry_reachable(&self, reachable: bool) {
        self.with(|world| world.registry_reachable = reachable);
    }

    /// Removes an image.
    pub fn remove_image(&self, reference: &str) {
        self.with(|world| {
            if let Some(id) = world.tags.remove(&normal(reference)) {
                world.images.remove(&id);
                world.tags.retain(|_, other| *other != id);
            }
        });
    }

    /// Changes how containers of an image behave from their next start on; those that exist too.
    pub fn behave(&self, reference: &str, behaviour: Behaviour) {
        self.with(|world| {
            let Some(id) = world.image(reference).map(|(id, _)| id.clone()) else {
                return;
            };
            if let Some(image) = world.images.get_mut(&id) {
                image.behaviour = behaviour;
            }
            for unit in world.units.values_mut().filter(|unit| unit.image == id) {
                unit.bundle.behaviour = behaviour;
            }
        });
    }

    /// Another process of the host listens on that port.
    pub fn take_port(&self, protocol: Protocol, port: u16) {
        self.with(|world| world.taken.insert((protocol, port)));
    }

    /// The host has this directory.
    pub fn add_directory(&self, path: &str) {
        self.with(|world| world.directories.insert(path.to_owned()));
    }

    /// Somebody said that the container of that name may be taken over.
    pub fn may_adopt(&self, name: &str) {
        self.with(|world| world.adoptable.insert(name.to_owned()));
    }

    /// A container's main process ends by itself.
    pub fn kill_process(&self, container: &str, code: i64) {
        self.with(|world| {
            if let Some(id) = world.unit_id(container) {
                world.end(&id, code, false);
            }
        });
    }

    /// A container's health check changes its mind.
    pub fn set_health(&self, container: &str, health: HealthStatus) {
        self.with(|world| {
            if let Some(id) = world.unit_id(container)
                && let Some(unit) = world.units.get(&id)
            {
                let timer = world::Timer::Health(id, unit.epoch, health);
                let now = world.now;
                world.schedule(now, timer);
                world.advance(now);
            }
        });
    }

    /// Every changing call takes this long from now on, so that calls made at once overlap.
    pub fn latency(&self, each: Duration) {
        let each = u64::try_from(each.as_millis()).unwrap_or(u64::MAX);
        self.with(|world| world.latency = each);
    }

    /// Orders faults, in place of those ordered before. Their count begins anew.
    pub fn faults(&self, plan: FaultPlan) {
        self.with(|world| world.faults = plan);
    }

    /// The engine dies: its containers end, and nobody gets an answer until [`Sim::boot`].
    pub fn crash(&self) {
        self.with(World::crash);
    }

    /// The engine starts again, and the containers whose restart policy says so.
    pub fn boot(&self) {
        self.with(World::boot);
    }

    /// A caller that was killed by a fault lives again, as a new process.
    pub fn revive(&self) {
        self.with(|world| world.dead.remove(&*self.caller));
    }

    /// Whether a fault has killed this caller.
    pub fn is_dead(&self) -> bool {
        self.with(|world| world.dead.contains(&*self.caller))
    }

    /// Whether the engine runs.
    pub fn is_up(&self) -> bool {
        self.with(|world| world.up)
    }

    /// Every request so far, with what came of it.
    pub fn history(&self) -> Vec<Record> {
        self.with(|world| world.history.clone())
    }

    /// Every changing call since the last [`Sim::forget`] that was not made by hand, in words.
    pub fn changes(&self) -> Vec<String> {
        self.with(|world| {
            let of_callers = |record: &&Record| record.changing && record.by != HAND;
            let records = world.history.iter().filter(of_callers);
            records.map(ToString::to_string).collect()
        })
    }

    /// Forgets the history.
    pub fn forget(&self) {
        self.with(|world| world.history.clear());
    }

    /// What happened although it never may.
    pub fn violations(&self) -> Vec<Violation> {
        self.with(|world| world.violations.clone())
    }

    /// Commands that were run in containers: the container's name and the words.
    pub fn commands(&self) -> Vec<(String, Vec<String>)> {
        self.with(|world| world.commands.clone())
    }

    /// All that exists, in text without ids and times: two worlds are alike when their pictures are.
    pub fn picture(&self) -> String {
        self.with(|world| world.picture())
    }

    /// A container as it is now, without a request.
    pub fn container(&self, name: &str) -> Option<Container> {
        self.with(|world| {
            let id = world.unit_id(name)?;
            world.units.get(&id).map(world::Unit::shown)
        })
    }

    /// The labels of a container.
    pub fn labels(&self, name: &str) -> BTreeMap<String, String> {
        self.with(|world| {
            let unit = world.unit_id(name).and_then(|id| world.units.get(&id));
            unit.map(|unit| unit.create.labels.clone())
                .unwrap_or_default()
        })
    }

    /// Every container as it is now, by name, without a request.
    pub fn containers(&self) -> BTreeMap<String, Container> {
        self.with(|world| {
            let shown = world.units.values().map(world::Unit::shown);
            shown.map(|unit| (unit.name.clone(), unit)).collect()
        })
    }

    /// The names of all volumes.
    pub fn volumes(&self) -> BTreeSet<String> {
        self.with(|world| world.volumes.keys().cloned().collect())
    }

    /// The tags of images whose repository is `repository`.
    pub fn image_tags(&self, repository: &str) -> BTreeSet<String> {
        let of = |tag: &&String| {
            tag.split_once(':')
                .is_some_and(|(name, _)| name.ends_with(repository))
        };
        self.with(|world| world.tags.keys().filter(of).cloned().collect())
    }

    /// The names of all networks, the engine's own among them.
    pub fn networks(&self) -> BTreeSet<String> {
        self.with(|world| world.nets.values().map(|net| net.name.clone()).collect())
    }

    /// A file of a volume.
    pub fn file(&self, volume: &str, path: &str) -> Option<Vec<u8>> {
        self.with(|world| match world.volumes.get(volume)?.files.get(path)? {
            files::Node::File(bytes) => Some(bytes.clone()),
            _ => None,
        })
    }

    /// The paths of all files and links of a volume.
    pub fn files(&self, volume: &str) -> Vec<String> {
        self.with(|world| {
            let files = world.volumes.get(volume).map(|volume| {
                let files = volume.files.files();
                let files = files.filter(|(_, node)| **node != files::Node::Folder);
                files.map(|(path, _)| path.clone()).collect()
            });
            files.unwrap_or_default()
        })
    }

    /// Writes a file into a volume, as an app would.
    pub fn put_file(&self, volume: &str, path: &str, bytes: &[u8]) {
        self.with(|world| {
            if let Some(volume) = world.volumes.get_mut(volume) {
                volume.files.insert(path, files::Node::File(bytes.to_vec()));
            }
        });
    }
}
