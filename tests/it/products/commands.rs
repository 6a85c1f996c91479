//! Commands that templates bring.

use crate::support::home::Home;

#[test]
fn commands_of_a_template_run_only_for_the_commit_that_is_trusted() {
    let home = Home::new("trust");
    home.write(
        "shop/copier.yml",
        "_tasks:\n- 'echo ran > made'\n- {command: [touch, never], when: false}\n",
    );
    home.write("shop/a", "");
    let commit = home.tag("shop", "v1");
    home.good(&["product", "add", &home.at("shop").to_string_lossy()]);
    let said = home.bad(6, &["product", "install", "shop"]);
    assert!(
        said.contains("echo ran > made") && said.contains(&format!("--trust {commit}")),
        "{said}"
    );
    assert!(!home.at("stack/products").exists());
    home.bad(
        6,
        &["product", "install", "shop", "--trust", &"0".repeat(40)],
    );
    home.bad(6, &["product", "install", "shop", "--trust", ""]);
    home.good(&["product", "install", "shop", "--skip-tasks"]);
    assert!(!home.at("stack/products/shop/made").exists());
    home.good(&["product", "install", "shop", "--recopy", "--trust", &commit]);
    assert_eq!(home.read("stack/products/shop/made"), "ran\n");
    assert!(!home.at("stack/products/shop/never").exists());
    // The next commit is another one.
    home.write("shop/a", "2");
    home.tag("shop", "v2");
    home.bad(6, &["product", "update", "shop", "--trust", &commit]);
    assert_eq!(home.read("stack/products/shop/a"), "");
}
