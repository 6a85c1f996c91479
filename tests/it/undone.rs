//! What a run that came to nothing leaves: data, and who wrote to it.

use crate::corners::usual;
use crate::support::stacks::{
    Files, Sites, apply, apply_files, containers, destroy, engine, in_virtual_time, recover,
    release,
};
use coasti::engine::sim::{Fault, FaultPlan, Sim};
use coasti::ops::{Before, OpError, Undone};

/// A site with a database, which starts before the site does.
fn with_database(image: &'static str) -> Sites {
    let mut sites = usual();
    sites.remove("wiki");
    let blog = sites.get_mut("blog").unwrap();
    (blog.volume, blog.image) = (false, image);
    blog.providers.insert("postgres");
    sites
}

/// The same, with something else said of the database.
fn saying(sites: &Sites, what: &str) -> Files {
    let module = "\"module-name\":\"postgres\"";
    Files::of(sites).replace(module, &format!("{module},{what}"))
}

/// Data that a database made is guarded, until the files say again what it was made with.
async fn is_guarded(sim: &Sim, sites: &Sites, case: &str) {
    for (code, what) in [
        ("P0301", "\"module-version\":\"==14.6\""),
        ("P0302", "\"env\":{\"POSTGRES_PASSWORD\":\"another\"}"),
    ] {
        let others = saying(sites, what);
        match apply_files(sim, &others).await {
            Err(OpError::Refused(refusals, _)) => assert_eq!(refusals[0].code, code, "{case}"),
            other => panic!("{case}: {what} got the data: {:?}", other.map(|_| ())),
        }
    }
    apply(sim, sites).await.unwrap();
    assert!(sim.violations().is_empty());
}

#[test]
fn what_a_failed_run_made_a_databases_data_with_counts() {
    for first in [true, false] {
        in_virtual_time(async {
            let sim = engine();
            if !first {
                let mut others = usual();
                others.remove("blog");
                apply(&sim, &others).await.unwrap();
            }
            let mut broken = with_database("exits");
            let mut works = with_database("plain");
            if !first {
                broken.insert("wiki", usual()["wiki"].clone());
                works.insert("wiki", usual()["wiki"].clone());
            }
            let Err(OpError::Failed(failed)) = apply(&sim, &broken).await else {
                panic!("it works");
            };
            let before = if first {
                Before::Nothing
            } else {
                Before::Untouched
            };
            assert_eq!(failed.undone, Undone::Complete(before));
            assert_eq!(
                failed.kept.volumes,
                ["acme-blog-postgres-postgres-data"],
                "first: {first}"
            );
            // Also after another one that comes to nothing.
            apply(&sim, &broken).await.unwrap_err();
            is_guarded(&sim, &works, &format!("first: {first}")).await;
        });
    }
}

#[test]
fn what_a_killed_run_made_a_databases_data_with_counts() {
    for way in ["recover", "apply", "destroy"] {
        in_virtual_time(async {
            let sim = engine();
            let sites = with_database("plain");
            let start = "start container acme-blog-postgres";
            sim.faults(FaultPlan::new().on(start, Fault::CrashAfter));
            let _ = apply(&sim, &sites).await;
            assert!(sim.is_dead());
            sim.revive();
            sim.faults(FaultPlan::new());
            release(&sim).await;
            assert!(containers(&sim)["acme-blog-postgres"].state.ever_started);
            match way {
                "recover" => drop(recover(&sim).await.unwrap().unwrap()),
                "destroy" => drop(destroy(&sim).await.unwrap()),
                _ => {
                    let mut others = usual();
                    others.remove("blog");
                    apply(&sim, &others).await.unwrap();
                }
            }
            assert!(
                !containers(&sim).contains_key("acme-blog-postgres"),
                "{way}"
            );
            is_guarded(&sim, &sites, way).await;
        });
    }
}

#[test]
fn what_was_never_written_to_is_not_guarded() {
    in_virtual_time(async {
        let sim = engine();
        let sites = with_database("plain");
        let start = "start container acme-blog-postgres";
        sim.faults(FaultPlan::new().on(start, Fault::CrashBefore));
        let _ = apply(&sim, &sites).await;
        sim.revive();
        sim.faults(FaultPlan::new());
        release(&sim).await;
        recover(&sim).await.unwrap().unwrap();
        let other = saying(&sites, "\"env\":{\"POSTGRES_PASSWORD\":\"another\"}");
        apply_files(&sim, &other).await.unwrap();
    });
}
