//! What Docker says of its objects → [`crate::observe`].

use crate::base::{EngineId, Secret};
use crate::model::{
    Attachment, LiveSpec, Mount, MountOptions, MountSource, Port, Propagation, Protocol, Restart,
    RestartName, Selinux, Subnet,
};
use crate::observe::{
    Container, HealthStatus, Image, MadeFrom, Network, Owner, PublishedPort, State, Status, Volume,
};
use bollard::models::{
    ContainerInspectResponse, ContainerState, ContainerStateStatusEnum, EndpointSettings,
    HealthStatusEnum, HostConfig, ImageInspect, MountPoint, MountType, PortMap, RestartPolicy,
    RestartPolicyNameEnum,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::{IpAddr, Ipv6Addr},
};

/// Networks that exist without anybody declaring them.
const PREDEFINED: [&str; 4] = ["bridge", "host", "none", "podman"];

/// How much of a container's id Docker adds to its aliases.
const SHORT_ID: usize = 12;

/// A container; none where the answer lacks an id or a name.
pub(super) fn container(raw: ContainerInspectResponse) -> Option<Container> {
    let id = raw.id?;
    let name = raw.name?.trim_start_matches('/').to_owned();
    let config = raw.config.unwrap_or_default();
    let host = raw.host_config.unwrap_or_default();
    let networks = raw
        .network_settings
        .and_then(|settings| settings.networks)
        .unwrap_or_default();
    let labels = sorted(config.labels);
    Some(Container {
        owner: Owner::from_labels(&labels),
        made: MadeFrom {
            image: config.image.unwrap_or_default(),
            hostname: config.hostname.unwrap_or_default(),
            labels,
            ports: bindings(host.port_bindings.as_ref()),
        },
        state: state(raw.state.unwrap_or_default(), raw.restart_count),
        image: raw.image.unwrap_or_default(),
        env: variables(config.env)
            .map(|(name, value)| (name, Secret::new(value)))
            .collect(),
        mounts: mounts(raw.mounts.unwrap_or_default(), &host),
        ports: ports(host.port_bindings.as_ref(), &name),
        auto_remove: host.auto_remove == Some(true),
        live: live(&host, networks, &id),
        id: EngineId::new(id),
        name,
    })
}

/// What a container does.
fn state(raw: ContainerState, restarts: Option<i64>) -> State {
    use ContainerStateStatusEnum as Word;
    let started_at = raw.started_at.unwrap_or_default();
    State {
        status: match raw.status.unwrap_or(Word::EMPTY) {
            Word::CREATED => Status::Created,
            Word::RUNNING | Word::STOPPING => Status::Running,
            Word::PAUSED => Status::Paused,
            Word::RESTARTING => Status::Restarting,
            Word::EXITED => Status::Exited,
            Word::REMOVING => Status::Removing,
            Word::DEAD => Status::Dead,
            // Never seen; the flags were there before the word was.
            Word::EMPTY if raw.running == Some(true) => Status::Running,
            Word::EMPTY => Status::Exited,
        },
        health: match raw.health.and_then(|health| health.status) {
            Some(HealthStatusEnum::STARTING) => Some(HealthStatus::Starting),
            Some(HealthStatusEnum::HEALTHY) => Some(HealthStatus::Healthy),
            Some(HealthStatusEnum::UNHEALTHY) => Some(HealthStatus::Unhealthy),
            Some(HealthStatusEnum::EMPTY | HealthStatusEnum::NONE) | None => None,
        },
        exit_code: raw.exit_code.unwrap_or_default(),
        ever_started: !started_at.is_empty() && !started_at.starts_with("0001-"),
        started_at,
        restarts: restarts.unwrap_or_default(),
        error: raw.error.unwrap_or_default(),
        oom_killed: raw.oom_killed.unwrap_or_default(),
    }
}

/// What can change in place. Docker's zeros mean that there is no limit.
pub(super) fn live(
    host: &HostConfig,
    networks: HashMap<String, EndpointSettings>,
    id: &str,
) -> LiveSpec {
    let limit = |value: Option<i64>| value.filter(|value| *value != 0);
    LiveSpec {
        memory: limit(host.memory),
        memory_swap: limit(host.memory_swap),
        nano_cpus: limit(host.nano_cpus),
        pids: limit(host.pids_limit).filter(|value| *value > 0),
        restart: restart(host.restart_policy.as_ref()),
        networks: networks
            .into_iter()
            .filter(|(name, _)| !PREDEFINED.contains(&name.as_str()))
            .map(|(name, endpoint)| (name, attachment(endpoint, id)))
            .collect(),
    }
}

fn restart(policy: Option<&RestartPolicy>) -> Restart {
    use RestartPolicyNameEnum as Word;
    Restart {
        name: match policy.and_then(|policy| policy.name) {
            Some(Word::ALWAYS) => RestartName::Always,
            Some(Word::ON_FAILURE) => RestartName::OnFailure,
            Some(Word::UNLESS_STOPPED) => RestartName::UnlessStopped,
            Some(Word::EMPTY | Word::NO) | None => RestartName::No,
        },
        max_retries: policy
            .and_then(|policy| policy.maximum_retry_count)
            .unwrap_or_default(),
    }
}

/// How a container is on a network. API versions before 1.44 add the short id to the aliases, and the host
/// name; that one stays, because it may also be declared.
fn attachment(endpoint: EndpointSettings, id: &str) -> Attachment {
    let short = id.get(..SHORT_ID).unwrap_or(id);
    let fixed = endpoint.ipam_config.unwrap_or_default();
    let parsed = |text: Option<String>| text.and_then(|text| text.parse().ok());
    Attachment {
        aliases: endpoint
            .aliases
            .unwrap_or_default()
            .into_iter()
            .filter(|alias| alias != short)
            .collect(),
        links: endpoint
            .links
            .unwrap_or_default()
            .into_iter()
            .filter_map(|link| {
                let (of, name) = link.split_once(':')?;
                Some((name.to_owned(), of.to_owned()))
            })
            .collect(),
        address: parsed(fixed.ipv4_address),
        address6: parsed(fixed.ipv6_address),
    }
}

/// Mounts by path. The details of tmpfs stand in the configuration only.
fn mounts(points: Vec<MountPoint>, host: &HostConfig) -> BTreeMap<String, Mount> {
    let mut mounts = BTreeMap::new();
    for point in points {
        let Some(path) = point.destination else {
            continue;
        };
        let source = match point.typ.as_deref() {
            Some("volume") => MountSource::Volume(EngineId::new(point.name.unwrap_or_default())),
            Some("bind") => MountSource::Directory(point.source.unwrap_or_default()),
            _ => continue,
        };
        let mode = point.mode.unwrap_or_default();
        let bind = matches!(source, MountSource::Directory(_));
        let options = MountOptions {
            // Of volumes the engine says it of each.
            selinux: mode.split(',').find_map(Selinux::of).filter(|_| bind),
            propagation: point.propagation.as_deref().and_then(Propagation::of),
            no_copy: mode.split(',').any(|word| word == "nocopy"),
        };
        let mount = Mount {
            source,
            read_only: point.rw == Some(false),
            options,
        };
        mounts.insert(path, mount);
    }
    for mount in host.mounts.iter().flatten() {
        let volume = mount.volume_options.as_ref();
        if volume.and_then(|options| options.no_copy) == Some(true)
            && let Some(mounted) = mount.target.as_ref().and_then(|path| mounts.get_mut(path))
        {
            mounted.options.no_copy = true;
        }
        if let (Some(MountType::TMPFS), Some(path)) = (mount.typ, &mount.target) {
            let options = mount.tmpfs_options.clone().unwrap_or_default();
            let source = MountSource::Tmpfs {
                size: options.size_bytes.filter(|size| *size > 0),
                mode: options
                    .mode
                    .and_then(|mode| u32::try_from(mode).ok())
                    .filter(|mode| *mode > 0),
            };
            let mount = Mount {
                read_only: mount.read_only == Some(true),
                ..Mount::from(source)
            };
            mounts.insert(path.clone(), mount);
        }
    }
    for path in host.tmpfs.iter().flat_map(HashMap::keys) {
        let source = MountSource::Tmpfs {
            size: None,
            mode: None,
        };
        mounts.insert(path.clone(), Mount::from(source));
    }
    mounts
}

/// Ports that the configuration publishes, also while the container does not run, by those inside.
fn bindings(all: Option<&PortMap>) -> BTreeMap<String, Vec<Port>> {
    let port = |binding: &bollard::models::PortBinding| {
        Some(Port {
            bind: address(binding.host_ip.as_deref()),
            // Empty or 0 where the engine chooses at every start.
            host: binding
                .host_port
                .as_deref()?
                .parse()
                .ok()
                .filter(|port| *port > 0)?,
        })
    };
    let all = all.into_iter().flatten();
    all.map(|(inside, bindings)| {
        let bindings = bindings.iter().flatten().filter_map(port);
        (inside.clone(), bindings.collect())
    })
    .collect()
}

/// Likewise, as others see them.
fn ports(all: Option<&PortMap>, by: &str) -> Vec<PublishedPort> {
    let all = bindings(all);
    let all = all.iter().filter_map(|(inside, bindings)| {
        let word = inside.rsplit_once('/').map_or("tcp", |(_, word)| word);
        Some((Protocol::named(word)?, bindings))
    });
    let mut ports: Vec<_> = all
        .flat_map(|(protocol, bindings)| bindings.iter().map(move |binding| (protocol, binding)))
        .map(|(protocol, binding)| PublishedPort {
            protocol,
            port: binding.host,
            bind: binding.bind,
            by: by.to_owned(),
        })
        .collect();
    ports.sort();
    ports
}

/// A host address; all of them where none is said.
pub(super) fn address(text: Option<&str>) -> IpAddr {
    text.and_then(|text| text.parse().ok())
        .unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED))
}

/// A network; none where the answer lacks an id or a name.
pub(super) fn network(raw: bollard::models::Network) -> Option<Network> {
    Some(Network {
        id: EngineId::new(raw.id?),
        name: raw.name?,
        owner: Owner::from_labels(&sorted(raw.labels)),
        subnets: raw
            .ipam
            .and_then(|ipam| ipam.config)
            .into_iter()
            .flatten()
            .filter_map(|config| config.subnet?.parse::<Subnet>().ok())
            .collect(),
        internal: raw.internal.unwrap_or_default(),
    })
}

/// A volume.
pub(super) fn volume(raw: bollard::models::Volume) -> Volume {
    Volume {
        name: raw.name,
        owner: Owner::from_labels(&sorted(Some(raw.labels))),
        driver: raw.driver,
        options: sorted(Some(raw.options)),
    }
}

/// An image.
pub(super) fn image(raw: ImageInspect) -> Image {
    let config = raw.config.unwrap_or_default();
    let test = config.healthcheck.and_then(|health| health.test);
    Image {
        id: raw.id.unwrap_or_default(),
        digests: raw.repo_digests.unwrap_or_default(),
        volumes: set(config.volumes),
        // `NONE` switches off what a base image brought; nothing at all inherits, and has nothing to inherit.
        has_health: test
            .and_then(|test| test.into_iter().next())
            .is_some_and(|word| word != "NONE"),
        env: variables(config.env).collect(),
        exposed: set(config.exposed_ports),
        labels: sorted(config.labels),
    }
}

fn set(items: Option<Vec<String>>) -> BTreeSet<String> {
    items.unwrap_or_default().into_iter().collect()
}

/// `NAME=VALUE` lines.
fn variables(lines: Option<Vec<String>>) -> impl Iterator<Item = (String, String)> {
    lines.unwrap_or_default().into_iter().filter_map(|line| {
        let (name, value) = line.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    })
}

/// Labels and options in order.
pub(super) fn sorted(map: Option<HashMap<String, String>>) -> BTreeMap<String, String> {
    map.unwrap_or_default().into_iter().collect()
}
