//! `config/products.yml` and `config/tools.yml`: what is installed, and the app definition in each.

use super::app::App;
use super::doc::{Node, Sp, Table, parse};
use super::{Folder, codes, load};
use crate::base::names;
use crate::diag::{Diagnostic, Diagnostics, Place, Source};
use std::sync::Arc;

/// A product or tool that is installed.
#[derive(Clone, Debug)]
pub(super) struct Product {
    /// Its id.
    pub id: Sp<String>,
    /// Whether sites may run it.
    pub enabled: bool,
    /// Its folder.
    pub path: String,
    /// How it runs; none where it does not say so.
    pub app: Option<App>,
    /// Whether something was wrong with what it says.
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
        let own = self.app.as_ref().and_then(|app| app.id.as_ref());
        plain_id(&self.id.value) == plain || own.is_some_and(|id| plain_id(&id.value) == plain)
    }
}

/// Reads both files and the products that they list.
pub(super) fn read(folder: &dyn Folder, d: &mut Diagnostics) -> Vec<Product> {
    let mut products = Vec::new();
    match load(folder, "config/products.yml", d) {
        Loaded::Read(source) => list(folder, &source, "products", &mut products, d),
        Loaded::Broken => {}
        Loaded::Missing => d.push(
            Diagnostic::error(codes::NO_FILE, None, "`config/products.yml` is missing")
                .help("a stack's folder has it; an empty one is `version: 1` and `products: []`"),
        ),
    }
    if let Loaded::Read(source) = load(folder, "config/tools.yml", d) {
        list(folder, &source, "tools", &mut products, d);
    }
    for (n, product) in products.iter().enumerate() {
        let same = |other: &&Product| plain_id(&other.id.value) == plain_id(&product.id.value);
        if let Some(first) = products.iter().take(n).find(same) {
            let error = Diagnostic::error(
                codes::DUPLICATE_PRODUCT,
                product.id.at.clone(),
                format!("two products are called `{}`", product.id.value),
            )
            .label("the second");
            d.push(match &first.id.at {
                Some(place) => error.related(place.clone(), "the first"),
                None => error,
            });
        }
    }
    products
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

fn list(
    folder: &dyn Folder,
    source: &Arc<Source>,
    key: &'static str,
    products: &mut Vec<Product>,
    d: &mut Diagnostics,
) {
    let Some(root) = parse(source, d) else {
        return;
    };
    let Some(mut table) = Table::of(&root, "", d) else {
        return;
    };
    super::check_version(&mut table, d);
    table.accept(&["coasti-version"]);
    for node in table.list(key, d) {
        if let Some(product) = entry(folder, node, key, d) {
            products.push(product);
        }
    }
    table.finish(d);
}

fn entry(folder: &dyn Folder, node: &Node, key: &str, d: &mut Diagnostics) -> Option<Product> {
    let mut table = Table::of(node, "a product", d)?;
    let id = table.text("id", d);
    let repo = table.text("vcs-repo", d);
    let path = table.text("dst-path", d);
    let enabled = table.flag("enabled", d).is_none_or(|flag| flag.value);
    table.accept(&[
        "vcs-ref",
        "vcs-auth-type",
        "vcs-auth-value",
        "version",
        "title",
        "description",
    ]);
    // Without an id the installer names a product after its repository.
    let id = id.or_else(|| {
        let repo = repo?;
        let name = repo.value.trim_end_matches('/').rsplit(['/', ':']).next()?;
        let name = name.strip_suffix(".git").unwrap_or(name);
        (!name.is_empty()).then(|| Sp {
            value: name.to_owned(),
            at: repo.at.clone(),
        })
    });
    if id.is_none() {
        table.missing("id", d);
    }
    table.finish(d);
    let id = id?;
    let default = Sp {
        value: format!("{key}/{}", id.value),
        at: id.at.clone(),
    };
    let path = inside(&root_of(&node.at.source.path), &path.unwrap_or(default), d)?;
    let mut own = Diagnostics::new();
    let app = app(folder, &path, &mut own);
    let broken = own.has_errors();
    // What a disabled product says is nobody's problem.
    if enabled {
        d.extend(own);
    }
    Some(Product {
        id,
        enabled,
        path,
        app,
        broken,
    })
}

/// The stack's folder, told by where a file of `config/` really is.
fn root_of(path: &std::path::Path) -> String {
    let root = path.parent().and_then(std::path::Path::parent);
    root.map(|root| root.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// A product's folder, relative to the stack's.
fn inside(root: &str, path: &Sp<String>, d: &mut Diagnostics) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    let mut text = path.value.as_str();
    let mut out = false;
    if text.starts_with('/') {
        // The installer writes absolute paths; they are good where the folder still stands there.
        let own = text
            .strip_prefix(root.trim_end_matches('/'))
            .filter(|rest| rest.starts_with('/') && !root.is_empty());
        match own {
            Some(rest) => text = rest,
            None => out = true,
        }
    }
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => out |= parts.pop().is_none(),
            part => parts.push(part),
        }
    }
    if out {
        d.push(
            Diagnostic::error(
                codes::BAD_PATH,
                path.at.clone(),
                format!("`{}` is not in the stack's folder", path.value),
            )
            .help("write it relative to the folder: `products/NAME`"),
        );
        return None;
    }
    Some(parts.join("/"))
}

/// The app definition in a product's folder.
fn app(folder: &dyn Folder, path: &str, d: &mut Diagnostics) -> Option<App> {
    for name in ["info.yml", "coasti.yml", "info.yaml", "coasti.yaml"] {
        let Loaded::Read(source) = load(folder, &format!("{path}/{name}"), d) else {
            continue;
        };
        // The rest of that file is the installer's.
        let root = parse(&source, d)?;
        if let Some(node) = root.get("app").filter(|node| !node.is_null()) {
            return App::read(node, "`app`", d);
        }
    }
    for place in ["", "nua/", "nua/metadata/"] {
        for end in ["json", "toml", "yaml", "yml"] {
            let file = format!("{path}/{place}nua-config.{end}");
            if let Loaded::Read(source) = load(folder, &file, d) {
                let root = parse(&source, d)?;
                return App::read(&root, "", d);
            }
        }
    }
    None
}

/// Where to look for an image archive of that name.
pub(super) fn archive(folder: &dyn Folder, product: &Product, tag: &str) -> Option<String> {
    let id = product.app.as_ref().and_then(|app| app.id.as_ref());
    let id = names::sanitize(&id.unwrap_or(&product.id).value);
    [&product.path, "archives", "images"]
        .iter()
        .map(|place| format!("{place}/nua-{id}:{tag}.tar"))
        .find(|path| folder.exists(path))
}

/// Where a product is listed.
pub(super) fn place(product: &Product) -> Option<Place> {
    product.id.at.clone()
}
