//! Generated stacks: sites with providers, volumes, ports, limits; edits of them; and what others do to the
//! engine meanwhile.
//!
//! A stack is written as the files that a user would have, so that everything from reading to the engine is
//! under test.

use super::written::written;
use coasti::{
    base::{EngineId, RevisionId, Secret, Span, StackId, StackName},
    build::{Context, Rules, Unsendable},
    config::{self, Desired, Folder},
    diag::{Diagnostics, Source},
    diff::Wishes,
    engine::{
        Call, ContainerCreate, Engine,
        sim::{Behaviour, Sim, SimImage},
    },
    exec::{Events, Stop},
    model::{ContainerSpec, Health, LiveSpec, Restart, RestartName},
    observe::Container,
    ops::{
        OpError, Who,
        apply::{self, Applied, Expect, Options},
        destroy,
        external_ip::Answer,
        gather::{Gathered, gather},
        hold::{self, Act},
        recover,
        saved::Saved,
    },
    plan::Plan,
};
use futures_util::future::BoxFuture;
use proptest::{collection, option, prelude::*, sample};
use serde_json::{Value, json};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

pub const STACK: &str = "acme";
pub const ID: &str = "0123456789abcdef0123456789abcdef";

/// Images that work, each in two versions.
const GOOD: [&str; 3] = ["plain", "checked", "data"];
/// Images that do not.
pub const BAD: [&str; 5] = ["missing", "exits", "dies", "sick", "cannot"];
const PROVIDERS: [&str; 3] = ["postgres", "redis", "mariadb"];
const LABELS: [&str; 6] = ["blog", "cms", "docs", "mail", "shop", "wiki"];

/// One site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    pub image: &'static str,
    pub version: u8,
    pub env: BTreeMap<&'static str, u8>,
    pub secret: bool,
    pub memory: Option<u32>,
    pub cpus: Option<&'static str>,
    pub restart: Option<&'static str>,
    pub volume: bool,
    pub port: Option<u16>,
    pub health: bool,
    pub post_run: bool,
    pub providers: BTreeSet<&'static str>,
    /// Built from that content, from its image.
    pub build: Option<u8>,
}

/// A stack: its sites by label.
pub type Sites = BTreeMap<&'static str, Site>;

fn site() -> impl Strategy<Value = Site> {
    let what = (
        sample::select(&GOOD[..]),
        1..3u8,
        collection::btree_map(sample::select(vec!["LEVEL", "MODE"]), 0..3u8, 0..3),
        any::<bool>(),
    );
    let limits = (
        option::of(sample::select(vec![64, 128])),
        option::of(sample::select(vec!["0.5", "1"])),
        option::of(sample::select(vec!["unless-stopped", "on-failure", "no"])),
    );
    let around = (
        any::<bool>(),
        option::of(0..6u16),
        any::<bool>(),
        prop::bool::weighted(0.3),
        collection::btree_set(sample::select(&PROVIDERS[..]), 0..3),
        option::weighted(0.3, 0..3u8),
    );
    (what, limits, around).prop_map(
        |(
            (image, version, env, secret),
            (memory, cpus, restart),
            (volume, port, health, post_run, providers, build),
        )| Site {
            image,
            version,
            env,
            secret,
            memory,
            cpus,
            restart,
            volume,
            // 0 is the next free one.
            port: port.map(|n| if n == 0 { 0 } else { 9000 + n }),
            health,
            post_run,
            providers,
            build,
        },
    )
}

/// One to six sites; no two with one fixed port.
pub fn sites() -> impl Strategy<Value = Sites> {
    collection::btree_map(sample::select(&LABELS[..]), site(), 1..6).prop_map(distinct)
}

/// Likewise, none of them built: what is not there cannot have run before.
pub fn pulled_sites() -> impl Strategy<Value = Sites> {
    sites().prop_map(|mut sites| {
        for site in sites.values_mut() {
            site.build = None;
        }
        sites
    })
}

fn distinct(mut sites: Sites) -> Sites {
    let mut taken = BTreeSet::new();
    for site in sites.values_mut() {
        if site
            .port
            .is_some_and(|port| port > 0 && !taken.insert(port))
        {
            site.port = Some(0);
        }
    }
    sites
}

/// A change of the files.
#[derive(Clone, Debug)]
pub enum Edit {
    Env(u8),
    Version,
    Memory(Option<u32>),
    Restart(Option<&'static str>),
    Port(Option<u16>),
    Health,
    PostRun,
    Provider(&'static str),
    Build(Option<u8>),
    Remove,
    Add(&'static str, Box<Site>),
    Secret,
}

pub fn edits() -> impl Strategy<Value = Vec<(sample::Index, Edit)>> {
    let edit = prop_oneof![
        (0..9u8).prop_map(Edit::Env),
        Just(Edit::Version),
        option::of(sample::select(vec![64, 96, 128])).prop_map(Edit::Memory),
        option::of(sample::select(vec!["unless-stopped", "no"])).prop_map(Edit::Restart),
        option::of(sample::select(vec![0, 9007, 9008])).prop_map(Edit::Port),
        Just(Edit::Health),
        Just(Edit::PostRun),
        sample::select(&PROVIDERS[..]).prop_map(Edit::Provider),
        option::of(0..3u8).prop_map(Edit::Build),
        Just(Edit::Remove),
        (sample::select(&LABELS[..]), site())
            .prop_map(|(label, site)| Edit::Add(label, Box::new(site))),
        Just(Edit::Secret),
    ];
    collection::vec((any::<sample::Index>(), edit), 1..5)
}

/// The files after the edits.
pub fn edited(sites: &Sites, edits: &[(sample::Index, Edit)]) -> Sites {
    let mut sites = sites.clone();
    for (which, edit) in edits {
        if let Edit::Add(label, site) = edit {
            sites.entry(label).or_insert_with(|| (**site).clone());
            continue;
        }
        let Some(label) = which.get_or_none(&sites) else {
            continue;
        };
        let site = sites.get_mut(label).unwrap();
        match edit {
            Edit::Env(value) => drop(site.env.insert("LEVEL", 10 + value)),
            Edit::Version => site.version = 3 - site.version,
            Edit::Memory(memory) => site.memory = *memory,
            Edit::Restart(restart) => site.restart = *restart,
            Edit::Port(port) => site.port = *port,
            Edit::Health => site.health = !site.health,
            Edit::PostRun => site.post_run = !site.post_run,
            Edit::Provider(name) => {
                if !site.providers.remove(name) {
                    site.providers.insert(name);
                }
            }
            Edit::Build(build) => site.build = *build,
            Edit::Secret => site.secret = !site.secret,
            Edit::Remove => drop(sites.remove(label)),
            Edit::Add(..) => {}
        }
    }
    distinct(sites)
}

trait Pick {
    fn get_or_none(&self, sites: &Sites) -> Option<&'static str>;
}

impl Pick for sample::Index {
    fn get_or_none(&self, sites: &Sites) -> Option<&'static str> {
        let labels: Vec<_> = sites.keys().copied().collect();
        (!labels.is_empty()).then(|| *self.get(&labels))
    }
}

/// The files of a stack, in memory. `turned` has its sites in reverse.
#[derive(Clone, Debug)]
pub struct Files(BTreeMap<String, String>);

impl Files {
    pub fn of(sites: &Sites) -> Self {
        Self::written(sites, false)
    }

    pub fn turned(sites: &Sites) -> Self {
        Self::written(sites, true)
    }

    fn written(sites: &Sites, turned: bool) -> Self {
        let mut files = BTreeMap::new();
        let mut entries: Vec<Value> = Vec::new();
        let mut products: Vec<Value> = Vec::new();
        for (label, site) in sites {
            products.push(json!({"id": format!("p-{label}")}));
            if let Some(level) = site.env.get("LEVEL") {
                let path = format!("config/secrets/key-{level}");
                files.insert(path, format!("the key of level {level}\n"));
            }
            entries.push(json!({"label": label, "image": format!("p-{label}")}));
            if let Some(content) = site.build {
                let folder = format!("products/p-{label}/src");
                let base = format!("FROM acme/{}:{}\nCOPY . /\n", site.image, site.version);
                files.insert(format!("{folder}/Dockerfile"), base);
                files.insert(format!("{folder}/content"), content.to_string());
            }
            let path = format!("products/p-{label}/nua-config.json");
            files.insert(path, app(label, site).to_string());
        }
        if turned {
            entries.reverse();
            products.reverse();
        }
        let products = json!({"version": 1, "products": products});
        let deploy = json!({
            "version": 1,
            "stack": STACK,
            "id": ID,
            "ports": {"from": 8100, "to": 8199},
            "site": entries,
        });
        files.insert("config/products.yml".into(), products.to_string());
        files.insert("config/deploy.json".into(), deploy.to_string());
        Self(files)
    }

    /// With another deploy file.
    #[must_use]
    pub fn deploy(mut self, edit: impl FnOnce(&mut Value)) -> Self {
        let file = self.0.get_mut("config/deploy.json").unwrap();
        let mut deploy = serde_json::from_str(file).unwrap();
        edit(&mut deploy);
        *file = deploy.to_string();
        self
    }

    /// With other words in all files.
    #[must_use]
    pub fn replace(&self, from: &str, to: &str) -> Self {
        let files = self.0.iter();
        Self(
            files
                .map(|(path, text)| (path.clone(), text.replace(from, to)))
                .collect(),
        )
    }

    /// With the deploy file of others.
    #[must_use]
    pub fn with_deploy(mut self, others: &Self) -> Self {
        let file = "config/deploy.json";
        self.0.insert(file.into(), others.0[file].clone());
        self
    }

    /// As read.
    pub fn desired(&self) -> Desired {
        let mut diagnostics = Diagnostics::new();
        let desired = config::read(self, &mut diagnostics);
        desired.unwrap_or_else(|| {
            let said: Vec<_> = diagnostics
                .sorted()
                .iter()
                .map(|d| d.summary.clone())
                .collect();
            panic!("{said:?}\n{:#?}", self.0)
        })
    }
}

impl Folder for Files {
    fn read(&self, path: &str) -> Result<Option<Arc<Source>>, config::Unreadable> {
        let source = self
            .0
            .get(path)
            .map(|text| Source::new(path, path, text.clone()));
        Ok(source.map(Arc::new))
    }

    fn exists(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    fn context(&self, path: &str, rules: &Rules) -> Result<Context, Unsendable> {
        let texts = self.0.iter();
        let texts = texts.map(|(path, text)| (path.as_str(), text.as_str()));
        Ok(Context::of_texts(texts, path, rules))
    }

    fn name(&self) -> String {
        STACK.to_owned()
    }
}

/// A site's product.
fn app(label: &str, site: &Site) -> Value {
    let mut env: serde_json::Map<String, Value> = site
        .env
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(format!("v{value}"))))
        .collect();
    // Another level is another key in the file.
    if let Some(level) = site.env.get("LEVEL") {
        let file = json!({"secret": format!("key-{level}"), "file": "/etc/key"});
        env.insert("KEY_FILE".into(), file);
    }
    if site.secret {
        env.insert("CODE_FILE".into(), json!({"random": true, "file": true}));
        env.insert("TOKEN".into(), json!({"random": true, "length": 16}));
        env.insert(
            "SESSION".into(),
            json!({"random": true, "persistent": false}),
        );
    }
    let mut docker = serde_json::Map::new();
    if let Some(memory) = site.memory {
        docker.insert("mem_limit".into(), json!(format!("{memory}M")));
    }
    if let Some(cpus) = site.cpus {
        docker.insert("cpus".into(), json!(cpus.parse::<f64>().unwrap()));
    }
    if let Some(name) = site.restart {
        docker.insert("restart_policy".into(), json!({"name": name}));
    }
    let mut app = json!({
        "metadata": {"id": format!("p-{label}"), "version": "1.0", "title": label},
        "env": env,
        "docker": docker,
    });
    match site.build {
        Some(_) => app["build"] = json!("src"),
        None => app["image"] = json!(format!("acme/{}:{}", site.image, site.version)),
    }
    if site.volume {
        app["volume"] = json!([{"name": "files", "target": "/files"}]);
    }
    match site.port {
        Some(0) => app["port"] = json!({"web": {"container": 80, "host": "auto"}}),
        Some(host) => app["port"] = json!({"web": {"container": 80, "host": host}}),
        None => {}
    }
    if site.health {
        app["healthcheck"] = json!({"command": "true", "interval": 1, "retries": 2});
    }
    if site.post_run {
        app["run"] = json!({"post-run": [format!("set-up {label}")]});
    }
    let providers = site.providers.iter();
    let providers: Vec<_> = providers
        .map(|name| json!({"name": name, "module-name": name}))
        .collect();
    app["provider"] = json!(providers);
    app
}

/// An engine whose registry has all that generated stacks name.
pub fn engine() -> Sim {
    let sim = Sim::new();
    let health = Health {
        test: vec!["CMD".into(), "true".into()],
        interval: Some(Span::from_secs(1)),
        timeout: Some(Span::from_secs(1)),
        start_period: None,
        retries: Some(2),
        start_interval: None,
    };
    for version in 1..3 {
        let publish = |name: &str, image: SimImage| {
            let image = image.env("IMAGE", &format!("{name}{version}"));
            sim.publish(&format!("docker.io/acme/{name}:{version}"), image);
        };
        publish("plain", SimImage::new(Behaviour::Runs));
        publish(
            "checked",
            SimImage::new(Behaviour::HealthyAfter(Span::from_millis(1500))).health(health.clone()),
        );
        publish(
            "data",
            SimImage::new(Behaviour::Runs).volumes(["/var/lib/data"]),
        );
        publish("exits", SimImage::new(Behaviour::ExitsAtStart(3)));
        publish(
            "dies",
            SimImage::new(Behaviour::ExitsAfter(Span::from_millis(900), 4)),
        );
        publish(
            "sick",
            SimImage::new(Behaviour::NeverHealthy).health(health.clone()),
        );
        publish("cannot", SimImage::new(Behaviour::CannotStart));
    }
    sim
}

/// Publishes providers' images, which only the services know; what is built is on disk.
fn prepare(sim: &Sim, files: &Files, desired: &Desired) {
    let built = files.0.iter().filter(|(path, _)| path.contains("/src/"));
    if built.clone().next().is_some() {
        let _ = sim.clone().with_folder(&written(built));
    }
    for reference in desired.images().difference(&desired.built_images()) {
        if !reference.contains("acme/") {
            sim.publish(reference, SimImage::new(Behaviour::Runs));
        }
    }
}

fn who() -> Who {
    Who {
        actor: "tester@here".into(),
        commit: None,
        lock_wait: Duration::ZERO,
    }
}

pub fn wishes() -> Wishes {
    Wishes {
        max_removals: Some(1000),
        ..Wishes::default()
    }
}

/// `coasti apply`.
pub async fn apply(sim: &Sim, sites: &Sites) -> Result<Applied, OpError> {
    apply_files(sim, &Files::of(sites)).await
}

/// Likewise, of files as they are.
pub async fn apply_files(sim: &Sim, files: &Files) -> Result<Applied, OpError> {
    apply_files_as(sim, files, ID).await
}

/// Likewise, of a stack with another id.
pub async fn apply_files_as(sim: &Sim, files: &Files, id: &str) -> Result<Applied, OpError> {
    applied(sim, files, id, wishes(), None).await
}

/// `coasti apply --target …` and the like.
pub async fn apply_wishes(sim: &Sim, files: &Files, wishes: Wishes) -> Result<Applied, OpError> {
    applied(sim, files, ID, wishes, None).await
}

/// `coasti plan --out FILE`.
pub async fn saved(sim: &Sim, files: &Files) -> Saved {
    let mut gathered = gathered(sim, files).await;
    gathered.renew_values(&files.desired(), &wishes()).unwrap();
    let text = serde_json::to_vec(&Saved::new(&gathered, &gathered.plan(&wishes()), &wishes()));
    serde_json::from_slice(&text.unwrap()).unwrap()
}

/// `coasti apply FILE`.
pub async fn apply_saved(sim: &Sim, files: &Files, saved: &Saved) -> Result<Applied, OpError> {
    let expect = |gathered: &Gathered, plan: &Plan| saved.changed(gathered, plan);
    applied(sim, files, ID, wishes(), Some(&expect)).await
}

/// `coasti apply`, and Ctrl-C after a while.
pub async fn apply_interrupted(
    sim: &Sim,
    files: &Files,
    after: Duration,
) -> Result<Applied, OpError> {
    let stop = Stop::default();
    let interrupt = async {
        tokio::time::sleep(after).await;
        stop.ask();
    };
    let apply = applied_until(sim, files, ID, wishes(), None, &stop);
    tokio::join!(apply, interrupt).0
}

async fn applied(
    sim: &Sim,
    files: &Files,
    id: &str,
    wishes: Wishes,
    expect: Option<&Expect<'_>>,
) -> Result<Applied, OpError> {
    applied_until(sim, files, id, wishes, expect, &Stop::default()).await
}

async fn applied_until(
    sim: &Sim,
    files: &Files,
    id: &str,
    wishes: Wishes,
    expect: Option<&Expect<'_>>,
    stop: &Stop,
) -> Result<Applied, OpError> {
    let desired = files.desired();
    prepare(sim, files, &desired);
    let who = who();
    let options = Options {
        wishes,
        who: &who,
        expect,
        external_ip: &external_ip,
        show: &|_, plan| SHOWN.with_borrow_mut(|shown| shown.push(plan.clone())),
    };
    let (id, events) = (StackId::new(id), Events::default());
    apply::apply(sim, &desired, id, &options, &events, stop).await
}

/// Tells everybody the same address.
pub fn external_ip(at: Option<String>) -> BoxFuture<'static, Result<Answer, OpError>> {
    ASKED.with_borrow_mut(|asked| asked.push(at));
    let answer = Answer {
        address: [203, 0, 113, 7].into(),
        from: vec!["http://ip.example.org/".to_owned()],
    };
    Box::pin(async { Ok(answer) })
}

thread_local! {
    /// Whom applies of this thread have asked for the public address.
    pub static ASKED: RefCell<Vec<Option<String>>> = const { RefCell::new(Vec::new()) };
    /// Plans that applies of this thread have shown.
    pub static SHOWN: RefCell<Vec<Plan>> = const { RefCell::new(Vec::new()) };
}

/// What `coasti plan` gathers.
pub async fn gathered(sim: &Sim, files: &Files) -> Gathered {
    let desired = files.desired();
    prepare(sim, files, &desired);
    match gather(sim, &desired).await {
        Ok(gathered) => gathered,
        Err(error) => panic!("{error}"),
    }
}

/// `coasti plan`.
pub async fn plan(sim: &Sim, sites: &Sites) -> Plan {
    let files = Files::of(sites);
    let mut gathered = gathered(sim, &files).await;
    gathered.renew_values(&files.desired(), &wishes()).unwrap();
    gathered.plan(&wishes())
}

/// `coasti recover`, after the lock of the killed process was released as its user would (here the process
/// is the test itself, and not dead).
pub async fn recover(sim: &Sim) -> Result<Option<Applied>, OpError> {
    release(sim).await;
    let (name, id) = (StackName::new(STACK), StackId::new(ID));
    recover::recover(sim, &name, id, &who(), &Events::default(), &Stop::default()).await
}

/// `coasti stop LABEL` and the like.
pub async fn act(sim: &Sim, act: Act, label: &str) -> Result<BTreeSet<String>, OpError> {
    let (name, id) = (StackName::new(STACK), StackId::new(ID));
    let (who, events, stop) = (who(), Events::default(), Stop::default());
    hold::act(
        sim,
        &name,
        id,
        act,
        &[label.to_owned()],
        &who,
        &events,
        &stop,
    )
    .await
}

/// `coasti destroy`.
pub async fn destroy(sim: &Sim) -> Result<Plan, OpError> {
    let (name, id) = (StackName::new(STACK), StackId::new(ID));
    let (who, events, stop) = (who(), Events::default(), Stop::default());
    destroy::destroy(sim, &name, id, None, &who, &events, &stop).await
}

/// `coasti rollback`.
pub async fn rollback(sim: &Sim) -> Result<Applied, OpError> {
    roll(sim, None).await
}

/// `coasti rollback REVISION`.
pub async fn rollback_to(sim: &Sim, revision: &str) -> Result<Applied, OpError> {
    roll(sim, Some(&RevisionId::new(revision))).await
}

async fn roll(sim: &Sim, to: Option<&RevisionId>) -> Result<Applied, OpError> {
    let (name, id) = (StackName::new(STACK), StackId::new(ID));
    let (who, events, stop) = (who(), Events::default(), Stop::default());
    recover::rollback(sim, &name, id, to, &wishes(), &who, &events, &stop).await
}

/// `coasti lock release`.
pub async fn release(sim: &Sim) {
    let id = EngineId::new(coasti::base::names::lock(&StackName::new(STACK)));
    let call = Call::RemoveContainer { id };
    sim.hand()
        .execute(&call, Duration::from_secs(9))
        .await
        .unwrap();
}

/// The stack's own containers, without store and lock.
pub fn containers(sim: &Sim) -> BTreeMap<String, Container> {
    let mut all = sim.containers();
    all.retain(|name, container| container.owner.resource.is_some() && name.starts_with("acme-"));
    all
}

/// What somebody does behind coasti's back.
#[derive(Clone, Debug)]
pub enum Drift {
    Stop,
    Kill,
    Pause,
    Remove,
    Memory,
    Policy,
    Disconnect,
    Rename,
    /// Another container with the labels of ours.
    Copy,
    /// A container, a network and a volume of somebody else's.
    Foreign,
}

pub fn drifts() -> impl Strategy<Value = Vec<(sample::Index, Drift)>> {
    use Drift::{Copy, Disconnect, Foreign, Kill, Memory, Pause, Policy, Remove, Rename, Stop};
    let all = vec![
        Stop, Kill, Pause, Remove, Memory, Policy, Disconnect, Rename, Copy, Foreign,
    ];
    collection::vec((any::<sample::Index>(), sample::select(all)), 1..4)
}

/// Does it. What Docker refuses is not done.
pub async fn drift(sim: &Sim, drifts: &[(sample::Index, Drift)]) {
    let hand = sim.hand();
    let run = async |call: Call| {
        let _ = hand.execute(&call, Duration::from_secs(99)).await;
    };
    for (number, (which, drift)) in drifts.iter().enumerate() {
        let all: Vec<_> = containers(sim).into_values().collect();
        if all.is_empty() {
            return;
        }
        let one = which.get(&all).clone();
        let id = one.id.clone();
        match drift {
            Drift::Stop => run(Call::Stop { id, timeout: None }).await,
            Drift::Kill => {
                sim.kill_process(&one.name, 137);
                // What its restart policy makes of it is not coasti's to mend.
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Drift::Pause => run(Call::Pause { id }).await,
            Drift::Remove => run(Call::RemoveContainer { id }).await,
            Drift::Memory | Drift::Policy => {
                let mut live = LiveSpec {
                    restart: one.live.restart.clone(),
                    ..LiveSpec::default()
                };
                match drift {
                    Drift::Memory => live.memory = Some(77 << 20),
                    _ => live.restart.name = RestartName::No,
                }
                run(Call::Update { id, live }).await;
            }
            Drift::Disconnect => {
                if let Some(network) = one.live.networks.keys().next() {
                    let network = network.clone();
                    run(Call::Disconnect {
                        container: id,
                        network,
                    })
                    .await;
                }
            }
            Drift::Rename => {
                let to = format!("renamed-{number}");
                run(Call::Rename { id, to }).await;
            }
            Drift::Copy => {
                let labels = sim.labels(&one.name);
                run(foreign(&format!("copy-{number}"), labels)).await;
            }
            Drift::Foreign => {
                run(foreign(&format!("foreign-{number}"), BTreeMap::new())).await;
                let name = format!("foreign-{number}");
                run(Call::CreateNetwork {
                    name: name.clone(),
                    labels: BTreeMap::new(),
                    spec: Default::default(),
                })
                .await;
                run(Call::CreateVolume {
                    name,
                    labels: BTreeMap::new(),
                    driver: None,
                    options: BTreeMap::new(),
                })
                .await;
            }
        }
    }
}

/// A container that is nobody's business.
fn foreign(name: &str, labels: BTreeMap<String, String>) -> Call {
    let live = LiveSpec {
        restart: Restart {
            name: RestartName::No,
            max_retries: 0,
        },
        ..LiveSpec::default()
    };
    Call::CreateContainer(Box::new(ContainerCreate {
        name: name.to_owned(),
        spec: ContainerSpec {
            image: "acme/plain:1".into(),
            live,
            ..ContainerSpec::default()
        },
        env: BTreeMap::new(),
        command: Some(vec![Secret::new("x".to_owned())]),
        entrypoint: None,
        files: None,
        labels,
    }))
}

/// Runs a property's case in virtual time.
pub fn in_virtual_time<T>(case: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(case)
}
