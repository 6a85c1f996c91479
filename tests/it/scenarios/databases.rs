//! What is generated for a database is bound to its data.

use super::{POSTGRES, only_containers, site, site_of};
use crate::support::{
    docker::{docker, exec, quiet},
    stack::Stack,
};

/// Asks the database in the words of a URL that an app has.
fn query(stack: &Stack, url: &str, sql: &str) -> String {
    docker(&[
        "exec",
        &stack.object("app/database"),
        "psql",
        "-v",
        "ON_ERROR_STOP=1",
        "-Atqc",
        sql,
        url,
    ])
}

fn url(stack: &Stack) -> String {
    exec(&stack.object("app"), r#"echo "$DB_URL""#)
}

#[test]
fn variables_that_are_made_of_a_databases_log_in_there() {
    let Some(stack) = Stack::new("variables_that_are_made_of_a_databases_log_in_there") else {
        return;
    };
    stack.sites(&site("app", POSTGRES));
    stack.apply();
    let url = url(&stack);
    let who = query(&stack, &url, "select current_user, current_database()");
    let expected = format!(
        "{}|{}",
        stack.secret("app/database/POSTGRES_USER"),
        stack.secret("app/database/POSTGRES_DB")
    );
    assert_eq!(who, expected);
    // It is the password that lets in, not a server that trusts everybody.
    let password = stack.secret("app/database/POSTGRES_PASSWORD");
    assert!(url.contains(&password));
    let wrong = url.replace(&password, "wrong");
    let said = quiet(&[
        "exec",
        &stack.object("app/database"),
        "psql",
        "-c",
        "select 1",
        &wrong,
    ]);
    assert!(said.contains("password authentication failed"), "{said}");
}

#[test]
fn a_first_apply_that_failed_comes_up_mended_with_the_same_password() {
    let name = "a_first_apply_that_failed_comes_up_mended_with_the_same_password";
    let Some(stack) = Stack::new(name) else {
        return;
    };
    let broken = r#"["sh", "-c", "echo no good; exit 4"]"#;
    stack.sites(&site_of("app", "coasti-test/tiny:1", broken, POSTGRES));
    let ran = stack.coasti(&["apply", "--yes"]).expect(7);
    super::ended(&ran, 4);
    let volume = stack.object("app/database/postgres-data");
    ran.says(&[
        "no good",
        "undone: what it made is gone again; data written",
        &volume,
    ]);
    only_containers(&stack, &[]);
    assert!(stack.objects("volume").contains(&volume));
    let password = stack.secret("app/database/POSTGRES_PASSWORD");

    // What it was made with counts, though nothing was ever good.
    let with = |more: &str| POSTGRES.to_owned() + more;
    for (code, edited) in [
        (
            "P0302",
            with("        env: {POSTGRES_PASSWORD: another-0ne}\n"),
        ),
        ("P0302", with("        env: {POSTGRES_USER: another}\n")),
        ("P0301", POSTGRES.replace("postgres:15", "postgres:16")),
    ] {
        stack.sites(&site("app", &edited));
        stack.coasti(&["apply", "--yes"]).expect(6).says(&[code]);
    }

    stack.sites(&site("app", POSTGRES));
    stack.apply();
    assert_eq!(stack.secret("app/database/POSTGRES_PASSWORD"), password);
    let url = url(&stack);
    assert!(url.contains(&password));
    assert_eq!(query(&stack, &url, "select 6 * 7"), "42");
}

#[test]
fn destroy_keeps_data_and_passwords_for_the_next_apply() {
    let Some(stack) = Stack::new("destroy_keeps_data_and_passwords_for_the_next_apply") else {
        return;
    };
    stack.sites(&site("app", POSTGRES));
    stack.apply();
    let before = stack.secrets();
    query(
        &stack,
        &url(&stack),
        "create table kept (n int); insert into kept values (17)",
    );
    let volumes = stack.objects("volume");

    stack
        .coasti(&["destroy", "--yes"])
        .expect(0)
        .says(&["Removed; their volumes stay"]);
    only_containers(&stack, &[]);
    assert_eq!(stack.objects("network"), Vec::<String>::new());
    assert_eq!(stack.objects("volume"), volumes);
    stack.coasti(&["destroy", "--yes"]).expect(0);
    // Missing, and a script that asks shall hear so.
    stack.coasti(&["status"]).expect(9);

    stack.apply();
    stack.coasti(&["status"]).expect(0);
    assert_eq!(stack.secrets(), before);
    assert_eq!(query(&stack, &url(&stack), "select n from kept"), "17");
    stack.plan(0);
}
