//! Product templates in Copier's format: questions, Jinja rendering, answers. Pure: files come in as a
//! [`Tree`] and go out as one, randomness comes through [`Dice`].

mod answers;
pub mod codes;
mod due;
mod external;
mod filters;
mod jinja;
mod known;
mod methods;
mod percent;
mod question;
mod render;
mod settings;
mod tree;
mod yaml;

#[cfg(test)]
mod tests;

pub use answers::{
    ANSWERS_FILES, Answers, Ask, Given, Prompt, Stopped, Unanswered, ask, read_answers,
};
pub use due::{Due, Stage, due, migrations, version};
pub use external::Files;
pub use jinja::{Dice, Jinja, Runner, Work};
pub use question::{Choice, Kind, Question};
pub use render::{About, COMMIT, Operation, Rendered, render};
pub use settings::{Command, Envops, Migration, Settings, Task, read};
pub use tree::{Entry, MOST_BYTES, MOST_FILES, Tree, check_path};
pub use yaml::to_yaml;

use crate::config::{Node, Value};
use serde_json::{Map, Number, Value as Json};

/// A value of a file as JSON has it.
fn json(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(flag) => Json::Bool(*flag),
        Value::Int(int, _) => Json::from(*int),
        Value::Float(raw) => raw
            .parse()
            .ok()
            .and_then(Number::from_f64)
            .map_or_else(|| Json::String(raw.clone()), Json::Number),
        Value::Text(text) | Value::Date(text) => Json::String(text.clone()),
        // A tag means nothing to a template.
        Value::Tagged(_, node) => json(node),
        Value::List(items) => Json::Array(items.iter().map(json).collect()),
        Value::Map(entries) => {
            let entries = entries
                .iter()
                .map(|entry| (entry.key.clone(), json(&entry.node)));
            Json::Object(entries.collect::<Map<_, _>>())
        }
    }
}
