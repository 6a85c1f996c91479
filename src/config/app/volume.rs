//! Volumes: managed ones, directories of the host, memory.

use super::{entries, one_of};
use crate::base::size;
use crate::config::doc::{Node, Sp, Table, Value, wrong_type};
use crate::config::{codes, labels};
use crate::diag::{Before, Diagnostic, Diagnostics, Place};
use crate::model::Selinux;
use std::collections::BTreeMap;

/// What a volume is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::config) enum VolumeKind {
    /// A volume of the engine's.
    #[default]
    Managed,
    /// A directory of the engine's host.
    Directory,
    /// Memory.
    Tmpfs,
}

/// A volume as written; what is not said may come from elsewhere.
#[derive(Clone, Debug)]
pub(in crate::config) struct VolumeDef {
    /// Where it stands; none for one that a service brings.
    pub at: Option<Place>,
    /// Its name, or the directory's path.
    pub name: Option<Sp<String>>,
    /// Its path in the container, without a `/` at the end.
    pub target: Sp<String>,
    /// Managed, directory or tmpfs.
    pub kind: Option<VolumeKind>,
    /// The driver, where it is not Docker's own.
    pub driver: Option<String>,
    /// The driver's options.
    pub options: BTreeMap<String, String>,
    /// Whether the container may only read it.
    pub read_only: Option<bool>,
    /// Whether it is there already and not coasti's to make.
    pub external: Option<bool>,
    /// Whether a directory is made where it is missing.
    pub create: Option<bool>,
    /// Labels of the engine's volume.
    pub labels: BTreeMap<String, String>,
    /// For whom a directory is labelled on hosts with SELinux.
    pub selinux: Option<Selinux>,
    /// Which mounts below a directory are seen on the other side, in Docker's words.
    pub propagation: Option<String>,
    /// Whether it stays empty where the image has files at its path.
    pub nocopy: Option<bool>,
    /// Bytes of a tmpfs.
    pub size: Option<i64>,
    /// Permission bits of a tmpfs.
    pub mode: Option<u32>,
}

/// Words of `selinux` and `propagation`.
const SELINUX: &[&str] = &["z", "Z"];
const PROPAGATION: &[&str] = &[
    "private", "rprivate", "shared", "rshared", "slave", "rslave",
];

/// Reads a volume's labels.
fn labels(node: Option<&Node>, d: &mut Diagnostics) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    for entry in entries(node, "`labels` of a volume", d) {
        let name = &entry.key;
        if let Some(error) = labels::own(name, &entry.key_at) {
            d.push(error);
            continue;
        }
        match entry.node.value.scalar() {
            Some(text) => drop(labels.insert(name.clone(), text)),
            None => {
                let what = format!("the label `{name}` of a volume");
                d.push(wrong_type(&what, "text or a number", &entry.node));
            }
        }
    }
    labels
}

/// Reads a list of volumes.
pub(super) fn read(nodes: &[Node], d: &mut Diagnostics) -> Vec<VolumeDef> {
    let mut volumes: Vec<VolumeDef> = Vec::new();
    let mut seen: BTreeMap<String, Option<Place>> = BTreeMap::new();
    for node in nodes {
        let Some(volume) = VolumeDef::read(node, d) else {
            continue;
        };
        let path = &volume.target.value;
        if let Some(first) = seen.get(path) {
            let error = Diagnostic::error(
                codes::MOUNT_TWICE,
                volume.target.at.clone(),
                format!("two volumes at `{path}`"),
            )
            .label("the second");
            d.push(match first {
                Some(place) => error.related(place.clone(), "the first"),
                None => error,
            });
        } else {
            seen.insert(path.clone(), volume.target.at.clone());
            volumes.push(volume);
        }
    }
    volumes
}

/// A path in a container to mount at, without a `/` at its end; an error says what it should be.
pub(super) fn target(text: &str) -> Result<String, &'static str> {
    if !text.starts_with('/') || text.contains('\0') {
        return Err("a path in the container, which starts with `/`");
    }
    let path = text.trim_end_matches('/');
    match path {
        "" => return Err("the root itself is the image's"),
        "/proc" => return Err("`/proc` is the kernel's"),
        _ => {}
    }
    // Docker mounts `/a/../b` at `/b`, where a second volume may be.
    let plain = path.split('/').skip(1);
    if plain.clone().any(|part| matches!(part, "" | "." | "..")) {
        return Err("a path without `.`, `..` and empty parts");
    }
    Ok(path.to_owned())
}

impl VolumeDef {
    /// A volume that a service brings.
    pub(in crate::config) fn preset(name: &str, target: &str) -> Self {
        Self {
            at: None,
            name: Some(Sp::preset(name.to_owned())),
            target: Sp::preset(target.to_owned()),
            kind: None,
            driver: None,
            options: BTreeMap::new(),
            read_only: None,
            external: None,
            create: None,
            labels: BTreeMap::new(),
            selinux: None,
            propagation: None,
            nocopy: None,
            size: None,
            mode: None,
        }
    }

    fn read(node: &Node, d: &mut Diagnostics) -> Option<Self> {
        let mut table = Table::of(node, "a volume", d)?;
        let name = table.any_text(&["name", "prefix"], d);
        let target = table.any_text(&["target", "dest", "destination"], d);
        let kind_text = table.text("type", d);
        let driver = table.text("driver", d).map(|driver| driver.value);
        let read_only = table.flag("read-only", d).map(|flag| flag.value);
        let external = table.flag("external", d).map(|flag| flag.value);
        let create = table.flag("create", d).map(|flag| flag.value);
        let nocopy = table.flag("nocopy", d).map(|flag| flag.value);
        let labels = labels(table.take("labels", d), d);
        let selinux = table.text("selinux", d);
        let propagation = table.text("propagation", d);
        super::check_backup(table.take("backup", d), d);
        let mut volume = Self {
            at: Some(node.at.clone()),
            name,
            target: Sp::preset(String::new()),
            kind: None,
            driver: driver.filter(|driver| !matches!(driver.as_str(), "docker" | "local")),
            options: BTreeMap::new(),
            read_only,
            external,
            create,
            labels,
            selinux: selinux.as_ref().and_then(|word| Selinux::of(&word.value)),
            propagation: propagation.as_ref().map(|word| word.value.clone()),
            nocopy,
            size: None,
            mode: None,
        };
        for key in ["tmpfs-size", "tmpfs-mode"] {
            if let Some(node) = table.take(key, d) {
                volume.option(key, node, d);
            }
        }
        if let Some(options) = table.any(&["options", "option"], d) {
            volume.options(options, d);
        }
        if let Some(word) = &selinux {
            one_of(word, "`selinux` of a volume", SELINUX, d);
        }
        if let Some(word) = &propagation {
            one_of(word, "`propagation` of a volume", PROPAGATION, d);
        }
        let at = table.at.clone();
        table.finish(d);
        if let Some(kind) = &kind_text {
            if !one_of(
                kind,
                "`type` of a volume",
                &["managed", "directory", "tmpfs"],
                d,
            ) {
                return None;
            }
            volume.kind = Some(match kind.value.as_str() {
                "directory" => VolumeKind::Directory,
                "tmpfs" => VolumeKind::Tmpfs,
                _ => VolumeKind::Managed,
            });
        }
        let bad =
            |at: Option<Place>, summary: String| Diagnostic::error(codes::BAD_VOLUME, at, summary);
        let Some(target) = target else {
            d.push(
                bad(Some(at), "a volume has no `target`".to_owned())
                    .help("`target: /path/in/the/container`"),
            );
            return None;
        };
        let path = match self::target(&target.value) {
            Ok(path) => path,
            Err(help) => {
                let summary = format!("`{}` cannot be the `target` of a volume", target.value);
                d.push(bad(target.at, summary).help(help));
                return None;
            }
        };
        volume.target = Sp {
            value: path,
            at: target.at,
        };
        Some(volume)
    }

    /// Options are a table, or a list of tables as nua's documentation has it.
    fn options(&mut self, node: &Node, d: &mut Diagnostics) {
        match &node.value {
            Value::Map(entries) => {
                for entry in entries {
                    self.option(&entry.key, &entry.node, d);
                }
            }
            Value::List(items) => {
                for item in items {
                    match &item.value {
                        Value::Map(_) => self.options(item, d),
                        _ => d.push(wrong_type(
                            "an entry of `options` of a volume",
                            "a table",
                            item,
                        )),
                    }
                }
            }
            _ => d.push(wrong_type("`options` of a volume", "a table", node)),
        }
    }

    fn option(&mut self, key: &str, node: &Node, d: &mut Diagnostics) {
        let Some(text) = node.value.scalar() else {
            d.push(wrong_type(
                &format!("the option `{key}` of a volume"),
                "text or a number",
                node,
            ));
            return;
        };
        let bad = |wanted: &str| {
            Diagnostic::error(
                codes::BAD_VALUE,
                Some(node.at.clone()),
                format!("`{key}` cannot be `{text}`"),
            )
            .help(wanted)
        };
        // A part of a byte is none.
        let part = matches!(node.value, Value::Float(_)) && node.value.whole().is_none();
        match key.replace('_', "-").as_str() {
            "tmpfs-size" => match size::parse(&text).filter(|_| !part) {
                Some(bytes) => self.size = Some(bytes),
                None => d.push(bad("a size, such as `512M` or `2G`")),
            },
            "tmpfs-mode" => {
                let mode = match &node.value {
                    // 0o1777 is read as what it means; digits alone are meant as `chmod` takes them.
                    Value::Int(mode, raw) if !raw.starts_with('0') || raw.starts_with("0o") => {
                        u32::try_from(*mode).ok()
                    }
                    _ => u32::from_str_radix(text.trim_start_matches("0o"), 8).ok(),
                };
                match mode.filter(|mode| *mode <= 0o7777) {
                    Some(mode) => self.mode = Some(mode),
                    None => d.push(bad("permission bits, such as `0o1777`")),
                }
            }
            "read-only" | "readonly" => match text.to_ascii_lowercase().as_str() {
                "true" => self.read_only = Some(true),
                "false" => self.read_only = Some(false),
                _ => d.push(bad("`true` or `false`")),
            },
            _ => drop(self.options.insert(key.to_owned(), text)),
        }
    }

    pub(super) fn overlay(&mut self, over: &Self) {
        self.at = match (over.at.clone(), self.at.take()) {
            (Some(at), Some(own)) => Some(at.over(Before::File(own))),
            (Some(at), None) => Some(at.over(Before::Own("a volume".to_owned()))),
            (None, own) => own,
        };
        self.name = over.name.clone().or(self.name.take());
        self.kind = over.kind.or(self.kind);
        self.driver = over.driver.clone().or(self.driver.take());
        self.options.extend(over.options.clone());
        self.read_only = over.read_only.or(self.read_only);
        self.external = over.external.or(self.external);
        self.create = over.create.or(self.create);
        self.labels.extend(over.labels.clone());
        self.selinux = over.selinux.or(self.selinux);
        self.propagation = over.propagation.clone().or(self.propagation.take());
        self.nocopy = over.nocopy.or(self.nocopy);
        self.size = over.size.or(self.size);
        self.mode = over.mode.or(self.mode);
    }
}
