//! Shows a run while it goes: as lines, as JSON, or on a terminal as one line a container.
//!
//! Lines for programs go to stdout, all else to stderr. What a line says is made by pure functions; [`Progress`]
//! adds the clock and the output. A run must not fail because nobody reads: errors of writing are ignored.

use super::style::{Style, Tone, clean, columns, took as say};
use crate::base::{Kind, ResourceId};
use crate::engine::docker::News;
use crate::exec::{Event, VERIFIED, leads_on};
use crate::plan::{StepId, text};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, Instant};

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Not at all.
    Quiet,
    /// One line an event, for pipes and logs.
    Plain,
    /// One JSON object a line.
    Json,
    /// Lines that change in place, for terminals.
    Terminal,
}

/// A plain progress line says again what it waits for after so long.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// How much of a build's step is shown.
const STEP: usize = 60;

/// Of an image something is said no more often than that, where each time is a line.
const NEWS: Duration = Duration::from_secs(5);

/// Shows a run's events.
pub struct Progress {
    view: View,
    style: Style,
    began: Instant,
    running: BTreeMap<StepId, Running>,
    heard: Instant,
    /// When something was last said of an image.
    images: BTreeMap<String, Instant>,
}

struct Running {
    of: ResourceId,
    doing: String,
    began: Instant,
}

enum View {
    Quiet,
    Plain(Box<dyn Write + Send>),
    Json(Box<dyn Write + Send>),
    Terminal(Terminal),
}

impl Progress {
    /// Progress where it belongs.
    pub fn new(mode: Mode, style: Style) -> Self {
        let view = match mode {
            Mode::Quiet => View::Quiet,
            Mode::Plain => View::Plain(Box::new(std::io::stderr())),
            Mode::Json => View::Json(Box::new(std::io::stdout())),
            Mode::Terminal => View::Terminal(Terminal::new(ProgressDrawTarget::stderr(), style)),
        };
        Self::with(view, style)
    }

    fn with(view: View, style: Style) -> Self {
        Self {
            view,
            style,
            began: Instant::now(),
            running: BTreeMap::new(),
            heard: Instant::now(),
            images: BTreeMap::new(),
        }
    }

    /// Shows how far an image is: on a terminal at once, elsewhere now and then.
    pub fn image(&mut self, reference: &str, news: &News) {
        let now = Instant::now();
        let of = ResourceId::image(reference);
        let words = match news {
            News::Pulling(current, total) => format!("pulling {}", far(*current, *total)),
            News::Sending(current, total) => format!("sending {}", far(*current, *total)),
            News::Step(step) => format!("building {}", self.style.shorten(&clean(step), STEP)),
        };
        for running in self.running.values_mut().filter(|one| one.of == of) {
            running.doing.clone_from(&words);
        }
        if let View::Terminal(terminal) = &mut self.view {
            terminal.note(&of, &words);
            return;
        }
        let last = self
            .images
            .entry(reference.to_owned())
            .or_insert(self.began);
        if now.duration_since(*last) < NEWS {
            return;
        }
        *last = now;
        self.heard = now;
        let elapsed = now.duration_since(self.began);
        match &mut self.view {
            View::Plain(out) => {
                let _ = writeln!(out, "{} {} {words}", clock(elapsed), name(&of));
            }
            View::Json(out) => {
                let far = |event: &str, current: &u64, total: &u64| {
                    serde_json::json!({
                        "event": event, "of": of, "current": current, "total": total,
                        "elapsed_ms": millis(elapsed),
                    })
                };
                let line = match news {
                    News::Pulling(current, total) => far("pulling", current, total),
                    News::Sending(current, total) => far("sending", current, total),
                    News::Step(step) => serde_json::json!({
                        "event": "building", "of": of, "text": step, "elapsed_ms": millis(elapsed),
                    }),
                };
                let _ = writeln!(out, "{line}");
            }
            View::Quiet | View::Terminal(_) => {}
        }
    }

    /// Shows one event.
    pub fn event(&mut self, event: &Event) {
        let now = Instant::now();
        let elapsed = now.duration_since(self.began);
        self.heard = now;
        match event {
            Event::Started { step, of, doing } => {
                let running = Running {
                    of: of.clone(),
                    doing: doing.clone(),
                    began: now,
                };
                self.running.insert(*step, running);
            }
            Event::Done { step, .. } | Event::Failed { step, .. } => {
                self.running.remove(step);
            }
            Event::Begin { .. } | Event::End { .. } => self.running.clear(),
            _ => {}
        }
        match &mut self.view {
            View::Quiet => {}
            View::Plain(out) => {
                if let Some(line) = plain(event, elapsed, &self.style) {
                    let _ = writeln!(out, "{line}");
                }
            }
            View::Json(out) => {
                let _ = writeln!(out, "{}", json(event, elapsed));
            }
            View::Terminal(terminal) => terminal.event(event),
        }
    }

    /// Says what is still waited for, where nothing was heard for a while; to be called every second or so.
    pub fn tick(&mut self) {
        let now = Instant::now();
        if now.duration_since(self.heard) < HEARTBEAT {
            return;
        }
        self.heard = now;
        if let View::Plain(out) = &mut self.view {
            for running in self.running.values() {
                let line = still(
                    &running.of,
                    &running.doing,
                    now.duration_since(running.began),
                    now.duration_since(self.began),
                );
                let _ = writeln!(out, "{line}");
            }
        }
    }

    /// Cleans up; to be called before anything else is printed.
    pub fn finish(self) {
        if let View::Terminal(terminal) = self.view {
            terminal.finish();
        }
    }
}

/// `12.3 of 45.6 MB`, as far as it is known how much comes.
fn far(current: u64, total: u64) -> String {
    let mb = |bytes: u64| format!("{}.{}", bytes / 1_000_000, bytes % 1_000_000 / 100_000);
    format!("{} of {} MB", mb(current.min(total)), mb(total))
}

/// How a step's resource is called: a container by its address.
fn name(of: &ResourceId) -> String {
    match of.kind {
        Kind::Container => clean(&of.address),
        kind => format!("{kind} {}", clean(&of.address)),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Minutes and seconds since the run began, as wide on every line.
fn clock(elapsed: Duration) -> String {
    let secs = elapsed.as_secs();
    format!("{:02}:{:02}", secs / 60, secs % 60)
}

/// An event as one line; none for what is told by the next one.
pub fn plain(event: &Event, elapsed: Duration, style: &Style) -> Option<String> {
    let text = match event {
        Event::Begin { what, steps } => format!("{}: {steps} steps", clean(what)),
        Event::Phase { phase } => style.paint(Tone::Strong, text::phase(*phase)),
        Event::Started { .. } => return None,
        Event::Done { done, .. } if done == VERIFIED => return None,
        Event::Note { text, .. } => format!("  {}", clean(text)),
        Event::Done { of, done, took, .. } => {
            format!("{} {} ({})", name(of), clean(done), say(millis(*took)))
        }
        Event::Failed { of, error, .. } => {
            let failed = style.paint(Tone::Bad, "failed");
            format!("{} {failed}: {}", name(of), clean(error))
        }
        Event::Waiting { what } => format!("waiting for {}", clean(what)),
        Event::Learnt { what } => clean(what),
        Event::End { ok: true } => format!("done in {}", say(millis(elapsed))),
        Event::End { ok: false } => format!("failed after {}", say(millis(elapsed))),
    };
    Some(format!("{} {text}", clock(elapsed)))
}

/// The heartbeat of a step that takes long.
pub fn still(of: &ResourceId, doing: &str, since: Duration, elapsed: Duration) -> String {
    format!(
        "{} {} still: {} ({})",
        clock(elapsed),
        name(of),
        clean(doing),
        say(millis(since))
    )
}

/// An event as JSON on one line, with the milliseconds since the run began.
pub fn json(event: &Event, elapsed: Duration) -> String {
    let mut value = serde_json::to_value(event).unwrap_or_default();
    if let serde_json::Value::Object(fields) = &mut value {
        fields.insert("elapsed_ms".into(), millis(elapsed).into());
    }
    value.to_string()
}

/// One line a resource while something of it goes on; finished ones stand above.
struct Terminal {
    multi: MultiProgress,
    total: ProgressBar,
    style: Style,
    lines: BTreeMap<ResourceId, Line>,
    step_of: BTreeMap<StepId, ResourceId>,
}

struct Line {
    bar: ProgressBar,
    running: usize,
    took: Duration,
}

impl Terminal {
    fn new(target: ProgressDrawTarget, style: Style) -> Self {
        let multi = MultiProgress::with_draw_target(target);
        let total = multi.add(ProgressBar::new(0));
        let template = ProgressStyle::with_template("{msg} {pos}/{len}  {elapsed}");
        total.set_style(template.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self {
            multi,
            total,
            style,
            lines: BTreeMap::new(),
            step_of: BTreeMap::new(),
        }
    }

    fn note(&mut self, of: &ResourceId, text: &str) {
        let message = self.message(of, text);
        if let Some(line) = self.lines.get(of) {
            line.bar.set_message(message);
        }
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::Begin { what, steps } => {
                self.clear();
                if what == "undo" {
                    self.above(&self.style.paint(Tone::Strong, "undoing"));
                }
                self.total.reset();
                self.total.set_length(*steps as u64);
                self.total.set_message(clean(what));
                self.total.enable_steady_tick(Duration::from_millis(100));
            }
            Event::Phase { .. } => {}
            Event::Started { step, of, doing } => self.started(*step, of, doing),
            Event::Note { step, text } => {
                if let Some(of) = self.step_of.get(step).cloned() {
                    self.note(&of, text);
                }
            }
            Event::Done {
                step,
                of,
                done,
                took,
            } => {
                self.total.inc(1);
                self.step_of.remove(step);
                self.done(of, done, *took);
            }
            Event::Failed { step, of, error } => {
                self.step_of.remove(step);
                if let Some(line) = self.lines.remove(of) {
                    line.bar.finish_and_clear();
                }
                let cross = if self.style.unicode { "✗" } else { "x" };
                let head = format!("{cross} {} failed", name(of));
                // The whole of it is told at the end.
                let room = self.style.width.saturating_sub(columns(&head) + 4).max(20);
                let error = self.style.shorten(&clean(error), room);
                let head = self.style.paint(Tone::Bad, &head);
                self.above(&format!(" {head}: {error}"));
            }
            Event::Waiting { what } => {
                self.said(&format!("waiting for {what}"));
            }
            Event::Learnt { what } => self.said(what),
            Event::End { .. } => {
                self.clear();
                // What is said next stands below what was done, not below how far it was.
                self.total.finish_and_clear();
            }
        }
    }

    fn started(&mut self, step: StepId, of: &ResourceId, doing: &str) {
        self.step_of.insert(step, of.clone());
        let message = self.message(of, doing);
        let (multi, total) = (&self.multi, &self.total);
        let line = self.lines.entry(of.clone()).or_insert_with(|| {
            let bar = multi.insert_before(total, ProgressBar::new_spinner());
            let template = ProgressStyle::with_template(" {spinner} {msg} {elapsed:>6}");
            bar.set_style(template.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.enable_steady_tick(Duration::from_millis(100));
            Line {
                bar,
                running: 0,
                took: Duration::ZERO,
            }
        });
        line.running += 1;
        line.bar.set_message(message);
    }

    fn done(&mut self, of: &ResourceId, done: &str, took: Duration) {
        let Some(line) = self.lines.get_mut(of) else {
            return;
        };
        line.running = line.running.saturating_sub(1);
        line.took += took;
        let last = of.kind != Kind::Container || !leads_on(done);
        let over = line.running == 0 && last;
        if !over {
            // Between two steps it waits for others.
            if line.running == 0 {
                let message = self.message(of, done);
                if let Some(line) = self.lines.get(of) {
                    line.bar.set_message(message);
                }
            }
            return;
        }
        if let Some(line) = self.lines.remove(of) {
            line.bar.finish_and_clear();
            if done == VERIFIED {
                return;
            }
            let tick = if self.style.unicode { "✓" } else { "+" };
            let tick = self.style.paint(Tone::Good, tick);
            let message = self.message(of, done);
            self.above(&format!(" {tick} {message} {:>6}", say(millis(line.took))));
        }
    }

    /// Name and words, padded so that the timer stands at the right edge.
    fn message(&self, of: &ResourceId, words: &str) -> String {
        let room = self.style.width.clamp(30, 100).saturating_sub(12);
        let text = format!("{:<28} {}", name(of), clean(words));
        let text = self.style.shorten(&text, room);
        let pad = room.saturating_sub(columns(&text));
        format!("{text}{}", " ".repeat(pad))
    }

    /// A sentence, in lines that fit: what is drawn cuts them.
    fn said(&self, text: &str) {
        for line in self.style.wrap(3, &clean(text)).lines() {
            self.above(line);
        }
    }

    fn above(&self, line: &str) {
        let _ = self.multi.println(line);
    }

    fn clear(&mut self) {
        for (_, line) in std::mem::take(&mut self.lines) {
            line.bar.finish_and_clear();
        }
        self.step_of.clear();
    }

    fn finish(mut self) {
        self.clear();
        self.total.finish_and_clear();
        let _ = self.multi.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Phase;
    use std::sync::{Arc, Mutex};

    /// What was written, to be looked at after.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn events() -> Vec<Event> {
        let of = ResourceId::container("blog/database");
        let started = |step, doing: &str| Event::Started {
            step,
            of: of.clone(),
            doing: doing.into(),
        };
        let done = |step, done: &str, ms| Event::Done {
            step,
            of: of.clone(),
            done: done.into(),
            took: Duration::from_millis(ms),
        };
        vec![
            Event::Begin {
                what: "apply".into(),
                steps: 3,
            },
            Event::Phase {
                phase: Phase::Switch,
            },
            started(1, "start"),
            done(1, "started", 1234),
            started(2, "wait until healthy"),
            Event::Note {
                step: 2,
                text: "starting\x1b[2J".into(),
            },
            Event::Failed {
                step: 2,
                of: of.clone(),
                error: "not healthy within 30s".into(),
            },
            Event::Waiting {
                what: "the engine".into(),
            },
            Event::End { ok: false },
        ]
    }

    #[test]
    fn a_pipe_gets_a_line_an_event() {
        let style = Style::default();
        let elapsed = Duration::from_secs(71);
        let lines: Vec<_> = events()
            .iter()
            .filter_map(|event| plain(event, elapsed, &style))
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        01:11 apply: 3 steps
        01:11 switch
        01:11 blog/database started (1.2 s)
        01:11   starting\u{1b}[2J
        01:11 blog/database failed: not healthy within 30s
        01:11 waiting for the engine
        01:11 failed after 1 min 11 s
        "#);
        let of = ResourceId::image("docker.io/library/redis:7");
        let line = still(&of, "pull", Duration::from_secs(20), elapsed);
        insta::assert_snapshot!(line, @"01:11 image docker.io/library/redis:7 still: pull (20.0 s)");
    }

    #[test]
    fn programs_get_an_object_an_event() {
        let line = json(&events()[3], Duration::from_millis(1500));
        insta::assert_snapshot!(line, @r#"{"done":"started","elapsed_ms":1500,"event":"done","of":"container:blog/database","step":1,"took":1234}"#);
    }

    #[test]
    fn every_view_takes_every_event() {
        let written = Written::default();
        let hidden = Terminal::new(ProgressDrawTarget::hidden(), Style::default());
        for view in [
            View::Quiet,
            View::Plain(Box::new(written.clone())),
            View::Json(Box::new(written.clone())),
            View::Terminal(hidden),
        ] {
            let mut progress = Progress::with(view, Style::default());
            for event in events() {
                progress.event(&event);
                progress.tick();
            }
            progress.finish();
        }
        let bytes = written.0.lock().unwrap().clone();
        // Seven lines, and nine objects.
        assert_eq!(String::from_utf8(bytes).unwrap().lines().count(), 16);
    }

    #[test]
    fn without_a_plan_words_tell_when_a_container_is_done() {
        let mut terminal = Terminal::new(ProgressDrawTarget::hidden(), Style::default());
        let of = ResourceId::container("blog");
        for (word, open) in [("created", true), ("started", true), ("healthy", false)] {
            terminal.started(1, &of, "…");
            terminal.done(&of, word, Duration::ZERO);
            assert_eq!(terminal.lines.contains_key(&of), open, "{word}");
        }
    }

    #[test]
    fn images_are_told_of_now_and_then() {
        let written = Written::default();
        let view = View::Plain(Box::new(written.clone()));
        let mut progress = Progress::with(view, Style::default());
        let image = "docker.io/library/redis:7";
        // Just begun: nothing yet. Long ago: one line, then nothing again.
        progress.image(image, &News::Pulling(1, 45_600_000));
        if let Some(before) = Instant::now().checked_sub(NEWS) {
            progress.images.insert(image.to_owned(), before);
        }
        progress.image(image, &News::Pulling(12_345_678, 45_600_000));
        progress.image(image, &News::Pulling(20_000_000, 45_600_000));
        let bytes = written.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(
            text,
            "00:00 image docker.io/library/redis:7 pulling 12.3 of 45.6 MB\n"
        );
        // What takes long is told with the step that it is at.
        progress.event(&Event::Started {
            step: 1,
            of: ResourceId::image(image),
            doing: "building".into(),
        });
        progress.image(image, &News::Step("2/3 RUN make".into()));
        assert_eq!(progress.running[&1].doing, "building 2/3 RUN make");
    }
}
