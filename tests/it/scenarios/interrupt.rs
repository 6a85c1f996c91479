//! Ctrl-C in the middle of an apply, or a terminal that is closed.

use super::{only_containers, site};
use crate::support::{
    docker::{facts, try_facts},
    ran::Running,
    stack::Stack,
    until,
};
use std::time::Duration;

#[test]
fn an_interrupted_apply_goes_back_to_what_ran() {
    // Where the new one runs beside the old one, and where the old one had to stop first.
    for (order, press) in [
        ("", Running::interrupt as fn(&Running)),
        ("    port: {web: {container: 80}}\n", Running::interrupt),
        ("", Running::hang_up),
    ] {
        let Some(stack) = Stack::new("an_interrupted_apply_goes_back_to_what_ran") else {
            return;
        };
        interrupt(&stack, order, press);
    }
}

fn interrupt(stack: &Stack, order: &str, press: fn(&Running)) {
    stack.sites(&site("app", order));
    stack.apply();
    let app = stack.object("app");
    let before = facts(&app);
    // It would not turn healthy for minutes.
    let sick = "    healthcheck: {command: \"exit 1\", interval: 1s, timeout: 5s, retries: 1000, start-period: 10m}\n";
    stack.sites(&site("app", &format!("{sick}{order}")));
    let running = stack.start(stack.command(&["apply", "--yes"]));
    until("the new container to run", Duration::from_secs(30), || {
        // It bears its name only once it is switched to.
        let names = stack.containers();
        let mut now = names.iter().filter_map(|name| try_facts(name));
        now.find(|now| now.id != before.id && now.status == "running")
    });
    press(&running);
    stack
        .finish(running)
        .expect(130)
        .says(&["interrupted", "undone: "]);
    let now = facts(&app);
    assert_eq!(
        (now.id.as_str(), now.status.as_str(), now.restart.as_str()),
        (before.id.as_str(), "running", "always")
    );
    only_containers(stack, &["app"]);
    assert_eq!(stack.runs()[0]["end"]["outcome"], "interrupted");
    // The lock is free again, and there is nothing to mend.
    stack.sites(&site("app", order));
    stack.plan(0);
    stack.apply();
    assert_eq!(facts(&app), now);
}
