//! What a user stopped, froze or removed stays so until he says otherwise.

use super::{only_containers, site};
use crate::support::{
    docker::{exec, facts, list},
    stack::Stack,
};

fn status(stack: &Stack) -> serde_json::Value {
    stack
        .coasti(&["status", "--format", "json"])
        .expect(0)
        .json()
}

fn sites(more: &str) -> String {
    let data = "    domain: app.example.org\n    volume: [{name: data, target: /data}]\n";
    site("app", &format!("{data}{more}")) + &site("other", "")
}

fn start(test: &str) -> Option<Stack> {
    let stack = Stack::new(test)?;
    stack.sites(&sites(""));
    stack.apply();
    exec(&stack.object("app"), "echo kept >/data/file");
    Some(stack)
}

#[test]
fn what_was_stopped_stays_stopped_until_it_is_started() {
    let Some(stack) = start("what_was_stopped_stays_stopped_until_it_is_started") else {
        return;
    };
    let (app, other) = (stack.object("app"), stack.object("other"));
    let (before, untouched) = (facts(&app), facts(&other));
    stack.coasti(&["stop", "app"]).expect(0);
    let stopped = facts(&app);
    assert_eq!(
        (
            stopped.id.as_str(),
            stopped.status.as_str(),
            stopped.restart.as_str()
        ),
        (before.id.as_str(), "exited", "no")
    );
    stack
        .coasti(&["plan", "--detailed-exitcode"])
        .expect(0)
        .prints(&["app is held: stopped"]);
    stack.apply();
    assert_eq!(facts(&app), stopped);
    // Where the files move on, that is said, and nothing is done.
    stack.sites(&sites("    env: {NEW: one}\n"));
    stack
        .coasti(&["plan", "--detailed-exitcode"])
        .expect(2)
        .prints(&[
            "Nothing to do to what runs; an apply records what changed of what is held.",
            "an apply, then coasti start app, brings that",
        ]);
    stack.sites(&sites(""));
    let told = status(&stack);
    assert_eq!(told["apps"][0]["held"], "stopped", "{told:#}");
    assert_eq!(told["apps"][0]["health"], "suspended");
    assert_eq!(told["apps"][1]["health"], "healthy");

    stack.coasti(&["start", "app"]).expect(0);
    let started = facts(&app);
    assert_eq!(
        (
            started.id.as_str(),
            started.status.as_str(),
            started.restart.as_str()
        ),
        (before.id.as_str(), "running", "always")
    );
    assert_eq!(facts(&other), untouched);
    assert_eq!(status(&stack)["apps"][0]["health"], "healthy");
    stack.plan(0);

    // By its domain, and once more.
    stack.coasti(&["restart", "app.example.org"]).expect(0);
    let restarted = facts(&app);
    assert_eq!(restarted.id, before.id);
    assert_ne!(restarted.started, started.started);
    assert_eq!(restarted.restart, "always");
    stack.coasti(&["stop", "app.example.org"]).expect(0);
    assert_eq!(facts(&app).status, "exited");
    stack
        .coasti(&["stop", "ap"])
        .expect(1)
        .says(&["did you mean `app`?"]);
}

#[test]
fn what_was_frozen_or_removed_stays_so_and_keeps_its_data() {
    let Some(stack) = start("what_was_frozen_or_removed_stays_so_and_keeps_its_data") else {
        return;
    };
    let (app, other) = (stack.object("app"), stack.object("other"));
    let (before, untouched) = (facts(&app), facts(&other));
    stack.coasti(&["pause", "app"]).expect(0);
    assert_eq!(facts(&app).status, "paused");
    stack.plan(0);
    stack.apply();
    assert_eq!(facts(&app).status, "paused");
    assert_eq!(status(&stack)["apps"][0]["health"], "suspended");
    stack.coasti(&["unpause", "app"]).expect(0);
    assert_eq!(facts(&app), before);

    stack.coasti(&["remove", "app", "--yes"]).expect(0);
    only_containers(&stack, &["other"]);
    let volume = stack.object("app/data");
    assert_eq!(list("volume", &format!("name={volume}")), [volume]);
    stack.plan(0);
    stack.apply();
    only_containers(&stack, &["other"]);
    assert_eq!(status(&stack)["apps"][0]["held"], "removed");
    stack.coasti(&["start", "app"]).expect(0);
    assert_eq!(exec(&app, "cat /data/file"), "kept");
    assert_eq!(facts(&other), untouched);
    stack.plan(0);
}
