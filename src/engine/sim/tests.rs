//! What the conformance scripts cannot show on a real engine: faults, crashes, the ledger, virtual time.

use super::*;
use crate::base::{Secret, Span};
use crate::engine::ContainerCreate;
use crate::model::{ContainerSpec, Health, Mount, MountSource, Protocol, Restart, RestartName};
use crate::observe::{HealthStatus, LABEL_RESOURCE, Status};
use std::collections::BTreeMap;

const LIMIT: Duration = Duration::from_secs(60);

fn create(name: &str, spec: ContainerSpec) -> Call {
    let stack = (LABEL_STACK.to_owned(), "t".to_owned());
    let resource = (LABEL_RESOURCE.to_owned(), "container:a".to_owned());
    Call::CreateContainer(Box::new(ContainerCreate {
        name: name.to_owned(),
        spec,
        env: BTreeMap::new(),
        command: None,
        entrypoint: None,
        files: None,
        labels: [stack, resource].into(),
    }))
}

fn spec(image: &str, restart: RestartName) -> ContainerSpec {
    let mut spec = ContainerSpec {
        image: image.to_owned(),
        ..ContainerSpec::default()
    };
    spec.live.restart = Restart {
        name: restart,
        max_retries: 0,
    };
    spec
}

fn with_data(mut spec: ContainerSpec) -> ContainerSpec {
    let mount = Mount::from(MountSource::Volume(EngineId::new("data")));
    spec.mounts.insert("/data".into(), mount);
    spec
}

fn start(name: &str) -> Call {
    let id = EngineId::new(name);
    Call::Start { id }
}

fn stop(name: &str) -> Call {
    let id = EngineId::new(name);
    Call::Stop { id, timeout: None }
}

fn sim() -> Sim {
    let sim = Sim::new();
    sim.add_image("app", SimImage::new(Behaviour::Runs));
    sim
}

async fn run(sim: &Sim, name: &str, spec: ContainerSpec) {
    sim.execute(&create(name, spec), LIMIT).await.unwrap();
    sim.execute(&start(name), LIMIT).await.unwrap();
}

fn status(sim: &Sim, name: &str) -> Status {
    sim.container(name).unwrap().state.status
}

#[tokio::test(start_paused = true)]
async fn a_health_check_turns_with_time_and_wakes_who_listens() {
    let sim = sim();
    let health = Health {
        test: vec!["CMD".into(), "true".into()],
        interval: Some(Span::from_secs(5)),
        timeout: None,
        start_period: None,
        retries: None,
        start_interval: None,
    };
    let image = SimImage::new(Behaviour::HealthyAfter(Span::from_secs(7))).health(health);
    sim.add_image("db", image);
    let mut events = sim.events(&StackName::new("t")).await.unwrap();
    run(&sim, "db", spec("db", RestartName::Always)).await;
    let mut heard = Vec::new();
    while let Some(event) = events.next().await {
        heard.push(event.action);
        if heard.len() == 3 {
            break;
        }
    }
    assert_eq!(heard, ["create", "start", "health_status: healthy"]);
    let state = sim.container("db").unwrap().state;
    assert_eq!(state.health, Some(HealthStatus::Healthy));
    assert_eq!(sim.clock.now(), 10_000);
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_the_restart_policies_decide() {
    let sim = sim();
    use RestartName::{Always, No, OnFailure, UnlessStopped};
    for (name, policy) in [
        ("always", Always),
        ("unless", UnlessStopped),
        ("failure", OnFailure),
        ("no", No),
        ("always-stopped", Always),
        ("unless-stopped", UnlessStopped),
        ("prev", No),
    ] {
        run(&sim, name, spec("app", policy)).await;
    }
    for name in ["always-stopped", "unless-stopped", "prev"] {
        sim.execute(&stop(name), LIMIT).await.unwrap();
    }
    sim.execute(&create("never", spec("app", Always)), LIMIT)
        .await
        .unwrap();
    sim.crash();
    let error = sim.execute(&start("no"), LIMIT).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    sim.boot();
    let running: Vec<_> = sim
        .containers()
        .into_iter()
        .filter(|(_, unit)| unit.state.status == Status::Running)
        .map(|(name, _)| name)
        .collect();
    assert_eq!(running, ["always", "always-stopped", "failure", "unless"]);
    assert_eq!(status(&sim, "never"), Status::Created);
}

#[tokio::test(start_paused = true)]
async fn faults_hit_where_they_were_ordered() {
    let sim = sim();
    sim.execute(&create("aa", spec("app", RestartName::No)), LIMIT)
        .await
        .unwrap();
    sim.faults(
        FaultPlan::new()
            .at(1, Fault::Fail(ErrorKind::DiskFull))
            .at(2, Fault::LoseReply)
            .on("stop container aa", Fault::CrashBefore),
    );
    let kind = |result: Result<Done, EngineError>| result.unwrap_err().kind;
    assert_eq!(
        kind(sim.execute(&start("aa"), LIMIT).await),
        ErrorKind::DiskFull
    );
    assert_eq!(status(&sim, "aa"), Status::Created);
    assert_eq!(
        kind(sim.execute(&start("aa"), LIMIT).await),
        ErrorKind::Ambiguous
    );
    assert_eq!(status(&sim, "aa"), Status::Running);
    assert_eq!(
        kind(sim.execute(&stop("aa"), LIMIT).await),
        ErrorKind::Unreachable
    );
    assert_eq!(status(&sim, "aa"), Status::Running);
    // Only this caller is dead.
    assert!(sim.inspect(&EngineId::new("aa")).await.is_err());
    let other = sim.caller("other");
    assert!(other.inspect(&EngineId::new("aa")).await.unwrap().is_some());
    sim.revive();
    sim.execute(&stop("aa"), LIMIT).await.unwrap();
    assert_eq!(
        sim.changes(),
        [
            "create container aa",
            "start container aa: DiskFull",
            "start container aa: Ambiguous",
            "stop container aa: Unreachable",
            "stop container aa",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_dies_ends_streams_and_containers() {
    let sim = sim();
    run(&sim, "aa", spec("app", RestartName::Always)).await;
    let mut events = sim.events(&StackName::new("t")).await.unwrap();
    sim.faults(FaultPlan::new().on("stop", Fault::EngineCrashAfter));
    let error = sim.execute(&stop("aa"), LIMIT).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Ambiguous);
    let mut last = None;
    while let Some(event) = events.next().await {
        last = Some(event.action);
    }
    assert_eq!(last.as_deref(), Some("stop"));
    sim.boot();
    assert_eq!(status(&sim, "aa"), Status::Running);
}

#[tokio::test(start_paused = true)]
async fn what_never_may_happen_is_noted() {
    let sim = sim();
    run(&sim, "aa", with_data(spec("app", RestartName::No))).await;
    assert_eq!(sim.violations(), []);
    run(&sim, "aa.next", with_data(spec("app", RestartName::No))).await;
    for name in ["aa", "aa.next"] {
        let id = EngineId::new(name);
        sim.execute(&Call::RemoveContainer { id }, LIMIT)
            .await
            .unwrap();
    }
    let name = EngineId::new("data");
    sim.execute(&Call::RemoveVolume { name }, LIMIT)
        .await
        .unwrap();
    let violations: Vec<_> = sim.violations().iter().map(ToString::to_string).collect();
    assert_eq!(
        violations,
        [
            "aa and aa.next ran at once on data",
            "coasti removed the volume data"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_over_its_limit_still_happens() {
    let sim = sim();
    sim.execute(&create("aa", spec("app", RestartName::No)), LIMIT)
        .await
        .unwrap();
    sim.faults(FaultPlan::new().at(1, Fault::Slow(Duration::from_secs(9))));
    let error = sim
        .execute(&start("aa"), Duration::from_secs(5))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Ambiguous);
    assert_eq!(status(&sim, "aa"), Status::Created);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(status(&sim, "aa"), Status::Running);
}

#[tokio::test(start_paused = true)]
async fn ports_and_pools_run_out_as_they_do_on_docker() {
    let sim = sim();
    sim.take_port(Protocol::Tcp, 8100);
    let mut spec = spec("app", RestartName::No);
    let port = crate::model::Port {
        bind: [127, 0, 0, 1].into(),
        host: 8100,
    };
    spec.ports.insert("80/tcp".into(), port);
    sim.execute(&create("aa", spec), LIMIT).await.unwrap();
    let error = sim.execute(&start("aa"), LIMIT).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::PortTaken);
    let state = sim.container("aa").unwrap().state;
    assert_eq!((state.status, state.exit_code), (Status::Created, 128));
    let mut made = 0;
    loop {
        let call = Call::CreateNetwork {
            name: format!("n{made}"),
            labels: BTreeMap::new(),
            spec: Default::default(),
        };
        match sim.execute(&call, LIMIT).await {
            Ok(_) => made += 1,
            Err(error) => {
                assert_eq!(error.kind, ErrorKind::PoolOverlap);
                break;
            }
        }
    }
    assert_eq!(made, 30);
}

#[tokio::test]
async fn image_archives_are_loaded() {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, text) in [
        (
            "manifest.json",
            r#"[{"Config":"c.json","RepoTags":["it:1"]}]"#,
        ),
        (
            "c.json",
            r#"{"config":{"Volumes":{"/v":{}},"Env":["A=b"]}}"#,
        ),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    let file = std::env::temp_dir().join(format!("coasti-sim-{}.tar", std::process::id()));
    std::fs::write(&file, tar.into_inner().unwrap()).unwrap();
    let sim = sim();
    let archive = file.clone();
    let loaded = sim.execute(&Call::LoadImage { archive }, LIMIT).await;
    std::fs::remove_file(&file).unwrap();
    loaded.unwrap();
    let image = sim.image("it:1").await.unwrap().unwrap();
    assert!(image.volumes.contains("/v"));
    assert_eq!(image.env.get("A").map(String::as_str), Some("b"));
    let argv = vec![Secret::new("x".to_owned())];
    run(&sim, "aa", spec("it:1", RestartName::No)).await;
    let exec = Call::Exec {
        container: EngineId::new("aa"),
        argv,
        env: BTreeMap::new(),
        user: None,
    };
    let ran = sim.execute(&exec, LIMIT).await.unwrap();
    assert!(matches!(ran, Done::Ran { code: 0, .. }));
}
