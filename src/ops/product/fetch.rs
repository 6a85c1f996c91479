//! Where products come from: git repositories, archives and folders.

use super::archive;
use super::download::download;
use super::error::{Class, FetchError};
use super::folder::folder;
use super::git::Git;
use crate::base::Secret;
use crate::config;
use crate::diag::{Diagnostics, Source};
use crate::ops::temporary::Temporary;
use crate::template::Tree;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

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

/// What was fetched.
#[derive(Debug)]
pub(super) struct Fetched {
    origin: Origin,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// A repository's copy.
    Git(Temporary),
    /// An archive's files, and its digest.
    Archive(Tree, String),
    /// A folder as it is.
    Folder(PathBuf),
}

/// One state of a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    /// The commit, an archive's digest; none of a folder.
    pub(super) commit: Option<String>,
    /// The commit by the nearest tag, as Copier keeps it.
    pub(super) describe: Option<String>,
}

/// What an address names.
enum Place {
    /// A folder without a repository.
    Folder(PathBuf),
    /// An archive on this machine.
    Archive(PathBuf, archive::Kind),
    /// An archive somewhere else.
    Download(archive::Kind),
    /// What git has to know about; its path where it is on this machine.
    Repository(Option<PathBuf>),
}

impl Origin {
    fn place(&self) -> Result<Place, FetchError> {
        let named = self.repo.strip_prefix("file://");
        let path = Path::new(named.unwrap_or(&self.repo));
        let web = ["https://", "http://"]
            .iter()
            .any(|scheme| self.repo.starts_with(scheme));
        if web {
            // What stands behind the path is not its name.
            let path = self.repo.split(['?', '#']).next().unwrap_or_default();
            return Ok(match archive::kind(path)? {
                Some(kind) => Place::Download(kind),
                None => Place::Repository(None),
            });
        }
        if named.is_none() && (self.repo.contains("://") || !path.exists()) {
            // `host:path` is an address as well.
            if !self.repo.contains(':') && !self.repo.starts_with('-') {
                let why = "there is no such file or folder".to_owned();
                return Err(FetchError::new(Class::NotFound, why));
            }
            return Ok(Place::Repository(None));
        }
        if path.is_file()
            && let Some(kind) = archive::kind(&path.to_string_lossy())?
        {
            return Ok(Place::Archive(path.to_owned(), kind));
        }
        let is_repository = path.join(".git").exists()
            || (path.join("HEAD").is_file() && path.join("objects").is_dir());
        Ok(match is_repository {
            true => Place::Repository(Some(path.to_owned())),
            false => Place::Folder(path.to_owned()),
        })
    }

    /// Scheme, `user@` and `host:port` of an URL.
    pub(super) fn authority(&self) -> Option<(&str, Option<&str>, &str)> {
        let (scheme, rest) = self.repo.split_once("://")?;
        let all = rest.split(['/', '?', '#']).next()?;
        Some(match all.rsplit_once('@') {
            Some((user, host)) => (scheme, Some(user), host),
            None => (scheme, None, all),
        })
    }

    /// Refuses what would tell a token to whoever listens, and what is no address.
    fn check(&self) -> Result<(), FetchError> {
        let loopback = |host: &str| {
            let name = match host.strip_prefix('[') {
                Some(rest) => rest.split(']').next().unwrap_or_default(),
                None => host.split(':').next().unwrap_or_default(),
            };
            ["127.0.0.1", "localhost", "::1"].contains(&name)
        };
        if matches!(self.access, Access::Token(_))
            && let Some(("http", _, host)) = self.authority()
            && !loopback(host)
        {
            return Err(FetchError::new(
                Class::Certificate,
                "a token is not sent over plain http: use https",
            ));
        }
        if self.repo.starts_with('-') || self.repo.contains("::") && !self.repo.contains("://") {
            return Err(FetchError::own(
                "that is no repository's address".to_owned(),
            ));
        }
        Ok(())
    }
}

/// Whether a product can be reached with what opens it, and has the branch, tag or commit that is wanted: what is
/// asked before anything is written.
pub async fn probe(origin: &Origin, reference: Option<&str>) -> Result<(), FetchError> {
    if let Place::Repository(_) = origin.place()? {
        origin.check()?;
        let home = Temporary::new().map_err(FetchError::own)?.swept();
        let git = Git::new(origin, home.path())?;
        let ask = |what: String| async move {
            let args = ["ls-remote", "--quiet", "--", &origin.repo, &what];
            git.run(&args, None).await
        };
        let Some(name) = reference else {
            return ask("HEAD".to_owned()).await.map(drop);
        };
        // One that asks for a pattern, or for a commit, is looked for in the repository itself.
        let told = String::from_utf8_lossy(&ask(name.to_owned()).await?).into_owned();
        let names = ["refs/heads/", "refs/tags/"].map(|kind| format!("{kind}{name}"));
        let mut found = told.lines().filter_map(|line| line.split('\t').nth(1));
        if found.any(|found| names.iter().any(|name| name == found)) {
            return Ok(());
        }
    }
    let fetched = fetch(origin).await?;
    match reference {
        Some(_) => fetched.resolve(reference).await.map(drop),
        None => Ok(()),
    }
}

/// The id that a product gives itself; none where it gives none, or nobody can tell.
pub async fn declared_id(origin: &Origin, reference: Option<&str>) -> Option<String> {
    const NAMES: [&str; 4] = ["coasti.yml", "info.yml", "coasti.yaml", "info.yaml"];
    let texts = match origin.place().ok()? {
        Place::Repository(local) => newest(origin, local, reference, &NAMES).await.ok()?,
        _ => {
            let fetched = fetch(origin).await.ok()?;
            let version = fetched.resolve(None).await.ok()?;
            let tree = fetched.tree(&version).await.ok()?;
            let texts = NAMES.iter().filter_map(|name| tree.text(name));
            texts.map(str::to_owned).collect()
        }
    };
    texts.into_iter().find_map(|text| {
        let source = Arc::new(Source::new("coasti.yml", PathBuf::new(), text));
        let root = config::parse(&source, &mut Diagnostics::new())?;
        let id = root.get("id")?.value.scalar()?;
        let fine = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        (!id.is_empty() && id.chars().all(fine)).then_some(id)
    })
}

/// Files of a repository's newest commit, or of a branch's or tag's, without its history.
async fn newest(
    origin: &Origin,
    local: Option<PathBuf>,
    reference: Option<&str>,
    names: &[&str],
) -> Result<Vec<String>, FetchError> {
    origin.check()?;
    let home = Temporary::new().map_err(FetchError::own)?.swept();
    let git = Git::new(origin, home.path())?;
    git.run(&["init", "--quiet", "--bare", "repo"], None)
        .await?;
    let local = local.map(|path| path.to_string_lossy().into_owned());
    let from = local.as_deref().unwrap_or(&origin.repo);
    let what = reference.unwrap_or("HEAD");
    let fetch = [
        "--git-dir=repo",
        "fetch",
        "--quiet",
        "--no-recurse-submodules",
        "--no-tags",
        "--depth=1",
        "--",
        from,
        what,
    ];
    git.run(&fetch, None).await?;
    let mut texts = Vec::new();
    for name in names {
        let object = format!("FETCH_HEAD:{name}");
        let args = ["--git-dir=repo", "cat-file", "blob", &object];
        let found = git.run(&args, None).await.ok();
        texts.extend(found.and_then(|bytes| String::from_utf8(bytes).ok()));
    }
    Ok(texts)
}

/// Gets a product's repository or archive, or takes the folder as it is.
pub(super) async fn fetch(origin: &Origin) -> Result<Fetched, FetchError> {
    origin.check()?;
    let place = origin.place()?;
    let kind = match place {
        Place::Folder(path) => {
            // What is wrong with it is told at once.
            folder(&path)?;
            Kind::Folder(path)
        }
        Place::Archive(path, kind) => {
            let file = fs::File::open(&path).map_err(|error| {
                FetchError::own(format!("{} cannot be read: {error}", path.display()))
            })?;
            unpack(file, kind).await?
        }
        Place::Download(kind) => unpack(download(origin).await?, kind).await?,
        Place::Repository(local) => Kind::Git(repository(origin, local).await?),
    };
    Ok(Fetched {
        origin: origin.clone(),
        kind,
    })
}

async fn unpack(file: fs::File, kind: archive::Kind) -> Result<Kind, FetchError> {
    let work = move || archive::unpack(file, kind);
    let unpacked = tokio::task::spawn_blocking(work).await;
    let unpacked = unpacked.map_err(|error| FetchError::own(error.to_string()))?;
    let (tree, digest) = unpacked.map_err(FetchError::own)?;
    Ok(Kind::Archive(tree, digest))
}

async fn repository(origin: &Origin, local: Option<PathBuf>) -> Result<Temporary, FetchError> {
    let home = Temporary::new().map_err(FetchError::own)?.swept();
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
    Ok(home)
}

impl Fetched {
    pub(super) fn is_archive(&self) -> bool {
        matches!(self.kind, Kind::Archive(..))
    }

    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The state that a branch, tag, commit or description names; without one, the latest tag, else the head.
    pub(super) async fn resolve(&self, wanted: Option<&str>) -> Result<Version, FetchError> {
        let home = match &self.kind {
            Kind::Git(home) => home,
            Kind::Archive(_, digest) if wanted.is_none_or(|wanted| wanted == digest) => {
                return Ok(Version {
                    commit: Some(digest.clone()),
                    describe: Some(digest.clone()),
                });
            }
            Kind::Archive(_, digest) => {
                return Err(FetchError::new(
                    Class::NoSuchVersion,
                    format!(
                        "this archive is {digest}, not {}",
                        wanted.unwrap_or_default()
                    ),
                ));
            }
            Kind::Folder(_) => {
                return Ok(Version {
                    commit: None,
                    describe: None,
                });
            }
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
            (Kind::Archive(tree, _), _) => Ok(tree.clone()),
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
        for (repo, fine) in [
            ("http://example.org/a", false),
            ("http://127.0.0.1.example.org/a", false),
            ("http://localhost@example.org/a", false),
            ("http://127.0.0.1:80/a", true),
            ("http://[::1]:80/a", true),
            ("https://example.org/a", true),
            ("ext::sh -c id", false),
            ("--upload-pack=id", false),
        ] {
            assert_eq!(origin(repo).check().is_ok(), fine, "{repo}");
        }
    }
}
