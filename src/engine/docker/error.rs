//! bollard's errors and Docker's refusals → [`EngineError`].

use crate::engine::{EngineError, ErrorKind};
use bollard::errors::Error;
use std::fmt;

/// Whether a call changes something: then an answer that did not come leaves open whether it happened.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// It only reads.
    None,
    /// It changes something.
    Some,
}

/// The status of a refusal.
pub(super) fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// Whether it is a refusal with that status whose message contains `text`.
pub(super) fn says(error: &Error, code: u16, text: &str) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code, message }
        if *status_code == code && message.to_lowercase().contains(text))
}

/// What went wrong, with the engine's own words.
pub(super) fn convert(what: impl fmt::Display, error: Error, effect: Effect) -> EngineError {
    let lost = match effect {
        Effect::None => ErrorKind::Unreachable,
        Effect::Some => ErrorKind::Ambiguous,
    };
    let (kind, message) = match error {
        Error::DockerResponseServerError {
            status_code,
            message,
        } if message.trim().is_empty() => (
            refusal(status_code, &message),
            format!("the answer is status {status_code}, with no reason"),
        ),
        Error::DockerResponseServerError {
            status_code,
            message,
        } => (refusal(status_code, &message), clean(&message)),
        Error::DockerStreamError { error } => (refusal(0, &error), clean(&error)),
        // What `Wire` says when it could not connect: nothing was sent.
        Error::SocketNotFoundError(message) => (
            ErrorKind::Unreachable,
            format!("cannot connect to the engine: {message}"),
        ),
        Error::RequestTimeoutError => (lost, "the engine did not answer in time".to_owned()),
        Error::HyperResponseError { err } => (
            lost,
            format!("the connection to the engine broke: {}", innermost(&err)),
        ),
        Error::IOError { err } => (
            lost,
            format!("the connection to the engine broke: {}", innermost(&err)),
        ),
        other => (
            ErrorKind::Rejected,
            format!("the engine's answer is not understood: {other}"),
        ),
    };
    EngineError::new(kind, what, message)
}

/// The cause beneath all causes: what hyper itself says (`error reading a body`) helps nobody.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// What kind a refusal is. Docker has one status for many reasons (500 for a taken port, a full disk and a
/// command that does not exist), so its words decide first.
fn refusal(status: u16, message: &str) -> ErrorKind {
    let message = message.to_lowercase();
    let has = |texts: &[&str]| texts.iter().any(|text| message.contains(text));
    if has(&["no space left on device", "disk quota exceeded"]) {
        ErrorKind::DiskFull
    } else if has(&["port is already allocated", "address already in use"]) {
        ErrorKind::PortTaken
    } else if has(&["pool overlaps", "overlapping ipv4", "overlapping ipv6"]) {
        ErrorKind::PoolOverlap
    } else if has(&[
        "unauthorized",
        "pull access denied",
        "authentication required",
        "no basic auth credentials",
        "incorrect username or password",
    ]) || status == 401
    {
        ErrorKind::Denied
    } else if has(&["manifest unknown", "not found: manifest"]) || status == 404 {
        ErrorKind::NotFound
    } else if status == 409 || (status == 403 && has(&["active endpoints", "already exists"])) {
        ErrorKind::Conflict
    } else if status == 501 || has(&["does not support reading"]) {
        ErrorKind::Unsupported
    } else {
        ErrorKind::Rejected
    }
}

/// One line, without the prefixes that say only who speaks.
fn clean(message: &str) -> String {
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut rest = line.as_str();
    for prefix in [
        "Error response from daemon: ",
        "OCI runtime create failed: ",
        "failed to create shim task: ",
        "OCI runtime create failed: ",
    ] {
        rest = rest.strip_prefix(prefix).unwrap_or(rest);
    }
    if rest.is_empty() {
        return "the engine gave no reason".to_owned();
    }
    let known = MEANINGS
        .iter()
        .find(|(words, _)| rest.to_lowercase().contains(words));
    match known {
        Some((_, meaning)) => format!("{rest} ({meaning})"),
        None => rest.to_owned(),
    }
}

/// What an engine says in words that tell only those who wrote it, with what it means.
const MEANINGS: &[(&str, &str)] = &[
    (
        "could not select device driver",
        "the engine has no driver for such devices; for NVIDIA's GPUs, its host needs the NVIDIA Container Toolkit",
    ),
    (
        "unknown runtime specified",
        "`docker info` names the runtimes that the engine has",
    ),
    (
        "unknown or invalid runtime name",
        "`docker info` names the runtimes that the engine has",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_have_kinds() {
        for (status, message, kind) in [
            (404, "No such container: x", ErrorKind::NotFound),
            (
                500,
                "driver failed programming external connectivity on endpoint x: Bind for 0.0.0.0:80 failed: port is already allocated",
                ErrorKind::PortTaken,
            ),
            (
                500,
                "listen tcp4 127.0.0.1:80: bind: address already in use",
                ErrorKind::PortTaken,
            ),
            (
                403,
                "Pool overlaps with other one on this address space",
                ErrorKind::PoolOverlap,
            ),
            (
                500,
                "write /x: no space left on device",
                ErrorKind::DiskFull,
            ),
            (
                403,
                "error while removing network: network x has active endpoints",
                ErrorKind::Conflict,
            ),
            (
                404,
                "pull access denied for x, repository does not exist or may require 'docker login'",
                ErrorKind::Denied,
            ),
            (500, "something else", ErrorKind::Rejected),
        ] {
            let error = convert(
                "try",
                Error::DockerResponseServerError {
                    status_code: status,
                    message: message.to_owned(),
                },
                Effect::Some,
            );
            assert_eq!(error.kind, kind, "{message}");
        }
    }

    #[test]
    fn a_lost_answer_is_ambiguous_only_where_it_matters() {
        let lost = |effect| convert("try", Error::RequestTimeoutError, effect).kind;
        assert_eq!(lost(Effect::None), ErrorKind::Unreachable);
        assert_eq!(lost(Effect::Some), ErrorKind::Ambiguous);
    }
}
