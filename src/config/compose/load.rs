//! Compose files to one tree: which are read, with which variables, and what of them runs.

use super::dotenv;
use super::interpolate::{Filler, Vars, feeds};
use super::merge;
use super::shared;
use super::tree::{Field, Item, Str, Val};
use super::{Context, Dir, Project, TAGS};
use crate::base::names;
use crate::config::budget::Budget;
use crate::config::doc::{Sp, Value, parse_tagged};
use crate::config::env_file::Dialect;
use crate::config::info::Compose;
use crate::config::products::Loaded;
use crate::config::{Folder, codes, load_named};
use crate::diag::{Diagnostic, Diagnostics, Place, Source, did_you_mean};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How many files one project may have.
const MAX_FILES: usize = 100;

/// How long a chain of `extends` or `include` may be.
pub(super) const MAX_CHAIN: usize = 30;

/// Reads the project that `run` names; nothing comes back where it cannot be understood.
pub(in crate::config) fn load(
    folder: &dyn Folder,
    run: &Compose,
    overrides: &Vars,
    budget: &mut Budget,
    d: &mut Diagnostics,
) -> Option<Project> {
    let (mut first, mut own) = (Diagnostics::new(), budget.clone());
    let (project, fed) = read(
        folder,
        run,
        overrides,
        BTreeSet::new(),
        &mut own,
        &mut first,
    );
    // What one file makes a secret of is one in those as well that were read before: they are read again.
    if project.as_ref().is_some_and(|project| project.takes(&fed)) {
        return read(folder, run, overrides, fed, budget, d).0;
    }
    d.extend(first);
    *budget = own;
    project
}

/// Reads it, with these variables known as secret; tells all that are.
fn read(
    folder: &dyn Folder,
    run: &Compose,
    overrides: &Vars,
    secret: BTreeSet<String>,
    budget: &mut Budget,
    d: &mut Diagnostics,
) -> (Option<Project>, BTreeSet<String>) {
    let mut loader = Loader {
        folder,
        budget,
        d,
        files: BTreeMap::new(),
        contexts: BTreeMap::new(),
        full: false,
        failed: false,
        secret,
    };
    let files = std::iter::once(&run.file).chain(&run.overrides);
    let files: Vec<_> = files.cloned().collect();
    let dir = parent(&run.file.value).to_owned();
    let vars = loader.variables(&run.env_files, &dir, overrides);
    let spot = Spot { dir, vars };
    let Some(model) = loader.model(&files, &spot, &mut Vec::new()) else {
        return (None, loader.secret);
    };
    let mut project = Project {
        services: Vec::new(),
        inactive: BTreeMap::new(),
        networks: Vec::new(),
        volumes: Vec::new(),
        configs: Vec::new(),
        secrets: Vec::new(),
        contexts: loader.contexts,
        vars: spot.vars,
        failed: loader.failed,
    };
    let secret = loader.secret;
    for (key, mut fields) in model.0 {
        fields.retain(|field| !matches!(field.item.value, Val::Reset));
        for field in &mut fields {
            merge::settle(&mut field.item);
        }
        match key {
            "services" => project.services = fields,
            "networks" => project.networks = fields,
            "volumes" => project.volumes = fields,
            "configs" => project.configs = fields,
            _ => project.secrets = fields,
        }
    }
    shared::by_service(&mut project.services);
    choose(&mut project, run, d);
    (Some(project), secret)
}

/// Sets services aside whose profiles were not asked for.
fn choose(project: &mut Project, run: &Compose, d: &mut Diagnostics) {
    let mut known: BTreeSet<String> = BTreeSet::new();
    let services = std::mem::take(&mut project.services);
    for service in services {
        let profiles: Vec<String> = service
            .item
            .get("profiles")
            .map(Item::items)
            .unwrap_or_default()
            .iter()
            .filter_map(|item| item.as_str().map(Str::shown))
            .collect();
        let on = |name: &String| {
            run.profiles
                .iter()
                .any(|asked| asked.value == *name || asked.value == "*")
        };
        if profiles.is_empty() || profiles.iter().any(on) {
            project.services.push(service);
        } else {
            project.inactive.insert(service.key, profiles.clone());
        }
        known.extend(profiles);
    }
    for asked in run.profiles.iter().filter(|asked| asked.value != "*") {
        if !known.contains(&asked.value) {
            let summary = format!("no service has the profile `{}`", asked.value);
            let error = Diagnostic::error(codes::UNKNOWN_NAME, asked.at.clone(), summary);
            let near = did_you_mean(&asked.value, known.iter().map(String::as_str));
            d.push(match near {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error,
            });
        }
    }
    if project.services.is_empty() {
        let at = run.file.at.clone();
        let error = Diagnostic::error(
            codes::NO_SERVICE,
            at,
            "the compose file has no service to run",
        );
        d.push(if project.inactive.is_empty() {
            error.help("write one under `services`")
        } else {
            error.help("`profiles` names those that shall run")
        });
    }
}

/// The folder of a file.
pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Sections by name.
#[derive(Default)]
pub(super) struct Model(pub(super) BTreeMap<&'static str, Vec<Field>>);

/// From where a file is read: the folder that its relative paths start from, and its variables.
#[derive(Clone)]
pub(super) struct Spot {
    pub(super) dir: String,
    pub(super) vars: Arc<Vars>,
}

pub(super) struct Loader<'a> {
    folder: &'a dyn Folder,
    pub(super) d: &'a mut Diagnostics,
    /// Files that were read, by path and by from where.
    files: BTreeMap<(String, String, usize), Option<Item>>,
    contexts: BTreeMap<usize, Context>,
    budget: &'a mut Budget,
    full: bool,
    failed: bool,
    /// Variables that stand in the place of a secret, in any file that was read.
    secret: BTreeSet<String>,
}

impl Loader<'_> {
    /// A path that a file in `dir` names, from the stack's folder.
    pub(super) fn inside(&mut self, dir: &str, path: &Sp<String>) -> Option<Sp<String>> {
        let joined = names::join(dir, &path.value);
        if joined.is_none() {
            self.d.push(
                Diagnostic::error(
                    codes::BAD_PATH,
                    path.at.clone(),
                    format!("`{}` is not in the stack's folder", path.value),
                )
                .help("write it relative, and keep what the stack is made of in its folder"),
            );
        }
        Some(Sp {
            value: joined?,
            at: path.at.clone(),
        })
    }

    /// The variables of `.env` files; without any, those of the one beside the compose file.
    pub(super) fn variables(&mut self, files: &[Sp<String>], dir: &str, outer: &Vars) -> Arc<Vars> {
        let default = [Sp {
            value: names::join(dir, ".env").unwrap_or_default(),
            at: None,
        }];
        let (files, needed) = match files {
            [] => (default.as_slice(), false),
            some => (some, true),
        };
        let hidden = outer.hide(&self.secret);
        let outer = hidden.as_ref().unwrap_or(outer);
        let mut own = Vars::default();
        for path in files {
            let source = match load_named(self.folder, &path.value, path.at.as_ref(), self.d) {
                Loaded::Read(source) => source,
                Loaded::Missing if needed => {
                    self.missing(path, "the env file");
                    continue;
                }
                Loaded::Missing | Loaded::Broken => continue,
            };
            dotenv::read(
                &source,
                outer,
                &mut own,
                Dialect::Compose,
                &mut self.secret,
                self.budget,
                self.d,
            );
        }
        let mut vars = outer.clone();
        vars.fill_from(&own);
        Arc::new(vars.hide(&self.secret).unwrap_or(vars))
    }

    fn missing(&mut self, path: &Sp<String>, what: &str) {
        let summary = format!("{what} `{}` does not exist", path.value);
        self.d.push(
            Diagnostic::error(codes::NO_FILE, path.at.clone(), summary)
                .help("its path is relative to the file that names it"),
        );
    }

    /// One file, variables filled in, services in the form that can be merged.
    pub(super) fn file(&mut self, path: &Sp<String>, spot: &Spot) -> Option<Item> {
        let vars = Arc::as_ptr(&spot.vars).addr();
        let id = (path.value.clone(), spot.dir.clone(), vars);
        if let Some(done) = self.files.get(&id) {
            return done.clone();
        }
        if self.files.len() >= MAX_FILES {
            let summary = format!("more than {MAX_FILES} compose files");
            self.too_much(path.at.as_ref(), &summary);
            return None;
        }
        let item = self.read(path, spot);
        self.files.insert(id, item.clone());
        item
    }

    fn read(&mut self, path: &Sp<String>, spot: &Spot) -> Option<Item> {
        let source = match load_named(self.folder, &path.value, path.at.as_ref(), self.d) {
            Loaded::Read(source) => source,
            Loaded::Missing => {
                self.missing(path, "the compose file");
                return None;
            }
            Loaded::Broken => return None,
        };
        // One of its own for each spot that the file is read from: places tell by it which.
        let source = Arc::new(Source::new(
            source.name.clone(),
            source.path.clone(),
            source.text.clone(),
        ));
        let start = Place::new(&source, 0..0);
        if !self.budget.text(source.text.len(), Some(&start), self.d) {
            return None;
        }
        let mut root = parse_tagged(&source, TAGS, self.d)?;
        if let Value::Map(entries) = &mut root.value {
            // Templates for anchors; what is used of them stands where it is used.
            entries.retain(|entry| !entry.key.starts_with("x-"));
        }
        feeds(&root, "", &mut self.secret);
        let vars = match spot.vars.hide(&self.secret) {
            Some(hidden) => Arc::new(hidden),
            None => Arc::clone(&spot.vars),
        };
        let host = super::host_dir(&source.path, &path.value, &spot.dir);
        let context = Context {
            dir: Dir {
                folder: spot.dir.clone(),
                host,
            },
            vars: Arc::clone(&vars),
            source: Arc::clone(&source),
        };
        self.contexts.insert(Arc::as_ptr(&source).addr(), context);
        let mut filler = Filler::new(&vars, self.budget);
        let mut item = Item::of(&root, &mut filler, self.d);
        self.failed |= filler.failed;
        self.count(&item)?;
        if let Val::Map(fields) = &mut item.value {
            for field in fields {
                if let (Val::Map(objects), "networks" | "volumes") =
                    (&mut field.item.value, field.key.as_str())
                {
                    for object in objects {
                        merge::normalise(&mut object.item, self.d);
                    }
                } else if let (Val::Map(services), "services") =
                    (&mut field.item.value, field.key.as_str())
                {
                    for service in services {
                        let (growth, at) = (merge::growth(&service.item), &service.key_at);
                        if !self.budget.containers(0, growth, Some(at), self.d) {
                            return None;
                        }
                        merge::normalise(&mut service.item, self.d);
                    }
                }
            }
        }
        Some(item)
    }

    /// The folder that paths written at `at` start from.
    pub(super) fn dir(&self, at: &Place) -> &str {
        let context = self.contexts.get(&Arc::as_ptr(&at.source).addr());
        context.map_or("", |context| &context.dir.folder)
    }

    fn too_much(&mut self, at: Option<&Place>, summary: &str) {
        if !std::mem::replace(&mut self.full, true) {
            let error = Diagnostic::error(codes::TOO_LARGE, at.cloned(), summary);
            self.d.push(error);
        }
    }

    /// Counts the values of `item` in; none where they are too many.
    pub(super) fn count(&mut self, item: &Item) -> Option<()> {
        // Those that `extends` copies count as well.
        if !self
            .budget
            .containers(0, item.size(), Some(&item.at), self.d)
        {
            return None;
        }
        Some(())
    }
}
