//! What coasti makes of a compose file, beside what Compose itself makes of it.
//!
//! `docker-compose config` tells what Compose understood. What coasti understood is the file that `coasti export
//! compose` writes, and that goes through Compose's `config` as well: one reader for both. [`View`] is the form in
//! which the two are compared; what it leaves out is said there, and stands in docs/src/compose.md under "What is
//! coasti's own".

mod cases;
mod engine;
mod generated;
mod inputs;
mod view;

use super::{engine_for, run_of};
use crate::support::{scratch::Scratch, stacks::in_virtual_time};
use coasti::{
    config,
    diag::{Diagnostics, Severity},
    ops::{OpError, compose::export, folder::Disk, gather::gather},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use view::View;

/// Compose v2, where the tests are told where it is.
pub(super) struct Peer(PathBuf);

impl Peer {
    /// None, and a word about it, where there is none.
    pub(super) fn find(test: &str) -> Option<Self> {
        let found = std::env::var_os("COASTI_TEST_COMPOSE").filter(|path| !path.is_empty());
        if found.is_none() {
            eprintln!(
                "skipped: {test} (COASTI_TEST_COMPOSE names no docker-compose; benches/get-compose.sh gets one)"
            );
        }
        found.map(|path| Self(path.into()))
    }

    /// A command of Compose's in a folder, with nothing of the tester's own settings.
    pub(super) fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(&self.0);
        command.current_dir(folder).env_clear().stdin(Stdio::null());
        for name in ["PATH", "DOCKER_HOST"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        // Otherwise it looks for contexts and plugins in a home of its own.
        command.env("HOME", folder);
        command
    }

    /// What it makes of a project; what it says where it refuses it.
    pub(super) fn config(&self, folder: &Path, arguments: &[String]) -> Result<Value, String> {
        let output = self
            .command(folder)
            .args(arguments)
            .args(["config", "--format", "json"])
            .output()
            .unwrap();
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
        }
        Ok(serde_json::from_slice(&output.stdout).unwrap())
    }
}

/// The files of a product by path. `info.yml` says how it is run; without it, it is `compose.yml` alone.
#[derive(Clone, Debug, Default)]
pub(super) struct Project(pub(super) BTreeMap<String, String>);

impl Project {
    /// A folder of files on disk.
    fn from(folder: &Path) -> Self {
        let files = super::Files::from(folder).0.into_iter();
        let own = files.filter_map(|(path, text)| {
            Some((path.strip_prefix("products/shop/")?.to_owned(), text))
        });
        Self(own.collect())
    }

    fn info(&self) -> &str {
        let info = self.0.get("info.yml").map(String::as_str);
        info.unwrap_or("run: {compose: compose.yml}\n")
    }

    /// The same said to Compose.
    fn arguments(&self) -> Vec<String> {
        let run = run_of(self.info());
        let mut words = vec!["-p".to_owned(), "acme-web".to_owned()];
        for (key, option) in [
            ("compose", "-f"),
            ("files", "-f"),
            ("env_file", "--env-file"),
            ("profiles", "--profile"),
        ] {
            for value in run.get(key).into_iter().flatten() {
                words.extend([option.to_owned(), value.clone()]);
            }
        }
        words
    }

    /// Writes a stack whose one site `web` runs it.
    fn write(&self, stack: &Path) {
        let own = [
            ("config/products.yml", "version: 1\nproducts:\n- id: shop\n"),
            (
                "config/deploy.yml",
                "version: 1\nstack: acme\nid: 0123456789abcdef0123456789abcdef\nsite:\n- {label: web, image: shop}\n",
            ),
            ("products/shop/info.yml", self.info()),
        ];
        let mut files: BTreeMap<String, &str> = own
            .into_iter()
            .map(|(path, text)| (path.to_owned(), text))
            .collect();
        for (path, text) in &self.0 {
            files.insert(format!("products/shop/{path}"), text);
        }
        for (path, text) in files {
            let path = stack.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }
}

/// What coasti says of a stack's files, or what it would export.
fn understood(stack: &Path) -> Result<(String, String), String> {
    let disk = Disk::at(stack);
    let mut diagnostics = Diagnostics::new();
    let Some(desired) = config::read(&disk, &mut diagnostics) else {
        return Err(errors(&diagnostics));
    };
    in_virtual_time(async {
        let sim = engine_for(&desired, stack).await;
        match gather(&sim, &desired).await {
            Ok(_) => {}
            Err(OpError::Files(diagnostics)) => return Err(errors(&diagnostics)),
            Err(error) => return Err(error.to_string()),
        }
        let exported = export(&sim, &desired).await;
        let exported = exported.unwrap_or_else(|error| panic!("{error}"));
        assert!(exported.unknown.is_empty(), "{:?}", exported.unknown);
        Ok((exported.file.text, exported.env))
    })
}

fn errors(diagnostics: &Diagnostics) -> String {
    let mut lines = Vec::new();
    for one in diagnostics.sorted() {
        if one.severity == Severity::Error {
            let at = one.at.as_ref().map(|at| {
                let (line, column) = at.line_column();
                let name = at.source.name.trim_start_matches("products/shop/");
                format!("{name}:{line}:{column} ")
            });
            lines.push(format!(
                "{} {}{}",
                one.code,
                at.unwrap_or_default(),
                one.summary.replace("products/shop/", "")
            ));
        }
    }
    lines.join("\n")
}

/// What the two came to.
pub(super) struct Outcome {
    /// What Compose says where it refuses.
    pub(super) peer: Result<(), String>,
    /// What coasti says where it refuses.
    pub(super) own: Result<(), String>,
    /// Where both take it and take it for something else.
    pub(super) differences: Vec<String>,
}

/// Has both read a project.
pub(super) fn compare(peer: &Peer, project: &Project) -> Outcome {
    let place = Scratch::new();
    project.write(place.path());
    let folder = place.path().join("products/shop");
    let theirs = peer.config(&folder, &project.arguments());
    let ours = understood(place.path());
    let mut outcome = Outcome {
        peer: theirs.as_ref().map(drop).map_err(Clone::clone),
        own: ours.as_ref().map(drop).map_err(Clone::clone),
        differences: Vec::new(),
    };
    if let (Ok(theirs), Ok((text, env))) = (theirs, ours) {
        let out = place.path().join("exported");
        fs::create_dir_all(&out).unwrap();
        fs::write(out.join("compose.yml"), &text).unwrap();
        fs::write(out.join("values.env"), &env).unwrap();
        let arguments = ["-f", "compose.yml", "--env-file", "values.env"].map(str::to_owned);
        match peer.config(&out, &arguments) {
            Err(error) => outcome.differences.push(format!(
                "Compose refuses the export: {error}\n{text}\n{env}"
            )),
            Ok(exported) => {
                let theirs = View::of_original(&theirs, &folder);
                let ours = View::of_export(&exported, &theirs);
                outcome.differences = theirs.differences(&ours);
            }
        }
    }
    outcome
}
