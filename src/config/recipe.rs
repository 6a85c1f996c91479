//! How generated values are made.

/// A value that is generated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// How.
    pub recipe: Recipe,
    /// Whether it is kept for good; else another one is made where all that use it are made anew anyway.
    pub persistent: bool,
}

/// How a value is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipe {
    /// Letters and digits: first a letter, at least one lower and one upper case, three digits.
    Password {
        /// How many characters; at least 6 are given.
        length: usize,
    },
    /// A whole number of 64 bits.
    Integer,
    /// `user_` and eight consonants.
    User,
    /// `db_` and eight consonants.
    Database,
    /// The address that the internet sees; asked for by whoever applies.
    ExternalIp,
}

pub(super) const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
pub(super) const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
pub(super) const DIGITS: &[u8] = b"0123456789";
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
pub(super) const ALL: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// nua's base 20: no vowels, so no words.
const CONSONANTS: &[u8] = b"bcdfghjklmnpqrstvwxz";

impl Recipe {
    /// Made once.
    pub const fn kept(self) -> Generated {
        Generated {
            recipe: self,
            persistent: true,
        }
    }

    /// Whether what it makes must not be seen. Names are shown by servers themselves.
    pub const fn is_secret(&self) -> bool {
        match self {
            Self::Password { .. } | Self::Integer => true,
            Self::User | Self::Database | Self::ExternalIp => false,
        }
    }

    /// Makes a value of `random`'s bytes; none for what is not random.
    pub fn make(&self, random: &mut dyn FnMut(&mut [u8])) -> Option<String> {
        match self {
            Self::Password { length } => Some(password((*length).max(6), random)),
            Self::Integer => {
                let mut bytes = [0; 8];
                random(&mut bytes);
                Some(u64::from_le_bytes(bytes).to_string())
            }
            Self::User => Some(format!("user_{}", word(random))),
            Self::Database => Some(format!("db_{}", word(random))),
            Self::ExternalIp => None,
        }
    }
}

fn word(random: &mut dyn FnMut(&mut [u8])) -> String {
    (0..8).map(|_| pick(CONSONANTS, random)).collect()
}

/// One of `from`, each as likely.
pub(super) fn pick(from: &[u8], random: &mut dyn FnMut(&mut [u8])) -> char {
    let count = from.len().max(1);
    // The highest multiple of `count` that a byte holds: above it some would be likelier.
    let fair = 256 - 256 % count;
    // A source that is stuck must not make this endless.
    for _ in 0..1000 {
        let mut byte = [0];
        random(&mut byte);
        let n = usize::from(byte[0]);
        if n < fair {
            return from.get(n % count).copied().unwrap_or(b'x').into();
        }
    }
    'x'
}

fn below(n: usize, random: &mut dyn FnMut(&mut [u8])) -> usize {
    let mut bytes = [0; 8];
    random(&mut bytes);
    let n64 = u64::try_from(n.max(1)).unwrap_or(1);
    usize::try_from(u64::from_le_bytes(bytes) % n64).unwrap_or(0)
}

fn password(length: usize, random: &mut dyn FnMut(&mut [u8])) -> String {
    let mut rest = vec![pick(LOWER, random), pick(UPPER, random)];
    rest.extend((0..3).map(|_| pick(DIGITS, random)));
    while rest.len() + 1 < length {
        rest.push(pick(ALL, random));
    }
    for n in (1..rest.len()).rev() {
        rest.swap(n, below(n + 1, random));
    }
    std::iter::once(pick(LETTERS, random)).chain(rest).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::collections::BTreeSet;

    pub(in crate::config) fn noise() -> impl FnMut(&mut [u8]) {
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        move |bytes| {
            for byte in bytes {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                *byte = state.to_le_bytes()[3];
            }
        }
    }

    #[test]
    fn passwords_are_what_databases_take() {
        let mut random = noise();
        let mut seen = BTreeSet::new();
        for length in [6, 8, 24, 24, 24, 100] {
            let text = Recipe::Password { length }.make(&mut random).unwrap();
            assert_eq!(text.len(), length);
            let count = |f: fn(&char) -> bool| text.chars().filter(f).count();
            assert!(text.starts_with(|c: char| c.is_ascii_alphabetic()));
            assert!(text.chars().all(|c| c.is_ascii_alphanumeric()));
            assert!(count(char::is_ascii_lowercase) >= 1 && count(char::is_ascii_uppercase) >= 1);
            assert!(count(char::is_ascii_digit) >= 3);
            assert!(seen.insert(text));
        }
    }

    #[test]
    fn names_are_short_and_differ() {
        let mut random = noise();
        let all: BTreeSet<_> = (0..500)
            .filter_map(|_| Recipe::User.make(&mut random))
            .collect();
        assert_eq!(all.len(), 500);
        assert!(
            all.iter()
                .all(|name| name.starts_with("user_") && name.len() == 13)
        );
        assert!(
            Recipe::Database
                .make(&mut random)
                .unwrap()
                .starts_with("db_")
        );
        assert_eq!(Recipe::ExternalIp.make(&mut random), None);
    }

    #[test]
    fn a_stuck_source_ends() {
        let mut stuck = |bytes: &mut [u8]| bytes.fill(255);
        assert!(Recipe::Password { length: 24 }.make(&mut stuck).is_some());
    }
}
