//! What a stack is: resources with specs, needs and a lifecycle. Meaning only: nothing here knows a file
//! format or an engine.

mod blkio;
mod build;
mod canonical;
mod command;
pub mod container;
mod file;
mod mount;
mod network;
mod stack;
mod text;

pub use blkio::Blkio;
pub use build::BuildSpec;
pub use canonical::{Flat, HASH_VERSION, digest_of, flatten, shown, spec_hash, spec_json};
pub use command::Command;
pub use container::{
    About, ContainerSpec, DeviceRequest, Health, LiveSpec, Log, OF_CONTAINER, Port, Protocol,
    Restart, RestartName, Role, Ulimit, overlap,
};
pub use file::{File, FileSpec, Files};
pub use mount::{Mount, MountOptions, MountSource, Propagation, Selinux};
pub use network::{Addresses, Attachment, NetworkMode, NetworkSpec, Subnet};
pub use stack::{
    Adopt, Given, IN_FILE, ImageSpec, Left, Lifecycle, Need, Order, Pull, Resource, Spec, Stack,
    Update, VolumeSpec,
};
pub use text::{HELD, Part, Text, ValueRef};
