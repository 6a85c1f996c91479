//! What users do to data in several steps, each of which looks harmless.

use super::super::*;
use super::secret;
use crate::base::Secret;
use crate::observe::{Image, Stranger};
use crate::plan::fixture::{self, World, labels};

const DATABASE: &str = "blog/database";
const DATA: &str = "acme-blog-database-data";
const MARIADB: &str = "docker.io/library/mariadb:";

fn image(stack: &mut Stack, address: &str, tag: &str) {
    fixture::spec_mut(stack, address).image = format!("{MARIADB}{tag}");
}

/// The usual stack, whose database has the tag `tag`, with `helper`, which is no database, beside it where it is asked
/// for.
fn files(tag: &str, helper: bool) -> Stack {
    let mut stack = fixture::usual();
    secret(&mut stack, "old");
    image(&mut stack, DATABASE, tag);
    if helper {
        fixture::app(&mut stack, "helper");
        fixture::mount(&mut stack, "helper", DATA, "/backup");
    }
    stack
}

/// What was applied, one after the other, as the store keeps it.
fn applied(revisions: &[Stack]) -> World {
    let mut base: Option<Stack> = None;
    for revision in revisions {
        let mut revision = revision.clone();
        if let Some(before) = &base {
            revision.remember(before);
        }
        base = Some(revision);
    }
    let mut world = World::settled(base.unwrap());
    for revision in revisions {
        world
            .observed
            .volumes
            .extend(fixture::observe(revision).volumes);
    }
    world.wishes.max_removals = Some(9);
    world
}

fn without_blog(mut stack: Stack) -> Stack {
    fixture::drop_label(&mut stack, "blog");
    stack
}

#[test]
fn who_looks_after_a_database_does_not_know_what_it_was_made_with() {
    let both = files("10.11", true);
    for revisions in [
        // Beside it, and after it.
        vec![both.clone(), without_blog(both.clone())],
        vec![files("10.11", false), without_blog(both.clone())],
    ] {
        let mut world = applied(&revisions);
        for helper in [true, false] {
            world.desired = files("10.11", helper);
            assert_eq!(world.refused(), Vec::<String>::new());
            world.desired = files("11.4", helper);
            assert_eq!(world.refused(), ["P0301 container:blog/database"]);
            world.desired = files("10.11", helper);
            secret(&mut world.desired, "new");
            assert_eq!(world.refused(), ["P0302 container:blog/database"]);
        }
    }
    // Out as well, both of them.
    let revisions = [
        both.clone(),
        without_blog(both),
        without_blog(files("10.11", false)),
    ];
    let mut world = applied(&revisions);
    world.desired = files("10.11", false);
    assert_eq!(world.refused(), Vec::<String>::new());
    world.desired = files("11.4", false);
    assert_eq!(world.refused(), ["P0301 container:blog/database"]);
}

/// The database runs, and its image says that it is this version.
fn says(world: &mut World, version: &str) {
    let version = Secret::new(format!("1:{version}+maria"));
    let env = &mut world.on("acme-blog-database").env;
    env.insert("MARIADB_VERSION".into(), version);
}

/// What `tag` names on the engine now.
fn names(world: &mut World, tag: &str, id: &str, version: &str) {
    let image = Image {
        id: id.into(),
        env: [("MARIADB_VERSION".into(), version.into())].into(),
        ..Image::default()
    };
    world
        .observed
        .images
        .insert(format!("{MARIADB}{tag}"), image);
}

#[test]
fn a_tag_that_moved_to_another_version_is_refused() {
    let mut world = applied(&[files("latest", false)]);
    says(&mut world, "10.11.2");
    names(&mut world, "latest", "sha256:new", "10.11.9");
    assert_eq!(world.refused(), Vec::<String>::new());
    names(&mut world, "latest", "sha256:new", "11.4.2");
    assert_eq!(world.refused(), ["P0301 container:blog/database"]);
    let refusal = &world.plan().refusals[0];
    assert_eq!(refusal.summary, "mariadb 10.11.2 → 11.4.2 on existing data");
    assert!(
        refusal.help[0].contains("`mariadb:10.11.2`"),
        "{:?}",
        refusal.help
    );
}

#[test]
fn a_tag_that_says_nothing_may_be_pinned_to_what_it_is() {
    let mut world = applied(&[files("latest", false)]);
    let same = world.on("acme-blog-database").image.clone();
    world.desired = files("10.11", false);
    // By the image's id; else by what both say.
    names(&mut world, "10.11", &same, "");
    assert_eq!(world.refused(), Vec::<String>::new());
    names(&mut world, "10.11", "sha256:other", "10.11.9");
    assert_eq!(world.refused(), ["P0301 container:blog/database"]);
    says(&mut world, "10.11.2");
    assert_eq!(world.refused(), Vec::<String>::new());
    says(&mut world, "10.6.2");
    assert_eq!(world.refused(), ["P0301 container:blog/database"]);
}

#[test]
fn a_volume_that_the_image_no_longer_declares_is_not_left_silently() {
    let mut stack = fixture::usual();
    fixture::volume(&mut stack, "wiki", "anon-srv", "/srv");
    fixture::volume(&mut stack, "wiki", "files", "/files");
    let mut world = World::settled(stack);
    let mounts = |world: &mut World| {
        let spec = fixture::spec_mut(&mut world.desired, "wiki");
        spec.image = "docker.io/library/wiki:2".into();
        spec.mounts.clear();
    };
    mounts(&mut world);
    // Before the image is there nobody knows. What the files do not say any more, they do not mean.
    assert_eq!(world.refused(), Vec::<String>::new());
    let new = Image::default();
    world
        .observed
        .images
        .insert("docker.io/library/wiki:2".into(), new);
    assert_eq!(world.refused(), ["P0310 container:wiki"]);
    let refusal = &world.plan().refusals[0];
    let help = "write `volume: [{name: anon-srv, target: /srv}]`, to keep what is in `acme-wiki-anon-srv`, or";
    assert_eq!(refusal.help[0], help);
    world.wishes.rollback = true;
    assert_eq!(world.refused(), Vec::<String>::new());
    world.wishes.rollback = false;
    world.wishes.new_data = labels(&["wiki"]);
    assert_eq!(world.refused(), Vec::<String>::new());
}

#[test]
fn new_data_in_the_files_is_said_of_what_is_new() {
    let mut stack = fixture::usual();
    fixture::volume(&mut stack, "wiki", "files", "/files");
    fixture::container_mut(&mut stack, "wiki").life.new_data = true;
    let mut world = World::settled(stack);
    fixture::spec_mut(&mut world.desired, "wiki").mounts.clear();
    fixture::volume(&mut world.desired, "wiki", "uploads", "/files");
    assert_eq!(world.refused(), ["P0310 container:wiki"]);
}

#[test]
fn the_label_that_it_had_leads_to_its_data_though_that_has_the_name_of_the_first() {
    let mut first = fixture::usual();
    fixture::volume(&mut first, "wiki", "files", "/files");
    // `wiki` became `second` and went.
    let rename = |stack: &Stack, label: &str, was: &str| {
        let mut stack = stack.clone();
        let mut site = stack
            .resources
            .remove(&ResourceId::container("wiki"))
            .unwrap();
        site.name = format!("acme-{label}");
        site.about.as_mut().unwrap().was = Some(was.into());
        stack.resources.insert(ResourceId::container(label), site);
        stack
    };
    let second = rename(&first, "second", "wiki");
    let mut gone = second.clone();
    gone.resources.remove(&ResourceId::container("second"));
    let mut world = applied(&[first.clone(), second, gone]);
    world.desired = rename(&first, "third", "second");
    fixture::spec_mut(&mut world.desired, "third")
        .mounts
        .clear();
    fixture::volume(&mut world.desired, "third", "more", "/files");
    assert_eq!(world.refused(), ["P0310 container:third"]);
    let plan = world.plan();
    assert!(plan.refusals[0].help[0].starts_with("write `was: wiki` beside `label: third`"));
    let unknown = |notice: &Notice| matches!(notice, Notice::UnknownWas { .. });
    assert!(!plan.notices.iter().any(unknown), "{:?}", plan.notices);
}

#[test]
fn who_copies_a_database_is_no_second_one() {
    let mut world = applied(&[files("10.11", false)]);
    image(&mut world.desired, DATABASE, "10.11.9");
    let mut tool = Stranger {
        image: "acme/backup:1".into(),
        writes: [DATA.to_owned()].into(),
        ..Stranger::default()
    };
    let strangers = |world: &mut World, tool: &Stranger| {
        let strangers = &mut world.observed.foreign.containers;
        strangers.insert("tool".into(), tool.clone());
    };
    strangers(&mut world, &tool);
    assert_eq!(world.refused(), Vec::<String>::new());
    // Whether a server starts beside it, or it is one itself, nobody may take it lightly.
    tool.image = "mariadb:10.11".into();
    strangers(&mut world, &tool);
    assert_eq!(world.refused(), ["P0309 container:blog/database"]);
    tool.image = "acme/backup:1".into();
    strangers(&mut world, &tool);
    world.exited("acme-blog-database", 0);
    assert_eq!(world.refused(), ["P0309 container:blog/database"]);
}
