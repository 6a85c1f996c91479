//! Values that are not kept for good (`persistent: false`): another one is made where all containers that use
//! it are made anew anyway, and only there. Nothing is replaced because of such a value, no two containers
//! have different ones, and what data was made with stays.

use super::error::OpError;
use super::gather::Gathered;
use crate::base::ValueId;
use crate::config::Desired;
use crate::diff::{Action, Change, Wishes};
use crate::model::Text;
use std::collections::BTreeSet;

impl Gathered {
    /// Seals the files again without the values that `wishes` lead to new ones of, so that the plan shows it.
    ///
    /// # Errors
    /// What was wrong with the files already.
    pub fn renew_values(&mut self, desired: &Desired, wishes: &Wishes) -> Result<(), OpError> {
        if desired.fleeting().next().is_none() {
            return Ok(());
        }
        let plan = self.plan(wishes);
        let is_new = |change: &&Change| {
            let kept = change.container.as_ref().is_some_and(|c| c.keep.is_some());
            !kept && matches!(change.action, Action::Create | Action::Replace)
        };
        let anew: BTreeSet<_> = plan.changes.iter().filter(is_new).map(|c| &c.id).collect();
        let mut fresh: BTreeSet<ValueId> = desired.fleeting().cloned().collect();
        for (id, resource, spec) in self.sealed.stack.containers() {
            let of = |text: &Text| {
                text.values()
                    .map(|value| value.id.clone())
                    .collect::<Vec<_>>()
            };
            let init_only = resource.about.iter().flat_map(|about| &about.init_only);
            let bound: Vec<_> = if anew.contains(id) {
                let data = init_only.filter(|(_, data)| {
                    let (observed, name) = (&self.observed, data.as_str());
                    name.starts_with('/')
                        || observed.volumes.contains_key(name)
                        || observed.foreign.volumes.contains(name)
                });
                data.filter_map(|(variable, _)| spec.given(variable).text())
                    .flat_map(of)
                    .collect()
            } else {
                spec.texts().flat_map(of).collect()
            };
            fresh.retain(|id| !bound.contains(id));
        }
        fresh.retain(|id| self.digests.contains_key(id));
        if fresh.is_empty() {
            return Ok(());
        }
        self.digests.retain(|id, _| !fresh.contains(id));
        self.fresh = fresh;
        let sealed = self.seal(desired, &self.digests)?;
        let given = std::mem::replace(&mut self.sealed, sealed).given;
        // Those of what is taken over stand in no file.
        for (id, value) in given.into_iter().filter(|(id, _)| !self.fresh.contains(id)) {
            self.sealed.given.entry(id).or_insert(value);
        }
        Ok(())
    }
}
