//! Why an operation did not do what was asked for.

use crate::base::RevisionId;
use crate::diag::{Diagnostics, Origin};
use crate::diff::Refusal;
use crate::engine::EngineError;
use crate::plan::Plan;
use crate::store::{StoreError, lock::Holder};

/// An operation's failure. Each kind has its exit code (design: exit codes), given by `cli::exit`.
#[derive(Debug, thiserror::Error)]
pub enum OpError {
    /// The files are wrong.
    #[error("the files have errors")]
    Files(Diagnostics),
    /// The plan was refused.
    #[error("refused")]
    Refused(Vec<Refusal>, Box<Plan>),
    /// Something is not as it was when the plan was made.
    #[error("the plan is stale: {}", .0.join(", "))]
    Stale(Vec<String>),
    /// Somebody else holds the lock.
    #[error("the stack is locked")]
    Locked(Option<Box<Holder>>),
    /// Another command writes into the stack's folder, and which.
    #[error("another command writes into the stack's folder")]
    Busy(Option<String>),
    /// The engine said no.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The store could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It failed and was undone, or could not be.
    #[error("{}", .0.error)]
    Failed(Box<Failed>),
    /// After the apply, the plan is not empty.
    #[error("the apply did not converge: {}", .0.join(", "))]
    NotConverged(Vec<String>),
    /// Whoever was asked wants to stop; nothing was changed.
    #[error("interrupted")]
    Interrupted,
    /// Likewise, and what was changed until then stays.
    #[error("interrupted")]
    Cut {
        /// What was changed.
        what: String,
        /// What to do.
        help: Vec<String>,
    },
    /// Somebody has to allow it first.
    #[error("{what}")]
    Policy {
        /// What is not allowed.
        what: String,
        /// What to do.
        help: Vec<String>,
    },
    /// What was asked for makes no sense here.
    #[error("{what}")]
    Usage {
        /// What is wrong.
        what: String,
        /// What to do.
        help: Vec<String>,
    },
}

/// A failed run.
#[derive(Clone, Debug)]
pub struct Failed {
    /// What failed: `container blog (quickstart-blog): waiting until healthy`.
    pub what: String,
    /// Why.
    pub error: String,
    /// Where in the files it was asked for.
    pub at: Option<Origin>,
    /// The culprit's last output.
    pub logs: Option<String>,
    /// Its last health check's output.
    pub health: Option<String>,
    /// Whether everything is as before.
    pub undone: Undone,
    /// Whether the user asked for it.
    pub interrupted: bool,
    /// What it made and is there.
    pub kept: Kept,
}

/// What a run made and its undo kept, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Containers, to be looked at.
    pub containers: Vec<String>,
    /// Volumes, for what was written to them.
    pub volumes: Vec<String>,
}

/// What ran before a run that was undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// Nothing: what the run made is gone.
    Nothing,
    /// It ran on all the time.
    Untouched,
    /// It runs again.
    Again,
}

/// How far a failed run was undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undone {
    /// Nothing had been touched.
    Nothing,
    /// Everything is as before.
    Complete(Before),
    /// Something is left, and what.
    Partly(String),
}

/// What a refusal advises goes into the files or to an apply: a rollback takes none of it.
pub(super) fn in_rollback(refusals: &mut [Refusal], to: &RevisionId) {
    let of_apply = |line: &String| line.contains("--new-data") || line.contains("`was: ");
    for refusal in refusals {
        if refusal.help.iter().any(of_apply) {
            let files = format!(
                "a rollback cannot be told which it is: put the files back as they were at {to} (git), and \
                 `coasti apply` those, as follows"
            );
            refusal.help.insert(0, files);
        }
    }
}

impl OpError {
    /// A misuse.
    pub fn usage(what: impl Into<String>, help: &[&str]) -> Self {
        Self::Usage {
            what: what.into(),
            help: help.iter().map(|h| (*h).to_owned()).collect(),
        }
    }
}
