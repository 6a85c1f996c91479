//! Compose files to one tree: `include`, `extends`, override files, profiles.

use super::dotenv;
use super::interpolate::{Filler, Vars};
use super::merge;
use super::tree::{Field, Item, Keys, Str, Val};
use super::{Dir, Project, TAGS};
use crate::config::doc::{Sp, Value, parse_tagged};
use crate::config::env_file::Dialect;
use crate::config::info::Compose;
use crate::config::products::Loaded;
use crate::config::{Folder, codes};
use crate::diag::{Before, Diagnostic, Diagnostics, Place, did_you_mean};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How many values all files together may come to, those included that `extends` copies.
const MAX_SIZE: usize = 200_000;

/// How many files one project may have.
const MAX_FILES: usize = 100;

/// How long a chain of `extends` or `include` may be.
const MAX_CHAIN: usize = 30;

/// What a compose file has besides services.
const SECTIONS: &[&str] = &["networks", "volumes", "configs", "secrets"];

/// Reads the project that `run` names; nothing comes back where it cannot be understood.
pub(in crate::config) fn load(
    folder: &dyn Folder,
    run: &Compose,
    overrides: &Vars,
    d: &mut Diagnostics,
) -> Option<Project> {
    let mut loader = Loader {
        folder,
        d,
        files: BTreeMap::new(),
        dirs: BTreeMap::new(),
        vars: BTreeMap::new(),
        size: 0,
        full: false,
        failed: false,
    };
    let mut paths = Vec::new();
    for file in std::iter::once(&run.file).chain(&run.overrides) {
        paths.push((file.value.clone(), file.at.clone()));
    }
    let (first, _) = paths.first()?;
    let dir = parent(first).to_owned();
    let mut env = Vec::new();
    for file in &run.env_files {
        env.push((file.value.clone(), file.at.clone()));
    }
    let vars = loader.variables(&env, &dir, overrides);
    let model = loader.model(&paths, &dir, &vars, &mut Vec::new())?;
    let Loader {
        dirs, vars, failed, ..
    } = loader;
    let mut project = Project {
        services: Vec::new(),
        inactive: BTreeMap::new(),
        networks: Vec::new(),
        volumes: Vec::new(),
        configs: Vec::new(),
        secrets: Vec::new(),
        dirs,
        vars,
        failed,
    };
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
    choose(&mut project, run, d);
    Some(project)
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

/// A file's path, cleaned of `.` and `..`; none where it leaves the folder that it is relative to.
pub(in crate::config) fn join(dir: &str, path: &str) -> Option<String> {
    if path.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in dir.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The folder of a file.
fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Sections by name.
#[derive(Default)]
struct Model(BTreeMap<&'static str, Vec<Field>>);

type Files = Vec<(String, Option<Place>)>;

struct Loader<'a> {
    folder: &'a dyn Folder,
    d: &'a mut Diagnostics,
    /// Files that were read, by path and by which variables were filled in.
    files: BTreeMap<(String, usize), Option<Item>>,
    dirs: BTreeMap<String, Dir>,
    vars: BTreeMap<String, Arc<Vars>>,
    size: usize,
    full: bool,
    failed: bool,
}

impl Loader<'_> {
    fn inside(&mut self, dir: &str, path: &Sp<String>) -> Option<String> {
        let joined = join(dir, &path.value);
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
        joined
    }

    /// The variables of `.env` files; without any, those of the one beside the compose file.
    fn variables(&mut self, files: &Files, dir: &str, outer: &Vars) -> Arc<Vars> {
        let mut vars = outer.clone();
        let default = [(join(dir, ".env").unwrap_or_default(), None)];
        let (files, needed) = match files.as_slice() {
            [] => (default.as_slice(), false),
            some => (some, true),
        };
        let mut own = Vars::default();
        for (path, at) in files {
            let source = match crate::config::load(self.folder, path, self.d) {
                Loaded::Read(source) => source,
                Loaded::Missing if needed => {
                    self.missing(path, at.clone(), "the env file");
                    continue;
                }
                Loaded::Missing | Loaded::Broken => continue,
            };
            // What a file before said may be named in it.
            let mut known = outer.clone();
            known.fill_from(&own);
            for line in dotenv::read(&source, &known, Dialect::Compose, self.d) {
                if let Some(value) = line.value {
                    own.set(&line.name, value, Before::File(line.at));
                }
            }
        }
        vars.fill_from(&own);
        Arc::new(vars)
    }

    fn missing(&mut self, path: &str, at: Option<Place>, what: &str) {
        let summary = format!("{what} `{path}` does not exist");
        self.d.push(
            Diagnostic::error(codes::NO_FILE, at, summary)
                .help("its path is relative to the file that names it"),
        );
    }

    /// One file, variables filled in, services in the form that can be merged.
    fn file(
        &mut self,
        path: &str,
        dir: &str,
        at: Option<&Place>,
        vars: &Arc<Vars>,
    ) -> Option<Item> {
        let id = (path.to_owned(), Arc::as_ptr(vars).addr());
        if let Some(done) = self.files.get(&id) {
            return done.clone();
        }
        if self.files.len() >= MAX_FILES {
            let summary = format!("more than {MAX_FILES} compose files");
            self.too_much(at, &summary);
            return None;
        }
        let item = self.read(path, dir, at, vars);
        self.files.insert(id, item.clone());
        item
    }

    fn read(
        &mut self,
        path: &str,
        dir: &str,
        at: Option<&Place>,
        vars: &Arc<Vars>,
    ) -> Option<Item> {
        let source = match crate::config::load(self.folder, path, self.d) {
            Loaded::Read(source) => source,
            Loaded::Missing => {
                self.missing(path, at.cloned(), "the compose file");
                return None;
            }
            Loaded::Broken => return None,
        };
        let mut root = parse_tagged(&source, TAGS, self.d)?;
        if let Value::Map(entries) = &mut root.value {
            // Templates for anchors; what is used of them stands where it is used.
            entries.retain(|entry| !entry.key.starts_with("x-"));
        }
        let host = super::host_dir(&source.path, path, dir);
        let place = Dir {
            folder: dir.to_owned(),
            host,
        };
        self.dirs.entry(source.name.clone()).or_insert(place);
        self.vars
            .entry(source.name.clone())
            .or_insert_with(|| Arc::clone(vars));
        let mut filler = Filler::new(vars);
        let mut item = Item::of(&root, &mut filler, self.d);
        self.failed |= filler.failed;
        self.count(&item)?;
        if let Val::Map(fields) = &mut item.value {
            for field in fields.iter_mut().filter(|field| field.key == "services") {
                if let Val::Map(services) = &mut field.item.value {
                    for service in services {
                        merge::normalise(&mut service.item, self.d);
                    }
                }
            }
        }
        Some(item)
    }

    fn too_much(&mut self, at: Option<&Place>, summary: &str) {
        if !std::mem::replace(&mut self.full, true) {
            let error = Diagnostic::error(codes::TOO_LARGE, at.cloned(), summary);
            self.d.push(error);
        }
    }

    fn count(&mut self, item: &Item) -> Option<()> {
        self.size += item.size();
        if self.size > MAX_SIZE {
            self.too_much(
                Some(&item.at),
                "the compose files come to more than 200,000 values",
            );
            return None;
        }
        Some(())
    }

    /// Files laid over each other, with what they include.
    fn model(
        &mut self,
        paths: &Files,
        dir: &str,
        vars: &Arc<Vars>,
        chain: &mut Vec<String>,
    ) -> Option<Model> {
        let mut model = Model::default();
        let mut included = Model::default();
        for (path, at) in paths {
            if chain.contains(path) || chain.len() >= MAX_CHAIN {
                let around: Vec<_> = chain
                    .iter()
                    .chain([path])
                    .map(|path| format!("`{path}`"))
                    .collect();
                let summary = format!("compose files include each other: {}", around.join(" → "));
                self.d
                    .push(Diagnostic::error(codes::COMPOSE_CYCLE, at.clone(), summary));
                return None;
            }
            let root = self.file(path, dir, at.as_ref(), vars)?;
            let mut keys = Keys::of(&root, "the compose file", self.d)?;
            keys.accept(&["version", "name"]);
            let services = keys.take("services");
            let include = keys.take("include");
            let others: Vec<_> = SECTIONS.iter().map(|key| (*key, keys.take(key))).collect();
            keys.finish(&[("models", "")], self.d);
            let mut sections: Vec<(&'static str, Vec<Field>)> = Vec::new();
            if let Some(services) = services {
                let mut full = Vec::new();
                if !matches!(services.value, Val::Map(_)) {
                    self.d.push(services.wrong("`services`", "a table"));
                }
                for service in services.fields() {
                    let mut trail = Vec::new();
                    let item = self.extended(
                        &root,
                        path,
                        &service.key,
                        &service.key_at,
                        dir,
                        vars,
                        &mut trail,
                    )?;
                    full.push(Field {
                        key: service.key.clone(),
                        key_at: service.key_at.clone(),
                        item,
                    });
                }
                sections.push(("services", full));
            }
            for (key, item) in others {
                let Some(item) = item else { continue };
                if !matches!(item.value, Val::Map(_)) {
                    self.d.push(item.wrong(&format!("`{key}`"), "a table"));
                }
                sections.push((key, item.fields().to_vec()));
            }
            for (key, fields) in sections {
                let own = model.0.entry(key).or_default();
                *own = merge::fields(std::mem::take(own), fields, self.d);
            }
            if let Some(include) = include {
                chain.push(path.clone());
                let items = include.items().to_vec();
                for item in &items {
                    let sub = self.include(item, dir, vars, chain)?;
                    self.import(&mut included, sub);
                }
                chain.pop();
            }
        }
        self.import(&mut model, included);
        Some(model)
    }

    /// Adds what an included file has; a name stands for one thing.
    fn import(&mut self, model: &mut Model, sub: Model) {
        for (key, fields) in sub.0 {
            let own = model.0.entry(key).or_default();
            for field in fields {
                let there = own.iter().find(|other| other.key == field.key);
                match there {
                    // The same file included twice is no conflict.
                    Some(other) if other.key_at == field.key_at => {}
                    Some(other) => {
                        let summary = format!(
                            "`{}` of {key} stands in an included file as well",
                            field.key
                        );
                        self.d.push(
                            Diagnostic::error(
                                codes::NAME_CLASH,
                                Some(other.key_at.clone()),
                                summary,
                            )
                            .related(field.key_at.clone(), "the included one")
                            .help("`extends` takes a service over and changes it"),
                        );
                    }
                    None => own.push(field),
                }
            }
        }
    }

    fn include(
        &mut self,
        item: &Item,
        dir: &str,
        vars: &Arc<Vars>,
        chain: &mut Vec<String>,
    ) -> Option<Model> {
        let sp = |(value, at): (String, &Item)| Sp::new(value, &at.at);
        let (paths, base, env) = if item.as_str().is_some() {
            let path = super::tree::plain(item, "an entry of `include`", self.d)?;
            (vec![Sp::new(path, &item.at)], None, Vec::new())
        } else {
            let mut keys = Keys::of(item, "an entry of `include`", self.d)?;
            let paths: Vec<_> = keys.texts("path", self.d).into_iter().map(sp).collect();
            let base = keys.plain("project_directory", self.d).map(sp);
            let env: Vec<_> = keys.texts("env_file", self.d).into_iter().map(sp).collect();
            keys.finish(&[], self.d);
            (paths, base, env)
        };
        let mut files = Files::new();
        for path in &paths {
            if path.value.contains("://") || path.value.starts_with("git@") {
                let summary = format!("`{}` is not in the stack's folder", path.value);
                let error = Diagnostic::error(codes::COMPOSE_KEY, path.at.clone(), summary);
                self.d
                    .push(error.help("copy the file into the product's folder"));
                return None;
            }
            files.push((self.inside(dir, path)?, path.at.clone()));
        }
        let Some((first, _)) = files.first() else {
            let summary = "an entry of `include` has no `path`";
            let error = Diagnostic::error(codes::MISSING, Some(item.at.clone()), summary);
            self.d.push(error);
            return None;
        };
        let own_dir = match &base {
            Some(base) => self.inside(dir, base)?,
            None => parent(first).to_owned(),
        };
        let mut env_files = Files::new();
        for file in &env {
            env_files.push((self.inside(dir, file)?, file.at.clone()));
        }
        let vars = self.variables(&env_files, &own_dir, vars);
        self.model(&files, &own_dir, &vars, chain)
    }

    /// A service with what it extends under it.
    #[allow(clippy::too_many_arguments)]
    fn extended(
        &mut self,
        root: &Item,
        path: &str,
        name: &str,
        at: &Place,
        dir: &str,
        vars: &Arc<Vars>,
        trail: &mut Vec<(String, String)>,
    ) -> Option<Item> {
        let key = (path.to_owned(), name.to_owned());
        let circle = trail.contains(&key);
        trail.push(key);
        if circle || trail.len() > MAX_CHAIN {
            let around: Vec<_> = trail.iter().map(|(_, name)| format!("`{name}`")).collect();
            let summary = format!("services extend each other: {}", around.join(" → "));
            let error = Diagnostic::error(codes::COMPOSE_CYCLE, Some(at.clone()), summary);
            self.d.push(error);
            return None;
        }
        let services = root.get("services").map(Item::fields).unwrap_or_default();
        let Some(found) = services.iter().find(|field| field.key == name) else {
            let summary = format!("`{path}` has no service `{name}`");
            let error = Diagnostic::error(codes::UNKNOWN_NAME, Some(at.clone()), summary);
            let near = did_you_mean(name, services.iter().map(|field| field.key.as_str()));
            self.d.push(match near {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error,
            });
            return None;
        };
        let mut own = found.item.clone();
        self.count(&own)?;
        let Val::Map(fields) = &mut own.value else {
            // What it is instead is said where it is read.
            return Some(own);
        };
        let Some(position) = fields.iter().position(|field| field.key == "extends") else {
            return Some(own);
        };
        let extends = fields.remove(position).item;
        let (service, file) = if extends.as_str().is_some() {
            (super::tree::plain(&extends, "`extends`", self.d)?, None)
        } else {
            let mut keys = Keys::of(&extends, "`extends`", self.d)?;
            let service = keys.plain("service", self.d);
            let file = keys.plain("file", self.d);
            keys.finish(&[], self.d);
            let Some((service, _)) = service else {
                let error = Diagnostic::error(
                    codes::MISSING,
                    Some(extends.at),
                    "`extends` has no `service`",
                );
                self.d.push(error);
                return None;
            };
            (service, file.map(|(file, at)| Sp::new(file, &at.at)))
        };
        let base = match file {
            None => self.extended(root, path, &service, &extends.at, dir, vars, trail)?,
            Some(file) => {
                let other = self.inside(dir, &file)?;
                let other_dir = parent(&other).to_owned();
                let other_root = self.file(&other, &other_dir, file.at.as_ref(), vars)?;
                self.extended(
                    &other_root,
                    &other,
                    &service,
                    &extends.at,
                    &other_dir,
                    vars,
                    trail,
                )?
            }
        };
        let merged = merge::merge("service", base, own, self.d);
        self.count(&merged)?;
        Some(merged)
    }
}
