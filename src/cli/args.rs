//! The arguments, as clap reads them. Their doc comments are the help texts.

mod product;
mod secret;

pub use product::{Copy, ItemCommand};
pub use secret::{Form, Random, SecretCommand};

use crate::base::Span;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Reconciles a self-hosted stack on Docker with files kept in git.
#[derive(Debug, Parser)]
#[command(
    name = "coasti",
    version,
    disable_help_subcommand = true,
    max_term_width = 100
)]
#[command(
    after_help = "Exit codes: 0 done or nothing to do, 1 error, 2 changes pending (--detailed-exitcode), \
                        3 files invalid, 4 plan stale, 5 locked, 6 not permitted, 7 failed and undone, \
                        8 failed and not fully undone, 9 degraded, 64 usage, 130 interrupted."
)]
pub struct Cli {
    /// What is global.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// The stack's folder; without it, the nearest one upwards that has config/products.yml.
    #[arg(
        short = 'C',
        long,
        value_name = "DIR",
        global = true,
        env = "COASTI_BASE_DIR",
        hide_env_values = true
    )]
    pub directory: Option<PathBuf>,
    /// The engine (unix://…, tcp://…); without it, the current Docker context's.
    #[arg(
        short = 'H',
        long,
        value_name = "URL",
        global = true,
        env = "DOCKER_HOST",
        hide_env_values = true
    )]
    pub host: Option<String>,
    /// The environment: config/deploy.ENV.yml lies over the deploy file.
    #[arg(
        long = "env",
        value_name = "ENV",
        global = true,
        env = "COASTI_ENV",
        hide_env_values = true
    )]
    pub environment: Option<String>,
    /// When to use colour: `auto` is on a terminal, unless NO_COLOR is set; `always`; `never`.
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        default_value_t,
        hide_possible_values = true,
        global = true
    )]
    pub color: Color,
    /// Say only what was asked for, and what is wrong.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more about what goes on (repeat for still more).
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How to show what there is to tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// One JSON document.
    Json,
}

/// How to show a graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// A tree.
    #[default]
    Text,
    /// For Graphviz.
    Dot,
    /// For Mermaid.
    Mermaid,
    /// One JSON document.
    Json,
}

/// How to show a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON document.
    Json,
    /// For a comment on a change.
    Markdown,
}

/// How to tell what is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum RunFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON document at the end.
    Json,
    /// One JSON document a line, as it happens.
    Jsonl,
}

/// What a plan may be narrowed, forced and allowed to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct Narrow {
    /// Only this label's containers, and what they need (repeat for more).
    #[arg(long, value_name = "LABEL")]
    pub target: Vec<String>,
    /// Replace this label's containers even though nothing differs (repeat for more).
    #[arg(long, value_name = "LABEL")]
    pub replace: Vec<String>,
    /// Let this label start with new, empty data, on data that is not its own, or with a password that was changed
    /// inside its service (repeat for more).
    #[arg(long, value_name = "LABEL")]
    pub new_data: Vec<String>,
    /// Allow so many containers to go where that is more than half of the stack.
    #[arg(long, value_name = "N")]
    pub max_removals: Option<usize>,
    /// Ask registries whether the images' tags moved.
    #[arg(long)]
    pub refresh: bool,
}

/// Options of what changes.
#[derive(Clone, Debug, Args)]
pub struct Change {
    /// Do not ask.
    #[arg(short = 'y', long)]
    pub yes: bool,
    /// How long to wait where somebody else holds the lock.
    #[arg(long, value_name = "DURATION", default_value = "0s")]
    pub lock_wait: Span,
    /// For people (`human`), as one JSON document at the end (`json`), or as one a line, as it happens (`jsonl`).
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    pub format: RunFormat,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a stack's folder, or what is missing of one. What is there stays as it is.
    Init {
        /// The folder; without it, -C DIR or the working directory.
        dir: Option<PathBuf>,
        /// Answers, as a JSON object (`-` is standard input): stack, vcs_repo_type (local, remote, skip), vcs_online_repo.
        #[arg(long, value_name = "JSON")]
        data: Option<String>,
        /// Make a git repository with a first commit (`local`), which goes to a remote one (`remote`), or none (`skip`).
        #[arg(long, value_enum, hide_possible_values = true)]
        vcs: Option<Vcs>,
        /// The remote repository's address; it is added as `origin`.
        #[arg(long, value_name = "URL")]
        remote: Option<String>,
        /// Make also those files anew that are there and differ; asks before.
        #[arg(long)]
        recopy: bool,
        /// The installer's; refused with what to do.
        #[arg(long, value_name = "REF", hide = true)]
        vcs_ref: Option<String>,
        /// Only show what would be made.
        #[arg(long)]
        pretend: bool,
        /// Ask nothing: what is not given is its default. So it is with -q, or without a terminal.
        #[arg(long)]
        defaults: bool,
        /// Agree to make it in a folder that is not empty, and to make files anew.
        #[arg(short = 'y', long)]
        yes: bool,
    },
    /// Ask for the stack's settings anew, and write them into the deploy file.
    Configure {
        /// Answers, as a JSON object (`-` is standard input): stack, ports_from, ports_to.
        #[arg(long, value_name = "JSON")]
        data: Option<String>,
        /// Only show what would change.
        #[arg(long)]
        pretend: bool,
    },
    /// Check the files, without an engine.
    Validate {
        /// For people (`human`) or as one JSON document (`json`).
        #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
        format: Format,
    },
    /// Write files from before in today's version, comments and order kept. Shows what changes.
    Migrate {
        /// Change nothing; exit with 2 where something would change.
        #[arg(long)]
        check: bool,
        /// Files, relative to the stack's folder; without any, those of config/.
        files: Vec<String>,
    },
    /// Write files in one form: indentation, spaces, quotes. Order, comments and meaning stay.
    Fmt {
        /// Change nothing; show what would change, and exit with 2 where something would.
        #[arg(long)]
        check: bool,
        /// Files, relative to the stack's folder; without any, those of config/.
        files: Vec<String>,
    },
    /// Print a file's JSON Schema, for editors.
    Schema {
        /// Which file's.
        #[arg(value_parser = clap::builder::PossibleValuesParser::new(crate::config::schema::NAMES))]
        name: String,
    },
    /// Tell where a value comes from: what coasti brings, a product's files, the deploy file, the environment's.
    Explain {
        /// `LABEL`, `LABEL/PROVIDER`, `volume ADDRESS`, a domain or a name on the engine; then, after a dot, a field:
        /// `wiki.env.LOG_LEVEL`. `stack` is what is said of the whole. Without any, what there is.
        #[arg(num_args = 0..)]
        address: Vec<String>,
        /// For people (`human`) or as one JSON document (`json`).
        #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
        format: Format,
    },
    /// Show what the stack is made of, and what needs what.
    Graph {
        /// As a tree (`text`), for Graphviz (`dot`), for Mermaid (`mermaid`), or as one JSON document (`json`).
        #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
        format: GraphFormat,
    },
    /// Show what an apply would do. Only reads.
    Plan {
        #[command(flatten)]
        narrow: Narrow,
        /// Save the plan, for `coasti apply FILE`.
        #[arg(short, long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Exit with 2 where there are changes.
        #[arg(long)]
        detailed_exitcode: bool,
        /// Show every field and step.
        #[arg(long)]
        full: bool,
        /// For people (`human`), as one JSON document (`json`), or for a comment on a change (`markdown`).
        #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
        format: PlanFormat,
    },
    /// Make what runs what the files say; where that fails, undo it.
    Apply {
        /// A plan that `plan --out FILE` saved: refused where anything changed since.
        #[arg(conflicts_with_all = ["target", "replace", "new_data", "max_removals", "refresh"])]
        plan: Option<PathBuf>,
        #[command(flatten)]
        narrow: Narrow,
        #[command(flatten)]
        change: Change,
        /// Keep the container that failed, stopped, to look at.
        #[arg(long)]
        keep_failed: bool,
    },
    /// Go back to an older revision of the whole stack.
    Rollback {
        /// The revision (`coasti history`), `r12` or `12`; without it, the one before, and after a rollback the one
        /// before that.
        revision: Option<String>,
        #[command(flatten)]
        change: Change,
    },
    /// Undo a run that was cut off: back to what was last good.
    Recover {
        #[command(flatten)]
        change: Change,
    },
    /// Remove all containers and networks. Data and history stay.
    Destroy {
        #[command(flatten)]
        change: Change,
    },
    /// Show what runs: health, and whether it is what the files say. Changes nothing.
    Status {
        /// Also each container's image, ports and restarts, and limits that were set by hand.
        #[arg(long)]
        full: bool,
        /// For people (`human`) or as one JSON document (`json`).
        #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
        format: Format,
    },
    /// Show what was done, newest first.
    History {
        /// How many runs.
        #[arg(short = 'n', long, default_value_t = 20)]
        number: usize,
        /// For people (`human`) or as one JSON document (`json`).
        #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
        format: Format,
    },
    /// Show one revision or run.
    Show {
        /// A revision (`r12`) or a run (`12`), as `history` lists them; without it, the last run.
        what: Option<String>,
        /// For people (`human`) or as one JSON document (`json`).
        #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
        format: Format,
    },
    /// Show what a container prints.
    Logs {
        /// Label, domain, `LABEL/PROVIDER` or container name.
        name: String,
        /// Go on as it prints more.
        #[arg(short, long)]
        follow: bool,
        /// How many of the last lines.
        #[arg(short = 'n', long, default_value_t = 100)]
        tail: usize,
    },
    /// Run a command in a container.
    Exec {
        /// Label, domain, `LABEL/PROVIDER` or container name.
        name: String,
        /// The command with its arguments.
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Start apps that were stopped, paused or removed, and keep them running.
    Start(Labels),
    /// Stop apps, and keep them stopped, also through an apply.
    Stop(Labels),
    /// Stop apps and start them again, those that need others last.
    Restart(Labels),
    /// Freeze apps, and keep them frozen, also through an apply.
    Pause(Labels),
    /// Thaw apps that were paused.
    Unpause(Labels),
    /// Remove apps' containers, and keep them away, also through an apply. Their data stays.
    Remove(Labels),
    /// Write the stack in another's form.
    #[command(subcommand)]
    Export(ExportCommand),
    /// Take over what was written for something else.
    #[command(subcommand)]
    Import(ImportCommand),
    /// Products: what is installed, from a git repository, an archive or a folder.
    #[command(subcommand)]
    Product(ItemCommand),
    /// Tools: what products share, installed like them.
    #[command(subcommand)]
    Tool(ItemCommand),
    /// Secrets of the folder, and generated values.
    #[command(subcommand)]
    Secret(SecretCommand),
    /// The lock of whoever works on the stack: tell who, or take it away.
    #[command(subcommand)]
    Lock(LockCommand),
}

/// Whether a folder is kept in git.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Vcs {
    /// In a repository that is made here.
    Local,
    /// In one that is made here and goes to a remote one.
    Remote,
    /// In none, or in one that is made otherwise.
    Skip,
}

/// Apps by label, domain or container name.
#[derive(Clone, Debug, Args)]
pub struct Labels {
    /// Labels, domains or container names.
    #[arg(required = true, value_name = "LABEL")]
    pub names: Vec<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub change: Change,
}

/// `coasti export`.
#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// Write the stack as one compose file. Secrets are variables in it.
    Compose {
        /// Where to; standard output where nothing is said. A file that is there is not overwritten.
        #[arg(short, long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Where to write the variables' values, readable by you alone.
        #[arg(long, value_name = "FILE")]
        env_file: Option<PathBuf>,
    },
}

/// `coasti import`.
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Make a product of a compose file: copy it, and the files that it names, into products/ID.
    Compose {
        /// The compose file.
        file: PathBuf,
        /// The product's id; the folder's name where nothing is said.
        #[arg(long)]
        id: Option<String>,
        /// The folder that becomes the product's; the file's own where nothing is said.
        #[arg(long, value_name = "DIR")]
        root: Option<PathBuf>,
        /// A file that is laid over it (repeat for more).
        #[arg(long = "file", value_name = "FILE")]
        files: Vec<PathBuf>,
        /// A file with its variables' values (repeat for more).
        #[arg(long, value_name = "FILE")]
        env_file: Vec<PathBuf>,
        /// A profile whose services run (repeat for more).
        #[arg(long, value_name = "NAME")]
        profile: Vec<String>,
    },
    /// Make a stack of deploy files of nua's. What runs of them on this engine is taken over by the first apply.
    Nua {
        /// Deploy files (.json, .toml, .yaml).
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// The stack's folder, which is made: one that is not there, or is empty.
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
        /// The stack's name; the folder's where nothing is said.
        #[arg(long, value_name = "NAME")]
        stack: Option<String>,
        /// A folder with definitions of apps (nua-config) in it or below; those of the deploy files where nothing is
        /// said (repeat for more).
        #[arg(long, value_name = "DIR")]
        apps: Vec<PathBuf>,
        /// A folder with archives of images that nua built (repeat for more).
        #[arg(long, value_name = "DIR")]
        images: Vec<PathBuf>,
        /// For people (`human`) or as one JSON document (`json`).
        #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
        format: Format,
    },
    /// Make a stack of a DTaaS services project, in its folder. What runs of it on this engine is taken over by the
    /// first apply.
    Dtaas {
        /// The project's folder, with compose.services.yml and config/services.env.
        dir: PathBuf,
        /// The stack's name; the compose project's where nothing is said.
        #[arg(long, value_name = "NAME")]
        stack: Option<String>,
        /// For people (`human`) or as one JSON document (`json`).
        #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
        format: Format,
    },
}

/// `coasti lock`.
#[derive(Debug, Subcommand)]
pub enum LockCommand {
    /// Tell who holds it.
    Status {
        /// For people (`human`) or as one JSON document (`json`).
        #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
        format: Format,
    },
    /// Take it away from whoever holds it.
    Release {
        /// Do not ask.
        #[arg(short = 'y', long)]
        yes: bool,
    },
}
