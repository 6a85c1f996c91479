//! Questions on the terminal.

use crate::cli::render::style::clean;
use crate::template::Prompt;
use serde_json::{Value as Json, json};
use std::io::Write as _;

fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Bool(true) => "yes".to_owned(),
        Json::Bool(false) => "no".to_owned(),
        other => other.to_string(),
    }
}

/// Asks one question on the terminal. Only Enter takes the default.
pub(super) fn question(prompt: &Prompt<'_>) -> Result<Option<Json>, String> {
    let question = prompt.question;
    let mut text = String::new();
    if let Some(problem) = &prompt.problem {
        text += &format!("  {problem}\n");
    }
    let help = if prompt.help.trim().is_empty() {
        question.name.clone()
    } else {
        prompt.help.trim().to_owned()
    };
    text += &help;
    for (n, choice) in prompt.choices.iter().enumerate() {
        text += &format!("\n  {}) {}", n + 1, choice.label);
    }
    match &prompt.default {
        Some(_) if question.secret => text += " [Enter: keep or generate]",
        Some(default) if *default != json!("") => text += &format!(" [{}]", plain(default)),
        _ if !prompt.placeholder.is_empty() => {
            text += &format!(" (such as {})", prompt.placeholder)
        }
        _ => {}
    }
    let mut err = std::io::stderr().lock();
    let shown: Vec<String> = text
        .lines()
        .map(|line| clean(line).trim_end().to_owned())
        .collect();
    let _ = write!(err, "{}: ", shown.join("\n"));
    let _ = err.flush();
    drop(err);
    let line = if question.secret { hidden() } else { line() }?;
    let line = line.trim_end_matches(['\n', '\r']);
    if line.is_empty() {
        return Ok(if prompt.default.is_none() {
            Some(json!(""))
        } else {
            None
        });
    }
    let one = |text: &str| {
        let text = text.trim();
        let by_number = text
            .parse::<usize>()
            .ok()
            .and_then(|n| prompt.choices.get(n.checked_sub(1)?));
        let by_label = prompt.choices.iter().find(|choice| choice.label == text);
        by_label
            .or(by_number)
            .map_or_else(|| json!(text), |choice| choice.value.clone())
    };
    Ok(Some(
        match (prompt.choices.is_empty(), question.multiselect) {
            (true, _) => json!(line),
            (false, false) => one(line),
            (false, true) => Json::Array(line.split(',').map(one).collect()),
        },
    ))
}

pub(super) fn line() -> Result<String, String> {
    let mut text = String::new();
    match std::io::stdin().read_line(&mut text) {
        Ok(0) => Err("the input ended".to_owned()),
        Ok(_) => Ok(text),
        Err(error) => Err(error.to_string()),
    }
}

/// A line that the terminal does not show. Ctrl-C comes as a byte meanwhile: the terminal is never left mute.
fn hidden() -> Result<String, String> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    let stdin = std::io::stdin();
    let before = tcgetattr(&stdin).map_err(|error| error.to_string())?;
    let mut quiet = before.clone();
    quiet
        .local_modes
        .remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
    tcsetattr(&stdin, OptionalActions::Flush, &quiet).map_err(|error| error.to_string())?;
    let typed = keys(&mut stdin.lock());
    let _ = tcsetattr(&stdin, OptionalActions::Flush, &before);
    let _ = writeln!(std::io::stderr());
    typed
}

/// What is typed until Enter.
fn keys(input: &mut dyn std::io::Read) -> Result<String, String> {
    let mut typed = Vec::new();
    let mut key = [0];
    loop {
        let count = input.read(&mut key).map_err(|error| error.to_string())?;
        match key {
            _ if count == 0 => return Err("the input ended".to_owned()),
            [b'\n' | b'\r'] => break,
            [3] => return Err("interrupted".to_owned()),
            [4] => return Err("the input ended".to_owned()),
            [8 | 127] => {
                // A character may be several bytes.
                while typed.pop().is_some_and(|byte: u8| byte & 0xc0 == 0x80) {}
            }
            [byte] => typed.push(byte),
        }
    }
    String::from_utf8(typed).map_err(|_| "it is not UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::keys;

    #[test]
    fn what_is_typed_unseen_can_be_mended_and_given_up() {
        let typed = |text: &str| keys(&mut text.as_bytes());
        assert_eq!(typed("abü\u{7f}c\n").as_deref(), Ok("abc"));
        assert_eq!(typed("\u{7f}\r").as_deref(), Ok(""));
        assert_eq!(typed("ab\u{3}"), Err("interrupted".to_owned()));
        assert_eq!(typed("ab"), Err("the input ended".to_owned()));
    }
}
