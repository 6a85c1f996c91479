//! Volumes, binds and memory, short and long.

use super::tree::{Item, Keys, Val};
use crate::base::size;
use crate::config::codes;
use crate::diag::{Diagnostic, Diagnostics, Place};
use crate::model::{MountOptions, Propagation, Selinux};

/// What is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) enum Source {
    /// A volume of the file's.
    Named(String),
    /// A volume without a name: it is named after its path.
    Anonymous,
    /// A folder or file of the host, as it was written.
    Bind {
        /// Its path.
        path: String,
        /// Whether a missing one is made.
        create: bool,
    },
    /// Memory.
    Tmpfs {
        /// Bytes at most.
        size: Option<i64>,
        /// Permission bits.
        mode: Option<u32>,
    },
}

/// A mount of a service.
#[derive(Clone, Debug)]
pub(in crate::config) struct Volume {
    /// What.
    pub source: Source,
    /// Where in the container, without a `/` at the end.
    pub target: String,
    /// Whether it may only be read.
    pub read_only: bool,
    /// How it is mounted.
    pub options: MountOptions,
    /// Where it stands.
    pub at: Place,
}

/// The path in the container of a short form.
pub(super) fn target(text: &str) -> &str {
    let mut parts = text.split(':');
    match (parts.next(), parts.next()) {
        (_, Some(target)) => target,
        (Some(target), None) => target,
        (None, None) => "",
    }
    .trim_end_matches('/')
}

/// Reads `volumes` and `tmpfs` of a service.
pub(super) fn read(
    volumes: &[Item],
    tmpfs: &[Item],
    what: &str,
    d: &mut Diagnostics,
) -> Vec<Volume> {
    let mut read: Vec<Volume> = Vec::new();
    let long_or_short = |item: &Item, d: &mut Diagnostics| match &item.value {
        Val::Map(_) => long(item, what, d),
        _ => short(item, what, d),
    };
    let all = volumes
        .iter()
        .filter_map(|item| long_or_short(item, d))
        .collect::<Vec<_>>();
    let memory = tmpfs.iter().filter_map(|item| memory(item, what, d));
    for volume in all.into_iter().chain(memory.collect::<Vec<_>>()) {
        if !volume.target.starts_with('/') {
            let summary = format!("`{}` is no path in the container", volume.target);
            d.push(
                Diagnostic::error(codes::BAD_VOLUME, Some(volume.at), summary)
                    .help("it starts with `/`: `data:/var/lib/data`"),
            );
            continue;
        }
        if let Some(first) = read.iter().find(|other| other.target == volume.target) {
            let summary = format!("two volumes at `{}` of {what}", volume.target);
            d.push(
                Diagnostic::error(codes::MOUNT_TWICE, Some(volume.at), summary)
                    .label("the second")
                    .related(first.at.clone(), "the first"),
            );
            continue;
        }
        read.push(volume);
    }
    read
}

fn short(item: &Item, what: &str, d: &mut Diagnostics) -> Option<Volume> {
    let text = super::tree::plain(item, &format!("an entry of `volumes` of {what}"), d)?;
    let mut parts = text.splitn(3, ':');
    let (first, second, options) = (parts.next()?, parts.next(), parts.next());
    let (source, path) = match second {
        None => (Source::Anonymous, first),
        Some(_) if first.is_empty() => {
            let summary = format!("`{text}` names no volume");
            d.push(
                Diagnostic::error(codes::BAD_VOLUME, Some(item.at.clone()), summary)
                    .help("`NAME:/path`, `./folder:/path`, or `/path` alone"),
            );
            return None;
        }
        Some(path) => (source(first), path),
    };
    let mut read_only = false;
    let mut said = MountOptions::default();
    for option in options.into_iter().flat_map(|options| options.split(',')) {
        match option {
            "ro" => read_only = true,
            "nocopy" => said.no_copy = true,
            // These mean something on other systems only.
            "rw" | "cached" | "delegated" | "consistent" | Propagation::DEFAULT => {}
            "z" | "Z" => said.selinux = Selinux::of(option),
            _ if Propagation::of(option).is_some() => said.propagation = Propagation::of(option),
            _ => {
                let summary =
                    format!("the option `{option}` of a volume of {what} is not supported");
                d.push(
                    Diagnostic::error(codes::COMPOSE_KEY, Some(item.at.clone()), summary)
                        .help("`ro`, `rw`, `z`, `Z`, `nocopy` and the words of propagation (`rslave`, …) are"),
                );
            }
        }
    }
    let source = home(source, item, d)?;
    Some(Volume {
        options: fitting(said, &source, item, d),
        source,
        target: path.trim_end_matches('/').to_owned(),
        read_only,
        at: item.at.clone(),
    })
}

/// What is said of a mount that its kind can have: Compose takes no notice of the rest.
fn fitting(said: MountOptions, source: &Source, at: &Item, d: &mut Diagnostics) -> MountOptions {
    let bind = matches!(source, Source::Bind { .. });
    let volume = matches!(source, Source::Named(_) | Source::Anonymous);
    let fits = MountOptions {
        selinux: said.selinux.filter(|_| bind),
        propagation: said.propagation.filter(|_| bind),
        no_copy: said.no_copy && volume,
    };
    let lost = [
        (said.selinux != fits.selinux, "`z` and `Z`", "a folder"),
        (
            said.propagation != fits.propagation,
            "`propagation`",
            "a folder",
        ),
        (said.no_copy != fits.no_copy, "`nocopy`", "a volume"),
    ];
    for (_, what, of) in lost.into_iter().filter(|(lost, ..)| *lost) {
        let summary = format!("{what} at what is not {of} has no effect");
        d.push(Diagnostic::warning(
            codes::IGNORED,
            Some(at.at.clone()),
            summary,
        ));
    }
    fits
}

fn source(text: &str) -> Source {
    if text.starts_with(['.', '/', '~']) {
        Source::Bind {
            path: text.to_owned(),
            create: true,
        }
    } else {
        Source::Named(text.to_owned())
    }
}

/// Whose home `~` is depends on who applies: the same files would mean two things.
fn home(source: Source, item: &Item, d: &mut Diagnostics) -> Option<Source> {
    if matches!(&source, Source::Bind { path, .. } if path.starts_with('~')) {
        let summary = "`~` is another folder for everybody who applies the stack";
        d.push(
            Diagnostic::error(codes::BAD_VOLUME, Some(item.at.clone()), summary)
                .help("write the whole path, or one relative to the file"),
        );
        return None;
    }
    Some(source)
}

fn long(item: &Item, what: &str, d: &mut Diagnostics) -> Option<Volume> {
    let mut keys = Keys::of(item, format!("a volume of {what}"), d)?;
    let kind = keys.plain("type", d);
    let from = keys.plain("source", d).map(|(text, _)| text);
    let target = keys.plain("target", d).map(|(text, _)| text);
    let read_only = keys.flag("read_only", d).unwrap_or(false);
    keys.accept(&["consistency"]);
    let bind = keys.take("bind");
    let volume = keys.take("volume");
    let tmpfs = keys.take("tmpfs");
    keys.finish(&[("image", ""), ("cluster", "")], d);
    let (mut create, mut said) = (true, MountOptions::default());
    if let Some(mut keys) = bind.and_then(|bind| Keys::of(bind, "`bind`", d)) {
        create = keys.flag("create_host_path", d).unwrap_or(true);
        if let Some((word, at)) = keys.plain("propagation", d)
            && word != Propagation::DEFAULT
        {
            said.propagation = Propagation::of(&word);
            if said.propagation.is_none() {
                d.push(at.bad(
                    "`propagation`",
                    "`private`, `rprivate`, `shared`, `rshared`, `slave` or `rslave`",
                ));
            }
        }
        if let Some((word, at)) = keys.plain("selinux", d) {
            said.selinux = Selinux::of(&word);
            if said.selinux.is_none() {
                d.push(at.bad("`selinux`", "`z`, for all containers, or `Z`, for this one"));
            }
        }
        keys.finish(&[("recursive", "")], d);
    }
    if let Some(mut keys) = volume.and_then(|volume| Keys::of(volume, "`volume`", d)) {
        said.no_copy = keys.flag("nocopy", d).unwrap_or(false);
        keys.finish(&[("subpath", ""), ("labels", "")], d);
    }
    let (mut bytes, mut mode) = (None, None);
    if let Some(mut keys) = tmpfs.and_then(|tmpfs| Keys::of(tmpfs, "`tmpfs`", d)) {
        bytes = keys
            .plain("size", d)
            .and_then(|(text, at)| sized(&text, at, d));
        mode = keys
            .plain("mode", d)
            .and_then(|(text, at)| permissions(&text, at, d));
        keys.finish(&[], d);
    }
    let missing = |key: &str| {
        let summary = format!("a volume of {what} has no `{key}`");
        Diagnostic::error(codes::BAD_VOLUME, Some(item.at.clone()), summary)
    };
    let Some((kind, kind_at)) = kind else {
        d.push(missing("type").help("`volume`, `bind` or `tmpfs`"));
        return None;
    };
    let source = match (kind.as_str(), from) {
        ("volume", Some(name)) => Source::Named(name),
        ("volume", None) => Source::Anonymous,
        ("bind", Some(path)) => Source::Bind { path, create },
        ("bind", None) => {
            d.push(missing("source"));
            return None;
        }
        ("tmpfs", _) => Source::Tmpfs { size: bytes, mode },
        _ => {
            d.push(kind_at.bad("`type` of a volume", "`volume`, `bind` or `tmpfs`"));
            return None;
        }
    };
    let Some(target) = target else {
        d.push(missing("target"));
        return None;
    };
    let source = home(source, item, d)?;
    Some(Volume {
        options: fitting(said, &source, item, d),
        source,
        target: target.trim_end_matches('/').to_owned(),
        read_only,
        at: item.at.clone(),
    })
}

/// `/path[:size=64m,mode=1777]`.
fn memory(item: &Item, what: &str, d: &mut Diagnostics) -> Option<Volume> {
    let text = super::tree::plain(item, &format!("an entry of `tmpfs` of {what}"), d)?;
    let (path, options) = text.split_once(':').unwrap_or((&text, ""));
    let (mut bytes, mut mode, mut read_only) = (None, None, false);
    for option in options.split(',').filter(|option| !option.is_empty()) {
        match option.split_once('=') {
            Some(("size", text)) => bytes = sized(text, item, d),
            Some(("mode", text)) => mode = octal(text, item, d),
            None if option == "ro" => read_only = true,
            // How the engine mounts memory anyway.
            None if matches!(option, "rw" | "nosuid" | "nodev" | "noexec") => {}
            _ => d.push(item.bad(
                &format!("the option `{option}` of a tmpfs"),
                "`size` and `mode` are supported",
            )),
        }
    }
    Some(Volume {
        source: Source::Tmpfs { size: bytes, mode },
        target: path.trim_end_matches('/').to_owned(),
        read_only,
        options: MountOptions::default(),
        at: item.at.clone(),
    })
}

pub(super) fn sized(text: &str, at: &Item, d: &mut Diagnostics) -> Option<i64> {
    let bytes = size::parse(text).filter(|bytes| *bytes > 0);
    if bytes.is_none() {
        d.push(at.bad("a size", "bytes, or like `64m`, `1.5gb`"));
    }
    bytes
}

/// Permission bits as YAML has them: `0444` and `0o444` are octal, a number without a zero is not.
pub(super) fn permissions(text: &str, at: &Item, d: &mut Diagnostics) -> Option<u32> {
    let mode = match text.strip_prefix("0o").or(text.strip_prefix('0')) {
        Some("") => Some(0),
        Some(digits) => u32::from_str_radix(digits, 8).ok(),
        None => text.parse().ok(),
    };
    checked(mode, at, d)
}

/// Likewise in an option, where they are always octal.
fn octal(text: &str, at: &Item, d: &mut Diagnostics) -> Option<u32> {
    checked(u32::from_str_radix(text, 8).ok(), at, d)
}

fn checked(mode: Option<u32>, at: &Item, d: &mut Diagnostics) -> Option<u32> {
    let mode = mode.filter(|mode| *mode <= 0o7777);
    if mode.is_none() {
        d.push(at.bad(
            "permission bits",
            "as `chmod` takes them, with a zero before them: `0444`",
        ));
    }
    mode
}
