//! Calls: everything that coasti can do to an engine, one variant a request, fully resolved.

use crate::base::{EngineId, Secret, Span};
use crate::model::{
    Attachment, BuildSpec, ContainerSpec, FileSpec, LiveSpec, Mount, MountSource, NetworkSpec,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::PathBuf,
};

/// One request that changes something.
#[derive(Clone, Debug)]
pub enum Call {
    /// Pulls an image from its registry.
    PullImage {
        /// The full reference.
        reference: String,
    },
    /// Loads an image archive (`docker save`'s) from the caller's disk.
    LoadImage {
        /// The archive.
        archive: PathBuf,
    },
    /// Builds an image from a folder on the caller's disk.
    BuildImage(Box<ImageBuild>),
    /// Makes an image without content, for containers that never start.
    MakeEmptyImage {
        /// The tag it gets.
        reference: String,
    },
    /// Gives an image one more tag.
    TagImage {
        /// The image's id or reference.
        image: String,
        /// The new reference.
        tag: String,
    },
    /// Takes a tag away from an image; where it was the last one and no container uses the image, that goes too.
    UntagImage {
        /// The reference.
        tag: String,
    },
    /// Makes a network.
    CreateNetwork {
        /// Its name.
        name: String,
        /// All labels, ours and the user's.
        labels: BTreeMap<String, String>,
        /// What it is; the engine chooses the subnet where none is given.
        spec: NetworkSpec,
    },
    /// Removes a network.
    RemoveNetwork {
        /// Its id or name.
        id: EngineId,
    },
    /// Makes a volume.
    CreateVolume {
        /// Its name.
        name: String,
        /// Its labels.
        labels: BTreeMap<String, String>,
        /// Its driver; `local` where none is given.
        driver: Option<String>,
        /// The driver's options.
        options: BTreeMap<String, String>,
    },
    /// Removes a volume. Only for one that its own run made and that no container ever used, and for files.
    RemoveVolume {
        /// Its name.
        name: EngineId,
    },
    /// Makes a container, without starting it.
    CreateContainer(Box<ContainerCreate>),
    /// Starts a container.
    Start {
        /// Its id.
        id: EngineId,
    },
    /// Asks a container to stop, and kills it when it does not in time.
    Stop {
        /// Its id.
        id: EngineId,
        /// How long it may take; the container's own setting where none is given.
        timeout: Option<Span>,
    },
    /// Freezes a container.
    Pause {
        /// Its id.
        id: EngineId,
    },
    /// Thaws a container.
    Unpause {
        /// Its id.
        id: EngineId,
    },
    /// Gives a container another name.
    Rename {
        /// Its id.
        id: EngineId,
        /// The new name.
        to: String,
    },
    /// Removes a container, killing it where it runs. Never removes volumes, not even anonymous ones.
    RemoveContainer {
        /// Its id or name.
        id: EngineId,
    },
    /// Changes limits and restart policy in place; what is `None` stays.
    Update {
        /// The container's id.
        id: EngineId,
        /// The new values; networks are not looked at.
        live: LiveSpec,
    },
    /// Joins a container to a network, with its whole endpoint configuration.
    Connect {
        /// The container's id.
        container: EngineId,
        /// The network's name or id.
        network: String,
        /// The endpoint.
        attachment: Attachment,
    },
    /// Takes a container off a network.
    Disconnect {
        /// The container's id.
        container: EngineId,
        /// The network's name or id.
        network: String,
    },
    /// Runs a command in a running container and waits for its end.
    Exec {
        /// The container's id.
        container: EngineId,
        /// The command; may hold secrets.
        argv: Vec<Secret<String>>,
        /// Variables that it gets beside the container's.
        env: BTreeMap<String, Secret<String>>,
        /// As which user; root where none is given.
        user: Option<String>,
    },
    /// Unpacks a tar archive into a container's folder.
    Write {
        /// The container's name or id.
        container: String,
        /// The folder.
        path: String,
        /// The archive.
        tar: Secret<Vec<u8>>,
    },
}

/// An image to be built.
#[derive(Clone, Debug)]
pub struct ImageBuild {
    /// The reference that it gets.
    pub reference: String,
    /// What it is built from.
    pub spec: BuildSpec,
    /// Images that are pulled before.
    pub pull: BTreeSet<String>,
    /// All labels, ours and the user's.
    pub labels: BTreeMap<String, String>,
}

/// A container to be made, secrets in place.
#[derive(Clone)]
pub struct ContainerCreate {
    /// Its name.
    pub name: String,
    /// What it is; texts in it are resolved through the fields below.
    pub spec: ContainerSpec,
    /// Variables with their real values.
    pub env: BTreeMap<String, Secret<String>>,
    /// The command with its real values.
    pub command: Option<Vec<Secret<String>>>,
    /// The entrypoint with its real values.
    pub entrypoint: Option<Vec<Secret<String>>>,
    /// The files delivered into it.
    pub files: Option<Delivery>,
    /// All labels, ours and the user's.
    pub labels: BTreeMap<String, String>,
}

/// Files of a volume that are each mounted at a path of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The volume's name.
    pub volume: String,
    /// Their names in the volume, by path in the container.
    pub files: BTreeMap<String, String>,
}

impl Delivery {
    /// The mounts that bring them, where the engine keeps the volume at `root` of its host: each file, and
    /// the whole volume.
    ///
    /// From API 1.45 on a file of a volume could be mounted as such; as a path of the engine's host every
    /// engine mounts it.
    pub(super) fn mounts(&self, root: &str) -> BTreeMap<String, Mount> {
        let read_only = |source: MountSource| Mount {
            read_only: true,
            ..Mount::from(source)
        };
        let volume = MountSource::Volume(EngineId::new(self.volume.clone()));
        let whole = (FileSpec::MOUNT.to_owned(), read_only(volume));
        let files = self.files.iter().map(|(path, name)| {
            let source = MountSource::Directory(format!("{}/{name}", root.trim_end_matches('/')));
            (path.clone(), read_only(source))
        });
        files.chain([whole]).collect()
    }
}

impl fmt::Debug for ContainerCreate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContainerCreate")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// It happened.
    Done,
    /// It was so before.
    Already,
    /// It made an object.
    Made(EngineId),
    /// A command ran in a container.
    Ran {
        /// Its exit code.
        code: i64,
        /// What it printed, the last 16 KB.
        output: String,
    },
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PullImage { reference } => write!(f, "pull image {reference}"),
            Self::LoadImage { archive } => write!(f, "load image archive {}", archive.display()),
            Self::BuildImage(build) => write!(f, "build image {}", build.reference),
            Self::MakeEmptyImage { reference } => write!(f, "make empty image {reference}"),
            Self::TagImage { image, tag } => write!(f, "tag image {image} as {tag}"),
            Self::UntagImage { tag } => write!(f, "untag image {tag}"),
            Self::CreateNetwork { name, .. } => write!(f, "create network {name}"),
            Self::RemoveNetwork { id } => write!(f, "remove network {id}"),
            Self::CreateVolume { name, .. } => write!(f, "create volume {name}"),
            Self::RemoveVolume { name } => write!(f, "remove volume {name}"),
            Self::CreateContainer(create) => write!(f, "create container {}", create.name),
            Self::Start { id } => write!(f, "start container {id}"),
            Self::Stop { id, .. } => write!(f, "stop container {id}"),
            Self::Pause { id } => write!(f, "pause container {id}"),
            Self::Unpause { id } => write!(f, "unpause container {id}"),
            Self::Rename { id, to } => write!(f, "rename container {id} to {to}"),
            Self::RemoveContainer { id } => write!(f, "remove container {id}"),
            Self::Update { id, .. } => write!(f, "update container {id}"),
            Self::Connect {
                container, network, ..
            } => write!(f, "connect {container} to network {network}"),
            Self::Disconnect { container, network } => {
                write!(f, "disconnect {container} from network {network}")
            }
            Self::Exec { container, .. } => write!(f, "run a command in container {container}"),
            Self::Write {
                container, path, ..
            } => write!(f, "write into {container}:{path}"),
        }
    }
}
