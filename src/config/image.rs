//! Image references.

use super::codes;
use super::doc::Sp;
use crate::diag::{Diagnostic, Diagnostics};

/// The reference in full, with registry and tag; the reason where it is none.
///
/// `postgres:15` is `docker.io/library/postgres:15`, as Docker's client has it.
pub(super) fn full(text: &str) -> Result<Reference, &'static str> {
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (text, None),
    };
    let last = rest.rfind('/').map_or(0, |at| at + 1);
    let (path, tag) = match rest.get(last..).and_then(|name| name.find(':')) {
        Some(at) => (
            rest.get(..last + at).unwrap_or_default(),
            rest.get(last + at + 1..),
        ),
        None => (rest, None),
    };
    let (registry, path) = match path.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest),
        _ => ("docker.io", path),
    };
    let registry = if registry == "index.docker.io" {
        "docker.io"
    } else {
        registry
    };
    let path = if registry == "docker.io" && !path.contains('/') {
        format!("library/{path}")
    } else {
        path.to_owned()
    };
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && part.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && part
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c))
    };
    if path.chars().any(|c| c.is_ascii_uppercase()) {
        return Err("the path of an image is in lower case");
    }
    if !path.split('/').all(part) {
        return Err("the path of an image is made of `a-z`, `0-9`, `.`, `_`, `-` and `/`");
    }
    let word = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if let Some(tag) = tag
        && (tag.is_empty()
            || tag.len() > 128
            || !tag.chars().all(word)
            || tag.starts_with(['.', '-']))
    {
        return Err("a tag is up to 128 letters, digits, `.`, `_` and `-`");
    }
    let hex = |text: &str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if digest.is_some_and(|digest| !digest.strip_prefix("sha256:").is_some_and(hex)) {
        return Err("a digest is `sha256:` and 64 hexadecimal digits");
    }
    if !registry
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c))
    {
        return Err("the registry is a host name, with a port where it has one");
    }
    let tagless = tag.is_none() && digest.is_none();
    let mut text = format!("{registry}/{path}");
    if let Some(tag) = tag.or(tagless.then_some("latest")) {
        text.push(':');
        text.push_str(tag);
    }
    if let Some(digest) = digest {
        text.push('@');
        text.push_str(digest);
    }
    Ok(Reference { text, tagless })
}

/// A reference in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    /// The text.
    pub text: String,
    /// Whether no tag was written.
    pub tagless: bool,
}

/// The reference in full; an error, or a warning where it has no tag, goes to `d`.
pub(super) fn checked(text: &Sp<String>, d: &mut Diagnostics) -> Option<String> {
    match full(&text.value) {
        Ok(reference) => {
            if reference.tagless {
                d.push(
                    Diagnostic::warning(
                        codes::NO_TAG,
                        text.at.clone(),
                        format!("the image `{}` has no tag", text.value),
                    )
                    .label("`latest` is taken")
                    .help("write the version that you mean, such as `:1.2`"),
                );
            }
            Some(reference.text)
        }
        Err(why) => {
            let summary = format!("`{}` is no image reference", text.value);
            d.push(Diagnostic::error(codes::BAD_REFERENCE, text.at.clone(), summary).help(why));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_written_in_full() {
        for (short, long) in [
            ("redis:7", "docker.io/library/redis:7"),
            (
                "tuxgasy/dolibarr:16.0.4",
                "docker.io/tuxgasy/dolibarr:16.0.4",
            ),
            ("ghcr.io/a/b:1", "ghcr.io/a/b:1"),
            ("localhost:5000/x", "localhost:5000/x:latest"),
            ("docker.io/redis:7", "docker.io/library/redis:7"),
        ] {
            assert_eq!(full(short).unwrap().text, long);
        }
        let digest = format!("redis@sha256:{}", "a".repeat(64));
        assert_eq!(
            full(&digest).unwrap().text,
            format!("docker.io/library/{digest}")
        );
        for bad in [
            "",
            "Redis:7",
            "a//b",
            "a:",
            "a b",
            "redis@sha256:12",
            "x:ü",
            "-a",
            "a/",
        ] {
            assert!(full(bad).is_err(), "{bad}");
        }
    }
}
