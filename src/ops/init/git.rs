//! The repository that a stack's folder is kept in.

use std::path::Path;
use std::process::Stdio;
use tokio::process::Command;

/// What is known of a folder before anything is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// It is in a repository.
    Here,
    /// It is in none.
    Nowhere,
    /// Git does not tell, in its words.
    Unknown(String),
    /// There is no git.
    NoGit,
}

fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder);
    // Of whoever called: they name another repository.
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(name);
    }
    command
        .env("LC_ALL", "C")
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// What git printed, or what it complained of.
async fn run(folder: &Path, args: &[&str]) -> Result<String, String> {
    let output = git(folder).args(args).output().await;
    let output = output.map_err(|error| format!("git cannot be started: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(text(&output.stderr)),
    }
}

/// Whether a folder, or the nearest one above that is there, is in a repository.
pub(super) async fn kept(folder: &Path) -> Kept {
    let there = folder.ancestors().find(|path| path.is_dir());
    let folder = there.unwrap_or(folder);
    if let Err(error) = git(folder).arg("--version").output().await {
        return match error.kind() {
            std::io::ErrorKind::NotFound => Kept::NoGit,
            _ => Kept::Unknown(error.to_string()),
        };
    }
    match run(folder, &["rev-parse", "--is-inside-work-tree"]).await {
        Ok(_) => Kept::Here,
        Err(said) if said.contains("not a git repository") => Kept::Nowhere,
        Err(said) => Kept::Unknown(last_line(&said)),
    }
}

/// Makes a repository of a folder, with its first commit; what went wrong, with what is left to do.
pub(super) async fn make(
    folder: &Path,
    files: &[String],
    remote: Option<&str>,
) -> Result<(), (String, Vec<String>)> {
    let branch = run(folder, &["config", "init.defaultBranch"]).await;
    let made = match branch {
        Ok(_) => run(folder, &["init", "--quiet"]).await,
        Err(_) => {
            run(
                folder,
                &["-c", "init.defaultBranch=main", "init", "--quiet"],
            )
            .await
        }
    };
    let left = |last: &str| vec![format!("cd {}", folder.display()), last.to_owned()];
    made.map_err(|said| {
        let why = format!("no repository was made: {}", last_line(&said));
        (why, left("git init && git add . && git commit"))
    })?;
    if let Some(remote) = remote {
        run(folder, &["remote", "add", "origin", "--", remote])
            .await
            .map_err(|said| {
                let why = format!("the remote was not added: {}", last_line(&said));
                (why, left("git remote add origin ADDRESS"))
            })?;
    }
    let mut args = vec!["add", "--"];
    args.extend(files.iter().map(String::as_str));
    let commit = async {
        run(folder, &args).await?;
        for name in ["GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"] {
            run(folder, &["var", name]).await?;
        }
        run(
            folder,
            &["commit", "--quiet", "-m", "Make the stack's folder"],
        )
        .await
    };
    commit.await.map(drop).map_err(|said| {
        let nameless = ["identity unknown", "empty ident", "unable to auto-detect"];
        if nameless.iter().any(|words| said.contains(words)) {
            let why = "nothing is committed: git does not know your name and e-mail address";
            let mut help = left("git config --global user.name \"YOUR NAME\"");
            help.push("git config --global user.email YOU@EXAMPLE.ORG".to_owned());
            help.push("git commit -m \"Make the stack's folder\"".to_owned());
            return (why.to_owned(), help);
        }
        let why = format!("nothing is committed: {}", last_line(&said));
        (why, left("git commit -m \"Make the stack's folder\""))
    })
}

fn last_line(said: &str) -> String {
    let mut lines = said.lines().map(str::trim);
    let telling = lines.clone().find(|line| line.starts_with("fatal:"));
    let line = telling.or_else(|| lines.rfind(|line| !line.is_empty()));
    line.unwrap_or("git does not say why").to_owned()
}
