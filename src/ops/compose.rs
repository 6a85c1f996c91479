//! `coasti export compose`.

use super::error::OpError;
use super::gather::gather;
use crate::base::Secret;
use crate::config::{self, Desired, Exported};
use crate::diag::Diagnostics;
use crate::engine::Look;
use crate::store::Store;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// A stack as a compose file, and an env file with the values of its variables.
pub struct Export {
    /// The file.
    pub file: Exported,
    /// `NAME='value'` lines, secrets among them.
    pub env: String,
    /// Files beside it, by name, with their rights.
    pub beside: Vec<(String, Secret<String>, u32)>,
    /// Variables without a value: nothing was generated for them yet.
    pub unknown: Vec<String>,
    /// Warnings.
    pub diagnostics: Diagnostics,
}

/// Writes the files' stack as a compose file. Only reads.
pub async fn export<L: Look>(look: &L, desired: &Desired) -> Result<Export, OpError> {
    let gathered = gather(look, desired).await?;
    let images = &gathered.observed.images;
    // One that is not there yet may bring a check.
    let checked = |reference: &str| images.get(reference).is_none_or(|image| image.has_health);
    let file = config::export_compose(&gathered.sealed.stack, &checked);
    let mut values = match gathered.values {
        Some(values) => values,
        None => {
            let head = gathered.peek.head.clone().unwrap_or_default();
            Store::new(look, &desired.name).values(&head).await?
        }
    };
    values.extend(gathered.sealed.given);
    let (mut env, mut unknown) = (String::new(), Vec::new());
    for (name, id) in &file.variables {
        match values.get(id) {
            Some(value) => {
                let _ = writeln!(env, "{name}={}", quoted(value.expose()));
            }
            None => unknown.push(name.clone()),
        }
    }
    let mut beside = Vec::new();
    for (name, one) in &file.files {
        match one.content.resolve(&values) {
            Ok(content) => beside.push((name.clone(), content, one.mode)),
            Err(_) => unknown.push(name.clone()),
        }
    }
    Ok(Export {
        file,
        env,
        beside,
        unknown,
        diagnostics: gathered.diagnostics,
    })
}

/// A value as env files have it.
fn quoted(value: &str) -> String {
    if !value.contains(['\'', '\\', '\r']) {
        return format!("'{value}'");
    }
    let mut text = String::new();
    for c in value.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '\r' => text.push_str("\\r"),
            '$' => text.push_str("$$"),
            c => text.push(c),
        }
    }
    format!("\"{text}\"")
}

/// Writes files with their rights: all of them or none, and none over what is there.
///
/// # Errors
/// Where one is there already, or cannot be written.
pub fn write(files: &[(&Path, &str, u32)]) -> Result<(), OpError> {
    let wrong = |path: &Path, error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => OpError::usage(
            format!("{} is there already", path.display()),
            &["name another file, or move that one away"],
        ),
        _ => OpError::usage(
            format!("{} cannot be written: {error}", path.display()),
            &[],
        ),
    };
    let mut staged = Vec::new();
    for (path, text, mode) in files {
        if path.symlink_metadata().is_ok() {
            return Err(wrong(path, io::ErrorKind::AlreadyExists.into()));
        }
        staged.push(Staged::new(path, text, *mode).map_err(|error| wrong(path, error))?);
    }
    for (number, one) in staged.iter().enumerate() {
        // A second name, then without the first: this never takes the place of another.
        if let Err(error) = fs::hard_link(&one.new, one.path) {
            for done in staged.iter().take(number) {
                let _ = fs::remove_file(done.path);
            }
            return Err(wrong(one.path, error));
        }
    }
    Ok(())
}

/// A file that is written beside its place, and gone with this value.
struct Staged<'a> {
    path: &'a Path,
    new: PathBuf,
}

impl<'a> Staged<'a> {
    fn new(path: &'a Path, text: &str, mode: u32) -> io::Result<Self> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".coasti-new-{}", std::process::id()));
        let staged = Self {
            path,
            new: path.with_file_name(name),
        };
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&staged.new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        Ok(staged)
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::temporary::Temporary;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn all_files_are_written_or_none_and_none_over_another() {
        let home = Temporary::new().unwrap();
        let at = |name: &str| home.path().join(name);
        let (out, env) = (at("compose.yml"), at(".env"));
        let names = || fs::read_dir(home.path()).unwrap().count();
        fs::write(&env, "mine").unwrap();
        let files = [(out.as_path(), "a", 0o644), (env.as_path(), "b", 0o600)];
        let error = write(&files).unwrap_err().to_string();
        assert!(error.contains(".env is there already"), "{error}");
        assert_eq!(
            (names(), fs::read_to_string(&env).unwrap().as_str()),
            (1, "mine")
        );
        let nowhere = at("no/such");
        assert!(write(&[(out.as_path(), "a", 0o644), (nowhere.as_path(), "b", 0o600)]).is_err());
        assert_eq!(names(), 1);
        fs::remove_file(&env).unwrap();
        write(&files).unwrap();
        assert_eq!(
            (names(), fs::read_to_string(&out).unwrap().as_str()),
            (2, "a")
        );
        assert_eq!(
            fs::metadata(&env).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}
