//! A stack with nothing but the product in it, read from where it is now; remembers what was read.

use crate::base::StackName;
use crate::build::{Context, Entry, Rules, Unsendable};
use crate::config::{Folder, Unreadable};
use crate::diag::Source;
use crate::ops::folder::Disk;
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

pub(super) struct Trial {
    disk: Disk,
    product: String,
    own: BTreeMap<String, String>,
    seen: RefCell<BTreeMap<String, PathBuf>>,
    /// Folders and links that builds take.
    others: RefCell<BTreeMap<String, Entry>>,
    /// What was asked for above the folder, and is there.
    outside: RefCell<BTreeSet<String>>,
}

/// What else a folder says of how it runs is not what is imported.
fn is_of_product(inner: &str) -> bool {
    !inner.contains('/')
        && ["info.", "coasti.", "nua-config."]
            .iter()
            .any(|start| inner.starts_with(start))
}

impl Trial {
    /// With files of the product's that are not there yet.
    pub(super) fn new(root: &Path, stack: &StackName, id: &str, files: &[(&str, &str)]) -> Self {
        let product = format!("products/{id}");
        let deploy =
            format!("version: 1\nstack: {stack}\nsite:\n- {{label: \"{id}\", image: \"{id}\"}}\n");
        let files = files
            .iter()
            .map(|(path, text)| (format!("{product}/{path}"), (*text).to_owned()));
        let own = [
            (
                "config/products.yml".to_owned(),
                format!("version: 1\nproducts:\n- id: \"{id}\"\n"),
            ),
            ("config/deploy.yml".to_owned(), deploy),
        ];
        Self {
            disk: Disk::at(root),
            product: format!("{product}/"),
            own: own.into_iter().chain(files).collect(),
            seen: RefCell::default(),
            others: RefCell::default(),
            outside: RefCell::default(),
        }
    }

    /// Files that were read, by their path in the product, with where they are.
    pub(super) fn seen(&self) -> Vec<(String, PathBuf)> {
        let seen = self.seen.borrow();
        let all = seen.iter().map(|(path, real)| (path.clone(), real.clone()));
        all.collect()
    }

    /// Folders and links that builds take, likewise.
    pub(super) fn others(&self) -> Vec<(String, Entry)> {
        let others = self.others.borrow();
        let all = others
            .iter()
            .map(|(path, what)| (path.clone(), what.clone()));
        all.collect()
    }

    /// What was asked for above the folder, and is there.
    pub(super) fn asked_outside(&self) -> Vec<String> {
        self.outside.borrow().iter().cloned().collect()
    }

    /// A file of the product's.
    pub(super) fn product_file(&self, inner: &str) -> Option<Arc<Source>> {
        self.read(&format!("{}{inner}", self.product)).ok()?
    }

    /// Takes a file along that services mount; none that a link leads out of the folder to.
    pub(super) fn take(&self, inner: &str) -> bool {
        let real = self.disk.root().join(inner);
        if self.leads_out(inner).is_some() || !real.is_file() {
            return false;
        }
        self.seen.borrow_mut().insert(inner.to_owned(), real);
        true
    }

    /// Remembers a path of the trial's that is above the product and there, relative to the folder.
    fn ask_outside(&self, path: &str) {
        let mut product = self.product.trim_end_matches('/').split('/').peekable();
        let mut rest = path.split('/').peekable();
        while product.peek().is_some() && product.peek() == rest.peek() {
            product.next();
            rest.next();
        }
        let up = product.map(|_| "..");
        let real = up.chain(rest).collect::<Vec<_>>().join("/");
        if self.disk.exists(&real) {
            self.outside.borrow_mut().insert(real);
        }
    }

    /// That what stands at a path is not in the folder.
    fn leads_out(&self, inner: &str) -> Option<String> {
        let real = self.disk.root().join(inner).canonicalize().ok()?;
        (!real.starts_with(self.disk.root())).then(|| {
            format!(
                "is a link to {}, which is not in {}",
                real.display(),
                self.disk.root().display()
            )
        })
    }
}

impl Folder for Trial {
    fn read(&self, path: &str) -> Result<Option<Arc<Source>>, Unreadable> {
        if let Some(text) = self.own.get(path) {
            return Ok(Some(Arc::new(Source::new(path, path, text.clone()))));
        }
        let Some(inner) = path.strip_prefix(&self.product) else {
            self.ask_outside(path);
            return Ok(None);
        };
        if is_of_product(inner) {
            return Ok(None);
        }
        if let Some(why) = self.leads_out(inner) {
            return Err(Unreadable::Because(why));
        }
        let Some(source) = self.disk.read(inner)? else {
            return Ok(None);
        };
        self.seen
            .borrow_mut()
            .insert(inner.to_owned(), source.path.clone());
        Ok(Some(Arc::new(Source::new(
            path,
            self.disk.root().join(path),
            source.text.clone(),
        ))))
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
            match what {
                _ if is_of_product(&inner) => {}
                Entry::File { .. } => {
                    let real = self.disk.root().join(&inner);
                    self.seen.borrow_mut().entry(inner).or_insert(real);
                }
                other => drop(self.others.borrow_mut().insert(inner, other.clone())),
            }
        }
        Ok(context)
    }

    fn name(&self) -> String {
        "trial".to_owned()
    }
}
