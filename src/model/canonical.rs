//! The canonical form of specs: what labels keep, what hashes cover, and what field diffs compare.
//!
//! JSON with sorted keys and without what is not declared. A field that is added to a spec later is absent
//! from old labels and from specs that do not declare it, so an upgrade of coasti changes no hash.

use crate::base::Digest;
use crate::model::{Spec, Text, ValueRef};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The hash function's version; it stands before the digest in the label.
pub const HASH_VERSION: &str = "v1";

/// The fields of a spec by path (`env.LOG_LEVEL`, `mounts./data.volume`), values as shown to people.
pub type Flat = BTreeMap<String, String>;

/// Sorted, compact JSON of anything serialisable.
pub(super) fn to_json<T: Serialize>(value: &T) -> String {
    // `Value`'s maps are sorted; types of ours serialise without failing.
    serde_json::to_value(value)
        .map(|v| v.to_string())
        .unwrap_or_default()
}

/// The digest of anything serialisable.
pub fn digest_of<T: Serialize>(value: &T) -> Digest {
    Digest::of(to_json(value).as_bytes())
}

/// The whole spec, as the label `coasti.spec` keeps it.
pub fn spec_json(spec: &Spec) -> String {
    to_json(spec)
}

/// The hash of what cannot change on a live object: `v1:` and 64 digits.
///
/// A value counts by its digest alone: where it is kept and what it is called does not change a container.
pub fn spec_hash(spec: &Spec) -> String {
    let mut spec = spec.clone();
    match &mut spec {
        Spec::Container(container) => {
            container.live = Default::default();
            for text in container.texts_mut() {
                text.values_mut().for_each(nameless);
            }
        }
        Spec::Network(network) => {
            network.subnet = None;
            network.subnet6 = None;
        }
        Spec::File(spec) => {
            let contents = spec.files.values_mut().map(|file| &mut file.content);
            contents.flat_map(Text::values_mut).for_each(nameless);
        }
        Spec::Volume(_) | Spec::Image(_) => {}
    }
    format!("{HASH_VERSION}:{}", Digest::of(to_json(&spec).as_bytes()))
}

/// Leaves the digest of a value, where it has one, in the place of its id.
pub(super) fn nameless(value: &mut ValueRef) {
    if value.digest.is_some() {
        value.id = crate::base::ValueId::new("");
    }
}

/// The fields of a spec, one an entry, so that two specs can be compared field by field.
pub fn flatten(spec: &Spec) -> Flat {
    fields(spec, compare_form)
}

/// Likewise for people: no digests.
pub fn shown(spec: &Spec) -> Flat {
    fields(spec, Text::show)
}

/// The form of a text.
type Form = fn(&Text) -> String;

fn fields(spec: &Spec, form: Form) -> Flat {
    let mut flat = Flat::new();
    let json = serde_json::to_value(spec).unwrap_or_default();
    // The outermost level is the kind.
    if let Value::Object(kinds) = json {
        for (_, fields) in kinds {
            walk("", &fields, form, &mut flat);
        }
    }
    flat
}

fn walk(path: &str, value: &Value, form: Form, flat: &mut Flat) {
    match value {
        Value::Object(fields) if is_text_map(path) => texts(path, fields, form, flat),
        Value::Object(fields) => {
            for (key, value) in fields {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                walk(&path, value, form, flat);
            }
            if fields.is_empty() && !path.is_empty() {
                flat.insert(path.to_owned(), String::new());
            }
        }
        text if is_content(path) => {
            let text: Text = serde_json::from_value(text.clone()).unwrap_or_default();
            flat.insert(path.to_owned(), form(&text));
        }
        Value::String(text) => {
            flat.insert(path.to_owned(), text.clone());
        }
        Value::Array(places) if path.starts_with(MORE_PORTS) => {
            let places: Vec<_> = places.iter().filter_map(Value::as_str).collect();
            let key = path.trim_start_matches(MORE_PORTS);
            flat.insert(format!("ports.{key}.also"), places.join(", "));
        }
        Value::Array(_) if is_text_list(path) => {
            let texts: Vec<Text> = serde_json::from_value(value.clone()).unwrap_or_default();
            let shown: Vec<_> = texts.iter().map(form).collect();
            flat.insert(path.to_owned(), Value::from(shown).to_string());
        }
        other => {
            flat.insert(path.to_owned(), other.to_string());
        }
    }
}

/// Further places of a port, which people see beside its first.
const MORE_PORTS: &str = "more_ports.";

fn is_text_map(path: &str) -> bool {
    matches!(path, "env" | "options")
}

fn is_text_list(path: &str) -> bool {
    matches!(path, "command" | "entrypoint" | "post_run" | "health.test")
}

fn is_content(path: &str) -> bool {
    path.starts_with("files.") && path.ends_with(".content")
}

fn texts(path: &str, fields: &Map<String, Value>, form: Form, flat: &mut Flat) {
    for (key, value) in fields {
        let text: Text = serde_json::from_value(value.clone()).unwrap_or_default();
        flat.insert(format!("{path}.{key}"), form(&text));
    }
}

/// A text so that equal ones are equal and no secret is in it: `***` is followed by the digest's start.
fn compare_form(text: &Text) -> String {
    text.parts()
        .iter()
        .map(|part| match part {
            super::Part::Plain(text) => text.clone(),
            super::Part::Value(value) => match &value.digest {
                Some(digest) => format!("***{}", digest.short(12)),
                None => "(generated)".to_owned(),
            },
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ValueId;
    use crate::model::ContainerSpec;

    fn spec(edit: impl FnOnce(&mut ContainerSpec)) -> Spec {
        let mut spec = ContainerSpec {
            image: "docker.io/library/redis:7".into(),
            ..Default::default()
        };
        spec.env.insert("A".into(), Text::plain("1"));
        edit(&mut spec);
        Spec::Container(Box::new(spec))
    }

    #[test]
    fn what_can_change_in_place_is_not_in_the_hash() {
        let base = spec_hash(&spec(|_| {}));
        assert_eq!(base, spec_hash(&spec(|s| s.live.memory = Some(1))));
        assert_ne!(base, spec_hash(&spec(|s| s.user = Some("1".into()))));
        // The function is a promise to containers that run: a change of it would replace them all.
        assert_eq!(
            base,
            "v1:10300819e0e0031cd5aab5cc7f32a5339b3ba761b4601372abdb821a7c18a737"
        );
    }

    #[test]
    fn a_value_counts_by_its_digest() {
        let with = |id: &str, digest: &str| {
            let digest = Some(Digest::from_text(digest));
            spec_hash(&spec(|s| {
                drop(
                    s.env
                        .insert("P".into(), Text::value(ValueId::new(id), digest)),
                )
            }))
        };
        assert_eq!(with("a", "d"), with("b", "d"));
        assert_ne!(with("a", "d"), with("a", "e"));
    }

    #[test]
    fn fields_are_named_by_their_path() {
        let flat = flatten(&spec(|s| {
            s.live.memory = Some(5);
            s.command = Some(vec![Text::plain("run")]);
        }));
        let shown: Vec<_> = flat.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(
            shown,
            [
                "command=[\"run\"]",
                "env.A=1",
                "image=docker.io/library/redis:7",
                "live.memory=5",
                "live.restart.name=always"
            ]
        );
    }
}
