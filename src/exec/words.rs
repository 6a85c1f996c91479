//! Steps in a few words for people: while one is done, and when it is.

use super::VERIFIED;
use crate::base::{ResourceId, names};
use crate::diff::{Action, Reason};
use crate::plan::{Op, Plan, Step, Target};
use std::collections::{BTreeMap, BTreeSet};

/// Where one container takes another's place, both have the same address: which of them is meant is to be said.
#[derive(Default)]
pub(super) struct Words {
    /// What goes in the end.
    going: BTreeSet<Target>,
    /// Where something goes and something else stays: whether that is the new one.
    places: BTreeMap<ResourceId, bool>,
    /// What stands beside what stays, by its name.
    beside: BTreeMap<Target, &'static str>,
}

impl Words {
    pub(super) fn of(plan: &Plan) -> Self {
        let goes = |step: &&Step| match &step.op {
            Op::RemoveContainer { .. } => true,
            Op::Rename { to, .. } => to.ends_with(names::FAILED),
            _ => false,
        };
        let going = plan.steps.iter().filter(goes);
        let going: BTreeSet<Target> = going.filter_map(|step| step.op.target().cloned()).collect();
        let mut words = Self {
            going,
            places: BTreeMap::new(),
            beside: beside(plan),
        };
        let gone: BTreeSet<&ResourceId> = plan
            .steps
            .iter()
            .filter(|step| {
                step.op
                    .target()
                    .is_some_and(|target| words.going.contains(target))
            })
            .map(|step| &step.of)
            .collect();
        // Made by a run that was cut off, it is the new one all the same.
        let adopts = |reason: &Reason| matches!(reason, Reason::Adopts { .. });
        let adopting = plan.changes.iter();
        let adopting = adopting.filter(|change| change.reasons.iter().any(adopts));
        let adopting: BTreeSet<&ResourceId> = adopting.map(|change| &change.id).collect();
        let mut places = BTreeMap::new();
        for step in plan.steps.iter().filter(|step| gone.contains(&step.of)) {
            if let Some(target) = step
                .op
                .target()
                .filter(|target| !words.going.contains(target))
            {
                let new = matches!(target, Target::New(_)) || adopting.contains(&step.of);
                places.insert(step.of.clone(), new);
            }
        }
        words.places = places;
        words
    }

    /// What is done, and what was.
    pub(super) fn say(&self, step: &Step) -> (String, String) {
        let (doing, done) = plain(&step.op);
        let plainly = || (doing.to_owned(), done.to_owned());
        let Some(target) = step.op.target() else {
            return plainly();
        };
        let Some(new_stays) = self.places.get(&step.of) else {
            return match self.beside.get(target) {
                Some(which) => (format!("{which} {doing}"), format!("{which} {done}")),
                None => plainly(),
            };
        };
        let goes = self.going.contains(target);
        let which = if goes == *new_stays {
            "(old one)"
        } else {
            "(new one)"
        };
        let place = match &step.op {
            Op::Rename { to, .. } if to.ends_with(names::FAILED) => "kept",
            Op::Rename { .. } if goes => "set aside",
            Op::Rename { .. } if *new_stays => "in its place",
            Op::Rename { .. } => "back in place",
            // What is to stay is what its address means.
            _ if !goes && *new_stays => return plainly(),
            _ => done,
        };
        (format!("{which} {doing}"), format!("{which} {place}"))
    }
}

/// Containers that go while the one with the resource's own name stays as it is.
fn beside(plan: &Plan) -> BTreeMap<Target, &'static str> {
    let stays = plan.changes.iter().filter(|it| it.action != Action::Remove);
    let others = stays.filter_map(|change| change.container.as_ref());
    let others = others.flat_map(|objects| &objects.others);
    let known = others.filter_map(|object| {
        let which = match object.name.as_str() {
            name if name.ends_with(names::NEXT) => "(new one)",
            name if name.ends_with(names::PREV) => "(old one)",
            _ => return None,
        };
        Some((Target::Known(object.id.clone()), which))
    });
    known.collect()
}

/// Whether more follows for a container, as far as a step's own word tells.
pub fn leads_on(done: &str) -> bool {
    let which = ["(old one) ", "(new one) "];
    if let Some(done) = which.iter().find_map(|which| done.strip_prefix(which)) {
        return done == "updated" || leads_on(done);
    }
    matches!(
        done,
        "created"
            | "restart policy set"
            | "stopped"
            | "renamed"
            | "set aside"
            | "in its place"
            | "left network"
            | "started"
    )
}

/// Without saying of which container.
pub(super) const fn plain(op: &Op) -> (&'static str, &'static str) {
    match op {
        Op::FetchImage => ("pulling", "pulled"),
        Op::BuildImage { .. } => ("building", "built"),
        Op::CreateNetwork | Op::CreateVolume | Op::CreateContainer { .. } => {
            ("creating", "created")
        }
        Op::WriteFiles => ("writing", "written"),
        Op::Prepared => ("prepared", "prepared"),
        Op::Unguard { .. } => ("setting restart policy", "restart policy set"),
        Op::Stop { .. } => ("stopping", "stopped"),
        Op::Rename { .. } => ("renaming", "renamed"),
        Op::Update { .. } => ("updating", "updated"),
        Op::Disconnect { .. } => ("leaving network", "left network"),
        Op::Connect { .. } => ("joining network", "joined network"),
        Op::Pause { .. } => ("pausing", "paused"),
        Op::Unpause { .. } => ("unpausing", "unpaused"),
        Op::Start { .. } => ("starting", "started"),
        Op::AwaitHealthy { .. } => ("waiting until healthy", "healthy"),
        Op::AwaitBack { .. } => ("waiting until it works as before", "works as before"),
        Op::AwaitCompleted { .. } => ("running to its end", "completed"),
        Op::PostRun { .. } => ("running post-run commands", "post-run commands done"),
        Op::Verify { .. } => ("verifying", VERIFIED),
        Op::RemoveContainer { .. } | Op::RemoveNetwork { .. } | Op::RemoveFiles { .. } => {
            ("removing", "removed")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{EngineId, StackName};
    use crate::diff::Change;
    use crate::plan::Phase;

    fn said(ops: Vec<Op>) -> Vec<String> {
        said_of(ops, Vec::new())
    }

    fn said_of(ops: Vec<Op>, changes: Vec<Change>) -> Vec<String> {
        let step = |op| Step {
            id: 1,
            op,
            needs: BTreeSet::new(),
            of: ResourceId::container("wiki"),
            phase: Phase::Switch,
            cause: String::new(),
        };
        let plan = Plan {
            stack: StackName::new("acme"),
            changes,
            refusals: Vec::new(),
            notices: BTreeSet::new(),
            steps: ops.into_iter().map(step).collect(),
            outside: BTreeMap::new(),
        };
        let words = Words::of(&plan);
        plan.steps.iter().map(|step| words.say(step).1).collect()
    }

    #[test]
    fn it_is_said_which_of_two_is_meant() {
        let (one, other) = (EngineId::new("one"), EngineId::new("other"));
        let known = |id: &EngineId| Target::Known(id.clone());
        let new = || Target::New(ResourceId::container("wiki"));
        let rename = |target, to: &str| Op::Rename {
            target,
            to: to.to_owned(),
        };
        let stop = |target| Op::Stop { target };
        let start = |target| Op::Start { target };
        let remove = |target| Op::RemoveContainer { target };
        let apply = said(vec![
            stop(known(&one)),
            rename(known(&one), "acme-wiki.prev"),
            rename(new(), "acme-wiki"),
            start(new()),
            remove(known(&one)),
        ]);
        let words = "(old one) stopped, (old one) set aside, (new one) in its place, started, (old one) removed";
        assert_eq!(apply.join(", "), words);
        let undo = said(vec![
            stop(known(&other)),
            remove(known(&other)),
            rename(known(&one), "acme-wiki"),
            start(known(&one)),
        ]);
        let words =
            "(new one) stopped, (new one) removed, (old one) back in place, (old one) started";
        assert_eq!(undo.join(", "), words);
        // Of a run that was cut off in a takeover, the new one is there already.
        let takeover = Change {
            id: ResourceId::container("wiki"),
            name: "acme-wiki".into(),
            action: Action::Start,
            reasons: vec![Reason::Adopts {
                name: "wiki".into(),
            }],
            fields: Vec::new(),
            origin: None,
            strategy: None,
            container: None,
            object: None,
        };
        let resumed = said_of(
            vec![stop(known(&one)), start(known(&other)), remove(known(&one))],
            vec![takeover],
        );
        assert_eq!(
            resumed,
            ["(old one) stopped", "started", "(old one) removed"]
        );
        // One alone needs no word.
        let destroy = said(vec![stop(known(&one)), remove(known(&one))]);
        assert_eq!(destroy, ["stopped", "removed"]);
        let open: Vec<_> = apply.iter().chain(&undo).map(|it| leads_on(it)).collect();
        let over = [4, 6, 7].map(|at| open[at]);
        assert_eq!(over, [false; 3]);
        assert_eq!(open.iter().filter(|open| **open).count(), 6);
    }
}
