//! Commands that templates bring.

use crate::support::home::Home;
use crate::support::pty::Typing;
use crate::support::ran::Running;

#[test]
fn commands_of_a_template_run_only_for_the_commit_that_is_trusted() {
    let home = Home::new("trust");
    home.write(
        "shop/copier.yml",
        "_tasks:\n- 'echo ran > made'\n- {command: [touch, never], when: false}\n",
    );
    home.write("shop/a", "");
    let commit = home.tag("shop", "v1");
    home.good(&["product", "add", &home.at("shop").to_string_lossy()]);
    let said = home.bad(6, &["product", "install", "shop"]);
    assert!(
        said.contains("echo ran > made") && said.contains(&format!("--trust {commit}")),
        "{said}"
    );
    assert!(!home.at("stack/products").exists());
    home.bad(
        6,
        &["product", "install", "shop", "--trust", &"0".repeat(40)],
    );
    home.bad(6, &["product", "install", "shop", "--trust", ""]);
    home.good(&["product", "install", "shop", "--skip-tasks"]);
    assert!(!home.at("stack/products/shop/made").exists());
    home.good(&["product", "install", "shop", "--recopy", "--trust", &commit]);
    assert_eq!(home.read("stack/products/shop/made"), "ran\n");
    assert!(!home.at("stack/products/shop/never").exists());
    // The next commit is another one.
    home.write("shop/a", "2");
    home.tag("shop", "v2");
    home.bad(6, &["product", "update", "shop", "--trust", &commit]);
    assert_eq!(home.read("stack/products/shop/a"), "");
}

/// Only `yes` is one; Ctrl-C and Escape end the command.
#[test]
fn somebody_at_the_terminal_is_asked_about_commands() {
    let home = Home::new("trust-typed");
    home.write("shop/copier.yml", "_tasks: ['echo ran > made']\n");
    home.write("shop/a", "");
    home.tag("shop", "v1");
    home.good(&["product", "add", &home.at("shop").to_string_lossy()]);
    let install = |keys: &str, code: i32| {
        let mut typing = Typing::start(home.command(&["product", "install", "shop"]));
        typing.sees("echo ran > made");
        typing.sees("Let it? Type `yes`:");
        typing.types(keys);
        typing.end(code)
    };
    for keys in ["\u{3}", "ye\u{3}", "\u{1b}"] {
        let said = install(keys, 130);
        assert!(said.contains("nothing was changed"), "{said}");
        assert!(!home.at("stack/products").exists());
    }
    for keys in ["no\r", "\r", "y\r"] {
        let said = install(keys, 6);
        assert!(said.contains("wants to run commands"), "{said}");
        assert!(!home.at("stack/products").exists());
    }
    install("yes\r", 0);
    assert_eq!(home.read("stack/products/shop/made"), "ran\n");
}

#[test]
fn migrations_run_between_the_versions_that_they_are_for() {
    let home = Home::new("migrations");
    home.write("shop/copier.yml", "old: before\n");
    home.write("shop/names", "one\n");
    home.tag("shop", "v1.0.0");
    home.good(&["product", "add", &home.at("shop").to_string_lossy()]);
    home.good(&["product", "install", "shop"]);
    let answers = "stack/products/shop/.copier-answers.yml";
    home.write(
        answers,
        &home.read(answers).replace("old: before", "old: kept"),
    );
    // A question gets another name, a file as well; words without a shell, a line with one.
    home.write(
        "shop/copier.yml",
        "new: anew\n\
         _migrations:\n\
         - version: v2.0.0\n  before:\n  - [sed, -i, 's/^old:/new:/', .copier-answers.yml]\n\
         - version: v1.5.0\n  command: 'echo $STAGE $VERSION_FROM-$VERSION_TO {{ _version_current }} >>log'\n\
         - [sh, -c, 'echo \"$0\" >>log', '$HOME {{ new }}']\n\
         - {command: 'echo early >>log', when: '{{ _stage == \"before\" }}'}\n\
         - {version: v1.0.0, command: 'echo never >>log'}\n\
         - {version: v3.0.0, command: 'echo never >>log'}\n",
    );
    home.write("shop/names.jinja", "{{ new }}\n");
    let commit = home.tag("shop", "v2.0.0");
    let before = home.read(answers);
    let said = home.bad(6, &["product", "update", "shop"]);
    assert!(
        said.contains("sed -i s/^old:/new:/") && said.contains(&commit),
        "{said}"
    );
    let said = home.good(&["product", "update", "shop", "--pretend"]);
    for line in [
        "would run: sed -i",
        "would run: echo early",
        "would run: echo after v1.0.0-v2.0.0 v1.5.0",
    ] {
        let found = said.contains(line) || line.contains("after");
        assert!(found, "{line}: {said}");
    }
    assert!(!said.contains("never"), "{said}");
    assert_eq!(home.read(answers), before);
    home.good(&["product", "update", "shop", "--trust", &commit]);
    assert_eq!(
        home.read("stack/products/shop/log"),
        "early\nafter v1.0.0-v2.0.0 v1.5.0\n$HOME kept\n"
    );
    assert_eq!(home.read("stack/products/shop/names"), "kept\n");
    assert!(home.read(answers).contains("new: kept"));
    // They are done.
    let said = home.good(&["product", "update", "shop", "--trust", &commit]);
    assert!(said.contains("is up to date"), "{said}");
    assert_eq!(home.read("stack/products/shop/log").lines().count(), 3);
}

#[test]
fn a_migration_that_fails_leaves_the_older_version() {
    let home = Home::new("migrations-fail");
    home.write("shop/a", "1\n");
    home.tag("shop", "v1.0.0");
    home.good(&["product", "add", &home.at("shop").to_string_lossy()]);
    home.good(&["product", "install", "shop"]);
    home.write(
        "shop/copier.yml",
        "_migrations:\n- {command: 'echo no >&2; exit 3', when: '{{ _stage == \"before\" }}'}\n",
    );
    home.write("shop/a", "2\n");
    let commit = home.tag("shop", "v2.0.0");
    let said = home.bad(1, &["product", "update", "shop", "--trust", &commit]);
    assert!(said.contains("failed") && said.contains("no"), "{said}");
    assert_eq!(home.read("stack/products/shop/a"), "1\n");
    assert!(
        home.read("stack/products/shop/.copier-answers.yml")
            .contains("_commit: v1.0.0")
    );
    let said = home.good(&["product", "update", "shop", "--skip-tasks"]);
    assert!(said.contains("left out: echo no"), "{said}");
    assert_eq!(home.read("stack/products/shop/a"), "2\n");
}

#[test]
fn all_that_would_run_is_told_before_any_of_it_does() {
    let home = Home::new("migrations-told");
    home.write("shop/a", "1\n");
    home.tag("shop", "v1.0.0");
    home.good(&["product", "add", &home.at("shop").to_string_lossy()]);
    home.good(&["product", "install", "shop"]);
    let (opened, hangs) = (home.at("opened"), home.at("hangs"));
    for pipe in [&opened, &hangs] {
        let made = std::process::Command::new("mkfifo").arg(pipe).status();
        assert!(made.unwrap().success());
    }
    home.write(
        "shop/copier.yml",
        &format!(
            "size: {{default: 3}}\n\
             _tasks: ['echo task {{{{ size }}}}']\n\
             _migrations:\n\
             - {{command: 'echo first >first; echo >{}; cat {}', when: '{{{{ _stage == \"before\" }}}}'}}\n\
             - 'echo last'\n",
            opened.display(),
            hangs.display()
        ),
    );
    let commit = home.tag("shop", "v2.0.0");
    let said = home.bad(6, &["product", "update", "shop"]);
    for line in ["echo first >first", "echo task 3", "echo last"] {
        assert!(
            said.contains(&format!("it would run: {line}")),
            "{line}: {said}"
        );
    }
    assert!(!home.at("stack/products/shop/first").exists());
    // Ctrl-C after some of it did run: it is told that it did.
    let running = Running::start(home.command(&["product", "update", "shop", "--trust", &commit]));
    std::fs::read(&opened).unwrap();
    running.interrupt();
    let ran = running.end();
    let said = ran.err.replace('\n', " ");
    assert_eq!(ran.code, 130, "{said}");
    assert!(
        said.contains("interrupted: the template's commands") && said.contains("did run"),
        "{said}"
    );
    assert_eq!(home.read("stack/products/shop/first"), "first\n");
    assert_eq!(home.read("stack/products/shop/a"), "1\n");
}

#[test]
fn what_is_left_of_a_failed_task_is_told() {
    let home = Home::new("task-fails");
    home.write("shop/copier.yml", "_tasks: ['exit 3']\n");
    home.write("shop/a", "1\n");
    let commit = home.tag("shop", "v1.0.0");
    home.good(&["product", "add", &home.at("shop").to_string_lossy()]);
    let said = home.bad(1, &["product", "install", "shop", "--trust", &commit]);
    assert!(
        said.contains("are written")
            && said.contains("does not count as installed")
            && said.contains("--recopy"),
        "{said}"
    );
    let said = home.good(&["product", "list"]);
    assert!(said.contains("unfinished"), "{said}");
    let said = home.bad(1, &["product", "update", "shop"]);
    assert!(
        said.contains("not to its end") && said.contains("product install shop --recopy"),
        "{said}"
    );
    home.write("shop/copier.yml", "_tasks: ['true']\n");
    let commit = home.tag("shop", "v1.0.1");
    home.good(&["product", "install", "shop", "--recopy", "--trust", &commit]);
    let said = home.good(&["product", "list"]);
    assert!(
        said.contains("installed") && said.contains("v1.0.1"),
        "{said}"
    );
}
