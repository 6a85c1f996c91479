use super::Folder;
use std::process::{Command, Stdio};

#[path = "../../support/hostile.rs"]
mod samples;

/// As much as a file may have.
const MOST: usize = (4 << 20) - 64;

/// Each is read or gets an error with its place in 200 MB; in a second where the program is a release's, as which
/// `COASTI_TEST_RELEASE` names one.
#[test]
fn files_that_are_made_to_do_harm_do_none() {
    let release = std::env::var("COASTI_TEST_RELEASE").ok();
    let program = release.as_deref().unwrap_or(env!("CARGO_BIN_EXE_coasti"));
    let (most, seconds) = match release.is_some() {
        true => (MOST, 1),
        false => (MOST / 16, 30),
    };
    // Seconds of the processor, not of the clock: the machine may have other things to do.
    let run = format!(
        "ulimit -d 204800; ulimit -t {seconds}; exec \"$0\" -C \"$1\" validate --format json"
    );
    let mut bad = Vec::new();
    for sample in samples::all(most) {
        let files = sample.files.iter();
        let files: Vec<_> = files.map(|(name, text)| (*name, text.as_str())).collect();
        let folder = Folder::new("hostile", &files);
        let output = Command::new("sh")
            .args(["-c", &run, program])
            .arg(&folder.0)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        // A file that cannot be read has no places.
        let placed = told["diagnostics"].as_array().is_some_and(|all| {
            all.iter()
                .any(|one| one["file"].is_string() || one["code"] == "E0101")
        });
        let fine = match output.status.code() {
            Some(0) => true,
            Some(3) => placed,
            _ => false,
        };
        let shown = output.stdout.len() + output.stderr.len();
        if !fine || shown > 300_000 {
            let said = String::from_utf8_lossy(&output.stderr);
            let said: String = said.chars().take(500).collect();
            let first = &told["diagnostics"][0];
            bad.push(format!(
                "{}: {} {shown} {first} {said}",
                sample.what, output.status
            ));
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}
