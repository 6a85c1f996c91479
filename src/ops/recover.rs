//! Back to what was: `rollback`, `recover`.

use super::adopt;
use super::apply::{Applied, Goal, checked, run};
use super::error::{OpError, in_rollback};
use super::gather::within_reach;
use super::images::{images, keep_images};
use super::left;
use super::outside;
use super::session::{Begin, Session, Who};
use super::unrecorded;
use super::values::values_of;
use crate::base::{Key, Kind, RevisionId, StackId, StackName};
use crate::diff::{Adopted, Cause, Inputs, Wishes, adopted, carried};
use crate::engine::{Call, Engine, Look, Scope};
use crate::exec::{Events, Stop, Values};
use crate::model::Stack;
use crate::observe::Observed;
use crate::plan::{Plan, plan};
use crate::store::record::{Head, Outcome, Revision};
use crate::store::{Peek, Store};
use std::collections::BTreeSet;
use std::time::Duration;

/// What is known of a stack without its files.
pub struct Known {
    /// Key and pointers.
    pub peek: Peek,
    /// Where everything stands.
    pub head: Head,
    /// The good revision.
    pub good: Option<Revision>,
    /// What a run that was cut off was applying.
    pub attempted: Option<Stack>,
    /// What that had begun to take over.
    pub adopted: Vec<Adopted>,
    /// Decisions that stand.
    pub held: crate::diff::Held,
    /// What the engine has.
    pub observed: Observed,
}

/// Reads what the store and the engine know, with facts of the images of `stack` or of the good revision.
pub async fn known<L: Look>(
    look: &L,
    name: &StackName,
    id: Option<&StackId>,
    stack: Option<&Stack>,
) -> Result<Known, OpError> {
    let store = Store::new(look, name);
    let peek = store.peek().await?;
    let head = peek.head.clone().unwrap_or_default();
    let mut good = match &head.good {
        Some(id) => store.revision(id).await?,
        None => None,
    };
    let held = store.held(&head).await?;
    let of = stack.or(good.as_ref().map(|good| &good.stack));
    let scope = Scope {
        stack: name.clone(),
        images: image_names(of),
        adopt: adopt::names(of),
    };
    let mut observed = look.observe(&scope).await?;
    let adopted = adopt::begun(look, name, &head).await?;
    adopt::look_at(look, &adopted, &mut observed).await?;
    super::gather::identity(name, id, "config/deploy.yml", &observed)?;
    if let Some(good) = &mut good {
        let writers = left::writers(&store, &head, None, &observed).await?;
        let known = left::with(Some(&good.stack), &good.stack, writers);
        good.stack = known.unwrap_or_else(|| good.stack.clone());
    }
    Ok(Known {
        peek,
        head,
        good,
        attempted: None,
        adopted,
        held,
        observed,
    })
}

pub(super) fn image_names(stack: Option<&Stack>) -> BTreeSet<String> {
    let resources = stack.into_iter().flat_map(|stack| &stack.resources);
    resources
        .filter(|(id, _)| id.kind == Kind::Image)
        .map(|(_, resource)| resource.name.clone())
        .collect()
}

impl Known {
    /// What runs where all is well.
    pub fn up(&self) -> Option<&Stack> {
        self.good
            .as_ref()
            .map(|good| &good.stack)
            .filter(|_| !self.head.down)
    }

    /// What a user said, with what a run that was cut off had begun to take over.
    pub(super) fn with_adopted(&self, wishes: &Wishes) -> Wishes {
        Wishes {
            cut_off: wishes.cut_off || !self.adopted.is_empty(),
            adopted: self.adopted.clone(),
            ..wishes.clone()
        }
    }

    /// Whether `revision` is what was last applied, whole, and nothing is to be done to get there.
    fn is_at(&self, revision: &Revision, plan: &Plan) -> bool {
        let good = self.good.as_ref();
        let same = good.is_some_and(|good| good.is_same(revision));
        same && !self.head.down && self.head.open.is_none() && plan.is_empty()
    }

    pub(super) fn key(&self) -> Result<Key, OpError> {
        self.peek.key.clone().ok_or_else(|| {
            OpError::usage(
                "this engine keeps no history of the stack",
                &["`coasti apply` begins one"],
            )
        })
    }
}

/// What a rollback would do.
pub struct Back {
    /// The revision that it goes to.
    pub revision: Revision,
    /// The plan.
    pub plan: Plan,
    /// Whether that is what runs already.
    pub is_there: bool,
    /// Tags that name another image on the engine by now, and are to name the revision's again.
    pub moved: Vec<String>,
}

/// What a rollback to `to` would do (`None`: the revision before the good one).
pub async fn plan_rollback<L: Look>(
    look: &L,
    name: &StackName,
    id: Option<&StackId>,
    to: Option<&RevisionId>,
    wishes: &Wishes,
) -> Result<Back, OpError> {
    // Refuses what is another folder's stack before anything is told of it.
    within_reach(look, name, id).await?;
    let mut revision = find(look, name, to).await?;
    // Its lines are those of the files as they were then.
    let then = &revision.id;
    for resource in revision.stack.resources.values_mut() {
        for origin in resource.origins.values_mut() {
            origin.file = format!("{then}: {}", origin.file);
        }
    }
    let mut known = known(look, name, id, Some(&revision.stack)).await?;
    let moved = missing_images(look, &revision, &mut known.observed).await?;
    let good = known.good.as_ref().map(|good| &good.stack);
    let mut plan = plan(&Inputs {
        desired: &revision.stack,
        observed: &known.observed,
        base: good,
        held: &carried(&known.held, good, &revision.stack),
        wishes: &known.with_adopted(wishes),
    });
    in_rollback(&mut plan.refusals, &revision.id);
    outside::tell(look, &known.observed, &mut plan).await;
    // No registry moved the tag: the revision's image is what is asked for.
    let fields = plan
        .changes
        .iter_mut()
        .flat_map(|change| &mut change.fields);
    for field in fields.filter(|field| field.cause == Cause::Upstream) {
        field.cause = Cause::You;
    }
    let is_there = known.is_at(&revision, &plan);
    Ok(Back {
        revision,
        plan,
        is_there,
        moved,
    })
}

async fn find<L: Look>(
    look: &L,
    name: &StackName,
    to: Option<&RevisionId>,
) -> Result<Revision, OpError> {
    let store = Store::new(look, name);
    let head = store.peek().await?.head.unwrap_or_default();
    let id = match to {
        Some(id) => id.clone(),
        None => before(look, name, &head).await?,
    };
    store.revision(&id).await?.ok_or_else(|| {
        OpError::usage(
            format!("there is no revision {id}"),
            &["`coasti history` lists them"],
        )
    })
}

/// The last revision before the good one that says something else than it: who mends drift with an apply gets
/// a revision that is the same. After a rollback it is the one before what that went to: who asks twice wants to go
/// further back, not forward again.
async fn before<L: Look>(look: &L, name: &StackName, head: &Head) -> Result<RevisionId, OpError> {
    let runs = Store::new(look, name).runs().await?;
    let done = |run: &crate::store::record::RunRecord| {
        run.end.as_ref().is_some_and(|e| e.outcome == Outcome::Done)
    };
    let mut good: Vec<_> = runs
        .iter()
        .filter(|run| done(run))
        .filter_map(|run| run.revision.clone())
        .collect();
    good.dedup();
    let store = Store::new(look, name);
    let now = match &head.good {
        Some(id) => store.revision(id).await?,
        None => None,
    };
    let mut latest = runs.iter().rev();
    let made_now = latest.find(|run| done(run) && run.revision == head.good);
    let mut skips = made_now.is_some_and(|run| run.what == "rollback");
    while let Some(id) = good.pop() {
        if Some(&id) == head.good.as_ref() {
            continue;
        }
        // One that cannot be read is told as that.
        let same = match (store.revision(&id).await?, &now) {
            (Some(then), Some(now)) => then.is_same(now),
            _ => false,
        };
        // Up to what the rollback went to.
        skips &= !same;
        if !same && !skips {
            return Ok(id);
        }
    }
    Err(OpError::usage(
        "there is no earlier revision that differs from what was last applied",
        &[
            "`coasti history` lists what was applied; `coasti rollback REVISION` goes to any of them",
        ],
    ))
}

/// Every image must be there before anything is touched. Where a tag names another image now, the plan is
/// made as if it named the one of the revision: [`retag`] makes it so. Returns those tags.
async fn missing_images<L: Look>(
    look: &L,
    revision: &Revision,
    observed: &mut Observed,
) -> Result<Vec<String>, OpError> {
    let (mut missing, mut moved) = (Vec::new(), Vec::new());
    for (reference, id) in &revision.images {
        if observed
            .images
            .get(reference)
            .is_some_and(|image| image.id == *id)
        {
            continue;
        }
        match look.image(id).await? {
            Some(image) => {
                let now = observed.images.insert(reference.clone(), image);
                moved.extend(now.map(|_| reference.clone()));
            }
            None => missing.push(format!(
                "{reference} ({})",
                id.chars().take(19).collect::<String>()
            )),
        }
    }
    if missing.is_empty() {
        return Ok(moved);
    }
    Err(OpError::Usage {
        what: format!(
            "images of {} are no longer on the engine: {}",
            revision.id,
            missing.join(", ")
        ),
        help: vec!["pull or load them, then roll back again; nothing was touched".into()],
    })
}

/// Lets tags name the revision's images again. Returns the calls that take this back.
async fn retag<E: Engine>(
    engine: &E,
    revision: &Revision,
    observed: &Observed,
) -> Result<Vec<Call>, OpError> {
    let mut back = Vec::new();
    for (reference, id) in &revision.images {
        let now = observed.images.get(reference).map(|image| &image.id);
        if now == Some(id) {
            continue;
        }
        let tag = |image: &String| Call::TagImage {
            image: image.clone(),
            tag: reference.clone(),
        };
        engine.execute(&tag(id), Duration::from_secs(60)).await?;
        back.extend(now.map(tag));
    }
    Ok(back)
}

/// `coasti rollback`: an ordinary plan to an older revision.
#[allow(clippy::too_many_arguments)]
pub async fn rollback<E: Engine>(
    engine: &E,
    name: &StackName,
    id: StackId,
    to: Option<&RevisionId>,
    wishes: &Wishes,
    who: &Who,
    events: &Events,
    stop: &Stop,
) -> Result<Applied, OpError> {
    let session = Session::open(engine, name, id, who, "rollback", events, stop).await?;
    let result = async {
        let mut target = find(engine, name, to).await?;
        let plain = known(engine, name, Some(&session.id), Some(&target.stack)).await?;
        if let Some(good) = &plain.good {
            target.stack.remember(&good.stack);
        }
        let mut seen = plain.observed.clone();
        missing_images(engine, &target, &mut seen).await?;
        let moved = retag(engine, &target, &plain.observed).await?;
        let known = Known {
            observed: seen,
            ..plain
        };
        let key = known.key()?;
        let values = session.store().values(&known.head).await?;
        let about = vec![format!("to {}", target.id)];
        let revision = Revision {
            id: Session::<E>::next_revision(&known.head),
            images: images(&known.observed, &target.stack),
            run: session.run.clone(),
            ..target.clone()
        };
        let mut done = to_stack(
            &session,
            &known,
            &target.stack,
            Some(&revision),
            &values,
            &key,
            wishes,
            about,
        )
        .await;
        if let Err(error) = &mut done {
            in_revision(error, &target.id);
            // The tags name what they named before: what runs again was made from that.
            for call in moved {
                engine.execute(&call, Duration::from_secs(60)).await?;
            }
        }
        done
    }
    .await;
    let closed = session.close().await;
    let applied = result?;
    closed?;
    Ok(applied)
}

/// Its lines are those of the files as they were then.
fn in_revision(error: &mut OpError, then: &RevisionId) {
    match error {
        OpError::Failed(failed) => {
            if let Some(at) = &mut failed.at {
                at.file = format!("{then}: {}", at.file);
            }
        }
        OpError::Refused(refusals, _) => in_rollback(refusals, then),
        _ => {}
    }
}

/// Takes the stack to `target` and makes that the good revision where one is given.
#[allow(clippy::too_many_arguments)]
pub(super) async fn to_stack<E: Engine>(
    session: &Session<'_, E>,
    known: &Known,
    target: &Stack,
    revision: Option<&Revision>,
    values: &Values,
    key: &Key,
    wishes: &Wishes,
    about: Vec<String>,
) -> Result<Applied, OpError> {
    let good = known.good.as_ref().map(|good| &good.stack);
    let wishes = &known.with_adopted(wishes);
    let held = match revision {
        Some(_) => carried(&known.held, good, target),
        None => known.held.clone(),
    };
    let inputs = Inputs {
        desired: target,
        observed: &known.observed,
        base: known.attempted.as_ref().or(good),
        held: &held,
        wishes,
    };
    let plan = checked(plan(&inputs), target)?;
    if !plan.refusals.is_empty() {
        return Err(OpError::Refused(plan.refusals.clone(), Box::new(plan)));
    }
    if revision.is_some_and(|revision| known.is_at(revision, &plan)) {
        return Ok(Applied {
            plan,
            stack: target.clone(),
            revision: None,
            held,
            display: Vec::new(),
            warnings: Vec::new(),
        });
    }
    let adopted = adopted(target, &known.observed, &known.adopted);
    let begin = Begin {
        head: &known.head,
        new_store: false,
        key,
        values: None,
        revision,
        about,
        adopted: adopted.clone(),
    };
    let mut head = session.begin(begin).await?;
    let own = values_of(target, values, key);
    let tried = known.attempted.as_ref();
    let left = match revision {
        Some(_) => None,
        None => {
            let store = session.store();
            Some(left::writers(&store, &known.head, tried, &known.observed).await?)
        }
    };
    let goal = Goal {
        stack: target,
        plan: &plan,
        values: &own,
        key,
        base: known.up(),
        forgotten: None,
        held: &known.held,
        new_held: &held,
        keep_failed: wishes.keep_failed,
        recovered: known.head.open,
        adopted: &adopted,
        new_good: revision.map(|revision| (revision.id.clone(), target.digest())),
        left: left.as_ref(),
    };
    let warnings = run(session, &mut head, goal).await?;
    keep_images(session, &head, &known.observed, target).await;
    Ok(Applied {
        plan,
        stack: target.clone(),
        revision: revision.map(|revision| revision.id.to_string()),
        held,
        display: Vec::new(),
        warnings,
    })
}

/// `coasti recover`: undoes a run that was cut off, back to the good revision. Tells whether there was one.
pub async fn recover<E: Engine>(
    engine: &E,
    name: &StackName,
    id: StackId,
    who: &Who,
    events: &Events,
    stop: &Stop,
) -> Result<Option<Applied>, OpError> {
    let session = Session::open(engine, name, id, who, "recover", events, stop).await?;
    let result = async {
        let mut known = known(engine, name, Some(&session.id), None).await?;
        let Some(open) = known.head.open else {
            return unrecorded::recover(&session, &known).await;
        };
        known.attempted = attempted(engine, name, open).await?;
        let key = known.key()?;
        let values = session.store().values(&known.head).await?;
        let target = match known.up() {
            Some(up) => up.clone(),
            // What no known run made ran before the store was lost.
            None if known.good.is_none() => {
                let runs = session.runs().await?;
                super::undo::as_labelled(name, &session.id, &known.observed, &runs)
                    .map_err(|why| OpError::usage(why, &[]))?
            }
            None => Stack::empty(name.clone(), Some(session.id.clone())),
        };
        let wishes = Wishes {
            undo: true,
            cut_off: true,
            ..Wishes::default()
        };
        let about = vec![format!("run {open}")];
        to_stack(
            &session, &known, &target, None, &values, &key, &wishes, about,
        )
        .await
        .map(Some)
    }
    .await;
    let closed = session.close().await;
    let applied = result?;
    closed?;
    Ok(applied)
}

/// What the run with that number was applying, where it was a revision.
async fn attempted<L: Look>(
    look: &L,
    name: &StackName,
    run: u64,
) -> Result<Option<Stack>, OpError> {
    let store = Store::new(look, name);
    let runs = store.runs().await?;
    let run = runs.into_iter().find(|one| one.seq == run);
    let Some(id) = run.and_then(|one| one.revision) else {
        return Ok(None);
    };
    Ok(store.revision(&id).await?.map(|revision| revision.stack))
}
