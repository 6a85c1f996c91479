//! Other people's compose files, where they are at hand: what coasti reads of them is what Compose reads.

use super::{Peer, Project, compare};
use crate::support::inputs;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// All files below `folder` that have services.
fn composed(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            composed(&path, found);
        } else if name.contains("compose") && (name.ends_with(".yml") || name.ends_with(".yaml")) {
            found.push(path);
        }
    }
}

/// Values for what the files want to have one.
fn values(text: &str) -> String {
    let names = text.split("${").skip(1);
    let names = names.map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        &rest[..end.unwrap_or(rest.len())]
    });
    let names: BTreeSet<_> = names.collect();
    let value = |name: &str| match name.ends_with("PORT") {
        true => "8025".to_owned(),
        false => format!("of-{}", name.to_lowercase()),
    };
    names
        .into_iter()
        .map(|name| format!("{name}={}\n", value(name)))
        .collect()
}

#[test]
fn real_files_are_taken_as_compose_takes_them() {
    let test = "real compose files beside Compose";
    let (Some(peer), Some(root)) = (Peer::find(test), inputs()) else {
        return;
    };
    let mut files = Vec::new();
    composed(&root, &mut files);
    assert!(files.len() >= 3, "{files:?}");
    let mut wrong = Vec::new();
    let template = root.join("dtaas-services/config/services.env.template");
    let together = ["compose.services.yml", "compose.thingsboard.yml"];
    let text = |path: &Path| fs::read_to_string(path).unwrap();
    let mut projects: Vec<(String, Project)> = Vec::new();
    for file in &files {
        let env = match file.starts_with(root.join("dtaas-services")) {
            true => text(&template),
            false => values(&text(file)),
        };
        let all = [
            ("compose.yml", text(file)),
            ("config/.env", env),
            (
                "info.yml",
                "run: {compose: compose.yml, env_file: config/.env}\n".to_owned(),
            ),
        ];
        let all = all.map(|(path, text)| (path.to_owned(), text));
        projects.push((file.display().to_string(), Project(BTreeMap::from(all))));
    }
    let info = "run: {compose: compose.services.yml, files: [compose.thingsboard.yml], env_file: config/.env}\n";
    let mut all: BTreeMap<_, _> = together
        .map(|name| {
            (
                name.to_owned(),
                text(&root.join("dtaas-services").join(name)),
            )
        })
        .into();
    all.insert("config/.env".to_owned(), text(&template));
    all.insert("info.yml".to_owned(), info.to_owned());
    projects.push(("both of dtaas-services".to_owned(), Project(all)));
    for (name, project) in projects {
        let found = compare(&peer, &project);
        match (&found.peer, &found.own) {
            (Ok(()), Ok(())) if found.differences.is_empty() => {}
            (Ok(()), Ok(())) => wrong.push(format!("{name}: {}", found.differences.join("\n"))),
            (peer, own) => wrong.push(format!("{name}: Compose: {peer:?}, coasti: {own:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
