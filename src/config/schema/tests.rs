//! Schemas and reader say the same: of the keys there are, of right files and of wrong ones.

use super::*;
use crate::build::{Context, Rules, Unsendable};
use crate::config::doc::{Node, Value as Read, asked, parse};
use crate::config::{Folder, Unreadable, app, codes, read};
use crate::diag::{Diagnostics, Severity, Source};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

mod samples;

use samples::{APP, DEPLOY, EDGES, ELSEWHERE, FULL, INFO, PRODUCTS, TOOLS, WRONG};

fn source(path: &str, text: &str) -> Arc<Source> {
    Arc::new(Source::new(path, format!("/srv/acme/{path}"), text))
}

/// A file as a schema sees it.
fn json(node: &Node) -> Value {
    match &node.value {
        Read::Null => Value::Null,
        Read::Bool(flag) => (*flag).into(),
        Read::Int(int, _) => (*int).into(),
        Read::Float(raw) => raw.parse::<f64>().map_or(Value::Null, Value::from),
        Read::Text(text) | Read::Date(text) => text.as_str().into(),
        Read::Tagged(_, inner) => json(inner),
        Read::List(items) => items.iter().map(json).collect(),
        Read::Map(entries) => {
            let entries = entries.iter();
            entries
                .map(|one| (one.key.clone(), json(&one.node)))
                .collect()
        }
    }
}

/// What the schema of that name says against a file.
fn refused(name: &str, path: &str, text: &str) -> Option<String> {
    let mut d = Diagnostics::new();
    let node = parse(&source(path, text), &mut d).unwrap();
    let schema = schema(name).unwrap();
    let validator = jsonschema::draft7::new(&schema).unwrap();
    let errors: Vec<_> = validator
        .iter_errors(&json(&node))
        .map(|e| format!("{} {e}", e.instance_path()))
        .collect();
    (!errors.is_empty()).then(|| errors.join("\n"))
}

#[derive(Clone)]
struct Map(BTreeMap<String, String>);

impl Folder for Map {
    fn read(&self, path: &str) -> Result<Option<Arc<Source>>, Unreadable> {
        Ok(self.0.get(path).map(|text| source(path, text)))
    }

    fn exists(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    fn context(&self, path: &str, rules: &Rules) -> Result<Context, Unsendable> {
        let texts = self
            .0
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()));
        Ok(Context::of_texts(texts, path, rules))
    }

    fn name(&self) -> String {
        "acme".to_owned()
    }
}

/// A stack that is right, with one file replaced.
fn stack(path: &str, text: &str) -> Map {
    let mut all: BTreeMap<String, String> = [
        (PRODUCTS, "version: 1\nproducts:\n- id: wiki\n"),
        (
            DEPLOY,
            "version: 1\nstack: acme\nsite:\n- {label: a, image: wiki}\n",
        ),
        (APP, "image: acme/wiki:1\n"),
        ("products/wiki/Dockerfile", "FROM acme/wiki:1 AS final\n"),
        (
            "products/wiki/compose.yml",
            "services: {web: {image: 'acme/web:1', profiles: [a]}}\n",
        ),
    ]
    .map(|(path, text)| (path.to_owned(), text.to_owned()))
    .into();
    if path == INFO {
        all.remove(APP);
    }
    // A file has one form.
    let name = |path: &str| path.rsplit_once('.').map(|(name, _)| name.to_owned());
    all.retain(|other, _| name(other) != name(path));
    all.insert(path.to_owned(), text.to_owned());
    Map(all)
}

fn name_of(path: &str) -> &'static str {
    match path {
        APP => "nua-config",
        INFO => "info",
        DEPLOY => "deploy",
        PRODUCTS => "products",
        _ => "tools",
    }
}

/// Codes of errors that the reader has for a file.
fn said(path: &str, text: &str) -> BTreeSet<&'static str> {
    let mut d = Diagnostics::new();
    read(&stack(path, text), &mut d);
    let sorted = d.sorted();
    let errors = sorted.iter().filter(|one| one.severity == Severity::Error);
    errors.map(|one| one.code).collect()
}

#[test]
fn each_code_has_a_file_that_is_refused_or_a_reason() {
    let shown: BTreeSet<&str> = WRONG.iter().map(|(code, ..)| *code).collect();
    let elsewhere: BTreeSet<&str> = ELSEWHERE
        .iter()
        .flat_map(|(_, codes)| *codes)
        .copied()
        .collect();
    for (code, title, _) in codes::CODES {
        let (here, there) = (shown.contains(code), elsewhere.contains(code));
        assert!(
            here != there,
            "{code} ({title}): a file in WRONG or a reason in ELSEWHERE"
        );
    }
}

#[test]
fn what_the_reader_refuses_is_refused() {
    for (code, path, text) in WRONG {
        let codes = said(path, text);
        assert!(
            codes.contains(code),
            "{code} is not said of {text}: {codes:?}"
        );
        assert!(
            refused(name_of(path), path, text).is_some(),
            "{code}: the schema takes {text}"
        );
    }
}

/// A value as TOML has it within a line; none where it cannot be said.
fn toml(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Array(items) => {
            let items: Option<Vec<_>> = items.iter().map(toml).collect();
            format!("[{}]", items?.join(", "))
        }
        Value::Object(table) => format!("{{{}}}", pairs(table)?.join(", ")),
        Value::Number(number) => {
            number.as_i64().is_some().then_some(())?;
            number.to_string()
        }
        other => other.to_string(),
    })
}

fn pairs(table: &serde_json::Map<String, Value>) -> Option<Vec<String>> {
    let pair = |(key, value): (&String, &Value)| {
        Some(format!("{} = {}", Value::from(key.as_str()), toml(value)?))
    };
    table.iter().map(pair).collect()
}

/// What is wrong in a file is so in each form that the file may have.
#[test]
fn wrong_in_every_form() {
    let (mut as_json, mut as_toml) = (BTreeSet::new(), BTreeSet::new());
    for (code, path, text) in WRONG {
        let Some(base) = path
            .strip_suffix(".yml")
            .filter(|_| [APP, DEPLOY].contains(path))
        else {
            continue;
        };
        // What is no YAML, or a key that stands twice, has a form of its own in each.
        let Some(node) = parse(&source(path, text), &mut Diagnostics::new()) else {
            continue;
        };
        let value = json(&node);
        let path = format!("{base}.json");
        let codes = said(&path, &value.to_string());
        assert!(
            codes.contains(code),
            "{code} is not said of {value}: {codes:?}"
        );
        as_json.insert(*code);
        if let Some(pairs) = value.as_object().and_then(pairs) {
            let text = pairs.join("\n") + "\n";
            let codes = said(&format!("{base}.toml"), &text);
            assert!(
                codes.contains(code),
                "{code} is not said of {text}: {codes:?}"
            );
            as_toml.insert(*code);
        }
    }
    assert!(
        as_json.len() > 20 && as_toml.len() > 20,
        "{as_json:?} {as_toml:?}"
    );
}

#[test]
fn what_the_reader_takes_is_taken() {
    for (path, text) in FULL {
        let errors: Vec<_> = said(path, text)
            .into_iter()
            .filter(|code| *code != codes::NOT_YET)
            .collect();
        assert!(errors.is_empty(), "{errors:?} of {text}");
        assert_eq!(refused(name_of(path), path, text), None, "{text}");
    }
    let services = "stack: a\nsite: []\nservices: [postgres]\nusers: credentials.csv\n";
    assert_eq!(refused("deploy", DEPLOY, services), None);
}

/// Values at the edge: right for both or wrong for both.
#[test]
fn reader_and_schemas_agree() {
    let mut apart = Vec::new();
    for (path, text) in EDGES {
        let reader = !said(path, text).is_empty();
        let schema = refused(name_of(path), path, text).is_some();
        if reader != schema {
            apart.push(format!(
                "reader {reader} schema {schema}: {:?} {:?} {:?}",
                text,
                said(path, text),
                refused(name_of(path), path, text)
            ));
        }
    }
    assert!(apart.is_empty(), "{}", apart.join("\n"));
}

#[test]
fn real_files_are_taken() {
    let Some(root) = crate::config::tests::inputs() else {
        return;
    };
    let mut seen = 0;
    for app in std::fs::read_dir(root.join("nua/apps")).unwrap() {
        for file in std::fs::read_dir(app.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let (shown, text) = (
                path.display().to_string(),
                std::fs::read_to_string(&path).unwrap(),
            );
            let name = if shown.contains("sample_deploy") {
                "deploy"
            } else {
                "nua-config"
            };
            let refused = refused(name, &shown, &text);
            // An app inside of an app is what coasti does not run.
            let expected = shown.contains("new_redis_plus_sub_app/nua-config");
            assert_eq!(refused.is_some(), expected, "{shown}: {refused:?}");
            seen += 1;
        }
    }
    assert!(seen > 25, "{seen}");
}

/// The keys of a definition, with `-`.
fn keys(schema: &Value, definition: &str) -> BTreeSet<String> {
    let found = match definition {
        "" => schema,
        name => &schema["definitions"][name],
    };
    let keys = found["properties"]
        .as_object()
        .unwrap_or_else(|| panic!("no {definition}"))
        .keys();
    keys.map(|key| key.replace('_', "-")).collect()
}

#[test]
fn the_reader_knows_the_keys_that_the_schemas_know() {
    let mut compared = BTreeSet::new();
    for (path, text) in FULL {
        let node = parse(&source(path, text), &mut Diagnostics::new()).unwrap();
        asked::take();
        let mut d = Diagnostics::new();
        let folder = stack(path, text);
        match name_of(path) {
            "products" | "tools" => drop(crate::config::list(&folder, &mut d)),
            "info" => drop(crate::config::info::Info::read(
                &folder,
                "products/wiki",
                &mut d,
            )),
            "nua-config" => drop(app::App::read(&node, "", &mut d)),
            _ => drop(crate::config::deploy::read(&folder, None, &mut d)),
        }
        let schema = schema(name_of(path)).unwrap();
        for (what, keys_asked) in asked::take() {
            let definition = match what.as_str() {
                "" if matches!(path, &PRODUCTS | &TOOLS) => continue,
                "" | "`app`" if what.is_empty() => "",
                "`app`" => "App",
                "a product" | "a tool" => "Product",
                "`run`" => "Compose",
                "metadata" => "Metadata",
                "build" => "NuaBuild",
                "`build`" => "Build",
                "run" => "AppRun",
                "backup" => "Backup",
                "options" => "BackupOptions",
                "a volume" => "Volume",
                "a provider" => "Provider",
                "healthcheck" => "Healthcheck",
                "a site" => "Site",
                "`update`" => "Update",
                "`ports`" => "Ports",
                "`networks`" => "Networks",
                "`restart_policy`" => "RestartTable",
                "`log_config`" => "LogTable",
                what if what.starts_with("the variable") => "Dynamic",
                what if what.starts_with("the port") => "PortTable",
                what if what.contains("of the port") => "PortOf",
                what => panic!("what is {what}?"),
            };
            // Both lists are read whichever file is asked for; only the file's own is told by its root.
            let asked: BTreeSet<_> = keys_asked.iter().map(|key| key.replace('_', "-")).collect();
            assert_eq!(asked, keys(&schema, definition), "{what} of {path}");
            compared.insert(definition);
        }
    }
    let options: BTreeSet<_> = app::DOCKER_OPTIONS
        .iter()
        .map(|(name, _)| name.replace('_', "-"))
        .collect();
    assert_eq!(options, keys(&schema("nua-config").unwrap(), "Docker"));
    assert_eq!(compared.len(), 22, "{compared:?}");
}

#[test]
fn lists_have_the_keys_of_their_files() {
    for (name, own) in [("products", "products"), ("tools", "tools")] {
        let expected = ["coasti-version", own, "version"].map(str::to_owned);
        assert_eq!(keys(&schema(name).unwrap(), ""), expected.into());
    }
}

#[test]
fn the_kept_schemas_are_these() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    for name in NAMES {
        let path = folder.join(format!("{name}.schema.json"));
        let made = text(name).unwrap();
        if std::env::var_os("COASTI_BLESS").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &made).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == made,
            "schemas/ is old: COASTI_BLESS=1 cargo test --lib schema"
        );
    }
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), NAMES.len());
    assert_eq!(text("other"), None);
}
