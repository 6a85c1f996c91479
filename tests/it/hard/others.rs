//! Objects of other people, among them copies of ours.

use super::{networked, plain, quick, version};
use crate::support::lab::Lab;

/// A container like `address`'s, with all its labels, under a name of its own.
fn copy(lab: &Lab, address: &str, name: &str, image: &str) {
    let labels = lab.inspect(&lab.object(address), "{{json .Config.Labels}}");
    let labels: std::collections::BTreeMap<String, String> = serde_json::from_str(&labels).unwrap();
    let labels: Vec<_> = labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let mut words = vec!["run", "-d", "--name", name];
    words.extend(labels.iter().flat_map(|label| ["--label", label.as_str()]));
    words.extend([image, "sh", "-c", super::SLEEP]);
    lab.docker(&words);
}

#[test]
fn a_copied_container_with_our_labels_is_left_alone() {
    let Some(lab) = Lab::new("a_copied_container_with_our_labels_is_left_alone") else {
        return;
    };
    lab.sites(&quick("v1"));
    lab.apply();
    let (labels, committed) = (lab.object("copied"), lab.object("committed"));
    copy(&lab, "wiki", &labels, "coasti-test/tiny:1");
    let image = format!("{}/committed", lab.name());
    lab.docker(&["commit", &lab.object("wiki/database"), &image]);
    lab.docker(&[
        "run",
        "-d",
        "--name",
        &committed,
        &image,
        "sh",
        "-c",
        super::SLEEP,
    ]);
    let before =
        [&labels, &committed].map(|name| lab.inspect(name, "{{.Id}} {{.State.StartedAt}}"));

    lab.coasti(&["plan", "--detailed-exitcode"])
        .expect(0)
        .tells(&[&labels, &committed]);
    lab.coasti(&["status"]).expect(0);
    lab.sites(&quick("v2"));
    lab.apply();
    assert_eq!(version(&lab, "wiki"), "v2");
    lab.coasti(&["stop", "wiki"]).expect(0);
    lab.coasti(&["start", "wiki"]).expect(0);
    lab.coasti(&["rollback", "--yes"]).expect(0);
    lab.coasti(&["destroy", "--yes"]).expect(0);
    assert_eq!(lab.containers(), [committed.clone(), labels.clone()]);
    let after = [&labels, &committed].map(|name| lab.inspect(name, "{{.Id}} {{.State.StartedAt}}"));
    assert_eq!(after, before, "nobody touched them");
    lab.apply();
    lab.docker(&["rm", "-f", &labels, &committed]);
    lab.docker(&["rmi", &image]);
    lab.settled();
}

#[test]
fn a_copy_tells_nothing_about_values_that_were_lost() {
    let Some(lab) = Lab::new("a_copy_tells_nothing_about_values_that_were_lost") else {
        return;
    };
    lab.sites(&quick("v1"));
    lab.apply();
    let secret = lab.secret("wiki/database/DB_PASSWORD");
    // Its name comes first, its labels are the database's, its password is wrong.
    let labels = lab.inspect(&lab.object("wiki/database"), "{{json .Config.Labels}}");
    let labels: std::collections::BTreeMap<String, String> = serde_json::from_str(&labels).unwrap();
    let labels: Vec<_> = labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let name = format!("a-{}", lab.name());
    let mut words = vec![
        "create",
        "--name",
        &name,
        "-e",
        "DB_PASSWORD=wrong-and-never-made",
    ];
    words.extend(labels.iter().flat_map(|label| ["--label", label.as_str()]));
    words.extend(["coasti-test/tiny:1", "sh"]);
    lab.docker(&words);
    lab.docker(&["rm", &lab.store()]);
    lab.docker(&["volume", "rm", &lab.store()]);
    lab.coasti(&["plan", "--detailed-exitcode"]).expect(0);
    lab.apply();
    assert_eq!(lab.secret("wiki/database/DB_PASSWORD"), secret);
}

#[test]
fn a_network_that_somebody_is_on_stays_until_he_leaves() {
    let Some(lab) = Lab::new("a_network_that_somebody_is_on_stays_until_he_leaves") else {
        return;
    };
    let wiki = plain("wiki", "v1");
    lab.sites(&(networked("blog") + &wiki));
    lab.apply();
    let (network, admin) = (lab.object("blog"), format!("{}-admin", lab.name()));
    lab.docker(&[
        "run",
        "-d",
        "--rm",
        "--name",
        &admin,
        "coasti-test/tiny:1",
        "sleep",
        "9999",
    ]);
    lab.docker(&["network", "connect", &network, &admin]);
    lab.sites(&wiki);
    let applied = lab
        .coasti(&["apply", "--yes", "--max-removals", "2"])
        .expect(0);
    assert!(!applied.err.contains("warning"), "{}", applied.show());
    assert_eq!(lab.containers(), [lab.object("wiki")]);
    let told = format!("network {network} is in no file; kept while {admin} is on it");
    let plan = lab.coasti(&["plan", "--detailed-exitcode"]).expect(0);
    plan.tells(&[&told]);
    lab.docker(&["rm", "-f", &admin]);
    lab.coasti(&["plan", "--detailed-exitcode"])
        .expect(2)
        .tells(&[&network]);
    lab.apply();
    assert_eq!(lab.objects("network"), [""; 0]);
    lab.settled();
}
