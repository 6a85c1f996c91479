//! Files from before, and files of an environment.

use super::*;

fn migrated(name: &str, text: &str) -> String {
    let source = |text: &str| Arc::new(Source::new(name, format!("/srv/acme/{name}"), text));
    let new = migrate::migrate(&source(text), "acme").unwrap_or_else(|d| panic!("{}", lines(&d)));
    let Some(new) = new else {
        return text.to_owned();
    };
    // Once is enough.
    assert_eq!(
        migrate::migrate(&source(&new), "acme").unwrap(),
        None,
        "{new}"
    );
    new
}

const OLD: &str = "# Installed products and their source will appear here.\n\ncoasti_version: 0.2.3  # by init\n\nproducts:   # all\n\
    - vcs_repo: https://example.org/a.git\n  vcs_auth_type: skip\n  vcs_auth_value: __skip__\n  id: a\n  dst_path: /srv/acme/products/a # real\n  vcs_ref: main\n\
    # the second\n- dst_path: '/home/me/products/b'\n  vcs_auth_type: Auth Token\n  vcs_auth_value: __file__\n  id: b\n\n\
    - vcs_auth_type: skip\n  vcs_auth_value: __skip__ # why\n  id: c\n\
    - {id: d, vcs_auth_type: SSH Key, vcs_auth_value: __file__, dst_path: apps/d}\n";

const NEW: &str = "# Installed products and their source will appear here.\n\nversion: 1  # by init\n\nproducts:   # all\n\
    - vcs_repo: https://example.org/a.git\n  id: a\n  dst_path: products/a # real\n  vcs_ref: main\n\
    # the second\n- dst_path: products/b\n  auth: token\n  id: b\n\n\
    - vcs_auth_type: skip\n  vcs_auth_value: __skip__ # why\n  id: c\n\
    - {id: d, auth: ssh-key, dst_path: apps/d}\n";

#[test]
fn lists_are_written_anew_with_few_bytes() {
    assert_eq!(migrated("config/products.yml", OLD), NEW);
    let windows = |text: &str| text.replace('\n', "\r\n");
    assert_eq!(migrated("config/products.yml", &windows(OLD)), windows(NEW));
    // They say the same, but for what was absolute.
    let listed = |text: &str| {
        let folder = Map::new([("config/products.yml", text)]);
        let mut d = Diagnostics::new();
        let all = list(&folder, &mut d);
        assert!(!d.has_errors(), "{}", lines(&d));
        all
    };
    assert_eq!(listed(OLD), listed(NEW));
    for (old, new) in [
        (
            "coasti_version: 0.2.3\n\ntools:\n",
            "version: 1\n\ntools: []\n",
        ),
        (
            "# x\ntools: ~ # none\n",
            "# x\nversion: 1\ntools: [] # none\n",
        ),
        ("# x\n", "# x\nversion: 1\ntools: []\n"),
        ("version: 0\ntools: []\n", "version: 1\ntools: []\n"),
        ("version: 1\ntools:\n", "version: 1\ntools:\n"),
        ("products: # x\n", "version: 1\ntools: [] # x\n"),
        (
            "\"products\":\n- {id: a, dst_path: /srv/acme/tools/a}\n",
            "version: 1\n\"tools\":\n- {id: a, dst_path: tools/a}\n",
        ),
        (
            "tools: []\nproducts: []\n",
            "version: 1\ntools: []\nproducts: []\n",
        ),
    ] {
        assert_eq!(migrated("config/tools.yml", old), new);
    }
}

#[test]
fn deploy_files_get_version_and_name() {
    for (end, old, new) in [
        (
            "yml",
            "# a\nsite: # b\n- {image: x, domain: y.z}\n",
            "# a\nversion: 1\nstack: acme\nsite: # b\n- {image: x, domain: y.z}\n",
        ),
        (
            "yml",
            "stack: a # x\nsite: []\n",
            "version: 1\nstack: a # x\nsite: []\n",
        ),
        (
            "json",
            "{\n  \"site\": []\n}\n",
            "{\n  \"version\": 1,\n  \"stack\": \"acme\",\n  \"site\": []\n}\n",
        ),
        (
            "toml",
            "# a\n\n[[site]] # b\nimage = \"x\"\n",
            "# a\n\nversion = 1\nstack = \"acme\"\n\n[[site]] # b\nimage = \"x\"\n",
        ),
        (
            "toml",
            "stack = \"b\"\r\n[[site]]\r\n",
            "version = 1\r\nstack = \"b\"\r\n[[site]]\r\n",
        ),
    ] {
        assert_eq!(migrated(&format!("config/deploy.{end}"), old), new);
    }
    let broken = Arc::new(Source::new("config/deploy.yml", "x", "a: ["));
    assert!(migrate::migrate(&broken, "a").unwrap_err().has_errors());
}

#[test]
fn a_products_own_version_stays() {
    let old = "id: a # x\nversion: 1.2.0 # y\nname: A\n";
    let new = "id: a # x\nversion: 1\nproduct-version: 1.2.0 # y\nname: A\n";
    assert_eq!(migrated("products/a/coasti.yml", old), new);
    assert_eq!(
        migrated("products/a/info.yml", "app: {}\n"),
        "version: 1\napp: {}\n"
    );
}

/// What a stack is for an environment.
fn of(environment: &str, over: &str) -> Result<Stack, String> {
    let mut folder = Map::wiki(
        "image: acme/wiki:1\nenv: {A: product, B: product, C: product}\n",
        "version: 1\nstack: acme\nexternal-ip: 1.2.3.4\nsite:\n- label: a\n  image: wiki\n  env: {B: base, C: base}\n  new-data: true\n- {label: b, image: wiki}\n",
    );
    folder
        .0
        .insert("config/deploy.prod.yml".into(), over.into());
    let mut d = Diagnostics::new();
    let sealed = read_for(&folder, Some(environment), &mut d)
        .and_then(|desired| seal(&desired, &World::new().facts(), &mut d));
    sealed.map(|sealed| sealed.stack).ok_or_else(|| lines(&d))
}

#[test]
fn an_environment_lies_over_the_rest() {
    let over = "version: 1\nexternal_ip: ~\nsite:\n- {label: A, env: {C: prod}, new_data: ~, domain: a.org}\n- {label: c, image: wiki}\n";
    let stack = of("prod", over).unwrap();
    let a = container(&stack, "a");
    let values: Vec<_> = ["A", "B", "C"]
        .map(|name| a.env[name].as_plain().unwrap_or_default())
        .into();
    assert_eq!(values, ["product", "base", "prod"]);
    let resource = &stack.resources[&ResourceId::container("a")];
    let places: Vec<_> = ["env.A", "env.B", "env.C"]
        .map(|field| {
            resource
                .origin(field)
                .map(ToString::to_string)
                .unwrap_or_default()
        })
        .into();
    assert_eq!(
        places,
        [
            "products/wiki/nua-config.yml:2",
            "config/deploy.yml:7",
            "config/deploy.prod.yml:4"
        ]
    );
    container(&stack, "b");
    container(&stack, "c");
    // Lists are replaced whole.
    let over = "site:\n- {label: a, env: ~}\n- {label: b, volume: [{name: data, target: /x}]}\n";
    let stack = of("prod", over).unwrap();
    assert_eq!(container(&stack, "a").env["B"].as_plain(), Some("product"));
    assert!(container(&stack, "b").mounts.contains_key("/x"));
}

#[test]
fn what_is_wrong_in_an_environment_is_said_there() {
    let said = |environment: &str, over: &str| of(environment, over).err().unwrap_or_default();
    insta::assert_snapshot!(said("prod", "version: 2\nsite:\n- {label: a, imgae: x}\n- {label: d}\nstack: ~\n"), @r"
    E0110 config/deploy.prod.yml:1:10 files of version 2 are not known
        ^ this coasti reads version 1
        help: use a newer coasti
    E0104 config/deploy.prod.yml:3:14 unknown key `imgae` in a site
        ^ not known here
        help: did you mean `image`?
    E0107 config/deploy.prod.yml:4:3 a site has no `image`
    E0107 config/deploy.yml:1:1 the file has no `stack`
        help: `stack: NAME` starts the name of everything that coasti makes
    ");
    insta::assert_snapshot!(said("test", ""), @r"
    E0101 `config/deploy.test.yml` is missing
        help: it says what the environment has that others do not; `--env` or COASTI_ENV named it
    ");
    insta::assert_snapshot!(said("../x", ""), @r"
    E0101 `../x` cannot be an environment
        help: letters, digits, `_` and `-`: `prod` is `config/deploy.prod.yml`
    ");
    insta::assert_snapshot!(said("prod", "site:\n- {label: a, env: {C: x}}\n- {label: A, env: {C: y}}\n- {label: d, image: wiki}\n- {label: d}\n"), @r"
    E0114 config/deploy.prod.yml:3:11 two sites have the label `a`
        ^ the second
        config/deploy.prod.yml:2:11 the first
    E0114 config/deploy.prod.yml:5:11 two sites have the label `d`
        ^ the second
        config/deploy.prod.yml:4:11 the first
    ");
    insta::assert_snapshot!(said("prod", "[]\n"), @r"
    E0105 config/deploy.prod.yml:1:1 the file must be a table
        ^ this is a list
    ");
    assert_eq!(said("prod", ""), "");
}

#[test]
fn what_the_installer_wrote_of_access_is_migrated_in_every_form() {
    let list = |entry: &str| format!("products:\n{entry}\n");
    for (before, after) in [
        (
            "- {id: a, vcs_auth_type: SSH Key, vcs_auth_value: __file__}",
            "- {id: a, auth: ssh-key}",
        ),
        (
            "- {vcs_auth_type: Auth Token, vcs_auth_value: __file__, id: a}",
            "- {auth: token, id: a}",
        ),
        (
            "- {id: a, vcs_auth_type: skip, vcs_auth_value: __skip__}",
            "- {id: a}",
        ),
        (
            "- {vcs_auth_value: __skip__, vcs_auth_type: skip, id: a}",
            "- {auth: none, id: a}",
        ),
        (
            "- { vcs_auth_type: skip, vcs_auth_value: __skip__ }",
            "- { auth: none }",
        ),
        ("- id: a\n  vcs_auth_type: skip", "- id: a"),
        ("- vcs_auth_type: skip\n  id: a", "- auth: none\n  id: a"),
        ("- id: a\n  vcs_auth_value: __skip__", "- id: a"),
        (
            "- vcs_auth_value: __file__\n  vcs_auth_type: SSH Key\n  id: a",
            "- auth: ssh-key\n  id: a",
        ),
        (
            "- id: a\n  vcs_auth_type: Auth Token",
            "- id: a\n  auth: token",
        ),
        (
            "- {vcs_repo: 'https://x.org/x.git', dst_path: /elsewhere/products/x}",
            "- {vcs_repo: 'https://x.org/x.git', dst_path: products/x}",
        ),
        // Nothing is lost.
        (
            "- {id: a, vcs_auth_type: Auth Token, vcs_auth_value: hunter2}",
            "- {id: a, vcs_auth_type: Auth Token, vcs_auth_value: hunter2}",
        ),
    ] {
        let made = migrated("config/products.yml", &list(before));
        let want = format!("version: 1\n{}", list(after));
        assert_eq!(made.trim_end(), want.trim_end(), "{before}");
    }
}
