//! A full disk.

use super::{quick, version, well, witnessed};
use crate::support::{lab::Lab, second::Second};

#[test]
fn a_full_disk_is_told_and_undone() {
    let test = "a_full_disk_is_told_and_undone";
    let Some(second) = Second::start(test, "48m", &["coasti-test/tiny:1"]) else {
        return;
    };
    let lab = Lab::on(Some(&second.host()));
    lab.sites(&quick("v0"));
    lab.apply();
    let before = ["wiki", "wiki/database"].map(|address| lab.container(address));
    let mut codes = Vec::new();
    for (number, left) in [0, 8, 24, 48, 80, 120, 200].into_iter().enumerate() {
        // Only so many KB are left.
        lab.sites(&quick(&format!("v{}", number + 1)));
        second.shell("rm -f $1/fill; cat /dev/zero >$1/fill 2>/dev/null; true");
        if left > 0 {
            second.shell(&format!(
                "size=$(stat -c %s $1/fill); truncate -s $((size - {left} * 1024)) $1/fill"
            ));
        }
        let ran = lab.coasti(&["apply", "--yes"]);
        second.shell("rm -f $1/fill");
        eprintln!("{left} KB left: exit {}", ran.code);
        codes.push(ran.code);
        if ran.code == 0 {
            break;
        }
        assert!([1, 7, 8].contains(&ran.code), "{}", ran.show());
        assert!(
            ran.err.to_lowercase().contains("no space left"),
            "{}",
            ran.show()
        );
        if ran.code == 8 {
            lab.coasti(&["recover", "--yes"]).expect(0);
        }
        for address in ["wiki", "wiki/database"] {
            assert_eq!(version(&lab, address), "v0", "{left} KB");
            witnessed(&lab, address);
        }
        let now = ["wiki", "wiki/database"].map(|address| lab.container(address));
        if ran.code != 8 {
            assert_eq!(now, before, "{left} KB");
        }
    }
    assert!(codes.iter().any(|code| *code != 0), "{codes:?}");
    lab.sites(&quick("v99"));
    lab.apply();
    well(&lab, "v99");
}
