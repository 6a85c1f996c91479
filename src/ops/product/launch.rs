//! Running a product by hand: its entry point, in its folder, with its variables.

use super::{answers, commands, usage};
use crate::base::words;
use crate::config::{self, Folder as _, Listed};
use crate::diag::Diagnostics;
use crate::ops::OpError;
use crate::ops::folder::Disk;
use serde_json::Value as Json;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

/// A product's variables, relative to its folder.
const VARIABLES: &str = "config/.env";

/// A program that is to be started.
#[derive(Debug)]
pub struct Launch {
    /// The program and its arguments.
    pub words: Vec<String>,
    /// The commit that it is of; none where the product is the stack's own.
    pub commit: Option<String>,
    /// The file and line that names it.
    pub from: String,
    folder: PathBuf,
    variables: Vec<(String, crate::base::Secret<String>)>,
    root: PathBuf,
    id: String,
}

/// What runs a product, with arguments of the caller's behind its own. Nothing is started.
///
/// # Errors
/// Where it is not installed, disabled, or names nothing that could be run; what is wrong with its files.
pub fn launch(disk: &Disk, listed: &Listed, arguments: &[String]) -> Result<Launch, OpError> {
    let (id, path) = (&listed.id, &listed.path);
    let list = if listed.tool { "tool" } else { "product" };
    if !listed.enabled {
        return Err(usage(
            format!("`{id}` is disabled"),
            &[&format!("`enabled: false` stands in config/{list}s.yml")],
        ));
    }
    let folder = disk.root().join(path);
    if !folder.is_dir() {
        return Err(usage(
            format!("`{id}` is not installed: there is no {path}"),
            &[&format!("coasti {list} install {id}")],
        ));
    }
    let mut d = Diagnostics::new();
    let entry = config::entry_point(disk, path, &mut d);
    let file = format!("{path}/{VARIABLES}");
    let variables = match disk.read(&file) {
        Ok(Some(source)) => config::variables(&source, &mut d),
        Ok(None) => Vec::new(),
        Err(why) => return Err(usage(format!("{file} {why}"), &[])),
    };
    if d.has_errors() {
        return Err(OpError::Files(d));
    }
    let Some(entry) = entry else {
        return Err(usage(
            format!("`{id}` does not tell how it is run by hand"),
            &[
                &format!("`entrypoint: COMMAND` in {path}/info.yml or coasti.yml does"),
                "what sites run is started by `coasti apply`",
            ],
        ));
    };
    // What is not from elsewhere is the stack's own.
    let commit = listed.repo.is_some().then(|| commit(disk, path));
    let mut words = entry.words;
    words.extend(arguments.iter().cloned());
    Ok(Launch {
        words,
        commit: commit.transpose()?,
        from: entry.from,
        folder,
        variables,
        root: disk.root().to_owned(),
        id: id.clone(),
    })
}

/// The commit that is installed, as its answers tell it.
fn commit(disk: &Disk, path: &str) -> Result<String, OpError> {
    let answers = answers::installed(disk, path, None)?;
    let answers = answers.map(|(_, answers)| answers).unwrap_or_default();
    let told = |name: &str| answers.get(name).and_then(Json::as_str);
    let commit = told(crate::template::COMMIT).or(told("_commit"));
    Ok(commit.unwrap_or(commands::FOLDER).to_owned())
}

impl Launch {
    /// Whether somebody who says `trust` means this very commit, or none has to.
    pub fn is_trusted(&self, trust: Option<&str>) -> bool {
        self.commit
            .as_deref()
            .is_none_or(|commit| trust.is_some_and(|trust| commands::means(trust, commit)))
    }

    /// That somebody has to allow it first.
    pub fn refusal(&self) -> OpError {
        let commit = self.commit.as_deref().unwrap_or_default();
        OpError::Policy {
            what: format!("`{}` wants to run a command on this machine", self.id),
            help: vec![
                format!("it would run: {} ({})", words::join(&self.words), self.from),
                format!("let it, for this commit only: --trust {commit}"),
            ],
        }
    }

    /// Becomes that program. Comes back only where it cannot be started.
    pub fn start(self) -> OpError {
        let mut words = self.words.iter();
        let program = words.next().map_or("", String::as_str);
        let mut command = Command::new(program);
        command.args(words).current_dir(&self.folder);
        for (name, value) in &self.variables {
            command.env(name, value.expose());
        }
        command.env("COASTI_BASE_DIR", &self.root);
        let error = command.exec();
        let here = self.folder.join(program).is_file() && !program.contains('/');
        let mut help = vec![format!("{} names it", self.from)];
        if here {
            help.push(format!("in the product's own folder it is ./{program}"));
        }
        help.push("it is started without a shell; `sh -c '…'` is one".to_owned());
        OpError::Usage {
            what: format!("`{program}` cannot be started: {error}"),
            help,
        }
    }
}
