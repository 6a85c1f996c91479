//! Images: pulled, loaded, made empty, tagged; digests at registries.

use super::{
    Docker, News, auth,
    error::{self, Effect},
    observe::present,
};
use crate::base::EngineId;
use crate::engine::{Done, EngineError, ErrorKind};
use bollard::{
    errors::Error,
    models::CreateImageInfo,
    query_parameters::{
        CreateImageOptionsBuilder, ImportImageOptionsBuilder, ListImagesOptionsBuilder,
        RemoveImageOptions, TagImageOptionsBuilder,
    },
};
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use hyper::body::Bytes;
use std::{collections::HashMap, path::Path};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The end of a tar archive, and nothing before it.
const EMPTY_TAR: [u8; 1024] = [0; 1024];

/// How much of an archive is read at once.
const CHUNK: usize = 256 * 1024;

/// Repository, and tag or digest, of a reference. Without either, Docker would pull every tag there is.
pub(super) fn split(reference: &str) -> (&str, &str) {
    let (name, digest) = match reference.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (reference, None),
    };
    let (repository, tag) = match name.rsplit_once(':') {
        // A colon before the last slash belongs to the registry's port.
        Some((repository, tag)) if !tag.contains('/') => (repository, tag),
        _ => (name, "latest"),
    };
    (repository, digest.unwrap_or(tag))
}

/// References of images in a repository.
pub(super) async fn tags(docker: &Docker, repository: &str) -> Result<Vec<String>, EngineError> {
    let filters = HashMap::from([("reference".to_owned(), vec![repository.to_owned()])]);
    let options = ListImagesOptionsBuilder::new().filters(&filters).build();
    let call = docker.client.list_images(Some(options));
    let images = docker.reading("list images", call).await?;
    let tags = images.into_iter().flat_map(|image| image.repo_tags);
    Ok(tags.collect())
}

/// Writes an image into a file as an archive.
pub(super) async fn save(docker: &Docker, reference: &str, to: &Path) -> Result<bool, EngineError> {
    if super::observe::image(docker, reference).await?.is_none() {
        return Ok(false);
    }
    let what = format!("save image {reference}");
    let here = |error: std::io::Error| EngineError::new(ErrorKind::Rejected, &what, error);
    let mut file = tokio::fs::File::create(to).await.map_err(here)?;
    let mut all = docker.client.export_image(reference);
    // It may take long, but never without a word.
    while let Some(bytes) = docker.reading(&what, all.next().map(Ok)).await? {
        let bytes = bytes.map_err(|error| error::convert(&what, error, Effect::None))?;
        file.write_all(&bytes).await.map_err(here)?;
    }
    file.flush().await.map_err(here)?;
    Ok(true)
}

/// Pulls an image, telling how far it is.
pub(super) async fn pull(
    docker: &Docker,
    reference: &str,
    what: &str,
) -> Result<Done, EngineError> {
    let (repository, tag) = split(reference);
    let credentials = auth::credentials(reference)
        .await
        .map_err(|message| EngineError::new(ErrorKind::Denied, what, message))?;
    let options = CreateImageOptionsBuilder::new()
        .from_image(repository)
        .tag(tag)
        .build();
    let mut news = docker.client.create_image(Some(options), None, credentials);
    let mut layers = HashMap::new();
    // Errors come in the stream, also after a good beginning: it is read to its end.
    while let Some(item) = news.next().await {
        let info = item.map_err(|error| refused(reference, what, error))?;
        if note(&mut layers, info) {
            let (current, total) = sum(&layers);
            docker.tell(reference, News::Pulling(current, total));
        }
    }
    Ok(Done::Done)
}

/// Bytes that are here, of all layers that are known.
pub(super) fn sum(layers: &HashMap<String, (u64, u64)>) -> (u64, u64) {
    let add = |(a, b), (current, total): &(u64, u64)| (a + current, b + total);
    layers.values().fold((0, 0), add)
}

/// Remembers how far a layer is; false where the news is about something else.
pub(super) fn note(layers: &mut HashMap<String, (u64, u64)>, info: CreateImageInfo) -> bool {
    let (Some(id), Some(detail)) = (info.id, info.progress_detail) else {
        return false;
    };
    let done = info.status.as_deref() == Some("Download complete");
    let layer = layers.entry(id).or_default();
    if done {
        layer.0 = layer.1;
        return true;
    }
    // Unpacking counts anew; only the download is counted.
    if info.status.as_deref() != Some("Downloading") {
        return false;
    }
    let bytes = |n: Option<i64>| n.and_then(|n| u64::try_from(n).ok()).unwrap_or_default();
    *layer = (bytes(detail.current), bytes(detail.total));
    true
}

/// Why an image cannot be had, and what to do.
fn refused(reference: &str, what: &str, error: Error) -> EngineError {
    hinted(reference, error::convert(what, error, Effect::Some))
}

/// With what to do, where the image's registry is why.
pub(super) fn hinted(reference: &str, mut error: EngineError) -> EngineError {
    let host = auth::registry(reference);
    let words = error.message.to_lowercase();
    let has = |texts: &[&str]| texts.iter().any(|text| words.contains(text));
    let hint = if has(&["toomanyrequests", "rate limit"]) {
        error.kind = ErrorKind::Rejected;
        format!("the registry {host} limits pulls: log in with `docker login {host}`, or try later")
    } else if has(&["manifest unknown", "not found: manifest"]) {
        error.kind = ErrorKind::NotFound;
        format!("the registry {host} has no such tag")
    } else if error.kind == ErrorKind::Denied {
        format!("there is no such image, or the registry wants a login: `docker login {host}`")
    } else if has(&[
        "dial tcp",
        "no such host",
        "i/o timeout",
        "handshake timeout",
        "connection refused",
        "network is unreachable",
        "deadline exceeded",
        "client.timeout",
        "server misbehaving",
    ]) {
        // Of the registry, not of the engine: that one answers.
        error.kind = ErrorKind::Rejected;
        format!("the engine cannot reach the registry {host}")
    } else {
        return error;
    };
    error.message = format!("{hint} ({})", error.message);
    error
}

/// Loads an archive from this machine's disk, streamed.
pub(super) async fn load(docker: &Docker, archive: &Path, what: &str) -> Result<Done, EngineError> {
    let archive = &docker.folder.join(archive);
    let wrong = |why: String| EngineError::new(ErrorKind::Rejected, what, why);
    let cannot = |error: std::io::Error| wrong(format!("cannot be read: {error}"));
    // Opening a pipe waits for somebody who writes.
    if !tokio::fs::metadata(archive)
        .await
        .map_err(cannot)?
        .is_file()
    {
        return Err(wrong("it is not a file".to_owned()));
    }
    let file = tokio::fs::File::open(archive).await.map_err(cannot)?;
    let chunks = stream::try_unfold(file, async |mut file| {
        let mut chunk = vec![0; CHUNK];
        let read = file.read(&mut chunk).await?;
        chunk.truncate(read);
        Ok::<_, std::io::Error>((read > 0).then(|| (Bytes::from(chunk), file)))
    });
    let options = ImportImageOptionsBuilder::new().quiet(true).build();
    docker
        .client
        .import_image_stream(options, Box::pin(chunks), None)
        .try_for_each(async |_| Ok(()))
        .await
        .map_err(|error| error::convert(what, error, Effect::Some))?;
    Ok(Done::Done)
}

/// Makes an image without content.
pub(super) async fn make_empty(docker: &Docker, reference: &str) -> Result<Done, Error> {
    // Every import makes a new image, and the old one would stay behind without a name.
    if present(docker.client.inspect_image(reference))
        .await?
        .is_some()
    {
        return Ok(Done::Already);
    }
    let (repository, tag) = split(reference);
    let options = CreateImageOptionsBuilder::new()
        .from_src("-")
        .repo(repository)
        .tag(tag)
        .build();
    let body = bollard::body_full(Bytes::from_static(&EMPTY_TAR));
    docker
        .client
        .create_image(Some(options), Some(body), None)
        .try_for_each(async |_| Ok(()))
        .await?;
    let made = docker.client.inspect_image(reference).await?;
    Ok(Done::Made(EngineId::new(made.id.unwrap_or_default())))
}

/// Gives an image one more tag.
pub(super) async fn tag(docker: &Docker, image: &str, reference: &str) -> Result<Done, Error> {
    let (repository, tag) = split(reference);
    let options = TagImageOptionsBuilder::new()
        .repo(repository)
        .tag(tag)
        .build();
    docker.client.tag_image(image, Some(options)).await?;
    Ok(Done::Done)
}

/// Takes a tag away from an image.
pub(super) async fn untag(docker: &Docker, reference: &str) -> Result<Done, Error> {
    let options = None::<RemoveImageOptions>;
    docker.client.remove_image(reference, options, None).await?;
    Ok(Done::Done)
}

/// The digest that the registry has for a reference now. The engine asks, so its way to the registry counts.
pub(super) async fn remote_digest(docker: &Docker, reference: &str) -> Result<String, EngineError> {
    let what = format!("ask the registry for {reference}");
    let credentials = auth::credentials(reference)
        .await
        .map_err(|message| EngineError::new(ErrorKind::Denied, &what, message))?;
    let call = docker.client.inspect_registry_image(reference, credentials);
    let found = tokio::time::timeout(super::READ_LIMIT, call)
        .await
        .unwrap_or(Err(Error::RequestTimeoutError))
        .map_err(|error| {
            let mut error = refused(reference, &what, error);
            // Nothing was changed, so nothing is open.
            if error.kind == ErrorKind::Ambiguous {
                error.kind = ErrorKind::Unreachable;
            }
            error
        })?;
    found
        .descriptor
        .digest
        .ok_or_else(|| EngineError::new(ErrorKind::Rejected, &what, "the registry names no digest"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_split() {
        for (reference, parts) in [
            (
                "docker.io/library/redis:7",
                ("docker.io/library/redis", "7"),
            ),
            ("redis", ("redis", "latest")),
            ("localhost:5000/a/b", ("localhost:5000/a/b", "latest")),
            ("localhost:5000/a:1", ("localhost:5000/a", "1")),
            ("a:1@sha256:ff", ("a", "sha256:ff")),
        ] {
            assert_eq!(split(reference), parts);
        }
    }

    #[test]
    fn a_refused_pull_says_what_to_do() {
        for (message, kind, hint) in [
            (
                "manifest for a:9 not found: manifest unknown: manifest unknown",
                ErrorKind::NotFound,
                "no such tag",
            ),
            (
                "pull access denied for a, repository does not exist or may require 'docker login'",
                ErrorKind::Denied,
                "docker login docker.io",
            ),
            (
                "toomanyrequests: You have reached your pull rate limit",
                ErrorKind::Rejected,
                "limits pulls",
            ),
            (
                "Get https://registry-1.docker.io/v2/: dial tcp: lookup registry-1.docker.io: no such host",
                ErrorKind::Rejected,
                "cannot reach the registry",
            ),
        ] {
            let error = Error::DockerStreamError {
                error: message.to_owned(),
            };
            let error = refused("docker.io/library/a:9", "pull", error);
            assert_eq!(error.kind, kind, "{message}");
            assert!(error.message.contains(hint), "{}", error.message);
        }
    }
}
