//! From what a run that was cut off left behind.

use super::super::fixture::{self, World};
use super::{changed, old, undo};
use crate::base::names;
use crate::model::Text;
use crate::observe::Status;

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
