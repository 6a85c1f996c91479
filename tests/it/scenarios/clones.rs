//! Another folder for the same stack, or for another one of its name.

use super::{POSTGRES, only_containers, site};
use crate::support::{docker::exec, stack::Stack};
use std::{fs, process::Stdio};

#[test]
fn what_runs_is_in_reach_whatever_is_wrong_with_the_files() {
    let Some(stack) = Stack::new("what_runs_is_in_reach_whatever_is_wrong_with_the_files") else {
        return;
    };
    let token = |more: &str| {
        let env = format!("    env: {{TOKEN: {{secret: token}}, KEY: {{random: true}}{more}}}\n");
        stack.sites(&site("app", &env));
    };
    stack.write("config/secrets/token", "one");
    token("");
    stack.apply();
    stack.write("config/secrets/token", "two");
    token(", MORE: x");
    stack.apply();
    let app = stack.object("app");
    assert_eq!(exec(&app, "echo $TOKEN"), "two");

    // A fresh clone has no secrets, and somebody's commit broke the deploy file.
    let folder = stack.folder().to_owned();
    fs::remove_dir_all(folder.join("config/secrets")).unwrap();
    let good = stack.read("config/deploy.yml");
    for broken in [
        // E0129 is all.
        good.clone(),
        good.clone() + "  - label: app\n    what: ever\n",
        good + "  - [\n",
    ] {
        stack.write("config/deploy.yml", &broken);
        let run = |arguments: &[&str]| stack.coasti(arguments).expect(0);
        stack.coasti(&["validate"]).expect(3);
        stack.coasti(&["plan"]).expect(3);
        run(&["status"])
            .prints(&["healthy", "sync unknown", "coasti validate"])
            .says(&["error[E0"]);
        let status = run(&["status", "--format", "json"]).json();
        assert_eq!(status["files"], false);
        assert!(status["diagnostics"][0]["code"].is_string(), "{status}");
        run(&["history"]).prints(&["apply r2"]);
        run(&["show", "r1"]).prints(&["Revision r1"]);
        run(&["exec", "app", "true"]);
        run(&["logs", "app"]);
        for act in ["stop", "start", "restart", "pause", "unpause"] {
            run(&[act, "app"]);
        }
        run(&["lock", "status"]);
        run(&["lock", "release", "--yes"]);
        run(&["secret", "get", "app/KEY"]);
        run(&["secret", "export"]).prints(&["app/KEY"]);
        run(&["recover"]);
        run(&["rollback", "r1", "--yes"]);
        assert_eq!(exec(&app, "echo $TOKEN"), "one");
        run(&["rollback", "r2", "--yes"]);
        assert_eq!(exec(&app, "echo $TOKEN"), "two");
    }
    stack.coasti(&["destroy", "--yes"]).expect(0);
    only_containers(&stack, &[]);
}

#[test]
fn another_stack_of_the_same_name_is_neither_read_nor_changed() {
    let Some(stack) = Stack::new("another_stack_of_the_same_name_is_neither_read_nor_changed")
    else {
        return;
    };
    stack.sites(&site("app", "    env: {KEY: {random: true}}\n"));
    stack.apply();
    let before = stack.secrets();
    let mine = stack.id().unwrap();
    let deploy = stack.read("config/deploy.yml");
    let other = "0123456789abcdef0123456789abcdef";
    stack.write("config/deploy.yml", &deploy.replace(&mine, other));
    stack.write("values.json", r#"{"app/KEY": "EVIL"}"#);
    for command in [
        "plan",
        "status",
        "history",
        "show",
        "logs app",
        "exec app true",
        "stop app",
        "rollback --yes",
        "recover --yes",
        "destroy --yes",
        "secret get app/KEY",
        "secret export",
        "secret import",
        "lock status",
        "lock release --yes",
    ] {
        let words: Vec<_> = command.split(' ').collect();
        let mut run = stack.command(&words);
        run.stdin(Stdio::from(
            fs::File::open(stack.folder().join("values.json")).unwrap(),
        ));
        let ran = stack
            .run(run)
            .expect(6)
            .says(&["this engine has stack", &mine, other]);
        assert_eq!(ran.out, "", "{command}");
    }
    stack.write("config/deploy.yml", &deploy);
    assert_eq!(stack.secrets(), before);
    assert_eq!(stack.runs().len(), 1);
}

#[test]
fn values_that_were_taken_in_are_told_from_those_in_force() {
    let Some(stack) = Stack::new("values_that_were_taken_in_are_told_from_those_in_force") else {
        return;
    };
    let more = POSTGRES.replace("    env:\n", "    env:\n      KEY: {random: true}\n");
    stack.sites(&site("app", &more));
    stack.apply();
    let (key, password) = ("app/KEY", "app/database/POSTGRES_PASSWORD");
    let before = stack.secrets();
    let import = |json: &str| {
        stack.write("values.json", json);
        let mut command = stack.command(&["secret", "import"]);
        command.stdin(Stdio::from(
            fs::File::open(stack.folder().join("values.json")).unwrap(),
        ));
        stack.run(command).expect(0)
    };
    let ran = import(&format!(r#"{{"{key}": "taken"}}"#));
    ran.says(&["1 value taken in", "next apply", key]);
    stack
        .coasti(&["secret", "get", key])
        .expect(0)
        .prints(&[&before[key]])
        .says(&["in force"]);
    stack.apply();
    assert_eq!(stack.secret(key), "taken");

    import(&format!(r#"{{"{password}": "bad"}}"#)).says(&[
        "warning: the data in",
        password,
        "--new-data app",
    ]);
    assert_eq!(stack.secret(password), before[password]);
    assert_eq!(stack.secrets()[password], before[password]);
    stack.coasti(&["plan"]).expect(6).prints(&["P0302"]);
    import(&format!(r#"{{"{password}": "{}"}}"#, before[password]));
    stack.plan(0);
}
