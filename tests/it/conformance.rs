//! The same scripts on the simulator and on Docker, with the same transcripts.
//!
//! A script is a file of `> command` lines, each followed by what it came to. The simulator must come to
//! exactly that; so must Docker where `COASTI_TEST_ENGINE=1`. `COASTI_BLESS=1` writes what Docker said.
//! Commands are in `script`; comments (`#`) say which rule a script holds.

mod script;

use crate::support::second::Second;
use coasti::engine::{
    Look as _,
    docker::connect,
    sim::{Behaviour, Sim, SimImage},
};
use std::{fs, path::PathBuf};

/// One test a script.
macro_rules! scripts {
    ($($name:ident)*) => {
        const SCRIPTS: &[&str] = &[$(stringify!($name)),*];
        $(
            #[test]
            fn $name() {
                conform(stringify!($name));
            }
        )*
    };
}

scripts! {
    aliases
    anonymous_volumes
    builds
    containers
    crash
    delivered
    exec
    files
    health
    images
    ipv6
    layer
    limits
    networks
    pause
    ports
    restart
    shared_memory
    shared_network
    shared_processes
    start
    stop
    subnets
    volumes
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/conformance")
}

#[test]
fn every_script_is_run() {
    let mut there: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.strip_suffix(".txt").map(str::to_owned)
        })
        .collect();
    there.sort();
    assert_eq!(
        there, SCRIPTS,
        "tests/it/conformance.rs lists what is in tests/it/conformance/"
    );
}

/// What Docker says otherwise from API 1.44 on: in a script, the first of a text and what stands in its place there.
/// The scripts say what Docker 20.10 does, and the simulator does as that.
const NEWER: &[(&str, &str, &str)] = &[
    (
        "shared_memory",
        "> start b\n! Rejected",
        "> start b\n! Conflict",
    ),
    (
        "shared_memory",
        "> start b\n! Rejected",
        "> start b\n! Conflict",
    ),
    // An address that was refused does not stay behind.
    ("subnets", "  net n1 at 1.2.3.4\n  net n3\n", "  net n3\n"),
];

fn conform(name: &str) {
    let path = folder().join(format!("{name}.txt"));
    let wanted = fs::read_to_string(&path).unwrap();
    let docker = on_docker(name, &wanted);
    if let Some((said, api)) = docker {
        if std::env::var_os("COASTI_BLESS").is_some() {
            fs::write(&path, &said).unwrap();
        }
        let mut wanted = fs::read_to_string(&path).unwrap();
        let newer = NEWER.iter().filter(|_| api >= (1, 44));
        for (_, older, newer) in newer.filter(|(script, ..)| *script == name) {
            wanted = wanted.replacen(older, newer, 1);
        }
        assert_same("Docker", &said, &wanted);
    }
    let wanted = fs::read_to_string(&path).unwrap();
    assert_same("the simulator", &on_sim(&wanted), &wanted);
}

fn assert_same(who: &str, said: &str, wanted: &str) {
    if said == wanted {
        return;
    }
    let differs = said
        .lines()
        .zip(wanted.lines())
        .position(|(said, wanted)| said != wanted)
        .unwrap_or(0);
    panic!(
        "{who} differs from line {} on: {:?}, not {:?}\n\n{said}",
        differs + 1,
        said.lines().nth(differs).unwrap_or("(end)"),
        wanted.lines().nth(differs).unwrap_or("(end)"),
    );
}

/// In virtual time.
fn on_sim(script: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let sim = Sim::new();
        sim.add_directory("/tmp");
        sim.add_image("coasti-test/tiny:1", SimImage::new(Behaviour::Command));
        let serve = script::SERVE.map(str::to_owned).to_vec();
        let volume = SimImage {
            command: Some(serve),
            ..SimImage::new(Behaviour::Command).volumes(["/var/lib/thing"])
        };
        sim.add_image("coasti-test/volume:1", volume);
        let crash = || {
            sim.crash();
            sim.boot();
        };
        script::run(&sim, &crash, "coasti-dt-sim", script).await
    })
}

/// What it says, and the version of its API; none where there is no engine for tests.
fn on_docker(name: &str, script: &str) -> Option<(String, (u32, u32))> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let test = format!("conformance::{name} on Docker");
    runtime.block_on(async {
        if !script.lines().any(|line| line == "> crash") {
            let docker = crate::support::engine::engine(&test).await?;
            // Removes all that bears the prefix, also after a panic.
            let prefix = crate::support::engine::Prefix::new();
            let said = script::run(&docker, &|| (), prefix.as_str(), script).await;
            return Some((said, docker.info().api_number()));
        }
        let second = Second::start(&test, "128m", &["coasti-test/tiny:1"])?;
        let docker = connect(Some(&second.host())).await.unwrap();
        let crash = || {
            second.crash();
            second.again();
        };
        let said = script::run(&docker, &crash, "coasti-dt-second", script).await;
        Some((said, docker.info().api_number()))
    })
}
