//! Redis, as a cache: it has no volume but what its image declares.

use super::{Preset, Service, Version, check};
use crate::model::Health;

/// See [`Service`].
pub(super) struct Redis;

impl Service for Redis {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["redis-cache"]
    }

    fn versions(&self) -> &'static [(&'static str, &'static str)] {
        // nua has `amd64/redis`; these are the same images there and run elsewhere as well.
        &[
            ("6.0.17", "docker.io/library/redis:6.0.17"),
            ("6.2.10", "docker.io/library/redis:6.2.10"),
            ("7.0.8", "docker.io/library/redis:7.0.8"),
            ("7.2", "docker.io/library/redis:7.2"),
            ("7.4", "docker.io/library/redis:7.4"),
        ]
    }

    fn env(&self) -> &'static [(&'static str, Preset)] {
        &[("REDIS_PORT", Preset::Text("6379"))]
    }

    fn volumes(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn port(&self) -> Option<u16> {
        Some(6379)
    }

    fn health(&self) -> Option<Health> {
        // `NOAUTH` is an answer as well: one who sets a password must not get a sick container.
        check("redis-cli -h 127.0.0.1 ping | grep -Eq 'PONG|NOAUTH'")
    }

    fn images(&self) -> &'static [&'static str] {
        &["valkey", "redis-stack", "redis-stack-server"]
    }

    fn version_variables(&self) -> &'static [&'static str] {
        &["REDIS_VERSION"]
    }

    fn major(&self, _: &Version) -> Option<String> {
        None
    }
}
