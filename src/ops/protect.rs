//! `protect: true`: what commands that remove containers leave alone. (Plans have a refusal of their own.)

use super::error::OpError;
use super::recover::Known;
use crate::model::Stack;
use std::collections::BTreeSet;

/// Refuses where one of `labels` that has a container was applied with `protect: true`.
///
/// # Errors
/// Names the protected ones, and what to do.
pub fn allows(known: &Known, labels: impl Fn(&str) -> bool) -> Result<(), OpError> {
    let stack = known.good.as_ref().map(|good| &good.stack);
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
    Err(OpError::Policy {
        what: format!("P0306: {quoted} {is} protected and would go: applied with `protect: true`"),
        help: vec![
            "apply `protect: false` first, then remove it".to_owned(),
            format!(
                "`coasti stop {}` stops it and removes nothing",
                all.join(" ")
            ),
        ],
    })
}
