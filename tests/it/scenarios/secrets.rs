//! No secret's value anywhere but where it is used.

use super::{POSTGRES, WAITS, site, site_of};
use crate::support::{
    arguments::Arguments,
    docker::{docker, exec, inspect},
    ran::Ran,
    stack::Stack,
};

#[test]
fn no_generated_value_is_seen_anywhere() {
    let Some(stack) = Stack::new("no_generated_value_is_seen_anywhere") else {
        return;
    };
    stack.write("config/secrets/token", "a-secret-from-a-file-5173\n");
    let more = POSTGRES.replace(
        "    env:\n",
        "    env:\n      TOKEN: {secret: token}\n      KEY: {random: true, length: 20}\n      \
         KEY_FILE: {random: true, file: true}\n      TOKEN_FILE: {secret: token, file: /etc/token}\n      WORD: one\n",
    );
    let watch = Arguments::watch();
    let mut said: Vec<(String, String)> = Vec::new();
    let mut hear = |what: &str, ran: Ran| said.push((what.to_owned(), ran.out + &ran.err));
    let run = |arguments: &[&str]| stack.coasti(arguments);

    stack.sites(&site("app", &more));
    hear("first plan", run(&["plan", "--full"]).expect(0));
    hear("apply", run(&["apply", "--yes", "-vv"]).expect(0));
    let changed = more.replace("WORD: one", "WORD: two");
    stack.sites(&site("app", &changed));
    for format in ["human", "json", "markdown"] {
        hear(
            format,
            run(&["plan", "--full", "--format", format]).expect(0),
        );
    }
    hear("saving", run(&["plan", "--out", "the.plan"]).expect(0));
    hear(
        "jsonl",
        run(&["apply", "the.plan", "--format", "jsonl"]).expect(0),
    );
    // It prints all that it was given, and fails.
    let leaks = r#"["sh", "-c", "env; exit 1"]"#;
    stack.sites(&site_of("app", "coasti-test/tiny:1", leaks, &more));
    hear(
        "failed",
        run(&["apply", "--yes", "--format", "json"]).expect(7),
    );
    hear("rollback", run(&["rollback", "--yes"]).expect(0));
    hear("history", run(&["history", "--format", "json"]).expect(0));
    hear("status", run(&["status", "--full"]).expect(0));
    hear(
        "status json",
        run(&["status", "--format", "json"]).expect(0),
    );
    for run in stack.runs() {
        let seq = run["seq"].to_string();
        for format in ["human", "json"] {
            hear(
                &format!("show {seq}"),
                stack.coasti(&["show", &seq, "--format", format]),
            );
        }
    }
    said.push(("the.plan".to_owned(), stack.read("the.plan")));
    for kind in ["container", "volume", "network"] {
        for name in stack.objects(kind) {
            let json = match kind {
                "container" => inspect(&name)["Config"]["Labels"].clone(),
                _ => serde_json::from_str(&docker(&[kind, "inspect", &name])).unwrap(),
            };
            said.push((format!("labels of {name}"), json.to_string()));
        }
    }
    // What the store keeps, but for the values themselves.
    let store = stack.folder().join("store");
    let from = format!("coasti.{}.store:/store", stack.name());
    docker(&["cp", &from, store.to_str().unwrap()]);
    for folder in ["revisions", "runs"] {
        for file in std::fs::read_dir(store.join(folder)).unwrap() {
            let path = format!("store/{folder}/{}", file.unwrap().file_name().display());
            said.push((path.clone(), stack.read(&path)));
        }
    }
    let arguments = watch.seen();

    let values = stack.secrets();
    assert!(values.len() >= 5, "{:?}", values.keys());
    assert!(
        values
            .values()
            .any(|value| value == "a-secret-from-a-file-5173")
    );
    for (id, value) in &values {
        for (what, text) in &said {
            assert!(!text.contains(value.as_str()), "{id} is in {what}: {text}");
        }
        // Names of users and databases are no secrets: servers show them in their processes' titles.
        let is_name = id.contains("_USER") || id.contains("_DB");
        assert!(
            is_name || !arguments.contains(value.as_str()),
            "{id} is in an argument list"
        );
    }
}

#[test]
fn a_command_gets_a_secret_that_nobody_sees_in_its_arguments() {
    let Some(stack) = Stack::new("a_command_gets_a_secret_that_nobody_sees_in_its_arguments")
    else {
        return;
    };
    // It keeps its own argument list, as `ps` would have shown it, and what it was given.
    let command =
        r#"sh -c 'cat /proc/$$/cmdline >/tmp/arguments; printf "%s-%s" {KEY} "{KEY}" >/tmp/given'"#;
    let app = format!(
        "  metadata: {{id: app, version: '1'}}\n  image: coasti-test/tiny:1\n  \
         env: {{KEY: {{random: true}}}}\n  docker: {{command: {WAITS}}}\n  \
         run:\n    post-run:\n    - >-\n      {command}\n"
    );
    stack.products(&[("app", &app)]);
    stack.sites("  - {label: app, image: app, update: {settle: 300ms}}\n");
    stack.apply();
    let key = &stack.secrets()["app/KEY"];
    let of = |file: &str| exec(&stack.object("app"), &format!("cat /tmp/{file}"));
    assert_eq!(of("given"), format!("{key}-{key}"));
    let arguments = of("arguments");
    assert!(arguments.contains("/tmp/given"), "{arguments}");
    assert!(!arguments.contains(key.as_str()), "{arguments}");
}

#[test]
fn values_arrive_as_files_and_change_with_their_container() {
    let Some(stack) = Stack::new("values_arrive_as_files_and_change_with_their_container") else {
        return;
    };
    let secret = |text: &str| {
        stack.write("config/secrets/key.pem", text);
        stack.coasti(&["apply", "--yes"])
    };
    let more = "    env:\n      KEY: {secret: key.pem, file: /etc/app/key.pem, mode: '0400', uid: 7}\n      \
                CODE: {random: true, file: true}\n";
    let hard = |site: String| site.replace("docker: {", "docker: {read_only: true, user: '7', ");
    stack.sites(&hard(site("app", more)));
    secret("-----\nfirst-key-8123\n").expect(0);
    let app = stack.object("app");
    let read = |path: &str| docker(&["exec", &app, "cat", path]);
    assert_eq!(read("/etc/app/key.pem"), "-----\nfirst-key-8123");
    let code = stack.secrets()["app/CODE"].clone();
    assert_eq!(read("/run/secrets/code"), code);
    let said = docker(&[
        "exec",
        &app,
        "sh",
        "-c",
        "echo $KEY $CODE; stat -c '%a %u' $KEY $CODE",
    ]);
    assert_eq!(said, "/etc/app/key.pem /run/secrets/code\n400 7\n444 0");
    let told = inspect(&app).to_string();
    assert!(
        !told.contains("first-key-8123") && !told.contains(&code),
        "{told}"
    );
    let files = |stack: &Stack| {
        let all = stack.objects("volume").into_iter();
        let own = all.filter(|name| name.contains("-app-files-"));
        own.collect::<Vec<_>>()
    };
    let first = files(&stack);
    assert_eq!(first.len(), 1);
    stack.coasti(&["plan", "--detailed-exitcode"]).expect(0);

    // The new content comes with a new container; the old one's files are gone with it.
    secret("second-key-8123\n").expect(0);
    assert_eq!(read("/etc/app/key.pem"), "second-key-8123");
    let second = files(&stack);
    assert_eq!(second.len(), 1);
    assert_ne!(first, second);

    // What fails is undone to the container that ran, whose files are still there; the new ones go.
    let fails = site_of(
        "app",
        "coasti-test/tiny:1",
        r#"["sh", "-c", "exit 1"]"#,
        more,
    );
    stack.sites(&hard(fails));
    secret("third-key-8123\n").expect(7);
    assert_eq!(read("/etc/app/key.pem"), "second-key-8123");
    assert_eq!(files(&stack), second);
    docker(&["restart", "-t", "0", &app]);
    assert_eq!(read("/etc/app/key.pem"), "second-key-8123");

    // An older revision has its own.
    stack.coasti(&["rollback", "--yes"]).expect(0);
    assert_eq!(read("/etc/app/key.pem"), "-----\nfirst-key-8123");
    assert_eq!(files(&stack), first);
    stack.coasti(&["destroy", "--yes"]).expect(0);
    assert!(files(&stack).is_empty());
}
