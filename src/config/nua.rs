//! What nua's own files say, as far as it is needed to make a stack of them.

use super::app::{App, Number, ProviderDef};
use super::deploy;
use super::doc::{Node, Table, Value, parse, wrong_type};
use super::products::plain_id;
use crate::diag::{Diagnostics, Place, Source};
use crate::services;
use std::sync::Arc;

/// A site of a deploy file.
#[derive(Clone, Debug)]
pub struct NuaSite {
    /// Where it stands.
    pub at: Place,
    /// Its label, as names of coasti's have it.
    pub label: String,
    /// Where the label, or what it is made of, stands.
    pub label_at: Option<Place>,
    /// Its label, as names of nua's have it.
    pub label_id: String,
    /// The image, as it is written.
    pub image: String,
    /// Where that is written.
    pub image_at: Option<Place>,
    /// The id of its product, as ids are compared (see [`plain`]).
    pub product: String,
    /// The version that is asked for.
    pub version: Option<String>,
    /// Its domain.
    pub domain: Option<String>,
    /// Where that is written.
    pub domain_at: Option<Place>,
    /// All that is written.
    pub(crate) node: Node,
}

/// An app's definition.
#[derive(Clone, Debug)]
pub struct NuaApp {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub title: Option<String>,
    /// `VERSION` or `VERSION-RELEASE`.
    pub tag: Option<String>,
    /// Its version without a release.
    pub version: Option<String>,
    /// The image that it wraps; one without is built by nua.
    pub image: Option<String>,
    /// Its ports.
    pub ports: Vec<NuaPort>,
    /// Whether it uses the host's network.
    pub host_network: bool,
    /// Its providers.
    pub providers: Vec<NuaProvider>,
}

/// A port of an app's.
#[derive(Clone, Debug)]
pub struct NuaPort {
    /// Its name.
    pub name: String,
    /// Inside the container, as `PORT/PROTOCOL`; none where a variable says it.
    pub inside: Option<String>,
    /// Whether it is published to everybody, and not for the proxy.
    pub open: bool,
}

/// A provider of an app's.
#[derive(Clone, Debug)]
pub struct NuaProvider {
    /// Its name.
    pub name: String,
    /// Whether it has a container; else its volumes are mounted into the app.
    pub has_container: bool,
    /// The paths of its volumes.
    pub targets: Vec<String>,
}

/// The id that names of a product are compared by: `nua-`, `.tar`, case and `_` do not count.
pub fn plain(id: &str) -> String {
    plain_id(id)
}

/// How nua makes a name of a text: lower case, `[a-z0-9._-]`, `_` for spaces, no `.-_` at the ends.
pub fn nua_name(text: &str) -> String {
    let kept: String = text
        .chars()
        .map(|c| {
            if c == ' ' {
                '_'
            } else {
                c.to_ascii_lowercase()
            }
        })
        .filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(*c))
        .collect();
    let kept = kept.trim_matches(['.', '-', '_']);
    kept.chars().take(128).collect()
}

/// The sites of a deploy file.
pub fn nua_sites(source: &Arc<Source>, d: &mut Diagnostics) -> Vec<NuaSite> {
    let Some(root) = parse(source, d) else {
        return Vec::new();
    };
    let Some(mut table) = Table::of(&root, "", d) else {
        return Vec::new();
    };
    let nodes = match table.take("site", d).map(|node| (&node.value, node)) {
        None => {
            table.missing("site", d);
            &[]
        }
        Some((Value::List(nodes), _)) => nodes.as_slice(),
        Some((_, node)) => {
            d.push(wrong_type("`site`", "a list", node));
            &[]
        }
    };
    // What a stack has besides is no matter of nua's.
    table.accept(&["version", "stack", "id", "ports", "networks", "external-ip"]);
    let sites = nodes.iter().filter_map(|node| site(node, d)).collect();
    table.finish(d);
    sites
}

fn site(node: &Node, d: &mut Diagnostics) -> Option<NuaSite> {
    let site = deploy::site(node, d)?;
    let image = &site.image.value;
    let (name, version) = match image.split_once(':') {
        Some((name, version)) => (name, Some(version.trim_end_matches(".tar").to_owned())),
        None => (image.as_str(), None),
    };
    let product = plain_id(name);
    let said = node.get("label").and_then(|label| label.value.scalar());
    let label_id = match (&said, &site.domain) {
        (Some(label), _) => nua_name(label),
        (None, Some(domain)) => nua_name(&format!("{product}-{}", domain.value)),
        (None, None) => site.label.value.clone(),
    };
    Some(NuaSite {
        at: site.at.clone(),
        label: site.label.value.clone(),
        label_at: site.label.at.clone(),
        label_id,
        image: image.clone(),
        image_at: site.image.at.clone(),
        product,
        version,
        domain_at: site.domain.as_ref().and_then(|domain| domain.at.clone()),
        domain: site.domain.map(|domain| domain.value),
        node: node.clone(),
    })
}

/// An app's definition; none where it cannot be understood or has no id.
pub fn nua_app(source: &Arc<Source>, d: &mut Diagnostics) -> Option<NuaApp> {
    let app = App::read(&parse(source, d)?, "", d)?;
    let mut spec = crate::model::ContainerSpec::default();
    app.parts.docker.apply(&mut spec, &mut Diagnostics::new());
    let host = spec.network_mode == crate::model::NetworkMode::Host;
    let fixed = |number: &Option<super::doc::Sp<Number>>| match number.as_ref()?.value {
        Number::Fixed(port) => Some(port),
        Number::Auto | Number::Of { .. } => None,
    };
    let ports = app.parts.ports.iter().map(|(name, port)| NuaPort {
        name: name.clone(),
        inside: fixed(&port.container).map(|inside| {
            let protocol = port.protocol.unwrap_or_default();
            format!("{inside}/{}", protocol.word())
        }),
        open: name != "web" && port.proxy.is_none(),
    });
    Some(NuaApp {
        title: app.metadata.get("title").cloned(),
        tag: app.tag(),
        version: app.version.clone(),
        image: app.image.as_ref().map(|image| image.value.clone()),
        ports: ports.collect(),
        host_network: host,
        providers: app.providers.iter().map(provider).collect(),
        id: app.id?.value,
    })
}

fn provider(def: &ProviderDef) -> NuaProvider {
    let module = def.module.as_ref();
    let service = module.and_then(|module| services::find(&module.value));
    let own = def.parts.volumes.iter();
    let own = own.map(|volume| volume.target.value.clone());
    let of_service = service.into_iter().flat_map(services::Service::volumes);
    let of_service = of_service.map(|(_, target)| (*target).to_owned());
    let kind = def.kind.as_ref().map(|kind| kind.value.as_str());
    let is_volume = service.is_some_and(services::Service::is_volume) && def.image.is_none();
    NuaProvider {
        name: def.name.value.clone(),
        has_container: kind != Some("volume") && !is_volume,
        targets: own.chain(of_service).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_nuas() {
        for (text, name) in [
            ("HedgeDoc test1.example.com", "hedgedoc_test1.example.com"),
            ("wiki-example.org/path", "wiki-example.orgpath"),
            ("-.My App_é.", "my_app"),
        ] {
            assert_eq!(nua_name(text), name);
        }
    }
}
