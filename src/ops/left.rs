//! Data that runs which came to nothing left behind: who wrote to it is kept, for what it was made with counts as
//! much as where an apply succeeded.

use super::error::OpError;
use crate::engine::Look;
use crate::model::{Left, Lifecycle, Resource, Spec, Stack};
use crate::observe::Observed;
use crate::store::record::Head;
use crate::store::{Entry, Store};
use std::collections::BTreeMap;

/// Who wrote last to data, by volume or directory, that no good revision writes to.
pub(super) type Writers = BTreeMap<String, Left>;

/// What is known of such data now: what is kept, and what containers that were started tell. Of those that `tried`
/// has, it knows more than their labels.
pub(super) async fn writers<L: Look>(
    store: &Store<'_, L>,
    head: &Head,
    tried: Option<&Stack>,
    observed: &Observed,
) -> Result<Writers, OpError> {
    let mut writers = store.left(head).await?;
    let started = observed.containers.values();
    for container in started.filter(|container| container.state.ever_started) {
        let Some(id) = &container.owner.resource else {
            continue;
        };
        let known = tried.and_then(|stack| stack.resources.get(id));
        let Some(spec) = container.owner.spec.as_ref().or(known.map(|it| &it.spec)) else {
            continue;
        };
        let Spec::Container(of) = spec else { continue };
        for data in of.data() {
            let resource = Resource {
                name: container.name.clone(),
                spec: spec.clone(),
                needs: BTreeMap::new(),
                life: Lifecycle::default(),
                about: known.and_then(|it| it.about.clone()),
                origins: BTreeMap::new(),
            };
            let id = id.clone();
            Left { id, resource }.note(data, &mut writers);
        }
    }
    Ok(writers)
}

/// What was last good, as one that knows of such data as well; where nothing was, a stack `like` this one, empty.
pub(super) fn with(good: Option<&Stack>, like: &Stack, writers: Writers) -> Option<Stack> {
    if good.is_none() && writers.is_empty() {
        return None;
    }
    let empty = || Stack::empty(like.name.clone(), like.id.clone());
    let mut stack = good.cloned().unwrap_or_else(empty);
    let more = unclaimed(writers, Some(&stack));
    stack.left.extend(more);
    Some(stack)
}

/// Keeps it, but for what `good` writes to.
pub(super) fn keep(head: &mut Head, good: Option<&Stack>, writers: Writers) -> Option<Entry> {
    let writers = unclaimed(writers, good);
    head.left = if writers.is_empty() { 0 } else { head.seq };
    (head.left != 0).then(|| Entry::json(format!("left/{}", head.left), &writers))
}

fn unclaimed(mut writers: Writers, good: Option<&Stack>) -> Writers {
    if let Some(good) = good {
        good.drop_claimed(&mut writers);
    }
    writers
}
