//! Volumes that an image declares and no file mentions. Docker would give the container an anonymous one,
//! and a fresh one each time it is made anew: its data would be lost with every update.

use super::{Facts, before};
use crate::base::{EngineId, names};
use crate::config::expand::{Draft, Volume, take, taken_in_order};
use crate::model::{Mount, MountSource, VolumeSpec};
use std::collections::{BTreeMap, BTreeSet};

/// Gives each of them a volume of the stack's.
pub(super) fn undeclared(draft: &mut Draft, facts: &Facts<'_>, unknown: &BTreeSet<String>) {
    let none = BTreeSet::new();
    let mut declared: Vec<BTreeSet<String>> = Vec::new();
    for container in &draft.containers {
        let image = facts.observed.images.get(&container.spec.image);
        let mut paths: BTreeSet<String> = image.map_or(&none, |image| &image.volumes).clone();
        // Where the image is gone from the engine, what it had when its container was made still holds.
        if let Some(old) = before(container, draft, facts)
            && unknown.contains(&container.spec.image)
            && old.image == container.spec.image
        {
            let ours = |path: &str, mount: &Mount| {
                let (_, name) = volume(draft, &container.data, path);
                matches!(&mount.source, MountSource::Volume(id) if id.as_str() == name)
            };
            paths.extend(
                old.mounts
                    .iter()
                    .filter(|(path, mount)| ours(path, mount))
                    .map(|(path, _)| path.clone()),
            );
        }
        declared.push(paths);
    }
    for (number, from) in taken_in_order(&draft.containers) {
        take(&mut draft.containers, number, &from);
        let (Some(container), Some(paths)) = (draft.containers.get(number), declared.get(number))
        else {
            continue;
        };
        let mounts = &container.spec.mounts;
        let missing = paths
            .iter()
            .map(|path| path.trim_end_matches('/').to_owned())
            .filter(|path| !path.is_empty() && !mounts.contains_key(path));
        let found: BTreeMap<_, _> = missing
            .map(|path| (path.clone(), volume(draft, &container.data, &path)))
            .collect();
        let Some(container) = draft.containers.get_mut(number) else {
            continue;
        };
        for (path, (address, name)) in found {
            let mount = Mount::from(MountSource::Volume(EngineId::new(name.clone())));
            let made = Volume {
                name,
                spec: VolumeSpec::default(),
                at: container.at.clone(),
                what: format!(
                    "the undeclared volume at `{path}` of `{}`",
                    container.id.address
                ),
            };
            draft.volumes.insert(address, made);
            container.spec.mounts.insert(path, mount);
            container.keeps();
        }
    }
}

/// Address and name of the volume for `path`.
fn volume(draft: &Draft, data: &str, path: &str) -> (String, String) {
    let plain = names::sanitize(&path.trim_matches('/').replace('/', "-"));
    let address = format!("{data}/{}{plain}", names::UNDECLARED);
    let name = names::object(&draft.stack, &address);
    (address, name)
}
