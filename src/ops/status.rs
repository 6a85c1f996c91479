//! `coasti status`: what runs, along two axes: health (does it work?) and sync (is it what the files say?).

use serde::Serialize;

/// A whole stack's status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The stack's name.
    pub stack: String,
    /// The good revision (`r12`), where there is one.
    pub revision: Option<String>,
    /// A run that was cut off, where there is one: `coasti recover`, or the next apply, ends it.
    pub unfinished: Option<String>,
    /// The worst of all apps.
    pub health: Health,
    /// Whether anything differs.
    pub sync: Sync,
    /// One a label, sorted.
    pub apps: Vec<App>,
    /// Volumes that nothing in the files uses; kept.
    pub retained: Vec<String>,
    /// Whether the files could be read; without them sync is unknown.
    pub files: bool,
}

/// One label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct App {
    /// The label.
    pub label: String,
    /// The product's id, or image.
    pub product: String,
    /// `host` or `host/path`.
    pub domain: Option<String>,
    /// Where it can be reached now: `http://127.0.0.1:8100`.
    pub urls: Vec<String>,
    /// `stopped`, `paused`, `removed` where the user said so.
    pub held: Option<String>,
    /// The worst of its containers.
    pub health: Health,
    /// Whether anything of it differs.
    pub sync: Sync,
    /// The app's container first, then its providers.
    pub containers: Vec<Container>,
}

/// One container of a label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Container {
    /// Its address: `blog`, `blog/database`.
    pub address: String,
    /// Its name on the engine.
    pub name: String,
    /// Its engine id, 12 digits; none where it is missing.
    pub id: Option<String>,
    /// The image's reference.
    pub image: String,
    /// Docker's state: `running`, `exited`, …; `missing`.
    pub state: String,
    /// Health.
    pub health: Health,
    /// Sync.
    pub sync: Sync,
    /// Published ports: `127.0.0.1:8100 → 80/tcp`.
    pub ports: Vec<String>,
    /// How often the engine restarted it.
    pub restarts: i64,
    /// When it was started last (RFC 3339), where it runs.
    pub since: Option<String>,
    /// With `--full`: limits set by hand that the files do not declare, and more.
    pub notes: Vec<String>,
}

/// Does it work? From best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// Healthy, or running where it has no health check.
    Healthy,
    /// Stopped, paused or removed by decision.
    Suspended,
    /// On its way.
    Progressing,
    /// It should be there and is not.
    Missing,
    /// It does not work.
    Degraded,
}

/// Is it what the files say?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sync {
    /// Yes.
    Synced,
    /// No: `coasti plan` tells.
    OutOfSync,
    /// The files could not be read.
    Unknown,
}
