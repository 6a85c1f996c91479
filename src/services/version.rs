//! Versions and ranges of them (PEP 440, as nua writes them), read leniently: image tags are no PEP 440.

use super::Service;
use std::{fmt, str::FromStr};

/// A version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pep440_rs::Version);

impl Version {
    /// Reads a version: `15.1`, `v1.2`, and of `7.2.4-alpine3.19` the part before the `-`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        if !text.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let numbers = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .and_then(|end| text.get(..end))
            .unwrap_or(text)
            .trim_end_matches('.');
        pep440_rs::Version::from_str(text)
            .or_else(|_| pep440_rs::Version::from_str(numbers))
            .ok()
            .map(Self)
    }

    /// The version that an image's tag says.
    pub fn of_image(reference: &str) -> Option<Self> {
        let path = reference.split('@').next()?;
        let (_, tag) = path.rsplit('/').next()?.split_once(':')?;
        Self::parse(tag)
    }

    /// Its first `n` numbers, with dots.
    pub fn first(&self, n: usize) -> String {
        let numbers = self.0.release().iter().map(u64::to_string);
        numbers.take(n).collect::<Vec<_>>().join(".")
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A range of versions, such as `>=14, <15`.
#[derive(Clone, Debug)]
pub struct Range(pep440_rs::VersionSpecifiers);

impl Range {
    /// Reads a range; the reason where it is none. A bare version stands for itself and what it begins.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let text = match Version::parse(text) {
            Some(_) if text.chars().all(|c| c.is_ascii_digit() || c == '.') => {
                format!("=={text}.*")
            }
            _ => text.to_owned(),
        };
        pep440_rs::VersionSpecifiers::from_str(&text)
            .map(Self)
            .map_err(|error| {
                error
                    .to_string()
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .trim_end_matches(':')
                    .to_owned()
            })
    }

    /// Whether it holds `version`.
    pub fn contains(&self, version: &Version) -> bool {
        self.0.contains(&version.0)
    }
}

pub(super) fn upgrade(service: &dyn Service, from: &str, to: &str) -> Result<(), String> {
    if from == to {
        return Ok(());
    }
    let name = service.name();
    let (Some(old), Some(new)) = (service.version(from), service.version(to)) else {
        return Err(format!(
            "whether {name} `{to}` reads the data of `{from}` cannot be told from the tags"
        ));
    };
    if service.is_volume() {
        return Ok(());
    }
    let (old_major, new_major) = (service.major(&old), service.major(&new));
    if old_major != new_major {
        let show = |major: Option<String>| major.unwrap_or_default();
        return Err(format!(
            "{name} {} does not read the data of {name} {}: it must be dumped and restored",
            show(new_major),
            show(old_major)
        ));
    }
    // A tag that says less than the other one says nothing against it.
    if new < old && service.major(&new) != Some(new.to_string()) {
        return Err(format!(
            "{name} does not promise that {to} reads the data of {from}"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_leniently() {
        for (text, shown) in [
            ("15.1", "15.1"),
            ("v7.2.4-alpine3.19", "7.2.4"),
            ("10.11-jammy", "10.11"),
            ("16rc1", "16rc1"),
        ] {
            assert_eq!(Version::parse(text).unwrap().to_string(), shown);
        }
        assert_eq!(Version::parse("latest"), None);
        assert_eq!(Version::of_image("host:5000/x/y"), None);
        assert_eq!(
            Version::of_image("host:5000/x/y:1.2").unwrap().first(1),
            "1"
        );
    }

    #[test]
    fn ranges_hold_versions() {
        let holds = |range: &str, version: &str| {
            Range::parse(range)
                .unwrap()
                .contains(&Version::parse(version).unwrap())
        };
        assert!(holds(">=14, <15", "14.6"));
        assert!(!holds(">=14,<15", "15.1"));
        assert!(holds("15", "15.1"));
        assert!(!holds("1", "15.1"));
        assert!(holds("==10.6.*", "10.6"));
        assert!(Range::parse("about 3").is_err());
    }
}
