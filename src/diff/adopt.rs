//! Containers that are not coasti's and that the files take over (`adopt: NAME`).
//!
//! Such a one stands aside as one of ours does: it is stopped before its successor starts, kept until commit
//! under its own name, started again by an undo, and removed once its successor works. It has no labels, and
//! no stack says what it was: what it was like before is written down when a run begins ([`Adopted`]).

use super::{Action, Change, ContainerChange, Diff, Inputs, LiveChange, Object, Reason, Refusal};
use crate::base::{EngineId, ResourceId};
use crate::model::{Adopt, ContainerSpec, LiveSpec, MountSource, Resource, Restart, Stack};
use crate::observe::{Container, HealthStatus, Observed, Status};
use serde::{Deserialize, Serialize};

/// A container that a run takes over, as it was before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adopted {
    /// Whose place it had.
    pub of: ResourceId,
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: EngineId,
    /// When the engine started it again.
    pub restart: Restart,
    /// Whether it ran.
    pub running: bool,
    /// Whether it was frozen.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
    /// Whether its health check said that it works.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub healthy: bool,
}

impl Adopted {
    fn new(of: &ResourceId, container: &Container) -> Self {
        Self {
            of: of.clone(),
            name: container.name.clone(),
            id: container.id.clone(),
            restart: container.live.restart.clone(),
            running: container.state.status.is_active(),
            paused: container.state.status == Status::Paused,
            healthy: container.state.health == Some(HealthStatus::Healthy),
        }
    }

    /// What stands for it in a plan that puts it back: no resource of any stack's.
    fn resource(&self) -> ResourceId {
        let label = self.of.label();
        ResourceId::container(format!("{label}/@{}", self.name))
    }
}

/// What a plan to `desired` takes over. What is known of before comes first: a run that was cut off may have
/// stopped it.
pub fn adopted(desired: &Stack, observed: &Observed, before: &[Adopted]) -> Vec<Adopted> {
    let mut all = before.to_vec();
    for (id, resource, _) in desired.containers() {
        let Some(container) = found(observed, resource) else {
            continue;
        };
        if !all.iter().any(|one| one.id == container.id) {
            all.push(Adopted::new(id, container));
        }
    }
    all
}

/// The container that the resource takes over, where it is there.
pub(super) fn found<'a>(observed: &'a Observed, resource: &Resource) -> Option<&'a Container> {
    let adopt = resource.life.adopt.as_ref()?;
    let container = observed.adoptable.get(&adopt.container)?;
    is_meant(adopt, container).then_some(container)
}

fn is_meant(adopt: &Adopt, container: &Container) -> bool {
    let mut ids = adopt.id.iter();
    ids.all(|id| container.id.as_str().starts_with(id.as_str())) && container.owner.stack.is_none()
}

/// Says which cannot be taken over, and which would be without its data.
pub(super) fn check(
    inputs: &Inputs<'_>,
    id: &ResourceId,
    resource: &Resource,
    spec: &ContainerSpec,
    in_place: bool,
    diff: &mut Diff,
) {
    let Some(adopt) = &resource.life.adopt else {
        return;
    };
    let Some(container) = inputs.observed.adoptable.get(&adopt.container) else {
        return;
    };
    let name = &container.name;
    let mut refuse = |code: &str, summary: String, why: String, help: Vec<String>| {
        diff.refusals.push(Refusal {
            code: code.to_owned(),
            id: id.clone(),
            summary,
            why,
            help,
            origin: resource.origin("adopt").cloned(),
        });
    };
    if let Some(stack) = &container.owner.stack {
        refuse(
            "P0312",
            format!("container `{name}` cannot be taken over"),
            format!("it belongs to coasti's stack `{stack}`"),
            vec!["take it out of that stack first, or drop `adopt`".to_owned()],
        );
        return;
    }
    if !is_meant(adopt, container) {
        // What took its place is there, and what came after it is somebody else's.
        if !in_place {
            let short: String = container.id.as_str().chars().take(12).collect();
            refuse(
                "P0312",
                format!("container `{name}` is not the one that the files mean"),
                format!(
                    "its id is {short}, the files say {}: it was made anew meanwhile",
                    adopt.id.as_deref().unwrap_or_default()
                ),
                vec![
                    format!("if it is to be taken over all the same: `adopt: {name}@{short}`"),
                    "what it was made with may be another by now: import it again to be sure"
                        .to_owned(),
                ],
            );
        }
        return;
    }
    if container.auto_remove {
        let unnamed = |mount: &&crate::model::Mount| matches!(&mount.source, MountSource::Volume(volume) if is_unnamed(volume));
        let unnamed = container.mounts.values().any(|mount| unnamed(&mount));
        let mut help = vec![format!(
            "stop it yourself (docker stop {name}) and drop `adopt`: the new one finds the named volumes"
        )];
        if unnamed {
            help = vec![
                "copy the data of its unnamed volumes away first (docker cp): they go with it"
                    .to_owned(),
            ];
        }
        refuse(
            "P0312",
            format!("container `{name}` cannot be taken over"),
            "it was started with --rm: the engine removes it, with its unnamed volumes, as soon as it stops, \
             and an undo could not bring it back"
                .to_owned(),
            help,
        );
        return;
    }
    let label = id.label();
    if resource.life.new_data || inputs.wishes.new_data.contains(label) {
        return;
    }
    for (path, what) in left_behind(container, spec) {
        refuse(
            "P0310",
            format!("`{}` would start without the data of `{name}`", id.address),
            format!(
                "{what}, which `{name}` writes to at `{path}`, is not what it would have there"
            ),
            vec![
                match &what {
                    Left::Volume(volume) => {
                        format!("mount it: `{{name: {volume}, external: true, target: {path}}}`")
                    }
                    Left::Directory(folder) => {
                        format!("mount it: `{{name: {folder}, type: directory, target: {path}}}`")
                    }
                },
                format!("if it is meant to start without: `--new-data {label}`"),
            ],
        );
    }
}

/// Where data was that the successor does not have.
enum Left {
    Volume(EngineId),
    Directory(String),
}

impl std::fmt::Display for Left {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Volume(name) => write!(f, "volume `{name}`"),
            Self::Directory(path) => write!(f, "directory `{path}`"),
        }
    }
}

/// What the old one writes to and the new one does not have: a volume nowhere, or something else in the place
/// of a directory. A directory that is not mounted at all stays where everybody finds it.
fn left_behind<'a>(old: &'a Container, spec: &ContainerSpec) -> Vec<(&'a str, Left)> {
    let has = |source: &MountSource| spec.mounts.values().any(|mount| mount.source == *source);
    let mounts = old.mounts.iter().filter(|(_, mount)| !mount.read_only);
    let left = mounts.filter_map(|(path, mount)| {
        let what = match &mount.source {
            MountSource::Volume(name) => Left::Volume(name.clone()),
            MountSource::Directory(folder) if spec.mounts.contains_key(path) => {
                Left::Directory(folder.clone())
            }
            MountSource::Directory(_) | MountSource::Tmpfs { .. } => return None,
        };
        (!has(&mount.source)).then_some((path.as_str(), what))
    });
    left.collect()
}

/// Whether the engine named the volume: such a one goes with its container where that is removed by itself.
fn is_unnamed(volume: &EngineId) -> bool {
    let name = volume.as_str();
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What a run had begun to take over is put back as it was, by an undo. Where the files do not name it any more,
/// its successor may run on its data by now: that is for an undo to end first.
pub(super) fn put_back(inputs: &Inputs<'_>, diff: &mut Diff) {
    for one in &inputs.wishes.adopted {
        let mut all = inputs.observed.adoptable.values();
        let Some(container) = all.find(|container| container.id == one.id) else {
            continue;
        };
        let meant = |resource| found(inputs.observed, resource).is_some_and(|it| it.id == one.id);
        let mut wanted = inputs.desired.containers();
        if !inputs.wishes.undo && wanted.any(|(_, resource, _)| meant(resource)) {
            continue;
        }
        let status = container.state.status;
        let guard = container.live.restart != one.restart;
        // Who stopped it may have been cut off: it may still end.
        let ending = one.running
            && inputs.wishes.cut_off
            && status == Status::Running
            && container.live.restart.name == crate::model::RestartName::No;
        let same = one.running == status.is_active() && one.paused == (status == Status::Paused);
        if same && !guard && !ending {
            continue;
        }
        if !inputs.wishes.undo {
            diff.refusals.push(Refusal {
                code: "P0312".into(),
                id: one.of.clone(),
                summary: format!("container `{}` is half taken over", one.name),
                why:
                    "a run that was cut off had begun to, and the files do not say `adopt` any more"
                        .into(),
                help: vec![
                    "put it back first: coasti recover, or".into(),
                    format!(
                        "say `adopt` again ({}), and the next apply goes on",
                        one.name
                    ),
                ],
                origin: None,
            });
            continue;
        }
        let mut reasons = vec![Reason::TakenOver {
            by: one.of.address.clone(),
        }];
        if one.running && !status.is_active() {
            reasons.push(Reason::NotRunning {
                status: status.word().to_owned(),
                exit_code: container.state.exit_code,
            });
        }
        let live = LiveChange {
            update: guard.then(|| LiveSpec {
                restart: one.restart.clone(),
                ..LiveSpec::default()
            }),
            ..LiveChange::default()
        };
        let id = one.resource();
        diff.changes.insert(
            id.clone(),
            Change {
                id,
                name: one.name.clone(),
                action: Action::Restore,
                reasons,
                fields: Vec::new(),
                origin: None,
                strategy: None,
                container: Some(ContainerChange {
                    keep: Some(Object {
                        ending,
                        ..Object::strange(container)
                    }),
                    others: Vec::new(),
                    live,
                    adopted: Some(one.clone()),
                }),
                object: None,
            },
        );
    }
}
