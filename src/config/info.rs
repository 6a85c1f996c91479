//! `info.yml` (or `coasti.yml`): what a product says of itself, and how it runs.

use super::app::App;
use super::doc::{Node, Sp, Table, Value, parse};
use super::products::Loaded;
use super::{Folder, codes, load};
use crate::base::names;
use crate::diag::{Diagnostic, Diagnostics, Place, did_you_mean};

/// A product's own file; the first that has something to say of a key is heard.
const NAMES: &[&str] = &["info.yml", "coasti.yml", "info.yaml", "coasti.yaml"];

/// What a product says of itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Info {
    /// Its id, as its authors have it.
    pub id: Option<Sp<String>>,
    /// Its version.
    pub version: Option<String>,
    /// How it runs: one container with its providers.
    pub app: Option<App>,
    /// How it runs: a compose file.
    pub run: Option<Compose>,
    /// How it is run by hand.
    pub entry: Option<Sp<String>>,
}

/// How a product is run by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryPoint {
    /// The program and its arguments; at least one word.
    pub words: Vec<String>,
    /// The file and line that says so.
    pub from: String,
}

/// How the product in a folder is run by hand; none where it does not say.
pub fn entry_point(folder: &dyn Folder, path: &str, d: &mut Diagnostics) -> Option<EntryPoint> {
    let entry = Info::read(folder, path, d).entry?;
    let from = entry.at.as_ref().map(|at| {
        let (line, _) = at.line_column();
        format!("{}:{line}", at.source.name)
    });
    let words = crate::base::words::split(&entry.value);
    let Some(words) = words.filter(|words| !words.is_empty()) else {
        let why = match entry.value.trim().is_empty() {
            true => "`entrypoint` is empty",
            false => "a quote of `entrypoint` is not closed",
        };
        d.push(Diagnostic::error(codes::BAD_VALUE, entry.at, why));
        return None;
    };
    Some(EntryPoint {
        words,
        from: from.unwrap_or_default(),
    })
}

/// A product that is a compose file. Paths are relative to the stack's folder.
#[derive(Clone, Debug)]
pub(super) struct Compose {
    /// Where that is said.
    pub at: Place,
    /// The compose file.
    pub file: Sp<String>,
    /// Files that are laid over it, in order.
    pub overrides: Vec<Sp<String>>,
    /// Files with variables for its interpolation, in order.
    pub env_files: Vec<Sp<String>>,
    /// Profiles that are on.
    pub profiles: Vec<Sp<String>>,
}

impl Info {
    /// Reads what stands in a product's folder.
    pub(super) fn read(folder: &dyn Folder, path: &str, d: &mut Diagnostics) -> Self {
        let mut info = Self::default();
        for name in NAMES {
            if let Loaded::Read(source) = load(folder, &format!("{path}/{name}"), d)
                && let Some(root) = parse(&source, d)
            {
                info.add(&root, path, d);
            }
        }
        if info.app.is_some() || info.run.is_some() {
            return info;
        }
        for place in ["", "nua/", "nua/metadata/"] {
            for end in ["json", "toml", "yaml", "yml"] {
                let file = format!("{path}/{place}nua-config.{end}");
                if let Loaded::Read(source) = load(folder, &file, d) {
                    info.app = parse(&source, d).and_then(|root| App::read(&root, "", d));
                    return info;
                }
            }
        }
        info
    }

    fn add(&mut self, root: &Node, path: &str, d: &mut Diagnostics) {
        let Some(mut table) = Table::of(root, "", d) else {
            return;
        };
        // The installer's files have the product's version there (`1.2.0`), and none of the file's.
        let own = matches!(
            table.peek("version").map(|node| &node.value),
            Some(Value::Int(..))
        );
        let mut version = None;
        let current = if own {
            super::check_version(&mut table, d) > 0
        } else {
            version = table.text("version", d);
            false
        };
        let id = table.text("id", d);
        let version = table.text("product-version", d).or(version);
        for key in ["id-shorthand", "name", "description"] {
            table.text(key, d);
        }
        let entry = table.text("entrypoint", d);
        let app = table.take("app", d);
        let run = table.take("run", d);
        // One way in all files together.
        let app_before = self.app.as_ref().map(|app| &app.at);
        let before = app_before.or(self.run.as_ref().map(|run| &run.at));
        let beside = before.or(run.map(|run| &run.at));
        for (node, first) in [(app, beside), (run, before)] {
            if let (Some(node), Some(first)) = (node, first) {
                d.push(
                    Diagnostic::error(
                        codes::TWO_WAYS,
                        Some(node.at.clone()),
                        "the product says twice how it runs",
                    )
                    .related(first.clone(), "the other")
                    .help("keep one of them"),
                );
            }
        }
        self.id = self.id.take().or(id);
        self.version = self.version.take().or(version.map(|text| text.value));
        self.entry = self.entry.take().or(entry);
        if let Some(node) = app
            && self.app.is_none()
        {
            self.app = App::read(node, "`app`", d);
        }
        if let Some(node) = run
            && self.run.is_none()
        {
            self.run = Compose::read(node, path, d);
        }
        if current {
            table.finish(d);
            return;
        }
        // Files of the installer's are not coasti's to say what may stand in them.
        for (entry, known) in table.unknown() {
            let summary = format!("unknown key `{}`", entry.key);
            let warning =
                Diagnostic::warning(codes::FOREIGN_KEY, Some(entry.key_at.clone()), summary)
                    .label("not read");
            d.push(match did_you_mean(&entry.key, known.iter().copied()) {
                Some(near) => warning.help(format!("did you mean `{near}`?")),
                None => warning,
            });
        }
    }
}

impl Compose {
    /// Reads `run` of a product whose folder is `base`.
    pub(super) fn read(node: &Node, base: &str, d: &mut Diagnostics) -> Option<Self> {
        let mut table = Table::of(node, "`run`", d)?;
        let file = table.need_text("compose", d);
        let overrides = table.texts("files", d);
        let env_files = table.texts("env-file", d);
        let profiles = table.texts("profiles", d);
        let at = table.at.clone();
        table.finish(d);
        let mut all = |paths: Vec<Sp<String>>| -> Vec<Sp<String>> {
            let paths = paths.into_iter();
            paths.filter_map(|path| below(base, path, d)).collect()
        };
        let (overrides, env_files) = (all(overrides), all(env_files));
        let file = below(base, file?, d)?;
        Some(Self {
            at,
            file,
            overrides,
            env_files,
            profiles,
        })
    }

    /// Says which of its files are not there, and which names no profile can have.
    pub(super) fn check(&self, folder: &dyn Folder, d: &mut Diagnostics) {
        let files = std::iter::once(&self.file).chain(&self.overrides);
        for path in files.chain(&self.env_files) {
            if !folder.exists(&path.value) {
                let summary = format!("`{}` is missing", path.value);
                d.push(Diagnostic::error(codes::NO_FILE, path.at.clone(), summary));
            }
        }
        let fine = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        for profile in &self.profiles {
            let name = &profile.value;
            let all = name == "*";
            if !all
                && (name.is_empty() || name.starts_with(['_', '.', '-']) || !name.chars().all(fine))
            {
                let summary = format!("`{name}` is no profile");
                d.push(
                    Diagnostic::error(codes::BAD_VALUE, profile.at.clone(), summary)
                        .help("letters, digits, `_`, `.` and `-`, the first a letter or digit"),
                );
            }
        }
    }
}

/// A path that is written relative to a product's folder, relative to the stack's.
fn below(base: &str, path: Sp<String>, d: &mut Diagnostics) -> Option<Sp<String>> {
    let joined = (!path.value.starts_with('/'))
        .then(|| names::path(&format!("{base}/{}", path.value)))
        .flatten();
    let Some(value) = joined else {
        let summary = format!("`{}` is not in the stack's folder", path.value);
        d.push(
            Diagnostic::error(codes::BAD_PATH, path.at, summary)
                .help("paths of `run` are relative to the product's folder"),
        );
        return None;
    };
    Some(Sp { value, at: path.at })
}
