//! A plan made right after an apply is empty. If it is not, that is an error which names the fields; where
//! tidying up failed, what is left of it is told, and goes with the next apply.

use super::error::OpError;
use super::gather::gather;
use super::session::Session;
use crate::config::Desired;
use crate::diff::{Action, Change, Reason, Wishes};
use crate::engine::Engine;
use crate::plan::Plan;

/// Looks again. `warnings` tell what went wrong after the run was recorded as good; what is left over because
/// of that is added to them.
pub(super) async fn converged<E: Engine>(
    session: &Session<'_, E>,
    desired: &Desired,
    wishes: &Wishes,
    warnings: &mut Vec<String>,
) -> Result<(), OpError> {
    let again = Wishes {
        target: wishes.target.clone(),
        ..Wishes::default()
    };
    let plan = match gather(session.engine, desired).await {
        Ok(mut gathered) => {
            gathered.sealed.stack.id = Some(session.id.clone());
            gathered.plan(&again)
        }
        // What failed first is told; all runs as the files say, and that is recorded.
        Err(_) if !warnings.is_empty() => return Ok(()),
        Err(error) => return Err(error),
    };
    if plan.steps.is_empty() && plan.refusals.is_empty() {
        return Ok(());
    }
    let only_left_over = plan.refusals.is_empty() && plan.changes.iter().all(is_left_over);
    if !warnings.is_empty() && only_left_over {
        warnings.extend(plan.changes.iter().map(left_over));
        return Ok(());
    }
    Err(OpError::NotConverged(differing(&plan)))
}

/// Whether all that a change does is take away what has no use any more.
fn is_left_over(change: &Change) -> bool {
    let tidies = |reason: &Reason| matches!(reason, Reason::Leftover | Reason::Failed { .. });
    change.fields.is_empty()
        && (change.action == Action::Remove
            || !change.reasons.is_empty() && change.reasons.iter().all(tidies))
}

fn left_over(change: &Change) -> String {
    let others = change.container.iter().flat_map(|change| &change.others);
    let mut names: Vec<_> = others.map(|object| object.name.as_str()).collect();
    if names.is_empty() {
        names.push(&change.name);
    }
    format!("left over: {} `{}`", change.id.kind, names.join("`, `"))
}

fn differing(plan: &Plan) -> Vec<String> {
    let mut fields = Vec::new();
    for change in &plan.changes {
        let of = format!("{} `{}`", change.id.kind, change.name);
        if change.fields.is_empty() {
            fields.push(format!("{of} ({:?})", change.action).to_lowercase());
        }
        fields.extend(
            change
                .fields
                .iter()
                .map(|field| format!("{of}: {}", field.field)),
        );
    }
    fields.extend(plan.refusals.iter().map(|refusal| refusal.summary.clone()));
    fields
}
