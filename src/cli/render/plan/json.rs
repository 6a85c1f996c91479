//! A plan for programs, and for a pull request.

use super::words::{self, Counts};
use super::{human, summary};
use crate::base::Digest;
use crate::cli::render::style::Style;
use crate::diff::{Action, Change};
use crate::model::Stack;
use crate::plan::{Plan, text};
use serde_json::{Value, json as object};

/// The format's version: the first number changes when something is taken away or means something else.
const FORMAT_VERSION: &str = "1.0";

/// The longest markdown text: forges cut or refuse comments over 65 536 characters.
const MARKDOWN_LIMIT: usize = 60_000;

/// Names a plan: equal plans have equal hashes.
pub fn hash(plan: &Plan) -> String {
    let bytes = serde_json::to_vec(plan).unwrap_or_default();
    format!("p-{}", Digest::of(&bytes).short(12))
}

/// The plan as JSON. What replaces something has the actions `["delete", "create"]`, so that looking for
/// `delete` finds everything that goes.
pub fn json(plan: &Plan, desired: &Stack) -> Value {
    let drift: Vec<_> = plan.changes.iter().filter_map(drift).collect();
    let changes: Vec<_> = plan
        .changes
        .iter()
        .map(|c| change(c, plan, desired))
        .collect();
    let steps: Vec<_> = plan
        .steps
        .iter()
        .map(|step| {
            let mut value = serde_json::to_value(step).unwrap_or_default();
            if let Value::Object(fields) = &mut value {
                fields.insert("text".into(), text::describe(step).into());
            }
            value
        })
        .collect();
    object!({
        "format_version": FORMAT_VERSION,
        "stack": plan.stack,
        "hash": hash(plan),
        "summary": Counts::of(plan),
        "empty": plan.is_empty(),
        "applyable": plan.refusals.is_empty() && (!plan.steps.is_empty() || plan.records()),
        "drift": drift,
        "changes": changes,
        "refusals": plan.refusals,
        "notices": plan.notices,
        "steps": steps,
    })
}

fn change(change: &Change, plan: &Plan, desired: &Stack) -> Value {
    object!({
        "resource": change.id,
        "kind": change.id.kind.word(),
        "address": change.id.address,
        "label": change.id.label(),
        "name": change.name,
        "action": change.action,
        "actions": actions(change.action),
        "strategy": change.strategy,
        "reasons": change.reasons,
        "fields": change.fields,
        "origin": change.origin,
        "impact": words::impact(change, desired),
        "lost_outside_volumes": plan.outside.get(&change.id),
    })
}

const fn actions(action: Action) -> &'static [&'static str] {
    match action {
        Action::Pull => &["fetch"],
        Action::Build => &["build"],
        Action::Create => &["create"],
        Action::Start => &["start"],
        Action::Update => &["update"],
        Action::Replace => &["delete", "create"],
        Action::Restore => &["restore"],
        Action::Remove => &["delete"],
    }
}

fn drift(change: &Change) -> Option<Value> {
    let fields: Vec<_> = words::drifted(change).collect();
    let reasons: Vec<_> = change
        .reasons
        .iter()
        .filter(|reason| words::is_drift(change, reason))
        .collect();
    if fields.is_empty() && reasons.is_empty() {
        return None;
    }
    Some(object!({
        "resource": change.id,
        "name": change.name,
        "fields": fields,
        "reasons": reasons,
    }))
}

/// The plan as a comment on a pull request: at most 60 000 characters, with the plan's hash, so that an
/// apply later can be seen to be of this plan.
pub fn markdown(plan: &Plan, desired: &Stack) -> String {
    let style = Style {
        color: false,
        width: 110,
        unicode: true,
    };
    let head = format!(
        "### coasti plan: {}\n\n{}\n",
        plan.stack,
        // Names from files must not become markup; the summary has none, only numbers.
        summary(plan)
    );
    let foot = format!("\nPlan `{}`\n", hash(plan));
    if plan.changes.is_empty() && plan.refusals.is_empty() && plan.notices.is_empty() {
        return format!("{head}{foot}");
    }
    let body = human(plan, desired, false, &style);
    // A fence that is longer than any run of backticks in the text cannot be closed by it.
    let fence = "`".repeat(longest_run(&body).max(2) + 1);
    let room = MARKDOWN_LIMIT
        .saturating_sub(head.chars().count() + foot.chars().count())
        // For the fences and the line that says what is missing.
        .saturating_sub(2 * fence.len() + 100);
    let (body, missing) = cut(&body, room);
    let more = match missing {
        0 => String::new(),
        n => format!("\n{n} more lines: `coasti plan` shows them.\n"),
    };
    format!("{head}\n{fence}text\n{body}{fence}\n{more}{foot}")
}

/// The whole lines of `text` that fit in `room` characters, and how many do not.
fn cut(text: &str, room: usize) -> (String, usize) {
    let mut kept = String::new();
    let mut used = 0;
    let mut lines = text.lines();
    for line in lines.by_ref() {
        let length = line.chars().count() + 1;
        if used + length > room {
            return (kept, 1 + lines.count());
        }
        used += length;
        kept.push_str(line);
        kept.push('\n');
    }
    (kept, 0)
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}
