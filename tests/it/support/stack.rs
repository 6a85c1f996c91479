//! A stack of a test's own: its folder, the real binary run in it, and the removal of all it made.

use super::{
    docker::{docker, list, quiet},
    has_engine, hex,
    ran::{Ran, Running, binary},
    random,
};
use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

/// Where ports of tests begin, below those that the system gives away by itself.
const FIRST_PORT: u16 = 21_000;
/// How many ports a test has.
pub const PORTS: u16 = 50;
/// How many tests may run at once on one machine.
const SLOTS: u16 = 128;
/// A stack's folder.
pub struct Stack {
    name: String,
    folder: PathBuf,
    slot: Slot,
    /// Images by the tags that the test gave them.
    tags: RefCell<Vec<String>>,
    /// Containers that the test made itself.
    others: RefCell<Vec<String>>,
    /// What was said so far, for who looks into a failure.
    told: RefCell<String>,
}

/// Ports and addresses that no other test on this machine uses meanwhile: locked, not drawn by lot.
struct Slot {
    number: u16,
    _lock: File,
}

impl Slot {
    fn take() -> Self {
        let start = u16::from(random::<1>()[0]);
        for number in (0..SLOTS).map(|n| (start + n) % SLOTS) {
            let path = std::env::temp_dir().join(format!("coasti-test-slot-{number}"));
            // Another user's can be read, and to lock it that is enough.
            let Ok(lock) = File::open(&path).or_else(|_| File::create(&path)) else {
                continue;
            };
            if rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive)
                .is_ok()
            {
                return Self {
                    number,
                    _lock: lock,
                };
            }
        }
        panic!("more than {SLOTS} stacks of tests at once");
    }
}

impl Stack {
    /// An empty folder of a stack with a name of its own; none where there is no engine.
    pub fn new(test: &str) -> Option<Self> {
        has_engine(test).then(|| Self::named(&format!("ct-{}", hex(4))))
    }

    /// Likewise, with a name that another folder has, too.
    pub fn named(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("coasti-{name}-{}", hex(3)));
        for part in ["config", "products"] {
            fs::create_dir_all(folder.join(part)).unwrap();
        }
        let stack = Self {
            name: name.to_owned(),
            folder,
            slot: Slot::take(),
            tags: RefCell::default(),
            others: RefCell::default(),
            told: RefCell::default(),
        };
        stack.products(&[]);
        stack
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

    /// One of its ports.
    pub fn port(&self, n: u16) -> u16 {
        assert!(n < PORTS);
        FIRST_PORT + self.slot.number * PORTS + n
    }

    /// Writes a file of the folder.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Reads one.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.folder.join(path)).unwrap()
    }

    /// Writes the deploy file with these sites, keeping the id that coasti wrote in. The first half of the
    /// ports is given away, the second is the test's for fixed ones.
    pub fn sites(&self, sites: &str) {
        let (from, to) = (self.port(0), self.port(PORTS / 2 - 1));
        let id = self
            .id()
            .map(|id| format!("id: {id}\n"))
            .unwrap_or_default();
        // 32 networks of 64 addresses for each test; the engine gives whole /16 of 172.16.0.0/12 away.
        let third = self.slot.number * 8;
        let pool = format!("10.{}.{}.0/21", 224 + third / 256, third % 256);
        let text = format!(
            "version: 1\nstack: {}\n{id}ports: {{from: {from}, to: {to}}}\nnetworks: {{pool: {pool}}}\nsite:\n{sites}",
            self.name
        );
        self.write("config/deploy.yml", &text);
    }

    /// The id in the deploy file.
    pub fn id(&self) -> Option<String> {
        let text = fs::read_to_string(self.folder.join("config/deploy.yml")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("id: "))?;
        Some(line.trim().trim_matches('"').to_owned())
    }

    /// Writes the products: each an id and the `app` section of its info.yml, indented by two.
    pub fn products(&self, products: &[(&str, &str)]) {
        let mut index = String::from("version: 1\nproducts:\n");
        for (id, app) in products {
            index += &format!("  - {{id: {id}, dst_path: products/{id}}}\n");
            let info = format!("version: 1\nid: {id}\nname: {id}\napp:\n{app}");
            self.write(&format!("products/{id}/info.yml"), &info);
        }
        if products.is_empty() {
            index = "version: 1\nproducts: []\n".to_owned();
        }
        self.write("config/products.yml", &index);
    }

    /// Tags an image for this test alone; the name to write into files.
    pub fn tag(&self, image: &str, tag: &str) -> String {
        let name = format!("{}/{tag}", self.name);
        self.tag_as(image, &name);
        name
    }

    /// Likewise, under a whole name.
    pub fn tag_as(&self, image: &str, name: &str) {
        docker(&["tag", image, name]);
        self.tags.borrow_mut().push(name.to_owned());
    }

    /// Makes an image that is not another one's, though it runs the same.
    pub fn variant(&self, tag: &str) -> String {
        self.variant_of("coasti-test/tiny:1", tag, &format!("LABEL variant={tag}"))
    }

    /// Makes an image of another one that differs by one line of a Dockerfile.
    pub fn variant_of(&self, image: &str, tag: &str, line: &str) -> String {
        let name = format!("{}/{tag}", self.name);
        let container = docker(&["create", image, "true"]);
        docker(&["commit", "--change", line, &container, &name]);
        docker(&["rm", "-v", &container]);
        self.tags.borrow_mut().push(name.clone());
        name
    }

    /// Runs a container that is not coasti's, by these options of `docker run`.
    #[track_caller]
    pub fn foreign(&self, name: &str, options: &[&str]) {
        self.others.borrow_mut().push(name.to_owned());
        let run = ["run", "-d", "--name", name, "--stop-signal", "KILL"];
        docker(&[&run, options, &["coasti-test/tiny:1", "sleep", "99999"]].concat());
    }

    /// The binary, to be run in the folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = binary(arguments);
        command.current_dir(&self.folder);
        command
    }

    /// Runs the binary on a terminal of its own, where these lines are typed, to its end; none where the machine has
    /// nothing that makes terminals.
    pub fn on_terminal(&self, arguments: &[&str], typed: &str) -> Option<Ran> {
        let inner = self.command(arguments);
        let mut command = Command::new("script");
        let line = format!("{} {}", env!("CARGO_BIN_EXE_coasti"), arguments.join(" "));
        command.args(["-qec", &line, "/dev/null"]);
        command.current_dir(&self.folder).env_clear();
        command.envs(
            inner
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        let lines = self.folder.join("typed");
        fs::write(&lines, typed).unwrap();
        command.stdin(File::open(lines).unwrap());
        let there = Command::new("script").arg("--version").output();
        there
            .is_ok_and(|there| there.status.success())
            .then(|| self.run(command))
    }

    /// Runs the binary to its end.
    #[track_caller]
    pub fn coasti(&self, arguments: &[&str]) -> Ran {
        self.run(self.command(arguments))
    }

    /// Runs a command of [`Stack::command`] to its end.
    #[track_caller]
    pub fn run(&self, command: Command) -> Ran {
        let running = self.start(command);
        self.finish(running)
    }

    /// Starts one.
    pub fn start(&self, command: Command) -> Running {
        Running::start(command)
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

    /// The plan as JSON, with the exit code that `--detailed-exitcode` gives.
    #[track_caller]
    pub fn plan(&self, code: i32) -> serde_json::Value {
        self.coasti(&["plan", "--detailed-exitcode", "--format", "json"])
            .expect(code)
            .json()
    }

    /// All that is on the engine with this stack's label: names by `container`, `network` or `volume`.
    pub fn objects(&self, kind: &str) -> Vec<String> {
        let mut names = list(kind, &format!("label=coasti.stack={}", self.name));
        names.sort();
        names
    }

    /// The containers of apps and providers, without the store's and the lock's.
    pub fn containers(&self) -> Vec<String> {
        let mut names = self.objects("container");
        names.retain(|name| !name.starts_with("coasti."));
        names
    }

    /// Runs of `history`, the newest first.
    #[track_caller]
    pub fn runs(&self) -> Vec<serde_json::Value> {
        let json = self
            .coasti(&["history", "--format", "json"])
            .expect(0)
            .json();
        json["runs"].as_array().unwrap().clone()
    }

    /// One generated value.
    #[track_caller]
    pub fn secret(&self, address: &str) -> String {
        let ran = self.coasti(&["secret", "get", address]).expect(0);
        ran.out.trim().to_owned()
    }

    /// All generated values.
    #[track_caller]
    pub fn secrets(&self) -> BTreeMap<String, String> {
        let ran = self.coasti(&["secret", "export"]).expect(0);
        serde_json::from_str(&ran.out).unwrap()
    }

    /// What a failure is looked into with.
    fn artifact(&self) -> String {
        let mut text = format!("=== {} in {}\n", self.name, self.folder.display());
        text += &fs::read_to_string(self.folder.join("config/deploy.yml")).unwrap_or_default();
        text += &self.told.borrow();
        let filter = format!("label=coasti.stack={}", self.name);
        text += &quiet(&["ps", "-a", "--no-trunc", "--filter", &filter]);
        for name in self.objects("container") {
            text += &format!("--- docker logs {name}\n");
            text += &quiet(&["logs", "--tail", "30", &name]);
        }
        text
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.artifact());
        }
        // Through Docker's own client: also after a panic, and without the code under test.
        for (kind, remove) in [
            ("container", &["rm", "-fv"][..]),
            ("network", &["network", "rm"]),
            ("volume", &["volume", "rm", "-f"]),
        ] {
            let mut found = self.objects(kind);
            if kind == "container" {
                found.append(&mut self.others.borrow_mut());
            }
            let mut words = remove.to_vec();
            words.extend(found.iter().map(String::as_str));
            if !found.is_empty() {
                quiet(&words);
            }
        }
        let kept = format!("reference=coasti.keep/{}", self.name);
        let built = format!("reference=coasti/{}-*", self.name);
        let format = "{{.Repository}}:{{.Tag}}";
        let images = quiet(&["images", "--format", format, "-f", &kept, "-f", &built]);
        let mut words = vec!["rmi", "-f"];
        let tags = self.tags.borrow();
        words.extend(images.lines().chain(tags.iter().map(String::as_str)));
        if words.len() > 2 {
            quiet(&words);
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}
