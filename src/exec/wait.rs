//! Waiting for containers: by events, never by polling.

use crate::base::{EngineId, Span};
use crate::engine::{EngineError, Look};
use crate::observe::{Container, HealthStatus, Status};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{sync::Notify, time::Instant};

/// Wakes those who wait for a container whenever something happens to it.
#[derive(Clone, Debug, Default)]
pub(super) struct Bells(Arc<Mutex<HashMap<EngineId, Arc<Notify>>>>);

impl Bells {
    /// The bell of one container. One waiter each.
    fn of(&self, id: &EngineId) -> Arc<Notify> {
        let mut bells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(bells.entry(id.clone()).or_default())
    }

    /// Rings for each event until the stream ends, then rings them all: only looking again helps then.
    pub(super) async fn ring<V: crate::engine::Events>(&self, mut events: V) {
        while let Some(event) = events.next().await {
            let bells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(bell) = bells.get(&event.container) {
                bell.notify_one();
            }
        }
        for bell in self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
        {
            bell.notify_one();
        }
    }
}

/// Why a container does not count as working.
#[derive(Debug)]
pub(super) enum NotWell {
    /// It ended, or its health check says no.
    Sick(String),
    /// The engine could not be asked.
    Engine(EngineError),
}

impl From<EngineError> for NotWell {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

/// Waits until `id` is healthy; without a health check, until it ran for `settle` without a restart.
pub(super) async fn healthy<L: Look>(
    look: &L,
    bells: &Bells,
    id: &EngineId,
    settle: Span,
    patience: Span,
) -> Result<(), NotWell> {
    let bell = bells.of(id);
    let began = Instant::now();
    let (settled, deadline) = (began + settle.duration(), began + patience.duration());
    let mut first: Option<String> = None;
    loop {
        let Some(container) = look.inspect(id).await? else {
            return Err(NotWell::Sick("it is gone".to_owned()));
        };
        if let Some(why) = ended(&container, first.as_deref()) {
            return Err(NotWell::Sick(why));
        }
        first.get_or_insert_with(|| container.state.started_at.clone());
        let until = match container.state.health {
            Some(HealthStatus::Healthy) => return Ok(()),
            Some(HealthStatus::Unhealthy) => {
                return Err(NotWell::Sick(format!(
                    "it is unhealthy: its health check failed {}",
                    if container.state.restarts > 0 {
                        "and it was restarted"
                    } else {
                        "as often as allowed"
                    }
                )));
            }
            Some(HealthStatus::Starting) if Instant::now() >= deadline => {
                return Err(NotWell::Sick(format!(
                    "it was not healthy within {patience}"
                )));
            }
            Some(HealthStatus::Starting) => deadline,
            None if Instant::now() >= settled => return Ok(()),
            None => settled,
        };
        tokio::select! {
            () = bell.notified() => {}
            () = tokio::time::sleep_until(until) => {}
        }
    }
}

/// Why a container no longer runs its first run; none while it does.
fn ended(container: &Container, first: Option<&str>) -> Option<String> {
    let state = &container.state;
    let memory = if state.oom_killed {
        ", killed for using more memory than it may"
    } else {
        ""
    };
    match state.status {
        Status::Running | Status::Paused if first.is_none_or(|first| first == state.started_at) => {
            (state.restarts > 0).then(|| {
                format!(
                    "it ended and was restarted {} times{memory}",
                    state.restarts
                )
            })
        }
        Status::Running | Status::Paused => Some(format!("it ended and was started again{memory}")),
        Status::Restarting | Status::Exited | Status::Dead => {
            Some(format!("it exited with code {}{memory}", state.exit_code))
        }
        Status::Created if !state.error.is_empty() => Some(state.error.clone()),
        Status::Created => Some("it does not run".to_owned()),
        Status::Removing => Some("it is being removed".to_owned()),
    }
}

/// Looks once whether a container still works; waits while its health check has no verdict yet.
pub(super) async fn still_well<L: Look>(
    look: &L,
    bells: &Bells,
    id: &EngineId,
    patience: Span,
) -> Result<(), NotWell> {
    let Some(container) = look.inspect(id).await? else {
        return Err(NotWell::Sick("it is gone".to_owned()));
    };
    match (container.state.status, container.state.health) {
        (Status::Running, Some(HealthStatus::Starting)) => {
            // Events name containers by their ids, while `id` may be a name.
            healthy(look, bells, &container.id, Span::ZERO, patience).await
        }
        (Status::Running, Some(HealthStatus::Unhealthy)) => {
            Err(NotWell::Sick("it is unhealthy".to_owned()))
        }
        (Status::Running, _) => Ok(()),
        (status, _) => Err(NotWell::Sick(format!("it is {}", status.word()))),
    }
}
