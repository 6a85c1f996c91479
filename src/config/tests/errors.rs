//! What is said of wrong input. Everything at once, each with a place and what to do.

use super::*;

/// What is wrong with a folder, sealing included.
pub(super) fn problems(folder: &Map, world: &World) -> String {
    let mut diagnostics = Diagnostics::new();
    match read(folder, &mut diagnostics) {
        Some(desired) => {
            let sealed = seal(&desired, &world.facts(), &mut diagnostics);
            assert_eq!(sealed.is_none(), diagnostics.has_errors());
        }
        None => assert!(diagnostics.has_errors()),
    }
    lines(&diagnostics)
}

pub(super) const APP: &str =
    "metadata: {id: wiki, version: '1.0'}\nimage: acme/wiki:1\nport: {web: 80}\n";

/// Sites, with the stack around them.
pub(super) fn deploy(sites: &str) -> String {
    format!("version: 1\nstack: acme\nsite:\n{sites}")
}

pub(super) fn of_sites(sites: &str) -> String {
    problems(&Map::wiki(APP, &deploy(sites)), &World::new())
}

/// An app with this in it, on one site.
pub(super) fn of_app(more: &str) -> String {
    let app = format!("metadata: {{id: wiki, version: '1.0'}}\nimage: acme/wiki:1\n{more}");
    problems(
        &Map::wiki(&app, &deploy("- {label: wiki, image: wiki}\n")),
        &World::new(),
    )
}

#[test]
fn all_at_once() {
    let sites = "- label: wiki\n  imagee: wiki\n  env: [A]\n- image: wiki\n- label: b\n  image: wiki\n  domain: 'a b'\n  bind: here\n";
    insta::assert_snapshot!(of_sites(sites), @r#"
    E0107 config/deploy.yml:4:3 a site has no `image`
    E0104 config/deploy.yml:5:3 unknown key `imagee` in a site
        ^ not known here
        help: did you mean `image`?
    E0105 config/deploy.yml:6:8 `env` must be a table
        ^ this is a list
    E0107 config/deploy.yml:7:3 a site has no `label`
        help: the label is the site's identity; without a domain it must be written
    E0115 config/deploy.yml:10:11 `a b` is no domain
        help: `www.example.org`, or with a path `www.example.org/wiki`; no port
    E0106 config/deploy.yml:11:9 `here` is no address
        help: `127.0.0.1` is this host only; `0.0.0.0` is everybody over IPv4, `::` everybody
    "#);
}

#[test]
fn the_stack() {
    let only = |deploy: &str| problems(&Map::wiki(APP, deploy), &World::new());
    insta::assert_snapshot!(only("version: 1\n"), @r#"
    E0107 config/deploy.yml:1:1 the file has no `stack`
        help: `stack: NAME` starts the name of everything that coasti makes
    "#);
    insta::assert_snapshot!(only("version: 1\nstack: Acme Corp\n"), @r#"
    E0111 config/deploy.yml:2:8 `Acme Corp` cannot be a stack's name
        help: 1 to 40 of `a-z`, `0-9` and `-`, the ends letters or digits
    "#);
    insta::assert_snapshot!(only("version: 2\nstack: a\n"), @r#"
    E0110 config/deploy.yml:1:10 files of version 2 are not known
        ^ this coasti reads version 1
        help: use a newer coasti
    "#);
    insta::assert_snapshot!(only("stack: a\nid: 12\n"), @r#"
    E0112 config/deploy.yml:2:5 `12` is no stack id
        help: leave it out: coasti makes one and writes it here
    "#);
    insta::assert_snapshot!(only("stack: a\nports: {from: 9, to: 8}\nnetworks: {pool: 10.0.0.0/30}\nexternal_ip: https://x.org\n"), @r#"
    E0106 config/deploy.yml:2:8 `ports` goes from 9 down to 8
    E0106 config/deploy.yml:3:18 `10.0.0.0/30` is no pool of addresses
        help: an IPv4 address and a prefix from 8 to 26, such as `172.24.0.0/14`
    E0106 config/deploy.yml:4:14 `https://x.org` is no address
        ^ who tells the address is asked in plain HTTP
    "#);
    insta::assert_snapshot!(only("stack: a\nports: {from: 99999}\n"), @r#"
    E0106 config/deploy.yml:2:15 `from` of `ports` must be between 1 and 65535
        ^ out of range
    "#);
    insta::assert_snapshot!(only("stack: a\nservices: [postgres]\nusers: users.csv\n"), @r"
    E0101 config/deploy.yml:2:12 `config/services.env` is missing
        ^ services are set there
    E0147 config/deploy.yml:2:12 `services` is not supported yet
        help: run them as a product that is a compose file: `coasti import dtaas DIR` makes it of a DTaaS services project, and a site names it
    E0101 config/deploy.yml:3:8 `config/users.csv` is missing
        help: its first line is `username,password,email`
    E0147 config/deploy.yml:3:8 `users` is not supported yet
        help: leave it out: `validate` checks `config/credentials.csv` all the same, and nobody is made of it
    ");
    insta::assert_snapshot!(problems(&Map::default(), &World::new()), @r#"
    E0101 `config/deploy.yml` is missing
        help: it says what runs; `config/deploy.toml` and `config/deploy.json` serve as well
    E0101 `config/products.yml` is missing
        help: a stack's folder has it; an empty one is `version: 1` and `products: []`
    "#);
    let two = Map::new([
        ("config/products.yml", "products:\n"),
        ("config/deploy.yml", "stack: a\n"),
        ("config/deploy.toml", "stack = 'a'\n"),
    ]);
    insta::assert_snapshot!(problems(&two, &World::new()), @r#"
    E0109 several deploy files: `config/deploy.yml`, `config/deploy.toml`
        help: keep one of them
    "#);
    assert_eq!(only("stack: a\nsite:\n"), "");
}

#[test]
fn labels_and_domains() {
    insta::assert_snapshot!(of_sites("- {label: A b, image: wiki}\n- {label: a_b, image: wiki}\n"), @r#"
    E0114 config/deploy.yml:5:11 two sites have the label `a_b`
        ^ the second
        config/deploy.yml:4:11 the first
    "#);
    insta::assert_snapshot!(of_sites("- {label: '--', image: wiki}\n"), @r#"
    E0113 config/deploy.yml:4:11 `--` cannot be a label
        help: `a-z`, `0-9`, `.`, `_` and `-`, the ends letters or digits
    "#);
    insta::assert_snapshot!(of_sites("- {label: a, image: wiki, domain: X.org}\n- {label: b, image: wiki, domain: 'http://x.org/'}\n"), @r#"
    E0116 config/deploy.yml:5:35 `x.org` is the domain of `a` and of `b`
        ^ the second
        config/deploy.yml:4:35 the first
    "#);
    insta::assert_snapshot!(of_sites("- {label: a, image: wiki, domain: x.org}\n- {label: b, image: wiki, domain: x.org/b}\n"), @r#"
    E0117 config/deploy.yml:5:35 `x.org` has `a` at its root and `b` at a path
        ^ the second
        config/deploy.yml:4:35 the first
        help: give each site a path, or another host
    "#);
    insta::assert_snapshot!(of_sites("- {label: a, image: wiki, domain: 'x.org:80'}\n"), @r#"
    E0115 config/deploy.yml:4:35 `x.org:80` is no domain
        help: `www.example.org`, or with a path `www.example.org/wiki`; no port
    "#);
    insta::assert_snapshot!(of_sites("- {label: a, image: wiki, was: b}\n- {label: b, image: wiki, was: b}\n"), @r#"
    E0148 config/deploy.yml:4:32 `b` is the label of another site
        ^ the second
        config/deploy.yml:5:11 the first
        help: `was` says which label this site had before
    E0148 config/deploy.yml:5:32 `b` cannot have been itself
        ^ the second
        config/deploy.yml:5:11 the first
        help: `was` says which label this site had before
    "#);
    assert_eq!(
        of_sites(
            "- {label: a, image: wiki, domain: x.org/a}\n- {label: b, image: wiki, domain: x.org/b}\n"
        ),
        ""
    );
}

#[test]
fn images() {
    insta::assert_snapshot!(of_sites("- {label: a, image: wikki}\n"), @r#"
    E0118 config/deploy.yml:4:21 no product is called `wikki`
        ^ a product's id, or an image reference
        help: did you mean `wiki`?
        help: for the image of that name write `docker.io/library/wikki`
    "#);
    insta::assert_snapshot!(of_sites("- {label: a, image: redis}\n"), @r#"
    E0118 config/deploy.yml:4:21 no product is called `redis`
        ^ a product's id, or an image reference
        help: list the product in config/products.yml
        help: for the image of that name write `docker.io/library/redis`
    "#);
    insta::assert_snapshot!(of_sites("- {label: a, image: nua-blog}\n"), @r#"
    E0118 config/deploy.yml:4:21 no product is called `nua-blog`
        ^ a product's id, or an image reference
        help: list the product in config/products.yml
    "#);
    insta::assert_snapshot!(of_sites("- {label: a, image: 'nua-wiki:2.0'}\n"), @r#"
    E0118 config/deploy.yml:4:21 the product `wiki` is version 1.0, not 2.0
        help: write `image: wiki`, or install the other version
    "#);
    insta::assert_snapshot!(of_sites("- {label: a, image: 'Acme/Wiki:1'}\n"), @r#"
    E0119 config/deploy.yml:4:21 `Acme/Wiki:1` is no image reference
        help: the path of an image is in lower case
    "#);
    insta::assert_snapshot!(of_sites("- {label: a, image: acme/wiki}\n"), @r#"
    W0120 config/deploy.yml:4:21 the image `acme/wiki` has no tag
        ^ `latest` is taken
        help: write the version that you mean, such as `:1.2`
    "#);
    insta::assert_snapshot!(of_sites("- {label: a, image: ./no.tar}\n"), @r#"
    E0118 config/deploy.yml:4:21 there is no image archive `no.tar`
        help: its path is relative to the stack's folder
    "#);
    let mut folder = Map::wiki(APP, &deploy("- {label: a, image: wiki}\n"));
    folder.0.remove("products/wiki/nua-config.yml");
    insta::assert_snapshot!(problems(&folder, &World::new()), @r#"
    E0121 config/deploy.yml:4:21 the product `wiki` does not say how it runs
        help: write `app:` into products/wiki/info.yml, with `image:` in it
        help: or put a nua-config.toml (.yml, .json) there
        help: or name its compose file in config/products.yml, beside `id: wiki`: `run: {compose: FILE}`
    "#);
    let listed = "products: [{id: wiki, vcs_repo: 'https://x.org/wiki.git'}]\n";
    let not_yet = Map::new([
        ("config/products.yml", listed),
        ("config/deploy.yml", &deploy("- {label: a, image: wiki}\n")),
    ]);
    insta::assert_snapshot!(problems(&not_yet, &World::new()), @r#"
    E0121 config/deploy.yml:4:21 the product `wiki` is not installed
        help: coasti product install wiki
    "#);
    let products = "products:\n- {id: wiki, enabled: false}\n- {id: Wiki}\n- {id: x, dst_path: ../x}\n- {vcs_ref: main}\n";
    folder
        .0
        .insert("config/products.yml".into(), products.into());
    insta::assert_snapshot!(problems(&folder, &World::new()), @r#"
    E0122 config/deploy.yml:4:21 the product `wiki` is disabled
        config/products.yml:2:8 listed here
        help: set `enabled: true` in config/products.yml, or remove the site
    E0151 config/products.yml:3:8 two products are called `Wiki`
        ^ the second
        config/products.yml:2:8 the first
    E0152 config/products.yml:4:21 `../x` is not in the stack's folder
        help: write it relative to the folder: `products/NAME`
    E0107 config/products.yml:5:3 a product has no `id`
    "#);
    let folder = Map::wiki(
        "metadata: {id: wiki, version: '1.0', release: 2}\n",
        &deploy("- {label: a, image: wiki}\n"),
    );
    insta::assert_snapshot!(problems(&folder, &World::new()), @r#"
    E0123 config/deploy.yml:4:21 the engine has no image `nua-wiki:1.0-2`
        ^ this product is built from source, which coasti does not do
        help: build it with nua-build, on the engine's machine
        help: or put the archive `nua-wiki:1.0-2.tar` into the product's folder
        help: or write `image: REFERENCE` into the product's app definition
    "#);
    for same in ["Wiki", "nua-wiki", "nua-wiki:1.0", "wiki.tar"] {
        assert_eq!(of_sites(&format!("- {{label: a, image: '{same}'}}\n")), "");
    }
}

#[test]
fn variables() {
    insta::assert_snapshot!(of_app("env:\n  A: ~\n  B: {x: 1}\n  C: {random: true, type: hex}\n  D: [[1]]\n  E: {nua_internal: true}\n"), @r#"
    E0124 products/wiki/nua-config.yml:4:6 the variable `A` has no proper value
        ^ this is nothing
        help: for an empty value write `""`
    E0124 products/wiki/nua-config.yml:5:6 the variable `B` has no proper value
        ^ this is a table
        help: one of `{from: PROVIDER, key: NAME}`, `{random: true}`, `{unique_user: true}`, `{unique_db: true}`, `{external_ip: true}`, `{secret: NAME}`, each with `file: true` or `file: /PATH` to have it in a file
    E0104 products/wiki/nua-config.yml:5:7 unknown key `x` in the variable `B`
        ^ not known here
    E0106 products/wiki/nua-config.yml:6:27 `type` of a random value cannot be `hex`
        help: one of `str`, `int`
    E0124 products/wiki/nua-config.yml:7:6 the variable `D` has no proper value
        ^ this is a list
        help: a list of a variable holds text and numbers
    E0128 products/wiki/nua-config.yml:8:6 the variable `E` asks for a password of nua's own
        help: run the database as a provider and write `{from: database, key: …}`
        help: or put the password into config/secrets/NAME and write `{secret: NAME}`
    "#);
    insta::assert_snapshot!(of_app("env:\n  A: {from: database, key: HOST}\n  B: {key: domian}\n  C: '{D}'\n  DD: 'a { b'\n"), @r#"
    E0125 products/wiki/nua-config.yml:4:6 `from: database` names no provider and no volume
        help: the app has none: declare a provider, or leave `from` out
    E0126 products/wiki/nua-config.yml:5:6 unknown property `domian` of the app
        help: there are `A`, `B`, `C`, `DD`, `app_id`, `container_name`, `hostname`, `id`, `label`, `label_id`, `network_name`, `version`
    E0126 products/wiki/nua-config.yml:6:6 `{D}` names no variable
        help: write `{{` and `}}` for braces themselves
    E0130 products/wiki/nua-config.yml:7:7 a brace that is not part of `{NAME}`
        help: write `{{` and `}}` for braces themselves
    "#);
    insta::assert_snapshot!(of_app("env:\n  A: 'x{B}'\n  B: '{C}'\n  C: {key: A}\n"), @r#"E0127 products/wiki/nua-config.yml:4:6 variables need each other in a circle: A → B → C → A"#);
    insta::assert_snapshot!(of_app("env:\n  A: {secret: mail}\n  B: {secret: ../x}\n"), @r#"
    E0129 products/wiki/nua-config.yml:4:6 no secret `mail`
        help: coasti secret set mail, or put its value into `config/secrets/mail`, readable by you only
    E0129 products/wiki/nua-config.yml:5:6 no secret `../x`
        help: a secret's name is letters, digits, `.`, `_` and `-`, and does not end in `.age`
    "#);
    insta::assert_snapshot!(of_app("run: {post-run: ['echo {A}', 'awk {{x}}']}\n"), @r#"
    E0126 products/wiki/nua-config.yml:3:18 `{A}` names no variable
        help: write `{{` and `}}` for braces themselves
    "#);
    let provider = "provider:\n- {name: database, module-name: postgres}\n";
    insta::assert_snapshot!(of_app(&format!("env: {{A: {{from: databse, key: x}}, B: {{from: database, key: POSTGRES_DBB}}}}\n{provider}")), @r#"
    E0125 products/wiki/nua-config.yml:3:10 `from: databse` names no provider and no volume
        help: did you mean `database`?
    E0126 products/wiki/nua-config.yml:3:38 unknown property `POSTGRES_DBB` of `database`
        help: did you mean `POSTGRES_DB`?
    "#);
    let long: String = (0..100)
        .map(|n| format!("  A{n}: '{{A{}}}'\n", n + 1))
        .collect();
    assert!(of_app(&format!("env:\n{long}  A100: x\n")).contains("E0127"));
}

#[test]
fn providers() {
    insta::assert_snapshot!(of_app("provider:\n- {name: db, module-name: postgress}\n- {name: db, module-name: redis}\n- {name: 'D b', image: 'x:1'}\n- {module-name: redis}\n"), @r#"
    E0138 products/wiki/nua-config.yml:4:27 unknown service `postgress`
        ^ not one that coasti brings
        help: did you mean `postgres`?
    E0141 products/wiki/nua-config.yml:5:10 two providers are called `db`
        ^ the second
        products/wiki/nua-config.yml:4:10 the first
    E0113 products/wiki/nua-config.yml:6:10 `D b` cannot be a provider's name
        help: `a-z`, `0-9`, `.`, `_` and `-`, the ends letters or digits
    E0107 products/wiki/nua-config.yml:7:3 a provider has no `name`
    "#);
    insta::assert_snapshot!(of_app("provider:\n- {name: a, module-name: postgres, module-version: '>=99'}\n- {name: b, module-name: mongo, module-version: about 3}\n- {name: c}\n- {name: d, type: app}\n- {name: e, type: local}\n"), @r#"
    E0139 products/wiki/nua-config.yml:4:52 no postgres that coasti knows is in `>=99`
        help: there are 11.18, 12.13, 13.9, 14.6, 15.1, 16.10, 17.6
        help: for another one write `image: docker.io/library/postgres:VERSION`
    E0139 products/wiki/nua-config.yml:5:49 `about 3` is no range of versions: Failed to parse version: Unexpected end of version specifier, expected operator
        help: such as `>=14, <15`, `==15.*` or `15`
    E0107 products/wiki/nua-config.yml:6:3 the provider `c` has neither `module-name` nor `image`
        help: `module-name: postgres`, or `image: REFERENCE`
    E0140 products/wiki/nua-config.yml:7:19 the provider `d` is of type `app`
        help: coasti runs no app inside of an app: make it a site of its own
    E0140 products/wiki/nua-config.yml:8:19 the provider `e` is of type `local`
        help: coasti uses no server of the host: write `module-name: postgres`
    "#);
    insta::assert_snapshot!(of_app("provider:\n- {name: a, build: db}\n- {name: b, build: {context: db}}\n"), @r#"
    E0147 products/wiki/nua-config.yml:4:20 the image of a provider is not built
        help: make it a service of a product that is a compose file: `run: {compose: …}`
        help: or build it apart, and name it under `image`
    E0147 products/wiki/nua-config.yml:5:20 the image of a provider is not built
        help: make it a service of a product that is a compose file: `run: {compose: …}`
        help: or build it apart, and name it under `image`
    "#);
    insta::assert_snapshot!(of_app("provider:\n- {name: a, module-name: postgres, module-version: '>=15', image: 'postgres:14.6'}\n"), @r#"
    W0149 products/wiki/nua-config.yml:4:67 the image is version 14.6, not in `>=15`
        ^ `image` wins over `module-version`
    "#);
    let circle = "provider:\n- {name: a, image: 'x:1', env: {X: {from: b, key: hostname}}}\n- {name: b, image: 'x:1', env: {X: {from: c, key: hostname}}}\n- {name: c, image: 'x:1', env: {X: {from: a, key: hostname}}}\n";
    insta::assert_snapshot!(of_app(circle), @r#"
    E0127 config/deploy.yml:4:3 providers need each other in a circle: a → b → c → a
        help: a `from` in the variables of one of them has to go
    "#);
    let app = format!("{APP}provider:\n- {{name: database, module-name: postgres}}\n");
    let sites = deploy(
        "- label: a\n  image: wiki\n  provider:\n  - {name: databse, module-version: '15'}\n",
    );
    insta::assert_snapshot!(problems(&Map::wiki(&app, &sites), &World::new()), @r#"
    E0137 config/deploy.yml:7:12 `wiki` has no provider `databse`
        help: did you mean `database`?
    "#);
}

#[test]
fn ports_and_volumes() {
    insta::assert_snapshot!(of_app("port:\n  smtp: {container: 25}\n  web: {}\n  dns: {container: 53, host: 70000, protocol: icmp}\n  a: {container: b, proxy: 1}\n"), @r#"
    E0131 products/wiki/nua-config.yml:4:3 the port `smtp` has neither `host` nor `proxy`
        ^ only `web` is published by itself
        help: `host: auto` publishes it on the next free port, `host: NUMBER` on that one
    E0131 products/wiki/nua-config.yml:5:3 the port `web` has no `container`
        help: `container: NUMBER` is the port in the container
    E0131 products/wiki/nua-config.yml:6:30 `host` of the port `dns` must be between 1 and 65535
    E0106 products/wiki/nua-config.yml:6:47 `protocol` of the port `dns` cannot be `icmp`
        help: one of `tcp`, `udp`, `sctp`
    E0105 products/wiki/nua-config.yml:7:18 `container` of the port `a` must be a number, `auto` or `{key: NAME}`
        ^ this is text
    "#);
    insta::assert_snapshot!(of_app("port:\n  a: {container: 25, host: 1}\n  b: {container: 25, host: 2}\n"), @r#"E0131 products/wiki/nua-config.yml:5:3 the ports `a` and `b` are both 25 in the container"#);
    insta::assert_snapshot!(of_app("env: {P: x}\nport:\n  web: {container: {key: P}}\n"), @r#"E0131 products/wiki/nua-config.yml:5:3 `P`, which the port `web` takes, is no port's number"#);
    insta::assert_snapshot!(of_app("volume:\n- {name: a}\n- {target: /a}\n- {target: b, name: b}\n- {target: /c, name: c, type: disk}\n- {target: /d, type: tmpfs, options: [{tmpfs_size: lots}]}\n- {target: /e/, name: e}\n- {target: /e, name: f}\n- {target: /g, type: directory, name: ./here}\n- {target: /h, tmpfs_size: 1G}\n"), @r#"
    E0135 products/wiki/nua-config.yml:4:3 a volume has no `target`
        help: `target: /path/in/the/container`
    E0135 products/wiki/nua-config.yml:5:3 the volume at `/a` has no `name`
        help: its name keeps the data when the path changes
    E0135 products/wiki/nua-config.yml:6:12 `b` cannot be the `target` of a volume
        help: a path in the container, which starts with `/`
    E0106 products/wiki/nua-config.yml:7:31 `type` of a volume cannot be `disk`
        help: one of `managed`, `directory`, `tmpfs`
    E0106 products/wiki/nua-config.yml:8:52 `tmpfs_size` cannot be `lots`
        help: a size, such as `512M` or `2G`
    E0136 products/wiki/nua-config.yml:10:12 two volumes at `/e`
        ^ the second
        products/wiki/nua-config.yml:9:12 the first
    E0146 products/wiki/nua-config.yml:11:39 the directory `./here` is not an absolute path
        help: a directory is one of the engine's host, which may be another machine
    E0135 products/wiki/nua-config.yml:12:3 the volume at `/h` has no `name`
        help: did you mean `type: tmpfs`?
    "#);
    let port =
        |label: &str| format!("- {{label: {label}, image: wiki, port: {{web: {{host: 8080}}}}}}\n");
    insta::assert_snapshot!(of_sites(&(port("a") + &port("b"))), @r#"
    E0132 config/deploy.yml:5:34 the host's port 8080/tcp is wanted by `a` and `b`
        ^ the second
        config/deploy.yml:4:34 the first
        help: `host: auto` takes the next free one
    "#);
    let sites = "- {label: a, image: wiki, update: {order: start-first}}\n";
    insta::assert_snapshot!(of_sites(sites), @r#"
    E0143 config/deploy.yml:4:43 `a` cannot be updated start-first
        ^ it publishes a port
        help: leave `order` out, or write `stop-first`
    "#);
    insta::assert_snapshot!(of_sites("- {label: a, image: wiki, update: {order: start-frist, settle: soon}}\n"), @r#"
    E0106 config/deploy.yml:4:43 `order` of `update` cannot be `start-frist`
        help: one of `auto`, `stop-first`, `start-first`
        help: did you mean `start-first`?
    E0106 config/deploy.yml:4:64 `settle` of `update` is no duration
        help: a duration is a number of seconds, or like `5s`, `1m30s`, `250ms`, `2h`
    "#);
}

#[test]
fn docker_options() {
    insta::assert_snapshot!(of_app("docker:\n  mem_limt: 1G\n  mem_limit: lots\n  environment: {A: b}\n  ulimits: []\n  cpus: many\n  network: other\n  restart_policy: {name: sometimes}\n  labels: {coasti.stack: x}\n  auto_remove: true\n  command: \"a 'b\"\n  privileged: maybe\n"), @r#"
    E0104 products/wiki/nua-config.yml:4:3 unknown key `mem_limt` in `docker`
        ^ not known here
        help: did you mean `mem_limit`?
    E0106 products/wiki/nua-config.yml:5:14 `mem_limit` of `docker` cannot be `lots`
        help: a size, such as `512M` or `2G`
    E0142 products/wiki/nua-config.yml:6:3 `environment` is no option of `docker` here
        help: write variables under `env`
    E0142 products/wiki/nua-config.yml:7:3 the Docker option `ulimits` is not supported
        help: a product that is a compose file can have it: `ulimits` of a service
    E0106 products/wiki/nua-config.yml:8:9 `cpus` of `docker` cannot be `many`
        help: a number of processors, such as `1.5`
    E0106 products/wiki/nua-config.yml:9:12 `network` of `docker` cannot be `other`
        help: `host` or `none`; an app's own network is made for it
    E0106 products/wiki/nua-config.yml:10:19 `restart_policy` of `docker` is not right
        help: `always`, `no`, `on-failure` or `unless-stopped`
    E0106 products/wiki/nua-config.yml:11:12 `coasti.stack` cannot be a label
        help: labels that start with `coasti.` are coasti's own
    W0150 products/wiki/nua-config.yml:12:3 `auto_remove` has no effect
        help: coasti keeps stopped containers until it removes them itself
    E0106 products/wiki/nua-config.yml:13:12 `command` of `docker` cannot be `a 'b`
        help: a quote is not closed
    E0105 products/wiki/nua-config.yml:14:15 `privileged` of `docker` must be `true` or `false`
        ^ this is text
    "#);
}

#[test]
fn names_that_meet() {
    let app = format!("{APP}provider:\n- {{name: database, module-name: postgres}}\n");
    let sites = deploy("- {label: a, image: wiki}\n- {label: a-database, image: wiki}\n");
    insta::assert_snapshot!(problems(&Map::wiki(&app, &sites), &World::new()), @r#"
    E0144 products/wiki/nua-config.yml:5:3 `a-database` and `a/database` would be one container, `acme-a-database`
        ^ the second
        config/deploy.yml:5:3 the first
        help: rename one of them
    "#);
}

#[test]
fn what_has_no_effect_is_said() {
    insta::assert_snapshot!(of_app("env: {A: {key: B, persistent: 'false'}, B: b}\nvolume:\n- {type: directory, name: /srv/x, target: /x, create: true}\nrun:\n  post-run: [a]\n  packages: [a]\n  start: []\n"), @r#"
    W0150 products/wiki/nua-config.yml:3:31 `persistent: false` has no effect here
        ^ this value is not generated
    W0150 products/wiki/nua-config.yml:8:3 `packages` has no effect here
        ^ nua builds it into its own images
        help: what the image starts is changed by `command` and `entrypoint` of `docker`
    "#);
    let folder = Map::new([
        ("config/products.yml", "products: [{id: ../../etc}]"),
        ("config/deploy.yml", "stack: a\n"),
    ]);
    insta::assert_snapshot!(problems(&folder, &World::new()), @r"
    E0106 config/products.yml:1:17 `../../etc` cannot be the id of a product
        help: letters, digits, `_`, `-` and `.`, the first a letter or digit
    ");
    let mut folder = Map::wiki(APP, "");
    folder.0.remove("config/deploy.yml");
    let toml =
        "\u{feff}stack = 'a'\r\n[[site]]\r\nlabel = 'x'\r\nimage = 'wiki'\r\nlabell = 'y'\r\n";
    folder.0.insert("config/deploy.toml".into(), toml.into());
    insta::assert_snapshot!(problems(&folder, &World::new()), @r#"
    E0104 config/deploy.toml:5:1 unknown key `labell` in a site
        ^ not known here
        help: did you mean `label`?
    "#);
}

#[test]
fn numbers_that_the_engine_would_not_take() {
    let found = of_sites(
        "- label: wiki\n  image: wiki\n  was: '???'\n  docker: {pids_limit: -7, nano_cpus: -4}\n",
    );
    for what in [
        "`???` cannot have been a label",
        "`pids_limit` of `docker` cannot be `-7`",
        "`nano_cpus` of `docker` cannot be `-4`",
    ] {
        assert!(found.contains(what), "{what}: {found}");
    }
}

#[test]
fn what_is_taken_over() {
    let sites = "- {label: a, image: wiki, adopt: old}\n- {label: b, image: wiki, adopt: {b: old@0123456789ab, db: old-db}}\n- {label: c, image: wiki, adopt: 'old@3f'}\n- {label: d, image: wiki, adopt: [a]}\n- {label: e, image: wiki, adopt: a b}\n";
    insta::assert_snapshot!(of_sites(sites), @"
    E0186 config/deploy.yml:5:38 `old` is taken over twice, by `a` and `b`
        ^ the second
        config/deploy.yml:4:34 the first
    E0186 config/deploy.yml:5:56 `b` has no container `db`
        help: there are `b`
    E0186 config/deploy.yml:6:34 `old@3f` is no container
        help: `NAME`, or `NAME@ID` with at least 12 digits of its id (docker ps -a)
    E0105 config/deploy.yml:7:34 `adopt` must be the name of a container
        ^ this is a list
    E0186 config/deploy.yml:8:34 `a b` is no container
        help: `NAME`, or `NAME@ID` with at least 12 digits of its id (docker ps -a)
    ");
}
