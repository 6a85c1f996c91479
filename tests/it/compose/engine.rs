//! Compose files on a real engine.

use crate::support::{
    docker::{docker, exec, inspect},
    stack::Stack,
};

/// Ends at once when it is asked to.
const WAITS: &str = "[sh, -c, \"trap 'exit 0' TERM; sleep 99999 & wait\"]";

/// A stack whose site `web` runs these files.
fn composed(test: &str, files: &[(&str, &str)]) -> Option<Stack> {
    let stack = Stack::new(test)?;
    stack.write("config/products.yml", "version: 1\nproducts:\n- id: shop\n");
    stack.write(
        "products/shop/info.yml",
        "run: {compose: docker/compose.yml, env_file: config/.env}\n",
    );
    stack.write(
        "products/shop/config/.env",
        "DB_PASSWORD='correct horse'\nGREETING=hello\n",
    );
    for (path, text) in files {
        stack.write(
            &format!("products/shop/{path}"),
            &text.replace("WAITS", WAITS),
        );
    }
    stack.sites("- {label: web, image: shop, update: {settle: 300ms, timeout: 60s}}\n");
    Some(stack)
}

const SHOP: &str = "\
services:
  web:
    image: coasti-test/tiny:1
    command: WAITS
    depends_on:
      seed: {condition: service_completed_successfully}
      slow: {condition: service_healthy}
    environment: {GREETING: '${GREETING}', PASSWORD: '${DB_PASSWORD}'}
    volumes: ['data:/data', '../made:/made', '../config:/config:ro', /scratch]
    secrets: [{source: db, mode: 0400}]
    configs: [{source: conf, target: /etc/shop/shop.conf}, motd]
    tmpfs: ['/mem:size=1m']
    user: '0'
    read_only: true
    ulimits: {nofile: {soft: 100, hard: 200}}
    networks: {default: {aliases: [shop.internal]}}
  side: {image: 'coasti-test/tiny:1', command: WAITS, network_mode: 'service:web'}
  slow:
    image: coasti-test/tiny:1
    command: [sh, -c, \"trap 'exit 0' TERM; sleep 1; touch /ready; sleep 99999 & wait\"]
    healthcheck: {test: test -f /ready, interval: 300ms, timeout: 5s, retries: 30}
  seed:
    image: coasti-test/tiny:1
    command: sh -c 'echo seeded by $$STEP >>/data/seed'
    environment: {STEP: one}
    volumes: ['data:/data']
secrets: {db: {environment: DB_PASSWORD}}
configs: {conf: {file: ./shop.conf}, motd: {content: 'say ${GREETING}'}}
volumes: {data: }
";

#[test]
fn a_shop_of_several_services_runs() {
    let files = [
        ("docker/compose.yml", SHOP),
        ("docker/shop.conf", "listen = 80\n"),
    ];
    let Some(stack) = composed("a_shop_of_several_services_runs", &files) else {
        return;
    };
    stack.apply().says(&["web/seed"]);
    let web = stack.object("web/web");
    assert_eq!(exec(&web, "cat /run/secrets/db"), "correct horse");
    assert_eq!(exec(&web, "stat -c '%a %u' /run/secrets/db"), "400 0");
    assert_eq!(exec(&web, "cat /etc/shop/shop.conf"), "listen = 80");
    assert_eq!(exec(&web, "cat /motd"), "say hello");
    assert_eq!(exec(&web, "cat /data/seed"), "seeded by one");
    assert_eq!(exec(&web, "ulimit -n"), "100");
    assert_eq!(exec(&web, "grep GREETING /config/.env"), "GREETING=hello");
    exec(&web, "touch /made/here /mem/here /scratch/here");
    assert!(stack.folder().join("products/shop/made/here").exists());
    assert!(
        exec(&web, "touch /no 2>&1; touch /etc/shop/shop.conf 2>&1; true").contains("Read-only")
    );
    // The other service has its network.
    assert_eq!(exec(&stack.object("web/side"), "hostname"), "web");
    let labels = inspect(&web)["Config"]["Labels"].to_string();
    assert!(
        !labels.contains("correct horse") && !labels.contains("say hello"),
        "{labels}"
    );
    let seed = inspect(&stack.object("web/seed"));
    assert_eq!(
        (
            seed["State"]["Status"].as_str(),
            seed["State"]["ExitCode"].as_i64()
        ),
        (Some("exited"), Some(0))
    );
    stack.plan(0);
    let status = stack
        .coasti(&["status", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(status["health"], "healthy", "{status:#}");

    let values = stack.folder().join("values.env");
    stack
        .coasti(&["export", "compose", "--env-file", values.to_str().unwrap()])
        .expect(0)
        .prints(&["services:", "web-seed:"]);
    assert!(stack.read("values.env").contains("'correct horse'"));

    // What is restarted by hand does no work again, and waits for what it needs.
    stack.coasti(&["restart", "web"]).expect(0);
    stack.coasti(&["stop", "web"]).expect(0);
    stack.plan(0);
    stack.coasti(&["start", "web"]).expect(0);
    assert_eq!(exec(&web, "cat /data/seed"), "seeded by one");
    stack.plan(0);

    // Another content: another container, the job stays as it is.
    stack.write("products/shop/docker/shop.conf", "listen = 81\n");
    stack.apply();
    assert_eq!(exec(&web, "cat /etc/shop/shop.conf"), "listen = 81");
    assert_eq!(exec(&stack.object("web/side"), "hostname"), "web");
    assert_eq!(exec(&web, "cat /data/seed"), "seeded by one");
    // Another job: it runs once more.
    stack.write(
        "products/shop/docker/compose.yml",
        &SHOP
            .replace("STEP: one", "STEP: two")
            .replace("WAITS", WAITS),
    );
    stack.apply();
    assert_eq!(exec(&web, "cat /data/seed"), "seeded by one\nseeded by two");
    stack.plan(0);
    // And one that fails leaves what was there.
    let before = inspect(&web)["Id"].clone();
    let bad = SHOP
        .replace("STEP: one", "STEP: two")
        .replace(">>/data/seed", ">&2; exit 7")
        .replace("GREETING: '${GREETING}'", "GREETING: bye");
    stack.write(
        "products/shop/docker/compose.yml",
        &bad.replace("WAITS", WAITS),
    );
    stack
        .coasti(&["apply", "--yes"])
        .expect(7)
        .says(&["exited with code 7", "seeded by two"]);
    assert_eq!(inspect(&web)["Id"], before);
    assert_eq!(exec(&web, "cat /data/seed"), "seeded by one\nseeded by two");
    assert!(
        docker(&["ps", "-a", "--format", "{{.Names}}"])
            .lines()
            .all(|name| !name.starts_with(stack.name()) || !name.ends_with(".fill"))
    );
}
