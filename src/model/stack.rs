//! The stack and its resources.

use crate::base::{Digest, EngineId, Kind, ResourceId, Span, StackId, StackName};
use crate::diag::Origin;
use crate::model::{
    About, BuildSpec, ContainerSpec, FileSpec, NetworkSpec, Subnet, Text, canonical,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A whole stack, sealed: every choice is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stack {
    /// Starts every name on the engine.
    pub name: StackName,
    /// Its identity; none until the first apply of a file without one makes it.
    pub id: Option<StackId>,
    /// Where the subnets of its networks come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<Subnet>,
    /// All it is made of.
    pub resources: BTreeMap<ResourceId, Resource>,
    /// Data that nothing here writes to any more, by the volume's name or the directory: who did last.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left: BTreeMap<String, Left>,
}

/// The container that wrote to some data last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Which it was.
    pub id: ResourceId,
    /// What it was.
    pub resource: Resource,
}

impl Left {
    /// Notes it as who wrote to `data` last. Whose data it is counts more than who else writes there.
    pub fn note(self, data: &str, all: &mut BTreeMap<String, Self>) {
        let owned = |left: &Self| left.resource.made_with(data) && left.id != self.id;
        if self.resource.made_with(data) || !all.get(data).is_some_and(owned) {
            all.insert(data.to_owned(), self);
        }
    }
}

/// One thing that a stack is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Its name on the engine (an image's reference).
    pub name: String,
    /// What is declared of it.
    pub spec: Spec,
    /// What must be so before it is made or started.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub needs: BTreeMap<ResourceId, Need>,
    /// How it is replaced and what it holds.
    #[serde(default)]
    pub life: Lifecycle,
    /// What a container is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
    /// Where its fields came from, by field (`env.LOG_LEVEL`); `""` is the resource itself.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub origins: BTreeMap<String, Origin>,
}

impl Resource {
    /// Whether it is a database whose files are in `data`, a volume or a directory.
    pub fn made_with(&self, data: &str) -> bool {
        let about = self.about.as_ref();
        about.is_some_and(|about| about.init_only.values().any(|of| of.as_str() == data))
    }

    /// Where `field` came from, or the nearest field around it, or the resource.
    pub fn origin(&self, field: &str) -> Option<&Origin> {
        let mut field = field;
        loop {
            if let Some(origin) = self.origins.get(field) {
                return Some(origin);
            }
            if field.is_empty() {
                return None;
            }
            field = field
                .rfind('.')
                .and_then(|dot| field.get(..dot))
                .unwrap_or("");
        }
    }
}

/// What is declared of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Spec {
    /// An image.
    Image(ImageSpec),
    /// A network.
    Network(NetworkSpec),
    /// A volume.
    Volume(VolumeSpec),
    /// Files delivered into a container.
    File(FileSpec),
    /// A container.
    Container(Box<ContainerSpec>),
}

impl Spec {
    /// Its kind.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Image(_) => Kind::Image,
            Self::Network(_) => Kind::Network,
            Self::Volume(_) => Kind::Volume,
            Self::File(_) => Kind::File,
            Self::Container(_) => Kind::Container,
        }
    }
}

/// An image that must be on the engine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageSpec {
    /// When a registry is asked for it.
    #[serde(default)]
    pub pull: Pull,
    /// A local image archive to load it from where it is missing; a path on the caller's side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<String>,
    /// How it is built where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<Box<BuildSpec>>,
}

/// When a registry is asked for an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pull {
    /// When the engine does not have it.
    #[default]
    Missing,
    /// Never: it must be there.
    Never,
}

/// A volume. It is never replaced and never removed by the way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeSpec {
    /// The driver; Docker's `local` where none is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// Options of the driver's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, Text>,
    /// Labels of the user's, as it was made: the engine changes none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Not coasti's to make.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub external: bool,
}

/// What one resource needs of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Need {
    /// It is there.
    Exists,
    /// It runs.
    Started,
    /// It is healthy; where it has no health check, it ran for its settle time.
    Healthy,
    /// It ran and ended with 0.
    Completed,
}

/// How a resource is replaced and what it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifecycle {
    /// How a container gives way to its successor.
    #[serde(default)]
    pub update: Update,
    /// Whether it holds data: for a container, whether a volume or directory of it is writable.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub holds_data: bool,
    /// Whether a plan that removes or replaces it is refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protect: bool,
    /// Whether the user said that losing touch with the old data is meant (`new-data: true`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub new_data: bool,
    /// A container that is not coasti's, whose place and data this one takes over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopt: Option<Adopt>,
}

/// A container that is not coasti's and is taken over (`adopt: NAME`, `adopt: NAME@ID`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adopt {
    /// Its name.
    pub container: String,
    /// The start of its id, where just this one is meant and no later one of that name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// How a container is updated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// Which of the two runs first.
    #[serde(default)]
    pub order: Order,
    /// How long a container without a health check must run to count as well; also the verification at the
    /// end of an apply.
    pub settle: Span,
    /// The longest wait for one container to be healthy.
    pub timeout: Span,
}

impl Default for Update {
    fn default() -> Self {
        Self {
            order: Order::Auto,
            settle: Span::from_secs(2),
            timeout: Span::from_secs(300),
        }
    }
}

/// Which of two containers runs first when one replaces the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Start-first where nothing forbids it.
    #[default]
    Auto,
    /// The old one stops, then the new one starts.
    StopFirst,
    /// The new one is healthy before the old one stops.
    StartFirst,
}

impl Stack {
    /// A stack with nothing in it.
    pub fn empty(name: StackName, id: Option<StackId>) -> Self {
        Self {
            name,
            id,
            pool: None,
            resources: BTreeMap::new(),
            left: BTreeMap::new(),
        }
    }

    /// Keeps what `before` knew of data that nothing here writes to: its files are still what they were made
    /// with, when something comes back to them.
    pub fn remember(&mut self, before: &Self) {
        let mut left = before.left.clone();
        for (id, resource, spec) in before.containers() {
            for data in spec.data() {
                let (id, resource) = (id.clone(), resource.clone());
                Left { id, resource }.note(data, &mut left);
            }
        }
        self.drop_claimed(&mut left);
        self.left = left;
    }

    /// Drops what containers of the stack write to: they tell of it themselves.
    pub fn drop_claimed(&self, left: &mut BTreeMap<String, Left>) {
        // What looks after a database does not know what its files were made with.
        let all = || self.containers();
        let used: BTreeSet<&str> = all().flat_map(|(_, _, spec)| spec.data()).collect();
        let made = all().filter_map(|(_, resource, _)| resource.about.as_ref());
        let made = made.flat_map(|about| about.init_only.values());
        let made: BTreeSet<&str> = made.map(EngineId::as_str).collect();
        left.retain(|data, left| match left.resource.made_with(data) {
            true => !made.contains(data.as_str()),
            false => !used.contains(data.as_str()),
        });
    }

    /// The container at `id`.
    pub fn container(&self, id: &ResourceId) -> Option<&ContainerSpec> {
        match &self.resources.get(id)?.spec {
            Spec::Container(spec) => Some(spec),
            _ => None,
        }
    }

    /// All containers.
    pub fn containers(&self) -> impl Iterator<Item = (&ResourceId, &Resource, &ContainerSpec)> {
        self.resources
            .iter()
            .filter_map(|(id, resource)| match &resource.spec {
                Spec::Container(spec) => Some((id, resource, &**spec)),
                _ => None,
            })
    }

    /// The resource that has this name on the engine.
    pub fn by_name(&self, kind: Kind, name: &str) -> Option<(&ResourceId, &Resource)> {
        self.resources
            .iter()
            .find(|(id, resource)| id.kind == kind && resource.name == name)
    }

    /// The label that the site `label` had before (`was: OLD`).
    pub fn was(&self, label: &str) -> Option<&str> {
        let mut site = self.containers().filter(|(id, ..)| id.label() == label);
        site.find_map(|(_, resource, _)| resource.about.as_ref()?.was.as_deref())
    }

    /// Every text: variables, files, commands, health checks, post-run, volumes' options.
    pub fn texts(&self) -> impl Iterator<Item = &Text> {
        let volumes = self
            .resources
            .values()
            .filter_map(|resource| match &resource.spec {
                Spec::Volume(volume) => Some(volume),
                _ => None,
            });
        let options = volumes.flat_map(|volume| volume.options.values());
        let texts = self.containers().flat_map(|(_, _, spec)| spec.texts());
        texts.chain(options)
    }

    /// Likewise, to fill in digests.
    pub fn texts_mut(&mut self) -> impl Iterator<Item = &mut Text> {
        self.resources
            .values_mut()
            .flat_map(|resource| match &mut resource.spec {
                Spec::Container(spec) => spec.texts_mut(),
                Spec::File(spec) => spec
                    .files
                    .values_mut()
                    .map(|file| &mut file.content)
                    .collect(),
                Spec::Volume(volume) => volume.options.values_mut().collect(),
                _ => Vec::new(),
            })
    }

    /// The digest of all that matters: two stacks with one digest want the same. Where values came from
    /// (files and lines) does not matter, nor which subnet a network got: that is given once, and another one
    /// where somebody took it meanwhile. Nor does what was before: labels, and data that is left.
    pub fn digest(&self) -> Digest {
        let mut bare = self.clone();
        bare.pool = None;
        bare.left.clear();
        for resource in bare.resources.values_mut() {
            resource.origins.clear();
            if let Some(about) = &mut resource.about {
                about.was = None;
            }
            if let Spec::Network(network) = &mut resource.spec {
                network.subnet = None;
                network.subnet6 = None;
            }
        }
        Digest::of(canonical::to_json(&bare).as_bytes())
    }
}

/// By the images' convention, a variable called so names a file with the value.
pub const IN_FILE: &str = "_FILE";

/// How a container is given what an image reads from a variable, or from the file that another one names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given<'a> {
    /// Not at all.
    Nowhere,
    /// The variable that says it, and what it says.
    As(String, &'a Text),
    /// By a variable that names a file which is not delivered: nobody knows what is in it.
    Unseen(String),
}

impl<'a> Given<'a> {
    /// What is given, where that is known.
    pub fn text(&self) -> Option<&'a Text> {
        match self {
            Self::As(_, text) => Some(text),
            Self::Nowhere | Self::Unseen(_) => None,
        }
    }

    /// The variable that says it.
    pub fn variable(&self) -> Option<&str> {
        match self {
            Self::As(variable, _) | Self::Unseen(variable) => Some(variable),
            Self::Nowhere => None,
        }
    }
}

impl ContainerSpec {
    /// Every text in it.
    pub fn texts(&self) -> impl Iterator<Item = &Text> {
        let lists = [&self.command, &self.entrypoint]
            .into_iter()
            .flatten()
            .flatten();
        let contents = self.files.values().map(|file| &file.content);
        let own = self.env.values().chain(contents);
        let health = self.health.iter().flat_map(|health| &health.test);
        own.chain(lists).chain(&self.post_run).chain(health)
    }

    /// Likewise, to fill in digests.
    pub fn texts_mut(&mut self) -> Vec<&mut Text> {
        let lists = [&mut self.command, &mut self.entrypoint]
            .into_iter()
            .flatten()
            .flatten();
        let contents = self.files.values_mut().map(|file| &mut file.content);
        let own = self.env.values_mut().chain(contents);
        let health = self.health.iter_mut().flat_map(|health| &mut health.test);
        own.chain(lists)
            .chain(&mut self.post_run)
            .chain(health)
            .collect()
    }

    /// What a variable is given: in itself, or in the file that `NAME_FILE` names.
    pub fn given(&self, variable: &str) -> Given<'_> {
        if let Some(text) = self.env.get(variable) {
            return Given::As(variable.to_owned(), text);
        }
        let by_file = format!("{variable}{IN_FILE}");
        let Some(path) = self.env.get(&by_file) else {
            return Given::Nowhere;
        };
        match path.as_plain().and_then(|path| self.files.get(path)) {
            Some(file) => Given::As(by_file, &file.content),
            None => Given::Unseen(by_file),
        }
    }

    /// The volumes that it may write to.
    pub fn written(&self) -> impl Iterator<Item = &EngineId> {
        self.volumes()
            .filter(|(_, write)| *write)
            .map(|(name, _)| name)
    }

    /// The volumes and directories that it may write to.
    pub fn data(&self) -> impl Iterator<Item = &str> {
        let written = self.mounts.values().filter(|mount| !mount.read_only);
        written.filter_map(|mount| mount.source.data())
    }

    /// The volumes that it mounts, with whether it may write.
    pub fn volumes(&self) -> impl Iterator<Item = (&EngineId, bool)> {
        self.mounts
            .values()
            .filter_map(|mount| match &mount.source {
                super::MountSource::Volume(name) => Some((name, !mount.read_only)),
                _ => None,
            })
    }
}
