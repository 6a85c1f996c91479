//! `add` and `remove`: what the list has.

use super::{What, checked, find, listed, source, write};
use crate::base::Secret;
use crate::cli::cmd::ask::{Terminal, stopped};
use crate::cli::cmd::session::Shell;
use crate::cli::render::style::clean;
use crate::config::{self, Auth};
use crate::ops::OpError;
use crate::ops::folder::Disk;
use crate::ops::product::{self, Access};
use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

pub(super) struct New {
    pub(super) address: String,
    pub(super) id: Option<String>,
    pub(super) reference: Option<String>,
    pub(super) path: Option<String>,
    pub(super) token_file: Option<std::path::PathBuf>,
    pub(super) key: Option<std::path::PathBuf>,
}

/// The id that an address tells: its last part, without what tells of kind and version.
fn usual_id(address: &str) -> Option<String> {
    let path = match address.contains("://") {
        true => address.split(['?', '#']).next().unwrap_or_default(),
        false => address,
    };
    let name = path.trim_end_matches('/').rsplit(['/', ':']).next()?;
    let archive = [".tar.gz", ".tgz", ".tar", ".zip"]
        .iter()
        .find_map(|end| name.strip_suffix(end));
    let id = match archive {
        None => name.strip_suffix(".git").unwrap_or(name),
        // `shop-1.2.tar.gz` is a version of `shop`, and `v1.2.tar.gz` of something.
        Some(name) => {
            let is_version = |text: &str| {
                let text = text.strip_prefix('v').unwrap_or(text);
                text.starts_with(|c: char| c.is_ascii_digit())
            };
            let parts = name.match_indices('-');
            let end = parts
                .map(|(at, _)| at)
                .find(|at| is_version(name.get(at + 1..).unwrap_or_default()));
            match end {
                Some(at) => name.get(..at)?,
                None if is_version(name) => "",
                None => name,
            }
        }
    };
    (!id.is_empty()).then(|| id.to_owned())
}

pub(super) async fn add(
    shell: &Shell,
    disk: &Disk,
    what: What,
    new: New,
    timeout: std::time::Duration,
) -> Result<ExitCode, OpError> {
    let all = listed(disk, What::Product)?
        .into_iter()
        .chain(listed(disk, What::Tool)?);
    let id = match new.id.or_else(|| usual_id(&new.address)) {
        Some(id) => id,
        None => {
            let what = format!("{} does not tell what it is called", clean(&new.address));
            return Err(OpError::usage(what, &["name it with --id"]));
        }
    };
    if let Some(old) = all.into_iter().find(|one| one.id == id) {
        let list = if old.tool { What::Tool } else { What::Product };
        return Err(OpError::usage(
            format!("{} lists `{id}` already", list.file()),
            &[
                "name it otherwise with --id",
                &format!("take the other away: coasti {} remove {id}", list.word()),
            ],
        ));
    }
    let secret = match (&new.token_file, &new.key) {
        (Some(file), _) if file.as_os_str() == "-" => {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .map_err(|error| {
                    OpError::usage(format!("standard input cannot be read: {error}"), &[])
                })?;
            Some((Auth::Token, text))
        }
        (Some(file), _) => Some((
            Auth::Token,
            std::fs::read_to_string(file)
                .map_err(|error| OpError::usage(format!("{}: {error}", file.display()), &[]))?,
        )),
        (None, Some(key)) => {
            let key =
                std::path::absolute(key).map_err(|error| OpError::usage(error.to_string(), &[]))?;
            if let Err(error) = std::fs::File::open(&key) {
                let what = format!("the key {} cannot be read: {error}", key.display());
                return Err(OpError::usage(what, &[]));
            }
            Some((Auth::SshKey, key.to_string_lossy().into_owned()))
        }
        (None, None) => None,
    };
    let auth = secret.as_ref().map_or(Auth::None, |(auth, _)| *auth);
    let mut fields = vec![("id", id.clone()), ("vcs_repo", new.address.clone())];
    match auth {
        Auth::None => {}
        Auth::Token => fields.push(("auth", "token".to_owned())),
        Auth::SshKey => fields.push(("auth", "ssh-key".to_owned())),
    }
    let path = new
        .path
        .clone()
        .unwrap_or_else(|| format!("{}/{id}", what.key()));
    fields.push(("dst_path", path));
    fields.extend(
        new.reference
            .clone()
            .map(|reference| ("vcs_ref", reference)),
    );
    // What the list would be is read as every list is, before anything is written.
    let file = what.file();
    let source = source(disk, &file)?;
    let text =
        config::with_entry(&source, what.key(), &fields).map_err(|why| OpError::usage(why, &[]))?;
    let entry = checked(disk, &file, &text, &id)?;
    if let Some((_, secret)) = secret {
        for note in product::keep_access(disk, &id, &Secret::new(secret))? {
            shell.explain(&format!("note: {note}"));
        }
    }
    let reached = async {
        let origin = product::origin(disk, &entry, timeout)?;
        product::probe(&origin)
            .await
            .map_err(|error| product::failed(&id, &origin.repo, &error))
            .map(|()| origin)
    };
    match reached.await {
        Ok(origin) => {
            write(disk, &source, &text)?;
            let with = match origin.access {
                Access::Own => "",
                Access::Token(_) => " with the token",
                Access::Key(_) | Access::KeyText(_) => " with the key",
            };
            shell.out.say(&format!(
                "{} can be reached{with}; {file} lists `{id}`: coasti {} install {id}",
                new.address,
                what.word()
            ));
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            if auth != Auth::None {
                let _ = product::forget_access(disk, &id);
            }
            Err(error)
        }
    }
}

pub(super) fn remove(
    shell: &Shell,
    disk: &Disk,
    what: What,
    id: &str,
    confirm: Option<&str>,
) -> Result<ExitCode, OpError> {
    let (number, entry) = find(listed(disk, what)?, what, id)?;
    let typed = match confirm {
        Some(typed) => typed.to_owned(),
        None if shell.out.can_ask() => {
            shell.out.tell(&format!(
                "{} goes with all that is in it, its data too, with its links and its secrets.",
                entry.path
            ));
            let typed = Terminal::new(shell).line("Its id, to go on:");
            typed.map_err(stopped)?.trim().to_owned()
        }
        None => {
            return Err(OpError::usage(
                "there is no terminal to ask on",
                &[&format!(
                    "{} goes with all that is in it, its data too: --confirm {id}",
                    entry.path
                )],
            ));
        }
    };
    if typed != id {
        return Err(OpError::usage(
            format!("nothing was removed: `{typed}` is not `{id}`"),
            &[],
        ));
    }
    let source = source(disk, &what.file())?;
    let text = config::without_entry(&source, what.key(), number)
        .map_err(|why| OpError::usage(why, &[]))?;
    product::remove(disk, &entry)?;
    write(disk, &source, &text)?;
    if Path::new(&disk.root().join("config/deploy.yml")).exists() {
        shell.out.say(&format!(
            "`{id}` is removed. What runs of it goes with the next apply, once no site names it"
        ));
    } else {
        shell.out.say(&format!("`{id}` is removed"));
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::usual_id;

    #[test]
    fn an_address_tells_what_a_product_is_called() {
        for (address, id) in [
            ("https://example.org/a/my_product.git", "my_product"),
            ("https://example.org/a/shop/", "shop"),
            ("git@example.org:shop.git", "shop"),
            ("../products/my-shop", "my-shop"),
            ("https://example.org/dl/shop-1.2.tar.gz?x=/y.zip", "shop"),
            (
                "archives/superset_docker-v0.1.4+superset.6.zip",
                "superset_docker",
            ),
            ("my-shop.tgz", "my-shop"),
        ] {
            assert_eq!(usual_id(address).as_deref(), Some(id), "{address}");
        }
        for address in ["https://example.org/tags/v1.2.tar.gz", "/", "1.0.zip", ""] {
            assert_eq!(usual_id(address), None, "{address}");
        }
    }
}
