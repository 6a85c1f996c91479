//! `build` of a service.

use super::labels::labels;
use super::settings::bytes;
use super::tree::{Item, Keys};
use crate::config::build::Build;
use crate::config::codes;
use crate::config::doc::Sp;
use crate::diag::{Diagnostic, Diagnostics};

/// What the engine's call for builds has no field for, with what to do.
const UNSUPPORTED: &[(&str, &str)] = &[
    ("additional_contexts", BUILDKIT),
    ("attest", BUILDKIT),
    ("cache_to", BUILDKIT),
    ("entitlements", BUILDKIT),
    ("isolation", ""),
    ("no_cache_filter", BUILDKIT),
    ("privileged", BUILDKIT),
    ("provenance", BUILDKIT),
    ("sbom", BUILDKIT),
    ("secrets", BUILDKIT),
    ("ssh", BUILDKIT),
    (
        "ulimits",
        "commands of a build have the engine's own limits: change them in its settings",
    ),
];

const BUILDKIT: &str = "the engine's call for builds has nothing for it: build it with `docker buildx build`, push it, and name it under `image`";

/// Reads it; its short form was made one of the long form before.
pub(super) fn read(item: Option<&Item>, what: &str, d: &mut Diagnostics) -> Option<Build> {
    let item = item?;
    let mut keys = Keys::of(item, format!("`build` of {what}"), d)?;
    let text = |found: Option<(String, &Item)>| found.map(|(text, at)| Sp::new(text, &at.at));
    let context = text(keys.plain("context", d));
    let context = context.unwrap_or_else(|| Sp::new(".".to_owned(), &item.at));
    let mut build = Build::of(context, &item.at);
    build.dockerfile = text(keys.plain("dockerfile", d));
    build.inline = text(keys.plain("dockerfile_inline", d));
    build.target = text(keys.plain("target", d));
    build.network = keys.plain("network", d).map(|(text, _)| text);
    if let Some(args) = keys.take("args") {
        for field in args.fields() {
            let value = field.item.as_str().cloned();
            if value.is_none() && !field.item.is_null() {
                let name = format!("`{}` in {}", field.key, keys.name("args"));
                d.push(field.item.wrong(&name, "text or a number"));
            }
            let arg = (value, field.key_at.clone());
            build.args.insert(field.key.clone(), arg);
        }
    }
    let pairs = |all: Vec<(String, String, &Item)>| {
        let pairs = all.into_iter().map(|(name, value, _)| (name, value));
        pairs.collect()
    };
    build.labels = labels(&mut keys, d);
    build.extra_hosts = pairs(keys.table("extra_hosts", d));
    let cache = keys.texts("cache_from", d).into_iter();
    build.cache_from = cache.map(|(text, _)| text).collect();
    let tags = keys.texts("tags", d).into_iter();
    build.tags = tags.map(|(text, at)| Sp::new(text, &at.at)).collect();
    if let Some((text, at)) = keys.plain("shm_size", d) {
        build.shm_size = bytes(&text, at, "shm_size", d);
    }
    let platforms = keys.texts("platforms", d);
    if let Some((_, second)) = platforms.get(1) {
        let summary = format!("several `platforms` of {what}");
        let error = Diagnostic::error(codes::COMPOSE_KEY, Some(second.at.clone()), summary);
        d.push(error.help("the engine builds for one: leave it out, and that is its own"));
    }
    build.platform = platforms.into_iter().next().map(|(text, _)| text);
    build.pull = keys.flag("pull", d).unwrap_or(false);
    build.no_cache = keys.flag("no_cache", d).unwrap_or(false);
    keys.finish(UNSUPPORTED, d);
    Some(build)
}
