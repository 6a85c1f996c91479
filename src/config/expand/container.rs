//! One container of a site: an app or a provider.

use super::provider::Provider;
use super::values::Values;
use super::{Container, Draft, ImageChoice, Port, codes, delivery, mounts};
use crate::base::{ResourceId, names};
use crate::config::app::{Number, Parts, PortDef};
use crate::config::deploy::Site;
use crate::config::doc::Sp;
use crate::diag::{Diagnostic, Diagnostics, Place};
use crate::model::{
    About, Attachment, ContainerSpec, Lifecycle, NetworkMode, Protocol, Role, Text,
};
use crate::services::{self, Version};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

pub(super) fn origin(
    origins: &mut BTreeMap<String, Place>,
    field: impl Into<String>,
    at: Option<&Place>,
) {
    if let Some(at) = at {
        origins.insert(field.into(), at.clone());
    }
}

/// The image, or the newest of those that it may be.
pub(super) fn reference(image: &ImageChoice) -> &str {
    match image {
        ImageChoice::Fixed { reference, .. } => reference,
        ImageChoice::Range { candidates, .. } => {
            candidates.last().map_or("", |(_, image)| image.as_str())
        }
    }
}

pub(super) fn short_name(image: &ImageChoice) -> String {
    let reference = reference(image).split('@').next().unwrap_or_default();
    let last = reference.rsplit('/').next().unwrap_or_default();
    last.split(':').next().unwrap_or_default().to_owned()
}

/// The version that an image's tag says, else the tag itself.
pub(super) fn tag_of(image: &ImageChoice) -> Option<String> {
    let reference = match image {
        // Of one that is built, the name that its authors gave it.
        ImageChoice::Fixed {
            build: Some(built), ..
        } => built.spec.tags.first()?,
        image => reference(image),
    };
    Version::of_image(reference)
        .map(|version| version.to_string())
        .or_else(|| {
            let path = reference.split('@').next()?;
            let (_, tag) = path.rsplit('/').next()?.split_once(':')?;
            Some(tag.to_owned())
        })
}

/// What the containers of a site share.
pub(super) struct Cx<'a> {
    /// The site.
    pub site: &'a Site,
    /// The label under which its data is kept.
    pub data: &'a str,
    /// Whether it has a network of its own.
    pub networked: bool,
}

impl Cx<'_> {
    pub(super) fn provider(
        &self,
        draft: &mut Draft,
        provider: &Provider,
        values: &mut Values<'_>,
        d: &mut Diagnostics,
    ) -> Option<Container> {
        let image = provider.image.clone()?;
        let name = &provider.def.name.value;
        let label = &self.site.label.value;
        let mut container = self.container(
            draft,
            &format!("{label}/{name}"),
            Role::Provider,
            image,
            &provider.def.at,
        );
        container.data = format!("{}/{name}", self.data);
        // Which of two runs first is the app's to say; how long to wait holds for all of the site.
        container.life.update.settle = self.site.update.settle;
        container.life.update.timeout = self.site.update.timeout;
        container.was = self.was(|was| format!("{was}/{name}"));
        container.spec.hostname = Some(names::fit(name, 63));
        self.fill(draft, &mut container, name, &provider.parts, values, d);
        let preset = provider.service.and_then(services::Service::health);
        container.spec.health = match &provider.parts.health {
            Some(health) => health.health(preset),
            None => preset,
        };
        let aliases = [name.clone()].into();
        self.join(draft, &mut container, aliases);
        for (port_name, def) in &provider.parts.ports {
            // A provider serves its app by the network; a port of the host it gets only where that is said.
            if def.host.is_some() || def.proxy.is_some() {
                let port = self.port(name, port_name, def, false, values, draft, d);
                container.ports.extend(port);
            }
        }
        let about = &mut container.about;
        about.serves = Some(ResourceId::container(label.clone()));
        about.product = provider
            .service
            .map_or_else(|| short_name(&container.image), |s| s.name().to_owned());
        about.version = tag_of(&container.image);
        self.finish(&mut container);
        Some(container)
    }

    pub(super) fn app(
        &self,
        draft: &mut Draft,
        parts: &Parts,
        image: ImageChoice,
        values: &mut Values<'_>,
        d: &mut Diagnostics,
    ) -> Container {
        let site = self.site;
        let label = &site.label.value;
        let mut container = self.container(draft, label, Role::App, image, &site.at);
        container.data = self.data.to_owned();
        container.was = self.was(str::to_owned);
        container.life.update = site.update.clone();
        container.order_at = site.order_at.clone();
        container.origins.extend(site.of_containers());
        container.about.domain = site.domain.as_ref().map(|domain| domain.value.clone());
        container.about.was = site.was.as_ref().map(|was| was.value.clone());
        self.fill(draft, &mut container, "", parts, values, d);
        container.spec.health = parts.health.as_ref().and_then(|health| health.health(None));
        if container.spec.network_mode == NetworkMode::Own {
            // In its own network a provider's name is the provider's, also where the site is called so.
            let own = !values.units.contains_key(label);
            if own && container.spec.hostname.is_none() {
                container.spec.hostname = Some(names::fit(label, 63));
            }
            if self.networked {
                let aliases = own.then(|| label.clone());
                self.join(draft, &mut container, aliases.into_iter().collect());
            }
        }
        let mut taken: BTreeMap<(Protocol, u16), &str> = BTreeMap::new();
        for (name, def) in &parts.ports {
            let direct = container.spec.network_mode == NetworkMode::Host;
            let Some(port) = self.port("", name, def, direct, values, draft, d) else {
                continue;
            };
            if let Some(other) = taken.insert((port.protocol, port.container), name) {
                d.push(Diagnostic::error(
                    codes::BAD_PORT,
                    Some(def.at.clone()),
                    format!(
                        "the ports `{other}` and `{name}` are both {} in the container",
                        port.container
                    ),
                ));
                continue;
            }
            container.ports.push(port);
        }
        if container.spec.network_mode == NetworkMode::None {
            container.ports.clear();
        }
        self.finish(&mut container);
        container
    }

    fn was(&self, address: impl Fn(&str) -> String) -> Option<ResourceId> {
        let was = self.site.was.as_ref()?;
        Some(ResourceId::container(address(&was.value)))
    }

    fn container(
        &self,
        draft: &Draft,
        address: &str,
        role: Role,
        image: ImageChoice,
        at: &Place,
    ) -> Container {
        let mut origins = BTreeMap::new();
        origins.insert(String::new(), at.clone());
        let image_at = match &image {
            ImageChoice::Fixed { at, .. } | ImageChoice::Range { at, .. } => at.as_ref(),
        };
        origin(&mut origins, "image", image_at);
        Container {
            id: ResourceId::container(address),
            was: None,
            name: names::object(&draft.stack, address),
            at: at.clone(),
            spec: ContainerSpec::default(),
            image,
            ports: Vec::new(),
            needs: BTreeMap::new(),
            life: Lifecycle {
                protect: self.site.protect,
                new_data: self.site.new_data,
                ..Lifecycle::default()
            },
            about: About {
                role,
                product: String::new(),
                version: None,
                domain: None,
                display: Vec::new(),
                init_only: BTreeMap::new(),
                was: None,
                serves: None,
                job: false,
                renews_with: BTreeSet::new(),
                optional: BTreeSet::new(),
                platform: None,
            },
            origins,
            order_at: None,
            data: String::new(),
            files: Vec::new(),
            here: Vec::new(),
            taken: Vec::new(),
        }
    }

    fn join(&self, draft: &Draft, container: &mut Container, aliases: BTreeSet<String>) {
        if container.spec.network_mode == NetworkMode::Own {
            let network = names::object(&draft.stack, &self.site.label.value);
            let attachment = Attachment {
                aliases,
                ..Attachment::default()
            };
            container.spec.live.networks.insert(network, attachment);
        }
    }

    /// Variables, volumes and Docker's options.
    fn fill(
        &self,
        draft: &mut Draft,
        container: &mut Container,
        unit: &str,
        parts: &Parts,
        values: &mut Values<'_>,
        d: &mut Diagnostics,
    ) {
        // What is wrong with them was said when they were read.
        parts
            .docker
            .apply(&mut container.spec, &mut Diagnostics::new());
        parts.docker.check(&container.spec, &container.at, d);
        for (field, at) in parts.docker.origins() {
            origin(&mut container.origins, field, Some(at));
        }
        for (name, def) in &parts.env {
            let file = def.value.path(name).zip(def.value.file.as_ref());
            let text = match &file {
                Some((path, file)) => {
                    let content = values.content(unit, name, draft, d);
                    content.map(|content| {
                        delivery::deliver(container, path, file, content, def.at.as_ref(), d)
                    })
                }
                None => values.variable(unit, name, draft, d),
            };
            if let Some(text) = text {
                container.spec.env.insert(name.clone(), text);
                let at = def.at.as_ref().map(|at| values.origin(unit, name, at));
                origin(&mut container.origins, format!("env.{name}"), at.as_ref());
                if def.value.display {
                    container.about.display.push(name.clone());
                }
            }
        }
        let at = container.at.clone();
        let data = container.data.clone();
        for (n, volume) in parts.volumes.iter().enumerate() {
            let before = parts.volumes.iter().take(n);
            mounts::two_paths(volume, before, &container.id, d);
            mounts::mount(draft, container, &data, volume, &at, d);
        }
        delivery::apart_from_volumes(container, &at, d);
        if let Some(health) = &parts.health {
            origin(&mut container.origins, "health", Some(&health.at));
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn port(
        &self,
        unit: &str,
        name: &str,
        def: &PortDef,
        direct: bool,
        values: &mut Values<'_>,
        draft: &mut Draft,
        d: &mut Diagnostics,
    ) -> Option<Port> {
        if def.broken {
            return None;
        }
        let bad =
            |summary: String| Diagnostic::error(codes::BAD_PORT, Some(def.at.clone()), summary);
        let mut number = |number: &Option<Sp<Number>>, d: &mut Diagnostics| match number {
            None => Some(None),
            Some(Sp {
                value: Number::Auto,
                ..
            }) => Some(None),
            Some(Sp {
                value: Number::Fixed(port),
                ..
            }) => Some(Some(*port)),
            Some(Sp {
                value: Number::Of { from, key },
                at,
            }) => {
                let text = values.refer(unit, from, key, at.as_ref(), draft, d)?;
                let port = text
                    .as_plain()
                    .and_then(|text| text.trim().parse::<u16>().ok());
                if port.is_none_or(|port| port == 0) {
                    d.push(bad(format!(
                        "`{key}`, which the port `{name}` takes, is no port's number"
                    )));
                    return None;
                }
                Some(port)
            }
        };
        let container = number(&def.container, d)?;
        let host = number(&def.host, d)?;
        let proxy = number(&def.proxy, d)?;
        let Some(container) = container else {
            d.push(
                bad(format!("the port `{name}` has no `container`"))
                    .help("`container: NUMBER` is the port in the container"),
            );
            return None;
        };
        if name != "web" && def.host.is_none() && def.proxy.is_none() {
            d.push(
                bad(format!("the port `{name}` has neither `host` nor `proxy`"))
                    .label("only `web` is published by itself")
                    .help("`host: auto` publishes it on the next free port, `host: NUMBER` on that one"),
            );
            return None;
        }
        let host = match (host, name) {
            (Some(host), _) => Some(host),
            (None, "web") => None,
            // Until there is a proxy, the container itself listens where the proxy would.
            (None, _) if def.host.is_none() => proxy,
            (None, _) => None,
        };
        let bind = def
            .bind
            .or(self.site.bind)
            .unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        Some(Port {
            among: None,
            container,
            host: if direct { Some(container) } else { host },
            protocol: def.protocol.unwrap_or_default(),
            bind: if direct {
                IpAddr::V4(Ipv4Addr::UNSPECIFIED)
            } else {
                bind
            },
            at: def.at.clone(),
            direct,
        })
    }

    /// What follows from the rest.
    fn finish(&self, container: &mut Container) {
        container.keeps();
        container
            .spec
            .env
            .retain(|_, text| *text != Text::default() || text.as_plain().is_some());
    }
}
