//! A session: one operation that changes something, from lock to record.

use super::error::OpError;
use super::gather::{Gathered, random};
use crate::base::{EngineId, Key, RevisionId, RunId, StackId, StackName, names};
use crate::diff::{Adopted, Wishes};
use crate::engine::{Engine, EngineError, ErrorKind};
use crate::exec::{Event, Events, Failure, Stop, Values};
use crate::store::record::{Head, Outcome, Revision, RunEnd, RunRecord};
use crate::store::{
    Entry, Store, StoreError,
    lock::{self, Holder, Lock, Process, Refused},
};
use std::collections::BTreeSet;
use std::future::Future;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::time::Instant;

/// How long an engine that went away may take to come back before the rest is left to the next command.
pub(super) const ENGINE_PATIENCE: Duration = Duration::from_secs(90);

/// Who works, and how.
#[derive(Clone, Debug)]
pub struct Who {
    /// `user@host`.
    pub actor: String,
    /// The commit of the files, where known.
    pub commit: Option<String>,
    /// How long to wait for somebody else's lock.
    pub lock_wait: Duration,
}

/// A held lock, and what belongs to the run that holds it.
pub struct Session<'a, E> {
    pub(super) engine: &'a E,
    pub(super) stack: &'a StackName,
    pub(super) id: StackId,
    pub(super) run: RunId,
    pub(super) who: &'a Who,
    pub(super) events: &'a Events,
    pub(super) stop: &'a Stop,
    lock: EngineId,
    /// The lock that was taken again after the first one was lost.
    again: OnceLock<EngineId>,
    holder: Holder,
    pub(super) began: Instant,
    pub(super) what: &'static str,
}

/// RFC 3339, UTC, to the second.
pub(super) fn now() -> String {
    jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}

impl<'a, E: Engine> Session<'a, E> {
    /// Takes the lock.
    pub async fn open(
        engine: &'a E,
        stack: &'a StackName,
        id: StackId,
        who: &'a Who,
        what: &'static str,
        events: &'a Events,
        stop: &'a Stop,
    ) -> Result<Self, OpError> {
        let run = RunId::new(crate::base::digest::hex(&random::<8>()?));
        let holder = Holder {
            run: run.clone(),
            actor: who.actor.clone(),
            why: what.to_owned(),
            since: now(),
            process: Process::current(),
        };
        let began = Instant::now();
        let mut told = false;
        let lock = loop {
            match lock::acquire(engine, stack, &id, &holder).await {
                Ok(Lock { id }) => break id,
                Err(Refused::Engine(error)) => return Err(error.into()),
                Err(Refused::Held(other)) => {
                    let left = who.lock_wait.saturating_sub(began.elapsed());
                    if left.is_zero() || stop.is_asked() {
                        return Err(OpError::Locked(other));
                    }
                    if !told {
                        let by = other.map_or_else(
                            || "somebody".to_owned(),
                            |o| format!("{} ({})", o.actor, o.why),
                        );
                        events.send(Event::Waiting {
                            what: format!("the lock, held by {by}"),
                        });
                        told = true;
                    }
                    // The engine tells of a container's end only where it ran: this one never did.
                    tokio::time::sleep(left.min(Duration::from_millis(250))).await;
                }
            }
        };
        let session = Self {
            engine,
            stack,
            id,
            run,
            who,
            events,
            stop,
            lock,
            again: OnceLock::new(),
            holder,
            began: Instant::now(),
            what,
        };
        match session.store().mend(&session.id).await {
            Ok(mended) => {
                if mended {
                    let store = names::store(stack);
                    let what = format!("made the container `{store}` again, which was removed");
                    events.send(Event::Learnt { what });
                }
                Ok(session)
            }
            Err(error) => {
                // What went wrong first is what to tell.
                let _ = session.close().await;
                Err(error.into())
            }
        }
    }

    /// The lock's container.
    pub(super) fn lock(&self) -> &EngineId {
        self.again.get().unwrap_or(&self.lock)
    }

    /// Gives the lock back. That it is gone already is no failure.
    pub async fn close(self) -> Result<(), OpError> {
        let patience = Duration::from_secs(5);
        let release = || lock::release(self.engine, self.lock());
        Ok(self
            .insist(patience, release, EngineError::is_fatal)
            .await?)
    }

    /// Tries until the engine answers, or until `patience` ends. For what may be done twice.
    pub(super) async fn insist<T, F, R>(
        &self,
        patience: Duration,
        mut attempt: impl FnMut() -> R,
        is_away: impl Fn(&F) -> bool,
    ) -> Result<T, F>
    where
        R: Future<Output = Result<T, F>>,
    {
        let deadline = Instant::now() + patience;
        let mut told = false;
        loop {
            match attempt().await {
                Err(error) if is_away(&error) && Instant::now() < deadline => {
                    if !told {
                        self.events.send(Event::Waiting {
                            what: "the engine to come back".to_owned(),
                        });
                        told = true;
                    }
                    // Nothing tells when an engine that is away is back.
                    tokio::time::sleep(Duration::from_millis(250)).await;
                }
                other => return other,
            }
        }
    }

    /// Makes sure that the lock is still this run's. One that was removed is taken again where nobody else
    /// worked meanwhile: `seq` is the last run that this one knows of.
    pub(super) async fn keep_lock(&self, seq: u64) -> Result<(), OpError> {
        let look = || self.engine.inspect(self.lock());
        let held = self.insist(ENGINE_PATIENCE, look, EngineError::is_fatal);
        if held.await?.is_some() {
            return Ok(());
        }
        match lock::acquire(self.engine, self.stack, &self.id, &self.holder).await {
            Ok(Lock { id }) => {
                // A clean-up that took the lock took the store's holder as well.
                self.store().mend(&self.id).await?;
                let now = self.store().peek().await?.head.map_or(0, |head| head.seq);
                if now == seq && self.again.set(id.clone()).is_ok() {
                    return Ok(());
                }
                lock::release(self.engine, &id).await?;
                Err(OpError::usage(
                    "the lock was taken away, and another run worked meanwhile",
                    &["`coasti plan` shows what is left to do"],
                ))
            }
            Err(Refused::Held(other)) => Err(OpError::Locked(other)),
            Err(Refused::Engine(error)) => Err(error.into()),
        }
    }

    /// Writes into the store, which may be done twice.
    async fn write(&self, entries: Vec<Entry>) -> Result<(), OpError> {
        let store = self.store();
        let away = |error: &StoreError| matches!(error, StoreError::Engine(e) if e.is_fatal());
        let write = || store.write(entries.clone());
        match self.insist(ENGINE_PATIENCE, write, away).await {
            Err(StoreError::Engine(error)) if error.kind == ErrorKind::NotFound => {
                // Somebody's clean-up took the holder; the volume is what counts.
                store.mend(&self.id).await?;
                Ok(store.write(entries).await?)
            }
            other => Ok(other?),
        }
    }

    pub(super) fn store(&self) -> Store<'a, E> {
        Store::new(self.engine, self.stack)
    }

    /// Makes the store where there is none, and writes that the run begins: values first, so that nothing
    /// is used before it is kept.
    pub(super) async fn begin(&self, begin: Begin<'_>) -> Result<Head, OpError> {
        self.keep_lock(begin.head.seq).await?;
        if begin.new_store {
            self.store().create(&self.id, begin.key).await?;
        }
        let mut head = begin.head.clone();
        head.seq += 1;
        head.open = Some(head.seq);
        let mut entries = Vec::new();
        if let Some(values) = begin.values {
            entries.push(all_values(&mut head, values));
        }
        if let Some(revision) = begin.revision {
            head.revisions += 1;
            entries.push(Entry::json(format!("revisions/{}", revision.id), revision));
        }
        let revision = begin.revision.map(|revision| revision.id.clone());
        let record = RunRecord {
            adopted: begin.adopted,
            ..self.begun(head.seq, revision, begin.about)
        };
        entries.push(Entry::json(format!("runs/{:08}.begin", head.seq), &record));
        entries.extend(Entry::head(&head));
        self.write(entries).await?;
        Ok(head)
    }

    /// Keeps values, besides any run.
    pub(super) async fn keep_values(&self, head: &Head, values: &Values) -> Result<(), OpError> {
        self.keep_lock(head.seq).await?;
        let mut head = head.clone();
        head.seq += 1;
        let mut entries = vec![all_values(&mut head, values)];
        entries.extend(Entry::head(&head));
        self.write(entries).await
    }

    /// Writes of a run that failed before it touched anything. What was open before stays so.
    pub(super) async fn failed_early(
        &self,
        gathered: &Gathered,
        failure: &Failure,
        wishes: &Wishes,
    ) -> Result<(), OpError> {
        let mut head = gathered.peek.head.clone().unwrap_or_default();
        self.keep_lock(head.seq).await?;
        if gathered.peek.key.is_none() {
            self.store().create(&self.id, &gathered.key).await?;
        }
        head.seq += 1;
        let about = wishes.target.iter().cloned().collect();
        let begun = self.begun(head.seq, None, about);
        let ended = self.ended(Ending {
            outcome: Outcome::Undone,
            summary: failure.summary(),
            logs: failure.output.clone(),
            recovered: None,
        });
        let mut entries = vec![
            Entry::json(format!("runs/{:08}.begin", head.seq), &begun),
            Entry::json(format!("runs/{:08}.end", head.seq), &ended),
        ];
        entries.extend(Entry::head(&head));
        self.write(entries).await
    }

    /// A run's record as it begins.
    fn begun(&self, seq: u64, revision: Option<RevisionId>, about: Vec<String>) -> RunRecord {
        RunRecord {
            id: self.run.clone(),
            seq,
            what: self.what.to_owned(),
            about,
            actor: self.who.actor.clone(),
            commit: self.who.commit.clone(),
            revision,
            adopted: Default::default(),
            began: now(),
            end: None,
        }
    }

    /// How it ended.
    fn ended(&self, ending: Ending) -> RunEnd {
        RunEnd {
            outcome: ending.outcome,
            at: now(),
            took_ms: u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            summary: ending.summary,
            logs: ending.logs,
        }
    }

    /// Writes how the run ended, and where everything stands now.
    pub(super) async fn end(
        &self,
        head: &mut Head,
        outcome: Outcome,
        summary: String,
        logs: Option<String>,
        recovered: Option<u64>,
    ) -> Result<(), OpError> {
        let end = Ending {
            outcome,
            summary,
            logs,
            recovered,
        };
        self.end_with(head, end, Vec::new()).await
    }

    /// Likewise, with what changes at that very moment.
    pub(super) async fn end_with(
        &self,
        head: &mut Head,
        end: Ending,
        mut entries: Vec<Entry>,
    ) -> Result<(), OpError> {
        let (outcome, recovered) = (end.outcome, end.recovered);
        let end = self.ended(end);
        entries.push(Entry::json(format!("runs/{:08}.end", head.seq), &end));
        if let Some(seq) = recovered {
            let summary = format!("cut off; {} by run {}", "finished or undone", head.seq);
            let end = RunEnd {
                outcome: Outcome::Recovered,
                at: now(),
                took_ms: 0,
                summary,
                logs: None,
            };
            entries.push(Entry::json(format!("runs/{seq:08}.recovered"), &end));
        }
        // What is half done stays open, so that `recover` knows of it.
        if outcome != Outcome::NotUndone {
            head.open = None;
        }
        entries.extend(Entry::head(head));
        self.keep_lock(head.seq).await?;
        self.write(entries).await
    }

    /// All runs that the store knows, this one among them.
    pub(super) async fn runs(&self) -> Result<BTreeSet<RunId>, OpError> {
        let runs = self.store().runs().await?.into_iter().map(|run| run.id);
        Ok(runs.chain([self.run.clone()]).collect())
    }

    /// The number of the next revision.
    pub(super) fn next_revision(head: &Head) -> RevisionId {
        RevisionId::new(format!("r{}", head.revisions + 1))
    }
}

/// All values, as a record of their own that `head` names from now on.
fn all_values(head: &mut Head, values: &Values) -> Entry {
    head.values += 1;
    let plain: std::collections::BTreeMap<_, _> = values
        .iter()
        .map(|(id, value)| (id, value.expose()))
        .collect();
    Entry::json(format!("values/{}", head.values), &plain)
}

/// What is written when a run ends.
pub(super) struct Ending {
    /// How.
    pub(super) outcome: Outcome,
    /// One line.
    pub(super) summary: String,
    /// The culprit's last output.
    pub(super) logs: Option<String>,
    /// The run before, that was cut off.
    pub(super) recovered: Option<u64>,
}

/// What is written when a run begins.
pub(super) struct Begin<'a> {
    /// Where everything stood.
    pub(super) head: &'a Head,
    /// Whether there is no store yet.
    pub(super) new_store: bool,
    /// The key of digests.
    pub(super) key: &'a Key,
    /// All values, where some are new.
    pub(super) values: Option<&'a Values>,
    /// The revision that is applied, where it is a new one.
    pub(super) revision: Option<&'a Revision>,
    /// What it is about.
    pub(super) about: Vec<String>,
    /// Containers that it takes over, or that a run before had begun to.
    pub(super) adopted: Vec<Adopted>,
}
