//! Products from git and folders, with the program as users run it.

mod access;
mod add;
mod archives;
mod at_once;
mod commands;
mod launch;
mod life;
mod real;
mod refused;

use crate::support::home::{Home, said};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

const COPIER: &str = "\
host: {default: localhost}
key: {default: \"{{ (64 | ans_random | hash('sha512'))[:32] }}\", when: false}
token: {default: \"{{ (64 | ans_random | hash('sha512'))[:32] }}\", secret: true}
_subdirectory: template
_skip_if_exists: [config/.env]
";

/// A product's repository with one version.
fn shop(home: &Home) {
    home.write("shop/copier.yml", COPIER);
    home.write(
        "shop/template/config/.env.jinja",
        "KEY={{ key }}\nTOKEN={{ token }}\n",
    );
    home.write(
        "shop/template/config/app.conf.jinja",
        "# the app\nhost={{ host }}\nport=80\nkey={{ key }}\n",
    );
    home.write("shop/template/run.sh", "#!/bin/sh\n");
    fs::set_permissions(
        home.at("shop/template/run.sh"),
        fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    home.write("shop/template/data/.gitkeep", "");
    home.write("shop/template/gone.txt", "old\n");
    home.tag("shop", "v1.0.0");
}

/// What a call says that gets `input`, with its exit code.
fn given(home: &Home, args: &[&str], input: &str) -> (Option<i32>, String) {
    let mut command = home.command(args);
    command.stdin(Stdio::piped());
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(input.as_bytes()).unwrap();
    drop(pipe);
    let output = child.wait_with_output().unwrap();
    (output.status.code(), said(&output))
}
