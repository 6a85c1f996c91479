//! Where values come from.

use super::*;
use crate::config::explain::{Explained, Layer, Overlaid, addresses, explain, overlaid};

/// A product in coasti's own form, one that is a compose file, and an environment over the deploy file.
fn stack() -> Map {
    Map::new([
        (
            "config/products.yml",
            "version: 1\nproducts:\n- id: wiki\n- id: shop\n",
        ),
        ("config/secrets/token", "hunter2-token\n"),
        (
            "products/wiki/info.yml",
            r#"version: 1
app:
  metadata: {id: wiki, version: 1.9.7}
  image: quay.io/wiki:{version}
  env:
    DB_URL: "pg://{DB_USER}:{DB_PASSWORD}@{DB_HOST}/"
    DB_USER: {from: database, key: POSTGRES_USER}
    DB_PASSWORD: {from: database, key: POSTGRES_PASSWORD}
    DB_HOST: {from: database, key: hostname}
    LOG_LEVEL: info
    KEYED: {secret: token}
  port:
    web: {container: 3000, host: auto}
  volume:
  - {name: uploads, target: /uploads}
  healthcheck: {command: check, interval: 10s, retries: 5}
  provider:
  - name: database
    module-name: postgres
    module-version: ">=15,<17"
    env: {POSTGRES_DB: wiki}
"#,
        ),
        (
            "products/shop/info.yml",
            "version: 1\nrun: {compose: compose.yml, files: [over.yml], env-file: shop.env}\n",
        ),
        (
            "products/shop/compose.yml",
            r#"services:
  web:
    image: "nginx:${TAG:-1.25}"
    command: [run, "--password=${ADMIN_PASSWORD}"]
    environment: ["MODE=${MODE}", KEY]
    ports: ["8080:80"]
    cap_add: [NET_ADMIN]
  db:
    image: postgres:16
    env_file: db.env
    environment: {POSTGRES_PASSWORD: "${ADMIN_PASSWORD}"}
    volumes: [data:/var/lib/postgresql/data]
volumes: {data: {driver_opts: {type: nfs, o: "password=hunter2-nfs", device: x}}}
"#,
        ),
        (
            "products/shop/over.yml",
            "services:\n  web:\n    image: \"nginx:${TAG}-alpine\"\n    cap_add: [SYS_TIME]\n    environment: {MODE: live}\n",
        ),
        (
            "products/shop/shop.env",
            "TAG=1.26\nMODE=test\nADMIN_PASSWORD=hunter2-admin\nKEY=abc\n",
        ),
        (
            "products/shop/db.env",
            "POSTGRES_PASSWORD=hunter2-first\nPOSTGRES_DB=${MODE}db\nURL=pg://u:hunter2-url@h/\n",
        ),
        (
            "config/deploy.yml",
            r#"version: 1
stack: acme
site:
- label: wiki
  image: wiki
  domain: wiki.localhost
  env: {LOG_LEVEL: debug, A-B: x, HOW: {random: true}, ADMIN_PASSWORD: hunter2-plain}
  docker: {mem_limit: 512m, labels: {a-b: "1"}}
- label: shop
  image: shop
  domain: shop.example.org
  env: {TAG: "1.27"}
"#,
        ),
        (
            "config/deploy.prod.yml",
            r#"version: 1
stack: acme-prod
site:
- label: wiki
  domain: wiki.example.org
  env: {LOG_LEVEL: warn, A_B: y, HOW: {secret: token}}
  docker: {mem-limit: 1g, labels: {a_b: "2"}}
  update: {settle: 10s}
  provider:
  - {name: database, module-version: "15"}
"#,
        ),
    ])
}

fn read(environment: Option<&str>) -> Desired {
    let mut d = Diagnostics::new();
    let desired = read_for(&stack(), environment, &mut d);
    desired.unwrap_or_else(|| panic!("{}", lines(&d)))
}

fn layer(layer: &Layer, depth: usize, text: &mut Vec<String>) {
    let at = layer
        .at
        .as_ref()
        .map_or(String::new(), |at| format!(" {at}"));
    text.push(format!(
        "{}{}{at}: {}",
        "  ".repeat(depth),
        layer.from,
        layer.value
    ));
    for (name, layers) in &layer.used {
        text.push(format!("{}{name}", "  ".repeat(depth + 1)));
        layers
            .iter()
            .for_each(|one| self::layer(one, depth + 2, text));
    }
}

fn told(all: &[Explained]) -> String {
    let mut text = Vec::new();
    for one in all {
        let at = one.at.as_ref().map(ToString::to_string);
        text.push(format!(
            "# {} {} {} {}",
            one.kind,
            one.address,
            one.name,
            at.unwrap_or_default()
        ));
        for field in &one.fields {
            text.push(format!("{} = {}", field.field, field.value));
            field.layers.iter().for_each(|one| layer(one, 1, &mut text));
        }
    }
    text.join("\n")
}

fn ask(environment: Option<&str>, address: &str) -> String {
    match explain(&read(environment), address) {
        Ok(all) => told(&all),
        Err(unknown) => format!("{}; {:?}", unknown.summary, unknown.near),
    }
}

#[test]
fn every_layer_is_told() {
    insta::assert_snapshot!(ask(Some("prod"), "wiki"), @r##"
    # container wiki acme-prod-wiki config/deploy.yml:4
    domain = wiki.example.org
      environment prod config/deploy.prod.yml:5: wiki.example.org
      deploy file config/deploy.yml:6: wiki.localhost
    env.A-B = x
      deploy file config/deploy.yml:7: x
    env.ADMIN_PASSWORD = ***
      deploy file config/deploy.yml:7: ***
    env.A_B = y
      environment prod config/deploy.prod.yml:6: y
    env.DB_HOST = database
      product products/wiki/info.yml:9: {from: database, key: hostname}
        database.hostname
          coasti: database
    env.DB_PASSWORD = (generated)
      coasti: made at the first apply and kept: coasti secret get wiki/database/POSTGRES_PASSWORD
      product products/wiki/info.yml:8: {from: database, key: POSTGRES_PASSWORD}
        database.POSTGRES_PASSWORD
          coasti: (generated)
    env.DB_URL = pg://(generated):(generated)@database/
      product products/wiki/info.yml:6: pg://{DB_USER}:{DB_PASSWORD}@{DB_HOST}/
        DB_HOST
          product products/wiki/info.yml:9: {from: database, key: hostname}
            database.hostname
              coasti: database
        DB_PASSWORD
          product products/wiki/info.yml:8: {from: database, key: POSTGRES_PASSWORD}
            database.POSTGRES_PASSWORD
              coasti: (generated)
        DB_USER
          product products/wiki/info.yml:7: {from: database, key: POSTGRES_USER}
            database.POSTGRES_USER
              coasti: (generated)
    env.DB_USER = (generated)
      coasti: made at the first apply and kept: coasti secret get wiki/database/POSTGRES_USER
      product products/wiki/info.yml:7: {from: database, key: POSTGRES_USER}
        database.POSTGRES_USER
          coasti: (generated)
    env.HOW = ***
      environment prod config/deploy.prod.yml:6: {secret: token}
        config/secrets/token
          coasti: ***
      deploy file config/deploy.yml:7: {random: true}
    env.KEYED = ***
      product products/wiki/info.yml:11: {secret: token}
        config/secrets/token
          coasti: ***
    env.LOG_LEVEL = warn
      environment prod config/deploy.prod.yml:6: warn
      deploy file config/deploy.yml:7: debug
      product products/wiki/info.yml:10: info
    health.interval = 10s
      product products/wiki/info.yml:16: 10s
    health.retries = 5
      product products/wiki/info.yml:16: 5
    health.start_period = 2m
      coasti: the default
    health.test = ["CMD-SHELL","check"]
      product products/wiki/info.yml:16: check
    health.timeout = 30s
      coasti: the default
    hostname = wiki
      coasti: the short name, which stays whatever container runs
    image = quay.io/wiki:1.9.7
      product products/wiki/info.yml:4: quay.io/wiki:{version}
        image
          deploy file config/deploy.yml:5: wiki
    labels.a-b = 1
      deploy file config/deploy.yml:8: "1"
    labels.a_b = 2
      environment prod config/deploy.prod.yml:7: "2"
    live.memory = 1073741824
      environment prod config/deploy.prod.yml:7: 1g
      deploy file config/deploy.yml:8: 512m
    live.networks.acme-prod-wiki.aliases = ["wiki"]
      coasti: where it and what it uses reach each other
    live.restart.name = always
      coasti: the default
    mounts./uploads.volume = acme-prod-wiki-uploads
      product products/wiki/info.yml:15: uploads
    ports.3000/tcp.bind = 127.0.0.1
      coasti: the default
    ports.3000/tcp.host = (given at apply: the lowest free of 8100–8999)
      coasti: given once, and kept
      product products/wiki/info.yml:13: auto
    product = wiki
      deploy file config/deploy.yml:5: wiki
    stop_timeout = 1m
      coasti: what holds data gets this long to end
    update.settle = 10s
      environment prod config/deploy.prod.yml:8: 10s
    "##);
    insta::assert_snapshot!(ask(Some("prod"), "wiki/database.image"), @r##"
    # container wiki/database acme-prod-wiki-database config/deploy.prod.yml:10
    image = docker.io/library/postgres:15.1
      coasti: the newest of 15.1; what runs already stays
      environment prod config/deploy.prod.yml:10: "15"
      product products/wiki/info.yml:20: >=15,<17
    "##);
    insta::assert_snapshot!(ask(None, "wiki/database.env"), @r##"
    # container wiki/database acme-wiki-database products/wiki/info.yml:18
    env.POSTGRES_DB = wiki
      product products/wiki/info.yml:21: wiki
      coasti: (generated)
    env.POSTGRES_PASSWORD = (generated)
      coasti: made at the first apply and kept: coasti secret get wiki/database/POSTGRES_PASSWORD
      coasti: the service postgres brings it
    env.POSTGRES_PORT = 5432
      coasti: the service postgres brings it
    env.POSTGRES_USER = (generated)
      coasti: made at the first apply and kept: coasti secret get wiki/database/POSTGRES_USER
      coasti: the service postgres brings it
    "##);
    insta::assert_snapshot!(ask(None, "shop"), @r##"
    # container shop/db acme-shop-db products/shop/compose.yml:8
    domain = shop.example.org
      deploy file config/deploy.yml:11: shop.example.org
    env.POSTGRES_DB = testdb
      env file products/shop/db.env:2: ${MODE}db
        MODE
          env file products/shop/shop.env:2: test
    env.POSTGRES_PASSWORD = ***
      compose file products/shop/compose.yml:11: ${ADMIN_PASSWORD}
        ADMIN_PASSWORD
          env file products/shop/shop.env:3: ***
      env file products/shop/db.env:1: ***
    env.URL = ***
      env file products/shop/db.env:3: ***
    hostname = db
      coasti: the short name, which stays whatever container runs
    image = docker.io/library/postgres:16
      compose file products/shop/compose.yml:9: postgres:16
    live.networks.acme-shop.aliases = ["db"]
      coasti: where it and what it uses reach each other
    live.restart.name = always
      coasti: the default
    mounts./var/lib/postgresql/data.volume = acme-shop-data
      compose file products/shop/compose.yml:12: data:/var/lib/postgresql/data
    product = shop
      deploy file config/deploy.yml:10: shop
    stop_timeout = 1m
      coasti: what holds data gets this long to end
    # container shop/web acme-shop-web products/shop/over.yml:2
    cap_add = ["NET_ADMIN","SYS_TIME"]
      compose file products/shop/over.yml:4: [SYS_TIME]
      compose file products/shop/compose.yml:7: [NET_ADMIN]
    command = ["run","--password=***"]
      compose file products/shop/compose.yml:4: [run, --password=${ADMIN_PASSWORD}]
        ADMIN_PASSWORD
          env file products/shop/shop.env:3: ***
    domain = shop.example.org
      deploy file config/deploy.yml:11: shop.example.org
    env.KEY = abc
      compose file products/shop/compose.yml:5: KEY
        KEY
          env file products/shop/shop.env:4: abc
    env.MODE = live
      compose file products/shop/over.yml:5: live
      compose file products/shop/compose.yml:5: MODE=${MODE}
        MODE
          env file products/shop/shop.env:2: test
    hostname = web
      coasti: the short name, which stays whatever container runs
    image = docker.io/library/nginx:1.27-alpine
      compose file products/shop/over.yml:3: nginx:${TAG}-alpine
        TAG
          deploy file config/deploy.yml:12: "1.27"
          env file products/shop/shop.env:1: 1.26
      compose file products/shop/compose.yml:3: nginx:${TAG:-1.25}
        TAG
          deploy file config/deploy.yml:12: "1.27"
          env file products/shop/shop.env:1: 1.26
    live.networks.acme-shop.aliases = ["web"]
      coasti: where it and what it uses reach each other
    live.restart.name = always
      coasti: the default
    ports.80/tcp.bind = ::
      compose file products/shop/compose.yml:6: 8080:80
    ports.80/tcp.host = 8080
      compose file products/shop/compose.yml:6: 8080:80
    product = shop
      deploy file config/deploy.yml:10: shop
    "##);
    insta::assert_snapshot!(ask(Some("prod"), "stack"), @r##"
    # stack stack acme-prod 
    id = (made at the first apply)
      coasti: written into the deploy file
    networks = {pool: 172.24.0.0/14}
      coasti: the default
    ports = {from: 8100, to: 8999}
      coasti: the default
    stack = acme-prod
      environment prod config/deploy.prod.yml:2: acme-prod
      deploy file config/deploy.yml:2: acme
    version = 1
      deploy file config/deploy.yml:1: 1
    "##);
}

#[test]
fn what_an_environment_changes_is_told() {
    let of = |layer: &Option<Layer>| {
        let layer = layer.as_ref();
        layer.map_or("nothing".to_owned(), |layer| {
            format!("{} {}", layer.value, layer.at.as_ref().unwrap())
        })
    };
    let show = |one: &Overlaid| format!("{}: {} → {}", one.path, of(&one.before), of(&one.after));
    let all: Vec<_> = overlaid(&read(Some("prod"))).iter().map(show).collect();
    insta::assert_snapshot!(all.join("\n"), @r##"
    site.wiki.docker.labels.a_b: nothing → "2" config/deploy.prod.yml:7
    site.wiki.docker.mem-limit: 512m config/deploy.yml:8 → 1g config/deploy.prod.yml:7
    site.wiki.domain: wiki.localhost config/deploy.yml:6 → wiki.example.org config/deploy.prod.yml:5
    site.wiki.env.A_B: nothing → y config/deploy.prod.yml:6
    site.wiki.env.HOW: {random: true} config/deploy.yml:7 → {secret: token} config/deploy.prod.yml:6
    site.wiki.env.LOG_LEVEL: debug config/deploy.yml:7 → warn config/deploy.prod.yml:6
    site.wiki.provider: nothing → [{name: database, module-version: "15"}] config/deploy.prod.yml:10
    site.wiki.update: nothing → {settle: 10s} config/deploy.prod.yml:8
    stack: acme config/deploy.yml:2 → acme-prod config/deploy.prod.yml:2
    "##);
    assert!(overlaid(&read(None)).is_empty());
}

#[test]
fn things_go_by_what_users_call_them() {
    let desired = read(None);
    let first = |address: &str| {
        let all = explain(&desired, address).unwrap_or_else(|unknown| panic!("{unknown:?}"));
        let mut called = Vec::new();
        for one in &all {
            let field = one.fields.first().map_or("", |field| field.field.as_str());
            called.push(format!("{} {}.{field}", one.kind, one.address));
        }
        called.join(", ")
    };
    for (address, wanted) in [
        ("wiki.env.LOG_LEVEL", "container wiki.env.LOG_LEVEL"),
        ("container wiki.domain", "container wiki.domain"),
        ("container:wiki.domain", "container wiki.domain"),
        ("wiki.localhost.domain", "container wiki.domain"),
        ("Wiki.Localhost.domain", "container wiki.domain"),
        ("acme-wiki.domain", "container wiki.domain"),
        ("wiki.docker.mem-limit", "container wiki.live.memory"),
        ("wiki.healthcheck", "container wiki.health.interval"),
        ("wiki.port", "container wiki.ports.3000/tcp.bind"),
        ("wiki.update.order", "container wiki.update.order"),
        ("wiki/database.image", "container wiki/database.image"),
        (
            "shop.image",
            "container shop/db.image, container shop/web.image",
        ),
        ("shop.cap_add", "container shop/web.cap_add"),
        ("network shop", "network shop.name"),
        ("volume wiki/uploads", "volume wiki/uploads.name"),
        ("wiki/uploads", "volume wiki/uploads.name"),
        ("acme-wiki-uploads", "volume wiki/uploads.name"),
        ("postgres:16", "image docker.io/library/postgres:16.name"),
        ("stack.ports", "stack stack.ports"),
    ] {
        assert_eq!(first(address), wanted, "{address}");
    }
    for (address, near) in [
        ("wikki", Some("wiki")),
        ("wiki.localhos", Some("wiki.localhost")),
        ("volume wiki/upload", Some("volume wiki/uploads")),
        ("wiki.LOG_LEVEL", Some("wiki.env.LOG_LEVEL")),
        ("wiki.LOG_LEVL", Some("wiki.env.LOG_LEVEL")),
        ("wiki.env.LOG", Some("wiki.env.LOG_LEVEL")),
        ("wiki.memory", Some("wiki.live.memory")),
        ("", None),
        (".", None),
        ("volume", None),
        ("wiki.env.LOG_LEVEL.x", Some("wiki.env.LOG_LEVEL")),
        ("nothing like it", None),
    ] {
        let unknown = explain(&desired, address).unwrap_err();
        assert_eq!(unknown.near.as_deref(), near, "{address}");
        assert!(!unknown.known.is_empty());
    }
}

#[test]
fn each_field_has_a_layer_and_none_a_secret() {
    for environment in [None, Some("prod")] {
        let desired = read(environment);
        let all = addresses(&preview(&desired));
        let all = all
            .iter()
            .map(|one| format!("{} {}", one.kind, one.address));
        for address in all.chain(["stack".to_owned()]) {
            let told = explain(&desired, &address).unwrap();
            assert!(!told.is_empty(), "{address}");
            for field in told.iter().flat_map(|one| &one.fields) {
                assert!(!field.layers.is_empty(), "{address}.{}", field.field);
            }
            let text = serde_json::to_string(&told).unwrap();
            assert!(!text.contains("hunter2"), "{address}: {text}");
        }
        let text = serde_json::to_string(&overlaid(&desired)).unwrap();
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn what_a_secret_was_laid_over_is_one_as_well() {
    let mut folder = stack();
    let info = "version: 1\napp:\n  image: acme/w:1\n  env: {A: hunter2a, DB_PASSWORD: '{A}'}\n";
    let deploy = "version: 1\nstack: acme\nsite:\n- {label: w, image: w, env: {A: hunter2b}}\n";
    let prod = "site:\n- {label: w, env: {A: hunter2c}}\n";
    for (path, text) in [
        ("config/products.yml", "version: 1\nproducts: [{id: w}]\n"),
        ("products/w/info.yml", info),
        ("config/deploy.yml", deploy),
        ("config/deploy.prod.yml", prod),
    ] {
        folder.0.insert(path.into(), text.into());
    }
    for environment in [None, Some("prod")] {
        let mut d = Diagnostics::new();
        let desired = read_for(&folder, environment, &mut d);
        let desired = desired.unwrap_or_else(|| panic!("{}", lines(&d)));
        let told = explain(&desired, "w").unwrap();
        let changed = overlaid(&desired);
        let paths: Vec<&str> = changed.iter().map(|one| one.path.as_str()).collect();
        match environment {
            Some(_) => assert_eq!(paths, ["site.w.env.A"]),
            None => assert!(paths.is_empty()),
        }
        let all = serde_json::to_string(&(told, changed)).unwrap();
        assert!(all.contains("***") && !all.contains("hunter2"), "{all}");
    }
}

#[test]
fn what_services_are_set_to_is_told() {
    let mut folder = stack();
    let env = "HOSTNAME=x.example.org\nPOSTGRES_PORT=5432 # ours\nPOSTGRES_PASSWORD='hunter2'\nEXTRA=\"${POSTGRES_PASSWORD}!\"\n";
    folder.0.insert("config/services.env".into(), env.into());
    let desired = super::read(&folder, &mut Diagnostics::new()).unwrap();
    insta::assert_snapshot!(told(&explain(&desired, "services.env").unwrap()), @r#"
    # file services.env config/services.env 
    EXTRA = ${POSTGRES_PASSWORD}!
      env file config/services.env:4: "${POSTGRES_PASSWORD}!"
    HOSTNAME = x.example.org
      env file config/services.env:1: x.example.org
    POSTGRES_PASSWORD = ***
      env file config/services.env:3: ***
      coasti: for postgres
    POSTGRES_PORT = 5432
      env file config/services.env:2: 5432 # ours
      coasti: for postgres
    "#);
    let one = explain(&desired, "services.env.postgres_port").unwrap();
    assert_eq!(one[0].fields.len(), 1);
    assert!(explain(&desired, "services.env.nosuch").is_err());
}

#[test]
fn a_table_of_the_files_is_a_field_and_a_label_is_near() {
    let desired = read(None);
    let fields = |address: &str| -> Vec<String> {
        let told = explain(&desired, address).unwrap();
        let fields = told.into_iter().flat_map(|one| one.fields);
        fields.map(|field| field.field).collect()
    };
    let docker = fields("wiki.docker");
    assert!(docker.iter().any(|field| field == "hostname"), "{docker:?}");
    assert!(
        !docker.iter().any(|field| field.starts_with("env.")),
        "{docker:?}"
    );
    assert!(fields("wiki.health").contains(&"health.test".to_owned()));
    let none = explain(&desired, "shop/web.health").unwrap_err();
    assert_eq!(none.summary, "nothing is said of `health` for `shop/web`");
    assert_eq!(
        explain(&desired, "shp").unwrap_err().near.as_deref(),
        Some("shop")
    );
}

/// Values that are filled into each other without end in sight are told as far as anybody reads.
#[test]
fn long_histories_are_cut_off() {
    let mut env = "A0=x\nB0=x\n".to_owned();
    for n in 1..5000 {
        env += &format!("A{n}=${{A{}}}\n", n - 1);
    }
    for n in 1..15 {
        let before = n - 1;
        env += &format!("B{n}=${{B{before}}}${{A{before}}}\nC{n}=${{B{before}}}${{B{n}}}\n");
    }
    let mut folder = stack();
    folder.0.insert(
        "products/shop/shop.env".into(),
        env + "ADMIN_PASSWORD=x\nMODE=${A4999}${B14}${C14}\nKEY=\n",
    );
    let desired = super::read(&folder, &mut Diagnostics::new()).unwrap();
    let told = explain(&desired, "shop.env").unwrap();
    let lines = self::told(&told).lines().count();
    assert!((100..1500).contains(&lines), "{lines}");
}
