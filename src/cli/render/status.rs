//! What runs: health and sync beside each other, and where to reach it.

use super::style::{self, Cell, Style, Tone, clean};
use crate::diag::Diagnostics;
use crate::ops::status::{App, Container, Health, Status, Sync};
use serde_json::Value;

/// For people. `full` adds every container's image, ports and restarts.
pub fn human(status: &Status, full: bool, now: jiff::Timestamp, style: &Style) -> String {
    let mut text = heading(status, style);
    if status.apps.is_empty() {
        text.push_str("\nNothing runs, and the files name nothing.\n");
    } else {
        let rows = rows(status, full, now);
        text.push('\n');
        if style::table_width(&rows) <= style.width {
            text.push_str(&style::table(style, 0, &rows));
        } else {
            text.push_str(&blocks(status, full, now, style));
        }
    }
    let notes = notes(status);
    if !notes.is_empty() {
        text.push('\n');
    }
    for note in notes {
        text.push_str(&style.wrap(0, &clean(&note)));
    }
    text
}

/// For programs; with what is wrong with the files, where that is why sync is not known.
pub fn json(status: &Status, wrong: Option<&Diagnostics>) -> Value {
    let mut value = serde_json::to_value(status).unwrap_or_default();
    if let Value::Object(fields) = &mut value {
        fields.insert("format_version".into(), "1.0".into());
        let wrong = wrong.map(super::diag::list);
        fields.insert(
            "diagnostics".into(),
            wrong.unwrap_or_else(|| Value::Array(Vec::new())),
        );
    }
    value
}

fn heading(status: &Status, style: &Style) -> String {
    let mut line = style.paint(Tone::Strong, &clean(&status.stack));
    let mut add = |tone: Tone, text: &str| {
        line.push_str(&format!(" {} {}", style.dot(), style.paint(tone, text)));
    };
    match &status.revision {
        Some(revision) => add(Tone::Plain, &format!("revision {}", clean(revision))),
        None if status.history_lost => add(Tone::Warn, "history lost"),
        None if status.no_history => add(Tone::Warn, "revision unknown"),
        None => add(Tone::Plain, "never applied"),
    }
    let (word, tone) = health(status.health);
    add(tone, word);
    let (word, tone) = match status.sync {
        // On its own it would be anything that is unknown.
        Sync::Unknown => ("sync unknown", Tone::Warn),
        known => sync(known),
    };
    add(tone, word);
    line.push('\n');
    line
}

fn notes(status: &Status) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(work) = &status.at_work {
        notes.push(format!(
            "A run is under way: {}. This is how far it is.",
            clean(work)
        ));
    }
    if let Some(run) = &status.unfinished {
        notes.push(format!(
            "A run was cut off ({run}): `coasti recover`, or the next apply, ends it."
        ));
    }
    if status.no_history {
        notes.push(
            "What was applied and what is held cannot be read, the container that holds it was removed: \
             `coasti recover` makes it again."
                .to_owned(),
        );
    }
    if status.history_lost {
        notes.push(
            "The history of this stack is gone, its store was removed: there is nothing to roll back to, and \
             what was stopped or paused is not known as held. The next apply begins a new history."
                .to_owned(),
        );
    }
    let runs = |app: &&App| app.runs_though_held() && status.at_work.is_none();
    for app in status.apps.iter().filter(runs) {
        let (label, held) = (clean(&app.label), app.held.as_deref().unwrap_or_default());
        notes.push(format!(
            "{label} is held: {held}, and runs: somebody started it by hand. `coasti start {label}` lifts the hold."
        ));
    }
    if !status.files {
        notes.push(
            "The files have errors, so it is not known whether this is what they say: \
             `coasti validate` shows them."
                .to_owned(),
        );
    }
    if status.sync == Sync::OutOfSync {
        notes.push("`coasti plan` shows what differs.".to_owned());
    }
    for volume in &status.retained {
        notes.push(format!(
            "Volume {volume} is in no file; kept with its data."
        ));
    }
    notes
}

fn rows(status: &Status, full: bool, now: jiff::Timestamp) -> Vec<Vec<Cell>> {
    let head = ["APP", "PRODUCT", "HEALTH", "SYNC", "WHERE"];
    let head: Vec<Cell> = head.map(|text| Cell::new(Tone::Dim, text)).into();
    let mut rows = vec![head];
    for app in &status.apps {
        let (health, health_tone) = app_health(app);
        let (sync, sync_tone) = sync(app.sync);
        rows.push(vec![
            Cell::new(Tone::Strong, &app.label),
            Cell::plain(&app.product),
            Cell::new(health_tone, health),
            Cell::new(sync_tone, sync),
            Cell::plain(reach(app)),
        ]);
        for container in containers(app, full) {
            let (sync, sync_tone) = self::sync(container.sync);
            let (health, tone) = self::health(container.health);
            rows.push(vec![
                Cell::plain(format!("  {}", container.address)),
                Cell::new(Tone::Dim, if full { container.image.as_str() } else { "" }),
                Cell::new(tone, health),
                Cell::new(sync_tone, sync),
                Cell::new(Tone::Dim, facts(container, full, now)),
            ]);
        }
    }
    rows
}

/// Containers worth a line of their own: all with `full`, else those that are not as they should be.
fn containers(app: &App, full: bool) -> impl Iterator<Item = &Container> {
    app.containers.iter().filter(move |container| {
        let fine = container.health == Health::Healthy && container.sync != Sync::OutOfSync;
        full || (app.held.is_none() && !fine)
    })
}

fn facts(container: &Container, full: bool, now: jiff::Timestamp) -> String {
    let mut facts = vec![container.state.clone()];
    if let Some(since) = &container.since {
        facts.push(format!("started {}", style::ago(since, now)));
    }
    if container.restarts > 0 {
        let times = usize::try_from(container.restarts).unwrap_or(usize::MAX);
        facts.push(style::count(times, "restart"));
    }
    if full {
        facts.extend(container.ports.iter().cloned());
        facts.extend(container.notes.iter().cloned());
    }
    facts.join(", ")
}

fn reach(app: &App) -> String {
    let mut places: Vec<String> = app.domain.iter().cloned().collect();
    places.extend(app.urls.iter().cloned());
    places.join(", ")
}

fn app_health(app: &App) -> (String, Tone) {
    match &app.held {
        Some(held) if app.runs_though_held() => (format!("held: {held}, but runs"), Tone::Warn),
        Some(held) => (format!("held: {held}"), Tone::Warn),
        None => {
            let (word, tone) = health(app.health);
            (word.to_owned(), tone)
        }
    }
}

/// One block an app, for terminals too narrow for the table.
fn blocks(status: &Status, full: bool, now: jiff::Timestamp, style: &Style) -> String {
    let mut text = String::new();
    for app in &status.apps {
        let (health, health_tone) = app_health(app);
        let (sync, sync_tone) = sync(app.sync);
        text.push_str(&format!(
            "{} {} {} {} {}\n",
            style.paint(Tone::Strong, &clean(&app.label)),
            style.dot(),
            style.paint(health_tone, &clean(&health)),
            style.dot(),
            style.paint(sync_tone, sync),
        ));
        if app.product != app.label {
            text.push_str(&format!("    {}\n", clean(&app.product)));
        }
        for place in app.domain.iter().chain(&app.urls) {
            text.push_str(&format!("    {}\n", clean(place)));
        }
        for container in containers(app, full) {
            let (word, tone) = self::health(container.health);
            text.push_str(&format!(
                "    {} {} {}\n",
                clean(&container.address),
                style.dot(),
                style.paint(tone, word)
            ));
            text.push_str(&style.wrap(8, &clean(&facts(container, full, now))));
        }
    }
    text
}

const fn health(health: Health) -> (&'static str, Tone) {
    match health {
        Health::Healthy => ("healthy", Tone::Good),
        Health::Suspended => ("suspended", Tone::Warn),
        Health::Progressing => ("progressing", Tone::Warn),
        Health::Missing => ("missing", Tone::Bad),
        Health::Degraded => ("degraded", Tone::Bad),
    }
}

const fn sync(sync: Sync) -> (&'static str, Tone) {
    match sync {
        Sync::Synced => ("synced", Tone::Good),
        Sync::OutOfSync => ("out of sync", Tone::Warn),
        Sync::Unknown => ("unknown", Tone::Dim),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(address: &str, health: Health, sync: Sync) -> Container {
        Container {
            address: address.into(),
            name: format!("acme-{}", address.replace('/', "-")),
            id: Some("0123456789ab".into()),
            image: "docker.io/library/mariadb:10.11".into(),
            state: match health {
                Health::Suspended => "exited".into(),
                _ => "running".into(),
            },
            health,
            sync,
            ports: Vec::new(),
            restarts: 0,
            since: Some("2026-11-20T13:00:00Z".into()),
            notes: Vec::new(),
        }
    }

    fn status() -> Status {
        let mut database = container("blog/database", Health::Degraded, Sync::OutOfSync);
        database.state = "restarting".into();
        database.restarts = 4;
        Status {
            stack: "acme".into(),
            no_history: false,
            history_lost: false,
            revision: Some("r12".into()),
            lacking: true,
            unfinished: Some("apply 13".into()),
            at_work: None,
            health: Health::Degraded,
            sync: Sync::OutOfSync,
            apps: vec![
                App {
                    label: "blog".into(),
                    product: "wordpress".into(),
                    domain: Some("blog.example.org".into()),
                    urls: vec!["http://127.0.0.1:8100".into()],
                    held: None,
                    health: Health::Degraded,
                    sync: Sync::OutOfSync,
                    containers: vec![container("blog", Health::Healthy, Sync::Synced), database],
                },
                App {
                    label: "wiki".into(),
                    product: "hedgedoc".into(),
                    domain: None,
                    urls: Vec::new(),
                    held: Some("stopped".into()),
                    health: Health::Suspended,
                    sync: Sync::Synced,
                    containers: vec![container("wiki", Health::Suspended, Sync::Synced)],
                },
            ],
            retained: vec!["acme-old-data".into()],
            files: true,
        }
    }

    fn now() -> jiff::Timestamp {
        "2026-11-20T14:00:00Z".parse().unwrap()
    }

    #[test]
    fn health_and_sync_are_two_columns() {
        let style = Style {
            width: 100,
            ..Style::default()
        };
        insta::assert_snapshot!(human(&status(), false, now(), &style), @"
        acme · revision r12 · degraded · out of sync

        APP              PRODUCT    HEALTH         SYNC         WHERE
        blog             wordpress  degraded       out of sync  blog.example.org, http://127.0.0.1:8100
          blog/database             degraded       out of sync  restarting, started 1 h ago, 4 restarts
        wiki             hedgedoc   held: stopped  synced

        A run was cut off (apply 13): `coasti recover`, or the next apply, ends it.
        `coasti plan` shows what differs.
        Volume acme-old-data is in no file; kept with its data.
        ");
    }

    #[test]
    fn a_narrow_terminal_gets_blocks() {
        let style = Style {
            width: 40,
            ..Style::default()
        };
        insta::assert_snapshot!(human(&status(), false, now(), &style), @"
        acme · revision r12 · degraded · out of sync

        blog · degraded · out of sync
            wordpress
            blog.example.org
            http://127.0.0.1:8100
            blog/database · degraded
                restarting, started 1 h ago, 4
                restarts
        wiki · held: stopped · synced
            hedgedoc

        A run was cut off (apply 13): `coasti
        recover`, or the next apply, ends it.
        `coasti plan` shows what differs.
        Volume acme-old-data is in no file; kept
        with its data.
        ");
    }

    #[test]
    fn programs_get_every_field() {
        let value = json(&status(), None);
        assert_eq!(value["apps"][0]["containers"][1]["restarts"], 4);
        assert_eq!(value["apps"][0]["sync"], "out-of-sync");
        assert_eq!(value["format_version"], "1.0");
    }
}
