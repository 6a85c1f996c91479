//! A plan's steps as text, one a line: `#7 ← 1,5  switch  stop container:blog (replace)`. For tests and
//! `plan --steps`.

use super::{Op, Phase, Plan, Step, Target};
use std::fmt::Write as _;

/// All steps.
pub fn steps(plan: &Plan) -> String {
    plan.steps.iter().fold(String::new(), |mut text, step| {
        let needs: Vec<_> = step.needs.iter().map(ToString::to_string).collect();
        let _ = writeln!(
            text,
            "#{} ← {:<8} {:<7} {} ({})",
            step.id,
            if needs.is_empty() {
                "-".to_owned()
            } else {
                needs.join(",")
            },
            phase(step.phase),
            describe(step),
            step.cause
        );
        text
    })
}

/// The word for a phase.
pub const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Prepare => "prepare",
        Phase::Switch => "switch",
        Phase::Verify => "verify",
        Phase::Commit => "commit",
    }
}

/// One step in words.
pub fn describe(step: &Step) -> String {
    let of = &step.of;
    let which = |target: &Target| match target {
        Target::Known(id) => format!(
            "{of} [{}]",
            id.as_str().chars().take(12).collect::<String>()
        ),
        Target::New(_) => format!("{of} [new]"),
    };
    match &step.op {
        Op::FetchImage => format!("fetch {of}"),
        Op::BuildImage { pull } if pull.is_empty() => format!("build {of}"),
        Op::BuildImage { pull } => {
            let pull: Vec<_> = pull.iter().map(String::as_str).collect();
            format!("build {of} from {} as it is now", pull.join(" and "))
        }
        Op::CreateNetwork | Op::CreateVolume => format!("create {of}"),
        Op::WriteFiles => format!("write {of}"),
        Op::CreateContainer { name } => format!("create {of} as {name}"),
        Op::Prepared => "prepared".to_owned(),
        Op::Unguard { target } => format!("set restart `no` on {}", which(target)),
        Op::Stop { target } => format!("stop {}", which(target)),
        Op::Rename { target, to } => format!("rename {} to {to}", which(target)),
        Op::Update { target, .. } => format!("update {}", which(target)),
        Op::Disconnect { target, network } => {
            format!("disconnect {} from {network}", which(target))
        }
        Op::Connect {
            target, network, ..
        } => format!("connect {} to {network}", which(target)),
        Op::Pause { target } => format!("pause {}", which(target)),
        Op::Unpause { target } => format!("unpause {}", which(target)),
        Op::Start { target } => format!("start {}", which(target)),
        Op::AwaitHealthy { target, .. } => format!("await {}", which(target)),
        Op::AwaitBack { target, .. } => format!("await {} as it was", which(target)),
        Op::AwaitCompleted { target, .. } => format!("await the end of {}", which(target)),
        Op::PostRun { target } => format!("post-run in {}", which(target)),
        Op::Verify { containers } => format!("verify {} containers", containers.len()),
        Op::RemoveContainer { target } => format!("remove {}", which(target)),
        Op::RemoveNetwork { .. } | Op::RemoveFiles { .. } => format!("remove {of}"),
    }
}
