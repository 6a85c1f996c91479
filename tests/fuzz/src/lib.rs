//! What the targets share: a folder in memory, and all that coasti does with files before it asks an engine.

use coasti::base::Digest;
use coasti::build::{Context, Rules, Unsendable};
use coasti::cli::render;
use coasti::config::secrets::{Content, Encrypted, Locked};
use coasti::config::{self, Desired, Folder, Unreadable};
use coasti::diag::{Diagnostics, Source};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Divides an input into files: no text has it by chance.
const BETWEEN: char = '\u{1e}';

/// An input as text; what is no UTF-8 is replaced, as nothing of coasti's sees it.
pub fn text(data: &[u8]) -> String {
    String::from_utf8_lossy(data).into_owned()
}

/// The files of an input, as many as are asked for.
pub fn files<const N: usize>(data: &[u8]) -> [String; N] {
    let text = text(data);
    let mut parts = text.splitn(N, BETWEEN).map(str::to_owned);
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

/// A file of its own.
pub fn source(name: &str, text: impl Into<String>) -> Arc<Source> {
    Arc::new(Source::new(name, format!("/srv/acme/{name}"), text))
}

/// A stack's folder.
pub struct Map(BTreeMap<String, String>);

impl Map {
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let own = |(path, text): (&str, &str)| (path.to_owned(), text.to_owned());
        Self(files.into_iter().map(own).collect())
    }

    /// One that runs a product which is a compose file.
    pub fn composed(compose: &str, over: &str, env: &str) -> Self {
        Self::new([
            ("config/products.yml", "version: 1\nproducts:\n- id: a\n"),
            (
                "config/deploy.yml",
                "version: 1\nstack: acme\nid: 0123456789abcdef0123456789abcdef\nsite:\n- {label: a, image: a, env: {OUTER: x}}\n",
            ),
            (
                "products/a/info.yml",
                "run: {compose: compose.yml, files: [over.yml], env-file: a.env, profiles: [debug]}\n",
            ),
            ("products/a/compose.yml", compose),
            ("products/a/over.yml", over),
            ("products/a/a.env", env),
            ("products/a/common.yml", "services: {web: {image: 'a/b:1', environment: {A: x}}}\n"),
            ("products/a/b/Dockerfile", "FROM a/b:1\n"),
        ])
    }

    /// Puts a file in.
    pub fn put(&mut self, path: &str, text: &str) {
        self.0.insert(path.to_owned(), text.to_owned());
    }
}

impl Folder for Map {
    fn read(&self, path: &str) -> Result<Option<Arc<Source>>, Unreadable> {
        Ok(self.0.get(path).map(|text| source(path, text.as_str())))
    }

    fn decrypt(&self, path: &str) -> Result<Option<Encrypted>, Unreadable> {
        let locked = |text: &String| Encrypted {
            digest: Digest::of(text.as_bytes()),
            content: Content::Locked(Locked {
                why: "is locked".to_owned(),
                help: Vec::new(),
            }),
        };
        Ok(self.0.get(path).map(locked))
    }

    fn exists(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    fn context(&self, path: &str, rules: &Rules) -> Result<Context, Unsendable> {
        let texts = self.0.iter().map(|(path, text)| (path.as_str(), text.as_str()));
        Ok(Context::of_texts(texts, path, rules))
    }

    fn name(&self) -> String {
        "acme".to_owned()
    }
}


/// Shows all that was found, as people and programs see it.
pub fn show(d: &Diagnostics) {
    let _ = render::diag::human(d, false, 80);
    let _ = render::diag::json(d);
}

/// Reads a folder, looks at what comes of it, and shows what is wrong.
pub fn read(folder: &Map) -> Option<Desired> {
    let mut d = Diagnostics::new();
    let desired = config::read(folder, &mut d);
    show(&d);
    assert_eq!(desired.is_none(), d.has_errors());
    let stack = config::preview(desired.as_ref()?);
    let exported = config::export_compose(&stack, &|_| false);
    let _ = config::explain::explain(desired.as_ref()?, "");
    // What was written is read by the same rules.
    let _ = (exported.text, stack.digest());
    desired
}
