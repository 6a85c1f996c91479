//! The same compose files on a real engine: run by Compose, then by coasti. What the engine tells of containers,
//! networks and volumes is compared field by field.

use super::{Peer, Project};
use crate::support::{
    docker::{docker, exec, inspect, list, quiet},
    has_engine, hex,
    stack::Stack,
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    process::Command,
};

/// In what they differ on purpose: where a path begins and ends so, and why. docs/src/compose.md has all of it under
/// "What is coasti's own".
const DECIDED: &[(&str, &str, &str)] = &[
    (
        "",
        "/Config/Hostname",
        "the service's name, and it stays; Compose leaves it to the engine",
    ),
    ("", "/Config/Image", "references are in full"),
    (
        "",
        "/Config/StopTimeout",
        "60 s for what writes to a volume or a folder",
    ),
    (
        "",
        "/HostConfig/RestartPolicy/Name",
        "`always` where the file says nothing",
    ),
    (
        "network ",
        "/IPAM/Config",
        "from coasti's own pool: Docker's holds about thirty",
    ),
    (
        "",
        "/Health",
        "coasti waits until it is healthy; `up -d` does not",
    ),
    (
        "front/",
        "/HostConfig/NetworkMode",
        "the first by its name on the engine; all are joined",
    ),
    (
        "names/",
        "/Networks/inner/links",
        "in networks that both have; where the other is not, a name leads nowhere",
    ),
    (
        "web/",
        "orts/443/tcp",
        "a port that is not said is given once, and stays; Docker gives another with each start",
    ),
    ("web/HostConfig/PortBindings/443/tcp", "", "likewise"),
    (
        "web/HostConfig/PortBindings/5004/tcp",
        "",
        "of a range one port is chosen once, and stays",
    ),
    (
        "web/Mounts//run/coasti/",
        "",
        "secrets and configs come in a volume named by their content",
    ),
    (
        "web/Mounts//run/secrets/",
        "",
        "likewise: what is in them is compared",
    ),
    ("web/Mounts//etc/app/site.conf/", "", "likewise"),
    ("web/Mounts//motd/", "", "likewise"),
];

/// What is of no matter to what runs: how its maker tells it from others, and which of two forms it was asked in.
const FORMS: &[&str] = &[
    "/Config/AttachStdin",
    "/Config/AttachStdout",
    "/Config/AttachStderr",
    "/HostConfig/Binds",
    "/HostConfig/Mounts",
    "/HostConfig/Tmpfs",
    "/HostConfig/VolumesFrom",
    "/HostConfig/ContainerIDFile",
];

/// Files that secrets and configs of the examples are.
const FILES: [&str; 4] = [
    "/run/secrets/db",
    "/run/secrets/server.key",
    "/etc/app/site.conf",
    "/motd",
];

/// Ends of names that files give containers.
const GIVEN: &[&str] = &["-given", "shop-front"];

/// Everything that a service can say which can be had on any machine.
const ALL: &str = "\
x-runs: &runs
  image: coasti-test/tiny:1
  command: [sh, -c, \"trap 'exit 0' TERM INT; sleep 99999 & wait\"]
services:
  plain: {<<: *runs}
  words:
    <<: *runs
    entrypoint: sh -c
    command: \"'trap \\\"exit 0\\\" TERM; sleep 99999 & wait' \\\"$$0\\\" ${GREETING} 'two words'\"
    environment: [GREETING, \"QUOTED=it's \\\"so\\\" $$x\", EMPTY=, NOT_SET]
    env_file: more.env
  rights:
    <<: *runs
    user: '0:0'
    group_add: ['44']
    read_only: true
    cap_add: [NET_ADMIN]
    cap_drop: [MKNOD, CHOWN]
    security_opt: ['no-new-privileges:true']
    sysctls: {net.core.somaxconn: 100}
    init: true
    tty: true
    stdin_open: true
    devices: ['/dev/null:/dev/nothing:r', {source: /dev/zero, target: /dev/one, permissions: rw}]
    ipc: shareable
    pid: host
    uts: host
  all-rights: {<<: *runs, privileged: true, userns_mode: host, ipc: host, init: false}
  limits:
    <<: *runs
    mem_limit: 64m
    memswap_limit: 128m
    mem_reservation: 32m
    cpus: 0.5
    cpu_shares: 512
    cpuset: '0'
    pids_limit: 50
    shm_size: 16m
    oom_score_adj: 100
    ulimits: {nofile: {soft: 100, hard: 200}, nproc: 500, core: -1}
    restart: on-failure:3
    stop_signal: INT
    stop_grace_period: 3s
  kernel: {<<: *runs, mem_swappiness: 10, oom_kill_disable: true, cgroup: private}
  deployed:
    <<: *runs
    deploy:
      resources: {limits: {cpus: '0.25', memory: 48M, pids: 20}, reservations: {memory: 24M}}
      restart_policy: {condition: on-failure, max_attempts: 2}
  files:
    <<: *runs
    volumes:
      - data:/data
      - data:/again:ro
      - ./here:/here
      - ./here/..:/up:ro
      - /anonymous
      - {type: volume, source: memory, target: /memory}
      - {type: tmpfs, target: /long, tmpfs: {size: 1m, mode: 0o700}}
      - {type: bind, source: ./there, target: /there, bind: {create_host_path: true}}
      - ./labelled:/labelled:ro,z
      - {type: bind, source: ./own, target: /own, bind: {create_host_path: true, selinux: Z}}
      - {type: bind, source: ./here, target: /private, bind: {propagation: private, create_host_path: false}}
      - data:/empty:nocopy
    tmpfs: [/short, '/sized:size=2m,mode=750']
    working_dir: /data
  declares: {<<: *runs, image: 'coasti-test/volume:1', volumes: [/nameless, './here:/here:ro', 'data:/data'], tmpfs: /memory}
  between: {<<: *runs, volumes_from: [declares], volumes: ['data:/own']}
  takes: {<<: *runs, volumes_from: [between], volumes: [/here]}
  names:
    <<: *runs
    hostname: front
    domainname: example.org
    dns: [10.1.1.1, 10.1.1.2]
    dns_search: example.org
    dns_opt: ['ndots:2']
    extra_hosts: ['one:10.0.0.1', 'two=10.0.0.2', 'gate:host-gateway', 'six=[fd00::1]', 'one:10.0.0.9', 'one:10.0.0.3']
    labels: {team: shop, empty: }
    logging: {driver: json-file, options: {max-size: 1m, max-file: '2'}}
    networks: {default: {aliases: [shop.internal]}, inner: }
    links: ['plain:called', 'words:known', 'words:called.again']
  fixed: {<<: *runs, networks: {fixed: {ipv4_address: SUBNET.7}}, container_name: NAME-given}
  six: {<<: *runs, networks: {six: {ipv4_address: SIX4.9, ipv6_address: 'SIX:7'}}}
  log: {<<: *runs, logging: {driver: local, options: {max-size: 2m}}}
  sidecar: {<<: *runs, network_mode: 'service:names'}
  sees: {<<: *runs, pid: 'service:names', ipc: 'service:rights'}
  hosts: {<<: *runs, network_mode: host}
  alone: {<<: *runs, network_mode: none}
  checked:
    <<: *runs
    healthcheck: {test: 'test -d / && exit 0', interval: 1s, timeout: 2s, retries: 4, start_period: 3s}
  listed: {<<: *runs, healthcheck: {test: [CMD, \"true\"], interval: 1s}}
  unchecked: {<<: *runs, healthcheck: {disable: true}}
  waiting:
    <<: *runs
    depends_on: {checked: {condition: service_healthy}, seed: {condition: service_completed_successfully}}
  seed: {image: 'coasti-test/tiny:1', command: \"sh -c 'echo $$STEP'\", environment: {STEP: one}, restart: 'no'}
  several: {<<: *runs, deploy: {replicas: 2}}
  published: {<<: *runs, ports: ['18081:80', '127.0.0.1:18082:81/udp', {target: 82, published: '18083'}, '18084-18085:90-91']}
networks: {inner: {internal: true, labels: {of: us}, driver_opts: {com.docker.network.driver.mtu: 1400}}, fixed: {ipam: {config: [{subnet: SUBNET.0/24}]}}, six: {enable_ipv6: true, ipam: {config: [{subnet: SIX4.0/24, gateway: SIX4.250, ip_range: SIX4.128/25, aux_addresses: {a: SIX4.200}}, {subnet: 'SIX:/64'}]}}}
volumes: {data: {labels: [backup=daily, empty]}, memory: {driver_opts: {type: tmpfs, device: tmpfs, o: size=1m}}}
";

/// A stack that runs a project, and what Compose is asked for the same.
struct Both<'a> {
    peer: &'a Peer,
    stack: Stack,
    // Goes after the stack, which uses it.
    others: Option<Others>,
    arguments: Vec<String>,
}

impl<'a> Both<'a> {
    fn of(peer: &'a Peer, project: &Project) -> Self {
        let stack = Stack::new("").unwrap();
        let third = third(&stack);
        let run = ["run", "--rm", "--privileged", "coasti-test/tiny:1", "true"];
        let rights = quiet(&run).is_empty();
        if !rights {
            eprintln!("left out: `privileged` and what else only a privileged engine can do");
        }
        let here = |text: &str| {
            let mut text = text.replace("acme/", &format!("{}/", stack.name()));
            for n in 1..=20u16 {
                text = text.replace(&(18_080 + n).to_string(), &stack.port(25 + n).to_string());
            }
            // For engines from 25 on; Compose refuses it on others.
            text = text.replace(", start_interval: 1s", "");
            // An engine looks for the first time after an interval.
            text = text.replace("interval: 1m30s", "interval: 3s");
            if !rights {
                text = text.replace("privileged: true", "privileged: false");
                text = text.replace("oom_score_adj: -", "oom_score_adj: ");
                text = text.replace("nproc: 65535", "nproc: 655");
                text = text.replace("soft: 20000, hard: 40000", "soft: 200, hard: 400");
            }
            let net = format!("10.233.{third}");
            for (word, own) in [
                ("SIX4", format!("10.239.{third}").as_str()),
                ("SIX", &format!("fd00:233:{third}:")),
                ("SUBNET", net.as_str()),
                ("172.30.7", &net),
                ("NAME-given", &format!("{}-given", stack.name())),
                ("others-", &format!("{}-others-", stack.name())),
                (
                    "/srv/shared",
                    stack.folder().join("shared").to_str().unwrap(),
                ),
                ("/dev/ttyUSB0", "/dev/null"),
            ] {
                text = text.replace(word, own);
            }
            text
        };
        stack.write("config/products.yml", "version: 1\nproducts:\n- id: shop\n");
        stack.write("products/shop/info.yml", project.info());
        for (path, text) in &project.0 {
            stack.write(&format!("products/shop/{path}"), &here(text));
        }
        stack.sites("- {label: web, image: shop, update: {settle: 200ms, timeout: 60s}}\n");
        fs::create_dir_all(stack.folder().join("shared")).unwrap();
        fs::create_dir_all(stack.folder().join("products/above")).unwrap();
        // Docker's own pool has coasti's in it, where other tests have their networks.
        let net = |n: u16| format!("{{ipam: {{config: [{{subnet: 10.{n}.{third}.0/24}}]}}}}");
        let nets = format!("networks: {{default: {}, inner: {}}}\n", net(234), net(235));
        stack.write("products/shop/nets-of-test.yml", &nets);
        let mut arguments = project.arguments();
        arguments[1] = format!("{}-web", stack.name());
        arguments.extend(["-f", "nets-of-test.yml"].map(str::to_owned));
        Self {
            peer,
            stack,
            others: None,
            arguments,
        }
    }

    fn folder(&self) -> PathBuf {
        self.stack.folder().join("products/shop")
    }

    fn compose(&self, words: &[&str]) -> Command {
        let mut command = self.peer.command(&self.folder());
        command.env("DOCKER_BUILDKIT", "0");
        command.args(&self.arguments).args(words);
        command
    }

    /// Each container by the service's name, its number where there are more, and what is there else.
    fn told(&self, compose: bool) -> BTreeMap<String, Value> {
        let (stack, project) = (self.stack.name(), format!("{}-web", self.stack.name()));
        let mut all = BTreeMap::new();
        // What the engine calls it → what it is called in both.
        let plain = |name: &str| -> Option<String> {
            let own = match compose {
                true if name == format!("{project}_default") => "default",
                true => name.strip_prefix(&format!("{project}_"))?,
                false if name == project => "default",
                false => name.strip_prefix(&format!("{project}-"))?,
            };
            Some(own.to_owned())
        };
        let filter = match compose {
            true => format!("label=com.docker.compose.project={project}"),
            false => format!("label=coasti.stack={stack}"),
        };
        let mut services = BTreeMap::new();
        for name in list("container", &filter) {
            let labels = inspect(&name)["Config"]["Labels"].clone();
            let own = match compose {
                true => {
                    let service = labels["com.docker.compose.service"].as_str().unwrap();
                    match labels["com.docker.compose.container-number"]
                        .as_str()
                        .unwrap()
                    {
                        "1" => service.to_owned(),
                        number => format!("{service}-{number}"),
                    }
                }
                false => match plain(&name) {
                    Some(own) => own,
                    None => continue,
                },
            };
            services.insert(name, own);
        }
        let rename = |text: &str| -> String {
            let service = services.get(text).cloned();
            service
                .or_else(|| plain(text))
                .unwrap_or_else(|| text.to_owned())
        };
        for (name, own) in &services {
            let mut fields = BTreeMap::new();
            flat("", &container(name, &rename), &mut fields);
            all.insert(own.clone(), json!(fields));
        }
        for kind in ["network", "volume"] {
            for name in list(kind, &filter) {
                let Some(own) = plain(&name) else { continue };
                // coasti keeps anonymous volumes and carries them over, so they are like any other; files come in one.
                if own.contains("anon-") || own.contains("-files-") {
                    continue;
                }
                let told: Value = serde_json::from_str(&docker(&[kind, "inspect", &name])).unwrap();
                let mut fields = BTreeMap::new();
                flat("", &object(&told[0]), &mut fields);
                all.insert(format!("{kind} {own}"), json!(fields));
            }
        }
        all
    }

    /// Has both run it; where what is there then differs.
    fn differences(&self) -> Vec<String> {
        let mut up = self.compose(&["--progress", "quiet", "up", "-d"]);
        let output = up.output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        let theirs = self.told(true);
        let _ = self.compose(&["down", "-v", "-t", "1"]).output();
        if !output.status.success() {
            return vec![format!("docker-compose up: {error}")];
        }
        self.stack.apply();
        self.stack.plan(0);
        let ours = self.told(false);
        let mut wrong = Vec::new();
        let names: BTreeSet<_> = theirs.keys().chain(ours.keys()).collect();
        for name in names {
            let (Some(theirs), Some(ours)) = (theirs.get(name), ours.get(name)) else {
                let whose = if theirs.contains_key(name) {
                    "Compose"
                } else {
                    "coasti"
                };
                wrong.push(format!("{name}: only {whose} makes it"));
                continue;
            };
            let (theirs, ours) = (theirs.as_object().unwrap(), ours.as_object().unwrap());
            let fields: BTreeSet<_> = theirs.keys().chain(ours.keys()).collect();
            for field in fields {
                let (a, b) = (theirs.get(field), ours.get(field));
                let path = format!("{name}{field}");
                let decided = DECIDED
                    .iter()
                    .any(|(start, end, _)| path.starts_with(start) && path.ends_with(end));
                if a != b && !decided {
                    let shown = |value: Option<&Value>| {
                        value.map_or("nothing".to_owned(), Value::to_string)
                    };
                    wrong.push(format!(
                        "{path}: {} for Compose, {} here",
                        shown(a),
                        shown(b)
                    ));
                }
            }
        }
        wrong
    }
}

impl Drop for Both<'_> {
    fn drop(&mut self) {
        let _ = self.compose(&["down", "-v", "-t", "1"]).output();
    }
}

/// What of a container does not depend on who made it.
fn container(name: &str, rename: &dyn Fn(&str) -> String) -> Value {
    let mut all = inspect(name);
    labels(&mut all["Config"]["Labels"]);
    if let Some(variables) = all["Config"]["Env"].as_array_mut() {
        // A name alone is one that has no value anywhere: here it stays as the image has it.
        variables.retain(|text| text.as_str().unwrap().contains('='));
    }
    sort(&mut all["Config"]["Env"]);
    for key in ["CapAdd", "CapDrop", "ExtraHosts", "Ulimits"] {
        sort(&mut all["HostConfig"][key]);
    }
    for key in ["NetworkMode", "PidMode", "IpcMode"] {
        let mode = all["HostConfig"][key].as_str().unwrap_or_default();
        let mode = match mode.strip_prefix("container:") {
            Some(id) => {
                let other = inspect(id)["Name"].clone();
                format!(
                    "container:{}",
                    rename(other.as_str().unwrap().trim_start_matches('/'))
                )
            }
            None => rename(mode),
        };
        all["HostConfig"][key] = json!(mode);
    }
    let mut mounts = serde_json::Map::new();
    for mount in all["Mounts"].as_array().unwrap() {
        let mut mount = mount.clone();
        let target = mount["Destination"].as_str().unwrap().to_owned();
        // One of two ways to ask for it; what came of it is looked at in the container.
        if mount["Type"] == "tmpfs" {
            continue;
        }
        if mount["Type"] == "volume" {
            let named = mount["Name"].as_str().unwrap();
            let anonymous = named.len() == 64 || named.contains("-anon-");
            mount["Name"] = json!(if anonymous {
                "anonymous".to_owned()
            } else {
                rename(named)
            });
            mount["Source"] = Value::Null;
        }
        // `z` is what a volume is told with where nothing was said; of binds it depends on the form what else is.
        let labelled = mount["Mode"].as_str().unwrap().to_owned();
        let labelled = labelled.split(',').find(|word| ["z", "Z"].contains(word));
        mount["Mode"] = json!(labelled.filter(|_| mount["Type"] == "bind"));
        mounts.insert(target, mount);
    }
    let id = all["Id"].as_str().unwrap();
    let mut networks = serde_json::Map::new();
    for (network, joined) in all["NetworkSettings"]["Networks"].as_object().unwrap() {
        // The engine adds the start of the id; a container's name is known without an alias. What the file calls it
        // is its name with Compose and an alias here.
        let aliases = joined["Aliases"].as_array().cloned().unwrap_or_default();
        let aliases: BTreeSet<_> = aliases
            .iter()
            .filter_map(Value::as_str)
            .filter(|alias| {
                !id.starts_with(alias)
                    && *alias != name
                    && !GIVEN.iter().any(|given| alias.ends_with(given))
            })
            .collect();
        // Compose knows each by two further names, which tell its containers apart.
        let links = joined["Links"].as_array().cloned().unwrap_or_default();
        let links: BTreeSet<_> = links
            .iter()
            .filter_map(|link| link.as_str()?.split_once(':'))
            .filter(|(_, known)| !known.ends_with("-1"))
            .map(|(of, known)| format!("{known} for {}", rename(of)))
            .collect();
        let fixed = &joined["IPAMConfig"];
        networks.insert(
            rename(network),
            json!({"there": true, "aliases": aliases, "fixed": fixed, "links": links, "options": joined["DriverOpts"]}),
        );
    }
    let running = all["State"]["Running"] == true;
    let memory = running.then(|| {
        // What a mount came to, which can be asked for in two forms.
        let mounts = exec(name, "grep -E ' tmpfs | /dev/shm ' /proc/mounts || true");
        mounts.lines().map(str::to_owned).collect::<BTreeSet<_>>()
    });
    let files = running.then(|| {
        let script = FILES.map(|path| format!("[ ! -f {path} ] || echo {path} $(cat {path})"));
        exec(name, &script.join("; "))
    });
    json!({
        "Files": files, "Config": all["Config"], "HostConfig": all["HostConfig"], "Mounts": mounts, "Networks": networks,
        "Ports": all["NetworkSettings"]["Ports"], "Memory": memory, "Image": all["Image"], "Path": all["Path"],
        "Args": all["Args"], "AppArmorProfile": all["AppArmorProfile"], "Platform": all["Platform"],
        "Status": all["State"]["Status"], "ExitCode": all["State"]["ExitCode"],
        "Health": all["State"]["Health"]["Status"],
    })
}

/// What of a network or volume does not depend on who made it.
fn object(all: &Value) -> Value {
    let mut all = all.clone();
    labels(&mut all["Labels"]);
    for key in [
        "Name",
        "Id",
        "Created",
        "CreatedAt",
        "Mountpoint",
        "Containers",
    ] {
        all[key] = Value::Null;
    }
    all
}

fn labels(labels: &mut Value) {
    if let Some(labels) = labels.as_object_mut() {
        labels.retain(|name, _| {
            !name.starts_with("coasti.") && !name.starts_with("com.docker.compose")
        });
    }
}

fn sort(value: &mut Value) {
    if let Some(items) = value.as_array_mut() {
        items.sort_by_key(Value::to_string);
    }
}

/// Every field by its path; what is nothing in another form is nothing.
fn flat(path: &str, value: &Value, to: &mut BTreeMap<String, Value>) {
    if FORMS.contains(&path) {
        return;
    }
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                flat(&format!("{path}/{key}"), value, to);
            }
        }
        Value::Null | Value::Bool(false) => {}
        Value::String(text) if text.is_empty() && !path.contains("/Labels/") => {}
        Value::Array(items) if items.is_empty() => {}
        Value::Number(number) if number.as_f64() == Some(0.0) => {}
        value => drop(to.insert(path.to_owned(), value.clone())),
    }
}

fn peer(test: &str) -> Option<Peer> {
    Peer::find(test).filter(|_| has_engine(test))
}

#[test]
fn all_that_a_service_says_is_run_as_compose_runs_it() {
    let Some(peer) = peer("what Compose and coasti run") else {
        return;
    };
    let files = [
        ("compose.yml", ALL),
        (".env", "GREETING='hello \"you\"'\n"),
        ("more.env", "FROM_FILE=\"a\\tb\"\n"),
        ("here/file", "x"),
        ("there/file", "x"),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text.to_owned()));
    let wrong = Both::of(&peer, &Project(files.into())).differences();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Images that run whatever they are told to, and find it healthy; those of jobs end at once.
struct Images(Vec<String>);

impl Images {
    fn make() -> Self {
        let folder = std::env::temp_dir().join(format!("coasti-play-{}", hex(4)));
        fs::create_dir_all(&folder).unwrap();
        let mut made = Vec::new();
        for (kind, ends) in [
            ("app", "trap 'exit 0' TERM INT; sleep 99999 & wait"),
            ("job", "exit 0"),
        ] {
            let play = format!(
                "#!/bin/sh\ncase $(basename $0) in pg_isready|curl|check|queue) exit 0;; esac\n{ends}\n"
            );
            fs::write(folder.join("play"), play).unwrap();
            let text = "FROM coasti-test/tiny:1\nCOPY play /bin/play\nRUN chmod 755 /bin/play && echo audio:x:29: >>/etc/group && \
                 for name in tini bash pg_isready curl check queue; do ln -s play /bin/$name; done && ln -s /bin/play /entry.sh\n\
                 ENTRYPOINT [\"/bin/play\"]\n";
            fs::write(folder.join("Dockerfile"), text).unwrap();
            let name = format!("coasti-play/{}-{kind}", hex(4));
            let mut build = Command::new("docker");
            build.env("DOCKER_BUILDKIT", "0");
            let output = build
                .args(["build", "-q", "-t", &name])
                .arg(&folder)
                .output()
                .unwrap();
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            made.push(name);
        }
        let _ = fs::remove_dir_all(&folder);
        Self(made)
    }

    /// Gives them the names that the services have.
    fn name(&self, stack: &Stack, config: &Value) {
        for service in config["services"].as_object().unwrap().values() {
            let name = service["image"].as_str().unwrap();
            let image = &self.0[usize::from(name.contains("/job"))];
            stack.tag_as(image, name);
        }
    }
}

impl Drop for Images {
    fn drop(&mut self) {
        for image in &self.0 {
            quiet(&["rmi", "-f", image]);
        }
    }
}

#[test]
fn the_examples_are_run_as_compose_runs_them() {
    let Some(peer) = peer("the examples, run by Compose and coasti") else {
        return;
    };
    let images = Images::make();
    let mut wrong = Vec::new();
    for folder in super::super::examples() {
        let name = folder.file_name().unwrap().to_str().unwrap();
        // Each has a name of its own for what it builds; `format: raw` came with Compose 2.30; the devices and the
        // runtime are not there.
        if ["build", "env-files", "runtime"].contains(&name) {
            continue;
        }
        let mut both = Both::of(&peer, &Project::from(&folder));
        let config = peer.config(&both.folder(), &both.arguments);
        images.name(&both.stack, &config.unwrap());
        if ["networks", "volumes"].contains(&name) {
            both.others = Some(Others::make(&both.stack));
        }
        let found = both.differences();
        wrong.extend(found.into_iter().map(|line| format!("{name}: {line}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A number that no other test has at the same time.
fn third(stack: &Stack) -> u16 {
    stack.port(0) / 50 % 250
}

/// A network and a volume that are somebody else's.
struct Others([String; 2]);

impl Others {
    fn make(stack: &Stack) -> Self {
        let others = format!("{}-others", stack.name());
        let made = Self([format!("{others}-network"), format!("{others}-data")]);
        let subnet = format!("10.236.{}.0/24", third(stack));
        docker(&["network", "create", "--subnet", &subnet, &made.0[0]]);
        docker(&["volume", "create", &made.0[1]]);
        made
    }
}

impl Drop for Others {
    fn drop(&mut self) {
        quiet(&["network", "rm", &self.0[0]]);
        quiet(&["volume", "rm", "-f", &self.0[1]]);
    }
}
