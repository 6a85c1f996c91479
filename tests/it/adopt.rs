//! Containers of somebody else's that the files take over: what holds whatever goes wrong, on the simulator.

use crate::support::stacks::{
    BAD, Files, Sites, apply_files, containers, engine, gathered, in_virtual_time, pulled_sites,
    recover, release, wishes,
};
use coasti::{
    base::{EngineId, ResourceId, Secret, ValueId},
    engine::{
        Call, ContainerCreate, Engine, ErrorKind,
        sim::{Fault, FaultPlan, Sim},
    },
    model::{ContainerSpec, LiveSpec, MountSource, Restart, RestartName, Text},
    observe::{Container, Status},
    ops::{OpError, Undone},
};
use proptest::{prelude::*, sample};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// `PROPTEST_CASES=N` asks for more, `COASTI_TEST_SEED=N` for others.
fn config(cases: u32) -> ProptestConfig {
    let number = |name| std::env::var(name).ok()?.parse::<u32>().ok();
    ProptestConfig {
        cases: number("PROPTEST_CASES").unwrap_or(cases),
        rng_seed: proptest::test_runner::RngSeed::Fixed(
            number("COASTI_TEST_SEED").unwrap_or(1).into(),
        ),
        failure_persistence: None,
        max_shrink_iters: 200,
        ..ProptestConfig::default()
    }
}

/// What the old containers are like.
#[derive(Clone, Debug)]
struct Old {
    restart: &'static str,
    stopped: bool,
    paused: bool,
    /// Whether the files name their ids as well.
    exact: bool,
}

fn old() -> impl Strategy<Value = Old> {
    let restart = sample::select(vec!["always", "no", "unless-stopped"]);
    let rare = || prop::bool::weighted(0.2);
    (restart, rare(), rare(), any::<bool>()).prop_map(|(restart, stopped, paused, exact)| Old {
        restart,
        stopped,
        paused,
        exact,
    })
}

fn name_of(id: &ResourceId) -> String {
    format!("old-{}", id.address.replace('/', "-"))
}

/// The value that somebody else generated.
fn secret_of(id: &ValueId) -> String {
    format!("theirs-{}", id.as_str().replace('/', "-"))
}

/// Runs what `sites` say by hand, under names, volumes and values of somebody else's; the files take it over.
async fn by_hand(sim: &Sim, sites: &Sites, old: &Old) -> Files {
    let hand = sim.hand();
    let run = async |call: Call| {
        hand.execute(&call, Duration::from_secs(99)).await.unwrap();
    };
    let plain = Files::of(sites);
    let stack = gathered(sim, &plain).await.sealed.stack;
    for reference in stack.resources.iter().filter_map(|(id, resource)| {
        (id.kind == coasti::base::Kind::Image).then_some(resource.name.clone())
    }) {
        // What is not there cannot have run.
        let pull = Call::PullImage { reference };
        let _ = hand.execute(&pull, Duration::from_secs(99)).await;
    }
    // Now that images are there, it is known what they declare.
    let stack = gathered(sim, &plain).await.sealed.stack;
    let mut adopts: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut volumes: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut all: Vec<_> = stack.containers().collect();
    // Providers first.
    all.sort_by_key(|(id, ..)| (id.label().to_owned(), !id.address.contains('/')));
    for (id, _, spec) in all {
        let name = name_of(id);
        let own = id.address.rsplit('/').next().unwrap().to_owned();
        let mut mounts = spec.mounts.clone();
        for (path, mount) in &mut mounts {
            if let MountSource::Volume(volume) = &mut mount.source {
                *volume = EngineId::new(format!(
                    "{name}-{}",
                    path.trim_matches('/').replace('/', "-")
                ));
                let entry = json!({"name": volume.as_str(), "external": true, "target": path});
                volumes.entry(id.address.clone()).or_default().push(entry);
            }
        }
        let text = |text: &Text| -> String {
            let part = |part: &coasti::model::Part| match part {
                coasti::model::Part::Plain(text) => text.clone(),
                coasti::model::Part::Value(value) => secret_of(&value.id),
            };
            text.parts().iter().map(part).collect()
        };
        let env = spec.env.iter();
        let env = env.map(|(name, value)| (name.clone(), Secret::new(text(value))));
        let restart = match old.restart {
            "no" => RestartName::No,
            "always" => RestartName::Always,
            _ => RestartName::UnlessStopped,
        };
        let create = ContainerCreate {
            name: name.clone(),
            env: env.collect(),
            command: None,
            entrypoint: None,
            files: None,
            labels: BTreeMap::new(),
            spec: ContainerSpec {
                image: spec.image.clone(),
                ports: spec.ports.clone(),
                health: spec.health.clone(),
                mounts,
                live: LiveSpec {
                    restart: Restart {
                        name: restart,
                        max_retries: 0,
                    },
                    ..LiveSpec::default()
                },
                ..ContainerSpec::default()
            },
        };
        // An image that is not there was never run.
        let made = hand
            .execute(
                &Call::CreateContainer(Box::new(create)),
                Duration::from_secs(99),
            )
            .await;
        if made.is_err() {
            continue;
        }
        sim.may_adopt(&name);
        let engine_id = EngineId::new(&name);
        if !old.stopped {
            run(Call::Start {
                id: engine_id.clone(),
            })
            .await;
        }
        if old.paused && !old.stopped {
            run(Call::Pause { id: engine_id }).await;
        }
        let what = match old.exact {
            true => format!("{name}@{}", sim.container(&name).unwrap().id),
            false => name,
        };
        adopts
            .entry(id.label().to_owned())
            .or_default()
            .insert(own, what);
    }
    // What has a health check is healthy by now.
    tokio::time::sleep(Duration::from_secs(10)).await;
    plain.deploy(|deploy| {
        for site in deploy["site"].as_array_mut().unwrap() {
            let label = site["label"].as_str().unwrap().to_owned();
            site["adopt"] = json!(adopts.get(&label));
            site["volume"] = json!(volumes.get(&label));
            let within = format!("{label}/");
            let providers = volumes.iter().filter_map(|(address, volumes)| {
                let name = address.strip_prefix(&within)?;
                Some(json!({"name": name, "volume": volumes}))
            });
            site["provider"] = providers.collect();
        }
    })
}

/// The containers of somebody else's: name, id, what they do, restart policy.
fn theirs(sim: &Sim) -> BTreeMap<String, String> {
    let all = sim.containers().into_iter();
    let theirs = all.filter(|(name, _)| name.starts_with("old-"));
    theirs
        .map(|(name, container): (String, Container)| {
            let what = format!(
                "{} {} {:?}",
                container.id,
                container.state.status.word(),
                container.live.restart
            );
            (name, what)
        })
        .collect()
}

fn kept(sim: &Sim) -> Result<(), TestCaseError> {
    let broken: Vec<_> = sim.violations().iter().map(ToString::to_string).collect();
    prop_assert!(
        broken.is_empty(),
        "{broken:#?}\n{}",
        sim.changes().join("\n")
    );
    Ok(())
}

fn old_volumes(sim: &Sim) -> BTreeSet<String> {
    let all = sim.volumes().into_iter();
    all.filter(|name| name.starts_with("old-")).collect()
}

fn fine<T>(what: &str, result: Result<T, OpError>) -> Result<T, TestCaseError> {
    result.map_err(|error| {
        let why = match &error {
            OpError::Failed(failed) => format!("{failed:#?}"),
            OpError::Refused(refusals, _) => format!("{refusals:#?}"),
            other => other.to_string(),
        };
        TestCaseError::fail(format!("{what}: {why}"))
    })
}

/// All is taken over: nothing of theirs runs any more, ours run on their volumes with their values, and
/// nothing is left to do.
async fn taken_over(
    sim: &Sim,
    files: &Files,
    volumes: &BTreeSet<String>,
) -> Result<(), TestCaseError> {
    kept(sim)?;
    prop_assert_eq!(theirs(sim), BTreeMap::new());
    prop_assert!(old_volumes(sim).is_superset(volumes), "volumes went");
    let now = gathered(sim, files).await;
    let plan = now.plan(&wishes());
    prop_assert!(plan.is_empty(), "{:#?} {:#?}", plan.changes, plan.refusals);
    for (name, container) in containers(sim) {
        prop_assert_eq!(container.state.status, Status::Running, "{}", name);
        for mount in container.mounts.values() {
            if let MountSource::Volume(volume) = &mount.source {
                let own = volume.as_str();
                prop_assert!(own.starts_with("old-") || own.contains("-files-"), "{own}");
            }
        }
    }
    for (id, _, spec) in now.sealed.stack.containers() {
        let container = &containers(sim)[&format!("acme-{}", id.address.replace('/', "-"))];
        for (name, text) in &spec.env {
            if let Some(value) = text.as_value()
                && now
                    .sealed
                    .generate
                    .get(&value.id)
                    .is_some_and(|g| g.persistent)
            {
                let real = container.env[name].expose();
                prop_assert_eq!(real, &secret_of(&value.id), "{}", name);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(32))]

    /// An apply takes everything over, with its data and its values.
    #[test]
    fn what_is_named_is_taken_over(sites in pulled_sites(), old in old()) {
        in_virtual_time(async {
            let sim = engine();
            let files = by_hand(&sim, &sites, &old).await;
            let (before, volumes) = (theirs(&sim), old_volumes(&sim));
            sim.forget();
            gathered(&sim, &files).await.plan(&wishes());
            prop_assert_eq!(sim.changes(), Vec::<String>::new(), "a plan changed something");
            prop_assert_eq!(theirs(&sim), before);
            let applied = fine("apply", apply_files(&sim, &files).await)?;
            prop_assert_eq!(applied.warnings, Vec::<String>::new());
            taken_over(&sim, &files, &volumes).await
        })?;
    }

    /// What does not come up gives way to what was there before: the same containers.
    #[test]
    fn what_does_not_work_gives_them_back(
        sites in pulled_sites(),
        old in old(),
        which in any::<sample::Index>(),
        bad in sample::select(&BAD[..]),
    ) {
        in_virtual_time(async {
            let sim = engine();
            let files = by_hand(&sim, &sites, &old).await;
            let before = theirs(&sim);
            let labels: Vec<_> = sites.keys().copied().collect();
            let label = which.get(&labels);
            let mut broken = sites.clone();
            let site = broken.get_mut(label).unwrap();
            (site.image, site.restart) = (bad, None);
            if bad == "sick" {
                site.health = false;
            }
            let files = Files::of(&broken).with_deploy(&files);
            let Err(error) = apply_files(&sim, &files).await else {
                return Err(TestCaseError::fail(format!("{bad} was applied")));
            };
            if let OpError::Failed(failed) = &error {
                prop_assert!(!matches!(failed.undone, Undone::Partly(_)), "{failed:#?}\n{}", sim.changes().join("\n"));
            }
            prop_assert_eq!(theirs(&sim), before, "{}", sim.changes().join("\n"));
            prop_assert_eq!(containers(&sim).len(), 0);
            kept(&sim)
        })?;
    }

    /// A failure at any call brings them back, or came too late to matter; the next apply gets there.
    #[test]
    fn a_failure_at_any_call_gives_them_back(
        sites in pulled_sites(),
        old in old(),
        n in 1..60usize,
        kind in sample::select(vec![ErrorKind::Rejected, ErrorKind::DiskFull, ErrorKind::Ambiguous]),
    ) {
        in_virtual_time(async {
            let sim = engine();
            let files = by_hand(&sim, &sites, &old).await;
            let (before, volumes) = (theirs(&sim), old_volumes(&sim));
            let fault = match kind {
                ErrorKind::Ambiguous => Fault::LoseReply,
                kind => Fault::Fail(kind),
            };
            sim.faults(FaultPlan::new().at(n, fault));
            let result = apply_files(&sim, &files).await;
            sim.faults(FaultPlan::new());
            kept(&sim)?;
            if let Err(OpError::Failed(failed)) = &result {
                prop_assert!(!matches!(failed.undone, Undone::Partly(_)), "{failed:#?}\n{}", sim.changes().join("\n"));
                prop_assert_eq!(theirs(&sim), before, "{}", sim.changes().join("\n"));
                prop_assert_eq!(containers(&sim).len(), 0);
            }
            release(&sim).await;
            fine("apply after a failure", apply_files(&sim, &files).await)?;
            taken_over(&sim, &files, &volumes).await
        })?;
    }

    /// Killed at any call: `recover` brings them back, and an apply goes on.
    #[test]
    fn a_kill_at_any_call_loses_none(
        sites in pulled_sites(),
        old in old(),
        n in 1..60usize,
        after in any::<bool>(),
        straight in any::<bool>(),
        again in prop::option::of(1..20usize),
    ) {
        in_virtual_time(async {
            let sim = engine();
            let files = by_hand(&sim, &sites, &old).await;
            let (before, volumes) = (theirs(&sim), old_volumes(&sim));
            let fault = || if after { Fault::CrashAfter } else { Fault::CrashBefore };
            sim.faults(FaultPlan::new().at(n, fault()));
            let _ = apply_files(&sim, &files).await;
            let killed = sim.is_dead();
            sim.revive();
            // What goes on, or puts back, may be killed as well.
            if let Some(m) = again.filter(|_| killed) {
                sim.faults(FaultPlan::new().at(m, fault()));
                release(&sim).await;
                let _ = match straight {
                    true => apply_files(&sim, &files).await.map(drop),
                    false => recover(&sim).await.map(drop),
                };
                sim.revive();
            }
            sim.faults(FaultPlan::new());
            kept(&sim)?;
            release(&sim).await;
            if killed && !straight {
                let good = gathered(&sim, &files).await.peek.head.is_some_and(|head| head.good.is_some());
                match recover(&sim).await {
                    // Killed before there was a store.
                    Err(OpError::Usage { .. }) => {}
                    result => drop(fine("recover", result)?),
                }
                kept(&sim)?;
                if !good {
                    prop_assert_eq!(theirs(&sim), before, "{}", sim.changes().join("\n"));
                    prop_assert_eq!(containers(&sim).len(), 0);
                }
            }
            fine("apply after a kill", apply_files(&sim, &files).await)?;
            taken_over(&sim, &files, &volumes).await
        })?;
    }

    /// Killed, and then failed where the next apply went on: they come back as they were before both.
    #[test]
    fn a_failure_after_a_kill_gives_them_back(
        sites in pulled_sites(),
        old in old(),
        n in 8..35usize,
        m in 3..20usize,
    ) {
        in_virtual_time(async {
            let sim = engine();
            let files = by_hand(&sim, &sites, &old).await;
            let before = theirs(&sim);
            sim.faults(FaultPlan::new().at(n, Fault::CrashAfter));
            let _ = apply_files(&sim, &files).await;
            sim.revive();
            release(&sim).await;
            let good = gathered(&sim, &files).await.peek.head.is_some_and(|head| head.good.is_some());
            sim.faults(FaultPlan::new().at(m, Fault::Fail(ErrorKind::Rejected)));
            let result = apply_files(&sim, &files).await;
            sim.faults(FaultPlan::new());
            if let Err(OpError::Failed(_)) = &result
                && !good
            {
                prop_assert_eq!(theirs(&sim), before, "{}", sim.changes().join("\n"));
                prop_assert_eq!(containers(&sim).len(), 0);
            }
            kept(&sim)
        })?;
    }

    /// The engine dies at any call and comes back: never do two run on one volume.
    #[test]
    fn an_engine_that_dies_loses_none(sites in pulled_sites(), old in old(), n in 1..60usize, after in any::<bool>()) {
        in_virtual_time(async {
            let sim = engine();
            let files = by_hand(&sim, &sites, &old).await;
            let volumes = old_volumes(&sim);
            let tender = {
                let sim = sim.clone();
                tokio::spawn(async move {
                    loop {
                        tokio::time::sleep(Duration::from_secs(5)).await;
                        if !sim.is_up() {
                            sim.boot();
                        }
                    }
                })
            };
            let fault = if after { Fault::EngineCrashAfter } else { Fault::EngineCrashBefore };
            sim.faults(FaultPlan::new().at(n, fault));
            let _ = apply_files(&sim, &files).await;
            sim.faults(FaultPlan::new());
            tokio::time::sleep(Duration::from_secs(10)).await;
            kept(&sim)?;
            release(&sim).await;
            fine("apply after the engine died", apply_files(&sim, &files).await)?;
            tender.abort();
            taken_over(&sim, &files, &volumes).await
        })?;
    }
}
