//! Other people's products as they are.

use super::access::{serve, trust};
use crate::support::has_engine;
use crate::support::home::Home;
use crate::support::sshd::{self, Sshd};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const SAMPLE: &str = "docker/docker-compose-sample.yml";

const ANSWERS: &str =
    r#"{"domain_name": "bi.example.org", "configure_smtp_yn": false, "copy_samples_yn": false}"#;

/// Where the real product and the installer's own one for its tests are; none, visibly, where they are not.
fn inputs() -> Option<PathBuf> {
    let inputs = std::env::var("COASTI_INPUTS")
        .map_or_else(
            |_| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/inputs"),
            PathBuf::from,
        )
        .join("coasti");
    if inputs.is_dir() {
        return Some(inputs);
    }
    eprintln!("skipped: no folder {}", inputs.display());
    None
}

/// Both as repositories with one version.
fn repositories(home: &Home, inputs: &Path) {
    for (name, from) in [
        ("superset_docker", "superset_docker"),
        ("mock_product", "installer/mock_product"),
    ] {
        let status = Command::new("cp")
            .arg("-r")
            .arg(inputs.join(from))
            .arg(home.at(name))
            .status()
            .unwrap();
        assert!(status.success());
        home.tag(name, "0.1.0");
    }
}

/// Puts one text in the place of another one, which is there.
fn change(home: &Home, path: &str, from: &str, to: &str) {
    let text = home.read(path);
    assert!(text.contains(from), "{path}: {from}");
    home.write(path, &text.replace(from, to));
}

#[test]
fn real_products_install_and_update() {
    let Some(inputs) = inputs() else { return };
    let home = Home::new("real");
    repositories(&home, &inputs);
    for name in ["superset_docker", "mock_product"] {
        let address = format!("file://{}", home.at(name).display());
        home.good(&["product", "add", &address]);
    }
    home.good(&["product", "install", "mock_product"]);
    assert_eq!(
        fs::read_link(home.at("stack/config/mock_product")).unwrap(),
        Path::new("../products/mock_product/config")
    );
    // It wants to copy samples.
    assert!(
        home.bad(6, &["product", "install", "superset_docker"])
            .contains("cp docker/docker-compose-sample.yml")
    );
    let told = home.good(&["product", "install", "superset_docker", "--data", ANSWERS]);
    assert!(
        told.contains("`answers_file` is read as `_answers_file`"),
        "{told}"
    );
    let env = home.read("stack/products/superset_docker/config/.env");
    let value = |name: &str| {
        env.lines()
            .find_map(|line| line.strip_prefix(&format!("{name}=")))
            .unwrap()
            .to_owned()
    };
    assert_eq!(value("DOMAIN"), "https://bi.example.org");
    for (name, length) in [
        ("SUPERSET_SECRET_KEY", 64),
        ("SUPERSET_PASSWORD", 16),
        ("POSTGRES_PASSWORD", 64),
        ("REDIS_PASSWORD", 64),
    ] {
        assert_eq!(value(name).len(), length, "{name}");
    }
    assert_ne!(value("POSTGRES_PASSWORD"), value("REDIS_PASSWORD"));
    let answers = home.read("stack/products/superset_docker/config/install_answers.yml");
    assert!(
        answers.contains("domain_name: bi.example.org") && !answers.contains("password"),
        "{answers}"
    );
    // The user changes something of each, and so do the authors, elsewhere.
    let sample = format!("stack/products/superset_docker/{SAMPLE}");
    let readme = "stack/products/mock_product/README.md";
    change(&home, &sample, "image: redis:7\n", "image: redis:7.2\n");
    change(&home, readme, "# Mock Product", "# My Mock Product");
    let authors = format!("superset_docker/{SAMPLE}");
    change(&home, &authors, "postgres:17", "postgres:17.6");
    home.write("superset_docker/config/.env.jinja", "CHANGED=1\n");
    home.tag("superset_docker", "0.2.0");
    let text = home.read("mock_product/README.md") + "\nMore of it.\n";
    home.write("mock_product/README.md", &text);
    home.tag("mock_product", "0.2.0");
    let told = home.good(&["product", "update", "mock_product", "--vcs-ref", "0.2.0"]);
    assert!(told.contains("merge README.md"), "{told}");
    assert_eq!(
        home.read(readme),
        text.replace("# Mock Product", "# My Mock Product")
    );
    let list = home.read("stack/config/products.yml");
    assert!(
        list.ends_with("  dst_path: products/mock_product\n  vcs_ref: '0.2.0'\n"),
        "{list}"
    );
    home.good(&["product", "update", "superset_docker"]);
    let merged = home.read(&sample);
    assert!(
        merged.contains("postgres:17.6") && merged.contains("redis:7.2"),
        "{merged}"
    );
    assert_eq!(home.read("stack/products/superset_docker/config/.env"), env);
    plan(&home);
    // Now both change one line.
    change(&home, &authors, "image: redis:7\n", "image: redis:8\n");
    home.tag("superset_docker", "0.3.0");
    let told = home.bad(1, &["product", "update", "superset_docker"]);
    assert!(told.contains(&format!("conflict: {SAMPLE}")), "{told}");
    let both = "<<<<<<< yours\n    image: redis:7.2\n=======\n    image: redis:8\n>>>>>>> newer template\n";
    assert!(home.read(&sample).contains(both));
    let told = home.bad(3, &["validate"]);
    assert!(
        told.contains("both versions of a merge are in it"),
        "{told}"
    );
    change(&home, &sample, both, "    image: redis:8\n");
    home.good(&["validate"]);
    let listed = home.good(&["product", "list"]);
    assert!(
        listed.contains("superset_docker  installed      0.3.0"),
        "{listed}"
    );
}

#[test]
fn real_products_come_over_https_and_ssh() {
    let Some(inputs) = inputs() else { return };
    let home = Home::new("real-remote");
    repositories(&home, &inputs);
    let web = serve(&home, "superset_docker");
    trust(&home, &web);
    home.write("token", "sesame-open-1234\n");
    let token = home.at("token").to_string_lossy().into_owned();
    let address = format!("{}/superset_docker.git", web.address);
    home.good(&["product", "add", &address, "--token-file", &token]);
    arrives(&home, "superset_docker", SAMPLE, &["--data", ANSWERS]);
    let Some(program) = sshd::program() else {
        eprintln!("skipped in part: no sshd here (tests/all.sh offers to install it)");
        return;
    };
    let key = sshd::key(&home.at("key"), "");
    let server = Sshd::start(&program, &home.at("sshd"), &[&key]);
    home.write("stack/config/known_hosts", &server.known);
    let served = home.at("served/mock_product.git");
    let served = served.to_string_lossy();
    home.git("", &["clone", "-q", "--bare", "mock_product", &served]);
    let address = format!("ssh://{}@127.0.0.1:{}{served}", server.user, server.port);
    let key = home.at("key").to_string_lossy().into_owned();
    home.good(&["product", "add", &address, "--key", &key]);
    arrives(&home, "mock_product", "README.md", &[]);
}

/// Installs one, and updates it to a second version that changes a file.
fn arrives(home: &Home, id: &str, file: &str, more: &[&str]) {
    home.good(&[&["product", "install", id], more].concat());
    let installed = format!("stack/products/{id}/{file}");
    let text = home.read(&format!("{id}/{file}"));
    assert_eq!(home.read(&installed), text);
    home.write(&format!("{id}/{file}"), &format!("{text}# More\n"));
    home.tag(id, "0.2.0");
    let from = home.at(id).to_string_lossy().into_owned();
    let served = format!("served/{id}.git");
    home.git(&served, &["fetch", "-q", &from, "+refs/*:refs/*"]);
    let told = home.good(&["product", "update", id]);
    assert!(told.contains("updated to 0.2.0"), "{told}");
    assert_eq!(home.read(&installed), format!("{text}# More\n"));
}

/// What an apply of the real one would do; its images are on no engine of a test's.
fn plan(home: &Home) {
    let list = home.read("stack/config/products.yml");
    let at = "  dst_path: products/superset_docker\n";
    assert!(list.contains(at), "{list}");
    let run = "  run: {compose: docker/docker-compose-sample.yml, env_file: config/.env}\n";
    home.write(
        "stack/config/products.yml",
        &list.replace(at, &format!("{at}{run}")),
    );
    let deploy = "version: 1\nstack: ci-real-bi\nid: 0123456789abcdef0123456789abcdef\nsite:\n- {label: bi, image: superset_docker}\n";
    home.write("stack/config/deploy.yml", deploy);
    home.good(&["validate"]);
    if !has_engine("the plan of a real product") {
        return;
    }
    let told = home.good(&["plan"]);
    for line in [
        "bi/superset-app       create",
        "bi/superset-init      create",
        "images caddy:2, postgres:17.6, redis:7",
        "0 to remove, 4 images to fetch",
        "Data: 5 new volumes",
    ] {
        assert!(told.contains(line), "{line}: {told}");
    }
    let password = home.read("stack/products/superset_docker/config/.env");
    let password = password
        .lines()
        .find_map(|line| line.strip_prefix("POSTGRES_PASSWORD="));
    assert!(!told.contains(password.unwrap()), "{told}");
}
