//! Waiting for containers: by events, never by polling.

use crate::base::{EngineId, Span};
use crate::engine::{EngineError, Look};
use crate::observe::{Container, HealthStatus, Status};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};

/// Wakes those who wait for a container whenever something happens to it.
#[derive(Clone, Debug, Default)]
pub(super) struct Bells(Arc<Mutex<HashMap<EngineId, Arc<Bell>>>>);

/// One container's bell.
#[derive(Debug, Default)]
struct Bell {
    notify: Notify,
    /// Whether its health check was heard to say no.
    sick: AtomicBool,
    /// Whether it was heard to end.
    died: AtomicBool,
}

impl Bells {
    /// The bell of one container. One waiter each.
    fn of(&self, id: &EngineId) -> Arc<Bell> {
        let mut bells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(bells.entry(id.clone()).or_default())
    }

    /// Rings for each event until the stream ends, then rings them all: only looking again helps then.
    pub(super) async fn ring<V: crate::engine::Events>(&self, mut events: V) {
        while let Some(event) = events.next().await {
            let bell = self.of(&event.container);
            if event.action == "health_status: unhealthy" {
                bell.sick.store(true, Ordering::SeqCst);
            }
            if event.action == "die" {
                bell.died.store(true, Ordering::SeqCst);
            }
            bell.notify.notify_one();
        }
        for bell in self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
        {
            bell.notify.notify_one();
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
///
/// Docker calls a paused container unhealthy, and an unpaused one until its next check. So that word counts
/// only where the check was heard to say it, or another was seen before, or no other came in time.
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
    let mut checked = false;
    loop {
        let Some(container) = look.inspect(id).await? else {
            return Err(NotWell::Sick("it is gone".to_owned()));
        };
        checked |= container.state.health == Some(HealthStatus::Starting)
            || bell.sick.load(Ordering::SeqCst)
            || Instant::now() >= deadline;
        let died = bell.died.load(Ordering::SeqCst);
        if let Some(why) = ended(&container, first.as_deref(), died) {
            return Err(NotWell::Sick(why));
        }
        first.get_or_insert_with(|| container.state.started_at.clone());
        let until = match container.state.health {
            Some(HealthStatus::Healthy) => return Ok(()),
            Some(HealthStatus::Unhealthy) if checked => {
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
            Some(HealthStatus::Starting | HealthStatus::Unhealthy) => deadline,
            None if Instant::now() >= settled => return Ok(()),
            None => settled,
        };
        tokio::select! {
            () = bell.notify.notified() => {}
            () = tokio::time::sleep_until(until) => {}
        }
    }
}

/// How long a container that is not coasti's must run again to count as back.
const SETTLE: Duration = Duration::from_secs(2);
/// How long its health check may take to say so.
const PATIENCE: Duration = Duration::from_secs(300);

/// Waits until a container that is not coasti's runs again, and is healthy where it was. It has no labels, so
/// no event tells of it: it is looked at.
pub(super) async fn back<L: Look>(look: &L, id: &EngineId, healthy: bool) -> Result<(), NotWell> {
    let began = Instant::now();
    loop {
        let Some(container) = look.inspect(id).await? else {
            return Err(NotWell::Sick("it is gone".to_owned()));
        };
        let state = &container.state;
        if matches!(
            state.status,
            Status::Exited | Status::Dead | Status::Created
        ) {
            let why = ended(&container, None, true);
            return Err(NotWell::Sick(
                why.unwrap_or_else(|| "it does not run".to_owned()),
            ));
        }
        let well = !healthy || state.health == Some(HealthStatus::Healthy);
        if state.status == Status::Running && began.elapsed() >= SETTLE && well {
            return Ok(());
        }
        if began.elapsed() >= PATIENCE {
            return Err(NotWell::Sick(format!(
                "it does not work as before within {} s",
                PATIENCE.as_secs()
            )));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Waits until a job has ended, which must be with 0.
pub(super) async fn completed<L: Look>(
    look: &L,
    bells: &Bells,
    id: &EngineId,
    patience: Span,
) -> Result<(), NotWell> {
    let bell = bells.of(id);
    let deadline = Instant::now() + patience.duration();
    loop {
        let Some(container) = look.inspect(id).await? else {
            return Err(NotWell::Sick("it is gone".to_owned()));
        };
        let state = &container.state;
        match state.status {
            Status::Exited if state.exit_code == 0 => return Ok(()),
            Status::Running | Status::Paused | Status::Restarting => {}
            _ => {
                let why = ended(&container, None, true);
                return Err(NotWell::Sick(
                    why.unwrap_or_else(|| "it does not run".to_owned()),
                ));
            }
        }
        if Instant::now() >= deadline {
            return Err(NotWell::Sick(format!("it had not ended within {patience}")));
        }
        tokio::select! {
            () = bell.notify.notified() => {}
            () = tokio::time::sleep_until(deadline) => {}
        }
    }
}

/// Why a container no longer runs its first run; none while it does. One that was only unpaused may have been
/// restarted long before: that counts where it was heard.
fn ended(container: &Container, first: Option<&str>, died: bool) -> Option<String> {
    let state = &container.state;
    let memory = if state.oom_killed {
        ", killed for using more memory than it may"
    } else {
        ""
    };
    match state.status {
        Status::Running | Status::Paused if first.is_none_or(|first| first == state.started_at) => {
            (died && state.restarts > 0).then(|| {
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
