//! `import dtaas`, without an engine.

use super::{Place, tree};
use crate::support::inputs;
use std::fs;
use std::path::Path;

fn place() -> Place {
    let place = Place::new(false);
    place.write(
        "dt/compose.services.yml",
        "services:\n  rabbitmq:\n    image: acme/rabbitmq:4\n    container_name: rabbitmq\n    restart: always\n    ports: ['${RABBITMQ_PORT}:5671']\n    environment: {RABBITMQ_DEFAULT_PASS: '${RABBITMQ_ADMIN_PASSWORD}'}\n    volumes: ['./data/rabbitmq:/var/lib/rabbitmq', './certs:/certs:ro']\n    networks: [platform-services]\n  postgres:\n    image: acme/postgres:16\n    container_name: postgres\n    volumes: ['./data/postgres:/var/lib/postgresql/data']\n    networks: [platform-services]\nnetworks:\n  platform-services: {name: dtaas-services}\n",
    );
    place.write(
        "dt/compose.thingsboard.yml",
        "services:\n  thingsboard-ce:\n    image: acme/tb:4\n    container_name: thingsboard\n    volumes: ['./data/thingsboard:/data']\n    networks: [platform-services]\nnetworks:\n  platform-services: {name: dtaas-services}\n",
    );
    place.write(
        "dt/config/services.env",
        "HOSTNAME=services.example.org\nRABBITMQ_PORT=8083\nRABBITMQ_ADMIN_USERNAME=dt\nRABBITMQ_ADMIN_PASSWORD='Kuchen-im-Regen-17'\n",
    );
    place.write("dt/data/thingsboard/.gitkeep", "");
    place.write("dt/certs/fullchain.pem", "x");
    place
}

fn untouched(place: &Place) -> String {
    [
        "compose.services.yml",
        "compose.thingsboard.yml",
        "config/services.env",
    ]
    .map(|path| place.read(&format!("dt/{path}")))
    .concat()
}

#[test]
fn a_project_becomes_a_stack_in_its_folder() {
    let place = place();
    let before = untouched(&place);
    place.coasti(&["import", "dtaas", "dt"]).expect(0).says(&[
        "dtaas · dtaas · services.example.org",
        "no engine was looked at",
        "thingsboard-ce needs postgres, which its file does not say",
        "not run: thingsboard-ce (nothing says that they were installed)",
        "config/services.env holds passwords",
        "cd dt && coasti plan",
    ]);
    assert_eq!(untouched(&place), before);
    insta::assert_snapshot!(tree(&place.path("dt")).replace(&before, ""), @r#"
    --- certs/fullchain.pem
    x
    --- compose.services.yml
    services:
      rabbitmq:
        image: acme/rabbitmq:4
        container_name: rabbitmq
        restart: always
        ports: ['${RABBITMQ_PORT}:5671']
        environment: {RABBITMQ_DEFAULT_PASS: '${RABBITMQ_ADMIN_PASSWORD}'}
        volumes: ['./data/rabbitmq:/var/lib/rabbitmq', './certs:/certs:ro']
        networks: [platform-services]
      postgres:
        image: acme/postgres:16
        container_name: postgres
        volumes: ['./data/postgres:/var/lib/postgresql/data']
        networks: [platform-services]
    networks:
      platform-services: {name: dtaas-services}
    --- compose.thingsboard.yml
    services:
      thingsboard-ce:
        image: acme/tb:4
        container_name: thingsboard
        volumes: ['./data/thingsboard:/data']
        networks: [platform-services]
    networks:
      platform-services: {name: dtaas-services}
    --- config/deploy.yml
    # yaml-language-server: $schema=../schemas/deploy.schema.json
    version: 1
    stack: services-example-org
    id: (new)
    site:
      - {label: dtaas, image: dtaas, domain: services.example.org}
    --- config/products.yml
    # yaml-language-server: $schema=../schemas/products.schema.json
    version: 1
    products:
      - {id: dtaas}
    --- config/services.env
    HOSTNAME=services.example.org
    RABBITMQ_PORT=8083
    RABBITMQ_ADMIN_USERNAME=dt
    RABBITMQ_ADMIN_PASSWORD='Kuchen-im-Regen-17'
    --- products/dtaas/compose.coasti.yml
    services:
      thingsboard-ce:
        # Not run, unless `profiles` in info.yml names thingsboard-ce.
        profiles: [thingsboard-ce]
        depends_on:
          postgres: {condition: service_started}
    --- products/dtaas/info.yml
    # yaml-language-server: $schema=../../schemas/info.schema.json
    version: 1
    id: dtaas
    name: "DTaaS services"
    run:
      compose: "../../compose.services.yml"
      files: ["../../compose.thingsboard.yml", compose.coasti.yml]
      env-file: "../../config/services.env"
    "#);
    place.coasti(&["-C", "dt", "validate"]).expect(0);
    // A second time it says what is there.
    place.coasti(&["import", "dtaas", "dt"]).expect(1).says(&[
        "is a stack's folder already (stack `services-example-org`)",
        "config/products.yml, config/deploy.yml, products/dtaas are there",
    ]);
}

#[test]
fn a_gitignore_that_is_there_stays() {
    let place = place();
    place.write("dt/.gitignore", "mine\n");
    let json = place
        .coasti(&[
            "import", "dtaas", "dt", "--stack", "mine", "--format", "json",
        ])
        .expect(0)
        .json();
    assert_eq!(place.read("dt/.gitignore"), "mine\n");
    assert_eq!(json["stack"], "mine");
    assert_eq!(json["sites"][0]["domain"], "services.example.org");
}

#[test]
fn what_is_wrong_is_told_and_nothing_is_written() {
    let place = place();
    let files = || tree(&place.path("dt"));
    fs::remove_file(place.path("dt/config/services.env")).unwrap();
    place
        .coasti(&["import", "dtaas", "dt"])
        .expect(1)
        .says(&["it has no config/services.env"]);
    place.write(
        "dt/config/services.env",
        "HOSTNAME=x.org\nRABBITMQ_PORT=high\n",
    );
    place.write(
        "dt/compose.gitlab.yml",
        "services:\n  gitlab:\n    image: acme/gitlab:18\n    imagee: x\n    networks: [platform]\n",
    );
    let before = files();
    place.coasti(&["import", "dtaas", "dt"]).expect(3).says(&[
        "--> config/services.env:2:15",
        "--> compose.services.yml:6:13",
    ]);
    place.write("dt/compose.gitlab.yml", "services: [\n");
    place
        .coasti(&["import", "dtaas", "dt"])
        .expect(3)
        .says(&["--> compose.gitlab.yml:"]);
    place.write(
        "dt/compose.gitlab.yml",
        "services:\n  gitlab:\n    image: acme/gitlab:18\n    imagee: x\n    networks: [platform]\n",
    );
    assert_eq!(files(), before);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap().path();
        let to = to.join(entry.file_name().unwrap());
        match entry.is_dir() {
            true => copy(&entry, &to),
            false => drop(fs::copy(entry, to).unwrap()),
        }
    }
}

/// The project as `dtaas-services project generate` makes it.
#[test]
fn the_real_project_is_imported() {
    let Some(root) = inputs() else { return };
    let place = Place::new(false);
    copy(&root.join("dtaas-services"), &place.path("dt"));
    for entry in fs::read_dir(place.path("dt/config")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "template") {
            fs::copy(&path, path.with_extension("")).unwrap();
        }
    }
    place.coasti(&["import", "dtaas", "dt"]).expect(0).says(&[
        "sets `management.ssl.versions.1` twice",
        "mongod logs into a file of its container",
    ]);
    place.coasti(&["-C", "dt", "validate"]).expect(0);
}
