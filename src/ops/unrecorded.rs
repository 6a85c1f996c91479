//! A run that was cut off and that no history tells of: its store was removed.

use super::apply::{Applied, checked, failed};
use super::error::{Kept, OpError, Undone};
use super::lost;
use super::recover::Known;
use super::session::Session;
use super::undo::as_labelled;
use crate::base::{Key, RunId, StackName, names};
use crate::diff::{Held, Inputs, Wishes};
use crate::engine::Engine;
use crate::exec::{self, Event, Made, Values};
use crate::observe::Observed;
use crate::plan::{Op, Phase, Step, plan};
use std::collections::BTreeSet;

/// Where the history is gone, a run that was cut off is known by what it leaves: containers that stand aside, while
/// what takes their place does not run. What ran before is put back, as far as it is there.
pub(super) async fn recover<E: Engine>(
    session: &Session<'_, E>,
    known: &Known,
) -> Result<Option<Applied>, OpError> {
    let name = session.stack;
    if !lost::history(name, &known.peek, &known.observed) {
        return Ok(None);
    }
    let runs = cut_off(name, &known.observed);
    if runs.is_empty() {
        return Ok(None);
    }
    let by_hand = |why: String| {
        OpError::usage(
            why,
            &[
                "`coasti apply` makes what runs what the files say; `docker ps -a` shows what is there",
            ],
        )
    };
    let before = as_labelled(name, &session.id, &known.observed, &runs);
    let before = before.map_err(by_hand)?;
    let wishes = Wishes {
        undo: true,
        cut_off: true,
        ..Wishes::default()
    };
    let inputs = Inputs {
        desired: &before,
        observed: &known.observed,
        base: None,
        held: &known.held,
        wishes: &wishes,
    };
    let plan = checked(plan(&inputs), &before)?;
    let makes = |step: &Step| matches!(step.op, Op::CreateContainer { .. });
    if let Some(step) = plan.steps.iter().find(|step| makes(step)) {
        return Err(by_hand(format!(
            "a run was cut off, and the history is gone: `{}`, which ran before, is not there any more",
            step.of.address
        )));
    }
    session.events.send(Event::Begin {
        what: "recover".to_owned(),
        steps: plan.steps.len(),
    });
    // There is nothing to write that with.
    let stamp = session.stamp(&Key::new([0; 32]));
    let values = Values::new();
    let context = session.context(&before, &values, &stamp);
    let phases = [Phase::Prepare, Phase::Switch, Phase::Verify, Phase::Commit];
    let ran = exec::run(&context, &plan, &phases, &mut Made::new()).await;
    session.events.send(Event::End { ok: ran.is_ok() });
    if let Err(failure) = ran {
        let left = Undone::Partly("the same command goes on".to_owned());
        return Err(failed(&failure, None, None, left, Kept::default()));
    }
    Ok(Some(Applied {
        plan,
        stack: before,
        revision: None,
        held: Held::new(),
        display: Vec::new(),
        warnings: Vec::new(),
    }))
}

/// Runs of which something is not yet in its place, or does not run there. One of which all does may have come to
/// its end.
fn cut_off(name: &StackName, observed: &Observed) -> BTreeSet<RunId> {
    let half_done = observed.containers.values().filter(|one| {
        let Some(id) = &one.owner.resource else {
            return false;
        };
        let own = names::object(name, &id.address);
        let aside = format!("{own}{}", names::PREV);
        let stopped = !one.state.status.is_active() && observed.containers.contains_key(&aside);
        one.name == format!("{own}{}", names::NEXT) || one.name == own && stopped
    });
    half_done.filter_map(|one| one.owner.run.clone()).collect()
}
