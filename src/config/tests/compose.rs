//! Products that are compose files.

use super::*;

mod engines;
mod keys;
mod labels;
mod shared;

/// A stack whose one site `web` runs a product that is these files.
fn stack<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Map {
    with_site("", files)
}

fn with_site<'a>(site: &str, files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Map {
    let mut map = Map::new([("config/products.yml", "version: 1\nproducts:\n- id: shop\n")]);
    let deploy = format!("version: 1\nstack: acme\nsite:\n- {{label: web, image: shop{site}}}\n");
    map.0.insert("config/deploy.yml".into(), deploy);
    map.0.insert(
        "products/shop/info.yml".into(),
        "run: {compose: compose.yml}\n".into(),
    );
    for (path, text) in files {
        map.0
            .insert(format!("products/shop/{path}"), text.to_owned());
    }
    map
}

/// Everything that is wrong, and what is not is said to be sealed.
fn said(map: &Map) -> String {
    let world = world(map);
    let mut diagnostics = Diagnostics::new();
    let desired = read(map, &mut diagnostics);
    if let Some(desired) = desired {
        seal(&desired, &world.facts(), &mut diagnostics);
    }
    lines(&diagnostics)
}

fn world(map: &Map) -> World {
    let mut world = World::new();
    if let Some(desired) = read(map, &mut Diagnostics::new()) {
        for reference in desired.images() {
            world.image(&reference, &[]);
        }
    }
    world
}

fn made(map: &Map) -> Stack {
    sealed(map, &world(map)).stack
}

#[test]
fn services_become_containers() {
    let map = stack([(
        "compose.yml",
        "\
name: shop
x-common: &common
  restart: unless-stopped
services:
  app:
    <<: *common
    image: acme/app:1
    depends_on: {db: {condition: service_healthy}, init: {condition: service_completed_successfully}}
    ports: ['8080:80', '127.0.0.1:8443:443']
    networks: [default, proxy]
    environment: [A=1, B=x y]
  init:
    image: acme/app:1
    command: migrate --now 'two words'
    restart: 'no'
    depends_on: [db]
  db:
    image: postgres:17
    environment: {POSTGRES_PASSWORD: secret}
    volumes: ['data:/var/lib/postgresql/data']
    healthcheck: {test: ['CMD', 'pg_isready'], interval: 5s, retries: 3}
networks:
  proxy: {internal: true}
volumes:
  data:
",
    )]);
    let stack = made(&map);
    insta::assert_snapshot!(outline(&stack), @r#"
    image:docker.io/acme/app:1 = docker.io/acme/app:1
    image:docker.io/library/postgres:17 = docker.io/library/postgres:17
    network:web = acme-web
    network:web/proxy = acme-web-proxy
    volume:web/data = acme-web-data
    container:web/app = acme-web-app image:docker.io/acme/app:1:Exists network:web:Exists network:web/proxy:Exists container:web/db:Healthy container:web/init:Completed
    container:web/db = acme-web-db image:docker.io/library/postgres:17:Exists network:web:Exists volume:web/data:Exists
    container:web/init = acme-web-init image:docker.io/acme/app:1:Exists network:web:Exists container:web/db:Started
    "#);
    insta::assert_snapshot!(fields(&stack, "web/app"), @r#"
    env.A = 1
    env.B = x y
    hostname = app
    image = docker.io/acme/app:1
    live.networks.acme-web-proxy.aliases = ["app"]
    live.networks.acme-web.aliases = ["app"]
    live.restart.name = unless-stopped
    ports.443/tcp.bind = 127.0.0.1
    ports.443/tcp.host = 8443
    ports.80/tcp.bind = ::
    ports.80/tcp.host = 8080
    "#);
    insta::assert_snapshot!(fields(&stack, "web/init"), @r#"
    command = ["migrate","--now","two words"]
    hostname = init
    image = docker.io/acme/app:1
    live.networks.acme-web.aliases = ["init"]
    live.restart.name = no
    "#);
    insta::assert_snapshot!(fields(&stack, "web/db"), @r#"
    env.POSTGRES_PASSWORD = ***e8f9acc76498
    health.interval = 5s
    health.retries = 3
    health.test = ["CMD","pg_isready"]
    hostname = db
    image = docker.io/library/postgres:17
    live.networks.acme-web.aliases = ["db"]
    live.restart.name = always
    mounts./var/lib/postgresql/data.volume = acme-web-data
    stop_timeout = 1m
    "#);
}

#[test]
fn files_are_laid_over_each_other() {
    let mut map = stack([
        (
            "compose.yml",
            "\
include: [{path: shared/db.yml, env_file: shared/db.env}]
services:
  app:
    extends: {file: base.yml, service: base}
    image: acme/app:${TAG}
    command: [serve, '${GREETING:-hello $$you}']
    ports: ['8080:80', '8081:81']
    environment: {B: two, C: '3'}
    volumes: ['./conf:/etc/app:ro', 'a:/a']
    cap_add: [NET_ADMIN]
    env_file: [app.env]
    profiles: [web]
  tools: {image: 'acme/tools:1', profiles: [debug]}
volumes: {a: , b: }
",
        ),
        (
            "over.yml",
            "\
services:
  app:
    command: [other]
    ports: !override ['9090:90']
    environment: [C=4, D]
    volumes: ['b:/a']
    cap_add: !reset []
    logging: {driver: local}
",
        ),
        (
            "base.yml",
            "services:\n  base:\n    environment: {A: one, B: one}\n    restart: on-failure:3\n    volumes: ['./base:/base']\n    logging: {options: {max-size: 1m}}\n",
        ),
        (
            "shared/db.yml",
            "services:\n  db: {image: 'acme/db:${TAG}', volumes: ['./init:/init:ro']}\n",
        ),
        ("shared/db.env", "TAG=9\n"),
        (".env", "TAG=7\nD='from the project'\n"),
        ("app.env", "export E=\"f\\ng\"\nC=lost\n"),
    ]);
    map.0.insert(
        "products/shop/info.yml".into(),
        "run: {compose: compose.yml, files: [over.yml], profiles: [web]}\n".into(),
    );
    let stack = made(&map);
    insta::assert_snapshot!(fields(&stack, "web/app"), @r#"
    command = ["other"]
    create = ["/srv/acme/products/shop/base","/srv/acme/products/shop/conf"]
    env.A = one
    env.B = two
    env.C = 4
    env.D = from the project
    env.E = f
    g
    hostname = app
    image = docker.io/acme/app:7
    live.networks.acme-web.aliases = ["app"]
    live.restart.max_retries = 3
    live.restart.name = on-failure
    log.driver = local
    log.options.max-size = 1m
    mounts./a.volume = acme-web-b
    mounts./base.directory = /srv/acme/products/shop/base
    mounts./etc/app.directory = /srv/acme/products/shop/conf
    mounts./etc/app.read_only = true
    ports.90/tcp.bind = ::
    ports.90/tcp.host = 9090
    stop_timeout = 1m
    "#);
    // What is set where the product runs wins over what an included file brings.
    assert_eq!(container(&stack, "web/db").image, "docker.io/acme/db:7");
    let bind = &container(&stack, "web/db").mounts["/init"].source;
    assert_eq!(
        *bind,
        crate::model::MountSource::Directory("/srv/acme/products/shop/shared/init".into())
    );
    let origin = |field: &str| {
        stack.resources[&ResourceId::container("web/app")]
            .origin(field)
            .unwrap()
            .to_string()
    };
    assert_eq!(origin("env.A"), "products/shop/base.yml:3");
    assert_eq!(origin("env.C"), "products/shop/over.yml:5");
    assert_eq!(origin("env.E"), "products/shop/app.env:1");
}

#[test]
fn secrets_of_an_env_file_are_shown_nowhere() {
    let map = with_site(
        ", env: {ADMIN_PASSWORD: {random: true}, TOKEN: {secret: token}}",
        [
            (
                "compose.yml",
                "\
services:
  cache:
    image: redis:7
    command: redis-server --requirepass ${CACHE_PASSWORD} --user 'a b'
    environment: {URL: 'redis://:${CACHE_PASSWORD}@cache', NAME: '${CACHE_NAME}', ADMIN: '${ADMIN_PASSWORD}'}
    healthcheck: {test: ['CMD', 'redis-cli', '-a', '${CACHE_PASSWORD}', 'ping']}
    secrets: [db, {source: tls, target: /etc/tls.key, mode: 0400, uid: '7'}]
    configs: [{source: conf, target: /etc/app.conf}]
secrets:
  db: {environment: TOKEN}
  tls: {file: ./tls.key}
configs:
  conf: {content: \"name=${CACHE_NAME}\\n\"}
",
            ),
            (".env", "CACHE_PASSWORD='s3cr3t w0rd'\nCACHE_NAME=main\n"),
            ("tls.key", "-----KEY-----\n"),
        ],
    );
    let mut map = map;
    map.0
        .insert("config/secrets/token".into(), "t0k3n\n".into());
    let sealed = sealed(&map, &world(&map));
    let json = serde_json::to_string(&sealed.stack).unwrap();
    for hidden in ["s3cr3t", "t0k3n", "-----KEY", "name=main"] {
        assert!(!json.contains(hidden), "{hidden}: {json}");
    }
    insta::assert_snapshot!(fields(&sealed.stack, "web/cache"), @r#"
    command = ["redis-server","--requirepass","***41302c22d5f1","--user","a b"]
    env.ADMIN = (generated)
    env.NAME = main
    env.URL = redis://:***41302c22d5f1@cache
    files./etc/app.conf.content = ***8317fbe0061e
    files./etc/tls.key.content = ***07d4a26130ad
    files./etc/tls.key.mode = 0400
    files./etc/tls.key.uid = 7
    files./run/secrets/db.content = ***d002bc283dd1
    health.test = ["CMD","redis-cli","-a","***41302c22d5f1","ping"]
    hostname = cache
    image = docker.io/library/redis:7
    live.networks.acme-web.aliases = ["cache"]
    live.restart.name = always
    "#);
    insta::assert_snapshot!(outline(&sealed.stack), @"
    image:docker.io/library/redis:7 = docker.io/library/redis:7
    network:web = acme-web
    file:web/cache/files = acme-web-cache-files-50f50a178f4d
    container:web/cache = acme-web-cache image:docker.io/library/redis:7:Exists network:web:Exists file:web/cache/files:Exists
    ");
    assert_eq!(sealed.generate.len(), 1);
    let given: Vec<_> = sealed
        .given
        .values()
        .map(|value| value.expose().as_str())
        .collect();
    assert!(
        given.contains(&"s3cr3t w0rd")
            && given.contains(&"t0k3n")
            && given.contains(&"-----KEY-----\n"),
        "{given:?}"
    );
    // Another content is another volume, and so another container.
    let mut other = map.clone();
    other
        .0
        .insert("products/shop/tls.key".into(), "-----OTHER-----\n".into());
    let volumes = |stack: &Stack| {
        let files = ResourceId::file("web/cache/files");
        stack.resources[&files].name.clone()
    };
    assert_ne!(volumes(&made(&other)), volumes(&sealed.stack));
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let only = |text: &str| said(&stack([("compose.yml", text)]));
    insta::assert_snapshot!(only("services:\n  a:\n    image: x:1\n    imge: y\n    links: ['c:']\n    credential_spec: all\n    ports: ['x', '1-3:3-4', '80:80/icmp']\n    restart: sometimes\n"), @r#"
    E0104 products/shop/compose.yml:4:5 unknown key `imge` in service `a`
        ^ not known here
        help: did you mean `image`?
    E0106 products/shop/compose.yml:5:13 `links` of `a` cannot be `c:`
        help: `SERVICE`, or `SERVICE:NAME`
    E0170 products/shop/compose.yml:6:5 `credential_spec` of service `a` is not supported
        help: leave it out, where the service works without it
    E0131 products/shop/compose.yml:7:13 `x` publishes no port
        ^ a port is a number from 1 to 65535
        help: `"8080:80"`, `"127.0.0.1:8080:80/tcp"`, or a table with `target` and `published`
    E0131 products/shop/compose.yml:7:18 `1-3:3-4` publishes no port
        ^ both ranges must be equally long
        help: `"8080:80"`, `"127.0.0.1:8080:80/tcp"`, or a table with `target` and `published`
        help: leave the host's port out: the next free one is taken
    E0131 products/shop/compose.yml:7:29 `80:80/icmp` publishes no port
        ^ the protocol is `tcp`, `udp` or `sctp`
        help: `"8080:80"`, `"127.0.0.1:8080:80/tcp"`, or a table with `target` and `published`
    E0106 products/shop/compose.yml:8:14 `restart` cannot be `sometimes`
        help: `no`, `always`, `unless-stopped`, `on-failure` or `on-failure:TRIES`
    "#);
    insta::assert_snapshot!(only("services:\n  a: {image: 'x:1', depends_on: [b, c], volumes: ['data:/d', '~/x:/y', 'z'], networks: [n], secrets: [s]}\n  b: {image: 'x:1', profiles: [p]}\n"), @r#"
    E0176 products/shop/compose.yml:2:34 the service `b` does not run
        ^ it has the profile `p`
        help: name the profile under `profiles` of the product's `run`, or write `required: false`
    E0176 products/shop/compose.yml:2:37 there is no service `c`
    E0135 products/shop/compose.yml:2:62 `~` is another folder for everybody who applies the stack
        help: write the whole path, or one relative to the file
    E0135 products/shop/compose.yml:2:72 `z` is no path in the container
        help: it starts with `/`: `data:/var/lib/data`
    "#);
    insta::assert_snapshot!(only("services:\n  a: {image: 'x:1', depends_on: [b]}\n  b: {image: 'x:1', depends_on: {a: {condition: healthy}}}\n"), @r#"
    E0175 products/shop/compose.yml:2:3 services need each other in a circle: `a` → `b` → `a`
    E0106 products/shop/compose.yml:3:49 `condition` cannot be `healthy`
        help: `service_started`, `service_healthy` or `service_completed_successfully`
    "#);
    insta::assert_snapshot!(only("services:\n  a: {extends: b}\n  b: {extends: {service: a}}\n"), @"E0175 products/shop/compose.yml:3:16 services extend each other: `a` → `b` → `a`");
    insta::assert_snapshot!(only("include: [compose.yml]\nservices: {}\n"), @"E0175 products/shop/compose.yml:1:11 compose files include each other: `products/shop/compose.yml` → `products/shop/compose.yml`");
    insta::assert_snapshot!(only("include: [no.yml, ../../../x.yml]\n"), @r#"
    E0101 products/shop/compose.yml:1:11 the compose file `products/shop/no.yml` does not exist
        help: its path is relative to the file that names it
    "#);
    insta::assert_snapshot!(only("services:\n  a: {extends: {file: no.yml, service: x}}\n"), @r#"
    E0101 products/shop/compose.yml:2:23 the compose file `products/shop/no.yml` does not exist
        help: its path is relative to the file that names it
    "#);
    insta::assert_snapshot!(only("services:\n  a: {image: 'x:${TAG:?say which}', environment: {A: '${', B: '${C}'}}\n"), @r#"
    E0172 products/shop/compose.yml:2:14 the variable `TAG` must be set
        ^ say which
        help: set it in the env file, or in the site's `env`
    E0171 products/shop/compose.yml:2:54 a `$` that names no variable
        ^ `}` is missing
        help: write `$$` for a dollar itself
    W0173 products/shop/compose.yml:2:63 the variable `C` is not set
        ^ nothing is put in its place
        help: set it in the env file or in the site's `env`, or write `${C:-}`
    "#);
    insta::assert_snapshot!(only("services:\n  a: {build: .}\n  b: {image: 'x:1', labels: {k: '${MY_TOKEN}'}, network_mode: 'service:c', hostname: h}\n  c: {command: 'x \"y'}\n"), @r#"
    E0101 products/shop/compose.yml:2:7 there is no Dockerfile `products/shop/Dockerfile`
        help: name it: `dockerfile: PATH`, relative to `context`
    W0173 products/shop/compose.yml:3:33 the variable `MY_TOKEN` is not set
        ^ nothing is put in its place
        help: set it in the env file or in the site's `env`, or write `${MY_TOKEN:-}`
    E0170 products/shop/compose.yml:3:63 `hostname` of `b`, which uses the network of `c`
        help: say it of `c`
    E0107 products/shop/compose.yml:4:3 service `c` has neither `image` nor `build`
    E0106 products/shop/compose.yml:4:16 a quote or bracket is not closed in `command` of service `c`
        help: write it as a list, each word one entry
    "#);
    insta::assert_snapshot!(only("services: {}\n"), @r#"
    E0180 products/shop/info.yml:1:16 the compose file has no service to run
        help: write one under `services`
    "#);
    insta::assert_snapshot!(only("services:\n  a: {image: 'x:1', configs: [c], secrets: [d]}\nconfigs: {c: {}}\nsecrets: {d: {external: true}}\n"), @r#"
    E0107 products/shop/compose.yml:3:11 config `c` must say where it comes from
        help: one of `file: PATH`, `environment: NAME`, `content: TEXT`, `external: true`
    E0129 products/shop/compose.yml:4:11 no secret `d`
        help: coasti secret set d, or put its value into `config/secrets/d`, readable by you only
    "#);
    let mut both = stack([("compose.yml", "services: {a: {image: 'x:1'}}\n")]);
    both.0.insert(
        "config/deploy.yml".into(),
        "stack: acme\nsite:\n- {label: web, image: shop, port: {web: 80}, docker: {user: x}}\n"
            .into(),
    );
    insta::assert_snapshot!(said(&both), @r#"
    E0170 config/deploy.yml:3:3 `docker` of a site whose product is a compose file
        ^ the product has several services
        help: say it in a compose file of your own, and name that under `files` of the product's `run`
    E0170 config/deploy.yml:3:3 `port` of a site whose product is a compose file
        ^ the product has several services
        help: say it in a compose file of your own, and name that under `files` of the product's `run`
    "#);
    both.0.insert(
        "products/shop/info.yml".into(),
        "run: {compose: none.yml, profiles: [x], fils: []}\n".into(),
    );
    insta::assert_snapshot!(said(&both), @r#"
    E0170 config/deploy.yml:3:3 `docker` of a site whose product is a compose file
        ^ the product has several services
        help: say it in a compose file of your own, and name that under `files` of the product's `run`
    E0170 config/deploy.yml:3:3 `port` of a site whose product is a compose file
        ^ the product has several services
        help: say it in a compose file of your own, and name that under `files` of the product's `run`
    E0101 products/shop/info.yml:1:16 `products/shop/none.yml` is missing
    E0104 products/shop/info.yml:1:41 unknown key `fils` in `run`
        ^ not known here
        help: did you mean `files`?
    "#);
}

#[test]
fn expansion_is_bounded() {
    // Each service is the one before it twice over.
    let mut text = "services:\n  s0: &s {image: 'x:1', environment: {".to_owned();
    for n in 0..2000 {
        text.push_str(&format!("V{n}: '', "));
    }
    text.push_str("}}\n");
    for n in 1..2000 {
        text.push_str(&format!("  s{n}: {{extends: s0}}\n"));
    }
    let said = said(&stack([("compose.yml", text.as_str())]));
    assert!(said.starts_with("E0108"), "{said}");
}

#[test]
fn a_folder_of_this_machine_is_not_mounted_on_another() {
    let map = stack([(
        "compose.yml",
        "services:\n  a: {image: 'x:1', volumes: ['./d:/d', '/srv/e:/e']}\n",
    )]);
    let world = world(&map);
    let mut d = Diagnostics::new();
    let desired = read(&map, &mut d).unwrap();
    let mut facts = world.facts();
    facts.local = false;
    assert!(seal(&desired, &facts, &mut d).is_none());
    insta::assert_snapshot!(lines(&d), @r#"
    E0177 products/shop/compose.yml:2:31 a folder of this machine cannot be mounted on another
        ^ the engine is on another machine
        help: write the folder's whole path on the engine's machine, or use a volume, or `configs`
    "#);
}

#[test]
fn a_subnet_that_is_said_is_the_networks_own() {
    let map = stack([(
        "compose.yml",
        "services:\n  a: {image: 'x:1', networks: {n: {ipv4_address: 10.9.0.7}}}\nnetworks:\n  n: {ipam: {config: [{subnet: 10.9.0.0/24}]}}\n",
    )]);
    let mut world = world(&map);
    let subnet = |text: &str| text.parse::<crate::model::Subnet>().unwrap();
    let of = |world: &World| {
        let mut d = Diagnostics::new();
        let desired = read(&map, &mut d).unwrap();
        seal(&desired, &world.facts(), &mut d);
        lines(&d)
    };
    assert_eq!(of(&world), "");
    world
        .observed
        .foreign
        .subnets
        .push(("lan".into(), subnet("10.9.0.0/16")));
    insta::assert_snapshot!(of(&world), @r#"
    E0145 products/shop/compose.yml:4:3 the subnet 10.9.0.0/24 overlaps that of the network `lan`
        ^ it has 10.9.0.0/16
        help: write another, or leave it out where no address is fixed
    "#);
    let network = crate::observe::Network {
        id: crate::base::EngineId::new("n"),
        name: "acme-web-n".into(),
        owner: Default::default(),
        subnets: vec![subnet("10.8.0.0/24")],
        internal: false,
    };
    world
        .observed
        .networks
        .insert(network.name.clone(), network);
    insta::assert_snapshot!(of(&world), @r#"
    E0181 products/shop/compose.yml:4:3 the network `acme-web-n` has the subnet 10.8.0.0/24, not 10.9.0.0/24
        help: give the network another name in the compose file: it is made anew then
    "#);
}

/// Files that use every part of the loader, to be damaged.
const MATERIAL: &str = "\
include: [{path: other.yml, env_file: .env}]
x-a: &a {image: 'x:${TAG:-1}', environment: {K: v}, ports: ['80:80']}
services:
  one: {<<: *a, extends: {file: other.yml, service: two}, command: 'run \"a b\" $$X', volumes: ['d:/d', {type: bind, source: ./x, target: /x}]}
  two: {image: 'y:2', depends_on: {one: {condition: service_healthy}}, healthcheck: {test: [CMD, a], interval: 5s}, networks: {n: {ipv4_address: 10.0.0.2}}, secrets: [s], deploy: {resources: {limits: {cpus: '1', memory: 1g}}}}
networks: {n: {ipam: {config: [{subnet: 10.0.0.0/24}]}}}
volumes: {d: }
secrets: {s: {file: .env}}
";

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, cases: 400, ..Default::default() })]

    /// Whatever stands in the files, there is an answer, and each problem has a place that can be shown.
    #[test]
    fn damaged_files_are_read_to_their_end(
        cuts in proptest::collection::vec((proptest::prelude::any::<proptest::sample::Index>(), 0..12usize, "[ -~\\n$\\{\\}:!&*é]{0,6}"), 0..5),
        env in "[A-Z]{1,3}[=: ]['\"]?[ -~\\n]{0,12}",
    ) {
        let mut text: Vec<char> = MATERIAL.chars().collect();
        for (at, length, with) in cuts {
            let start = at.index(text.len().max(1)).min(text.len());
            let end = (start + length).min(text.len());
            text.splice(start..end, with.chars());
        }
        let text: String = text.into_iter().collect();
        let map = stack([
            ("compose.yml", text.as_str()),
            ("other.yml", "services: {two: {image: 'z:1', command: [a]}}\n"),
            (".env", env.as_str()),
        ]);
        said(&map);
    }
}

#[test]
fn services_take_over_what_is_named() {
    let compose = (
        "compose.yml",
        "services:\n  app: {image: 'acme/web:1', deploy: {replicas: 2}}\n",
    );
    let adopts = |map: &Map| -> Vec<String> {
        let stack = made(map);
        let adopts = stack.containers().filter_map(|(id, resource, _)| {
            let adopt = resource.life.adopt.as_ref()?;
            Some(format!("{} {}", id.address, adopt.container))
        });
        adopts.collect()
    };
    let map = with_site(", adopt: {app: shop-app-1, app-2: shop-app-2}", [compose]);
    assert_eq!(said(&map), "");
    assert_eq!(adopts(&map), ["web/app shop-app-1", "web/app-2 shop-app-2"]);
    let map = with_site(", adopt: shop-app-1", [compose]);
    insta::assert_snapshot!(said(&map), @"
    E0186 config/deploy.yml:4:36 `web` has no container `web`
        help: there are `app`, `app-2`
    ");
}

#[test]
fn a_folder_in_the_place_of_a_file_is_told_where_it_is_named() {
    let text = "services:\n  a: {image: 'x:1', env_file: '', label_file: [conf]}\n  b: {build: {context: ., dockerfile: conf}}\n";
    let map = stack([("compose.yml", text), ("conf/one", "")]);
    insta::assert_snapshot!(said(&map), @"
    E0101 products/shop/compose.yml:2:31 `products/shop` is a directory, not a file
    E0101 products/shop/compose.yml:2:48 `products/shop/conf` is a directory, not a file
    E0101 products/shop/compose.yml:3:39 `products/shop/conf` is a directory, not a file
    ");
    let map = stack([("compose.yml", "include: [conf]\n"), ("conf/one", "")]);
    insta::assert_snapshot!(said(&map), @"E0101 products/shop/compose.yml:1:11 `products/shop/conf` is a directory, not a file");
}
