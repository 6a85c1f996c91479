//! Names, digests, secrets and sizes: the vocabulary that every layer shares.

pub mod digest;
pub mod duration;
pub mod ids;
pub mod names;
pub mod secret;
pub mod size;
pub mod words;

pub use digest::{Digest, Key};
pub use duration::Span;
pub use ids::{EngineId, Kind, ResourceId, RevisionId, RunId, StackId, StackName, ValueId};
pub use secret::Secret;
