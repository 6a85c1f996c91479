//! Providers: what runs beside an app for it alone.

use super::Parts;
use crate::config::codes;
use crate::config::doc::{Node, Sp, Table};
use crate::diag::{Before, Diagnostic, Diagnostics, Place};
use std::collections::BTreeMap;

/// A provider as written, by a product or by a site.
#[derive(Clone, Debug)]
pub(in crate::config) struct ProviderDef {
    /// Where.
    pub at: Place,
    /// Its name: its address in the app's network.
    pub name: Sp<String>,
    /// The service that it runs.
    pub module: Option<Sp<String>>,
    /// The versions of it that serve.
    pub range: Option<Sp<String>>,
    /// `docker-image`, `volume`, …
    pub kind: Option<Sp<String>>,
    /// The image it runs, in place of the service's.
    pub image: Option<Sp<String>>,
    /// What it is made of.
    pub parts: Parts,
}

impl ProviderDef {
    /// Reads a list of providers; a name that stands twice is an error.
    pub(in crate::config) fn read_all(nodes: &[Node], d: &mut Diagnostics) -> Vec<ProviderDef> {
        let mut all: Vec<ProviderDef> = Vec::new();
        let mut seen: BTreeMap<String, Option<Place>> = BTreeMap::new();
        for node in nodes {
            let Some(provider) = ProviderDef::read(node, d) else {
                continue;
            };
            if let Some(first) = seen.get(&provider.name.value) {
                let error = Diagnostic::error(
                    codes::DUPLICATE_PROVIDER,
                    provider.name.at.clone(),
                    format!("two providers are called `{}`", provider.name.value),
                )
                .label("the second");
                d.push(match first {
                    Some(place) => error.related(place.clone(), "the first"),
                    None => error,
                });
                continue;
            }
            seen.insert(provider.name.value.clone(), provider.name.at.clone());
            all.push(provider);
        }
        all
    }

    fn read(node: &Node, d: &mut Diagnostics) -> Option<Self> {
        let mut table = Table::of(node, "a provider", d)?;
        let name = table.need_text("name", d);
        let module = table.text("module-name", d);
        let range = table.text("module-version", d);
        let kind = table.text("type", d);
        let own_image = table.any_text(&["image", "base-image"], d);
        let mut built = None;
        let build = table.take("build", d);
        if let Some(node) = build.filter(|node| super::build::builds(node)) {
            let summary = "the image of a provider is not built";
            let error = Diagnostic::error(codes::NOT_YET, Some(node.at.clone()), summary);
            d.push(
                error
                    .help("make it a service of a product that is a compose file: `run: {compose: …}`")
                    .help("or build it apart, and name it under `image`"),
            );
            // So that no missing image is said as well.
            built = Some(Sp::new("built/apart:1".to_owned(), &node.at));
        } else if let Some(mut build) = build.and_then(|node| Table::of(node, "build", d)) {
            built = build.text("base-image", d);
            build.accept(&[
                "license",
                "method",
                "builder",
                "project",
                "test",
                "packages",
                "build",
                "src-url",
                "git-url",
                "git-branch",
                "meta-packages",
                "pip-install",
                "before-build",
                "src-checksum",
            ]);
            build.finish(d);
        }
        table.flag("network", d);
        table.accept(&["connector", "run", "metadata"]);
        let parts = Parts::read(&mut table, d);
        super::check_backup(table.take("backup", d), d);
        table.finish(d);
        let name = name?;
        let safe = crate::base::names::sanitize(&name.value);
        if safe != name.value {
            let error = Diagnostic::error(
                codes::BAD_LABEL,
                name.at.clone(),
                format!("`{}` cannot be a provider's name", name.value),
            );
            d.push(error.help("`a-z`, `0-9`, `.`, `_` and `-`, the ends letters or digits"));
            return None;
        }
        Some(Self {
            at: node.at.clone(),
            name,
            module,
            range,
            kind,
            image: own_image.or(built),
            parts,
        })
    }

    /// What `over` says wins.
    pub(in crate::config) fn overlay(&mut self, over: &Self) {
        // A site that asks for another version does not want the product's image any more.
        if over.range.is_some() && over.image.is_none() && self.module.is_some() {
            self.image = None;
        }
        self.at = over.at.clone().over(Before::File(self.at.clone()));
        self.module = Sp::over(&over.module, self.module.take());
        self.range = Sp::over(&over.range, self.range.take());
        self.kind = over.kind.clone().or(self.kind.take());
        self.image = Sp::over(&over.image, self.image.take());
        self.parts.overlay(&over.parts);
    }
}
