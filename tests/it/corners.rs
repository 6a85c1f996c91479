//! Single cases on the simulator, where a generated one would be found too rarely.

use crate::support::stacks::{
    Files, SHOWN, Site, Sites, act, apply, apply_files, apply_files_as, apply_interrupted,
    apply_saved, apply_wishes, containers, destroy, engine, gathered, in_virtual_time, plan,
    recover, release, rollback, rollback_to, saved, wishes,
};
use coasti::base::EngineId;
use coasti::diff::{Notice, Pending, Wishes};
use coasti::engine::{
    Call, Engine, ErrorKind,
    sim::{Behaviour, Fault, FaultPlan, Record, Sim, SimImage},
};
use coasti::model::Protocol;
use coasti::observe::Status;
use coasti::ops::{OpError, hold::Act, status::at_work};
use coasti::plan::{Op, Plan};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A site that writes to a volume, and one that has nothing.
pub(crate) fn usual() -> Sites {
    let plain = Site {
        image: "plain",
        version: 1,
        env: BTreeMap::new(),
        secret: false,
        memory: None,
        cpus: None,
        restart: None,
        volume: false,
        port: None,
        health: false,
        post_run: false,
        providers: BTreeSet::new(),
        build: None,
    };
    let data = Site {
        volume: true,
        ..plain.clone()
    };
    [("blog", data), ("wiki", plain)].into()
}

fn changed(sites: &Sites) -> Sites {
    let mut sites = sites.clone();
    for site in sites.values_mut() {
        site.env.insert("LEVEL", 7);
    }
    sites
}

fn names(sim: &Sim) -> Vec<String> {
    containers(sim).into_keys().collect()
}

#[test]
fn an_old_container_that_cannot_go_is_told_and_goes_next_time() {
    in_virtual_time(async {
        let sim = engine();
        apply(&sim, &usual()).await.unwrap();
        let new = changed(&usual());
        let stuck = Fault::Fail(ErrorKind::Rejected);
        sim.faults(FaultPlan::new().always("remove container acme-blog.prev", stuck));
        let applied = apply(&sim, &new).await.unwrap();
        assert_eq!(applied.revision.as_deref(), Some("r2"));
        assert_eq!(
            applied.warnings.last().map(String::as_str),
            Some("left over: container `acme-blog.prev`")
        );
        // What else could be tidied up was.
        assert_eq!(names(&sim), ["acme-blog", "acme-blog.prev", "acme-wiki"]);
        sim.faults(FaultPlan::new());
        assert!(!plan(&sim, &new).await.steps.is_empty());
        assert_eq!(apply(&sim, &new).await.unwrap().warnings, [""; 0]);
        assert_eq!(names(&sim), ["acme-blog", "acme-wiki"]);
        assert!(sim.violations().is_empty());
    });
}

/// What is held, as the files have it.
async fn held(sim: &Sim, files: &Files) -> Vec<String> {
    let held = gathered(sim, files).await.held();
    held.keys().cloned().collect()
}

#[test]
fn what_is_held_stays_so_under_another_label() {
    in_virtual_time(async {
        let sim = engine();
        apply(&sim, &usual()).await.unwrap();
        act(&sim, Act::Stop, "blog").await.unwrap();
        let renamed = Files::of(&usual()).deploy(|deploy| {
            let site = &mut deploy["site"][0];
            assert_eq!(site["label"], "blog");
            site["label"] = json!("news");
            site["was"] = json!("blog");
        });
        let volumes = sim.volumes();
        apply_files(&sim, &renamed).await.unwrap();
        assert_eq!(names(&sim), ["acme-wiki"]);
        assert_eq!(held(&sim, &renamed).await, ["news"]);
        act(&sim, Act::Start, "news").await.unwrap();
        assert_eq!(names(&sim), ["acme-news", "acme-wiki"]);
        // Back over the rename, with the decision.
        act(&sim, Act::Stop, "news").await.unwrap();
        rollback(&sim).await.unwrap();
        assert_eq!(held(&sim, &Files::of(&usual())).await, ["blog"]);
        assert_eq!(names(&sim), ["acme-wiki"]);
        // A label that goes takes its decision along.
        let wiki = [("wiki", usual().remove("wiki").unwrap())].into();
        apply(&sim, &wiki).await.unwrap();
        assert_eq!(held(&sim, &Files::of(&usual())).await, [""; 0]);
        assert_eq!(sim.volumes(), volumes);
        assert!(sim.violations().is_empty());
    });
}

#[test]
fn what_changes_in_the_files_of_what_is_held_is_told_and_comes_when_it_is_started() {
    in_virtual_time(async {
        let sim = engine();
        apply(&sim, &usual()).await.unwrap();
        let pending = async |sites: &Sites| {
            let plan = plan(&sim, sites).await;
            assert!(plan.steps.is_empty());
            let held = plan.notices.into_iter().find_map(|notice| match notice {
                Notice::Held { label, pending, .. } => Some((label, pending)),
                _ => None,
            });
            held.unwrap()
        };
        let level = |sim: &Sim| {
            let blog = &containers(sim)["acme-blog"];
            blog.env.get("LEVEL").map(|value| value.expose().clone())
        };
        let mut new = usual();
        new.get_mut("blog").unwrap().env.insert("LEVEL", 7);
        for act in [Act::Stop, Act::Pause, Act::Remove] {
            self::act(&sim, act, "blog").await.unwrap();
            assert_eq!(pending(&usual()).await, ("blog".to_owned(), None));
            assert_eq!(pending(&new).await.1, Some(Pending::Apply));
            let before = names(&sim);
            let applied = apply(&sim, &new).await.unwrap();
            assert!(applied.revision.is_some());
            assert_eq!(applied.held.into_keys().collect::<Vec<_>>(), ["blog"]);
            assert_eq!(names(&sim), before);
            // Nothing is there any more that would have to change.
            let waits = (act != Act::Remove).then_some(Pending::Start);
            assert_eq!(pending(&new).await.1, waits);
            self::act(&sim, Act::Start, "blog").await.unwrap();
            assert_eq!(level(&sim).as_deref(), Some("v7"));
            assert!(plan(&sim, &new).await.notices.is_empty());
            apply(&sim, &usual()).await.unwrap();
        }
        assert!(sim.violations().is_empty());
    });
}

#[test]
fn a_rename_that_fails_leaves_what_is_held_as_it_was() {
    in_virtual_time(async {
        let sim = engine();
        apply(&sim, &usual()).await.unwrap();
        act(&sim, Act::Stop, "blog").await.unwrap();
        let mut new = usual();
        new.get_mut("wiki").unwrap().image = "exits";
        let renamed = Files::of(&new).deploy(|deploy| {
            deploy["site"][0]["label"] = json!("news");
            deploy["site"][0]["was"] = json!("blog");
        });
        apply_files(&sim, &renamed).await.unwrap_err();
        assert_eq!(held(&sim, &Files::of(&usual())).await, ["blog"]);
        assert!(plan(&sim, &usual()).await.is_empty());
        assert_eq!(names(&sim), ["acme-blog", "acme-wiki"]);
    });
}

#[test]
fn a_stack_is_not_renamed_by_the_way() {
    in_virtual_time(async {
        let sim = engine();
        apply(&sim, &usual()).await.unwrap();
        let before = sim.picture();
        let other = Files::of(&usual()).deploy(|deploy| deploy["stack"] = json!("umbrella"));
        let error = apply_files(&sim, &other).await.unwrap_err().to_string();
        assert!(
            error.contains("`stack: umbrella`") && error.contains("stack `acme`"),
            "{error}"
        );
        assert_eq!(sim.picture(), before);
        // Also where nothing of it runs: its data is still there.
        act(&sim, Act::Remove, "blog").await.unwrap();
        act(&sim, Act::Remove, "wiki").await.unwrap();
        apply_files(&sim, &other).await.unwrap_err();
        // Another stack has an id of its own.
        let other = other.deploy(|deploy| deploy["id"] = json!("f".repeat(32)));
        apply_files_as(&sim, &other, &"f".repeat(32)).await.unwrap();
    });
}

#[test]
fn a_saved_plan_whose_steps_are_not_those_that_lead_to_the_files_is_stale() {
    in_virtual_time(async {
        let sim = engine();
        apply(&sim, &usual()).await.unwrap();
        let files = Files::of(&changed(&usual()));
        let mut plan = saved(&sim, &files).await;
        let left_out = plan.plan.steps.pop().unwrap();
        let before = sim.picture();
        let error = apply_saved(&sim, &files, &plan).await.unwrap_err();
        assert!(
            matches!(&error, OpError::Stale(what) if what == &["the steps that lead to the files"])
        );
        assert_eq!(sim.picture(), before);
        plan.plan.steps.push(left_out);
        apply_saved(&sim, &files, &plan).await.unwrap();
    });
}

#[test]
fn a_saved_plan_that_an_image_turns_out_to_contradict_is_stale() {
    in_virtual_time(async {
        let sim = engine();
        apply(&sim, &usual()).await.unwrap();
        let before = names(&sim);
        // One after the other, once it is known that its image declares a volume: not what was shown.
        let mut new = usual();
        new.get_mut("wiki").unwrap().image = "data";
        let plan = saved(&sim, &Files::of(&new)).await;
        let error = apply_saved(&sim, &Files::of(&new), &plan)
            .await
            .unwrap_err();
        assert!(matches!(&error, OpError::Stale(what) if what[0].contains("container:wiki")));
        assert_eq!(names(&sim), before);
        let plan = saved(&sim, &Files::of(&new)).await;
        apply_saved(&sim, &Files::of(&new), &plan).await.unwrap();
    });
}

/// The usual sites, the first with a network of its own.
fn networked() -> Sites {
    let mut sites = usual();
    sites.get_mut("blog").unwrap().providers.insert("redis");
    sites
}

#[test]
fn what_the_engine_says_yes_to_and_does_not_do_is_named() {
    in_virtual_time(async {
        let sim = engine();
        let files = Files::of(&networked());
        apply_files(&sim, &files).await.unwrap();
        let blog = &containers(&sim)["acme-blog"];
        let call = Call::Disconnect {
            container: blog.id.clone(),
            network: "acme-blog".into(),
        };
        let limit = Duration::from_secs(1);
        sim.hand().execute(&call, limit).await.unwrap();
        sim.faults(FaultPlan::new().on("connect acme-blog to", Fault::Ignore));
        let Err(OpError::NotConverged(fields)) = apply_files(&sim, &files).await else {
            panic!("it was taken for done");
        };
        assert_eq!(fields, ["container `acme-blog`: networks.acme-blog"]);
        // It is not tried again and again, but by the next apply.
        let calls = sim.history();
        let tries = calls.iter().filter(|one| one.call.starts_with("connect"));
        assert_eq!(tries.count(), 1);
        apply_files(&sim, &files).await.unwrap();
    });
}

#[test]
fn a_database_that_was_out_of_the_files_comes_back_to_its_own_version() {
    in_virtual_time(async {
        let sim = engine();
        let mut sites = usual();
        sites.get_mut("blog").unwrap().providers.insert("postgres");
        let all = Files::of(&sites);
        apply_files(&sim, &all).await.unwrap();
        sites.remove("blog");
        let fewer = Wishes {
            max_removals: Some(9),
            ..Wishes::default()
        };
        apply_wishes(&sim, &Files::of(&sites), fewer).await.unwrap();
        // Another revision comes in between, of the same files.
        let wiki = containers(&sim)["acme-wiki"].id.clone();
        let stop = Call::Stop {
            id: wiki,
            timeout: None,
        };
        let limit = Duration::from_secs(20);
        sim.hand().execute(&stop, limit).await.unwrap();
        apply_files(&sim, &Files::of(&sites)).await.unwrap();
        let module = "\"module-name\":\"postgres\"";
        let older = all.replace(module, &format!("{module},\"module-version\":\"==14.6\""));
        let Err(OpError::Refused(refusals, _)) = apply_files(&sim, &older).await else {
            panic!("a database of another version got the data");
        };
        assert_eq!(refusals[0].code, "P0301", "{refusals:?}");
        apply_files(&sim, &all).await.unwrap();
    });
}

#[test]
fn a_second_rename_keeps_what_is_held_and_the_port() {
    in_virtual_time(async {
        let sim = engine();
        let mut sites = usual();
        sites.get_mut("blog").unwrap().port = Some(0);
        // Another one that would have the port, were it free.
        let named = |label: &str| {
            let label = label.to_owned();
            Files::of(&sites).deploy(move |deploy| {
                deploy["site"][0]["label"] = json!(label);
                if label != "blog" {
                    deploy["site"][0]["was"] = json!("blog");
                }
            })
        };
        apply_files(&sim, &named("blog")).await.unwrap();
        let port = containers(&sim)["acme-blog"].ports[0].port;
        act(&sim, Act::Stop, "blog").await.unwrap();
        for label in ["news", "press", "media"] {
            apply_files(&sim, &named(label)).await.unwrap();
            assert_eq!(held(&sim, &named(label)).await, [label]);
            assert_eq!(names(&sim), ["acme-wiki"]);
        }
        act(&sim, Act::Start, "media").await.unwrap();
        assert_eq!(containers(&sim)["acme-media"].ports[0].port, port);
    });
}

#[test]
fn a_new_volume_that_may_stand_for_what_was_there_before_stays_after_an_undo() {
    in_virtual_time(async {
        let mut sites = usual();
        sites.get_mut("blog").unwrap().image = "cannot";
        let plain = Files::of(&sites);
        let nfs = json!({"type": "nfs", "o": "addr=nas.example.org", "device": ":/blog"});
        let share = json!([{"name": "files", "target": "/files", "options": nfs}]);
        let shared = Files::of(&sites).deploy(|deploy| deploy["site"][0]["volume"] = share);
        for (files, left) in [(plain, false), (shared, true)] {
            let sim = engine();
            let Err(OpError::Failed(_)) = apply_files(&sim, &files).await else {
                panic!("it started");
            };
            assert!(containers(&sim).is_empty());
            assert_eq!(sim.volumes().contains("acme-blog-files"), left);
        }
    });
}

#[test]
fn a_subnet_that_is_taken_meanwhile_is_replaced_once_and_for_all() {
    in_virtual_time(async {
        let sim = engine();
        let files = Files::of(&networked())
            .deploy(|deploy| deploy["networks"] = json!({"pool": "10.9.0.0/25"}));
        let clash = Fault::Fail(ErrorKind::PoolOverlap);
        sim.faults(FaultPlan::new().on("create network acme-blog", clash));
        let first = apply_files(&sim, &files).await.unwrap();
        assert_eq!(first.revision.as_deref(), Some("r1"));
        let now = gathered(&sim, &files).await;
        let subnets = &now.observed.networks["acme-blog"].subnets;
        assert_eq!(subnets[0].to_string(), "10.9.0.64/26");
        // It stays, and is no reason for another revision.
        assert_eq!(apply_files(&sim, &files).await.unwrap().revision, None);
    });
}

#[test]
fn a_pool_that_is_used_up_meanwhile_is_told() {
    in_virtual_time(async {
        let sim = engine();
        let files = Files::of(&networked())
            .deploy(|deploy| deploy["networks"] = json!({"pool": "10.9.0.0/26"}));
        let clash = Fault::Fail(ErrorKind::PoolOverlap);
        sim.faults(FaultPlan::new().always("create network acme-blog", clash));
        let error = apply_files(&sim, &files).await.unwrap_err();
        let OpError::Failed(failed) = &error else {
            panic!("{error}")
        };
        assert!(
            failed.error.contains("no other one of 10.9.0.0/26 is free"),
            "{error}"
        );
    });
}

#[test]
fn what_goes_and_cannot_is_told_and_goes_next_time_unasked() {
    in_virtual_time(async {
        let sim = engine();
        apply(&sim, &networked()).await.unwrap();
        let wiki: Sites = [("wiki", usual().remove("wiki").unwrap())].into();
        let stuck = Fault::Fail(ErrorKind::Rejected);
        sim.faults(FaultPlan::new().always("remove container acme-blog", stuck));
        let applied = apply(&sim, &wiki).await.unwrap();
        assert!(applied.warnings.len() > 1, "{:?}", applied.warnings);
        assert_eq!(names(&sim), ["acme-blog", "acme-blog-redis", "acme-wiki"]);
        sim.faults(FaultPlan::new());
        // Two of three, but that they go was said before.
        let again = gathered(&sim, &Files::of(&wiki))
            .await
            .plan(&Wishes::default());
        assert!(again.refusals.is_empty() && !again.steps.is_empty());
        apply(&sim, &wiki).await.unwrap();
        assert_eq!(names(&sim), ["acme-wiki"]);
    });
}

#[test]
fn images_of_the_last_ten_revisions_stay() {
    in_virtual_time(async {
        let sim = engine();
        let kept = || sim.image_tags("coasti.keep/acme").len();
        let mut sites = usual();
        apply(&sim, &sites).await.unwrap();
        assert_eq!(kept(), 1);
        for (n, version) in [2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1].into_iter().enumerate() {
            // Versions of one image: the second is used by the second revision alone.
            for site in sites.values_mut() {
                site.version = version;
                site.env.insert("LEVEL", u8::try_from(n).unwrap());
            }
            apply(&sim, &sites).await.unwrap();
            // It is within reach up to the eleventh revision.
            assert_eq!(kept(), if n < 10 { 2 } else { 1 }, "r{}", n + 2);
        }
    });
}

#[test]
fn a_targeted_rename_takes_along_who_holds_its_data_now() {
    in_virtual_time(async {
        let sim = engine();
        apply(&sim, &networked()).await.unwrap();
        // Renamed twice; what is named after the first label stays named so.
        let called = |label: &str| {
            let label = json!(label);
            Files::of(&networked()).deploy(|deploy| {
                deploy["site"][0]["label"] = label;
                deploy["site"][0]["was"] = json!("blog");
            })
        };
        apply_files(&sim, &called("news")).await.unwrap();
        let volumes = sim.volumes();
        let target = Wishes {
            target: ["press".to_owned()].into(),
            ..wishes()
        };
        apply_wishes(&sim, &called("press"), target).await.unwrap();
        assert_eq!(names(&sim), ["acme-press", "acme-press-redis", "acme-wiki"]);
        assert_eq!(sim.volumes(), volumes);
        assert!(sim.violations().is_empty(), "{:?}", sim.violations());
        let left = gathered(&sim, &called("press")).await.plan(&wishes());
        assert!(left.is_empty(), "{:?}", left.changes);
    });
}

#[test]
fn values_that_went_with_the_store_are_not_made_anew_beside_their_data() {
    in_virtual_time(async {
        let sim = engine();
        let mut sites = usual();
        sites.get_mut("blog").unwrap().secret = true;
        sites.get_mut("wiki").unwrap().secret = true;
        apply(&sim, &sites).await.unwrap();
        // All containers go, and the store: the data of `blog` is left, `wiki` has none.
        let gone = sim.containers();
        let gone: Vec<_> = gone.keys().map(String::as_str).collect();
        remove_store(&sim, &gone).await;
        let refused = plan(&sim, &sites).await.refusals;
        let told: Vec<_> = refused
            .iter()
            .map(|r| format!("{} {}", r.code, r.summary))
            .collect();
        assert_eq!(
            told,
            [
                "P0308 `TOKEN` for the data in volume `acme-blog-files` is lost",
                "P0308 `CODE_FILE` for the data in volume `acme-blog-files` is lost",
            ]
        );
        apply(&sim, &sites).await.unwrap_err();
        let new_data = Wishes {
            new_data: ["blog".to_owned()].into(),
            ..wishes()
        };
        apply_wishes(&sim, &Files::of(&sites), new_data)
            .await
            .unwrap();
        // From here on the past is known: a new variable is made like any other.
        sites.get_mut("wiki").unwrap().volume = true;
        apply(&sim, &sites).await.unwrap();
    });
}

#[test]
fn what_ran_runs_again_after_a_failed_apply_though_the_store_is_gone() {
    in_virtual_time(async {
        for image in ["cannot", "exits", "sick"] {
            let sim = engine();
            let mut sites = networked();
            sites.get_mut("blog").unwrap().secret = true;
            apply(&sim, &sites).await.unwrap();
            let before = names(&sim);
            let id = |name: &str| containers(&sim)[name].id.clone();
            let (blog, redis) = (id("acme-blog"), id("acme-blog-redis"));
            remove_store(&sim, &["coasti.acme.store"]).await;
            let mut next = changed(&sites);
            next.get_mut("blog").unwrap().image = image;
            let Err(OpError::Failed(failed)) = apply(&sim, &next).await else {
                panic!("it was applied");
            };
            let told = format!("{:?}", failed.undone);
            assert!(told.starts_with("Complete(Again"), "{image}: {told}");
            assert_eq!(names(&sim), before, "{image}");
            assert_eq!((id("acme-blog"), id("acme-blog-redis")), (blog, redis));
            for one in containers(&sim).values() {
                assert_eq!(one.state.status, Status::Running, "{}", one.name);
            }
            assert!(sim.violations().is_empty());
            // And all goes on from there.
            apply(&sim, &sites).await.unwrap();
            assert!(plan(&sim, &sites).await.is_empty());
        }
    });
}

#[test]
fn what_ran_runs_again_after_a_kill_though_the_store_is_gone() {
    for at in 1..60 {
        for recovers in [true, false] {
            in_virtual_time(async {
                let sim = engine();
                let sites = networked();
                apply(&sim, &sites).await.unwrap();
                let before = names(&sim);
                remove_store(&sim, &["coasti.acme.store"]).await;
                sim.faults(FaultPlan::new().at(at, Fault::CrashAfter));
                let _ = apply(&sim, &changed(&sites)).await;
                if !sim.is_dead() {
                    return;
                }
                sim.revive();
                sim.faults(FaultPlan::new());
                release(&sim).await;
                if recovers {
                    // Killed before there was a store, there is nothing to recover.
                    let _ = recover(&sim).await;
                } else {
                    let mut next = changed(&sites);
                    next.get_mut("blog").unwrap().image = "exits";
                    match apply(&sim, &next).await.unwrap_err() {
                        OpError::Usage { .. } => drop(recover(&sim).await.unwrap()),
                        other => assert!(matches!(other, OpError::Failed(_)), "{other}"),
                    }
                }
                // Killed once all was done, what it replaced stands aside until the next apply.
                let now = containers(&sim);
                for name in &before {
                    let status = now.get(name).map(|one| one.state.status);
                    let changes = sim.changes().join("\n");
                    assert_eq!(status, Some(Status::Running), "{name} ({at}): {changes}");
                }
                assert!(sim.violations().is_empty());
                apply(&sim, &sites).await.unwrap();
                assert!(plan(&sim, &sites).await.is_empty());
            });
        }
    }
}

/// Removes these containers, and the store's volume.
async fn remove_store(sim: &Sim, names: &[&str]) {
    let all = sim.containers();
    let calls = names.iter().map(|name| Call::RemoveContainer {
        id: all[*name].id.clone(),
    });
    let volume = Call::RemoveVolume {
        name: EngineId::new("coasti.acme.store"),
    };
    for call in calls.chain([volume]) {
        let limit = Duration::from_secs(9);
        sim.hand().execute(&call, limit).await.unwrap();
    }
}

/// Nothing changed in the files, so the host's ports are looked at for this alone.
#[test]
fn a_port_that_somebody_took_from_a_container_that_is_gone_is_told() {
    in_virtual_time(async {
        let sim = engine();
        let mut sites = usual();
        sites.get_mut("blog").unwrap().port = Some(9001);
        apply(&sim, &sites).await.unwrap();
        let call = Call::RemoveContainer {
            id: containers(&sim)["acme-blog"].id.clone(),
        };
        let limit = Duration::from_secs(9);
        sim.hand().execute(&call, limit).await.unwrap();
        sim.take_port(Protocol::Tcp, 9001);
        let Err(OpError::Files(told)) = apply(&sim, &sites).await else {
            panic!("the port was given twice");
        };
        let codes: Vec<_> = told.sorted().iter().map(|one| one.code).collect();
        assert_eq!(codes, ["E0133"]);
    });
}

#[test]
fn a_value_that_is_new_in_the_files_is_made_beside_data_that_is_known() {
    in_virtual_time(async {
        let sim = engine();
        let mut sites = usual();
        apply(&sim, &sites).await.unwrap();
        sites.get_mut("blog").unwrap().secret = true;
        apply(&sim, &sites).await.unwrap();
        assert_eq!(names(&sim), ["acme-blog", "acme-wiki"]);
    });
}

#[test]
fn what_was_being_stopped_when_a_run_was_cut_off_is_started_again() {
    let cases = [None, Some("no")].map(|restart| [(restart, true), (restart, false)]);
    for (restart, straight) in cases.into_iter().flatten() {
        in_virtual_time(async {
            let sim = engine();
            // It takes its time: the engine kills it in the end.
            let stubborn = SimImage::new(Behaviour::Stubborn);
            sim.publish("docker.io/acme/stubborn:1", stubborn);
            let mut sites = usual();
            for site in sites.values_mut() {
                site.image = "stubborn";
                site.volume = true;
                site.restart = restart;
            }
            apply(&sim, &sites).await.unwrap();
            let before = containers(&sim)["acme-blog"].id.clone();
            // Killed while both are being stopped, which takes a minute.
            let run = tokio::spawn({
                let (sim, new) = (sim.clone(), changed(&sites));
                async move { apply(&sim, &new).await.map(drop) }
            });
            tokio::time::sleep(Duration::from_secs(20)).await;
            run.abort();
            release(&sim).await;
            // The engine goes on with what it was asked for.
            assert_eq!(containers(&sim)["acme-blog"].state.status, Status::Running);
            if straight {
                apply(&sim, &sites).await.unwrap();
            } else {
                recover(&sim).await.unwrap().unwrap();
            }
            tokio::time::sleep(Duration::from_secs(120)).await;
            let now = containers(&sim);
            assert_eq!(now["acme-blog"].id, before);
            for (name, container) in now {
                assert_eq!(container.state.status, Status::Running, "{name}");
            }
            assert!(plan(&sim, &sites).await.is_empty());
            assert!(sim.violations().is_empty());
        });
    }
}

#[test]
fn what_a_killed_run_had_asked_for_is_taken_where_it_comes_late() {
    for what in ["network", "volume", "container"] {
        let mut took = 0;
        for late in (0..300).step_by(20) {
            in_virtual_time(async {
                let sim = engine();
                sim.latency(Duration::from_millis(20));
                let late = Fault::CrashLate(Duration::from_millis(late));
                sim.faults(FaultPlan::new().on(format!("create {what} acme-"), late));
                let run = tokio::spawn({
                    let sim = sim.clone();
                    async move { apply(&sim, &networked()).await.map(drop) }
                });
                while !sim.is_dead() {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                run.abort();
                sim.revive();
                release(&sim).await;
                apply(&sim, &networked()).await.unwrap();
                tokio::time::sleep(Duration::from_secs(9)).await;
                let left = plan(&sim, &networked()).await;
                assert!(left.is_empty(), "{:?}", left.changes);
                assert_eq!(names(&sim), ["acme-blog", "acme-blog-redis", "acme-wiki"]);
                assert!(sim.violations().is_empty());
                let refused = |record: &&Record| {
                    matches!(record.outcome, Some(Err(ErrorKind::Conflict)))
                        && record.call.starts_with("create ")
                };
                took += sim.history().iter().filter(refused).count();
            });
        }
        // Else this shows nothing.
        assert!(took > 0 || what == "volume", "{what}");
    }
}

#[test]
fn a_plan_that_an_image_turns_into_another_one_is_shown_again() {
    in_virtual_time(async {
        let sim = engine();
        apply(&sim, &usual()).await.unwrap();
        let mut new = usual();
        // One after the other, and with a volume, once it is known what its image declares.
        new.get_mut("wiki").unwrap().image = "data";
        SHOWN.take();
        apply(&sim, &new).await.unwrap();
        let shown = SHOWN.take();
        let volumes = |plan: &Plan| {
            let made = plan.steps.iter().map(|step| &step.op);
            made.filter(|op| matches!(op, Op::CreateVolume)).count()
        };
        assert_eq!(shown.iter().map(volumes).collect::<Vec<_>>(), [0, 1]);
        // Where nothing turns out, once.
        apply(&sim, &changed(&new)).await.unwrap();
        assert_eq!(SHOWN.take().len(), 1);
    });
}

#[test]
fn a_run_under_way_is_told_from_one_that_was_cut_off() {
    in_virtual_time(async {
        let sim = engine();
        apply(&sim, &usual()).await.unwrap();
        let seen = async |sites: &Sites| {
            let gathered = gathered(&sim, &Files::of(sites)).await;
            let at_work = at_work(&gathered.observed, &gathered.sealed.stack.name);
            (at_work.is_some(), gathered.open.is_some())
        };
        assert_eq!(seen(&usual()).await, (false, false));
        let kill = Fault::CrashBefore;
        sim.faults(FaultPlan::new().on("create container acme-blog", kill));
        let run = tokio::spawn({
            let sim = sim.clone();
            async move { apply(&sim, &changed(&usual())).await.map(drop) }
        });
        while !sim.is_dead() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        run.abort();
        sim.revive();
        // As far as can be known: the process that holds the lock, this one, lives.
        assert_eq!(seen(&usual()).await, (true, true));
        release(&sim).await;
        assert_eq!(seen(&usual()).await, (false, true));
    });
}

#[test]
fn a_rollback_goes_to_what_is_another_one() {
    in_virtual_time(async {
        let sim = engine();
        apply(&sim, &usual()).await.unwrap();
        apply(&sim, &changed(&usual())).await.unwrap();
        // Drift that is mended makes revisions that are the same.
        for _ in 0..2 {
            sim.kill_process("acme-wiki", 0);
            let id = EngineId::new("acme-wiki");
            let stop = Call::Stop { id, timeout: None };
            sim.hand()
                .execute(&stop, Duration::from_secs(99))
                .await
                .unwrap();
            apply(&sim, &changed(&usual())).await.unwrap();
        }
        assert_eq!(
            rollback(&sim).await.unwrap().revision.as_deref(),
            Some("r5")
        );
        // What is there already makes no revision.
        let back = rollback_to(&sim, "r1").await.unwrap();
        assert!(back.revision.is_none() && back.plan.is_empty());
        assert!(plan(&sim, &usual()).await.is_empty());
    });
}

#[test]
fn a_second_rollback_goes_further_back() {
    in_virtual_time(async {
        let sim = engine();
        let mut files = vec![usual()];
        for level in 1..4 {
            let mut next = usual();
            next.get_mut("wiki").unwrap().env.insert("LEVEL", level);
            files.push(next);
        }
        for sites in &files {
            apply(&sim, sites).await.unwrap();
        }
        for sites in [&files[2], &files[1], &files[0]] {
            rollback(&sim).await.unwrap();
            assert!(plan(&sim, sites).await.is_empty());
        }
        let Err(error) = rollback(&sim).await else {
            panic!("it went forward");
        };
        assert!(error.to_string().contains("no earlier revision"), "{error}");
        // An apply is where one starts from again.
        apply(&sim, &files[3]).await.unwrap();
        rollback(&sim).await.unwrap();
        assert!(plan(&sim, &files[0]).await.is_empty());
    });
}

/// `blog`, with a post-run command that does not end.
fn endless_post_run(sim: &Sim) -> Files {
    sim.faults(FaultPlan::new().on("run a command", Fault::Slow(Duration::from_secs(36_000))));
    let mut sites = usual();
    sites.get_mut("blog").unwrap().post_run = true;
    Files::of(&sites).deploy(|deploy| {
        deploy["site"][0]["update"] = json!({"timeout": "20s"});
    })
}

#[test]
fn a_post_run_command_that_does_not_end_is_given_up_and_the_apply_undone() {
    in_virtual_time(async {
        let sim = engine();
        let files = endless_post_run(&sim);
        let began = tokio::time::Instant::now();
        let Err(OpError::Failed(failed)) = apply_files(&sim, &files).await else {
            panic!("the apply waited for the command");
        };
        assert!(began.elapsed() < Duration::from_secs(60));
        assert_eq!(
            failed.error,
            "`set-up blog` had not ended within 20s, the site's `update.timeout`"
        );
        assert!(names(&sim).iter().all(|name| !name.contains("blog")));
    });
}

#[test]
fn an_interrupt_does_not_wait_for_a_post_run_command() {
    in_virtual_time(async {
        let sim = engine();
        let files = endless_post_run(&sim);
        let after = Duration::from_secs(10);
        let began = tokio::time::Instant::now();
        let Err(OpError::Failed(failed)) = apply_interrupted(&sim, &files, after).await else {
            panic!("the apply went on");
        };
        assert!(failed.interrupted);
        assert!(began.elapsed() < Duration::from_secs(15));
        assert!(names(&sim).iter().all(|name| !name.contains("blog")));
    });
}

#[test]
fn what_is_held_is_not_restarted_and_told_where_it_runs() {
    in_virtual_time(async {
        let sim = engine();
        apply(&sim, &usual()).await.unwrap();
        act(&sim, Act::Stop, "blog").await.unwrap();
        let Err(OpError::Usage { what, help }) = act(&sim, Act::Restart, "blog").await else {
            panic!("it was restarted");
        };
        assert_eq!(what, "`blog` is held: stopped");
        assert_eq!(help, ["`coasti start blog` lifts that and starts it"]);
        let runs = async || {
            let notices = plan(&sim, &usual()).await.notices;
            let runs = |notice: &Notice| matches!(notice, Notice::Held { runs: true, .. });
            notices.iter().any(runs)
        };
        assert!(!runs().await);
        let id = containers(&sim)["acme-blog"].id.clone();
        let start = Call::Start { id };
        let hand = sim.hand();
        hand.execute(&start, Duration::from_secs(9)).await.unwrap();
        assert!(runs().await);
        act(&sim, Act::Start, "blog").await.unwrap();
        assert!(!runs().await);
        act(&sim, Act::Restart, "blog").await.unwrap();
    });
}

#[test]
fn what_is_protected_is_neither_removed_nor_destroyed() {
    in_virtual_time(async {
        let sim = engine();
        let protect = |on: bool| {
            Files::of(&usual()).deploy(|deploy| deploy["site"][0]["protect"] = json!(on))
        };
        apply_files(&sim, &protect(true)).await.unwrap();
        let before = names(&sim);
        let removed = act(&sim, Act::Remove, "blog").await.map(|_| ());
        for result in [removed, destroy(&sim).await.map(|_| ())] {
            let Err(OpError::Policy { what, .. }) = result else {
                panic!("{result:?}");
            };
            assert_eq!(
                what,
                "P0306: `blog` is protected and would go: applied with `protect: true`"
            );
        }
        assert_eq!(names(&sim), before);
        act(&sim, Act::Remove, "wiki").await.unwrap();
        apply_files(&sim, &protect(false)).await.unwrap();
        destroy(&sim).await.unwrap();
        assert!(names(&sim).is_empty());
    });
}

#[test]
fn a_history_that_was_removed_is_told_once() {
    in_virtual_time(async {
        let sim = engine();
        let told = async || {
            let notices = plan(&sim, &usual()).await.notices;
            notices.contains(&Notice::NoHistory)
        };
        assert!(!told().await);
        apply(&sim, &usual()).await.unwrap();
        assert!(!told().await);
        let id = EngineId::new("coasti.acme.store");
        let (holder, store) = (
            Call::RemoveContainer { id: id.clone() },
            Call::RemoveVolume { name: id },
        );
        for call in [holder, store] {
            sim.hand()
                .execute(&call, Duration::from_secs(9))
                .await
                .unwrap();
        }
        assert!(told().await);
        apply(&sim, &usual()).await.unwrap();
        assert!(!told().await);
    });
}

#[test]
fn a_rollback_that_is_refused_advises_what_can_be_done() {
    in_virtual_time(async {
        let sim = engine();
        apply(&sim, &usual()).await.unwrap();
        let another = Files::of(&usual()).deploy(|deploy| {
            let site = &mut deploy["site"][0];
            site["label"] = json!("news");
            site["new-data"] = json!(true);
        });
        apply_files(&sim, &another).await.unwrap();
        let Err(OpError::Refused(refusals, _)) = rollback_to(&sim, "r1").await else {
            panic!("it was rolled back");
        };
        assert_eq!(refusals[0].code, "P0305");
        assert_eq!(
            refusals[0].help[0],
            "a rollback cannot be told which it is: put the files back as they were at r1 (git), and `coasti apply` \
             those, as follows"
        );
    });
}

#[test]
fn a_value_that_is_lost_is_told_once_whoever_uses_it() {
    in_virtual_time(async {
        let sim = engine();
        let mut sites = usual();
        sites.get_mut("blog").unwrap().providers.insert("postgres");
        let files = Files::of(&sites).deploy(|deploy| {
            let password = json!({"from": "postgres", "key": "POSTGRES_PASSWORD"});
            deploy["site"][0]["env"]["PASSWORD"] = password;
        });
        apply_files(&sim, &files).await.unwrap();
        let store = EngineId::new("coasti.acme.store");
        let all = sim.containers().into_values();
        let calls = all.map(|one| Call::RemoveContainer { id: one.id });
        for call in calls.chain([Call::RemoveVolume { name: store }]) {
            sim.hand()
                .execute(&call, Duration::from_secs(9))
                .await
                .unwrap();
        }
        let plan = gathered(&sim, &files).await.plan(&wishes());
        let told: Vec<_> = plan.refusals.into_iter().map(|r| r.summary).collect();
        let of_password = told
            .iter()
            .filter(|told| told.contains("`POSTGRES_PASSWORD`"));
        assert_eq!(of_password.count(), 1, "{told:#?}");
    });
}
