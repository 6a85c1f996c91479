//! Somebody cleans up: the store, its holder, the lock, old containers.

use super::{await_status, nothing_leaked, pair, quick, version, well};
use crate::support::lab::Lab;

/// An app with a real database, whose password is for its data alone.
const REAL: &str = r#"- label: wiki
  image: coasti-test/tiny:1
  env: {PASSWORD: {from: database, key: POSTGRES_PASSWORD}}
  docker: {command: ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.2; done"]}
  update: {settle: 0s}
  provider: [{name: database, module-name: postgres, image: "coasti-test/postgres:15"}]
"#;

#[test]
fn a_store_that_was_removed_is_rebuilt_from_what_runs() {
    let Some(lab) = Lab::new("a_store_that_was_removed_is_rebuilt_from_what_runs") else {
        return;
    };
    lab.sites(REAL);
    lab.apply();
    let password = lab.secret("wiki/database/POSTGRES_PASSWORD");
    let before = ["wiki", "wiki/database"].map(|address| lab.container(address));
    lab.docker(&["rm", &lab.store()]);
    lab.docker(&["volume", "rm", &lab.store()]);

    let plan = lab
        .coasti(&["plan", "--detailed-exitcode", "--format", "json"])
        .expect(0);
    assert_eq!(plan.json()["steps"].as_array().map_or(0, Vec::len), 0);
    lab.apply();
    assert_eq!(lab.secret("wiki/database/POSTGRES_PASSWORD"), password);
    let now = ["wiki", "wiki/database"].map(|address| lab.container(address));
    assert_eq!(now, before, "nothing was restarted");
    assert_eq!(lab.runs(), ["apply done"], "the history begins anew");
    lab.settled();

    // With the database's container gone as well, nobody knows the password of its data.
    lab.docker(&["rm", &lab.store()]);
    lab.docker(&["volume", "rm", &lab.store()]);
    lab.docker(&[
        "rm",
        "-f",
        &lab.object("wiki/database"),
        &lab.object("wiki"),
    ]);
    let refused = lab.coasti(&["apply", "--yes"]).expect(6);
    refused.tells(&[
        "P0308",
        "POSTGRES_PASSWORD",
        "coasti secret import",
        "--new-data wiki",
    ]);
    assert_eq!(lab.containers(), [""; 0]);
    let mut command = lab.command(&["secret", "import"]);
    let file = lab.folder().join("values.json");
    let mut values = String::from("{");
    for (name, value) in [
        ("POSTGRES_PASSWORD", password.as_str()),
        ("POSTGRES_USER", "someone"),
        ("POSTGRES_DB", "something"),
    ] {
        values += &format!("\"wiki/database/{name}\": \"{value}\",");
    }
    std::fs::write(&file, format!("{}}}", values.trim_end_matches(','))).unwrap();
    command.stdin(std::fs::File::open(&file).unwrap());
    assert!(command.status().unwrap().success());
    assert_eq!(lab.secret("wiki/database/POSTGRES_PASSWORD"), password);
    lab.coasti(&["plan", "--detailed-exitcode"]).expect(2);
}

/// Its password and a value of its own are files, and nowhere in its variables.
const IN_FILES: &str = r#"- label: wiki
  image: coasti-test/tiny:1
  env:
    CODE: {random: true, file: true}
    KEY: {secret: key.pem, file: true}
    PLAIN: {random: true}
  docker: {command: ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.2; done"]}
  update: {settle: 0s}
  provider:
  - {name: database, module-name: postgres, image: "coasti-test/postgres:15", env: {POSTGRES_PASSWORD_FILE: {random: true, file: true}}}
"#;

#[test]
fn values_that_were_delivered_as_files_alone_are_rebuilt_as_well() {
    let Some(lab) = Lab::new("values_that_were_delivered_as_files_alone_are_rebuilt_as_well")
    else {
        return;
    };
    lab.write("config/secrets/key.pem", "-----\nkey-7713\n");
    lab.sites(IN_FILES);
    lab.apply();
    let export = || lab.coasti(&["secret", "export"]).expect(0);
    let values = export().json();
    for id in [
        "wiki/CODE",
        "wiki/PLAIN",
        "wiki/database/POSTGRES_PASSWORD_FILE",
        "secret:key.pem:file",
    ] {
        assert!(values[id].is_string(), "{id}: {values:#}");
    }
    let before = ["wiki", "wiki/database"].map(|address| lab.container(address));
    lab.docker(&["rm", &lab.store()]);
    lab.docker(&["volume", "rm", &lab.store()]);

    // A copy can still be had, and all of it is known.
    let copy = export().tells(&["the store is gone"]);
    assert_eq!(copy.json(), values);
    let plan = lab
        .coasti(&["plan", "--detailed-exitcode", "--format", "json"])
        .expect(0);
    assert_eq!(plan.json()["steps"].as_array().map_or(0, Vec::len), 0);
    lab.apply();
    let now = ["wiki", "wiki/database"].map(|address| lab.container(address));
    assert_eq!(now, before, "nothing was restarted");
    assert_eq!(export().json(), values);
    lab.settled();

    // Without the containers, what is left is told, and what is not.
    lab.docker(&["rm", &lab.store()]);
    lab.docker(&["volume", "rm", &lab.store()]);
    lab.docker(&["rm", "-f", &lab.object("wiki/database")]);
    let some = lab.coasti(&["secret", "export"]).expect(0).json();
    assert_eq!(some["wiki/CODE"], values["wiki/CODE"]);
    assert!(
        some["wiki/database/POSTGRES_PASSWORD_FILE"].is_null(),
        "{some:#}"
    );
    lab.coasti(&["apply", "--yes"]).expect(6).tells(&[
        "P0308",
        "POSTGRES_PASSWORD_FILE",
        "coasti secret import",
    ]);
    lab.docker(&["rm", "-f", &lab.object("wiki")]);
    lab.coasti(&["secret", "export"])
        .expect(1)
        .tells(&["the engine keeps no values", "coasti secret import"]);
}

#[test]
fn a_store_whose_holder_was_removed_loses_nothing() {
    let Some(lab) = Lab::new("a_store_whose_holder_was_removed_loses_nothing") else {
        return;
    };
    lab.sites(&quick("v1"));
    lab.apply();
    let secret = lab.secret("wiki/database/DB_PASSWORD");
    lab.docker(&["rm", &lab.store()]);
    // What is kept is not taken for nothing: each command that wants it tells how to have it.
    let plan = lab.coasti(&["plan", "--detailed-exitcode"]).expect(0);
    plan.tells(&["cannot be read", "recover` makes it again"]);
    let status = lab.coasti(&["status"]).expect(0);
    status.tells(&["revision unknown", "healthy", "recover` makes it again"]);
    for command in [
        &["history"][..],
        &["show", "r1"],
        &["secret", "export"],
        &["secret", "get", "wiki/database/DB_PASSWORD"],
        &["rollback", "r1", "--yes"],
    ] {
        let ran = lab.coasti(command).expect(1);
        assert_eq!(ran.out, "");
        ran.tells(&["cannot be read", "hint: coasti recover makes it again"]);
    }
    lab.coasti(&["recover"])
        .expect(0)
        .tells(&["made the container"]);
    assert_eq!(lab.secret("wiki/database/DB_PASSWORD"), secret);
    lab.docker(&["rm", &lab.store()]);
    // Not even the container that could tell is there.
    lab.docker(&[
        "rm",
        "-f",
        &lab.object("wiki/database"),
        &lab.object("wiki"),
    ]);
    lab.apply();
    assert_eq!(lab.secret("wiki/database/DB_PASSWORD"), secret);
    assert_eq!(lab.runs(), ["apply done", "apply done"]);
    well(&lab, "v1");
    lab.sites(&quick("v2"));
    lab.apply();
    lab.coasti(&["rollback", "r1", "--yes"]).expect(0);
    assert_eq!(version(&lab, "wiki"), "v1");
}

/// What `docker container prune` would take is taken in the middle of an apply: everything that does not
/// run. Only this test's own, as other tests run beside it.
#[test]
fn a_clean_up_in_the_middle_of_an_apply() {
    let Some(lab) = Lab::new("a_clean_up_in_the_middle_of_an_apply") else {
        return;
    };
    lab.sites(&pair("v1"));
    lab.apply();
    let prune = |words: &[&str]| {
        for word in words {
            let name = match *word {
                "lock" => lab.lock(),
                "store" => lab.store(),
                other => lab.object(other),
            };
            lab.docker(&["rm", &name]);
        }
    };
    let begin = |next: &str| {
        lab.exec(
            "wiki",
            &format!("rm -f /data/go /data/wait-*; touch /data/wait-{next}"),
        );
        lab.sites(&pair(next));
        let running = lab.start(&["apply", "--yes"]);
        await_status(&lab, &lab.object("wiki.prev"), "exited");
        await_status(&lab, &lab.object("wiki"), "running");
        running
    };
    // All is well: what was taken does no harm.
    let running = begin("v2");
    prune(&["lock", "store", "wiki.prev", "wiki/database.prev"]);
    lab.exec("wiki", "touch /data/go");
    lab.finish(running).expect(0);
    well(&lab, "v2");
    // It has to be undone, and what ran is gone: it is made anew.
    let running = begin("v3");
    prune(&["lock", "store", "wiki.prev", "wiki/database.prev"]);
    lab.exec("wiki", "touch /data/sick-v3");
    lab.finish(running).expect(7).tells(&["undone"]);
    assert_eq!(version(&lab, "wiki"), "v2");
    assert_eq!(version(&lab, "wiki/database"), "v2");
    // The lock alone, right before a step that changes something.
    let running = begin("v4");
    prune(&["lock"]);
    lab.exec("wiki", "touch /data/sick-v4");
    lab.finish(running).expect(7);
    assert_eq!(version(&lab, "wiki"), "v2");
    assert_eq!(
        lab.runs()[..3],
        ["apply undone", "apply undone", "apply done"]
    );
    lab.sites(&pair("v5"));
    lab.apply();
    well(&lab, "v5");
    nothing_leaked(&lab);
}
