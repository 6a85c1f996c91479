//! What the store keeps: revisions, runs, pointers. Never a secret's value.

use crate::base::{Digest, RevisionId, RunId};
use crate::diff::Adopted;
use crate::model::Stack;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A stack as it was applied. Immutable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// `r12`.
    pub id: RevisionId,
    /// The sealed stack.
    pub stack: Stack,
    /// What each image reference named: a digest at its registry, else the engine's id.
    pub images: BTreeMap<String, String>,
    /// The commit of the files, where they are in git and that could be found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The run that made it.
    pub run: RunId,
}

impl Revision {
    /// Whether the same would run of the same images.
    pub fn is_same(&self, other: &Self) -> bool {
        self.stack.digest() == other.stack.digest() && self.images == other.images
    }
}

/// One run of something that changes: a line of `coasti history`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Which.
    pub id: RunId,
    /// Counts up over all runs of the stack.
    pub seq: u64,
    /// `apply`, `rollback`, `destroy`, `stop`, `recover`, …
    pub what: String,
    /// The labels or revision that it was about, where not everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub about: Vec<String>,
    /// `user@host`.
    pub actor: String,
    /// The commit of the files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The revision that it applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<RevisionId>,
    /// Containers that are not coasti's and that it takes over, as they were before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adopted: Vec<Adopted>,
    /// When it began (RFC 3339, UTC).
    pub began: String,
    /// How it ended; none while it runs, or where it was cut off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<RunEnd>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnd {
    /// How.
    pub outcome: Outcome,
    /// When (RFC 3339, UTC).
    pub at: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// One line: what was done, or why it failed.
    pub summary: String,
    /// The culprit's last output, where it failed; secrets masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logs: Option<String>,
}

/// How a run can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// All done.
    Done,
    /// It failed and was undone.
    Undone,
    /// It failed and could not be undone in full.
    NotUndone,
    /// It was interrupted and undone.
    Interrupted,
    /// It was cut off, and a later run undid or finished it.
    Recovered,
}

/// Where everything stands; one symbolic link's target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The last run's number.
    pub seq: u64,
    /// The good revision.
    pub good: Option<RevisionId>,
    /// Its stack's digest: files that seal to it differ in nothing.
    pub digest: Option<Digest>,
    /// The newest file of generated values, by number.
    pub values: u64,
    /// The newest file of held labels, by number; 0 where none is held.
    pub held: u64,
    /// A run that began and did not end.
    pub open: Option<u64>,
    /// The number of the newest revision.
    pub revisions: u64,
    /// Whether the stack was destroyed since the good revision was applied: then nothing shall run.
    pub down: bool,
    /// The newest file of data that runs which were undone left, by number; 0 where there is none.
    pub left: u64,
}

impl Head {
    /// The link's target.
    pub fn to_text(&self) -> String {
        let opt = |text: Option<&str>| text.unwrap_or("-").to_owned();
        let left = match self.left {
            0 => String::new(),
            left => format!(";{left}"),
        };
        format!(
            "1;{};{};{};{};{};{};{};{}{left}",
            self.seq,
            opt(self.good.as_ref().map(RevisionId::as_str)),
            opt(self.digest.as_ref().map(Digest::as_str)),
            self.values,
            self.held,
            self.open.map_or("-".to_owned(), |n| n.to_string()),
            self.revisions,
            if self.down { "down" } else { "up" },
        )
    }

    /// Reads what [`Head::to_text`] wrote.
    pub fn from_text(text: &str) -> Option<Self> {
        let opt = |text: &str| (text != "-").then(|| text.to_owned());
        let parts: Vec<&str> = text.split(';').collect();
        let [
            version,
            seq,
            good,
            digest,
            values,
            held,
            open,
            revisions,
            state,
            rest @ ..,
        ] = parts.as_slice()
        else {
            return None;
        };
        if *version != "1" {
            return None;
        }
        Some(Self {
            seq: seq.parse().ok()?,
            good: opt(good).map(RevisionId::new),
            digest: opt(digest).map(Digest::from_text),
            values: values.parse().ok()?,
            held: held.parse().ok()?,
            open: if *open == "-" {
                None
            } else {
                Some(open.parse().ok()?)
            },
            revisions: revisions.parse().ok()?,
            down: *state == "down",
            left: match rest {
                [] => 0,
                [left] => left.parse().ok()?,
                _ => return None,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_survives_its_text() {
        let head = Head {
            seq: 12,
            good: Some(RevisionId::new("r7")),
            digest: Some(Digest::of(b"x")),
            values: 3,
            held: 0,
            open: Some(12),
            revisions: 8,
            down: true,
            left: 11,
        };
        assert_eq!(Head::from_text(&head.to_text()), Some(head));
        assert_eq!(
            Head::from_text(&Head::default().to_text()),
            Some(Head::default())
        );
        assert_eq!(Head::from_text("2;x"), None);
    }
}
