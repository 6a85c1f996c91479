//! `config/products.yml` and `config/tools.yml`: what is installed, from where, and whether it may run.

use super::doc::{Node, Sp, Table, parse};
use super::info::{Compose, Info};
use super::{Folder, codes, load, secrecy};
use crate::base::names;
use crate::diag::{Diagnostic, Diagnostics, Place, Source};
use std::sync::Arc;

/// The installer's words for how a repository is reached; a file of version 1 has `auth` instead.
const TYPES: &[&str] = &["skip", "Auth Token", "SSH Key"];

/// The words of `auth`.
const AUTH: &[&str] = &["none", "token", "ssh-key"];

/// How a product's repository is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    /// Whoever knows the address may read it.
    #[default]
    None,
    /// With a token over https.
    Token,
    /// With a key over ssh.
    SshKey,
}

/// What a file lists of one product or tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// Whether it is a tool, which products share.
    pub tool: bool,
    /// What people call it.
    pub title: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// The version that is meant to be installed.
    pub version: Option<String>,
    /// Its repository: an URL, an ssh address or a path.
    pub repo: Option<String>,
    /// Branch, tag or commit; none is the latest tag.
    pub reference: Option<String>,
    /// How the repository is reached. What it takes stands in `config/secrets/vcs_auth_ID`.
    pub auth: Auth,
    /// Its folder, relative to the stack's.
    pub path: String,
    /// Whether sites may run it.
    pub enabled: bool,
}

/// A product or tool that is installed.
#[derive(Clone, Debug)]
pub(super) struct Product {
    /// Its id.
    pub id: Sp<String>,
    /// What the list says of it.
    pub listed: Listed,
    /// What it says of itself.
    pub info: Info,
    /// Whether something was wrong with that.
    pub broken: bool,
}

/// The id that names of a product are compared by, as nua does: `nua-`, `.tar`, case and `_` do not count.
pub(super) fn plain_id(text: &str) -> String {
    let text = text.trim().to_ascii_lowercase();
    let text = text.strip_suffix(".tar").unwrap_or(&text);
    text.strip_prefix("nua-").unwrap_or(text).replace('_', "-")
}

impl Product {
    /// Whether `plain` (see [`plain_id`]) names it.
    pub(super) fn is_called(&self, plain: &str) -> bool {
        let app = self.info.app.as_ref().and_then(|app| app.id.as_ref());
        let own = [Some(&self.id), app, self.info.id.as_ref()];
        own.iter().flatten().any(|id| plain_id(&id.value) == plain)
    }
}

/// What is listed, for who works on that. Nothing is read of what is installed.
pub fn list(folder: &dyn Folder, d: &mut Diagnostics) -> Vec<Listed> {
    let (entries, _) = entries(folder, d);
    entries.into_iter().map(|entry| entry.listed).collect()
}

/// What is installed.
pub(super) struct Products {
    /// Products and tools.
    pub all: Vec<Product>,
    /// Whether that is all of them: nothing stands in the lists that cannot be understood.
    pub whole: bool,
}

/// Reads both files and the products that they list.
pub(super) fn read(folder: &dyn Folder, d: &mut Diagnostics) -> Products {
    let (entries, whole) = entries(folder, d);
    let mut products = Vec::new();
    for entry in entries {
        let mut own = Diagnostics::new();
        let mut info = Info::read(folder, &entry.listed.path, &mut own);
        // Whoever keeps the stack has the last word on how a product runs.
        if let Some(run) = entry.run {
            info.app = None;
            info.run = Some(run);
        }
        if let Some(run) = &info.run {
            run.check(folder, &mut own);
        }
        let broken = own.has_errors();
        // What a disabled product says is nobody's problem.
        if entry.listed.enabled {
            d.extend(own);
        }
        products.push(Product {
            id: entry.id,
            listed: entry.listed,
            info,
            broken,
        });
    }
    Products {
        all: products,
        whole,
    }
}

/// An entry of a list.
struct Entry {
    id: Sp<String>,
    path_at: Option<Place>,
    listed: Listed,
    run: Option<Compose>,
}

/// The entries, and whether that is all of them.
fn entries(folder: &dyn Folder, d: &mut Diagnostics) -> (Vec<Entry>, bool) {
    let mut entries = Vec::new();
    let mut whole = true;
    match load(folder, "config/products.yml", d) {
        Loaded::Read(source) => whole &= file(&source, false, &mut entries, d),
        Loaded::Broken => whole = false,
        Loaded::Missing => {
            whole = false;
            d.push(
                Diagnostic::error(codes::NO_FILE, None, "`config/products.yml` is missing").help(
                    "a stack's folder has it; an empty one is `version: 1` and `products: []`",
                ),
            );
        }
    }
    match load(folder, "config/tools.yml", d) {
        Loaded::Read(source) => whole &= file(&source, true, &mut entries, d),
        Loaded::Broken => whole = false,
        Loaded::Missing => {}
    }
    check_apart(&entries, d);
    (entries, whole)
}

/// No two have one id or one folder, nor stands one's folder in another's.
fn check_apart(entries: &[Entry], d: &mut Diagnostics) {
    let said = |code, at: &Option<Place>, summary: String, first: &Option<Place>| {
        let error = Diagnostic::error(code, at.clone(), summary).label("the second");
        match first {
            Some(place) => error.related(place.clone(), "the first"),
            None => error,
        }
    };
    let within = |inner: &str, outer: &str| {
        let rest = inner.strip_prefix(outer);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    for (n, entry) in entries.iter().enumerate() {
        let same = |other: &&Entry| plain_id(&other.id.value) == plain_id(&entry.id.value);
        let before = || entries.iter().take(n);
        if let Some(first) = before().find(same) {
            let summary = format!("two products are called `{}`", entry.id.value);
            let code = codes::DUPLICATE_PRODUCT;
            d.push(said(code, &entry.id.at, summary, &first.id.at));
            continue;
        }
        let (path, at) = (entry.listed.path.as_str(), &entry.path_at);
        let clash = before()
            .find(|other| within(path, &other.listed.path) || within(&other.listed.path, path));
        if let Some(first) = clash {
            let (id, other) = (&entry.id.value, &first.id.value);
            let summary = format!("`{id}` and `{other}` stand in one folder, `{path}`");
            d.push(said(codes::SAME_FOLDER, at, summary, &first.path_at));
        }
    }
}

/// What came of a file.
pub(super) enum Loaded {
    /// Its text.
    Read(Arc<Source>),
    /// There is none.
    Missing,
    /// It cannot be read; that was said.
    Broken,
}

/// How many entries a list may have: each is compared with all others.
const MOST: usize = 1_000;

/// Whether all that it lists could be understood.
fn file(source: &Arc<Source>, tool: bool, entries: &mut Vec<Entry>, d: &mut Diagnostics) -> bool {
    let Some(root) = parse(source, d) else {
        return false;
    };
    let Some(mut table) = Table::of(&root, "", d) else {
        return false;
    };
    super::check_version(&mut table, d);
    // The installer writes which version of itself made the file.
    table.text("coasti-version", d);
    let mut own = Diagnostics::new();
    let (key, other) = match tool {
        true => ("tools", "products"),
        false => ("products", "tools"),
    };
    let nodes = table.list(key, &mut own);
    let mut whole = !own.has_errors();
    d.extend(own);
    if let Some(node) = nodes.get(MOST) {
        let summary = format!("`{}` has more than 1,000 entries", source.name);
        d.push(Diagnostic::error(
            codes::TOO_LARGE,
            Some(node.at.clone()),
            summary,
        ));
        whole = false;
    }
    for node in nodes.iter().take(MOST) {
        match entry(node, tool, d) {
            Some(one) => entries.push(one),
            None => whole = false,
        }
    }
    let named = table.unknown().find(|(entry, _)| entry.key == other);
    if let Some(at) = named.map(|(entry, _)| entry.key_at.clone()) {
        let _ = table.take(other, d);
        let summary = format!("unknown key `{other}`");
        let error = Diagnostic::error(codes::UNKNOWN_KEY, Some(at), summary);
        let help = format!("this file lists {key}: call it `{key}`");
        d.push(error.label("not known here").help(help));
        whole = false;
    }
    table.finish(d);
    whole
}

fn entry(node: &Node, tool: bool, d: &mut Diagnostics) -> Option<Entry> {
    let what = if tool { "a tool" } else { "a product" };
    let mut table = Table::of(node, what, d)?;
    let id = table.text("id", d);
    let repo = table.text("vcs-repo", d);
    let path = table.text("dst-path", d);
    let reference = table.text("vcs-ref", d);
    let auth = auth(&mut table, d);
    let enabled = table.flag("enabled", d).is_none_or(|flag| flag.value);
    let mut words = |key, d: &mut Diagnostics| table.text(key, d).map(|text| text.value);
    let (title, description, version) = (
        words("title", d),
        words("description", d),
        words("version", d),
    );
    let run = table.take("run", d);
    check_repo(repo.as_ref(), d);
    let reference = reference.filter(|reference| !reference.value.is_empty());
    if let Some(reference) = &reference {
        check_reference(reference, d);
    }
    // Without an id the installer names a product after its repository.
    let id = id.or_else(|| {
        let repo = repo.as_ref()?;
        Some(Sp {
            value: repository_name(&repo.value)?.to_owned(),
            at: repo.at.clone(),
        })
    });
    if id.is_none() {
        table.missing("id", d);
    }
    table.finish(d);
    let id = id.filter(|id| check_id(id, what, d))?;
    let default = Sp {
        value: format!("{}/{}", if tool { "tools" } else { "products" }, id.value),
        at: id.at.clone(),
    };
    let said = path.as_ref().unwrap_or(&default);
    let at = said.at.clone();
    let path = inside(&root_of(&node.at.source.path), said, &default.value, d)?;
    let run = run.and_then(|node| Compose::read(node, &path, d));
    Some(Entry {
        path_at: at,
        listed: Listed {
            id: id.value.clone(),
            tool,
            title,
            description,
            version,
            repo: repo.map(|repo| repo.value),
            reference: reference.map(|reference| reference.value),
            auth,
            path,
            enabled,
        },
        run,
        id,
    })
}

/// The last part of a repository's address.
pub(super) fn repository_name(address: &str) -> Option<&str> {
    let name = address.trim_end_matches('/').rsplit(['/', ':']).next()?;
    let name = name.strip_suffix(".git").unwrap_or(name);
    (!name.is_empty()).then_some(name)
}

/// Whether something of coasti's own has that name in `config` or `config/secrets`.
fn is_reserved(id: &str) -> bool {
    const OWN: &[&str] = &[
        "credentials.csv",
        "install_answers.yml",
        "known_hosts",
        "products.yml",
        "recipients.txt",
        "secrets",
        "services.env",
        "tools.yml",
    ];
    let (name, end) = id.rsplit_once('.').unwrap_or((id, ""));
    let deploy = name == "deploy" || name.starts_with("deploy.");
    OWN.contains(&id)
        || deploy && ["yml", "yaml", "toml", "json"].contains(&end)
        || end == "coasti-new"
}

/// An id is a part of paths, and of a secret's name.
fn check_id(id: &Sp<String>, what: &str, d: &mut Diagnostics) -> bool {
    let fine = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let text = id.value.as_str();
    let good = text.chars().all(fine) && !text.starts_with(['.', '-']) && text.len() <= 100;
    if is_reserved(text) {
        d.push(
            Diagnostic::error(
                codes::BAD_VALUE,
                id.at.clone(),
                format!("`{text}` cannot be the id of {what}"),
            )
            .label("coasti has a file of that name in `config`")
            .help("`config/ID` and `config/secrets/ID` become links into its folder: choose another name"),
        );
        return false;
    }
    if !good || text.is_empty() {
        d.push(
            Diagnostic::error(
                codes::BAD_VALUE,
                id.at.clone(),
                format!("`{text}` cannot be the id of {what}"),
            )
            .help("letters, digits, `_`, `-` and `.`, the first a letter or digit"),
        );
        return false;
    }
    true
}

fn check_repo(repo: Option<&Sp<String>>, d: &mut Diagnostics) {
    let Some(repo) = repo else { return };
    let bad = |why: &str| {
        let summary = format!("`vcs-repo` cannot be `{}`", repo.value);
        Diagnostic::error(codes::BAD_VALUE, repo.at.clone(), summary).help(why)
    };
    if secrecy::has_credentials(&repo.value) {
        d.push(
            Diagnostic::warning(
                codes::SECRET_IN_FILE,
                repo.at.clone(),
                "the repository's address has a password in it",
            )
            .label("this file is committed")
            .help("write the address without it, `auth: token`, and the token into config/secrets/vcs_auth_ID"),
        );
    } else if repo.value.trim().is_empty() {
        d.push(bad("an address, such as `https://example.org/product.git`"));
    } else if repo.value.starts_with('-') || repo.value.contains(char::is_control) {
        d.push(bad("an address does not start with `-`"));
    }
}

/// What git takes as a name, and what nobody can take for an option of git's.
fn check_reference(reference: &Sp<String>, d: &mut Diagnostics) {
    let text = reference.value.as_str();
    let wrong = |c: char| c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c);
    if text.starts_with('-') || text.contains("..") || text.contains(wrong) {
        let summary = format!("`vcs-ref` cannot be `{text}`");
        d.push(
            Diagnostic::error(codes::BAD_VALUE, reference.at.clone(), summary)
                .help("a branch, a tag or a commit; nothing is the latest tag"),
        );
    }
}

/// `auth`, or the installer's `vcs_auth_type` and `vcs_auth_value`.
fn auth(table: &mut Table<'_>, d: &mut Diagnostics) -> Auth {
    let own = table.text("auth", d);
    let kind = table.text("vcs-auth-type", d);
    let value = table.text("vcs-auth-value", d);
    let from = |word: &str| match word {
        "token" | "Auth Token" => Auth::Token,
        "ssh-key" | "SSH Key" => Auth::SshKey,
        _ => Auth::None,
    };
    if let Some(value) = &value
        && !matches!(value.value.as_str(), "__skip__" | "__file__" | "")
    {
        d.push(
            Diagnostic::warning(
                codes::SECRET_IN_FILE,
                value.at.clone(),
                "`vcs-auth-value` is a secret that stands in a file",
            )
            .label("this file is committed")
            .help("put it into config/secrets/vcs_auth_ID, readable by you only")
            .help("here write `__file__`, and make a new token: this one was seen"),
        );
    }
    if let Some(kind) = &kind {
        super::app::one_of(kind, "`vcs-auth-type`", TYPES, d);
    }
    let Some(own) = own else {
        return kind.map_or(Auth::None, |kind| from(&kind.value));
    };
    super::app::one_of(&own, "`auth`", AUTH, d);
    if let Some(kind) = kind {
        let error = Diagnostic::error(
            codes::DUPLICATE_KEY,
            own.at.clone(),
            "`auth` and `vcs-auth-type` are names of one thing",
        );
        d.push(match kind.at {
            Some(place) => error.related(place, "the first"),
            None => error,
        });
    }
    from(&own.value)
}

/// The stack's folder, told by where a file of `config/` really is.
fn root_of(path: &std::path::Path) -> String {
    let root = path.parent().and_then(std::path::Path::parent);
    root.map(|root| root.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// A product's folder, relative to the stack's.
fn inside(root: &str, path: &Sp<String>, default: &str, d: &mut Diagnostics) -> Option<String> {
    let text = path.value.as_str();
    if text.starts_with('/') {
        // The installer writes absolute paths; they are good where the folder still stands there.
        let root = root.trim_end_matches('/');
        let own = text.strip_prefix(root);
        if let Some(rest) = own.filter(|rest| rest.starts_with('/') && !root.is_empty()) {
            return within(&path.at, text, rest, d);
        }
        // Where it was made elsewhere (another machine, or through a link), the end of it still tells.
        if text.trim_end_matches('/').ends_with(&format!("/{default}")) {
            d.push(
                Diagnostic::warning(
                    codes::MOVED_FOLDER,
                    path.at.clone(),
                    format!("`{text}` is read as `{default}`"),
                )
                .label("the stack's folder is another one now")
                .help("`coasti migrate` writes it relative to the folder"),
            );
            return Some(default.to_owned());
        }
        d.push(outside(&path.at, text));
        return None;
    }
    within(&path.at, text, text, d)
}

/// Likewise of an absolute path, for who writes it anew.
pub(super) fn relative(file: &std::path::Path, path: &str, default: &str) -> Option<String> {
    let path = Sp::preset(path.to_owned());
    inside(&root_of(file), &path, default, &mut Diagnostics::new())
}

fn outside(at: &Option<Place>, shown: &str) -> Diagnostic {
    let summary = format!("`{shown}` is not in the stack's folder");
    Diagnostic::error(codes::BAD_PATH, at.clone(), summary)
        .help("write it relative to the folder: `products/NAME`")
}

fn within(at: &Option<Place>, shown: &str, path: &str, d: &mut Diagnostics) -> Option<String> {
    const OWN: &[&str] = &["config", "data", "logs"];
    let Some(path) = names::path(path) else {
        d.push(outside(at, shown));
        return None;
    };
    let first = path.split('/').next().unwrap_or_default();
    if path.is_empty() || OWN.contains(&first) || first.starts_with('.') {
        let summary = format!("a product cannot stand in `{shown}`");
        d.push(
            Diagnostic::error(codes::BAD_PATH, at.clone(), summary)
                .help("`products/NAME`, or another folder of its own"),
        );
        return None;
    }
    Some(path)
}

/// Where to look for an image archive of that name.
pub(super) fn archive(folder: &dyn Folder, product: &Product, tag: &str) -> Option<String> {
    let id = product.info.app.as_ref().and_then(|app| app.id.as_ref());
    let id = names::sanitize(&id.unwrap_or(&product.id).value);
    [&product.listed.path, "archives", "images"]
        .iter()
        .map(|place| format!("{place}/nua-{id}:{tag}.tar"))
        .find(|path| folder.exists(path))
}

/// Where a product is listed.
pub(super) fn place(product: &Product) -> Option<Place> {
    product.id.at.clone()
}
