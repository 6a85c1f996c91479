//! What must not be done is refused before anything is.

use super::{WAITS, only_containers, site, site_of};
use crate::support::{
    docker::{docker, exec, facts},
    ran::Ran,
    stack::Stack,
};

/// Refused at plan and at apply, with these words, and nothing was touched.
#[track_caller]
fn refused(stack: &Stack, words: &[&str]) {
    let facts = || -> Vec<_> { stack.containers().iter().map(|name| facts(name)).collect() };
    let before = facts();
    stack.coasti(&["plan"]).expect(6).prints(words);
    let ran: Ran = stack.coasti(&["apply", "--yes"]);
    ran.expect(6).says(words);
    assert_eq!(facts(), before);
}

#[test]
fn a_database_keeps_its_major_version_and_its_password() {
    let Some(stack) = Stack::new("a_database_keeps_its_major_version_and_its_password") else {
        return;
    };
    stack.tag("coasti-test/postgres:15", "postgres:15");
    let next = "ENV PG_MAJOR=16 PG_VERSION=16.1";
    let next = stack.variant_of("coasti-test/postgres:15", "postgres:16", next);
    let write = |version: &str, password: &str| {
        let provider = format!(
            "    provider:\n      - name: database\n        module-name: postgres\n        \
             base-image: {}/postgres:{version}\n        env: {{POSTGRES_PASSWORD: {password}}}\n        \
             healthcheck: {{interval: 500ms, timeout: 5s, retries: 60}}\n",
            stack.name()
        );
        stack.sites(&site("app", &provider));
    };
    write("15", "first-word");
    stack.apply();
    write("16", "first-word");
    refused(&stack, &["P0301", "15 → 16"]);
    // A tag without a version is what it names.
    let latest = stack.tag("coasti-test/postgres:15", "postgres:latest");
    write("latest", "first-word");
    stack.plan(2);
    docker(&["tag", &next, &latest]);
    refused(&stack, &["P0301", "→ 16.1"]);
    write("15", "other-word");
    refused(&stack, &["P0302", "POSTGRES_PASSWORD"]);
    for text in ["first-word", "other-word"] {
        assert!(!stack.coasti(&["plan", "--full"]).out.contains(text));
    }
    write("15", "first-word");
    stack.plan(0);
}

#[test]
fn a_renamed_app_does_not_lose_its_data() {
    let Some(stack) = Stack::new("a_renamed_app_does_not_lose_its_data") else {
        return;
    };
    let data = "    volume: [{name: data, target: /data}]\n";
    let others = || ["x", "y", "z"].map(|label| site(label, "")).concat();
    stack.sites(&(site("before", data) + &others()));
    stack.apply();
    exec(&stack.object("before"), "echo kept >/data/file");
    stack.sites(&(site("after", data) + &others()));
    refused(&stack, &["P0305", "was: before"]);

    let renamed = format!("    was: before\n{data}");
    stack.sites(&(site("after", &renamed) + &others()));
    stack
        .coasti(&["plan"])
        .expect(0)
        .prints(&["renamed from before"]);
    stack.apply();
    assert_eq!(exec(&stack.object("after"), "cat /data/file"), "kept");
    only_containers(&stack, &["after", "x", "y", "z"]);
    stack.plan(0);
}

#[test]
fn much_does_not_go_at_once_and_what_is_protected_not_at_all() {
    let Some(stack) = Stack::new("much_does_not_go_at_once_and_what_is_protected_not_at_all")
    else {
        return;
    };
    let all = |labels: &[&str]| -> String { labels.iter().map(|l| site(l, "")).collect() };
    stack.sites(&(site("safe", "    protect: true\n") + &all(&["x", "y", "z"])));
    stack.apply();
    stack.sites(&all(&["x", "y", "z"]));
    refused(&stack, &["P0306", "protect: false"]);
    stack.sites(&site("safe", "    protect: true\n"));
    refused(&stack, &["P0307", "--max-removals 3"]);
    let untouched = facts(&stack.object("safe"));
    stack
        .coasti(&["apply", "--yes", "--max-removals", "3"])
        .expect(0);
    only_containers(&stack, &["safe"]);
    assert_eq!(facts(&stack.object("safe")), untouched);
}

#[test]
fn names_and_ports_of_others_are_left_to_them() {
    let Some(stack) = Stack::new("names_and_ports_of_others_are_left_to_them") else {
        return;
    };
    let (port, foreign) = (stack.port(41), stack.object("theirs"));
    let publish = format!("127.0.0.1:{port}:80");
    stack.foreign(&foreign, &["-p", &publish]);
    let theirs = facts(&foreign);
    stack.sites(&site("theirs", ""));
    refused(&stack, &["P0202", &foreign]);

    let wants = format!("    port: {{web: {{container: 80, host: {port}}}}}\n");
    stack.sites(&site("app", &wants));
    let words = [
        port.to_string(),
        "config/deploy.yml:".to_owned(),
        foreign.clone(),
    ];
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    stack.coasti(&["plan"]).expect(3).says(&words);
    stack.coasti(&["apply", "--yes"]).expect(3).says(&words);
    only_containers(&stack, &[]);
    assert_eq!(facts(&foreign), theirs);
}

#[test]
fn two_folders_with_one_name_do_not_share_a_stack() {
    let Some(stack) = Stack::new("two_folders_with_one_name_do_not_share_a_stack") else {
        return;
    };
    stack.sites(&site("app", ""));
    stack.apply();
    let before = facts(&stack.object("app"));
    let other = Stack::named(stack.name());
    let theirs = stack.id().unwrap();
    other.sites(&site("app", "    env: {MINE: now}\n"));
    for command in [&["plan"][..], &["apply", "--yes"]] {
        other.coasti(command).expect(6).says(&[&theirs]);
    }
    assert_eq!(
        other.id(),
        None,
        "nothing is written into a folder that is refused"
    );
    let ours = "0123456789abcdef0123456789abcdef";
    let text = other.read("config/deploy.yml");
    let text = text.replace("\nports:", &format!("\nid: {ours}\nports:"));
    other.write("config/deploy.yml", &text);
    for command in [
        &["plan"][..],
        &["apply", "--yes"],
        &["destroy", "--yes"],
        &["stop", "app"],
        &["rollback", "--yes"],
    ] {
        other.coasti(command).expect(6).says(&[&theirs, ours]);
    }
    assert_eq!(facts(&stack.object("app")), before);
}

#[test]
fn a_saved_plan_is_refused_once_something_changed() {
    let Some(stack) = Stack::new("a_saved_plan_is_refused_once_something_changed") else {
        return;
    };
    let other = |word: &str| site("other", &format!("    env: {{WORD: {word}}}\n"));
    stack.sites(&(site("app", "") + &other("one")));
    // Of a first apply, too.
    stack.coasti(&["plan", "--out", "first.plan"]).expect(0);
    stack.coasti(&["apply", "first.plan"]).expect(0);
    stack.sites(&(site("app", "") + &other("two")));
    stack.coasti(&["plan", "--out", "the.plan"]).expect(0);
    let app = stack.object("app");
    docker(&["restart", &app]);
    let before = facts(&stack.object("other"));
    stack
        .coasti(&["apply", "the.plan"])
        .expect(4)
        .says(&[&app, "changed"]);
    assert_eq!(facts(&stack.object("other")), before);

    stack.coasti(&["plan", "--out", "the.plan"]).expect(0);
    stack.sites(&(site("app", "") + &other("three")));
    stack
        .coasti(&["apply", "the.plan"])
        .expect(4)
        .says(&["the files"]);
    stack.sites(&(site("app", "") + &other("two")));
    stack.coasti(&["apply", "the.plan"]).expect(0);
    assert_ne!(facts(&stack.object("other")).id, before.id);
    // Once is enough.
    stack.coasti(&["apply", "the.plan"]).expect(4);
}

#[test]
fn an_image_that_is_not_there_is_no_start_first() {
    let Some(stack) = Stack::new("an_image_that_is_not_there_is_no_start_first") else {
        return;
    };
    let data = "    volume: [{name: data, target: /data}]\n";
    let files = site_of("app", "coasti-test/tiny:1", WAITS, data);
    stack.sites(&files.replace("settle: 300ms", "order: start-first, settle: 300ms"));
    stack
        .coasti(&["plan"])
        .expect(3)
        .says(&["start-first", "config/deploy.yml:"]);
}
