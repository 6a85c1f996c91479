//! From changes to ordered steps.
//!
//! Edges, each for a reason:
//! - what a container needs exists before it is made; what it needs running or healthy is so before it starts;
//! - nothing that runs is touched before everything is prepared (the gate);
//! - a dependant stops before what it depends on, unless its successor runs first;
//! - who gives up a volume, a directory or a port stops before who takes it starts: no two containers ever
//!   run on one volume because of us.

use super::{Op, Phase, Step, StepId, Target, beside::replace_order};
use crate::base::{EngineId, Kind, ResourceId, names};
use crate::diff::{Action, Cause, Change, ContainerChange, Inputs, Object, claims};
use crate::model::{Order, Resource, Spec};
use std::collections::{BTreeMap, BTreeSet};

/// Steps for all changes.
pub(super) fn lower(inputs: &Inputs<'_>, changes: &BTreeMap<ResourceId, Change>) -> Vec<Step> {
    let mut lowering = Lowering {
        inputs,
        steps: Vec::new(),
        made: BTreeMap::new(),
        marks: BTreeMap::new(),
        names: BTreeMap::new(),
    };
    for kind in [Kind::Image, Kind::Network, Kind::Volume, Kind::File] {
        for change in changes
            .values()
            .filter(|c| c.id.kind == kind && c.action != Action::Remove)
        {
            let op = match kind {
                Kind::Image if change.action == Action::Build => Op::BuildImage {
                    pull: pulled(lowering.inputs, change),
                },
                Kind::Image => Op::FetchImage,
                Kind::Network => Op::CreateNetwork,
                Kind::File => Op::WriteFiles,
                _ => Op::CreateVolume,
            };
            let step = lowering.add(op, &change.id, Phase::Prepare, [], word(change.action));
            lowering.made.insert(change.id.clone(), step);
        }
    }
    lowering.builds();
    for change in changes.values() {
        if let Some(container) = &change.container {
            lowering.container(change, container);
        }
    }
    lowering.order_back(changes);
    lowering.join();
    lowering.free_names();
    lowering.gate();
    lowering.verify();
    for change in changes
        .values()
        .filter(|c| c.action == Action::Remove && c.id.kind != Kind::Container)
    {
        if let Some(id) = &change.object {
            let op = match change.id.kind {
                Kind::File => Op::RemoveFiles { name: id.clone() },
                _ => Op::RemoveNetwork { id: id.clone() },
            };
            let after: Vec<_> = lowering
                .steps
                .iter()
                .filter(|s| matches!(s.op, Op::RemoveContainer { .. } | Op::Disconnect { .. }))
                .map(|s| s.id)
                .collect();
            lowering.add(op, &change.id, Phase::Commit, after, word(change.action));
        }
    }
    lowering.finish()
}

/// What a build starts from and is pulled before: what has moved, and all where the files ask for that. What
/// the stack builds itself no registry has.
fn pulled(inputs: &Inputs<'_>, change: &Change) -> BTreeSet<String> {
    let moved = change
        .fields
        .iter()
        .filter(|field| field.cause == Cause::Upstream);
    let moved = moved.filter_map(|field| field.field.strip_prefix("base."));
    let mut all: BTreeSet<String> = moved.map(str::to_owned).collect();
    if let Some(Spec::Image(image)) = inputs.desired.resources.get(&change.id).map(|it| &it.spec)
        && let Some(build) = image.build.as_ref().filter(|build| build.pull)
    {
        let bases = build.bases.iter();
        all.extend(
            bases
                .filter(|base| !build.built_bases.contains_key(*base))
                .cloned(),
        );
    }
    all
}

const fn word(action: Action) -> &'static str {
    match action {
        Action::Pull => "missing or moved",
        Action::Build => "missing or changed",
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
pub(super) struct Marks {
    /// Steps that stop something of it, with what is given up.
    pub(super) stops: Vec<(StepId, Vec<String>)>,
    /// Steps after which something of it that does not run will not be started by the engine either, and
    /// those that end what a run that was cut off left; with what is given up.
    pub(super) quiets: Vec<(StepId, Vec<String>)>,
    /// The step that starts it, with what is taken.
    pub(super) start: Option<(StepId, Vec<String>)>,
    /// The step that makes it.
    pub(super) created: Option<StepId>,
    /// When it runs and works.
    pub(super) ready: Option<StepId>,
    /// Whether its successor runs before it stops.
    pub(super) start_first: bool,
}

pub(super) struct Lowering<'a> {
    pub(super) inputs: &'a Inputs<'a>,
    pub(super) steps: Vec<Step>,
    pub(super) made: BTreeMap<ResourceId, StepId>,
    pub(super) marks: BTreeMap<ResourceId, Marks>,
    /// Who has which name now.
    pub(super) names: BTreeMap<String, EngineId>,
}

impl Lowering<'_> {
    pub(super) fn add(
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

    pub(super) fn step(&mut self, id: StepId) -> Option<&mut Step> {
        self.steps.get_mut(id.checked_sub(1)?)
    }

    /// What is built after what it starts from.
    fn builds(&mut self) {
        let made = &self.made;
        for step in &mut self.steps {
            if let Op::BuildImage { .. } = step.op
                && let Some(image) = self.inputs.desired.resources.get(&step.of)
            {
                step.needs
                    .extend(image.needs.keys().filter_map(|base| made.get(base)));
            }
        }
    }

    fn container(&mut self, change: &Change, objects: &ContainerChange) {
        let id = &change.id;
        let cause = word(change.action);
        let mut marks = Marks::default();
        for object in objects.keep.iter().chain(&objects.others) {
            self.names.insert(object.name.clone(), object.id.clone());
        }
        if let (Some(keep), Some(adopted)) = (&objects.keep, &objects.adopted) {
            self.put_back(id, keep, adopted, &objects.live, cause);
            return;
        }
        let resource = self.inputs.desired.resources.get(id);
        let Some((resource, Spec::Container(spec))) = resource.map(|r| (r, &r.spec)) else {
            for object in &objects.others {
                let stop = self.stop(id, object, None, cause, &mut marks);
                self.retire(id, object, stop, cause, &mut marks);
            }
            self.marks.insert(id.clone(), marks);
            return;
        };
        let needs_new = objects.keep.is_none();
        marks.start_first =
            needs_new && replace_order(resource, spec, &objects.others) == Order::StartFirst;
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
                    needs.push(self.leftover(id, other, &mut marks));
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

        marks.created = created;

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
            let stop = self.stop(id, other, None, cause, &mut marks);
            way.extend(stop);
            name_free.extend(self.step_aside(
                id,
                name,
                other,
                stop.into_iter().collect(),
                cause,
                &mut marks,
            ));
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
        let keep = objects.keep.as_ref();
        let ending = keep.filter(|keep| keep.ending);
        if let Some(keep) = ending {
            // Once it has ended for good, it can be started again.
            let target = Target::Known(keep.id.clone());
            let needs = before_start.clone();
            let stop = self.add(Op::Stop { target }, id, Phase::Switch, needs, cause);
            marks.stops.push((stop, keep.claims.clone()));
            before_start.push(stop);
        }
        let last = self.mend_live(id, objects, &target, &mut before_start, cause);
        let job = resource.about.as_ref().is_some_and(|about| about.job);
        let done = |keep: &Object| job && (keep.completed || self.inputs.wishes.undo);
        let starts = keep.is_none_or(|keep| (!keep.active || keep.ending) && !done(keep));
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
        let commands = created.is_some() && !spec.post_run.is_empty();
        let post_run = Op::PostRun {
            target: target.clone(),
        };
        if commands && spec.post_run_at_start {
            ready = Some(self.add(post_run.clone(), id, Phase::Switch, ready, cause));
        }
        // One that a run which was cut off had switched to was never seen to work, and what it replaced goes.
        let unproven = keep.is_some() && objects.others.iter().any(|other| other.good);
        if job {
            if starts {
                let target = target.clone();
                let patience = resource.life.update.timeout;
                let op = Op::AwaitCompleted { target, patience };
                ready = Some(self.add(op, id, Phase::Switch, ready, cause));
            }
        } else if starts || unproven || keep.is_some_and(|keep| keep.paused) {
            let before: Vec<_> = ready.into_iter().collect();
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
            ready = Some(self.add(op, id, Phase::Switch, before, cause));
        }
        if commands && !spec.post_run_at_start {
            ready = Some(self.add(post_run, id, Phase::Switch, ready, cause));
        }
        marks.ready = ready;

        // 4. Start-first: now the old one gives way.
        if !late.is_empty() {
            let mut free = name_free;
            for other in late {
                let stop = self.stop(id, other, ready, cause, &mut marks);
                free.extend(self.step_aside(
                    id,
                    name,
                    other,
                    stop.into_iter().collect(),
                    cause,
                    &mut marks,
                ));
            }
            let other_name = objects.others.iter().any(|other| other.current);
            if (created.is_some() && other_name) || moved {
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

    /// Ends and removes what a run that was cut off had not switched to. It serves nobody, so this comes
    /// before the gate.
    fn leftover(&mut self, id: &ResourceId, object: &Object, marks: &mut Marks) -> StepId {
        const CAUSE: &str = "leftover";
        let target = Target::Known(object.id.clone());
        let stop = object.active.then(|| {
            let target = target.clone();
            self.add(Op::Stop { target }, id, Phase::Prepare, [], CAUSE)
        });
        let op = Op::RemoveContainer { target };
        let remove = self.add(op, id, Phase::Prepare, stop, CAUSE);
        marks.quiets.push((remove, object.claims.clone()));
        remove
    }

    /// Stops `object` where it is active; the engine shall not start it by itself any more, unless it does not run
    /// and goes right away. All of it comes after `after`: until then it is as safe from a crash as it was.
    fn stop(
        &mut self,
        id: &ResourceId,
        object: &Object,
        after: Option<StepId>,
        cause: &str,
        marks: &mut Marks,
    ) -> Option<StepId> {
        let target = Target::Known(object.id.clone());
        let mut last = after;
        let failed = self.inputs.wishes.keep_failed && object.ever_started;
        if object.restarts && (object.active || object.good || failed) {
            let target = target.clone();
            let unguard = self.add(Op::Unguard { target }, id, Phase::Switch, last, cause);
            marks.quiets.push((unguard, object.claims.clone()));
            last = Some(unguard);
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
        marks: &mut Marks,
    ) -> Option<StepId> {
        let target = Target::Known(object.id.clone());
        if !object.good {
            let to = format!("{name}{}", names::FAILED);
            if self.keeps_failed(object, &to) {
                return Some(self.add(
                    Op::Rename { target, to },
                    id,
                    Phase::Switch,
                    after,
                    "kept to be looked at",
                ));
            }
            let op = Op::RemoveContainer { target };
            let remove = self.add(op, id, Phase::Switch, after, cause);
            if !object.active {
                marks.quiets.push((remove, object.claims.clone()));
            }
            return Some(remove);
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
    fn retire(
        &mut self,
        id: &ResourceId,
        object: &Object,
        stop: Option<StepId>,
        cause: &str,
        marks: &mut Marks,
    ) {
        let target = Target::Known(object.id.clone());
        if object.good {
            self.add(
                Op::RemoveContainer { target },
                id,
                Phase::Commit,
                stop,
                cause,
            );
            return;
        }
        let own = object.name.trim_end_matches(names::NEXT);
        let to = format!("{}{}", own.trim_end_matches(names::PREV), names::FAILED);
        if self.keeps_failed(object, &to) {
            self.add(
                Op::Rename { target, to },
                id,
                Phase::Switch,
                stop,
                "kept to be looked at",
            );
        } else {
            let op = Op::RemoveContainer { target };
            let remove = self.add(op, id, Phase::Switch, stop, cause);
            if !object.active {
                marks.quiets.push((remove, object.claims.clone()));
            }
        }
    }

    /// Whether `object` failed and is kept as `to`. One of a name: a second one goes.
    fn keeps_failed(&self, object: &Object, to: &str) -> bool {
        let taken = self
            .steps
            .iter()
            .any(|step| matches!(&step.op, Op::Rename { to: other, .. } if other == to));
        self.inputs.wishes.keep_failed
            && object.ever_started
            && !object.name.ends_with(names::FAILED)
            && !taken
    }

    fn needs_to_exist(&self, resource: &Resource) -> Vec<StepId> {
        resource
            .needs
            .keys()
            .filter_map(|need| self.made.get(need))
            .copied()
            .collect()
    }
}
