//! Containers: made, renamed, changed in place, removed.

use super::files::{self, Node, Tree};
use super::program::Behaviour;
use super::rules::{Answer, no, no_container};
use super::shared::KILLED;
use super::world::{Endpoint, SimImage, Unit, World};
use crate::base::{EngineId, Secret, names::absolute};
use crate::engine::{ContainerCreate, Done, ErrorKind};
use crate::model::{LiveSpec, Mount, MountSource, NetworkMode, Propagation, RestartName};
use crate::observe::{State, Status};
use std::collections::BTreeMap;

/// The least memory that Docker allows.
const LEAST_MEMORY: i64 = 6 << 20;
/// Hundredths of a processor.
const LEAST_CPUS: i64 = 10_000_000;

impl World {
    pub(super) fn create_unit(&mut self, create: &ContainerCreate) -> Answer {
        let spec = &create.spec;
        if !valid_name(&create.name) {
            return no(
                ErrorKind::Rejected,
                format!(
                    "Invalid container name ({}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
                    create.name
                ),
            );
        }
        let Some((image, bundle)) = self.image(&spec.image) else {
            let message = format!("No such image: {}", spec.image);
            return no(ErrorKind::NotFound, message);
        };
        let (image, bundle) = (image.clone(), bundle.clone());
        let given = create.command.is_some() || create.entrypoint.is_some();
        if bundle.behaviour == Behaviour::Command && bundle.command.is_none() && !given {
            return no(ErrorKind::Rejected, "No command specified");
        }
        self.name_is_free(&create.name, "")?;
        limits(&spec.live)?;
        self.has_joined(spec)?;
        for mount in spec.mounts.values() {
            if let MountSource::Directory(path) = &mount.source
                && !self.directories.contains(path)
            {
                if spec.create.contains(path) {
                    self.directories.insert(path.clone());
                    continue;
                }
                return no(
                    ErrorKind::Rejected,
                    format!(
                        "invalid mount config for type \"bind\": bind source path does not exist: {path}"
                    ),
                );
            }
        }
        if let Some(delivery) = &create.files {
            let Some(volume) = self.volumes.get(&delivery.volume) else {
                let message = format!("get {}: no such volume", delivery.volume);
                return no(ErrorKind::NotFound, message);
            };
            for name in delivery.files.values() {
                if !matches!(volume.files.get(name), Some(Node::File(_))) {
                    let path = format!("{}/{name}", files::kept_at(&delivery.volume));
                    return no(
                        ErrorKind::Rejected,
                        format!(
                            "invalid mount config for type \"bind\": bind source path does not exist: {path}"
                        ),
                    );
                }
            }
        }
        let mut declared = spec.mounts.clone();
        let delivered = create.files.iter();
        declared.extend(delivered.flat_map(|it| it.mounts(&files::kept_at(&it.volume))));
        // Networks are only looked for at start.
        let own = spec.network_mode == NetworkMode::Own;
        let mounts = self.mount(declared, &bundle);
        let id = self.new_id("container");
        let mut env: BTreeMap<String, Secret<String>> = bundle
            .facts
            .env
            .iter()
            .map(|(name, value)| (name.clone(), Secret::new(value.clone())))
            .collect();
        env.extend(create.env.clone());
        let endpoints = spec.live.networks.iter().filter(|_| own);
        let endpoints = endpoints
            .map(|(name, attachment)| {
                let attachment = attachment.clone();
                let network = None;
                (
                    name.clone(),
                    Endpoint {
                        network,
                        attachment,
                    },
                )
            })
            .collect();
        let mut live = LiveSpec {
            networks: BTreeMap::new(),
            ..spec.live.clone()
        };
        if live.memory.is_some_and(|memory| memory > 0) && live.memory_swap.is_none() {
            live.memory_swap = live.memory.map(|memory| memory.saturating_mul(2));
        }
        if live.restart.name != RestartName::OnFailure {
            live.restart.max_retries = 0;
        }
        // A name means the container that has it now; one that nobody has, who has it at the start.
        let mut create = create.clone();
        create
            .spec
            .rename_shared(|other| self.unit_id(other).map(|id| id.to_string()));
        let unit = Unit {
            id: id.clone(),
            name: create.name.clone(),
            layer: layer(&bundle, &mounts),
            create,
            image,
            bundle,
            env,
            live: shown(live),
            endpoints,
            mounts,
            state: State {
                status: Status::Created,
                health: None,
                exit_code: 0,
                ever_started: false,
                started_at: "0001-01-01T00:00:00Z".to_owned(),
                restarts: 0,
                error: String::new(),
                oom_killed: false,
            },
            epoch: 0,
            stopped_by_hand: false,
            ran_at_crash: false,
            log: String::new(),
            verdict: None,
            since: 0,
        };
        self.units.insert(id.clone(), unit);
        self.tell(&id, "create");
        Ok(Done::Made(id).into())
    }

    /// Declared mounts, and fresh volumes where the image declares one that is not covered. Volumes that are
    /// missing are made.
    fn mount(
        &mut self,
        mut mounts: BTreeMap<String, Mount>,
        bundle: &SimImage,
    ) -> BTreeMap<String, Mount> {
        for path in &bundle.facts.volumes {
            if !mounts.contains_key(path) {
                let name = self.new_id("volume");
                let source = MountSource::Volume(name);
                mounts.insert(path.clone(), Mount::from(source));
            }
        }
        for mount in mounts.values_mut() {
            match &mount.source {
                MountSource::Volume(name) => {
                    self.volumes.entry(name.to_string()).or_default();
                }
                // Of its own folder Docker lets no container hold mounts that the host gives up.
                MountSource::Directory(path) if files::of_volume(path).is_some() => {
                    let said = mount.options.propagation;
                    mount.options.propagation = said.or(Some(Propagation::Rslave));
                }
                _ => {}
            }
        }
        mounts
    }

    fn name_is_free(&self, name: &str, prefix: &str) -> Result<(), super::rules::No> {
        match self.units.values().find(|unit| unit.name == name) {
            Some(unit) => no(
                ErrorKind::Conflict,
                format!(
                    "{prefix}Conflict. The container name \"/{name}\" is already in use by container \"{}\". You have to remove (or rename) that container to be able to reuse that name.",
                    unit.id
                ),
            ),
            None => Ok(()),
        }
    }

    pub(super) fn rename(&mut self, id: &EngineId, to: &str) -> Answer {
        let Some(id) = self.unit_id(id.as_str()) else {
            return no_container(id.as_str());
        };
        if self.units.get(&id).is_some_and(|unit| unit.name == to) {
            return Ok(Done::Already.into());
        }
        if !valid_name(to) {
            return no(
                ErrorKind::Rejected,
                format!("Invalid container name ({to})"),
            );
        }
        self.name_is_free(to, "Error when allocating new name: ")?;
        if let Some(unit) = self.units.get_mut(&id) {
            unit.name = to.to_owned();
        }
        self.tell(&id, "rename");
        Ok(Done::Done.into())
    }

    pub(super) fn remove_unit(&mut self, id: &EngineId) -> Answer {
        let Some(id) = self.unit_id(id.as_str()) else {
            return Ok(Done::Already.into());
        };
        if self
            .units
            .get(&id)
            .is_some_and(|unit| unit.state.status.is_active())
        {
            self.tell(&id, "kill");
            self.end(&id, KILLED, true);
        }
        self.tell(&id, "destroy");
        self.units.remove(&id);
        Ok(Done::Done.into())
    }

    /// Changes limits and policy as the adapter for Docker does: what it asks for is compared with what
    /// became of it, because Docker says yes to zeros and changes nothing.
    pub(super) fn update(&mut self, id: &EngineId, wanted: &LiveSpec) -> Answer {
        let Some(id) = self.unit_id(id.as_str()) else {
            return no_container(id.as_str());
        };
        limits(wanted)?;
        let Some(unit) = self.units.get_mut(&id) else {
            return no_container(id.as_str());
        };
        let set = |value: Option<i64>| value.filter(|value| *value != 0);
        let mut live = unit.live.clone();
        if let Some(memory) = set(wanted.memory) {
            live.memory = Some(memory);
            live.memory_swap = Some(memory.saturating_mul(2));
        }
        if let Some(swap) = set(wanted.memory_swap) {
            live.memory_swap = Some(swap);
        }
        if let Some(cpus) = set(wanted.nano_cpus) {
            live.nano_cpus = Some(cpus);
        }
        if wanted.pids.is_some() {
            live.pids = wanted.pids;
        }
        live.restart = wanted.restart.clone();
        if live.restart.name != RestartName::OnFailure {
            live.restart.max_retries = 0;
        }
        unit.live = shown(live);
        let now = &unit.live;
        let kept = |wanted: Option<i64>, now: Option<i64>| wanted.is_none() || wanted == now;
        let ignored: Vec<_> = [
            ("memory", kept(wanted.memory, now.memory)),
            ("memory and swap", kept(wanted.memory_swap, now.memory_swap)),
            ("cpus", kept(wanted.nano_cpus, now.nano_cpus)),
            ("pids", kept(wanted.pids, now.pids)),
            ("restart policy", wanted.restart == now.restart),
        ]
        .into_iter()
        .filter_map(|(what, same)| (!same).then_some(what))
        .collect();
        self.tell(&id, "update");
        if ignored.is_empty() {
            Ok(Done::Done.into())
        } else {
            let ignored = ignored.join(", ");
            no(
                ErrorKind::Rejected,
                format!("the engine said yes but did not change: {ignored}"),
            )
        }
    }
}

/// What no container may ask for.
fn limits(live: &LiveSpec) -> Result<(), super::rules::No> {
    let memory = live.memory.unwrap_or(0);
    let swap = live.memory_swap.unwrap_or(0);
    let refusal = if memory != 0 && memory < LEAST_MEMORY {
        "Minimum memory limit allowed is 6MB"
    } else if memory > 0 && swap > 0 && swap < memory {
        "Minimum memoryswap limit should be larger than memory limit, see usage"
    } else if live.nano_cpus.is_some_and(|n| n != 0 && n < LEAST_CPUS) {
        "Range of CPUs is from 0.01"
    } else {
        return Ok(());
    };
    no(ErrorKind::Rejected, refusal)
}

/// Limits as an inspection shows them: what is not limited is absent.
fn shown(mut live: LiveSpec) -> LiveSpec {
    live.memory = live.memory.filter(|n| *n != 0);
    live.memory_swap = live.memory_swap.filter(|n| *n != 0);
    live.nano_cpus = live.nano_cpus.filter(|n| *n != 0);
    live.pids = live.pids.filter(|n| *n > 0);
    live
}

/// `[a-zA-Z0-9][a-zA-Z0-9_.-]+`
fn valid_name(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric();
    name.len() > 1 && name.starts_with(word) && name.chars().all(|c| word(c) || "_.-".contains(c))
}

/// Folders of every image that is not empty.
pub(super) const OF_IMAGES: [&str; 5] = ["bin", "etc", "tmp", "usr", "var"];

/// The files that a container has before anything wrote: folders of its image and of its mounts.
fn layer(bundle: &SimImage, mounts: &BTreeMap<String, Mount>) -> Tree {
    let mut tree = Tree::default();
    let of_image = OF_IMAGES.iter().filter(|_| !bundle.empty).copied();
    let roots: Vec<String> = mounts
        .keys()
        .map(|path| absolute(path).trim_start_matches('/').to_owned())
        .collect();
    for path in of_image.chain(roots.iter().map(String::as_str)) {
        for (end, _) in path.match_indices('/').chain([(path.len(), "")]) {
            if let Some(folder) = path.get(..end) {
                tree.insert(folder, Node::Folder);
            }
        }
    }
    tree
}
