//! Variables and labels of a service: those of files, then its own, which win.

use super::service::Cx;
use crate::config::budget::Budget;
use crate::config::compose::dotenv::{self, Line};
use crate::config::compose::{EnvFile, Service, Str, Vars, guarded};
use crate::config::env_file::Dialect;
use crate::config::labels::own;
use crate::diag::{Before, Diagnostics, Place};
use std::collections::{BTreeMap, BTreeSet};

/// Variables by name, with where each stands.
pub(super) type Environment = BTreeMap<String, (Str, Place)>;

/// What a service and its files say by name.
pub(super) struct Said {
    /// Variables.
    pub(super) env: Environment,
    /// Labels of files that the service does not say itself, with where each stands.
    pub(super) labels: BTreeMap<String, (String, Place)>,
}

impl Said {
    /// How many values they are.
    pub(super) fn len(&self) -> usize {
        self.env.len() + self.labels.len()
    }
}

/// Sets a variable, over what it was before.
fn set(env: &mut Environment, name: String, value: Str, at: Place) {
    let at = match env.get(&name) {
        Some((_, own)) => at.over(Before::File(own.clone())),
        None => at,
    };
    env.insert(name, (value, at));
}

impl Cx<'_> {
    /// All that is said of a service by name.
    pub(super) fn said(&self, service: &Service, budget: &mut Budget, d: &mut Diagnostics) -> Said {
        Said {
            env: self.environment(service, budget, d),
            labels: self.labels(service, budget, d),
        }
    }

    /// Variables of env files, then those of the service itself, which win.
    fn environment(
        &self,
        service: &Service,
        budget: &mut Budget,
        d: &mut Diagnostics,
    ) -> Environment {
        let mut env = Environment::new();
        let project = &self.project.vars;
        // What values of env files may name: the project's variables, the service's own, those of the files.
        let (mut known, mut files) = (Vars::clone(project), Vars::default());
        let own = service.env.iter().map(|(name, (value, at))| {
            let vars = self.project.vars_at(at);
            let inherited = value.is_none().then(|| vars?.origin(name)).flatten();
            let value = value.as_ref().or_else(|| vars?.get(name));
            let at = at.clone().using(inherited.into_iter().collect());
            (name, value, at)
        });
        let own: Vec<_> = own.collect();
        for (name, value, at) in &own {
            if let Some(value) = value.filter(|_| known.get(name).is_none()) {
                known.set(name, value.clone(), Before::File(at.clone()));
            }
        }
        let mut made = BTreeSet::new();
        for file in self.env_files(service) {
            let Some(at) = &file.path.at else { continue };
            let Some(source) = self.file(&file.path.value, at, file.required, d) else {
                continue;
            };
            let dialect = match file.raw {
                true => Dialect::Raw,
                false => Dialect::Compose,
            };
            for line in dotenv::read(&source, &known, &mut files, dialect, &mut made, budget, d) {
                let inherited = line.value.is_none().then(|| project.origin(&line.name));
                let value = line.value.or_else(|| project.get(&line.name).cloned());
                if let Some(value) = value {
                    let at = line.at.using(inherited.flatten().into_iter().collect());
                    set(&mut env, line.name, value, at);
                }
            }
        }
        for (name, value, at) in own {
            match value {
                Some(value) => set(&mut env, name.clone(), guarded(name, value.clone()), at),
                None => drop(env.remove(name)),
            }
        }
        env
    }

    /// Its env files, each once: as it is named last, where it is named first.
    fn env_files<'s>(&self, service: &'s Service) -> Vec<&'s EnvFile> {
        let mut all: Vec<(_, &EnvFile)> = Vec::new();
        for file in &service.env_files {
            let dir = file.path.at.as_ref().and_then(|at| self.project.dir(at));
            // As it is written, from where it is written.
            let name = (dir.map(|dir| &dir.folder), &file.path.value);
            match all.iter_mut().find(|(own, _)| *own == name) {
                Some((_, own)) => *own = file,
                None => all.push((name, file)),
            }
        }
        all.into_iter().map(|(_, file)| file).collect()
    }

    /// Labels of its label files; of one name, the last. They name others of these files, and no variables.
    fn labels(
        &self,
        service: &Service,
        budget: &mut Budget,
        d: &mut Diagnostics,
    ) -> BTreeMap<String, (String, Place)> {
        let mut labels = BTreeMap::new();
        let (outer, mut known, mut made) = (Vars::default(), Vars::default(), BTreeSet::new());
        for path in &service.label_files {
            let Some(at) = &path.at else { continue };
            let Some(source) = self.file(&path.value, at, true, d) else {
                continue;
            };
            let dialect = Dialect::Compose;
            let lines = dotenv::read(&source, &outer, &mut known, dialect, &mut made, budget, d);
            for Line { name, value, at } in lines {
                let Some(value) = value.and_then(|value| value.open()) else {
                    continue;
                };
                if let Some(error) = own(&name, &at) {
                    d.push(error);
                }
                if !service.spec.labels.contains_key(&name) {
                    labels.insert(name, (value, at));
                }
            }
        }
        labels
    }
}
