//! Which steps a plan has, and in which order. Every plan made here passes the checker (see
//! [`World::plan`]).

mod adopt;

use super::Op;
use super::fixture::{self, World, labels};
use crate::base::{ResourceId, names};
use crate::diff::Hold;
use crate::model::{Order, Text};
use crate::observe::Status;

/// The whole old stack, for containers that a run left behind.
fn old() -> crate::model::Stack {
    fixture::usual()
}

/// The usual stack with `blog` changed in the files.
fn changed() -> World {
    World::usual(|stack| fixture::env(stack, "blog", "LEVEL", "debug"))
}

#[test]
fn a_first_plan_makes_providers_before_apps() {
    let mut stack = fixture::stack();
    fixture::app(&mut stack, "blog");
    fixture::database(&mut stack, "blog");
    insta::assert_snapshot!(World::fresh(stack).steps(), @"
    #1 ← -        prepare fetch image:docker.io/library/blog:1 (missing or moved)
    #2 ← -        prepare fetch image:docker.io/library/mariadb:10.11 (missing or moved)
    #3 ← -        prepare create network:blog (new)
    #4 ← -        prepare create volume:blog/database/data (new)
    #5 ← 1,3      prepare create container:blog as acme-blog (new)
    #6 ← 2,3,4    prepare create container:blog/database as acme-blog-database (new)
    #7 ← 6        switch  start container:blog/database [new] (new)
    #8 ← 7        switch  await container:blog/database [new] (new)
    #9 ← 5,8      switch  start container:blog [new] (new)
    #10 ← 9        switch  await container:blog [new] (new)
    #11 ← 1,2,3,4,5,6,7,8,9,10 verify  verify 2 containers (all still run)
    ");
}

#[test]
fn what_runs_as_the_files_say_needs_no_step() {
    assert_eq!(World::usual(|_| {}).steps(), "");
}

#[test]
fn a_container_that_publishes_a_port_stops_before_its_successor_starts() {
    insta::assert_snapshot!(changed().steps(), @"
    #1 ← -        prepare create container:blog as acme-blog.next (replace)
    #2 ← 1        prepare prepared (from here on, what runs is touched)
    #3 ← 2        switch  set restart `no` on container:blog [blog] (replace)
    #4 ← 2,3      switch  stop container:blog [blog] (replace)
    #5 ← 2,4      switch  rename container:blog [blog] to acme-blog.prev (replace)
    #6 ← 1,2,5    switch  rename container:blog [new] to acme-blog (replace)
    #7 ← 1,4,6    switch  start container:blog [new] (replace)
    #8 ← 7        switch  await container:blog [new] (replace)
    #9 ← 1,2,3,4,5,6,7,8 verify  verify 1 containers (all still run)
    #10 ← -        commit  remove container:blog [blog] (replace)
    ");
}

#[test]
fn a_container_that_claims_nothing_starts_before_the_old_one_stops() {
    let world = World::usual(|stack| fixture::env(stack, "wiki", "LEVEL", "debug"));
    insta::assert_snapshot!(world.steps(), @"
    #1 ← -        prepare create container:wiki as acme-wiki.next (replace)
    #2 ← 1        prepare prepared (from here on, what runs is touched)
    #3 ← 1        switch  start container:wiki [new] (replace)
    #4 ← 3        switch  await container:wiki [new] (replace)
    #5 ← 2,4      switch  set restart `no` on container:wiki [wiki] (replace)
    #6 ← 2,5      switch  stop container:wiki [wiki] (replace)
    #7 ← 2,6      switch  rename container:wiki [wiki] to acme-wiki.prev (replace)
    #8 ← 2,4,7    switch  rename container:wiki [new] to acme-wiki (replace)
    #9 ← 1,2,3,4,5,6,7,8 verify  verify 1 containers (all still run)
    #10 ← -        commit  remove container:wiki [wiki] (replace)
    ");
}

#[test]
fn the_files_can_ask_for_stop_first() {
    let world = World::usual(|stack| {
        fixture::env(stack, "wiki", "LEVEL", "debug");
        fixture::container_mut(stack, "wiki").life.update.order = Order::StopFirst;
    });
    insta::assert_snapshot!(world.steps(), @"
    #1 ← -        prepare create container:wiki as acme-wiki.next (replace)
    #2 ← 1        prepare prepared (from here on, what runs is touched)
    #3 ← 2        switch  set restart `no` on container:wiki [wiki] (replace)
    #4 ← 2,3      switch  stop container:wiki [wiki] (replace)
    #5 ← 2,4      switch  rename container:wiki [wiki] to acme-wiki.prev (replace)
    #6 ← 1,2,5    switch  rename container:wiki [new] to acme-wiki (replace)
    #7 ← 1,4,6    switch  start container:wiki [new] (replace)
    #8 ← 7        switch  await container:wiki [new] (replace)
    #9 ← 1,2,3,4,5,6,7,8 verify  verify 1 containers (all still run)
    #10 ← -        commit  remove container:wiki [wiki] (replace)
    ");
}

#[test]
fn a_port_that_is_given_up_is_free_before_another_takes_it() {
    // `blog` loses its port to `wiki`: without that, blog could run beside its predecessor.
    let world = World::usual(|stack| {
        fixture::spec_mut(stack, "blog").ports.clear();
        fixture::publish(stack, "wiki", 8101);
        fixture::needs(stack, "blog", "wiki");
    });
    insta::assert_snapshot!(world.steps(), @"
    #1 ← -        prepare create container:blog as acme-blog.next (replace)
    #2 ← -        prepare create container:wiki as acme-wiki.next (replace)
    #3 ← 1,2      prepare prepared (from here on, what runs is touched)
    #4 ← 3        switch  set restart `no` on container:blog [blog] (replace)
    #5 ← 3,4      switch  stop container:blog [blog] (replace)
    #6 ← 3,5      switch  rename container:blog [blog] to acme-blog.prev (replace)
    #7 ← 1,3,6    switch  rename container:blog [new] to acme-blog (replace)
    #8 ← 3        switch  set restart `no` on container:wiki [wiki] (replace)
    #9 ← 3,8      switch  stop container:wiki [wiki] (replace)
    #10 ← 3,9      switch  rename container:wiki [wiki] to acme-wiki.prev (replace)
    #11 ← 2,3,10   switch  rename container:wiki [new] to acme-wiki (replace)
    #12 ← 2,4,5,9,11 switch  start container:wiki [new] (replace)
    #13 ← 12       switch  await container:wiki [new] (replace)
    #14 ← 1,5,7,13 switch  start container:blog [new] (replace)
    #15 ← 14       switch  await container:blog [new] (replace)
    #16 ← 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15 verify  verify 2 containers (all still run)
    #17 ← -        commit  remove container:blog [blog] (replace)
    #18 ← -        commit  remove container:wiki [wiki] (replace)
    ");
}

#[test]
fn a_provider_and_its_app_stop_in_reverse_and_start_in_order() {
    let world = World::usual(|stack| {
        fixture::env(stack, "blog", "LEVEL", "debug");
        fixture::env(stack, "blog/database", "X", "1");
    });
    insta::assert_snapshot!(world.steps(), @"
    #1 ← -        prepare create container:blog as acme-blog.next (replace)
    #2 ← -        prepare create container:blog/database as acme-blog-database.next (replace)
    #3 ← 1,2      prepare prepared (from here on, what runs is touched)
    #4 ← 3        switch  set restart `no` on container:blog [blog] (replace)
    #5 ← 3,4      switch  stop container:blog [blog] (replace)
    #6 ← 3,5      switch  rename container:blog [blog] to acme-blog.prev (replace)
    #7 ← 1,3,6    switch  rename container:blog [new] to acme-blog (replace)
    #8 ← 3        switch  set restart `no` on container:blog/database [blog-db] (replace)
    #9 ← 3,5,8    switch  stop container:blog/database [blog-db] (replace)
    #10 ← 3,9      switch  rename container:blog/database [blog-db] to acme-blog-database.prev (replace)
    #11 ← 2,3,10   switch  rename container:blog/database [new] to acme-blog-database (replace)
    #12 ← 2,9,11   switch  start container:blog/database [new] (replace)
    #13 ← 12       switch  await container:blog/database [new] (replace)
    #14 ← 1,5,7,13 switch  start container:blog [new] (replace)
    #15 ← 14       switch  await container:blog [new] (replace)
    #16 ← 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15 verify  verify 2 containers (all still run)
    #17 ← -        commit  remove container:blog [blog] (replace)
    #18 ← -        commit  remove container:blog/database [blog-db] (replace)
    ");
}

#[test]
fn an_app_is_left_alone_and_looked_after_when_its_provider_is_replaced() {
    let world = World::usual(|stack| fixture::env(stack, "blog/database", "X", "1"));
    let steps = world.steps();
    assert!(!steps.contains("container:blog ["), "{steps}");
    let plan = world.plan();
    let verified = plan.steps.iter().find_map(|step| match &step.op {
        Op::Verify { containers } => Some(containers.clone()),
        _ => None,
    });
    assert!(verified.unwrap().contains(&ResourceId::container("blog")));
}

#[test]
fn two_that_swap_their_ports_both_stop_first() {
    let mut stack = fixture::stack();
    for (label, port) in [("a", 8101), ("b", 8102)] {
        fixture::app(&mut stack, label);
        fixture::publish(&mut stack, label, port);
    }
    let mut world = World::settled(stack);
    fixture::publish(&mut world.desired, "a", 8102);
    fixture::publish(&mut world.desired, "b", 8101);
    insta::assert_snapshot!(world.steps(), @"
    #1 ← -        prepare create container:a as acme-a.next (replace)
    #2 ← -        prepare create container:b as acme-b.next (replace)
    #3 ← 1,2      prepare prepared (from here on, what runs is touched)
    #4 ← 3        switch  set restart `no` on container:a [a] (replace)
    #5 ← 3,4      switch  stop container:a [a] (replace)
    #6 ← 3,5      switch  rename container:a [a] to acme-a.prev (replace)
    #7 ← 1,3,6    switch  rename container:a [new] to acme-a (replace)
    #8 ← 3        switch  set restart `no` on container:b [b] (replace)
    #9 ← 3,8      switch  stop container:b [b] (replace)
    #10 ← 1,5,7,8,9 switch  start container:a [new] (replace)
    #11 ← 10       switch  await container:a [new] (replace)
    #12 ← 3,9      switch  rename container:b [b] to acme-b.prev (replace)
    #13 ← 2,3,12   switch  rename container:b [new] to acme-b (replace)
    #14 ← 2,4,5,9,13 switch  start container:b [new] (replace)
    #15 ← 14       switch  await container:b [new] (replace)
    #16 ← 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15 verify  verify 2 containers (all still run)
    #17 ← -        commit  remove container:a [a] (replace)
    #18 ← -        commit  remove container:b [b] (replace)
    ");
}

#[test]
fn two_that_swap_their_volumes_both_stop_first() {
    let mut stack = fixture::stack();
    for label in ["a", "b"] {
        fixture::app(&mut stack, label);
        fixture::volume(&mut stack, label, "data", "/data");
    }
    let mut world = World::settled(stack);
    fixture::mount(&mut world.desired, "a", "acme-b-data", "/data");
    fixture::mount(&mut world.desired, "b", "acme-a-data", "/data");
    let plan = world.plan();
    let at = |what: &str| {
        let found = plan
            .steps
            .iter()
            .find(|step| super::text::describe(step).starts_with(what));
        found.unwrap().id
    };
    assert!(at("stop container:b") < at("start container:a"));
    assert!(at("stop container:a") < at("start container:b"));
}

#[test]
fn a_reader_of_a_volume_does_not_hold_up_its_writer() {
    // `blog` reads what its database writes and needs it healthy: if reading were a claim, each would wait
    // for the other.
    let edit = |stack: &mut crate::model::Stack| {
        fixture::spec_mut(stack, "blog").ports.clear();
        fixture::mount(stack, "blog", "acme-blog-database-data", "/backup");
        let mounts = &mut fixture::spec_mut(stack, "blog").mounts;
        mounts.get_mut("/backup").unwrap().read_only = true;
    };
    let mut stack = fixture::usual();
    edit(&mut stack);
    let mut world = World::settled(stack);
    fixture::env(&mut world.desired, "blog", "LEVEL", "debug");
    fixture::env(&mut world.desired, "blog/database", "X", "1");
    insta::assert_snapshot!(world.steps(), @"
    #1 ← -        prepare create container:blog as acme-blog.next (replace)
    #2 ← -        prepare create container:blog/database as acme-blog-database.next (replace)
    #3 ← 1,2      prepare prepared (from here on, what runs is touched)
    #4 ← 3        switch  set restart `no` on container:blog/database [blog-db] (replace)
    #5 ← 3,4      switch  stop container:blog/database [blog-db] (replace)
    #6 ← 3,5      switch  rename container:blog/database [blog-db] to acme-blog-database.prev (replace)
    #7 ← 2,3,6    switch  rename container:blog/database [new] to acme-blog-database (replace)
    #8 ← 2,5,7    switch  start container:blog/database [new] (replace)
    #9 ← 8        switch  await container:blog/database [new] (replace)
    #10 ← 1,9      switch  start container:blog [new] (replace)
    #11 ← 10       switch  await container:blog [new] (replace)
    #12 ← 3,11     switch  set restart `no` on container:blog [blog] (replace)
    #13 ← 3,12     switch  stop container:blog [blog] (replace)
    #14 ← 3,13     switch  rename container:blog [blog] to acme-blog.prev (replace)
    #15 ← 3,11,14  switch  rename container:blog [new] to acme-blog (replace)
    #16 ← 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15 verify  verify 2 containers (all still run)
    #17 ← -        commit  remove container:blog [blog] (replace)
    #18 ← -        commit  remove container:blog/database [blog-db] (replace)
    ");
}

#[test]
fn what_is_not_in_the_files_stops_in_reverse_and_goes_at_commit() {
    let mut world = World::usual(|stack| fixture::drop_label(stack, "blog"));
    world.wishes.max_removals = Some(2);
    insta::assert_snapshot!(world.steps(), @"
    #1 ← -        switch  set restart `no` on container:blog [blog] (remove)
    #2 ← 1        switch  stop container:blog [blog] (remove)
    #3 ← -        switch  set restart `no` on container:blog/database [blog-db] (remove)
    #4 ← 2,3      switch  stop container:blog/database [blog-db] (remove)
    #5 ← 2        commit  remove container:blog [blog] (remove)
    #6 ← 4        commit  remove container:blog/database [blog-db] (remove)
    #7 ← 5,6      commit  remove network:blog (remove)
    ");
}

#[test]
fn a_provider_that_is_dropped_goes_after_the_app_that_used_it() {
    let world = World::usual(|stack| {
        let database = ResourceId::container("blog/database");
        stack.resources.remove(&database);
        let blog = fixture::container_mut(stack, "blog");
        blog.needs.remove(&database);
        fixture::env(stack, "blog", "LEVEL", "debug");
    });
    let plan = world.plan();
    let stop = |address: &str| {
        let found = plan
            .steps
            .iter()
            .find(|s| matches!(s.op, Op::Stop { .. }) && s.of.address == address);
        found.unwrap().clone()
    };
    assert!(stop("blog/database").needs.contains(&stop("blog").id));
}

#[test]
fn a_cut_off_prepare_leaves_a_successor_that_is_made_anew() {
    // Whatever is known of the successor, the old one must be there until commit.
    let mut world = changed();
    let new = world.desired.clone();
    let next = world.put(&new, "blog", names::NEXT);
    next.state.status = Status::Created;
    next.state.ever_started = false;
    insta::assert_snapshot!(world.steps(), @"
    #1 ← -        prepare remove container:blog [blog.next] (leftover)
    #2 ← 1        prepare create container:blog as acme-blog.next (replace)
    #3 ← 1,2      prepare prepared (from here on, what runs is touched)
    #4 ← 3        switch  set restart `no` on container:blog [blog] (replace)
    #5 ← 3,4      switch  stop container:blog [blog] (replace)
    #6 ← 3,5      switch  rename container:blog [blog] to acme-blog.prev (replace)
    #7 ← 2,3,6    switch  rename container:blog [new] to acme-blog (replace)
    #8 ← 2,5,7    switch  start container:blog [new] (replace)
    #9 ← 8        switch  await container:blog [new] (replace)
    #10 ← 1,2,3,4,5,6,7,8,9 verify  verify 1 containers (all still run)
    #11 ← -        commit  remove container:blog [blog] (replace)
    ");
}

#[test]
fn a_cut_off_start_first_leaves_both_running() {
    let mut world = World::usual(|stack| fixture::env(stack, "wiki", "LEVEL", "debug"));
    let new = world.desired.clone();
    world.put(&new, "wiki", names::NEXT);
    insta::assert_snapshot!(world.steps(), @"
    #1 ← -        prepare stop container:wiki [wiki.next] (leftover)
    #2 ← 1        prepare remove container:wiki [wiki.next] (leftover)
    #3 ← 2        prepare create container:wiki as acme-wiki.next (replace)
    #4 ← 1,2,3    prepare prepared (from here on, what runs is touched)
    #5 ← 3        switch  start container:wiki [new] (replace)
    #6 ← 5        switch  await container:wiki [new] (replace)
    #7 ← 4,6      switch  set restart `no` on container:wiki [wiki] (replace)
    #8 ← 4,7      switch  stop container:wiki [wiki] (replace)
    #9 ← 4,8      switch  rename container:wiki [wiki] to acme-wiki.prev (replace)
    #10 ← 4,6,9    switch  rename container:wiki [new] to acme-wiki (replace)
    #11 ← 1,2,3,4,5,6,7,8,9,10 verify  verify 1 containers (all still run)
    #12 ← -        commit  remove container:wiki [wiki] (replace)
    ");
}

#[test]
fn a_cut_off_switch_keeps_the_old_one_until_commit() {
    // The new one runs under its own name, the revision is not the good one yet.
    let mut world = changed();
    let new = world.desired.clone();
    world.put(&new, "blog", "");
    world.put_previous(&old(), "blog");
    insta::assert_snapshot!(world.steps(), @"
    #1 ← -        switch  await container:blog [blog] (update)
    #2 ← 1        verify  verify 1 containers (all still run)
    #3 ← -        commit  remove container:blog [blog.prev] (update)
    ");
}

#[test]
fn one_whose_commands_may_not_have_run_is_made_anew_and_the_old_one_still_stays() {
    let mut world = changed();
    fixture::spec_mut(&mut world.desired, "blog").post_run = vec![Text::plain("migrate")];
    let new = world.desired.clone();
    let run = Some(crate::base::RunId::new("cut-off"));
    world.put(&new, "blog", "").owner.run = run.clone();
    world.put_previous(&old(), "blog");
    world.wishes.distrust = run;
    insta::assert_snapshot!(world.steps(), @"
    #1 ← -        prepare create container:blog as acme-blog.next (replace)
    #2 ← 1        prepare prepared (from here on, what runs is touched)
    #3 ← 2        switch  set restart `no` on container:blog [blog] (replace)
    #4 ← 2,3      switch  stop container:blog [blog] (replace)
    #5 ← 2,4      switch  remove container:blog [blog] (replace)
    #6 ← 1,2,5    switch  rename container:blog [new] to acme-blog (replace)
    #7 ← 1,4,6    switch  start container:blog [new] (replace)
    #8 ← 7        switch  await container:blog [new] (replace)
    #9 ← 8        switch  post-run in container:blog [new] (replace)
    #10 ← 1,2,3,4,5,6,7,8,9 verify  verify 1 containers (all still run)
    #11 ← -        commit  remove container:blog [blog.prev] (replace)
    ");
}

#[test]
fn a_cut_off_commit_leaves_an_old_one_that_goes() {
    let mut world = changed();
    world.base = Some(world.desired.clone());
    let new = world.desired.clone();
    world.put(&new, "blog", "");
    world.put_previous(&old(), "blog");
    insta::assert_snapshot!(world.steps(), @"
    #1 ← -        switch  remove container:blog [blog.prev] (update)
    #2 ← 1        verify  verify 1 containers (all still run)
    ");
}

#[test]
fn an_old_one_left_by_a_commit_frees_its_name_for_the_next() {
    let mut world = changed();
    world.put_previous(&old(), "blog");
    // As if replaced on request before: both are of one spec.
    insta::assert_snapshot!(world.steps(), @"
    #1 ← -        prepare create container:blog as acme-blog.next (replace)
    #2 ← 1        prepare prepared (from here on, what runs is touched)
    #3 ← 2        switch  set restart `no` on container:blog [blog] (replace)
    #4 ← 2,3      switch  stop container:blog [blog] (replace)
    #5 ← 2        switch  remove container:blog [blog.prev] (replace)
    #6 ← 2,4,5    switch  rename container:blog [blog] to acme-blog.prev (replace)
    #7 ← 1,2,5,6  switch  rename container:blog [new] to acme-blog (replace)
    #8 ← 1,4,7    switch  start container:blog [new] (replace)
    #9 ← 8        switch  await container:blog [new] (replace)
    #10 ← 1,2,3,4,5,6,7,8,9 verify  verify 1 containers (all still run)
    #11 ← -        commit  remove container:blog [blog] (replace)
    ");
}

#[test]
fn files_taken_back_after_a_cut_off_switch_bring_the_old_one_back() {
    let mut world = World::usual(|_| {});
    let mut new = old();
    fixture::env(&mut new, "blog", "LEVEL", "debug");
    world.put(&new, "blog", "");
    world.put_previous(&old(), "blog");
    insta::assert_snapshot!(world.steps(), @"
    #1 ← -        switch  set restart `no` on container:blog [blog] (restore)
    #2 ← 1        switch  stop container:blog [blog] (restore)
    #3 ← 2        switch  remove container:blog [blog] (restore)
    #4 ← 3        switch  rename container:blog [blog.prev] to acme-blog (restore)
    #5 ← 2,4      switch  update container:blog [blog.prev] (restore)
    #6 ← 2,4,5    switch  start container:blog [blog.prev] (restore)
    #7 ← 6        switch  await container:blog [blog.prev] (restore)
    #8 ← 1,2,3,4,5,6,7 verify  verify 1 containers (all still run)
    ");
}

#[test]
fn an_old_one_between_stop_and_rename_is_started_again() {
    let mut world = World::usual(|_| {});
    world.exited("acme-blog", 0);
    world.on("acme-blog").live.restart = fixture::no_restart();
    insta::assert_snapshot!(world.steps(), @"
    #1 ← -        switch  update container:blog [blog] (update)
    #2 ← 1        switch  start container:blog [blog] (update)
    #3 ← 2        switch  await container:blog [blog] (update)
    #4 ← 1,2,3    verify  verify 1 containers (all still run)
    ");
}

/// The world after a failed run, to be taken back.
fn undo(mut world: World) -> World {
    world.desired = old();
    world.wishes.undo = true;
    world
}

#[test]
fn an_undo_before_the_switch_removes_what_was_made() {
    let mut world = changed();
    let new = world.desired.clone();
    let next = world.put(&new, "blog", names::NEXT);
    next.state.status = Status::Created;
    next.state.ever_started = false;
    insta::assert_snapshot!(undo(world).steps(), @"
    #1 ← -        switch  set restart `no` on container:blog [blog.next] (update)
    #2 ← 1        switch  remove container:blog [blog.next] (update)
    #3 ← 1,2      verify  verify 1 containers (all still run)
    ");
}

#[test]
fn an_undo_after_the_switch_starts_the_old_one_again() {
    let mut world = changed();
    let new = world.desired.clone();
    world.put(&new, "blog", "").state.status = Status::Restarting;
    world.put_previous(&old(), "blog");
    insta::assert_snapshot!(undo(world).steps(), @"
    #1 ← -        switch  set restart `no` on container:blog [blog] (restore)
    #2 ← 1        switch  stop container:blog [blog] (restore)
    #3 ← 2        switch  remove container:blog [blog] (restore)
    #4 ← 3        switch  rename container:blog [blog.prev] to acme-blog (restore)
    #5 ← 2,4      switch  update container:blog [blog.prev] (restore)
    #6 ← 2,4,5    switch  start container:blog [blog.prev] (restore)
    #7 ← 6        switch  await container:blog [blog.prev] (restore)
    #8 ← 1,2,3,4,5,6,7 verify  verify 1 containers (all still run)
    ");
}

#[test]
fn an_undo_takes_the_old_one_also_where_the_new_one_is_of_the_same_spec() {
    // A moved image tag, or `--replace`: the specs are equal, and the new one runs but does not work.
    let mut world = World::usual(|_| {});
    world.on("acme-blog").image = "sha256:moved".into();
    world.put_previous(&old(), "blog");
    let steps = undo(world).steps();
    insta::assert_snapshot!(steps, @"
    #1 ← -        switch  set restart `no` on container:blog [blog] (restore)
    #2 ← 1        switch  stop container:blog [blog] (restore)
    #3 ← 2        switch  remove container:blog [blog] (restore)
    #4 ← 3        switch  rename container:blog [blog.prev] to acme-blog (restore)
    #5 ← 2,4      switch  update container:blog [blog.prev] (restore)
    #6 ← 2,4,5    switch  start container:blog [blog.prev] (restore)
    #7 ← 6        switch  await container:blog [blog.prev] (restore)
    #8 ← 1,2,3,4,5,6,7 verify  verify 1 containers (all still run)
    ");
}

#[test]
fn an_undo_keeps_the_failed_one_where_asked_to() {
    let mut world = changed();
    let new = world.desired.clone();
    world.put(&new, "blog", "").state.status = Status::Exited;
    world.put_previous(&old(), "blog");
    // Kept by an earlier run; there can be one only.
    world.put(&new, "blog", names::FAILED).state.status = Status::Exited;
    world.wishes.keep_failed = true;
    insta::assert_snapshot!(undo(world).steps(), @"
    #1 ← -        switch  set restart `no` on container:blog [blog] (restore)
    #2 ← -        switch  set restart `no` on container:blog [blog.failed] (restore)
    #3 ← 2        switch  remove container:blog [blog.failed] (restore)
    #4 ← 1,3      switch  rename container:blog [blog] to acme-blog.failed (kept to be looked at)
    #5 ← 3,4      switch  rename container:blog [blog.prev] to acme-blog (restore)
    #6 ← 1,2,5    switch  update container:blog [blog.prev] (restore)
    #7 ← 1,2,5,6  switch  start container:blog [blog.prev] (restore)
    #8 ← 7        switch  await container:blog [blog.prev] (restore)
    #9 ← 1,2,3,4,5,6,7,8 verify  verify 1 containers (all still run)
    ");
}

#[test]
fn an_undo_of_a_first_apply_removes_containers_and_networks_and_no_volume() {
    let mut world = World::settled(old());
    world.base = None;
    world.desired.resources.clear();
    world.wishes.undo = true;
    let steps = world.steps();
    insta::assert_snapshot!(steps, @"
    #1 ← -        switch  set restart `no` on container:blog [blog] (remove)
    #2 ← 1        switch  stop container:blog [blog] (remove)
    #3 ← 2        switch  remove container:blog [blog] (remove)
    #4 ← -        switch  set restart `no` on container:blog/database [blog-db] (remove)
    #5 ← 4        switch  stop container:blog/database [blog-db] (remove)
    #6 ← 5        switch  remove container:blog/database [blog-db] (remove)
    #7 ← -        switch  set restart `no` on container:wiki [wiki] (remove)
    #8 ← 7        switch  stop container:wiki [wiki] (remove)
    #9 ← 8        switch  remove container:wiki [wiki] (remove)
    #10 ← 3,6,9    commit  remove network:blog (remove)
    #11 ← 3,6,9    commit  remove network:wiki (remove)
    ");
    assert!(!steps.contains("volume"));
}

#[test]
fn an_undo_makes_anew_what_is_gone() {
    let mut world = World::usual(|_| {});
    world.observed.containers.remove("acme-wiki");
    insta::assert_snapshot!(undo(world).steps(), @"
    #1 ← -        prepare create container:wiki as acme-wiki (new)
    #2 ← 1        switch  start container:wiki [new] (new)
    #3 ← 2        switch  await container:wiki [new] (new)
    #4 ← 1,2,3    verify  verify 1 containers (all still run)
    ");
}

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

#[test]
fn an_image_whose_tag_moved_replaces_and_a_missing_one_is_fetched_first() {
    let mut world = World::usual(|_| {});
    let image = "docker.io/library/wiki:1";
    world.observed.images.get_mut(image).unwrap().id = "sha256:other".into();
    let steps = world.steps();
    assert!(steps.contains("create container:wiki as acme-wiki.next"));
    let mut world = World::usual(|stack| fixture::env(stack, "wiki", "LEVEL", "debug"));
    world.observed.images.remove(image);
    let steps = world.steps();
    assert!(
        steps.starts_with("#1 ← -        prepare fetch image:docker.io/library/wiki:1"),
        "{steps}"
    );
    // While nothing needs it, it is not fetched.
    let mut world = World::usual(|_| {});
    world.observed.images.remove(image);
    assert_eq!(world.steps(), "");
}

#[test]
fn target_and_replace_narrow_and_force() {
    let mut world = changed();
    fixture::env(&mut world.desired, "wiki", "LEVEL", "debug");
    world.wishes.target = labels(&["wiki"]);
    assert!(!world.steps().contains("blog"));
    let mut world = World::usual(|_| {});
    world.wishes.replace = labels(&["wiki"]);
    assert!(world.steps().contains("create container:wiki"));
}

#[test]
fn a_target_brings_the_network_that_it_shares() {
    let mut world = World::usual(|_| {});
    world.observed.containers.remove("acme-wiki");
    world.observed.networks.remove("acme-wiki");
    let network = world
        .desired
        .resources
        .remove(&ResourceId::network("wiki"))
        .unwrap();
    let shared = ResourceId::network("shared");
    world.desired.resources.insert(shared.clone(), network);
    let wiki = fixture::container_mut(&mut world.desired, "wiki");
    wiki.needs.remove(&ResourceId::network("wiki"));
    wiki.needs.insert(shared, crate::model::Need::Exists);
    world.wishes.target = labels(&["wiki"]);
    assert!(world.steps().contains("create network:shared"));
}

#[test]
fn a_renamed_label_takes_the_volume_when_the_old_one_let_go() {
    let mut world = World::usual(|stack| {
        let blog: Vec<_> = stack
            .resources
            .iter()
            .filter(|(id, _)| id.label() == "blog")
            .map(|(id, it)| (id.clone(), it.clone()))
            .collect();
        for (id, mut it) in blog {
            stack.resources.remove(&id);
            let rename =
                |id: &ResourceId| ResourceId::new(id.kind, id.address.replacen("blog", "news", 1));
            if id.kind == crate::base::Kind::Container {
                it.name = it.name.replacen("blog", "news", 1);
            }
            if let Some(about) = &mut it.about {
                about.was = Some("blog".into());
            }
            it.needs = it
                .needs
                .iter()
                .map(|(id, need)| match id.label() {
                    "blog" => (rename(id), *need),
                    _ => (id.clone(), *need),
                })
                .collect();
            stack.resources.insert(rename(&id), it);
        }
    });
    world.volumes().retain(|name, _| name.contains("blog"));
    insta::assert_snapshot!(world.steps(), @"
    #1 ← -        prepare create container:news as acme-news (new)
    #2 ← -        prepare create container:news/database as acme-news-database (new)
    #3 ← 1,2      prepare prepared (from here on, what runs is touched)
    #4 ← 3        switch  set restart `no` on container:blog [blog] (remove)
    #5 ← 3,4      switch  stop container:blog [blog] (remove)
    #6 ← 3        switch  set restart `no` on container:blog/database [blog-db] (remove)
    #7 ← 3,5,6    switch  stop container:blog/database [blog-db] (remove)
    #8 ← 2,6,7    switch  start container:news/database [new] (new)
    #9 ← 8        switch  await container:news/database [new] (new)
    #10 ← 1,4,5,9  switch  start container:news [new] (new)
    #11 ← 10       switch  await container:news [new] (new)
    #12 ← 1,2,3,4,5,6,7,8,9,10,11 verify  verify 2 containers (all still run)
    #13 ← 5        commit  remove container:blog [blog] (remove)
    #14 ← 7        commit  remove container:blog/database [blog-db] (remove)
    ");
}

#[test]
fn post_run_commands_follow_health_and_only_in_what_was_made() {
    let mut world = World::usual(|stack| {
        fixture::spec_mut(stack, "wiki").post_run = vec![Text::plain("migrate")];
    });
    let steps = world.steps();
    let at = |steps: &str, word: &str| {
        steps
            .find(word)
            .unwrap_or_else(|| panic!("{word}: {steps}"))
    };
    const POST_RUN: &str = "post-run in container:wiki [new]";
    const AWAIT: &str = "await container:wiki [new]";
    assert!(at(&steps, AWAIT) < at(&steps, POST_RUN));
    // What makes it healthy may be one of them.
    fixture::spec_mut(&mut world.desired, "wiki").post_run_at_start = true;
    let steps = world.steps();
    assert!(at(&steps, POST_RUN) < at(&steps, AWAIT));
    fixture::spec_mut(&mut world.desired, "wiki").post_run_at_start = false;
    world.observed = fixture::observe(&world.desired);
    world.base = Some(world.desired.clone());
    world.exited("acme-wiki", 1);
    assert!(!world.steps().contains("post-run"));
}

#[test]
fn without_a_good_revision_labels_say_what_was_made() {
    let mut world = changed();
    world.base = None;
    assert!(
        world
            .steps()
            .contains("create container:blog as acme-blog.next")
    );
    let mut world = World::usual(|_| {});
    world.base = None;
    assert_eq!(world.steps(), "");
}

#[test]
fn plans_do_not_depend_on_the_order_of_what_is_observed() {
    // Maps are sorted; ids given by the engine must not matter.
    let world = changed();
    let mut other = changed();
    for container in other.observed.containers.values_mut() {
        let turned: String = container.id.as_str().chars().rev().collect();
        container.id = crate::base::EngineId::new(turned);
    }
    let bare = |text: String| -> Vec<String> {
        let ids = |line: &str| line.split(['[', ']']).step_by(2).collect();
        text.lines().map(ids).collect()
    };
    assert_eq!(bare(world.steps()), bare(other.steps()));
}

/// Every state in which a kill can leave a container and its successor, and whatever else a hand may have
/// done: forwards and backwards there is a plan that passes the checker.
#[test]
fn from_every_leftover_there_is_a_way() {
    let mut third = old();
    fixture::env(&mut third, "blog", "LEVEL", "third");
    let states = [Status::Running, Status::Exited, Status::Created];
    let mut seen = 0;
    for address in ["blog/database", "wiki"] {
        for (undoing, keep_failed) in [(false, false), (true, false), (true, true)] {
            {
                for current in [0, 1, 2, 3] {
                    for (prev, next) in (0..4).flat_map(|prev| (0..4).map(move |next| (prev, next)))
                    {
                        for turn in 0..2 {
                            let mut world = changed();
                            fixture::env(&mut world.desired, "wiki", "LEVEL", "debug");
                            fixture::env(&mut world.desired, "blog/database", "X", "1");
                            let desired = world.desired.clone();
                            let name = names::object(&desired.name, address);
                            world.observed.containers.remove(&name);
                            let pick = |n: usize| match n {
                                0 => None,
                                1 => Some(old()),
                                2 => Some(desired.clone()),
                                _ => Some(third.clone()),
                            };
                            for (index, (which, suffix)) in
                                [(current, ""), (prev, names::PREV), (next, names::NEXT)]
                                    .into_iter()
                                    .enumerate()
                            {
                                if let Some(stack) = pick(which) {
                                    let made = world.put(&stack, address, suffix);
                                    made.state.status = states[(index + turn) % states.len()];
                                    made.state.ever_started = made.state.status != Status::Created;
                                    if suffix == names::PREV {
                                        made.live.restart = fixture::no_restart();
                                    }
                                }
                            }
                            world.put(&third, address, names::FAILED).state.status = Status::Exited;
                            world.wishes.keep_failed = keep_failed;
                            let world = if undoing { undo(world) } else { world };
                            let plan = world.plan();
                            assert!(plan.refusals.is_empty());
                            seen += 1;
                        }
                    }
                }
            }
        }
    }
    assert_eq!(seen, 2 * 3 * 4 * 16 * 2);
}

/// `wiki` gets a key of that digest as a file.
fn keyed(digest: &str) -> crate::model::Stack {
    let mut stack = fixture::usual();
    fixture::file(&mut stack, "wiki", "/etc/key", digest);
    stack
}

#[test]
fn files_are_written_before_their_container_is_made() {
    let mut world = World::usual(|_| {});
    world.desired = keyed("one");
    insta::assert_snapshot!(world.steps(), @"
    #1 ← -        prepare write file:wiki/files (new)
    #2 ← 1        prepare create container:wiki as acme-wiki.next (replace)
    #3 ← 1,2      prepare prepared (from here on, what runs is touched)
    #4 ← 2        switch  start container:wiki [new] (replace)
    #5 ← 4        switch  await container:wiki [new] (replace)
    #6 ← 3,5      switch  set restart `no` on container:wiki [wiki] (replace)
    #7 ← 3,6      switch  stop container:wiki [wiki] (replace)
    #8 ← 3,7      switch  rename container:wiki [wiki] to acme-wiki.prev (replace)
    #9 ← 3,5,8    switch  rename container:wiki [new] to acme-wiki (replace)
    #10 ← 1,2,3,4,5,6,7,8,9 verify  verify 1 containers (all still run)
    #11 ← -        commit  remove container:wiki [wiki] (replace)
    ");
}

#[test]
fn another_content_is_another_volume_and_the_old_one_goes_last() {
    let mut world = World::settled(keyed("one"));
    world.desired = keyed("two");
    insta::assert_snapshot!(world.steps(), @"
    #1 ← -        prepare write file:wiki/files (new)
    #2 ← 1        prepare create container:wiki as acme-wiki.next (replace)
    #3 ← 1,2      prepare prepared (from here on, what runs is touched)
    #4 ← 2        switch  start container:wiki [new] (replace)
    #5 ← 4        switch  await container:wiki [new] (replace)
    #6 ← 3,5      switch  set restart `no` on container:wiki [wiki] (replace)
    #7 ← 3,6      switch  stop container:wiki [wiki] (replace)
    #8 ← 3,7      switch  rename container:wiki [wiki] to acme-wiki.prev (replace)
    #9 ← 3,5,8    switch  rename container:wiki [new] to acme-wiki (replace)
    #10 ← 1,2,3,4,5,6,7,8,9 verify  verify 1 containers (all still run)
    #11 ← -        commit  remove container:wiki [wiki] (replace)
    #12 ← 11       commit  remove file:wiki/files@8491efe370a2 (remove)
    ");
}

#[test]
fn files_that_a_container_has_stay_and_half_written_ones_are_written_again() {
    assert_eq!(World::settled(keyed("one")).steps(), "");
    // As a run leaves them that was cut off before it made the container.
    let mut world = World::settled(fixture::usual());
    world.desired = keyed("one");
    let made = fixture::observe(&world.desired).volumes;
    world.observed.volumes.extend(made);
    let steps = world.steps();
    assert!(steps.contains("write file:wiki/files"), "{steps}");
}

#[test]
fn an_undo_removes_the_new_files_and_writes_only_old_ones_that_are_gone() {
    let mut world = World::settled(keyed("one"));
    let new = keyed("two");
    let made = fixture::observe(&new).volumes;
    world.observed.volumes.extend(made);
    world.wishes.undo = true;
    insta::assert_snapshot!(world.steps(), @"#1 ← -        commit  remove file:wiki/files@5dfa38429f31 (remove)");
    // A container that is kept to be looked at keeps its files.
    let wiki = ResourceId::container("wiki");
    let mut failed = fixture::running(&new, &wiki);
    failed.id = crate::base::EngineId::new("failed");
    failed.name.push_str(names::NEXT);
    world
        .observed
        .containers
        .insert(failed.name.clone(), failed.clone());
    assert!(world.steps().contains("remove file:wiki/files@"));
    world.wishes.keep_failed = true;
    assert!(
        !world.steps().contains("remove file:wiki/files@"),
        "{}",
        world.steps()
    );
    world.observed.containers.remove(&failed.name);
    let old = keyed("one");
    let files = &old.resources[&ResourceId::file("wiki/files")].name;
    world.observed.volumes.remove(files);
    world.observed.containers.remove("acme-wiki");
    let steps = world.steps();
    assert!(steps.contains("write file:wiki/files"), "{steps}");
}
