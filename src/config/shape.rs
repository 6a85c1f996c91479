//! The shape of random secrets: how long they are, and of which characters.

use super::Recipe;
use super::recipe::{ALL, DIGITS, LOWER, UPPER, pick};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// How a secret that is to be random looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Letters and digits, as generated passwords are.
    Letters(usize),
    /// So many hexadecimal digits.
    Hex(usize),
    /// So many bytes, in base64.
    Base64(usize),
    /// As another one was: each letter and digit is a new one, all else stays where it is.
    Like {
        /// What letters and digits are taken of.
        of: Alphabet,
        /// The characters, none where a new one is.
        kept: Vec<Option<char>>,
    },
}

/// Characters that a random one is taken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alphabet {
    name: &'static str,
    characters: &'static [u8],
}

const HEX: Alphabet = Alphabet {
    name: "hexadecimal digits",
    characters: b"0123456789abcdef",
};

/// From the narrowest on.
const ALPHABETS: [Alphabet; 8] = [
    Alphabet {
        name: "digits",
        characters: DIGITS,
    },
    HEX,
    Alphabet {
        name: "hexadecimal digits",
        characters: b"0123456789ABCDEF",
    },
    Alphabet {
        name: "lower-case letters",
        characters: LOWER,
    },
    Alphabet {
        name: "upper-case letters",
        characters: UPPER,
    },
    Alphabet {
        name: "lower-case letters and digits",
        characters: b"abcdefghijklmnopqrstuvwxyz0123456789",
    },
    Alphabet {
        name: "upper-case letters and digits",
        characters: b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
    },
    Alphabet {
        name: "letters and digits",
        characters: ALL,
    },
];

/// Fewer letters and digits tell no shape.
const LEAST: usize = 6;

impl Shape {
    /// Without a word about it.
    pub const USUAL: Self = Self::Letters(32);

    /// The shape of a secret, without the line breaks at its end; none of what is no random word: a key of
    /// several lines, a sentence.
    pub fn of(secret: &str) -> Option<Self> {
        let word = secret.trim_end_matches(['\r', '\n']);
        // An address or a URL has a password in it at best.
        if !word.bytes().all(|c| c.is_ascii_graphic()) || word.contains("://") || is_address(word) {
            return None;
        }
        if word.ends_with('=')
            && let Ok(bytes) = STANDARD.decode(word)
        {
            return Some(Self::Base64(bytes.len()));
        }
        let random: Vec<u8> = word.bytes().filter(u8::is_ascii_alphanumeric).collect();
        let fits = |alphabet: &Alphabet| random.iter().all(|c| alphabet.characters.contains(c));
        let of = ALPHABETS.into_iter().find(fits)?;
        let kept = |c: char| (!c.is_ascii_alphanumeric()).then_some(c);
        let kept = word.chars().map(kept).collect();
        (random.len() >= LEAST).then_some(Self::Like { of, kept })
    }

    /// Makes one of `random`'s bytes.
    pub fn make(&self, random: &mut dyn FnMut(&mut [u8])) -> String {
        let mut of = |alphabet: &Alphabet| pick(alphabet.characters, random);
        match self {
            Self::Hex(length) => (0..*length).map(|_| of(&HEX)).collect(),
            Self::Like { of: alphabet, kept } => kept
                .iter()
                .map(|kept| kept.unwrap_or_else(|| of(alphabet)))
                .collect(),
            Self::Letters(length) => {
                let recipe = Recipe::Password { length: *length };
                recipe.make(random).unwrap_or_default()
            }
            Self::Base64(count) => {
                let mut bytes = vec![0; *count];
                random(&mut bytes);
                STANDARD.encode(bytes)
            }
        }
    }

    /// In a few words.
    pub fn describe(&self) -> String {
        match self {
            Self::Letters(length) => format!("{length} letters and digits"),
            Self::Hex(length) => format!("{length} {}", HEX.name),
            Self::Base64(count) => format!("{count} random bytes in base64"),
            Self::Like { of, kept } => {
                let new = kept.iter().filter(|kept| kept.is_none()).count();
                match kept.len() - new {
                    0 => format!("{new} {}", of.name),
                    _ => format!("{new} {}, all else where it was", of.name),
                }
            }
        }
    }

    /// Whether it can be guessed.
    pub fn is_weak(&self) -> bool {
        let bits = match self {
            Self::Letters(length) => 5.9 * count(*length),
            Self::Hex(length) => 4.0 * count(*length),
            Self::Base64(bytes) => 8.0 * count(*bytes),
            Self::Like { of, kept } => {
                let new = kept.iter().filter(|kept| kept.is_none()).count();
                count(of.characters.len()).log2() * count(new)
            }
        };
        bits < 60.0
    }
}

/// `user@host`, be it with a port or a path.
fn is_address(word: &str) -> bool {
    let Some((user, host)) = word.split_once('@') else {
        return false;
    };
    let plain = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._:/-".contains(c))
    };
    plain(user) && plain(host) && host.contains(['.', ':', '/'])
}

fn count(n: usize) -> f64 {
    u32::try_from(n).map_or(f64::MAX, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::recipe::tests::noise;
    use proptest::prelude::*;

    #[test]
    fn a_secrets_shape_is_kept() {
        let of = |secret: &str| Shape::of(secret).map(|shape| shape.describe());
        let told = |text: &str| Some(text.to_owned());
        assert_eq!(of("T8nMX1oiRZ7blRmoeXn2\n"), told("20 letters and digits"));
        assert_eq!(of("48291734"), told("8 digits"));
        assert_eq!(
            of("9f86d081884c7d659a2feaa0c55ad015"),
            told("32 hexadecimal digits")
        );
        assert_eq!(of("deadbeef"), told("8 hexadecimal digits"));
        assert_eq!(of("3f2504e04f89"), told("12 hexadecimal digits"));
        assert_eq!(
            of("x9@Kq2vLm"),
            told("8 letters and digits, all else where it was")
        );
        assert_eq!(
            of("x9!Kq2#vLm"),
            told("8 letters and digits, all else where it was")
        );
        assert_eq!(
            of("3f2504e0-4f89-11d3-9a0c-0305e82c3301"),
            told("32 hexadecimal digits, all else where it was")
        );
        assert_eq!(
            of("cGFzc3dvcmQgb2YgMzIgYnl0ZXMgZm9yIGEga2V5ISE="),
            told("32 random bytes in base64")
        );
        for no_word in [
            "",
            "a b c d e f g",
            "-----BEGIN KEY-----\nx\n",
            "------",
            "short",
            "grüßegott",
            "postgres://u:pass@h/db",
            "https://hooks.example.org/T0AB/x9Kq2vLm",
            "alice@mail.example.org",
            "u:secret@h:5432",
        ] {
            assert_eq!(Shape::of(no_word), None, "{no_word}");
        }
        let uuid = Shape::of("3f2504e0-4f89-11d3-9a0c-0305e82c3301").unwrap();
        let made = uuid.make(&mut noise());
        assert_eq!(
            made.split('-').map(str::len).collect::<Vec<_>>(),
            [8, 4, 4, 4, 12]
        );
    }

    #[test]
    fn what_can_be_guessed_is_known() {
        for weak in [
            Shape::Letters(8),
            Shape::Hex(8),
            Shape::Base64(4),
            Shape::of("48291734").unwrap(),
        ] {
            assert!(weak.is_weak(), "{weak:?}");
        }
        for strong in [
            Shape::USUAL,
            Shape::Hex(32),
            Shape::Base64(16),
            Shape::of("T8nMX1oiRZ7b").unwrap(),
        ] {
            assert!(!strong.is_weak(), "{strong:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_made_has_the_shape_that_it_was_made_of(secret in "[!-~]{1,80}\n?") {
            let Some(shape) = Shape::of(&secret) else { return Ok(()) };
            let made = shape.make(&mut noise());
            prop_assert_eq!(made.len(), secret.trim_end().len());
            if let Shape::Like { .. } = &shape {
                for (old, new) in secret.chars().zip(made.chars()) {
                    prop_assert_eq!(old.is_ascii_alphanumeric(), new.is_ascii_alphanumeric());
                    prop_assert!(old.is_ascii_alphanumeric() || old == new);
                }
            }
        }
    }
}
