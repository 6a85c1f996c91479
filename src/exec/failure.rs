//! Why a run stopped.

use super::{wait::NotWell, words};
use crate::base::{EngineId, ResourceId};
use crate::diag::Origin;
use crate::engine::EngineError;
use crate::plan::Step;

/// Why a run stopped.
#[derive(Debug)]
pub struct Failure {
    /// The resource.
    pub of: Option<ResourceId>,
    /// The container to look at, where there is one.
    pub container: Option<EngineId>,
    /// What was being done.
    pub doing: String,
    /// Why it failed.
    pub error: String,
    /// Where in the files it was asked for.
    pub at: Option<Origin>,
    /// The engine's error, where it was one.
    pub engine: Option<EngineError>,
    /// What a build printed, its end; secrets masked.
    pub output: Option<String>,
    /// Whether the user asked for it.
    pub interrupted: bool,
}

impl Failure {
    /// One line for the history.
    pub fn summary(&self) -> String {
        match &self.of {
            _ if self.interrupted => self.error.clone(),
            Some(of) => format!("{} {}: {}: {}", of.kind, of.address, self.doing, self.error),
            None => format!("{}: {}", self.doing, self.error),
        }
    }
}

pub(super) fn interrupted() -> Failure {
    Failure {
        of: None,
        container: None,
        doing: "working".to_owned(),
        error: "interrupted".to_owned(),
        at: None,
        engine: None,
        output: None,
        interrupted: true,
    }
}

pub(super) fn fail(
    step: &Step,
    container: Option<EngineId>,
    error: String,
    engine: Option<EngineError>,
) -> Failure {
    let doing = words::plain(&step.op).0.to_owned();
    let output = engine.as_ref().and_then(|error| error.output.clone());
    Failure {
        of: Some(step.of.clone()),
        container,
        doing,
        error,
        at: None,
        engine,
        output,
        interrupted: false,
    }
}

pub(super) fn not_well(step: &Step, id: Option<EngineId>, why: NotWell) -> Failure {
    match why {
        NotWell::Sick(error) => fail(step, id, error, None),
        NotWell::Engine(error) => fail(step, id, error.message.clone(), Some(error)),
    }
}
