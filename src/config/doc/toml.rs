//! TOML: the spanned document of `toml_edit` built into a tree.

use super::{Build, Entry, MAX_DEPTH, Node, Parsed, Value};
use std::ops::Range;
use toml_edit::{Document, Item, Key, Table, TableLike};

pub(super) fn parse(build: &mut Build<'_>) -> Parsed<Node> {
    let source = build.source;
    let document = Document::parse(source.text.as_str()).map_err(|error| {
        let message = error.message().trim().replace('\n', ", ");
        build.error(error.span().unwrap_or(0..0), format!("not TOML: {message}"))
    })?;
    table(build, document.as_table(), 0..source.text.len(), 0)
}

fn table(
    build: &mut Build<'_>,
    table: &dyn TableLike,
    span: Range<usize>,
    depth: usize,
) -> Parsed<Node> {
    build.count(1, 0, &span)?;
    if depth > MAX_DEPTH {
        return Err(build.error(span, "nested too deeply"));
    }
    let mut entries = Vec::new();
    for (name, value) in table.iter() {
        let key_span = table.key(name).and_then(Key::span);
        let key_span = key_span.unwrap_or_else(|| span.clone());
        if let Some(node) = item(build, value, &key_span, depth + 1)? {
            entries.push(Entry {
                key: name.to_owned(),
                key_at: build.first_line(key_span),
                node,
            });
        }
    }
    // `toml_edit` gives a table's keys by position only where they were parsed; keep the file's order.
    entries.sort_by_key(|entry| entry.key_at.span.start);
    let at = build.first_line(span);
    let value = build.map(entries);
    Ok(Node { value, at })
}

fn item(
    build: &mut Build<'_>,
    item: &Item,
    key: &Range<usize>,
    depth: usize,
) -> Parsed<Option<Node>> {
    // A table made by dotted keys has no place of its own: its key's serves.
    let span = item.span().unwrap_or_else(|| key.clone());
    match item {
        Item::None => Ok(None),
        Item::Value(inner) => value(build, inner, key, depth).map(Some),
        Item::Table(inner) => table(build, inner, span, depth).map(Some),
        Item::ArrayOfTables(tables) => {
            build.count(1, 0, &span)?;
            let mut items = Vec::new();
            for inner in tables {
                let span = Table::span(inner).unwrap_or_else(|| key.clone());
                items.push(table(build, inner, span, depth + 1)?);
            }
            let at = build.first_line(key.clone());
            Ok(Some(Node {
                value: Value::List(items),
                at,
            }))
        }
    }
}

fn value(
    build: &mut Build<'_>,
    value: &toml_edit::Value,
    key: &Range<usize>,
    depth: usize,
) -> Parsed<Node> {
    let span = value.span().unwrap_or_else(|| key.clone());
    if depth > MAX_DEPTH {
        return Err(build.error(span, "nested too deeply"));
    }
    if let toml_edit::Value::InlineTable(inner) = value {
        return table(build, inner, span, depth);
    }
    build.count(1, 0, &span)?;
    let raw = |span: &Range<usize>| {
        let raw = build.source.text.get(span.clone()).unwrap_or_default();
        raw.trim().replace('_', "")
    };
    let made = match value {
        toml_edit::Value::String(text) => Value::Text(text.value().clone()),
        toml_edit::Value::Integer(int) => Value::Int(*int.value(), int.value().to_string()),
        toml_edit::Value::Float(_) => Value::Float(raw(&span)),
        toml_edit::Value::Boolean(flag) => Value::Bool(*flag.value()),
        toml_edit::Value::Datetime(date) => Value::Date(date.value().to_string()),
        toml_edit::Value::Array(array) => {
            let mut items = Vec::new();
            for inner in array {
                items.push(self::value(build, inner, key, depth + 1)?);
            }
            Value::List(items)
        }
        toml_edit::Value::InlineTable(_) => Value::Null,
    };
    Ok(Node {
        value: made,
        at: build.first_line(span),
    })
}
