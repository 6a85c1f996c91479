//! Encrypted secrets: with an identity, and without one where the store knows them.

use super::site;
use crate::support::{
    docker::{docker, inspect},
    stack::{Ran, Stack},
};
use coasti::base::Secret;
use coasti::ops::secrets::age;

/// A stack, and who can open its secrets.
struct Vault {
    stack: Stack,
    identity: Secret<String>,
    recipient: String,
}

impl Vault {
    fn new(test: &str) -> Option<Self> {
        let (identity, recipient) = age::generate();
        Some(Self {
            stack: Stack::new(test)?,
            identity,
            recipient,
        })
    }

    /// Writes a secret for its recipient, as anybody's `age` would.
    fn encrypt(&self, name: &str, value: &str) -> String {
        let whom = age::recipients(&self.recipient).unwrap();
        let bytes = age::encrypt(&Secret::new(value.to_owned()), &whom).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let path = format!("config/secrets/{name}.age");
        self.stack.write(&path, &text);
        text
    }

    /// Runs the binary, with the identity.
    #[track_caller]
    fn opened(&self, arguments: &[&str]) -> Ran {
        let mut command = self.stack.command(arguments);
        command.env(age::KEY, self.identity.expose());
        self.stack.run(command)
    }

    /// Runs it where no identity is.
    #[track_caller]
    fn locked(&self, arguments: &[&str]) -> Ran {
        let mut command = self.stack.command(arguments);
        command.env("HOME", self.stack.folder().join("nobody"));
        self.stack.run(command)
    }

    fn read(&self, path: &str) -> String {
        docker(&["exec", &self.stack.object("app"), "cat", path])
    }

    fn variable(&self) -> String {
        docker(&[
            "exec",
            &self.stack.object("app"),
            "sh",
            "-c",
            "printf %s \"$TOKEN\"",
        ])
    }

    fn id(&self) -> String {
        let id = inspect(&self.stack.object("app"))["Id"].clone();
        id.as_str().unwrap().to_owned()
    }
}

const USES: &str =
    "    env:\n      TOKEN: {secret: token}\n      KEY: {secret: key.pem, file: true}\n";

#[test]
fn encrypted_secrets_are_applied_and_who_cannot_open_them_works_on() {
    let Some(vault) = Vault::new("encrypted_secrets_are_applied_and_who_cannot_open_them_works_on")
    else {
        return;
    };
    let (first, second) = ("first-token-9641", "second-token-9641");
    let pem = "-----\nfirst-key-9641\n";
    vault.stack.sites(&site("app", USES));
    let before = vault.encrypt("token", &format!("{first}\n"));
    vault.encrypt("key.pem", pem);

    // Nobody has applied them yet, so nobody else knows what is in them. Files are right all the same.
    let told = vault.locked(&["plan"]).expect(3);
    for word in [
        "E0192",
        "token.age",
        "key.pem.age",
        "COASTI_AGE_KEY_FILE",
        "nobody/.config/coasti",
    ] {
        assert!(told.err.contains(word), "{word}: {}", told.err);
    }
    let valid = vault.locked(&["validate"]).expect(0);
    assert!(
        valid
            .err
            .contains("not looked into: `config/secrets/token.age`"),
        "{}",
        valid.err
    );

    vault.opened(&["apply", "--yes"]).expect(0);
    assert_eq!(vault.variable(), first);
    assert_eq!(vault.read("/run/secrets/key.pem"), pem.trim_end());
    let made = vault.id();
    vault.opened(&["plan", "--detailed-exitcode"]).expect(0);
    vault.locked(&["plan", "--detailed-exitcode"]).expect(0);
    vault.locked(&["apply", "--yes"]).expect(0);

    // Encrypted anew, it holds the same: nothing is replaced, and one apply lets the others know.
    vault.encrypt("token", &format!("{first}\n"));
    vault.opened(&["plan", "--detailed-exitcode"]).expect(0);
    vault.locked(&["plan"]).expect(3);
    vault.opened(&["apply", "--yes"]).expect(0);
    vault.locked(&["plan", "--detailed-exitcode"]).expect(0);
    assert_eq!(vault.id(), made);

    // Another value is another container.
    vault.encrypt("token", second);
    vault.opened(&["plan", "--detailed-exitcode"]).expect(2);
    vault.opened(&["apply", "--yes"]).expect(0);
    assert_eq!(vault.variable(), second);
    assert_ne!(vault.id(), made);

    // Back, where no identity is: the store has what the revision had.
    vault.locked(&["rollback", "--yes"]).expect(0);
    assert_eq!(vault.variable(), first);
    // The files still say the other, and the store knows that as well; so it does the file of before.
    vault.locked(&["plan", "--detailed-exitcode"]).expect(2);
    vault.stack.write("config/secrets/token.age", &before);
    vault.locked(&["plan", "--detailed-exitcode"]).expect(0);
    vault.locked(&["apply", "--yes"]).expect(0);
    assert_eq!(vault.variable(), first);

    let values = vault.stack.secrets();
    assert!(
        values.keys().all(|id| id.starts_with("secret:")),
        "{values:?}"
    );
    // One that is damaged is told as that, whoever looks.
    vault
        .stack
        .write("config/secrets/token.age", "hunter2-9641\n");
    for told in [
        vault.opened(&["plan"]).expect(3),
        vault.locked(&["plan"]).expect(3),
    ] {
        assert!(
            told.err.contains("token.age` is no age file"),
            "{}",
            told.err
        );
        assert!(!told.err.contains("hunter2"), "{}", told.err);
    }
}
