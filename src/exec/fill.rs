//! Putting files into a volume: through a container that never starts, which goes again.

use crate::base::{EngineId, Secret};
use crate::engine::{Call, Engine, EngineError, ErrorKind};
use crate::model::{
    ContainerSpec, LiveSpec, Mount, MountSource, NetworkMode, Restart, RestartName,
};
use crate::observe::{LABEL_ID, LABEL_RUN, LABEL_STACK, Stamp};
use crate::store;
use std::{collections::BTreeMap, time::Duration};

/// Where the volume is mounted meanwhile.
const ROOT: &str = "/files";

/// How long one call may take.
const LIMIT: Duration = Duration::from_secs(120);

/// Puts an archive of files into the volume `name`.
pub(super) async fn fill<E: Engine>(
    engine: &E,
    stamp: &Stamp,
    name: &str,
    tar: Secret<Vec<u8>>,
) -> Result<(), EngineError> {
    let helper = format!("{name}.fill");
    let id = EngineId::new(helper.clone());
    let spec = ContainerSpec {
        image: store::EMPTY_IMAGE.to_owned(),
        mounts: BTreeMap::from([(
            ROOT.to_owned(),
            Mount {
                source: MountSource::Volume(EngineId::new(name)),
                read_only: false,
            },
        )]),
        network_mode: NetworkMode::None,
        live: LiveSpec {
            restart: Restart {
                name: RestartName::No,
                max_retries: 0,
            },
            ..LiveSpec::default()
        },
        ..ContainerSpec::default()
    };
    let labels = BTreeMap::from([
        (LABEL_STACK.to_owned(), stamp.stack.to_string()),
        (LABEL_ID.to_owned(), stamp.id.to_string()),
        (LABEL_RUN.to_owned(), stamp.run.to_string()),
    ]);
    let make = || store::never_started(engine, &helper, spec.clone(), labels.clone());
    match make().await {
        // Left by a run that was cut off.
        Err(error) if error.kind == ErrorKind::Conflict => {
            engine
                .execute(&Call::RemoveContainer { id: id.clone() }, LIMIT)
                .await?;
            make().await?;
        }
        other => drop(other?),
    }
    let write = Call::Write {
        container: helper.clone(),
        path: ROOT.to_owned(),
        tar,
    };
    let written = engine.execute(&write, LIMIT).await;
    let removed = engine.execute(&Call::RemoveContainer { id }, LIMIT).await;
    // Why the files are not there matters more than that the helper is.
    written?;
    removed.map(drop)
}
