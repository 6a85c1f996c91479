//! Values as YAML, block style with sorted keys, as Copier's answers files have them.

use regex::Regex;
use serde_json::Value as Json;
use std::fmt::Write as _;
use std::sync::LazyLock;

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

/// A value's YAML as Python's `yaml.dump` lays it out, with keys sorted and without folding long lines; with
/// `flat`, lists and tables of nothing but plain values stand in one line.
pub(super) fn python(value: &Json, indent: usize, flat: bool) -> String {
    let layout = Layout { indent, flat };
    if layout.is_flow(value) {
        let text = layout.flow(value);
        let collection = matches!(value, Json::Object(_) | Json::Array(_));
        let end = match collection || text.starts_with(['\'', '"']) {
            true => "",
            false => "...\n",
        };
        return format!("{text}\n{end}");
    }
    let mut text = String::new();
    layout.block(value, 0, &mut text);
    text
}

struct Layout {
    indent: usize,
    flat: bool,
}

impl Layout {
    fn is_flow(&self, value: &Json) -> bool {
        let scalar = |value: &Json| !matches!(value, Json::Object(_) | Json::Array(_));
        match value {
            Json::Object(map) => map.is_empty() || self.flat && map.values().all(scalar),
            Json::Array(items) => items.is_empty() || self.flat && items.iter().all(scalar),
            _ => true,
        }
    }

    fn flow(&self, value: &Json) -> String {
        match value {
            Json::Object(map) => {
                let all = map
                    .iter()
                    .map(|(key, value)| format!("{}: {}", scalar(key, true), self.flow(value)));
                format!("{{{}}}", all.collect::<Vec<_>>().join(", "))
            }
            Json::Array(items) => {
                let all = items.iter().map(|item| match item {
                    Json::String(text) => scalar(text, true),
                    other => self.flow(other),
                });
                format!("[{}]", all.collect::<Vec<_>>().join(", "))
            }
            Json::String(text) => scalar(text, false),
            other => other.to_string(),
        }
    }

    /// The lines of a block, the first without its margin where something stands before it.
    fn block(&self, value: &Json, column: usize, text: &mut String) {
        let margin = |text: &mut String| {
            if text.is_empty() || text.ends_with('\n') {
                text.push_str(&" ".repeat(column));
            }
        };
        match value {
            Json::Object(map) => {
                for (key, value) in map {
                    margin(text);
                    let _ = write!(text, "{}:", scalar(key, false));
                    if self.is_flow(value) {
                        let _ = writeln!(text, " {}", self.flow(value));
                        continue;
                    }
                    text.push('\n');
                    // Lists stand below their key, not beside it.
                    let more = if value.is_array() { 0 } else { self.indent };
                    self.block(value, column + more, text);
                }
            }
            Json::Array(items) => {
                for item in items {
                    margin(text);
                    text.push('-');
                    if self.is_flow(item) {
                        let _ = writeln!(text, " {}", self.flow(item));
                        continue;
                    }
                    text.push_str(&" ".repeat(self.indent - 1));
                    self.block(item, column + self.indent, text);
                }
            }
            _ => {}
        }
    }
}

/// What a plain text would be taken for by YAML 1.1: a flag, a number, nothing, a time.
static OTHER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let pattern = r"(?x)^(?:
        (?i:yes|no|true|false|on|off|null|~|=|<<|[-+]?\.inf|\.nan)
        | [-+]?(?:0b[01_]+ | 0x[0-9a-fA-F_]+ | [0-9][0-9_]*)
        | [-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?
        | [-+]?(?:[0-9][0-9_]*\.[0-9_]* | \.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?
        | [0-9]{4}-[0-9][0-9]?-[0-9][0-9]?(?:[Tt\x20\t].*)?
    )$";
    Regex::new(pattern).ok()
});

/// A text as Python's emitter has it: plain where that is read as the same text.
fn scalar(text: &str, in_flow: bool) -> String {
    let mut chars = text.chars();
    let (first, second) = (chars.next(), chars.next());
    let space = |c: Option<char>| c.is_none_or(char::is_whitespace);
    let starts = match first {
        None => false,
        Some('?' | ':' | '-') => !space(second) && !in_flow,
        Some(c) => !c.is_whitespace() && !"#,[]{}&*!|>'\"%@`".contains(c),
    };
    let odd = |c: char| {
        c.is_control()
            || ('\u{7f}'..'\u{a0}').contains(&c)
            || "\u{2028}\u{2029}\u{feff}".contains(c)
    };
    if text.contains(odd) {
        return quoted(text);
    }
    let mark = ["---", "..."].iter().any(|mark| text.starts_with(mark));
    let broken = text.contains(": ") || text.contains(" #") || text.ends_with([':', ' ']);
    let broken = broken || in_flow && text.contains([',', '?', '[', ']', '{', '}', ':']);
    let other = OTHER.as_ref().is_none_or(|other| other.is_match(text));
    match starts && !mark && !broken && !other {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "''")),
    }
}
