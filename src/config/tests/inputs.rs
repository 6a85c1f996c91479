//! Real files of nua's, where they are at hand: each parses and seals, with the names that are ours.

use super::*;
use std::path::{Path, PathBuf};

pub(in crate::config) fn inputs() -> Option<PathBuf> {
    let named = std::env::var_os("COASTI_TEST_INPUTS").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/inputs");
    let found = named
        .or(Some(beside))
        .filter(|path| path.join("nua/apps").is_dir());
    if found.is_none() {
        println!("skipped: no real inputs; COASTI_TEST_INPUTS names their folder");
    }
    found
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// All apps as products, with one deploy file.
fn folder(root: &Path, deploy: &Path) -> Map {
    let mut map = Map::default();
    let mut products = "coasti_version: 0.3.0\nproducts:\n".to_owned();
    for app in std::fs::read_dir(root.join("nua/apps")).unwrap() {
        let app = app.unwrap().path();
        let id = app.file_name().unwrap().to_str().unwrap().to_owned();
        products.push_str(&format!(
            "- id: {id}\n  vcs_repo: https://example.org/{id}.git\n"
        ));
        for file in std::fs::read_dir(&app).unwrap() {
            let file = file.unwrap().path();
            let name = file.file_name().unwrap().to_str().unwrap().to_owned();
            map.0.insert(format!("products/{id}/{name}"), text(&file));
        }
    }
    map.0.insert("config/products.yml".into(), products);
    let end = deploy.extension().unwrap().to_str().unwrap();
    map.0.insert(format!("config/deploy.{end}"), text(deploy));
    map
}

fn world(folder: &Map) -> World {
    let mut world = World::new();
    if let Some(desired) = read(folder, &mut Diagnostics::new()) {
        for reference in desired.images() {
            world.image(&reference, &[]);
        }
    }
    world
}

#[test]
fn every_app_of_nuas_seals() {
    let Some(root) = inputs() else { return };
    let mut seen = Vec::new();
    for app in std::fs::read_dir(root.join("nua/apps")).unwrap() {
        for file in std::fs::read_dir(app.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if !name.starts_with("sample_deploy") {
                continue;
            }
            let map = folder(&root, &path);
            let world = world(&map);
            let mut diagnostics = Diagnostics::new();
            let stack = read(&map, &mut diagnostics)
                .and_then(|desired| seal(&desired, &world.facts(), &mut diagnostics))
                .map(|sealed| sealed.stack);
            let errors = lines(&diagnostics);
            if path.to_str().unwrap().contains("new_redis_plus_sub_app") {
                // An app inside of an app is refused, with the reason, and nothing else is wrong.
                assert!(stack.is_none());
                assert_eq!(errors.matches("E0").count(), 1, "{errors}");
                assert!(errors.contains("E0140"), "{errors}");
                continue;
            }
            let stack = stack.unwrap_or_else(|| panic!("{}: {errors}", path.display()));
            seen.push(outline(&stack));
        }
    }
    assert!(seen.len() >= 14, "{}", seen.len());
}

#[test]
fn every_app_of_nuas_is_read_without_a_complaint() {
    let Some(root) = inputs() else { return };
    let deploy = root.join("nua/apps/hedgedoc/sample_deploy.json");
    let mut said = Vec::new();
    let mut map = folder(&root, &deploy);
    map.0.remove("config/deploy.json");
    for app in std::fs::read_dir(root.join("nua/apps")).unwrap() {
        let id = app.unwrap().file_name().into_string().unwrap();
        let site = format!("stack: acme\nsite:\n- {{label: x, image: {id}, domain: x.org}}\n");
        map.0.insert("config/deploy.yml".into(), site);
        let mut diagnostics = Diagnostics::new();
        let desired = read(&map, &mut diagnostics);
        assert_eq!(
            desired.is_none(),
            id == "new_redis_plus_sub_app",
            "{}",
            lines(&diagnostics)
        );
        if desired.is_some() && !diagnostics.is_empty() {
            said.push(lines(&diagnostics));
        }
    }
    // `auto_remove` of one of them is the only thing to say.
    let code = |line: &str| line.starts_with("E0") || line.starts_with("W0");
    let other = |line: &&str| code(line) && !line.starts_with("W0150");
    assert_eq!(said.iter().flat_map(|text| text.lines()).find(other), None);
}

#[test]
fn names_are_what_users_of_nua_expect() {
    let Some(root) = inputs() else { return };
    let of = |app: &str| {
        let map = folder(
            &root,
            &root.join("nua/apps").join(app).join("sample_deploy.json"),
        );
        sealed(&map, &world(&map)).stack
    };
    let names = |stack: &Stack, kind: crate::base::Kind| -> Vec<String> {
        let all = stack.resources.iter().filter(|(id, _)| id.kind == kind);
        all.map(|(_, resource)| resource.name.clone()).collect()
    };
    use crate::base::Kind::{Container, Network, Volume};

    let hedgedoc = of("hedgedoc");
    let site = "acme-hedgedoc-test1.example.com";
    assert_eq!(
        names(&hedgedoc, Container)[..2],
        [site.to_owned(), format!("{site}-database")]
    );
    assert_eq!(names(&hedgedoc, Network)[0], site);
    assert_eq!(
        names(&hedgedoc, Volume)[..2],
        [
            format!("{site}-database-postgres-data"),
            format!("{site}-hedgedoc_uploads")
        ]
    );
    let ports: Vec<_> = ["hedgedoc-test1.example.com", "hedgedoc-test2.example.com"]
        .map(|label| container(&hedgedoc, label).ports["3000/tcp"].host)
        .into();
    assert_eq!(ports, [8100, 8101]);
    let database = container(&hedgedoc, "hedgedoc-test1.example.com/database");
    assert_eq!(database.image, "docker.io/library/postgres:14.6");

    let doli = of("dolibarr");
    assert_eq!(names(&doli, Container), ["acme-doli", "acme-doli-database"]);
    assert_eq!(names(&doli, Network), ["acme-doli"]);
    assert_eq!(
        names(&doli, Volume),
        [
            "acme-doli-database-mariadb-data",
            "acme-doli-dolibarr_custom",
            "acme-doli-dolibarr_documents"
        ]
    );
    let app = container(&doli, "doli");
    assert_eq!(app.env["DOLI_DB_HOST"].as_plain(), Some("database"));
    assert_eq!(app.image, "docker.io/tuxgasy/dolibarr:16.0.4");
    assert_eq!(
        container(&doli, "doli/database").image,
        "docker.io/library/mariadb:10.6"
    );

    let mail = of("docker-mailserver");
    assert_eq!(names(&mail, Container), ["acme-mail"]);
    assert!(names(&mail, Network).is_empty());
    assert_eq!(
        names(&mail, Volume),
        [
            "acme-mail-config",
            "acme-mail-mail-data",
            "acme-mail-mail-logs",
            "acme-mail-mail-state"
        ]
    );
    let app = container(&mail, "mail");
    assert_eq!(app.ports["25/tcp"].host, 25);
    assert!(app.mounts["/etc/letsencrypt"].read_only);
    assert!(
        !serde_json::to_string(&mail)
            .unwrap()
            .contains("some_passwd")
    );
    assert_eq!(app.post_run.len(), 8);

    let galene = of("galene");
    let app = container(&galene, "galene1");
    assert!(app.ports.is_empty() && app.network_mode == crate::model::NetworkMode::Host);
    assert_eq!(
        names(&galene, Volume),
        ["acme-galene1-galene_data", "acme-galene1-galene_groups"]
    );

    let sqlite = of("new_flask_sqla_sqlite_volume");
    assert_eq!(names(&sqlite, Container), ["acme-sqlite"]);
    assert!(names(&sqlite, Network).is_empty());
    assert_eq!(names(&sqlite, Volume), ["acme-sqlite-database-data"]);
    let app = container(&sqlite, "sqlite");
    assert!(app.mounts.contains_key("/nua/app/sqlite"));
    assert_eq!(app.env["DB_FOLDER"].as_plain(), Some("/nua/app/sqlite"));
}

#[test]
fn what_is_not_built_is_refused_with_what_to_do() {
    let Some(root) = inputs() else { return };
    let mut map = folder(&root, &root.join("nua/apps/hedgedoc/sample_deploy.json"));
    let mut diagnostics = Diagnostics::new();
    let desired = read(&map, &mut diagnostics).unwrap();
    assert!(desired.images().contains("nua-hedgedoc:1.9.7-15"));
    let world = World::new();
    assert!(seal(&desired, &world.facts(), &mut diagnostics).is_none());
    assert!(lines(&diagnostics).contains("E0123"));
    map.0.insert(
        "products/hedgedoc/nua-hedgedoc:1.9.7-15.tar".into(),
        String::new(),
    );
    let with_archive = sealed(&map, &world);
    let image = ResourceId::image("nua-hedgedoc:1.9.7-15");
    let Spec::Image(spec) = &with_archive.stack.resources[&image].spec else {
        panic!()
    };
    assert_eq!(
        spec.archive.as_deref(),
        Some("products/hedgedoc/nua-hedgedoc:1.9.7-15.tar")
    );
}

/// A stack whose one site runs these compose files, with an env file.
fn composed(files: &[(&str, String)], run: &str) -> Map {
    let mut map = Map::new([
        ("config/products.yml", "version: 1\nproducts:\n- id: p\n"),
        (
            "config/deploy.yml",
            "version: 1\nstack: acme\nsite:\n- {label: web, image: p}\n",
        ),
    ]);
    map.0
        .insert("products/p/info.yml".into(), format!("run: {run}\n"));
    for (path, text) in files {
        map.0.insert(format!("products/p/{path}"), text.clone());
    }
    map
}

#[test]
fn the_compose_file_of_superset_runs() {
    let Some(root) = inputs() else { return };
    let file = text(&root.join("coasti/superset_docker/docker/docker-compose-sample.yml"));
    let names = [
        "DOMAIN_NAME",
        "DOMAIN",
        "ACME_EMAIL",
        "REDIS_PASSWORD",
        "POSTGRES_PASSWORD",
        "SUPERSET_SECRET_KEY",
    ];
    let mut env: String = names
        .iter()
        .map(|name| format!("{name}='value of {name}'\n"))
        .collect();
    for name in [
        "SERVER_WORKER_AMOUNT",
        "SERVER_THREADS_AMOUNT",
        "MAPBOX_API_KEY",
        "NO_PROXY",
        "SMTP_USER",
        "SMTP_HOST",
        "SMTP_PORT",
        "SMTP_PASSWORD",
        "USE_ROLE_BASED_REDIRECTS",
    ] {
        env.push_str(&format!("{name}=\n"));
    }
    let map = composed(
        &[
            ("docker/docker-compose-sample.yml", file),
            ("config/.env", env),
        ],
        "{compose: docker/docker-compose-sample.yml, env_file: config/.env}",
    );
    let mut diagnostics = Diagnostics::new();
    let world = world(&map);
    let desired = read(&map, &mut diagnostics);
    let sealed = desired.and_then(|desired| seal(&desired, &world.facts(), &mut diagnostics));
    insta::assert_snapshot!(lines(&diagnostics), @r#"
    W0150 products/p/docker/docker-compose-sample.yml:259:5 the network will be called `acme-web-proxy`, not `superset-proxy`
        help: `external: true` takes a network of that name that is there already
    "#);
    let stack = sealed.unwrap().stack;
    insta::assert_snapshot!(outline(&stack), @r#"
    image:docker.io/library/caddy:2 = docker.io/library/caddy:2
    image:docker.io/library/postgres:17 = docker.io/library/postgres:17
    image:docker.io/library/redis:7 = docker.io/library/redis:7
    image:ghcr.io/coasti-org/superset_docker:0.1.4-superset.6.1.0 = ghcr.io/coasti-org/superset_docker:0.1.4-superset.6.1.0
    network:web = acme-web
    network:web/proxy = acme-web-proxy
    volume:web/caddy_data = acme-web-caddy_data
    volume:web/postgres_data = acme-web-postgres_data
    volume:web/redis_data = acme-web-redis_data
    volume:web/superset_home = acme-web-superset_home
    volume:web/superset_keycloak_data = acme-web-superset_keycloak_data
    container:web/superset-app = acme-web-superset-app image:ghcr.io/coasti-org/superset_docker:0.1.4-superset.6.1.0:Exists network:web:Exists network:web/proxy:Exists volume:web/superset_home:Exists volume:web/superset_keycloak_data:Exists container:web/superset-caddy:Healthy container:web/superset-init:Completed container:web/superset-postgres:Healthy container:web/superset-redis:Healthy
    container:web/superset-beat = acme-web-superset-beat image:ghcr.io/coasti-org/superset_docker:0.1.4-superset.6.1.0:Exists network:web:Exists volume:web/superset_home:Exists volume:web/superset_keycloak_data:Exists container:web/superset-app:Healthy container:web/superset-init:Completed container:web/superset-postgres:Healthy container:web/superset-redis:Healthy
    container:web/superset-caddy = acme-web-superset-caddy image:docker.io/library/caddy:2:Exists network:web/proxy:Exists volume:web/caddy_data:Exists
    container:web/superset-init = acme-web-superset-init image:ghcr.io/coasti-org/superset_docker:0.1.4-superset.6.1.0:Exists network:web:Exists volume:web/superset_home:Exists volume:web/superset_keycloak_data:Exists container:web/superset-postgres:Healthy container:web/superset-redis:Healthy
    container:web/superset-postgres = acme-web-superset-postgres image:docker.io/library/postgres:17:Exists network:web:Exists volume:web/postgres_data:Exists
    container:web/superset-redis = acme-web-superset-redis image:docker.io/library/redis:7:Exists network:web:Exists volume:web/redis_data:Exists
    container:web/superset-worker = acme-web-superset-worker image:ghcr.io/coasti-org/superset_docker:0.1.4-superset.6.1.0:Exists network:web:Exists volume:web/superset_home:Exists volume:web/superset_keycloak_data:Exists container:web/superset-app:Healthy container:web/superset-init:Completed container:web/superset-postgres:Healthy container:web/superset-redis:Healthy
    "#);
    assert!(
        !serde_json::to_string(&stack)
            .unwrap()
            .contains("value of REDIS_PASSWORD")
    );
    let redis = container(&stack, "web/superset-redis");
    assert_eq!(redis.command.as_ref().unwrap().len(), 12);
    assert!(
        stack.resources[&ResourceId::container("web/superset-init")]
            .about
            .as_ref()
            .unwrap()
            .job
    );
    assert_eq!(
        container(&stack, "web/superset-app").shm_size,
        Some(2 << 30)
    );
}

#[test]
fn the_compose_files_of_the_dtaas_services_run() {
    let Some(root) = inputs() else { return };
    let of = |name: &str| text(&root.join("dtaas-services").join(name));
    let map = composed(
        &[
            ("compose.services.yml", of("compose.services.yml")),
            ("compose.thingsboard.yml", of("compose.thingsboard.yml")),
            ("config/services.env", of("config/services.env.template")),
        ],
        "{compose: compose.services.yml, files: [compose.thingsboard.yml], env_file: config/services.env}",
    );
    let mut diagnostics = Diagnostics::new();
    let world = world(&map);
    let desired = read(&map, &mut diagnostics);
    let sealed = desired.and_then(|desired| seal(&desired, &world.facts(), &mut diagnostics));
    insta::assert_snapshot!(lines(&diagnostics), @r#"
    W0150 products/p/compose.thingsboard.yml:37:5 the network will be called `acme-web-platform-services`, not `dtaas-services`
        help: `external: true` takes a network of that name that is there already
    "#);
    let stack = sealed.unwrap().stack;
    assert_eq!(stack.containers().count(), 6);
    insta::assert_snapshot!(fields(&stack, "web/postgres"), @r#"
    create = ["/srv/acme/products/p/certs","/srv/acme/products/p/data/postgres"]
    entrypoint = ["bash","-c","\nchmod 600 /etc/ssl/postgres.key &&\nchown postgres:postgres /etc/ssl/postgres.key /etc/ssl/postgres.crt &&\nexec docker-entrypoint.sh postgres \\\n  -c ssl=on \\\n  -c ssl_cert_file=/etc/ssl/postgres.crt \\\n  -c ssl_key_file=/etc/ssl/postgres.key\n"]
    env.PGDATA = /var/lib/postgresql/data/pgdata
    env.POSTGRES_DB = thingsboard
    env.POSTGRES_PASSWORD = ***27167b692ad0
    env.POSTGRES_USER = dtaas_user
    hostname = postgres
    image = docker.io/library/postgres:16.11
    live.networks.acme-web-platform-services.aliases = ["postgres"]
    live.restart.name = always
    mounts./etc/ssl.directory = /srv/acme/products/p/certs
    mounts./var/lib/postgresql/data/pgdata.directory = /srv/acme/products/p/data/postgres
    ports.5432/tcp.bind = ::
    ports.5432/tcp.host = 5432
    stop_timeout = 1m
    "#);
    let thingsboard = container(&stack, "web/thingsboard-ce");
    assert_eq!(thingsboard.ports.len(), 10);
    let mongo = &container(&stack, "web/mongodb").mounts["/data/db"].source;
    assert_eq!(
        *mongo,
        crate::model::MountSource::Directory("/srv/acme/products/p/data/mongodb".into())
    );
}
