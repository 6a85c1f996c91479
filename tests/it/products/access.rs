//! Git over https and ssh, against servers that are real: why a repository cannot be reached is told apart.

use super::shop;
use crate::support::home::{Home, said};
use crate::support::sshd::{self, Sshd};
use crate::support::until;
use crate::support::web::{self, Web};
use base64::Engine as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

/// A server of a repository that wants a token.
pub(super) fn serve(home: &Home, name: &str) -> Web {
    let served = format!("served/{name}.git");
    home.git("", &["clone", "-q", "--bare", name, &served]);
    let root = home.at("served");
    let wanted =
        base64::engine::general_purpose::STANDARD.encode("x-access-token:sesame-open-1234");
    Web::tls(move |request| {
        let authorized = request.headers.get("authorization");
        match authorized == Some(&format!("Basic {wanted}")) {
            true => web::git(&root, request),
            false => web::unauthorized(),
        }
    })
}

/// Lets git trust the server's authority.
pub(super) fn trust(home: &Home, web: &Web) {
    home.write("authority.pem", &web.authority);
    let file = home.at("authority.pem");
    let file = file.to_string_lossy();
    home.git("", &["config", "--global", "http.sslCAInfo", &file]);
}

#[test]
fn git_over_https_tells_why_it_cannot_be_reached() {
    let home = Home::new("https");
    shop(&home);
    let web = serve(&home, "shop");
    let address = format!("{}/shop.git", web.address);
    home.write("good", "sesame-open-1234\n");
    home.write("wrong", "sesame-shut-1234\n");
    let add = |address: &str, more: &[&str]| {
        let mut args = vec!["product", "add", address, "--id", "shop"];
        args.extend(more);
        home.bad(1, &args)
    };
    let good = home.at("good").to_string_lossy().into_owned();
    let wrong = home.at("wrong").to_string_lossy().into_owned();
    let before = home.read("stack/config/products.yml");
    let unknown = add(&address, &["--token-file", &good]);
    assert!(
        unknown.contains("the connection is not secure"),
        "{unknown}"
    );
    trust(&home, &web);
    let shut = add(&address, &["--token-file", &wrong]);
    assert!(shut.contains("authentication failed"), "{shut}");
    let without = add(&address, &[]);
    assert!(without.contains("authentication failed"), "{without}");
    let none = add(
        &format!("{}/none.git", web.address),
        &["--token-file", &good],
    );
    assert!(none.contains("not found"), "{none}");
    let refused = add("https://127.0.0.1:1/shop.git", &["--token-file", &good]);
    assert!(refused.contains("the host cannot be reached"), "{refused}");
    assert_eq!(home.read("stack/config/products.yml"), before);
    assert!(!home.at("stack/config/secrets/vcs_auth_shop").exists());
    let told = home.good(&[
        "product",
        "add",
        &address,
        "--id",
        "shop",
        "--token-file",
        &good,
    ]);
    assert!(told.contains("can be reached with the token"), "{told}");
    let told = home.good(&["-vvv", "product", "install", "shop"]);
    home.tag("shop", "v1.1.0");
    home.git(
        "served/shop.git",
        &[
            "fetch",
            "-q",
            &home.at("shop").to_string_lossy(),
            "+refs/*:refs/*",
        ],
    );
    home.good(&["product", "update", "shop"]);
    assert!(
        home.read("stack/products/shop/.copier-answers.yml")
            .contains("_commit: v1.1.0\n")
    );
    // Nothing of it is left where git worked.
    let left: Vec<_> = fs::read_dir(home.at(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name.to_string_lossy().starts_with("coasti-"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    // The token is where it is kept, and nowhere else.
    assert_eq!(home.mode("stack/config/secrets/vcs_auth_shop"), 0o600);
    let asked = web.asked.lock().unwrap().join(" ");
    let list = home.read("stack/config/products.yml");
    for text in [&told, &asked, &list] {
        assert!(!text.contains("sesame"), "{text}");
    }
    assert_eq!(
        home.read("stack/config/secrets/vcs_auth_shop"),
        "sesame-open-1234\n"
    );
}

/// A server that never answers.
fn silent() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming() {
            held.push(stream);
        }
    });
    port
}

#[test]
fn who_never_answers_is_given_up() {
    let home = Home::new("silent");
    let port = silent();
    for scheme in ["https", "http", "ssh"] {
        let address = format!("{scheme}://127.0.0.1:{port}/shop.git");
        let output = home.coasti(&["product", "add", &address, "--id", "x", "--timeout", "1s"]);
        let said = said(&output);
        assert!(
            said.contains("timeout: no answer within 1 s"),
            "{scheme}: {said}"
        );
    }
    // Nor does anything go on that git started.
    let port = format!("127.0.0.1:{port}");
    let running = || {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let lines = processes.map(|one| fs::read(one.path().join("cmdline")));
        let mut lines = lines.map(Result::unwrap_or_default);
        lines.any(|line| String::from_utf8_lossy(&line).contains(&port))
    };
    let patience = Duration::from_secs(10);
    until("the end of all that git started", patience, || {
        (!running()).then_some(())
    });
}

#[test]
fn git_over_ssh_tells_why_it_cannot_be_reached() {
    let Some(program) = sshd::program() else {
        eprintln!("skipped: no sshd here (tests/all.sh offers to install it)");
        return;
    };
    // Whatever its folder is called.
    let home = Home::new("ssh 100% of it's \"here\"");
    shop(&home);
    let host = Home::new("sshd");
    let served = host.at("served/shop.git");
    home.git(
        "",
        &["clone", "-q", "--bare", "shop", &served.to_string_lossy()],
    );
    let good = sshd::key(&home.at("good"), "");
    let locked = sshd::key(&home.at("locked"), "passphrase");
    sshd::key(&home.at("wrong"), "");
    let server = Sshd::start(&program, &host.at("sshd"), &[&good, &locked]);
    let at = |path: &str| {
        let path = host.at(path);
        let (user, port) = (&server.user, server.port);
        format!("ssh://{user}@127.0.0.1:{port}{}", path.display())
    };
    let address = at("served/shop.git");
    let key = |name: &str| home.at(name).to_string_lossy().into_owned();
    let add = |address: &str, name: &str| {
        home.bad(
            1,
            &[
                "product",
                "add",
                address,
                "--id",
                "shop",
                "--key",
                &key(name),
            ],
        )
    };
    let before = home.read("stack/config/products.yml");
    // Nobody has said whose key it is.
    let unknown = add(&address, "good");
    assert!(
        unknown.contains("the host's key is not trusted"),
        "{unknown}"
    );
    assert!(unknown.contains("config/known_hosts"), "{unknown}");
    let own = home.bad(1, &["product", "add", &address, "--id", "shop"]);
    assert!(own.contains("the host's key is not trusted"), "{own}");
    // It was another one before.
    let other = sshd::key(&home.at("other"), "");
    let port = server.port;
    home.write(
        "stack/config/known_hosts",
        &format!("[127.0.0.1]:{port} {other}\n"),
    );
    let changed = add(&address, "good");
    assert!(
        changed.contains("the host has another key than before"),
        "{changed}"
    );
    home.write("stack/config/known_hosts", &server.known);
    for name in ["wrong", "locked"] {
        let said = add(&address, name);
        assert!(said.contains("authentication failed"), "{name}: {said}");
    }
    let none = add(&at("served/none.git"), "good");
    assert!(none.contains("not found"), "{none}");
    let missing = add(&address, "no-such-key");
    assert!(missing.contains("no-such-key cannot be read"), "{missing}");
    assert_eq!(home.read("stack/config/products.yml"), before);
    assert!(!home.at("stack/config/secrets/vcs_auth_shop").exists());
    let told = home.good(&[
        "product",
        "add",
        &address,
        "--id",
        "shop",
        "--key",
        &key("good"),
    ]);
    assert!(told.contains("can be reached with the key"), "{told}");
    home.good(&["product", "install", "shop"]);
    assert!(home.at("stack/products/shop/run.sh").exists());
    // The key itself may stand there instead of its path.
    let text = home.read("good");
    home.write("stack/config/secrets/vcs_auth_shop", &text);
    let told = home.good(&["-vvv", "product", "update", "shop"]);
    assert!(told.contains("is up to date"), "{told}");
    assert!(!told.contains(text.lines().nth(1).unwrap()), "{told}");
    drop(server);
    let down = home.bad(1, &["product", "update", "shop"]);
    assert!(down.contains("the host cannot be reached"), "{down}");
}

#[test]
fn what_opens_a_repository_and_secret_answers_may_be_encrypted() {
    let home = Home::new("token-age");
    shop(&home);
    let web = serve(&home, "shop");
    trust(&home, &web);
    let address = format!("{}/shop.git", web.address);
    home.write("good", "sesame-open-1234\n");
    home.good(&["secret", "keygen"]);
    let file = home.at("good").to_string_lossy().into_owned();
    let add = [
        "product",
        "add",
        &address,
        "--id",
        "shop",
        "--token-file",
        &file,
    ];
    home.good(&add);
    assert!(
        home.read("stack/config/secrets/vcs_auth_shop.age")
            .starts_with("-----BEGIN AGE")
    );
    home.good(&["product", "install", "shop"]);
    assert!(
        home.read("stack/config/secrets/answers_shop.age")
            .starts_with("-----BEGIN AGE")
    );
    assert!(!home.at("stack/config/secrets/answers_shop").exists());
    let env = home.read("stack/products/shop/config/.env");
    // Its answers are the same ones the next time, and who cannot open them is told so.
    home.good(&["product", "install", "shop", "--recopy"]);
    assert_eq!(home.read("stack/products/shop/config/.env"), env);
    let listed = home.good(&["secret", "list"]);
    assert!(
        listed.contains("product shop: its repository")
            && listed.contains("product shop: its answers"),
        "{listed}"
    );
    fs::rename(home.at(".config"), home.at("elsewhere")).unwrap();
    let said = home.bad(3, &["product", "update", "shop"]);
    assert!(
        said.contains("E0192") && said.contains("vcs_auth_shop.age"),
        "{said}"
    );
    home.good(&["product", "remove", "shop", "--confirm", "shop"]);
    let left = fs::read_dir(home.at("stack/config/secrets")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["recipients.txt"]);
}

#[test]
fn nothing_is_left_of_a_fetch_that_is_killed() {
    let home = Home::new("fetch-killed");
    home.write("token", "sesame-open-1234\n");
    let opened = home.at("opened");
    let made = std::process::Command::new("mkfifo").arg(&opened).status();
    assert!(made.unwrap().success());
    home.write(
        "bin/git",
        &format!(
            "#!/bin/sh\nprintf '%s\\n%s' \"$COASTI_GIT_TOKEN_FILE\" \"$PWD\" >{}\nexec sleep 999\n",
            opened.display()
        ),
    );
    let git = home.at("bin/git");
    fs::set_permissions(git, fs::Permissions::from_mode(0o755)).unwrap();
    let token = home.at("token").to_string_lossy().into_owned();
    let args = [
        "product",
        "add",
        "https://127.0.0.1:1/shop.git",
        "--token-file",
        &token,
    ];
    let mut command = home.command(&args);
    let path = std::env::var("PATH").unwrap();
    command.env("PATH", format!("{}:{path}", home.at("bin").display()));
    let mut adding = command.spawn().unwrap();
    let told = fs::read_to_string(&opened).unwrap();
    let (secret, folder) = told.split_once('\n').unwrap();
    let secret = Path::new(secret).parent().unwrap();
    assert!(secret.exists() && Path::new(folder).exists());
    adding.kill().unwrap();
    adding.wait().unwrap();
    for folder in [secret, Path::new(folder)] {
        until("the folder to go", Duration::from_secs(30), || {
            (!folder.exists()).then_some(())
        });
    }
}

#[test]
fn what_a_killed_command_left_goes_with_the_next_one() {
    let home = Home::new("left-over");
    home.write(
        "tmp/coasti-work-00000000000000ff/secret",
        "sesame-open-1234\n",
    );
    home.write("tmp/coasti-other/kept", "kept\n");
    home.write("shop/coasti.yml", "version: 1\nid: shop\n");
    home.tag("shop", "v1");
    let shop = home.at("shop").to_string_lossy().into_owned();
    let mut command = home.command(&["product", "add", &shop]);
    command.env("TMPDIR", home.at("tmp"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let left = fs::read_dir(home.at("tmp")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["coasti-other"]);
}
