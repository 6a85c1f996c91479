//! `import nua`, without an engine.

use super::{Place, tree};
use crate::support::inputs;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

const WIKI: &str = r#"[metadata]
id = "my-wiki"
version = "1.4"
release = 2
title = "Wiki"
author = "somebody"

[build]
base-image = "docker.io/acme/wiki:{version}"

[env]
DB_HOST = { from = "database", key = "hostname" }
DB_PASSWORD = { from = "database", key = "POSTGRES_PASSWORD" }

[port.web]
container = 80
[port.smtp]
container = 25
host = 2525

[[volume]]
name = "uploads"
target = "/uploads"

[[provider]]
name = "database"
module-name = "postgres"
module-version = ">=15, <16"
"#;

const BUILT: &str = r#"{"metadata": {"id": "built_app", "version": "2.0", "title": "Built", "author": "x"}, "port": {"web": {"container": 8080}}}"#;

fn place() -> Place {
    let place = Place::new(false);
    place.write("apps/wiki/nua/nua-config.toml", WIKI);
    place.write("apps/built/nua-config.json", BUILT);
    place.write(
        "deploy.toml",
        "# our sites\n[[site]]\nlabel = \"Wiki One\"\nimage = \"nua-my_wiki:1.4-2\"\ndomain = \"wiki.example.org\"\n[site.env]\nAPI_TOKEN = \"sesame-and-more\"\nLEVEL = 3\nFLAG = true\nSMTP_PASSWORD = \"{API_TOKEN}\"\n[[site.test]]\nurl = \"/\"\n[[site.volume]]\nname = \"extra\"\ntarget = \"/extra\"\ntype = \"tmpfs\"\n[site.volume.options]\ntmpfs_size = \"64M\"\n",
    );
    place.write(
        "more.json",
        r#"{"site": [{"image": "built-app", "domain": "app.example.org/path", "port": {"web": {"container": 8080, "host": "auto"}}}]}"#,
    );
    place
}

#[test]
fn deploy_files_become_a_stack() {
    let place = place();
    let ran = place.coasti(&[
        "import",
        "nua",
        "deploy.toml",
        "more.json",
        "--apps",
        "apps",
        "--to",
        "out/acme",
    ]);
    let said = ran.expect(0).says(&[
        "wiki_one · my-wiki · wiki.example.org",
        "from deploy.toml:2, defined in apps/wiki/nua/nua-config.toml",
        "deploy.toml:2: `test` of wiki_one is left out",
        "no engine was looked at",
        "image nua-built-app:2.0 is built by nua",
        "passwords that stood in deploy files stand in config/secrets now",
        "comments of the deploy files are not taken over",
        "cd out/acme && coasti plan",
    ]);
    assert!(!said.err.contains("sesame"), "{}", said.err);
    insta::assert_snapshot!(tree(&place.path("out/acme")), @r#"
    --- config/deploy.yml
    # yaml-language-server: $schema=../schemas/deploy.schema.json
    version: 1
    stack: acme
    id: (new)
    site:
      # deploy.toml:2
      - label: wiki_one
        image: my-wiki
        domain: wiki.example.org
        env:
          API_TOKEN: {secret: wiki_one-api_token}
          LEVEL: 3
          FLAG: true
          SMTP_PASSWORD: "{API_TOKEN}"
        volume:
          - name: extra
            target: "/extra"
            type: tmpfs
            options: {tmpfs_size: 64M}
        port:
          smtp: {bind: "::"}
      # more.json:1
      - label: built-app-app.example.org_path
        image: built_app
        domain: app.example.org/path
        port:
          web: {container: 8080, host: auto}
    --- config/products.yml
    # yaml-language-server: $schema=../schemas/products.schema.json
    version: 1
    products:
      - {id: my-wiki, title: Wiki, version: 1.4-2}
      - {id: built_app, title: Built, version: "2.0"}
    --- config/secrets/wiki_one-api_token
    sesame-and-more
    --- products/built_app/nua-config.json
    {"metadata": {"id": "built_app", "version": "2.0", "title": "Built", "author": "x"}, "port": {"web": {"container": 8080}}}
    --- products/my-wiki/nua-config.toml
    [metadata]
    id = "my-wiki"
    version = "1.4"
    release = 2
    title = "Wiki"
    author = "somebody"

    [build]
    base-image = "docker.io/acme/wiki:{version}"

    [env]
    DB_HOST = { from = "database", key = "hostname" }
    DB_PASSWORD = { from = "database", key = "POSTGRES_PASSWORD" }

    [port.web]
    container = 80
    [port.smtp]
    container = 25
    host = 2525

    [[volume]]
    name = "uploads"
    target = "/uploads"

    [[provider]]
    name = "database"
    module-name = "postgres"
    module-version = ">=15, <16"
    "#);
    let secret = place.path("out/acme/config/secrets/wiki_one-api_token");
    assert_eq!(
        fs::metadata(secret).unwrap().permissions().mode() & 0o777,
        0o600
    );
    // All of it is right.
    place.coasti(&["-C", "out/acme", "validate"]).expect(0);
    // What is there is not written over.
    place
        .coasti(&[
            "import",
            "nua",
            "deploy.toml",
            "--apps",
            "apps",
            "--to",
            "out/acme",
        ])
        .expect(1)
        .says(&["is a stack's folder already"]);
    assert_eq!(fs::read_dir(place.path("out")).unwrap().count(), 1);
}

#[test]
fn what_was_done_is_told_to_programs() {
    let place = place();
    let ran = place
        .coasti(&[
            "import",
            "nua",
            "more.json",
            "--apps",
            "apps",
            "--to",
            "out",
            "--stack",
            "mine",
            "--format",
            "json",
        ])
        .expect(0);
    let json = ran.json();
    assert_eq!(json["stack"], "mine");
    assert_eq!(json["sites"][0]["label"], "built-app-app.example.org_path");
    assert_eq!(json["sites"][0]["from"], "more.json:1");
    assert_eq!(json["sites"][0]["takes_over"], serde_json::json!([]));
    let written = json["written"].as_array().unwrap();
    assert!(written.contains(&"config/deploy.yml".into()), "{json:#}");
    assert_eq!(json["next"][0], "cd out && coasti plan");
}

#[test]
fn all_that_is_wrong_is_told_at_once_and_nothing_is_written() {
    let place = place();
    place.write(
        "wrong.yml",
        "site:\n- {label: wiki one, image: my-wiki}\n- {label: b, image: nua-nothing, domain: wiki.example.org}\n- label: c\n  image: my-wiki\n  imagee: x\n  provider: [{name: databsae}]\n",
    );
    place.write("other.txt", "site: []\n");
    let ran = place
        .coasti(&[
            "import",
            "nua",
            "deploy.toml",
            "wrong.yml",
            "other.txt",
            "missing.json",
            "--apps",
            "apps",
            "--to",
            "out",
        ])
        .expect(3)
        .says(&[
            "two sites have the label `wiki_one` --> wrong.yml:2:11",
            "no definition of `nothing` was found --> wrong.yml:3:21",
            "`wiki.example.org` is the domain of `wiki_one` and of `b`",
            "unknown key `imagee` in a site --> wrong.yml:6:3",
            "`my-wiki` has no provider `databsae` --> wrong.yml:7",
            "`other.txt` is no deploy file",
            "`missing.json` is not there",
        ]);
    assert!(!ran.err.contains("no product is called"), "{}", ran.err);
    assert!(!place.path("out").exists());
    for name in ["my-wiky", "my"] {
        place.write(
            "near.yml",
            &format!("site:\n- {{label: w, image: nua-{name}}}\n"),
        );
        let args = ["import", "nua", "near.yml", "--apps", "apps", "--to", "out"];
        place.coasti(&args).expect(3).says(&[
            &format!("no definition of `{name}` was found"),
            "did you mean `my-wiki`?",
        ]);
    }
    // What is wrong with a definition is told where it stands.
    place.write(
        "apps/wiki/nua/nua-config.toml",
        &WIKI.replace("container = 80", "container = \"x\""),
    );
    place
        .coasti(&[
            "import",
            "nua",
            "deploy.toml",
            "--apps",
            "apps",
            "--to",
            "out",
        ])
        .expect(3)
        .says(&["--> apps/wiki/nua/nua-config.toml:16"]);
    assert!(!place.path("out").exists());
}

#[test]
fn definitions_and_images_come_out_of_archives() {
    let place = place();
    let tar = |files: &[(&str, &[u8])]| {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, bytes) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, path, *bytes).unwrap();
        }
        tar.into_inner().unwrap()
    };
    let config = BUILT.replace("\"2.0\"", "\"3.1\", \"release\": 7");
    let layer = tar(&[("nua/metadata/nua-config.json", config.as_bytes())]);
    let manifest = br#"[{"RepoTags": ["nua-built-app:3.1-7"], "Layers": ["a/layer.tar"]}]"#;
    let image = tar(&[("a/layer.tar", &layer), ("manifest.json", manifest)]);
    place.write("images/other.tar", "");
    fs::write(place.path("images/nua-built-app:3.1-7.tar"), image).unwrap();
    fs::remove_dir_all(place.path("apps")).unwrap();
    place
        .coasti(&[
            "import",
            "nua",
            "more.json",
            "--to",
            "out",
            "--images",
            "images",
        ])
        .expect(0)
        .says(&["defined in images/nua-built-app:3.1-7.tar"]);
    let product = place.path("out/products/built_app");
    assert!(product.join("nua-config.json").is_file());
    assert!(product.join("nua-built-app:3.1-7.tar").is_file());
    place.coasti(&["-C", "out", "validate"]).expect(0);
}

/// Whatever other people have: it is imported, or it is said why not.
#[test]
fn real_files_are_imported_or_told_why_not() {
    let Some(root) = inputs() else { return };
    let apps = root.join("nua/apps");
    let mut imported = 0;
    let mut files = Vec::new();
    for app in fs::read_dir(&apps).unwrap() {
        let app = app.unwrap().path();
        for file in fs::read_dir(app).unwrap() {
            let file = file.unwrap().path();
            if file
                .file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with("sample_deploy")
            {
                files.push(file);
            }
        }
    }
    let demo = fs::read_dir(root.join("nua/demo")).unwrap();
    files.extend(demo.map(|file| file.unwrap().path()));
    for file in files {
        let place = Place::new(false);
        let (apps, shown) = (apps.to_string_lossy(), file.to_string_lossy().into_owned());
        let ran = place.coasti(&["import", "nua", &shown, "--apps", &apps, "--to", "out"]);
        match ran.code {
            0 => {
                imported += 1;
                place.coasti(&["-C", "out", "validate"]).expect(0);
            }
            3 => assert!(
                ran.err.contains(&shown) || ran.err.contains("nua-config"),
                "{}",
                ran.err
            ),
            code => panic!("{shown}: {code} {}", ran.err),
        }
    }
    assert!(imported >= 14, "{imported}");
}
