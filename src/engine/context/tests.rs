//! Folders on disk, and the archives that are made of them.

use super::*;
use std::os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _, fs::symlink};
use std::path::PathBuf;

/// A folder of the test's own, gone with it.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let name = format!("coasti-context-{name}-{}", std::process::id());
        let folder = Self(std::env::temp_dir().join(name));
        fs::create_dir_all(&folder.0).unwrap();
        for (path, text) in files {
            folder.write(path, text);
        }
        folder
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn look(&self) -> Result<Context, Unsendable> {
        look(&self.0, &rules(&self.0, "Dockerfile").unwrap())
    }

    fn why(&self) -> String {
        let why = self.look().unwrap_err();
        format!("{} {}", why.path, why.why)
    }

    fn spec(&self) -> BuildSpec {
        BuildSpec::new("", self.look().unwrap().digest())
    }

    /// What arrives: the archive, and whether it came to its end.
    fn sent(&self, spec: &BuildSpec) -> (Vec<u8>, Result<(), Unsendable>) {
        let mut sink = Kept::default();
        let result = send(&self.0, spec, &mut sink);
        (sink.0, result)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[derive(Default)]
struct Kept(Vec<u8>, bool);

impl Write for &mut Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.1 {
            return Err(io::Error::other("broken off"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for &mut Kept {
    fn break_off(&mut self) {
        self.1 = true;
    }
}

/// An archive's entries: kind, rights, owner, path, and content or where a link leads.
fn told(tar: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    for entry in tar::Archive::new(tar).entries().unwrap() {
        let mut entry = entry.unwrap();
        let header = entry.header().clone();
        let to = entry
            .link_name()
            .unwrap()
            .map(|to| format!(" -> {}", to.display()));
        let path = entry.path().unwrap().display().to_string();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        lines.push(format!(
            "{:o} {}:{} {path}{} {text}",
            header.mode().unwrap(),
            header.uid().unwrap(),
            header.gid().unwrap(),
            to.unwrap_or_default()
        ));
    }
    lines
}

#[test]
fn an_archive_is_what_was_looked_at() {
    let folder = Temporary::new(
        "archive",
        &[
            ("Dockerfile", "FROM x"),
            ("b", "2"),
            ("a/x", "1"),
            ("a.txt", "3"),
        ],
    );
    let mode = |path: &str, mode| {
        let rights = fs::Permissions::from_mode(mode);
        fs::set_permissions(folder.0.join(path), rights).unwrap();
    };
    mode("b", 0o777);
    mode("a/x", 0o600);
    mode("a", 0o775);
    symlink("../../outside", folder.0.join("link")).unwrap();
    symlink("/", folder.0.join("root")).unwrap();
    symlink("./a//x", folder.0.join("odd")).unwrap();
    let far = format!("{}/x", "far".repeat(60));
    symlink(&far, folder.0.join("s-far")).unwrap();
    fs::create_dir(folder.0.join("empty")).unwrap();
    let (tar, result) = folder.sent(&folder.spec());
    result.unwrap();
    let lines: Vec<_> = told(&tar)
        .iter()
        .map(|line| line.trim_end().to_owned())
        .collect();
    assert_eq!(
        lines,
        [
            "644 0:0 Dockerfile FROM x",
            "755 0:0 a/",
            "644 0:0 a.txt 3",
            "600 0:0 a/x 1",
            "755 0:0 b 2",
            "755 0:0 empty/",
            "777 0:0 link -> ../../outside",
            "777 0:0 odd -> ./a//x",
            "777 0:0 root -> /",
            &format!("777 0:0 s-far -> {far}"),
        ]
    );
    assert_eq!(folder.sent(&folder.spec()).0, tar);
    // A name of any length.
    folder.write(&format!("{0}/{0}", "long".repeat(50)), "4");
    let (tar, result) = folder.sent(&folder.spec());
    result.unwrap();
    assert!(
        told(&tar)
            .iter()
            .any(|line| line.ends_with(&format!("{} 4", "long".repeat(50))))
    );
}

#[test]
fn what_is_another_folder_by_now_is_no_whole_archive() {
    let folder = Temporary::new("changed", &[("Dockerfile", "FROM x"), ("a", "1")]);
    let spec = folder.spec();
    for change in ["content", "new", "gone", "mode"] {
        match change {
            "content" => folder.write("a", "2"),
            "new" => folder.write("b", ""),
            "gone" => fs::remove_file(folder.0.join("a")).unwrap(),
            _ => {
                let rights = fs::Permissions::from_mode(0o755);
                fs::set_permissions(folder.0.join("a"), rights).unwrap();
            }
        }
        let (tar, result) = folder.sent(&spec);
        assert!(result.unwrap_err().why.contains("no longer"), "{change}");
        // An archive ends with two blocks of nothing.
        assert!(!tar.ends_with(&[0; 1024]), "{change}");
        folder.write("a", "1");
        fs::set_permissions(folder.0.join("a"), fs::Permissions::from_mode(0o644)).unwrap();
        let _ = fs::remove_file(folder.0.join("b"));
        assert!(folder.sent(&spec).1.is_ok());
    }
    fs::remove_dir_all(&folder.0).unwrap();
    assert_eq!(folder.sent(&spec).1.unwrap_err().why, "is not there");
}

#[test]
fn a_dockerfile_of_elsewhere_is_hidden_from_the_build() {
    let folder = Temporary::new("inline", &[("a", "1"), (".dockerignore", "*.md")]);
    let rules = rules(&folder.0, "").unwrap();
    let content = look(&folder.0, &rules).unwrap().digest();
    let mut spec = BuildSpec {
        dockerfile: String::new(),
        inline: Some("FROM x".to_owned()),
        ..BuildSpec::new("", content)
    };
    let name = inline_name("FROM x");
    let (tar, result) = folder.sent(&spec);
    result.unwrap();
    let lines = told(&tar);
    assert_eq!(lines[0], format!("644 0:0 .dockerignore *.md\n{name}\n"));
    assert_eq!(lines[2], format!("600 0:0 {name} FROM x"));
    fs::remove_file(folder.0.join(".dockerignore")).unwrap();
    spec.content = look(&folder.0, &rules).unwrap().digest();
    let (tar, result) = folder.sent(&spec);
    result.unwrap();
    assert_eq!(
        told(&tar)[1],
        format!("600 0:0 .dockerignore .dockerignore\n{name}\n")
    );
}

#[test]
fn what_cannot_be_sent_is_told() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let folder = Temporary::new("kinds", &[("Dockerfile", "FROM x"), ("sub/a", "1")]);
    let _listening = std::os::unix::net::UnixListener::bind(folder.0.join("socket")).unwrap();
    assert_eq!(folder.look().unwrap().0.len(), 3);
    mknodat(
        CWD,
        folder.0.join("sub/pipe"),
        FileType::Fifo,
        Mode::RUSR,
        0,
    )
    .unwrap();
    assert_eq!(
        folder.why(),
        "sub/pipe is a named pipe, which cannot be sent"
    );
    folder.write(".dockerignore", "sub/pipe\n");
    assert_eq!(folder.look().unwrap().0.len(), 4);
    let odd = folder.0.join(std::ffi::OsStr::from_bytes(b"odd\xff"));
    fs::write(&odd, "").unwrap();
    assert!(
        folder.why().ends_with(" has a name that is not UTF-8"),
        "{}",
        folder.why()
    );
    folder.write(".dockerignore", "sub/pipe\nodd?\n");
    assert_eq!(folder.look().unwrap().0.len(), 4);
    // Too much is told by its size alone: were it read, this would take hours.
    let large = File::create(folder.0.join("sub/large")).unwrap();
    large.set_len(1 << 43).unwrap();
    assert_eq!(folder.why(), " has more than 4 GB, most of it in `sub`");
    let nowhere = Temporary(folder.0.join("nosuch"));
    assert_eq!(nowhere.why(), " is not there");
    let file = Temporary(folder.0.join("Dockerfile"));
    assert_eq!(file.why(), " is not a folder");
    folder.write(".dockerignore", "[\n");
    assert_eq!(
        rules(&folder.0, "").unwrap_err().why,
        "cannot be understood: `[`"
    );
}

#[test]
fn a_dockerfile_may_have_rules_of_its_own() {
    let folder = Temporary::new("rules", &[("a.Dockerfile", ""), ("x", ""), ("y", "")]);
    folder.write(".dockerignore", "x\n");
    folder.write("a.Dockerfile.dockerignore", "\u{feff}y\n");
    let sent = |name: &str| {
        let all = look(&folder.0, &rules(&folder.0, name).unwrap()).unwrap().0;
        (all.contains_key("x"), all.contains_key("y"))
    };
    assert_eq!(sent("a.Dockerfile"), (true, false));
    assert_eq!(sent("b.Dockerfile"), (false, true));
}
