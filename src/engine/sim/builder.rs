//! Builds, as far as the simulator understands a Dockerfile: where it starts from, whether commands and
//! copies go well, what the image declares.

use super::program::{self, Behaviour};
use super::rules::{Answer, Yes, no};
use super::world::{SimImage, World, image_id, normal};
use crate::base::EngineId;
use crate::build::{Dockerfile, Instruction, LABEL_BUILD};
use crate::engine::context::{self, Sink};
use crate::engine::{Done, ErrorKind, ImageBuild};
use crate::model::BuildSpec;
use std::{
    collections::BTreeMap,
    io::{self, Read as _, Write},
    path::Path,
};

/// Instructions that an engine knows.
const KNOWN: &[&str] = &[
    "FROM",
    "ARG",
    "RUN",
    "COPY",
    "ADD",
    "ENV",
    "LABEL",
    "VOLUME",
    "EXPOSE",
    "CMD",
    "ENTRYPOINT",
    "USER",
    "WORKDIR",
    "SHELL",
    "STOPSIGNAL",
    "HEALTHCHECK",
    "ONBUILD",
    "MAINTAINER",
];

/// An archive in memory.
#[derive(Default)]
struct Memory(Vec<u8>, bool);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.1 {
            self.0.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for &mut Memory {
    fn break_off(&mut self) {
        self.1 = true;
    }
}

/// What is sent, as texts; folders end in `/`.
fn sent(folder: &Path, spec: &BuildSpec) -> Result<BTreeMap<String, String>, String> {
    let mut memory = Memory::default();
    let root = folder.join(&spec.context);
    context::send(&root, spec, &mut memory)
        .map_err(|why| format!("`{}/{}` {}", spec.context, why.path, why.why))?;
    let mut files = BTreeMap::new();
    let mut archive = tar::Archive::new(memory.0.as_slice());
    for entry in archive.entries().map_err(|error| error.to_string())? {
        let mut entry = entry.map_err(|error| error.to_string())?;
        let path = entry.path().map_err(|error| error.to_string())?;
        let path = path.to_string_lossy().into_owned();
        let mut bytes = Vec::new();
        // A link has no content.
        let _ = entry.read_to_end(&mut bytes);
        files.insert(path, String::from_utf8_lossy(&bytes).into_owned());
    }
    Ok(files)
}

/// A stage while it is built.
#[derive(Default)]
struct Stage {
    image: SimImage,
    took: u64,
}

impl World {
    pub(super) fn build(&mut self, build: &ImageBuild) -> Answer {
        let spec = &build.spec;
        let files = match sent(&self.folder, spec) {
            Ok(files) => files,
            Err(why) => return no(ErrorKind::Rejected, why),
        };
        let name = match &spec.inline {
            Some(text) => context::inline_name(text),
            None => spec.dockerfile.clone(),
        };
        let Some(text) = files.get(&name) else {
            let why = format!("Cannot locate specified Dockerfile: {name}");
            return no(ErrorKind::Rejected, why);
        };
        let file = Dockerfile::new(text);
        for base in &build.pull {
            self.pull(base)?;
        }
        if let Some(one) = file
            .instructions
            .iter()
            .find(|one| !KNOWN.contains(&one.word.as_str()))
        {
            let why = format!("dockerfile parse error: unknown instruction: {}", one.word);
            return no(ErrorKind::Rejected, why);
        }
        if file.needs_buildkit() && !spec.buildkit {
            let why = "the classic builder does not do what the Dockerfile says";
            return no(ErrorKind::Rejected, why);
        }
        if let Some(target) = spec
            .target
            .as_ref()
            .filter(|target| !file.has_stage(target))
        {
            let why = format!("failed to reach build target {target} in Dockerfile");
            return no(ErrorKind::Rejected, why);
        }
        let names = file.stages();
        let mut bases = file.bases(&spec.args).into_iter();
        let mut stages: Vec<Stage> = Vec::new();
        let mut took = 0;
        self.printed.clear();
        let steps = file.instructions.len();
        for (number, one) in file.instructions.iter().enumerate() {
            self.printed.push_str(&format!(
                "Step {}/{steps} : {} {}\n",
                number + 1,
                one.word,
                one.rest
            ));
            if one.word == "FROM" {
                let done = stages
                    .len()
                    .checked_sub(1)
                    .and_then(|at| names.get(at).cloned());
                let target = spec.target.as_ref().map(|name| name.to_ascii_lowercase());
                if target.is_some() && done.flatten() == target {
                    break;
                }
                let from = one.rest.split_whitespace().next().unwrap_or_default();
                let stage = names.iter().take(stages.len());
                let stage = stage
                    .into_iter()
                    .position(|name| name.as_deref() == Some(from));
                let image = match stage.and_then(|at| stages.get(at)) {
                    Some(stage) => stage.image.clone(),
                    None if from == "scratch" => SimImage::new(Behaviour::Command),
                    None => self.base(&bases.next().unwrap_or_default())?,
                };
                stages.push(Stage { image, took });
                continue;
            }
            let Some(stage) = stages.last_mut() else {
                continue;
            };
            if let Err(why) = step(stage, one, &files, &mut self.printed) {
                return no(ErrorKind::Rejected, why);
            }
            took = stage.took;
        }
        let Some(mut stage) = stages.pop() else {
            return no(ErrorKind::Rejected, "no build stage in current context");
        };
        let image = &mut stage.image;
        image.facts.labels.extend(build.labels.clone());
        image.facts.digests.clear();
        image.facts.id = String::new();
        image.facts.id = image_id(
            build.labels.get(LABEL_BUILD).map_or("", String::as_str),
            image,
        );
        let id = self.add_image(&build.reference, stage.image);
        for tag in &spec.tags {
            self.tags.insert(normal(tag), id.clone());
        }
        let until = (stage.took > 0).then_some(self.now + stage.took);
        Ok(Yes(Done::Made(EngineId::new(id)), until))
    }

    fn base(&mut self, reference: &str) -> Result<SimImage, super::rules::No> {
        if self.image(reference).is_none() {
            self.pull(reference)?;
        }
        match self.image(reference) {
            Some((_, image)) => Ok(image.clone()),
            None => no(
                ErrorKind::NotFound,
                format!("manifest for {reference} not found"),
            ),
        }
    }
}

/// Whether a source of `COPY` is among what was sent.
fn is_sent(files: &BTreeMap<String, String>, source: &str) -> bool {
    let source = source.trim_start_matches("./").trim_matches('/');
    let start = format!("{source}/");
    source.is_empty()
        || source == "."
        || source.contains(['*', '?', '['])
        || files
            .keys()
            .any(|path| path == source || path.starts_with(&start))
}

fn step(
    stage: &mut Stage,
    one: &Instruction,
    files: &BTreeMap<String, String>,
    output: &mut String,
) -> Result<(), String> {
    let image = &mut stage.image;
    let words: Vec<&str> = one.rest.split_whitespace().collect();
    let pairs = || words.iter().filter_map(|word| word.split_once('='));
    let list = || -> Vec<String> {
        let plain = || words.iter().map(|word| (*word).to_owned()).collect();
        serde_json::from_str(&one.rest).unwrap_or_else(|_| plain())
    };
    let own = |(name, value): (&str, &str)| (name.to_owned(), value.trim_matches('"').to_owned());
    match one.word.as_str() {
        "RUN" => {
            let argv = ["sh", "-c", one.rest.as_str()].map(str::to_owned);
            let (code, said) = program::run(&argv);
            output.push_str(&said);
            if code != 0 {
                let command = format!("/bin/sh -c {}", one.rest);
                return Err(format!(
                    "The command '{command}' returned a non-zero code: {code}"
                ));
            }
            stage.took += program::takes(&argv);
        }
        "COPY" | "ADD" if !one.flags.iter().any(|(flag, _)| flag == "from") => {
            let sources = words.split_last().map_or(&[][..], |(_, sources)| sources);
            let mut paths = sources.iter().filter(|source| !source.starts_with("<<"));
            if let Some(source) = paths.find(|source| !is_sent(files, source)) {
                return Err(format!(
                    "COPY failed: file not found in build context or excluded by .dockerignore: stat {source}: file does not exist"
                ));
            }
        }
        "ENV" => image.facts.env.extend(pairs().map(own)),
        "LABEL" => image.facts.labels.extend(pairs().map(own)),
        "VOLUME" => image.facts.volumes.extend(list()),
        "EXPOSE" => {
            let full = |port: &&str| match port.contains('/') {
                true => (*port).to_owned(),
                false => format!("{port}/tcp"),
            };
            image.facts.exposed.extend(words.iter().map(full));
        }
        "CMD" => {
            image.command = Some(match serde_json::from_str(&one.rest) {
                Ok(words) => words,
                Err(_) => ["/bin/sh", "-c", one.rest.as_str()]
                    .map(str::to_owned)
                    .to_vec(),
            });
        }
        "HEALTHCHECK" => image.facts.has_health = one.rest != "NONE",
        _ => {}
    }
    Ok(())
}
