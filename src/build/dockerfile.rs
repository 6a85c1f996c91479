//! What a Dockerfile says, as far as it matters before it is sent: its stages, the images that it starts from,
//! and which of the engine's builders it is for.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;

/// Flags of the classic builder, by instruction. All others are BuildKit's.
const FLAGS: &[(&str, &[&str])] = &[("ADD", &["chown"]), ("COPY", &["from", "chown"])];

/// Arguments that BuildKit gives by itself, behind `BUILD` and `TARGET`: `TARGETARCH`.
const PLATFORM: &[&str] = &["PLATFORM", "OS", "ARCH", "VARIANT"];

/// The reader of Dockerfiles that BuildKit has built in, too: naming it asks for no more than that.
const OWN_FRONTEND: &str = "docker/dockerfile";

/// A Dockerfile, read.
#[derive(Clone, Debug, Default)]
pub struct Dockerfile {
    /// Its instructions, in order.
    pub instructions: Vec<Instruction>,
    /// The image that reads it for BuildKit: `# syntax=docker/dockerfile:1`.
    pub frontend: Option<String>,
    /// Whether it has here-documents, which the classic builder takes for instructions of their own.
    heredocs: bool,
}

/// One instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Its word, in upper case.
    pub word: String,
    /// Its flags: name, and value where it has one.
    pub flags: Vec<(String, Option<String>)>,
    /// The rest, on one line.
    pub rest: String,
    /// Where its first line stands, in bytes of the text.
    pub at: Range<usize>,
}

/// Something that no builder of an engine can do by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is no `FROM`.
    NoStage,
    /// A mount of this type, for which BuildKit asks its caller while it builds.
    Session(String),
}

impl Dockerfile {
    /// Reads a text. Nothing is wrong as such: what the engine does not understand, it says.
    pub fn new(text: &str) -> Self {
        let mut file = Self::default();
        let directive = |name: &str| {
            let mut all = directives(text);
            all.find(|(found, _)| found.eq_ignore_ascii_case(name))
                .map(|(_, value)| value)
        };
        let escape = match directive("escape") {
            Some("`") => '`',
            _ => '\\',
        };
        let frontend = directive("syntax").and_then(|value| value.split_whitespace().next());
        file.frontend = frontend.map(str::to_owned);
        // Here-documents that are open: what they end with.
        let mut documents: VecDeque<String> = VecDeque::new();
        let mut open: Option<(String, Range<usize>)> = None;
        let mut at = 0;
        let ends = last_lines(text);
        for raw in text.split_inclusive('\n') {
            let start = at;
            at += raw.len();
            let line = raw.trim_end_matches(['\n', '\r']);
            if let Some(end) = documents.front() {
                if line.trim_end().trim_start_matches('\t') == end {
                    documents.pop_front();
                }
                continue;
            }
            let bare = line.trim_start();
            if bare.starts_with('#') || bare.is_empty() {
                // Also within an instruction that goes on.
                continue;
            }
            let (part, goes_on) = match line.trim_end().strip_suffix(escape) {
                Some(part) => (part, true),
                None => (line, false),
            };
            let indent = line.len() - bare.len();
            let place = start + indent..start + line.trim_end().len();
            let (text, place) = match open.take() {
                Some((before, place)) => (before + part, place),
                None => (part.trim_start().to_owned(), place),
            };
            if goes_on {
                open = Some((text, place));
                continue;
            }
            documents.extend(file.add(&text, place, at, &ends));
        }
        if let Some((text, place)) = open {
            file.add(&text, place, at, &ends);
        }
        file
    }

    /// Adds an instruction; what follows it begins at `next`: the here-documents that come back.
    fn add(
        &mut self,
        text: &str,
        at: Range<usize>,
        next: usize,
        ends: &BTreeMap<&str, usize>,
    ) -> Vec<String> {
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let word = word.to_ascii_uppercase();
        let mut rest = rest.trim();
        let mut flags = Vec::new();
        while let Some(flag) = rest.strip_prefix("--") {
            let (flag, after) = flag.split_at(flag_end(flag));
            let (name, value) = match flag.split_once('=') {
                Some((name, value)) => (name, Some(value.replace(['"', '\''], ""))),
                None => (flag, None),
            };
            flags.push((name.to_owned(), value));
            rest = after.trim_start();
        }
        let mut documents = Vec::new();
        if matches!(word.as_str(), "RUN" | "COPY" | "ADD") {
            let ends = |word: &String| ends.get(word.as_str()).is_some_and(|last| *last >= next);
            documents.extend(heredocs(rest).filter(ends));
            self.heredocs |= !documents.is_empty();
        }
        self.instructions.push(Instruction {
            word,
            flags,
            rest: rest.to_owned(),
            at,
        });
        documents
    }

    /// Whether only BuildKit builds it as it is meant: the classic builder refuses what it does not know, and
    /// takes arguments that nobody gives for empty.
    pub fn needs_buildkit(&self) -> bool {
        let is_own = |image: &String| {
            let image = image.trim_start_matches("docker.io/");
            image.split([':', '@']).next() == Some(OWN_FRONTEND)
        };
        self.heredocs
            || self.frontend.as_ref().is_some_and(|image| !is_own(image))
            || self.instructions.iter().any(Instruction::needs_buildkit)
    }

    /// What cannot be built, each with its place.
    pub fn faults(&self) -> Vec<(Range<usize>, Fault)> {
        let mut faults = Vec::new();
        if self.stages().is_empty() {
            let at = self.instructions.first().map_or(0..0, |one| one.at.clone());
            faults.push((at, Fault::NoStage));
        }
        for one in &self.instructions {
            let types = one.mounts().filter_map(|mount| of(mount, "type"));
            let types = types.map(str::to_ascii_lowercase);
            let asked = types.filter(|kind| matches!(kind.as_str(), "secret" | "ssh"));
            faults.extend(asked.map(|kind| (one.at.clone(), Fault::Session(kind))));
        }
        faults
    }

    /// The names of its stages, in order, in lower case; a stage may have none.
    pub fn stages(&self) -> Vec<Option<String>> {
        let from = self.instructions.iter().filter(|one| one.word == "FROM");
        from.map(|one| {
            let mut words = one.rest.split_whitespace().skip(1);
            let names = words
                .next()
                .is_some_and(|word| word.eq_ignore_ascii_case("as"));
            words.next().filter(|_| names).map(str::to_ascii_lowercase)
        })
        .collect()
    }

    /// Whether `target` is one of its stages. The engine's builder knows them by name only.
    pub fn has_stage(&self, target: &str) -> bool {
        let named = target.to_ascii_lowercase();
        self.stages()
            .into_iter()
            .flatten()
            .any(|stage| stage == named)
    }

    /// The images that it starts from or copies from, as written, with these arguments filled in. One whose
    /// name is not known before it is built is left out.
    pub fn bases(&self, args: &BTreeMap<String, String>) -> Vec<String> {
        let mut known: BTreeMap<String, String> = BTreeMap::new();
        let mut names = self.stages().into_iter();
        let mut stages = BTreeSet::new();
        let mut bases = Vec::new();
        let mut count = 0usize;
        for one in &self.instructions {
            match one.word.as_str() {
                // Those before the first stage are what `FROM` may name.
                "ARG" if count == 0 => {
                    for word in one.rest.split_whitespace() {
                        let (name, default) = match word.split_once('=') {
                            Some((name, default)) => {
                                (name, Some(default.trim_matches(['"', '\''])))
                            }
                            None => (word, None),
                        };
                        let value = args.get(name).cloned();
                        let value = value.or_else(|| fill(default?, &known));
                        known.extend(value.map(|value| (name.to_owned(), value)));
                    }
                }
                "FROM" => {
                    let image = one.rest.split_whitespace().next().unwrap_or_default();
                    bases.extend(fill(image, &known).filter(|image| !of_stage(image, &stages)));
                    stages.extend(names.next().flatten());
                    count += 1;
                }
                "COPY" | "RUN" => {
                    let from = one.flags.iter().find(|(flag, _)| flag == "from");
                    let from = from.and_then(|(_, value)| value.as_deref());
                    let mounted = one.mounts().filter_map(|mount| of(mount, "from"));
                    let image =
                        |from: &&str| from.parse::<usize>().is_err() && !of_stage(from, &stages);
                    let all = from.into_iter().chain(mounted).filter(image);
                    bases.extend(all.map(str::to_owned));
                }
                _ => {}
            }
        }
        bases.retain(|image| !image.is_empty() && image != "scratch");
        bases
    }
}

fn of_stage(image: &str, stages: &BTreeSet<String>) -> bool {
    stages.contains(&image.to_ascii_lowercase())
}

impl Instruction {
    /// Its mounts: `type=cache,target=/root/.cache`.
    fn mounts(&self) -> impl Iterator<Item = &str> {
        let flags = self
            .flags
            .iter()
            .filter(|(flag, _)| self.word == "RUN" && flag == "mount");
        flags.filter_map(|(_, value)| value.as_deref())
    }

    fn needs_buildkit(&self) -> bool {
        let is_given = |name: &str| {
            let part = name
                .strip_prefix("TARGET")
                .or_else(|| name.strip_prefix("BUILD"));
            part.is_some_and(|part| PLATFORM.contains(&part))
        };
        match self.word.as_str() {
            "ARG" => self.rest.split_whitespace().any(is_given),
            "FROM" => {
                let flags = self.flags.iter().filter_map(|(_, value)| value.as_deref());
                let mut texts = flags.chain([self.rest.as_str()]);
                texts.any(|text| variables(text).any(is_given))
            }
            "RUN" | "COPY" | "ADD" => {
                let known = FLAGS.iter().find(|(word, _)| *word == self.word);
                let known = known.map_or(&[][..], |(_, flags)| flags);
                let mut flags = self.flags.iter();
                flags.any(|(flag, _)| !known.contains(&flag.as_str()))
            }
            _ => false,
        }
    }
}

/// Where the first of several flags ends: at a space that is not quoted.
fn flag_end(text: &str) -> usize {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, _) if c.is_whitespace() => return at,
            _ => {}
        }
    }
    text.len()
}

/// The variables that a text names: `$NAME`, `${NAME}`, `${NAME:-default}`.
fn variables(text: &str) -> impl Iterator<Item = &str> {
    text.split('$').skip(1).map(|after| {
        let name = after.strip_prefix('{').unwrap_or(after);
        let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        name.get(..end.unwrap_or(name.len())).unwrap_or_default()
    })
}

/// A field of a mount.
fn of<'a>(mount: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = mount.split(',').filter_map(|field| field.split_once('='));
    fields
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

/// What stands in the comments at the top: `# escape=\``. A comment that is something else ends them.
fn directives(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines()
        .map_while(|line| line.trim().strip_prefix('#')?.split_once('='))
        .map(|(name, value)| (name.trim(), value.trim()))
        .take_while(|(name, _)| name.chars().all(|c| c.is_ascii_alphanumeric()))
}

/// Where each line that may end a here-document stands last.
fn last_lines(text: &str) -> BTreeMap<&str, usize> {
    let mut lines = BTreeMap::new();
    if text.contains("<<") {
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            lines.insert(line.trim_end().trim_start_matches('\t'), at);
            at += line.len();
        }
    }
    lines
}

/// The words that here-documents in a command end with: `<<EOF`, `<<-"EOF"`.
fn heredocs(rest: &str) -> impl Iterator<Item = String> {
    rest.match_indices("<<").filter_map(|(at, mark)| {
        let before = rest.get(..at).unwrap_or_default();
        let after = rest.get(at + mark.len()..).unwrap_or_default();
        if before.ends_with('<') || after.starts_with('<') {
            return None;
        }
        let word = after.strip_prefix('-').unwrap_or(after);
        let word = word.trim_start_matches(['"', '\'']);
        let end = word.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let word = word.get(..end.unwrap_or(word.len())).unwrap_or_default();
        (!word.is_empty()).then(|| word.to_owned())
    })
}

/// How long what is filled in may get: no reference of an image is longer.
const LONGEST: usize = 4096;

/// A text with `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:+other}` filled in; none where one is not
/// known.
fn fill(text: &str, known: &BTreeMap<String, String>) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if out.len() > LONGEST {
            return None;
        }
        let value = |name: &str| known.get(name).filter(|value| !value.is_empty());
        if let Some(inner) = after.strip_prefix('{') {
            let (inner, after) = inner.split_once('}')?;
            rest = after;
            if let Some((name, default)) = inner.split_once(":-") {
                out.push_str(value(name).map_or(default, String::as_str));
            } else if let Some((name, other)) = inner.split_once(":+") {
                out.push_str(value(name).map_or("", |_| other));
            } else {
                out.push_str(known.get(inner)?);
            }
            continue;
        }
        let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let (name, after) = after.split_at_checked(end.unwrap_or(after.len()))?;
        out.push_str(known.get(name)?);
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bases(text: &str, args: &[(&str, &str)]) -> Vec<String> {
        let args = args
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Dockerfile::new(text).bases(&args.collect())
    }

    #[test]
    fn instructions_may_go_on() {
        let text = "# escape=`\n# a comment\nfrom x as y\nRUN --mount=type=cache a `\n  # between\n\n  b `\n  c\nCMD d";
        let file = Dockerfile::new(text);
        let said: Vec<_> = file
            .instructions
            .iter()
            .map(|one| format!("{} {:?} {}", one.word, one.flags, one.rest))
            .collect();
        assert_eq!(
            said,
            [
                "FROM [] x as y",
                "RUN [(\"mount\", Some(\"type=cache\"))] a   b   c",
                "CMD [] d"
            ]
        );
        let run = &file.instructions[1].at;
        assert_eq!(&text[run.clone()], "RUN --mount=type=cache a `");
        assert_eq!(
            Dockerfile::new("RUN a \\\n b \\\n").instructions[0].rest,
            "a  b"
        );
    }

    #[test]
    fn bases_are_images_and_not_stages() {
        let text = "ARG V=12\nARG IMAGE\nARG FULL=x/y:${V}\nFROM debian:$V AS base\nFROM ${IMAGE:-busybox} as other\n\
                    FROM base\nFROM ${FULL}\nFROM ${NOTHING}\nCOPY --from=base / /\nCOPY --from=0 / /\n\
                    COPY --from=redis:7 / /\nRUN --mount=type=bind,from=base,target=/b --mount=from=tools:1,target=/t x\nFROM scratch\n";
        assert_eq!(
            bases(text, &[]),
            ["debian:12", "busybox", "x/y:12", "redis:7", "tools:1"]
        );
        assert_eq!(
            bases(
                text,
                &[
                    ("V", "13"),
                    ("IMAGE", "tiny:1"),
                    ("NOTHING", "not declared")
                ]
            ),
            ["debian:13", "tiny:1", "x/y:13", "redis:7", "tools:1"]
        );
        let file = Dockerfile::new(text);
        assert!(file.has_stage("BASE") && file.has_stage("other"));
        assert!(!file.has_stage("0") && !file.has_stage("nosuch"));
    }

    #[test]
    fn buildkit_is_for_what_only_it_does() {
        let needs = |text: &str| Dockerfile::new(text).needs_buildkit();
        for text in [
            "FROM x\nRUN --mount=type=cache,target=/c make\n",
            "FROM x\nCOPY --link a b\n",
            "FROM x\nADD --chmod=1 a b\n",
            "FROM x\nRUN <<EOF\nmake\nEOF\n",
            "FROM x\nRUN cat <<-'EOF' > y\n\tz\n\tEOF\n",
            "FROM x\nARG A TARGETARCH\nRUN echo $TARGETARCH\n",
            "FROM --platform=$BUILDPLATFORM x\n",
            "FROM --platform=${TARGETPLATFORM} x\n",
            "FROM --platform=linux/$TARGETARCH x\n",
            "FROM --platform=${TARGETPLATFORM:-linux/amd64} x\n",
            "FROM x AS x-amd64\nFROM x-${TARGETARCH}\n",
            "FROM x\nCOPY --chown=1 --link a b\n",
            "# syntax=acme/frontend\nFROM x\n",
        ] {
            assert!(needs(text), "{text}");
        }
        for text in [
            "# syntax=docker/dockerfile:1\nFROM x\nCOPY --from=a --chown=1 b c\n",
            "# syntax = docker.io/docker/dockerfile@sha256:0\nFROM x\n",
            "FROM --platform=linux/amd64 x\nHEALTHCHECK --interval=1s CMD x\nRUN echo --mount=x\n",
            "FROM x\nRUN cat <<< EOF\nRUN echo $((1<<EOF))\n",
            "FROM x\nARG TARGETS=1 BUILD\nARG TARGETARCH_=2\n",
            "FROM $TARGETARCH_x AS TARGETARCH\n",
            "# build it: --build-arg a=b\n# syntax=acme/frontend\nFROM x\n",
        ] {
            assert!(!needs(text), "{text}");
        }
    }

    #[test]
    fn here_documents_are_no_instructions() {
        let text = "FROM x\nCOPY <<A <<-\"B\" /\nFROM y\nA\n\tRUN z \\\n\tB\nRUN c\n";
        let file = Dockerfile::new(text);
        let words: Vec<_> = file
            .instructions
            .iter()
            .map(|one| one.word.as_str())
            .collect();
        assert_eq!(words, ["FROM", "COPY", "RUN"]);
        // One that never ends is none.
        assert_eq!(
            Dockerfile::new("FROM x\nRUN a <<A\nRUN b").stages().len(),
            1
        );
        assert_eq!(
            Dockerfile::new("FROM x\nRUN a <<A\nRUN b")
                .instructions
                .len(),
            3
        );
    }

    #[test]
    fn what_cannot_be_built_is_told() {
        let faults = |text: &str| {
            let faults = Dockerfile::new(text).faults();
            faults
                .into_iter()
                .map(|(_, fault)| fault)
                .collect::<Vec<_>>()
        };
        assert_eq!(faults("# nothing\n"), [Fault::NoStage]);
        assert_eq!(
            faults(
                "FROM x\nRUN --mount=type=cache,target=/c --mount=type=secret,id=a make\nRUN --mount=type=ssh x\n"
            ),
            ["secret", "ssh"].map(|kind| Fault::Session(kind.to_owned()))
        );
        assert_eq!(
            faults(
                "FROM x\nRUN --mount=type=bind,\"source=a b\",target=/c --mount=\"Type=Secret,id=a\" make\n"
            ),
            [Fault::Session("secret".into())]
        );
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "(FROM|ARG|RUN|COPY|#|\\\\|\\$|\\{|\\}|<<|--|=|\n|[a-z ]|\\PC){0,40}") {
            let file = Dockerfile::new(&text);
            file.faults();
            file.bases(&BTreeMap::new());
            file.has_stage(&text);
        }
    }
}
