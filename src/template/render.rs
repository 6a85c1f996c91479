//! A template's tree and its answers to a product's tree.

use super::answers::Answers;
use super::jinja::{Jinja, words};
use super::settings::Settings;
use super::tree::{Entry, Tree, check_path, join};
use super::{codes, yaml::to_yaml};
use crate::diag::{Diagnostic, Diagnostics, Place, Source};
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use serde_json::{Map, Value as Json, json};
use std::path::PathBuf;
use std::sync::Arc;

/// What the answers file calls the whole commit; Copier leaves alone what it does not know.
pub const COMMIT: &str = "_coasti_commit";

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// The first installation, or one anew.
    Copy,
    /// A later one.
    Update,
}

/// What a template can know of its surroundings.
#[derive(Clone, Debug)]
pub struct About {
    /// Where the template is from.
    pub source: String,
    /// The product's folder.
    pub folder: String,
    /// Its commit as `git describe` has it; none where it is not from git.
    pub commit: Option<String>,
    /// The whole commit.
    pub hash: Option<String>,
    /// The branch, tag or commit that was asked for.
    pub wanted: Option<String>,
    /// Where answers are kept.
    pub answers_file: String,
    /// What is done.
    pub operation: Operation,
}

impl About {
    /// What templates can refer to.
    pub fn context(&self) -> Map<String, Json> {
        let name = self.folder.rsplit('/').next().unwrap_or_default();
        let operation = match self.operation {
            Operation::Copy => "copy",
            Operation::Update => "update",
        };
        let mut context = Map::new();
        context.insert("_copier_operation".to_owned(), json!(operation));
        context.insert("_folder_name".to_owned(), json!(name));
        let conf = json!({
            "src_path": self.source, "dst_path": self.folder, "answers_file": self.answers_file,
            "os": "linux", "sep": "/", "vcs_ref": self.wanted, "vcs_ref_hash": self.commit,
            "overwrite": true, "quiet": false, "unsafe": false, "pretend": false,
        });
        context.insert("_copier_conf".to_owned(), conf);
        context
    }

    /// What the answers file keeps.
    pub fn answers(&self, answers: &Answers) -> Map<String, Json> {
        let mut kept = answers.kept.clone();
        if let Some(commit) = &self.commit {
            kept.insert("_commit".to_owned(), json!(commit));
        }
        // A tag can be moved, and what is trusted is a commit.
        if let Some(hash) = self.hash.as_ref().filter(|_| self.hash != self.commit) {
            kept.insert(COMMIT.to_owned(), json!(hash));
        }
        kept.insert("_src_path".to_owned(), json!(self.source));
        kept
    }

    /// All that a template's texts can refer to.
    pub(super) fn all(&self, answers: &Answers) -> Map<String, Json> {
        let mut context = self.context();
        context.extend(answers.values.clone());
        context.insert(
            "_copier_answers".to_owned(),
            Json::Object(self.answers(answers)),
        );
        context
    }
}

/// What a template makes.
#[derive(Debug, Default)]
pub struct Rendered {
    /// The product's files.
    pub tree: Tree,
    /// Those that are made once and never changed.
    pub once: Vec<String>,
    /// What to tell.
    pub message: Option<String>,
}

/// Renders a whole template.
pub fn render(
    tree: &Tree,
    settings: &Settings,
    jinja: &Jinja,
    about: &About,
    answers: &Answers,
    d: &mut Diagnostics,
) -> Option<Rendered> {
    let context = about.all(answers);
    let mut rendering = Rendering {
        jinja,
        context: &context,
        d,
    };
    let root = rendering.text("`_subdirectory`", &settings.subdirectory)?;
    let root = root.trim_matches('/').to_owned();
    if !root.is_empty() && check_path(&root).is_err() {
        rendering.refuse(&root, "the template's folder is not in its repository");
        return None;
    }
    let exclude = rendering.patterns(&settings.exclude)?;
    let skip = rendering.patterns(&settings.skip_if_exists)?;
    let mut rendered = Rendered::default();
    let mut found = false;
    for (path, entry) in tree.iter() {
        let inside = match root.is_empty() {
            true => Some(path),
            false => path
                .strip_prefix(&root)
                .and_then(|rest| rest.strip_prefix('/')),
        };
        let Some(inside) = inside else { continue };
        found = true;
        if jinja.gave_up() {
            break;
        }
        // A file that is there as a template as well is the template's.
        if !settings.suffix.is_empty() && tree.get(&format!("{path}{}", settings.suffix)).is_some()
        {
            continue;
        }
        let Some(target) = rendering.target(inside, settings) else {
            continue;
        };
        if let Err(why) = check_path(&target) {
            rendering.refuse(&target, why);
            continue;
        }
        if exclude
            .matched_path_or_any_parents(&target, false)
            .is_ignore()
        {
            continue;
        }
        let Some(entry) = rendering.entry(tree, path, entry, inside, settings, &target) else {
            continue;
        };
        // Of each file that follows, it would be the same.
        if let Err(why) = rendered.tree.room(&entry) {
            rendering.problem(codes::PATH, why);
            break;
        }
        if skip.matched_path_or_any_parents(&target, false).is_ignore() {
            rendered.once.push(target.clone());
        }
        if let Err(why) = rendered.tree.add(&target, entry) {
            rendering.problem(codes::PATH, why);
        }
    }
    if !found && !root.is_empty() {
        rendering.refuse(&root, "the template's repository does not have that folder");
    }
    // Without its answers, a product could never be updated.
    if rendered.tree.get(&about.answers_file).is_none() {
        let kept = to_yaml(&Json::Object(about.answers(answers)), 4);
        let text = format!(
            "# Answers to the product's questions. `coasti product update` reads and writes this.\n{kept}"
        );
        if let Err(why) = rendered.tree.add(
            &about.answers_file,
            Entry::File {
                bytes: text.into_bytes(),
                executable: false,
            },
        ) {
            rendering.problem(codes::PATH, why);
        }
    }
    let message = match about.operation {
        Operation::Copy => &settings.message_after_copy,
        Operation::Update => &settings.message_after_update,
    };
    if let Some(text) = message {
        rendered.message = rendering.text("the message", text);
    }
    for path in jinja.missing() {
        let summary = format!("the template reads `{path}` of the product, which is not there");
        let warning = Diagnostic::warning(codes::NO_DATA, None, summary);
        rendering.d.push(warning.help("it is taken for empty"));
    }
    (!rendering.d.has_errors()).then_some(rendered)
}

struct Rendering<'a> {
    jinja: &'a Jinja,
    context: &'a Map<String, Json>,
    d: &'a mut Diagnostics,
}

impl Rendering<'_> {
    fn problem(&mut self, code: &'static str, what: String) {
        self.d.push(Diagnostic::error(code, None, what));
    }

    fn refuse(&mut self, path: &str, why: &str) {
        self.problem(
            codes::PATH,
            format!(
                "the template wants to write `{}`: {why}",
                path.escape_debug()
            ),
        );
    }

    fn text(&mut self, what: &str, text: &str) -> Option<String> {
        match self.jinja.render(what, text, self.context) {
            Ok(text) => Some(text),
            Err(error) => {
                self.problem(
                    codes::RENDER,
                    format!(
                        "{what} of the template cannot be rendered: {}",
                        words(&error)
                    ),
                );
                None
            }
        }
    }

    fn patterns(&mut self, patterns: &[String]) -> Option<Gitignore> {
        let mut builder = GitignoreBuilder::new("");
        for pattern in patterns {
            let what = format!("the pattern `{}`", pattern.escape_debug());
            let pattern = self.text(&what, pattern)?;
            if let Err(error) = builder.add_line(None, &pattern) {
                self.problem(
                    codes::SETTING,
                    format!("`{pattern}` of the template is no pattern: {error}"),
                );
            }
        }
        match builder.build() {
            Ok(all) => Some(all),
            Err(_) => {
                let what = "the template's patterns are too many or too long".to_owned();
                self.problem(codes::SETTING, what);
                None
            }
        }
    }

    /// The name of what a file of the template becomes; none where it becomes nothing.
    fn target(&mut self, path: &str, settings: &Settings) -> Option<String> {
        let path = if settings.suffix.is_empty() {
            path
        } else {
            path.strip_suffix(&settings.suffix).unwrap_or(path)
        };
        let mut parts = Vec::new();
        for part in path.split('/') {
            let what = format!("the name of `{}`", path.escape_debug());
            let part = self.text(&what, part)?;
            // A part that renders to nothing leaves out what is below it.
            if part.is_empty() {
                return None;
            }
            parts.push(part);
        }
        Some(parts.join("/"))
    }

    fn entry(
        &mut self,
        tree: &Tree,
        path: &str,
        entry: &Entry,
        inside: &str,
        settings: &Settings,
        target: &str,
    ) -> Option<Entry> {
        let entry = match entry {
            Entry::Link(to) if settings.preserve_symlinks => {
                if join(target, to).is_none() {
                    self.refuse(
                        target,
                        "it is a link that leads out of the product's folder",
                    );
                    return None;
                }
                return Some(entry.clone());
            }
            Entry::Link(_) => match tree.follow(path) {
                Some(entry) => entry,
                None => {
                    self.refuse(target, "it is a link to no file of the template");
                    return None;
                }
            },
            entry => entry,
        };
        let Entry::File { bytes, executable } = entry else {
            return None;
        };
        let is_template = settings.suffix.is_empty() || inside.ends_with(&settings.suffix);
        if !is_template {
            return Some(entry.clone());
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            // Where every file is a template, those that are no text are none.
            if settings.suffix.is_empty() {
                return Some(entry.clone());
            }
            self.problem(
                codes::RENDER,
                format!("`{path}` of the template is not UTF-8 text"),
            );
            return None;
        };
        match self.jinja.render(path, text, self.context) {
            Ok(text) => Some(Entry::File {
                bytes: text.into_bytes(),
                executable: *executable,
            }),
            Err(error) => {
                let source = Arc::new(Source::new(path, PathBuf::from(path), text));
                let place = error.line().map(|line| {
                    let line = line.saturating_sub(1);
                    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
                    let end = text
                        .get(start..)
                        .and_then(|rest| rest.find('\n'))
                        .map_or(text.len(), |at| start + at);
                    Place::new(&source, start..end)
                });
                let Some(place) = place else {
                    let why = words(&error);
                    self.problem(
                        codes::RENDER,
                        format!("`{path}` of the template cannot be rendered: {why}"),
                    );
                    return None;
                };
                self.d.push(
                    Diagnostic::error(
                        codes::RENDER,
                        Some(place),
                        "a file of the template cannot be rendered",
                    )
                    .label(words(&error)),
                );
                None
            }
        }
    }
}
