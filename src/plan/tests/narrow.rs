//! Images that move, `--target`, `--replace`, and labels that are renamed.

use super::super::fixture::{self, World, labels};
use super::changed;
use crate::base::ResourceId;

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
