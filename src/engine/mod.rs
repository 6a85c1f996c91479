//! The one door to a container runtime: [`Look`] only reads, [`Engine`] also changes.
//!
//! Whatever plans takes a [`Look`]; that it cannot change anything is then a matter of types. One [`Call`]
//! is one call to the engine, so that a fault, a retry or a journal entry has one place.

mod call;
pub mod context;
pub mod docker;
mod error;
pub mod sim;

pub use call::{Call, ContainerCreate, Delivery, Done, ImageBuild};
pub use error::{EngineError, ErrorKind};

use crate::base::{EngineId, StackName};
use crate::observe::{Container, Host, Image, Observed};
use std::{collections::BTreeSet, future::Future, path::Path, time::Duration};

/// What is looked at.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The stack whose objects are wanted.
    pub stack: StackName,
    /// References of images whose facts are wanted.
    pub images: BTreeSet<String>,
    /// Names of containers that are wanted although they do not bear the stack's label: the files take them
    /// over.
    pub adopt: BTreeSet<String>,
}

/// An engine's own account of itself.
#[derive(Clone, Debug)]
pub struct Info {
    /// `Docker`, `Podman`, `simulator`.
    pub product: String,
    /// Its version.
    pub version: String,
    /// The API version in use.
    pub api: String,
    /// Whether it runs on this machine: then ports and routes of this machine are its own.
    pub local: bool,
    /// How it was reached, such as `unix:///var/run/docker.sock`.
    pub address: String,
}

impl Info {
    /// The API's version as numbers; what is none counts as the oldest.
    pub fn api_number(&self) -> (u32, u32) {
        let number = self
            .api
            .split_once('.')
            .and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
        number.unwrap_or_default()
    }
}

/// Something that happened to a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The container's id.
    pub container: EngineId,
    /// Docker's word: `start`, `die`, `health_status: healthy`, …
    pub action: String,
}

/// A stream of events that was subscribed to before the first of them matters.
pub trait Events: Send {
    /// The next event; none when the stream ended (the engine went away), after which only looking again
    /// helps.
    fn next(&mut self) -> impl Future<Output = Option<Event>> + Send;
}

/// How a container was left, and what it printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logs {
    /// Standard output and standard error, mixed as they came, the newest lines.
    pub text: String,
}

/// The reading side of an engine: every method is a GET or HEAD request.
pub trait Look: Send + Sync {
    /// The stream that [`Look::events`] gives.
    type Events: Events;

    /// What engine this is.
    fn info(&self) -> &Info;

    /// Lists and inspects all that `scope` names.
    fn observe(&self, scope: &Scope) -> impl Future<Output = Result<Observed, EngineError>> + Send;

    /// What the engine's host uses itself. Apart from [`Look::observe`], as the kernel takes longer over it than
    /// the engine over a few containers.
    fn host(&self) -> impl Future<Output = Host> + Send;

    /// The platform that its images are for (`linux/amd64`), empty where it does not tell. Apart from [`Look::info`]:
    /// it takes the engine longer than all that.
    fn platform(&self) -> impl Future<Output = Result<String, EngineError>> + Send;

    /// One container as it is now; none where there is none.
    fn inspect(
        &self,
        id: &EngineId,
    ) -> impl Future<Output = Result<Option<Container>, EngineError>> + Send;

    /// One image's facts; none where the engine does not have it.
    fn image(
        &self,
        reference: &str,
    ) -> impl Future<Output = Result<Option<Image>, EngineError>> + Send;

    /// References of images that the engine has in a repository (`nua-wiki:1.0` in `nua-wiki`).
    fn tags(
        &self,
        repository: &str,
    ) -> impl Future<Output = Result<Vec<String>, EngineError>> + Send;

    /// Writes an image into a file, as an archive; tells whether the engine has it.
    fn save(
        &self,
        reference: &str,
        to: &Path,
    ) -> impl Future<Output = Result<bool, EngineError>> + Send;

    /// The digest that the image's registry has for the reference now.
    fn remote_digest(
        &self,
        reference: &str,
    ) -> impl Future<Output = Result<String, EngineError>> + Send;

    /// The target of the symbolic link at `path` in a container; none where there is no container or link.
    fn link(
        &self,
        container: &str,
        path: &str,
    ) -> impl Future<Output = Result<Option<String>, EngineError>> + Send;

    /// A file or folder of a container as a tar archive; none where there is none.
    fn read(
        &self,
        container: &str,
        path: &str,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, EngineError>> + Send;

    /// Paths that a container wrote to outside of what is mounted in it: what is new there or changed, without the
    /// folders that such things are in.
    fn written(
        &self,
        id: &EngineId,
    ) -> impl Future<Output = Result<Vec<String>, EngineError>> + Send;

    /// The last lines that a container printed.
    fn logs(
        &self,
        id: &EngineId,
        tail: usize,
    ) -> impl Future<Output = Result<Logs, EngineError>> + Send;

    /// The output of the last health check, with its exit code; none where there was none.
    fn health_output(
        &self,
        id: &EngineId,
    ) -> impl Future<Output = Result<Option<String>, EngineError>> + Send;

    /// Subscribes to what happens to the stack's containers from now on.
    fn events(
        &self,
        stack: &StackName,
    ) -> impl Future<Output = Result<Self::Events, EngineError>> + Send;

    /// Bytes that are free where the engine keeps images and volumes; none where it cannot be known.
    fn free_space(&self) -> impl Future<Output = Option<u64>> + Send;
}

/// The changing side of an engine.
pub trait Engine: Look + 'static {
    /// Makes one call.
    ///
    /// Calls that find their work done succeed: removing or stopping what is gone, starting what runs,
    /// connecting what is connected. `limit` is how long the call may take; a reply that does not come in
    /// time is [`ErrorKind::Ambiguous`]: the effect may have happened.
    fn execute(
        &self,
        call: &Call,
        limit: Duration,
    ) -> impl Future<Output = Result<Done, EngineError>> + Send;
}
