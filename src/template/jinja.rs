//! Jinja as Copier sets it up.

use super::external::{External, Files, NAME};
use super::filters::{self, dates::Clock};
use super::methods;
use super::settings::Envops;
use super::tree::Tree;
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, syntax::SyntaxConfig};
use serde_json::{Map, Value as Json};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

/// Where randomness comes from: fills bytes.
pub type Dice = Arc<dyn Fn(&mut [u8]) -> Result<(), String> + Send + Sync>;

/// Does a piece of work, or gives up on it and tells why: what a template asks for can be more than any machine has.
pub type Runner = Arc<dyn Fn(Work) -> Result<(), String> + Send + Sync>;

/// What a [`Runner`] does.
pub type Work = Box<dyn FnOnce() + Send>;

/// No template of a product needs more steps; an endless one ends.
const FUEL: u64 = 20_000_000;

/// How many bytes a template may make of one text.
const MOST_MADE: usize = 16 << 20;

/// What a template makes, as long as that is not too long.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MOST_MADE {
            return Err(io::Error::other("too long"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Renders texts.
pub struct Jinja {
    env: Arc<Environment<'static>>,
    ops: Arc<Envops>,
    runner: Runner,
    gave_up: AtomicBool,
    thrown: Arc<AtomicUsize>,
    clock: Clock,
    external: Option<External>,
}

impl std::fmt::Debug for Jinja {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Jinja")
    }
}

impl Jinja {
    /// With a template's own settings; `include` and `import` find its files.
    pub fn new(ops: &Envops, tree: &Arc<Tree>, dice: &Dice) -> Result<Self, String> {
        let mut env = Environment::new();
        let mut syntax = SyntaxConfig::builder();
        let pair = |pair: &(String, String)| (pair.0.clone(), pair.1.clone());
        let (start, end) = pair(&ops.block);
        syntax.block_delimiters(start, end);
        let (start, end) = pair(&ops.variable);
        syntax.variable_delimiters(start, end);
        let (start, end) = pair(&ops.comment);
        syntax.comment_delimiters(start, end);
        syntax
            .trim_blocks(ops.trim_blocks)
            .lstrip_blocks(ops.lstrip_blocks)
            .keep_trailing_newline(ops.keep_trailing_newline);
        env.set_syntax(syntax.build().map_err(|error| error.to_string())?);
        env.set_undefined_behavior(match ops.strict {
            true => UndefinedBehavior::Strict,
            false => UndefinedBehavior::Lenient,
        });
        env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        env.set_unknown_method_callback(methods::call);
        env.set_fuel(Some(FUEL));
        let ops = Arc::new(ops.clone());
        let (files, own) = (Arc::clone(tree), Arc::clone(&ops));
        env.set_loader(move |name| {
            let text = files.text(name);
            Ok(text.map(|text| own.written(&lines(text))))
        });
        let thrown = Arc::new(AtomicUsize::new(0));
        let (counter, dice) = (Arc::clone(&thrown), Arc::clone(dice));
        let counted: Dice = Arc::new(move |bytes| {
            counter.fetch_add(1, Ordering::Relaxed);
            dice(bytes)
        });
        let clock = Clock::default();
        filters::add(&mut env, &counted, &clock);
        Ok(Self {
            env: Arc::new(env),
            ops,
            runner: Arc::new(|work| {
                work();
                Ok(())
            }),
            gave_up: AtomicBool::new(false),
            thrown,
            clock,
            external: None,
        })
    }

    /// Lets templates read files of the product: by name, with their paths there, which are Jinja.
    pub fn reading(mut self, named: Vec<(String, String)>, files: Files) -> Self {
        self.external = (!named.is_empty()).then(|| External::new(named, files));
        self
    }

    /// The product's files that a template asked for and that are not there.
    pub(super) fn missing(&self) -> BTreeSet<String> {
        let external = self.external.as_ref();
        external.map(External::missing).unwrap_or_default()
    }

    /// With what time it is: to all of a command, the same.
    pub fn with_clock(self, now: jiff::Timestamp) -> Self {
        let _ = self.clock.set(now);
        self
    }

    /// With somebody who looks at what it takes.
    pub fn with_runner(self, runner: Runner) -> Self {
        Self { runner, ..self }
    }

    /// Renders a text that is called `name` in errors.
    pub fn render(
        &self,
        name: &str,
        text: &str,
        context: &Map<String, Json>,
    ) -> Result<String, Error> {
        let context = minijinja::Value::from(minijinja::value::Serde(context));
        // What has no tags asks for no data.
        let external = self.external.as_ref().filter(|_| self.ops.any(text));
        let Some(external) = external else {
            return self.text(name, text, context);
        };
        let (env, ops) = (Arc::clone(&self.env), Arc::clone(&self.ops));
        let own = context.clone();
        let path = move |path: &str| rendered(&env, &ops, NAME, path, own.clone());
        let data = external.value(Box::new(path));
        let data = minijinja::Value::from_pairs([(NAME, data)]);
        self.text(name, text, minijinja::value::merge_maps([context, data]))
    }

    fn text(&self, name: &str, text: &str, context: minijinja::Value) -> Result<String, Error> {
        // Most names and patterns are plain.
        let is_plain = !self.ops.any(text);
        let (name, text, ops) = (name.to_owned(), text.to_owned(), Arc::clone(&self.ops));
        let env = Arc::clone(&self.env);
        let work = move || rendered(&env, &ops, &name, &text, context);
        if is_plain {
            return work();
        }
        let (made, result) = mpsc::sync_channel(1);
        let done = (self.runner)(Box::new(move || {
            let _ = made.send(work());
        }));
        let result = done.and_then(|()| result.try_recv().map_err(|_| ENDLESS.to_owned()));
        result.unwrap_or_else(|why| {
            self.gave_up.store(true, Ordering::Relaxed);
            Err(Error::new(ErrorKind::OutOfFuel, why))
        })
    }

    /// Whether the runner gave up: nothing more is worth a try.
    pub(super) fn gave_up(&self) -> bool {
        self.gave_up.load(Ordering::Relaxed)
    }

    /// How often dice were thrown so far: whether a value is random is told by whether this grew.
    pub(super) fn thrown(&self) -> usize {
        self.thrown.load(Ordering::Relaxed)
    }
}

fn rendered(
    env: &Environment<'static>,
    ops: &Envops,
    name: &str,
    text: &str,
    context: minijinja::Value,
) -> Result<String, Error> {
    let text = ops.written(&lines(text));
    let template = env.template_from_named_str(name, &text)?;
    let mut made = Bounded(Vec::new());
    template.render_captured_to(context, &mut made)?;
    String::from_utf8(made.0)
        .map_err(|_| Error::new(ErrorKind::InvalidOperation, "it makes what is no text"))
}

/// A template's text with every line ended by a line feed, as Jinja reads it.
fn lines(text: &str) -> Cow<'_, str> {
    match text.contains('\r') {
        true => Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")),
        false => Cow::Borrowed(text),
    }
}

const ENDLESS: &str = "it does not come to an end";

/// What is wrong, for people. Jinja's own words, without values.
pub(super) fn words(error: &Error) -> String {
    let kind = match error.kind() {
        ErrorKind::UnknownFilter => "coasti does not have the filter".to_owned(),
        ErrorKind::OutOfFuel => return error.detail().unwrap_or(ENDLESS).to_owned(),
        ErrorKind::WriteFailure => return "it makes more than 16 MB".to_owned(),
        kind => kind.to_string(),
    };
    match error.detail() {
        Some(detail) => format!("{kind}: {detail}"),
        None => kind,
    }
}
