//! How a product runs: nua-config, as it is or as `app:` of a product's info.yml.
//!
//! What an app, a provider and a site can say of a container has one type, [`Parts`], so that they overlay:
//! a service's presets, then the product, then the site.

mod build;
mod docker;
mod env;
mod health;
mod port;
mod provider;
mod volume;

pub(super) use docker::Docker;
pub(super) use docker::KNOWN as DOCKER_OPTIONS;
pub(super) use env::{EnvDef, EnvKind, FileDef};
pub(super) use health::HealthDef;
pub(super) use port::{Number, PortDef, address};
pub(super) use provider::ProviderDef;
pub(super) use volume::{VolumeDef, VolumeKind};

use super::build::Build;
use super::codes;
use super::doc::{Node, Sp, Table, Value, wrong_type};
use crate::diag::{Before, Diagnostic, Diagnostics, Place};
use std::collections::BTreeMap;

/// A product's app.
#[derive(Clone, Debug)]
pub(super) struct App {
    /// Where it starts.
    pub at: Place,
    /// `metadata.id`.
    pub id: Option<Sp<String>>,
    /// `metadata.version`.
    pub version: Option<String>,
    /// `metadata.release`.
    pub release: Option<i64>,
    /// Metadata by name, for `{name}` in commands.
    pub metadata: BTreeMap<String, String>,
    /// The image to run, from `image` or `build.base-image`.
    pub image: Option<Sp<String>>,
    /// How it is built.
    pub build: Option<Build>,
    /// What it is made of.
    pub parts: Parts,
    /// Its providers.
    pub providers: Vec<ProviderDef>,
    /// Commands to run in it once it works.
    pub post_run: Vec<Sp<String>>,
    /// Whether they run as soon as it is started, healthy or not.
    pub post_run_at_start: bool,
}

/// What can be said of a container, wherever it is said.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    /// Variables.
    pub env: BTreeMap<String, Sp<EnvDef>>,
    /// Ports by name.
    pub ports: BTreeMap<String, PortDef>,
    /// Volumes, each target once.
    pub volumes: Vec<VolumeDef>,
    /// The health check.
    pub health: Option<HealthDef>,
    /// Docker's own options.
    pub docker: Docker,
}

impl Parts {
    /// Reads `env`, `port`, `volume`, `healthcheck` and `docker` of a table.
    pub(super) fn read(table: &mut Table<'_>, d: &mut Diagnostics) -> Self {
        Self {
            env: env::read(table.take("env", d), d),
            ports: port::read(table.take("port", d), d),
            volumes: volume::read(table.list("volume", d), d),
            health: table
                .take("healthcheck", d)
                .and_then(|node| HealthDef::read(node, d)),
            docker: Docker::read(table.take("docker", d), d),
        }
    }

    /// Of how many values it consists.
    pub(super) fn size(&self) -> usize {
        self.env.len() + self.ports.len() + self.volumes.len() + self.docker.size()
    }

    /// What `over` says wins, key by key.
    pub(super) fn overlay(&mut self, over: &Self) {
        for (name, value) in &over.env {
            let mut value = value.clone();
            if let Some(own) = self.env.get(name) {
                let before = match &own.at {
                    Some(at) => Before::File(at.clone()),
                    None => Before::Own(own.value.kind.words()),
                };
                value.at = value.at.map(|at| at.over(before));
            }
            self.env.insert(name.clone(), value);
        }
        for (name, port) in &over.ports {
            match self.ports.get_mut(name) {
                Some(own) => own.overlay(port),
                None => drop(self.ports.insert(name.clone(), port.clone())),
            }
        }
        let targets = self.volumes.iter().enumerate();
        let targets: BTreeMap<String, usize> = targets
            .map(|(n, own)| (own.target.value.clone(), n))
            .collect();
        for volume in &over.volumes {
            let own = targets.get(&volume.target.value);
            match own.and_then(|n| self.volumes.get_mut(*n)) {
                Some(own) => own.overlay(volume),
                None => self.volumes.push(volume.clone()),
            }
        }
        match (&mut self.health, &over.health) {
            (Some(own), Some(over)) => own.overlay(over),
            (own, Some(over)) => *own = Some(over.clone()),
            (_, None) => {}
        }
        self.docker.overlay(&over.docker);
    }
}

impl App {
    /// Reads an app definition; `what` names it in messages.
    pub(super) fn read(node: &Node, what: &str, d: &mut Diagnostics) -> Option<Self> {
        let mut table = Table::of(node, what, d)?;
        let at = table.at.clone();
        let (id, version, release, metadata) = read_metadata(table.take("metadata", d), d);
        let own_image = table.text("image", d);
        let (base, build) = build::read(table.entry("build", d), &metadata, d);
        let image = own_image.or(base).map(|image| Sp {
            value: with_metadata(&image.value, &metadata),
            at: image.at,
        });
        let (post_run, post_run_at_start) =
            read_run(table.take("run", d), image.is_some() || build.is_some(), d);
        let parts = Parts::read(&mut table, d);
        let providers = ProviderDef::read_all(table.list("provider", d), d);
        check_backup(table.take("backup", d), d);
        table.finish(d);
        Some(Self {
            at,
            id,
            version,
            release,
            metadata,
            image,
            build,
            parts,
            providers,
            post_run,
            post_run_at_start,
        })
    }

    /// `VERSION` or `VERSION-RELEASE`, as nua tags its images.
    pub(super) fn tag(&self) -> Option<String> {
        let version = self.version.as_ref()?;
        Some(match self.release {
            Some(release) => format!("{version}-{release}"),
            None => version.clone(),
        })
    }
}

/// How long a text with metadata in it may be.
const MOST_METADATA: usize = 64 * 1024;

/// nua replaces `{version}` and the like by what `metadata` says. Other braces stay, and so does what would become
/// longer than anybody means.
fn with_metadata(text: &str, metadata: &BTreeMap<String, String>) -> String {
    let mut made = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        made.push_str(before);
        let found = after.split_once('}');
        let found = found.and_then(|(name, after)| Some((metadata.get(name)?, after)));
        match found {
            Some((value, after)) if made.len() + value.len() + after.len() <= MOST_METADATA => {
                made.push_str(value);
                rest = after;
            }
            _ => {
                made.push('{');
                rest = after;
            }
        }
    }
    made + rest
}

type Metadata = (
    Option<Sp<String>>,
    Option<String>,
    Option<i64>,
    BTreeMap<String, String>,
);

fn read_metadata(node: Option<&Node>, d: &mut Diagnostics) -> Metadata {
    let mut all = BTreeMap::new();
    let Some(mut table) = node.and_then(|node| Table::of(node, "metadata", d)) else {
        return (None, None, None, all);
    };
    let id = table.need_text("id", d);
    let version = table.text("version", d).map(|version| version.value);
    let release = table
        .int("release", 0..=i64::MAX, d)
        .map(|release| release.value);
    table.accept(&["tags", "profile"]);
    for key in [
        "title",
        "author",
        "description",
        "tagline",
        "website",
        "license",
        "changelog",
    ] {
        if let Some(text) = table.text(key, d) {
            all.insert(key.to_owned(), text.value);
        }
    }
    table.finish(d);
    if let Some(id) = &id {
        all.insert("id".to_owned(), id.value.clone());
    }
    if let Some(version) = &version {
        all.insert("version".to_owned(), version.clone());
    }
    if let Some(release) = release {
        all.insert("release".to_owned(), release.to_string());
    }
    let formatted = all
        .iter()
        .map(|(name, text)| (name.clone(), with_metadata(text, &all)))
        .collect();
    (id, version, release, formatted)
}

/// The commands, and whether they run before the app is seen to work.
fn read_run(node: Option<&Node>, own_image: bool, d: &mut Diagnostics) -> (Vec<Sp<String>>, bool) {
    let Some(mut table) = node.and_then(|node| Table::of(node, "run", d)) else {
        return (Vec::new(), false);
    };
    // These are in the image that nua builds, and in no other.
    for key in ["packages", "before-run", "start"] {
        let empty = |node: &Node| matches!(&node.value, Value::List(items) if items.is_empty());
        let entry = table.entry(key, d);
        if let Some(entry) = entry.filter(|entry| own_image && !empty(&entry.node)) {
            d.push(
                Diagnostic::warning(
                    codes::IGNORED,
                    Some(entry.key_at.clone()),
                    format!("`{key}` has no effect here"),
                )
                .label("nua builds it into its own images")
                .help("what the image starts is changed by `command` and `entrypoint` of `docker`"),
            );
        }
    }
    let status = table.text("post-run-status", d);
    let status = status.filter(|status| {
        const WORDS: &[&str] = &["created", "running", "healthy"];
        one_of(status, "`post-run-status` of run", WORDS, d)
    });
    let commands = table.texts("post-run", d);
    table.finish(d);
    (
        commands,
        status.is_some_and(|status| status.value != "healthy"),
    )
}

/// Backups come later; what is written about them must be right today.
fn check_backup(node: Option<&Node>, d: &mut Diagnostics) {
    const METHODS: &[&str] = &["pg_dump", "mysqldump", "mongodump", "tgz_volumes"];
    let Some(node) = node else { return };
    let Some(mut table) = Table::of(node, "backup", d) else {
        return;
    };
    if let Some(method) = table.need_text("method", d) {
        one_of(&method, "`method` of backup", METHODS, d);
    }
    table.accept(&["frequency"]);
    if let Some(mut options) = table
        .take("options", d)
        .and_then(|node| Table::of(node, "options", d))
    {
        options.text("destination", d);
        options.finish(d);
    }
    table.finish(d);
}

/// Checks that a text is one of a few words; an error with a suggestion otherwise.
pub(super) fn one_of(text: &Sp<String>, what: &str, words: &[&str], d: &mut Diagnostics) -> bool {
    if words.contains(&text.value.as_str()) {
        return true;
    }
    let known = words
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ");
    let mut error = Diagnostic::error(
        codes::BAD_VALUE,
        text.at.clone(),
        format!("{what} cannot be `{}`", text.value),
    )
    .help(format!("one of {known}"));
    if let Some(near) = crate::diag::did_you_mean(&text.value, words.iter().copied()) {
        error = error.help(format!("did you mean `{near}`?"));
    }
    d.push(error);
    false
}

/// The entries of a table; an error where it is none.
pub(super) fn entries<'a>(
    node: Option<&'a Node>,
    what: &str,
    d: &mut Diagnostics,
) -> &'a [super::doc::Entry] {
    match node.map(|node| (&node.value, node)) {
        None | Some((Value::Null, _)) => &[],
        Some((Value::Map(entries), _)) => entries,
        Some((_, node)) => {
            d.push(wrong_type(what, "a table", node));
            &[]
        }
    }
}
