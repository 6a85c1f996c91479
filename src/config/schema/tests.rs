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

const APP: &str = "products/wiki/nua-config.yml";
const INFO: &str = "products/wiki/info.yml";
const DEPLOY: &str = "config/deploy.yml";
const PRODUCTS: &str = "config/products.yml";
const TOOLS: &str = "config/tools.yml";

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

/// Wrong files that a schema refuses, each with the code that the reader has for it.
const WRONG: &[(&str, &str, &str)] = &[
    (
        codes::REMOTE_CONTEXT,
        APP,
        "build: https://example.org/a.git\n",
    ),
    (
        codes::REMOTE_CONTEXT,
        APP,
        "build: {context: 'git@example.org:a/b'}\n",
    ),
    (
        codes::UNKNOWN_KEY,
        APP,
        "build: {context: ., method: wrap}\n",
    ),
    (
        codes::UNKNOWN_KEY,
        APP,
        "build: {base-image: 'a/b:1', args: {A: 1}}\n",
    ),
    (codes::UNKNOWN_KEY, DEPLOY, "stack: a\nsites: []\n"),
    (
        codes::BAD_ADOPT,
        DEPLOY,
        "stack: a\nsite: [{label: a, image: wiki, adopt: 'old@3f'}]\n",
    ),
    (
        codes::UNKNOWN_KEY,
        PRODUCTS,
        "version: 1\nproducts: [{id: x, enabeld: true}]\n",
    ),
    (
        codes::UNKNOWN_KEY,
        TOOLS,
        "version: 1\ntools: [{id: x, image: y}]\n",
    ),
    (
        codes::UNKNOWN_KEY,
        INFO,
        "version: 1\nnmae: x\napp: {image: a/b:1}\n",
    ),
    (codes::UNKNOWN_KEY, APP, "image: a/b:1\nenv: {A: {x: 1}}\n"),
    (
        codes::UNKNOWN_KEY,
        APP,
        "image: a/b:1\nhealthcheck: {comand: x}\n",
    ),
    (
        codes::UNKNOWN_KEY,
        APP,
        "image: a/b:1\nmetadata: {id: a, nmae: x}\n",
    ),
    (codes::WRONG_TYPE, DEPLOY, "stack: a\nsite: {}\n"),
    (codes::WRONG_TYPE, DEPLOY, "stack: [a]\nsite: []\n"),
    (
        codes::WRONG_TYPE,
        PRODUCTS,
        "products: [{id: x, enabled: 'yes'}]\n",
    ),
    (codes::WRONG_TYPE, APP, "image: a/b:1\nenv: [A]\n"),
    (
        codes::WRONG_TYPE,
        APP,
        "image: a/b:1\nhealthcheck: {command: {a: b}}\n",
    ),
    (
        codes::WRONG_TYPE,
        APP,
        "image: a/b:1\ndocker: {cap_add: {a: b}}\n",
    ),
    (
        codes::BAD_VALUE,
        DEPLOY,
        "stack: a\nports: {from: 99999}\nsite: []\n",
    ),
    (
        codes::BAD_VALUE,
        DEPLOY,
        "stack: a\nnetworks: {pool: 10.0.0.0/30}\nsite: []\n",
    ),
    (
        codes::BAD_VALUE,
        DEPLOY,
        "stack: a\nsite:\n- {label: a, image: wiki, update: {order: first}}\n",
    ),
    (
        codes::BAD_VALUE,
        DEPLOY,
        "stack: a\nsite:\n- {label: a, image: wiki, update: {settle: soon}}\n",
    ),
    (
        codes::BAD_VALUE,
        DEPLOY,
        "stack: a\nsite:\n- {label: a, image: wiki, bind: here}\n",
    ),
    (
        codes::BAD_VALUE,
        DEPLOY,
        "stack: a\nexternal-ip: a.example.org\nsite: []\n",
    ),
    (
        codes::BAD_VALUE,
        DEPLOY,
        "stack: a\nexternal-ip: https://a.example.org\nsite: []\n",
    ),
    (codes::BAD_VALUE, PRODUCTS, "products: [{id: 'a b'}]\n"),
    (
        codes::BAD_VALUE,
        PRODUCTS,
        "products: [{id: a, auth: tokn}]\n",
    ),
    (
        codes::BAD_VALUE,
        PRODUCTS,
        "products: [{id: a, vcs-ref: --exec}]\n",
    ),
    (
        codes::BAD_VALUE,
        PRODUCTS,
        "products: [{id: a, vcs_auth_type: Token}]\n",
    ),
    (
        codes::BAD_VALUE,
        APP,
        "image: a/b:1\nvolume: [{name: x, target: /x, type: disk}]\n",
    ),
    (
        codes::BAD_VALUE,
        APP,
        "image: a/b:1\ndocker: {mem_limit: much}\n",
    ),
    (
        codes::BAD_VALUE,
        APP,
        "image: a/b:1\nbackup: {method: tar}\n",
    ),
    (codes::MISSING, DEPLOY, "stack: a\nsite: [{label: a}]\n"),
    (codes::MISSING, DEPLOY, "stack: a\nsite: [{image: wiki}]\n"),
    (codes::MISSING, PRODUCTS, "products: [{title: x}]\n"),
    (codes::MISSING, INFO, "version: 1\nrun: {profiles: [x]}\n"),
    (
        codes::MISSING,
        APP,
        "image: a/b:1\nprovider: [{module-name: postgres}]\n",
    ),
    (
        codes::BAD_VERSION,
        DEPLOY,
        "version: 2\nstack: a\nsite: []\n",
    ),
    (
        codes::BAD_VERSION,
        INFO,
        "version: 2\napp: {image: a/b:1}\n",
    ),
    (codes::BAD_STACK, DEPLOY, "stack: Acme Corp\nsite: []\n"),
    (codes::BAD_ID, DEPLOY, "stack: a\nid: abc\nsite: []\n"),
    (
        codes::BAD_LABEL,
        DEPLOY,
        "stack: a\nsite:\n- {label: '--', image: wiki}\n",
    ),
    (
        codes::BAD_LABEL,
        APP,
        "image: a/b:1\nprovider: [{name: A b, module-name: redis}]\n",
    ),
    (
        codes::BAD_DOMAIN,
        DEPLOY,
        "stack: a\nsite:\n- {image: wiki, domain: 'a b'}\n",
    ),
    (
        codes::BAD_REFERENCE,
        DEPLOY,
        "stack: a\nsite:\n- {label: a, image: 'a b/c'}\n",
    ),
    (codes::BAD_VARIABLE, APP, "image: a/b:1\nenv: {A: [[1]]}\n"),
    (codes::BRACE, APP, "image: a/b:1\nenv: {A: 'a { b'}\n"),
    (
        codes::NUA_INTERNAL,
        APP,
        "image: a/b:1\nenv: {A: {nua_internal: true}}\n",
    ),
    (
        codes::BAD_FILE,
        APP,
        "image: a/b:1\nenv: {A: {random: true, file: here}}\n",
    ),
    (codes::BAD_PORT, APP, "image: a/b:1\nport: {web: 70000}\n"),
    (
        codes::BAD_VOLUME,
        APP,
        "image: a/b:1\nvolume: [{name: x}]\n",
    ),
    (
        codes::BAD_VOLUME,
        APP,
        "image: a/b:1\nvolume: [{name: x, target: x}]\n",
    ),
    (
        codes::UNKNOWN_SERVICE,
        APP,
        "image: a/b:1\nprovider: [{name: db, module-name: postgress}]\n",
    ),
    (
        codes::PROVIDER_KIND,
        APP,
        "image: a/b:1\nprovider: [{name: db, type: app}]\n",
    ),
    (
        codes::DOCKER_OPTION,
        APP,
        "image: a/b:1\ndocker: {ulimits: [x]}\n",
    ),
    (
        codes::RELATIVE_PATH,
        APP,
        "image: a/b:1\nvolume: [{name: x, target: /x, type: directory}]\n",
    ),
    (
        codes::BAD_PATH,
        PRODUCTS,
        "products: [{id: x, dst-path: ../x}]\n",
    ),
    (
        codes::BAD_PATH,
        DEPLOY,
        "stack: a\nsite: []\nusers: ../x.csv\n",
    ),
    (
        codes::TWO_WAYS,
        INFO,
        "version: 1\napp: {image: a/b:1}\nrun: {compose: compose.yml}\n",
    ),
];

/// Codes that no schema can express, and why.
const ELSEWHERE: &[(&str, &[&str])] = &[
    (
        "it is of a file's being there, or of several files",
        &[
            codes::NO_FILE,
            codes::TWO_DEPLOY_FILES,
            codes::NO_SECRET,
            codes::SECRET_TWICE,
            codes::LOCKED_SECRET,
            codes::OPEN_SECRET,
            codes::COMMITTED_SECRET,
            codes::TWO_PATHS,
            codes::NO_CONTEXT,
            codes::BAD_DOCKERFILE,
            codes::BUILDKIT,
            codes::LARGE_CONTEXT,
            codes::BAD_PATTERN,
        ],
    ),
    (
        "a schema sees what a parser made of the text",
        &[
            codes::SYNTAX,
            codes::DUPLICATE_KEY,
            codes::TOO_LARGE,
            codes::MORE,
        ],
    ),
    (
        "one value refers to another, or must differ from it",
        &[
            codes::DUPLICATE_LABEL,
            codes::DUPLICATE_DOMAIN,
            codes::MIXED_DOMAIN,
            codes::UNKNOWN_SOURCE,
            codes::EXPOSED,
            codes::UNKNOWN_PROPERTY,
            codes::CYCLE,
            codes::MOUNT_TWICE,
            codes::DUPLICATE_PROVIDER,
            codes::BAD_WAS,
            codes::NAME_CLASH,
            codes::PORT_TWICE,
            codes::TWO_DATABASES,
            codes::SHARED,
            codes::DUPLICATE_PRODUCT,
            codes::SAME_FOLDER,
        ],
    ),
    (
        "it is between two files",
        &[
            codes::UNKNOWN_IMAGE,
            codes::NO_APP,
            codes::DISABLED,
            codes::UNKNOWN_PROVIDER,
            codes::MOVED_FOLDER,
        ],
    ),
    (
        "an engine has to be asked",
        &[
            codes::NOT_BUILT,
            codes::PORT_TAKEN,
            codes::NO_PORT,
            codes::NO_SUBNET,
            codes::OTHER_SUBNET,
        ],
    ),
    (
        "it needs what images and versions there are",
        &[codes::NO_VERSION, codes::VERSION_TAG, codes::START_FIRST],
    ),
    (
        "it is right in its form: coasti warns, does not do it yet, or knows by names what is secret",
        &[
            codes::NO_TAG,
            codes::NOT_YET,
            codes::IGNORED,
            codes::SECRET_IN_FILE,
            codes::SECRET_ARG,
            codes::FOREIGN_KEY,
        ],
    ),
    (
        "it is in a file of variables or in a table, which have no schema",
        &[
            codes::WEAK_PASSWORD,
            codes::UNKNOWN_VARIABLE,
            codes::HALF_A_SERVICE,
            codes::DUPLICATE_USER,
        ],
    ),
    (
        "it is in a compose file or in one with its variables, whose schema is the Compose Specification's",
        &[
            codes::COMPOSE_KEY,
            codes::INTERPOLATION,
            codes::UNSET_REQUIRED,
            codes::UNSET,
            codes::BAD_ENV_FILE,
            codes::COMPOSE_CYCLE,
            codes::UNKNOWN_NAME,
            codes::REMOTE_BIND,
            codes::SHOWN_VALUE,
            codes::SHOWN_SECRET,
            codes::NO_SERVICE,
            codes::NUMBER,
        ],
    ),
];

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

/// Everything that may stand in a file, so that every table is read.
const FULL: &[(&str, &str)] = &[
    (
        PRODUCTS,
        "version: 1\ncoasti_version: 0.3\nproducts:\n- {id: wiki, title: W, description: d, version: 1.0, enabled: 'True', dst-path: products/wiki, \
        vcs_repo: git@x.org:a/b.git, vcs-ref: v1, vcs_auth_type: SSH Key, vcs_auth_value: __file__}\n- {id: b, auth: token, run: {compose: a.yml, files: b.yml, env-file: [c], profiles: [d]}, enabled: false}\n",
    ),
    (TOOLS, "coasti_version: 0.2.3\n\ntools:\n"),
    (TOOLS, "version: '1'\ntools: {id: sling}\n"),
    (
        INFO,
        "version: 1.2.0\nid: a_wiki\nid_shorthand: w\nname: W\ndescription: d\nentrypoint: x\napp: {image: a/b:1}\n",
    ),
    (
        INFO,
        "version: 1\nproduct-version: 1.2.0\napp:\n  image: a/b:1\n  metadata: {id: wiki, version: 1.0, release: 2, tags: [a], title: T}\n",
    ),
    (INFO, "run: {compose: compose.yml, profiles: [a]}\n"),
    (APP, "build: .\n"),
    (
        APP,
        "metadata: {id: wiki, version: '1.0'}\nimage: acme/own\n\
        build: {context: ., dockerfile: Dockerfile, args: {VERSION: '{version}', N: 1, B: true}, target: final, labels: {a: b}, cache_from: a/b:1, \
        network: host, extra-hosts: {a: 1.2.3.4}, shm_size: 128M, platform: linux/amd64, pull: true, no-cache: 'false', tags: ['a/b:{version}']}\n",
    ),
    (APP, "build: {dockerfile_inline: 'FROM x:1'}\n"),
    (
        APP,
        "metadata: {id: wiki, version: '1.0'}\nimage: a/b:1\nbuild: {base-image: 'a/b:1', method: wrap}\n\
        run: {post-run: [a, 'b {version}'], start: x}\nenv: {A: b, B: 1, C: true, D: [a, 1], E: {random: true, length: '24', display: true}, F: '{A}{{', G: {from: db, key: hostname}}\n\
        port: {web: 80, ssh: {container: 22, host: auto, proxy: 2222, protocol: tcp, bind: 127.0.0.1, ssl: false}, dyn: {container: {key: B}, host: '22'}}\n\
        volume: [{name: a, target: /a, type: managed, read-only: true, options: {type: tmpfs, device: tmpfs, o: uid=1}}, {prefix: b, destination: /b/, type: tmpfs, tmpfs_size: 1M, tmpfs_mode: 0o777}, {name: /c, dest: /c, type: directory}]\n\
        healthcheck: {command: [CMD, a], interval: 5s, timeout: 1m30s, start_period: 3, retries: 3}\n\
        provider: [{name: db, module-name: postgres, module-version: '>=14,<15', type: docker-image, env: {A: x}, backup: {method: pg_dump, options: {destination: local}}, build: {base-image: 'postgres:14.6'}}]\n\
        docker: {mem_limit: 8G, restart_policy: {name: always}, command: a b, cap_add: [NET_ADMIN], log_config: {type: json-file, config: {max-size: 1m}}, cpus: 1.5, extra_hosts: {a: 1.2.3.4}, labels: {a: b}, shm_size: 64000, working-dir: /x}\n\
        backup: {method: tgz_volumes, frequency: '24h'}\n",
    ),
    (
        DEPLOY,
        "version: 1\nstack: acme\nid: 0123456789abcdef0123456789abcdef\nports: {from: 8100, to: 8999}\nnetworks: {pool: 172.24.0.0/14}\nexternal-ip: 1.2.3.4\n\
        site:\n- label: A b\n  image: wiki\n  domain: https://Wiki.example.org/x/\n  env: {A: b}\n  update: {order: start-first, settle: 5s, timeout: 300}\n  was: old\n  new-data: true\n  protect: false\n  bind: '::1'\n  test: [x]\n- {image: wiki, domain: x.org}\n",
    ),
    (
        DEPLOY,
        "site:\n- label: a\n  image: wiki\nports: {start: 8100, end: '9000'}\n",
    ),
    (DEPLOY, "stack: a\nsite:\n"),
];

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
