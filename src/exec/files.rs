//! Filling the volume of a container's files, and removing it.
//!
//! Archives reach a volume only through a container that mounts it, so one that never starts is made for the
//! moment. Where a run is cut off in between, whoever fills or removes the volume next removes that as well.

use super::Context;
use crate::base::{EngineId, Secret, names};
use crate::engine::{Call, Engine, EngineError};
use crate::model::{
    ContainerSpec, File, LiveSpec, Mount, MountSource, NetworkMode, Restart, RestartName,
};
use crate::observe::{LABEL_ID, LABEL_STACK};
use crate::store::never_started;
use std::collections::BTreeMap;
use std::time::Duration;

/// These calls are small.
const LIMIT: Duration = Duration::from_secs(60);
/// Where the volume is mounted while it is filled.
const ROOT: &str = "/files";

/// A volume, and what is to be in it.
pub(super) struct Filling {
    pub(super) volume: String,
    pub(super) labels: BTreeMap<String, String>,
    /// Name in the volume, how, and what.
    pub(super) files: Vec<(String, File, Secret<String>)>,
}

impl Filling {
    /// Makes the volume where it is not there, and writes all files. That they are there already is no harm:
    /// a volume of that name has that very content.
    pub(super) async fn fill<E: Engine>(
        &self,
        context: &Context<'_, E>,
    ) -> Result<(), EngineError> {
        let engine = context.engine;
        let make = Call::CreateVolume {
            name: self.volume.clone(),
            labels: self.labels.clone(),
            driver: None,
            options: BTreeMap::new(),
        };
        engine.execute(&make, LIMIT).await?;
        let holder = names::holder(&self.volume);
        let remove = Call::RemoveContainer {
            id: EngineId::new(holder.clone()),
        };
        engine.execute(&remove, LIMIT).await?;
        let mount = Mount::from(MountSource::Volume(EngineId::new(self.volume.clone())));
        let spec = ContainerSpec {
            image: crate::store::EMPTY_IMAGE.to_owned(),
            mounts: [(ROOT.to_owned(), mount)].into(),
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
        let labels = [LABEL_STACK, LABEL_ID].into_iter().filter_map(|label| {
            let value = self.labels.get(label)?;
            Some((label.to_owned(), value.clone()))
        });
        never_started(engine, &holder, spec, labels.collect()).await?;
        let tar = self.pack().map_err(|error| {
            let kind = crate::engine::ErrorKind::Rejected;
            EngineError::new(kind, "pack files", error.to_string())
        })?;
        let write = Call::Write {
            container: holder,
            path: ROOT.to_owned(),
            tar: Secret::new(tar),
        };
        engine.execute(&write, LIMIT).await?;
        engine.execute(&remove, LIMIT).await?;
        Ok(())
    }

    fn pack(&self) -> std::io::Result<Vec<u8>> {
        let mut tar = tar::Builder::new(Vec::new());
        for (name, file, content) in &self.files {
            let content = content.expose().as_bytes();
            let mut header = tar::Header::new_gnu();
            header.set_mode(file.mode);
            header.set_uid(u64::from(file.uid));
            header.set_gid(u64::from(file.gid));
            header.set_size(content.len() as u64);
            tar.append_data(&mut header, name, content)?;
        }
        tar.into_inner()
    }
}

/// Removes a volume of files, with what a run that was cut off may have left to fill it.
pub(super) async fn drop<E: Engine>(
    context: &Context<'_, E>,
    volume: EngineId,
) -> Result<(), EngineError> {
    let holder = EngineId::new(names::holder(volume.as_str()));
    let engine = context.engine;
    engine
        .execute(&Call::RemoveContainer { id: holder }, LIMIT)
        .await?;
    engine
        .execute(&Call::RemoveVolume { name: volume }, LIMIT)
        .await?;
    Ok(())
}
