//! A stack of a test's own on any engine: its folder, the real binary run in it, the removal of all it made.

use super::{
    docker::{client, docker_at, list_at},
    has_engine, hex,
    ran::{Ran, Running, binary},
};
use std::{
    cell::RefCell,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A stack's folder, and the engine that it is for.
pub struct Lab {
    name: String,
    folder: PathBuf,
    /// Its engine, for Docker's client.
    engine: Option<String>,
    /// How coasti reaches it.
    host: Option<String>,
    id: String,
    pool: String,
    owner: bool,
    told: RefCell<String>,
}

impl Lab {
    /// A folder for the engine of tests; none where there is no engine.
    pub fn new(test: &str) -> Option<Self> {
        has_engine(test).then(|| Self::on(None))
    }

    /// A folder for the engine at `host`.
    pub fn on(host: Option<&str>) -> Self {
        let draw = |from: u8, to: u8| {
            let mut byte = [0];
            getrandom::fill(&mut byte).unwrap();
            from + byte[0] % (to - from)
        };
        let lab = Self {
            name: format!("ch-{}", hex(4)),
            folder: std::env::temp_dir().join(format!("coasti-lab-{}", hex(6))),
            engine: host.map(str::to_owned),
            host: host.map(str::to_owned),
            id: hex(16),
            // A pool of its own: tests run beside each other.
            pool: format!("10.{}.{}.0/19", draw(64, 220), draw(0, 8) * 32),
            owner: true,
            told: RefCell::default(),
        };
        lab.write("config/products.yml", "version: 1\nproducts: []\n");
        lab
    }

    /// A second folder with the files of this one and nothing else, for the same engine, reached at `host`.
    pub fn copy(&self, host: Option<&str>) -> Self {
        let copy = Self {
            name: self.name.clone(),
            folder: std::env::temp_dir().join(format!("coasti-lab-{}", hex(6))),
            engine: self.engine.clone(),
            host: host.or(self.host.as_deref()).map(str::to_owned),
            id: self.id.clone(),
            pool: self.pool.clone(),
            owner: false,
            told: RefCell::default(),
        };
        for file in ["config/products.yml", "config/deploy.yml"] {
            copy.write(file, &fs::read_to_string(self.folder.join(file)).unwrap());
        }
        copy
    }

    /// From now on the engine is reached through `host`.
    pub fn through(&mut self, host: &str) {
        self.host = Some(host.to_owned());
    }

    /// Another pool of subnets.
    pub fn pool(&mut self, pool: &str) {
        self.pool = pool.to_owned();
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The name of what coasti makes for `address`.
    pub fn object(&self, address: &str) -> String {
        format!("{}-{}", self.name, address.replace('/', "-"))
    }

    /// The name of the lock's container.
    pub fn lock(&self) -> String {
        format!("coasti.{}.lock", self.name)
    }

    /// The name of the store's volume and its holder.
    pub fn store(&self) -> String {
        format!("coasti.{}.store", self.name)
    }

    /// Writes a file of the folder.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes the deploy file with these sites.
    pub fn sites(&self, sites: &str) {
        let text = format!(
            "version: 1\nstack: {}\nid: {}\nnetworks: {{pool: {}}}\nsite:\n{sites}",
            self.name, self.id, self.pool
        );
        self.write("config/deploy.yml", &text);
    }

    /// The binary, to be run in the folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = binary(arguments);
        command.current_dir(&self.folder);
        command.envs(self.host.iter().map(|host| ("DOCKER_HOST", host)));
        command
    }

    /// Runs the binary to its end.
    #[track_caller]
    pub fn coasti(&self, arguments: &[&str]) -> Ran {
        let running = self.start(arguments);
        self.finish(running)
    }

    /// Starts it.
    pub fn start(&self, arguments: &[&str]) -> Running {
        Running::start(self.command(arguments))
    }

    /// Waits for its end.
    #[track_caller]
    pub fn finish(&self, running: Running) -> Ran {
        let ran = running.end();
        *self.told.borrow_mut() += &ran.show();
        ran
    }

    /// Applies the files, which must go well.
    #[track_caller]
    pub fn apply(&self) -> Ran {
        self.coasti(&["apply", "--yes"]).expect(0)
    }

    /// The plan must have no changes.
    #[track_caller]
    pub fn settled(&self) {
        let ran = self.coasti(&["plan", "--detailed-exitcode"]).expect(0);
        assert!(!ran.err.contains("cut off"), "{}", ran.show());
    }

    /// Docker's client on the same engine, past any proxy, which must go well.
    #[track_caller]
    pub fn docker(&self, arguments: &[&str]) -> String {
        docker_at(self.direct(), arguments)
    }

    fn direct(&self) -> Option<&str> {
        self.engine.as_deref()
    }

    /// The engine's socket on this machine; none where it is reached otherwise.
    pub fn socket(&self) -> Option<PathBuf> {
        let host = self.engine.clone().or(std::env::var("DOCKER_HOST").ok());
        let host = host.unwrap_or_else(|| "unix:///var/run/docker.sock".to_owned());
        host.strip_prefix("unix://").map(PathBuf::from)
    }

    /// One field of an object, as a template gives it.
    #[track_caller]
    pub fn inspect(&self, name: &str, template: &str) -> String {
        self.docker(&["inspect", "--format", template, name])
    }

    /// A container's id.
    #[track_caller]
    pub fn container(&self, address: &str) -> String {
        self.inspect(&self.object(address), "{{.Id}}")
    }

    /// A command in a container.
    #[track_caller]
    pub fn exec(&self, address: &str, script: &str) -> String {
        self.docker(&["exec", &self.object(address), "sh", "-c", script])
    }

    /// Whether a container of that name is there, running or not.
    pub fn exists(&self, name: &str) -> bool {
        self.objects("container").iter().any(|one| one == name)
    }

    /// All that is on the engine with this stack's label: names by `container`, `network` or `volume`.
    pub fn objects(&self, kind: &str) -> Vec<String> {
        let filter = format!("label=coasti.stack={}", self.name);
        let mut names = list_at(self.direct(), kind, &filter);
        names.sort();
        names
    }

    /// The containers of apps and providers, without the store's and the lock's.
    pub fn containers(&self) -> Vec<String> {
        let mut names = self.objects("container");
        names.retain(|name| !name.starts_with("coasti."));
        names
    }

    /// Runs of `history`, the newest first, each as `WHAT OUTCOME`.
    #[track_caller]
    pub fn runs(&self) -> Vec<String> {
        let json = self
            .coasti(&["history", "--format", "json"])
            .expect(0)
            .json();
        let runs = json["runs"].as_array().unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
        runs.iter()
            .map(|run| format!("{} {}", text(&run["what"]), text(&run["end"]["outcome"])))
            .collect()
    }

    /// One generated value.
    #[track_caller]
    pub fn secret(&self, address: &str) -> String {
        let ran = self.coasti(&["secret", "get", address]).expect(0);
        ran.out.trim().to_owned()
    }

    /// Removes all that is on the engine with this stack's label.
    pub fn wipe(&self) {
        // Through Docker's own client: also after a panic, and without the code under test.
        for (kind, remove) in [
            ("container", &["rm", "-fv"][..]),
            ("network", &["network", "rm"]),
            ("volume", &["volume", "rm", "-f"]),
        ] {
            let found = self.objects(kind);
            let mut words = remove.to_vec();
            words.extend(found.iter().map(String::as_str));
            if !found.is_empty() {
                client(self.direct(), &words);
            }
        }
    }

    /// All that the binary said so far, in this folder.
    pub fn told(&self) -> String {
        self.told.borrow().clone()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let file = self.folder.join("config/deploy.yml");
            eprintln!("=== {}", fs::read_to_string(file).unwrap_or_default());
            eprintln!("{}", self.told.borrow());
            let filter = format!("label=coasti.stack={}", self.name);
            let ps = client(self.direct(), &["ps", "-a", "--filter", &filter]).stdout;
            eprintln!("{}", String::from_utf8_lossy(&ps));
        }
        let _ = fs::remove_dir_all(&self.folder);
        if !self.owner {
            return;
        }
        self.wipe();
        let kept = format!("coasti.keep/{}", self.name);
        let tags = ["images", "--format", "{{.Repository}}:{{.Tag}}", &kept];
        let tags = client(self.direct(), &tags).stdout;
        for tag in String::from_utf8_lossy(&tags).lines() {
            client(self.direct(), &["rmi", tag]);
        }
    }
}
