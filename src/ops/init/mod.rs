//! A stack's folder: made, or what is missing of it, what is there stays as it is; and its settings.

mod configure;
mod git;

pub use configure::{Configured, configure};

use super::OpError;
use super::folder::Disk;
use super::product::Template;
use super::root::{Root, same};
use super::writing::Writing;
use crate::base::{StackId, StackName};
use crate::config::{self, Folder as _, migrate, schema, secrecy};
use crate::diag::{Diagnostics, Source, did_you_mean};
use crate::template::{About, Answers, Ask, Entry, Given, Operation, Tree};
use ignore::gitignore::GitignoreBuilder;
use serde_json::{Map, Value as Json, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

const STACK: &str = include_str!("skeleton/stack.yml");
const REPOSITORY: &str = include_str!("skeleton/repository.yml");
const DEPLOY: &str = "config/deploy.yml";
pub(super) const IGNORED: &str = ".gitignore";

/// The folder's files, by their path; `.jinja` are rendered.
const FILES: &[(&str, &str)] = &[
    (IGNORED, include_str!("skeleton/gitignore")),
    ("config/products.yml", include_str!("skeleton/products.yml")),
    ("config/tools.yml", include_str!("skeleton/tools.yml")),
    (
        "config/deploy.yml.jinja",
        include_str!("skeleton/deploy.yml.jinja"),
    ),
    ("products/.gitkeep", ""),
    ("tools/.gitkeep", ""),
];

/// Folders that are there from the beginning, and not in git.
pub(super) const FOLDERS: &[&str] = &["config/secrets", "data", "logs"];

/// Paths that git must not keep, each with the line that keeps it out.
const SECRET: &[(&str, &str)] = &[
    (
        "config/secrets/x",
        "**/secrets/*\n!**/secrets/*.age\n!**/secrets/recipients.txt",
    ),
    ("products/x/config/.env", ".env"),
    ("config/credentials.csv", "config/credentials.csv"),
];

/// Paths that git must keep, each with the line that lets it in where all else of its folder is left out.
const COMMITTED: &[(&str, &str)] = &[
    ("config/secrets/x.age", "!**/secrets/*.age"),
    (
        "config/secrets/recipients.txt",
        "!**/secrets/recipients.txt",
    ),
];

/// What is where the folder is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ground {
    /// Nothing, or an empty folder.
    Free,
    /// A stack's folder.
    Stack,
    /// A folder with other things in it; whether git keeps it, and some of their names.
    Taken(bool, Vec<String>),
}

fn usage(what: impl Into<String>) -> OpError {
    OpError::usage(what, &[])
}

/// Looks at where the folder is to be.
pub fn look(folder: &Path) -> Result<Ground, OpError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Ground::Free),
        Err(error) => return Err(usage(format!("{}: {error}", folder.display()))),
    };
    if Disk::at(folder).is_stack() {
        return Ok(Ground::Stack);
    }
    let mut names: Vec<String> = entries
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .collect();
    names.sort();
    let in_git = names.iter().any(|name| name == ".git");
    names.retain(|name| name != ".git");
    Ok(match names.is_empty() {
        true => Ground::Free,
        false => Ground::Taken(in_git, names),
    })
}

/// What becomes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is missing.
    New,
    /// It is coasti's own, of another version.
    Renewed,
    /// Lines are added to it.
    Mended,
    /// It is another one, and stays unless it is to be made anew.
    Other,
}

/// What is to be made; nothing is yet.
#[derive(Debug)]
pub struct Prepared {
    folder: PathBuf,
    files: Vec<(String, Entry, Fate)>,
    stack: String,
    /// The repository that is to be made, with its remote.
    repository: Option<Option<String>>,
    notes: Vec<String>,
}

/// What was made.
#[derive(Debug, Default)]
pub struct Made {
    /// The stack's name.
    pub stack: String,
    /// Files that were missing.
    pub written: Vec<String>,
    /// Files that were mended, renewed or made anew.
    pub changed: Vec<String>,
    /// Files that differ from a new folder's, and stayed.
    pub kept: Vec<String>,
    /// Whether a repository with a first commit was made.
    pub committed: bool,
    /// What is worth knowing.
    pub notes: Vec<String>,
    /// What did not work of the repository, and how to do it by hand.
    pub unfinished: Option<(String, Vec<String>)>,
}

/// A new stack's id.
pub fn new_id() -> Result<StackId, OpError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| usage(format!("the system gives no randomness: {error}")))?;
    Ok(StackId::new(crate::base::digest::hex(&bytes)))
}

fn schemas() -> impl Iterator<Item = (String, String)> {
    schema::NAMES.iter().map(|name| {
        // In one line: nobody reads them, and changes of them are no news.
        let text = schema::schema(name).unwrap_or_default();
        (format!("schemas/{name}.schema.json"), format!("{text}\n"))
    })
}

/// What a folder has besides its deploy file and its products: nothing of it is asked for.
pub(super) fn surroundings() -> impl Iterator<Item = (String, String)> {
    let asked = |path: &str| path.ends_with(".jinja") || path == super::folder::MARK;
    let own = FILES.iter().filter(move |(path, _)| !asked(path));
    own.map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .chain(schemas())
}

fn file(text: &str) -> Entry {
    Entry::File {
        bytes: text.as_bytes().to_vec(),
        executable: false,
    }
}

/// A template of coasti's own: its questions and its files.
fn template(questions: &[&str], files: &[(&str, &str)]) -> Result<Template, OpError> {
    let mut tree = Tree::default();
    let questions = questions.join("\n");
    for (path, text) in [("copier.yml", questions.as_str())].iter().chain(files) {
        tree.add(path, file(text)).map_err(usage)?;
    }
    Ok(Template::read(tree, Path::new(""))?.0)
}

fn about(disk: &Disk) -> About {
    About {
        source: "coasti".to_owned(),
        folder: disk.root().to_string_lossy().into_owned(),
        commit: None,
        hash: None,
        wanted: None,
        answers_file: "config/install_answers.yml".to_owned(),
        operation: Operation::Copy,
    }
}

/// The answers to questions of coasti's own. Where those stand is nobody's business.
fn ask(
    template: &Template,
    about: &About,
    given: &Given,
    somebody: &mut Ask<'_>,
) -> Result<Answers, OpError> {
    let asked = template.ask(about, given, somebody, &mut Diagnostics::new());
    asked.map_err(|error| match error {
        OpError::Files(d) => {
            let wrong: Vec<_> = d.sorted().iter().map(|one| one.summary.clone()).collect();
            usage(wrong.join("; "))
        }
        other => other,
    })
}

/// Gets ready to make a stack's folder, or what is missing of it.
pub async fn prepare(
    folder: &Path,
    data: Map<String, Json>,
    recopy: bool,
    somebody: &mut Ask<'_>,
) -> Result<Prepared, OpError> {
    let disk = Disk::at(folder);
    let is_stack = disk.is_stack();
    let known = config::identity(&disk);
    let template = template(&[STACK, REPOSITORY], FILES)?;
    let about = about(&disk);
    let repository = git::kept(disk.root()).await;
    let mut given = Given {
        data,
        ..Given::default()
    };
    let asked = template.settings.questions.iter();
    let asked: Vec<&str> = asked.map(|question| question.name.as_str()).collect();
    known_only(&given.data, &asked)?;
    let mut notes = Vec::new();
    // What is there already answers for itself.
    if let Some(known) = &known {
        let name = json!(known.name.as_str());
        if given.data.get("stack").is_some_and(|said| *said != name) {
            return Err(OpError::usage(
                format!("the stack is called `{}`", known.name),
                &["to give it another name: coasti configure"],
            ));
        }
        given.data.insert("stack".to_owned(), name);
    }
    let wanted = |data: &Map<String, Json>| data.contains_key("vcs_repo_type");
    let by_itself = match &repository {
        git::Kept::Nowhere if !is_stack => None,
        git::Kept::Nowhere | git::Kept::Here => Some("skip"),
        git::Kept::NoGit if wanted(&given.data) => None,
        git::Kept::NoGit => {
            notes.push(
                "there is no git on this machine: the folder is kept in no repository".to_owned(),
            );
            Some("skip")
        }
        git::Kept::Unknown(said) => {
            notes.push(format!("git was left alone, it says: {said}"));
            Some("skip")
        }
    };
    if let (Some(answer), false) = (by_itself, wanted(&given.data)) {
        given.data.insert("vcs_repo_type".to_owned(), json!(answer));
    }
    let name = migrate::stack_of(&disk.name());
    let name = match name.is_empty() {
        true => "stack".to_owned(),
        false => name,
    };
    for (question, default) in [("stack", name.as_str()), ("vcs_repo_type", "local")] {
        given.last.insert(question.to_owned(), json!(default));
    }
    let answers = ask(&template, &about, &given, somebody)?;
    let repository = new_repository(&repository, &answers)?;
    let rendered = template.render(&about, &answers, &mut Diagnostics::new())?;
    let mut tree = Vec::new();
    for (path, entry) in rendered.tree.iter() {
        // Of the answers, each stands in a file already.
        if path != about.answers_file && path != "copier.yml" {
            tree.push((path.to_owned(), entry.clone()));
        }
    }
    tree.extend(schemas().map(|(path, text)| (path, file(&text))));
    let files = fates(&disk, tree, recopy)?;
    let stack = text(&answers, "stack");
    if !StackName::is_valid(&stack) {
        return Err(usage(format!("`{stack}` cannot be a stack's name")));
    }
    let mut prepared = Prepared {
        folder: disk.root().to_owned(),
        files,
        stack,
        repository,
        notes,
    };
    prepared.give_id(known.and_then(|known| known.id))?;
    Ok(prepared)
}

/// Refuses an answer to no question.
fn known_only(data: &Map<String, Json>, known: &[&str]) -> Result<(), OpError> {
    let Some(name) = data.keys().find(|name| !known.contains(&name.as_str())) else {
        return Ok(());
    };
    let near = did_you_mean(name, known.iter().copied());
    let near = near.map(|near| format!("did you mean `{near}`?"));
    let all = format!("there are {}", known.join(", "));
    Err(OpError::Usage {
        what: format!("there is no setting `{name}`"),
        help: near.into_iter().chain([all]).collect(),
    })
}

fn text(answers: &Answers, name: &str) -> String {
    let value = answers.values.get(name).and_then(Json::as_str);
    value.unwrap_or_default().to_owned()
}

/// The repository that is to be made, with its remote.
fn new_repository(found: &git::Kept, answers: &Answers) -> Result<Option<Option<String>>, OpError> {
    let remote = match text(answers, "vcs_repo_type").as_str() {
        "skip" => return Ok(None),
        "remote" => Some(text(answers, "vcs_online_repo")),
        _ => None,
    };
    if let Some(remote) = &remote {
        if secrecy::has_credentials(remote) {
            return Err(OpError::usage(
                "the remote repository's address has a password in it",
                &["leave it out: git asks for it, or has it from a credential helper"],
            ));
        }
        if remote.is_empty() || remote.starts_with('-') || remote.contains(char::is_control) {
            return Err(usage("the remote repository has no proper address"));
        }
    }
    match found {
        git::Kept::Nowhere => Ok(Some(remote)),
        git::Kept::Here => Err(OpError::usage(
            "the folder is in a git repository already",
            &["leave that question out, or answer it with `skip`"],
        )),
        git::Kept::NoGit => Err(OpError::usage(
            "there is no git on this machine",
            &["install git, or keep the folder in no repository: --vcs skip"],
        )),
        git::Kept::Unknown(said) => Err(usage(format!("git says: {said}"))),
    }
}

/// What becomes of each file.
fn fates(
    disk: &Disk,
    tree: Vec<(String, Entry)>,
    recopy: bool,
) -> Result<Vec<(String, Entry, Fate)>, OpError> {
    let root = match disk.root().is_dir() {
        true => Some(Root::open(disk.root()).map_err(usage)?),
        false => None,
    };
    let other_deploy = ["yaml", "toml", "json"]
        .iter()
        .any(|end| disk.exists(&format!("config/deploy.{end}")));
    let mut files = Vec::new();
    for (path, entry) in tree {
        let there = match &root {
            Some(root) => root.read(&path).map_err(usage)?,
            None => None,
        };
        match there {
            None if path == DEPLOY && other_deploy => {}
            // Whatever else is in these folders keeps them.
            None if path.ends_with("/.gitkeep")
                && disk.root().join(&path).parent().is_some_and(Path::is_dir) => {}
            None => files.push((path, entry, Fate::New)),
            Some(there) if same(&there, &entry) => {}
            Some(_) if path.starts_with("schemas/") => files.push((path, entry, Fate::Renewed)),
            Some(there) if path == IGNORED && !recopy => {
                files.extend(mended(&there).map(|entry| (path, entry, Fate::Mended)));
            }
            Some(_) => files.push((path, entry, Fate::Other)),
        }
    }
    Ok(files)
}

/// A `.gitignore` that keeps secrets out; none where it does.
fn mended(there: &Entry) -> Option<Entry> {
    let Entry::File { bytes, executable } = there else {
        return None;
    };
    let mut text = String::from_utf8(bytes.clone()).ok()?;
    let mut builder = GitignoreBuilder::new("");
    for line in text.lines() {
        let _ = builder.add_line(None, line);
    }
    let patterns = builder.build().ok()?;
    let ignores = |path: &str| {
        patterns
            .matched_path_or_any_parents(path, false)
            .is_ignore()
    };
    let secret = SECRET.iter().filter(|(path, _)| !ignores(path));
    let mut missing: Vec<&str> = secret.map(|(_, line)| *line).collect();
    // Nothing in a folder that is left out as a whole can be let in.
    if !patterns
        .matched_path_or_any_parents("config/secrets", true)
        .is_ignore()
    {
        let committed = COMMITTED.iter().filter(|(path, _)| ignores(path));
        missing.extend(committed.map(|(_, line)| *line));
    }
    if missing.is_empty() {
        return None;
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text += &format!(
        "\n# Secrets, added by coasti. What is encrypted is committed.\n{}\n",
        missing.join("\n")
    );
    Some(Entry::File {
        bytes: text.into_bytes(),
        executable: *executable,
    })
}

impl Prepared {
    /// The stack's name.
    pub fn stack(&self) -> &str {
        &self.stack
    }

    /// The files that are there and differ: who wants them made anew has to agree.
    pub fn others(&self) -> Vec<&str> {
        let others = self
            .files
            .iter()
            .filter(|(_, _, fate)| *fate == Fate::Other);
        others.map(|(path, ..)| path.as_str()).collect()
    }

    fn give_id(&mut self, known: Option<StackId>) -> Result<(), OpError> {
        let id = match known {
            Some(id) => id,
            None => new_id()?,
        };
        for (path, entry, _) in self.files.iter_mut().filter(|(path, ..)| path == DEPLOY) {
            let Entry::File { bytes, .. } = entry else {
                continue;
            };
            let source = Source::new(
                path.clone(),
                PathBuf::from(&*path),
                String::from_utf8_lossy(bytes).into_owned(),
            );
            let text = config::with_id(&source, &id).map_err(usage)?;
            *bytes = text.into_bytes();
        }
        Ok(())
    }

    /// What would be made; with `anew` also what differs.
    pub fn pretend(&self, anew: bool) -> Made {
        let of = |wanted: &[Fate]| -> Vec<String> {
            let all = self
                .files
                .iter()
                .filter(|(_, _, fate)| wanted.contains(fate));
            all.map(|(path, ..)| path.clone()).collect()
        };
        let changed = [Fate::Mended, Fate::Renewed, Fate::Other];
        Made {
            stack: self.stack.clone(),
            written: of(&[Fate::New]),
            changed: of(changed.get(..if anew { 3 } else { 2 }).unwrap_or_default()),
            kept: if anew { Vec::new() } else { of(&[Fate::Other]) },
            notes: self.notes.clone(),
            ..Made::default()
        }
    }

    /// Makes it; with `anew` also what differs.
    pub async fn write(self, anew: bool) -> Result<Made, OpError> {
        let folder = &self.folder;
        std::fs::create_dir_all(folder)
            .map_err(|error| usage(format!("{} cannot be made: {error}", folder.display())))?;
        let mut made = self.pretend(anew);
        let root = Root::open(folder).map_err(usage)?;
        for path in FOLDERS {
            root.make_folder(path).map_err(usage)?;
        }
        let _writing = Writing::begin(&Disk::at(folder), Duration::ZERO)?;
        for (path, _, fate) in &self.files {
            if *fate == Fate::New && root.is_there(path).map_err(usage)? {
                return Err(OpError::usage(
                    format!("another command made {path} meanwhile"),
                    &["run it again"],
                ));
            }
        }
        // The file by which the folder is known comes last: until then, this can be done again as a whole.
        let mut files: Vec<_> = self
            .files
            .iter()
            .filter(|(_, _, fate)| anew || *fate != Fate::Other)
            .collect();
        files.sort_by_key(|(path, ..)| path == super::folder::MARK);
        for (path, entry, _) in files {
            root.write(path, entry).map_err(usage)?;
        }
        if let Some(remote) = &self.repository {
            let done = git::make(folder, &made.written, remote.as_deref()).await;
            made.committed = done.is_ok();
            made.unfinished = done.err();
        }
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignored(text: &str) -> Option<String> {
        match mended(&file(text))? {
            Entry::File { bytes, .. } => Some(String::from_utf8(bytes).unwrap()),
            Entry::Link(_) => None,
        }
    }

    #[test]
    fn a_gitignore_that_lets_secrets_through_is_mended() {
        assert_eq!(ignored(include_str!("skeleton/gitignore")), None);
        assert_eq!(ignored("secrets\n.env*\n*.csv\n"), None);
        assert_eq!(
            ignored("data\n.env").as_deref(),
            Some(
                "data\n.env\n\n# Secrets, added by coasti. What is encrypted is committed.\n**/secrets/*\n\
                 !**/secrets/*.age\n!**/secrets/recipients.txt\nconfig/credentials.csv\n"
            )
        );
        // As `init` made it once.
        let once = "**/secrets/*\n!**/secrets/*.age\n.env\n*.csv\n";
        let added = ignored(once).unwrap();
        let added = added.strip_prefix(once).unwrap();
        assert!(added.ends_with("committed.\n!**/secrets/recipients.txt\n"));
        // Let through again on purpose, perhaps: it is told nevertheless, and can be taken back.
        assert!(ignored("**/secrets/*\n.env\n*.csv\n!.env\n").is_some());
    }

    #[test]
    fn a_name_is_one_that_a_stack_can_have() {
        let template = template(&[STACK, REPOSITORY], &[]).unwrap();
        let about = about(&Disk::at(Path::new("/x")));
        let long = "a".repeat(41);
        for name in [
            "acme",
            "a",
            "0",
            "a-b",
            "",
            "-a",
            "a-",
            "Acme",
            "a_b",
            "ä",
            "a b",
            "a\n",
            long.as_str(),
        ] {
            let Json::Object(data) = json!({"stack": name, "vcs_repo_type": "skip"}) else {
                unreachable!()
            };
            let given = Given {
                data,
                ..Given::default()
            };
            let asked = ask(&template, &about, &given, &mut |_| Ok(None));
            assert_eq!(asked.is_ok(), StackName::is_valid(name), "{name:?}");
        }
    }
}
