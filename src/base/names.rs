//! Names on the engine, made from a stack's name and a resource's address.
//!
//! `STACK-LABEL[-PROVIDER[-VOLUME]]`; over 63 characters they are cut and end in a hash, because a
//! container's name is also looked up as a host name, whose labels hold 63.

use crate::base::{Digest, StackName};

/// The longest name that coasti gives.
pub const MAX: usize = 63;

/// Added to the name of a container that is not yet switched to.
pub const NEXT: &str = ".next";

/// Added to the name of a container that was switched away from, until commit.
pub const PREV: &str = ".prev";

/// Added to the name of a container that failed and was kept to be looked at.
pub const FAILED: &str = ".failed";

/// What the names of volumes start with that an image declares and no file mentions.
pub const UNDECLARED: &str = "anon-";

/// The engine's name of the object at `address` in `stack`.
pub fn object(stack: &StackName, address: &str) -> String {
    fit(&format!("{stack}-{}", address.replace('/', "-")), MAX)
}

/// The engine's name of one of several versions of the object at `address`: `STACK-ADDRESS-VERSION`, of which
/// the version is never cut.
pub fn versioned(stack: &StackName, address: &str, version: &str) -> String {
    let room = MAX.saturating_sub(version.len() + 1);
    let name = fit(&format!("{stack}-{}", address.replace('/', "-")), room);
    format!("{name}-{version}")
}

/// The container through which the volume of that name is filled, and which never starts.
pub fn holder(volume: &str) -> String {
    format!("coasti.{volume}")
}

/// The volume that keeps a stack's history and generated values, and the container that holds it.
///
/// No other name of ours starts so: a stack's name has no dot.
pub fn store(stack: &StackName) -> String {
    format!("coasti.{stack}.store")
}

/// The container that is a stack's lock.
pub fn lock(stack: &StackName) -> String {
    format!("coasti.{stack}.lock")
}

/// Turns what a user wrote into what names allow: lower case, `[a-z0-9._-]`, no `.-_` at the ends.
pub fn sanitize(text: &str) -> String {
    let kept: String = text
        .chars()
        .map(|c| {
            if c.is_whitespace() || c == '/' {
                '_'
            } else {
                c.to_ascii_lowercase()
            }
        })
        .filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(*c))
        .collect();
    kept.trim_matches(['.', '-', '_']).to_owned()
}

/// `name` itself where it fits in `max`, else its start and a hash of the whole.
pub fn fit(name: &str, max: usize) -> String {
    if name.len() <= max {
        return name.to_owned();
    }
    let hash = Digest::of(name.as_bytes());
    let hash = hash.short(8);
    let start: String = name.chars().take(max.saturating_sub(9)).collect();
    format!("{}-{hash}", start.trim_end_matches(['.', '-', '_']))
}

/// A relative path without `.`, `..` and doubled `/`; none where it leaves the folder that it starts from.
pub fn path(text: &str) -> Option<String> {
    let (clean, leaves) = clean(text);
    (!leaves).then_some(clean)
}

/// The relative `path` as seen from the folder `dir`; none where it is absolute or leaves what `dir` starts from.
pub fn join(dir: &str, relative: &str) -> Option<String> {
    match relative.starts_with('/') {
        true => None,
        false => path(&format!("{dir}/{relative}")),
    }
}

/// A path without `.`, `..` and doubled `/`, from the root, which nothing is above: `a/../../b` is `/b`.
pub fn absolute(text: &str) -> String {
    format!("/{}", clean(text).0)
}

/// A path without `.`, `..` and doubled `/`, and whether a `..` led above where it starts.
fn clean(text: &str) -> (String, bool) {
    let (mut parts, mut leaves) = (Vec::new(), false);
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => leaves |= parts.pop().is_none(),
            part => parts.push(part),
        }
    }
    (parts.join("/"), leaves)
}

#[cfg(test)]
mod tests {
    #[test]
    fn paths_stay_in_their_folder() {
        for (text, want) in [
            ("a/./b//c/", Some("a/b/c")),
            ("a/../b", Some("b")),
            ("a/..", Some("")),
            ("../a", None),
            ("a/../../b", None),
        ] {
            assert_eq!(path(text).as_deref(), want, "{text}");
        }
        for (text, want) in [("a/./b//c/", "/a/b/c"), ("/a/../../b", "/b"), ("", "/")] {
            assert_eq!(absolute(text), want, "{text}");
        }
    }

    use super::*;

    #[test]
    fn names_are_made_of_stack_and_address() {
        let stack = StackName::new("acme");
        assert_eq!(object(&stack, "wiki/database"), "acme-wiki-database");
        let long = object(&stack, &"x".repeat(80));
        assert_eq!(long.len(), MAX);
        assert_ne!(long, object(&stack, &format!("{}y", "x".repeat(79))));
    }

    #[test]
    fn labels_are_sanitised_as_their_users_know_it() {
        assert_eq!(
            sanitize("HedgeDoc test1.Example.com"),
            "hedgedoc_test1.example.com"
        );
        assert_eq!(sanitize("-.My App_é."), "my_app");
    }
}
