//! How one compose file is laid over another: the specification's rules.

use super::tree::{Field, Item, Str, Val};
use crate::config::codes;
use crate::diag::{Before, Diagnostic, Diagnostics, Place};

/// Lists that take the place of what was there.
const REPLACED: &[&str] = &["command", "entrypoint", "test"];

/// Puts every form of a service into the one that can be merged: lists of pairs become tables.
pub(super) fn normalise(service: &mut Item, d: &mut Diagnostics) {
    let Val::Map(fields) = &mut service.value else {
        return;
    };
    for field in fields {
        let key = field.key.clone();
        normal(&key, &mut field.item, d);
    }
}

fn normal(key: &str, item: &mut Item, d: &mut Diagnostics) {
    if let Val::Override(inner) = &mut item.value {
        return normal(key, inner, d);
    }
    match key {
        "environment" | "labels" | "sysctls" | "args" | "annotations" => pairs(item, &['='], d),
        "extra_hosts" => pairs(item, &['=', ':'], d),
        "depends_on" | "networks" => names(item, d),
        "env_file" | "tmpfs" | "dns" | "dns_search" | "dns_opt"
            if matches!(item.value, Val::Text(_)) || key == "env_file" && is_map(item) =>
        {
            let at = item.at.clone();
            let single = std::mem::replace(&mut item.value, Val::Null);
            item.value = Val::List(vec![Item { value: single, at }]);
        }
        "build" => {
            if let Val::Text(_) = &item.value {
                let at = item.at.clone();
                let context = std::mem::replace(&mut item.value, Val::Null);
                let context = Item {
                    value: context,
                    at: at.clone(),
                };
                let key = "context".to_owned();
                item.value = Val::Map(vec![Field {
                    key,
                    key_at: at,
                    item: context,
                }]);
            }
            if let Val::Map(fields) = &mut item.value {
                for field in fields {
                    normal(&field.key.clone(), &mut field.item, d);
                }
            }
        }
        _ => {}
    }
}

fn is_map(item: &Item) -> bool {
    matches!(item.value, Val::Map(_))
}

/// `[NAME=value, …]` becomes a table; a name alone has nothing as its value.
fn pairs(item: &mut Item, separators: &[char], d: &mut Diagnostics) {
    let Val::List(items) = &item.value else {
        return;
    };
    let mut fields: Vec<Field> = Vec::new();
    for entry in items {
        let Some(text) = entry.as_str() else {
            d.push(entry.wrong("an entry of this list", "text"));
            continue;
        };
        let (key, value) = split(text, separators);
        let value = value.map_or(Val::Null, Val::Text);
        let field = Field {
            key,
            key_at: entry.at.clone(),
            item: Item {
                value,
                at: entry.at.clone(),
            },
        };
        match fields.iter_mut().find(|other| other.key == field.key) {
            Some(other) => *other = field,
            None => fields.push(field),
        }
    }
    item.value = Val::Map(fields);
}

/// Name and value of `NAME=value`. The name stands in the text's first part, which may be shown.
fn split(text: &Str, separators: &[char]) -> (String, Option<Str>) {
    use super::tree::Bit;
    let mut bits = text.bits().iter();
    let Some(Bit::Plain(first)) = bits.next() else {
        return (text.shown(), None);
    };
    let Some((name, value)) = first.split_once(|c| separators.contains(&c)) else {
        return (text.shown(), None);
    };
    let rest = std::iter::once(Bit::Plain(value.to_owned())).chain(bits.cloned());
    (name.trim().to_owned(), Some(rest.collect()))
}

/// `[name, …]` becomes a table of names.
fn names(item: &mut Item, d: &mut Diagnostics) {
    let Val::List(items) = &item.value else {
        return;
    };
    let mut fields: Vec<Field> = Vec::new();
    for entry in items {
        let Some(name) = entry.as_str().and_then(Str::as_plain) else {
            d.push(entry.wrong("an entry of this list", "a name"));
            continue;
        };
        if fields.iter().all(|field| field.key != name) {
            fields.push(Field {
                key: name.to_owned(),
                key_at: entry.at.clone(),
                item: Item {
                    value: Val::Null,
                    at: entry.at.clone(),
                },
            });
        }
    }
    item.value = Val::Map(fields);
}

/// Lays `over` over `base`; `key` is the key of both.
pub(super) fn merge(key: &str, base: Item, over: Item, d: &mut Diagnostics) -> Item {
    let (base_at, at) = (base.at, over.at);
    let over_base = |at: Place| at.over(Before::File(base_at.clone()));
    let at = match base.value {
        Val::Null | Val::Reset => at,
        _ => over_base(at),
    };
    let value = match (base.value, over.value) {
        (_, Val::Reset) => Val::Reset,
        (_, Val::Override(inner)) => {
            let (value, at) = (inner.value, over_base(inner.at));
            return Item { value, at };
        }
        // Nothing said is nothing changed.
        (value, Val::Null) => return Item { value, at: base_at },
        (Val::Null | Val::Reset, value) => value,
        (Val::Override(inner), value) => {
            return merge(key, *inner, Item { value, at }, d);
        }
        (Val::Map(base), Val::Map(over)) if key == "logging" && other_driver(&base, &over) => {
            drop(base);
            Val::Map(over)
        }
        (Val::Map(base), Val::Map(over)) => Val::Map(fields(base, over, d)),
        (Val::List(_), over @ Val::List(_)) if REPLACED.contains(&key) => over,
        (Val::List(base), Val::List(over)) => Val::List(list(key, base, over)),
        (Val::Text(_), over @ Val::Text(_)) => over,
        // A command may be text here and a list there.
        (_, over) if REPLACED.contains(&key) => over,
        (base, over) => {
            let base = Item {
                value: base,
                at: base_at,
            };
            let over = Item { value: over, at };
            let summary = format!("`{key}` cannot be merged: it was {}", base.kind());
            let error = Diagnostic::error(codes::WRONG_TYPE, Some(over.at.clone()), summary);
            d.push(
                error
                    .label(format!("this is {}", over.kind()))
                    .related(base.at, "merged with this"),
            );
            return over;
        }
    };
    Item { value, at }
}

fn other_driver(base: &[Field], over: &[Field]) -> bool {
    let driver = |fields: &[Field]| {
        let found = fields.iter().find(|field| field.key == "driver");
        found.and_then(|field| field.item.as_str().map(Str::shown))
    };
    driver(over).is_some() && driver(base) != driver(over)
}

/// Two tables: what both have is merged.
pub(super) fn fields(base: Vec<Field>, over: Vec<Field>, d: &mut Diagnostics) -> Vec<Field> {
    let mut merged: Vec<Field> = base;
    for field in over {
        match merged.iter().position(|own| own.key == field.key) {
            Some(at) => {
                let own = merged.remove(at);
                let item = merge(&field.key, own.item, field.item, d);
                let (key, key_at) = (field.key, field.key_at);
                merged.insert(at, Field { key, key_at, item });
            }
            None => merged.push(field),
        }
    }
    merged
}

/// Two lists, one after the other; of what is there once only, the later one.
fn list(key: &str, base: Vec<Item>, over: Vec<Item>) -> Vec<Item> {
    let over_keys: Vec<String> = over.iter().filter_map(|item| identity(key, item)).collect();
    let mut merged: Vec<Item> = base
        .into_iter()
        .filter(|item| identity(key, item).is_none_or(|own| !over_keys.contains(&own)))
        .collect();
    merged.extend(over);
    merged
}

/// What tells entries of a list apart.
fn identity(key: &str, item: &Item) -> Option<String> {
    let text = item.as_str().map(Str::shown);
    match key {
        "volumes" => match text {
            Some(text) => Some(super::mounts::target(&text).to_owned()),
            None => item.get("target")?.as_str().map(Str::shown),
        },
        "secrets" | "configs" => {
            let named = |name: &str| item.get(name).and_then(Item::as_str).map(Str::shown);
            text.or_else(|| named("target")).or_else(|| named("source"))
        }
        "devices" => text.map(|text| text.split(':').nth(1).unwrap_or(&text).to_owned()),
        _ => text,
    }
}

/// Takes away what was reset and the tags of what was to be overridden.
pub(super) fn settle(item: &mut Item) {
    while let Val::Override(inner) = &mut item.value {
        let value = std::mem::replace(&mut inner.value, Val::Null);
        item.value = value;
    }
    match &mut item.value {
        Val::Map(fields) => {
            fields.retain(|field| !matches!(field.item.value, Val::Reset));
            for field in fields {
                settle(&mut field.item);
            }
        }
        Val::List(items) => {
            items.retain(|item| !matches!(item.value, Val::Reset));
            items.iter_mut().for_each(settle);
        }
        _ => {}
    }
}
