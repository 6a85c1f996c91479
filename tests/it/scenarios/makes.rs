//! What an app says is made for it: directories of the engine's host, and what its commands make.

use super::{WAITS, only_containers, site_of};
use crate::support::{
    docker::{docker, exec},
    stack::Stack,
};

#[test]
fn a_directory_that_is_missing_is_made_where_the_files_say_so() {
    let Some(stack) = Stack::new("a_directory_that_is_missing_is_made_where_the_files_say_so")
    else {
        return;
    };
    // Of the engine's host, which is looked at through the engine.
    let folder = format!("/tmp/{}", stack.object("made"));
    let volume = |create: &str| {
        format!("    volume: [{{type: directory, name: {folder}/deep, target: /data{create}}}]\n")
    };
    let write = |create: &str| {
        stack.sites(&site_of(
            "app",
            "coasti-test/tiny:1",
            WAITS,
            &volume(create),
        ));
    };
    write("");
    stack.coasti(&["apply", "--yes"]).expect(7).says(&["deep"]);
    write(", create: true");
    stack.apply();
    exec(&stack.object("app"), "echo kept >/data/file");
    stack.plan(0);
    let host = |script: &str| {
        let run = [
            "run",
            "--rm",
            "-v",
            "/tmp:/host",
            "coasti-test/tiny:1",
            "sh",
            "-c",
            script,
        ];
        docker(&run)
    };
    let there = folder.replacen("/tmp", "/host", 1);
    assert_eq!(host(&format!("cat {there}/deep/file")).trim(), "kept");
    // What is read-only is not written to either.
    write(", create: true, read-only: true");
    stack.apply();
    let refused = exec(
        &stack.object("app"),
        "echo x >/data/file 2>/dev/null || echo refused",
    );
    host(&format!("rm -rf {there}"));
    assert_eq!(refused.trim(), "refused");
}

#[test]
fn what_makes_an_app_healthy_may_be_its_own_command() {
    let Some(stack) = Stack::new("what_makes_an_app_healthy_may_be_its_own_command") else {
        return;
    };
    let app = format!(
        "  metadata: {{id: mail, version: '1'}}\n  image: coasti-test/tiny:1\n  \
         docker: {{command: {WAITS}}}\n  healthcheck: {{command: test -f /tmp/ok, interval: 500ms, retries: 9}}\n  \
         run: {{post-run: [touch /tmp/ok], post-run-status: created}}\n"
    );
    stack.products(&[("mail", &app)]);
    stack.sites("  - {label: mail, image: mail, update: {settle: 300ms, timeout: 60s}}\n");
    stack.apply();
    only_containers(&stack, &["mail"]);
    stack.plan(0);
}
