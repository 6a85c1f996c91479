//! `build` of an app: nua's, of which only the image counts that it wraps, or a folder with a Dockerfile.

use super::{entries, with_metadata};
use crate::base::size;
use crate::config::build::Build;
use crate::config::codes;
use crate::config::compose::Str;
use crate::config::doc::{Entry, Node, Sp, Table, Value, wrong_type};
use crate::diag::{Diagnostic, Diagnostics};
use std::collections::BTreeMap;

/// What nua builds its own images from.
const NUA: &[&str] = &[
    "license",
    "src-url",
    "src-checksum",
    "git-url",
    "git-branch",
    "method",
    "builder",
    "builders",
    "packages",
    "meta-packages",
    "build",
    "test",
    "before-build",
    "pip-install",
    "project",
];

/// Keys that say that a Dockerfile is meant.
const OURS: &[&str] = &[
    "context",
    "dockerfile",
    "dockerfile-inline",
    "args",
    "target",
    "tags",
];

/// Whether it says how an image is built, and not what nua wraps.
pub(super) fn builds(node: &Node) -> bool {
    let ours = |entry: &Entry| OURS.contains(&entry.key.replace('_', "-").as_str());
    match &node.value {
        Value::Text(_) => true,
        Value::Map(entries) => entries.iter().any(ours),
        _ => false,
    }
}

/// Reads it: the image that is wrapped, and how one is built.
pub(super) fn read(
    entry: Option<&Entry>,
    metadata: &BTreeMap<String, String>,
    d: &mut Diagnostics,
) -> (Option<Sp<String>>, Option<Build>) {
    let Some(Entry { node, key_at, .. }) = entry else {
        return (None, None);
    };
    if let Value::Text(folder) = &node.value {
        let context = Sp::new(folder.clone(), &node.at);
        return (None, Some(Build::of(context, key_at)));
    }
    if !builds(node) {
        return (wrapped(node, d), None);
    }
    let Some(mut table) = Table::of(node, "`build`", d) else {
        return (None, None);
    };
    let context = table.text("context", d);
    let context = context.unwrap_or_else(|| Sp::new(".".to_owned(), key_at));
    let mut build = Build::of(context, key_at);
    build.dockerfile = table.text("dockerfile", d);
    build.inline = table.text("dockerfile-inline", d);
    let filled = |text: Sp<String>| Sp {
        value: with_metadata(&text.value, metadata),
        at: text.at,
    };
    build.target = table.text("target", d).map(filled);
    build.network = table.text("network", d).map(|text| text.value);
    for (name, text) in pairs(table.take("args", d), "`args` of `build`", d) {
        let at = text.at.clone().unwrap_or_else(|| node.at.clone());
        let value = Str::plain(filled(text).value);
        build.args.insert(name, (Some(value), at));
    }
    let plain = |pairs: Vec<(String, Sp<String>)>| {
        let pairs = pairs.into_iter();
        pairs.map(|(name, text)| (name, text.value)).collect()
    };
    build.labels = plain(pairs(table.take("labels", d), "`labels` of `build`", d));
    let hosts = table.take("extra-hosts", d);
    build.extra_hosts = plain(pairs(hosts, "`extra_hosts` of `build`", d));
    let cache = table.texts("cache-from", d).into_iter();
    build.cache_from = cache.map(|text| text.value).collect();
    build.tags = table.texts("tags", d).into_iter().map(filled).collect();
    if let Some(text) = table.text("shm-size", d) {
        build.shm_size = size::parse(&text.value).filter(|size| *size > 0);
        if build.shm_size.is_none() {
            let summary = format!("`shm_size` of `build` cannot be `{}`", text.value);
            let error = Diagnostic::error(codes::BAD_VALUE, text.at, summary);
            d.push(error.help("a size, such as `128M`"));
        }
    }
    build.platform = table.text("platform", d).map(|text| text.value);
    build.pull = table.flag("pull", d).is_some_and(|flag| flag.value);
    build.no_cache = table.flag("no-cache", d).is_some_and(|flag| flag.value);
    // Keys of nua's would have no effect beside a Dockerfile.
    table.finish(d);
    (None, Some(build))
}

/// The image that nua wraps.
fn wrapped(node: &Node, d: &mut Diagnostics) -> Option<Sp<String>> {
    let mut table = Table::of(node, "build", d)?;
    let base = table.text("base-image", d);
    table.accept(NUA);
    table.finish(d);
    base
}

/// A table of texts.
fn pairs(node: Option<&Node>, what: &str, d: &mut Diagnostics) -> Vec<(String, Sp<String>)> {
    let mut all = Vec::new();
    for entry in entries(node, what, d) {
        match entry.node.value.scalar() {
            Some(text) => all.push((entry.key.clone(), Sp::new(text, &entry.key_at))),
            None => {
                let what = format!("`{}` in {what}", entry.key);
                d.push(wrong_type(&what, "text or a number", &entry.node));
            }
        }
    }
    all
}
