//! The plan: differences put in order, as data.
//!
//! A [`Plan`] is a graph of [`Step`]s, each one engine call, a wait or a command in a container. Every
//! decision is made here: the executor only walks the graph.
//!
//! Phases (design.md §4): *prepare* touches nothing that runs, *switch* stops the old and starts the new in
//! dependency order, *verify* looks whether all still run; then the revision becomes the good one, and
//! *commit* removes what was replaced.

mod back;
mod beside;
pub mod check;
mod lower;
mod order;
pub mod text;

pub(crate) use beside::{forbids_start_first, replace_order};

use crate::base::{EngineId, ResourceId, Span, StackName};
use crate::diff::{Change, Diff, Inputs, Notice, Pending, Refusal, diff};
use crate::model::{Attachment, LiveSpec};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A step's number in its plan, from 1.
pub type StepId = usize;

/// A plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The stack.
    pub stack: StackName,
    /// What differs, by resource.
    pub changes: Vec<Change>,
    /// What must not be done; with any of these there are no steps.
    pub refusals: Vec<Refusal>,
    /// What is seen and left alone.
    pub notices: BTreeSet<Notice>,
    /// What is done, in an order that respects every need.
    pub steps: Vec<Step>,
    /// Files that are lost with a container that is replaced, where somebody looked.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outside: BTreeMap<ResourceId, Outside>,
}

/// Files of a container that are in none of its volumes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outside {
    /// Their paths, in order; not all where there are many.
    pub files: Vec<String>,
    /// How many there are besides.
    pub more: usize,
}

/// One thing that the executor does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its number.
    pub id: StepId,
    /// What is done.
    pub op: Op,
    /// Which steps come first.
    pub needs: BTreeSet<StepId>,
    /// For which resource.
    pub of: ResourceId,
    /// In which phase.
    pub phase: Phase,
    /// Why, in a few words.
    pub cause: String,
}

/// A phase of an apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Nothing that runs is touched.
    Prepare,
    /// The old stops, the new starts.
    Switch,
    /// All still run.
    Verify,
    /// What was replaced goes.
    Commit,
}

/// A container that a step is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// One that is on the engine already.
    Known(EngineId),
    /// The one that this plan makes for the resource.
    New(ResourceId),
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "do")]
pub enum Op {
    /// Pulls the image, or loads it from its archive.
    FetchImage,
    /// Builds the image from a folder on the caller's disk.
    BuildImage {
        /// What it starts from and is pulled before.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        pull: BTreeSet<String>,
    },
    /// Makes the network.
    CreateNetwork,
    /// Makes the volume.
    CreateVolume,
    /// Makes the volume of a container's files, and fills it.
    WriteFiles,
    /// Makes the container under that name.
    CreateContainer {
        /// Its name for now.
        name: String,
    },
    /// A gate without a call: from here on, what runs is touched.
    Prepared,
    /// Sets the restart policy to `no`, so that an engine restart does not run it beside the new one.
    Unguard {
        /// Which container.
        target: Target,
    },
    /// Stops it.
    Stop {
        /// Which container.
        target: Target,
    },
    /// Gives it another name.
    Rename {
        /// Which container.
        target: Target,
        /// The new name.
        to: String,
    },
    /// Changes limits and restart policy in place.
    Update {
        /// Which container.
        target: Target,
        /// The new values.
        live: LiveSpec,
    },
    /// Leaves a network.
    Disconnect {
        /// Which container.
        target: Target,
        /// The network's name.
        network: String,
    },
    /// Joins a network.
    Connect {
        /// Which container.
        target: Target,
        /// The network's name.
        network: String,
        /// How.
        attachment: Attachment,
    },
    /// Freezes it.
    Pause {
        /// Which container.
        target: Target,
    },
    /// Thaws it.
    Unpause {
        /// Which container.
        target: Target,
    },
    /// Starts it.
    Start {
        /// Which container.
        target: Target,
    },
    /// Waits until it is healthy; without a health check, until it ran for `settle`.
    AwaitHealthy {
        /// Which container.
        target: Target,
        /// How long it must run where it has no health check.
        settle: Span,
        /// How long it may take.
        patience: Span,
    },
    /// Waits until a container that is not coasti's works again as it did before: until it ran for a moment,
    /// and until its health check says so where it said so before.
    AwaitBack {
        /// Which container.
        target: Target,
        /// Whether its health check said that it works.
        healthy: bool,
    },
    /// Waits until a job has ended, which must be with 0.
    AwaitCompleted {
        /// Which container.
        target: Target,
        /// How long it may take.
        patience: Span,
    },
    /// Runs the post-run commands, in order, each of which must exit with 0.
    PostRun {
        /// Which container.
        target: Target,
    },
    /// Looks whether all that was touched still runs, and all that depends on it.
    Verify {
        /// The containers' resources.
        containers: BTreeSet<ResourceId>,
    },
    /// Removes it.
    RemoveContainer {
        /// Which container.
        target: Target,
    },
    /// Removes the network.
    RemoveNetwork {
        /// Its id.
        id: EngineId,
    },
    /// Removes the volume of files that nothing mounts any more.
    RemoveFiles {
        /// Its name.
        name: EngineId,
    },
}

impl Op {
    /// Whether it brings an image: that comes before all else, as nothing is touched by it.
    pub const fn brings_image(&self) -> bool {
        matches!(self, Self::FetchImage | Self::BuildImage { .. })
    }

    /// The container that it is about, where that is there already.
    pub const fn target(&self) -> Option<&Target> {
        match self {
            Self::Unguard { target }
            | Self::Stop { target }
            | Self::Rename { target, .. }
            | Self::Update { target, .. }
            | Self::Disconnect { target, .. }
            | Self::Connect { target, .. }
            | Self::Pause { target }
            | Self::Unpause { target }
            | Self::Start { target }
            | Self::AwaitHealthy { target, .. }
            | Self::AwaitBack { target, .. }
            | Self::AwaitCompleted { target, .. }
            | Self::PostRun { target }
            | Self::RemoveContainer { target } => Some(target),
            Self::FetchImage
            | Self::BuildImage { .. }
            | Self::CreateNetwork
            | Self::CreateVolume
            | Self::WriteFiles
            | Self::CreateContainer { .. }
            | Self::Prepared
            | Self::Verify { .. }
            | Self::RemoveNetwork { .. }
            | Self::RemoveFiles { .. } => None,
        }
    }
}

impl Plan {
    /// Whether nothing would be done and nothing was refused.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.refusals.is_empty()
    }

    /// Whether an apply that does nothing would record something: what the files say of what is held.
    pub fn records(&self) -> bool {
        let waits = |notice: &Notice| {
            let of = |pending: &Option<Pending>| *pending == Some(Pending::Apply);
            matches!(notice, Notice::Held { pending, .. } if of(pending))
        };
        self.refusals.is_empty() && self.notices.iter().any(waits)
    }

    /// The steps by number.
    pub fn by_id(&self) -> BTreeMap<StepId, &Step> {
        self.steps.iter().map(|step| (step.id, step)).collect()
    }
}

/// Makes the plan that takes the engine from what was observed to what is desired. Pure.
pub fn plan(inputs: &Inputs<'_>) -> Plan {
    let Diff {
        changes,
        refusals,
        notices,
    } = diff(inputs);
    let steps = if refusals.is_empty() {
        lower::lower(inputs, &changes)
    } else {
        Vec::new()
    };
    Plan {
        stack: inputs.desired.name.clone(),
        changes: changes.into_values().collect(),
        refusals,
        notices,
        steps,
        outside: BTreeMap::new(),
    }
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
