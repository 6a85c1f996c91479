//! Values as Python writes them: JSON with its spaces, YAML in its styles, and what `pprint` makes.

use super::wrong;
use crate::template::yaml;
use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Environment, Error};
use serde_json::Value as Json;
use std::fmt::Write as _;

pub(super) fn add(env: &mut Environment<'static>) {
    env.add_filter("to_json", |of: Value, options: Kwargs| {
        to_json(&of, None, false, &options)
    });
    env.add_filter(
        "to_nice_json",
        |of: Value, indent: Option<usize>, options: Kwargs| {
            to_json(&of, Some(indent.unwrap_or(4)), true, &options)
        },
    );
    env.add_filter("to_yaml", |of: Value, options: Kwargs| {
        let indent = yaml_options(&options)?.unwrap_or(2);
        Ok::<_, Error>(yaml::python(&super::json(&of)?, indent, true))
    });
    env.add_filter(
        "to_nice_yaml",
        |of: Value, indent: Option<usize>, options: Kwargs| {
            let indent = indent.or(yaml_options(&options)?).unwrap_or(4);
            Ok::<_, Error>(yaml::python(&super::json(&of)?, indent, false))
        },
    );
    env.add_filter("pprint", |of: Value| pretty(&of, 0, 0));
}

fn yaml_options(options: &Kwargs) -> Result<Option<usize>, Error> {
    let indent = options.get::<Option<usize>>("indent")?;
    // Options that change nothing of what is written here.
    for name in ["sort_keys", "width", "allow_unicode", "default_flow_style"] {
        let _ = options.get::<Option<Value>>(name)?;
    }
    options.assert_all_used()?;
    Ok(indent.map(|indent| indent.clamp(2, 16)))
}

/// How JSON is written.
struct Style {
    indent: Option<usize>,
    sorted: bool,
    ascii: bool,
}

fn to_json(
    of: &Value,
    indent: Option<usize>,
    sorted: bool,
    options: &Kwargs,
) -> Result<String, Error> {
    let style = Style {
        indent: options
            .get::<Option<usize>>("indent")?
            .or(indent)
            .map(|indent| indent.min(16)),
        sorted: options.get::<Option<bool>>("sort_keys")?.unwrap_or(sorted),
        ascii: options.get::<Option<bool>>("ensure_ascii")?.unwrap_or(true),
    };
    options.assert_all_used()?;
    let mut text = String::new();
    write(of, &style, 0, &mut text)?;
    Ok(text)
}

fn write(of: &Value, style: &Style, depth: usize, text: &mut String) -> Result<(), Error> {
    let line = |depth: usize, text: &mut String| match style.indent {
        Some(indent) => {
            text.push('\n');
            text.push_str(&" ".repeat(indent * depth));
        }
        None if text.ends_with(',') => text.push(' '),
        None => {}
    };
    match of.kind() {
        ValueKind::None => text.push_str("null"),
        ValueKind::Bool => text.push_str(if of.is_true() { "true" } else { "false" }),
        ValueKind::Number => text.push_str(&of.to_string()),
        ValueKind::String => string(of.as_str().unwrap_or_default(), style.ascii, text),
        ValueKind::Seq | ValueKind::Iterable => {
            text.push('[');
            let mut any = false;
            for item in of.try_iter()? {
                if any {
                    text.push(',');
                }
                any = true;
                line(depth + 1, text);
                write(&item, style, depth + 1, text)?;
            }
            if any && style.indent.is_some() {
                line(depth, text);
            }
            text.push(']');
        }
        ValueKind::Map => {
            let mut keys: Vec<Value> = of.try_iter()?.collect();
            if style.sorted {
                keys.sort_by_key(ToString::to_string);
            }
            text.push('{');
            for (number, key) in keys.iter().enumerate() {
                if number > 0 {
                    text.push(',');
                }
                line(depth + 1, text);
                let name = match key.kind() {
                    ValueKind::None => "null".to_owned(),
                    ValueKind::Bool => key.to_string().to_ascii_lowercase(),
                    _ => key.to_string(),
                };
                string(&name, style.ascii, text);
                text.push_str(": ");
                write(&of.get_item(key)?, style, depth + 1, text)?;
            }
            if !keys.is_empty() && style.indent.is_some() {
                line(depth, text);
            }
            text.push('}');
        }
        other => return Err(wrong(format!("{other} is no JSON"))),
    }
    Ok(())
}

fn string(of: &str, ascii: bool, text: &mut String) {
    let plain = Json::String(of.to_owned()).to_string();
    for c in plain.chars() {
        match c {
            c if ascii && !c.is_ascii() => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(text, "\\u{unit:04x}");
                }
            }
            '\u{7f}' if ascii => text.push(c),
            c => text.push(c),
        }
    }
}

/// How wide a line may be.
const WIDE: usize = 80;

/// As Python's `pprint` has it: in one line where that fits.
fn pretty(of: &Value, indent: usize, after: usize) -> Result<String, Error> {
    let whole = format!("{of:?}");
    let kind = of.kind();
    if whole.chars().count() + indent + after <= WIDE
        || !matches!(kind, ValueKind::Map | ValueKind::Seq)
    {
        return Ok(whole);
    }
    let mut items = Vec::new();
    let mut all: Vec<Value> = of.try_iter()?.collect();
    if kind == ValueKind::Map {
        all.sort_by_key(ToString::to_string);
    }
    for (number, item) in all.iter().enumerate() {
        let after = if number + 1 == all.len() {
            after + 1
        } else {
            1
        };
        items.push(match kind {
            ValueKind::Map => {
                let key = format!("{item:?}: ");
                let indent = indent + 1 + key.chars().count();
                key + &pretty(&of.get_item(item)?, indent, after)?
            }
            _ => pretty(item, indent + 1, after)?,
        });
    }
    let (open, close) = match (kind, of.is_tuple()) {
        (ValueKind::Map, _) => ('{', '}'),
        (_, true) => ('(', ')'),
        _ => ('[', ']'),
    };
    let between = format!(",\n{}", " ".repeat(indent + 1));
    Ok(format!("{open}{}{close}", items.join(&between)))
}
