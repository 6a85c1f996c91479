//! One deploy file over another: what an environment (`--env prod`) has that others do not.
//!
//! Tables merge key by key, sites by their labels, anything else is replaced whole, and nothing (`~`) takes a
//! key away. Every value keeps the place that said it.

use super::doc::{Entry, Node, Value};
use crate::base::names;

/// `over` laid over `base`.
pub(super) fn lay(base: Node, over: Node) -> Node {
    merge(base, over, true)
}

/// Whether two keys are one: they may be written with `-` or `_`.
fn same(a: &str, b: &str) -> bool {
    a == b || a.replace('_', "-") == b.replace('_', "-")
}

fn merge(base: Node, over: Node, root: bool) -> Node {
    let at = base.at.clone();
    match (base.value, over.value) {
        (Value::Map(mut entries), Value::Map(more)) => {
            for one in more {
                let found = entries.iter().position(|own| same(&own.key, &one.key));
                match found {
                    Some(n) if one.node.is_null() => drop(entries.remove(n)),
                    Some(n) => {
                        let own = entries.remove(n);
                        let node = match root && same(&one.key, "site") {
                            true => sites(own.node, one.node),
                            false => merge(own.node, one.node, false),
                        };
                        entries.insert(n, Entry { node, ..one });
                    }
                    None if one.node.is_null() => {}
                    None => entries.push(one),
                }
            }
            Node {
                value: Value::Map(entries),
                at,
            }
        }
        (_, value) => Node { value, at: over.at },
    }
}

/// Sites of one label are one; others come after.
fn sites(base: Node, over: Node) -> Node {
    let (Value::List(mut all), Value::List(more)) = (base.value, over.value.clone()) else {
        return over;
    };
    for site in more {
        let found =
            label(&site).and_then(|own| all.iter().position(|one| label(one) == Some(own.clone())));
        match found.and_then(|n| all.get_mut(n)) {
            Some(own) => {
                let nothing = Node {
                    value: Value::Null,
                    at: own.at.clone(),
                };
                let before = std::mem::replace(own, nothing);
                *own = merge(before, site, false);
            }
            None => all.push(site),
        }
    }
    Node {
        value: Value::List(all),
        at: base.at,
    }
}

fn label(site: &Node) -> Option<String> {
    let label = site.get("label")?.value.scalar()?;
    Some(names::sanitize(&label))
}
