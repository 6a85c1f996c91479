//! `${NAME}` in compose files and `.env` files, with all of Compose's operators.

use super::tree::{Bit, Str};
use crate::config::budget::Budget;
use crate::config::doc::{Node, Value};
use crate::config::{codes, secrecy};
use crate::diag::{Before, Diagnostic, Diagnostics, MAX_USED, Place, Used, did_you_mean};
use std::collections::{BTreeMap, BTreeSet};

/// How deep operators may be nested.
const MAX_DEPTH: usize = 32;

/// The longest text that filling in may make.
const MAX_TEXT: usize = 1 << 20;

/// Variables by name.
#[derive(Clone, Debug, Default)]
pub(in crate::config) struct Vars(BTreeMap<String, (Str, Before)>);

impl Vars {
    /// The value of a variable.
    pub(in crate::config) fn get(&self, name: &str) -> Option<&Str> {
        self.0.get(name).map(|(value, _)| value)
    }

    /// Where a variable comes from, by its name.
    pub(in crate::config) fn origin(&self, name: &str) -> Option<(String, Before)> {
        let (_, before) = self.0.get(name)?;
        Some((name.to_owned(), before.clone()))
    }

    /// Sets a variable, which comes from `before`, also where it is set.
    pub(in crate::config) fn set(&mut self, name: &str, value: Str, before: Before) {
        let before = match (before, self.0.remove(name)) {
            (Before::File(place), Some((_, own))) => Before::File(place.over(own)),
            (before, _) => before,
        };
        self.0.insert(name.to_owned(), (value, before));
    }

    /// Hides the values of these, if one can be seen.
    pub(super) fn hide(&self, names: &BTreeSet<String>) -> Option<Self> {
        let open = |name: &&String| self.get(name).is_some_and(|value| *value != value.hidden());
        let open: Vec<_> = names.iter().filter(open).collect();
        let mut hidden = (!open.is_empty()).then(|| self.clone())?;
        for name in open {
            if let Some((value, _)) = hidden.0.get_mut(name) {
                *value = value.hidden();
            }
        }
        Some(hidden)
    }

    /// Takes over what is not set here.
    pub(super) fn fill_from(&mut self, other: &Self) {
        for (name, (value, before)) in &other.0 {
            match self.0.get_mut(name) {
                Some((_, Before::File(place))) => *place = place.clone().over(before.clone()),
                Some(_) => {}
                None => drop(self.0.insert(name.clone(), (value.clone(), before.clone()))),
            }
        }
    }

    /// All of them.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// A variable's value, hidden where its name or form says that it is secret.
pub(in crate::config) fn guarded(name: &str, value: Str) -> Str {
    match secrecy::is_secret_name(name) || secrecy::has_credentials(&value.line()) {
        true => value.hidden(),
        false => value,
    }
}

/// Names of variables in the value of `key`, as it is written, that make a secret.
pub(super) fn named(key: &str, text: &str, found: &mut BTreeSet<String>) {
    for part in secrecy::written(key, text) {
        found.extend(part.split('$').skip(1).filter_map(|rest| {
            let (name, _) = name(rest.strip_prefix('{').unwrap_or(rest));
            (!name.is_empty()).then(|| name.to_owned())
        }));
    }
}

/// Names of variables that stand in the place of a secret, in a file that is not filled in yet: `P` where
/// `DB_PASSWORD` is `${P}`.
pub(super) fn feeds(node: &Node, key: &str, found: &mut BTreeSet<String>) {
    match &node.value {
        Value::Text(text) => named(key, text, found),
        // Names of secrets are none.
        Value::List(_) if key == "secrets" => {}
        Value::List(items) => items.iter().for_each(|item| feeds(item, key, found)),
        Value::Map(entries) => {
            for entry in entries {
                feeds(&entry.node, &entry.key, found);
            }
        }
        Value::Tagged(_, inner) => feeds(inner, key, found),
        _ => {}
    }
}

/// How many variables that are not set are told of one file.
const MOST_UNSET: usize = 150;

/// Gives a variable's value; told whether that it has none is an oversight.
pub(super) type Lookup<'a> = dyn FnMut(&str, bool) -> Option<Str> + 'a;

/// What is wrong with a text, in words.
enum Fault {
    Syntax(&'static str),
    Required(String, String),
    Long,
}

/// Fills variables in.
pub(super) struct Filler<'a> {
    vars: &'a Vars,
    /// What was said already: one word for each variable is enough.
    unset: BTreeSet<String>,
    /// Variables of the text that was filled in last, with where they come from.
    pub(super) used: Used,
    /// Whether something could not be filled in.
    pub(super) failed: bool,
    budget: &'a mut Budget,
}

impl<'a> Filler<'a> {
    pub(super) fn new(vars: &'a Vars, budget: &'a mut Budget) -> Self {
        Self {
            vars,
            budget,
            unset: BTreeSet::new(),
            used: Used::new(),
            failed: false,
        }
    }

    /// The text with variables in place; problems go to `d`.
    pub(super) fn text(&mut self, text: &str, at: &Place, d: &mut Diagnostics) -> Str {
        if !text.contains('$') {
            return Str::plain(text);
        }
        let mut missing = Vec::new();
        let mut used = Used::new();
        let mut lookup = |name: &str, wanted: bool| {
            let value = self.vars.get(name).cloned();
            if used.len() < MAX_USED {
                used.extend(self.vars.origin(name));
            }
            if value.is_none() && wanted {
                missing.push(name.to_owned());
            }
            value
        };
        let filled = fill(text, &mut lookup, 0);
        self.used = used;
        for name in missing {
            // Nobody looks at more of them.
            if self.unset.len() < MOST_UNSET && self.unset.insert(name.clone()) {
                let known = self.vars.names();
                let summary = format!("the variable `{name}` is not set");
                let warning = Diagnostic::warning(codes::UNSET, Some(at.clone()), summary)
                    .label("nothing is put in its place");
                d.push(match did_you_mean(&name, known) {
                    Some(near) => warning.help(format!("did you mean `{near}`?")),
                    None => warning.help(format!(
                        "set it in the env file or in the site's `env`, or write `${{{name}:-}}`"
                    )),
                });
            }
        }
        match filled {
            Ok(text) if self.budget.text(text.len(), Some(at), d) => return text,
            Ok(_) => {}
            Err(fault) => d.push(error(fault, at)),
        }
        self.failed = true;
        Str::default()
    }
}

fn error(fault: Fault, at: &Place) -> Diagnostic {
    let at = Some(at.clone());
    match fault {
        Fault::Syntax(why) => {
            Diagnostic::error(codes::INTERPOLATION, at, "a `$` that names no variable")
                .label(why)
                .help("write `$$` for a dollar itself")
        }
        Fault::Required(name, why) => {
            let summary = format!("the variable `{name}` must be set");
            let error = Diagnostic::error(codes::UNSET_REQUIRED, at, summary);
            let error = if why.is_empty() {
                error
            } else {
                error.label(why)
            };
            error.help("set it in the env file, or in the site's `env`")
        }
        Fault::Long => {
            Diagnostic::error(codes::TOO_LARGE, at, "variables make this longer than 1 MB")
        }
    }
}

/// The text of a `.env` file's value with variables in place; those that are not set are empty.
pub(super) fn fill_env(
    text: &str,
    lookup: &mut Lookup<'_>,
    at: &Place,
) -> Result<Str, Box<Diagnostic>> {
    fill(text, lookup, 0).map_err(|fault| Box::new(error(fault, at)))
}

fn fill(text: &str, lookup: &mut Lookup<'_>, depth: usize) -> Result<Str, Fault> {
    if depth > MAX_DEPTH {
        return Err(Fault::Syntax("nested too deeply"));
    }
    let mut bits: Vec<Bit> = Vec::new();
    let (mut rest, mut length) = (text, 0);
    while let Some(at) = rest.find('$') {
        bits.push(Bit::Plain(rest.get(..at).unwrap_or_default().to_owned()));
        rest = rest.get(at + 1..).unwrap_or_default();
        if let Some(after) = rest.strip_prefix('$') {
            bits.push(Bit::Plain("$".to_owned()));
            rest = after;
            continue;
        }
        let value;
        if let Some(after) = rest.strip_prefix('{') {
            let end = closing(after).ok_or(Fault::Syntax("`}` is missing"))?;
            value = braced(after.get(..end).unwrap_or_default(), lookup, depth)?;
            rest = after.get(end + 1..).unwrap_or_default();
        } else {
            let (name, after) = name(rest);
            if name.is_empty() {
                // Before anything else a dollar is one.
                bits.push(Bit::Plain("$".to_owned()));
                continue;
            }
            value = lookup(name, true).unwrap_or_default();
            rest = after;
        }
        length += value.len();
        if length > MAX_TEXT {
            return Err(Fault::Long);
        }
        bits.extend(value.bits().iter().cloned());
    }
    bits.push(Bit::Plain(rest.to_owned()));
    Ok(bits.into_iter().collect())
}

/// A variable's name at the start, and what follows it.
fn name(text: &str) -> (&str, &str) {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let end = match starts {
        true => text
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(text.len()),
        false => 0,
    };
    text.split_at(end)
}

/// Where the brace that is open is closed.
fn closing(text: &str) -> Option<usize> {
    let mut open = 0usize;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '$' if chars.next_if(|(_, next)| *next == '{').is_some() => open += 1,
            '$' => drop(chars.next_if(|(_, next)| *next == '$')),
            '}' if open == 0 => return Some(at),
            '}' => open -= 1,
            _ => {}
        }
    }
    None
}

fn braced(inner: &str, lookup: &mut Lookup<'_>, depth: usize) -> Result<Str, Fault> {
    let (name, rest) = name(inner);
    if name.is_empty() {
        return Err(Fault::Syntax("`${` must be followed by a name"));
    }
    if rest.is_empty() {
        return Ok(lookup(name, true).unwrap_or_default());
    }
    let (strict, operator) = match rest.strip_prefix(':') {
        Some(operator) => (true, operator),
        None => (false, rest),
    };
    let mut chars = operator.chars();
    let (operator, word) = (chars.next(), chars.as_str());
    if !matches!(operator, Some('-' | '+' | '?')) {
        return Err(Fault::Syntax(
            "`-`, `+` or `?` must follow the name, or `:` and one of them",
        ));
    }
    // What asks whether it is set minds itself what happens where it is not.
    let found = lookup(name, false);
    let set = found.filter(|value| !(strict && value.is_empty()));
    match (operator, set) {
        (Some('-'), Some(value)) => Ok(value),
        (Some('-'), None) | (Some('+'), Some(_)) => fill(word, lookup, depth + 1),
        (Some('+'), None) => Ok(Str::default()),
        (_, Some(value)) => Ok(value),
        (_, None) => {
            let why = fill(word, lookup, depth + 1)?.shown();
            Err(Fault::Required(name.to_owned(), why))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Source;
    use std::sync::Arc;

    fn filled(text: &str) -> String {
        let mut vars = Vars::default();
        let mut set = |name, value| vars.set(name, value, Before::Own(String::new()));
        set("A", Str::plain("a"));
        set("EMPTY", Str::default());
        set("DB_PASSWORD", guarded("DB_PASSWORD", Str::plain("hunter2")));
        let source = Arc::new(Source::new("f", "f", text));
        let (place, mut d) = (Place::new(&source, 0..1), Diagnostics::new());
        let text = Filler::new(&vars, &mut Budget::default()).text(text, &place, &mut d);
        let said: Vec<_> = d
            .sorted()
            .iter()
            .map(|one| format!("{} {}", one.code, one.summary))
            .collect();
        format!("{}|{}", text.shown(), said.join(";"))
    }

    #[test]
    fn every_operator_is_the_specifications() {
        for (text, wanted) in [
            ("$A-${A}-$$A-$${A}", "a-a-$A-${A}|"),
            (
                "${EMPTY:-d}${EMPTY-d}${NO:-d}${NO-d}${A:-d}${A-d}",
                "dddaa|",
            ),
            (
                "${A:+r}${A+r}[${EMPTY:+r}${EMPTY+r}][${NO:+r}${NO+r}]",
                "rr[r][]|",
            ),
            ("${A:?e}${EMPTY?e}", "a|"),
            (
                "${EMPTY:?no value}",
                "|E0172 the variable `EMPTY` must be set",
            ),
            ("${NO:-${A:-x}-${NO:-y$$}}", "a-y$|"),
            ("${NO}${NO}", "|W0173 the variable `NO` is not set"),
            ("--pass ${DB_PASSWORD}!", "--pass ***!|"),
            ("%(protocol)s", "%(protocol)s|"),
            ("a $ b$", "a $ b$|"),
            ("${A", "|E0171 a `$` that names no variable"),
            ("${A!}", "|E0171 a `$` that names no variable"),
            ("${}", "|E0171 a `$` that names no variable"),
        ] {
            assert_eq!(filled(text), wanted, "{text}");
        }
        let deep = format!("{}x{}", "${NO:-".repeat(200), "}".repeat(200));
        assert!(filled(&deep).contains("E0171 "));
    }
}
