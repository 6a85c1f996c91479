//! The loop that walks a plan's graph.

use super::bind::{self, Binder, Values};
use super::blame::blame;
use super::failure::{Failure, fail, interrupted, not_well};
use super::files::{self, Filling};
use super::taken;
use super::wait::{self, Bells};
use super::words::Words;
use super::{Event, Events, PARALLEL};
use crate::base::{EngineId, ResourceId, Span, names};
use crate::engine::{Call, Done, Engine};
use crate::model::Stack;
use crate::observe::Stamp;
use crate::plan::{Op, Phase, Plan, Step, StepId};
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// Containers that a run made, by resource.
pub type Made = BTreeMap<ResourceId, EngineId>;

/// Asks a run to launch nothing more.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<(AtomicBool, Notify)>);

impl Stop {
    /// Asks.
    pub fn ask(&self) {
        self.0.0.store(true, Ordering::SeqCst);
        self.0.1.notify_waiters();
    }

    /// Whether it was asked.
    pub fn is_asked(&self) -> bool {
        self.0.0.load(Ordering::SeqCst)
    }

    /// Returns once it is asked.
    async fn asked(&self) {
        // Listens before it looks, so that nothing is missed in between.
        let told = self.0.1.notified();
        if !self.is_asked() {
            told.await;
        }
    }
}

/// What a run works with.
pub struct Context<'a, E> {
    /// The engine.
    pub engine: &'a E,
    /// What the plan leads to.
    pub desired: &'a Stack,
    /// Generated values and secrets.
    pub values: &'a Values,
    /// What is stamped on what it makes.
    pub stamp: &'a Stamp,
    /// Where it tells.
    pub events: &'a Events,
    /// Whether it shall stop.
    pub stop: &'a Stop,
    /// The id of the lock's container, looked at before each changing call; none where the caller has
    /// no lock to lose.
    pub lock: Option<&'a EngineId>,
}

/// Runs the steps of `phases`, in `made` what they make. Returns after everything under way has ended.
///
/// # Errors
/// The first failure.
pub async fn run<E: Engine>(
    context: &Context<'_, E>,
    plan: &Plan,
    phases: &[Phase],
    made: &mut Made,
) -> Result<(), Failure> {
    let steps: BTreeMap<StepId, &Step> = plan
        .steps
        .iter()
        .filter(|step| phases.contains(&step.phase))
        .map(|step| (step.id, step))
        .collect();
    if steps.is_empty() {
        return Ok(());
    }
    let waits = steps.values().any(|s| is_wait(&s.op));
    let bells = Bells::default();
    let words = Words::of(plan);
    if !waits {
        return walk(context, &steps, &words, &bells, made).await;
    }
    // Subscribed before the first start, so that no event is missed.
    let events = context
        .engine
        .events(&context.desired.name)
        .await
        .map_err(|error| Failure {
            of: None,
            container: None,
            doing: "subscribing to events".to_owned(),
            error: error.to_string(),
            at: None,
            engine: Some(error),
            output: None,
            interrupted: false,
        })?;
    let ringing = bells.ring(events);
    let walking = walk(context, &steps, &words, &bells, made);
    tokio::pin!(ringing, walking);
    let mut listening = true;
    loop {
        tokio::select! {
            result = &mut walking => return result,
            () = &mut ringing, if listening => listening = false,
        }
    }
}

/// What became of one step.
struct Ended {
    id: StepId,
    took: Duration,
    heavy: bool,
    result: Result<Option<EngineId>, Failure>,
}

async fn walk<E: Engine>(
    context: &Context<'_, E>,
    steps: &BTreeMap<StepId, &Step>,
    words: &Words,
    bells: &Bells,
    made: &mut Made,
) -> Result<(), Failure> {
    let mut open: BTreeMap<StepId, usize> = BTreeMap::new();
    let mut after: BTreeMap<StepId, Vec<StepId>> = BTreeMap::new();
    let mut ready: BTreeSet<StepId> = BTreeSet::new();
    for (id, step) in steps {
        let needs: Vec<_> = step
            .needs
            .iter()
            .filter(|need| steps.contains_key(need))
            .collect();
        if needs.is_empty() {
            ready.insert(*id);
        }
        open.insert(*id, needs.len());
        for need in needs {
            after.entry(*need).or_default().push(*id);
        }
    }
    let mut running = FuturesUnordered::new();
    let mut heavy = 0;
    let mut failure: Option<Failure> = None;
    // What could not be tidied up keeps nothing else from it.
    let mut untidy: Option<Failure> = None;
    let mut phase = None;
    loop {
        if failure.is_none() && context.stop.is_asked() && !ready.is_empty() {
            failure = Some(interrupted());
        }
        while failure.is_none() {
            let free = heavy < PARALLEL;
            let next = ready
                .iter()
                .copied()
                .find(|id| free || steps.get(id).is_some_and(|s| !is_heavy(&s.op)));
            let Some(step) = next.and_then(|id| steps.get(&id)) else {
                break;
            };
            ready.remove(&step.id);
            if phase < Some(step.phase) {
                phase = Some(step.phase);
                context.events.send(Event::Phase { phase: step.phase });
            }
            let binder = Binder {
                desired: context.desired,
                values: context.values,
                stamp: context.stamp,
                made,
            };
            match Work::bind(&binder, step) {
                Ok(work) => {
                    if !matches!(step.op, Op::Prepared) {
                        let doing = words.say(step).0;
                        context.events.send(Event::Started {
                            step: step.id,
                            of: step.of.clone(),
                            doing,
                        });
                    }
                    heavy += usize::from(is_heavy(&step.op));
                    running.push(work.perform(context, bells, step));
                }
                Err(error) => failure = Some(fail(step, None, error, None)),
            }
        }
        let Some(ended) = running.next().await else {
            break;
        };
        heavy -= usize::from(ended.heavy);
        let Some(step) = steps.get(&ended.id) else {
            continue;
        };
        match ended.result {
            Ok(id) => {
                if let Some(id) = id.filter(|_| bind::makes(step)) {
                    made.insert(step.of.clone(), id);
                }
                if !matches!(step.op, Op::Prepared) {
                    let done = words.say(step).1;
                    context.events.send(Event::Done {
                        step: step.id,
                        of: step.of.clone(),
                        done,
                        took: ended.took,
                    });
                }
                for next in after.get(&step.id).into_iter().flatten() {
                    if let Some(count) = open.get_mut(next) {
                        *count -= 1;
                        if *count == 0 {
                            ready.insert(*next);
                        }
                    }
                }
            }
            Err(mut why) => {
                // Engines quote what they were given.
                why.error = super::mask(&why.error, context.values);
                let of = why.of.as_ref();
                why.at = of.and_then(|of| blame(context.desired, of, &why.error));
                let output = why.output.take();
                why.output = output.map(|output| super::mask(&output, context.values));
                let error = why.error.clone();
                context.events.send(Event::Failed {
                    step: step.id,
                    of: step.of.clone(),
                    error,
                });
                let refused = why.engine.as_ref().is_some_and(|error| !error.is_fatal());
                if step.phase == Phase::Commit && refused {
                    untidy.get_or_insert(why);
                } else {
                    failure.get_or_insert(why);
                }
            }
        }
    }
    failure.or(untidy).map_or(Ok(()), Err)
}

/// Waits do not count against the limit on engine calls.
const fn is_heavy(op: &Op) -> bool {
    !(is_wait(op) || matches!(op, Op::Prepared))
}

const fn is_wait(op: &Op) -> bool {
    matches!(
        op,
        Op::AwaitHealthy { .. }
            | Op::AwaitBack { .. }
            | Op::AwaitCompleted { .. }
            | Op::Verify { .. }
    )
}

/// How long a call may take before its reply is given up.
fn limit(call: &Call, spec_timeout: Option<Span>) -> Duration {
    let stop = spec_timeout.unwrap_or(Span::from_secs(10)).duration();
    match call {
        Call::PullImage { .. } | Call::LoadImage { .. } => Duration::from_secs(3600),
        Call::BuildImage(_) => Duration::from_secs(4 * 3600),
        Call::Stop { timeout, .. } => {
            timeout.map_or(stop, Span::duration) + Duration::from_secs(60)
        }
        _ => Duration::from_secs(120),
    }
}

/// A step, bound.
enum Work {
    Nothing,
    Call {
        call: Box<Call>,
        limit: Duration,
        target: Option<EngineId>,
    },
    Await {
        id: EngineId,
        settle: Span,
        patience: Span,
    },
    Back {
        id: EngineId,
        healthy: bool,
    },
    End {
        id: EngineId,
        patience: Span,
    },
    Exec {
        id: EngineId,
        commands: Vec<(String, Call)>,
        /// How long each may take.
        patience: Span,
    },
    Fill(Filling),
    Drop(EngineId),
    Verify {
        containers: Vec<(ResourceId, Option<EngineId>, String, Span)>,
    },
}

impl Work {
    fn bind(binder: &Binder<'_>, step: &Step) -> Result<Self, String> {
        Ok(match &step.op {
            Op::Prepared => Self::Nothing,
            Op::AwaitHealthy {
                target,
                settle,
                patience,
            } => Self::Await {
                id: binder.id(target)?,
                settle: *settle,
                patience: *patience,
            },
            Op::AwaitBack { target, healthy } => Self::Back {
                id: binder.id(target)?,
                healthy: *healthy,
            },
            Op::AwaitCompleted { target, patience } => Self::End {
                id: binder.id(target)?,
                patience: *patience,
            },
            Op::WriteFiles => Self::Fill(binder.filling(&step.of)?),
            Op::RemoveFiles { name } => Self::Drop(name.clone()),
            Op::PostRun { target } => {
                let id = binder.id(target)?;
                Self::Exec {
                    commands: binder.post_run(&step.of, &id)?,
                    patience: binder.resource(&step.of)?.life.update.timeout,
                    id,
                }
            }
            Op::Verify { containers } => Self::Verify {
                containers: containers
                    .iter()
                    .filter_map(|id| {
                        let resource = binder.desired.resources.get(id)?;
                        let patience = resource.life.update.timeout;
                        Some((
                            id.clone(),
                            binder.made.get(id).cloned(),
                            resource.name.clone(),
                            patience,
                        ))
                    })
                    .collect(),
            },
            _ => {
                let Some(call) = binder.call(step)? else {
                    return Ok(Self::Nothing);
                };
                let timeout = binder
                    .desired
                    .container(&step.of)
                    .and_then(|spec| spec.stop_timeout);
                let target = step.op.target().and_then(|target| binder.id(target).ok());
                // A container that goes may have any stop timeout: the longest that coasti gives.
                let timeout = timeout.or(Some(Span::from_secs(60)));
                Self::Call {
                    limit: limit(&call, timeout),
                    call: Box::new(call),
                    target,
                }
            }
        })
    }

    async fn perform<E: Engine>(
        self,
        context: &Context<'_, E>,
        bells: &Bells,
        step: &Step,
    ) -> Ended {
        let began = Instant::now();
        let result = self.attempt(context, bells, step).await;
        Ended {
            id: step.id,
            took: began.elapsed(),
            heavy: is_heavy(&step.op),
            result,
        }
    }

    /// Waits end at once where the user asks for it; so do builds, which touch nothing that runs (the engine
    /// gives up a build whose caller is gone), and post-run commands, which end with the container that this run
    /// made for them. Other calls are never torn off.
    async fn attempt<E: Engine>(
        self,
        context: &Context<'_, E>,
        bells: &Bells,
        step: &Step,
    ) -> Result<Option<EngineId>, Failure> {
        let ends = match &self {
            Self::Await { .. }
            | Self::Back { .. }
            | Self::End { .. }
            | Self::Exec { .. }
            | Self::Verify { .. } => true,
            Self::Call { call, .. } => matches!(**call, Call::BuildImage(_)),
            _ => false,
        };
        if !ends {
            return self.go(context, bells, step).await;
        }
        tokio::select! {
            done = self.go(context, bells, step) => done,
            () = context.stop.asked() => Err(interrupted()),
        }
    }

    async fn go<E: Engine>(
        self,
        context: &Context<'_, E>,
        bells: &Bells,
        step: &Step,
    ) -> Result<Option<EngineId>, Failure> {
        let engine = context.engine;
        match self {
            Self::Nothing => Ok(None),
            Self::Call {
                call,
                limit,
                target,
            } => {
                guard(context, step).await?;
                let done = taken::execute(context, *call, limit).await;
                match done {
                    Ok(Done::Made(id)) => Ok(Some(id)),
                    Ok(_) => Ok(None),
                    Err(error) => Err(fail(step, target, error.message.clone(), Some(error))),
                }
            }
            Self::Await {
                id,
                settle,
                patience,
            } => wait::healthy(engine, bells, &id, settle, patience)
                .await
                .map(|()| None)
                .map_err(|why| not_well(step, Some(id), why)),
            Self::Back { id, healthy } => wait::back(engine, &id, healthy)
                .await
                .map(|()| None)
                .map_err(|why| not_well(step, Some(id), why)),
            Self::End { id, patience } => wait::completed(engine, bells, &id, patience)
                .await
                .map(|()| None)
                .map_err(|why| not_well(step, Some(id), why)),
            Self::Exec {
                id,
                commands,
                patience,
            } => {
                for (shown, call) in commands {
                    guard(context, step).await?;
                    let limit = patience.duration();
                    // The engine's own limit is longer: a command that takes its time is no engine that is away.
                    let run = engine.execute(&call, limit + Duration::from_secs(60));
                    let Ok(done) = tokio::time::timeout(limit, run).await else {
                        let error = format!(
                            "`{shown}` had not ended within {patience}, the site's `update.timeout`"
                        );
                        return Err(fail(step, Some(id), error, None));
                    };
                    match done {
                        Ok(Done::Ran { code, output }) if code != 0 => {
                            let output = super::mask(output.trim(), context.values);
                            let error = format!("`{shown}` exited with code {code}: {output}");
                            return Err(fail(step, Some(id), error, None));
                        }
                        Ok(_) => {}
                        Err(error) => {
                            return Err(fail(step, Some(id), error.message.clone(), Some(error)));
                        }
                    }
                }
                Ok(None)
            }
            Self::Fill(filling) => {
                guard(context, step).await?;
                let done = filling.fill(context).await;
                done.map(|()| None)
                    .map_err(|error| fail(step, None, error.message.clone(), Some(error)))
            }
            Self::Drop(volume) => {
                guard(context, step).await?;
                let done = files::drop(context, volume).await;
                done.map(|()| None)
                    .map_err(|error| fail(step, None, error.message.clone(), Some(error)))
            }
            Self::Verify { containers } => {
                for (of, id, name, patience) in containers {
                    let id = id.unwrap_or_else(|| EngineId::new(name));
                    wait::still_well(engine, bells, &id, patience)
                        .await
                        .map_err(|why| {
                            let mut failure = not_well(step, Some(id), why);
                            failure.of = Some(of);
                            failure
                        })?;
                }
                Ok(None)
            }
        }
    }
}

/// The lock is looked at before each changing call: someone's clean-up may have removed it, and then
/// somebody else may work on the same stack.
async fn guard<E: Engine>(context: &Context<'_, E>, step: &Step) -> Result<(), Failure> {
    let Some(lock) = context.lock else {
        return Ok(());
    };
    match context.engine.inspect(lock).await {
        Ok(Some(_)) => Ok(()),
        Ok(None) => {
            let name = names::lock(&context.desired.name);
            let error = format!("the lock (container `{name}`) was removed while this run held it");
            Err(fail(step, None, error, None))
        }
        Err(error) => Err(fail(step, None, error.message.clone(), Some(error))),
    }
}
