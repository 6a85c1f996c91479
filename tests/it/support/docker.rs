//! Docker's own client: what tests check coasti's work with.

use std::process::{Command, Output, Stdio};

/// Runs `docker` on the engine at `host`, or on that of tests.
pub fn client(host: Option<&str>, arguments: &[&str]) -> Output {
    let mut command = Command::new("docker");
    if let Some(host) = host {
        command.args(["--host", host]);
    }
    let command = command.args(arguments).stdin(Stdio::null());
    command.output().unwrap()
}

/// Likewise, which must go well; what it printed.
#[track_caller]
pub fn docker_at(host: Option<&str>, arguments: &[&str]) -> String {
    let output = client(host, arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "docker {arguments:?}: {error}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Runs `docker`, which must go well; what it printed.
#[track_caller]
pub fn docker(arguments: &[&str]) -> String {
    docker_at(None, arguments)
}

/// Runs `docker`, whatever comes of it; all that it said.
pub fn quiet(arguments: &[&str]) -> String {
    let output = client(None, arguments);
    let both = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&both).into_owned()
}

/// Names of objects by kind and filter, on the engine of tests.
pub fn list(kind: &str, filter: &str) -> Vec<String> {
    list_at(None, kind, filter)
}

/// Likewise, on the engine at `host`.
pub fn list_at(host: Option<&str>, kind: &str, filter: &str) -> Vec<String> {
    let arguments = match kind {
        "container" => vec!["ps", "-a", "--format", "{{.Names}}"],
        "network" => vec!["network", "ls", "--format", "{{.Name}}"],
        _ => vec!["volume", "ls", "--format", "{{.Name}}"],
    };
    let output = client(host, &[&arguments[..], &["--filter", filter]].concat());
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(str::to_owned).collect()
}

/// A command in a container, as `docker exec` does it.
#[track_caller]
pub fn exec(container: &str, script: &str) -> String {
    docker(&["exec", container, "sh", "-c", script])
}

/// One object as the engine tells of it.
#[track_caller]
pub fn inspect(name: &str) -> serde_json::Value {
    let json: serde_json::Value = serde_json::from_str(&docker(&["inspect", name])).unwrap();
    json[0].clone()
}

/// What tells whether a container was touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Its id.
    pub id: String,
    /// When it was started last.
    pub started: String,
    /// `running`, `exited`, …
    pub status: String,
    /// `always`, `no`, …
    pub restart: String,
    /// Its image's id.
    pub image: String,
}

/// A container's facts.
#[track_caller]
pub fn facts(name: &str) -> Facts {
    try_facts(name).unwrap_or_else(|| panic!("there is no container {name}"))
}

/// Likewise; none where there is none.
pub fn try_facts(name: &str) -> Option<Facts> {
    let all: serde_json::Value = serde_json::from_str(
        quiet(&["container", "inspect", name])
            .lines()
            .take_while(|line| !line.starts_with("Error"))
            .collect::<String>()
            .as_str(),
    )
    .ok()?;
    let json = all.get(0)?;
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    Some(Facts {
        id: text(&json["Id"])?,
        started: text(&json["State"]["StartedAt"])?,
        status: text(&json["State"]["Status"])?,
        restart: text(&json["HostConfig"]["RestartPolicy"]["Name"])?,
        image: text(&json["Image"])?,
    })
}

/// An image's id.
#[track_caller]
pub fn image_id(reference: &str) -> String {
    docker(&["image", "inspect", "--format", "{{.Id}}", reference])
}
