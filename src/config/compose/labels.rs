//! `labels` of services, networks, volumes and of images that are built.

use super::tree::{Bit, Item, Keys, plain};
use crate::config::{codes, labels::own};
use crate::diag::{Diagnostic, Diagnostics};
use std::collections::BTreeMap;

/// Reads them.
pub(in crate::config) fn labels(
    keys: &mut Keys<'_>,
    d: &mut Diagnostics,
) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    for (name, value, at) in keys.table_of("labels", label, d) {
        if let Some(error) = own(&name, &at.at) {
            d.push(error);
        }
        labels.insert(name, value);
    }
    labels
}

/// The value of a label: whoever lists containers sees it, and monitoring and proxies hand it on.
fn label(item: &Item, what: &str, d: &mut Diagnostics) -> Option<String> {
    let secret = |bit: &Bit| matches!(bit, Bit::Secret(_));
    if item
        .as_str()
        .is_some_and(|text| text.bits().iter().any(secret))
    {
        let summary = format!("{what} cannot hold a secret");
        d.push(
            Diagnostic::error(codes::SHOWN_VALUE, Some(item.at.clone()), summary)
                .label("plans, `docker inspect` and all that lists containers show labels")
                .help("a variable or a file under `secrets` can hold it")
                .help("where it is none, as a hash for a proxy: call its variable otherwise, without `PASSWORD`, `TOKEN` and the like"),
        );
        return None;
    }
    plain(item, what, d)
}
