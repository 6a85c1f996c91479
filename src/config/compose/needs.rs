//! What a service needs: `depends_on`.

use super::tree::{Item, Keys, Val};
use crate::config::codes;
use crate::diag::{Diagnostic, Diagnostics, Place, did_you_mean};

/// What a service needs of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) enum Condition {
    /// It runs.
    Started,
    /// It is healthy.
    Healthy,
    /// It ended with 0.
    Completed,
}

/// An entry of `depends_on`.
#[derive(Clone, Debug)]
pub(in crate::config) struct Dependency {
    /// The other service.
    pub service: String,
    /// What it must be.
    pub condition: Condition,
    /// Whether it must be there at all.
    pub required: bool,
    /// Whether this one is made anew with it.
    pub restart: bool,
    /// Whether just what it keeps is needed (`volumes_from`): it may have ended.
    pub kept: bool,
    /// Where it stands.
    pub at: Place,
}

/// Reads `depends_on`.
pub(super) fn read(item: Option<&Item>, what: &str, d: &mut Diagnostics) -> Vec<Dependency> {
    let mut all = Vec::new();
    let Some(item) = item else { return all };
    if !matches!(item.value, Val::Map(_)) {
        d.push(item.wrong(&format!("`depends_on` of {what}"), "a table or a list"));
    }
    for field in item.fields() {
        let mut needed = Dependency {
            service: field.key.clone(),
            condition: Condition::Started,
            required: true,
            restart: false,
            kept: false,
            at: field.key_at.clone(),
        };
        if let Some(mut keys) = Keys::of(&field.item, format!("`depends_on` of {what}"), d) {
            let condition = keys.plain("condition", d);
            if condition.is_none() && field.item.get("condition").is_none() {
                let summary = format!("`{}` of `depends_on` has no `condition`", field.key);
                let error = Diagnostic::error(codes::MISSING, Some(field.key_at.clone()), summary);
                d.push(error.help("`service_started`, `service_healthy` or `service_completed_successfully`; a list of names is the first"));
            }
            if let Some((word, at)) = condition {
                match word.as_str() {
                    "service_started" => {}
                    "service_healthy" => needed.condition = Condition::Healthy,
                    "service_completed_successfully" => needed.condition = Condition::Completed,
                    other => {
                        const WORDS: [&str; 3] = [
                            "service_started",
                            "service_healthy",
                            "service_completed_successfully",
                        ];
                        let error = at.bad("`condition`", "`service_started`, `service_healthy` or `service_completed_successfully`");
                        d.push(match did_you_mean(other, WORDS) {
                            Some(near) => error.help(format!("did you mean `{near}`?")),
                            None => error,
                        });
                    }
                }
            }
            needed.required = keys.flag("required", d).unwrap_or(true);
            needed.restart = keys.flag("restart", d).unwrap_or(false);
            keys.finish(&[], d);
        }
        all.push(needed);
    }
    all
}
