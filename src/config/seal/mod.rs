//! Sealing: the choices that need an engine, made once and kept.
//!
//! What was chosen before (by the labels of our own containers, else by the last good revision) is chosen
//! again where it still fits. All else takes the lowest that is free, in the order of addresses.

mod ports;
mod subnets;
mod volumes;

use super::expand::{Container, Draft, ImageChoice, forbids_overlap, refused};
use super::{Desired, Generated, codes, rules};
use crate::base::{Digest, EngineId, Key, ResourceId, Secret, ValueId};
use crate::diag::{Diagnostic, Diagnostics, Origin, Place};
use crate::model::{
    About, ContainerSpec, FileSpec, Given, ImageSpec, MountSource, Need, NetworkSpec, Order, Pull,
    Resource, Role, Spec, Stack, ValueRef,
};
use crate::observe::Observed;
use crate::services::{self, Range, Version};
use std::collections::{BTreeMap, BTreeSet};

/// What sealing chooses from.
pub struct Facts<'a> {
    /// For digests of secrets that stand in files.
    pub key: &'a Key,
    /// Generated values that exist already.
    pub values: &'a BTreeMap<ValueId, Digest>,
    /// Secrets that the folder has encrypted and nothing here opens, as they were applied before.
    pub opened: &'a BTreeMap<ValueId, Secret<String>>,
    /// What the engine runs.
    pub observed: &'a Observed,
    /// The last good revision.
    pub previous: Option<&'a Stack>,
    /// Whether the engine is on this machine.
    pub local: bool,
    /// The version of the engine's API: an engine drops what its own does not have, without a word.
    pub api: (u32, u32),
    /// The engine's platform, empty where it does not tell; looked at where the files name one.
    pub platform: &'a str,
}

/// A sealed stack and what has to be known to bring it up.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// The stack.
    pub stack: Stack,
    /// Every generated value that the stack refers to, made or not.
    pub generate: BTreeMap<ValueId, Generated>,
    /// Secrets that stand in files, to be stored before they are used.
    pub given: BTreeMap<ValueId, Secret<String>>,
    /// Images that the engine does not have yet: which volumes they declare is not known.
    pub unknown_images: BTreeSet<String>,
}

impl Sealed {
    /// Whether what the engine's host uses itself has a say: a port or a network is still to be had.
    pub fn asks_host(&self, observed: &Observed) -> bool {
        ports::new(&self.stack, observed) || subnets::new(&self.stack, observed)
    }
}

/// Makes all choices. Nothing comes back where an error was found.
pub fn seal(desired: &Desired, facts: &Facts<'_>, diagnostics: &mut Diagnostics) -> Option<Sealed> {
    let mut own = Diagnostics::new();
    let mut draft = desired.draft.clone();
    if let Some(previous) = facts.previous {
        heirs(&mut draft, previous);
    }
    let mut unknown_images = BTreeSet::new();
    choose_images(&mut draft, facts, &mut unknown_images, &mut own);
    volumes::undeclared(&mut draft, facts, &unknown_images);
    for place in draft
        .containers
        .iter()
        .flat_map(|container| &container.here)
    {
        if !facts.local {
            own.push(
                Diagnostic::error(
                    codes::REMOTE_BIND,
                    Some(place.clone()),
                    "a folder of this machine cannot be mounted on another",
                )
                .label("the engine is on another machine")
                .help("write the folder's whole path on the engine's machine, or use a volume, or `configs`"),
            );
        }
    }
    for container in &draft.containers {
        if container.life.update.order == Order::StartFirst
            && let Some(why) = forbids_overlap(container)
        {
            own.push(refused(container, why));
        }
    }
    too_new(&draft, facts, &mut own);
    foreign(&draft, facts, &mut own);
    ports::choose(&mut draft, facts, &mut own);
    let subnets = subnets::choose(&draft, facts, &mut own);
    let failed = own.has_errors();
    diagnostics.extend(own);
    if failed {
        return None;
    }
    Some(build(draft, &subnets, facts, unknown_images))
}

/// What the engine is too old for: it would take it, and do without.
fn too_new(draft: &Draft, facts: &Facts<'_>, d: &mut Diagnostics) {
    const ANNOTATIONS: (u32, u32) = (1, 43);
    for container in &draft.containers {
        if container.spec.annotations.is_empty() || facts.api >= ANNOTATIONS {
            continue;
        }
        let at = container
            .origins
            .get("annotations")
            .unwrap_or(&container.at);
        let summary = format!(
            "the engine has no annotations for `{}`",
            container.id.address
        );
        let (major, minor) = facts.api;
        d.push(
            Diagnostic::error(codes::OLD_ENGINE, Some(at.clone()), summary)
                .label(format!(
                    "its API is {major}.{minor}; they came with 1.43, Docker 24"
                ))
                .help("update the engine, or leave them out"),
        );
    }
}

/// What is for another platform than the engine's.
fn foreign(draft: &Draft, facts: &Facts<'_>, d: &mut Diagnostics) {
    for container in &draft.containers {
        let Some(named) = &container.about.platform else {
            continue;
        };
        if rules::is_platform(named, facts.platform) {
            continue;
        }
        let at = container.origins.get("platform").unwrap_or(&container.at);
        let summary = format!("`{}` asks for an image for {named}", container.id.address);
        let own = match facts.platform {
            "" => "the engine does not tell which platform it is for".to_owned(),
            own => format!("the engine is for {own}"),
        };
        d.push(
            Diagnostic::error(codes::OTHER_PLATFORM, Some(at.clone()), summary)
                .label(own)
                .help("leave `platform` out, and the image for the engine's own is pulled"),
        );
    }
}

/// The stack as it would be on an engine that runs nothing, as far as that can be told: what an engine would
/// refuse is not looked at, and its digests mean nothing.
pub fn preview(desired: &Desired) -> Stack {
    let facts = Facts {
        key: &Key::new([0; 32]),
        values: &BTreeMap::new(),
        opened: &BTreeMap::new(),
        observed: &Observed::default(),
        previous: None,
        local: true,
        api: (u32::MAX, 0),
        platform: "",
    };
    let mut d = Diagnostics::new();
    let mut draft = desired.draft.clone();
    choose_images(&mut draft, &facts, &mut BTreeSet::new(), &mut d);
    ports::choose(&mut draft, &facts, &mut d);
    let subnets = subnets::choose(&draft, &facts, &mut d);
    build(draft, &subnets, &facts, BTreeSet::new()).stack
}

/// After a second rename `was:` still names the first label, after which the data is called. What goes now is the
/// label that had that name in the meantime.
fn heirs(draft: &mut Draft, previous: &Stack) {
    let known = previous.containers().map(|(id, ..)| id.label().to_owned());
    let known: BTreeSet<String> = known.collect();
    let mut data: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for container in &draft.containers {
        let of = data.entry(container.id.label().to_owned()).or_default();
        of.extend(container.spec.data().map(str::to_owned));
    }
    for container in &mut draft.containers {
        let Some(first) = container.was.as_ref().map(ResourceId::label) else {
            continue;
        };
        if known.contains(container.id.label()) || known.contains(first) {
            continue;
        }
        let mut goes = known.iter().filter(|label| !data.contains_key(*label));
        let own = data.get(container.id.label());
        let wrote = |label: &str| {
            let mut all = previous.containers().filter(|(id, ..)| id.label() == label);
            all.any(|(_, _, spec)| {
                let mut written = spec.data();
                written.any(|one| own.is_some_and(|own| own.contains(one)))
            })
        };
        let had = |label: &&String| previous.was(label) == Some(first) || wrote(label);
        let Some(last) = goes.find(had) else {
            continue;
        };
        container.was = Some(container.id.under(last));
        if let Some(was) = &mut container.about.was {
            was.clone_from(last);
        }
    }
}

/// The spec that a container of ours had: the running one's, else the last revision's, else that of the
/// label it had before.
fn before<'a>(
    container: &Container,
    draft: &Draft,
    facts: &'a Facts<'_>,
) -> Option<&'a ContainerSpec> {
    let of = |id: &ResourceId| {
        let name = crate::base::names::object(&draft.stack, &id.address);
        let live = facts.observed.containers.get(&name).filter(|live| {
            live.owner.stack.as_ref() == Some(&draft.stack)
                && live.owner.resource.as_ref() == Some(id)
        });
        let label = live.and_then(|live| match &live.owner.spec {
            Some(Spec::Container(spec)) => Some(&**spec),
            _ => None,
        });
        label.or_else(|| facts.previous.and_then(|stack| stack.container(id)))
    };
    of(&container.id).or_else(|| container.was.as_ref().and_then(of))
}

fn choose_images(
    draft: &mut Draft,
    facts: &Facts<'_>,
    unknown: &mut BTreeSet<String>,
    d: &mut Diagnostics,
) {
    let images = &facts.observed.images;
    let chosen: Vec<Option<(String, String)>> = draft
        .containers
        .iter()
        .map(|container| match &container.image {
            ImageChoice::Range {
                candidates, range, ..
            } => {
                let old = before(container, draft, facts).map(|spec| spec.image.as_str());
                stays(old, candidates, range.as_deref()).or_else(|| candidates.last().cloned())
            }
            ImageChoice::Fixed { .. } => None,
        })
        .collect();
    for (container, chosen) in draft.containers.iter_mut().zip(chosen) {
        match (&container.image, chosen) {
            (_, Some((version, image))) => {
                container.spec.image = image;
                container.about.version = Some(version);
            }
            (
                ImageChoice::Fixed {
                    reference,
                    archive,
                    local,
                    build,
                    at,
                },
                None,
            ) => {
                container.spec.image.clone_from(reference);
                if *local && archive.is_none() && build.is_none() && !images.contains_key(reference)
                {
                    d.push(not_built(reference, at.clone()));
                }
            }
            (ImageChoice::Range { .. }, None) => {}
        }
        if !images.contains_key(&container.spec.image) {
            unknown.insert(container.spec.image.clone());
        }
    }
}

/// A version that runs stays while the range holds it, also when coasti learns of a newer one.
fn stays(
    old: Option<&str>,
    candidates: &[(String, String)],
    range: Option<&str>,
) -> Option<(String, String)> {
    let old = old?;
    if let Some(same) = candidates.iter().find(|(_, image)| image == old) {
        return Some(same.clone());
    }
    let repository = |image: &str| {
        image
            .rsplit_once(':')
            .map(|(repository, _)| repository.to_owned())
    };
    let own = repository(old)?;
    if !candidates
        .iter()
        .any(|(_, image)| repository(image).as_ref() == Some(&own))
    {
        return None;
    }
    let version = Version::of_image(old)?;
    let holds = match range {
        Some(range) => Range::parse(range).is_ok_and(|range| range.contains(&version)),
        None => true,
    };
    holds.then(|| (version.to_string(), old.to_owned()))
}

fn not_built(reference: &str, at: Option<Place>) -> Diagnostic {
    let error = Diagnostic::error(
        codes::NOT_BUILT,
        at,
        format!("the engine has no image `{reference}`"),
    );
    error
        .label("this product is built from source, which coasti does not do")
        .help("build it with nua-build, on the engine's machine")
        .help(format!(
            "or put the archive `{reference}.tar` into the product's folder"
        ))
        .help("or write `image: REFERENCE` into the product's app definition")
}

fn build(
    mut draft: Draft,
    subnets: &subnets::Chosen,
    facts: &Facts<'_>,
    unknown_images: BTreeSet<String>,
) -> Sealed {
    let containers = std::mem::take(&mut draft.containers);
    let draft = draft;
    let mut stack = Stack::empty(draft.stack.clone(), draft.id.clone());
    stack.pool = Some(subnets.pool);
    let resource = |name: &str, spec: Spec, at: &Place| Resource {
        name: name.to_owned(),
        spec,
        needs: BTreeMap::new(),
        life: Default::default(),
        about: None,
        origins: [(String::new(), at.origin())].into(),
    };
    let mut network_ids: BTreeMap<&str, ResourceId> = BTreeMap::new();
    for (address, network) in &draft.networks {
        let spec = NetworkSpec {
            subnet: subnets.of.get(address).copied().flatten(),
            subnet6: subnets.six.get(address).copied(),
            ..network.spec.clone()
        };
        let id = ResourceId::network(address);
        network_ids.entry(&network.name).or_insert(id.clone());
        let network = resource(&network.name, Spec::Network(spec), &network.at);
        stack.resources.insert(id, network);
    }
    let (mut given, mut generate) = (BTreeMap::new(), BTreeMap::new());
    let mut volume_ids: BTreeMap<&str, ResourceId> = BTreeMap::new();
    for (address, volume) in &draft.volumes {
        let id = ResourceId::volume(address);
        let spec = Spec::Volume(volume.spec.clone());
        let mut made = resource(&volume.name, spec, &volume.at);
        made.life.holds_data = true;
        stack.resources.insert(id.clone(), made);
        volume_ids.entry(&volume.name).or_insert(id);
    }
    for mut container in containers {
        let image = ResourceId::image(&container.spec.image);
        let (archive, local, built) = match &container.image {
            ImageChoice::Fixed {
                archive,
                local,
                build,
                ..
            } => (archive.clone(), *local, build.as_deref()),
            ImageChoice::Range { .. } => (None, false, None),
        };
        let pull = if local { Pull::Never } else { Pull::Missing };
        let build = built.map(|built| Box::new(built.spec.clone()));
        let spec = Spec::Image(ImageSpec {
            pull,
            archive,
            build,
        });
        let mut made = resource(&container.spec.image, spec, &container.at);
        let bases = built.iter().flat_map(|built| &built.needs);
        made.needs = bases
            .map(|base| (ResourceId::image(base), Need::Exists))
            .collect();
        if let Some(built) = built {
            container
                .origins
                .insert("image".to_owned(), built.at.clone());
        }
        if let Some(at) = container.origins.get("image") {
            made.origins = [(String::new(), at.origin())].into();
        }
        stack.resources.entry(image.clone()).or_insert(made);

        for file in std::mem::take(&mut container.files) {
            let field = format!("files.{}", file.target);
            container.origins.insert(field, file.at);
            container.spec.files.insert(file.target, file.spec);
        }
        let mut about = container.about.clone();
        about.init_only = init_only(&about, &container.spec);
        let mut needs = std::mem::take(&mut container.needs);
        needs.insert(image, Need::Exists);
        for (volume, _) in container.spec.volumes() {
            if let Some(id) = volume_ids.get(volume.as_str()) {
                needs.insert(id.clone(), Need::Exists);
            }
        }
        for network in container.spec.live.networks.keys() {
            if let Some(id) = network_ids.get(network.as_str()) {
                needs.insert(id.clone(), Need::Exists);
            }
        }
        stack.resources.insert(
            container.id,
            Resource {
                name: container.name,
                spec: Spec::Container(Box::new(container.spec)),
                needs,
                life: container.life,
                about: Some(about),
                origins: origins(&container.origins),
            },
        );
    }
    for text in stack.texts_mut() {
        for value in text.values_mut() {
            settle(value, &draft, facts, &mut given, &mut generate);
        }
    }
    deliver(&mut stack);
    Sealed {
        stack,
        generate,
        given,
        unknown_images,
    }
}

/// Files and lines.
fn origins(places: &BTreeMap<String, Place>) -> BTreeMap<String, Origin> {
    let places = places.iter();
    places
        .map(|(field, place)| (field.clone(), place.origin()))
        .collect()
}

/// Gives each container that gets files a volume for them, now that their contents' digests are known.
fn deliver(stack: &mut Stack) {
    let mut made = Vec::new();
    for (id, resource, spec) in stack.containers() {
        if spec.files.is_empty() {
            continue;
        }
        let address = FileSpec::address(&id.address);
        let files = FileSpec {
            files: spec.files.clone(),
        };
        let volume = Resource {
            name: files.volume(&stack.name, &address),
            spec: Spec::File(files),
            needs: BTreeMap::new(),
            life: Default::default(),
            about: None,
            origins: resource
                .origins
                .iter()
                .filter(|(field, _)| field.is_empty() || field.starts_with("files."))
                .map(|(field, origin)| (field.clone(), origin.clone()))
                .collect(),
        };
        made.push((id.clone(), ResourceId::file(address), volume));
    }
    for (container, id, volume) in made {
        if let Some(container) = stack.resources.get_mut(&container) {
            container.needs.insert(id.clone(), Need::Exists);
        }
        stack.resources.insert(id, volume);
    }
}

/// Variables that the image reads only when it initialises what is mounted where its data is: of a provider,
/// and of a site that runs a database's image.
fn init_only(about: &About, spec: &ContainerSpec) -> BTreeMap<String, EngineId> {
    let service = match about.role {
        Role::Provider => services::find(&about.product).or_else(|| services::of_data(&spec.image)),
        Role::App => services::of_data(&spec.image),
    };
    let Some(service) = service else {
        return BTreeMap::new();
    };
    let data = service.data().and_then(|path| spec.mounts.get(path));
    let kept = match data.map(|mount| &mount.source) {
        Some(MountSource::Volume(name)) => name.clone(),
        Some(MountSource::Directory(path)) => EngineId::new(path.clone()),
        Some(MountSource::Tmpfs { .. }) | None => return BTreeMap::new(),
    };
    let read = service.init_only().iter();
    read.filter(|name| spec.given(name) != Given::Nowhere)
        .map(|name| ((*name).to_owned(), kept.clone()))
        .collect()
}

/// Gives a reference its digest, and a secret of a file its id.
fn settle(
    value: &mut ValueRef,
    draft: &Draft,
    facts: &Facts<'_>,
    given: &mut BTreeMap<ValueId, Secret<String>>,
    generate: &mut BTreeMap<ValueId, Generated>,
) {
    let here = draft.given.get(&value.id);
    if let Some(secret) = here.or_else(|| facts.opened.get(&value.id)) {
        let digest = facts.key.keyed(secret.expose().as_bytes());
        if value.id.as_str().starts_with("given:") {
            value.id = ValueId::new(format!("text:{digest}"));
        }
        value.digest = Some(digest);
        given.insert(value.id.clone(), secret.clone());
        return;
    }
    value.digest = facts.values.get(&value.id).cloned();
    if let Some(generated) = draft.recipes.get(&value.id) {
        generate.insert(value.id.clone(), generated.clone());
    }
}
