//! Importing what nua, the DTaaS services and Compose run: files of their forms, and on a real engine containers as they would
//! name them.

mod compose;
mod dtaas;
mod nua;
mod real;

use crate::support::{docker::docker_at, hex};
use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A folder, and what is on the engine for it; both are gone with it.
struct Place {
    folder: PathBuf,
    /// The stack's name, which is in all names.
    name: String,
    engine: bool,
    /// Volumes without a name of their own: a container that is taken over leaves its behind, and nothing labels them.
    unnamed: RefCell<Vec<String>>,
}

impl Place {
    fn new(engine: bool) -> Self {
        let name = format!("ci-{}", hex(4));
        let folder = std::env::temp_dir().join(format!("coasti-import-{name}"));
        fs::create_dir_all(&folder).unwrap();
        Self {
            folder: folder.canonicalize().unwrap(),
            name,
            engine,
            unnamed: RefCell::default(),
        }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Runs the binary: exit code, standard output, standard error.
    fn coasti(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coasti"));
        command.args(arguments).current_dir(&self.folder);
        command.env_clear().stdin(Stdio::null());
        for name in ["PATH", "HOME", "DOCKER_HOST"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        if !self.engine {
            command.env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
        }
        command.envs([("COLUMNS", "100"), ("NO_COLOR", "1"), ("USER", "tester")]);
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran {
            what: arguments.join(" "),
            code: output.status.code().unwrap_or(-1),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    /// Docker's client, which must go well; all that is made is labelled with the name.
    fn docker(&self, arguments: &[&str]) -> String {
        docker_at(None, arguments)
    }

    /// Runs a container of somebody else's.
    fn run(&self, name: &str, arguments: &[&str]) {
        let label = format!("coasti-test-of={}", self.name);
        let mut all = vec!["run", "-d", "--name", name, "--label", &label];
        all.extend(arguments);
        self.docker(&all);
        let names = "{{range .Mounts}}{{.Name}} {{end}}";
        let names = self.docker(&["inspect", "--format", names, name]);
        let names = names.split_whitespace().map(str::to_owned);
        let unnamed = |name: &String| name.len() == 64 && !name.contains('-');
        self.unnamed.borrow_mut().extend(names.filter(unnamed));
    }

    fn volume(&self, name: &str) {
        let label = format!("coasti-test-of={}", self.name);
        self.docker(&["volume", "create", "--label", &label, name]);
    }

    fn network(&self, name: &str) {
        self.network_with(name, &[]);
    }

    fn network_with(&self, name: &str, options: &[&str]) {
        let label = format!("coasti-test-of={}", self.name);
        let create = ["network", "create", "--label", &label];
        self.docker(&[&create, options, &[name]].concat());
    }

    /// Id, state and restart policy.
    fn facts(&self, name: &str) -> String {
        let template = "{{.Id}} {{.State.Status}} {{.HostConfig.RestartPolicy.Name}}";
        self.docker(&["inspect", "--format", template, name])
    }

    /// Names of containers that start so, running or not.
    fn containers(&self, start: &str) -> String {
        let filter = format!("name=^{start}");
        self.docker(&["ps", "-a", "--format", "{{.Names}}", "--filter", &filter])
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
        if !self.engine {
            return;
        }
        let client = |arguments: Vec<&str>| {
            let output = Command::new("docker").args(arguments).output().unwrap();
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        let labels = [
            format!("label=coasti-test-of={}", self.name),
            format!("label=coasti.stack={}", self.name),
        ];
        // All containers first: what they use cannot go before.
        for (list, remove) in [
            (&["ps", "-aq"][..], &["rm", "-fv"][..]),
            (&["network", "ls", "-q"], &["network", "rm"]),
            (&["volume", "ls", "-q"], &["volume", "rm", "-f"]),
        ] {
            for label in &labels {
                let found = client([list, &["--filter", label.as_str()]].concat());
                let found: Vec<_> = found.split_whitespace().collect();
                if !found.is_empty() {
                    client([remove, &found].concat());
                }
            }
        }
        for volume in self.unnamed.take() {
            client(vec!["volume", "rm", "-f", &volume]);
        }
        let kept = format!("coasti.keep/{}", self.name);
        let tags = client(vec![
            "images",
            "--format",
            "{{.Repository}}:{{.Tag}}",
            &kept,
        ]);
        let tags: Vec<_> = tags.split_whitespace().collect();
        if !tags.is_empty() {
            client([&["rmi"][..], &tags].concat());
        }
    }
}

struct Ran {
    what: String,
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    #[track_caller]
    fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}: {}{}", self.what, self.out, self.err);
        self
    }

    #[track_caller]
    fn says(self, words: &[&str]) -> Self {
        // Lines are broken where they do not fit.
        let said = self.err.split_whitespace().collect::<Vec<_>>().join(" ");
        for word in words {
            assert!(
                said.contains(word),
                "`{word}` is missing in {}: {}",
                self.what,
                self.err
            );
        }
        self
    }

    #[track_caller]
    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}

/// A port of the host that nobody listens on.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// All files below a folder, without what is random.
fn tree(folder: &Path) -> String {
    let mut paths = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => paths.push(path),
            }
        }
    }
    paths.sort();
    let mut text = String::new();
    for path in paths {
        let name = path.strip_prefix(folder).unwrap().display().to_string();
        // What every stack's folder has.
        let usual = ["schemas/", ".gitignore", "config/tools.yml"];
        if usual.iter().any(|usual| name.starts_with(usual)) || name.ends_with(".gitkeep") {
            continue;
        }
        let content = fs::read_to_string(&path).unwrap();
        let lines = content.lines().map(|line| match line.strip_prefix("id: ") {
            Some(id) if id.len() == 32 => "id: (new)",
            _ => line,
        });
        let content: Vec<_> = lines.collect();
        text += &format!("--- {name}\n{}\n", content.join("\n"));
    }
    text
}
