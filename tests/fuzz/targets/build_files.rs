//! A Dockerfile and a `.dockerignore`.
#![no_main]
use coasti_fuzz as fuzz;
use libfuzzer_sys::fuzz_target;

use coasti::build::{Dockerfile, Rules};

fuzz_target!(|data: &[u8]| {
    let [docker, ignore, path] = fuzz::files(data);
    let file = Dockerfile::new(&docker);
    for (span, _) in file.faults() {
        assert!(docker.get(span).is_some());
    }
    let _ = (file.stages(), file.has_stage("build"), file.bases(&Default::default()));
    if let Ok(rules) = Rules::new(&ignore, &["Dockerfile"]) {
        for path in [path.as_str(), "a", "a/b/c.txt", "Dockerfile"] {
            // What is sent can be reached.
            if let Some((folder, _)) = path.rsplit_once('/')
                && rules.sends(path)
                && !rules.sends(folder)
            {
                assert!(rules.may_send_below(folder), "{ignore:?} {path:?}");
            }
        }
    }
    let compose = "services: {a: {build: b}}\n";
    let mut folder = fuzz::Map::composed(compose, "services: {}\n", "");
    folder.put("products/a/b/Dockerfile", &docker);
    folder.put("products/a/b/.dockerignore", &ignore);
    fuzz::read(&folder);
});
