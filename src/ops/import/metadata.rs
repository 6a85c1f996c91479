//! Definitions of apps: in folders, and in the images that nua built of them.

use crate::config::{Folder as _, NuaApp, Unreadable, nua_app, plain};
use crate::diag::{Diagnostics, Source, did_you_mean};
use crate::ops::folder::Disk;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where an image of nua's has its app's definition.
pub(super) const INSIDE: &str = "/nua/metadata/nua-config.json";

const NAMES: &[&str] = &[
    "nua-config.json",
    "nua-config.toml",
    "nua-config.yaml",
    "nua-config.yml",
];
/// How far below a folder it is looked for, and in how many places.
const DEPTH: usize = 5;
const MOST: usize = 20_000;
/// A definition is no longer than this.
const LARGEST: u64 = 4 << 20;

/// A definition that was found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// The file.
    pub(super) source: Arc<Source>,
    /// What it says.
    pub(super) app: NuaApp,
    /// The file's name in the product's folder.
    pub(super) name: String,
    /// Where it was, in words.
    pub(super) place: String,
}

/// All that was found, and files that could not be understood.
#[derive(Debug, Default)]
pub(super) struct Definitions {
    all: Vec<Found>,
    pub(super) broken: Vec<(String, Diagnostics)>,
}

impl Definitions {
    /// Looks through folders.
    pub(super) fn search(folders: &[PathBuf]) -> Self {
        let mut found = Self::default();
        let mut left = MOST;
        for folder in folders {
            found.walk(folder, DEPTH, &mut left);
        }
        found
    }

    fn walk(&mut self, folder: &Path, depth: usize, left: &mut usize) {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            if *left == 0 {
                return;
            }
            *left -= 1;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let kind = path.symlink_metadata();
            if kind.is_ok_and(|about| about.is_dir()) {
                if depth > 0 && !name.starts_with('.') && name != "node_modules" {
                    self.walk(&path, depth - 1, left);
                }
            } else if NAMES.contains(&name.as_ref()) {
                self.add(&path);
            }
        }
    }

    fn add(&mut self, path: &Path) {
        let mut d = Diagnostics::new();
        let shown = path.display().to_string();
        if self.all.iter().any(|one| one.place == shown) {
            return;
        }
        let found = read(path, &mut d).and_then(|source| {
            let app = nua_app(&source, &mut d)?;
            Some((source, app))
        });
        match found {
            Some((source, app)) => self.all.push(Found {
                name: path
                    .file_name()
                    .map(|name| name.to_string_lossy().into_owned())
                    .unwrap_or_default(),
                place: shown,
                source,
                app,
            }),
            None => self.broken.push((shown, d)),
        }
    }

    /// Takes in what stands in an image.
    pub(super) fn add_text(&mut self, text: String, place: String) {
        let mut d = Diagnostics::new();
        let source = Arc::new(Source::new(
            format!("{place}:{INSIDE}"),
            PathBuf::from(INSIDE),
            text,
        ));
        match nua_app(&source, &mut d) {
            Some(app) => self.all.push(Found {
                source,
                app,
                name: "nua-config.json".to_owned(),
                place,
            }),
            None => self.broken.push((place, d)),
        }
    }

    /// The definition of a product, of the version that is asked for, else the first.
    pub(super) fn of(&self, product: &str, version: Option<&str>) -> Option<&Found> {
        let mut all = self.all.iter().filter(|one| plain(&one.app.id) == product);
        match version {
            None => all.next(),
            Some(version) => all.find(|one| {
                let app = &one.app;
                app.tag.as_deref() == Some(version) || app.version.as_deref() == Some(version)
            }),
        }
    }

    /// The product that was found and is most likely meant by that name.
    pub(super) fn near(&self, product: &str) -> Option<&str> {
        let ids = || self.all.iter().map(|one| one.app.id.as_str());
        let begins = |id: &&str| {
            let rest = plain(id);
            rest.strip_prefix(product)
                .is_some_and(|rest| rest.starts_with('-'))
        };
        did_you_mean(product, ids()).or_else(|| ids().filter(begins).min())
    }

    /// Versions of a product that were found.
    pub(super) fn versions(&self, product: &str) -> Vec<String> {
        let all = self.all.iter().filter(|one| plain(&one.app.id) == product);
        all.filter_map(|one| one.app.tag.clone()).collect()
    }
}

/// Reads a file that a user named, under the name that the user gave it.
pub(super) fn read(path: &Path, d: &mut Diagnostics) -> Option<Arc<Source>> {
    let name = path.file_name().map(|name| name.to_string_lossy());
    let parent = path.parent().unwrap_or(Path::new("."));
    let shown = path.display().to_string();
    let missing = || Err(Unreadable::Because("is not there".to_owned()));
    let read = match name {
        Some(name) => Disk::at(parent)
            .read(&name)
            .and_then(|found| found.map_or_else(missing, Ok)),
        None => missing(),
    };
    match read {
        Ok(source) => Some(Arc::new(Source::new(
            shown,
            source.path.clone(),
            source.text.clone(),
        ))),
        Err(why) => {
            d.push(why.at(&shown));
            None
        }
    }
}

/// An app's definition out of an image's archive (`docker save`); none where there is none.
pub(super) fn of_archive(path: &Path) -> Result<Option<String>, String> {
    #[derive(serde::Deserialize)]
    struct Saved {
        #[serde(rename = "Layers")]
        layers: Vec<String>,
    }
    let wrong = |error: std::io::Error| error.to_string();
    let mut file = fs::File::open(path).map_err(wrong)?;
    let mut places: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let mut layers: Vec<String> = Vec::new();
    let mut archive = tar::Archive::new(&file);
    for entry in archive.entries_with_seek().map_err(wrong)?.take(MOST) {
        let mut entry = entry.map_err(|_| "it is no tar archive".to_owned())?;
        let name = entry.path().map_err(wrong)?;
        let name = name.to_string_lossy().trim_start_matches("./").to_owned();
        places.insert(name.clone(), (entry.raw_file_position(), entry.size()));
        if name == "manifest.json" {
            let mut text = Vec::new();
            let read = (&mut entry).take(LARGEST).read_to_end(&mut text);
            read.map_err(wrong)?;
            let saved: Vec<Saved> = serde_json::from_slice(&text)
                .map_err(|_| "its manifest.json cannot be read".to_owned())?;
            layers = saved.into_iter().flat_map(|image| image.layers).collect();
        }
    }
    // What a later layer has is what counts.
    for layer in layers.iter().rev() {
        let Some((at, size)) = places.get(layer) else {
            continue;
        };
        file.seek(SeekFrom::Start(*at)).map_err(wrong)?;
        let mut start = [0; 2];
        (&file).take(2).read(&mut start).map_err(wrong)?;
        file.seek(SeekFrom::Start(*at)).map_err(wrong)?;
        let layer = (&file).take(*size);
        let text = match start {
            [0x1f, 0x8b] => of_layer(tar::Archive::new(flate2::read::GzDecoder::new(layer)))?,
            _ => of_layer(tar::Archive::new(layer))?,
        };
        if text.is_some() {
            return Ok(text);
        }
    }
    Ok(None)
}

/// Likewise out of a tar archive that has the file itself.
pub(super) fn of_layer<R: std::io::Read>(
    mut layer: tar::Archive<R>,
) -> Result<Option<String>, String> {
    let wrong = |error: std::io::Error| error.to_string();
    for entry in layer.entries().map_err(wrong)? {
        let mut entry = entry.map_err(wrong)?;
        let path = entry.path().map_err(wrong)?.to_string_lossy().into_owned();
        let path = path.trim_start_matches(['.', '/']);
        if INSIDE.ends_with(path) && path.ends_with("nua-config.json") {
            let mut text = String::new();
            let read = (&mut entry).take(LARGEST).read_to_string(&mut text);
            read.map_err(|_| "its nua-config.json is no text".to_owned())?;
            return Ok(Some(text));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::temporary::Temporary;

    fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, bytes) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, path, *bytes).unwrap();
        }
        tar.into_inner().unwrap()
    }

    #[test]
    fn a_definition_is_read_out_of_the_last_layer_that_has_it() {
        let folder = Temporary::new().unwrap();
        let path = folder.path().join("nua-wiki:1.tar");
        let old = tar_of(&[("nua/metadata/nua-config.json", b"old"), ("etc/x", b"x")]);
        let new = tar_of(&[("./nua/metadata/nua-config.json", b"new")]);
        let none = tar_of(&[("etc/y", b"y")]);
        let manifest = br#"[{"RepoTags": ["nua-wiki:1"], "Layers": ["1/layer.tar", "2/layer.tar", "3/layer.tar"]}]"#;
        let all = tar_of(&[
            ("1/layer.tar", &old),
            ("2/layer.tar", &new),
            ("3/layer.tar", &none),
            ("manifest.json", manifest),
        ]);
        fs::write(&path, all).unwrap();
        assert_eq!(of_archive(&path), Ok(Some("new".to_owned())));
        let manifest = br#"[{"Layers": ["3/layer.tar"]}]"#;
        let all = tar_of(&[("3/layer.tar", &none), ("manifest.json", manifest)]);
        fs::write(&path, all).unwrap();
        assert_eq!(of_archive(&path), Ok(None));
        // Newer engines save compressed layers.
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut packed, &new).unwrap();
        let all = tar_of(&[
            ("3/layer.tar", &packed.finish().unwrap()),
            ("manifest.json", manifest),
        ]);
        fs::write(&path, all).unwrap();
        assert_eq!(of_archive(&path), Ok(Some("new".to_owned())));
        fs::write(&path, "junk".repeat(500)).unwrap();
        assert_eq!(of_archive(&path), Err("it is no tar archive".to_owned()));
    }

    #[test]
    fn definitions_are_found_below_folders() {
        let folder = Temporary::new().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let app = |id: &str, version: &str| {
            format!("[metadata]\nid = \"{id}\"\nversion = \"{version}\"\n")
        };
        write("a/nua/nua-config.toml", &app("my_wiki", "1.0"));
        write("b/nua-config.toml", &app("my-wiki", "2.0"));
        write("c/nua-config.json", "{");
        write(".hidden/nua-config.toml", &app("other", "1"));
        let found = Definitions::search(&[folder.path().to_owned()]);
        let tag = |version| {
            let found = found.of("my-wiki", version)?;
            found.app.tag.clone()
        };
        assert_eq!(tag(None).as_deref(), Some("1.0"));
        assert_eq!(tag(Some("2.0")).as_deref(), Some("2.0"));
        assert_eq!(tag(Some("3")), None);
        assert_eq!(found.versions("my-wiki"), ["1.0", "2.0"]);
        assert!(found.of("other", None).is_none());
        assert_eq!(found.broken.len(), 1);
    }
}
