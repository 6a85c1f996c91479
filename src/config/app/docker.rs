//! The `docker` table: docker-py's `run()` options, as nua takes them.

mod read;

use super::entries;
use crate::config::doc::{Node, Value};
use crate::config::{codes, rules};
use crate::diag::{Before, Diagnostic, Diagnostics, Place, did_you_mean};
use crate::model::ContainerSpec;
use read::Read;
use std::collections::BTreeMap;

/// Options by name, checked when they were read.
#[derive(Clone, Debug, Default)]
pub(in crate::config) struct Docker(BTreeMap<String, (Place, Node)>);

/// What coasti takes, each with the field that it sets.
pub(in crate::config) const KNOWN: &[(&str, &str)] = &[
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
    ("runtime", "runtime"),
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

/// What docker-py has and coasti does not take here, with what a service of a compose file has for it.
const UNSUPPORTED: &[(&str, &str)] = &[
    ("blkio_weight", ""),
    ("blkio_weight_device", ""),
    ("cgroup_parent", ""),
    ("cgroupns", ""),
    ("cpu_count", ""),
    ("cpu_percent", ""),
    ("cpu_rt_period", ""),
    ("cpu_rt_runtime", ""),
    ("cpu_shares", "cpu_shares"),
    ("cpuset_cpus", "cpuset"),
    ("cpuset_mems", ""),
    ("device_cgroup_rules", ""),
    ("device_read_bps", ""),
    ("device_read_iops", ""),
    ("device_requests", "gpus"),
    ("device_write_bps", ""),
    ("device_write_iops", ""),
    ("dns_opt", "dns_opt"),
    ("dns_search", "dns_search"),
    ("domainname", "domainname"),
    ("group_add", "group_add"),
    ("init_path", ""),
    ("ipc_mode", "ipc"),
    ("isolation", ""),
    ("kernel_memory", ""),
    ("links", ""),
    ("lxc_conf", ""),
    ("mac_address", ""),
    ("mem_reservation", "mem_reservation"),
    ("mem_swappiness", ""),
    ("network_disabled", ""),
    ("networking_config", ""),
    ("oom_kill_disable", ""),
    ("oom_score_adj", "oom_score_adj"),
    ("pid_mode", "pid"),
    ("platform", ""),
    ("publish_all_ports", ""),
    ("stdin_open", "stdin_open"),
    ("storage_opt", ""),
    ("ulimits", "ulimits"),
    ("use_config_proxy", ""),
    ("userns_mode", "userns_mode"),
    ("uts_mode", "uts"),
    ("version", ""),
    ("volume_driver", ""),
    ("volumes_from", ""),
];

impl Docker {
    /// Whether it says nothing.
    pub(in crate::config) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Of how many values it consists.
    pub(in crate::config) fn size(&self) -> usize {
        let size = |(_, node): &(Place, Node)| match &node.value {
            Value::List(items) => items.len(),
            Value::Map(entries) => entries.len(),
            Value::Text(text) => 1 + text.matches(' ').count(),
            _ => 1,
        };
        self.0.values().map(size).sum()
    }

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
            } else if let Some((_, other)) = UNSUPPORTED.iter().find(|(known, _)| *known == name) {
                let summary = format!("the Docker option `{}` is not supported", entry.key);
                let error = Diagnostic::error(codes::DOCKER_OPTION, at, summary);
                d.push(match *other {
                    "" => error,
                    other => error.help(format!(
                        "a product that is a compose file can have it: `{other}` of a service"
                    )),
                });
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
        for (name, (at, node)) in &over.0 {
            let at = match self.0.get(name) {
                Some((own, _)) => at.clone().over(Before::File(own.clone())),
                None => at.clone(),
            };
            self.0.insert(name.clone(), (at, node.clone()));
        }
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

    /// Checks what does not go together. Only now is it known all: a product says one of it, a site the other.
    pub(in crate::config) fn check(
        &self,
        spec: &ContainerSpec,
        owner: &Place,
        d: &mut Diagnostics,
    ) {
        // Where `mem_limit` is wrong itself, that was said.
        let wrong = |(_, node): &(Place, Node)| node.value.scalar().is_some_and(|text| text != "0");
        let unread = spec.live.memory.is_none() && self.0.get("mem_limit").is_some_and(wrong);
        for (option, summary, help) in rules::together(spec) {
            if unread && option == "memswap_limit" {
                continue;
            }
            let at = self.0.get(option).map_or(owner, |(place, _)| place);
            d.push(Diagnostic::error(codes::BAD_VALUE, Some(at.clone()), summary).help(help));
        }
        let mut processors = ["cpus", "nano_cpus", "cpu_quota"]
            .iter()
            .filter_map(|name| Some((name, &self.0.get(*name)?.0)));
        if let (Some((first, _)), Some((second, place))) = (processors.next(), processors.next()) {
            let summary = format!("`{first}` and `{second}` of `docker` say the same");
            let error = Diagnostic::error(codes::BAD_VALUE, Some(place.clone()), summary);
            d.push(error.help("keep one of them"));
        }
    }

    /// Sets what the options say.
    pub(in crate::config) fn apply(&self, spec: &mut ContainerSpec, d: &mut Diagnostics) {
        for (name, (_, node)) in &self.0 {
            let mut read = Read { name, node, d };
            match name.as_str() {
                "cap_add" => spec.cap_add = read.each(rules::capability).into_iter().collect(),
                "cap_drop" => spec.cap_drop = read.each(rules::capability).into_iter().collect(),
                "command" => spec.command = read.command(),
                "entrypoint" => spec.entrypoint = read.command(),
                "cpus" => spec.live.nano_cpus = read.cpus(),
                "nano_cpus" => spec.live.nano_cpus = read.nano_cpus(),
                "cpu_quota" => {
                    let period = self.0.get("cpu_period");
                    spec.live.nano_cpus = read.quota(period.map(|(_, node)| node));
                }
                "cpu_period" => drop(read.period()),
                "devices" => spec.devices = read.each(rules::device),
                "dns" => spec.dns = read.each(rules::address),
                "extra_hosts" => spec.extra_hosts = read.hosts(),
                "hostname" => spec.hostname = read.one(rules::hostname),
                "init" => spec.init = read.flag(),
                "labels" => spec.labels = read.labels(),
                "log_config" => spec.log = read.log(),
                "mem_limit" => spec.live.memory = read.memory(),
                "memswap_limit" => spec.live.memory_swap = read.bytes(),
                "network" | "network_mode" => {
                    if let Some(mode) = read.network() {
                        spec.network_mode = mode;
                    }
                }
                "pids_limit" => spec.live.pids = read.pids(),
                "privileged" => spec.privileged = read.flag().unwrap_or(false),
                "read_only" => spec.read_only = read.flag().unwrap_or(false),
                "restart_policy" => {
                    if let Some(restart) = read.restart() {
                        spec.live.restart = restart;
                    }
                }
                "runtime" => spec.runtime = read.one(|_| Ok(())),
                "security_opt" => spec.security_opt = read.each(rules::security),
                "shm_size" => spec.shm_size = read.bytes(),
                "stop_signal" => spec.stop_signal = read.one(rules::signal),
                "stop_timeout" => spec.stop_timeout = read.span(),
                "sysctls" => spec.sysctls = read.sysctls(),
                "tmpfs" => spec.mounts.extend(read.tmpfs()),
                "tty" => spec.tty = read.flag().unwrap_or(false),
                "user" => spec.user = read.one(rules::user),
                "working_dir" => spec.working_dir = read.one(rules::absolute),
                "auto_remove" | "remove" | "detach" => drop(read.flag()),
                _ => {}
            }
        }
    }
}
