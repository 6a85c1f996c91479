//! A real engine, where there is one for tests, and what a test made on it.

use coasti::engine::docker::{Docker, connect};
use std::process::{Command, Stdio};

/// The image of tests that need no server: busybox.
pub const TINY: &str = "coasti-test/tiny:1";

/// Connects to the engine for tests; none, with a visible word, where there is none.
pub async fn engine(test: &str) -> Option<Docker> {
    match super::has_engine(test) {
        true => Some(connect(None).await.unwrap()),
        false => None,
    }
}

/// A name that no other test uses, and the removal of all whose names start with it.
pub struct Prefix(String);

impl Prefix {
    pub fn new() -> Self {
        let mut bytes = [0; 5];
        getrandom::fill(&mut bytes).unwrap();
        Self(format!("coasti-dt-{}", coasti::base::digest::hex(&bytes)))
    }

    pub fn name(&self, rest: &str) -> String {
        format!("{}-{rest}", self.0)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Drop for Prefix {
    fn drop(&mut self) {
        // Through Docker's own client: also after a panic, and without the code under test.
        let named = format!("name={}", self.0);
        let here = format!("reference={}*", self.0);
        let elsewhere = format!("reference=*/{}*", self.0);
        let remove = |list: &[&str], remove: &[&str]| {
            let Ok(output) = Command::new("docker").args(list).output() else {
                return;
            };
            let found = String::from_utf8_lossy(&output.stdout).into_owned();
            if !found.trim().is_empty() {
                let _ = Command::new("docker")
                    .args(remove)
                    .args(found.split_whitespace())
                    .stdout(Stdio::null())
                    .status();
            }
        };
        remove(&["ps", "-aq", "--filter", &named], &["rm", "-fv"]);
        for kind in ["network", "volume"] {
            remove(&[kind, "ls", "-q", "--filter", &named], &[kind, "rm"]);
        }
        // By tag: another tag of the same image is somebody else's.
        for tags in [&here, &elsewhere] {
            let format = "{{.Repository}}:{{.Tag}}";
            remove(&["images", "--filter", tags, "--format", format], &["rmi"]);
        }
    }
}
