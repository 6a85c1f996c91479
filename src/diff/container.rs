//! Containers: which one stays, and what differs.

use super::adopt::{self, Adopted};
use super::live::{LiveChange, compare_live, removed_limits};
use super::object::completed;
use super::slots::Place;
use super::{
    Action, Candidate, Cause, Change, Diff, FieldChange, Hold, Inputs, Object, Reason, Refusal,
    Slots, Strategy, images::upstream,
};
use crate::base::{EngineId, Kind, ResourceId, names};
use crate::model::{ContainerSpec, Flat, Resource, Role, Spec, flatten, spec_hash};
use crate::observe::{Container, Status};
use serde::{Deserialize, Serialize};

/// The objects that a container's change is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerChange {
    /// The one that stays, where one does.
    pub keep: Option<Object>,
    /// The others, which go at commit.
    pub others: Vec<Object>,
    /// What is changed on the one that stays.
    pub live: LiveChange,
    /// For one that is not coasti's and is put back: what it was like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopted: Option<Adopted>,
}

/// Compares all containers.
pub(super) fn containers(inputs: &Inputs<'_>, slots: &Slots<'_>, diff: &mut Diff) {
    for (id, resource) in inputs
        .desired
        .resources
        .iter()
        .filter(|(id, _)| id.kind == Kind::Container)
    {
        if !inputs.wants(id) {
            continue;
        }
        if let Spec::Container(spec) = &resource.spec {
            if inputs
                .observed
                .foreign
                .containers
                .contains_key(&resource.name)
            {
                diff.refusals.push(taken(id, resource, &resource.name));
                continue;
            }
            if !inputs.wishes.undo {
                let in_place = slots.of(id).iter().any(|c| c.place == Place::Current);
                adopt::check(inputs, id, resource, spec, in_place, diff);
            }
            if let Some(change) = desired(inputs, id, resource, spec, slots.of(id), None) {
                diff.changes.insert(id.clone(), change);
            }
        }
    }
    renew(inputs, slots, diff);
    // While one takes the place of another, both have a name for the time being.
    for change in diff
        .changes
        .values()
        .filter(|c| c.action == Action::Replace)
    {
        let names = [names::NEXT, names::PREV].map(|end| format!("{}{end}", change.name));
        let foreign = &inputs.observed.foreign.containers;
        if let Some(name) = names.iter().find(|name| foreign.contains_key(*name))
            && let Some(resource) = inputs.desired.resources.get(&change.id)
        {
            diff.refusals.push(taken(&change.id, resource, name));
        }
    }
    for id in slots.resources() {
        if !inputs.desired.resources.contains_key(id) && inputs.wants(id) {
            diff.changes
                .insert(id.clone(), gone_from_files(inputs, id, slots.of(id)));
        }
    }
}

/// What goes with a container that is made anew: who uses its network, and jobs that work on it. And what
/// goes with those. Who uses what went with another's end is made anew as well.
fn renew(inputs: &Inputs<'_>, slots: &Slots<'_>, diff: &mut Diff) {
    let is_new = |change: &Change| {
        let kept = change.container.as_ref().is_some_and(|c| c.keep.is_some());
        !kept && matches!(change.action, Action::Create | Action::Replace)
    };
    loop {
        let mut more = Vec::new();
        for (id, resource, spec) in inputs.desired.containers() {
            let with = resource.about.iter().flat_map(|about| &about.renews_with);
            let mut with = with.filter(|other| diff.changes.get(other).is_some_and(is_new));
            let already = diff.changes.get(id).is_some_and(is_new);
            if already || !inputs.wants(id) {
                continue;
            }
            let reason = match with.next() {
                Some(other) => Reason::Renewed {
                    with: other.address.clone(),
                },
                None => match outlived(inputs, slots, diff, id, spec) {
                    Some(other) => Reason::Outlived {
                        other: other.address.clone(),
                    },
                    None => continue,
                },
            };
            let there = slots.of(id);
            more.extend(desired(inputs, id, resource, spec, there, Some(reason)));
        }
        // One that is held has no change, however often it is asked.
        more.retain(is_new);
        if more.is_empty() {
            return;
        }
        let changes = more.into_iter().map(|change| (change.id.clone(), change));
        diff.changes.extend(changes);
    }
}

/// Whose network, processes or memory a container that runs still has, though that one ended since: it runs in what
/// is left of them, and sees nothing of what the other has once it is started again.
fn outlived<'a>(
    inputs: &Inputs<'a>,
    slots: &Slots<'_>,
    diff: &Diff,
    id: &ResourceId,
    spec: &ContainerSpec,
) -> Option<&'a ResourceId> {
    let current = |id: &ResourceId| {
        let mut all = slots.of(id).iter().filter(|c| c.place == Place::Current);
        all.next().map(|c| &c.container.state)
    };
    let own = current(id).filter(|own| own.status.is_active())?;
    if inputs.wishes.undo {
        return None;
    }
    let mut others = inputs.desired.containers();
    let found = others.find(|(other, resource, _)| {
        let shared = spec.shares().any(|name| name == resource.name);
        shared
            && current(other).is_some_and(|other_state| match other_state.status.is_active() {
                // As long as nobody starts it, there is nothing to have of it.
                false => diff.changes.contains_key(*other),
                true => later(&other_state.started_at, &own.started_at),
            })
    });
    found.map(|(other, ..)| other)
}

/// Whether a time of the engine's is later than another. Both are UTC, with as many digits of a second as it takes.
fn later(one: &str, other: &str) -> bool {
    match (one.strip_suffix('Z'), other.strip_suffix('Z')) {
        (Some(one), Some(other)) => one > other,
        _ => false,
    }
}

fn taken(id: &ResourceId, resource: &Resource, name: &str) -> Refusal {
    Refusal {
        code: "P0202".into(),
        id: id.clone(),
        summary: format!("the name `{name}` belongs to a container that is not this stack's"),
        why: "it does not bear this stack's labels, so it is somebody else's".into(),
        help: vec![
            "choose another label, or".into(),
            format!("rename or remove that container (docker rename {name} …)"),
            "if it runs what this one is to run: rename it, and `adopt: NEW-NAME` takes it over"
                .into(),
        ],
        origin: resource.origin("").cloned(),
    }
}

fn gone_from_files(inputs: &Inputs<'_>, id: &ResourceId, candidates: &[Candidate<'_>]) -> Change {
    Change {
        id: id.clone(),
        name: candidates
            .first()
            .map(|c| c.container.name.clone())
            .unwrap_or_default(),
        action: Action::Remove,
        reasons: vec![if inputs.wishes.undo {
            Reason::Leftover
        } else {
            Reason::NotInFiles
        }],
        fields: Vec::new(),
        origin: None,
        strategy: None,
        container: Some(ContainerChange {
            adopted: None,
            keep: None,
            others: candidates
                .iter()
                .map(|c| Object::new(c, !inputs.wishes.undo))
                .collect(),
            live: LiveChange::default(),
        }),
        object: None,
    }
}

/// What must be done for one container; none where all is as it shall be. With a reason to make it anew, it is.
pub(super) fn desired(
    inputs: &Inputs<'_>,
    id: &ResourceId,
    resource: &Resource,
    spec: &ContainerSpec,
    candidates: &[Candidate<'_>],
    anew: Option<Reason>,
) -> Option<Change> {
    let job = resource.about.as_ref().is_some_and(|about| about.job);
    let held = inputs.hold(id);
    if held == Some(Hold::Removed) && candidates.is_empty() {
        return None;
    }
    let hash = spec_hash(&resource.spec);
    let forced = inputs.wishes.replace.contains(id.label()) || anew.is_some();
    // What an undo would want back is kept until commit, unless it is what stays.
    let good = if inputs.wishes.undo {
        None
    } else {
        good(inputs, id, candidates)
    };
    let keep = candidates
        .iter()
        .filter(|c| may_stay(inputs, c, good))
        .filter(|c| !forced && c.container.owner.spec_hash.as_deref() == Some(hash.as_str()))
        .filter(|c| inputs.wishes.undo || upstream(inputs, spec, c.container).is_none())
        .filter(|c| removed_limits(inputs, id, spec, c.container).is_empty())
        .filter(|c| spec.post_run.is_empty() || !distrusted(inputs, c.container))
        .min_by_key(|c| {
            // An undo wants back what was set aside: a new one of the same spec may be what failed.
            let aside = inputs.wishes.undo && c.place == Place::Previous;
            (!aside, !c.container.state.status.is_active(), c.place)
        });
    let mut others: Vec<_> = candidates
        .iter()
        .filter(|c| keep.is_none_or(|k| k.container.id != c.container.id))
        .map(|c| Object::new(c, good == Some(&c.container.id)))
        .collect();
    // An undo takes nothing over.
    let strange = match inputs.wishes.undo {
        true => None,
        false => adopt::found(inputs.observed, resource),
    };
    let takes_over = strange.map(|strange| Reason::Adopts {
        name: strange.name.clone(),
    });
    let mut change = Change {
        id: id.clone(),
        name: resource.name.clone(),
        action: Action::Create,
        reasons: Vec::new(),
        fields: Vec::new(),
        origin: resource.origin("").cloned(),
        strategy: strategy(inputs, id, resource),
        container: None,
        object: None,
    };
    let mut live = LiveChange::default();
    let ending = keep.is_some_and(|keep| is_ending(inputs, id, spec, keep.container));
    match keep {
        Some(keep) => {
            live = compare_live(
                inputs,
                id,
                resource,
                spec,
                keep.container,
                &mut change.fields,
            );
            change.action = if live.is_empty() {
                Action::Start
            } else {
                Action::Update
            };
            if keep.place != Place::Current {
                change.action = Action::Restore;
            }
            let status = keep.container.state.status;
            match (status, held) {
                (Status::Paused, None) => change.reasons.push(Reason::Paused),
                (_, None) if ending => change.reasons.push(Reason::Ending),
                // A job has done its work; an undo does not do it again either.
                (_, None) if job && (completed(keep.container) || inputs.wishes.undo) => {}
                (status, None) if !status.is_active() => change.reasons.push(Reason::NotRunning {
                    status: status.word().to_owned(),
                    exit_code: keep.container.state.exit_code,
                }),
                _ => {}
            }
            change.reasons.extend(takes_over.clone());
            let (failed, left): (Vec<_>, Vec<_>) =
                others.iter().partition(|o| o.name.ends_with(names::FAILED));
            if !left.is_empty() {
                change.reasons.push(Reason::Leftover);
            }
            change.reasons.extend(failed.iter().map(|o| Reason::Failed {
                name: o.name.clone(),
            }));
            if change.action == Action::Start && status == Status::Running {
                change.action = Action::Update;
            }
            let nothing =
                change.reasons.is_empty() && live.is_empty() && keep.place == Place::Current;
            if nothing || held.is_some() {
                return None;
            }
        }
        // What is held is left as it is, even where the files moved on: `start` brings it up to date.
        None if held.is_some() => return None,
        None => {
            let current = candidates.iter().find(|c| c.place != Place::Failed);
            if current.is_none() && takes_over.is_some() {
                change.action = Action::Replace;
            }
            change.reasons.extend(takes_over.clone());
            if let Some(current) = current {
                change.action = Action::Replace;
                explain(inputs, resource, spec, current.container, &mut change);
                for field in removed_limits(inputs, id, spec, current.container) {
                    change.reasons.push(Reason::LimitRemoved { field });
                }
                match anew {
                    Some(reason) => change.reasons.push(reason),
                    None if forced => change.reasons.push(Reason::Requested),
                    None => {}
                }
            } else if takes_over.is_some() {
                // That it was not there is no matter.
            } else if inputs
                .base
                .is_some_and(|base| base.resources.contains_key(id))
            {
                change.reasons.push(Reason::Gone);
            } else {
                change.reasons.push(Reason::New);
            }
            if let Some(about) = &resource.about
                && let Some(was) = &about.was
                && current.is_none()
                && inputs.knows(was)
                // Another product has no use for its data.
                && applied_as(inputs, was).is_none_or(|product| product == about.product)
            {
                change.reasons.push(Reason::Renamed { was: was.clone() });
            }
        }
    }
    others.extend(strange.map(Object::strange));
    change.container = Some(ContainerChange {
        adopted: None,
        keep: keep.map(|k| Object {
            ending,
            ..Object::new(k, true)
        }),
        others,
        live,
    });
    Some(change)
}

/// Whether a container that runs may have been asked to stop by a run that was cut off: the engine goes on with
/// that, and does not start it again. Before it is stopped, its restart policy becomes `no`.
fn is_ending(
    inputs: &Inputs<'_>,
    id: &ResourceId,
    spec: &ContainerSpec,
    container: &Container,
) -> bool {
    use crate::model::RestartName;
    let guarded = container.live.restart.name != RestartName::No;
    if !inputs.wishes.cut_off || container.state.status != Status::Running || guarded {
        return false;
    }
    // One that never has another policy tells nothing by it: it is one that would have been replaced.
    let replaced = || {
        if inputs.wishes.ending.contains(id) {
            return true;
        }
        let wanted = inputs.base.and_then(|base| base.resources.get(id));
        let same = wanted.is_some_and(|wanted| match &wanted.spec {
            Spec::Container(other) => **other == *spec,
            _ => false,
        });
        inputs.wishes.undo && !same
    };
    spec.live.restart.name != RestartName::No || replaced()
}

/// Whether a container may be the one that stays. Under a name for the time being it may only where that
/// takes nothing away that an undo would want back.
fn may_stay(inputs: &Inputs<'_>, candidate: &Candidate<'_>, good: Option<&EngineId>) -> bool {
    match candidate.place {
        Place::Current => true,
        Place::Previous | Place::Next => {
            inputs.wishes.undo || good.is_none() || good == Some(&candidate.container.id)
        }
        Place::Failed => false,
    }
}

/// Which of a resource's containers an undo would want back: the good revision's, else the one in place.
/// What was not yet switched to is never it.
fn good<'a>(
    inputs: &Inputs<'_>,
    id: &ResourceId,
    candidates: &[Candidate<'a>],
) -> Option<&'a EngineId> {
    let base = inputs.base.and_then(|base| base.resources.get(id));
    let hash = base.map(|resource| spec_hash(&resource.spec));
    candidates
        .iter()
        .filter(|c| matches!(c.place, Place::Current | Place::Previous))
        .min_by_key(|c| {
            (
                hash.is_none() || c.container.owner.spec_hash != hash,
                c.place,
            )
        })
        .map(|c| &c.container.id)
}

/// Whether a container was made by a run that was cut off: its post-run commands may not have run.
fn distrusted(inputs: &Inputs<'_>, container: &Container) -> bool {
    inputs.wishes.distrust.is_some() && inputs.wishes.distrust == container.owner.run
}

/// Says field by field why a container is replaced.
fn explain(
    inputs: &Inputs<'_>,
    resource: &Resource,
    spec: &ContainerSpec,
    old: &Container,
    change: &mut Change,
) {
    let before = old.owner.spec.as_ref().or_else(|| {
        let base = &inputs.base?.resources.get(&change.id)?.spec;
        (Some(spec_hash(base)) == old.owner.spec_hash).then_some(base)
    });
    match before {
        Some(before) => {
            let (from, to) = (fixed(flatten(before)), fixed(flatten(&resource.spec)));
            change.fields.extend(compare(&from, &to, |field| {
                (Cause::You, resource.origin(field).cloned())
            }));
        }
        None => change.reasons.push(Reason::SpecChanged),
    }
    if let Some((from, to)) = upstream(inputs, spec, old) {
        let same_reference = change.fields.iter().all(|f| f.field != "image");
        if same_reference {
            change.fields.push(FieldChange {
                field: "image".into(),
                from: Some(format!("{} ({from})", spec.image)),
                to: Some(format!("{} ({to})", spec.image)),
                cause: Cause::Upstream,
                origin: resource.origin("image").cloned(),
            });
        }
    }
    // In the same breath, what else is put right by it.
    compare_live(inputs, &change.id, resource, spec, old, &mut change.fields);
}

fn fixed(mut flat: Flat) -> Flat {
    flat.retain(|field, _| !field.starts_with("live."));
    flat
}

fn compare(
    from: &Flat,
    to: &Flat,
    tell: impl Fn(&str) -> (Cause, Option<crate::diag::Origin>),
) -> Vec<FieldChange> {
    let fields: std::collections::BTreeSet<_> = from.keys().chain(to.keys()).collect();
    fields
        .into_iter()
        .filter(|field| from.get(*field) != to.get(*field))
        .map(|field| {
            let (cause, origin) = tell(field);
            let (from, to) = (from.get(field).cloned(), to.get(field).cloned());
            FieldChange {
                field: field.clone(),
                from: from.map(hide),
                to: to.map(hide),
                cause,
                origin,
            }
        })
        .collect()
}

/// Digests say that two secrets differ; people do not need them.
fn hide(value: String) -> String {
    let Some((before, after)) = value.split_once("***") else {
        return value;
    };
    let rest: String = after
        .chars()
        .skip_while(|c| c.is_ascii_hexdigit())
        .collect();
    format!("{before}***{}", hide(rest))
}

/// The product that was last applied under a label.
fn applied_as<'a>(inputs: &Inputs<'a>, label: &str) -> Option<&'a str> {
    let old = inputs.base?.resources.get(&ResourceId::container(label))?;
    old.about.as_ref().map(|about| about.product.as_str())
}

fn strategy(inputs: &Inputs<'_>, id: &ResourceId, resource: &Resource) -> Option<Strategy> {
    let about = resource
        .about
        .as_ref()
        .filter(|about| about.role == Role::App)?;
    if let Some(was) = &about.was
        && applied_as(inputs, was).is_some_and(|product| product == about.product)
    {
        return Some(Strategy::Rename { from: was.clone() });
    }
    let Some(before) = inputs
        .base
        .and_then(|base| base.resources.get(id)?.about.as_ref())
    else {
        return Some(Strategy::New);
    };
    let same_product = before.product == about.product;
    let same_domain = before.domain == about.domain;
    let from = || before.product.clone();
    Some(match (same_product, same_domain) {
        (true, true) => Strategy::Update,
        (false, true) => Strategy::Replace { from: from() },
        (true, false) => Strategy::MoveDomain {
            from: before.domain.clone().unwrap_or_default(),
        },
        (false, false) => Strategy::ReuseLabel { from: from() },
    })
}
