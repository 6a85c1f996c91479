//! The order of steps: edges between containers, the gate, verification, and a numbering that respects
//! them all.

use super::lower::Lowering;
use super::{Op, Phase, Step, StepId, Target};
use crate::base::{EngineId, Kind, ResourceId};
use crate::model::{ContainerSpec, Need};
use std::collections::{BTreeMap, BTreeSet};

impl Lowering<'_> {
    /// Edges between containers.
    pub(super) fn join(&mut self) {
        let mut edges: Vec<(StepId, StepId)> = Vec::new();
        let marks = std::mem::take(&mut self.marks);
        let mut giving_up: BTreeMap<&str, Vec<(StepId, &ResourceId)>> = BTreeMap::new();
        for (id, mark) in &marks {
            for (stop, claims) in mark.stops.iter().chain(&mark.quiets) {
                for claim in claims {
                    giving_up
                        .entry(claim.as_str())
                        .or_default()
                        .push((*stop, id));
                }
            }
        }
        let taken: BTreeSet<&String> = marks
            .values()
            .filter_map(|mark| mark.start.as_ref())
            .flat_map(|(_, claims)| claims)
            .collect();
        for (id, mark) in &marks {
            if let Some((start, claims)) = &mark.start {
                for claim in claims {
                    let stops = giving_up.get(claim.as_str()).into_iter().flatten();
                    edges.extend(
                        stops
                            .filter(|(_, of)| *of != id)
                            .map(|(stop, _)| (*stop, *start)),
                    );
                }
            }
            // The engine takes another's name for the container that has it then, and coasti tells the new one.
            if let Some(created) = mark.created {
                let others = self.shared(id);
                let others = others.iter().filter_map(|other| marks.get(other)?.created);
                edges.extend(others.map(|first| (first, created)));
            }
            for (need, how) in self.needs(id) {
                let Some(other) = marks.get(&need) else {
                    continue;
                };
                if let Some((start, _)) = &mark.start {
                    let after = match how {
                        Need::Started => other.start.as_ref().map(|(start, _)| *start),
                        Need::Healthy | Need::Completed => other.ready,
                        Need::Exists => None,
                    };
                    edges.extend(after.map(|after| (after, *start)));
                }
            }
            for need in self.needed(id) {
                let Some(other) = marks.get(&need) else {
                    continue;
                };
                // A start-first stop waits for its successor, which may wait for what `other` gives up:
                // there it comes first only where nobody waits for that.
                let waited_for = other.stops.iter().flat_map(|(_, claims)| claims);
                let waited_for = waited_for.into_iter().any(|claim| taken.contains(claim));
                let goes = !self.inputs.desired.resources.contains_key(&need);
                if !mark.start_first || (goes && !waited_for) {
                    for (stop, _) in &mark.stops {
                        edges.extend(other.stops.iter().map(|(after, _)| (*stop, *after)));
                    }
                }
            }
        }
        for (before, after) in edges {
            if let Some(step) = self.step(after) {
                step.needs.insert(before);
            }
        }
    }

    /// The containers whose network, processes or memory another one has.
    fn shared(&self, id: &ResourceId) -> Vec<ResourceId> {
        let desired = self.inputs.desired;
        let names = desired.container(id).into_iter();
        let names = names.flat_map(ContainerSpec::shares);
        names
            .filter_map(|name| Some(desired.by_name(Kind::Container, name)?.0.clone()))
            .collect()
    }

    /// What a container that starts needs.
    fn needs(&self, id: &ResourceId) -> BTreeMap<ResourceId, Need> {
        let resource = self.inputs.desired.resources.get(id);
        resource
            .map(|resource| resource.needs.clone())
            .unwrap_or_default()
    }

    /// What a container that runs needs: as last applied, where that is known.
    pub(super) fn needed(&self, id: &ResourceId) -> BTreeSet<ResourceId> {
        let stacks = [self.inputs.base, Some(self.inputs.desired)];
        let resource = stacks
            .into_iter()
            .flatten()
            .find_map(|stack| stack.resources.get(id));
        resource
            .map(|resource| resource.needs.keys().cloned().collect())
            .unwrap_or_default()
    }

    /// Who takes a name waits until who has it has given it up.
    pub(super) fn free_names(&mut self) {
        let of = |target: &Target| match target {
            Target::Known(id) => Some(id.clone()),
            Target::New(_) => None,
        };
        let mut free: BTreeMap<EngineId, StepId> = BTreeMap::new();
        for step in &self.steps {
            if let Op::Rename { target, .. } | Op::RemoveContainer { target } = &step.op
                && let Some(id) = of(target)
            {
                free.entry(id).or_insert(step.id);
            }
        }
        let mut edges: Vec<(StepId, StepId)> = Vec::new();
        for step in &self.steps {
            let (name, by) = match &step.op {
                Op::CreateContainer { name } => (name, None),
                Op::Rename { target, to } => (to, of(target)),
                _ => continue,
            };
            let holder = self.names.get(name).filter(|id| by.as_ref() != Some(id));
            edges.extend(
                holder
                    .and_then(|id| free.get(id))
                    .map(|free| (*free, step.id)),
            );
        }
        for (before, after) in edges {
            if let Some(step) = self.step(after) {
                step.needs.insert(before);
            }
        }
    }

    /// Everything that touches what runs waits until all is prepared. A start of something new touches
    /// nothing, so a first apply has no gate to wait for.
    pub(super) fn gate(&mut self) {
        let prepared: Vec<_> = self
            .steps
            .iter()
            .filter(|s| s.phase == Phase::Prepare)
            .map(|s| s.id)
            .collect();
        let touching: Vec<_> = self
            .steps
            .iter()
            .filter(|s| s.phase == Phase::Switch && touches(&s.op))
            .map(|s| s.id)
            .collect();
        let (Some(first), false) = (touching.first(), prepared.is_empty()) else {
            return;
        };
        let of = self
            .steps
            .iter()
            .find(|s| s.id == *first)
            .map(|s| s.of.clone());
        let Some(of) = of else { return };
        let gate = self.add(
            Op::Prepared,
            &of,
            Phase::Prepare,
            prepared,
            "from here on, what runs is touched",
        );
        for id in touching {
            if let Some(step) = self.step(id) {
                step.needs.insert(gate);
            }
        }
    }

    pub(super) fn verify(&mut self) {
        let switched: Vec<_> = self
            .steps
            .iter()
            .filter(|s| matches!(s.phase, Phase::Prepare | Phase::Switch))
            .map(|s| (s.id, s.of.clone()))
            .collect();
        let mut containers: BTreeSet<ResourceId> = switched
            .iter()
            .map(|(_, of)| of)
            .filter(|of| {
                of.kind == Kind::Container && self.inputs.desired.resources.contains_key(of)
            })
            .cloned()
            .collect();
        let Some(first) = containers.first().cloned() else {
            return;
        };
        // Dependants, and theirs: they must be well again before it ends.
        loop {
            let more: Vec<_> = self
                .inputs
                .desired
                .containers()
                .filter(|(id, resource, _)| {
                    !containers.contains(*id)
                        && resource.needs.keys().any(|need| containers.contains(need))
                })
                .map(|(id, ..)| id.clone())
                .collect();
            if more.is_empty() {
                break;
            }
            containers.extend(more);
        }
        // A job has ended: its end was waited for.
        let job = |id: &ResourceId| {
            let resource = self.inputs.desired.resources.get(id);
            resource
                .and_then(|resource| resource.about.as_ref())
                .is_some_and(|about| about.job)
        };
        containers.retain(|id| self.inputs.hold(id).is_none() && !job(id));
        if containers.is_empty() {
            return;
        }
        let needs: Vec<_> = switched.into_iter().map(|(id, _)| id).collect();
        self.add(
            Op::Verify { containers },
            &first,
            Phase::Verify,
            needs,
            "all still run",
        );
    }

    /// Numbers the steps in an order that respects every need: by phase, then as they were made.
    pub(super) fn finish(self) -> Vec<Step> {
        let mut waiting: BTreeMap<StepId, Step> =
            self.steps.into_iter().map(|s| (s.id, s)).collect();
        let mut done: BTreeMap<StepId, StepId> = BTreeMap::new();
        let mut ordered: Vec<Step> = Vec::with_capacity(waiting.len());
        let mut ready: BTreeSet<(Phase, StepId)> = BTreeSet::new();
        let mut open: BTreeMap<StepId, usize> = BTreeMap::new();
        let mut after: BTreeMap<StepId, Vec<StepId>> = BTreeMap::new();
        for step in waiting.values() {
            open.insert(step.id, step.needs.len());
            for need in &step.needs {
                after.entry(*need).or_default().push(step.id);
            }
            if step.needs.is_empty() {
                ready.insert((step.phase, step.id));
            }
        }
        while let Some((_, id)) = ready.pop_first() {
            let Some(mut step) = waiting.remove(&id) else {
                continue;
            };
            step.id = ordered.len() + 1;
            done.insert(id, step.id);
            step.needs = step
                .needs
                .iter()
                .filter_map(|need| done.get(need))
                .copied()
                .collect();
            ordered.push(step);
            for next in after.get(&id).into_iter().flatten() {
                if let (Some(count), Some(step)) = (open.get_mut(next), waiting.get(next)) {
                    *count -= 1;
                    if *count == 0 {
                        ready.insert((step.phase, *next));
                    }
                }
            }
        }
        // A cycle would leave steps waiting; they are appended as they are, and `check` refuses the plan.
        ordered.extend(waiting.into_values());
        ordered
    }
}

/// Whether a step changes something that may be running.
const fn touches(op: &Op) -> bool {
    matches!(
        op,
        Op::Unguard { .. }
            | Op::Stop { .. }
            | Op::Rename { .. }
            | Op::Update { .. }
            | Op::Disconnect { .. }
            | Op::Connect { .. }
            | Op::Unpause { .. }
            | Op::RemoveContainer { .. }
            | Op::RemoveFiles { .. }
    )
}
