//! Diagnostics as text, in the manner of rustc, and as JSON.
//!
//! An excerpt shows the user's own line. Values that are secrets by their name are masked in it: output
//! ends up in CI logs and issues.

use crate::config::secrecy;
use crate::diag::{Diagnostic, Diagnostics, Place, Severity};
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::{Value, json};
use std::{ops::Range, sync::Arc};

/// All diagnostics for people, by file and place, an empty line between two.
pub fn human(diagnostics: &Diagnostics, color: bool, width: usize) -> String {
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let renderer = renderer
        .decor_style(DecorStyle::Ascii)
        .term_width(width.max(40));
    let mut text = String::new();
    for one in diagnostics.sorted() {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&renderer.render(&groups(one)));
        text.push('\n');
    }
    text
}

fn groups(one: &Diagnostic) -> Vec<Group<'static>> {
    let level = match one.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(one.summary.clone()).id(one.code);
    let mut group = Group::with_title(title);
    let mut others: Vec<&(Place, String)> = one.related.iter().collect();
    if let Some(at) = &one.at {
        let same = |(place, _): &&(Place, String)| Arc::ptr_eq(&place.source, &at.source);
        let here: Vec<_> = others.iter().copied().filter(same).collect();
        others.retain(|other| !same(other));
        let mut places = vec![(at, one.label.as_str(), AnnotationKind::Primary)];
        places.extend(
            here.iter()
                .map(|(place, text)| (place, text.as_str(), AnnotationKind::Context)),
        );
        group = group.element(snippet(&places));
    }
    for (place, text) in others {
        group = group.element(snippet(&[(place, text, AnnotationKind::Context)]));
    }
    let mut groups = vec![group];
    for help in &one.help {
        groups.push(Group::with_title(Level::HELP.secondary_title(help.clone())));
    }
    groups
}

/// The lines of one file that matter.
fn snippet(places: &[(&Place, &str, AnnotationKind)]) -> Snippet<'static, Annotation<'static>> {
    let Some((first, ..)) = places.first() else {
        return Snippet::source(String::new());
    };
    let text = first.source.text.as_str();
    // A file may have megabytes; of those only the lines from the first place to the last are taken.
    let starts = places
        .iter()
        .map(|(place, ..)| place.span.start)
        .min()
        .unwrap_or(0);
    let ends = places
        .iter()
        .map(|(place, ..)| place.span.end)
        .max()
        .unwrap_or(0);
    let from = text
        .get(..starts)
        .and_then(|before| before.rfind('\n'))
        .map_or(0, |at| at + 1);
    let to = text
        .get(ends..)
        .and_then(|after| after.find('\n'))
        .map_or(text.len(), |at| ends + at);
    let line = text.get(..from).unwrap_or_default().matches('\n').count() + 1;
    // A secret of several lines is known by the line above it, which may be before the excerpt.
    let mut base = from.saturating_sub(LOOK_BACK);
    while !text.is_char_boundary(base) {
        base -= 1;
    }
    let masked = if first.source.name.ends_with(".csv") {
        // Its head says which column is the secret, and quotes may run over lines: no part will do.
        let whole = text.get(..to).unwrap_or_default();
        Masked::with(whole, columns(whole)).after(from)
    } else {
        let part = text.get(base..to).unwrap_or_default();
        Masked::with(part, secrets(part)).after(from - base)
    };
    let annotations: Vec<_> = places
        .iter()
        .map(|(place, label, kind)| {
            let span = masked.place(place.span.start.saturating_sub(from))
                ..masked.place(place.span.end.saturating_sub(from));
            let annotation = kind.span(span);
            if label.is_empty() {
                annotation
            } else {
                annotation.label((*label).to_owned())
            }
        })
        .collect();
    Snippet::source(masked.text)
        .path(first.source.name.clone())
        .line_start(line)
        .annotations(annotations)
}

/// How far before an excerpt the start of a secret is looked for.
const LOOK_BACK: usize = 64 * 1024;

/// A text with its secrets replaced by `***`.
struct Masked {
    text: String,
    /// What was replaced, in order.
    secrets: Vec<Range<usize>>,
}

const MASK: &str = "***";

impl Masked {
    fn with(text: &str, secrets: Vec<Range<usize>>) -> Self {
        let mut masked = String::new();
        let mut at = 0;
        for secret in &secrets {
            masked.push_str(text.get(at..secret.start).unwrap_or_default());
            masked.push_str(MASK);
            at = secret.end;
        }
        masked.push_str(text.get(at..).unwrap_or_default());
        Self {
            text: masked,
            secrets,
        }
    }

    /// The part from a line's start on.
    fn after(self, start: usize) -> Self {
        let cut = self.place(start);
        let text = self.text.get(cut..).unwrap_or_default().to_owned();
        let secrets = self.secrets.into_iter().filter(|secret| secret.end > start);
        let secrets = secrets.map(|secret| secret.start.saturating_sub(start)..secret.end - start);
        Self {
            text,
            secrets: secrets.collect(),
        }
    }

    /// Where a byte of the text is now.
    fn place(&self, at: usize) -> usize {
        let (mut removed, mut added) = (0, 0);
        for secret in &self.secrets {
            if at >= secret.end {
                removed += secret.len();
                added += MASK.len();
            } else if at > secret.start {
                return (secret.start + added - removed + MASK.len()).min(self.text.len());
            }
        }
        (at + added).saturating_sub(removed).min(self.text.len())
    }
}

/// What of the lines below still belongs to a secret.
#[derive(Clone, Copy)]
enum Below {
    /// Nothing.
    Nothing,
    /// Lines that are indented deeper than this.
    Deeper(usize),
    /// Everything up to these quotes.
    Until(&'static str),
}

/// Columns of a CSV file that may be shown; any other may be the one with passwords, whatever it is called.
const SHOWN: &[&str] = &["username", "email"];

/// Fields of a CSV file that must not be shown. Where its quotes are wrong, that is all from there on.
fn columns(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut shown: Option<Vec<bool>> = None;
    let mut head: Vec<(String, Range<usize>)> = Vec::new();
    let (mut at, mut column) = (0, 0);
    while at <= text.len() {
        let rest = text.get(at..).unwrap_or_default();
        let mut inside = false;
        let length = rest
            .bytes()
            .position(|byte| {
                inside ^= byte == b'"';
                !inside && matches!(byte, b',' | b'\n')
            })
            .unwrap_or(rest.len());
        let field = rest
            .get(..length)
            .unwrap_or_default()
            .trim_end_matches('\r');
        match &shown {
            None => head.push((field.trim().to_ascii_lowercase(), at..at + field.len())),
            Some(shown) if shown.get(column) == Some(&true) && !field.contains('"') => {}
            Some(_) if field.is_empty() => {}
            Some(_) => found.push(at..at + field.len()),
        }
        let ended = rest.as_bytes().get(length) != Some(&b',');
        at += length + 1;
        column += 1;
        if ended {
            if shown.is_none() {
                let known = |name: &str| SHOWN.contains(&name) || name == "password";
                if !head.iter().any(|(name, _)| known(name)) {
                    // Whoever forgot the head has a user there.
                    found.extend(head.iter().map(|(_, span)| span.clone()));
                }
                let names = head.iter().map(|(name, _)| name.as_str());
                shown = Some(names.map(|name| SHOWN.contains(&name)).collect());
            }
            column = 0;
        }
    }
    found
}

/// Values of keys whose names tell a secret, and passwords in URLs.
fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    let mut below = Below::Nothing;
    for line in text.split_inclusive('\n') {
        let body = line.trim_end_matches(['\n', '\r']);
        let indent = body.len() - body.trim_start().len();
        let start = at;
        at += line.len();
        if body.trim().is_empty() {
            continue;
        }
        match below {
            Below::Deeper(depth) if indent > depth => {
                found.push(start + indent..start + body.len())
            }
            Below::Until(end) => {
                found.push(start + indent..start + body.len());
                if body.contains(end) {
                    below = Below::Nothing;
                }
            }
            _ => {
                let (values, goes_on) = values(body, indent);
                found.extend(
                    values
                        .iter()
                        .map(|value| start + value.start..start + value.end),
                );
                below = goes_on;
            }
        }
    }
    for (mark, _) in text.match_indices("://") {
        let rest = text.get(mark + 3..).unwrap_or_default();
        let end = rest
            .find(|c: char| "/?# \t\n\"'".contains(c))
            .unwrap_or(rest.len());
        let authority = rest.get(..end).unwrap_or_default();
        if let Some((user, _)) = authority.rsplit_once('@')
            && let Some((name, password)) = user.split_once(':')
            && !password.is_empty()
        {
            let start = mark + 3 + name.len() + 1;
            found.push(start..start + password.len());
        }
    }
    found.sort_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
    let mut apart: Vec<Range<usize>> = Vec::new();
    for range in found {
        match apart.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => apart.push(range),
        }
    }
    apart
}

/// Secret values on a line, and whether the last of them goes on below.
fn values(line: &str, indent: usize) -> (Vec<Range<usize>>, Below) {
    let mut found = Vec::new();
    let mut below = Below::Nothing;
    let mut at = 0;
    while let Some(length) = line.get(at..).and_then(|rest| rest.find([':', '='])) {
        let separator = at + length;
        at = separator + 1;
        let key = line.get(..separator).unwrap_or_default().trim_end();
        let key = key.trim_end_matches(['"', '\'']);
        let start = key
            .rfind(|c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c)))
            .map_or(0, |at| {
                at + key
                    .get(at..)
                    .and_then(|k| k.chars().next())
                    .map_or(1, char::len_utf8)
            });
        if !secrecy::is_secret_name(key.get(start..).unwrap_or_default()) {
            continue;
        }
        let rest = line.get(separator + 1..).unwrap_or_default();
        let value = rest.trim_start();
        let from = line.len() - value.len();
        let length = match value.chars().next() {
            None | Some('|' | '>') => {
                below = Below::Deeper(indent);
                continue;
            }
            Some('{' | '[') => continue,
            Some(_) if value.starts_with("\"\"\"") || value.starts_with("'''") => {
                let quotes = if value.starts_with('"') {
                    "\"\"\""
                } else {
                    "'''"
                };
                let end = value.get(3..).and_then(|rest| rest.find(quotes));
                if end.is_none() {
                    below = Below::Until(quotes);
                }
                end.map_or(value.len(), |end| end + 6)
            }
            Some(quote @ ('"' | '\'')) => {
                let inner = value.get(1..).unwrap_or_default();
                let mut escaped = false;
                let end = inner.find(|c| {
                    let end = c == quote && !escaped;
                    escaped = c == '\\' && !escaped && quote == '"';
                    end
                });
                if end.is_none() {
                    below = Below::Deeper(indent);
                }
                end.map_or(value.len(), |end| end + 2)
            }
            Some(_) => value
                .find([',', '}'])
                .filter(|_| line.trim_start().starts_with(['{', '-']) || line.contains('{'))
                .unwrap_or(value.len()),
        };
        if length > 0 {
            found.push(from..from + length);
            at = from + length;
        }
    }
    (found, below)
}

/// All diagnostics for programs: one object each, in the order of [`human`].
pub fn json(diagnostics: &Diagnostics) -> Value {
    let place = |place: &Place| {
        let (line, column) = place.line_column();
        json!({ "file": place.source.name, "line": line, "column": column })
    };
    let one = |one: &Diagnostic| {
        let mut object = json!({
            "code": one.code,
            "severity": one.severity,
            "summary": one.summary,
            "label": one.label,
            "help": one.help,
            "related": one.related.iter().map(|(at, text)| {
                let mut related = place(at);
                if let Value::Object(fields) = &mut related {
                    fields.insert("text".to_owned(), Value::from(text.as_str()));
                }
                related
            }).collect::<Vec<_>>(),
        });
        if let (Value::Object(fields), Some(Value::Object(at))) =
            (&mut object, one.at.as_ref().map(place))
        {
            fields.extend(at);
        }
        object
    };
    diagnostics.sorted().into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Source;

    fn source(text: &str) -> Arc<Source> {
        Arc::new(Source {
            name: "config/deploy.yml".into(),
            path: "config/deploy.yml".into(),
            text: text.into(),
        })
    }

    fn at(source: &Arc<Source>, what: &str) -> Place {
        let start = source.text.find(what).unwrap();
        Place::new(source, start..start + what.len())
    }

    #[test]
    fn a_problem_is_shown_at_its_place() {
        let source = source("site:\n- label: wiki\n  imagee: x\n- label: wiki\n");
        let mut all = Diagnostics::new();
        all.push(
            Diagnostic::error("E0104", Some(at(&source, "imagee")), "unknown key `imagee`")
                .label("not known here")
                .help("did you mean `image`?"),
        );
        let second = Place::new(&source, 41..45);
        all.push(
            Diagnostic::error("E0114", Some(second), "two sites have the label `wiki`")
                .label("the second")
                .related(at(&source, "wiki"), "the first"),
        );
        all.push(Diagnostic::warning("W0150", None, "nothing in particular"));
        insta::assert_snapshot!(human(&all, false, 80), @r#"
        warning[W0150]: nothing in particular

        error[E0104]: unknown key `imagee`
         --> config/deploy.yml:3:3
          |
        3 |   imagee: x
          |   ^^^^^^ not known here
          |
        help: did you mean `image`?

        error[E0114]: two sites have the label `wiki`
         --> config/deploy.yml:4:10
          |
        2 | - label: wiki
          |          ---- the first
        3 |   imagee: x
        4 | - label: wiki
          |          ^^^^ the second
        "#);
        insta::assert_snapshot!(json(&all), @r#"[{"code":"W0150","help":[],"label":"","related":[],"severity":"warning","summary":"nothing in particular"},{"code":"E0104","column":3,"file":"config/deploy.yml","help":["did you mean `image`?"],"label":"not known here","line":3,"related":[],"severity":"error","summary":"unknown key `imagee`"},{"code":"E0114","column":10,"file":"config/deploy.yml","help":[],"label":"the second","line":4,"related":[{"column":10,"file":"config/deploy.yml","line":2,"text":"the first"}],"severity":"error","summary":"two sites have the label `wiki`"}]"#);
        assert!(human(&all, true, 80).contains('\u{1b}'));
    }

    #[test]
    fn secrets_are_masked_on_the_line() {
        for (line, shown) in [
            ("  DB_PASSWORD: hunter2", "  DB_PASSWORD: ***"),
            (
                "env: {A: 1, API_TOKEN: ab'c, B: 2}",
                "env: {A: 1, API_TOKEN: ***, B: 2}",
            ),
            ("PWD = \"a \\\" b\" # x", "PWD = *** # x"),
            ("\"secret\": \"é\", \"b\": 1", "\"secret\": ***, \"b\": 1"),
            (
                "A_SECRET = '''x\ny\nz'''\nB = 1",
                "A_SECRET = ***\n***\n***\nB = 1",
            ),
            ("URL: pg://u:p@h/db", "URL: pg://u:***@h/db"),
            ("PASSWORD: {random: true}", "PASSWORD: {random: true}"),
            (
                "KEY: |\n  plain\nB_SECRET: |\n  one\n  two\nC: 3",
                "KEY: |\n  plain\nB_SECRET: |\n  ***\n  ***\nC: 3",
            ),
        ] {
            assert_eq!(Masked::with(line, secrets(line)).text, shown);
        }
        let hidden = source("A: 1\nMY_SECRET: |\n  one\n  two\n");
        let mut all = Diagnostics::new();
        all.push(Diagnostic::error(
            "E0105",
            Some(at(&hidden, "two")),
            "wrong",
        ));
        assert!(!human(&all, false, 80).contains("two"));
        let source = source("env: {PASSWORD: hunter2, B: x}\n");
        let mut all = Diagnostics::new();
        all.push(Diagnostic::error("E0105", Some(at(&source, "x")), "wrong"));
        let text = human(&all, false, 80);
        insta::assert_snapshot!(text, @r#"
        error[E0105]: wrong
         --> config/deploy.yml:1:25
          |
        1 | env: {PASSWORD: ***, B: x}
          |                         ^
        "#);
    }

    #[test]
    fn passwords_in_tables_are_masked() {
        let shown = |text: &str| Masked::with(text, columns(text)).text;
        let head = "username,password,email\n";
        assert_eq!(
            shown(&format!("{head}u,hunter2,u@x.org\r\n")),
            format!("{head}u,***,u@x.org\r\n")
        );
        assert_eq!(
            shown(&format!("{head}u,\"a,\nb\",u@x.org\n")),
            format!("{head}u,***,u@x.org\n")
        );
        assert_eq!(
            shown(&format!("{head}u,\"hunter2,u@x.org\nv,w")),
            format!("{head}u,***")
        );
        assert_eq!(
            shown("email,pasword\nu@x.org,hunter2"),
            "email,pasword\nu@x.org,***"
        );
        assert_eq!(shown("u,hunter2,u@x.org\nv,x"), "***,***,***\n***,***");
        let source = Arc::new(Source {
            name: "config/credentials.csv".into(),
            path: "x".into(),
            text: format!("{head}u,hunter2,u@x.org\nv,hunter3,v@x.org\n"),
        });
        let mut all = Diagnostics::new();
        all.push(Diagnostic::warning("W0158", Some(at(&source, "hunter3")), "weak").label("known"));
        insta::assert_snapshot!(human(&all, false, 80), @r"
        warning[W0158]: weak
         --> config/credentials.csv:3:3
          |
        3 | v,***,v@x.org
          |   ^^^ known
        ");
    }

    #[test]
    fn no_place_makes_it_fail() {
        let source = source("é: \"ü\"\r\n\tPASSWORD: x\r\n");
        for start in 0..=source.text.len() {
            for end in start..=source.text.len() {
                if source.text.is_char_boundary(start) && source.text.is_char_boundary(end) {
                    let mut all = Diagnostics::new();
                    let place = Some(Place::new(&source, start..end));
                    all.push(Diagnostic::error("E0105", place, "wrong"));
                    assert!(!human(&all, false, 10).contains("PASSWORD: x"));
                }
            }
        }
    }

    struct One(String, String);

    impl crate::config::Folder for One {
        fn read(&self, path: &str) -> Result<Option<Arc<Source>>, crate::config::Unreadable> {
            let file = |text: &str| {
                Arc::new(Source {
                    name: path.into(),
                    path: path.into(),
                    text: text.into(),
                })
            };
            Ok((path == self.0).then(|| file(&self.1)))
        }

        fn exists(&self, _: &str) -> bool {
            false
        }

        fn name(&self) -> String {
            "acme".into()
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn any_file_can_be_shown(
            text in "(site|label|PASSWORD|username,password,email\n|env|[,-:\\[\\]{}#'\"a-z\u{e9}\t\r\n =.]|\\PC){0,60}",
            name in "deploy.(yml|toml|json)|products.yml|services.env|credentials.csv",
        ) {
            let mut all = Diagnostics::new();
            let _ = crate::config::read(&One(format!("config/{name}"), text), &mut all);
            let _ = (human(&all, true, 20), json(&all));
        }
    }
}
