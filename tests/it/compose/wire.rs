//! What compose files say of containers, as the engine tells it back.

use super::engine::composed;
use crate::support::{docker::inspect, stack::Stack};
use serde_json::{Value, json};

/// Writes the services, and applies them: there is nothing left to do.
fn applied(stack: &Stack, services: &str) {
    let text = services.replace("WAITS", super::engine::WAITS);
    stack.write("products/shop/docker/compose.yml", &text);
    stack.apply();
    stack.plan(0);
}

#[test]
fn one_port_is_published_in_several_places() {
    let Some(stack) = composed("one_port_is_published_in_several_places", &[]) else {
        return;
    };
    let port = |n| stack.port(n);
    let bound = || inspect(&stack.object("web/a"))["NetworkSettings"]["Ports"].clone();
    let at = |ip: &str, n: u16| json!({"HostIp": ip, "HostPort": stack.port(n).to_string()});
    let services = |ports: &str, more: &str| {
        format!(
            "services:\n  a: {{image: 'coasti-test/tiny:1', command: WAITS, ports: [{ports}]}}\n{more}"
        )
    };
    let places = format!(
        "'127.0.0.1:{0}:80', '127.0.0.1:{1}:80', '127.0.0.2:{0}:80', '127.0.0.1:{0}-{2}:81'",
        port(30),
        port(31),
        port(32)
    );
    applied(&stack, &services(&places, ""));
    let sorted = |ports: &Value, inside: &str| {
        let mut all = ports[inside].as_array().unwrap().clone();
        all.sort_by_key(Value::to_string);
        all
    };
    let first = bound();
    let three = [
        at("127.0.0.1", 30),
        at("127.0.0.1", 31),
        at("127.0.0.2", 30),
    ];
    assert_eq!(sorted(&first, "80/tcp"), three);
    // The others of its range are said by the file.
    assert_eq!(sorted(&first, "81/tcp"), [at("127.0.0.1", 32)]);

    // One goes, and with it the reason for the choice: what was chosen stays.
    let places = format!(
        "'127.0.0.1:{}:80', '127.0.0.1:{}-{}:81'",
        port(31),
        port(30),
        port(32)
    );
    applied(&stack, &services(&places, ""));
    let second = bound();
    assert_eq!(sorted(&second, "80/tcp"), [at("127.0.0.1", 31)]);
    assert_eq!(second["81/tcp"], first["81/tcp"]);

    // None of a range is left: an error before anything is touched.
    let more = format!(
        "  b: {{image: 'coasti-test/tiny:1', command: WAITS, ports: ['127.0.0.1:{0}-{0}:80', '{0}-{1}:81']}}\n",
        port(31),
        port(32)
    );
    let text = services(&places, &more).replace("WAITS", super::engine::WAITS);
    stack.write("products/shop/docker/compose.yml", &text);
    stack
        .coasti(&["plan"])
        .expect(3)
        .says(&["is wanted by `web/a` and `web/b`"]);
    let free = text.replace(&format!("'127.0.0.1:{0}-{0}:80', ", port(31)), "");
    stack.write("products/shop/docker/compose.yml", &free);
    stack.coasti(&["plan"]).expect(3).says(&[
        &format!(
            "no port from {} to {} is free for `web/b`",
            port(31),
            port(32)
        ),
        "free one of them, or write a longer range",
    ]);
    assert_eq!(bound(), second);
}
