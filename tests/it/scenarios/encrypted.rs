//! Encrypted secrets: with an identity, and without one where the store knows them.

use super::{POSTGRES, site};
use crate::support::{
    arguments::Arguments,
    docker::{docker, inspect},
    ran::Ran,
    stack::Stack,
};
use coasti::base::Secret;
use coasti::ops::secrets::age;
use std::cell::RefCell;

/// A stack, and who can open its secrets.
struct Vault {
    said: RefCell<Vec<String>>,
    stack: Stack,
    identity: Secret<String>,
    recipient: String,
}

impl Vault {
    fn new(test: &str) -> Option<Self> {
        let (identity, recipient) = age::generate();
        Some(Self {
            said: RefCell::default(),
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
        self.hear(self.stack.run(command))
    }

    /// Runs it where no identity is.
    #[track_caller]
    fn locked(&self, arguments: &[&str]) -> Ran {
        let mut command = self.stack.command(arguments);
        command.env("HOME", self.stack.folder().join("nobody"));
        self.hear(self.stack.run(command))
    }

    fn hear(&self, ran: Ran) -> Ran {
        let said = format!("{}{}", ran.out, ran.err);
        self.said.borrow_mut().push(said);
        ran
    }

    /// What a secret of the folder is.
    fn value(&self, name: &str) -> String {
        let mut command = self.stack.command(&["secret", "get", name]);
        command.env(age::KEY, self.identity.expose());
        self.stack.run(command).expect(0).out
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
    let watch = Arguments::watch();
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

    for format in ["human", "json"] {
        vault.locked(&["history", "--format", format]).expect(0);
        vault.locked(&["show", "--format", format]).expect(0);
        vault.locked(&["status", "--format", format]).expect(0);
    }
    let arguments = watch.seen();
    let labels = inspect(&vault.stack.object("app"))["Config"]["Labels"].to_string();
    let volumes = vault.stack.objects("volume");
    let volumes: Vec<_> = volumes
        .iter()
        .map(|name| docker(&["volume", "inspect", name]))
        .collect();
    let line = pem.lines().last().unwrap();
    for value in [first, second, line, vault.identity.expose().as_str()] {
        assert!(!arguments.contains(value), "{value} is in an argument list");
        assert!(!labels.contains(value), "{value} is in a label: {labels}");
        assert!(
            !volumes.concat().contains(value),
            "{value} is in a volume's label"
        );
        for said in vault.said.borrow().iter() {
            assert!(!said.contains(value), "{value} is in {said}");
        }
    }

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

#[test]
fn rotated_values_reach_what_runs_and_what_data_was_made_with_stays() {
    let Some(vault) =
        Vault::new("rotated_values_reach_what_runs_and_what_data_was_made_with_stays")
    else {
        return;
    };
    let own = "        env: {POSTGRES_PASSWORD_FILE: {secret: db, file: true}}\n";
    let uses = POSTGRES.replace(
        "    env:\n",
        "    env:\n      TOKEN: {secret: token}\n      CODE: {random: true, length: 20}\n",
    );
    let uses = uses.replace(
        "      DB_PASSWORD: {from: database, key: POSTGRES_PASSWORD}\n",
        "      DB_PASSWORD: {secret: db}\n",
    );
    vault.stack.sites(&site("app", &format!("{uses}{own}")));
    vault
        .stack
        .write("config/secrets/recipients.txt", &vault.recipient);
    vault
        .opened(&["secret", "generate", "token", "--hex"])
        .expect(0);
    vault.opened(&["secret", "generate", "db"]).expect(0);
    vault.opened(&["apply", "--yes"]).expect(0);
    assert_eq!(vault.variable(), vault.value("token"));

    // One that only the app has.
    let old = vault.value("token");
    let told = vault.opened(&["secret", "rotate", "token"]).expect(0);
    assert!(
        told.err.contains("The next apply replaces app:"),
        "{}",
        told.err
    );
    assert!(!told.err.contains("app/database"), "{}", told.err);
    assert_ne!(vault.value("token"), old);
    assert_eq!(
        vault
            .locked(&["secret", "get", "--applied", "token"])
            .expect(0)
            .out,
        old
    );
    let code = vault.stack.secret("app/CODE");
    let told = vault.opened(&["secret", "rotate", "app/CODE"]).expect(0);
    assert!(
        told.err.contains("The next apply replaces app:"),
        "{}",
        told.err
    );
    let database = inspect(&vault.stack.object("app/database"))["Id"].clone();
    vault.opened(&["apply", "--yes"]).expect(0);
    assert_eq!(vault.variable(), vault.value("token"));
    assert_ne!(vault.stack.secret("app/CODE"), code);
    assert_eq!(vault.stack.secret("app/CODE").len(), 20);
    vault.opened(&["plan", "--detailed-exitcode"]).expect(0);

    // What the data was made with is not changed by changing it here.
    let before = vault.stack.read("config/secrets/db.age");
    let told = vault.opened(&["secret", "rotate", "db"]).expect(6);
    for word in [
        "POSTGRES_PASSWORD_FILE only when it initialises",
        "P0302",
        "nothing was changed",
        "--new-data app",
    ] {
        assert!(told.err.contains(word), "{word}: {}", told.err);
    }
    assert_eq!(vault.stack.read("config/secrets/db.age"), before);
    // Who writes it all the same is refused by the plan, which tells how to go back.
    vault.encrypt("db", "another-one-9641");
    let told = vault.opened(&["plan"]).expect(6);
    assert!(
        told.out.contains("coasti secret get --applied db")
            || told.err.contains("coasti secret get --applied db"),
        "{}{}",
        told.out,
        told.err
    );
    let applied = vault
        .opened(&["secret", "get", "--applied", "db"])
        .expect(0)
        .out;
    vault.encrypt("db", &applied);
    vault.opened(&["plan", "--detailed-exitcode"]).expect(0);
    assert_eq!(inspect(&vault.stack.object("app/database"))["Id"], database);
}
