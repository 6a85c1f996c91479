//! What must not be done, found before anything is: every rule here guards data.

mod before;
mod beside;
mod made_with;
mod touch;

use super::{Action, Diff, Inputs, Reason, Refusal, Slots};
use crate::base::{Kind, ResourceId};
use before::{Before, is_renamed};
use beside::beside;
use made_with::{init_only, version};
use touch::{lost_touch, other_product, other_volume, volumes_gone};

/// Adds a refusal for each change that would harm.
pub(super) fn check(inputs: &Inputs<'_>, slots: &Slots<'_>, diff: &mut Diff) {
    let mut refusals = Vec::new();
    for (id, resource, spec) in inputs.desired.containers() {
        if !inputs.wants(id) {
            continue;
        }
        let before = Before::of(inputs, slots, id, resource, spec);
        // What was left comes back, maybe beside what ran here last; or somebody else's is taken over.
        let back = Before::left(inputs, spec);
        let strange = Before::strange(inputs, resource).filter(|_| before.is_none());
        let asked = inputs.wishes.new_data.contains(id.label());
        let all = before.iter().chain(&back).chain(&strange);
        for before in all.filter(|before| before.tells_of(resource, spec)) {
            // That new data is meant says nothing of data that is there and used again.
            version(inputs, id, resource, spec, before, &mut refusals);
            if !asked && before.is_ours {
                init_only(inputs, id, resource, spec, before, &mut refusals);
            }
        }
        // In the files it is said of what is new: from then on it has data of its own.
        let is_new = inputs.base.is_none_or(|base| base.container(id).is_none());
        let meant = asked || resource.life.new_data && is_new;
        if !meant {
            let gone = || Before::of_label(inputs, id);
            if let Some(before) = before.or_else(gone).as_ref() {
                other_product(inputs, id, resource, before, &mut refusals);
                other_volume(inputs, id, resource, spec, before, &mut refusals);
            }
        }
    }
    refusals.dedup();
    volumes_gone(inputs, diff, &mut refusals);
    lost_touch(inputs, slots, &mut refusals);
    protected(inputs, diff, &mut refusals);
    removals(inputs, slots, diff, &mut refusals);
    beside(inputs, slots, diff, &mut refusals);
    diff.refusals.extend(refusals);
}

/// `protect: true`.
fn protected(inputs: &Inputs<'_>, diff: &Diff, refusals: &mut Vec<Refusal>) {
    for change in diff.changes.values() {
        let of = |stack: &crate::model::Stack| {
            stack
                .resources
                .get(&change.id)
                .is_some_and(|r| r.life.protect)
        };
        let was = inputs.base.is_some_and(of);
        if change.action == Action::Remove && was && !is_renamed(inputs, &change.id) {
            refusals.push(Refusal {
                code: "P0306".into(),
                id: change.id.clone(),
                summary: format!(
                    "{} `{}` is protected and would go",
                    change.id.kind, change.name
                ),
                why: "it was applied with `protect: true`".into(),
                help: vec!["apply `protect: false` first, then remove it".into()],
                origin: None,
            });
        }
    }
}

/// Removing more than half of what runs is rarely meant.
fn removals(inputs: &Inputs<'_>, slots: &Slots<'_>, diff: &Diff, refusals: &mut Vec<Refusal>) {
    // What was to go before, and could not, is no decision of today's.
    let counts = |id: &ResourceId| {
        let base = inputs.base;
        base.is_none_or(|base| base.resources.contains_key(id))
    };
    let all = slots.resources().filter(|id| counts(id)).count();
    let going: Vec<_> = diff
        .changes
        .values()
        .filter(|c| counts(&c.id))
        .filter(|c| c.id.kind == Kind::Container && c.action == Action::Remove)
        .filter(|c| !is_renamed(inputs, &c.id))
        .collect();
    let Some(first) = going.first() else { return };
    let allowed = inputs.wishes.max_removals.unwrap_or(all / 2);
    if going.len() > allowed {
        refusals.push(Refusal {
            code: "P0307".into(),
            id: first.id.clone(),
            summary: format!("{} of {all} containers would go", going.len()),
            why: "more than half of a stack is rarely meant to go at once".into(),
            help: vec![format!("if it is: --max-removals {}", going.len())],
            origin: None,
        });
    }
}
