//! Which encrypted files were applied. Who cannot open one can work with what it held then: the store has the
//! value, and knows the file by its digest.

use crate::base::{Digest, Key, Secret, ValueId};
use crate::config::Desired;
use crate::diag::Diagnostics;
use crate::exec::Values;
use crate::ops::values::versioned;

/// Starts the ids of what is kept about files, which is no value of the stack's.
const PREFIX: &str = "encrypted:";

/// Under what it is kept that the value `id` came from an encrypted file.
fn note(file: &Digest, id: &ValueId) -> ValueId {
    ValueId::new(format!("{PREFIX}{}:{id}", file.short(32)))
}

/// Whether an id is one of a value of the stack's.
pub(in crate::ops) fn is_value(id: &ValueId) -> bool {
    !id.as_str().starts_with(PREFIX)
}

/// Keeps from which encrypted files today's values came; tells whether that was not known.
pub(in crate::ops) fn keep(desired: &Desired, key: &Key, values: &mut Values) -> bool {
    let mut new = false;
    for (id, file) in desired.encrypted() {
        let Some(value) = values.get(id) else {
            continue;
        };
        let digest = key.keyed(value.expose().as_bytes()).to_string();
        let before = values.insert(note(file, id), Secret::new(digest.clone()));
        new |= before.is_none_or(|before| *before.expose() != digest);
    }
    new
}

/// The values of the files that cannot be opened here, as they were applied. Errors for those that were not.
pub(in crate::ops) fn recall(
    desired: &Desired,
    key: &Key,
    values: &Values,
    d: &mut Diagnostics,
) -> Values {
    let mut opened = Values::new();
    for (id, error) in desired.locked() {
        let file = desired.encrypted().get(id);
        let noted = file.and_then(|file| values.get(&note(file, id)));
        let value = noted.and_then(|noted| {
            let digest = Digest::from_text(noted.expose().clone());
            let then = || values.get(&versioned(id, &digest));
            let is_it = |value: &&Secret<String>| key.keyed(value.expose().as_bytes()) == digest;
            values.get(id).filter(is_it).or_else(then).filter(is_it)
        });
        match value {
            Some(value) => drop(opened.insert(id.clone(), value.clone())),
            None => d.push(error.clone()),
        }
    }
    opened
}
