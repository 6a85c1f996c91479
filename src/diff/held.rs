//! Labels that are held, and what becomes of that; labels that change: decisions go along, and an old label that
//! nobody knows is told.

use super::{Cause, Diff, Held, Inputs, Notice, Pending, Slots, container};
use crate::base::ResourceId;
use crate::model::{ContainerSpec, Resource, Stack};
use crate::observe::Status;

/// Tells what is held, and where the files have moved on meanwhile.
pub(super) fn notices(inputs: &Inputs<'_>, slots: &Slots<'_>, diff: &mut Diff) {
    let nothing = Held::new();
    let free = Inputs {
        held: &nothing,
        ..inputs.clone()
    };
    for (label, hold) in inputs.held {
        let of = inputs.desired.containers();
        let of = of.filter(|(id, ..)| id.label() == label && inputs.wants(id));
        let pending =
            of.filter_map(|(id, resource, spec)| pending(&free, slots, id, resource, spec));
        diff.notices.insert(Notice::Held {
            label: label.clone(),
            hold: *hold,
            pending: pending.max(),
            runs: runs(slots, label),
        });
    }
}

/// Whether something of a label runs.
fn runs(slots: &Slots<'_>, label: &str) -> bool {
    let of = |(id, _): &(&ResourceId, _)| id.label() == label;
    slots.all().filter(of).any(|(_, candidate)| {
        matches!(
            candidate.container.state.status,
            Status::Running | Status::Restarting
        )
    })
}

/// What a container that is held would become, were it not.
fn pending(
    free: &Inputs<'_>,
    slots: &Slots<'_>,
    id: &ResourceId,
    resource: &Resource,
    spec: &ContainerSpec,
) -> Option<Pending> {
    let applied = free.base.and_then(|base| base.container(id)) == Some(spec);
    let there = slots.of(id);
    let change = container::desired(free, id, resource, spec, there, None)?;
    let differs = match change.container.as_ref().map(|objects| &objects.keep) {
        Some(Some(_)) => change.fields.iter().any(|field| field.cause == Cause::You),
        _ => !there.is_empty() || !applied,
    };
    let how = if applied {
        Pending::Start
    } else {
        Pending::Apply
    };
    differs.then_some(how)
}

/// The decisions as they stand once `to` is applied over `from`: they go with a label that is renamed (back
/// and forth), and end with one that goes.
pub fn carried(held: &Held, from: Option<&Stack>, to: &Stack) -> Held {
    let has = |label: &str| to.containers().any(|(id, ..)| id.label() == label);
    let mut carried = Held::new();
    for (label, hold) in held {
        if has(label) {
            carried.insert(label.clone(), *hold);
        } else if let Some(new) = heir(label, from, to).filter(|new| !held.contains_key(*new)) {
            carried.insert(new.to_owned(), *hold);
        }
    }
    carried
}

/// The label that has taken the place of `label`.
fn heir<'a>(label: &str, from: Option<&'a Stack>, to: &'a Stack) -> Option<&'a str> {
    let renamed = to
        .containers()
        .map(|(id, ..)| id.label())
        .find(|new| to.was(new) == Some(label));
    // A rollback goes back over a rename.
    let back = || {
        let old = from?.was(label)?;
        to.resources
            .contains_key(&ResourceId::container(old))
            .then_some(old)
    };
    renamed.or_else(back)
}

/// `was:` stays in the files for good, so it may well name what no engine knows any more; but a label that is
/// new where others are not, and had a name that nobody has, is most likely a typing error.
pub(super) fn unknown(inputs: &Inputs<'_>, diff: &mut Diff) {
    let sites = inputs
        .desired
        .containers()
        .filter(|(id, ..)| inputs.wants(id));
    for (id, resource, _) in sites {
        let was = resource.about.as_ref().and_then(|about| about.was.as_ref());
        let Some(was) = was.filter(|_| inputs.base.is_some()) else {
            continue;
        };
        if !inputs.knows(was) && !inputs.knows(id.label()) {
            diff.notices.insert(Notice::UnknownWas {
                label: id.label().to_owned(),
                was: was.clone(),
            });
        }
    }
}
