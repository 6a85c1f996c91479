//! Other people's products as they are.

use crate::support::has_engine;
use crate::support::home::Home;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The real product and the installer's own one for its tests; skipped, visibly, where they are not.
#[test]
fn real_products_install_and_update() {
    let inputs = std::env::var("COASTI_INPUTS")
        .map_or_else(
            |_| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/inputs"),
            PathBuf::from,
        )
        .join("coasti");
    if !inputs.is_dir() {
        eprintln!("skipped: no folder {}", inputs.display());
        return;
    }
    let home = Home::new("real");
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
        home.good(&["product", "add", &home.at(name).to_string_lossy()]);
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
    let told = home.good(&["product", "install", "superset_docker", "--data", r#"{"domain_name": "bi.example.org", "configure_smtp_yn": false, "copy_samples_yn": false}"#]);
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
    // A second version of each.
    home.write("mock_product/README.md", "# Mock Product, better\n");
    home.tag("mock_product", "0.2.0");
    home.good(&["product", "update", "mock_product"]);
    assert_eq!(
        home.read("stack/products/mock_product/README.md"),
        "# Mock Product, better\n"
    );
    let compose = home.read("superset_docker/docker/docker-compose-sample.yml");
    home.write(
        "superset_docker/docker/docker-compose-sample.yml",
        &compose.replace("postgres:17", "postgres:17.6"),
    );
    home.write("superset_docker/config/.env.jinja", "CHANGED=1\n");
    home.tag("superset_docker", "0.2.0");
    home.good(&["product", "update", "superset_docker"]);
    assert!(
        home.read("stack/products/superset_docker/docker/docker-compose-sample.yml")
            .contains("postgres:17.6")
    );
    assert_eq!(home.read("stack/products/superset_docker/config/.env"), env);
    plan(&home);
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
