//! What data was made with: a database's version, and variables that its image reads only then.

use super::{Before, Inputs, Refusal};
use crate::base::ResourceId;
use crate::model::{ContainerSpec, Given, MountSource, Part, Resource, Role, Text};
use crate::services;

/// A database's files belong to its version.
pub(super) fn version(
    inputs: &Inputs<'_>,
    id: &ResourceId,
    resource: &Resource,
    spec: &ContainerSpec,
    before: &Before,
    refusals: &mut Vec<Refusal>,
) {
    let Some(about) = &resource.about else { return };
    if !before.shares_data(inputs, resource, spec) {
        return;
    }
    // A site that runs a database's image is one as well.
    let of_image = || services::of_data(&spec.image);
    let service = match about.role {
        Role::Provider => services::find(&about.product).or_else(of_image),
        _ => of_image(),
    };
    let Some(service) = service else {
        return;
    };
    // One image by two names, or two by one name.
    let image = inputs.observed.images.get(&spec.image);
    let had = before.container.map(|container| &container.image);
    if image.is_some_and(|image| had == Some(&image.id)) {
        return;
    }
    let tags = (tag(&before.spec.image), tag(&spec.image));
    let says_none = |tag| service.version(tag).is_none();
    let said = || {
        let env = &image?.env;
        let now = services::said_version(service, |name| env.get(name).map(String::as_str));
        before.version(service).zip(now)
    };
    let said = (says_none(tags.0) || says_none(tags.1))
        .then(said)
        .flatten();
    let (from, to) = match &said {
        Some((from, to)) => (from.as_str(), to.as_str()),
        None => tags,
    };
    // What no file names was chosen by its version.
    let of_table = |image: &str| service.versions().iter().any(|(_, one)| *one == image);
    let product = service.name();
    if let Err(why) = services::upgrade(product, from, to) {
        refusals.push(Refusal {
            code: "P0301".into(),
            id: id.clone(),
            summary: format!("{product} {from} → {to} on existing data"),
            why,
            help: vec![
                // Of a tag that moved only the version is left to say.
                if before.spec.image == spec.image {
                    format!("name the version that it is: `{product}:{from}`, or")
                } else if about.role == Role::Provider && of_table(&before.spec.image) {
                    format!("keep the version: `module-version: \"=={from}\"`, or")
                } else {
                    format!("keep the image: `{}`, or", before.spec.image)
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
pub(super) fn init_only(
    inputs: &Inputs<'_>,
    id: &ResourceId,
    resource: &Resource,
    spec: &ContainerSpec,
    before: &Before,
    refusals: &mut Vec<Refusal>,
) {
    let Some(about) = &resource.about else { return };
    // One that is not given any more tells as much.
    let no_more = before.about.into_iter().flat_map(|about| &about.init_only);
    let no_more = no_more.filter(|(name, data)| {
        !about.init_only.contains_key(*name) && resource.made_with(data.as_str())
    });
    for (variable, data) in about.init_only.iter().chain(no_more) {
        let wrote = before.spec.mounts.values().any(|mount| {
            !mount.read_only
                && match &mount.source {
                    MountSource::Volume(name) => name == data,
                    MountSource::Directory(path) => path == data.as_str(),
                    MountSource::Tmpfs { .. } => false,
                }
        });
        // A directory cannot be looked at: what was written to is taken to be there.
        let kept = data.as_str().starts_with('/') || inputs.has_volume(data.as_str());
        let (was, now) = (before.spec.given(variable), spec.given(variable));
        if !kept || !wrote || same(&was, &now) {
            continue;
        }
        let by = now.variable().unwrap_or(variable);
        let help = match was.text() {
            Some(was) => vec![
                format!("put the old value back{}, or", where_kept(was)),
                format!(
                    "change it inside the service, let coasti have the same value, and apply with `--new-data {}`",
                    id.label()
                ),
            ],
            None => vec![
                match variable.as_str() {
                    // No command of a service moves its files, or makes them anew.
                    "PGDATA" | "POSTGRES_INITDB_ARGS" => "leave it out, as before, or".into(),
                    _ => "leave it out, as before, and set it inside the service, or".into(),
                },
                format!(
                    "if the data was made with this very value: `--new-data {}`",
                    id.label()
                ),
            ],
        };
        refusals.push(Refusal {
            code: "P0302".into(),
            id: id.clone(),
            summary: format!("`{by}` changed, but the data was made with another value"),
            why: format!(
                "`{data}` was initialised by that value; with another one what is in it is not found, or lets \
                 nobody in"
            ),
            help,
            origin: resource.origin(&format!("env.{by}")).cloned(),
        });
    }
}

/// How to see what was last applied.
fn where_kept(text: &Text) -> String {
    match text.as_value().map(|value| value.id.as_str()) {
        Some(id) if id.contains('/') => format!(" (coasti secret get {id})"),
        Some(id) => match id.strip_prefix("secret:") {
            Some(name) => {
                let name = name.strip_suffix(":file").unwrap_or(name);
                format!(" (coasti secret get --applied {name})")
            }
            None => format!(" (coasti secret export has it as `{id}`)"),
        },
        None => String::new(),
    }
}

/// Whether both are given the same, as far as can be known.
fn same(a: &Given<'_>, b: &Given<'_>) -> bool {
    let unseen = |given: &Given<'_>| matches!(given, Given::Unseen(_));
    unseen(a) || unseen(b) || same_text(a.text(), b.text())
}

/// Whether two texts are the same as far as can be known: digests decide, not names.
fn same_text(a: Option<&Text>, b: Option<&Text>) -> bool {
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
