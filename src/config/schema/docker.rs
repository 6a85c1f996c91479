//! The shape of what is said of the engine's own options.

// Read by `schemars` alone, when it compiles.
#![allow(dead_code)]

use super::types::{LogTable, Restart};
use super::words::*;
use schemars::JsonSchema;

/// Options of the engine, with docker-py's names.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case", deny_unknown_fields)]
pub(super) struct Docker {
    auto_remove: Option<Flag>,
    cap_add: Option<Words>,
    cap_drop: Option<Words>,
    command: Option<Words>,
    cpu_period: Option<Whole>,
    cpu_quota: Option<Whole>,
    cpus: Option<Cpus>,
    detach: Option<Flag>,
    devices: Option<Words>,
    dns: Option<Words>,
    entrypoint: Option<Words>,
    extra_hosts: Option<Pairs>,
    hostname: Option<Text>,
    init: Option<Flag>,
    labels: Option<Pairs>,
    log_config: Option<LogTable>,
    mem_limit: Option<Size>,
    memswap_limit: Option<Size>,
    nano_cpus: Option<Whole>,
    network: Option<Text>,
    network_mode: Option<Text>,
    pids_limit: Option<Whole>,
    privileged: Option<Flag>,
    read_only: Option<Flag>,
    remove: Option<Flag>,
    restart_policy: Option<Restart>,
    runtime: Option<Text>,
    security_opt: Option<Words>,
    shm_size: Option<Size>,
    stop_signal: Option<Text>,
    stop_timeout: Option<Duration>,
    sysctls: Option<Pairs>,
    tmpfs: Option<Memory>,
    tty: Option<Flag>,
    user: Option<Text>,
    working_dir: Option<Text>,
}
