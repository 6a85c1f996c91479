//! Installing, updating and configuring: fetched, asked, rendered, merged, written, linked.

use super::fetch::{self, Access, Fetched, Version};
use super::template::Template;
use super::{
    Done, Due, Wish, Work, access_name, answers, commands, failed, io, journal, links, merge,
    origin, usage,
};
use crate::base::Secret;
use crate::config::{Folder as _, Listed};
use crate::diag::{Diagnostics, Source};
use crate::ops::folder::Disk;
use crate::ops::root::Root;
use crate::ops::{OpError, secrets};
use crate::template::{self, About, Answers, Ask, Given, Operation, Rendered, Stage, Tree};
use serde_json::{Map, Value as Json};
use std::path::PathBuf;
use std::sync::Arc;

/// A product's answers that are secret.
pub(super) fn answers_name(id: &str) -> String {
    format!("answers_{id}")
}

fn secret_answers(disk: &Disk, id: &str) -> Result<Map<String, Json>, OpError> {
    let name = answers_name(id);
    let Some(text) = secrets::files::get(disk, &name)? else {
        return Ok(Map::new());
    };
    let named = Arc::new(Source::new(
        format!("config/secrets/{name}.yml"),
        disk.root().join("config/secrets").join(&name),
        text.expose().clone(),
    ));
    let mut d = Diagnostics::new();
    let answers = template::read_answers(&named, &mut d);
    if d.has_errors() {
        Err(usage(
            format!("config/secrets/{name} is not YAML"),
            &["mend it, or remove it and give the values with --data"],
        ))
    } else {
        Ok(answers)
    }
}

/// Whether what is there and what is wished for go together.
fn check(
    listed: &Listed,
    work: Work,
    before: Option<&answers::Kept>,
    is_there: bool,
) -> Result<(), OpError> {
    let (id, folder) = (&listed.id, &listed.path);
    let list = if listed.tool { "tool" } else { "product" };
    match (before, work) {
        (None, Work::Update | Work::Configure) if !is_there => Err(usage(
            format!("`{id}` is not installed"),
            &[&format!("coasti {list} install {id}")],
        )),
        (None, Work::Update | Work::Configure) => Err(usage(
            format!("`{id}` is not installed, or not to its end: {folder} has no answers file"),
            &[
                &format!("install it over what is there: coasti {list} install {id} --recopy"),
                "its answers are kept under another name: --answers-file FILE",
            ],
        )),
        (Some(_), Work::Install { recopy: false }) => Err(usage(
            format!("`{id}` is installed already in {folder}"),
            &[
                &format!("coasti {list} update {id}"),
                "install it anew, over what is there: --recopy",
            ],
        )),
        _ => Ok(()),
    }
}

/// A product on its way.
struct Job<'a> {
    disk: &'a Disk,
    listed: &'a Listed,
    wish: &'a Wish<'a>,
    work: Work,
    fetched: Fetched,
    /// The answers of before.
    last: Map<String, Json>,
    answers_file: String,
}

/// All that is to be written, and told; nothing is yet.
pub struct Prepared<'a> {
    job: Job<'a>,
    root: Root,
    plan: merge::Plan,
    answers: Answers,
    due: Vec<Due>,
}

/// Gets ready to install a product, to update one that is installed, or to answer its questions anew.
pub async fn prepare<'a>(
    disk: &'a Disk,
    listed: &'a Listed,
    work: Work,
    wish: &'a Wish<'a>,
    somebody: &mut Ask<'_>,
    allow: &mut dyn FnMut(&[Due], &str) -> bool,
) -> Result<Prepared<'a>, OpError> {
    let origin = origin(disk, listed, wish.timeout)?;
    let fail = |error| failed(&listed.id, &origin.repo, &error);
    let mut notes = Vec::new();
    let mut finished = false;
    if !wish.pretend {
        let root = Root::open(disk.root()).map_err(io)?;
        finished = journal::finish(&root, &listed.path).map_err(io)?;
    }
    for name in [access_name(&listed.id), answers_name(&listed.id)] {
        let path = format!("config/secrets/{name}");
        if disk.mode(&path).is_some_and(|mode| mode & 0o077 != 0) {
            notes.push(format!("others can read it: chmod 600 {path}"));
        }
    }
    if finished {
        notes.push("a command that was cut off is finished".to_owned());
    }
    let before = answers::installed(disk, &listed.path, wish.answers_file)?;
    let is_there = disk.root().join(&listed.path).is_dir();
    if before.is_some() && matches!(work, Work::Install { recopy: false }) && !wish.pretend {
        // They are made last: who was cut off may have all files, and not these.
        let root = Root::open(disk.root()).map_err(io)?;
        notes.extend(links::link(&root, &listed.id, &listed.path).map_err(io)?);
    }
    check(listed, work, before.as_ref(), is_there)?;
    let fetched = fetch::fetch(&origin).await.map_err(fail)?;
    let last = before.as_ref().map(|(_, answers)| answers.clone());
    let last = last.unwrap_or_default();
    let recorded = last.get("_commit").and_then(Json::as_str);
    let wanted = match work {
        // What is installed stays; only answers change.
        Work::Configure => recorded,
        _ => wish.reference.or(listed.reference.as_deref()),
    };
    let mut version = fetched.resolve(wanted).await.map_err(fail)?;
    if let (Work::Configure, Some(recorded)) = (work, recorded) {
        version.describe = Some(recorded.to_owned());
    }
    let tree = fetched.tree(&version).await.map_err(fail)?;
    let folder = disk.root().join(&listed.path);
    let (template, mut d) = Template::read(tree, &folder)?;
    let answers_file = match (before, &template.settings.answers_file) {
        (Some((name, _)), _) => name,
        (None, own) => {
            let own = wish.answers_file.or(own.as_deref());
            answers::named(own.unwrap_or(answers::USUAL))?
        }
    };
    let mut job = Job {
        disk,
        listed,
        wish,
        work,
        fetched,
        last,
        answers_file,
    };
    let now = job.about(&version);
    if work == Work::Update && job.recorded().is_none() {
        return Err(job.nothing());
    }
    // What was finished just now was not committed yet.
    if matches!(work, Work::Update | Work::Configure) && !finished {
        merge::clean(disk.root(), &listed.path).await?;
    }
    let mut agreed = Vec::new();
    if work == Work::Update {
        agreed = job
            .migrate(&template, &now, &version, allow, &mut notes)
            .await?;
    }
    let given = job.given()?;
    let answers = template.ask(&now, &given, somebody, &mut d)?;
    notes.extend(job.seen(&template));
    let rendered = template.render(&now, &answers, &mut d)?;
    answers::check(&job.answers_file, &now, &rendered)?;
    let mut due = job.due(&template, &now, &answers, &mut d)?;
    if wish.skip_tasks || wish.pretend {
        let kept = std::mem::take(&mut due);
        notes.extend(kept.iter().map(|due| job.left_out(due)));
    } else {
        commands::trusted(&due, &agreed, &version, wish, allow)?;
    }
    let root = Root::open(disk.root()).map_err(io)?;
    let mut plan = match work {
        Work::Install { recopy } => {
            if !recopy {
                job.check_free(&root, &rendered)?;
            }
            merge::Plan::fresh(&root, &listed.path, &rendered)?
        }
        Work::Update | Work::Configure => {
            let base = job.base(&template, &version, given, &answers).await?;
            // Who answers anew wants the answers also in files that an update leaves alone.
            let once: &[String] = match work {
                Work::Configure => &[],
                _ => &rendered.once,
            };
            let trees = (&base.tree, &rendered.tree);
            merge::plan(&root, &listed.path, trees, once, &job.answers_file).await?
        }
    };
    plan.done.notes.extend(notes);
    plan.done.version = version.describe.clone();
    plan.done.warnings = d;
    plan.done.message = rendered.message.filter(|_| work != Work::Configure);
    Ok(Prepared {
        job,
        root,
        plan,
        answers,
        due,
    })
}

impl Job<'_> {
    /// The version that is installed, as its answers tell it.
    fn recorded(&self) -> Option<&str> {
        self.last.get("_commit").and_then(Json::as_str)
    }

    /// What to do where a command failed after the files were written.
    fn unfinished(&self) -> String {
        let again = match self.work {
            Work::Install { .. } => "install it again with --recopy",
            Work::Update | Work::Configure => "commit its files, and run coasti's command again",
        };
        let of = match self.recorded() {
            Some(version) => format!("it counts as being at {version} still"),
            None => "it does not count as installed".to_owned(),
        };
        format!(
            "the files of `{}` are written, {of}: mend that, then {again}",
            self.listed.id
        )
    }

    /// That secrets stand in an argument.
    fn seen(&self, template: &Template) -> Option<String> {
        let questions = template.settings.questions.iter();
        let secret = questions.filter(|one| one.secret && self.wish.data.contains_key(&one.name));
        let names: Vec<String> = secret.map(|one| format!("`{}`", one.name)).collect();
        (self.wish.seen && !names.is_empty()).then(|| {
            format!(
                "warning: {} stood in an argument, which others on this machine can see, and shells keep: change it \
                 there, and give it on the terminal, or by `--data -` on standard input (--data - < FILE)",
                names.join(", ")
            )
        })
    }

    /// That a command is not run.
    fn left_out(&self, due: &Due) -> String {
        let what = match self.wish.pretend && !self.wish.skip_tasks {
            true => "would run",
            false => "left out",
        };
        format!("{what}: {}", commands::shown(due))
    }

    /// What is answered before anybody is asked.
    fn given(&self) -> Result<Given, OpError> {
        Ok(Given {
            data: self.wish.data.clone(),
            secret: secret_answers(self.disk, &self.listed.id)?,
            last: self.last.clone(),
            skip_answered: self.work == Work::Update,
        })
    }

    /// What the template wants to be run once its files are there.
    fn due(
        &self,
        template: &Template,
        now: &About,
        answers: &Answers,
        d: &mut Diagnostics,
    ) -> Result<Vec<Due>, OpError> {
        let mut due = template.due(now, answers, d)?;
        if let (Work::Update, Some(from)) = (self.work, self.recorded()) {
            due.extend(template.migrations((now, from), answers, Stage::After)?);
        }
        Ok(due)
    }

    /// Likewise, as far as that is known before anybody is asked and any command ran.
    fn likely(&self, template: &Template, now: &About) -> Result<Vec<Due>, OpError> {
        let mut quiet = Diagnostics::new();
        let answers = template.ask(now, &self.given()?, &mut |_| Ok(None), &mut quiet);
        let due = answers.and_then(|answers| self.due(template, now, &answers, &mut quiet));
        Ok(due.unwrap_or_default())
    }

    /// Runs what the template wants to be run before anything is merged, and reads the answers again, which that may
    /// have changed. Gives the commands that somebody agreed to: these, and those that are likely afterwards.
    async fn migrate(
        &mut self,
        template: &Template,
        now: &About,
        version: &Version,
        allow: &mut dyn FnMut(&[Due], &str) -> bool,
        notes: &mut Vec<String>,
    ) -> Result<Vec<Due>, OpError> {
        let Some(from) = self
            .recorded()
            .filter(|_| !template.settings.migrations.is_empty())
        else {
            return Ok(Vec::new());
        };
        let to = now.commit.as_deref().unwrap_or_default();
        if let Some(other) = [from, to]
            .iter()
            .find(|text| template::version(text).is_none())
        {
            notes.push(format!(
                "the template's migrations are left out: `{other}` is no version by PEP 440"
            ));
        }
        let mut values = self.last.clone();
        values.extend(secret_answers(self.disk, &self.listed.id)?);
        values.extend(self.wish.data.clone());
        let answers = Answers {
            values,
            ..Answers::default()
        };
        let due = template.migrations((now, from), &answers, Stage::Before)?;
        if self.wish.skip_tasks || self.wish.pretend {
            notes.extend(due.iter().map(|due| self.left_out(due)));
            return Ok(Vec::new());
        }
        if due.is_empty() {
            return Ok(due);
        }
        let later = self.likely(template, now)?;
        let all: Vec<Due> = due.iter().chain(&later).cloned().collect();
        commands::trusted(&all, &[], version, self.wish, allow)?;
        self.wish.ran.set(true);
        let failed = "nothing was merged yet: mend it, and run coasti's command again";
        commands::run(self.disk.root(), &self.listed.path, &due, failed).await?;
        if let Some((_, answers)) =
            answers::installed(self.disk, &self.listed.path, Some(&self.answers_file))?
        {
            self.last = answers;
        }
        Ok(all)
    }

    /// The product's.
    fn folder(&self) -> PathBuf {
        self.disk.root().join(&self.listed.path)
    }

    fn about(&self, version: &Version) -> About {
        let listed = self.listed;
        let wanted = self.wish.reference.or(listed.reference.as_deref());
        About {
            source: listed.repo.clone().unwrap_or_default(),
            folder: self.folder().to_string_lossy().into_owned(),
            commit: version.describe.clone(),
            hash: version.commit.clone(),
            wanted: wanted.map(str::to_owned),
            answers_file: self.answers_file.clone(),
            operation: match self.work {
                Work::Install { .. } => Operation::Copy,
                Work::Update | Work::Configure => Operation::Update,
            },
        }
    }

    /// That nothing else is where its files are to be.
    fn check_free(&self, root: &Root, rendered: &Rendered) -> Result<(), OpError> {
        let folder = &self.listed.path;
        let taken = links::in_the_way(root, folder, &rendered.tree).map_err(io)?;
        match taken.is_empty() {
            true => Ok(()),
            false => Err(usage(
                format!(
                    "{folder} has files of these names already: {}",
                    taken.join(", ")
                ),
                &["move them away, or write over them: --recopy"],
            )),
        }
    }

    /// What the template made of the answers of before.
    async fn base(
        &self,
        template: &Template,
        version: &Version,
        mut given: Given,
        answers: &Answers,
    ) -> Result<Rendered, OpError> {
        // The values of now for what was not told before: a secret that was not kept is then the same on both
        // sides, and the user's own value stays.
        let kept = std::mem::replace(&mut given.secret, answers.secret.clone());
        given.secret.extend(kept);
        given.data = Map::new();
        given.skip_answered = true;
        let mut quiet = Diagnostics::new();
        let mut render = |template: &Template, version: &Version| {
            let then = self.about(version);
            let answers = template.ask(&then, &given, &mut |_| Ok(None), &mut quiet)?;
            template.render(&then, &answers, &mut quiet)
        };
        if self.work == Work::Configure {
            return render(template, version);
        }
        let (tree, old) = self.older().await?;
        let (older, _) = Template::read(tree, &self.folder())?;
        render(&older, &old)
    }

    /// The files of the version that is installed: from where the product comes from, else from where it came from.
    async fn older(&self) -> Result<(Tree, Version), OpError> {
        let recorded = |name| self.last.get(name).and_then(Json::as_str);
        let now = &self.fetched.origin().repo;
        let commit = recorded("_commit").ok_or_else(|| self.nothing())?;
        let fail = |error| failed(&self.listed.id, now, &error);
        let found = self.fetched.resolve(Some(commit)).await;
        if let Some(version) = found.as_ref().ok().filter(|one| one.commit.is_some()) {
            return Ok((
                self.fetched.tree(version).await.map_err(fail)?,
                version.clone(),
            ));
        }
        let source =
            recorded("_src_path").filter(|source| Some(*source) != self.listed.repo.as_deref());
        let Some(source) = source else {
            return Err(match found {
                Err(error) if !self.fetched.is_archive() => fail(error),
                _ => self.nothing(),
            });
        };
        let mut listed = self.listed.clone();
        listed.repo = Some(source.to_owned());
        let mut before = origin(self.disk, &listed, self.wish.timeout)?;
        // What opens one host is no other's business.
        if before.authority().map(|(.., host)| host)
            != self.fetched.origin().authority().map(|(.., host)| host)
        {
            before.access = Access::Own;
        }
        let fail = |error| failed(&self.listed.id, source, &error);
        let fetched = fetch::fetch(&before).await.map_err(fail)?;
        let version = fetched.resolve(Some(commit)).await.map_err(fail)?;
        if version.commit.is_none() {
            return Err(self.nothing());
        }
        Ok((fetched.tree(&version).await.map_err(fail)?, version))
    }

    /// That there is no older version.
    fn nothing(&self) -> OpError {
        let id = &self.listed.id;
        let list = if self.listed.tool { "tool" } else { "product" };
        let anew =
            format!("install it anew, over what is there: coasti {list} install {id} --recopy");
        match self.fetched.is_archive() {
            true => usage(
                format!(
                    "the archive of `{id}` is another one than it was installed from, and that one is gone: there is nothing to compare with"
                ),
                &[
                    "list each version's archive under an address of its own",
                    &anew,
                ],
            ),
            false => usage(
                format!("`{id}` comes from a folder, which has no older versions to compare with"),
                &[&anew],
            ),
        }
    }
}

impl Prepared<'_> {
    /// What would be done.
    pub fn pretend(self) -> Done {
        self.plan.done
    }

    /// Writes it. What cuts this off leaves the older files, or the newer ones once the next command has finished it.
    pub async fn write(self) -> Result<Done, OpError> {
        let Self {
            job,
            root,
            plan,
            answers,
            due,
        } = self;
        let folder = &job.listed.path;
        let mut done = plan.done;
        // Secrets first: should the rest fail, the next attempt has the same ones.
        if !answers.secret.is_empty() {
            let text = template::to_yaml(&Json::Object(answers.secret.clone()), 2);
            let name = answers_name(&job.listed.id);
            let put = secrets::files::put(job.disk, &name, &Secret::new(text), None)?;
            done.notes.extend(put.notes);
        }
        let is_answers = |(path, _): &(String, _)| *path == job.answers_file;
        let (answers, mut files): (Vec<_>, Vec<_>) = plan.changes.into_iter().partition(is_answers);
        // Until its answers file is there, this version is not installed: after the commands, or with all files.
        match due.is_empty() {
            true => files.extend(answers),
            false => {
                journal::write(&root, folder, &files).map_err(io)?;
                let failed = job.unfinished();
                commands::run(job.disk.root(), folder, &due, &failed).await?;
                files = answers;
            }
        }
        journal::write(&root, folder, &files).map_err(io)?;
        let mended = links::link(&root, &job.listed.id, folder).map_err(io)?;
        done.notes.extend(mended);
        Ok(done)
    }
}
