//! Products that are compose files: every file of `examples/compose` is planned and applied on the simulated
//! engine; some are run on a real one.

mod builds;
mod engine;
mod export;
mod networks;
mod peer;
mod wire;

use crate::support::{
    stacks::{external_ip, in_virtual_time},
    written::written,
};
use coasti::{
    base::StackId,
    build::{Context, Rules, Unsendable},
    config::{self, Desired, Folder},
    diag::{Diagnostics, Source},
    diff::Wishes,
    engine::{
        Engine as _,
        sim::{Behaviour, Sim, SimImage},
    },
    exec::{Events, Stop},
    model::{Spec, Stack, flatten},
    observe::Status,
    ops::{
        OpError, Who,
        apply::{self, Applied, Options},
        gather::{Gathered, gather},
    },
    plan::text::steps,
};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

const ID: &str = "0123456789abcdef0123456789abcdef";

/// A stack whose one site `web` runs one product.
#[derive(Clone, Default)]
struct Files(BTreeMap<String, String>);

impl Files {
    fn new() -> Self {
        let mut files = BTreeMap::new();
        let own = [
            ("config/products.yml", "version: 1\nproducts:\n- id: shop\n"),
            (
                "config/deploy.yml",
                "version: 1\nstack: acme\nid: 0123456789abcdef0123456789abcdef\nsite:\n- {label: web, image: shop}\n",
            ),
        ];
        files.extend(own.map(|(path, text)| (path.to_owned(), text.to_owned())));
        Self(files)
    }

    /// One compose file.
    fn of(text: &str) -> Self {
        Self::new()
            .with("info.yml", "run: {compose: compose.yml}\n")
            .with("compose.yml", text)
    }

    fn with(mut self, path: &str, text: &str) -> Self {
        self.0
            .insert(format!("products/shop/{path}"), text.to_owned());
        self
    }

    /// A folder of files on disk.
    fn from(folder: &Path) -> Self {
        fn walk(folder: &Path, at: &str, files: &mut Files) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = format!("{at}{}", path.file_name().unwrap().to_str().unwrap());
                if path.is_dir() {
                    walk(&path, &format!("{name}/"), files);
                } else {
                    let text = fs::read_to_string(&path).unwrap();
                    files.0.insert(format!("products/shop/{name}"), text);
                }
            }
        }
        let mut files = Self::new();
        walk(folder, "", &mut files);
        files
    }

    fn desired(&self, diagnostics: &mut Diagnostics) -> Option<Desired> {
        config::read(self, diagnostics)
    }

    /// An engine that has what the files name.
    async fn engine(&self) -> Sim {
        match self.desired(&mut Diagnostics::new()) {
            Some(desired) => engine_for(&desired, &written(&self.0)).await,
            None => Sim::new(),
        }
    }
}

/// An engine that has what files in `folder` name.
async fn engine_for(desired: &Desired, folder: &Path) -> Sim {
    let sim = Sim::new().with_api("1.43").with_folder(folder);
    let built = desired.built_images();
    for reference in desired.images().difference(&built) {
        let job = reference.contains("job");
        let behaviour = if job {
            Behaviour::Job(0)
        } else {
            Behaviour::Runs
        };
        sim.add_image(reference, SimImage::new(behaviour));
    }
    for path in desired.directories() {
        sim.add_directory(&path);
    }
    let volume = coasti::engine::Call::CreateVolume {
        name: "others-data".into(),
        labels: BTreeMap::new(),
        driver: None,
        options: BTreeMap::new(),
    };
    let network = coasti::engine::Call::CreateNetwork {
        name: "others-network".into(),
        labels: BTreeMap::new(),
        spec: Default::default(),
    };
    for call in [volume, network] {
        sim.hand()
            .execute(&call, Duration::from_secs(5))
            .await
            .unwrap();
    }
    sim
}

impl Folder for Files {
    fn read(&self, path: &str) -> Result<Option<Arc<Source>>, config::Unreadable> {
        Ok(self
            .0
            .get(path)
            .map(|text| Arc::new(Source::new(path, format!("/srv/acme/{path}"), text.clone()))))
    }

    fn exists(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    fn context(&self, path: &str, rules: &Rules) -> Result<Context, Unsendable> {
        let texts = self
            .0
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()));
        Ok(Context::of_texts(texts, path, rules))
    }

    fn name(&self) -> String {
        "acme".to_owned()
    }
}

fn said(diagnostics: &Diagnostics) -> String {
    let mut text = String::new();
    for one in diagnostics.sorted() {
        let at = one
            .at
            .as_ref()
            .map(|at| at.origin().to_string())
            .unwrap_or_default();
        writeln!(text, "{} {at} {}", one.code, one.summary).unwrap();
    }
    text
}

async fn gathered(sim: &Sim, files: &Files) -> Gathered {
    let mut diagnostics = Diagnostics::new();
    let Some(desired) = files.desired(&mut diagnostics) else {
        panic!("{}", said(&diagnostics));
    };
    match gather(sim, &desired).await {
        Ok(gathered) => gathered,
        Err(OpError::Files(diagnostics)) => panic!("{}", said(&diagnostics)),
        Err(error) => panic!("{error}"),
    }
}

async fn apply(sim: &Sim, files: &Files) -> Result<Applied, OpError> {
    apply_wishes(sim, files, Wishes::default()).await
}

async fn apply_wishes(sim: &Sim, files: &Files, wishes: Wishes) -> Result<Applied, OpError> {
    let who = Who {
        actor: "tester@here".into(),
        commit: None,
        lock_wait: Duration::ZERO,
    };
    let options = Options {
        wishes,
        who: &who,
        expect: None,
        external_ip: &external_ip,
        show: &|_, _| {},
    };
    let desired = files.desired(&mut Diagnostics::new()).unwrap();
    let (id, events, stop) = (StackId::new(ID), Events::default(), Stop::default());
    apply::apply(sim, &desired, id, &options, &events, &stop).await
}

/// Digests of secrets depend on a key that is drawn.
fn without_digests(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_hexdigit()) {
        out.push_str(&rest[..at]);
        let run = rest[at..]
            .find(|c: char| !c.is_ascii_hexdigit())
            .unwrap_or(rest.len() - at);
        let word = &rest[at..at + run];
        // One in two hundred is of digits alone.
        let hash = run == 12 && (out.ends_with("***") || out.ends_with('-'));
        out.push_str(if hash { "DIGEST" } else { word });
        rest = &rest[at + run..];
    }
    out + rest
}

fn fields(stack: &Stack) -> String {
    let mut text = String::new();
    for (id, resource) in &stack.resources {
        if matches!(&resource.spec, Spec::Image(image) if image.build.is_none()) {
            continue;
        }
        writeln!(text, "\n{id} = {}", resource.name).unwrap();
        for (field, value) in flatten(&resource.spec) {
            writeln!(text, "  {field} = {}", value.replace('\n', "\\n")).unwrap();
        }
        for (need, how) in &resource.needs {
            if need.kind == coasti::base::Kind::Container {
                writeln!(text, "  needs {need}: {how:?}").unwrap();
            }
        }
    }
    text
}

/// How a product's `info.yml` says that it is run, of the form `run: {compose: FILE, files: [FILE]}`.
fn run_of(info: &str) -> BTreeMap<String, Vec<String>> {
    let inner = info
        .trim()
        .trim_start_matches("run: {")
        .trim_end_matches('}');
    let mut run: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut key = "";
    for word in inner
        .split([' ', ',', '[', ']'])
        .filter(|word| !word.is_empty())
    {
        match word.strip_suffix(':') {
            Some(next) => key = next,
            None => {
                let word = word.trim_matches('"');
                run.entry(key.to_owned()).or_default().push(word.to_owned());
            }
        }
    }
    run
}

fn examples() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/compose");
    let mut all: Vec<_> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    all.sort();
    all
}

#[test]
fn every_example_plans_as_written_and_applies() {
    let all = examples();
    assert!(all.len() >= 20, "{}", all.len());
    let mut wrong = Vec::new();
    for folder in all {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let mut files = Files::from(&folder);
        files.0.remove("products/shop/plan.txt");
        let text = in_virtual_time(async {
            let sim = files.engine().await;
            let mut diagnostics = Diagnostics::new();
            files.desired(&mut diagnostics);
            let first = gathered(&sim, &files).await;
            let plan = first.plan(&Wishes::default());
            let told: Vec<_> = plan
                .refusals
                .iter()
                .map(|refusal| &refusal.summary)
                .collect();
            assert!(told.is_empty(), "{name}: {told:?}");
            let mut text = said(&diagnostics);
            text.push_str(&fields(&first.sealed.stack));
            write!(text, "\n{}", steps(&plan)).unwrap();
            if let Err(error) = apply(&sim, &files).await {
                panic!("{name}: {error}");
            }
            let again = gathered(&sim, &files).await.plan(&Wishes::default());
            assert!(again.is_empty(), "{name}: {}", steps(&again));
            text
        });
        let text = without_digests(&text);
        let path = folder.join("plan.txt");
        if std::env::var_os("COASTI_BLESS").is_some() {
            fs::write(&path, &text).unwrap();
        } else if fs::read_to_string(&path).unwrap_or_default() != text {
            wrong.push(name);
        }
    }
    assert!(
        wrong.is_empty(),
        "plans changed (COASTI_BLESS=1 writes them anew): {wrong:?}"
    );
}

const JOB: &str = "\
services:
  web: {image: 'acme/app:1', depends_on: {init: {condition: service_completed_successfully}}}
  init: {image: 'acme/job:1', environment: {STEP: '1'}, depends_on: {db: {condition: service_started}}}
  db: {image: 'acme/db:1', environment: {A: '1'}}
";

/// How often each container was started.
fn starts(sim: &Sim) -> BTreeMap<String, usize> {
    let mut starts = BTreeMap::new();
    for record in sim.history() {
        if let Some(name) = record.call.strip_prefix("start container ") {
            let name = name.trim_end_matches(".next").to_owned();
            *starts.entry(name).or_default() += 1;
        }
    }
    starts
}

#[test]
fn a_job_runs_when_it_or_what_it_works_on_is_another() {
    in_virtual_time(async {
        let files = Files::of(JOB);
        let sim = files.engine().await;
        let count = |name: &str| {
            starts(&sim)
                .get(&format!("acme-web-{name}"))
                .copied()
                .unwrap_or(0)
        };
        apply(&sim, &files).await.unwrap();
        assert_eq!((count("db"), count("init"), count("web")), (1, 1, 1));
        let init = sim.containers()["acme-web-init"].clone();
        assert_eq!(
            (init.state.status, init.state.exit_code),
            (Status::Exited, 0)
        );

        // Another application changes nothing of it.
        let other = Files::of(&JOB.replace("web: {", "web: {environment: {X: '1'}, "));
        apply(&sim, &other).await.unwrap();
        assert_eq!((count("db"), count("init"), count("web")), (1, 1, 2));
        // The job itself.
        let own = Files::of(&JOB.replace("STEP: '1'", "STEP: '2'"));
        apply(&sim, &own).await.unwrap();
        assert_eq!((count("db"), count("init"), count("web")), (1, 2, 3));
        // What it works on.
        let db = Files::of(
            &JOB.replace("STEP: '1'", "STEP: '2'")
                .replace("A: '1'", "A: '2'"),
        );
        let plan = gathered(&sim, &db).await.plan(&Wishes::default());
        insta::assert_snapshot!(without_ids(&steps(&plan)), @r#"
        #1 ← -        prepare create container:web/db as acme-web-db.next (replace)
        #2 ← -        prepare create container:web/init as acme-web-init.next (replace)
        #3 ← 1,2      prepare prepared (from here on, what runs is touched)
        #4 ← 1        switch  start container:web/db [new] (replace)
        #5 ← 4        switch  await container:web/db [new] (replace)
        #6 ← 3,5      switch  set restart `no` on container:web/db (replace)
        #7 ← 3,6      switch  stop container:web/db (replace)
        #8 ← 3,7      switch  rename container:web/db to acme-web-db.prev (replace)
        #9 ← 3,5,8    switch  rename container:web/db [new] to acme-web-db (replace)
        #10 ← 3        switch  rename container:web/init to acme-web-init.prev (replace)
        #11 ← 2,3,10   switch  rename container:web/init [new] to acme-web-init (replace)
        #12 ← 2,4,11   switch  start container:web/init [new] (replace)
        #13 ← 12       switch  await the end of container:web/init [new] (replace)
        #14 ← 1,2,3,4,5,6,7,8,9,10,11,12,13 verify  verify 2 containers (all still run)
        #15 ← -        commit  remove container:web/db (replace)
        #16 ← -        commit  remove container:web/init (replace)
        "#);
        apply(&sim, &db).await.unwrap();
        assert_eq!((count("db"), count("init"), count("web")), (2, 3, 3));
        assert!(sim.violations().is_empty(), "{:?}", sim.violations());
    });
}

/// `[1f2e3d4c5b6a]` of steps.
fn without_ids(text: &str) -> String {
    let lines = text
        .lines()
        .map(|line| match (line.find(" ["), line.find(']')) {
            (Some(from), Some(to)) if to > from && !line[from..to].contains("new") => {
                format!("{}{}", &line[..from], &line[to + 1..])
            }
            _ => line.to_owned(),
        });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_job_that_fails_is_undone_with_all_else() {
    in_virtual_time(async {
        let files = Files::of(JOB);
        let sim = files.engine().await;
        apply(&sim, &files).await.unwrap();
        let before = sim.containers();
        sim.add_image("docker.io/acme/job:2", SimImage::new(Behaviour::Job(3)));
        let bad = Files::of(&JOB.replace("job:1", "job:2").replace("A: '1'", "A: '2'"));
        let Err(error) = apply(&sim, &bad).await else {
            panic!("a job that exits with 3 is a failure");
        };
        let OpError::Failed(failed) = error else {
            panic!("{error}");
        };
        assert!(
            failed.error.contains("exited with code 3"),
            "{}",
            failed.error
        );
        let after = sim.containers();
        for (name, container) in &before {
            let now = &after[name];
            assert_eq!(now.id, container.id, "{name}");
        }
        // The job had done its work: it is not done again by going back.
        assert_eq!(starts(&sim)["acme-web-init"], 2);
        let plan = gathered(&sim, &files).await.plan(&Wishes::default());
        assert!(plan.is_empty(), "{}", steps(&plan));
    });
}

#[test]
fn who_uses_anothers_network_goes_with_it() {
    in_virtual_time(async {
        let text = "services:\n  vpn: {image: 'acme/vpn:1', environment: {A: '1'}}\n  app: {image: 'acme/app:1', network_mode: 'service:vpn'}\n";
        let files = Files::of(text);
        let sim = files.engine().await;
        apply(&sim, &files).await.unwrap();
        let ids = |sim: &Sim| {
            sim.containers()
                .into_values()
                .map(|c| (c.name, c.id))
                .collect::<BTreeMap<_, _>>()
        };
        let before = ids(&sim);
        let other = Files::of(&text.replace("A: '1'", "A: '2'"));
        apply(&sim, &other).await.unwrap();
        let after = ids(&sim);
        for name in ["acme-web-vpn", "acme-web-app"] {
            assert_ne!(before[name], after[name], "{name}");
        }
        assert!(sim.violations().is_empty(), "{:?}", sim.violations());
    });
}

#[test]
fn files_are_where_they_were_asked_for_and_follow_their_content() {
    in_virtual_time(async {
        let text = "services:\n  web: {image: 'acme/app:1', secrets: [key], configs: [{source: conf, target: /etc/app.conf}]}\nsecrets: {key: {file: key}}\nconfigs: {conf: {content: one}}\n";
        let files = Files::of(text).with("key", "s3cr3t\n");
        let sim = files.engine().await;
        apply(&sim, &files).await.unwrap();
        let read = |path: &'static str| {
            let sim = sim.clone();
            async move {
                use coasti::engine::Look as _;
                let tar = sim.read("acme-web-web", path).await.unwrap().unwrap();
                let mut archive = tar::Archive::new(tar.as_slice());
                let mut entry = archive.entries().unwrap().next().unwrap().unwrap();
                let mut text = String::new();
                std::io::Read::read_to_string(&mut entry, &mut text).unwrap();
                text
            }
        };
        assert_eq!(read("/run/secrets/key").await, "s3cr3t\n");
        assert_eq!(read("/etc/app.conf").await, "one");
        let before = sim.containers()["acme-web-web"].id.clone();
        let other = Files::of(&text.replace("one", "two")).with("key", "s3cr3t\n");
        apply(&sim, &other).await.unwrap();
        assert_ne!(sim.containers()["acme-web-web"].id, before);
        assert_eq!(read("/etc/app.conf").await, "two");
        let plan = gathered(&sim, &other).await.plan(&Wishes::default());
        assert!(
            plan.is_empty() && plan.notices.is_empty(),
            "{:?}",
            plan.notices
        );
    });
}
