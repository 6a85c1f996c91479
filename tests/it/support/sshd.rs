//! Debian's ssh server, on a port of a test's own, with keys of its own.

use super::until;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A server; it ends with this value.
pub struct Sshd {
    child: Child,
    /// Its port.
    pub port: u16,
    /// The line that a file of known hosts has of it.
    pub known: String,
    /// Who may log in.
    pub user: String,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program; none where it is not installed.
pub fn program() -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&paths).chain([PathBuf::from("/usr/sbin")]);
    folders
        .map(|folder| folder.join("sshd"))
        .find(|path| path.is_file())
}

/// Makes a key without, or with, a passphrase; gives its public half.
pub fn key(path: &Path, passphrase: &str) -> String {
    let status = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-C", "test", "-N", passphrase, "-f"])
        .arg(path)
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    fs::read_to_string(path.with_extension("pub"))
        .unwrap()
        .trim()
        .to_owned()
}

impl Sshd {
    /// Starts one that lets in who has one of these keys.
    pub fn start(program: &Path, folder: &Path, authorized: &[&str]) -> Self {
        fs::create_dir_all(folder).unwrap();
        let host = key(&folder.join("host"), "");
        fs::write(folder.join("authorized"), authorized.join("\n") + "\n").unwrap();
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        let user = String::from_utf8(user).unwrap().trim().to_owned();
        let root = rustix::process::getuid().is_root();
        if root {
            // What the service's own start would make.
            let _ = fs::create_dir("/run/sshd");
        }
        // A locked account, as images of CI have root's, may log in with PAM only.
        let pam = root && Path::new("/etc/pam.d/sshd").exists();
        let config = format!(
            "ListenAddress 127.0.0.1\nHostKey {0}/host\nAuthorizedKeysFile {0}/authorized\n\
             StrictModes no\nUsePAM {1}\nPidFile none\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nSetEnv PATH={2}\n",
            folder.display(),
            if pam { "yes" } else { "no" },
            std::env::var("PATH").unwrap(),
        );
        fs::write(folder.join("config"), config).unwrap();
        // Between asking for a free port and taking it, somebody else may.
        let (child, port) = (0..5).find_map(|_| listen(program, folder)).unwrap();
        Self {
            child,
            port,
            known: format!("[127.0.0.1]:{port} {host}\n"),
            user,
        }
    }
}

/// One on a free port; none where somebody else took it.
fn listen(program: &Path, folder: &Path) -> Option<(Child, u16)> {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let log = folder.join("log");
    let mut child = Command::new(program)
        .args(["-D", "-e", "-p", &port.to_string(), "-f"])
        .arg(folder.join("config"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let said = || fs::read_to_string(&log).unwrap_or_default();
    until("sshd", Duration::from_secs(20), || {
        if said().contains("Server listening") {
            return Some(true);
        }
        let status = child.try_wait().unwrap()?;
        let said = said();
        assert!(
            said.contains("Address already in use"),
            "sshd ended ({status}): {said}"
        );
        Some(false)
    })
    .then_some((child, port))
}
