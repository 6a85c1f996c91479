//! `adopt` of a site: containers that are there already and not coasti's, whose place and data its own take.

use super::codes;
use super::doc::{Node, Sp, Value, wrong_type};
use super::expand::{Container, quoted};
use crate::diag::{Diagnostic, Diagnostics, Place};
use crate::model::Adopt;
use std::collections::BTreeMap;

/// What a site takes over, each with the name of its own that takes the place; none is the app's.
pub(super) type Adopts = Vec<(Option<Sp<String>>, Sp<Adopt>)>;

/// `NAME`, or a table of them.
pub(super) fn read(node: Option<&Node>, d: &mut Diagnostics) -> Adopts {
    let Some(node) = node else {
        return Adopts::new();
    };
    if let Value::Map(entries) = &node.value {
        let one = |entry: &super::doc::Entry| {
            let own = Sp::new(entry.key.clone(), &entry.key_at);
            Some((Some(own), container(&entry.node, d)?))
        };
        return entries.iter().filter_map(one).collect();
    }
    let one = container(node, d).map(|one| (None, one));
    one.into_iter().collect()
}

/// `NAME` or `NAME@ID`.
fn container(node: &Node, d: &mut Diagnostics) -> Option<Sp<Adopt>> {
    let Some(text) = node.value.scalar() else {
        d.push(wrong_type("`adopt`", "the name of a container", node));
        return None;
    };
    let (name, id) = match text.split_once('@') {
        Some((name, id)) => (name, Some(id)),
        None => (text.as_str(), None),
    };
    let fine = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let named = name.len() > 1
        && name.chars().all(fine)
        && name.starts_with(|c: char| c.is_ascii_alphanumeric());
    let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    let known = id.is_none_or(|id| (12..=64).contains(&id.len()) && id.chars().all(hex));
    if !named || !known {
        let summary = format!("`{text}` is no container");
        d.push(
            Diagnostic::error(codes::BAD_ADOPT, Some(node.at.clone()), summary)
                .help("`NAME`, or `NAME@ID` with at least 12 digits of its id (docker ps -a)"),
        );
        return None;
    }
    let value = Adopt {
        container: name.to_owned(),
        id: id.map(str::to_owned),
    };
    Some(Sp::new(value, &node.at))
}

/// Gives each of a site's containers what it takes over.
pub(super) fn give(
    adopts: &Adopts,
    label: &str,
    containers: &mut [Container],
    d: &mut Diagnostics,
) {
    // Where none came of the site, something else is wrong with it, which was said.
    if containers.is_empty() {
        return;
    }
    let within = format!("{label}/");
    let name = |address: &str| address.strip_prefix(&within).unwrap_or(address).to_owned();
    let numbered = containers.iter().enumerate();
    let numbers: BTreeMap<String, usize> = numbered
        .map(|(n, one)| (name(&one.id.address), n))
        .collect();
    for (own, adopt) in adopts {
        let named = own.as_ref().map_or(label, |own| own.value.as_str());
        let plain = named.strip_prefix(&within).unwrap_or(named);
        let found = numbers.get(plain).and_then(|n| containers.get_mut(*n));
        let Some(container) = found else {
            let at = own.as_ref().map_or(&adopt.at, |own| &own.at);
            let summary = format!("`{label}` has no container `{named}`");
            let error = Diagnostic::error(codes::BAD_ADOPT, at.clone(), summary);
            let there: Vec<_> = numbers.keys().map(String::as_str).collect();
            d.push(error.help(format!("there are {}", quoted(&there))));
            continue;
        };
        if let Some(at) = &adopt.at {
            container.origins.insert("adopt".to_owned(), at.clone());
        }
        container.life.adopt = Some(adopt.value.clone());
    }
}

/// Two cannot take the place of one.
pub(super) fn check<'a>(sites: impl Iterator<Item = (&'a str, &'a Adopts)>, d: &mut Diagnostics) {
    let mut seen: BTreeMap<&str, (&str, Option<Place>)> = BTreeMap::new();
    for (label, adopts) in sites {
        for (_, adopt) in adopts {
            let name = adopt.value.container.as_str();
            let Some((first, place)) = seen.get(name) else {
                seen.insert(name, (label, adopt.at.clone()));
                continue;
            };
            let summary = format!("`{name}` is taken over twice, by `{first}` and `{label}`");
            let error = Diagnostic::error(codes::BAD_ADOPT, adopt.at.clone(), summary);
            d.push(match place {
                Some(place) => error
                    .label("the second")
                    .related(place.clone(), "the first"),
                None => error.label("the second"),
            });
        }
    }
}
