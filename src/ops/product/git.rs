//! Git as the installed program, so that a user's own configuration, agents and credential helpers serve; what
//! coasti adds goes through files and variables of that one process, never through arguments or addresses.

use super::error::{Class, FetchError, classify};
use super::fetch::{Access, Origin};
use crate::base::Secret;
use crate::ops::temporary::Temporary;
use crate::template::{Entry, MOST_BYTES, Tree};
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};

/// GitHub and GitLab take a token with any user.
const TOKEN_USER: &str = "x-access-token";

/// Prints the token where git asks for the password of the very host that it is for: not of one that the
/// repository redirects to.
const ASKPASS: &str = "#!/bin/sh\n[ \"$1\" = \"Password for '$COASTI_GIT_HOST': \" ] || exit 1\nexec cat -- \"$COASTI_GIT_TOKEN_FILE\"\n";

/// What the file of a token or key is called.
const SECRET: &str = "secret";

/// Puts a token or key where git and ssh can read it, and no disk has it where that can be.
fn keep(text: &Secret<String>) -> Result<Temporary, String> {
    let folder = Temporary::in_memory()?.0.swept();
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

/// `https://user@host:port`, as git names it when it asks for the password.
fn asked_as(origin: &Origin) -> Option<String> {
    let (scheme, user, host) = origin.authority()?;
    Some(format!("{scheme}://{}@{host}", user.unwrap_or(TOKEN_USER)))
}

/// One word for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// An option of ssh's that takes a path: several would have spaces between them, `%` starts what ssh fills in.
fn ssh_option(name: &str, path: &Path) -> String {
    let path = path.to_string_lossy().replace('%', "%%");
    let path = path.replace('\\', r"\\").replace('"', r#"\""#);
    format!(" -o {}", quoted(&format!("{name}=\"{path}\"")))
}

pub(super) struct Git<'a> {
    origin: &'a Origin,
    home: &'a Path,
    /// Where the token or key is while git works.
    secret: Option<Temporary>,
}

impl<'a> Git<'a> {
    pub(super) fn new(origin: &'a Origin, home: &'a Path) -> Result<Self, FetchError> {
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
            ssh += &ssh_option("UserKnownHostsFile", known);
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
                    Access::Key(key) => key.clone(),
                    _ => self.secret_file(),
                };
                ssh += &ssh_option("IdentityFile", &key);
                ssh += " -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes";
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
                    asked_as(self.origin).unwrap_or_default().into(),
                ));
            }
        }
        Ok(set)
    }

    /// Runs git; gives what it printed.
    pub(super) async fn run(
        &self,
        args: &[&str],
        input: Option<Vec<u8>>,
    ) -> Result<Vec<u8>, FetchError> {
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
            "GIT_CURL_VERBOSE",
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
            .process_group(0)
            .spawn()
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => {
                    FetchError::new(Class::NoGit, "there is no `git` on this machine")
                }
                _ => FetchError::own(format!("git cannot be started: {error}")),
            })?;
        // What git starts in turn ends with it, also where nobody waits any more.
        let mut all = Group(child.id());
        let (pipe, out, err) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let feed = async {
            if let (Some(mut pipe), Some(input)) = (pipe, input) {
                let _ = pipe.write_all(&input).await;
            }
        };
        // A repository can be small, and what it unpacks to without end.
        let talk = async {
            let (_, out, err) = tokio::join!(feed, read(out, MOST_OUTPUT), read(err, 1 << 20));
            let out = out?;
            if out.len() > MOST_OUTPUT {
                return Ok(None);
            }
            Ok(Some((child.wait().await?, out, err?)))
        };
        let talk = tokio::time::timeout(self.origin.timeout, talk).await;
        let talk: std::io::Result<_> = talk.map_err(|_| {
            let seconds = self.origin.timeout.as_secs();
            FetchError::new(Class::Timeout, format!("no answer within {seconds} s"))
        })?;
        let talk = talk.map_err(|error| FetchError::own(format!("git: {error}")))?;
        let Some((status, out, err)) = talk else {
            return Err(FetchError::own(format!(
                "the files have more than {} MB",
                MOST_BYTES >> 20
            )));
        };
        all.0 = None;
        if status.success() {
            return Ok(out);
        }
        let said = String::from_utf8_lossy(&err);
        Err(FetchError::new(classify(&said), last_words(&said)))
    }

    pub(super) async fn line(&self, args: &[&str]) -> Result<String, FetchError> {
        let bytes = self.run(args, None).await?;
        Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
    }
}

/// How much git may print: a product's files, and a head for each.
const MOST_OUTPUT: usize = MOST_BYTES + (16 << 20);

/// What a program prints, or the first so many bytes and one more of it.
async fn read(from: Option<impl AsyncRead + Unpin>, most: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(most as u64 + 1).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

/// A program and all that it starts; ended with this value.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let pid = self
            .0
            .and_then(|pid| rustix::process::Pid::from_raw(pid.cast_signed()));
        if let Some(pid) = pid {
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
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

impl Git<'_> {
    pub(super) async fn tree(&self, commit: &str) -> Result<Tree, FetchError> {
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
    use std::time::Duration;

    #[test]
    fn the_host_that_asks_is_named_as_git_names_it() {
        let asked = |repo: &str| {
            asked_as(&Origin {
                repo: repo.to_owned(),
                access: Access::Own,
                known_hosts: None,
                timeout: Duration::from_secs(5),
            })
        };
        assert_eq!(
            asked("https://example.org:8/a/b.git").as_deref(),
            Some("https://x-access-token@example.org:8")
        );
        assert_eq!(
            asked("https://bob@example.org/a").as_deref(),
            Some("https://bob@example.org")
        );
    }
}
