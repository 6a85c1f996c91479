//! The services that coasti brings: what a provider `module-name: postgres` stands for.
//!
//! One folder each. A service says what its containers are made of and what its data may go through; it
//! knows neither the files nor the engine.

mod mariadb;
mod mongo;
mod postgres;
mod redis;
mod sqlite;
mod version;

pub use version::{Range, Version};

use crate::base::Span;
use crate::model::Health;

/// All services, by name.
pub const SERVICES: &[&dyn Service] = &[
    &mariadb::Mariadb,
    &mongo::Mongo,
    &postgres::Postgres,
    &redis::Redis,
    &sqlite::Sqlite,
];

/// How long a service that holds data may take to stop.
pub const STOP_TIMEOUT: Span = Span::from_secs(60);

/// Commands of images that ask for a password on their standard input where they are given none.
pub const ASKS: &[&[&str]] = &[
    // docker-mailserver's, which nua's app of that name calls.
    &["setup", "email", "add"],
    &["setup", "email", "update"],
];

/// A value that a service gives one of its variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// This text.
    Text(&'static str),
    /// A password of so many characters.
    Password(usize),
    /// A user's name of its own.
    User,
    /// A database's name of its own.
    Database,
    /// A property of its volume of that name.
    OfVolume(&'static str, &'static str),
}

/// What a service is made of.
pub trait Service: Sync {
    /// Its `module-name`, which is also its folder.
    fn name(&self) -> &'static str;

    /// Further names that files use for it.
    fn aliases(&self) -> &'static [&'static str] {
        &[]
    }

    /// Versions that can be asked for, each with its image; none for one that needs no container.
    fn versions(&self) -> &'static [(&'static str, &'static str)];

    /// Variables that it sets, in order.
    fn env(&self) -> &'static [(&'static str, Preset)];

    /// Volumes: name and path.
    fn volumes(&self) -> &'static [(&'static str, &'static str)];

    /// The port it listens on.
    fn port(&self) -> Option<u16>;

    /// How to find out whether it serves. Asks over TCP, because a database's socket answers while it is
    /// still initialising.
    fn health(&self) -> Option<Health>;

    /// Variables that its image reads only when it initialises the volume at [`Service::data`].
    fn init_only(&self) -> &'static [&'static str] {
        &[]
    }

    /// Where its data is.
    fn data(&self) -> Option<&'static str> {
        self.volumes().first().map(|(_, target)| *target)
    }

    /// Further images whose data is of its kind: forks of it, and builds with extensions.
    fn images(&self) -> &'static [&'static str] {
        &[]
    }

    /// The version that an image's tag says, as far as its data goes.
    fn version(&self, tag: &str) -> Option<Version> {
        Version::parse(tag)
    }

    /// Variables in which its images say their version, the most exact first.
    fn version_variables(&self) -> &'static [&'static str] {
        &[]
    }

    /// The part of a version that its data's format follows; none where data can go to any version.
    fn major(&self, version: &Version) -> Option<String>;

    /// Whether its volumes are mounted into the app, and it has no container.
    fn is_volume(&self) -> bool {
        self.versions().is_empty()
    }
}

/// The service of that name.
pub fn find(name: &str) -> Option<&'static dyn Service> {
    SERVICES
        .iter()
        .copied()
        .find(|service| service.name() == name || service.aliases().contains(&name))
}

/// The service that an image is of, told by its name alone (`docker.io/library/postgres:15.1`).
pub fn of_image(reference: &str) -> Option<&'static dyn Service> {
    let path = reference.split('@').next().unwrap_or(reference);
    let last = path.rsplit('/').next().unwrap_or(path);
    find(last.split(':').next().unwrap_or(last))
}

/// The service whose kind of data an image keeps: its own images, its forks, builds with extensions. They
/// start otherwise than the service does, but what is true of its data is true of theirs.
pub fn of_data(reference: &str) -> Option<&'static dyn Service> {
    of_image(reference).or_else(|| {
        let path = reference.split('@').next().unwrap_or(reference);
        let last = path.rsplit('/').next().unwrap_or(path);
        let name = last.split(':').next().unwrap_or(last);
        let mut services = SERVICES.iter().copied();
        services.find(|service| service.images().contains(&name))
    })
}

/// Every name that a file may use.
pub fn names() -> impl Iterator<Item = &'static str> {
    SERVICES.iter().flat_map(|service| {
        std::iter::once(service.name()).chain(service.aliases().iter().copied())
    })
}

/// Whether data of `product` that version `from` wrote may be given to version `to`; why not.
pub fn upgrade(product: &str, from: &str, to: &str) -> Result<(), String> {
    find(product).map_or(Ok(()), |service| version::upgrade(service, from, to))
}

/// The version that a container's or an image's variables say, without what a distribution adds
/// (`1:10.11.2+maria~ubu2204`).
pub fn said_version<'a>(
    service: &dyn Service,
    variable: impl Fn(&str) -> Option<&'a str>,
) -> Option<String> {
    let variables = service.version_variables().iter();
    let text = variables.copied().find_map(variable)?;
    let version = text.split_once(':').map_or(text, |(_, version)| version);
    let end = version.find(|c: char| !c.is_ascii_digit() && c != '.');
    let version = version.get(..end.unwrap_or(version.len()))?;
    service.version(version).map(|_| version.to_owned())
}

/// A check by a shell command, asked often, so that dependants need not wait long.
fn check(command: &str) -> Option<Health> {
    Some(Health {
        test: vec!["CMD-SHELL".into(), command.into()],
        interval: Some(Span::from_secs(2)),
        timeout: Some(Span::from_secs(10)),
        start_period: Some(Span::from_secs(60)),
        retries: Some(15),
        start_interval: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_table_is_the_folder() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/services");
        let folders: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.path().is_dir())
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        let table: BTreeSet<String> = SERVICES.iter().map(|s| s.name().to_owned()).collect();
        assert_eq!(folders, table);
    }

    #[test]
    fn tables_are_sound() {
        for service in SERVICES {
            for (text, image) in service.versions() {
                let version = Version::parse(text).unwrap();
                assert_eq!(Version::of_image(image), Some(version), "{image}");
                assert!(of_image(image).is_some_and(|s| s.name() == service.name()));
            }
            let variables: Vec<_> = service.env().iter().map(|(name, _)| *name).collect();
            for name in service.init_only() {
                assert!(service.data().is_some(), "{name}");
            }
            assert!(!variables.is_empty());
        }
    }

    #[test]
    fn services_are_found_by_name_and_image() {
        assert_eq!(find("redis-cache").map(Service::name), Some("redis"));
        assert!(find("postgress").is_none());
        assert_eq!(
            of_image("docker.io/library/postgres:15.1@sha256:00").map(Service::name),
            Some("postgres")
        );
        assert!(of_image("docker.io/acme/postgres-backup:1").is_none());
        for (image, service) in [
            ("docker.io/library/mysql:8.0", "mariadb"),
            ("docker.io/percona/percona-server:8.0.36", "mariadb"),
            ("docker.io/postgis/postgis:15-3.3", "postgres"),
            ("docker.io/timescale/timescaledb-ha:pg15", "postgres"),
            ("docker.io/pgvector/pgvector:pg16@sha256:00", "postgres"),
            ("docker.io/valkey/valkey:8", "redis"),
        ] {
            assert!(of_image(image).is_none(), "{image}");
            assert_eq!(of_data(image).map(Service::name), Some(service), "{image}");
        }
        assert!(of_data("docker.io/acme/mysql-backup:1").is_none());
    }

    #[test]
    fn versions_are_said_by_variables() {
        for (service, name, text, version) in [
            ("postgres", "PG_VERSION", "15.4-1.pgdg120+1", "15.4"),
            ("postgres", "PG_MAJOR", "15", "15"),
            (
                "mariadb",
                "MARIADB_VERSION",
                "1:10.11.2+maria~ubu2204",
                "10.11.2",
            ),
            ("mariadb", "MYSQL_VERSION", "8.0.35-1.el8", "8.0.35"),
            ("mongo", "MONGO_VERSION", "6.0.4", "6.0.4"),
            ("redis", "REDIS_VERSION", "7.2.4", "7.2.4"),
        ] {
            let service = find(service).unwrap();
            let said = |is: &str| said_version(service, |asked| (asked == is).then_some(text));
            assert_eq!(said(name).as_deref(), Some(version));
            assert_eq!(said("OTHER"), None);
        }
    }

    #[test]
    fn data_is_kept_from_versions_that_cannot_read_it() {
        for (product, from, to, fine) in [
            ("postgres", "14.6", "14.9", true),
            ("postgres", "14.6", "15.1", false),
            ("postgres", "15.1", "14.6", false),
            ("postgres", "15.3", "15.1", false),
            ("mariadb", "10.6", "10.11", false),
            ("mariadb", "10.6.1", "10.6.12", true),
            ("mongo", "5.0.15", "5.0.16", true),
            ("mongo", "5.0.15", "6.0", false),
            ("redis", "6.2", "7.4", true),
            ("redis", "7.4", "6.2", false),
            ("wordpress", "2", "1", true),
            ("postgres", "latest", "15", false),
            ("postgres", "latest", "latest", true),
            ("postgres", "2.14.2-pg15", "2.15.0-pg15", true),
            ("postgres", "2.14.2-pg15", "2.14.2-pg16", false),
            ("postgres", "0.8.0-pg17", "pg16", false),
            ("postgres", "pg16-trixie", "pg16", true),
            ("postgres", "16.2", "pg16", true),
            ("postgres", "15-3.3", "16-3.4", false),
            ("mariadb", "5.7.44", "8.0.36", false),
            ("mariadb", "8.0.35", "8.0.36", true),
        ] {
            let is = upgrade(product, from, to);
            assert_eq!(is.is_ok(), fine, "{product} {from} {to}: {is:?}");
        }
    }
}
