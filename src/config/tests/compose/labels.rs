//! Files with labels.

use super::*;

#[test]
fn labels_of_files_lie_under_the_services_own() {
    let map = stack([
        (
            "compose.yml",
            "services:\n  a: {image: 'x:1', label_file: [one.env, sub/two.env], labels: {own: said}}\n  \
             b: {image: 'x:1', label_file: one.env, environment: {HOST: other}}\n",
        ),
        ("one.env", "com.example/no=x\n"),
        ("sub/two.env", ""),
    ]);
    assert!(
        said(&map).contains("E0174 products/shop/one.env:1:1"),
        "{}",
        said(&map)
    );
    let mut map = map;
    let mut file = |path: &str, text: &str| {
        let path = format!("products/shop/{path}");
        map.0.insert(path, text.to_owned());
    };
    file(
        "one.env",
        "# names\ntraefik.http.routers.a.rule='Host(`a.org`)'\nhost=\"${HOST:-none}\"\nown=file\nfirst=1\n",
    );
    file("sub/two.env", "export second=${first}2\nfirst=one\nalone\n");
    let stack = made(&map);
    let labels = |address: &str| {
        let all = container(&stack, address).labels.iter();
        let all: Vec<_> = all.map(|(name, value)| format!("{name}={value}")).collect();
        all.join(" ")
    };
    assert_eq!(
        labels("web/a"),
        "first=one host=none own=said second=12 traefik.http.routers.a.rule=Host(`a.org`)"
    );
    assert_eq!(
        labels("web/b"),
        "first=1 host=none own=file traefik.http.routers.a.rule=Host(`a.org`)"
    );
    let resource = &stack.resources[&ResourceId::container("web/a")];
    let at = |field: &str| resource.origin(field).unwrap().to_string();
    assert_eq!(at("labels.first"), "products/shop/sub/two.env:2");
    assert_eq!(at("labels.own"), "products/shop/compose.yml:2");
}

#[test]
fn what_is_wrong_with_a_label_file_is_told() {
    let map = stack([
        (
            "compose.yml",
            "services:\n  a: {image: 'x:1', label_file: [none.env, ../../../out.env, own.env]}\n",
        ),
        ("own.env", "fine=1\ncoasti.stack=other\n"),
    ]);
    insta::assert_snapshot!(said(&map), @"
    E0101 products/shop/compose.yml:2:34 the file `products/shop/none.env` does not exist
        help: its path is relative to the compose file
    E0152 products/shop/compose.yml:2:44 `../../../out.env` is not in the stack's folder
        help: write it relative, and keep what the stack is made of in its folder
    E0106 products/shop/own.env:2:1 `coasti.stack` cannot be a label
        help: labels that start with `coasti.` are coasti's own
    ");
}
