//! What goes wrong at the worst moment: killed engines, killed runs, lost answers, full disks, two at once.

mod adopt;
mod crash;
mod disk;
mod faults;
mod kill;
mod lock;
mod many;
mod others;
mod remote;
mod store;

use crate::support::{lab::Lab, until};
use std::time::Duration;

/// An app that writes into its volume that it starts, runs and stops, so that two of them on one volume are
/// seen. It stops only while there is no `/data/hold`.
const WITNESS: &str = "\
id=$(cat /proc/sys/kernel/random/uuid); echo start $VERSION $id >>/data/log; \
trap 'while test -e /data/hold; do sleep 0.05; done; echo stop $VERSION $id >>/data/log; exit 0' TERM; \
while :; do echo beat $VERSION $id >>/data/log; sleep 0.05; done";

/// An app that just runs, and stops at once.
const SLEEP: &str = "trap 'exit 0' TERM; while :; do sleep 0.2; done";

/// A site whose app and database each write into a volume of their own, both in this version. The app is
/// sick where `/data/sick-VERSION` is in its volume, and waits with its health for `/data/go` where
/// `/data/wait-VERSION` is.
fn pair(version: &str) -> String {
    format!(
        r#"- label: wiki
  image: coasti-test/tiny:1
  env:
    VERSION: {version}
    DB_PASSWORD: {{from: database, key: DB_PASSWORD}}
  volume: [{{name: data, target: /data}}]
  docker: {{command: ["sh", "-c", "{WITNESS}"]}}
  healthcheck:
    command: "test ! -e /data/sick-{version} && test ! -e /data/wait-{version} -o -e /data/go"
    interval: 1s
    retries: 2
    start-period: 1s
  update: {{settle: 0s}}
  provider:
  - name: database
    type: docker-image
    image: coasti-test/tiny:1
    env:
      VERSION: {version}
      DB_PASSWORD: {{random: true, length: 24}}
    volume: [{{name: data, target: /data}}]
    docker: {{command: ["sh", "-c", "{WITNESS}"]}}
"#
    )
}

/// The same without a health check, and so sooner done.
fn quick(version: &str) -> String {
    let text = pair(version);
    let (before, after) = text.split_once("  healthcheck:").unwrap();
    let (_, after) = after.split_once("  update:").unwrap();
    format!("{before}  update:{after}")
}

/// A site that just runs.
fn plain(label: &str, version: &str) -> String {
    format!(
        r#"- label: {label}
  image: coasti-test/tiny:1
  env: {{VERSION: {version}}}
  docker: {{command: ["sh", "-c", "{SLEEP}"]}}
  update: {{settle: 0s}}
"#
    )
}

/// A site with a network of its own: it has a provider.
fn networked(label: &str) -> String {
    format!(
        r#"{}  provider:
  - {{name: side, type: docker-image, base-image: "coasti-test/tiny:1", network: true, docker: {{command: ["sh", "-c", "{SLEEP}"]}}}}
"#,
        plain(label, "v1")
    )
}

/// What the app wrote into its volume, checked: two never ran on it at once.
#[track_caller]
fn witnessed(lab: &Lab, address: &str) -> Vec<String> {
    let log = lab.exec(address, "cat /data/log");
    let mut running = "";
    for (number, line) in log.lines().enumerate() {
        let words: Vec<_> = line.split(' ').collect();
        let [what, _, id] = words.as_slice() else {
            // A line that a kill cut off.
            continue;
        };
        if *what == "start" {
            running = id;
        }
        assert_eq!(
            running,
            *id,
            "two at once on the volume of {address}: line {} is {line}",
            number + 1
        );
    }
    log.lines()
        .filter(|line| !line.starts_with("beat"))
        .map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .collect()
}

/// The version that an app runs in.
#[track_caller]
fn version(lab: &Lab, address: &str) -> String {
    lab.exec(address, "echo $VERSION")
}

/// All is well: the plan is empty, nothing is left of earlier runs, the lock is free, and both of the pair
/// run in that version, never two at once.
#[track_caller]
fn well(lab: &Lab, expected: &str) {
    lab.settled();
    let names = [lab.object("wiki"), lab.object("wiki/database")];
    assert_eq!(lab.containers(), names);
    assert!(!lab.exists(&lab.lock()), "the lock is still there");
    for address in ["wiki", "wiki/database"] {
        assert_eq!(version(lab, address), expected);
        witnessed(lab, address);
        let object = lab.object(address);
        let restart = lab.inspect(&object, "{{.HostConfig.RestartPolicy.Name}}");
        assert_eq!(restart, "always", "{address}");
    }
}

/// Waits until a container is in that state.
#[track_caller]
fn await_status(lab: &Lab, name: &str, status: &str) {
    until(&format!("{name} {status}"), Duration::from_secs(60), || {
        let is = lab
            .exists(name)
            .then(|| lab.inspect(name, "{{.State.Status}}"));
        (is.as_deref() == Some(status)).then_some(())
    });
}

/// No secret of the stack is in what the binary said, or in labels.
#[track_caller]
fn nothing_leaked(lab: &Lab) {
    let secret = lab.secret("wiki/database/DB_PASSWORD");
    assert!(secret.len() >= 24);
    let told = lab.told();
    // The one place is the command that prints it.
    assert_eq!(told.matches(&secret).count(), 1, "a secret was told");
    for name in lab.containers() {
        assert!(
            !lab.inspect(&name, "{{json .Config.Labels}}")
                .contains(&secret)
        );
    }
}
