//! What cannot be fetched, and what is a trap.

use super::shop;
use crate::support::home::{Home, said};
use crate::support::ran::Running;
use crate::support::until;
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

#[test]
fn what_cannot_be_fetched_says_why_and_leaves_no_trace() {
    let home = Home::new("fetch");
    shop(&home);
    let before = home.read("stack/config/products.yml");
    let cases = [
        (
            "/nowhere/at/all.git",
            "not found: there is no such file or folder",
        ),
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
    let shop = home.at("shop").to_string_lossy().into_owned();
    let commit = home.git("shop", &["rev-parse", "HEAD"]);
    for (reference, is_there) in [
        ("v9", false),
        ("v1.*", false),
        ("0123456", false),
        (commit.as_str(), true),
        ("v1.0.0", true),
        ("main", true),
    ] {
        let args = ["product", "add", &shop, "--vcs-ref", reference];
        if is_there {
            home.good(&args);
            home.good(&["product", "remove", "shop", "--confirm", "shop"]);
            continue;
        }
        let said = home.bad(1, &args);
        let why =
            format!("no such version: the repository has no branch, tag or commit `{reference}`");
        assert!(said.contains(&why), "{said}");
        assert!(!home.read("stack/config/products.yml").contains("id: shop"));
    }
    home.good(&["product", "add", &shop]);
    assert!(
        home.bad(1, &["product", "install", "shop", "--vcs-ref", "v9"])
            .contains("no branch, tag or commit `v9`")
    );
    home.good(&["product", "install", "shop", "--vcs-ref", "main"]);
    let list = home.read("stack/config/products.yml");
    assert!(list.contains("vcs_ref: main\n"), "{list}");
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

#[test]
fn a_template_that_wants_more_memory_than_is_good_is_named() {
    let home = Home::new("memory");
    home.write("bomb/copier.yml", "q: {default: 1}\n");
    for (text, why) in [
        ("{{ 'a'|indent(3000000000) }}", "a.jinja:3:1"),
        ("{{ 'a' * 10**10 }}", "a.jinja:3:1"),
        (
            "{% for n in range(100000) %}{{ 'x' * 10**5 }}{% endfor %}",
            "more than 16 MB",
        ),
        (
            "{{ (['x' * 10**6] * 10**5)|join|length }}",
            "512 MB of memory",
        ),
        (
            "{% set ns = namespace(x='x' * 1000) %}{% for n in range(40) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
            "512 MB of memory",
        ),
    ] {
        home.write("bomb/a.jinja", &format!("a\nb\n{text}\n"));
        home.write("bomb/b.jinja", "{{ q }}\n");
        home.write(
            "stack/config/products.yml",
            "version: 1\nproducts: [{id: bomb, vcs_repo: ../bomb}]\n",
        );
        let told = home.bad(3, &["product", "install", "bomb"]);
        assert!(
            told.contains(why) && told.contains("a.jinja"),
            "{text}: {told}"
        );
        assert!(!told.contains("b.jinja"), "{text}: {told}");
        assert!(!home.at("stack/products").exists());
    }
    home.write("bomb/a.jinja", "");
    home.write(
        "bomb/copier.yml",
        "q: {default: \"{{ (['x' * 10**6] * 10**5)|join|length }}\"}\n",
    );
    let told = home.bad(3, &["product", "install", "bomb"]);
    assert!(
        told.contains("`default` of `q`") && told.contains("512 MB of memory"),
        "{told}"
    );
}

#[test]
fn values_in_values_are_no_abort() {
    let home = Home::new("deep");
    let text = "{% set ns = namespace(x=[]) %}{% for n in range(100000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x|to_json|length }}";
    home.write("deep/a.jinja", text);
    home.write(
        "stack/config/products.yml",
        "version: 1\nproducts: [{id: deep, vcs_repo: ../deep}]\n",
    );
    home.good(&["product", "install", "deep"]);
    assert_eq!(home.read("stack/products/deep/a"), "200002");
}

#[test]
fn a_machine_that_promises_little_memory_does_with_less() {
    let home = Home::new("promised");
    home.write("small/a.jinja", "{{ 1 + 1 }}");
    home.write(
        "stack/config/products.yml",
        "version: 1\nproducts: [{id: small, vcs_repo: ../small}]\n",
    );
    let install = home.command(&["product", "install", "small"]);
    let limited = |kilobytes: u32| {
        let mut command = Command::new("/bin/sh");
        let script = format!("ulimit -v {kilobytes} && exec \"$@\"");
        command.args(["-c", &script, "sh"]);
        command.arg(install.get_program()).args(install.get_args());
        let set = install.get_envs();
        command.envs(set.filter_map(|(name, value)| Some((name, value?))));
        command.output().unwrap()
    };
    let output = limited(900_000);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(home.read("stack/products/small/a"), "2");
}

#[test]
fn an_empty_address_is_none() {
    let home = Home::new("empty-address");
    let told = home.bad(1, &["product", "add", ""]);
    assert!(told.contains("the address is empty"), "{told}");
}

#[test]
fn a_template_that_takes_its_time_is_interrupted() {
    let home = Home::new("slow");
    home.write(
        "slow/a.jinja",
        "{% set x = 'a' * 10**6 %}{% for n in range(10**5) %}{{ (x ~ n)|hash|length }}{% endfor %}\n",
    );
    home.write(
        "stack/config/products.yml",
        "version: 1\nproducts: [{id: slow, vcs_repo: ../slow}]\n",
    );
    let running = Running::start(home.command(&["product", "install", "slow"]));
    let threads = format!("/proc/{}/task", running.pid());
    let is_template = |thread: fs::DirEntry| {
        let name = fs::read_to_string(thread.path().join("comm"));
        name.is_ok_and(|name| name.trim() == "template")
    };
    until("it renders", Duration::from_secs(60), || {
        let mut threads = fs::read_dir(&threads).ok()?.flatten();
        threads.any(is_template).then_some(())
    });
    running.interrupt();
    let ran = running.end();
    assert_eq!(ran.code, 130, "{}", ran.err);
    assert!(ran.err.contains("nothing was changed"), "{}", ran.err);
    assert!(!home.at("stack/products").exists());
}
