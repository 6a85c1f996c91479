//! Saved plans: `plan --out FILE`, and what must not have changed when `apply FILE` runs it.

use super::gather::Gathered;
use crate::base::{Digest, ValueId};
use crate::diff::Wishes;
use crate::model::Stack;
use crate::plan::Plan;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A plan in a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Saved {
    /// The form of this file.
    pub version: u32,
    /// The plan, as it was shown.
    pub plan: Plan,
    /// What the user said on the command line that made it.
    pub wishes: Wishes,
    /// What the files sealed to.
    pub files: Digest,
    /// Every object that the plan read, by kind and name.
    pub seen: BTreeMap<String, Digest>,
}

impl Saved {
    /// Saves.
    pub fn new(gathered: &Gathered, plan: &Plan, wishes: &Wishes) -> Self {
        Self {
            version: 1,
            plan: plan.clone(),
            wishes: wishes.clone(),
            files: files(gathered),
            seen: seen(gathered),
        }
    }

    /// What is not as it was when the plan was made; empty where all is.
    pub fn changed(&self, gathered: &Gathered) -> Vec<String> {
        let now = seen(gathered);
        let mut changed: Vec<String> = Vec::new();
        if self.files != files(gathered) {
            changed.push("the files".to_owned());
        }
        let names: std::collections::BTreeSet<_> = self.seen.keys().chain(now.keys()).collect();
        changed.extend(
            names
                .into_iter()
                .filter(|name| self.seen.get(*name) != now.get(*name))
                .map(|name| {
                    let how = match (self.seen.contains_key(name), now.contains_key(name)) {
                        (true, false) => "is gone",
                        (false, true) => "is new",
                        _ => "changed",
                    };
                    format!("{name} {how}")
                }),
        );
        changed
    }
}

/// The files' stack. Before the first apply every plan has a key of its own, so digests of secrets are left
/// out then.
fn files(gathered: &Gathered) -> Digest {
    let stack = &gathered.sealed.stack;
    if gathered.peek.key.is_some() {
        without_id(stack).digest()
    } else {
        shape(stack).digest()
    }
}

fn without_id(stack: &Stack) -> Stack {
    Stack {
        id: None,
        ..stack.clone()
    }
}

fn shape(stack: &Stack) -> Stack {
    let mut shape = without_id(stack);
    for value in shape.texts_mut().flat_map(crate::model::Text::values_mut) {
        value.digest = None;
        if value.id.as_str().starts_with("text:") {
            value.id = ValueId::new("text");
        }
    }
    shape
}

/// A digest of what was read of each object.
fn seen(gathered: &Gathered) -> BTreeMap<String, Digest> {
    let observed = &gathered.observed;
    let mut seen = BTreeMap::new();
    for container in observed
        .containers
        .values()
        .filter(|c| c.owner.resource.is_some())
    {
        let state = (
            container.state.status.word(),
            &container.state.started_at,
            container.state.restarts,
        );
        let what = format!(
            "{} {} {state:?} {:?} {:?}",
            container.id, container.image, container.live, container.owner.spec_hash
        );
        seen.insert(
            format!("container {}", container.name),
            Digest::of(what.as_bytes()),
        );
    }
    for network in observed.networks.values() {
        let what = format!("{} {:?} {}", network.id, network.subnets, network.internal);
        seen.insert(
            format!("network {}", network.name),
            Digest::of(what.as_bytes()),
        );
    }
    for volume in observed
        .volumes
        .values()
        .filter(|volume| volume.owner.resource.is_some())
    {
        let what = format!("{} {:?}", volume.driver, volume.options);
        seen.insert(
            format!("volume {}", volume.name),
            Digest::of(what.as_bytes()),
        );
    }
    for (reference, image) in &observed.images {
        seen.insert(
            format!("image {reference}"),
            Digest::of(image.id.as_bytes()),
        );
    }
    seen
}
