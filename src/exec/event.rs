//! What an executor tells while it works. The library never prints; whoever runs a plan listens.

use crate::base::ResourceId;
use crate::plan::{Phase, StepId};
use serde::Serialize;
use std::time::Duration;

/// What is told as done when all that was touched still runs: of no single resource.
pub const VERIFIED: &str = "verified";

/// Something happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum Event {
    /// A run begins, with so many steps.
    Begin {
        /// What it is: `apply`, `undo`, `rollback`, `destroy`, …
        what: String,
        /// Its steps.
        steps: usize,
    },
    /// The first step of a phase begins.
    Phase {
        /// Which.
        phase: Phase,
    },
    /// A step begins.
    Started {
        /// Its number.
        step: StepId,
        /// Its resource.
        of: ResourceId,
        /// What it does, for people: `stop`, `start`, `wait until healthy`.
        doing: String,
    },
    /// Something to add about a step under way, such as how much of an image has come.
    Note {
        /// The step.
        step: StepId,
        /// In a few words.
        text: String,
    },
    /// A step is done.
    Done {
        /// Its number.
        step: StepId,
        /// Its resource.
        of: ResourceId,
        /// What was done: `stopped`, `started`, `healthy`.
        done: String,
        /// How long it took, in milliseconds.
        #[serde(serialize_with = "millis")]
        took: Duration,
    },
    /// A step failed; what is under way ends, nothing more begins.
    Failed {
        /// Its number.
        step: StepId,
        /// Its resource.
        of: ResourceId,
        /// Why.
        error: String,
    },
    /// Waiting for something outside, such as the lock's holder or an engine that went away.
    Waiting {
        /// For what.
        what: String,
    },
    /// Something that was found out on the way.
    Learnt {
        /// What.
        what: String,
    },
    /// The run ended.
    End {
        /// Whether all went well.
        ok: bool,
    },
}

fn millis<S: serde::Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(took.as_millis()).unwrap_or(u64::MAX))
}

/// Where events go. Nobody has to listen.
#[derive(Clone, Debug, Default)]
pub struct Events(Option<tokio::sync::mpsc::UnboundedSender<Event>>);

impl Events {
    /// Events go to `sender`.
    pub fn to(sender: tokio::sync::mpsc::UnboundedSender<Event>) -> Self {
        Self(Some(sender))
    }

    /// Tells.
    pub fn send(&self, event: Event) {
        if let Some(sender) = &self.0 {
            // Nobody listening any more is no reason to stop working.
            let _ = sender.send(event);
        }
    }
}
