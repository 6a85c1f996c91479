//! How an image is built.

use crate::base::{Digest, StackName, names};
use crate::model::canonical::digest_of;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// An image that is built from a folder of the caller's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuildSpec {
    /// The folder that is sent; a path on the caller's side.
    pub context: String,
    /// The Dockerfile's path in it; unless its text is given.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub dockerfile: String,
    /// The Dockerfile's text, where it does not stand in the folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inline: Option<String>,
    /// Whether BuildKit builds it, not the classic builder.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub buildkit: bool,
    /// The image that reads the Dockerfile for BuildKit, where it is not BuildKit itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frontend: Option<String>,
    /// What `ARG`s are. The image's history shows them: never a secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub args: BTreeMap<String, String>,
    /// The stage that is built; the last one where none is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The image's labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The network of its commands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// Names that its commands know beside the network's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra_hosts: BTreeMap<String, String>,
    /// The size of its commands' /dev/shm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shm_size: Option<i64>,
    /// The platform that it is for, such as `linux/amd64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Images whose layers are taken where they are the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cache_from: Vec<String>,
    /// Whether the images that it starts from are pulled before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pull: bool,
    /// Whether nothing is taken from the engine's cache.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_cache: bool,
    /// Further names that the image gets when it is built.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// Images that it starts from or copies from, in full.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub bases: BTreeSet<String>,
    /// Those of them that this stack builds, with the digest of what they are.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub built_bases: BTreeMap<String, Digest>,
    /// The digest of all that is sent.
    pub content: Digest,
    /// The digests of its parts: of each file, or of each folder where there are very many.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
}

impl BuildSpec {
    /// Of a folder with a `Dockerfile` and this content, with nothing else said.
    pub fn new(context: impl Into<String>, content: Digest) -> Self {
        Self {
            context: context.into(),
            dockerfile: "Dockerfile".to_owned(),
            inline: None,
            buildkit: false,
            frontend: None,
            args: BTreeMap::new(),
            target: None,
            labels: BTreeMap::new(),
            network: None,
            extra_hosts: BTreeMap::new(),
            shm_size: None,
            platform: None,
            cache_from: Vec::new(),
            pull: false,
            no_cache: false,
            tags: BTreeSet::new(),
            bases: BTreeSet::new(),
            built_bases: BTreeMap::new(),
            content,
            files: BTreeMap::new(),
        }
    }

    /// What the image is: two builds with one digest make the same. Where the folder stands and how the
    /// engine goes about it does not matter.
    pub fn digest(&self) -> Digest {
        let bare = Self {
            context: String::new(),
            cache_from: Vec::new(),
            pull: false,
            no_cache: false,
            tags: BTreeSet::new(),
            bases: BTreeSet::new(),
            files: BTreeMap::new(),
            ..self.clone()
        };
        digest_of(&bare)
    }

    /// The image's reference: named by what it is, so that another content is another image.
    pub fn reference(&self, stack: &StackName, name: &str) -> String {
        let plain = |c: char| match c.to_ascii_lowercase() {
            c if c.is_ascii_lowercase() || c.is_ascii_digit() => c,
            _ => '-',
        };
        let name: String = format!("{stack}-{name}").chars().map(plain).collect();
        let name = names::fit(name.trim_matches('-'), names::MAX);
        format!("{REPOSITORY}{name}:{}", self.digest().short(12))
    }
}

/// What references of built images start with. No registry has them.
const REPOSITORY: &str = "docker.io/coasti/";

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(edit: impl FnOnce(&mut BuildSpec)) -> BuildSpec {
        let mut spec = BuildSpec::new("products/wiki", Digest::of(b""));
        edit(&mut spec);
        spec
    }

    #[test]
    fn an_image_is_named_by_what_it_is() {
        let name = |spec: &BuildSpec| spec.reference(&StackName::new("acme"), "Shop_2/web");
        let base = name(&spec(|_| {}));
        let (start, tag) = base.rsplit_once(':').unwrap();
        assert_eq!(start, "docker.io/coasti/acme-shop-2-web");
        assert_eq!(tag.len(), 12);
        let same: [fn(&mut BuildSpec); 4] = [
            |s| s.context = "elsewhere".into(),
            |s| s.no_cache = true,
            |s| s.tags = ["wiki:latest".to_owned()].into(),
            |s| s.cache_from.push("wiki:latest".into()),
        ];
        for edit in same {
            assert_eq!(name(&spec(edit)), base);
        }
        let others: [fn(&mut BuildSpec); 5] = [
            |s| s.content = Digest::of(b"x"),
            |s| drop(s.args.insert("A".into(), "1".into())),
            |s| s.target = Some("test".into()),
            |s| s.dockerfile = "web.Dockerfile".into(),
            |s| drop(s.built_bases.insert("base:1".into(), Digest::of(b"y"))),
        ];
        for edit in others {
            assert_ne!(name(&spec(edit)), base);
        }
    }
}
