//! Secrets of the folder, with the program as users run it and without an engine.

use crate::support::{arguments::Arguments, pty::Typing, until};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// A home with a stack's folder in it, gone with it.
struct Home(PathBuf);

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    #[track_caller]
    fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self
    }
}

impl Home {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("coasti-it-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("stack/config")).unwrap();
        let home = Self(path);
        home.write("config/products.yml", "version: 1\nproducts: []\n");
        home.asks(
            "{TOKEN: {secret: token}, KEY: {secret: key.pem, file: true}, CODE: {random: true}}",
        );
        home
    }

    fn asks(&self, env: &str) {
        let site = format!("site: [{{label: app, image: 'x/y:1', env: {env}}}]\n");
        let deploy = format!("version: 1\nstack: acme\n{site}");
        self.write("config/deploy.yml", &deploy);
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.join("stack").join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn mode(&self, path: &str) -> u32 {
        fs::metadata(self.at(path)).unwrap().permissions().mode() & 0o777
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coasti"));
        command.args(args).current_dir(self.0.join("stack"));
        command.env_clear().stdin(Stdio::null());
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        // No engine is looked for.
        command.env("DOCKER_HOST", "unix:///nowhere/docker.sock");
        command.env("HOME", &self.0).env("COLUMNS", "300");
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args).output().unwrap())
    }

    /// Runs `coasti secret`.
    fn secret(&self, args: &[&str]) -> Ran {
        self.run(&[&["secret"], args].concat())
    }

    /// Likewise, with something on standard input.
    fn given(&self, input: &str, args: &[&str]) -> Ran {
        let mut command = self.command(&[&["secret"], args].concat());
        command.stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        Ran::of(child.wait_with_output().unwrap())
    }

    /// An editor that runs these commands with the file as `$1`.
    fn editor(&self, script: &str) -> String {
        let path = self.0.join("editor");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn edit(&self, name: &str, script: &str) -> Ran {
        let mut command = self.command(&["secret", "edit", name]);
        Ran::of(command.env("EDITOR", self.editor(script)).output().unwrap())
    }

    fn files(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let all = fs::read_dir(self.at(folder))
            .unwrap()
            .map(|one| one.unwrap());
        let files = all.filter(|one| one.path().is_file());
        files
            .map(|one| {
                (
                    one.file_name().into_string().unwrap(),
                    fs::read(one.path()).unwrap(),
                )
            })
            .collect()
    }

    fn names(&self) -> Vec<String> {
        self.files("config/secrets").into_keys().collect()
    }

    fn git(&self, args: &[&str]) -> String {
        let mut git = Command::new("git");
        git.arg("-C").arg(self.at("")).args(args);
        let output = git.env("HOME", &self.0).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }
}

#[test]
fn a_secret_is_set_told_of_and_given_out() {
    let home = Home::new("secret-set");
    home.git(&["init", "-q"]);
    let told = home.secret(&["list"]).expect(0);
    assert!(
        told.out.contains("missing") && told.out.contains("config/deploy.yml:3"),
        "{}",
        told.out
    );
    // The first plain one is kept out of git before it is there.
    let told = home.given("swordfish-5512", &["set", "token"]).expect(0);
    assert!(
        told.err.contains("wrote config/secrets/token") && told.err.contains(".gitignore"),
        "{}",
        told.err
    );
    assert_eq!(home.mode("config/secrets/token"), 0o600);
    assert_eq!(home.mode("config/secrets"), 0o700);
    assert!(
        !home
            .git(&["status", "--porcelain", "-uall"])
            .contains("token")
    );
    assert_eq!(
        home.secret(&["get", "token"]).expect(0).out,
        "swordfish-5512"
    );
    let told = home
        .given("-----\nkey-5512\n", &["set", "key.pem"])
        .expect(0);
    assert!(
        told.err
            .contains("app  /run/secrets/key.pem  (config/deploy.yml:3)"),
        "{}",
        told.err
    );
    assert_eq!(
        home.secret(&["get", "key.pem"]).expect(0).out,
        "-----\nkey-5512\n"
    );
    assert_eq!(
        fs::read_to_string(home.at(".gitignore"))
            .unwrap()
            .matches("/config/secrets/*\n")
            .count(),
        1
    );
    home.run(&["validate"]).expect(0);

    // Who set the lines aside is told, and nothing is written twice.
    let list = home.read(".gitignore");
    home.write(".gitignore", &format!("{list}!/config/secrets/token\n"));
    let told = home.given("swordfish-5512", &["set", "token"]).expect(0);
    assert!(
        told.err
            .contains("git does not ignore config/secrets/token"),
        "{}",
        told.err
    );
    home.write(".gitignore", &list);

    // With recipients, a new one is encrypted; one that is there stays as it is until it is said otherwise.
    let key = home.secret(&["keygen"]).expect(0).out;
    assert!(key.starts_with("age1") && home.read("config/secrets/recipients.txt").contains(&key));
    let identity = home.0.join(".config/coasti/identities.txt");
    assert_eq!(
        fs::metadata(&identity).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(home.secret(&["keygen"]).expect(0).out, key);
    fs::set_permissions(&identity, fs::Permissions::from_mode(0o640)).unwrap();
    home.given("third-5512", &["set", "--encrypt", "token"])
        .expect(0);
    let told = home.run(&["validate"]).expect(0).err;
    let help = format!("chmod 600 {}", identity.display());
    assert!(told.contains("W0194") && told.contains(&help), "{told}");
    fs::set_permissions(&identity, fs::Permissions::from_mode(0o600)).unwrap();
    home.given("third-5512", &["set", "--plain", "token"])
        .expect(0);
    home.given("other-5512", &["set", "token"]).expect(0);
    home.given("new-5512", &["set", "extra"]).expect(0);
    home.given("third-5512", &["set", "--encrypt", "token"])
        .expect(0);
    assert_eq!(
        home.names(),
        ["extra.age", "key.pem", "recipients.txt", "token.age"]
    );
    assert_eq!(home.secret(&["get", "token"]).expect(0).out, "third-5512");
    assert!(
        home.read("config/secrets/token.age")
            .starts_with("-----BEGIN AGE ENCRYPTED FILE-----")
    );
    assert!(
        home.git(&["status", "--porcelain", "-uall"])
            .contains("config/secrets/token.age")
    );
    home.given("fourth-5512", &["set", "--plain", "token"])
        .expect(0);
    assert_eq!(
        home.names(),
        ["extra.age", "key.pem", "recipients.txt", "token"]
    );

    fs::set_permissions(
        home.at("config/secrets/token"),
        fs::Permissions::from_mode(0o644),
    )
    .unwrap();
    home.git(&["add", "-f", "config/secrets/token"]);
    let valid = home.run(&["validate"]).expect(0).err;
    for word in [
        "W0194",
        "chmod 600 config/secrets/token",
        "W0195",
        "git rm --cached config/secrets/token",
    ] {
        assert!(valid.contains(word), "{word}: {valid}");
    }
    let listed = home.secret(&["list", "--format", "json"]).expect(0).out;
    let json: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let of = |name: &str| {
        let mut all = json["secrets"].as_array().unwrap().iter();
        all.find(|one| one["name"] == name)
            .unwrap_or_else(|| panic!("{name}: {json:#}"))
    };
    let token = of("token");
    assert_eq!(token["kind"], "plain");
    assert_eq!(token["mode"], "0644");
    assert_eq!(
        (&token["open_to_others"], &token["committed"]),
        (&true.into(), &true.into())
    );
    assert_eq!(token["uses"], serde_json::json!(["config/deploy.yml:3"]));
    let extra = of("extra");
    assert_eq!(
        (&extra["kind"], &extra["opens"]),
        (&"encrypted".into(), &true.into())
    );
    assert_eq!(extra["uses"], serde_json::json!([]));
    assert_eq!(json["generated"][0]["address"], "app/CODE");
    assert!(!listed.contains("5512"), "{listed}");
}

#[test]
fn what_cannot_be_a_secret_is_refused_and_nothing_changes() {
    let home = Home::new("secret-refused");
    home.given("first", &["set", "token"]).expect(0);
    let before = home.files("config/secrets");
    for (input, args, word) in [
        ("", vec!["set", "token"], "empty"),
        ("\n", vec!["set", "token"], "empty"),
        ("a\0b", vec!["set", "token"], "NUL"),
        ("x", vec!["set", "a.age"], "cannot be a secret's name"),
        (
            "x",
            vec!["set", "recipients.txt"],
            "cannot be a secret's name",
        ),
        ("x", vec!["set", ".."], "cannot be a secret's name"),
        (
            "x",
            vec!["set", "--encrypt", "token"],
            "coasti secret keygen",
        ),
        ("", vec!["generate", "token"], "coasti secret rotate token"),
        ("", vec!["rotate", "tokn"], "did you mean `token`"),
        ("", vec!["get", "mail"], "coasti secret set mail"),
        ("", vec!["rekey"], "coasti secret keygen"),
        ("", vec!["edit", "app/CODE"], "coasti secret set app/CODE"),
    ] {
        let ran = home.given(input, &args).expect(1);
        assert!(ran.err.contains(word), "{args:?}: {}", ran.err);
    }
    home.given("x", &["set", "../token"]).expect(1);
    let large = "x".repeat((2 << 20) + 1);
    assert!(
        home.given(&large, &["set", "token"])
            .expect(1)
            .err
            .contains("more than 2 MB")
    );
    // No link is followed, neither of a file nor of the folder.
    let outside = home.0.join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("kept"), "kept").unwrap();
    symlink(outside.join("kept"), home.at("config/secrets/link")).unwrap();
    let ran = home.given("x", &["set", "link"]).expect(1);
    assert!(ran.err.contains("is a link"), "{}", ran.err);
    assert_eq!(home.files("config/secrets").len(), before.len() + 1);
    fs::remove_file(home.at("config/secrets/link")).unwrap();
    assert_eq!(home.files("config/secrets"), before);
    fs::rename(home.at("config/secrets"), home.0.join("moved")).unwrap();
    symlink(&outside, home.at("config/secrets")).unwrap();
    let ran = home.given("x", &["set", "kept"]).expect(1);
    assert!(ran.err.contains("a link is not followed"), "{}", ran.err);
    assert_eq!(fs::read_to_string(outside.join("kept")).unwrap(), "kept");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
}

#[test]
fn rekey_is_all_or_nothing() {
    let home = Home::new("secret-rekey");
    home.secret(&["keygen"]).expect(0);
    for name in ["one", "two", "three"] {
        home.given(&format!("value of {name}"), &["set", name])
            .expect(0);
    }
    // Somebody else: another identity, whose key is not listed yet.
    let other = home.0.join("other.txt");
    let as_other = |args: &[&str]| {
        let mut command = home.command(&[&["secret"], args].concat());
        Ran::of(command.env("COASTI_AGE_KEY_FILE", &other).output().unwrap())
    };
    let told = as_other(&["keygen"]).expect(0);
    assert!(
        told.err
            .contains("Somebody who can open one, three, two runs `coasti secret rekey`"),
        "{}",
        told.err
    );
    let told = as_other(&["get", "one"]).expect(3);
    assert!(
        told.err.contains("E0192") && told.err.contains("coasti secret rekey"),
        "{}",
        told.err
    );
    as_other(&["rekey"]).expect(3);

    let before = home.files("config/secrets");
    let text = String::from_utf8(before["two.age"].clone()).unwrap();
    let lines = text.lines().enumerate().filter(|(n, _)| *n != 2);
    let broken: String = lines.map(|(_, line)| format!("{line}\n")).collect();
    home.write("config/secrets/two.age", &broken);
    let damaged = home.files("config/secrets");
    let told = home.secret(&["rekey"]).expect(3);
    assert!(told.err.contains("two.age` is damaged"), "{}", told.err);
    assert_eq!(
        home.files("config/secrets"),
        damaged,
        "all or nothing, and nothing is left over"
    );

    fs::write(home.at("config/secrets/two.age"), &before["two.age"]).unwrap();
    home.secret(&["rekey"]).expect(0);
    for name in ["one", "two", "three"] {
        assert_ne!(
            home.files("config/secrets")[&format!("{name}.age")],
            before[&format!("{name}.age")]
        );
        assert_eq!(
            as_other(&["get", name]).expect(0).out,
            format!("value of {name}")
        );
        assert_eq!(
            home.secret(&["get", name]).expect(0).out,
            format!("value of {name}")
        );
    }
    // Who takes themselves off the list says so.
    let list = home.read("config/secrets/recipients.txt");
    let without: Vec<&str> = list
        .lines()
        .filter(|line| !line.starts_with("age1"))
        .collect();
    let theirs = list.lines().rfind(|line| line.starts_with("age1")).unwrap();
    home.write(
        "config/secrets/recipients.txt",
        &format!("{}\n{theirs}\n", without.join("\n")),
    );
    let told = home.secret(&["rekey"]).expect(1);
    assert!(told.err.contains("--without-me"), "{}", told.err);
    home.secret(&["rekey", "--without-me"]).expect(0);
    home.secret(&["get", "one"]).expect(3);
    assert_eq!(as_other(&["get", "one"]).expect(0).out, "value of one");
    // A secret key among the public ones is never shown.
    let secret = fs::read_to_string(&other).unwrap();
    let secret = secret.lines().last().unwrap();
    home.write(
        "config/secrets/recipients.txt",
        &format!("{theirs}\n{secret}\n"),
    );
    let told = home.secret(&["rekey"]).expect(1);
    assert!(
        told.err.contains("recipients.txt:2") && told.err.contains("secret key"),
        "{}",
        told.err
    );
    assert!(!told.err.contains(secret), "{}", told.err);
}

#[test]
fn a_new_value_has_the_old_ones_shape() {
    let home = Home::new("secret-rotate");
    home.asks("{TOKEN: {secret: token}}");
    let get = || home.secret(&["get", "token"]).expect(0).out;
    home.secret(&["generate", "token", "--hex", "--length", "40"])
        .expect(0);
    let first = get();
    assert!(
        first.len() == 40 && first.chars().all(|c| "0123456789abcdef".contains(c)),
        "{first}"
    );
    let told = home.secret(&["rotate", "token"]).expect(0);
    for word in [
        "40 hexadecimal digits",
        "what runs is not known",
        "app  TOKEN  (config/deploy.yml:3)",
    ] {
        assert!(told.err.contains(word), "{word}: {}", told.err);
    }
    let second = get();
    assert!(second != first && second.len() == 40, "{second}");
    assert!(!told.err.contains(&second) && told.out.is_empty());
    home.secret(&["rotate", "token", "--base64", "32"])
        .expect(0);
    assert!(get().len() == 44 && get().ends_with('='));
    home.given("a phrase of words", &["set", "token"]).expect(0);
    let told = home.secret(&["rotate", "token"]).expect(1);
    assert!(told.err.contains("coasti secret set token"), "{}", told.err);
    assert_eq!(get(), "a phrase of words");
    // What a database reads only once stays while nobody can look whether it did.
    let site = "site: [{label: db, image: 'docker.io/library/postgres:15', env: {POSTGRES_PASSWORD: {secret: token}}, \
                volume: [{name: data, target: /var/lib/postgresql/data}]}]\n";
    home.write(
        "config/deploy.yml",
        &format!("version: 1\nstack: acme\n{site}"),
    );
    let told = home
        .secret(&["rotate", "token", "--length", "30"])
        .expect(1);
    assert!(
        told.err
            .contains("db reads POSTGRES_PASSWORD only when it initialises its data"),
        "{}",
        told.err
    );
    assert_eq!(get(), "a phrase of words");
    let told = home.given("x-5512", &["set", "token"]).expect(0);
    assert!(told.err.contains("P0302"), "{}", told.err);
}

/// What is typed is not shown, and Ctrl-U and Ctrl-W take it back.
#[test]
fn a_secret_is_typed_unseen() {
    let home = Home::new("secret-typed");
    let set = || Typing::start(home.command(&["secret", "set", "token"]));
    let mut typing = set();
    typing.sees("token:");
    typing.types("wrong one\u{17}\u{15}right-5512\r");
    typing.sees("Once more:");
    typing.types("other\r");
    typing.sees("these two differ");
    typing.sees("token:");
    typing.types("right-55122\u{7f}\r");
    typing.sees("Once more:");
    typing.types("right-5512\r");
    let said = typing.end(0);
    assert!(!said.contains("5512"), "{said}");
    assert_eq!(home.secret(&["get", "token"]).expect(0).out, "right-5512");
    for key in ["\u{3}", "\u{4}", "\u{1b}"] {
        let mut typing = set();
        typing.sees("token:");
        typing.types(&format!("new{key}"));
        typing.end(130);
    }
    assert_eq!(home.secret(&["get", "token"]).expect(0).out, "right-5512");
}

#[test]
fn an_editor_changes_a_secret_or_nothing() {
    let home = Home::new("secret-edit");
    home.secret(&["keygen"]).expect(0);
    home.given("first-5512", &["set", "token"]).expect(0);
    let where_ = home.0.join("where");
    let script = format!(
        "printf '%s' \"$1\" >{w}; stat -c '%a' \"$1\" \"$(dirname \"$1\")\" >>{w}.modes; printf 'second-5512\\n' >\"$1\"",
        w = where_.display()
    );
    home.edit("token", &script).expect(0);
    // The line break is the editor's.
    assert_eq!(home.secret(&["get", "token"]).expect(0).out, "second-5512");
    assert!(
        home.at("config/secrets/token.age").exists() && !home.at("config/secrets/token").exists()
    );
    let path = fs::read_to_string(&where_).unwrap();
    assert!(
        path.ends_with("/token") && !Path::new(&path).parent().unwrap().exists(),
        "{path}"
    );
    assert_eq!(
        fs::read_to_string(format!("{}.modes", where_.display())).unwrap(),
        "600\n700\n"
    );
    let before = home.files("config/secrets");
    for (script, code) in [
        ("true", 0),
        ("exit 3", 1),
        (": >\"$1\"", 1),
        ("rm \"$1\"", 1),
        ("printf '\\377' >\"$1\"", 1),
    ] {
        let ran = home.edit("token", script).expect(code);
        assert!(
            ran.err.contains("nothing was changed"),
            "{script}: {}",
            ran.err
        );
        assert_eq!(home.files("config/secrets"), before, "{script}");
    }
    home.edit("new", "printf 'new-5512' >\"$1\"").expect(0);
    let mut command = home.command(&["secret", "edit", "new"]);
    command.env_remove("EDITOR").env_remove("VISUAL");
    let ran = Ran::of(command.output().unwrap()).expect(1);
    assert!(ran.err.contains("no terminal to edit on"), "{}", ran.err);
    assert_eq!(home.secret(&["get", "new"]).expect(0).out, "new-5512");
}

#[test]
fn nothing_is_left_of_an_edit_that_is_cut_off() {
    for (signal, code) in [("KILL", None), ("TERM", Some(130)), ("HUP", Some(130))] {
        let home = Home::new(&format!("secret-cut-{signal}"));
        home.given("first-5512", &["set", "token"]).expect(0);
        let opened = home.0.join("opened");
        let script = format!(
            "printf x >>\"$1\"; printf '%s %s' \"$$\" \"$1\" >{o}.new; mv {o}.new {o}; exec sleep 999",
            o = opened.display()
        );
        let mut command = home.command(&["secret", "edit", "token"]);
        command.env("EDITOR", home.editor(&script));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let told = until("the editor", PATIENCE, || fs::read_to_string(&opened).ok());
        let (editor, path) = told.split_once(' ').unwrap();
        assert!(Path::new(path).exists());
        let kill = |pid: &str| {
            let mut kill = Command::new("kill");
            kill.args(["-s", signal, pid]).status().unwrap()
        };
        kill(&child.id().to_string());
        assert_eq!(child.wait().unwrap().code(), code, "{signal}");
        let folder = Path::new(path).parent().unwrap();
        until("the file to go", PATIENCE, || {
            (!folder.exists()).then_some(())
        });
        let runs = |pid: &str| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            !status.is_empty() && !status.contains("State:\tZ")
        };
        match code {
            // Nobody is left who could have ended it.
            None => drop(kill(editor)),
            Some(_) => until("the editor to end", PATIENCE, || {
                (!runs(editor)).then_some(())
            }),
        }
        assert_eq!(home.read("config/secrets/token"), "first-5512");
        assert_eq!(home.names(), ["token"]);
    }
}

#[test]
fn no_value_is_in_an_argument_or_told() {
    let home = Home::new("secret-seen");
    let watch = Arguments::watch();
    let mut said = Vec::new();
    let mut hear = |ran: Ran| {
        let ran = ran.expect(0);
        said.push(ran.out + &ran.err);
    };
    hear(home.secret(&["keygen"]));
    hear(home.given("first-value-5512", &["set", "token"]));
    hear(home.given("second-value-5512", &["set", "--plain", "key.pem"]));
    hear(home.edit("token", "printf 'third-value-5512\\n' >\"$1\""));
    hear(home.secret(&["generate", "made"]));
    let made = home.secret(&["get", "made"]).expect(0).out;
    hear(home.secret(&["rotate", "made"]));
    let rotated = home.secret(&["get", "made"]).expect(0).out;
    hear(home.secret(&["rekey"]));
    hear(home.secret(&["list"]));
    hear(home.secret(&["list", "--format", "json"]));
    hear(home.run(&["validate", "-vvv"]));
    hear(home.run(&["explain", "app.env.TOKEN"]));
    let arguments = watch.seen();
    let identity = fs::read_to_string(home.0.join(".config/coasti/identities.txt")).unwrap();
    let identity = identity.lines().last().unwrap();
    for value in [
        "first-value-5512",
        "second-value-5512",
        "third-value-5512",
        &made,
        &rotated,
        identity,
    ] {
        assert!(value.len() > 10 && !arguments.contains(value), "{value}");
        for text in &said {
            assert!(!text.contains(value), "{value} is told: {text}");
        }
        // On disk it is where it belongs, or nowhere.
        for folder in ["", "config", "config/secrets"] {
            for (name, bytes) in home.files(folder) {
                let here = String::from_utf8_lossy(&bytes).contains(value);
                assert!(!here || name == "key.pem", "{value} is in {folder}/{name}");
            }
        }
    }
}
