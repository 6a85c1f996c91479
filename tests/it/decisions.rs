//! What commands take for given, and what they refuse, after decisions and losses.

use crate::corners::usual;
use crate::support::stacks::{
    Files, ID, STACK, act, apply, apply_files, apply_saved, containers, engine, gathered,
    in_virtual_time, plan, recover, release, saved,
};
use coasti::base::{EngineId, StackId, StackName};
use coasti::diff::Wishes;
use coasti::engine::sim::{Fault, FaultPlan, Sim};
use coasti::engine::{Call, Engine as _};
use coasti::exec::{Events, Stop};
use coasti::observe::Status;
use coasti::ops::{OpError, Who, destroy, hold::Act, status};
use std::time::Duration;

async fn looked(sim: &Sim, files: &Files) -> status::Status {
    // Publishes what the files name.
    drop(gathered(sim, files).await);
    let (name, id) = (StackName::new(STACK), StackId::new(ID));
    let desired = files.desired();
    let status = status::status(sim, &name, Some(&id), Some(&desired)).await;
    status.unwrap()
}

async fn is_bad(sim: &Sim, files: &Files) -> bool {
    looked(sim, files).await.is_bad()
}

/// By hand, as a clean-up does.
async fn remove(sim: &Sim, call: &Call) {
    let limit = Duration::from_secs(9);
    sim.hand().execute(call, limit).await.unwrap();
}

async fn remove_container(sim: &Sim, name: &str) {
    let id = EngineId::new(name);
    remove(sim, &Call::RemoveContainer { id }).await;
}

async fn remove_store(sim: &Sim) {
    remove_container(sim, "coasti.acme.store").await;
    let name = EngineId::new("coasti.acme.store");
    remove(sim, &Call::RemoveVolume { name }).await;
}

#[test]
fn what_was_never_applied_is_not_missed() {
    in_virtual_time(async {
        let sim = engine();
        let mut some = usual();
        some.remove("wiki");
        apply(&sim, &some).await.unwrap();
        assert!(!is_bad(&sim, &Files::of(&some)).await);
        assert!(!is_bad(&sim, &Files::of(&usual())).await);
        apply(&sim, &usual()).await.unwrap();
        assert!(!is_bad(&sim, &Files::of(&usual())).await);
        remove_container(&sim, "acme-wiki").await;
        assert!(is_bad(&sim, &Files::of(&usual())).await);
    });
}

#[test]
fn what_changed_of_what_is_held_wants_an_apply() {
    in_virtual_time(async {
        let sim = engine();
        apply(&sim, &usual()).await.unwrap();
        act(&sim, Act::Stop, "blog").await.unwrap();
        let plain = plan(&sim, &usual()).await;
        assert!(plain.is_empty() && !plain.records());
        let mut changed = usual();
        changed.get_mut("blog").unwrap().env.insert("LEVEL", 7);
        let pending = plan(&sim, &changed).await;
        assert!(pending.is_empty() && pending.records());
        let applied = apply(&sim, &changed).await.unwrap();
        assert_eq!(applied.revision.as_deref(), Some("r2"));
        let after = plan(&sim, &changed).await;
        assert!(after.is_empty() && !after.records());
    });
}

#[test]
fn what_is_removed_stays_so() {
    in_virtual_time(async {
        let sim = engine();
        apply(&sim, &usual()).await.unwrap();
        for (first, then) in [
            (Act::Remove, Act::Stop),
            (Act::Remove, Act::Pause),
            (Act::Stop, Act::Pause),
        ] {
            act(&sim, first, "blog").await.unwrap();
            let held = gathered(&sim, &Files::of(&usual())).await.held();
            let Err(OpError::Usage { what, help }) = act(&sim, then, "blog").await else {
                panic!("{then:?} after {first:?}");
            };
            assert!(what.starts_with("`blog` is held: "), "{what}");
            let how = format!("then `coasti {} blog`", then.word());
            assert!(help[0].ends_with(&how), "{help:?}");
            let now = gathered(&sim, &Files::of(&usual())).await.held();
            assert_eq!(now, held);
            act(&sim, Act::Start, "blog").await.unwrap();
            act(&sim, then, "blog").await.unwrap();
            act(&sim, Act::Start, "blog").await.unwrap();
        }
    });
}

#[test]
fn a_run_that_was_cut_off_is_undone_by_labels_where_the_store_is_gone() {
    for at in 1..60 {
        let over = in_virtual_time(async {
            let sim = engine();
            apply(&sim, &usual()).await.unwrap();
            let before = containers(&sim);
            let mut changed = usual();
            for site in changed.values_mut() {
                site.env.insert("LEVEL", 7);
            }
            sim.forget();
            sim.faults(FaultPlan::new().at(at, Fault::CrashAfter));
            let _ = apply(&sim, &changed).await;
            if !sim.is_dead() {
                return true;
            }
            sim.revive();
            sim.faults(FaultPlan::new());
            release(&sim).await;
            remove_store(&sim).await;
            let down = |name: &str| {
                let one = containers(&sim).remove(name);
                one.is_none_or(|one| one.state.status != Status::Running)
            };
            let was_down = down("acme-blog") || down("acme-wiki");
            let recovered = recover(&sim).await.unwrap();
            if was_down {
                assert!(recovered.is_some(), "{at}: {}", sim.picture());
            }
            for name in ["acme-blog", "acme-wiki"] {
                assert!(!down(name), "{name} at {at}: {}", sim.picture());
                let is_old = containers(&sim)[name].id == before[name].id;
                assert!(is_old || recovered.is_none(), "{name} at {at}");
            }
            apply(&sim, &changed).await.unwrap();
            assert!(plan(&sim, &changed).await.is_empty());
            assert!(sim.violations().is_empty());
            false
        });
        if over {
            assert!(at > 8, "the run is longer than that");
            return;
        }
    }
}

#[test]
fn where_the_store_is_gone_the_files_say_what_is_protected() {
    in_virtual_time(async {
        let sim = engine();
        let files = Files::of(&usual()).deploy(|deploy| {
            deploy["site"][0]["protect"] = true.into();
        });
        apply_files(&sim, &files).await.unwrap();
        let (name, id) = (StackName::new(STACK), StackId::new(ID));
        let who = Who {
            actor: "tester@here".into(),
            commit: None,
            lock_wait: Duration::ZERO,
        };
        let (events, stop) = (Events::default(), Stop::default());
        for store in [true, false] {
            if !store {
                remove_store(&sim).await;
            }
            let said = gathered(&sim, &files).await.sealed.stack;
            let all = Some(&said).filter(|_| !store);
            let done = destroy::destroy(&sim, &name, id.clone(), all, &who, &events, &stop).await;
            let Err(OpError::Policy { what, .. }) = done else {
                panic!("it was destroyed");
            };
            let word = if store {
                "applied with `protect: true`"
            } else {
                "the files say `protect: true`"
            };
            assert!(what.contains("P0306") && what.ends_with(word), "{what}");
        }
        assert_eq!(containers(&sim).len(), 2);
    });
}

#[test]
fn a_secret_that_is_another_one_is_named() {
    in_virtual_time(async {
        let sim = engine();
        apply(&sim, &usual()).await.unwrap();
        let mut changed = usual();
        changed.get_mut("blog").unwrap().env.insert("LEVEL", 7);
        let files = Files::of(&changed);
        let plan = saved(&sim, &files).await;
        let stale = async |files: &Files| match apply_saved(&sim, files, &plan).await {
            Err(OpError::Stale(changed)) => changed,
            other => panic!("{:?}", other.map(|_| ())),
        };
        let rotated = files.replace("the key of level 7", "another key");
        assert_eq!(stale(&rotated).await, ["the secret `key-7`"]);
        changed.get_mut("blog").unwrap().env.insert("MODE", 1);
        assert_eq!(stale(&Files::of(&changed)).await, ["the files"]);
        apply_saved(&sim, &files, &plan).await.unwrap();
    });
}

#[test]
fn what_is_forced_is_among_what_is_looked_at() {
    in_virtual_time(async {
        let sim = engine();
        let gathered = gathered(&sim, &Files::of(&usual())).await;
        let check = |target: &[&str], replace: &str| {
            let wishes = Wishes {
                target: target.iter().map(|label| (*label).to_owned()).collect(),
                replace: [replace.to_owned()].into(),
                ..Wishes::default()
            };
            gathered
                .check_labels(&wishes)
                .map_err(|error| error.to_string())
        };
        assert_eq!(check(&[], "blog"), Ok(()));
        assert_eq!(check(&["blog"], "blog"), Ok(()));
        let why = "--replace blog is not within --target".to_owned();
        assert_eq!(check(&["wiki"], "blog"), Err(why));
    });
}

#[test]
fn status_tells_where_what_runs_is_reached() {
    in_virtual_time(async {
        let sim = engine();
        let mut sites = usual();
        sites.get_mut("blog").unwrap().port = Some(9001);
        apply(&sim, &sites).await.unwrap();
        sites.get_mut("blog").unwrap().port = Some(9002);
        sites.get_mut("wiki").unwrap().port = Some(9003);
        let status = looked(&sim, &Files::of(&sites)).await;
        let urls: Vec<_> = status.apps.iter().flat_map(|app| &app.urls).collect();
        // The other one publishes nothing yet.
        assert_eq!(urls, ["http://127.0.0.1:9001"]);
    });
}
