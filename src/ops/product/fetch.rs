//! Where products come from: git repositories and folders. Git is the installed program, so that a user's
//! own configuration, agents and credential helpers serve; what coasti adds goes through files and variables
//! of that one process, never through arguments or addresses.

use super::error::{Class, FetchError, classify};
use super::folder::folder;
use crate::base::Secret;
use crate::ops::temporary::Temporary;
use crate::template::{Entry, Tree};
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;

/// What opens a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// What the user's own git and ssh have.
    Own,
    /// This token.
    Token(Secret<String>),
    /// The ssh key in this file.
    Key(PathBuf),
    /// This ssh key.
    KeyText(Secret<String>),
}

/// Where a product is.
#[derive(Clone, Debug)]
pub struct Origin {
    /// An URL, an ssh address or a path.
    pub repo: String,
    /// What opens it.
    pub access: Access,
    /// The keys of hosts that this stack trusts, beside the user's own.
    pub known_hosts: Option<PathBuf>,
    /// How long one command of git's may take.
    pub timeout: Duration,
}

/// A repository as fetched, or a folder as it is.
#[derive(Debug)]
pub(super) struct Fetched {
    origin: Origin,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Git(Temporary),
    Folder(PathBuf),
}

/// One state of a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    /// The commit; none of a folder.
    pub(super) commit: Option<String>,
    /// The commit by the nearest tag, as Copier keeps it.
    pub(super) describe: Option<String>,
}

impl Origin {
    /// The folder that it names, where it names one.
    fn local(&self) -> Option<PathBuf> {
        let path = self.repo.strip_prefix("file://").unwrap_or(&self.repo);
        let is_path = self.repo.starts_with("file://")
            || (!self.repo.contains("://") && Path::new(path).exists());
        is_path.then(|| PathBuf::from(path))
    }

    /// `https://user@host:port`, as git names it when it asks for the password.
    fn asked_as(&self) -> Option<String> {
        let (scheme, rest) = self.repo.split_once("://")?;
        let host = rest.split('/').next()?;
        Some(match host.contains('@') {
            true => format!("{scheme}://{host}"),
            false => format!("{scheme}://{TOKEN_USER}@{host}"),
        })
    }
}

/// GitHub and GitLab take a token with any user.
const TOKEN_USER: &str = "x-access-token";

/// Prints the token where git asks for the password of the very host that it is for: not of one that the
/// repository redirects to.
const ASKPASS: &str = "#!/bin/sh\n[ \"$1\" = \"Password for '$COASTI_GIT_HOST': \" ] || exit 1\nexec cat -- \"$COASTI_GIT_TOKEN_FILE\"\n";

/// What the file of a token or key is called.
const SECRET: &str = "secret";

/// Puts a token or key where git and ssh can read it, and no disk has it where that can be.
fn keep(text: &Secret<String>) -> Result<Temporary, String> {
    let (folder, _) = Temporary::in_memory()?;
    let path = folder.path().join(SECRET);
    let write = || {
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        // Without a line break at its end, ssh does not take a key.
        file.write_all(format!("{}\n", text.expose().trim()).as_bytes())
    };
    let written: std::io::Result<()> = write();
    written.map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(folder)
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', r"'\''"))
}

struct Git<'a> {
    origin: &'a Origin,
    home: &'a Path,
    /// Where the token or key is while git works.
    secret: Option<Temporary>,
}

impl<'a> Git<'a> {
    fn new(origin: &'a Origin, home: &'a Path) -> Result<Self, FetchError> {
        let secret = match &origin.access {
            Access::Token(text) | Access::KeyText(text) => {
                Some(keep(text).map_err(FetchError::own)?)
            }
            Access::Own | Access::Key(_) => None,
        };
        Ok(Self {
            origin,
            home,
            secret,
        })
    }

    fn secret_file(&self) -> PathBuf {
        let folder = self.secret.as_ref().map(Temporary::path);
        folder.unwrap_or(self.home).join(SECRET)
    }

    /// The variables of every call.
    fn variables(&self) -> Result<Vec<(&'static str, OsString)>, FetchError> {
        let mut set: Vec<(&'static str, OsString)> = vec![
            ("LC_ALL", "C".into()),
            ("GIT_TERMINAL_PROMPT", "0".into()),
            ("GCM_INTERACTIVE", "never".into()),
            ("GIT_ALLOW_PROTOCOL", "https:http:ssh:file:git".into()),
        ];
        let mut ssh = "ssh -o BatchMode=yes".to_owned();
        if let Some(known) = &self.origin.known_hosts {
            ssh += &format!(" -o UserKnownHostsFile={}", quoted(known));
        }
        match &self.origin.access {
            Access::Own => {
                // Their own choice of ssh stands.
                if self.origin.known_hosts.is_some()
                    || std::env::var_os("GIT_SSH_COMMAND").is_none()
                {
                    set.push(("GIT_SSH_COMMAND", ssh.into()));
                }
            }
            Access::Key(_) | Access::KeyText(_) => {
                let key = match &self.origin.access {
                    Access::Key(key) => quoted(key),
                    _ => quoted(&self.secret_file()),
                };
                ssh += &format!(" -i {key} -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes");
                set.push(("GIT_SSH_COMMAND", ssh.into()));
            }
            Access::Token(_) => {
                let script = self.home.join("askpass");
                if !script.exists() {
                    let write = || {
                        fs::write(&script, ASKPASS)?;
                        fs::set_permissions(&script, fs::Permissions::from_mode(0o700))
                    };
                    write().map_err(|error| {
                        FetchError::own(format!("{} cannot be written: {error}", script.display()))
                    })?;
                }
                set.push(("GIT_ASKPASS", script.into()));
                set.push(("COASTI_GIT_TOKEN_FILE", self.secret_file().into()));
                set.push((
                    "COASTI_GIT_HOST",
                    self.origin.asked_as().unwrap_or_default().into(),
                ));
            }
        }
        Ok(set)
    }

    /// Runs git; gives what it printed.
    async fn run(&self, args: &[&str], input: Option<Vec<u8>>) -> Result<Vec<u8>, FetchError> {
        let mut command = tokio::process::Command::new("git");
        command
            .args([
                "-c",
                "core.hooksPath=/dev/null",
                "-c",
                "gc.auto=0",
                "-c",
                "advice.detachedHead=false",
            ])
            .current_dir(self.home);
        if matches!(self.origin.access, Access::Token(_)) {
            // Helpers would be asked first, and would be told the token afterwards.
            command
                .args(["-c", "credential.helper="])
                .arg("-c")
                .arg(format!("credential.username={TOKEN_USER}"));
        }
        for name in [
            "GIT_DIR",
            "GIT_WORK_TREE",
            "GIT_INDEX_FILE",
            "GIT_OBJECT_DIRECTORY",
            "GIT_NAMESPACE",
            "GIT_TRACE_CURL",
            "GIT_TRACE",
        ] {
            command.env_remove(name);
        }
        let mut child = command
            .args(args)
            .envs(self.variables()?)
            .stdin(if input.is_some() {
                Stdio::piped()
            } else {
                Stdio::null()
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => {
                    FetchError::new(Class::NoGit, "there is no `git` on this machine")
                }
                _ => FetchError::own(format!("git cannot be started: {error}")),
            })?;
        let pipe = child.stdin.take();
        let feed = async {
            if let (Some(mut pipe), Some(input)) = (pipe, input) {
                let _ = pipe.write_all(&input).await;
            }
        };
        let both = async { tokio::join!(feed, child.wait_with_output()).1 };
        let output = tokio::time::timeout(self.origin.timeout, both)
            .await
            .map_err(|_| {
                FetchError::new(
                    Class::Timeout,
                    format!("no answer within {} s", self.origin.timeout.as_secs()),
                )
            })?
            .map_err(|error| FetchError::own(format!("git: {error}")))?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(FetchError::new(classify(&said), last_words(&said)))
    }

    async fn line(&self, args: &[&str]) -> Result<String, FetchError> {
        let bytes = self.run(args, None).await?;
        Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
    }
}

/// What of git's complaint says most: its own lines, not the server's banner.
fn last_words(said: &str) -> String {
    let lines: Vec<&str> = said
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let telling = |line: &&&str| {
        line.starts_with("fatal:")
            || line.starts_with("error:")
            || line.contains("Permission denied")
            || line.contains("verification failed")
    };
    let mut words: Vec<&str> = lines.iter().filter(telling).copied().take(3).collect();
    if words.is_empty() {
        words.extend(lines.last());
    }
    words.join("; ")
}

/// Whether a repository can be reached with what opens it: what is asked before anything is written.
pub async fn probe(origin: &Origin) -> Result<(), FetchError> {
    if let Some(path) = origin.local()
        && !is_repository(&path)
    {
        return folder(&path).map(drop);
    }
    safe(origin)?;
    let home = Temporary::new().map_err(FetchError::own)?;
    let git = Git::new(origin, home.path())?;
    git.run(&["ls-remote", "--quiet", "--", &origin.repo, "HEAD"], None)
        .await
        .map(drop)
}

fn safe(origin: &Origin) -> Result<(), FetchError> {
    let local = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
    if matches!(origin.access, Access::Token(_))
        && origin.repo.starts_with("http://")
        && !local.iter().any(|start| origin.repo.starts_with(start))
    {
        return Err(FetchError::new(
            Class::Certificate,
            "a token is not sent over plain http: use https",
        ));
    }
    if origin.repo.starts_with('-') || origin.repo.contains("::") && !origin.repo.contains("://") {
        return Err(FetchError::own(
            "that is no repository's address".to_owned(),
        ));
    }
    Ok(())
}

fn is_repository(path: &Path) -> bool {
    path.join(".git").exists() || (path.join("HEAD").is_file() && path.join("objects").is_dir())
}

/// Gets a product's repository, or takes the folder as it is.
pub(super) async fn fetch(origin: &Origin) -> Result<Fetched, FetchError> {
    let local = origin.local();
    if let Some(path) = local.as_ref().filter(|path| !is_repository(path)) {
        let kind = Kind::Folder(path.clone());
        return Ok(Fetched {
            origin: origin.clone(),
            kind,
        });
    }
    safe(origin)?;
    let home = Temporary::new().map_err(FetchError::own)?;
    let git = Git::new(origin, home.path())?;
    git.run(&["init", "--quiet", "--bare", "repo"], None)
        .await?;
    let from = local.map_or_else(
        || origin.repo.clone(),
        |path| path.to_string_lossy().into_owned(),
    );
    let heads = [
        "+refs/heads/*:refs/heads/*",
        "+refs/tags/*:refs/tags/*",
        "+HEAD:refs/coasti/HEAD",
    ];
    let mut args = vec![
        "--git-dir=repo",
        "fetch",
        "--quiet",
        "--no-recurse-submodules",
        "--no-write-fetch-head",
        "--",
        &from,
    ];
    args.extend(heads);
    git.run(&args, None).await?;
    Ok(Fetched {
        origin: origin.clone(),
        kind: Kind::Git(home),
    })
}

impl Fetched {
    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The state that a branch, tag, commit or description names; without one, the latest tag, else the head.
    pub(super) async fn resolve(&self, wanted: Option<&str>) -> Result<Version, FetchError> {
        let Kind::Git(home) = &self.kind else {
            return Ok(Version {
                commit: None,
                describe: None,
            });
        };
        let git = Git::new(&self.origin, home.path())?;
        let names = match wanted {
            Some(name) => vec![
                format!("refs/tags/{name}"),
                format!("refs/heads/{name}"),
                name.to_owned(),
            ],
            None => {
                let tags = git.line(&["--git-dir=repo", "tag", "--list"]).await?;
                let latest = latest(tags.lines()).map(|tag| format!("refs/tags/{tag}"));
                latest
                    .into_iter()
                    .chain(["refs/coasti/HEAD".to_owned()])
                    .collect()
            }
        };
        for name in names {
            let commit = format!("{name}^{{commit}}");
            let found = git
                .line(&[
                    "--git-dir=repo",
                    "rev-parse",
                    "--verify",
                    "--quiet",
                    "--end-of-options",
                    &commit,
                ])
                .await;
            // With these options git prints the option as well.
            let Some(commit) = found
                .ok()
                .and_then(|lines| lines.lines().last().map(str::to_owned))
            else {
                continue;
            };
            let describe = git
                .line(&["--git-dir=repo", "describe", "--tags", "--always", &commit])
                .await?;
            return Ok(Version {
                commit: Some(commit),
                describe: Some(describe),
            });
        }
        let name = wanted.unwrap_or("HEAD");
        Err(FetchError::new(
            Class::NoSuchVersion,
            format!("the repository has no branch, tag or commit `{name}`"),
        ))
    }

    /// The files of a state.
    pub(super) async fn tree(&self, version: &Version) -> Result<Tree, FetchError> {
        match (&self.kind, &version.commit) {
            (Kind::Git(home), Some(commit)) => {
                Git::new(&self.origin, home.path())?.tree(commit).await
            }
            (Kind::Folder(path), _) => folder(path),
            (Kind::Git(_), None) => Err(FetchError::own("no commit".to_owned())),
        }
    }
}

/// The latest version among tags by PEP 440, pre-releases left out.
fn latest<'a>(tags: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let version = |tag: &'a str| {
        let version: pep440_rs::Version = tag.parse().ok()?;
        (!version.any_prerelease()).then_some((version, tag))
    };
    tags.filter_map(version).max().map(|(_, tag)| tag)
}

impl Git<'_> {
    async fn tree(&self, commit: &str) -> Result<Tree, FetchError> {
        let odd = || FetchError::own("git listed files in a way that is not understood".to_owned());
        let listed = self
            .run(
                &[
                    "--git-dir=repo",
                    "ls-tree",
                    "-r",
                    "-z",
                    "--full-tree",
                    commit,
                ],
                None,
            )
            .await?;
        let mut wanted = Vec::new();
        let mut input = String::new();
        for record in listed
            .split(|byte| *byte == 0)
            .filter(|record| !record.is_empty())
        {
            let text = std::str::from_utf8(record)
                .map_err(|_| FetchError::own("a file's name is not UTF-8".to_owned()))?;
            let (about, path) = text.split_once('\t').ok_or_else(odd)?;
            let mut words = about.split(' ');
            let (Some(mode), Some(kind), Some(object)) = (words.next(), words.next(), words.next())
            else {
                return Err(odd());
            };
            if kind != "blob" {
                return Err(FetchError::own(format!(
                    "`{path}` is a submodule: coasti does not fetch those"
                )));
            }
            input += &format!("{object}\n");
            wanted.push((mode.to_owned(), path.to_owned()));
        }
        let contents = self
            .run(
                &["--git-dir=repo", "cat-file", "--batch"],
                Some(input.into_bytes()),
            )
            .await?;
        let mut tree = Tree::default();
        let mut rest = contents.as_slice();
        for (mode, path) in wanted {
            let end = rest
                .iter()
                .position(|byte| *byte == b'\n')
                .ok_or_else(odd)?;
            let (head, after) = rest.split_at(end);
            let size: usize = std::str::from_utf8(head)
                .ok()
                .and_then(|head| head.rsplit(' ').next()?.parse().ok())
                .ok_or_else(odd)?;
            let bytes = after.get(1..=size).ok_or_else(odd)?.to_vec();
            rest = after.get(size + 2..).ok_or_else(odd)?;
            let entry = match mode.as_str() {
                "120000" => Entry::Link(String::from_utf8(bytes).map_err(|_| odd())?),
                mode => Entry::File {
                    bytes,
                    executable: mode == "100755",
                },
            };
            tree.add(&path, entry).map_err(FetchError::own)?;
        }
        Ok(tree)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_tag_is_the_highest_release() {
        assert_eq!(
            latest(["v1.9", "v1.10", "v2.0rc1", "nightly", "1.2"].into_iter()),
            Some("v1.10")
        );
        assert_eq!(
            latest(["0.1.4+superset.6.1.0", "0.1.4", "0.1.3"].into_iter()),
            Some("0.1.4+superset.6.1.0")
        );
        assert_eq!(latest(["nightly"].into_iter()), None);
    }

    #[test]
    fn a_token_goes_to_its_host_only_and_never_over_plain_http() {
        let origin = |repo: &str| Origin {
            repo: repo.to_owned(),
            access: Access::Token(Secret::new("t".to_owned())),
            known_hosts: None,
            timeout: Duration::from_secs(5),
        };
        assert_eq!(
            origin("https://example.org:8/a/b.git")
                .asked_as()
                .as_deref(),
            Some("https://x-access-token@example.org:8")
        );
        assert_eq!(
            origin("https://bob@example.org/a").asked_as().as_deref(),
            Some("https://bob@example.org")
        );
        assert!(safe(&origin("http://example.org/a")).is_err());
        assert!(safe(&origin("http://127.0.0.1:80/a")).is_ok());
        assert!(safe(&origin("ext::sh -c id")).is_err());
        assert!(safe(&origin("--upload-pack=id")).is_err());
    }
}
