//! What a service has of another's container: its mounts.

use super::needs::{Condition, Dependency};
use super::service::Service;
use super::tree::Keys;
use crate::config::codes;
use crate::diag::{Diagnostic, Diagnostics, Place};

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

impl Service {
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
            self.has_of(service, false, &at);
            self.volumes_from.push(VolumesFrom {
                service: service.to_owned(),
                read_only: mode == "ro",
                at,
            });
        }
    }

    /// What is had of another service is needed of it.
    fn has_of(&mut self, service: &str, restart: bool, at: &Place) {
        if let Some(need) = self.needs.iter_mut().find(|need| need.service == service) {
            need.required = true;
            need.restart |= restart;
        } else {
            self.needs.push(Dependency {
                service: service.to_owned(),
                condition: Condition::Started,
                required: true,
                restart,
                at: at.clone(),
            });
        }
    }
}
