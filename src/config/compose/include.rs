//! Files together: laid over each other, with those that they `include`.

use super::load::{Loader, MAX_CHAIN, Model, Spot, parent};
use super::merge;
use super::tree::{Field, Item, Keys, Val, plain};
use crate::config::codes;
use crate::config::doc::Sp;
use crate::diag::Diagnostic;

/// What a compose file has besides services.
const SECTIONS: &[&str] = &["networks", "volumes", "configs", "secrets"];

impl Loader<'_> {
    /// Files laid over each other, each with what it includes.
    pub(super) fn model(
        &mut self,
        paths: &[Sp<String>],
        spot: &Spot,
        chain: &mut Vec<String>,
    ) -> Option<Model> {
        let mut model = Model::default();
        for path in paths {
            if chain.contains(&path.value) || chain.len() >= MAX_CHAIN {
                let around: Vec<_> = chain
                    .iter()
                    .chain([&path.value])
                    .map(|path| format!("`{path}`"))
                    .collect();
                let summary = format!("compose files include each other: {}", around.join(" → "));
                let error = Diagnostic::error(codes::COMPOSE_CYCLE, path.at.clone(), summary);
                self.d.push(error);
                return None;
            }
            for (section, fields) in self.whole(path, spot, chain)?.0 {
                let own = model.0.entry(section).or_default();
                *own = merge::fields(section, std::mem::take(own), fields, self.d);
            }
        }
        Some(model)
    }

    /// One file with what it includes.
    fn whole(&mut self, path: &Sp<String>, spot: &Spot, chain: &mut Vec<String>) -> Option<Model> {
        let root = self.file(path, spot)?;
        let mut keys = Keys::of(&root, "the compose file", self.d)?;
        keys.accept(&["version", "name"]);
        let services = keys.take("services");
        let include = keys.list("include", self.d);
        let others: Vec<_> = SECTIONS.iter().map(|key| (*key, keys.take(key))).collect();
        keys.finish(&[("models", "")], self.d);
        let mut included = Model::default();
        chain.push(path.value.clone());
        for item in include {
            let sub = self.include(item, spot, chain)?;
            self.import(&mut included, sub);
        }
        chain.pop();
        let mut model = Model::default();
        if let Some(services) = services {
            let mut full = Vec::new();
            if !matches!(services.value, Val::Map(_)) {
                self.d.push(services.wrong("`services`", "a table"));
            }
            for service in services.fields() {
                full.push(Field {
                    key: service.key.clone(),
                    key_at: service.key_at.clone(),
                    item: self.extended(&root, path, service, spot, &included)?,
                });
            }
            model.0.insert("services", full);
        }
        for (key, item) in others {
            let Some(item) = item else { continue };
            if !matches!(item.value, Val::Map(_)) {
                self.d.push(item.wrong(&format!("`{key}`"), "a table"));
            }
            model.0.insert(key, item.fields().to_vec());
        }
        self.import(&mut model, included);
        Some(model)
    }

    /// Adds what an included file has; a name stands for one thing.
    fn import(&mut self, model: &mut Model, sub: Model) {
        for (key, fields) in sub.0 {
            let own = model.0.entry(key).or_default();
            let has_paths = !matches!(key, "networks" | "volumes");
            for field in fields {
                let there = own.iter().find(|other| other.key == field.key);
                let same = |other: &Field| {
                    let dirs = [other, &field].map(|one| self.dir(&one.key_at));
                    other.item.same(&field.item) && (!has_paths || dirs[0] == dirs[1])
                };
                match there {
                    Some(other) if same(other) => {}
                    Some(other) => {
                        let summary = format!(
                            "`{}` of {key} stands in an included file as well, and says something else",
                            field.key
                        );
                        self.d.push(
                            Diagnostic::error(
                                codes::NAME_CLASH,
                                Some(other.key_at.clone()),
                                summary,
                            )
                            .related(field.key_at.clone(), "the included one")
                            .help("a file laid over this one (`files` of the product's `run`) can change what is included"),
                        );
                    }
                    None => own.push(field),
                }
            }
        }
    }

    fn include(&mut self, item: &Item, spot: &Spot, chain: &mut Vec<String>) -> Option<Model> {
        let sp = |(value, at): (String, &Item)| Sp::new(value, &at.at);
        let (paths, base, env) = if item.as_str().is_some() {
            let path = plain(item, "an entry of `include`", self.d)?;
            (vec![Sp::new(path, &item.at)], None, Vec::new())
        } else {
            let mut keys = Keys::of(item, "an entry of `include`", self.d)?;
            let paths: Vec<_> = keys.texts("path", self.d).into_iter().map(sp).collect();
            let base = keys.plain("project_directory", self.d).map(sp);
            let env: Vec<_> = keys.texts("env_file", self.d).into_iter().map(sp).collect();
            keys.finish(&[], self.d);
            (paths, base, env)
        };
        let mut files = Vec::new();
        for path in &paths {
            if path.value.contains("://") || path.value.starts_with("git@") {
                let summary = format!("`{}` is not in the stack's folder", path.value);
                let error = Diagnostic::error(codes::COMPOSE_KEY, path.at.clone(), summary);
                self.d
                    .push(error.help("copy the file into the product's folder"));
                return None;
            }
            files.push(self.inside(&spot.dir, path)?);
        }
        let Some(first) = files.first() else {
            let summary = "an entry of `include` has no `path`";
            let error = Diagnostic::error(codes::MISSING, Some(item.at.clone()), summary);
            self.d.push(error);
            return None;
        };
        let dir = match &base {
            Some(base) => self.inside(&spot.dir, base)?.value,
            None => parent(&first.value).to_owned(),
        };
        let mut env_files = Vec::new();
        for file in &env {
            env_files.push(self.inside(&spot.dir, file)?);
        }
        let vars = self.variables(&env_files, &dir, &spot.vars);
        self.model(&files, &Spot { dir, vars }, chain)
    }
}
