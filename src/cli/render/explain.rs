//! Where values come from.

use super::style::{Cell, Style, Tone, clean, table};
use crate::config::explain::{Explained, Layer, Listed, Overlaid};
use serde_json::{Value, json};

/// One document for programs.
pub fn json(all: &[Explained]) -> Value {
    json!({ "format_version": "1.0", "explained": all })
}

/// What there is, for programs.
pub fn list_json(all: &[Listed], overlaid: &[Overlaid]) -> Value {
    json!({ "format_version": "1.0", "resources": all, "environment": overlaid })
}

/// What there is to explain, and what the environment's file did.
pub fn list(all: &[Listed], overlaid: &[Overlaid], style: &Style) -> String {
    let mut rows = Vec::new();
    for one in all {
        let kind = match one.kind {
            "container" => "",
            kind => kind,
        };
        let address = [kind, &one.address].join(" ");
        let name = if one.name == one.address {
            ""
        } else {
            &one.name
        };
        let at = one.at.as_ref().map(ToString::to_string);
        rows.push(vec![
            Cell::new(Tone::Strong, address.trim_start()),
            Cell::plain(name),
            Cell::new(Tone::Dim, at.unwrap_or_default()),
        ]);
    }
    let mut text = table(style, 0, &rows);
    if overlaid.is_empty() {
        return text;
    }
    text.push('\n');
    let mut rows = Vec::new();
    for one in overlaid {
        let (sign, tone) = match (&one.before, &one.after) {
            (_, None) => ("-", Tone::Bad),
            (None, Some(_)) => ("+", Tone::Good),
            (Some(_), Some(_)) => ("~", Tone::Warn),
        };
        let empty = (String::new(), String::new());
        let said = |layer: &Option<Layer>| {
            layer.as_ref().map_or(empty.clone(), |layer| {
                let at = layer.at.as_ref().map(ToString::to_string);
                (brief(&layer.value, style), at.unwrap_or_default())
            })
        };
        let ((before, before_at), (after, after_at)) = (said(&one.before), said(&one.after));
        let change = match (before.is_empty(), after.is_empty()) {
            (false, false) => format!("{before} {} {after}", style.arrow()),
            _ => before + &after,
        };
        let at = if after_at.is_empty() {
            before_at
        } else {
            after_at
        };
        rows.push(vec![
            Cell::new(tone, sign),
            Cell::plain(&one.path),
            Cell::plain(change),
            Cell::new(Tone::Dim, at),
        ]);
    }
    text + &table(style, 0, &rows)
}

/// Resources and the layers of their fields.
pub fn human(all: &[Explained], style: &Style) -> String {
    let mut text = String::new();
    for (n, one) in all.iter().enumerate() {
        if n > 0 {
            text.push('\n');
        }
        let kind = match one.kind {
            "stack" => "",
            kind => kind,
        };
        let mut head = vec![style.paint(Tone::Strong, &clean(&one.address))];
        let name = (one.name != one.address).then(|| clean(&one.name));
        head.extend([kind.to_owned(), name.unwrap_or_default()]);
        if let Some(at) = &one.at {
            head.push(style.paint(Tone::Dim, &at.to_string()));
        }
        head.retain(|part| !part.is_empty());
        text.push_str(&head.join(&format!(" {} ", style.dot())));
        text.push('\n');
        for field in &one.fields {
            let value = brief(&field.value, style);
            let name = style.paint(Tone::Strong, &clean(&field.field));
            text.push_str(&format!("\n{name} = {value}\n"));
            let mut rows = Vec::new();
            for layer in &field.layers {
                push(&mut rows, layer, 0, style);
            }
            text.push_str(&table(style, 2, &rows));
        }
    }
    text
}

fn push(rows: &mut Vec<Vec<Cell>>, layer: &Layer, depth: usize, style: &Style) {
    let at = match &layer.at {
        Some(at) => at.to_string(),
        None => String::new(),
    };
    rows.push(vec![
        Cell::plain(format!("{}{}", "  ".repeat(depth), layer.from)),
        Cell::new(Tone::Dim, at),
        Cell::plain(brief(&layer.value, style)),
    ]);
    for (name, layers) in &layer.used {
        for (n, used) in layers.iter().enumerate() {
            let value = match n {
                0 => format!("{name} = {}", used.value),
                _ => used.value.clone(),
            };
            let used = Layer {
                value,
                ..used.clone()
            };
            push(rows, &used, depth + 1, style);
        }
    }
}

/// A value on one line that is not too long for one.
fn brief(value: &str, style: &Style) -> String {
    const MOST: usize = 100;
    if value.is_empty() {
        return "\"\"".to_owned();
    }
    style.shorten(&clean(value), MOST)
}
