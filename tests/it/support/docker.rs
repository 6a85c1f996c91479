//! Docker's own client: what tests check coasti's work with.

use std::process::{Command, Stdio};

/// Runs `docker`, which must go well; what it printed.
#[track_caller]
pub fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "docker {arguments:?}: {error}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Runs `docker`, whatever comes of it; all that it said.
pub fn quiet(arguments: &[&str]) -> String {
    let output = Command::new("docker")
        .args(arguments)
        .stdin(Stdio::null())
        .output();
    output.map_or_else(
        |error| error.to_string(),
        |output| {
            let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
            text += &String::from_utf8_lossy(&output.stderr);
            text
        },
    )
}

/// Names of objects by kind and filter.
pub fn list(kind: &str, filter: &str) -> Vec<String> {
    let arguments = match kind {
        "container" => vec!["ps", "-a", "--format", "{{.Names}}"],
        "network" => vec!["network", "ls", "--format", "{{.Name}}"],
        _ => vec!["volume", "ls", "--format", "{{.Name}}"],
    };
    let text = quiet(&[&arguments[..], &["--filter", filter]].concat());
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
