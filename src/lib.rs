//! coasti reconciles a self-hosted stack on Docker with files kept in git.
//!
//! Layers are folders; each imports only those above it in this list:
//!
//! | layer | folder | holds |
//! |---|---|---|
//! | 0 | [`base`], [`diag`] | names, digests, secrets, durations; diagnostics as data |
//! | 1 | [`model`] | the stack: resources, their specs, canonical form |
//! | 2 | [`build`], [`graph`], [`observe`], [`services`] | what building an image takes; ordering; what an engine runs, as data; one folder per service |
//! | 3 | [`config`] | files to stack |
//! | 4 | [`diff`], [`template`] | desired × last applied × observed → changes; a product's template and answers → its files |
//! | 5 | [`plan`] | changes → ordered steps, and their checker |
//! | 6 | [`engine`] | Docker and the simulator behind two traits |
//! | 7 | [`store`] | history, generated values, lock: kept with the engine |
//! | 8 | [`exec`] | runs a plan |
//! | 9 | [`ops`] | what a command does, without a terminal |
//! | 10 | [`cli`] | arguments, rendering, exit codes |
//!
//! Layers 0 to 5 are pure: no IO, no clock, no randomness. `tests/it/layers.rs` guards both rules.

pub mod base;
pub mod build;
pub mod cli;
pub mod config;
pub mod diag;
pub mod diff;
pub mod engine;
pub mod exec;
pub mod graph;
pub mod model;
pub mod observe;
pub mod ops;
pub mod plan;
pub mod services;
pub mod store;
pub mod template;
