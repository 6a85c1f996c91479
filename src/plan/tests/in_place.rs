//! What is mended without a new container, what cannot be, and what is left alone.

use super::super::fixture::{self, World};
use super::{changed, old};
use crate::diff::Hold;
use crate::observe::Status;

#[test]
fn changed_memory_is_mended_in_place() {
    let mut stack = old();
    fixture::live_mut(&mut stack, "blog").memory = Some(512 << 20);
    let mut world = World::settled(stack);
    world.on("acme-blog").live.memory = Some(1 << 30);
    insta::assert_snapshot!(world.steps(), @"
    #1 ← -        switch  update container:blog [blog] (update)
    #2 ← 1        verify  verify 1 containers (all still run)
    ");
}

#[test]
fn a_lost_network_is_joined_again_with_its_aliases() {
    let mut world = World::usual(|_| {});
    world.on("acme-blog-database").live.networks.clear();
    insta::assert_snapshot!(world.steps(), @"
    #1 ← -        switch  connect container:blog/database [blog-db] to acme-blog (update)
    #2 ← 1        verify  verify 2 containers (all still run)
    ");
}

#[test]
fn a_lost_alias_means_leaving_and_joining() {
    let mut world = World::usual(|_| {});
    let networks = &mut world.on("acme-blog-database").live.networks;
    networks.values_mut().for_each(|n| n.aliases.clear());
    insta::assert_snapshot!(world.steps(), @"
    #1 ← -        switch  disconnect container:blog/database [blog-db] from acme-blog (update)
    #2 ← 1        switch  connect container:blog/database [blog-db] to acme-blog (update)
    #3 ← 1,2      verify  verify 2 containers (all still run)
    ");
}

#[test]
fn a_network_that_is_gone_is_made_before_it_is_joined() {
    let mut world = World::usual(|_| {});
    world.observed.networks.remove("acme-wiki");
    world.on("acme-wiki").live.networks.clear();
    insta::assert_snapshot!(world.steps(), @"
    #1 ← -        prepare create network:wiki (new)
    #2 ← 1        prepare prepared (from here on, what runs is touched)
    #3 ← 1,2      switch  connect container:wiki [wiki] to acme-wiki (update)
    #4 ← 1,2,3    verify  verify 1 containers (all still run)
    ");
}

#[test]
fn a_limit_that_is_lifted_replaces() {
    let mut stack = old();
    fixture::live_mut(&mut stack, "wiki").memory = Some(512 << 20);
    let mut world = World::settled(stack);
    fixture::live_mut(&mut world.desired, "wiki").memory = None;
    let plan = world.plan();
    assert_eq!(plan.changes[0].action, crate::diff::Action::Replace);
}

#[test]
fn what_was_stopped_or_frozen_by_hand_runs_again() {
    let mut world = World::usual(|_| {});
    world.exited("acme-blog", 137);
    world.on("acme-wiki").state.status = Status::Paused;
    insta::assert_snapshot!(world.steps(), @"
    #1 ← -        switch  start container:blog [blog] (start)
    #2 ← 1        switch  await container:blog [blog] (start)
    #3 ← -        switch  unpause container:wiki [wiki] (start)
    #4 ← 3        switch  await container:wiki [wiki] (start)
    #5 ← 1,2,3,4  verify  verify 2 containers (all still run)
    ");
}

#[test]
fn what_is_held_is_left_as_it_is() {
    for (hold, status) in [
        (Hold::Stopped, Status::Exited),
        (Hold::Paused, Status::Paused),
        (Hold::Removed, Status::Exited),
    ] {
        let mut world = changed();
        world.on("acme-blog").state.status = status;
        if hold == Hold::Removed {
            world.observed.containers.remove("acme-blog");
        }
        world.hold("blog", hold);
        assert_eq!(world.steps(), "", "{hold:?}");
    }
}
