//! `coasti import compose`: what becomes of a compose file and of what it names.

use super::Place;
use crate::support::has_engine;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

/// A place with a stack in `stack`, which runs nothing.
fn place(engine: bool) -> Place {
    let place = Place::new(engine);
    let deploy = format!(
        "version: 1\nstack: {}\nid: 0123456789abcdef0123456789abcdef\n",
        place.name
    );
    place.write("stack/config/products.yml", "version: 1\nproducts: []\n");
    place.write("stack/config/deploy.yml", &deploy);
    place
}

/// Lists the product and runs it.
fn list(place: &Place, id: &str, site: &str) {
    let list = format!("version: 1\nproducts:\n- id: {id}\n");
    place.write("stack/config/products.yml", &list);
    let deploy = place.read("stack/config/deploy.yml");
    let deploy = format!("{deploy}site:\n{site}");
    place.write("stack/config/deploy.yml", &deploy);
}

fn mode(place: &Place, path: &str) -> u32 {
    let about = fs::metadata(place.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    about.permissions().mode() & 0o777
}

fn names(place: &Place, path: &str) -> Vec<String> {
    let all = fs::read_dir(place.path(path)).into_iter().flatten();
    let names = all.map(|one| one.unwrap().file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

#[test]
fn what_is_imported_is_a_product() {
    let place = place(false);
    let from = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/compose/include");
    let file = format!("{from}/compose.yml");
    let wish = ["-C", "stack", "import", "compose", &file, "--id", "shop"];
    // What a killed one left is no part of it.
    place.write("stack/products/.shop.coasti-new/old", "old");
    let ran = place.coasti(&wish).expect(0);
    ran.says(&[
        "wrote products/shop/compose.yml",
        "wrote products/shop/shared/cache.yml",
        "wrote products/shop/shared/db/compose.yml",
        "wrote products/shop/shared/db/values.env",
        "wrote products/shop/info.yml",
        "which were not copied as a whole: bring them there",
        "products/shop/shared/db/init",
        "no engine was looked at",
    ]);
    assert_eq!(names(&place, "stack/products"), ["shop"]);
    assert_eq!(
        names(&place, "stack/products/shop"),
        ["compose.yml", "info.yml", "shared"]
    );
    list(&place, "shop", "- {label: web, image: shop}\n");
    place.coasti(&["-C", "stack", "validate"]).expect(0);
    // What is there is not written over, and what is wrong is not written at all.
    place
        .coasti(&wish)
        .expect(1)
        .says(&["products/shop is there already"]);
    place.write("bad.yml", "services: {a: {imag: x}}\n");
    let wrong = ["-C", "stack", "import", "compose", &file, "--id", "../../x"];
    let ran = place.coasti(&wrong).expect(1);
    ran.says(&["`--id ../../x` cannot be a product's id"]);
    place
        .coasti(&["-C", "stack", "import", "compose", "bad.yml", "--id", "bad"])
        .expect(3)
        .says(&["imag"]);
    assert_eq!(names(&place, "stack/products"), ["shop"]);
}

#[test]
fn what_a_build_takes_is_imported_with_it() {
    let place = place(false);
    for (path, text) in [
        ("from/compose.yml", "services: {web: {build: app}}\n"),
        ("from/app/Dockerfile", "FROM debian:12\nCOPY . /\n"),
        ("from/app/.dockerignore", "node_modules\n"),
        ("from/app/node_modules/x", "large"),
        ("from/app/run.sh", "#!/bin/sh\n"),
    ] {
        place.write(path, text);
    }
    fs::create_dir_all(place.path("from/app/empty")).unwrap();
    let exact = fs::Permissions::from_mode(0o755);
    fs::set_permissions(place.path("from/app/run.sh"), exact).unwrap();
    symlink("run.sh", place.path("from/app/start")).unwrap();
    symlink("/etc", place.path("from/app/etc")).unwrap();
    let wish = ["-C", "stack", "import", "compose", "from/compose.yml"];
    place
        .coasti(&[&wish[..], &["--id", "shop"]].concat())
        .expect(0);
    assert_eq!(
        names(&place, "stack/products/shop/app"),
        [
            ".dockerignore",
            "Dockerfile",
            "empty",
            "etc",
            "run.sh",
            "start"
        ]
    );
    let link = |name: &str| fs::read_link(place.path("stack/products/shop/app").join(name));
    assert_eq!(link("start").unwrap().to_str(), Some("run.sh"));
    assert_eq!(link("etc").unwrap().to_str(), Some("/etc"));
    assert_eq!(mode(&place, "stack/products/shop/app/run.sh"), 0o755);
    // The same folder, so the same image.
    let image = || {
        let ran = place
            .coasti(&["-C", "stack", "explain", "web/web"])
            .expect(0);
        let at = ran
            .out
            .find("coasti/")
            .unwrap_or_else(|| panic!("{}", ran.out));
        ran.out[at..].lines().next().unwrap().to_owned()
    };
    list(&place, "shop", "- {label: web, image: shop}\n");
    let here = image();
    fs::remove_dir_all(place.path("stack/products/shop/app")).unwrap();
    fs::rename(
        place.path("from/app"),
        place.path("stack/products/shop/app"),
    )
    .unwrap();
    assert_eq!(here, image());
}

#[test]
fn secrets_stay_their_owners_and_links_do_not_lead_out() {
    let place = place(false);
    let compose = "services: {web: {image: \"a:1\", volumes: [\"./conf:/conf:ro\"], env_file: [.env.web, plain], environment: {A: $A}}}\n";
    place.write("from/docker/compose.yml", compose);
    place.write("from/docker/.env.web", "PASSWORD=1\n");
    place.write("from/docker/conf", "a file\n");
    place.write("from/docker/plain", "B=1\n");
    place.write("from/values", "A=1\n");
    place.write("elsewhere/secret", "C=1\n");
    let only = |path: &str| {
        fs::set_permissions(place.path(path), fs::Permissions::from_mode(0o640)).unwrap();
    };
    only("from/docker/plain");
    let wish = [
        "-C",
        "stack",
        "import",
        "compose",
        "from/docker/compose.yml",
        "--root",
        "from",
        "--env-file",
        "from/values",
        "--id",
        "shop",
    ];
    place.coasti(&wish).expect(0);
    for (path, wanted) in [
        ("docker/.env.web", 0o600),
        ("values", 0o600),
        ("docker/plain", 0o640),
        ("docker/conf", mode(&place, "from/docker/conf")),
        (
            "docker/compose.yml",
            mode(&place, "from/docker/compose.yml"),
        ),
    ] {
        let path = format!("stack/products/shop/{path}");
        assert_eq!(mode(&place, &path), wanted, "{path}");
    }
    // What is above the folder: the hint can be taken as it is.
    let above = compose.replace("plain", "../values");
    place.write("from/docker/compose.yml", &above);
    let hint = format!("--root {}", place.path("from").display());
    let mut other = wish;
    other[10] = "other";
    let bare = [&other[..5], &other[9..]].concat();
    place
        .coasti(&bare)
        .expect(3)
        .says(&["names files that are not in", "../values", &hint]);
    // With all else that is wrong.
    place.write(
        "from/docker/compose.yml",
        &above.replace("image:", "imagge:"),
    );
    place
        .coasti(&bare)
        .expect(3)
        .says(&["names files that are not in", "unknown key `imagge`"]);
    place.write("from/docker/compose.yml", &above);
    place.coasti(&other).expect(0);
    fs::remove_dir_all(place.path("stack/products/other")).unwrap();
    // A link within is followed, one that leads out is not.
    fs::remove_file(place.path("from/values")).unwrap();
    symlink("docker/plain", place.path("from/values")).unwrap();
    place.coasti(&other).expect(0);
    fs::remove_dir_all(place.path("stack/products/other")).unwrap();
    fs::remove_file(place.path("from/docker/plain")).unwrap();
    place.write("from/docker/compose.yml", compose);
    symlink(
        place.path("elsewhere/secret"),
        place.path("from/docker/plain"),
    )
    .unwrap();
    fs::remove_file(place.path("from/values")).unwrap();
    place.write("from/values", "A=1\n");
    let ran = place.coasti(&other).expect(3);
    ran.says(&["is a link to", "elsewhere/secret, which is not in"]);
    // Nor is anything written where a link leads.
    fs::remove_dir_all(place.path("stack/products")).unwrap();
    symlink(place.path("elsewhere"), place.path("stack/products")).unwrap();
    fs::remove_file(place.path("from/docker/plain")).unwrap();
    place.write("from/docker/plain", "B=1\n");
    place
        .coasti(&other)
        .expect(1)
        .says(&["a link is not followed"]);
    assert_eq!(names(&place, "elsewhere"), ["secret"]);
}

#[test]
fn what_runs_of_a_compose_project_is_taken_over_with_its_data() {
    if !has_engine("what_runs_of_a_compose_project_is_taken_over_with_its_data") {
        return;
    }
    let place = place(true);
    let name = place.name.clone();
    let image = "coasti-test/tiny:1";
    let command = "trap 'exit 0' TERM; while :; do sleep 1 & wait; done";
    // An engine has one bridge of a name.
    let bridge = format!("ct{}", std::process::id());
    let network = format!("{name}-c_lan");
    let option = format!("com.docker.network.bridge.name={bridge}");
    place.network_with(&network, &["--opt", &option]);
    place.write(
        "from/compose.yml",
        &format!(
            "name: {name}-c\nservices:\n  app:\n    image: {image}\n    command: [sh, -c, \"{command}\"]\n    volumes: [kept:/data, ./bind:/bind:z]\n    secrets: [token]\n    configs: [{{source: site, target: /etc/site}}]\n  cron:\n    image: {image}\n    command: [sh, -c, \"{command}\"]\n    volumes: [kept:/data]\n    networks: [lan]\nnetworks: {{lan: {{driver_opts: {{com.docker.network.bridge.name: {bridge}}}}}}}\nvolumes: {{kept: {{}}}}\nsecrets: {{token: {{file: ./token}}}}\nconfigs: {{site: {{file: ./site}}}}\n"
        ),
    );
    let volume = format!("{name}-c_kept");
    place.volume(&volume);
    place.write("from/bind/file", "here\n");
    let labels = |service: &str| {
        [
            format!("com.docker.compose.project={name}-c"),
            format!("com.docker.compose.service={service}"),
            "com.docker.compose.container-number=1".to_owned(),
            "com.docker.compose.oneoff=False".to_owned(),
        ]
    };
    place.write("from/token", "secret\n");
    place.write("from/site", "config\n");
    let mount = format!("{volume}:/data");
    let bind = format!("{}:/bind:z", place.path("from/bind").display());
    // As Compose delivers them.
    let token = format!(
        "{}:/run/secrets/token:ro",
        place.path("from/token").display()
    );
    let site = format!("{}:/etc/site:ro", place.path("from/site").display());
    for (service, more) in [
        (
            "app",
            vec!["-v", &mount, "-v", &bind, "-v", &token, "-v", &site],
        ),
        // On the same volume.
        ("cron", vec!["-v", &mount, "--network", &network]),
        ("gone", Vec::new()),
    ] {
        let labels = labels(service);
        let mut all: Vec<&str> = labels.iter().flat_map(|label| ["--label", label]).collect();
        all.extend(more);
        all.extend([image, "sh", "-c", command]);
        place.run(&format!("{name}-c-{service}-1"), &all);
    }
    place.docker(&[
        "exec",
        &format!("{name}-c-app-1"),
        "sh",
        "-c",
        "echo kept >/data/x",
    ]);
    let ran = place.coasti(&[
        "-C",
        "stack",
        "import",
        "compose",
        "from/compose.yml",
        "--id",
        "shop",
    ]);
    let ran = ran.expect(0).says(&[
        &format!("app: takes over container {name}-c-app-1 (running), with the data in"),
        &format!("not taken over, the files do not run them: {name}-c-gone-1"),
        "do not start the project with Compose any more",
        "wrote products/shop/compose.coasti.yml",
    ]);
    let at = ran
        .err
        .find("- label: shop")
        .unwrap_or_else(|| panic!("{}", ran.err));
    list(&place, "shop", &ran.err[at..]);
    let over = fs::read_to_string(place.path("stack/products/shop/compose.coasti.yml")).unwrap();
    assert!(over.contains("/bind:z"), "{over}");
    assert!(
        over.contains(&format!(
            "lan: !override {{name: {network}, external: true}}"
        )),
        "{over}"
    );
    assert!(
        !over.contains("/run/secrets") && !over.contains("/etc/site"),
        "{over}"
    );
    place.coasti(&["-C", "stack", "apply", "--yes"]).expect(0);
    let data = format!("{name}-shop-app");
    assert_eq!(
        place.docker(&[
            "exec",
            &data,
            "cat",
            "/data/x",
            "/bind/file",
            "/run/secrets/token",
            "/etc/site"
        ]),
        "kept\nhere\nsecret\nconfig"
    );
    assert_eq!(
        place.docker(&[
            "inspect",
            "--format",
            "{{range .Mounts}}{{if eq .Destination \"/bind\"}}{{.Mode}}{{end}}{{end}}",
            &data
        ]),
        "z"
    );
    assert_eq!(
        place.docker(&[
            "inspect",
            "--format",
            "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{end}}",
            &format!("{name}-shop-cron")
        ]),
        network
    );
    assert_eq!(place.containers(&format!("{name}-c-app")), "");
    place
        .coasti(&["-C", "stack", "plan", "--detailed-exitcode"])
        .expect(0);
}
