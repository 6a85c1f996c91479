//! What ran on a container's data before.

use crate::base::{Kind, ResourceId};
use crate::diff::{Inputs, Slots, adopt};
use crate::model::{About, ContainerSpec, Left, Resource, Spec};
use crate::observe::Container;
use crate::services::{self, Service};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// What ran on a container's data before: by its label, else by the good revision.
pub(super) struct Before<'a> {
    pub(super) spec: Cow<'a, ContainerSpec>,
    /// What it was for; none where only the container itself tells of it.
    pub(super) about: Option<&'a About>,
    /// The container, where it is still there.
    pub(super) container: Option<&'a Container>,
    pub(super) is_ours: bool,
}

impl<'a> Before<'a> {
    pub(super) fn of(
        inputs: &Inputs<'a>,
        slots: &Slots<'a>,
        id: &ResourceId,
        resource: &Resource,
        spec: &ContainerSpec,
    ) -> Option<Self> {
        // The site says it, for its providers as well.
        let old = inputs.desired.was(id.label()).map(|was| id.under(was));
        // Under another name altogether: who wrote to its data last tells.
        let is_database = is_database(resource.about.as_ref(), spec);
        let mut last = inputs.base.into_iter().flat_map(|base| base.containers());
        let last = last.find_map(|(other, resource, before)| {
            let goes = !inputs.desired.resources.contains_key(other);
            // What only looks after a database tells nothing of it.
            let kin = !is_database || self::is_database(resource.about.as_ref(), before);
            // A directory may be one that many have, such as a socket's: a database's is its own.
            let of_its_own = |data: &&str| !data.starts_with('/') || resource.made_with(data);
            let mut data = before.data().filter(of_its_own);
            let mut shared = || data.any(|data| spec.data().any(|own| own == data));
            (goes && kin && shared()).then_some(other)
        });
        [Some(id), old.as_ref(), last]
            .into_iter()
            .flatten()
            .find_map(|id| {
                let base = inputs.base.and_then(|base| base.resources.get(id));
                let label = slots
                    .of(id)
                    .iter()
                    .find_map(|c| match &c.container.owner.spec {
                        Some(Spec::Container(spec)) => Some((&**spec, c.container)),
                        _ => None,
                    });
                let applied = base.and_then(|base| match &base.spec {
                    Spec::Container(spec) => Some(&**spec),
                    _ => None,
                });
                Some(Self {
                    spec: Cow::Borrowed(label.map(|(spec, _)| spec).or(applied)?),
                    about: base.and_then(|base| base.about.as_ref()),
                    container: label.map(|(_, container)| container),
                    is_ours: true,
                })
            })
    }

    /// Who wrote last to data that this one comes back to, though the last revision did not have it.
    pub(super) fn left(inputs: &Inputs<'a>, spec: &ContainerSpec) -> Vec<Self> {
        let left = inputs.base.into_iter().flat_map(|base| &base.left);
        left.filter(|(data, _)| spec.data().any(|own| own == data.as_str()))
            .filter_map(|(_, left)| Self::was(left))
            .collect()
    }

    /// What a resource of that name, or of the label that it says it had, was before it left the files.
    pub(super) fn of_label(inputs: &Inputs<'a>, id: &ResourceId) -> Option<Self> {
        let left = &inputs.base?.left;
        let old = inputs.desired.was(id.label()).map(|was| id.under(was));
        let of = |id: &ResourceId| left.values().find(|left| left.id == *id);
        Self::was(of(id).or_else(|| of(&old?))?)
    }

    fn was(left: &'a Left) -> Option<Self> {
        match &left.resource.spec {
            Spec::Container(spec) => Some(Self {
                spec: Cow::Borrowed(&**spec),
                about: left.resource.about.as_ref(),
                container: None,
                is_ours: true,
            }),
            _ => None,
        }
    }

    /// What somebody else's container was, which the resource takes over, as far as its data is concerned.
    pub(super) fn strange(inputs: &Inputs<'a>, resource: &Resource) -> Option<Self> {
        let container = adopt::found(inputs.observed, resource)?;
        let image = &container.made.image;
        // By its id alone nobody knows which version it was.
        let unknown = image.starts_with("sha256:") || image.is_empty();
        (!unknown).then(|| Self {
            spec: Cow::Owned(ContainerSpec {
                image: image.clone(),
                mounts: container.mounts.clone(),
                ..ContainerSpec::default()
            }),
            about: None,
            container: Some(container),
            is_ours: false,
        })
    }

    /// Whether it says what the data of a database was made with. What is taken over is what the files say that it
    /// is.
    pub(super) fn tells_of(&self, resource: &Resource, spec: &ContainerSpec) -> bool {
        !self.is_ours
            || is_database(self.about, &self.spec)
            || !is_database(resource.about.as_ref(), spec)
    }

    /// The version that a service's image had, by the variables of the container.
    pub(super) fn version(&self, service: &dyn Service) -> Option<String> {
        let env = &self.container?.env;
        services::said_version(service, |name| {
            env.get(name).map(|value| value.expose().as_str())
        })
    }

    /// Whether one of the volumes that it wrote to is there and is used again, or the directory of a database: a
    /// directory cannot be looked at, what was written to is taken to be there.
    pub(super) fn shares_data(
        &self,
        inputs: &Inputs<'_>,
        resource: &Resource,
        spec: &ContainerSpec,
    ) -> bool {
        let written: BTreeSet<_> = self.spec.data().collect();
        let again = spec.mounts.values().filter_map(|mount| mount.source.data());
        let mut again = again.filter(|data| written.contains(data));
        again.any(|data| {
            inputs.has_volume(data) || data.starts_with('/') && resource.made_with(data)
        })
    }
}

/// Whether it is a database, by its image or by what is known of its module.
fn is_database(about: Option<&About>, spec: &ContainerSpec) -> bool {
    about.is_some_and(|about| !about.init_only.is_empty())
        || services::of_data(&spec.image).is_some()
}

/// Whether what goes lives on under another label (`was:`): the same product, and with it what it had beside it.
pub(super) fn is_renamed(inputs: &Inputs<'_>, id: &ResourceId) -> bool {
    let mut sites = inputs.desired.containers();
    let new = sites.find_map(|(new, resource, _)| {
        let was = resource.about.as_ref()?.was.as_deref();
        (was == Some(id.label())).then(|| id.under(new.label()))
    });
    let Some(new) = new.and_then(|new| inputs.desired.resources.get(&new)) else {
        return false;
    };
    let product = |resource: &Resource| resource.about.as_ref().map(|about| about.product.clone());
    let old = inputs.base.and_then(|base| base.resources.get(id));
    id.kind != Kind::Container || old.is_none_or(|old| product(old) == product(new))
}
