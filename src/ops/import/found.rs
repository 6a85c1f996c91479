//! What runs on the engine already, and is not coasti's.

use super::Taken;
use super::yaml::Yaml;
use crate::base::{EngineId, StackName};
use crate::engine::{EngineError, Look, Scope};
use crate::model::MountSource;
use crate::observe::{Container, Observed};
use std::collections::BTreeSet;

/// Compose's label of the project.
pub(super) const PROJECT: &str = "com.docker.compose.project";
/// Compose's label of the service.
pub(super) const SERVICE: &str = "com.docker.compose.service";

/// An engine, for who looks for containers of other systems.
pub(super) struct Running<'a, L> {
    pub(super) look: &'a L,
    pub(super) observed: Observed,
}

impl<'a, L: Look> Running<'a, L> {
    pub(super) async fn look(look: &'a L, stack: &StackName) -> Result<Self, EngineError> {
        let scope = Scope {
            stack: stack.clone(),
            images: BTreeSet::new(),
            adopt: BTreeSet::new(),
        };
        let observed = look.observe(&scope).await?;
        Ok(Self { look, observed })
    }

    /// Names of containers that do not bear the stack's label.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.observed.foreign.containers.keys()
    }

    /// A container by its name, where it is nobody's of coasti's.
    pub(super) async fn container(&self, name: &str) -> Result<Option<Container>, EngineError> {
        if !self.observed.foreign.containers.contains_key(name) {
            return Ok(None);
        }
        let found = self.look.inspect(&EngineId::new(name)).await?;
        // An id may start like a name.
        Ok(found.filter(|one| one.name == name && one.owner.stack.is_none()))
    }
}

/// `NAME@ID`, for `adopt`.
pub(super) fn named(container: &Container) -> Yaml {
    let id: String = container.id.as_str().chars().take(12).collect();
    Yaml::text(format!("{}@{id}", container.name))
}

pub(super) fn taken(container: &Container) -> Taken {
    let mounts = container.mounts.values().filter(|mount| !mount.read_only);
    let data = mounts.filter_map(|mount| match &mount.source {
        MountSource::Volume(name) => Some(name.to_string()),
        MountSource::Directory(path) => Some(path.clone()),
        MountSource::Tmpfs { .. } => None,
    });
    let ports = container
        .ports
        .iter()
        .map(|port| match port.bind.is_unspecified() {
            true => format!("{}/{}", port.port, port.protocol.word()),
            false => format!("{}:{}/{}", port.bind, port.port, port.protocol.word()),
        });
    let mut ports: Vec<String> = ports.collect();
    ports.dedup();
    Taken {
        container: container.name.clone(),
        id: container.id.as_str().chars().take(12).collect(),
        status: container.state.status.word().to_owned(),
        data: data.collect(),
        ports,
    }
}

/// Makes a list of volumes mount what the container mounts, by path.
pub(super) fn keep_mounts(volumes: &mut Yaml, container: &Container, except: &[String]) {
    for (path, mount) in &container.mounts {
        let path = path.trim_end_matches('/');
        if matches!(mount.source, MountSource::Tmpfs { .. }) {
            continue;
        }
        if except.iter().any(|other| other == path) {
            continue;
        }
        let Some(entry) = volumes.item("target", path) else {
            continue;
        };
        match &mount.source {
            MountSource::Volume(name) => {
                entry.set("name", Yaml::text(name.as_str()));
                entry.drop_key("type");
                entry.set("external", Yaml::flag(true));
            }
            MountSource::Directory(folder) => {
                entry.set("name", Yaml::text(folder));
                entry.set("type", Yaml::text("directory"));
            }
            MountSource::Tmpfs { .. } => {}
        }
        if mount.read_only {
            entry.set("read-only", Yaml::flag(true));
        }
        entry.first(&["name", "target"]);
    }
}

/// Whether a program keeps its data under the name of its host: then that has to stay.
pub(super) fn keeps_by_hostname(image: &str) -> bool {
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split([':', '@']).next() == Some("rabbitmq")
}
