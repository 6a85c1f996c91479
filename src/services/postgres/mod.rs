//! PostgreSQL.

use super::{Preset, Service, Version, check};
use crate::model::Health;

/// See [`Service`].
pub(super) struct Postgres;

impl Service for Postgres {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["postgresql"]
    }

    fn versions(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("11.18", "docker.io/library/postgres:11.18"),
            ("12.13", "docker.io/library/postgres:12.13"),
            ("13.9", "docker.io/library/postgres:13.9"),
            ("14.6", "docker.io/library/postgres:14.6"),
            ("15.1", "docker.io/library/postgres:15.1"),
            ("16.10", "docker.io/library/postgres:16.10"),
            ("17.6", "docker.io/library/postgres:17.6"),
        ]
    }

    fn env(&self) -> &'static [(&'static str, Preset)] {
        &[
            ("POSTGRES_PORT", Preset::Text("5432")),
            ("POSTGRES_PASSWORD", Preset::Password(24)),
            ("POSTGRES_USER", Preset::User),
            ("POSTGRES_DB", Preset::Database),
        ]
    }

    fn volumes(&self) -> &'static [(&'static str, &'static str)] {
        &[("postgres-data", "/var/lib/postgresql/data")]
    }

    fn port(&self) -> Option<u16> {
        Some(5432)
    }

    fn health(&self) -> Option<Health> {
        // The server that runs while the volume is initialised listens on its socket only.
        check(
            "pg_isready -q -h 127.0.0.1 -U \"${POSTGRES_USER:-postgres}\" \
             -d \"${POSTGRES_DB:-${POSTGRES_USER:-postgres}}\"",
        )
    }

    fn init_only(&self) -> &'static [&'static str] {
        &[
            "POSTGRES_PASSWORD",
            "POSTGRES_USER",
            "POSTGRES_DB",
            "POSTGRES_INITDB_ARGS",
            // Where in the volume its files are: elsewhere it finds none and begins anew.
            "PGDATA",
        ]
    }

    fn images(&self) -> &'static [&'static str] {
        &[
            "postgis",
            "timescaledb",
            "timescaledb-ha",
            "pgvector",
            "postgresml",
            "paradedb",
        ]
    }

    /// Builds with extensions have a version of their own, and behind it that of PostgreSQL: `2.14.2-pg15`.
    fn version(&self, tag: &str) -> Option<Version> {
        let behind = tag.split('-').find_map(|part| part.strip_prefix("pg"));
        behind
            .and_then(Version::parse)
            .or_else(|| Version::parse(tag))
    }

    fn version_variables(&self) -> &'static [&'static str] {
        &["PG_VERSION", "PG_MAJOR"]
    }

    fn major(&self, version: &Version) -> Option<String> {
        // Before 10 the second number counted as well; nobody starts those any more.
        Some(version.first(1))
    }
}
