//! MariaDB.

use super::{Preset, Service, Version, check};
use crate::model::Health;

/// See [`Service`].
pub(super) struct Mariadb;

impl Service for Mariadb {
    fn name(&self) -> &'static str {
        "mariadb"
    }

    fn versions(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("10.3", "docker.io/library/mariadb:10.3"),
            ("10.4", "docker.io/library/mariadb:10.4"),
            ("10.5", "docker.io/library/mariadb:10.5"),
            ("10.6", "docker.io/library/mariadb:10.6"),
            ("10.7", "docker.io/library/mariadb:10.7"),
            ("10.8", "docker.io/library/mariadb:10.8"),
            ("10.9", "docker.io/library/mariadb:10.9"),
            ("10.10", "docker.io/library/mariadb:10.10"),
            ("10.11", "docker.io/library/mariadb:10.11"),
            ("11.4", "docker.io/library/mariadb:11.4"),
        ]
    }

    fn env(&self) -> &'static [(&'static str, Preset)] {
        &[
            ("MARIADB_PORT", Preset::Text("3306")),
            ("MARIADB_ROOT_PASSWORD", Preset::Password(24)),
            ("MARIADB_USER", Preset::User),
            ("MARIADB_PASSWORD", Preset::Password(24)),
            ("MARIADB_DATABASE", Preset::Database),
        ]
    }

    fn volumes(&self) -> &'static [(&'static str, &'static str)] {
        &[("mariadb-data", "/var/lib/mysql")]
    }

    fn port(&self) -> Option<u16> {
        Some(3306)
    }

    fn health(&self) -> Option<Health> {
        // The server that runs while the volume is initialised has no network. `ping` succeeds also where
        // the password was changed by hand; the password goes by the environment, not by an argument.
        check(
            "MYSQL_PWD=\"${MARIADB_ROOT_PASSWORD:-$MYSQL_ROOT_PASSWORD}\" \
             \"$(command -v mariadb-admin || command -v mysqladmin)\" \
             ping --silent --protocol=tcp -h 127.0.0.1 -u root",
        )
    }

    fn init_only(&self) -> &'static [&'static str] {
        &[
            "MARIADB_ROOT_PASSWORD",
            "MARIADB_USER",
            "MARIADB_PASSWORD",
            "MARIADB_DATABASE",
            "MYSQL_ROOT_PASSWORD",
            "MYSQL_USER",
            "MYSQL_PASSWORD",
            "MYSQL_DATABASE",
        ]
    }

    fn images(&self) -> &'static [&'static str] {
        &["mysql", "mysql-server", "percona", "percona-server"]
    }

    fn version_variables(&self) -> &'static [&'static str] {
        &["MARIADB_VERSION", "MYSQL_VERSION", "MYSQL_MAJOR"]
    }

    fn major(&self, version: &Version) -> Option<String> {
        Some(version.first(2))
    }
}
