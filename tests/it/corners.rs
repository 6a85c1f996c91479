//! Single cases on the simulator, where a generated one would be found too rarely.

use crate::support::stacks::{Site, Sites, apply, containers, engine, in_virtual_time, plan};
use coasti::engine::{
    ErrorKind,
    sim::{Fault, FaultPlan, Sim},
};
use std::collections::{BTreeMap, BTreeSet};

/// A site that writes to a volume, and one that has nothing.
fn usual() -> Sites {
    let plain = Site {
        image: "plain",
        version: 1,
        env: BTreeMap::new(),
        secret: false,
        memory: None,
        cpus: None,
        restart: None,
        volume: false,
        port: None,
        health: false,
        post_run: false,
        providers: BTreeSet::new(),
    };
    let data = Site {
        volume: true,
        ..plain.clone()
    };
    [("blog", data), ("wiki", plain)].into()
}

fn changed(sites: &Sites) -> Sites {
    let mut sites = sites.clone();
    for site in sites.values_mut() {
        site.env.insert("LEVEL", 7);
    }
    sites
}

fn names(sim: &Sim) -> Vec<String> {
    containers(sim).into_keys().collect()
}

#[test]
fn an_old_container_that_cannot_go_is_told_and_goes_next_time() {
    in_virtual_time(async {
        let sim = engine();
        apply(&sim, &usual()).await.unwrap();
        let new = changed(&usual());
        let stuck = Fault::Fail(ErrorKind::Rejected);
        sim.faults(FaultPlan::new().always("remove container acme-blog.prev", stuck));
        let applied = apply(&sim, &new).await.unwrap();
        assert_eq!(applied.revision.as_deref(), Some("r2"));
        assert_eq!(
            applied.warnings.last().map(String::as_str),
            Some("left over: container `acme-blog.prev`")
        );
        // What else could be tidied up was.
        assert_eq!(names(&sim), ["acme-blog", "acme-blog.prev", "acme-wiki"]);
        sim.faults(FaultPlan::new());
        assert!(!plan(&sim, &new).await.steps.is_empty());
        assert_eq!(apply(&sim, &new).await.unwrap().warnings, [""; 0]);
        assert_eq!(names(&sim), ["acme-blog", "acme-wiki"]);
        assert!(sim.violations().is_empty());
    });
}
