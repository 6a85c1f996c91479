//! Generated values that are not kept for good, on the simulator.

use crate::support::stacks::{
    ASKED, Files, apply_files, apply_saved, apply_wishes, containers, engine, gathered,
    in_virtual_time, recover, rollback, saved, wishes,
};
use coasti::diff::Wishes;
use coasti::engine::sim::{Fault, FaultPlan, Sim};
use coasti::ops::OpError;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Sites of plain images, each with these variables.
fn files(sites: &[(&str, Value)]) -> Files {
    let sites: Vec<_> = sites
        .iter()
        .map(|(label, env)| json!({"label": label, "image": "docker.io/acme/plain:1", "env": env}))
        .collect();
    Files::of(&BTreeMap::new()).deploy(|deploy| deploy["site"] = json!(sites))
}

/// A blog whose session key is not kept, with that level.
fn blog(level: &str) -> Files {
    files(&[
        (
            "blog",
            json!({"KEY": {"random": true, "persistent": false}, "LEVEL": level}),
        ),
        ("wiki", json!({"KEY": {"random": true}, "LEVEL": level})),
    ])
}

fn value(sim: &Sim, container: &str, variable: &str) -> String {
    containers(sim)[container].env[variable].expose().clone()
}

fn id(sim: &Sim, container: &str) -> String {
    containers(sim)[container].id.to_string()
}

#[test]
fn another_value_is_made_where_its_container_is_replaced_anyway() {
    in_virtual_time(async {
        let sim = engine();
        apply_files(&sim, &blog("1")).await.unwrap();
        let (first, kept) = (
            value(&sim, "acme-blog", "KEY"),
            value(&sim, "acme-wiki", "KEY"),
        );
        // It is no reason to replace anything.
        assert_eq!(apply_files(&sim, &blog("1")).await.unwrap().revision, None);
        assert_eq!(value(&sim, "acme-blog", "KEY"), first);
        let plan = saved(&sim, &blog("2")).await;
        let change = plan.plan.changes.iter().find(|c| c.name == "acme-blog");
        let field = change.unwrap().fields.iter().find(|f| f.field == "env.KEY");
        assert_eq!(field.unwrap().to.as_deref(), Some("(generated)"));
        apply_saved(&sim, &blog("2"), &plan).await.unwrap();
        let second = value(&sim, "acme-blog", "KEY");
        assert_ne!(second, first);
        assert_eq!(value(&sim, "acme-wiki", "KEY"), kept);
        // Asked for, it is replaced as well.
        let replace = Wishes {
            replace: ["blog".to_owned()].into(),
            ..wishes()
        };
        apply_wishes(&sim, &blog("2"), replace).await.unwrap();
        let third = value(&sim, "acme-blog", "KEY");
        assert!(third != second && third != first);
        // A revision has the values that it was applied with.
        rollback(&sim).await.unwrap();
        assert_eq!(value(&sim, "acme-blog", "KEY"), second);
        assert_eq!(value(&sim, "acme-wiki", "KEY"), kept);
        assert!(gathered(&sim, &blog("2")).await.plan(&wishes()).is_empty());
        // What changes in place keeps its container, and so its value.
        let limited = blog("2").deploy(|d| d["site"][0]["docker"] = json!({"mem_limit": "64M"}));
        apply_files(&sim, &limited).await.unwrap();
        assert_eq!(value(&sim, "acme-blog", "KEY"), second);
        assert!(sim.violations().is_empty());
    });
}

#[test]
fn who_shares_a_value_gets_another_one_together_or_not_at_all() {
    let shared = |app: &str, cache: &str| {
        files(&[(
            "blog",
            json!({"KEY": {"from": "cache", "key": "KEY"}, "LEVEL": app}),
        )])
        .deploy(|deploy| {
            let key = json!({"random": true, "persistent": false});
            deploy["site"][0]["provider"] = json!([{
                "name": "cache", "module-name": "redis", "env": {"KEY": key, "LEVEL": cache},
            }]);
        })
    };
    in_virtual_time(async {
        let sim = engine();
        apply_files(&sim, &shared("1", "1")).await.unwrap();
        let first = value(&sim, "acme-blog", "KEY");
        let both = |expected: &str| {
            assert_eq!(value(&sim, "acme-blog", "KEY"), expected);
            assert_eq!(value(&sim, "acme-blog-cache", "KEY"), expected);
        };
        both(&first);
        let cache = id(&sim, "acme-blog-cache");
        apply_files(&sim, &shared("2", "1")).await.unwrap();
        both(&first);
        assert_eq!(id(&sim, "acme-blog-cache"), cache);
        apply_files(&sim, &shared("3", "2")).await.unwrap();
        let second = value(&sim, "acme-blog", "KEY");
        assert_ne!(second, first);
        both(&second);
    });
}

#[test]
fn what_a_failed_or_killed_run_made_is_not_taken_for_what_runs() {
    in_virtual_time(async {
        for killed in [false, true] {
            let sim = engine();
            apply_files(&sim, &blog("1")).await.unwrap();
            let (first, before) = (value(&sim, "acme-blog", "KEY"), id(&sim, "acme-blog"));
            let broken =
                blog("2").deploy(|d| d["site"][0]["image"] = json!("docker.io/acme/dies:1"));
            if killed {
                sim.faults(FaultPlan::new().on("start acme-blog", Fault::CrashAfter));
            }
            let error = apply_files(&sim, &broken).await.unwrap_err();
            if killed {
                sim.revive();
                recover(&sim).await.unwrap();
            } else {
                assert!(matches!(error, OpError::Failed(_)), "{error}");
            }
            assert_eq!(value(&sim, "acme-blog", "KEY"), first);
            // The files' value for what is not replaced is that of what runs.
            let wiki = blog("1").deploy(|d| d["site"][1]["env"]["LEVEL"] = json!("9"));
            apply_files(&sim, &wiki).await.unwrap();
            assert_eq!(
                (value(&sim, "acme-blog", "KEY"), id(&sim, "acme-blog")),
                (first, before)
            );
        }
    });
}

#[test]
fn what_data_was_made_with_stays() {
    let database = |level: &str| {
        files(&[(
            "blog",
            json!({"PASSWORD": {"from": "db", "key": "POSTGRES_PASSWORD"}, "LEVEL": level}),
        )])
        .deploy(|deploy| {
            let password = json!({"random": true, "persistent": false});
            deploy["site"][0]["provider"] = json!([{
                "name": "db", "module-name": "postgres",
                "env": {"POSTGRES_PASSWORD": password, "LEVEL": level},
            }]);
        })
    };
    in_virtual_time(async {
        let sim = engine();
        apply_files(&sim, &database("1")).await.unwrap();
        let first = value(&sim, "acme-blog-db", "POSTGRES_PASSWORD");
        apply_files(&sim, &database("2")).await.unwrap();
        assert_eq!(value(&sim, "acme-blog-db", "POSTGRES_PASSWORD"), first);
        assert_eq!(value(&sim, "acme-blog", "PASSWORD"), first);
    });
}

#[test]
fn a_value_that_is_delivered_as_a_file_changes_with_its_container() {
    let filed = |level: &str| {
        let key = json!({"random": true, "persistent": false, "file": true});
        files(&[("blog", json!({"KEY_FILE": key, "LEVEL": level}))])
    };
    let delivered = |sim: &Sim| -> Vec<String> {
        let volumes = sim.volumes().into_iter();
        volumes.filter(|name| name.contains("-files-")).collect()
    };
    in_virtual_time(async {
        let sim = engine();
        apply_files(&sim, &filed("1")).await.unwrap();
        let first = delivered(&sim);
        assert_eq!(first.len(), 1);
        assert_eq!(apply_files(&sim, &filed("1")).await.unwrap().revision, None);
        apply_files(&sim, &filed("2")).await.unwrap();
        let second = delivered(&sim);
        assert_eq!(second.len(), 1);
        assert_ne!(second, first);
        rollback(&sim).await.unwrap();
        assert_eq!(delivered(&sim), first);
    });
}

#[test]
fn the_public_address_is_asked_for_at_an_apply_once_and_kept() {
    let wants = |level: &str| {
        files(&[
            ("blog", json!({"IP": {"external_ip": true}, "LEVEL": level})),
            ("wiki", json!({})),
        ])
    };
    let asked = || ASKED.with_borrow(Vec::len);
    in_virtual_time(async {
        let sim = engine();
        gathered(&sim, &wants("1")).await.plan(&wishes());
        assert_eq!(asked(), 0);
        // Who does not want it does not wait for it.
        let wiki = Wishes {
            target: ["wiki".to_owned()].into(),
            ..wishes()
        };
        apply_wishes(&sim, &wants("1"), wiki).await.unwrap();
        assert_eq!(asked(), 0);
        apply_files(&sim, &wants("1")).await.unwrap();
        assert_eq!(value(&sim, "acme-blog", "IP"), "203.0.113.7");
        apply_files(&sim, &wants("2")).await.unwrap();
        assert_eq!(ASKED.take(), [None]);
        // The setting comes before what was told.
        let set = |ip: &str| wants("2").deploy(|deploy| deploy["external_ip"] = json!(ip));
        apply_files(&sim, &set("198.51.100.1")).await.unwrap();
        assert_eq!(value(&sim, "acme-blog", "IP"), "198.51.100.1");
        assert_eq!(asked(), 0);
        let other = engine();
        apply_files(&other, &set("http://ip.example.org/"))
            .await
            .unwrap();
        assert_eq!(ASKED.take(), [Some("http://ip.example.org/".to_owned())]);
    });
}
