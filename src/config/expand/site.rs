//! One site to containers, volumes and a network.

use super::container::{Cx, origin, short_name, tag_of};
use super::mounts::{self, volume_name};
use super::provider::Provider;
use super::values::{Unit, Values, quoted};
use super::{Container, Draft, ImageChoice, Network, codes, image, provider};
use crate::base::{ResourceId, names};
use crate::config::Folder;
use crate::config::app::{Parts, VolumeKind};
use crate::config::deploy::{Deploy, Site};
use crate::config::products::{Product, Products};
use crate::diag::{Before, Diagnostic, Diagnostics, Place, did_you_mean};
use crate::graph;
use crate::model::{Command, Need, Text, ValueRef};
use crate::services;
use std::collections::{BTreeMap, BTreeSet};

/// Lowers a site into the draft.
pub(super) fn expand(
    draft: &mut Draft,
    deploy: &Deploy,
    site: &Site,
    products: &Products,
    folder: &dyn Folder,
    d: &mut Diagnostics,
) {
    let found = image::find(&draft.stack, &site.image, products, folder, d);
    let product = match &found {
        Some(found) => found.product,
        None => image::product(&site.image.value, products),
    };
    let app = product.and_then(|product| product.info.app.as_ref());
    let mut parts = app.map(|app| app.parts.clone()).unwrap_or_default();
    parts.overlay(&site.parts);
    // Of a site whose product is not known only what it says itself can be looked at.
    let open = found.is_none() && app.is_none();
    let providers = match open {
        true => Vec::new(),
        false => providers(site, product, d),
    };
    if open {
        parts.ports.clear();
    }
    let mut image = found.map_or_else(ImageChoice::none, |found| found.image);
    if let ImageChoice::Fixed { at: Some(at), .. } = &mut image
        && let Some(named) = site.image.at.as_ref().filter(|named| *named != at)
    {
        let used = ("image".to_owned(), Before::File(named.clone()));
        *at = at.clone().using([used].into());
    }
    let label = &site.label.value;
    // A site that was renamed keeps its data, which is named after the label it had when it was made.
    let data = site.was.as_ref().map_or(label, |was| &was.value);

    let all = providers.iter().map(|provider| &provider.parts);
    for parts in all.chain([&parts]) {
        let (mounts, ports) = (parts.volumes.len(), parts.ports.len());
        if !draft.budget.each("mounts", mounts, Some(&site.at), d)
            || !draft.budget.each("ports", ports, Some(&site.at), d)
        {
            return;
        }
    }
    let sizes = providers.iter().map(|provider| provider.parts.size());
    let (count, values) = (1 + providers.len(), parts.size() + sizes.sum::<usize>());
    if !draft.budget.containers(count, values, Some(&site.at), d) {
        return;
    }
    let metadata = app.map(|app| app.metadata.clone()).unwrap_or_default();
    let properties = app_properties(draft, site, &metadata);
    let mut units = BTreeMap::new();
    let own = unit(draft, data, &parts, properties.clone());
    units.insert(String::new(), Unit { open, ..own });
    for provider in &providers {
        let name = &provider.def.name.value;
        let properties = provider_properties(draft, label, provider);
        let address = format!("{data}/{name}");
        let own = unit(draft, &address, &provider.parts, properties);
        let open = provider.broken && provider.service.is_none();
        units.insert(name.clone(), Unit { open, ..own });
    }
    let mut values = Values::new(&units, folder, deploy.external_ip.known(), &site.at);
    let cx = Cx {
        site,
        data,
        networked: providers.iter().any(|provider| provider.image.is_some()),
    };
    let mut made = Vec::new();
    let mut extra = Vec::new();
    for provider in &providers {
        let container = cx.provider(draft, provider, &mut values, d);
        match container {
            Some(container) => made.push(container),
            None => extra.push(provider),
        }
    }
    let product_id = product.map(|product| match app.and_then(|app| app.id.as_ref()) {
        Some(id) => id.value.clone(),
        None => product.id.value.clone(),
    });
    let mut container = cx.app(draft, &parts, image, &mut values, d);
    container.about.product = product_id.unwrap_or_else(|| short_name(&container.image));
    container.about.version = app
        .and_then(|app| app.tag())
        .or_else(|| product.and_then(|product| product.info.version.clone()))
        .or_else(|| tag_of(&container.image));
    for provider in extra {
        let name = &provider.def.name.value;
        for volume in &provider.parts.volumes {
            mounts::mount(
                draft,
                &mut container,
                &format!("{data}/{name}"),
                volume,
                &provider.def.at,
                d,
            );
        }
    }
    let mut more = metadata;
    more.extend(properties);
    for command in app.into_iter().flat_map(|app| &app.post_run) {
        if let Some(text) =
            values.template("", &command.value, command.at.as_ref(), &more, draft, d)
        {
            match text.words() {
                Some(words) => exposed(draft, words, &text, command.at.as_ref(), d),
                None => {
                    let summary = format!("a quote is not closed in `{}`", text.show());
                    d.push(
                        Diagnostic::error(codes::BAD_VALUE, command.at.clone(), summary)
                            .help("a command is split into words as a shell does; a quote itself is written `\\'`"),
                    );
                }
            }
            container.spec.post_run.push(text);
            origin(&mut container.origins, "post_run", command.at.as_ref());
        }
    }
    container.spec.post_run_at_start =
        !container.spec.post_run.is_empty() && app.is_some_and(|app| app.post_run_at_start);
    needs(&values, label, &mut made, &mut container, &site.at, d);
    if cx.networked {
        let network = Network {
            name: names::object(&draft.stack, label),
            at: site.at.clone(),
            spec: Default::default(),
        };
        draft.networks.insert(label.clone(), network);
    }
    draft.containers.extend(made);
    draft.containers.push(container);
}

/// Refuses a command that would show a secret to everybody on the engine's host.
fn exposed(draft: &Draft, words: Vec<Text>, text: &Text, at: Option<&Place>, d: &mut Diagnostics) {
    let shown = Command::new(words, services::ASKS).exposed;
    // Names of users and databases are no secrets: servers show them themselves.
    let secret = |value: &ValueRef| {
        let generated = draft.recipes.get(&value.id);
        generated.is_none_or(|generated| generated.recipe.is_secret())
    };
    if !shown.iter().any(secret) {
        return;
    }
    let summary = format!(
        "a secret among the arguments of `{}`",
        text.show().replace("(generated)", "***")
    );
    d.push(
        Diagnostic::error(codes::EXPOSED, at.cloned(), summary)
            .label("while it runs, `ps` on the engine's host shows them to everybody")
            .help("to a program that reads a variable: `sh -c 'PASSWORD={NAME} program'`")
            .help(
                "to one that asks, on its standard input: `sh -c 'echo {NAME} | program'` (only the shell's own \
                 `echo` gets it)",
            ),
    );
}

/// The product's providers with what the site says of them; those of the site where it runs no product.
fn providers(site: &Site, product: Option<&Product>, d: &mut Diagnostics) -> Vec<Provider> {
    let defs = match product.and_then(|product| product.info.app.as_ref()) {
        Some(app) => {
            let mut defs = app.providers.clone();
            for over in &site.providers {
                let name = &over.name.value;
                let Some(def) = defs.iter_mut().find(|def| def.name.value == *name) else {
                    let known: Vec<&str> = app
                        .providers
                        .iter()
                        .map(|def| def.name.value.as_str())
                        .collect();
                    let error = Diagnostic::error(
                        codes::UNKNOWN_PROVIDER,
                        over.name.at.clone(),
                        format!("`{}` has no provider `{name}`", site.image.value),
                    );
                    d.push(match did_you_mean(name, known.iter().copied()) {
                        Some(near) => error.help(format!("did you mean `{near}`?")),
                        None if known.is_empty() => error.help("the product declares none"),
                        None => error.help(format!("there are {}", quoted(&known))),
                    });
                    continue;
                };
                def.overlay(over);
            }
            defs
        }
        None => site.providers.clone(),
    };
    defs.into_iter()
        .map(|def| provider::resolve(def, d))
        .collect()
}

fn unit(draft: &Draft, address: &str, parts: &Parts, properties: BTreeMap<String, String>) -> Unit {
    let volumes = parts.volumes.iter().filter_map(|volume| {
        let name = volume.name.as_ref()?;
        let full = volume_name(draft, address, volume, name);
        let kind = match volume.kind.unwrap_or_default() {
            VolumeKind::Managed => "managed",
            VolumeKind::Directory => "directory",
            VolumeKind::Tmpfs => "tmpfs",
        };
        let properties = [
            ("name", name.value.clone()),
            ("full_name", full),
            ("target", volume.target.value.clone()),
            ("type", kind.to_owned()),
        ];
        let properties = properties.map(|(key, value)| (key.to_owned(), value));
        Some((name.value.clone(), properties.into_iter().collect()))
    });
    Unit {
        address: address.to_owned(),
        env: parts.env.clone(),
        properties,
        volumes: volumes.collect(),
        open: false,
    }
}

fn app_properties(
    draft: &Draft,
    site: &Site,
    metadata: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut all = metadata.clone();
    let label = &site.label.value;
    if let Some(id) = metadata.get("id") {
        all.insert("app_id".to_owned(), id.clone());
    }
    all.insert("label".to_owned(), label.clone());
    all.insert("label_id".to_owned(), label.clone());
    all.insert(
        "container_name".to_owned(),
        names::object(&draft.stack, label),
    );
    all.insert(
        "network_name".to_owned(),
        names::object(&draft.stack, label),
    );
    let domain = site.domain.as_ref().map(|domain| domain.value.as_str());
    let host = domain.and_then(|domain| domain.split('/').next());
    all.insert("hostname".to_owned(), host.unwrap_or(label).to_owned());
    if let Some(domain) = domain {
        all.insert("domain".to_owned(), domain.to_owned());
    }
    all
}

fn provider_properties(
    draft: &Draft,
    label: &str,
    provider: &Provider,
) -> BTreeMap<String, String> {
    let name = &provider.def.name.value;
    let full = names::object(&draft.stack, &format!("{label}/{name}"));
    let mut all: BTreeMap<String, String> = [
        ("name", name.clone()),
        ("label", label.to_owned()),
        ("label_id", label.to_owned()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    if provider.image.is_some() {
        all.insert("hostname".to_owned(), name.clone());
        all.insert("host".to_owned(), name.clone());
        all.insert("container_name".to_owned(), full);
        if let Some(port) = provider.service.and_then(services::Service::port) {
            all.insert("port".to_owned(), port.to_string());
        }
    }
    all
}

/// Says which containers each needs; providers that need each other in a circle are an error.
fn needs(
    values: &Values<'_>,
    label: &str,
    providers: &mut [Container],
    app: &mut Container,
    at: &Place,
    d: &mut Diagnostics,
) {
    if let Some(around) = graph::cycle(&values.needs) {
        let shown: Vec<_> = around
            .iter()
            .map(|name| {
                if name.is_empty() {
                    "the app"
                } else {
                    name.as_str()
                }
            })
            .collect();
        d.push(
            Diagnostic::error(
                codes::CYCLE,
                Some(at.clone()),
                format!(
                    "providers need each other in a circle: {}",
                    shown.join(" → ")
                ),
            )
            .help("a `from` in the variables of one of them has to go"),
        );
        return;
    }
    let all: BTreeSet<ResourceId> = providers.iter().map(|one| one.id.clone()).collect();
    for container in providers {
        let name = container.id.address.rsplit('/').next().unwrap_or_default();
        for need in values.needs.get(name).into_iter().flatten() {
            let id = ResourceId::container(format!("{label}/{need}"));
            if all.contains(&id) {
                container.needs.insert(id, Need::Healthy);
            }
        }
    }
    app.needs
        .extend(all.into_iter().map(|id| (id, Need::Healthy)));
}
