//! An engine that is slow, and one whose answers are lost.

use super::{nothing_leaked, quick, version, well};
use crate::support::{
    lab::Lab,
    proxy::{Fate, Proxy},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

fn socket(lab: &Lab, test: &str) -> Option<std::path::PathBuf> {
    let socket = lab.socket();
    if socket.is_none() {
        eprintln!("skipped: {test} (the engine is not reached through a socket)");
    }
    socket
}

#[test]
fn an_answer_that_is_lost_is_undone_or_does_not_matter() {
    let test = "an_answer_that_is_lost_is_undone_or_does_not_matter";
    let Some(mut lab) = Lab::new(test) else {
        return;
    };
    let Some(socket) = socket(&lab, test) else {
        return;
    };
    // The next changing request with this number is done, and nobody hears of it.
    let at = Arc::new(AtomicUsize::new(usize::MAX));
    let aim = Arc::clone(&at);
    let proxy = Proxy::unix(&socket, move |seen| {
        match seen.change == Some(aim.load(Ordering::SeqCst)) {
            true => Fate::Lose(Box::new(|| {})),
            false => Fate::Pass,
        }
    });
    lab.through(proxy.address());
    lab.sites(&quick("v0"));
    lab.apply();
    let mut good = "v0".to_owned();
    let (mut undone, mut done) = (0, 0);
    for number in 1.. {
        let next = format!("v{number}");
        lab.sites(&quick(&next));
        let before = proxy.changes();
        at.store(before + number, Ordering::SeqCst);
        let ran = lab.coasti(&["apply", "--yes"]);
        let reached = proxy.changes() >= before + number;
        at.store(usize::MAX, Ordering::SeqCst);
        let line = ran.err.lines().find(|line| line.starts_with("failed: "));
        eprintln!(
            "lost answer {number}: exit {} {}",
            ran.code,
            line.unwrap_or_default()
        );
        match ran.code {
            0 => {
                done += 1;
                good = next.clone();
            }
            7 => undone += 1,
            _ => panic!("an answer that was lost: {}", ran.show()),
        }
        for address in ["wiki", "wiki/database"] {
            assert_eq!(
                version(&lab, address),
                good,
                "after answer {number} was lost"
            );
        }
        assert!(
            !lab.exists(&lab.lock()),
            "the lock was left: {}",
            ran.show()
        );
        if number % 4 == 0 || !reached {
            lab.apply();
            well(&lab, &next);
            good = next;
        }
        if !reached {
            break;
        }
    }
    assert!(undone > 5 && done > 2, "{undone} undone, {done} done");
    nothing_leaked(&lab);
}

#[test]
fn a_slow_engine_is_waited_for() {
    let test = "a_slow_engine_is_waited_for";
    let Some(mut lab) = Lab::new(test) else {
        return;
    };
    let Some(socket) = socket(&lab, test) else {
        return;
    };
    let count = AtomicUsize::new(0);
    let proxy = Proxy::unix(&socket, move |_| {
        // 200 to 500 ms, no two alike.
        let n = count.fetch_add(1, Ordering::SeqCst) as u64;
        Fate::Late(Duration::from_millis(200 + n * 97 % 300))
    });
    lab.through(proxy.address());
    lab.sites(&quick("v1"));
    lab.apply();
    lab.sites(&quick("v2"));
    lab.apply();
    well(&lab, "v2");
    assert!(proxy.lines().len() > 50);
}
