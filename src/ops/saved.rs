//! Saved plans: `plan --out FILE`, and what must not have changed when `apply FILE` runs it.

use super::gather::Gathered;
use crate::base::{Digest, ValueId};
use crate::diff::Wishes;
use crate::model::{Spec, Stack, Text};
use crate::plan::{Op, Plan, Step, StepId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

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
    /// The same without the values of secrets and what is generated.
    #[serde(default)]
    pub shape: Option<Digest>,
    /// Keyed digests of those, where there is a key.
    #[serde(default)]
    pub values: BTreeMap<ValueId, Digest>,
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
            shape: Some(shape(&gathered.sealed.stack).digest()),
            values: values(gathered),
            seen: seen(gathered),
        }
    }

    /// What is not as it was when the plan was made; empty where all is, and the plan is still the same.
    pub fn changed(&self, gathered: &Gathered, plan: &Plan) -> Vec<String> {
        let now = seen(gathered);
        let mut changed: Vec<String> = Vec::new();
        if self.plan.stack != plan.stack {
            changed.push(format!("the stack: `{}`", self.plan.stack));
        }
        if self.files != files(gathered) {
            changed.extend(self.changed_files(gathered));
        }
        let names: BTreeSet<_> = self.seen.keys().chain(now.keys()).collect();
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
        // What runs is what was saved, step by step. Whatever else a plan is made of (another version of coasti
        // makes another one) shows here.
        if changed.is_empty() && self.plan.steps != plan.steps {
            changed.push("the steps that lead to the files".to_owned());
        }
        changed
    }
}

impl Saved {
    /// What is another in the files: single values, where nothing else is.
    fn changed_files(&self, gathered: &Gathered) -> Vec<String> {
        let same_shape = self.shape == Some(shape(&gathered.sealed.stack).digest());
        let now = values(gathered);
        let other = now.iter().filter(|(id, digest)| {
            let before = self.values.get(*id);
            before.is_some_and(|before| before != *digest)
        });
        let names: BTreeSet<String> = other.map(|(id, _)| named(id)).collect();
        match same_shape && !names.is_empty() {
            true => names.into_iter().collect(),
            false => vec!["the files".to_owned()],
        }
    }
}

/// A value, for people.
fn named(id: &ValueId) -> String {
    match id.as_str().strip_prefix("secret:") {
        Some(name) => {
            let name = name.strip_suffix(":file").unwrap_or(name);
            format!("the secret `{name}`")
        }
        None => format!("the value `{id}`"),
    }
}

/// Digests of the values that the stack uses.
fn values(gathered: &Gathered) -> BTreeMap<ValueId, Digest> {
    if gathered.peek.key.is_none() {
        return BTreeMap::new();
    }
    let values = gathered.sealed.stack.texts().flat_map(Text::values);
    let known = values.filter_map(|value| Some((value.id.clone(), value.digest.clone()?)));
    known.collect()
}

/// What `now` does that the plan that was shown does not, or the other way round. Between the two, images
/// were fetched or built and values made: volumes that only an image's own declaration tells of may have been added.
pub(super) fn beyond(shown: &Plan, now: &Plan) -> Vec<String> {
    let fetches = |step: &&Step| step.op.brings_image();
    if !shown.steps.iter().any(|step| fetches(&step)) {
        let same = shown.steps == now.steps;
        return if same {
            Vec::new()
        } else {
            vec!["the steps that lead to the files".to_owned()]
        };
    }
    let adds = |step: &&Step| step.op.brings_image() || matches!(step.op, Op::CreateVolume);
    // By what they do and what they wait for: the numbers move where a step is added.
    let text = |step: &Step| format!("{} {:?} {:?}", step.of, step.phase, step.op);
    let done = |plan: &Plan| -> BTreeSet<String> {
        let texts: BTreeMap<StepId, String> = plan
            .steps
            .iter()
            .filter(|step| !adds(step))
            .map(|step| (step.id, text(step)))
            .collect();
        let steps = plan.steps.iter().filter(|step| !adds(step));
        steps
            .map(|step| {
                let needs: BTreeSet<_> = step.needs.iter().filter_map(|id| texts.get(id)).collect();
                format!("{} after {needs:?}", text(step))
            })
            .collect()
    };
    let (shown, now) = (done(shown), done(now));
    let other = shown.symmetric_difference(&now);
    let of: BTreeSet<_> = other.filter_map(|step| step.split(' ').next()).collect();
    of.into_iter()
        .map(|of| format!("what is done to {of}, now that its image is known,"))
        .collect()
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
    for value in shape.texts_mut().flat_map(Text::values_mut) {
        value.digest = None;
        if value.id.as_str().starts_with("text:") {
            value.id = ValueId::new("text");
        }
    }
    for resource in shape.resources.values_mut() {
        if matches!(resource.spec, Spec::File(_)) {
            resource.name.clear();
        }
    }
    shape
}

/// A digest of what was read of each object.
fn seen(gathered: &Gathered) -> BTreeMap<String, Digest> {
    let observed = &gathered.observed;
    let mut seen = BTreeMap::new();
    let ours = observed.containers.values();
    let ours = ours.filter(|c| c.owner.resource.is_some());
    for container in ours.chain(observed.adoptable.values()) {
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
        // Its options may have a password in them, of which no digest that can be tried out is given away.
        let names: Vec<_> = volume.options.keys().collect();
        let made = (&volume.owner.run, &volume.owner.spec_hash);
        let what = format!("{} {names:?} {made:?}", volume.driver);
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
