//! Whole stories on a real engine, each from a folder of files to what runs: the real binary, its exit codes,
//! and Docker's own client to look at what came of it.

mod builds;
mod clones;
mod databases;
mod drift;
mod encrypted;
mod failures;
mod formats;
mod held;
mod images;
mod interrupt;
mod makes;
mod ports;
mod refusals;
mod rollback;
mod secrets;
mod wordpress;

use crate::support::{ran::Ran, stack::Stack};

/// Ends at once when it is asked to: as process 1, a shell or a `sleep` would not.
const WAITS: &str = r#"["sh", "-c", "trap 'exit 0' TERM; sleep 99999 & wait"]"#;

/// A site that only runs: busybox under that label, what differs indented by four.
fn site(label: &str, more: &str) -> String {
    site_of(label, "coasti-test/tiny:1", WAITS, more)
}

/// Likewise, with an image and a command.
fn site_of(label: &str, image: &str, command: &str, more: &str) -> String {
    format!(
        "  - label: {label}\n    image: {image}\n    docker: {{command: {command}}}\n    update: {{settle: 300ms, timeout: 60s}}\n{more}"
    )
}

/// A PostgreSQL for a site, and the variables that name it.
const POSTGRES: &str = r#"    env:
      DB_USER: {from: database, key: POSTGRES_USER}
      DB_PASSWORD: {from: database, key: POSTGRES_PASSWORD}
      DB_NAME: {from: database, key: POSTGRES_DB}
      DB_HOST: {from: database, key: hostname}
      DB_URL: "postgresql://{DB_USER}:{DB_PASSWORD}@{DB_HOST}/{DB_NAME}"
    provider:
      - name: database
        module-name: postgres
        module-version: ">=15,<16"
        base-image: "coasti-test/postgres:15"
        healthcheck: {interval: 500ms, timeout: 5s, retries: 60}
"#;

/// The JSON of a plan's change of one container.
#[track_caller]
fn change<'a>(plan: &'a serde_json::Value, address: &str) -> &'a serde_json::Value {
    let changes = plan["changes"].as_array().unwrap();
    changes
        .iter()
        .find(|change| change["kind"] == "container" && change["address"] == address)
        .unwrap_or_else(|| panic!("no change of {address} in {plan:#}"))
}

/// The fields of a change as `FIELD: FROM -> TO (CAUSE)`.
fn fields(change: &serde_json::Value) -> Vec<String> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
    let all = change["fields"].as_array().into_iter().flatten();
    all.map(|field| {
        let (from, to) = (text(&field["from"]), text(&field["to"]));
        format!(
            "{}: {from} -> {to} ({})",
            text(&field["field"]),
            text(&field["cause"])
        )
    })
    .collect()
}

/// That a container ended, in the words it was told with: on a busy machine the engine has it running again
/// before anybody looks, and then nobody knows its exit code.
#[track_caller]
fn ended(ran: &Ran, code: u8) {
    let exited = format!("exited with code {code}");
    let again = "it ended and was ";
    assert!(
        ran.err.contains(&exited) || ran.err.contains(again),
        "{}",
        ran.err
    );
}

/// Nothing of a switch or a failure is left: each container has its own name, no more and no fewer.
#[track_caller]
fn only_containers(stack: &Stack, addresses: &[&str]) {
    let mut names: Vec<_> = addresses.iter().map(|a| stack.object(a)).collect();
    names.sort();
    assert_eq!(stack.containers(), names);
}
