//! Products from git and folders, with the program as users run it.

mod access;
mod archives;

use crate::support::home::{Home, said};
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const COPIER: &str = "\
host: {default: localhost}
key: {default: \"{{ (64 | ans_random | hash('sha512'))[:32] }}\", when: false}
token: {default: \"{{ (64 | ans_random | hash('sha512'))[:32] }}\", secret: true}
_subdirectory: template
_skip_if_exists: [config/.env]
";

/// A product's repository with one version.
fn shop(home: &Home) {
    home.write("shop/copier.yml", COPIER);
    home.write(
        "shop/template/config/.env.jinja",
        "KEY={{ key }}\nTOKEN={{ token }}\n",
    );
    home.write(
        "shop/template/config/app.conf.jinja",
        "# the app\nhost={{ host }}\nport=80\nkey={{ key }}\n",
    );
    home.write("shop/template/run.sh", "#!/bin/sh\n");
    fs::set_permissions(
        home.at("shop/template/run.sh"),
        fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    home.write("shop/template/data/.gitkeep", "");
    home.write("shop/template/gone.txt", "old\n");
    home.tag("shop", "v1.0.0");
}

#[test]
fn a_product_is_added_installed_updated_and_removed() {
    let home = Home::new("life");
    shop(&home);
    let address = home.at("shop").to_string_lossy().into_owned();
    home.good(&["product", "add", &address]);
    let list = format!(
        "# what runs here\nversion: 1\n\nproducts: # none yet\n- id: shop\n  vcs_repo: {address}\n  dst_path: products/shop\n"
    );
    assert_eq!(home.read("stack/config/products.yml"), list);
    assert!(
        home.bad(1, &["product", "add", &address])
            .contains("lists `shop` already")
    );
    assert!(home.good(&["product", "list"]).contains("not installed"));
    // Only told.
    home.good(&["product", "install", "shop", "--pretend"]);
    assert!(!home.at("stack/products").exists() && !home.at("stack/config/secrets").exists());
    home.good(&[
        "product",
        "install",
        "shop",
        "--data",
        r#"{"host": "example.org"}"#,
    ]);
    let conf = home.read("stack/products/shop/config/app.conf");
    let key = conf
        .lines()
        .last()
        .unwrap()
        .strip_prefix("key=")
        .unwrap()
        .to_owned();
    assert_eq!(key.len(), 32);
    assert!(conf.contains("host=example.org\n"));
    assert_eq!(home.mode("stack/products/shop/run.sh") & 0o111, 0o111);
    assert_eq!(home.mode("stack/products/shop/config/.env"), 0o600);
    assert_eq!(home.mode("stack/config/secrets/answers_shop"), 0o600);
    assert_eq!(home.mode("stack/config/secrets"), 0o700);
    assert_eq!(home.read("stack/config/shop/app.conf"), conf);
    assert_eq!(
        fs::read_link(home.at("stack/data/shop")).unwrap(),
        Path::new("../products/shop/data")
    );
    let answers = home.read("stack/products/shop/.copier-answers.yml");
    assert!(
        answers.contains("_commit: v1.0.0\n") && answers.contains("host: example.org\n"),
        "{answers}"
    );
    assert!(
        !answers.contains(&key) && !answers.contains("token"),
        "{answers}"
    );
    assert!(
        home.bad(1, &["product", "install", "shop"])
            .contains("installed already")
    );

    // The user changes a line, removes a file, and a link breaks; the authors change others.
    home.write(
        "stack/products/shop/config/app.conf",
        &conf.replace("port=80", "port=8080"),
    );
    home.write("stack/products/shop/config/.env", "KEY=mine\n");
    fs::remove_file(home.at("stack/data/shop")).unwrap();
    symlink("/nowhere", home.at("stack/data/shop")).unwrap();
    home.write(
        "shop/template/config/app.conf.jinja",
        "# the app, better\nhost={{ host }}\nport=80\nkey={{ key }}\nnew={{ fresh }}\n",
    );
    home.write(
        "shop/template/config/.env.jinja",
        "KEY={{ key }}\nOTHER=1\n",
    );
    home.write(
        "shop/copier.yml",
        &format!("{COPIER}fresh: {{default: 7}}\n"),
    );
    fs::remove_file(home.at("shop/template/gone.txt")).unwrap();
    home.tag("shop", "v1.1.0");
    let told = home.good(&["product", "update", "shop"]);
    assert!(
        told.contains("merge config/app.conf") && told.contains("remove gone.txt"),
        "{told}"
    );
    assert_eq!(
        home.read("stack/products/shop/config/app.conf"),
        format!("# the app, better\nhost=example.org\nport=8080\nkey={key}\nnew=7\n")
    );
    assert_eq!(home.read("stack/products/shop/config/.env"), "KEY=mine\n");
    assert!(!home.at("stack/products/shop/gone.txt").exists());
    assert_eq!(
        fs::read_link(home.at("stack/data/shop")).unwrap(),
        Path::new("../products/shop/data")
    );
    assert!(
        home.read("stack/products/shop/.copier-answers.yml")
            .contains("_commit: v1.1.0\n")
    );
    // Once more changes nothing.
    let told = home.good(&["product", "update", "shop"]);
    assert!(!told.contains("write") && !told.contains("merge"), "{told}");

    // Both change one line: both are there to choose from, and the exit code says so.
    home.write(
        "shop/template/config/app.conf.jinja",
        "# the app, better\nhost={{ host }}\nport=443\nkey={{ key }}\nnew={{ fresh }}\n",
    );
    home.tag("shop", "v1.2.0");
    let told = home.bad(1, &["product", "update", "shop"]);
    assert!(told.contains("conflict: config/app.conf"), "{told}");
    let both = home.read("stack/products/shop/config/app.conf");
    assert!(
        both.contains("<<<<<<< yours\nport=8080\n")
            && both.contains("=======\nport=443\n>>>>>>> newer template\n"),
        "{both}"
    );

    // Removed with the name typed, and only then; what is not its own stays.
    home.write("stack/data/other", "");
    home.write("stack/config/secrets/vcs_auth_shop", "t");
    assert!(
        home.bad(1, &["product", "remove", "shop"])
            .contains("--confirm shop")
    );
    assert!(
        home.bad(1, &["product", "remove", "shop", "--confirm", "shpo"])
            .contains("nothing was removed")
    );
    assert!(home.at("stack/products/shop/run.sh").exists());
    home.good(&["product", "remove", "shop", "--confirm", "shop"]);
    for gone in [
        "products/shop",
        "config/shop",
        "data/shop",
        "config/secrets/answers_shop",
        "config/secrets/vcs_auth_shop",
    ] {
        assert!(
            home.at("stack").join(gone).symlink_metadata().is_err(),
            "{gone}"
        );
    }
    assert!(home.at("stack/data/other").exists());
    assert_eq!(
        home.read("stack/config/products.yml"),
        "# what runs here\nversion: 1\n\nproducts: [] # none yet\n"
    );
}

#[test]
fn answers_are_given_anew_without_another_version() {
    let home = Home::new("configure");
    shop(&home);
    home.write(
        "shop/template/config/app.conf.jinja",
        "# the app\nhost={{ host }}\n\n\n\nport=80\n",
    );
    home.tag("shop", "v1.0.1");
    home.good(&["product", "add", &home.at("shop").to_string_lossy()]);
    assert!(
        home.bad(1, &["product", "configure", "shop"])
            .contains("is not installed")
    );
    home.good(&["product", "install", "shop"]);
    let conf = home.read("stack/products/shop/config/app.conf");
    let env = home.read("stack/products/shop/config/.env");
    // What the user changed stays; a newer version is none of this command's business.
    home.write(
        "stack/products/shop/config/app.conf",
        &conf.replace("port=80", "port=8080"),
    );
    home.write("stack/products/shop/config/.env", &format!("MINE=1\n{env}"));
    home.write("shop/template/run.sh", "newer\n");
    home.tag("shop", "v2.0.0");
    assert!(
        home.good(&["product", "configure", "shop"])
            .contains("nothing to change")
    );
    let data = r#"{"host": "example.org", "token": "sesame"}"#;
    let told = home.good(&["product", "configure", "shop", "--data", data, "--pretend"]);
    assert!(
        told.contains("merge config/.env") && told.contains("would be configured"),
        "{told}"
    );
    assert!(
        home.read("stack/products/shop/config/app.conf")
            .contains("host=localhost")
    );
    let told = home.good(&["product", "configure", "shop", "--data", data]);
    assert!(!told.contains("sesame"), "{told}");
    assert_eq!(
        home.read("stack/products/shop/config/app.conf"),
        conf.replace("localhost", "example.org")
            .replace("port=80", "port=8080")
    );
    let token = env.lines().nth(1).unwrap();
    assert_eq!(
        home.read("stack/products/shop/config/.env"),
        format!("MINE=1\n{}", env.replace(token, "TOKEN=sesame"))
    );
    assert_eq!(home.read("stack/products/shop/run.sh"), "#!/bin/sh\n");
    let answers = home.read("stack/products/shop/.copier-answers.yml");
    assert!(
        answers.contains("_commit: v1.0.1\n") && answers.contains("host: example.org\n"),
        "{answers}"
    );
    assert!(
        home.read("stack/config/secrets/answers_shop")
            .contains("token: sesame\n")
    );
    // A wrong answer changes nothing, and the answers file can be another one.
    home.bad(
        3,
        &["product", "configure", "shop", "--data", r#"{"host": [1]}"#],
    );
    fs::rename(
        home.at("stack/products/shop/.copier-answers.yml"),
        home.at("stack/products/shop/other.yml"),
    )
    .unwrap();
    assert!(
        home.bad(1, &["product", "configure", "shop"])
            .contains("--answers-file")
    );
    home.bad(
        1,
        &["product", "configure", "shop", "--answers-file", "../../x"],
    );
    home.good(&["product", "update", "shop", "--answers-file", "other.yml"]);
    assert!(
        home.read("stack/products/shop/other.yml")
            .contains("_commit: v2.0.0\n")
    );
    assert_eq!(home.read("stack/products/shop/run.sh"), "newer\n");
}

#[test]
fn what_is_not_committed_and_what_is_in_the_way_is_not_written_over() {
    let home = Home::new("careful");
    shop(&home);
    let address = home.at("shop").to_string_lossy().into_owned();
    home.good(&["tool", "add", &address, "--id", "cart"]);
    assert!(
        home.read("stack/config/tools.yml")
            .contains("dst_path: tools/cart")
    );
    home.write("stack/tools/cart/run.sh", "mine\n");
    assert!(
        home.bad(1, &["tool", "install", "cart"])
            .contains("has files of these names already: run.sh")
    );
    assert_eq!(home.read("stack/tools/cart/run.sh"), "mine\n");
    home.good(&["tool", "install", "cart", "--recopy"]);
    assert_eq!(home.read("stack/tools/cart/run.sh"), "#!/bin/sh\n");
    home.tag("stack", "installed");
    home.write("stack/tools/cart/run.sh", "changed\n");
    home.tag("shop", "v2.0.0");
    assert!(
        home.bad(1, &["tool", "update", "cart"])
            .contains("not committed: tools/cart/run.sh")
    );
    // The folder that products are in leads elsewhere: nothing is written there.
    fs::create_dir(home.at("elsewhere")).unwrap();
    symlink(home.at("elsewhere"), home.at("stack/products")).unwrap();
    home.good(&["product", "add", &address]);
    assert!(
        home.bad(1, &["product", "install", "shop"])
            .contains("a link is not followed")
    );
    assert_eq!(fs::read_dir(home.at("elsewhere")).unwrap().count(), 0);
}

#[test]
fn commands_of_a_template_run_only_for_the_commit_that_is_trusted() {
    let home = Home::new("trust");
    home.write(
        "shop/copier.yml",
        "_tasks:\n- 'echo ran > made'\n- {command: [touch, never], when: false}\n",
    );
    home.write("shop/a", "");
    let commit = home.tag("shop", "v1");
    home.good(&["product", "add", &home.at("shop").to_string_lossy()]);
    let said = home.bad(6, &["product", "install", "shop"]);
    assert!(
        said.contains("echo ran > made") && said.contains(&format!("--trust {commit}")),
        "{said}"
    );
    assert!(!home.at("stack/products").exists());
    home.bad(
        6,
        &["product", "install", "shop", "--trust", &"0".repeat(40)],
    );
    home.bad(6, &["product", "install", "shop", "--trust", ""]);
    home.good(&["product", "install", "shop", "--skip-tasks"]);
    assert!(!home.at("stack/products/shop/made").exists());
    home.good(&["product", "install", "shop", "--recopy", "--trust", &commit]);
    assert_eq!(home.read("stack/products/shop/made"), "ran\n");
    assert!(!home.at("stack/products/shop/never").exists());
    // The next commit is another one.
    home.write("shop/a", "2");
    home.tag("shop", "v2");
    home.bad(6, &["product", "update", "shop", "--trust", &commit]);
    assert_eq!(home.read("stack/products/shop/a"), "");
}

#[test]
fn what_cannot_be_fetched_says_why_and_leaves_no_trace() {
    let home = Home::new("fetch");
    shop(&home);
    let before = home.read("stack/config/products.yml");
    let cases = [
        ("/nowhere/at/all.git", "not found"),
        ("https://127.0.0.1:1/a.git", "the host cannot be reached"),
        ("ssh://git@127.0.0.1:1/a.git", "the host cannot be reached"),
        ("ext::sh -c id", "no repository's address"),
    ];
    for (address, why) in cases {
        let said = home.bad(1, &["product", "add", address, "--id", "x"]);
        assert!(said.contains(why), "{address}: {said}");
    }
    home.write("token", "sesame-open\n");
    let said = home.bad(
        1,
        &[
            "product",
            "add",
            "http://example.org/a.git",
            "--token-file",
            &home.at("token").to_string_lossy(),
        ],
    );
    assert!(
        said.contains("not sent over plain http") && !said.contains("sesame"),
        "{said}"
    );
    assert!(!home.at("stack/config/secrets/vcs_auth_a").exists());
    assert_eq!(home.read("stack/config/products.yml"), before);
    home.good(&[
        "product",
        "add",
        &home.at("shop").to_string_lossy(),
        "--vcs-ref",
        "v9",
    ]);
    assert!(
        home.bad(1, &["product", "install", "shop"])
            .contains("no branch, tag or commit `v9`")
    );
    home.good(&["product", "install", "shop", "--vcs-ref", "main"]);
    assert!(
        home.read("stack/config/products.yml")
            .contains("  vcs_ref: main\n")
    );
}

#[test]
fn a_repository_that_is_a_trap_is_refused() {
    let home = Home::new("trap");
    // Git itself refuses to add such names; a repository made by other means has them.
    home.write("trap/a", "evil\n");
    home.tag("trap", "v1");
    let blob = home.git("trap", &["rev-parse", "HEAD:a"]);
    let link = home.git("trap", &["rev-parse", "HEAD:a"]);
    for (n, (mode, name, why)) in [
        ("100644", "..", "has `.` or `..` as a part"),
        ("100644", ".git", "is in a `.git` folder"),
        ("100644", "a\\\\b", "backslash"),
        ("120000", "ln", "a link to no file of the template"),
    ]
    .into_iter()
    .enumerate()
    {
        let object = if mode == "120000" { &link } else { &blob };
        let mut child = Command::new("git")
            .arg("-C")
            .arg(home.at("trap"))
            .args(["mktree"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        use std::io::Write as _;
        child
            .stdin
            .take()
            .unwrap()
            .write_all(format!("{mode} blob {object}\t\"{name}\"\n").as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        let tree = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        let commit = home.git("trap", &["commit-tree", "-m", "x", &tree]);
        home.git("trap", &["tag", &format!("t{n}"), &commit]);
        let id = format!("trap{n}");
        home.good(&[
            "product",
            "add",
            &home.at("trap").to_string_lossy(),
            "--id",
            &id,
            "--vcs-ref",
            &format!("t{n}"),
        ]);
        let output = home.coasti(&["product", "install", &id]);
        assert!(
            !output.status.success() && said(&output).contains(why),
            "{name}: {}",
            said(&output)
        );
        assert!(!home.at("stack/products").exists());
    }
}

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
}
