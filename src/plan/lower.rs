//! From changes to ordered steps.
//!
//! Edges, each for a reason:
//! - what a container needs exists before it is made; what it needs running or healthy is so before it starts;
//! - nothing that runs is touched before everything is prepared (the gate);
//! - a dependant stops before what it depends on, unless its successor runs first;
//! - who gives up a volume, a directory or a port stops before who takes it starts: no two containers ever
//!   run on one volume because of us.

use super::{Op, Phase, Step, StepId, Target};
use crate::base::{Kind, ResourceId, names};
use crate::diff::{Action, Change, ContainerChange, Inputs, Object, claims};
use crate::model::{ContainerSpec, MountSource, Need, NetworkMode, Order, Resource, Spec};
use std::collections::{BTreeMap, BTreeSet};

/// Steps for all changes.
pub(super) fn lower(inputs: &Inputs<'_>, changes: &BTreeMap<ResourceId, Change>) -> Vec<Step> {
    let mut lowering = Lowering {
        inputs,
        steps: Vec::new(),
        made: BTreeMap::new(),
        marks: BTreeMap::new(),
    };
    for kind in [Kind::Image, Kind::Network, Kind::Volume] {
        for change in changes
            .values()
            .filter(|c| c.id.kind == kind && c.action != Action::Remove)
        {
            let op = match kind {
                Kind::Image => Op::FetchImage,
                Kind::Network => Op::CreateNetwork,
                _ => Op::CreateVolume,
            };
            let step = lowering.add(op, &change.id, Phase::Prepare, [], word(change.action));
            lowering.made.insert(change.id.clone(), step);
        }
    }
    for change in changes.values() {
        if let Some(container) = &change.container {
            lowering.container(change, container);
        }
    }
    lowering.join();
    lowering.gate();
    lowering.verify();
    for change in changes
        .values()
        .filter(|c| c.action == Action::Remove && c.id.kind == Kind::Network)
    {
        if let Some(id) = &change.object {
            let after: Vec<_> = lowering
                .steps
                .iter()
                .filter(|s| matches!(s.op, Op::RemoveContainer { .. } | Op::Disconnect { .. }))
                .map(|s| s.id)
                .collect();
            lowering.add(
                Op::RemoveNetwork { id: id.clone() },
                &change.id,
                Phase::Commit,
                after,
                word(change.action),
            );
        }
    }
    lowering.finish()
}

const fn word(action: Action) -> &'static str {
    match action {
        Action::Pull => "missing or moved",
        Action::Create => "new",
        Action::Start => "start",
        Action::Update => "update",
        Action::Replace => "replace",
        Action::Restore => "restore",
        Action::Remove => "remove",
    }
}

/// The steps of one container that others order themselves by.
#[derive(Clone, Debug, Default)]
struct Marks {
    /// Steps that stop something of it, with what is given up.
    stops: Vec<(StepId, Vec<String>)>,
    /// The step that starts it, with what is taken.
    start: Option<(StepId, Vec<String>)>,
    /// When it runs and works.
    ready: Option<StepId>,
    /// Whether its successor runs before it stops.
    start_first: bool,
}

struct Lowering<'a> {
    inputs: &'a Inputs<'a>,
    steps: Vec<Step>,
    made: BTreeMap<ResourceId, StepId>,
    marks: BTreeMap<ResourceId, Marks>,
}

/// Why a container's successor cannot run beside it; none where it can.
pub(crate) fn forbids_start_first(spec: &ContainerSpec) -> Option<String> {
    if let Some((port, to)) = spec.ports.iter().next() {
        return Some(format!("it publishes port {} ({port})", to.host));
    }
    if spec.network_mode == NetworkMode::Host {
        return Some("it uses the host's network".into());
    }
    if spec
        .live
        .networks
        .values()
        .any(|attachment| attachment.address.is_some())
    {
        return Some("it has a fixed address".into());
    }
    spec.mounts
        .iter()
        .find_map(|(target, mount)| match &mount.source {
            _ if mount.read_only => None,
            MountSource::Volume(name) => Some(format!("it writes to volume {name} ({target})")),
            MountSource::Directory(path) => Some(format!("it writes to directory {path}")),
            MountSource::Tmpfs { .. } => None,
        })
}

/// Which of the two runs first when this container is replaced.
pub(crate) fn replace_order(resource: &Resource, spec: &ContainerSpec) -> Order {
    match (resource.life.update.order, forbids_start_first(spec)) {
        (Order::StopFirst, _) | (_, Some(_)) => Order::StopFirst,
        (Order::Auto | Order::StartFirst, None) => Order::StartFirst,
    }
}

impl Lowering<'_> {
    fn add(
        &mut self,
        op: Op,
        of: &ResourceId,
        phase: Phase,
        needs: impl IntoIterator<Item = StepId>,
        cause: &str,
    ) -> StepId {
        let id = self.steps.len() + 1;
        let needs = needs.into_iter().collect();
        self.steps.push(Step {
            id,
            op,
            needs,
            of: of.clone(),
            phase,
            cause: cause.to_owned(),
        });
        id
    }

    fn step(&mut self, id: StepId) -> Option<&mut Step> {
        self.steps.get_mut(id.checked_sub(1)?)
    }

    fn container(&mut self, change: &Change, objects: &ContainerChange) {
        let id = &change.id;
        let cause = word(change.action);
        let mut marks = Marks::default();
        let resource = self.inputs.desired.resources.get(id);
        let Some((resource, Spec::Container(spec))) = resource.map(|r| (r, &r.spec)) else {
            for object in &objects.others {
                let stop = self.stop(id, object, cause, &mut marks);
                self.retire(id, object, stop, cause);
            }
            self.marks.insert(id.clone(), marks);
            return;
        };
        let needs_new = objects.keep.is_none();
        marks.start_first = needs_new && replace_order(resource, spec) == Order::StartFirst;
        let name = resource.name.as_str();
        let next = format!("{name}{}", names::NEXT);

        // 1. What will run is there.
        let (target, created) = match &objects.keep {
            Some(keep) => (Target::Known(keep.id.clone()), None),
            None => {
                let replaces = objects.others.iter().any(|other| other.current);
                // A leftover that has the name we are about to give goes first.
                let mut needs = self.needs_to_exist(resource);
                for other in objects.others.iter().filter(|o| o.name == next) {
                    let target = Target::Known(other.id.clone());
                    needs.push(self.add(
                        Op::RemoveContainer { target },
                        id,
                        Phase::Prepare,
                        [],
                        "leftover",
                    ));
                }
                let name = if replaces {
                    next.clone()
                } else {
                    name.to_owned()
                };
                let step = self.add(
                    Op::CreateContainer { name },
                    id,
                    Phase::Prepare,
                    needs,
                    cause,
                );
                (Target::New(id.clone()), Some(step))
            }
        };

        // 2. What runs in its place gives way.
        let mut way: Vec<StepId> = Vec::new();
        let mut name_free: Vec<StepId> = Vec::new();
        let others: Vec<_> = objects
            .others
            .iter()
            .filter(|o| !(needs_new && o.name == next))
            .collect();
        let stop_early = !marks.start_first;
        let mut late: Vec<&Object> = Vec::new();
        for other in others {
            if !stop_early && other.active {
                late.push(other);
                continue;
            }
            let stop = self.stop(id, other, cause, &mut marks);
            way.extend(stop);
            name_free.extend(self.step_aside(id, name, other, stop.into_iter().collect(), cause));
        }

        // 3. It starts and works.
        let mut before_start: Vec<StepId> = created.into_iter().chain(way).collect();
        let moved = objects.keep.as_ref().is_some_and(|keep| !keep.current);
        let renamed_first = late.is_empty();
        if renamed_first
            && (moved || (created.is_some() && objects.others.iter().any(|o| o.current)))
        {
            let needs: Vec<_> = created
                .into_iter()
                .chain(name_free.iter().copied())
                .collect();
            let to = name.to_owned();
            let rename = self.add(
                Op::Rename {
                    target: target.clone(),
                    to,
                },
                id,
                Phase::Switch,
                needs,
                cause,
            );
            before_start.push(rename);
        } else {
            before_start.extend(name_free.iter().copied());
        }
        let last = self.mend_live(id, objects, &target, &mut before_start, cause);
        let keep = objects.keep.as_ref();
        let starts = keep.is_none_or(|keep| !keep.active);
        let mut ready = last;
        if let Some(keep) = keep.filter(|keep| keep.paused) {
            let target = Target::Known(keep.id.clone());
            ready = Some(self.add(
                Op::Unpause { target },
                id,
                Phase::Switch,
                before_start.clone(),
                cause,
            ));
        }
        if starts {
            let start = self.add(
                Op::Start {
                    target: target.clone(),
                },
                id,
                Phase::Switch,
                before_start,
                cause,
            );
            marks.start = Some((start, claims(spec)));
            ready = Some(start);
        }
        if starts || keep.is_some_and(|keep| keep.paused) {
            let update = &resource.life.update;
            let patience = spec
                .health
                .as_ref()
                .map_or(update.timeout, |h| h.patience().min(update.timeout));
            let op = Op::AwaitHealthy {
                target: target.clone(),
                settle: update.settle,
                patience,
            };
            ready = Some(self.add(op, id, Phase::Switch, ready, cause));
        }
        if created.is_some() && !spec.post_run.is_empty() {
            ready = Some(self.add(
                Op::PostRun {
                    target: target.clone(),
                },
                id,
                Phase::Switch,
                ready,
                cause,
            ));
        }
        marks.ready = ready;

        // 4. Start-first: now the old one gives way.
        if !late.is_empty() {
            let mut free = name_free;
            for other in late {
                let stop = self.stop(id, other, cause, &mut marks);
                if let (Some(stop), Some(ready)) = (stop, ready)
                    && let Some(step) = self.step(stop)
                {
                    step.needs.insert(ready);
                }
                free.extend(self.step_aside(id, name, other, stop.into_iter().collect(), cause));
            }
            if created.is_some() || moved {
                free.extend(ready);
                self.add(
                    Op::Rename {
                        target,
                        to: name.to_owned(),
                    },
                    id,
                    Phase::Switch,
                    free,
                    cause,
                );
            }
        }
        self.marks.insert(id.clone(), marks);
    }

    /// In-place changes; returns the last of them.
    fn mend_live(
        &mut self,
        id: &ResourceId,
        objects: &ContainerChange,
        target: &Target,
        before_start: &mut Vec<StepId>,
        cause: &str,
    ) -> Option<StepId> {
        let mut last = None;
        let live = &objects.live;
        if let (Some(update), Some(_)) = (&live.update, &objects.keep) {
            let op = Op::Update {
                target: target.clone(),
                live: update.clone(),
            };
            last = Some(self.add(op, id, Phase::Switch, before_start.clone(), cause));
            before_start.extend(last);
        }
        if objects.keep.is_none() {
            return last;
        }
        for network in &live.disconnect {
            let op = Op::Disconnect {
                target: target.clone(),
                network: network.clone(),
            };
            last = Some(self.add(op, id, Phase::Switch, before_start.clone(), cause));
            before_start.extend(last);
        }
        for (network, attachment) in &live.connect {
            let made = self
                .inputs
                .desired
                .by_name(Kind::Network, network)
                .and_then(|(id, _)| self.made.get(id))
                .copied();
            let op = Op::Connect {
                target: target.clone(),
                network: network.clone(),
                attachment: attachment.clone(),
            };
            last = Some(self.add(
                op,
                id,
                Phase::Switch,
                before_start.iter().copied().chain(made),
                cause,
            ));
            before_start.extend(last);
        }
        last
    }

    /// Stops `object` where it is active; in any case the engine shall not start it by itself any more.
    fn stop(
        &mut self,
        id: &ResourceId,
        object: &Object,
        cause: &str,
        marks: &mut Marks,
    ) -> Option<StepId> {
        let target = Target::Known(object.id.clone());
        let mut last = None;
        if object.restarts {
            last = Some(self.add(
                Op::Unguard {
                    target: target.clone(),
                },
                id,
                Phase::Switch,
                [],
                cause,
            ));
        }
        if object.active {
            let stop = self.add(Op::Stop { target }, id, Phase::Switch, last, cause);
            marks.stops.push((stop, object.claims.clone()));
            last = Some(stop);
        }
        last
    }

    /// Frees the resource's name where `object` has it; what an undo would want back is kept until commit,
    /// the rest goes at once.
    fn step_aside(
        &mut self,
        id: &ResourceId,
        name: &str,
        object: &Object,
        after: Vec<StepId>,
        cause: &str,
    ) -> Option<StepId> {
        let target = Target::Known(object.id.clone());
        if !object.good {
            if self.inputs.wishes.keep_failed
                && !object.name.ends_with(names::FAILED)
                && object.ever_started
            {
                let to = format!("{name}{}", names::FAILED);
                return Some(self.add(
                    Op::Rename { target, to },
                    id,
                    Phase::Switch,
                    after,
                    "kept to be looked at",
                ));
            }
            return Some(self.add(
                Op::RemoveContainer { target },
                id,
                Phase::Switch,
                after,
                cause,
            ));
        }
        let aside = object.current.then(|| {
            let to = format!("{name}{}", names::PREV);
            self.add(
                Op::Rename {
                    target: target.clone(),
                    to,
                },
                id,
                Phase::Switch,
                after,
                cause,
            )
        });
        self.add(Op::RemoveContainer { target }, id, Phase::Commit, [], cause);
        aside
    }

    /// What is no longer in the files: it stops now and goes at commit.
    fn retire(&mut self, id: &ResourceId, object: &Object, stop: Option<StepId>, cause: &str) {
        let target = Target::Known(object.id.clone());
        if object.good {
            self.add(
                Op::RemoveContainer { target },
                id,
                Phase::Commit,
                stop,
                cause,
            );
        } else if self.inputs.wishes.keep_failed
            && object.ever_started
            && !object.name.ends_with(names::FAILED)
        {
            let to = format!(
                "{}{}",
                object.name.trim_end_matches(names::NEXT),
                names::FAILED
            );
            self.add(
                Op::Rename { target, to },
                id,
                Phase::Switch,
                stop,
                "kept to be looked at",
            );
        } else {
            self.add(
                Op::RemoveContainer { target },
                id,
                Phase::Switch,
                stop,
                cause,
            );
        }
    }

    fn needs_to_exist(&self, resource: &Resource) -> Vec<StepId> {
        resource
            .needs
            .keys()
            .filter_map(|need| self.made.get(need))
            .copied()
            .collect()
    }

    /// Edges between containers.
    fn join(&mut self) {
        let mut edges: Vec<(StepId, StepId)> = Vec::new();
        let marks = std::mem::take(&mut self.marks);
        let mut giving_up: BTreeMap<&str, Vec<(StepId, &ResourceId)>> = BTreeMap::new();
        for (id, mark) in &marks {
            for (stop, claims) in &mark.stops {
                for claim in claims {
                    giving_up
                        .entry(claim.as_str())
                        .or_default()
                        .push((*stop, id));
                }
            }
        }
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
                if !mark.start_first {
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

    /// What a container needs: as desired; for one that goes, as last applied.
    fn needs(&self, id: &ResourceId) -> BTreeMap<ResourceId, Need> {
        let of = |stack: &crate::model::Stack| {
            stack
                .resources
                .get(id)
                .map(|resource| resource.needs.clone())
        };
        of(self.inputs.desired)
            .or_else(|| self.inputs.base.and_then(of))
            .unwrap_or_default()
    }

    /// Everything that touches what runs waits until all is prepared. A start of something new touches
    /// nothing, so a first apply has no gate to wait for.
    fn gate(&mut self) {
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

    fn verify(&mut self) {
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
        containers.retain(|id| self.inputs.hold(id).is_none());
        let Some((_, first)) = switched.first().cloned() else {
            return;
        };
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
    fn finish(self) -> Vec<Step> {
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
    )
}
