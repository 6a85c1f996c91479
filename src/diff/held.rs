//! Decisions that stand, where labels change.

use super::Held;
use crate::base::ResourceId;
use crate::model::Stack;

/// The decisions as they stand once `to` is applied over `from`: they go with a label that is renamed (back
/// and forth), and end with one that goes.
pub fn carried(held: &Held, from: Option<&Stack>, to: &Stack) -> Held {
    let has = |label: &str| to.containers().any(|(id, ..)| id.label() == label);
    let mut carried = Held::new();
    for (label, hold) in held {
        if has(label) {
            carried.insert(label.clone(), *hold);
        } else if let Some(new) = heir(label, from, to).filter(|new| !held.contains_key(*new)) {
            carried.insert(new.to_owned(), *hold);
        }
    }
    carried
}

/// The label that has taken the place of `label`.
fn heir<'a>(label: &str, from: Option<&'a Stack>, to: &'a Stack) -> Option<&'a str> {
    let renamed = to
        .containers()
        .map(|(id, ..)| id.label())
        .find(|new| to.was(new) == Some(label));
    // A rollback goes back over a rename.
    let back = || {
        let old = from?.was(label)?;
        to.resources
            .contains_key(&ResourceId::container(old))
            .then_some(old)
    };
    renamed.or_else(back)
}
