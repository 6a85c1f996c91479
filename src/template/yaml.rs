//! Values as YAML, block style with sorted keys, as Copier's answers files have them.

use serde_json::Value as Json;
use std::fmt::Write as _;

/// A value's YAML, with a line end.
pub fn to_yaml(value: &Json, indent: usize) -> String {
    let mut text = String::new();
    match value {
        Json::Object(map) if !map.is_empty() => block(value, 0, indent, &mut text),
        Json::Array(items) if !items.is_empty() => block(value, 0, indent, &mut text),
        scalar => {
            text += &flow(scalar);
            text.push('\n');
        }
    }
    text
}

fn block(value: &Json, depth: usize, indent: usize, text: &mut String) {
    let margin = " ".repeat(depth * indent);
    match value {
        Json::Object(map) => {
            for (key, value) in map {
                let _ = write!(text, "{margin}{}:", quoted(key));
                under(value, depth, indent, text);
            }
        }
        Json::Array(items) => {
            for value in items {
                let _ = write!(text, "{margin}-");
                under(value, depth, indent, text);
            }
        }
        _ => {}
    }
}

fn under(value: &Json, depth: usize, indent: usize, text: &mut String) {
    let nested = match value {
        Json::Object(map) => !map.is_empty(),
        Json::Array(items) => !items.is_empty(),
        _ => false,
    };
    if nested {
        text.push('\n');
        block(value, depth + 1, indent, text);
    } else {
        let _ = writeln!(text, " {}", flow(value));
    }
}

fn flow(value: &Json) -> String {
    match value {
        Json::String(text) => quoted(text),
        other => other.to_string(),
    }
}

/// Words that a reader of YAML 1.1 or 1.2 takes for something else than text.
const WORDS: [&str; 10] = [
    "y", "n", "yes", "no", "on", "off", "true", "false", "null", "~",
];

/// A text so that every reader of YAML takes it for that text.
fn quoted(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next();
    let starts = first.is_some_and(|c| c.is_ascii_alphabetic() || "_/".contains(c));
    let inside = |c: char| c.is_ascii_alphanumeric() || "_/.-+@ ".contains(c);
    let word = WORDS.iter().any(|word| text.eq_ignore_ascii_case(word));
    let url = text.starts_with("https://") || text.starts_with("ssh://");
    let plain = |c: char| inside(c) || (url && ":~".contains(c));
    if starts && !word && text.chars().all(plain) && !text.ends_with([' ', ':']) {
        text.to_owned()
    } else if text.chars().any(|c| {
        c.is_control()
            || ('\u{7f}'..'\u{a0}').contains(&c)
            || "\u{2028}\u{2029}\u{feff}".contains(c)
    }) {
        // JSON's strings are YAML's, but for a few characters that it leaves as they are.
        let mut json = Json::String(text.to_owned()).to_string();
        for c in ['\u{7f}', '\u{85}', '\u{2028}', '\u{2029}', '\u{feff}'] {
            json = json.replace(c, &format!("\\u{:04x}", u32::from(c)));
        }
        json
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}
