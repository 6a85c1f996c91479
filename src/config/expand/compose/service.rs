//! One service to a container.

use super::project::Names;
use super::variables::{Environment, Said};
use super::{files, text};
use crate::base::{EngineId, ResourceId, names};
use crate::config::compose::{
    Condition, MountFrom, Network, PortUse, Project, Pulled, Service, Str, VolumeUse,
};
use crate::config::deploy::Site;
use crate::config::doc::Sp;
use crate::config::expand::container::{origin, tag_of};
use crate::config::expand::{Container, Draft, ImageChoice, Port, Volume, build};
use crate::config::image::checked;
use crate::config::products::{Loaded, Product};
use crate::config::{Folder, codes, load_named, rules};
use crate::diag::{Diagnostic, Diagnostics, Place};
use crate::model::{
    About, Lifecycle, Mount, MountSource, Need, Restart, RestartName, Role, VolumeSpec,
};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};

/// What the services of a site share.
pub(super) struct Cx<'a> {
    /// The site.
    pub(super) site: &'a Site,
    /// Its product.
    pub(super) product: &'a Product,
    /// Where files are.
    pub(super) folder: &'a dyn Folder,
    /// The compose files.
    pub(super) project: &'a Project,
    /// Services that run to an end.
    pub(super) jobs: &'a BTreeSet<String>,
    /// All services.
    pub(super) services: &'a [Service],
}

impl Cx<'_> {
    /// The label under which data is kept.
    pub(super) fn data(&self) -> &str {
        let was = self.site.was.as_ref();
        was.map_or(&self.site.label.value, |was| &was.value)
    }

    /// The containers of a service.
    pub(super) fn ids(&self, name: &str) -> Vec<ResourceId> {
        let replicas = self.services.iter().find(|service| service.name == name);
        let replicas = replicas.map_or(0, |service| service.replicas);
        let label = &self.site.label.value;
        (1..=replicas)
            .map(|number| ResourceId::container(format!("{label}/{}", called(name, number))))
            .collect()
    }

    /// The container of a service.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn container(
        &self,
        draft: &mut Draft,
        service: &Service,
        number: u32,
        said: &Said,
        networks: &Names,
        volumes: &Names,
        d: &mut Diagnostics,
    ) -> Option<Container> {
        let label = &self.site.label.value;
        let own = called(&service.name, number);
        let address = format!("{label}/{own}");
        let image = self.image(draft, service, d)?;
        let job = self.jobs.contains(&service.name);
        let mut origins = BTreeMap::new();
        origins.insert(String::new(), service.at.clone());
        origins.extend(self.site.of_containers());
        for (field, at) in &service.origins {
            origin(&mut origins, field.clone(), Some(at));
        }
        let mut container = Container {
            id: ResourceId::container(&address),
            was: self
                .site
                .was
                .as_ref()
                .map(|was| ResourceId::container(format!("{}/{own}", was.value))),
            name: names::object(&draft.stack, &address),
            at: service.at.clone(),
            spec: service.spec.clone(),
            about: About {
                role: Role::App,
                product: self.product.id.value.clone(),
                version: tag_of(&image),
                domain: self.site.domain.as_ref().map(|domain| domain.value.clone()),
                display: Vec::new(),
                init_only: BTreeMap::new(),
                was: self.site.was.as_ref().map(|was| was.value.clone()),
                serves: None,
                job,
                renews_with: BTreeSet::new(),
                optional: BTreeSet::new(),
                platform: service.platform.clone(),
            },
            image,
            ports: Vec::new(),
            needs: BTreeMap::new(),
            life: Lifecycle {
                protect: self.site.protect,
                new_data: self.site.new_data,
                update: self.site.update.clone(),
                ..Lifecycle::default()
            },
            origins,
            order_at: self.site.order_at.clone(),
            data: format!("{}/{own}", self.data()),
            files: Vec::new(),
            here: Vec::new(),
            taken: Vec::new(),
        };
        self.texts(draft, &mut container, service, &said.env);
        for (name, (value, at)) in &said.labels {
            origin(&mut container.origins, format!("labels.{name}"), Some(at));
            container.spec.labels.insert(name.clone(), value.clone());
        }
        self.restart(&mut container, service, job, d);
        self.network(draft, &mut container, service, networks, d);
        for volume in &service.volumes {
            self.mount(draft, &mut container, volume, volumes, d);
        }
        self.taken(&mut container, service, d);
        self.joined(draft, &mut container, service, d);
        self.ports(draft, &mut container, service, d);
        files::add(self, draft, &mut container, service, d);
        self.needs(&mut container, service, job);
        for (key, summary, help) in rules::together(&container.spec) {
            let at = service.key_at(key).unwrap_or(&service.at);
            d.push(Diagnostic::error(codes::BAD_VALUE, Some(at.clone()), summary).help(help));
        }
        container.keeps();
        Some(container)
    }

    fn image(&self, draft: &Draft, service: &Service, d: &mut Diagnostics) -> Option<ImageChoice> {
        let what = &service.name;
        let pulled = service.pulled;
        let local = pulled == Pulled::Never && service.image.is_some();
        if let Some(build) = &service.build
            && pulled != Pulled::Instead
            && !local
        {
            let dir = build
                .context
                .at
                .as_ref()
                .and_then(|at| self.project.dir(at));
            let vars = self.project.vars_at(&build.at);
            let cx = build::Cx {
                folder: self.folder,
                dir: dir.map_or("", |dir| dir.folder.as_str()),
                name: format!("{}/{what}", self.product.id.value),
                image: service.image.as_ref(),
                outer: &|name| vars.and_then(|vars| vars.get(name)).cloned(),
            };
            return build::read(&cx, build, d).map(|built| built.choice(&draft.stack));
        }
        let Some(said) = &service.image else {
            let summary = format!("service `{what}` has neither `image` nor `build`");
            d.push(Diagnostic::error(
                codes::MISSING,
                Some(service.at.clone()),
                summary,
            ));
            return None;
        };
        // What another service builds has no tag that could move.
        let full = |image: &Sp<String>| crate::config::image::full(&image.value).ok();
        let known = |other: &&Service| {
            let image = other.build.as_ref().and(other.image.as_ref());
            image.is_some_and(|image| full(image) == full(said))
        };
        let reference = match self.services.iter().find(known).and_then(|_| full(said)) {
            Some(reference) => reference.text,
            None => checked(said, d)?,
        };
        Some(ImageChoice::Fixed {
            local: pulled == Pulled::Never,
            reference,
            archive: None,
            build: None,
            at: said.at.clone(),
        })
    }

    /// Commands, variables, the health check: what may hold secrets.
    fn texts(
        &self,
        draft: &mut Draft,
        container: &mut Container,
        service: &Service,
        env: &Environment,
    ) {
        let address = container.data.clone();
        let words = |draft: &mut Draft, field: &str, words: &[Str]| {
            let each = words.iter().enumerate();
            each.map(|(n, word)| text(draft, &address, &format!("{field}[{n}]"), word))
                .collect()
        };
        container.spec.command = service
            .command
            .as_ref()
            .map(|list| words(draft, "command", list));
        container.spec.entrypoint = service
            .entrypoint
            .as_ref()
            .map(|list| words(draft, "entrypoint", list));
        if let (Some(test), Some(health)) = (&service.test, &mut container.spec.health) {
            health.test = words(draft, "health", test);
        }
        for (name, (value, at)) in env {
            let value = text(draft, &address, name, value);
            container.spec.env.insert(name.clone(), value);
            origin(&mut container.origins, format!("env.{name}"), Some(at));
        }
    }

    /// A file that a compose file names at `at`, relative to it.
    pub(super) fn file(
        &self,
        path: &str,
        at: &Place,
        required: bool,
        d: &mut Diagnostics,
    ) -> Option<std::sync::Arc<crate::diag::Source>> {
        let base = self.project.dir(at).map_or("", |dir| dir.folder.as_str());
        let Some(joined) = names::join(base, path) else {
            d.push(
                Diagnostic::error(
                    codes::BAD_PATH,
                    Some(at.clone()),
                    format!("`{path}` is not in the stack's folder"),
                )
                .help("write it relative, and keep what the stack is made of in its folder"),
            );
            return None;
        };
        match load_named(self.folder, &joined, Some(at), d) {
            Loaded::Read(source) => Some(source),
            Loaded::Broken => None,
            Loaded::Missing => {
                if required {
                    let summary = format!("the file `{joined}` does not exist");
                    d.push(
                        Diagnostic::error(codes::NO_FILE, Some(at.clone()), summary)
                            .help("its path is relative to the compose file"),
                    );
                }
                None
            }
        }
    }

    fn restart(
        &self,
        container: &mut Container,
        service: &Service,
        job: bool,
        d: &mut Diagnostics,
    ) {
        let restart = &mut container.spec.live.restart;
        if job {
            *restart = Restart {
                name: RestartName::No,
                max_retries: 0,
            };
            if let Some((said, at)) = &service.restart
                && said.name != RestartName::No
            {
                let summary = format!("`restart` of the job `{}` has no effect", service.name);
                d.push(
                    Diagnostic::warning(codes::IGNORED, Some(at.clone()), summary)
                        .label("other services wait until it has ended"),
                );
            }
        } else if let Some((said, _)) = &service.restart {
            *restart = said.clone();
        }
    }

    fn mount(
        &self,
        draft: &mut Draft,
        container: &mut Container,
        volume: &VolumeUse,
        volumes: &Names,
        d: &mut Diagnostics,
    ) {
        let target = volume.target.clone();
        let source = match &volume.source {
            MountFrom::Tmpfs { size, mode } => MountSource::Tmpfs {
                size: *size,
                mode: *mode,
            },
            MountFrom::Named(name) => match volumes.get(name) {
                Some(name) if !name.is_empty() => MountSource::Volume(EngineId::new(name.clone())),
                _ => return,
            },
            MountFrom::Anonymous => {
                let plain = names::sanitize(&target.trim_matches('/').replace('/', "-"));
                let address = format!("{}/anon-{plain}", container.data);
                let name = names::object(&draft.stack, &address);
                let made = Volume {
                    name: name.clone(),
                    spec: VolumeSpec::default(),
                    at: volume.at.clone(),
                    what: format!("the volume at `{target}` of `{}`", container.id.address),
                };
                draft.volumes.insert(address, made);
                MountSource::Volume(EngineId::new(name))
            }
            MountFrom::Bind { path, create } => {
                let full = match path.starts_with('/') {
                    true => path.clone(),
                    false => {
                        container.here.push(volume.at.clone());
                        let base = self
                            .project
                            .dir(&volume.at)
                            .map_or("", |dir| dir.host.as_str());
                        let Some(joined) = names::join(base, path) else {
                            d.push(Diagnostic::error(
                                codes::BAD_VOLUME,
                                Some(volume.at.clone()),
                                format!("`{path}` leads out of the file system"),
                            ));
                            return;
                        };
                        format!("/{joined}")
                    }
                };
                let source = MountSource::directory(&full);
                // The form in which the engine makes what is missing divides by colons.
                if *create && !full.contains(':') && !target.contains(':') {
                    let path = source.data().map(str::to_owned);
                    container.spec.create.extend(path);
                }
                source
            }
        };
        let made = |path: &str| container.spec.create.contains(path);
        if volume.options.selinux.is_some() && !source.data().is_some_and(made) {
            let summary = format!("`{target}` cannot be labelled for SELinux (`z`, `Z`)");
            d.push(
                Diagnostic::error(codes::BAD_VOLUME, Some(volume.at.clone()), summary)
                    .label("the engine labels only folders that it may make, without `:` in a path")
                    .help("leave `create_host_path: false` out, or the label"),
            );
        }
        let mount = Mount {
            source,
            read_only: volume.read_only,
            options: volume.options,
        };
        let field = format!("mounts.{target}");
        origin(&mut container.origins, field, Some(&volume.at));
        container.spec.mounts.insert(target, mount);
    }

    fn ports(
        &self,
        draft: &Draft,
        container: &mut Container,
        service: &Service,
        d: &mut Diagnostics,
    ) {
        let direct = matches!(service.network, Network::Host);
        if let (Network::None | Network::Of(..), Some(port)) =
            (&service.network, service.ports.first())
        {
            let summary = format!(
                "`ports` of `{}`, which has no network of its own",
                service.name
            );
            let error = Diagnostic::error(codes::COMPOSE_KEY, Some(port.at.clone()), summary);
            d.push(error.help("publish them of the service whose network it uses"));
            return;
        }
        let why = match (direct, Cx::publishes(draft, container)) {
            (true, _) => Some("it uses the host's network, and listens there on ports of its own"),
            (_, false) => Some("it has a place of its own in the host's network, with all ports"),
            (false, true) => None,
        };
        if let (Some(label), Some(port)) = (why, service.ports.first()) {
            let shown = |port: &PortUse| match port.host {
                Some(host) => format!("`{host}:{}`", port.container),
                None => format!("`{}`", port.container),
            };
            let all: Vec<_> = service.ports.iter().take(5).map(shown).collect();
            let more = if service.ports.len() > 5 { ", …" } else { "" };
            let name = &service.name;
            let ports = all.join(", ");
            let summary = format!("`ports` of `{name}` publish nothing: {ports}{more}");
            d.push(
                Diagnostic::warning(codes::IGNORED, Some(port.at.clone()), summary).label(label),
            );
            if !direct {
                return;
            }
        }
        for port in &service.ports {
            // What the file says is what Compose takes it for: all addresses, unless it names one.
            let bind = port.bind.or(self.site.bind);
            container.ports.push(Port {
                container: port.container,
                host: if direct {
                    Some(port.container)
                } else {
                    port.host
                },
                among: port.among,
                protocol: port.protocol,
                bind: bind.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
                at: port.at.clone(),
                direct,
            });
        }
    }

    fn needs(&self, container: &mut Container, service: &Service, job: bool) {
        for need in &service.needs {
            let how = match need.condition {
                Condition::Started => Need::Started,
                Condition::Healthy => Need::Healthy,
                Condition::Completed => Need::Completed,
            };
            for id in self.ids(&need.service) {
                let known = container.needs.entry(id.clone()).or_insert(how);
                *known = (*known).max(how);
                if !need.required {
                    container.about.optional.insert(id.clone());
                }
                // A job runs again where what it works on is another.
                if job || need.restart {
                    container.about.renews_with.insert(id);
                }
            }
        }
    }
}

/// The name of one of a service's containers.
fn called(name: &str, number: u32) -> String {
    match number {
        0 | 1 => name.to_owned(),
        more => format!("{name}-{more}"),
    }
}
