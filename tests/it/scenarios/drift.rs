//! What was changed by hand is seen, field by field, and mended.

use super::{change, fields, site, site_of};
use crate::support::{
    docker::{docker, exec, facts, inspect},
    stack::Stack,
};

const COMMAND: &str = r#"["sh", "-c", "trap 'exit 0' TERM; sleep 99999 & wait"], mem_limit: 64M"#;
const CACHE: &str = "    provider:\n      - name: cache\n        image: coasti-test/redis:7\n        \
                     healthcheck: {command: \"redis-cli ping | grep -q PONG\", interval: 300ms, timeout: 5s, retries: 60}\n";

fn start(test: &str) -> Option<Stack> {
    let stack = Stack::new(test)?;
    stack.sites(&site_of("app", "coasti-test/tiny:1", COMMAND, CACHE));
    stack.apply();
    Some(stack)
}

#[test]
fn limits_policy_and_network_are_mended_in_place() {
    let Some(stack) = start("limits_policy_and_network_are_mended_in_place") else {
        return;
    };
    let (app, cache) = (stack.object("app"), stack.object("app/cache"));
    let (app_before, cache_before) = (facts(&app), facts(&cache));
    let networks = inspect(&app)["NetworkSettings"]["Networks"].clone();
    docker(&["update", "--memory", "128m", "--memory-swap", "256m", &app]);
    docker(&["update", "--restart", "no", &app]);
    docker(&["network", "disconnect", &app, &app]);
    docker(&["update", "--restart", "no", &cache]);

    let plan = stack.plan(2);
    let told = fields(change(&plan, "app"));
    for field in [
        "memory: 128M -> 64M ",
        "restart: no -> always ",
        "networks.",
    ] {
        let found = told.iter().find(|told| told.starts_with(field));
        let found = found.unwrap_or_else(|| panic!("no {field} in {told:?}"));
        assert!(found.ends_with("(drift)"), "{found}");
    }
    assert_eq!(change(&plan, "app")["action"], "update");
    assert_eq!(plan["drift"].as_array().unwrap().len(), 2);
    stack
        .coasti(&["plan"])
        .expect(0)
        .prints(&["Changed outside coasti", "restart", "memory"]);

    stack.apply();
    assert_eq!(facts(&app), app_before);
    assert_eq!(facts(&cache), cache_before);
    let mended = inspect(&app);
    assert_eq!(mended["HostConfig"]["Memory"], 64 << 20);
    let aliases = |networks: &serde_json::Value| networks[&app]["Aliases"].clone();
    assert_eq!(
        aliases(&mended["NetworkSettings"]["Networks"]),
        aliases(&networks)
    );
    exec(&app, "nc -w 5 cache 6379 </dev/null");
    stack.plan(0);
}

#[test]
fn what_was_stopped_is_started_and_what_was_removed_is_made_anew() {
    let name = "what_was_stopped_is_started_and_what_was_removed_is_made_anew";
    let Some(stack) = start(name) else {
        return;
    };
    let (app, cache) = (stack.object("app"), stack.object("app/cache"));
    let (id, kept) = (facts(&app).id, facts(&cache));
    docker(&["stop", &app]);
    assert_eq!(change(&stack.plan(2), "app")["action"], "start");
    stack
        .coasti(&["plan"])
        .expect(0)
        .prints(&["Changed outside coasti", "does not run"]);
    stack.apply();
    let now = facts(&app);
    assert_eq!(
        (now.id.as_str(), now.status.as_str()),
        (id.as_str(), "running")
    );

    docker(&["rm", "-f", &app]);
    stack
        .coasti(&["plan"])
        .expect(0)
        .prints(&["gone from the engine"]);
    stack.apply();
    assert_ne!(facts(&app).id, id);
    assert_eq!(facts(&cache), kept);
    stack.plan(0);
}

#[test]
fn what_a_destroy_took_did_not_change_outside() {
    let Some(stack) = Stack::new("what_a_destroy_took_did_not_change_outside") else {
        return;
    };
    stack.sites(&site("app", ""));
    stack.apply();
    stack.coasti(&["destroy", "--yes"]).expect(0);
    let plan = stack.coasti(&["plan"]).expect(0);
    assert!(!plan.out.contains("outside"), "{}", plan.out);
    assert!(!plan.out.contains("gone"), "{}", plan.out);
}

#[test]
fn what_a_replace_loses_outside_of_volumes_is_told_before() {
    let Some(stack) = Stack::new("what_a_replace_loses_outside_of_volumes_is_told_before") else {
        return;
    };
    let volume = "    volume: [{name: data, target: /data}]\n";
    let sites = |level: u8| {
        let env = format!("    env: {{LEVEL: \"{level}\"}}\n");
        site("app", &format!("{volume}{env}")) + &site("bare", &env)
    };
    stack.sites(&sites(1));
    stack.apply();
    for label in ["app", "bare"] {
        exec(
            &stack.object(label),
            "mkdir -p /data /opt/deep && echo 1 > /data/o0 && echo 1 > /opt/deep/o1 && echo 1 > /opt/o2 \
             && echo 1 > /tmp/o3 && echo 1 >> /etc/passwd",
        );
    }
    stack.plan(0);
    stack.sites(&sites(2));
    stack
        .coasti(&["plan"])
        .expect(0)
        .prints(&["        files outside volumes are lost: /etc/passwd and 2 more\n"]);
    let plan = stack.plan(2);
    let lost = |address: &str| change(&plan, address)["lost_outside_volumes"].clone();
    assert_eq!(
        lost("app"),
        serde_json::json!({"files": ["/etc/passwd", "/opt/deep/o1", "/opt/o2"], "more": 0})
    );
    // That holds no data.
    assert_eq!(lost("bare"), serde_json::Value::Null);
    stack
        .coasti(&["apply", "--yes"])
        .expect(0)
        .says(&["files outside volumes are lost: /etc/passwd and 2 more"]);
    stack.plan(0);
}
