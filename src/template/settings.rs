//! `copier.yml`: settings (keys with `_`) and questions (all others).

use super::codes;
use super::due::Stage;
use super::json;
use super::known;
use super::question::{self, Question};
use super::tree::Tree;
use crate::config::{Node, Value, parse};
use crate::diag::{Diagnostic, Diagnostics, Place, Source};
use pep440_rs::Version;
use serde_json::Value as Json;
use std::path::PathBuf;
use std::sync::Arc;

/// What a template says of itself.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What it asks, in order.
    pub questions: Vec<Question>,
    /// The folder of the repository that is the template; Jinja.
    pub subdirectory: String,
    /// The end of the names of files that are rendered.
    pub suffix: String,
    /// Patterns of files that are left out; Jinja.
    pub exclude: Vec<String>,
    /// Patterns of files that are made once and never changed; Jinja.
    pub skip_if_exists: Vec<String>,
    /// Where answers are kept; Jinja.
    pub answers_file: Option<String>,
    /// Files of the product that it refers to: what it calls them, and their paths there; Jinja.
    pub external: Vec<(String, String)>,
    /// How Jinja is written.
    pub envops: Envops,
    /// Commands that it wants to run.
    pub tasks: Vec<Task>,
    /// Commands that it wants to run between versions.
    pub migrations: Vec<Migration>,
    /// Whether links of the template stay links.
    pub preserve_symlinks: bool,
    /// What is told after the first installation; Jinja.
    pub message_after_copy: Option<String>,
    /// What is told after an update; Jinja.
    pub message_after_update: Option<String>,
}

/// How Jinja is written in a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envops {
    /// Around statements.
    pub block: (String, String),
    /// Around expressions.
    pub variable: (String, String),
    /// Around comments.
    pub comment: (String, String),
    /// Whether the line end after a statement goes.
    pub trim_blocks: bool,
    /// Whether the space before a statement goes.
    pub lstrip_blocks: bool,
    /// Whether a file keeps the line end at its end.
    pub keep_trailing_newline: bool,
    /// Whether an unknown variable is an error.
    pub strict: bool,
}

impl Default for Envops {
    fn default() -> Self {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        Self {
            block: pair("{%", "%}"),
            variable: pair("{{", "}}"),
            comment: pair("{#", "#}"),
            trim_blocks: false,
            lstrip_blocks: false,
            keep_trailing_newline: true,
            strict: false,
        }
    }
}

/// A command of a template.
#[derive(Clone, Debug)]
pub struct Task {
    /// What to run; Jinja.
    pub command: Command,
    /// Whether to; Jinja or a flag.
    pub when: Json,
    /// Where, relative to the product's folder; Jinja.
    pub folder: Option<String>,
    /// Where it stands.
    pub at: Place,
}

/// A command between versions.
#[derive(Clone, Debug)]
pub struct Migration {
    /// What to run, and whether to.
    pub task: Task,
    /// The version on whose way it is, as it stands there; none where it is on every one.
    pub version: Option<(String, Version)>,
    /// When it runs; none where `when` of the task tells.
    pub stage: Option<Stage>,
}

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A line for the shell.
    Shell(String),
    /// A program and its arguments.
    Program(Vec<String>),
}

/// What Copier leaves out where the template does not say.
const EXCLUDED: [&str; 8] = [
    "copier.yaml",
    "copier.yml",
    "~*",
    "*.py[co]",
    "__pycache__",
    ".git",
    ".DS_Store",
    ".svn",
];

/// Settings whose meaning is plain also without their underscore, which a real product forgot.
const MEANT: [&str; 7] = [
    "answers_file",
    "skip_if_exists",
    "exclude",
    "subdirectory",
    "templates_suffix",
    "tasks",
    "envops",
];

/// Reads a template's settings. A repository without them is a template that asks nothing.
pub fn read(tree: &Tree, d: &mut Diagnostics) -> Option<Settings> {
    let name = ["copier.yml", "copier.yaml"]
        .into_iter()
        .find(|name| tree.get(name).is_some());
    let mut reader = Reader::default();
    if let Some(name) = name {
        reader.file(tree, name, 0, d);
    }
    let settings = reader.settings(d);
    (!d.has_errors()).then_some(settings)
}

/// How many files a template's settings may be included from, and how many bytes these may have: files that include
/// each other are otherwise endless.
const MOST_INCLUDED: usize = 100;
const MOST_BYTES: usize = 4 << 20;

/// The keys of all documents and included files; the last of a name wins, as in Copier, in the first's place.
#[derive(Default)]
struct Reader {
    keys: Vec<(String, Place, Node)>,
    included: usize,
    bytes: usize,
}

impl Reader {
    fn file(&mut self, tree: &Tree, name: &str, depth: usize, d: &mut Diagnostics) {
        let source = |text: String| Arc::new(Source::new(name, PathBuf::from(name), text));
        let Some(text) = tree.text(name) else {
            d.push(Diagnostic::error(
                codes::SETTING,
                None,
                format!("`{name}` of the template is not a file of UTF-8 text"),
            ));
            return;
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (before, document) in documents(text) {
            let line = document
                .lines()
                .map(str::trim)
                .find(|line| !line.is_empty() && !line.starts_with('#'));
            let Some(line) = line else { continue };
            // Lines before it stay, empty, so that places in the document are places in the file.
            let padded = source("\n".repeat(before) + &document);
            if self.included > MOST_INCLUDED || self.bytes > MOST_BYTES {
                return;
            }
            if let Some(path) = line.strip_prefix("!include ") {
                let at = padded.text.find("!include").unwrap_or_default();
                let place = Place::new(&padded, at..at + line.len());
                self.include(tree, path.trim().trim_matches(['"', '\'']), place, depth, d);
                continue;
            }
            let Some(node) = parse(&padded, d) else {
                continue;
            };
            match node.value {
                Value::Map(entries) => {
                    for entry in entries {
                        match self.keys.iter_mut().find(|(key, ..)| *key == entry.key) {
                            Some(old) => *old = (entry.key, entry.key_at, entry.node),
                            None => self.keys.push((entry.key, entry.key_at, entry.node)),
                        }
                    }
                }
                Value::Null => {}
                _ => d.push(Diagnostic::error(
                    codes::SETTING,
                    Some(node.at),
                    format!("`{name}` is not a table of questions"),
                )),
            }
        }
    }

    fn include(&mut self, tree: &Tree, path: &str, at: Place, depth: usize, d: &mut Diagnostics) {
        let pattern = path.strip_prefix("./").unwrap_or(path);
        let mut wild = ignore::gitignore::GitignoreBuilder::new("");
        let names: Vec<String> = match wild
            .add_line(None, &format!("/{pattern}"))
            .and_then(|wild| wild.build())
        {
            Ok(wild) => tree
                .iter()
                .map(|(name, _)| name.to_owned())
                .filter(|name| wild.matched(name, false).is_ignore())
                .collect(),
            Err(_) => Vec::new(),
        };
        self.included += names.len();
        let bytes = names
            .iter()
            .filter_map(|name| tree.text(name))
            .map(str::len);
        self.bytes += bytes.sum::<usize>();
        let why = match names.is_empty() {
            true => Some("is not in the template"),
            false if depth >= 8 => Some("is included too deeply"),
            false if self.included > MOST_INCLUDED => Some("makes it more than 100 included files"),
            false if self.bytes > MOST_BYTES => Some("makes it more than 4 MB of included files"),
            false => None,
        };
        if let Some(why) = why {
            d.push(
                Diagnostic::error(codes::INCLUDE, Some(at), format!("`{path}` {why}"))
                    .label("included here"),
            );
            return;
        }
        for name in names {
            self.file(tree, &name, depth + 1, d);
        }
    }

    fn settings(self, d: &mut Diagnostics) -> Settings {
        let mut settings = Settings {
            questions: Vec::new(),
            subdirectory: String::new(),
            suffix: ".jinja".to_owned(),
            exclude: Vec::new(),
            skip_if_exists: Vec::new(),
            answers_file: None,
            external: Vec::new(),
            envops: Envops::default(),
            tasks: Vec::new(),
            migrations: Vec::new(),
            preserve_symlinks: false,
            message_after_copy: None,
            message_after_update: None,
        };
        let mut excluded = false;
        let mut secret = Vec::new();
        for (key, at, node) in self.keys {
            let mut name = key.as_str();
            match key.strip_prefix('_') {
                Some(own) => name = own,
                None if MEANT.contains(&name) && !matches!(node.value, Value::Map(_)) => d.push(
                    Diagnostic::warning(
                        codes::UNDERSCORE,
                        Some(at.clone()),
                        format!("`{key}` is read as `_{key}`"),
                    )
                    .label("without its underscore")
                    .help(format!("tell the product's authors to write `_{key}`")),
                ),
                None => {
                    settings
                        .questions
                        .extend(question::read(&key, &at, &node, d));
                    continue;
                }
            }
            match name {
                "subdirectory" => settings.subdirectory = text(&key, &node, d),
                "templates_suffix" => settings.suffix = text(&key, &node, d),
                "answers_file" => settings.answers_file = Some(text(&key, &node, d)),
                "exclude" => {
                    excluded = true;
                    settings.exclude = texts(&key, &node, d);
                }
                "skip_if_exists" => settings.skip_if_exists = texts(&key, &node, d),
                "secret_questions" => secret = texts(&key, &node, d),
                "message_after_copy" => settings.message_after_copy = Some(text(&key, &node, d)),
                "message_after_update" => {
                    settings.message_after_update = Some(text(&key, &node, d))
                }
                "preserve_symlinks" => {
                    settings.preserve_symlinks = matches!(node.value, Value::Bool(true))
                }
                "envops" => envops(&node, &mut settings.envops, d),
                "tasks" => tasks(&node, &mut settings.tasks, d),
                "migrations" => migrations(&node, &mut settings.migrations, d),
                "external_data" => external(&key, &node, &mut settings.external, d),
                "jinja_extensions" => extensions(&key, &node, d),
                "min_copier_version" => known::newer(&text(&key, &node, d), &node.at, d),
                name => known::check(name, at, d),
            }
        }
        for question in &mut settings.questions {
            question.secret |= secret.contains(&question.name);
        }
        if !excluded && settings.subdirectory.is_empty() {
            settings.exclude = EXCLUDED.iter().map(|&pattern| pattern.to_owned()).collect();
        }
        settings
    }
}

/// The documents of a file, each with the number of lines before it.
fn documents(text: &str) -> Vec<(usize, String)> {
    let mut found = vec![(0, String::new())];
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let bare = line.trim_end();
        if bare == "---" || bare.starts_with("--- ") {
            let rest = bare.strip_prefix("---").unwrap_or_default().trim();
            match rest.is_empty() {
                true => found.push((number + 1, String::new())),
                false => found.push((number, format!("{rest}\n"))),
            }
        } else if let Some((_, document)) = found.last_mut() {
            document.push_str(line);
        }
    }
    found
}

fn unsupported(key: &str, at: Place, what: &str, d: &mut Diagnostics) {
    d.push(
        Diagnostic::error(
            codes::UNSUPPORTED,
            Some(at),
            format!("`{key}`: coasti does not support {what}"),
        )
        .label("needed by the template"),
    );
}

fn text(key: &str, node: &Node, d: &mut Diagnostics) -> String {
    match node.value.scalar() {
        Some(text) => text,
        None if node.is_null() => String::new(),
        None => {
            d.push(
                Diagnostic::error(
                    codes::SETTING,
                    Some(node.at.clone()),
                    format!("`{key}` must be text"),
                )
                .label(format!("this is {}", node.value.kind())),
            );
            String::new()
        }
    }
}

fn texts(key: &str, node: &Node, d: &mut Diagnostics) -> Vec<String> {
    match &node.value {
        Value::Null => Vec::new(),
        Value::List(items) => items.iter().map(|item| text(key, item, d)).collect(),
        _ => vec![text(key, node, d)],
    }
}

fn flag(key: &str, node: &Node, d: &mut Diagnostics) -> bool {
    let Value::Bool(flag) = node.value else {
        d.push(Diagnostic::error(
            codes::SETTING,
            Some(node.at.clone()),
            format!("`{key}` must be true or false"),
        ));
        return false;
    };
    flag
}

fn envops(node: &Node, ops: &mut Envops, d: &mut Diagnostics) {
    let Value::Map(entries) = &node.value else {
        d.push(Diagnostic::error(
            codes::SETTING,
            Some(node.at.clone()),
            "`_envops` must be a table",
        ));
        return;
    };
    for entry in entries {
        let (key, node) = (entry.key.as_str(), &entry.node);
        match key {
            "block_start_string" => ops.block.0 = text(key, node, d),
            "block_end_string" => ops.block.1 = text(key, node, d),
            "variable_start_string" => ops.variable.0 = text(key, node, d),
            "variable_end_string" => ops.variable.1 = text(key, node, d),
            "comment_start_string" => ops.comment.0 = text(key, node, d),
            "comment_end_string" => ops.comment.1 = text(key, node, d),
            "trim_blocks" => ops.trim_blocks = flag(key, node, d),
            "lstrip_blocks" => ops.lstrip_blocks = flag(key, node, d),
            "keep_trailing_newline" => ops.keep_trailing_newline = flag(key, node, d),
            "undefined" => ops.strict = text(key, node, d) == "jinja2.StrictUndefined",
            // Escaping is never wanted where files are made.
            "autoescape" if matches!(node.value, Value::Bool(false)) => {}
            other => unsupported(
                &format!("_envops.{other}"),
                entry.key_at.clone(),
                "this option of Jinja",
                d,
            ),
        }
    }
}

/// Extensions whose filters and statements are here anyway.
const EXTENSIONS: [&str; 4] = [
    "jinja2_ansible_filters.AnsibleCoreFiltersExtension",
    "jinja2_ansible_filters.AnsibleCoreFilters",
    "jinja2.ext.loopcontrols",
    "jinja2.ext.do",
];

fn extensions(key: &str, node: &Node, d: &mut Diagnostics) {
    for name in texts(key, node, d) {
        if !EXTENSIONS.contains(&name.as_str()) {
            unsupported(key, node.at.clone(), &format!("the extension `{name}`"), d);
        }
    }
}

fn items(node: &Node) -> &[Node] {
    match &node.value {
        Value::Null => &[],
        Value::List(items) => items,
        _ => std::slice::from_ref(node),
    }
}

/// Says which keys of a table are none of these.
fn only(name: &str, node: &Node, keys: &[&str], d: &mut Diagnostics) {
    let Value::Map(entries) = &node.value else {
        return;
    };
    for entry in entries {
        if !keys.contains(&entry.key.as_str()) {
            let key = format!("{name}.{}", entry.key);
            unsupported(&key, entry.key_at.clone(), "this key", d);
        }
    }
}

fn external(key: &str, node: &Node, all: &mut Vec<(String, String)>, d: &mut Diagnostics) {
    let Value::Map(entries) = &node.value else {
        let summary = format!("`{key}` is not a table of paths in the product");
        return d.push(Diagnostic::error(
            codes::SETTING,
            Some(node.at.clone()),
            summary,
        ));
    };
    for entry in entries {
        let path = text(&format!("{key}.{}", entry.key), &entry.node, d);
        all.push((entry.key.clone(), path));
    }
}

fn tasks(node: &Node, tasks: &mut Vec<Task>, d: &mut Diagnostics) {
    for item in items(node) {
        only("_tasks", item, &["command", "when", "working_directory"], d);
        tasks.extend(task(item, d));
    }
}

/// A command, or a table with one.
fn task(item: &Node, d: &mut Diagnostics) -> Option<Task> {
    let (command, when, folder) = match &item.value {
        Value::Map(_) => {
            let folder = item.get("working_directory");
            (
                item.get("command"),
                item.get("when").map_or(Json::Bool(true), json),
                folder.map(|at| text("working_directory", at, d)),
            )
        }
        _ => (Some(item), Json::Bool(true), None),
    };
    let command = match command.map(|node| (&node.value, node)) {
        Some((Value::List(_), node)) => Command::Program(texts("command", node, d)),
        Some((Value::Text(line), _)) => Command::Shell(line.clone()),
        _ => {
            d.push(Diagnostic::error(
                codes::SETTING,
                Some(item.at.clone()),
                "a command is missing: text or a list of texts",
            ));
            return None;
        }
    };
    Some(Task {
        command,
        when,
        folder,
        at: item.at.clone(),
    })
}

fn migrations(node: &Node, all: &mut Vec<Migration>, d: &mut Diagnostics) {
    for item in items(node) {
        let version = match item.get("version") {
            None => None,
            Some(at) => {
                let said = text("version", at, d);
                match said.parse() {
                    Ok(version) => Some((said, version)),
                    Err(_) => {
                        let summary = format!("`{said}` is no version by PEP 440");
                        d.push(Diagnostic::error(
                            codes::SETTING,
                            Some(at.at.clone()),
                            summary,
                        ));
                        continue;
                    }
                }
            }
        };
        let stages = [("before", Stage::Before), ("after", Stage::After)];
        if stages.iter().all(|(key, _)| item.get(key).is_none()) {
            let keys = ["command", "when", "working_directory", "version"];
            only("_migrations", item, &keys, d);
            let stage = item.get("when").is_none().then_some(Stage::After);
            all.extend(task(item, d).map(|task| Migration {
                task,
                version,
                stage,
            }));
            continue;
        }
        // As Copier had it before.
        only("_migrations", item, &["version", "before", "after"], d);
        if version.is_none() {
            let summary = "a migration with `before` or `after` needs a `version`";
            d.push(Diagnostic::error(
                codes::SETTING,
                Some(item.at.clone()),
                summary,
            ));
        }
        for (key, stage) in stages {
            for command in item.get(key).map(items).unwrap_or_default() {
                all.extend(task(command, d).map(|task| Migration {
                    task,
                    version: version.clone(),
                    stage: Some(stage),
                }));
            }
        }
    }
}
