//! The labels that mark an object as coasti's.

use crate::base::{ResourceId, RunId, StackId, StackName};
use crate::model::{Resource, Spec, spec_hash, spec_json};
use std::collections::BTreeMap;

/// The stack's name.
pub const LABEL_STACK: &str = "coasti.stack";
/// The stack's id.
pub const LABEL_ID: &str = "coasti.id";
/// The resource.
pub const LABEL_RESOURCE: &str = "coasti.resource";
/// The canonical spec at creation, secrets as keyed digests; absent where it is over 16 KB.
pub const LABEL_SPEC: &str = "coasti.spec";
/// The hash of the part of the spec that cannot change in place.
pub const LABEL_SPEC_HASH: &str = "coasti.spec-hash";
/// The run that made the object.
pub const LABEL_RUN: &str = "coasti.run";
/// The fingerprint of the key that made the digests in the spec.
pub const LABEL_KEY: &str = "coasti.key";

/// The longest spec that is kept in a label.
const SPEC_LIMIT: usize = 16 * 1024;

/// What the labels of an object say, as far as they could be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// `coasti.stack`.
    pub stack: Option<StackName>,
    /// `coasti.id`.
    pub id: Option<StackId>,
    /// `coasti.resource`.
    pub resource: Option<ResourceId>,
    /// `coasti.spec`.
    pub spec: Option<Spec>,
    /// `coasti.spec-hash`.
    pub spec_hash: Option<String>,
    /// `coasti.run`.
    pub run: Option<RunId>,
    /// `coasti.key`.
    pub key: Option<String>,
}

/// What is stamped on an object besides its resource.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// The stack.
    pub stack: StackName,
    /// Its id.
    pub id: StackId,
    /// The run that makes the object.
    pub run: RunId,
    /// The fingerprint of the digest key.
    pub key: String,
}

impl Owner {
    /// Reads an object's labels.
    pub fn from_labels(labels: &BTreeMap<String, String>) -> Self {
        let get = |name: &str| labels.get(name).cloned();
        Self {
            stack: get(LABEL_STACK).map(StackName::new),
            id: get(LABEL_ID).map(StackId::new),
            resource: get(LABEL_RESOURCE).and_then(|text| text.parse().ok()),
            spec: get(LABEL_SPEC).and_then(|text| serde_json::from_str(&text).ok()),
            spec_hash: get(LABEL_SPEC_HASH),
            run: get(LABEL_RUN).map(RunId::new),
            key: get(LABEL_KEY),
        }
    }
}

impl Stamp {
    /// The labels of `resource` as it is made now: ours and the user's.
    pub fn labels(&self, id: &ResourceId, resource: &Resource) -> BTreeMap<String, String> {
        let mut labels = match &resource.spec {
            Spec::Container(spec) => spec.labels.clone(),
            Spec::Network(spec) => spec.labels.clone(),
            Spec::Volume(spec) => spec.labels.clone(),
            Spec::Image(_) | Spec::File(_) => BTreeMap::new(),
        };
        labels.insert(LABEL_STACK.into(), self.stack.to_string());
        labels.insert(LABEL_ID.into(), self.id.to_string());
        labels.insert(LABEL_RESOURCE.into(), id.to_string());
        labels.insert(LABEL_SPEC_HASH.into(), spec_hash(&resource.spec));
        labels.insert(LABEL_RUN.into(), self.run.to_string());
        labels.insert(LABEL_KEY.into(), self.key.clone());
        let spec = spec_json(&resource.spec);
        if spec.len() <= SPEC_LIMIT {
            labels.insert(LABEL_SPEC.into(), spec);
        }
        labels
    }
}
