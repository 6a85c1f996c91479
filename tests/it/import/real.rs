//! On a real engine: what runs as nua and the DTaaS services run it is imported, taken over with its data, and given
//! back where that fails.

use super::{Place, free_port};
use crate::support::{has_engine, until};
use std::time::Duration;

const PASSWORD: &str = "aBc3deF4ghI5jkL6mnO7pqR8";

/// Waits until a database answers.
fn await_database(place: &Place, container: &str) {
    until("the database", Duration::from_secs(60), || {
        let ready = std::process::Command::new("docker")
            .args([
                "exec",
                container,
                "psql",
                "-h",
                "127.0.0.1",
                "-U",
                "user_c",
                "-d",
                "db_d",
                "-c",
                "select 1",
            ])
            .env("PGPASSWORD", PASSWORD)
            .output()
            .unwrap();
        let _ = place;
        ready.status.success().then_some(())
    });
}

fn sql(place: &Place, container: &str, text: &str) -> String {
    place.docker(&[
        "exec", container, "psql", "-U", "user_c", "-d", "db_d", "-tAc", text,
    ])
}

/// An app with a PostgreSQL, as nua runs it: its names, volumes and variables, no labels.
struct Nua {
    place: Place,
    port: u16,
}

impl Nua {
    fn new(test: &str) -> Option<Self> {
        if !has_engine(test) {
            return None;
        }
        let nua = Self {
            place: Place::new(true),
            port: free_port(),
        };
        let place = &nua.place;
        place.write(
            "apps/nua-config.toml",
            r#"[metadata]
id = "my_app"
version = "1.0"
title = "My app"
author = "me"
[build]
base-image = "coasti-test/tiny:1"
[env]
DB_USER = { from = "database", key = "POSTGRES_USER" }
DB_PASSWORD = { from = "database", key = "POSTGRES_PASSWORD" }
DB_NAME = { from = "database", key = "POSTGRES_DB" }
ADMIN_PASSWORD = { random = true }
[docker]
command = ["sh", "-c", "trap 'exit 0' TERM; httpd -f -p 80 -h /uploads & wait"]
[port.web]
container = 80
[[volume]]
name = "uploads"
target = "/uploads"
[[provider]]
name = "database"
module-name = "postgres"
module-version = ">=15, <16"
"#,
        );
        place.write(
            "deploy.json",
            &format!(r#"{{"site": [{{"label": "{}", "image": "nua-my-app", "domain": "a.example.org"}}]}}"#, place.name),
        );
        let (app, database) = (nua.app(), nua.database());
        place.network(&app);
        for volume in ["uploads", "postgres-data"] {
            place.volume(&format!("{}-{volume}", place.name));
        }
        let password = format!("POSTGRES_PASSWORD={PASSWORD}");
        let data = format!("{}-postgres-data:/var/lib/postgresql/data", place.name);
        place.run(
            &database,
            &[
                "--network",
                &app,
                "--restart",
                "always",
                "-e",
                &password,
                "-e",
                "POSTGRES_USER=user_c",
                "-e",
                "POSTGRES_DB=db_d",
                "-v",
                &data,
                "coasti-test/postgres:15",
            ],
        );
        let (publish, uploads) = (
            format!("{}:80", nua.port),
            format!("{}-uploads:/uploads", place.name),
        );
        place.run(
            &app,
            &[
                "--network",
                &app,
                "-p",
                &publish,
                "-e",
                "ADMIN_PASSWORD=aDm1nistrat0r",
                "-v",
                &uploads,
                "coasti-test/tiny:1",
                "sh",
                "-c",
                "trap 'exit 0' TERM; httpd -f -p 80 -h /uploads & wait",
            ],
        );
        await_database(place, &database);
        sql(
            place,
            &database,
            "create table t(x text); insert into t values('kept')",
        );
        place.docker(&["exec", &app, "sh", "-c", "echo hello > /uploads/index.html"]);
        Some(nua)
    }

    fn app(&self) -> String {
        format!("{}-my_app", self.place.name)
    }

    fn database(&self) -> String {
        format!("{}-database-postgres-15", self.place.name)
    }

    fn import(&self) {
        let name = &self.place.name;
        let said = self
            .place
            .coasti(&["import", "nua", "deploy.json", "--apps", "apps", "--to", "stack", "--stack", name])
            .expect(0)
            .says(&[
                &format!("takes over container {} (running), with the data in {name}-uploads, on port {}/tcp", self.app(), self.port),
                &format!("takes over container {} (running), with the data in {name}-postgres-data", self.database()),
                "do not use nua-orchestrator for these sites any more",
            ]);
        for secret in [PASSWORD, "aDm1nistrat0r"] {
            assert!(!said.err.contains(secret) && !said.out.contains(secret));
            assert!(!super::tree(&self.place.path("stack")).contains(secret));
        }
    }
}

#[test]
fn an_app_of_nuas_is_taken_over() {
    let Some(nua) = Nua::new("an_app_of_nuas_is_taken_over") else {
        return;
    };
    let (place, name) = (&nua.place, nua.place.name.clone());
    nua.import();
    let plan = place
        .coasti(&["-C", "stack", "plan", "--format", "json"])
        .expect(0)
        .json();
    let changes = plan["changes"].as_array().unwrap();
    for (address, old) in [
        (name.clone(), nua.app()),
        (format!("{name}/database"), nua.database()),
    ] {
        let change = changes
            .iter()
            .find(|one| one["address"] == *address && one["kind"] == "container");
        let change = change.unwrap_or_else(|| panic!("{plan:#}"));
        assert_eq!(change["actions"], serde_json::json!(["delete", "create"]));
        let reason = serde_json::json!([{"why": "adopts", "name": old}]);
        assert_eq!(change["reasons"], reason);
    }
    assert_eq!(plan["summary"]["new_volumes"], 0, "{plan:#}");
    let ran = place.coasti(&["-C", "stack", "apply", "--yes"]).expect(0);
    assert!(
        !ran.err.contains(PASSWORD) && !ran.err.contains("aDm1nistrat0r"),
        "{}",
        ran.err
    );
    // Theirs are gone; the data, its password, the port and what was generated are the same.
    assert_eq!(
        place.containers(&nua.app()) + &place.containers(&nua.database()),
        ""
    );
    let database = format!("{name}-{name}-database");
    await_database(place, &database);
    assert_eq!(sql(place, &database, "select * from t"), "kept");
    let get = |what: &str| {
        let ran = place
            .coasti(&["-C", "stack", "secret", "get", what])
            .expect(0);
        ran.out.trim().to_owned()
    };
    assert_eq!(get(&format!("{name}/ADMIN_PASSWORD")), "aDm1nistrat0r");
    assert_eq!(get(&format!("{name}/database/POSTGRES_USER")), "user_c");
    let own = format!("{name}-{name}");
    let env = place.docker(&["exec", &own, "env"]);
    assert!(env.contains(&format!("DB_PASSWORD={PASSWORD}")), "{env}");
    let page = place.docker(&["exec", &own, "wget", "-qO-", "http://127.0.0.1/"]);
    assert_eq!(page, "hello");
    let port = place.docker(&["port", &own, "80/tcp"]);
    assert_eq!(port, format!("127.0.0.1:{}", nua.port));
    place
        .coasti(&["-C", "stack", "plan", "--detailed-exitcode"])
        .expect(0);
    // The same files on an engine where theirs are gone.
    let text = place.read("stack/config/deploy.yml");
    let mut inside = false;
    let without: Vec<_> = text
        .lines()
        .filter(|line| {
            inside = line.starts_with("    adopt:") || inside && line.starts_with("      ");
            !inside
        })
        .collect();
    place.write("stack/config/deploy.yml", &without.join("\n"));
    place
        .coasti(&["-C", "stack", "plan", "--detailed-exitcode"])
        .expect(0);
}

#[test]
fn a_failed_apply_gives_an_app_of_nuas_back() {
    let Some(nua) = Nua::new("a_failed_apply_gives_an_app_of_nuas_back") else {
        return;
    };
    let place = &nua.place;
    nua.import();
    let before = [nua.app(), nua.database()].map(|name| place.facts(&name));
    let config = place.read("stack/products/my_app/nua-config.toml");
    let broken = config.replace(
        "httpd -f -p 80 -h /uploads & wait",
        "echo it went wrong; exit 3",
    );
    place.write("stack/products/my_app/nua-config.toml", &broken);
    place
        .coasti(&["-C", "stack", "apply", "--yes"])
        .expect(7)
        .says(&["it went wrong", "what ran before runs again"]);
    let after = [nua.app(), nua.database()].map(|name| place.facts(&name));
    assert_eq!(after, before);
    assert!(
        before[0].ends_with("running no") && before[1].ends_with("running always"),
        "{before:?}"
    );
    let own = place.docker(&[
        "ps",
        "-aq",
        "--filter",
        &format!("label=coasti.resource=container:{}", place.name),
    ]);
    assert_eq!(own, "");
    await_database(place, &nua.database());
    assert_eq!(sql(place, &nua.database(), "select * from t"), "kept");
    // Mended, it is taken over.
    place.write("stack/products/my_app/nua-config.toml", &config);
    place.coasti(&["-C", "stack", "apply", "--yes"]).expect(0);
    assert_eq!(place.containers(&nua.app()), "");
}

#[test]
fn what_was_made_anew_since_the_import_is_not_touched() {
    let Some(nua) = Nua::new("what_was_made_anew_since_the_import_is_not_touched") else {
        return;
    };
    let place = &nua.place;
    nua.import();
    place.docker(&["rm", "-f", &nua.app()]);
    place.run(
        &nua.app(),
        &[
            "coasti-test/tiny:1",
            "sh",
            "-c",
            "trap 'exit 0' TERM; sleep 9999 & wait",
        ],
    );
    let before = place.facts(&nua.app());
    place
        .coasti(&["-C", "stack", "apply", "--yes"])
        .expect(6)
        .says(&["P0312", "is not the one that the files mean"]);
    assert_eq!(place.facts(&nua.app()), before);
}

/// A compose project of two services with their data in folders, as the DTaaS services are.
struct Dtaas {
    place: Place,
    port: u16,
}

const SERVICE: &str =
    "echo up >> /data/log; trap 'echo down >> /data/log; exit 0' TERM; sleep 9999 & wait";

impl Dtaas {
    fn new(test: &str) -> Option<Self> {
        if !has_engine(test) {
            return None;
        }
        let dtaas = Self {
            place: Place::new(true),
            port: free_port(),
        };
        let (place, name) = (&dtaas.place, &dtaas.place.name);
        place.write(
            "dt/compose.services.yml",
            &format!(
                "services:\n  influxdb:\n    image: coasti-test/tiny:1\n    container_name: {name}-influxdb\n    restart: always\n    command: [sh, -c, \"{SERVICE}\"]\n    volumes: ['./data/influxdb:/data', './certs:/certs:ro']\n    networks: [platform-services]\n  postgres:\n    image: coasti-test/postgres:15\n    container_name: {name}-postgres\n    restart: always\n    ports: ['127.0.0.1:${{POSTGRES_PORT}}:5432']\n    environment: {{POSTGRES_DB: '${{POSTGRES_DB}}', POSTGRES_USER: '${{POSTGRES_USER}}', POSTGRES_PASSWORD: '${{POSTGRES_PASSWORD}}', PGDATA: /var/lib/postgresql/data/pgdata}}\n    volumes: ['./data/postgres:/var/lib/postgresql/data/pgdata']\n    networks: [platform-services]\nnetworks:\n  platform-services: {{name: {name}-services}}\n"
            ),
        );
        place.write(
            "dt/config/services.env",
            &format!(
                "HOSTNAME={name}.example.org\nPOSTGRES_PORT={}\nPOSTGRES_DB=db_d\nPOSTGRES_USER=user_c\nPOSTGRES_PASSWORD={PASSWORD}\n",
                dtaas.port
            ),
        );
        for folder in ["influxdb", "postgres"] {
            std::fs::create_dir_all(place.path("dt/data").join(folder)).unwrap();
        }
        place.write("dt/certs/fullchain.pem", "x");
        let network = format!("{name}-services");
        place.network(&network);
        let dir = place.path("dt").display().to_string();
        let labels = |service: &str| {
            [
                format!("com.docker.compose.project={name}-example-org"),
                format!("com.docker.compose.service={service}"),
                format!("com.docker.compose.project.working_dir={dir}"),
            ]
        };
        let [project, service, working] = labels("influxdb");
        place.run(
            &format!("{name}-influxdb"),
            &[
                "--label",
                &project,
                "--label",
                &service,
                "--label",
                &working,
                "--network",
                &network,
                "--restart",
                "always",
                "-v",
                &format!("{dir}/data/influxdb:/data"),
                "-v",
                &format!("{dir}/certs:/certs:ro"),
                "coasti-test/tiny:1",
                "sh",
                "-c",
                SERVICE,
            ],
        );
        let [project, service, working] = labels("postgres");
        place.run(
            &format!("{name}-postgres"),
            &[
                "--label",
                &project,
                "--label",
                &service,
                "--label",
                &working,
                "--network",
                &network,
                "--restart",
                "always",
                "-p",
                &format!("127.0.0.1:{}:5432", dtaas.port),
                "-e",
                "POSTGRES_DB=db_d",
                "-e",
                "POSTGRES_USER=user_c",
                "-e",
                &format!("POSTGRES_PASSWORD={PASSWORD}"),
                "-e",
                "PGDATA=/var/lib/postgresql/data/pgdata",
                "-v",
                &format!("{dir}/data/postgres:/var/lib/postgresql/data/pgdata"),
                "coasti-test/postgres:15",
            ],
        );
        let database = format!("{name}-postgres");
        await_database(place, &database);
        sql(
            place,
            &database,
            "create table t(x text); insert into t values('kept')",
        );
        Some(dtaas)
    }

    fn facts(&self) -> [String; 2] {
        let name = &self.place.name;
        ["influxdb", "postgres"].map(|what| self.place.facts(&format!("{name}-{what}")))
    }

    fn import(&self) {
        let name = &self.place.name;
        self.place
            .coasti(&["import", "dtaas", "dt", "--stack", name])
            .expect(0)
            .says(&[
                &format!("takes over container {name}-influxdb (running), with the data in"),
                &format!("takes over container {name}-postgres (running), with the data in"),
                "do not start the services with dtaas-services or Compose any more",
                &format!("docker network rm {name}-services"),
            ]);
    }
}

#[test]
fn a_dtaas_project_is_taken_over() {
    let Some(dtaas) = Dtaas::new("a_dtaas_project_is_taken_over") else {
        return;
    };
    let (place, name) = (&dtaas.place, dtaas.place.name.clone());
    dtaas.import();
    place.coasti(&["-C", "dt", "plan"]).expect(0);
    let ran = place.coasti(&["-C", "dt", "apply", "--yes"]).expect(0);
    assert!(!ran.err.contains(PASSWORD), "{}", ran.err);
    for old in ["influxdb", "postgres"] {
        let old = format!("{name}-{old}");
        assert_eq!(
            place.docker(&["ps", "-aq", "--filter", &format!("name=^{old}$")]),
            ""
        );
    }
    let database = format!("{name}-dtaas-postgres");
    await_database(place, &database);
    assert_eq!(sql(place, &database, "select * from t"), "kept");
    let port = place.docker(&["port", &database, "5432/tcp"]);
    assert_eq!(port, format!("127.0.0.1:{}", dtaas.port));
    // One after the other, on the one folder.
    assert_eq!(place.read("dt/data/influxdb/log"), "up\ndown\nup\n");
    place
        .coasti(&["-C", "dt", "plan", "--detailed-exitcode"])
        .expect(0);
    place
        .coasti(&["import", "dtaas", "dt"])
        .expect(1)
        .says(&["is a stack's folder already"]);
}

#[test]
fn a_failed_apply_gives_a_dtaas_project_back() {
    let Some(dtaas) = Dtaas::new("a_failed_apply_gives_a_dtaas_project_back") else {
        return;
    };
    let (place, name) = (&dtaas.place, dtaas.place.name.clone());
    dtaas.import();
    let before = dtaas.facts();
    // What a database was made with cannot become something else by the way.
    let env = place.read("dt/config/services.env");
    place.write(
        "dt/config/services.env",
        &env.replace(PASSWORD, "Another-one-4-all"),
    );
    place
        .coasti(&["-C", "dt", "apply", "--yes"])
        .expect(6)
        .says(&["P0302", "is another one than in container"]);
    place.write("dt/config/services.env", &env);
    let compose = place.read("dt/compose.services.yml");
    place.write(
        "dt/compose.services.yml",
        &compose.replace("echo up >> /data/log;", "echo it went wrong; exit 3;"),
    );
    place
        .coasti(&["-C", "dt", "apply", "--yes"])
        .expect(7)
        .says(&["what ran before runs again"]);
    assert_eq!(dtaas.facts(), before);
    await_database(place, &format!("{name}-postgres"));
    let own = place.docker(&[
        "ps",
        "-a",
        "--format",
        "{{.Names}}",
        "--filter",
        &format!("name=^{name}-dtaas"),
    ]);
    assert_eq!(own, "");
}

#[test]
fn a_definition_comes_out_of_an_image() {
    if !has_engine("a_definition_comes_out_of_an_image") {
        return;
    }
    let place = Place::new(true);
    let config = format!(
        r#"{{"metadata": {{"id": "{}", "version": "2.0", "release": 1, "title": "x", "author": "x"}}, "port": {{"web": {{"container": 80}}}}}}"#,
        place.name
    );
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(config.len() as u64);
    header.set_mode(0o644);
    tar.append_data(
        &mut header,
        "nua/metadata/nua-config.json",
        config.as_bytes(),
    )
    .unwrap();
    std::fs::write(place.path("image.tar"), tar.into_inner().unwrap()).unwrap();
    let reference = format!("nua-{}:2.0-1", place.name);
    let file = place.path("image.tar").display().to_string();
    place.docker(&["import", &file, &reference]);
    place.write(
        "deploy.json",
        &format!(
            r#"{{"site": [{{"label": "a", "image": "{}", "domain": "a.org"}}]}}"#,
            place.name
        ),
    );
    let ran = place.coasti(&["import", "nua", "deploy.json", "--to", "stack"]);
    place.docker(&["rmi", &reference]);
    ran.expect(0)
        .says(&[&format!("defined in image {reference}")]);
    let product = format!("stack/products/{}/nua-config.json", place.name);
    assert_eq!(place.read(&product), config);
}
