//! A site of nua's as one of a stack: what it says, and what runs of it.

use super::Import;
use crate::base::names;
use crate::config::{self, NuaSite, nua_name, plain, secrecy};
use crate::engine::{EngineError, Look};
use crate::observe::Container;
use crate::ops::error::OpError;
use crate::ops::import::Made;
use crate::ops::import::found::{Running, keep_mounts, keeps_by_hostname, named, taken};
use crate::ops::import::metadata::Found;
use crate::ops::import::yaml::Yaml;

impl<L: Look> Import<'_, L> {
    /// A site as it is written.
    pub(super) async fn site(
        &mut self,
        site: &NuaSite,
        found: &Found,
    ) -> Result<(Yaml, Made), OpError> {
        let mut entry = Yaml::of(&site.node);
        let (line, _) = site.at.line_column();
        let from = format!("{}:{line}", site.at.source.name);
        if entry.drop_key("test") {
            self.notes.push(format!(
                "{from}: `test` of {} is left out: only nua's own tests read it",
                site.label
            ));
        }
        entry.set_with("label", Yaml::text(&site.label), &from);
        entry.set("image", Yaml::text(&found.app.id));
        for port in &found.app.ports {
            // nua publishes to everybody what its proxy does not serve.
            if port.open
                && !found.app.host_network
                && let Some(ports) = entry.at("port", Yaml::map())
                && let Some(own) = ports.at(&port.name, Yaml::map())
                && own.get("bind").is_none()
            {
                own.set("bind", Yaml::text("::"));
            }
        }
        let mut made = Made {
            label: site.label.clone(),
            product: found.app.id.clone(),
            domain: site.domain.clone(),
            from: Some(from),
            definition: Some(found.place.clone()),
            takes_over: Vec::new(),
        };
        self.keep_secrets(&site.label, &mut entry);
        self.take_over(site, found, &mut entry, &mut made).await?;
        entry.first(&["label", "image", "domain", "adopt"]);
        Ok((entry, made))
    }

    /// Passwords that stand in the file are kept apart, where git does not have them.
    fn keep_secrets(&mut self, label: &str, entry: &mut Yaml) {
        let mut kept = Vec::new();
        let mut keep = |of: &str, entry: &mut Yaml| {
            let Some(env) = entry.at("env", Yaml::map()) else {
                return;
            };
            for (name, value) in env.entries() {
                let Yaml::Text(text) = &value else { continue };
                // What other variables are in is made of them.
                if !secrecy::is_secret_name(name) || text.is_empty() || text.contains(['{', '}']) {
                    continue;
                }
                let secret = names::sanitize(&format!("{of}-{name}"));
                kept.push((secret.clone(), text.clone()));
                *value = Yaml::map();
                value.set("secret", Yaml::text(secret));
            }
        };
        keep(label, entry);
        if let Some(providers) = entry.at("provider", Yaml::List(Vec::new())) {
            for provider in providers.items() {
                if let Some(Yaml::Text(name)) = provider.get("name").cloned() {
                    keep(&format!("{label}-{name}"), provider);
                }
            }
        }
        entry.drop_empty(&["env", "provider"]);
        for (name, text) in kept {
            self.draft.add(&format!("config/secrets/{name}"), text);
        }
    }

    /// The name of a site's container, as nua gives it.
    pub(super) fn app_container(&self, site: &NuaSite, id: Option<&str>) -> Option<String> {
        let mut names = self.running.as_ref()?.names();
        let start = format!("{}-", site.label_id);
        if let Some(id) = id {
            let exact = nua_name(&format!("{start}{id}"));
            return names.any(|name| *name == exact).then_some(exact);
        }
        let is = |name: &&String| {
            let rest = name.strip_prefix(&start);
            rest.is_some_and(|rest| plain(rest) == site.product)
        };
        names.find(is).cloned()
    }

    /// Names what runs of the site already, so that the first apply takes it over with its data.
    async fn take_over(
        &mut self,
        site: &NuaSite,
        found: &Found,
        entry: &mut Yaml,
        made: &mut Made,
    ) -> Result<(), OpError> {
        let Some(running) = &self.running else {
            return Ok(());
        };
        let name = self.app_container(site, Some(&found.app.id));
        let app = match &name {
            Some(name) => running.container(name).await?,
            None => None,
        };
        let network = nua_name(&format!("{}-{}", site.label_id, found.app.id));
        let mut adopt = Yaml::map();
        let mut gone = Vec::new();
        if let Some(app) = &app {
            adopt.set(&site.label, named(app));
            made.takes_over.push(taken(app));
            keep_app(found, entry, app);
        }
        for provider in found.app.providers.iter().filter(|one| one.has_container) {
            let start = format!("{}-{}-", site.label_id, provider.name);
            let Some(own) = of_provider(running, &start, &network).await? else {
                gone.push(provider.name.clone());
                continue;
            };
            adopt.set(&provider.name, named(&own));
            made.takes_over.push(taken(&own));
            if let Some(list) = entry.at("provider", Yaml::List(Vec::new()))
                && let Some(over) = list.item("name", &provider.name)
            {
                keep_provider(over, &own);
            }
        }
        let is_there = !made.takes_over.is_empty();
        if is_there && running.observed.foreign.networks.contains(&network) {
            self.networks.push(network.clone());
        }
        if is_there {
            entry.set_with(
                "adopt",
                adopt,
                "What runs already and is taken over by the first apply; after it this can go.",
            );
        }
        let label = &site.label;
        let notes = &mut self.notes;
        match (is_there, app.is_some()) {
            (false, _) => self.alone.push(label.clone()),
            (true, false) => notes.push(format!(
                "of {label} only providers were found: its own container, {network}, is not there"
            )),
            (true, true) if !gone.is_empty() => notes.push(format!(
                "of {label} no container was found for {}",
                gone.join(", ")
            )),
            (true, true) => {}
        }
        Ok(())
    }
}

/// The container of a provider: of those whose names start like that, the one on the app's network.
async fn of_provider<L: Look>(
    running: &Running<'_, L>,
    start: &str,
    network: &str,
) -> Result<Option<Container>, EngineError> {
    let names: Vec<_> = running
        .names()
        .filter(|name| name.starts_with(start))
        .collect();
    let mut found = Vec::new();
    for name in names {
        found.extend(running.container(name).await?);
    }
    let on = |one: &Container| one.live.networks.contains_key(network);
    match found.iter().position(on) {
        Some(place) => Ok(Some(found.swap_remove(place))),
        None if found.len() == 1 => Ok(found.pop()),
        None => Ok(None),
    }
}

/// Ports and volumes of an app that runs stay.
fn keep_app(found: &Found, entry: &mut Yaml, app: &Container) {
    for port in &found.app.ports {
        let given = port
            .inside
            .as_ref()
            .and_then(|inside| app.made.ports.get(inside));
        if let Some(given) = given.and_then(|ports| ports.first())
            && let Some(ports) = entry.at("port", Yaml::map())
            && let Some(own) = ports.at(&port.name, Yaml::map())
            && own.get("host").is_none()
        {
            own.set("host", Yaml::Raw(given.host.to_string()));
        }
    }
    // Volumes of providers without a container are mounted into the app, and said with the provider.
    let mut of_providers = Vec::new();
    for provider in found.app.providers.iter().filter(|one| !one.has_container) {
        of_providers.extend(provider.targets.clone());
        let others: Vec<String> = app
            .mounts
            .keys()
            .filter(|path| !provider.targets.contains(path))
            .cloned()
            .collect();
        if let Some(list) = entry.at("provider", Yaml::List(Vec::new()))
            && let Some(over) = list.item("name", &provider.name)
            && let Some(volumes) = over.at("volume", Yaml::List(Vec::new()))
        {
            keep_mounts(volumes, app, &others);
        }
    }
    if app.mounts.keys().any(|path| !of_providers.contains(path))
        && let Some(volumes) = entry.at("volume", Yaml::List(Vec::new()))
    {
        keep_mounts(volumes, app, &of_providers);
    }
    keep_hostname(entry, app);
}

/// Image and volumes of a provider that runs stay.
fn keep_provider(entry: &mut Yaml, container: &Container) {
    let image = &container.made.image;
    if !image.starts_with("sha256:") && !image.is_empty() {
        entry.set_with(
            "image",
            Yaml::text(config::full_reference(image)),
            "As it runs.",
        );
    }
    if !container.mounts.is_empty()
        && let Some(volumes) = entry.at("volume", Yaml::List(Vec::new()))
    {
        keep_mounts(volumes, container, &[]);
    }
    keep_hostname(entry, container);
}

fn keep_hostname(entry: &mut Yaml, container: &Container) {
    if keeps_by_hostname(&container.made.image)
        && let Some(docker) = entry.at("docker", Yaml::map())
        && docker.get("hostname").is_none()
    {
        docker.set("hostname", Yaml::text(&container.made.hostname));
    }
}
