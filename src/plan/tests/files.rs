//! Files that are delivered into containers.

use super::super::fixture::{self, World};
use crate::base::{ResourceId, names};

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
