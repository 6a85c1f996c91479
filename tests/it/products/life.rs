//! From `add` to `remove`, with what the user changed meanwhile.

use super::{COPIER, given, shop};
use crate::support::home::{Home, said};
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Stdio;

#[test]
fn a_product_is_added_installed_updated_and_removed() {
    let home = Home::new("life");
    shop(&home);
    let address = home.at("shop").to_string_lossy().into_owned();
    let nothing = home.bad(1, &["product", "install"]);
    assert!(nothing.contains("lists nothing") && nothing.contains("coasti product add ADDRESS"));
    home.good(&["product", "add", &address]);
    let other = home.bad(1, &["product", "install", "shpo"]);
    assert!(other.contains("did you mean `shop`?"), "{other}");
    let list = format!(
        "# what runs here\nversion: 1\n\nproducts: # none yet\n- id: shop\n  vcs_repo: {address}\n  dst_path: products/shop\n"
    );
    assert_eq!(home.read("stack/config/products.yml"), list);
    assert!(
        home.bad(1, &["product", "add", &address])
            .contains("lists `shop` already")
    );
    assert!(home.good(&["product", "list"]).contains("not installed"));
    assert!(
        home.bad(1, &["product", "install"])
            .contains("there are shop")
    );
    assert!(home.bad(1, &["product", "update"]).contains("is installed"));
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
    // As where it was killed before its last step.
    fs::remove_file(home.at("stack/config/shop")).unwrap();
    assert!(
        home.bad(1, &["product", "install", "shop"])
            .contains("installed already")
    );
    assert_eq!(home.read("stack/config/shop/app.conf"), conf);

    let told = home.good(&["product", "list"]);
    assert!(
        told.starts_with("shop  installed      v1.0.0  latest  "),
        "{told}"
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
    let secret = home.at("stack/config/secrets/answers_shop");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
    let told = home.good(&["product", "configure", "shop"]);
    assert!(
        told.contains("chmod 600 config/secrets/answers_shop"),
        "{told}"
    );
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
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
    // A secret is no argument's business.
    let (code, told) = given(
        &home,
        &["product", "configure", "shop", "--data", "-", "--pretend"],
        data,
    );
    assert!(
        code == Some(0) && told.contains("would be configured"),
        "{told}"
    );
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
        home.good(&["product", "configure", "shop"])
            .contains("nothing to change")
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
fn data_that_was_moved_elsewhere_stays_there() {
    let home = Home::new("moved");
    shop(&home);
    home.good(&["product", "add", &home.at("shop").to_string_lossy()]);
    home.good(&["product", "install", "shop"]);
    let data = home.at("stack/products/shop/data");
    fs::rename(&data, home.at("disk")).unwrap();
    symlink("../../../disk", &data).unwrap();
    home.write("disk/kept", "kept");
    home.write("shop/template/data/more", "x");
    home.write("shop/template/run.sh", "newer\n");
    home.tag("shop", "v1.1.0");
    let told = home.good(&["product", "update", "shop"]);
    assert!(told.contains("note: data is a link"), "{told}");
    assert_eq!(home.read("stack/products/shop/run.sh"), "newer\n");
    assert!(!home.at("disk/more").exists());
    home.good(&["product", "install", "shop", "--recopy"]);
    home.good(&["product", "remove", "shop", "--confirm", "shop"]);
    assert!(!home.at("stack/products/shop").exists());
    assert_eq!(home.read("disk/kept"), "kept");
}

#[test]
fn a_full_disk_changes_nothing() {
    let home = Home::new("full");
    shop(&home);
    home.good(&["product", "add", &home.at("shop").to_string_lossy()]);
    home.good(&["product", "install", "shop"]);
    home.write("shop/template/a.txt", "new\n");
    home.write("shop/template/run.sh", "newer\n");
    home.write("shop/template/zz.bin", &"x".repeat(300_000));
    home.tag("shop", "v1.1.0");
    let answers = home.read("stack/products/shop/.copier-answers.yml");
    // No file may be larger than this: the last one does not fit.
    let coasti = home.command(&["product", "update", "shop"]);
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 256; exec \"$@\"", "sh"]);
    limited.arg(coasti.get_program()).args(coasti.get_args());
    for (name, value) in coasti.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    let output = limited.output().unwrap();
    let told = said(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("zz.bin"), "{told}");
    assert_eq!(home.read("stack/products/shop/run.sh"), "#!/bin/sh\n");
    assert_eq!(
        home.read("stack/products/shop/.copier-answers.yml"),
        answers
    );
    let names = fs::read_dir(home.at("stack/products/shop")).unwrap();
    let mut names: Vec<_> = names.map(|one| one.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(
        names,
        [
            ".copier-answers.yml",
            "config",
            "data",
            "gone.txt",
            "run.sh"
        ]
    );
    home.good(&["product", "update", "shop"]);
    assert_eq!(home.read("stack/products/shop/run.sh"), "newer\n");
}

#[test]
fn an_update_that_is_killed_leaves_the_old_or_is_finished() {
    let home = Home::new("killed");
    home.write("shop/copier.yml", "");
    let all = |text: &str| {
        for n in 0..60 {
            home.write(&format!("shop/f{n}"), text);
        }
    };
    all("old");
    home.tag("shop", "v1.0.0");
    home.write(
        "stack/config/deploy.yml",
        "version: 1\nstack: acme\nid: 0123456789abcdef0123456789abcdef\n",
    );
    let address = home.at("shop").to_string_lossy().into_owned();
    home.good(&["product", "add", &address]);
    home.good(&["product", "install", "shop"]);
    all("new");
    home.tag("shop", "v2.0.0");
    let texts = || (0..60).map(|n| home.read(&format!("stack/products/shop/f{n}")));
    let beside = home.at("stack/products/.shop.coasti-update");
    // Killed as soon as it is seen to do one thing or the other.
    for (what, seen) in [
        (
            "written",
            Box::new(|| beside.join("new/f30").exists()) as Box<dyn Fn() -> bool>,
        ),
        ("moved", Box::new(|| texts().any(|text| text == "new"))),
    ] {
        let mut child = home.command(&["product", "update", "shop"]);
        let mut child = child.stderr(Stdio::null()).spawn().unwrap();
        while !seen() && child.try_wait().unwrap().is_none() {}
        child.kill().unwrap();
        child.wait().unwrap();
        let journal = beside.join("journal.json").exists();
        if !journal {
            let one = texts().next().unwrap();
            assert!(texts().all(|text| text == one), "{what}");
            continue;
        }
        let told = home.bad(1, &["plan"]);
        assert!(
            told.contains("was cut off") && told.contains("product update shop"),
            "{told}"
        );
    }
    home.good(&["product", "update", "shop"]);
    assert!(texts().all(|text| text == "new"));
    assert!(!beside.exists());
    assert!(
        home.read("stack/products/shop/.copier-answers.yml")
            .contains("_commit: v2.0.0")
    );
}

#[test]
fn answers_stay_where_they_are() {
    let home = Home::new("places");
    shop(&home);
    let address = home.at("shop").to_string_lossy().into_owned();
    let places = [
        ("one", "coasti_install_answers.yml"),
        ("two", "config/install_answers.yml"),
        ("three", ".copier-answers.yml"),
        ("four", "own/answers.yml"),
    ];
    for (id, place) in places {
        let add = ["product", "add", &address, "--id", id];
        home.good(&add);
        let data = format!(r#"{{"host": "{id}.example.org"}}"#);
        home.good(&["product", "install", id, "--data", &data]);
        // As another version of Copier's template, or its user, had it.
        let answers = home.read(&format!("stack/products/{id}/.copier-answers.yml"));
        fs::remove_file(home.at(&format!("stack/products/{id}/.copier-answers.yml"))).unwrap();
        home.write(&format!("stack/products/{id}/{place}"), &answers);
    }
    home.write("shop/template/run.sh", "newer\n");
    home.tag("shop", "v1.1.0");
    for (id, place) in places {
        let mut update = vec!["product", "update", id];
        if id == "four" {
            // One is found; of two, somebody says which.
            home.write("stack/products/four/other.yml", "_src_path: x\n");
            let told = home.bad(1, &update);
            assert!(told.contains("--answers-file"), "{told}");
            update.extend(["--answers-file", place]);
        }
        home.good(&update);
        let at = |path: &str| format!("stack/products/{id}/{path}");
        let answers = home.read(&at(place));
        assert!(
            answers.contains("_commit: v1.1.0\n")
                && answers.contains(&format!("host: {id}.example.org\n")),
            "{id}: {answers}"
        );
        assert_eq!(home.read(&at("run.sh")), "newer\n", "{id}");
        let usual = home.at(&at(".copier-answers.yml"));
        assert_eq!(usual.exists(), id == "three", "{id}");
    }
}

#[test]
fn what_cannot_be_compared_or_placed_says_what_to_do() {
    let home = Home::new("kinds");
    home.git("stack", &["init", "-q"]);
    home.write("here/a", "1\n");
    home.good(&["product", "add", &home.at("here").to_string_lossy()]);
    home.good(&["product", "install", "here"]);
    let said = home.bad(1, &["product", "update", "here"]);
    assert!(
        said.contains("a folder, which has no older versions") && said.contains("--recopy"),
        "{said}"
    );
    // A folder becomes a file, and a file a folder.
    home.write("shop/t/x", "1\n");
    home.write("shop/u", "1\n");
    home.tag("shop", "v1");
    home.good(&["product", "add", &home.at("shop").to_string_lossy()]);
    home.good(&["product", "install", "shop"]);
    home.git("stack", &["add", "-A"]);
    home.git("stack", &["commit", "-q", "-m", "x"]);
    for (gone, new, what) in [
        ("shop/t", "shop/t", "products/shop/t is a folder"),
        ("shop/u", "shop/u/x", "u is no folder"),
    ] {
        home.git(
            "shop",
            &["rm", "-r", "-q", gone.strip_prefix("shop/").unwrap()],
        );
        home.write(new, "2\n");
        home.tag("shop", &format!("v2-{}", &gone[5..]));
        let said = home.bad(
            1,
            &[
                "product",
                "update",
                "shop",
                "--vcs-ref",
                &format!("v2-{}", &gone[5..]),
            ],
        );
        assert!(
            said.contains(what) && said.contains("move it away"),
            "{said}"
        );
        home.git("shop", &["reset", "-q", "--hard", "v1"]);
    }
    assert_eq!(home.read("stack/products/shop/t/x"), "1\n");
}

#[test]
fn a_secret_in_an_argument_is_told_and_its_value_is_not() {
    let home = Home::new("seen");
    home.write(
        "shop/copier.yml",
        "sec:\n  type: str\n  secret: true\n  default: ''\n\
         \x20 validator: \"{% if sec == 'hunter2' %}`{{ sec }}` is known{% elif sec|length < 4 %}too short{% endif %}\"\n",
    );
    home.write("shop/a.jinja", "{{ sec }}\n");
    home.tag("shop", "v1");
    home.good(&["product", "add", &home.at("shop").to_string_lossy()]);
    fn install(data: &str) -> Vec<&str> {
        vec!["product", "install", "shop", "--data", data]
    }
    let said = home.bad(3, &install(r#"{"sec": "hunter2"}"#));
    assert!(
        said.contains("`sec`: the template refuses it") && !said.contains("hunter2"),
        "{said}"
    );
    let said = home.bad(3, &install(r#"{"sec": "x"}"#));
    assert!(said.contains("`sec`: too short"), "{said}");
    let (code, said) = given(&home, &install("-"), r#"{"sec": "quiet-5512"}"#);
    assert!(code == Some(0) && !said.contains("argument"), "{said}");
    let mut again = install(r#"{"sec": "loud-5512"}"#);
    again.push("--recopy");
    let said = home.good(&again);
    assert!(
        said.contains("warning: `sec` stood in an argument")
            && said.contains("--data -")
            && !said.contains("loud-5512"),
        "{said}"
    );
}

#[test]
fn answers_are_kept_where_the_template_says() {
    let home = Home::new("answers-file");
    home.write(
        "shop/copier.yml",
        "_answers_file: conf/own-answers.yml\nhost: {default: localhost}\n",
    );
    home.write(
        "shop/a.jinja",
        "{{ host }} {{ _copier_conf.answers_file }}\n",
    );
    home.tag("shop", "v1.0.0");
    home.good(&["product", "add", &home.at("shop").to_string_lossy()]);
    home.good(&[
        "product",
        "install",
        "shop",
        "--data",
        r#"{"host": "x.org"}"#,
    ]);
    assert_eq!(
        home.read("stack/products/shop/a"),
        "x.org conf/own-answers.yml\n"
    );
    let answers = home.read("stack/products/shop/conf/own-answers.yml");
    assert!(answers.contains("_commit: v1.0.0\n"), "{answers}");
    assert!(!home.at("stack/products/shop/.copier-answers.yml").exists());
    let said = home.good(&["product", "list"]);
    assert!(said.contains("installed      v1.0.0"), "{said}");
    home.write("shop/a.jinja", "2 {{ host }}\n");
    home.tag("shop", "v2.0.0");
    home.good(&["product", "update", "shop"]);
    assert_eq!(home.read("stack/products/shop/a"), "2 x.org\n");
    // Another file that would be read in its place has to tell the truth.
    for forged in [".copier-answers.yml", "x.yml"] {
        home.write(
            &format!("shop/{forged}"),
            "_commit: v9\n_src_path: https://example.org/other.git\n",
        );
        home.tag("shop", &format!("v{}.0.0", 30 - forged.len()));
        let said = home.bad(1, &["product", "update", "shop"]);
        assert!(
            said.contains(&format!("another `_commit` into {forged}")),
            "{said}"
        );
        fs::remove_file(home.at("shop").join(forged)).unwrap();
    }
    for name in [
        "../x.yml",
        "/x.yml",
        "a/b/c/d/x.yml",
        "x.txt",
        "{{ host }}.yml",
    ] {
        home.write("bad/copier.yml", &format!("_answers_file: '{name}'\n"));
        home.tag("bad", &format!("v1.0.{}", name.len()));
        let _ = home.coasti(&["product", "add", &home.at("bad").to_string_lossy()]);
        let said = home.bad(1, &["product", "install", "bad"]);
        assert!(
            said.contains("the answers file cannot be"),
            "{name}: {said}"
        );
    }
}
