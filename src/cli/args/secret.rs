//! `coasti secret`.

use super::Format;
use clap::{Args, Subcommand};

/// `coasti secret`.
#[derive(Debug, Subcommand)]
pub enum SecretCommand {
    /// Show which there are, how they are kept and who asks for them. Never what they are.
    List {
        /// For people (`human`) or as one JSON document (`json`).
        #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
        format: Format,
    },
    /// Print one value.
    Get {
        /// A secret's name, or a generated value's `LABEL[/PROVIDER]/VAR`.
        name: String,
        /// What was last applied, from the engine, in the place of what the folder has.
        #[arg(long)]
        applied: bool,
    },
    /// Take a value from the terminal, unseen, or from standard input.
    Set {
        /// A secret's name, or a generated value's `LABEL[/PROVIDER]/VAR`.
        name: String,
        #[command(flatten)]
        form: Form,
    },
    /// Open a secret of the folder in your editor ($VISUAL, $EDITOR).
    Edit {
        /// Its name.
        name: String,
        #[command(flatten)]
        form: Form,
    },
    /// Make a new random secret of the folder.
    Generate {
        /// Its name.
        name: String,
        #[command(flatten)]
        random: Random,
        #[command(flatten)]
        form: Form,
    },
    /// Give a secret, or a generated value, a new random value of the same shape.
    Rotate {
        /// A secret's name, or a generated value's `LABEL[/PROVIDER]/VAR`.
        name: String,
        #[command(flatten)]
        random: Random,
    },
    /// Encrypt all that is encrypted anew, for those that config/secrets/recipients.txt lists now.
    Rekey {
        /// Also where your own key is not listed.
        #[arg(long)]
        without_me: bool,
    },
    /// Put your public key into config/secrets/recipients.txt; make an age identity where you have none.
    Keygen,
    /// Print all values that the engine keeps as JSON: a copy against disaster. Keep it safe.
    Export,
    /// Take values in from JSON on standard input, as `export` wrote it.
    Import,
}

/// How a secret is kept. Without either: as it is; a new one encrypted where there are recipients.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Form {
    /// Keep it encrypted, in NAME.age.
    #[arg(long, conflicts_with = "plain")]
    pub encrypt: bool,
    /// Keep it as it is, for this user only, out of git.
    #[arg(long)]
    pub plain: bool,
}

/// What a random value looks like.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Random {
    /// How many characters: letters and digits, or hexadecimal digits with --hex.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(8..=4096))]
    pub length: Option<u16>,
    /// Hexadecimal digits.
    #[arg(long)]
    pub hex: bool,
    /// So many random bytes, in base64.
    #[arg(long, value_name = "BYTES", conflicts_with_all = ["length", "hex"], value_parser = clap::value_parser!(u16).range(8..=4096))]
    pub base64: Option<u16>,
}
