//! Volumes that an image declares and no file mentions. Docker would give the container an anonymous one,
//! and a fresh one each time it is made anew: its data would be lost with every update.

use super::{Facts, before};
use crate::base::{EngineId, names};
use crate::config::expand::{Draft, Volume};
use crate::model::{Mount, MountSource, VolumeSpec};
use std::collections::{BTreeMap, BTreeSet};

/// Gives each of them a volume of the stack's.
pub(super) fn undeclared(draft: &mut Draft, facts: &Facts<'_>, unknown: &BTreeSet<String>) {
    let none = BTreeSet::new();
    let mut found: Vec<BTreeMap<String, (String, String)>> = Vec::new();
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
        let missing = paths
            .iter()
            .map(|path| path.trim_end_matches('/').to_owned());
        let missing =
            missing.filter(|path| !path.is_empty() && !container.spec.mounts.contains_key(path));
        found.push(
            missing
                .map(|path| (path.clone(), volume(draft, &container.data, &path)))
                .collect(),
        );
    }
    for (container, found) in draft.containers.iter_mut().zip(found) {
        for (path, (address, name)) in found {
            let mount = Mount::from(MountSource::Volume(EngineId::new(name.clone())));
            container.life.holds_data = true;
            container
                .spec
                .stop_timeout
                .get_or_insert(crate::services::STOP_TIMEOUT);
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
