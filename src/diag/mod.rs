//! Diagnostics: what is wrong in a file, where, why, and what to do, as data.
//!
//! Code that finds problems adds them to [`Diagnostics`] and goes on, so that a user sees all of them at
//! once. Nothing here prints; `cli::render` does.

use serde::Serialize;
use std::{
    cell::Cell,
    collections::BTreeMap,
    ops::Range,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

/// A file that was read, shared by all that refer to it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// As shown to users: relative to the stack's folder.
    pub name: String,
    /// Where it really is.
    pub path: PathBuf,
    /// Its text, without a byte order mark.
    pub text: String,
    lines: Lines,
}

impl Source {
    /// A file of that name, at that path, with that text.
    pub fn new(name: impl Into<String>, path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            path: path.into(),
            text: text.into(),
            lines: Lines::default(),
        }
    }

    /// The line, from 1, that the byte at `at` is in.
    fn line(&self, at: usize) -> usize {
        let ends = self.lines.0.get_or_init(|| {
            let bytes = self.text.bytes().enumerate();
            let ends = bytes.filter(|(_, byte)| *byte == b'\n');
            ends.map(|(at, _)| at).collect()
        });
        ends.partition_point(|end| *end < at) + 1
    }
}

/// Where a text's lines end, found out once: as many places as a large stack has cannot each count from the start.
#[derive(Default)]
struct Lines(OnceLock<Vec<usize>>);

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("_")
    }
}

// They follow from the text.
impl PartialEq for Lines {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Lines {}

impl PartialOrd for Lines {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Lines {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

/// A stretch of a source.
#[derive(Clone, Debug)]
pub struct Place {
    /// The file.
    pub source: Arc<Source>,
    /// Bytes of its text.
    pub span: Range<usize>,
    /// What else the value that stands there came of; none is the rule.
    history: Option<Arc<History>>,
}

/// What a value came of, besides what stands at its place.
#[derive(Debug, Default)]
pub struct History {
    /// What would hold if nothing stood there.
    pub over: Option<Before>,
    /// What was filled in or looked up, by name.
    pub used: Used,
    /// How long the longest way is from here to what came of nothing else.
    depth: usize,
}

/// Values by name, with where they come from.
pub type Used = BTreeMap<String, Before>;

/// What was there before.
#[derive(Clone, Debug)]
pub enum Before {
    /// Something in a file.
    File(Place),
    /// Something that coasti brings, in words.
    Own(String),
}

impl Before {
    fn depth(&self) -> usize {
        match self {
            Self::File(place) => place.history().map_or(0, |history| history.depth),
            Self::Own(_) => 0,
        }
    }
}

/// Longer histories are cut off: nobody reads them, and files can be made to have long ones.
const MAX_HISTORY: usize = 32;

/// Likewise of the values that one is made of.
pub const MAX_USED: usize = 64;

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source && self.span == other.span
    }
}

impl Eq for Place {}

impl Place {
    /// The stretch `span` of `source`.
    pub fn new(source: &Arc<Source>, span: Range<usize>) -> Self {
        Self {
            source: Arc::clone(source),
            span,
            history: None,
        }
    }

    /// What else the value came of.
    pub fn history(&self) -> Option<&History> {
        self.history.as_deref()
    }

    /// The place of a value that was laid over another, below all that it was laid over already.
    #[must_use]
    pub fn over(self, before: Before) -> Self {
        let (over, used) = match self.history() {
            Some(history) => (history.over.clone(), history.used.clone()),
            None => (None, Used::new()),
        };
        let over = match over {
            Some(Before::File(place)) => Before::File(place.over(before)),
            Some(own @ Before::Own(_)) => own,
            None => before,
        };
        self.with(Some(over), used)
    }

    /// The place of a value that took those of `used`.
    #[must_use]
    pub fn using(self, used: Used) -> Self {
        if used.is_empty() {
            return self;
        }
        let (over, mut all) = match self.history() {
            Some(history) => (history.over.clone(), history.used.clone()),
            None => (None, Used::new()),
        };
        all.extend(used);
        self.with(over, all)
    }

    fn with(mut self, over: Option<Before>, used: Used) -> Self {
        let used: Used = used.into_iter().take(MAX_USED).collect();
        let depth = 1 + over
            .iter()
            .chain(used.values())
            .map(Before::depth)
            .max()
            .unwrap_or(0);
        if depth <= MAX_HISTORY {
            self.history = Some(Arc::new(History { over, used, depth }));
        }
        self
    }

    /// Line and column, both from 1, the column in characters.
    pub fn line_column(&self) -> (usize, usize) {
        let start = self.span.start.min(self.source.text.len());
        let before = self.source.text.get(..start).unwrap_or_default();
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        (self.source.line(start), column)
    }

    /// `file:line`, as plans show it.
    pub fn origin(&self) -> Origin {
        Origin {
            file: self.source.name.clone(),
            line: self.source.line(self.span.start),
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

/// How many words are compared for one reading of files: a thousandth problem is mended without a hint.
const MOST_COMPARED: usize = 200_000;

thread_local! {
    static COMPARED: Cell<usize> = const { Cell::new(0) };
}

/// Lets [`did_you_mean`] compare as much as it may, from the start.
pub fn compare_anew() {
    COMPARED.set(0);
}

/// The candidate nearest to `word`, where one is near enough to be meant. Where very much was compared since
/// [`compare_anew`] was called there is none: a file can have a hundred thousand words that are nearly right.
pub fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // Nobody misspells a word of this length, and to compare it takes long.
    if word.len() > LONGEST_WORD {
        return None;
    }
    let limit = (word.chars().count() / 3).max(1);
    let left = MOST_COMPARED.saturating_sub(COMPARED.get());
    candidates
        .into_iter()
        .take(left)
        .inspect(|_| COMPARED.set(COMPARED.get() + 1))
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
        let source = Arc::new(Source::new("f.yml", "f.yml", text));
        assert_eq!(Place::new(&source, 10..11).line_column(), (2, 5));
        assert_eq!(Place::new(&source, 999..999).line_column(), (3, 1));
    }

    #[test]
    fn histories_are_kept_below_and_cut_off() {
        let source = Arc::new(Source::new("f.yml", "f.yml", "abcdef"));
        let at = |n: usize| Place::new(&source, n..n + 1);
        let chain = |place: &Place| {
            let (mut all, mut next) = (vec![place.span.start], place.history());
            while let Some(Before::File(place)) = next.and_then(|history| history.over.as_ref()) {
                all.push(place.span.start);
                next = place.history();
            }
            all
        };
        let first = at(1).over(Before::File(at(0)));
        let both = at(2).over(Before::File(first)).over(Before::File(at(3)));
        assert_eq!(chain(&both), [2, 1, 0, 3]);
        assert_eq!(both, at(2));
        // What uses itself over and over, as files can say it, neither grows nor uses up the thread's stack.
        let mut long = at(0);
        for _ in 0..100_000 {
            long = at(1).using([("a".to_owned(), Before::File(long))].into());
            long = at(1).over(Before::File(long));
        }
        assert!(chain(&long).len() <= MAX_HISTORY + 1);
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
