//! From data to text: nothing in here decides, and nothing but [`progress::Progress`] prints.

pub mod diag;
pub mod explain;
pub mod graph;
pub mod history;
pub mod lines;
mod mask;
pub mod plan;
pub mod progress;
pub mod secret;
pub mod status;
pub mod style;

pub use style::Style;

/// A text of the user's with what is secret in it replaced.
pub fn masked(text: &str) -> String {
    mask::Masked::keys(text).text
}
