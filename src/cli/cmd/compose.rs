//! `coasti export compose`.

use super::session::Shell;
use crate::cli::args::ExportCommand;
use crate::ops::OpError;
use crate::ops::compose;
use std::path::Path;
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
    let dir = out.as_deref().and_then(Path::parent);
    let beside = export.beside.iter();
    let beside = beside.filter_map(|(name, content, mode)| Some((dir?.join(name), content, *mode)));
    let beside: Vec<_> = beside.collect();
    files.extend(
        beside
            .iter()
            .map(|(path, content, mode)| (path.as_path(), content.expose().as_str(), *mode)),
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
    for (name, file) in &export.file.files {
        let what = &file.what;
        shell.explain(&match out.is_some() {
            true => format!("{name} beside it is {what}, whose root is read-only"),
            false => format!(
                "the file needs {name} beside it, which is {what}: `--out FILE` writes both"
            ),
        });
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
