//! How one compose file is laid over another: the specification's rules.

use super::tree::{Bit, Field, Item, Str, Val};
use crate::config::codes;
use crate::diag::{Before, Diagnostic, Diagnostics, Place};
use std::collections::{BTreeMap, BTreeSet};

/// How many values more a service comes to when all is read: a need that is a name is a table then, a command words.
pub(super) fn growth(service: &Item) -> usize {
    let blanks = |bit: &Bit| match bit {
        Bit::Plain(text) => text.matches([' ', '\t', '\n']).count(),
        _ => 0,
    };
    let fields = service.fields().iter();
    fields
        .map(|field| match (field.key.as_str(), &field.item.value) {
            ("depends_on", Val::List(names)) => 4 * names.len(),
            ("command" | "entrypoint", Val::Text(text)) => text.bits().iter().map(blanks).sum(),
            _ => 0,
        })
        .sum()
}

/// Puts every form of a service, a network or a volume into the one that can be merged: lists of pairs become tables.
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
        "extra_hosts" => {
            pairs(item, &['=', ':'], d);
            for host in item.fields().iter().filter(|host| host.item.is_null()) {
                let summary = format!("`extra_hosts` has no address for `{}`", host.key);
                let error = Diagnostic::error(codes::MISSING, Some(host.key_at.clone()), summary);
                d.push(error.help("`NAME:ADDRESS`; `host-gateway` is the engine's host"));
            }
        }
        "depends_on" => names(
            item,
            &[("condition", "service_started"), ("required", "true")],
            d,
        ),
        "networks" => names(item, &[], d),
        "env_file" | "label_file" | "tmpfs" | "dns" | "dns_search" | "dns_opt"
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
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
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
        let number = numbers.get(&field.key);
        match number.and_then(|number| fields.get_mut(*number)) {
            Some(other) => {
                // Only hosts are divided by colons, and only they are each of what is said of them.
                let item = match separators.contains(&':') {
                    true => both(other.item.clone(), field.item),
                    false => field.item,
                };
                *other = Field { item, ..field };
            }
            None => {
                numbers.insert(field.key.clone(), fields.len());
                fields.push(field);
            }
        }
    }
    item.value = Val::Map(fields);
}

/// Name and value of `NAME=value`. The name stands in the text's first part, which may be shown.
fn split(text: &Str, separators: &[char]) -> (String, Option<Str>) {
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

/// `[name, …]` becomes a table of names; `more` is what an entry says by being there.
fn names(item: &mut Item, more: &[(&str, &str)], d: &mut Diagnostics) {
    let Val::List(items) = &item.value else {
        return;
    };
    let mut fields: Vec<Field> = Vec::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for entry in items {
        let Some(name) = entry.as_str().and_then(Str::as_plain) else {
            d.push(entry.wrong("an entry of this list", "a name"));
            continue;
        };
        let said = more.iter().map(|(key, text)| Field {
            key: (*key).to_owned(),
            key_at: entry.at.clone(),
            item: Item {
                value: Val::Text(Str::plain(*text)),
                at: entry.at.clone(),
            },
        });
        let value = match more {
            [] => Val::Null,
            _ => Val::Map(said.collect()),
        };
        if seen.insert(name.to_owned()) {
            fields.push(Field {
                key: name.to_owned(),
                key_at: entry.at.clone(),
                item: Item {
                    value,
                    at: entry.at.clone(),
                },
            });
        }
    }
    item.value = Val::Map(fields);
}

/// What entries of a table are: by what the table is in, and under which key it stands there.
fn inside<'a>(within: &str, key: &'a str) -> &'a str {
    match within {
        "services" => "service",
        "networks" | "volumes" => "object",
        "service" | "object" => key,
        _ => "",
    }
}

/// Lays `over` over `base`; both stand under `key` in a table of `within`: a section of the file, a `service`,
/// or what has that key in a service.
pub(super) fn merge(within: &str, key: &str, base: Item, over: Item, d: &mut Diagnostics) -> Item {
    let (base_at, at) = (base.at, over.at);
    let over_base = |at: Place| at.over(Before::File(base_at.clone()));
    let at = match base.value {
        Val::Null | Val::Reset => at,
        _ => over_base(at),
    };
    let replaced = matches!(
        (within, key),
        ("service", "command" | "entrypoint") | ("healthcheck", "test") | ("ulimits", _)
    );
    // Of a variable, `NAME` alone says that it is the project's.
    let said = replaced || matches!(within, "environment" | "labels" | "sysctls");
    let value = match (base.value, over.value) {
        (_, Val::Reset) => Val::Reset,
        (_, Val::Override(inner)) => {
            let (value, at) = (inner.value, over_base(inner.at));
            return Item { value, at };
        }
        // Nothing said is nothing changed.
        (value, Val::Null) if !said => return Item { value, at: base_at },
        (Val::Null | Val::Reset, value) => value,
        (Val::Override(inner), value) => {
            return merge(within, key, *inner, Item { value, at }, d);
        }
        (_, value) if replaced => value,
        (Val::Map(base), Val::Map(over))
            if (within, key) == ("service", "logging") && other_driver(&base, &over) =>
        {
            drop(base);
            Val::Map(over)
        }
        (base @ (Val::Text(_) | Val::List(_)), over @ (Val::Text(_) | Val::List(_)))
            if within == "extra_hosts" =>
        {
            let base = Item {
                value: base,
                at: base_at,
            };
            both(
                base,
                Item {
                    value: over,
                    at: at.clone(),
                },
            )
            .value
        }
        (Val::Map(base), Val::Map(over)) => Val::Map(fields(inside(within, key), base, over, d)),
        (Val::List(base), Val::List(over)) if (within, key) == ("ipam", "config") => {
            Val::List(subnets(base, over, d))
        }
        (Val::List(base), Val::List(over)) => Val::List(list(within, key, base, over)),
        (Val::Text(_), over @ Val::Text(_)) => over,
        (_, Val::Null) => Val::Null,
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

/// A host has the addresses of both, each once.
fn both(base: Item, over: Item) -> Item {
    let at = over.at.clone();
    let mut all: Vec<Item> = Vec::new();
    for item in base.items().iter().chain(over.items()) {
        if !all.iter().any(|one| one.same(item)) {
            all.push(item.clone());
        }
    }
    match all.len() {
        0 | 1 => over,
        _ => Item {
            value: Val::List(all),
            at,
        },
    }
}

fn other_driver(base: &[Field], over: &[Field]) -> bool {
    let driver = |fields: &[Field]| {
        let found = fields.iter().find(|field| field.key == "driver");
        found.and_then(|field| field.item.as_str().map(Str::shown))
    };
    driver(over)
        .zip(driver(base))
        .is_some_and(|(over, base)| over != base)
}

/// Two tables of `within`: what both have is merged.
pub(super) fn fields(
    within: &str,
    base: Vec<Field>,
    over: Vec<Field>,
    d: &mut Diagnostics,
) -> Vec<Field> {
    let mut merged: Vec<Field> = base;
    let own = merged.iter().enumerate();
    let mut numbers: BTreeMap<String, usize> = own.map(|(n, own)| (own.key.clone(), n)).collect();
    for field in over {
        match numbers.get(&field.key).and_then(|n| merged.get_mut(*n)) {
            Some(own) => {
                let nothing = Item {
                    value: Val::Null,
                    at: own.item.at.clone(),
                };
                let before = std::mem::replace(&mut own.item, nothing);
                own.item = merge(within, &field.key, before, field.item, d);
                own.key_at = field.key_at;
            }
            None => {
                numbers.insert(field.key.clone(), merged.len());
                merged.push(field);
            }
        }
    }
    merged
}

/// Another subnet takes the place of the one before.
fn subnets(mut base: Vec<Item>, mut over: Vec<Item>, d: &mut Diagnostics) -> Vec<Item> {
    let subnet = |items: &[Item]| {
        let text = items.first()?.get("subnet")?.as_str()?;
        (items.len() == 1).then(|| text.shown())
    };
    if subnet(&base).is_some_and(|own| subnet(&over).as_ref() == Some(&own))
        && let (Some(own), Some(other)) = (base.pop(), over.pop())
    {
        return vec![merge("config", "", own, other, d)];
    }
    over
}

/// Two lists, one after the other; of what is there once only, the later one, where the first was.
fn list(within: &str, key: &str, base: Vec<Item>, over: Vec<Item>) -> Vec<Item> {
    let mut merged: Vec<Item> = Vec::new();
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    for item in base.into_iter().chain(over) {
        let own = identity(within, key, &item);
        let number = own.as_ref().and_then(|own| numbers.get(own));
        match number.and_then(|number| merged.get_mut(*number)) {
            Some(other) => *other = item,
            None => {
                numbers.extend(own.map(|own| (own, merged.len())));
                merged.push(item);
            }
        }
    }
    merged
}

/// What tells entries of a list apart.
fn identity(within: &str, key: &str, item: &Item) -> Option<String> {
    let text = item.as_str().map(Str::shown);
    if within != "service" {
        return text;
    }
    let named = |name: &str| item.get(name).and_then(Item::as_str).map(Str::shown);
    let target = |folder: &str| {
        let own = text.clone().or_else(|| named("target"));
        let path = own.or_else(|| named("source"))?;
        Some(match path.starts_with('/') {
            true => path,
            false => format!("{folder}{path}"),
        })
    };
    match key {
        "volumes" => match &text {
            Some(text) => Some(super::mounts::target(text).to_owned()),
            None => named("target").map(|path| path.trim_end_matches('/').to_owned()),
        },
        "tmpfs" => text.map(|text| match text.split_once(':') {
            Some((path, _)) => path.to_owned(),
            None => text,
        }),
        "secrets" => target("/run/secrets/"),
        "configs" => target("/"),
        "devices" => match text {
            Some(text) => Some(text.split(':').nth(1).unwrap_or(&text).to_owned()),
            None => named("target").or_else(|| named("source")),
        },
        // Of one name in two folders they are two: whoever reads them tells.
        "env_file" | "label_file" => None,
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
