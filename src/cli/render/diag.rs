//! Diagnostics as text, in the manner of rustc, and as JSON.
//!
//! An excerpt shows the user's own line. Values that are secrets by their name are masked in it: output
//! ends up in CI logs and issues.

use super::mask::Masked;
use crate::diag::{Diagnostic, Diagnostics, Place, Severity};
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde_json::{Value, json};
use std::sync::Arc;

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
        // The bar of an excerpt, where there is none.
        let is_bar = |line: &str| one.at.is_none() && visible(line).trim() == "|";
        for line in renderer
            .render(&groups(one))
            .lines()
            .filter(|line| !is_bar(line))
        {
            text.push_str(&fit(line, width.max(40)));
        }
    }
    text
}

/// A line of words that is wider than the terminal, broken at spaces; an excerpt stays as it is.
fn fit(line: &str, width: usize) -> String {
    let plain: String = visible(line);
    let words = ["error", "warning", "help:", "note:"];
    let is_text = words
        .iter()
        .any(|word| plain.trim_start_matches([' ', '=']).starts_with(word));
    let mut text = String::new();
    let mut used = 0;
    for (n, word) in line.split(' ').enumerate() {
        let length = visible(word).chars().count();
        if n > 0 && is_text && used + 1 + length > width {
            text.push_str("\n    ");
            used = 4;
        } else if n > 0 {
            text.push(' ');
            used += 1;
        }
        text.push_str(word);
        used += length;
    }
    text.push('\n');
    text
}

/// A text without its colours.
fn visible(text: &str) -> String {
    let mut seen = String::new();
    let mut escaped = false;
    for c in text.chars() {
        match (escaped, c) {
            (false, '\u{1b}') => escaped = true,
            (false, c) => seen.push(c),
            (true, c) => escaped = !c.is_ascii_alphabetic(),
        }
    }
    seen
}

/// A message with words of the user's in it, which may be of any length.
fn brief(text: &str) -> String {
    const MOST: usize = 1000;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn groups(one: &Diagnostic) -> Vec<Group<'static>> {
    let level = match one.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(brief(&one.summary)).id(one.code);
    let mut group = Group::with_title(title);
    let mut others: Vec<&(Place, String)> = one.related.iter().collect();
    if let Some(at) = &one.at {
        // Between places that are far apart there is too much to look at.
        let same = |(place, _): &&(Place, String)| {
            Arc::ptr_eq(&place.source, &at.source)
                && place.span.start.abs_diff(at.span.start) < LOOK_BACK
        };
        let here: Vec<_> = others.iter().copied().filter(same).collect();
        others.retain(|other| !same(other));
        let mut places = vec![(at, one.label.as_str(), AnnotationKind::Primary)];
        places.extend(
            here.iter()
                .map(|(place, text)| (place, text.as_str(), AnnotationKind::Context)),
        );
        group = match is_short(at) {
            true => group.element(snippet(&places)),
            false => group.element(bare(at)),
        };
    }
    for (place, text) in others {
        group = match is_short(place) {
            true => group.element(snippet(&[(place, text, AnnotationKind::Context)])),
            false => group.element(bare(place)),
        };
    }
    let mut groups = vec![group];
    for help in &one.help {
        groups.push(Group::with_title(Level::HELP.secondary_title(brief(help))));
    }
    groups
}

/// Whether the line is one that a person can look at.
fn is_short(at: &Place) -> bool {
    const MOST: usize = 4096;
    let text = at.source.text.as_bytes();
    let (before, after) = text.split_at(at.span.start.min(text.len()));
    let start = before
        .iter()
        .rev()
        .take(MOST)
        .position(|byte| *byte == b'\n');
    let end = after.iter().take(MOST).position(|byte| *byte == b'\n');
    (start.is_some() || before.len() < MOST)
        && (end.is_some() || after.len() < MOST)
        && at.span.len() < MOST
}

/// A place without its text.
fn bare(at: &Place) -> Origin<'static> {
    let (line, column) = at.line_column();
    Origin::path(at.source.name.clone())
        .line(line)
        .char_column(column)
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
    let before = text.get(..from).unwrap_or_default().bytes();
    let line = before.filter(|byte| *byte == b'\n').count() + 1;
    // A secret of several lines is known by the line above it, which may be before the excerpt.
    let mut base = from.saturating_sub(LOOK_BACK);
    while !text.is_char_boundary(base) {
        base -= 1;
    }
    let masked = if first.source.name.ends_with(".csv") {
        // Its head says which column is the secret, and quotes may run over lines: no part will do.
        Masked::table(text.get(..to).unwrap_or_default()).after(from)
    } else {
        Masked::keys(text.get(base..to).unwrap_or_default()).after(from - base)
    };
    // Beside what is masked a place may be in the middle of a character.
    let whole = |mut at: usize| {
        at = at.min(masked.text.len());
        while !masked.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let annotations: Vec<_> = places
        .iter()
        .map(|(place, label, kind)| {
            let span = whole(masked.place(place.span.start.saturating_sub(from)))
                ..whole(masked.place(place.span.end.saturating_sub(from)));
            let annotation = kind.span(span);
            if label.is_empty() {
                annotation
            } else {
                annotation.label(brief(label))
            }
        })
        .collect();
    // What ends a line is no part of it; places stay.
    let mut text = masked.text.replace("\r\n", " \n");
    if text.ends_with('\r') {
        text.pop();
        text.push(' ');
    }
    Snippet::source(text)
        .path(first.source.name.clone())
        .line_start(line)
        .annotations(annotations)
}

/// How far before an excerpt the start of a secret is looked for.
const LOOK_BACK: usize = 64 * 1024;

/// All diagnostics for programs: one object each, in the order of [`human`].
pub fn json(diagnostics: &Diagnostics) -> Value {
    json!({
        "format_version": "1.0",
        "valid": !diagnostics.has_errors(),
        "diagnostics": list(diagnostics),
    })
}

/// They alone, as part of another document.
pub fn list(diagnostics: &Diagnostics) -> Value {
    let place = |place: &Place| {
        let (line, column) = place.line_column();
        json!({ "file": place.source.name, "line": line, "column": column })
    };
    let one = |one: &Diagnostic| {
        let mut object = json!({
            "code": one.code,
            "severity": one.severity,
            "summary": brief(&one.summary),
            "label": brief(&one.label),
            "help": one.help.iter().map(|help| brief(help)).collect::<Vec<_>>(),
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
        Arc::new(Source::new("config/deploy.yml", "config/deploy.yml", text))
    }

    fn at(source: &Arc<Source>, what: &str) -> Place {
        let start = source.text.find(what).unwrap();
        Place::new(source, start..start + what.len())
    }

    #[test]
    fn sentences_fit_a_narrow_terminal_and_excerpts_stay_whole() {
        let line = "error[E0104]: a sentence of several words that is long";
        let fitted = "error[E0104]: a sentence of several\n    words that is long\n";
        assert_eq!(fit(line, 40), fitted);
        let red = format!("\u{1b}[31m{line}\u{1b}[0m");
        assert_eq!(visible(&fit(&red, 40)), fitted);
        let excerpt = "12 | a line of the user's own that is wider than forty columns";
        assert_eq!(fit(excerpt, 40), format!("{excerpt}\n"));
    }

    #[test]
    fn a_place_beside_what_is_masked_ends_with_a_character() {
        let text = "urd,email\na<\u{fffd}\u{fffd}\u{fffd}\u{fffd}\"usernam\nusername,\u{fffd}e,dc\"\u{793}\u{1}`\u{fffd}\u{fffd}\"\",a\0ex\u{fffd}ea";
        let source = Arc::new(Source::new("a.csv", "a.csv", text));
        let at = at(&source, "\0");
        let mut d = Diagnostics::new();
        d.push(Diagnostic::error("E0102", Some(at), "a zero byte"));
        assert!(human(&d, false, 80).contains("a zero byte"));
    }

    #[test]
    fn an_excerpt_has_no_sign_for_the_end_of_a_line() {
        let source = source("a: 1\r\nb: 2\r\na: 3\r\n");
        let mut d = Diagnostics::new();
        let again = Place::new(&source, 12..13);
        d.push(Diagnostic::error("E0103", Some(again), "twice").related(at(&source, "a"), "first"));
        let shown = human(&d, false, 80);
        assert!(shown.contains("1 | a: 1 \n"), "{shown}");
        assert!(shown.contains("3 | a: 3 \n"), "{shown}");
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
        all.push(Diagnostic::warning("W0150", None, "nothing in particular").help("nothing"));
        insta::assert_snapshot!(human(&all, false, 80), @r#"
        warning[W0150]: nothing in particular
        help: nothing

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
        insta::assert_snapshot!(list(&all), @r#"[{"code":"W0150","help":["nothing"],"label":"","related":[],"severity":"warning","summary":"nothing in particular"},{"code":"E0104","column":3,"file":"config/deploy.yml","help":["did you mean `image`?"],"label":"not known here","line":3,"related":[],"severity":"error","summary":"unknown key `imagee`"},{"code":"E0114","column":10,"file":"config/deploy.yml","help":[],"label":"the second","line":4,"related":[{"column":10,"file":"config/deploy.yml","line":2,"text":"the first"}],"severity":"error","summary":"two sites have the label `wiki`"}]"#);
        assert!(human(&all, true, 80).contains('\u{1b}'));
    }

    #[test]
    fn excerpts_show_no_secret() {
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
    fn excerpts_of_tables_show_no_password() {
        let head = "username,password,email\n";
        let source = Arc::new(Source::new(
            "config/credentials.csv",
            "x",
            format!("{head}u,hunter2,u@x.org\nv,hunter3,v@x.org\n"),
        ));
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
            let file = |text: &str| Arc::new(Source::new(path, path, text));
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
