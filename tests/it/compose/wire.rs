//! What compose files say of containers, as the engine tells it back.

use super::engine::composed;
use crate::support::{
    docker::{docker, inspect, quiet},
    stack::Stack,
};
use serde_json::{Value, json};

/// Writes the services, and applies them: there is nothing left to do.
fn applied(stack: &Stack, services: &str) {
    let text = services.replace("WAITS", super::engine::WAITS);
    stack.write("products/shop/docker/compose.yml", &text);
    stack.apply();
    stack.plan(0);
}

#[test]
fn one_port_is_published_in_several_places() {
    let Some(stack) = composed("one_port_is_published_in_several_places", &[]) else {
        return;
    };
    let port = |n| stack.port(n);
    let bound = || inspect(&stack.object("web/a"))["NetworkSettings"]["Ports"].clone();
    let at = |ip: &str, n: u16| json!({"HostIp": ip, "HostPort": stack.port(n).to_string()});
    let services = |ports: &str, more: &str| {
        format!(
            "services:\n  a: {{image: 'coasti-test/tiny:1', command: WAITS, ports: [{ports}]}}\n{more}"
        )
    };
    let places = format!(
        "'127.0.0.1:{0}:80', '127.0.0.1:{1}:80', '127.0.0.2:{0}:80', '127.0.0.1:{0}-{2}:81'",
        port(30),
        port(31),
        port(32)
    );
    applied(&stack, &services(&places, ""));
    let sorted = |ports: &Value, inside: &str| {
        let mut all = ports[inside].as_array().unwrap().clone();
        all.sort_by_key(Value::to_string);
        all
    };
    let first = bound();
    let three = [
        at("127.0.0.1", 30),
        at("127.0.0.1", 31),
        at("127.0.0.2", 30),
    ];
    assert_eq!(sorted(&first, "80/tcp"), three);
    // The others of its range are said by the file.
    assert_eq!(sorted(&first, "81/tcp"), [at("127.0.0.1", 32)]);

    // One goes, and with it the reason for the choice: what was chosen stays.
    let places = format!(
        "'127.0.0.1:{}:80', '127.0.0.1:{}-{}:81'",
        port(31),
        port(30),
        port(32)
    );
    applied(&stack, &services(&places, ""));
    let second = bound();
    assert_eq!(sorted(&second, "80/tcp"), [at("127.0.0.1", 31)]);
    assert_eq!(second["81/tcp"], first["81/tcp"]);

    // None of a range is left: an error before anything is touched.
    let more = format!(
        "  b: {{image: 'coasti-test/tiny:1', command: WAITS, ports: ['127.0.0.1:{0}-{0}:80', '{0}-{1}:81']}}\n",
        port(31),
        port(32)
    );
    let text = services(&places, &more).replace("WAITS", super::engine::WAITS);
    stack.write("products/shop/docker/compose.yml", &text);
    stack
        .coasti(&["plan"])
        .expect(3)
        .says(&["is wanted by `web/a` and `web/b`"]);
    let free = text.replace(&format!("'127.0.0.1:{0}-{0}:80', ", port(31)), "");
    stack.write("products/shop/docker/compose.yml", &free);
    stack.coasti(&["plan"]).expect(3).says(&[
        &format!(
            "no port from {} to {} is free for `web/b`",
            port(31),
            port(32)
        ),
        "free one of them, or write a longer range",
    ]);
    assert_eq!(bound(), second);
}

/// Whether the engine's API is at least that.
fn speaks(minor: u32) -> bool {
    let version = docker(&["version", "--format", "{{.Server.APIVersion}}"]);
    let own = version
        .split_once('.')
        .and_then(|(_, minor)| minor.parse().ok());
    own.is_some_and(|own: u32| own >= minor)
}

/// The engine's own changes nothing; another's is an error before anything is touched.
#[test]
fn a_platform_is_the_engines_own() {
    let Some(stack) = composed("a_platform_is_the_engines_own", &[]) else {
        return;
    };
    let own = docker(&["version", "--format", "{{.Server.Os}}/{{.Server.Arch}}"]);
    let service = |more: &str| {
        format!("services:\n  a: {{image: 'coasti-test/tiny:1', command: WAITS{more}}}\n")
    };
    applied(&stack, &service(&format!(", platform: {}", own.trim())));
    let id = || inspect(&stack.object("web/a"))["Id"].clone();
    let before = id();
    applied(&stack, &service(""));
    assert_eq!(id(), before);
    let text = service(", platform: linux/s390x").replace("WAITS", super::engine::WAITS);
    stack.write("products/shop/docker/compose.yml", &text);
    stack.coasti(&["plan"]).expect(3).says(&[
        "E0208",
        "products/shop/docker/compose.yml:2",
        "`web/a` asks for an image for linux/s390x",
        &format!("the engine is for {}", own.trim()),
    ]);
    stack.coasti(&["validate"]).expect(0);
    assert_eq!(id(), before);
}

#[test]
fn a_quota_is_changed_while_the_container_runs() {
    let Some(stack) = composed("a_quota_is_changed_while_the_container_runs", &[]) else {
        return;
    };
    let with = |more: &str| {
        applied(
            &stack,
            &format!("services:\n  a: {{image: 'coasti-test/tiny:1', command: WAITS, {more}}}\n"),
        );
        let a = inspect(&stack.object("web/a"));
        (a["Id"].clone(), a["HostConfig"]["NanoCpus"].clone())
    };
    let (id, nanos) = with("cpu_quota: 20000");
    assert_eq!(nanos, 200_000_000);
    assert_eq!(
        with("cpu_quota: 10000, cpu_period: 20000"),
        (id.clone(), json!(500_000_000))
    );
    assert_eq!(with("cpus: 0.5"), (id, json!(500_000_000)));
}

#[test]
fn rules_for_devices_and_a_control_group_come_to_the_engine() {
    let test = "rules_for_devices_and_a_control_group_come_to_the_engine";
    let Some(stack) = composed(test, &[]) else {
        return;
    };
    applied(
        &stack,
        "services:\n  a: {image: 'coasti-test/tiny:1', command: WAITS, device_cgroup_rules: ['c 189:* rwm'], cgroup_parent: /coasti-above, links: [b]}\n  b: {image: 'coasti-test/tiny:1', command: WAITS}\n",
    );
    let a = inspect(&stack.object("web/a"));
    assert_eq!(a["HostConfig"]["DeviceCgroupRules"], json!(["c 189:* rwm"]));
    assert_eq!(a["HostConfig"]["CgroupParent"], "/coasti-above");
    let b = inspect(&stack.object("web/b"));
    let started = |of: &Value| of["State"]["StartedAt"].as_str().unwrap().to_owned();
    assert!(started(&b) < started(&a));
    let name = stack.object("web/a");
    docker(&["exec", &name, "ping", "-c", "1", "b"]);
    // Less is another container.
    applied(
        &stack,
        "services:\n  a: {image: 'coasti-test/tiny:1', command: WAITS}\n  b: {image: 'coasti-test/tiny:1', command: WAITS}\n",
    );
    let now = inspect(&name);
    assert_ne!(now["Id"], a["Id"]);
    assert_eq!(now["HostConfig"]["CgroupParent"], "");
    assert_eq!(inspect(&stack.object("web/b"))["Id"], b["Id"]);
}

/// There is no GPU, nor its driver, where the tests run: what the engine makes of that is seen.
#[test]
fn runtimes_devices_and_annotations_come_to_the_engine() {
    let test = "runtimes_devices_and_annotations_come_to_the_engine";
    let Some(stack) = composed(test, &[]) else {
        return;
    };
    let service = |more: &str| {
        format!("services:\n  a: {{image: 'coasti-test/tiny:1', command: WAITS{more}}}\n")
    };
    let write = |more: &str| {
        let text = service(more).replace("WAITS", super::engine::WAITS);
        stack.write("products/shop/docker/compose.yml", &text);
    };
    applied(&stack, &service(", runtime: runc"));
    let before = inspect(&stack.object("web/a"));
    assert_eq!(before["HostConfig"]["Runtime"], "runc");

    // Refused when it is made: nothing is touched.
    write(", runtime: nosuch");
    stack.coasti(&["apply", "--yes"]).expect(7).says(&[
        "products/shop/docker/compose.yml:2",
        "nosuch",
        "`docker info` names the runtimes",
    ]);
    assert_eq!(inspect(&stack.object("web/a"))["State"], before["State"]);

    // Refused when it starts, before the old one stops.
    write(", gpus: [{count: 2, driver: '', capabilities: [utility], options: {a: b}}]");
    let failed = stack.coasti(&["apply", "--yes"]).expect(7);
    failed.says(&[
        "products/shop/docker/compose.yml:2",
        "could not select device driver",
        "the engine has no driver for such devices",
        "undone: what it made is gone again; what ran before was not touched",
    ]);
    assert_eq!(inspect(&stack.object("web/a"))["Id"], before["Id"]);
    write(
        ", deploy: {resources: {reservations: {devices: [{capabilities: [gpu], device_ids: ['0']}]}}}",
    );
    stack.coasti(&["apply", "--yes"]).expect(7).says(&[
        "products/shop/docker/compose.yml:2",
        "could not select device driver",
    ]);

    write(", annotations: {a.b: c}");
    if speaks(43) {
        stack.apply();
        stack.plan(0);
        let now = inspect(&stack.object("web/a"));
        assert_eq!(now["HostConfig"]["Annotations"], json!({"a.b": "c"}));
    } else {
        stack
            .coasti(&["plan"])
            .expect(3)
            .says(&["E0207", "Docker 24"]);
    }
    applied(&stack, &service(", runtime: runc"));
}

/// What an image declares included: it stays with both where the container that it is of is made anew.
#[test]
fn volumes_of_another_service_are_shared() {
    let Some(stack) = composed("volumes_of_another_service_are_shared", &[]) else {
        return;
    };
    let services = |more: &str| {
        format!(
            "services:\n  a: {{image: 'coasti-test/tiny:1', command: WAITS, volumes_from: ['b']}}\n  \
             r: {{image: 'coasti-test/tiny:1', command: WAITS, volumes_from: ['a:ro']}}\n  \
             b: {{image: 'coasti-test/volume:1', command: WAITS, volumes: ['data:/data']{more}}}\nvolumes: {{data: }}\n"
        )
    };
    applied(&stack, &services(""));
    let [a, b, r] = ["a", "b", "r"].map(|name| stack.object(&format!("web/{name}")));
    let id = |name: &str| inspect(name)["Id"].clone();
    let before = [id(&a), id(&r)];
    docker(&[
        "exec",
        &b,
        "sh",
        "-c",
        "echo one >/var/lib/thing/here; echo two >/data/here",
    ]);
    let both = ["cat", "/var/lib/thing/here", "/data/here"];
    let read = |name: &str| docker(&[&["exec", name], &both[..]].concat());
    assert_eq!(read(&a), "one\ntwo");
    assert_eq!(read(&r), "one\ntwo");
    docker(&["exec", &a, "sh", "-c", "echo three >/data/here"]);
    let denied = quiet(&["exec", &r, "sh", "-c", "echo four >/data/here"]);
    assert!(denied.contains("Read-only file system"), "{denied}");
    applied(&stack, &services(", labels: {a: b}"));
    assert_eq!([id(&a), id(&r)], before);
    assert_eq!(read(&b), "one\nthree");
}

/// Whoever has another's processes or memory goes with it.
#[test]
fn processes_and_memory_of_another_service_are_shared() {
    let test = "processes_and_memory_of_another_service_are_shared";
    let Some(stack) = composed(test, &[]) else {
        return;
    };
    let services = |more: &str| {
        format!(
            "services:\n  a: {{image: 'coasti-test/tiny:1', command: WAITS, pid: 'service:b', ipc: 'service:b'}}\n  \
             b: {{image: 'coasti-test/tiny:1', command: WAITS, ipc: shareable{more}}}\n"
        )
    };
    applied(&stack, &services(""));
    let [a, b] = ["a", "b"].map(|name| stack.object(&format!("web/{name}")));
    let check = || {
        let [a, b] = [inspect(&a), inspect(&b)];
        let of = json!(format!("container:{}", b["Id"].as_str().unwrap()));
        let host = &a["HostConfig"];
        assert_eq!([&host["PidMode"], &host["IpcMode"]], [&of, &of]);
        assert_eq!(a["State"]["Running"], true);
        a["Id"].clone()
    };
    let before = check();
    docker(&["exec", &b, "sh", "-c", "echo one >/dev/shm/here"]);
    assert_eq!(docker(&["exec", &a, "cat", "/dev/shm/here"]), "one");
    applied(&stack, &services(", labels: {a: b}"));
    assert_ne!(check(), before);
    // What fails later brings both back as they were.
    let kept = check();
    let broken = services(", environment: {A: b}").replace(
        "a: {",
        "c: {image: 'coasti-test/tiny:1', command: 'false', depends_on: [a]}\n  a: {",
    );
    stack.write(
        "products/shop/docker/compose.yml",
        &broken.replace("WAITS", super::engine::WAITS),
    );
    stack.coasti(&["apply", "--yes"]).expect(7);
    assert_eq!(check(), kept);
}

/// What an engine does only on some kernels is told to it; this one's is asked what it made of that.
#[test]
fn what_only_some_kernels_do_comes_to_the_engine() {
    let Some(stack) = composed("what_only_some_kernels_do_comes_to_the_engine", &[]) else {
        return;
    };
    let disk = std::fs::read_dir("/sys/block").into_iter().flatten();
    let disk = disk
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .map(|name| format!("/dev/{name}"))
        .find(|path| std::path::Path::new(path).exists());
    let blkio = disk.as_ref().map_or(String::new(), |disk| {
        format!(
            ", blkio_config: {{device_read_bps: [{{path: {disk}, rate: 1mb}}], device_write_iops: [{{path: {disk}, rate: 100}}]}}"
        )
    });
    applied(
        &stack,
        &format!(
            "services:\n  a: {{image: 'coasti-test/tiny:1', command: WAITS, mem_swappiness: 10, oom_kill_disable: true, cgroup: private{blkio}}}\n"
        ),
    );
    let host = &inspect(&stack.object("web/a"))["HostConfig"];
    assert_eq!(host["CgroupnsMode"], "private");
    let info = docker(&["info", "--format", "{{.CgroupVersion}}"]);
    // Kernels with the second version have neither.
    if info.trim() == "1" {
        assert_eq!(host["MemorySwappiness"], 10);
        assert_eq!(host["OomKillDisable"], true);
    }
    if let Some(disk) = disk {
        let rate = |rate: u32| json!([{"Path": disk, "Rate": rate}]);
        assert_eq!(host["BlkioDeviceReadBps"], rate(1 << 20));
        assert_eq!(host["BlkioDeviceWriteIOps"], rate(100));
    }
}
