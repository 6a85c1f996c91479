//! What is asked of the engine, and only asked.

use super::{create, made, make_network, run, sleeper};
use crate::support::{
    engine::{Prefix, TINY, engine},
    recorder::Recorder,
};
use coasti::{
    base::StackName,
    engine::{Call, Engine, ErrorKind, Events, Look, Scope, docker::connect},
    model::{Port, Protocol},
};
use std::time::Instant;

#[tokio::test]
async fn a_look_sees_ours_and_others_with_reading_requests_only() {
    let Some(docker) = engine("a_look_sees_ours_and_others_with_reading_requests_only").await
    else {
        return;
    };
    let prefix = Prefix::new();
    let other = Prefix::new();
    let mut spec = sleeper();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let publish = Port {
        bind: [127, 0, 0, 1].into(),
        host: port,
    };
    spec.ports.insert("80/tcp".into(), publish);
    made(
        run(&docker, create(&prefix, "ours", spec.clone()))
            .await
            .unwrap(),
    );
    let theirs = made(run(&docker, create(&other, "theirs", spec)).await.unwrap());
    make_network(&docker, other.name("net"), Some("10.213.7.0/28"))
        .await
        .unwrap();

    let local = docker.info().local;
    let scope = Scope {
        stack: StackName::new(prefix.as_str()),
        images: [TINY.to_owned(), "coasti-dt/none:1".to_owned()].into(),
        adopt: [prefix.name("nobody")].into(),
    };
    assert_eq!(
        docker
            .host()
            .await
            .listening
            .contains(&(Protocol::Tcp, port)),
        local,
        "a port that this process listens on"
    );
    drop(listener);
    run(&docker, Call::Start { id: theirs }).await.unwrap();

    let folder = std::env::temp_dir();
    let socket = folder.join(format!("{}.sock", prefix.as_str()));
    let recorder = Recorder::start(&socket, &docker.info().address).unwrap();
    let docker = connect(Some(&recorder.address())).await.unwrap();
    assert!(!docker.info().local, "behind a proxy nobody knows");
    let seen = docker.observe(&scope).await.unwrap();
    assert_eq!(seen.containers.len(), 1);
    let ours = &seen.containers[&prefix.name("ours")];
    assert_eq!(ours.ports.len(), 1);
    assert_eq!((ours.ports[0].port, ours.state.ever_started), (port, false));
    let theirs = &seen.foreign.containers[&other.name("theirs")];
    assert_eq!(theirs.stack.as_deref(), Some(other.as_str()));
    assert_eq!(theirs.image, TINY);
    assert!(seen.foreign.networks.contains(&other.name("net")));
    let subnet = (other.name("net"), "10.213.7.0/28".parse().unwrap());
    assert!(seen.foreign.subnets.contains(&subnet));
    let published = |p: &&coasti::observe::PublishedPort| p.port == port;
    let published = seen.foreign.ports.iter().find(published).unwrap();
    assert_eq!(published.by, other.name("theirs"));
    let stack = (other.as_str().to_owned(), String::new());
    assert!(seen.foreign.stacks.contains(&stack));
    assert_eq!(seen.images.len(), 1);
    assert!(!seen.images[TINY].id.is_empty());
    docker.read(&prefix.name("ours"), "/etc").await.unwrap();
    assert_eq!(recorder.changes(), Vec::<String>::new());
    assert!(
        recorder
            .lines()
            .iter()
            .any(|line| line.starts_with("GET /v1."))
    );

    let kill = Call::RemoveContainer {
        id: seen.containers[&prefix.name("ours")].id.clone(),
    };
    docker.execute(&kill, super::LIMIT).await.unwrap();
    assert_eq!(recorder.changes().len(), 1);
}

#[tokio::test]
async fn one_that_is_wanted_by_name_is_inspected_whoever_owns_it() {
    let Some(docker) = engine("one_that_is_wanted_by_name_is_inspected").await else {
        return;
    };
    let prefix = Prefix::new();
    made(
        run(&docker, create(&prefix, "lock", sleeper()))
            .await
            .unwrap(),
    );
    let scope = Scope {
        stack: StackName::new("coasti-dt-nobody"),
        images: [].into(),
        adopt: [prefix.name("lock")].into(),
    };
    let seen = docker.observe(&scope).await.unwrap();
    assert!(seen.adoptable.contains_key(&prefix.name("lock")));
    assert!(seen.foreign.containers.contains_key(&prefix.name("lock")));
}

#[tokio::test]
async fn events_are_told_from_the_subscription_on() {
    let Some(docker) = engine("events_are_told_from_the_subscription_on").await else {
        return;
    };
    let prefix = Prefix::new();
    let mut events = docker
        .events(&StackName::new(prefix.as_str()))
        .await
        .unwrap();
    let id = made(run(&docker, create(&prefix, "a", sleeper())).await.unwrap());
    run(&docker, Call::Start { id: id.clone() }).await.unwrap();
    run(
        &docker,
        Call::Stop {
            id: id.clone(),
            timeout: None,
        },
    )
    .await
    .unwrap();
    let mut actions = Vec::new();
    while actions.last().is_none_or(|action| action != "die") {
        let event = events.next().await.unwrap();
        assert_eq!(event.container, id);
        actions.push(event.action);
    }
    assert!(actions.contains(&"create".to_owned()), "{actions:?}");
    assert!(actions.contains(&"start".to_owned()), "{actions:?}");
}

#[tokio::test]
async fn output_and_health_are_read() {
    let Some(docker) = engine("output_and_health_are_read").await else {
        return;
    };
    let prefix = Prefix::new();
    let mut spec = sleeper();
    spec.command = Some(
        [
            "sh",
            "-c",
            "echo one; echo two >&2; echo three; exec sleep 60",
        ]
        .map(coasti::model::Text::plain)
        .into(),
    );
    spec.health = Some(coasti::model::Health {
        test: vec!["CMD-SHELL".into(), "echo sick; exit 1".into()],
        interval: Some(coasti::base::Span::from_millis(100)),
        timeout: None,
        start_period: None,
        retries: Some(1),
        start_interval: None,
    });
    let mut events = docker
        .events(&StackName::new(prefix.as_str()))
        .await
        .unwrap();
    let id = made(run(&docker, create(&prefix, "a", spec)).await.unwrap());
    assert_eq!(docker.health_output(&id).await.unwrap(), None);
    run(&docker, Call::Start { id: id.clone() }).await.unwrap();
    loop {
        if events.next().await.unwrap().action == "health_status: unhealthy" {
            break;
        }
    }
    let output = docker.health_output(&id).await.unwrap();
    assert_eq!(output.as_deref(), Some("exit code 1: sick"));
    let seen = docker.inspect(&id).await.unwrap().unwrap();
    assert_eq!(
        seen.state.health,
        Some(coasti::observe::HealthStatus::Unhealthy)
    );
    let all = docker.logs(&id, 100).await.unwrap().text;
    for line in ["one", "two", "three"] {
        assert!(all.contains(line), "{all}");
    }
    assert_eq!(docker.logs(&id, 1).await.unwrap().text.lines().count(), 1);
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_named() {
    let missing = connect(Some("unix:///coasti/none.sock"))
        .await
        .err()
        .unwrap();
    assert_eq!(missing.kind, ErrorKind::Unreachable);
    assert!(missing.message.contains("unix:///coasti/none.sock"));
    assert!(missing.message.contains("DOCKER_HOST"));
    let Some(docker) = engine("an_engine_that_is_not_there_is_named").await else {
        return;
    };
    let started = Instant::now();
    let again = connect(Some(&docker.info().address)).await.unwrap();
    eprintln!("connecting costs {:?}", started.elapsed());
    assert_eq!(again.info().product, docker.info().product);
    assert!(again.free_space().await.is_some_and(|bytes| bytes > 0) || !again.info().local);
}
