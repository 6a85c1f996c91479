//! What is installed: lists of products and tools, and what products say of themselves.

use super::*;

/// What is listed, and what is said of it.
fn listed(products: &str, tools: &str) -> (Vec<Listed>, String) {
    let folder = Map::new([
        ("config/products.yml", products),
        ("config/tools.yml", tools),
    ]);
    let mut diagnostics = Diagnostics::new();
    let all = list(&folder, &mut diagnostics);
    (all, lines(&diagnostics))
}

fn one(id: &str) -> Listed {
    Listed {
        id: id.to_owned(),
        tool: false,
        title: None,
        description: None,
        version: None,
        repo: None,
        reference: None,
        auth: Auth::None,
        path: format!("products/{id}"),
        enabled: true,
    }
}

#[test]
fn todays_files_are_read_as_they_are() {
    let products = "# Installed products\n\ncoasti_version: 0.2.3\n\nproducts:\n\
        - vcs_repo: https://github.com/coasti-org/superset_docker.git\n  vcs_auth_type: skip\n  vcs_auth_value: __skip__\n  id: superset_docker\n  dst_path: products/superset_docker\n  vcs_ref: main\n\
        - dst_path: /srv/acme/products/lfgs\n  id: lfgs\n  vcs_auth_type: Auth Token\n  vcs_auth_value: __file__\n  vcs_ref: ''\n  vcs_repo: https://example.org/lfgs.git\n\
        - vcs_repo: git@example.org:acme/my_product.git\n  vcs_auth_type: SSH Key\n  vcs_auth_value: __file__\n";
    let (all, said) = listed(products, "coasti_version: 0.2.3\n\ntools:\n");
    assert_eq!(said, "");
    let want = [
        Listed {
            repo: Some("https://github.com/coasti-org/superset_docker.git".into()),
            reference: Some("main".into()),
            ..one("superset_docker")
        },
        Listed {
            repo: Some("https://example.org/lfgs.git".into()),
            auth: Auth::Token,
            ..one("lfgs")
        },
        Listed {
            repo: Some("git@example.org:acme/my_product.git".into()),
            auth: Auth::SshKey,
            ..one("my_product")
        },
    ];
    assert_eq!(all, want);
    for empty in ["coasti_version: 0.3.0\nproducts:\n", "products: []\n", ""] {
        assert_eq!(listed(empty, ""), (Vec::new(), String::new()));
    }
}

#[test]
fn files_of_version_1_are_read() {
    let products = "version: 1\nproducts:\n- id: wiki\n  title: Wiki\n  description: Pages\n  version: 1.2\n  enabled: false\n  \
        vcs-repo: ../wiki\n  vcs-ref: v1.2\n  auth: token\n  dst-path: ./apps//wiki/\n";
    let (all, said) = listed(products, "version: 1\ntools:\n- {id: sling, auth: none}\n");
    assert_eq!(said, "");
    let wiki = Listed {
        title: Some("Wiki".into()),
        description: Some("Pages".into()),
        version: Some("1.2".into()),
        enabled: false,
        repo: Some("../wiki".into()),
        reference: Some("v1.2".into()),
        auth: Auth::Token,
        path: "apps/wiki".into(),
        ..one("wiki")
    };
    let sling = Listed {
        tool: true,
        path: "tools/sling".into(),
        ..one("sling")
    };
    assert_eq!(all, [wiki, sling]);
}

#[test]
fn what_is_wrong_in_a_list_is_said() {
    let said = |products: &str| listed(&format!("version: 1\nproducts:\n{products}"), "").1;
    insta::assert_snapshot!(said("- {id: a b}\n- {id: -x}\n- {vcs_repo: https://example.org/}\n- {vcs_repo: '--upload-pack=x', id: y}\n"), @r"
    E0106 config/products.yml:3:8 `a b` cannot be the id of a product
        help: letters, digits, `_`, `-` and `.`, the first a letter or digit
    E0106 config/products.yml:4:8 `-x` cannot be the id of a product
        help: letters, digits, `_`, `-` and `.`, the first a letter or digit
    E0106 config/products.yml:6:14 `vcs-repo` cannot be `--upload-pack=x`
        help: an address does not start with `-`
    ");
    insta::assert_snapshot!(said("- {id: a, vcs_ref: '--exec=x'}\n- {id: b, vcs_ref: a..b}\n- {id: c, auth: tokn}\n- {id: d, auth: token, vcs_auth_type: skip}\n- {id: e, vcs_auth_type: Token}\n"), @r"
    E0106 config/products.yml:3:20 `vcs-ref` cannot be `--exec=x`
        help: a branch, a tag or a commit; nothing is the latest tag
    E0106 config/products.yml:4:20 `vcs-ref` cannot be `a..b`
        help: a branch, a tag or a commit; nothing is the latest tag
    E0106 config/products.yml:5:17 `auth` cannot be `tokn`
        help: one of `none`, `token`, `ssh-key`
        help: did you mean `token`?
    E0103 config/products.yml:6:17 `auth` and `vcs-auth-type` are names of one thing
        config/products.yml:6:39 the first
    E0106 config/products.yml:7:26 `vcs-auth-type` cannot be `Token`
        help: one of `skip`, `Auth Token`, `SSH Key`
    ");
    insta::assert_snapshot!(said("- {id: a, dst_path: config/a}\n- {id: b, dst_path: /srv/other/b}\n- {id: c, dst_path: /home/me/products/c}\n- {id: d, dst_path: .}\n- {id: e, dst_path: products/c/e}\n- {id: f, dst_path: /srv/acmes/f}\n"), @r"
    E0152 config/products.yml:3:21 a product cannot stand in `config/a`
        help: `products/NAME`, or another folder of its own
    E0152 config/products.yml:4:21 `/srv/other/b` is not in the stack's folder
        help: write it relative to the folder: `products/NAME`
    W0157 config/products.yml:5:21 `/home/me/products/c` is read as `products/c`
        ^ the stack's folder is another one now
        help: `coasti migrate` writes it relative to the folder
    E0152 config/products.yml:6:21 a product cannot stand in `.`
        help: `products/NAME`, or another folder of its own
    E0154 config/products.yml:7:21 `e` and `c` stand in one folder, `products/c/e`
        ^ the second
        config/products.yml:5:21 the first
    E0152 config/products.yml:8:21 `/srv/acmes/f` is not in the stack's folder
        help: write it relative to the folder: `products/NAME`
    ");
    insta::assert_snapshot!(said("- {id: a, vcs_repo: 'https://me:tok@example.org/a.git'}\n- {id: b, vcs_auth_type: Auth Token, vcs_auth_value: ghp_x}\n"), @r"
    W0153 config/products.yml:3:21 the repository's address has a password in it
        ^ this file is committed
        help: write the address without it, `auth: token`, and the token into config/secrets/vcs_auth_ID
    W0153 config/products.yml:4:54 `vcs-auth-value` is a secret that stands in a file
        ^ this file is committed
        help: put it into config/secrets/vcs_auth_ID, readable by you only
        help: here write `__file__`, and make a new token: this one was seen
    ");
    let (_, said) = listed(
        "products:\n- id: x\n",
        "version: 2\ntools:\n- {id: x, enabeld: yes}\n",
    );
    insta::assert_snapshot!(said, @r"
    E0110 config/tools.yml:1:10 files of version 2 are not known
        ^ this coasti reads version 1
        help: use a newer coasti
    E0151 config/tools.yml:3:8 two products are called `x`
        ^ the second
        config/products.yml:2:7 the first
    E0104 config/tools.yml:3:11 unknown key `enabeld` in a tool
        ^ not known here
        help: did you mean `enabled`?
    ");
}

#[test]
fn the_other_files_key_is_told() {
    let (listed, said) = listed("products: []\n", "version: 1\nproducts:\n- {id: x}\n");
    assert_eq!(listed.len(), 0);
    insta::assert_snapshot!(said, @r"
    E0104 config/tools.yml:2:1 unknown key `products`
        ^ not known here
        help: this file lists tools: call it `tools`
    ");
}

/// The problems of a stack that runs `wiki` as these files say.
fn of_wiki<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>, products: &str) -> String {
    let mut folder = Map::new(files);
    let deploy = "version: 1\nstack: acme\nsite:\n- {label: a, image: wiki}\n";
    folder.0.insert("config/deploy.yml".into(), deploy.into());
    folder
        .0
        .insert("config/products.yml".into(), products.into());
    let mut diagnostics = Diagnostics::new();
    read(&folder, &mut diagnostics);
    lines(&diagnostics)
}

const LIST: &str = "version: 1\nproducts:\n- id: wiki\n";

#[test]
fn a_product_says_what_it_is() {
    let coasti = "id: acme_wiki\nid_shorthand: wiki\nname: Wiki\nversion: 1.2.3\nentrypoint: python run.py\n";
    let app = "app:\n  image: acme/wiki:1\n";
    let both = format!("{coasti}{app}");
    // The installer's file, alone and with how it runs beside it.
    assert_eq!(
        of_wiki([("products/wiki/coasti.yml", both.as_str())], LIST),
        ""
    );
    let two = [
        ("products/wiki/coasti.yml", coasti),
        ("products/wiki/info.yml", app),
    ];
    assert_eq!(of_wiki(two, LIST), "");
    let folder = Map::new([
        ("config/products.yml", LIST),
        (
            "config/deploy.yml",
            "stack: acme\nsite:\n- {label: a, image: acme-wiki}\n",
        ),
        ("products/wiki/coasti.yml", coasti),
        ("products/wiki/info.yml", app),
    ]);
    let stack = sealed(&folder, &World::new()).stack;
    let about = stack.resources[&ResourceId::container("a")].about.clone();
    assert_eq!(about.unwrap().version.as_deref(), Some("1.2.3"));

    let text = format!("version: 1\nproduct-version: 1.2.3\nid: wiki\nnmae: x\n{app}");
    insta::assert_snapshot!(of_wiki([("products/wiki/info.yml", text.as_str())], LIST), @r"
    E0104 products/wiki/info.yml:4:1 unknown key `nmae`
        ^ not known here
        help: did you mean `name`?
    ");
    let text = format!("version: 1.0.0\nnmae: x\n{app}");
    insta::assert_snapshot!(of_wiki([("products/wiki/info.yml", text.as_str())], LIST), @r"
    W0155 products/wiki/info.yml:2:1 unknown key `nmae`
        ^ not read
        help: did you mean `name`?
    ");
    insta::assert_snapshot!(of_wiki([("products/wiki/info.yml", "version: 2\napp: {image: a/b:1}\n")], LIST), @r"
    E0110 products/wiki/info.yml:1:10 files of version 2 are not known
        ^ this coasti reads version 1
        help: use a newer coasti
    ");
    let two = [
        ("products/wiki/coasti.yml", both.as_str()),
        ("products/wiki/info.yml", app),
    ];
    insta::assert_snapshot!(of_wiki(two, LIST), @r"
    E0156 products/wiki/coasti.yml:7:3 the product says twice how it runs
        products/wiki/info.yml:2:3 the other
        help: keep one of them
    ");
    // Each in another way is twice as well.
    let two = [
        ("products/wiki/coasti.yml", "run: {compose: a.yml}\n"),
        ("products/wiki/a.yml", "services: {a: {image: 'a:1'}}\n"),
        ("products/wiki/info.yml", app),
    ];
    insta::assert_snapshot!(of_wiki(two, LIST), @r"
    E0156 products/wiki/coasti.yml:1:6 the product says twice how it runs
        products/wiki/info.yml:2:3 the other
        help: keep one of them
    ");
}

#[test]
fn a_product_may_be_a_compose_file() {
    let folder = |run: &str, products: &str, d: &mut Diagnostics| {
        let files = Map::new([
            ("config/products.yml", products),
            ("products/wiki/coasti.yml", run),
            ("products/wiki/docker/compose.yml", ""),
            ("products/wiki/config/.env", ""),
            ("products/wiki/dev.yml", ""),
        ]);
        crate::config::products::read(&files, d).all.remove(0).info
    };
    let run = "version: 1.0.0\nrun:\n  compose: docker/compose.yml\n  env_file: config/.env\n  files: [./dev.yml]\n  profiles: [dev]\n";
    let mut d = Diagnostics::new();
    let compose = folder(run, LIST, &mut d).run.unwrap();
    assert_eq!(lines(&d), "");
    let texts = |all: &[doc::Sp<String>]| -> Vec<String> {
        all.iter().map(|text| text.value.clone()).collect()
    };
    assert_eq!(compose.file.value, "products/wiki/docker/compose.yml");
    assert_eq!(texts(&compose.env_files), ["products/wiki/config/.env"]);
    assert_eq!(texts(&compose.overrides), ["products/wiki/dev.yml"]);
    assert_eq!(texts(&compose.profiles), ["dev"]);

    // Whoever keeps the stack has the last word.
    let list = format!("{LIST}  run: {{compose: dev.yml, profiles: x}}\n");
    let compose = folder(run, &list, &mut d).run.unwrap();
    assert_eq!(compose.file.value, "products/wiki/dev.yml");
    assert_eq!(compose.at.source.name, "config/products.yml");
    assert!(compose.overrides.is_empty());
    assert_eq!(lines(&d), "");

    let run = "version: 1\nrun: {compose: ../../../x.yml, file: a}\n";
    let files = [("products/wiki/info.yml", run)];
    insta::assert_snapshot!(of_wiki(files, LIST), @r"
    E0152 products/wiki/info.yml:2:16 `../../../x.yml` is not in the stack's folder
        help: paths of `run` are relative to the product's folder
    E0104 products/wiki/info.yml:2:32 unknown key `file` in `run`
        ^ not known here
        help: did you mean `files`?
    ");
    let run = "version: 1\nrun: {compose: x.yml, env-file: [/etc/env], profiles: ['a b']}\napp: {image: a/b:1}\n";
    let files = [("products/wiki/info.yml", run)];
    insta::assert_snapshot!(of_wiki(files, LIST), @r"
    E0101 products/wiki/info.yml:2:16 `products/wiki/x.yml` is missing
    E0152 products/wiki/info.yml:2:34 `/etc/env` is not in the stack's folder
        help: paths of `run` are relative to the product's folder
    E0106 products/wiki/info.yml:2:56 `a b` is no profile
        help: letters, digits, `_`, `.` and `-`, the first a letter or digit
    E0156 products/wiki/info.yml:3:6 the product says twice how it runs
        products/wiki/info.yml:2:6 the other
        help: keep one of them
    ");
    let run = [
        ("products/wiki/info.yml", "run: {compose: a.yml}\n"),
        ("products/wiki/a.yml", ""),
    ];
    insta::assert_snapshot!(of_wiki(run, LIST), @r#"
    E0180 products/wiki/info.yml:1:16 the compose file has no service to run
        help: write one under `services`
    "#);
}
