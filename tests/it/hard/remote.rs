//! An engine elsewhere: nothing of value is on the caller's side.

use super::{plain, quick, version, well};
use crate::support::{lab::Lab, proxy::Proxy, second::Second};
use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// What a second caller sees and does from an empty folder with just the stack's files.
fn from_elsewhere(lab: &Lab, host: &str) {
    let elsewhere = lab.copy(Some(host));
    elsewhere.settled();
    let secret = lab.secret("wiki/database/DB_PASSWORD");
    assert_eq!(elsewhere.secret("wiki/database/DB_PASSWORD"), secret);
    let runs = lab.runs();
    assert_eq!(elsewhere.runs(), runs);
    elsewhere.coasti(&["status"]).expect(0).tells(&["wiki"]);
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
    let here = crate::support::docker::docker_at(
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

/// Tells everybody an address; how often it was asked is counted.
fn tells_addresses() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let asked = Arc::clone(&count);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            asked.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read(&mut [0; 1024]);
            let reply = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n203.0.113.9\n";
            let _ = stream.write_all(reply.as_bytes());
        }
    });
    (url, count)
}

#[test]
fn the_public_address_is_that_of_the_engines_machine() {
    let test = "the_public_address_is_that_of_the_engines_machine";
    let Some(lab) = Lab::new(test) else { return };
    let Some(socket) = lab.socket() else {
        eprintln!("skipped: {test} (the engine is not reached through a socket)");
        return;
    };
    let (url, asked) = tells_addresses();
    let site =
        |version: &str| plain("wiki", version).replace("env: {", "env: {IP: {external_ip: true}, ");
    let told_by = |url: &str, version: &str| format!("{}external-ip: {url}\n", site(version));
    lab.sites(&told_by("http://127.0.0.1:9/", "v1"));
    let offline = lab.coasti(&["apply", "--yes"]).expect(1);
    offline.tells(&[
        "address is not known: http://127.0.0.1:9/: ",
        "hint: set it in the deploy file",
    ]);
    assert_eq!(lab.containers(), [""; 0]);
    lab.sites(&told_by(&url, "v1"));
    lab.coasti(&["plan", "--full"])
        .expect(0)
        .tells(&["(generated)"]);
    let elsewhere = Proxy::tcp(&socket);
    let far = lab.copy(Some(elsewhere.address()));
    far.coasti(&["apply", "--yes"])
        .expect(1)
        .tells(&["which is another one"]);
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    lab.apply()
        .tells(&["public address 203.0.113.9, as http://127.0.0.1:"]);
    lab.sites(&told_by(&url, "v2"));
    lab.apply();
    assert_eq!(lab.exec("wiki", "echo $IP $VERSION"), "203.0.113.9 v2");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    // What is kept is known from everywhere.
    let far = lab.copy(Some(elsewhere.address()));
    far.settled();
}
