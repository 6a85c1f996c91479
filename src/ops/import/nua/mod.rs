//! `coasti import nua`: deploy files of nua's, with the definitions of their apps, as a stack.

mod site;

use super::found::Running;
use super::metadata::{self, Definitions, Found, INSIDE};
use super::yaml::Yaml;
use super::{Draft, Made, Report, stack_name};
use crate::base::StackName;
use crate::config::{NuaSite, codes, nua_sites, plain};
use crate::diag::{Diagnostic, Diagnostics, Place, Source};
use crate::engine::Look;
use crate::ops::error::OpError;
use crate::ops::folder::MARK;
use crate::ops::init;
use crate::ops::temporary::Temporary;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is imported.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Deploy files.
    pub files: Vec<PathBuf>,
    /// The folder that is made.
    pub to: PathBuf,
    /// The stack's name; the folder's where none is said.
    pub stack: Option<String>,
    /// Folders with definitions of apps.
    pub apps: Vec<PathBuf>,
    /// Folders with archives of images.
    pub images: Vec<PathBuf>,
}

/// Makes a stack's folder. Nothing is written where something is wrong.
///
/// # Errors
/// What is wrong with the files, all at once.
pub async fn import<L: Look>(
    options: &Options,
    engine: Result<&L, &OpError>,
) -> Result<Report, OpError> {
    let mut d = Diagnostics::new();
    let files = read(options, &mut d);
    let folder = std::path::absolute(&options.to).unwrap_or_else(|_| options.to.clone());
    free(&folder)?;
    let folder_name = folder.file_name().unwrap_or_default().to_string_lossy();
    let stack = stack_name(options.stack.as_deref(), &folder_name)?;
    let mut notes = Vec::new();
    let running = match engine {
        Ok(look) => match Running::look(look, &stack).await {
            Ok(running) => Some(running),
            Err(error) => {
                notes.push(not_looked(&error.to_string()));
                None
            }
        },
        Err(error) => {
            notes.push(not_looked(&error.to_string()));
            None
        }
    };
    let mut import = Import {
        options,
        stack,
        definitions: Definitions::search(&options.folders()),
        files,
        running,
        notes,
        draft: Draft::new(&folder),
        alone: Vec::new(),
        networks: Vec::new(),
    };
    import.look_into_images(&mut d).await?;
    import.check(&mut d);
    if d.has_errors() {
        return Err(OpError::Files(once(&d)));
    }
    let sites = import.make().await?;
    let warnings = import.draft.check()?;
    let written = import.draft.write_fresh()?;
    Ok(import.report(folder, sites, written, warnings))
}

/// A file is read alone, and as a stack's: what is wrong with it is said once.
fn once(all: &Diagnostics) -> Diagnostics {
    let mut kept = Diagnostics::new();
    let mut seen = BTreeSet::new();
    for one in all.sorted() {
        let at = one
            .at
            .as_ref()
            .map(|at| (at.source.name.clone(), at.line_column()));
        if seen.insert((one.code, at, one.summary.clone())) {
            kept.push(one.clone());
        }
    }
    kept
}

fn not_looked(error: &str) -> String {
    format!(
        "no engine was looked at ({error}): what runs already is not taken over. With the engine in reach, import \
         into another folder"
    )
}

/// A stack's folder is never written over.
fn free(folder: &Path) -> Result<(), OpError> {
    let is_taken = match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    };
    if !is_taken {
        return Ok(());
    }
    let what = match crate::ops::folder::Disk::at(folder).is_stack() {
        true => format!("{} is a stack's folder already", folder.display()),
        false => format!("{} is there already", folder.display()),
    };
    Err(OpError::usage(
        what,
        &["`--to DIR` names one that is not there, or is empty"],
    ))
}

/// Reads the deploy files; a label stands in one of them only.
fn read(options: &Options, d: &mut Diagnostics) -> Vec<(Arc<Source>, Vec<NuaSite>)> {
    let mut files: Vec<(Arc<Source>, Vec<NuaSite>)> = Vec::new();
    for path in &options.files {
        let Some(source) = metadata::read(path, d) else {
            continue;
        };
        let known = [".json", ".toml", ".yaml", ".yml"];
        if !known.iter().any(|end| source.name.ends_with(end)) {
            let summary = format!("`{}` is no deploy file", source.name);
            d.push(
                Diagnostic::error(codes::SYNTAX, None, summary)
                    .help("its name ends with .json, .toml, .yaml or .yml"),
            );
            continue;
        }
        let sites = nua_sites(&source, d);
        let others = || files.iter().flat_map(|(_, sites)| sites);
        for site in &sites {
            let label = |site: &NuaSite| site.label_at.clone().unwrap_or_else(|| site.at.clone());
            let domain = |site: &NuaSite| site.domain_at.clone().unwrap_or_else(|| site.at.clone());
            if let Some(first) = others().find(|other| other.label == site.label) {
                let summary = format!("two sites have the label `{}`", site.label);
                let places = (label(first), label(site));
                d.push(twice(codes::DUPLICATE_LABEL, summary, places));
            } else if let Some(own) = &site.domain
                && let Some(first) = others().find(|other| other.domain.as_ref() == Some(own))
            {
                let summary = format!(
                    "`{own}` is the domain of `{}` and of `{}`",
                    first.label, site.label
                );
                let places = (domain(first), domain(site));
                d.push(twice(codes::DUPLICATE_DOMAIN, summary, places));
            }
        }
        files.push((source, sites));
    }
    files
}

fn twice(code: &'static str, summary: String, (first, second): (Place, Place)) -> Diagnostic {
    Diagnostic::error(code, Some(second), summary)
        .label("the second")
        .related(first, "the first")
}

impl Options {
    /// Where definitions are looked for.
    fn folders(&self) -> Vec<PathBuf> {
        if !self.apps.is_empty() {
            return self.apps.clone();
        }
        let mut folders: Vec<PathBuf> = Vec::new();
        for file in &self.files {
            let folder = match file.parent() {
                Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
                _ => PathBuf::from("."),
            };
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
        folders
    }
}

/// What is known meanwhile.
struct Import<'a, L> {
    options: &'a Options,
    stack: StackName,
    definitions: Definitions,
    files: Vec<(Arc<Source>, Vec<NuaSite>)>,
    running: Option<Running<'a, L>>,
    notes: Vec<String>,
    draft: Draft,
    /// Sites of which nothing runs.
    alone: Vec<String>,
    /// Networks of what is taken over.
    networks: Vec<String>,
}

impl<L: Look> Import<'_, L> {
    fn sites(&self) -> impl Iterator<Item = &NuaSite> {
        self.files.iter().flat_map(|(_, sites)| sites)
    }

    fn definition(&self, site: &NuaSite) -> Option<&Found> {
        self.definitions.of(&site.product, site.version.as_deref())
    }

    /// Reads definitions that no folder has out of containers, images and archives.
    async fn look_into_images(&mut self, d: &mut Diagnostics) -> Result<(), OpError> {
        let missing: Vec<NuaSite> = self.sites().cloned().collect();
        let mut told = BTreeSet::new();
        for site in missing {
            if self.definition(&site).is_some() {
                continue;
            }
            if let Some((place, text)) = self.inside(&site).await? {
                self.definitions.add_text(text, place);
            }
            if self.definition(&site).is_none()
                && told.insert((site.product.clone(), site.version.clone()))
            {
                d.push(self.unknown(&site));
            }
        }
        for (place, broken) in std::mem::take(&mut self.definitions.broken) {
            // One that is wanted may be among them.
            match d.has_errors() {
                true => d.extend(broken),
                false => self
                    .notes
                    .push(format!("{place} cannot be understood, and is not used")),
            }
        }
        Ok(())
    }

    /// The definition of a site's app, out of a container or an image of it, and where it was.
    async fn inside(&self, site: &NuaSite) -> Result<Option<(String, String)>, OpError> {
        if let Some(running) = &self.running
            && let Some(name) = self.app_container(site, None)
            && let Some(tar) = running.look.read(&name, INSIDE).await?
        {
            let text = metadata::of_layer(tar::Archive::new(tar.as_slice()));
            if let Ok(Some(text)) = text {
                return Ok(Some((format!("container {name}"), text)));
            }
        }
        for path in self.archives(&site.product, site.version.as_deref()) {
            if let Ok(Some(text)) = metadata::of_archive(&path) {
                return Ok(Some((path.display().to_string(), text)));
            }
        }
        self.inside_image(site).await
    }

    /// Likewise out of an image of the engine's.
    async fn inside_image(&self, site: &NuaSite) -> Result<Option<(String, String)>, OpError> {
        let Some(running) = &self.running else {
            return Ok(None);
        };
        let start = format!("nua-{}:", site.product);
        let tags = running.look.tags(start.trim_end_matches(':')).await?;
        let wanted = |tag: &str| {
            site.version.as_deref().is_none_or(|version| {
                tag == version || tag.split_once('-').is_some_and(|(own, _)| own == version)
            })
        };
        let mut found: Vec<_> = tags
            .iter()
            .filter_map(|reference| {
                let tag = reference.strip_prefix(&start).filter(|tag| wanted(tag))?;
                Some((crate::services::Version::parse(tag), reference))
            })
            .collect();
        found.sort();
        let Some((_, reference)) = found.pop() else {
            return Ok(None);
        };
        let folder = Temporary::new().map_err(|why| OpError::usage(why, &[]))?;
        let folder = folder.swept();
        let path = folder.path().join("image.tar");
        running.look.save(reference, &path).await?;
        let text = metadata::of_archive(&path).ok().flatten();
        Ok(text.map(|text| (format!("image {reference}"), text)))
    }

    /// Archives of a product's images, the newest first, as far as names tell.
    fn archives(&self, product: &str, version: Option<&str>) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for folder in &self.options.images {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            for path in entries.map(|entry| entry.path()) {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let Some((id, tag)) = name
                    .strip_suffix(".tar")
                    .filter(|name| name.starts_with("nua-"))
                    .and_then(|name| name.split_once(':'))
                else {
                    continue;
                };
                let wanted = version.is_none_or(|version| {
                    tag == version || tag.split_once('-').is_some_and(|(own, _)| own == version)
                });
                if plain(id) == product && wanted {
                    found.push((crate::services::Version::parse(tag), path));
                }
            }
        }
        found.sort();
        found.into_iter().rev().map(|(_, path)| path).collect()
    }

    fn unknown(&self, site: &NuaSite) -> Diagnostic {
        let versions = self.definitions.versions(&site.product);
        let summary = match &site.version {
            Some(version) if !versions.is_empty() => format!(
                "no definition of `{}` in version {version} was found",
                site.product
            ),
            _ => format!("no definition of `{}` was found", site.product),
        };
        let folders: Vec<_> = self
            .options
            .folders()
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let error = Diagnostic::error(codes::UNKNOWN_IMAGE, site.image_at.clone(), summary)
            .label("the nua-config that says how it runs")
            .help(format!("looked for below {}", folders.join(", ")));
        let error = match (versions.as_slice(), self.definitions.near(&site.product)) {
            ([], Some(near)) => error.help(format!("did you mean `{near}`?")),
            ([], None) => error,
            (versions, _) => error.help(format!("there are versions {}", versions.join(", "))),
        };
        error
            .help("`--apps DIR` names a folder that has it, in any folder below")
            .help("`--images DIR` names one with its image's archive (nua keeps them in /var/tmp)")
    }

    /// Reads each deploy file as one of a stack's, with its own name, so that all that is wrong has its place.
    fn check(&self, d: &mut Diagnostics) {
        for (source, sites) in &self.files {
            let mut trial = Draft::new(Path::new("/nonexistent"));
            let end = source.name.rsplit('.').next().unwrap_or("yml");
            trial.add_from(&format!("config/deploy.{end}"), source);
            let of_file: Vec<&Found> = self.of(sites.iter());
            self.products(&mut trial, &of_file);
            let Err(OpError::Files(own)) = trial.check() else {
                continue;
            };
            // Products that are not there were told already.
            let missing: Vec<_> = sites
                .iter()
                .filter(|site| self.definition(site).is_none())
                .filter_map(|site| site.image_at.as_ref().map(Place::line_column))
                .collect();
            for one in own.sorted() {
                let at = one.at.as_ref().map(Place::line_column);
                let told =
                    one.code == codes::UNKNOWN_IMAGE && at.is_some_and(|at| missing.contains(&at));
                if !told {
                    d.push(one.clone());
                }
            }
        }
    }

    /// The definitions of some sites, each once.
    fn of<'s>(&self, sites: impl Iterator<Item = &'s NuaSite>) -> Vec<&Found> {
        let mut found: Vec<&Found> = Vec::new();
        for one in sites.filter_map(|site| self.definition(site)) {
            if !found
                .iter()
                .any(|other| plain(&other.app.id) == plain(&one.app.id))
            {
                found.push(one);
            }
        }
        found
    }

    fn products(&self, draft: &mut Draft, all: &[&Found]) {
        let mut list = Vec::new();
        for found in all {
            let app = &found.app;
            let mut entry = Yaml::map();
            entry.set("id", Yaml::text(&app.id));
            for (key, value) in [("title", &app.title), ("version", &app.tag)] {
                if let Some(value) = value {
                    entry.set(key, Yaml::text(value));
                }
            }
            list.push(entry);
            let path = format!("products/{}/{}", app.id, found.name);
            draft.add_from(&path, &found.source);
        }
        let mut file = Yaml::map();
        file.set("version", Yaml::Raw("1".to_owned()));
        file.set("products", Yaml::List(list));
        draft.add_known(MARK, "products", &file.file());
    }

    /// Builds the folder.
    async fn make(&mut self) -> Result<Vec<Made>, OpError> {
        let sites: Vec<NuaSite> = self.sites().cloned().collect();
        let two: Vec<String> = self.two_versions(&sites);
        if let Some(first) = two.first() {
            return Err(OpError::usage(
                first,
                &["a product has one version in a stack: import the files into two"],
            ));
        }
        let mut list = Vec::new();
        let mut all = Vec::new();
        for site in &sites {
            let Some(found) = self.definition(site).cloned() else {
                continue;
            };
            let (entry, made) = self.site(site, &found).await?;
            list.push(entry);
            all.push(made);
        }
        let mut file = Yaml::map();
        file.set("version", Yaml::Raw("1".to_owned()));
        file.set("stack", Yaml::text(self.stack.as_str()));
        file.set("id", Yaml::text(init::new_id()?.as_str()));
        file.set("site", Yaml::List(list));
        self.draft
            .add_known("config/deploy.yml", "deploy", &file.file());
        let definitions: Vec<Found> = self.of(sites.iter()).into_iter().cloned().collect();
        let mut draft = std::mem::replace(&mut self.draft, Draft::new(Path::new("")));
        self.products(&mut draft, &definitions.iter().collect::<Vec<_>>());
        draft.add_surroundings();
        self.draft = draft;
        for found in &definitions {
            self.image(found).await?;
        }
        Ok(all)
    }

    /// Products of which two versions are asked for.
    fn two_versions(&self, sites: &[NuaSite]) -> Vec<String> {
        let mut seen: BTreeMap<&str, (&str, String)> = BTreeMap::new();
        let mut two = Vec::new();
        for site in sites {
            let Some(found) = self.definition(site) else {
                continue;
            };
            let place = found.place.clone();
            match seen.get(site.product.as_str()) {
                Some((first, other)) if *other != place => two.push(format!(
                    "`{first}` and `{}` run two versions of `{}` ({other} and {place})",
                    site.label, site.product
                )),
                _ => drop(seen.insert(&site.product, (&site.label, place))),
            }
        }
        two
    }

    /// Where the engine has no image that nua built, its archive is taken along.
    async fn image(&mut self, found: &Found) -> Result<(), OpError> {
        let app = &found.app;
        let (None, Some(tag)) = (&app.image, &app.tag) else {
            return Ok(());
        };
        let reference = format!("nua-{}:{tag}", plain(&app.id));
        let there = match &self.running {
            Some(running) => running.look.image(&reference).await?.is_some(),
            None => false,
        };
        if there {
            return Ok(());
        }
        match self.archives(&plain(&app.id), Some(tag)).first() {
            Some(path) => {
                let to = format!("products/{}/{reference}.tar", app.id);
                self.draft.copies.insert(to, path.clone());
            }
            None => self.notes.push(format!(
                "image {reference} is built by nua: it has to be on the engine, or its archive `{reference}.tar` in \
                 products/{}",
                app.id
            )),
        }
        Ok(())
    }

    fn report(
        self,
        folder: PathBuf,
        sites: Vec<Made>,
        written: Vec<String>,
        warnings: Diagnostics,
    ) -> Report {
        let mut notes = self.notes;
        if !self.alone.is_empty() {
            notes.push(format!(
                "nothing of {} runs on this engine: the first apply starts it without data",
                self.alone.join(", ")
            ));
        }
        let secrets = written
            .iter()
            .filter(|path| path.starts_with("config/secrets/"));
        match secrets.count() {
            0 => {}
            _ => notes.push(
                "passwords that stood in deploy files stand in config/secrets now, readable by you alone and not in git"
                    .to_owned(),
            ),
        }
        let takes = sites.iter().any(|site| !site.takes_over.is_empty());
        let shown = self.options.to.display();
        let mut next = vec![format!("cd {shown} && coasti plan")];
        if takes {
            notes.push(
                "generated passwords, users and names of databases are read from the containers that run, by the \
                 first apply: they stand in no file"
                    .to_owned(),
            );
            notes.push(
                "once it is applied, do not use nua-orchestrator for these sites any more, not even its `status`: it \
                 removes volumes that it takes for unused"
                    .to_owned(),
            );
            next.push("coasti apply".to_owned());
            if !self.networks.is_empty() {
                let all = self.networks.join(" ");
                notes.push(format!(
                    "networks of nua's stay, and nothing uses them after the first apply: docker network rm {all}"
                ));
            }
        }
        if sites.iter().any(|site| site.domain.is_some()) {
            notes.push(
                "nua's nginx and its certificates are left as they are; ports of sites that run stay the same, so \
                 that it goes on serving them"
                    .to_owned(),
            );
        }
        let comments = self.files.iter().any(|(source, _)| {
            source
                .text
                .lines()
                .any(|line| line.trim_start().starts_with('#'))
        });
        if comments {
            notes.push("comments of the deploy files are not taken over".to_owned());
        }
        let mut seen = BTreeSet::new();
        notes.retain(|note| seen.insert(note.clone()));
        Report {
            folder,
            stack: self.stack.to_string(),
            sites,
            written,
            notes,
            next,
            warnings,
        }
    }
}
