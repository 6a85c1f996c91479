//! What tests share.

pub mod arguments;
pub mod docker;
pub mod engine;
pub mod home;
pub mod http;
pub mod lab;
pub mod proxy;
pub mod recorder;
pub mod scratch;
pub mod second;
pub mod sshd;
pub mod stack;
pub mod stacks;
pub mod web;
pub mod written;

use std::time::{Duration, Instant};

/// Looks until there is something, or until `patience` ends, which fails the test.
#[track_caller]
pub fn wait_for<T>(what: &str, patience: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
