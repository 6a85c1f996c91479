//! An engine in memory that behaves as Docker 20.10 does: it refuses what Docker refuses, lets time pass,
//! dies on demand, and remembers every call.
//!
//! | file | holds |
//! |---|---|
//! | `world` | networks, volumes, images, containers |
//! | `rules`, `units`, `life` | calls and refusals; containers; their running |
//! | `shared` | what a container has of another one |
//! | `program` | what main processes do |
//! | `builder` | images built from folders |
//! | `files`, `archive` | files in volumes, tar archives, image archives |
//! | `faults`, `clock` | what goes wrong, and when things happen |
//! | `ledger` | what happened, and what never may |
//! | `look` | the reading side |
//! | `machine` | what tests do to it and ask of it |
//!
//! Every rule is one that was seen on a real engine; `tests/it/conformance` runs the same scripts on both.

mod archive;
mod builder;
mod clock;
mod faults;
mod files;
mod ledger;
mod life;
mod look;
mod machine;
mod program;
mod rules;
mod shared;
#[cfg(test)]
mod tests;
mod units;
mod world;

pub use faults::{Fault, FaultPlan};
pub use ledger::{Record, Violation};
pub use program::Behaviour;
pub use world::SimImage;

use super::{Call, Done, Engine, EngineError, ErrorKind, Event, Events, Info, Logs, Look, Scope};
use crate::base::{EngineId, StackName};
use crate::observe::{Container, Host, Image, LABEL_STACK, Observed};
use clock::Clock;
use rules::{No, Yes};
use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};
use tokio::sync::mpsc;
use world::{Listener, World};

/// The caller that a new simulator's handle stands for.
const COASTI: &str = "coasti";
/// The caller whose changes count as somebody's work by hand.
pub(crate) const HAND: &str = "hand";

/// A handle to a simulated engine, and the identity of the caller that holds it.
#[derive(Clone, Debug)]
pub struct Sim {
    world: Arc<Mutex<World>>,
    clock: Clock,
    info: Arc<Info>,
    caller: Arc<str>,
}

impl Default for Sim {
    fn default() -> Self {
        Self::new()
    }
}

/// A request's way through the simulator.
impl Sim {
    /// Lets time catch up, does `what`, and sees to it that somebody waits for what comes by itself.
    fn with<R>(&self, what: impl FnOnce(&mut World) -> R) -> R {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.advance(self.clock.now());
        let result = what(&mut world);
        let unwatched = std::mem::take(&mut world.unwatched);
        drop(world);
        watch(&self.world, self.clock, unwatched);
        result
    }

    /// Why a request gets no answer.
    fn silence(&self, world: &World) -> Option<&'static str> {
        if world.dead.contains(&*self.caller) {
            Some("this process was killed")
        } else if !world.up {
            Some("cannot connect to the engine: connection refused")
        } else {
            None
        }
    }

    /// Notes a request, and picks its fault.
    fn arrive(&self, what: &Request<'_>) -> Result<(usize, Option<Fault>), EngineError> {
        self.with(|world| {
            let (call, of) = what.told(world);
            if let Some(reason) = self.silence(world) {
                return Err(EngineError::new(ErrorKind::Unreachable, call, reason));
            }
            let changing = matches!(what, Request::Call(_));
            let fault = if *self.caller == *HAND {
                None
            } else {
                world.faults.take(&call, changing)
            };
            let at = world.now;
            world.history.push(Record {
                by: self.caller.to_string(),
                call,
                changing,
                of,
                outcome: None,
                at,
            });
            Ok((world.history.len() - 1, fault))
        })
    }

    /// Notes what came of it.
    fn note(&self, number: usize, outcome: Result<Done, ErrorKind>) {
        self.with(|world| {
            if let Some(record) = world.history.get_mut(number) {
                record.outcome = Some(outcome);
            }
        });
    }

    /// A reading request.
    fn look<R>(
        &self,
        what: &str,
        answer: impl FnOnce(&World) -> Result<R, EngineError>,
    ) -> Result<R, EngineError> {
        let (number, fault) = self.arrive(&Request::Read(what))?;
        let result = match fault {
            Some(Fault::Fail(kind)) => Err(EngineError::new(kind, what, "a fault was ordered")),
            Some(Fault::LoseReply) => Err(lost(ErrorKind::Unreachable, what)),
            Some(Fault::CrashBefore | Fault::CrashAfter | Fault::CrashLate(_)) => {
                self.kill();
                Err(lost(ErrorKind::Unreachable, what))
            }
            Some(Fault::EngineCrashBefore | Fault::EngineCrashAfter) => {
                self.crash();
                Err(lost(ErrorKind::Unreachable, what))
            }
            Some(Fault::Slow(_) | Fault::Ignore) | None => self.with(|world| answer(world)),
        };
        self.note(
            number,
            result
                .as_ref()
                .map(|_| Done::Done)
                .map_err(|error| error.kind),
        );
        result
    }

    /// The caller's process is killed.
    fn kill(&self) {
        self.with(|world| {
            world.dead.insert(self.caller.to_string());
            let caller = self.caller.as_ref();
            world.listeners.retain(|listener| listener.caller != caller);
        });
    }

    /// A changing call, after its arrival. One that takes longer than its limit still happens: it was sent.
    async fn change_within(
        &self,
        call: &Call,
        what: &str,
        fault: Option<Fault>,
        limit: Duration,
    ) -> Result<Done, EngineError> {
        let (sim, call, what) = (self.clone(), call.clone(), what.to_owned());
        if let Some(Fault::CrashLate(time)) = fault {
            self.kill();
            let error = lost(ErrorKind::Ambiguous, &what);
            let change = async move { sim.change(&call, &what, Some(Fault::Slow(time))).await };
            tokio::spawn(change);
            return Err(error);
        }
        let text = what.clone();
        let change = async move { sim.change(&call, &text, fault).await };
        let slow = match fault {
            Some(Fault::Slow(time)) => time >= limit,
            _ => false,
        };
        if !slow {
            return tokio::time::timeout(limit, change)
                .await
                .unwrap_or_else(|_| Err(late(&what)));
        }
        tokio::spawn(change);
        tokio::time::sleep(limit).await;
        Err(late(&what))
    }

    /// A changing call, after its arrival.
    async fn change(
        &self,
        call: &Call,
        what: &str,
        fault: Option<Fault>,
    ) -> Result<Done, EngineError> {
        let latency = self.with(|world| world.latency);
        let wait = match fault {
            Some(Fault::Slow(time)) => time,
            _ => Duration::from_millis(latency),
        };
        if *self.caller != *HAND && !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        match fault {
            Some(Fault::Fail(kind)) => {
                return Err(EngineError::new(kind, what, "a fault was ordered"));
            }
            Some(Fault::Ignore) => return Ok(Done::Done),
            Some(Fault::CrashBefore) => {
                self.kill();
                return Err(lost(ErrorKind::Unreachable, what));
            }
            Some(Fault::EngineCrashBefore) => {
                self.crash();
                return Err(lost(ErrorKind::Ambiguous, what));
            }
            _ => {}
        }
        let answer = self.with(|world| {
            if !world.up {
                return Err(lost(ErrorKind::Ambiguous, what));
            }
            self.watch_over(world, call);
            let answer = world.apply(&self.caller, call);
            let printed = std::mem::take(&mut world.printed);
            answer.map_err(|No(kind, message)| {
                EngineError::new(kind, what, message).with_output(printed)
            })
        });
        let Yes(done, until) = answer?;
        match fault {
            Some(Fault::LoseReply) => return Err(lost(ErrorKind::Ambiguous, what)),
            Some(Fault::CrashAfter) => {
                self.kill();
                return Err(lost(ErrorKind::Ambiguous, what));
            }
            Some(Fault::EngineCrashAfter) => {
                self.crash();
                return Err(lost(ErrorKind::Ambiguous, what));
            }
            _ => {}
        }
        if let Some(until) = until {
            look::until(self.clock, until).await;
        }
        self.with(|world| match self.silence(world) {
            Some(_) => Err(lost(ErrorKind::Ambiguous, what)),
            None => Ok(done),
        })
    }

    /// Notes it where a call goes to something that bears no label of coasti's.
    fn watch_over(&self, world: &mut World, call: &Call) {
        let (Call::Start { id }
        | Call::Stop { id, .. }
        | Call::Pause { id }
        | Call::Unpause { id }
        | Call::Rename { id, .. }
        | Call::RemoveContainer { id }
        | Call::Update { id, .. }
        | Call::Connect { container: id, .. }
        | Call::Disconnect { container: id, .. }
        | Call::Exec { container: id, .. }) = call
        else {
            return;
        };
        let unit = world
            .unit_id(id.as_str())
            .and_then(|id| world.units.get(&id));
        let foreign = unit.is_some_and(|unit| !unit.create.labels.contains_key(LABEL_STACK));
        let taken_over = unit.is_some_and(|unit| world.adoptable.contains(&unit.name))
            && matches!(
                call,
                Call::Start { .. }
                    | Call::Stop { .. }
                    | Call::Pause { .. }
                    | Call::RemoveContainer { .. }
                    | Call::Update { .. }
            );
        if foreign && !taken_over && *self.caller != *HAND {
            let (call, _) = Request::Call(call).told(world);
            let by = self.caller.to_string();
            world.violations.push(Violation::Foreign { call, by });
        }
    }
}

/// A request, before it is answered.
enum Request<'a> {
    Call(&'a Call),
    Read(&'a str),
}

impl Request<'_> {
    /// In words, with containers' and networks' names in place of ids; and the names of what it is about.
    fn told(&self, world: &World) -> (String, Vec<String>) {
        let text = match self {
            Self::Call(call) => call.to_string(),
            Self::Read(text) => (*text).to_owned(),
        };
        let mut of = Vec::new();
        let words: Vec<String> = text
            .split(' ')
            .map(|word| {
                let id = EngineId::new(word);
                let unit = world.units.get(&id).map(|unit| &unit.name);
                let name = unit.or_else(|| world.nets.get(&id).map(|net| &net.name));
                name.cloned().unwrap_or_else(|| word.to_owned())
            })
            .collect();
        for word in &words {
            let known = world.unit_id(word).is_some()
                || world.net(word).is_some()
                || world.volumes.contains_key(word);
            if known && !of.contains(word) {
                of.push(word.clone());
            }
        }
        (words.join(" "), of)
    }
}

fn late(what: &str) -> EngineError {
    EngineError::new(ErrorKind::Ambiguous, what, "no answer in time")
}

fn lost(kind: ErrorKind, what: &str) -> EngineError {
    EngineError::new(kind, what, "the connection to the engine broke")
}

/// Has somebody wait for what comes by itself. Outside a runtime nobody does: the next request catches up.
fn watch(world: &Arc<Mutex<World>>, clock: Clock, moments: Vec<u64>) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        return;
    };
    for at in moments {
        runtime.spawn(wake(Arc::downgrade(world), clock, at));
    }
}

/// Lets the world see the moment in which something happens by itself.
async fn wake(world: Weak<Mutex<World>>, clock: Clock, at: u64) {
    look::until(clock, at).await;
    if let Some(world) = world.upgrade() {
        let mut guard = world.lock().unwrap_or_else(PoisonError::into_inner);
        guard.advance(clock.now().max(at));
        let moments = std::mem::take(&mut guard.unwatched);
        drop(guard);
        watch(&world, clock, moments);
    }
}

/// Events of a simulated engine.
#[derive(Debug)]
pub struct SimEvents(mpsc::UnboundedReceiver<Event>);

impl Events for SimEvents {
    async fn next(&mut self) -> Option<Event> {
        self.0.recv().await
    }
}

impl Look for Sim {
    type Events = SimEvents;

    fn info(&self) -> &Info {
        &self.info
    }

    async fn observe(&self, scope: &Scope) -> Result<Observed, EngineError> {
        self.look("observe", |world| Ok(world.observe(scope)))
    }

    async fn host(&self) -> Host {
        self.with(|world| world.host())
    }

    async fn platform(&self) -> Result<String, EngineError> {
        self.look("platform", |_| Ok("linux/amd64".to_owned()))
    }

    async fn inspect(&self, id: &EngineId) -> Result<Option<Container>, EngineError> {
        self.look(&format!("inspect container {id}"), |world| {
            let unit = world.unit_id(id.as_str());
            Ok(unit.and_then(|id| world.units.get(&id).map(world::Unit::shown)))
        })
    }

    async fn image(&self, reference: &str) -> Result<Option<Image>, EngineError> {
        let what = format!("inspect image {reference}");
        self.look(&what, |world| Ok(world.facts(reference)))
    }

    async fn remote_digest(&self, reference: &str) -> Result<String, EngineError> {
        let what = format!("ask the registry for {reference}");
        self.look(&what, |world| {
            let fail = |kind, message| Err(EngineError::new(kind, &what, message));
            match world.registry_digest(reference) {
                _ if !world.registry_reachable => {
                    fail(ErrorKind::Rejected, "the engine cannot reach the registry")
                }
                None => fail(ErrorKind::NotFound, "manifest unknown"),
                Some(digest) => Ok(digest),
            }
        })
    }

    async fn link(&self, container: &str, path: &str) -> Result<Option<String>, EngineError> {
        let what = format!("look at {container}:{path}");
        self.look(&what, |world| Ok(world.link(container, path)))
    }

    async fn read(&self, container: &str, path: &str) -> Result<Option<Vec<u8>>, EngineError> {
        let what = format!("read {container}:{path}");
        self.look(&what, |world| {
            let read = world.read(container, path);
            read.map_err(|error| EngineError::new(ErrorKind::Rejected, &what, error))
        })
    }

    async fn written(&self, id: &EngineId) -> Result<Vec<String>, EngineError> {
        let what = format!("ask what changed in container {id}");
        self.look(&what, |world| {
            world.written(id).ok_or_else(|| {
                let why = format!("No such container: {id}");
                EngineError::new(ErrorKind::NotFound, &what, why)
            })
        })
    }

    async fn logs(&self, id: &EngineId, tail: usize) -> Result<Logs, EngineError> {
        let what = format!("read the output of container {id}");
        self.look(&what, |world| match world.log(id, tail) {
            Some(text) => Ok(Logs { text }),
            None => Err(EngineError::new(
                ErrorKind::NotFound,
                &what,
                format!("No such container: {id}"),
            )),
        })
    }

    async fn health_output(&self, id: &EngineId) -> Result<Option<String>, EngineError> {
        self.look(&format!("inspect container {id}"), |world| {
            let unit = world.unit_id(id.as_str());
            let unit = unit.and_then(|id| world.units.get(&id));
            Ok(unit.and_then(|unit| unit.verdict.clone()))
        })
    }

    async fn events(&self, stack: &StackName) -> Result<SimEvents, EngineError> {
        self.look("subscribe to events", |_| Ok(()))?;
        let (sender, receiver) = mpsc::unbounded_channel();
        self.with(|world| {
            world.listeners.push(Listener {
                caller: self.caller.to_string(),
                stack: stack.clone(),
                sender,
            });
        });
        Ok(SimEvents(receiver))
    }

    async fn tags(&self, repository: &str) -> Result<Vec<String>, EngineError> {
        let of = format!("{repository}:");
        self.look("list images", |world| {
            let tags = world.tags.keys().filter(|tag| tag.starts_with(&of));
            Ok(tags.cloned().collect())
        })
    }

    async fn save(&self, reference: &str, _: &Path) -> Result<bool, EngineError> {
        // Its images have no files.
        let what = format!("save image {reference}");
        self.look(&what, |_| Ok(false))
    }

    async fn free_space(&self) -> Option<u64> {
        Some(1 << 40)
    }
}

impl Engine for Sim {
    async fn execute(&self, call: &Call, limit: Duration) -> Result<Done, EngineError> {
        // As with a real engine, others get a turn before the answer is there.
        tokio::task::yield_now().await;
        let (number, fault) = self.arrive(&Request::Call(call))?;
        let what = call.to_string();
        let result = self.change_within(call, &what, fault, limit).await;
        let outcome = result.clone();
        self.note(number, outcome.map_err(|error| error.kind));
        result
    }
}
