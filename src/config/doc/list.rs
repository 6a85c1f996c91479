//! Writing into `products.yml` and `tools.yml`: an entry more, one less, one value else; all the rest as it is.

use super::edit::{copy, splice};
use super::{Node, Value, parse};
use crate::diag::{Diagnostics, Source};

struct File<'a> {
    source: &'a Source,
    key: &'a str,
    text: &'a str,
    eol: &'a str,
}

/// The text with one entry more.
pub fn with_entry(source: &Source, key: &str, fields: &[(&str, String)]) -> Result<String, String> {
    let file = File::new(source, key);
    let root = file.root()?;
    let entry = |indent: &str| {
        let mut text = String::new();
        for (n, (name, value)) in fields.iter().enumerate() {
            let lead = if n == 0 { "- " } else { "  " };
            text += &format!("{indent}{lead}{name}: {}{}", scalar(value), file.eol);
        }
        text
    };
    let edited = match root.get(key) {
        None => {
            let gap = if file.text.is_empty() || file.text.ends_with('\n') {
                ""
            } else {
                file.eol
            };
            format!("{}{gap}{key}:{}{}", file.text, file.eol, entry(""))
        }
        Some(node) => match &node.value {
            Value::List(items) if !items.is_empty() => {
                let starts = file.starts(items)?;
                let last = starts.last().copied().unwrap_or_default();
                let end = file.end(last);
                let gap = if file
                    .text
                    .get(..end)
                    .is_some_and(|text| text.ends_with('\n'))
                {
                    ""
                } else {
                    file.eol
                };
                splice(
                    file.text,
                    end..end,
                    &format!("{gap}{}", entry(&file.indent(last))),
                )
            }
            Value::List(_) | Value::Null => {
                let Value::Map(entries) = &root.value else {
                    return Err(file.cannot());
                };
                let entry_key = entries
                    .iter()
                    .find(|entry| entry.key == key)
                    .ok_or_else(|| file.cannot())?;
                let after_key = entry_key.key_at.span.end;
                let colon = file
                    .text
                    .get(after_key..)
                    .and_then(|rest| rest.find(':'))
                    .map(|at| after_key + at + 1)
                    .ok_or_else(|| file.cannot())?;
                let line_end = file
                    .text
                    .get(colon..)
                    .and_then(|rest| rest.find('\n'))
                    .map_or(file.text.len(), |at| colon + at);
                let rest = file.text.get(colon..line_end).unwrap_or_default();
                let bare = rest.split('#').next().unwrap_or_default().trim();
                if !["", "[]", "~", "null"].contains(&bare) {
                    return Err(file.cannot());
                }
                let kept = match bare.is_empty() {
                    true => rest.to_owned(),
                    false => rest.replacen(&format!(" {bare}"), "", 1),
                };
                let end = (line_end + 1).min(file.text.len());
                splice(
                    file.text,
                    colon..end,
                    &format!("{}{}{}", kept.trim_end(), file.eol, entry("")),
                )
            }
            _ => return Err(file.cannot()),
        },
    };
    let wanted = file.ids(&root).into_iter().chain(
        fields
            .iter()
            .find(|(name, _)| *name == "id")
            .map(|(_, id)| id.clone()),
    );
    file.prove(edited, &wanted.collect::<Vec<_>>())
}

/// The text without the entry at `number`.
pub fn without_entry(source: &Source, key: &str, number: usize) -> Result<String, String> {
    let file = File::new(source, key);
    let root = file.root()?;
    let starts = file.starts(file.items(&root)?)?;
    let start = starts.get(number).copied().ok_or_else(|| file.cannot())?;
    let end = starts
        .get(number + 1)
        .copied()
        .unwrap_or_else(|| file.end(start));
    let mut edited = splice(file.text, start..end, "");
    if starts.len() == 1 {
        // What is left is a key without a value; said as the empty list that it is.
        let key_at = edited
            .get(..start)
            .and_then(|text| text.rfind(&format!("{key}:")))
            .map(|at| at + key.len() + 1);
        let at = key_at.ok_or_else(|| file.cannot())?;
        edited = splice(&edited, at..at, " []");
    }
    let mut wanted = file.ids(&root);
    if number < wanted.len() {
        wanted.remove(number);
    }
    file.prove(edited, &wanted)
}

/// The text with another value in the entry at `number`.
pub fn with_value(
    source: &Source,
    key: &str,
    number: usize,
    name: &str,
    value: &str,
) -> Result<String, String> {
    let file = File::new(source, key);
    let root = file.root()?;
    let items = file.items(&root)?;
    let item = items.get(number).ok_or_else(|| file.cannot())?;
    // Keys may be written with `-` or `_`: a second one beside the other would be refused.
    let spelled = |name: &str| {
        let dashed = name.replace('_', "-");
        [name.to_owned(), dashed]
            .into_iter()
            .find(|name| item.get(name).is_some())
    };
    let dashed = ["vcs-repo", "dst-path"]
        .iter()
        .any(|name| item.get(name).is_some());
    let usual = match dashed {
        true => name.replace('_', "-"),
        false => name.to_owned(),
    };
    let name = spelled(name).unwrap_or(usual);
    let edited = match item.get(&name) {
        Some(node) if !node.is_null() => splice(file.text, node.at.span.clone(), &scalar(value)),
        Some(_) => return Err(file.cannot()),
        None => {
            // Behind what says which entry it is, where a person would write it.
            let last = ["id", "vcs_repo", "dst_path"]
                .into_iter()
                .filter_map(|name| item.get(&spelled(name)?))
                .map(|node| node.at.span.end)
                .max()
                .ok_or_else(|| file.cannot())?;
            let start = item.at.span.start;
            let new = format!("{name}: {}", scalar(value));
            let rest = file.text.get(last..).unwrap_or_default();
            let end = rest.find('\n').map(|at| last + at + 1);
            let indent = " ".repeat(start - file.line(start));
            match end {
                _ if file.text.get(start..).is_some_and(|it| it.starts_with('{')) => {
                    splice(file.text, last..last, &format!(", {new}"))
                }
                Some(end) => splice(file.text, end..end, &format!("{indent}{new}{}", file.eol)),
                None => [file.text, file.eol, &indent, &new, file.eol].concat(),
            }
        }
    };
    let edited = file.prove(edited, &file.ids(&root))?;
    let again = parse(&copy(source, &edited), &mut Diagnostics::new());
    let written = again.as_ref().and_then(|root| match &root.get(key)?.value {
        Value::List(items) => items.get(number)?.get(&name)?.value.scalar(),
        _ => None,
    });
    if written.as_deref() == Some(value) {
        Ok(edited)
    } else {
        Err(file.cannot())
    }
}

fn scalar(text: &str) -> String {
    if matches!(text, "true" | "false") {
        return text.to_owned();
    }
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(|c| {
            c.is_ascii_alphanumeric() || "/._-@+".contains(c) || (c == ':' && text.contains("://"))
        })
        && matches!(super::yaml::resolve(text), Value::Text(_))
        && !text.ends_with(':');
    if plain {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

impl<'a> File<'a> {
    fn new(source: &'a Source, key: &'a str) -> Self {
        let text = source.text.as_str();
        let eol = if text.contains("\r\n") { "\r\n" } else { "\n" };
        Self {
            source,
            key,
            text,
            eol,
        }
    }

    fn cannot(&self) -> String {
        format!(
            "{} is written in a way that coasti does not edit: change it by hand",
            self.source.name
        )
    }

    fn root(&self) -> Result<Node, String> {
        parse(&copy(self.source, self.text), &mut Diagnostics::new()).ok_or_else(|| self.cannot())
    }

    fn items<'n>(&self, root: &'n Node) -> Result<&'n [Node], String> {
        match root.get(self.key).map(|node| &node.value) {
            Some(Value::List(items)) => Ok(items),
            _ => Err(self.cannot()),
        }
    }

    fn ids(&self, root: &Node) -> Vec<String> {
        let items = self.items(root).unwrap_or_default();
        let id = |item: &Node| {
            item.get("id")
                .and_then(|id| id.value.scalar())
                .unwrap_or_default()
        };
        items.iter().map(id).collect()
    }

    fn line(&self, at: usize) -> usize {
        self.text
            .get(..at)
            .and_then(|text| text.rfind('\n'))
            .map_or(0, |at| at + 1)
    }

    /// Where the lines of the entries start, each with `- ` at its head.
    fn starts(&self, items: &[Node]) -> Result<Vec<usize>, String> {
        let one = |item: &Node| {
            let line = self.line(item.at.span.start);
            let head = self.text.get(line..item.at.span.start)?;
            (head.trim() == "-").then_some(line)
        };
        items
            .iter()
            .map(one)
            .collect::<Option<_>>()
            .ok_or_else(|| self.cannot())
    }

    fn indent(&self, start: usize) -> String {
        let rest = self.text.get(start..).unwrap_or_default();
        rest.chars().take_while(|c| *c == ' ').collect()
    }

    /// Where the last entry ends: before the next line that is not deeper than its dash, comments and empty
    /// lines at its end left out.
    fn end(&self, start: usize) -> usize {
        let indent = self.indent(start).len();
        let mut end = start;
        let mut at = start;
        for (n, line) in self
            .text
            .get(start..)
            .unwrap_or_default()
            .split_inclusive('\n')
            .enumerate()
        {
            let bare = line.trim();
            let depth = line.len() - line.trim_start().len();
            at += line.len();
            if n == 0 || (!bare.is_empty() && depth > indent) {
                end = at;
            } else if !bare.is_empty() {
                break;
            }
        }
        end
    }

    /// What was written is read again, and lists what it shall.
    fn prove(&self, edited: String, ids: &[String]) -> Result<String, String> {
        let mut d = Diagnostics::new();
        let again = parse(&copy(self.source, &edited), &mut d).ok_or_else(|| self.cannot())?;
        if self.ids(&again) == ids {
            Ok(edited)
        } else {
            Err(self.cannot())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn file(text: &str) -> Source {
        Source::new("config/products.yml", PathBuf::new(), text)
    }

    fn shop() -> Vec<(&'static str, String)> {
        vec![
            ("id", "shop".to_owned()),
            ("vcs_repo", "git@example.org:a/shop.git".to_owned()),
        ]
    }

    const ENTRY: &str = "- id: shop\n  vcs_repo: 'git@example.org:a/shop.git'\n";

    #[test]
    fn an_entry_more_and_less_keeps_all_else() {
        for (before, after) in [
            ("", format!("products:\n{ENTRY}")),
            (
                "# c\ncoasti_version: 0.2.3\n\nproducts:\n",
                format!("# c\ncoasti_version: 0.2.3\n\nproducts:\n{ENTRY}"),
            ),
            (
                "products: [] # none\n# end\n",
                format!("products: # none\n{ENTRY}# end\n"),
            ),
            (
                "products:\n- vcs_ref: main # why\n  id: a\n  # own\n\n# end\nversion: 1\n",
                format!(
                    "products:\n- vcs_ref: main # why\n  id: a\n  # own\n{ENTRY}\n# end\nversion: 1\n"
                ),
            ),
        ] {
            assert_eq!(
                with_entry(&file(before), "products", &shop()).as_deref(),
                Ok(after.as_str()),
                "{before}"
            );
        }
        let crlf = with_entry(&file("products:\r\n  - id: a\r\n"), "products", &shop()).unwrap();
        assert_eq!(
            crlf,
            "products:\r\n  - id: a\r\n  - id: shop\r\n    vcs_repo: 'git@example.org:a/shop.git'\r\n"
        );
        let three = "products:\n# a's\n- id: a\n- id: b\n  x: {y: 1}\n\n# c's\n- id: c\n# end\n";
        assert_eq!(
            without_entry(&file(three), "products", 2).unwrap(),
            "products:\n# a's\n- id: a\n- id: b\n  x: {y: 1}\n\n# c's\n# end\n"
        );
        assert_eq!(
            without_entry(&file(three), "products", 0).unwrap(),
            "products:\n# a's\n- id: b\n  x: {y: 1}\n\n# c's\n- id: c\n# end\n"
        );
        assert_eq!(
            without_entry(&file("products:\n- id: a\n"), "products", 0).unwrap(),
            "products: []\n"
        );
        for flow in [
            "products: [{id: a}]\n",
            "{products: [{id: a}]}\n",
            "products: 5\n",
        ] {
            assert!(
                with_entry(&file(flow), "products", &shop()).is_err(),
                "{flow}"
            );
            assert!(without_entry(&file(flow), "products", 0).is_err(), "{flow}");
        }
    }

    #[test]
    fn a_value_is_changed_in_its_place() {
        let text = "products:\n- id: a # it\n  vcs_ref: main # branch\n- id: b\n";
        assert_eq!(
            with_value(&file(text), "products", 0, "vcs_ref", "v1.0").unwrap(),
            text.replace("main", "v1.0")
        );
        for (before, after) in [
            (
                "products:\n- id: b\n",
                "products:\n- id: b\n  vcs_ref: '1.0'\n",
            ),
            (
                "products:\n- id: b",
                "products:\n- id: b\n  vcs_ref: '1.0'\n",
            ),
            (
                "products:\r\n  - id: b\r\n    vcs_repo: 'x' # from\r\n    run: {}\r\n",
                "products:\r\n  - id: b\r\n    vcs_repo: 'x' # from\r\n    vcs_ref: '1.0'\r\n    run: {}\r\n",
            ),
            (
                "products:\n- run:\n    compose: x\n  dst_path: >-\n    a\n  vcs_repo: x\n  id: b\n# end\n",
                "products:\n- run:\n    compose: x\n  dst_path: >-\n    a\n  vcs_repo: x\n  id: b\n  vcs_ref: '1.0'\n# end\n",
            ),
            (
                "products:\n- {id: b, enabled: false}\n",
                "products:\n- {id: b, vcs_ref: '1.0', enabled: false}\n",
            ),
            (
                "products:\n- id: b\n  vcs-ref: main # it\n",
                "products:\n- id: b\n  vcs-ref: '1.0' # it\n",
            ),
            (
                "products:\n- id: b\n  vcs-repo: x\n  run: {}\n",
                "products:\n- id: b\n  vcs-repo: x\n  vcs-ref: '1.0'\n  run: {}\n",
            ),
        ] {
            let written = with_value(&file(before), "products", 0, "vcs_ref", "1.0");
            assert_eq!(written.as_deref(), Ok(after), "{before}");
        }
    }
}
