//! A container on the engine, as plans know it.

use super::Candidate;
use super::slots::Place;
use crate::base::EngineId;
use crate::model::{ContainerSpec, Mount, Spec};
use crate::observe::{Container, Status};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A container on the engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Its id.
    pub id: EngineId,
    /// Its name.
    pub name: String,
    /// Whether a process of it exists or is about to.
    pub active: bool,
    /// Whether it is frozen.
    pub paused: bool,
    /// Whether it may be about to end, so that it is stopped before it is started again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ending: bool,
    /// Whether it was ever started.
    pub ever_started: bool,
    /// Whether the engine starts it by itself (any restart policy but `no`).
    pub restarts: bool,
    /// Whether it is what an undo would start again, so that it is kept until commit.
    pub good: bool,
    /// Whether it has the resource's own name.
    pub current: bool,
    /// Whether it ran and ended with 0: for a job, that its work is done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub completed: bool,
    /// Whether it is not coasti's, and taken over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub strange: bool,
    /// Volumes that it may write to, and ports that it publishes, for the order of stops and starts.
    pub claims: Vec<String>,
}

/// What a container claims for itself: writable volumes and directories, host ports, fixed addresses. Who
/// only reads a volume claims nothing: it runs beside the one that writes at other times as well.
pub(crate) fn claims(spec: &ContainerSpec) -> Vec<String> {
    let ports = spec.published().map(|(port, to)| {
        format!(
            "port {}/{}",
            to.host,
            port.rsplit('/').next().unwrap_or("tcp")
        )
    });
    written(&spec.mounts)
        .chain(ports)
        .chain(addresses(spec))
        .collect()
}

fn written(mounts: &BTreeMap<String, Mount>) -> impl Iterator<Item = String> {
    use crate::model::MountSource;
    mounts
        .values()
        .filter(|mount| !mount.read_only)
        .filter_map(|mount| match &mount.source {
            MountSource::Volume(name) => Some(format!("volume {name}")),
            MountSource::Directory(path) => Some(format!("directory {path}")),
            MountSource::Tmpfs { .. } => None,
        })
}

fn addresses(spec: &ContainerSpec) -> impl Iterator<Item = String> {
    let joined = spec.live.networks.values();
    joined
        .flat_map(|attachment| attachment.fixed())
        .map(|address| format!("address {address}"))
}

impl Object {
    /// One of ours.
    pub(super) fn new(candidate: &Candidate<'_>, good: bool) -> Self {
        Self {
            good,
            current: candidate.place == Place::Current,
            ..Self::of(candidate.container)
        }
    }

    /// One that is not coasti's: it has a name of its own, and an undo wants it back.
    pub(super) fn strange(container: &Container) -> Self {
        Self {
            good: true,
            strange: true,
            ..Self::of(container)
        }
    }

    fn of(container: &Container) -> Self {
        let ports = container
            .ports
            .iter()
            .map(|p| format!("port {}/{}", p.port, p.protocol.word()));
        let spec = match &container.owner.spec {
            Some(Spec::Container(spec)) => Some(spec),
            _ => None,
        };
        Self {
            id: container.id.clone(),
            name: container.name.clone(),
            active: container.state.status.is_active(),
            paused: container.state.status == Status::Paused,
            ending: false,
            ever_started: container.state.ever_started,
            restarts: container.live.restart.name != crate::model::RestartName::No,
            good: false,
            current: false,
            completed: completed(container),
            strange: false,
            claims: written(&container.mounts)
                .chain(ports)
                // What the engine says is also what it gave by itself; only what was declared is claimed.
                .chain(spec.into_iter().flat_map(|spec| addresses(spec)))
                .collect(),
        }
    }
}

/// Whether a container ran to its end, and that was a good one.
pub(super) fn completed(container: &Container) -> bool {
    let state = &container.state;
    state.ever_started && state.status == Status::Exited && state.exit_code == 0
}
