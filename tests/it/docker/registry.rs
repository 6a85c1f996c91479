//! Pulls from a real registry that wants a login: Debian's `docker-registry`, on loopback, where the engine
//! accepts plain HTTP.

use super::run;
use crate::support::engine::{Prefix, TINY, engine};
use coasti::{
    build::{DOCKERFILE, LABEL_BUILD},
    engine::{Call, ErrorKind, ImageBuild, Look, context, docker::News},
    model::BuildSpec,
};
use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

/// Set for a run of this test binary that pulls: the reference.
const CHILD: &str = "COASTI_TEST_PULL";

/// `me` with a password whose JSON in base64 has a `+`, which the alphabet for addresses has not: bollard
/// writes the one, Docker reads the other and takes what it cannot read for no login at all.
const USER: &str = "me:$2y$04$CKyeKAzKaPyCAPE1Ibkuse5f7Qx.xUFDPacI4C2DaQA6fgCDyOqkO\n";
const PASSWORD: &str = "pa>ss?~~";

/// Not a test by itself: pulls with the `DOCKER_CONFIG` of its own process and says what came of it.
#[tokio::test]
async fn child() {
    let Ok(reference) = std::env::var(CHILD) else {
        return;
    };
    let docker = engine("child").await.unwrap();
    let (sender, mut progress) = tokio::sync::mpsc::unbounded_channel();
    let docker = docker.with_progress(sender);
    let pull = Call::PullImage {
        reference: reference.clone(),
    };
    let digest = docker.remote_digest(&reference).await;
    let pulled = run(&docker, pull).await;
    drop(docker);
    let mut last = None;
    while let Some(news) = progress.recv().await {
        last = Some(news);
    }
    println!(
        "pulled: {:?}; digest: {:?}; complete: {:?}",
        pulled.map_err(|error| error.kind),
        digest.map_err(|error| error.kind),
        last.map(|last| matches!(last.news, News::Pulling(now, all) if now == all && all > 0))
    );
}

/// Not a test by itself: builds likewise.
#[tokio::test]
async fn child_that_builds() {
    let Ok(reference) = std::env::var(CHILD) else {
        return;
    };
    let docker = engine("child").await.unwrap();
    let built = run(&docker, from(&reference)).await;
    let why = built
        .as_ref()
        .err()
        .map_or("", |error| error.message.as_str());
    println!(
        "built: {:?} {why}",
        built.as_ref().err().map(|error| error.kind)
    );
}

/// A build that starts from an image.
fn from(reference: &str) -> Call {
    let folder = std::env::temp_dir().join(format!("coasti-from-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(DOCKERFILE), format!("FROM {reference}\n")).unwrap();
    let rules = context::rules(&folder, DOCKERFILE).unwrap();
    let content = context::look(&folder, &rules).unwrap().digest();
    let spec = BuildSpec {
        bases: [reference.to_owned()].into(),
        ..BuildSpec::new(folder.to_str().unwrap(), content)
    };
    let labels = [(LABEL_BUILD.to_owned(), spec.digest().to_string())];
    Call::BuildImage(Box::new(ImageBuild {
        reference: format!("{reference}-built"),
        pull: BTreeSet::new(),
        spec,
        labels: labels.into(),
    }))
}

struct Registry {
    child: Child,
    folder: PathBuf,
    host: String,
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// None where the program is not installed.
fn registry(prefix: &Prefix) -> Option<Registry> {
    Command::new("docker-registry")
        .arg("--version")
        .output()
        .ok()?;
    let folder = std::env::temp_dir().join(prefix.as_str());
    std::fs::create_dir_all(folder.join("login")).unwrap();
    let users = folder.join("users");
    std::fs::write(&users, USER).unwrap();
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let host = format!("127.0.0.1:{port}");
    let config = folder.join("config.yml");
    let text = format!(
        "version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\n\
         http: {{addr: '{host}'}}\nauth: {{htpasswd: {{realm: test, path: {}}}}}\n",
        folder.join("data").display(),
        users.display()
    );
    std::fs::write(&config, text).unwrap();
    let mut child = Command::new("docker-registry")
        .arg("serve")
        .arg(&config)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let ready = lines.any(|line| line.unwrap().contains("listening on"));
    assert!(ready, "the registry did not start");
    // Else its pipe fills up.
    std::thread::spawn(move || lines.for_each(drop));
    Some(Registry {
        child,
        folder,
        host,
    })
}

fn docker_says(args: &[&str], config: &std::path::Path) {
    let output = Command::new("docker")
        .args(args)
        .env("DOCKER_CONFIG", config)
        .output();
    let output = output.unwrap();
    assert!(output.status.success(), "{args:?}: {output:?}");
}

#[tokio::test]
async fn images_are_pulled_with_the_login_of_dockers_client() {
    const TEST: &str = "images_are_pulled_with_the_login_of_dockers_client";
    let Some(docker) = engine(TEST).await else {
        return;
    };
    let prefix = Prefix::new();
    let Some(registry) = registry(&prefix).filter(|_| docker.info().local) else {
        eprintln!("skipped: {TEST} (no docker-registry here, or the engine is elsewhere)");
        return;
    };
    let login = registry.folder.join("login");
    let none = registry.folder.join("none");
    let reference = format!("{}/{}:1", registry.host, prefix.as_str());
    let output = Command::new("docker")
        .args(["login", "-u", "me", "-p", PASSWORD, &registry.host])
        .env("DOCKER_CONFIG", &login)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    docker_says(&["tag", TINY, &reference], &login);
    docker_says(&["push", "-q", &reference], &login);
    docker_says(&["rmi", &reference], &login);

    let child = |which: &str, config: &std::path::Path| {
        let output = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                &format!("docker::registry::{which}"),
                "--nocapture",
            ])
            .env(CHILD, &reference)
            .env("DOCKER_CONFIG", config)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let said = |line: &&str| line.starts_with("pulled: ") || line.starts_with("built: ");
        let line = text.lines().find(said);
        line.unwrap_or_else(|| panic!("{output:?}")).to_owned()
    };
    // A build has the logins of what it starts from.
    let refused = child("child_that_builds", &none);
    assert!(
        refused.starts_with("built: Some(Denied)") && refused.contains("docker login"),
        "{refused}"
    );
    let built = child("child_that_builds", &login);
    assert!(built.starts_with("built: None"), "{built}");
    docker_says(&["rmi", &format!("{reference}-built"), &reference], &login);

    let refused = child("child", &none);
    assert!(
        refused.starts_with("pulled: Err(Denied); digest: Err(Denied)"),
        "{refused}"
    );
    let pulled = child("child", &login);
    assert!(
        pulled.starts_with("pulled: Ok(Done); digest: Ok(\"sha256:"),
        "{pulled}"
    );
    let image = docker.image(&reference).await.unwrap().unwrap();
    let digest = pulled.split('"').nth(1).unwrap();
    assert!(
        image.digests[0].ends_with(digest),
        "{:?} {digest}",
        image.digests
    );
    docker_says(&["rmi", &reference], &login);

    let missing = reference.replace(":1", ":2");
    let call = Call::PullImage { reference: missing };
    assert_eq!(
        run(&docker, call).await.unwrap_err().kind,
        ErrorKind::Denied
    );
    let nowhere = Call::PullImage {
        reference: "127.0.0.1:9/coasti-dt/none:1".into(),
    };
    let error = run(&docker, nowhere).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Rejected);
    assert!(
        error
            .message
            .contains("cannot reach the registry 127.0.0.1:9"),
        "{error}"
    );
}
