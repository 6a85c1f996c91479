use super::*;

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
        .map(|(id, recipe)| format!("{id} {recipe:?}"))
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
    "#);
}
