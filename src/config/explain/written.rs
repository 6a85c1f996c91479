//! What stands at a place, and what it came of: layers, the one that counts first. No secret is in them.

use super::Layer;
use crate::config::app::DOCKER_OPTIONS;
use crate::config::compose::TAGS;
use crate::config::deploy;
use crate::config::doc::{Entry, Node, Value, parse_tagged, resolve};
use crate::config::secrecy;
use crate::diag::{Before, Diagnostics, Origin, Place};
use std::collections::BTreeMap;

/// How many layers are told of one value; who writes more does not read them.
const MOST: usize = 200;

/// Which part of a table is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// All of it.
    Whole,
    /// What makes this field of a spec.
    Field(&'a str),
    /// What has this name, which is the user's own.
    Named(&'a str),
}

/// Files that were read again to find what stands at a place.
#[derive(Default)]
pub(super) struct Written {
    roots: BTreeMap<String, Option<Node>>,
}

impl Written {
    /// The layers of the value of `key` that stands at `place`; where that is a table, of what `part` is in it,
    /// those that say nothing of that left out.
    pub(super) fn layers(&mut self, place: &Place, key: &str, part: Part<'_>) -> Vec<Layer> {
        let mut left = MOST;
        self.told(&Before::File(place.clone()), key, part, &mut left)
    }

    fn told(&mut self, before: &Before, key: &str, part: Part<'_>, left: &mut usize) -> Vec<Layer> {
        let mut layers = Vec::new();
        let mut next = Some(before);
        while let Some(before) = next.take() {
            if *left == 0 {
                break;
            }
            *left -= 1;
            let place = match before {
                Before::Own(words) => {
                    let shown = match words.as_str() {
                        "(generated)" => words.clone(),
                        words => secrecy::masked(key, words),
                    };
                    layers.push(Layer::own(shown));
                    break;
                }
                Before::File(place) => place,
            };
            let said = self.said(place, key, part);
            let (at, value) = said.clone().unwrap_or_default();
            let mut layer = Layer {
                from: kind(&place.source.name),
                at,
                value,
                used: Vec::new(),
            };
            if let Some(history) = place.history() {
                for (name, before) in &history.used {
                    let own = name.rsplit('.').next().unwrap_or(name);
                    let told = self.told(before, own, Part::Whole, left);
                    layer.used.push((name.clone(), told));
                }
                next = history.over.as_ref();
            }
            if said.is_some() {
                layers.push(layer);
            }
        }
        layers
    }

    /// What stands at a place, or the part of it that is meant, and where; none where it says nothing of that.
    fn said(
        &mut self,
        place: &Place,
        key: &str,
        part: Part<'_>,
    ) -> Option<(Option<Origin>, String)> {
        let whole = |text: String| Some((Some(place.origin()), text));
        let Some(node) = self.node(place) else {
            return whole(self.text(place, key));
        };
        let Value::Map(entries) = &node.value else {
            return whole(compact(node, key));
        };
        let names: &[&str] = match part {
            Part::Whole => return whole(compact(node, key)),
            Part::Named(name) => &[name],
            Part::Field("test") => &["command", "cmd", "test", "disable"],
            Part::Field("volume" | "directory") => &["name", "prefix", "source"],
            Part::Field("host") => &["host", "proxy", "published"],
            Part::Field(field) => &[field],
        };
        let called = |entry: &&Entry| match part {
            Part::Named(name) => entry.key == name,
            _ => {
                let own = entry.key.replace('-', "_");
                names.iter().any(|name| own.eq_ignore_ascii_case(name))
            }
        };
        match entries.iter().find(called) {
            Some(entry) => Some((Some(entry.key_at.origin()), compact(&entry.node, key))),
            // What a volume is says more than its name.
            None if matches!(part, Part::Field("volume" | "directory")) => {
                whole(compact(node, key))
            }
            None => None,
        }
    }

    /// What stands at a place.
    pub(super) fn text(&mut self, place: &Place, key: &str) -> String {
        if !is_tree(&place.source.name) {
            return variable(place, key);
        }
        let text = place.source.text.get(place.span.clone());
        match self.node(place) {
            Some(node) => compact(node, key),
            None => secrecy::masked(key, text.unwrap_or_default()),
        }
    }

    /// The value at a place, or of the key there; none where the file is no tree.
    fn node(&mut self, place: &Place) -> Option<&Node> {
        let source = &place.source;
        if !is_tree(&source.name) {
            return None;
        }
        let root = self
            .roots
            .entry(source.name.clone())
            .or_insert_with(|| parse_tagged(source, TAGS, &mut Diagnostics::new()));
        find(root.as_ref()?, place)
    }
}

fn is_tree(name: &str) -> bool {
    [".yml", ".yaml", ".toml", ".json"]
        .iter()
        .any(|end| name.ends_with(end))
}

/// What a file is to a stack.
fn kind(name: &str) -> String {
    let bare = name.strip_prefix("config/");
    let environment = bare
        .and_then(|bare| bare.strip_prefix("deploy."))
        .and_then(|rest| rest.split_once('.'));
    let last = name.rsplit('/').next().unwrap_or(name);
    match last.split('.').next() {
        _ if bare.is_some_and(|bare| deploy::NAMES.contains(&bare)) => "deploy file".to_owned(),
        _ if !is_tree(name) => "env file".to_owned(),
        Some("info" | "coasti" | "nua-config") => "product".to_owned(),
        Some("products" | "tools") if bare.is_some() => "list".to_owned(),
        _ => match environment {
            Some((name, _)) => format!("environment {name}"),
            None => "compose file".to_owned(),
        },
    }
}

/// The value at a place, or of the key there.
fn find<'n>(node: &'n Node, place: &Place) -> Option<&'n Node> {
    match &node.value {
        Value::Map(entries) => {
            for entry in entries {
                if entry.key_at.span == place.span {
                    return Some(&entry.node);
                }
                if let Some(found) = find(&entry.node, place) {
                    return Some(found);
                }
            }
        }
        Value::List(items) => {
            if let Some(found) = items.iter().find_map(|item| find(item, place)) {
                return Some(found);
            }
        }
        Value::Tagged(_, inner) => {
            if let Some(found) = find(inner, place) {
                return Some(found);
            }
        }
        _ => {}
    }
    (node.at.span == place.span).then_some(node)
}

/// A line of an env file, from its name or its value on.
fn variable(place: &Place, key: &str) -> String {
    let text = &place.source.text;
    let line = text
        .get(place.span.start..)
        .and_then(|rest| rest.lines().next());
    let line = line.unwrap_or_default();
    let value = match line.split_once(['=', ':']) {
        Some((name, value)) if name.trim() == key => value,
        _ => line,
    };
    secrecy::masked(key, value.trim())
}

/// A value on one line, as YAML has it.
pub(super) fn compact(node: &Node, key: &str) -> String {
    match &node.value {
        Value::Null => "~".to_owned(),
        Value::Text(text) => {
            let shown = secrecy::masked(key, text);
            match shown == *text && !matches!(resolve(text), Value::Text(_)) {
                // What would be read as something else.
                true => format!("\"{text}\""),
                false => shown,
            }
        }
        Value::List(items) => {
            let items: Vec<_> = items.iter().map(|item| compact(item, key)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(entries) => {
            // `{secret: NAME}` names a file.
            let text = |entry: &Entry| match entry.key.as_str() {
                "secret" => compact(&entry.node, ""),
                key => compact(&entry.node, key),
            };
            let entries: Vec<_> = entries
                .iter()
                .map(|entry| format!("{}: {}", entry.key, text(entry)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        Value::Tagged(tag, inner) => format!("!{tag} {}", compact(inner, key)),
        scalar => secrecy::masked(key, &scalar.scalar().unwrap_or_default()),
    }
}

/// What a field is called by who writes files, in coasti's own words.
pub(super) fn field(said: &str) -> String {
    let (first, rest) = said.split_once('.').unwrap_or((said, ""));
    let first = first.replace('-', "_");
    if first == "docker" && !rest.is_empty() {
        let plain = rest.replace('-', "_");
        let known = DOCKER_OPTIONS.iter().find(|(name, _)| *name == plain);
        if let Some((_, field)) = known.filter(|(_, field)| !field.is_empty()) {
            return (*field).to_owned();
        }
        return rest.to_owned();
    }
    let own = match first.as_str() {
        "port" => "ports",
        "volume" | "volumes" => "mounts",
        "healthcheck" => "health",
        "environment" => "env",
        _ => return said.to_owned(),
    };
    match rest {
        "" => own.to_owned(),
        rest => format!("{own}.{rest}"),
    }
}
