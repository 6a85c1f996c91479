use super::*;
use crate::diag::Diagnostics;
use serde_json::{Value as Json, json};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

mod questions;

/// Dice of a test: each byte is one more than the one before.
fn dice() -> Dice {
    let next = AtomicU8::new(0);
    Arc::new(move |bytes| {
        for byte in bytes {
            *byte = next.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    })
}

fn tree(files: &[(&str, &str)]) -> Tree {
    let mut tree = Tree::default();
    for (path, text) in files {
        tree.add(
            path,
            Entry::File {
                bytes: text.as_bytes().to_vec(),
                executable: false,
            },
        )
        .unwrap();
    }
    tree
}

fn about(operation: Operation) -> About {
    About {
        source: "https://example.org/shop.git".to_owned(),
        folder: "/srv/acme/products/shop".to_owned(),
        hash: None,
        commit: Some("v1.2".to_owned()),
        wanted: None,
        answers_file: "config/install_answers.yml".to_owned(),
        operation,
    }
}

/// What the product has already.
fn product(path: &str) -> Result<Option<String>, String> {
    Ok(match path {
        "config/own.yml" => Some("port: 81\nhosts: [a, b]\n".to_owned()),
        "config/bad.yml" => Some("a: 1\na: 2\n".to_owned()),
        _ => None,
    })
}

struct Made {
    answers: Answers,
    rendered: Option<Rendered>,
    due: Vec<Due>,
    problems: Vec<String>,
}

fn make(tree: Tree, given: &Given) -> Made {
    let about = about(Operation::Copy);
    let tree = Arc::new(tree);
    let mut d = Diagnostics::new();
    let (mut answers, mut rendered, mut commands) = (Answers::default(), None, Vec::new());
    if let Some(settings) = read(&tree, &mut d) {
        let jinja = Jinja::new(&settings.envops, &tree, &dice()).unwrap();
        let jinja = jinja.reading(settings.external.clone(), Arc::new(product));
        answers = ask(
            &settings,
            &jinja,
            &about.context(),
            given,
            &mut |_| Ok(None),
            &mut d,
        )
        .unwrap();
        if !d.has_errors() {
            rendered = render(&tree, &settings, &jinja, &about, &answers, &mut d);
            commands = due(&settings, &jinja, &about, &answers, &mut d);
        }
    }
    let problems = d
        .sorted()
        .iter()
        .map(|one| {
            format!("{} {} {}", one.code, one.summary, one.label)
                .trim()
                .to_owned()
        })
        .collect();
    Made {
        answers,
        rendered,
        due: commands,
        problems,
    }
}

fn data(json: Json) -> Given {
    let Json::Object(data) = json else { panic!() };
    Given {
        data,
        ..Given::default()
    }
}

fn text<'a>(made: &'a Made, path: &str) -> &'a str {
    made.rendered.as_ref().unwrap().tree.text(path).unwrap()
}

#[test]
fn several_documents_and_included_files_are_one() {
    let copier = "# first\n_exclude: [q.yml]\n\n---\n\n!include q.yml\n\n---\nb: {default: 2}\n";
    let made = make(
        tree(&[
            ("copier.yml", copier),
            ("q.yml", "a: {default: one}\nb: {default: 1}\n"),
            ("x.jinja", "{{ a }} {{ b }}"),
        ]),
        &Given::default(),
    );
    assert_eq!(made.problems, [""; 0]);
    assert_eq!(text(&made, "x"), "one 2");
    // Without `_exclude`, Copier's own list holds; with it, the template's alone.
    assert!(
        made.rendered
            .as_ref()
            .unwrap()
            .tree
            .get("copier.yml")
            .is_some()
    );
    assert!(made.rendered.unwrap().tree.get("q.yml").is_none());
    let made = make(
        tree(&[("copier.yml", "---\n!include none.yml\n")]),
        &Given::default(),
    );
    assert_eq!(
        made.problems,
        ["T0105 `none.yml` is not in the template included here"]
    );
}

#[test]
fn files_that_include_each_other_come_to_an_end() {
    let copier = format!("q: 1\n{}", "---\n!include copier.yml\n".repeat(200));
    let made = make(tree(&[("copier.yml", &copier)]), &Given::default());
    let told = made.problems.first().map(String::as_str).unwrap();
    assert!(
        told.starts_with("T0105 `copier.yml` is included too deeply"),
        "{told}"
    );
    let large = format!("q: '{}'\n---\n!include '*.yml'\n", "x".repeat(1 << 20));
    let files = ["copier.yml", "b.yml", "c.yml"].map(|name| (name, large.as_str()));
    let made = make(tree(&files), &Given::default());
    let told = made.problems.first().map(String::as_str).unwrap();
    assert!(told.contains("more than 4 MB of included files"), "{told}");
}

#[test]
fn what_is_too_much_is_told_once() {
    let pattern = |at: usize| format!("'**/a{at}*b*/**/c[a-z]*'");
    let patterns: Vec<String> = (0..20_000).map(pattern).collect();
    let copier = format!("_exclude: [{}]\n", patterns.join(", "));
    let made = make(
        tree(&[("copier.yml", &copier), ("x", "y")]),
        &Given::default(),
    );
    assert_eq!(
        made.problems,
        ["T0101 the template's patterns are too many or too long"]
    );
    let file = "{{ 'x' * 16000000 }}";
    let names: Vec<String> = (0..20).map(|at| format!("{at}.jinja")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), file)).collect();
    let made = make(tree(&files), &Given::default());
    assert_eq!(made.problems, ["T0107 the files have more than 256 MB"]);
}

#[test]
fn a_name_that_cannot_be_rendered_is_named() {
    let made = make(tree(&[("a/{{ b", "")]), &Given::default());
    let told = made.problems.first().map(String::as_str).unwrap();
    assert!(
        told.starts_with("T0106 the name of `a/{{ b` of the template cannot be rendered"),
        "{told}"
    );
}

#[test]
fn settings_are_kept_to() {
    let copier = "
_templates_suffix: .tmpl
_envops: {variable_start_string: '[[', variable_end_string: ']]', block_start_string: '[%', block_end_string: '%]'}
_exclude: ['*.bak', '[% if not docs %]docs[% endif %]']
_skip_if_exists: ['config/.env']
_message_after_copy: 'made [[ _copier_conf.dst_path ]]'
_tasks:
  - command: 'echo [[ a ]]'
    when: \"[[ _copier_operation == 'copy' ]]\"
  - command: [rm, '-rf', '[[ a ]]']
    when: '[[ docs ]]'
  - {command: never, when: false}
a: {default: 1}
docs: {default: false}
";
    let files = [
        ("copier.yml", copier),
        ("x.tmpl", "{{ a }} [[ a ]]"),
        ("x", "not this"),
        ("y.bak", ""),
        ("docs/z", ""),
        ("config/.env.tmpl", "A=[[ a ]]"),
        ("[% if docs %]d[% endif %]/q", ""),
    ];
    let made = make(tree(&files), &Given::default());
    assert_eq!(made.problems, [""; 0]);
    let rendered = made.rendered.as_ref().unwrap();
    let names: Vec<_> = rendered.tree.iter().map(|(path, _)| path).collect();
    assert_eq!(
        names,
        [
            "config/.env",
            "config/install_answers.yml",
            "copier.yml",
            "x"
        ]
    );
    assert_eq!(text(&made, "x"), "{{ a }} 1");
    assert_eq!(rendered.once, ["config/.env"]);
    assert_eq!(
        rendered.message.as_deref(),
        Some("made /srv/acme/products/shop")
    );
    assert_eq!(
        made.due,
        [Due {
            command: Command::Shell("echo 1".to_owned()),
            folder: None,
            variables: vec![("COPIER_OPERATION".to_owned(), "copy".to_owned())],
        }]
    );
}

#[test]
fn no_template_writes_outside_of_its_folder() {
    for path in [
        "/etc/passwd",
        "../x",
        "a/../../x",
        ".git/hooks/pre-commit",
        "a/.GIT/config",
        "a//b",
        "",
        ".",
        "a\nb",
        "a\\b",
    ] {
        assert!(check_path(path).is_err(), "{path}");
        assert!(
            Tree::default()
                .add(path, Entry::Link("x".to_owned()))
                .is_err(),
            "{path}"
        );
    }
    for name in ["../x", "/x", "a/../../x", ".git/hooks/x"] {
        let copier = format!("a: {{default: '{name}'}}\n");
        let made = make(
            tree(&[("copier.yml", &copier), ("{{ a }}", "")]),
            &Given::default(),
        );
        assert!(
            made.rendered.is_none() && made.problems[0].starts_with("T0107"),
            "{name}: {:?}",
            made.problems
        );
    }
    for (target, keep) in [
        ("/etc/passwd", false),
        ("../../x", false),
        ("/etc/passwd", true),
        ("../x", true),
        ("missing", false),
    ] {
        let mut files = tree(&[("copier.yml", &format!("_preserve_symlinks: {keep}\n"))]);
        files.add("l", Entry::Link(target.to_owned())).unwrap();
        let made = make(files, &Given::default());
        assert!(
            made.rendered.is_none() && made.problems[0].starts_with("T0107"),
            "{target}: {:?}",
            made.problems
        );
    }
    let made = make(
        tree(&[("copier.yml", "_answers_file: ../x\n"), ("a", "")]),
        &Given::default(),
    );
    assert!(made.rendered.is_some());
    // A file where another one needs a folder.
    let made = make(
        tree(&[
            ("copier.yml", "a: {default: b}\n"),
            ("{{ a }}", ""),
            ("b/c", ""),
        ]),
        &Given::default(),
    );
    assert!(
        made.problems[0].contains("`b` is a file"),
        "{:?}",
        made.problems
    );
}

#[test]
fn paths_of_data_are_made_where_they_are_asked_for() {
    let dice: Dice = Arc::new(|bytes| {
        bytes.fill(0);
        Ok(())
    });
    let jinja = Jinja::new(&Envops::default(), &Arc::new(Tree::default()), &dice).unwrap();
    let named = vec![("own".to_owned(), "{{ 9 | ans_random }}.yml".to_owned())];
    let files: Files = Arc::new(|path| Ok(Some(format!("a: {path}"))));
    let jinja = jinja.reading(named, files);
    let render = |text| jinja.render("x", text, &Map::new()).unwrap();
    assert_eq!(
        render("{{ 1 }}{{ _external_data.other is defined }}"),
        "1False"
    );
    assert_eq!(jinja.thrown(), 0);
    assert_eq!(render("{{ _external_data.own.a }}"), "0.yml");
    assert_eq!(jinja.thrown(), 1);
}

#[test]
fn templates_read_what_the_product_has() {
    let copier = "
_external_data: {own: 'config/{{ which }}.yml', none: none.yml, bad: config/bad.yml, out: ../other/own.yml}
which: own
port: {type: int, default: '{{ _external_data.own.port }}'}
";
    let file =
        "{{ _external_data.own.hosts | join(',') }} {{ _external_data.none.port | default(1) }}";
    let files = |text| tree(&[("copier.yml", copier), ("a.jinja", text)]);
    let made = make(files(file), &Given::default());
    assert_eq!(text(&made, "a"), "a,b 1");
    assert_eq!(made.answers.values["port"], json!(81));
    let missing = "W0112 the template reads `none.yml` of the product, which is not there";
    assert_eq!(made.problems, [missing]);
    for (file, why) in [
        (
            "{{ _external_data.bad.a }}",
            "`config/bad.yml` of the product cannot be read: `a` stands twice",
        ),
        (
            "{{ _external_data.out.port }}",
            "`../other/own.yml` of the product: it has `.` or `..` as a part",
        ),
    ] {
        let made = make(files(file), &Given::default());
        assert_eq!(
            made.problems,
            [format!(
                "T0106 a file of the template cannot be rendered invalid operation: {why}"
            )]
        );
    }
}

#[test]
fn what_templates_get_wrong_has_its_place() {
    let cases = [
        (
            "a: {type: strr}\n",
            "T0102 `a` has an unknown type one of str, int, float, bool, yaml, json, path",
        ),
        (
            "a-b: 1\n",
            "T0102 `a-b` is no name of a variable letters, digits and `_`",
        ),
        (
            "a: {default: '{{ 1 | nofilter }}'}\n",
            "T0106 `default` of `a` cannot be rendered coasti does not have the filter: filter nofilter is unknown",
        ),
        (
            "_jinja_extensions: [copier_extensions.TemplateExtensionLoader]\n",
            "T0103 `_jinja_extensions`: coasti does not support the extension `copier_extensions.TemplateExtensionLoader` needed by the template",
        ),
        (
            "_external_data: [a]\n",
            "T0101 `_external_data` is not a table of paths in the product",
        ),
        (
            "_tasks: [{when: true}]\n",
            "T0101 a command is missing: text or a list of texts",
        ),
        (
            "_migrations: [{version: x, command: a}]\n",
            "T0101 `x` is no version by PEP 440",
        ),
        (
            "_migrations: [{before: [a]}]\n",
            "T0101 a migration with `before` or `after` needs a `version`",
        ),
        (
            "_migrations: [{command: a, wen: b}]\n",
            "T0103 `_migrations.wen`: coasti does not support this key needed by the template",
        ),
        (
            "a: {type: int, default: x}\n",
            "T0108 the default of `a` is not a whole number",
        ),
        ("a: [\n", "E0102 not YAML: unclosed bracket '['"),
        (
            "skip_if_exists: [x]\n",
            "W0104 `skip_if_exists` is read as `_skip_if_exists` without its underscore",
        ),
    ];
    for (copier, wanted) in cases {
        let made = make(tree(&[("copier.yml", copier)]), &Given::default());
        assert_eq!(made.problems, [wanted], "{copier}");
    }
    let made = make(
        tree(&[("copier.yml", "a: 1\n"), ("x.jinja", "one\n{% for %}\n")]),
        &Given::default(),
    );
    assert!(
        made.problems[0].starts_with("T0106 a file of the template cannot be rendered"),
        "{:?}",
        made.problems
    );
    // One that makes much of little is stopped.
    let much = "{% for a in range(99999) %}{{ 'x' * 9999 }}{% endfor %}";
    let made = make(tree(&[("x.jinja", much)]), &Given::default());
    assert!(
        made.problems[0].contains("it makes more than 16 MB"),
        "{:?}",
        made.problems
    );
    // An endless template ends.
    let endless = "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{% endfor %}{% endfor %}{% endfor %}";
    let made = make(tree(&[("x.jinja", endless)]), &Given::default());
    assert!(
        made.problems[0].contains("does not come to an end"),
        "{:?}",
        made.problems
    );
}

#[test]
fn values_are_written_so_that_they_are_read_again() {
    let values = json!({
        "a": "yes", "b": "1", "c": "it's: #1", "d": "two\nlines\u{85}", "e": "", "f": [1, {"g": null}, []], "h": {}, "i": 1.5,
        "j": "git@example.org:a/b.git", "k": "- x", "l": "x ", "m": "0x1f", "n": "https://example.org/x#y", "o": "~", "p": "12:30:45", "q": "ünï",
    });
    for indent in [2, 4] {
        assert_eq!(
            question::yaml(&to_yaml(&values, indent)),
            Some(values.clone()),
            "{}",
            to_yaml(&values, indent)
        );
    }
}

#[test]
fn every_code_is_used() {
    let mut text = String::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/template");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && !path.ends_with("codes.rs") && !path.ends_with("tests.rs") {
            text += &std::fs::read_to_string(path).unwrap();
        }
    }
    for (name, code) in codes::NAMES {
        assert!(
            text.contains(&format!("codes::{name}")),
            "{name} {code} is not used"
        );
    }
}

#[test]
fn settings_that_nobody_has_and_newer_ones_are_told() {
    let copier =
        "_skip_if_exist: [a]\n_min_copier_version: '99.1'\n_message_before_copy: hello\n_x: 1\n";
    let made = make(
        tree(&[("copier.yml", copier), ("a", "")]),
        &Given::default(),
    );
    assert!(made.rendered.is_some());
    assert_eq!(
        made.problems,
        [
            "W0110 `_skip_if_exist` is no setting of a template it does nothing",
            "W0111 the template is made for Copier 99.1 or newer coasti does what Copier 9.19.1 does",
            "W0110 `_x` is no setting of a template it does nothing",
        ]
    );
    let copier = "_min_copier_version: 9.4.1\n";
    let made = make(tree(&[("copier.yml", copier)]), &Given::default());
    assert!(made.problems.is_empty());
}
