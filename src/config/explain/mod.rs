//! Where values come from, through every layer: what coasti brings, a product's files, the deploy file's site,
//! the environment's file over it, and what coasti gives when it applies.

mod address;
mod written;

pub use address::{Listed, Unknown, addresses};

use super::app::DOCKER_OPTIONS;
use super::expand::{Container, ImageChoice};
use super::{Desired, Recipe, platform, secrecy};
use crate::base::{Kind, ResourceId};
use crate::diag::{Origin, Place};
use crate::model::{Resource, Role, Spec, Stack, Text, shown};
use crate::services;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use written::{Part, Written, compact};

/// A resource, or the stack itself, and where its fields come from.
#[derive(Clone, Debug, Serialize)]
pub struct Explained {
    /// What it is: `container`, `volume`, …; `stack` is the whole.
    pub kind: &'static str,
    /// Its address.
    pub address: String,
    /// Its name on the engine.
    pub name: String,
    /// Where it is declared.
    pub at: Option<Origin>,
    /// Its fields, those that were asked for.
    pub fields: Vec<Field>,
}

/// A field, what it ends as, and where that comes from.
#[derive(Clone, Debug, Serialize)]
pub struct Field {
    /// Its name, such as `env.LOG_LEVEL`.
    pub field: String,
    /// What it ends as; secrets are `***`.
    pub value: String,
    /// What said so, the one that counts first, each over the next.
    pub layers: Vec<Layer>,
}

/// One that says what a value is.
#[derive(Clone, Debug, Serialize)]
pub struct Layer {
    /// `deploy file`, `environment prod`, `product`, `compose file`, `env file`, `list`, `coasti`.
    pub from: String,
    /// File and line; none of coasti's own.
    pub at: Option<Origin>,
    /// What stands there.
    pub value: String,
    /// What is filled in, by name, each with its own layers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub used: Vec<(String, Vec<Layer>)>,
}

/// In the place of a secret.
const MASK: &str = "***";

/// The table of the engine's options.
const DOCKER: &str = "docker";

/// Of what nobody says.
const DEFAULT: &str = "the default";

impl Layer {
    fn own(words: impl Into<String>) -> Self {
        Self {
            from: "coasti".to_owned(),
            at: None,
            value: words.into(),
            used: Vec::new(),
        }
    }
}

/// What the environment's file did to one value of the deploy file.
#[derive(Clone, Debug, Serialize)]
pub struct Overlaid {
    /// Where: `site.wiki.env.LOG_LEVEL`.
    pub path: String,
    /// What the deploy file says, and where.
    pub before: Option<Layer>,
    /// What the environment's file says; none where it takes the value away.
    pub after: Option<Layer>,
}

/// What the environment's file did to the deploy file, by path.
pub fn overlaid(desired: &Desired) -> Vec<Overlaid> {
    let mut written = Written::default();
    let mut all: Vec<Overlaid> = desired
        .draft
        .laid
        .iter()
        // Told apart by what stands there: two secrets look the same.
        .filter(|laid| match (&laid.before, &laid.after) {
            (Some(before), Some(after)) => compact(before, "") != compact(after, ""),
            _ => true,
        })
        .map(|laid| {
            let key = laid.path.rsplit('.').next().unwrap_or_default();
            let mut layer = |node: &super::Node| {
                let mut layers = written.layers(&node.at, key, Part::Whole);
                let value = compact(node, key);
                (!layers.is_empty()).then(|| Layer {
                    value,
                    ..layers.remove(0)
                })
            };
            let after = laid.after.as_ref().and_then(&mut layer);
            let before = laid.before.as_ref().and_then(&mut layer);
            let has = (after.is_some(), before.is_some());
            let mut layers: Vec<Layer> = after.into_iter().chain(before).collect();
            hide(desired, &mut layers, false);
            let mut layers = layers.into_iter();
            Overlaid {
                path: laid.path.clone(),
                after: has.0.then(|| layers.next()).flatten(),
                before: has.1.then(|| layers.next()).flatten(),
            }
        })
        .collect();
    all.sort_by(|a, b| a.path.cmp(&b.path));
    all
}

/// Explains what `address` names: a resource (`wiki`, `wiki/database`, `volume wiki/data`, a domain, a name on the
/// engine), `stack` or `services.env`, all of it or, after a dot, one of its fields.
pub fn explain(desired: &Desired, address: &str) -> Result<Vec<Explained>, Unknown> {
    let stack = super::preview(desired);
    let found = match address::find(&stack, address) {
        Ok(found) => found,
        // A site may be called `services`.
        Err(unknown) => {
            return settings(desired, address).map_or(Err(unknown), |all| Ok(vec![all]));
        }
    };
    let mut teller = Teller {
        desired,
        stack: &stack,
        written: Written::default(),
    };
    let mut all: Vec<Explained> = found
        .what
        .iter()
        .filter_map(|id| match id {
            Some(id) => teller.resource(id),
            None => Some(teller.whole()),
        })
        .collect();
    let Some(field) = &found.field else {
        for one in &mut all {
            // What is as ever is told to who asks for it.
            let plain = |field: &Field| field.layers.iter().all(|layer| layer.value == DEFAULT);
            let as_ever = |field: &Field| field.field.starts_with("update.") && plain(field);
            one.fields.retain(|field| !as_ever(field));
        }
        return Ok(all);
    };
    let fields: BTreeSet<String> = all
        .iter()
        .flat_map(|one| one.fields.iter().map(|field| field.field.clone()))
        .collect();
    let wanted = written::field(field);
    let of = |name: &str| {
        // All that the table of that name says.
        if wanted == DOCKER {
            let option = |(_, field): &(_, &str)| {
                let rest = name.strip_prefix(field).filter(|_| !field.is_empty());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            return DOCKER_OPTIONS.iter().any(option);
        }
        name == wanted
            || name
                .strip_prefix(&wanted)
                .is_some_and(|rest| rest.starts_with('.'))
    };
    if !fields.iter().any(|name| of(name)) {
        let mut unknown = Unknown::field(&found.address, field, fields);
        // A label may be the beginning of a domain.
        unknown.near = unknown.near.or_else(|| address::near(&stack, address));
        return Err(unknown);
    }
    for one in &mut all {
        one.fields.retain(|field| of(&field.field));
    }
    all.retain(|one| !one.fields.is_empty());
    Ok(all)
}

/// What `services.env` sets, or the one of it that is asked for.
fn settings(desired: &Desired, address: &str) -> Option<Explained> {
    const FILE: &str = "services.env";
    let name = match address.trim().strip_prefix(FILE)? {
        "" => None,
        rest => Some(rest.strip_prefix('.')?),
    };
    let mut written = Written::default();
    let all = desired.settings.iter();
    let asked = all.filter(|(own, _)| name.is_none_or(|name| name.eq_ignore_ascii_case(own)));
    let fields = asked.map(|(name, value)| {
        let at = value.at.as_ref();
        let mut layers = at.map_or_else(Vec::new, |at| written.layers(at, name, Part::Whole));
        if let Some(service) = platform::read_by(name) {
            layers.push(Layer::own(format!("for {service}")));
        }
        Field {
            field: name.clone(),
            value: secrecy::masked(name, &value.value),
            layers,
        }
    });
    let fields: Vec<_> = fields.collect();
    (!fields.is_empty()).then(|| Explained {
        kind: "file",
        address: FILE.to_owned(),
        name: format!("config/{FILE}"),
        at: None,
        fields,
    })
}

/// Masks what is kept apart in layers, and, where what counts is `secret`, also what it was laid over: that may be what
/// counts elsewhere.
fn hide(desired: &Desired, layers: &mut [Layer], secret: bool) {
    for layer in &mut *layers {
        for secret in desired.draft.given.values() {
            let secret = secret.expose().trim();
            // A letter stands in many words.
            let inside = secret.len() > 3 && layer.value.contains(secret);
            if !secret.is_empty() && inside {
                layer.value = layer.value.replace(secret, MASK);
            } else if !secret.is_empty() && layer.value.trim_matches(['"', '\'']) == secret {
                layer.value = MASK.to_owned();
            }
        }
        for (_, used) in &mut layer.used {
            hide(desired, used, false);
        }
    }
    let secret = secret || layers.first().is_some_and(|layer| layer.value == MASK);
    // `{secret: NAME}` and the like are names.
    let is_name = |text: &str| text.starts_with('{') && text.contains(": ");
    for layer in layers
        .iter_mut()
        .filter(|layer| secret && layer.at.is_some())
    {
        if !is_name(&layer.value) {
            layer.value = secrecy::masked("PASSWORD", &layer.value);
        }
    }
}

struct Teller<'a> {
    desired: &'a Desired,
    stack: &'a Stack,
    written: Written,
}

impl Teller<'_> {
    /// What is said of the stack as a whole.
    fn whole(&mut self) -> Explained {
        let draft = &self.desired.draft;
        let mut fields = Vec::new();
        for (key, place) in draft.origins.iter().filter(|(key, _)| *key != "site") {
            fields.push(Field {
                field: key.clone(),
                value: self.written.text(place, key),
                layers: self.written.layers(place, key, Part::Whole),
            });
        }
        let defaults = [
            ("stack", draft.stack.to_string(), "the folder's name"),
            (
                "id",
                "(made at the first apply)".to_owned(),
                "written into the deploy file",
            ),
            (
                "ports",
                format!("{{from: {}, to: {}}}", draft.ports.0, draft.ports.1),
                DEFAULT,
            ),
            ("networks", format!("{{pool: {}}}", draft.pool()), DEFAULT),
        ];
        for (key, value, words) in defaults {
            if !draft.origins.contains_key(key) {
                let layers = vec![Layer::own(words)];
                let field = key.to_owned();
                fields.push(Field {
                    field,
                    value,
                    layers,
                });
            }
        }
        fields.sort_by(|a, b| a.field.cmp(&b.field));
        Explained {
            kind: "stack",
            address: "stack".to_owned(),
            name: draft.stack.to_string(),
            at: None,
            fields,
        }
    }

    fn resource(&mut self, id: &ResourceId) -> Option<Explained> {
        let resource = self.stack.resources.get(id)?;
        let draft = &self.desired.draft;
        let container = draft.containers.iter().find(|one| one.id == *id);
        let mut fields = Vec::new();
        for (field, value) in values(id, resource) {
            let mut layers = match container {
                Some(container) => self.of_container(container, &field, resource),
                None => self.of_other(id, &field),
            };
            let key = field.split_once('.').map_or("", |(_, key)| key);
            let value = match field.starts_with("labels.") {
                true => secrecy::masked(key, &value),
                false => value,
            };
            // What it is made of may have another name, and be seen by that.
            if value.contains(MASK) {
                hide(self.desired, &mut layers, value == MASK);
            }
            fields.push(Field {
                value: self.given(id, &field).unwrap_or(value),
                field,
                layers,
            });
        }
        Some(Explained {
            kind: id.kind.word(),
            address: id.address.clone(),
            name: resource.name.clone(),
            at: resource.origin("").cloned(),
            fields,
        })
    }

    /// What is given only when it is applied.
    fn given(&self, id: &ResourceId, field: &str) -> Option<String> {
        let draft = &self.desired.draft;
        match (id.kind, field) {
            (Kind::Network, "subnet") => {
                let network = draft.networks.get(&id.address)?;
                let given = network.spec.subnet.is_none() && !network.spec.external;
                given.then(|| format!("(given at apply, of {})", draft.pool()))
            }
            (Kind::Container, _) => {
                let key = field.strip_prefix("ports.")?.strip_suffix(".host")?;
                let container = draft.containers.iter().find(|one| one.id == *id)?;
                let mut ports = container.ports.iter().filter(|port| port.key() == key);
                // Beside one that the file says, which of them this is shows only at apply.
                let port = ports
                    .next()
                    .filter(|_| ports.all(|other| other.host.is_none()))?;
                let (from, to) = port.among.unwrap_or(draft.ports);
                let given = port.host.is_none() && !port.direct;
                given.then(|| format!("(given at apply: the lowest free of {from}–{to})"))
            }
            _ => None,
        }
    }

    fn of_container(
        &mut self,
        container: &Container,
        field: &str,
        resource: &Resource,
    ) -> Vec<Layer> {
        let mut layers = Vec::new();
        if self.given(&container.id, field).is_some() {
            layers.push(Layer::own("given once, and kept"));
        }
        if field == "image"
            && let ImageChoice::Range { candidates, .. } = &container.image
        {
            let all: Vec<_> = candidates
                .iter()
                .map(|(version, _)| version.as_str())
                .collect();
            layers.push(Layer::own(format!(
                "the newest of {}; what runs already stays",
                all.join(", ")
            )));
        }
        let given = !layers.is_empty();
        layers.extend(self.made(field, resource).map(Layer::own));
        let key = field.rsplit('.').next().unwrap_or(field);
        let (at, part) = place(container, field);
        // What a service mounts by itself has the provider's place.
        let at = at.filter(|at| !(field.starts_with("mounts.") && **at == container.at));
        let part = match field.split('.').next() {
            _ if part.is_empty() => Part::Whole,
            Some("labels" | "sysctls" | "extra_hosts") => Part::Named(part),
            _ => Part::Field(part),
        };
        let said = at.map(|at| self.written.layers(at, key, part));
        let said = match said {
            Some(said) if !said.is_empty() => said,
            _ => match container
                .origins
                .get("bind")
                .filter(|_| part == Part::Field("bind"))
            {
                Some(at) => self.written.layers(at, key, Part::Whole),
                None if !given => vec![Layer::own(own(container, field))],
                None => Vec::new(),
            },
        };
        layers.extend(said);
        layers
    }

    /// How a value that is kept apart comes to be.
    fn made(&self, field: &str, resource: &Resource) -> Option<String> {
        let name = field.strip_prefix("env.")?;
        let Spec::Container(spec) = &resource.spec else {
            return None;
        };
        let value = spec.env.get(name).and_then(Text::as_value)?;
        let generated = self.desired.draft.recipes.get(&value.id)?;
        let how = match (&generated.recipe, generated.persistent) {
            (Recipe::ExternalIp, _) => "asked for at an apply and kept",
            (_, true) => "made at the first apply and kept",
            (_, false) => {
                "made at the first apply, and another one where all that use it are made anew"
            }
        };
        Some(format!("{how}: coasti secret get {}", value.id))
    }

    fn of_other(&mut self, id: &ResourceId, field: &str) -> Vec<Layer> {
        let draft = &self.desired.draft;
        let at: Option<&Place> = match id.kind {
            Kind::Volume => draft.volumes.get(&id.address).map(|volume| &volume.at),
            Kind::Network => draft.networks.get(&id.address).map(|network| &network.at),
            Kind::Image => draft.containers.iter().find_map(|container| {
                let image = self.stack.container(&container.id)?;
                (image.image == id.address).then(|| container.origins.get("image"))?
            }),
            Kind::File | Kind::Container => {
                let owner = draft.containers.iter().find(|one| {
                    id.address
                        .strip_prefix(&one.id.address)
                        .is_some_and(|rest| rest.starts_with('/'))
                });
                owner.and_then(|owner| place(owner, field).0)
            }
        };
        if self.given(id, field).is_some() {
            return vec![Layer::own("given once, and kept")];
        }
        if id.kind == Kind::Image && field != "name" {
            return vec![Layer::own(DEFAULT)];
        }
        let Some(at) = at else { return Vec::new() };
        let part = match field {
            "name" => Part::Whole,
            field => Part::Field(field),
        };
        let layers = self.written.layers(at, id.kind.word(), part);
        if layers.is_empty() {
            return self.written.layers(at, id.kind.word(), Part::Whole);
        }
        layers
    }
}

/// The place of a field, or of the field around it and which part of that it is.
fn place<'a>(container: &'a Container, field: &'a str) -> (Option<&'a Place>, &'a str) {
    let port = field.strip_prefix("ports.").and_then(|rest| {
        let (key, part) = rest.rsplit_once('.')?;
        let mut places = container.ports.iter().filter(|port| port.key() == key);
        let (port, part) = match part {
            "also" => (places.nth(1)?, ""),
            _ => (places.next()?, part),
        };
        Some((Some(&port.at), part))
    });
    if let Some(found) = port {
        return found;
    }
    let mut end = field.len();
    loop {
        let (around, rest) = field.split_at_checked(end).unwrap_or((field, ""));
        if let Some(place) = container.origins.get(around) {
            return (Some(place), rest.trim_start_matches('.'));
        }
        match around.rfind('.') {
            Some(dot) => end = dot,
            None => return (None, ""),
        }
    }
}

/// Why a field of a container is as it is, where no file says it.
fn own(container: &Container, field: &str) -> String {
    let service =
        services::find(&container.about.product).filter(|_| container.about.role == Role::Provider);
    let (first, rest) = field.split_once('.').unwrap_or((field, ""));
    if let Some(service) = service {
        let brings = match first {
            "env" => service.env().iter().any(|(name, _)| *name == rest),
            "mounts" => service
                .volumes()
                .iter()
                .any(|(_, path)| rest.starts_with(path)),
            "health" => true,
            _ => false,
        };
        if brings {
            return format!("the service {} brings it", service.name());
        }
    }
    match field {
        "hostname" => "the short name, which stays whatever container runs".to_owned(),
        "stop_timeout" => "what holds data gets this long to end".to_owned(),
        "live.restart.name" => DEFAULT.to_owned(),
        _ if field.starts_with("live.networks.") => {
            "where it and what it uses reach each other".to_owned()
        }
        _ => DEFAULT.to_owned(),
    }
}

/// What there is to tell of a resource, by field.
fn values(id: &ResourceId, resource: &Resource) -> BTreeMap<String, String> {
    let mut all = shown(&resource.spec);
    if id.kind != Kind::Container {
        all.insert("name".to_owned(), resource.name.clone());
    }
    if id.kind == Kind::Network {
        all.entry("subnet".to_owned()).or_default();
    }
    if let Some(about) = &resource.about {
        all.insert("product".to_owned(), about.product.clone());
        let said = [("domain", &about.domain), ("was", &about.was)];
        for (key, value) in said {
            if let Some(value) = value {
                all.insert(key.to_owned(), value.clone());
            }
        }
        let life = &resource.life;
        for (key, on) in [("protect", life.protect), ("new-data", life.new_data)] {
            if on {
                all.insert(key.to_owned(), true.to_string());
            }
        }
        if let Some(adopt) = &life.adopt {
            let id = adopt.id.iter().map(|id| format!("@{id}"));
            let what = std::iter::once(adopt.container.clone()).chain(id);
            all.insert("adopt".to_owned(), what.collect());
        }
        let update = serde_json::to_value(&life.update).unwrap_or_default();
        for (key, value) in update.as_object().into_iter().flatten() {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            all.insert(format!("update.{key}"), value);
        }
    }
    all.retain(|field, value| !(value.is_empty() && field.ends_with("networks")));
    all
}
