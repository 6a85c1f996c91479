//! Durations as users write them: `5s`, `1m30s`, `250ms`, or a bare number of seconds.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr, time::Duration};

/// A length of time, exact to the millisecond, written as `1h2m3s`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u64);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// So many milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// So many seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// In milliseconds.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// In nanoseconds, as Docker counts; capped at what an `i64` holds.
    pub fn nanos(self) -> i64 {
        i64::try_from(u128::from(self.0) * 1_000_000).unwrap_or(i64::MAX)
    }

    /// From Docker's nanoseconds; negative ones are none.
    pub fn from_nanos(nanos: i64) -> Self {
        Self(u64::try_from(nanos).unwrap_or(0) / 1_000_000)
    }

    /// As the standard library's type.
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.0)
    }

    /// `self × n`, saturating.
    pub const fn times(self, n: u64) -> Self {
        Self(self.0.saturating_mul(n))
    }

    /// `self + other`, saturating.
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let (h, m) = (self.0 / 3_600_000, self.0 / 60_000 % 60);
        let (s, ms) = (self.0 / 1000 % 60, self.0 % 1000);
        for (n, unit) in [(h, "h"), (m, "m"), (s, "s"), (ms, "ms")] {
            if n > 0 {
                write!(f, "{n}{unit}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for Span {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WHAT: &str =
            "a duration is a number of seconds, or like `5s`, `1m30s`, `250ms`, `2h`";
        let text = text.trim();
        if let Ok(secs) = text.parse::<u64>() {
            return secs.checked_mul(1000).map(Self).ok_or(WHAT);
        }
        let (mut rest, mut total) = (text, 0u64);
        if rest.is_empty() {
            return Err(WHAT);
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or(WHAT)?;
            let n: u64 = rest.get(..digits).ok_or(WHAT)?.parse().map_err(|_| WHAT)?;
            let after = rest.get(digits..).ok_or(WHAT)?;
            let unit_len = after
                .find(|c: char| c.is_ascii_digit())
                .unwrap_or(after.len());
            let unit = match after.get(..unit_len).ok_or(WHAT)? {
                "h" => 3_600_000,
                "m" => 60_000,
                "s" => 1000,
                "ms" => 1,
                _ => return Err(WHAT),
            };
            total = n
                .checked_mul(unit)
                .and_then(|part| total.checked_add(part))
                .ok_or(WHAT)?;
            rest = after.get(unit_len..).ok_or(WHAT)?;
        }
        Ok(Self(total))
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for (text, millis) in [
            ("5s", 5000),
            ("1m30s", 90_000),
            ("250ms", 250),
            ("2h", 7_200_000),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!((span.millis(), span.to_string().as_str()), (millis, text));
        }
        assert_eq!("10".parse::<Span>().unwrap(), Span::from_secs(10));
        for bad in ["", "s", "5x", "-3s", "5s5", "99999999999999999999s"] {
            assert!(bad.parse::<Span>().is_err(), "{bad}");
        }
    }
}
