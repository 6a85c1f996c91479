//! A provider as it will run: a service's presets with what product and site say on top.

use super::{ImageChoice, codes};
use crate::config::app::{EnvKind, Parts, ProviderDef, VolumeDef};
use crate::config::doc::Sp;
use crate::config::{Recipe, image};
use crate::diag::{Diagnostic, Diagnostics, did_you_mean};
use crate::model::IN_FILE;
use crate::services::{self, Preset, Range, Service, Version};
use std::collections::BTreeSet;

/// A provider with its presets.
pub(super) struct Provider {
    /// What was said of it.
    pub def: ProviderDef,
    /// The service that it runs, where it is known.
    pub service: Option<&'static dyn Service>,
    /// Everything of it, presets included.
    pub parts: Parts,
    /// What it runs; none for one whose volumes the app mounts.
    pub image: Option<ImageChoice>,
    /// Whether something was wrong with it, which was said.
    pub broken: bool,
}

/// Works out what a provider is.
pub(super) fn resolve(def: ProviderDef, d: &mut Diagnostics) -> Provider {
    let (module, image) = match known(&def, d) {
        Some(known) => known,
        None => (
            def.module
                .as_ref()
                .and_then(|module| services::find(&module.value)),
            Some(ImageChoice::none()),
        ),
    };
    let mut parts = module.map(presets).unwrap_or_default();
    parts.overlay(&def.parts);
    // What is said to be in a file is not given as well: images take one of the two.
    let names: BTreeSet<String> = parts.env.keys().cloned().collect();
    parts.env.retain(|name, def| {
        let is_preset = def.at.is_none();
        !(is_preset && names.contains(&format!("{name}{IN_FILE}")))
    });
    // An image that is a service's is treated as one, also where nobody says `module-name`.
    let service = module.or_else(|| match &image {
        Some(ImageChoice::Fixed { reference, .. }) => services::of_image(reference),
        _ => None,
    });
    let broken =
        matches!(&image, Some(ImageChoice::Fixed { reference, .. }) if reference.is_empty());
    Provider {
        def,
        service,
        parts,
        image,
        broken,
    }
}

type Known = (Option<&'static dyn Service>, Option<ImageChoice>);

/// The service and what it runs; none where that is nothing coasti can run, which was said.
fn known(def: &ProviderDef, d: &mut Diagnostics) -> Option<Known> {
    let name = &def.name.value;
    let kind = def.kind.as_ref().map(|kind| kind.value.as_str());
    if let Some(kind) = kind.filter(|kind| !matches!(*kind, "docker-image" | "volume")) {
        let at = def.kind.as_ref().and_then(|kind| kind.at.clone());
        let error = Diagnostic::error(
            codes::PROVIDER_KIND,
            at,
            format!("the provider `{name}` is of type `{kind}`"),
        );
        d.push(match kind {
            "app" => error.help("coasti runs no app inside of an app: make it a site of its own"),
            "local" => {
                error.help("coasti uses no server of the host: write `module-name: postgres`")
            }
            _ => error.help("`docker-image` and `volume` are possible"),
        });
        return None;
    }
    let module = match &def.module {
        None => None,
        Some(module) => match services::find(&module.value) {
            Some(service) => Some(service),
            None => {
                let error = Diagnostic::error(
                    codes::UNKNOWN_SERVICE,
                    module.at.clone(),
                    format!("unknown service `{}`", module.value),
                )
                .label("not one that coasti brings");
                let known: Vec<_> = services::names().map(|name| format!("`{name}`")).collect();
                d.push(match did_you_mean(&module.value, services::names()) {
                    Some(near) => error.help(format!("did you mean `{near}`?")),
                    None => error.help(format!("there are {}", known.join(", "))),
                });
                return None;
            }
        },
    };
    let range = range(def, d);
    if kind == Some("volume") || (module.is_some_and(Service::is_volume) && def.image.is_none()) {
        return Some((module, None));
    }
    let image = match (&def.image, module) {
        (Some(text), _) => {
            let reference = image::checked(text, d)?;
            check_tag(def, &reference, range.as_ref(), d);
            ImageChoice::Fixed {
                reference,
                archive: None,
                local: false,
                build: None,
                at: text.at.clone(),
            }
        }
        (None, Some(service)) => choose(def, service, range.as_ref(), d)?,
        (None, None) => {
            d.push(
                Diagnostic::error(
                    codes::MISSING,
                    Some(def.at.clone()),
                    format!("the provider `{name}` has neither `module-name` nor `image`"),
                )
                .help("`module-name: postgres`, or `image: REFERENCE`"),
            );
            return None;
        }
    };
    Some((module, Some(image)))
}

fn presets(service: &'static dyn Service) -> Parts {
    let mut parts = Parts::default();
    for (name, preset) in service.env() {
        let kind = match *preset {
            Preset::Text(text) => EnvKind::Text(text.to_owned()),
            Preset::Password(length) => EnvKind::Generated(Recipe::Password { length }.kept()),
            Preset::User => EnvKind::Generated(Recipe::User.kept()),
            Preset::Database => EnvKind::Generated(Recipe::Database.kept()),
            Preset::OfVolume(volume, key) => EnvKind::Of {
                from: volume.to_owned(),
                key: key.to_owned(),
            },
        };
        parts
            .env
            .insert((*name).to_owned(), Sp::preset(kind.plain()));
    }
    for (name, target) in service.volumes() {
        parts.volumes.push(VolumeDef::preset(name, target));
    }
    parts
}

fn range(def: &ProviderDef, d: &mut Diagnostics) -> Option<Range> {
    let text = def.range.as_ref()?;
    match Range::parse(&text.value) {
        Ok(range) => Some(range),
        Err(why) => {
            let summary = format!("`{}` is no range of versions: {why}", text.value);
            d.push(
                Diagnostic::error(codes::NO_VERSION, text.at.clone(), summary)
                    .help("such as `>=14, <15`, `==15.*` or `15`"),
            );
            None
        }
    }
}

fn check_tag(def: &ProviderDef, reference: &str, range: Option<&Range>, d: &mut Diagnostics) {
    let (Some(range), Some(version)) = (range, Version::of_image(reference)) else {
        return;
    };
    if !range.contains(&version) {
        let at = def.image.as_ref().and_then(|image| image.at.clone());
        let said = def.range.as_ref().map_or("", |range| range.value.as_str());
        let summary = format!("the image is version {version}, not in `{said}`");
        d.push(
            Diagnostic::warning(codes::VERSION_TAG, at, summary)
                .label("`image` wins over `module-version`"),
        );
    }
}

fn choose(
    def: &ProviderDef,
    service: &'static dyn Service,
    range: Option<&Range>,
    d: &mut Diagnostics,
) -> Option<ImageChoice> {
    if def.range.is_some() && range.is_none() {
        return None;
    }
    let mut candidates: Vec<(Version, &str, &str)> = service
        .versions()
        .iter()
        .filter_map(|(version, image)| Some((Version::parse(version)?, *version, *image)))
        .filter(|(version, ..)| range.is_none_or(|range| range.contains(version)))
        .collect();
    candidates.sort();
    if candidates.is_empty() {
        let said = def.range.as_ref();
        let known: Vec<_> = service
            .versions()
            .iter()
            .map(|(version, _)| *version)
            .collect();
        let summary = format!(
            "no {} that coasti knows is in `{}`",
            service.name(),
            said.map_or("", |said| said.value.as_str())
        );
        d.push(
            Diagnostic::error(
                codes::NO_VERSION,
                said.and_then(|said| said.at.clone()),
                summary,
            )
            .help(format!("there are {}", known.join(", ")))
            .help(format!(
                "for another one write `image: docker.io/library/{}:VERSION`",
                service.name()
            )),
        );
        return None;
    }
    Some(ImageChoice::Range {
        candidates: candidates
            .into_iter()
            .map(|(_, version, image)| (version.to_owned(), image.to_owned()))
            .collect(),
        range: def.range.as_ref().map(|range| range.value.clone()),
        at: def
            .range
            .as_ref()
            .or(def.module.as_ref())
            .and_then(|text| text.at.clone()),
    })
}
