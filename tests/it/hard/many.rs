//! Many apps, and several stacks at once.

use super::{networked, plain};
use crate::support::lab::Lab;
use std::collections::BTreeSet;

fn subnets(lab: &Lab) -> Vec<String> {
    let networks = lab.objects("network");
    let template = "{{range .IPAM.Config}}{{.Subnet}}{{end}}";
    let mut words = vec!["network", "inspect", "--format", template];
    words.extend(networks.iter().map(String::as_str));
    lab.docker(&words).lines().map(str::to_owned).collect()
}

#[test]
fn a_hundred_apps_each_with_a_network() {
    let Some(lab) = Lab::new("a_hundred_apps_each_with_a_network") else {
        return;
    };
    let sites: String = (0..100).map(|n| networked(&format!("app{n:02}"))).collect();
    lab.sites(&sites);
    lab.apply();
    assert_eq!(lab.objects("network").len(), 100);
    assert_eq!(lab.containers().len(), 200);
    let subnets = subnets(&lab);
    assert_eq!(subnets.iter().collect::<BTreeSet<_>>().len(), 100);
    assert!(
        subnets.iter().all(|subnet| subnet.ends_with("/26")),
        "{subnets:?}"
    );
    lab.settled();
    lab.coasti(&["destroy", "--yes"]).expect(0);
    assert_eq!(lab.objects("network"), [""; 0]);
    assert_eq!(lab.containers(), [""; 0]);
}

#[test]
fn two_stacks_whose_first_applies_want_the_same_subnets() {
    let Some(mut one) = Lab::new("two_stacks_whose_first_applies_want_the_same_subnets") else {
        return;
    };
    let mut two = Lab::on(None);
    for lab in [&mut one, &mut two] {
        // 32 networks' worth, in the same order.
        lab.pool("10.222.16.0/21");
        let sites: String = (0..6).map(|n| networked(&format!("app{n}"))).collect();
        lab.sites(&sites);
    }
    let both = [&one, &two].map(|lab| lab.start(&["apply", "--yes"]));
    for (lab, running) in [&one, &two].into_iter().zip(both) {
        lab.finish(running).expect(0);
    }
    let mut all = subnets(&one);
    all.extend(subnets(&two));
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 12, "{all:?}");
    for lab in [&one, &two] {
        lab.settled();
        lab.apply();
        lab.settled();
    }
}

#[test]
fn two_folders_with_one_name_do_not_touch_each_other() {
    let Some(one) = Lab::new("two_folders_with_one_name_do_not_touch_each_other") else {
        return;
    };
    one.sites(&plain("wiki", "v1"));
    let other = one.copy(None);
    one.apply();
    let before = one.container("wiki");
    let file = std::fs::read_to_string(other.folder().join("config/deploy.yml")).unwrap();
    let id = file.lines().find(|line| line.starts_with("id: ")).unwrap();
    let stolen = file.replace(id, "id: 00112233445566778899aabbccddeeff");
    other.write("config/deploy.yml", &stolen.replace("v1", "v2"));
    for words in [&["plan"][..], &["apply", "--yes"], &["destroy", "--yes"]] {
        let ran = other.coasti(words);
        assert!(ran.code != 0, "{}", ran.show());
        ran.tells(&[
            "00112233445566778899aabbccddeeff",
            id.trim_start_matches("id: "),
        ]);
    }
    assert_eq!(one.container("wiki"), before);
    one.settled();
}
