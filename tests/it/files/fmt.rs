use super::Folder;

const DEPLOY: &str = "stack:   acme # ours\nsite:\n- label: wiki\n  image: 'acme/wiki:1'\n# end\n";
const FORMED: &str =
    "stack: acme # ours\nsite:\n  - label: wiki\n    image: \"acme/wiki:1\"\n# end\n";

#[test]
fn files_are_shown_then_written_then_left() {
    let folder = Folder::new(
        "fmt",
        &[
            ("config/products.yml", "version: 1\nproducts: []\n"),
            ("config/deploy.yml", DEPLOY),
            ("config/deploy.prod.json", "{\"stack\":\"x\"}"),
            ("config/services.env", "A=1\n"),
        ],
    );
    let (code, out, err) = folder.call(&["fmt", "--check"]);
    assert_eq!((code, err.as_str()), (2, ""));
    insta::assert_snapshot!(out, @r##"
    --- config/deploy.yml
    +++ config/deploy.yml
    @@ -1,5 +1,5 @@
    -stack:   acme # ours
    +stack: acme # ours
     site:
    -- label: wiki
    -  image: 'acme/wiki:1'
    +  - label: wiki
    +    image: "acme/wiki:1"
     # end
    --- config/deploy.prod.json
    +++ config/deploy.prod.json
    @@ -1 +1,3 @@
    -{"stack":"x"}
    \ No newline at end of file
    +{
    +  "stack": "x"
    +}
    "##);
    assert_eq!(folder.read("config/deploy.yml"), DEPLOY);

    let (code, out, err) = folder.call(&["fmt"]);
    assert_eq!((code, out.as_str()), (0, ""));
    assert_eq!(
        err,
        "config/deploy.yml formatted\nconfig/deploy.prod.json formatted\n"
    );
    assert_eq!(folder.read("config/deploy.yml"), FORMED);
    assert_eq!(
        folder.read("config/deploy.prod.json"),
        "{\n  \"stack\": \"x\"\n}\n"
    );
    assert_eq!(
        folder.call(&["fmt", "--check"]),
        (0, String::new(), String::new())
    );
}

#[test]
fn what_cannot_be_formatted_is_told() {
    let folder = Folder::new(
        "fmt-not",
        &[
            ("config/products.yml", "products: [\n"),
            ("config/deploy.toml", "a   = 1\n"),
            ("config/tools.yml", "tools:\n- a: |2\n    b\n"),
            ("config/deploy.prod.yml", "a: 1\na: 2\n"),
        ],
    );
    let (code, out, err) = folder.call(&["fmt"]);
    assert_eq!((code, out.as_str()), (3, ""));
    assert!(
        err.contains("config/products.yml:1:11") && err.contains("config/deploy.prod.yml:2:1"),
        "{err}"
    );
    let (code, _, err) = folder.call(&["fmt", "config/deploy.toml", "config/tools.yml"]);
    assert_eq!(code, 0);
    assert!(
        err.contains("config/deploy.toml is left as it is: it is TOML"),
        "{err}"
    );
    assert!(err.contains("config/tools.yml is left as it is"), "{err}");
    let (code, _, err) = folder.call(&["fmt", "config/absent.yml"]);
    assert_eq!(
        (code, err.as_str()),
        (1, "error: config/absent.yml is not there\n")
    );
}
