//! The rules of the code's structure, read off its text: who imports whom, what stays pure, what is too long.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// Folders of `src/` by layer; each imports only those above it.
const LAYERS: [&[&str]; 11] = [
    &["base", "diag"],
    &["model"],
    &["build", "graph", "observe", "services"],
    &["config"],
    &["diff", "template"],
    &["plan"],
    &["engine"],
    &["store"],
    &["exec"],
    &["ops"],
    &["cli"],
];

/// Layers up to this one do no IO, ask no clock and throw no dice.
const LAST_PURE: usize = 5;

/// What pure layers do without.
const IMPURE: [&str; 13] = [
    "tokio",
    "std::fs",
    "std::env",
    "std::process",
    "std::thread",
    "std::net::Tcp",
    "std::net::Udp",
    "std::os::unix::net",
    "SystemTime",
    "Instant::now",
    "rand::",
    "getrandom",
    "bollard",
];

/// The longest file; tests may be longer.
const MOST_LINES: usize = 600;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files below a folder of the package, sorted, with their path from the package's root.
fn files(folder: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), &mut found);
    found.sort();
    let named = found.into_iter().map(|path| {
        let name = path.strip_prefix(root()).unwrap().to_str().unwrap();
        (name.to_owned(), fs::read_to_string(&path).unwrap())
    });
    named.collect()
}

/// A file's code: comments blank, tests blank, line numbers kept. Modules that are whole files for tests
/// only are added to `for_tests`.
fn code(name: &str, text: &str, for_tests: &mut BTreeSet<String>) -> Vec<String> {
    let mut lines = Vec::new();
    let (mut marked, mut inside) = (false, false);
    for line in text.lines() {
        let bare = line.split("//").next().unwrap_or("").to_owned();
        let trimmed = bare.trim();
        if inside {
            // A test module at the outermost level ends with a brace in the first column.
            inside = !line.starts_with('}');
            lines.push(String::new());
        } else if trimmed.starts_with("#[cfg(test)]") || (marked && trimmed.starts_with("#[")) {
            marked = true;
            lines.push(String::new());
        } else if marked {
            marked = false;
            if let Some(module) = trimmed
                .strip_suffix(';')
                .and_then(|item| item.rsplit_once("mod "))
                .map(|(_, module)| module)
            {
                for_tests.insert(format!("{}/{module}", home(name)));
            } else {
                inside = trimmed.ends_with('{') && !line.starts_with(' ');
            }
            lines.push(String::new());
        } else {
            lines.push(bare);
        }
    }
    lines
}

/// The folder in which a file's modules are.
fn home(name: &str) -> String {
    let (folder, file) = name.rsplit_once('/').unwrap();
    match file {
        "mod.rs" | "lib.rs" | "main.rs" => folder.to_owned(),
        file => format!("{folder}/{}", file.trim_end_matches(".rs")),
    }
}

/// Every path that a file imports or names, in full, with its line: `use a::{b, c::d}` names two.
fn paths(lines: &[String]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut number = 0;
    while number < lines.len() {
        let first = number;
        let line = lines[number].trim_start();
        let is_use = ["use ", "pub use ", "pub(crate) use ", "pub(super) use "]
            .iter()
            .find_map(|start| line.strip_prefix(start));
        let Some(rest) = is_use else {
            for word in lines[number].split(|c: char| !(c.is_alphanumeric() || "_:!".contains(c))) {
                if word.contains("::") || word.ends_with('!') {
                    found.push((first + 1, word.to_owned()));
                }
            }
            number += 1;
            continue;
        };
        let mut tree = rest.to_owned();
        while !tree.contains(';') && number + 1 < lines.len() {
            number += 1;
            tree.push_str(&lines[number]);
        }
        let tree: String = tree
            .split(';')
            .next()
            .unwrap()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        expand("", &tree, &mut |path| found.push((first + 1, path)));
        number += 1;
    }
    found
}

/// The single paths of a `use` tree.
fn expand(prefix: &str, tree: &str, each: &mut dyn FnMut(String)) {
    let (mut depth, mut start) = (0, 0);
    let mut parts = Vec::new();
    for (at, c) in tree.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&tree[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&tree[start..]);
    for part in parts
        .iter()
        .map(|part| part.trim())
        .filter(|part| !part.is_empty())
    {
        match part.split_once('{') {
            Some((before, rest)) => {
                let inner = rest.rsplit_once('}').map_or(rest, |(inner, _)| inner);
                expand(&format!("{prefix}{before}"), inner, each);
            }
            None => each(format!("{prefix}{part}")),
        }
    }
}

fn layer(folder: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&folder))
}

/// The folder of `src/` that a file is in; none for `lib.rs` and `main.rs`.
fn folder(name: &str) -> Option<&str> {
    let (folder, _) = name.strip_prefix("src/")?.split_once('/')?;
    Some(folder)
}

/// Why a path may not stand in a file of that folder.
fn objection(folder: &str, file: &str, path: &str) -> Option<String> {
    let own = layer(folder)?;
    if let Some(other) = path
        .strip_prefix("crate::")
        .and_then(|rest| rest.split("::").next())
        .filter(|other| *other != folder)
        && let Some(number) = layer(other)
        && number >= own
    {
        return Some(format!(
            "`{folder}` (layer {own}) must not use `{other}` (layer {number}): {path}"
        ));
    }
    if own <= LAST_PURE {
        let hit = IMPURE.iter().find(|impure| {
            let root = format!("{impure}::");
            path == **impure
                || path.starts_with(&root)
                || (!impure.starts_with(char::is_lowercase) || impure.contains("::"))
                    && path.contains(**impure)
        });
        if let Some(hit) = hit {
            return Some(format!(
                "`{folder}` (layer {own}) is pure, and `{hit}` is not"
            ));
        }
    }
    if path.starts_with("bollard::") && !file.starts_with("src/engine/docker/") {
        return Some("only `src/engine/docker` knows bollard".to_owned());
    }
    let prints = ["println!", "eprintln!", "print!", "eprint!", "dbg!"];
    if prints.contains(&path) && folder != "cli" {
        return Some(format!("only `cli` prints, and `{path}` does"));
    }
    None
}

fn assert_none(what: &str, found: &[String]) {
    let mut text = String::new();
    for line in found {
        writeln!(text, "  {line}").unwrap();
    }
    assert!(found.is_empty(), "{what}:\n{text}");
}

#[test]
fn each_layer_uses_only_those_above_it_and_the_pure_ones_are_pure() {
    let files = files("src");
    let mut for_tests = BTreeSet::new();
    let codes: Vec<_> = files
        .iter()
        .map(|(name, text)| (name, code(name, text, &mut for_tests)))
        .collect();
    let mut found = Vec::new();
    for (name, lines) in codes {
        let module = name.trim_end_matches(".rs").trim_end_matches("/mod");
        let within = |test: &String| module == test || module.starts_with(&format!("{test}/"));
        let Some(folder) = folder(name).filter(|_| !for_tests.iter().any(within)) else {
            continue;
        };
        if layer(folder).is_none() {
            found.push(format!(
                "{name}:1: `{folder}` is in no layer: add it in tests/it/layers.rs and src/lib.rs"
            ));
        }
        for (line, path) in paths(&lines) {
            if let Some(why) = objection(folder, name, &path) {
                found.push(format!("{name}:{line}: {why}"));
            }
        }
    }
    assert_none("the layers of src/lib.rs are not kept", &found);
}

#[test]
fn the_table_in_the_library_lists_every_folder() {
    let text = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    for folder in LAYERS.iter().flat_map(|layer| layer.iter()) {
        assert!(
            text.contains(&format!("[`{folder}`]")),
            "{folder} is not in the table of src/lib.rs"
        );
        assert!(
            text.contains(&format!("mod {folder};")),
            "{folder} is no module"
        );
    }
}

#[test]
fn no_file_is_too_long() {
    let long: Vec<_> = files("src")
        .into_iter()
        .map(|(name, text)| (name, text.lines().count()))
        .filter(|(name, _)| !name.ends_with("tests.rs"))
        .filter(|(_, lines)| *lines > MOST_LINES)
        .map(|(name, lines)| format!("{name}: {lines} lines, at most {MOST_LINES}: split it"))
        .collect();
    assert_none("files are too long", &long);
}

#[test]
fn no_file_is_forgotten() {
    let mut all = files("src");
    all.extend(files("tests/it"));
    let forgotten: Vec<_> = all
        .iter()
        .map(|(name, _)| name)
        .filter(|name| {
            let module = name.trim_end_matches(".rs").trim_end_matches("/mod");
            let Some((folder, module)) = module.rsplit_once('/') else {
                return false;
            };
            let roots = ["lib", "main", "bin"];
            let line = format!("mod {module};");
            let mut parents = all.iter().filter(|(other, _)| home(other) == folder);
            !roots.contains(&module) && !parents.any(|(_, text)| text.contains(&line))
        })
        .map(|name| format!("{name} is no module: nothing compiles it"))
        .collect();
    assert_none("files are forgotten", &forgotten);
}

#[test]
fn trees_of_imports_are_taken_apart() {
    let lines: Vec<String> = "use crate::{\n    engine::{A, b::C},\n    plan,\n};\nlet x = crate::exec::run(1);\nuse std::{fs, net::{IpAddr, TcpStream}};"
        .lines()
        .map(str::to_owned)
        .collect();
    let found: Vec<String> = paths(&lines)
        .into_iter()
        .map(|(line, path)| format!("{line} {path}"))
        .collect();
    assert_eq!(
        found,
        [
            "1 crate::engine::A",
            "1 crate::engine::b::C",
            "1 crate::plan",
            "5 crate::exec::run",
            "6 std::fs",
            "6 std::net::IpAddr",
            "6 std::net::TcpStream",
        ]
    );
    let object = |path| objection("plan", "src/plan/x.rs", path).is_some();
    assert!(object("crate::engine::A") && object("std::fs") && object("std::net::TcpStream"));
    assert!(object("tokio::time::sleep") && object("std::time::SystemTime"));
    assert!(
        !object("crate::model::Stack")
            && !object("crate::plan::Step")
            && !object("std::net::IpAddr")
    );
}
