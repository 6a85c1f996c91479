//! `coasti destroy`: nothing runs, data stays.

use super::apply::{checked, failed, summary};
use super::error::OpError;
use super::left;
use super::recover::{Known, known};
use super::session::{Begin, Ending, Session, Who};
use crate::base::{Key, StackId, StackName};
use crate::diff::{Action, Inputs, Reason, Wishes};
use crate::engine::Engine;
use crate::exec::{self, Event, Events, Made, Stop, Values};
use crate::model::Stack;
use crate::plan::{Phase, Plan};
use crate::store::record::Outcome;

/// What `coasti destroy` would do.
pub fn plan(known: &Known, name: &StackName, id: Option<StackId>) -> Plan {
    let empty = Stack::empty(name.clone(), id);
    let wishes = known.with_adopted(&Wishes {
        undo: true,
        ..Wishes::default()
    });
    let held = crate::diff::Held::new();
    let base = known.good.as_ref().map(|good| &good.stack);
    let mut plan = crate::plan::plan(&Inputs {
        desired: &empty,
        observed: &known.observed,
        base,
        held: &held,
        wishes: &wishes,
    });
    let gone = plan.changes.iter_mut();
    for change in gone.filter(|change| change.action == Action::Remove) {
        change.reasons = vec![Reason::Destroyed];
    }
    plan
}

/// `coasti destroy`: removes containers and networks; data, store and generated values stay. What is protected is by
/// what was applied, or else by what the files say.
#[allow(clippy::too_many_arguments)]
pub async fn destroy<E: Engine>(
    engine: &E,
    name: &StackName,
    id: StackId,
    files: Option<&Stack>,
    who: &Who,
    events: &Events,
    stop: &Stop,
) -> Result<Plan, OpError> {
    let session = Session::open(engine, name, id.clone(), who, "destroy", events, stop).await?;
    let result = async {
        let known = known(engine, name, Some(&session.id), None).await?;
        let plan = plan(&known, name, Some(id));
        if !plan.refusals.is_empty() {
            return Err(OpError::Refused(plan.refusals.clone(), Box::new(plan)));
        }
        if plan.steps.is_empty() {
            return Ok(plan);
        }
        super::protect::allows(&known, files, |_| true)?;
        let empty = Stack::empty(name.clone(), Some(session.id.clone()));
        let plan = checked(plan, &empty)?;
        let recorded = known.peek.key.clone();
        let writers = left::writers(&session.store(), &known.head, None, &known.observed).await?;
        let mut head = match &recorded {
            Some(key) => {
                let about = Vec::new();
                let begin = Begin {
                    head: &known.head,
                    new_store: false,
                    key,
                    values: None,
                    revision: None,
                    about,
                    adopted: known.adopted.clone(),
                };
                Some(session.begin(begin).await?)
            }
            None => None,
        };
        events.send(Event::Begin {
            what: "destroy".to_owned(),
            steps: plan.steps.len(),
        });
        let stamp = session.stamp(&recorded.unwrap_or(Key::new([0; 32])));
        let values = Values::new();
        let context = session.context(&empty, &values, &stamp);
        let phases = [Phase::Prepare, Phase::Switch, Phase::Verify, Phase::Commit];
        let ran = exec::run(&context, &plan, &phases, &mut Made::new()).await;
        events.send(Event::End { ok: ran.is_ok() });
        if let Err(failure) = ran {
            // Nothing is lost: what went is made anew by an apply, the rest goes with the next destroy.
            let left = "some of it is left; `coasti destroy` again goes on".to_owned();
            let undone = super::Undone::Partly(left);
            return Err(failed(&failure, None, None, undone, super::Kept::default()));
        }
        if let Some(head) = &mut head {
            head.down = true;
            let good = known.good.as_ref().map(|good| &good.stack);
            let left = left::keep(head, good, writers);
            let end = Ending {
                outcome: Outcome::Done,
                summary: summary(&plan),
                logs: None,
                recovered: known.head.open,
            };
            session
                .end_with(head, end, left.into_iter().collect())
                .await?;
        }
        Ok(plan)
    }
    .await;
    let closed = session.close().await;
    let plan = result?;
    closed?;
    Ok(plan)
}
