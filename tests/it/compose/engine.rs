//! Compose files on a real engine.

use crate::support::{
    docker::{docker, exec, facts, inspect},
    stack::Stack,
};
use serde_json::json;

/// Ends at once when it is asked to.
pub(super) const WAITS: &str = "[sh, -c, \"trap 'exit 0' TERM; sleep 99999 & wait\"]";

/// A stack whose site `web` runs these files.
pub(super) fn composed(test: &str, files: &[(&str, &str)]) -> Option<Stack> {
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
    // Asked by `docker exec`, the engine's runtime now and then gives the hard limit instead.
    let limits = json!([{"Name": "nofile", "Soft": 100, "Hard": 200}]);
    assert_eq!(inspect(&web)["HostConfig"]["Ulimits"], limits);
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

const JOBS: &str = "\
x-sql: &sql
  image: coasti-test/postgres:15
  environment: &env {PGPASSWORD: '${DB_PASSWORD}', PGHOST: db, PGUSER: postgres}
  depends_on: {db: {condition: service_healthy}}
services:
  db:
    image: coasti-test/postgres:15
    environment: {POSTGRES_PASSWORD: '${DB_PASSWORD}'}
    volumes: ['data:/var/lib/postgresql/data']
    command: [postgres, -c, work_mem=4MB]
    healthcheck: {test: [CMD, pg_isready, -h, 127.0.0.1, -U, postgres], interval: 300ms, timeout: 5s, retries: 100}
  schema:
    <<: *sql
    entrypoint: [psql, -v, ON_ERROR_STOP=1, -c]
    command: [CREATE TABLE IF NOT EXISTS runs (who text)]
  migrate:
    <<: *sql
    entrypoint: [psql, -v, ON_ERROR_STOP=1, -c]
    command: [\"INSERT INTO runs VALUES ('migrate one')\"]
    depends_on: {db: {condition: service_healthy}, schema: {condition: service_completed_successfully}}
  fan:
    <<: *sql
    entrypoint: [sh, -c]
    command: [\"psql -c \\\"INSERT INTO runs VALUES ('$$(hostname)')\\\"\"]
    restart: 'no'
    scale: 3
    depends_on: {schema: {condition: service_completed_successfully}}
  web:
    image: coasti-test/tiny:1
    command: WAITS
    environment: {COLOUR: red}
    depends_on: {migrate: {condition: service_completed_successfully}}
  beside: {image: 'coasti-test/tiny:1', command: WAITS, environment: {SHAPE: round}}
  served: {image: 'coasti-test/tiny:1', command: WAITS, restart: 'no', ports: ['127.0.0.1:PORT:80']}
volumes: {data: }
";

#[test]
fn jobs_run_when_they_or_what_they_need_changes() {
    let test = "jobs_run_when_they_or_what_they_need_changes";
    let Some(stack) = composed(test, &[]) else {
        return;
    };
    let file = JOBS.replace("PORT", &stack.port(30).to_string());
    let write = |edits: &[(&str, &str)]| {
        let mut text = file.replace("WAITS", WAITS);
        for (from, to) in edits {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        stack.write("products/shop/docker/compose.yml", &text);
    };
    let runs = || {
        let sql =
            "psql -U postgres -Atc 'SELECT who, count(*) FROM runs GROUP BY who ORDER BY who'";
        exec(&stack.object("web/db"), sql).replace('\n', " ")
    };
    let ids = || {
        let names = ["web", "beside", "served", "db"];
        names.map(|name| facts(&stack.object(&format!("web/{name}"))).id)
    };
    write(&[]);
    stack.apply();
    stack.plan(0);
    assert_eq!(runs(), "fan|3 migrate one|1");
    // A service with a port is none, whatever is done where it ends.
    let served = facts(&stack.object("web/served"));
    assert_eq!(
        (served.status.as_str(), served.restart.as_str()),
        ("running", "no")
    );

    // Something else changes: none runs.
    let first = ids();
    let beside = ("SHAPE: round", "SHAPE: square");
    write(&[beside]);
    stack.apply();
    assert_eq!(runs(), "fan|3 migrate one|1");
    let second = ids();
    assert_ne!(second[1], first[1]);
    assert_eq!((&second[0], &second[2..]), (&first[0], &first[2..]));

    // A job changes: it alone runs, and who waited for it stays.
    let two = ("migrate one", "migrate two");
    write(&[beside, two]);
    stack.apply();
    assert_eq!(runs(), "fan|3 migrate one|1 migrate two|1");
    assert_eq!(ids(), second);

    // What they need changes: all run.
    let more = ("work_mem=4MB", "work_mem=5MB");
    write(&[beside, two, more]);
    stack.apply();
    stack.plan(0);
    assert_eq!(runs(), "fan|6 migrate one|1 migrate two|2");
    let third = ids();

    // One fails: what was there is there again, and no job runs for it.
    let bad = (
        "INSERT INTO runs VALUES ('migrate one')",
        "INSERT INTO nosuch VALUES (1)",
    );
    write(&[beside, bad, more, ("COLOUR: red", "COLOUR: green")]);
    stack
        .coasti(&["apply", "--yes"])
        .expect(7)
        .says(&["web/migrate", "relation \"nosuch\" does not exist"]);
    assert_eq!(ids(), third);
    assert_eq!(runs(), "fan|6 migrate one|1 migrate two|2");
    // The files as they were are nothing to do.
    write(&[beside, two, more]);
    stack.plan(0);
}
