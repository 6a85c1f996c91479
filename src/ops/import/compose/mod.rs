//! `coasti import compose`: a compose file, and what it names, as a product of a stack.

mod running;
mod trial;

use super::Taken;
use super::found::{named, taken};
use super::yaml::Yaml;
use crate::base::{StackName, names};
use crate::build::Entry;
use crate::config::{self, codes};
use crate::diag::{Diagnostic, Diagnostics};
use crate::engine::Look;
use crate::ops::error::OpError;
use crate::ops::folder::Disk;
use crate::ops::root::Root;
use crate::template::Entry as File;
use running::Running;
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::{Path, PathBuf},
};
use trial::Trial;

/// What is imported, and as what.
#[derive(Clone, Debug, Default)]
pub struct Import {
    /// The compose file.
    pub file: PathBuf,
    /// The folder that becomes the product's; the file's own where none is said.
    pub root: Option<PathBuf>,
    /// The product's id; the folder's name where none is said.
    pub id: Option<String>,
    /// Files that are laid over it.
    pub files: Vec<PathBuf>,
    /// `.env` files.
    pub env_files: Vec<PathBuf>,
    /// Profiles whose services run.
    pub profiles: Vec<String>,
}

/// What an import did.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The product's id.
    pub id: String,
    /// Files that were copied, relative to the stack's folder.
    pub files: Vec<String>,
    /// What the services mount and was not copied: where it is to be, relative to the stack's folder, and where it is
    /// now, if it is.
    pub folders: BTreeMap<String, Option<PathBuf>>,
    /// What is worth knowing.
    pub notes: Vec<String>,
    /// Containers of the compose project that are on the engine, by service.
    pub running: BTreeMap<String, Taken>,
    /// The entry of the deploy file's `site` that runs it.
    pub site: String,
    /// Warnings.
    pub diagnostics: Diagnostics,
}

/// What lies over the files where their containers run already.
const OVER: &str = "compose.coasti.yml";

/// Copies a compose file and what it names into a product's folder. Nothing is written where the files are
/// not right; what cuts it off leaves no product.
///
/// # Errors
/// What is wrong with the files, all at once, or what cannot be written.
pub async fn import<L: Look>(
    stack: &Disk,
    import: &Import,
    engine: Result<&L, &OpError>,
) -> Result<Imported, OpError> {
    let wanted = Wanted::of(import)?;
    let product = format!("products/{}", wanted.id);
    let place = stack.root().join(&product);
    if place.symlink_metadata().is_ok() {
        return Err(OpError::usage(
            format!("{product} is there already"),
            &["`--id ID` gives the product another name"],
        ));
    }
    let info = wanted.info(None);
    let known = config::identity(stack).map(|known| known.name);
    let name = known.unwrap_or_else(|| StackName::new("stack"));
    let mut trial = Trial::new(&wanted.root, &name, &wanted.id, &[("info.yml", &info)]);
    let mut diagnostics = Diagnostics::new();
    let Some(mut desired) = config::read(&trial, &mut diagnostics) else {
        return Err(wanted.outside(&trial, diagnostics));
    };
    let mut own = vec![("info.yml", info)];
    let mut notes = Vec::new();
    let running = match engine {
        Ok(look) => running::look(look, &name, &wanted, &trial, &desired).await,
        Err(error) => Err(error.to_string()),
    };
    let running = match running {
        Ok(running) => running,
        Err(why) => {
            notes.push(format!(
                "no engine was looked at: where its containers run already, coasti would run its own beside them ({why})"
            ));
            Running::default()
        }
    };
    if !running.of.is_empty() {
        let delivered = |service: &str| desired.delivered(&format!("{}/{service}", wanted.id));
        let over = running.over(&wanted.root, &delivered);
        let text = over.as_ref().map(|_| wanted.info(Some(OVER)));
        own = vec![("info.yml", text.unwrap_or_else(|| wanted.info(None)))];
        own.extend(over.map(|text| (OVER, text)));
        let files: Vec<_> = own
            .iter()
            .map(|(path, text)| (*path, text.as_str()))
            .collect();
        trial = Trial::new(&wanted.root, &name, &wanted.id, &files);
        diagnostics = Diagnostics::new();
        desired = config::read(&trial, &mut diagnostics)
            .ok_or_else(|| OpError::Files(std::mem::take(&mut diagnostics)))?;
        notes.extend(running.notes());
    }
    let folders = match running.of.is_empty() {
        true => wanted.mounted(&desired, &trial, &mut notes),
        // They stay where they are.
        false => BTreeMap::new(),
    };
    let secret: BTreeSet<&str> = wanted.env_files.iter().map(String::as_str).collect();
    let files = write(stack, &wanted.id, &trial, &own, &secret)?;
    Ok(Imported {
        files,
        folders,
        notes,
        site: site(&wanted.id, &running),
        running: running
            .of
            .iter()
            .map(|(service, container)| (service.clone(), taken(container)))
            .collect(),
        id: wanted.id,
        diagnostics,
    })
}

/// The entry of `site` that runs it.
fn site(id: &str, running: &Running) -> String {
    let mut site = Yaml::map();
    site.set("label", Yaml::text(id));
    site.set("image", Yaml::text(id));
    if !running.of.is_empty() {
        let mut adopt = Yaml::map();
        for (service, container) in &running.of {
            adopt.set(service, named(container));
        }
        site.set("adopt", adopt);
    }
    Yaml::List(vec![site]).file()
}

/// What is imported, relative to the folder that becomes the product's.
struct Wanted {
    root: PathBuf,
    id: String,
    file: String,
    files: Vec<String>,
    env_files: Vec<String>,
    profiles: Vec<String>,
}

impl Wanted {
    fn of(import: &Import) -> Result<Self, OpError> {
        let absolute = |path: &Path| {
            let found = path.canonicalize();
            found.map_err(|error| OpError::usage(format!("{}: {error}", path.display()), &[]))
        };
        let file = absolute(&import.file)?;
        let root = match &import.root {
            Some(root) => absolute(root)?,
            None => file.parent().unwrap_or(Path::new("/")).to_owned(),
        };
        let inside = |path: &Path| -> Result<String, OpError> {
            let path = absolute(path)?;
            let inner = path.strip_prefix(&root).map_err(|_| {
                let what = format!("{} is not in {}", path.display(), root.display());
                OpError::usage(what, &["`--root DIR` names a folder that all of it is in"])
            })?;
            Ok(inner.to_string_lossy().into_owned())
        };
        let list = |paths: &[PathBuf]| -> Result<Vec<String>, OpError> {
            paths.iter().map(|path| inside(path)).collect()
        };
        let folder = root.file_name();
        let folder = folder.map(|name| name.to_string_lossy().into_owned());
        let said = import.id.as_ref().or(folder.as_ref());
        let id = names::sanitize(said.map(String::as_str).unwrap_or_default());
        if let Some(said) = import
            .id
            .as_ref()
            .filter(|said| !said.eq_ignore_ascii_case(&id))
        {
            let what = format!("`--id {said}` cannot be a product's id");
            let help = match id.as_str() {
                "" => "small letters, digits and `-`".to_owned(),
                id => format!("small letters, digits and `-`: --id {id}"),
            };
            return Err(OpError::usage(what, &[&help]));
        }
        if id.is_empty() {
            return Err(OpError::usage(
                "a product needs an id of letters and digits",
                &["`--id ID` gives it one"],
            ));
        }
        Ok(Self {
            file: inside(&import.file)?,
            files: list(&import.files)?,
            env_files: list(&import.env_files)?,
            profiles: import.profiles.clone(),
            root,
            id,
        })
    }

    /// The product's `info.yml`, with a file that lies over all others.
    fn info(&self, over: Option<&str>) -> String {
        let mut files = self.files.clone();
        files.extend(over.map(str::to_owned));
        let run = json!({
            "compose": self.file,
            "files": files,
            "env_file": self.env_files,
            "profiles": self.profiles,
        });
        let mut info = "version: 1\nrun:\n".to_owned();
        for (key, value) in run.as_object().into_iter().flatten() {
            if value.as_array().is_none_or(|all| !all.is_empty()) {
                let _ = writeln!(info, "  {key}: {value}");
            }
        }
        info
    }

    /// What services mount: files of the folder are taken along; the rest is told, with where it is now.
    fn mounted(
        &self,
        desired: &config::Desired,
        trial: &Trial,
        notes: &mut Vec<String>,
    ) -> BTreeMap<String, Option<PathBuf>> {
        let start = format!("{}/", self.root.display());
        let product = format!("products/{}/", self.id);
        let mut rest = BTreeMap::new();
        let mut above = false;
        for path in desired.directories() {
            let Some(path) = path.strip_prefix(&start) else {
                continue;
            };
            let Some(inner) = path.strip_prefix(&product) else {
                above = true;
                rest.insert(path.to_owned(), None);
                continue;
            };
            let real = self.root.join(inner);
            if !trial.take(inner) {
                rest.insert(path.to_owned(), real.exists().then_some(real));
            }
        }
        if above {
            notes.push(format!(
                "some of what is mounted is above {}: `--root DIR` names a folder that all of it is in",
                self.root.display()
            ));
        }
        rest
    }

    /// What is wrong with the files; where they name others above the folder, that one can be said.
    fn outside(&self, trial: &Trial, mut diagnostics: Diagnostics) -> OpError {
        let asked = trial.asked_outside();
        let up = |path: &String| path.split('/').take_while(|part| *part == "..").count();
        let above = asked.iter().map(up).max();
        let above = above.and_then(|up| self.root.ancestors().nth(up));
        if let Some(above) = above.filter(|above| *above != self.root) {
            let summary = format!(
                "{} names files that are not in {}: {}",
                self.file,
                self.root.display(),
                asked.join(", ")
            );
            let error = Diagnostic::error(codes::NO_FILE, None, summary);
            diagnostics.push(error.help(format!(
                "name a folder that all of it is in: --root {}",
                above.display()
            )));
        }
        OpError::Files(diagnostics)
    }
}

/// Writes a product's folder beside its place and gives it its name in the end. Tells the files.
fn write(
    stack: &Disk,
    id: &str,
    trial: &Trial,
    own: &[(&str, String)],
    secret: &BTreeSet<&str>,
) -> Result<Vec<String>, OpError> {
    let (product, new) = (
        format!("products/{id}"),
        format!("products/.{id}.coasti-new"),
    );
    let wrong = |why: String| OpError::usage(why, &["nothing was imported"]);
    let root = Root::open(stack.root()).map_err(wrong)?;
    // Of a run that was cut off.
    root.remove_folder(&new).map_err(wrong)?;
    let mut files = Vec::new();
    let mut fill = || -> Result<(), String> {
        root.make_folder(&new)?;
        for (path, real) in trial.seen() {
            root.copy(
                &format!("{new}/{path}"),
                &real,
                secret.contains(path.as_str()),
            )?;
            files.push(format!("{product}/{path}"));
        }
        for (path, entry) in trial.others() {
            let to = format!("{new}/{path}");
            match entry {
                Entry::Link { to: target } => {
                    root.write(&to, &File::Link(target))?;
                    files.push(format!("{product}/{path}"));
                }
                Entry::Folder { .. } => root.make_folder(&to)?,
                Entry::File { .. } => {}
            }
        }
        for (path, text) in own {
            let entry = File::File {
                bytes: text.clone().into_bytes(),
                executable: false,
            };
            root.write(&format!("{new}/{path}"), &entry)?;
            files.push(format!("{product}/{path}"));
        }
        root.rename(&new, &product)
    };
    if let Err(why) = fill() {
        let _ = root.remove_folder(&new);
        return Err(wrong(why));
    }
    Ok(files)
}
