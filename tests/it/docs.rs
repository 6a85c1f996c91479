//! Pages that are made from the code. `COASTI_BLESS=1` writes them anew.

use clap::{ArgAction, Command, CommandFactory as _};
use std::{fmt::Write as _, path::Path};

/// Compares a page with what the code says, or writes it.
fn page(name: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    if std::env::var_os("COASTI_BLESS").is_some() {
        std::fs::write(&path, made).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "{name} is not what the code says: COASTI_BLESS=1 cargo test --test it docs::"
    );
}

#[test]
fn the_reference_has_every_code() {
    let mut text = "# Errors\n\nEvery problem has a code that stays. `E` is an error in the files, `W` a warning, \
        `P` something that a plan\nrefuses to do, `T` an error in a product's template. All problems of the files are shown at once, each with its place. \
        Exit codes: 3 for errors in the\nfiles, 6 for a refused plan.\n"
        .to_owned();
    for (title, codes) in [
        ("In the files", coasti::config::codes::CODES),
        ("In a product's template", coasti::template::codes::CODES),
        ("Refused by a plan", coasti::diff::codes::CODES),
    ] {
        write!(text, "\n## {title}\n").unwrap();
        for (code, title, why) in codes {
            write!(text, "\n### {code}: {title}\n\n{why}\n").unwrap();
        }
    }
    page("docs/src/reference/errors.md", &text);
}

#[test]
fn the_reference_has_every_command() {
    let mut root = coasti::cli::args::Cli::command();
    root.build();
    let mut text =
        "# Commands and options\n\nEvery command with its options. What they are for is told in \
        [Commands](../commands.md).\n\n## Of every command\n\n"
            .to_owned();
    options(&root, |argument| argument.is_global_set(), &mut text);
    for command in root.get_subcommands() {
        one(command, "coasti", &mut text);
    }
    page("docs/src/reference/commands.md", &text);
}

/// A command's section, then those of its own commands.
fn one(command: &Command, of: &str, text: &mut String) {
    let name = format!("{of} {}", command.get_name());
    let about = command.get_long_about().or(command.get_about());
    let about = sentence(about.map(ToString::to_string).unwrap_or_default());
    write!(text, "\n## {name}\n\n{about}\n\n").unwrap();
    if !command.has_subcommands() {
        let usage = command.clone().render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ");
        write!(text, "```text\n{usage}\n```\n\n").unwrap();
    }
    options(command, |argument| !argument.is_global_set(), text);
    for own in command.get_subcommands() {
        one(own, &name, text);
    }
}

/// The table of a command's arguments, without the help that every command has.
fn options(command: &Command, wanted: fn(&clap::Arg) -> bool, text: &mut String) {
    let mut rows = String::new();
    for argument in command.get_arguments().filter(|one| wanted(one)) {
        let built_in = [
            ArgAction::Help,
            ArgAction::HelpLong,
            ArgAction::HelpShort,
            ArgAction::Version,
        ];
        if argument.is_hide_set()
            || built_in
                .iter()
                .any(|one| matches_action(one, argument.get_action()))
        {
            continue;
        }
        let mut names = Vec::new();
        names.extend(argument.get_short().map(|short| format!("-{short}")));
        names.extend(argument.get_long().map(|long| format!("--{long}")));
        let mut shown = names.join(", ");
        if argument.get_action().takes_values() {
            let values = argument.get_value_names().unwrap_or_default();
            let values = values.iter().map(ToString::to_string).collect::<Vec<_>>();
            shown = format!("{shown} {}", values.join(" ")).trim().to_owned();
        }
        let help = argument.get_help().map(ToString::to_string);
        assert!(
            help.is_some(),
            "{shown} of {} has no help",
            command.get_name()
        );
        let mut help = sentence(help.unwrap_or_default());
        // One of these spreads the whole help over pages, which nobody reads at night.
        let spread = argument.get_long_help().is_some()
            || !argument.is_hide_possible_values_set()
                && (argument.get_possible_values().iter()).any(|one| one.get_help().is_some());
        assert!(
            !spread,
            "{shown} of {} is told at length",
            command.get_name()
        );
        let possible = argument.get_possible_values();
        if argument.get_action().takes_values() && !possible.is_empty() {
            let possible = possible.iter().map(|one| format!("`{}`", one.get_name()));
            write!(help, " One of {}.", possible.collect::<Vec<_>>().join(", ")).unwrap();
        }
        if let [default] = argument.get_default_values()
            && argument.get_action().takes_values()
        {
            write!(help, " Default: `{}`.", default.to_string_lossy()).unwrap();
        }
        if let Some(variable) = argument.get_env() {
            write!(help, " Or the variable `{}`.", variable.to_string_lossy()).unwrap();
        }
        writeln!(
            rows,
            "| `{}` | {} |",
            shown.replace('|', "\\|"),
            help.replace('|', "\\|")
        )
        .unwrap();
    }
    if !rows.is_empty() {
        write!(text, "| option | does |\n|---|---|\n{rows}").unwrap();
    }
}

/// Clap takes the full stop off the end of a help text.
fn sentence(mut text: String) -> String {
    if !text.is_empty() && !text.ends_with('.') {
        text.push('.');
    }
    text
}

fn matches_action(one: &ArgAction, other: &ArgAction) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}
