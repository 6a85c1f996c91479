//! Building images, as far as it is a matter of texts: what of a folder is sent ([`Rules`]), what that is
//! ([`Context`]), what a Dockerfile says ([`Dockerfile`]).

mod dockerfile;
mod ignore;

pub use dockerfile::{Dockerfile, Fault, Instruction};
pub use ignore::{BadPattern, Rules};

use crate::base::Digest;
use crate::model::digest_of;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a Dockerfile is called where nothing is said.
pub const DOCKERFILE: &str = "Dockerfile";

/// The file that says what is not sent.
pub const IGNORE_FILE: &str = ".dockerignore";

/// The label of a built image that says by its digest what it was built from.
///
/// It and [`LABEL_STACK`] are labels of images only: containers take over the labels of their image, also
/// those that somebody runs by hand.
pub const LABEL_BUILD: &str = "coasti.build";

/// The label of a built image that says for which stack it was built.
pub const LABEL_STACK: &str = "coasti.build.stack";

/// Bits of permissions that are sent. Whether a group or everybody may write is left out: it comes from the
/// umask of whoever checked the files out, and differs from machine to machine.
pub const SENT_BITS: u32 = 0o7755;

/// How many parts are told apart.
const MOST_PARTS: usize = 500;

/// All that is sent, by path in the folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Context(pub BTreeMap<String, Entry>);

/// Something that is sent. Owners and times do not count: they differ from machine to machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Entry {
    /// A file.
    File {
        /// Permission bits, as far as they are sent.
        mode: u32,
        /// Bytes.
        size: u64,
        /// Of its content.
        digest: Digest,
    },
    /// A folder.
    Folder {
        /// Permission bits, as far as they are sent.
        mode: u32,
    },
    /// A symbolic link, sent as such: what it leads to may be something else there.
    Link {
        /// Where it leads.
        to: String,
    },
}

/// Why a folder cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsendable {
    /// What in it; nothing is the folder itself.
    pub path: String,
    /// The reason; to be shown after the path.
    pub why: String,
    /// Whether it would help not to send it.
    pub ignorable: bool,
}

impl Context {
    /// The digest of all of it.
    pub fn digest(&self) -> Digest {
        digest_of(self)
    }

    /// Bytes of all files.
    pub fn size(&self) -> u64 {
        self.0.values().map(Entry::size).sum()
    }

    /// Digests of its parts, to tell later which of them changed: of each entry, or where there are very many
    /// of what stands at the outermost level.
    pub fn parts(&self) -> BTreeMap<String, String> {
        let short = |digest: Digest| digest.short(12).to_owned();
        if self.0.len() <= MOST_PARTS {
            let each = self.0.iter();
            return each
                .map(|(path, entry)| (path.clone(), short(digest_of(entry))))
                .collect();
        }
        let mut groups: BTreeMap<String, BTreeMap<&str, &Entry>> = BTreeMap::new();
        for (path, entry) in &self.0 {
            let group = match path.split_once('/') {
                Some((first, _)) => format!("{first}/"),
                None if matches!(entry, Entry::Folder { .. }) => format!("{path}/"),
                None => path.clone(),
            };
            groups.entry(group).or_default().insert(path, entry);
        }
        if groups.len() > MOST_PARTS {
            return BTreeMap::new();
        }
        let each = groups.into_iter();
        each.map(|(group, entries)| (group, short(digest_of(&entries))))
            .collect()
    }

    /// What is largest at the outermost level, the largest first.
    pub fn largest(&self) -> Vec<(String, u64)> {
        let mut sizes: BTreeMap<&str, u64> = BTreeMap::new();
        for (path, entry) in &self.0 {
            let first = path.split('/').next().unwrap_or(path);
            *sizes.entry(first).or_default() += entry.size();
        }
        let mut sizes: Vec<_> = sizes
            .into_iter()
            .map(|(path, size)| (path.to_owned(), size))
            .collect();
        sizes.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
        sizes
    }

    /// Of a folder in memory: texts by path, `folder` being what paths have to start with.
    pub fn of_texts<'a>(
        texts: impl IntoIterator<Item = (&'a str, &'a str)>,
        folder: &str,
        rules: &Rules,
    ) -> Self {
        let mut all = BTreeMap::new();
        for (path, text) in texts {
            let inner = match folder {
                "" => Some(path),
                folder => path
                    .strip_prefix(folder)
                    .and_then(|rest| rest.strip_prefix('/')),
            };
            let Some(inner) = inner.filter(|inner| rules.sends(inner)) else {
                continue;
            };
            for (end, _) in inner.match_indices('/') {
                let above = inner.get(..end).unwrap_or_default();
                if rules.sends(above) {
                    all.insert(above.to_owned(), Entry::Folder { mode: 0o755 });
                }
            }
            let file = Entry::File {
                mode: 0o644,
                size: text.len() as u64,
                digest: Digest::of(text.as_bytes()),
            };
            all.insert(inner.to_owned(), file);
        }
        Self(all)
    }
}

impl Entry {
    fn size(&self) -> u64 {
        match self {
            Self::File { size, .. } => *size,
            Self::Folder { .. } | Self::Link { .. } => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection, prelude::*};

    fn entry() -> impl Strategy<Value = Entry> {
        prop_oneof![
            (0..0o10000u32, "[a-z]{0,4}").prop_map(|(mode, text)| Entry::File {
                mode: mode & SENT_BITS,
                size: text.len() as u64,
                digest: Digest::of(text.as_bytes()),
            }),
            (0..0o10000u32).prop_map(|mode| Entry::Folder {
                mode: mode & SENT_BITS
            }),
            "[a-z]{1,4}".prop_map(|to| Entry::Link { to }),
        ]
    }

    proptest! {
        /// Nothing but what is sent counts, in whatever order it was found; all of that counts.
        #[test]
        fn a_digest_is_of_what_is_sent(
            entries in collection::btree_map("[a-c](/[a-c]){0,2}", entry(), 1..6),
            which in any::<prop::sample::Index>(),
            other in entry(),
        ) {
            let context = Context(entries.clone());
            let turned: BTreeMap<_, _> = entries.clone().into_iter().rev().collect();
            prop_assert_eq!(context.digest(), Context(turned).digest());
            let paths: Vec<_> = entries.keys().cloned().collect();
            let path = which.get(&paths);
            let mut changed = entries.clone();
            changed.insert(path.clone(), other.clone());
            prop_assert_eq!(context.digest() == Context(changed.clone()).digest(), entries == changed);
            let (was, is) = (context.parts(), Context(changed.clone()).parts());
            let differs: Vec<_> = was.keys().filter(|path| was.get(*path) != is.get(*path)).collect();
            prop_assert_eq!(differs.contains(&path), entries != changed);
            let mut gone = entries.clone();
            gone.remove(path);
            prop_assert_ne!(context.digest(), Context(gone).digest());
        }
    }

    #[test]
    fn very_many_files_are_told_by_their_folders() {
        let names: Vec<_> = (0..600).map(|n| format!("c/src/{n}.js")).collect();
        let texts = names.iter().map(|name| (name.as_str(), "x"));
        let texts = texts.chain([("c/Dockerfile", "FROM x"), ("elsewhere", "x")]);
        let context = Context::of_texts(texts, "c", &Rules::default());
        assert_eq!(context.0.len(), 602);
        let parts: Vec<_> = context.parts().into_keys().collect();
        assert_eq!(parts, ["Dockerfile", "src/"]);
        assert_eq!(context.largest()[0], ("src".to_owned(), 600));
    }
}
