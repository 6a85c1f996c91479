//! Volumes of a compose project, and what is said likewise of networks.

use super::service::Cx;
use crate::base::{Secret, ValueId, names};
use crate::config::codes;
use crate::config::compose::{Field, Item, Keys, MountFrom, labels};
use crate::config::expand::{Draft, Volume, apart};
use crate::diag::{Diagnostic, Diagnostics, Place, did_you_mean};
use crate::model::VolumeSpec;
use std::collections::BTreeMap;

/// Names on the engine, by the name in the file.
pub(super) type Names = BTreeMap<String, String>;

/// What `external` says: whether it is, and under which name.
pub(super) fn external(keys: &mut Keys<'_>, d: &mut Diagnostics) -> (bool, Option<String>) {
    let Some(item) = keys.take("external") else {
        return (false, None);
    };
    if item.fields().is_empty() {
        return (keys.flag("external", d).unwrap_or(false), None);
    }
    // The form of old: `external: {name: NAME}`.
    let name = item
        .get("name")
        .and_then(|name| crate::config::compose::plain(name, "`name`", d));
    (true, name)
}

pub(super) fn unknown(kind: &str, name: &str, at: &Place, known: &[Field]) -> Diagnostic {
    let summary = format!("there is no {kind} `{name}`");
    let error = Diagnostic::error(codes::UNKNOWN_NAME, Some(at.clone()), summary);
    match did_you_mean(name, known.iter().map(|field| field.key.as_str())) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error.help(format!(
            "declare it under `{kind}s`, at the file's outermost level"
        )),
    }
}

/// What else is said of something that is somebody else's: a problem of this kind each.
pub(super) fn settings<'a>(
    kind: &'a str,
    field: &'a Field,
    problem: fn(&'static str, Option<Place>, String) -> Diagnostic,
) -> impl Iterator<Item = Diagnostic> + 'a {
    let more = field.item.fields().iter().filter(|entry| {
        let own = matches!(entry.key.as_str(), "external" | "name") || entry.key.starts_with("x-");
        !own && !entry.item.is_null()
    });
    more.map(move |entry| {
        let (key, name) = (&entry.key, &field.key);
        let summary = format!("`{key}` of the {kind} `{name}`, which is external");
        problem(codes::IGNORED, Some(entry.key_at.clone()), summary)
            .label("whoever made it decided on that")
    })
}

/// A name of the file's own would clash with another site of the same product.
pub(super) fn renamed(kind: &str, said: &str, ours: &str, at: &Item) -> Diagnostic {
    Diagnostic::warning(
        codes::IGNORED,
        Some(at.at.clone()),
        format!("the {kind} will be called `{ours}`, not `{said}`"),
    )
    .help(format!(
        "`external: true` takes a {kind} of that name that is there already"
    ))
}

/// The volumes that services mount, into the draft.
pub(super) fn volumes(draft: &mut Draft, cx: &Cx<'_>, d: &mut Diagnostics) -> Names {
    let declared = &cx.project.volumes;
    let mut names = Names::new();
    for volume in cx.services.iter().flat_map(|service| &service.volumes) {
        let MountFrom::Named(name) = &volume.source else {
            continue;
        };
        if names.contains_key(name) {
            continue;
        }
        let Some(field) = declared.iter().find(|field| field.key == *name) else {
            d.push(
                unknown("volume", name, &volume.at, declared)
                    .help("a folder of the host begins with `./` or `/`"),
            );
            names.insert(name.clone(), String::new());
            continue;
        };
        let address = format!("{}/{}", cx.data(), names::sanitize(name));
        let ours = names::object(&draft.stack, &address);
        let mut made = Volume {
            name: ours,
            spec: VolumeSpec::default(),
            at: field.key_at.clone(),
            what: format!("the volume `{name}` of `{}`", cx.site.label.value),
        };
        volume_of(field, &address, &mut made, &mut draft.given, d);
        names.insert(name.clone(), made.name.clone());
        if let Some(other) = draft.volumes.insert(address, made.clone()) {
            let summary = format!(
                "{} and {} would be one, `{}`",
                other.what, made.what, made.name
            );
            d.push(
                Diagnostic::error(codes::NAME_CLASH, Some(made.at), summary)
                    .related(other.at, "the first"),
            );
        }
    }
    names
}

fn volume_of(
    field: &Field,
    address: &str,
    made: &mut Volume,
    given: &mut BTreeMap<ValueId, Secret<String>>,
    d: &mut Diagnostics,
) {
    let Some(mut keys) = Keys::of(&field.item, format!("volume `{}`", field.key), d) else {
        return;
    };
    let (is_external, old_name) = external(&mut keys, d);
    let name = keys.plain("name", d);
    let said = name.map(|(name, _)| name).or(old_name);
    if is_external {
        made.spec.external = true;
        made.name = said.unwrap_or_else(|| field.key.clone());
        // A driver or options are a contradiction.
        let told = settings("volume", field, |_, at, summary| {
            Diagnostic::error(codes::COMPOSE_KEY, at, summary)
        });
        told.for_each(|error| d.push(error));
        return;
    }
    if let Some(said) = said {
        d.push(renamed("volume", &said, &made.name, &field.item));
    }
    let driver = keys.plain("driver", d).map(|(driver, _)| driver);
    made.spec.driver = driver.filter(|driver| driver != "local");
    let said = keys.table("driver_opts", d).into_iter();
    let said = said.map(|(key, value, _)| (key, value)).collect();
    made.spec.options = apart::options(&said, address, given);
    made.spec.labels = labels(&mut keys, d);
    keys.finish(&[], d);
}
