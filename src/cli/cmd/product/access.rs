//! What opens a repository: as it is said, or asked for.

use super::add::New;
use super::place::{answers, stdin};
use crate::base::Secret;
use crate::cli::cmd::ask::{Terminal, stopped};
use crate::config::Auth;
use crate::ops::OpError;
use crate::ops::product::Access;
use serde_json::Value as Json;
use std::path::Path;

/// The names that `--data` may have.
const NAMES: [&str; 7] = [
    "vcs_repo",
    "id",
    "dst_path",
    "vcs_ref",
    "vcs_auth_type",
    "vcs_auth_value",
    "auth",
];

fn token(text: &str) -> Result<Access, OpError> {
    let text = text.trim();
    if text.is_empty() || text.contains(char::is_whitespace) {
        return Err(OpError::usage("a token is one word", &[]));
    }
    Ok(Access::Token(Secret::new(text.to_owned())))
}

fn key(path: &Path) -> Result<Access, OpError> {
    let path = std::path::absolute(path).map_err(|error| OpError::usage(error.to_string(), &[]))?;
    match std::fs::File::open(&path) {
        Ok(_) => Ok(Access::Key(path)),
        Err(error) => Err(OpError::usage(
            format!("the key {} cannot be read: {error}", path.display()),
            &[],
        )),
    }
}

impl New {
    /// With what `--data` says of what no option does.
    pub(super) fn with(mut self, data: Option<&str>) -> Result<Self, OpError> {
        let is_input = data == Some("-");
        if is_input && self.token_file.as_deref() == Some(Path::new("-")) {
            return Err(OpError::usage(
                "standard input cannot be both the token and --data",
                &[],
            ));
        }
        let mut said = answers(data)?;
        if let Some(name) = said.keys().find(|name| !NAMES.contains(&name.as_str())) {
            return Err(OpError::usage(
                format!("--data has no `{name}` here"),
                &[&format!("there are {}", NAMES.join(", "))],
            ));
        }
        let mut text = |name: &str| match said.remove(name) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::String(text)) if text.is_empty() || text == "__skip__" => Ok(None),
            Some(Json::String(text)) => Ok(Some(text)),
            Some(_) => Err(OpError::usage(
                format!("`{name}` of --data is no text"),
                &[],
            )),
        };
        self.address = self.address.or(text("vcs_repo")?);
        self.id = self.id.or(text("id")?);
        self.path = self.path.or(text("dst_path")?);
        self.reference = self.reference.or(text("vcs_ref")?);
        let (old, new) = (text("vcs_auth_type")?, text("auth")?);
        let (kind, value) = (new.or(old), text("vcs_auth_value")?);
        self.access = match (&self.token_file, &self.key, kind.as_deref(), value) {
            (Some(file), ..) if file.as_os_str() == "-" => Some(token(&stdin()?)?),
            (Some(file), ..) => {
                let read = std::fs::read_to_string(file);
                let wrong = |error| OpError::usage(format!("{}: {error}", file.display()), &[]);
                Some(token(&read.map_err(wrong)?)?)
            }
            (None, Some(path), ..) => Some(key(path)?),
            (None, None, None | Some("skip" | "none"), None) => None,
            (None, None, Some("SSH Key" | "ssh-key"), Some(path)) => Some(key(Path::new(&path))?),
            (None, None, Some("Auth Token" | "token"), Some(_)) if !is_input => {
                return Err(OpError::usage(
                    "a token in an argument can be seen by others",
                    &["give it with --token-file FILE, or all of it on standard input: --data -"],
                ));
            }
            (None, None, Some("Auth Token" | "token"), Some(text)) => Some(token(&text)?),
            _ => {
                return Err(OpError::usage(
                    "`vcs_auth_type` and `vcs_auth_value` of --data do not go together",
                    &["`token` with a token, `ssh-key` with the key's path, or neither"],
                ));
            }
        };
        Ok(self)
    }
}

/// How the list has it.
pub(super) fn auth(access: Option<&Access>) -> Auth {
    match access {
        None | Some(Access::Own) => Auth::None,
        Some(Access::Token(_)) => Auth::Token,
        Some(Access::Key(_) | Access::KeyText(_)) => Auth::SshKey,
    }
}

/// What is kept of it.
pub(super) fn secret(access: &Access) -> Option<Secret<String>> {
    match access {
        Access::Own => None,
        Access::Token(text) | Access::KeyText(text) => Some(text.clone()),
        Access::Key(path) => Some(Secret::new(path.to_string_lossy().into_owned())),
    }
}

/// Asks what opens a repository that did not open.
pub(super) fn ask(terminal: Terminal<'_>, address: &str) -> Result<Access, OpError> {
    const KINDS: [&str; 3] = ["a token, over https", "an ssh key", "nothing: stop here"];
    let asked = format!("What opens {address}?");
    loop {
        let access = match terminal.choose(&asked, &KINDS).map_err(stopped)? {
            0 => token(&terminal.hidden("The token:").map_err(stopped)?),
            1 => {
                let path = terminal.line("The key's file:").map_err(stopped)?;
                key(Path::new(path.trim()))
            }
            _ => return Err(OpError::Interrupted),
        };
        match access {
            Ok(access) => return Ok(access),
            Err(error) => terminal.complain(&error.to_string()),
        }
    }
}
