//! `coasti product` and `coasti tool`: their arguments.

use super::Format;
use crate::base::Span;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `coasti product` and `coasti tool`.
#[derive(Debug, Subcommand)]
pub enum ItemCommand {
    /// Show what is listed, and whether it is installed.
    List {
        /// For people (`human`) or as one JSON document (`json`).
        #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
        format: Format,
    },
    /// List one more, once it can be reached.
    Add {
        /// Its git repository (https, ssh), an archive (https), or a path from the stack's folder to one or to a folder;
        /// asked for where it is not said.
        address: Option<String>,
        /// All of this as a JSON object, with the names that the list has (`vcs_repo`, `id`, `dst_path`, `vcs_ref`,
        /// `vcs_auth_type`, `vcs_auth_value`); `-` is standard input. Arguments can be seen: no token in one.
        #[arg(long, value_name = "JSON")]
        data: Option<String>,
        /// Its id; without it, the one that it gives itself, else the address's last part.
        #[arg(long)]
        id: Option<String>,
        /// Branch, tag or commit; without it, the latest tag.
        #[arg(long, value_name = "REF")]
        vcs_ref: Option<String>,
        /// Its folder, relative to the stack's.
        #[arg(long, value_name = "DIR")]
        path: Option<String>,
        /// A file with the token that opens it; `-` is standard input.
        #[arg(long, value_name = "FILE", conflicts_with = "key")]
        token_file: Option<PathBuf>,
        /// The ssh key that opens it.
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        /// How long git may take.
        #[arg(long, value_name = "DURATION", default_value = "30s")]
        timeout: Span,
    },
    /// Install one: ask its questions, make its files and links.
    Install {
        /// Its id; chosen on the terminal where it is not said.
        id: Option<String>,
        /// Branch, tag or commit; it is written into the list.
        #[arg(long, value_name = "REF")]
        vcs_ref: Option<String>,
        /// Install it anew, over what is there.
        #[arg(long)]
        recopy: bool,
        #[command(flatten)]
        copy: Copy,
    },
    /// Update one: merge what its authors changed with what you changed.
    Update {
        /// Its id; chosen on the terminal where it is not said.
        id: Option<String>,
        /// Branch, tag or commit; it is written into the list.
        #[arg(long, value_name = "REF")]
        vcs_ref: Option<String>,
        #[command(flatten)]
        copy: Copy,
    },
    /// Answer one's questions anew: merge what that changes with what you changed.
    Configure {
        /// Its id; chosen on the terminal where it is not said.
        id: Option<String>,
        #[command(flatten)]
        copy: Copy,
    },
    /// Run one by hand: the `entrypoint` of its info.yml or coasti.yml, in its folder, with the variables of its
    /// config/.env. Its exit code is the command's.
    Run {
        /// Its id.
        id: String,
        /// Let the product of this commit run on this machine.
        #[arg(long, value_name = "COMMIT")]
        trust: Option<String>,
        /// Arguments for it.
        #[arg(last = true, value_name = "ARGUMENT")]
        arguments: Vec<String>,
    },
    /// Remove one: its folder with its data, its links and secrets, and its entry.
    Remove {
        /// Its id.
        id: String,
        /// Its id once more, where there is no terminal to type it on.
        #[arg(long, value_name = "ID")]
        confirm: Option<String>,
    },
}

/// How a product is installed, updated or configured.
#[derive(Clone, Debug, Args)]
pub struct Copy {
    /// Answers, as a JSON object; `-` is standard input. Secrets do not belong into an argument: those can be seen.
    #[arg(long, value_name = "JSON")]
    pub data: Option<String>,
    /// Its answers file, relative to its folder, where that is none of Copier's usual ones.
    #[arg(long, value_name = "FILE")]
    pub answers_file: Option<String>,
    /// Ask nothing: what is not given is as before, or its default. So it is with -q, or without a terminal.
    #[arg(long)]
    pub defaults: bool,
    /// Only show what would be done.
    #[arg(long)]
    pub pretend: bool,
    /// Let the template of this commit run its commands on this machine.
    #[arg(long, value_name = "COMMIT", conflicts_with = "skip_tasks")]
    pub trust: Option<String>,
    /// Leave the template's commands out.
    #[arg(long)]
    pub skip_tasks: bool,
    /// How long one command of git's may take.
    #[arg(long, value_name = "DURATION", default_value = "5m")]
    pub timeout: Span,
}
