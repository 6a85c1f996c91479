//! History, generated values and the lock: kept with the engine, not with the caller.
//!
//! The store is a volume, held by a container that never starts, written through the engine's archive call:
//!
//! ```text
//! /store/key               → the key of secret digests     (a symbolic link: read by one HEAD request)
//! /store/head              → where everything stands       (likewise; see `record::Head`)
//! /store/heads/SEQ         the same as a file, should the link be lost
//! /store/revisions/rN      sealed stacks
//! /store/runs/SEQ.begin    one file when a run begins
//! /store/runs/SEQ.end      one when it ends
//! /store/runs/SEQ.recovered  one when a later run finished or undid it
//! /store/values/N          generated values and secrets of the files, 0600
//! /store/held/N            labels that the user stopped, paused or removed
//! ```
//!
//! Files are never changed: a record is a new file, whose first line is the digest of the rest, so that a
//! torn one is known and skipped. The lock is another container that never starts: its name exists once.

pub mod lock;
pub mod record;
mod volume;

#[cfg(fuzzing)]
pub use volume::fuzz_archive;
pub(crate) use volume::{EMPTY_IMAGE, never_started};
pub use volume::{Entry, Peek, Store, StoreError};
