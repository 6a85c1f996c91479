//! Data that was left, or that is found elsewhere, is guarded like data that is in use.

use super::super::*;
use super::secret;
use crate::model::{Mount, MountSource};
use crate::plan::fixture::{self, World, labels};

const DATABASE: &str = "blog/database";

fn image(stack: &mut Stack, tag: &str) {
    fixture::spec_mut(stack, DATABASE).image = format!("docker.io/library/mariadb:{tag}");
}

/// `blog` and its database were applied with the password `old`, then left the files; now they are back.
fn back() -> World {
    let mut first = fixture::usual();
    secret(&mut first, "old");
    image(&mut first, "10.11");
    let mut second = first.clone();
    fixture::drop_label(&mut second, "blog");
    second.remember(&first);
    assert_eq!(second.digest(), {
        let mut bare = second.clone();
        bare.left.clear();
        bare.digest()
    });
    let mut world = World::settled(second);
    let there = fixture::observe(&first).volumes;
    world.observed.volumes.extend(there);
    world.desired = first;
    world
}

#[test]
fn a_database_that_comes_back_is_what_its_data_was_made_with() {
    let mut world = back();
    assert_eq!(world.refused(), Vec::<String>::new());
    image(&mut world.desired, "11.4");
    assert_eq!(world.refused(), ["P0301 container:blog/database"]);
    image(&mut world.desired, "10.11");
    secret(&mut world.desired, "new");
    assert_eq!(world.refused(), ["P0302 container:blog/database"]);
}

#[test]
fn what_comes_back_without_its_volume_is_told_so() {
    let mut world = back();
    let mounts = &mut fixture::spec_mut(&mut world.desired, DATABASE).mounts;
    mounts.get_mut("/var/lib/mysql").unwrap().source = MountSource::Directory("/srv/db".into());
    assert_eq!(world.refused(), ["P0310 container:blog/database"]);
    world.wishes.new_data = labels(&["blog"]);
    assert_eq!(world.refused(), Vec::<String>::new());
}

#[test]
fn what_is_left_is_forgotten_once_it_is_used() {
    let world = back();
    let base = world.base.as_ref().unwrap();
    assert_eq!(
        base.left.keys().collect::<Vec<_>>(),
        ["acme-blog-database-data"]
    );
    let mut third = world.desired.clone();
    third.remember(base);
    assert!(third.left.is_empty());
}

/// A database whose files are in a directory.
fn in_directory(stack: &mut Stack, path: &str) {
    let database = fixture::container_mut(stack, DATABASE);
    let about = database.about.as_mut().unwrap();
    for data in about.init_only.values_mut() {
        *data = EngineId::new(path);
    }
    let mounts = &mut fixture::spec_mut(stack, DATABASE).mounts;
    mounts.get_mut("/var/lib/mysql").unwrap().source = MountSource::Directory(path.into());
}

fn usual_in_directory() -> World {
    let mut stack = fixture::usual();
    secret(&mut stack, "old");
    image(&mut stack, "10.11");
    in_directory(&mut stack, "/srv/db");
    World::settled(stack)
}

#[test]
fn a_databases_directory_is_guarded_like_a_volume() {
    let mut world = usual_in_directory();
    assert_eq!(world.refused(), Vec::<String>::new());
    image(&mut world.desired, "11.4");
    assert_eq!(world.refused(), ["P0301 container:blog/database"]);
    image(&mut world.desired, "10.11");
    in_directory(&mut world.desired, "/srv/other");
    assert_eq!(world.refused(), ["P0310 container:blog/database"]);
    world.wishes.new_data = labels(&["blog"]);
    assert_eq!(world.refused(), Vec::<String>::new());
}

#[test]
fn another_existing_volume_of_somebody_elses_is_another_database() {
    let mut world = World::usual(|stack| {
        let mounts = &mut fixture::spec_mut(stack, DATABASE).mounts;
        let other = MountSource::Volume(EngineId::new("theirs"));
        mounts.get_mut("/var/lib/mysql").unwrap().source = other;
        let about = fixture::container_mut(stack, DATABASE).about.as_mut();
        for data in about.unwrap().init_only.values_mut() {
            *data = EngineId::new("theirs");
        }
    });
    world.observed.foreign.volumes.insert("theirs".into());
    assert_eq!(world.refused(), ["P0310 container:blog/database"]);
}

#[test]
fn an_empty_volume_within_one_with_data_hides_what_is_there() {
    let mut world = World::usual(|_| {});
    fixture::volume(
        &mut world.desired,
        DATABASE,
        "inner",
        "/var/lib/mysql/inner",
    );
    assert_eq!(world.refused(), ["P0310 container:blog/database"]);
    // One beside it does not, nor one that is there.
    let mounts = &mut fixture::spec_mut(&mut world.desired, DATABASE).mounts;
    let inner: Mount = mounts.remove("/var/lib/mysql/inner").unwrap();
    mounts.insert("/var/lib/mysql-files".into(), inner);
    assert_eq!(world.refused(), Vec::<String>::new());
}

#[test]
fn where_a_database_looks_for_its_files_stays() {
    let mut world = World::usual(|stack| {
        let about = fixture::container_mut(stack, DATABASE).about.as_mut();
        let data = EngineId::new("acme-blog-database-data");
        about
            .unwrap()
            .init_only
            .insert("PLACE".into(), data.clone());
        fixture::env(stack, DATABASE, "PLACE", "/elsewhere");
    });
    assert_eq!(world.refused(), ["P0302 container:blog/database"]);
    // Likewise where it is not said any more.
    std::mem::swap(&mut world.desired, world.base.as_mut().unwrap());
    let labelled = world.desired.clone();
    let base = world.base.clone().unwrap();
    let mut other = World::settled(base);
    other.desired = labelled;
    assert_eq!(other.refused(), ["P0302 container:blog/database"]);
}

#[test]
fn who_was_renamed_again_does_not_go_where_its_first_name_comes() {
    // `new` was `old`; it becomes `newer`, which says `was: new`, while another of its product comes.
    let mut stack = fixture::usual();
    fixture::app(&mut stack, "new");
    fixture::volume(&mut stack, "new", "data", "/data");
    let mut world = World::settled(stack.clone());
    fixture::drop_label(&mut world.desired, "new");
    for (label, was) in [("newer", Some("new")), ("web", None)] {
        fixture::app(&mut world.desired, label);
        let about = fixture::container_mut(&mut world.desired, label)
            .about
            .as_mut();
        let about = about.unwrap();
        about.product = "new".into();
        about.was = was.map(str::to_owned);
    }
    fixture::mount(&mut world.desired, "newer", "acme-new-data", "/data");
    assert_eq!(world.refused(), Vec::<String>::new());
}

#[test]
fn a_volume_that_is_gone_of_what_is_held_is_made_where_that_is_asked_for() {
    let mut world = World::usual(|_| {});
    world.hold("blog", Hold::Removed);
    world.volumes().clear();
    world
        .observed
        .containers
        .retain(|name, _| !name.contains("blog"));
    // Nothing needs it for now.
    assert_eq!(world.steps(), "");
    world.wishes.new_data = labels(&["blog"]);
    insta::assert_snapshot!(world.steps(), @"#1 ← -        prepare create volume:blog/database/data (new)");
}
