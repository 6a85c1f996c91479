//! What tests share.

pub mod arguments;
pub mod docker;
pub mod engine;
pub mod home;
pub mod http;
pub mod lab;
pub mod proxy;
pub mod pty;
pub mod ran;
pub mod recorder;
pub mod scratch;
pub mod second;
pub mod sshd;
pub mod stack;
pub mod stacks;
pub mod web;
pub mod written;

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Whether there is an engine for tests; says so where there is none.
pub fn has_engine(test: &str) -> bool {
    let there = std::env::var_os("COASTI_TEST_ENGINE").is_some_and(|value| value == "1");
    if !there {
        eprintln!("skipped: {test} (no engine: COASTI_TEST_ENGINE is not 1)");
    }
    there
}

/// Random bytes.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

/// So many random bytes, as digits.
pub fn hex(bytes: usize) -> String {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).unwrap();
    coasti::base::digest::hex(&random)
}

/// Looks until there is something; none where `patience` ends before.
pub fn wait_for<T>(patience: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + patience;
    loop {
        match look() {
            None if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(10)),
            found => return found,
        }
    }
}

/// Looks until there is something, or until `patience` ends, which fails the test.
#[track_caller]
pub fn until<T>(what: &str, patience: Duration, look: impl FnMut() -> Option<T>) -> T {
    wait_for(patience, look).unwrap_or_else(|| panic!("waited in vain for: {what}"))
}

/// Other people's real files, where they are at hand.
pub fn inputs() -> Option<PathBuf> {
    let named = std::env::var_os("COASTI_TEST_INPUTS").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/inputs");
    let found = named
        .or(Some(beside))
        .filter(|path| path.join("nua").is_dir());
    if found.is_none() {
        println!("skipped: no real inputs; COASTI_TEST_INPUTS names their folder");
    }
    found
}
