//! Which settings a template of Copier's can have.

use super::codes;
use crate::diag::{Diagnostic, Diagnostics, Place, did_you_mean};
use pep440_rs::Version;

/// Settings that do something here.
const KNOWN: [&str; 15] = [
    "answers_file",
    "envops",
    "exclude",
    "external_data",
    "jinja_extensions",
    "message_after_copy",
    "message_after_update",
    "migrations",
    "min_copier_version",
    "preserve_symlinks",
    "secret_questions",
    "skip_if_exists",
    "subdirectory",
    "tasks",
    "templates_suffix",
];

/// Settings of Copier's that are about how it is called, or told before it starts: they change no file.
const OTHERS: [&str; 16] = [
    "cleanup_on_error",
    "conflict",
    "context_lines",
    "data_file",
    "defaults",
    "force",
    "message_before_copy",
    "message_before_update",
    "overwrite",
    "pretend",
    "quiet",
    "skip_answered",
    "skip_tasks",
    "unsafe",
    "use_prereleases",
    "vcs_ref",
];

/// The version of Copier whose templates are rendered as it does.
const COPIER: &str = "9.19.1";

/// That a template wants a newer Copier than coasti is like.
pub(super) fn newer(said: &str, at: &Place, d: &mut Diagnostics) {
    let (wanted, ours) = (said.parse::<Version>(), COPIER.parse::<Version>());
    if let (Ok(wanted), Ok(ours)) = (wanted, ours)
        && wanted > ours
    {
        d.push(
            Diagnostic::warning(
                codes::NEWER,
                Some(at.clone()),
                format!("the template is made for Copier {said} or newer"),
            )
            .label(format!("coasti does what Copier {COPIER} does"))
            .help("compare what comes of it; a newer coasti may know more"),
        );
    }
}

/// That a setting, without its underscore, is one that neither Copier nor coasti has.
pub(super) fn check(name: &str, at: Place, d: &mut Diagnostics) {
    if OTHERS.contains(&name) {
        return;
    }
    let known = KNOWN.iter().chain(&OTHERS).copied();
    let mut warning = Diagnostic::warning(
        codes::UNKNOWN_SETTING,
        Some(at),
        format!("`_{name}` is no setting of a template"),
    )
    .label("it does nothing");
    if let Some(near) = did_you_mean(name, known) {
        warning = warning.help(format!("did you mean `_{near}`?"));
    }
    d.push(warning);
}
