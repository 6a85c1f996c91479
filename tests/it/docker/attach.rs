//! Commands at the caller's terminal, and output as it comes.

use super::{create, made, run, sleeper};
use crate::support::engine::{Prefix, engine};
use coasti::engine::{Call, docker::LogLine};
use std::{
    io::Write,
    process::{Command, Stdio},
};

/// Set for a run of this test binary that is to run a command: the container, then the words.
const CHILD: &str = "COASTI_TEST_EXEC";

/// Not a test by itself: what `commands_have_the_callers_input_and_output` runs as a process of its own.
#[tokio::test]
async fn child() {
    let Ok(words) = std::env::var(CHILD) else {
        return;
    };
    let words: Vec<String> = words.split('\u{1f}').map(str::to_owned).collect();
    let docker = engine("child").await.unwrap();
    let tty = words[0] == "tty";
    let code = docker
        .exec_interactive(&words[1], &words[2..], tty)
        .await
        .unwrap();
    std::process::exit(i32::try_from(code).unwrap());
}

#[tokio::test]
async fn commands_have_the_callers_input_and_output() {
    let Some(docker) = engine("commands_have_the_callers_input_and_output").await else {
        return;
    };
    let prefix = Prefix::new();
    let id = made(run(&docker, create(&prefix, "a", sleeper())).await.unwrap());
    run(&docker, Call::Start { id: id.clone() }).await.unwrap();
    for (mode, script, wanted) in [
        (
            "pipe",
            "cat; echo wrong >&2; exit 5",
            ("typed\n", "wrong\n"),
        ),
        // A terminal echoes, and has one stream.
        (
            "tty",
            "read line; echo got $line >&2; tty; exit 5",
            ("got typed\r\n/dev/pts/", ""),
        ),
    ] {
        let container = prefix.name("a");
        let words = [mode, &container, "sh", "-c", script].join("\u{1f}");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "docker::attach::child", "--nocapture"])
            .env(CHILD, words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(b"typed\n").unwrap();
        if mode == "pipe" {
            drop(stdin);
        } else {
            // Held open: the command's end must not wait for the caller's next key.
            std::mem::forget(stdin);
        }
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(5), "{output:?}");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(text(&output.stdout).contains(wanted.0), "{output:?}");
        assert!(text(&output.stderr).contains(wanted.1), "{output:?}");
    }
}

#[tokio::test]
async fn output_is_followed_until_the_container_ends() {
    let Some(docker) = engine("output_is_followed_until_the_container_ends").await else {
        return;
    };
    let prefix = Prefix::new();
    let mut spec = sleeper();
    let script = "echo first; trap 'echo last >&2; exit 0' TERM; while :; do sleep 0.1; done";
    let words = ["sh", "-c", script];
    spec.command = Some(words.map(coasti::model::Text::plain).into());
    let id = made(run(&docker, create(&prefix, "a", spec)).await.unwrap());
    run(&docker, Call::Start { id: id.clone() }).await.unwrap();
    let mut lines = docker.follow_logs(id.as_str(), None, true);
    let line = |text: &str, stderr| LogLine {
        stderr,
        text: text.to_owned(),
    };
    assert_eq!(lines.next().await.unwrap().unwrap(), line("first", false));
    run(&docker, Call::Stop { id, timeout: None })
        .await
        .unwrap();
    assert_eq!(lines.next().await.unwrap().unwrap(), line("last", true));
    assert!(lines.next().await.is_none());
    let mut nobody = docker.follow_logs(&prefix.name("nobody"), Some(1), false);
    assert!(nobody.next().await.unwrap().is_err());
    assert!(nobody.next().await.is_none());
}
