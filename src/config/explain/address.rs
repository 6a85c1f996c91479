//! What a user may call a resource or a field of one.

use crate::base::{Kind, ResourceId};
use crate::diag::{Origin, did_you_mean};
use crate::model::{Resource, Stack};
use serde::Serialize;
use std::collections::BTreeSet;

const KINDS: [Kind; 5] = [
    Kind::Container,
    Kind::Volume,
    Kind::Network,
    Kind::File,
    Kind::Image,
];

/// Something that can be explained.
#[derive(Clone, Debug, Serialize)]
pub struct Listed {
    /// What it is.
    pub kind: &'static str,
    /// Its address.
    pub address: String,
    /// Its name on the engine.
    pub name: String,
    /// Where it is declared.
    pub at: Option<Origin>,
}

/// All that can be explained, containers first.
pub fn addresses(stack: &Stack) -> Vec<Listed> {
    let of = |kind: Kind| {
        stack
            .resources
            .iter()
            .filter(move |(id, _)| id.kind == kind)
    };
    let all = KINDS.into_iter().flat_map(of);
    all.map(|(id, resource)| Listed {
        kind: id.kind.word(),
        address: id.address.clone(),
        name: resource.name.clone(),
        at: resource.origin("").cloned(),
    })
    .collect()
}

/// What was named is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// What is wrong.
    pub summary: String,
    /// What was perhaps meant.
    pub near: Option<String>,
    /// What there is.
    pub known: Vec<String>,
}

impl Unknown {
    pub(super) fn field(address: &str, field: &str, known: BTreeSet<String>) -> Self {
        let whole = known.iter().map(String::as_str);
        let variable = format!("env.{field}");
        // Who writes the last part of a name means that.
        let ends = |known: &&str| known.rsplit('.').next() == Some(field);
        let near = known
            .get(&variable)
            .map(String::as_str)
            .or_else(|| whole.clone().find(ends))
            .or_else(|| whole.clone().find(|known| known.starts_with(field)))
            .or_else(|| did_you_mean(field, whole.clone()))
            .or_else(|| did_you_mean(&variable, whole));
        let first = field.split('.').next().unwrap_or(field);
        let group = [
            "docker",
            "env",
            "health",
            "healthcheck",
            "mounts",
            "port",
            "ports",
            "volume",
        ];
        let summary = match group.contains(&first) && near.is_none() {
            true => format!("nothing is said of `{field}` for `{address}`"),
            false => format!("`{address}` has no `{field}`"),
        };
        Self {
            summary,
            near: near.map(|near| format!("{address}.{near}")),
            known: known.into_iter().collect(),
        }
    }
}

/// What an address names.
pub(super) struct Found {
    /// The part of it that names resources.
    pub address: String,
    /// Those; none is the stack itself.
    pub what: Vec<Option<ResourceId>>,
    /// The field of them that was asked for.
    pub field: Option<String>,
}

/// Finds what an address names. A label may have dots in it, so the longest that names something is the
/// resource, and the rest a field.
pub(super) fn find(stack: &Stack, said: &str) -> Result<Found, Unknown> {
    let said = said.trim();
    let (kind, bare) = kind(said);
    let ends = bare.rmatch_indices('.').map(|(at, _)| at);
    for end in std::iter::once(bare.len()).chain(ends) {
        let (address, rest) = bare.split_at_checked(end).unwrap_or((bare, ""));
        let what = named(stack, kind, address);
        if !what.is_empty() {
            let whole = said.len() - bare.len() + address.len();
            let field = rest.strip_prefix('.').filter(|field| !field.is_empty());
            return Ok(Found {
                address: said.get(..whole).unwrap_or(said).to_owned(),
                what,
                field: field.map(str::to_owned),
            });
        }
    }
    let first = bare.split('.').next().unwrap_or(bare);
    Err(Unknown {
        summary: format!("nothing is called `{said}`"),
        near: [said, bare, first]
            .iter()
            .find_map(|said| near(stack, said)),
        known: stack.resources.keys().map(called).collect(),
    })
}

/// What of the stack is called nearly so.
pub(super) fn near(stack: &Stack, said: &str) -> Option<String> {
    let mut known: Vec<String> = stack.resources.keys().map(called).collect();
    // Of a site that is a compose file, the label.
    let labels = stack
        .containers()
        .filter_map(|(id, ..)| id.address.split_once('/'));
    known.extend(labels.map(|(label, _)| label.to_owned()));
    let about = stack
        .resources
        .values()
        .filter_map(|resource| resource.about.as_ref());
    let domains = about.filter_map(|about| about.domain.as_deref());
    let known = known.iter().map(String::as_str);
    let near = did_you_mean(said, known.chain(domains).chain(["stack"]));
    near.map(str::to_owned)
}

/// How a resource is called: containers by their address alone.
fn called(id: &ResourceId) -> String {
    match id.kind {
        Kind::Container => id.address.clone(),
        kind => format!("{kind} {}", id.address),
    }
}

/// The kind that stands before an address.
fn kind(said: &str) -> (Option<Kind>, &str) {
    for kind in KINDS {
        let rest = said.strip_prefix(kind.word());
        if let Some(rest) = rest.and_then(|rest| rest.strip_prefix([' ', ':'])) {
            return (Some(kind), rest.trim_start());
        }
    }
    (None, said)
}

/// Whether a resource is meant.
type Way<'a> = &'a dyn Fn(&ResourceId, &Resource) -> bool;

fn named(stack: &Stack, kind: Option<Kind>, said: &str) -> Vec<Option<ResourceId>> {
    if said.is_empty() {
        return Vec::new();
    }
    let ids = || {
        stack
            .resources
            .iter()
            .filter(move |(id, _)| kind.is_none_or(|kind| id.kind == kind))
    };
    let exact = |kind: Kind| {
        let id = ResourceId {
            kind,
            address: said.to_owned(),
        };
        ids().any(|(own, _)| *own == id).then_some(vec![Some(id)])
    };
    if let Some(found) = exact(Kind::Container) {
        return found;
    }
    if kind.is_none() && said == "stack" {
        return vec![None];
    }
    let all = |wanted: Way<'_>| -> Vec<Option<ResourceId>> {
        let found = ids().filter(|(id, resource)| wanted(id, resource));
        found.map(|(id, _)| Some(id.clone())).collect()
    };
    let name = |_: &ResourceId, resource: &Resource| resource.name == said;
    let image = crate::config::image::full(said).map(|reference| reference.text);
    let image = |id: &ResourceId, _: &Resource| {
        id.kind == Kind::Image && image.as_ref().is_ok_and(|image| *image == id.address)
    };
    let domain = |id: &ResourceId, resource: &Resource| {
        let own = resource
            .about
            .as_ref()
            .and_then(|about| about.domain.as_deref());
        id.kind == Kind::Container && own.is_some_and(|own| own.eq_ignore_ascii_case(said))
    };
    // Of a site that is a compose file no container has the label alone.
    let label = |id: &ResourceId, _: &Resource| {
        let inner = id
            .address
            .strip_prefix(said)
            .is_some_and(|rest| rest.starts_with('/'));
        id.kind == Kind::Container && inner
    };
    let ways: [Way<'_>; 4] = [&domain, &label, &name, &image];
    let containers = ways.iter().take(2).map(|way| all(*way));
    let others = KINDS.into_iter().filter_map(exact);
    let more = ways.iter().skip(2).map(|way| all(*way));
    let mut all = containers.chain(others).chain(more);
    all.find(|found| !found.is_empty()).unwrap_or_default()
}
