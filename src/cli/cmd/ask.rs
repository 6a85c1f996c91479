//! Questions on the terminal.

use super::session::Shell;
use super::unseen;
use crate::cli::render::style::{Style, Tone, clean};
use crate::ops::OpError;
use crate::template::{Choice, Prompt, Unanswered};
use inquire::ui::RenderConfig;
use inquire::validator::{ErrorMessage, Validation};
use inquire::{Confirm, InquireError, MultiSelect, Select, Text};
use serde_json::{Value as Json, json};
use std::fmt;

/// From how many choices on letters that are typed narrow them.
const MANY: usize = 8;

/// Somebody at the terminal.
#[derive(Clone, Copy)]
pub(super) struct Terminal<'a> {
    shell: &'a Shell,
}

/// A choice as the list shows it.
struct Shown<'a>(&'a Choice);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&one_line(&self.0.label))
    }
}

/// What came of a question: Escape, Ctrl-C and Ctrl-D end the command.
fn ended(error: InquireError) -> Unanswered {
    match error {
        InquireError::OperationCanceled | InquireError::OperationInterrupted => Unanswered::Stopped,
        other => Unanswered::Because(other.to_string()),
    }
}

/// What a command ends with that was given no answer.
pub(super) fn stopped(unanswered: Unanswered) -> OpError {
    match unanswered {
        Unanswered::Stopped => OpError::Interrupted,
        Unanswered::Because(why) => OpError::usage(why, &[]),
    }
}

/// Text of a stranger's that is to stand in one line.
fn one_line(text: &str) -> String {
    clean(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn plain(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        Json::Bool(true) => "yes".to_owned(),
        Json::Bool(false) => "no".to_owned(),
        other => other.to_string(),
    }
}

fn keys(choices: &[Choice], keys: &str) -> String {
    match choices.len() >= MANY {
        true => format!("{keys}, letters to narrow"),
        false => keys.to_owned(),
    }
}

fn flag(text: &str) -> Result<bool, ()> {
    match text.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" | "true" | "on" | "1" => Ok(true),
        "n" | "no" | "false" | "off" | "0" => Ok(false),
        _ => Err(()),
    }
}

impl<'a> Terminal<'a> {
    /// None where nobody can, or wants to, be asked.
    pub(super) fn of(shell: &'a Shell) -> Option<Self> {
        (shell.out.can_ask() && !shell.global.quiet).then_some(Self { shell })
    }

    /// One that is there also for who wants quiet, where nothing may be done without being asked.
    pub(super) fn new(shell: &'a Shell) -> Self {
        Self { shell }
    }

    fn look(self) -> RenderConfig<'static> {
        match self.shell.out.color(self.shell.out.is_terminal()) {
            true => RenderConfig::default_colored(),
            false => RenderConfig::empty(),
        }
    }

    /// Asks a template's question. Only Enter takes the default.
    pub(super) fn question(self, prompt: &Prompt<'_>) -> Result<Option<Json>, Unanswered> {
        let question = prompt.question;
        let help = prompt.help.trim();
        // What is asked stands in one line; what is told of it, above.
        let (asked, told) = help.split_once('\n').unwrap_or((help, ""));
        let asked = match one_line(asked) {
            empty if empty.is_empty() => question.name.clone(),
            asked => asked,
        };
        let more = told.lines().map(str::trim).collect::<Vec<_>>().join(" ");
        let more = match (one_line(&more), one_line(&prompt.placeholder)) {
            (told, example) if example.is_empty() => told,
            (told, example) if told.is_empty() => format!("such as {example}"),
            (told, example) => format!("{told}; such as {example}"),
        };
        let about = (!more.is_empty()).then_some(more.as_str());
        if question.secret {
            return self.secret(&asked, about, prompt);
        }
        if question.multiselect && !prompt.choices.is_empty() {
            return self.several(&asked, about, prompt);
        }
        if !prompt.choices.is_empty() {
            return self.one(&asked, about, prompt);
        }
        if let (crate::template::Kind::Bool, false) = (question.kind, question.multiselect) {
            return self.yes_or_no(&asked, about, prompt);
        }
        self.text(&asked, about, prompt)
    }

    fn text(
        self,
        asked: &str,
        about: Option<&str>,
        prompt: &Prompt<'_>,
    ) -> Result<Option<Json>, Unanswered> {
        let shown = prompt.default.map(|value| clean(&plain(value)));
        let shown = shown.filter(|text| !text.is_empty());
        let mut text = Text::new(asked).with_render_config(self.look());
        text.help_message = about;
        text.default = shown.as_deref();
        // The default is answered as it is, not as it is shown.
        let value = |typed: &str| match prompt.default {
            Some(default) if typed == shown.as_deref().unwrap_or_default() => default.clone(),
            _ => json!(typed),
        };
        text = text.with_validator(|typed: &str| {
            Ok(match (prompt.check)(&value(typed)) {
                Some(why) => Validation::Invalid(ErrorMessage::Custom(one_line(&why))),
                None => Validation::Valid,
            })
        });
        let typed = text.prompt().map_err(ended)?;
        let is_default = prompt.default.is_some() && typed == shown.unwrap_or_default();
        Ok((!is_default).then(|| json!(typed)))
    }

    fn secret(
        self,
        asked: &str,
        about: Option<&str>,
        prompt: &Prompt<'_>,
    ) -> Result<Option<Json>, Unanswered> {
        let mut about = about;
        if prompt.default.is_some_and(|default| *default != json!("")) {
            about.get_or_insert("Enter: as before, or generated");
        }
        until_right(prompt, about, |about| {
            let typed = self.unseen(asked, about)?;
            if typed.is_empty() && prompt.default.is_some() {
                return Ok(None);
            }
            Ok(Some(json!(typed)))
        })
    }

    fn yes_or_no(
        self,
        asked: &str,
        about: Option<&str>,
        prompt: &Prompt<'_>,
    ) -> Result<Option<Json>, Unanswered> {
        until_right(prompt, about, |about| {
            let mut confirm = Confirm::new(asked).with_render_config(self.look());
            confirm.help_message = about;
            confirm.default = prompt.default.and_then(Json::as_bool);
            confirm.parser = &flag;
            confirm.formatter = &|yes| (if yes { "yes" } else { "no" }).to_owned();
            confirm.error_message = "yes or no".to_owned();
            Ok(Some(json!(confirm.prompt().map_err(ended)?)))
        })
    }

    fn one(
        self,
        asked: &str,
        about: Option<&str>,
        prompt: &Prompt<'_>,
    ) -> Result<Option<Json>, Unanswered> {
        let default = prompt
            .choices
            .iter()
            .position(|choice| Some(&choice.value) == prompt.default);
        until_right(prompt, about, |about| {
            let shown: Vec<Shown<'_>> = prompt.choices.iter().map(Shown).collect();
            let mut select = Select::new(asked, shown)
                .with_starting_cursor(default.unwrap_or_default())
                .with_render_config(self.look());
            select.filter_input_enabled = prompt.choices.len() >= MANY;
            let keys = keys(prompt.choices, "↑↓ to move, Enter to take");
            select.help_message = about.or(Some(&keys));
            Ok(Some(select.prompt().map_err(ended)?.0.value.clone()))
        })
    }

    fn several(
        self,
        asked: &str,
        about: Option<&str>,
        prompt: &Prompt<'_>,
    ) -> Result<Option<Json>, Unanswered> {
        let chosen = prompt.default.and_then(Json::as_array);
        let default: Vec<usize> = prompt
            .choices
            .iter()
            .enumerate()
            .filter(|(_, choice)| chosen.is_some_and(|chosen| chosen.contains(&choice.value)))
            .map(|(n, _)| n)
            .collect();
        until_right(prompt, about, |about| {
            let shown: Vec<Shown<'_>> = prompt.choices.iter().map(Shown).collect();
            let mut select = MultiSelect::new(asked, shown)
                .with_default(&default)
                .with_render_config(self.look());
            select.filter_input_enabled = prompt.choices.len() >= MANY;
            let keys = keys(prompt.choices, "↑↓ to move, Space to tick, Enter to take");
            select.help_message = about.or(Some(&keys));
            let chosen = select.prompt().map_err(ended)?;
            let values: Vec<_> = chosen.iter().map(|shown| &shown.0.value).collect();
            Ok(Some(json!(values)))
        })
    }

    /// A secret, twice.
    pub(super) fn password(self, asked: &str) -> Result<String, Unanswered> {
        loop {
            let typed = self.unseen(asked, None)?;
            if self.unseen("Once more:", None)? == typed {
                return Ok(typed);
            }
            self.complain("these two differ");
        }
    }

    fn unseen(self, asked: &str, about: Option<&str>) -> Result<String, Unanswered> {
        let style = Style {
            color: self.shell.out.color(self.shell.out.is_terminal()),
            ..Style::default()
        };
        let mark = style.paint(Tone::Good, "?");
        let about = about.map(|about| format!(" [{}]", one_line(about)));
        let about = style.paint(Tone::Dim, &about.unwrap_or_default());
        unseen::ask(&format!("{mark} {}{about}", clean(asked)))
    }

    /// A line of text; none where only Enter was pressed.
    pub(super) fn line(self, asked: &str) -> Result<String, Unanswered> {
        let text = Text::new(asked).with_render_config(self.look());
        text.prompt().map_err(ended)
    }

    /// A line of text with what Enter means.
    pub(super) fn line_or(self, asked: &str, default: &str) -> Result<String, Unanswered> {
        let text = Text::new(asked)
            .with_default(default)
            .with_render_config(self.look());
        Ok(text.prompt().map_err(ended)?.trim().to_owned())
    }

    /// A secret that is there already.
    pub(super) fn hidden(self, asked: &str) -> Result<String, Unanswered> {
        self.unseen(asked, None)
    }

    /// The number of one of these.
    pub(super) fn choose(self, asked: &str, from: &[&str]) -> Result<usize, Unanswered> {
        let mut select = Select::new(asked, from.to_vec()).with_render_config(self.look());
        select.filter_input_enabled = false;
        select.help_message = Some("↑↓ to move, Enter to take");
        Ok(select.raw_prompt().map_err(ended)?.index)
    }

    /// What was wrong with an answer.
    pub(super) fn complain(self, why: &str) {
        self.shell.out.tell(&clean(why));
    }

    /// Yes or no; `default` is what Enter means.
    pub(super) fn agrees(self, asked: &str, default: bool) -> Result<bool, Unanswered> {
        let mut confirm = Confirm::new(asked)
            .with_default(default)
            .with_render_config(self.look());
        confirm.parser = &flag;
        confirm.formatter = &|yes| (if yes { "yes" } else { "no" }).to_owned();
        confirm.error_message = "yes or no".to_owned();
        confirm.prompt().map_err(ended)
    }
}

/// Asks until the answer is right; what is wrong with one is told beside the next question. None is the default.
fn until_right(
    prompt: &Prompt<'_>,
    about: Option<&str>,
    ask: impl Fn(Option<&str>) -> Result<Option<Json>, Unanswered>,
) -> Result<Option<Json>, Unanswered> {
    let mut about = about.map(str::to_owned);
    loop {
        let Some(answer) = ask(about.as_deref())? else {
            return Ok(None);
        };
        match (prompt.check)(&answer) {
            None => return Ok(Some(answer)),
            Some(why) => about = Some(one_line(&why)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strangers_ask_stays_in_its_line() {
        assert_eq!(one_line("a\n\n  b\u{1b}[2Jc"), clean("a b\u{1b}[2Jc"));
        assert!(!one_line("\u{1b}[2J").contains('\u{1b}'));
        assert_eq!(flag(" Yes"), Ok(true));
        assert_eq!(flag("off"), Ok(false));
        assert_eq!(flag("maybe"), Err(()));
    }
}
