//! Values of a store that is gone, as far as the containers that are there know them.

use super::error::OpError;
use crate::base::{Key, Secret, StackName, ValueId, names};
use crate::engine::Look;
use crate::exec::Values;
use crate::model::{ContainerSpec, FileSpec, Spec, Text, ValueRef, spec_hash};
use crate::observe::{Container, Observed};
use std::collections::BTreeSet;
use std::io::Read as _;

/// Takes values that the store does not have from the variables of containers that bear them, and from files
/// that were delivered into those.
///
/// Containers in place come before those that were replaced. Copies made by hand tell nothing.
pub(super) async fn rebuild<L: Look>(
    look: &L,
    stack: &StackName,
    observed: &Observed,
    values: &mut Values,
) -> Result<(), OpError> {
    let place = |container: &Container| {
        let id = container.owner.resource.as_ref()?;
        let object = names::object(stack, &id.address);
        ["", names::PREV, names::NEXT]
            .iter()
            .position(|suffix| container.name == format!("{object}{suffix}"))
    };
    let mut ours: Vec<_> = observed
        .containers
        .values()
        .filter_map(|container| Some((place(container)?, container)))
        .collect();
    ours.sort_by_key(|(place, _)| *place);
    for (_, container) in ours {
        let Some(Spec::Container(spec)) = &container.owner.spec else {
            continue;
        };
        for (name, text) in &spec.env {
            if let Some(real) = container.env.get(name) {
                take(text, real.expose(), values);
            }
        }
        files(look, container, spec, values).await?;
    }
    Ok(())
}

/// Takes what is not known yet.
fn take(text: &Text, real: &str, values: &mut Values) {
    for (value, real) in text.read(real).into_iter().flatten() {
        let known = values.entry(value.id.clone());
        known.or_insert_with(|| Secret::new(real.to_owned()));
    }
}

/// Reads files of a container that have values which nobody else knows.
async fn files<L: Look>(
    look: &L,
    container: &Container,
    spec: &ContainerSpec,
    values: &mut Values,
) -> Result<(), OpError> {
    let delivered = FileSpec {
        files: spec.files.clone(),
    };
    let inside = delivered.inside();
    for (path, file) in &spec.files {
        let known = |id: &ValueId| values.contains_key(id);
        let (true, Some(name)) = (
            file.content.values().any(|value| !known(&value.id)),
            inside.get(path),
        ) else {
            continue;
        };
        let at = format!("{}/{name}", FileSpec::MOUNT);
        let Some(tar) = look.read(container.id.as_str(), &at).await? else {
            continue;
        };
        if let Some(real) = only(&tar) {
            take(&file.content, &real, values);
        }
    }
    Ok(())
}

/// The one file of an archive, where it is text.
fn only(tar: &[u8]) -> Option<String> {
    let mut archive = tar::Archive::new(tar);
    let mut file = archive.entries().ok()?.next()?.ok()?;
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    Some(text)
}

/// Values that these containers were made with and that are not among `values`.
pub(super) fn unknown(observed: &Observed, values: &Values) -> BTreeSet<ValueId> {
    let specs = observed
        .containers
        .values()
        .filter_map(|container| match &container.owner.spec {
            Some(Spec::Container(spec)) => Some(spec),
            _ => None,
        });
    let ids = specs.flat_map(|spec| spec.texts()).flat_map(Text::values);
    let unknown = ids.filter(|value| !values.contains_key(&value.id));
    unknown.map(|value| value.id.clone()).collect()
}

/// Makes labels that were written with a lost key comparable: the same specs, with digests of today's key.
///
/// What a volume was made with, the engine says itself.
pub(super) fn rekey(observed: &mut Observed, key: &Key, values: &Values) {
    let fingerprint = key.fingerprint();
    for volume in observed.volumes.values_mut() {
        let owner = &mut volume.owner;
        let intact = owner.spec.as_ref().map(spec_hash) == owner.spec_hash;
        if owner.key.as_ref() == Some(&fingerprint) || !intact {
            continue;
        }
        if let Some(Spec::Volume(spec)) = &mut owner.spec {
            for (name, text) in &mut spec.options {
                let live = volume.options.get(name).map_or("", String::as_str);
                for (value, real) in text.clone().read(live).into_iter().flatten() {
                    let same = |one: &&mut ValueRef| one.id == value.id;
                    if let Some(value) = text.values_mut().find(same) {
                        value.digest = Some(key.keyed(real.as_bytes()));
                    }
                }
            }
        }
        if let Some(spec) = &owner.spec {
            owner.spec_hash = Some(spec_hash(spec));
            owner.key = Some(fingerprint.clone());
        }
    }
    for container in observed.containers.values_mut() {
        let owner = &mut container.owner;
        let intact = owner.spec.as_ref().map(spec_hash) == owner.spec_hash;
        if owner.key.as_ref() == Some(&fingerprint) || !intact {
            continue;
        }
        if let Some(spec) = &mut owner.spec {
            if let Spec::Container(spec) = spec {
                for value in spec.texts_mut().into_iter().flat_map(Text::values_mut) {
                    if let Some(real) = values.get(&value.id) {
                        value.digest = Some(key.keyed(real.expose().as_bytes()));
                    }
                }
            }
            owner.spec_hash = Some(spec_hash(spec));
            owner.key = Some(fingerprint.clone());
        }
    }
}
