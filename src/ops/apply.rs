//! `coasti apply`: plan, prepare, switch, verify, commit; or undo.

use super::converge::converged;
use super::error::{Failed, Kept, OpError, Undone};
use super::external_ip::Answer;
use super::gather::{Gathered, gather};
use super::images::{images, keep_images};
use super::left::{self, Writers};
use super::session::{Begin, Ending, Session, Who};
use super::values::values;
use super::{outside, saved, undo};
use crate::base::{Digest, Key, Kind, ResourceId, RunId, Secret, StackId};
use crate::config::Desired;
use crate::diff::{Action, Adopted, Held, Inputs, Wishes, adopted, carried};
use crate::engine::Engine;
use crate::exec::{self, Context, Event, Events, Failure, Made, Stop, Values};
use crate::model::Stack;
use crate::observe::Stamp;
use crate::plan::{Op, Phase, Plan, Step, check, plan};
use crate::store::Entry;
use crate::store::record::{Head, Outcome, Revision};
use futures_util::future::BoxFuture;
use std::collections::BTreeSet;

/// Compares what was gathered with what a user saw: names what changed since.
pub type Expect<'a> = dyn Fn(&Gathered, &Plan) -> Vec<String> + Sync + 'a;

/// [`external_ip::ask`](super::external_ip::ask), or what stands for it.
pub type AskAddress<'a> =
    dyn Fn(Option<String>) -> BoxFuture<'static, Result<Answer, OpError>> + Sync + 'a;

/// How to apply.
pub struct Options<'a> {
    /// What the user said on the command line.
    pub wishes: Wishes,
    /// Who.
    pub who: &'a Who,
    /// Refuses a plan that is not the one that was shown or saved: names what changed.
    pub expect: Option<&'a Expect<'a>>,
    /// Finds out which address the internet sees, where a value wants it and no setting says so.
    pub external_ip: &'a AskAddress<'a>,
    /// Shows the plan that is about to run; again where it is another one once missing images are there.
    pub show: &'a (dyn Fn(&Gathered, &Plan) + Sync),
}

/// What an apply came to.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The plan that ran; empty where nothing was to be done.
    pub plan: Plan,
    /// What runs now.
    pub stack: Stack,
    /// The new good revision, where there is one.
    pub revision: Option<String>,
    /// What is held, and so may not run.
    pub held: Held,
    /// Values marked `display`, by `LABEL/VAR`.
    pub display: Vec<(String, Secret<String>)>,
    /// Things that did not go well after commit, such as an old container that could not be removed.
    pub warnings: Vec<String>,
}

/// Applies the files.
///
/// # Errors
/// See [`OpError`]; a failed run is undone before this returns.
pub async fn apply<E: Engine>(
    engine: &E,
    desired: &Desired,
    id: StackId,
    options: &Options<'_>,
    events: &Events,
    stop: &Stop,
) -> Result<Applied, OpError> {
    let session = Session::open(
        engine,
        &desired.name,
        id,
        options.who,
        "apply",
        events,
        stop,
    )
    .await?;
    let result = locked(&session, desired, options).await;
    let closed = session.close().await;
    let applied = result?;
    closed?;
    Ok(applied)
}

async fn locked<E: Engine>(
    session: &Session<'_, E>,
    desired: &Desired,
    options: &Options<'_>,
) -> Result<Applied, OpError> {
    let engine = session.engine;
    let mut gathered = gather(engine, desired).await?;
    gathered.sealed.stack.id = Some(session.id.clone());
    undo::only_by_labels(session, &gathered).await?;
    let mut wishes = options.wishes.clone();
    gathered.after_cut_off(engine, &mut wishes).await;
    gathered.check_labels(&wishes)?;
    gathered.renew_values(desired, &wishes)?;
    let mut first = gathered.plan(&wishes);
    if !first.refusals.is_empty() {
        return Err(OpError::Refused(first.refusals.clone(), Box::new(first)));
    }
    if let Some(expect) = options.expect {
        let changed = expect(&gathered, &first);
        if !changed.is_empty() {
            return Err(OpError::Stale(changed));
        }
    } else {
        outside::tell(engine, &gathered.observed, &mut first).await;
    }
    (options.show)(&gathered, &first);
    bring_images(session, &gathered, &first, &options.wishes).await?;
    let knew_images = gathered.sealed.unknown_images.is_empty();
    let fetched = first.steps.iter().any(|step| step.op.brings_image());
    if fetched || !knew_images {
        // What they declare (volumes) is known now.
        gathered = gather(engine, desired).await?;
        gathered.sealed.stack.id = Some(session.id.clone());
        gathered.renew_values(desired, &wishes)?;
    }
    let head = gathered.peek.head.clone().unwrap_or_default();
    let same = head.digest.as_ref() == Some(&gathered.sealed.stack.digest()) && !head.down;
    if first.steps.is_empty() && same && gathered.open.is_none() {
        remember(session, desired, &mut gathered, options).await?;
        return Ok(nothing_done(gathered.sealed.stack, first));
    }
    let before = gathered.as_applied(&session.store()).await?;
    let (values, stack, new_values) = values(session, desired, &mut gathered, options).await?;
    let mut stack = narrow(stack, gathered.base.as_ref(), &options.wishes);
    if let Some(before) = &before {
        stack.remember(before);
    }
    let held = carried(&gathered.held, gathered.base.as_ref(), &stack);
    let past = gathered.past();
    let inputs = Inputs {
        desired: &stack,
        observed: &gathered.observed,
        base: past.as_deref(),
        held: &held,
        wishes: &wishes,
    };
    let plan = checked(plan(&inputs), &stack)?;
    if !plan.refusals.is_empty() {
        return Err(OpError::Refused(plan.refusals.clone(), Box::new(plan)));
    }
    let other = saved::beyond(&first, &plan);
    if options.expect.is_some() && !other.is_empty() {
        return Err(OpError::Stale(other));
    }
    if !other.is_empty() || done_to(&first) != done_to(&plan) {
        (options.show)(&gathered, &plan);
    }
    let revision = Revision {
        id: Session::<E>::next_revision(&head),
        stack: stack.clone(),
        images: images(&gathered.observed, &stack),
        commit: session.who.commit.clone(),
        run: session.run.clone(),
    };
    let adopted = adopted(&stack, &gathered.observed, &wishes.adopted);
    let mut head = session
        .begin(Begin {
            head: &head,
            new_store: gathered.peek.key.is_none(),
            key: &gathered.key,
            values: new_values.then_some(&values),
            revision: Some(&revision),
            about: options.wishes.target.iter().cloned().collect(),
            adopted: adopted.clone(),
        })
        .await?;
    let forgotten = match head.good {
        None => Some(session.runs().await?),
        Some(_) => None,
    };
    let goal = Goal {
        stack: &stack,
        plan: &plan,
        values: &values,
        key: &gathered.key,
        base: gathered.up(),
        forgotten: forgotten.as_ref(),
        held: &gathered.held,
        new_held: &held,
        keep_failed: options.wishes.keep_failed,
        recovered: gathered.open,
        adopted: &adopted,
        new_good: Some((revision.id.clone(), stack.digest())),
        left: None,
    };
    let mut warnings = run(session, &mut head, goal).await?;
    keep_images(session, &head, &gathered.observed, &stack).await;
    converged(session, desired, &options.wishes, &mut warnings).await?;
    Ok(Applied {
        display: display(&stack, &values),
        held,
        plan,
        stack,
        revision: Some(revision.id.to_string()),
        warnings,
    })
}

/// Where nothing is to be done, encrypted files may still be other ones that hold the same: who cannot open them
/// is to know that as well.
async fn remember<E: Engine>(
    session: &Session<'_, E>,
    desired: &Desired,
    gathered: &mut Gathered,
    options: &Options<'_>,
) -> Result<(), OpError> {
    if desired.encrypted().is_empty() {
        return Ok(());
    }
    let (values, _, new) = values(session, desired, gathered, options).await?;
    match &gathered.peek.head {
        Some(head) if new => session.keep_values(head, &values).await,
        _ => Ok(()),
    }
}

/// What a plan does to what, images aside.
fn done_to(plan: &Plan) -> BTreeSet<(&ResourceId, Action)> {
    let changes = plan.changes.iter().filter(|c| c.id.kind != Kind::Image);
    changes.map(|change| (&change.id, change.action)).collect()
}

/// With `--target`, what is applied is the files' stack for those labels, and what was there for the rest.
pub(super) fn narrow(mut stack: Stack, base: Option<&Stack>, wishes: &Wishes) -> Stack {
    if wishes.target.is_empty() {
        return stack;
    }
    let target = wishes.target_with_old(&stack, base);
    let own = stack
        .containers()
        .filter(|(id, ..)| target.contains(id.label()));
    let needed: BTreeSet<_> = own
        .flat_map(|(_, it, _)| it.needs.keys().cloned())
        .collect();
    stack.resources.retain(|id, _| {
        id.kind == Kind::Image || target.contains(id.label()) || needed.contains(id)
    });
    for (id, resource) in base.iter().flat_map(|base| &base.resources) {
        if !target.contains(id.label()) {
            stack
                .resources
                .entry(id.clone())
                .or_insert_with(|| resource.clone());
        }
    }
    let used: BTreeSet<_> = stack
        .containers()
        .map(|(_, _, spec)| spec.image.clone())
        .collect();
    stack
        .resources
        .retain(|id, resource| id.kind != Kind::Image || used.contains(&resource.name));
    stack
}

fn nothing_done(stack: Stack, plan: Plan) -> Applied {
    Applied {
        plan,
        stack,
        revision: None,
        held: Held::new(),
        display: Vec::new(),
        warnings: Vec::new(),
    }
}

/// A plan that its checker finds fault with is a bug of ours, and is not run.
pub(super) fn checked(plan: Plan, stack: &Stack) -> Result<Plan, OpError> {
    let faults = check::check(&plan, stack);
    if faults.is_empty() {
        return Ok(plan);
    }
    Err(OpError::Usage {
        what: format!(
            "coasti made a plan that its own checker refuses: {}",
            faults.join("; ")
        ),
        help: vec![
            "this is a bug: please report it with the output of `coasti plan --format json`".into(),
        ],
    })
}

/// Fetches and builds what is missing before anything else: what fails of that has touched nothing. A build's
/// failure is kept in the history, with what it printed.
async fn bring_images<E: Engine>(
    session: &Session<'_, E>,
    gathered: &Gathered,
    plan: &Plan,
    wishes: &Wishes,
) -> Result<(), OpError> {
    let stack = &gathered.sealed.stack;
    let steps: Vec<_> = plan
        .steps
        .iter()
        .filter(|step| step.op.brings_image())
        .cloned()
        .collect();
    if steps.is_empty() {
        return Ok(());
    }
    if let Some(free) = session.engine.free_space().await
        && free < LEAST_SPACE
    {
        return Err(OpError::usage(
            format!(
                "only {} MB are free where the engine keeps images",
                free >> 20
            ),
            &["free some space (docker image prune, docker builder prune), then apply again"],
        ));
    }
    let fetch = Plan {
        steps,
        ..plan.clone()
    };
    let builds = |step: &Step| matches!(step.op, Op::BuildImage { .. });
    let what = match (
        fetch.steps.iter().any(builds),
        fetch.steps.iter().all(builds),
    ) {
        (false, _) => "fetch images",
        (_, true) => "build images",
        (true, false) => "fetch and build images",
    };
    session.events.send(Event::Begin {
        what: what.to_owned(),
        steps: fetch.steps.len(),
    });
    let stamp = session.stamp(&Key::new([0; 32]));
    let (values, mut made) = (Values::new(), Made::new());
    let context = session.context(stack, &values, &stamp);
    let result = exec::run(&context, &fetch, &[Phase::Prepare], &mut made).await;
    session.events.send(Event::End { ok: result.is_ok() });
    let Err(failure) = result else {
        return Ok(());
    };
    let of_build = |step: &Step| builds(step) && Some(&step.of) == failure.of.as_ref();
    if plan.steps.iter().any(of_build) {
        // That it failed is what counts, whether or not that can be written down.
        let _ = session.failed_early(gathered, &failure, wishes).await;
    }
    let output = failure.output.clone();
    Err(failed(
        &failure,
        output,
        None,
        Undone::Nothing,
        Kept::default(),
    ))
}

/// Less free space than this is no start for pulling images.
const LEAST_SPACE: u64 = 1 << 30;

impl<'a, E: Engine> Session<'a, E> {
    pub(super) fn stamp(&self, key: &Key) -> Stamp {
        Stamp {
            stack: self.stack.clone(),
            id: self.id.clone(),
            run: self.run.clone(),
            key: key.fingerprint(),
        }
    }

    pub(super) fn context<'c>(
        &'c self,
        desired: &'c Stack,
        values: &'c Values,
        stamp: &'c Stamp,
    ) -> Context<'c, E> {
        Context {
            engine: self.engine,
            desired,
            values,
            stamp,
            events: self.events,
            stop: self.stop,
            lock: Some(self.lock()),
        }
    }
}

/// What a run leads to, and what from.
#[derive(Clone)]
pub(super) struct Goal<'a> {
    pub(super) stack: &'a Stack,
    pub(super) plan: &'a Plan,
    pub(super) values: &'a Values,
    pub(super) key: &'a Key,
    pub(super) base: Option<&'a Stack>,
    /// Where nothing good is known: all runs that are. What others made, before the store was lost, is known by its
    /// labels alone.
    pub(super) forgotten: Option<&'a BTreeSet<RunId>>,
    /// Decisions that stand, for an undo.
    pub(super) held: &'a Held,
    /// Those that stand once the goal is reached.
    pub(super) new_held: &'a Held,
    pub(super) keep_failed: bool,
    pub(super) recovered: Option<u64>,
    /// What is taken over, as it was before.
    pub(super) adopted: &'a [Adopted],
    pub(super) new_good: Option<(crate::base::RevisionId, Digest)>,
    /// Who wrote to data that no good revision writes to, where none is made: that one knows it itself.
    pub(super) left: Option<&'a Writers>,
}

/// Runs a plan in its four phases; undoes it where one of the first three fails. Returns warnings.
pub(super) async fn run<E: Engine>(
    session: &Session<'_, E>,
    head: &mut Head,
    goal: Goal<'_>,
) -> Result<Vec<String>, OpError> {
    let stamp = session.stamp(goal.key);
    let context = session.context(goal.stack, goal.values, &stamp);
    let mut made = Made::new();
    session.events.send(Event::Begin {
        what: session.what.to_owned(),
        steps: goal.plan.steps.len(),
    });
    let phases = [Phase::Prepare, Phase::Switch, Phase::Verify];
    if let Err(failure) = exec::run(&context, goal.plan, &phases, &mut made).await {
        session.events.send(Event::End { ok: false });
        return Err(undo::undo(session, head, &goal, &failure).await);
    }
    let before = head.clone();
    if let Some((id, digest)) = goal.new_good.clone() {
        head.good = Some(id);
        head.digest = Some(digest);
        head.down = false;
        head.left = 0;
    }
    let left = goal.left.cloned();
    let left = left.and_then(|left| left::keep(head, goal.base, left));
    let mut entries: Vec<_> = left.into_iter().collect();
    if goal.new_held != goal.held {
        head.held = if goal.new_held.is_empty() {
            0
        } else {
            head.seq
        };
        entries.push(Entry::json(format!("held/{}", head.seq), goal.new_held));
    }
    let end = Ending {
        outcome: Outcome::Done,
        summary: summary(goal.plan),
        logs: None,
        recovered: goal.recovered,
    };
    if let Err(error) = session.end_with(head, end, entries).await {
        // What is not recorded as good would be undone by whoever comes next.
        session.events.send(Event::End { ok: false });
        *head = before;
        let failure = Failure {
            of: None,
            container: None,
            doing: "writing the history".to_owned(),
            error: error.to_string(),
            at: None,
            engine: None,
            output: None,
            interrupted: false,
        };
        return Err(undo::undo(session, head, &goal, &failure).await);
    }
    // The lock may be another one by now.
    let context = session.context(goal.stack, goal.values, &stamp);
    let mut warnings = Vec::new();
    if let Err(failure) = exec::run(&context, goal.plan, &[Phase::Commit], &mut made).await {
        warnings.push(format!(
            "what was replaced could not be removed ({}: {}); the next apply does",
            failure.doing, failure.error
        ));
    }
    session.events.send(Event::End { ok: true });
    Ok(warnings)
}

/// One line about a plan that was run.
pub(super) fn summary(plan: &Plan) -> String {
    use crate::diff::Action;
    let count = |action: Action| {
        plan.changes
            .iter()
            .filter(|change| change.action == action)
            .count()
    };
    let parts: Vec<_> = [
        (Action::Create, "created"),
        (Action::Replace, "replaced"),
        (Action::Update, "updated"),
        (Action::Start, "started"),
        (Action::Restore, "restored"),
        (Action::Remove, "removed"),
    ]
    .into_iter()
    .map(|(action, word)| (count(action), word))
    .filter(|(n, _)| *n > 0)
    .map(|(n, word)| format!("{n} {word}"))
    .collect();
    if parts.is_empty() {
        "nothing to do".to_owned()
    } else {
        parts.join(", ")
    }
}

fn display(stack: &Stack, values: &Values) -> Vec<(String, Secret<String>)> {
    stack
        .containers()
        .flat_map(|(id, resource, spec)| {
            let names = resource.about.iter().flat_map(|about| &about.display);
            names.filter_map(move |name| {
                let value = spec.env.get(name)?.resolve(values).ok()?;
                Some((format!("{}/{name}", id.address), value))
            })
        })
        .collect()
}

/// A failed run, told.
pub(super) fn failed(
    failure: &Failure,
    logs: Option<String>,
    health: Option<String>,
    undone: Undone,
    kept: Kept,
) -> OpError {
    let what = match &failure.of {
        Some(of) => format!("{} {}: {}", of.kind, of.address, failure.doing),
        None => failure.doing.clone(),
    };
    OpError::Failed(Box::new(Failed {
        what,
        error: failure.error.clone(),
        at: failure.at.clone(),
        logs,
        health,
        undone,
        interrupted: failure.interrupted,
        kept,
    }))
}
