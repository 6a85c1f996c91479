//! Faults that a test orders beforehand.

use crate::engine::ErrorKind;
use std::time::Duration;

/// Something that goes wrong at one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The engine refuses; nothing happens.
    Fail(ErrorKind),
    /// The engine says yes; nothing happens.
    Ignore,
    /// It happens, and the answer is lost.
    LoseReply,
    /// The caller is killed before the engine hears the call. Whatever it asks from then on fails, until
    /// [`super::Sim::revive`].
    CrashBefore,
    /// The caller is killed before it hears the answer: the call happens.
    CrashAfter,
    /// The caller is killed, and the engine does the call only so much later.
    CrashLate(Duration),
    /// The engine dies before it does the call; see [`super::Sim::crash`].
    EngineCrashBefore,
    /// The engine does the call and dies before it answers.
    EngineCrashAfter,
    /// The engine takes its time before it does the call.
    Slow(Duration),
}

#[derive(Clone, Debug)]
enum When {
    /// The n-th changing call, counted from 1.
    Nth(usize),
    /// The first one whose text contains this.
    Once(String),
    /// Every one whose text contains this.
    Always(String),
}

/// Which calls fail, and how. Texts are those of [`crate::engine::Call`]'s `Display`, with containers' names
/// in place of their ids: `start container acme-wiki`.
#[derive(Clone, Debug, Default)]
pub struct FaultPlan {
    rules: Vec<(When, Fault)>,
    seen: usize,
}

impl FaultPlan {
    /// No faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// At the n-th changing call from now on, counted from 1.
    #[must_use]
    pub fn at(mut self, n: usize, fault: Fault) -> Self {
        self.rules.push((When::Nth(n), fault));
        self
    }

    /// At the next call whose text contains `text`, once.
    #[must_use]
    pub fn on(mut self, text: impl Into<String>, fault: Fault) -> Self {
        self.rules.push((When::Once(text.into()), fault));
        self
    }

    /// At every call whose text contains `text`.
    #[must_use]
    pub fn always(mut self, text: impl Into<String>, fault: Fault) -> Self {
        self.rules.push((When::Always(text.into()), fault));
        self
    }

    /// The fault of this call.
    pub(super) fn take(&mut self, text: &str, changing: bool) -> Option<Fault> {
        if changing {
            self.seen += 1;
        }
        let seen = self.seen;
        let hit = self.rules.iter().position(|(when, _)| match when {
            When::Nth(n) => changing && *n == seen,
            When::Once(part) | When::Always(part) => text.contains(part.as_str()),
        })?;
        match self.rules.get(hit)? {
            (When::Always(_), fault) => Some(*fault),
            _ => Some(self.rules.remove(hit).1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_hit_by_number_and_by_text() {
        let mut plan = FaultPlan::new()
            .at(2, Fault::LoseReply)
            .on("start", Fault::CrashBefore);
        assert_eq!(
            plan.take("start container a", true),
            Some(Fault::CrashBefore)
        );
        assert_eq!(plan.take("observe", false), None);
        assert_eq!(plan.take("stop container a", true), Some(Fault::LoseReply));
        assert_eq!(plan.take("start container a", true), None);
    }
}
