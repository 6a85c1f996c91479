//! What a container's main process does: given by its image, or read from its command.

use crate::base::Span;
use crate::model::Health;

/// How containers of an image behave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behaviour {
    /// Runs until it is asked to stop, and ends at once then; a health check is content from its first run.
    #[default]
    Runs,
    /// Runs; a health check is content only after this long.
    HealthyAfter(Span),
    /// Runs; a health check never is.
    NeverHealthy,
    /// Starts, and ends at once with this code, each time.
    ExitsAtStart(i64),
    /// Starts, looks well, and ends after this long with that code.
    ExitsAfter(Span, i64),
    /// Does its work and ends with this code.
    Job(i64),
    /// Cannot be started: its program is missing.
    CannotStart,
    /// Runs and ignores being asked to stop, until it is killed.
    Stubborn,
    /// Does what its command says, as far as a shell of a few words is understood: `sleep`, `exit`, `echo`,
    /// `true`, `false`, `trap 'exit N' TERM`, `while`, `httpd`, `nc`.
    Command,
}

/// How long a process takes to end when nothing keeps it.
const MOMENT: u64 = 20;

/// What the main process does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Process {
    /// Why it cannot be started.
    pub(super) broken: Option<String>,
    /// After how many milliseconds it ends by itself, and with which code.
    pub(super) ends: Option<(u64, i64)>,
    /// The code it ends with when asked to; none where it does not listen.
    pub(super) on_term: Option<i64>,
    /// From when on a health check is content; none where never.
    pub(super) well_after: Option<u64>,
    /// What it prints.
    pub(super) output: String,
}

impl Behaviour {
    /// The process of a container with that command, health check and init.
    pub(super) fn process(self, argv: &[String], health: Option<&Health>, init: bool) -> Process {
        let mut process = Process {
            on_term: Some(0),
            well_after: Some(0),
            ..Process::default()
        };
        match self {
            Self::Runs => {}
            Self::HealthyAfter(span) => process.well_after = Some(span.millis()),
            Self::NeverHealthy => process.well_after = None,
            Self::ExitsAtStart(code) => {
                process.ends = Some((MOMENT, code));
                process.output = format!("cannot go on, ending with {code}\n");
            }
            Self::ExitsAfter(span, code) => {
                process.ends = Some((span.millis(), code));
                process.output = format!("will end with {code}\n");
            }
            Self::Job(code) => process.ends = Some((100, code)),
            Self::CannotStart => process.broken = Some(missing("/entrypoint")),
            Self::Stubborn => process.on_term = None,
            Self::Command => {
                process = command(argv);
                // A process with number 1 ignores signals that it does not handle; an init does not.
                if init && process.on_term.is_none() {
                    process.on_term = Some(143);
                }
                if !health.is_none_or(content) {
                    process.well_after = None;
                }
            }
        }
        process
    }
}

/// Docker's words for a program that is not there.
fn missing(program: &str) -> String {
    format!(
        "failed to create shim task: OCI runtime create failed: runc create failed: unable to start \
         container process: exec: \"{program}\": executable file not found in $PATH: unknown"
    )
}

/// Whether a health check's own command says yes.
fn content(health: &Health) -> bool {
    let test = health.words();
    let words: Vec<String> = match test.split_first() {
        Some((kind, [line])) if kind == "CMD-SHELL" => {
            vec!["sh".into(), "-c".into(), line.clone()]
        }
        Some((_, words)) => words.to_vec(),
        None => return true,
    };
    run(&words).0 == 0
}

fn command(argv: &[String]) -> Process {
    let mut process = Process {
        well_after: Some(0),
        ..Process::default()
    };
    let script = match argv
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["sh" | "/bin/sh", "-c", script] => (*script).to_owned(),
        [] => String::new(),
        words => words.join(" "),
    };
    let program = argv.first().map_or("", String::as_str);
    if !KNOWN.contains(&program) {
        process.broken = Some(missing(program));
        return process;
    }
    let mut rest = script.as_str();
    if let Some((handler, after)) = rest
        .strip_prefix("trap '")
        .and_then(|text| text.split_once('\''))
    {
        process.on_term = Some(code_of(handler.trim().strip_prefix("exit").unwrap_or("0")));
        rest = after.split_once(';').map_or("", |(_, rest)| rest);
    }
    let mut took = MOMENT;
    let mut code = 0;
    for part in rest.split([';', '&']).map(str::trim) {
        let (word, tail) = part.split_once(' ').unwrap_or((part, ""));
        match word {
            "while" | "httpd" | "nc" => return process,
            "sleep" => took += tail.trim().parse::<u64>().unwrap_or(1) * 1000,
            "echo" => process.output.push_str(&format!("{}\n", tail.trim())),
            "true" | ":" => code = 0,
            "false" => code = 1,
            "exit" => {
                code = code_of(tail);
                break;
            }
            _ => {}
        }
    }
    process.ends = Some((took, code));
    process
}

/// Programs that images with [`Behaviour::Command`] have.
const KNOWN: [&str; 10] = [
    "sh", "/bin/sh", "sleep", "echo", "true", "false", "httpd", "nc", "cat", "ls",
];

fn code_of(text: &str) -> i64 {
    text.trim().parse().unwrap_or(0)
}

/// A command that is run in a container: its exit code and what it prints.
pub(super) fn run(argv: &[String]) -> (i64, String) {
    let process = command(argv);
    match (process.broken, process.ends) {
        // Docker's code where a program cannot be executed.
        (Some(why), _) => (
            126,
            format!("{}\n", why.replace("create failed", "exec failed")),
        ),
        (None, Some((_, code))) => (code, process.output),
        (None, None) => (0, process.output),
    }
}

/// How long a command takes that is run while an image is built, in milliseconds.
pub(super) fn takes(argv: &[String]) -> u64 {
    command(argv).ends.map_or(0, |(took, _)| took)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Process {
        let argv = ["sh", "-c", script].map(str::to_owned);
        Behaviour::Command.process(&argv, None, false)
    }

    #[test]
    fn commands_do_what_they_say() {
        assert_eq!(sh("exit 3").ends, Some((MOMENT, 3)));
        assert_eq!(
            sh("echo hi; sleep 2; exit 1").ends,
            Some((2000 + MOMENT, 1))
        );
        assert_eq!(sh("echo hi").output, "hi\n");
        let kind = sh("trap 'exit 7' TERM; while :; do sleep 1; done");
        assert_eq!((kind.ends, kind.on_term), (None, Some(7)));
        let none = Behaviour::Command.process(&["nosuch".to_owned()], None, false);
        assert!(none.broken.unwrap().contains("\"nosuch\""));
        assert_eq!(sh("sleep 9").on_term, None);
    }
}
