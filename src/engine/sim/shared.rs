//! What a container has of another one: its network, its processes, its memory.

use super::rules::No;
use super::world::{Unit, World};
use crate::base::EngineId;
use crate::engine::ErrorKind;
use crate::model::{ContainerSpec, NetworkMode, OF_CONTAINER};

/// The exit code of what is killed.
pub(super) const KILLED: i64 = 137;

impl World {
    /// What stands in the way of a creation: whose processes or memory it has must be there.
    pub(super) fn has_joined(&self, spec: &ContainerSpec) -> Result<(), No> {
        match spec.joined().find(|other| self.unit_id(other).is_none()) {
            Some(other) => {
                let message = format!("No such container: {other}");
                Err(No(ErrorKind::Rejected, message))
            }
            None => Ok(()),
        }
    }

    /// What stands in the way of a start: they must run.
    pub(super) fn can_join(&self, unit: &Unit) -> Result<(), No> {
        let spec = &unit.create.spec;
        let find = |other: &str| self.unit_id(other).and_then(|id| self.units.get(&id));
        if let NetworkMode::Container(other) = &spec.network_mode {
            let Some(other) = find(other) else {
                let message = format!("No such container: {other}");
                return Err(No(ErrorKind::NotFound, message));
            };
            if !other.runs() {
                let message = format!(
                    "cannot join network of a non running container: {}",
                    other.id
                );
                return Err(No(ErrorKind::Conflict, message));
            }
        }
        for other in spec.joined() {
            let Some(other) = find(other) else {
                let message = format!("No such container: {other}");
                return Err(No(ErrorKind::Rejected, message));
            };
            if !other.runs() {
                let message = format!("container {} is not running", other.id);
                return Err(No(ErrorKind::Rejected, message));
            }
        }
        let memory = spec
            .ipc
            .as_deref()
            .and_then(|ipc| ipc.strip_prefix(OF_CONTAINER));
        if let Some(other) = memory.and_then(find)
            && !gives_memory(&other.create.spec)
        {
            let message = format!(
                "can't join IPC of container {}: non-shareable IPC",
                other.id
            );
            return Err(No(ErrorKind::Rejected, message));
        }
        Ok(())
    }

    /// Those that run with the processes of one that ended.
    pub(super) fn with_processes_of(&self, id: &EngineId) -> Vec<EngineId> {
        let of = |unit: &&Unit| {
            let mode = unit.create.spec.pid.as_deref();
            let other = mode.and_then(|mode| mode.strip_prefix(OF_CONTAINER));
            unit.runs() && other == Some(id.as_str())
        };
        let all = self.units.values().filter(of);
        all.map(|unit| unit.id.clone()).collect()
    }
}

fn gives_memory(spec: &ContainerSpec) -> bool {
    let mode = spec.ipc.as_deref().unwrap_or_default();
    matches!(mode, "shareable" | "host") || mode.starts_with(OF_CONTAINER)
}
