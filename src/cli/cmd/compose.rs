//! `coasti export compose`.

use super::session::Shell;
use crate::cli::args::ExportCommand;
use crate::ops::OpError;
use crate::ops::compose;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

pub(super) async fn export(shell: &Shell, command: ExportCommand) -> Result<ExitCode, OpError> {
    let ExportCommand::Compose { out, env_file } = command;
    let (_, desired) = shell.files()?;
    let engine = shell.engine().await?;
    let export = compose::export(&engine, &desired).await?;
    shell.warn(&export.diagnostics);
    match &out {
        Some(path) => write(path, &export.file.text, 0o644)?,
        None => shell.out.data(&export.file.text),
    }
    match &env_file {
        Some(path) => write(path, &export.env, 0o600)?,
        None if !export.file.variables.is_empty() => shell.explain(&format!(
            "{} secret values are variables in the file; `--env-file FILE` writes them (keep it safe)",
            export.file.variables.len()
        )),
        None => {}
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

/// Writes a file of its own rights; one that is there is not touched.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), OpError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    let opened = options.write(true).create_new(true).mode(mode).open(path);
    let written = opened.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| OpError::usage(format!("{}: {error}", path.display()), &[]))
}
