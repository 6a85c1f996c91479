//! Ports of the host are given once and stay.

use super::site;
use crate::support::{
    docker::{exec, facts, inspect},
    http::ask,
    stack::Stack,
};

/// `80/tcp 127.0.0.1:21000`, one for each published port.
fn published(container: &str) -> Vec<String> {
    let bindings = inspect(container)["HostConfig"]["PortBindings"].clone();
    let mut all = Vec::new();
    for (inside, hosts) in bindings.as_object().unwrap() {
        for host in hosts.as_array().unwrap() {
            let (ip, port) = (host["HostIp"].as_str(), host["HostPort"].as_str());
            all.push(format!("{inside} {}:{}", ip.unwrap(), port.unwrap()));
        }
    }
    all.sort();
    all
}

#[test]
fn ports_stay_when_another_site_comes_in_front() {
    let Some(stack) = Stack::new("ports_stay_when_another_site_comes_in_front") else {
        return;
    };
    let fixed = stack.port(40);
    let many = format!(
        "    port:\n      web: {{container: 80}}\n      admin: {{container: 81, host: auto}}\n      \
         voice: {{container: 5060, host: auto, protocol: udp}}\n      open: {{container: 82, host: {fixed}, bind: 0.0.0.0}}\n"
    );
    let many = site("middle", &many);
    let one = |label: &str| site(label, "    port: {web: {container: 80}}\n");
    stack.sites(&(many.clone() + &one("zebra")));
    stack.apply();
    let (middle, zebra) = (stack.object("middle"), stack.object("zebra"));
    let before = (published(&middle), published(&zebra));
    assert_eq!(before.0.len(), 4, "{before:?}");
    assert!(before.0.contains(&format!("82/tcp 0.0.0.0:{fixed}")));
    let range = stack.port(0)..stack.port(25);
    let given = before.0.iter().chain(&before.1);
    for port in given.filter(|port| !port.starts_with("82/")) {
        let number: u16 = port.rsplit(':').next().unwrap().parse().unwrap();
        assert!(
            range.contains(&number) && port.contains(" 127.0.0.1:"),
            "{port}"
        );
    }
    // The port leads to where it says.
    exec(
        &middle,
        "mkdir /www; echo here >/www/index.html; httpd -h /www -p 82",
    );
    assert_eq!(ask(fixed, "GET", "/", "").unwrap().body, "here\n");

    let untouched = (facts(&middle), facts(&zebra));
    stack.sites(&(one("ant") + &many + &one("zebra")));
    stack.apply();
    assert_eq!((published(&middle), published(&zebra)), before);
    assert_eq!((facts(&middle), facts(&zebra)), untouched);
    let ant = published(&stack.object("ant"));
    assert!(!before.0.contains(&ant[0]) && !before.1.contains(&ant[0]));
    stack.plan(0);

    // Reserved also while it does not run.
    stack.coasti(&["stop", "zebra"]).expect(0);
    stack.sites(&(one("ant") + &one("bee") + &many + &one("zebra")));
    stack.apply();
    stack.coasti(&["start", "zebra"]).expect(0);
    assert_eq!(published(&zebra), before.1);
}
