//! Networks whose subnet somebody else took since it was chosen.

use super::Context;
use crate::engine::{Call, Done, Engine, EngineError, ErrorKind, Scope};
use crate::model::{Spec, Subnet};
use std::collections::BTreeSet;
use std::time::Duration;

/// How many subnets are tried where others take them meanwhile.
const SUBNETS: usize = 16;

/// One call. A network whose subnet another one took meanwhile takes the next that is free.
pub(super) async fn execute<E: Engine>(
    context: &Context<'_, E>,
    mut call: Call,
    limit: Duration,
) -> Result<Done, EngineError> {
    let engine = context.engine;
    for _ in 1..SUBNETS {
        match engine.execute(&call, limit).await {
            Err(error) if error.kind == ErrorKind::PoolOverlap => match &mut call {
                Call::CreateNetwork { spec, .. } => match spec.subnet {
                    // One of the host's own network is not changed for another.
                    Some(subnet) if !spec.is_lan() => {
                        spec.subnet = Some(free(context, subnet).await?);
                    }
                    _ => return Err(error),
                },
                _ => return Err(error),
            },
            other => return other,
        }
    }
    engine.execute(&call, limit).await
}

/// The next subnet of the pool behind this one that nothing uses, nor this very run is about to; then those
/// before it.
async fn free<E: Engine>(context: &Context<'_, E>, subnet: Subnet) -> Result<Subnet, EngineError> {
    let scope = Scope {
        stack: context.desired.name.clone(),
        images: BTreeSet::new(),
        adopt: BTreeSet::new(),
    };
    let observed = context.engine.observe(&scope).await?;
    let mut taken: Vec<Subnet> = context.engine.host().await.routes;
    taken.extend(observed.subnets());
    let resources = context.desired.resources.values();
    taken.extend(resources.filter_map(|resource| match &resource.spec {
        Spec::Network(network) => network.subnet,
        _ => None,
    }));
    let pool = context.desired.pool.unwrap_or(subnet);
    next(pool, subnet, &taken).ok_or_else(|| {
        EngineError::new(
            ErrorKind::PoolOverlap,
            format!("choose a subnet in the place of {subnet}"),
            format!(
                "somebody else took {subnet}, and no other one of {pool} is free: write another pool into the deploy \
                 file, such as `networks: {{pool: 10.128.0.0/14}}`"
            ),
        )
    })
}

fn next(pool: Subnet, subnet: Subnet, taken: &[Subnet]) -> Option<Subnet> {
    let free =
        |one: &Subnet| !one.overlaps(&subnet) && !taken.iter().any(|other| other.overlaps(one));
    let behind = |one: &Subnet| one.address > subnet.address;
    let all = || pool.divide(subnet.prefix);
    let found = all().filter(behind).find(free);
    found.or_else(|| all().find(free))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Subnet {
        text.parse().unwrap()
    }

    #[test]
    fn the_next_one_is_of_the_pool() {
        let pool = at("10.0.0.0/24");
        let of = |subnet: &str, taken: &[&str]| {
            let taken: Vec<_> = taken.iter().map(|one| at(one)).collect();
            next(pool, at(subnet), &taken).map(|one| one.to_string())
        };
        assert_eq!(of("10.0.0.0/26", &[]).as_deref(), Some("10.0.0.64/26"));
        let one = of("10.0.0.64/26", &["10.0.0.128/25"]);
        assert_eq!(one.as_deref(), Some("10.0.0.0/26"));
        // Behind the last comes the first.
        assert_eq!(of("10.0.0.192/26", &[]).as_deref(), Some("10.0.0.0/26"));
        assert_eq!(of("10.0.0.192/26", &["10.0.0.0/24"]), None);
        // Never itself again: somebody has it whom nobody sees.
        assert_eq!(next(at("10.0.0.0/26"), at("10.0.0.0/26"), &[]), None);
    }
}
