//! Products from archives, on this machine and from the web.

use super::shop;
use crate::support::home::{Home, said};
use crate::support::web::{Answer, Request, Web};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Packs the shop's files, as a release's archive has them: in one folder.
fn pack(home: &Home, name: &str) -> String {
    let path = home.at(name);
    if name.ends_with(".zip") {
        let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
        let options = zip::write::SimpleFileOptions::default();
        for file in [
            "copier.yml",
            "template/config/app.conf.jinja",
            "template/config/.env.jinja",
        ] {
            zip.start_file(format!("shop-1/{file}"), options).unwrap();
            std::io::copy(
                &mut fs::File::open(home.at("shop").join(file)).unwrap(),
                &mut zip,
            )
            .unwrap();
        }
        zip.finish().unwrap();
    } else {
        let status = Command::new("tar")
            .arg(if name.ends_with("gz") { "-czf" } else { "-cf" })
            .arg(&path)
            .args(["--exclude=.git", "-C"])
            .arg(home.at(""))
            .arg("./shop")
            .status();
        assert!(status.unwrap().success());
    }
    path.to_string_lossy().into_owned()
}

/// Lists the shop under another address.
fn relist(home: &Home, from: &str, to: &str) {
    let list = home.read("stack/config/products.yml");
    assert!(list.contains(from), "{list}");
    home.write("stack/config/products.yml", &list.replace(from, to));
}

#[test]
fn an_archive_is_installed_configured_and_updated_from_another() {
    let home = Home::new("archive");
    shop(&home);
    let first = pack(&home, "shop-1.tar.gz");
    home.good(&["product", "add", &first, "--id", "shop"]);
    home.good(&["product", "install", "shop"]);
    let conf = home.read("stack/products/shop/config/app.conf");
    assert!(conf.contains("host=localhost\n"));
    assert_eq!(home.mode("stack/products/shop/run.sh") & 0o111, 0o111);
    let answers = home.read("stack/products/shop/.copier-answers.yml");
    let digest = answers
        .lines()
        .find_map(|line| line.strip_prefix("_commit: "))
        .unwrap();
    assert!(
        digest.len() == 71 && digest.starts_with("sha256-"),
        "{answers}"
    );
    home.good(&[
        "product",
        "configure",
        "shop",
        "--data",
        r#"{"host": "example.org"}"#,
    ]);
    let conf = home.read("stack/products/shop/config/app.conf");
    assert!(conf.contains("host=example.org\n"));
    assert!(
        home.good(&["product", "update", "shop"])
            .contains("is up to date")
    );
    // A newer version under an address of its own: merged with what the user changed.
    home.write(
        "stack/products/shop/config/app.conf",
        &format!("{conf}mine=1\n"),
    );
    home.write(
        "shop/template/config/app.conf.jinja",
        "# the app, better\nhost={{ host }}\nport=80\nkey={{ key }}\n",
    );
    let second = pack(&home, "shop-2.tar");
    relist(&home, &first, &second);
    home.good(&["product", "update", "shop"]);
    let merged = home.read("stack/products/shop/config/app.conf");
    assert_eq!(
        merged,
        conf.replace("the app", "the app, better") + "mine=1\n"
    );
    // Where the older one is gone, or is another one now, nothing is made up.
    home.write("shop/template/run.sh", "newer\n");
    let third = pack(&home, "shop-3.zip");
    relist(&home, &second, &third);
    fs::write(&second, fs::read(&first).unwrap()).unwrap();
    assert!(
        home.bad(1, &["product", "update", "shop"])
            .contains("cannot be unpacked")
    );
    fs::copy(&first, home.at("shop-2.tar.gz")).unwrap();
    fs::remove_file(&second).unwrap();
    let said = home.bad(1, &["product", "update", "shop"]);
    assert!(said.contains("shop-2.tar: "), "{said}");
    assert_eq!(home.read("stack/products/shop/config/app.conf"), merged);
    home.good(&["product", "install", "shop", "--recopy"]);
    home.write("shop/copier.yml", "");
    pack(&home, "shop-3.zip");
    let said = home.bad(1, &["product", "update", "shop"]);
    assert!(
        said.contains("nothing to compare with") && said.contains("--recopy"),
        "{said}"
    );
    // A digest in the list pins the archive.
    let said = home.bad(
        1,
        &[
            "product",
            "install",
            "shop",
            "--recopy",
            "--vcs-ref",
            digest,
        ],
    );
    assert!(said.contains("this archive is sha256-"), "{said}");
}

#[test]
fn an_archive_that_leads_out_is_refused() {
    let home = Home::new("slip");
    fs::create_dir(home.at("evil")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", home.at("evil/passwd")).unwrap();
    let status = Command::new("tar")
        .args(["-czf"])
        .arg(home.at("link.tgz"))
        .arg("-C")
        .arg(home.at("evil"))
        .arg(".")
        .status();
    assert!(status.unwrap().success());
    fs::write(home.at("evil/x"), "x").unwrap();
    let status = Command::new("tar")
        .args(["-czf"])
        .arg(home.at("up.tgz"))
        .args(["--transform", "s,^x,../../../x,", "-P", "-C"])
        .arg(home.at("evil"))
        .arg("x")
        .status();
    assert!(status.unwrap().success());
    let add = |name: &str| home.at(name).to_string_lossy().into_owned();
    assert!(
        home.bad(1, &["product", "add", &add("up.tgz")])
            .contains("has `.` or `..` as a part")
    );
    home.good(&["product", "add", &add("link.tgz"), "--id", "link"]);
    assert!(
        home.bad(3, &["product", "install", "link"])
            .contains("a link to no file of the template")
    );
    assert!(!home.at("stack/products").exists() && !home.at("x").exists());
    fs::write(home.at("not.zip"), "no archive").unwrap();
    assert!(
        home.bad(1, &["product", "add", &add("not.zip")])
            .contains("cannot be unpacked")
    );
    fs::write(home.at("a.tar.xz"), "").unwrap();
    assert!(
        home.bad(1, &["product", "add", &add("a.tar.xz")])
            .contains("it knows .tar, .tar.gz")
    );
}

/// Serves files of a folder to whoever has the token.
fn files(root: &Path, request: &Request) -> Answer {
    if request.path == "/slow.tgz" {
        std::thread::sleep(std::time::Duration::from_secs(20));
    }
    let authorized = request.headers.get("authorization").map(String::as_str);
    if authorized != Some("Bearer sesame-open-1234") {
        return (401, Vec::new(), Vec::new());
    }
    match fs::read(root.join(request.path.trim_start_matches('/'))) {
        Ok(bytes) => (200, Vec::new(), bytes),
        Err(_) => (404, Vec::new(), Vec::new()),
    }
}

#[test]
fn an_archive_comes_over_https_from_who_proves_who_they_are() {
    let home = Home::new("archive-web");
    shop(&home);
    pack(&home, "shop.tgz");
    let root = home.at("");
    let elsewhere = Web::plain(move |request| {
        assert!(!request.headers.contains_key("authorization"));
        (200, Vec::new(), b"junk".to_vec())
    });
    let other = elsewhere.address.replace("127.0.0.1", "localhost");
    let web = Web::tls(move |request| match request.path.as_str() {
        "/away.tgz" => {
            let header = ("Location".to_owned(), format!("{other}/x.tgz"));
            (302, vec![header], Vec::new())
        }
        _ => files(&root, request),
    });
    home.write("authority.pem", &web.authority);
    home.write("good", "sesame-open-1234\n");
    home.write("wrong", "sesame-shut-1234\n");
    let add = |name: &str, token: &str, trusted: bool, more: &[&str]| {
        let address = format!("{}/{name}", web.address);
        let token = home.at(token).to_string_lossy().into_owned();
        let mut command = home.command(&[
            "product",
            "add",
            &address,
            "--id",
            "shop",
            "--token-file",
            &token,
        ]);
        command.args(more);
        if trusted {
            command.env("SSL_CERT_FILE", home.at("authority.pem"));
        }
        let output = command.output().unwrap();
        let said = said(&output);
        assert!(!said.contains("sesame"), "{said}");
        (output.status.code(), said)
    };
    let before = home.read("stack/config/products.yml");
    for (name, token, trusted, why) in [
        ("shop.tgz", "good", false, "the connection is not secure"),
        ("shop.tgz", "wrong", true, "authentication failed"),
        ("none.tgz", "good", true, "not found"),
        // What a redirect leads to is asked without the token.
        ("away.tgz", "good", true, "cannot be unpacked"),
    ] {
        let (code, said) = add(name, token, trusted, &[]);
        assert!(
            code == Some(1) && said.contains(why),
            "{name} {token}: {said}"
        );
    }
    let (code, said) = add("slow.tgz", "good", true, &["--timeout", "1s"]);
    assert!(
        code == Some(1) && said.contains("timeout: no answer within 1 s"),
        "{said}"
    );
    assert_eq!(elsewhere.asked.lock().unwrap().len(), 1);
    assert_eq!(home.read("stack/config/products.yml"), before);
    assert!(!home.at("stack/config/secrets/vcs_auth_shop").exists());
    let (code, said) = add("shop.tgz", "good", true, &[]);
    assert!(
        code == Some(0) && said.contains("can be reached with the token"),
        "{said}"
    );
    let mut install = home.command(&["-vvv", "product", "install", "shop"]);
    let output = install
        .env("SSL_CERT_FILE", home.at("authority.pem"))
        .output()
        .unwrap();
    let told = crate::support::home::said(&output);
    assert!(
        output.status.success() && !told.contains("sesame"),
        "{told}"
    );
    assert!(home.at("stack/products/shop/run.sh").exists());
    let refused = home.bad(
        1,
        &["product", "add", "http://127.0.0.1:1/a.tgz", "--id", "x"],
    );
    assert!(refused.contains("the host cannot be reached"), "{refused}");
}
