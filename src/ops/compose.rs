//! `coasti export compose` and `coasti import compose`.

use super::error::OpError;
use super::folder::Disk;
use super::gather::gather;
use crate::base::names;
use crate::build::{Context, Entry, Rules, Unsendable};
use crate::config::{self, Desired, Exported, Folder, Unreadable};
use crate::diag::{Diagnostics, Source};
use crate::engine::Look;
use crate::store::Store;
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A stack as a compose file, and an env file with the values of its variables.
pub struct Export {
    /// The file.
    pub file: Exported,
    /// `NAME='value'` lines, secrets among them.
    pub env: String,
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
    Ok(Export {
        file,
        env,
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

/// What is imported, and as what.
#[derive(Clone, Debug, Default)]
pub struct Import {
    /// The compose file.
    pub file: PathBuf,
    /// The folder that becomes the product's; the file's own where none is said.
    pub root: Option<PathBuf>,
    /// The product's id; the folder's name where none is said.
    pub id: Option<String>,
    /// Files that are laid over it.
    pub files: Vec<PathBuf>,
    /// `.env` files.
    pub env_files: Vec<PathBuf>,
    /// Profiles whose services run.
    pub profiles: Vec<String>,
}

/// What an import did.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The product's id.
    pub id: String,
    /// Files that were copied, relative to the stack's folder.
    pub files: Vec<String>,
    /// Folders that the services mount, which were not copied.
    pub folders: BTreeSet<String>,
    /// Warnings.
    pub diagnostics: Diagnostics,
}

/// Copies a compose file and what it names into a product's folder. Nothing is written where the files are
/// not right.
pub fn import(stack: &Disk, import: &Import) -> Result<Imported, OpError> {
    let absolute = |path: &Path| {
        let found = path.canonicalize();
        found.map_err(|error| OpError::usage(format!("{}: {error}", path.display()), &[]))
    };
    let file = absolute(&import.file)?;
    let root = match &import.root {
        Some(root) => absolute(root)?,
        None => file.parent().unwrap_or(Path::new("/")).to_owned(),
    };
    let inside = |path: &Path| -> Result<String, OpError> {
        let path = absolute(path)?;
        let inner = path.strip_prefix(&root).map_err(|_| {
            let what = format!("{} is not in {}", path.display(), root.display());
            OpError::usage(what, &["`--root DIR` names a folder that all of it is in"])
        })?;
        Ok(inner.to_string_lossy().into_owned())
    };
    let folder_name = root
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let id = names::sanitize(
        import
            .id
            .as_deref()
            .or(folder_name.as_deref())
            .unwrap_or_default(),
    );
    if id.is_empty() {
        return Err(OpError::usage(
            "the product needs an id of letters and digits",
            &["`--id ID` gives it one"],
        ));
    }
    let product = format!("products/{id}");
    let place = stack.root().join(&product);
    if place.exists() {
        return Err(OpError::usage(
            format!("{product} is there already"),
            &["`--id ID` gives the product another name"],
        ));
    }
    let list = |paths: &[PathBuf]| -> Result<Vec<String>, OpError> {
        paths.iter().map(|path| inside(path)).collect()
    };
    let run = serde_json::json!({
        "compose": inside(&import.file)?,
        "files": list(&import.files)?,
        "env_file": list(&import.env_files)?,
        "profiles": import.profiles,
    });
    let mut info = "version: 1\nrun:\n".to_owned();
    for (key, value) in run.as_object().into_iter().flatten() {
        if value.as_array().is_none_or(|all| !all.is_empty()) {
            let _ = writeln!(info, "  {key}: {value}");
        }
    }
    let trial = Trial::new(&root, &product, &id, &info);
    let mut diagnostics = Diagnostics::new();
    let Some(desired) = config::read(&trial, &mut diagnostics) else {
        return Err(OpError::Files(diagnostics));
    };
    let mounted = desired.directories();
    let start = format!("{}/", root.display());
    let folders = mounted.iter().filter_map(|path| path.strip_prefix(&start));
    let folders = folders.map(str::to_owned).collect();
    let written = |error: std::io::Error| {
        OpError::usage(format!("{product} cannot be written: {error}"), &[])
    };
    let mut files = Vec::new();
    let others = trial.others.into_inner();
    for (path, real) in trial.seen.into_inner() {
        let to = stack.root().join(&path);
        std::fs::create_dir_all(to.parent().unwrap_or(&place)).map_err(written)?;
        // With its rights: an env file may be its owner's alone.
        std::fs::copy(real, &to).map_err(written)?;
        files.push(path);
    }
    for (path, entry) in others {
        let to = stack.root().join(&path);
        std::fs::create_dir_all(to.parent().unwrap_or(&place)).map_err(written)?;
        match entry {
            Entry::Link { to: target } if to.symlink_metadata().is_err() => {
                std::os::unix::fs::symlink(target, &to).map_err(written)?;
                files.push(path);
            }
            Entry::Folder { .. } => std::fs::create_dir_all(&to).map_err(written)?,
            _ => {}
        }
    }
    std::fs::create_dir_all(&place).map_err(written)?;
    std::fs::write(place.join("info.yml"), info).map_err(written)?;
    files.push(format!("{product}/info.yml"));
    Ok(Imported {
        id,
        files,
        folders,
        diagnostics,
    })
}

/// A stack with nothing but the product in it, read from where it is now; remembers what was read.
struct Trial {
    disk: Disk,
    product: String,
    own: BTreeMap<String, String>,
    seen: RefCell<BTreeMap<String, PathBuf>>,
    /// Folders and links that builds take.
    others: RefCell<BTreeMap<String, Entry>>,
}

/// What else a folder says of how it runs is not what is imported.
fn is_of_product(inner: &str) -> bool {
    !inner.contains('/')
        && ["info.", "coasti.", "nua-config."]
            .iter()
            .any(|start| inner.starts_with(start))
}

impl Trial {
    fn new(root: &Path, product: &str, id: &str, info: &str) -> Self {
        let deploy =
            format!("version: 1\nstack: trial\nsite:\n- {{label: trial, image: \"{id}\"}}\n");
        let own = [
            (
                "config/products.yml".to_owned(),
                format!("version: 1\nproducts:\n- id: \"{id}\"\n"),
            ),
            ("config/deploy.yml".to_owned(), deploy),
            (format!("{product}/info.yml"), info.to_owned()),
        ];
        Self {
            disk: Disk::at(root),
            product: format!("{product}/"),
            own: own.into(),
            seen: RefCell::default(),
            others: RefCell::default(),
        }
    }
}

impl Folder for Trial {
    fn read(&self, path: &str) -> Result<Option<Arc<Source>>, Unreadable> {
        if let Some(text) = self.own.get(path) {
            return Ok(Some(Arc::new(Source {
                name: path.to_owned(),
                path: path.into(),
                text: text.clone(),
            })));
        }
        let Some(inner) = path.strip_prefix(&self.product) else {
            return Ok(None);
        };
        if is_of_product(inner) {
            return Ok(None);
        }
        let Some(source) = self.disk.read(inner)? else {
            return Ok(None);
        };
        self.seen
            .borrow_mut()
            .insert(path.to_owned(), source.path.clone());
        Ok(Some(Arc::new(Source {
            // Folders that it mounts are told as they are now.
            path: self.disk.root().join(path),
            name: path.to_owned(),
            text: source.text.clone(),
        })))
    }

    fn exists(&self, path: &str) -> bool {
        let inner = path.strip_prefix(&self.product);
        self.own.contains_key(path) || inner.is_some_and(|inner| self.disk.exists(inner))
    }

    fn context(&self, path: &str, rules: &Rules) -> Result<Context, Unsendable> {
        let inner = format!("{path}/");
        let Some(inner) = inner.strip_prefix(&self.product) else {
            return Err(Unsendable {
                path: String::new(),
                why: "is not in the folder that is imported (`--root DIR` names another)"
                    .to_owned(),
                ignorable: false,
            });
        };
        let context = self.disk.context(inner.trim_end_matches('/'), rules)?;
        for (entry, what) in &context.0 {
            let inner = format!("{inner}{entry}");
            let to = format!("{}{inner}", self.product);
            match what {
                _ if is_of_product(&inner) => {}
                Entry::File { .. } => {
                    let real = self.disk.root().join(&inner);
                    self.seen.borrow_mut().entry(to).or_insert(real);
                }
                other => drop(self.others.borrow_mut().insert(to, other.clone())),
            }
        }
        Ok(context)
    }

    fn name(&self) -> String {
        "trial".to_owned()
    }
}
