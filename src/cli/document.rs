//! What a program reads on standard output: one document, or one a line; with what came of it in every case.

use super::out::Out;
use super::{exit, render};
use crate::ops::OpError;
use serde_json::{Map, Value, json};
use std::sync::{Mutex, PoisonError};

/// How a program reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// One document at the end.
    Whole,
    /// One a line.
    Lines,
}

/// What a command tells a program; nothing where people read.
#[derive(Debug, Default)]
pub(super) struct Document(Mutex<Option<(How, Map<String, Value>)>>);

impl Document {
    fn open(&self, how: How) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *open = Some((how, Map::new()));
    }

    /// A program reads one document: from now on, [`Document::end`] prints one.
    pub(super) fn whole(&self) {
        self.open(How::Whole);
    }

    /// A program reads lines.
    pub(super) fn lines(&self) {
        self.open(How::Lines);
    }

    /// The command printed a document of its own: no other follows.
    pub(super) fn printed(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The plan that is about to run. Tells whether a program reads it.
    pub(super) fn plan(&self, out: &Out, plan: impl FnOnce() -> Value) -> bool {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match open.as_mut() {
            None => return false,
            Some((How::Whole, fields)) => {
                fields.insert("plan".into(), plan());
            }
            Some((How::Lines, _)) => out.data(&line("plan", plan())),
        }
        true
    }

    /// What came of it where all went well, besides that it did. Tells whether a program reads it.
    pub(super) fn outcome(&self, facts: Value) -> bool {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((_, fields)) = open.as_mut() else {
            return false;
        };
        fields.insert("outcome".into(), facts);
        true
    }

    /// Prints what there is to tell, in the end.
    pub(super) fn end(&self, out: &Out, error: Option<&OpError>) {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((how, mut fields)) = open else {
            return;
        };
        let mut outcome = match fields.remove("outcome") {
            Some(Value::Object(facts)) => facts,
            _ => Map::new(),
        };
        outcome.insert("ok".into(), error.is_none().into());
        outcome.entry("exit_code").or_insert(0.into());
        if let Some(error) = error {
            outcome.extend(facts(error));
        }
        if how == How::Lines {
            out.data(&line("outcome", Value::Object(outcome)));
            return;
        }
        match error {
            Some(OpError::Files(diagnostics)) => {
                if let Value::Object(files) = render::diag::json(diagnostics) {
                    fields.extend(files);
                }
            }
            Some(OpError::Refused(_, plan)) if !fields.contains_key("plan") => {
                let stack = crate::model::Stack::empty(plan.stack.clone(), None);
                fields.insert("plan".into(), render::plan::json(plan, &stack));
            }
            _ => {}
        }
        fields.insert("format_version".into(), "1.0".into());
        fields.insert("outcome".into(), Value::Object(outcome));
        out.data(&format!("{}\n", Value::Object(fields)));
    }
}

/// One line: the event's name is a field of it.
fn line(event: &str, mut value: Value) -> String {
    if let Value::Object(fields) = &mut value {
        fields.insert("event".into(), event.into());
    }
    format!("{value}\n")
}

/// What went wrong, as fields.
fn facts(error: &OpError) -> Map<String, Value> {
    let (kind, more) = match error {
        OpError::Files(diagnostics) => (
            "files",
            json!({ "diagnostics": render::diag::list(diagnostics) }),
        ),
        OpError::Refused(refusals, _) => ("refused", json!({ "refusals": refusals })),
        OpError::Stale(changed) => ("stale", json!({ "changed": changed })),
        OpError::Locked(holder) => ("locked", json!({ "holder": holder })),
        OpError::Busy(holder) => ("locked", json!({ "holder": holder })),
        OpError::Engine(_) => ("engine", json!({})),
        OpError::Store(_) => ("store", json!({})),
        OpError::NotConverged(fields) => ("not-converged", json!({ "fields": fields })),
        OpError::Interrupted => ("interrupted", json!({})),
        OpError::Cut { help, .. } => ("interrupted", json!({ "help": help })),
        OpError::Policy { help, .. } => ("policy", json!({ "help": help })),
        OpError::Usage { help, .. } => ("usage", json!({ "help": help })),
        OpError::Failed(failed) => {
            use crate::ops::Undone;
            let (undone, left) = match &failed.undone {
                Undone::Nothing => ("nothing-touched", None),
                Undone::Complete(_) => ("complete", None),
                Undone::Partly(left) => ("partly", Some(left)),
            };
            let more = json!({
                "what": failed.what,
                "at": failed.at,
                "logs": failed.logs,
                "health": failed.health,
                "kept": failed.kept.containers,
                "volumes": failed.kept.volumes,
                "undone": undone,
                "left": left,
            });
            let kind = if failed.interrupted {
                "interrupted"
            } else {
                "failed"
            };
            (kind, more)
        }
    };
    let mut fields = match more {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    fields.insert("kind".into(), kind.into());
    fields.insert("message".into(), error.to_string().into());
    fields.insert("exit_code".into(), exit::code_of(error).into());
    fields
}
