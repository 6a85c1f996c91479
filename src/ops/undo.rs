//! Undoing a failed run: an ordinary plan back to the last good revision.

use super::adopt;
use super::apply::{Goal, checked, failed};
use super::error::{Before, Kept, OpError, Undone};
use super::gather::Gathered;
use super::left;
use super::session::{ENGINE_PATIENCE, Ending, Session};
use super::values::values_of;
use crate::base::{EngineId, Kind, RunId, StackId, StackName, names};
use crate::diff::{Inputs, Wishes};
use crate::engine::{Call, Engine, EngineError, Scope};
use crate::exec::{self, Event, Failure, Made, Stop, Values};
use crate::model::{Lifecycle, MountSource, Resource, Spec, Stack};
use crate::observe::{Observed, Owner};
use crate::plan::{Op, Phase, plan};
use crate::store::record::{Head, Outcome};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How often an undo is begun again where the engine, or one of its answers, was lost meanwhile.
const TRIES: usize = 3;
/// How many of the culprit's lines are shown and kept.
const LINES: usize = 40;
/// Of how many lines of a secret are looked at before they are cut.
const LONGEST: usize = 1000;

/// Takes everything back to `goal.base`, and tells how far that went.
pub(super) async fn undo<E: Engine>(
    session: &Session<'_, E>,
    head: &mut Head,
    goal: &Goal<'_>,
    failure: &Failure,
) -> OpError {
    let out_of_reach = |error: &dyn std::fmt::Display| {
        format!("the engine is out of reach ({error}); `coasti recover` undoes the rest")
    };
    let observed = match look_again(session, goal).await {
        Ok(observed) => observed,
        Err(error) => {
            let left = Undone::Partly(out_of_reach(&error));
            return failed(failure, None, None, left, Kept::default());
        }
    };
    // Without the lock nothing is touched, nor written: somebody else may be at work.
    if let Err(error) = session.keep_lock(head.seq).await {
        let left = match error {
            OpError::Locked(Some(by)) => format!(
                "{} took the lock over (for {}, run {}): that run goes on from here",
                by.actor, by.why, by.run
            ),
            OpError::Locked(None) => "somebody else took the lock over".to_owned(),
            other => other.to_string(),
        };
        return failed(failure, None, None, Undone::Partly(left), Kept::default());
    }
    let (logs, health) = evidence(session, failure, goal.values).await;
    let found = goal
        .forgotten
        .map(|runs| as_labelled(session.stack, &session.id, &observed, runs));
    let found = match found.transpose() {
        Ok(found) => found,
        Err(why) => return failed(failure, logs, health, Undone::Partly(why), Kept::default()),
    };
    let goal = &Goal {
        base: found.as_ref().or(goal.base),
        ..goal.clone()
    };
    let unused = unused_volumes(session, &observed);
    let data = kept_volumes(session, &observed, &unused);
    let store = session.store();
    let writers = left::writers(&store, head, Some(goal.stack), &observed).await;
    let lost = failure.engine.as_ref().is_some_and(EngineError::is_fatal);
    // An engine that went away took along what ran.
    let mut touched = lost;
    let mut result = back(session, goal, observed, &unused, lost, &mut touched).await;
    for _ in 0..TRIES {
        match result {
            Err(Stuck { away: true, .. }) => {}
            other => {
                result = other;
                break;
            }
        }
        // What the lost call did, if anything, is seen by looking.
        result = match look_again(session, goal).await {
            Ok(observed) => back(session, goal, observed, &unused, true, &mut touched).await,
            Err(error) => Err(Stuck {
                why: out_of_reach(&error),
                away: false,
            }),
        };
    }
    let result = result.map_err(|stuck| stuck.why);
    let runs = goal
        .base
        .is_some_and(|base| base.containers().next().is_some());
    let runs = runs || goal.adopted.iter().any(|one| one.running);
    let before = match (runs, touched) {
        (false, _) => Before::Nothing,
        (true, false) => Before::Untouched,
        (true, true) => Before::Again,
    };
    let (undone, outcome) = match &result {
        Ok(_) if failure.interrupted => (Undone::Complete(before), Outcome::Interrupted),
        Ok(_) => (Undone::Complete(before), Outcome::Undone),
        Err(why) => (Undone::Partly(why.clone()), Outcome::NotUndone),
    };
    let kept = Kept {
        containers: result.unwrap_or_default(),
        volumes: data,
    };
    let end = Ending {
        outcome,
        summary: failure.summary(),
        logs: logs.clone(),
        recovered: goal.recovered,
    };
    let ended = match writers {
        Ok(writers) => {
            let left = left::keep(head, goal.base, writers);
            session
                .end_with(head, end, left.into_iter().collect())
                .await
        }
        Err(error) => Err(error),
    };
    let undone = match ended {
        Ok(()) => undone,
        Err(error) => Undone::Partly(format!("the history could not be written: {error}")),
    };
    failed(failure, logs, health, undone, kept)
}

/// A run that was cut off when the history was gone is undone before anything else: of what ran before it, only the
/// labels tell, and a new plan would take it for left-overs.
pub(super) async fn only_by_labels<E: Engine>(
    session: &Session<'_, E>,
    gathered: &Gathered,
) -> Result<(), OpError> {
    let good = gathered
        .peek
        .head
        .as_ref()
        .and_then(|head| head.good.as_ref());
    if gathered.open.is_none() || good.is_some() {
        return Ok(());
    }
    let runs = session.runs().await?;
    let before = as_labelled(session.stack, &session.id, &gathered.observed, &runs);
    match before.is_ok_and(|before| before.containers().next().is_none()) {
        true => Ok(()),
        false => Err(OpError::usage(
            "a run was cut off, and the history of what ran before it is gone",
            &["`coasti recover` puts that back, as far as its labels tell what it was"],
        )),
    }
}

/// What ran before these runs, as labels tell where nothing else does; why that is not enough.
pub(super) fn as_labelled(
    name: &StackName,
    id: &StackId,
    observed: &Observed,
    runs: &BTreeSet<RunId>,
) -> Result<Stack, String> {
    let mut stack = Stack::empty(name.clone(), Some(id.clone()));
    let made_since = |owner: &Owner| owner.run.as_ref().is_some_and(|run| runs.contains(run));
    let containers = observed.containers.values();
    let networks = observed.networks.values();
    let volumes = observed.volumes.values();
    let all = containers
        .map(|one| (&one.name, &one.owner))
        .chain(networks.map(|one| (&one.name, &one.owner)))
        .chain(volumes.map(|one| (&one.name, &one.owner)));
    for (name, owner) in all {
        let Some(id) = &owner.resource else { continue };
        if made_since(owner) {
            continue;
        }
        let Some(spec) = owner.spec.clone() else {
            return Err(format!(
                "the history is gone, and `{name}` does not tell what it was; what ran before is still there \
                 (docker ps -a)"
            ));
        };
        let name = match id.kind {
            // It may stand aside for the moment.
            Kind::Container => names::object(&stack.name, &id.address),
            _ => name.clone(),
        };
        let resource = Resource {
            name,
            spec,
            needs: BTreeMap::new(),
            life: Lifecycle::default(),
            about: None,
            origins: BTreeMap::new(),
        };
        stack.resources.insert(id.clone(), resource);
    }
    Ok(stack)
}

/// Looks at the engine; where it is away, waits for it to come back.
pub(super) async fn look_again<E: Engine>(
    session: &Session<'_, E>,
    goal: &Goal<'_>,
) -> Result<Observed, EngineError> {
    let scope = Scope {
        stack: session.stack.clone(),
        images: super::recover::image_names(goal.base),
        adopt: BTreeSet::new(),
    };
    let look = async || {
        let mut observed = session.engine.observe(&scope).await?;
        adopt::look_at(session.engine, goal.adopted, &mut observed).await?;
        Ok(observed)
    };
    session
        .insist(ENGINE_PATIENCE, look, EngineError::is_fatal)
        .await
}

/// The culprit's last output and health check, secrets masked.
async fn evidence<E: Engine>(
    session: &Session<'_, E>,
    failure: &Failure,
    values: &Values,
) -> (Option<String>, Option<String>) {
    let Some(id) = &failure.container else {
        return (failure.output.clone(), None);
    };
    // Enough of it for a secret of many lines to be whole before it is cut.
    let lines = values.values().map(|value| value.expose().lines().count());
    let more = lines.max().unwrap_or_default().min(LONGEST);
    let logs = session
        .engine
        .logs(id, LINES + more)
        .await
        .ok()
        .map(|logs| last_lines(&exec::mask(&logs.text, values)));
    let health = session
        .engine
        .health_output(id)
        .await
        .ok()
        .flatten()
        .map(|text| exec::mask(&text, values));
    (
        logs.filter(|text| !text.trim().is_empty()),
        health.filter(|text| !text.trim().is_empty()),
    )
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let skipped = lines.len().saturating_sub(LINES);
    lines.into_iter().skip(skipped).collect()
}

/// Why an undo did not get to its end.
struct Stuck {
    why: String,
    /// Whether the engine or its answer was lost, so that it is worth another look.
    away: bool,
}

/// The plan back, and its execution. Returns the names of containers that were kept to be looked at; tells whether
/// something that ran before was not as it had been.
async fn back<E: Engine>(
    session: &Session<'_, E>,
    goal: &Goal<'_>,
    observed: Observed,
    unused: &[EngineId],
    cut_off: bool,
    touched: &mut bool,
) -> Result<Vec<String>, Stuck> {
    let stuck = |why: String| Stuck { why, away: false };
    let empty = Stack::empty(session.stack.clone(), Some(session.id.clone()));
    let target = goal.base.unwrap_or(&empty);
    let wishes = Wishes {
        undo: true,
        cut_off,
        keep_failed: goal.keep_failed,
        adopted: goal.adopted.to_vec(),
        ..Wishes::default()
    };
    let inputs = Inputs {
        desired: target,
        observed: &observed,
        // What was applied last is what just failed: a limit that it set is told by this.
        base: Some(goal.stack),
        held: goal.held,
        wishes: &wishes,
    };
    let plan = checked(plan(&inputs), target).map_err(|error| stuck(error.to_string()))?;
    if let Some(refusal) = plan.refusals.first() {
        return Err(stuck(refusal.summary.clone()));
    }
    *touched |= plan.steps.iter().any(|step| puts_back(&step.op));
    session.events.send(Event::Begin {
        what: "undo".to_owned(),
        steps: plan.steps.len(),
    });
    let stamp = session.stamp(goal.key);
    // What interrupted the apply does not interrupt the undo.
    let stop = Stop::default();
    let values = values_of(target, goal.values, goal.key);
    let mut context = session.context(target, &values, &stamp);
    context.stop = &stop;
    let phases = [Phase::Prepare, Phase::Switch, Phase::Verify, Phase::Commit];
    let result = exec::run(&context, &plan, &phases, &mut Made::new()).await;
    session.events.send(Event::End { ok: result.is_ok() });
    result.map_err(|failure| {
        let of = failure.of.map(|of| of.to_string()).unwrap_or_default();
        Stuck {
            why: format!("{of}: {}: {}", failure.doing, failure.error),
            away: failure.engine.is_some_and(|error| error.is_fatal()),
        }
    })?;
    for volume in unused {
        let name = volume.clone();
        let call = Call::RemoveVolume { name };
        // It holds nothing: where it stays, it is used again.
        let _ = session.engine.execute(&call, Duration::from_secs(30)).await;
    }
    Ok(kept(&plan))
}

/// Whether a step makes something as it was before, beyond the end of what the run made.
fn puts_back(op: &Op) -> bool {
    match op {
        Op::CreateContainer { .. }
        | Op::Update { .. }
        | Op::Disconnect { .. }
        | Op::Connect { .. }
        | Op::Start { .. }
        | Op::Unpause { .. } => true,
        Op::Rename { to, .. } => !to.ends_with(names::FAILED),
        _ => false,
    }
}

fn kept(plan: &crate::plan::Plan) -> Vec<String> {
    plan.steps
        .iter()
        .filter_map(|step| match &step.op {
            Op::Rename { to, .. } if to.ends_with(names::FAILED) => Some(to.clone()),
            _ => None,
        })
        .collect()
}

/// Volumes that this very run made and that stay, for what was written to them.
fn kept_volumes<E: Engine>(
    session: &Session<'_, E>,
    observed: &Observed,
    unused: &[EngineId],
) -> Vec<String> {
    let made = observed.volumes.values();
    made.filter(|volume| volume.owner.run.as_ref() == Some(&session.run))
        .filter(|volume| {
            let resource = volume.owner.resource.as_ref();
            resource.is_some_and(|id| id.kind == Kind::Volume)
        })
        .map(|volume| volume.name.clone())
        .filter(|name| !unused.iter().any(|unused| unused.as_str() == name))
        .collect()
}

/// Volumes that this very run made and that no container which mounts them was ever started on: they hold
/// nothing. Not those of a driver or with options, which may stand for what was there before.
fn unused_volumes<E: Engine>(session: &Session<'_, E>, observed: &Observed) -> Vec<EngineId> {
    let used: BTreeSet<&str> = observed
        .containers
        .values()
        .filter(|container| container.state.ever_started)
        .flat_map(|container| container.mounts.values())
        .filter_map(|mount| match &mount.source {
            MountSource::Volume(name) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    observed
        .volumes
        .values()
        .filter(|volume| volume.owner.run.as_ref() == Some(&session.run))
        .filter(|volume| {
            let resource = volume.owner.resource.as_ref();
            resource.is_some_and(|id| id.kind == Kind::Volume)
        })
        .filter(|volume| match &volume.owner.spec {
            Some(Spec::Volume(spec)) => spec.driver.is_none() && spec.options.is_empty(),
            _ => false,
        })
        .filter(|volume| !used.contains(volume.name.as_str()))
        .map(|volume| EngineId::new(volume.name.clone()))
        .collect()
}
