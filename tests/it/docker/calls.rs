//! What calls do, refuse, and find done.

use super::{create, made, make_network, make_volume, run, sleeper};
use crate::support::engine::{Prefix, TINY, engine};
use coasti::{
    base::{EngineId, Secret, Span},
    engine::{Call, Done, ErrorKind, Look},
    model::{
        Attachment, Blkio, ContainerSpec, DeviceRequest, Health, LiveSpec, Log, Mount,
        MountOptions, MountSource, NetworkMode, Port, Propagation, Restart, RestartName, Selinux,
        Text, Ulimit,
    },
    observe::Status,
};
use std::{collections::BTreeMap, process::Command};

fn mount(source: MountSource, read_only: bool) -> Mount {
    Mount {
        read_only,
        ..Mount::from(source)
    }
}

/// Everything that can be declared, with values that are nobody's default.
fn rich(prefix: &Prefix) -> ContainerSpec {
    let plain = |words: &[&str]| Some(words.iter().map(|word| Text::plain(*word)).collect());
    let attachment = |alias: &str, address: Option<&str>| Attachment {
        aliases: [alias.to_owned()].into(),
        links: [("known".to_owned(), alias.to_owned())].into(),
        address: address.map(|text| text.parse().unwrap()),
        address6: None,
    };
    ContainerSpec {
        image: TINY.into(),
        command: plain(&["-c", "sleep 60"]),
        entrypoint: plain(&["/bin/sh"]),
        env: [("A".to_owned(), Text::plain("x=y z"))].into(),
        hostname: Some("host-a".into()),
        user: Some("7:8".into()),
        working_dir: Some("/tmp".into()),
        labels: [("of.user".to_owned(), "1".to_owned())].into(),
        ports: [(
            "80/udp".to_owned(),
            Port {
                bind: [127, 0, 0, 1].into(),
                host: 39123,
            },
        )]
        .into(),
        more_ports: [(
            "80/udp".to_owned(),
            ["127.0.0.1:39124", "127.0.0.2:39123"]
                .map(|at| at.parse().unwrap())
                .into(),
        )]
        .into(),
        mounts: [
            (
                "/data".to_owned(),
                Mount {
                    options: MountOptions {
                        no_copy: true,
                        ..MountOptions::default()
                    },
                    ..mount(MountSource::Volume(EngineId::new(prefix.name("v"))), true)
                },
            ),
            (
                "/host".to_owned(),
                Mount {
                    options: MountOptions {
                        propagation: Some(Propagation::Private),
                        ..MountOptions::default()
                    },
                    ..mount(MountSource::Directory("/tmp".into()), true)
                },
            ),
            (
                "/labelled".to_owned(),
                Mount {
                    options: MountOptions {
                        selinux: Some(Selinux::Private),
                        propagation: Some(Propagation::Slave),
                        no_copy: false,
                    },
                    ..mount(MountSource::Directory("/var/tmp".into()), true)
                },
            ),
            (
                "/mem".to_owned(),
                mount(
                    MountSource::Tmpfs {
                        size: Some(1 << 20),
                        mode: Some(0o1770),
                    },
                    false,
                ),
            ),
        ]
        .into(),
        network_mode: NetworkMode::Own,
        health: Some(Health {
            test: vec!["CMD".into(), "true".into()],
            interval: Some(Span::from_secs(7)),
            timeout: Some(Span::from_millis(1500)),
            start_period: Some(Span::from_secs(3)),
            retries: Some(5),
            start_interval: Some(Span::from_secs(1)),
        }),
        shm_size: Some(32 << 20),
        more_hosts: [(
            "far".to_owned(),
            vec!["10.9.9.8".to_owned(), "10.0.0.1".to_owned()],
        )]
        .into(),
        extra_hosts: [("far".to_owned(), "10.1.2.3".to_owned())].into(),
        device_requests: vec![
            DeviceRequest {
                driver: "nvidia".into(),
                ids: vec!["0".into(), "GPU-1".into()],
                capabilities: ["gpu".to_owned(), "utility".to_owned()].into(),
                options: [("a".to_owned(), "b".to_owned())].into(),
                ..DeviceRequest::default()
            },
            DeviceRequest {
                count: -1,
                capabilities: ["gpu".to_owned()].into(),
                ..DeviceRequest::default()
            },
        ],
        device_rules: vec!["c 189:* rwm".into()],
        cgroup_parent: Some("/coasti".into()),
        cgroup: Some("host".into()),
        swappiness: Some(10),
        oom_kill_disable: true,
        // These depend on kernel, disks and storage driver.
        blkio: Blkio::default(),
        cpu_rt_runtime: None,
        cpu_rt_period: None,
        storage_opt: BTreeMap::new(),
        runtime: Some("runc".into()),
        annotations: BTreeMap::new(),
        log: Some(Log {
            driver: "json-file".into(),
            options: [("max-size".to_owned(), "1m".to_owned())].into(),
        }),
        stop_signal: Some("SIGINT".into()),
        stop_timeout: Some(Span::from_millis(4500)),
        init: Some(true),
        privileged: true,
        read_only: true,
        tty: true,
        cap_add: ["NET_ADMIN".to_owned()].into(),
        cap_drop: ["CHOWN".to_owned()].into(),
        dns: vec!["10.9.9.9".into()],
        sysctls: [("net.ipv4.ip_forward".to_owned(), "0".to_owned())].into(),
        security_opt: vec!["no-new-privileges".into()],
        devices: vec!["/dev/null:/dev/nil:r".into()],
        // Seen where they are delivered: tests/it/compose/engine.rs.
        files: [].into(),
        ulimits: [(
            "nofile".to_owned(),
            Ulimit {
                soft: 100,
                hard: 200,
            },
        )]
        .into(),
        domainname: Some("example.org".into()),
        dns_search: vec!["example.org".into()],
        dns_opt: vec!["ndots:2".into()],
        group_add: vec!["44".into()],
        stdin_open: true,
        pid: Some("host".into()),
        ipc: Some("shareable".into()),
        userns: Some("host".into()),
        // With it, the engine refuses a host name.
        uts: None,
        memory_reservation: Some(32 << 20),
        cpu_shares: Some(512),
        cpuset: Some("0".into()),
        oom_score_adj: Some(-5),
        post_run: vec![Text::plain("not sent")],
        post_run_at_start: true,
        create: ["/var/tmp".to_owned()].into(),
        live: LiveSpec {
            memory: Some(64 << 20),
            memory_swap: Some(96 << 20),
            nano_cpus: Some(500_000_000),
            pids: Some(77),
            restart: Restart {
                name: RestartName::OnFailure,
                max_retries: 3,
            },
            networks: [
                (prefix.name("a"), attachment("one", Some("10.213.8.5"))),
                (prefix.name("b"), attachment("two", None)),
            ]
            .into(),
        },
    }
}

/// `docker inspect`: the engine's word, without the code under test.
fn engine_says(id: &EngineId, format: &str) -> String {
    let output = Command::new("docker")
        .args(["inspect", "--format", format, id.as_str()])
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[tokio::test]
async fn every_declared_field_reaches_the_engine_and_is_seen_again() {
    let Some(docker) = engine("every_declared_field_reaches_the_engine").await else {
        return;
    };
    let prefix = Prefix::new();
    make_network(&docker, prefix.name("a"), Some("10.213.8.0/28"))
        .await
        .unwrap();
    make_network(&docker, prefix.name("b"), Some("10.213.8.16/28"))
        .await
        .unwrap();
    make_volume(&docker, prefix.name("v")).await;
    let spec = rich(&prefix);
    let id = made(
        run(&docker, create(&prefix, "rich", spec.clone()))
            .await
            .unwrap(),
    );

    let seen = docker.inspect(&id).await.unwrap().unwrap();
    assert_eq!(seen.name, prefix.name("rich"));
    assert_eq!(seen.state.status, Status::Created);
    assert!(!seen.state.ever_started);
    assert_eq!(seen.env["A"], Secret::new("x=y z".to_owned()));
    assert_eq!(seen.mounts, spec.mounts);
    // Docker before API 1.44 answers to the host name as well, and lists it.
    let mut live = seen.live;
    for attachment in live.networks.values_mut() {
        attachment.aliases.remove("host-a");
    }
    assert_eq!(live, spec.live);
    assert_eq!(seen.ports.len(), 3);
    assert_eq!(
        (seen.ports[0].port, seen.ports[0].bind),
        (39123, [127, 0, 0, 1].into())
    );
    assert_eq!(seen.owner.stack.unwrap().as_str(), prefix.as_str());

    for (format, wanted) in [
        ("{{json .Config.Cmd}}", r#"["-c","sleep 60"]"#),
        ("{{json .Config.Entrypoint}}", r#"["/bin/sh"]"#),
        (
            "{{.Config.Hostname}} {{.Config.User}} {{.Config.WorkingDir}}",
            "host-a 7:8 /tmp",
        ),
        (r#"{{index .Config.Labels "of.user"}}"#, "1"),
        ("{{json .Config.ExposedPorts}}", r#"{"80/udp":{}}"#),
        (
            "{{json .HostConfig.PortBindings}}",
            r#"{"80/udp":[{"HostIp":"127.0.0.1","HostPort":"39123"},{"HostIp":"127.0.0.1","HostPort":"39124"},{"HostIp":"127.0.0.2","HostPort":"39123"}]}"#,
        ),
        (
            // Without the start interval: Docker before 25 has none.
            "{{with .Config.Healthcheck}}{{json .Test}} {{json .Interval}} {{json .Timeout}} {{json .StartPeriod}} {{.Retries}}{{end}}",
            r#"["CMD","true"] 7000000000 1500000000 3000000000 5"#,
        ),
        (
            "{{json .HostConfig.Binds}}",
            r#"["/var/tmp:/labelled:ro,Z,slave"]"#,
        ),
        (
            "{{.HostConfig.ShmSize}} {{.HostConfig.Runtime}}",
            "33554432 runc",
        ),
        (
            "{{json .HostConfig.DeviceRequests}}",
            r#"[{"Driver":"nvidia","Count":0,"DeviceIDs":["0","GPU-1"],"Capabilities":[["gpu","utility"]],"Options":{"a":"b"}},{"Driver":"","Count":-1,"DeviceIDs":null,"Capabilities":[["gpu"]],"Options":null}]"#,
        ),
        (
            "{{json .HostConfig.ExtraHosts}}",
            r#"["far:10.1.2.3","far:10.9.9.8","far:10.0.0.1"]"#,
        ),
        (
            "{{json .HostConfig.LogConfig}}",
            r#"{"Type":"json-file","Config":{"max-size":"1m"}}"#,
        ),
        ("{{.Config.StopSignal}} {{.Config.StopTimeout}}", "SIGINT 5"),
        (
            "{{.HostConfig.Init}} {{.HostConfig.Privileged}} {{.HostConfig.ReadonlyRootfs}} {{.Config.Tty}} {{.HostConfig.AutoRemove}}",
            "true true true true false",
        ),
        (
            "{{json .HostConfig.CapAdd}} {{json .HostConfig.CapDrop}}",
            r#"["NET_ADMIN"] ["CHOWN"]"#,
        ),
        ("{{json .HostConfig.Dns}}", r#"["10.9.9.9"]"#),
        (
            "{{json .HostConfig.Sysctls}}",
            r#"{"net.ipv4.ip_forward":"0"}"#,
        ),
        ("{{index .HostConfig.SecurityOpt 0}}", "no-new-privileges"),
        (
            "{{range .HostConfig.Ulimits}}{{.Name}} {{.Soft}} {{.Hard}}{{end}}",
            "nofile 100 200",
        ),
        (
            "{{.Config.Domainname}} {{.Config.OpenStdin}} {{json .HostConfig.DnsSearch}} {{json .HostConfig.DnsOptions}} {{json .HostConfig.GroupAdd}}",
            r#"example.org true ["example.org"] ["ndots:2"] ["44"]"#,
        ),
        (
            "{{.HostConfig.PidMode}} {{.HostConfig.IpcMode}} {{.HostConfig.UsernsMode}}",
            "host shareable host",
        ),
        (
            "{{.HostConfig.MemoryReservation}} {{.HostConfig.CpuShares}} {{.HostConfig.CpusetCpus}} {{.HostConfig.OomScoreAdj}}",
            "33554432 512 0 -5",
        ),
        (
            "{{json .HostConfig.Devices}}",
            r#"[{"PathOnHost":"/dev/null","PathInContainer":"/dev/nil","CgroupPermissions":"r"}]"#,
        ),
    ] {
        assert_eq!(engine_says(&id, format), wanted, "{format}");
    }
}

#[tokio::test]
async fn work_that_is_done_is_found_done() {
    let Some(docker) = engine("work_that_is_done_is_found_done").await else {
        return;
    };
    let prefix = Prefix::new();
    let network = made(make_network(&docker, prefix.name("n"), None).await.unwrap());
    let volume = make_volume(&docker, prefix.name("v")).await;
    assert_eq!(make_volume(&docker, prefix.name("v")).await, volume);
    let id = made(run(&docker, create(&prefix, "a", sleeper())).await.unwrap());
    let connect = Call::Connect {
        container: id.clone(),
        network: prefix.name("n"),
        attachment: Attachment {
            aliases: ["web".to_owned()].into(),
            ..Attachment::default()
        },
    };
    let disconnect = Call::Disconnect {
        container: id.clone(),
        network: prefix.name("n"),
    };
    for (call, again) in [
        (Call::Start { id: id.clone() }, Done::Already),
        (connect, Done::Already),
        (Call::Pause { id: id.clone() }, Done::Already),
        (Call::Unpause { id: id.clone() }, Done::Already),
        (disconnect, Done::Already),
        (
            Call::Rename {
                id: id.clone(),
                to: prefix.name("b"),
            },
            Done::Already,
        ),
        (
            Call::Stop {
                id: id.clone(),
                timeout: Some(Span::from_secs(5)),
            },
            Done::Already,
        ),
        (Call::RemoveContainer { id: id.clone() }, Done::Already),
        (Call::RemoveNetwork { id: network }, Done::Already),
        (Call::RemoveVolume { name: volume }, Done::Already),
        (Call::Stop { id, timeout: None }, Done::Already),
    ] {
        let first = run(&docker, call.clone()).await;
        let first = first.unwrap_or_else(|error| panic!("{error}"));
        if !matches!(call, Call::Stop { timeout: None, .. }) {
            assert_eq!(first, Done::Done, "{call}");
        }
        let second = run(&docker, call.clone()).await;
        let second = second.unwrap_or_else(|error| panic!("again: {error}"));
        assert_eq!(second, again, "{call}");
    }
}

#[tokio::test]
async fn refusals_have_kinds() {
    let Some(docker) = engine("refusals_have_kinds").await else {
        return;
    };
    let prefix = Prefix::new();
    let kind = async |call| run(&docker, call).await.unwrap_err().kind;
    made(run(&docker, create(&prefix, "a", sleeper())).await.unwrap());
    assert_eq!(
        kind(create(&prefix, "a", sleeper())).await,
        ErrorKind::Conflict
    );

    let missing = ContainerSpec {
        image: "coasti-dt/none:1".into(),
        ..sleeper()
    };
    assert_eq!(
        kind(create(&prefix, "b", missing)).await,
        ErrorKind::NotFound
    );
    let none = EngineId::new(prefix.name("none"));
    assert_eq!(kind(Call::Start { id: none }).await, ErrorKind::NotFound);

    let first = make_network(&docker, prefix.name("n"), Some("10.213.9.0/28"));
    made(first.await.unwrap());
    let twice = make_network(&docker, prefix.name("n"), None).await;
    assert_eq!(twice.unwrap_err().kind, ErrorKind::Conflict);
    let overlap = make_network(&docker, prefix.name("o"), Some("10.213.9.8/29")).await;
    let overlap = overlap.unwrap_err();
    assert_eq!(overlap.kind, ErrorKind::PoolOverlap, "{overlap}");

    // A container that cannot join its second network is not left behind half-made. (One that is not
    // there would be refused only at its start.)
    let mut half = sleeper();
    for name in [prefix.name("n"), "host".to_owned()] {
        half.live.networks.insert(name, Attachment::default());
    }
    let error = run(&docker, create(&prefix, "half", half)).await;
    assert_eq!(error.unwrap_err().kind, ErrorKind::Rejected);
    let half = EngineId::new(prefix.name("half"));
    assert!(docker.inspect(&half).await.unwrap().is_none());

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut taken = sleeper();
    taken.ports.insert(
        "80/tcp".into(),
        Port {
            bind: [127, 0, 0, 1].into(),
            host: listener.local_addr().unwrap().port(),
        },
    );
    let id = made(run(&docker, create(&prefix, "taken", taken)).await.unwrap());
    if docker.info().local {
        assert_eq!(kind(Call::Start { id }).await, ErrorKind::PortTaken);
    }

    let mut lost = sleeper();
    let source = MountSource::Directory("/coasti/no/such/folder".into());
    lost.mounts.insert("/x".into(), mount(source, false));
    assert_eq!(
        kind(create(&prefix, "lost", lost)).await,
        ErrorKind::Rejected
    );

    let volume = make_volume(&docker, prefix.name("v")).await;
    let mut holder = sleeper();
    holder.mounts.insert(
        "/v".into(),
        mount(MountSource::Volume(volume.clone()), false),
    );
    made(
        run(&docker, create(&prefix, "holder", holder))
            .await
            .unwrap(),
    );
    assert_eq!(
        kind(Call::RemoveVolume { name: volume }).await,
        ErrorKind::Conflict
    );
}

#[tokio::test]
async fn limits_change_in_place_or_say_that_they_did_not() {
    let Some(docker) = engine("limits_change_in_place").await else {
        return;
    };
    let prefix = Prefix::new();
    let mut spec = sleeper();
    spec.live.memory = Some(64 << 20);
    let id = made(run(&docker, create(&prefix, "a", spec)).await.unwrap());
    run(&docker, Call::Start { id: id.clone() }).await.unwrap();
    let live = LiveSpec {
        // Above the swap that Docker gave it: refused unless both are sent.
        memory: Some(256 << 20),
        nano_cpus: Some(700_000_000),
        pids: Some(50),
        restart: Restart {
            name: RestartName::UnlessStopped,
            max_retries: 0,
        },
        ..LiveSpec::default()
    };
    let update = |live: &LiveSpec| Call::Update {
        id: id.clone(),
        live: live.clone(),
    };
    assert_eq!(run(&docker, update(&live)).await.unwrap(), Done::Done);
    let now = docker.inspect(&id).await.unwrap().unwrap().live;
    assert_eq!(
        (now.memory, now.nano_cpus, now.pids, now.restart),
        (live.memory, live.nano_cpus, live.pids, live.restart.clone())
    );
    // Docker says yes to this and does nothing.
    let zero = LiveSpec {
        nano_cpus: Some(0),
        ..live
    };
    let error = run(&docker, update(&zero)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Rejected);
    assert!(error.message.contains("cpus"), "{error}");
}

#[tokio::test]
async fn commands_run_and_their_exit_codes_come_back() {
    let Some(docker) = engine("commands_run_and_their_exit_codes_come_back").await else {
        return;
    };
    let prefix = Prefix::new();
    let id = made(run(&docker, create(&prefix, "a", sleeper())).await.unwrap());
    let exec = |words: &[&str]| Call::Exec {
        container: id.clone(),
        argv: words
            .iter()
            .map(|word| Secret::new((*word).to_owned()))
            .collect(),
        env: BTreeMap::new(),
        user: None,
    };
    let early = run(&docker, exec(&["true"])).await.unwrap_err();
    assert_eq!(early.kind, ErrorKind::Conflict);
    run(&docker, Call::Start { id: id.clone() }).await.unwrap();
    for (script, code, output) in [
        ("true", 0, ""),
        ("echo out; exit 3", 3, "out\n"),
        ("echo err >&2", 0, "err\n"),
        ("id -u", 0, "0\n"),
    ] {
        let done = run(&docker, exec(&["sh", "-c", script])).await.unwrap();
        let output = output.to_owned();
        assert_eq!(done, Done::Ran { code, output }, "{script}");
    }
    let Done::Ran { output, .. } = run(&docker, exec(&["seq", "1", "20000"])).await.unwrap() else {
        panic!("no command ran");
    };
    assert_eq!(output.len(), 16 * 1024);
    assert!(output.ends_with("20000\n"));
    let Done::Ran { code, output } = run(&docker, exec(&["no-such-program"])).await.unwrap() else {
        panic!("no command ran");
    };
    assert!(code == 126 || code == 127, "{code}");
    assert!(output.contains("no-such-program"), "{output}");
}

#[tokio::test]
async fn a_container_without_networks_declares_none() {
    let Some(docker) = engine("a_container_without_networks_declares_none").await else {
        return;
    };
    let prefix = Prefix::new();
    for (name, network_mode) in [
        ("own", NetworkMode::Own),
        ("host", NetworkMode::Host),
        ("none", NetworkMode::None),
    ] {
        let spec = ContainerSpec {
            network_mode,
            ..sleeper()
        };
        let id = made(run(&docker, create(&prefix, name, spec)).await.unwrap());
        let seen = docker.inspect(&id).await.unwrap().unwrap();
        assert!(seen.live.networks.is_empty(), "{name}");
    }
}

#[tokio::test]
async fn images_are_tagged_and_loaded() {
    let Some(docker) = engine("images_are_tagged_and_loaded").await else {
        return;
    };
    let prefix = Prefix::new();
    let image = format!("{}:1", prefix.name("image"));
    let empty = Call::MakeEmptyImage {
        reference: image.clone(),
    };
    made(run(&docker, empty).await.unwrap());
    let tag = format!("{}:2", prefix.name("image"));
    let call = Call::TagImage {
        image: image.clone(),
        tag: tag.clone(),
    };
    assert_eq!(run(&docker, call).await.unwrap(), Done::Done);
    assert!(docker.image(&tag).await.unwrap().is_some());

    let archive = std::env::temp_dir().join(format!("{}.tar", prefix.as_str()));
    let saved = Command::new("docker")
        .arg("save")
        .arg("-o")
        .arg(&archive)
        .arg(&tag)
        .status();
    assert!(saved.unwrap().success());
    for (tag, done) in [
        (&tag, Done::Done),
        (&tag, Done::Already),
        (&image, Done::Done),
    ] {
        let call = Call::UntagImage { tag: tag.clone() };
        assert_eq!(run(&docker, call).await.unwrap(), done, "{tag}");
    }
    assert!(docker.image(&tag).await.unwrap().is_none());
    assert!(docker.image(&image).await.unwrap().is_none());
    let load = Call::LoadImage {
        archive: archive.clone(),
    };
    assert_eq!(run(&docker, load.clone()).await.unwrap(), Done::Done);
    assert!(docker.image(&tag).await.unwrap().is_some());
    std::fs::write(&archive, "no archive").unwrap();
    let bad = run(&docker, load.clone()).await.unwrap_err();
    assert_eq!(bad.kind, ErrorKind::Rejected, "{bad}");
    std::fs::remove_file(&archive).unwrap();
    let gone = run(&docker, load).await.unwrap_err();
    assert!(gone.message.contains("cannot be read"), "{gone}");
}
