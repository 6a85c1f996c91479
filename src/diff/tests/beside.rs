//! What is refused because of who runs beside it.

use super::super::*;
use crate::plan::fixture::{self, World, labels};

#[test]
fn p0309_nothing_is_started_where_a_renamed_container_still_runs() {
    let mut world = World::usual(|_| {});
    let mut renamed = world
        .observed
        .containers
        .remove("acme-blog-database")
        .unwrap();
    renamed.name = "old-database".into();
    world
        .observed
        .containers
        .insert("old-database".into(), renamed);
    assert_eq!(world.refused(), ["P0309 container:blog/database"]);
    world.exited("old-database", 0);
    assert_eq!(world.refused(), Vec::<String>::new());
}

#[test]
fn p0309_nothing_is_started_beside_one_of_ours_that_a_target_leaves_alone() {
    let mut stack = fixture::usual();
    fixture::volume(&mut stack, "blog", "files", "/files");
    let mut world = World::settled(stack);
    // Nothing was applied as far as is known, and `wiki` takes the volume over.
    world.base = None;
    fixture::drop_label(&mut world.desired, "blog");
    fixture::mount(&mut world.desired, "wiki", "acme-blog-files", "/files");
    world.wishes.target = labels(&["wiki"]);
    assert_eq!(world.refused(), ["P0309 container:wiki"]);
    world.wishes.target.clear();
    world.wishes.max_removals = Some(9);
    assert_eq!(world.refused(), Vec::<String>::new());
    // What the files say that both write to, they share.
    let mut stack = fixture::usual();
    fixture::volume(&mut stack, "blog", "files", "/files");
    fixture::mount(&mut stack, "wiki", "acme-blog-files", "/files");
    let mut world = World::settled(stack);
    fixture::env(&mut world.desired, "wiki", "LEVEL", "debug");
    assert_eq!(world.refused(), Vec::<String>::new());
}

/// `blog` gives port 8101 to `wiki` and takes another.
fn moved() -> World {
    World::usual(|stack| {
        fixture::publish(stack, "wiki", 8101);
        fixture::publish(stack, "blog", 8102);
    })
}

#[test]
fn p0311_a_port_moves_in_one_plan_or_not_at_all() {
    let mut world = moved();
    assert_eq!(world.refused(), Vec::<String>::new());
    world.wishes.target = labels(&["wiki"]);
    assert_eq!(world.refused(), ["P0311 container:wiki"]);
    let refusal = world.plan().refusals.remove(0);
    assert_eq!(refusal.summary, "container `acme-blog` has port 8101/tcp");
    assert_eq!(
        refusal.help,
        ["name it too: --target blog, or leave out --target"]
    );
    // Also where it does not run just now.
    world.exited("acme-blog", 1);
    assert_eq!(world.refused(), ["P0311 container:wiki"]);
    world.observed.containers.remove("acme-blog");
    assert_eq!(world.refused(), ["P0311 container:wiki"]);
    world.wishes.target = labels(&["blog"]);
    assert_eq!(world.refused(), Vec::<String>::new());
    // Each at an address of its own, both have the number.
    let mut world = moved();
    world.wishes.target = labels(&["wiki"]);
    let port = fixture::spec_mut(&mut world.desired, "wiki")
        .ports
        .get_mut("80/tcp");
    port.unwrap().bind = [127, 0, 0, 2].into();
    assert_eq!(world.refused(), Vec::<String>::new());
}

#[test]
fn p0311_who_is_held_keeps_its_port_while_it_has_it() {
    let mut world = moved();
    world.hold("blog", Hold::Paused);
    world.on("acme-blog").state.status = crate::observe::Status::Paused;
    assert_eq!(world.refused(), ["P0311 container:wiki"]);
    assert!(world.plan().refusals[0].help[0].ends_with("or stop it: coasti stop blog"));
    world.hold("blog", Hold::Stopped);
    world.exited("acme-blog", 0);
    assert_eq!(world.refused(), Vec::<String>::new());
}
