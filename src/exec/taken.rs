//! Names that are taken by what a killed run had asked for: the engine went on with it, and it came to be
//! after this run had looked.

use super::{Context, subnet};
use crate::base::EngineId;
use crate::engine::{Call, Done, Engine, EngineError, ErrorKind, Scope};
use crate::model::ContainerSpec;
use crate::observe::{Container, Owner, Status};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// One call. Where the very thing that is to be made is there already, that is taken.
pub(super) async fn execute<E: Engine>(
    context: &Context<'_, E>,
    call: Call,
    limit: Duration,
) -> Result<Done, EngineError> {
    let wanted = match &call {
        Call::CreateNetwork { name, labels, .. } => Some(Wanted::network(name, labels)),
        Call::CreateContainer(create) => Some(Wanted {
            spec: Some(create.spec.clone()),
            ..Wanted::network(&create.name, &create.labels)
        }),
        // Of a volume that is there the engine says that it was made.
        _ => None,
    };
    match (subnet::execute(context, call, limit).await, wanted) {
        (Err(error), Some(wanted)) if error.kind == ErrorKind::Conflict => {
            let found = wanted.find(context, limit).await?;
            found.map(Done::Made).ok_or(error)
        }
        (result, _) => result,
    }
}

/// What was to be made.
struct Wanted {
    name: String,
    owner: Owner,
    /// For a container.
    spec: Option<ContainerSpec>,
}

impl Wanted {
    fn network(name: &str, labels: &BTreeMap<String, String>) -> Self {
        Self {
            name: name.to_owned(),
            owner: Owner::from_labels(labels),
            spec: None,
        }
    }

    /// The one that is there, where it is what was to be made.
    async fn find<E: Engine>(
        &self,
        context: &Context<'_, E>,
        limit: Duration,
    ) -> Result<Option<EngineId>, EngineError> {
        let engine = context.engine;
        let Some(spec) = &self.spec else {
            let scope = Scope {
                stack: context.desired.name.clone(),
                images: BTreeSet::new(),
                adopt: BTreeSet::new(),
            };
            let mut observed = engine.observe(&scope).await?;
            let network = observed.networks.remove(&self.name);
            return Ok(network
                .filter(|network| self.is(&network.owner))
                .map(|network| network.id));
        };
        let there = engine.inspect(&EngineId::new(self.name.clone())).await?;
        let fresh = |one: &Container| {
            one.name == self.name && one.state.status == Status::Created && !one.state.ever_started
        };
        let Some(there) = there.filter(|one| fresh(one) && self.is(&one.owner)) else {
            return Ok(None);
        };
        // Some engines join networks one by one, after they made the container.
        for (network, attachment) in &spec.live.networks {
            if !there.live.networks.contains_key(network) {
                let call = Call::Connect {
                    container: there.id.clone(),
                    network: network.clone(),
                    attachment: attachment.clone(),
                };
                engine.execute(&call, limit).await?;
            }
        }
        Ok(Some(there.id))
    }

    /// Of this stack, for the same resource, made from the same spec.
    fn is(&self, there: &Owner) -> bool {
        let of = |owner: &Owner| {
            (
                owner.stack.clone(),
                owner.id.clone(),
                owner.resource.clone(),
                owner.spec_hash.clone(),
            )
        };
        there.spec_hash.is_some() && of(there) == of(&self.owner)
    }
}
