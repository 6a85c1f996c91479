//! What is BuildKit's own of a build: it is asked by the engine's call for builds, without the session over which
//! it would ask back. So the images that it needs are pulled before, with the logins that are here.

use super::{Docker, error, image, observe::present};
use crate::engine::{EngineError, ErrorKind, ImageBuild};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use prost::Message;
use std::collections::BTreeSet;

/// What the engine's call names it.
pub(super) const VERSION: &str = "2";

/// The id of messages that tell how far it is.
pub(super) const TRACE: &str = "moby.buildkit.trace";

/// Pulls what a build may need and the engine does not have: over its call BuildKit knows no logins. What
/// cannot be had comes back: a stage that is not built may start from it.
pub(super) async fn prepare(
    docker: &Docker,
    build: &ImageBuild,
    what: &str,
) -> Result<Option<EngineError>, EngineError> {
    let spec = &build.spec;
    let bases = spec.bases.iter();
    let foreign = bases.filter(|base| !spec.built_bases.contains_key(*base));
    let mut missing = None;
    for reference in foreign.chain(&spec.frontend) {
        if build.pull.contains(reference) {
            continue;
        }
        let there = present(docker.client.inspect_image(reference)).await;
        let there = there.map_err(|why| error::convert(what, why, error::Effect::None))?;
        if there.is_none()
            && let Err(mut why) = image::pull(docker, reference, what).await
        {
            why.message = format!("`{reference}`: {}", why.message);
            missing.get_or_insert(why);
        }
    }
    Ok(missing)
}

/// Whether an error is that of a command in the Dockerfile.
pub(super) fn is_commands(message: &str) -> bool {
    ["executor failed running", "did not complete successfully"]
        .iter()
        .any(|words| message.contains(words))
}

/// Why it failed: for want of an image, or with what to do where the Dockerfile is newer than its reader.
pub(super) fn hinted(
    build: &ImageBuild,
    missing: Option<EngineError>,
    mut error: EngineError,
) -> EngineError {
    if let Some(missing) = missing {
        return missing;
    }
    let words = error.message.to_lowercase();
    let unread = ["unknown instruction", "unknown flag", "parse error"];
    if build.spec.frontend.is_none() && unread.iter().any(|text| words.contains(text)) {
        error.kind = ErrorKind::Rejected;
        error.message.push_str(
            ": if this is newer than the engine, begin the Dockerfile with `# syntax=docker/dockerfile:1`",
        );
    }
    error
}

/// What a build tells.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// A step has begun: `[2/3] RUN make`.
    Step(String),
    /// Something was printed.
    Output(String),
}

impl News {
    /// As it is kept.
    pub(super) fn text(self) -> String {
        match self {
            Self::Step(name) => format!("{name}\n"),
            Self::Output(text) => text,
        }
    }
}

/// How far a build is.
#[derive(Default)]
pub(super) struct Trace {
    begun: BTreeSet<String>,
}

impl Trace {
    /// Reads one message; one that cannot be read says nothing.
    pub(super) fn read(&mut self, encoded: &str) -> Vec<News> {
        let bytes = STANDARD.decode(encoded).unwrap_or_default();
        let status = Status::decode(bytes.as_slice()).unwrap_or_default();
        let mut news = Vec::new();
        for vertex in status.vertexes {
            // The caller did not write those.
            let inner = vertex.name.starts_with("[internal]") || !vertex.name.starts_with('[');
            let begun = vertex.started.is_some() && self.begun.insert(vertex.digest);
            if begun && !inner {
                news.push(News::Step(vertex.name));
            }
        }
        let text = |log: Log| News::Output(String::from_utf8_lossy(&log.message).into_owned());
        news.extend(status.logs.into_iter().map(text));
        news
    }
}

/// `moby.buildkit.v1.StatusResponse`, as far as it is told (<https://github.com/moby/buildkit>,
/// api/services/control/control.proto).
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(message, repeated, tag = "1")]
    vertexes: Vec<Vertex>,
    #[prost(message, repeated, tag = "3")]
    logs: Vec<Log>,
}

#[derive(Clone, PartialEq, Message)]
struct Vertex {
    #[prost(string, tag = "1")]
    digest: String,
    #[prost(string, tag = "3")]
    name: String,
    /// A time; that there is one is enough.
    #[prost(message, optional, tag = "5")]
    started: Option<()>,
}

#[derive(Clone, PartialEq, Message)]
struct Log {
    #[prost(bytes = "vec", tag = "4")]
    message: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_told_once_and_output_as_it_comes() {
        let vertex = |digest: &str, name: &str, started: bool| Vertex {
            digest: digest.into(),
            name: name.into(),
            started: started.then_some(()),
        };
        let message = |vertexes: Vec<Vertex>, logs: &[&str]| {
            let logs = logs.iter().map(|text| Log {
                message: text.as_bytes().to_vec(),
            });
            let logs = logs.collect();
            STANDARD.encode(Status { vertexes, logs }.encode_to_vec())
        };
        let mut trace = Trace::default();
        let waiting = message(vec![vertex("a", "[2/2] RUN make", false)], &[]);
        assert_eq!(trace.read(&waiting), []);
        let begun = vec![
            vertex("a", "[2/2] RUN make", true),
            vertex("b", "[internal] load build context", true),
            vertex("c", "exporting to image", true),
        ];
        let step = News::Step("[2/2] RUN make".into());
        assert_eq!(trace.read(&message(begun.clone(), &[])), [step]);
        let printed = message(begun, &["no rule\n"]);
        assert_eq!(trace.read(&printed), [News::Output("no rule\n".into())]);
        for broken in ["", "?", "AAAA"] {
            assert_eq!(trace.read(broken), []);
        }
    }
}
