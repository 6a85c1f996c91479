//! The lock: a container that never starts, whose name can exist once.

use super::volume::never_started;
use crate::base::{EngineId, RunId, StackId, StackName, names};
use crate::engine::{Call, Done, Engine, EngineError, ErrorKind, Look};
use crate::model::{ContainerSpec, LiveSpec, NetworkMode, Restart, RestartName, Text};
use crate::observe::{Container, LABEL_ID, LABEL_STACK, Observed};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// Where the holder stands, in the lock's environment: labels are only for what marks objects as ours.
const VARIABLE: &str = "COASTI_LOCK";
const LIMIT: Duration = Duration::from_secs(60);

/// Who holds a lock, since when, why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The run.
    pub run: RunId,
    /// `user@host`.
    pub actor: String,
    /// What for: `apply`, `rollback`, …
    pub why: String,
    /// Since when (RFC 3339, UTC).
    pub since: String,
    /// Which process.
    pub process: Process,
}

/// A process, so that it can be proven dead from where it ran.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// The kernel's boot.
    pub boot: String,
    /// The PID namespace.
    pub namespace: String,
    /// The PID in it.
    pub pid: u32,
    /// When it started, in clock ticks since boot.
    pub started: String,
}

impl Process {
    /// This process.
    pub fn current() -> Self {
        let pid = std::process::id();
        Self {
            boot: boot(),
            namespace: namespace(),
            pid,
            started: started(pid).unwrap_or_default(),
        }
    }

    /// Whether it is proven dead: same boot, same PID namespace, and no such process any more. Anything else
    /// proves nothing.
    pub fn is_dead(&self) -> bool {
        let known = !self.boot.is_empty() && !self.namespace.is_empty() && !self.started.is_empty();
        known
            && self.boot == boot()
            && self.namespace == namespace()
            && started(self.pid).as_ref() != Some(&self.started)
    }
}

fn boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim().to_owned())
        .unwrap_or_default()
}

fn namespace() -> String {
    std::fs::read_link("/proc/self/ns/pid")
        .map(|link| link.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// Field 22 of `/proc/PID/stat`; the name in field 2 may hold anything, so it is counted from its end. A
/// zombie is dead.
fn started(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    fields.nth(18).map(str::to_owned)
}

/// A lock that is held.
#[derive(Clone, Debug)]
pub struct Lock {
    /// The container.
    pub id: EngineId,
}

/// Why a lock was not taken.
#[derive(Debug)]
pub enum Refused {
    /// Somebody has it; who, where that could be read.
    Held(Option<Box<Holder>>),
    /// The engine said no.
    Engine(EngineError),
}

impl From<EngineError> for Refused {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

/// Takes the lock of `stack`; from a holder that is proven dead, it is taken over.
pub async fn acquire<E: Engine>(
    engine: &E,
    stack: &StackName,
    id: &StackId,
    holder: &Holder,
) -> Result<Lock, Refused> {
    let name = names::lock(stack);
    for _ in 0..2 {
        let labels = BTreeMap::from([
            (LABEL_STACK.to_owned(), stack.to_string()),
            (LABEL_ID.to_owned(), id.to_string()),
        ]);
        let text = serde_json::to_string(holder).unwrap_or_default();
        let spec = ContainerSpec {
            image: super::volume::EMPTY_IMAGE.to_owned(),
            env: BTreeMap::from([(VARIABLE.to_owned(), Text::plain(text))]),
            network_mode: NetworkMode::None,
            live: LiveSpec {
                restart: Restart {
                    name: RestartName::No,
                    max_retries: 0,
                },
                ..LiveSpec::default()
            },
            ..ContainerSpec::default()
        };
        match never_started(engine, &name, spec, labels).await {
            Ok(Done::Made(id)) => return Ok(Lock { id }),
            Ok(_) => {
                return Ok(Lock {
                    id: EngineId::new(name),
                });
            }
            Err(error) if error.kind == ErrorKind::Conflict => {}
            Err(error) if error.is_fatal() => {
                // Its answer was lost: it may have been made.
                return match look(engine, stack).await {
                    Ok(Some((id, Some(made)))) if made.run == holder.run => Ok(Lock { id }),
                    _ => Err(error.into()),
                };
            }
            Err(error) => return Err(error.into()),
        }
        match look(engine, stack).await? {
            // By id, not by name: a lock that somebody takes meanwhile is another container.
            Some((id, Some(holder))) if holder.process.is_dead() => {
                engine.execute(&Call::RemoveContainer { id }, LIMIT).await?;
            }
            Some((_, holder)) => return Err(Refused::Held(holder.map(Box::new))),
            // Released between the two calls.
            None => {}
        }
    }
    Err(Refused::Held(None))
}

/// Who holds the lock of `stack`; none where nobody does.
pub async fn look<L: Look>(
    engine: &L,
    stack: &StackName,
) -> Result<Option<(EngineId, Option<Holder>)>, EngineError> {
    let container = engine.inspect(&EngineId::new(names::lock(stack))).await?;
    Ok(container.map(|container| {
        let holder = holder(&container);
        (container.id, holder)
    }))
}

/// What a lock's container says of who holds it.
fn holder(container: &Container) -> Option<Holder> {
    let text = container.env.get(VARIABLE)?;
    serde_json::from_str(text.expose()).ok()
}

/// Who works on `stack` at this moment, as far as can be known by what was observed: a holder that is proven
/// dead does not, and one of whom nothing is known may be what a killed run left.
pub fn at_work(observed: &Observed, stack: &StackName) -> Option<Holder> {
    let container = observed.containers.get(&names::lock(stack))?;
    holder(container).filter(|holder| !holder.process.is_dead())
}

/// Gives the lock back, or takes it away from whoever holds it.
pub async fn release<E: Engine>(engine: &E, id: &EngineId) -> Result<(), EngineError> {
    engine
        .execute(&Call::RemoveContainer { id: id.clone() }, LIMIT)
        .await
        .map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_proof_counts_as_death() {
        let me = Process::current();
        assert!(!me.is_dead());
        assert!(
            Process {
                started: "1".into(),
                ..me.clone()
            }
            .is_dead()
        );
        assert!(
            !Process {
                boot: "other".into(),
                started: "1".into(),
                ..me.clone()
            }
            .is_dead()
        );
        assert!(
            !Process {
                namespace: "other".into(),
                started: "1".into(),
                ..me.clone()
            }
            .is_dead()
        );
        assert!(
            !Process {
                started: String::new(),
                ..me
            }
            .is_dead()
        );
    }
}
