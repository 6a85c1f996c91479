//! Image archives as `docker save` writes them, as far as the simulator wants to know.

use super::program::Behaviour;
use super::world::SimImage;
use crate::observe::Image;
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, Read as _},
    path::Path,
};

#[derive(Deserialize)]
struct Manifest {
    #[serde(rename = "Config")]
    config: String,
    #[serde(rename = "RepoTags", default)]
    tags: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
struct Whole {
    #[serde(default)]
    config: Config,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Config {
    volumes: Option<BTreeMap<String, serde_json::Value>>,
    exposed_ports: Option<BTreeMap<String, serde_json::Value>>,
    env: Option<Vec<String>>,
    labels: Option<BTreeMap<String, String>>,
    healthcheck: Option<serde_json::Value>,
}

/// The images in an archive, by their tags.
pub(super) fn images(path: &Path) -> io::Result<Vec<(String, SimImage)>> {
    let mut texts = BTreeMap::new();
    for entry in tar::Archive::new(File::open(path)?).entries()? {
        let mut entry = entry?;
        let name = entry.path()?.to_string_lossy().into_owned();
        // Layers are not looked at.
        if name.ends_with(".json") || (name.starts_with("blobs/") && entry.size() < 1 << 20) {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            texts.insert(name, bytes);
        }
    }
    let missing = |name: &str| io::Error::other(format!("{name} is missing"));
    let manifest = texts
        .get("manifest.json")
        .ok_or_else(|| missing("manifest.json"))?;
    let mut images = Vec::new();
    for one in serde_json::from_slice::<Vec<Manifest>>(manifest)? {
        let text = texts.get(&one.config).ok_or_else(|| missing(&one.config))?;
        let config = serde_json::from_slice::<Whole>(text)?.config;
        let keys = |map: Option<BTreeMap<String, serde_json::Value>>| -> BTreeSet<String> {
            map.unwrap_or_default().into_keys().collect()
        };
        let env = config.env.unwrap_or_default().into_iter();
        let facts = Image {
            volumes: keys(config.volumes),
            exposed: keys(config.exposed_ports),
            has_health: config.healthcheck.is_some(),
            env: env
                .filter_map(|line| {
                    line.split_once('=')
                        .map(|(name, value)| (name.to_owned(), value.to_owned()))
                })
                .collect(),
            labels: config.labels.unwrap_or_default(),
            ..Image::default()
        };
        for tag in one.tags.unwrap_or_default() {
            let image = SimImage {
                facts: facts.clone(),
                ..SimImage::new(Behaviour::Runs)
            };
            images.push((tag, image));
        }
    }
    Ok(images)
}
