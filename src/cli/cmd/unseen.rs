//! A secret typed on the terminal: a star for each letter, and the keys that lines have everywhere. The prompts of
//! `inquire` take Ctrl-U for a letter, which nobody sees here.

use crate::template::Unanswered;
use crossterm::event::{
    DisableBracketedPaste, EnableBracketedPaste, Event, KeyCode, KeyEvent, KeyEventKind,
    KeyModifiers, read,
};
use crossterm::execute;
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use std::io::{self, Write as _, stderr};

/// More are no more told: a line that breaks could not be taken back.
const MOST_STARS: usize = 24;

/// What a key does.
enum Done {
    GoesOn,
    Entered,
    Stopped,
}

/// The terminal as long as somebody types.
struct Raw;

impl Raw {
    fn begin() -> io::Result<Self> {
        enable_raw_mode()?;
        // From here on it is taken back whatever fails.
        let raw = Self;
        execute!(stderr(), EnableBracketedPaste)?;
        Ok(raw)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = execute!(stderr(), DisableBracketedPaste);
        let _ = disable_raw_mode();
    }
}

/// Asks once. Escape, Ctrl-C and Ctrl-D end the command.
pub(super) fn ask(asked: &str) -> Result<String, Unanswered> {
    typed(asked).unwrap_or_else(|error| Err(Unanswered::Because(error.to_string())))
}

fn typed(asked: &str) -> io::Result<Result<String, Unanswered>> {
    let raw = Raw::begin()?;
    show(&format!("{asked} "))?;
    let mut text = String::new();
    let done = loop {
        let before = stars(&text);
        let done = match read()? {
            Event::Key(key) if key.kind != KeyEventKind::Release => press(key, &mut text),
            Event::Paste(pasted) => {
                paste(&pasted, &mut text);
                Done::GoesOn
            }
            _ => Done::GoesOn,
        };
        if !matches!(done, Done::GoesOn) {
            break done;
        }
        let now = stars(&text);
        show(&"\u{8} \u{8}".repeat(before.saturating_sub(now)))?;
        show(&"*".repeat(now.saturating_sub(before)))?;
    };
    show("\r\n")?;
    drop(raw);
    Ok(match done {
        Done::Stopped => Err(Unanswered::Stopped),
        Done::Entered | Done::GoesOn => Ok(text),
    })
}

fn show(text: &str) -> io::Result<()> {
    let mut to = stderr();
    to.write_all(text.as_bytes())?;
    to.flush()
}

fn stars(text: &str) -> usize {
    text.chars().take(MOST_STARS).count()
}

fn press(key: KeyEvent, text: &mut String) -> Done {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    match key.code {
        KeyCode::Enter => return Done::Entered,
        KeyCode::Char('j' | 'm') if control => return Done::Entered,
        KeyCode::Esc => return Done::Stopped,
        KeyCode::Char('c' | 'd') if control => return Done::Stopped,
        KeyCode::Char('u') if control => text.clear(),
        KeyCode::Char('w') if control => word(text),
        KeyCode::Backspace if control || alt => word(text),
        KeyCode::Backspace => drop(text.pop()),
        KeyCode::Char('h') if control => drop(text.pop()),
        KeyCode::Char(c) if !control && !alt => text.push(c),
        _ => {}
    }
    Done::GoesOn
}

/// Terminals send the Enter key's character for each end of a line that is pasted.
fn paste(pasted: &str, text: &mut String) {
    let lines = pasted.replace("\r\n", "\n").replace('\r', "\n");
    text.push_str(lines.trim_end_matches('\n'));
}

/// Takes the last word away.
fn word(text: &mut String) {
    let rest = text.trim_end();
    let end = rest.rfind(char::is_whitespace);
    let end = end.map_or(0, |at| {
        at + rest
            .get(at..)
            .and_then(|it| it.chars().next())
            .map_or(0, char::len_utf8)
    });
    text.truncate(end);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_do_what_they_do_on_a_line() {
        const NONE: KeyModifiers = KeyModifiers::NONE;
        const CONTROL: KeyModifiers = KeyModifiers::CONTROL;
        let key = |c, with| (KeyCode::Char(c), with);
        for (keys, typed) in [
            (
                vec![key('a', NONE), key('B', KeyModifiers::SHIFT)],
                "xé yaB",
            ),
            (vec![key('u', CONTROL)], ""),
            (vec![key('w', CONTROL), key('z', NONE)], "xé z"),
            (vec![key('w', CONTROL), key('w', CONTROL)], ""),
            (vec![(KeyCode::Backspace, KeyModifiers::ALT)], "xé "),
            (vec![(KeyCode::Backspace, NONE), key('h', CONTROL)], "xé"),
            (
                vec![
                    key('a', CONTROL),
                    key('k', CONTROL),
                    key('b', KeyModifiers::ALT),
                ],
                "xé y",
            ),
            (vec![(KeyCode::Left, NONE), (KeyCode::Tab, NONE)], "xé y"),
        ] {
            let mut text = "xé y".to_owned();
            for (code, with) in &keys {
                press(KeyEvent::new(*code, *with), &mut text);
            }
            assert_eq!(text, typed, "{keys:?}");
        }
        for (pasted, kept) in [("a\rb\r", "xa\nb"), ("a\r\nb\nc\r\n", "xa\nb\nc")] {
            let mut text = "x".to_owned();
            paste(pasted, &mut text);
            assert_eq!(text, kept);
        }
        let mut text = String::new();
        for end in [(KeyCode::Esc, NONE), key('c', CONTROL), key('d', CONTROL)] {
            let done = press(KeyEvent::new(end.0, end.1), &mut text);
            assert!(matches!(done, Done::Stopped));
        }
    }
}
