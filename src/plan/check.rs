//! A checker that every plan passes before it is shown or executed: what must never be in a plan, whatever
//! the planner did to get there.
//!
//! It knows nothing of how plans are made: it reads the steps and the objects that they are about, and asks
//! of every pair that could clash which of the two comes first *by its needs*, because steps without needs
//! between them run at the same time.

use super::{Op, Phase, Plan, Step, StepId, Target};
use crate::base::{EngineId, Kind, ResourceId, names};
use crate::diff::{Object, claims};
use crate::model::Stack;
use std::collections::{BTreeMap, BTreeSet};

/// What is wrong with a plan; empty where nothing is.
pub fn check(plan: &Plan, desired: &Stack) -> Vec<String> {
    let mut faults = Vec::new();
    if !plan.refusals.is_empty() && !plan.steps.is_empty() {
        faults.push("a plan with refusals has steps".to_owned());
    }
    order(plan, &mut faults);
    if !faults.is_empty() {
        // Without an order there is no first and second.
        return faults;
    }
    let view = View::new(plan);
    view.phases(&mut faults);
    view.untouched(&mut faults);
    view.removals(&mut faults);
    view.strangers(desired, &mut faults);
    view.guards(&mut faults);
    view.claims(desired, &mut faults);
    view.names(&mut faults);
    view.every_change_is_done(&mut faults);
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

/// A plan, its objects, and which step comes before which.
struct View<'a> {
    plan: &'a Plan,
    /// Containers that go, with their resource.
    others: Vec<(&'a ResourceId, &'a Object)>,
    /// By step, a bit for every step that comes before it.
    before: Vec<Vec<u64>>,
}

impl<'a> View<'a> {
    fn new(plan: &'a Plan) -> Self {
        let words = plan.steps.len() / 64 + 1;
        // One more than there are steps: they count from 1.
        let mut before: Vec<Vec<u64>> = vec![Vec::new()];
        for step in &plan.steps {
            let mut mine = vec![0u64; words];
            for need in &step.needs {
                for (word, theirs) in mine.iter_mut().zip(before.get(*need).into_iter().flatten()) {
                    *word |= theirs;
                }
                if let Some(word) = mine.get_mut(need / 64) {
                    *word |= 1 << (need % 64);
                }
            }
            before.push(mine);
        }
        let others = plan
            .changes
            .iter()
            .filter_map(|change| Some((&change.id, change.container.as_ref()?)))
            .flat_map(|(id, container)| container.others.iter().map(move |object| (id, object)))
            .collect();
        Self {
            plan,
            others,
            before,
        }
    }

    /// Whether `first` has ended whenever `second` begins.
    fn precedes(&self, first: StepId, second: StepId) -> bool {
        let word = self
            .before
            .get(second)
            .and_then(|words| words.get(first / 64));
        word.is_some_and(|word| word & (1 << (first % 64)) != 0)
    }

    /// The first step that `is` matches.
    fn find(&self, is: impl Fn(&Op) -> bool) -> Option<&'a Step> {
        self.plan.steps.iter().find(|step| is(&step.op))
    }

    fn stop_of(&self, object: &EngineId) -> Option<&'a Step> {
        self.find(|op| matches!(op, Op::Stop { target: Target::Known(id) } if id == object))
    }

    fn unguard_of(&self, object: &EngineId) -> Option<&'a Step> {
        self.find(|op| matches!(op, Op::Unguard { target: Target::Known(id) } if id == object))
    }

    fn removal_of(&self, object: &EngineId) -> Option<&'a Step> {
        self.find(
            |op| matches!(op, Op::RemoveContainer { target: Target::Known(id) } if id == object),
        )
    }

    /// The container that is not coasti's and that `of` stands for, where it is put back.
    fn put_back(&self, of: &ResourceId) -> Option<&'a Object> {
        let changes = &self.plan.changes;
        let change = changes.iter().find(|change| change.id == *of)?;
        let container = change.container.as_ref()?;
        container
            .keep
            .as_ref()
            .filter(|_| container.adopted.is_some())
    }

    /// What is not coasti's is stopped and removed only where the files name it.
    fn strangers(&self, desired: &Stack, faults: &mut Vec<String>) {
        for (id, object) in self.others.iter().filter(|(_, object)| object.strange) {
            let resource = desired.resources.get(id);
            let named = resource.and_then(|resource| resource.life.adopt.as_ref());
            if named.is_none_or(|adopt| adopt.container != object.name) {
                faults.push(format!("{} is not coasti's and would go", object.name));
            }
        }
    }

    /// No phase needs a later one, and nothing that serves stops before all is prepared.
    fn phases(&self, faults: &mut Vec<String>) {
        let by_id = self.plan.by_id();
        let leftovers: BTreeSet<_> = self
            .others
            .iter()
            .filter(|(_, object)| object.name.ends_with(names::NEXT) && !object.good)
            .map(|(_, object)| &object.id)
            .collect();
        for step in &self.plan.steps {
            for need in step.needs.iter().filter_map(|need| by_id.get(need)) {
                if need.phase > step.phase {
                    faults.push(format!(
                        "step {} ({:?}) needs {} ({:?})",
                        step.id, step.phase, need.id, need.phase
                    ));
                }
            }
            let touches = match &step.op {
                Op::Stop { target } | Op::RemoveContainer { target } | Op::Unguard { target } => {
                    !matches!(target, Target::Known(id) if leftovers.contains(id))
                }
                Op::Rename { .. }
                | Op::Disconnect { .. }
                | Op::RemoveNetwork { .. }
                | Op::RemoveFiles { .. } => true,
                _ => false,
            };
            if touches && step.phase == Phase::Prepare {
                faults.push(format!(
                    "step {} touches what runs before all is prepared",
                    step.id
                ));
            }
        }
    }

    /// What does not differ has no step.
    fn untouched(&self, faults: &mut Vec<String>) {
        let changes: BTreeSet<_> = self.plan.changes.iter().map(|change| &change.id).collect();
        for step in &self.plan.steps {
            if !changes.contains(&step.of) {
                faults.push(format!(
                    "step {} is about {}, which does not differ",
                    step.id, step.of
                ));
            }
        }
    }

    /// What stays is not removed, what an undo would want back only at commit, what runs only when it was
    /// stopped, so that it could end in peace; and nothing twice.
    fn removals(&self, faults: &mut Vec<String>) {
        let others: BTreeMap<_, _> = self.others.iter().map(|(_, o)| (&o.id, *o)).collect();
        let mut removed = BTreeSet::new();
        for step in &self.plan.steps {
            let Op::RemoveContainer { target } = &step.op else {
                continue;
            };
            let object = match target {
                Target::Known(id) => others.get(id),
                Target::New(_) => None,
            };
            let Some(object) = object else {
                faults.push(format!("step {} removes what stays", step.id));
                continue;
            };
            if !removed.insert(&object.id) {
                faults.push(format!("step {} removes {} again", step.id, object.name));
            }
            if object.good && step.phase != Phase::Commit {
                faults.push(format!(
                    "step {} removes {} before commit, an undo would want it back",
                    step.id, object.name
                ));
            }
            let stop = self.stop_of(&object.id);
            if object.good && !self.plan.steps.iter().any(|s| s.phase == Phase::Verify) {
                // Only what is no longer in the files has no successor that could be looked at.
                let replaced = self.plan.changes.iter().any(|change| {
                    change.action != crate::diff::Action::Remove
                        && change
                            .container
                            .as_ref()
                            .is_some_and(|c| c.others.contains(object))
                });
                if replaced {
                    faults.push(format!("{} goes and nothing was verified", object.name));
                }
            }
            if object.active && !stop.is_some_and(|stop| self.precedes(stop.id, step.id)) {
                // A removal at commit comes after all that is switched.
                if step.phase != Phase::Commit || stop.is_none() {
                    faults.push(format!("{} is removed without being stopped", object.name));
                }
            }
        }
    }

    /// Before something is stopped or stands aside, the engine is told not to start it by itself: after a
    /// crash of the engine it would run beside its successor.
    fn guards(&self, faults: &mut Vec<String>) {
        for (_, object) in self.others.iter().filter(|(_, object)| object.restarts) {
            let unguard = self.unguard_of(&object.id);
            for step in &self.plan.steps {
                let aside = match &step.op {
                    // What is removed right after, before anything starts, needs no guard.
                    Op::Stop { target } => {
                        step.phase != Phase::Prepare
                            && matches!(target, Target::Known(id) if *id == object.id)
                    }
                    Op::Rename { target, .. } => {
                        matches!(target, Target::Known(id) if *id == object.id)
                    }
                    _ => false,
                };
                if aside && !unguard.is_some_and(|unguard| self.precedes(unguard.id, step.id)) {
                    faults.push(format!(
                        "step {}: the engine may start {} again by itself",
                        step.id, object.name
                    ));
                }
            }
        }
    }

    /// A container that claims a volume, a directory, a port or an address starts only after everyone in
    /// this plan who gives it up has ended and will not be started by the engine.
    fn claims(&self, desired: &Stack, faults: &mut Vec<String>) {
        let mut holders: BTreeMap<&str, Vec<&Object>> = BTreeMap::new();
        for (_, object) in &self.others {
            if object.active || object.restarts {
                for claim in &object.claims {
                    holders.entry(claim).or_default().push(object);
                }
            }
        }
        for step in &self.plan.steps {
            if !matches!(step.op, Op::Start { .. }) {
                continue;
            }
            let taken = match (desired.container(&step.of), self.put_back(&step.of)) {
                (Some(spec), _) => claims(spec),
                (None, Some(object)) => object.claims.clone(),
                (None, None) => {
                    faults.push(format!("step {} starts what is not in the files", step.id));
                    continue;
                }
            };
            for claim in taken {
                for object in holders.get(claim.as_str()).into_iter().flatten() {
                    let end = match object.active {
                        true => self.stop_of(&object.id),
                        false => self.unguard_of(&object.id),
                    };
                    let ended = [end, self.removal_of(&object.id)]
                        .into_iter()
                        .flatten()
                        .any(|end| self.precedes(end.id, step.id));
                    if !ended {
                        faults.push(format!(
                            "step {} starts on {claim} while {} may still run",
                            step.id, object.name
                        ));
                    }
                }
            }
        }
    }

    /// A name is taken only when nobody has it any more.
    fn names(&self, faults: &mut Vec<String>) {
        /// Who has a name, from which step on and up to which.
        struct Tenure {
            who: Target,
            from: Option<StepId>,
            until: Option<StepId>,
        }
        let mut tenures: BTreeMap<String, Vec<Tenure>> = BTreeMap::new();
        let mut has: BTreeMap<Target, String> = BTreeMap::new();
        let mut take = |has: &mut BTreeMap<Target, String>, who: Target, name: String, from| {
            has.insert(who.clone(), name.clone());
            let until = None;
            tenures
                .entry(name)
                .or_default()
                .push(Tenure { who, from, until });
        };
        for container in self
            .plan
            .changes
            .iter()
            .filter_map(|c| c.container.as_ref())
        {
            for object in container.keep.iter().chain(&container.others) {
                let who = Target::Known(object.id.clone());
                take(&mut has, who, object.name.clone(), None);
            }
        }
        let mut ends: Vec<(Target, String, StepId)> = Vec::new();
        for step in &self.plan.steps {
            match &step.op {
                Op::CreateContainer { name } => {
                    let who = Target::New(step.of.clone());
                    take(&mut has, who, name.clone(), Some(step.id));
                }
                Op::Rename { target, to } => {
                    if let Some(name) = has.remove(target) {
                        ends.push((target.clone(), name, step.id));
                    }
                    take(&mut has, target.clone(), to.clone(), Some(step.id));
                }
                Op::RemoveContainer { target } => {
                    if let Some(name) = has.remove(target) {
                        ends.push((target.clone(), name, step.id));
                    }
                }
                _ => {}
            }
        }
        for (who, name, step) in ends {
            let open = tenures
                .get_mut(&name)
                .into_iter()
                .flatten()
                .find(|tenure| tenure.who == who && tenure.until.is_none());
            if let Some(tenure) = open {
                tenure.until = Some(step);
            }
        }
        let apart = |first: &Tenure, second: &Tenure| match (first.until, second.from) {
            (Some(until), Some(from)) => self.precedes(until, from),
            _ => false,
        };
        for (name, tenures) in &tenures {
            for (index, one) in tenures.iter().enumerate() {
                for other in tenures.iter().skip(index + 1) {
                    if one.who != other.who && !apart(one, other) && !apart(other, one) {
                        let step = one.from.max(other.from).unwrap_or_default();
                        faults.push(format!(
                            "step {step} takes the name {name} before it is free"
                        ));
                    }
                }
            }
        }
        for (target, name) in &has {
            // What this plan makes or keeps under a name for the time being has its own name at the end.
            let kept = match target {
                Target::New(_) => true,
                Target::Known(id) => {
                    let others = self.others.iter().any(|(_, object)| object.id == *id);
                    !others
                }
            };
            if kept && (name.ends_with(names::NEXT) || name.ends_with(names::PREV)) {
                faults.push(format!("a container is left as {name}"));
            }
        }
    }

    /// A change without a step would never be done.
    fn every_change_is_done(&self, faults: &mut Vec<String>) {
        if !self.plan.refusals.is_empty() {
            return;
        }
        let done: BTreeSet<_> = self.plan.steps.iter().map(|step| &step.of).collect();
        for change in &self.plan.changes {
            if !done.contains(&change.id) && change.id.kind != Kind::Image {
                faults.push(format!("{} differs and no step is about it", change.id));
            }
        }
    }
}
