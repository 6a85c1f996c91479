//! YAML as coasti writes it: built as a tree, keys in their order, comments above entries.

use crate::config::{Node, Value, yaml_text};

/// A value to be written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Yaml {
    /// As it is.
    Raw(String),
    /// Text, in quotes where that is needed.
    Text(String),
    /// A list.
    List(Vec<Yaml>),
    /// A table.
    Map(Vec<Entry>),
}

/// Where a key stands; else, as nua writes either, one with `_` for its `-`.
fn place(entries: &[Entry], key: &str) -> Option<usize> {
    let exact = entries.iter().position(|entry| entry.key == key);
    exact.or_else(|| {
        let same = |entry: &Entry| entry.key.replace('_', "-") == key;
        entries.iter().position(same)
    })
}

/// A key, its value, and what is said above it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    key: String,
    value: Yaml,
    comment: Option<String>,
}

impl Yaml {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn flag(flag: bool) -> Self {
        Self::Raw(flag.to_string())
    }

    pub(super) const fn map() -> Self {
        Self::Map(Vec::new())
    }

    /// What stands in a file.
    pub(super) fn of(node: &Node) -> Self {
        match &node.value {
            Value::Null => Self::Raw("~".to_owned()),
            Value::Bool(flag) => Self::flag(*flag),
            Value::Int(int, raw) => {
                // As it was written, where YAML reads the same in it.
                let plain = raw.bytes().all(|b| b.is_ascii_alphanumeric());
                Self::Raw(if plain { raw.clone() } else { int.to_string() })
            }
            Value::Float(raw) => Self::Raw(raw.clone()),
            Value::Text(text) | Value::Date(text) => Self::Text(text.clone()),
            Value::Tagged(_, inner) => Self::of(inner),
            Value::List(items) => Self::List(items.iter().map(Self::of).collect()),
            Value::Map(entries) => {
                let entries = entries.iter();
                let entry = |entry: &crate::config::Entry| Entry {
                    key: entry.key.clone(),
                    value: Self::of(&entry.node),
                    comment: None,
                };
                Self::Map(entries.map(entry).collect())
            }
        }
    }

    /// The value of a key; of a table.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Map(entries) = self else {
            return None;
        };
        let found = entries.get(place(entries, key)?)?;
        Some(&found.value)
    }

    /// The value of a key, made where it is missing; nothing comes back of what is no table.
    pub(super) fn at(&mut self, key: &str, make: Self) -> Option<&mut Self> {
        let Self::Map(entries) = self else {
            return None;
        };
        let place = match place(entries, key) {
            Some(place) => place,
            None => {
                entries.push(Entry {
                    key: key.to_owned(),
                    value: make,
                    comment: None,
                });
                entries.len() - 1
            }
        };
        entries.get_mut(place).map(|entry| &mut entry.value)
    }

    /// Sets a key of a table.
    pub(super) fn set(&mut self, key: &str, value: Self) {
        if let Some(place) = self.at(key, value.clone()) {
            *place = value;
        }
    }

    /// Sets a key of a table, with what is said above it.
    pub(super) fn set_with(&mut self, key: &str, value: Self, comment: &str) {
        self.set(key, value);
        if let Self::Map(entries) = self
            && let Some(entry) = entries.iter_mut().find(|entry| entry.key == key)
        {
            entry.comment = Some(comment.to_owned());
        }
    }

    /// The entries of a table, in order.
    pub(super) fn entries(&mut self) -> impl Iterator<Item = (&str, &mut Self)> {
        let entries = match self {
            Self::Map(entries) => entries.as_mut_slice(),
            _ => &mut [],
        };
        entries
            .iter_mut()
            .map(|entry| (entry.key.as_str(), &mut entry.value))
    }

    /// The items of a list.
    pub(super) fn items(&mut self) -> &mut [Self] {
        match self {
            Self::List(items) => items,
            _ => &mut [],
        }
    }

    /// Takes a key away.
    pub(super) fn drop_key(&mut self, key: &str) -> bool {
        let Self::Map(entries) = self else {
            return false;
        };
        let before = entries.len();
        entries.retain(|entry| entry.key != key);
        entries.len() < before
    }

    /// Takes keys away where nothing stands there.
    pub(super) fn drop_empty(&mut self, keys: &[&str]) {
        if let Self::Map(entries) = self {
            entries.retain(|entry| {
                let empty = match &entry.value {
                    Self::Map(entries) => entries.is_empty(),
                    Self::List(items) => items.is_empty(),
                    _ => false,
                };
                !(empty && keys.contains(&entry.key.as_str()))
            });
            for entry in entries {
                for item in entry.value.items() {
                    item.drop_empty(keys);
                }
            }
        }
    }

    /// Puts the keys in front, in this order.
    pub(super) fn first(&mut self, keys: &[&str]) {
        if let Self::Map(entries) = self {
            let place = |entry: &Entry| {
                let found = keys.iter().position(|key| *key == entry.key);
                found.unwrap_or(keys.len())
            };
            entries.sort_by_key(place);
        }
    }

    /// The table in a list that has this text at the key, made where there is none.
    pub(super) fn item(&mut self, key: &str, text: &str) -> Option<&mut Self> {
        let Self::List(items) = self else {
            return None;
        };
        let is = |item: &Self| matches!(item.get(key), Some(Self::Text(own)) if own == text);
        let place = match items.iter().position(is) {
            Some(place) => place,
            None => {
                let mut made = Self::map();
                made.set(key, Self::text(text));
                items.push(made);
                items.len() - 1
            }
        };
        items.get_mut(place)
    }

    /// The whole as a file.
    pub(super) fn file(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, 0);
        text
    }

    fn is_small(&self) -> bool {
        let scalar = |value: &Self| matches!(value, Self::Raw(_) | Self::Text(_));
        match self {
            Self::Raw(_) | Self::Text(_) => true,
            Self::List(items) => items.iter().all(scalar),
            Self::Map(entries) => {
                let small = |entry: &Entry| scalar(&entry.value) && entry.comment.is_none();
                entries.iter().all(small) && self.flow().len() <= 90
            }
        }
    }

    fn flow(&self) -> String {
        match self {
            Self::Raw(raw) => raw.clone(),
            Self::Text(text) => yaml_text(text),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(Self::flow).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Map(entries) => {
                let entry =
                    |entry: &Entry| format!("{}: {}", yaml_text(&entry.key), entry.value.flow());
                let entries: Vec<_> = entries.iter().map(entry).collect();
                format!("{{{}}}", entries.join(", "))
            }
        }
    }

    fn write(&self, out: &mut String, depth: usize) {
        let pad = " ".repeat(depth);
        match self {
            Self::Map(entries) => {
                for entry in entries {
                    for line in entry.comment.iter().flat_map(|text| text.lines()) {
                        out.push_str(&format!("{pad}# {line}\n"));
                    }
                    out.push_str(&format!("{pad}{}:", yaml_text(&entry.key)));
                    entry.value.after_key(out, depth);
                }
            }
            Self::List(items) => {
                for item in items {
                    match item {
                        Self::Map(entries) if !item.is_small() => {
                            let mut entries = entries.clone();
                            // What is said above its first key is said above it.
                            let above = entries.first_mut().and_then(|entry| entry.comment.take());
                            for line in above.iter().flat_map(|text| text.lines()) {
                                out.push_str(&format!("{pad}# {line}\n"));
                            }
                            let mut inner = String::new();
                            Self::Map(entries).write(&mut inner, depth + 2);
                            let inner = inner.get(depth + 2..).unwrap_or_default();
                            out.push_str(&format!("{pad}- {inner}"));
                        }
                        other => out.push_str(&format!("{pad}- {}\n", other.flow())),
                    }
                }
            }
            other => out.push_str(&format!("{pad}{}\n", other.flow())),
        }
    }

    fn after_key(&self, out: &mut String, depth: usize) {
        let block = match self {
            Self::List(items) => items
                .iter()
                .any(|item| !item.is_small() || matches!(item, Self::Map(_))),
            other => !other.is_small(),
        };
        if block {
            out.push('\n');
            self.write(out, depth + 2);
        } else {
            out.push_str(&format!(" {}\n", self.flow()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;
    use crate::diag::{Diagnostics, Source};
    use std::sync::Arc;

    fn read(name: &str, text: &str) -> Node {
        let source = Arc::new(Source::new(name, name, text));
        let mut d = Diagnostics::new();
        parse(&source, &mut d).unwrap_or_else(|| panic!("{text}\n{d:?}"))
    }

    #[test]
    fn a_key_is_set_once() {
        let mut map = Yaml::map();
        for (key, value) in [
            ("a_b", "1"),
            ("a_b", "2"),
            ("read_only", "3"),
            ("read-only", "4"),
        ] {
            map.set(key, Yaml::text(value));
        }
        assert_eq!(map.file(), "a_b: \"2\"\nread_only: \"4\"\n");
    }

    #[test]
    fn what_is_written_is_read_again() {
        let toml = r##"
            [[site]]
            label = "a: b"
            domain = "x.org"
            note = "# no comment, 'quoted' \"twice\"\nnext"
            yes = "yes"
            none = "~"
            date = 2024-01-01
            int = 1_000
            octal = 0o1777
            float = 1.5
            flag = true
            list = ["a", 1, "2"]
            [site.env]
            EMPTY = ""
            "odd key" = "é"
            [[site.volume]]
            name = "data"
            target = "/data"
            options = [{a = 1}]
        "##;
        let yaml = Yaml::of(&read("a.toml", toml));
        let text = yaml.file();
        let again = Yaml::of(&read("a.yml", &text));
        // A number is written as YAML has it.
        assert_eq!(again, yaml, "{text}");
        insta::assert_snapshot!(text, @r##"
    site:
      - label: "a: b"
        domain: x.org
        note: "# no comment, 'quoted' \"twice\"\nnext"
        yes: yes
        none: "~"
        date: 2024-01-01
        int: 1000
        octal: 1023
        float: 1.5
        flag: true
        list: [a, 1, "2"]
        env: {EMPTY: "", "odd key": é}
        volume:
          - name: data
            target: "/data"
            options:
              - {a: 1}
    "##);
    }
}
