//! Reading and writing the store's volume.

use super::record::{Head, Revision, RunEnd, RunRecord};
use crate::base::{Digest, EngineId, Key, RevisionId, Secret, StackId, StackName, ValueId, names};
use crate::diff::Held;
use crate::engine::{Call, ContainerCreate, Engine, EngineError, ErrorKind, Look, Scope};
use crate::model::{ContainerSpec, Left, LiveSpec, Mount, MountSource, Restart, RestartName};
use crate::observe::{LABEL_ID, LABEL_STACK};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read as _,
    time::Duration,
};

/// The image of containers that never start.
pub(crate) const EMPTY_IMAGE: &str = "coasti.empty:1";
/// Where the volume is mounted in its holder.
const ROOT: &str = "/store";
/// Reads and writes of the store are small.
const LIMIT: Duration = Duration::from_secs(60);

/// Why the store could not be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The engine said no.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Something that must be in it is not, or is damaged.
    #[error("the store `{store}` is damaged: {what}")]
    Damaged {
        /// The holder's name.
        store: String,
        /// What is wrong.
        what: String,
    },
}

/// What two HEAD requests tell.
#[derive(Clone, Debug, Default)]
pub struct Peek {
    /// The key of secret digests; none where there is no store.
    pub key: Option<Key>,
    /// Where everything stands.
    pub head: Option<Head>,
}

/// Something to be written.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A file, by its path in the store, checksummed when written.
    File(String, Secret<Vec<u8>>),
    /// A symbolic link and its target.
    Link(String, String),
}

impl Entry {
    /// A record as a file.
    pub fn json<T: Serialize>(path: impl Into<String>, value: &T) -> Self {
        Self::File(
            path.into(),
            Secret::new(serde_json::to_vec(value).unwrap_or_default()),
        )
    }

    /// The pointers, as a file and as the link.
    pub fn head(head: &Head) -> [Self; 2] {
        let text = head.to_text();
        let file = Self::File(
            format!("heads/{:08}", head.seq),
            Secret::new(text.clone().into_bytes()),
        );
        // The link comes last: until it is replaced, the old state stands.
        [file, Self::Link("head".into(), text)]
    }
}

/// A stack's store on an engine.
#[derive(Debug)]
pub struct Store<'a, L> {
    engine: &'a L,
    stack: &'a StackName,
    name: String,
}

impl<'a, L: Look> Store<'a, L> {
    /// The store of `stack`, whether or not it exists.
    pub fn new(engine: &'a L, stack: &'a StackName) -> Self {
        Self {
            engine,
            stack,
            name: names::store(stack),
        }
    }

    /// Reads key and pointers: two HEAD requests, and a GET only where the pointers' link was lost.
    pub async fn peek(&self) -> Result<Peek, StoreError> {
        let (key, head) = tokio::join!(
            self.engine.link(&self.name, "/store/key"),
            self.engine.link(&self.name, "/store/head"),
        );
        // Docker tells a link's target as a path from the container's root: what was written is its end.
        let end = |target: Option<String>| {
            target.map(|path| path.rsplit('/').next().unwrap_or_default().to_owned())
        };
        let (key, head) = (end(key?), end(head?));
        let key = match key {
            Some(text) => {
                Some(Key::from_text(&text).ok_or_else(|| self.damaged("its key is unreadable"))?)
            }
            None => None,
        };
        let head = match head.as_deref().and_then(Head::from_text) {
            Some(head) => Some(head),
            None if key.is_some() => self.newest_head().await?,
            None => None,
        };
        Ok(Peek { key, head })
    }

    /// The newest pointers that were written whole.
    async fn newest_head(&self) -> Result<Option<Head>, StoreError> {
        let files = self.files("heads").await?;
        Ok(files
            .values()
            .rev()
            .find_map(|bytes| Head::from_text(std::str::from_utf8(bytes.expose()).ok()?)))
    }

    /// Generated values and secrets of the files.
    pub async fn values(
        &self,
        head: &Head,
    ) -> Result<BTreeMap<ValueId, Secret<String>>, StoreError> {
        if head.values == 0 {
            return Ok(BTreeMap::new());
        }
        let values: BTreeMap<ValueId, String> =
            self.record(&format!("values/{}", head.values)).await?;
        Ok(values
            .into_iter()
            .map(|(id, value)| (id, Secret::new(value)))
            .collect())
    }

    /// Decisions that stand.
    pub async fn held(&self, head: &Head) -> Result<Held, StoreError> {
        if head.held == 0 {
            Ok(Held::new())
        } else {
            self.record(&format!("held/{}", head.held)).await
        }
    }

    /// Who wrote to data that runs which were undone left.
    pub async fn left(&self, head: &Head) -> Result<BTreeMap<String, Left>, StoreError> {
        match head.left {
            0 => Ok(BTreeMap::new()),
            left => self.record(&format!("left/{left}")).await,
        }
    }

    /// A revision.
    pub async fn revision(&self, id: &RevisionId) -> Result<Option<Revision>, StoreError> {
        let path = format!("{ROOT}/revisions/{id}");
        match self.engine.read(&self.name, &path).await? {
            Some(tar) => self.only(&tar, &path).map(Some),
            None => Ok(None),
        }
    }

    /// All runs, oldest first; one that began and did not end has no end.
    pub async fn runs(&self) -> Result<Vec<RunRecord>, StoreError> {
        let files = self.files("runs").await?;
        let mut runs: BTreeMap<String, RunRecord> = BTreeMap::new();
        let mut ends: BTreeMap<String, RunEnd> = BTreeMap::new();
        // By name, so `end` comes before `recovered`.
        for (name, bytes) in files {
            let Some((seq, what)) = name.split_once('.') else {
                continue;
            };
            if what == "begin" {
                if let Ok(run) = serde_json::from_slice(bytes.expose()) {
                    runs.insert(seq.to_owned(), run);
                }
            } else if let Ok(end) = serde_json::from_slice::<RunEnd>(bytes.expose()) {
                match ends.get_mut(seq) {
                    // Why it failed, and its culprit's output, stay known.
                    Some(first) => {
                        first.outcome = end.outcome;
                        first.summary = format!("{}; {}", first.summary, end.summary);
                    }
                    None => drop(ends.insert(seq.to_owned(), end)),
                }
            }
        }
        for (seq, end) in ends {
            if let Some(run) = runs.get_mut(&seq) {
                run.end = Some(end);
            }
        }
        Ok(runs.into_values().collect())
    }

    /// Every file of a folder that is whole, by name.
    async fn files(&self, folder: &str) -> Result<BTreeMap<String, Secret<Vec<u8>>>, StoreError> {
        let Some(tar) = self
            .engine
            .read(&self.name, &format!("{ROOT}/{folder}"))
            .await?
        else {
            return Ok(BTreeMap::new());
        };
        Ok(unpack(&tar)
            .into_iter()
            .filter_map(|(name, bytes)| Some((name, Secret::new(verify(&bytes)?))))
            .collect())
    }

    async fn record<T: DeserializeOwned>(&self, path: &str) -> Result<T, StoreError> {
        let full = format!("{ROOT}/{path}");
        let tar = self.engine.read(&self.name, &full).await?;
        self.only(
            &tar.ok_or_else(|| self.damaged(&format!("{path} is missing")))?,
            path,
        )
    }

    fn only<T: DeserializeOwned>(&self, tar: &[u8], path: &str) -> Result<T, StoreError> {
        let bytes = unpack(tar)
            .into_iter()
            .next()
            .and_then(|(_, bytes)| verify(&bytes));
        let bytes = bytes.ok_or_else(|| self.damaged(&format!("{path} is torn")))?;
        serde_json::from_slice(&bytes).map_err(|error| self.damaged(&format!("{path}: {error}")))
    }

    fn damaged(&self, what: &str) -> StoreError {
        StoreError::Damaged {
            store: self.name.clone(),
            what: what.to_owned(),
        }
    }
}

impl<E: Engine> Store<'_, E> {
    /// Makes the store where it is missing, with `key`.
    pub async fn create(&self, id: &StackId, key: &Key) -> Result<(), StoreError> {
        let labels = self.labels(id);
        let volume = Call::CreateVolume {
            name: self.name.clone(),
            labels: labels.clone(),
            driver: None,
            options: BTreeMap::new(),
        };
        self.engine.execute(&volume, LIMIT).await?;
        self.hold(labels).await?;
        self.write(vec![Entry::Link("key".into(), key.to_text())])
            .await
    }

    /// Where the holder was removed and the volume was not, makes a holder for it again. Tells whether it did.
    pub async fn mend(&self, id: &StackId) -> Result<bool, StoreError> {
        let holder = EngineId::new(self.name.clone());
        if self.engine.inspect(&holder).await?.is_some() {
            return Ok(false);
        }
        let scope = Scope {
            stack: self.stack.clone(),
            images: BTreeSet::new(),
            adopt: BTreeSet::new(),
        };
        let observed = self.engine.observe(&scope).await?;
        match observed.volumes.get(&self.name) {
            Some(volume) if volume.owner.id.as_ref() == Some(id) => {
                self.hold(self.labels(id)).await?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn labels(&self, id: &StackId) -> BTreeMap<String, String> {
        BTreeMap::from([
            (LABEL_STACK.to_owned(), self.stack.to_string()),
            (LABEL_ID.to_owned(), id.to_string()),
        ])
    }

    /// Makes the container that holds the volume.
    async fn hold(&self, labels: BTreeMap<String, String>) -> Result<(), StoreError> {
        let mount = Mount::from(MountSource::Volume(EngineId::new(self.name.clone())));
        let spec = ContainerSpec {
            image: EMPTY_IMAGE.to_owned(),
            mounts: BTreeMap::from([(ROOT.to_owned(), mount)]),
            network_mode: crate::model::NetworkMode::None,
            live: LiveSpec {
                restart: Restart {
                    name: RestartName::No,
                    max_retries: 0,
                },
                ..LiveSpec::default()
            },
            ..ContainerSpec::default()
        };
        match never_started(self.engine, &self.name, spec, labels).await {
            Ok(_) => Ok(()),
            // Made by a run that was cut off right here.
            Err(error) if error.kind == ErrorKind::Conflict => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes entries in one call, in their order.
    pub async fn write(&self, entries: Vec<Entry>) -> Result<(), StoreError> {
        let tar = pack(&entries).map_err(|error| self.damaged(&format!("cannot pack: {error}")))?;
        let call = Call::Write {
            container: self.name.clone(),
            path: ROOT.to_owned(),
            tar: Secret::new(tar),
        };
        self.engine.execute(&call, LIMIT).await?;
        Ok(())
    }
}

/// Makes a container that never starts, and its image where that is missing.
pub(crate) async fn never_started<E: Engine>(
    engine: &E,
    name: &str,
    mut spec: ContainerSpec,
    labels: BTreeMap<String, String>,
) -> Result<crate::engine::Done, EngineError> {
    let env = std::mem::take(&mut spec.env);
    let env = env.into_iter().map(|(key, text)| {
        (
            key,
            Secret::new(text.as_plain().unwrap_or_default().to_owned()),
        )
    });
    let create = Call::CreateContainer(Box::new(ContainerCreate {
        name: name.to_owned(),
        spec,
        env: env.collect(),
        // Never run; the engine wants one.
        command: Some(vec![Secret::new("coasti".to_owned())]),
        entrypoint: None,
        files: None,
        labels,
    }));
    match engine.execute(&create, LIMIT).await {
        Err(error) if error.kind == ErrorKind::NotFound => {
            engine
                .execute(
                    &Call::MakeEmptyImage {
                        reference: EMPTY_IMAGE.to_owned(),
                    },
                    LIMIT,
                )
                .await?;
            engine.execute(&create, LIMIT).await
        }
        other => other,
    }
}

/// A digest line, then the bytes.
fn seal(bytes: &[u8]) -> Vec<u8> {
    let mut sealed = Digest::of(bytes).as_str().as_bytes().to_vec();
    sealed.push(b'\n');
    sealed.extend_from_slice(bytes);
    sealed
}

/// The bytes behind a digest line that is right.
fn verify(sealed: &[u8]) -> Option<Vec<u8>> {
    let (digest, bytes) = sealed.split_at_checked(64)?;
    let bytes = bytes.strip_prefix(b"\n")?;
    (Digest::of(bytes).as_str().as_bytes() == digest).then(|| bytes.to_vec())
}

fn pack(entries: &[Entry]) -> std::io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut folders = BTreeSet::new();
    for entry in entries {
        match entry {
            Entry::File(path, bytes) => {
                if let Some((folder, _)) = path.split_once('/')
                    && folders.insert(folder)
                {
                    let mut header = tar::Header::new_gnu();
                    header.set_entry_type(tar::EntryType::Directory);
                    header.set_mode(0o700);
                    header.set_size(0);
                    tar.append_data(&mut header, format!("{folder}/"), std::io::empty())?;
                }
                let bytes = seal(bytes.expose());
                let mut header = tar::Header::new_gnu();
                header.set_mode(0o600);
                header.set_size(bytes.len() as u64);
                tar.append_data(&mut header, path, bytes.as_slice())?;
            }
            Entry::Link(path, target) => {
                let mut header = tar::Header::new_gnu();
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_mode(0o777);
                header.set_size(0);
                // The target is no path to be tidied up; `append_link` would refuse nothing here, but keeps
                // bytes as they are also beyond 100 characters.
                tar.append_link(&mut header, path, target)?;
            }
        }
    }
    tar.into_inner()
}

/// The files of an archive, by their name without folders.
fn unpack(tar: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut archive = tar::Archive::new(tar);
    let Ok(entries) = archive.entries() else {
        return files;
    };
    for mut entry in entries.flatten() {
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let name = entry
            .path()
            .ok()
            .and_then(|path| Some(path.file_name()?.to_str()?.to_owned()));
        let mut bytes = Vec::new();
        if let (Some(name), Ok(_)) = (name, entry.read_to_end(&mut bytes)) {
            files.insert(name, bytes);
        }
    }
    files
}

/// Reads an archive as an engine would give it: a fuzz target.
#[cfg(fuzzing)]
pub fn fuzz_archive(tar: &[u8]) {
    for bytes in unpack(tar).values() {
        let _ = verify(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_survive_and_torn_files_are_known() {
        let long = "x".repeat(300);
        let entries = [
            Entry::File("runs/1.begin".into(), Secret::new(b"hello".to_vec())),
            Entry::Link("head".into(), long.clone()),
        ];
        let tar = pack(&entries).unwrap();
        let files = unpack(&tar);
        let sealed = files.get("1.begin").unwrap();
        assert_eq!(verify(sealed).unwrap(), b"hello");
        assert_eq!(verify(&sealed[..sealed.len() - 1]), None);
        let mut archive = tar::Archive::new(tar.as_slice());
        let link = archive
            .entries()
            .unwrap()
            .filter_map(|e| {
                e.unwrap()
                    .link_name()
                    .unwrap()
                    .map(|l| l.to_string_lossy().into_owned())
            })
            .next();
        assert_eq!(link, Some(long));
    }
}
