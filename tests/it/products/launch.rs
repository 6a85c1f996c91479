//! `run`: a product's own program.

use super::shop;
use crate::support::home::{Home, said};

const PROGRAM: &str = "\
#!/bin/sh
echo \"in $(basename \"$PWD\") of $COASTI_BASE_DIR: $WHO and $BOTH with $*\"
exit 7
";

#[test]
fn a_product_is_run_with_its_variables_by_who_trusts_its_commit() {
    let home = Home::new("run");
    shop(&home);
    home.write("shop/template/run.sh", PROGRAM);
    home.write(
        "shop/template/coasti.yml",
        "id: shop\nentrypoint: ./run.sh --from 'the product'\n",
    );
    home.write(
        "shop/template/config/.env.jinja",
        "WHO=file\nBOTH=${WHO}-two\n",
    );
    let commit = home.tag("shop", "v1.1.0");
    home.good(&["product", "add", &home.at("shop").to_string_lossy()]);
    let run = |more: &[&str]| {
        let args = [&["product", "run", "shop"], more].concat();
        home.command(&args).env("WHO", "caller").output().unwrap()
    };
    let refused = |more: &[&str], code: i32, why: &str| {
        let output = run(more);
        let told = said(&output);
        assert_eq!(output.status.code(), Some(code), "{told}");
        assert!(told.contains(why), "{told}");
        assert!(!told.contains("in shop of"), "{told}");
        told
    };
    refused(&[], 1, "is not installed");
    home.good(&["product", "install", "shop"]);
    let told = refused(&["--", "x y"], 6, "./run.sh --from 'the product' 'x y'");
    assert!(told.contains(&format!("--trust {commit}")), "{told}");
    assert!(told.contains("products/shop/coasti.yml:2"), "{told}");
    // A tag can be moved: it is no commit.
    for other in ["v1.1.0", "", &commit[..11], "folder"] {
        refused(&["--trust", other], 6, "wants to run a command");
    }
    for trust in [commit.as_str(), &commit[..12]] {
        let output = run(&["--trust", trust, "--", "a b", "--trust"]);
        let told = said(&output);
        assert_eq!(output.status.code(), Some(7), "{told}");
        let base = home.at("stack");
        let wanted = format!(
            "in shop of {}: file and file-two with --from the product a b --trust\n",
            base.display()
        );
        assert_eq!(told, wanted);
    }
    // The next commit is another one.
    home.write("shop/template/more", "");
    home.tag("shop", "v1.2.0");
    home.good(&["product", "update", "shop"]);
    refused(&["--trust", &commit], 6, "wants to run a command");
}

#[test]
fn what_cannot_be_run_says_why() {
    let home = Home::new("run-bad");
    home.write(
        "stack/config/products.yml",
        "version: 1\nproducts:\n- id: own\n- {id: off, enabled: false}\n",
    );
    let bad = |text: &str, code: i32| {
        home.write("stack/products/own/info.yml", text);
        home.bad(code, &["product", "run", "own"])
    };
    let told = bad("version: 1\nname: Own\n", 1);
    assert!(told.contains("does not tell how it is run"), "{told}");
    let told = bad("version: 1\nentrypoint: 'sh -c \"'\n", 3);
    assert!(told.contains("is not closed"), "{told}");
    let told = bad("version: 1\nentrypoint: no-such-program x\n", 1);
    assert!(
        told.contains("`no-such-program` cannot be started")
            && told.contains("products/own/info.yml:2"),
        "{told}"
    );
    home.write("stack/products/own/here", "");
    let told = bad("version: 1\nentrypoint: here\n", 1);
    assert!(told.contains("it is ./here"), "{told}");
    assert!(
        home.bad(1, &["product", "run", "off"])
            .contains("is disabled")
    );
    assert!(
        home.bad(1, &["product", "run", "nix"])
            .contains("there are own, off")
    );
    // The stack's own product is trusted as the stack's files are; nothing is expanded.
    home.write(
        "stack/products/own/info.yml",
        "version: 1\nentrypoint: echo $HOME *\n",
    );
    assert_eq!(home.good(&["product", "run", "own"]), "$HOME *\n");
}

#[test]
fn a_template_cannot_tell_of_another_commit() {
    let home = Home::new("run-forged");
    home.write("shop/copier.yml", "");
    home.write(
        "shop/.copier-answers.yml.jinja",
        "{{ _copier_answers|to_nice_yaml }}",
    );
    let good = home.tag("shop", "v1.0.0");
    home.good(&["product", "add", &home.at("shop").to_string_lossy()]);
    home.good(&["product", "install", "shop"]);
    let answers = home.read("stack/products/shop/.copier-answers.yml");
    assert!(
        answers.contains(&format!("_coasti_commit: {good}"))
            || answers.contains(&format!("_coasti_commit: '{good}'")),
        "{answers}"
    );
    for line in [
        format!("_coasti_commit: '{good}'"),
        "_commit: v1.0.0".to_owned(),
    ] {
        home.write("shop/.copier-answers.yml.jinja", &format!("{line}\n"));
        home.tag("shop", &format!("v1.{}.0", line.len()));
        let told = home.bad(1, &["product", "update", "shop"]);
        assert!(told.contains("the template writes another"), "{told}");
    }
    assert_eq!(
        home.read("stack/products/shop/.copier-answers.yml"),
        answers
    );
}
