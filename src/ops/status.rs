//! `coasti status`: what runs, along two axes: health (does it work?) and sync (is it what the files say?).

use super::error::OpError;
use super::gather::{Gathered, gather, has_no_holder};
use super::lost;
use super::recover::known;
use crate::base::{ResourceId, StackId, StackName};
use crate::config::Desired;
use crate::diff::{Held, Notice, Wishes};
use crate::engine::Look;
use crate::model::{ContainerSpec, Port, Resource, Role, Spec, Stack};
use crate::observe::{self, HealthStatus, Observed};
use crate::plan::Plan;
use crate::store::lock;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// A whole stack's status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The stack's name.
    pub stack: String,
    /// The good revision (`r12`), where there is one.
    pub revision: Option<String>,
    /// Whether something is missing that was applied.
    #[serde(skip)]
    pub lacking: bool,
    /// Whether what was applied is kept and cannot be read: then the revision, and what is held, is not known.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_history: bool,
    /// Whether what was applied is gone: the store was removed while containers of the stack are there.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub history_lost: bool,
    /// A run that was cut off, where there is one: `coasti recover`, or the next apply, ends it.
    pub unfinished: Option<String>,
    /// Who works on it at this moment: then nothing was cut off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_work: Option<String>,
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
    /// Docker's state: `running`, `exited`, …; `missing`; `completed` for a job that has done its work.
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

/// Looks, and changes nothing. Without files (`desired`), what was last applied is compared with.
pub async fn status<L: Look>(
    look: &L,
    name: &StackName,
    id: Option<&StackId>,
    desired: Option<&Desired>,
) -> Result<Status, OpError> {
    match desired {
        Some(desired) => {
            let gathered = gather(look, desired).await?;
            let plan = gathered.plan(&Wishes::default());
            Ok(of_gathered(name, &gathered, &plan))
        }
        None => {
            let known = known(look, name, id, None).await?;
            let empty = Stack::empty(name.clone(), None);
            let stack = known.good.as_ref().map_or(&empty, |good| &good.stack);
            let good = known.head.good.as_ref().map(ToString::to_string);
            let mut status = assemble(name, stack, &known.observed, &known.held, None);
            status.revision = good;
            status.history_lost = lost::history(name, &known.peek, &known.observed);
            status.lacks(known.good.as_ref().map(|good| &good.stack));
            status.run(&known.observed, name, known.head.open);
            Ok(status)
        }
    }
}

fn of_gathered(name: &StackName, gathered: &Gathered, plan: &Plan) -> Status {
    let mut status = assemble(
        name,
        &gathered.sealed.stack,
        &gathered.observed,
        &gathered.held(),
        Some(plan),
    );
    status.history_lost = lost::history(name, &gathered.peek, &gathered.observed);
    status.lacks(gathered.base.as_ref());
    let head = gathered.peek.head.as_ref();
    status.revision = head
        .and_then(|head| head.good.as_ref())
        .map(ToString::to_string);
    status.run(&gathered.observed, name, gathered.open);
    status
}

impl App {
    /// Whether it runs although it is held: somebody started it by hand.
    pub fn runs_though_held(&self) -> bool {
        let mut states = self.containers.iter().map(|container| &container.state);
        self.held.is_some() && states.any(|state| state == "running" || state == "restarting")
    }
}

impl Status {
    /// Whether something does not work that should (exit code 9). What somebody stopped is as it should be,
    /// what is on its way may still get there, and what was never applied is not missed.
    pub fn is_bad(&self) -> bool {
        match self.health {
            Health::Degraded => true,
            Health::Missing => self.lacking,
            Health::Healthy | Health::Suspended | Health::Progressing => false,
        }
    }

    /// Notes whether something is missing that was applied.
    fn lacks(&mut self, good: Option<&Stack>) {
        let applied = |address: &str| {
            let id = ResourceId::container(address);
            good.is_some_and(|good| good.resources.contains_key(&id))
        };
        let missing = |health: Health, address: &str| health == Health::Missing && applied(address);
        self.lacking = self.apps.iter().any(|app| {
            let mut containers = app.containers.iter();
            missing(app.health, &app.label) && app.containers.is_empty()
                || containers.any(|one| missing(one.health, &one.address))
        });
    }

    /// A run that has begun and not ended was cut off, unless it is under way.
    fn run(&mut self, observed: &Observed, name: &StackName, open: Option<u64>) {
        self.at_work = at_work(observed, name);
        let cut_off = open.filter(|_| self.at_work.is_none());
        self.unfinished = cut_off.map(|open| format!("run {open}"));
    }
}

/// Who works on a stack at this moment, in words.
pub fn at_work(observed: &Observed, name: &StackName) -> Option<String> {
    let holder = lock::at_work(observed, name)?;
    let (why, actor, since) = (holder.why, holder.actor, holder.since);
    Some(format!("{why} by {actor} since {since}"))
}

fn assemble(
    name: &StackName,
    stack: &Stack,
    observed: &Observed,
    held: &Held,
    plan: Option<&Plan>,
) -> Status {
    let changed: BTreeSet<&ResourceId> = plan
        .iter()
        .flat_map(|plan| &plan.changes)
        .map(|c| &c.id)
        .collect();
    // What is held is left alone by every plan, also where the files say something else of it.
    let waits = |notice: &Notice| match notice {
        Notice::Held { label, pending, .. } => pending.is_some().then(|| label.clone()),
        _ => None,
    };
    let notices = plan.iter().flat_map(|plan| &plan.notices);
    let waiting: BTreeSet<String> = notices.filter_map(waits).collect();
    let sync_of = |is_changed: bool| match (plan, is_changed) {
        (None, _) => Sync::Unknown,
        (Some(_), true) => Sync::OutOfSync,
        (Some(_), false) => Sync::Synced,
    };
    let mut labels: BTreeMap<&str, Vec<(&ResourceId, &Resource, &ContainerSpec)>> = BTreeMap::new();
    for container in stack.containers() {
        labels
            .entry(container.0.label())
            .or_default()
            .push(container);
    }
    let mut apps: Vec<App> = labels
        .into_iter()
        .map(|(label, containers)| {
            let hold = held.get(label);
            let rows: Vec<Container> = containers
                .iter()
                .map(|(id, resource, spec)| {
                    let sync = sync_of(changed.contains(id) || waiting.contains(label));
                    container(id, resource, spec, observed, hold.is_some(), sync)
                })
                .collect();
            let about = containers
                .iter()
                .find_map(|(_, r, _)| r.about.as_ref().filter(|a| a.role == Role::App));
            let has_own = containers.iter().any(|(id, ..)| id.address == label);
            let any = changed.iter().any(|id| id.label() == label);
            App {
                label: label.to_owned(),
                product: about.map(|about| about.product.clone()).unwrap_or_default(),
                domain: about.and_then(|about| about.domain.clone()),
                urls: containers
                    .iter()
                    // A compose file's services are all beneath the label.
                    .filter(|(id, ..)| id.address == label || !has_own)
                    .flat_map(|(_, resource, spec)| urls(&published(resource, spec, observed)))
                    .collect(),
                held: hold.map(|hold| hold.word().to_owned()),
                health: rows
                    .iter()
                    .map(|row| row.health)
                    .max()
                    .unwrap_or(Health::Missing),
                sync: sync_of(any || waiting.contains(label)),
                containers: rows,
            }
        })
        .collect();
    // What runs and is no longer in the files.
    for container in observed.containers.values() {
        let Some(id) = container
            .owner
            .resource
            .as_ref()
            .filter(|id| !stack.resources.contains_key(*id))
        else {
            continue;
        };
        apps.push(App {
            label: id.address.clone(),
            product: "not in the files".to_owned(),
            domain: None,
            urls: Vec::new(),
            held: None,
            health: health(&container.state, false),
            sync: sync_of(true),
            containers: Vec::new(),
        });
    }
    let retained = plan
        .iter()
        .flat_map(|plan| &plan.notices)
        .filter_map(|notice| match notice {
            Notice::Retained { name } => Some(name.clone()),
            _ => None,
        });
    Status {
        stack: name.to_string(),
        revision: None,
        lacking: false,
        no_history: has_no_holder(name, observed),
        history_lost: false,
        unfinished: None,
        at_work: None,
        health: apps
            .iter()
            .map(|app| app.health)
            .max()
            .unwrap_or(Health::Healthy),
        sync: sync_of(!changed.is_empty() || !waiting.is_empty()),
        retained: retained.collect(),
        apps,
        files: plan.is_some(),
    }
}

fn container(
    id: &ResourceId,
    resource: &Resource,
    spec: &ContainerSpec,
    observed: &Observed,
    held: bool,
    sync: Sync,
) -> Container {
    let found = observed.containers.get(&resource.name);
    let job = resource.about.as_ref().is_some_and(|about| about.job);
    let completed = |c: &observe::Container| {
        job && c.state.status == observe::Status::Exited && c.state.exit_code == 0
    };
    let ports = published(resource, spec, observed);
    let ports = ports
        .iter()
        .map(|(inside, port)| format!("{port} → {inside}"));
    Container {
        address: id.address.clone(),
        name: resource.name.clone(),
        id: found.map(|c| c.id.as_str().chars().take(12).collect()),
        image: spec.image.clone(),
        state: found
            .map_or("missing", |c| match completed(c) {
                true => "completed",
                false => c.state.status.word(),
            })
            .to_owned(),
        health: found.map_or(
            if held {
                Health::Suspended
            } else {
                Health::Missing
            },
            |c| match completed(c) {
                true => Health::Healthy,
                false => health(&c.state, held),
            },
        ),
        sync,
        ports: ports.collect(),
        restarts: found.map_or(0, |c| c.state.restarts),
        since: found
            .filter(|c| c.state.status.is_active())
            .map(|c| c.state.started_at.clone()),
        notes: found.map(|c| undeclared(resource, c)).unwrap_or_default(),
    }
}

/// Limits that were set by hand and that the files do not declare: seen, not mended.
fn undeclared(resource: &Resource, container: &observe::Container) -> Vec<String> {
    let Spec::Container(spec) = &resource.spec else {
        return Vec::new();
    };
    let (live, now) = (&spec.live, &container.live);
    [
        ("memory", live.memory, now.memory),
        (
            "memory_swap",
            live.memory_swap.or(live.memory),
            now.memory_swap,
        ),
        ("nano_cpus", live.nano_cpus, now.nano_cpus),
        ("pids", live.pids, now.pids),
    ]
    .into_iter()
    .filter_map(|(what, wanted, now)| Some((what, now.filter(|_| wanted.is_none())?)))
    .map(|(what, now)| format!("{what} {now} was set by hand"))
    .collect()
}

/// What a container publishes; where none is there, what it shall.
fn published(
    resource: &Resource,
    spec: &ContainerSpec,
    observed: &Observed,
) -> Vec<(String, Port)> {
    let Some(found) = observed.containers.get(&resource.name) else {
        let all = spec.published();
        return all
            .map(|(inside, port)| (inside.to_owned(), port))
            .collect();
    };
    let ports = found.made.ports.iter();
    let ports = ports.flat_map(|(inside, ports)| ports.iter().map(move |port| (inside, port)));
    ports
        .map(|(inside, port)| (inside.clone(), port.clone()))
        .collect()
}

fn urls(ports: &[(String, Port)]) -> Vec<String> {
    let tcp = ports.iter().filter(|(inside, _)| inside.ends_with("/tcp"));
    tcp.map(|(_, port)| format!("http://{}", port.reached()))
        .collect()
}

fn health(state: &observe::State, held: bool) -> Health {
    use observe::Status as S;
    match (state.status, state.health) {
        (S::Running, Some(HealthStatus::Starting)) => Health::Progressing,
        (S::Running, Some(HealthStatus::Unhealthy)) => Health::Degraded,
        (S::Running, _) => Health::Healthy,
        (S::Paused, _) if held => Health::Suspended,
        (S::Exited | S::Created, _) if held => Health::Suspended,
        (S::Restarting, _) => Health::Degraded,
        (S::Created, _) => Health::Missing,
        (S::Paused | S::Exited | S::Removing | S::Dead, _) => Health::Degraded,
    }
}
