//! How an image is built, as a product or a compose file says it.

use super::compose::Str;
use super::doc::Sp;
use crate::diag::Place;
use std::collections::BTreeMap;

/// A `build` section.
#[derive(Clone, Debug)]
pub(super) struct Build {
    /// Where it stands.
    pub at: Place,
    /// The folder that is sent.
    pub context: Sp<String>,
    /// The Dockerfile, relative to it.
    pub dockerfile: Option<Sp<String>>,
    /// The Dockerfile's text, in the place of one.
    pub inline: Option<Sp<String>>,
    /// What `ARG`s are, with where each stands; those without a value take the project's variable.
    pub args: BTreeMap<String, (Option<Str>, Place)>,
    /// The stage.
    pub target: Option<Sp<String>>,
    /// The image's labels.
    pub labels: BTreeMap<String, String>,
    /// Images whose layers are taken where they are the same.
    pub cache_from: Vec<String>,
    /// The network of its commands.
    pub network: Option<String>,
    /// Names that its commands know.
    pub extra_hosts: BTreeMap<String, String>,
    /// The size of its commands' /dev/shm.
    pub shm_size: Option<i64>,
    /// The platform that it is for.
    pub platform: Option<String>,
    /// Whether newer images to start from are asked for.
    pub pull: bool,
    /// Whether nothing is taken from the cache.
    pub no_cache: bool,
    /// Further names of the image.
    pub tags: Vec<Sp<String>>,
}

impl Build {
    /// Of a folder, with nothing else said.
    pub(super) fn of(context: Sp<String>, at: &Place) -> Self {
        Self {
            at: at.clone(),
            context,
            dockerfile: None,
            inline: None,
            args: BTreeMap::new(),
            target: None,
            labels: BTreeMap::new(),
            cache_from: Vec::new(),
            network: None,
            extra_hosts: BTreeMap::new(),
            shm_size: None,
            platform: None,
            pull: false,
            no_cache: false,
            tags: Vec::new(),
        }
    }
}
