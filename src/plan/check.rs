//! A checker that every plan passes before it is shown or executed: what must never be in a plan, whatever
//! the planner did to get there.

use super::{Op, Phase, Plan, Step, StepId, Target};
use crate::base::EngineId;
use crate::model::Stack;
use std::collections::{BTreeMap, BTreeSet};

/// What is wrong with a plan; empty where nothing is.
pub fn check(plan: &Plan, desired: &Stack) -> Vec<String> {
    let mut faults = Vec::new();
    order(plan, &mut faults);
    phases(plan, &mut faults);
    two_on_one_volume(plan, desired, &mut faults);
    removed_before_stopped(plan, &mut faults);
    if !plan.refusals.is_empty() && !plan.steps.is_empty() {
        faults.push("a plan with refusals has steps".to_owned());
    }
    faults
}

/// Needs point backwards, so the list itself is an order.
fn order(plan: &Plan, faults: &mut Vec<String>) {
    for (index, step) in plan.steps.iter().enumerate() {
        if step.id != index + 1 {
            faults.push(format!(
                "step {} stands at place {}: its needs form a cycle",
                step.id,
                index + 1
            ));
        }
        for need in step.needs.iter().filter(|need| **need >= step.id) {
            faults.push(format!("step {} needs {need}, which comes later", step.id));
        }
    }
}

/// No phase needs a later one.
fn phases(plan: &Plan, faults: &mut Vec<String>) {
    let by_id = plan.by_id();
    for step in &plan.steps {
        for need in step.needs.iter().filter_map(|need| by_id.get(need)) {
            if need.phase > step.phase {
                faults.push(format!(
                    "step {} ({:?}) needs {} ({:?})",
                    step.id, step.phase, need.id, need.phase
                ));
            }
        }
        if matches!(step.op, Op::Stop { .. } | Op::Unguard { .. }) && step.phase == Phase::Prepare {
            faults.push(format!(
                "step {} stops something before all is prepared",
                step.id
            ));
        }
    }
}

/// Everything that `step` comes after.
fn ancestors<'a>(by_id: &BTreeMap<StepId, &'a Step>, step: &'a Step) -> BTreeSet<StepId> {
    let mut all = BTreeSet::new();
    let mut open: Vec<StepId> = step.needs.iter().copied().collect();
    while let Some(id) = open.pop() {
        if all.insert(id)
            && let Some(step) = by_id.get(&id)
        {
            open.extend(step.needs.iter().copied());
        }
    }
    all
}

/// A container that claims a volume or port starts only after everyone in this plan who gives it up.
fn two_on_one_volume(plan: &Plan, desired: &Stack, faults: &mut Vec<String>) {
    let by_id = plan.by_id();
    let objects: BTreeMap<&EngineId, &crate::diff::Object> = plan
        .changes
        .iter()
        .filter_map(|change| change.container.as_ref())
        .flat_map(|container| container.others.iter())
        .map(|object| (&object.id, object))
        .collect();
    let stops: Vec<(&Step, &crate::diff::Object)> = plan
        .steps
        .iter()
        .filter_map(|step| match &step.op {
            Op::Stop {
                target: Target::Known(id),
            } => Some((step, *objects.get(id)?)),
            _ => None,
        })
        .collect();
    for step in plan
        .steps
        .iter()
        .filter(|step| matches!(step.op, Op::Start { .. }))
    {
        let Some(spec) = desired.container(&step.of) else {
            continue;
        };
        let claims = crate::diff::claims(spec);
        let before = ancestors(&by_id, step);
        for (stop, object) in &stops {
            if let Some(claim) = claims.iter().find(|claim| object.claims.contains(claim))
                && !before.contains(&stop.id)
                && !read_only(spec, claim)
            {
                faults.push(format!(
                    "step {} starts on {claim} while {} may still run",
                    step.id, object.name
                ));
            }
        }
    }
}

fn read_only(spec: &crate::model::ContainerSpec, claim: &str) -> bool {
    spec.mounts.values().any(|mount| mount.read_only && matches!(&mount.source, crate::model::MountSource::Volume(name) if claim == format!("volume {name}")))
}

/// An active container that is removed was stopped, so that it could end in peace.
fn removed_before_stopped(plan: &Plan, faults: &mut Vec<String>) {
    let stopped: BTreeSet<_> = plan
        .steps
        .iter()
        .filter_map(|step| match &step.op {
            Op::Stop {
                target: Target::Known(id),
            } => Some(id),
            _ => None,
        })
        .collect();
    for change in &plan.changes {
        for object in change
            .container
            .iter()
            .flat_map(|c| &c.others)
            .filter(|o| o.active && o.good)
        {
            let removed = plan.steps.iter().any(
                |step| matches!(&step.op, Op::RemoveContainer { target: Target::Known(id) } if *id == object.id),
            );
            if removed && !stopped.contains(&object.id) {
                faults.push(format!("{} is removed without being stopped", object.name));
            }
        }
    }
}
