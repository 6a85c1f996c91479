//! `add`: what a product is called, and what `--data` says of it.

use super::{access, given, shop};
use crate::support::home::{Home, said};

#[test]
fn a_product_tells_what_it_is_called() {
    let home = Home::new("called");
    shop(&home);
    let address = home.at("shop").to_string_lossy().into_owned();
    home.write("shop/coasti.yml", "id: acme_shop\nname: Shop\n");
    home.tag("shop", "v1.1.0");
    let told = home.good(&["product", "add", &address]);
    assert!(told.contains("lists `acme_shop`"), "{told}");
    let list = home.read("stack/config/products.yml");
    assert!(list.contains("dst_path: products/acme_shop\n"), "{list}");
    // What the user says counts more; an older version says nothing.
    let told = home.good(&["product", "add", &address, "--id", "mine"]);
    assert!(told.contains("lists `mine`"), "{told}");
    let told = home.good(&["product", "add", &address, "--vcs-ref", "v1.0.0"]);
    assert!(told.contains("lists `shop`"), "{told}");
    // A folder says it as well; what is no id is none.
    home.write("plain/info.yml", "version: 1\nid: other\n");
    home.good(&["tool", "add", "../plain"]);
    assert!(home.read("stack/config/tools.yml").contains("id: other\n"));
    home.write("plain/info.yml", "version: 1\nid: ../../up\n");
    home.good(&["tool", "add", "../plain"]);
    assert!(home.read("stack/config/tools.yml").contains("id: plain\n"));
}

#[test]
fn all_of_an_entry_may_be_data() {
    let home = Home::new("add-data");
    shop(&home);
    let web = access::serve(&home, "shop");
    access::trust(&home, &web);
    let address = format!("{}/shop.git", web.address);
    let before = home.read("stack/config/products.yml");
    let all = format!(
        r#"{{"vcs_repo": "{address}", "id": "mine", "dst_path": "products/here", "vcs_ref": "v1.0.0",
            "vcs_auth_type": "Auth Token", "vcs_auth_value": "sesame-open-1234"}}"#
    );
    // In an argument, others see it.
    let told = home.bad(1, &["product", "add", "--data", &all]);
    assert!(
        told.contains("--token-file") && !told.contains("sesame"),
        "{told}"
    );
    let add = ["product", "add", "--data", "-"];
    for (data, code, why) in [
        (
            "{\"vcs_repo\": \"x\", \"vcs_rev\": \"y\"}",
            1,
            "no `vcs_rev` here",
        ),
        ("{\"id\": 1}", 1, "`id` of --data is no text"),
        ("{\"vcs_auth_type\": \"token\"}", 1, "do not go together"),
        ("{", 1, "--data is no JSON"),
        ("{}", 1, "there is no address"),
    ] {
        let (ended, told) = given(&home, &add, data);
        assert_eq!(ended, Some(code), "{data}: {told}");
        assert!(told.contains(why), "{data}: {told}");
    }
    let (ended, told) = given(&home, &add, &all.replace("open", "shut"));
    assert_eq!(ended, Some(1), "{told}");
    assert!(
        told.contains("authentication failed") && !told.contains("sesame"),
        "{told}"
    );
    assert_eq!(home.read("stack/config/products.yml"), before);
    assert!(!home.at("stack/config/secrets/vcs_auth_mine").exists());
    let (ended, told) = given(&home, &add, &all);
    assert_eq!(ended, Some(0), "{told}");
    let list = home.read("stack/config/products.yml");
    for line in [
        "id: mine\n",
        "auth: token\n",
        "dst_path: products/here\n",
        "vcs_ref: v1.0.0\n",
    ] {
        assert!(list.contains(line), "{line}: {list}");
    }
    assert!(!list.contains("sesame") && !told.contains("sesame"));
    assert_eq!(home.mode("stack/config/secrets/vcs_auth_mine"), 0o600);
    home.good(&["product", "install", "mine"]);
    assert!(home.at("stack/products/here/run.sh").exists());
}

#[test]
fn names_of_coastis_own_files_are_no_ids() {
    let home = Home::new("add-reserved");
    home.write("stack/here/a", "a\n");
    let list = home.read("stack/config/products.yml");
    for id in [
        "services.env",
        "known_hosts",
        "recipients.txt",
        "deploy.prod.yml",
        "deploy.toml",
        "secrets",
        "products.yml",
        "credentials.csv",
        "x.coasti-new",
    ] {
        let said = home.bad(3, &["product", "add", "here", "--id", id]);
        assert!(
            said.contains("E0106") && said.contains(&format!("`{id}` cannot be the id")),
            "{said}"
        );
    }
    assert_eq!(home.read("stack/config/products.yml"), list);
    home.good(&["product", "add", "here", "--id", "deploy.tools"]);
}

#[test]
fn passwords_in_the_list_are_not_shown() {
    let home = Home::new("list-secret");
    home.write(
        "stack/config/products.yml",
        "version: 1\nproducts:\n- {id: a, vcs_repo: 'https://u:pw123@x.org/a.git'}\n\
         - id: b\n  vcs_repo: https://x.org/b.git\n  vcs_auth_type: Auth Token\n  vcs_auth_value: hunter2secret\n",
    );
    home.write("stack/config/deploy.yml", "version: 1\nstack: s\n");
    for args in [
        ["product", "list"].as_slice(),
        &["product", "list", "--format", "json"],
        &["validate"],
        &["validate", "--format", "json"],
        &["migrate", "--check"],
    ] {
        let output = home.coasti(args);
        let said = said(&output);
        assert!(
            !said.contains("pw123") && !said.contains("hunter2"),
            "{args:?}: {said}"
        );
    }
    let said = home.good(&["product", "list"]);
    assert!(said.contains("https://u:***@x.org/a.git"), "{said}");
}
