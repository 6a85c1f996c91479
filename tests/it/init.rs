//! `coasti init`, with the program as users run it.

use crate::support::home::{Home, said as all_said};
use serde_json::Value as Json;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A folder whose git knows who commits, and nothing else of the machine's.
fn home(name: &str) -> Home {
    let home = Home::new(name);
    fs::remove_dir_all(home.at("stack")).unwrap();
    home.write(".gitconfig", "[user]\nname = t\nemail = t@example.org\n");
    home
}

/// `coasti ARGS…` in the test's folder.
fn init(home: &Home, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coasti"));
    command
        .args(args)
        .current_dir(home.at(""))
        .env("HOME", home.at(""))
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CEILING_DIRECTORIES", home.at("").parent().unwrap())
        .env("COLUMNS", "500")
        .env_remove("COASTI_BASE_DIR")
        .stdin(std::process::Stdio::null());
    command
}

fn told(home: &Home, code: i32, args: &[&str]) -> String {
    let output = init(home, args).output().unwrap();
    let said = all_said(&output);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
    said
}

#[test]
fn a_stack_is_made_committed_and_valid_at_once() {
    let home = home("init");
    let said = told(&home, 0, &["init", "My_Stack"]);
    assert!(
        said.contains("stack `my-stack` made in") && said.contains("and committed"),
        "{said}"
    );
    let deploy = home.read("My_Stack/config/deploy.yml");
    let id = deploy
        .lines()
        .find_map(|line| line.strip_prefix("id: "))
        .unwrap();
    assert!(
        id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()),
        "{id}"
    );
    assert!(deploy.contains("\nstack: my-stack\n"));
    assert_eq!(home.mode("My_Stack/config/secrets"), 0o700);
    for folder in ["data", "logs", "products", "tools"] {
        assert!(home.at("My_Stack").join(folder).is_dir(), "{folder}");
    }
    assert_eq!(home.git("My_Stack", &["status", "--porcelain"]), "");
    assert_eq!(home.git("My_Stack", &["branch", "--show-current"]), "main");
    // Secrets and data are not for git.
    for path in [
        "config/secrets/token",
        "config/credentials.csv",
        "products/a/config/.env",
        "data/a/x",
    ] {
        home.write(&format!("My_Stack/{path}"), "username,password,email\n");
    }
    home.write("My_Stack/config/secrets/token.age", "encrypted");
    let untracked = home.git("My_Stack", &["status", "--porcelain", "-uall"]);
    assert_eq!(untracked, "?? config/secrets/token.age");
    // What the first lines name is there, and says that the files are right.
    for name in ["deploy", "products", "tools"] {
        let text = home.read(&format!("My_Stack/config/{name}.yml"));
        let schema = text
            .lines()
            .next()
            .unwrap()
            .split("$schema=")
            .nth(1)
            .unwrap();
        let schema = fs::read_to_string(home.at("My_Stack/config").join(schema)).unwrap();
        let schema: Json = serde_json::from_str(&schema).unwrap();
        assert_eq!(schema["title"], format!("coasti: {name}"));
    }
    // A product's files have theirs as well.
    for name in ["info", "nua-config"] {
        let schema = home.read(&format!("My_Stack/schemas/{name}.schema.json"));
        let schema: Json = serde_json::from_str(&schema).unwrap();
        assert_eq!(schema["title"], format!("coasti: {name}"));
    }
    let said = told(&home, 0, &["-C", "My_Stack", "validate"]);
    assert!(
        said.contains("the files are valid") && said.contains("no site yet"),
        "{said}"
    );
    // The installer's skeleton had versions of its own.
    let said = told(&home, 1, &["init", "other", "--vcs-ref", "v0.3.0"]);
    assert!(
        said.contains("built into coasti") && !home.at("other").exists(),
        "{said}"
    );
    // Two folders are never one stack.
    told(&home, 0, &["init", "other"]);
    assert!(!home.read("other/config/deploy.yml").contains(id));
}

#[test]
fn what_is_missing_of_a_stack_is_made_and_the_rest_stays() {
    let home = home("init-again");
    told(&home, 0, &["init", "s"]);
    let deploy = home
        .read("s/config/deploy.yml")
        .replace("site: []", "site: [] # mine");
    home.write("s/config/deploy.yml", &deploy);
    home.write("s/.gitignore", "data/");
    home.write("s/schemas/deploy.schema.json", "{}");
    fs::remove_file(home.at("s/config/tools.yml")).unwrap();
    fs::remove_dir_all(home.at("s/tools")).unwrap();
    let said = told(&home, 0, &["-C", "s", "init"]);
    assert!(
        said.contains("write config/tools.yml") && said.contains("4 files written"),
        "{said}"
    );
    assert_eq!(home.read("s/config/deploy.yml"), deploy);
    assert_eq!(
        home.read("s/.gitignore"),
        "data/\n\n# Secrets, added by coasti. What is encrypted is committed.\n**/secrets/*\n!**/secrets/*.age\n!**/secrets/recipients.txt\n.env\nconfig/credentials.csv\n"
    );
    assert!(home.read("s/schemas/deploy.schema.json").len() > 1000);
    assert!(told(&home, 0, &["init", "s"]).contains("is complete"));
    assert_eq!(home.git("s", &["rev-list", "--count", "HEAD"]), "1");
    // Anew only where somebody agrees; name and id stay.
    assert!(
        told(&home, 1, &["init", "s", "--recopy"])
            .contains("these files differ: .gitignore, config/deploy.yml")
    );
    assert_eq!(home.read("s/config/deploy.yml"), deploy);
    told(&home, 0, &["init", "s", "--recopy", "--yes"]);
    assert_eq!(
        home.read("s/config/deploy.yml"),
        deploy.replace(" # mine", "")
    );
    assert!(
        told(&home, 1, &["init", "s", "--data", r#"{"stack": "b"}"#]).contains("coasti configure")
    );
    // Another kind of deploy file is one as well.
    fs::remove_file(home.at("s/config/deploy.yml")).unwrap();
    home.write("s/config/deploy.toml", "version = 1\nstack = 'x'\n");
    assert!(told(&home, 0, &["init", "s"]).contains("stack `x` in"));
    assert!(!home.at("s/config/deploy.yml").exists());
}

#[test]
fn who_can_open_secrets_is_committed_and_secrets_are_not() {
    let home = home("init-recipients");
    told(&home, 0, &["init", "s"]);
    let key = "age1x\n";
    home.write("s/config/secrets/recipients.txt", key);
    home.write("s/config/secrets/token.age", "x");
    home.write("s/config/secrets/token", "x");
    let taken = |home: &Home| {
        home.git("s", &["add", "-A"]);
        home.git("s", &["ls-files", "config/secrets"])
    };
    let all = "config/secrets/recipients.txt\nconfig/secrets/token.age";
    assert_eq!(taken(&home), all);
    // Folders that were made before are mended, by both commands.
    let before = home
        .read("s/.gitignore")
        .replace("!**/secrets/recipients.txt\n", "");
    for args in [["init", "s"], ["secret", "keygen"]] {
        home.git("s", &["rm", "-q", "-r", "--cached", "config/secrets"]);
        fs::remove_file(home.at("s/config/secrets/recipients.txt")).unwrap();
        home.write("s/.gitignore", &before);
        match args {
            ["init", _] => {
                home.write("s/config/secrets/recipients.txt", key);
                assert!(told(&home, 0, &args).contains("change .gitignore"));
            }
            _ => {
                let said = told(&home, 0, &["-C", "s", "secret", "keygen"]);
                assert!(
                    said.contains("lets config/secrets/recipients.txt into git"),
                    "{said}"
                );
            }
        }
        assert_eq!(taken(&home), all, "{args:?}");
    }
}

#[test]
fn the_installers_folder_gets_what_it_lacks() {
    let home = home("init-installer");
    let products = "coasti_version: 0.2.3\nproducts:\n";
    home.write("s/config/products.yml", products);
    home.write(
        "s/config/install_answers.yml",
        "_commit: 0.2.3\nvcs_repo_type: skip\n",
    );
    home.write("s/.gitignore", "**/secrets/*\n.env\n");
    let said = told(&home, 0, &["init", "s"]);
    assert!(
        said.contains("write config/deploy.yml") && said.contains("change .gitignore"),
        "{said}"
    );
    assert_eq!(home.read("s/config/products.yml"), products);
    assert!(!home.at("s/.git").exists());
    told(&home, 0, &["-C", "s", "validate"]);
}

#[test]
fn nothing_is_made_where_it_should_not_be() {
    let home = home("init-not");
    home.write("full/a", "");
    assert!(told(&home, 1, &["init", "full"]).contains("is not empty: a"));
    assert_eq!(fs::read_dir(home.at("full")).unwrap().count(), 1);
    told(&home, 0, &["init", "full", "--yes"]);
    // Only what coasti made is committed.
    assert_eq!(home.git("full", &["status", "--porcelain"]), "?? a");
    let said = told(&home, 1, &["init", "new", "--data", r#"{"stak": "x"}"#]);
    assert!(
        said.contains("no setting `stak`") && said.contains("did you mean `stack`?"),
        "{said}"
    );
    assert!(!home.at("new").exists());
    home.write("file", "");
    assert!(told(&home, 1, &["init", "file"]).contains("Not a directory"));
    assert!(told(&home, 1, &["init", "/proc/none"]).contains("cannot be made"));
    for (data, why) in [
        (r#"{"stack": "A b"}"#, "`stack`: 1 to 40 of a-z"),
        (
            r#"{"vcs_repo_type": "x"}"#,
            "it is none of local, remote, skip",
        ),
        (r#"{"vcs_repo_type": "remote"}"#, "`vcs_online_repo`"),
        ("[]", "no JSON object"),
    ] {
        let said = told(&home, 1, &["init", "new", "--data", data]);
        assert!(said.contains(why) && !said.contains("copier.yml"), "{said}");
    }
    let said = told(
        &home,
        1,
        &[
            "init",
            "new",
            "--remote",
            "https://me:sesame@example.org/a.git",
        ],
    );
    assert!(
        said.contains("has a password in it") && !said.contains("sesame"),
        "{said}"
    );
    assert!(told(&home, 0, &["init", "new", "--pretend"]).contains("would be made"));
    assert!(!home.at("new").exists());
    // A link that leads elsewhere is not followed.
    fs::create_dir(home.at("new")).unwrap();
    std::os::unix::fs::symlink(home.at("full"), home.at("new/config")).unwrap();
    assert!(told(&home, 1, &["init", "new", "--yes"]).contains("a link is not followed"));
    // In a stack only where a folder is named.
    fs::create_dir(home.at("full/sub")).unwrap();
    let output = init(&home, &["init"])
        .current_dir(home.at("full/sub"))
        .output()
        .unwrap();
    assert!(
        all_said(&output).contains("this is in a stack's folder"),
        "{}",
        all_said(&output)
    );
}

#[test]
fn git_is_used_as_it_is_found() {
    let home = home("init-git");
    // In a repository: files are added, the commit is its owner's.
    home.write("repo/README.md", "");
    home.tag("repo", "v1");
    told(&home, 0, &["init", "repo"]);
    assert_eq!(home.git("repo", &["rev-list", "--count", "HEAD"]), "1");
    assert!(
        home.git("repo", &["status", "--porcelain"])
            .contains("?? config/")
    );
    assert!(
        told(&home, 1, &["init", "repo/below", "--vcs", "local"])
            .contains("in a git repository already")
    );
    told(&home, 0, &["init", "skipped", "--vcs", "skip"]);
    assert!(!home.at("skipped/.git").exists());
    told(
        &home,
        0,
        &[
            "init",
            "remote",
            "-q",
            "--remote",
            "git@example.org:a/b.git",
        ],
    );
    assert_eq!(
        home.git("remote", &["remote", "get-url", "origin"]),
        "git@example.org:a/b.git"
    );
    // Nobody's name, and no git at all: the folder is made, and what is left is said.
    home.write(".gitconfig", "[user]\nuseConfigOnly = true\n");
    let said = told(&home, 0, &["init", "nameless"]);
    assert!(
        said.contains("git does not know your name") && said.contains("git commit -m"),
        "{said}"
    );
    assert!(
        home.git("nameless", &["status", "--porcelain"])
            .starts_with("A  .gitignore")
    );
    let none = |args: &[&str]| {
        let output = init(&home, args)
            .env("PATH", home.at("no-programs"))
            .output()
            .unwrap();
        (output.status.code(), all_said(&output))
    };
    let (code, said) = none(&["init", "no-git"]);
    assert!(
        code == Some(0) && said.contains("there is no git on this machine"),
        "{said}"
    );
    assert!(home.at("no-git/config/deploy.yml").exists());
    let (code, said) = none(&["init", "no-git-2", "--vcs", "local"]);
    assert!(code == Some(1) && said.contains("install git"), "{said}");
    assert!(!Path::new(&home.at("no-git-2")).exists());
}

#[test]
fn settings_are_asked_for_anew_and_written_where_they_stand() {
    let home = home("configure");
    told(&home, 0, &["init", "s"]);
    let before = home.read("s/config/deploy.yml");
    let same = told(&home, 0, &["-C", "s", "configure"]);
    assert!(same.contains("nothing to change"), "{same}");
    let data = r#"{"ports_from": 9000, "ports_to": "9100"}"#;
    told(
        &home,
        0,
        &["-C", "s", "configure", "--data", data, "--pretend"],
    );
    assert_eq!(home.read("s/config/deploy.yml"), before);
    told(&home, 0, &["-C", "s", "configure", "--data", data]);
    let after = home.read("s/config/deploy.yml");
    assert_eq!(after.replace("ports: {from: 9000, to: 9100}\n", ""), before);
    for (data, why) in [
        (r#"{"ports_to": 80}"#, "this cannot be lower"),
        (r#"{"ports_from": 70000}"#, "a port is 1 to 65535"),
        (r#"{"stack": ""}"#, "1 to 40 of"),
        (r#"{"port": 80}"#, "there are ports_from, ports_to, stack"),
    ] {
        let said = told(&home, 1, &["-C", "s", "configure", "--data", data]);
        assert!(said.contains(why), "{said}");
    }
    let said = told(
        &home,
        0,
        &["-C", "s", "configure", "--data", r#"{"stack": "b"}"#],
    );
    assert!(
        said.contains("+stack: b") && said.contains("another name"),
        "{said}"
    );
    assert_eq!(
        home.read("s/config/deploy.yml"),
        after.replace("stack: s\n", "stack: b\n")
    );
}
