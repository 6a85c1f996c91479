//! How an app's volumes are mounted.

use super::errors::{deploy, of_app};
use super::*;

fn stack(volumes: &str) -> Stack {
    let app =
        format!("metadata: {{id: wiki, version: '1.0'}}\nimage: acme/wiki:1\nvolume:\n{volumes}");
    let folder = Map::wiki(&app, &deploy("- {label: wiki, image: wiki}\n"));
    let mut world = World::new();
    world.image("docker.io/acme/wiki:1", &[]);
    sealed(&folder, &world).stack
}

#[test]
fn volumes_say_how_they_are_mounted() {
    let stack = stack(
        "- {name: data, target: /data, nocopy: true, labels: {backup: daily, n: 1}}\n\
         - {name: /srv/a, target: /a, type: directory, create: true, selinux: z, read-only: true}\n\
         - {name: /srv/b, target: /b, type: directory, propagation: rslave}\n\
         - {name: /srv/c, target: /c, type: directory, propagation: rprivate}\n",
    );
    let all = fields(&stack, "wiki");
    let mounts: Vec<_> = all
        .lines()
        .filter(|one| one.starts_with("mounts"))
        .collect();
    assert_eq!(
        mounts,
        [
            "mounts./a.directory = /srv/a",
            "mounts./a.read_only = true",
            "mounts./a.selinux = z",
            "mounts./b.directory = /srv/b",
            "mounts./b.propagation = rslave",
            "mounts./c.directory = /srv/c",
            "mounts./data.nocopy = true",
            "mounts./data.volume = acme-wiki-data",
        ]
    );
    let volume = &stack.resources[&ResourceId::volume("wiki/data")].spec;
    let shown: Vec<_> = flatten(volume).into_iter().collect();
    let shown: Vec<_> = shown
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    assert_eq!(shown, ["labels.backup=daily", "labels.n=1"]);
}

#[test]
fn what_a_volume_cannot_have_is_told() {
    for (volume, told) in [
        (
            "{name: /a, target: /a, type: directory, selinux: z}",
            "E0135 products/wiki/nua-config.yml:4:3 `/a` cannot be labelled for SELinux",
        ),
        (
            "{name: /a, target: /a, type: directory, create: true, selinux: y}",
            "E0106 products/wiki/nua-config.yml:4:66 `selinux` of a volume cannot be `y`",
        ),
        (
            "{name: /a, target: /a, type: directory, propagation: odd}",
            "E0106 products/wiki/nua-config.yml:4:56 `propagation` of a volume cannot be `odd`",
        ),
        (
            "{name: a, target: /a, labels: {coasti.stack: x}}",
            "E0106 products/wiki/nua-config.yml:4:34 `coasti.stack` cannot be a label",
        ),
        (
            "{name: a, target: /a, selinux: z}",
            "`selinux` of the volume at `/a` has no effect",
        ),
        (
            "{name: ab, target: /a, external: true, labels: {a: b}}",
            "`labels` of the volume at `/a` has no effect",
        ),
        (
            "{type: tmpfs, target: /a, nocopy: true}",
            "`nocopy` of the volume at `/a` has no effect",
        ),
        ("{name: a, target: /a, labels: {api-token: x}}", "W0179"),
    ] {
        let found = of_app(&format!("volume:\n- {volume}\n"));
        assert!(found.contains(told), "{volume}: {found}");
    }
}
