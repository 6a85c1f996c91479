//! The order of steps: who needs whom, who gives up what, and who may run beside whom.

use super::super::Op;
use super::super::fixture::{self, World};
use super::changed;
use crate::base::ResourceId;
use crate::model::Order;

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
    world.wishes.new_data = fixture::labels(&["a", "b"]);
    let plan = world.plan();
    let at = |what: &str| {
        let found = plan
            .steps
            .iter()
            .find(|step| crate::plan::text::describe(step).starts_with(what));
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
