//! `apply`, `rollback`, `recover`, `destroy`, and what is done to single labels.

use super::plan::refresh;
use super::session::{Listener, Shell};
use super::wishes;
use crate::base::{RevisionId, StackName};
use crate::cli::args::{Change, Labels, Narrow};
use crate::cli::render;
use crate::config::Desired;
use crate::diag::Diagnostics;
use crate::diff::{Notice, Wishes};
use crate::engine::docker::Docker;
use crate::model::Stack;
use crate::ops::apply::{Applied, Options};
use crate::ops::folder::Disk;
use crate::ops::gather::{Gathered, gather};
use crate::ops::hold::{self, Act};
use crate::ops::saved::Saved;
use crate::ops::{OpError, apply as op, external_ip};
use crate::ops::{destroy, recover};
use crate::ops::{outside, protect};
use crate::plan::Plan;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

/// Without a terminal, nothing changes unless it was said.
fn must_ask(shell: &Shell, change: &Change) -> Result<bool, OpError> {
    match (change.yes, shell.out.can_ask()) {
        (true, _) => Ok(false),
        (false, true) => Ok(true),
        (false, false) => Err(OpError::usage(
            "there is no terminal to ask on",
            &["pass --yes"],
        )),
    }
}

/// Likewise; an apply may have been agreed to before.
fn asks_for_apply(shell: &Shell, change: &Change) -> Result<bool, OpError> {
    must_ask(shell, change).map_err(|_| {
        OpError::usage(
            "there is no terminal to ask on",
            &["pass --yes, or apply a saved plan (coasti plan --out FILE, then coasti apply FILE)"],
        )
    })
}

fn show_plan(shell: &Shell, plan: &Plan, stack: &Stack) {
    let json = || render::plan::json(plan, stack);
    if !shell.document.plan(&shell.out, json) {
        shell
            .out
            .say(&render::plan::human(plan, stack, false, &shell.style()));
    }
}

/// Makes what runs what the files say.
pub(super) async fn apply(
    shell: &Shell,
    saved: Option<&Path>,
    narrow: &Narrow,
    change: &Change,
    keep_failed: bool,
) -> Result<ExitCode, OpError> {
    shell.run_format(change.format);
    loop {
        let (disk, desired) = shell.files()?;
        let engine = shell.engine().await?;
        let mut wishes = Wishes {
            keep_failed,
            ..wishes(narrow)
        };
        if narrow.refresh {
            wishes.remote = refresh(shell, &engine, &desired).await;
        }
        let asks = saved.is_none() && asks_for_apply(shell, change)?;
        let agreed = match saved {
            Some(path) => Some(load(path)?),
            None if asks => match ask(shell, &engine, &desired, &wishes).await? {
                Some(saved) => Some(saved),
                None => return Ok(ExitCode::SUCCESS),
            },
            None => None,
        };
        match agreed_to(shell, &disk, desired, &engine, wishes, agreed, change).await {
            // Whoever was asked is asked again: what an image declares, say, is known once it is there.
            Err(OpError::Stale(changed)) if asks => {
                shell
                    .out
                    .say("\nWhat was shown is no longer what would be done:");
                for what in changed {
                    shell.explain(&format!("  - {what}"));
                }
                shell.out.say("");
            }
            done => return done,
        }
    }
}

/// Applies; what was agreed to is what must be done.
async fn agreed_to(
    shell: &Shell,
    disk: &Disk,
    mut desired: Desired,
    engine: &Docker,
    mut wishes: Wishes,
    agreed: Option<Saved>,
    change: &Change,
) -> Result<ExitCode, OpError> {
    if let Some(agreed) = &agreed {
        wishes = Wishes {
            keep_failed: wishes.keep_failed,
            ..agreed.wishes.clone()
        };
    }
    let id = match &desired.id {
        Some(id) => id.clone(),
        None => {
            // Nothing is written into a file whose plan is refused anyway, or under another stack's name.
            let gathered = gather(engine, &desired).await?;
            let plan = gathered.plan(&wishes);
            if !plan.refusals.is_empty() {
                return Err(OpError::Refused(plan.refusals.clone(), Box::new(plan)));
            }
            let id = shell.give_id(disk, &desired.deploy_file, change.lock_wait.duration())?;
            desired = shell.files()?.1;
            id
        }
    };
    let who = shell.who(Some(disk.root()), change).await;
    let listener = shell.listen(change.format);
    let expect =
        agreed.map(|saved| move |gathered: &Gathered, plan: &Plan| saved.changed(gathered, plan));
    let shown = expect.is_some();
    let again = AtomicBool::new(false);
    let options = Options {
        wishes,
        who: &who,
        external_ip: &|at| Box::pin(async move { external_ip::ask(at.as_deref()).await }),
        expect: expect.as_ref().map(|expect| expect as &op::Expect<'_>),
        show: &|gathered, plan| {
            if shown {
                return;
            }
            // What an image declares is known once it is there.
            if again.swap(true, Ordering::Relaxed) {
                let why = "\nNow that the images are there, the plan is another one:";
                shell.out.say(why);
            } else {
                shell.warn(&gathered.diagnostics);
            }
            show_plan(shell, plan, &gathered.sealed.stack);
        },
    };
    let result = op::apply(
        engine,
        &desired,
        id,
        &options,
        &listener.events,
        &listener.stop,
    )
    .await;
    listener.finish().await;
    let applied = result?;
    tell(shell, &applied);
    Ok(ExitCode::SUCCESS)
}

/// Shows the plan and asks; none where there is nothing to do or the answer was no.
async fn ask(
    shell: &Shell,
    engine: &Docker,
    desired: &Desired,
    wishes: &Wishes,
) -> Result<Option<Saved>, OpError> {
    let mut gathered = gather(engine, desired).await?;
    gathered.check_labels(wishes)?;
    shell.warn(&gathered.diagnostics);
    let mut wishes = wishes.clone();
    gathered.after_cut_off(engine, &mut wishes).await;
    let wishes = &wishes;
    gathered.renew_values(desired, wishes)?;
    let mut plan = gathered.plan(wishes);
    if !plan.refusals.is_empty() {
        return Err(OpError::Refused(plan.refusals.clone(), Box::new(plan)));
    }
    outside::tell(engine, &gathered.observed, &mut plan).await;
    show_plan(shell, &plan, &gathered.sealed.stack);
    if plan.steps.is_empty() {
        return Ok(Some(Saved::new(&gathered, &plan, wishes)));
    }
    if !shell.out.confirm("Apply this plan?") {
        shell.out.say("nothing was changed");
        return Ok(None);
    }
    Ok(Some(Saved::new(&gathered, &plan, wishes)))
}

fn load(path: &Path) -> Result<Saved, OpError> {
    let wrong = |why: String| {
        OpError::usage(
            format!("{} is no saved plan: {why}", path.display()),
            &["coasti plan --out FILE"],
        )
    };
    let text = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let saved: Saved = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
    if saved.version != 1 {
        return Err(wrong(format!(
            "it has version {}, this coasti knows 1",
            saved.version
        )));
    }
    Ok(saved)
}

/// What runs now: addresses, ports, and values marked `display`, these on a terminal only.
fn tell(shell: &Shell, applied: &Applied) {
    for warning in &applied.warnings {
        shell.out.tell(&format!("warning: {warning}"));
    }
    let done = serde_json::json!({"revision": applied.revision, "warnings": applied.warnings});
    if shell.document.outcome(done) {
        return;
    }
    let Some(revision) = &applied.revision else {
        if applied.plan.steps.is_empty() && shell.global.verbose > 0 {
            shell.out.say("nothing changed");
        }
        return;
    };
    shell.out.say(&format!("\n{} is what runs now.", revision));
    let containers = applied.stack.containers();
    for (id, resource, spec) in containers.filter(|(id, ..)| !applied.held.contains_key(id.label()))
    {
        for (inside, port) in spec.published() {
            let (_, protocol) = inside.split_once('/').unwrap_or((inside, "tcp"));
            let at = match protocol {
                "tcp" => format!("http://{}", port.reached()),
                _ => format!("{port}/{protocol}"),
            };
            let domain = resource
                .about
                .as_ref()
                .and_then(|about| about.domain.as_deref());
            let domain = domain
                .map(|domain| format!("  ({domain})"))
                .unwrap_or_default();
            shell.out.say(&format!("  {:<20} {at}{domain}", id.address));
        }
    }
    for (label, hold) in &applied.held {
        shell
            .out
            .say(&format!("  {label:<20} held: {}", hold.word()));
    }
    if shell.out.is_terminal() {
        for (name, value) in &applied.display {
            shell.out.say(&format!("  {name} = {}", value.expose()));
        }
        if !applied.display.is_empty() {
            shell
                .out
                .say("Passwords are shown once; later: coasti secret get NAME");
        }
    }
}

/// Goes back to an older revision.
pub(super) async fn rollback(
    shell: &Shell,
    revision: Option<&str>,
    change: &Change,
) -> Result<ExitCode, OpError> {
    shell.run_format(change.format);
    let disk = shell.folder()?;
    // Of the files no more: a rollback is wanted most where they are wrong, and has all it needs in the store.
    let (name, id) = shell.stack_with_id()?;
    let engine = shell.engine().await?;
    let to = revision.map(RevisionId::named);
    let wishes = Wishes {
        max_removals: Some(usize::MAX),
        rollback: true,
        ..Wishes::default()
    };
    let back = recover::plan_rollback(&engine, &name, Some(&id), to.as_ref(), &wishes).await?;
    let (target, plan) = (back.revision, back.plan);
    if !plan.refusals.is_empty() {
        return Err(OpError::Refused(plan.refusals.clone(), Box::new(plan)));
    }
    shell.out.say(&format!("Rolling back to {}.", target.id));
    if plan.is_empty() {
        // Of what the files say nobody knows.
        shell
            .document
            .plan(&shell.out, || render::plan::json(&plan, &target.stack));
        let waits = |notice: &Notice| {
            matches!(
                notice,
                Notice::Held {
                    pending: Some(_),
                    ..
                }
            )
        };
        let how = match (back.is_there, plan.notices.iter().any(waits)) {
            (true, _) => "already",
            (false, true) => "but for what is held, and for its record",
            (false, false) => "but for its record",
        };
        shell
            .out
            .say(&format!("Nothing to do: {} is what runs {how}.", target.id));
    } else {
        show_plan(shell, &plan, &target.stack);
    }
    for tag in &back.moved {
        shell.explain(&format!(
            "{tag} names another image by now; on this engine it will name that of {} again, for other stacks as well.",
            target.id
        ));
    }
    if back.is_there {
        return Ok(ExitCode::SUCCESS);
    }
    if must_ask(shell, change)? && !shell.out.confirm("Roll back?") {
        shell.out.say("nothing was changed");
        return Ok(ExitCode::SUCCESS);
    }
    let who = shell.who(Some(disk.root()), change).await;
    let listener = shell.listen(change.format);
    let Listener { events, stop, .. } = &listener;
    let to = Some(target.id.clone());
    let result =
        recover::rollback(&engine, &name, id, to.as_ref(), &wishes, &who, events, stop).await;
    listener.finish().await;
    tell(shell, &result?);
    shell.explain(
        "The files still say what they said: change them too, or the next apply brings it back.",
    );
    Ok(ExitCode::SUCCESS)
}

/// Undoes a run that was cut off.
pub(super) async fn recover(shell: &Shell, change: &Change) -> Result<ExitCode, OpError> {
    shell.run_format(change.format);
    let (name, id) = shell.stack_with_id()?;
    let engine = shell.engine().await?;
    let who = shell.who(None, change).await;
    let listener = shell.listen(change.format);
    let result = recover::recover(&engine, &name, id, &who, &listener.events, &listener.stop).await;
    listener.finish().await;
    match result? {
        Some(applied) if applied.stack.containers().next().is_none() => shell
            .out
            .say("recovered: what the run made is gone; data written meanwhile stays"),
        Some(_) => shell.out.say("recovered: what was last good runs"),
        None => shell.out.say("no run was cut off"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Removes containers and networks.
pub(super) async fn destroy(shell: &Shell, change: &Change) -> Result<ExitCode, OpError> {
    shell.run_format(change.format);
    let (name, id) = shell.stack_with_id()?;
    let engine = shell.engine().await?;
    let known = recover::known(&engine, &name, Some(&id), None).await?;
    let plan = destroy::plan(&known, &name, Some(id.clone()));
    if plan.steps.is_empty() && plan.refusals.is_empty() {
        shell.out.say("nothing runs");
        return Ok(ExitCode::SUCCESS);
    }
    let files = match known.good {
        Some(_) => None,
        None => protected(shell, &engine).await,
    };
    protect::allows(&known, files.as_ref(), |_| true)?;
    show_plan(shell, &plan, &Stack::empty(name.clone(), None));
    if must_ask(shell, change)? && !confirm_destroy(shell, &name) {
        shell.out.say("nothing was changed");
        return Ok(ExitCode::SUCCESS);
    }
    let who = shell.who(None, change).await;
    let listener = shell.listen(change.format);
    let Listener { events, stop, .. } = &listener;
    let result = destroy::destroy(&engine, &name, id, files.as_ref(), &who, events, stop).await;
    listener.finish().await;
    result?;
    shell.explain(
        "Destroyed. Data, history and generated values are kept in their volumes; `coasti apply` brings it back. \
         Until then `docker container prune` followed by `docker volume prune` would take them.",
    );
    Ok(ExitCode::SUCCESS)
}

/// Where nobody knows what was applied, the files at hand say what is protected, as far as they can be read.
async fn protected(shell: &Shell, engine: &Docker) -> Option<Stack> {
    let desired = shell.read(&shell.folder().ok()?, &mut Diagnostics::new())?;
    let gathered = gather(engine, &desired).await.ok()?;
    Some(gathered.sealed.stack)
}

fn confirm_destroy(shell: &Shell, name: &StackName) -> bool {
    shell.out.confirm(&format!(
        "Remove all containers and networks of `{name}` (data stays)?"
    ))
}

/// Start, stop, restart, pause, unpause, remove.
pub(super) async fn act(shell: &Shell, act: Act, labels: &Labels) -> Result<ExitCode, OpError> {
    shell.run_format(labels.change.format);
    let (name, id) = shell.stack_with_id()?;
    let engine = shell.engine().await?;
    let change = &labels.change;
    if act == Act::Remove && must_ask(shell, change)? {
        let question = format!(
            "Remove the containers of {} (data stays)?",
            labels.names.join(", ")
        );
        if !shell.out.confirm(&question) {
            shell.out.say("nothing was changed");
            return Ok(ExitCode::SUCCESS);
        }
    }
    let who = shell.who(None, change).await;
    let listener = shell.listen(change.format);
    let Listener { events, stop, .. } = &listener;
    let result = hold::act(&engine, &name, id, act, &labels.names, &who, events, stop).await;
    listener.finish().await;
    let done: Vec<_> = result?.into_iter().collect();
    let (what, then) = match act {
        Act::Start => ("started", ""),
        Act::Restart => ("restarted", ""),
        Act::Stop => ("stopped", "; stays so until `coasti start`"),
        Act::Pause => ("paused", "; stays so until `coasti unpause`"),
        Act::Remove => ("removed", "; its data stays, `coasti start` brings it back"),
    };
    shell.out.say(&format!("{}: {what}{then}", done.join(", ")));
    Ok(ExitCode::SUCCESS)
}
