//! Diagnostics: what is wrong in a file, where, why, and what to do, as data.
//!
//! Code that finds problems adds them to [`Diagnostics`] and goes on, so that a user sees all of them at
//! once. Nothing here prints; `cli::render` does.

use serde::Serialize;
use std::{ops::Range, path::PathBuf, sync::Arc};

/// A file that was read, shared by all that refer to it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// As shown to users: relative to the stack's folder.
    pub name: String,
    /// Where it really is.
    pub path: PathBuf,
    /// Its text, without a byte order mark.
    pub text: String,
}

/// A stretch of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub source: Arc<Source>,
    /// Bytes of its text.
    pub span: Range<usize>,
}

impl Place {
    /// The stretch `span` of `source`.
    pub fn new(source: &Arc<Source>, span: Range<usize>) -> Self {
        Self {
            source: Arc::clone(source),
            span,
        }
    }

    /// Line and column, both from 1, the column in characters.
    pub fn line_column(&self) -> (usize, usize) {
        let start = self.span.start.min(self.source.text.len());
        let before = self.source.text.get(..start).unwrap_or_default();
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        (line, column)
    }

    /// `file:line`, as plans show it.
    pub fn origin(&self) -> Origin {
        Origin {
            file: self.source.name.clone(),
            line: self.line_column().0,
        }
    }
}

/// Where a value came from, small enough to be kept with it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
pub struct Origin {
    /// Relative to the stack's folder.
    pub file: String,
    /// From 1.
    pub line: usize,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is done until it is mended.
    Error,
    /// Worth a look; everything goes on.
    Warning,
}

/// One problem.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// Stable, such as `E0107`; documented in `docs/src/reference/errors.md`.
    pub code: &'static str,
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong: a terse phrase, lower case, no full stop.
    pub summary: String,
    /// At the place: why it is wrong, in a few words.
    pub label: String,
    /// Where; none where a whole folder or a missing file is meant.
    pub at: Option<Place>,
    /// Other places that matter, each with a few words.
    pub related: Vec<(Place, String)>,
    /// What to do, one step an entry.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// An error at `at`.
    pub fn error(code: &'static str, at: Option<Place>, summary: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            summary: summary.into(),
            label: String::new(),
            at,
            related: Vec::new(),
            help: Vec::new(),
        }
    }

    /// A warning at `at`.
    pub fn warning(code: &'static str, at: Option<Place>, summary: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, at, summary)
        }
    }

    /// Says why, at the place.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.label = text.into();
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn related(mut self, place: Place, text: impl Into<String>) -> Self {
        self.related.push((place, text.into()));
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }
}

/// How many problems are kept: who makes more in a file does not mend them one by one.
const MOST: usize = 2000;

/// Problems as they are found.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let first_error = || diagnostic.severity == Severity::Error && !self.has_errors();
        if self.0.len() < MOST || first_error() {
            self.0.push(diagnostic);
        }
    }

    /// Adds all of `other`.
    pub fn extend(&mut self, other: Self) {
        for one in other.0 {
            self.push(one);
        }
    }

    /// Leaves only the first `most` errors and as many warnings; how many go.
    pub fn cut(&mut self, most: usize) -> usize {
        let before = self.0.len();
        let (mut errors, mut warnings) = (most, most);
        self.0.sort_by_cached_key(order);
        self.0.retain(|one| {
            let left = match one.severity {
                Severity::Error => &mut errors,
                Severity::Warning => &mut warnings,
            };
            let keep = *left > 0;
            *left = left.saturating_sub(1);
            keep
        });
        before - self.0.len()
    }

    /// Whether something must be mended first.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All, by file and place, errors and warnings mixed, the same whatever order they were found in.
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut all: Vec<_> = self.0.iter().collect();
        all.sort_by_cached_key(|one| order(one));
        all
    }
}

/// What problems are sorted by.
fn order(one: &Diagnostic) -> (Option<(String, usize, usize)>, &'static str, String) {
    let place = |at: &Place| (at.source.name.clone(), at.span.start, at.span.end);
    (one.at.as_ref().map(place), one.code, one.summary.clone())
}

const LONGEST_WORD: usize = 100;

/// The candidate nearest to `word`, where one is near enough to be meant.
pub fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // Nobody misspells a word of this length, and to compare it takes long.
    if word.len() > LONGEST_WORD {
        return None;
    }
    let limit = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        // A word of which no letter is left is another word.
        .filter(|(distance, _)| *distance <= limit && *distance < word.chars().count())
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters() {
        let text = "a: 1\nbé: 2\n".to_owned();
        let source = Arc::new(Source {
            name: "f.yml".into(),
            path: "f.yml".into(),
            text,
        });
        assert_eq!(Place::new(&source, 10..11).line_column(), (2, 5));
        assert_eq!(Place::new(&source, 999..999).line_column(), (3, 1));
    }

    #[test]
    fn suggestions_are_near() {
        assert_eq!(
            did_you_mean("postgress", ["redis", "postgres"]),
            Some("postgres")
        );
        assert_eq!(did_you_mean("x", ["redis", "postgres"]), None);
    }
}
