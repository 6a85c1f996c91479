//! Commands that a template wants to run: its tasks, and its migrations from one version to another.

use super::answers::Answers;
use super::codes;
use super::jinja::{Jinja, words};
use super::question::truth;
use super::render::About;
use super::settings::{Command, Settings, Task};
use super::tree::check_path;
use crate::diag::{Diagnostic, Diagnostics};
use pep440_rs::Version;
use serde_json::{Map, Value as Json, json};

/// A command that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// What to run.
    pub command: Command,
    /// Where, relative to the product's folder.
    pub folder: Option<String>,
    /// Variables that it gets.
    pub variables: Vec<(String, String)>,
}

/// When a migration runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Before an update changes files.
    Before,
    /// After it did.
    After,
}

impl Stage {
    /// As templates have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }
}

/// The tasks that a template wants to run now.
pub fn due(
    settings: &Settings,
    jinja: &Jinja,
    about: &About,
    answers: &Answers,
    d: &mut Diagnostics,
) -> Vec<Due> {
    let context = about.all(answers);
    let tasks = settings.tasks.iter();
    tasks
        .filter_map(|task| one(task, jinja, context.clone(), &Map::new(), d))
        .collect()
}

/// The migrations of a stage on the way from one version, as `git describe` has it, to that of `about`. Between
/// versions that are none by PEP 440 there are none, as in Copier.
pub fn migrations(
    settings: &Settings,
    jinja: &Jinja,
    (about, from): (&About, &str),
    answers: &Answers,
    stage: Stage,
    d: &mut Diagnostics,
) -> Vec<Due> {
    let to = about.commit.as_deref().unwrap_or_default();
    let (Some(old), Some(new)) = (version(from), version(to)) else {
        return Vec::new();
    };
    if from == to {
        return Vec::new();
    }
    let mut told = Map::new();
    for (name, value) in [
        ("_stage", stage.word()),
        ("_version_from", from),
        ("_version_to", to),
        ("_version_pep440_from", &old.to_string()),
        ("_version_pep440_to", &new.to_string()),
    ] {
        told.insert(name.to_owned(), json!(value));
    }
    let mut all = Vec::new();
    for migration in &settings.migrations {
        if migration.stage.is_some_and(|only| only != stage) {
            continue;
        }
        let mut told = told.clone();
        if let Some((text, current)) = &migration.version {
            if !(new >= *current && *current > old) {
                continue;
            }
            told.insert("_version_current".to_owned(), json!(text));
            let current = current.to_string();
            told.insert("_version_pep440_current".to_owned(), json!(current));
        }
        let context = about.all(answers);
        all.extend(one(&migration.task, jinja, context, &told, d));
    }
    all
}

/// The version that `git describe` tells: a tag, or one with commits after it.
pub fn version(described: &str) -> Option<Version> {
    if let Ok(version) = described.parse() {
        return Some(version);
    }
    let (rest, _) = described.rsplit_once("-g")?;
    let (tag, after) = rest.rsplit_once('-')?;
    format!("{tag}.post{after}").parse().ok()
}

/// A command with its text filled in; none where it does not run now, or is wrong, which is said.
fn one(
    task: &Task,
    jinja: &Jinja,
    mut context: Map<String, Json>,
    told: &Map<String, Json>,
    d: &mut Diagnostics,
) -> Option<Due> {
    context.extend(told.clone());
    let mut render = |text: &str| match jinja.render(&task.at.source.name, text, &context) {
        Ok(text) => Some(text),
        Err(error) => {
            let at = Some(task.at.clone());
            let summary = "a command of the template cannot be rendered";
            d.push(Diagnostic::error(codes::RENDER, at, summary).label(words(&error)));
            None
        }
    };
    let wanted = match &task.when {
        Json::String(text) => render(text).is_some_and(|text| truth(&text)),
        Json::Bool(flag) => *flag,
        _ => true,
    };
    if !wanted {
        return None;
    }
    let command = match &task.command {
        Command::Shell(line) => render(line).map(Command::Shell),
        Command::Program(words) => {
            let words = words.iter().map(|word| render(word));
            words.collect::<Option<_>>().map(Command::Program)
        }
    };
    let folder = task.folder.as_deref().and_then(render);
    let folder = folder.filter(|folder| !folder.is_empty() && folder != ".");
    if let Some(folder) = &folder
        && let Err(why) = check_path(folder)
    {
        let summary = format!("a command wants to run in `{folder}`");
        let error = Diagnostic::error(codes::PATH, Some(task.at.clone()), summary);
        d.push(error.label(why));
    }
    let operation = context.get("_copier_operation");
    let operation = operation.map(|operation| ("_copier_operation".to_owned(), operation.clone()));
    let told = told.clone().into_iter().chain(operation);
    let variables = told.filter_map(|(name, value)| {
        let name = name.trim_start_matches('_').to_ascii_uppercase();
        Some((name, value.as_str()?.to_owned()))
    });
    Some(Due {
        command: command?,
        folder,
        variables: variables.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_describes_is_a_version() {
        for (text, wanted) in [
            ("v1.2.0", Some("1.2.0")),
            ("1.2.0rc1", Some("1.2.0rc1")),
            ("v1.2.0-3-gabc1234", Some("1.2.0.post3")),
            ("abc1234", None),
            ("nightly-2-gabc1234", None),
            ("", None),
        ] {
            let found = version(text).map(|version| version.to_string());
            assert_eq!(found.as_deref(), wanted, "{text}");
        }
        assert!(version("v1.2.0-3-gabc1234") > version("v1.2.0"));
    }
}
