//! What differs: the desired stack, what was last applied, and what the engine has, compared three ways.
//!
//! 1. Every object of ours is matched with its resource by label *and* name ([`slots`]).
//! 2. Fields that are fixed at creation are compared with the spec in the object's label; fields that can
//!    change in place with the live object. Only declared fields are owned.
//! 3. A difference is *yours* where the files differ from what was last applied, *drift* where the object
//!    does, *upstream* where an image's tag moved.
//! 4. [`safety`] says what must not be done.
//!
//! Pure. Nothing here decides the order of things; `plan` does.

mod adopt;
pub mod codes;
mod container;
mod files;
mod held;
mod images;
mod live;
mod object;
mod others;
mod safety;
mod slots;

pub use adopt::{Adopted, adopted};
pub use container::ContainerChange;
pub use held::carried;
pub use live::LiveChange;
pub use object::Object;
pub(crate) use object::claims;
pub use slots::{Candidate, Slots};

use crate::base::{EngineId, Kind, ResourceId};
use crate::diag::Origin;
use crate::model::Stack;
use crate::observe::Observed;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A user's decision that outlives an apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hold {
    /// `coasti stop`.
    Stopped,
    /// `coasti pause`.
    Paused,
    /// `coasti remove`.
    Removed,
}

impl Hold {
    /// `stopped`, `paused` or `removed`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Paused => "paused",
            Self::Removed => "removed",
        }
    }

    /// The command that takes the decision.
    pub const fn taken_by(self) -> &'static str {
        match self {
            Self::Stopped => "stop",
            Self::Paused => "pause",
            Self::Removed => "remove",
        }
    }

    /// The command that lifts it.
    pub const fn lifted_by(self) -> &'static str {
        match self {
            Self::Stopped | Self::Removed => "start",
            Self::Paused => "unpause",
        }
    }
}

/// Decisions by label.
pub type Held = BTreeMap<String, Hold>;

/// What a diff is made of.
#[derive(Clone, Debug)]
pub struct Inputs<'a> {
    /// What the files want.
    pub desired: &'a Stack,
    /// What the engine has.
    pub observed: &'a Observed,
    /// What was last applied and good.
    pub base: Option<&'a Stack>,
    /// Decisions that stand.
    pub held: &'a Held,
    /// What the user said on the command line.
    pub wishes: &'a Wishes,
}

/// What a user says on the command line, or a recovery says for one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wishes {
    /// Only these labels; empty is all.
    pub target: BTreeSet<String>,
    /// Labels whose containers are replaced even though nothing differs.
    pub replace: BTreeSet<String>,
    /// Labels that may lose touch with data.
    pub new_data: BTreeSet<String>,
    /// How many containers may go where that is more than half.
    pub max_removals: Option<usize>,
    /// Going back to what ran: an image's moved tag is no reason to replace, nor is safety asked twice.
    pub undo: bool,
    /// Going back to an older revision: its volumes are those that are meant.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rollback: bool,
    /// Failed containers are kept, stopped, to be looked at.
    pub keep_failed: bool,
    /// A run that was cut off: what it made is not trusted to be complete where commands had to run in it.
    pub distrust: Option<crate::base::RunId>,
    /// A run was cut off, or lost its engine: what it asked for last may still be on its way.
    #[serde(default)]
    pub cut_off: bool,
    /// Containers that such a run was to change: it may have asked for their end.
    #[serde(default)]
    pub ending: BTreeSet<ResourceId>,
    /// Containers that a run which was cut off, or which is undone, had begun to take over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adopted: Vec<Adopted>,
    /// Digests that registries have now, by reference (`--refresh`).
    pub remote: BTreeMap<String, String>,
}

/// Who made a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// The files say something else than last time.
    You,
    /// The object was changed behind coasti's back.
    Drift,
    /// An image's tag names another image now.
    Upstream,
    /// A run of coasti's that was cut off left it so.
    Run,
}

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Its path, such as `env.LOG_LEVEL`.
    pub field: String,
    /// What it is; none where it is not set. Secrets as `***`.
    pub from: Option<String>,
    /// What it shall be.
    pub to: Option<String>,
    /// Who made the difference.
    pub cause: Cause,
    /// Where the new value stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// What is done to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// An image is fetched.
    Pull,
    /// An image is built.
    Build,
    /// It is made.
    Create,
    /// It is there and is started.
    Start,
    /// It is changed in place.
    Update,
    /// A new one takes its place.
    Replace,
    /// What was replaced takes its place again.
    Restore,
    /// It goes.
    Remove,
}

/// Why something is done that no field tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "why")]
pub enum Reason {
    /// It is new in the files.
    New,
    /// It was there when last applied, and is gone.
    Gone,
    /// It is no longer in the files.
    NotInFiles,
    /// It does not run.
    NotRunning {
        /// What it does instead.
        status: String,
        /// Its exit code.
        exit_code: i64,
    },
    /// It runs, but a run that was cut off was about to stop it: it may end at any moment.
    Ending,
    /// It is made anew because another one is, or a job runs again because what it works on is another.
    Renewed {
        /// The other one's address.
        with: String,
    },
    /// It runs in what is left of the network, the processes or the memory of another one, which ended since.
    Outlived {
        /// The other one's address.
        other: String,
    },
    /// It is frozen.
    Paused,
    /// Asked for with `--replace`.
    Requested,
    /// What it was made from is known by its hash alone, and that differs.
    SpecChanged,
    /// A limit that is no longer declared cannot be lifted in place.
    LimitRemoved {
        /// The field.
        field: String,
    },
    /// A run that was cut off left it.
    Leftover,
    /// `coasti destroy`.
    Destroyed,
    /// It failed, and was kept to be looked at until now.
    Failed {
        /// The container's name.
        name: String,
    },
    /// The image is not on the engine.
    ImageMissing,
    /// It takes the place of a container that is not coasti's.
    Adopts {
        /// That container's name.
        name: String,
    },
    /// It is not coasti's, and was about to be taken over.
    TakenOver {
        /// The address of what was to take its place.
        by: String,
    },
    /// Its data moves with it from another label.
    Renamed {
        /// The old label.
        was: String,
    },
}

/// One resource that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Which.
    pub id: ResourceId,
    /// Its name on the engine.
    pub name: String,
    /// What is done.
    pub action: Action,
    /// Why, beyond fields.
    pub reasons: Vec<Reason>,
    /// Which fields differ.
    pub fields: Vec<FieldChange>,
    /// Where the resource stands in the files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// What it means for an app, in the words of those who come from nua.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
    /// For a container: which objects are meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<ContainerChange>,
    /// For what goes: the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<EngineId>,
}

/// What becomes of an app: nua's deploy strategies, recognised; what of theirs destroys data is not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "strategy")]
pub enum Strategy {
    /// A label that was not there.
    New,
    /// Same product, same domain.
    Update,
    /// Another product at the same domain.
    Replace {
        /// The product before.
        from: String,
    },
    /// Same product, other domain.
    MoveDomain {
        /// The domain before.
        from: String,
    },
    /// Another product at another domain under a label that was used.
    ReuseLabel {
        /// The product before.
        from: String,
    },
    /// The label is new, the data is another label's.
    Rename {
        /// The label before.
        from: String,
    },
}

/// Something that is not done, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Stable, such as `P0203`.
    pub code: String,
    /// What it is about.
    pub id: ResourceId,
    /// What would have been done.
    pub summary: String,
    /// Why not.
    pub why: String,
    /// What to do.
    pub help: Vec<String>,
    /// Where in the files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// Something that is seen and left alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "notice")]
pub enum Notice {
    /// It bears our labels under a name that coasti would not have given.
    Copy {
        /// The container's name.
        name: String,
    },
    /// A volume that nothing in the files uses; kept.
    Retained {
        /// The volume's name.
        name: String,
    },
    /// A network or volume that was made with other labels than the files say.
    Labels {
        /// Which.
        id: ResourceId,
        /// Its name.
        name: String,
        /// The labels that differ.
        labels: BTreeSet<String>,
    },
    /// A network that nothing in the files uses; kept while others are on it.
    InUse {
        /// The network's name.
        name: String,
        /// The containers' names.
        by: BTreeSet<String>,
    },
    /// The store was removed while containers of the stack are there: what was applied and held is not known.
    NoHistory,
    /// `was:` names a label that nothing has or had, as far as is known.
    UnknownWas {
        /// The site's label.
        label: String,
        /// The label that it says it had.
        was: String,
    },
    /// A label that is held.
    Held {
        /// The label.
        label: String,
        /// How.
        hold: Hold,
        /// What the files say of it that it is not yet, where they moved on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pending: Option<Pending>,
        /// Whether it runs nevertheless: somebody started it by hand.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        runs: bool,
    },
}

/// How what changed in the files comes to a label that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pending {
    /// With `coasti start`: it was applied meanwhile.
    Start,
    /// With `coasti start` after an apply, which records it.
    Apply,
}

/// Everything that differs.
#[derive(Clone, Debug, Default)]
pub struct Diff {
    /// What is done, by resource.
    pub changes: BTreeMap<ResourceId, Change>,
    /// What must not be done; with any of these, nothing is.
    pub refusals: Vec<Refusal>,
    /// What is left alone.
    pub notices: BTreeSet<Notice>,
}

/// Compares.
pub fn diff(inputs: &Inputs<'_>) -> Diff {
    let mut diff = Diff::default();
    let slots = Slots::gather(inputs.desired, inputs.observed, &mut diff);
    images::images(inputs, &mut diff);
    others::networks(inputs, &slots, &mut diff);
    others::volumes(inputs, &mut diff);
    files::missing(inputs, &mut diff);
    container::containers(inputs, &slots, &mut diff);
    held::notices(inputs, &slots, &mut diff);
    adopt::put_back(inputs, &mut diff);
    if !inputs.wishes.undo {
        held::unknown(inputs, &mut diff);
        safety::check(inputs, &slots, &mut diff);
    }
    others::drop_unneeded(inputs, &mut diff);
    files::unused(inputs, &mut diff);
    diff
}

impl Wishes {
    /// The labels of `--target`, with those that they had before and those that have their place now: who takes
    /// over data, and who held it, are changed together or not at all. After a second rename `was:` may still name
    /// the first label; who writes to the same volumes and is not in the files any more is the one that goes.
    pub fn target_with_old(&self, desired: &Stack, base: Option<&Stack>) -> BTreeSet<String> {
        let mut all = self.target.clone();
        if all.is_empty() {
            return all;
        }
        let named = |label: &str| desired.containers().any(|(id, ..)| id.label() == label);
        let base = || base.into_iter().flat_map(Stack::containers);
        for (id, _, spec) in desired.containers() {
            // A label that something else has by now is no longer the old one.
            let was = desired.was(id.label()).filter(|was| !named(was));
            let written: BTreeSet<&EngineId> = spec.written().collect();
            let wrote = base()
                .filter(|(old, ..)| !named(old.label()))
                .filter(|(_, _, spec)| spec.written().any(|volume| written.contains(volume)))
                .map(|(old, ..)| old.label());
            for old in was.into_iter().chain(wrote) {
                let hit = |label| self.target.contains(label);
                if hit(old) || hit(id.label()) {
                    all.extend([old, id.label()].map(str::to_owned));
                }
            }
        }
        all
    }
}

impl Inputs<'_> {
    /// Whether the resource is within `--target`: of a label named there, or a network or volume that a
    /// container of such a label needs.
    pub fn wants(&self, id: &ResourceId) -> bool {
        let target = &self.wishes.target_with_old(self.desired, self.base);
        let needed = || {
            self.desired
                .containers()
                .any(|(of, it, _)| target.contains(of.label()) && it.needs.contains_key(id))
        };
        match id.kind {
            _ if target.is_empty() || target.contains(id.label()) => true,
            Kind::Image => true,
            Kind::Network | Kind::Volume | Kind::File => needed(),
            Kind::Container => false,
        }
    }

    /// Whether the resource's label is within `--target`.
    pub(crate) fn wants_label(&self, id: &ResourceId) -> bool {
        let target = self.wishes.target_with_old(self.desired, self.base);
        target.is_empty() || target.contains(id.label())
    }

    /// Whether something is or was there under a label: on the engine, or when last applied.
    pub(crate) fn knows(&self, label: &str) -> bool {
        let observed = self.observed;
        let containers = observed.containers.values().map(|one| &one.owner);
        let volumes = observed.volumes.values().map(|one| &one.owner);
        let left = self.base.iter().flat_map(|base| base.left.values());
        let left = left.map(|left| &left.id);
        let applied = self.base.iter().flat_map(|base| base.resources.keys());
        let ids = containers
            .chain(volumes)
            .filter_map(|owner| owner.resource.as_ref());
        ids.chain(applied)
            .chain(left)
            // Files are coasti's own content: of a label that is gone they tell nothing.
            .any(|id| !matches!(id.kind, Kind::Image | Kind::File) && id.label() == label)
    }

    /// Whether the engine has a volume of that name, of this stack or somebody else's.
    pub(crate) fn has_volume(&self, name: &str) -> bool {
        let observed = self.observed;
        observed.volumes.contains_key(name) || observed.foreign.volumes.contains(name)
    }

    /// The decision that stands for the resource's label.
    pub fn hold(&self, id: &ResourceId) -> Option<Hold> {
        self.held.get(id.label()).copied()
    }
}

#[cfg(test)]
mod tests;
