//! What a service says of its container.

use super::mounts::{self, Volume};
use super::needs::{self, Dependency};
use super::networks::{Link, Network, network};
use super::ports::{self, PortUse};
use super::settings::check;
use super::shared::{Join, VolumesFrom};
use super::tree::{Item, Keys, Str, Val};
use super::{Field, Project, build, devices, words};
use crate::base::words::LONGEST;
use crate::config::build::Build;
use crate::config::doc::Sp;
use crate::config::{codes, rules};
use crate::diag::{Diagnostic, Diagnostics, Place};
use crate::model::{ContainerSpec, Restart, RestartName};
use std::collections::BTreeMap;

/// Keys of a service that are not supported, with what to do.
const UNSUPPORTED: &[(&str, &str)] = &[
    ("credential_spec", ""),
    (
        "external_links",
        "join the other's network (`external: true`)",
    ),
    ("mac_address", ""),
    ("models", ""),
    ("post_start", ""),
    ("pre_start", ""),
    ("pre_stop", ""),
    ("provider", ""),
    ("pull_refresh_after", ""),
    ("use_api_socket", ""),
];

/// A secret or config in a service.
#[derive(Clone, Debug)]
pub(in crate::config) struct FileUse {
    /// Whether it is a secret.
    pub secret: bool,
    /// Its key.
    pub source: String,
    /// Its path in the container.
    pub target: String,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Permission bits.
    pub mode: u32,
    /// Where it stands.
    pub at: Place,
}

/// Whether an image is pulled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::config) enum Pulled {
    /// Where it is missing and not built.
    #[default]
    Missing,
    /// Never: it must be there.
    Never,
    /// Although it could be built.
    Instead,
}

/// A service, read.
#[derive(Clone, Debug)]
pub(in crate::config) struct Service {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub at: Place,
    /// The image.
    pub image: Option<Sp<String>>,
    /// How the image is built.
    pub build: Option<Build>,
    /// What `pull_policy` says.
    pub pulled: Pulled,
    /// The platform of the image.
    pub platform: Option<String>,
    /// What has no secrets and no names of other things in it.
    pub spec: ContainerSpec,
    /// Replaces the image's command.
    pub command: Option<Vec<Str>>,
    /// Replaces the image's entrypoint.
    pub entrypoint: Option<Vec<Str>>,
    /// The health check's words, where there is one.
    pub test: Option<Vec<Str>>,
    /// Variables, with where each stands; those without a value take the project's.
    pub env: BTreeMap<String, (Option<Str>, Place)>,
    /// Files with variables.
    pub env_files: Vec<EnvFile>,
    /// Files with labels.
    pub label_files: Vec<Sp<String>>,
    /// Ports to publish.
    pub ports: Vec<PortUse>,
    /// Mounts.
    pub volumes: Vec<Volume>,
    /// Services whose mounts it has as well.
    pub volumes_from: Vec<VolumesFrom>,
    /// Services whose processes or memory it has.
    pub joins: Vec<Join>,
    /// Secrets and configs.
    pub files: Vec<FileUse>,
    /// Its networks.
    pub network: Network,
    /// Names that it has for others.
    pub links: Vec<Link>,
    /// What it needs.
    pub needs: Vec<Dependency>,
    /// Whether the file says when it is started again.
    pub restart: Option<(Restart, Place)>,
    /// How many of it.
    pub replicas: u32,
    /// What `scale` says of it, before `deploy` has its say.
    pub(super) scale: Option<u32>,
    /// A name by which others may reach it.
    pub container_name: Option<String>,
    /// Where fields stand.
    pub origins: BTreeMap<String, Place>,
}

/// An entry of `env_file`.
#[derive(Clone, Debug)]
pub(in crate::config) struct EnvFile {
    /// As written.
    pub path: Sp<String>,
    /// Whether it must be there.
    pub required: bool,
    /// Whether values are taken as they stand.
    pub raw: bool,
}

/// Keys whose value is a field of the spec under another name.
const ORIGINS: &[(&str, &str)] = &[
    ("command", "command"),
    ("blkio_config", "blkio"),
    ("cpu_quota", "live.nano_cpus"),
    ("cpus", "live.nano_cpus"),
    ("entrypoint", "entrypoint"),
    ("device_cgroup_rules", "device_rules"),
    ("gpus", "device_requests"),
    ("healthcheck", "health"),
    ("image", "image"),
    ("logging", "log"),
    ("mem_limit", "live.memory"),
    ("mem_swappiness", "swappiness"),
    ("memswap_limit", "live.memory_swap"),
    ("network_mode", "network_mode"),
    ("networks", "live.networks"),
    ("pids_limit", "live.pids"),
    ("restart", "live.restart"),
    ("stop_grace_period", "stop_timeout"),
    ("mem_reservation", "memory_reservation"),
    ("userns_mode", "userns"),
];

impl Service {
    /// Reads a service of a project.
    pub(in crate::config) fn read(field: &Field, d: &mut Diagnostics) -> Option<Self> {
        let name = field.key.clone();
        let what = format!("service `{name}`");
        let letter = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let fine = !name.is_empty() && name.chars().all(letter);
        if !fine {
            let summary = format!("`{name}` cannot be a service's name");
            let error = Diagnostic::error(codes::BAD_VALUE, Some(field.key_at.clone()), summary);
            d.push(error.help("letters, digits, `.`, `_` and `-`"));
            return None;
        }
        let mut keys = Keys::of(&field.item, what.clone(), d)?;
        keys.accept(&["expose", "attach", "develop"]);
        keys.list("profiles", d);
        let mut service = Self {
            name,
            at: field.key_at.clone(),
            image: keys
                .plain("image", d)
                .map(|(text, at)| Sp::new(text, &at.at)),
            build: build::read(keys.take("build"), &what, d),
            pulled: Pulled::default(),
            platform: platform(&mut keys, d),
            spec: ContainerSpec::default(),
            command: command(&mut keys, "command", d),
            entrypoint: command(&mut keys, "entrypoint", d),
            test: None,
            env: BTreeMap::new(),
            env_files: env_files(&mut keys, d),
            label_files: Vec::new(),
            ports: ports::read(keys.list("ports", d), &what, d),
            volumes: Vec::new(),
            volumes_from: Vec::new(),
            joins: Vec::new(),
            files: Vec::new(),
            network: Network::None,
            links: Vec::new(),
            needs: needs::read(keys.take("depends_on"), &what, d),
            restart: None,
            scale: None,
            replicas: 1,
            container_name: keys.plain("container_name", d).map(|(text, _)| text),
            origins: origins(field),
        };
        if let (Some(build), Some(at)) = (&mut service.build, service.origins.get("build")) {
            build.at = at.clone();
        }
        service.built_for(d);
        service.pull_policy(&mut keys, d);
        if let Some(item) = keys.take("environment") {
            if !matches!(item.value, Val::Map(_)) {
                d.push(item.wrong(&keys.name("environment"), "a table or a list"));
            }
            for entry in item.fields() {
                match &entry.item.value {
                    Val::Text(text) => drop(service.env.insert(
                        entry.key.clone(),
                        (Some(text.clone()), entry.item.at.clone()),
                    )),
                    // Its value is the project's variable of that name; without one it is not set.
                    Val::Null => drop(
                        service
                            .env
                            .insert(entry.key.clone(), (None, entry.key_at.clone())),
                    ),
                    _ => d.push(
                        entry
                            .item
                            .wrong(&format!("the variable `{}`", entry.key), "text or a number"),
                    ),
                }
            }
        }
        let label_files = keys.texts("label_file", d).into_iter();
        service.label_files = label_files
            .map(|(path, item)| Sp::new(path, &item.at))
            .collect();
        let volumes = keys.list("volumes", d);
        let tmpfs = keys.take("tmpfs").map(Item::items).unwrap_or_default();
        service.volumes = mounts::read(volumes, tmpfs, &what, d);
        for (key, secret) in [("secrets", true), ("configs", false)] {
            for item in keys.list(key, d) {
                service.files.extend(file_use(item, secret, &what, d));
            }
        }
        service.network = network(&mut keys, &what, d);
        service.links(keys.texts("links", d), d);
        service.hosts(&mut keys, d);
        service.volumes_from(&mut keys, d);
        service.restart = restart(keys.take("restart"), d);
        service.health(keys.take("healthcheck"), &what, d);
        service.settings(&mut keys, d);
        service.joined();
        service.limits(&mut keys, d);
        service.kernel(&mut keys, d);
        if let Some((count, _)) = keys.int("scale", 0..=1000, d) {
            service.scale = u32::try_from(count).ok();
            service.replicas = service.scale.unwrap_or(1);
        }
        service.spec.device_requests = devices::gpus(keys.take("gpus"), d);
        service.deploy(keys.take("deploy"), d);
        keys.finish(UNSUPPORTED, d);
        Some(service)
    }
}

impl Service {
    /// What is built must be for the platform that the service names.
    fn built_for(&self, d: &mut Diagnostics) {
        let built = self
            .build
            .as_ref()
            .and_then(|build| build.platform.as_ref());
        if let (Some(named), Some(built)) = (&self.platform, built)
            && !rules::is_platform(named, built)
            && let Some(at) = self.origins.get("platform")
        {
            let summary = format!(
                "service `{}` is for {named}, and built for {built}",
                self.name
            );
            let error = Diagnostic::error(codes::BAD_VALUE, Some(at.clone()), summary);
            d.push(error.help("keep one of `platform` and `platforms` of `build`"));
        }
    }

    /// Where a key of the file stands.
    pub(in crate::config) fn key_at(&self, key: &str) -> Option<&Place> {
        let renamed = ORIGINS.iter().find(|(name, _)| *name == key);
        self.origins.get(renamed.map_or(key, |(_, field)| *field))
    }
}

impl Service {
    /// Of how many values its container is made, variables left out.
    pub(in crate::config) fn size(&self) -> usize {
        let words = [&self.command, &self.entrypoint, &self.test]
            .into_iter()
            .flatten();
        let words: usize = words.map(Vec::len).sum();
        let lists: usize = self.counts().map(|(_, count)| count).iter().sum();
        words + lists + self.spec.labels.len()
    }

    /// How many it has of what is compared with all others.
    pub(in crate::config) fn counts(&self) -> [(&'static str, usize); 5] {
        let joins = match &self.network {
            Network::Joins(joins) => joins.len(),
            _ => 0,
        };
        [
            ("ports", self.ports.len()),
            ("mounts", self.volumes.len()),
            ("files", self.files.len()),
            ("needs", self.needs.len()),
            ("networks", joins),
        ]
    }
}

fn origins(field: &Field) -> BTreeMap<String, Place> {
    let mut origins: BTreeMap<String, Place> = BTreeMap::new();
    for entry in field.item.fields() {
        let renamed = ORIGINS.iter().find(|(key, _)| *key == entry.key);
        let name = renamed.map_or(entry.key.as_str(), |(_, field)| field);
        origins.insert(name.to_owned(), entry.origin());
    }
    origins
}

/// A command as a list, or as a line that is split as a shell does. Nothing is the image's own.
fn command(keys: &mut Keys<'_>, key: &'static str, d: &mut Diagnostics) -> Option<Vec<Str>> {
    let name = keys.name(key);
    let item = keys.take(key)?;
    match &item.value {
        Val::Text(text) => {
            let at = || Some(item.at.clone());
            if text.len() > LONGEST {
                let summary = format!("{name} is longer than 128 KB");
                let error = Diagnostic::error(codes::BAD_VALUE, at(), summary);
                d.push(error.help("write it as a list, each word one entry"));
                return None;
            }
            let Some(words) = words::split(text) else {
                let summary = format!("a quote or bracket is not closed in {name}");
                let error = Diagnostic::error(codes::BAD_VALUE, at(), summary);
                d.push(error.help("write it as a list, each word one entry"));
                return None;
            };
            if let Some(mark) = words.ends_at {
                let summary = format!("{name} ends at its `{mark}`");
                let warning = Diagnostic::warning(codes::IGNORED, at(), summary);
                d.push(
                    warning
                        .label("what follows is left out, as by Compose: there is no shell")
                        .help("in quotes it is part of a word; `[sh, -c, \"…\"]` asks for a shell"),
                );
            }
            Some(words.all)
        }
        Val::List(items) => {
            let mut words = Vec::new();
            for item in items {
                match item.as_str() {
                    Some(word) => words.push(word.clone()),
                    None => d.push(item.wrong(&format!("a word of {name}"), "text")),
                }
            }
            Some(words)
        }
        _ => {
            d.push(item.wrong(&name, "text or a list of texts"));
            None
        }
    }
}

/// The platform whose image it is: whether the engine has it, is seen where there is one.
fn platform(keys: &mut Keys<'_>, d: &mut Diagnostics) -> Option<String> {
    let found = keys.plain("platform", d);
    let found = found.filter(|(text, _)| !text.is_empty());
    check("platform", found.as_slice(), rules::platform, d);
    found.map(|(text, _)| text)
}

fn env_files(keys: &mut Keys<'_>, d: &mut Diagnostics) -> Vec<EnvFile> {
    let mut files = Vec::new();
    for item in keys.take("env_file").map(Item::items).unwrap_or_default() {
        if item.as_str().is_some() {
            if let Some(path) = super::tree::plain(item, "an entry of `env_file`", d) {
                files.push(EnvFile {
                    path: Sp::new(path, &item.at),
                    required: true,
                    raw: false,
                });
            }
            continue;
        }
        let Some(mut keys) = Keys::of(item, "an entry of `env_file`", d) else {
            continue;
        };
        let path = keys.plain("path", d);
        let required = keys.flag("required", d).unwrap_or(true);
        let format = keys.plain("format", d);
        if let Some((format, at)) = &format
            && format != "raw"
        {
            d.push(at.bad("`format`", "`raw`, or nothing"));
        }
        keys.finish(&[], d);
        match path {
            Some((path, at)) => files.push(EnvFile {
                path: Sp::new(path, &at.at),
                required,
                raw: format.is_some(),
            }),
            None => d.push(Diagnostic::error(
                codes::MISSING,
                Some(item.at.clone()),
                "an entry of `env_file` has no `path`",
            )),
        }
    }
    files
}

fn restart(item: Option<&Item>, d: &mut Diagnostics) -> Option<(Restart, Place)> {
    let item = item?;
    let text = super::tree::plain(item, "`restart`", d).filter(|text| !text.is_empty())?;
    let (word, tries) = match text.split_once(':') {
        Some((word, tries)) => (word, tries.parse::<i64>().ok()),
        None => (text.as_str(), Some(0)),
    };
    let name = match word {
        // YAML of old reads an unquoted `no` as false.
        "no" | "false" => Some(RestartName::No),
        "always" => Some(RestartName::Always),
        "unless-stopped" => Some(RestartName::UnlessStopped),
        "on-failure" => Some(RestartName::OnFailure),
        _ => None,
    };
    match (name, tries) {
        (Some(name), Some(max_retries)) => Some((Restart { name, max_retries }, item.at.clone())),
        _ => {
            d.push(item.bad(
                "`restart`",
                "`no`, `always`, `unless-stopped`, `on-failure` or `on-failure:TRIES`",
            ));
            None
        }
    }
}

fn file_use(item: &Item, secret: bool, what: &str, d: &mut Diagnostics) -> Option<FileUse> {
    let kind = if secret { "secret" } else { "config" };
    let mut file = FileUse {
        secret,
        source: String::new(),
        target: String::new(),
        uid: 0,
        gid: 0,
        mode: 0o444,
        at: item.at.clone(),
    };
    let mut target = None;
    if item.as_str().is_some() {
        file.source = super::tree::plain(item, &format!("a {kind} of {what}"), d)?;
    } else {
        let mut keys = Keys::of(item, format!("a {kind} of {what}"), d)?;
        let source = keys.plain("source", d);
        target = keys.plain("target", d).map(|(text, _)| text);
        for (key, to) in [("uid", &mut file.uid), ("gid", &mut file.gid)] {
            if let Some((id, _)) = keys.int(key, 0..=i64::from(u32::MAX), d) {
                *to = u32::try_from(id).unwrap_or(0);
            }
        }
        if let Some((text, at)) = keys.plain("mode", d)
            && let Some(mode) = mounts::permissions(&text, at, d)
        {
            file.mode = mode;
        }
        keys.finish(&[], d);
        let Some((source, _)) = source else {
            let summary = format!("a {kind} of {what} has no `source`");
            d.push(Diagnostic::error(
                codes::MISSING,
                Some(item.at.clone()),
                summary,
            ));
            return None;
        };
        file.source = source;
    }
    let target = target.unwrap_or_else(|| file.source.clone());
    file.target = match (target.starts_with('/'), secret) {
        (true, _) => target,
        (false, true) => format!("/run/secrets/{target}"),
        (false, false) => format!("/{target}"),
    };
    Some(file)
}

impl Project {
    /// The service that has a name, or whether it only does not run.
    pub(in crate::config) fn has(&self, name: &str) -> bool {
        self.services.iter().any(|field| field.key == name)
    }
}
