//! Whether a container may run beside the one that it replaces.

use crate::base::names;
use crate::diff::Object;
use crate::model::{ContainerSpec, MountSource, NetworkMode, Order, Resource};

/// Why a container of `spec` cannot run beside those that it replaces; none where it can.
///
/// Said after "the old one stops first": "it" is the old one, so that what only the new one has is told as that.
pub(crate) fn forbids_start_first(spec: &ContainerSpec, replaced: &[Object]) -> Option<String> {
    let held = |claim: &str| {
        let mut running = replaced.iter().filter(|object| object.active);
        running.any(|object| object.claims.iter().any(|own| own == claim))
    };
    let who = |claim: String| match held(&claim) {
        true => "it",
        false => "the new one",
    };
    if let Some((port, to)) = spec.published().next() {
        let protocol = port.rsplit('/').next().unwrap_or("tcp");
        let who = who(format!("port {}/{protocol}", to.host));
        return Some(format!("{who} publishes port {} ({port})", to.host));
    }
    match &spec.network_mode {
        NetworkMode::Host => return Some("the new one uses the host's network".into()),
        NetworkMode::Container(name) => {
            return Some(format!("the new one uses the network of {name}"));
        }
        NetworkMode::Own | NetworkMode::None => {}
    }
    if let Some(name) = spec.joined().next() {
        return Some(format!(
            "the new one shares processes or memory with {name}"
        ));
    }
    if spec
        .live
        .networks
        .values()
        .any(|attachment| attachment.fixed().next().is_some())
    {
        return Some("the new one has a fixed address".into());
    }
    let writes = spec.mounts.iter().filter(|(_, mount)| !mount.read_only);
    let writes = writes.filter_map(|(target, mount)| match &mount.source {
        MountSource::Volume(name) => Some((format!("volume {name}"), format!(" ({target})"))),
        MountSource::Directory(path) => Some((format!("directory {path}"), String::new())),
        MountSource::Tmpfs { .. } => None,
    });
    // What both write to is the better reason.
    let writes = writes.min_by_key(|(claim, _)| !held(claim));
    let writes = writes.map(|(claim, target)| {
        let who = who(claim.clone());
        format!("{who} writes to {claim}{target}")
    });
    // One of a run that was cut off has the name that the old one needs to stand aside.
    let crowded = replaced
        .iter()
        .any(|object| object.active && object.name.ends_with(names::PREV));
    if crowded {
        return Some("a run that was cut off left another one running".into());
    }
    // What the old one holds and the new one does not want, somebody else may be waiting for.
    writes.or_else(|| {
        let running = replaced.iter().filter(|object| object.active);
        let claim = running.flat_map(|object| &object.claims).next()?;
        Some(format!("it gives up {claim}"))
    })
}

/// Which of the two runs first when this container is replaced.
pub(crate) fn replace_order(
    resource: &Resource,
    spec: &ContainerSpec,
    replaced: &[Object],
) -> Order {
    let forbidden = forbids_start_first(spec, replaced);
    match (resource.life.update.order, forbidden) {
        (Order::StopFirst, _) | (_, Some(_)) => Order::StopFirst,
        (Order::Auto | Order::StartFirst, None) => Order::StartFirst,
    }
}
