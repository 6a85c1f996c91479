//! Files in containers, logs, health, events.

use super::{Docker, observe::present, wire::Wire};
use crate::base::{EngineId, StackName};
use crate::engine::{EngineError, Event, Events, Logs};
use crate::observe::LABEL_STACK;
use bollard::{
    errors::Error,
    models::ChangeType,
    query_parameters::{
        ContainerArchiveInfoOptionsBuilder, DownloadFromContainerOptionsBuilder, LogsOptionsBuilder,
    },
};
use futures_util::TryStreamExt;
use http_body_util::BodyExt;
use hyper::{Method, Request, body::Incoming};
use serde::Deserialize;

/// How much of a container's output is kept: the newest bytes.
const LOG_LIMIT: usize = 256 * 1024;

/// The target of a link. The engine shows it resolved: absolute, and through further links.
pub(super) async fn link(
    docker: &Docker,
    container: &str,
    path: &str,
) -> Result<Option<String>, EngineError> {
    let options = ContainerArchiveInfoOptionsBuilder::new().path(path).build();
    let call = docker
        .client
        .get_container_archive_info(container, Some(options));
    let stat = docker
        .reading(&format!("look at {container}:{path}"), present(call))
        .await?;
    Ok(stat
        .map(|stat| stat.link_target)
        .filter(|target| !target.is_empty()))
}

/// A file or folder as a tar archive.
pub(super) async fn archive(
    docker: &Docker,
    container: &str,
    path: &str,
) -> Result<Option<Vec<u8>>, EngineError> {
    let options = DownloadFromContainerOptionsBuilder::new()
        .path(path)
        .build();
    let all = docker
        .client
        .download_from_container(container, Some(options))
        .try_fold(Vec::new(), async |mut tar, bytes| {
            tar.extend_from_slice(&bytes);
            Ok(tar)
        });
    docker
        .reading(&format!("read {container}:{path}"), present(all))
        .await
}

/// What a container's own layer has that is new or changed. The engine tells of the folders as well.
pub(super) async fn written(docker: &Docker, id: &EngineId) -> Result<Vec<String>, EngineError> {
    let call = docker.client.container_changes(id.as_str());
    let changes = docker
        .reading(&format!("ask what changed in container {id}"), call)
        .await?;
    let there = changes.into_iter().flatten();
    let there = there.filter(|change| change.kind != ChangeType::_2);
    let mut paths: Vec<String> = there.map(|change| change.path).collect();
    paths.sort_by(|a, b| a.split('/').cmp(b.split('/')));
    let next = paths.clone().into_iter().skip(1).map(Some).chain([None]);
    let inner = |path: &str, next: &str| {
        let rest = next.strip_prefix(path);
        rest.is_some_and(|rest| rest.starts_with('/'))
    };
    let leaves = paths.into_iter().zip(next);
    let leaves = leaves.filter(|(path, next)| !next.as_ref().is_some_and(|it| inner(path, it)));
    Ok(leaves.map(|(path, _)| path).collect())
}

/// The last lines of a container's output.
pub(super) async fn logs(docker: &Docker, id: &EngineId, tail: usize) -> Result<Logs, EngineError> {
    let options = LogsOptionsBuilder::new()
        .stdout(true)
        .stderr(true)
        .tail(&tail.to_string())
        .build();
    let all = docker.client.logs(id.as_str(), Some(options)).try_fold(
        Vec::new(),
        async |mut text: Vec<u8>, part| {
            keep_last(&mut text, part.as_ref(), LOG_LIMIT);
            Ok(text)
        },
    );
    let text = docker
        .reading(&format!("read the output of container {id}"), all)
        .await?;
    Ok(Logs {
        text: String::from_utf8_lossy(&text).into_owned(),
    })
}

/// Appends, and forgets from the front what is over the limit.
pub(super) fn keep_last(text: &mut Vec<u8>, part: &[u8], limit: usize) {
    text.extend_from_slice(part);
    let over = text.len().saturating_sub(limit);
    text.drain(..over);
}

/// What the last health check printed.
pub(super) async fn health_output(
    docker: &Docker,
    id: &EngineId,
) -> Result<Option<String>, EngineError> {
    let call = docker.client.inspect_container(id.as_str(), None);
    let raw = docker
        .reading(&format!("inspect container {id}"), present(call))
        .await?;
    let last = raw
        .and_then(|raw| raw.state?.health?.log)
        .and_then(|mut log| log.pop());
    Ok(last.map(|last| {
        let code = last.exit_code.unwrap_or_default();
        let output = last.output.unwrap_or_default();
        format!("exit code {code}: {}", output.trim())
    }))
}

/// A subscription to what happens to a stack's containers.
pub struct DockerEvents {
    body: Incoming,
    buffer: Vec<u8>,
}

/// Subscribes. The request asks for everything since the second before: Docker answers before it listens,
/// so something that happens right after the answer could be missed otherwise. What happened in that second
/// may be told although it is over; whoever hears of it looks anyway.
pub(super) async fn events(
    docker: &Docker,
    stack: &StackName,
) -> Result<DockerEvents, EngineError> {
    let filters = serde_json::json!({
        "type": ["container"],
        "label": [format!("{LABEL_STACK}={stack}")],
    });
    let call = subscribe(&docker.wire, &filters);
    docker.reading("subscribe to events", call).await
}

/// Ends of commands in a container, likewise.
pub(super) async fn exec_ends(wire: &Wire, container: &EngineId) -> Result<DockerEvents, Error> {
    let filters = serde_json::json!({"container": [container.as_str()], "event": ["exec_die"]});
    subscribe(wire, &filters).await
}

async fn subscribe(wire: &Wire, filters: &serde_json::Value) -> Result<DockerEvents, Error> {
    // The engine's clock, not this machine's.
    let now = wire.call(Method::GET, "/_ping", None).await?;
    let since = now
        .header("Date")
        .and_then(|date| jiff::fmt::rfc2822::parse(date).ok())
        .map(|date| format!("&since={}", date.timestamp().as_second()))
        .unwrap_or_default();
    let filters = encode(&filters.to_string());
    let request = Request::get(format!("/events?filters={filters}{since}"))
        .body(bollard::body_full(hyper::body::Bytes::new()))?;
    let (head, body) = wire.send(request).await?.into_parts();
    if head.status.is_success() {
        return Ok(DockerEvents {
            body,
            buffer: Vec::new(),
        });
    }
    let message = body.collect().await?.to_bytes();
    Err(Error::DockerResponseServerError {
        status_code: head.status.as_u16(),
        message: String::from_utf8_lossy(&message).into_owned(),
    })
}

impl DockerEvents {
    /// The next line of the stream; none when it ended.
    pub(super) async fn line(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                return Some(self.buffer.drain(..=end).collect());
            }
            let frame = self.body.frame().await?.ok()?;
            if let Ok(bytes) = frame.into_data() {
                self.buffer.extend_from_slice(&bytes);
            }
        }
    }
}

impl Events for DockerEvents {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = parse(&self.line().await?) {
                return Some(event);
            }
        }
    }
}

/// One line of the stream; none where it tells nothing about a container's state.
fn parse(line: &[u8]) -> Option<Event> {
    #[derive(Deserialize)]
    struct Raw {
        #[serde(rename = "Action")]
        action: String,
        #[serde(rename = "Actor")]
        actor: Actor,
    }
    #[derive(Deserialize)]
    struct Actor {
        #[serde(rename = "ID")]
        id: String,
    }
    let raw: Raw = serde_json::from_slice(line).ok()?;
    // Every run of a health check makes three of these, with its command line.
    let noise = raw.action.starts_with("exec_") || raw.action == "archive-path";
    (!noise).then(|| Event {
        container: EngineId::new(raw.actor.id),
        action: raw.action,
    })
}

/// Bytes that are free where the engine keeps its data.
pub(super) async fn free_space(docker: &Docker) -> Option<u64> {
    if !docker.info.local {
        return None;
    }
    let call = docker.client.info();
    let info = docker.reading("ask for the data folder", call).await.ok()?;
    super::host::free(info.docker_root_dir?.as_ref())
}

/// Percent-encodes for a query.
pub(super) fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_and_noise_is_not() {
        let line = br#"{"status":"die","id":"abc","Type":"container","Action":"die","Actor":{"ID":"abc","Attributes":{}},"time":1}"#;
        let event = parse(line).unwrap();
        assert_eq!(event.action, "die");
        assert_eq!(event.container, EngineId::new("abc"));
        let line = br#"{"Type":"container","Action":"exec_start: sh -c x","Actor":{"ID":"abc"}}"#;
        assert!(parse(line).is_none());
        assert!(parse(b"\n").is_none());
    }

    #[test]
    fn queries_are_encoded() {
        assert_eq!(
            encode(r#"{"a":["b=c"]}"#),
            "%7B%22a%22%3A%5B%22b%3Dc%22%5D%7D"
        );
    }
}
