//! Git over https and ssh, against servers that are real: why a repository cannot be reached is told apart.

use super::shop;
use crate::support::home::{Home, said};
use crate::support::wait_for;
use crate::support::web::{self, Web};
use base64::Engine as _;

/// A server of the shop's repository that wants a token.
fn serve(home: &Home) -> Web {
    home.git("", &["clone", "-q", "--bare", "shop", "served/shop.git"]);
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

#[test]
fn git_over_https_tells_why_it_cannot_be_reached() {
    let home = Home::new("https");
    shop(&home);
    let web = serve(&home);
    let address = format!("{}/shop.git", web.address);
    home.write("good", "sesame-open-1234\n");
    home.write("wrong", "sesame-shut-1234\n");
    home.write("authority.pem", &web.authority);
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
    home.git(
        "",
        &[
            "config",
            "--global",
            "http.sslCAInfo",
            &home.at("authority.pem").to_string_lossy(),
        ],
    );
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
    // The token is where it is kept, and nowhere else.
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
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let lines = processes.map(|one| std::fs::read(one.path().join("cmdline")));
        let mut lines = lines.map(Result::unwrap_or_default);
        lines.any(|line| String::from_utf8_lossy(&line).contains(&port))
    };
    let patience = std::time::Duration::from_secs(10);
    wait_for("the end of all that git started", patience, || {
        (!running()).then_some(())
    });
}
