//! What was done to a stack, and one revision or run of it.

use super::style::{self, Cell, Style, Tone, clean};
use crate::model::{Role, Stack};
use crate::store::record::{Outcome, Revision, RunRecord};
use serde_json::{Value, json as object};

/// All runs, the newest first.
pub fn human(runs: &[RunRecord], now: jiff::Timestamp, style: &Style) -> String {
    if runs.is_empty() {
        return "No history yet.\n".to_owned();
    }
    let head = ["RUN", "WHAT", "WHEN", "TOOK", "WHO", "COMMIT", "OUTCOME"];
    let head: Vec<Cell> = head.map(|text| Cell::new(Tone::Dim, text)).into();
    let mut rows = vec![head];
    for run in newest_first(runs) {
        let (word, tone) = outcome(run);
        rows.push(vec![
            Cell::plain(run.seq.to_string()),
            Cell::plain(what(run)),
            Cell::plain(style::ago(&run.began, now)),
            Cell::plain(took(run)),
            Cell::plain(&run.actor),
            Cell::new(Tone::Dim, commit(run)),
            Cell::new(tone, word),
        ]);
    }
    if style::table_width(&rows) <= style.width {
        return style::table(style, 0, &rows);
    }
    // Too narrow for a table: two lines a run, nothing lost.
    let mut text = String::new();
    for run in newest_first(runs) {
        let (word, tone) = outcome(run);
        let head = format!("{} {} {}", run.seq, style.dot(), clean(&what(run)));
        text.push_str(&format!(
            "{} {} {}\n",
            style.paint(Tone::Strong, &head),
            style.dot(),
            style.paint(tone, word)
        ));
        let facts = [
            style::ago(&run.began, now),
            took(run),
            clean(&run.actor),
            commit(run),
        ];
        let facts: Vec<_> = facts.iter().filter(|f| !f.is_empty()).cloned().collect();
        text.push_str(&style.wrap(4, &facts.join(&format!(" {} ", style.dot()))));
    }
    text
}

/// One run, with the stack that it applied where that is known.
pub fn human_one(
    run: &RunRecord,
    revision: Option<&Revision>,
    now: jiff::Timestamp,
    style: &Style,
) -> String {
    let (word, tone) = outcome(run);
    let mut rows = Vec::new();
    let mut row = |name: &str, value: String, tone: Tone| {
        if !value.is_empty() {
            rows.push(vec![Cell::new(Tone::Dim, name), Cell::new(tone, value)]);
        }
    };
    row("run", format!("{} ({})", run.seq, run.id), Tone::Plain);
    row("what", what(run), Tone::Strong);
    let began = format!("{} ({})", run.began, style::ago(&run.began, now));
    row("began", began, Tone::Plain);
    row("took", took(run), Tone::Plain);
    row("who", run.actor.clone(), Tone::Plain);
    row(
        "commit",
        run.commit.clone().unwrap_or_default(),
        Tone::Plain,
    );
    row("outcome", word.to_owned(), tone);
    let mut text = style::table(style, 0, &rows);
    if let Some(end) = &run.end {
        text.push_str(&style.wrap(9, &clean(&end.summary)));
    }
    if let Some(revision) = revision {
        text.push_str(&format!(
            "\n{}\n",
            style.paint(Tone::Strong, &format!("Revision {}", revision.id))
        ));
        text.push_str(&summary(revision, style));
    }
    if let Some(logs) = run.end.as_ref().and_then(|end| end.logs.as_ref()) {
        text.push_str(&format!(
            "\n{}\n",
            style.paint(Tone::Strong, "Last output of what failed")
        ));
        for line in logs.lines() {
            text.push_str(&format!("  {} {}\n", bar(style), clean(line)));
        }
    }
    text
}

const fn bar(style: &Style) -> &'static str {
    if style.unicode { "│" } else { "|" }
}

/// What a revision's stack is made of: its containers with their images.
fn summary(revision: &Revision, style: &Style) -> String {
    let rows: Vec<_> = revision
        .stack
        .containers()
        .map(|(id, resource, spec)| {
            let domain = resource.about.as_ref().and_then(|a| a.domain.clone());
            let image = spec
                .image
                .strip_prefix("docker.io/library/")
                .unwrap_or(&spec.image);
            vec![
                Cell::plain(&id.address),
                Cell::plain(image),
                Cell::new(Tone::Dim, pinned(revision, &spec.image)),
                Cell::plain(domain.unwrap_or_default()),
            ]
        })
        .collect();
    if style::table_width(&rows) + 2 <= style.width {
        return style::table(style, 2, &rows);
    }
    let mut text = String::new();
    for row in rows {
        let mut facts = row
            .iter()
            .map(|cell| cell.text.as_str())
            .filter(|text| !text.is_empty());
        text.push_str(&style.wrap(2, facts.next().unwrap_or_default()));
        text.push_str(&style.wrap(6, &facts.collect::<Vec<_>>().join("  ")));
    }
    text
}

/// The start of the digest or id that an image's reference named.
fn pinned(revision: &Revision, image: &str) -> String {
    let Some(digest) = revision.images.get(image) else {
        return String::new();
    };
    let digits = digest.rsplit(':').next().unwrap_or(digest);
    digits.chars().take(12).collect()
}

/// All runs for programs, the newest first.
pub fn json(runs: &[RunRecord]) -> Value {
    let runs: Vec<_> = newest_first(runs).collect();
    object!({ "format_version": "1.0", "runs": runs })
}

/// One run for programs; of its revision the apps and images, never the values.
pub fn json_one(run: &RunRecord, revision: Option<&Revision>) -> Value {
    let revision = revision.map(|revision| {
        object!({
            "id": revision.id,
            "commit": revision.commit,
            "images": revision.images,
            "digest": revision.stack.digest(),
            "apps": apps(&revision.stack),
        })
    });
    object!({ "format_version": "1.0", "run": run, "revision": revision })
}

fn apps(stack: &Stack) -> Vec<Value> {
    stack
        .containers()
        .filter_map(|(id, resource, spec)| {
            let about = resource.about.as_ref()?;
            (about.role == Role::App).then(|| {
                object!({
                    "label": id.label(),
                    "product": about.product,
                    "version": about.version,
                    "domain": about.domain,
                    "image": spec.image,
                })
            })
        })
        .collect()
}

fn newest_first(runs: &[RunRecord]) -> impl Iterator<Item = &RunRecord> {
    let mut sorted: Vec<_> = runs.iter().collect();
    sorted.sort_by_key(|run| std::cmp::Reverse(run.seq));
    sorted.into_iter()
}

/// `apply r7`, `stop wiki`.
fn what(run: &RunRecord) -> String {
    let mut words = vec![run.what.clone()];
    match &run.revision {
        Some(revision) if run.about.is_empty() => words.push(revision.to_string()),
        _ => words.extend(run.about.clone()),
    }
    words.join(" ")
}

fn took(run: &RunRecord) -> String {
    run.end
        .as_ref()
        .map(|end| style::took(end.took_ms))
        .unwrap_or_default()
}

fn commit(run: &RunRecord) -> String {
    let commit = run.commit.as_deref().unwrap_or_default();
    commit.chars().take(8).collect()
}

fn outcome(run: &RunRecord) -> (&'static str, Tone) {
    match run.end.as_ref().map(|end| end.outcome) {
        None => ("unfinished", Tone::Warn),
        Some(Outcome::Done) => ("done", Tone::Good),
        Some(Outcome::Undone) => ("failed, undone", Tone::Warn),
        Some(Outcome::NotUndone) => ("failed, not fully undone", Tone::Bad),
        Some(Outcome::Interrupted) => ("interrupted, undone", Tone::Warn),
        Some(Outcome::Recovered) => ("cut off, recovered", Tone::Warn),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{RevisionId, RunId};
    use crate::plan::fixture;
    use crate::store::record::RunEnd;

    fn runs() -> Vec<RunRecord> {
        let run = |seq: u64, began: &str, outcome: Option<Outcome>| RunRecord {
            adopted: Vec::new(),
            id: RunId::new(format!("{seq:016x}")),
            seq,
            what: "apply".into(),
            about: Vec::new(),
            actor: "ann@laptop".into(),
            commit: Some("0123456789abcdef".into()),
            revision: Some(RevisionId::new(format!("r{seq}"))),
            began: began.into(),
            end: outcome.map(|outcome| RunEnd {
                outcome,
                at: began.into(),
                took_ms: 12_340,
                summary: "container:blog did not start".into(),
                logs: Some("no such table\n\x1b[2Jgone".into()),
            }),
        };
        let mut stop = run(3, "2026-11-20T13:59:30Z", Some(Outcome::Done));
        stop.what = "stop".into();
        stop.about = vec!["wiki".into()];
        vec![
            run(1, "2026-11-18T14:00:00Z", Some(Outcome::Done)),
            run(2, "2026-11-20T13:00:00Z", Some(Outcome::Undone)),
            stop,
            run(4, "2026-11-20T13:59:50Z", None),
        ]
    }

    fn now() -> jiff::Timestamp {
        "2026-11-20T14:00:00Z".parse().unwrap()
    }

    #[test]
    fn runs_are_listed_newest_first() {
        insta::assert_snapshot!(human(&runs(), now(), &Style::default()), @"
        RUN  WHAT       WHEN        TOOK    WHO         COMMIT    OUTCOME
        4    apply r4   10 s ago            ann@laptop  01234567  unfinished
        3    stop wiki  30 s ago    12.3 s  ann@laptop  01234567  done
        2    apply r2   1 h ago     12.3 s  ann@laptop  01234567  failed, undone
        1    apply r1   2 days ago  12.3 s  ann@laptop  01234567  done
        ");
        assert_eq!(json(&runs())["runs"][0]["seq"], 4);
    }

    #[test]
    fn a_narrow_terminal_gets_two_lines_a_run() {
        let style = Style {
            width: 40,
            ..Style::default()
        };
        insta::assert_snapshot!(human(&runs()[..2], now(), &style), @"
        2 · apply r2 · failed, undone
            1 h ago · 12.3 s · ann@laptop ·
            01234567
        1 · apply r1 · done
            2 days ago · 12.3 s · ann@laptop ·
            01234567
        ");
    }

    #[test]
    fn one_run_shows_its_stack_and_what_failed() {
        let stack = fixture::usual();
        let image = "docker.io/library/blog:1".to_owned();
        let revision = Revision {
            id: RevisionId::new("r2"),
            stack,
            images: [(image, "sha256:0123456789abcdef".to_owned())].into(),
            commit: None,
            run: RunId::new("x"),
        };
        let run = &runs()[1];
        let text = human_one(run, Some(&revision), now(), &Style::default());
        insta::assert_snapshot!(text, @r#"
        run      2 (0000000000000002)
        what     apply r2
        began    2026-11-20T13:00:00Z (1 h ago)
        took     12.3 s
        who      ann@laptop
        commit   0123456789abcdef
        outcome  failed, undone
                 container:blog did not start

        Revision r2
          blog           blog:1         0123456789ab
          blog/database  mariadb:10.11
          wiki           wiki:1

        Last output of what failed
          │ no such table
          │ \u{1b}[2Jgone
        "#);
        let value = json_one(run, Some(&revision));
        assert_eq!(value["revision"]["apps"][0]["label"], "blog");
    }
}
