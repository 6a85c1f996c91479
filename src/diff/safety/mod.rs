//! What must not be done, found before anything is: every rule here guards data.

mod beside;
mod made_with;
mod touch;

use super::{Action, Diff, Inputs, Reason, Refusal, Slots, adopt};
use crate::base::{Kind, ResourceId};
use crate::model::{About, ContainerSpec, Left, Resource, Spec};
use beside::beside;
use made_with::{init_only, version};
use std::collections::BTreeSet;
use touch::{lost_touch, other_product, other_volume, volumes_gone};

/// Adds a refusal for each change that would harm.
pub(super) fn check(inputs: &Inputs<'_>, slots: &Slots<'_>, diff: &mut Diff) {
    let mut refusals = Vec::new();
    for (id, resource, spec) in inputs.desired.containers() {
        if !inputs.wants(id) {
            continue;
        }
        let before = Before::of(inputs, slots, id, spec);
        // What was left comes back, maybe beside what ran here last; or somebody else's is taken over.
        let back = Before::left(inputs, spec);
        let strange = Before::strange(inputs, resource).filter(|_| before.is_none());
        let asked = inputs.wishes.new_data.contains(id.label());
        for before in before.iter().chain(&back).chain(&strange) {
            // That new data is meant says nothing of data that is there and used again.
            version(inputs, id, resource, spec, before, &mut refusals);
            if !asked && before.is_ours {
                init_only(inputs, id, resource, spec, before, &mut refusals);
            }
        }
        if !asked && !resource.life.new_data {
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

/// What ran on a container's data before: by its label, else by the good revision.
struct Before {
    spec: ContainerSpec,
    /// What it was for; none where only the container itself tells of it.
    about: Option<About>,
    is_ours: bool,
}

impl Before {
    fn of(
        inputs: &Inputs<'_>,
        slots: &Slots<'_>,
        id: &ResourceId,
        spec: &ContainerSpec,
    ) -> Option<Self> {
        // The site says it, for its providers as well.
        let old = inputs.desired.was(id.label()).map(|was| {
            let rest = id.address.strip_prefix(id.label()).unwrap_or_default();
            ResourceId::container(format!("{was}{rest}"))
        });
        // Under another name altogether: who wrote to its data last tells.
        let mut last = inputs.base.into_iter().flat_map(|base| base.containers());
        let last = last.find_map(|(other, resource, before)| {
            let goes = !inputs.desired.resources.contains_key(other);
            // A directory may be one that many have, such as a socket's: a database's is its own.
            let of_its_own = |data: &&str| !data.starts_with('/') || resource.made_with(data);
            let mut data = before.data().filter(of_its_own);
            (goes && data.any(|data| spec.data().any(|own| own == data))).then_some(other)
        });
        [Some(id), old.as_ref(), last]
            .into_iter()
            .flatten()
            .find_map(|id| {
                let base = inputs.base.and_then(|base| base.resources.get(id));
                let about = base.and_then(|base| base.about.clone());
                let label = slots
                    .of(id)
                    .iter()
                    .find_map(|c| match &c.container.owner.spec {
                        Some(Spec::Container(spec)) => Some((**spec).clone()),
                        _ => None,
                    });
                let base = base.and_then(|base| match &base.spec {
                    Spec::Container(spec) => Some((**spec).clone()),
                    _ => None,
                });
                Some(Self {
                    spec: label.or(base)?,
                    about,
                    is_ours: true,
                })
            })
    }

    /// Who wrote last to data that this one comes back to, though the last revision did not have it.
    fn left(inputs: &Inputs<'_>, spec: &ContainerSpec) -> Vec<Self> {
        let left = inputs.base.into_iter().flat_map(|base| &base.left);
        left.filter(|(data, _)| spec.data().any(|own| own == data.as_str()))
            .filter_map(|(_, left)| Self::was(left))
            .collect()
    }

    /// What a resource of that name was before it left the files.
    fn of_label(inputs: &Inputs<'_>, id: &ResourceId) -> Option<Self> {
        let mut left = inputs.base?.left.values();
        Self::was(left.find(|left| left.id == *id)?)
    }

    fn was(left: &Left) -> Option<Self> {
        match &left.resource.spec {
            Spec::Container(spec) => Some(Self {
                spec: (**spec).clone(),
                about: left.resource.about.clone(),
                is_ours: true,
            }),
            _ => None,
        }
    }

    /// What somebody else's container was, which the resource takes over, as far as its data is concerned.
    fn strange(inputs: &Inputs<'_>, resource: &Resource) -> Option<Self> {
        let container = adopt::found(inputs.observed, resource)?;
        let image = &container.made.image;
        // By its id alone nobody knows which version it was.
        let unknown = image.starts_with("sha256:") || image.is_empty();
        (!unknown).then(|| Self {
            spec: ContainerSpec {
                image: image.clone(),
                mounts: container.mounts.clone(),
                ..ContainerSpec::default()
            },
            about: None,
            is_ours: false,
        })
    }

    /// Whether one of the volumes that it wrote to is there and is used again, or the directory of a database: a
    /// directory cannot be looked at, what was written to is taken to be there.
    fn shares_data(&self, inputs: &Inputs<'_>, resource: &Resource, spec: &ContainerSpec) -> bool {
        let written: BTreeSet<_> = self.spec.data().collect();
        let again = spec.mounts.values().filter_map(|mount| mount.source.data());
        let mut again = again.filter(|data| written.contains(data));
        again.any(|data| {
            inputs.has_volume(data) || data.starts_with('/') && resource.made_with(data)
        })
    }
}

/// Whether what goes lives on under another label (`was:`).
fn is_renamed(inputs: &Inputs<'_>, id: &ResourceId) -> bool {
    inputs.desired.resources.values().any(|resource| {
        let was = resource.about.as_ref().and_then(|a| a.was.as_deref());
        was == Some(id.label())
    })
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
