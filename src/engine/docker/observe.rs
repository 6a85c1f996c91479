//! One look at an engine: three lists at once, then an inspection of each container that matters.

use super::{Docker, convert};
use crate::engine::{EngineError, Scope};
use crate::model::Protocol;
use crate::observe::{Container, Image, LABEL_ID, LABEL_STACK, Observed, PublishedPort, Stranger};
use bollard::{
    errors::Error,
    models::{ContainerSummary, PortSummaryTypeEnum},
    query_parameters::{ListContainersOptionsBuilder, ListNetworksOptions, ListVolumesOptions},
};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How many inspections run at once. More do not help: the engine answers from memory, on few cores.
const AT_ONCE: usize = 8;

/// Looks at all that `scope` names.
pub(super) async fn observe(docker: &Docker, scope: &Scope) -> Result<Observed, EngineError> {
    let (containers, networks, volumes, images) = tokio::try_join!(
        containers(docker, scope),
        docker.reading(
            "list networks",
            docker.client.list_networks(None::<ListNetworksOptions>)
        ),
        docker.reading(
            "list volumes",
            docker.client.list_volumes(None::<ListVolumesOptions>)
        ),
        images(docker, scope),
    )?;
    let mut seen = Observed {
        images,
        ..Observed::default()
    };
    let ours = |stack: Option<&str>| stack == Some(scope.stack.as_str());
    let Listed { inspected, rest } = containers;
    for summary in rest {
        let name = name(&summary).unwrap_or_default().to_owned();
        let active = ["running", "paused", "restarting"];
        let labels = summary.labels.unwrap_or_default();
        let mut stranger = Stranger {
            image: summary.image.unwrap_or_default(),
            stack: labels.get(LABEL_STACK).cloned(),
            writes: BTreeSet::new(),
        };
        let state = summary.state.map(|state| state.to_string());
        if state.is_some_and(|state| active.contains(&state.as_str())) {
            let points = summary.mounts.unwrap_or_default().into_iter();
            let written = points.filter(|point| point.rw != Some(false));
            let places = written.filter_map(|point| match point.typ.as_deref() {
                Some("volume") => point.name,
                Some("bind") => point.source,
                _ => None,
            });
            stranger.writes.extend(places);
        }
        let networks = summary.network_settings.unwrap_or_default().networks;
        for network in networks.unwrap_or_default().into_keys() {
            let on = seen.foreign.attached.entry(network).or_default();
            on.insert(name.clone());
        }
        note_stack(&mut seen, &labels, scope);
        seen.foreign
            .ports
            .extend(published(summary.ports.unwrap_or_default(), &name));
        seen.foreign.containers.insert(name, stranger);
    }
    for container in inspected {
        let stack = container.owner.stack.as_ref().map(|stack| stack.as_str());
        let list = match ours(stack) {
            true => &mut seen.containers,
            false => &mut seen.adoptable,
        };
        list.insert(container.name.clone(), container);
    }
    for raw in networks {
        let labels = raw.labels.clone().unwrap_or_default();
        note_stack(&mut seen, &labels, scope);
        let Some(network) = convert::network(raw) else {
            continue;
        };
        if ours(labels.get(LABEL_STACK).map(String::as_str)) {
            seen.networks.insert(network.name.clone(), network);
        } else {
            let subnets = network.subnets.iter();
            let named = subnets.map(|subnet| (network.name.clone(), *subnet));
            seen.foreign.subnets.extend(named);
            seen.foreign.networks.insert(network.name);
        }
    }
    for raw in volumes.volumes.unwrap_or_default() {
        note_stack(&mut seen, &raw.labels, scope);
        if ours(raw.labels.get(LABEL_STACK).map(String::as_str)) {
            seen.volumes.insert(raw.name.clone(), convert::volume(raw));
        } else {
            seen.foreign.volumes.insert(raw.name);
        }
    }
    seen.foreign.subnets.sort();
    seen.foreign.ports.sort();
    seen.foreign.ports.dedup();
    Ok(seen)
}

/// All containers, as far as each matters.
struct Listed {
    /// This stack's, and those that it takes over.
    inspected: Vec<Container>,
    /// Those that do not bear this stack's label; one that is taken over is in both.
    rest: Vec<ContainerSummary>,
}

async fn containers(docker: &Docker, scope: &Scope) -> Result<Listed, EngineError> {
    let options = ListContainersOptionsBuilder::new().all(true).build();
    let list = docker.client.list_containers(Some(options));
    let all = docker.reading("list containers", list).await?;
    let (mut wanted, mut rest) = (Vec::new(), Vec::new());
    for summary in all {
        let labels = summary.labels.as_ref();
        let ours = labels
            .and_then(|labels| labels.get(LABEL_STACK))
            .map(String::as_str)
            == Some(scope.stack.as_str());
        let named = name(&summary).is_some_and(|name| scope.adopt.contains(name));
        if ours || named {
            wanted.extend(summary.id.clone());
        }
        if !ours {
            rest.push(summary);
        }
    }
    // Gone between list and inspection is gone.
    let inspected = stream::iter(wanted)
        .map(|id| async move { inspect(docker, &id).await })
        .buffer_unordered(AT_ONCE)
        .try_filter_map(async |container| Ok(container))
        .try_collect()
        .await?;
    Ok(Listed { inspected, rest })
}

/// One container by id or name.
pub(super) async fn inspect(docker: &Docker, id: &str) -> Result<Option<Container>, EngineError> {
    let raw = docker
        .reading(
            &format!("inspect container {id}"),
            present(docker.client.inspect_container(id, None)),
        )
        .await?;
    Ok(raw.and_then(convert::container))
}

async fn images(docker: &Docker, scope: &Scope) -> Result<BTreeMap<String, Image>, EngineError> {
    stream::iter(scope.images.iter().cloned())
        .map(|reference| async move {
            let image = image(docker, &reference).await?;
            Ok(image.map(|image| (reference, image)))
        })
        .buffer_unordered(AT_ONCE)
        .try_filter_map(async |image| Ok(image))
        .try_collect()
        .await
}

/// One image by reference or id.
pub(super) async fn image(docker: &Docker, reference: &str) -> Result<Option<Image>, EngineError> {
    let raw = docker
        .reading(
            &format!("inspect image {reference}"),
            present(docker.client.inspect_image(reference)),
        )
        .await?;
    Ok(raw.map(convert::image))
}

/// 404 → none.
pub(super) async fn present<T>(
    call: impl Future<Output = Result<T, Error>>,
) -> Result<Option<T>, Error> {
    match call.await {
        Ok(value) => Ok(Some(value)),
        Err(Error::DockerResponseServerError {
            status_code: 404, ..
        }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A container's own name: links add further ones, with two slashes.
fn name(summary: &ContainerSummary) -> Option<&str> {
    let names = summary.names.as_deref().unwrap_or_default();
    names
        .iter()
        .filter_map(|name| name.strip_prefix('/').or(Some(name)))
        .find(|name| !name.contains('/'))
}

/// Ports that a container publishes now; the list has one entry for each address family.
fn published(
    ports: Vec<bollard::models::PortSummary>,
    by: &str,
) -> impl Iterator<Item = PublishedPort> {
    ports.into_iter().filter_map(move |port| {
        let word = port.typ.unwrap_or(PortSummaryTypeEnum::TCP).to_string();
        Some(PublishedPort {
            protocol: Protocol::named(&word)?,
            port: port.public_port?,
            bind: convert::address(port.ip.as_deref()),
            by: by.to_owned(),
        })
    })
}

/// Remembers another stack of coasti's.
fn note_stack(seen: &mut Observed, labels: &HashMap<String, String>, scope: &Scope) {
    if let Some(stack) = labels.get(LABEL_STACK)
        && stack != scope.stack.as_str()
    {
        let id = labels.get(LABEL_ID).cloned().unwrap_or_default();
        seen.foreign.stacks.insert((stack.clone(), id));
    }
}
