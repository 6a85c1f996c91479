//! Small compose files, one for each thing to know, with what Compose and coasti make of it.
//!
//! `cases/*.txt` has them: `=== NAME`, the text of `compose.yml`, `--- PATH` before each further file, and after
//! `>>>` the outcome: `the same`, what each has to say where it refuses, and where they differ though both take it.
//! `COASTI_BLESS=1` writes the outcomes anew; each that is not `the same` has to be in docs/src/compose.md, or a
//! refusal of Compose's as well.

use super::{Peer, Project, compare, understood};
use crate::support::scratch::Scratch;
use std::{collections::BTreeMap, fmt::Write as _, fs, path::PathBuf};

struct Case {
    name: String,
    /// What stands before the outcome, word for word.
    text: String,
    project: Project,
    outcome: String,
}

fn read(text: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for part in text.split("=== ").skip(1) {
        let (text, outcome) = part.split_once(">>>").unwrap_or((part, ""));
        let (name, body) = text.split_once('\n').unwrap();
        let mut files = BTreeMap::new();
        let mut path = "compose.yml";
        for line in body.split_inclusive('\n') {
            if let Some(next) = line.strip_prefix("--- ") {
                path = next.trim();
            } else {
                *files.entry(path.to_owned()).or_insert_with(String::new) += line;
            }
        }
        cases.push(Case {
            name: name.to_owned(),
            text: text.to_owned(),
            project: Project(files),
            outcome: outcome.trim().to_owned(),
        });
    }
    cases
}

fn outcome(peer: &Peer, project: &Project) -> String {
    let found = compare(peer, project);
    match (found.peer, found.own) {
        (Ok(()), Ok(())) if found.differences.is_empty() => "the same".to_owned(),
        (Ok(()), Ok(())) => found.differences.join("\n"),
        (Ok(()), Err(error)) => format!("Compose takes it\n{error}"),
        (Err(_), Ok(())) => "Compose refuses it".to_owned(),
        (Err(_), Err(error)) => format!("both refuse it\n{error}"),
    }
}

/// What of the outcome needs no Compose.
fn alone(project: &Project) -> String {
    let place = Scratch::new();
    project.write(place.path());
    understood(place.path()).err().unwrap_or_default()
}

/// What is found of each, several at once: most of the time goes into waiting for Compose.
fn all<T: Sync, R: Send>(of: &[T], found: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let length = of.len().div_ceil(threads).max(1);
    let found = &found;
    std::thread::scope(|scope| {
        let parts: Vec<_> = of
            .chunks(length)
            .map(|part| scope.spawn(move || part.iter().map(found).collect::<Vec<_>>()))
            .collect();
        let parts = parts.into_iter().map(|part| part.join().unwrap());
        parts.flatten().collect()
    })
}

#[test]
fn each_case_comes_to_what_is_written() {
    let peer = Peer::find("what Compose makes of each case");
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/compose/cases");
    let bless = std::env::var_os("COASTI_BLESS").is_some();
    let mut wrong = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let cases = read(&text);
        let Some(peer) = &peer else {
            for (case, own) in cases.iter().zip(all(&cases, |case| alone(&case.project))) {
                let fine = own.lines().all(|line| case.outcome.contains(line));
                if !fine || (own.is_empty() && case.outcome.starts_with("both")) {
                    wrong.push(format!("{}: {own}", case.name));
                }
            }
            continue;
        };
        let mut written = text.split("=== ").next().unwrap().to_owned();
        for (case, found) in cases
            .iter()
            .zip(all(&cases, |case| outcome(peer, &case.project)))
        {
            if found != case.outcome {
                let (name, was) = (&case.name, &case.outcome);
                wrong.push(format!("{name}: {found}\n  (was: {was})"));
            }
            let _ = write!(written, "=== {}>>> {found}\n\n", case.text);
        }
        if bless {
            fs::write(&path, format!("{}\n", written.trim_end())).unwrap();
        }
    }
    assert!(bless || wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_examples_are_taken_as_compose_takes_them() {
    let Some(peer) = Peer::find("the examples beside Compose") else {
        return;
    };
    let folders = super::super::examples();
    let found = all(&folders, |folder| outcome(&peer, &Project::from(folder)));
    let mut wrong = Vec::new();
    for (folder, found) in folders.iter().zip(found) {
        // `format: raw` came with Compose 2.30.
        let raw = folder.ends_with("env-files") && found.starts_with("Compose refuses it");
        if found != "the same" && !raw {
            wrong.push(format!("{}: {found}", folder.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
