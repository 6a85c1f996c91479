//! The `docker` table: docker-py's `run()` options, as nua takes them.

use super::entries;
use super::words::shell_words;
use crate::base::{Span, size};
use crate::config::codes;
use crate::config::doc::{Node, Table, Value, wrong_type};
use crate::diag::{Diagnostic, Diagnostics, Place, did_you_mean};
use crate::model::{
    ContainerSpec, Log, Mount, MountSource, NetworkMode, Restart, RestartName, Text,
};
use std::collections::{BTreeMap, BTreeSet};

/// Options by name, checked when they were read.
#[derive(Clone, Debug, Default)]
pub(in crate::config) struct Docker(BTreeMap<String, (Place, Node)>);

/// What coasti takes, each with the field that it sets.
const KNOWN: &[(&str, &str)] = &[
    ("auto_remove", ""),
    ("cap_add", "cap_add"),
    ("cap_drop", "cap_drop"),
    ("command", "command"),
    ("cpu_period", "live.nano_cpus"),
    ("cpu_quota", "live.nano_cpus"),
    ("cpus", "live.nano_cpus"),
    ("detach", ""),
    ("devices", "devices"),
    ("dns", "dns"),
    ("entrypoint", "entrypoint"),
    ("extra_hosts", "extra_hosts"),
    ("hostname", "hostname"),
    ("init", "init"),
    ("labels", "labels"),
    ("log_config", "log"),
    ("mem_limit", "live.memory"),
    ("memswap_limit", "live.memory_swap"),
    ("nano_cpus", "live.nano_cpus"),
    ("network", "network_mode"),
    ("network_mode", "network_mode"),
    ("pids_limit", "live.pids"),
    ("privileged", "privileged"),
    ("read_only", "read_only"),
    ("remove", ""),
    ("restart_policy", "live.restart"),
    ("security_opt", "security_opt"),
    ("shm_size", "shm_size"),
    ("stop_signal", "stop_signal"),
    ("stop_timeout", "stop_timeout"),
    ("sysctls", "sysctls"),
    ("tmpfs", "mounts"),
    ("tty", "tty"),
    ("user", "user"),
    ("working_dir", "working_dir"),
];

/// What docker-py has and is said elsewhere in the file.
const ELSEWHERE: &[(&str, &str)] = &[
    ("environment", "write variables under `env`"),
    (
        "healthcheck",
        "write it under `healthcheck`, beside `docker`",
    ),
    ("image", "write `image` beside `docker`"),
    ("mounts", "write them under `volume`"),
    ("name", "names are made of stack and label"),
    ("ports", "write them under `port`"),
    ("volumes", "write them under `volume`"),
];

/// What docker-py has and coasti does not take.
const UNSUPPORTED: &[&str] = &[
    "blkio_weight",
    "blkio_weight_device",
    "cgroup_parent",
    "cgroupns",
    "cpu_count",
    "cpu_percent",
    "cpu_rt_period",
    "cpu_rt_runtime",
    "cpu_shares",
    "cpuset_cpus",
    "cpuset_mems",
    "device_cgroup_rules",
    "device_read_bps",
    "device_read_iops",
    "device_requests",
    "device_write_bps",
    "device_write_iops",
    "dns_opt",
    "dns_search",
    "domainname",
    "group_add",
    "init_path",
    "ipc_mode",
    "isolation",
    "kernel_memory",
    "links",
    "lxc_conf",
    "mac_address",
    "mem_reservation",
    "mem_swappiness",
    "network_disabled",
    "networking_config",
    "oom_kill_disable",
    "oom_score_adj",
    "pid_mode",
    "platform",
    "publish_all_ports",
    "runtime",
    "stdin_open",
    "storage_opt",
    "ulimits",
    "use_config_proxy",
    "userns_mode",
    "uts_mode",
    "version",
    "volume_driver",
    "volumes_from",
];

impl Docker {
    /// Reads and checks the table.
    pub(super) fn read(node: Option<&Node>, d: &mut Diagnostics) -> Self {
        let mut options = BTreeMap::new();
        for entry in entries(node, "`docker`", d) {
            let name = entry.key.replace('-', "_");
            let at = Some(entry.key_at.clone());
            if KNOWN.iter().any(|(known, _)| *known == name) {
                if !entry.node.is_null() {
                    options.insert(name, (entry.key_at.clone(), entry.node.clone()));
                }
            } else if let Some((_, help)) = ELSEWHERE.iter().find(|(known, _)| *known == name) {
                let summary = format!("`{}` is no option of `docker` here", entry.key);
                d.push(Diagnostic::error(codes::DOCKER_OPTION, at, summary).help(*help));
            } else if UNSUPPORTED.contains(&name.as_str()) {
                let summary = format!("the Docker option `{}` is not supported", entry.key);
                d.push(Diagnostic::error(codes::DOCKER_OPTION, at, summary));
            } else {
                let summary = format!("unknown key `{}` in `docker`", entry.key);
                let error =
                    Diagnostic::error(codes::UNKNOWN_KEY, at, summary).label("not known here");
                let near = did_you_mean(&name, KNOWN.iter().map(|(known, _)| *known));
                d.push(match near {
                    Some(near) => error.help(format!("did you mean `{near}`?")),
                    None => error,
                });
            }
        }
        let docker = Self(options);
        docker.apply(&mut ContainerSpec::default(), d);
        if docker.flag("auto_remove") || docker.flag("remove") {
            let at = ["auto_remove", "remove"]
                .iter()
                .find_map(|key| docker.0.get(*key));
            d.push(
                Diagnostic::warning(
                    codes::IGNORED,
                    at.map(|(place, _)| place.clone()),
                    "`auto_remove` has no effect",
                )
                .help("coasti keeps stopped containers until it removes them itself"),
            );
        }
        docker
    }

    pub(super) fn overlay(&mut self, over: &Self) {
        for name in over.0.keys() {
            // One of two names of one thing wins whole; a period goes with its quota.
            match name.as_str() {
                "network" => drop(self.0.remove("network_mode")),
                "network_mode" => drop(self.0.remove("network")),
                "cpus" | "nano_cpus" | "cpu_quota" => {
                    for other in ["cpus", "nano_cpus", "cpu_quota", "cpu_period"] {
                        self.0.remove(other);
                    }
                }
                _ => {}
            }
        }
        self.0.extend(over.0.clone());
    }

    /// The fields that options set, each with where the option stands.
    pub(in crate::config) fn origins(&self) -> impl Iterator<Item = (&'static str, &Place)> {
        self.0.iter().filter_map(|(name, (place, _))| {
            let (_, field) = KNOWN.iter().find(|(known, _)| known == name)?;
            (!field.is_empty()).then_some((*field, place))
        })
    }

    fn flag(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|(_, node)| match &node.value {
            Value::Bool(flag) => *flag,
            Value::Text(text) => text.eq_ignore_ascii_case("true"),
            _ => false,
        })
    }

    /// Sets what the options say.
    pub(in crate::config) fn apply(&self, spec: &mut ContainerSpec, d: &mut Diagnostics) {
        for (name, (_, node)) in &self.0 {
            let mut read = Read { name, node, d };
            match name.as_str() {
                "cap_add" => spec.cap_add = read.words().into_iter().collect::<BTreeSet<_>>(),
                "cap_drop" => spec.cap_drop = read.words().into_iter().collect::<BTreeSet<_>>(),
                "command" => spec.command = read.command(),
                "entrypoint" => spec.entrypoint = read.command(),
                "cpus" => spec.live.nano_cpus = read.cpus(),
                "nano_cpus" => spec.live.nano_cpus = read.count(false),
                "cpu_quota" => {
                    let period = self
                        .0
                        .get("cpu_period")
                        .and_then(|(_, node)| match node.value {
                            Value::Int(period, _) if period > 0 => Some(period),
                            _ => None,
                        });
                    let quota = read.int().filter(|quota| *quota > 0);
                    spec.live.nano_cpus = quota
                        .and_then(|quota| quota.checked_mul(1_000_000_000))
                        .map(|quota| quota / period.unwrap_or(100_000));
                }
                "cpu_period" => drop(read.int()),
                "devices" => spec.devices = read.words(),
                "dns" => spec.dns = read.words(),
                "extra_hosts" => spec.extra_hosts = read.pairs(':'),
                "hostname" => spec.hostname = read.text(),
                "init" => spec.init = read.flag(),
                "labels" => spec.labels = read.labels(),
                "log_config" => spec.log = read.log(),
                "mem_limit" => spec.live.memory = read.bytes(),
                "memswap_limit" => spec.live.memory_swap = read.bytes(),
                "network" | "network_mode" => {
                    if let Some(mode) = read.network() {
                        spec.network_mode = mode;
                    }
                }
                "pids_limit" => spec.live.pids = read.count(true),
                "privileged" => spec.privileged = read.flag().unwrap_or(false),
                "read_only" => spec.read_only = read.flag().unwrap_or(false),
                "restart_policy" => {
                    if let Some(restart) = read.restart() {
                        spec.live.restart = restart;
                    }
                }
                "security_opt" => spec.security_opt = read.words(),
                "shm_size" => spec.shm_size = read.bytes(),
                "stop_signal" => spec.stop_signal = read.text(),
                "stop_timeout" => spec.stop_timeout = read.span(),
                "sysctls" => spec.sysctls = read.pairs('='),
                "tmpfs" => spec.mounts.extend(read.tmpfs()),
                "tty" => spec.tty = read.flag().unwrap_or(false),
                "user" => spec.user = read.text(),
                "working_dir" => spec.working_dir = read.text(),
                "auto_remove" | "remove" | "detach" => drop(read.flag()),
                _ => {}
            }
        }
    }
}

struct Read<'a, 'd> {
    name: &'a str,
    node: &'a Node,
    d: &'d mut Diagnostics,
}

impl Read<'_, '_> {
    fn wrong(&mut self, wanted: &str) {
        let what = format!("`{}` of `docker`", self.name);
        self.d.push(wrong_type(&what, wanted, self.node));
    }

    fn bad(&mut self, help: &str) {
        let shown = match self.node.value.scalar() {
            Some(text) => format!("cannot be `{text}`"),
            None => "is not right".to_owned(),
        };
        self.d.push(
            Diagnostic::error(
                codes::BAD_VALUE,
                Some(self.node.at.clone()),
                format!("`{}` of `docker` {shown}", self.name),
            )
            .help(help),
        );
    }

    fn text(&mut self) -> Option<String> {
        match &self.node.value {
            Value::Text(text) => Some(text.clone()),
            Value::Int(_, raw) => Some(raw.clone()),
            _ => {
                self.wrong("text");
                None
            }
        }
    }

    fn int(&mut self) -> Option<i64> {
        let int = match &self.node.value {
            Value::Int(int, _) => Some(*int),
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        if int.is_none() {
            self.wrong("a whole number");
        }
        int
    }

    /// A number of something, at least 1. 0 is no limit, which is not declaring one; so is -1 where Docker says
    /// so.
    fn count(&mut self, minus_one: bool) -> Option<i64> {
        match self.int()? {
            0 => None,
            -1 if minus_one => None,
            count if count > 0 => Some(count),
            _ => {
                self.bad("a number above 0");
                None
            }
        }
    }

    fn flag(&mut self) -> Option<bool> {
        let flag = match &self.node.value {
            Value::Bool(flag) => Some(*flag),
            Value::Text(text) => text.to_ascii_lowercase().parse().ok(),
            _ => None,
        };
        if flag.is_none() {
            self.wrong("`true` or `false`");
        }
        flag
    }

    fn bytes(&mut self) -> Option<i64> {
        let bytes = match &self.node.value {
            Value::Int(int, _) => Some(*int),
            Value::Text(text) if text.trim() == "-1" => Some(-1),
            Value::Text(text) => size::parse(text),
            _ => None,
        };
        match bytes {
            // Nothing and 0 are no limit; saying so is not declaring one.
            Some(0) => None,
            Some(-1) if self.name == "memswap_limit" => Some(-1),
            Some(bytes) if bytes > 0 => Some(bytes),
            _ => {
                self.bad("a size, such as `512M` or `2G`");
                None
            }
        }
    }

    fn cpus(&mut self) -> Option<i64> {
        let cpus = self
            .node
            .value
            .scalar()
            .and_then(|text| text.trim().parse::<f64>().ok());
        match cpus {
            Some(cpus) if cpus > 0.0 && cpus < 1e6 =>
            {
                #[allow(clippy::cast_possible_truncation)]
                Some((cpus * 1e9).round() as i64)
            }
            _ => {
                self.bad("a number of processors, such as `1.5`");
                None
            }
        }
    }

    fn span(&mut self) -> Option<Span> {
        let span = self.node.value.scalar().and_then(|text| text.parse().ok());
        if span.is_none() {
            self.bad("seconds, or like `1m30s`");
        }
        span
    }

    fn words(&mut self) -> Vec<String> {
        let items = match &self.node.value {
            Value::List(items) => items.iter().map(|item| item.value.scalar()).collect(),
            value => value.scalar().map(|text| vec![text]),
        };
        if items.is_none() {
            self.wrong("a list of texts");
        }
        items.unwrap_or_default()
    }

    /// A command is a list, or one text that is split as a shell would.
    fn command(&mut self) -> Option<Vec<Text>> {
        let words = match &self.node.value {
            Value::Text(text) => match shell_words(text) {
                Some(words) => words,
                None => {
                    self.bad("a quote is not closed");
                    return None;
                }
            },
            _ => self.words(),
        };
        Some(words.into_iter().map(Text::plain).collect())
    }

    fn pairs(&mut self, separator: char) -> BTreeMap<String, String> {
        let pairs: Option<BTreeMap<_, _>> = match &self.node.value {
            Value::Map(entries) => entries
                .iter()
                .map(|entry| Some((entry.key.clone(), entry.node.value.scalar()?)))
                .collect(),
            Value::List(items) => items
                .iter()
                .map(|item| {
                    let text = item.value.scalar()?;
                    let (key, value) = text.split_once(separator)?;
                    Some((key.to_owned(), value.to_owned()))
                })
                .collect(),
            _ => None,
        };
        if pairs.is_none() {
            self.wrong(&format!("a table, or a list of `NAME{separator}VALUE`"));
        }
        pairs.unwrap_or_default()
    }

    fn labels(&mut self) -> BTreeMap<String, String> {
        let labels = match &self.node.value {
            Value::List(items)
                if items
                    .iter()
                    .all(|i| i.value.scalar().is_some_and(|t| !t.contains('='))) =>
            {
                let names = items.iter().filter_map(|item| item.value.scalar());
                names.map(|name| (name, String::new())).collect()
            }
            _ => self.pairs('='),
        };
        if labels.keys().any(|name| name.starts_with("coasti.")) {
            self.bad("labels that start with `coasti.` are coasti's own");
            return BTreeMap::new();
        }
        labels
    }

    fn log(&mut self) -> Option<Log> {
        let mut table = Table::of(self.node, "`log_config`", self.d)?;
        let driver = table.any_text(&["type", "Type", "driver"], self.d);
        let config = table.any(&["config", "Config", "options"], self.d);
        table.finish(self.d);
        let options = config.map(|node| {
            Read {
                name: "log_config.config",
                node,
                d: self.d,
            }
            .pairs('=')
        });
        Some(Log {
            driver: driver.map_or_else(|| "json-file".to_owned(), |driver| driver.value),
            options: options.unwrap_or_default(),
        })
    }

    fn network(&mut self) -> Option<NetworkMode> {
        match self.text()?.as_str() {
            "host" => Some(NetworkMode::Host),
            "none" => Some(NetworkMode::None),
            "bridge" | "default" => Some(NetworkMode::Own),
            _ => {
                self.bad("`host` or `none`; an app's own network is made for it");
                None
            }
        }
    }

    fn restart(&mut self) -> Option<Restart> {
        let (name, retries) = match &self.node.value {
            Value::Text(text) => match text.split_once(':') {
                Some((name, retries)) => (name.to_owned(), retries.trim().parse().ok()?),
                None => (text.clone(), 0),
            },
            _ => {
                let mut table = Table::of(self.node, "`restart_policy`", self.d)?;
                let name = table.any_text(&["name", "Name"], self.d);
                let retries = table.any(&["MaximumRetryCount", "maximum-retry-count"], self.d);
                table.finish(self.d);
                let retries = match retries.map(|node| &node.value) {
                    Some(Value::Int(retries, _)) => *retries,
                    _ => 0,
                };
                (name?.value, retries)
            }
        };
        let name = match name.as_str() {
            "always" => RestartName::Always,
            "no" | "" => RestartName::No,
            "on-failure" => RestartName::OnFailure,
            "unless-stopped" => RestartName::UnlessStopped,
            _ => {
                self.bad("`always`, `no`, `on-failure` or `unless-stopped`");
                return None;
            }
        };
        // Docker refuses a count with any other policy.
        let max_retries = if name == RestartName::OnFailure {
            retries
        } else {
            0
        };
        Some(Restart { name, max_retries })
    }

    fn tmpfs(&mut self) -> BTreeMap<String, Mount> {
        let pairs = match &self.node.value {
            Value::List(items) => items
                .iter()
                .filter_map(|item| item.value.scalar())
                .map(|text| match text.split_once(':') {
                    Some((path, options)) => (path.to_owned(), options.to_owned()),
                    None => (text, String::new()),
                })
                .collect(),
            _ => self.pairs(':'),
        };
        let mut mounts = BTreeMap::new();
        for (path, options) in pairs {
            let option = |name: &str| {
                options
                    .split(',')
                    .find_map(|option| option.strip_prefix(name)?.strip_prefix('='))
            };
            let source = MountSource::Tmpfs {
                size: option("size").and_then(size::parse),
                mode: option("mode").and_then(|mode| u32::from_str_radix(mode, 8).ok()),
            };
            mounts.insert(
                path,
                Mount {
                    source,
                    read_only: false,
                },
            );
        }
        mounts
    }
}
