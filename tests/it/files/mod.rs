//! What is done with the files alone, with the program as users run it: no engine, no terminal.

mod explain;
mod fmt;
mod graph;
mod hostile;
mod migrate;

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

/// A stack's folder of the test's own, gone with it.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let path = std::env::temp_dir().join(format!("coasti-it-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        let folder = Self(path);
        for (path, text) in files {
            folder.write(path, text);
        }
        folder
    }

    /// One site, `wiki`, which runs a product with a database.
    fn wiki(name: &str) -> Self {
        Self::new(
            name,
            &[
                ("config/products.yml", "version: 1\nproducts:\n- id: wiki\n"),
                (
                    "products/wiki/info.yml",
                    "version: 1\napp:\n  image: acme/wiki:1\n  env:\n    LOG_LEVEL: info\n    DB_PASSWORD: {from: database, \
                     key: POSTGRES_PASSWORD}\n  provider:\n  - {name: database, module-name: postgres}\n",
                ),
                (
                    "config/deploy.yml",
                    "version: 1\nstack: acme\nsite:\n- label: wiki\n  image: wiki\n  domain: wiki.localhost\n  env: {LOG_LEVEL: \
                     debug}\n",
                ),
                (
                    "config/deploy.prod.yml",
                    "version: 1\nsite:\n- label: wiki\n  env: {LOG_LEVEL: warn}\n",
                ),
            ],
        )
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.0.join(path)).unwrap()
    }

    fn coasti(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_coasti"))
            .arg("-C")
            .arg(&self.0)
            .args(args)
            .env("COLUMNS", "120")
            // Nothing here has an engine.
            .env("DOCKER_HOST", "unix:///nowhere")
            .env_remove("COASTI_ENV")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Exit code, standard output and standard error of a call.
    fn call(&self, args: &[&str]) -> (i32, String, String) {
        let output = self.coasti(args);
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    }
}

#[test]
fn data_that_cannot_be_written_is_an_error_and_a_reader_that_went_away_is_none() {
    let folder = Folder::new("unwritten", &[]);
    let command = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coasti"));
        command.arg("-C").arg(&folder.0).args(args);
        command
    };
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    for args in [&["schema", "deploy"][..], &["--help"]] {
        let output = command(args).stdout(full()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = command(args).stdout(writer).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
    }
    let output = command(&["schema", "deploy"])
        .stdout(full())
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.starts_with("error: standard output could not be written: No space left on device"),
        "{told}"
    );
}

#[test]
fn an_empty_variable_names_no_environment() {
    let folder = Folder::wiki("no-environment");
    let mut command = Command::new(env!("CARGO_BIN_EXE_coasti"));
    command.arg("-C").arg(&folder.0).arg("validate");
    let output = command.env("COASTI_ENV", "").output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}");
}

#[test]
fn a_missing_id_is_told_as_that() {
    let (code, _, told) = Folder::wiki("no-id").call(&["stop", "wiki"]);
    assert_eq!(code, 1);
    assert!(
        told.starts_with("error: the deploy file of stack `acme` has no `id`"),
        "{told}"
    );
}
