//! What must not be done, found before anything is: every rule here guards data.

use super::{Action, Diff, Inputs, Reason, Refusal, Slots};
use crate::base::{Kind, ResourceId};
use crate::model::{ContainerSpec, MountSource, Resource, Role, Spec};
use crate::observe::Container;
use std::collections::BTreeSet;

/// Adds a refusal for each change that would harm.
pub(super) fn check(inputs: &Inputs<'_>, slots: &Slots<'_>, diff: &mut Diff) {
    let mut refusals = Vec::new();
    for (id, resource, spec) in inputs.desired.containers() {
        let Some(before) = inputs
            .wants(id)
            .then(|| Before::of(inputs, slots, id, resource))
            .flatten()
        else {
            continue;
        };
        // That new data is meant says nothing of data that is there and used again.
        version(inputs, id, resource, spec, &before, &mut refusals);
        let asked = inputs.wishes.new_data.contains(id.label());
        if !asked {
            init_only(inputs, id, resource, spec, &before, &mut refusals);
        }
        if !asked && !resource.life.new_data {
            other_product(inputs, id, resource, &mut refusals);
            other_volume(inputs, id, resource, spec, &before, &mut refusals);
        }
    }
    volumes_gone(inputs, diff, &mut refusals);
    lost_touch(inputs, diff, &mut refusals);
    protected(inputs, diff, &mut refusals);
    removals(inputs, slots, diff, &mut refusals);
    strangers(inputs, slots, diff, &mut refusals);
    diff.refusals.extend(refusals);
}

/// What ran on a container's volumes before: by its label, else by the good revision.
struct Before {
    spec: ContainerSpec,
}

impl Before {
    fn of(
        inputs: &Inputs<'_>,
        slots: &Slots<'_>,
        id: &ResourceId,
        resource: &Resource,
    ) -> Option<Self> {
        let was = resource.about.as_ref().and_then(|about| about.was.as_ref());
        let old = was.map(|was| {
            let rest = id.address.strip_prefix(id.label()).unwrap_or_default();
            ResourceId::container(format!("{was}{rest}"))
        });
        [Some(id), old.as_ref()]
            .into_iter()
            .flatten()
            .find_map(|id| {
                let base = inputs.base.and_then(|base| base.resources.get(id));
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
                })
            })
    }

    /// Whether one of the volumes that it wrote to is there and is used again.
    fn shares_data(&self, inputs: &Inputs<'_>, spec: &ContainerSpec) -> bool {
        let written: BTreeSet<_> = self
            .spec
            .volumes()
            .filter(|(_, write)| *write)
            .map(|(name, _)| name)
            .collect();
        spec.volumes().any(|(name, _)| {
            written.contains(name) && inputs.observed.volumes.contains_key(name.as_str())
        })
    }
}

/// A database's files belong to its version.
fn version(
    inputs: &Inputs<'_>,
    id: &ResourceId,
    resource: &Resource,
    spec: &ContainerSpec,
    before: &Before,
    refusals: &mut Vec<Refusal>,
) {
    let Some(about) = &resource.about else { return };
    if before.spec.image == spec.image || !before.shares_data(inputs, spec) {
        return;
    }
    // A site that runs a database's image is one as well.
    let product = match (about.role, crate::services::of_image(&spec.image)) {
        (Role::App, Some(service)) => service.name(),
        (Role::App, None) => return,
        (Role::Provider, _) => about.product.as_str(),
    };
    let (from, to) = (tag(&before.spec.image), tag(&spec.image));
    if let Err(why) = crate::services::upgrade(product, from, to) {
        refusals.push(Refusal {
            code: "P0301".into(),
            id: id.clone(),
            summary: format!("{product} {from} → {to} on existing data"),
            why,
            help: vec![
                match about.role {
                    Role::App => format!("keep the image: `{}`, or", before.spec.image),
                    Role::Provider => {
                        format!("keep the version: `module-version: \"=={from}\"`, or")
                    }
                },
                "dump the data, give the database another volume, and load the dump there".into(),
            ],
            origin: resource.origin("image").cloned(),
        });
    }
}

/// The tag of a reference; `latest` where it has none.
fn tag(reference: &str) -> &str {
    let name = reference.split('@').next().unwrap_or(reference);
    let last = name.rsplit('/').next().unwrap_or(name);
    last.split_once(':').map_or("latest", |(_, tag)| tag)
}

/// Variables that an image reads only when it initialises its volume cannot be changed by changing them.
fn init_only(
    inputs: &Inputs<'_>,
    id: &ResourceId,
    resource: &Resource,
    spec: &ContainerSpec,
    before: &Before,
    refusals: &mut Vec<Refusal>,
) {
    let Some(about) = &resource.about else { return };
    for (variable, volume) in &about.init_only {
        let kept = inputs.observed.volumes.contains_key(volume.as_str());
        let wrote = before
            .spec
            .volumes()
            .any(|(name, write)| write && name == volume);
        let (was, now) = (before.spec.env.get(variable), spec.env.get(variable));
        if !kept || !wrote || same_text(was, now) {
            continue;
        }
        refusals.push(Refusal {
            code: "P0302".into(),
            id: id.clone(),
            summary: format!("`{variable}` changed, but the data was made with another value"),
            why: format!(
                "the image reads {variable} only when it initialises volume `{volume}`; changing the variable \
                 would only make the two disagree"
            ),
            help: vec![
                format!("put the old value back (coasti secret get {}/{variable}), or", id.address),
                "change it inside the service, and in the files to the same value with `coasti secret import`".into(),
            ],
            origin: resource.origin(&format!("env.{variable}")).cloned(),
        });
    }
}

/// Whether two texts are the same as far as can be known: digests decide, not names.
fn same_text(a: Option<&crate::model::Text>, b: Option<&crate::model::Text>) -> bool {
    use crate::model::Part;
    let (Some(a), Some(b)) = (a, b) else {
        return a.is_none() && b.is_none();
    };
    a.parts().len() == b.parts().len()
        && a.parts().iter().zip(b.parts()).all(|pair| match pair {
            (Part::Plain(a), Part::Plain(b)) => a == b,
            (Part::Value(a), Part::Value(b)) => match (&a.digest, &b.digest) {
                (Some(a), Some(b)) => a == b,
                _ => a.id == b.id,
            },
            _ => false,
        })
}

/// A new, empty volume would take the place of one that was written to: a `was:` that was dropped or that names
/// a label in between, or a volume that has another name now.
fn other_volume(
    inputs: &Inputs<'_>,
    id: &ResourceId,
    resource: &Resource,
    spec: &ContainerSpec,
    before: &Before,
    refusals: &mut Vec<Refusal>,
) {
    let product = |resource: &Resource| resource.about.as_ref().map(|about| about.product.clone());
    let base = inputs.base.and_then(|base| base.resources.get(id));
    // Another product does not want the first one's data.
    if base.is_some_and(|base| product(base) != product(resource)) {
        return;
    }
    for (path, mount) in &spec.mounts {
        let old = before.spec.mounts.get(path).filter(|old| !old.read_only);
        let (Some(MountSource::Volume(old)), MountSource::Volume(new)) =
            (old.map(|old| &old.source), &mount.source)
        else {
            continue;
        };
        let there = |name: &str| inputs.observed.volumes.contains_key(name);
        // A foreign volume is one that the files name as `external`: somebody chose it.
        let chosen = inputs.observed.foreign.volumes.contains(new.as_str());
        if old == new || !there(old.as_str()) || there(new.as_str()) || chosen {
            continue;
        }
        let label = id.label();
        let made_as = inputs
            .observed
            .volumes
            .get(old.as_str())
            .and_then(|volume| volume.owner.resource.as_ref())
            .map_or(label, ResourceId::label);
        let keep = if made_as == label {
            format!("give the volume its old name again, to keep what is in `{old}`, or")
        } else {
            format!(
                "write `was: {made_as}` beside `label: {label}`: `{old}` is named after `{made_as}`, or"
            )
        };
        refusals.push(Refusal {
            code: "P0310".into(),
            id: id.clone(),
            summary: format!("`{}` would leave its data in `{old}`", id.address),
            why: format!("at {path} it would find `{new}`, which is new and empty"),
            help: vec![
                keep,
                format!("pass `--new-data {label}` to start with an empty one (the old one stays)"),
            ],
            origin: resource.origin(&format!("mounts.{path}")).cloned(),
        });
    }
}

/// Another product under a label would get the first one's data.
fn other_product(
    inputs: &Inputs<'_>,
    id: &ResourceId,
    resource: &Resource,
    refusals: &mut Vec<Refusal>,
) {
    let (Some(about), Some(base)) = (&resource.about, inputs.base) else {
        return;
    };
    let Some(before) = base.resources.get(id).and_then(|r| r.about.as_ref()) else {
        return;
    };
    if about.role != Role::App || before.product == about.product {
        return;
    }
    let volumes = |stack: &crate::model::Stack| -> BTreeSet<String> {
        stack
            .resources
            .iter()
            .filter(|(v, _)| v.kind == Kind::Volume && v.label() == id.label())
            .map(|(_, r)| r.name.clone())
            .collect()
    };
    let shared: Vec<_> = volumes(base)
        .intersection(&volumes(inputs.desired))
        .filter(|name| inputs.observed.volumes.contains_key(*name))
        .cloned()
        .collect();
    if !shared.is_empty() {
        refusals.push(Refusal {
            code: "P0303".into(),
            id: id.clone(),
            summary: format!(
                "`{}` would run on the data of `{}`",
                about.product, before.product
            ),
            why: format!(
                "both use volume {} under label `{}`",
                shared.join(", "),
                id.label()
            ),
            help: vec![
                "give the new app a label of its own (the old data stays), or".into(),
                format!(
                    "pass `--new-data {}` if the new app is meant to use that data",
                    id.label()
                ),
            ],
            origin: resource.origin("image").cloned(),
        });
    }
}

/// A volume that held data and is gone would be made anew, empty.
fn volumes_gone(inputs: &Inputs<'_>, diff: &Diff, refusals: &mut Vec<Refusal>) {
    for change in diff.changes.values() {
        let gone = change.id.kind == Kind::Volume && change.reasons.contains(&Reason::Gone);
        if gone && !inputs.wishes.new_data.contains(change.id.label()) {
            refusals.push(Refusal {
                code: "P0304".into(),
                id: change.id.clone(),
                summary: format!("volume `{}` is gone", change.name),
                why: "it was there at the last apply; a new one would be empty".into(),
                help: vec![
                    "restore it from a backup under the same name, or".into(),
                    format!(
                        "pass `--new-data {}` to start with an empty one",
                        change.id.label()
                    ),
                ],
                origin: change.origin.clone(),
            });
        }
    }
}

/// What holds data goes while one of the same product comes: most likely it was only renamed.
fn lost_touch(inputs: &Inputs<'_>, diff: &Diff, refusals: &mut Vec<Refusal>) {
    let Some(base) = inputs.base else { return };
    for change in diff
        .changes
        .values()
        .filter(|c| c.id.kind == Kind::Container)
    {
        let Some(resource) = inputs.desired.resources.get(&change.id) else {
            continue;
        };
        let Some(about) = &resource.about else {
            continue;
        };
        let label = change.id.label();
        let is_new = change.action == Action::Create && change.reasons.contains(&Reason::New);
        let renamed = about.was.is_some() && about.role == Role::App;
        let said = renamed || resource.life.new_data || inputs.wishes.new_data.contains(label);
        if !is_new || said {
            continue;
        }
        // By what was applied, not by what runs: after a `destroy` nothing goes, and the data is there.
        let going = base
            .resources
            .iter()
            .filter(|(id, _)| {
                id.kind == Kind::Container
                    && !inputs.desired.resources.contains_key(*id)
                    && inputs.wants(id)
            })
            .find(|(id, old)| {
                let same = old
                    .about
                    .as_ref()
                    .is_some_and(|o| o.role == about.role && o.product == about.product);
                same && match about.role {
                    Role::App => {
                        holds_data(base, id.label()) && !keeps_data(inputs, base, id.label(), label)
                    }
                    Role::Provider => {
                        let kept = volumes_of(base, |of| of == *id)
                            .is_subset(&volumes_of(inputs.desired, |of| *of == change.id));
                        id.label() == label && old.life.holds_data && !kept
                    }
                }
            });
        let Some((old, _)) = going else { continue };
        let (was, now) = (&old.address, &change.id.address);
        let keep = match about.role {
            Role::App => {
                format!("if it was renamed: `was: {was}` beside `label: {now}` keeps the data, or")
            }
            Role::Provider => {
                let name = was.rsplit('/').next().unwrap_or_default();
                format!("give the provider its old name `{name}` again, or")
            }
        };
        refusals.push(Refusal {
            code: "P0305".into(),
            id: change.id.clone(),
            summary: format!("`{was}` goes and `{now}` comes, both {}", about.product),
            why: format!("`{now}` would start without the data of `{was}`"),
            help: vec![
                keep,
                format!("if it is another one: `new-data: true` there, or `--new-data {label}`"),
            ],
            origin: change.origin.clone(),
        });
    }
}

/// The volumes that some containers of a stack may write to.
fn volumes_of(
    stack: &crate::model::Stack,
    which: impl Fn(&ResourceId) -> bool,
) -> BTreeSet<&crate::base::EngineId> {
    stack
        .containers()
        .filter(|(id, ..)| which(id))
        .flat_map(|(_, _, spec)| spec.volumes())
        .filter(|(_, write)| *write)
        .map(|(name, _)| name)
        .collect()
}

/// Whether the containers of `new` use all the volumes that those of `old` wrote to, as after a rollback
/// across a rename.
fn keeps_data(inputs: &Inputs<'_>, base: &crate::model::Stack, old: &str, new: &str) -> bool {
    let before = volumes_of(base, |id| id.label() == old);
    let after = volumes_of(inputs.desired, |id| id.label() == new);
    !before.is_empty() && before.is_subset(&after)
}

fn holds_data(stack: &crate::model::Stack, label: &str) -> bool {
    stack
        .containers()
        .any(|(id, resource, _)| id.label() == label && resource.life.holds_data)
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
    let all = slots.resources().count();
    let going: Vec<_> = diff
        .changes
        .values()
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

/// Two containers on one volume harm its data, and one that was renamed or copied by hand may still run there.
fn strangers(inputs: &Inputs<'_>, slots: &Slots<'_>, diff: &Diff, refusals: &mut Vec<Refusal>) {
    let ours: BTreeSet<_> = slots.all().map(|(_, c)| &c.container.id).collect();
    let writes = |container: &Container| {
        container
            .mounts
            .values()
            .filter(|mount| !mount.read_only)
            .filter_map(|mount| match &mount.source {
                MountSource::Volume(name) => Some(name.clone()),
                _ => None,
            })
            .collect::<BTreeSet<_>>()
    };
    let strangers: Vec<_> = inputs
        .observed
        .containers
        .values()
        .filter(|container| container.state.status.is_active() && !ours.contains(&container.id))
        .map(|container| (container, writes(container)))
        .collect();
    let starts = [
        Action::Create,
        Action::Start,
        Action::Replace,
        Action::Restore,
    ];
    for change in diff.changes.values() {
        let Some(spec) = inputs.desired.container(&change.id) else {
            continue;
        };
        if !starts.contains(&change.action) {
            continue;
        }
        let hit = spec
            .volumes()
            .filter(|(_, writable)| *writable)
            .find_map(|(volume, _)| {
                let on_it = |(_, volumes): &&(_, BTreeSet<_>)| volumes.contains(volume);
                let (container, _) = strangers.iter().find(on_it)?;
                Some((volume, &container.name))
            });
        if let Some((volume, name)) = hit {
            refusals.push(Refusal {
                code: "P0309".into(),
                id: change.id.clone(),
                summary: format!("container `{name}` runs on volume `{volume}`"),
                why: format!(
                    "it bears this stack's labels under a name that coasti does not give, and two containers on one volume harm its data (`{}` would be the second)",
                    change.name
                ),
                help: vec![
                    format!("if it was `{}` and somebody renamed it: docker rename {name} {}", change.name, change.name),
                    format!("else stop it: docker stop {name}"),
                ],
                origin: change.origin.clone(),
            });
        }
    }
}
