//! Reading a table of known keys: whatever is not asked for is an error with a suggestion.

use super::{Entry, Node, Value};
use crate::base::Span;
use crate::config::codes;
use crate::diag::{Before, Diagnostic, Diagnostics, Place, did_you_mean};
use std::{collections::BTreeMap, ops::RangeInclusive};

/// A value that knows where it was written; presets of coasti's own have no place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) struct Sp<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub at: Option<Place>,
}

impl<T> Sp<T> {
    /// `value`, which stands at `at`.
    pub(in crate::config) fn new(value: T, at: &Place) -> Self {
        Self {
            value,
            at: Some(at.clone()),
        }
    }

    /// What is said last, where it is said; else what was said before.
    pub(in crate::config) fn over(over: &Option<Self>, before: Option<Self>) -> Option<Self>
    where
        T: Clone,
    {
        let Some(mut over) = over.clone() else {
            return before;
        };
        if let Some(before) = before.and_then(|before| before.at) {
            over.at = over.at.map(|at| at.over(Before::File(before)));
        }
        Some(over)
    }

    /// `value`, which stands nowhere.
    pub(in crate::config) fn preset(value: T) -> Self {
        Self { value, at: None }
    }
}

/// How many unknown keys of one table are told.
const MOST_UNKNOWN: usize = 150;

/// A table that is read key by key. Keys may be written with `-` or `_`.
pub(in crate::config) struct Table<'a> {
    what: &'a str,
    entries: &'a [Entry],
    known: Vec<&'static str>,
    /// Where it stands.
    pub at: Place,
}

/// An error that says what was wanted in place of what stands there.
pub(in crate::config) fn wrong_type(what: &str, wanted: &str, node: &Node) -> Diagnostic {
    Diagnostic::error(
        codes::WRONG_TYPE,
        Some(node.at.clone()),
        format!("{what} must be {wanted}"),
    )
    .label(format!("this is {}", node.value.kind()))
}

fn same(a: &str, b: &str) -> bool {
    a.len() == b.len()
        && a.bytes()
            .zip(b.bytes())
            .all(|(a, b)| a == b || (matches!(a, b'-' | b'_') && matches!(b, b'-' | b'_')))
}

#[cfg(test)]
impl Drop for Table<'_> {
    fn drop(&mut self) {
        super::asked::add(self.what, &self.known);
    }
}

impl<'a> Table<'a> {
    /// Starts to read `node`, called `what` in messages; nothing there is an empty table.
    pub(in crate::config) fn of(
        node: &'a Node,
        what: &'a str,
        d: &mut Diagnostics,
    ) -> Option<Self> {
        let entries = match &node.value {
            Value::Map(entries) => entries.as_slice(),
            Value::Null => &[],
            _ => {
                let what = if what.is_empty() { "the file" } else { what };
                d.push(wrong_type(what, "a table", node));
                return None;
            }
        };
        Some(Self {
            what,
            entries,
            known: Vec::new(),
            at: node.at.clone(),
        })
    }

    /// Whether nothing stands in it.
    pub(in crate::config) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry of `key`, where something stands there.
    pub(in crate::config) fn entry(
        &mut self,
        key: &'static str,
        d: &mut Diagnostics,
    ) -> Option<&'a Entry> {
        self.known.push(key);
        let mut found = self.entries.iter().filter(|entry| same(&entry.key, key));
        let first = found.next()?;
        if let Some(second) = found.next() {
            d.push(
                Diagnostic::error(
                    codes::DUPLICATE_KEY,
                    Some(second.key_at.clone()),
                    format!("`{key}` stands twice, with `-` and with `_`"),
                )
                .related(first.key_at.clone(), "the first"),
            );
        }
        (!first.node.is_null()).then_some(first)
    }

    /// The value of `key`.
    pub(in crate::config) fn take(
        &mut self,
        key: &'static str,
        d: &mut Diagnostics,
    ) -> Option<&'a Node> {
        self.entry(key, d).map(|entry| &entry.node)
    }

    /// The value of the first of `keys` that is there: names of one thing.
    pub(in crate::config) fn any(
        &mut self,
        keys: &[&'static str],
        d: &mut Diagnostics,
    ) -> Option<&'a Node> {
        let found: Vec<_> = keys.iter().filter_map(|key| self.entry(key, d)).collect();
        if let [first, second, ..] = found.as_slice() {
            d.push(
                Diagnostic::error(
                    codes::DUPLICATE_KEY,
                    Some(second.key_at.clone()),
                    format!(
                        "`{}` and `{}` are names of one thing",
                        first.key, second.key
                    ),
                )
                .related(first.key_at.clone(), "the first"),
            );
        }
        found.first().map(|entry| &entry.node)
    }

    fn name(&self, key: &str) -> String {
        if self.what.is_empty() {
            format!("`{key}`")
        } else {
            format!("`{key}` of {}", self.what)
        }
    }

    /// Text; a number serves as it was written.
    pub(in crate::config) fn text(
        &mut self,
        key: &'static str,
        d: &mut Diagnostics,
    ) -> Option<Sp<String>> {
        let node = self.take(key, d)?;
        self.as_text(key, node, d)
    }

    /// Likewise of the first of several names.
    pub(in crate::config) fn any_text(
        &mut self,
        keys: &[&'static str],
        d: &mut Diagnostics,
    ) -> Option<Sp<String>> {
        let node = self.any(keys, d)?;
        self.as_text(keys.first().copied().unwrap_or_default(), node, d)
    }

    fn as_text(&self, key: &str, node: &Node, d: &mut Diagnostics) -> Option<Sp<String>> {
        match &node.value {
            Value::Text(_) | Value::Int(..) | Value::Float(_) | Value::Date(_) => {
                Some(Sp::new(node.value.scalar()?, &node.at))
            }
            _ => {
                d.push(wrong_type(&self.name(key), "text", node));
                None
            }
        }
    }

    /// Text that must be there.
    pub(in crate::config) fn need_text(
        &mut self,
        key: &'static str,
        d: &mut Diagnostics,
    ) -> Option<Sp<String>> {
        let there = self.entry(key, d).is_some();
        self.known.pop();
        if !there {
            self.missing(key, d);
        }
        self.text(key, d)
    }

    /// Says that `key` is missing.
    pub(in crate::config) fn missing(&self, key: &str, d: &mut Diagnostics) {
        let of = if self.what.is_empty() {
            "the file"
        } else {
            self.what
        };
        d.push(Diagnostic::error(
            codes::MISSING,
            Some(self.at.clone()),
            format!("{of} has no `{key}`"),
        ));
    }

    /// `true` or `false`, also in quotes, as nua's files have it.
    pub(in crate::config) fn flag(
        &mut self,
        key: &'static str,
        d: &mut Diagnostics,
    ) -> Option<Sp<bool>> {
        let node = self.take(key, d)?;
        let flag = match &node.value {
            Value::Bool(flag) => Some(*flag),
            Value::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Value::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        };
        if flag.is_none() {
            d.push(wrong_type(&self.name(key), "`true` or `false`", node));
        }
        flag.map(|flag| Sp::new(flag, &node.at))
    }

    /// A whole number in `range`, also in quotes.
    pub(in crate::config) fn int(
        &mut self,
        key: &'static str,
        range: RangeInclusive<i64>,
        d: &mut Diagnostics,
    ) -> Option<Sp<i64>> {
        let node = self.take(key, d)?;
        match node.value.whole() {
            Some(int) if range.contains(&int) => Some(Sp::new(int, &node.at)),
            Some(_) => {
                let (from, to) = (range.start(), range.end());
                let wanted = match (*from, *to) {
                    (from, i64::MAX) => format!("at least {from}"),
                    (from, to) => format!("between {from} and {to}"),
                };
                d.push(
                    Diagnostic::error(
                        codes::BAD_VALUE,
                        Some(node.at.clone()),
                        format!("{} must be {wanted}", self.name(key)),
                    )
                    .label("out of range"),
                );
                None
            }
            None => {
                d.push(wrong_type(&self.name(key), "a whole number", node));
                None
            }
        }
    }

    /// A duration: seconds, or like `5s`.
    pub(in crate::config) fn span(
        &mut self,
        key: &'static str,
        d: &mut Diagnostics,
    ) -> Option<Sp<Span>> {
        let mut text = self.text(key, d)?;
        if let Some(whole) = self.peek(key).and_then(|node| node.value.whole()) {
            text.value = whole.to_string();
        }
        match text.value.parse() {
            Ok(span) => Some(Sp {
                value: span,
                at: text.at,
            }),
            Err(why) => {
                d.push(
                    Diagnostic::error(
                        codes::BAD_VALUE,
                        text.at,
                        format!("{} is no duration", self.name(key)),
                    )
                    .help(why),
                );
                None
            }
        }
    }

    /// A list; one value where a list may stand is a list of it.
    pub(in crate::config) fn list(&mut self, key: &'static str, d: &mut Diagnostics) -> &'a [Node] {
        match self.take(key, d) {
            None => &[],
            Some(node) => match &node.value {
                Value::List(items) => items,
                _ => std::slice::from_ref(node),
            },
        }
    }

    /// A list of texts, or one text.
    pub(in crate::config) fn texts(
        &mut self,
        key: &'static str,
        d: &mut Diagnostics,
    ) -> Vec<Sp<String>> {
        let name = self.name(key);
        let mut texts = Vec::new();
        for node in self.list(key, d) {
            match node.value.scalar() {
                Some(text) => texts.push(Sp::new(text, &node.at)),
                None => d.push(wrong_type(&format!("an entry of {name}"), "text", node)),
            }
        }
        texts
    }

    /// Takes keys that are accepted and mean nothing to coasti.
    pub(in crate::config) fn accept(&mut self, keys: &[&'static str]) {
        self.known.extend_from_slice(keys);
    }

    /// The value of `key`, which is not taken by that.
    pub(in crate::config) fn peek(&self, key: &str) -> Option<&'a Node> {
        let mut entries = self.entries.iter();
        let found = entries.find(|entry| same(&entry.key, key));
        found.map(|entry| &entry.node)
    }

    /// Where the value of each key stands.
    pub(in crate::config) fn places(&self) -> BTreeMap<String, Place> {
        let entries = self.entries.iter();
        let place = |entry: &Entry| (entry.key.replace('_', "-"), entry.key_at.clone());
        entries.map(place).collect()
    }

    /// The entries that nobody asked for, each with the keys that are known.
    pub(in crate::config) fn unknown(&self) -> impl Iterator<Item = (&'a Entry, &[&'static str])> {
        let known = self.known.as_slice();
        let is_known = move |entry: &&Entry| known.iter().any(|key| same(key, &entry.key));
        let unknown = self.entries.iter().filter(move |entry| !is_known(entry));
        unknown.map(move |entry| (entry, known))
    }

    /// Says which keys nobody asked for.
    pub(in crate::config) fn finish(self, d: &mut Diagnostics) {
        // More of them than anybody looks at are not worth the time that suggestions take.
        for (entry, known) in self.unknown().take(MOST_UNKNOWN) {
            let of = if self.what.is_empty() {
                String::new()
            } else {
                format!(" in {}", self.what)
            };
            let mut error = Diagnostic::error(
                codes::UNKNOWN_KEY,
                Some(entry.key_at.clone()),
                format!("unknown key `{}`{of}", entry.key),
            )
            .label("not known here");
            let near = did_you_mean(&entry.key, known.iter().copied());
            if let Some(near) = near {
                error = error.help(format!("did you mean `{near}`?"));
            }
            d.push(error);
        }
    }
}
