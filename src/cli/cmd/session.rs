//! What every command needs: the folder, the files, the engine, and somebody to tell.

use crate::base::{StackId, StackName};
use crate::cli::args::{Change, Format, Global, RunFormat};
use crate::cli::document::Document;
use crate::cli::out::{NoEcho, Out};
use crate::cli::render::{self, progress, style::Style};
use crate::config::{self, Desired};
use crate::diag::{Diagnostics, Source};
use crate::engine::docker::{self, Docker};
use crate::exec::{Event, Events, Stop};
use crate::ops::folder::{Disk, MARK};
use crate::ops::product;
use crate::ops::writing::Writing;
use crate::ops::{OpError, Who};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// One command's surroundings.
pub(super) struct Shell {
    pub(super) global: Global,
    pub(super) out: Out,
    pub(super) document: Document,
    /// News of pulls, from the engine's connection to whoever shows them.
    pulls: std::sync::Mutex<Option<Pulls>>,
    /// Whether something was begun that changes what runs.
    begun: AtomicBool,
}

type Pulls = tokio::sync::mpsc::UnboundedReceiver<docker::Progress>;

impl Shell {
    pub(super) fn new(mut global: Global) -> Self {
        // As with other programs' variables, an empty one is none.
        global
            .environment
            .take_if(|environment| environment.is_empty());
        let out = Out::new(&global);
        let document = Document::default();
        Self {
            global,
            out,
            document,
            pulls: std::sync::Mutex::default(),
            begun: AtomicBool::new(false),
        }
    }

    /// Whether something was begun that changes what runs.
    pub(super) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    /// Whether a program reads; what it reads then ends with what came of the command, in every case.
    pub(super) fn is_json(&self, format: Format) -> bool {
        let json = format == Format::Json;
        if json {
            self.document.whole();
        }
        json
    }

    /// Prints a command's own document.
    pub(super) fn print(&self, json: &serde_json::Value) {
        self.out.data(&format!("{json}\n"));
        self.document.printed();
    }

    /// Of a command that changes something, what a program reads.
    pub(super) fn run_format(&self, format: RunFormat) {
        match format {
            RunFormat::Human => {}
            RunFormat::Json => self.document.whole(),
            RunFormat::Jsonl => self.document.lines(),
        }
    }

    /// How text on standard error looks.
    pub(super) fn style(&self) -> Style {
        self.styled(self.out.is_terminal())
    }

    /// How text on standard output looks.
    pub(super) fn data_style(&self) -> Style {
        use std::io::IsTerminal as _;
        self.styled(std::io::stdout().is_terminal())
    }

    fn styled(&self, terminal: bool) -> Style {
        let unicode = ["LC_ALL", "LC_CTYPE", "LANG"]
            .iter()
            .filter_map(|name| std::env::var(name).ok())
            .find(|value| !value.is_empty())
            .is_none_or(|locale| locale != "C" && locale != "POSIX");
        Style {
            color: self.out.color(terminal),
            width: self.out.width(),
            unicode,
        }
    }

    /// Says a sentence, in lines that fit.
    pub(super) fn explain(&self, text: &str) {
        self.out.say(&self.style().wrap(0, text));
    }

    /// The stack's folder.
    pub(super) fn folder(&self) -> Result<Disk, OpError> {
        if let Some(folder) = &self.global.directory {
            let disk = Disk::at(folder);
            if disk.is_stack() {
                return Ok(disk);
            }
            return Err(OpError::usage(
                format!(
                    "{} is no stack's folder: it has no {MARK}",
                    folder.display()
                ),
                &["name another with -C DIR"],
            ));
        }
        Disk::find(Path::new(".")).ok_or_else(|| {
            OpError::usage(
                format!("this is no stack's folder: neither it nor one above it has {MARK}"),
                &["go to one, or name it with -C DIR or COASTI_BASE_DIR"],
            )
        })
    }

    /// The stack's folder, to write into: nobody else does, as long as the second is held.
    pub(super) fn writing(&self) -> Result<(Disk, Writing), OpError> {
        let disk = self.folder()?;
        let writing = Writing::begin(&disk, Duration::ZERO)?;
        Ok((disk, writing))
    }

    /// The files, read and checked as far as that goes without an engine. Warnings are shown.
    pub(super) fn files(&self) -> Result<(Disk, Desired), OpError> {
        let disk = self.settled()?;
        let mut diagnostics = Diagnostics::new();
        match self.read(&disk, &mut diagnostics) {
            Some(desired) if !diagnostics.has_errors() => {
                self.warn(&diagnostics);
                Ok((disk, desired))
            }
            _ => Err(OpError::Files(diagnostics)),
        }
    }

    /// The stack's folder, where no product in it is half of one version and half of another.
    pub(super) fn settled(&self) -> Result<Disk, OpError> {
        let disk = self.folder()?;
        let listed = config::list(&disk, &mut Diagnostics::new());
        product::settled(&disk, &listed)?;
        Ok(disk)
    }

    /// Reads the folder for the environment that is asked for.
    pub(super) fn read(&self, disk: &Disk, diagnostics: &mut Diagnostics) -> Option<Desired> {
        config::read_for(disk, self.global.environment.as_deref(), diagnostics)
    }

    /// Shows warnings.
    pub(super) fn warn(&self, diagnostics: &Diagnostics) {
        if !diagnostics.is_empty() && !self.global.quiet {
            let style = self.style();
            self.out
                .say(&render::diag::human(diagnostics, style.color, style.width));
        }
    }

    /// Says what is to be written next where the files name nothing that runs.
    pub(super) fn guide(&self, desired: &Desired) {
        if desired.is_empty() {
            let file = &desired.deploy_file.name;
            self.explain(&format!(
                "note: {file} has no site yet: an entry under `site` for each app that is to run, its image a product (coasti product add) or an image's name"
            ));
        }
    }

    /// The engine.
    pub(super) async fn engine(&self) -> Result<Docker, OpError> {
        let engine = docker::connect(self.global.host.as_deref()).await?;
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        let engine = engine.with_progress(sender);
        if let Ok(mut pulls) = self.pulls.lock() {
            *pulls = Some(receiver);
        }
        Ok(match self.folder() {
            Ok(disk) => engine.with_folder(disk.root()),
            Err(_) => engine,
        })
    }

    /// The stack's name and id, whatever else is wrong with its files or missing from them.
    pub(super) fn stack(&self) -> Result<(StackName, Option<StackId>), OpError> {
        let disk = self.folder()?;
        // An environment's file may name another stack: then all of it must be read.
        if self.global.environment.is_none()
            && let Some(whose) = config::identity(&disk)
        {
            return Ok((whose.name, whose.id));
        }
        let mut diagnostics = Diagnostics::new();
        match self.read(&disk, &mut diagnostics) {
            Some(desired) => Ok((desired.name.clone(), desired.id)),
            None => Err(OpError::Files(diagnostics)),
        }
    }

    /// Likewise, where nothing can be done without an id.
    pub(super) fn stack_with_id(&self) -> Result<(StackName, StackId), OpError> {
        let (name, id) = self.stack()?;
        let id = id.ok_or_else(|| {
            OpError::usage(
                format!("the deploy file of stack `{name}` has no `id`, by which the engine's stack is known"),
                &[
                    "never applied yet? the first `coasti apply` writes one in",
                    "applied before? put its line back (git); where it is lost, `coasti plan` tells what the engine has",
                ],
            )
        })?;
        Ok((name, id))
    }

    /// Who works.
    pub(super) async fn who(&self, folder: Option<&Path>, change: &Change) -> Who {
        let user = ["USER", "LOGNAME"]
            .iter()
            .find_map(|name| std::env::var(name).ok());
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Who {
            actor: format!("{}@{}", user.as_deref().unwrap_or("somebody"), host.trim()),
            commit: match folder {
                Some(folder) => commit(folder).await,
                None => None,
            },
            lock_wait: change.lock_wait.duration(),
        }
    }

    /// Writes an id into the deploy file and says so; waits for whoever writes into the folder.
    pub(super) fn give_id(
        &self,
        disk: &Disk,
        source: &Source,
        wait: Duration,
    ) -> Result<StackId, OpError> {
        let _writing = Writing::begin(disk, wait)?;
        let now = config::Folder::read(disk, &source.name);
        if now.is_ok_and(|now| now.is_some_and(|now| now.text != source.text)) {
            return Err(OpError::usage(
                format!("{} was changed meanwhile", source.name),
                &["nothing was done; run it again"],
            ));
        }
        let id = crate::ops::init::new_id()?;
        let text = config::with_id(source, &id).map_err(|why| OpError::usage(why, &[]))?;
        disk.replace(source, &text)
            .map_err(|error| OpError::Usage {
                what: format!("{} cannot be written: {error}", source.name),
                help: vec![format!("put `id: {id}` into it yourself, then apply again")],
            })?;
        self.out.say(&format!(
            "wrote `id: {id}` into {}: commit it, it tells this stack from others",
            source.name
        ));
        Ok(id)
    }

    /// A listener for events that shows progress, and the stop that Ctrl-C asks for.
    pub(super) fn listen(&self, format: RunFormat) -> Listener {
        self.begun.store(true, Ordering::Relaxed);
        let mode = match format {
            RunFormat::Jsonl => progress::Mode::Json,
            _ if self.global.quiet => progress::Mode::Quiet,
            _ if self.out.is_terminal() => progress::Mode::Terminal,
            _ => progress::Mode::Plain,
        };
        let pulls = self.pulls.lock().ok().and_then(|mut pulls| pulls.take());
        Listener::start(mode, self.style(), self.out.clone(), pulls)
    }
}

/// The commit of the files, with `+` where something is not committed.
async fn commit(folder: &Path) -> Option<String> {
    let folder: PathBuf = folder.to_owned();
    let git = |args: &'static [&'static str]| {
        let mut command = tokio::process::Command::new("git");
        command
            .arg("-C")
            .arg(&folder)
            .args(args)
            .stdin(std::process::Stdio::null())
            .kill_on_drop(true);
        async move {
            command
                .output()
                .await
                .ok()
                .filter(|output| output.status.success())
        }
    };
    let asked = async {
        tokio::join!(
            git(&["rev-parse", "--short=12", "HEAD"]),
            git(&["status", "--porcelain"])
        )
    };
    let (head, status) = tokio::time::timeout(Duration::from_secs(5), asked)
        .await
        .ok()?;
    let head = String::from_utf8(head?.stdout).ok()?.trim().to_owned();
    let dirty = status.is_some_and(|status| !status.stdout.is_empty());
    Some(if dirty { format!("{head}+") } else { head })
}

/// Shows events until the operation ends.
pub(super) struct Listener {
    pub(super) events: Events,
    pub(super) stop: Stop,
    shown: tokio::task::JoinHandle<()>,
    signals: tokio::task::JoinHandle<()>,
}

impl Listener {
    fn start(mode: progress::Mode, style: Style, out: Out, mut pulls: Option<Pulls>) -> Self {
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel::<Event>();
        let stop = Stop::default();
        let shown = tokio::spawn(async move {
            let mut progress = progress::Progress::new(mode, style);
            let mut ticks = tokio::time::interval(Duration::from_secs(1));
            loop {
                tokio::select! {
                    event = receiver.recv() => match event {
                        Some(event) => progress.event(&event),
                        None => break,
                    },
                    pull = async { pulls.as_mut()?.recv().await }, if pulls.is_some() => match pull {
                        Some(pull) => progress.image(&pull.reference, &pull.news),
                        None => pulls = None,
                    },
                    _ = ticks.tick() => progress.tick(),
                }
            }
            progress.finish();
        });
        let events = Events::to(sender);
        // Where lines change in place, whatever is said has to go through what draws them.
        let drawn = (mode == progress::Mode::Terminal).then(|| events.clone());
        let echo = drawn.as_ref().map(|_| NoEcho::begin());
        let told = Told {
            out,
            style,
            drawn,
            echo,
        };
        let signals = tokio::spawn(signals(stop.clone(), told));
        Self {
            events,
            stop,
            shown,
            signals,
        }
    }

    /// Ends the display; to be called before anything else is printed.
    pub(super) async fn finish(self) {
        let Self {
            events,
            shown,
            signals,
            ..
        } = self;
        signals.abort();
        // It has a hold on the display.
        let _ = signals.await;
        drop(events);
        let _ = shown.await;
    }
}

/// Whether a process of this status was started to ignore that its terminal goes.
fn ignores_hangup(status: &str) -> bool {
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.is_some_and(|set| u64::from_str_radix(set.trim(), 16).is_ok_and(|set| set & 1 == 1))
}

/// Where a signal is answered.
struct Told {
    out: Out,
    style: Style,
    drawn: Option<Events>,
    echo: Option<NoEcho>,
}

impl Told {
    fn say(&self, text: &str) {
        match &self.drawn {
            Some(events) => events.send(Event::Learnt {
                what: text.to_owned(),
            }),
            None => self.out.tell(&self.style.wrap(0, text)),
        }
    }
}

/// Once: finish what is in flight and undo. Twice: stop here and say what is left.
#[allow(clippy::exit)]
async fn signals(stop: Stop, told: Told) {
    use tokio::signal::unix::{SignalKind, signal};
    // A terminal that is closed is no reason to leave things half done; `nohup` says to go on.
    let heeds_hangup =
        !ignores_hangup(&std::fs::read_to_string("/proc/self/status").unwrap_or_default());
    let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
        signal(SignalKind::hangup()),
    ) else {
        return;
    };
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv(), if heeds_hangup => {
                // It may come again from whoever else notices; only a person means "at once" by that.
                stop.ask();
                continue;
            }
        }
        if stop.is_asked() {
            let text = "stopped at once; the run is cut off and the lock stays. What is left: see `coasti status`. \
                        `coasti recover`, or the next apply, ends it.";
            if let Some(echo) = &told.echo {
                echo.end();
            }
            told.out.tell(&format!("\n{}", told.style.wrap(0, text)));
            std::process::exit(i32::from(crate::cli::exit::code::NOT_UNDONE));
        }
        stop.ask();
        told.say(
            "interrupted: what is in flight ends, then it is undone. Once more stops at once.",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nohup_is_told_from_the_processes_status() {
        assert!(ignores_hangup(
            "Name:\tcoasti\nSigIgn:\t0000000000001001\nSigCgt:\t0\n"
        ));
        assert!(!ignores_hangup(
            "SigBlk:\t0000000000000001\nSigIgn:\t0000000000001000\n"
        ));
        assert!(!ignores_hangup(""));
    }
}
