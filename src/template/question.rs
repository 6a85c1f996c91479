//! One question of a template.

use super::{codes, json};
use crate::config::{Node, Value, parse};
use crate::diag::{Diagnostic, Diagnostics, Place, Source};
use serde_json::Value as Json;
use std::path::PathBuf;
use std::sync::Arc;

/// What kind of answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// Yes or no.
    Bool,
    /// Any value, written as YAML.
    Yaml,
    /// Any value, written as JSON.
    Json,
}

/// One question.
#[derive(Clone, Debug)]
pub struct Question {
    /// The variable.
    pub name: String,
    /// Where it stands.
    pub at: Place,
    /// What kind of answer is wanted.
    pub kind: Kind,
    /// What is asked; Jinja.
    pub help: String,
    /// The answer where none is given; Jinja where it is text.
    pub default: Option<Json>,
    /// What can be chosen from; Jinja.
    pub choices: Json,
    /// Whether several can be chosen.
    pub multiselect: bool,
    /// Whether the answer is a secret.
    pub secret: bool,
    /// Whether it is asked; Jinja or a flag.
    pub when: Json,
    /// Renders to what is wrong with the answer.
    pub validator: Option<String>,
    /// An example.
    pub placeholder: Option<String>,
    /// Whether the answer may have several lines.
    pub multiline: bool,
}

/// Something to choose.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// As shown.
    pub label: String,
    /// As answered.
    pub value: Json,
}

/// Reads one; a value that is no table is a default, as in Copier.
pub(super) fn read(name: &str, at: &Place, node: &Node, d: &mut Diagnostics) -> Option<Question> {
    let wrong =
        |place: &Place, what: String| Diagnostic::error(codes::QUESTION, Some(place.clone()), what);
    let proper = name.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !name.starts_with(char::is_numeric);
    if !proper {
        d.push(
            wrong(at, format!("`{name}` is no name of a variable"))
                .label("letters, digits and `_`"),
        );
        return None;
    }
    let mut question = Question {
        name: name.to_owned(),
        at: at.clone(),
        kind: Kind::Yaml,
        help: String::new(),
        default: None,
        choices: Json::Null,
        multiselect: false,
        secret: false,
        when: Json::Bool(true),
        validator: None,
        placeholder: None,
        multiline: false,
    };
    let mut kind = None;
    if let Value::Map(entries) = &node.value {
        for entry in entries {
            let (key, node) = (entry.key.as_str(), &entry.node);
            let scalar = node.value.scalar();
            let flag = matches!(node.value, Value::Bool(true));
            match key {
                "type" => {
                    kind = match scalar.as_deref() {
                        Some("str" | "path") => Some(Kind::Text),
                        Some("int") => Some(Kind::Int),
                        Some("float") => Some(Kind::Float),
                        Some("bool") => Some(Kind::Bool),
                        Some("yaml") => Some(Kind::Yaml),
                        Some("json") => Some(Kind::Json),
                        _ => {
                            d.push(
                                wrong(&node.at, format!("`{name}` has an unknown type"))
                                    .label("one of str, int, float, bool, yaml, json, path"),
                            );
                            return None;
                        }
                    }
                }
                "help" => question.help = scalar.unwrap_or_default(),
                "default" => question.default = Some(json(node)),
                "choices" => question.choices = choices(node),
                "multiselect" => question.multiselect = flag,
                "secret" => question.secret = flag,
                "when" => question.when = json(node),
                "validator" => question.validator = scalar,
                "placeholder" => question.placeholder = scalar,
                "multiline" => question.multiline = flag,
                "qmark" | "use_search_filter" | "use_shortcuts" => {}
                other => d.push(wrong(
                    &entry.key_at,
                    format!("`{name}` has an unknown key `{other}`"),
                )),
            }
        }
    } else {
        question.default = Some(json(node));
    }
    question.kind = kind.unwrap_or(match &question.default {
        Some(Json::String(_)) => Kind::Text,
        Some(Json::Bool(_)) => Kind::Bool,
        Some(Json::Number(number)) if number.is_i64() => Kind::Int,
        Some(Json::Number(_)) => Kind::Float,
        _ => Kind::Yaml,
    });
    Some(question)
}

/// What can be chosen from; a table's entries as pairs, since their order is the one that is shown.
fn choices(node: &Node) -> Json {
    match &node.value {
        Value::Map(entries) => Json::Array(
            entries
                .iter()
                .map(|entry| Json::Array(vec![entry.key.clone().into(), json(&entry.node)]))
                .collect(),
        ),
        _ => json(node),
    }
}

/// Likewise of choices that are computed.
pub(super) fn computed_choices(text: &str) -> Json {
    document(text).map_or(Json::Null, |node| choices(&node))
}

/// What a text means where a flag is wanted.
pub(super) fn truth(text: &str) -> bool {
    let text = text.trim().to_ascii_lowercase();
    match text.as_str() {
        "" | "n" | "no" | "f" | "false" | "off" | "~" | "null" | "none" => false,
        other => other.parse::<f64>().ok().is_none_or(|number| number != 0.0),
    }
}

/// The value that a text of YAML stands for.
pub(super) fn yaml(text: &str) -> Option<Json> {
    document(text).map(|node| json(&node))
}

fn document(text: &str) -> Option<Node> {
    let source = Arc::new(Source::new("answer.yml", PathBuf::new(), text));
    parse(&source, &mut Diagnostics::new())
}

impl Question {
    /// An answer as the question wants it; none where it is of another kind.
    pub(super) fn cast(&self, answer: &Json) -> Option<Json> {
        if self.multiselect {
            return match answer {
                Json::Array(items) => items
                    .iter()
                    .map(|item| self.one(item))
                    .collect::<Option<_>>()
                    .map(Json::Array),
                Json::String(text) => match yaml(text)? {
                    Json::Array(items) => items
                        .iter()
                        .map(|item| self.one(item))
                        .collect::<Option<_>>()
                        .map(Json::Array),
                    _ => None,
                },
                Json::Null => Some(Json::Array(Vec::new())),
                _ => None,
            };
        }
        self.one(answer)
    }

    pub(super) fn one(&self, answer: &Json) -> Option<Json> {
        match (self.kind, answer) {
            (Kind::Text, Json::String(_))
            | (Kind::Bool, Json::Bool(_))
            | (Kind::Float, Json::Number(_)) => Some(answer.clone()),
            (Kind::Text, Json::Null) => Some(Json::Null),
            (Kind::Text, Json::Number(number)) => Some(Json::String(number.to_string())),
            (Kind::Text, Json::Bool(flag)) => Some(Json::String(flag.to_string())),
            (Kind::Int, Json::Number(number)) => number.is_i64().then(|| answer.clone()),
            (Kind::Int, Json::String(text)) => text.trim().parse::<i64>().ok().map(Json::from),
            (Kind::Float, Json::String(text)) => {
                let number = text.trim().parse::<f64>().ok();
                // No file of answers could hold the others.
                number.filter(|number| number.is_finite()).map(Json::from)
            }
            (Kind::Bool, Json::String(text)) => Some(Json::Bool(truth(text))),
            (Kind::Bool, Json::Number(number)) => Some(Json::Bool(number.as_f64() != Some(0.0))),
            (Kind::Yaml, Json::String(text)) => yaml(text),
            (Kind::Json, Json::String(text)) => serde_json::from_str(text).ok(),
            (Kind::Yaml | Kind::Json, other) => Some(other.clone()),
            _ => None,
        }
    }

    /// The word for messages.
    pub(super) fn wants(&self) -> &'static str {
        match self.kind {
            _ if self.multiselect => "a list",
            Kind::Text => "text",
            Kind::Int => "a whole number",
            Kind::Float => "a number",
            Kind::Bool => "yes or no",
            Kind::Yaml => "a value in YAML",
            Kind::Json => "a value in JSON",
        }
    }
}
