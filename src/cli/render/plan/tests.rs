use super::*;
use crate::diff::{Hold, Notice};
use crate::observe::Status;
use crate::plan::fixture::{self, World};

fn show(world: &World) -> String {
    human(&world.plan(), &world.desired, false, &Style::default())
}

#[test]
fn a_first_plan_is_readable() {
    let mut stack = fixture::usual();
    fixture::app(&mut stack, "docs");
    fixture::database(&mut stack, "docs");
    fixture::volume(&mut stack, "docs", "uploads", "/uploads");
    insta::assert_snapshot!(show(&World::fresh(stack)), @"
    blog · new app
      +   blog           create
      +   blog/database  create
      +   with network acme-blog
               volume acme-blog-database-data
               images blog:1, mariadb:10.11

    docs · new app
      +   docs           create
      +   docs/database  create
      +   with network acme-docs
               volumes acme-docs-database-data, acme-docs-uploads
               image docs:1

    wiki · new app
      +   wiki  create
      +   with network acme-wiki
               image wiki:1

    Plan: 11 to create, 0 to replace, 0 to update in place, 0 to remove, 4 images to
    fetch.
    Data: 3 new volumes, none removed.
    ");
}

#[test]
fn an_interruption_names_what_the_old_one_has() {
    let why = |world: &World| {
        let wide = Style {
            width: 200,
            ..Style::default()
        };
        let all = human(&world.plan(), &world.desired, false, &wide);
        let line = all.lines().find(|line| line.contains("interrupted"));
        line.unwrap_or_default().trim().to_owned()
    };
    let mut before = fixture::usual();
    fixture::volume(&mut before, "wiki", "data", "/data");
    // A volume more than it had: the old one writes to the one that it has.
    let mut world = World::settled(before);
    fixture::volume(&mut world.desired, "wiki", "aaa", "/aaa");
    assert_eq!(
        why(&world),
        "interrupted: the old one stops first, it writes to volume acme-wiki-data (/data)"
    );
    // The first volume: the old one has none.
    let mut world = World::settled(fixture::usual());
    fixture::volume(&mut world.desired, "wiki", "data", "/data");
    assert_eq!(
        why(&world),
        "interrupted: the old one stops first, the new one writes to volume acme-wiki-data (/data)"
    );
}

#[test]
fn nothing_to_do_is_one_line() {
    let world = World::usual(|_| {});
    insta::assert_snapshot!(show(&world), @"Nothing to do: what runs is what the files say.");
}

#[test]
fn a_changed_variable_shows_its_line_and_the_interruption() {
    let world = World::usual(|stack| {
        fixture::env(stack, "blog", "LEVEL", "debug");
        fixture::env(stack, "wiki", "LEVEL", "debug");
        fixture::env(stack, "wiki", "THEME", "dark");
    });
    insta::assert_snapshot!(show(&world), @"
    blog · update
      -/+ blog  replace
            env.LEVEL  info → debug  config/deploy.yml:5
            interrupted: the old one stops first, it publishes port 8101 (80/tcp)

    wiki · update
      -/+ wiki  replace
            env.LEVEL  info → debug      config/deploy.yml:25
            env.THEME  (not set) → dark  config/deploy.yml:25
            no interruption: the new one runs before the old one stops

    Plan: 0 to create, 2 to replace, 0 to update in place, 0 to remove.
    Data: untouched.
    ");
}

#[test]
fn drift_stands_apart() {
    let mut world = World::usual(|stack| {
        fixture::live_mut(stack, "blog").memory = Some(512 << 20);
    });
    world.base = Some(world.desired.clone());
    let database = world.on("acme-blog-database");
    database.live.networks.clear();
    world.observed.containers.remove("acme-wiki");
    insta::assert_snapshot!(show(&world), @"
    Changed outside coasti
      !   blog           memory  (not set) → 512M
      !   blog/database  networks.acme-blog  (not set) → as database
      !   wiki           gone from the engine

    blog
      ~   blog           update in place
            memory  (not set) → 512M  changed outside
            no interruption: changed while it runs
      ~   blog/database  update in place
            networks.acme-blog  (not set) → as database  changed outside
            no interruption: changed while it runs

    wiki
      +   wiki  create
            gone from the engine

    Plan: 1 to create, 0 to replace, 2 to update in place, 0 to remove.
    Data: untouched.
    ");
}

#[test]
fn what_goes_stands_last_and_what_stays_is_named() {
    let mut world = World::usual(|stack| fixture::drop_label(stack, "blog"));
    world.wishes.max_removals = Some(2);
    world.hold("wiki", Hold::Stopped);
    world.on("acme-wiki").state.status = Status::Exited;
    let mut plan = world.plan();
    plan.notices.insert(Notice::Copy {
        name: "acme-blog-copy".into(),
    });
    let text = human(&plan, &world.desired, false, &Style::default());
    insta::assert_snapshot!(text, @"
    Removed, no longer in the files; their volumes stay
      -   blog               stop and remove
      -   blog/database      stop and remove
      -   network acme-blog  remove

    Left as it is
        container acme-blog-copy bears this stack's labels under a name that coasti
        does not give; left alone
        volume acme-blog-database-data is in no file; kept with its data
        wiki is held: stopped (coasti start wiki lifts it)

    Plan: 0 to create, 0 to replace, 0 to update in place, 3 to remove.
    Data: untouched.
    ");
}

#[test]
fn a_refusal_says_why_and_what_to_do() {
    let mut world = World::usual(|_| {});
    world.volumes().clear();
    insta::assert_snapshot!(show(&world), @"
    error[P0304]: volume `acme-blog-database-data` is gone
        it was there at the last apply; a new one would be empty
        help: restore it from a backup (docker volume create
              acme-blog-database-data, and the data into it) and write `name:
              acme-blog-database-data` with `external: true`, or
              make an empty one: coasti apply --new-data blog

    Refused: 1 problem. Nothing is done.
    ");
}

#[test]
fn narrow_terminals_get_more_lines_and_no_lost_words() {
    let world = World::usual(|stack| {
        fixture::env(stack, "blog", "LEVEL", "a-rather-long-value-for-a-level");
    });
    let style = Style {
        width: 40,
        unicode: false,
        color: false,
    };
    let text = human(&world.plan(), &world.desired, false, &style);
    insta::assert_snapshot!(text, @"
    blog - update
      -/+ blog  replace
            env.LEVEL
              info -> a-rath...level
              config/deploy.yml:5
            interrupted: the old one stops
            first, it publishes port 8101
            (80/tcp)

    Plan: 0 to create, 1 to replace, 0 to
    update in place, 0 to remove.
    Data: untouched.
    ");
}

#[test]
fn full_shows_every_field_of_what_is_new_and_no_secret() {
    let mut stack = fixture::stack();
    fixture::app(&mut stack, "blog");
    fixture::database(&mut stack, "blog");
    let world = World::fresh(stack);
    let text = human(&world.plan(), &world.desired, true, &Style::default());
    insta::assert_snapshot!(text, @r#"
    blog · new app
      +   blog           create  as acme-blog  config/deploy.yml:2
            env.LEVEL                        info  config/deploy.yml:5
            image                            docker.io/library/blog:1
            live.networks.acme-blog.aliases  ["blog"]
            live.restart.name                always
      +   blog/database  create  as acme-blog-database  config/deploy.yml:12
            env.MARIADB_PASSWORD             (generated)  config/deploy.yml:15
            health.interval                  5s
            health.retries                   5
            health.start_period              30s
            health.test                      ["CMD","healthcheck.sh"]
            health.timeout                   5s
            image                            docker.io/library/mariadb:10.11
            live.networks.acme-blog.aliases  ["database"]
            live.restart.name                always
            mounts./var/lib/mysql.volume     acme-blog-database-data
      +   with network acme-blog
               volume acme-blog-database-data
               images docker.io/library/blog:1, docker.io/library/mariadb:10.11

    Plan: 4 to create, 0 to replace, 0 to update in place, 0 to remove, 2 images to
    fetch.
    Data: 1 new volume, none removed.
    "#);
}

#[test]
fn files_of_several_containers_stand_in_one_row() {
    let mut stack = fixture::stack();
    fixture::app(&mut stack, "blog");
    fixture::database(&mut stack, "blog");
    for address in ["blog", "blog/database"] {
        fixture::file(&mut stack, address, "/etc/site.conf", "aa");
    }
    let world = World::fresh(stack);
    let text = human(&world.plan(), &world.desired, false, &Style::default());
    assert!(
        text.contains(" file volumes acme-blog-database-files, acme-blog-files"),
        "{text}"
    );
}

#[test]
fn programs_find_everything_that_goes_by_looking_for_delete() {
    let world = World::usual(|stack| {
        fixture::env(stack, "blog", "LEVEL", "debug");
        fixture::drop_label(stack, "wiki");
    });
    let value = json(&world.plan(), &world.desired);
    let actions: Vec<_> = value["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| format!("{} {}", c["resource"], c["actions"]))
        .collect();
    assert_eq!(
        actions,
        [
            r#""network:wiki" ["delete"]"#,
            r#""container:blog" ["delete","create"]"#,
            r#""container:wiki" ["delete"]"#,
        ]
    );
    assert_eq!(value["format_version"], "1.0");
    assert_eq!(value["applyable"], true);
    insta::assert_snapshot!(value["changes"][1]["fields"], @r#"[{"cause":"you","field":"env.LEVEL","from":"info","origin":{"file":"config/deploy.yml","line":5},"to":"debug"}]"#);
    insta::assert_snapshot!(value["changes"][1]["impact"], @r#"{"interrupts":true,"why":"the old one stops first, it publishes port 8101 (80/tcp)"}"#);
}

#[test]
fn a_comment_stays_within_what_forges_take_and_cannot_be_broken_out_of() {
    let mut stack = fixture::stack();
    for n in 0..600 {
        let label = format!("app-with-a-rather-long-name-{n:03}");
        fixture::app(&mut stack, &label);
        fixture::env(&mut stack, &label, "X", "````");
    }
    let mut world = World::settled(stack.clone());
    for (id, ..) in stack.containers() {
        fixture::env(&mut world.desired, &id.address, "X", "``` \n# heading");
    }
    let text = markdown(&world.plan(), &world.desired);
    assert!(text.chars().count() <= 60_000, "{}", text.chars().count());
    let (head, rest) = text.split_once("`````text\n").unwrap();
    insta::assert_snapshot!(head, @"
    ### coasti plan: acme

    Plan: 0 to create, 600 to replace, 0 to update in place, 0 to remove. Data: untouched.
    ");
    let (_, foot) = rest.split_once("\n`````\n").unwrap();
    assert!(foot.contains("more lines"), "{foot}");
}
