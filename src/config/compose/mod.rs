//! Compose files: loaded into one tree ([`load`]), and their services read from it.
//!
//! | file | holds |
//! |---|---|
//! | `load`, `include`, `extends` | which files are read, and what they are together; profiles |
//! | `tree`, `merge` | values with places and secrets; how one file is laid over another |
//! | `interpolate`, `dotenv`, `numbers` | `${NAME}`; variables of `.env` files; numbers as text |
//! | `export` | a stack as a compose file |
//! | `service`, `build`, `settings`, `labels`, `needs`, `networks`, `mounts`, `ports`, `shared`, `devices`, `processors`, `kernel`, `words` | what a service says |

mod block;
mod build;
mod devices;
pub(super) mod dotenv;
mod export;
mod extends;
mod include;
mod interpolate;
mod kernel;
mod labels;
mod load;
mod merge;
mod mounts;
mod needs;
mod networks;
mod numbers;
mod ports;
mod processors;
mod service;
mod settings;
mod shared;
mod tree;
mod words;

pub use dotenv::variables;
pub use export::{Beside, Exported, export};
pub(super) use interpolate::{Vars, guarded};
pub(super) use labels::labels;
pub(super) use load::load;
pub(super) use mounts::{Source as MountFrom, Volume as VolumeUse};
pub(super) use needs::Condition;
pub(super) use networks::{Join as NetworkUse, Link, Network};
pub(super) use ports::PortUse;
pub(super) use service::{EnvFile, Pulled, Service};
pub(super) use shared::Join;
pub(super) use tree::{Bit, Field, Item, Keys, Str, plain};

use crate::config::secrecy::is_secret_name;
use crate::diag::{Place, Source};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

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
    /// The variables of the whole project, without those of included files.
    pub vars: Arc<Vars>,
    contexts: BTreeMap<usize, Context>,
}

/// From where a file was read: one file may stand for several things.
#[derive(Clone, Debug)]
struct Context {
    dir: Dir,
    vars: Arc<Vars>,
    /// Which reading of the file it is: the same text may be read from several places.
    source: Arc<Source>,
}

impl Project {
    /// Whether it takes one of these variables whose name does not tell that it is secret.
    fn takes(&self, names: &BTreeSet<String>) -> bool {
        let read = self.contexts.values().map(|context| &context.vars);
        let all: Vec<_> = read.chain([&self.vars]).collect();
        let mut hard = names.iter().filter(|name| !is_secret_name(name));
        hard.any(|name| all.iter().any(|vars| vars.get(name).is_some()))
    }

    /// The folder that paths written at `at` start from.
    pub(super) fn dir(&self, at: &Place) -> Option<&Dir> {
        self.context(at).map(|context| &context.dir)
    }

    /// The variables of the file that `at` is in.
    pub(super) fn vars_at(&self, at: &Place) -> Option<&Arc<Vars>> {
        self.context(at).map(|context| &context.vars)
    }

    fn context(&self, at: &Place) -> Option<&Context> {
        let found = self.contexts.get(&Arc::as_ptr(&at.source).addr());
        found.filter(|context| Arc::ptr_eq(&context.source, &at.source))
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
