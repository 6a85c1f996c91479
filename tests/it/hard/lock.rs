//! Two at once.

use super::{pair, version, well};
use crate::support::{lab::Lab, ran::Running};

/// An apply of `v2` that holds the lock until `/data/go` is there.
fn waiting(test: &str) -> Option<(Lab, Running)> {
    let lab = Lab::new(test)?;
    lab.sites(&pair("v1"));
    lab.apply();
    lab.exec("wiki", "touch /data/wait-v2");
    lab.sites(&pair("v2"));
    let first = lab.start(&["apply", "--yes"]);
    super::await_status(&lab, &lab.object("wiki.prev"), "exited");
    super::await_status(&lab, &lab.object("wiki"), "running");
    Some((lab, first))
}

#[test]
fn the_second_is_told_who_is_first_or_waits() {
    let Some((lab, first)) = waiting("the_second_is_told_who_is_first_or_waits") else {
        return;
    };
    let pid = first.pid().to_string();
    let refused = lab.coasti(&["apply", "--yes"]).expect(5);
    refused.tells(&[
        "tester@",
        "apply",
        &pid,
        "since: 20",
        "--lock-wait",
        "coasti lock release",
    ]);
    lab.coasti(&["destroy", "--yes"]).expect(5);
    let status = lab.coasti(&["lock", "status"]).expect(0);
    status.tells(&["locked by tester@", "for apply since 20", &pid]);
    let json = lab
        .coasti(&["lock", "status", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(json["locked"], true);
    assert_eq!(json["holder"]["process"]["pid"].to_string(), pid);
    assert_eq!(json["holder"]["why"], "apply");
    // A plan only reads, and says that somebody works.
    lab.coasti(&["plan"]).expect(0);

    let second = lab.start(&["apply", "--yes", "--lock-wait", "60s"]);
    second.until_said("the lock, held by tester@");
    lab.exec("wiki", "touch /data/go");
    lab.finish(first).expect(0);
    lab.finish(second).expect(0);
    lab.coasti(&["lock", "status"])
        .expect(0)
        .tells(&["not locked"]);
    well(&lab, "v2");
}

#[test]
fn who_waits_in_vain_is_told() {
    let Some((lab, first)) = waiting("who_waits_in_vain_is_told") else {
        return;
    };
    lab.coasti(&["apply", "--yes", "--lock-wait", "1s"])
        .expect(5);
    lab.exec("wiki", "touch /data/go");
    lab.finish(first).expect(0);
    well(&lab, "v2");
}

#[test]
fn a_run_whose_lock_was_released_undoes_what_it_did() {
    let Some((lab, first)) = waiting("a_run_whose_lock_was_released_undoes_what_it_did") else {
        return;
    };
    lab.coasti(&["lock", "release"]).expect(1).tells(&["--yes"]);
    lab.coasti(&["lock", "release", "--yes"])
        .expect(0)
        .tells(&["released", "tester@"]);
    // Its next changing step would be to remove what it replaced; until then nobody else came.
    lab.exec("wiki", "touch /data/sick-v2");
    lab.finish(first).expect(7);
    assert_eq!(version(&lab, "wiki"), "v1");
    lab.exec("wiki", "touch /data/go; rm /data/sick-v2");
    lab.apply();
    well(&lab, "v2");
}

#[test]
fn a_run_whose_lock_is_another_ones_leaves_all_to_that() {
    let Some((lab, first)) = waiting("a_run_whose_lock_is_another_ones_leaves_all_to_that") else {
        return;
    };
    lab.coasti(&["lock", "release", "--yes"]).expect(0);
    // The second goes on from where the first is, and waits for the same health.
    lab.exec("wiki", "touch /data/wait-v3");
    lab.sites(&pair("v3"));
    let second = lab.start(&["apply", "--yes"]);
    let ran = lab.finish(first);
    assert!(ran.code != 0, "{}", ran.show());
    super::await_status(&lab, &lab.object("wiki"), "running");
    super::until("v3", std::time::Duration::from_secs(30), || {
        (version(&lab, "wiki") == "v3").then_some(())
    });
    lab.exec("wiki", "touch /data/go");
    lab.finish(second).expect(0);
    well(&lab, "v3");
    let runs = lab.runs();
    assert!(runs[0].starts_with("apply done"), "{runs:?}");
}
