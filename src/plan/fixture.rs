//! Small stacks and engines made by hand, for tests of the planner and of what shows plans.
//!
//! A [`World`] is an engine that runs a stack exactly as its files say; a test changes one thing and looks at
//! the plan.

use super::{Plan, check, plan, text};
use crate::base::{Digest, EngineId, Kind, ResourceId, Span, StackId, StackName, ValueId, names};
use crate::diag::Origin;
use crate::diff::{Held, Hold, Inputs, Wishes};
use crate::model::{
    About, Attachment, ContainerSpec, File, FileSpec, Health, ImageSpec, LiveSpec, Mount,
    MountSource, Need, NetworkSpec, Port, Protocol, Resource, Restart, RestartName, Role, Spec,
    Stack, Text, VolumeSpec, spec_hash,
};
use crate::observe::{
    Container, Image, Network, Observed, Owner, PublishedPort, State, Status, Volume,
};
use std::collections::{BTreeMap, BTreeSet};

/// What a plan is made of, owned.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) desired: Stack,
    pub(crate) base: Option<Stack>,
    pub(crate) observed: Observed,
    pub(crate) held: Held,
    pub(crate) wishes: Wishes,
}

/// An empty stack.
pub(crate) fn stack() -> Stack {
    Stack::empty(StackName::new("acme"), Some(StackId::new("6f1c")))
}

fn resource(name: impl Into<String>, spec: Spec) -> Resource {
    Resource {
        name: name.into(),
        spec,
        needs: BTreeMap::new(),
        life: Default::default(),
        about: None,
        origins: BTreeMap::new(),
    }
}

fn about(role: Role, product: &str) -> About {
    About {
        role,
        product: product.to_owned(),
        version: None,
        domain: None,
        display: Vec::new(),
        init_only: BTreeMap::new(),
        was: None,
        serves: None,
        job: false,
        renews_with: Default::default(),
        optional: Default::default(),
        platform: None,
    }
}

fn origin(line: usize) -> Origin {
    Origin {
        file: "config/deploy.yml".into(),
        line,
    }
}

pub(crate) fn container_mut<'a>(stack: &'a mut Stack, address: &str) -> &'a mut Resource {
    stack
        .resources
        .get_mut(&ResourceId::container(address))
        .unwrap()
}

/// The spec of the container at `address`.
pub(crate) fn spec_mut<'a>(stack: &'a mut Stack, address: &str) -> &'a mut ContainerSpec {
    match &mut container_mut(stack, address).spec {
        Spec::Container(spec) => spec,
        _ => panic!("{address} is a container"),
    }
}

/// The container at `address` needs `other` to be healthy.
pub(crate) fn needs(stack: &mut Stack, address: &str, other: &str) {
    container_mut(stack, address)
        .needs
        .insert(ResourceId::container(other), Need::Healthy);
}

fn add_container(stack: &mut Stack, address: &str, image: &str, about: About) {
    let image = format!("docker.io/library/{image}");
    stack
        .resources
        .entry(ResourceId::image(&image))
        .or_insert_with(|| resource(&image, Spec::Image(ImageSpec::default())));
    let label = address.split('/').next().unwrap();
    let network = names::object(&stack.name, label);
    stack
        .resources
        .entry(ResourceId::network(label))
        .or_insert_with(|| resource(&network, Spec::Network(NetworkSpec::default())));
    let mut spec = ContainerSpec {
        image: image.clone(),
        ..Default::default()
    };
    let short = address.rsplit('/').next().unwrap().to_owned();
    spec.live.networks.insert(
        network,
        Attachment {
            aliases: [short].into(),
            ..Attachment::default()
        },
    );
    let mut made = resource(
        names::object(&stack.name, address),
        Spec::Container(Box::new(spec)),
    );
    made.needs.insert(ResourceId::image(&image), Need::Exists);
    made.needs.insert(ResourceId::network(label), Need::Exists);
    made.about = Some(about);
    let line = 2 + 10 * stack.containers().count();
    made.origins.insert(String::new(), origin(line));
    made.origins.insert("env".into(), origin(line + 3));
    stack.resources.insert(ResourceId::container(address), made);
}

/// An app without data that publishes nothing, in a network of its own.
pub(crate) fn app(stack: &mut Stack, label: &str) {
    add_container(stack, label, &format!("{label}:1"), about(Role::App, label));
    let spec = spec_mut(stack, label);
    spec.env.insert("LEVEL".into(), Text::plain("info"));
}

/// A MariaDB with data for an app, which needs it healthy.
pub(crate) fn database(stack: &mut Stack, label: &str) {
    let address = format!("{label}/database");
    let mut what = about(Role::Provider, "mariadb");
    what.serves = Some(ResourceId::container(label));
    let data = names::object(&stack.name, &format!("{address}/data"));
    what.init_only
        .insert("MARIADB_PASSWORD".into(), EngineId::new(data.clone()));
    add_container(stack, &address, "mariadb:10.11", what);
    volume(stack, &address, "data", "/var/lib/mysql");
    let spec = spec_mut(stack, &address);
    spec.env.insert(
        "MARIADB_PASSWORD".into(),
        Text::value(ValueId::new(format!("{address}/MARIADB_PASSWORD")), None),
    );
    spec.health = Some(Health {
        test: vec!["CMD".into(), "healthcheck.sh".into()],
        interval: Some(Span::from_secs(5)),
        timeout: Some(Span::from_secs(5)),
        start_period: Some(Span::from_secs(30)),
        retries: Some(5),
        start_interval: None,
    });
    needs(stack, label, &address);
}

/// A writable volume `ADDRESS/NAME` mounted at `path`.
pub(crate) fn volume(stack: &mut Stack, address: &str, name: &str, path: &str) {
    let id = ResourceId::volume(format!("{address}/{name}"));
    let full = names::object(&stack.name, &id.address);
    stack.resources.insert(
        id.clone(),
        resource(&full, Spec::Volume(VolumeSpec::default())),
    );
    mount(stack, address, &full, path);
    container_mut(stack, address).needs.insert(id, Need::Exists);
}

/// Mounts the volume of that name, writable.
pub(crate) fn mount(stack: &mut Stack, address: &str, volume: &str, path: &str) {
    container_mut(stack, address).life.holds_data = true;
    spec_mut(stack, address).mounts.insert(
        path.to_owned(),
        Mount::from(MountSource::Volume(EngineId::new(volume))),
    );
}

/// Delivers a secret of that digest as a file.
pub(crate) fn file(stack: &mut Stack, address: &str, path: &str, digest: &str) {
    let digest = Some(Digest::from_text(digest));
    let content = Text::value(ValueId::new("secret:key"), digest);
    let spec = spec_mut(stack, address);
    spec.files.insert(path.to_owned(), File::new(content));
    let files = FileSpec {
        files: spec.files.clone(),
    };
    let id = ResourceId::file(FileSpec::address(address));
    let volume = files.volume(&stack.name, &id.address);
    let resource = resource(volume, Spec::File(files));
    stack.resources.insert(id.clone(), resource);
    container_mut(stack, address).needs.insert(id, Need::Exists);
}

/// Publishes `80/tcp` at `host`.
pub(crate) fn publish(stack: &mut Stack, address: &str, host: u16) {
    let port = Port {
        bind: [127, 0, 0, 1].into(),
        host,
    };
    spec_mut(stack, address).ports.insert("80/tcp".into(), port);
}

/// Sets a variable.
pub(crate) fn env(stack: &mut Stack, address: &str, name: &str, value: &str) {
    spec_mut(stack, address)
        .env
        .insert(name.into(), Text::plain(value));
}

/// Drops everything under a label.
pub(crate) fn drop_label(stack: &mut Stack, label: &str) {
    stack.resources.retain(|id, _| id.label() != label);
}

/// The usual stack: `blog` with a database and a port, and `wiki` with neither.
pub(crate) fn usual() -> Stack {
    let mut stack = stack();
    app(&mut stack, "blog");
    database(&mut stack, "blog");
    publish(&mut stack, "blog", 8101);
    app(&mut stack, "wiki");
    stack
}

fn owner(stack: &Stack, id: &ResourceId, resource: &Resource) -> Owner {
    Owner {
        stack: Some(stack.name.clone()),
        id: stack.id.clone(),
        resource: Some(id.clone()),
        spec: Some(resource.spec.clone()),
        spec_hash: Some(spec_hash(&resource.spec)),
        run: None,
        key: None,
    }
}

/// An id that tells in twelve characters which container is meant.
fn engine_id(name: &str) -> EngineId {
    let short = name.strip_prefix("acme-").unwrap_or(name);
    EngineId::new(short.replace("database", "db"))
}

/// The container that coasti makes for `id`, running, under its own name.
pub(crate) fn running(stack: &Stack, id: &ResourceId) -> Container {
    let resource = &stack.resources[id];
    let Spec::Container(spec) = &resource.spec else {
        panic!("{id} is a container")
    };
    let mut mounts = spec.mounts.clone();
    if let Some(files) = resource.needs.keys().find(|need| need.kind == Kind::File) {
        let volume = EngineId::new(stack.resources[files].name.clone());
        let mount = Mount {
            read_only: true,
            ..Mount::from(MountSource::Volume(volume))
        };
        mounts.insert(FileSpec::MOUNT.to_owned(), mount);
    }
    Container {
        id: engine_id(&resource.name),
        name: resource.name.clone(),
        owner: owner(stack, id, resource),
        state: State {
            status: Status::Running,
            health: None,
            exit_code: 0,
            ever_started: true,
            started_at: "2026-11-20T14:00:00Z".into(),
            restarts: 0,
            error: String::new(),
            oom_killed: false,
        },
        image: format!("sha256:{}", spec.image),
        env: BTreeMap::new(),
        live: spec.live.clone(),
        mounts,
        ports: spec
            .published()
            .map(|(_, port)| PublishedPort {
                protocol: Protocol::Tcp,
                port: port.host,
                bind: port.bind,
                by: resource.name.clone(),
            })
            .collect(),
        auto_remove: false,
        made: Default::default(),
    }
}

/// An engine that runs `stack` as its files say.
pub(crate) fn observe(stack: &Stack) -> Observed {
    let mut observed = Observed::default();
    for (id, resource) in &stack.resources {
        let name = resource.name.clone();
        let owner = owner(stack, id, resource);
        match &resource.spec {
            Spec::Image(_) => {
                let image = Image {
                    id: format!("sha256:{name}"),
                    ..Default::default()
                };
                observed.images.insert(name, image);
            }
            Spec::Network(spec) => {
                let network = Network {
                    id: EngineId::new(format!("id-net-{name}")),
                    name: name.clone(),
                    owner,
                    subnets: Vec::new(),
                    internal: spec.internal,
                };
                observed.networks.insert(name, network);
            }
            Spec::Volume(spec) => {
                let volume = Volume {
                    name: name.clone(),
                    owner,
                    driver: "local".into(),
                    options: spec
                        .options
                        .iter()
                        .map(|(name, text)| (name.clone(), text.show()))
                        .collect(),
                };
                observed.volumes.insert(name, volume);
            }
            Spec::File(_) => {
                let volume = Volume {
                    name: name.clone(),
                    owner,
                    driver: "local".into(),
                    options: BTreeMap::new(),
                };
                observed.volumes.insert(name, volume);
            }
            Spec::Container(_) => {
                observed.containers.insert(name, running(stack, id));
            }
        }
    }
    observed
}

impl World {
    /// Nothing runs yet.
    pub(crate) fn fresh(desired: Stack) -> Self {
        Self {
            desired,
            base: None,
            observed: Observed::default(),
            held: Held::new(),
            wishes: Wishes::default(),
        }
    }

    /// `stack` runs, was applied and is what the files say.
    pub(crate) fn settled(stack: Stack) -> Self {
        Self {
            observed: observe(&stack),
            base: Some(stack.clone()),
            ..Self::fresh(stack)
        }
    }

    /// The usual stack, settled, with the files changed by `edit`.
    pub(crate) fn usual(edit: impl FnOnce(&mut Stack)) -> Self {
        let mut world = Self::settled(usual());
        edit(&mut world.desired);
        // Images that the files name are there, unless a test takes them away.
        let names: Vec<_> = world.desired.resources.keys().cloned().collect();
        for id in names {
            if id.kind == Kind::Image {
                let image = Image {
                    id: format!("sha256:{}", id.address),
                    ..Default::default()
                };
                world.observed.images.entry(id.address).or_insert(image);
            }
        }
        world
    }

    /// The container of that name on the engine.
    pub(crate) fn on(&mut self, name: &str) -> &mut Container {
        self.observed.containers.get_mut(name).unwrap()
    }

    /// It ended with `code`.
    pub(crate) fn exited(&mut self, name: &str, code: i64) {
        let state = &mut self.on(name).state;
        state.status = Status::Exited;
        state.exit_code = code;
    }

    /// Puts a container on the engine for `address` as `stack` has it, under its name and `suffix`.
    pub(crate) fn put(&mut self, stack: &Stack, address: &str, suffix: &str) -> &mut Container {
        let mut made = running(stack, &ResourceId::container(address));
        made.name.push_str(suffix);
        made.id = engine_id(&made.name);
        let name = made.name.clone();
        self.observed.containers.insert(name.clone(), made);
        self.on(&name)
    }

    /// What a cut-off replace leaves of the old container: it does not run, does not restart, is `.prev`.
    pub(crate) fn put_previous(&mut self, stack: &Stack, address: &str) {
        let old = self.put(stack, address, names::PREV);
        old.live.restart = no_restart();
        old.state.status = Status::Exited;
    }

    /// Holds a label.
    pub(crate) fn hold(&mut self, label: &str, hold: Hold) {
        self.held.insert(label.to_owned(), hold);
    }

    /// The plan; every one passes the checker and is the same a second time.
    pub(crate) fn plan(&self) -> Plan {
        let inputs = Inputs {
            desired: &self.desired,
            observed: &self.observed,
            base: self.base.as_ref(),
            held: &self.held,
            wishes: &self.wishes,
        };
        let made = plan(&inputs);
        let faults = check::check(&made, &self.desired);
        assert_eq!(faults, Vec::<String>::new(), "{}", text::steps(&made));
        assert_eq!(made, plan(&inputs));
        made
    }

    /// The plan's steps as text.
    pub(crate) fn steps(&self) -> String {
        let plan = self.plan();
        let refused: Vec<_> = plan.refusals.iter().map(|r| r.code.as_str()).collect();
        assert_eq!(refused, Vec::<&str>::new());
        text::steps(&plan)
    }

    /// The codes of what is refused, each with its resource.
    pub(crate) fn refused(&self) -> Vec<String> {
        self.plan()
            .refusals
            .iter()
            .map(|r| format!("{} {}", r.code, r.id))
            .collect()
    }

    /// Names of volumes on the engine.
    pub(crate) fn volumes(&mut self) -> &mut BTreeMap<String, Volume> {
        &mut self.observed.volumes
    }
}

/// A restart policy of `no`.
pub(crate) fn no_restart() -> Restart {
    Restart {
        name: RestartName::No,
        max_retries: 0,
    }
}

/// A set of labels.
pub(crate) fn labels(labels: &[&str]) -> BTreeSet<String> {
    labels.iter().map(|l| (*l).to_owned()).collect()
}

/// The live part of a spec.
pub(crate) fn live_mut<'a>(stack: &'a mut Stack, address: &str) -> &'a mut LiveSpec {
    &mut spec_mut(stack, address).live
}
