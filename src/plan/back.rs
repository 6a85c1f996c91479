//! Putting back containers that are not coasti's and were about to be taken over.

use super::lower::{Lowering, Marks};
use super::{Op, Phase, StepId, Target};
use crate::base::ResourceId;
use crate::diff::{Adopted, Change, LiveChange, Object};
use std::collections::BTreeMap;

impl Lowering<'_> {
    /// Gives a container that is not coasti's back what it had: its restart policy, and that it runs. All of
    /// it comes after the end of what was to take its place.
    pub(super) fn put_back(
        &mut self,
        id: &ResourceId,
        object: &Object,
        adopted: &Adopted,
        live: &LiveChange,
        cause: &str,
    ) {
        let target = || Target::Known(object.id.clone());
        let mut ops = Vec::new();
        if object.ending {
            ops.push(Op::Stop { target: target() });
        }
        if let Some(live) = live.update.clone() {
            ops.push(Op::Update {
                target: target(),
                live,
            });
        }
        if adopted.running && (!object.active || object.ending) {
            ops.push(Op::Start { target: target() });
            ops.push(Op::AwaitBack {
                target: target(),
                healthy: adopted.healthy,
            });
        }
        if adopted.paused && (!object.paused || object.ending) {
            ops.push(Op::Pause { target: target() });
        }
        let mut marks = Marks::default();
        let mut last = None;
        for op in ops {
            let step = self.add(op, id, Phase::Switch, last, cause);
            // From its first step on the engine may start it.
            marks
                .start
                .get_or_insert_with(|| (step, object.claims.clone()));
            last = Some(step);
        }
        marks.ready = last;
        self.marks.insert(id.clone(), marks);
    }

    /// Each comes back after what was to take its place has stopped, and after what that needs is back.
    pub(super) fn order_back(&mut self, changes: &BTreeMap<ResourceId, Change>) {
        let back = |change: &Change| Some((change.id.clone(), change.container.clone()?.adopted?));
        let back: Vec<(ResourceId, Adopted)> = changes.values().filter_map(back).collect();
        let mut edges: Vec<(StepId, StepId)> = Vec::new();
        for (id, adopted) in &back {
            let Some((first, _)) = self.marks.get(id).and_then(|mark| mark.start.as_ref()) else {
                continue;
            };
            let successor = self.marks.get(&adopted.of);
            let stops = successor.into_iter().flat_map(|mark| &mark.stops);
            edges.extend(stops.map(|(stop, _)| (*stop, *first)));
            let needed = self.needed(&adopted.of);
            let others = back.iter().filter(|(_, other)| needed.contains(&other.of));
            let ready = others.filter_map(|(id, _)| self.marks.get(id)?.ready);
            edges.extend(ready.map(|ready| (ready, *first)));
        }
        for (before, after) in edges {
            if let Some(step) = self.step(after) {
                step.needs.insert(before);
            }
        }
    }
}
