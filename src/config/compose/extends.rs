//! Services that take others over: `extends`.

use super::load::{Loader, MAX_CHAIN, Model, Spot, parent};
use super::merge;
use super::tree::{Field, Item, Keys, Val, plain};
use crate::config::codes;
use crate::config::doc::Sp;
use crate::diag::{Diagnostic, Place, did_you_mean};

/// A file whose services are taken over.
struct File<'f> {
    root: &'f Item,
    path: &'f Sp<String>,
    spot: &'f Spot,
    /// What it includes.
    included: &'f Model,
}

impl Loader<'_> {
    /// A service of a file with what it extends under it.
    pub(super) fn extended(
        &mut self,
        root: &Item,
        path: &Sp<String>,
        service: &Field,
        spot: &Spot,
        included: &Model,
    ) -> Option<Item> {
        let file = File {
            root,
            path,
            spot,
            included,
        };
        self.taken(&file, &service.key, &service.key_at, &mut Vec::new())
    }

    fn taken(
        &mut self,
        file: &File<'_>,
        name: &str,
        at: &Place,
        trail: &mut Vec<(String, String)>,
    ) -> Option<Item> {
        let path = &file.path.value;
        let key = (path.clone(), name.to_owned());
        let circle = trail.contains(&key);
        trail.push(key);
        if circle || trail.len() > MAX_CHAIN {
            let around: Vec<_> = trail.iter().map(|(_, name)| format!("`{name}`")).collect();
            let summary = format!("services extend each other: {}", around.join(" → "));
            let error = Diagnostic::error(codes::COMPOSE_CYCLE, Some(at.clone()), summary);
            self.d.push(error);
            return None;
        }
        let services = file.root.get("services");
        let services = services.map(Item::fields).unwrap_or_default();
        let included = file.included.0.get("services").into_iter().flatten();
        let mut all = services.iter().chain(included);
        let Some(found) = all.clone().find(|field| field.key == name) else {
            let summary = format!("`{path}` has no service `{name}`");
            let error = Diagnostic::error(codes::UNKNOWN_NAME, Some(at.clone()), summary);
            let near = did_you_mean(name, all.by_ref().map(|field| field.key.as_str()));
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
        let (service, other) = if extends.as_str().is_some() {
            (plain(&extends, "`extends`", self.d)?, None)
        } else {
            let mut keys = Keys::of(&extends, "`extends`", self.d)?;
            let service = keys.plain("service", self.d);
            let other = keys.plain("file", self.d);
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
            (service, other.map(|(other, at)| Sp::new(other, &at.at)))
        };
        let base = match other {
            None => self.taken(file, &service, &extends.at, trail)?,
            Some(other) => {
                let other = self.inside(&file.spot.dir, &other)?;
                let spot = Spot {
                    dir: parent(&other.value).to_owned(),
                    vars: file.spot.vars.clone(),
                };
                let root = self.file(&other, &spot)?;
                let other = File {
                    root: &root,
                    path: &other,
                    spot: &spot,
                    included: &Model::default(),
                };
                self.taken(&other, &service, &extends.at, trail)?
            }
        };
        let merged = merge::merge("services", name, base, own, self.d);
        self.count(&merged)?;
        Some(merged)
    }
}
