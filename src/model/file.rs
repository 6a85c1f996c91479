//! Files that are delivered into containers.

use crate::base::{Digest, StackName, names};
use crate::model::{Text, canonical};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Files by their path in the container.
pub type Files = BTreeMap<String, File>;

/// A file delivered into a container, which can only read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// What is in it. References to values only, so that a spec is small and tells no secret.
    pub content: Text,
    /// Permission bits.
    #[serde(
        default = "readable",
        with = "octal",
        skip_serializing_if = "is_readable"
    )]
    pub mode: u32,
    /// The owner's number.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub uid: u32,
    /// The group's number.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub gid: u32,
}

/// As Compose has it: the container's own users may read it, whichever of them the program runs as.
const READABLE: u32 = 0o444;

const fn readable() -> u32 {
    READABLE
}

const fn is_readable(mode: &u32) -> bool {
    *mode == READABLE
}

/// Permission bits as people write them.
mod octal {
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(mode: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{mode:04o}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        let text = String::deserialize(deserializer)?;
        u32::from_str_radix(&text, 8).map_err(de::Error::custom)
    }
}

const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl File {
    /// Readable by everybody in the container.
    pub fn new(content: Text) -> Self {
        Self {
            content,
            mode: READABLE,
            uid: 0,
            gid: 0,
        }
    }
}

/// The files of one container, kept in a volume of coasti's own that is named by their content: another
/// content is another volume, so that what runs keeps its files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSpec {
    /// The files.
    pub files: Files,
}

impl FileSpec {
    /// Where the whole volume is mounted in the container as well, for the engine to know that it is in use:
    /// what is mounted out of it is, to the engine, a path of its host.
    pub const MOUNT: &str = "/run/coasti";

    /// The address of the files of the container at `container`.
    pub fn address(container: &str) -> String {
        format!("{container}/files")
    }

    /// The volume's name on the engine. Contents count by their keyed digests: the name tells nothing of them.
    pub fn volume(&self, stack: &StackName, address: &str) -> String {
        let mut files = self.files.clone();
        for value in files
            .values_mut()
            .flat_map(|file| file.content.values_mut())
        {
            canonical::nameless(value);
        }
        let digest = Digest::of(canonical::to_json(&files).as_bytes());
        names::versioned(stack, address, digest.short(12))
    }

    /// What each file is called in the volume, by its path in the container.
    pub fn inside(&self) -> BTreeMap<String, String> {
        let numbered = self.files.keys().enumerate();
        numbered
            .map(|(n, path)| (path.clone(), n.to_string()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ValueId;

    fn spec(id: &str, digest: Option<&str>, mode: u32) -> FileSpec {
        let content = Text::value(ValueId::new(id), digest.map(Digest::from_text));
        let file = File {
            mode,
            ..File::new(content)
        };
        FileSpec {
            files: [("/run/secrets/key".to_owned(), file)].into(),
        }
    }

    #[test]
    fn a_volume_is_named_by_what_is_in_it() {
        let stack = StackName::new("acme");
        let name = |id: &str, digest, mode| spec(id, digest, mode).volume(&stack, "blog/files");
        let base = name("secret:a", Some("d"), 0o444);
        assert!(base.starts_with("acme-blog-files-"), "{base}");
        assert_eq!(base, name("secret:b", Some("d"), 0o444));
        assert_ne!(base, name("secret:a", Some("e"), 0o444));
        assert_ne!(base, name("secret:a", Some("d"), 0o400));
        let json = serde_json::to_string(&spec("a", None, 0o400)).unwrap();
        assert!(json.contains(r#""mode":"0400""#), "{json}");
        assert_eq!(
            serde_json::from_str::<FileSpec>(&json).unwrap(),
            spec("a", None, 0o400)
        );
        let long = spec("a", None, 0).volume(&stack, &"x".repeat(80));
        assert_eq!(long.len(), names::MAX);
    }
}
