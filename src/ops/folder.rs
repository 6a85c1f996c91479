//! A stack's folder on disk.

use crate::config::Folder;
use crate::diag::Source;
use std::{
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Files over this size are refused unread.
const LARGEST: u64 = 4 * 1024 * 1024;

/// The file by which a stack's folder is recognised.
pub const MARK: &str = "config/products.yml";

/// A stack's folder.
#[derive(Clone, Debug)]
pub struct Disk {
    root: PathBuf,
}

impl Disk {
    /// The folder `start` or the nearest one above it that has `config/products.yml`.
    pub fn find(start: &Path) -> Option<Self> {
        let start = std::path::absolute(start).ok()?;
        let root = start
            .ancestors()
            .find(|folder| folder.join(MARK).is_file())?;
        Some(Self {
            root: root.to_owned(),
        })
    }

    /// Exactly this folder.
    pub fn at(root: &Path) -> Self {
        Self {
            root: std::path::absolute(root).unwrap_or_else(|_| root.to_owned()),
        }
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Replaces a file's text: a new file beside it, then one rename, so that it is never half written.
    pub fn replace(&self, source: &Source, text: &str) -> io::Result<()> {
        let mut name = source.path.file_name().unwrap_or_default().to_owned();
        name.push(".coasti-new");
        let new = source.path.with_file_name(name);
        let mut file = std::fs::File::create(&new)?;
        file.write_all(text.as_bytes())?;
        file.set_permissions(std::fs::metadata(&source.path)?.permissions())?;
        file.sync_all()?;
        std::fs::rename(&new, &source.path)
    }
}

impl Folder for Disk {
    fn read(&self, path: &str) -> Result<Option<Arc<Source>>, String> {
        let full = self.root.join(path);
        let file = match std::fs::File::open(&full) {
            Ok(file) => file,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(format!("cannot be read: {error}")),
        };
        let about = file
            .metadata()
            .map_err(|error| format!("cannot be read: {error}"))?;
        if about.is_dir() {
            return Ok(None);
        }
        if about.len() > LARGEST {
            return Err(format!("is larger than {} MB", LARGEST / 1024 / 1024));
        }
        let mut bytes = Vec::new();
        // What grows while it is read, or tells no size (a pipe), is cut off as well.
        file.take(LARGEST + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| format!("cannot be read: {error}"))?;
        if bytes.len() as u64 > LARGEST {
            return Err(format!("is larger than {} MB", LARGEST / 1024 / 1024));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let before = error
                .as_bytes()
                .get(..error.utf8_error().valid_up_to())
                .unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            format!("is not UTF-8: the first wrong byte is in line {line}")
        })?;
        let text = text
            .strip_prefix('\u{feff}')
            .map(str::to_owned)
            .unwrap_or(text);
        Ok(Some(Arc::new(Source {
            name: path.to_owned(),
            path: full,
            text,
        })))
    }

    fn exists(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }

    fn name(&self) -> String {
        self.root
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    }
}
