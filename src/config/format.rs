//! Files in one form: indentation, spaces, quotes. Order, comments and meaning stay; that is proved each time.

use super::doc::{Node, Value, comments, parse_tagged};
use crate::config::compose::TAGS;
use crate::diag::{Diagnostics, Source};
use pretty_yaml::config::{FormatOptions, LanguageOptions, LayoutOptions, LineBreak};
use std::sync::Arc;

/// Longer files are not formatted: it would take long, and nobody wrote them by hand.
const MAX_BYTES: usize = 1 << 20;

/// What the formatter would change, or does not take: a block whose indentation is said (`|2`) or whose first line
/// starts with a tab, a comment that stands deeper than what it is about.
const STRANGE: &str = "has something in it that coasti does not format";

/// Lines are broken after this many columns, where they can be.
const WIDTH: usize = 120;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Formatted {
    /// It has the form already.
    Same,
    /// The text in that form.
    New(String),
    /// It is left as it is; why.
    Left(&'static str),
}

/// A file in the form that all have. What is wrong with a file that cannot be understood comes back instead.
pub fn format(source: &Arc<Source>) -> Result<Formatted, Diagnostics> {
    if ![".yml", ".yaml", ".json", ".toml"]
        .iter()
        .any(|end| source.name.ends_with(end))
    {
        return Ok(Formatted::Left("is neither YAML nor JSON"));
    }
    let mut d = Diagnostics::new();
    let Some(root) = parse_tagged(source, TAGS, &mut d) else {
        return Err(d);
    };
    let text = source.text.as_str();
    if text.len() > MAX_BYTES {
        return Ok(Formatted::Left("has more than 1 MB"));
    }
    if source.name.ends_with(".toml") {
        return Ok(Formatted::Left(
            "is TOML, which coasti does not format: `taplo fmt` does",
        ));
    }
    if text.trim().is_empty() {
        return Ok(Formatted::Same);
    }
    let is_json = source.name.ends_with(".json");
    let form = |text: &str, root: &Node| match is_json {
        true => Some(json(root, text)),
        false => yaml(text),
    };
    let Some(made) = form(text, &root) else {
        return Ok(Formatted::Left(STRANGE));
    };
    if made == text {
        return Ok(Formatted::Same);
    }
    // The proof: it says the same, has the same comments, and is in the form.
    let again = Arc::new(Source::new(
        source.name.clone(),
        source.path.clone(),
        made.clone(),
    ));
    let texts = |text: &str| {
        let all = comments(text)?.into_iter();
        Some(all.map(|(_, text)| text).collect::<Vec<_>>())
    };
    let read = parse_tagged(&again, TAGS, &mut Diagnostics::new());
    let proved = read.is_some_and(|read| {
        same(&root, &read)
            && (is_json || texts(text) == texts(&made))
            && form(&made, &read).as_ref() == Some(&made)
    });
    Ok(match proved {
        true => Formatted::New(made),
        false => Formatted::Left(STRANGE),
    })
}

/// The formatter's parser counts indents in the bits of a number.
const MOST_INDENT: usize = 63;

/// Whether a line goes on with a tab or the like where its spaces end, or ends as those of old Macs do: in a block that
/// is kept as it is, the formatter takes that for indentation, and cuts as much from the lines below.
fn has_odd_indent(text: &str) -> bool {
    text.lines().any(|line| {
        let rest = line.trim_start_matches(' ');
        rest.starts_with(|c: char| c.is_ascii_whitespace()) || line.contains('\r')
    })
}

fn yaml(text: &str) -> Option<String> {
    if text.len() - text.trim_start().len() > MOST_INDENT || has_odd_indent(text) {
        return None;
    }
    let options = FormatOptions {
        layout: LayoutOptions {
            print_width: WIDTH,
            line_break: match text.contains("\r\n") {
                true => LineBreak::Crlf,
                false => LineBreak::Lf,
            },
            ..LayoutOptions::default()
        },
        language: LanguageOptions {
            trailing_comma: false,
            brace_spacing: false,
            ..LanguageOptions::default()
        },
    };
    let made = pretty_yaml::format_text(text, &options).ok()?;
    aligned(text, made)
}

/// A comment that has a line of its own.
struct Own {
    /// Where its line starts.
    line: usize,
    /// Where it starts itself.
    start: usize,
    /// By how much the next line that is no comment is indented.
    below: usize,
}

/// Moves comments that stood above something in its column to where that is now: the formatter takes what
/// stands below a list for the list's.
fn aligned(text: &str, mut made: String) -> Option<String> {
    let (before, after) = (own_lines(text)?, own_lines(&made)?);
    if before.len() != after.len() {
        return Some(made);
    }
    for (before, after) in before.iter().zip(&after).rev() {
        if before.start - before.line == before.below {
            made.replace_range(after.line..after.start, &" ".repeat(after.below));
        }
    }
    Some(made)
}

fn own_lines(text: &str) -> Option<Vec<Own>> {
    let starts = comments(text)?.into_iter().map(|(start, _)| start);
    let mut all: Vec<Own> = Vec::new();
    for start in starts {
        let line = text.get(..start)?.rfind('\n').map_or(0, |end| end + 1);
        if text.get(line..start)?.trim().is_empty() {
            let below = 0;
            all.push(Own { line, start, below });
        }
    }
    let (mut below, mut at) = (0, text.len());
    let mut own = all.iter_mut().rev().peekable();
    for line in text.split_inclusive('\n').rev() {
        at -= line.len();
        match own.next_if(|own| own.line == at) {
            Some(own) => own.below = below,
            None if line.trim().is_empty() => {}
            None => below = line.len() - line.trim_start().len(),
        }
    }
    Some(all)
}

/// JSON with one value a line; numbers as they were written.
fn json(root: &Node, text: &str) -> String {
    let mut made = String::new();
    value(&root.value, 0, &mut made);
    made.push('\n');
    match text.contains("\r\n") {
        true => made.replace('\n', "\r\n"),
        false => made,
    }
}

fn value(value: &Value, depth: usize, made: &mut String) {
    let line = |depth: usize| format!("\n{}", "  ".repeat(depth));
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    match value {
        Value::List(items) if !items.is_empty() => {
            made.push('[');
            for (n, item) in items.iter().enumerate() {
                made.push_str(if n > 0 { "," } else { "" });
                made.push_str(&line(depth + 1));
                self::value(&item.value, depth + 1, made);
            }
            made.push_str(&line(depth));
            made.push(']');
        }
        Value::Map(entries) if !entries.is_empty() => {
            made.push('{');
            for (n, entry) in entries.iter().enumerate() {
                made.push_str(if n > 0 { "," } else { "" });
                made.push_str(&line(depth + 1));
                made.push_str(&quoted(&entry.key));
                made.push_str(": ");
                self::value(&entry.node.value, depth + 1, made);
            }
            made.push_str(&line(depth));
            made.push('}');
        }
        Value::List(_) => made.push_str("[]"),
        Value::Map(_) => made.push_str("{}"),
        Value::Text(text) => made.push_str(&quoted(text)),
        Value::Null | Value::Tagged(..) => made.push_str("null"),
        scalar => made.push_str(&scalar.scalar().unwrap_or_default()),
    }
}

/// Whether two files say the same, in the same order.
fn same(a: &Node, b: &Node) -> bool {
    match (&a.value, &b.value) {
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Map(a), Value::Map(b)) => {
            let both = || a.iter().zip(b);
            a.len() == b.len() && both().all(|(a, b)| a.key == b.key && same(&a.node, &b.node))
        }
        (Value::Tagged(a, inner), Value::Tagged(b, other)) => a == b && same(inner, other),
        (Value::Text(a), Value::Text(b)) => a == b,
        (Value::Null, Value::Null) => true,
        (a, b) => {
            std::mem::discriminant(a) == std::mem::discriminant(b) && a.scalar() == b.scalar()
        }
    }
}
