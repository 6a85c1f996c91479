//! MongoDB.

use super::{Preset, Service, Version, check};
use crate::model::Health;

/// See [`Service`].
pub(super) struct Mongo;

impl Service for Mongo {
    fn name(&self) -> &'static str {
        "mongo"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["mongodb"]
    }

    fn versions(&self) -> &'static [(&'static str, &'static str)] {
        &[("5.0.15", "docker.io/library/mongo:5.0.15")]
    }

    fn env(&self) -> &'static [(&'static str, Preset)] {
        &[
            ("MONGO_PORT", Preset::Text("27017")),
            ("MONGO_INITDB_ROOT_USERNAME", Preset::User),
            ("MONGO_INITDB_ROOT_PASSWORD", Preset::Password(24)),
        ]
    }

    fn volumes(&self) -> &'static [(&'static str, &'static str)] {
        &[("mongo-data", "/data/db")]
    }

    fn port(&self) -> Option<u16> {
        Some(27017)
    }

    fn health(&self) -> Option<Health> {
        // The server that runs while the volume is initialised listens on 127.0.0.1 only: so ask at the
        // container's own address. `ping` needs no account.
        check(
            "\"$(command -v mongosh || command -v mongo)\" --quiet --host \"$(hostname)\" \
             --eval 'quit(db.runCommand({ping: 1}).ok ? 0 : 1)'",
        )
    }

    fn init_only(&self) -> &'static [&'static str] {
        &[
            "MONGO_INITDB_ROOT_USERNAME",
            "MONGO_INITDB_ROOT_PASSWORD",
            "MONGO_INITDB_DATABASE",
        ]
    }

    fn images(&self) -> &'static [&'static str] {
        &["mongodb-community-server", "percona-server-mongodb"]
    }

    fn version_variables(&self) -> &'static [&'static str] {
        &["MONGO_VERSION", "MONGO_MAJOR"]
    }

    fn major(&self, version: &Version) -> Option<String> {
        Some(version.first(2))
    }
}
