//! What holds for every stack: properties over generated ones, on the simulator.

use crate::support::stacks::{
    BAD, Drift, Files, Sites, apply, apply_saved, apply_wishes, containers, drift, drifts, edited,
    edits, engine, gathered, in_virtual_time, plan, recover, release, saved, sites, wishes,
};
use coasti::{
    diff::Wishes,
    engine::{
        ErrorKind,
        sim::{Fault, FaultPlan, Sim},
    },
    model::MountSource,
    observe::{Container, Status},
    ops::{Before, OpError, Undone},
    plan::Op,
};
use proptest::{prelude::*, sample};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// `PROPTEST_CASES=N` asks for more.
fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        // The same cases every time: a new seed is tried on purpose, not by surprise.
        rng_seed: proptest::test_runner::RngSeed::Fixed(
            std::env::var("COASTI_TEST_SEED")
                .ok()
                .and_then(|seed| seed.parse().ok())
                .unwrap_or(1),
        ),
        failure_persistence: None,
        max_shrink_iters: 400,
        ..ProptestConfig::default()
    }
}

/// Why an operation failed, in full.
fn why(error: &OpError) -> String {
    match error {
        OpError::Failed(failed) => format!("{failed:#?}"),
        OpError::Refused(refusals, _) => format!("{refusals:#?}"),
        other => format!("{other}"),
    }
}

fn fine<T>(what: &str, result: Result<T, OpError>) -> Result<T, TestCaseError> {
    result.map_err(|error| TestCaseError::fail(format!("{what}: {}", why(&error))))
}

/// Promises that nothing may break.
fn kept(sim: &Sim) -> Result<(), TestCaseError> {
    let broken: Vec<_> = sim.violations().iter().map(ToString::to_string).collect();
    prop_assert!(
        broken.is_empty(),
        "{broken:#?}\n{}",
        sim.changes().join("\n")
    );
    Ok(())
}

/// Whether a volume's name is one of files that coasti delivers.
fn is_files(name: &str) -> bool {
    let version = name.rsplit_once("-files-").map(|(_, version)| version);
    version.is_some_and(|version| version.len() == 12)
}

/// When each container was started.
fn started(sim: &Sim) -> BTreeMap<String, String> {
    let all = containers(sim).into_iter();
    all.map(|(name, container)| (name, container.state.started_at))
        .collect()
}

/// Volumes that hold data.
fn data(sim: &Sim) -> BTreeSet<String> {
    let all = sim.volumes().into_iter();
    all.filter(|name| !is_files(name)).collect()
}

/// The volumes of files that a container mounts.
fn files_of(container: &Container) -> Vec<String> {
    let mounts = container.mounts.values();
    let volumes = mounts.filter_map(|mount| match &mount.source {
        MountSource::Volume(name) => Some(name.to_string()),
        _ => None,
    });
    volumes.filter(|name| is_files(name)).collect()
}

/// What the files say runs, and nothing else of ours does.
async fn converged(sim: &Sim, sites: &Sites) -> Result<(), TestCaseError> {
    let again = plan(sim, sites).await;
    prop_assert!(
        again.steps.is_empty() && again.refusals.is_empty(),
        "not converged: {:#?} {:#?}",
        again.changes,
        again.refusals
    );
    let wanted: BTreeSet<String> = sites
        .iter()
        .flat_map(|(label, site)| {
            let app = format!("acme-{label}");
            let providers = site
                .providers
                .iter()
                .map(|name| format!("acme-{label}-{name}"))
                .collect::<Vec<_>>();
            providers.into_iter().chain([app])
        })
        .collect();
    // What somebody killed may be about to be started again by its restart policy.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let there = containers(sim);
    prop_assert_eq!(there.keys().cloned().collect::<BTreeSet<_>>(), wanted);
    let delivered: BTreeSet<String> = sim
        .volumes()
        .into_iter()
        .filter(|name| is_files(name))
        .collect();
    let mounted: BTreeSet<String> = sim.containers().values().flat_map(files_of).collect();
    prop_assert_eq!(delivered, mounted, "files");
    let left: Vec<String> = sim.containers().into_keys().collect();
    let left: Vec<_> = left
        .iter()
        .filter(|name| name.starts_with("coasti.acme-"))
        .collect();
    prop_assert!(left.is_empty(), "{left:?}");
    for (name, container) in there {
        prop_assert_eq!(container.state.status, Status::Running, "{}", name);
    }
    kept(sim)
}

/// The world without volumes (data stays) and without what coasti keeps for itself.
fn picture(sim: &Sim) -> String {
    sim.picture()
        .lines()
        .filter(|line| !line.starts_with("volume ") && !line.contains(" coasti.acme."))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// Ids of running containers, by name.
fn ids(sim: &Sim) -> BTreeMap<String, String> {
    containers(sim)
        .into_iter()
        .map(|(name, container)| (name, container.id.to_string()))
        .collect()
}

/// The containers that ran before run again. What differs in limits alone may change places: the successor
/// that runs gets the old limit, and one that cannot lose its limit in place is made anew.
fn the_same_run(
    sim: &Sim,
    before: &BTreeMap<String, String>,
    old: &Sites,
    new: &Sites,
) -> Result<(), TestCaseError> {
    let now = ids(sim);
    for (name, id) in before {
        let label = name.split('-').nth(1).unwrap_or_default();
        let memory = |sites: &Sites| sites.get(label).and_then(|site| site.memory);
        if memory(old) == memory(new) {
            prop_assert_eq!(now.get(name), Some(id), "{}", sim.changes().join("\n"));
        }
    }
    Ok(())
}

/// The engine comes back whenever it went away.
fn tended(sim: &Sim) -> tokio::task::JoinHandle<()> {
    let sim = sim.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            if !sim.is_up() {
                sim.boot();
            }
        }
    })
}

proptest! {
    #![proptest_config(config(40))]

    /// After an apply, and after each later one, nothing is left to do; a plan changes nothing; what the
    /// edits are not about gets no call.
    #[test]
    fn applies_converge_and_touch_only_what_changed(old in sites(), edits in edits()) {
        in_virtual_time(async {
            let sim = engine();
            fine("first apply", apply(&sim, &old).await)?;
            converged(&sim, &old).await?;
            let (before, volumes) = (ids(&sim), data(&sim));
            let new = edited(&old, &edits);
            sim.forget();
            plan(&sim, &new).await;
            prop_assert_eq!(sim.changes(), Vec::<String>::new(), "a plan changed something");
            let applied = fine("second apply", apply(&sim, &new).await)?;
            prop_assert_eq!(applied.warnings, Vec::<String>::new());
            let touched: BTreeSet<String> = sim
                .history()
                .into_iter()
                .filter(|record| record.changing)
                .flat_map(|record| record.of)
                .collect();
            for (label, site) in &old {
                if new.get(label) == Some(site) {
                    let own = |name: &&String| **name == format!("acme-{label}") || name.starts_with(&format!("acme-{label}-"));
                    let hit: Vec<_> = touched.iter().filter(own).collect();
                    prop_assert!(hit.is_empty(), "{hit:?} touched:\n{}", sim.changes().join("\n"));
                    for (name, id) in before.iter().filter(|(name, _)| own(name)) {
                        prop_assert_eq!(sim.container(name).map(|c| c.id.to_string()), Some(id.clone()));
                    }
                }
            }
            prop_assert!(data(&sim).is_superset(&volumes), "volumes went");
            converged(&sim, &new).await?;
            sim.forget();
            fine("third apply", apply(&sim, &new).await)?;
            let mut changes = sim.changes();
            changes.retain(|change| !change.contains("coasti.acme.lock"));
            prop_assert_eq!(changes, Vec::<String>::new(), "an apply without need changed something");
            Ok(())
        })?;
    }

    /// Two plans of the same world are the same, whatever the order of the files; each has what its steps
    /// need before them.
    #[test]
    fn plans_are_deterministic_and_in_order(old in sites(), edits in edits()) {
        in_virtual_time(async {
            let sim = engine();
            fine("first apply", apply(&sim, &old).await)?;
            let new = edited(&old, &edits);
            let one = gathered(&sim, &Files::of(&new)).await;
            let two = gathered(&sim, &Files::turned(&new)).await;
            prop_assert_eq!(one.sealed.stack.digest(), two.sealed.stack.digest());
            let text = |gathered: &coasti::ops::gather::Gathered| {
                let plan = gathered.plan(&wishes());
                let steps: Vec<_> = plan.steps.iter().map(|step| format!("{step:?}")).collect();
                (plan, steps)
            };
            let ((plan, first), (_, second)) = (text(&one), text(&two));
            prop_assert_eq!(first, second);
            let mut seen = BTreeSet::new();
            for step in &plan.steps {
                prop_assert!(step.needs.is_subset(&seen), "{step:?} stands before what it needs");
                seen.insert(step.id);
            }
            prop_assert_eq!(coasti::plan::check::check(&plan, &one.sealed.stack), Vec::<String>::new());
            // A provider works before its app starts.
            sim.forget();
            // What was saved is what runs, step by step.
            let files = Files::of(&new);
            let plan = saved(&sim, &files).await;
            match apply_saved(&sim, &files, &plan).await {
                // What an image declares changes the order of things; now that it is there, it is known.
                Err(OpError::Stale(_)) if plan.plan.steps.iter().any(|step| step.op.brings_image()) => {
                    let plan = saved(&sim, &files).await;
                    sim.forget();
                    fine("apply of the new plan", apply_saved(&sim, &files, &plan).await)?
                }
                result => fine("second apply", result)?,
            };
            let started: Vec<String> = sim.changes().into_iter().filter(|call| call.starts_with("start container acme-")).collect();
            for (label, site) in &new {
                let app = started.iter().position(|call| call.trim_end_matches(".next") == format!("start container acme-{label}"));
                for name in &site.providers {
                    let provider = started.iter().position(|call| call.trim_end_matches(".next") == format!("start container acme-{label}-{name}"));
                    if let (Some(app), Some(provider)) = (app, provider) {
                        prop_assert!(provider < app, "{label} starts before its {name}: {started:#?}");
                    }
                }
            }
            Ok(())
        })?;
    }

    /// Whatever others did meanwhile, an apply mends it and leaves alone what is not ours.
    #[test]
    fn drift_is_mended(old in sites(), drifts in drifts(), edits in prop::option::of(edits())) {
        in_virtual_time(async {
            let sim = engine();
            fine("first apply", apply(&sim, &old).await)?;
            drift(&sim, &drifts).await;
            let of_others = |sim: &Sim| {
                let others = |line: &&str| line.contains(" copy-") || line.contains(" foreign-");
                sim.picture().lines().filter(others).map(str::to_owned).collect::<Vec<_>>()
            };
            let (others, volumes) = (of_others(&sim), data(&sim));
            let new = edits.map_or(old.clone(), |edits| edited(&old, &edits));
            let renamed = drifts.iter().any(|(_, drift)| matches!(drift, Drift::Rename));
            match apply(&sim, &new).await {
                // One of ours under another name may hold the volume, the port or the network of its successor.
                // It is not touched, and that is said.
                Err(OpError::Refused(..) | OpError::Failed(_) | OpError::NotConverged(_)) if renamed => {
                    return kept(&sim);
                }
                result => fine("apply after drift", result)?,
            };
            prop_assert_eq!(of_others(&sim), others);
            prop_assert!(data(&sim).is_superset(&volumes), "volumes went");
            converged(&sim, &new).await
        })?;
    }

    /// An app that does not come up leaves everything as it was, the same containers running.
    #[test]
    fn what_does_not_work_is_undone(
        old in sites(),
        edits in edits(),
        which in any::<sample::Index>(),
        bad in sample::select(&BAD[..]),
    ) {
        in_virtual_time(async {
            let sim = engine();
            fine("first apply", apply(&sim, &old).await)?;
            let (before, same, starts) = (picture(&sim), ids(&sim), started(&sim));
            let mut new = edited(&old, &edits);
            let labels: Vec<_> = new.keys().copied().collect();
            prop_assume!(!labels.is_empty());
            let site = new.get_mut(which.get(&labels)).unwrap();
            (site.image, site.restart) = (bad, None);
            if bad == "sick" {
                site.health = false;
            }
            // The image may not declare the volume that the one before did.
            let wishes = Wishes {
                new_data: labels.iter().map(|label| label.to_string()).collect(),
                ..wishes()
            };
            let Err(error) = apply_wishes(&sim, &Files::of(&new), wishes).await else {
                return Err(TestCaseError::fail(format!("{bad} was applied")));
            };
            let OpError::Failed(failed) = &error else {
                return Err(TestCaseError::fail(why(&error)));
            };
            // What is said of what ran before is what became of it.
            match &failed.undone {
                Undone::Nothing | Undone::Complete(Before::Untouched) => {
                    prop_assert_eq!(started(&sim), starts);
                }
                Undone::Complete(Before::Again) => {}
                Undone::Complete(Before::Nothing) | Undone::Partly(_) => {
                    return Err(TestCaseError::fail(format!("{failed:#?}")));
                }
            }
            prop_assert_eq!(picture(&sim), before, "{}", sim.changes().join("\n"));
            the_same_run(&sim, &same, &old, &new)?;
            kept(&sim)?;
            converged(&sim, &old).await
        })?;
    }

    /// A failure at any call is undone, or came too late to matter; the next apply gets there.
    #[test]
    fn a_failure_at_any_call_is_undone(
        old in prop::option::of(sites()),
        new in sites(),
        edits in edits(),
        n in 1..70usize,
        kind in sample::select(vec![ErrorKind::Rejected, ErrorKind::DiskFull, ErrorKind::Conflict, ErrorKind::Ambiguous]),
    ) {
        in_virtual_time(async {
            let sim = engine();
            let new = match &old {
                Some(old) => {
                    fine("first apply", apply(&sim, old).await)?;
                    edited(old, &edits)
                }
                None => new,
            };
            let (before, same) = (picture(&sim), ids(&sim));
            let fault = match kind {
                ErrorKind::Ambiguous => Fault::LoseReply,
                kind => Fault::Fail(kind),
            };
            sim.faults(FaultPlan::new().at(n, fault));
            let result = apply(&sim, &new).await;
            sim.faults(FaultPlan::new());
            kept(&sim)?;
            // What an apply that went well leaves to do is told, and takes away only what has no use any more.
            if let Ok(applied) = &result {
                let again = plan(&sim, &new).await;
                prop_assert!(again.refusals.is_empty(), "{:#?}", again.refusals);
                prop_assert!(again.steps.is_empty() || !applied.warnings.is_empty(), "{:#?}", again.changes);
                for step in &again.steps {
                    let tidies = matches!(step.op, Op::Unguard { .. } | Op::RemoveContainer { .. } | Op::RemoveNetwork { .. } | Op::RemoveFiles { .. } | Op::Prepared | Op::Verify { .. });
                    prop_assert!(tidies, "{step:?}");
                }
            }
            // The lock that could not be given back is the next command's trouble.
            let too_late = sim.history().iter().any(|record| {
                record.call == "remove container coasti.acme.lock" && matches!(record.outcome, Some(Err(_)))
            });
            if let Err(error) = &result
                && !too_late
            {
                if let OpError::Failed(failed) = error {
                    prop_assert!(!matches!(failed.undone, Undone::Partly(_)), "{failed:#?}\n{}", sim.changes().join("\n"));
                }
                prop_assert_eq!(picture(&sim), before, "{}\n{}", why(error), sim.changes().join("\n"));
                let old = old.clone().unwrap_or_default();
                the_same_run(&sim, &same, &old, &new)?;
            }
            release(&sim).await;
            let applied = fine("apply after a failure", apply(&sim, &new).await)?;
            prop_assert_eq!(applied.warnings, Vec::<String>::new());
            converged(&sim, &new).await
        })?;
    }

    /// Killed at any call, coasti finds its unfinished run and undoes it; the next apply gets there.
    #[test]
    fn a_kill_at_any_call_is_recovered(
        old in prop::option::of(sites()),
        new in sites(),
        edits in edits(),
        n in 1..70usize,
        after in any::<bool>(),
        straight in any::<bool>(),
    ) {
        in_virtual_time(async {
            let sim = engine();
            let new = match &old {
                Some(old) => {
                    fine("first apply", apply(&sim, old).await)?;
                    edited(old, &edits)
                }
                None => new,
            };
            let fault = if after { Fault::CrashAfter } else { Fault::CrashBefore };
            sim.faults(FaultPlan::new().at(n, fault));
            let _ = apply(&sim, &new).await;
            let killed = sim.is_dead();
            sim.revive();
            sim.faults(FaultPlan::new());
            kept(&sim)?;
            release(&sim).await;
            if killed && !straight {
                match recover(&sim).await {
                    // Killed before there was a store.
                    Err(OpError::Usage { .. }) => {}
                    result => drop(fine("recover", result)?),
                }
                kept(&sim)?;
                let open = gathered(&sim, &Files::of(&new)).await.open;
                prop_assert_eq!(open, None);
            }
            fine("apply after a kill", apply(&sim, &new).await)?;
            converged(&sim, &new).await
        })?;
    }

    /// The engine dies at any call and comes back: never do two containers run on one volume.
    #[test]
    fn an_engine_that_dies_at_any_call_loses_nothing(
        old in sites(),
        edits in edits(),
        n in 1..70usize,
        after in any::<bool>(),
    ) {
        in_virtual_time(async {
            let sim = engine();
            let tender = tended(&sim);
            fine("first apply", apply(&sim, &old).await)?;
            let new = edited(&old, &edits);
            let fault = if after { Fault::EngineCrashAfter } else { Fault::EngineCrashBefore };
            sim.faults(FaultPlan::new().at(n, fault));
            let _ = apply(&sim, &new).await;
            sim.faults(FaultPlan::new());
            tokio::time::sleep(Duration::from_secs(10)).await;
            kept(&sim)?;
            release(&sim).await;
            fine("apply after the engine died", apply(&sim, &new).await)?;
            tender.abort();
            converged(&sim, &new).await
        })?;
    }
}
