//! What a service has of another's container: its mounts, its processes, its memory.

use super::needs::{Condition, Dependency};
use super::service::Service;
use super::tree::{Field, Keys, Str, Val};
use crate::config::codes;
use crate::diag::{Diagnostic, Diagnostics, Place};
use std::collections::BTreeMap;

/// An entry of `volumes_from`.
#[derive(Clone, Debug)]
pub(in crate::config) struct VolumesFrom {
    /// The other service.
    pub service: String,
    /// Whether what it may write can only be read here.
    pub read_only: bool,
    /// Where it stands.
    pub at: Place,
}

/// How another's processes and memory are asked for.
pub(super) const OF_SERVICE: &str = "service:NAME";

/// Processes or memory of another service.
#[derive(Clone, Debug)]
pub(in crate::config) struct Join {
    /// `pid` or `ipc`.
    pub key: &'static str,
    /// The other service.
    pub service: String,
    /// Where it stands.
    pub at: Place,
}

/// Names by its service what is had of a container that is a service's by its `container_name`.
pub(super) fn by_service(services: &mut [Field]) {
    let called = services.iter().filter_map(|service| {
        let name = service.item.get("container_name")?.as_str()?.as_plain()?;
        Some((name.to_owned(), service.key.clone()))
    });
    let called: BTreeMap<String, String> = called.collect();
    for service in services {
        let Val::Map(fields) = &mut service.item.value else {
            continue;
        };
        let modes = ["network_mode", "ipc", "pid"];
        for field in fields
            .iter_mut()
            .filter(|field| modes.contains(&field.key.as_str()))
        {
            let text = field.item.as_str().and_then(Str::as_plain);
            let name = text.and_then(|text| text.strip_prefix("container:"));
            if let Some(service) = name.and_then(|name| called.get(name)) {
                field.item.value = Val::Text(Str::plain(format!("service:{service}")));
            }
        }
    }
}

impl Service {
    /// Whoever has another's processes or memory is made anew with it.
    pub(super) fn joined(&mut self) {
        for Join { service, at, .. } in self.joins.clone() {
            self.has_of(&service, false, &at);
        }
    }

    /// Reads `volumes_from`: the other has to be there first.
    pub(super) fn volumes_from(&mut self, keys: &mut Keys<'_>, d: &mut Diagnostics) {
        for (text, item) in keys.texts("volumes_from", d) {
            let at = item.at.clone();
            let (service, mode) = text.split_once(':').unwrap_or((&text, "rw"));
            if service == "container" {
                let summary = format!("`volumes_from` of `{}` names a container", self.name);
                d.push(
                    Diagnostic::error(codes::COMPOSE_KEY, Some(at), summary)
                        .help("it can name a service of the file")
                        .help("else name each volume under `volumes`, one that is there already with `external: true`"),
                );
                continue;
            }
            if !matches!(mode, "ro" | "rw") {
                d.push(item.bad("`volumes_from`", "`SERVICE`, `SERVICE:ro` or `SERVICE:rw`"));
                continue;
            }
            self.has_of(service, true, &at);
            self.volumes_from.push(VolumesFrom {
                service: service.to_owned(),
                read_only: mode == "ro",
                at,
            });
        }
    }

    /// What is had of another service is needed of it: where that is more than what it keeps, it has to run, and this
    /// one is made anew with it.
    fn has_of(&mut self, service: &str, kept: bool, at: &Place) {
        if let Some(need) = self.needs.iter_mut().find(|need| need.service == service) {
            need.required = true;
            need.restart |= !kept;
            need.kept &= kept;
        } else {
            self.needs.push(Dependency {
                service: service.to_owned(),
                condition: Condition::Started,
                required: true,
                restart: !kept,
                kept,
                at: at.clone(),
            });
        }
    }
}
