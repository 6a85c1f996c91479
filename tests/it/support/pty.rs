//! A command on a terminal of its own, with somebody who types.

use super::wait_for;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

pub struct Typing {
    child: Child,
    terminal: File,
    said: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
    /// How much of what was shown was waited for.
    seen: usize,
}

impl Typing {
    pub fn start(mut command: Command) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let terminal = openpt(flags).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap();
        let other = File::options()
            .read(true)
            .write(true)
            .open(name.to_str().unwrap())
            .unwrap();
        let size = rustix::termios::Winsize {
            ws_row: 50,
            ws_col: 200,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        rustix::termios::tcsetwinsize(&other, size).unwrap();
        command
            .env("TERM", "xterm")
            .env_remove("CI")
            .stdin(other.try_clone().unwrap())
            .stdout(other.try_clone().unwrap())
            .stderr(other);
        let child = command.spawn().unwrap();
        // Its end of the terminal is the child's alone from here on.
        drop(command);
        let terminal = File::from(terminal);
        let said: Arc<Mutex<Vec<u8>>> = Arc::default();
        let (mut from, to) = (terminal.try_clone().unwrap(), Arc::clone(&said));
        let reader = thread::spawn(move || {
            let mut bytes = [0; 4096];
            // Where nobody has the other end any more, that is an error.
            while let Ok(count @ 1..) = from.read(&mut bytes) {
                to.lock().unwrap().extend_from_slice(&bytes[..count]);
            }
        });
        Self {
            child,
            terminal,
            said,
            reader,
            seen: 0,
        }
    }

    /// All that was shown so far, without colours and movements.
    pub fn said(&self) -> String {
        let bytes = self.said.lock().unwrap().clone();
        let text = String::from_utf8_lossy(&bytes);
        let mut shown = String::new();
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            match c {
                '\u{1b}' => drop(rest.by_ref().find(char::is_ascii_alphabetic)),
                c => shown.push(c),
            }
        }
        shown
    }

    /// Waits until that is shown, after what was waited for before.
    #[track_caller]
    pub fn sees(&mut self, text: &str) {
        let seen = wait_for(PATIENCE, || {
            let said = self.said();
            let at = said.get(self.seen..)?.find(text)?;
            Some(self.seen + at + text.len())
        });
        self.seen = seen.unwrap_or_else(|| panic!("no {text:?}: {}", self.said()));
    }

    pub fn types(&mut self, keys: &str) {
        self.terminal.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for its end, which is to be with that code; all that was shown.
    #[track_caller]
    pub fn end(mut self, code: i32) -> String {
        let ended = wait_for(PATIENCE, || self.child.try_wait().unwrap());
        // What it said last may still be on its way.
        let _ = wait_for(PATIENCE, || self.reader.is_finished().then_some(()));
        let said = self.said();
        let ended = ended.unwrap_or_else(|| panic!("it does not end: {said}"));
        assert_eq!(ended.code(), Some(code), "{said}");
        said
    }
}

impl Drop for Typing {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
