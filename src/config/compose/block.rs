//! Writes YAML.

use serde_json::{Value, json};

/// YAML in block form; texts in the double quotes that JSON has, which YAML reads as JSON does.
pub(super) fn block(value: &Value, indent: usize, out: &mut String) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let plain = key
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
                    && key.starts_with(|c: char| c.is_ascii_alphabetic());
                let word = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
                let plain = plain && !word.contains(&key.to_ascii_lowercase().as_str());
                let key = if plain {
                    key.clone()
                } else {
                    scalar(&json!(key))
                };
                entry(&format!("{pad}{key}:"), value, indent, out);
            }
        }
        Value::Array(items) => {
            for item in items {
                match item {
                    Value::Object(fields) if !fields.is_empty() => {
                        let mut inner = String::new();
                        block(item, indent + 2, &mut inner);
                        let inner = inner.get(indent + 2..).unwrap_or_default();
                        out.push_str(&format!("{pad}- {inner}"));
                    }
                    item => out.push_str(&format!("{pad}- {}\n", scalar(item))),
                }
            }
        }
        other => out.push_str(&format!("{pad}{}\n", scalar(other))),
    }
}

fn entry(start: &str, value: &Value, indent: usize, out: &mut String) {
    let empty = match value {
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => true,
    };
    if empty {
        out.push_str(&format!("{start} {}\n", scalar(value)));
    } else {
        out.push_str(&format!("{start}\n"));
        block(value, indent + 2, out);
    }
}

/// JSON, but for what YAML does not take as it stands: what cannot be seen, and lines of other kinds.
fn scalar(value: &Value) -> String {
    let hidden = |c: char| {
        matches!(
            c,
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
    };
    let mut text = String::new();
    for c in value.to_string().chars() {
        if hidden(c) {
            text.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            text.push(c);
        }
    }
    text
}
