//! Compose files: loaded into one tree ([`load`]), and their services read from it.
//!
//! | file | holds |
//! |---|---|
//! | `load` | `include`, `extends`, override files, profiles |
//! | `tree`, `merge` | values with places and secrets; how one file is laid over another |
//! | `interpolate`, `dotenv` | `${NAME}`; variables of `.env` files |
//! | `export` | a stack as a compose file |
//! | `service`, `build`, `settings`, `mounts`, `ports`, `words` | what a service says |

mod build;
pub(super) mod dotenv;
mod export;
mod interpolate;
mod load;
mod merge;
mod mounts;
mod ports;
mod service;
mod settings;
mod tree;
mod words;

pub use export::{Exported, export};
pub(super) use interpolate::{Vars, guarded};
pub(super) use load::{join, load};
pub(super) use mounts::{Source as MountFrom, Volume as VolumeUse};
pub(super) use service::{Condition, Network, Pulled, Service};
pub(super) use tree::{Bit, Field, Item, Keys, Str, plain};

use crate::diag::Place;
use std::{collections::BTreeMap, path::Path, sync::Arc};

/// Tags that values of compose files may bear.
pub(super) const TAGS: &[&str] = &["reset", "override"];

/// The folder that a file's relative paths start from.
#[derive(Clone, Debug)]
pub(super) struct Dir {
    /// Relative to the stack's folder.
    pub folder: String,
    /// On this machine.
    pub host: String,
}

/// A compose project: all files in one, services that do not run left out.
#[derive(Clone, Debug)]
pub(super) struct Project {
    /// Services.
    pub services: Vec<Field>,
    /// Services that do not run, with their profiles.
    pub inactive: BTreeMap<String, Vec<String>>,
    /// Networks.
    pub networks: Vec<Field>,
    /// Volumes.
    pub volumes: Vec<Field>,
    /// Configs.
    pub configs: Vec<Field>,
    /// Secrets.
    pub secrets: Vec<Field>,
    /// Whether a variable could not be filled in, which was said: what comes of it is wrong in other ways.
    pub failed: bool,
    dirs: BTreeMap<String, Dir>,
    vars: BTreeMap<String, Arc<Vars>>,
}

impl Project {
    /// The folder that paths written at `at` start from.
    pub(super) fn dir(&self, at: &Place) -> Option<&Dir> {
        self.dirs.get(&at.source.name)
    }

    /// The variables of the file that `at` is in.
    pub(super) fn vars(&self, at: &Place) -> Option<&Arc<Vars>> {
        self.vars.get(&at.source.name)
    }
}

/// Where `dir` of the stack's folder is on this machine, told by where a file of the stack really is.
fn host_dir(real: &Path, path: &str, dir: &str) -> String {
    let depth = path.split('/').count();
    let root = real.ancestors().nth(depth).unwrap_or(Path::new("/"));
    let root = root.to_string_lossy();
    format!("{}/{dir}", root.trim_end_matches('/'))
        .trim_end_matches('/')
        .to_owned()
}
