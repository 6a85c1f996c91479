//! SQLite: a directory for the app's database files, no container.

use super::{Preset, Service, Version};
use crate::model::Health;

/// See [`Service`].
pub(super) struct Sqlite;

impl Service for Sqlite {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn versions(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn env(&self) -> &'static [(&'static str, Preset)] {
        &[
            ("SQLITE_DIR", Preset::OfVolume("data", "target")),
            ("SQLITE_SOURCE", Preset::OfVolume("data", "full_name")),
            ("SQLITE_DB", Preset::Database),
        ]
    }

    fn volumes(&self) -> &'static [(&'static str, &'static str)] {
        &[("data", "/nua/app/sqlite")]
    }

    fn port(&self) -> Option<u16> {
        None
    }

    fn health(&self) -> Option<Health> {
        None
    }

    fn major(&self, _: &Version) -> Option<String> {
        None
    }
}
