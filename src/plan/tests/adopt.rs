//! Containers that are not coasti's and are taken over: how they go, and how they come back.

use super::*;
use crate::base::EngineId;
use crate::diff::{Adopted, adopted};
use crate::model::{Adopt, Stack};
use crate::observe::{Container, Owner, Stranger};

/// The files of `blog` and its database, which take over `old-blog` and `old-db` with the volume `old-data`.
fn files() -> Stack {
    let mut stack = fixture::stack();
    fixture::app(&mut stack, "blog");
    fixture::database(&mut stack, "blog");
    fixture::publish(&mut stack, "blog", 8101);
    for (address, name) in [("blog", "old-blog"), ("blog/database", "old-db")] {
        fixture::container_mut(&mut stack, address).life.adopt = Some(Adopt {
            container: name.into(),
            id: None,
        });
    }
    stack
}

/// A container of somebody else's that does the work of `address`.
fn strange(stack: &Stack, address: &str, name: &str) -> Container {
    let mut made = fixture::running(stack, &ResourceId::container(address));
    made.owner = Owner::default();
    made.name = name.into();
    made.id = EngineId::new(name);
    made
}

/// An engine where somebody else runs both.
fn world() -> World {
    let desired = files();
    let mut world = World::fresh(desired.clone());
    for (address, name) in [("blog", "old-blog"), ("blog/database", "old-db")] {
        let container = strange(&desired, address, name);
        world
            .observed
            .foreign
            .containers
            .insert(name.into(), Stranger::default());
        world.observed.adoptable.insert(name.into(), container);
    }
    for (name, image) in fixture::observe(&desired).images {
        world.observed.images.insert(name, image);
    }
    world
}

impl World {
    fn strange(&mut self, name: &str) -> &mut Container {
        self.observed.adoptable.get_mut(name).unwrap()
    }

    /// What a run writes down when it begins.
    fn adopted(&self) -> Vec<Adopted> {
        adopted(&self.desired, &self.observed, &[])
    }

    /// A run was cut off after it had stopped both: nothing of ours is there yet.
    fn stopped(&mut self) {
        self.wishes.adopted = self.adopted();
        self.wishes.cut_off = true;
        for old in self.observed.adoptable.values_mut() {
            old.live.restart = fixture::no_restart();
            old.state.status = Status::Exited;
        }
    }

    /// The undo of that run, to nothing.
    fn undo(&mut self) {
        self.base = Some(std::mem::replace(&mut self.desired, fixture::stack()));
        self.wishes.undo = true;
    }
}

#[test]
fn they_stop_before_the_new_ones_start_and_go_at_commit() {
    insta::assert_snapshot!(world().steps(), @"
    #1 ← -        prepare create network:blog (new)
    #2 ← -        prepare create volume:blog/database/data (new)
    #3 ← 1        prepare create container:blog as acme-blog (replace)
    #4 ← 1,2      prepare create container:blog/database as acme-blog-database (replace)
    #5 ← 1,2,3,4  prepare prepared (from here on, what runs is touched)
    #6 ← 5        switch  set restart `no` on container:blog [old-blog] (replace)
    #7 ← 5,6      switch  stop container:blog [old-blog] (replace)
    #8 ← 5        switch  set restart `no` on container:blog/database [old-db] (replace)
    #9 ← 5,7,8    switch  stop container:blog/database [old-db] (replace)
    #10 ← 4,9      switch  start container:blog/database [new] (replace)
    #11 ← 10       switch  await container:blog/database [new] (replace)
    #12 ← 3,7,11   switch  start container:blog [new] (replace)
    #13 ← 12       switch  await container:blog [new] (replace)
    #14 ← 1,2,3,4,5,6,7,8,9,10,11,12,13 verify  verify 2 containers (all still run)
    #15 ← -        commit  remove container:blog [old-blog] (replace)
    #16 ← -        commit  remove container:blog/database [old-db] (replace)
    ");
}

#[test]
fn an_undo_starts_them_again_in_the_order_of_needs() {
    let mut world = world();
    world.stopped();
    // The new database runs already, the new app was made.
    let made = files();
    world.put(&made, "blog/database", "");
    world.put(&made, "blog", "").state.status = Status::Created;
    world.undo();
    insta::assert_snapshot!(world.steps(), @"
    #1 ← -        switch  remove container:blog [blog] (remove)
    #2 ← -        switch  set restart `no` on container:blog/database [blog-db] (remove)
    #3 ← 2        switch  stop container:blog/database [blog-db] (remove)
    #4 ← 2,3      switch  update container:blog/@old-db [old-db] (restore)
    #5 ← 4        switch  start container:blog/@old-db [old-db] (restore)
    #6 ← 5        switch  await container:blog/@old-db [old-db] as it was (restore)
    #7 ← 1,6      switch  update container:blog/@old-blog [old-blog] (restore)
    #8 ← 7        switch  start container:blog/@old-blog [old-blog] (restore)
    #9 ← 8        switch  await container:blog/@old-blog [old-blog] as it was (restore)
    #10 ← 3        switch  remove container:blog/database [blog-db] (remove)
    ");
}

#[test]
fn an_undo_leaves_alone_what_was_not_touched() {
    let mut world = world();
    world.wishes.adopted = world.adopted();
    world.undo();
    assert_eq!(world.steps(), "");
}

#[test]
fn one_that_did_not_run_is_not_started_by_an_undo() {
    let mut world = world();
    world.strange("old-blog").state.status = Status::Exited;
    world.stopped();
    world.undo();
    insta::assert_snapshot!(world.steps(), @"
    #1 ← -        switch  update container:blog/@old-db [old-db] (restore)
    #2 ← 1        switch  start container:blog/@old-db [old-db] (restore)
    #3 ← 2        switch  await container:blog/@old-db [old-db] as it was (restore)
    #4 ← 3        switch  update container:blog/@old-blog [old-blog] (restore)
    ");
}

#[test]
fn one_that_may_still_be_ending_is_stopped_before_it_is_started() {
    let mut world = world();
    world.stopped();
    world.strange("old-db").state.status = Status::Running;
    world.undo();
    let steps = world.steps();
    assert!(steps.contains("stop container:blog/@old-db"), "{steps}");
}

#[test]
fn a_run_that_was_cut_off_is_gone_on_with() {
    let mut world = world();
    world.stopped();
    let made = files();
    world.put(&made, "blog/database", "");
    insta::assert_snapshot!(world.steps(), @"
    #1 ← -        prepare create network:blog (new)
    #2 ← -        prepare create volume:blog/database/data (new)
    #3 ← 1        prepare create container:blog as acme-blog (replace)
    #4 ← -        switch  await container:blog/database [blog-db] (update)
    #5 ← 3,4      switch  start container:blog [new] (replace)
    #6 ← 5        switch  await container:blog [new] (replace)
    #7 ← 1,2,3,4,5,6 verify  verify 2 containers (all still run)
    #8 ← -        commit  remove container:blog [old-blog] (replace)
    #9 ← -        commit  remove container:blog/database [old-db] (update)
    ");
}

#[test]
fn files_that_do_not_adopt_any_more_are_refused_until_an_undo() {
    let mut world = world();
    world.stopped();
    for address in ["blog", "blog/database"] {
        let life = &mut fixture::container_mut(&mut world.desired, address).life;
        life.adopt = None;
    }
    assert_eq!(
        world.refused(),
        ["P0312 container:blog", "P0312 container:blog/database"]
    );
}

#[test]
fn what_is_left_of_one_goes_with_the_next_plan() {
    let desired = files();
    let mut world = World::settled(desired.clone());
    let mut old = strange(&desired, "blog", "old-blog");
    old.live.restart = fixture::no_restart();
    old.state.status = Status::Exited;
    world.observed.adoptable.insert("old-blog".into(), old);
    insta::assert_snapshot!(world.steps(), @"
    #1 ← -        switch  await container:blog [blog] (update)
    #2 ← 1        verify  verify 1 containers (all still run)
    #3 ← -        commit  remove container:blog [old-blog] (update)
    ");
}

#[test]
fn start_first_keeps_the_name_that_the_new_one_has() {
    let mut stack = fixture::stack();
    fixture::app(&mut stack, "wiki");
    fixture::container_mut(&mut stack, "wiki").life.adopt = Some(Adopt {
        container: "old-wiki".into(),
        id: None,
    });
    let mut world = World::fresh(stack.clone());
    let old = strange(&stack, "wiki", "old-wiki");
    world.observed.adoptable.insert("old-wiki".into(), old);
    insta::assert_snapshot!(world.steps(), @"
    #1 ← -        prepare fetch image:docker.io/library/wiki:1 (missing or moved)
    #2 ← -        prepare create network:wiki (new)
    #3 ← 1,2      prepare create container:wiki as acme-wiki (replace)
    #4 ← 1,2,3    prepare prepared (from here on, what runs is touched)
    #5 ← 3        switch  start container:wiki [new] (replace)
    #6 ← 5        switch  await container:wiki [new] (replace)
    #7 ← 4,6      switch  set restart `no` on container:wiki [old-wiki] (replace)
    #8 ← 4,7      switch  stop container:wiki [old-wiki] (replace)
    #9 ← 1,2,3,4,5,6,7,8 verify  verify 1 containers (all still run)
    #10 ← -        commit  remove container:wiki [old-wiki] (replace)
    ");
}

#[test]
fn one_that_is_not_meant_is_refused() {
    let mut world = world();
    let id = Some("0123456789ab".to_owned());
    if let Some(adopt) = &mut fixture::container_mut(&mut world.desired, "blog")
        .life
        .adopt
    {
        adopt.id = id;
    }
    world.strange("old-db").owner.stack = Some(crate::base::StackName::new("other"));
    assert_eq!(
        world.refused(),
        ["P0312 container:blog", "P0312 container:blog/database",]
    );
}

#[test]
fn one_that_goes_when_it_stops_is_refused() {
    let mut world = world();
    world.strange("old-blog").auto_remove = true;
    assert_eq!(world.refused(), ["P0312 container:blog"]);
}

#[test]
fn data_that_the_new_one_would_not_have_is_refused() {
    let mut world = world();
    let volume = EngineId::new("old-data");
    let mounts = &mut world.strange("old-db").mounts;
    for mount in mounts.values_mut() {
        mount.source = crate::model::MountSource::Volume(volume.clone());
    }
    assert_eq!(world.refused(), ["P0310 container:blog/database"]);
    world.wishes.new_data = labels(&["blog"]);
    assert_eq!(world.refused(), Vec::<String>::new());
}

#[test]
fn what_is_not_named_is_never_stopped() {
    let world = world();
    let plan = world.plan();
    let mut other = world.desired.clone();
    fixture::container_mut(&mut other, "blog").life.adopt = None;
    let faults = crate::plan::check::check(&plan, &other);
    assert_eq!(faults, ["old-blog is not coasti's and would go"]);
}

#[test]
fn another_version_on_their_data_is_refused() {
    let mut world = world();
    let volumes = fixture::observe(&world.desired).volumes.into_keys();
    world.observed.foreign.volumes.extend(volumes);
    let volume = world.desired.resources.values_mut();
    for resource in volume {
        if let crate::model::Spec::Volume(spec) = &mut resource.spec {
            spec.external = true;
        }
    }
    world.strange("old-db").image = "sha256:old".into();
    world.strange("old-db").made.image = "mariadb:11.4".into();
    assert_eq!(world.refused(), ["P0301 container:blog/database"]);
    world.strange("old-db").made.image = "mariadb:10.11".into();
    assert_eq!(world.refused(), Vec::<String>::new());
}

#[test]
fn another_server_on_the_database_is_refused() {
    let mut world = world();
    let third = Stranger {
        writes: ["acme-blog-database-data".to_owned()].into(),
        ..Stranger::default()
    };
    let foreign = &mut world.observed.foreign.containers;
    foreign.insert("third-db".into(), third);
    assert_eq!(world.refused(), ["P0309 container:blog/database"]);
    let why = |world: &World| world.plan().refusals[0].why.clone();
    assert!(why(&world).starts_with("it is not coasti's"));
    // What another stack runs is not to be taken over.
    let foreign = &mut world.observed.foreign.containers;
    foreign.get_mut("third-db").unwrap().stack = Some("other".into());
    assert!(why(&world).starts_with("it is the stack `other`'s"));
    assert!(!format!("{:?}", world.plan().refusals).contains("adopt"));
}
