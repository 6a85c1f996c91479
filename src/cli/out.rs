//! Where text goes: data to standard output, everything for people to standard error.

use super::args::{Color, Global};
use rustix::termios::{self, LocalModes, OptionalActions, Termios};
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Arc, OnceLock};

/// Whether an error of writing to standard output is one: a reader that went away has what it wanted.
pub(super) fn is_loss(error: &io::Error) -> bool {
    error.kind() != io::ErrorKind::BrokenPipe
}

/// The program's two outputs.
#[derive(Clone, Debug)]
pub struct Out {
    quiet: bool,
    color: Color,
    /// Why standard output could not be written; nothing more goes there then.
    failed: Arc<OnceLock<io::Error>>,
}

impl Out {
    /// As the options say.
    pub fn new(global: &Global) -> Self {
        Self {
            quiet: global.quiet,
            color: global.color,
            failed: Arc::default(),
        }
    }

    /// Data. Whether all of it was written is asked in the end: [`Out::unwritten`].
    pub fn data(&self, text: &str) {
        if self.is_over() {
            return;
        }
        let mut out = io::stdout().lock();
        if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            let _ = self.failed.set(error);
        }
    }

    /// Whether nothing more can be written to standard output.
    pub fn is_over(&self) -> bool {
        self.failed.get().is_some()
    }

    /// Why data was not written. A reader that went away is no failure: it has what it wanted.
    pub fn unwritten(&self) -> Option<&io::Error> {
        self.failed.get().filter(|error| is_loss(error))
    }

    /// Something for people, unless they want quiet.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            self.tell(text);
        }
    }

    /// Something that people must see.
    pub fn tell(&self, text: &str) {
        let mut out = io::stderr().lock();
        let _ = out.write_all(text.as_bytes());
        let _ = out.write_all(if text.ends_with('\n') { b"" } else { b"\n" });
    }

    /// Whether people look at standard error.
    pub fn is_terminal(&self) -> bool {
        io::stderr().is_terminal()
    }

    /// Whether somebody can be asked.
    pub fn can_ask(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Whether colour is wanted on an output that is a terminal or not.
    pub fn color(&self, terminal: bool) -> bool {
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
                terminal && !unwanted && !dumb
            }
        }
    }

    /// Columns of the terminal, 80 where there is none.
    pub fn width(&self) -> usize {
        let said = std::env::var("COLUMNS")
            .ok()
            .and_then(|columns| columns.parse().ok());
        let seen = || {
            let size = termios::tcgetwinsize(io::stderr())
                .or_else(|_| termios::tcgetwinsize(io::stdout()));
            size.ok()
                .map(|size| usize::from(size.ws_col))
                .filter(|columns| *columns > 0)
        };
        said.or_else(seen).unwrap_or(80)
    }

    /// Asks; only the whole word `yes` is one.
    pub fn confirm(&self, question: &str) -> bool {
        let mut err = io::stderr().lock();
        let _ = write!(err, "{question} Type `yes`: ");
        let _ = err.flush();
        drop(err);
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).is_ok() && answer.trim() == "yes"
    }
}

/// While lines change in place, a terminal must not show `^C` where it is typed: what is drawn would not know where
/// the cursor is.
#[derive(Debug)]
pub(super) struct NoEcho(Option<Termios>);

impl NoEcho {
    /// From now on, until it is dropped.
    pub(super) fn begin() -> Self {
        let err = io::stderr();
        // Who sets up a terminal from the background is stopped.
        let in_front =
            termios::tcgetpgrp(&err).is_ok_and(|front| front == rustix::process::getpgrp());
        let before = termios::tcgetattr(&err).ok().filter(|_| in_front);
        if let Some(before) = &before {
            let mut without = before.clone();
            without.local_modes.remove(LocalModes::ECHOCTL);
            let _ = termios::tcsetattr(&err, OptionalActions::Now, &without);
        }
        Self(before)
    }

    /// As it was before.
    pub(super) fn end(&self) {
        if let Some(before) = &self.0 {
            let _ = termios::tcsetattr(io::stderr(), OptionalActions::Now, before);
        }
    }
}

impl Drop for NoEcho {
    fn drop(&mut self) {
        self.end();
    }
}
