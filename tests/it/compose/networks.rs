//! Networks of compose files on an engine: names, addresses of both kinds, places in the host's own network.

use super::engine::{WAITS, composed};
use crate::support::{
    docker::{docker, exec, inspect, list, quiet},
    stack::Stack,
};
use serde_json::json;
use std::fs;

/// A number that no other test's subnets have.
fn third(stack: &Stack) -> u16 {
    stack.port(0) / 50 % 250
}

fn applied(stack: &Stack, text: &str) {
    let n = third(stack).to_string();
    let text = text.replace("WAITS", WAITS).replace("NUMBER", &n);
    stack.write("products/shop/docker/compose.yml", &text);
    stack.apply();
    stack.plan(0);
}

#[test]
fn a_link_leads_to_whichever_container_runs() {
    let Some(stack) = composed("a_link_leads_to_whichever_container_runs", &[]) else {
        return;
    };
    let services = |level: &str, links: &str| {
        format!(
            "services:\n  a: {{image: 'coasti-test/tiny:1', command: WAITS, links: [{links}]}}\n  b: {{image: \
             'coasti-test/tiny:1', command: WAITS}}\n  db: {{image: 'coasti-test/tiny:1', command: WAITS, environment: \
             {{LEVEL: '{level}'}}}}\n"
        )
    };
    let (a, b) = (stack.object("web/a"), stack.object("web/b"));
    let knows = |who: &str, name: &str| {
        quiet(&["exec", who, "ping", "-c", "1", name]).contains("1 packets received")
    };
    applied(&stack, &services("1", "'db:mysql'"));
    assert!(knows(&a, "mysql"));
    assert!(!knows(&b, "mysql"));
    // Another container of the other: what depends on it is made anew as well, and knows it.
    applied(&stack, &services("2", "'db:mysql'"));
    assert!(knows(&a, "mysql"));
    // Another name is no other container.
    let id = inspect(&a)["Id"].clone();
    applied(&stack, &services("2", "'db:store', 'b:other'"));
    assert_eq!(inspect(&a)["Id"], id);
    assert!(knows(&a, "store") && knows(&a, "other") && !knows(&a, "mysql"));
}

#[test]
fn containers_have_addresses_of_both_kinds() {
    let Some(stack) = composed("containers_have_addresses_of_both_kinds", &[]) else {
        return;
    };
    applied(
        &stack,
        "services:
  a: {image: 'coasti-test/tiny:1', command: WAITS, networks: {six: {ipv4_address: 10.237.NUMBER.7, ipv6_address: 'fd00:237:NUMBER::7'}, drawn: }}
  b: {image: 'coasti-test/tiny:1', command: WAITS, networks: [six, drawn]}
networks:
  six:
    enable_ipv6: true
    ipam:
      config:
      - {subnet: 10.237.NUMBER.0/24, gateway: 10.237.NUMBER.250, ip_range: 10.237.NUMBER.128/25, aux_addresses: {own: 10.237.NUMBER.129}}
      - {subnet: 'fd00:237:NUMBER::/64'}
  drawn: {enable_ipv6: true}
",
    );
    let n = third(&stack);
    let (a, b) = (stack.object("web/a"), stack.object("web/b"));
    docker(&["exec", &b, "ping", "-c", "1", &format!("fd00:237:{n}::7")]);
    let six = stack.object("web/six");
    let of_b = &inspect(&b)["NetworkSettings"]["Networks"][&six];
    assert_eq!(of_b["IPAddress"], format!("10.237.{n}.128"));
    assert_eq!(of_b["Gateway"], format!("10.237.{n}.250"));
    let of_a = &inspect(&a)["NetworkSettings"]["Networks"];
    assert_eq!(of_a[&six]["GlobalIPv6Address"], format!("fd00:237:{n}::7"));
    let drawn = of_a[stack.object("web/drawn")]["GlobalIPv6Address"].clone();
    assert!(drawn.as_str().unwrap().starts_with("fd"), "{drawn}");
}

/// An interface of this machine that nothing uses, to put networks on. No test makes one: not every kernel can.
fn idle_interface() -> Option<String> {
    let all = fs::read_dir("/sys/class/net").ok()?;
    let mut all: Vec<String> = all
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with("ifb") || name.starts_with("dummy"))
        .collect();
    all.sort();
    all.pop()
}

#[test]
fn a_container_has_a_place_in_the_hosts_network() {
    let test = "a_container_has_a_place_in_the_hosts_network";
    let Some(stack) = composed(test, &[]) else {
        return;
    };
    let Some(parent) = idle_interface() else {
        eprintln!(
            "skipped: {test}: this machine has no interface `dummy…` or `ifb…` to put a network on"
        );
        return;
    };
    if !list("network", "driver=macvlan").is_empty() {
        eprintln!("skipped: {test}: somebody else has a network on an interface of this machine");
        return;
    }
    let made = quiet(&[
        "network",
        "create",
        "-d",
        "macvlan",
        "-o",
        &format!("parent={parent}"),
        "--subnet",
        &format!("10.238.{}.0/28", third(&stack)),
        &format!("{}-probe", stack.name()),
    ]);
    if made.contains("rror") {
        eprintln!("skipped: {test}: the engine makes no network on `{parent}`");
        return;
    }
    docker(&["network", "rm", &format!("{}-probe", stack.name())]);
    applied(
        &stack,
        &format!(
            "services:\n  a: {{image: 'coasti-test/tiny:1', command: WAITS, networks: {{lan: {{ipv4_address: 10.238.NUMBER.7}}}}, \
             ports: ['{}:80']}}\n  b: {{image: 'coasti-test/tiny:1', command: WAITS, networks: [lan]}}\nnetworks: {{lan: \
             {{driver: macvlan, driver_opts: {{parent: {parent}}}, ipam: {{config: [{{subnet: 10.238.NUMBER.0/24, \
             gateway: 10.238.NUMBER.1, ip_range: 10.238.NUMBER.64/26}}]}}}}}}\n",
            stack.port(30)
        ),
    );
    let n = third(&stack);
    let lan = inspect(&stack.object("web/lan"));
    assert_eq!(lan["Driver"], "macvlan");
    assert_eq!(lan["Options"], json!({"parent": parent}));
    let b = inspect(&stack.object("web/b"));
    let of_b = &b["NetworkSettings"]["Networks"][stack.object("web/lan")];
    assert_eq!(of_b["IPAddress"], format!("10.238.{n}.64"));
    let a = inspect(&stack.object("web/a"));
    let of_a = &a["NetworkSettings"]["Networks"][stack.object("web/lan")];
    assert_eq!(of_a["IPAddress"], format!("10.238.{n}.7"));
    assert_eq!(a["NetworkSettings"]["Ports"], json!({}));
    assert!(
        a["HostConfig"]["PortBindings"]
            .as_object()
            .is_none_or(|all| all.is_empty())
    );
}

#[test]
fn who_has_anothers_network_gets_it_back_when_that_one_was_started_anew() {
    let test = "who_has_anothers_network_gets_it_back_when_that_one_was_started_anew";
    let Some(stack) = composed(test, &[]) else {
        return;
    };
    applied(
        &stack,
        "services:
  vpn: {image: 'coasti-test/tiny:1', command: WAITS}
  user: {image: 'coasti-test/tiny:1', command: WAITS, network_mode: 'service:vpn'}
",
    );
    let (vpn, user) = (stack.object("web/vpn"), stack.object("web/user"));
    let reaches = || exec(&user, "ls /sys/class/net").contains("eth0");
    assert!(reaches());
    for how in ["restart", "stop"] {
        docker(&[how, "-t", "5", &vpn]);
        assert!(!reaches());
        stack.plan(2);
        stack.apply();
        stack.plan(0);
        assert!(reaches(), "{how}");
    }
}
