//! Back to what ran.

use super::super::fixture::World;
use super::{changed, old, undo};
use crate::base::names;
use crate::observe::Status;

#[test]
fn an_undo_before_the_switch_removes_what_was_made() {
    let mut world = changed();
    let new = world.desired.clone();
    let next = world.put(&new, "blog", names::NEXT);
    next.state.status = Status::Created;
    next.state.ever_started = false;
    insta::assert_snapshot!(undo(world).steps(), @"
    #1 ← -        switch  remove container:blog [blog.next] (update)
    #2 ← 1        verify  verify 1 containers (all still run)
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
