//! What services have of each other's containers.

use super::*;
use crate::model::Need;

/// Mounts of a service's container, a line each.
fn mounts(stack: &Stack, address: &str) -> Vec<String> {
    let all = fields(stack, address);
    let mounts = all.lines().filter(|line| line.starts_with("mounts."));
    mounts.map(str::to_owned).collect()
}

#[test]
fn volumes_of_another_are_also_those_of_its_image() {
    let map = stack([(
        "compose.yml",
        "services:\n  \
         a: {image: 'x:1', volumes_from: ['b:ro'], volumes: ['own:/kept'], stop_grace_period: 5s}\n  \
         b: {image: 'y:1', volumes_from: [c], volumes: [/said]}\n  \
         c: {image: 'z:1', volumes: ['data:/data'], tmpfs: /memory}\nvolumes: {own: , data: }\n",
    )]);
    let mut world = World::new();
    // Of what two images declare it is the first's: the second has a volume there then.
    world.image("docker.io/library/x:1", &["/declared", "/alone"]);
    world.image("docker.io/library/y:1", &["/declared", "/kept"]);
    world.image("docker.io/library/z:1", &["/declared/", "/data"]);
    let stack = sealed(&map, &world).stack;
    assert_eq!(
        mounts(&stack, "web/a"),
        [
            "mounts./alone.volume = acme-web-a-anon-alone",
            "mounts./data.nocopy = true",
            "mounts./data.read_only = true",
            "mounts./data.volume = acme-web-data",
            "mounts./declared.nocopy = true",
            "mounts./declared.read_only = true",
            "mounts./declared.volume = acme-web-c-anon-declared",
            "mounts./kept.volume = acme-web-own",
            "mounts./said.nocopy = true",
            "mounts./said.read_only = true",
            "mounts./said.volume = acme-web-b-anon-said",
        ]
    );
    assert_eq!(
        mounts(&stack, "web/c"),
        [
            "mounts./data.volume = acme-web-data",
            "mounts./declared.volume = acme-web-c-anon-declared",
            "mounts./memory.tmpfs = ",
        ]
    );
    // The other is there first, and is not the reason for another container: what is kept is the volumes.
    let id = |name: &str| ResourceId::container(format!("web/{name}"));
    let a = &stack.resources[&id("a")];
    assert_eq!(a.needs[&id("b")], Need::Started);
    let undeclared = ResourceId::volume("web/c/anon-declared");
    assert_eq!(a.needs[&undeclared], Need::Exists);
    assert!(a.about.as_ref().unwrap().renews_with.is_empty());
    assert!(stack.resources[&id("b")].life.holds_data);
}

#[test]
fn files_of_another_are_not_taken_and_a_warning_says_so() {
    let map = stack([(
        "compose.yml",
        "services:\n  \
         a: {image: 'x:1', volumes_from: [b]}\n  \
         b: {image: 'x:1', volumes: [/d], configs: [c]}\nconfigs: {c: {content: text}}\n",
    )]);
    insta::assert_snapshot!(said(&map), @"
    W0150 products/shop/compose.yml:2:36 `volumes_from` of `a` takes no secrets and configs of `b`
        help: name those that it needs under its own `secrets` and `configs`
    ");
    assert!(container(&made(&map), "web/a").files.is_empty());
}

#[test]
fn processes_and_memory_of_another_go_with_it() {
    let map = stack([(
        "compose.yml",
        "services:\n  \
         a: {image: 'x:1', pid: 'service:b', ipc: 'service:c'}\n  \
         b: {image: 'x:1', restart: 'no'}\n  \
         c: {image: 'x:1', ipc: shareable, scale: 2}\n",
    )]);
    let stack = made(&map);
    let spec = container(&stack, "web/a");
    assert_eq!(spec.pid.as_deref(), Some("container:acme-web-b"));
    assert_eq!(spec.ipc.as_deref(), Some("container:acme-web-c"));
    let id = |name: &str| ResourceId::container(format!("web/{name}"));
    let a = &stack.resources[&id("a")];
    assert_eq!(a.needs[&id("b")], Need::Started);
    let with = &a.about.as_ref().unwrap().renews_with;
    assert!(
        ["b", "c", "c-2"]
            .into_iter()
            .all(|name| with.contains(&id(name)))
    );
    // It has to run, so it is no job.
    assert!(!stack.resources[&id("b")].about.as_ref().unwrap().job);
}

/// What is taken of it stays when it has ended: the oldest way to keep data has such a container.
#[test]
fn what_only_keeps_volumes_may_end() {
    let job = |more: &str| {
        let text = format!(
            "services:\n  a: {{image: 'x:1', volumes_from: [b]{more}}}\n  \
             b: {{image: 'x:1', volumes: [/d], command: 'true', restart: 'no'}}\n"
        );
        let stack = made(&stack([("compose.yml", text.as_str())]));
        let b = &stack.resources[&ResourceId::container("web/b")];
        b.about.as_ref().unwrap().job
    };
    assert!(job(""));
    assert!(!job(", depends_on: [b]"));
    assert!(!job(", pid: 'service:b'"));
}
