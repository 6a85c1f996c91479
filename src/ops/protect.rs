//! `protect: true`: what commands that remove containers leave alone. (Plans have a refusal of their own.)

use super::error::OpError;
use super::recover::Known;
use crate::model::Stack;
use std::collections::BTreeSet;

/// Refuses where one of `labels` that has a container was applied with `protect: true`; where nobody knows what was
/// applied, where the `files` say so.
///
/// # Errors
/// Names the protected ones, and what to do.
pub fn allows(
    known: &Known,
    files: Option<&Stack>,
    labels: impl Fn(&str) -> bool,
) -> Result<(), OpError> {
    let good = known.good.as_ref().map(|good| &good.stack);
    let stack = good.or(files);
    let there = |name: &str| known.observed.containers.contains_key(name);
    let protected: BTreeSet<&str> = stack
        .into_iter()
        .flat_map(Stack::containers)
        .filter(|(id, resource, _)| {
            resource.life.protect && labels(id.label()) && there(&resource.name)
        })
        .map(|(id, ..)| id.label())
        .collect();
    if protected.is_empty() {
        return Ok(());
    }
    let all: Vec<&str> = protected.into_iter().collect();
    let (quoted, is) = match all.as_slice() {
        [one] => (format!("`{one}`"), "is"),
        several => (format!("`{}`", several.join("`, `")), "are"),
    };
    let (said, first) = match good {
        Some(_) => (
            "applied with",
            "apply `protect: false` first, then remove it",
        ),
        None => (
            "the files say",
            "say `protect: false` there first, then remove it",
        ),
    };
    Err(OpError::Policy {
        what: format!("P0306: {quoted} {is} protected and would go: {said} `protect: true`"),
        help: vec![
            first.to_owned(),
            format!(
                "`coasti stop {}` stops it and removes nothing",
                all.join(" ")
            ),
        ],
    })
}
