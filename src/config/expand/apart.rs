//! What is secret by its name or form, taken out of texts, so that specs refer to it.

use super::Draft;
use super::template::{self, Piece};
use super::values::Unit;
use crate::base::{Secret, ValueId};
use crate::config::app::EnvKind;
use crate::config::{codes, secrecy};
use crate::diag::{Diagnostic, Diagnostics, Place};
use crate::model::{HELD, Part, Text, ValueRef};
use std::collections::{BTreeMap, BTreeSet};

/// Variables that make secrets, and what makes those: `PW` where `DB_PASSWORD` is `{PW}`.
pub(super) fn feeds(units: &BTreeMap<String, Unit>) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    let mut left: Vec<(&str, Vec<String>)> = Vec::new();
    let named = |text: &str| -> Vec<String> {
        let pieces = template::split(text).unwrap_or_default().into_iter();
        let names = pieces.filter_map(|piece| match piece {
            Piece::Name(name) => Some(name),
            Piece::Plain(_) => None,
        });
        names.collect()
    };
    for (unit, found) in units {
        for (name, def) in &found.env {
            match &def.value.kind {
                EnvKind::Text(text) => {
                    let names = secrecy::written(name, text).into_iter().flat_map(named);
                    left.push((unit, names.collect()));
                }
                EnvKind::Of { from, key } if secrecy::is_secret_name(name) => {
                    let target = if from.is_empty() { unit } else { from };
                    left.push((target, vec![key.clone()]));
                }
                _ => {}
            }
        }
    }
    while let Some((unit, names)) = left.pop() {
        let Some((unit, own)) = units.get_key_value(unit) else {
            continue;
        };
        for name in names {
            let Some(def) = own.env.get(&name) else {
                continue;
            };
            if found.insert((unit.clone(), name))
                && let EnvKind::Text(text) = &def.value.kind
            {
                left.push((unit, named(text)));
            }
        }
    }
    found
}

/// Takes what is secret out of commands and health checks, `x` of `--password=x` and `--password x`. Labels cannot
/// hold what is kept apart: they are told of.
pub(super) fn commands(draft: &mut Draft, d: &mut Diagnostics) {
    let mut containers = std::mem::take(&mut draft.containers);
    for container in &mut containers {
        let spec = &mut container.spec;
        let health = spec.health.as_mut().map(|health| &mut health.test);
        for (field, words) in [
            ("command", spec.command.as_mut()),
            ("entrypoint", spec.entrypoint.as_mut()),
            ("health", health),
        ] {
            let mut flag = false;
            for (n, word) in words.into_iter().flatten().enumerate() {
                let line = word.line();
                let ranges = match flag && !line.starts_with('-') {
                    true => std::iter::once(0..line.len()).collect(),
                    false => secrecy::of_command(&line),
                };
                if !ranges.is_empty() {
                    let address = format!("{}/{field}[{n}]", container.data);
                    *word = without(word, &ranges, &address, &mut draft.given);
                }
                let name = line.trim_start_matches('-');
                flag = name.len() < line.len() && secrecy::is_secret_name(name);
            }
        }
        let at = |name: &str| {
            let field = format!("labels.{name}");
            let at = [field.as_str(), "labels", ""].into_iter();
            let mut at = at.filter_map(|field| container.origins.get(field));
            at.next().cloned()
        };
        labels(&spec.labels, &at, d);
    }
    draft.containers = containers;
    for volume in draft.volumes.values() {
        labels(&volume.spec.labels, &|_| Some(volume.at.clone()), d);
    }
    for network in draft.networks.values() {
        labels(&network.spec.labels, &|_| Some(network.at.clone()), d);
    }
}

/// Tells of labels that look as if they showed a secret.
fn labels(
    labels: &BTreeMap<String, String>,
    at: &dyn Fn(&str) -> Option<Place>,
    d: &mut Diagnostics,
) {
    for (name, text) in labels {
        if text.is_empty() || secrecy::masked(name, text) == *text {
            continue;
        }
        let summary = format!("the label `{name}` shows a secret's value");
        d.push(
            Diagnostic::warning(codes::SHOWN_SECRET, at(name), summary)
                .label("plans and `docker inspect` have it")
                .help("a variable or a file can hold it apart; a label cannot"),
        );
    }
}

/// A text with these parts of its line kept apart.
fn without(
    text: &Text,
    ranges: &[std::ops::Range<usize>],
    address: &str,
    given: &mut BTreeMap<ValueId, Secret<String>>,
) -> Text {
    let mut parts = Vec::new();
    let mut at = 0;
    for part in text.parts() {
        let Part::Plain(plain) = part else {
            at += HELD.len_utf8();
            parts.push(part.clone());
            continue;
        };
        let plain = plain.replace(HELD, "");
        let mut from = 0;
        let end = at + plain.len();
        for range in ranges
            .iter()
            .filter(|range| range.start < end && range.end > at)
        {
            let (start, stop) = (range.start.max(at) - at, range.end.min(end) - at);
            let cut = |from: usize, to: usize| plain.get(from..to).unwrap_or_default().to_owned();
            parts.push(Part::Plain(cut(from, start)));
            // An id of the draft's own: the real one needs the key.
            let id = ValueId::new(format!("given:{address}@{}", at + start));
            given.insert(id.clone(), Secret::new(cut(start, stop)));
            parts.push(Part::Value(ValueRef { id, digest: None }));
            from = stop;
        }
        parts.push(Part::Plain(
            plain.get(from..).unwrap_or_default().to_owned(),
        ));
        at = end;
    }
    parts.into_iter().collect()
}

/// A volume's options with what is secret in them taken out: a value of an option that is called so, or of one of
/// the options in a text such as `o: user=x,password=y`.
pub(super) fn options(
    said: &BTreeMap<String, String>,
    address: &str,
    given: &mut BTreeMap<ValueId, Secret<String>>,
) -> BTreeMap<String, Text> {
    let hidden = |(name, text): (&String, &String)| {
        let ranges = match secrecy::is_secret_name(name) && !text.is_empty() {
            true => std::iter::once(0..text.len()).collect(),
            false => secrecy::ranges(text),
        };
        let address = format!("{address}/options.{name}");
        let text = without(&Text::plain(text), &ranges, &address, given);
        (name.clone(), text)
    };
    said.iter().map(hidden).collect()
}
