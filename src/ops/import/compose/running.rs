//! Containers of a compose project that are on the engine: found by Compose's labels, taken over with their data.

use super::Wanted;
use super::trial::Trial;
use crate::base::{StackName, names};
use crate::config::{Desired, Value, parse, yaml_text};
use crate::diag::Diagnostics;
use crate::engine::Look;
use crate::model::MountSource;
use crate::observe::Container;
use crate::ops::import::found::{self, PROJECT, SERVICE, keeps_by_hostname};
use crate::ops::import::yaml::Yaml;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What of a project is there.
#[derive(Default)]
pub(super) struct Running {
    /// As Compose calls it.
    project: String,
    /// Its containers, by service; of several of one service the second is `SERVICE-2`.
    pub(super) of: BTreeMap<String, Container>,
    /// Of services that the files do not have, or not so many times.
    others: Vec<String>,
    /// Its networks that an engine has only once: as the files call them, and as the engine does.
    networks: BTreeMap<String, String>,
}

/// Looks for the project's containers: those that Compose made of this very file, or else of one in a project of
/// this name.
pub(super) async fn look<L: Look>(
    look: &L,
    stack: &StackName,
    wanted: &Wanted,
    trial: &Trial,
    desired: &Desired,
) -> Result<Running, String> {
    let all = found::Running::look(look, stack)
        .await
        .map_err(|error| error.to_string())?;
    let mut running = Running {
        project: project(wanted, trial),
        ..Running::default()
    };
    let file = wanted.root.join(&wanted.file).display().to_string();
    let services = services(desired);
    for name in all.names() {
        let container = all.container(name).await;
        let Some(container) = container.map_err(|error| error.to_string())? else {
            continue;
        };
        let label = |label: &str| container.made.labels.get(label).map(String::as_str);
        let Some(service) = label(SERVICE) else {
            continue;
        };
        let files = label("com.docker.compose.project.config_files").unwrap_or_default();
        let ours = files.split(',').any(|one| one == file)
            || label(PROJECT) == Some(running.project.as_str());
        // What was run once, by hand, has no place.
        if !ours || label("com.docker.compose.oneoff") == Some("True") {
            continue;
        }
        if let Some(project) = label(PROJECT) {
            running.project = project.to_owned();
        }
        let number = label("com.docker.compose.container-number").unwrap_or("1");
        let key = match number {
            "1" => service.to_owned(),
            more => format!("{service}-{more}"),
        };
        if services.contains(&key) {
            running.of.insert(key, container);
        } else {
            running.others.push(container.name);
        }
    }
    let single: BTreeSet<&str> = desired
        .single_networks()
        .map(|address| address.split_once('/').map_or("default", |(_, key)| key))
        .collect();
    let there = running.of.values();
    let there: BTreeSet<&String> = there.flat_map(|one| one.live.networks.keys()).collect();
    for (key, said) in declared(trial) {
        let name = said.unwrap_or_else(|| format!("{}_{key}", running.project));
        if single.contains(names::sanitize(&key).as_str()) && there.contains(&name) {
            running.networks.insert(key, name);
        }
    }
    Ok(running)
}

/// The containers that are to run, by the names that `adopt` has for them.
fn services(desired: &Desired) -> Vec<String> {
    let inner = |address: &str| match address.split_once('/') {
        Some((_, inner)) => inner.to_owned(),
        None => address.to_owned(),
    };
    desired.addresses().map(inner).collect()
}

/// Networks that the files declare, with the name that they say.
fn declared(trial: &Trial) -> BTreeMap<String, Option<String>> {
    let mut declared = BTreeMap::new();
    for (path, _) in trial.seen() {
        if !path.ends_with(".yml") && !path.ends_with(".yaml") {
            continue;
        }
        let source = trial.product_file(&path);
        let root = source.and_then(|source| parse(&source, &mut Diagnostics::new()));
        let Some(Value::Map(networks)) = root
            .as_ref()
            .and_then(|root| Some(&root.get("networks")?.value))
        else {
            continue;
        };
        for network in networks {
            let name = network.node.get("name");
            let name = name.and_then(|node| node.value.scalar());
            let known = declared.entry(network.key.clone()).or_insert(None);
            *known = name.or(known.take());
        }
    }
    declared
}

/// A project's name: as the file says it, else its folder's.
fn project(wanted: &Wanted, trial: &Trial) -> String {
    let source = trial.product_file(&wanted.file);
    let said = source
        .and_then(|source| parse(&source, &mut Diagnostics::new()))
        .and_then(|root| root.get("name").and_then(|node| node.value.scalar()))
        .filter(|name| !name.contains('$'));
    let folder = || {
        let file = wanted.root.join(&wanted.file);
        let folder = file.parent().and_then(Path::file_name);
        folder.map(|name| name.to_string_lossy().to_lowercase())
    };
    let kept = |c: &char| c.is_ascii_alphanumeric() || "_-".contains(*c);
    let name: String = said.or_else(folder).unwrap_or_default();
    let name: String = name.chars().filter(kept).collect();
    name.trim_start_matches(['_', '-']).to_owned()
}

impl Running {
    /// The compose file that keeps each container's data where it is; none where none has any. `delivered` tells where
    /// a service gets its secrets and configs: Compose mounts those, and the product has them.
    pub(super) fn over<'a>(
        &self,
        root: &Path,
        delivered: &dyn Fn(&str) -> BTreeSet<&'a str>,
    ) -> Option<String> {
        let mut services = Yaml::map();
        // Several services may use one.
        let mut volumes = BTreeSet::new();
        for (service, container) in &self.of {
            let mut own = Yaml::map();
            if keeps_by_hostname(&container.made.image) {
                own.set_with(
                    "hostname",
                    Yaml::text(&container.made.hostname),
                    "Its data is named after the host that it was made on.",
                );
            }
            let mut mounts = Vec::new();
            let files = delivered(service);
            for (path, mount) in &container.mounts {
                if files.contains(path.as_str()) {
                    continue;
                }
                let end = mount.suffix();
                match &mount.source {
                    MountSource::Volume(name) => {
                        volumes.insert(name.as_str());
                        mounts.push(Yaml::text(format!("{}:{path}{end}", key(name.as_str()))));
                    }
                    // What is in the folder is not copied.
                    MountSource::Directory(folder) if Path::new(folder).starts_with(root) => {
                        mounts.push(Yaml::text(format!("{folder}:{path}{end}")));
                    }
                    _ => {}
                }
            }
            if !mounts.is_empty() {
                own.set("volumes", Yaml::List(mounts));
            }
            if own != Yaml::map() {
                services.set(service, own);
            }
        }
        let mut file = Yaml::map();
        if services != Yaml::map() {
            file.set_with(
                "services",
                services,
                "Data that was there before this was a product, and stays where it is.",
            );
        }
        let mut there = Yaml::map();
        for name in volumes {
            let mut volume = Yaml::map();
            volume.set("name", Yaml::text(name));
            volume.set("external", Yaml::flag(true));
            there.set(&key(name), volume);
        }
        if there != Yaml::map() {
            file.set("volumes", there);
        }
        let mut networks = Yaml::map();
        for (key, name) in &self.networks {
            // In the place of all that the files say of it.
            let stays = format!("!override {{name: {}, external: true}}", yaml_text(name));
            networks.set(key, Yaml::Raw(stays));
        }
        if networks != Yaml::map() {
            file.set_with(
                "networks",
                networks,
                "There is one of them only: with its subnet, or with its bridge's name.",
            );
        }
        (file != Yaml::map()).then(|| file.file())
    }

    /// What is worth knowing of them.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = vec![format!(
            "containers of Compose's project `{}` run here: with `adopt`, as shown, the first apply takes them over, their data stays. Once it is applied, do not start the project with Compose any more: two of each would run on the same data",
            self.project
        )];
        for name in self.networks.values() {
            notes.push(format!(
                "network {name} stays, and coasti's containers join it: no other one can have its subnet, or its bridge's name, beside it"
            ));
        }
        if !self.others.is_empty() {
            notes.push(format!(
                "not taken over, the files do not run them: {}",
                self.others.join(", ")
            ));
        }
        notes
    }
}

/// What a volume is called in the file.
fn key(name: &str) -> String {
    let fine = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let name: String = name.chars().filter(|c| fine(*c)).collect();
    format!("there-{name}")
}
