//! A container's spec → Docker's bodies. Every type of the model is taken apart field by field, so that a
//! field added there does not compile until it is handled here.

use crate::engine::ContainerCreate;
use crate::model::{
    Attachment, Blkio, ContainerSpec, DeviceRequest, Health, LiveSpec, Log, Mount, MountOptions,
    MountSource, NetworkMode, Port, Propagation, Restart, RestartName, Ulimit,
};
use bollard::models::{
    ContainerCreateBody, ContainerUpdateBody, DeviceMapping, EndpointIpamConfig, EndpointSettings,
    HealthConfig, HostConfig, HostConfigCgroupnsModeEnum, HostConfigLogConfig, MountBindOptions,
    MountBindOptionsPropagationEnum, MountTmpfsOptions, MountType, MountVolumeOptions,
    NetworkingConfig, PortBinding, PortMap, ResourcesBlkioWeightDevice, ResourcesUlimits,
    RestartPolicy, RestartPolicyNameEnum, ThrottleDevice,
};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv6Addr;

/// What creation takes: one request's body, and the networks to be joined afterwards (engines before API
/// 1.44 take only one at creation).
pub(super) struct Creation {
    /// The body, with the first network in it.
    pub(super) body: ContainerCreateBody,
    /// All other networks.
    pub(super) later: Vec<(String, EndpointSettings)>,
}

/// Docker's form of `create`.
///
/// `root` is where the engine keeps the volume of the files that are delivered.
pub(super) fn creation(create: &ContainerCreate, root: Option<&str>) -> Creation {
    let ContainerCreate {
        name: _,
        spec,
        env,
        command,
        entrypoint,
        files,
        labels,
    } = create;
    let ContainerSpec {
        image,
        // These come resolved, beside the spec.
        command: _,
        entrypoint: _,
        env: _,
        labels: _,
        hostname,
        user,
        working_dir,
        ports,
        // Taken with the first ones, as `published`.
        more_ports: _,
        mounts: mounted,
        // Found and mounted through `files` of the call.
        files: _,
        network_mode,
        health,
        shm_size,
        extra_hosts,
        // Taken with the first ones, as `hosts`.
        more_hosts: _,
        log,
        stop_signal,
        stop_timeout,
        init,
        privileged,
        read_only,
        tty,
        cap_add,
        cap_drop,
        dns,
        sysctls,
        security_opt,
        devices,
        device_rules,
        device_requests,
        runtime,
        annotations,
        ulimits,
        domainname,
        dns_search,
        dns_opt,
        group_add,
        stdin_open,
        pid,
        ipc,
        userns,
        uts,
        memory_reservation,
        cpu_shares,
        cpuset,
        blkio,
        swappiness,
        oom_kill_disable,
        cpu_rt_runtime,
        cpu_rt_period,
        storage_opt,
        cgroup,
        cgroup_parent,
        oom_score_adj,
        // Run by the executor, once the container works.
        post_run: _,
        post_run_at_start: _,
        create,
        live,
    } = spec;
    let LiveSpec {
        memory,
        memory_swap,
        nano_cpus,
        pids,
        restart,
        networks,
    } = live;

    let Blkio {
        weight,
        weights,
        read_bps,
        write_bps,
        read_iops,
        write_iops,
    } = blkio;

    let mut mounted = mounted.clone();
    if let (Some(delivery), Some(root)) = (files, root) {
        mounted.extend(delivery.mounts(root));
    }
    let (mode, first, later) = join(network_mode, networks);
    let words = |list: &Option<Vec<crate::base::Secret<String>>>| {
        list.as_ref()
            .map(|list| list.iter().map(|word| word.expose().clone()).collect())
    };
    let host = HostConfig {
        memory: *memory,
        memory_swap: *memory_swap,
        nano_cpus: *nano_cpus,
        pids_limit: *pids,
        restart_policy: Some(restart_policy(restart)),
        network_mode: Some(mode),
        port_bindings: some(ports).map(|_| {
            let mut all = PortMap::new();
            for (inside, port) in spec.published() {
                let places = all.entry(inside.to_owned()).or_default();
                places.get_or_insert_default().push(binding(&port));
            }
            all
        }),
        mounts: some(&mounted).map(|mounts| {
            let stays = |(_, mount): &(&String, &Mount)| bind(mount, create).is_none();
            mounts.iter().filter(stays).map(mount).collect()
        }),
        binds: (!create.is_empty()).then(|| {
            let line = |(path, mount): (&String, &Mount)| {
                let source = bind(mount, create)?;
                Some(format!("{source}:{path}{}", mount.suffix()))
            };
            mounted.iter().filter_map(line).collect()
        }),
        shm_size: *shm_size,
        extra_hosts: some(extra_hosts).map(|_| {
            let line = |(name, address): (&str, &str)| format!("{name}:{address}");
            spec.hosts().map(line).collect()
        }),
        log_config: log.as_ref().map(log_config),
        init: *init,
        privileged: privileged.then_some(true),
        readonly_rootfs: read_only.then_some(true),
        cap_add: (!cap_add.is_empty()).then(|| cap_add.iter().cloned().collect()),
        cap_drop: (!cap_drop.is_empty()).then(|| cap_drop.iter().cloned().collect()),
        dns: (!dns.is_empty()).then(|| dns.clone()),
        sysctls: some(sysctls).map(|map| map.clone().into_iter().collect()),
        security_opt: (!security_opt.is_empty()).then(|| security_opt.clone()),
        ulimits: list(ulimits.iter().map(ulimit)),
        dns_search: list(dns_search.iter().cloned()),
        dns_options: list(dns_opt.iter().cloned()),
        group_add: list(group_add.iter().cloned()),
        pid_mode: pid.clone(),
        ipc_mode: ipc.clone(),
        userns_mode: userns.clone(),
        uts_mode: uts.clone(),
        memory_reservation: *memory_reservation,
        cpu_shares: *cpu_shares,
        cpuset_cpus: cpuset.clone(),
        blkio_weight: *weight,
        blkio_weight_device: list(weights.iter().map(|(path, weight)| {
            ResourcesBlkioWeightDevice {
                path: Some(path.clone()),
                weight: Some(usize::from(*weight)),
            }
        })),
        blkio_device_read_bps: rates(read_bps),
        blkio_device_write_bps: rates(write_bps),
        blkio_device_read_iops: rates(read_iops),
        blkio_device_write_iops: rates(write_iops),
        memory_swappiness: *swappiness,
        oom_kill_disable: oom_kill_disable.then_some(true),
        cpu_realtime_runtime: *cpu_rt_runtime,
        cpu_realtime_period: *cpu_rt_period,
        storage_opt: some(storage_opt).map(|map| map.clone().into_iter().collect()),
        cgroupns_mode: cgroup.as_deref().map(|mode| match mode {
            "host" => HostConfigCgroupnsModeEnum::HOST,
            _ => HostConfigCgroupnsModeEnum::PRIVATE,
        }),
        cgroup_parent: cgroup_parent.clone(),
        oom_score_adj: *oom_score_adj,
        device_cgroup_rules: list(device_rules.iter().cloned()),
        device_requests: list(device_requests.iter().map(device_request)),
        runtime: runtime.clone(),
        annotations: some(annotations).map(|map| map.clone().into_iter().collect()),
        devices: (!devices.is_empty()).then(|| devices.iter().map(|text| device(text)).collect()),
        // Said although it is the default: an engine that removes a container removes its anonymous
        // volumes with it.
        auto_remove: Some(false),
        ..HostConfig::default()
    };
    let body = ContainerCreateBody {
        image: Some(image.clone()),
        hostname: hostname.clone(),
        domainname: domainname.clone(),
        open_stdin: stdin_open.then_some(true),
        user: user.clone(),
        working_dir: working_dir.clone(),
        env: some(env).map(|env| {
            env.iter()
                .map(|(name, value)| format!("{name}={}", value.expose()))
                .collect()
        }),
        cmd: words(command),
        entrypoint: words(entrypoint),
        labels: some(labels).map(|labels| labels.clone().into_iter().collect()),
        exposed_ports: some(ports).map(|ports| ports.keys().cloned().collect()),
        healthcheck: health.as_ref().map(health_config),
        stop_signal: stop_signal.clone(),
        // Docker counts whole seconds; a moment longer is better than a kill too early.
        stop_timeout: stop_timeout
            .map(|span| i64::try_from(span.millis().div_ceil(1000)).unwrap_or(i64::MAX)),
        tty: tty.then_some(true),
        host_config: Some(host),
        networking_config: first.map(|(name, endpoint)| NetworkingConfig {
            endpoints_config: Some([(name, endpoint)].into()),
        }),
        ..ContainerCreateBody::default()
    };
    Creation { body, later }
}

/// Limits of devices.
fn rates(rates: &BTreeMap<String, i64>) -> Option<Vec<ThrottleDevice>> {
    list(rates.iter().map(|(path, rate)| ThrottleDevice {
        path: Some(path.clone()),
        rate: Some(*rate),
    }))
}

type Named = (String, EndpointSettings);

/// The network mode, the network of creation and the others.
fn join(
    mode: &NetworkMode,
    networks: &BTreeMap<String, Attachment>,
) -> (String, Option<Named>, Vec<Named>) {
    match mode {
        NetworkMode::Host => ("host".to_owned(), None, Vec::new()),
        NetworkMode::None => ("none".to_owned(), None, Vec::new()),
        // By its name: the engine looks for it at each start, when it may be another container.
        NetworkMode::Container(name) => (format!("container:{name}"), None, Vec::new()),
        NetworkMode::Own => {
            let mut named = networks
                .iter()
                .map(|(name, attachment)| (name.clone(), endpoint(attachment)));
            let first = named.next();
            let mode = first.as_ref().map_or("default", |(name, _)| name);
            (mode.to_owned(), first, named.collect())
        }
    }
}

/// How a container joins a network.
pub(super) fn endpoint(attachment: &Attachment) -> EndpointSettings {
    let Attachment {
        aliases,
        links,
        address,
        address6,
    } = attachment;
    EndpointSettings {
        aliases: (!aliases.is_empty()).then(|| aliases.iter().cloned().collect()),
        links: list(links.iter().map(|(name, of)| format!("{of}:{name}"))),
        ipam_config: (address.is_some() || address6.is_some()).then(|| EndpointIpamConfig {
            ipv4_address: address.map(|address| address.to_string()),
            ipv6_address: address6.map(|address| address.to_string()),
            link_local_ips: None,
        }),
        ..EndpointSettings::default()
    }
}

fn binding(port: &Port) -> PortBinding {
    let Port { bind, host } = port;
    PortBinding {
        // The engine takes `::` for IPv6 alone, and nothing for both.
        host_ip: (*bind != Ipv6Addr::UNSPECIFIED).then(|| bind.to_string()),
        host_port: Some(host.to_string()),
    }
}

/// The directory of a mount, where the engine is to make it: it does so, on its own host, for the older form alone,
/// and likewise labels for SELinux what that form mounts alone.
fn bind<'a>(mount: &'a Mount, create: &BTreeSet<String>) -> Option<&'a str> {
    match &mount.source {
        MountSource::Directory(path) if create.contains(path) => Some(path),
        _ => None,
    }
}

fn device_request(request: &DeviceRequest) -> bollard::models::DeviceRequest {
    let DeviceRequest {
        driver,
        count,
        ids,
        capabilities,
        options,
    } = request;
    bollard::models::DeviceRequest {
        driver: (!driver.is_empty()).then(|| driver.clone()),
        count: (*count != 0).then_some(*count),
        device_ids: list(ids.iter().cloned()),
        // One of several sets may be met; here there is one.
        capabilities: Some(vec![capabilities.iter().cloned().collect()]),
        options: some(options).map(|map| map.clone().into_iter().collect()),
    }
}

fn ulimit((name, limit): (&String, &Ulimit)) -> ResourcesUlimits {
    let Ulimit { soft, hard } = limit;
    ResourcesUlimits {
        name: Some(name.clone()),
        soft: Some(*soft),
        hard: Some(*hard),
    }
}

fn mount((path, mount): (&String, &Mount)) -> bollard::models::Mount {
    let Mount {
        source,
        read_only,
        options,
    } = mount;
    let MountOptions {
        // Of directories that the engine makes: in the older form.
        selinux: _,
        propagation,
        no_copy,
    } = options;
    let (typ, source, tmpfs_options) = match source {
        MountSource::Volume(name) => (MountType::VOLUME, Some(name.to_string()), None),
        // Without `create_mountpoint`: a directory that is missing is an error, not made by the engine.
        MountSource::Directory(path) => (MountType::BIND, Some(path.clone()), None),
        MountSource::Tmpfs { size, mode } => {
            let options = MountTmpfsOptions {
                size_bytes: *size,
                mode: mode.map(i64::from),
                options: None,
            };
            (MountType::TMPFS, None, Some(options))
        }
    };
    bollard::models::Mount {
        target: Some(path.clone()),
        source,
        typ: Some(typ),
        read_only: read_only.then_some(true),
        tmpfs_options,
        bind_options: propagation.map(|propagation| MountBindOptions {
            propagation: Some(match propagation {
                Propagation::Private => MountBindOptionsPropagationEnum::PRIVATE,
                Propagation::Shared => MountBindOptionsPropagationEnum::SHARED,
                Propagation::Rshared => MountBindOptionsPropagationEnum::RSHARED,
                Propagation::Slave => MountBindOptionsPropagationEnum::SLAVE,
                Propagation::Rslave => MountBindOptionsPropagationEnum::RSLAVE,
            }),
            ..MountBindOptions::default()
        }),
        volume_options: no_copy.then(|| MountVolumeOptions {
            no_copy: Some(true),
            ..MountVolumeOptions::default()
        }),
        ..bollard::models::Mount::default()
    }
}

fn health_config(health: &Health) -> HealthConfig {
    let Health {
        test,
        interval,
        timeout,
        start_period,
        retries,
        start_interval,
    } = health;
    HealthConfig {
        // Resolved: what is secret in it was put in its place before the call.
        test: Some(
            test.iter()
                .map(|word| word.as_plain().unwrap_or_default().to_owned())
                .collect(),
        ),
        interval: interval.map(crate::base::Span::nanos),
        timeout: timeout.map(crate::base::Span::nanos),
        start_period: start_period.map(crate::base::Span::nanos),
        retries: retries.map(i64::from),
        start_interval: start_interval.map(crate::base::Span::nanos),
    }
}

fn log_config(log: &Log) -> HostConfigLogConfig {
    let Log { driver, options } = log;
    HostConfigLogConfig {
        typ: (!driver.is_empty()).then(|| driver.clone()),
        config: Some(options.clone().into_iter().collect()),
    }
}

fn restart_policy(restart: &Restart) -> RestartPolicy {
    let Restart { name, max_retries } = restart;
    let (word, tries) = match name {
        RestartName::Always => (RestartPolicyNameEnum::ALWAYS, None),
        RestartName::No => (RestartPolicyNameEnum::NO, None),
        RestartName::UnlessStopped => (RestartPolicyNameEnum::UNLESS_STOPPED, None),
        // The engine refuses a number of tries with any other policy.
        RestartName::OnFailure => (RestartPolicyNameEnum::ON_FAILURE, Some(*max_retries)),
    };
    RestartPolicy {
        name: Some(word),
        maximum_retry_count: tries,
    }
}

/// `HOST[:CONTAINER[:RIGHTS]]`.
fn device(text: &str) -> DeviceMapping {
    let mut parts = text.splitn(3, ':').map(str::to_owned);
    let host = parts.next();
    let inside = parts.next().or_else(|| host.clone());
    DeviceMapping {
        path_on_host: host,
        path_in_container: inside,
        cgroup_permissions: Some(parts.next().unwrap_or_else(|| "rwm".to_owned())),
    }
}

/// The body that changes what can change in place; what is absent stays.
pub(super) fn update(live: &LiveSpec) -> ContainerUpdateBody {
    let LiveSpec {
        memory,
        memory_swap,
        nano_cpus,
        pids,
        restart,
        // Joined and left by calls of their own.
        networks: _,
    } = live;
    ContainerUpdateBody {
        memory: *memory,
        // The engine refuses memory above swap, and swap that is not mentioned stays as it is: send both,
        // with Docker's own default for swap.
        memory_swap: memory_swap.or_else(|| memory.map(|memory| memory.saturating_mul(2))),
        nano_cpus: *nano_cpus,
        pids_limit: *pids,
        restart_policy: Some(restart_policy(restart)),
        ..ContainerUpdateBody::default()
    }
}

/// A list with something in it.
fn list<T>(items: impl Iterator<Item = T>) -> Option<Vec<T>> {
    let items: Vec<T> = items.collect();
    (!items.is_empty()).then_some(items)
}

/// A map with something in it.
fn some<K, V>(map: &BTreeMap<K, V>) -> Option<&BTreeMap<K, V>> {
    (!map.is_empty()).then_some(map)
}
