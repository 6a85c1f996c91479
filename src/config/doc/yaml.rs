//! YAML 1.2 (core schema): the events of `granit-parser` built into a tree.
//!
//! Aliases are copied within a budget, `<<` merges as YAML 1.1 has it, tags other than the core ones and
//! further documents are refused.

use super::{Build, Entry, MAX_DEPTH, Node, Parsed, Value};
use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag, options};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

type Events<'a> = Parser<'a, StrInput<'a>>;

struct Yaml<'b, 'a> {
    build: &'b mut Build<'a>,
    events: Events<'a>,
    /// What aliases stand for, with the number of its values and bytes of text.
    anchors: BTreeMap<usize, (Node, usize, usize)>,
}

pub(super) fn parse(build: &mut Build<'_>) -> Parsed<Node> {
    let source = build.source;
    let text = source.text.as_str();
    let events = Parser::new_from_str_with_options(
        text,
        options! { emit_comments: false, flow_nesting_limit: MAX_DEPTH, block_nesting_limit: MAX_DEPTH },
    );
    let mut yaml = Yaml {
        build,
        events,
        anchors: BTreeMap::new(),
    };
    let mut root = None;
    while let Some((event, span)) = yaml.next()? {
        match event {
            Event::StreamEnd => break,
            Event::DocumentStart(..) if root.is_some() => {
                return Err(yaml
                    .build
                    .error(range(&span), "a second document in one file")
                    .label("starts here")
                    .into());
            }
            Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
            event => root = Some(yaml.node(event, &span, 0)?),
        }
    }
    let nothing = Node {
        value: Value::Null,
        at: yaml.build.place(0..0),
    };
    Ok(root.unwrap_or(nothing))
}

/// All comments of a text with where they start, in order, without blanks at their ends; none where it is no YAML.
pub(in crate::config) fn comments(text: &str) -> Option<Vec<(usize, String)>> {
    let events = Parser::new_from_str_with_options(
        text,
        options! { emit_comments: true, flow_nesting_limit: MAX_DEPTH, block_nesting_limit: MAX_DEPTH },
    );
    let mut all = Vec::new();
    for event in events {
        if let (Event::Comment(text, _), span) = event.ok()? {
            all.push((range(&span).start, text.trim_end().to_owned()));
        }
    }
    Some(all)
}

/// The first tab in the indentation of a line, from that around `at` on.
fn tab(text: &str, at: usize) -> Option<usize> {
    let start = text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
    let mut line = start;
    for content in text.get(start..)?.split_inclusive('\n') {
        let indent = content.len() - content.trim_start_matches([' ', '\t']).len();
        if let Some(tab) = content.get(..indent)?.find('\t') {
            return Some(line + tab);
        }
        line += content.len();
    }
    None
}

fn range(span: &Span) -> Range<usize> {
    span.byte_range().unwrap_or(0..0)
}

impl<'a> Yaml<'_, 'a> {
    fn next(&mut self) -> Parsed<Option<(Event<'a>, Span)>> {
        match self.events.next() {
            None => Ok(None),
            Some(Ok(event)) => Ok(Some(event)),
            Some(Err(error)) => {
                let at = error.marker().byte_offset().unwrap_or(0);
                // The parser points behind what it did not expect at a line's end: show the line itself.
                let text = &self.build.source.text;
                if let Some(tab) = tab(text, at).filter(|_| error.info().contains("tab")) {
                    // It points at what came before, a line or more above.
                    let summary = "not YAML: a tab at the start of a line";
                    let error = self.build.error(tab..tab + 1, summary);
                    return Err(Box::new(error.help("YAML is indented with spaces")));
                }
                let at = if text.get(at..).is_none_or(|rest| rest.trim().is_empty()) {
                    text.trim_end().len().saturating_sub(1)
                } else {
                    at
                };
                let what = format!("not YAML: {}", error.info());
                let error = self.build.error(at..at + 1, what);
                // Others than these do not begin a line of YAML.
                let unmerged = text.lines().any(|line| line.starts_with("<<<<<<< "));
                Err(match unmerged {
                    true => Box::new(error.help(
                        "both versions of a merge are in it, between <<<<<<< and >>>>>>>: choose",
                    )),
                    false => error,
                })
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: &Span, depth: usize) -> Parsed<Node> {
        if depth > MAX_DEPTH {
            return Err(self.build.error(range(span), "nested too deeply"));
        }
        let whole = range(span);
        let length = match &event {
            Event::Scalar(text, ..) => text.len(),
            _ => 0,
        };
        self.build.count(1, length, &whole)?;
        let (nodes, text) = (self.build.nodes, self.build.text);
        let tag = match &event {
            Event::Scalar(.., tag)
            | Event::SequenceStart(.., tag)
            | Event::MappingStart(.., tag) => tag.as_ref().and_then(|tag| self.own_tag(tag)),
            _ => None,
        };
        let (value, at, anchor) = match event {
            Event::Alias(id) => {
                let Some((node, nodes, text)) = self.anchors.get(&id) else {
                    return Err(self
                        .build
                        .error(range(span), "an alias inside of what it stands for"));
                };
                self.build.count(*nodes, *text, &whole)?;
                return Ok(node.clone());
            }
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                let own = tag.as_ref().is_some_and(|tag| self.own_tag(tag).is_some());
                let core = tag
                    .as_ref()
                    .map(|tag| (tag.is_yaml_core_schema(), tag.suffix()));
                let value = match core {
                    _ if own => resolve(&text),
                    None if plain => resolve(&text),
                    None | Some((true, "str")) => Value::Text(text.into_owned()),
                    Some((true, "int" | "float" | "bool" | "null")) => resolve(&text),
                    Some(_) => return Err(self.unknown_tag(span)),
                };
                (value, self.build.first_line(range(span)), anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                if tag.is_some_and(|tag| !tag.is_yaml_core_schema() && self.own_tag(&tag).is_none())
                {
                    return Err(self.unknown_tag(span));
                }
                let mut items = Vec::new();
                let mut end = range(span).end;
                while let Some((event, span)) = self.next()? {
                    if matches!(event, Event::SequenceEnd) {
                        end = end.max(range(&span).end);
                        break;
                    }
                    items.push(self.node(event, &span, depth + 1)?);
                }
                let at = self.build.first_line(range(span).start..end);
                (Value::List(items), at, anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                if tag.is_some_and(|tag| !tag.is_yaml_core_schema() && self.own_tag(&tag).is_none())
                {
                    return Err(self.unknown_tag(span));
                }
                let (entries, end) = self.entries(range(span).end, depth)?;
                let at = self.build.first_line(range(span).start..end);
                (self.build.map(entries), at, anchor)
            }
            _ => return Err(self.build.error(range(span), "a value is missing here")),
        };
        let mut node = Node { value, at };
        if let Some(tag) = tag {
            let at = node.at.clone();
            let value = Value::Tagged(tag.to_owned(), Box::new(node));
            node = Node { value, at };
        }
        if anchor != 0 {
            // Its own scalar was counted before; the copy that is kept counts as well.
            let (nodes, text) = (
                self.build.nodes - nodes + 1,
                self.build.text - text + length,
            );
            self.build.count(nodes, text, &whole)?;
            self.anchors.insert(anchor, (node.clone(), nodes, text));
        }
        Ok(node)
    }

    fn entries(&mut self, mut end: usize, depth: usize) -> Parsed<(Vec<Entry>, usize)> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut merged: Vec<Entry> = Vec::new();
        let mut merges = false;
        while let Some((event, span)) = self.next()? {
            if matches!(event, Event::MappingEnd) {
                end = end.max(range(&span).end);
                break;
            }
            let merge =
                matches!(&event, Event::Scalar(text, ScalarStyle::Plain, ..) if text == "<<");
            let key = self.node(event, &span, depth + 1)?;
            let Some((event, value_span)) = self.next()? else {
                break;
            };
            let node = self.node(event, &value_span, depth + 1)?;
            if merge {
                if std::mem::replace(&mut merges, true) {
                    let error = self
                        .build
                        .error(key.at.span, "`<<` stands twice in one table");
                    return Err(error.help("write a list: `<<: [*a, *b]`").into());
                }
                self.merge(&mut merged, node)?;
                continue;
            }
            let Some(text) = key.value.scalar() else {
                return Err(self.build.error(range(&span), "a key must be text"));
            };
            entries.push(Entry {
                key: text,
                key_at: key.at,
                node,
            });
        }
        // What stands in the table itself wins over what is merged into it, and of that the first.
        let mut there: BTreeSet<String> = match merged.is_empty() {
            true => BTreeSet::new(),
            false => entries.iter().map(|entry| entry.key.clone()).collect(),
        };
        for entry in merged {
            if there.insert(entry.key.clone()) {
                entries.push(entry);
            }
        }
        Ok((entries, end))
    }

    fn merge(&mut self, merged: &mut Vec<Entry>, node: Node) -> Parsed<()> {
        match node.value {
            Value::Map(entries) => merged.extend(entries),
            Value::List(items) if items.iter().all(|i| matches!(i.value, Value::Map(_))) => {
                for item in items {
                    self.merge(merged, item)?;
                }
            }
            _ => {
                return Err(self
                    .build
                    .error(node.at.span, "`<<` merges a table or a list of tables"));
            }
        }
        Ok(())
    }

    /// The tag, where this file's values may bear it.
    fn own_tag(&self, tag: &Tag) -> Option<&'static str> {
        let tags = self.build.tags.iter();
        tags.copied()
            .find(|own| tag.handle() == "!" && tag.suffix() == *own)
    }

    fn unknown_tag(&self, span: &Span) -> Box<crate::diag::Diagnostic> {
        let at = span.tag_span().unwrap_or(*span);
        let error = self
            .build
            .error(range(&at), "a tag that coasti does not know");
        error.help("write the value without `!`").into()
    }
}

/// The core schema's meaning of plain text.
pub(in crate::config) fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        ".inf" | "-.inf" | "+.inf" | ".nan" => return Value::Float(text.to_owned()),
        _ => {}
    }
    let (sign, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) => (if text.starts_with('-') { -1 } else { 1 }, digits),
        None => (1, text),
    };
    let int = if let Some(octal) = digits.strip_prefix("0o") {
        whole(octal, 8)
    } else if let Some(hex) = digits.strip_prefix("0x") {
        whole(hex, 16)
    } else {
        whole(digits, 10)
    };
    if let Some(int) = int {
        return Value::Int(int.saturating_mul(sign), text.to_owned());
    }
    let numeric = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.contains(|c: char| c.is_ascii_digit())
        && digits
            .chars()
            .all(|c| c.is_ascii_digit() || ".eE+-".contains(c));
    if numeric && digits.parse::<f64>().is_ok() {
        return Value::Float(text.to_owned());
    }
    Value::Text(text.to_owned())
}

fn whole(digits: &str, radix: u32) -> Option<i64> {
    // `from_str_radix` takes a sign as well.
    let fine = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    fine.then(|| i64::from_str_radix(digits, radix).ok())
        .flatten()
}
