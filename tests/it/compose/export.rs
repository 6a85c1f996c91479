//! `coasti export compose`: what it writes is what coasti reads. What Compose makes of it is in `peer`.

use super::{Files, apply, examples, gathered, said};
use crate::support::stacks::in_virtual_time;
use coasti::diag::Diagnostics;
use coasti::model::{ContainerSpec, MountSource, Stack};
use coasti::ops::compose::export;

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
                // Services are called otherwise there; what they are called by others stays.
                joined.links.values_mut().for_each(String::clear);
                (number.to_string(), joined)
            })
            .collect();
        spec.rename_shared(|_| Some(String::new()));
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
        let mut again = Files::of(text).with(".env", &exported.env);
        for (name, content, _) in &exported.beside {
            again = again.with(name, content.expose());
        }
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

/// Compose copies nothing into a root that is read-only.
#[test]
fn files_of_a_read_only_container_stand_beside_the_file() {
    let text = "services:\n  a:\n    image: acme/a:1\n    read_only: true\n    configs: [{source: c, target: /etc/c, mode: 0440}]\n  \
                b: {image: 'acme/b:1', configs: [c]}\nconfigs: {c: {content: \"x\\n\"}}\n";
    let files = Files::of(text);
    let exported = in_virtual_time(async {
        let sim = files.engine().await;
        let desired = files.desired(&mut Diagnostics::new()).unwrap();
        export(&sim, &desired).await.ok().unwrap()
    });
    let beside: Vec<_> = exported
        .beside
        .iter()
        .map(|(name, content, mode)| (name.as_str(), content.expose().as_str(), *mode))
        .collect();
    let [(name, content, mode)] = beside.as_slice() else {
        panic!("{beside:?}");
    };
    assert_eq!((*content, *mode), ("x\n", 0o440));
    let text = &exported.file.text;
    assert!(text.contains(&format!("file: \"./{name}\"")), "{text}");
    assert!(text.contains("content: \"${"), "{text}");
}
