//! Docker, and what speaks its API (Podman), through bollard. Only our own types leave this module.
//!
//! | file | does |
//! |---|---|
//! | [`connect`] | finds the engine, negotiates the version |
//! | `wire` | HTTP beneath bollard: connections, statuses, headers |
//! | `error` | refusals → kinds |
//! | `observe`, `convert`, `host` | what runs → [`crate::observe`] |
//! | `read` | archives, links, logs, events |
//! | `attach` | commands at the caller's terminal, output as it comes |
//! | `create` | a container's spec → Docker's body |
//! | `execute`, `image`, `build`, `auth` | calls |

mod attach;
mod auth;
mod build;
mod buildkit;
mod connect;
mod convert;
mod create;
mod error;
mod execute;
mod host;
mod image;
mod observe;
mod read;
mod wire;

pub use attach::{LogLine, LogLines};
pub use connect::connect;
pub use read::DockerEvents;

use super::{Call, Done, Engine, EngineError, Info, Logs, Look, Scope};
use crate::base::{EngineId, StackName};
use crate::observe::{Container, Host, Image, Observed};
use bollard::errors::Error;
use error::Effect;
use std::{sync::Arc, time::Duration};

/// How long a reading call may take. An engine that hangs (a full disk, a stuck mount) must not hang us.
const READ_LIMIT: Duration = Duration::from_secs(60);

/// A connection to an engine. Cheap to clone.
#[derive(Clone)]
pub struct Docker {
    client: bollard::Docker,
    wire: wire::Wire,
    info: Arc<Info>,
    progress: Option<tokio::sync::mpsc::UnboundedSender<Progress>>,
    /// Paths of image archives and builds are relative to it.
    folder: std::path::PathBuf,
}

/// How far a pull or a build has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The image.
    pub reference: String,
    /// What there is to tell.
    pub news: News,
}

/// News of a pull or a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// So many bytes are here, of so many of the layers that are known so far.
    Pulling(u64, u64),
    /// So many bytes of a build's folder are sent, of so many.
    Sending(u64, u64),
    /// A build's step: its number, of how many, and what it does.
    Step(String),
}

impl Docker {
    /// Sends news of pulls and builds to `sender` from now on.
    #[must_use]
    pub fn with_progress(mut self, sender: tokio::sync::mpsc::UnboundedSender<Progress>) -> Self {
        self.progress = Some(sender);
        self
    }

    /// Takes image archives and what is built from `folder` where their paths are relative: the stack's, wherever the caller works.
    #[must_use]
    pub fn with_folder(mut self, folder: &std::path::Path) -> Self {
        self.folder = folder.to_owned();
        self
    }

    /// Tells how far an image is. Where nobody listens any more, nobody misses it.
    fn tell(&self, reference: &str, news: News) {
        if let Some(sender) = &self.progress {
            let reference = reference.to_owned();
            let _ = sender.send(Progress { reference, news });
        }
    }

    /// A reading call, with its limit and its error's conversion.
    async fn reading<T>(
        &self,
        what: &str,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, EngineError> {
        tokio::time::timeout(READ_LIMIT, call)
            .await
            .unwrap_or(Err(Error::RequestTimeoutError))
            .map_err(|error| error::convert(what, error, Effect::None))
    }
}

impl Look for Docker {
    type Events = DockerEvents;

    fn info(&self) -> &Info {
        &self.info
    }

    async fn observe(&self, scope: &Scope) -> Result<Observed, EngineError> {
        observe::observe(self, scope).await
    }

    async fn host(&self) -> Host {
        match self.info.local {
            true => host::look().await,
            false => Host::default(),
        }
    }

    async fn platform(&self) -> Result<String, EngineError> {
        self.reading("ask for the platform", connect::platform(&self.wire))
            .await
    }

    async fn inspect(&self, id: &EngineId) -> Result<Option<Container>, EngineError> {
        observe::inspect(self, id.as_str()).await
    }

    async fn image(&self, reference: &str) -> Result<Option<Image>, EngineError> {
        observe::image(self, reference).await
    }

    async fn tags(&self, repository: &str) -> Result<Vec<String>, EngineError> {
        image::tags(self, repository).await
    }

    async fn save(&self, reference: &str, to: &std::path::Path) -> Result<bool, EngineError> {
        image::save(self, reference, to).await
    }

    async fn remote_digest(&self, reference: &str) -> Result<String, EngineError> {
        image::remote_digest(self, reference).await
    }

    async fn link(&self, container: &str, path: &str) -> Result<Option<String>, EngineError> {
        read::link(self, container, path).await
    }

    async fn read(&self, container: &str, path: &str) -> Result<Option<Vec<u8>>, EngineError> {
        read::archive(self, container, path).await
    }

    async fn written(&self, id: &EngineId) -> Result<Vec<String>, EngineError> {
        read::written(self, id).await
    }

    async fn logs(&self, id: &EngineId, tail: usize) -> Result<Logs, EngineError> {
        read::logs(self, id, tail).await
    }

    async fn health_output(&self, id: &EngineId) -> Result<Option<String>, EngineError> {
        read::health_output(self, id).await
    }

    async fn events(&self, stack: &StackName) -> Result<DockerEvents, EngineError> {
        read::events(self, stack).await
    }

    async fn free_space(&self) -> Option<u64> {
        read::free_space(self).await
    }
}

impl Engine for Docker {
    async fn execute(&self, call: &Call, limit: Duration) -> Result<Done, EngineError> {
        execute::execute(self, call, limit).await
    }
}
