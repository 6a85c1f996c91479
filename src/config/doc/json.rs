//! JSON. `serde_json` says whether it is JSON; what is known to be is then read with its places.

use super::{Build, Entry, MAX_DEPTH, Node, Parsed, Value};
use std::ops::Range;

pub(super) fn parse(build: &mut Build<'_>) -> Parsed<Node> {
    let text = build.source.text.as_str();
    if text.trim().is_empty() {
        return Ok(Node {
            value: Value::Null,
            at: build.place(0..0),
        });
    }
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text) {
        let line_start: usize = text
            .split_inclusive('\n')
            .take(error.line().saturating_sub(1))
            .map(str::len)
            .sum();
        let at = line_start + error.column().saturating_sub(1);
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or(&message);
        return Err(build.error(at..at + 1, format!("not JSON: {message}")));
    }
    Json { build, text, at: 0 }.value(0)
}

struct Json<'b, 'a> {
    build: &'b mut Build<'a>,
    text: &'a str,
    at: usize,
}

impl Json<'_, '_> {
    fn peek(&mut self) -> u8 {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let skipped = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        self.at += rest.len() - skipped.len();
        skipped.bytes().next().unwrap_or(0)
    }

    /// Takes a token that ends before the first character that `ends` holds.
    fn token(&mut self, ends: fn(char) -> bool) -> (&str, Range<usize>) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest.find(ends).unwrap_or(rest.len()).max(1);
        let span = self.at..self.at + length;
        self.at = span.end;
        (self.text.get(span.clone()).unwrap_or_default(), span)
    }

    fn string(&mut self) -> (String, Range<usize>) {
        let start = self.at;
        let mut escaped = false;
        let rest = self.text.get(start + 1..).unwrap_or_default();
        let length = rest
            .bytes()
            .position(|byte| {
                let end = byte == b'"' && !escaped;
                escaped = byte == b'\\' && !escaped;
                end
            })
            .unwrap_or(rest.len());
        let span = start..(start + length + 2).min(self.text.len());
        self.at = span.end;
        let raw = self.text.get(span.clone()).unwrap_or_default();
        (serde_json::from_str(raw).unwrap_or_default(), span)
    }

    fn value(&mut self, depth: usize) -> Parsed<Node> {
        let first = self.peek();
        let start = self.at;
        self.build.count(1, 0, &(start..start + 1))?;
        if depth > MAX_DEPTH {
            return Err(self.build.error(start..start + 1, "nested too deeply"));
        }
        let value = match first {
            b'{' => {
                let mut entries = Vec::new();
                self.at += 1;
                while !matches!(self.peek(), b'}' | 0) {
                    let (key, span) = self.string();
                    if self.peek() == b':' {
                        self.at += 1;
                    }
                    let key_at = self.build.place(span);
                    let node = self.value(depth + 1)?;
                    entries.push(Entry { key, key_at, node });
                    if self.peek() == b',' {
                        self.at += 1;
                    }
                }
                self.at += 1;
                self.build.map(entries)
            }
            b'[' => {
                let mut items = Vec::new();
                self.at += 1;
                while !matches!(self.peek(), b']' | 0) {
                    items.push(self.value(depth + 1)?);
                    if self.peek() == b',' {
                        self.at += 1;
                    }
                }
                self.at += 1;
                Value::List(items)
            }
            b'"' => Value::Text(self.string().0),
            _ => {
                let (token, _) = self.token(|c| ",]} \t\r\n".contains(c));
                match token {
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    "null" => Value::Null,
                    number => match number.parse() {
                        Ok(int) => Value::Int(int, number.to_owned()),
                        Err(_) => Value::Float(number.to_owned()),
                    },
                }
            }
        };
        Ok(Node {
            value,
            at: self.build.first_line(start..self.at),
        })
    }
}
