//! Words for what a plan holds: the same in every format for people.

use crate::base::Kind;
use crate::diff::{Action, Cause, Change, FieldChange, Notice, Pending, Reason, Strategy};
use crate::model::{Order, Spec, Stack};
use crate::plan::{Outside, Plan, forbids_start_first, replace_order};
use serde::Serialize;

/// What a change means for those who use the app meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Impact {
    /// Whether it stops answering for a while.
    pub(super) interrupts: bool,
    /// Why it does, or why it does not.
    pub(super) why: String,
}

impl Impact {
    fn interrupts(why: impl Into<String>) -> Option<Self> {
        Some(Self {
            interrupts: true,
            why: why.into(),
        })
    }

    fn none(why: impl Into<String>) -> Option<Self> {
        Some(Self {
            interrupts: false,
            why: why.into(),
        })
    }

    /// As a sentence beneath the change.
    pub(super) fn sentence(&self) -> String {
        if self.interrupts {
            format!("interrupted: {}", self.why)
        } else {
            format!("no interruption: {}", self.why)
        }
    }
}

/// The impact of a change; none where nothing runs that could be interrupted.
pub(super) fn impact(change: &Change, desired: &Stack) -> Option<Impact> {
    let objects = change.container.as_ref()?;
    let runs = objects.others.iter().any(|object| object.active);
    match change.action {
        Action::Replace if runs => {
            let resource = desired.resources.get(&change.id)?;
            let Spec::Container(spec) = &resource.spec else {
                return None;
            };
            if replace_order(resource, spec, &objects.others) == Order::StartFirst {
                return Impact::none("the new one runs before the old one stops");
            }
            Impact::interrupts(match forbids_start_first(spec, &objects.others) {
                Some(why) => format!("the old one stops first, {why}"),
                None => "the old one stops first, the files say so (stop-first)".to_owned(),
            })
        }
        Action::Restore if runs => Impact::interrupts("what took its place stops first"),
        Action::Update if !objects.live.disconnect.is_empty() => {
            Impact::interrupts("its connection to the network is made anew, for a moment")
        }
        // What the run stopped is not running.
        Action::Update if change.fields.iter().any(|f| f.cause == Cause::Run) => None,
        // What it takes over from ends, it itself goes on.
        Action::Update if objects.live.is_empty() && objects.others.iter().any(|o| o.strange) => {
            None
        }
        Action::Update => Impact::none("changed while it runs"),
        _ => None,
    }
}

/// What is lost with a container that is replaced.
pub(super) fn outside(outside: &Outside, full: bool) -> String {
    let named = if full { outside.files.len() } else { 1 };
    let (named, rest) = outside.files.split_at(named.min(outside.files.len()));
    let more = match rest.len() + outside.more {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    format!("files outside volumes are lost: {}{more}", named.join(", "))
}

/// The symbol before a resource.
pub(super) const fn symbol(action: Action) -> &'static str {
    match action {
        Action::Pull | Action::Build | Action::Create => "+",
        Action::Start | Action::Update | Action::Restore => "~",
        Action::Replace => "-/+",
        Action::Remove => "-",
    }
}

/// What is done, as a verb.
pub(super) const fn verb(action: Action) -> &'static str {
    match action {
        Action::Pull => "fetch",
        Action::Build => "build",
        Action::Create => "create",
        Action::Start => "start",
        Action::Update => "update in place",
        Action::Replace => "replace",
        Action::Restore => "put back",
        Action::Remove => "remove",
    }
}

/// What becomes of an app; none where the changes beneath say it all.
pub(super) fn strategy(change: &Change) -> Option<String> {
    Some(match change.strategy.as_ref()? {
        Strategy::New if change.action == Action::Create => "new app".to_owned(),
        Strategy::New => return None,
        Strategy::Update
            if change
                .fields
                .iter()
                .any(|f| !matches!(f.cause, Cause::Drift | Cause::Run)) =>
        {
            "update".to_owned()
        }
        Strategy::Update => return None,
        Strategy::Replace { from } => format!("replaces {from}"),
        Strategy::MoveDomain { from } if from.is_empty() => "gets a domain".to_owned(),
        Strategy::MoveDomain { from } => format!("moves from {from}"),
        Strategy::ReuseLabel { from } => format!("reuses the label of {from}"),
        Strategy::Rename { from } => format!("renamed from {from}, keeps its data"),
    })
}

/// A reason as a sentence; none where the verb says it already.
pub(super) fn reason(reason: &Reason) -> Option<String> {
    Some(match reason {
        Reason::New | Reason::NotInFiles | Reason::Destroyed | Reason::ImageMissing => {
            return None;
        }
        Reason::Gone => "gone from the engine".to_owned(),
        Reason::NotRunning { status, exit_code } if status == "exited" => {
            format!("does not run: exited with {exit_code}")
        }
        Reason::NotRunning { status, .. } => format!("does not run: {status}"),
        Reason::Renewed { with } => format!("goes with {with}"),
        Reason::Outlived { other } => {
            format!(
                "what it shares with {other} is gone: that one ended, and this one runs on without"
            )
        }
        Reason::Paused => "paused".to_owned(),
        Reason::Requested => "asked for with --replace".to_owned(),
        Reason::SpecChanged => {
            "its spec differs; what it was made from is known by its hash alone".to_owned()
        }
        Reason::LimitRemoved { field } => {
            format!("`{field}` is no longer limited, which the engine cannot do in place")
        }
        Reason::Ending => "a run that was cut off was about to stop it".to_owned(),
        Reason::Leftover => "left by a run that was cut off".to_owned(),
        Reason::Failed { name } => format!("{name}, kept to be looked at, goes"),
        Reason::Renamed { was } => format!("takes over the data of {was}"),
        Reason::Adopts { name } => format!(
            "takes over from container {name}, which is not coasti's: that one is stopped, and removed once this \
             one works; its volumes stay"
        ),
        Reason::TakenOver { by } => format!("was about to be taken over by {by}"),
    })
}

/// A reference without what says nothing.
pub(super) fn bare(reference: &str) -> String {
    let bare = reference.replace("docker.io/library/", "");
    bare.replace("docker.io/coasti/", "coasti/")
}

/// Why an image is built, in a few words each: files and other things that changed, at most `most` of them.
pub(super) fn built(change: &Change, most: usize) -> Vec<String> {
    let fields = change.fields.iter();
    let mut all: Vec<String> = fields
        .map(|field| {
            let what = match field.field.split_once('.') {
                Some(("files", path)) => path.to_owned(),
                Some(("base", base)) => return format!("{base} moved upstream"),
                Some(("built_bases", base)) => base.to_owned(),
                _ => field.field.clone(),
            };
            match (&field.from, &field.to) {
                (None, _) => format!("{what} new"),
                (_, None) => format!("{what} gone"),
                _ => format!("{what} changed"),
            }
        })
        .collect();
    let more = all.len().saturating_sub(most);
    if more > 1 {
        all.truncate(most);
        all.push(format!("and {more} more"));
    }
    all
}

/// Whether a reason tells of something that happened outside coasti. After a run that was cut off, a
/// container that does not run is that run's doing.
pub(super) fn is_drift(change: &Change, reason: &Reason) -> bool {
    let ours = change.action == Action::Restore
        || change.reasons.contains(&Reason::Leftover)
        || change.fields.iter().any(|field| field.cause == Cause::Run);
    match reason {
        Reason::Gone | Reason::Paused | Reason::Outlived { .. } => true,
        Reason::NotRunning { .. } => !ours,
        _ => false,
    }
}

/// The fields that were changed outside coasti.
pub(super) fn drifted(change: &Change) -> impl Iterator<Item = &FieldChange> {
    change
        .fields
        .iter()
        .filter(|field| field.cause == Cause::Drift)
}

/// What is seen and left alone.
pub(super) fn notice(notice: &Notice) -> String {
    match notice {
        Notice::Copy { name } => format!(
            "container {name} bears this stack's labels under a name that coasti does not give; left alone"
        ),
        Notice::Retained { name } => format!("volume {name} is in no file; kept with its data"),
        Notice::Labels { id, name, labels } => {
            let labels: Vec<_> = labels.iter().map(|label| format!("`{label}`")).collect();
            let what = id.kind.word();
            format!(
                "{what} {name} keeps the labels that it was made with: the engine changes none ({})",
                labels.join(", ")
            )
        }
        Notice::InUse { name, by } => {
            let by = by.iter().map(String::as_str).collect::<Vec<_>>();
            let is = if by.len() == 1 { "is" } else { "are" };
            format!(
                "network {name} is in no file; kept while {} {is} on it",
                by.join(", ")
            )
        }
        Notice::NoHistory => "the history of this stack is gone, its store was removed: there is nothing to roll back \
             to, and what was stopped or paused is not known as held; an apply begins a new history"
            .to_owned(),
        Notice::UnknownWas { label, was } => format!(
            "`was: {was}` of {label} names nothing that is or was here: {label} starts without data"
        ),
        Notice::Held {
            label,
            hold,
            runs: true,
            ..
        } => {
            let (what, again) = (hold.word(), hold.taken_by());
            let how = hold.lifted_by();
            format!(
                "{label} is held: {what}, and runs: somebody started it by hand (coasti {how} {label} lifts the hold, \
                 coasti {again} {label} enforces it)"
            )
        }
        Notice::Held {
            label,
            hold,
            pending,
            runs: false,
        } => {
            let (what, how) = (hold.word(), hold.lifted_by());
            match pending {
                None => format!("{label} is held: {what} (coasti {how} {label} lifts it)"),
                Some(Pending::Start) => format!(
                    "{label} is held: {what}, and not as the files say (coasti {how} {label} brings that)"
                ),
                Some(Pending::Apply) => format!(
                    "{label} is held: {what}, and not as the files say (an apply, then coasti {how} {label}, brings that)"
                ),
            }
        }
    }
}

/// How much of what is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Counts {
    /// Images fetched.
    pub(super) fetch: usize,
    /// Images built.
    pub(super) build: usize,
    /// Containers, networks and volumes made.
    pub(super) create: usize,
    /// Containers replaced.
    pub(super) replace: usize,
    /// Containers changed in place.
    pub(super) update: usize,
    /// Containers started.
    pub(super) start: usize,
    /// Containers put back.
    pub(super) restore: usize,
    /// Containers and networks removed.
    pub(super) remove: usize,
    /// Volumes among those made.
    pub(super) new_volumes: usize,
}

impl Counts {
    /// Counts.
    pub(super) fn of(plan: &Plan) -> Self {
        let mut counts = Self::default();
        // Files come and go with the container that reads them, which is counted.
        let changes = plan.changes.iter();
        for change in changes.filter(|change| change.id.kind != Kind::File) {
            let slot = match change.action {
                Action::Pull => &mut counts.fetch,
                Action::Build => &mut counts.build,
                Action::Create => &mut counts.create,
                Action::Replace => &mut counts.replace,
                Action::Update => &mut counts.update,
                Action::Start => &mut counts.start,
                Action::Restore => &mut counts.restore,
                Action::Remove => &mut counts.remove,
            };
            *slot += 1;
            if change.action == Action::Create && change.id.kind == Kind::Volume {
                counts.new_volumes += 1;
            }
        }
        counts
    }

    /// The line at a plan's end.
    pub(super) fn line(&self) -> String {
        use crate::cli::render::style::count;
        let mut parts = vec![
            format!("{} to create", self.create),
            format!("{} to replace", self.replace),
            format!("{} to update in place", self.update),
        ];
        for (n, what) in [(self.start, "start"), (self.restore, "put back")] {
            if n > 0 {
                parts.push(format!("{n} to {what}"));
            }
        }
        parts.push(format!("{} to remove", self.remove));
        if self.fetch > 0 {
            parts.push(format!("{} to fetch", count(self.fetch, "image")));
        }
        if self.build > 0 {
            parts.push(format!("{} to build", count(self.build, "image")));
        }
        let data = match self.new_volumes {
            0 => "untouched".to_owned(),
            n => format!("{}, none removed", count(n, "new volume")),
        };
        format!("Plan: {}. Data: {data}.", parts.join(", "))
    }
}
