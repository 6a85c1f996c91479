//! The engine killed in the middle of an apply, and started again.

use super::{pair, version, well, witnessed};
use crate::support::{
    lab::Lab,
    proxy::{Fate, Proxy},
    ran::Ran,
    second::Second,
};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

const TINY: &str = "coasti-test/tiny:1";

/// What dies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dies {
    /// The engine; its containers go on until it is back.
    Engine,
    /// The engine and all containers, as in a power cut.
    Everything,
}

/// An engine of its own with the pair in `v1` on it, and a trap before it: at the first request that
/// matches, the engine dies.
struct Trap {
    second: Arc<Second>,
    lab: Lab,
    _proxy: Proxy,
    armed: Arc<Mutex<Option<(String, bool, Dies)>>>,
    sprung: Arc<AtomicBool>,
}

impl Trap {
    fn new(test: &str) -> Option<Self> {
        let second = Arc::new(Second::start(test, "256m", &[TINY])?);
        let mut lab = Lab::on(Some(&second.host()));
        let armed: Arc<Mutex<Option<(String, bool, Dies)>>> = Arc::default();
        let sprung = Arc::new(AtomicBool::new(false));
        let (trap, engine, done) = (
            Arc::clone(&armed),
            Arc::downgrade(&second),
            Arc::clone(&sprung),
        );
        let proxy = Proxy::unix(&second.socket(), move |seen| {
            let mut trap = trap.lock().unwrap();
            let hit = trap
                .as_ref()
                .is_some_and(|(word, ..)| seen.line.contains(word.as_str()));
            let (Some(engine), true) = (engine.upgrade(), hit) else {
                return Fate::Pass;
            };
            let Some((_, after, dies)) = trap.take() else {
                return Fate::Pass;
            };
            let done = Arc::clone(&done);
            let spring = move || {
                match dies {
                    Dies::Engine => engine.kill(),
                    Dies::Everything => engine.crash(),
                }
                done.store(true, Ordering::SeqCst);
            };
            if after {
                return Fate::Lose(Box::new(spring));
            }
            spring();
            Fate::Refuse
        });
        lab.through(proxy.address());
        lab.sites(&pair("v1"));
        lab.apply();
        well(&lab, "v1");
        Some(Self {
            second,
            lab,
            _proxy: proxy,
            armed,
            sprung,
        })
    }

    /// An apply of `version` during which the engine dies at a request; it comes back at once. coasti is
    /// killed as well where that is asked for.
    fn spring(&self, version: &str, word: &str, after: bool, dies: Dies, coasti_too: bool) -> Ran {
        eprintln!(
            "{version}: the engine dies at {word}, after it: {after}, coasti too: {coasti_too}"
        );
        self.lab.sites(&pair(version));
        self.sprung.store(false, Ordering::SeqCst);
        *self.armed.lock().unwrap() = Some((word.to_owned(), after, dies));
        let mut running = self.lab.start(&["apply", "--yes"]);
        super::until(word, std::time::Duration::from_secs(60), || {
            self.sprung.load(Ordering::SeqCst).then_some(())
        });
        if coasti_too {
            running.kill();
        }
        self.second.again();
        self.lab.finish(running)
    }

    fn checked(&self, expected: &str) {
        for address in ["wiki", "wiki/database"] {
            assert_eq!(version(&self.lab, address), expected, "{address}");
            witnessed(&self.lab, address);
        }
    }
}

#[test]
fn an_engine_that_dies_is_waited_for_and_all_is_undone() {
    let Some(trap) = Trap::new("an_engine_that_dies_is_waited_for_and_all_is_undone") else {
        return;
    };
    let before = ["wiki", "wiki/database"].map(|address| trap.lab.container(address));
    for (number, (word, after, dies)) in [
        // Between the stop of the old ones and the start of the new.
        ("/stop", true, Dies::Engine),
        ("/start", false, Dies::Everything),
        ("/start", true, Dies::Engine),
        ("create?name=ch-", true, Dies::Engine),
    ]
    .into_iter()
    .enumerate()
    {
        let version = format!("v{}", number + 2);
        let ran = trap.spring(&version, word, after, dies, false);
        ran.expect(7).tells(&["undone: what ran before runs again"]);
        trap.checked("v1");
        let now = ["wiki", "wiki/database"].map(|address| trap.lab.container(address));
        assert_eq!(now, before, "the same containers");
    }
    trap.lab.apply();
    well(&trap.lab, "v5");
}

#[test]
fn an_engine_that_dies_while_health_is_awaited() {
    let Some(trap) = Trap::new("an_engine_that_dies_while_health_is_awaited") else {
        return;
    };
    let before = trap.lab.container("wiki");
    for (version, dies) in [("v2", Dies::Engine), ("v3", Dies::Everything)] {
        trap.lab
            .exec("wiki", &format!("touch /data/wait-{version}"));
        trap.lab.sites(&pair(version));
        let running = trap.lab.start(&["apply", "--yes"]);
        super::await_status(&trap.lab, &trap.lab.object("wiki.prev"), "exited");
        super::await_status(&trap.lab, &trap.lab.object("wiki"), "running");
        match dies {
            Dies::Engine => trap.second.kill(),
            Dies::Everything => trap.second.crash(),
        }
        trap.second.again();
        trap.lab.finish(running).expect(7);
        trap.checked("v1");
        assert_eq!(trap.lab.container("wiki"), before);
    }
    trap.lab.sites(&pair("v4"));
    trap.lab.apply();
    well(&trap.lab, "v4");
}

#[test]
fn an_engine_and_coasti_that_die_together() {
    let Some(trap) = Trap::new("an_engine_and_coasti_that_die_together") else {
        return;
    };
    let mut good = "v1".to_owned();
    for (number, (word, after, dies, recover)) in [
        ("/stop", true, Dies::Engine, true),
        ("/start", false, Dies::Everything, false),
        ("/start", true, Dies::Everything, true),
        ("/rename", true, Dies::Engine, false),
        // Nothing is left to do but to remove what was replaced.
        ("DELETE", false, Dies::Engine, true),
    ]
    .into_iter()
    .enumerate()
    {
        let next = format!("v{}", number + 2);
        trap.spring(&next, word, after, dies, true).expect(-1);
        let plan = trap.lab.coasti(&["plan", "--detailed-exitcode"]);
        assert!([0, 2].contains(&plan.code), "{}", plan.show());
        if recover {
            trap.lab.coasti(&["recover", "--yes"]).expect(0);
            let now = if word == "DELETE" { &next } else { &good };
            trap.checked(now);
        }
        trap.lab.apply();
        well(&trap.lab, &next);
        good = next;
    }
}
