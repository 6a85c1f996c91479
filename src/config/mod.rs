//! Files to stack: reading, checking, and sealing into a [`Stack`].
//!
//! 1. [`read`] parses all files of a stack's folder and checks everything that needs no engine. Nothing
//!    stops at the first problem: all go to the diagnostics.
//! 2. [`seal`] makes every choice that is left (ports, subnets, versions, what images declare) from what an
//!    engine runs and from what was chosen before, so that a choice stays once it was made.
//!
//! Both are pure: files come through [`Folder`], the engine through [`Facts`].

mod adopt;
mod app;
mod budget;
mod build;
pub mod codes;
mod compose;
mod credentials;
mod deploy;
mod doc;
mod env_file;
mod expand;
pub mod explain;
pub mod format;
mod identity;
mod image;
mod info;
mod labels;
pub mod migrate;
mod nua;
mod overlay;
mod platform;
mod products;
mod recipe;
mod rules;
pub mod schema;
mod seal;
pub mod secrecy;
pub mod secrets;
mod shape;
mod strength;

#[cfg(test)]
mod tests;

pub use compose::{Beside, Exported, export as export_compose, variables};
pub use deploy::{Settings, settings};
pub(crate) use doc::{Entry, Node, Value, parse};
pub use doc::{Setting, with_entry, with_id, with_setting, with_value, without_entry};
pub use identity::{Identity, identity};
pub use info::{EntryPoint, entry_point};
pub use nua::{NuaApp, NuaPort, NuaProvider, NuaSite, nua_app, nua_name, nua_sites, plain};
pub use products::{Auth, Listed, list};
pub use recipe::{Generated, Recipe};
pub use seal::{Facts, Sealed, preview, seal};
pub use shape::Shape;

use crate::base::{Digest, StackId, StackName, ValueId};
use crate::build::{Context, Rules, Unsendable};
use crate::diag::{Diagnostic, Diagnostics, Place, Source, compare_anew};
use products::Loaded;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// How many errors, and how many warnings, are shown at once.
const MOST_SHOWN: usize = 100;

/// A stack's folder: the disk, or a map in tests.
pub trait Folder {
    /// The text of the file at `path`, which is relative to the folder, with `/` between its parts; none
    /// where there is no such file.
    fn read(&self, path: &str) -> Result<Option<Arc<Source>>, Unreadable>;

    /// Whether a file is at `path`.
    fn exists(&self, path: &str) -> bool;

    /// Whether a folder is at `path`, as far as that can be told.
    fn has_folder(&self, _path: &str) -> bool {
        true
    }

    /// What is in the encrypted file at `path`, as far as it can be opened; none where there is no such file.
    fn decrypt(&self, _path: &str) -> Result<Option<secrets::Encrypted>, Unreadable> {
        Ok(None)
    }

    /// The permission bits of the file at `path`, where it has some.
    fn mode(&self, _path: &str) -> Option<u32> {
        None
    }

    /// The references of the images in the archive at `path`, none where they cannot be told; why it is no
    /// archive of images, where it is none.
    fn archived(&self, _path: &str) -> Result<Option<BTreeSet<String>>, String> {
        Ok(None)
    }

    /// What of the folder at `path` is sent by `rules` to build an image.
    fn context(&self, _path: &str, _rules: &Rules) -> Result<Context, Unsendable> {
        Err(Unsendable {
            path: String::new(),
            why: "is not there".to_owned(),
            ignorable: false,
        })
    }

    /// The folder's own name: the stack's, where a file of nua's has none.
    fn name(&self) -> String;
}

/// Why a file that is there was not read; to be shown after its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It has more than this many MB.
    TooLarge(u64),
    /// It is not UTF-8: as much of it as can be shown, and where the first wrong byte stands in that.
    NotText(Arc<Source>, usize),
    /// Anything else, in words for the user.
    Because(String),
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLarge(most) => write!(f, "is larger than {most} MB"),
            Self::NotText(..) => f.write_str("is not UTF-8"),
            Self::Because(why) => f.write_str(why),
        }
    }
}

impl Unreadable {
    /// What is wrong with the file at `path`.
    pub(crate) fn at(&self, path: &str) -> Diagnostic {
        let summary = format!("`{path}` {self}");
        match self {
            Self::TooLarge(_) => Diagnostic::error(codes::TOO_LARGE, None, summary),
            Self::Because(_) => Diagnostic::error(codes::NO_FILE, None, summary),
            Self::NotText(source, at) => {
                let place = Place::new(source, *at..*at + '\u{fffd}'.len_utf8());
                Diagnostic::error(codes::SYNTAX, Some(place), summary)
                    .label("no character")
                    .help("save it as UTF-8")
            }
        }
    }
}

/// The variables of a `services.env`, as they stand there.
pub fn services_env(source: &Arc<Source>, d: &mut Diagnostics) -> BTreeMap<String, String> {
    let all = env_file::parse(source, env_file::Dialect::Services, d).into_iter();
    all.filter_map(|one| Some((one.name.value, one.value?.value)))
        .collect()
}

/// An image's reference in full, with registry and tag; as it is where it is none.
pub fn full_reference(text: &str) -> String {
    image::full(text).map_or_else(|_| text.to_owned(), |full| full.text)
}

/// How YAML has a text: as it is where that is text, else in quotes.
pub(crate) fn yaml_text(text: &str) -> String {
    doc::yaml_text(text, &serde_json::Value::from(text).to_string())
}

/// What the files want, before any choice that needs an engine.
pub struct Desired {
    /// The stack's name.
    pub name: StackName,
    /// Its identity; none until the first apply makes it.
    pub id: Option<StackId>,
    /// The deploy file, for [`with_id`].
    pub deploy_file: Arc<Source>,
    /// Who tells the address that the internet sees (`http://…`), where the files name somebody.
    pub ask_address_at: Option<String>,
    settings: platform::Settings,
    draft: expand::Draft,
}

impl Desired {
    /// References whose facts [`seal`] wants to see in `observed.images`, with those that builds start from.
    pub fn images(&self) -> BTreeSet<String> {
        self.draft.images()
    }

    /// Values that are generated and not kept for good (`persistent: false`).
    pub fn fleeting(&self) -> impl Iterator<Item = &ValueId> {
        let recipes = self.draft.recipes.iter();
        recipes
            .filter(|(_, generated)| !generated.persistent)
            .map(|(id, _)| id)
    }

    /// Names of containers that are not coasti's and are taken over.
    pub fn adopts(&self) -> BTreeSet<String> {
        let containers = self.draft.containers.iter();
        let adopts = containers.filter_map(|container| container.life.adopt.as_ref());
        adopts.map(|adopt| adopt.container.clone()).collect()
    }

    /// Whether the platform of a container is named: then [`seal`] wants to know the engine's.
    pub fn names_platform(&self) -> bool {
        let mut containers = self.draft.containers.iter();
        containers.any(|container| container.about.platform.is_some())
    }

    /// Addresses of the containers that are to run.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        let containers = self.draft.containers.iter();
        containers.map(|container| container.id.address.as_str())
    }

    /// Networks that an engine has only once, by `SITE` or `SITE/NETWORK`: the files say their subnet, the name of
    /// their bridge, or the host's interface that they are on.
    pub fn single_networks(&self) -> impl Iterator<Item = &str> {
        let single = |network: &expand::Network| {
            let spec = &network.spec;
            !spec.external
                && (spec.subnets().next().is_some()
                    || spec.parent().is_some()
                    || spec.options.contains_key("com.docker.network.bridge.name"))
        };
        let networks = self.draft.networks.iter();
        let networks = networks.filter(move |(_, network)| single(network));
        networks.map(|(address, _)| address.as_str())
    }

    /// Where files are delivered into the container at `address`.
    pub fn delivered(&self, address: &str) -> BTreeSet<&str> {
        let containers = self.draft.containers.iter();
        let of = containers.filter(|container| container.id.address == address);
        let files = of.flat_map(|container| &container.files);
        files.map(|file| file.target.as_str()).collect()
    }

    /// Secrets that come from encrypted files, by the digests of those.
    pub fn encrypted(&self) -> &BTreeMap<ValueId, Digest> {
        &self.draft.encrypted
    }

    /// Those of them that nothing here opens, each with the error that it is where nobody else knows it.
    pub fn locked(&self) -> &BTreeMap<ValueId, Diagnostic> {
        &self.draft.locked
    }

    /// Whether nothing is to run.
    pub fn is_empty(&self) -> bool {
        self.draft.containers.is_empty()
    }

    /// References of images that are built: no registry has them.
    pub fn built_images(&self) -> BTreeSet<String> {
        self.draft.built()
    }

    /// How generated values are made.
    pub fn generated(&self) -> &BTreeMap<ValueId, Generated> {
        &self.draft.recipes
    }

    /// Directories of the host that containers mount.
    pub fn directories(&self) -> BTreeSet<String> {
        let mounts = self
            .draft
            .containers
            .iter()
            .flat_map(|container| container.spec.mounts.values());
        let directories = mounts.filter_map(|mount| match &mount.source {
            crate::model::MountSource::Directory(path) => Some(path.clone()),
            _ => None,
        });
        directories.collect()
    }
}

/// Reads a stack's folder. Nothing comes back where an error was found.
pub fn read(folder: &dyn Folder, diagnostics: &mut Diagnostics) -> Option<Desired> {
    read_for(folder, None, diagnostics)
}

/// Likewise for an environment: `deploy.ENVIRONMENT.yml` lies over the deploy file.
pub fn read_for(
    folder: &dyn Folder,
    environment: Option<&str>,
    diagnostics: &mut Diagnostics,
) -> Option<Desired> {
    let mut own = Diagnostics::new();
    let desired = drafted(folder, environment, &mut own);
    let failed = own.has_errors();
    let mut own = without_repeats(own);
    let more = own.cut(MOST_SHOWN);
    if more > 0 {
        let summary = format!("{more} problems more, or still more, are not shown");
        own.push(Diagnostic::warning(codes::MORE, None, summary).help("mend these first"));
    }
    diagnostics.extend(own);
    desired.filter(|_| !failed)
}

/// What the files ask for of values, however much else is wrong with them.
pub fn asked(
    folder: &dyn Folder,
    environment: Option<&str>,
    diagnostics: &mut Diagnostics,
) -> secrets::Asked {
    let desired = drafted(folder, environment, diagnostics);
    desired
        .map(|desired| desired.draft.asked)
        .unwrap_or_default()
}

/// What is wanted, with what is wrong left out.
fn drafted(
    folder: &dyn Folder,
    environment: Option<&str>,
    own: &mut Diagnostics,
) -> Option<Desired> {
    compare_anew();
    let products = products::read(folder, own);
    let deploy = deploy::read(folder, environment, own);
    // What stands beside a broken deploy file is checked as well.
    let services = deploy.as_ref().map(|deploy| deploy.services.as_slice());
    let settings = platform::check(folder, services.unwrap_or_default(), own);
    let users = deploy.as_ref().and_then(|deploy| deploy.users.as_ref());
    credentials::check(folder, users, own);
    deploy.map(|deploy| {
        let draft = expand::expand(&deploy, &products, folder, own);
        Desired {
            name: deploy.stack.clone(),
            id: deploy.id.clone(),
            deploy_file: deploy.source,
            ask_address_at: match deploy.external_ip {
                deploy::ExternalIp::AskAt(url) => Some(url),
                deploy::ExternalIp::Ask | deploy::ExternalIp::Is(_) => None,
            },
            settings,
            draft,
        }
    })
}

/// Several sites run one product: what is wrong with it is said once.
fn without_repeats(all: Diagnostics) -> Diagnostics {
    let mut kept = Diagnostics::new();
    let mut seen = BTreeSet::new();
    for one in all.sorted() {
        let at = one.at.as_ref();
        let at = at.map(|at| (at.source.name.clone(), at.span.start, at.span.end));
        if seen.insert((one.code, at, one.summary.clone())) {
            kept.push(one.clone());
        }
    }
    kept
}

/// Reads a file of the folder; says so where that fails.
fn load(folder: &dyn Folder, path: &str, d: &mut Diagnostics) -> Loaded {
    load_named(folder, path, None, d)
}

/// Reads a file that another file names there.
fn load_named(folder: &dyn Folder, path: &str, at: Option<&Place>, d: &mut Diagnostics) -> Loaded {
    match folder.read(path) {
        Ok(Some(source)) => match source.text.strip_prefix('\u{feff}') {
            Some(text) => Loaded::Read(Arc::new(Source::new(
                source.name.clone(),
                source.path.clone(),
                text,
            ))),
            None => Loaded::Read(source),
        },
        Ok(None) => Loaded::Missing,
        Err(why) => {
            let mut error = why.at(path);
            error.at = error.at.or_else(|| at.cloned());
            d.push(error);
            Loaded::Broken
        }
    }
}

/// Reads `version` of one of coasti's own files; files from before have none and are version 0.
fn check_version(table: &mut doc::Table<'_>, d: &mut Diagnostics) -> i64 {
    let Some(version) = table.int("version", 0..=i64::MAX, d) else {
        return 0;
    };
    if version.value > 1 {
        d.push(
            Diagnostic::error(
                codes::BAD_VERSION,
                version.at,
                format!("files of version {} are not known", version.value),
            )
            .label("this coasti reads version 1")
            .help("use a newer coasti"),
        );
    }
    version.value
}
