//! Runs a plan.

mod event;

pub use event::{Event, Events};
