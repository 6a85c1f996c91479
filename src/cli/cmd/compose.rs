//! `coasti export compose`.

use super::session::Shell;
use crate::cli::args::ExportCommand;
use crate::ops::OpError;
use crate::ops::compose;
use std::process::ExitCode;

pub(super) async fn export(shell: &Shell, command: ExportCommand) -> Result<ExitCode, OpError> {
    let ExportCommand::Compose { out, env_file } = command;
    let (_, desired) = shell.files()?;
    let engine = shell.engine().await?;
    let export = compose::export(&engine, &desired).await?;
    shell.warn(&export.diagnostics);
    let mut files = Vec::new();
    files.extend(
        out.as_deref()
            .map(|path| (path, export.file.text.as_str(), 0o644)),
    );
    files.extend(
        env_file
            .as_deref()
            .map(|path| (path, export.env.as_str(), 0o600)),
    );
    compose::write(&files)?;
    if out.is_none() {
        shell.out.data(&export.file.text);
    }
    if env_file.is_none() && !export.file.variables.is_empty() {
        shell.explain(&format!(
            "{} secret values are variables in the file; `--env-file FILE` writes them (keep it safe)",
            export.file.variables.len()
        ));
    }
    if !export.unknown.is_empty() {
        let names = export.unknown.join(", ");
        shell.explain(&format!("not generated yet, so without a value: {names}"));
    }
    for what in &export.file.left_out {
        shell.explain(&format!("left out, Compose has no word for it: {what}"));
    }
    if !export.file.built.is_empty() {
        let built: Vec<_> = export.file.built.iter().map(String::as_str).collect();
        shell.explain(&format!(
            "only this engine has what coasti builds, once it is applied: {}",
            built.join(", ")
        ));
    }
    Ok(ExitCode::SUCCESS)
}
