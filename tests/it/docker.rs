//! The Docker engine against a real one.

mod archive;
mod attach;
mod calls;
mod look;
mod lost;
mod registry;

use crate::support::engine::{Prefix, TINY};
use coasti::{
    base::{EngineId, Secret},
    engine::{Call, ContainerCreate, Done, Engine, EngineError, docker::Docker},
    model::ContainerSpec,
};
use std::{collections::BTreeMap, time::Duration};

/// Long enough for anything here.
const LIMIT: Duration = Duration::from_secs(60);

async fn run(docker: &Docker, call: Call) -> Result<Done, EngineError> {
    docker.execute(&call, LIMIT).await
}

/// Makes what `spec` says, and a label that finds it.
fn create(prefix: &Prefix, name: &str, spec: ContainerSpec) -> Call {
    let words = |list: &Option<Vec<coasti::model::Text>>| {
        list.as_ref().map(|list| {
            list.iter()
                .map(|text| Secret::new(text.as_plain().unwrap().to_owned()))
                .collect()
        })
    };
    let mut labels = spec.labels.clone();
    labels.insert("coasti.stack".into(), prefix.as_str().into());
    Call::CreateContainer(Box::new(ContainerCreate {
        name: prefix.name(name),
        env: spec
            .env
            .iter()
            .map(|(name, text)| {
                let value = text.as_plain().unwrap().to_owned();
                (name.clone(), Secret::new(value))
            })
            .collect(),
        command: words(&spec.command),
        entrypoint: words(&spec.entrypoint),
        files: None,
        labels,
        spec,
    }))
}

/// A container that runs until it is told not to, and stops at once.
fn sleeper() -> ContainerSpec {
    ContainerSpec {
        image: TINY.into(),
        command: Some(
            ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1; done"]
                .map(coasti::model::Text::plain)
                .into(),
        ),
        live: coasti::model::LiveSpec {
            restart: coasti::model::Restart {
                name: coasti::model::RestartName::No,
                max_retries: 0,
            },
            ..Default::default()
        },
        ..Default::default()
    }
}

fn made(done: Done) -> EngineId {
    match done {
        Done::Made(id) => id,
        other => panic!("nothing was made: {other:?}"),
    }
}

async fn make_network(
    docker: &Docker,
    name: String,
    subnet: Option<&str>,
) -> Result<Done, EngineError> {
    let call = Call::CreateNetwork {
        name,
        labels: BTreeMap::new(),
        spec: coasti::model::NetworkSpec {
            subnet: subnet.map(|text| text.parse().unwrap()),
            ..Default::default()
        },
    };
    run(docker, call).await
}

async fn make_volume(docker: &Docker, name: String) -> EngineId {
    let call = Call::CreateVolume {
        name,
        labels: BTreeMap::new(),
        driver: None,
        options: BTreeMap::new(),
    };
    made(run(docker, call).await.unwrap())
}
