//! What is one value each: limits and Docker's own settings.

use super::{key, put, put_flag, put_int, put_list, put_map};
use crate::base::Kind;
use crate::model::{Blkio, ContainerSpec, OF_CONTAINER, RestartName, Stack};
use serde_json::{Map, Value, json};

pub(super) fn settings(fields: &mut Map<String, Value>, spec: &ContainerSpec, stack: &Stack) {
    for (key, text) in [
        ("hostname", &spec.hostname),
        ("domainname", &spec.domainname),
        ("user", &spec.user),
        ("working_dir", &spec.working_dir),
        ("stop_signal", &spec.stop_signal),
        ("uts", &spec.uts),
        ("userns_mode", &spec.userns),
        ("runtime", &spec.runtime),
        ("cgroup_parent", &spec.cgroup_parent),
    ] {
        put(fields, key, text.as_ref());
    }
    for (field, mode) in [("pid", &spec.pid), ("ipc", &spec.ipc)] {
        let other = mode
            .as_deref()
            .and_then(|mode| mode.strip_prefix(OF_CONTAINER))
            .and_then(|name| stack.by_name(Kind::Container, name));
        let mode = match other {
            Some((other, _)) => Some(format!("service:{}", key(other))),
            None => mode.clone(),
        };
        put(fields, field, mode.as_ref());
    }
    let grace = spec.stop_timeout.map(|span| span.to_string());
    put(fields, "stop_grace_period", grace.as_ref());
    if let Some(init) = spec.init {
        fields.insert("init".into(), json!(init));
    }
    put_flag(fields, "privileged", spec.privileged);
    put_flag(fields, "read_only", spec.read_only);
    put_flag(fields, "tty", spec.tty);
    put_flag(fields, "stdin_open", spec.stdin_open);
    put_list(fields, "cap_add", spec.cap_add.iter());
    put_list(fields, "cap_drop", spec.cap_drop.iter());
    put_list(fields, "dns", spec.dns.iter());
    put_list(fields, "dns_search", spec.dns_search.iter());
    put_list(fields, "dns_opt", spec.dns_opt.iter());
    put_list(fields, "security_opt", spec.security_opt.iter());
    put_list(fields, "group_add", spec.group_add.iter());
    put_list(fields, "devices", spec.devices.iter());
    put_list(fields, "device_cgroup_rules", spec.device_rules.iter());
    put_map(fields, "labels", &spec.labels);
    put_map(fields, "annotations", &spec.annotations);
    put_map(fields, "sysctls", &spec.sysctls);
    let hosts = spec.hosts();
    let hosts: Vec<String> = hosts.map(|(name, to)| format!("{name}={to}")).collect();
    put_list(fields, "extra_hosts", hosts.iter());
    if let Some(log) = &spec.log {
        let mut logging = Map::new();
        let driver = Some(&log.driver).filter(|driver| !driver.is_empty());
        put(&mut logging, "driver", driver);
        put_map(&mut logging, "options", &log.options);
        fields.insert("logging".into(), Value::Object(logging));
    }
    let restart = &spec.live.restart;
    let word = match (restart.name, restart.max_retries) {
        (RestartName::OnFailure, tries) if tries > 0 => format!("on-failure:{tries}"),
        (name, _) => name.word().to_owned(),
    };
    put(fields, "restart", Some(&word));
}

pub(super) fn limits(fields: &mut Map<String, Value>, spec: &ContainerSpec) {
    let live = &spec.live;
    for (key, number) in [
        ("mem_limit", live.memory),
        ("memswap_limit", live.memory_swap),
        ("mem_reservation", spec.memory_reservation),
        ("pids_limit", live.pids),
        ("shm_size", spec.shm_size),
        ("cpu_shares", spec.cpu_shares),
        ("oom_score_adj", spec.oom_score_adj),
    ] {
        put_int(fields, key, number);
    }
    put(fields, "cpuset", spec.cpuset.as_ref());
    kernel(fields, spec);
    let cpus = live.nano_cpus.map(|nano| {
        let text = format!("{}.{:09}", nano / 1_000_000_000, nano % 1_000_000_000);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    });
    put(fields, "cpus", cpus.as_ref());
    if !spec.device_requests.is_empty() {
        let each = spec.device_requests.iter().map(|request| {
            let mut to = Map::new();
            put(
                &mut to,
                "driver",
                Some(&request.driver).filter(|driver| !driver.is_empty()),
            );
            if request.ids.is_empty() {
                to.insert("count".into(), json!(request.count));
            }
            put_list(&mut to, "device_ids", request.ids.iter());
            put_list(&mut to, "capabilities", request.capabilities.iter());
            put_map(&mut to, "options", &request.options);
            Value::Object(to)
        });
        let devices: Vec<_> = each.collect();
        let reserved = json!({"resources": {"reservations": {"devices": devices}}});
        fields.insert("deploy".into(), reserved);
    }
    if !spec.ulimits.is_empty() {
        let each = spec.ulimits.iter();
        let each = each.map(|(name, limit)| {
            (
                name.clone(),
                json!({"soft": limit.soft, "hard": limit.hard}),
            )
        });
        fields.insert("ulimits".into(), Value::Object(each.collect()));
    }
}

fn kernel(fields: &mut Map<String, Value>, spec: &ContainerSpec) {
    put_int(fields, "mem_swappiness", spec.swappiness);
    put_flag(fields, "oom_kill_disable", spec.oom_kill_disable);
    put_int(fields, "cpu_rt_runtime", spec.cpu_rt_runtime);
    put_int(fields, "cpu_rt_period", spec.cpu_rt_period);
    put_map(fields, "storage_opt", &spec.storage_opt);
    put(fields, "cgroup", spec.cgroup.as_ref());
    let Blkio {
        weight,
        weights,
        read_bps,
        write_bps,
        read_iops,
        write_iops,
    } = &spec.blkio;
    let mut blkio = Map::new();
    put_int(&mut blkio, "weight", weight.map(i64::from));
    let mut devices = |key: &str, what: &str, each: &mut dyn Iterator<Item = (&String, i64)>| {
        let all: Vec<_> = each
            .map(|(path, value)| json!({"path": path, what: value}))
            .collect();
        if !all.is_empty() {
            blkio.insert(key.to_owned(), json!(all));
        }
    };
    let mut weights = weights
        .iter()
        .map(|(path, weight)| (path, i64::from(*weight)));
    devices("weight_device", "weight", &mut weights);
    for (key, rates) in [
        ("device_read_bps", read_bps),
        ("device_write_bps", write_bps),
        ("device_read_iops", read_iops),
        ("device_write_iops", write_iops),
    ] {
        devices(
            key,
            "rate",
            &mut rates.iter().map(|(path, rate)| (path, *rate)),
        );
    }
    if !blkio.is_empty() {
        fields.insert("blkio_config".into(), Value::Object(blkio));
    }
}
