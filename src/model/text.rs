//! Text that may contain secrets: parts that stand in the files, and references to values kept apart.

use crate::base::{Digest, Secret, ValueId, words};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Stands in a line for a value: nobody writes it.
pub const HELD: char = '\u{10fffd}';

/// A reference to a value that is not in the spec.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ValueRef {
    /// Which value.
    #[serde(rename = "value")]
    pub id: ValueId,
    /// Its keyed digest; none while it is not generated yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
}

/// A part of a [`Text`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Part {
    /// May be shown.
    Plain(String),
    /// A secret or generated value.
    Value(ValueRef),
}

/// A string of plain parts and references. One plain part is written as a string, anything else as a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "Repr", into = "Repr")]
pub struct Text(Vec<Part>);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Repr {
    Plain(String),
    Parts(Vec<Part>),
}

impl From<Text> for Repr {
    fn from(text: Text) -> Self {
        match text.as_plain() {
            Some(plain) => Self::Plain(plain.to_owned()),
            None => Self::Parts(text.0),
        }
    }
}

impl From<Repr> for Text {
    fn from(repr: Repr) -> Self {
        match repr {
            Repr::Plain(text) => Self::plain(text),
            Repr::Parts(parts) => parts.into_iter().collect(),
        }
    }
}

/// Joins neighbouring plain parts, so that equal texts are equal values.
impl FromIterator<Part> for Text {
    fn from_iter<I: IntoIterator<Item = Part>>(parts: I) -> Self {
        let mut joined: Vec<Part> = Vec::new();
        for part in parts {
            match (joined.last_mut(), part) {
                (_, Part::Plain(text)) if text.is_empty() => {}
                (Some(Part::Plain(before)), Part::Plain(text)) => before.push_str(&text),
                (_, part) => joined.push(part),
            }
        }
        Self(joined)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::plain(text)
    }
}

impl Text {
    /// Text that may be shown.
    pub fn plain(text: impl Into<String>) -> Self {
        [Part::Plain(text.into())].into_iter().collect()
    }

    /// One value, nothing else.
    pub fn value(id: ValueId, digest: Option<Digest>) -> Self {
        Self(vec![Part::Value(ValueRef { id, digest })])
    }

    /// The whole text where nothing in it is a value.
    pub fn as_plain(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Part::Plain(text)] => Some(text),
            _ => None,
        }
    }

    /// How many bytes of plain text it has.
    pub fn len(&self) -> usize {
        let plain = self.0.iter().map(|part| match part {
            Part::Plain(text) => text.len(),
            Part::Value(_) => 0,
        });
        plain.sum()
    }

    /// Whether it is the empty text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Its parts, in order.
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    /// The one value that it consists of.
    pub fn as_value(&self) -> Option<&ValueRef> {
        match self.0.as_slice() {
            [Part::Value(value)] => Some(value),
            _ => None,
        }
    }

    /// The values that it refers to.
    pub fn values(&self) -> impl Iterator<Item = &ValueRef> {
        self.0.iter().filter_map(|part| match part {
            Part::Value(value) => Some(value),
            Part::Plain(_) => None,
        })
    }

    /// Likewise, to fill in digests.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut ValueRef> {
        self.0.iter_mut().filter_map(|part| match part {
            Part::Value(value) => Some(value),
            Part::Plain(_) => None,
        })
    }

    /// The text itself, with `values` in place; the value that is missing, where one is.
    pub fn resolve(
        &self,
        values: &BTreeMap<ValueId, Secret<String>>,
    ) -> Result<Secret<String>, ValueId> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Plain(plain) => text.push_str(plain),
                Part::Value(value) => {
                    text.push_str(
                        values
                            .get(&value.id)
                            .ok_or_else(|| value.id.clone())?
                            .expose(),
                    );
                }
            }
        }
        Ok(Secret::new(text))
    }

    /// The text on one line, each value one character that nobody writes, [`HELD`].
    pub fn line(&self) -> String {
        let mut line = String::new();
        for part in &self.0 {
            match part {
                Part::Plain(plain) => line.push_str(&plain.replace(HELD, "")),
                Part::Value(_) => line.push(HELD),
            }
        }
        line
    }

    /// The words of a command, as a shell would split them; none where a quote is not closed. A value is never
    /// split: what stands in it is nobody's syntax.
    pub fn words(&self) -> Option<Vec<Self>> {
        let line = self.line();
        let mut held = self.0.iter().filter(|part| matches!(part, Part::Value(_)));
        let whole = |word: String| {
            let mut parts = Vec::new();
            for (n, plain) in word.split(HELD).enumerate() {
                if n > 0 {
                    parts.extend(held.next().cloned());
                }
                parts.push(Part::Plain(plain.to_owned()));
            }
            parts.into_iter().collect()
        };
        Some(words::split(&line)?.into_iter().map(whole).collect())
    }

    /// The values in it where `real` is what it stands for; none where it is not.
    pub fn read<'r>(&self, real: &'r str) -> Option<Vec<(&ValueRef, &'r str)>> {
        let mut found = Vec::new();
        let mut rest = real;
        let mut open: Option<&ValueRef> = None;
        for part in &self.0 {
            match (part, open.take()) {
                (Part::Plain(plain), None) => rest = rest.strip_prefix(plain.as_str())?,
                (Part::Plain(plain), Some(value)) => {
                    let (before, after) = rest.split_once(plain.as_str())?;
                    found.push((value, before));
                    rest = after;
                }
                (Part::Value(value), None) => open = Some(value),
                // Nobody knows where one of them ends.
                (Part::Value(_), Some(_)) => return None,
            }
        }
        match open {
            Some(value) => found.push((value, rest)),
            None if rest.is_empty() => {}
            None => return None,
        }
        Some(found)
    }

    /// For people: plain parts as they are, values as `(generated)` or `***`.
    pub fn show(&self) -> String {
        self.0
            .iter()
            .map(|part| match part {
                Part::Plain(text) => text.as_str(),
                Part::Value(ValueRef { digest: None, .. }) => "(generated)",
                Part::Value(_) => "***",
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_never_split_nor_is_it_a_quote() {
        let value = |id: &str| {
            Part::Value(ValueRef {
                id: ValueId::new(id),
                digest: None,
            })
        };
        let plain = |text: &str| Part::Plain(text.to_owned());
        let text: Text = [
            plain("set 'a b"),
            value("p"),
            plain("' "),
            value("q"),
            plain(" x"),
            value("p"),
        ]
        .into_iter()
        .collect();
        let values: BTreeMap<_, _> = [("p", "it's # \"1\""), ("q", "")]
            .map(|(id, value)| (ValueId::new(id), Secret::new(value.to_owned())))
            .into();
        let words = text.words().unwrap();
        let words: Vec<_> = words
            .iter()
            .map(|word| word.resolve(&values).unwrap().expose().clone())
            .collect();
        assert_eq!(words, ["set", "a bit's # \"1\"", "", "xit's # \"1\""]);
        let open: Text = [plain("a '"), value("p")].into_iter().collect();
        assert_eq!(open.words(), None);
    }

    #[test]
    fn values_are_read_back_from_what_was_made_of_them() {
        let value = |id: &str| {
            Part::Value(ValueRef {
                id: ValueId::new(id),
                digest: None,
            })
        };
        let text: Text = [
            Part::Plain("a=".into()),
            value("p"),
            Part::Plain(",b=".into()),
            value("q"),
        ]
        .into_iter()
        .collect();
        let read = |real: &'static str| -> Option<Vec<_>> {
            let found = text.read(real)?.into_iter();
            Some(
                found
                    .map(|(value, real)| (value.id.to_string(), real))
                    .collect(),
            )
        };
        assert_eq!(
            read("a=1,2,b=3"),
            Some(vec![("p".to_owned(), "1,2"), ("q".to_owned(), "3")])
        );
        assert_eq!(read("b=1"), None);
        assert_eq!(Text::plain("x").read("x").map(|found| found.len()), Some(0));
        assert_eq!(Text::plain("x").read("xy"), None);
    }

    #[test]
    fn plain_text_is_written_as_a_string() {
        let text: Text = [Part::Plain("a".into()), Part::Plain("b".into())]
            .into_iter()
            .collect();
        assert_eq!(serde_json::to_string(&text).unwrap(), "\"ab\"");
        let mixed: Text = [
            Part::Plain("pg://".into()),
            Part::Value(ValueRef {
                id: ValueId::new("v"),
                digest: None,
            }),
        ]
        .into_iter()
        .collect();
        let json = serde_json::to_string(&mixed).unwrap();
        assert_eq!(json, r#"["pg://",{"value":"v"}]"#);
        assert_eq!(serde_json::from_str::<Text>(&json).unwrap(), mixed);
        assert_eq!(mixed.show(), "pg://(generated)");
    }
}
