//! What is seen to differ, whose doing it is, and what is refused.

use super::*;
use crate::model::{NetworkMode, Text};
use crate::plan::fixture::{self, World, labels};

mod beside;
mod comes_back;
mod fixed;
mod refused;
mod steps;

/// The fields of a container's change: `field: from → to (cause)`.
fn fields(world: &World, address: &str) -> Vec<String> {
    let id = ResourceId::container(address);
    let plan = world.plan();
    let Some(change) = plan.changes.iter().find(|change| change.id == id) else {
        return Vec::new();
    };
    let show = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".into());
    change
        .fields
        .iter()
        .map(|f| {
            format!(
                "{}: {} → {} ({:?})",
                f.field,
                show(&f.from),
                show(&f.to),
                f.cause
            )
        })
        .collect()
}

/// A secret variable of the usual database, with a digest.
fn secret(stack: &mut Stack, digest: &str) {
    let value = Text::value(
        crate::base::ValueId::new("blog/database/MARIADB_PASSWORD"),
        Some(crate::base::Digest::of(digest.as_bytes())),
    );
    let env = &mut fixture::spec_mut(stack, "blog/database").env;
    env.insert("MARIADB_PASSWORD".into(), value);
}

#[test]
fn yours_drift_and_upstream_are_told_apart() {
    let mut stack = fixture::usual();
    fixture::live_mut(&mut stack, "blog").memory = Some(512 << 20);
    let mut world = World::settled(stack);
    fixture::env(&mut world.desired, "blog", "LEVEL", "debug");
    world.on("acme-blog").live.memory = Some(1 << 30);
    world.on("acme-blog").image = "sha256:before".into();
    assert_eq!(
        fields(&world, "blog"),
        [
            "env.LEVEL: info → debug (You)",
            "image: docker.io/library/blog:1 (before) → docker.io/library/blog:1 (1) (Upstream)",
            "memory: 1G → 512M (Drift)",
        ]
    );
}

#[test]
fn a_restart_policy_set_by_hand_is_drift_and_one_from_the_files_is_yours() {
    let mut world = World::usual(|_| {});
    world.on("acme-wiki").live.restart = fixture::no_restart();
    assert_eq!(fields(&world, "wiki"), ["restart: no → always (Drift)"]);
    let world = World::usual(|stack| {
        fixture::live_mut(stack, "wiki").restart = fixture::no_restart();
    });
    assert_eq!(fields(&world, "wiki"), ["restart: always → no (You)"]);
}

#[test]
fn what_the_files_do_not_declare_is_not_drift() {
    let mut world = World::usual(|_| {});
    let wiki = world.on("acme-wiki");
    wiki.live.memory = Some(1 << 30);
    wiki.live
        .networks
        .insert("by-hand".into(), crate::model::Attachment::default());
    assert!(world.plan().is_empty());
}

#[test]
fn a_secret_is_told_to_differ_and_not_told() {
    let mut stack = fixture::usual();
    secret(&mut stack, "old");
    let mut world = World::settled(stack);
    secret(&mut world.desired, "new");
    world.wishes.new_data = labels(&["blog"]);
    assert_eq!(
        fields(&world, "blog/database"),
        ["env.MARIADB_PASSWORD: *** → *** (You)"]
    );
}

#[test]
fn strategies_are_recognised() {
    let strategy = |edit: fn(&mut crate::model::About)| {
        let mut world = World::usual(|stack| fixture::env(stack, "wiki", "LEVEL", "debug"));
        let wiki = fixture::container_mut(&mut world.desired, "wiki");
        edit(wiki.about.as_mut().unwrap());
        let plan = world.plan();
        plan.changes[0].strategy.clone().unwrap()
    };
    let from = || "wiki".to_owned();
    assert_eq!(strategy(|_| {}), Strategy::Update);
    assert_eq!(
        strategy(|about| about.product = "docs".into()),
        Strategy::Replace { from: from() }
    );
    assert_eq!(
        strategy(|about| about.domain = Some("w.example.org".into())),
        Strategy::MoveDomain {
            from: String::new()
        }
    );
    assert_eq!(
        strategy(|about| {
            about.product = "docs".into();
            about.domain = Some("w.example.org".into());
        }),
        Strategy::ReuseLabel { from: from() }
    );
}

#[test]
fn copies_and_unused_volumes_are_noticed_and_left_alone() {
    let mut world = World::usual(|_| {});
    let desired = world.desired.clone();
    world.put(&desired, "blog", "-by-hand");
    fixture::drop_label(&mut world.desired, "blog");
    world.wishes.max_removals = Some(2);
    let plan = world.plan();
    let notices: Vec<_> = plan.notices.iter().cloned().collect();
    assert_eq!(
        notices,
        [
            Notice::Copy {
                name: "acme-blog-by-hand".into()
            },
            Notice::Retained {
                name: "acme-blog-database-data".into()
            },
            Notice::InUse {
                name: "acme-blog".into(),
                by: ["acme-blog-by-hand".into()].into(),
            },
        ]
    );
    assert!(!crate::plan::text::steps(&plan).contains("by-hand"));
}

#[test]
fn a_network_stays_while_a_stranger_is_on_it() {
    let mut world = World::usual(|stack| fixture::drop_label(stack, "blog"));
    world.wishes.max_removals = Some(2);
    let network = ResourceId::network("blog");
    let goes = |world: &World| {
        world
            .plan()
            .changes
            .iter()
            .any(|change| change.id == network)
    };
    assert!(goes(&world));
    let attached = &mut world.observed.foreign.attached;
    attached.insert("acme-blog".into(), ["admin".into()].into());
    assert!(!goes(&world));
    let told = world.plan().notices.into_iter().any(
        |notice| matches!(notice, Notice::InUse { name, by } if name == "acme-blog" && by.contains("admin")),
    );
    assert!(told);
}

#[test]
fn a_target_that_was_renamed_takes_its_old_label_along() {
    let mut world = World::usual(|stack| {
        fixture::app(stack, "docs");
        let about = fixture::container_mut(stack, "docs").about.as_mut();
        about.unwrap().was = Some("wiki".into());
        fixture::drop_label(stack, "wiki");
    });
    // Nor does the old one go without it: its successor would not be known as that any more.
    for label in ["docs", "wiki"] {
        world.wishes.target = labels(&[label]);
        let plan = world.plan();
        let actions: Vec<_> = plan
            .changes
            .iter()
            .filter(|change| change.id.kind == Kind::Container)
            .map(|change| format!("{:?} {}", change.action, change.id.address))
            .collect();
        assert_eq!(actions, ["Create docs", "Remove wiki"]);
    }
}

#[test]
fn an_undo_is_asked_nothing() {
    let mut world = World::usual(|stack| fixture::drop_label(stack, "blog"));
    world.wishes.undo = true;
    assert_eq!(world.refused(), Vec::<String>::new());
}

#[test]
fn who_runs_on_in_what_is_left_of_another_is_made_anew() {
    let mut stack = fixture::usual();
    let wiki = fixture::spec_mut(&mut stack, "wiki");
    wiki.network_mode = NetworkMode::Container("acme-blog".into());
    wiki.live.networks.clear();
    let said = |world: &World| -> Vec<String> {
        let plan = world.plan();
        let told =
            |change: &Change| format!("{} {:?} {:?}", change.id, change.action, change.reasons);
        plan.changes.iter().map(told).collect()
    };
    let lost = "container:wiki Replace [Outlived { other: \"blog\" }]";
    let settled = World::settled(stack);
    let none: [&str; 0] = [];
    assert_eq!(said(&settled), none);
    // Ended, and to be started.
    let mut world = settled.clone();
    world.exited("acme-blog", 1);
    let found = said(&world);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("container:blog Start"), "{found:?}");
    assert_eq!(found[1], lost);
    // Nobody starts it.
    world.hold("blog", Hold::Stopped);
    assert_eq!(said(&world), none);
    // Both are started.
    let mut world = settled.clone();
    world.exited("acme-blog", 1);
    world.exited("acme-wiki", 1);
    assert!(said(&world).iter().all(|one| one.contains(" Start ")));
    // Started since, by hand or by the engine.
    for (blog, wiki, is_lost) in [
        ("2026-11-20T14:00:00.25Z", "2026-11-20T14:00:00.2Z", true),
        ("2026-11-20T14:00:00.2Z", "2026-11-20T14:00:00.25Z", false),
        ("2026-11-20T14:00:01Z", "2026-11-20T14:00:00.9Z", true),
        ("2026-11-20T14:00:00Z", "2026-11-20T14:00:00.9Z", false),
    ] {
        let mut world = settled.clone();
        world.on("acme-blog").state.started_at = blog.into();
        world.on("acme-wiki").state.started_at = wiki.into();
        let lost = [lost].into_iter().filter(|_| is_lost);
        assert_eq!(said(&world), lost.collect::<Vec<_>>());
    }
}
