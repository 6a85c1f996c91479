//! The real WordPress with the real MariaDB.

use super::{change, fields, only_containers};
use crate::support::{
    docker::{exec, facts},
    http::ask,
    recorder::Recorder,
    stack::Stack,
    until,
};
use coasti::engine::{Look as _, docker::connect};
use std::time::Duration;

const APP: &str = r#"  metadata: {id: wordpress, version: "6.1", title: WordPress, author: its contributors}
  image: coasti-test/wordpress:6.1
  env:
    WORDPRESS_DB_HOST: {from: database, key: hostname}
    WORDPRESS_DB_USER: {from: database, key: MARIADB_USER}
    WORDPRESS_DB_PASSWORD: {from: database, key: MARIADB_PASSWORD}
    WORDPRESS_DB_NAME: {from: database, key: MARIADB_DATABASE}
  port: {web: {container: 80}}
  volume: [{name: html, target: /var/www/html}]
  healthcheck:
    command: >-
      php -r 'exit(@file_get_contents("http://127.0.0.1/wp-admin/install.php?step=1") === false ? 1 : 0);'
    interval: 1
    timeout: 10
    retries: 60
  provider:
    - name: database
      module-name: mariadb
      module-version: ">=10.11,<10.12"
      base-image: "coasti-test/mariadb:10.11"
      healthcheck: {interval: 1, timeout: 5, retries: 60}
"#;

fn write(stack: &Stack, greeting: &str) {
    stack.sites(&format!(
        "  - label: blog\n    image: wordpress\n    domain: blog.localhost\n    env:\n      \
         WORDPRESS_CONFIG_EXTRA: \"header('X-Greeting: {greeting}');\"\n"
    ));
}

/// Fills in WordPress's own form of the first visit.
fn install(stack: &Stack) {
    let form = "weblog_title=Kept+Title&user_name=admin&admin_password=correct-horse-4&admin_password2=correct-horse-4\
                &pw_weak=1&admin_email=admin%40example.org&blog_public=0&language=";
    let answer = ask(stack.port(0), "POST", "/wp-admin/install.php?step=2", form).unwrap();
    assert!(answer.body.contains("Success"), "{}", answer.body);
}

#[test]
fn wordpress_runs_with_its_tables_in_mariadb_and_a_change_replaces_one_container() {
    let name = "wordpress_runs_with_its_tables_in_mariadb_and_a_change_replaces_one_container";
    let Some(stack) = Stack::new(name) else {
        return;
    };
    stack.products(&[("wordpress", APP)]);
    write(&stack, "hello");
    stack.apply();
    only_containers(&stack, &["blog", "blog/database"]);
    install(&stack);
    let database = stack.object("blog/database");
    let tables = exec(
        &database,
        r#"MYSQL_PWD="$MARIADB_PASSWORD" mariadb -u "$MARIADB_USER" "$MARIADB_DATABASE" -N -e 'show tables'"#,
    );
    assert!(tables.contains("wp_posts"), "{tables}");

    stack
        .coasti(&["plan", "--detailed-exitcode"])
        .expect(0)
        .prints(&["Nothing to do"]);
    reads_only(&stack, &["plan", "--detailed-exitcode"]);
    reads_only(&stack, &["status"]);

    // One variable, and nothing else.
    write(&stack, "goodbye");
    let plan = stack.plan(2);
    assert_eq!(plan["changes"].as_array().unwrap().len(), 1);
    let change = change(&plan, "blog");
    assert_eq!(change["action"], "replace");
    let told = fields(change);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("env.WORDPRESS_CONFIG_EXTRA: "),
        "{told:?}"
    );
    let deploy = stack.read("config/deploy.yml");
    let line = deploy
        .lines()
        .position(|line| line.contains("goodbye"))
        .unwrap()
        + 1;
    stack.coasti(&["plan"]).expect(0).prints(&[
        "WORDPRESS_CONFIG_EXTRA",
        &format!("config/deploy.yml:{line}"),
    ]);
    let (app, db) = (facts(&stack.object("blog")), facts(&database));
    stack.apply();
    assert_ne!(facts(&stack.object("blog")).id, app.id);
    assert_eq!(facts(&database), db);
    only_containers(&stack, &["blog", "blog/database"]);
    let page = until("the site to answer", Duration::from_secs(20), || {
        ask(stack.port(0), "GET", "/", "").filter(|answer| answer.status == 200)
    });
    assert!(page.head.contains("X-Greeting: goodbye"), "{}", page.head);
    assert!(page.body.contains("Kept Title"));
}

/// The command asks the engine for nothing that changes it.
fn reads_only(stack: &Stack, arguments: &[&str]) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let socket = stack.folder().join("engine.sock");
    let recorder = runtime.block_on(async {
        let engine = connect(None).await.unwrap();
        Recorder::start(&socket, &engine.info().address).unwrap()
    });
    let mut command = stack.command(arguments);
    command.env("DOCKER_HOST", recorder.address());
    stack.run(command).expect(0);
    assert!(!recorder.lines().is_empty());
    assert_eq!(recorder.changes(), Vec::<String>::new());
}
