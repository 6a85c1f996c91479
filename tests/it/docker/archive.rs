//! Files in containers that never start: the store's ground.

use super::{create, made, make_volume, run};
use crate::support::engine::{Prefix, engine};
use coasti::{
    base::Secret,
    engine::{Call, Done, Engine, Look},
    model::{ContainerSpec, Mount, MountSource},
};
use std::time::Instant;

fn tar(entries: &[(&str, Option<&str>, &str)]) -> Secret<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, link, content) in entries {
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o600);
        match link {
            Some(target) => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_size(0);
                builder.append_link(&mut header, path, target).unwrap();
            }
            None => {
                header.set_size(content.len() as u64);
                builder
                    .append_data(&mut header, path, content.as_bytes())
                    .unwrap();
            }
        }
    }
    Secret::new(builder.into_inner().unwrap())
}

#[tokio::test]
async fn files_and_links_go_into_a_volume_and_come_back() {
    let Some(docker) = engine("files_and_links_go_into_a_volume_and_come_back").await else {
        return;
    };
    let prefix = Prefix::new();
    let image = format!("{}:1", prefix.name("empty"));
    let empty = Call::MakeEmptyImage {
        reference: image.clone(),
    };
    made(run(&docker, empty.clone()).await.unwrap());
    assert_eq!(run(&docker, empty).await.unwrap(), Done::Already);
    let volume = make_volume(&docker, prefix.name("store")).await;
    let mut spec = ContainerSpec {
        image,
        command: Some(vec![coasti::model::Text::plain("-")]),
        ..Default::default()
    };
    spec.mounts
        .insert("/store".into(), Mount::from(MountSource::Volume(volume)));
    made(run(&docker, create(&prefix, "holder", spec)).await.unwrap());
    let holder = prefix.name("holder");

    let write = Call::Write {
        container: holder.clone(),
        path: "/store".into(),
        tar: tar(&[
            ("objects/abc", None, "hello"),
            ("head", Some("r12"), ""),
            ("key", Some("/0123abc"), ""),
        ]),
    };
    assert_eq!(run(&docker, write).await.unwrap(), Done::Done);

    // The engine shows targets resolved.
    let started = Instant::now();
    let head = docker.link(&holder, "/store/head").await.unwrap();
    let link_took = started.elapsed();
    assert_eq!(head.as_deref(), Some("/store/r12"));
    let key = docker.link(&holder, "/store/key").await.unwrap();
    assert_eq!(key.as_deref(), Some("/0123abc"));
    assert_eq!(docker.link(&holder, "/store/none").await.unwrap(), None);
    assert_eq!(
        docker.link(&holder, "/store/objects/abc").await.unwrap(),
        None
    );
    let nobody = prefix.name("nobody");
    assert_eq!(docker.link(&nobody, "/store/head").await.unwrap(), None);

    let started = Instant::now();
    let back = docker.read(&holder, "/store").await.unwrap().unwrap();
    eprintln!(
        "a link costs {link_took:?}, an archive {:?}",
        started.elapsed()
    );
    let mut names: Vec<_> = tar::Archive::new(back.as_slice())
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "store/",
            "store/head",
            "store/key",
            "store/objects/",
            "store/objects/abc"
        ]
    );
    assert!(docker.read(&holder, "/store/none").await.unwrap().is_none());
    assert!(docker.read(&nobody, "/store").await.unwrap().is_none());

    // A link is replaced by writing it again.
    let write = Call::Write {
        container: holder.clone(),
        path: "/store".into(),
        tar: tar(&[("head", Some("r13"), "")]),
    };
    docker.execute(&write, super::LIMIT).await.unwrap();
    let head = docker.link(&holder, "/store/head").await.unwrap();
    assert_eq!(head.as_deref(), Some("/store/r13"));
}
