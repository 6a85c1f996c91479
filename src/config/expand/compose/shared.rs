//! What a service has of the containers of others.

use super::service::Cx;
use crate::base::{ResourceId, names};
use crate::config::codes;
use crate::config::compose::{Join, Service};
use crate::config::expand::{Container, Draft, Taken};
use crate::diag::{Diagnostic, Diagnostics, Place};
use crate::model::OF_CONTAINER;

impl Cx<'_> {
    /// The container of another service that `key` of `service` is about: its first.
    pub(super) fn of(
        &self,
        service: &Service,
        key: &str,
        other: &str,
        at: &Place,
        d: &mut Diagnostics,
    ) -> Option<ResourceId> {
        let first = self.ids(other).into_iter().next();
        if first.is_none() {
            let summary = format!(
                "`{key}` of `{}` names `{other}`, of which none runs",
                service.name
            );
            let error = Diagnostic::error(codes::COMPOSE_KEY, Some(at.clone()), summary);
            d.push(error.label("its `scale`, or `replicas`, is 0"));
        }
        first
    }

    /// Whose processes and memory it has.
    pub(super) fn joined(
        &self,
        draft: &Draft,
        container: &mut Container,
        service: &Service,
        d: &mut Diagnostics,
    ) {
        for Join {
            key,
            service: other,
            at,
        } in &service.joins
        {
            let Some(id) = self.of(service, key, other, at, d) else {
                continue;
            };
            let spec = &mut container.spec;
            let name = names::object(&draft.stack, &id.address);
            let mode = Some(format!("{OF_CONTAINER}{name}"));
            if *key == "pid" {
                spec.pid = mode;
                continue;
            }
            spec.ipc = mode;
            let giver = self.services.iter().find(|one| one.name == *other);
            if giver.is_some_and(|giver| !gives_memory(giver)) {
                let summary = format!("`ipc` of `{}`: `{other}` shares no memory", service.name);
                d.push(
                    Diagnostic::error(codes::COMPOSE_KEY, Some(at.clone()), summary)
                        .help(format!("`ipc: shareable` of `{other}` lets it")),
                );
            }
        }
    }

    /// From whom it takes mounts.
    pub(super) fn taken(&self, container: &mut Container, service: &Service, d: &mut Diagnostics) {
        for from in &service.volumes_from {
            let other = &from.service;
            let Some(id) = self.of(service, "volumes_from", other, &from.at, d) else {
                continue;
            };
            container.taken.push(Taken {
                from: id,
                read_only: from.read_only,
                at: from.at.clone(),
            });
            let delivered = self.services.iter().find(|one| one.name == *other);
            if delivered.is_some_and(|other| !other.files.is_empty()) {
                let summary = format!(
                    "`volumes_from` of `{}` takes no secrets and configs of `{other}`",
                    service.name
                );
                d.push(
                    Diagnostic::warning(codes::IGNORED, Some(from.at.clone()), summary)
                        .help("name those that it needs under its own `secrets` and `configs`"),
                );
            }
        }
    }
}

/// Whether others may have the memory of a service: an engine's containers keep theirs to themselves.
fn gives_memory(service: &Service) -> bool {
    let said = matches!(service.spec.ipc.as_deref(), Some("shareable" | "host"));
    said || service.joins.iter().any(|join| join.key == "ipc")
}
