//! An engine of a test's own, that may be killed: tests/support/second-engine.sh.

use super::{docker::docker_at, has_engine, hex};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A running engine; it ends, and all it made goes, when this is dropped.
pub struct Second {
    dir: PathBuf,
}

impl Second {
    /// Starts one whose data may take `size` (such as `64m`) and loads the images; none, with a visible
    /// word, where that cannot be.
    pub fn start(test: &str, size: &str, images: &[&str]) -> Option<Self> {
        if !has_engine(test) {
            return None;
        }
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: {test} (an engine of its own takes root)");
            return None;
        }
        let second = Self {
            dir: std::env::temp_dir().join(format!("coasti-se-{}", hex(4))),
        };
        second.script("up", &[size]);
        for image in images {
            second.load(image);
        }
        Some(second)
    }

    fn load(&self, image: &str) {
        let mut save = Command::new("docker")
            .args(["save", image])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let load = Command::new("docker")
            .args(["--host", &self.host(), "load", "--quiet"])
            .stdin(save.stdout.take().unwrap())
            .output()
            .unwrap();
        assert!(save.wait().unwrap().success() && load.status.success());
    }

    fn script(&self, word: &str, more: &[&str]) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/second-engine.sh");
        let output = Command::new(script)
            .arg(word)
            .arg(&self.dir)
            .args(more)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "second-engine {word}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.dir.join("docker.sock")
    }

    /// The address for `DOCKER_HOST`.
    pub fn host(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// Docker's client on it, which must go well.
    #[track_caller]
    pub fn docker(&self, arguments: &[&str]) -> String {
        docker_at(Some(&self.host()), arguments)
    }

    /// Kills the engine; its containers go on without it.
    pub fn kill(&self) {
        self.script("kill", &[]);
    }

    /// Kills the engine and every container, as a power cut would.
    pub fn crash(&self) {
        self.script("crash", &[]);
    }

    /// Starts it again.
    pub fn again(&self) {
        self.script("start", &[]);
    }

    /// A shell command where it lives; `$1` is the folder of its data.
    pub fn shell(&self, script: &str) -> String {
        let data = self.dir.join("data");
        self.script("run", &["sh", "-c", script, "sh", &data.to_string_lossy()])
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.dir.join("log")).unwrap_or_default();
            let lines: Vec<_> = log.lines().collect();
            let last = lines.len().saturating_sub(30);
            eprintln!("--- the engine's log\n{}", lines[last..].join("\n"));
        }
        self.script("down", &[]);
    }
}
