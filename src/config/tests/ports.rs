//! Ports of compose files: where they are published.

use super::*;

/// A compose file's ports, as they were given: `80/tcp 8080 8100`.
fn published(ports: &str, world: &World) -> (Vec<String>, Option<Stack>) {
    let text = format!("services:\n  a: {{image: 'acme/a:1', ports: {ports}}}\n");
    let map = Map::new([
        ("config/products.yml", "version: 1\nproducts:\n- id: shop\n"),
        (
            "config/deploy.yml",
            "version: 1\nstack: acme\nports: {from: 8100, to: 8103}\nsite: [{label: web, image: shop}]\n",
        ),
        ("products/shop/info.yml", "run: {compose: compose.yml}\n"),
        ("products/shop/compose.yml", &text),
    ]);
    let mut d = Diagnostics::new();
    let stack = read(&map, &mut d).and_then(|desired| seal(&desired, &world.facts(), &mut d));
    let Some(stack) = stack.map(|sealed| sealed.stack) else {
        return (lines(&d).lines().take(1).map(str::to_owned).collect(), None);
    };
    let all = container(&stack, "web/a").published();
    let all = all.map(|(inside, port)| format!("{inside} {port}"));
    (all.collect(), Some(stack))
}

#[test]
fn a_port_is_published_in_several_places() {
    let mut world = World::new();
    let places = |found: (Vec<String>, Option<Stack>)| found.0.join(", ");
    // The order in the file says nothing.
    for ports in [
        "['8080:80', '8081:80', '127.0.0.1:9000:80']",
        "['127.0.0.1:9000:80', '8081:80', '8080:80']",
    ] {
        assert_eq!(
            places(published(ports, &world)),
            "80/tcp 127.0.0.1:9000, 80/tcp [::]:8080, 80/tcp [::]:8081"
        );
    }
    assert_eq!(
        places(published("['0.0.0.0:8080:80', '[::]:8080:80']", &world)),
        "80/tcp [::]:8080"
    );
    assert_eq!(
        places(published("['8080:80', '127.0.0.1:8080:80']", &world)),
        "E0132 products/shop/compose.yml:2:45 the host's port 8080/tcp is wanted twice by `web/a`"
    );
    // One of a range, chosen before those who take any; then kept.
    let listening = |world: &mut World, port| {
        let key = (crate::model::Protocol::Tcp, port);
        world.observed.host.listening.insert(key);
    };
    listening(&mut world, 8100);
    let ports = "['80', '8100-8101:80', '8101-8102:81']";
    let (first, stack) = published(ports, &world);
    assert_eq!(
        first.join(", "),
        "80/tcp [::]:8101, 80/tcp [::]:8103, 81/tcp [::]:8102"
    );
    world.observed.host.listening.clear();
    world.previous = stack;
    assert_eq!(published(ports, &world).0, first);
    // Another range than before, and one that is full.
    assert_eq!(
        places(published("['80', '8200-8201:80']", &world)),
        "80/tcp [::]:8101, 80/tcp [::]:8200"
    );
    listening(&mut world, 8300);
    listening(&mut world, 8301);
    assert_eq!(
        places(published("['8300-8301:80']", &world)),
        "E0134 products/shop/compose.yml:2:34 no port from 8300 to 8301 is free for `web/a`"
    );
    // What was given stays where a number beside it changes.
    let (_, stack) = published("['80', '7000:80']", &world);
    world.previous = stack;
    assert_eq!(
        places(published("['80', '7001:80']", &world)),
        "80/tcp [::]:7001, 80/tcp [::]:8101"
    );
}

#[test]
fn explain_tells_of_each_place_where_it_stands() {
    let map = Map::new([
        ("config/products.yml", "version: 1\nproducts:\n- id: shop\n"),
        (
            "config/deploy.yml",
            "version: 1\nstack: acme\nsite: [{label: web, image: shop}]\n",
        ),
        ("products/shop/info.yml", "run: {compose: compose.yml}\n"),
        (
            "products/shop/compose.yml",
            "services:\n  a:\n    image: acme/a:1\n    ports:\n    - '8080:80'\n    - '8081:80'\n    - '9000-9009:81'\n",
        ),
    ]);
    let desired = read(&map, &mut Diagnostics::new()).unwrap();
    let lines = |field: &str| {
        let told = crate::config::explain::explain(&desired, &format!("web/a.{field}")).unwrap();
        format!("{told:?}")
    };
    assert!(lines("ports.80/tcp.also").contains("8081:80"));
    assert!(lines("ports.81/tcp.host").contains("the lowest free of 9000–9009"));
}
