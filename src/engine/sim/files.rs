//! Files in volumes and in containers' own layers, and tar archives of them.

use crate::base::names::absolute;
use std::{
    collections::BTreeMap,
    io::{self, Read as _},
};

/// A file, folder or link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Folder,
    File(Vec<u8>),
    Link(String),
}

/// Files by their path below a root, without a slash at the start. The root itself is not among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tree(BTreeMap<String, (Node, u32)>);

/// The part of `path` below `root`, both absolute; none where it is elsewhere.
pub(super) fn below<'a>(path: &'a str, root: &str) -> Option<&'a str> {
    if root == "/" {
        return path.strip_prefix('/');
    }
    match path.strip_prefix(root)? {
        "" => Some(""),
        rest => rest.strip_prefix('/'),
    }
}

/// Where the engine's host has what is in a volume.
pub(super) fn kept_at(volume: &str) -> String {
    format!("/var/lib/docker/volumes/{volume}/_data")
}

/// The volume, and the path in it, of a path of the engine's host.
pub(super) fn of_volume(path: &str) -> Option<(&str, &str)> {
    let rest = path.strip_prefix("/var/lib/docker/volumes/")?;
    rest.split_once("/_data/")
}

impl Tree {
    pub(super) fn get(&self, path: &str) -> Option<&Node> {
        self.0.get(path).map(|(node, _)| node)
    }

    pub(super) fn insert(&mut self, path: &str, node: Node) {
        let mode = if node == Node::Folder { 0o755 } else { 0o644 };
        self.0.insert(path.to_owned(), (node, mode));
    }

    /// Whether `path` is a folder, the root being one.
    pub(super) fn is_folder(&self, path: &str) -> bool {
        path.is_empty() || self.get(path) == Some(&Node::Folder)
    }

    pub(super) fn files(&self) -> impl Iterator<Item = (&String, &Node)> {
        self.0.iter().map(|(path, (node, _))| (path, node))
    }

    /// Unpacks an archive into the folder `under`.
    pub(super) fn unpack(&mut self, under: &str, archive: &[u8]) -> io::Result<()> {
        for entry in tar::Archive::new(archive).entries()? {
            let mut entry = entry?;
            let path = absolute(&format!("{under}/{}", entry.path()?.to_string_lossy()));
            let path = path.trim_start_matches('/').to_owned();
            if path.is_empty() {
                continue;
            }
            let mut parent = path.as_str();
            while let Some((folder, _)) = parent.rsplit_once('/') {
                self.0
                    .entry(folder.to_owned())
                    .or_insert((Node::Folder, 0o755));
                parent = folder;
            }
            let mode = entry.header().mode()?;
            let node = match entry.header().entry_type() {
                tar::EntryType::Directory => Node::Folder,
                tar::EntryType::Symlink => {
                    let target = entry.link_name_bytes().unwrap_or_default();
                    Node::Link(String::from_utf8_lossy(&target).into_owned())
                }
                kind if kind.is_file() => {
                    let mut bytes = Vec::new();
                    entry.read_to_end(&mut bytes)?;
                    Node::File(bytes)
                }
                kind => return Err(io::Error::other(format!("{kind:?} is not simulated"))),
            };
            self.0.insert(path, (node, mode));
        }
        Ok(())
    }

    /// An archive of the file or folder at `path`, whose name in it is `name`; none where there is none.
    pub(super) fn pack(&self, path: &str, name: &str) -> io::Result<Option<Vec<u8>>> {
        if !path.is_empty() && !self.0.contains_key(path) {
            return Ok(None);
        }
        let mut archive = tar::Builder::new(Vec::new());
        let own = (Node::Folder, 0o755);
        let own = self.0.get(path).unwrap_or(&own);
        append(&mut archive, name, own)?;
        if own.0 == Node::Folder {
            for (inner, node) in &self.0 {
                if let Some(rest) = below(&format!("/{inner}"), &absolute(path))
                    && !rest.is_empty()
                {
                    append(&mut archive, &format!("{name}/{rest}"), node)?;
                }
            }
        }
        archive.into_inner().map(Some)
    }

    /// Where the link at `path` leads in the end, below `root`, as Docker shows it: absolute, through
    /// further links; none where there is no link.
    pub(super) fn follow(&self, root: &str, path: &str) -> Option<String> {
        let mut at = path.to_owned();
        let mut target = None;
        // As many links in a row as Linux follows.
        for _ in 0..40 {
            let Some(Node::Link(to)) = self.get(&at) else {
                break;
            };
            let folder = at.rsplit_once('/').map_or("", |(folder, _)| folder);
            let full = if to.starts_with('/') {
                absolute(to)
            } else {
                absolute(&format!("{root}/{folder}/{to}"))
            };
            let next = below(&full, root).map(str::to_owned);
            target = Some(full);
            match next {
                Some(next) => at = next,
                None => break,
            }
        }
        target
    }
}

fn append(
    archive: &mut tar::Builder<Vec<u8>>,
    name: &str,
    (node, mode): &(Node, u32),
) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_mode(*mode);
    header.set_size(0);
    match node {
        Node::Folder => {
            header.set_entry_type(tar::EntryType::Directory);
            archive.append_data(&mut header, format!("{name}/"), io::empty())
        }
        Node::File(bytes) => {
            header.set_size(bytes.len() as u64);
            archive.append_data(&mut header, name, bytes.as_slice())
        }
        Node::Link(target) => {
            header.set_entry_type(tar::EntryType::Symlink);
            archive.append_link(&mut header, name, target)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_come_back_and_links_resolve_as_dockers_do() {
        let mut tree = Tree::default();
        tree.insert("sub", Node::Folder);
        tree.insert("sub/b", Node::File(b"yo".to_vec()));
        tree.insert("head", Node::Link("r12".into()));
        tree.insert("chain", Node::Link("head".into()));
        tree.insert("deep", Node::Link("sub/b".into()));
        tree.insert("abs", Node::Link("/etc/x".into()));
        let tar = tree.pack("", "store").unwrap().unwrap();
        let mut other = Tree::default();
        other.unpack("in", &tar).unwrap();
        assert_eq!(
            other.get("in/store/sub/b"),
            Some(&Node::File(b"yo".to_vec()))
        );
        assert!(other.is_folder("in"));
        for (link, target) in [
            ("head", Some("/store/r12")),
            ("chain", Some("/store/r12")),
            ("deep", Some("/store/sub/b")),
            ("abs", Some("/etc/x")),
            ("sub", None),
        ] {
            assert_eq!(tree.follow("/store", link).as_deref(), target, "{link}");
        }
        assert_eq!(tree.pack("nosuch", "x").unwrap(), None);
    }
}
