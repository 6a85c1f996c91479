//! Which keys tables were asked for, by what they are called: what a schema must have.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

type Asked = BTreeMap<String, BTreeSet<String>>;

thread_local! {
    static ALL: RefCell<Asked> = const { RefCell::new(Asked::new()) };
}

/// Notes that a table called `what` was asked for `keys`.
pub(super) fn add(what: &str, keys: &[&'static str]) {
    let keys = keys.iter().map(|key| (*key).to_owned());
    ALL.with_borrow_mut(|all| all.entry(what.to_owned()).or_default().extend(keys));
}

/// What was asked for since the last call.
pub(in crate::config) fn take() -> Asked {
    ALL.take()
}
