//! Values delivered as files.

use super::*;

#[test]
fn values_are_delivered_as_files() {
    let app = "\
metadata: {id: wiki, version: '1'}
image: acme/wiki:1
env:
  KEY_FILE: {secret: key.pem, file: true}
  CERT: {secret: cert, file: /etc/ssl/cert.pem, mode: '0400', uid: 999, gid: 999}
  CODE_FILE: {random: true, file: true}
  DB_PASSWORD_FILE: {from: database, key: POSTGRES_PASSWORD, file: true}
  OPTIONS: '--key {KEY_FILE}'
  SAME: {key: CODE_FILE}
provider:
- {name: database, module-name: postgres}
";
    let mut folder = Map::wiki(
        app,
        "version: 1\nstack: acme\nsite: [{label: wiki, image: wiki}]\n",
    );
    folder.0.insert(
        "config/secrets/key.pem".into(),
        "-----\nkey\n-----\n".into(),
    );
    folder.0.insert("config/secrets/cert".into(), "cert".into());
    let world = World::new();
    let first = sealed(&folder, &world);
    insta::assert_snapshot!(fields(&first.stack, "wiki"), @r#"
    env.CERT = /etc/ssl/cert.pem
    env.CODE_FILE = /run/secrets/code_file
    env.DB_PASSWORD_FILE = /run/secrets/db_password_file
    env.KEY_FILE = /run/secrets/key.pem
    env.OPTIONS = --key /run/secrets/key.pem
    env.SAME = (generated)
    files./etc/ssl/cert.pem.content = ***4209f62d95f2
    files./etc/ssl/cert.pem.gid = 999
    files./etc/ssl/cert.pem.mode = 0400
    files./etc/ssl/cert.pem.uid = 999
    files./run/secrets/code_file.content = (generated)
    files./run/secrets/db_password_file.content = (generated)
    files./run/secrets/key.pem.content = ***d7c2a5abc7d4
    hostname = wiki
    image = docker.io/acme/wiki:1
    live.networks.acme-wiki.aliases = ["wiki"]
    live.restart.name = always
    "#);
    let files = ResourceId::file("wiki/files");
    let name = |sealed: &Sealed| sealed.stack.resources[&files].name.clone();
    assert!(name(&first).starts_with("acme-wiki-files-"));
    let wiki = ResourceId::container("wiki");
    assert!(first.stack.resources[&wiki].needs.contains_key(&files));
    // A file is what its author wrote, to the last byte.
    let content = &first.given[&ValueId::new("secret:key.pem:file")];
    assert_eq!(content.expose(), "-----\nkey\n-----\n");
    // Its content is the container's: another one replaces it.
    let hash = |sealed: &Sealed| crate::model::spec_hash(&sealed.stack.resources[&wiki].spec);
    folder
        .0
        .insert("config/secrets/cert".into(), "other".into());
    let second = sealed(&folder, &world);
    assert_ne!(name(&first), name(&second));
    assert_ne!(hash(&first), hash(&second));
    assert_eq!(name(&second), name(&sealed(&folder, &world)));
}

#[test]
fn a_database_reads_its_password_file_only_once() {
    let image = "docker.io/library/postgres:15.1";
    let env = "{POSTGRES_PASSWORD_FILE: {random: true, file: true}}";
    let site = format!("- {{label: db, image: '{image}', env: {env}}}\n");
    let folder = Map::wiki(
        "metadata: {id: wiki}\nimage: acme/wiki:1\n",
        &errors::deploy(&site),
    );
    let mut world = World::new();
    world.image(image, &["/var/lib/postgresql/data"]);
    let stack = sealed(&folder, &world).stack;
    let about = stack.resources[&ResourceId::container("db")].about.as_ref();
    let read = &about.unwrap().init_only;
    assert_eq!(Vec::from_iter(read.keys()), ["POSTGRES_PASSWORD"]);
}

#[test]
fn a_provider_whose_password_is_in_a_file_has_it_there_alone() {
    let app = "\
metadata: {id: wiki}
image: acme/wiki:1
env:
  PASSWORD: {from: database, key: POSTGRES_PASSWORD_FILE}
provider:
- name: database
  module-name: postgres
  env: {POSTGRES_PASSWORD_FILE: {secret: db, file: true}}
";
    let mut folder = Map::wiki(
        app,
        "version: 1\nstack: acme\nsite: [{label: wiki, image: wiki}]\n",
    );
    folder.0.insert("config/secrets/db".into(), "s3cret".into());
    let sealed = sealed(&folder, &World::new());
    let spec = container(&sealed.stack, "wiki/database");
    let names: Vec<_> = spec
        .env
        .keys()
        .filter(|name| name.contains("PASSWORD"))
        .collect();
    assert_eq!(names, ["POSTGRES_PASSWORD_FILE"]);
    let of_app = &container(&sealed.stack, "wiki").env["PASSWORD"];
    assert_eq!(of_app.resolve(&sealed.given).unwrap().expose(), "s3cret");
}
