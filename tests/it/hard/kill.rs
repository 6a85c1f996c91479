//! coasti itself killed, at every request that changes something: before the engine sees it, and after the
//! engine did it.

use super::{nothing_leaked, quick, version, well};
use crate::support::{
    lab::Lab,
    proxy::{Fate, Proxy},
    until,
};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// What the proxy needs to know to kill in time.
#[derive(Default)]
pub(super) struct Aim {
    /// The process.
    pid: AtomicUsize,
    /// At which changing request of the run.
    at: AtomicUsize,
    /// How many there were before.
    base: AtomicUsize,
    /// Whether after the engine did it, or before.
    after: AtomicUsize,
}

impl Aim {
    fn fire(&self) {
        let pid = until("the process", Duration::from_secs(10), || {
            match self.pid.load(Ordering::SeqCst) {
                0 => None,
                pid => Pid::from_raw(i32::try_from(pid).unwrap()),
            }
        });
        // It may have ended by itself.
        let _ = kill_process(pid, Signal::KILL);
    }

    fn judge(self: &Arc<Self>, change: Option<usize>) -> Fate {
        let number = change.map(|n| n - self.base.load(Ordering::SeqCst));
        if number.is_none_or(|n| n != self.at.load(Ordering::SeqCst)) {
            return Fate::Pass;
        }
        if self.after.load(Ordering::SeqCst) == 0 {
            self.fire();
            return Fate::Refuse;
        }
        let aim = Arc::clone(self);
        Fate::Lose(Box::new(move || aim.fire()))
    }

    /// Runs an apply that is killed at that request; whether it was.
    pub(super) fn kill(&self, lab: &Lab, proxy: &Proxy, at: usize, after: bool) -> bool {
        self.pid.store(0, Ordering::SeqCst);
        self.base.store(proxy.changes(), Ordering::SeqCst);
        self.after.store(usize::from(after), Ordering::SeqCst);
        self.at.store(at, Ordering::SeqCst);
        let running = lab.start(&["apply", "--yes"]);
        let pid = usize::try_from(running.pid()).unwrap();
        self.pid.store(pid, Ordering::SeqCst);
        let code = lab.finish(running).code;
        self.at.store(0, Ordering::SeqCst);
        assert!([-1, 0].contains(&code));
        // Else the next command looks before the engine has done what the killed one had asked for last; what
        // comes of that is shown on the simulator, where such a moment can be chosen.
        proxy.settle();
        code == -1
    }
}

pub(super) fn aimed(test: &str) -> Option<(Lab, Proxy, Arc<Aim>)> {
    let mut lab = Lab::new(test)?;
    let Some(socket) = lab.socket() else {
        eprintln!("skipped: {test} (the engine is not reached through a socket)");
        return None;
    };
    let aim = Arc::new(Aim::default());
    let judge = Arc::clone(&aim);
    let proxy = Proxy::unix(&socket, move |seen| judge.judge(seen.change));
    lab.through(proxy.address());
    Some((lab, proxy, aim))
}

/// Before or after, by turns; with COASTI_TEST_LONG=1 at each request both.
fn turns(at: usize) -> Vec<bool> {
    if std::env::var_os("COASTI_TEST_LONG").is_some() {
        vec![false, true]
    } else {
        vec![at.is_multiple_of(2)]
    }
}

#[test]
fn a_killed_apply_is_undone_or_finished() {
    let Some((lab, proxy, aim)) = aimed("a_killed_apply_is_undone_or_finished") else {
        return;
    };
    lab.sites(&quick("v0"));
    lab.apply();
    let mut good = "v0".to_owned();
    let mut number = 0;
    for at in 1.. {
        let mut killed = false;
        for after in turns(at) {
            number += 1;
            let next = format!("v{number}");
            lab.sites(&quick(&next));
            killed = aim.kill(&lab, &proxy, at, after);
            let about = format!(
                "killed at request {at}, {}",
                if after { "after" } else { "before" }
            );
            eprintln!("{about}: {killed}");
            // Only reading: whatever is there.
            let plan = lab.coasti(&["plan", "--detailed-exitcode"]);
            assert!([0, 2].contains(&plan.code), "{about}: {}", plan.show());
            let open = plan.err.contains("was cut off");
            if number % 2 == 0 && killed {
                lab.coasti(&["recover", "--yes"]).expect(0);
                let now = version(&lab, "wiki");
                assert_eq!(version(&lab, "wiki/database"), now, "{about}");
                if open {
                    assert_eq!(now, good, "{about}: what was good runs again");
                }
                assert!(!lab.exists(&lab.lock()), "{about}: the lock");
                let status = lab.coasti(&["status"]).expect(0);
                assert!(!status.out.contains(".next"), "{about}: {}", status.show());
            }
            lab.apply();
            well(&lab, &next);
            good = next;
        }
        if !killed {
            assert!(at > 12, "there are more than {at} requests in an apply");
            break;
        }
    }
    nothing_leaked(&lab);
}

#[test]
fn a_killed_first_apply_is_undone_or_finished() {
    let Some((lab, proxy, aim)) = aimed("a_killed_first_apply_is_undone_or_finished") else {
        return;
    };
    lab.sites(&quick("v0"));
    for at in 1.. {
        // Each time as if for the first time: nothing is there.
        let killed = aim.kill(&lab, &proxy, at, at % 2 == 0);
        eprintln!("killed at request {at}: {killed}");
        if at % 3 == 0 {
            lab.coasti(&["recover", "--yes"]).expect(0);
            if killed
                && lab
                    .runs()
                    .first()
                    .is_some_and(|run| run.starts_with("recover"))
            {
                assert_eq!(lab.containers(), [""; 0], "at {at}");
                assert_eq!(lab.objects("network"), [""; 0], "at {at}");
            }
        }
        lab.apply();
        well(&lab, "v0");
        if !killed {
            break;
        }
        lab.wipe();
    }
}
