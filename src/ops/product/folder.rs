//! Products that are a folder and no repository.

use super::error::{Class, FetchError};
use crate::template::{Entry, Tree};
use std::fs;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// A folder's files.
pub(super) fn folder(root: &Path) -> Result<Tree, FetchError> {
    fn walk(root: &Path, below: &str, tree: &mut Tree) -> Result<(), FetchError> {
        let here = root.join(below);
        let wrong = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => FetchError::new(
                Class::NotFound,
                format!("there is no folder {}", here.display()),
            ),
            _ => FetchError::own(format!("{} cannot be read: {error}", here.display())),
        };
        for entry in fs::read_dir(&here).map_err(wrong)? {
            let entry = entry.map_err(wrong)?;
            let name = entry
                .file_name()
                .into_string()
                .map_err(|_| FetchError::own("a file's name is not UTF-8".to_owned()))?;
            let path = if below.is_empty() {
                name.clone()
            } else {
                format!("{below}/{name}")
            };
            let kind = entry.file_type().map_err(wrong)?;
            if kind.is_dir() {
                if name != ".git" {
                    walk(root, &path, tree)?;
                }
                continue;
            }
            let at = root.join(&path);
            let entry = if kind.is_symlink() {
                let target = fs::read_link(&at).map_err(wrong)?;
                Entry::Link(target.to_string_lossy().into_owned())
            } else if kind.is_file() {
                // Not a pipe that took its place meanwhile: opening one waits.
                let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW;
                let mut file = fs::OpenOptions::new()
                    .read(true)
                    .custom_flags(flags.bits().cast_signed())
                    .open(&at)
                    .map_err(wrong)?;
                let about = file.metadata().map_err(wrong)?;
                let mut bytes = Vec::new();
                std::io::Read::read_to_end(
                    &mut std::io::Read::take(&mut file, 257 << 20),
                    &mut bytes,
                )
                .map_err(wrong)?;
                Entry::File {
                    bytes,
                    executable: about.permissions().mode() & 0o100 != 0,
                }
            } else {
                return Err(FetchError::own(format!(
                    "`{path}` is neither a file nor a folder nor a link"
                )));
            };
            tree.add(&path, entry).map_err(FetchError::own)?;
        }
        Ok(())
    }
    let mut tree = Tree::default();
    walk(root, "", &mut tree)?;
    Ok(tree)
}
