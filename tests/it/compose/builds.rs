//! Images that are built, from files to the simulated engine.

use super::{Files, apply, apply_wishes, gathered};
use crate::support::{
    stacks::{in_virtual_time, rollback},
    written::written,
};
use coasti::{
    build::LABEL_BUILD,
    diff::{Action, Cause, Wishes},
    engine::{
        Engine as _, Look as _,
        sim::{Behaviour, Fault, FaultPlan, Sim, SimImage},
    },
    ops::{OpError, Undone},
    plan::{Plan, text::steps},
    store::{Store, record::RunRecord},
};
use std::{collections::BTreeMap, time::Duration};

const TWO: &str = "\
services:
  web: {build: app}
  other: {image: 'acme/other:1'}
";

fn files(text: &str, content: &str) -> Files {
    Files::of(text)
        .with(
            "app/Dockerfile",
            "FROM acme/base:1\nCOPY . /app\nRUN true\n",
        )
        .with("app/content", content)
}

/// The caller's disk is that of these files now.
fn on_disk(sim: &Sim, files: &Files) {
    let _ = sim.clone().with_folder(&written(&files.0));
}

async fn applied(sim: &Sim, files: &Files) -> Result<(), OpError> {
    on_disk(sim, files);
    apply(sim, files).await.map(drop)
}

async fn planned(sim: &Sim, files: &Files, wishes: &Wishes) -> Plan {
    gathered(sim, files).await.plan(wishes)
}

/// Changing calls that are about images.
fn builds(sim: &Sim) -> Vec<String> {
    let calls = sim.changes().into_iter();
    let builds = calls.filter(|call| call.starts_with("build image "));
    builds
        .map(|call| call.split([':', ' ']).nth(2).unwrap_or_default().to_owned())
        .collect()
}

fn ids(sim: &Sim) -> BTreeMap<String, String> {
    let all = sim.containers().into_iter();
    let ours = all.filter(|(name, _)| name.starts_with("acme-"));
    ours.map(|(name, container)| (name, container.id.to_string()))
        .collect()
}

async fn runs(sim: &Sim) -> Vec<RunRecord> {
    let name = coasti::base::StackName::new("acme");
    Store::new(sim, &name).runs().await.unwrap()
}

#[test]
fn one_changed_file_is_one_build_and_one_replaced_container() {
    in_virtual_time(async {
        let (one, two) = (files(TWO, "1"), files(TWO, "2"));
        let sim = one.engine().await;
        applied(&sim, &one).await.unwrap();
        assert_eq!(builds(&sim), ["docker.io/coasti/acme-shop-web"]);
        let before = ids(&sim);
        sim.forget();
        assert!(planned(&sim, &one, &Wishes::default()).await.is_empty());
        let plan = planned(&sim, &two, &Wishes::default()).await;
        assert!(sim.changes().is_empty(), "a plan changed something");
        let build = plan
            .changes
            .iter()
            .find(|change| change.action == Action::Build)
            .unwrap();
        let fields: Vec<_> = build
            .fields
            .iter()
            .map(|field| field.field.as_str())
            .collect();
        assert_eq!(fields, ["files.content"]);
        assert_eq!(
            build.origin.as_ref().unwrap().to_string(),
            "products/shop/compose.yml:2"
        );
        applied(&sim, &two).await.unwrap();
        assert_eq!(builds(&sim).len(), 1);
        let after = ids(&sim);
        assert_eq!(before["acme-web-other"], after["acme-web-other"]);
        assert_ne!(before["acme-web-web"], after["acme-web-web"]);
        // Back to what was: the image is there.
        sim.forget();
        applied(&sim, &one).await.unwrap();
        assert!(builds(&sim).is_empty());
        // And by the history, whatever the disk has.
        on_disk(&sim, &files(TWO, "3"));
        rollback(&sim).await.unwrap();
        assert!(builds(&sim).is_empty());
        assert!(planned(&sim, &two, &Wishes::default()).await.is_empty());
    });
}

#[test]
fn a_build_that_fails_touches_nothing_and_is_told_in_the_history() {
    in_virtual_time(async {
        let good = files(TWO, "1");
        let bad = files(&TWO.replace("other:1', ", "other:2', "), "1").with(
            "app/Dockerfile",
            "FROM acme/base:1\nRUN echo so far\nRUN exit 3\n",
        );
        for first in [true, false] {
            let sim = good.engine().await;
            if !first {
                applied(&sim, &good).await.unwrap();
            }
            let (before, number) = (ids(&sim), runs(&sim).await.len());
            let Err(OpError::Failed(failed)) = applied(&sim, &bad).await else {
                panic!("what cannot be built was applied");
            };
            assert_eq!(failed.undone, Undone::Nothing);
            assert!(
                failed.error.contains("returned a non-zero code: 3"),
                "{}",
                failed.error
            );
            assert!(failed.logs.as_deref().unwrap().contains("so far"));
            assert_eq!(ids(&sim), before);
            let runs = runs(&sim).await;
            assert_eq!(runs.len(), number + 1);
            let end = runs.last().unwrap().end.as_ref().unwrap();
            assert!(end.logs.as_deref().unwrap().contains("so far"));
            assert!(end.summary.contains("acme-shop-web"), "{}", end.summary);
            applied(&sim, &good).await.unwrap();
            assert!(planned(&sim, &good, &Wishes::default()).await.is_empty());
            assert!(sim.violations().is_empty());
        }
    });
}

#[test]
fn what_is_not_what_was_read_is_not_built() {
    in_virtual_time(async {
        let one = files(TWO, "1");
        let sim = one.engine().await;
        on_disk(&sim, &files(TWO, "written since"));
        let Err(OpError::Failed(failed)) = apply(&sim, &one).await.map(drop) else {
            panic!("another folder was built");
        };
        assert!(
            failed.error.contains("no longer what it was"),
            "{}",
            failed.error
        );
    });
}

#[test]
fn an_image_is_what_it_says_it_is() {
    in_virtual_time(async {
        let one = files(TWO, "1");
        let sim = one.engine().await;
        applied(&sim, &one).await.unwrap();
        let image = one
            .desired(&mut Default::default())
            .unwrap()
            .built_images()
            .pop_first()
            .unwrap();
        assert_eq!(
            sim.image(&image).await.unwrap().unwrap().labels[LABEL_BUILD].len(),
            64
        );
        // Somebody gives its name to something else: what runs is told to be another one, and it is built anew.
        let tag = coasti::engine::Call::TagImage {
            image: "acme/other:1".into(),
            tag: image.clone(),
        };
        sim.hand()
            .execute(&tag, Duration::from_secs(9))
            .await
            .unwrap();
        sim.forget();
        applied(&sim, &one).await.unwrap();
        assert_eq!(builds(&sim).len(), 1);
        assert!(planned(&sim, &one, &Wishes::default()).await.is_empty());
    });
}

#[test]
fn what_starts_from_another_one_comes_after_it() {
    in_virtual_time(async {
        let text = "\
services:
  a-web: {build: app}
  z-base: {image: 'acme/common', build: base}
";
        let of = |base: &str| {
            files(text, "1")
                .with("app/Dockerfile", "FROM acme/common\n")
                .with(
                    "base/Dockerfile",
                    &format!("FROM acme/base:1\nENV V={base}\n"),
                )
        };
        let (one, two) = (of("1"), of("2"));
        let sim = one.engine().await;
        applied(&sim, &one).await.unwrap();
        let both = [
            "docker.io/coasti/acme-shop-z-base",
            "docker.io/coasti/acme-shop-a-web",
        ];
        assert_eq!(builds(&sim), both);
        sim.forget();
        applied(&sim, &two).await.unwrap();
        assert_eq!(builds(&sim), both);
        let web = sim.container("acme-web-a-web").unwrap();
        let image = sim.image(&web.image).await.unwrap().unwrap();
        assert_eq!(image.env["V"], "2");
    });
}

#[test]
fn newer_bases_are_looked_for_where_that_is_asked() {
    in_virtual_time(async {
        let one = files(TWO, "1");
        let sim = one.engine().await;
        let base = "docker.io/acme/base:1";
        let version = |n: &str| {
            SimImage::new(Behaviour::Runs)
                .env("V", n)
                .digest(&format!("docker.io/acme/base@sha256:{n}"))
        };
        sim.add_image(base, version("1"));
        applied(&sim, &one).await.unwrap();
        sim.publish(base, version("2"));
        let wishes = Wishes {
            remote: BTreeMap::from([(base.to_owned(), "sha256:2".to_owned())]),
            ..Wishes::default()
        };
        let plan = planned(&sim, &one, &wishes).await;
        let build = plan
            .changes
            .iter()
            .find(|change| change.action == Action::Build)
            .unwrap();
        assert_eq!(build.fields[0].cause, Cause::Upstream);
        assert!(
            steps(&plan).contains("from docker.io/acme/base:1 as it is now"),
            "{}",
            steps(&plan)
        );
        let before = ids(&sim);
        apply_wishes(&sim, &one, wishes.clone()).await.unwrap();
        let after = ids(&sim);
        assert_ne!(before["acme-web-web"], after["acme-web-web"]);
        assert_eq!(before["acme-web-other"], after["acme-web-other"]);
        assert!(planned(&sim, &one, &wishes).await.is_empty());
        assert!(planned(&sim, &one, &Wishes::default()).await.is_empty());
    });
}

#[test]
fn old_images_go_with_the_revisions_that_they_were_kept_for() {
    in_virtual_time(async {
        let of = |n: usize| files(TWO, &n.to_string());
        let sim = of(0).engine().await;
        for n in 0..14 {
            applied(&sim, &of(n)).await.unwrap();
        }
        let left = sim.image_tags("docker.io/coasti/acme-shop-web");
        assert_eq!(left.len(), 10, "{left:?}");
    });
}

#[test]
fn a_killed_build_leaves_nothing_to_undo() {
    in_virtual_time(async {
        let (one, two) = (files(TWO, "1"), files(TWO, "2"));
        let sim = one.engine().await;
        applied(&sim, &one).await.unwrap();
        for fault in [
            Fault::CrashBefore,
            Fault::CrashAfter,
            Fault::EngineCrashBefore,
            Fault::EngineCrashAfter,
            Fault::LoseReply,
        ] {
            let before = ids(&sim);
            sim.faults(FaultPlan::new().on("build image", fault));
            assert!(applied(&sim, &two).await.is_err());
            if !sim.is_up() {
                sim.boot();
            }
            sim.revive();
            crate::support::stacks::release(&sim).await;
            tokio::time::sleep(Duration::from_secs(5)).await;
            assert_eq!(ids(&sim), before);
            applied(&sim, &two).await.unwrap();
            assert!(planned(&sim, &two, &Wishes::default()).await.is_empty());
            applied(&sim, &one).await.unwrap();
            let image = two
                .desired(&mut Default::default())
                .unwrap()
                .built_images()
                .pop_first()
                .unwrap();
            sim.remove_image(&image);
        }
    });
}
