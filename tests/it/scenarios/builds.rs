//! Images that are built: from a folder to what runs, again when it changes, and back.

use super::{only_containers, site};
use crate::support::{
    docker::{docker, exec, facts, image_id, inspect},
    ran::Running,
    stack::Stack,
    until,
};
use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    time::{Duration, Instant},
};

const WAITS: &str = r#"CMD ["sh", "-c", "trap 'exit 0' TERM; sleep 99999 & wait"]"#;

/// A stack with a product `app` that is built from `products/app/src`.
fn with_app(test: &str, build: &str) -> Option<Stack> {
    let stack = Stack::new(test)?;
    stack.products(&[("app", build)]);
    stack.sites(&format!(
        "  - label: app\n    image: app\n    update: {{settle: 300ms, timeout: 60s}}\n{}",
        site("other", "")
    ));
    Some(stack)
}

fn dockerfile(stack: &Stack, steps: &str) {
    let text = format!("FROM coasti-test/tiny:1\nCOPY . /app\n{steps}\n{WAITS}\n");
    stack.write("products/app/src/Dockerfile", &text);
}

/// Tags of what was built for the product.
fn built(stack: &Stack) -> Vec<String> {
    let of = format!("coasti/{}-app", stack.name());
    let tags = docker(&["images", "--format", "{{.Tag}}", &of]);
    tags.lines().map(str::to_owned).collect()
}

#[test]
fn a_changed_file_is_one_image_and_one_container() {
    let test = "a_changed_file_is_one_image_and_one_container";
    let Some(stack) = with_app(test, "  build: {context: src, args: {WORD: two words}}\n") else {
        return;
    };
    dockerfile(&stack, "ARG WORD\nRUN echo \"$WORD\" > /word");
    stack.write("products/app/src/page", "one");
    stack
        .coasti(&["plan"])
        .expect(0)
        .prints(&["to be built", "1 image to build"]);
    assert_eq!(built(&stack).len(), 0, "a plan built something");
    stack.apply();
    stack.plan(0);
    let (app, other) = (stack.object("app"), stack.object("other"));
    assert_eq!(exec(&app, "cat /app/page /word"), "onetwo words");
    assert_eq!(built(&stack).len(), 1);
    let labels = inspect(&format!("coasti/{}-app:{}", stack.name(), built(&stack)[0]));
    let labels = labels["Config"]["Labels"].clone();
    assert_eq!(labels["coasti.build.stack"], stack.name());
    let (first, stays) = (facts(&app), facts(&other));

    // Times do not count, and whether others may write neither.
    let page = stack.folder().join("products/app/src/page");
    stack.write("products/app/src/page", "one");
    fs::set_permissions(&page, fs::Permissions::from_mode(0o664)).unwrap();
    stack.plan(0);
    stack.write("products/app/src/page", "two");
    stack
        .coasti(&["plan"])
        .expect(0)
        .prints(&["page changed", "products/app/info.yml:5"]);
    stack.apply();
    assert_eq!(exec(&app, "cat /app/page"), "two");
    assert_eq!(facts(&other), stays);
    assert_eq!(built(&stack).len(), 2);
    stack.plan(0);

    // A build that fails has touched nothing, and is told.
    let before = (facts(&app), facts(&other));
    dockerfile(&stack, "RUN echo so far; exit 3");
    let ran = stack.coasti(&["apply", "--yes"]).expect(7);
    ran.says(&[
        "so far",
        "returned a non-zero code: 3",
        "nothing that ran was touched",
    ]);
    assert_eq!((facts(&app), facts(&other)), before);
    let runs = stack.runs();
    assert_eq!(runs[0]["end"]["outcome"], "undone");
    assert!(runs[0]["end"]["logs"].as_str().unwrap().contains("so far"));

    // What does not run is undone as any other image is.
    dockerfile(
        &stack,
        "CMD [\"sh\", \"-c\", \"exit 5\"]\nENTRYPOINT [\"sh\", \"-c\", \"exit 5\"]",
    );
    stack
        .coasti(&["apply", "--yes"])
        .expect(7)
        .says(&["exited with code 5"]);
    assert_eq!(facts(&app).id, before.0.id);

    // Back, whatever the folder has by now: nothing is built for it.
    fs::remove_dir_all(stack.folder().join("products/app/src")).unwrap();
    let tags = built(&stack);
    stack.coasti(&["rollback", "r1", "--yes"]).expect(0);
    assert_eq!(exec(&app, "cat /app/page"), "one");
    assert_eq!(facts(&app).image, first.image);
    assert_eq!(built(&stack), tags);
    only_containers(&stack, &["app", "other"]);

    stack.coasti(&["destroy", "--yes"]).expect(0);
    assert_eq!(built(&stack), tags, "images stay");
}

#[test]
fn what_is_sent_is_what_is_in_the_folder() {
    let test = "what_is_sent_is_what_is_in_the_folder";
    let inline = "  build: {context: src, dockerfile: ../Dockerfile, tags: ['coasti-ct/sent:1']}\n";
    let Some(stack) = with_app(test, inline) else {
        return;
    };
    let text = format!("FROM coasti-test/tiny:1\nCOPY . /app\n{WAITS}\n");
    stack.write("products/app/Dockerfile", &text);
    let long = format!("deep/{}/{}", "a".repeat(120), "b".repeat(120));
    for (path, text) in [
        (".dockerignore", "*.md\n!README.md\nout\n"),
        ("README.md", "read"),
        ("notes.md", "not read"),
        ("out/large", "not sent"),
        (".git/HEAD", "not sent"),
        ("run.sh", "#!/bin/sh\necho ran\n"),
        (long.as_str(), "far down"),
        ("empty/.keep", ""),
    ] {
        stack.write(&format!("products/app/src/{path}"), text);
    }
    let src = stack.folder().join("products/app/src");
    fs::set_permissions(src.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("./run.sh", src.join("start")).unwrap();
    symlink(format!("../{}", "far/".repeat(40)), src.join("far")).unwrap();
    symlink("/etc/passwd", src.join("outside")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(src.join("socket")).unwrap();
    stack.apply();
    stack.plan(0);
    let app = stack.object("app");
    // Neither the Dockerfile, which stands elsewhere, nor what brought it along.
    assert_eq!(
        exec(&app, "cd /app; find . -type f -o -type l | sort"),
        format!(
            "./.dockerignore\n./README.md\n./{long}\n./empty/.keep\n./far\n./outside\n./run.sh\n./start"
        )
    );
    assert_eq!(
        exec(
            &app,
            "/app/start; readlink /app/start; readlink /app/outside; stat -c %u /app/run.sh; readlink /app/far"
        ),
        format!("ran\n./run.sh\n/etc/passwd\n0\n../{}", "far/".repeat(40))
    );
    assert_eq!(image_id("coasti-ct/sent:1"), facts(&app).image);
    docker(&["rmi", "coasti-ct/sent:1"]);
    stack.plan(0);

    // What cannot be sent is told when the files are read.
    rustix::fs::mknodat(
        rustix::fs::CWD,
        src.join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    stack.coasti(&["validate"]).expect(3).says(&[
        "E0200",
        "src/pipe",
        "named pipe",
        ".dockerignore",
    ]);
    stack.write(
        "products/app/src/.dockerignore",
        "*.md\n!README.md\nout\npipe\n",
    );
    stack.coasti(&["validate"]).expect(0);
}

/// Waits until the engine runs a build's command that has this word in it.
fn until_building(word: &str) {
    until("the build's command", Duration::from_secs(60), || {
        commands(word)
    });
}

fn commands(word: &str) -> Option<()> {
    let all = docker(&["ps", "--no-trunc", "--format", "{{.Command}}"]);
    all.contains(word).then_some(())
}

#[test]
fn a_build_that_is_cut_off_leaves_nothing() {
    let test = "a_build_that_is_cut_off_leaves_nothing";
    let Some(stack) = with_app(test, "  build: src\n") else {
        return;
    };
    dockerfile(&stack, "");
    stack.apply();
    let (app, good) = (stack.object("app"), built(&stack));
    let before = facts(&app);
    let word = format!("sleep-of-{}", stack.name());
    let slow = |number: u32| dockerfile(&stack, &format!("RUN : {word} {number}; sleep 600"));
    let begin = |number: u32| -> Running {
        slow(number);
        let running = stack.start(stack.command(&["apply", "--yes"]));
        until_building(&format!("{word} {number}"));
        running
    };
    let over = || {
        let none = || commands(&word).is_none().then_some(());
        until(
            "the engine to give the build up",
            Duration::from_secs(30),
            none,
        );
    };

    let running = begin(1);
    let asked = Instant::now();
    running.interrupt();
    let ran = stack.finish(running).expect(130);
    assert!(
        asked.elapsed() < Duration::from_secs(20),
        "{:?}",
        asked.elapsed()
    );
    ran.says(&["nothing that ran was touched"]);
    over();
    assert_eq!(facts(&app), before);

    let mut running = begin(2);
    running.kill();
    over();
    drop(running);
    stack.coasti(&["status"]).expect(0);
    assert_eq!((facts(&app), built(&stack)), (before, good));
    dockerfile(&stack, "RUN echo after > /after");
    stack.apply();
    assert_eq!(exec(&app, "cat /after"), "after");
    stack.plan(0);
    only_containers(&stack, &["app", "other"]);
}

#[test]
fn what_a_build_says_reaches_the_engine() {
    let build = "  build: {context: src, dockerfile: ../web.Dockerfile, target: Final, network: none, \
                 extra_hosts: {one: 10.9.8.7, two: 10.9.8.6}, shm_size: 32M, platform: linux/amd64, no_cache: true, \
                 cache_from: coasti-test/tiny:1, labels: {org.example.a: b}, args: {WORD: \"two  'words' $x\"}, \
                 tags: [NAME/further:2]}\n";
    let test = "what_a_build_says_reaches_the_engine";
    let Some(stack) = with_app(test, build) else {
        return;
    };
    let build = build.replace("NAME", stack.name());
    stack.products(&[("app", &build)]);
    let text = format!(
        "FROM coasti-test/tiny:1 AS first\nRUN echo first > /first\nFROM coasti-test/tiny:1 AS final\nARG WORD=none\n\
         COPY --from=first /first /\nCOPY . /app\nRUN cat /etc/hosts > /hosts; df -k /dev/shm | tail -1 > /shm; \
         ls /sys/class/net > /nets; echo \"$WORD\" > /word\n{WAITS}\nFROM nosuch:1\n"
    );
    stack.write("products/app/web.Dockerfile", &text);
    stack.write("products/app/src/.dockerignore", "*.log\n!kept.log\n");
    for name in ["a.log", "kept.log", "page"] {
        stack.write(&format!("products/app/src/{name}"), name);
    }
    stack.apply();
    stack.plan(0);
    let app = stack.object("app");
    assert_eq!(
        exec(&app, "ls -A /app").replace('\n', " "),
        ".dockerignore kept.log page"
    );
    assert_eq!(exec(&app, "cat /first /word"), "first\ntwo  'words' $x");
    let hosts = exec(&app, "cat /hosts");
    for line in ["10.9.8.7\tone", "10.9.8.6\ttwo"] {
        assert!(hosts.contains(line), "{hosts}");
    }
    let shm = exec(&app, "cat /shm");
    assert!(shm.contains(" 32768 "), "{shm}");
    assert_eq!(exec(&app, "cat /nets"), "lo");
    let image = inspect(&facts(&app).image);
    assert_eq!(image["Config"]["Labels"]["org.example.a"], "b");
    assert_eq!(image["Architecture"], "amd64");
    let further = format!("{}/further:2", stack.name());
    assert_eq!(image_id(&further), facts(&app).image);
    docker(&["rmi", &further]);
}

#[test]
fn what_only_buildkit_does_is_built_by_it() {
    let test = "what_only_buildkit_does_is_built_by_it";
    let build = "  build: {context: src, dockerfile: ../web.Dockerfile, target: final, args: {WORD: two words}}\n";
    let Some(stack) = with_app(test, build) else {
        return;
    };
    let dockerfile = |step: &str| {
        let text = format!(
            "FROM --platform=$BUILDPLATFORM coasti-test/tiny:1 AS first\nARG TARGETOS\nARG TARGETARCH\n\
             RUN echo \"$TARGETOS/$TARGETARCH\" > /for\nFROM coasti-test/tiny:1 AS final\nARG WORD=none\n\
             RUN --mount=type=cache,target=/cache --mount=type=bind,from=first,target=/first \\\n  \
             cp /first/for /for; touch /cache/x; echo \"$WORD\" > /word\n\
             COPY --chmod=640 page /page\n{step}\n{WAITS}\nFROM nosuch.invalid/x:1\n"
        );
        stack.write("products/app/web.Dockerfile", &text);
    };
    stack.write("products/app/src/page", "one");
    dockerfile("RUN ls /cache || touch /no-cache-in-it");
    stack.apply();
    stack.plan(0);
    let app = stack.object("app");
    assert_eq!(exec(&app, "cat /word /page"), "two words\none");
    assert!(exec(&app, "cat /for").starts_with("linux/"));
    assert_eq!(exec(&app, "stat -c %a /page"), "640");
    let before = facts(&app);

    dockerfile("RUN --mount=type=cache,target=/c echo so far; exit 3");
    let ran = stack.coasti(&["apply", "--yes"]).expect(7);
    ran.says(&["so far", "exit code: 3", "nothing that ran was touched"]);
    assert_eq!(facts(&app), before);

    dockerfile("COPY --from=nosuch.invalid/tools:1 --chmod=1 /x /x");
    let ran = stack.coasti(&["apply", "--yes"]).expect(7);
    ran.says(&["nosuch.invalid", "nothing that ran was touched"]);

    // Cut off, the engine gives it up.
    let word = (100_000 + u32::from(stack.port(0))).to_string();
    dockerfile(&format!("RUN sleep {word}"));
    let mut running = stack.start(stack.command(&["apply", "--yes"]));
    until("the build's command", Duration::from_secs(60), || {
        process(&word)
    });
    running.kill();
    drop(running);
    let none = || process(&word).is_none().then_some(());
    until(
        "the engine to give the build up",
        Duration::from_secs(30),
        none,
    );
    assert_eq!(facts(&app), before);

    dockerfile("RUN echo after > /after");
    stack.apply();
    assert_eq!(exec(&app, "cat /after"), "after");
    stack.plan(0);
}

/// Whether a process is called `sleep` with this word; BuildKit's are in no container of the engine's.
fn process(word: &str) -> Option<()> {
    let all = fs::read_dir("/proc").unwrap().flatten();
    let mut lines = all.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    let wanted = format!("sleep\0{word}\0");
    lines
        .any(|line| line.ends_with(wanted.as_bytes()))
        .then_some(())
}
