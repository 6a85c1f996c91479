//! Images: pulled, loaded or built where they are missing; fetched anew where their registry has another one.

use super::others::change;
use super::{Action, Cause, Diff, FieldChange, Inputs, Reason, Refusal};
use crate::base::{Kind, ResourceId};
use crate::build::LABEL_BUILD;
use crate::model::{BuildSpec, ContainerSpec, ImageSpec, Pull, Resource, Spec, flatten};
use crate::observe::{Container, Image};
use std::collections::BTreeSet;

/// What is to be fetched or built.
pub(super) fn images(inputs: &Inputs<'_>, diff: &mut Diff) {
    for (id, resource) in inputs
        .desired
        .resources
        .iter()
        .filter(|(id, _)| id.kind == Kind::Image)
    {
        let Spec::Image(spec) = &resource.spec else {
            continue;
        };
        match &spec.build {
            Some(build) => built(inputs, id, resource, build, diff),
            None => fetched(inputs, id, resource, spec, diff),
        }
    }
}

fn fetched(
    inputs: &Inputs<'_>,
    id: &ResourceId,
    resource: &Resource,
    spec: &ImageSpec,
    diff: &mut Diff,
) {
    let ImageSpec { pull, archive, .. } = spec;
    match inputs.observed.images.get(&resource.name) {
        None if *pull == Pull::Never && archive.is_none() => diff.refusals.push(Refusal {
            code: "P0203".into(),
            id: id.clone(),
            summary: format!("image `{}` is not on the engine", resource.name),
            why: "the files say that it is never pulled".into(),
            help: vec![format!(
                "load it (docker load), or tag one so: docker tag IMAGE {}",
                resource.name
            )],
            origin: resource.origin("").cloned(),
        }),
        None => {
            let pull = change(id, resource, Action::Pull, Reason::ImageMissing);
            diff.changes.insert(id.clone(), pull);
        }
        Some(image) => {
            if let Some(to) = moved(inputs, &resource.name, image) {
                let mut change = change(id, resource, Action::Pull, Reason::Requested);
                change.reasons.clear();
                change.fields.push(FieldChange {
                    field: "digest".into(),
                    from: image.digests.first().cloned(),
                    to: Some(to.to_owned()),
                    cause: Cause::Upstream,
                    origin: resource.origin("").cloned(),
                });
                diff.changes.insert(id.clone(), change);
            }
        }
    }
}

/// The digest that the image's registry has for the reference now, where the engine's is another one.
fn moved<'a>(inputs: &'a Inputs<'_>, reference: &str, image: &Image) -> Option<&'a str> {
    let remote = inputs.wishes.remote.get(reference)?;
    let same = |digest: &String| digest.ends_with(remote.as_str());
    (!image.digests.iter().any(same)).then_some(remote)
}

/// Whether the engine's image is the one that is built so.
fn is_built(image: &Image, build: &BuildSpec) -> bool {
    image.labels.get(LABEL_BUILD).map(String::as_str) == Some(build.digest().as_str())
}

fn built(
    inputs: &Inputs<'_>,
    id: &ResourceId,
    resource: &Resource,
    build: &BuildSpec,
    diff: &mut Diff,
) {
    let origin = resource.origin("").cloned();
    let image = inputs.observed.images.get(&resource.name);
    let there = image.is_some_and(|image| is_built(image, build));
    let mut change = change(id, resource, Action::Build, Reason::ImageMissing);
    if there {
        change.reasons.clear();
        let bases = moved_bases(inputs, build).into_iter();
        change.fields = bases
            .map(|(base, from, to)| FieldChange {
                field: format!("base.{base}"),
                from,
                to: Some(to),
                cause: Cause::Upstream,
                origin: origin.clone(),
            })
            .collect();
        if change.fields.is_empty() {
            return;
        }
    } else if let Some(before) = before(inputs, id) {
        let (from, to) = (flatten(&before.spec), flatten(&resource.spec));
        let fields: BTreeSet<_> = from.keys().chain(to.keys()).collect();
        let fields = fields
            .into_iter()
            .filter(|field| from.get(*field) != to.get(*field));
        change.fields = fields
            .filter_map(|field| {
                let name = field
                    .strip_prefix("build.")
                    .filter(|name| *name != "content")?;
                Some(FieldChange {
                    field: name.to_owned(),
                    from: from.get(field).cloned(),
                    to: to.get(field).cloned(),
                    cause: Cause::You,
                    origin: origin.clone(),
                })
            })
            .collect();
    }
    diff.changes.insert(id.clone(), change);
}

/// Images that a build starts from whose registries have others now: reference, digest here, digest there.
fn moved_bases(inputs: &Inputs<'_>, build: &BuildSpec) -> Vec<(String, Option<String>, String)> {
    let moved = build.bases.iter().filter_map(|base| {
        let image = inputs.observed.images.get(base)?;
        let to = moved(inputs, base, image)?;
        Some((base.clone(), image.digests.first().cloned(), to.to_owned()))
    });
    moved.collect()
}

/// The image's ids, where the container runs another one than the reference names now.
pub(super) fn upstream(
    inputs: &Inputs<'_>,
    spec: &ContainerSpec,
    container: &Container,
) -> Option<(String, String)> {
    let image = inputs.observed.images.get(&spec.image)?;
    if let Some(remote) = moved(inputs, &spec.image, image) {
        return Some((short(&image.id), short(remote)));
    }
    let wanted = inputs
        .desired
        .resources
        .get(&ResourceId::image(&spec.image));
    if let Some(Spec::Image(ImageSpec {
        build: Some(build), ..
    })) = wanted.map(|it| &it.spec)
        && let Some((base, ..)) = moved_bases(inputs, build).first()
    {
        return Some((short(&image.id), format!("built anew from {base}")));
    }
    (image.id != container.image).then(|| (short(&container.image), short(&image.id)))
}

fn short(id: &str) -> String {
    let digits = id.rsplit(':').next().unwrap_or(id);
    digits.chars().take(12).collect()
}

/// What ran in the place of who runs this image, where that was built as well.
fn before<'a>(inputs: &Inputs<'a>, image: &ResourceId) -> Option<&'a Resource> {
    let base = inputs.base?;
    let users = inputs.desired.containers();
    let mut users = users.filter(|(_, user, _)| user.needs.contains_key(image));
    users.find_map(|(id, ..)| {
        let old = ResourceId::image(&base.container(id)?.image);
        let old = base.resources.get(&old)?;
        matches!(&old.spec, Spec::Image(spec) if spec.build.is_some()).then_some(old)
    })
}
