//! Tests from outside, one binary. Those that need an engine run where `COASTI_TEST_ENGINE=1`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::exit,
    clippy::print_stderr,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub,
    reason = "a test that fails should say so at once"
)]

mod adopt;
mod compose;
mod conformance;
mod converge;
mod corners;
mod decisions;
mod docker;
mod docs;
mod files;
mod hard;
mod import;
mod init;
mod layers;
mod products;
mod scenarios;
mod secrets;
mod support;
mod undone;
mod values;
