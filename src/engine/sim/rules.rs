//! Calls, and what Docker refuses: images, networks, volumes, files, commands. Containers themselves are in
//! `units`, their running in `life`.

use super::files::Node;
use super::program::{self, Behaviour};
use super::world::{Endpoint, Net, SimImage, Vol, World, normal};
use crate::base::{EngineId, Secret};
use crate::engine::{Call, Done, ErrorKind};
use crate::model::{Attachment, NetworkMode, NetworkSpec, Subnet};
use crate::observe::Status;
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    path::Path,
};

/// A refusal: what kind, and Docker's words.
#[derive(Debug)]
pub(super) struct No(pub(super) ErrorKind, pub(super) String);

/// What a call came to, and until when its answer is held back.
#[derive(Debug)]
pub(super) struct Yes(pub(super) Done, pub(super) Option<u64>);

impl From<Done> for Yes {
    fn from(done: Done) -> Self {
        Self(done, None)
    }
}

pub(super) type Answer = Result<Yes, No>;

/// Refuses.
pub(super) fn no<T>(kind: ErrorKind, message: impl Into<String>) -> Result<T, No> {
    Err(No(kind, message.into()))
}

/// Docker's words for a container that is not there.
pub(super) fn no_container<T>(id: &str) -> Result<T, No> {
    no(ErrorKind::NotFound, format!("No such container: {id}"))
}

/// Networks that every engine has.
const PREDEFINED: [&str; 3] = ["bridge", "host", "none"];

impl World {
    /// The last tag of an image goes with the image, unless a container uses that.
    fn untag(&mut self, tag: &str) -> Answer {
        let Some(id) = self.tags.get(&normal(tag)).cloned() else {
            return Ok(Done::Already.into());
        };
        if self.tags.values().filter(|other| **other == id).count() == 1 {
            if let Some(unit) = self.units.values().find(|unit| unit.image == id) {
                let why = format!(
                    "conflict: unable to remove repository reference \"{tag}\" (must force) - container {} is using \
                     its referenced image",
                    unit.id
                );
                return no(ErrorKind::Conflict, why);
            }
            self.images.remove(&id);
        }
        self.tags.remove(&normal(tag));
        Ok(Done::Done.into())
    }

    /// Does what a call asks for.
    pub(super) fn apply(&mut self, by: &str, call: &Call) -> Answer {
        match call {
            Call::PullImage { reference } => self.pull(reference),
            Call::LoadImage { archive } => self.load(archive),
            Call::BuildImage(build) => self.build(build),
            Call::MakeEmptyImage { reference } => Ok(self.make_empty(reference)),
            Call::TagImage { image, tag } => {
                let Some(id) = self.image(image).map(|(id, _)| id.clone()) else {
                    return no(ErrorKind::NotFound, format!("No such image: {image}"));
                };
                self.tags.insert(normal(tag), id);
                Ok(Done::Done.into())
            }
            Call::UntagImage { tag } => self.untag(tag),
            Call::CreateNetwork { name, labels, spec } => self.create_network(name, labels, spec),
            Call::RemoveNetwork { id } => self.remove_network(id.as_str()),
            Call::CreateVolume {
                name,
                labels,
                driver,
                options,
            } => self.create_volume(name, labels, driver.as_deref(), options),
            Call::RemoveVolume { name } => self.remove_volume(by, name.as_str()),
            Call::CreateContainer(create) => self.create_unit(create),
            Call::Start { id } => self.start(id),
            Call::Stop { id, timeout } => self.stop(id, *timeout),
            Call::Pause { id } => self.pause(id),
            Call::Unpause { id } => self.unpause(id),
            Call::Rename { id, to } => self.rename(id, to),
            Call::RemoveContainer { id } => self.remove_unit(id),
            Call::Update { id, live } => self.update(id, live),
            Call::Connect {
                container,
                network,
                attachment,
            } => self.connect(container, network, attachment),
            Call::Disconnect { container, network } => self.disconnect(container, network),
            Call::Exec {
                container, argv, ..
            } => self.exec(container, argv),
            Call::Write {
                container,
                path,
                tar,
            } => self.write(container, path, tar.expose()),
        }
    }

    pub(super) fn pull(&mut self, reference: &str) -> Answer {
        if !self.registry_reachable {
            return no(
                ErrorKind::Rejected,
                "the engine cannot reach the registry (Get \"https://registry.invalid/v2/\": dial tcp: no such host)",
            );
        }
        match self.registry.get(&normal(reference)).cloned() {
            Some(image) => {
                self.add_image(reference, image);
                Ok(Done::Done.into())
            }
            None => no(
                ErrorKind::NotFound,
                format!("manifest for {reference} not found: manifest unknown: manifest unknown"),
            ),
        }
    }

    fn load(&mut self, archive: &Path) -> Answer {
        match super::archive::images(archive) {
            Ok(images) => {
                for (reference, image) in images {
                    self.add_image(&reference, image);
                }
                Ok(Done::Done.into())
            }
            Err(error) => no(ErrorKind::Rejected, format!("cannot be read: {error}")),
        }
    }

    fn make_empty(&mut self, reference: &str) -> Yes {
        if self.image(reference).is_some() {
            return Done::Already.into();
        }
        let image = SimImage {
            behaviour: Behaviour::Command,
            empty: true,
            ..SimImage::default()
        };
        Done::Made(EngineId::new(self.add_image(reference, image))).into()
    }

    fn create_network(
        &mut self,
        name: &str,
        labels: &BTreeMap<String, String>,
        spec: &NetworkSpec,
    ) -> Answer {
        if self.net(name).is_some() {
            let message = format!("network with name {name} already exists");
            return no(ErrorKind::Conflict, message);
        }
        if let Some(driver) = &spec.driver
            && !spec.is_lan()
        {
            let message = format!("plugin \"{driver}\" not found");
            return no(ErrorKind::NotFound, message);
        }
        // A subnet of what is switched off is written down and no more.
        let subnet6 = spec.subnet6.filter(|_| spec.enable_ipv6);
        if spec.enable_ipv6 && subnet6.is_none() {
            return no(
                ErrorKind::PoolOverlap,
                "could not find an available, non-overlapping IPv6 address pool among the defaults to assign to the network",
            );
        }
        let taken = |subnet: &Subnet| {
            let mut nets = self.nets.values().flat_map(|net| net.subnets());
            nets.any(|other| other.overlaps(subnet))
        };
        let subnet = match spec.subnet {
            Some(subnet) if taken(&subnet) || subnet6.is_some_and(|six| taken(&six)) => {
                return no(
                    ErrorKind::PoolOverlap,
                    "Pool overlaps with other one on this address space",
                );
            }
            Some(subnet) => subnet,
            None => match own_pool().find(|subnet| !taken(subnet)) {
                Some(subnet) => subnet,
                None => {
                    return no(
                        ErrorKind::PoolOverlap,
                        "could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network",
                    );
                }
            },
        };
        for (subnet, addresses) in spec.subnets() {
            let reserved = addresses.aux_addresses.values();
            let mut inside = addresses.gateway.iter().chain(reserved);
            if let Some(address) = inside.find(|address| !subnet.contains(**address)) {
                return no(
                    ErrorKind::Rejected,
                    format!(
                        "failed to allocate gateway ({address}): Requested address is out of range"
                    ),
                );
            }
        }
        let mut nets = self.nets.values().filter(|net| net.driver == spec.driver);
        if let Some(parent) = spec.parent()
            && let Some(net) = nets.find(|net| net.parent.as_ref() == Some(parent))
        {
            let id: String = net.id.as_str().chars().take(12).collect();
            let message = format!("network dm-{id} is already using parent interface {parent}");
            return no(ErrorKind::Rejected, message);
        }
        let id = self.new_id("network");
        let net = Net {
            id: id.clone(),
            name: name.to_owned(),
            labels: labels.clone(),
            subnet: Some(subnet),
            subnet6,
            driver: spec.driver.clone(),
            parent: spec.parent().cloned(),
            internal: spec.internal,
        };
        self.nets.insert(id.clone(), net);
        Ok(Done::Made(id).into())
    }

    fn remove_network(&mut self, text: &str) -> Answer {
        let Some(net) = self.net(text) else {
            return Ok(Done::Already.into());
        };
        let (id, name) = (net.id.clone(), net.name.clone());
        if PREDEFINED.contains(&name.as_str()) {
            let message = format!("{name} is a pre-defined network and cannot be removed");
            return no(ErrorKind::Rejected, message);
        }
        // Only running containers hold a network; stopped ones will miss it at their next start.
        let on_it = |endpoint: &Endpoint| endpoint.network.as_ref() == Some(&id);
        let mut running = self.units.values().filter(|unit| unit.runs());
        if running.any(|unit| unit.endpoints.values().any(on_it)) {
            return no(
                ErrorKind::Conflict,
                format!(
                    "error while removing network: network {name} id {id} has active endpoints"
                ),
            );
        }
        self.nets.remove(&id);
        Ok(Done::Done.into())
    }

    fn create_volume(
        &mut self,
        name: &str,
        labels: &BTreeMap<String, String>,
        driver: Option<&str>,
        options: &BTreeMap<String, String>,
    ) -> Answer {
        if let Some(driver) = driver.filter(|driver| *driver != "local") {
            return no(
                ErrorKind::NotFound,
                format!(
                    "create {name}: error looking up volume plugin {driver}: plugin \"{driver}\" not found"
                ),
            );
        }
        // One that exists is returned as it is, whatever labels and options say.
        self.volumes.entry(name.to_owned()).or_insert_with(|| Vol {
            labels: labels.clone(),
            options: options.clone(),
            ..Vol::default()
        });
        Ok(Done::Made(EngineId::new(name)).into())
    }

    fn remove_volume(&mut self, by: &str, name: &str) -> Answer {
        let Some(volume) = self.volumes.get(name) else {
            return Ok(Done::Already.into());
        };
        // Files that coasti delivers are no data.
        let of = volume.labels.get(crate::observe::LABEL_RESOURCE);
        let used = volume.used && !of.is_some_and(|of| of.starts_with("file:"));
        let users: Vec<_> = self.users(name).map(|unit| unit.id.to_string()).collect();
        if !users.is_empty() {
            let users = users.join(", ");
            return no(
                ErrorKind::Conflict,
                format!("remove {name}: volume is in use - [{users}]"),
            );
        }
        if used && by != super::HAND {
            self.violations.push(super::Violation::DataRemoved {
                volume: name.to_owned(),
                by: by.to_owned(),
            });
        }
        self.volumes.remove(name);
        Ok(Done::Done.into())
    }

    fn connect(&mut self, id: &EngineId, network: &str, attachment: &Attachment) -> Answer {
        let Some(id) = self.unit_id(id.as_str()) else {
            return no_container(id.as_str());
        };
        let net = self.net(network).cloned();
        if network == "host" {
            return no(
                ErrorKind::Rejected,
                "container cannot be disconnected from host network or connected to host network",
            );
        }
        let in_use = net
            .as_ref()
            .is_some_and(|net| self.address_in_use(&id, net, attachment));
        let Some(unit) = self.units.get_mut(&id) else {
            return no_container(id.as_str());
        };
        if unit.create.spec.network_mode == NetworkMode::Host {
            return no(
                ErrorKind::Rejected,
                "container sharing network namespace with another container or host cannot be connected to any other network",
            );
        }
        if !unit.runs() {
            // Written down for the next start, which may miss it; what was there stays, except that it is
            // led to the network that has the name now.
            let name = net.map_or_else(|| network.to_owned(), |net| net.name);
            let there = unit.endpoints.contains_key(&name);
            let endpoint = unit.endpoints.entry(name).or_default();
            endpoint.network = None;
            if !there {
                endpoint.attachment = attachment.clone();
            }
            return Ok(Done::Done.into());
        }
        let Some(net) = net else {
            return no(ErrorKind::NotFound, format!("network {network} not found"));
        };
        let joined = unit.endpoints.get(&net.name);
        if joined.is_some_and(|endpoint| endpoint.network.is_some()) {
            return Ok(Done::Already.into());
        }
        let outside = attachment
            .fixed()
            .find(|address| !net.subnets().any(|subnet| subnet.contains(*address)));
        // Docker keeps an endpoint in the configuration although it refuses it.
        let endpoint = Endpoint {
            network: (outside.is_none() && !in_use).then(|| net.id.clone()),
            attachment: attachment.clone(),
        };
        unit.endpoints.insert(net.name, endpoint);
        match outside {
            Some(address) => no(
                ErrorKind::Rejected,
                format!(
                    "Invalid address {address}: It does not belong to any of this network's subnets"
                ),
            ),
            None if in_use => no(ErrorKind::PortTaken, "Address already in use"),
            None => Ok(Done::Done.into()),
        }
    }

    /// Whether another running container has the fixed address.
    pub(super) fn address_in_use(&self, id: &EngineId, net: &Net, attachment: &Attachment) -> bool {
        let others = self.units.values();
        others
            .filter(|unit| unit.id != *id && unit.runs())
            .filter_map(|unit| unit.endpoints.get(&net.name))
            .flat_map(|endpoint| endpoint.attachment.fixed())
            .any(|theirs| attachment.fixed().any(|own| own == theirs))
    }

    fn disconnect(&mut self, id: &EngineId, network: &str) -> Answer {
        let name = self
            .net(network)
            .map_or_else(|| network.to_owned(), |net| net.name.clone());
        let unit = self
            .unit_id(id.as_str())
            .and_then(|id| self.units.get_mut(&id));
        Ok(match unit.and_then(|unit| unit.endpoints.remove(&name)) {
            Some(_) => Done::Done,
            None => Done::Already,
        }
        .into())
    }

    fn exec(&mut self, id: &EngineId, argv: &[Secret<String>]) -> Answer {
        let Some(unit) = self.unit_id(id.as_str()).and_then(|id| self.units.get(&id)) else {
            return no_container(id.as_str());
        };
        let refusal = match unit.state.status {
            Status::Running => None,
            Status::Paused => Some(format!(
                "Container {} is paused, unpause the container before exec",
                unit.name
            )),
            Status::Restarting => Some(format!(
                "Container {} is restarting, wait until the container is running",
                unit.id
            )),
            _ => Some(format!("Container {} is not running", unit.id)),
        };
        if let Some(message) = refusal {
            return no(ErrorKind::Conflict, message);
        }
        let argv: Vec<String> = argv.iter().map(|word| word.expose().clone()).collect();
        let known = unit.bundle.commands.get(&argv.join(" ")).cloned();
        let (code, output) = match (known, unit.bundle.behaviour) {
            (Some(known), _) => known,
            (None, Behaviour::Command) => program::run(&argv),
            (None, _) => (0, String::new()),
        };
        let name = unit.name.clone();
        self.commands.push((name, argv));
        Ok(Done::Ran { code, output }.into())
    }

    fn write(&mut self, container: &str, path: &str, archive: &[u8]) -> Answer {
        let Some(id) = self.unit_id(container) else {
            return no_container(container);
        };
        let Some(unit) = self.units.get(&id) else {
            return no_container(container);
        };
        let place = self.place(unit, path);
        if !place.tree.is_folder(&place.inner) {
            return match place.tree.get(&place.inner) {
                Some(Node::File(_)) => {
                    no(ErrorKind::Rejected, "extraction point is not a directory")
                }
                _ => no(
                    ErrorKind::NotFound,
                    format!("Could not find the file {path} in container {container}"),
                ),
            };
        }
        if let Some(refusal) = place.refusal {
            return no(ErrorKind::Rejected, refusal);
        }
        let (volume, inner) = (place.volume.clone(), place.inner.clone());
        let tree = match volume {
            Some(name) => self.volumes.get_mut(&name).map(|volume| &mut volume.files),
            None => self.units.get_mut(&id).map(|unit| &mut unit.layer),
        };
        match tree.map(|tree| tree.unpack(&inner, archive)) {
            Some(Err(error)) => no(ErrorKind::Rejected, error.to_string()),
            _ => Ok(Done::Done.into()),
        }
    }
}

/// Docker's own pool: fifteen /16 and sixteen /20, of which the default bridge has one.
fn own_pool() -> impl Iterator<Item = Subnet> {
    let large = (17..=31).map(|n| (Ipv4Addr::new(172, n, 0, 0), 16));
    let small = (0..16).map(|n| (Ipv4Addr::new(192, 168, n * 16, 0), 20));
    large.chain(small).map(|(address, prefix)| Subnet {
        address: IpAddr::V4(address),
        prefix,
    })
}
