//! A failed apply is undone: what ran before runs again, the same containers.

use super::{only_containers, site, site_of};
use crate::support::{
    docker::{Facts, docker, facts},
    http::empty_registry,
    ran::Ran,
    stack::Stack,
};

#[test]
fn a_wrong_tag_in_one_of_five_apps_touches_nothing() {
    let Some(stack) = Stack::new("a_wrong_tag_in_one_of_five_apps_touches_nothing") else {
        return;
    };
    let labels = ["a", "b", "c", "d", "e"];
    let all = |more: &dyn Fn(&str) -> String| labels.map(more).concat();
    stack.sites(&all(&|label| site(label, "")));
    stack.apply();
    let before = labels.map(|label| facts(&stack.object(label)));

    // All of them differ, one cannot be had.
    let registry = empty_registry();
    let wrong = format!("127.0.0.1:{registry}/tiny:no-such-tag");
    stack.sites(&all(&|label| {
        let image = if label == "c" {
            &wrong
        } else {
            "coasti-test/tiny:1"
        };
        site_of(label, image, super::WAITS, "    env: {NEW: value}\n")
    }));
    stack
        .coasti(&["apply", "--yes"])
        .expect(7)
        .says(&["no-such-tag", "nothing that ran was touched"]);
    assert_eq!(labels.map(|label| facts(&stack.object(label))), before);
    only_containers(&stack, &labels);
}

/// What lets a new container start beside the old one, and what forbids it.
const ORDERS: [&str; 2] = ["", "    port: {web: {container: 80}}\n"];

/// A stack with one app that runs, and that app's facts.
fn running(test: &str, order: &str) -> Option<(Stack, Facts)> {
    let stack = Stack::new(test)?;
    let env = "    env: {GENERATION: one}\n";
    stack.sites(&site("app", &format!("{env}{order}")));
    stack.apply();
    let before = facts(&stack.object("app"));
    Some((stack, before))
}

/// Back to what it was, and told.
#[track_caller]
fn undone(stack: &Stack, before: &Facts, order: &str, ran: Ran, words: &[&str]) {
    // It was not even stopped where the new one could start beside it.
    let told = match order.is_empty() {
        true => "undone: what it made is gone again; what ran before was not touched",
        false => "undone: what ran before runs again",
    };
    ran.expect(7).says(words).says(&[told]);
    let now = facts(&stack.object("app"));
    assert_eq!(now.id, before.id);
    assert_eq!(
        (now.status.as_str(), now.restart.as_str()),
        ("running", "always")
    );
    assert_eq!(now.started == before.started, order.is_empty());
    let run = &stack.runs()[0];
    assert_eq!(run["end"]["outcome"], "undone", "{run:#}");
    let seq = run["seq"].to_string();
    let shown = stack.coasti(&["show", &seq]).expect(0);
    shown.prints(&["failed, undone", "Last output of what failed", words[0]]);
}

#[test]
fn a_container_that_exits_gives_way_to_the_old_one() {
    for order in ORDERS {
        let name = "a_container_that_exits_gives_way_to_the_old_one";
        let Some((stack, before)) = running(name, order) else {
            return;
        };
        let exits = r#"["sh", "-c", "echo it went wrong here; exit 3"]"#;
        stack.sites(&site_of("app", "coasti-test/tiny:1", exits, order));
        let ran = stack.coasti(&["apply", "--yes"]);
        super::ended(&ran, 3);
        undone(&stack, &before, order, ran, &["it went wrong here"]);
        only_containers(&stack, &["app"]);
    }
}

#[test]
fn a_failed_container_is_kept_where_that_is_asked_for() {
    for order in ORDERS {
        let name = "a_failed_container_is_kept_where_that_is_asked_for";
        let Some((stack, before)) = running(name, order) else {
            return;
        };
        let exits = r#"["sh", "-c", "echo it went wrong here; exit 3"]"#;
        stack.sites(&site_of("app", "coasti-test/tiny:1", exits, order));
        let ran = stack.coasti(&["apply", "--yes", "--keep-failed"]);
        undone(
            &stack,
            &before,
            order,
            ran,
            &["it went wrong here", ".failed"],
        );
        let failed = format!("{}.failed", stack.object("app"));
        assert_eq!(stack.containers(), [stack.object("app"), failed.clone()]);
        assert!(docker(&["logs", &failed]).contains("it went wrong here"));
        assert_eq!(facts(&failed).restart, "no");
        // The next apply takes it away, and touches nothing else.
        let env = "    env: {GENERATION: one}\n";
        stack.sites(&site("app", &format!("{env}{order}")));
        let words = [failed.as_str(), "kept to be looked at"];
        stack.coasti(&["plan"]).expect(0).prints(&words);
        let before = facts(&stack.object("app"));
        stack.apply();
        only_containers(&stack, &["app"]);
        assert_eq!(facts(&stack.object("app")), before);
        stack.plan(0);
    }
}

#[test]
fn a_container_that_never_turns_healthy_gives_way_to_the_old_one() {
    for order in ORDERS {
        let name = "a_container_that_never_turns_healthy_gives_way_to_the_old_one";
        let Some((stack, before)) = running(name, order) else {
            return;
        };
        let sick = "    healthcheck: {command: \"echo I feel sick; exit 1\", interval: 200ms, timeout: 5s, retries: 3, start-period: 0s}\n";
        let talks =
            r#"["sh", "-c", "echo it waits for nobody; trap 'exit 0' TERM; sleep 99999 & wait"]"#;
        let more = format!("{sick}{order}");
        stack.sites(&site_of("app", "coasti-test/tiny:1", talks, &more));
        let ran = stack.coasti(&["apply", "--yes"]);
        let words = ["it waits for nobody", "unhealthy", "I feel sick"];
        undone(&stack, &before, order, ran, &words);
        only_containers(&stack, &["app"]);
    }
}

#[test]
fn a_post_run_command_that_fails_undoes_the_apply() {
    let Some(stack) = Stack::new("a_post_run_command_that_fails_undoes_the_apply") else {
        return;
    };
    // As nua's mail server has it: braces of awk's own are doubled, a name between single ones is a variable.
    let product = |last: &str| {
        format!(
            "  metadata: {{id: mail, version: \"1\"}}\n  image: coasti-test/tiny:1\n  \
             env: {{WORD: kept, NUMBER: '{}'}}\n  docker: {{command: {}}}\n  run:\n    post-run:\n      \
             - sh -c \"echo 'a b' | awk '{{{{print $2}}}}' >/tmp/mark; echo {{WORD}} >>/tmp/mark\"\n      - {last}\n",
            last.len(),
            super::WAITS
        )
    };
    stack.products(&[("mail", &product("cat /tmp/mark"))]);
    stack.sites("  - label: app\n    image: mail\n    update: {settle: 300ms}\n");
    stack.apply();
    let before = facts(&stack.object("app"));
    let mark = crate::support::docker::exec(&stack.object("app"), "cat /tmp/mark");
    assert_eq!(mark, "b\nkept");
    stack.plan(0);

    let broken = "sh -c 'echo cannot go on >&2; exit 9'";
    stack.products(&[("mail", &product(broken))]);
    let ran = stack
        .coasti(&["apply", "--yes"])
        .expect(7)
        .says(&["exited with code 9", "cannot go on"]);
    drop(ran);
    assert_eq!(facts(&stack.object("app")).id, before.id);
    only_containers(&stack, &["app"]);
}

#[test]
fn what_docker_refuses_is_told_with_the_line_that_says_it() {
    let Some(stack) = Stack::new("what_docker_refuses_is_told_with_the_line_that_says_it") else {
        return;
    };
    let said = |what: &str| {
        let file = stack.read("config/deploy.yml");
        let line = file.lines().position(|line| line.contains(what)).unwrap() + 1;
        format!("  --> config/deploy.yml:{line}\n")
    };
    let no_program = r#"["no-such-program", "--all"]"#;
    let no_device = format!("{}\n      devices: [\"/dev/no-such-device\"]", super::WAITS);
    for (command, what) in [
        (no_program.to_owned(), "no-such-program"),
        (no_device.replace('\n', ",\n"), "/dev/no-such-device"),
    ] {
        stack.sites(&site_of("app", "coasti-test/tiny:1", &command, ""));
        let ran = stack.coasti(&["apply", "--yes"]).expect(7);
        ran.says(&[&said(what), what]);
        only_containers(&stack, &[]);
    }
}
