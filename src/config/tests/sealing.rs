use super::*;

mod given;

const WIKI: &str = "\
metadata: {id: wiki, version: 1.2, title: Wiki}
image: acme/wiki:{version}
env:
  DB_HOST: {from: database, key: hostname}
  DB_NAME: {from: database, key: POSTGRES_DB}
  DB_PASSWORD: {from: database, key: POSTGRES_PASSWORD}
  DB_URL: 'postgres://{DB_USER}:{DB_PASSWORD}@{DB_HOST}/{DB_NAME}'
  DB_USER: {from: database, key: POSTGRES_USER}
  HOST: {key: domain}
  KEY: {random: true, length: 32, display: true}
  ADMIN_PASSWORD: swordfish
port:
  web: {container: 3000}
volume:
- {name: uploads, target: /uploads/}
provider:
- {name: database, module-name: postgres, module-version: '>=15,<16'}
";

const DEPLOY: &str = "\
version: 1
stack: acme
site:
- label: wiki
  image: wiki
  domain: https://wiki.example.org/
  env: {LEVEL: info}
";

#[test]
fn an_app_with_a_database() {
    let folder = Map::wiki(WIKI, DEPLOY);
    let mut world = World::new();
    world.image(
        "docker.io/library/postgres:15.1",
        &["/var/lib/postgresql/data"],
    );
    let sealed = sealed(&folder, &world);
    insta::assert_snapshot!(outline(&sealed.stack), @r#"
    image:docker.io/acme/wiki:1.2 = docker.io/acme/wiki:1.2
    image:docker.io/library/postgres:15.1 = docker.io/library/postgres:15.1
    network:wiki = acme-wiki
    volume:wiki/database/postgres-data = acme-wiki-database-postgres-data
    volume:wiki/uploads = acme-wiki-uploads
    container:wiki = acme-wiki image:docker.io/acme/wiki:1.2:Exists network:wiki:Exists volume:wiki/uploads:Exists container:wiki/database:Healthy
    container:wiki/database = acme-wiki-database image:docker.io/library/postgres:15.1:Exists network:wiki:Exists volume:wiki/database/postgres-data:Exists
    "#);
    insta::assert_snapshot!(fields(&sealed.stack, "wiki"), @r#"
    env.ADMIN_PASSWORD = ***0ceb83c981eb
    env.DB_HOST = database
    env.DB_NAME = (generated)
    env.DB_PASSWORD = (generated)
    env.DB_URL = postgres://(generated):(generated)@database/(generated)
    env.DB_USER = (generated)
    env.HOST = wiki.example.org
    env.KEY = (generated)
    env.LEVEL = info
    hostname = wiki
    image = docker.io/acme/wiki:1.2
    live.networks.acme-wiki.aliases = ["wiki"]
    live.restart.name = always
    mounts./uploads.volume = acme-wiki-uploads
    ports.3000/tcp.bind = 127.0.0.1
    ports.3000/tcp.host = 8100
    stop_timeout = 1m
    "#);
    insta::assert_snapshot!(fields(&sealed.stack, "wiki/database"), @r#"
    env.POSTGRES_DB = (generated)
    env.POSTGRES_PASSWORD = (generated)
    env.POSTGRES_PORT = 5432
    env.POSTGRES_USER = (generated)
    health.interval = 2s
    health.retries = 15
    health.start_period = 1m
    health.test = ["CMD-SHELL","pg_isready -q -h 127.0.0.1 -U \"${POSTGRES_USER:-postgres}\" -d \"${POSTGRES_DB:-${POSTGRES_USER:-postgres}}\""]
    health.timeout = 10s
    hostname = database
    image = docker.io/library/postgres:15.1
    live.networks.acme-wiki.aliases = ["database"]
    live.restart.name = always
    mounts./var/lib/postgresql/data.volume = acme-wiki-database-postgres-data
    stop_timeout = 1m
    "#);
    let generate: Vec<_> = sealed
        .generate
        .iter()
        .map(|(id, generated)| format!("{id} {:?}", generated.recipe))
        .collect();
    insta::assert_snapshot!(generate.join("\n"), @r#"
    wiki/KEY Password { length: 32 }
    wiki/database/POSTGRES_DB Database
    wiki/database/POSTGRES_PASSWORD Password { length: 24 }
    wiki/database/POSTGRES_USER User
    "#);
    let unknown: Vec<_> = sealed.unknown_images.iter().cloned().collect();
    assert_eq!(unknown, ["docker.io/acme/wiki:1.2"]);
    let about = |address: &str| {
        let id = ResourceId::container(address);
        let resource = &sealed.stack.resources[&id];
        serde_json::to_string(resource.about.as_ref().unwrap()).unwrap()
    };
    insta::assert_snapshot!(about("wiki"), @r#"{"role":"app","product":"wiki","version":"1.2","domain":"wiki.example.org","display":["KEY"]}"#);
    insta::assert_snapshot!(about("wiki/database"), @r#"{"role":"provider","product":"postgres","version":"15.1","init_only":{"POSTGRES_DB":"acme-wiki-database-postgres-data","POSTGRES_PASSWORD":"acme-wiki-database-postgres-data","POSTGRES_USER":"acme-wiki-database-postgres-data"},"serves":"container:wiki"}"#);
    // No secret is in the stack; what is given is under its digest.
    let json = serde_json::to_string(&sealed.stack).unwrap();
    assert!(!json.contains("swordfish"));
    assert!(
        sealed
            .given
            .values()
            .any(|secret| secret.expose() == "swordfish")
    );
    let origins = &sealed.stack.resources[&ResourceId::container("wiki")].origins;
    let origins: Vec<_> = origins
        .iter()
        .map(|(field, at)| format!("{field} {at}"))
        .collect();
    insta::assert_snapshot!(origins.join("\n"), @r#"
     config/deploy.yml:4
    domain config/deploy.yml:6
    env.ADMIN_PASSWORD products/wiki/nua-config.yml:11
    env.DB_HOST products/wiki/nua-config.yml:4
    env.DB_NAME products/wiki/nua-config.yml:5
    env.DB_PASSWORD products/wiki/nua-config.yml:6
    env.DB_URL products/wiki/nua-config.yml:7
    env.DB_USER products/wiki/nua-config.yml:8
    env.HOST products/wiki/nua-config.yml:9
    env.KEY products/wiki/nua-config.yml:10
    env.LEVEL config/deploy.yml:7
    image products/wiki/nua-config.yml:2
    mounts./uploads products/wiki/nua-config.yml:15
    ports.3000/tcp products/wiki/nua-config.yml:13
    product config/deploy.yml:5
    "#);
}

const PLAIN: &str = "metadata: {id: wiki, version: '1'}\nimage: acme/wiki:1\nport: {web: 80}\n";

fn deploy(sites: &str) -> String {
    format!("version: 1\nstack: acme\nports: {{from: 8100, to: 8103}}\nsite:\n{sites}")
}

fn host(stack: &Stack, address: &str) -> u16 {
    container(stack, address).ports["80/tcp"].host
}

fn sites(labels: &[&str]) -> String {
    let line = |label: &&str| format!("- {{label: {label}, image: wiki}}\n");
    deploy(&labels.iter().map(line).collect::<String>())
}

/// What the engine runs once a stack is up.
fn run(world: &mut World, stack: &Stack) {
    use crate::observe::{Container, LABEL_SPEC, Owner, PublishedPort, Stamp, State, Status};
    let stamp = Stamp {
        stack: stack.name.clone(),
        id: StackId::new("0".repeat(32)),
        run: crate::base::RunId::new("1"),
        key: String::new(),
    };
    for (id, resource, spec) in stack.containers() {
        let labels = stamp.labels(id, resource);
        assert!(labels.contains_key(LABEL_SPEC));
        let port = |(key, port): (&String, &crate::model::Port)| PublishedPort {
            protocol: if key.ends_with("udp") {
                crate::model::Protocol::Udp
            } else {
                crate::model::Protocol::Tcp
            },
            port: port.host,
            bind: port.bind,
            by: resource.name.clone(),
        };
        let container = Container {
            id: crate::base::EngineId::new(&resource.name),
            name: resource.name.clone(),
            owner: Owner::from_labels(&labels),
            state: State {
                status: Status::Running,
                health: None,
                exit_code: 0,
                ever_started: true,
                started_at: String::new(),
                restarts: 0,
                error: String::new(),
                oom_killed: false,
            },
            image: String::new(),
            env: BTreeMap::new(),
            live: spec.live.clone(),
            mounts: BTreeMap::new(),
            ports: spec.ports.iter().map(port).collect(),
            auto_remove: false,
            made: Default::default(),
        };
        world.observed.host.listening.extend(
            container
                .ports
                .iter()
                .map(|port| (port.protocol, port.port)),
        );
        world
            .observed
            .containers
            .insert(resource.name.clone(), container);
    }
}

fn refusal(folder: &Map, world: &World) -> String {
    let mut diagnostics = Diagnostics::new();
    let desired = read(folder, &mut diagnostics).unwrap();
    assert!(seal(&desired, &world.facts(), &mut diagnostics).is_none());
    lines(&diagnostics)
}

#[test]
fn a_version_stays_while_the_range_holds_it() {
    let app = |range: &str| {
        let provider = format!(
            "provider:\n- {{name: db, module-name: postgres, module-version: '{range}'}}\n"
        );
        Map::wiki(&format!("{PLAIN}{provider}"), &sites(&["a"]))
    };
    let mut world = World::new();
    let image = |stack: &Stack| container(stack, "a/db").image.clone();
    let old = sealed(&app(">=14,<15"), &world).stack;
    assert_eq!(image(&old), "docker.io/library/postgres:14.6");
    world.previous = Some(old.clone());
    assert_eq!(
        image(&sealed(&app(">=14"), &world).stack),
        "docker.io/library/postgres:14.6"
    );
    assert_eq!(
        image(&sealed(&app(">=15,<16"), &world).stack),
        "docker.io/library/postgres:15.1"
    );
    // A minor version that this coasti does not list.
    let mut old = old;
    let Some(resource) = old.resources.get_mut(&ResourceId::container("a/db")) else {
        panic!()
    };
    let Spec::Container(spec) = &mut resource.spec else {
        panic!()
    };
    spec.image = "docker.io/library/postgres:14.3".into();
    world.previous = Some(old);
    assert_eq!(
        image(&sealed(&app(">=14"), &world).stack),
        "docker.io/library/postgres:14.3"
    );
}

#[test]
fn undeclared_volumes_are_kept() {
    let mut world = World::new();
    let folder = Map::wiki(PLAIN, &sites(&["a"]));
    world.image("docker.io/acme/wiki:1", &["/var/lib/wiki/", "/cache"]);
    let first = sealed(&folder, &world).stack;
    insta::assert_snapshot!(outline(&first), @r#"
    image:docker.io/acme/wiki:1 = docker.io/acme/wiki:1
    volume:a/anon-cache = acme-a-anon-cache
    volume:a/anon-var-lib-wiki = acme-a-anon-var-lib-wiki
    container:a = acme-a image:docker.io/acme/wiki:1:Exists volume:a/anon-cache:Exists volume:a/anon-var-lib-wiki:Exists
    "#);
    // The image was removed by hand: what its containers have is still known.
    world.observed.images.clear();
    run(&mut world, &first);
    let second = sealed(&folder, &world);
    assert_eq!(second.stack.digest(), first.digest());
    assert_eq!(second.unknown_images.len(), 1);
}

#[test]
fn a_renamed_site_keeps_its_data() {
    let app = format!(
        "{PLAIN}volume: [{{name: data, target: /data}}]\nprovider:\n- {{name: db, module-name: postgres}}\n"
    );
    let world = World::new();
    let renamed = deploy("- {label: new, was: old, image: wiki}\n");
    let sealed = sealed(&Map::wiki(&app, &renamed), &world);
    insta::assert_snapshot!(outline(&sealed.stack), @r#"
    image:docker.io/acme/wiki:1 = docker.io/acme/wiki:1
    image:docker.io/library/postgres:17.6 = docker.io/library/postgres:17.6
    network:new = acme-new
    volume:old/data = acme-old-data
    volume:old/db/postgres-data = acme-old-db-postgres-data
    container:new = acme-new image:docker.io/acme/wiki:1:Exists network:new:Exists volume:old/data:Exists container:new/db:Healthy
    container:new/db = acme-new-db image:docker.io/library/postgres:17.6:Exists network:new:Exists volume:old/db/postgres-data:Exists
    "#);
    let ids: Vec<_> = sealed.generate.keys().map(ValueId::as_str).collect();
    assert_eq!(
        ids,
        [
            "old/db/POSTGRES_DB",
            "old/db/POSTGRES_PASSWORD",
            "old/db/POSTGRES_USER"
        ]
    );
}

#[test]
fn secrets_have_digests_and_no_text() {
    let app = format!(
        "{PLAIN}env: {{A: {{secret: mail}}, B: 'x:{{A}}', PW: plain, URL: 'pg://u:pw@h', C_TOKEN: ''}}\n"
    );
    let mut folder = Map::wiki(&app, &sites(&["a"]));
    folder
        .0
        .insert("config/secrets/mail".into(), "s3cret\n".into());
    let world = World::new();
    let sealed = sealed(&folder, &world);
    insta::assert_snapshot!(fields(&sealed.stack, "a"), @r#"
    env.A = ***a0ce682db4b1
    env.B = x:***a0ce682db4b1
    env.C_TOKEN = 
    env.PW = ***0a805c003dd2
    env.URL = ***76f3fcdae4e8
    hostname = a
    image = docker.io/acme/wiki:1
    ports.80/tcp.bind = 127.0.0.1
    ports.80/tcp.host = 8100
    "#);
    let given: Vec<_> = sealed
        .given
        .iter()
        .map(|(id, value)| format!("{} {}", &id.as_str()[..9], value.expose()))
        .collect();
    insta::assert_snapshot!(given.join("\n"), @r#"
    secret:ma s3cret
    text:0a80 plain
    text:76f3 pg://u:pw@h
    "#);
    let values = sealed.given;
    let resolved = container(&sealed.stack, "a").env["B"]
        .resolve(&values)
        .unwrap();
    assert_eq!(resolved.expose(), "x:s3cret");
}

#[test]
fn a_password_among_a_volumes_options_is_a_value() {
    let app = format!(
        "{PLAIN}volume:\n- {{name: share, target: /s, options: {{type: cifs, device: //nas/s, o: 'user=me,password=hunter77,rw'}}}}\n\
         - {{name: far, target: /f, driver: acme/ssh, options: {{host: nas, password: hunter88}}}}\n"
    );
    let world = World::new();
    let sealed = sealed(&Map::wiki(&app, &sites(&["a"])), &world);
    let options: Vec<_> = sealed
        .stack
        .resources
        .values()
        .filter_map(|resource| match &resource.spec {
            Spec::Volume(volume) => Some(volume.options.clone()),
            _ => None,
        })
        .collect();
    let shown: Vec<_> = options
        .iter()
        .flatten()
        .map(|(name, text)| {
            let real = text.resolve(&sealed.given).unwrap();
            format!("{name}: {} = {}", text.show(), real.expose())
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    host: nas = nas
    password: *** = hunter88
    device: //nas/s = //nas/s
    o: user=me,password=***,rw = user=me,password=hunter77,rw
    type: cifs = cifs
    "#);
    let written = serde_json::to_string(&sealed.stack).unwrap();
    assert!(!written.contains("hunter"), "{written}");
}

#[test]
fn a_plain_image_with_its_own_providers_needs_no_product() {
    let deploy = "\
stack: acme
site:
- label: blog
  image: wordpress:6.8
  env:
    WORDPRESS_DB_HOST: {from: db, key: hostname}
    WORDPRESS_DB_PASSWORD: {from: db, key: MARIADB_PASSWORD}
  port: {web: {container: 80, host: 8080}}
  bind: 0.0.0.0
  docker: {mem_limit: 512M, shm_size: 64m, cpu_quota: 150000, pids_limit: 100, user: www, extra_hosts: ['a:1.2.3.4'], log_config: {type: local, config: {max-size: 1m}}}
  healthcheck: {command: curl -f http://localhost/, retries: 0}
  provider:
  - {name: db, module-name: mariadb, module-version: '11.4', docker: {restart_policy: {name: unless-stopped}}}
";
    let folder = Map::new([
        ("config/products.yml", "products:\n"),
        ("config/deploy.yml", deploy),
    ]);
    let stack = sealed(&folder, &World::new()).stack;
    insta::assert_snapshot!(fields(&stack, "blog"), @r#"
    env.WORDPRESS_DB_HOST = db
    env.WORDPRESS_DB_PASSWORD = (generated)
    extra_hosts.a = 1.2.3.4
    health.interval = 5s
    health.retries = 3
    health.start_period = 2m
    health.test = ["CMD-SHELL","curl -f http://localhost/"]
    health.timeout = 30s
    hostname = blog
    image = docker.io/library/wordpress:6.8
    live.memory = 536870912
    live.nano_cpus = 1500000000
    live.networks.acme-blog.aliases = ["blog"]
    live.pids = 100
    live.restart.name = always
    log.driver = local
    log.options.max-size = 1m
    ports.80/tcp.bind = 0.0.0.0
    ports.80/tcp.host = 8080
    shm_size = 67108864
    user = www
    "#);
    insta::assert_snapshot!(fields(&stack, "blog/db"), @r#"
    env.MARIADB_DATABASE = (generated)
    env.MARIADB_PASSWORD = (generated)
    env.MARIADB_PORT = 3306
    env.MARIADB_ROOT_PASSWORD = (generated)
    env.MARIADB_USER = (generated)
    health.interval = 2s
    health.retries = 15
    health.start_period = 1m
    health.test = ["CMD-SHELL","MYSQL_PWD=\"${MARIADB_ROOT_PASSWORD:-$MYSQL_ROOT_PASSWORD}\" \"$(command -v mariadb-admin || command -v mysqladmin)\" ping --silent --protocol=tcp -h 127.0.0.1 -u root"]
    health.timeout = 10s
    hostname = db
    image = docker.io/library/mariadb:11.4
    live.networks.acme-blog.aliases = ["db"]
    live.restart.name = unless-stopped
    mounts./var/lib/mysql.volume = acme-blog-db-mariadb-data
    stop_timeout = 1m
    "#);
}

#[test]
fn a_large_stack_is_read_in_no_time() {
    let app = format!(
        "{PLAIN}env: {{A: a, B: '{{A}}'}}\nprovider:\n- {{name: db, module-name: postgres}}\n"
    );
    let labels: Vec<String> = (0..300).map(|n| format!("app{n}")).collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let sites = sites(&labels).replace("to: 8103", "to: 8999");
    let folder = Map::wiki(&app, &sites);
    let mut world = World::new();
    let start = std::time::Instant::now();
    let desired = read(&folder, &mut Diagnostics::new()).unwrap();
    println!("{:?} to read 600 containers", start.elapsed());
    let seal = |world: &World| {
        let start = std::time::Instant::now();
        let sealed = seal(&desired, &world.facts(), &mut Diagnostics::new()).unwrap();
        println!("{:?} to seal them", start.elapsed());
        sealed.stack
    };
    let first = seal(&world);
    run(&mut world, &first);
    let second = seal(&world);
    assert_eq!(first.digest(), second.digest());
}

#[test]
fn a_quota_keeps_its_period_and_no_limit_is_none() {
    let docker = "{cpu_period: 200000, cpu_quota: 50000, pids_limit: -1}";
    let site = format!("- {{label: wiki, image: wiki, docker: {docker}}}\n");
    let folder = Map::wiki("metadata: {id: wiki}\nimage: acme/wiki:1\n", &deploy(&site));
    let stack = sealed(&folder, &World::new()).stack;
    let live = &container(&stack, "wiki").live;
    assert_eq!((live.nano_cpus, live.pids), (Some(250_000_000), None));
}

#[test]
fn a_site_that_runs_a_database_tells_what_is_read_once() {
    let site = |volume: &str| {
        let image = "docker.io/library/postgres:15.1";
        let env = "{POSTGRES_PASSWORD: swordfish, POSTGRES_DB: shop, TZ: UTC}";
        let site = format!("- {{label: db, image: '{image}', env: {env}, volume: [{volume}]}}\n");
        let folder = Map::wiki("metadata: {id: wiki}\nimage: acme/wiki:1\n", &deploy(&site));
        let mut world = World::new();
        world.image(image, &["/var/lib/postgresql/data"]);
        let stack = sealed(&folder, &world).stack;
        let about = stack.resources[&ResourceId::container("db")].about.clone();
        serde_json::to_string(&about.unwrap().init_only).unwrap()
    };
    // The volume that its image declares, which no file mentions.
    insta::assert_snapshot!(site(""), @r#"{"POSTGRES_DB":"acme-db-anon-var-lib-postgresql-data","POSTGRES_PASSWORD":"acme-db-anon-var-lib-postgresql-data"}"#);
    insta::assert_snapshot!(
        site("{type: directory, name: /srv/db, target: /var/lib/postgresql/data}"),
        @r#"{"POSTGRES_DB":"/srv/db","POSTGRES_PASSWORD":"/srv/db"}"#
    );
    insta::assert_snapshot!(
        site("{type: tmpfs, name: memory, target: /var/lib/postgresql/data}"),
        @"{}"
    );
}
