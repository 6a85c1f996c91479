//! What scripts can say. One command a line, words split as a shell does:
//!
//! ```text
//! network N [subnet=$S1] [gateway=A] [range=R] [ipv6] [six=$V1] [driver=D] [internal]          rmnet N
//! volume V [driver=D] [KEY=VALUE…]           rmvol V
//! create C [image=I] [net=N[:ALIAS,…]]… [at=ADDRESS] [at6=ADDRESS] [link=OF:NAME]…
//!          [vol=V:PATH[:OPTION,…]]… [dir=D:PATH] [port=$P1:80[/udp]]…
//!          [restart=POLICY[:TRIES]] [memory=SIZE] [swap=SIZE] [cpus=N] [pids=N] [health="TEST"]
//!          [interval=D] [retries=N] [init] [readonly] [host] [stop=D] [env=NAME:VALUE]… [-- WORDS…]
//! start C   stop C [D]   pause C   unpause C   rename C D   rm C
//! update C [restart=…] [memory=…] [swap=…] [cpus=…] [pids=…]
//! connect C N [ALIAS…] [at=ADDRESS] [at6=ADDRESS] [link=OF:NAME]…          disconnect C N
//! exec C WORDS…                              logs C
//! write C PATH [FILE=TEXT…] [LINK->TARGET…] [FOLDER/…]
//! read C PATH        link C PATH        written C
//! image I            tag I J                 empty I
//! build I [target=T] [arg=A:VALUE]… [tag=J]… FILE=TEXT…   `\n` in a text is a new line
//! history I          what was declared by a build
//! show C             observe                 foreign
//! wait C STATE       until it is running, exited, restarting, paused, healthy, unhealthy
//! events C ACTION…   until all of these were heard of C since the script began
//! crash              the engine and all containers end, as in a power cut, and the engine starts again
//! ```
//!
//! `-- serve` runs until it is asked to stop, `-- stubborn` until it is killed. `$P1` is a free port, `$S1`
//! a free subnet, `$S1.7` an address in it, `$V1` one of IPv6, and `$V1:7`.

use coasti::{
    base::{EngineId, Secret, Span, StackName, size},
    build::{DOCKERFILE, Dockerfile, LABEL_BUILD},
    engine::{
        Call, ContainerCreate, Delivery, Done, Engine, Event, Events, ImageBuild, Scope, context,
    },
    model::{
        Addresses, Attachment, BuildSpec, ContainerSpec, Health, LiveSpec, Mount, MountSource,
        NetworkMode, NetworkSpec, OF_CONTAINER, Port, Propagation, Restart, RestartName,
    },
    observe::{Container, HealthStatus, Image, LABEL_STACK, Status},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    io::Read as _,
    net::TcpListener,
    path::PathBuf,
    time::Duration,
};

/// The command of `serve`.
pub const SERVE: [&str; 3] = [
    "sh",
    "-c",
    "trap 'exit 0' TERM; : > /dev/shm/ready; while :; do sleep 9 & wait $!; done",
];

/// Ends once `serve` has set its trap: a signal before that would not be heard.
const READY: [&str; 3] = [
    "sh",
    "-c",
    "until [ -e /dev/shm/ready ]; do sleep 0.1; done",
];

const LIMIT: Duration = Duration::from_secs(60);

/// Runs a script and writes it down again, with what each command came to. `crash` does what its command says.
pub async fn run<E: Engine>(engine: &E, crash: &dyn Fn(), prefix: &str, script: &str) -> String {
    let stack = StackName::new(prefix);
    let mut runner = Runner {
        engine,
        crash,
        prefix: prefix.to_owned(),
        events: engine.events(&stack).await.unwrap(),
        stack,
        heard: Vec::new(),
        serving: BTreeSet::new(),
        words: BTreeMap::new(),
        folders: Vec::new(),
    };
    let mut transcript = String::new();
    for line in script.lines() {
        let Some(command) = line.strip_prefix("> ") else {
            if line.starts_with('#') || line.is_empty() {
                writeln!(transcript, "{line}").unwrap();
            }
            continue;
        };
        let said = runner.command(command).await;
        writeln!(transcript, "> {command}").unwrap();
        for line in runner.plain(&said).lines() {
            writeln!(transcript, "{line}").unwrap();
        }
    }
    transcript
}

struct Runner<'a, E: Engine> {
    engine: &'a E,
    crash: &'a dyn Fn(),
    prefix: String,
    stack: StackName,
    events: E::Events,
    heard: Vec<Event>,
    /// Containers that run `serve`.
    serving: BTreeSet<String>,
    /// What `$P1` and `$S1` stand for.
    words: BTreeMap<String, String>,
    /// Folders that were written.
    folders: Vec<PathBuf>,
}

impl<E: Engine> Drop for Runner<'_, E> {
    fn drop(&mut self) {
        for folder in &self.folders {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

/// What a build declared, where it begins with `T_` or is a path.
fn declared(image: &Image) -> String {
    let mut text = format!("volumes {:?} exposed {:?}", image.volumes, image.exposed);
    for (kind, all) in [("env", &image.env), ("label", &image.labels)] {
        for (name, value) in all.iter().filter(|(name, _)| name.starts_with("T_")) {
            write!(text, "\n  {kind} {name}={value}").unwrap();
        }
    }
    if image.has_health {
        text.push_str("\n  health");
    }
    text
}

/// A command's words: those before `--`, of them those with a `=` apart, and those after it.
struct Words {
    bare: Vec<String>,
    keys: Vec<(String, String)>,
    after: Option<Vec<String>>,
}

impl Words {
    fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.keys
            .iter()
            .filter(move |(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    fn get<'a>(&'a self, key: &'a str) -> Option<&'a str> {
        self.all(key).next()
    }

    fn has(&self, word: &str) -> bool {
        self.bare.iter().any(|other| other == word)
    }
}

/// Splits as a shell does, with `"` and `'`.
fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quote, mut there) = (String::new(), None, false);
    for c in line.chars() {
        match (quote, c) {
            (Some(end), c) if c == end => quote = None,
            (None, '"' | '\'') => (quote, there) = (Some(c), true),
            (None, ' ') => {
                if there {
                    words.push(std::mem::take(&mut word));
                }
                there = false;
            }
            (_, c) => {
                word.push(c);
                there = true;
            }
        }
    }
    if there {
        words.push(word);
    }
    words
}

impl<E: Engine> Runner<'_, E> {
    fn name(&self, word: &str) -> String {
        format!("{}-{word}", self.prefix)
    }

    fn id(&self, word: &str) -> EngineId {
        EngineId::new(self.name(word))
    }

    /// Without what differs from run to run.
    fn plain(&self, text: &str) -> String {
        let mut text = text.replace(&format!("{}-", self.prefix), "");
        for (word, value) in &self.words {
            let subnet = value.strip_suffix("0/24").or(value.strip_suffix(":/64"));
            let value = subnet.unwrap_or(value);
            let word = match subnet {
                Some(_) if word.starts_with("$S") => format!("{word}."),
                _ => word.clone(),
            };
            text = text.replace(value, &word);
        }
        text
    }

    /// Puts free ports and subnets in place.
    fn fill(&mut self, word: &str) -> String {
        let Some(at) = word.find('$').filter(|at| {
            let rest = &word[at + 1..];
            rest.starts_with(['P', 'S', 'V']) && rest[1..].starts_with(|c: char| c.is_ascii_digit())
        }) else {
            return word.to_owned();
        };
        let key = word[at..at + 3].to_owned();
        let value = self.words.entry(key.clone()).or_insert_with(|| {
            if key.starts_with("$P") {
                let free = TcpListener::bind("127.0.0.1:0").unwrap();
                free.local_addr().unwrap().port().to_string()
            } else {
                let mut bytes = [0; 2];
                getrandom::fill(&mut bytes).unwrap();
                match key.starts_with("$V") {
                    true => format!(
                        "fd00:{:x}:{:x}::/64",
                        1 + bytes[0] % 200,
                        1 + bytes[1] % 200
                    ),
                    false => format!("10.{}.{}.0/24", 128 + bytes[0] % 120, bytes[1]),
                }
            }
        });
        let rest = &word[at + 3..];
        let value = match rest.starts_with(['.', ':']) {
            true => value.trim_end_matches(".0/24").trim_end_matches(":/64"),
            false => value,
        };
        format!("{}{value}{rest}", &word[..at])
    }

    fn words(&mut self, line: &str) -> (String, Words) {
        let mut words = split(line).into_iter();
        let verb = words.next().unwrap();
        let mut found = Words {
            bare: Vec::new(),
            keys: Vec::new(),
            after: None,
        };
        for word in words {
            if let Some(after) = &mut found.after {
                after.push(word);
            } else if word == "--" {
                found.after = Some(Vec::new());
            } else {
                let word = self.fill(&word);
                match word.split_once('=').filter(|_| verb != "exec") {
                    Some((key, value)) => found.keys.push((key.to_owned(), value.to_owned())),
                    None => found.bare.push(word),
                }
            }
        }
        (verb, found)
    }

    async fn command(&mut self, line: &str) -> String {
        let (verb, words) = self.words(line);
        let bare = |n: usize| words.bare.get(n).map_or("", String::as_str);
        let id = self.id(bare(0));
        let call = match verb.as_str() {
            "network" => Call::CreateNetwork {
                name: self.name(bare(0)),
                labels: self.labels(),
                spec: NetworkSpec {
                    subnet: words.get("subnet").map(|text| text.parse().unwrap()),
                    subnet6: words.get("six").map(|text| text.parse().unwrap()),
                    enable_ipv6: words.has("ipv6"),
                    ipam: Addresses {
                        gateway: words.get("gateway").map(|text| text.parse().unwrap()),
                        ip_range: words.get("range").map(|text| text.parse().unwrap()),
                        aux_addresses: BTreeMap::new(),
                    },
                    driver: words.get("driver").map(str::to_owned),
                    internal: words.has("internal"),
                    ..NetworkSpec::default()
                },
            },
            "rmnet" => Call::RemoveNetwork { id },
            "volume" => Call::CreateVolume {
                name: self.name(bare(0)),
                labels: self.labels(),
                driver: words.get("driver").map(str::to_owned),
                options: words
                    .keys
                    .iter()
                    .filter(|(key, _)| key != "driver")
                    .cloned()
                    .collect(),
            },
            "rmvol" => Call::RemoveVolume { name: id },
            "create" => self.create(&words),
            "start" => Call::Start { id },
            "stop" => Call::Stop {
                id,
                timeout: words.bare.get(1).map(|text| text.parse().unwrap()),
            },
            "pause" => Call::Pause { id },
            "unpause" => Call::Unpause { id },
            "rename" => Call::Rename {
                id,
                to: self.name(bare(1)),
            },
            "rm" => Call::RemoveContainer { id },
            "update" => Call::Update {
                id,
                live: live(&words),
            },
            "connect" => Call::Connect {
                container: id,
                network: match bare(1) {
                    "host" => "host".to_owned(),
                    name => self.name(name),
                },
                attachment: Attachment {
                    aliases: words.bare.iter().skip(2).cloned().collect(),
                    links: links(&words),
                    address: words.get("at").map(|text| text.parse().unwrap()),
                    address6: words.get("at6").map(|text| text.parse().unwrap()),
                },
            },
            "disconnect" => Call::Disconnect {
                container: id,
                network: self.name(bare(1)),
            },
            "exec" => Call::Exec {
                container: id,
                argv: words
                    .bare
                    .iter()
                    .skip(1)
                    .cloned()
                    .map(Secret::new)
                    .collect(),
                env: BTreeMap::new(),
                user: None,
            },
            "write" => Call::Write {
                container: id.to_string(),
                path: bare(1).to_owned(),
                tar: Secret::new(tar_of(&words)),
            },
            "tag" => Call::TagImage {
                image: bare(0).to_owned(),
                tag: self.name(bare(1)),
            },
            "untag" => Call::UntagImage {
                tag: self.name(bare(0)),
            },
            "build" => self.build(&words),
            "empty" => Call::MakeEmptyImage {
                reference: self.name(bare(0)),
            },
            _ => return self.look(&verb, &words).await,
        };
        let result = self.engine.execute(&call, LIMIT).await;
        match (&call, &result) {
            (Call::CreateContainer(create), Ok(_)) if serves(create) => {
                self.serving.insert(create.name.clone());
            }
            (Call::Start { id }, Ok(Done::Done)) if self.serving.contains(id.as_str()) => {
                let ready = Call::Exec {
                    container: id.clone(),
                    argv: READY.map(|word| Secret::new(word.to_owned())).to_vec(),
                    env: BTreeMap::new(),
                    user: None,
                };
                self.engine.execute(&ready, LIMIT).await.unwrap();
            }
            _ => {}
        }
        match result {
            Ok(Done::Done) => "done".to_owned(),
            Ok(Done::Already) => "already".to_owned(),
            Ok(Done::Made(_)) => "made".to_owned(),
            Ok(Done::Ran { code, output }) => format!("code {code}\n{}", indent(&output)),
            Err(error) => format!("! {:?}", error.kind),
        }
    }

    /// Commands that change nothing.
    async fn look(&mut self, verb: &str, words: &Words) -> String {
        let bare = |n: usize| words.bare.get(n).map_or("", String::as_str);
        let id = self.id(bare(0));
        let inspect = || async { self.engine.inspect(&id).await.unwrap() };
        match verb {
            "show" => match inspect().await {
                Some(container) => show(&container),
                None => "none".to_owned(),
            },
            "logs" => match inspect().await {
                Some(container) => {
                    let logs = self.engine.logs(&container.id, 100).await.unwrap();
                    indent(&logs.text)
                }
                None => "none".to_owned(),
            },
            "link" => match self.engine.link(id.as_str(), bare(1)).await {
                Ok(target) => target.unwrap_or_else(|| "none".to_owned()),
                Err(error) => format!("! {:?}", error.kind),
            },
            "read" => match self.engine.read(id.as_str(), bare(1)).await {
                Ok(Some(tar)) => indent(&told(&tar)),
                Ok(None) => "none".to_owned(),
                Err(error) => format!("! {:?}", error.kind),
            },
            "written" => match self.engine.written(&id).await {
                Ok(paths) => indent(&paths.join("\n")),
                Err(error) => format!("! {:?}", error.kind),
            },
            "image" => match self.engine.image(&self.image(bare(0))).await.unwrap() {
                Some(image) => format!("volumes {:?}", image.volumes),
                None => "none".to_owned(),
            },
            "history" => match self.engine.image(&self.image(bare(0))).await.unwrap() {
                Some(image) => declared(&image),
                None => "none".to_owned(),
            },
            "observe" | "foreign" => self.observe(verb == "foreign").await,
            "crash" => {
                (self.crash)();
                self.events = self.engine.events(&self.stack).await.unwrap();
                "back".to_owned()
            }
            "wait" => self.wait(&id, bare(1)).await,
            "events" => {
                let wanted: Vec<String> = words.bare[1..].to_vec();
                let id = inspect().await.map(|container| container.id);
                self.hear(id, wanted).await
            }
            other => panic!("no such command: {other}"),
        }
    }

    async fn observe(&self, foreign: bool) -> String {
        let stack = match foreign {
            true => StackName::new("somebody-else"),
            false => self.stack.clone(),
        };
        let scope = Scope {
            stack,
            images: ["coasti-test/tiny:1", "coasti-test/nosuch:1"]
                .map(str::to_owned)
                .into(),
            adopt: BTreeSet::new(),
        };
        let seen = self.engine.observe(&scope).await.unwrap();
        let ours = |names: &BTreeSet<String>| {
            let ours = names.iter().filter(|name| name.starts_with(&self.prefix));
            ours.cloned().collect::<Vec<_>>().join(" ")
        };
        if foreign {
            let ports = seen
                .foreign
                .ports
                .iter()
                .filter(|port| port.by.starts_with(&self.prefix));
            let ports: Vec<_> = ports
                .map(|port| {
                    format!(
                        "{}:{}/{} {}",
                        port.bind,
                        port.port,
                        port.protocol.word(),
                        port.by
                    )
                })
                .collect();
            let known = seen
                .foreign
                .stacks
                .iter()
                .any(|(name, _)| *name == self.prefix);
            return format!(
                "containers {}\nnetworks {}\nvolumes {}\nports {}\nstack {known}",
                ours(&seen.foreign.containers.into_keys().collect()),
                ours(&seen.foreign.networks),
                ours(&seen.foreign.volumes),
                ports.join(", "),
            );
        }
        let keys = |names: Vec<&String>| ours(&names.into_iter().cloned().collect());
        let images: Vec<_> = seen.images.keys().cloned().collect();
        format!(
            "containers {}\nnetworks {}\nvolumes {}\nimages {}",
            keys(seen.containers.keys().collect()),
            keys(seen.networks.keys().collect()),
            keys(seen.volumes.keys().collect()),
            images.join(" "),
        )
    }

    /// A build of files that are written for it.
    fn build(&mut self, words: &Words) -> Call {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).unwrap();
        let name = format!("coasti-build-{}", coasti::base::digest::hex(&bytes));
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        self.folders.push(folder.clone());
        let said = ["target", "arg", "tag"];
        for (file, text) in words
            .keys
            .iter()
            .filter(|(key, _)| !said.contains(&key.as_str()))
        {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let text = text.replace("FROM own", &format!("FROM {}", self.name("own")));
            fs::write(path, text.replace("\\n", "\n")).unwrap();
        }
        let rules = context::rules(&folder, DOCKERFILE).unwrap();
        let content = context::look(&folder, &rules).unwrap();
        let args = words.all("arg").map(|pair| pair.split_once(':').unwrap());
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let dockerfile = fs::read_to_string(folder.join(DOCKERFILE)).unwrap_or_default();
        let spec = BuildSpec {
            buildkit: Dockerfile::new(&dockerfile).needs_buildkit(),
            args: args.map(own).collect(),
            target: words.get("target").map(str::to_owned),
            tags: words.all("tag").map(|tag| self.name(tag)).collect(),
            ..BuildSpec::new(folder.to_str().unwrap(), content.digest())
        };
        if words.has("late") {
            fs::write(folder.join("late"), "x").unwrap();
        }
        let digest = spec.digest().to_string();
        Call::BuildImage(Box::new(ImageBuild {
            reference: self.name(&words.bare[0]),
            spec,
            pull: BTreeSet::new(),
            labels: [(LABEL_BUILD.to_owned(), digest)].into(),
        }))
    }

    /// Waits by events until a container is in that state.
    async fn wait(&mut self, id: &EngineId, wanted: &str) -> String {
        let waiting = async {
            loop {
                let container = self.engine.inspect(id).await.unwrap();
                let Some(container) = container else {
                    return "none".to_owned();
                };
                let health = match container.state.health {
                    Some(HealthStatus::Healthy) => "healthy",
                    Some(HealthStatus::Unhealthy) => "unhealthy",
                    _ => "",
                };
                if container.state.status.word() == wanted || health == wanted {
                    return "so".to_owned();
                }
                let event = self.events.next().await.unwrap();
                self.heard.push(event);
            }
        };
        let ended = tokio::time::timeout(Duration::from_secs(40), waiting).await;
        ended.unwrap_or_else(|_| "in vain".to_owned())
    }

    async fn hear(&mut self, id: Option<EngineId>, wanted: Vec<String>) -> String {
        let hearing = async {
            loop {
                let of = |event: &&Event| Some(&event.container) == id.as_ref();
                let heard: BTreeSet<_> = self
                    .heard
                    .iter()
                    .filter(of)
                    .map(|e| e.action.clone())
                    .collect();
                if wanted.iter().all(|action| heard.contains(action)) {
                    return "heard".to_owned();
                }
                let event = self.events.next().await.unwrap();
                self.heard.push(event);
            }
        };
        let ended = tokio::time::timeout(Duration::from_secs(20), hearing).await;
        ended.unwrap_or_else(|_| "in vain".to_owned())
    }

    fn labels(&self) -> BTreeMap<String, String> {
        BTreeMap::from([(LABEL_STACK.to_owned(), self.prefix.clone())])
    }

    fn image(&self, word: &str) -> String {
        match word {
            "tiny" | "volume" | "nosuch" => format!("coasti-test/{word}:1"),
            other => self.name(other),
        }
    }

    /// `VOLUME:NAME=PATH,…`
    fn delivery(&self, text: &str) -> Delivery {
        let (volume, files) = text.split_once(':').unwrap();
        let files = files.split(',').map(|file| {
            let (name, path) = file.split_once('=').unwrap();
            (path.to_owned(), name.to_owned())
        });
        Delivery {
            volume: self.name(volume),
            files: files.collect(),
        }
    }

    /// What a container has of another.
    fn of(&self, other: &str) -> String {
        format!("{OF_CONTAINER}{}", self.name(other))
    }

    fn create(&self, words: &Words) -> Call {
        let mut spec = ContainerSpec {
            image: self.image(words.get("image").unwrap_or("tiny")),
            init: words.has("init").then_some(true),
            read_only: words.has("readonly"),
            network_mode: match (words.has("host"), words.get("of")) {
                (true, _) => NetworkMode::Host,
                (false, Some(other)) => NetworkMode::Container(self.name(other)),
                (false, None) => NetworkMode::Own,
            },
            pid: words.get("pid").map(|other| self.of(other)),
            ipc: words.get("ipc").map(|mode| match mode {
                "shareable" | "private" | "host" => mode.to_owned(),
                other => self.of(other),
            }),
            stop_timeout: words.get("stop").map(|text| text.parse().unwrap()),
            health: words.get("health").map(|test| Health {
                test: match test {
                    "NONE" => vec!["NONE".into()],
                    test => vec!["CMD-SHELL".into(), test.into()],
                },
                interval: Some(words.get("interval").unwrap_or("1s").parse().unwrap()),
                timeout: Some(Span::from_secs(5)),
                start_period: words.get("grace").map(|text| text.parse().unwrap()),
                retries: words.get("retries").map(|text| text.parse().unwrap()),
                start_interval: None,
            }),
            live: live(words),
            ..ContainerSpec::default()
        };
        for net in words.all("net") {
            let (name, aliases) = net.split_once(':').unwrap_or((net, ""));
            let aliases = aliases.split(',').filter(|alias| !alias.is_empty());
            let attachment = Attachment {
                aliases: aliases.map(str::to_owned).collect(),
                links: links(words),
                address: words.get("at").map(|text| text.parse().unwrap()),
                address6: words.get("at6").map(|text| text.parse().unwrap()),
            };
            spec.live.networks.insert(self.name(name), attachment);
        }
        for vol in words.all("vol") {
            let mut parts = vol.split(':');
            let name = parts.next().unwrap();
            let path = parts.next().unwrap().to_owned();
            let source = match name {
                "tmpfs" => MountSource::Tmpfs {
                    size: Some(1 << 20),
                    mode: None,
                },
                path if path.starts_with('/') => MountSource::Directory(path.to_owned()),
                name => MountSource::Volume(self.id(name)),
            };
            let mut mount = Mount::from(source);
            for option in parts.next().into_iter().flat_map(|all| all.split(',')) {
                match option {
                    "ro" => mount.read_only = true,
                    "nocopy" => mount.options.no_copy = true,
                    word => mount.options.propagation = Some(Propagation::of(word).unwrap()),
                }
            }
            spec.mounts.insert(path, mount);
        }
        for port in words.all("port") {
            let (host, inside) = port.split_once(':').unwrap();
            let inside = match inside.contains('/') {
                true => inside.to_owned(),
                false => format!("{inside}/tcp"),
            };
            let port = Port {
                bind: [127, 0, 0, 1].into(),
                host: host.parse().unwrap(),
            };
            spec.publish(&inside, port);
        }
        let command = words.after.as_ref().map(|after| {
            match after
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .as_slice()
            {
                ["serve"] => SERVE.map(str::to_owned).to_vec(),
                ["stubborn"] => ["sleep", "1000"].map(str::to_owned).to_vec(),
                _ => after.clone(),
            }
        });
        let env = words.all("env").map(|pair| pair.split_once(':').unwrap());
        Call::CreateContainer(Box::new(ContainerCreate {
            name: self.name(&words.bare[0]),
            spec,
            env: env
                .map(|(name, value)| (name.to_owned(), Secret::new(value.to_owned())))
                .collect(),
            command: command.map(|words| words.into_iter().map(Secret::new).collect()),
            entrypoint: None,
            files: words.get("files").map(|text| self.delivery(text)),
            labels: self.labels(),
        }))
    }
}

fn serves(create: &ContainerCreate) -> bool {
    let words = create
        .command
        .iter()
        .flatten()
        .map(|word| word.expose().as_str());
    words.eq(SERVE)
}

fn live(words: &Words) -> LiveSpec {
    let bytes = |key| {
        words
            .get(key)
            .map(|text| size::parse(text).or(text.parse().ok()).unwrap())
    };
    let (name, tries) = words.get("restart").map_or(("no", "0"), |text| {
        text.split_once(':').unwrap_or((text, "0"))
    });
    LiveSpec {
        memory: bytes("memory"),
        memory_swap: bytes("swap"),
        nano_cpus: words
            .get("cpus")
            .map(|text| (text.parse::<f64>().unwrap() * 1e9) as i64),
        pids: words.get("pids").map(|text| text.parse().unwrap()),
        restart: Restart {
            name: match name {
                "always" => RestartName::Always,
                "on-failure" => RestartName::OnFailure,
                "unless-stopped" => RestartName::UnlessStopped,
                _ => RestartName::No,
            },
            max_retries: tries.parse().unwrap(),
        },
        networks: BTreeMap::new(),
    }
}

/// A container in a few lines.
fn show(container: &Container) -> String {
    let Container {
        id: _,
        name,
        owner,
        state,
        image: _,
        env,
        live,
        mounts,
        ports,
        auto_remove: _,
        made: _,
    } = container;
    let mut text = format!("{name} {} code={}", state.status.word(), state.exit_code);
    if let Some(health) = state.health {
        write!(text, " {health:?}").unwrap();
    }
    if state.ever_started {
        text.push_str(" started");
    }
    // How often it was until now depends on the moment, unless it has given up.
    let gave_up = state.status == Status::Exited && live.restart.name == RestartName::OnFailure;
    if state.restarts > 0 && !gave_up {
        text.push_str(" restarted");
    } else if state.restarts > 0 {
        write!(text, " restarts={}", state.restarts).unwrap();
    }
    if !state.error.is_empty() {
        text.push_str(" error");
    }
    if owner.stack.is_none() {
        text.push_str(" foreign");
    }
    for (name, value) in env.iter().filter(|(name, _)| name.starts_with("T_")) {
        write!(text, "\n  env {name}={}", value.expose()).unwrap();
    }
    let restart = &live.restart;
    write!(
        text,
        "\n  restart {}:{}",
        restart.name.word(),
        restart.max_retries
    )
    .unwrap();
    for (name, limit) in [
        ("memory", live.memory.map(size::show)),
        ("swap", live.memory_swap.map(size::show)),
        ("cpus", live.nano_cpus.map(|n| n.to_string())),
        ("pids", live.pids.map(|n| n.to_string())),
    ] {
        if let Some(limit) = limit {
            write!(text, " {name}={limit}").unwrap();
        }
    }
    for (name, attachment) in &live.networks {
        write!(text, "\n  net {name}").unwrap();
        for alias in &attachment.aliases {
            write!(text, " {alias}").unwrap();
        }
        for address in attachment.fixed() {
            write!(text, " at {address}").unwrap();
        }
        for (name, of) in &attachment.links {
            write!(text, " {name}={of}").unwrap();
        }
    }
    for (path, mount) in mounts {
        let source = match &mount.source {
            MountSource::Volume(name) if is_random(name.as_str()) => "random volume".to_owned(),
            MountSource::Volume(name) => format!("volume {name}"),
            // Where an engine keeps its volumes is its own affair.
            MountSource::Directory(path) => match path.split_once("/_data/") {
                Some((volume, name)) => {
                    format!("{name} of volume {}", volume.rsplit('/').next().unwrap())
                }
                None => format!("directory {path}"),
            },
            MountSource::Tmpfs { size, .. } => format!("tmpfs {size:?}"),
        };
        let words = mount.suffix().replace([':', ','], " ");
        write!(text, "\n  {path} {source}{words}").unwrap();
    }
    for port in ports {
        write!(
            text,
            "\n  port {}:{}/{}",
            port.bind,
            port.port,
            port.protocol.word()
        )
        .unwrap();
    }
    text
}

/// `link=OF:NAME`, each.
fn links(words: &Words) -> BTreeMap<String, String> {
    let all = words.all("link").map(|link| link.split_once(':').unwrap());
    all.map(|(of, name)| (name.to_owned(), of.to_owned()))
        .collect()
}

fn is_random(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit())
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

fn tar_of(words: &Words) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let header = |kind, len: usize| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(0o755);
        header.set_size(len as u64);
        header
    };
    for (name, text) in &words.keys {
        let mut header = header(tar::EntryType::Regular, text.len());
        tar.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    for word in &words.bare[2..] {
        match word.split_once("->") {
            Some((name, target)) => {
                let mut header = header(tar::EntryType::Symlink, 0);
                tar.append_link(&mut header, name, target).unwrap();
            }
            None => {
                let mut header = header(tar::EntryType::Directory, 0);
                tar.append_data(&mut header, word, std::io::empty())
                    .unwrap();
            }
        }
    }
    tar.into_inner().unwrap()
}

/// An archive's entries, one a line.
fn told(tar: &[u8]) -> String {
    let mut text = String::new();
    for entry in tar::Archive::new(tar).entries().unwrap() {
        let mut entry = entry.unwrap();
        write!(text, "{}", entry.path().unwrap().display()).unwrap();
        if let Some(target) = entry.link_name().unwrap() {
            write!(text, " -> {}", target.display()).unwrap();
        } else if entry.header().entry_type().is_file() {
            let mut bytes = String::new();
            entry.read_to_string(&mut bytes).unwrap();
            write!(text, " {bytes}").unwrap();
        }
        text.push('\n');
    }
    text
}
