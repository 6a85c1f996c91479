//! A secret in the user's editor, on a file that nobody else sees and that is gone afterwards.

use super::Shell;
use crate::base::Secret;
use crate::ops::OpError;
use crate::ops::temporary::Temporary;
use std::fs;
use std::io::{IsTerminal as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use tokio::signal::unix::{SignalKind, signal};

/// Lets a secret be edited; none where it stays as it was.
pub(super) async fn edit(
    shell: &Shell,
    name: &str,
    before: Option<&Secret<String>>,
) -> Result<Option<Secret<String>>, OpError> {
    let wrong = |why: String| OpError::usage(why, &["nothing was changed"]);
    let (folder, in_memory) = Temporary::in_memory().map_err(wrong)?;
    if !in_memory {
        shell.explain(&format!(
            "note: this machine has no folder in memory, so a disk has the secret at {} while you edit it",
            folder.path().display()
        ));
    }
    let folder = folder.swept();
    let path = folder.path().join(name);
    let old = before.map_or("", |value| value.expose().as_str());
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(&path);
    file.and_then(|mut file| file.write_all(old.as_bytes()))
        .map_err(|error| wrong(format!("{} cannot be written: {error}", path.display())))?;
    let (editor, said) = ["VISUAL", "EDITOR"]
        .iter()
        .find_map(|name| {
            Some((
                std::env::var(name)
                    .ok()
                    .filter(|it| !it.trim().is_empty())?,
                *name,
            ))
        })
        .unwrap_or_else(|| ("vi".to_owned(), "EDITOR"));
    if editor == "vi" && !std::io::stdin().is_terminal() {
        let help = "coasti secret set takes one from standard input";
        return Err(OpError::usage("there is no terminal to edit on", &[help]));
    }
    // An editor may be a command with options of its own.
    let mut command = tokio::process::Command::new("/bin/sh");
    command
        .args(["-c", &format!("exec {editor} \"$@\""), &editor])
        .arg(&path)
        .kill_on_drop(true);
    let ended = run(command).await?;
    if !ended.success() {
        let what = format!("the editor `{editor}` failed ({ended})");
        let help = format!("nothing was changed; {said} says which editor there is");
        return Err(OpError::usage(what, &[&help]));
    }
    let mut text = fs::read_to_string(&path)
        .map_err(|error| wrong(format!("what the editor left cannot be read: {error}")))?;
    // Editors end a file with a line break that was not there.
    if !old.ends_with('\n') && !old.is_empty() && text.ends_with('\n') {
        text.pop();
    }
    Ok((text != old).then(|| Secret::new(text)))
}

/// Runs the editor to its end. Ctrl-C is its own; what ends this command ends it.
async fn run(mut command: tokio::process::Command) -> Result<std::process::ExitStatus, OpError> {
    let wrong = |error: std::io::Error| OpError::usage(format!("the editor: {error}"), &[]);
    let on = |kind| signal(kind).map_err(wrong);
    // Before it starts: from then on there is something to tidy up.
    let mut interrupt = on(SignalKind::interrupt())?;
    let mut quit = on(SignalKind::quit())?;
    let mut terminate = on(SignalKind::terminate())?;
    let mut hangup = on(SignalKind::hangup())?;
    let mut child = command.spawn().map_err(wrong)?;
    loop {
        tokio::select! {
            ended = child.wait() => return ended.map_err(wrong),
            _ = interrupt.recv() => {}
            _ = quit.recv() => {}
            _ = terminate.recv() => break,
            _ = hangup.recv() => break,
        }
    }
    let _ = child.kill().await;
    Err(OpError::Interrupted)
}
