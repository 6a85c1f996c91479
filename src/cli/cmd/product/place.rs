//! `install`, `update` and `configure`: what is in a product's folder.

use super::{What, checked, find, listed, source, write};
use crate::cli::args::Copy;
use crate::cli::cmd::ask::{Terminal, stopped};
use crate::cli::cmd::session::Shell;
use crate::cli::render::style::clean;
use crate::config::{self, Listed};
use crate::ops::OpError;
use crate::ops::folder::Disk;
use crate::ops::product::{self, Done, Due, Wish, Work};
use crate::template::{Prompt, Unanswered};
use serde_json::{Map, Value as Json};
use std::cell::Cell;
use std::io::Read as _;
use std::process::ExitCode;

/// All of standard input.
pub(super) fn stdin() -> Result<String, OpError> {
    let mut text = String::new();
    let read = std::io::stdin().read_to_string(&mut text);
    read.map(|_| text)
        .map_err(|error| OpError::usage(format!("standard input cannot be read: {error}"), &[]))
}

/// What is to be done with which product.
pub(super) struct Order<'a> {
    id: &'a str,
    work: Work,
    reference: Option<&'a str>,
    copy: &'a Copy,
}

/// Answers as they stand in an argument; `-` is standard input.
pub(in crate::cli::cmd) fn answers(text: Option<&str>) -> Result<Map<String, Json>, OpError> {
    let input;
    let text = match text {
        None => return Ok(Map::new()),
        Some("-") => {
            input = stdin()?;
            input.as_str()
        }
        Some(text) => text,
    };
    let wrong = |what: String| OpError::usage(what, &["it looks like {\"name\": \"value\"}"]);
    match serde_json::from_str(text) {
        Ok(Json::Object(data)) => Ok(data),
        Ok(_) => Err(wrong("--data is no JSON object".to_owned())),
        // The text may hold secrets: only where it is wrong is said.
        Err(error) => Err(wrong(format!(
            "--data is no JSON: column {}",
            error.column()
        ))),
    }
}

/// The product that is meant: the one that is said, else one that somebody chooses.
pub(super) fn chosen(
    shell: &Shell,
    disk: &Disk,
    what: What,
    id: Option<String>,
    installed: bool,
) -> Result<String, OpError> {
    if let Some(id) = id {
        return Ok(id);
    }
    let all = listed(disk, what)?;
    let (word, file) = (what.word(), what.file());
    if all.is_empty() {
        return Err(OpError::usage(
            format!("{file} lists nothing"),
            &[&format!("coasti {word} add ADDRESS")],
        ));
    }
    let fits = all
        .into_iter()
        .filter(|one| disk.root().join(&one.path).is_dir() == installed);
    let ids: Vec<String> = fits.map(|one| one.id).collect();
    if ids.is_empty() {
        return Err(match installed {
            true => OpError::usage(
                format!("no {word} of {file} is installed"),
                &[&format!("coasti {word} install")],
            ),
            false => OpError::usage(
                format!("every {word} of {file} is installed"),
                &[&format!("another version: coasti {word} update ID")],
            ),
        });
    }
    let Some(terminal) = Terminal::of(shell) else {
        return Err(OpError::usage(
            format!("which {word}?"),
            &[&format!("there are {}", ids.join(", "))],
        ));
    };
    let names: Vec<&str> = ids.iter().map(String::as_str).collect();
    let asked = format!("Which {word}?");
    let number = terminal.choose(&asked, &names).map_err(stopped)?;
    Ok(ids.get(number).cloned().unwrap_or_default())
}

impl<'a> Order<'a> {
    pub(super) fn new(id: &'a str, work: Work, reference: Option<&'a str>, copy: &'a Copy) -> Self {
        Self {
            id,
            work,
            reference,
            copy,
        }
    }

    pub(super) async fn run(
        self,
        shell: &Shell,
        disk: &Disk,
        what: What,
    ) -> Result<ExitCode, OpError> {
        let (number, entry) = find(listed(disk, what)?, what, self.id)?;
        let copy = self.copy;
        let wish = Wish {
            data: answers(copy.data.as_deref())?,
            seen: copy.data.as_deref().is_some_and(|data| data != "-"),
            reference: self.reference,
            pretend: copy.pretend,
            answers_file: copy.answers_file.as_deref(),
            trust: copy.trust.as_deref(),
            skip_tasks: copy.skip_tasks,
            timeout: copy.timeout.duration(),
            ran: Cell::new(false),
        };
        let terminal = Terminal::of(shell).filter(|_| !copy.defaults);
        let mut ask = |prompt: &Prompt<'_>| match terminal {
            Some(terminal) => terminal.question(prompt),
            None => Ok(None),
        };
        let refused = Cell::new(false);
        let mut allow = |due: &[Due], commit: &str| {
            terminal.is_some_and(|terminal| {
                let answer = permission(shell, terminal, due, commit);
                refused.set(answer.is_err());
                answer.unwrap_or(false)
            })
        };
        let prepared = product::prepare(disk, &entry, self.work, &wish, &mut ask, &mut allow);
        // Until something is written, Ctrl-C leaves everything as it is, but for what the template's migrations did;
        // then it reaches the template's commands alone.
        let prepared = tokio::select! {
            biased;
            _ = tokio::signal::ctrl_c() => Err(OpError::Interrupted),
            prepared = prepared => prepared,
        };
        let prepared = prepared.map_err(|error| {
            let error = match refused.get() {
                true => OpError::Interrupted,
                false => error,
            };
            match wish.ran.get() {
                true => after_commands(error, self.id),
                false => error,
            }
        })?;
        if copy.pretend {
            return Ok(self.told(shell, &prepared.pretend()));
        }
        // First the list: cut off after it, the next update goes on to what was wanted.
        let listed = self.list(disk, what, &entry, number)?;
        let written = prepared.write().await;
        if let (Err(_), Some((source, text))) = (&written, &listed) {
            let now =
                crate::diag::Source::new(source.name.clone(), source.path.clone(), text.clone());
            let _ = write(disk, &now, &source.text);
        }
        let done = written?;
        Ok(self.told(shell, &done))
    }

    /// Writes the version that is wanted into the list; gives what that was and is.
    fn list(
        &self,
        disk: &Disk,
        what: What,
        entry: &Listed,
        number: usize,
    ) -> Result<Option<(crate::diag::Source, String)>, OpError> {
        let reference = self
            .reference
            .filter(|reference| entry.reference.as_deref() != Some(*reference));
        let Some(reference) = reference else {
            return Ok(None);
        };
        let source = source(disk, &what.file())?;
        let text = config::with_value(&source, what.key(), number, "vcs_ref", reference).map_err(
            |why| OpError::usage(why, &[&format!("write `vcs_ref: {reference}` into it")]),
        )?;
        checked(disk, &what.file(), &text, self.id)?;
        write(disk, &source, &text)?;
        Ok(Some((source, text)))
    }

    fn told(&self, shell: &Shell, done: &Done) -> ExitCode {
        tell(shell, self.id, self.work, done, self.copy.pretend);
        match done.conflicts.is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(crate::cli::exit::code::ERROR),
        }
    }
}

fn tell(shell: &Shell, id: &str, work: Work, done: &Done, pretend: bool) {
    shell.warn(&done.warnings);
    let mut lines = Vec::new();
    let groups = [
        ("write", &done.written),
        ("merge", &done.merged),
        ("remove", &done.removed),
    ];
    for (word, paths) in groups {
        lines.extend(paths.iter().map(|path| format!("  {word} {path}")));
    }
    for line in lines {
        shell.out.say(&clean(&line));
    }
    for note in &done.notes {
        shell.out.say(&clean(&format!("  note: {note}")));
    }
    let version = done
        .version
        .as_deref()
        .map(|version| format!(" at {version}"))
        .unwrap_or_default();
    let changed =
        done.written.len() + done.merged.len() + done.removed.len() + done.conflicts.len();
    let would = if pretend { "would be " } else { "" };
    let said = match work {
        Work::Configure if changed == 0 => {
            "nothing to change: the answers are as before".to_owned()
        }
        Work::Update if changed == 0 => format!("`{id}` is up to date{version}"),
        Work::Configure => format!("`{id}` {would}configured{version}"),
        Work::Update => format!(
            "`{id}` {would}updated{}",
            version.replacen(" at ", " to ", 1)
        ),
        Work::Install { .. } => format!("`{id}` {would}installed{version}"),
    };
    shell.out.say(&clean(&said));
    if let Some(message) = done.message.as_ref().filter(|_| !pretend) {
        for line in message.lines() {
            shell.out.say(&clean(line));
        }
    }
    for path in &done.conflicts {
        shell.out.tell(&clean(&format!("conflict: {path}")));
    }
    if !done.conflicts.is_empty() {
        let would = if pretend { "would have" } else { "have" };
        shell.out.tell(&format!(
            "these files {would} both versions, between <<<<<<< and >>>>>>>: choose, then commit"
        ));
    }
}

fn permission(
    shell: &Shell,
    terminal: Terminal<'_>,
    due: &[Due],
    commit: &str,
) -> Result<bool, Unanswered> {
    shell
        .out
        .tell(&clean(&format!("The template at {commit} wants to run:")));
    for due in due {
        shell
            .out
            .tell(&clean(&format!("  {}", product::shown(due))));
    }
    let answer = terminal.line("Let it? Type `yes`:")?;
    Ok(answer.trim() == "yes")
}

/// A failure after commands of the template ran: what they did is not undone.
fn after_commands(error: OpError, id: &str) -> OpError {
    let ran = format!(
        "the template's commands that run before an update of `{id}` did run; nothing else was changed"
    );
    let back = "what they changed: git diff; to take it back: git restore";
    match error {
        OpError::Interrupted => OpError::Cut {
            what: ran,
            help: vec![back.to_owned()],
        },
        OpError::Policy { what, mut help } => {
            help.extend([ran, back.to_owned()]);
            OpError::Policy { what, help }
        }
        OpError::Usage { what, mut help } => {
            help.extend([ran, back.to_owned()]);
            OpError::Usage { what, help }
        }
        other => other,
    }
}
