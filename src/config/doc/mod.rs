//! One tree for YAML, TOML and JSON, in which every value and key knows its place.

#[cfg(test)]
pub(super) mod asked;
mod edit;
mod json;
mod list;
mod reader;
mod toml;
mod yaml;

#[cfg(test)]
mod tests;

pub use edit::{Setting, with_id, with_setting};
pub use list::{with_entry, with_value, without_entry};
pub(super) use reader::{Sp, Table, wrong_type};
pub(super) use yaml::{comments, resolve};

use super::codes;
use crate::diag::{Diagnostic, Diagnostics, Place, Source};
use std::{collections::BTreeMap, ops::Range, sync::Arc};

/// Nobody writes a file this long by hand; it is refused before anything is built of it.
const MAX_BYTES: usize = 4 << 20;

/// Likewise of TOML, whose parser takes a hundred times a file's length.
const MAX_TOML: usize = 1 << 20;

/// How deep values may be nested.
const MAX_DEPTH: usize = 64;

/// How many values a file may have, those included that come from aliases.
const MAX_NODES: usize = 200_000;

/// How many bytes of text they may have, likewise.
const MAX_TEXT: usize = 16 << 20;

/// How YAML has a text: as it is where that is text, else as `quoted`.
pub(super) fn yaml_text(text: &str, quoted: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+@".contains(c);
    let is_plain = text.starts_with(|c: char| c.is_alphanumeric()) && text.chars().all(plain);
    let same = !matches!(resolve(text), Value::Text(_)) && !quoted.starts_with('"');
    match is_plain && (same || matches!(resolve(text), Value::Text(_))) {
        true => text.to_owned(),
        false => quoted.to_owned(),
    }
}

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// What stands there.
    pub value: Value,
    /// Where.
    pub at: Place,
}

/// What stands in a file.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Nothing, or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number, and as it was written.
    Int(i64, String),
    /// Another number, as it was written.
    Float(String),
    /// Text.
    Text(String),
    /// A date or time of TOML's, as it was written.
    Date(String),
    /// A list.
    List(Vec<Node>),
    /// A table, in the file's order.
    Map(Vec<Entry>),
    /// What stands after a tag of the file's own (`!reset`), without the `!`. Only [`parse_tagged`] gives these.
    Tagged(String, Box<Node>),
}

/// A key and its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The key.
    pub key: String,
    /// Its place.
    pub key_at: Place,
    /// The value.
    pub node: Node,
}

impl Value {
    /// The word for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "true or false",
            Self::Int(..) => "a whole number",
            Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::Date(_) => "a date",
            Self::List(_) => "a list",
            Self::Map(_) => "a table",
            Self::Tagged(..) => "a tagged value",
        }
    }

    /// A whole number, also as `1000.0`, which JSON does not tell from it, or as text.
    pub(crate) fn whole(&self) -> Option<i64> {
        // Beyond it not every whole number is a float.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        match self {
            Self::Int(int, _) => Some(*int),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Float(raw) => {
                let float: f64 = raw.parse().ok()?;
                let whole = float.fract() == 0.0 && float.abs() < EXACT;
                #[allow(clippy::cast_possible_truncation)]
                whole.then_some(float as i64)
            }
            _ => None,
        }
    }

    /// A scalar as text, as it was written.
    pub(crate) fn scalar(&self) -> Option<String> {
        match self {
            Self::Bool(flag) => Some(flag.to_string()),
            Self::Int(_, raw) | Self::Float(raw) | Self::Date(raw) => Some(raw.clone()),
            Self::Text(text) => Some(text.clone()),
            Self::Null | Self::List(_) | Self::Map(_) | Self::Tagged(..) => None,
        }
    }
}

impl Node {
    /// Whether nothing stands there.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// The value at `key` of a table.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Map(entries) => entries
                .iter()
                .find(|entry| entry.key == key)
                .map(|entry| &entry.node),
            _ => None,
        }
    }
}

/// Parses a file by the end of its name. Problems go to `diagnostics`; none comes back where the file
/// cannot be understood at all.
pub(crate) fn parse(source: &Arc<Source>, diagnostics: &mut Diagnostics) -> Option<Node> {
    built(Build::new(source), diagnostics)
}

/// Likewise of a file whose values may bear one of `tags`.
pub(super) fn parse_tagged(
    source: &Arc<Source>,
    tags: &'static [&'static str],
    diagnostics: &mut Diagnostics,
) -> Option<Node> {
    let mut build = Build::new(source);
    build.tags = tags;
    built(build, diagnostics)
}

fn built(mut build: Build<'_>, diagnostics: &mut Diagnostics) -> Option<Node> {
    let source = build.source;
    let refused = |summary: String, at: usize| {
        Diagnostic::error(codes::SYNTAX, Some(Place::new(source, at..at + 1)), summary)
    };
    let text = source.text.as_str();
    let (most, shown) = match source.name.ends_with(".toml") {
        true => (MAX_TOML, "1 MB"),
        false => (MAX_BYTES, "4 MB"),
    };
    if text.len() > most {
        let at = Place::new(source, 0..0);
        let summary = format!("`{}` has more than {shown}", source.name);
        diagnostics.push(Diagnostic::error(codes::TOO_LARGE, Some(at), summary));
        return None;
    }
    if let Some(at) = text.find('\0') {
        diagnostics.push(refused("the file contains a zero byte".to_owned(), at));
        return None;
    }
    let node = if source.name.ends_with(".toml") {
        toml::parse(&mut build)
    } else if source.name.ends_with(".json") {
        json::parse(&mut build)
    } else {
        yaml::parse(&mut build)
    };
    let failed = build.problems.has_errors();
    diagnostics.extend(build.problems);
    match node {
        Ok(node) => (!failed).then_some(node),
        Err(problem) => {
            diagnostics.push(*problem);
            None
        }
    }
}

/// What the three parsers share.
struct Build<'a> {
    source: &'a Arc<Source>,
    problems: Diagnostics,
    nodes: usize,
    text: usize,
    /// Tags that values may bear.
    tags: &'static [&'static str],
}

type Parsed<T> = Result<T, Box<Diagnostic>>;

impl<'a> Build<'a> {
    fn new(source: &'a Arc<Source>) -> Self {
        Self {
            source,
            problems: Diagnostics::new(),
            nodes: 0,
            text: 0,
            tags: &[],
        }
    }

    fn place(&self, span: Range<usize>) -> Place {
        // Both ends on character boundaries of the text, whatever a parser said.
        let text = self.source.text.as_str();
        let floor = |at: usize| {
            let mut at = at.min(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let start = floor(span.start);
        Place::new(self.source, start..floor(span.end).max(start))
    }

    /// A place that ends with its line: a table's whole text is no help in a message.
    fn first_line(&self, span: Range<usize>) -> Place {
        let mut place = self.place(span);
        let text = self.source.text.get(place.span.clone()).unwrap_or_default();
        let line = text.lines().next().unwrap_or_default().trim_end().len();
        place.span.end = place.span.start + line;
        place
    }

    fn error(&self, span: Range<usize>, summary: impl Into<String>) -> Box<Diagnostic> {
        Box::new(Diagnostic::error(
            codes::SYNTAX,
            Some(self.first_line(span)),
            summary,
        ))
    }

    /// Counts values and their text: a few lines of aliases can stand for more than any memory holds.
    fn count(&mut self, nodes: usize, text: usize, span: &Range<usize>) -> Parsed<()> {
        self.nodes = self.nodes.saturating_add(nodes);
        self.text = self.text.saturating_add(text);
        let what = if self.nodes > MAX_NODES {
            "more than 200,000 values"
        } else if self.text > MAX_TEXT {
            "more than 16 MB of text"
        } else {
            return Ok(());
        };
        let summary = format!("`{}` has {what}, aliases included", self.source.name);
        let at = self.first_line(span.clone());
        Err(Diagnostic::error(codes::TOO_LARGE, Some(at), summary)
            .label("here it becomes too much")
            .into())
    }

    /// Makes a table of entries; a key that stands twice is an error that shows both places.
    fn map(&mut self, entries: Vec<Entry>) -> Value {
        let mut seen: BTreeMap<&str, &Place> = BTreeMap::new();
        for entry in &entries {
            if let Some(first) = seen.get(entry.key.as_str()) {
                self.problems.push(
                    Diagnostic::error(
                        codes::DUPLICATE_KEY,
                        Some(entry.key_at.clone()),
                        format!("`{}` stands twice", entry.key),
                    )
                    .label("the second")
                    .related((*first).clone(), "the first"),
                );
            } else {
                seen.insert(&entry.key, &entry.key_at);
            }
        }
        Value::Map(entries)
    }
}
