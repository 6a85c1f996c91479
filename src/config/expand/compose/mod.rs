//! A site whose product is a compose file: each of its services becomes a container.

mod files;
mod networks;
mod project;
mod service;
mod shared;
mod variables;

use super::values::{Unit, Values};
use super::{Container, Draft, codes, taken};
use crate::config::Folder;
use crate::config::app::Parts;
use crate::config::compose::{self, Bit, Condition, Network, Service, Str, Vars};
use crate::config::deploy::{Deploy, Site};
use crate::config::info::Compose;
use crate::config::products::Product;
use crate::diag::{Before, Diagnostic, Diagnostics, Place, did_you_mean};
use crate::graph;
use crate::model::{Part, RestartName, Text};
use std::collections::{BTreeMap, BTreeSet};

/// Lowers a site into the draft.
pub(super) fn expand(
    draft: &mut Draft,
    deploy: &Deploy,
    site: &Site,
    product: &Product,
    run: &Compose,
    folder: &dyn Folder,
    d: &mut Diagnostics,
) {
    only_env(site, d);
    if product.broken {
        return;
    }
    let vars = variables(draft, deploy, site, folder, d);
    let Some(project) = compose::load(folder, run, &vars, &mut draft.budget, d) else {
        return;
    };
    let services: Vec<Service> = project
        .services
        .iter()
        .filter_map(|field| Service::read(field, d))
        .collect();
    if services.len() < project.services.len() || project.failed {
        return;
    }
    for service in &services {
        for (what, count) in service.counts() {
            if !draft.budget.each(what, count, Some(&service.at), d) {
                return;
            }
        }
    }
    let Some(services) = needed(services, &project, d) else {
        return;
    };
    let jobs = jobs(&services);
    let cx = service::Cx {
        site,
        product,
        folder,
        project: &project,
        jobs: &jobs,
        services: &services,
    };
    let networks = networks::networks(draft, &cx, d);
    let volumes = project::volumes(draft, &cx, d);
    let mut made: Vec<Container> = Vec::new();
    for service in &services {
        let said = cx.said(service, &mut draft.budget, d);
        let replicas = usize::try_from(service.replicas).unwrap_or(usize::MAX);
        let values = service.size().saturating_add(said.len());
        let values = values.saturating_mul(replicas);
        if !draft
            .budget
            .containers(replicas, values, Some(&service.at), d)
        {
            break;
        }
        for number in 1..=service.replicas {
            made.extend(cx.container(draft, service, number, &said, &networks, &volumes, d));
        }
    }
    taken::all(draft, &mut made, d);
    draft.containers.extend(made);
}

/// Whatever else a site can say, the compose file says itself.
fn only_env(site: &Site, d: &mut Diagnostics) {
    let Parts {
        env: _,
        ports,
        volumes,
        health,
        docker,
    } = &site.parts;
    let said = [
        ("port", !ports.is_empty()),
        ("volume", !volumes.is_empty()),
        ("healthcheck", health.is_some()),
        ("docker", !docker.is_empty()),
        ("provider", !site.providers.is_empty()),
    ];
    for (key, _) in said.iter().filter(|(_, said)| *said) {
        let summary = format!("`{key}` of a site whose product is a compose file");
        d.push(
            Diagnostic::error(codes::COMPOSE_KEY, Some(site.at.clone()), summary)
                .label("the product has several services")
                .help("say it in a compose file of your own, and name that under `files` of the product's `run`"),
        );
    }
}

/// The site's variables, which win over those of env files.
fn variables(
    draft: &mut Draft,
    deploy: &Deploy,
    site: &Site,
    folder: &dyn Folder,
    d: &mut Diagnostics,
) -> Vars {
    let label = &site.label.value;
    let data = site.was.as_ref().map_or(label, |was| &was.value);
    let mut properties = BTreeMap::from([
        ("label".to_owned(), label.clone()),
        ("label_id".to_owned(), label.clone()),
    ]);
    if let Some(domain) = &site.domain {
        properties.insert("domain".to_owned(), domain.value.clone());
        let host = domain.value.split('/').next().unwrap_or_default();
        properties.insert("hostname".to_owned(), host.to_owned());
    }
    let unit = Unit {
        address: data.clone(),
        env: site.parts.env.clone(),
        properties,
        volumes: BTreeMap::new(),
        open: false,
    };
    let units = BTreeMap::from([(String::new(), unit)]);
    let mut values = Values::new(&units, folder, deploy.external_ip.known(), &site.at);
    let mut vars = Vars::default();
    vars.set(
        "COMPOSE_PROJECT_NAME",
        Str::plain(format!("{}-{label}", draft.stack)),
        Before::Own(format!("{}-{label}", draft.stack)),
    );
    for (name, def) in &site.parts.env {
        let Some(text) = values.variable("", name, draft, d) else {
            continue;
        };
        let bit = |part: &Part| match part {
            Part::Plain(text) => Bit::Plain(text.clone()),
            // What comes of an encrypted file is the same whether or not it can be opened here.
            Part::Value(value) if draft.encrypted.contains_key(&value.id) => {
                Bit::Value(value.id.clone())
            }
            Part::Value(value) => match draft.given.get(&value.id) {
                Some(secret) => Bit::Secret(secret.expose().clone()),
                None => Bit::Value(value.id.clone()),
            },
        };
        let text: Str = text.parts().iter().map(bit).collect();
        let at = values.origin("", name, def.at.as_ref().unwrap_or(&site.at));
        vars.set(name, text, Before::File(at));
    }
    vars
}

/// The services, each with those needs that are there; none where one is missing or they need each other
/// in a circle.
fn needed(
    mut services: Vec<Service>,
    project: &compose::Project,
    d: &mut Diagnostics,
) -> Option<Vec<Service>> {
    let mut fine = true;
    let mut edges: graph::Edges<String> = BTreeMap::new();
    for service in &mut services {
        let name = service.name.clone();
        service.needs.retain(|need| {
            let there = project.has(&need.service);
            // One that does not run may be left out; one that nobody wrote is a mistake.
            let known = project.inactive.contains_key(&need.service);
            if !there && (need.required || !known) {
                fine = false;
                d.push(unknown_service(project, &need.service, &need.at));
            }
            there
        });
        let needs = edges.entry(name).or_default();
        needs.extend(service.needs.iter().map(|need| need.service.clone()));
        if let Network::Of(other, at) = &service.network {
            if project.has(other) {
                needs.insert(other.clone());
            } else {
                fine = false;
                d.push(unknown_service(project, other, at));
            }
        }
    }
    if let Some(around) = graph::cycle(&edges) {
        let shown: Vec<_> = around.iter().map(|name| format!("`{name}`")).collect();
        let at = services
            .iter()
            .find(|service| Some(&service.name) == around.first())
            .map(|service| service.at.clone());
        let summary = format!(
            "services need each other in a circle: {}",
            shown.join(" → ")
        );
        d.push(Diagnostic::error(codes::COMPOSE_CYCLE, at, summary));
        fine = false;
    }
    fine.then_some(services)
}

fn unknown_service(project: &compose::Project, name: &str, at: &Place) -> Diagnostic {
    let at = Some(at.clone());
    if let Some(profiles) = project.inactive.get(name) {
        let summary = format!("the service `{name}` does not run");
        return Diagnostic::error(codes::UNKNOWN_NAME, at, summary)
            .label(format!("it has the profile `{}`", profiles.join("`, `")))
            .help("name the profile under `profiles` of the product's `run`, or write `required: false`");
    }
    let error = Diagnostic::error(
        codes::UNKNOWN_NAME,
        at,
        format!("there is no service `{name}`"),
    );
    let near = did_you_mean(
        name,
        project.services.iter().map(|field| field.key.as_str()),
    );
    match near {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error,
    }
}

/// Services that run to an end: others wait for that, or the file says that they are not started again and
/// nothing says that they serve somebody.
fn jobs(services: &[Service]) -> BTreeSet<String> {
    let (mut to_end, mut running) = (BTreeSet::new(), BTreeSet::new());
    for need in services.iter().flat_map(|service| &service.needs) {
        match need.condition {
            Condition::Completed => to_end.insert(need.service.as_str()),
            _ if need.kept => continue,
            _ => running.insert(need.service.as_str()),
        };
    }
    let ends = |service: &&Service| {
        let name = service.name.as_str();
        let restart = service.restart.as_ref().map(|(restart, _)| restart.name);
        to_end.contains(name)
            || restart == Some(RestartName::No)
                && service.ports.is_empty()
                && service.test.as_ref().is_none_or(Vec::is_empty)
                && !running.contains(name)
    };
    services
        .iter()
        .filter(ends)
        .map(|service| service.name.clone())
        .collect()
}

/// A text of the model: what is secret in it is kept apart, under an id of the draft's own.
fn text(draft: &mut Draft, address: &str, field: &str, value: &Str) -> Text {
    use crate::base::{Secret, ValueId};
    let mut parts = Vec::new();
    for (number, bit) in value.bits().iter().enumerate() {
        match bit {
            Bit::Plain(text) => parts.push(Part::Plain(text.clone())),
            Bit::Value(id) => parts.extend(Text::value(id.clone(), None).parts().iter().cloned()),
            Bit::Secret(secret) => {
                let id = ValueId::new(format!("given:{address}/{field}#{number}"));
                draft.given.insert(id.clone(), Secret::new(secret.clone()));
                parts.extend(Text::value(id, None).parts().iter().cloned());
            }
        }
    }
    parts.into_iter().collect()
}
