//! Digests: plain ones for content that may be known, keyed ones for secrets.

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// A digest in lower-case hexadecimal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// The SHA-256 of `bytes`, 64 digits.
    pub fn of(bytes: &[u8]) -> Self {
        Self(hex(&Sha256::digest(bytes)))
    }

    /// Takes a digest that was written before.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// All digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first `n` digits (all of them where there are fewer).
    pub fn short(&self, n: usize) -> &str {
        self.0.get(..n).unwrap_or(&self.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.short(12))
    }
}

/// A digest of what comes piece by piece.
#[derive(Clone, Default)]
pub struct Hasher(Sha256);

impl Hasher {
    /// Of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Of this as well.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest.
    pub fn finish(self) -> Digest {
        Digest(hex(&self.0.finalize()))
    }
}

/// The key of a stack's secret digests. A digest made with it can stand in labels and plans: without the
/// key nobody can try passwords against it.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; 32]);

impl Key {
    /// Takes 32 bytes of the system's randomness.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads what [`Key::to_text`] wrote.
    pub fn from_text(text: &str) -> Option<Self> {
        let text = text.as_bytes();
        if text.len() != 64 {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// 64 hexadecimal digits. Secret.
    pub fn to_text(&self) -> String {
        hex(&self.0)
    }

    /// Names the key without telling it, so that a digest made with another key is recognised as such.
    pub fn fingerprint(&self) -> String {
        self.keyed(b"coasti key fingerprint").short(16).to_owned()
    }

    /// The keyed digest (HMAC-SHA-256) of a secret.
    pub fn keyed(&self, secret: &[u8]) -> Digest {
        // HMAC takes keys of any length: `new_from_slice` cannot fail for 32 bytes.
        let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.0) else {
            return Digest::of(&self.0);
        };
        mac.update(secret);
        Digest(hex(&mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(***)")
    }
}

/// Lower-case hexadecimal digits of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_text_and_is_not_shown() {
        let key = Key::new([7; 32]);
        assert_eq!(Key::from_text(&key.to_text()), Some(key.clone()));
        assert_eq!(Key::from_text("zz"), None);
        assert_eq!(format!("{key:?}"), "Key(***)");
        assert_ne!(key.keyed(b"a"), Key::new([8; 32]).keyed(b"a"));
    }
}
