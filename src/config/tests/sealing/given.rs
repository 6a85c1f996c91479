//! What is given where the files say none: ports of the host and subnets.

use super::*;

#[test]
fn ports_are_given_once_and_stay() {
    let mut world = World::new();
    let listening = &mut world.observed.host.listening;
    listening.insert((crate::model::Protocol::Tcp, 8100));
    let first = sealed(&Map::wiki(PLAIN, &sites(&["b"])), &world).stack;
    assert_eq!(host(&first, "b"), 8101);
    run(&mut world, &first);
    let second = sealed(&Map::wiki(PLAIN, &sites(&["a", "b"])), &world).stack;
    assert_eq!((host(&second, "a"), host(&second, "b")), (8102, 8101));
    // Without containers the last revision says what was given.
    world.observed = Observed::default();
    world.previous = Some(second);
    let third = sealed(&Map::wiki(PLAIN, &sites(&["a", "b", "c"])), &world).stack;
    assert_eq!(
        (host(&third, "a"), host(&third, "b"), host(&third, "c")),
        (8102, 8101, 8100)
    );
    // A fixed port goes before one that was given.
    let fixed = sites(&["a", "b"]) + "- {label: c, image: wiki, port: {web: {host: 8101}}}\n";
    let fourth = sealed(&Map::wiki(PLAIN, &fixed), &world).stack;
    assert_eq!((host(&fourth, "b"), host(&fourth, "c")), (8100, 8101));
}

#[test]
fn ports_run_out_and_are_taken() {
    let mut world = World::new();
    let folder = Map::wiki(PLAIN, &sites(&["a", "b", "c", "d", "e"]));
    insta::assert_snapshot!(refusal(&folder, &world), @r#"
    E0134 products/wiki/nua-config.yml:3:8 no port from 8100 to 8103 is free for `e`
        help: widen `ports: {from: …, to: …}`
    "#);
    world
        .observed
        .foreign
        .ports
        .push(crate::observe::PublishedPort {
            protocol: crate::model::Protocol::Tcp,
            port: 80,
            bind: "0.0.0.0".parse().unwrap(),
            by: "nginx".into(),
        });
    let listening = &mut world.observed.host.listening;
    listening.insert((crate::model::Protocol::Tcp, 443));
    let fixed = deploy(
        "- {label: a, image: wiki, port: {web: {host: 80}}}\n- {label: b, image: wiki, port: {web: {host: 443}}}\n",
    );
    insta::assert_snapshot!(refusal(&Map::wiki(PLAIN, &fixed), &world), @r#"
    E0133 config/deploy.yml:5:34 the host's port 80/tcp is taken
        ^ the container `nginx` publishes it
        help: free it, or write another number, or `host: auto`
    E0133 config/deploy.yml:6:34 the host's port 443/tcp is taken
        ^ a process of the host listens on it
        help: free it, or write another number, or `host: auto`
    "#);
}

#[test]
fn subnets_avoid_what_is_there_and_stay() {
    let app = format!("{PLAIN}provider:\n- {{name: cache, module-name: redis}}\n");
    let mut world = World::new();
    let subnet = |text: &str| text.parse::<crate::model::Subnet>().unwrap();
    world
        .observed
        .foreign
        .subnets
        .push(("x".into(), subnet("172.24.0.0/26")));
    world.observed.host.routes.push(subnet("172.24.0.64/27"));
    let of = |stack: &Stack, label: &str| {
        let Spec::Network(network) = &stack.resources[&ResourceId::network(label)].spec else {
            panic!()
        };
        network.subnet.unwrap().to_string()
    };
    let first = sealed(&Map::wiki(&app, &sites(&["b"])), &world).stack;
    assert_eq!(of(&first, "b"), "172.24.0.128/26");
    world.previous = Some(first);
    let second = sealed(&Map::wiki(&app, &sites(&["a", "b"])), &world).stack;
    assert_eq!(
        (of(&second, "a"), of(&second, "b")),
        ("172.24.0.192/26".into(), "172.24.0.128/26".into())
    );
    world
        .observed
        .foreign
        .subnets
        .push(("y".into(), subnet("172.24.0.0/14")));
    world.previous = None;
    // Docker's own networks have all of the first pool: there is a second, until the file says one.
    let third = sealed(&Map::wiki(&app, &sites(&["a"])), &world).stack;
    assert_eq!(of(&third, "a"), "10.64.0.0/26");
    assert_eq!(third.pool, Some(subnet("10.64.0.0/14")));
    let said = format!("networks: {{pool: 172.24.0.0/14}}\n{}", sites(&["a"]));
    insta::assert_snapshot!(refusal(&Map::wiki(&app, &said), &world), @r#"
    E0145 config/deploy.yml:6:3 no subnet of 172.24.0.0/14 is free for the network of `a`
        help: write another pool: `networks: {pool: 10.128.0.0/14}`
    "#);
    let second = subnet("10.64.0.0/14");
    world.observed.foreign.subnets.push(("z".into(), second));
    insta::assert_snapshot!(refusal(&Map::wiki(&app, &sites(&["a"])), &world), @r#"
    E0145 config/deploy.yml:5:3 no subnet of 172.24.0.0/14 or 10.64.0.0/14 is free for the network of `a`
        help: write another pool: `networks: {pool: 10.128.0.0/14}`
    "#);
}
