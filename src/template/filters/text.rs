//! Filters on text, as Jinja and Ansible have them.

use super::wrong;
use minijinja::value::{Kwargs, Rest, Tuple, Value, ValueKind};
use minijinja::{Environment, Error};
use std::fmt::Write as _;

/// No filter fills a text up to more than this.
pub(super) const WIDEST: usize = 1 << 20;

/// No text is broken into lines that come to more than this, in bytes.
const LARGEST: usize = 256 << 20;

pub(super) fn add(env: &mut Environment<'static>) {
    env.add_filter("center", |of: String, width: Option<usize>| {
        centered(&of, width.unwrap_or(80), ' ')
    });
    env.add_filter("filesizeformat", size);
    env.add_filter("indent", indented);
    env.add_filter("quote", |of: String| quoted(&of));
    env.add_filter("splitext", |of: String| {
        let (stem, end) = parted(&of);
        Value::from(Tuple::from(vec![Value::from(stem), Value::from(end)]))
    });
    env.add_filter("striptags", minijinja_contrib::filters::striptags);
    env.add_filter("truncate", truncated);
    env.add_filter("urlencode", encoded);
    env.add_filter("wordcount", |of: String| {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let words = of.split(|c| !word(c));
        words.filter(|word| !word.is_empty()).count()
    });
    env.add_filter("wordwrap", wrapped);
    env.add_filter(
        "replace",
        |of: Value, from: Value, to: Value, count: Option<usize>| {
            let (of, from, to) = (of.to_string(), from.to_string(), to.to_string());
            match count {
                Some(count) => of.replacen(&from, &to, count),
                None => of.replace(&from, &to),
            }
        },
    );
}

/// In the middle of spaces, as Python puts it.
pub(in super::super) fn centered(text: &str, width: usize, fill: char) -> Result<String, Error> {
    let missing = missing(text, width)?;
    let left = missing / 2 + (missing & width & 1);
    let pad = |count| fill.to_string().repeat(count);
    Ok(format!("{}{text}{}", pad(left), pad(missing - left)))
}

/// How many characters a text lacks of a width.
pub(in super::super) fn missing(text: &str, width: usize) -> Result<usize, Error> {
    match width > WIDEST {
        true => Err(wrong("that is too wide")),
        false => Ok(width.saturating_sub(text.chars().count())),
    }
}

/// One word for a shell, whatever is in it: bare where that does, as Python's `shlex.quote` has it.
fn quoted(text: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    match !text.is_empty() && text.chars().all(bare) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\"'\"'")),
    }
}

/// Each line but the first behind spaces, or a text; empty ones only where that is asked for.
fn indented(of: Value, args: Rest<Value>, options: Kwargs) -> Result<String, Error> {
    let width = argument(&args, 0, &options, "width")?;
    let flag = |at: usize, name: &str| {
        let flag = argument(&args, at, &options, name)?;
        Ok::<_, Error>(flag.is_some_and(|flag| flag.is_true()))
    };
    let (first, blank) = (flag(1, "first")?, flag(2, "blank")?);
    options.assert_all_used()?;
    let lead = match width.as_ref().and_then(Value::as_str) {
        Some(lead) => lead.to_owned(),
        None => " ".repeat(missing("", number(width, 4)?)?),
    };
    let text = of.to_string();
    if lead.len().saturating_mul(text.len()) > LARGEST {
        return Err(wrong("that becomes too long"));
    }
    let lines = text.split('\n').enumerate().map(|(number, line)| {
        let bare = match number {
            0 => !first,
            _ => line.is_empty() && !blank,
        };
        if bare {
            line.to_owned()
        } else {
            format!("{lead}{line}")
        }
    });
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

/// A path without the end of its name, and that.
fn parted(path: &str) -> (&str, &str) {
    let name = path.rfind('/').map_or(0, |at| at + 1);
    let bare = path.get(name..).unwrap_or_default();
    let dots = bare.len() - bare.trim_start_matches('.').len();
    match bare.rfind('.').filter(|at| *at >= dots) {
        Some(at) => path.split_at(name + at),
        None => (path, ""),
    }
}

#[allow(clippy::cast_precision_loss, reason = "it is shown with one digit")]
fn size(of: Value, binary: Option<bool>, options: Kwargs) -> Result<String, Error> {
    let binary = binary.or(options.get::<Option<bool>>("binary")?);
    options.assert_all_used()?;
    let bytes: f64 = match of.as_str() {
        Some(text) => text
            .trim()
            .parse()
            .map_err(|_| wrong("it is no number of bytes"))?,
        None => f64::try_from(of)?,
    };
    let (base, units) = match binary.unwrap_or(false) {
        true => (
            1024.0,
            ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"],
        ),
        false => (1000.0, ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"]),
    };
    if bytes == 1.0 {
        return Ok("1 Byte".to_owned());
    }
    if bytes < base {
        return Ok(format!("{} Bytes", bytes.trunc()));
    }
    let (mut value, mut shown) = (bytes, "");
    for unit in units {
        value /= base;
        shown = unit;
        if value < base {
            break;
        }
    }
    Ok(format!("{value:.1} {shown}"))
}

/// An argument by its place, else by its name.
pub(super) fn argument(
    args: &[Value],
    at: usize,
    options: &Kwargs,
    name: &str,
) -> Result<Option<Value>, Error> {
    let value = match args.get(at) {
        Some(value) => Some(value.clone()),
        None => options.get::<Option<Value>>(name)?,
    };
    Ok(value.filter(|value| !value.is_none()))
}

fn number(value: Option<Value>, usual: usize) -> Result<usize, Error> {
    value.map_or(Ok(usual), usize::try_from)
}

fn truncated(of: Value, args: Rest<Value>, options: Kwargs) -> Result<String, Error> {
    let length = number(argument(&args, 0, &options, "length")?, 255)?;
    let cut = argument(&args, 1, &options, "killwords")?.is_some_and(|flag| flag.is_true());
    let end = argument(&args, 2, &options, "end")?;
    let end = end.map_or_else(|| "...".to_owned(), |end| end.to_string());
    let leeway = number(argument(&args, 3, &options, "leeway")?, 5)?;
    options.assert_all_used()?;
    let text = match of.is_undefined() || of.is_none() {
        true => String::new(),
        false => of.to_string(),
    };
    let Some(room) = length.checked_sub(end.chars().count()) else {
        return Err(wrong(format!(
            "`truncate` to {length} has no room for its end"
        )));
    };
    if text.chars().count() <= length.saturating_add(leeway) {
        return Ok(text);
    }
    let start: String = text.chars().take(room).collect();
    let start = match start.rsplit_once(' ').filter(|_| !cut) {
        Some((words, _)) => words,
        None => &start,
    };
    Ok(format!("{start}{end}"))
}

/// A text for an URL's path; pairs for its query.
fn encoded(of: Value) -> Result<String, Error> {
    let value = |value: &Value| percent(&value.to_string(), "").replace("%20", "+");
    let pairs: Vec<(Value, Value)> = match of.kind() {
        ValueKind::Map => of
            .try_iter()?
            .map(|key| Ok((key.clone(), of.get_item(&key)?)))
            .collect::<Result<_, Error>>()?,
        ValueKind::Seq | ValueKind::Iterable => of
            .try_iter()?
            .map(|pair| {
                let at = |at: usize| pair.get_item(&Value::from(at));
                Ok((at(0)?, at(1)?))
            })
            .collect::<Result<_, Error>>()?,
        _ => return Ok(percent(&of.to_string(), "/")),
    };
    let pairs = pairs
        .iter()
        .map(|(name, of)| format!("{}={}", value(name), value(of)));
    Ok(pairs.collect::<Vec<_>>().join("&"))
}

fn percent(text: &str, safe: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        let c = char::from(byte);
        match c.is_ascii_alphanumeric() || "_.-~".contains(c) || safe.contains(c) {
            true => encoded.push(c),
            false => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

fn wrapped(of: String, args: Rest<Value>, options: Kwargs) -> Result<String, Error> {
    let width = number(argument(&args, 0, &options, "width")?, 79)?.max(1);
    let long = argument(&args, 1, &options, "break_long_words")?.is_none_or(|flag| flag.is_true());
    let end = argument(&args, 2, &options, "wrapstring")?;
    let end = end.map_or_else(|| "\n".to_owned(), |end| end.to_string());
    // There is one end for each line that is made.
    if end.len().saturating_mul(of.len()) > LARGEST {
        return Err(wrong("that becomes too long"));
    }
    let hyphens =
        argument(&args, 3, &options, "break_on_hyphens")?.is_none_or(|flag| flag.is_true());
    options.assert_all_used()?;
    let lines = of.lines().map(|line| {
        let lines = lines(line, width, long, hyphens);
        lines.join(&end)
    });
    Ok(lines.collect::<Vec<_>>().join(&end))
}

/// Pieces of a line that stay together: words, up to their hyphens, and the space between them.
fn pieces(line: &str, hyphens: bool) -> Vec<Vec<char>> {
    let mut pieces: Vec<Vec<char>> = Vec::new();
    let chars: Vec<char> = line.chars().collect();
    for (at, c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| chars.get(at));
        let letter = |at: usize| chars.get(at).is_some_and(|c| c.is_alphabetic());
        let after_hyphen =
            hyphens && before == Some(&'-') && letter(at) && at.checked_sub(2).is_some_and(letter);
        let other = before.is_none_or(|before| before.is_whitespace() != c.is_whitespace());
        match pieces.last_mut().filter(|_| !other && !after_hyphen) {
            Some(piece) => piece.push(*c),
            None => pieces.push(vec![*c]),
        }
    }
    pieces
}

/// A line in lines of that width, as Python's `textwrap` has them.
fn lines(line: &str, width: usize, long: bool, hyphens: bool) -> Vec<String> {
    let is_space = |piece: &Vec<char>| piece.iter().all(|c| c.is_whitespace());
    let mut left: std::collections::VecDeque<Vec<char>> = pieces(line, hyphens).into();
    let mut lines: Vec<String> = Vec::new();
    while !left.is_empty() {
        if !lines.is_empty() && left.front().is_some_and(is_space) {
            left.pop_front();
        }
        let mut taken: Vec<Vec<char>> = Vec::new();
        let mut length = 0;
        while let Some(piece) = left.front().filter(|piece| length + piece.len() <= width) {
            length += piece.len();
            taken.extend(left.pop_front());
        }
        if let Some(piece) = left.front_mut().filter(|piece| piece.len() > width) {
            if long {
                let rest = piece.split_off(width - length);
                taken.push(std::mem::replace(piece, rest));
            } else if taken.is_empty() {
                taken.extend(left.pop_front());
            }
        }
        if taken.last().is_some_and(is_space) {
            taken.pop();
        }
        if !taken.is_empty() {
            lines.push(taken.into_iter().flatten().collect());
        }
    }
    lines
}
