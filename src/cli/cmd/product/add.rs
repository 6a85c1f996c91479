//! `add` and `remove`: what the list has.

use super::access;
use super::place::Order;
use super::{What, checked, find, listed, source, write};
use crate::base::Span;
use crate::cli::args::Copy;
use crate::cli::cmd::ask::{Terminal, stopped};
use crate::cli::cmd::session::Shell;
use crate::cli::render::style::clean;
use crate::config::{self, Auth, Listed};
use crate::ops::OpError;
use crate::ops::folder::Disk;
use crate::ops::product::{self, Access, Class, Origin};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

pub(super) struct New {
    pub(super) address: Option<String>,
    pub(super) id: Option<String>,
    pub(super) reference: Option<String>,
    pub(super) path: Option<String>,
    pub(super) token_file: Option<std::path::PathBuf>,
    pub(super) key: Option<std::path::PathBuf>,
    pub(super) access: Option<Access>,
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
    mut new: New,
    timeout: Duration,
) -> Result<ExitCode, OpError> {
    let all = listed(disk, What::Product)?
        .into_iter()
        .chain(listed(disk, What::Tool)?);
    let all: Vec<Listed> = all.collect();
    let terminal = Terminal::of(shell);
    // Whoever says no address wants to be led.
    let led = terminal.filter(|_| new.address.is_none());
    let origin = reach(disk, &mut new, terminal, timeout).await?;
    let address = new.address.clone().unwrap_or_default();
    let id = match new.id.clone() {
        Some(id) => id,
        None => {
            let own = product::declared_id(&origin, new.reference.as_deref()).await;
            let usual = own.or_else(|| usual_id(&address));
            let chosen = match led {
                Some(led) => Some(
                    led.line_or("Its id:", usual.as_deref().unwrap_or_default())
                        .map_err(stopped)?,
                ),
                None => usual,
            };
            chosen.filter(|id| !id.is_empty()).ok_or_else(|| {
                let what = format!("{} does not tell what it is called", clean(&address));
                OpError::usage(what, &["name it with --id"])
            })?
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
    while let (Some(led), None) = (led, &new.reference) {
        let asked = "Branch, tag or commit (Enter: the latest tag):";
        let reference = led.line(asked).map_err(stopped)?;
        let reference = reference.trim();
        if reference.is_empty() {
            break;
        }
        match product::probe(&origin, Some(reference)).await {
            Ok(()) => new.reference = Some(reference.to_owned()),
            Err(error) if error.class == Class::NoSuchVersion => led.complain(&error.said),
            Err(error) => return Err(product::failed(&id, &origin.repo, &error)),
        }
    }
    let mut fields = vec![("id", id.clone()), ("vcs_repo", address.clone())];
    match access::auth(new.access.as_ref()) {
        Auth::None => {}
        Auth::Token => fields.push(("auth", "token".to_owned())),
        Auth::SshKey => fields.push(("auth", "ssh-key".to_owned())),
    }
    let path = new.path.clone();
    fields.push((
        "dst_path",
        path.unwrap_or_else(|| format!("{}/{id}", what.key())),
    ));
    fields.extend(new.reference.map(|reference| ("vcs_ref", reference)));
    // What the list would be is read as every list is, before anything is written.
    let file = what.file();
    let source = source(disk, &file)?;
    let text =
        config::with_entry(&source, what.key(), &fields).map_err(|why| OpError::usage(why, &[]))?;
    checked(disk, &file, &text, &id)?;
    // Without its entry, a secret is found by nobody; without the secret, an entry is told what is missing.
    if let Some(secret) = new.access.as_ref().and_then(access::secret) {
        for note in product::keep_access(disk, &id, &secret)? {
            shell.explain(&format!("note: {note}"));
        }
    }
    if let Err(error) = write(disk, &source, &text) {
        let _ = product::forget_access(disk, &id);
        return Err(error);
    }
    let with = match origin.access {
        Access::Own => "",
        Access::Token(_) => " with the token",
        Access::Key(_) | Access::KeyText(_) => " with the key",
    };
    let word = what.word();
    shell.out.say(&clean(&format!(
        "{address} can be reached{with}; {file} lists `{id}`: coasti {word} install {id}"
    )));
    let now = |led: Terminal<'_>| led.agrees("Install it now?", true).map_err(stopped);
    if let Some(true) = led.map(now).transpose()? {
        let copy = Copy {
            data: None,
            answers_file: None,
            defaults: false,
            pretend: false,
            trust: None,
            skip_tasks: false,
            timeout: Span::from_millis(300_000),
        };
        let work = product::Work::Install { recopy: false };
        return Order::new(&id, work, None, &copy)
            .run(shell, disk, what)
            .await;
    }
    Ok(ExitCode::SUCCESS)
}

/// Where it is, once it can be reached with what is said; on a terminal, asked for until it can.
async fn reach(
    disk: &Disk,
    new: &mut New,
    terminal: Option<Terminal<'_>>,
    timeout: Duration,
) -> Result<Origin, OpError> {
    loop {
        let address = match (&new.address, terminal) {
            (Some(address), _) if address.is_empty() => {
                let help = ["coasti product add ADDRESS"];
                return Err(OpError::usage("the address is empty", &help));
            }
            (Some(address), _) => address.clone(),
            (None, Some(terminal)) => {
                let asked = "Its address (git, an archive, or a folder):";
                terminal.line(asked).map_err(stopped)?.trim().to_owned()
            }
            (None, None) => {
                return Err(OpError::usage(
                    "there is no address, and no terminal to ask on",
                    &["coasti product add ADDRESS"],
                ));
            }
        };
        if address.is_empty() {
            return Err(OpError::Interrupted);
        }
        let listed = Listed {
            id: new
                .id
                .clone()
                .or_else(|| usual_id(&address))
                .unwrap_or_default(),
            tool: false,
            title: None,
            description: None,
            version: None,
            repo: Some(address.clone()),
            reference: None,
            auth: access::auth(new.access.as_ref()),
            path: String::new(),
            enabled: true,
        };
        let access = new.access.clone().unwrap_or(Access::Own);
        let origin = product::origin_with(disk, &listed, access, timeout)?;
        let probed = tokio::select! {
            biased;
            _ = tokio::signal::ctrl_c() => return Err(OpError::Interrupted),
            probed = product::probe(&origin, new.reference.as_deref()) => probed,
        };
        new.address = Some(address.clone());
        let Err(error) = probed else {
            return Ok(origin);
        };
        let Some(terminal) = terminal else {
            return Err(product::failed(&listed.id, &origin.repo, &error));
        };
        let again =
            |what: &str| terminal.complain(&clean(&format!("{address}: {}: {what}", error.kind())));
        match error.class {
            Class::Authentication => {
                again(&error.said);
                new.access = Some(access::ask(terminal, &clean(&address))?);
            }
            Class::NotFound | Class::Network => {
                again(&error.said);
                new.address = None;
            }
            _ => return Err(product::failed(&listed.id, &origin.repo, &error)),
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
