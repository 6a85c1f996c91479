//! From files to a sealed stack, as a user would write them.

use super::*;
use crate::base::{Digest, Key, ResourceId, Secret, ValueId};
use crate::diag::Place;
use crate::model::{ContainerSpec, Spec, Stack, flatten};
use crate::observe::{Image, Observed};
use std::collections::BTreeMap;

mod build;
mod compose;
mod delivery;
mod errors;
mod explain;
mod format;
mod hostile;
mod inputs;
pub(super) use inputs::inputs;
mod mounts;
mod platform;
mod ports;
mod products;
mod property;
mod refusals;
mod sealing;
mod secrecy;
mod secrets_of_folder;
mod upgrade;
mod versions;

/// A folder in memory.
#[derive(Clone, Default)]
struct Map(BTreeMap<String, String>);

impl Map {
    fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let own = |(path, text): (&str, &str)| (path.to_owned(), text.to_owned());
        Self(files.into_iter().map(own).collect())
    }

    /// A stack with the product `wiki`, whose app is `app`, and with a deploy file.
    fn wiki(app: &str, deploy: &str) -> Self {
        Self::new([
            ("config/products.yml", "version: 1\nproducts:\n- id: wiki\n"),
            ("products/wiki/nua-config.yml", app),
            ("config/deploy.yml", deploy),
        ])
    }
}

impl Folder for Map {
    fn read(&self, path: &str) -> Result<Option<Arc<Source>>, Unreadable> {
        if self.has_folder(path) {
            return Err(Unreadable::Because("is a directory, not a file".to_owned()));
        }
        Ok(self
            .0
            .get(path)
            .map(|text| Arc::new(Source::new(path, format!("/srv/acme/{path}"), text.clone()))))
    }

    fn has_folder(&self, path: &str) -> bool {
        let inside = |file: &String| file.starts_with(&format!("{path}/"));
        self.0.keys().any(inside)
    }

    /// What a test wrote is what is in it, after a word about whether it can be opened.
    fn decrypt(&self, path: &str) -> Result<Option<secrets::Encrypted>, Unreadable> {
        let Some(text) = self.0.get(path) else {
            return Ok(None);
        };
        let content = match text.split_once(' ') {
            Some(("open", value)) => secrets::Content::Open(Secret::new(value.to_owned())),
            Some(("locked", _)) => secrets::Content::Locked(secrets::Locked {
                why: "is locked".to_owned(),
                help: vec!["find the key".to_owned()],
            }),
            _ => return Err(Unreadable::Because("is damaged".to_owned())),
        };
        Ok(Some(secrets::Encrypted {
            digest: Digest::of(text.as_bytes()),
            content,
        }))
    }

    fn mode(&self, path: &str) -> Option<u32> {
        self.0.get(path).map(|_| {
            if path.ends_with("-open") {
                0o644
            } else {
                0o600
            }
        })
    }

    fn exists(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    fn context(&self, path: &str, rules: &Rules) -> Result<Context, Unsendable> {
        let texts = self
            .0
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()));
        Ok(Context::of_texts(texts, path, rules))
    }

    fn name(&self) -> String {
        "acme".to_owned()
    }
}

/// What an engine says, owned.
struct World {
    key: Key,
    values: BTreeMap<ValueId, Digest>,
    opened: BTreeMap<ValueId, Secret<String>>,
    observed: Observed,
    previous: Option<Stack>,
}

impl World {
    fn new() -> Self {
        Self {
            key: Key::new([7; 32]),
            values: BTreeMap::new(),
            opened: BTreeMap::new(),
            observed: Observed::default(),
            previous: None,
        }
    }

    /// The engine has this image, which declares these volumes.
    fn image(&mut self, reference: &str, volumes: &[&str]) {
        let image = Image {
            id: format!("sha256:{reference}"),
            volumes: volumes.iter().map(|path| (*path).to_owned()).collect(),
            ..Image::default()
        };
        self.observed.images.insert(reference.to_owned(), image);
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            key: &self.key,
            values: &self.values,
            opened: &self.opened,
            observed: &self.observed,
            previous: self.previous.as_ref(),
            local: true,
            api: (1, 44),
            platform: "linux/amd64",
        }
    }
}

fn lines(diagnostics: &Diagnostics) -> String {
    let mut lines = Vec::new();
    for one in diagnostics.sorted() {
        let place = |at: &Place| {
            let (line, column) = at.line_column();
            format!("{}:{line}:{column}", at.source.name)
        };
        let at = one.at.as_ref().map(place).unwrap_or_default();
        lines.push(format!("{} {at} {}", one.code, one.summary).replace("  ", " "));
        if !one.label.is_empty() {
            lines.push(format!("    ^ {}", one.label));
        }
        for (at, text) in &one.related {
            lines.push(format!("    {} {text}", place(at)));
        }
        for help in &one.help {
            lines.push(format!("    help: {help}"));
        }
    }
    lines.join("\n")
}

fn sealed(folder: &Map, world: &World) -> Sealed {
    let mut diagnostics = Diagnostics::new();
    let desired = read(folder, &mut diagnostics);
    let sealed = desired.and_then(|desired| seal(&desired, &world.facts(), &mut diagnostics));
    sealed.unwrap_or_else(|| panic!("{}", lines(&diagnostics)))
}

fn container<'a>(stack: &'a Stack, address: &str) -> &'a ContainerSpec {
    stack
        .container(&ResourceId::container(address))
        .unwrap_or_else(|| panic!("no {address}: {:?}", stack.resources.keys()))
}

/// All resources, a line each: kind, address, name and what it needs.
fn outline(stack: &Stack) -> String {
    let line = |(id, resource): (&ResourceId, &crate::model::Resource)| {
        let needs: Vec<_> = resource
            .needs
            .iter()
            .map(|(id, need)| format!("{id}:{need:?}"))
            .collect();
        format!("{id} = {} {}", resource.name, needs.join(" "))
            .trim_end()
            .to_owned()
    };
    stack
        .resources
        .iter()
        .map(line)
        .collect::<Vec<_>>()
        .join("\n")
}

/// A container's fields, a line each.
fn fields(stack: &Stack, address: &str) -> String {
    let spec = Spec::Container(Box::new(container(stack, address).clone()));
    let flat = flatten(&spec);
    flat.iter()
        .map(|(key, value)| format!("{key} = {value}"))
        .collect::<Vec<_>>()
        .join("\n")
}
