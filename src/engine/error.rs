//! What can go wrong between coasti and an engine.

use std::fmt;

/// An engine's refusal, or its silence.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{what}: {message}")]
pub struct EngineError {
    /// What kind of trouble.
    pub kind: ErrorKind,
    /// What was asked for, such as `start container acme-wiki`.
    pub what: String,
    /// The engine's words.
    pub message: String,
    /// What a build printed before it failed, its end.
    pub output: Option<String>,
}

/// Kinds of trouble, as far as something different is done about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// There is no such object (404).
    NotFound,
    /// A name is taken, or the object's state forbids it (409).
    Conflict,
    /// The subnet is used by another network.
    PoolOverlap,
    /// A published port is taken.
    PortTaken,
    /// A registry or engine wants (other) credentials.
    Denied,
    /// No connection, or it broke before the call was sent.
    Unreachable,
    /// The call was sent and its answer did not come: it may have happened.
    Ambiguous,
    /// No space is left.
    DiskFull,
    /// The engine cannot do this.
    Unsupported,
    /// Any other answer that means no.
    Rejected,
}

impl EngineError {
    /// An error about `what`.
    pub fn new(kind: ErrorKind, what: impl fmt::Display, message: impl fmt::Display) -> Self {
        Self {
            kind,
            what: what.to_string(),
            message: message.to_string(),
            output: None,
        }
    }

    /// With what a build printed.
    #[must_use]
    pub fn with_output(self, output: String) -> Self {
        let output = Some(output).filter(|output| !output.trim().is_empty());
        Self { output, ..self }
    }

    /// Whether the engine itself is out of reach, so that nothing else can succeed either.
    pub fn is_fatal(&self) -> bool {
        matches!(self.kind, ErrorKind::Unreachable | ErrorKind::Ambiguous)
    }
}
