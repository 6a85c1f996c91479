//! Who loses touch with data: it stays, and something new and empty takes its place.

use super::{Before, Diff, Inputs, Reason, Refusal, Slots, is_renamed};
use crate::base::{EngineId, Kind, ResourceId, names};
use crate::diff::{Candidate, Hold, slots::Place};
use crate::model::{About, ContainerSpec, Mount, MountSource, Resource, Role, Spec, Stack};
use std::collections::BTreeSet;

/// Something else would take the place of what was written to: a volume that is new and empty, or another one of
/// the stack's, because `was:` was dropped or the volume has another name now; a directory or memory where there
/// was a volume, and the other way round; or nothing, because an image no longer declares a volume there.
pub(super) fn other_volume(
    inputs: &Inputs<'_>,
    id: &ResourceId,
    resource: &Resource,
    spec: &ContainerSpec,
    before: &Before,
    refusals: &mut Vec<Refusal>,
) {
    let product = |about: &About| about.product.clone();
    let other = before.about.map(product);
    // Another product does not want the first one's data.
    if other.is_some() && other != resource.about.as_ref().map(product) {
        return;
    }
    let changed = spec.mounts.iter().filter_map(|(path, mount)| {
        let own = mount.source.data();
        let database = own.is_some_and(|data| resource.made_with(data));
        let old = before.spec.mounts.get(path).filter(|old| !old.read_only);
        let change = match old {
            Some(old) => leaves(inputs, old, mount, database),
            None => hides(inputs, before, path, mount),
        };
        Some((path, Some(mount), change?))
    });
    let gone = before.spec.mounts.iter().filter_map(|(path, old)| {
        let change = vanishes(inputs, path, old, spec)?;
        Some((path, None, change))
    });
    for (path, mount, change) in changed.chain(gone) {
        let label = id.label();
        let new = match &change {
            Leaves::Volume { to: Some(to), .. } | Leaves::Directory { to: Some(to), .. } => {
                Some(*to).filter(|to| !inputs.has_volume(to.as_str()))
            }
            _ => None,
        };
        let mut help = keep(inputs, id, path, &change);
        help.push(match (new, mount) {
            (Some(_), _) => {
                format!("pass `--new-data {label}` to start with an empty one (the old one stays)")
            }
            (None, Some(_)) => format!(
                "pass `--new-data {label}` to start with what is there (the old data stays)"
            ),
            (None, None) => {
                format!("pass `--new-data {label}` to start without it (the old data stays)")
            }
        });
        let now = match (new, mount) {
            (Some(to), _) => format!("it would find volume `{to}`, which is new and empty"),
            (None, Some(mount)) => format!("it would find {}", words(mount)),
            (None, None) => {
                "the image keeps nothing any more: what is written there goes with the container"
                    .to_owned()
            }
        };
        let from = match &change {
            Leaves::Volume { from, .. } => from.as_str(),
            Leaves::Directory { from, .. } => from,
        };
        refusals.push(Refusal {
            code: "P0310".into(),
            id: id.clone(),
            summary: format!("`{}` would leave its data in `{from}`", id.address),
            why: format!("at {path} {now}"),
            help,
            origin: resource.origin(&format!("mounts.{path}")).cloned(),
        });
    }
}

/// What is left behind, and the new volume that takes its place, where it is one.
enum Leaves<'a> {
    Volume {
        from: &'a EngineId,
        to: Option<&'a EngineId>,
    },
    Directory {
        from: &'a str,
        to: Option<&'a EngineId>,
    },
}

/// What is left behind where `new` is mounted in the place of `old`. Who names another directory, or a volume of
/// somebody else's as `external`, chose that; and so did who goes back to an older revision. With a database's files it
/// is another database, though.
fn leaves<'a>(
    inputs: &Inputs<'_>,
    old: &'a Mount,
    new: &'a Mount,
    database: bool,
) -> Option<Leaves<'a>> {
    match (&old.source, &new.source) {
        (MountSource::Volume(from), MountSource::Volume(to))
            if database && inputs.observed.foreign.volumes.contains(to.as_str()) =>
        {
            let is = from != to && inputs.has_volume(from.as_str());
            is.then_some(Leaves::Volume { from, to: None })
        }
        (MountSource::Directory(from), MountSource::Directory(to)) if database => {
            (from != to).then_some(Leaves::Directory { from, to: None })
        }
        (MountSource::Volume(from), MountSource::Volume(to)) => {
            let named = inputs.desired.by_name(Kind::Volume, to.as_str());
            let external = inputs.observed.foreign.volumes.contains(to.as_str())
                || named.is_some_and(|(_, volume)| is_external(volume));
            let chosen = external || inputs.wishes.rollback && inputs.has_volume(to.as_str());
            let is = from != to && inputs.has_volume(from.as_str()) && !chosen;
            is.then_some(Leaves::Volume { from, to: Some(to) })
        }
        (MountSource::Volume(from), MountSource::Directory(_) | MountSource::Tmpfs { .. }) => {
            inputs
                .has_volume(from.as_str())
                .then_some(Leaves::Volume { from, to: None })
        }
        (MountSource::Directory(from), MountSource::Volume(to)) => {
            (!inputs.has_volume(to.as_str())).then_some(Leaves::Directory { from, to: Some(to) })
        }
        (MountSource::Directory(from), MountSource::Tmpfs { .. }) => {
            Some(Leaves::Directory { from, to: None })
        }
        (MountSource::Directory(_), MountSource::Directory(_)) | (MountSource::Tmpfs { .. }, _) => {
            None
        }
    }
}

/// A volume that is new and empty, mounted within one that is there: what stood at that path is hidden.
fn hides<'a>(
    inputs: &Inputs<'_>,
    before: &'a Before,
    path: &str,
    new: &'a Mount,
) -> Option<Leaves<'a>> {
    let MountSource::Volume(to) = &new.source else {
        return None;
    };
    let around = before.spec.mounts.iter().find_map(|(outer, mount)| {
        let inside = path
            .strip_prefix(outer.trim_end_matches('/'))?
            .starts_with('/');
        let MountSource::Volume(from) = &mount.source else {
            return None;
        };
        let there = inside && !mount.read_only && inputs.has_volume(from.as_str());
        there.then_some(from)
    })?;
    (!inputs.has_volume(to.as_str())).then_some(Leaves::Volume {
        from: around,
        to: Some(to),
    })
}

/// A volume that was there because the image declared it, and that the image which is known now does not.
fn vanishes<'a>(
    inputs: &Inputs<'_>,
    path: &str,
    old: &'a Mount,
    new: &ContainerSpec,
) -> Option<Leaves<'a>> {
    let MountSource::Volume(from) = &old.source else {
        return None;
    };
    let elsewhere = new.mounts.values().any(|mount| mount.source == old.source);
    let is = !new.mounts.contains_key(path)
        && !elsewhere
        && !inputs.wishes.rollback
        && inputs.observed.images.contains_key(&new.image)
        && undeclared(inputs, from).is_some();
    is.then_some(Leaves::Volume { from, to: None })
}

/// The name, within its site, of a volume that coasti made because an image declares it.
fn undeclared<'a>(inputs: &Inputs<'a>, volume: &EngineId) -> Option<&'a str> {
    let made = inputs.observed.volumes.get(volume.as_str())?;
    let name = made.owner.resource.as_ref()?.address.rsplit('/').next()?;
    name.starts_with(names::UNDECLARED).then_some(name)
}

/// The label that data is named after: the first of those that a site had.
fn made_as<'a>(inputs: &Inputs<'a>, volume: &str) -> Option<&'a str> {
    let made = inputs.observed.volumes.get(volume)?;
    made.owner.resource.as_ref().map(ResourceId::label)
}

fn is_external(volume: &Resource) -> bool {
    matches!(&volume.spec, Spec::Volume(volume) if volume.external)
}

fn words(mount: &Mount) -> String {
    match &mount.source {
        MountSource::Volume(name) => format!("volume `{name}`, which was there before"),
        MountSource::Directory(path) => format!("directory `{path}`"),
        MountSource::Tmpfs { .. } => "memory, which keeps nothing".to_owned(),
    }
}

/// How to keep what would be left behind.
fn keep(inputs: &Inputs<'_>, id: &ResourceId, path: &str, change: &Leaves<'_>) -> Vec<String> {
    let label = id.label();
    match change {
        Leaves::Volume { from, .. } if undeclared(inputs, from).is_some() => {
            let name = undeclared(inputs, from).unwrap_or_default();
            vec![format!(
                "write `volume: [{{name: {name}, target: {path}}}]`, to keep what is in `{from}`, or"
            )]
        }
        Leaves::Volume { from, to: Some(_) } => {
            let made_as = made_as(inputs, from.as_str()).unwrap_or(label);
            vec![if made_as == label {
                format!("give the volume its old name again, to keep what is in `{from}`, or")
            } else {
                format!(
                    "write `was: {made_as}` beside `label: {label}`: `{from}` is named after `{made_as}`, or"
                )
            }]
        }
        Leaves::Volume { from, to: None } => vec![
            format!("leave the volume as it was, to keep what is in `{from}`, or"),
            format!("stop it (coasti stop {label}), copy what is in `{from}` over, and then"),
        ],
        Leaves::Directory { from, to } => {
            let mut help = vec![format!(
                "leave the directory as it was, to keep what is in `{from}`, or"
            )];
            help.extend(to.map(|_| {
                "make a volume (docker volume create NAME), copy the files there, and write `name: NAME` with \
                 `external: true`, or"
                    .to_owned()
            }));
            help
        }
    }
}

/// Another product under a label would get the first one's data.
pub(super) fn other_product(
    inputs: &Inputs<'_>,
    id: &ResourceId,
    resource: &Resource,
    was: &Before,
    refusals: &mut Vec<Refusal>,
) {
    let (Some(about), Some(before)) = (&resource.about, was.about) else {
        return;
    };
    if about.role != Role::App || before.product == about.product {
        return;
    }
    let own = |name: &&str| {
        // Who names somebody's data as `external` means it.
        let volume = inputs.desired.by_name(Kind::Volume, name);
        let own =
            volume.is_some_and(|(volume, made)| volume.label() == id.label() && !is_external(made));
        own && inputs.observed.volumes.contains_key(*name)
    };
    let shared: Vec<_> = was.spec.data().filter(own).collect();
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
pub(super) fn volumes_gone(inputs: &Inputs<'_>, diff: &Diff, refusals: &mut Vec<Refusal>) {
    for change in diff.changes.values() {
        let gone = change.id.kind == Kind::Volume && change.reasons.contains(&Reason::Gone);
        // One whose containers are kept away is made for nobody now.
        let gone = gone && inputs.hold(&change.id) != Some(Hold::Removed);
        if gone && !inputs.wishes.new_data.contains(change.id.label()) {
            refusals.push(Refusal {
                code: "P0304".into(),
                id: change.id.clone(),
                summary: format!("volume `{}` is gone", change.name),
                why: "it was there at the last apply; a new one would be empty".into(),
                help: vec![
                    format!(
                        "restore it from a backup (docker volume create {0}, and the data into it) and write \
                         `name: {0}` with `external: true`, or",
                        change.name
                    ),
                    format!(
                        "make an empty one: coasti apply --new-data {}",
                        change.id.label()
                    ),
                ],
                origin: change.origin.clone(),
            });
        }
    }
}

/// What holds data goes while one of the same product comes: most likely it was only renamed. By the whole
/// files, also where `--target` does only one half of it: the other half would find nothing amiss any more.
pub(super) fn lost_touch(inputs: &Inputs<'_>, slots: &Slots<'_>, refusals: &mut Vec<Refusal>) {
    let Some(base) = inputs.base else { return };
    for (id, resource, _) in inputs.desired.containers() {
        let Some(about) = &resource.about else {
            continue;
        };
        let label = id.label();
        let there = |candidate: &Candidate<'_>| candidate.place != Place::Failed;
        let is_new = !base.resources.contains_key(id) && !slots.of(id).iter().any(there);
        // One that never was keeps no data.
        let unknown = inputs.desired.was(label).filter(|was| !inputs.knows(was));
        let renamed = about.was.is_some() && about.role == Role::App && unknown.is_none();
        let said = renamed || resource.life.new_data || inputs.wishes.new_data.contains(label);
        if !is_new || said || inputs.hold(id).is_some() {
            continue;
        }
        // By what was applied, not by what runs: after a `destroy` nothing goes, and the data is there.
        let going = base
            .resources
            .iter()
            .filter(|(id, _)| {
                id.kind == Kind::Container && !inputs.desired.resources.contains_key(*id)
            })
            .filter(|(old, _)| inputs.wants(id) || inputs.wants(old))
            .filter(|(old, _)| !is_renamed(inputs, old))
            .find(|(gone, old)| {
                let same = old
                    .about
                    .as_ref()
                    .is_some_and(|o| o.role == about.role && o.product == about.product);
                same && match about.role {
                    Role::App => {
                        holds_data(base, gone.label())
                            && !keeps_data(inputs, base, gone.label(), label)
                    }
                    Role::Provider => {
                        let kept = data_of(base, |of| of == *gone)
                            .is_subset(&data_of(inputs.desired, |of| of == id));
                        gone.label() == label && old.life.holds_data && !kept
                    }
                }
            });
        let Some((old, _)) = going else { continue };
        let (was, now) = (&old.address, &id.address);
        let name = was.rsplit('/').next().unwrap_or_default();
        let keep = match about.role {
            // A service of a compose file, in the same site.
            Role::App if old.label() == label => {
                format!("give the service its old name `{name}` again, or")
            }
            Role::App => {
                let data = data_of(base, |of| of.label() == old.label());
                let mut made = data.into_iter().filter_map(|data| made_as(inputs, data));
                let was = made.next().unwrap_or(old.label());
                format!(
                    "if it was renamed: `was: {was}` beside `label: {label}` keeps the data, or"
                )
            }
            Role::Provider => format!("give the provider its old name `{name}` again, or"),
        };
        refusals.push(Refusal {
            code: "P0305".into(),
            id: id.clone(),
            summary: format!("`{was}` goes and `{now}` comes, both {}", about.product),
            why: match unknown {
                Some(typo) => format!(
                    "`was: {typo}` names nothing that is or was here, and `{now}` would start without the data of \
                     `{was}`"
                ),
                None => format!("`{now}` would start without the data of `{was}`"),
            },
            help: vec![
                keep,
                format!("if it is another one: `new-data: true` there, or `--new-data {label}`"),
            ],
            origin: resource.origin("").cloned(),
        });
    }
}

/// The data that some containers of a stack may write to.
fn data_of(stack: &Stack, which: impl Fn(&ResourceId) -> bool) -> BTreeSet<&str> {
    let containers = stack.containers().filter(|(id, ..)| which(id));
    containers.flat_map(|(_, _, spec)| spec.data()).collect()
}

/// Whether the containers of `new` use all the data that those of `old` wrote to, as after a rollback
/// across a rename.
fn keeps_data(inputs: &Inputs<'_>, base: &Stack, old: &str, new: &str) -> bool {
    let before = data_of(base, |id| id.label() == old);
    let after = data_of(inputs.desired, |id| id.label() == new);
    !before.is_empty() && before.is_subset(&after)
}

fn holds_data(stack: &Stack, label: &str) -> bool {
    stack
        .containers()
        .any(|(id, resource, _)| id.label() == label && resource.life.holds_data)
}
