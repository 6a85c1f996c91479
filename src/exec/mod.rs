//! Runs a plan: walks its graph, as parallel as it allows, and decides nothing.
//!
//! One loop owns everything: it launches what is ready, in order of step number, and takes results as they
//! come. After the first failure nothing more is launched, and what is under way ends: a call that is torn
//! off has an effect that nobody knows. Only a build is given up where the user asks for an end.

mod bind;
mod blame;
mod event;
mod failure;
mod files;
mod mask;
mod run;
mod subnet;
mod taken;
mod wait;
mod words;

pub use bind::Values;
pub use event::{Event, Events, VERIFIED};
pub use failure::Failure;
pub use mask::mask;
pub use run::{Context, Made, Stop, run};
pub use words::leads_on;

/// How many engine calls are under way at once. Docker is bound by the machine's processors: on two, more
/// than 16 starts at once get slower each (see docs/src/benchmarks.md).
pub const PARALLEL: usize = 8;
