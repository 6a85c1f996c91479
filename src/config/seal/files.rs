//! Files delivered into containers: one volume for each container, named after what is in it, so that another
//! content is another volume, and a container that mounts it another container.

use crate::base::{Digest, EngineId, ResourceId, names};
use crate::config::expand::{Container, Draft};
use crate::diag::Place;
use crate::model::{FileMount, Mount, MountSource, ValueRef, VolumeSpec};

/// Where the whole volume is mounted.
const HELD: &str = "/run/coasti/files";

/// The volume that a container's files come in.
pub(super) struct Delivery {
    /// Its id.
    pub(super) id: ResourceId,
    /// Its name on the engine.
    pub(super) name: String,
    /// Its spec, with the files.
    pub(super) spec: VolumeSpec,
    /// Where the first of them comes from.
    pub(super) at: Place,
}

/// Gives the container its files; `settle` gives references to values their digests, which the name is made
/// of: the content itself is not told by it.
pub(super) fn deliver(
    container: &mut Container,
    draft: &Draft,
    mut settle: impl FnMut(&mut ValueRef),
) -> Option<Delivery> {
    let at = container.files.first()?.at.clone();
    let mut spec = VolumeSpec::default();
    let mut targets = Vec::new();
    for (number, file) in container.files.iter().enumerate() {
        let mut made = file.spec.clone();
        made.content.values_mut().for_each(&mut settle);
        let name = format!("{number}");
        targets.push((file, name.clone()));
        spec.files.insert(name, made);
    }
    // By its digests: what is in the files is told by none of it.
    let hash = crate::model::spec_hash(&crate::model::Spec::Volume(spec.clone()));
    let hash = Digest::of(hash.as_bytes());
    let address = format!("{}/files-{}", container.id.address, hash.short(12));
    let name = names::object(&draft.stack, &address);
    // The engine counts a volume as used by its own mount only: without one, somebody's clean-up takes it.
    let whole = Mount {
        source: MountSource::Volume(EngineId::new(name.clone())),
        read_only: true,
    };
    container.spec.mounts.insert(HELD.to_owned(), whole);
    for (file, number) in targets {
        let mount = FileMount {
            volume: EngineId::new(name.clone()),
            file: number,
        };
        container.spec.files.insert(file.target.clone(), mount);
        let field = format!("files.{}", file.target);
        container.origins.insert(field, file.at.origin());
    }
    Some(Delivery {
        id: ResourceId::volume(&address),
        name,
        spec,
        at,
    })
}
