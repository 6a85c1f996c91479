//! One deploy file over another: what an environment (`--env prod`) has that others do not.
//!
//! Tables merge key by key, sites by their labels, anything else is replaced whole (a variable too), and nothing
//! (`~`) takes a key away. Every value keeps the place that said it, and what it was laid over.

use super::doc::{Entry, Node, Value};
use crate::base::names;
use crate::diag::{Before, Place};
use std::collections::{BTreeMap, BTreeSet};

/// What the one file does to the other.
#[derive(Clone, Debug)]
pub(super) struct Laid {
    /// Where: `site.wiki.env.LOG_LEVEL`.
    pub path: String,
    /// What was there.
    pub before: Option<Node>,
    /// What is there now; none where it was taken away.
    pub after: Option<Node>,
}

/// `over` laid over `base`, and what that did.
pub(super) fn lay(base: Node, over: Node) -> (Node, Vec<Laid>) {
    let mut laid = Vec::new();
    let node = merge(base, over, Level::File, "", &mut laid);
    (node, laid)
}

/// What a value is a part of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    /// It is the file.
    File,
    /// It is a site.
    Site,
    /// It is a table of variables.
    Variables,
    /// It is another table whose keys are the user's own names.
    Names,
    /// It is a variable: how one is made is one thing, two ways at once are none.
    Variable,
    /// Anything else.
    Other,
}

impl Level {
    /// What the value at `key` is.
    fn at(self, key: &str) -> Self {
        match (self, key.replace('_', "-").as_str()) {
            (Self::Site, "env") => Self::Variables,
            (Self::Variables, _) => Self::Variable,
            (Self::Names, _) => Self::Other,
            (_, "port" | "labels" | "options" | "option" | "sysctls" | "extra-hosts") => {
                Self::Names
            }
            _ => Self::Other,
        }
    }

    /// A key in the form that tells whether two are one: those that are not the user's may be written with `-` or
    /// `_`.
    fn plain(self, key: &str) -> String {
        match self {
            Self::Variables | Self::Names => key.to_owned(),
            _ => key.replace('_', "-"),
        }
    }
}

fn over(at: Place, base: &Place) -> Place {
    at.over(Before::File(base.clone()))
}

fn merge(base: Node, over_it: Node, level: Level, path: &str, laid: &mut Vec<Laid>) -> Node {
    match (base.value, over_it.value) {
        (Value::Map(entries), Value::Map(more)) if level != Level::Variable => Node {
            value: Value::Map(tables(entries, more, level, path, laid)),
            at: match level {
                Level::File | Level::Site => base.at,
                _ => over(over_it.at, &base.at),
            },
        },
        (before, after) => {
            let before = Node {
                value: before,
                at: base.at,
            };
            let after = Node {
                value: after,
                at: over(over_it.at, &before.at),
            };
            laid.push(Laid {
                path: path.to_owned(),
                before: Some(before),
                after: Some(after.clone()),
            });
            after
        }
    }
}

fn tables(
    base: Vec<Entry>,
    more: Vec<Entry>,
    level: Level,
    path: &str,
    laid: &mut Vec<Laid>,
) -> Vec<Entry> {
    // What is taken away leaves its place until the end, so that the others keep theirs.
    let mut entries: Vec<Option<Entry>> = base.into_iter().map(Some).collect();
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    for (n, own) in entries.iter().flatten().enumerate() {
        numbers.entry(level.plain(&own.key)).or_insert(n);
    }
    for one in more {
        let path = match path {
            "" => one.key.clone(),
            path => format!("{path}.{}", one.key),
        };
        let plain = level.plain(&one.key);
        let slot = numbers.get(&plain).and_then(|n| entries.get_mut(*n));
        match slot.and_then(|slot| Some((slot.take()?, slot))) {
            Some((own, _)) if one.node.is_null() => {
                let (before, after) = (Some(own.node), None);
                laid.push(Laid {
                    path,
                    before,
                    after,
                });
            }
            Some((own, slot)) => {
                let node = match level == Level::File && one.key == "site" {
                    true => sites(own.node, one.node, laid),
                    false => merge(own.node, one.node, level.at(&one.key), &path, laid),
                };
                let key_at = over(one.key_at, &own.key_at);
                let key = one.key;
                *slot = Some(Entry { key, key_at, node });
            }
            None if one.node.is_null() => {}
            None => {
                laid.push(Laid {
                    path,
                    before: None,
                    after: Some(one.node.clone()),
                });
                numbers.insert(plain, entries.len());
                entries.push(Some(one));
            }
        }
    }
    entries.into_iter().flatten().collect()
}

/// Sites of one label are one; others come after.
fn sites(base: Node, over_it: Node, laid: &mut Vec<Laid>) -> Node {
    let (mut all, more) = match (base.value, over_it.value) {
        (Value::List(all), Value::List(more)) => (all, more),
        (value, after) => {
            let base = Node { value, at: base.at };
            let (value, at) = (after, over_it.at);
            return merge(base, Node { value, at }, Level::Other, "site", laid);
        }
    };
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    for (n, one) in all.iter().enumerate() {
        if let Some(label) = label(one) {
            numbers.entry(label).or_insert(n);
        }
    }
    let mut seen = BTreeSet::new();
    for site in more {
        let own = label(&site);
        // One that is there twice stays so: whoever reads them next says it.
        if let Some(label) = own.as_ref().filter(|own| !seen.insert((*own).clone())) {
            let before = numbers.get(label).and_then(|n| all.get(*n)).cloned();
            let path = format!("site.{label}");
            all.extend(before.map(|before| merge(before, site, Level::Site, &path, laid)));
            continue;
        }
        let path = format!("site.{}", own.as_deref().unwrap_or("?"));
        let found = own.as_ref().and_then(|own| numbers.get(own));
        match found.and_then(|n| all.get_mut(*n)) {
            Some(own) => {
                let nothing = Node {
                    value: Value::Null,
                    at: own.at.clone(),
                };
                let before = std::mem::replace(own, nothing);
                *own = merge(before, site, Level::Site, &path, laid);
            }
            None => {
                laid.push(Laid {
                    path,
                    before: None,
                    after: Some(site.clone()),
                });
                numbers.extend(own.map(|own| (own, all.len())));
                all.push(site);
            }
        }
    }
    Node {
        value: Value::List(all),
        at: base.at,
    }
}

fn label(site: &Node) -> Option<String> {
    let label = site.get("label")?.value.scalar()?;
    Some(names::sanitize(&label))
}
