//! An engine elsewhere: nothing of value is on the caller's side.

use super::{quick, version, well};
use crate::support::{lab::Lab, proxy::Proxy, second::Second};

/// What a second caller sees and does from an empty folder with just the stack's files.
fn from_elsewhere(lab: &Lab, host: &str) {
    let elsewhere = lab.copy(Some(host));
    elsewhere.settled();
    let secret = lab.secret("wiki/database/DB_PASSWORD");
    assert_eq!(elsewhere.secret("wiki/database/DB_PASSWORD"), secret);
    let runs = lab.runs();
    assert_eq!(elsewhere.runs(), runs);
    elsewhere.coasti(&["status"]).expect(0).says(&["wiki"]);
    elsewhere.coasti(&["rollback", "--yes"]).expect(0);
    assert_eq!(version(lab, "wiki"), "v1");
    assert_eq!(elsewhere.secret("wiki/database/DB_PASSWORD"), secret);
    elsewhere.coasti(&["stop", "wiki"]).expect(0);
    lab.coasti(&["start", "wiki"]).expect(0);
    elsewhere.apply();
    well(lab, "v2");
    assert!(lab.runs().len() > runs.len() + 3);
    elsewhere.coasti(&["destroy", "--yes"]).expect(0);
    assert_eq!(lab.containers(), [""; 0]);
    lab.apply();
    assert_eq!(elsewhere.secret("wiki/database/DB_PASSWORD"), secret);
}

fn prepared(lab: &Lab) {
    for next in ["v1", "v2"] {
        lab.sites(&quick(next));
        lab.apply();
    }
}

#[test]
fn through_tcp_from_an_empty_folder() {
    let test = "through_tcp_from_an_empty_folder";
    let Some(lab) = Lab::new(test) else { return };
    let Some(socket) = lab.socket() else {
        eprintln!("skipped: {test} (the engine is not reached through a socket)");
        return;
    };
    let proxy = Proxy::tcp(&socket);
    prepared(&lab);
    from_elsewhere(&lab, proxy.address());
    assert!(proxy.lines().iter().any(|line| line.contains("/start")));
}

#[test]
fn another_engine_from_an_empty_folder() {
    let test = "another_engine_from_an_empty_folder";
    let Some(second) = Second::start(test, "256m", &["coasti-test/tiny:1"]) else {
        return;
    };
    let lab = Lab::on(Some(&second.host()));
    prepared(&lab);
    from_elsewhere(&lab, &second.host());
    let here = crate::support::lab::docker_at(
        None,
        &[
            "ps",
            "-aq",
            "--filter",
            &format!("label=coasti.stack={}", lab.name()),
        ],
    );
    assert_eq!(here, "", "nothing of it is on this machine's engine");
    assert!(second.docker(&["ps"]).contains(&lab.object("wiki")));
}
