//! `coasti import dtaas`: a DTaaS services project as a stack, in its own folder. Its files stay as they are, and its
//! data where it is: what coasti needs is written beside them.

use super::found::{PROJECT, Running, SERVICE, keeps_by_hostname, named, taken};
use super::yaml::Yaml;
use super::{Draft, Made, Report, stack_name};
use crate::base::StackName;
use crate::config::{self, Folder as _, Node, Unreadable, Value, parse};
use crate::diag::{Diagnostics, Source};
use crate::engine::{EngineError, Look};
use crate::model::MountSource;
use crate::observe::Container;
use crate::ops::error::OpError;
use crate::ops::folder::{Disk, MARK};
use crate::ops::init;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// Compose files of a project, the first of which must be there.
const FILES: &[&str] = &[
    "compose.services.yml",
    "compose.thingsboard.yml",
    "compose.gitlab.yml",
];
const ENV: &str = "config/services.env";
/// Their label and product.
const NAME: &str = "dtaas";
const OWN: &str = "products/dtaas";

/// Kept out of git besides what is in every stack.
const IGNORED: &str = "
# Of the DTaaS services.
certs/
log/
config/password.env.current
config/*gitlab_*tokens.json
";

/// Makes a stack of the project in `dir`, in that folder. No file of the project's is changed.
///
/// # Errors
/// What is wrong with the files, all at once; nothing is written then.
pub async fn import<L: Look>(
    dir: &Path,
    stack: Option<&str>,
    engine: Result<&L, &OpError>,
) -> Result<Report, OpError> {
    let disk = Disk::at(dir);
    free(&disk)?;
    let mut d = Diagnostics::new();
    let Some(project) = Project::read(&disk, &mut d)? else {
        return Err(OpError::Files(d));
    };
    let stack = stack_name(stack, &project.name)?;
    let mut notes = project.notes(&disk);
    let containers = match engine {
        Ok(look) => match project.containers(look, &stack, &disk).await {
            Ok(found) => Some(found),
            Err(error) => {
                notes.push(not_looked(&error.to_string()));
                None
            }
        },
        Err(error) => {
            notes.push(not_looked(&error.to_string()));
            None
        }
    };
    let found = containers.unwrap_or_default();
    let mut draft = Draft::new(disk.root());
    let over = project.over(&disk, &found, &mut notes);
    let info = project.info(over.is_some());
    draft.add_known(&format!("{OWN}/info.yml"), "info", &info);
    if let Some(over) = over {
        draft.add(&format!("{OWN}/compose.coasti.yml"), over);
    }
    draft.add_known(MARK, "products", &products());
    let deploy = project.deploy(&stack, &found)?;
    draft.add_known("config/deploy.yml", "deploy", &deploy);
    let warnings = draft.check()?;
    for (path, text) in init::surroundings().filter(|(path, _)| !disk.exists(path)) {
        let more = if path == init::IGNORED { IGNORED } else { "" };
        draft.add(&path, text + more);
    }
    if !disk.exists(init::IGNORED) {
        notes.push(format!(
            "{ENV} holds passwords: whoever may read the folder's repository may read them"
        ));
    }
    let written = draft.write_into()?;
    let takes_over: Vec<_> = found.of.values().map(taken).collect();
    let mut next = vec![format!("cd {} && coasti plan", dir.display())];
    if !takes_over.is_empty() {
        next.push("coasti apply".to_owned());
        notes.push(
            "once it is applied, do not start the services with dtaas-services or Compose any more: two of each \
             would run on the same data"
                .to_owned(),
        );
        let own = project.networks.iter();
        let left: BTreeSet<&str> = own
            .filter(|(key, _)| !found.shared.contains(*key))
            .map(|(_, name)| name.as_str())
            .collect();
        for name in left {
            notes.push(format!(
                "network {name} stays, and nothing uses it after the first apply: docker network rm {name}"
            ));
        }
    }
    Ok(Report {
        folder: disk.root().to_owned(),
        stack: stack.to_string(),
        sites: vec![Made {
            label: NAME.to_owned(),
            product: NAME.to_owned(),
            domain: project.hostname.clone(),
            from: Some(project.files.join(", ")),
            definition: Some(ENV.to_owned()),
            takes_over,
        }],
        written,
        notes,
        next,
        warnings,
    })
}

fn not_looked(error: &str) -> String {
    format!(
        "no engine was looked at ({error}): what runs already is not taken over. To take it over, remove \
         config/products.yml, config/deploy.yml and {OWN} again and import with the engine in reach"
    )
}

/// Nothing is written over.
fn free(disk: &Disk) -> Result<(), OpError> {
    let mine = [MARK, "config/deploy.yml", OWN];
    let there: Vec<_> = mine
        .iter()
        .filter(|path| disk.root().join(path).symlink_metadata().is_ok())
        .copied()
        .collect();
    if there.is_empty() {
        return Ok(());
    }
    let shown = disk.root().display();
    let who = config::identity(disk).map(|known| format!(" (stack `{}`)", known.name));
    Err(OpError::Usage {
        what: format!(
            "{shown} is a stack's folder already{}: {} there",
            who.unwrap_or_default(),
            match there.as_slice() {
                [one] => format!("{one} is"),
                many => format!("{} are", many.join(", ")),
            }
        ),
        help: vec![
            format!("`coasti plan` in {shown} shows what differs"),
            "to import anew, move these away first".to_owned(),
        ],
    })
}

/// A service of a compose file.
struct Service {
    name: String,
    file: &'static str,
    container: Option<String>,
    /// Folders and volumes that it mounts: source and path inside.
    mounts: Vec<(String, String)>,
    waits: bool,
    image: String,
}

/// A project as its files have it.
struct Project {
    /// As Compose calls it.
    name: String,
    hostname: Option<String>,
    files: Vec<&'static str>,
    services: Vec<Service>,
    /// Networks of the files, with the names that they are given.
    networks: BTreeMap<String, String>,
}

/// Containers of the project that are there, by service.
#[derive(Default)]
struct Found {
    of: BTreeMap<String, Container>,
    /// Networks of the project that others use as well.
    shared: BTreeSet<String>,
}

impl Project {
    fn read(disk: &Disk, d: &mut Diagnostics) -> Result<Option<Self>, OpError> {
        let first = FILES.first().copied().unwrap_or_default();
        for path in [first, ENV] {
            if !disk.exists(path) {
                return Err(OpError::usage(
                    format!(
                        "{} is no DTaaS services project: it has no {path}",
                        disk.root().display()
                    ),
                    &["name the folder that `dtaas-services project generate` made"],
                ));
            }
        }
        let mut project = Self {
            name: String::new(),
            hostname: None,
            files: Vec::new(),
            services: Vec::new(),
            networks: BTreeMap::new(),
        };
        if let Some(source) = load(disk, ENV, d) {
            let env = config::services_env(&source, d);
            project.hostname = env.get("HOSTNAME").filter(|name| !name.is_empty()).cloned();
        }
        for path in FILES {
            let Some(source) = load(disk, path, d) else {
                continue;
            };
            project.files.push(path);
            if let Some(root) = parse(&source, d) {
                project.add(path, &root);
            }
        }
        let folder = disk.name();
        let name = project.hostname.as_deref().unwrap_or(&folder);
        project.name = name.to_lowercase().replace(['.', '_'], "-");
        Ok((!d.has_errors()).then_some(project))
    }

    fn add(&mut self, file: &'static str, root: &Node) {
        let text = |node: &Node, key: &str| node.get(key).and_then(|node| node.value.scalar());
        for entry in table(root.get("services")) {
            let node = &entry.node;
            let mounts = list(node.get("volumes")).iter().filter_map(mount);
            self.services.push(Service {
                name: entry.key.clone(),
                file,
                container: text(node, "container_name"),
                mounts: mounts.collect(),
                waits: node.get("depends_on").is_some(),
                image: text(node, "image").unwrap_or_default(),
            });
        }
        for entry in table(root.get("networks")) {
            if let Some(name) = text(&entry.node, "name") {
                self.networks.insert(entry.key.clone(), name);
            }
        }
    }

    /// Looks for the project's containers: those with its name, or made in its folder.
    async fn containers<L: Look>(
        &self,
        look: &L,
        stack: &StackName,
        disk: &Disk,
    ) -> Result<Found, EngineError> {
        let running = Running::look(look, stack).await?;
        let mut found = Found::default();
        let folder = disk.root().display().to_string();
        let mut used: BTreeSet<String> = BTreeSet::new();
        for name in running.names() {
            let Some(container) = running.container(name).await? else {
                continue;
            };
            let label = |label: &str| container.made.labels.get(label).map(String::as_str);
            let ours = label(PROJECT) == Some(self.name.as_str())
                || label("com.docker.compose.project.working_dir") == Some(folder.as_str());
            let service = self.services.iter().find(|service| {
                label(SERVICE) == Some(service.name.as_str())
                    || service.container.as_deref() == Some(name.as_str())
            });
            match service.filter(|_| ours) {
                Some(service) => {
                    // One of two: the one that runs.
                    let before = found.of.get(&service.name);
                    if before.is_none_or(|before| !before.state.status.is_active()) {
                        found.of.insert(service.name.clone(), container);
                    }
                }
                None => used.extend(container.live.networks.keys().cloned()),
            }
        }
        let own = self.networks.iter();
        let shared = own.filter(|(_, name)| used.contains(*name));
        found.shared = shared.map(|(key, _)| key.clone()).collect();
        Ok(found)
    }

    /// Whether a service was ever run here, as far as its folders tell.
    fn has_data(service: &Service, disk: &Disk) -> bool {
        service.mounts.iter().any(|(source, _)| {
            let Some(path) = source.strip_prefix("./data/") else {
                return false;
            };
            let entries = std::fs::read_dir(disk.root().join("data").join(path));
            let mut entries = entries.into_iter().flatten().flatten();
            entries.any(|entry| entry.file_name() != ".gitkeep")
        })
    }

    /// Services that are not run: of the ones that have to be installed first, those that were not; and those that
    /// are not there while others are.
    fn idle(&self, disk: &Disk, found: &Found) -> Vec<&Service> {
        let runs = |service: &&Service| {
            if !found.of.is_empty() {
                return found.of.contains_key(&service.name);
            }
            Some(service.file) == FILES.first().copied() || Self::has_data(service, disk)
        };
        self.services
            .iter()
            .filter(|service| !runs(service))
            .collect()
    }

    /// The compose file that is laid over the project's.
    fn over(&self, disk: &Disk, found: &Found, notes: &mut Vec<String>) -> Option<String> {
        let mut services = Yaml::map();
        let mut volumes = Yaml::map();
        let idle: BTreeSet<&str> = self
            .idle(disk, found)
            .iter()
            .map(|service| service.name.as_str())
            .collect();
        for service in &self.services {
            let mut own = Yaml::map();
            if idle.contains(service.name.as_str()) {
                let profile = Yaml::List(vec![Yaml::text(&service.name)]);
                own.set_with(
                    "profiles",
                    profile,
                    &format!(
                        "Not run, unless `profiles` in info.yml names {}.",
                        service.name
                    ),
                );
            }
            let needs_database = service.name.starts_with("thingsboard") && !service.waits;
            if needs_database && self.services.iter().any(|other| other.name == "postgres") {
                let mut condition = Yaml::map();
                condition.set("condition", Yaml::text("service_started"));
                let mut needs = Yaml::map();
                needs.set("postgres", condition);
                own.set("depends_on", needs);
                notes.push(format!(
                    "{} needs postgres, which its file does not say: {OWN}/compose.coasti.yml does",
                    service.name
                ));
            }
            if let Some(container) = found.of.get(&service.name) {
                if keeps_by_hostname(&service.image) {
                    own.set_with(
                        "hostname",
                        Yaml::text(&container.made.hostname),
                        "Its data is named after the host that it was made on.",
                    );
                }
                self.keep_volumes(service, container, disk, &mut own, &mut volumes, notes);
            }
            if own != Yaml::map() {
                services.set(&service.name, own);
            }
        }
        if !idle.is_empty() {
            let idle: Vec<_> = idle.into_iter().collect();
            let why = match found.of.is_empty() {
                true => "nothing says that they were installed",
                false => "no container of theirs is on this engine",
            };
            notes.push(format!(
                "not run: {} ({why}); `profiles: [{}]` under `run` in {OWN}/info.yml runs them",
                idle.join(", "),
                idle.join(", ")
            ));
        }
        let mut networks = Yaml::map();
        for (key, name) in &self.networks {
            if found.shared.contains(key) {
                let mut network = Yaml::map();
                network.set("name", Yaml::text(name));
                network.set("external", Yaml::flag(true));
                networks.set(key, network);
                notes.push(format!(
                    "network {name} is used by containers that are not of this project, and stays theirs as well"
                ));
            }
        }
        let mut file = Yaml::map();
        for (key, value) in [
            ("services", services),
            ("volumes", volumes),
            ("networks", networks),
        ] {
            if value != Yaml::map() {
                file.set(key, value);
            }
        }
        (file != Yaml::map()).then(|| file.file())
    }

    /// Volumes of a container that are not folders of the project stay its own.
    fn keep_volumes(
        &self,
        service: &Service,
        container: &Container,
        disk: &Disk,
        own: &mut Yaml,
        volumes: &mut Yaml,
        notes: &mut Vec<String>,
    ) {
        for (path, mount) in &container.mounts {
            let said = service
                .mounts
                .iter()
                .find(|(_, target)| target.trim_end_matches('/') == path.trim_end_matches('/'));
            match (&mount.source, said) {
                (MountSource::Volume(name), said) => {
                    let plain = path.trim_matches('/').replace(['/', '.'], "-");
                    let key = match said {
                        Some((source, _)) => source.clone(),
                        None => format!("{}-{plain}", service.name),
                    };
                    let mut volume = Yaml::map();
                    volume.set("name", Yaml::text(name.as_str()));
                    volume.set("external", Yaml::flag(true));
                    volumes.set(&key, volume);
                    if said.is_none()
                        && let Some(Yaml::List(list)) = own.at("volumes", Yaml::List(Vec::new()))
                    {
                        list.push(Yaml::text(format!("{key}:{path}")));
                    }
                }
                (MountSource::Directory(folder), Some((source, _))) => {
                    let here = disk.root().join(source.trim_start_matches("./"));
                    if *folder != here.display().to_string() {
                        notes.push(format!(
                            "container {} has {folder} at {path}, the files say {}: the plan refuses to leave the \
                             data behind",
                            container.name,
                            here.display()
                        ));
                    }
                }
                _ => {}
            }
        }
    }

    fn info(&self, over: bool) -> String {
        let path = |file: &str| Yaml::text(format!("../../{file}"));
        let mut files: Vec<Yaml> = self.files.iter().skip(1).map(|file| path(file)).collect();
        if over {
            files.push(Yaml::text("compose.coasti.yml"));
        }
        let mut run = Yaml::map();
        if let Some(first) = self.files.first() {
            run.set("compose", path(first));
        }
        if !files.is_empty() {
            run.set("files", Yaml::List(files));
        }
        run.set("env-file", path(ENV));
        let mut file = Yaml::map();
        file.set("version", Yaml::Raw("1".to_owned()));
        file.set("id", Yaml::text(NAME));
        file.set("name", Yaml::text("DTaaS services"));
        file.set("run", run);
        file.file()
    }

    fn deploy(&self, stack: &StackName, found: &Found) -> Result<String, OpError> {
        let mut site = Yaml::map();
        site.set("label", Yaml::text(NAME));
        site.set("image", Yaml::text(NAME));
        if let Some(hostname) = &self.hostname {
            site.set("domain", Yaml::text(hostname));
        }
        if !found.of.is_empty() {
            let mut adopt = Yaml::map();
            for (service, container) in &found.of {
                adopt.set(service, named(container));
            }
            site.set_with(
                "adopt",
                adopt,
                "What runs already and is taken over by the first apply; after it this can go.",
            );
        }
        let mut file = Yaml::map();
        file.set("version", Yaml::Raw("1".to_owned()));
        file.set("stack", Yaml::text(stack.as_str()));
        file.set("id", Yaml::text(init::new_id()?.as_str()));
        file.set("site", Yaml::List(vec![site]));
        Ok(file.file())
    }

    /// What in the project is worth knowing.
    fn notes(&self, disk: &Disk) -> Vec<String> {
        let mut notes = Vec::new();
        let text = |path: &str| {
            disk.read(path)
                .ok()
                .flatten()
                .map(|source| source.text.clone())
        };
        if text("config/rabbitmq/rabbitmq.conf")
            .is_some_and(|text| twice(&text, "management.ssl.versions.1"))
        {
            notes.push(
                "config/rabbitmq/rabbitmq.conf sets `management.ssl.versions.1` twice: the last one counts"
                    .to_owned(),
            );
        }
        let log = |text: String| {
            text.lines()
                .any(|line| line.trim().starts_with("destination: file"))
        };
        if text("config/mongod.conf.secure").is_some_and(log) {
            notes.push(
                "mongod logs into a file of its container (config/mongod.conf.secure): it is lost whenever the \
                 container is made anew, and `coasti logs` does not show it"
                    .to_owned(),
            );
        }
        if disk.exists("config/credentials.csv") {
            notes.push(
                "users of config/credentials.csv that are there stay; new ones are not made yet"
                    .to_owned(),
            );
        }
        notes
    }
}

fn twice(text: &str, key: &str) -> bool {
    let set = |line: &&str| line.split('=').next().is_some_and(|own| own.trim() == key);
    text.lines().filter(set).count() > 1
}

fn load(disk: &Disk, path: &str, d: &mut Diagnostics) -> Option<Arc<Source>> {
    match disk.read(path) {
        Ok(found) => found,
        Err(why) => {
            let why: Unreadable = why;
            d.push(why.at(path));
            None
        }
    }
}

fn table(node: Option<&Node>) -> &[config::Entry] {
    match node.map(|node| &node.value) {
        Some(Value::Map(entries)) => entries,
        _ => &[],
    }
}

fn list(node: Option<&Node>) -> &[Node] {
    match node.map(|node| &node.value) {
        Some(Value::List(items)) => items,
        _ => &[],
    }
}

/// Source and path of a mount, in either form.
fn mount(node: &Node) -> Option<(String, String)> {
    if let Some(text) = node.value.scalar() {
        let mut parts = text.split(':');
        let (source, target) = (parts.next()?, parts.next()?);
        return Some((source.to_owned(), target.to_owned()));
    }
    let text = |key: &str| node.get(key).and_then(|node| node.value.scalar());
    Some((text("source")?, text("target")?))
}

fn products() -> String {
    let mut entry = Yaml::map();
    entry.set("id", Yaml::text(NAME));
    let mut file = Yaml::map();
    file.set("version", Yaml::Raw("1".to_owned()));
    file.set("products", Yaml::List(vec![entry]));
    file.file()
}
