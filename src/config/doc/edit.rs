//! Writing into a file that a person keeps: one line more, all else as it is.

use super::{Value, parse, yaml};
use crate::base::StackId;
use crate::diag::{Diagnostics, Source};
use std::sync::Arc;

/// The deploy file's text with `id: …` in it, comments and order kept; why not, where that is impossible.
pub fn with_id(source: &Source, id: &StackId) -> Result<String, String> {
    let name = source.name.as_str();
    let text = source.text.as_str();
    let cannot = || format!("`id` cannot be written into {name}; write `id: {id}` there");
    let edited = if name.ends_with(".toml") {
        let mut document: toml_edit::DocumentMut = text.parse().map_err(|_| cannot())?;
        document.insert("id", toml_edit::value(id.as_str()));
        document.to_string()
    } else {
        let shared = copy(source, text);
        let root = parse(&shared, &mut Diagnostics::new()).ok_or_else(cannot)?;
        let Value::Map(entries) = &root.value else {
            return Err(cannot());
        };
        let eol = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let start = root.at.span.start;
        if text.get(start..).is_some_and(|rest| rest.starts_with('{')) {
            let line = format!("{{{eol}  \"id\": \"{id}\"");
            let comma = if entries.is_empty() { "" } else { "," };
            splice(text, start..start + 1, &format!("{line}{comma}"))
        } else {
            // After the name, else after the version, else first.
            let after = ["stack", "version"]
                .iter()
                .find_map(|key| entries.iter().find(|entry| entry.key == *key));
            let quoted = match yaml::resolve(id.as_str()) {
                Value::Text(_) => id.to_string(),
                _ => format!("\"{id}\""),
            };
            match after {
                Some(entry) => {
                    let end = entry.node.at.span.end.max(entry.key_at.span.end);
                    let line_end = text
                        .get(end..)
                        .and_then(|rest| rest.find('\n'))
                        .map(|at| end + at + 1);
                    match line_end {
                        Some(at) => splice(text, at..at, &format!("id: {quoted}{eol}")),
                        None => format!("{text}{eol}id: {quoted}{eol}"),
                    }
                }
                None => splice(text, start..start, &format!("id: {quoted}{eol}")),
            }
        }
    };
    // The proof: what was written is read again, and is the id.
    let again = parse(&copy(source, &edited), &mut Diagnostics::new()).ok_or_else(cannot)?;
    let written = again.get("id").and_then(|node| node.value.scalar());
    if written.as_deref() == Some(id.as_str()) {
        Ok(edited)
    } else {
        Err(cannot())
    }
}

pub(super) fn copy(source: &Source, text: &str) -> Arc<Source> {
    Arc::new(Source {
        name: source.name.clone(),
        path: source.path.clone(),
        text: text.to_owned(),
    })
}

pub(super) fn splice(text: &str, at: std::ops::Range<usize>, with: &str) -> String {
    let before = text.get(..at.start).unwrap_or_default();
    let after = text.get(at.end..).unwrap_or_default();
    format!("{before}{with}{after}")
}
