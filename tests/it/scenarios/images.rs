//! Images: what they declare, and tags that move.

use super::{WAITS, change, fields, site, site_of};
use crate::support::{
    docker::{docker, exec, facts, image_id, inspect},
    stack::Stack,
};

/// Names of the volumes that a container has.
fn volumes(container: &str) -> Vec<String> {
    let mounts = inspect(container)["Mounts"].clone();
    let mounts = mounts.as_array().unwrap().iter();
    mounts
        .map(|mount| mount["Name"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn files_in_an_undeclared_volume_survive_a_replace() {
    let Some(stack) = Stack::new("files_in_an_undeclared_volume_survive_a_replace") else {
        return;
    };
    let write = |word: &str| {
        let env = format!("    env: {{WORD: {word}}}\n");
        stack.sites(&site_of("app", "coasti-test/volume:1", WAITS, &env));
    };
    write("one");
    stack.apply();
    let app = stack.object("app");
    let (id, mounted) = (facts(&app).id, volumes(&app));
    assert_eq!(mounted.len(), 1);
    // One that the engine made by itself would have 64 digits for a name.
    assert!(mounted[0].starts_with(&format!("{app}-")), "{mounted:?}");
    assert!(stack.objects("volume").contains(&mounted[0]));
    exec(&app, "echo precious >/var/lib/thing/file");

    write("two");
    stack.apply();
    assert_ne!(facts(&app).id, id);
    assert_eq!(volumes(&app), mounted);
    assert_eq!(exec(&app, "cat /var/lib/thing/file"), "precious");
    stack.plan(0);
}

#[test]
fn a_moved_tag_replaces_what_runs_it_and_nothing_else() {
    let Some(stack) = Stack::new("a_moved_tag_replaces_what_runs_it_and_nothing_else") else {
        return;
    };
    let image = stack.tag("coasti-test/tiny:1", "app:1");
    let files = site_of("moves", &image, WAITS, "") + &site("stays", "");
    stack.sites(&files);
    stack.apply();
    stack.plan(0);
    let (moves, stays) = (stack.object("moves"), stack.object("stays"));
    let before = facts(&stays);
    let newer = stack.variant("newer:1");
    docker(&["tag", &newer, &image]);

    let plan = stack.plan(2);
    let told = fields(change(&plan, "moves"));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("image: ") && told[0].ends_with("(upstream)"),
        "{told:?}"
    );
    stack.coasti(&["plan"]).expect(0).prints(&["upstream"]);
    stack.apply();
    assert_eq!(facts(&moves).image, image_id(&newer));
    assert_eq!(facts(&stays), before);
    stack.plan(0);
}

#[test]
fn an_archive_stands_in_the_stacks_folder_wherever_the_caller_works() {
    let Some(stack) =
        Stack::new("an_archive_stands_in_the_stacks_folder_wherever_the_caller_works")
    else {
        return;
    };
    // The archive's name is the reference of the image in it.
    let image = format!("{}-archive:latest", stack.name());
    let file = format!("{}-archive.tar", stack.name());
    docker(&["tag", "coasti-test/tiny:1", &image]);
    docker(&[
        "save",
        "-o",
        &stack.folder().join(&file).to_string_lossy(),
        &image,
    ]);
    docker(&["rmi", &image]);
    stack.sites(&site_of("app", &format!("./{file}"), WAITS, ""));
    let folder = stack.folder().to_string_lossy().into_owned();
    let mut command = stack.command(&["-C", &folder, "apply", "--yes"]);
    command.current_dir("/");
    let ran = stack.run(command);
    let status = facts(&stack.object("app")).status;
    stack.coasti(&["destroy", "--yes"]).expect(0);
    docker(&["rmi", &image]);
    ran.expect(0);
    assert_eq!(status, "running");
}

#[test]
fn an_archive_without_the_image_is_told_before_anything_is_done() {
    let Some(stack) = Stack::new("an_archive_without_the_image_is_told_before_anything_is_done")
    else {
        return;
    };
    let image = stack.tag("coasti-test/tiny:1", "inside:1");
    let file = stack.folder().join("other.tar");
    docker(&["save", "-o", &file.to_string_lossy(), &image]);
    stack.sites(&site_of("app", "./other.tar", WAITS, ""));
    for command in [&["validate"][..], &["plan"], &["apply", "--yes"]] {
        stack
            .coasti(command)
            .expect(3)
            .says(&["other.tar", &format!("it has `{image}`")]);
    }
    stack.write("other.tar", "no archive");
    stack
        .coasti(&["plan"])
        .expect(3)
        .says(&["`other.tar` is no archive of images"]);
}

#[test]
fn who_was_asked_is_asked_again_where_the_image_makes_another_plan() {
    let test = "who_was_asked_is_asked_again_where_the_image_makes_another_plan";
    let Some(stack) = Stack::new(test) else {
        return;
    };
    stack.sites(&site("app", ""));
    stack.apply();
    let app = stack.object("app");
    let before = facts(&app);
    // Once it is loaded it is known to declare a volume: then the old one has to stop first.
    let image = format!("{}:2", stack.name());
    stack.tag_as("coasti-test/volume:1", &image);
    let archive = stack.folder().join(format!("{image}.tar"));
    docker(&["save", "-o", archive.to_str().unwrap(), &image]);
    docker(&["rmi", &image]);
    stack.sites(&site_of("app", &format!("./{image}.tar"), WAITS, ""));
    let asked = |typed: &str| stack.on_terminal(&["apply"], typed);
    let Some(ran) = asked("yes\nno\n") else {
        eprintln!("skipped: {test} (no `script` makes a terminal)");
        return;
    };
    let ran = ran.expect(0);
    assert_eq!(
        ran.out.matches("Apply this plan?").count(),
        2,
        "{}",
        ran.show()
    );
    ran.prints(&["no longer what would be done", "nothing was changed"]);
    assert_eq!(facts(&app), before);
    docker(&["rmi", &image]);
    asked("yes\nyes\n")
        .unwrap()
        .expect(0)
        .prints(&["is what runs now"]);
    assert_ne!(facts(&app).id, before.id);
    stack.plan(0);
}
