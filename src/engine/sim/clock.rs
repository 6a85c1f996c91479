//! Virtual time: tokio's clock, counted in milliseconds since the simulator was made.
//!
//! Under `start_paused` it stands still until everybody waits, so that minutes of health checks cost nothing.

use tokio::time::{Duration, Instant};

/// What the world's clock shows at 0: 2026-01-01T00:00:00Z.
const EPOCH_SECONDS: i64 = 1_767_225_600;

/// Counts from its making.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn new() -> Self {
        Self(Instant::now())
    }

    /// Milliseconds since the clock was made.
    pub(super) fn now(self) -> u64 {
        let passed = Instant::now().saturating_duration_since(self.0);
        u64::try_from(passed.as_millis()).unwrap_or(u64::MAX)
    }

    /// When the clock will show `millis`.
    pub(super) fn at(self, millis: u64) -> Instant {
        self.0 + Duration::from_millis(millis)
    }
}

/// A moment as Docker writes it. `seq` makes two starts in one millisecond differ.
pub(super) fn stamp(millis: u64, seq: u64) -> String {
    let seconds = EPOCH_SECONDS.saturating_add(i64::try_from(millis / 1000).unwrap_or(i64::MAX));
    let nanos = i32::try_from((millis % 1000) * 1_000_000 + seq % 1_000_000).unwrap_or(0);
    jiff::Timestamp::new(seconds, nanos)
        .map(|time| time.to_string())
        .unwrap_or_default()
}
