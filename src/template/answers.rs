//! Asking: each question's answer from what is given, from before, from its default, or from somebody.

use super::jinja::{Jinja, words};
use super::question::{Choice, Kind, Question, computed_choices, truth};
use super::settings::Settings;
use super::{codes, json};
use crate::config::parse;
use crate::diag::{Diagnostic, Diagnostics, Source, did_you_mean};
use serde_json::{Map, Value as Json};
use std::sync::Arc;

/// Where Copier's answers are kept, in the order in which they are looked for.
pub const ANSWERS_FILES: [&str; 3] = [
    "coasti_install_answers.yml",
    "config/install_answers.yml",
    ".copier-answers.yml",
];

/// Answers that are there before anybody is asked.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Of this call (`--data`).
    pub data: Map<String, Json>,
    /// Secrets and generated values of before.
    pub secret: Map<String, Json>,
    /// All others of before.
    pub last: Map<String, Json>,
    /// Whether what was answered before is not asked again.
    pub skip_answered: bool,
}

/// What somebody is asked.
pub struct Prompt<'a> {
    /// The question.
    pub question: &'a Question,
    /// What is asked.
    pub help: String,
    /// What can be chosen from.
    pub choices: &'a [Choice],
    /// The answer of who only presses Enter.
    pub default: Option<&'a Json>,
    /// An example.
    pub placeholder: String,
    /// What is wrong with an answer, in words that do not repeat it.
    pub check: &'a dyn Fn(&Json) -> Option<String>,
}

/// Why somebody who was asked gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// They want to stop here.
    Stopped,
    /// Anything else, in words for them.
    Because(String),
}

/// Asks somebody; none where nobody can be asked.
pub type Ask<'a> = dyn FnMut(&Prompt<'_>) -> Result<Option<Json>, Unanswered> + 'a;

/// Somebody who was asked wants to stop here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// All answers.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// Every variable's value.
    pub values: Map<String, Json>,
    /// Those that the answers file keeps.
    pub kept: Map<String, Json>,
    /// Those that are secret: asked as such, or generated.
    pub secret: Map<String, Json>,
}

/// Reads an answers file's text; nothing where it is no table.
pub fn read_answers(source: &Arc<Source>, d: &mut Diagnostics) -> Map<String, Json> {
    match parse(source, d).map(|node| json(&node)) {
        Some(Json::Object(answers)) => answers,
        _ => Map::new(),
    }
}

/// Gets every question's answer. `base` is what else templates may refer to.
pub fn ask(
    settings: &Settings,
    jinja: &Jinja,
    base: &Map<String, Json>,
    given: &Given,
    somebody: &mut Ask<'_>,
    d: &mut Diagnostics,
) -> Result<Answers, Stopped> {
    let mut asking = Asking {
        jinja,
        base,
        given,
        answers: Answers::default(),
    };
    for question in &settings.questions {
        if jinja.gave_up() {
            break;
        }
        match asking.one(question, somebody) {
            Ok(()) => {}
            Err(Failure::Problem(problem)) => d.push(*problem),
            Err(Failure::Stopped) => return Err(Stopped),
        }
    }
    for name in given.data.keys() {
        // What a template does not ask for is a variable of it nevertheless, as in Copier.
        if !settings
            .questions
            .iter()
            .any(|question| question.name == *name)
        {
            let known = settings
                .questions
                .iter()
                .map(|question| question.name.as_str());
            let mut warning = Diagnostic::warning(
                codes::UNKNOWN_ANSWER,
                None,
                format!("the template does not ask for `{name}`"),
            );
            if let Some(near) = did_you_mean(name, known) {
                warning = warning.help(format!("did you mean `{near}`?"));
            }
            d.push(warning);
        }
    }
    Ok(asking.answers)
}

fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

struct Asking<'a> {
    jinja: &'a Jinja,
    base: &'a Map<String, Json>,
    given: &'a Given,
    answers: Answers,
}

type Problem = Box<Diagnostic>;

enum Failure {
    Problem(Problem),
    Stopped,
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl Asking<'_> {
    fn context(&self) -> Map<String, Json> {
        let mut context = self.given.data.clone();
        context.extend(self.base.clone());
        context.extend(self.answers.values.clone());
        context
    }

    fn render(
        &self,
        question: &Question,
        what: &str,
        text: &str,
        context: &Map<String, Json>,
    ) -> Result<String, Problem> {
        self.jinja
            .render(&question.at.source.name, text, context)
            .map_err(|error| {
                let summary = format!("`{what}` of `{}` cannot be rendered", question.name);
                Box::new(
                    Diagnostic::error(codes::RENDER, Some(question.at.clone()), summary)
                        .label(words(&error)),
                )
            })
    }

    fn one(&mut self, question: &Question, somebody: &mut Ask<'_>) -> Result<(), Failure> {
        let context = self.context();
        let wrong = |summary: String| {
            Box::new(Diagnostic::error(
                codes::ANSWER,
                Some(question.at.clone()),
                summary,
            ))
        };
        let asked = match &question.when {
            Json::String(text) => truth(&self.render(question, "when", text, &context)?),
            Json::Bool(flag) => *flag,
            Json::Null => true,
            _ => {
                let why = format!("`when` of `{}` is neither text nor a flag", question.name);
                return Err(wrong(why).into());
            }
        };
        let choices = self.choices(question, &context)?;
        let name = &question.name;
        if let Some(given) = self.given.data.get(name) {
            let value = self
                .check(question, &choices, given, &context)?
                .map_err(|why| {
                    Box::new(wrong(format!("`{name}`: {why}")).help("mend it in --data"))
                })?;
            self.keep(question, value, asked, false);
            return Ok(());
        }
        // An answer of before that does not fit any more is no answer.
        let before = match (self.given.secret.get(name), self.given.last.get(name)) {
            (Some(secret), _) => Some(secret),
            (None, last) => last.filter(|_| asked),
        };
        let before = match before {
            Some(value) => self.check(question, &choices, value, &context)?.ok(),
            None => None,
        };
        let generated = self.given.secret.contains_key(name) && !question.secret;
        let thrown = self.jinja.thrown();
        let default = match (&before, &question.default) {
            (Some(value), _) => Some(value.clone()),
            (None, Some(Json::String(text))) => Some(Json::String(
                self.render(question, "default", text, &context)?,
            )),
            (None, default) => default.clone(),
        };
        let generated = generated || self.jinja.thrown() > thrown;
        let default = match default {
            None => None,
            Some(value) => Some(question.cast(&value).ok_or_else(|| {
                wrong(format!(
                    "the default of `{name}` is not {}",
                    question.wants()
                ))
            })?),
        };
        if !asked {
            // A question that is not asked is a variable that is computed; one without a default is none.
            if let Some(value) = default {
                self.keep(question, value, false, generated);
            }
            return Ok(());
        }
        if before.is_some() && self.given.skip_answered {
            if let Some(value) = default {
                self.keep(question, value, true, generated);
            }
            return Ok(());
        }
        let help = self.render(question, "help", &question.help, &context)?;
        let placeholder = question.placeholder.as_deref().unwrap_or_default();
        let placeholder = self.render(question, "placeholder", placeholder, &context)?;
        let given = {
            let check = |answer: &Json| match self.check(question, &choices, answer, &context) {
                Ok(checked) => checked.err(),
                Err(problem) => Some(problem.summary.clone()),
            };
            let prompt = Prompt {
                question,
                help,
                choices: &choices,
                default: default.as_ref(),
                placeholder,
                check: &check,
            };
            match somebody(&prompt) {
                Ok(answer) => answer.or_else(|| default.clone()),
                Err(Unanswered::Stopped) => return Err(Failure::Stopped),
                Err(Unanswered::Because(why)) => {
                    return Err(wrong(format!("`{name}` was not answered: {why}")).into());
                }
            }
        };
        let pass = format!("pass --data '{{\"{name}\": …}}'");
        let Some(answer) = given else {
            let problem = wrong(format!("`{name}` has no answer"));
            return Err(Box::new(problem.label("it has no default").help(pass)).into());
        };
        let own = generated && Some(&answer) == default.as_ref();
        let value = self
            .check(question, &choices, &answer, &context)?
            .map_err(|why| Box::new(wrong(format!("`{name}`: {why}")).help(pass)))?;
        self.keep(question, value, true, own);
        Ok(())
    }

    fn keep(&mut self, question: &Question, value: Json, asked: bool, generated: bool) {
        let name = question.name.clone();
        if question.secret || generated {
            self.answers.secret.insert(name.clone(), value.clone());
        } else if asked {
            self.answers.kept.insert(name.clone(), value.clone());
        }
        self.answers.values.insert(name, value);
    }

    fn choices(
        &self,
        question: &Question,
        context: &Map<String, Json>,
    ) -> Result<Vec<Choice>, Problem> {
        let mut choices = Vec::new();
        let all = match &question.choices {
            Json::String(text) => {
                computed_choices(&self.render(question, "choices", text, context)?)
            }
            other => other.clone(),
        };
        let mut add = |label: String, value: &Json| -> Result<(), Problem> {
            let (value, disabled) = match value {
                Json::Object(table) if table.contains_key("value") => (
                    table.get("value").cloned().unwrap_or(Json::Null),
                    match table.get("validator").and_then(Json::as_str) {
                        Some(text) => !self
                            .render(question, "choices", text, context)?
                            .trim()
                            .is_empty(),
                        None => false,
                    },
                ),
                other => (other.clone(), false),
            };
            let value = match value {
                Json::String(text) => {
                    Json::String(self.render(question, "choices", &text, context)?)
                }
                other => other,
            };
            let label = self.render(question, "choices", &label, context)?;
            if !disabled {
                choices.push(Choice {
                    label,
                    value: question.one(&value).unwrap_or(value),
                });
            }
            Ok(())
        };
        for item in all.as_array().into_iter().flatten() {
            match item.as_array().map(Vec::as_slice) {
                Some([label, value]) => add(plain(label), value)?,
                _ => add(plain(item), item)?,
            }
        }
        Ok(choices)
    }

    /// The answer as it is used; else why it cannot be, in words that do not repeat it.
    fn check(
        &self,
        question: &Question,
        choices: &[Choice],
        answer: &Json,
        context: &Map<String, Json>,
    ) -> Result<Result<Json, String>, Problem> {
        let Some(value) = question.cast(answer) else {
            return Ok(Err(format!("it wants {}", question.wants())));
        };
        if question.choices != Json::Null {
            let fits = |one: &Json| choices.iter().any(|choice| choice.value == *one);
            let fit = match (&value, question.multiselect) {
                (Json::Array(items), true) => items.iter().all(fits),
                (value, _) => fits(value),
            };
            if !fit {
                let values: Vec<_> = choices.iter().map(|choice| plain(&choice.value)).collect();
                return Ok(Err(format!("it is none of {}", values.join(", "))));
            }
        }
        if question.kind == Kind::Text
            && !question.multiline
            && !question.multiselect
            && value.as_str().is_some_and(|text| text.contains('\0'))
        {
            return Ok(Err("it has a zero byte".to_owned()));
        }
        if let Some(validator) = &question.validator {
            let mut context = context.clone();
            context.insert(question.name.clone(), value.clone());
            let problem = self.render(question, "validator", validator, &context)?;
            let problem = problem.trim();
            // Of a secret, only what the template says anyway: all else may repeat it.
            if question.secret && !problem.is_empty() && !validator.contains(problem) {
                return Ok(Err("the template refuses it".to_owned()));
            }
            if !problem.is_empty() {
                return Ok(Err(problem.to_owned()));
            }
        }
        Ok(Ok(value))
    }
}
