//! `validate` and `plan`.

use super::session::Shell;
use super::wishes;
use crate::cli::args::{Format, Narrow, PlanFormat};
use crate::cli::exit::code;
use crate::cli::render;
use crate::config::{self, Desired};
use crate::diag::Diagnostics;
use crate::engine::Look;
use crate::ops::gather::gather;
use crate::ops::saved::Saved;
use crate::ops::status::at_work;
use crate::ops::{OpError, outside, secrets};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;

/// Checks the files, without an engine.
pub(super) fn validate(shell: &Shell, format: Format) -> Result<ExitCode, OpError> {
    let disk = shell.settled()?;
    let mut diagnostics = Diagnostics::new();
    let desired = shell.read(&disk, &mut diagnostics);
    for name in secrets::files::committed(&disk) {
        diagnostics.push(config::secrets::committed(&name));
    }
    let opens = |desired: &Desired| !desired.encrypted().is_empty();
    if desired.as_ref().is_some_and(opens)
        && let Some(path) = secrets::age::shared_file()
    {
        let path = path.display().to_string();
        diagnostics.push(config::secrets::shared_identity(&path));
    }
    let bad = desired.is_none() || diagnostics.has_errors();
    if shell.is_json(format) {
        shell.print(&render::diag::json(&diagnostics));
    } else {
        let style = shell.style();
        if !diagnostics.is_empty() {
            shell
                .out
                .tell(&render::diag::human(&diagnostics, style.color, style.width));
        }
        if !bad {
            shell.out.say("the files are valid");
            let locked = desired.iter().flat_map(Desired::locked);
            let names: BTreeSet<_> = locked.map(|(_, error)| error.summary.as_str()).collect();
            for name in names {
                shell.explain(&format!("note: not looked into: {name}"));
            }
        }
        if let Some(desired) = &desired {
            shell.guide(desired);
        }
    }
    Ok(if bad {
        ExitCode::from(code::FILES)
    } else {
        ExitCode::SUCCESS
    })
}

/// Shows what an apply would do.
pub(super) async fn plan(
    shell: &Shell,
    narrow: &Narrow,
    save: Option<&Path>,
    detailed: bool,
    full: bool,
    format: PlanFormat,
) -> Result<ExitCode, OpError> {
    if format == PlanFormat::Json {
        shell.document.whole();
    }
    let (_, desired) = shell.files()?;
    let engine = shell.engine().await?;
    let mut gathered = gather(&engine, &desired).await?;
    shell.warn(&gathered.diagnostics);
    let mut wishes = wishes(narrow);
    gathered.check_labels(&wishes)?;
    if narrow.refresh {
        wishes.remote = refresh(shell, &engine, &desired).await;
    }
    gathered.after_cut_off(&engine, &mut wishes).await;
    gathered.renew_values(&desired, &wishes)?;
    let mut plan = gathered.plan(&wishes);
    outside::tell(&engine, &gathered.observed, &mut plan).await;
    let stack = &gathered.sealed.stack;
    let style = shell.data_style();
    match format {
        PlanFormat::Human => {
            let mut text = render::plan::human(&plan, stack, full, &style);
            if full {
                text += "\nSteps:\n";
                text += &crate::plan::text::steps(&plan);
            }
            shell.out.data(&text);
            shell.guide(&desired);
        }
        PlanFormat::Json => shell.print(&render::plan::json(&plan, stack)),
        PlanFormat::Markdown => shell.out.data(&render::plan::markdown(&plan, stack)),
    }
    if gathered.has_no_holder() {
        let why = "note: what is held and what was last applied cannot be read, the container that holds it was \
                   removed; `coasti recover` makes it again";
        shell.explain(why);
    }
    if let Some(work) = at_work(&gathered.observed, &desired.name) {
        shell.explain(&format!(
            "note: a run is under way ({work}): what is to be done changes meanwhile, and what is shown as left by a \
             run that was cut off is its work"
        ));
    } else if let Some(open) = gathered.open {
        shell.explain(&format!("note: run {open} was cut off; `coasti apply` goes on from here, `coasti recover` undoes it"));
    }
    if !plan.refusals.is_empty() {
        return Ok(ExitCode::from(code::REFUSED));
    }
    if let Some(path) = save {
        let saved =
            serde_json::to_vec_pretty(&Saved::new(&gathered, &plan, &wishes)).unwrap_or_default();
        std::fs::write(path, saved).map_err(|error| {
            OpError::usage(
                format!("the plan cannot be saved to {}: {error}", path.display()),
                &[],
            )
        })?;
        shell.out.say(&format!(
            "saved; run it with: coasti apply {}",
            path.display()
        ));
    }
    Ok(if detailed && (!plan.steps.is_empty() || plan.records()) {
        ExitCode::from(code::PENDING)
    } else {
        ExitCode::SUCCESS
    })
}

/// The digests that registries have now. One that cannot be asked is told and skipped.
pub(super) async fn refresh<L: Look>(
    shell: &Shell,
    engine: &L,
    desired: &Desired,
) -> BTreeMap<String, String> {
    let mut images = desired.images();
    let built = desired.built_images();
    images.retain(|image| !built.contains(image));
    let asked = images
        .iter()
        .map(|reference| async move { (reference, engine.remote_digest(reference).await) });
    let mut digests = BTreeMap::new();
    for (reference, answer) in futures_util::future::join_all(asked).await {
        match answer {
            Ok(digest) => {
                digests.insert(reference.clone(), digest);
            }
            Err(error) => shell.out.say(&format!(
                "note: {reference} was not refreshed: {}",
                error.message
            )),
        }
    }
    digests
}
