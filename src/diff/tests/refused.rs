//! What is refused, by code.

use super::super::*;
use super::secret;
use crate::base::{Digest, ValueId};
use crate::model::{MountSource, Pull, Spec, Text};
use crate::observe::Stranger;
use crate::plan::fixture::{self, World, labels};

#[test]
fn p0201_another_folders_stack_of_the_same_name() {
    let mut world = World::usual(|_| {});
    world.desired.id = Some(crate::base::StackId::new("other"));
    assert!(world.refused().contains(&"P0201 container:wiki".to_owned()));
}

#[test]
fn p0202_a_name_that_is_somebody_elses() {
    let mut world = World::fresh(fixture::usual());
    let foreign = &mut world.observed.foreign;
    foreign
        .containers
        .insert("acme-wiki".into(), Stranger::default());
    foreign.networks.insert("acme-blog".into());
    foreign.volumes.insert("acme-blog-database-data".into());
    assert_eq!(
        world.refused(),
        [
            "P0202 network:blog",
            "P0202 volume:blog/database/data",
            "P0202 container:wiki"
        ]
    );
}

#[test]
fn p0202_a_strangers_name_that_is_needed_only_for_a_while() {
    for end in ["next", "prev"] {
        let mut world = World::usual(|_| {});
        let name = format!("acme-wiki.{end}");
        world
            .observed
            .foreign
            .containers
            .insert(name.clone(), Stranger::default());
        assert_eq!(world.refused(), Vec::<String>::new());
        fixture::env(&mut world.desired, "wiki", "LEVEL", "debug");
        assert_eq!(world.refused(), ["P0202 container:wiki"]);
        assert!(world.plan().refusals[0].summary.contains(&name));
    }
}

#[test]
fn p0203_an_image_that_is_never_pulled_and_is_not_there() {
    let mut world = World::fresh(fixture::usual());
    for resource in world.desired.resources.values_mut() {
        if let Spec::Image(image) = &mut resource.spec {
            image.pull = Pull::Never;
        }
    }
    assert_eq!(world.refused().len(), 3);
}

#[test]
fn p0204_a_network_cannot_be_closed_or_opened() {
    let world = World::usual(|stack| {
        let network = stack.resources.get_mut(&ResourceId::network("wiki"));
        if let Spec::Network(network) = &mut network.unwrap().spec {
            network.internal = true;
        }
    });
    assert_eq!(world.refused(), ["P0204 network:wiki"]);
}

pub(super) fn data(stack: &mut Stack) -> &mut crate::model::VolumeSpec {
    let id = ResourceId::volume("blog/database/data");
    match &mut stack.resources.get_mut(&id).unwrap().spec {
        Spec::Volume(volume) => volume,
        _ => panic!("{id} is a volume"),
    }
}

#[test]
fn p0205_a_volume_is_never_made_anew() {
    let world = World::usual(|stack| data(stack).driver = Some("nfs".into()));
    assert_eq!(world.refused(), ["P0205 volume:blog/database/data"]);
}

#[test]
fn p0206_what_is_external_must_be_there() {
    let mut world = World::fresh(fixture::usual());
    data(&mut world.desired).external = true;
    assert_eq!(world.refused(), ["P0206 volume:blog/database/data"]);
    world
        .observed
        .foreign
        .volumes
        .insert("acme-blog-database-data".into());
    assert_eq!(world.refused(), Vec::<String>::new());
}

#[test]
fn p0302_a_variable_that_is_read_only_once() {
    let mut stack = fixture::usual();
    secret(&mut stack, "old");
    let mut world = World::settled(stack);
    secret(&mut world.desired, "new");
    assert_eq!(world.refused(), ["P0302 container:blog/database"]);
    // With the volume gone, another rule speaks.
    world.volumes().clear();
    assert_eq!(world.refused(), ["P0304 volume:blog/database/data"]);
}

/// The database's password in a file that it is told of.
fn in_file(stack: &mut Stack, digest: &str) {
    let spec = fixture::spec_mut(stack, "blog/database");
    spec.env.remove("MARIADB_PASSWORD");
    let path = "/run/secrets/db";
    spec.env
        .insert("MARIADB_PASSWORD_FILE".into(), Text::plain(path));
    let digest = Some(Digest::of(digest.as_bytes()));
    let content = Text::value(ValueId::new("secret:db:file"), digest);
    let file = crate::model::File::new(content);
    spec.files.insert(path.into(), file);
}

#[test]
fn p0302_a_variable_that_is_read_once_from_a_file() {
    let mut stack = fixture::usual();
    in_file(&mut stack, "old");
    let mut world = World::settled(stack);
    in_file(&mut world.desired, "new");
    assert_eq!(world.refused(), ["P0302 container:blog/database"]);
    let told = &world.plan().refusals[0];
    assert!(told.summary.contains("`MARIADB_PASSWORD_FILE`"), "{told:?}");
    assert!(
        told.help[0].contains("secret get --applied db)"),
        "{told:?}"
    );
    // The same value in a variable is no other.
    let mut stack = fixture::usual();
    secret(&mut stack, "old");
    let mut world = World::settled(stack);
    in_file(&mut world.desired, "old");
    assert_eq!(world.refused(), Vec::<String>::new());
    in_file(&mut world.desired, "new");
    assert_eq!(world.refused(), ["P0302 container:blog/database"]);
    // What is in a file that is not delivered is not known.
    let spec = fixture::spec_mut(&mut world.desired, "blog/database");
    spec.files.clear();
    assert_eq!(world.refused(), Vec::<String>::new());
}

#[test]
fn p0303_another_product_on_the_same_data() {
    let mut stack = fixture::usual();
    fixture::volume(&mut stack, "wiki", "data", "/data");
    let mut world = World::settled(stack);
    let wiki = fixture::container_mut(&mut world.desired, "wiki");
    wiki.about.as_mut().unwrap().product = "other".into();
    assert_eq!(world.refused(), ["P0303 container:wiki"]);
    world.wishes.new_data = labels(&["wiki"]);
    assert_eq!(world.refused(), Vec::<String>::new());
}

#[test]
fn p0304_a_volume_that_is_gone_is_not_made_anew_unasked() {
    let mut world = World::usual(|_| {});
    world.volumes().clear();
    world.observed.containers.clear();
    assert_eq!(world.refused(), ["P0304 volume:blog/database/data"]);
    world.wishes.new_data = labels(&["blog"]);
    assert!(world.steps().contains("create volume:blog/database/data"));
}

/// `blog` is called `news` in the files, without a word about it.
fn news() -> World {
    let mut world = World::usual(|stack| {
        fixture::app(stack, "news");
        let about = fixture::container_mut(stack, "news").about.as_mut();
        about.unwrap().product = "blog".into();
        fixture::container_mut(stack, "blog").life.holds_data = true;
    });
    world.base = Some(world.desired.clone());
    drop(
        world
            .base
            .as_mut()
            .unwrap()
            .resources
            .remove(&ResourceId::container("news")),
    );
    fixture::drop_label(&mut world.desired, "blog");
    world.wishes.max_removals = Some(9);
    world
}

#[test]
fn p0305_an_app_with_data_goes_while_one_of_its_product_comes() {
    let mut world = news();
    assert_eq!(world.refused(), ["P0305 container:news"]);
    // Also where nothing runs, as after a destroy.
    world.observed.containers.clear();
    assert_eq!(world.refused(), ["P0305 container:news"]);
    world.wishes.new_data = labels(&["news"]);
    assert_eq!(world.refused(), Vec::<String>::new());
}

#[test]
fn p0305_advises_what_can_be_written_for_a_service_of_a_compose_file() {
    for (now, advice) in [
        (
            "shop/thing2",
            "give the service its old name `thing` again, or",
        ),
        (
            "store/thing",
            "if it was renamed: `was: shop` beside `label: store` keeps the data, or",
        ),
    ] {
        let service = |stack: &mut Stack, address: &str| {
            fixture::app(stack, address);
            let resource = fixture::container_mut(stack, address);
            resource.about.as_mut().unwrap().product = "shop".into();
            resource.life.holds_data = true;
        };
        let mut world = World::usual(|stack| service(stack, now));
        let id = ResourceId::container(now);
        let base = world.base.insert(world.desired.clone());
        base.resources.remove(&id);
        service(base, "shop/thing");
        let refusals = world.plan().refusals;
        assert_eq!(refusals[0].code, "P0305");
        assert_eq!(refusals[0].id, id);
        assert_eq!(refusals[0].help[0], advice);
    }
}

#[test]
fn p0305_holds_for_a_target_as_well_whichever_half_it_names() {
    let mut world = news();
    for label in ["news", "blog"] {
        world.wishes.target = labels(&[label]);
        assert_eq!(world.refused(), ["P0305 container:news"], "{label}");
    }
    // What is about neither of them goes on.
    world.wishes.target = labels(&["wiki"]);
    assert_eq!(world.refused(), Vec::<String>::new());
    world.wishes.target = labels(&["news"]);
    world.wishes.new_data = labels(&["news"]);
    assert_eq!(world.refused(), Vec::<String>::new());
}

#[test]
fn p0301_a_database_that_is_a_site_and_one_that_is_meant_to_have_new_data() {
    let mut stack = fixture::usual();
    fixture::spec_mut(&mut stack, "wiki").image = "docker.io/library/postgres:15".into();
    fixture::volume(&mut stack, "wiki", "data", "/var/lib/postgresql/data");
    let mut world = World::settled(stack);
    fixture::spec_mut(&mut world.desired, "wiki").image = "docker.io/library/postgres:16".into();
    assert_eq!(world.refused(), ["P0301 container:wiki"]);
    fixture::container_mut(&mut world.desired, "wiki")
        .life
        .new_data = true;
    assert_eq!(world.refused(), ["P0301 container:wiki"]);
    // Builds with extensions keep the same data.
    let image = "docker.io/pgvector/pgvector:pg16";
    fixture::spec_mut(&mut world.desired, "wiki").image = image.into();
    assert_eq!(world.refused(), ["P0301 container:wiki"]);
    let image = "docker.io/pgvector/pgvector:pg15";
    fixture::spec_mut(&mut world.desired, "wiki").image = image.into();
    assert_eq!(world.refused(), Vec::<String>::new());
}

#[test]
fn p0306_what_is_protected_does_not_go_but_may_be_renamed() {
    let mut world = news();
    world.wishes.new_data = labels(&["news"]);
    let base = world.base.as_mut().unwrap();
    fixture::container_mut(base, "blog").life.protect = true;
    assert_eq!(world.refused(), ["P0306 container:blog"]);
    let news = fixture::container_mut(&mut world.desired, "news");
    news.about.as_mut().unwrap().was = Some("blog".into());
    assert_eq!(world.refused(), Vec::<String>::new());
    // What it had beside it goes nevertheless, where the new one has no such thing.
    let base = world.base.as_mut().unwrap();
    fixture::container_mut(base, "blog/database").life.protect = true;
    assert!(
        world
            .refused()
            .contains(&"P0306 container:blog/database".to_owned())
    );
}

#[test]
fn p0307_more_than_half_does_not_go_unasked_but_may_be_renamed() {
    let mut world = World::usual(|stack| fixture::drop_label(stack, "blog"));
    assert_eq!(world.refused(), ["P0307 container:blog"]);
    world.wishes.max_removals = Some(1);
    assert_eq!(world.refused(), ["P0307 container:blog"]);
    world.wishes.max_removals = Some(2);
    assert_eq!(world.refused(), Vec::<String>::new());
    world.wishes.max_removals = None;
    let wiki = fixture::container_mut(&mut world.desired, "wiki");
    let about = wiki.about.as_mut().unwrap();
    about.was = Some("blog".into());
    // Another product is no new name for it.
    assert_eq!(world.refused(), ["P0307 container:blog"]);
    let wiki = fixture::container_mut(&mut world.desired, "wiki");
    wiki.about.as_mut().unwrap().product = "blog".into();
    assert_eq!(world.refused(), Vec::<String>::new());
}

#[test]
fn p0307_does_not_count_what_an_earlier_apply_could_not_remove() {
    let mut world = World::usual(|stack| fixture::drop_label(stack, "blog"));
    world.base = Some(world.desired.clone());
    assert_eq!(world.refused(), Vec::<String>::new());
}

/// The database's volume has another name in the files.
fn other_volume(world: &mut World) {
    let id = ResourceId::volume("blog/database/data");
    let volume = world.desired.resources.remove(&id).unwrap();
    let id = ResourceId::volume("blog/database/files");
    world.desired.resources.insert(id, volume);
    for resource in world.desired.resources.values_mut() {
        if resource.name == "acme-blog-database-data" {
            resource.name = "acme-blog-database-files".into();
        }
    }
    let database = fixture::container_mut(&mut world.desired, "blog/database");
    database.about.as_mut().unwrap().init_only.clear();
    let files = "acme-blog-database-files";
    fixture::mount(&mut world.desired, "blog/database", files, "/var/lib/mysql");
}

#[test]
fn p0310_a_new_volume_does_not_take_the_place_of_one_with_data() {
    let mut world = World::usual(|_| {});
    other_volume(&mut world);
    assert_eq!(world.refused(), ["P0310 container:blog/database"]);
    world.wishes.new_data = labels(&["blog"]);
    assert_eq!(world.refused(), Vec::<String>::new());
    // One that is there has something else in it, which a rollback means.
    world.wishes.new_data.clear();
    let volume = world.volumes()["acme-blog-database-data"].clone();
    let name = "acme-blog-database-files".to_owned();
    world.volumes().insert(name, volume);
    assert_eq!(world.refused(), ["P0310 container:blog/database"]);
    assert!(
        world.plan().refusals[0]
            .help
            .join("")
            .contains("with what is there")
    );
    world.wishes.rollback = true;
    assert_eq!(world.refused(), Vec::<String>::new());
}

/// What is mounted where the database's data is, first and now.
fn instead(from: MountSource, to: MountSource) -> World {
    let put = |stack: &mut Stack, source: MountSource| {
        let mounts = &mut fixture::spec_mut(stack, "blog/database").mounts;
        mounts.get_mut("/var/lib/mysql").unwrap().source = source;
    };
    let mut stack = fixture::usual();
    secret(&mut stack, "old");
    let database = fixture::container_mut(&mut stack, "blog/database");
    database.about.as_mut().unwrap().init_only.clear();
    put(&mut stack, from);
    let mut world = World::settled(stack);
    put(&mut world.desired, to);
    world
}

#[test]
fn p0310_a_directory_or_memory_does_not_take_the_place_of_data() {
    let volume = || MountSource::Volume(EngineId::new("acme-blog-database-data"));
    let directory = |path: &str| MountSource::Directory(path.into());
    let memory = || MountSource::Tmpfs {
        size: None,
        mode: None,
    };
    for (from, to) in [
        (volume(), directory("/srv/db")),
        (volume(), memory()),
        (directory("/srv/db"), memory()),
    ] {
        let mut world = instead(from, to);
        assert_eq!(world.refused(), ["P0310 container:blog/database"]);
        world.wishes.new_data = labels(&["blog"]);
        assert_eq!(world.refused(), Vec::<String>::new());
    }
    // A volume that is made for it is empty; one that is there was chosen.
    let mut world = instead(directory("/srv/db"), volume());
    assert_eq!(world.refused(), Vec::<String>::new());
    world.volumes().clear();
    world
        .base
        .as_mut()
        .unwrap()
        .resources
        .remove(&ResourceId::volume("blog/database/data"));
    assert_eq!(world.refused(), ["P0310 container:blog/database"]);
    // So is another directory: both are named in the files.
    let world = instead(directory("/srv/db"), directory("/mnt/db"));
    assert_eq!(world.refused(), Vec::<String>::new());
    // With the volume gone there is nothing to leave behind.
    let mut world = instead(volume(), memory());
    world.volumes().clear();
    world
        .desired
        .resources
        .remove(&ResourceId::volume("blog/database/data"));
    assert_eq!(world.refused(), Vec::<String>::new());
}

#[test]
fn p0302_what_was_left_out_when_the_data_was_made_and_data_in_a_directory() {
    let mut world = World::usual(|stack| {
        fixture::env(stack, "blog/database", "MARIADB_DATABASE", "shop");
        let about = fixture::container_mut(stack, "blog/database")
            .about
            .as_mut();
        let data = EngineId::new("acme-blog-database-data");
        let init_only = &mut about.unwrap().init_only;
        init_only.insert("MARIADB_DATABASE".into(), data);
    });
    assert_eq!(world.refused(), ["P0302 container:blog/database"]);
    world.wishes.new_data = labels(&["blog"]);
    assert_eq!(world.refused(), Vec::<String>::new());

    let directory = || MountSource::Directory("/srv/db".into());
    let mut world = instead(directory(), directory());
    let about = fixture::container_mut(&mut world.desired, "blog/database")
        .about
        .as_mut();
    let init_only = &mut about.unwrap().init_only;
    init_only.insert("MARIADB_PASSWORD".into(), EngineId::new("/srv/db"));
    assert_eq!(world.refused(), Vec::<String>::new());
    secret(&mut world.desired, "new");
    assert_eq!(world.refused(), ["P0302 container:blog/database"]);
}

#[test]
fn p0301_holds_for_the_database_of_a_site_that_is_renamed() {
    let mut world = World::usual(|stack| {
        fixture::app(stack, "news");
        fixture::database(stack, "news");
        fixture::drop_label(stack, "blog");
        let about = fixture::container_mut(stack, "news").about.as_mut();
        about.unwrap().was = Some("blog".into());
        // Its data is named after the label it had.
        stack
            .resources
            .remove(&ResourceId::volume("news/database/data"));
        let database = fixture::container_mut(stack, "news/database");
        database
            .needs
            .remove(&ResourceId::volume("news/database/data"));
        fixture::spec_mut(stack, "news/database").mounts.clear();
        fixture::volume(stack, "news/database", "data", "/var/lib/mysql");
        let id = ResourceId::volume("news/database/data");
        stack.resources.get_mut(&id).unwrap().name = "acme-blog-database-data".into();
        let data = "acme-blog-database-data";
        fixture::mount(stack, "news/database", data, "/var/lib/mysql");
    });
    assert_eq!(world.refused(), Vec::<String>::new());
    fixture::spec_mut(&mut world.desired, "news/database").image =
        "docker.io/library/mariadb:11.4".into();
    assert_eq!(world.refused(), ["P0301 container:news/database"]);
    // Also after a second rename, where `was:` says the first label.
    let news = fixture::container_mut(&mut world.desired, "news");
    news.about.as_mut().unwrap().was = Some("first".into());
    assert!(
        world
            .refused()
            .contains(&"P0301 container:news/database".to_owned())
    );
}

#[test]
fn p0305_a_provider_that_is_called_otherwise_would_lose_its_data() {
    let mut world = World::usual(|stack| {
        let (old, new) = ("blog/database", "blog/db");
        let resource = stack.resources.remove(&ResourceId::container(old)).unwrap();
        let resource = crate::model::Resource {
            name: "acme-blog-db".into(),
            ..resource
        };
        stack.resources.insert(ResourceId::container(new), resource);
        let blog = fixture::container_mut(stack, "blog");
        blog.needs.remove(&ResourceId::container(old));
        fixture::needs(stack, "blog", new);
        fixture::spec_mut(stack, new).mounts.clear();
        stack
            .resources
            .remove(&ResourceId::volume("blog/database/data"));
        fixture::container_mut(stack, new)
            .needs
            .remove(&ResourceId::volume("blog/database/data"));
        fixture::volume(stack, new, "data", "/var/lib/mysql");
    });
    assert_eq!(world.refused(), ["P0305 container:blog/db"]);
    world.wishes.new_data = labels(&["blog"]);
    assert_eq!(world.refused(), Vec::<String>::new());
}

#[test]
fn who_takes_over_all_volumes_of_who_goes_lost_nothing() {
    let mut world = news();
    for stack in [world.base.as_mut().unwrap(), &mut world.desired] {
        for address in ["blog", "news"] {
            if stack
                .resources
                .contains_key(&ResourceId::container(address))
            {
                fixture::mount(stack, address, "acme-blog-data", "/data");
            }
        }
    }
    let base = world.base.as_mut().unwrap();
    fixture::drop_label(base, "blog/database");
    base.resources
        .remove(&ResourceId::container("blog/database"));
    assert_eq!(world.refused(), Vec::<String>::new());
}

#[test]
fn a_was_that_names_nothing_keeps_no_data_and_is_told() {
    let rename = |stack: &mut Stack, was: &str| {
        let news = fixture::container_mut(stack, "news");
        news.about.as_mut().unwrap().was = Some(was.into());
    };
    let mut world = news();
    rename(&mut world.desired, "blog");
    assert_eq!(world.refused(), Vec::<String>::new());
    rename(&mut world.desired, "blgo");
    assert_eq!(world.refused(), ["P0305 container:news"]);
    assert!(
        world.plan().refusals[0]
            .why
            .starts_with("`was: blgo` names nothing")
    );

    // Where no data is at stake it is only told.
    let told = |world: &World| {
        let notices = world.plan().notices;
        notices.iter().any(
            |n| matches!(n, Notice::UnknownWas { label, was } if label == "news" && was == "blgo"),
        )
    };
    let mut world = World::usual(|stack| fixture::app(stack, "news"));
    rename(&mut world.desired, "blgo");
    assert_eq!(world.refused(), Vec::<String>::new());
    assert!(told(&world));
    // `was` stays in the files after the rename, and where they are applied somewhere else.
    let mut settled = World::settled(world.desired.clone());
    assert!(!told(&settled));
    settled.observed = Default::default();
    settled.base = None;
    assert!(!told(&settled));
    // What was destroyed is known by its data.
    let volume = world.volumes()["acme-blog-database-data"].clone();
    world.volumes().insert("acme-blgo-data".into(), volume);
    let volume = world.volumes().get_mut("acme-blgo-data").unwrap();
    volume.owner.resource = Some(ResourceId::volume("blgo/data"));
    assert!(!told(&world));
}
