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
                Call::CreateNetwork {
                    subnet: Some(subnet),
                    ..
                } => *subnet = free(context, *subnet).await?,
                _ => return Err(error),
            },
            other => return other,
        }
    }
    engine.execute(&call, limit).await
}

/// The next subnet behind this one that nothing uses, nor this very run is about to.
async fn free<E: Engine>(
    context: &Context<'_, E>,
    mut subnet: Subnet,
) -> Result<Subnet, EngineError> {
    let scope = Scope {
        stack: context.desired.name.clone(),
        images: BTreeSet::new(),
        by_name: BTreeSet::new(),
    };
    let observed = context.engine.observe(&scope).await?;
    let mut taken: Vec<Subnet> = observed.routes;
    taken.extend(
        observed
            .foreign
            .subnets
            .into_iter()
            .map(|(_, subnet)| subnet),
    );
    taken.extend(
        observed
            .networks
            .into_values()
            .flat_map(|network| network.subnets),
    );
    let resources = context.desired.resources.values();
    taken.extend(resources.filter_map(|resource| match &resource.spec {
        Spec::Network(network) => network.subnet,
        _ => None,
    }));
    for _ in 0..4096 {
        subnet = following(subnet);
        if !taken.iter().any(|other| other.overlaps(&subnet)) {
            break;
        }
    }
    Ok(subnet)
}

/// The subnet of the same size right behind this one.
fn following(subnet: Subnet) -> Subnet {
    let std::net::IpAddr::V4(address) = subnet.address else {
        return subnet;
    };
    let size = 1u32
        .checked_shl(32 - u32::from(subnet.prefix.min(32)))
        .unwrap_or(0);
    Subnet {
        address: std::net::IpAddr::V4(u32::from(address).wrapping_add(size).into()),
        ..subnet
    }
}
