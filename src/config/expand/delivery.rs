//! Values that a container gets as files.

use super::container::origin;
use super::{Container, codes};
use crate::base::names;
use crate::config::app::FileDef;
use crate::diag::{Diagnostic, Diagnostics, Place};
use crate::model::{File, FileSpec, Text};

/// Delivers a file; returns its path, for the variable that tells of it.
pub(super) fn deliver(
    container: &mut Container,
    path: &str,
    file: &FileDef,
    content: Text,
    at: Option<&Place>,
    d: &mut Diagnostics,
) -> Text {
    let mut made = File::new(content);
    made.mode = file.mode.unwrap_or(made.mode);
    (made.uid, made.gid) = (file.uid, file.gid);
    let at = file.path.as_ref().and_then(|path| path.at.as_ref()).or(at);
    let reserved = names::path(path).is_some_and(|path| {
        let own = FileSpec::MOUNT.trim_start_matches('/');
        path == own || path.starts_with(&format!("{own}/"))
    });
    if reserved {
        let summary = format!("`{path}` is coasti's own");
        let error = Diagnostic::error(codes::BAD_FILE, at.cloned(), summary);
        d.push(error.help("choose a path elsewhere, as in `/run/secrets/NAME`"));
    }
    let files = &mut container.spec.files;
    if files.get(path).is_some_and(|other| *other != made) {
        let summary = format!("two files at `{path}` of `{}`", container.id.address);
        let error = Diagnostic::error(codes::BAD_FILE, at.cloned(), summary);
        d.push(error.help("give one of them another path with `file: /PATH`"));
    }
    files.insert(path.to_owned(), made);
    origin(&mut container.origins, format!("files.{path}"), at);
    Text::plain(path)
}

/// A path is a volume's or a file's.
pub(super) fn apart_from_volumes(container: &Container, at: &Place, d: &mut Diagnostics) {
    for path in container.spec.files.keys() {
        if container.spec.mounts.contains_key(path) {
            let summary = format!("a volume and a file at `{path}`");
            let error = Diagnostic::error(codes::MOUNT_TWICE, Some(at.clone()), summary);
            d.push(error.help("give the file another path with `file: /PATH`"));
        }
    }
}
