//! `coasti export compose`: what it writes is what coasti reads. What Compose makes of it is in `peer`.

use super::{Files, apply, examples, gathered, said};
use crate::support::stacks::in_virtual_time;
use coasti::config;
use coasti::diag::Diagnostics;
use coasti::model::{ContainerSpec, MountSource, Stack};
use coasti::ops::compose::{Import, export, import};
use coasti::ops::folder::Disk;
use std::{fs, path::PathBuf};

/// What of a container does not depend on how things are called.
fn bare(stack: &Stack) -> Vec<ContainerSpec> {
    let each = stack.containers().map(|(_, _, spec)| {
        let mut spec = spec.clone();
        for mount in spec.mounts.values_mut() {
            if let MountSource::Volume(name) = &mut mount.source {
                *name = coasti::base::EngineId::new("");
            }
        }
        spec.live.networks = std::mem::take(&mut spec.live.networks)
            .into_values()
            .enumerate()
            .map(|(number, mut joined)| {
                joined.aliases.clear();
                (number.to_string(), joined)
            })
            .collect();
        if matches!(spec.network_mode, coasti::model::NetworkMode::Container(_)) {
            spec.network_mode = coasti::model::NetworkMode::None;
        }
        spec
    });
    each.collect()
}

#[test]
fn what_is_exported_is_read_again() {
    for folder in examples() {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let files = Files::from(&folder);
        let (first, exported) = in_virtual_time(async {
            let sim = files.engine().await;
            if let Err(error) = apply(&sim, &files).await {
                panic!("{name}: {error}");
            }
            let desired = files.desired(&mut Diagnostics::new()).unwrap();
            let Ok(exported) = export(&sim, &desired).await else {
                panic!("{name} is not exported");
            };
            (gathered(&sim, &files).await.sealed.stack, exported)
        });
        let text = &exported.file.text;
        for secret in ["correct horse", "battery-staple", "NO KEY"] {
            assert!(!text.contains(secret), "{name}: {text}");
        }
        let left = &exported.file.left_out;
        assert!(exported.unknown.is_empty() && left.is_empty(), "{left:?}");
        // With what Compose would be given, coasti makes the same of it.
        let again = Files::of(text).with(".env", &exported.env);
        let second = in_virtual_time(async {
            let sim = again.engine().await;
            gathered(&sim, &again).await.sealed.stack
        });
        let mut diagnostics = Diagnostics::new();
        again.desired(&mut diagnostics);
        let told = said(&diagnostics);
        let errors: Vec<_> = told
            .lines()
            .filter(|line| !line.starts_with("W0150"))
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:?}\n{text}");
        let (first, second) = (bare(&first), bare(&second));
        assert_eq!(first.len(), second.len(), "{name}");
        for (first, second) in first.iter().zip(&second) {
            let pair = [first, second].map(|spec| {
                let mut spec = spec.clone();
                // Digests are of two keys; that they are there is what counts.
                for text in spec.texts_mut() {
                    text.values_mut().for_each(|value| {
                        value.digest = None;
                        value.id = coasti::base::ValueId::new("");
                    });
                }
                serde_json::to_value(&spec).unwrap()
            });
            assert_eq!(pair[0], pair[1], "{name}\n{text}");
        }
    }
}

#[test]
fn what_is_imported_is_a_product() {
    let place = std::env::temp_dir().join(format!("coasti-import-{}", std::process::id()));
    let stack = place.join("stack");
    fs::create_dir_all(stack.join("config")).unwrap();
    fs::write(
        stack.join("config/products.yml"),
        "version: 1\nproducts:\n- id: shop\n",
    )
    .unwrap();
    fs::write(
        stack.join("config/deploy.yml"),
        "version: 1\nstack: acme\nsite:\n- {label: web, image: shop}\n",
    )
    .unwrap();
    let from = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/compose/include");
    let disk = Disk::at(&stack);
    let wish = Import {
        file: from.join("compose.yml"),
        id: Some("shop".into()),
        ..Import::default()
    };
    let done = import(&disk, &wish).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        done.files,
        [
            "products/shop/compose.yml",
            "products/shop/shared/cache.yml",
            "products/shop/shared/db/compose.yml",
            "products/shop/shared/db/values.env",
            "products/shop/info.yml",
        ]
    );
    assert_eq!(
        done.folders.iter().collect::<Vec<_>>(),
        ["products/shop/shared/db/init"]
    );
    let mut diagnostics = Diagnostics::new();
    let desired = config::read(&disk, &mut diagnostics);
    assert!(
        desired.is_some() && diagnostics.is_empty(),
        "{}",
        said(&diagnostics)
    );
    // What is there is not written over, and what is wrong is not written at all.
    assert!(import(&disk, &wish).is_err());
    let bad = Import {
        file: from.join("shared/db/compose.yml"),
        id: Some("bad".into()),
        ..Import::default()
    };
    fs::write(place.join("bad.yml"), "services: {a: {imag: x}}\n").unwrap();
    let bad = Import {
        file: place.join("bad.yml"),
        ..bad
    };
    assert!(import(&disk, &bad).is_err());
    assert!(!stack.join("products/bad").exists());
    fs::remove_dir_all(place).unwrap();
}

#[test]
fn what_a_build_takes_is_imported_with_it() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let place = std::env::temp_dir().join(format!("coasti-import-build-{}", std::process::id()));
    let (stack, from) = (place.join("stack"), place.join("from"));
    fs::create_dir_all(stack.join("config")).unwrap();
    let products = "version: 1\nproducts:\n- id: shop\n";
    fs::write(stack.join("config/products.yml"), products).unwrap();
    let deploy = "version: 1\nstack: acme\nsite:\n- {label: web, image: shop}\n";
    fs::write(stack.join("config/deploy.yml"), deploy).unwrap();
    fs::create_dir_all(from.join("app/empty")).unwrap();
    fs::create_dir_all(from.join("app/node_modules")).unwrap();
    for (path, text) in [
        ("compose.yml", "services: {web: {build: app}}\n"),
        ("app/Dockerfile", "FROM debian:12\nCOPY . /\n"),
        ("app/.dockerignore", "node_modules\n"),
        ("app/node_modules/x", "large"),
        ("app/run.sh", "#!/bin/sh\n"),
    ] {
        fs::write(from.join(path), text).unwrap();
    }
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(from.join("app/run.sh"), mode).unwrap();
    symlink("run.sh", from.join("app/start")).unwrap();
    symlink("/etc", from.join("app/etc")).unwrap();
    let disk = Disk::at(&stack);
    let wish = Import {
        file: from.join("compose.yml"),
        id: Some("shop".into()),
        ..Import::default()
    };
    let done = import(&disk, &wish).unwrap_or_else(|error| panic!("{error}"));
    let app = stack.join("products/shop/app");
    assert!(app.join("empty").is_dir() && !app.join("node_modules").exists());
    assert_eq!(
        fs::read_link(app.join("start")).unwrap(),
        PathBuf::from("run.sh")
    );
    assert_eq!(
        fs::read_link(app.join("etc")).unwrap(),
        PathBuf::from("/etc")
    );
    let mode = fs::metadata(app.join("run.sh"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o755);
    assert_eq!(done.files.len(), 7, "{:?}", done.files);
    // The same folder, so the same image.
    let mut diagnostics = Diagnostics::new();
    let here = config::read(&disk, &mut diagnostics)
        .unwrap()
        .built_images();
    let run = "run: {compose: compose.yml}\n";
    fs::write(from.join("info.yml"), run).unwrap();
    fs::remove_dir_all(stack.join("products/shop")).unwrap();
    fs::rename(&from, stack.join("products/shop")).unwrap();
    let there = config::read(&disk, &mut diagnostics)
        .unwrap()
        .built_images();
    assert_eq!(here, there);
    fs::remove_dir_all(place).unwrap();
}
