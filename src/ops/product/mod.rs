//! Products and tools: fetched, their questions asked, rendered, placed, updated by a three-way merge, removed.

mod error;
mod fetch;
mod folder;
mod merge;
mod place;

pub use error::{Class, FetchError};
pub use fetch::{Access, Origin, probe};

use super::OpError;
use crate::config::{Auth, Folder as _, Listed, Unreadable};
use crate::diag::{Diagnostics, Source};
use crate::ops::folder::Disk;
pub use crate::template::Due;
use crate::template::{
    self, ANSWERS_FILES, About, Answers, Ask, Command, Dice, Entry, Given, Jinja, Operation,
    Rendered, Settings, Tree,
};
use fetch::Version;
use place::Root;
use serde_json::{Map, Value as Json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How a product is to be installed or updated.
#[derive(Debug)]
pub struct Wish<'a> {
    /// Answers.
    pub data: Map<String, Json>,
    /// Another branch, tag or commit than the list's.
    pub reference: Option<&'a str>,
    /// Only tell what would be done.
    pub pretend: bool,
    /// Install anew over what is there.
    pub recopy: bool,
    /// The commit whose commands may be run.
    pub trust: Option<&'a str>,
    /// Leave out the commands.
    pub skip_tasks: bool,
    /// How long one command of git's may take.
    pub timeout: Duration,
}

/// What was done.
#[derive(Debug, Default)]
pub struct Done {
    /// Files that were written anew.
    pub written: Vec<String>,
    /// Files that were taken away.
    pub removed: Vec<String>,
    /// Files whose changes were merged.
    pub merged: Vec<String>,
    /// Files with conflicts that somebody has to look at.
    pub conflicts: Vec<String>,
    /// What is worth knowing.
    pub notes: Vec<String>,
    /// What the template says.
    pub message: Option<String>,
    /// The commit.
    pub version: Option<String>,
    /// Warnings of the template.
    pub warnings: Diagnostics,
}

fn usage(what: impl Into<String>, help: &[&str]) -> OpError {
    OpError::usage(what, help)
}

fn io(why: String) -> OpError {
    OpError::usage(why, &[])
}

/// A failure to fetch, with the product's id and what to do.
pub fn failed(id: &str, repo: &str, error: &FetchError) -> OpError {
    let help = error.help().replace("ID", id);
    OpError::usage(
        format!("{}: {}: {}", repo, error.kind(), error.said),
        &[&help],
    )
}

/// Where a product is, and what opens it.
pub fn origin(disk: &Disk, listed: &Listed, timeout: Duration) -> Result<Origin, OpError> {
    let Some(repo) = &listed.repo else {
        return Err(usage(
            format!("the list does not say where `{}` comes from", listed.id),
            &["write `vcs_repo: ADDRESS` into its entry"],
        ));
    };
    if crate::config::secrecy::has_credentials(repo) {
        return Err(usage(
            format!("the address of `{}` has a password in it", listed.id),
            &[
                "write the address without it, `auth: token`, and the token into config/secrets/vcs_auth_ID",
            ],
        ));
    }
    let secret = format!("config/secrets/vcs_auth_{}", listed.id);
    let file = disk.root().join(&secret);
    let there = || match disk.read(&secret) {
        Ok(Some(source)) => Ok(source.text.trim().to_owned()),
        Ok(None) => Err(usage(
            format!(
                "{secret} is missing: `{}` is reached with what it holds",
                listed.id
            ),
            &["put the token, or the path of the ssh key, into it, readable by you only"],
        )),
        Err(why) => Err(usage(format!("{secret} {why}"), &[])),
    };
    let access = match listed.auth {
        Auth::None => Access::Own,
        Auth::Token => there().map(|_| Access::Token(file))?,
        Auth::SshKey => {
            let text = there()?;
            if text.starts_with("-----BEGIN") {
                Access::Key(file)
            } else {
                let key = disk.root().join(&text);
                if !key.is_file() {
                    return Err(usage(
                        format!(
                            "{secret} names the ssh key {}, which is not there",
                            key.display()
                        ),
                        &[],
                    ));
                }
                Access::Key(key)
            }
        }
    };
    let known = disk.root().join("config/known_hosts");
    let local = Path::new(repo);
    let relative = !repo.contains(':') && local.is_relative();
    Ok(Origin {
        // Relative to the stack's folder, as everything in its files.
        repo: if relative {
            disk.root().join(local).to_string_lossy().into_owned()
        } else {
            repo.clone()
        },
        access,
        known_hosts: known.is_file().then_some(known),
        timeout,
    })
}

fn dice() -> Dice {
    Arc::new(|bytes| getrandom::fill(bytes).map_err(|error| error.to_string()))
}

/// A template at one version, ready to be asked and rendered.
struct Template {
    tree: Arc<Tree>,
    settings: Settings,
    jinja: Jinja,
}

impl Template {
    fn read(tree: Tree, d: &mut Diagnostics) -> Result<Option<Self>, OpError> {
        let tree = Arc::new(tree);
        let Some(settings) = template::read(&tree, d) else {
            return Ok(None);
        };
        let jinja = Jinja::new(&settings.envops, &tree, &dice())
            .map_err(|why| usage(format!("`_envops` of the template: {why}"), &[]))?;
        Ok(Some(Self {
            tree,
            settings,
            jinja,
        }))
    }

    fn render(&self, about: &About, answers: &Answers, d: &mut Diagnostics) -> Option<Rendered> {
        template::render(&self.tree, &self.settings, &self.jinja, about, answers, d)
    }
}

/// An answers file: its path in the product's folder, and its answers.
type Kept = (String, Map<String, Json>);

/// The answers file of an installed product.
fn installed(disk: &Disk, folder: &str) -> Result<Option<Kept>, OpError> {
    for name in ANSWERS_FILES {
        let path = format!("{folder}/{name}");
        match disk.read(&path) {
            Ok(None) => {}
            Ok(Some(source)) => {
                let mut d = Diagnostics::new();
                let answers = template::read_answers(&source, &mut d);
                if d.has_errors() {
                    return Err(OpError::Files(d));
                }
                return Ok(Some((name.to_owned(), answers)));
            }
            Err(why) => return Err(usage(format!("{path} {why}"), &[])),
        }
    }
    Ok(None)
}

fn secrets_path(id: &str) -> String {
    format!("config/secrets/answers_{id}")
}

fn secrets(disk: &Disk, id: &str) -> Result<Map<String, Json>, OpError> {
    let path = secrets_path(id);
    let source = disk
        .read(&path)
        .map_err(|why: Unreadable| usage(format!("{path} {why}"), &[]))?;
    let Some(source) = source else {
        return Ok(Map::new());
    };
    let named = Arc::new(Source {
        name: format!("{path}.yml"),
        path: source.path.clone(),
        text: source.text.clone(),
    });
    let mut d = Diagnostics::new();
    let answers = template::read_answers(&named, &mut d);
    if d.has_errors() {
        Err(usage(
            format!("{path} is not YAML"),
            &["mend it, or remove it and give the values with --data"],
        ))
    } else {
        Ok(answers)
    }
}

/// Installs a product, or updates one that is installed.
pub async fn install(
    disk: &Disk,
    listed: &Listed,
    wish: &Wish<'_>,
    update: bool,
    somebody: &mut Ask<'_>,
    allow: &mut dyn FnMut(&[Due], &str) -> bool,
) -> Result<Done, OpError> {
    let origin = origin(disk, listed, wish.timeout)?;
    let fail = |error: FetchError| failed(&listed.id, &origin.repo, &error);
    let before = installed(disk, &listed.path)?;
    match (&before, update) {
        (None, true) => {
            return Err(usage(
                format!(
                    "`{}` is not installed: {} has no answers file",
                    listed.id, listed.path
                ),
                &[&format!("coasti product install {}", listed.id)],
            ));
        }
        (Some(_), false) if !wish.recopy => {
            return Err(usage(
                format!("`{}` is installed already in {}", listed.id, listed.path),
                &[
                    &format!("coasti product update {}", listed.id),
                    "install it anew, over what is there: --recopy",
                ],
            ));
        }
        _ => {}
    }
    let fetched = fetch::fetch(&origin).await.map_err(fail)?;
    let version = fetched
        .resolve(wish.reference.or(listed.reference.as_deref()))
        .await
        .map_err(fail)?;
    let tree = fetched.tree(&version).await.map_err(fail)?;
    let mut d = Diagnostics::new();
    let template =
        Template::read(tree, &mut d)?.ok_or_else(|| OpError::Files(std::mem::take(&mut d)))?;
    if update
        && let Some(at) = &template.settings.migrations
        && !wish.skip_tasks
    {
        return Err(usage(
            format!(
                "the template has migrations ({}), which coasti does not run",
                at.origin()
            ),
            &["do by hand what they do, then pass --skip-tasks"],
        ));
    }
    let answers_file = match (&before, &template.settings.answers_file) {
        (Some((name, _)), _) => name.clone(),
        (None, Some(name)) if ANSWERS_FILES.contains(&name.as_str()) => name.clone(),
        (None, _) => ".copier-answers.yml".to_owned(),
    };
    let about = |version: &Version, operation| About {
        source: listed.repo.clone().unwrap_or_default(),
        folder: disk
            .root()
            .join(&listed.path)
            .to_string_lossy()
            .into_owned(),
        commit: version.describe.clone(),
        wanted: wish
            .reference
            .map(str::to_owned)
            .or_else(|| listed.reference.clone()),
        answers_file: answers_file.clone(),
        operation,
    };
    let operation = if update {
        Operation::Update
    } else {
        Operation::Copy
    };
    let now = about(&version, operation);
    let last = before.map(|(_, answers)| answers).unwrap_or_default();
    let mut given = Given {
        data: wish.data.clone(),
        secret: secrets(disk, &listed.id)?,
        last: last.clone(),
        skip_answered: update,
    };
    let answers = template::ask(
        &template.settings,
        &template.jinja,
        &now.context(),
        &given,
        somebody,
        &mut d,
    );
    if d.has_errors() {
        return Err(OpError::Files(d));
    }
    let rendered = template.render(&now, &answers, &mut d);
    let due = template::due(&template.settings, &template.jinja, &now, &answers, &mut d);
    let Some(rendered) = rendered.filter(|_| !d.has_errors()) else {
        return Err(OpError::Files(d));
    };
    let commands = if wish.skip_tasks || wish.pretend {
        Vec::new()
    } else {
        trusted(due, &version, wish, allow)?
    };
    let root = Root::open(disk.root()).map_err(io)?;
    let plan = if update {
        let Some(old) = last.get("_commit").and_then(Json::as_str) else {
            return Err(usage(
                format!(
                    "`{}` comes from a folder, which has no older versions to compare with",
                    listed.id
                ),
                &["install it anew, over what is there: coasti product install --recopy"],
            ));
        };
        let old = fetched.resolve(Some(old)).await.map_err(fail)?;
        if old.commit.is_none() {
            return Err(usage(
                format!(
                    "`{}` comes from a folder, which has no older versions to compare with",
                    listed.id
                ),
                &["install it anew, over what is there: coasti product install --recopy"],
            ));
        }
        let tree = fetched.tree(&old).await.map_err(fail)?;
        // The values of now for what the older version does not tell: a secret that was not kept is then the
        // same on both sides, and the user's own value stays.
        let kept = std::mem::replace(&mut given.secret, answers.secret.clone());
        given.secret.extend(kept);
        given.data = Map::new();
        given.skip_answered = true;
        let mut quiet = Diagnostics::new();
        let base = match Template::read(tree, &mut quiet)? {
            Some(older) => {
                let then = about(&old, Operation::Update);
                let answers = template::ask(
                    &older.settings,
                    &older.jinja,
                    &then.context(),
                    &given,
                    &mut |_| Ok(None),
                    &mut quiet,
                );
                older.render(&then, &answers, &mut quiet)
            }
            None => None,
        };
        let Some(base) = base else {
            return Err(OpError::Files(quiet));
        };
        merge::clean(disk.root(), &listed.path).await?;
        merge::plan(&root, &listed.path, &base.tree, &rendered, &answers_file).await?
    } else {
        if !wish.recopy {
            let taken = place::in_the_way(&root, &listed.path, &rendered.tree).map_err(io)?;
            if !taken.is_empty() {
                return Err(usage(
                    format!(
                        "{} has files of these names already: {}",
                        listed.path,
                        taken.join(", ")
                    ),
                    &["move them away, or write over them: --recopy"],
                ));
            }
        }
        merge::Plan::fresh(&root, &listed.path, &rendered)?
    };
    let mut done = plan.done;
    done.version = version.describe.clone();
    done.warnings = d;
    done.message = rendered.message.clone();
    if wish.pretend {
        return Ok(done);
    }
    // Secrets first: should the rest fail, the next attempt has the same ones.
    if !answers.secret.is_empty() {
        let text = template::to_yaml(&Json::Object(answers.secret.clone()), 2);
        root.write(
            &secrets_path(&listed.id),
            &Entry::File {
                bytes: text.into_bytes(),
                executable: false,
            },
        )
        .map_err(io)?;
    }
    let at = |path: &str| format!("{}/{path}", listed.path);
    for (path, entry) in plan
        .changes
        .iter()
        .filter(|(path, _)| *path != answers_file)
    {
        match entry {
            Some(entry) => root.write(&at(path), entry).map_err(io)?,
            None => root.remove(&at(path)).map_err(io)?,
        }
    }
    run(disk.root(), &listed.path, &commands).await?;
    // The answers file last: until it is there, this version is not installed.
    if let Some((path, Some(entry))) = plan.changes.iter().find(|(path, _)| *path == answers_file) {
        root.write(&at(path), entry).map_err(io)?;
    }
    done.notes
        .extend(place::link(&root, &listed.id, &listed.path).map_err(io)?);
    Ok(done)
}

fn shown(due: &Due) -> String {
    let command = match &due.command {
        Command::Shell(line) => line.clone(),
        Command::Program(words) => words.join(" "),
    };
    match &due.folder {
        Some(folder) => format!("{command} (in {folder})"),
        None => command,
    }
}

/// The commands that may be run: all, where somebody trusts this very commit.
fn trusted(
    due: Vec<Due>,
    version: &Version,
    wish: &Wish<'_>,
    allow: &mut dyn FnMut(&[Due], &str) -> bool,
) -> Result<Vec<Due>, OpError> {
    let commit = version.commit.as_deref().unwrap_or("folder");
    let named = wish
        .trust
        .is_some_and(|trust| trust == commit || (trust.len() >= 12 && commit.starts_with(trust)));
    if due.is_empty() || named || allow(&due, commit) {
        return Ok(due);
    }
    let mut help: Vec<String> = due
        .iter()
        .map(|due| format!("it would run: {}", shown(due)))
        .collect();
    help.push(format!("let it, for this commit only: --trust {commit}"));
    help.push("leave the commands out: --skip-tasks".to_owned());
    Err(OpError::Policy {
        what: "the template wants to run commands on this machine".to_owned(),
        help,
    })
}

async fn run(base: &Path, folder: &str, due: &[Due]) -> Result<(), OpError> {
    for due in due {
        let mut at = base.join(folder);
        if let Some(below) = &due.folder {
            at.push(below);
        }
        let mut command = match &due.command {
            Command::Shell(line) => {
                let mut command = tokio::process::Command::new("/bin/sh");
                command.arg("-c").arg(line);
                command
            }
            Command::Program(words) => {
                let mut words = words.iter();
                let mut command =
                    tokio::process::Command::new(words.next().map_or("", String::as_str));
                command.args(words);
                command
            }
        };
        let output = command
            .current_dir(&at)
            .stdin(std::process::Stdio::null())
            .kill_on_drop(true)
            .output()
            .await;
        let output = output.map_err(|error| {
            usage(
                format!(
                    "`{}` of the template cannot be started: {error}",
                    shown(due)
                ),
                &[],
            )
        })?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(usage(
                format!(
                    "`{}` of the template failed ({}): {said}",
                    shown(due),
                    output.status
                ),
                &[
                    "the files are written; the product is not marked as installed: run the command again",
                ],
            ));
        }
    }
    Ok(())
}

/// Removes a product's folder, links and secrets.
pub fn remove(disk: &Disk, listed: &Listed) -> Result<(), OpError> {
    let root = Root::open(disk.root()).map_err(io)?;
    place::unlink(&root, disk.root(), &listed.id, &listed.path).map_err(io)?;
    root.remove_folder(&listed.path).map_err(io)?;
    root.remove(&secrets_path(&listed.id)).map_err(io)?;
    root.remove(&format!("config/secrets/vcs_auth_{}", listed.id))
        .map_err(io)
}

/// Keeps what opens a product's repository, for its owner only.
pub fn keep_access(
    disk: &Disk,
    id: &str,
    secret: &crate::base::Secret<String>,
) -> Result<(), OpError> {
    let root = Root::open(disk.root()).map_err(io)?;
    let bytes = format!("{}\n", secret.expose().trim()).into_bytes();
    root.write(
        &format!("config/secrets/vcs_auth_{id}"),
        &Entry::File {
            bytes,
            executable: false,
        },
    )
    .map_err(io)
}
