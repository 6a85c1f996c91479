//! A template at one version, ready to be asked and rendered.

use super::budget::Budget;
use super::usage;
use crate::diag::Diagnostics;
use crate::ops::OpError;
use crate::template::{
    self, About, Answers, Ask, Dice, Due, Given, Jinja, Rendered, Settings, Stage, Stopped, Tree,
};
use std::sync::Arc;

pub(in crate::ops) struct Template {
    tree: Arc<Tree>,
    pub(in crate::ops) settings: Settings,
    jinja: Jinja,
}

fn dice() -> Dice {
    Arc::new(|bytes| getrandom::fill(bytes).map_err(|error| error.to_string()))
}

impl Template {
    /// Reads its settings; all problems at once.
    pub(in crate::ops) fn read(tree: Tree) -> Result<(Self, Diagnostics), OpError> {
        let tree = Arc::new(tree);
        let mut d = Diagnostics::new();
        let Some(settings) = template::read(&tree, &mut d) else {
            return Err(OpError::Files(d));
        };
        let jinja = Jinja::new(&settings.envops, &tree, &dice())
            .map_err(|why| usage(format!("`_envops` of the template: {why}"), &[]))?;
        let template = Self {
            tree,
            settings,
            jinja,
        };
        Ok((template, d))
    }

    /// Every question's answer.
    pub(in crate::ops) fn ask(
        &self,
        about: &About,
        given: &Given,
        somebody: &mut Ask<'_>,
        d: &mut Diagnostics,
    ) -> Result<Answers, OpError> {
        let _budget = Budget::new();
        let base = about.context();
        let asked = template::ask(&self.settings, &self.jinja, &base, given, somebody, d);
        let answers = asked.map_err(|Stopped| OpError::Interrupted)?;
        match d.has_errors() {
            true => Err(OpError::Files(std::mem::take(d))),
            false => Ok(answers),
        }
    }

    /// What it makes.
    pub(in crate::ops) fn render(
        &self,
        about: &About,
        answers: &Answers,
        d: &mut Diagnostics,
    ) -> Result<Rendered, OpError> {
        let _budget = Budget::new();
        template::render(&self.tree, &self.settings, &self.jinja, about, answers, d)
            .ok_or_else(|| OpError::Files(std::mem::take(d)))
    }

    /// The commands that it wants to run on the way from a version.
    pub(in crate::ops) fn migrations(
        &self,
        from: (&About, &str),
        answers: &Answers,
        stage: Stage,
    ) -> Result<Vec<Due>, OpError> {
        let _budget = Budget::new();
        let mut d = Diagnostics::new();
        let due = template::migrations(&self.settings, &self.jinja, from, answers, stage, &mut d);
        match d.has_errors() {
            true => Err(OpError::Files(d)),
            false => Ok(due),
        }
    }

    /// The commands that it wants to run.
    pub(in crate::ops) fn due(
        &self,
        about: &About,
        answers: &Answers,
        d: &mut Diagnostics,
    ) -> Result<Vec<Due>, OpError> {
        let _budget = Budget::new();
        let due = template::due(&self.settings, &self.jinja, about, answers, d);
        match d.has_errors() {
            true => Err(OpError::Files(std::mem::take(d))),
            false => Ok(due),
        }
    }
}
