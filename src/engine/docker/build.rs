//! Images built from a folder of the caller's, by the engine's classic builder, or by BuildKit where only that
//! does what the Dockerfile says. The folder is sent as it is read; none of it is kept in memory.

use super::{
    Docker, News, auth, buildkit,
    error::{self, Effect},
    image,
    observe::present,
    read::{encode, keep_last},
};
use crate::base::EngineId;
use crate::build::{LABEL_BUILD, Unsendable};
use crate::engine::context::{self, Sink};
use crate::engine::{Done, EngineError, ErrorKind, ImageBuild};
use base64::{Engine as _, engine::general_purpose::URL_SAFE};
use bollard::{errors::Error, models::CreateImageInfo};
use futures_util::stream;
use http_body_util::BodyExt as _;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    header::CONTENT_TYPE,
};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, HashMap},
    io::{self, Write},
};
use tokio::sync::mpsc;

/// How much of a folder is under way at once: so many chunks of so many bytes.
const CHUNKS: usize = 4;
const CHUNK: usize = 256 * 1024;

/// How much of what a build prints is kept: the newest bytes.
const OUTPUT_LIMIT: usize = 16 * 1024;

/// How many lines of it are told where it fails.
const OUTPUT_LINES: usize = 40;

/// The longest line of an answer.
const LONGEST_LINE: usize = 4 << 20;

/// Builds, telling how far it is.
pub(super) async fn build(
    docker: &Docker,
    build: &ImageBuild,
    what: &str,
) -> Result<Done, EngineError> {
    let wrong = |kind, message: String| EngineError::new(kind, what, message);
    for base in &build.pull {
        image::pull(docker, base, what).await?;
    }
    let missing = match build.spec.buildkit {
        true => buildkit::prepare(docker, build, what).await?,
        false => None,
    };
    let mut request =
        Request::post(format!("/build?{}", query(build))).header(CONTENT_TYPE, "application/x-tar");
    if let Some(logins) = logins(build)
        .await
        .map_err(|why| wrong(ErrorKind::Denied, why))?
    {
        request = request.header("X-Registry-Config", logins);
    }
    let root = docker.folder.join(&build.spec.context);
    let (spec, reference, teller) = (build.spec.clone(), build.reference.clone(), docker.clone());
    let (sender, receiver) = mpsc::channel(CHUNKS);
    let sending = tokio::task::spawn_blocking(move || {
        let total = context::size(&root, &spec)?;
        let told = move |sent: u64| {
            teller.tell(&reference, News::Sending(sent.min(total), total));
        };
        context::send(&root, &spec, Pipe::new(sender, told))
    });
    let chunks = stream::unfold(receiver, async |mut receiver| {
        let chunk = receiver.recv().await?;
        Some((chunk, receiver))
    });
    let body = bollard::body_try_stream(chunks);
    let answer = match request.body(body) {
        Ok(request) => docker.wire.send(request).await,
        Err(error) => Err(error.into()),
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            // What was wrong with the folder says more than that the request was cut off by it.
            if let Ok(Err(why)) = sending.await
                && !why.why.ends_with(GONE)
            {
                return Err(wrong(ErrorKind::Rejected, told(build, &why)));
            }
            return Err(error::convert(what, error, Effect::Some));
        }
    };
    let mut output = Vec::new();
    if let Err(failed) = follow(docker, build, answer, &mut output).await {
        return Err(hinted(build, what, missing, failed).with_output(shown(&output)));
    }
    for tag in &build.spec.tags {
        let tagged = image::tag(docker, &build.reference, tag).await;
        tagged.map_err(|error| error::convert(what, error, Effect::Some))?;
    }
    let made = present(docker.client.inspect_image(&build.reference)).await;
    let made = made.map_err(|error| error::convert(what, error, Effect::Some))?;
    let digest = build.labels.get(LABEL_BUILD);
    let is_it = |labels: &HashMap<String, String>| labels.get(LABEL_BUILD) == digest;
    let made = made.filter(|image| {
        let config = image.config.as_ref();
        config
            .and_then(|config| config.labels.as_ref())
            .is_some_and(is_it)
    });
    match made.and_then(|image| image.id) {
        Some(id) => Ok(Done::Made(EngineId::new(id))),
        None => {
            let why = "the engine ended the build without an image".to_owned();
            Err(wrong(ErrorKind::Rejected, why).with_output(shown(&output)))
        }
    }
}

/// What cannot be sent, with its path from the stack's folder on.
fn told(build: &ImageBuild, why: &Unsendable) -> String {
    let folder = match build.spec.context.as_str() {
        "" => ".",
        folder => folder,
    };
    match why.path.as_str() {
        "" => format!("the folder `{folder}` {}", why.why),
        path => format!("`{folder}/{path}` {}", why.why),
    }
}

fn query(build: &ImageBuild) -> String {
    let spec = &build.spec;
    let dockerfile = match &spec.inline {
        Some(text) => context::inline_name(text),
        None => spec.dockerfile.clone(),
    };
    let json = |pairs: &BTreeMap<String, String>| serde_json::json!(pairs).to_string();
    let flag = |flag: bool| if flag { "1" } else { "0" }.to_owned();
    let mut pairs = vec![
        ("t", build.reference.clone()),
        ("dockerfile", dockerfile),
        ("labels", json(&build.labels)),
        ("buildargs", json(&spec.args)),
        ("nocache", flag(spec.no_cache)),
        ("rm", flag(true)),
        ("forcerm", flag(true)),
    ];
    if spec.buildkit {
        pairs.push(("version", buildkit::VERSION.to_owned()));
    }
    if !spec.cache_from.is_empty() {
        let images = serde_json::json!(spec.cache_from);
        pairs.push(("cachefrom", images.to_string()));
    }
    let hosts = spec.extra_hosts.iter();
    pairs.extend(hosts.map(|(name, to)| ("extrahosts", format!("{name}:{to}"))));
    for (key, text) in [
        ("target", &spec.target),
        ("networkmode", &spec.network),
        ("platform", &spec.platform),
        ("shmsize", &spec.shm_size.map(|size| size.to_string())),
    ] {
        pairs.extend(text.clone().map(|text| (key, text)));
    }
    let each = pairs.iter();
    let each: Vec<_> = each
        .map(|(key, text)| format!("{key}={}", encode(text)))
        .collect();
    each.join("&")
}

/// Logins for the registries of the images that it starts from.
async fn logins(build: &ImageBuild) -> Result<Option<String>, String> {
    let mut logins = BTreeMap::new();
    for base in &build.spec.bases {
        let host = auth::registry(base);
        if logins.contains_key(host) || build.spec.built_bases.contains_key(base) {
            continue;
        }
        if let Some(login) = auth::credentials(base).await? {
            let key = login
                .serveraddress
                .clone()
                .unwrap_or_else(|| host.to_owned());
            logins.insert(key, login);
        }
    }
    if logins.is_empty() {
        return Ok(None);
    }
    let json = serde_json::to_string(&logins).map_err(|error| error.to_string())?;
    Ok(Some(URL_SAFE.encode(json)))
}

/// A line of a build's answer.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Line {
    stream: Option<String>,
    error: Option<String>,
    id: Option<String>,
    aux: Option<serde_json::Value>,
}

/// Reads the answer to its end; what the build prints goes to `output`.
async fn follow(
    docker: &Docker,
    build: &ImageBuild,
    answer: Response<Incoming>,
    output: &mut Vec<u8>,
) -> Result<(), Error> {
    let (head, mut body) = answer.into_parts();
    let mut buffer: Vec<u8> = Vec::new();
    let mut layers = HashMap::new();
    let mut trace = buildkit::Trace::default();
    while let Some(frame) = body.frame().await {
        let Ok(part) = frame?.into_data() else {
            continue;
        };
        buffer.extend_from_slice(&part);
        if buffer.len() > LONGEST_LINE && !buffer.contains(&b'\n') {
            buffer.clear();
        }
        if !head.status.is_success() {
            continue;
        }
        while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
            let raw: Vec<u8> = buffer.drain(..=end).collect();
            let Ok(line) = serde_json::from_slice::<Line>(&raw) else {
                continue;
            };
            if let Some(error) = line.error {
                return Err(Error::DockerStreamError { error });
            }
            if let Some(text) = line.stream {
                let text = without_colors(&text);
                if let Some(step) = text.trim_end().strip_prefix("Step ") {
                    docker.tell(&build.reference, News::Step(step.replacen(" : ", " ", 1)));
                }
                keep_last(output, text.as_bytes(), OUTPUT_LIMIT);
            } else if line.id.as_deref() == Some(buildkit::TRACE) {
                let aux = line.aux.as_ref().and_then(serde_json::Value::as_str);
                for news in trace.read(aux.unwrap_or_default()) {
                    if let buildkit::News::Step(step) = &news {
                        docker.tell(&build.reference, News::Step(step.clone()));
                    }
                    keep_last(
                        output,
                        without_colors(&news.text()).as_bytes(),
                        OUTPUT_LIMIT,
                    );
                }
            } else if let Ok(info) = serde_json::from_slice::<CreateImageInfo>(&raw)
                && image::note(&mut layers, info)
            {
                let (current, total) = image::sum(&layers);
                docker.tell(&build.reference, News::Pulling(current, total));
            }
        }
    }
    if head.status.is_success() {
        return Ok(());
    }
    #[derive(Deserialize)]
    struct Refusal {
        message: String,
    }
    let message = serde_json::from_slice::<Refusal>(&buffer).map(|refusal| refusal.message);
    let message = message.unwrap_or_else(|_| String::from_utf8_lossy(&buffer).into_owned());
    Err(Error::DockerResponseServerError {
        status_code: head.status.as_u16(),
        message,
    })
}

/// Why it failed; where an image that it starts from cannot be had, with what to do.
fn hinted(
    build: &ImageBuild,
    what: &str,
    missing: Option<EngineError>,
    failed: Error,
) -> EngineError {
    let plain = error::convert(what, failed, Effect::Some);
    // A command's own words say nothing of registries, whatever is in them.
    if plain.message.starts_with("The command ") || buildkit::is_commands(&plain.message) {
        return EngineError {
            kind: ErrorKind::Rejected,
            ..plain
        };
    }
    if build.spec.buildkit {
        return buildkit::hinted(build, missing, plain);
    }
    let said = |base: &&String| {
        let path = image::split(base).0.trim_start_matches("docker.io/");
        plain.message.contains(path.trim_start_matches("library/"))
    };
    let bases = &build.spec.bases;
    match bases.iter().find(said).or(bases.first()) {
        Some(base) => image::hinted(base, plain),
        None => plain,
    }
}

/// What a build printed, without what tells only how the engine goes about it.
fn shown(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let inner = |line: &&str| {
        !line.starts_with(" ---> ") && !line.starts_with("Removing intermediate container ")
    };
    let lines: Vec<_> = text.lines().filter(inner).collect();
    let skipped = lines.len().saturating_sub(OUTPUT_LINES);
    lines.get(skipped..).unwrap_or_default().join("\n")
}

/// Without what colours a terminal: the builder marks errors so.
fn without_colors(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| c.is_ascii_alphabetic());
        plain.push_str(end.and_then(|end| part.get(end + 1..)).unwrap_or_default());
    }
    plain
}

/// What is said where nobody takes the archive any more: whoever stopped says why.
const GONE: &str = "is no longer asked for";

/// Where an archive goes: to the connection, in chunks.
struct Pipe<T> {
    sender: mpsc::Sender<io::Result<Bytes>>,
    chunk: Vec<u8>,
    sent: u64,
    told: T,
}

impl<T: Fn(u64)> Pipe<T> {
    fn new(sender: mpsc::Sender<io::Result<Bytes>>, told: T) -> Self {
        Self {
            sender,
            chunk: Vec::with_capacity(CHUNK),
            sent: 0,
            told,
        }
    }

    fn pass_on(&mut self) -> io::Result<()> {
        let chunk = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK));
        self.sent += chunk.len() as u64;
        let passed = self.sender.blocking_send(Ok(Bytes::from(chunk)));
        (self.told)(self.sent);
        passed.map_err(|_| io::Error::other(GONE))
    }
}

impl<T: Fn(u64)> Write for Pipe<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.sender.is_closed() {
            return Err(io::Error::other(GONE));
        }
        let room = CHUNK - self.chunk.len();
        let part = bytes.get(..room.min(bytes.len())).unwrap_or(bytes);
        self.chunk.extend_from_slice(part);
        if self.chunk.len() >= CHUNK {
            self.pass_on()?;
        }
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass_on()
    }
}

impl<T: Fn(u64)> Sink for Pipe<T> {
    fn break_off(&mut self) {
        // An error ends the request without an end.
        let _ = self.sender.blocking_send(Err(io::Error::other("cut off")));
        // Whatever comes now goes nowhere.
        self.sender = mpsc::channel(1).0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_build_printed_is_what_matters_of_it() {
        let printed = "Step 1/2 : FROM x\n ---> 0123\nStep 2/2 : RUN make\n ---> Running in 4567\nno rule\nRemoving intermediate container 4567\n";
        assert_eq!(
            shown(printed.as_bytes()),
            "Step 1/2 : FROM x\nStep 2/2 : RUN make\nno rule"
        );
        let long: String = (0..100).map(|n| format!("{n}\n")).collect();
        assert_eq!(shown(long.as_bytes()).lines().count(), OUTPUT_LINES);
        assert_eq!(
            without_colors("\x1b[91mred\x1b[0m and \x1b[1;4mmore"),
            "red and more"
        );
        assert_eq!(without_colors("cut \x1b[9"), "cut ");
    }
}
