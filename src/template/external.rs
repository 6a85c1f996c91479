//! Data that a template reads from files which the product has already (`_external_data`).

use super::json;
use super::tree::check_path;
use crate::config::parse;
use crate::diag::{Diagnostics, Source};
use minijinja::value::{Enumerator, Object, Serde, Value};
use minijinja::{Error, ErrorKind};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Reads a file by its path in the product; nothing where it is not there.
pub type Files = Arc<dyn Fn(&str) -> Result<Option<String>, String> + Send + Sync>;

/// What templates call it.
pub(super) const NAME: &str = "_external_data";

/// The files that a template refers to, by the names that it gives them; their paths are Jinja.
#[derive(Clone)]
pub(super) struct External {
    pub(super) named: Vec<(String, String)>,
    pub(super) files: Files,
    missing: Arc<Mutex<BTreeSet<String>>>,
}

impl External {
    pub(super) fn new(named: Vec<(String, String)>, files: Files) -> Self {
        Self {
            named,
            files,
            missing: Arc::default(),
        }
    }

    /// The files that were asked for and are not there.
    pub(super) fn missing(&self) -> BTreeSet<String> {
        let missing = self.missing.lock();
        missing.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// For templates: a file's path, which may come from an answer, is rendered and the file read when one of its
    /// values is asked for.
    pub(super) fn value(&self, render: Render) -> Value {
        Value::from_object(Loaded {
            render,
            external: self.clone(),
        })
    }

    fn read(&self, path: &str) -> Result<Value, String> {
        check_path(path)
            .map_err(|why| format!("`{}` of the product: {why}", path.escape_debug()))?;
        let Some(text) = (self.files)(path)? else {
            let missing = self.missing.lock();
            let mut missing = missing.unwrap_or_else(PoisonError::into_inner);
            missing.insert(path.to_owned());
            return Ok(Value::from(BTreeMap::<String, Value>::new()));
        };
        let mut d = Diagnostics::new();
        let source = Arc::new(Source::new(path, PathBuf::from(path), text));
        match parse(&source, &mut d) {
            Some(node) if !d.has_errors() => Ok(Value::from(Serde(json(&node)))),
            _ => {
                let first = d.sorted().into_iter().next();
                let why = first.map(|one| one.summary.clone()).unwrap_or_default();
                Err(format!("`{path}` of the product cannot be read: {why}"))
            }
        }
    }
}

/// Renders a path.
pub(super) type Render = Box<dyn Fn(&str) -> Result<String, Error> + Send + Sync>;

struct Loaded {
    render: Render,
    external: External,
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(NAME)
    }
}

impl Object for Loaded {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let mut named = self.external.named.iter();
        let (_, path) = named.find(|(name, _)| Some(name.as_str()) == key.as_str())?;
        let path = (self.render)(path).map_err(|error| error.to_string());
        let read = path.and_then(|path| self.external.read(&path));
        Some(read.unwrap_or_else(|why| Error::new(ErrorKind::InvalidOperation, why).into()))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let names = self.external.named.iter();
        Enumerator::Values(names.map(|(name, _)| Value::from(name)).collect())
    }
}
