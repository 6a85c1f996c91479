//! Several commands at once in one folder: one writes, the others say so.

use crate::support::home::{Home, said};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Stdio};

fn start(home: &Home, args: &[&str]) -> Child {
    let mut command = home.command(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Which of them succeeded; the others were kept out.
fn ended(all: Vec<Child>) -> Vec<bool> {
    let all = all.into_iter().map(|one| one.wait_with_output().unwrap());
    all.map(|output| match output.status.code() {
        Some(0) => true,
        Some(5) => {
            let said = said(&output);
            assert!(said.contains("another command writes"), "{said}");
            false
        }
        code => panic!("{code:?}: {}", said(&output)),
    })
    .collect()
}

#[test]
fn what_is_added_and_set_at_once_is_there_or_was_refused() {
    let home = Home::new("at-once-add");
    home.write("stack/here/a", "a\n");
    let names: Vec<String> = (0..12).map(|number| format!("t{number}")).collect();
    let add = |id: &String| start(&home, &["product", "add", "here", "--id", id]);
    let done = ended(names.iter().map(add).collect());
    let list = home.read("stack/config/products.yml");
    let listed = |id: &String| list.lines().any(|line| line == format!("- id: {id}"));
    for (id, done) in names.iter().zip(&done) {
        assert_eq!(listed(id), *done, "{id}: {list}");
    }
    assert!(done.contains(&true));
    let set = |name: &String| {
        let mut command = home.command(&["secret", "set", name]);
        command.stdin(Stdio::piped());
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may have ended.
        let _ = child.stdin.take().unwrap().write_all(b"a value\n");
        child
    };
    let done = ended(names.iter().map(set).collect());
    for (name, done) in names.iter().zip(&done) {
        let path = home.at(&format!("stack/config/secrets/{name}"));
        assert_eq!(path.exists(), *done, "{name}");
    }
    assert!(!fs::read_dir(home.at("stack/config")).unwrap().any(|one| {
        one.unwrap()
            .file_name()
            .to_string_lossy()
            .contains("coasti-new")
    }));
}

#[test]
fn updates_at_once_leave_one_version() {
    let home = Home::new("at-once-update");
    home.write("big/copier.yml", "who: {default: you}\n");
    home.write(
        "big/{{_copier_conf.answers_file}}.jinja",
        "{{ _copier_answers|to_nice_yaml }}",
    );
    let fill = |version: &str| {
        for number in 0..150 {
            home.write(&format!("big/f{number}"), &format!("{version}\n"));
        }
        home.tag("big", version);
    };
    fill("v1.0.0");
    let address = home.at("big").to_string_lossy().into_owned();
    home.good(&["product", "add", &address]);
    home.good(&["product", "install", "big"]);
    fill("v2.0.0");
    let update = |_| start(&home, &["product", "update", "big"]);
    let done = ended((0..3).map(update).collect());
    assert!(done.contains(&true));
    for number in 0..150 {
        let path = format!("stack/products/big/f{number}");
        assert_eq!(home.read(&path), "v2.0.0\n", "{path}");
    }
    let products = fs::read_dir(home.at("stack/products")).unwrap();
    assert_eq!(products.count(), 1);
}

#[test]
fn who_writes_is_told_and_who_reads_does_not_wait() {
    let home = Home::new("at-once-who");
    home.write("stack/config/deploy.yml", "version: 1\nstack: shop\n");
    let (opened, go_on) = (home.at("opened"), home.at("go-on"));
    home.write(
        "editor",
        &format!(
            "#!/bin/sh\nprintf edited >\"$1\"\necho >{}\ncat {} >/dev/null\n",
            opened.display(),
            go_on.display()
        ),
    );
    fs::set_permissions(home.at("editor"), fs::Permissions::from_mode(0o755)).unwrap();
    for pipe in [&opened, &go_on] {
        let made = std::process::Command::new("mkfifo").arg(pipe).status();
        assert!(made.unwrap().success());
    }
    let mut command = home.command(&["secret", "edit", "token"]);
    command.env("EDITOR", home.at("editor"));
    let mut editing = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    fs::read(&opened).unwrap();
    let said = home.bad(5, &["product", "add", "here"]);
    let who = format!("process {}: coasti", editing.id());
    assert!(
        said.contains(&who) && said.contains("secret edit token"),
        "{said}"
    );
    for args in [
        ["validate"].as_slice(),
        &["product", "list"],
        &["fmt", "--check"],
    ] {
        home.good(args);
    }
    fs::write(&go_on, "").unwrap();
    assert!(editing.wait().unwrap().success());
    assert_eq!(home.read("stack/config/secrets/token"), "edited");
    home.good(&["secret", "generate", "other"]);
}
