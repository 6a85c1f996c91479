//! Folders and repositories of a test's own, and the program as users run it in them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// A folder of the test's own, gone with it: `stack` in it is a stack.
pub struct Home(PathBuf);

impl Home {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("coasti-it-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("stack/config")).unwrap();
        fs::write(
            path.join("stack/config/products.yml"),
            "# what runs here\nversion: 1\n\nproducts: [] # none yet\n",
        )
        .unwrap();
        Self(path)
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn mode(&self, path: &str) -> u32 {
        fs::metadata(self.at(path)).unwrap().permissions().mode() & 0o777
    }

    pub fn coasti(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coasti"));
        command
            .arg("-C")
            .arg(self.at("stack"))
            .args(args)
            .env("HOME", &self.0)
            .env("TMPDIR", &self.0)
            .env("COLUMNS", "500")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env_remove("GIT_SSH_COMMAND")
            // What the machine trusts besides its own authorities.
            .env_remove("GIT_SSL_CAINFO")
            .env_remove("SSL_CERT_FILE")
            .env_remove("SSL_CERT_DIR")
            .env_remove("SSH_AUTH_SOCK")
            .stdin(Stdio::null());
        command
    }

    /// What a call that succeeds says.
    pub fn good(&self, args: &[&str]) -> String {
        let output = self.coasti(args);
        let said = said(&output);
        assert!(output.status.success(), "{args:?}: {said}");
        said
    }

    /// What a call that ends with `code` says.
    pub fn bad(&self, code: i32, args: &[&str]) -> String {
        let output = self.coasti(args);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        said
    }

    pub fn git(&self, folder: &str, args: &[&str]) -> String {
        let output = Command::new("git")
            .arg("-C")
            .arg(self.at(folder))
            .args([
                "-c",
                "user.name=t",
                "-c",
                "user.email=t@example.org",
                "-c",
                "init.defaultBranch=main",
            ])
            .args(args)
            .env("HOME", &self.0)
            .output()
            .unwrap();
        assert!(output.status.success(), "git {args:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Commits all of a folder, as a repository, and tags it.
    pub fn tag(&self, folder: &str, tag: &str) -> String {
        if !self.at(folder).join(".git").exists() {
            self.git(folder, &["init", "-q"]);
        }
        self.git(folder, &["add", "-A"]);
        self.git(folder, &["commit", "-q", "--allow-empty", "-m", tag]);
        self.git(folder, &["tag", tag]);
        self.git(folder, &["rev-parse", "HEAD"])
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// All that a program printed.
pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
