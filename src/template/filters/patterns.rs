//! Filters with regular expressions, as Ansible has them.

use super::{python_re, wrong};
use fancy_regex::{Captures, Regex, RegexBuilder};
use minijinja::value::{Kwargs, Rest, Tuple, Value};
use minijinja::{Environment, Error};

/// How large a compiled expression may become, in bytes.
const LARGEST: usize = 1 << 20;

/// How often one that looks around or back may go back in one search.
const MOST_BACK: usize = 100_000;

pub(super) fn add(env: &mut Environment<'static>) {
    env.add_filter("regex_escape", |of: String, kind: Option<String>| {
        if kind.is_some_and(|kind| kind != "python") {
            return Err(wrong("`regex_escape`: of its types, coasti has `python`"));
        }
        Ok(escaped(&of))
    });
    env.add_filter(
        "regex_findall",
        |of: Value, pattern: String, options: Kwargs| {
            let text = of.to_string();
            let pattern = compiled(&pattern, &options, &text)?;
            let mut made = Vec::new();
            pattern.each(&text, |found| made.push(all(found)))?;
            Ok::<_, Error>(made)
        },
    );
    env.add_filter(
        "regex_replace",
        |of: Value, pattern: String, by: Option<String>, options: Kwargs| {
            let text = of.to_string();
            let pattern = compiled(&pattern, &options, &text)?;
            let by = parts(&by.unwrap_or_default(), &pattern.once)?;
            let mut made = String::new();
            let mut end = 0;
            pattern.each(&text, |found| {
                let Some(whole) = found.get(0) else { return };
                made.push_str(text.get(end..whole.start()).unwrap_or_default());
                made.push_str(&filled(&by, found));
                end = whole.end();
            })?;
            made.push_str(text.get(end..).unwrap_or_default());
            Ok::<_, Error>(made)
        },
    );
    env.add_filter(
        "regex_search",
        |of: Value, pattern: String, groups: Rest<String>, options: Kwargs| {
            let text = of.to_string();
            let pattern = compiled(&pattern, &options, &text)?;
            let Some(found) = pattern.once.captures(text.as_str()).map_err(lost)? else {
                return Ok(Value::from(()));
            };
            if groups.is_empty() {
                return Ok(Value::from(group(&found, 0)));
            }
            let wanted = groups
                .iter()
                .map(|name| match parts(name, &pattern.once)?.as_slice() {
                    [Part::Group(number)] => Ok(match found.get(*number) {
                        Some(one) => Value::from(one.as_str()),
                        None => Value::from(()),
                    }),
                    _ => Err(wrong(r"`regex_search` wants groups: `\1`, `\g<NAME>`")),
                });
            Ok(Value::from(wanted.collect::<Result<Vec<_>, Error>>()?))
        },
    );
}

struct Pattern {
    once: Regex,
    /// To be compiled anew.
    written: String,
    ignore: bool,
    multi: bool,
}

impl Pattern {
    /// All matches as Python finds them: an empty one may stand right behind another, and one that is not empty may
    /// start where an empty one was.
    fn each(&self, text: &str, mut take: impl FnMut(&Captures<'_, str>)) -> Result<(), Error> {
        let mut longer = None;
        let (mut at, mut empty) = (0, false);
        loop {
            let pattern = match (empty, &longer) {
                (false, _) => &self.once,
                (true, Some(longer)) => longer,
                // Not empty where the search begins.
                (true, None) => {
                    let written = format!(r"(?:{})(?!\G)", self.written);
                    longer.insert(built(&written, self.ignore, self.multi)?)
                }
            };
            let found = pattern.captures_from_pos(text, at).map_err(lost)?;
            let Some((whole, found)) = found.and_then(|found| Some((found.get(0)?.range(), found)))
            else {
                return Ok(());
            };
            take(&found);
            (at, empty) = (whole.end, whole.is_empty());
        }
    }
}

fn built(written: &str, ignore: bool, multi: bool) -> Result<Regex, Error> {
    let mut builder = RegexBuilder::new(written);
    builder
        .case_insensitive(ignore)
        .multi_line(multi)
        .backtrack_limit(MOST_BACK)
        .delegate_size_limit(LARGEST);
    builder.build().map_err(unlike)
}

fn unlike(why: impl std::fmt::Display) -> Error {
    wrong(format!("the regular expression is wrong: {why}"))
}

fn compiled(pattern: &str, options: &Kwargs, text: &str) -> Result<Pattern, Error> {
    let ignore = options.get::<Option<bool>>("ignorecase")?.unwrap_or(false);
    let multi = options.get::<Option<bool>>("multiline")?.unwrap_or(false);
    options.assert_all_used()?;
    let written = python_re::translated(pattern, multi, text).map_err(unlike)?;
    Ok(Pattern {
        once: built(&written, ignore, multi)?,
        written,
        ignore,
        multi,
    })
}

fn lost(_: fancy_regex::Error) -> Error {
    wrong("the regular expression goes back and forth too often")
}

fn group(found: &Captures<'_, str>, number: usize) -> String {
    found
        .get(number)
        .map(|one| one.as_str().to_owned())
        .unwrap_or_default()
}

/// What Python's `findall` gives: the whole, the one group, or a tuple of groups.
fn all(found: &Captures<'_, str>) -> Value {
    match found.len() {
        1 => Value::from(group(found, 0)),
        2 => Value::from(group(found, 1)),
        count => {
            let groups = (1..count).map(|number| Value::from(group(found, number)));
            Value::from(Tuple::from(groups.collect::<Vec<_>>()))
        }
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if "()[]{}?*+-|^$\\.&~# \t\n\r\u{b}\u{c}".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// What a match becomes.
enum Part {
    Text(String),
    Group(usize),
}

/// A replacement as Python writes it: `\1`, `\g<1>`, `\g<NAME>`, `\n`.
fn parts(text: &str, pattern: &Regex) -> Result<Vec<Part>, Error> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (name, left) = match after.strip_prefix("g<").and_then(|it| it.split_once('>')) {
            Some((name, left)) => (name, left),
            None if digits > 0 => after.split_at(digits.min(2)),
            None => {
                let mut chars = after.chars();
                match chars.next() {
                    Some('n') => plain.push('\n'),
                    Some('t') => plain.push('\t'),
                    Some('r') => plain.push('\r'),
                    Some('\\') | None => plain.push('\\'),
                    Some(c) if c.is_ascii_alphabetic() => {
                        return Err(wrong(format!(r"a replacement cannot have `\{c}`")));
                    }
                    Some(c) => plain.extend(['\\', c]),
                }
                rest = chars.as_str();
                continue;
            }
        };
        let number = match name.parse::<usize>() {
            Ok(number) => Some(number).filter(|number| *number < pattern.captures_len()),
            Err(_) => pattern.capture_names().position(|one| one == Some(name)),
        };
        let number =
            number.ok_or_else(|| wrong(format!("the expression has no group `{name}`")))?;
        parts.push(Part::Text(std::mem::take(&mut plain)));
        parts.push(Part::Group(number));
        rest = left;
    }
    plain.push_str(rest);
    parts.push(Part::Text(plain));
    parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
    Ok(parts)
}

fn filled(parts: &[Part], found: &Captures<'_, str>) -> String {
    let parts = parts.iter().map(|part| match part {
        Part::Text(text) => text.clone(),
        Part::Group(number) => group(found, *number),
    });
    parts.collect()
}
