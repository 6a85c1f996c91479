//! Images that are built: what is read for one, and what of the stack they start from.

use super::{Container, Draft, ImageChoice, codes};
use crate::base::{Digest, StackName, names};
use crate::build::{DOCKERFILE, Dockerfile, Fault, IGNORE_FILE, Rules, Unsendable};
use crate::config::build::Build;
use crate::config::compose::{Str, guarded};
use crate::config::doc::Sp;
use crate::config::products::Loaded;
use crate::config::{Folder, image, load, load_named};
use crate::diag::{Diagnostic, Diagnostics, Place, Source};
use crate::graph;
use crate::model::BuildSpec;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Folders over this size are remarked upon: they are read with every plan.
const LARGE_MB: u64 = 500;

/// An image that is built.
#[derive(Clone)]
pub(in crate::config) struct Built {
    /// How.
    pub spec: BuildSpec,
    /// What its reference is made of, beside the stack's name.
    pub name: String,
    /// References of this stack's images that it starts from.
    pub needs: BTreeSet<String>,
    /// Where it is said.
    pub at: Place,
}

impl Built {
    fn reference(&self, stack: &StackName) -> String {
        self.spec.reference(stack, &self.name)
    }

    /// As what a container runs.
    pub(super) fn choice(self, stack: &StackName) -> ImageChoice {
        ImageChoice::Fixed {
            reference: self.reference(stack),
            archive: None,
            local: true,
            at: Some(self.at.clone()),
            build: Some(Box::new(self)),
        }
    }
}

/// Where a build stands.
pub(super) struct Cx<'a> {
    /// Where files are.
    pub(super) folder: &'a dyn Folder,
    /// The folder that its paths start from.
    pub(super) dir: &'a str,
    /// What the image is called after.
    pub(super) name: String,
    /// What `image` says beside it: a further name.
    pub(super) image: Option<&'a Sp<String>>,
    /// The value of an argument that has none of its own.
    pub(super) outer: &'a dyn Fn(&str) -> Option<Str>,
}

/// Reads all that a build is made of; nothing comes back where something was wrong, which was said.
pub(super) fn read(cx: &Cx<'_>, build: &Build, d: &mut Diagnostics) -> Option<Built> {
    let context = folder(cx, &build.context, d)?;
    let file = dockerfile(cx, build, &context, d)?;
    let parsed = Dockerfile::new(&file.source.text);
    let args = arguments(cx, build, d);
    let fine = check(&parsed, &file, build, d);
    let content = content(cx, build, &context, &file, d)?;
    let (args, true) = (args?, fine) else {
        return None;
    };
    let mut tags = BTreeSet::new();
    for tag in cx.image.into_iter().chain(&build.tags) {
        match image::full(&tag.value) {
            Ok(reference) => drop(tags.insert(reference.text)),
            Err(why) => {
                let summary = format!("`{}` is no image reference", tag.value);
                d.push(Diagnostic::error(codes::BAD_REFERENCE, tag.at.clone(), summary).help(why));
                return None;
            }
        }
    }
    let full = |base: String| image::full(&base).ok().map(|reference| reference.text);
    let bases = parsed.bases(&args).into_iter().filter_map(full);
    let buildkit = parsed.needs_buildkit();
    let spec = BuildSpec {
        context,
        dockerfile: file.inside.clone().unwrap_or_default(),
        inline: match file.inside {
            Some(_) => None,
            None => Some(file.source.text.clone()),
        },
        frontend: parsed.frontend.clone().filter(|_| buildkit).and_then(full),
        buildkit,
        args,
        target: build.target.as_ref().map(|target| target.value.clone()),
        labels: build.labels.clone(),
        network: build.network.clone(),
        extra_hosts: build.extra_hosts.clone(),
        shm_size: build.shm_size,
        platform: build.platform.clone(),
        cache_from: build.cache_from.clone(),
        pull: build.pull,
        no_cache: build.no_cache,
        tags,
        bases: bases.collect(),
        built_bases: BTreeMap::new(),
        content: content.digest(),
        files: content.parts(),
    };
    Some(Built {
        spec,
        name: cx.name.clone(),
        needs: BTreeSet::new(),
        at: build.at.clone(),
    })
}

fn outside(path: &Sp<String>) -> Diagnostic {
    Diagnostic::error(
        codes::BAD_PATH,
        path.at.clone(),
        format!("`{}` is not in the stack's folder", path.value),
    )
    .help("write it relative, and keep what the stack is made of in its folder")
}

/// The folder that is sent, relative to the stack's.
fn folder(cx: &Cx<'_>, path: &Sp<String>, d: &mut Diagnostics) -> Option<String> {
    let text = path.value.as_str();
    let remote = text.contains("://")
        || text.starts_with("git@")
        || text.starts_with("github.com/")
        || text
            .split('#')
            .next()
            .is_some_and(|text| text.ends_with(".git"));
    if remote {
        let summary = format!("`{text}` is not a folder of the stack");
        d.push(
            Diagnostic::error(codes::REMOTE_CONTEXT, path.at.clone(), summary)
                .label("what is there may be something else tomorrow")
                .help("bring it into the stack's folder: as a product from git, or as a git submodule"),
        );
        return None;
    }
    let joined = names::join(cx.dir, text).filter(|_| !text.starts_with('~'));
    if joined.is_none() {
        d.push(outside(path));
    }
    joined
}

/// A Dockerfile.
struct File {
    source: Arc<Source>,
    /// Its path in the folder that is sent; none where it is not in it.
    inside: Option<String>,
    /// Where its text begins in the source, where that is one of its own.
    own: bool,
}

fn dockerfile(cx: &Cx<'_>, build: &Build, context: &str, d: &mut Diagnostics) -> Option<File> {
    if let Some(text) = &build.inline {
        if let Some(file) = &build.dockerfile {
            let summary = "`dockerfile` and `dockerfile_inline` are both said";
            let error = Diagnostic::error(codes::BAD_VALUE, file.at.clone(), summary);
            d.push(error.help("keep one of them"));
            return None;
        }
        if text.value.len() > MOST_DOCKERFILE {
            too_long("`dockerfile_inline`", text.at.clone(), d);
            return None;
        }
        let source = Source::new("", "", text.value.clone());
        return Some(File {
            source: Arc::new(source),
            inside: None,
            own: false,
        });
    }
    let said = build.dockerfile.clone();
    let said = said.unwrap_or_else(|| Sp::new(DOCKERFILE.to_owned(), &build.at));
    let Some(path) = names::join(context, &said.value) else {
        d.push(outside(&said));
        return None;
    };
    let source = match load_named(cx.folder, &path, said.at.as_ref(), d) {
        Loaded::Read(source) => source,
        Loaded::Broken => return None,
        Loaded::Missing => {
            let summary = format!("there is no Dockerfile `{path}`");
            let error = Diagnostic::error(codes::NO_FILE, said.at, summary);
            d.push(match build.dockerfile {
                Some(_) => error.help("its path is relative to `context`"),
                None => error.help("name it: `dockerfile: PATH`, relative to `context`"),
            });
            return None;
        }
    };
    if source.text.len() > MOST_DOCKERFILE {
        too_long(&format!("`{path}`"), Some(Place::new(&source, 0..0)), d);
        return None;
    }
    let inside = match context {
        "" => Some(path.clone()),
        context => path
            .strip_prefix(context)
            .and_then(|rest| rest.strip_prefix('/'))
            .map(str::to_owned),
    };
    Some(File {
        source,
        inside,
        own: true,
    })
}

/// How many bytes a Dockerfile may have.
const MOST_DOCKERFILE: usize = 1 << 20;

/// Says that a Dockerfile is too long.
fn too_long(what: &str, at: Option<Place>, d: &mut Diagnostics) {
    let summary = format!("{what} is larger than 1 MB");
    d.push(Diagnostic::error(codes::TOO_LARGE, at, summary));
}

/// What arguments are; none where one must not be shown, which was said.
fn arguments(cx: &Cx<'_>, build: &Build, d: &mut Diagnostics) -> Option<BTreeMap<String, String>> {
    let mut args = BTreeMap::new();
    let mut fine = true;
    for (name, (value, at)) in &build.args {
        let Some(value) = value.clone().or_else(|| (cx.outer)(name)) else {
            continue;
        };
        match guarded(name, value).as_plain() {
            Some(text) => drop(args.insert(name.clone(), text.to_owned())),
            None => {
                fine = false;
                let summary = format!("the build argument `{name}` is a secret");
                d.push(
                    Diagnostic::error(codes::SECRET_ARG, Some(at.clone()), summary)
                        .label("whoever has the image can read it: `docker history` shows it")
                        .help("give it to the container that runs: as a variable or a file")
                        .help("fetch before what only the build needs: `COPY` takes it from the folder"),
                );
            }
        }
    }
    fine.then_some(args)
}

/// Says what the engine's builders would refuse.
fn check(parsed: &Dockerfile, file: &File, build: &Build, d: &mut Diagnostics) -> bool {
    let mut fine = true;
    for (span, fault) in parsed.faults() {
        fine = false;
        let at = match file.own {
            true => Place::new(&file.source, span),
            // An inline one has no places of its own.
            false => build
                .inline
                .as_ref()
                .and_then(|text| text.at.clone())
                .unwrap_or_else(|| build.at.clone()),
        };
        let at = Some(at);
        d.push(match fault {
            Fault::NoStage => {
                Diagnostic::error(codes::BAD_DOCKERFILE, at, "the Dockerfile has no `FROM`")
                    .help("it begins with the image that it starts from: `FROM debian:12`")
            }
            Fault::Session(kind) => {
                let summary = format!("`RUN --mount=type={kind}`");
                Diagnostic::error(codes::BUILDKIT, at, summary)
                    .label("BuildKit asks its caller for that while it builds, which coasti does not answer")
                    .help("build it with `docker buildx build`, push it, and write `image`")
            }
        });
    }
    if let Some(target) = &build.target
        && !parsed.has_stage(&target.value)
        && fine
    {
        fine = false;
        let summary = format!("the Dockerfile has no stage `{}`", target.value);
        let error = Diagnostic::error(codes::BAD_DOCKERFILE, target.at.clone(), summary);
        let stages: Vec<String> = parsed.stages().into_iter().flatten().collect();
        let near = crate::diag::did_you_mean(&target.value, stages.iter().map(String::as_str));
        d.push(match near {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None if stages.is_empty() => error.help("`FROM IMAGE AS NAME` gives a stage its name"),
            None => error.help(format!("there are `{}`", stages.join("`, `"))),
        });
    }
    fine
}

/// All that is sent.
fn content(
    cx: &Cx<'_>,
    build: &Build,
    context: &str,
    file: &File,
    d: &mut Diagnostics,
) -> Option<crate::build::Context> {
    let under = |name: &str| match context {
        "" => name.to_owned(),
        context => format!("{context}/{name}"),
    };
    let own = file
        .inside
        .as_ref()
        .map(|inside| under(&format!("{inside}{IGNORE_FILE}")));
    let mut text = String::new();
    let mut from = None;
    for path in own.into_iter().chain([under(IGNORE_FILE)]) {
        match load(cx.folder, &path, d) {
            Loaded::Read(source) => {
                text.clone_from(&source.text);
                from = Some(source);
                break;
            }
            Loaded::Broken => return None,
            Loaded::Missing => {}
        }
    }
    let always = [file.inside.as_deref().unwrap_or(IGNORE_FILE), IGNORE_FILE];
    let rules = match Rules::new(&text, &always) {
        Ok(rules) => rules,
        Err(bad) => {
            let at = from.map(|source| line(&source, bad.line));
            let summary = format!("`{}` cannot be understood", bad.pattern);
            d.push(
                Diagnostic::error(codes::BAD_PATTERN, at, summary)
                    .help("a path with `*`, `**`, `?` and `[a-z]`; `!` before it takes back"),
            );
            return None;
        }
    };
    let content = match cx.folder.context(context, &rules) {
        Ok(content) => content,
        Err(why) => {
            d.push(unsendable(build, context, &why));
            return None;
        }
    };
    let mb = content.size() >> 20;
    if mb > LARGE_MB {
        let summary = format!("the folder that is sent has {mb} MB");
        let most = content.largest().into_iter().take(3);
        let most: Vec<_> = most.filter(|(_, size)| *size >> 20 > 0).collect();
        let most: Vec<_> = most
            .iter()
            .map(|(path, size)| format!("`{path}` {} MB", size >> 20))
            .collect();
        d.push(
            Diagnostic::warning(codes::LARGE_CONTEXT, Some(build.at.clone()), summary)
                .label(format!("most of it: {}", most.join(", ")))
                .help(format!(
                    "`{}` says what of it is not sent",
                    under(IGNORE_FILE)
                )),
        );
    }
    Some(content)
}

fn line(source: &Arc<Source>, number: usize) -> Place {
    let mut lines = source.text.split_inclusive('\n');
    let start: usize = lines.by_ref().take(number).map(str::len).sum();
    let text = lines.next().unwrap_or_default().trim_end();
    Place::new(source, start..start + text.len())
}

fn unsendable(build: &Build, context: &str, why: &Unsendable) -> Diagnostic {
    let shown = match (context, why.path.as_str()) {
        ("", "") => ".".to_owned(),
        (context, "") => context.to_owned(),
        ("", path) => path.to_owned(),
        (context, path) => format!("{context}/{path}"),
    };
    let at = build.context.at.clone().or_else(|| Some(build.at.clone()));
    let error = Diagnostic::error(codes::NO_CONTEXT, at, format!("`{shown}` {}", why.why));
    match why.ignorable {
        true => error.help(format!(
            "a line in `{IGNORE_FILE}` keeps out what the image does not need"
        )),
        false => {
            error.help("`context` is the folder that is sent to the engine, relative to this file")
        }
    }
}

/// Lets images of the stack start from others of it, and containers run what another one's build is called.
///
/// What a name means under a label comes first, then what it means elsewhere where that is one thing.
pub(super) fn link(draft: &mut Draft, d: &mut Diagnostics) {
    let stack = draft.stack.clone();
    let mut builds: BTreeMap<String, Built> = BTreeMap::new();
    // By name: under which label which build has it.
    let mut named: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for container in &draft.containers {
        let Some(built) = built(container) else {
            continue;
        };
        let key = built.reference(&stack);
        for tag in &built.spec.tags {
            let label = container.id.label().to_owned();
            named
                .entry(tag.clone())
                .or_default()
                .insert(label, key.clone());
        }
        builds.insert(key, built.clone());
    }
    if builds.is_empty() {
        return;
    }
    let find = |name: &str, label: &str| {
        let by_label = named.get(name)?;
        let keys: BTreeSet<&String> = by_label.values().collect();
        let only = keys.first().filter(|_| keys.len() == 1);
        by_label.get(label).or(only.copied()).cloned()
    };
    let mut edges: graph::Edges<String> = BTreeMap::new();
    let mut starts: BTreeMap<(String, String), String> = BTreeMap::new();
    for container in &draft.containers {
        let Some(built) = built(container) else {
            continue;
        };
        let key = built.reference(&stack);
        let needs = edges.entry(key.clone()).or_default();
        for base in &built.spec.bases {
            // An image may be built from what had its name before.
            if let Some(other) = find(base, container.id.label()).filter(|other| *other != key) {
                starts.insert((key.clone(), base.clone()), other.clone());
                needs.insert(other);
            }
        }
    }
    let order = match graph::order(&edges) {
        Ok(order) => order,
        Err(around) => {
            let at = around.first().and_then(|key| builds.get(key));
            let names: Vec<_> = around.iter().filter_map(|key| builds.get(key)).collect();
            let names: Vec<_> = names
                .iter()
                .map(|built| format!("`{}`", built.name))
                .collect();
            let summary = format!(
                "images are built from each other in a circle: {}",
                names.join(" → ")
            );
            let at = at.map(|built| built.at.clone());
            d.push(Diagnostic::error(codes::CYCLE, at, summary));
            return;
        }
    };
    let mut done: BTreeMap<String, (Digest, String)> = BTreeMap::new();
    for key in order {
        let Some(built) = builds.get_mut(&key) else {
            continue;
        };
        for base in built.spec.bases.clone() {
            let other = starts.get(&(key.clone(), base.clone()));
            if let Some((digest, reference)) = other.and_then(|other| done.get(other)) {
                built.spec.built_bases.insert(base, digest.clone());
                built.needs.insert(reference.clone());
            }
        }
        done.insert(key, (built.spec.digest(), built.reference(&stack)));
    }
    for container in &mut draft.containers {
        let key = match &container.image {
            ImageChoice::Fixed {
                build: Some(built), ..
            } => Some(built.reference(&stack)),
            ImageChoice::Fixed {
                reference,
                archive: None,
                ..
            } => find(reference, container.id.label()),
            _ => None,
        };
        if let Some(built) = key.and_then(|key| builds.get(&key)) {
            container.image = built.clone().choice(&stack);
        }
    }
}

fn built(container: &Container) -> Option<&Built> {
    match &container.image {
        ImageChoice::Fixed { build, .. } => build.as_deref(),
        ImageChoice::Range { .. } => None,
    }
}
