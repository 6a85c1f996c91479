//! A compose file as a tree, variables filled in. Texts know which of their parts are secret, so that
//! a password in a command is kept out of plans and labels as one in a variable is.

use super::interpolate::Filler;
use super::numbers;
use crate::base::ValueId;
use crate::config::codes;
use crate::config::doc::{Node, Value};
use crate::diag::{Diagnostic, Diagnostics, MAX_USED, Place, Used, did_you_mean};
use crate::model::HELD;

/// A part of a [`Str`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) enum Bit {
    /// May be shown.
    Plain(String),
    /// What a variable holds that must not be shown.
    Secret(String),
    /// A value that is kept apart: generated, or a secret's.
    Value(ValueId),
}

/// A text of parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::config) struct Str(Vec<Bit>);

impl Str {
    /// Text that may be shown.
    pub(in crate::config) fn plain(text: impl Into<String>) -> Self {
        [Bit::Plain(text.into())].into_iter().collect()
    }

    /// Its parts.
    pub(in crate::config) fn bits(&self) -> &[Bit] {
        &self.0
    }

    /// The whole text where all of it may be shown.
    pub(in crate::config) fn as_plain(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Bit::Plain(text)] => Some(text),
            _ => None,
        }
    }

    /// The whole text, secrets in it; none where a part is not known yet.
    pub(in crate::config) fn open(&self) -> Option<String> {
        let part = |bit: &Bit| match bit {
            Bit::Plain(text) | Bit::Secret(text) => Some(text.clone()),
            Bit::Value(_) => None,
        };
        self.0.iter().map(part).collect()
    }

    /// The same, none of it to be shown.
    pub(in crate::config) fn hidden(&self) -> Self {
        let hide = |bit: &Bit| match bit {
            Bit::Plain(text) => Bit::Secret(text.clone()),
            other => other.clone(),
        };
        self.0.iter().map(hide).collect()
    }

    /// The text, what must not be shown one character that nobody writes.
    pub(in crate::config) fn line(&self) -> String {
        let part = |bit: &Bit| match bit {
            Bit::Plain(text) => text.clone(),
            Bit::Secret(_) | Bit::Value(_) => HELD.to_string(),
        };
        self.0.iter().map(part).collect()
    }

    /// For messages.
    pub(in crate::config) fn shown(&self) -> String {
        let part = |bit: &Bit| match bit {
            Bit::Plain(text) => text.clone(),
            Bit::Secret(_) | Bit::Value(_) => "***".to_owned(),
        };
        self.0.iter().map(part).collect()
    }

    /// Whether there is nothing in it.
    pub(in crate::config) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many bytes of text it has.
    pub(in crate::config) fn len(&self) -> usize {
        let len = |bit: &Bit| match bit {
            Bit::Plain(text) | Bit::Secret(text) => text.len(),
            Bit::Value(id) => id.as_str().len(),
        };
        self.0.iter().map(len).sum()
    }
}

/// Joins plain neighbours, so that equal texts are equal values.
impl FromIterator<Bit> for Str {
    fn from_iter<I: IntoIterator<Item = Bit>>(bits: I) -> Self {
        let mut joined: Vec<Bit> = Vec::new();
        for bit in bits {
            match (joined.last_mut(), bit) {
                (_, Bit::Plain(text)) if text.is_empty() => {}
                (Some(Bit::Plain(before)), Bit::Plain(text)) => before.push_str(&text),
                (_, bit) => joined.push(bit),
            }
        }
        Self(joined)
    }
}

/// A value and its place.
#[derive(Clone, Debug)]
pub(in crate::config) struct Item {
    /// What stands there.
    pub value: Val,
    /// Where.
    pub at: Place,
}

/// What stands in a compose file.
#[derive(Clone, Debug)]
pub(in crate::config) enum Val {
    /// Nothing.
    Null,
    /// Text, a number, `true` or `false`, as it was written.
    Text(Str),
    /// A list.
    List(Vec<Item>),
    /// A table, in the file's order.
    Map(Vec<Field>),
    /// `!reset`: what an earlier file said is as if it had not.
    Reset,
    /// `!override`: takes the place of what an earlier file said.
    Override(Box<Item>),
}

/// A key and its value.
#[derive(Clone, Debug)]
pub(in crate::config) struct Field {
    /// The key.
    pub key: String,
    /// Its place.
    pub key_at: Place,
    /// The value.
    pub item: Item,
}

impl Field {
    /// Where it stands, with what its value came of.
    pub(super) fn origin(&self) -> Place {
        let mut used = Used::new();
        self.item.used(&mut used);
        let at = self.key_at.clone();
        let at = match self.item.at.history().and_then(|h| h.over.clone()) {
            Some(before) => at.over(before),
            None => at,
        };
        at.using(used)
    }
}

impl Item {
    /// Takes over a node, variables filled in.
    pub(super) fn of(node: &Node, fill: &mut Filler<'_>, d: &mut Diagnostics) -> Self {
        let mut at = node.at.clone();
        let value = match &node.value {
            Value::Null => Val::Null,
            Value::Text(text) if text.contains('\0') => {
                let summary = "a text with a zero byte in it";
                let place = Some(node.at.clone());
                d.push(Diagnostic::error(codes::BAD_VALUE, place, summary));
                Val::Null
            }
            Value::Text(text) => {
                let filled = fill.text(text, &node.at, d);
                at = at.using(std::mem::take(&mut fill.used));
                Val::Text(filled)
            }
            Value::List(items) => {
                Val::List(items.iter().map(|item| Self::of(item, fill, d)).collect())
            }
            Value::Map(entries) => {
                let each = entries.iter().map(|entry| {
                    let item = Self::of(&entry.node, fill, d);
                    // Rights are written in octal.
                    if entry.key != "mode" {
                        other_number(&entry.node, &item, d);
                    }
                    Field {
                        key: entry.key.clone(),
                        key_at: entry.key_at.clone(),
                        item,
                    }
                });
                Val::Map(each.collect())
            }
            Value::Tagged(tag, _) if tag == "reset" => Val::Reset,
            Value::Tagged(_, inner) => Val::Override(Box::new(Self::of(inner, fill, d))),
            Value::Int(_, raw) | Value::Float(raw) => {
                Val::Text(Str::plain(numbers::canonical(raw)))
            }
            scalar => Val::Text(Str::plain(scalar.scalar().unwrap_or_default())),
        };
        Self { value, at }
    }

    /// What was filled in, in it and in all that is in it.
    fn used(&self, used: &mut Used) {
        if used.len() >= MAX_USED {
            return;
        }
        if let Some(history) = self.at.history() {
            used.extend(history.used.clone());
        }
        match &self.value {
            Val::Null | Val::Text(_) | Val::Reset => {}
            Val::List(items) => items.iter().for_each(|item| item.used(used)),
            Val::Map(fields) => fields.iter().for_each(|field| field.item.used(used)),
            Val::Override(inner) => inner.used(used),
        }
    }

    /// The text, where it is one.
    pub(in crate::config) fn as_str(&self) -> Option<&Str> {
        match &self.value {
            Val::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether nothing stands there.
    pub(in crate::config) fn is_null(&self) -> bool {
        matches!(self.value, Val::Null | Val::Reset)
    }

    /// The entries of a table; of anything else none.
    pub(in crate::config) fn fields(&self) -> &[Field] {
        match &self.value {
            Val::Map(fields) => fields,
            _ => &[],
        }
    }

    /// The value of `key` of a table, where something stands there.
    pub(in crate::config) fn get(&self, key: &str) -> Option<&Self> {
        let found = self.fields().iter().find(|field| field.key == key);
        found
            .map(|field| &field.item)
            .filter(|item| !item.is_null())
    }

    /// The items of a list; a single value is a list of it.
    pub(in crate::config) fn items(&self) -> &[Self] {
        match &self.value {
            Val::Null | Val::Reset => &[],
            Val::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    /// Whether it says the same, wherever it stands.
    pub(super) fn same(&self, other: &Self) -> bool {
        match (&self.value, &other.value) {
            (Val::Text(one), Val::Text(other)) => one == other,
            (Val::List(one), Val::List(other)) => {
                one.len() == other.len() && one.iter().zip(other).all(|(a, b)| a.same(b))
            }
            (Val::Map(one), Val::Map(two)) => {
                let said = |field: &Field| {
                    let there = two.iter().find(|other| other.key == field.key);
                    there.is_some_and(|other| field.item.same(&other.item))
                };
                one.len() == two.len() && one.iter().all(said)
            }
            (Val::Override(one), Val::Override(other)) => one.same(other),
            (Val::Null, Val::Null) | (Val::Reset, Val::Reset) => true,
            _ => false,
        }
    }

    /// Of how many values it consists.
    pub(super) fn size(&self) -> usize {
        match &self.value {
            Val::Null | Val::Text(_) | Val::Reset => 1,
            Val::List(items) => 1 + items.iter().map(Self::size).sum::<usize>(),
            Val::Map(fields) => 1 + fields.iter().map(|field| field.item.size()).sum::<usize>(),
            Val::Override(inner) => inner.size(),
        }
    }

    /// The word for messages.
    pub(in crate::config) fn kind(&self) -> &'static str {
        match &self.value {
            Val::Null | Val::Reset => "nothing",
            Val::Text(_) => "text",
            Val::List(_) => "a list",
            Val::Map(_) => "a table",
            Val::Override(inner) => inner.kind(),
        }
    }

    /// An error that says what was wanted instead.
    pub(in crate::config) fn wrong(&self, what: &str, wanted: &str) -> Diagnostic {
        let summary = format!("{what} must be {wanted}");
        Diagnostic::error(codes::WRONG_TYPE, Some(self.at.clone()), summary)
            .label(format!("this is {}", self.kind()))
    }

    /// An error about the value itself.
    pub(in crate::config) fn bad(&self, what: &str, help: &str) -> Diagnostic {
        let shown = match self.as_str() {
            Some(text) => format!("{what} cannot be `{}`", text.shown()),
            None => format!("{what} is not right"),
        };
        Diagnostic::error(codes::BAD_VALUE, Some(self.at.clone()), shown).help(help)
    }
}

/// A table that is read key by key: a key that nobody asks for is an error.
pub(in crate::config) struct Keys<'a> {
    what: String,
    fields: &'a [Field],
    known: Vec<&'static str>,
    /// Where it stands.
    pub at: Place,
}

impl<'a> Keys<'a> {
    /// Starts to read `item`; none, and an error, where it is no table.
    pub(in crate::config) fn of(
        item: &'a Item,
        what: impl Into<String>,
        d: &mut Diagnostics,
    ) -> Option<Self> {
        let what = what.into();
        let fields = match &item.value {
            Val::Map(fields) => fields.as_slice(),
            Val::Null | Val::Reset => &[],
            _ => {
                d.push(item.wrong(&what, "a table"));
                return None;
            }
        };
        let known = Vec::new();
        Some(Self {
            what,
            fields,
            known,
            at: item.at.clone(),
        })
    }

    /// What it is called.
    pub(in crate::config) fn name(&self, key: &str) -> String {
        format!("`{key}` of {}", self.what)
    }

    /// The value of `key`, where something stands there.
    pub(in crate::config) fn take(&mut self, key: &'static str) -> Option<&'a Item> {
        self.known.push(key);
        let found = self.fields.iter().find(|field| field.key == key);
        found
            .map(|field| &field.item)
            .filter(|item| !item.is_null())
    }

    /// Text.
    pub(in crate::config) fn str(
        &mut self,
        key: &'static str,
        d: &mut Diagnostics,
    ) -> Option<(&'a Str, &'a Item)> {
        let item = self.take(key)?;
        match item.as_str() {
            Some(text) => Some((text, item)),
            None => {
                d.push(item.wrong(&self.name(key), "text"));
                None
            }
        }
    }

    /// Text that will be seen; a secret in it is warned of.
    pub(in crate::config) fn plain(
        &mut self,
        key: &'static str,
        d: &mut Diagnostics,
    ) -> Option<(String, &'a Item)> {
        let name = self.name(key);
        let (_, item) = self.str(key, d)?;
        Some((plain(item, &name, d)?, item))
    }

    /// `true` or `false`.
    pub(in crate::config) fn flag(
        &mut self,
        key: &'static str,
        d: &mut Diagnostics,
    ) -> Option<bool> {
        let name = self.name(key);
        let item = self.take(key)?;
        let text = item.as_str().and_then(Str::as_plain).unwrap_or_default();
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "y" => Some(true),
            "false" | "no" | "off" | "n" => Some(false),
            _ => {
                d.push(item.wrong(&name, "`true` or `false`"));
                None
            }
        }
    }

    /// A whole number.
    pub(in crate::config) fn int(
        &mut self,
        key: &'static str,
        range: std::ops::RangeInclusive<i64>,
        d: &mut Diagnostics,
    ) -> Option<(i64, &'a Item)> {
        let name = self.name(key);
        let (text, item) = self.str(key, d)?;
        let int = text.as_plain().and_then(|text| text.trim().parse().ok());
        match int {
            Some(int) if range.contains(&int) => Some((int, item)),
            _ => {
                let (start, end) = (range.start(), range.end());
                let help = match int {
                    Some(int) if int > *end => format!("a whole number from {start} to {end}"),
                    _ => format!("a whole number from {start} on"),
                };
                d.push(item.bad(&name, &help));
                None
            }
        }
    }

    /// A list.
    pub(in crate::config) fn list(&mut self, key: &'static str, d: &mut Diagnostics) -> &'a [Item] {
        let name = self.name(key);
        match self.take(key) {
            None => &[],
            Some(item) => {
                if !matches!(item.value, Val::List(_)) {
                    d.push(item.wrong(&name, "a list"));
                    return &[];
                }
                item.items()
            }
        }
    }

    /// A list of texts, or one text.
    pub(in crate::config) fn texts(
        &mut self,
        key: &'static str,
        d: &mut Diagnostics,
    ) -> Vec<(String, &'a Item)> {
        let name = format!("an entry of {}", self.name(key));
        let items = self.take(key).map(Item::items).unwrap_or_default();
        items
            .iter()
            .filter_map(|item| Some((plain(item, &name, d)?, item)))
            .collect()
    }

    /// A table of texts that will be seen; one that is not there is empty.
    pub(in crate::config) fn table(
        &mut self,
        key: &'static str,
        d: &mut Diagnostics,
    ) -> Vec<(String, String, &'a Item)> {
        self.table_of(key, plain, d)
    }

    /// Likewise, each read so.
    pub(super) fn table_of(
        &mut self,
        key: &'static str,
        read: fn(&Item, &str, &mut Diagnostics) -> Option<String>,
        d: &mut Diagnostics,
    ) -> Vec<(String, String, &'a Item)> {
        let name = self.name(key);
        let Some(item) = self.take(key) else {
            return Vec::new();
        };
        if !matches!(item.value, Val::Map(_)) {
            d.push(item.wrong(&name, "a table"));
            return Vec::new();
        }
        let each = item.fields().iter().filter_map(|field| {
            if field.item.is_null() {
                return Some((field.key.clone(), String::new(), &field.item));
            }
            let text = read(&field.item, &format!("`{}` in {name}", field.key), d)?;
            Some((field.key.clone(), text, &field.item))
        });
        each.collect()
    }

    /// Takes keys that mean nothing here.
    pub(in crate::config) fn accept(&mut self, keys: &[&'static str]) {
        self.known.extend_from_slice(keys);
    }

    /// Says which keys nobody asked for, `unsupported` ones with what to do.
    pub(in crate::config) fn finish(self, unsupported: &[(&str, &str)], d: &mut Diagnostics) {
        for field in self.fields {
            let key = field.key.as_str();
            if self.known.contains(&key) || key.starts_with("x-") {
                continue;
            }
            let at = Some(field.key_at.clone());
            if let Some((_, help)) = unsupported.iter().find(|(name, _)| *name == key) {
                if field.item.is_null() {
                    continue;
                }
                let summary = format!("`{key}` of {} is not supported", self.what);
                let error = Diagnostic::error(codes::COMPOSE_KEY, at, summary);
                d.push(if help.is_empty() {
                    error.help("leave it out, where the service works without it")
                } else {
                    error.help(*help)
                });
                continue;
            }
            let summary = format!("unknown key `{key}` in {}", self.what);
            let error = Diagnostic::error(codes::UNKNOWN_KEY, at, summary).label("not known here");
            let all = self.known.iter().copied();
            let near = did_you_mean(key, all.chain(unsupported.iter().map(|(name, _)| *name)));
            d.push(match near {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error,
            });
        }
    }
}

/// Tells of a number that is not what it looks like.
fn other_number(node: &Node, item: &Item, d: &mut Diagnostics) {
    let raw = match &node.value {
        Value::Int(_, raw) | Value::Float(raw) => raw,
        _ => return,
    };
    let number = item.as_str().map(Str::shown).unwrap_or_default();
    if *raw != number {
        let summary = format!("`{raw}` is the number `{number}`");
        d.push(
            Diagnostic::warning(codes::NUMBER, Some(node.at.clone()), summary)
                .help(format!("write `\"{raw}\"` where the text is meant")),
        );
    }
}

/// A text that will be seen.
pub(in crate::config) fn plain(item: &Item, what: &str, d: &mut Diagnostics) -> Option<String> {
    let Some(text) = item.as_str() else {
        d.push(item.wrong(what, "text"));
        return None;
    };
    if let Some(text) = text.as_plain() {
        return Some(text.to_owned());
    }
    let Some(open) = text.open() else {
        let summary = format!("{what} cannot hold a generated value or a secret");
        d.push(
            Diagnostic::error(codes::SHOWN_VALUE, Some(item.at.clone()), summary)
                .help("variables, commands, health checks and files can"),
        );
        return None;
    };
    let summary = format!("{what} shows a secret's value");
    d.push(
        Diagnostic::warning(codes::SHOWN_SECRET, Some(item.at.clone()), summary)
            .label("plans, labels and `docker inspect` have it")
            .help("take it from a variable, or from a file under `secrets`"),
    );
    Some(open)
}
