//! Writing into a file that a person keeps: one line more, all else as it is.

use super::{Entry, Node, Value, parse, yaml};
use crate::base::StackId;
use crate::diag::{Diagnostics, Source};
use std::sync::Arc;

/// The deploy file's text with `id: …` in it, comments and order kept; why not, where that is impossible.
pub fn with_id(source: &Source, id: &StackId) -> Result<String, String> {
    let name = source.name.as_str();
    let text = source.text.as_str();
    let cannot = || format!("`id` cannot be written into {name}; write `id: {id}` there");
    let edited = if name.ends_with(".toml") {
        let mut document: toml_edit::DocumentMut = text.parse().map_err(|_| cannot())?;
        document.insert("id", toml_edit::value(id.as_str()));
        document.to_string()
    } else {
        let shared = copy(source, text);
        let root = parse(&shared, &mut Diagnostics::new()).ok_or_else(cannot)?;
        let Value::Map(entries) = &root.value else {
            return Err(cannot());
        };
        let quoted = match yaml::resolve(id.as_str()) {
            Value::Text(_) => id.to_string(),
            _ => format!("\"{id}\""),
        };
        // After the name, else after the version, else first.
        let after = ["stack", "version"];
        insert(
            text,
            &root,
            entries,
            &after,
            "id",
            (&quoted, &format!("\"{id}\"")),
        )
    };
    // The proof: what was written is read again, and is the id.
    let again = parse(&copy(source, &edited), &mut Diagnostics::new()).ok_or_else(cannot)?;
    let written = again.get("id").and_then(|node| node.value.scalar());
    if written.as_deref() == Some(id.as_str()) {
        Ok(edited)
    } else {
        Err(cannot())
    }
}

/// One key more at the top: after the first of `after` that is there, else first. The value as YAML and as JSON
/// have it.
fn insert(
    text: &str,
    root: &Node,
    entries: &[Entry],
    after: &[&str],
    key: &str,
    (yaml, json): (&str, &str),
) -> String {
    let eol = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let start = root.at.span.start;
    if text.get(start..).is_some_and(|rest| rest.starts_with('{')) {
        let comma = if entries.is_empty() { "" } else { "," };
        let line = format!("{{{eol}  \"{key}\": {json}{comma}");
        return splice(text, start..start + 1, &line);
    }
    let after = after
        .iter()
        .find_map(|key| entries.iter().find(|entry| entry.key == *key));
    let Some(entry) = after else {
        return splice(text, start..start, &format!("{key}: {yaml}{eol}"));
    };
    let end = entry.node.at.span.end.max(entry.key_at.span.end);
    let line_end = text
        .get(end..)
        .and_then(|rest| rest.find('\n'))
        .map(|at| end + at + 1);
    match line_end {
        Some(at) => splice(text, at..at, &format!("{key}: {yaml}{eol}")),
        None => format!("{text}{eol}{key}: {yaml}{eol}"),
    }
}

/// What can be set of the whole stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Its name.
    Stack(String),
    /// The ports of the host that are given away, both ends included.
    Ports(u16, u16),
}

impl Setting {
    fn key(&self) -> &'static str {
        match self {
            Self::Stack(_) => "stack",
            Self::Ports(..) => "ports",
        }
    }

    fn json(&self) -> String {
        match self {
            Self::Stack(stack) => format!("\"{stack}\""),
            Self::Ports(from, to) => format!("{{\"from\": {from}, \"to\": {to}}}"),
        }
    }

    fn yaml(&self) -> String {
        match self {
            Self::Stack(stack) => match yaml::resolve(stack) {
                Value::Text(_) => stack.clone(),
                _ => self.json(),
            },
            Self::Ports(from, to) => format!("{{from: {from}, to: {to}}}"),
        }
    }

    fn stands_in(&self, root: &Node) -> bool {
        let Some(node) = root.get(self.key()) else {
            return false;
        };
        let port = |name| node.get(name).and_then(|node| node.value.scalar());
        match self {
            Self::Stack(stack) => node.value.scalar().as_ref() == Some(stack),
            Self::Ports(from, to) => {
                port("from") == Some(from.to_string()) && port("to") == Some(to.to_string())
            }
        }
    }

    /// The text with each number where one stands: what is said beside them stays.
    fn in_place(&self, text: &str, node: &Node) -> Option<String> {
        let Self::Ports(from, to) = self else {
            return None;
        };
        let (first, second) = (&node.get("from")?.at.span, &node.get("to")?.at.span);
        (first.end <= second.start).then(|| {
            let edited = splice(text, second.clone(), &to.to_string());
            splice(&edited, first.clone(), &from.to_string())
        })
    }
}

/// The deploy file's text with a setting in it, comments and order kept; why not, where that is impossible.
pub fn with_setting(source: &Source, setting: &Setting) -> Result<String, String> {
    let name = source.name.as_str();
    let text = source.text.as_str();
    let (key, json, yaml) = (setting.key(), setting.json(), setting.yaml());
    let cannot = || format!("`{key}: {yaml}` cannot be written into {name}: write it there");
    if name.ends_with(".toml") {
        let mut document: toml_edit::DocumentMut = text.parse().map_err(|_| cannot())?;
        let value = match setting {
            Setting::Stack(stack) => toml_edit::value(stack),
            Setting::Ports(from, to) => {
                let mut ports = toml_edit::InlineTable::new();
                ports.insert("from", i64::from(*from).into());
                ports.insert("to", i64::from(*to).into());
                toml_edit::value(ports)
            }
        };
        document.insert(key, value);
        return Ok(document.to_string());
    }
    let read = |text: &str| parse(&copy(source, text), &mut Diagnostics::new());
    let root = read(text).ok_or_else(cannot)?;
    let Value::Map(entries) = &root.value else {
        return Err(cannot());
    };
    let is_json = text
        .get(root.at.span.start..)
        .is_some_and(|rest| rest.starts_with('{'));
    let edited = match root.get(key) {
        Some(node) if node.is_null() => return Err(cannot()),
        Some(node) => setting.in_place(text, node).unwrap_or_else(|| {
            let span = node.at.span.clone();
            let old = text.get(span.clone()).unwrap_or_default().trim_end();
            let value = if is_json { &json } else { &yaml };
            splice(text, span.start..span.start + old.len(), value)
        }),
        None => {
            let after = ["id", "stack", "version"];
            insert(text, &root, entries, &after, key, (&yaml, &json))
        }
    };
    // The proof: what was written is read again, and all else is as before.
    let again = read(&edited).ok_or_else(cannot)?;
    let others = |root: &Node| -> Vec<String> {
        let Value::Map(entries) = &root.value else {
            return Vec::new();
        };
        let others = entries.iter().filter(|entry| entry.key != key);
        let text = |entry: &Entry| {
            let at = &entry.node.at;
            let value = at.source.text.get(at.span.clone()).unwrap_or_default();
            format!("{}: {}", entry.key, value.trim_end())
        };
        others.map(text).collect()
    };
    match setting.stands_in(&again) && others(&root) == others(&again) {
        true => Ok(edited),
        false => Err(cannot()),
    }
}

pub(super) fn copy(source: &Source, text: &str) -> Arc<Source> {
    Arc::new(Source::new(source.name.clone(), source.path.clone(), text))
}

pub(super) fn splice(text: &str, at: std::ops::Range<usize>, with: &str) -> String {
    let before = text.get(..at.start).unwrap_or_default();
    let after = text.get(at.end..).unwrap_or_default();
    format!("{before}{with}{after}")
}
