//! What depends on the engine: whether it is new enough, and for which platform it is.

use super::*;

#[test]
fn a_platform_is_the_engines_or_an_error() {
    let of = |named: &str, engine| {
        let text = format!("services:\n  a:\n    image: x:1\n    platform: {named}\n");
        let map = stack([("compose.yml", text.as_str())]);
        let world = world(&map);
        let mut d = Diagnostics::new();
        let desired = read(&map, &mut d).unwrap();
        assert!(desired.names_platform());
        let facts = Facts {
            platform: engine,
            ..world.facts()
        };
        (seal(&desired, &facts, &mut d).is_some(), lines(&d))
    };
    assert_eq!(of("linux/amd64", "linux/amd64"), (true, String::new()));
    assert_eq!(of("ARM64", "linux/arm64"), (true, String::new()));
    let (sealed, told) = of("linux/arm64", "linux/amd64");
    assert!(!sealed);
    insta::assert_snapshot!(told, @"
    E0208 products/shop/compose.yml:4:5 `web/a` asks for an image for linux/arm64
        ^ the engine is for linux/amd64
        help: leave `platform` out, and the image for the engine's own is pulled
    ");
    let (sealed, told) = of("amd64", "");
    assert!(!sealed);
    insta::assert_snapshot!(told, @"
    E0208 products/shop/compose.yml:4:5 `web/a` asks for an image for amd64
        ^ the engine does not tell which platform it is for
        help: leave `platform` out, and the image for the engine's own is pulled
    ");
    // It is no part of what makes the container another.
    let spec = |text: &str| {
        let map = stack([("compose.yml", text)]);
        let stack = made(&map);
        let (_, _, spec) = stack.containers().next().unwrap();
        crate::model::spec_hash(&Spec::Container(Box::new(spec.clone())))
    };
    let plain = "services:\n  a:\n    image: x:1\n";
    assert_eq!(
        spec(plain),
        spec(&format!("{plain}    platform: linux/amd64\n"))
    );
}

#[test]
fn annotations_are_an_error_where_the_engine_would_drop_them() {
    let text = "services:\n  a:\n    image: x:1\n    annotations: {a: b}\n";
    let map = stack([("compose.yml", text)]);
    let world = world(&map);
    let with = |api| {
        let mut d = Diagnostics::new();
        let desired = read(&map, &mut d).unwrap();
        let facts = Facts {
            api,
            ..world.facts()
        };
        (seal(&desired, &facts, &mut d).is_some(), lines(&d))
    };
    assert_eq!(with((1, 43)), (true, String::new()));
    let (sealed, told) = with((1, 42));
    assert!(!sealed);
    insta::assert_snapshot!(told, @"
    E0207 products/shop/compose.yml:4:5 the engine has no annotations for `web/a`
        ^ its API is 1.42; they came with 1.43, Docker 24
        help: update the engine, or leave them out
    ");
}
