//! What is secret is in no spec, and in nothing that is told.

use super::*;
use crate::config::explain::explain;

/// What makes a secret is one under its own name as well, in commands, and in what it is filled into.
#[test]
fn what_secrets_are_made_of_is_in_nothing() {
    let folder = Map::new([
        (
            "config/products.yml",
            "version: 1\nproducts: [{id: shop}]\n",
        ),
        (
            "config/deploy.yml",
            r#"version: 1
stack: acme
site:
- {label: shop, image: shop}
- label: plain
  image: acme/plain:1
  env:
    P: hunter2-own
    Q: hunter2-url
    USER: bob
    DB_PASSWORD: "{P}"
    NOTE: "x{P}y"
    URL: "http://{USER}:{Q}@h/"
    DSN: user=bob password=hunter2-dsn host=h
    PGPASSWORD: hunter2-pg
    MAX_TOKENS: "4096"
  docker: {command: "serve --password=hunter2-flag -v", labels: {db_password: hunter2-label}}
  healthcheck: {command: 'check --token hunter2-word --password="$DB_PASSWORD"'}
"#,
        ),
        ("products/shop/info.yml", "run: {compose: compose.yml}\n"),
        ("products/shop/.env", "P=hunter2-env\nQ=hunter2-env-url\n"),
        (
            "products/shop/compose.yml",
            r#"services:
  a:
    image: acme/a:1
    environment: {DB_PASSWORD: "${P}", URL: "http://u:${Q}@h/x", NOTE: "key=${P}", DSN: "Server=h;Password=hunter2-in;"}
    command: [sh, -c, "echo ${P} && run --password=hunter2-sh x", --token, hunter2-word, "--password=$$DB_PASSWORD"]
    healthcheck: {test: "cli --pass=$$P; x --secret=hunter2-health"}
"#,
        ),
    ]);
    let mut d = Diagnostics::new();
    let desired = read(&folder, &mut d).unwrap();
    let said: Vec<_> = d.sorted().iter().map(|one| one.code.to_string()).collect();
    assert_eq!(said, ["W0179"]);
    for address in ["shop", "plain"] {
        let told = explain(&desired, address).unwrap();
        let text = serde_json::to_string(&told).unwrap();
        assert!(!text.contains("hunter2"), "{address}: {text}");
    }
    let sealed = sealed(&folder, &World::new());
    insta::assert_snapshot!(fields(&sealed.stack, "plain"), @r#"
    command = ["serve","--password=***58f40c4388e4","-v"]
    env.DB_PASSWORD = ***e0f8cd144baf
    env.DSN = ***ade544c40b2d
    env.MAX_TOKENS = 4096
    env.NOTE = x***e0f8cd144bafy
    env.P = ***e0f8cd144baf
    env.PGPASSWORD = ***e6196e55c382
    env.Q = ***19be810f4e3d
    env.URL = http://bob:***19be810f4e3d@h/
    env.USER = bob
    health.interval = 5s
    health.retries = 3
    health.start_period = 2m
    health.test = ["CMD-SHELL","check --token ***976ff755c656 --password=\"$DB_PASSWORD\""]
    health.timeout = 30s
    hostname = plain
    image = docker.io/acme/plain:1
    labels.db_password = hunter2-label
    "#);
    insta::assert_snapshot!(fields(&sealed.stack, "shop/a"), @r#"
    command = ["sh","-c","echo ***24a894957d10 && run --password=***f502cc926d2a x","--token","***976ff755c656","--password=$DB_PASSWORD"]
    env.DB_PASSWORD = ***24a894957d10
    env.DSN = ***54dd848347c2
    env.NOTE = key=***24a894957d10
    env.URL = http://u:***f0d08bb071e9@h/x
    health.test = ["CMD-SHELL","cli --pass=$P; x --secret=***464bbb1d7b2f"]
    hostname = a
    image = docker.io/acme/a:1
    live.networks.acme-shop.aliases = ["a"]
    live.restart.name = always
    "#);
    let spec = serde_json::to_string(&sealed.stack).unwrap();
    assert!(
        !spec.replace("hunter2-label", "").contains("hunter2"),
        "{spec}"
    );
    // What is taken apart is put together again.
    let spec = sealed
        .stack
        .container(&ResourceId::container("shop/a"))
        .unwrap();
    let word = spec.command.as_ref().unwrap()[2]
        .resolve(&sealed.given)
        .unwrap();
    assert_eq!(
        word.expose(),
        "echo hunter2-env && run --password=hunter2-sh x"
    );
}

/// What one file makes a secret of is one in all of the project: in those read before, extended or included as well.
#[test]
fn what_secrets_are_made_of_is_known_across_files() {
    let folder = Map::new([
        (
            "config/products.yml",
            "version: 1\nproducts: [{id: shop}]\n",
        ),
        (
            "config/deploy.yml",
            "version: 1\nstack: acme\nsite:\n- {label: shop, image: shop}\n",
        ),
        (
            "products/shop/info.yml",
            "run: {compose: compose.yml, files: [over.yml]}\n",
        ),
        (
            "products/shop/.env",
            "O=hunter2-over\nE=hunter2-extended\nI=hunter2-included\nPLAIN=plain\nD=hunter2-env\nOF=d${D}${O}\nMY_SECRET=${D}\n",
        ),
        (
            "products/shop/compose.yml",
            r#"include: [included.yml]
services:
  a:
    image: acme/a:1
    environment: {NOTE: "x ${O} ${E} ${I} ${PLAIN} ${D} ${OF}"}
    env_file: a.env
  b: {extends: {file: base.yml, service: base}}
"#,
        ),
        ("products/shop/a.env", "FROM_FILE=y ${O}\n"),
        (
            "products/shop/base.yml",
            "services:\n  base: {image: 'acme/b:1', environment: {API_TOKEN: '${E}', OTHER: '${O}'}}\n",
        ),
        (
            "products/shop/included.yml",
            "services:\n  c: {image: 'acme/c:1', environment: {DB_PASSWORD: '${I}', OTHER: '${O}'}}\n",
        ),
        (
            "products/shop/over.yml",
            "services:\n  a: {environment: {DB_PASSWORD: '${O}'}}\n",
        ),
    ]);
    let mut d = Diagnostics::new();
    let desired = read(&folder, &mut d).unwrap();
    assert!(d.is_empty());
    let told = serde_json::to_string(&explain(&desired, "shop").unwrap()).unwrap();
    assert!(!told.contains("hunter2"), "{told}");
    let stack = sealed(&folder, &World::new()).stack;
    let spec = serde_json::to_string(&stack).unwrap();
    assert!(!spec.contains("hunter2"), "{spec}");
    assert!(spec.contains("plain"));
}

/// A label holds no secret; what only looks like one stays, with a warning.
#[test]
fn labels_hold_no_secrets() {
    let of = |rest: &str| {
        let text = format!("services:\n  a: {{image: 'acme/a:1', {rest}}}\n");
        let map = Map::new([
            (
                "config/products.yml",
                "version: 1\nproducts: [{id: shop}]\n",
            ),
            (
                "config/deploy.yml",
                "version: 1\nstack: acme\nsite:\n- {label: shop, image: shop}\n",
            ),
            ("products/shop/info.yml", "run: {compose: compose.yml}\n"),
            (
                "products/shop/.env",
                "DB_PASSWORD=hunter2\nP=hunter2\nHASH='$$apr1$$x'\n",
            ),
            ("products/shop/compose.yml", text.as_str()),
        ]);
        let mut d = Diagnostics::new();
        let _ = read(&map, &mut d);
        let told = d.sorted();
        let codes: Vec<_> = told.iter().map(|one| one.code.to_string()).collect();
        codes.join(" ")
    };
    assert_eq!(of("labels: {a: 'x ${DB_PASSWORD}'}"), "E0178");
    assert_eq!(of("labels: ['a=${DB_PASSWORD}']"), "E0178");
    assert_eq!(
        of("labels: {a: '${P}'}, environment: {TOKEN: '${P}'}"),
        "E0178"
    );
    assert_eq!(of("labels: {users: 'me:${HASH}'}"), "");
    assert_eq!(of("labels: {api-token: hunter2}"), "W0179");
    let volume = |label: &str| {
        of(&format!(
            "volumes: ['v:/v']}}\nvolumes: {{v: {{labels: {{{label}}}}}"
        ))
    };
    assert_eq!(volume("a: b"), "");
    assert_eq!(volume("a: '${DB_PASSWORD}'"), "E0178");
    assert_eq!(volume("token: hunter2"), "W0179");
}
