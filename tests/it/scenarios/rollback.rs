//! Back to an older revision, with no registry to ask.

use super::{WAITS, only_containers, site_of};
use crate::support::{
    docker::{docker, exec, facts, image_id},
    stack::Stack,
};

#[test]
fn a_rollback_runs_the_older_image_though_its_tag_moved() {
    let Some(stack) = Stack::new("a_rollback_runs_the_older_image_though_its_tag_moved") else {
        return;
    };
    let first = stack.tag("coasti-test/tiny:1", "app:1");
    let second = stack.tag("coasti-test/volume:1", "app:2");
    let write = |image: &str, word: &str| {
        let more =
            format!("    env: {{WORD: {word}}}\n    volume: [{{name: data, target: /data}}]\n");
        stack.sites(&site_of("app", image, WAITS, &more));
    };
    write(&first, "one");
    stack.apply();
    let app = stack.object("app");
    exec(&app, "echo kept >/data/file");
    write(&second, "two");
    stack.apply();
    assert_eq!(exec(&app, "echo $WORD"), "two");
    // Somebody gives the older one's name to another image.
    docker(&["tag", "coasti-test/redis:7", &first]);

    stack
        .coasti(&["rollback", "r99", "--yes"])
        .expect(1)
        .says(&["r99", "coasti history"]);
    assert_eq!(exec(&app, "echo $WORD"), "two");

    let moved = format!("{first} names another image by now");
    stack
        .coasti(&["rollback", "--yes"])
        .expect(0)
        .says(&[&moved]);
    assert_eq!(facts(&app).image, image_id("coasti-test/tiny:1"));
    assert_eq!(exec(&app, "echo $WORD; cat /data/file"), "one\nkept");
    only_containers(&stack, &["app"]);
    let runs = stack.runs();
    assert_eq!(runs[0]["what"], "rollback");
    assert_eq!(runs[0]["end"]["outcome"], "done");
    stack.coasti(&["history"]).expect(0).prints(&["rollback"]);
    stack.coasti(&["show", "r1"]).expect(0).prints(&["app"]);

    // The files still say what they said.
    stack.plan(2);
    stack
        .coasti(&["plan"])
        .expect(0)
        .prints(&["env.WORD", "one", "two"]);
    stack.apply();
    assert_eq!(exec(&app, "echo $WORD"), "two");
    stack.plan(0);
    // A number will do, and a line is that of the files as they were.
    stack
        .coasti(&["rollback", "1", "--yes"])
        .expect(0)
        .says(&["Rolling back to r1.", "r1: config/deploy.yml:"]);
    assert_eq!(exec(&app, "echo $WORD"), "one");
    // Once more is nothing to do, and nothing new.
    let runs = stack.runs().len();
    stack
        .coasti(&["rollback", "1", "--yes"])
        .expect(0)
        .says(&["Nothing to do: r1 is what runs already."]);
    assert_eq!(stack.runs().len(), runs);
}
