//! The binary as a process: under way, and what it came to.

use super::{hex, until, wait_for};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

/// How long any command may take.
const PATIENCE: Duration = Duration::from_secs(150);

/// The variables that it needs, of those that the tester has.
const KEPT: [&str; 7] = [
    "PATH",
    "HOME",
    "DOCKER_HOST",
    "DOCKER_TLS_VERIFY",
    "DOCKER_CERT_PATH",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
];

/// The binary, with nothing of the tester's own settings.
pub fn binary(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coasti"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    for name in KEPT {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command.envs([("COLUMNS", "100"), ("NO_COLOR", "1"), ("USER", "tester")]);
    command
}

/// A run of the binary that is under way; it is killed where nobody waits for its end.
pub struct Running {
    what: String,
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

impl Running {
    /// Starts it; its output goes to files, which can be read meanwhile.
    pub fn start(mut command: Command) -> Self {
        let base = std::env::temp_dir().join(format!("coasti-out-{}", hex(6)));
        let (out, err) = (base.with_extension("out"), base.with_extension("err"));
        command.stdout(File::create(&out).unwrap());
        command.stderr(File::create(&err).unwrap());
        let words = command.get_args().map(|word| word.to_string_lossy());
        let words: Vec<_> = words.collect();
        Self {
            what: format!("coasti {}", words.join(" ")),
            child: command.spawn().unwrap(),
            out,
            err,
        }
    }

    /// Waits for its end.
    #[track_caller]
    pub fn end(mut self) -> Ran {
        let what = self.what.clone();
        let waited = wait_for(PATIENCE, || self.child.try_wait().unwrap());
        let status = waited.unwrap_or_else(|| panic!("{what} does not end:\n{}", self.said()));
        Ran {
            what,
            code: status.code().unwrap_or(-1),
            out: fs::read_to_string(&self.out).unwrap(),
            err: fs::read_to_string(&self.err).unwrap(),
        }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it said so far, data first.
    pub fn said(&self) -> String {
        [&self.out, &self.err]
            .map(|file| fs::read_to_string(file).unwrap_or_default())
            .concat()
    }

    /// Waits until it has said this.
    #[track_caller]
    pub fn until_said(&self, word: &str) {
        until(word, Duration::from_secs(60), || {
            self.said().contains(word).then_some(())
        });
    }

    /// Presses Ctrl-C.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Closes its terminal.
    pub fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Kills it at once.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
        for file in [&self.out, &self.err] {
            let _ = fs::remove_file(file);
        }
    }
}

/// What a run of the binary came to.
pub struct Ran {
    what: String,
    /// Its exit code; -1 where a signal ended it.
    pub code: i32,
    /// What it printed as data.
    pub out: String,
    /// What it said to people.
    pub err: String,
}

impl Ran {
    /// The exit code must be this one.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "exit code of {}", self.show());
        self
    }

    /// The data as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.show()))
    }

    /// What it said to people must contain all of these.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(
                self.err.contains(word),
                "`{word}` is missing in {}",
                self.show()
            );
        }
        self
    }

    /// What it said, to people or as data, must contain all of these.
    #[track_caller]
    pub fn tells(self, words: &[&str]) -> Self {
        for word in words {
            let said = self.err.contains(word) || self.out.contains(word);
            assert!(said, "`{word}` is missing in {}", self.show());
        }
        self
    }

    /// The data must contain all of these.
    #[track_caller]
    pub fn prints(self, words: &[&str]) -> Self {
        for word in words {
            assert!(
                self.out.contains(word),
                "`{word}` is missing in {}",
                self.show()
            );
        }
        self
    }

    /// All of it.
    pub fn show(&self) -> String {
        format!(
            "\n$ {}\n{}{}[exit {}]\n",
            self.what, self.out, self.err, self.code
        )
    }
}
