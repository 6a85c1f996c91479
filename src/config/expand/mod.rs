//! Deploy file and products to a draft: everything of the stack but the choices that need an engine.

mod apart;
mod build;
mod checks;
mod compose;
mod container;
mod delivery;
mod image;
mod mounts;
mod provider;
mod site;
mod taken;
mod template;
mod values;

pub(super) use checks::{forbids_overlap, refused};
pub(super) use taken::{Taken, order as taken_in_order, take};
pub(super) use values::quoted;

use super::budget::Budget;
use super::codes;
use super::deploy::Deploy;
use super::overlay::Laid;
use super::products::Products;
use super::secrets::Asked;
use super::{Folder, Generated, adopt};
use crate::base::{Digest, ResourceId, Secret, StackId, StackName, ValueId};
use crate::diag::{Diagnostic, Diagnostics, Place};
use crate::model::{
    About, ContainerSpec, Lifecycle, Need, NetworkSpec, Protocol, Subnet, VolumeSpec,
};
use crate::services::STOP_TIMEOUT;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

/// A stack with some choices open.
#[derive(Clone)]
pub(super) struct Draft {
    /// Starts every name on the engine.
    pub stack: StackName,
    /// Its identity.
    pub id: Option<StackId>,
    /// Ports to give away, both ends included.
    pub ports: (u16, u16),
    /// Addresses to give networks, where the file says which.
    pub pool: Option<Subnet>,
    /// Containers: each site's providers, then its app.
    pub containers: Vec<Container>,
    /// Volumes by address.
    pub volumes: BTreeMap<String, Volume>,
    /// Networks by address, with where they come from.
    pub networks: BTreeMap<String, Network>,
    /// Secrets that stand in files, by `secret:NAME` and by an id of the draft's own.
    pub given: BTreeMap<ValueId, Secret<String>>,
    /// Secrets that come from encrypted files, by the digests of those.
    pub encrypted: BTreeMap<ValueId, Digest>,
    /// Those of them that cannot be opened, each with the error that it is where nobody else knows it.
    pub locked: BTreeMap<ValueId, Diagnostic>,
    /// What is asked for of secrets and generated values, and where.
    pub asked: Asked,
    /// How generated values are made.
    pub recipes: BTreeMap<ValueId, Generated>,
    /// Where what is said of the whole stack stands, by key.
    pub origins: BTreeMap<String, Place>,
    /// What the environment's file did to the deploy file.
    pub laid: Vec<Laid>,
    /// What all of it may come to.
    pub budget: Budget,
}

/// A network.
#[derive(Clone)]
pub(super) struct Network {
    /// Its name on the engine.
    pub name: String,
    /// Where it comes from.
    pub at: Place,
    /// Its spec, with the subnets that the file says.
    pub spec: NetworkSpec,
}

/// A file to be delivered into a container.
#[derive(Clone)]
pub(super) struct File {
    /// Its path in the container.
    pub target: String,
    /// What is in it, its owner and rights.
    pub spec: crate::model::File,
    /// Where it comes from.
    pub at: Place,
}

/// A volume.
#[derive(Clone)]
pub(super) struct Volume {
    /// Its name on the engine.
    pub name: String,
    /// Its spec.
    pub spec: VolumeSpec,
    /// Where it comes from.
    pub at: Place,
    /// What that is called in messages.
    pub what: String,
}

/// A container.
#[derive(Clone)]
pub(super) struct Container {
    /// Its address.
    pub id: ResourceId,
    /// The address that it had before `was`.
    pub was: Option<ResourceId>,
    /// Its name on the engine.
    pub name: String,
    /// Where it comes from.
    pub at: Place,
    /// Its spec, without image and published ports.
    pub spec: ContainerSpec,
    /// What it runs.
    pub image: ImageChoice,
    /// Ports to publish.
    pub ports: Vec<Port>,
    /// Containers that it needs.
    pub needs: BTreeMap<ResourceId, Need>,
    /// How it is replaced.
    pub life: Lifecycle,
    /// What it is for.
    pub about: About,
    /// Where its fields come from.
    pub origins: BTreeMap<String, Place>,
    /// Where `update.order` stands.
    pub order_at: Option<Place>,
    /// The address under which its data is kept.
    pub data: String,
    /// Files delivered into it.
    pub files: Vec<File>,
    /// Folders of this machine that it mounts.
    pub here: Vec<Place>,
    /// Containers whose mounts it has as well.
    pub taken: Vec<Taken>,
}

impl Container {
    /// What follows from its mounts: where it writes data, it gets the time to do so when it stops.
    pub(super) fn keeps(&mut self) {
        let holds = self.spec.data().next().is_some();
        self.life.holds_data = holds;
        if holds {
            self.spec.stop_timeout.get_or_insert(STOP_TIMEOUT);
        }
    }
}

/// A port to publish.
#[derive(Clone)]
pub(super) struct Port {
    /// Inside the container.
    pub container: u16,
    /// On the host; none is the next free one.
    pub host: Option<u16>,
    /// What the next free one is chosen from, both ends included, where it is not the stack's range.
    pub among: Option<(u16, u16)>,
    /// TCP or UDP.
    pub protocol: Protocol,
    /// The host's address.
    pub bind: IpAddr,
    /// Where it comes from.
    pub at: Place,
    /// Whether the container listens there itself, on the host's network: nothing is published.
    pub direct: bool,
}

impl Port {
    /// Its name in a spec: `80/tcp`.
    pub(super) fn key(&self) -> String {
        format!("{}/{}", self.container, self.protocol.word())
    }
}

/// What a container runs.
#[derive(Clone)]
pub(super) enum ImageChoice {
    /// This image.
    Fixed {
        /// Its reference.
        reference: String,
        /// An archive that it can be loaded from.
        archive: Option<String>,
        /// Whether it is built elsewhere, so that no registry has it.
        local: bool,
        /// How it is built, where that is known.
        build: Option<Box<build::Built>>,
        /// Where it is said.
        at: Option<Place>,
    },
    /// One of a service's versions.
    Range {
        /// Versions that serve, with their images, the highest last.
        candidates: Vec<(String, String)>,
        /// The range, as it was written.
        range: Option<String>,
        /// Where it is said.
        at: Option<Place>,
    },
}

impl ImageChoice {
    /// In the place of what was wrong, so that the rest is looked through as well. It is never sealed.
    fn none() -> Self {
        Self::Fixed {
            reference: String::new(),
            archive: None,
            local: false,
            build: None,
            at: None,
        }
    }
}

impl Draft {
    /// References of images that are built: no registry has them.
    pub(super) fn built(&self) -> BTreeSet<String> {
        let all = self.containers.iter().filter_map(|one| match &one.image {
            ImageChoice::Fixed {
                reference,
                build: Some(_),
                ..
            } => Some(reference.clone()),
            _ => None,
        });
        all.collect()
    }

    pub(super) fn images(&self) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        for container in &self.containers {
            match &container.image {
                ImageChoice::Fixed {
                    reference, build, ..
                } => {
                    all.insert(reference.clone());
                    all.extend(build.iter().flat_map(|built| built.spec.bases.clone()));
                }
                ImageChoice::Range { candidates, .. } => {
                    all.extend(candidates.iter().map(|(_, image)| image.clone()));
                }
            }
        }
        all
    }
}

/// Makes the draft.
pub(super) fn expand(
    deploy: &Deploy,
    products: &Products,
    folder: &dyn Folder,
    d: &mut Diagnostics,
) -> Draft {
    let mut draft = Draft {
        stack: deploy.stack.clone(),
        id: deploy.id.clone(),
        ports: deploy.ports,
        pool: deploy.pool,
        containers: Vec::new(),
        volumes: BTreeMap::new(),
        networks: BTreeMap::new(),
        given: BTreeMap::new(),
        encrypted: BTreeMap::new(),
        locked: BTreeMap::new(),
        asked: Asked::default(),
        recipes: BTreeMap::new(),
        origins: deploy.origins.clone(),
        laid: deploy.laid.clone(),
        budget: Budget::default(),
    };
    let sites = checks::sites(&deploy.sites, d);
    for site in &sites {
        if draft.budget.is_full() {
            break;
        }
        let before = draft.containers.len();
        if let Some((product, run)) = image::composed(&site.image, products) {
            compose::expand(&mut draft, deploy, site, product, run, folder, d);
        } else {
            site::expand(&mut draft, deploy, site, products, folder, d);
        }
        let made = draft.containers.get_mut(before..).unwrap_or_default();
        adopt::give(&site.adopts, &site.label.value, made, d);
    }
    let adopts = sites
        .iter()
        .map(|site| (site.label.value.as_str(), &site.adopts));
    adopt::check(adopts, d);
    build::link(&mut draft, d);
    apart::commands(&mut draft, d);
    // The same stack whatever the order in the file.
    draft.containers.sort_by(|a, b| a.id.cmp(&b.id));
    checks::names(&draft, d);
    checks::ports(&draft, d);
    checks::shared(&draft, d);
    checks::start_first(&draft, d);
    draft
}
