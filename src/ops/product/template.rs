//! A template at one version, ready to be asked and rendered.

use super::budget::{Budget, interrupted, runner};
use super::usage;
use crate::diag::Diagnostics;
use crate::ops::OpError;
use crate::ops::root::Root;
use crate::template::{
    self, About, Answers, Ask, Dice, Due, Entry, Files, Given, Jinja, Rendered, Settings, Stage,
    Stopped, Tree,
};
use std::path::Path;
use std::sync::{Arc, OnceLock};

pub(in crate::ops) struct Template {
    tree: Arc<Tree>,
    pub(in crate::ops) settings: Settings,
    jinja: Jinja,
}

fn dice() -> Dice {
    Arc::new(|bytes| getrandom::fill(bytes).map_err(|error| error.to_string()))
}

/// How many bytes a file of data may have.
const LARGEST: u64 = 4 << 20;

/// Files of a product's folder, as far as they can be data: no link is followed.
fn files(folder: &Path) -> Files {
    let folder = folder.to_owned();
    Arc::new(move |path| {
        if !folder.is_dir() {
            return Ok(None);
        }
        let size = folder.join(path).metadata().map_or(0, |about| about.len());
        if size > LARGEST {
            return Err(format!("`{path}` of the product is too large"));
        }
        match Root::open(&folder)?.read(path)? {
            None => Ok(None),
            Some(Entry::File { bytes, .. }) => String::from_utf8(bytes)
                .map(Some)
                .map_err(|_| format!("`{path}` of the product is not UTF-8 text")),
            Some(Entry::Link(_)) => Err(format!("`{path}` of the product is a link")),
        }
    })
}

/// When this command began. One for the older and the newer version: that time went by is no change of theirs.
fn clock() -> jiff::Timestamp {
    static BEGAN: OnceLock<jiff::Timestamp> = OnceLock::new();
    *BEGAN.get_or_init(jiff::Timestamp::now)
}

fn failed(d: &mut Diagnostics) -> OpError {
    match interrupted() {
        true => OpError::Interrupted,
        false => OpError::Files(std::mem::take(d)),
    }
}

impl Template {
    /// Reads its settings; all problems at once. It can refer to what is in the product's folder.
    pub(in crate::ops) fn read(tree: Tree, folder: &Path) -> Result<(Self, Diagnostics), OpError> {
        let tree = Arc::new(tree);
        let mut d = Diagnostics::new();
        let Some(settings) = template::read(&tree, &mut d) else {
            return Err(OpError::Files(d));
        };
        let jinja = Jinja::new(&settings.envops, &tree, &dice())
            .map_err(|why| usage(format!("`_envops` of the template: {why}"), &[]))?
            .with_clock(clock())
            .with_runner(runner());
        let jinja = jinja.reading(settings.external.clone(), files(folder));
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
            true => Err(failed(d)),
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
            .ok_or_else(|| failed(d))
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
            true => Err(failed(&mut d)),
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
            true => Err(failed(d)),
            false => Ok(due),
        }
    }
}
