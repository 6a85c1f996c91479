//! What sites must not do to each other.

use super::container::reference;
use super::{Draft, codes};
use crate::config::deploy::Site;
use crate::diag::{Diagnostic, Diagnostics, Place};
use crate::model::{MountSource, NetworkMode, Order, overlap};
use crate::services;
use std::collections::BTreeMap;

/// Checks labels and domains; the sites whose label is theirs alone come back.
pub(super) fn sites<'a>(all: &'a [Site], d: &mut Diagnostics) -> Vec<&'a Site> {
    let mut labels: BTreeMap<&str, &Site> = BTreeMap::new();
    let mut domains: BTreeMap<&str, &Site> = BTreeMap::new();
    let mut hosts: BTreeMap<&str, (&Site, bool)> = BTreeMap::new();
    let mut kept = Vec::new();
    for site in all {
        let label = site.label.value.as_str();
        if let Some(first) = labels.get(label) {
            d.push(both(
                Diagnostic::error(
                    codes::DUPLICATE_LABEL,
                    site.label.at.clone(),
                    format!("two sites have the label `{label}`"),
                ),
                first.label.at.clone(),
            ));
            continue;
        }
        labels.insert(label, site);
        kept.push(site);
        let Some(domain) = &site.domain else { continue };
        if let Some(first) = domains.get(domain.value.as_str()) {
            let first_label = &first.label.value;
            d.push(both(
                Diagnostic::error(
                    codes::DUPLICATE_DOMAIN,
                    domain.at.clone(),
                    format!(
                        "`{}` is the domain of `{first_label}` and of `{label}`",
                        domain.value
                    ),
                ),
                first.domain.as_ref().and_then(|domain| domain.at.clone()),
            ));
            continue;
        }
        domains.insert(&domain.value, site);
        let (host, located) = match domain.value.split_once('/') {
            Some((host, _)) => (host, true),
            None => (domain.value.as_str(), false),
        };
        match hosts.get(host) {
            Some((first, other)) if *other != located => {
                let first_label = &first.label.value;
                let (root, path) = if located {
                    (first_label.as_str(), label)
                } else {
                    (label, first_label.as_str())
                };
                d.push(both(
                    Diagnostic::error(
                        codes::MIXED_DOMAIN,
                        domain.at.clone(),
                        format!("`{host}` has `{root}` at its root and `{path}` at a path"),
                    )
                    .help("give each site a path, or another host"),
                    first.domain.as_ref().and_then(|domain| domain.at.clone()),
                ));
            }
            Some(_) => {}
            None => drop(hosts.insert(host, (site, located))),
        }
    }
    for site in &kept {
        let Some(was) = &site.was else { continue };
        if let Some(other) = labels.get(was.value.as_str()) {
            let summary = if other.label.value == site.label.value {
                format!("`{}` cannot have been itself", was.value)
            } else {
                format!("`{}` is the label of another site", was.value)
            };
            d.push(both(
                Diagnostic::error(codes::BAD_WAS, was.at.clone(), summary)
                    .help("`was` says which label this site had before"),
                other.label.at.clone(),
            ));
        }
    }
    kept
}

fn both(error: Diagnostic, first: Option<Place>) -> Diagnostic {
    let error = error.label("the second");
    match first {
        Some(place) => error.related(place, "the first"),
        None => error,
    }
}

/// Names that are made of different parts may still be equal: `a-b` + `c` and `a` + `b-c`.
pub(super) fn names(draft: &Draft, d: &mut Diagnostics) {
    let containers = draft
        .containers
        .iter()
        .map(|one| (one.name.as_str(), format!("`{}`", one.id.address), &one.at));
    clashes("container", containers, d);
    let volumes = draft
        .volumes
        .values()
        .filter(|volume| !volume.spec.external)
        .map(|volume| (volume.name.as_str(), volume.what.clone(), &volume.at));
    clashes("volume", volumes, d);
}

fn clashes<'a>(
    kind: &str,
    all: impl Iterator<Item = (&'a str, String, &'a Place)>,
    d: &mut Diagnostics,
) {
    let mut seen: BTreeMap<&str, (String, &Place)> = BTreeMap::new();
    for (name, what, at) in all {
        if let Some((other, place)) = seen.get(name) {
            d.push(
                Diagnostic::error(
                    codes::NAME_CLASH,
                    Some(at.clone()),
                    format!("{other} and {what} would be one {kind}, `{name}`"),
                )
                .label("the second")
                .related((*place).clone(), "the first")
                .help("rename one of them"),
            );
        } else {
            seen.insert(name, (what, at));
        }
    }
}

/// Ports that two containers want.
pub(super) fn ports(draft: &Draft, d: &mut Diagnostics) {
    let mut seen: Vec<(&super::Container, &super::Port, u16)> = Vec::new();
    for container in &draft.containers {
        for port in &container.ports {
            let Some(host) = port.host else { continue };
            let taken = seen.iter().find(|(_, other, number)| {
                *number == host && other.protocol == port.protocol && overlap(other.bind, port.bind)
            });
            if let Some((other, first, _)) = taken {
                d.push(both(
                    Diagnostic::error(
                        codes::PORT_TWICE,
                        Some(port.at.clone()),
                        match other.id == container.id {
                            true => format!(
                                "the host's port {host}/{} is wanted twice by `{}`",
                                port.protocol.word(),
                                container.id.address
                            ),
                            false => format!(
                                "the host's port {host}/{} is wanted by `{}` and `{}`",
                                port.protocol.word(),
                                other.id.address,
                                container.id.address
                            ),
                        },
                    )
                    .help("`host: auto` takes the next free one"),
                    Some(first.at.clone()),
                ));
                continue;
            }
            seen.push((container, port, host));
        }
    }
}

/// Where data is: the volume, or the directory, also where a volume's options say which one it stands for.
fn place(draft: &Draft, source: &MountSource) -> Option<String> {
    let data = source.data()?;
    let stands_for = || {
        let mut volumes = draft.volumes.values();
        let options = &volumes.find(|volume| volume.name == data)?.spec.options;
        let is_bind = options
            .get("o")?
            .as_plain()?
            .split(',')
            .any(|o| o.ends_with("bind"));
        let device = options.get("device")?.as_plain()?;
        is_bind.then(|| MountSource::directory(device))
    };
    let place = matches!(source, MountSource::Volume(_)).then(stands_for);
    match place.flatten() {
        Some(MountSource::Directory(path)) => Some(path),
        _ => Some(data.to_owned()),
    }
}

/// Volumes and directories that several containers write to.
pub(super) fn shared(draft: &Draft, d: &mut Diagnostics) {
    /// Who writes, to what of its own, and where that stands.
    struct Writer<'a> {
        of: &'a super::Container,
        database: Option<&'static str>,
        at: Option<&'a Place>,
    }
    let mut writers: BTreeMap<String, Vec<Writer<'_>>> = BTreeMap::new();
    for of in &draft.containers {
        // A job with a database's image saves or mends its files; that it is no server is its author's word.
        let service = services::find(&of.about.product)
            .or_else(|| services::of_data(reference(&of.image)))
            .filter(|_| !of.about.job);
        for (target, mount) in of.spec.mounts.iter().filter(|(_, mount)| !mount.read_only) {
            let Some(what) = place(draft, &mount.source) else {
                continue;
            };
            let data = service.filter(|service| service.data() == Some(target.as_str()));
            writers.entry(what).or_default().push(Writer {
                of,
                database: data.map(|service| service.name()),
                at: of.origins.get(&format!("mounts.{target}")),
            });
        }
    }
    let external = |name: &str| {
        let mut volumes = draft.volumes.values();
        volumes.any(|volume| volume.name == name && volume.spec.external)
    };
    for (what, writers) in &writers {
        let mut databases = writers.iter().filter(|writer| writer.database.is_some());
        let pair = |first: &Writer<'_>, second: &Writer<'_>, how: &str| {
            let (one, other) = (&first.of.id.address, &second.of.id.address);
            format!("`{one}` and `{other}` {how} `{what}`")
        };
        let place = |writer: &Writer<'_>| Some(writer.at.unwrap_or(&writer.of.at).clone());
        if let (Some(first), Some(second)) = (databases.next(), databases.next()) {
            let summary = pair(first, second, "would both be servers of the data in");
            let error = Diagnostic::error(codes::TWO_DATABASES, place(second), summary);
            let error =
                error.help("two servers on one database's files destroy them: give each its own");
            d.push(both(error, place(first)));
            continue;
        }
        let Some(first) = writers.first().filter(|_| external(what)) else {
            continue;
        };
        // What one product's containers share, its authors meant.
        let second = writers
            .iter()
            .find(|writer| writer.of.id.label() != first.of.id.label());
        if let Some(second) = second {
            let summary = pair(first, second, "both write to the external volume");
            let warning = Diagnostic::warning(codes::SHARED, place(second), summary)
                .help("where one of them only reads: `read-only: true`");
            d.push(both(warning, place(first)));
        }
    }
}

/// Why two containers of one app cannot run at once.
pub(in crate::config) fn forbids_overlap(container: &super::Container) -> Option<&'static str> {
    match container.spec.network_mode {
        NetworkMode::Host => return Some("it uses the host's network"),
        NetworkMode::Container(_) => return Some("it uses another's network"),
        NetworkMode::Own | NetworkMode::None => {}
    }
    if container.spec.joined().next().is_some() {
        return Some("it shares another's processes or memory");
    }
    if !container.ports.is_empty() {
        return Some("it publishes a port");
    }
    if container
        .spec
        .live
        .networks
        .values()
        .any(|joined| joined.fixed().next().is_some())
    {
        return Some("it has a fixed address");
    }
    let writable = container
        .spec
        .mounts
        .values()
        .any(|mount| !mount.read_only && !matches!(mount.source, MountSource::Tmpfs { .. }));
    writable.then_some("it writes to a volume or directory")
}

/// Refuses `start-first` where it cannot be.
pub(super) fn start_first(draft: &Draft, d: &mut Diagnostics) {
    for container in &draft.containers {
        if container.life.update.order == Order::StartFirst
            && let Some(why) = forbids_overlap(container)
        {
            d.push(refused(container, why));
        }
    }
}

/// The error for that.
pub(in crate::config) fn refused(container: &super::Container, why: &str) -> Diagnostic {
    let at = container.order_at.clone().or(Some(container.at.clone()));
    let summary = format!("`{}` cannot be updated start-first", container.id.address);
    Diagnostic::error(codes::START_FIRST, at, summary)
        .label(why)
        .help("leave `order` out, or write `stop-first`")
}
