//! Which container on the engine is which resource's.
//!
//! A container is ours when its labels say so *and* its name is one that coasti gives: the resource's own
//! name, or that with `.next`, `.prev` or `.failed`. `docker commit` and copies by hand carry labels along: those are
//! reported and never touched.

use super::{Diff, Notice, Refusal};
use crate::base::{ResourceId, names};
use crate::model::Stack;
use crate::observe::{Container, Observed};
use std::collections::BTreeMap;

/// Where a container's name says it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The resource's own name.
    Current,
    /// Switched away from, kept until commit.
    Previous,
    /// Not yet switched to.
    Next,
    /// Failed, and kept to be looked at.
    Failed,
}

/// A container that belongs to a resource.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// By its name.
    pub place: Place,
    /// The container.
    pub container: &'a Container,
}

/// All of a stack's containers, by resource, each list by place.
#[derive(Debug, Default)]
pub struct Slots<'a>(BTreeMap<ResourceId, Vec<Candidate<'a>>>);

impl<'a> Slots<'a> {
    /// Matches containers with resources; whatever claims to be ours and is not becomes a notice or refusal.
    pub(super) fn gather(stack: &Stack, observed: &'a Observed, diff: &mut Diff) -> Self {
        let mut slots = Self::default();
        for container in observed.containers.values() {
            let Some(id) = &container.owner.resource else {
                continue;
            };
            let base = stack.resources.get(id).map_or_else(
                || names::object(&stack.name, &id.address),
                |resource| resource.name.clone(),
            );
            let place = match container.name.strip_prefix(&base) {
                Some("") => Place::Current,
                Some(names::PREV) => Place::Previous,
                Some(names::NEXT) => Place::Next,
                Some(names::FAILED) => Place::Failed,
                _ => {
                    diff.notices.insert(Notice::Copy {
                        name: container.name.clone(),
                    });
                    continue;
                }
            };
            if let (Some(theirs), Some(ours)) = (&container.owner.id, &stack.id)
                && theirs != ours
            {
                diff.refusals.push(Refusal {
                    code: "P0201".into(),
                    id: id.clone(),
                    summary: format!(
                        "container `{}` belongs to another stack `{}`",
                        container.name, stack.name
                    ),
                    why: format!("its id is {theirs}, this folder's is {ours}"),
                    help: vec![
                        "give this stack another name in deploy.yml, or".into(),
                        format!(
                            "put `id: {theirs}` there if this folder is to take that stack over"
                        ),
                    ],
                    origin: None,
                });
                continue;
            }
            slots
                .0
                .entry(id.clone())
                .or_default()
                .push(Candidate { place, container });
        }
        for list in slots.0.values_mut() {
            list.sort_by_key(|candidate| candidate.place);
        }
        slots
    }

    /// The containers of `id`: current, previous, next.
    pub fn of(&self, id: &ResourceId) -> &[Candidate<'a>] {
        self.0.get(id).map_or(&[], Vec::as_slice)
    }

    /// Every resource that has a container.
    pub fn resources(&self) -> impl Iterator<Item = &ResourceId> {
        self.0.keys()
    }

    /// Every container.
    pub fn all(&self) -> impl Iterator<Item = (&ResourceId, &Candidate<'a>)> {
        self.0
            .iter()
            .flat_map(|(id, list)| list.iter().map(move |candidate| (id, candidate)))
    }
}
