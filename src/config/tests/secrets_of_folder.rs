//! Secrets of the stack's folder, plain and encrypted.

use super::*;

/// A stack whose app has these variables, with these files among its secrets.
fn folder(env: &str, files: &[(&str, &str)]) -> Map {
    let app = format!("metadata: {{id: wiki}}\nimage: acme/wiki:1\nenv:\n{env}");
    let mut folder = Map::wiki(
        &app,
        "version: 1\nstack: acme\nsite: [{label: wiki, image: wiki}]\n",
    );
    for (name, text) in files {
        folder
            .0
            .insert(format!("config/secrets/{name}"), (*text).to_owned());
    }
    folder
}

fn told(folder: &Map) -> String {
    let mut d = Diagnostics::new();
    read(folder, &mut d);
    lines(&d)
}

const BOTH: &str = "  A: {secret: db}\n  B: {secret: db, file: true}\n";

#[test]
fn an_encrypted_secret_is_the_same_as_a_plain_one() {
    let world = World::new();
    let plain = sealed(&folder(BOTH, &[("db", "s3cret\n")]), &world);
    let encrypted = folder(BOTH, &[("db.age", "open s3cret\n")]);
    let opened = sealed(&encrypted, &world);
    assert_eq!(plain.stack, opened.stack);
    assert_eq!(plain.given, opened.given);
    let ids = [ValueId::new("secret:db"), ValueId::new("secret:db:file")];
    let desired = read(&encrypted, &mut Diagnostics::new()).unwrap();
    assert!(ids.iter().eq(desired.encrypted().keys()));
    assert!(desired.locked().is_empty());
}

#[test]
fn a_locked_secret_is_what_was_applied() {
    let world = World::new();
    let open = sealed(&folder(BOTH, &[("db", "s3cret\n")]), &world);
    let locked = folder(BOTH, &[("db.age", "locked x")]);
    let desired = read(&locked, &mut Diagnostics::new()).unwrap();
    assert_eq!(desired.locked().len(), 2);
    let mut d = Diagnostics::new();
    desired
        .locked()
        .values()
        .for_each(|error| d.push(error.clone()));
    insta::assert_snapshot!(lines(&d), @r#"
    E0192 products/wiki/nua-config.yml:4:6 `config/secrets/db.age` is locked
        help: find the key
    E0192 products/wiki/nua-config.yml:5:6 `config/secrets/db.age` is locked
        help: find the key
    "#);
    let known = World {
        opened: open.given.clone(),
        ..World::new()
    };
    let again = sealed(&locked, &known);
    assert_eq!(open.stack, again.stack);
    assert_eq!(open.given, again.given);
}

#[test]
fn a_secret_stands_twice_only_with_one_value() {
    let of = |plain, encrypted| told(&folder(BOTH, &[("db", plain), ("db.age", encrypted)]));
    assert_eq!(of("same\n", "open same\n"), "");
    insta::assert_snapshot!(of("one\n", "open other\n"), @"
    E0191 products/wiki/nua-config.yml:4:6 `config/secrets/db` and `config/secrets/db.age` are both there, with different values
        help: what others have is the encrypted one: rm config/secrets/db
        help: if the other one holds: rm config/secrets/db.age
    E0191 products/wiki/nua-config.yml:5:6 `config/secrets/db` and `config/secrets/db.age` are both there, with different values
        help: what others have is the encrypted one: rm config/secrets/db
        help: if the other one holds: rm config/secrets/db.age
    ");
    let locked = of("one\n", "locked x");
    assert!(
        locked.contains("both there, and nothing here can tell whether they are the same"),
        "{locked}"
    );
}

#[test]
fn what_is_wrong_with_a_secret_is_told() {
    let env = "  A: {secret: a-open}\n  B: {secret: b}\n  C: {secret: c.age}\n  D: {secret: recipients.txt}\n  E: {secret: e}\n";
    let files = [
        ("a-open", "x"),
        ("b.age", "?"),
        ("c.age", "open c"),
        ("recipients.txt", "age1"),
        ("e.age", "open \n"),
    ];
    insta::assert_snapshot!(told(&folder(env, &files)), @"
    W0194 others on this machine can read `config/secrets/a-open`
        help: chmod 600 config/secrets/a-open
    E0129 products/wiki/nua-config.yml:5:6 `config/secrets/b.age` is damaged
    E0129 products/wiki/nua-config.yml:6:6 no secret `c.age`
        help: a secret's name is letters, digits, `.`, `_` and `-`, and does not end in `.age`
    E0129 products/wiki/nua-config.yml:7:6 no secret `recipients.txt`
        help: a secret's name is letters, digits, `.`, `_` and `-`, and does not end in `.age`
    E0129 products/wiki/nua-config.yml:8:6 the secret `e` is empty
        help: an empty password would let everybody in: put a value into it
    ");
}

#[test]
fn a_composed_product_takes_encrypted_secrets_the_same_way_opened_or_not() {
    let compose = "services:\n  web:\n    image: 'web:1'\n    environment: {TOKEN: '${TOKEN}'}\n    secrets: [db]\nsecrets:\n  db: {external: true}\n";
    let of = |db: &str, token: &str| {
        let site = "site: [{label: web, image: web, env: {TOKEN: {secret: token}}}]\n";
        let mut folder = Map::new([
            ("config/products.yml", "version: 1\nproducts:\n- id: web\n"),
            (
                "products/web/info.yml",
                "version: 1\nrun: {compose: compose.yml}\n",
            ),
            ("products/web/compose.yml", compose),
            ("config/secrets/db.age", db),
            ("config/secrets/token.age", token),
        ]);
        let deploy = format!("version: 1\nstack: acme\n{site}");
        folder.0.insert("config/deploy.yml".into(), deploy);
        folder
    };
    let opened = sealed(&of("open s3cret", "open t0k3n"), &World::new());
    let known = World {
        opened: opened.given.clone(),
        ..World::new()
    };
    let locked = sealed(&of("locked x", "locked y"), &known);
    assert_eq!(opened.stack, locked.stack);
    let ids: Vec<_> = opened.given.keys().map(ValueId::as_str).collect();
    assert_eq!(ids, ["secret:db:file", "secret:token"]);
    // Another content is another container, by variable as by file.
    let web = ResourceId::container("web/web");
    let hash = |sealed: &Sealed| crate::model::spec_hash(&sealed.stack.resources[&web].spec);
    for (db, token) in [("open other", "open t0k3n"), ("open s3cret", "open other")] {
        assert_ne!(hash(&sealed(&of(db, token), &World::new())), hash(&opened));
    }
    assert_eq!(hash(&locked), hash(&opened));
}
