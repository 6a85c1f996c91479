//! Files from before to today's version: as few bytes as possible, all else as it is.

use super::doc::{Entry, Node, Value, parse, yaml_text};
use super::products::{relative, repository_name};
use crate::base::names;
use crate::diag::{Diagnostics, Source};
use std::{ops::Range, sync::Arc};

/// A stretch of the text and what comes in its place.
type Edit = (Range<usize>, String);

/// The text at today's version; none where it is that already. `stack` is the name of a stack whose deploy
/// file does not say it. What is wrong with a file that cannot be understood comes back instead.
pub fn migrate(source: &Arc<Source>, stack: &str) -> Result<Option<String>, Diagnostics> {
    let mut d = Diagnostics::new();
    let Some(root) = parse(source, &mut d) else {
        return Err(d);
    };
    let file = File {
        source,
        text: &source.text,
        root: &root,
    };
    let name = source.name.rsplit('/').next().unwrap_or_default();
    let kind = name.split('.').next().unwrap_or_default();
    // An environment's file lies over one that has the name already.
    let stack = if name.split('.').count() > 2 {
        ""
    } else {
        stack
    };
    let own = root.get("version").map(|node| &node.value);
    if matches!(own, Some(Value::Int(1.., _))) {
        return Ok(None);
    }
    let mut edits = match kind {
        "products" | "tools" => file.list(kind),
        "deploy" => file.deploy(stack),
        "info" | "coasti" => file.info(),
        _ => Vec::new(),
    };
    if edits.is_empty() {
        return Ok(None);
    }
    edits.sort_by_key(|(range, _)| std::cmp::Reverse((range.start, range.end)));
    let mut text = source.text.clone();
    for (range, with) in edits {
        if text.get(range.clone()).is_some() {
            text.replace_range(range, &with);
        }
    }
    // The proof: it is read again, and is of today's version.
    let again = Arc::new(Source::new(
        source.name.clone(),
        source.path.clone(),
        text.clone(),
    ));
    let read = parse(&again, &mut d).ok_or(d)?;
    let current = matches!(
        read.get("version").map(|node| &node.value),
        Some(Value::Int(1, _))
    );
    Ok(current.then_some(text))
}

struct File<'a> {
    source: &'a Source,
    text: &'a str,
    root: &'a Node,
}

impl File<'_> {
    fn eol(&self) -> &'static str {
        if self.text.contains("\r\n") {
            "\r\n"
        } else {
            "\n"
        }
    }

    fn entry(&self, key: &str) -> Option<&Entry> {
        find(self.root, key)
    }

    /// All of an entry, from its key to its value's end.
    fn whole(entry: &Entry) -> Range<usize> {
        entry.key_at.span.start..entry.node.at.span.end.max(entry.key_at.span.end)
    }

    /// Puts keys before all others; each is its name and its value as JSON, which YAML is as well.
    fn first(&self, keys: &[(&str, String)]) -> Edit {
        let eol = self.eol();
        let name = self.source.name.as_str();
        let start = self.root.at.span.start;
        let line = |(key, value): &(&str, String), with: &str| format!("{key}{with}{value}{eol}");
        if name.ends_with(".toml") {
            let entries = match &self.root.value {
                Value::Map(entries) => entries.as_slice(),
                _ => &[],
            };
            let first = entries.iter().map(|entry| entry.key_at.span.start).min();
            let before = self.text.get(..first.unwrap_or(0)).unwrap_or_default();
            let at = before.rfind('\n').map_or(0, |at| at + 1);
            let lines: String = keys.iter().map(|key| line(key, " = ")).collect();
            return (at..at, lines + if at == 0 { "" } else { eol });
        }
        if self
            .text
            .get(start..)
            .is_some_and(|rest| rest.starts_with('{'))
        {
            let mut all: Vec<String> = Vec::new();
            all.extend(
                keys.iter()
                    .map(|(key, value)| format!("{eol}  \"{key}\": {value}")),
            );
            let empty = matches!(&self.root.value, Value::Map(entries) if entries.is_empty());
            let comma = if empty { "" } else { "," };
            return (start + 1..start + 1, all.join(",") + comma);
        }
        let lines: String = keys
            .iter()
            .map(|(key, value)| {
                let plain = value.trim_matches('"');
                line(&(key, yaml_text(plain, value)), ": ")
            })
            .collect();
        let at = match self.root.value {
            Value::Null => self.text.len(),
            _ => start,
        };
        let gap = match self.text.get(..at) {
            Some(before) if !before.is_empty() && !before.ends_with('\n') => eol,
            _ => "",
        };
        (at..at, format!("{gap}{lines}"))
    }

    fn version(&self, edits: &mut Vec<Edit>, mut more: Vec<(&str, String)>) {
        let one = || "1".to_owned();
        if let Some(entry) = self.entry("version") {
            edits.push((entry.node.at.span.clone(), one()));
        } else if let Some(entry) = self.entry("coasti-version").filter(|_| more.is_empty()) {
            edits.push((Self::whole(entry), "version: 1".to_owned()));
        } else {
            more.insert(0, ("version", one()));
        }
        if !more.is_empty() {
            edits.push(self.first(&more));
        }
    }

    /// The deploy file: its version, and a name for the whole.
    fn deploy(&self, stack: &str) -> Vec<Edit> {
        let mut edits = Vec::new();
        let named = self.entry("stack").is_some() || stack.is_empty();
        let more = (!named).then(|| ("stack", format!("\"{stack}\"")));
        self.version(&mut edits, more.into_iter().collect());
        edits
    }

    /// A product's file: the version there was is the product's.
    fn info(&self) -> Vec<Edit> {
        let Some(entry) = self.entry("version") else {
            return vec![self.first(&[("version", "1".to_owned())])];
        };
        let raw = self
            .text
            .get(entry.node.at.span.clone())
            .unwrap_or_default();
        let column = entry.key_at.line_column().1 - 1;
        let gap = format!("{}{}", self.eol(), " ".repeat(column));
        vec![(
            Self::whole(entry),
            format!("version: 1{gap}product-version: {raw}"),
        )]
    }

    /// A list of what is installed.
    fn list(&self, key: &str) -> Vec<Edit> {
        let mut edits = Vec::new();
        self.version(&mut edits, Vec::new());
        // Both files have one shape, and one was made of the other.
        let other = if key == "tools" { "products" } else { "tools" };
        let entry = self.entry(key).or_else(|| {
            let entry = self.entry(other)?;
            edits.push(self.renamed(entry, key)?);
            Some(entry)
        });
        match entry {
            Some(entry) if entry.node.is_null() => {
                let after = self.text.get(entry.key_at.span.end..).unwrap_or_default();
                if let Some(colon) = after.find(':') {
                    let start = entry.key_at.span.end + colon + 1;
                    // `~` and `null` are nothing as well.
                    let span = &entry.node.at.span;
                    let end = if span.is_empty() { start } else { span.end };
                    edits.push((start..end.max(start), " []".to_owned()));
                }
            }
            Some(entry) => {
                if let Value::List(items) = &entry.node.value {
                    items
                        .iter()
                        .for_each(|item| self.product(item, key, &mut edits));
                }
            }
            None => {
                let line = format!("{key}: []{}", self.eol());
                match edits.last_mut().filter(|_| self.root.is_null()) {
                    // Two edits at one place would change places.
                    Some((_, version)) => version.push_str(&line),
                    None => {
                        let end = self.text.len();
                        let gap = if self.text.ends_with('\n') {
                            ""
                        } else {
                            self.eol()
                        };
                        edits.push((end..end, format!("{gap}{line}")));
                    }
                }
            }
        }
        edits
    }

    /// Gives an entry's key another name, in the quotes that it has.
    fn renamed(&self, entry: &Entry, key: &str) -> Option<Edit> {
        let span = entry.key_at.span.clone();
        let start = span.start + self.text.get(span)?.find(&entry.key)?;
        Some((start..start + entry.key.len(), key.to_owned()))
    }

    fn product(&self, item: &Node, key: &str, edits: &mut Vec<Edit>) {
        let path = find(item, "dst-path");
        if let Some((entry, text)) =
            path.and_then(|entry| Some((entry, entry.node.value.scalar()?)))
            && text.starts_with('/')
        {
            let said = |key| find(item, key).and_then(|entry| entry.node.value.scalar());
            let id = said("id").or_else(|| repository_name(&said("vcs-repo")?).map(str::to_owned));
            let default = id.map(|id| format!("{key}/{id}")).unwrap_or_default();
            if let Some(path) = relative(&self.source.path, &text, &default) {
                let quoted = format!("\"{path}\"");
                edits.push((entry.node.at.span.clone(), yaml_text(&path, &quoted)));
            }
        }
        self.auth(item, edits);
    }

    /// `vcs_auth_type` and `vcs_auth_value` to `auth`, where nothing is lost.
    fn auth(&self, item: &Node, edits: &mut Vec<Edit>) {
        let (kind, value) = (find(item, "vcs-auth-type"), find(item, "vcs-auth-value"));
        let text = |entry: &Entry| entry.node.value.scalar();
        let told = |entry| matches!(text(entry).as_deref(), Some("__skip__" | "__file__"));
        // A secret that stands there is somebody's to move.
        if find(item, "auth").is_some() || !value.is_none_or(told) {
            return;
        }
        let word = match kind.map(text) {
            Some(Some(kind)) if kind == "Auth Token" => Some("token"),
            Some(Some(kind)) if kind == "SSH Key" => Some("ssh-key"),
            Some(Some(kind)) if kind == "skip" => None,
            None => None,
            Some(_) => return,
        };
        let become_auth = |entry| {
            (
                Self::whole(entry),
                format!("auth: {}", word.unwrap_or("none")),
            )
        };
        let go = |entry| Some((self.without(item, entry)?, String::new()));
        let value_goes = value.map(go);
        let (kind, value) = match (kind, value, value_goes) {
            (kind, None, _) => (kind, None),
            (kind, Some(_), Some(Some(gone))) => (kind, Some(gone)),
            // It cannot go alone: it becomes the one, and the other goes.
            (Some(kind), Some(value), _) => match go(kind) {
                Some(gone) => {
                    edits.extend([gone, become_auth(value)]);
                    return;
                }
                None => return,
            },
            (None, ..) => return,
        };
        if let Some(kind) = kind {
            let apart = |(range, _): &Edit| {
                value
                    .as_ref()
                    .is_none_or(|(other, _)| range.end <= other.start || other.end <= range.start)
            };
            let gone = go(kind).filter(|edit| word.is_none() && apart(edit));
            edits.push(gone.unwrap_or_else(|| become_auth(kind)));
        }
        edits.extend(value);
    }

    /// What goes with an entry: its line, or what parts it from the next one between braces.
    fn without(&self, item: &Node, entry: &Entry) -> Option<Range<usize>> {
        let all = item.at.span.clone();
        if !self.text.get(all.clone())?.starts_with('{') {
            return self.line(entry);
        }
        let span = Self::whole(entry);
        let before = self.text.get(all.start..span.start)?.trim_end();
        if before.ends_with(',') {
            return Some(all.start + before.len() - 1..span.end);
        }
        let after = self.text.get(span.end..all.end)?;
        let rest = after.trim_start().strip_prefix(',')?.trim_start();
        (before == "{").then(|| span.start..all.end - rest.len())
    }

    /// The line of an entry, where nothing else stands on it.
    fn line(&self, entry: &Entry) -> Option<Range<usize>> {
        let span = Self::whole(entry);
        let before = self.text.get(..span.start)?;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let after = self.text.get(span.end..)?;
        let end = after.find('\n').map_or(after.len(), |at| at + 1);
        let alone = before.get(start..)?.trim().is_empty() && after.get(..end)?.trim().is_empty();
        alone.then_some(start..span.end + end)
    }
}

/// The entry at `key`, written with `-` or `_`.
fn find<'n>(node: &'n Node, key: &str) -> Option<&'n Entry> {
    match &node.value {
        Value::Map(entries) => entries
            .iter()
            .find(|entry| entry.key.replace('_', "-") == key),
        _ => None,
    }
}

/// The name of a stack whose deploy file does not say it: the folder's.
pub fn stack_of(folder: &str) -> String {
    let name = names::sanitize(folder).replace(['.', '_'], "-");
    let name: String = name.chars().take(40).collect();
    name.trim_matches('-').to_owned()
}
