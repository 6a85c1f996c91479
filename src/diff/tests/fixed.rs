//! What the engine fixes when it makes a network or a volume.

use super::super::*;
use super::refused::data;
use crate::model::Spec;
use crate::plan::fixture::World;

#[test]
fn p0204_a_network_gets_no_other_options() {
    let world = World::usual(|stack| {
        let network = stack.resources.get_mut(&ResourceId::network("wiki"));
        if let Spec::Network(network) = &mut network.unwrap().spec {
            network
                .options
                .insert("com.docker.network.driver.mtu".into(), "1400".into());
        }
    });
    assert_eq!(world.refused(), ["P0204 network:wiki"]);
}

/// Beside the one before, there can be no second network with its bridge or subnet.
#[test]
fn p0204_says_how_what_the_engine_has_once_is_kept() {
    let helped = |change: &dyn Fn(&mut crate::model::NetworkSpec)| {
        let world = World::usual(|stack| {
            let network = stack.resources.get_mut(&ResourceId::network("wiki"));
            if let Spec::Network(network) = &mut network.unwrap().spec {
                network.options.insert("mtu".into(), "1400".into());
                change(network);
            }
        });
        world.plan().refusals[0].help.join("\n")
    };
    assert!(!helped(&|_| ()).contains("apply again"));
    let bridge = helped(&|network| {
        let name = "com.docker.network.bridge.name";
        network.options.insert(name.into(), "br-wiki".into());
    });
    assert!(
        bridge.contains("has the bridge's name `br-wiki` (`com.docker.network.bridge.name`) once"),
        "{bridge}"
    );
    let subnet = helped(&|network| network.subnet = Some("10.77.0.0/24".parse().unwrap()));
    assert!(
        subnet.contains("has the subnet 10.77.0.0/24 once"),
        "{subnet}"
    );
}

#[test]
fn other_labels_of_networks_and_volumes_are_told() {
    let world = World::usual(|stack| {
        let network = stack.resources.get_mut(&ResourceId::network("wiki"));
        if let Spec::Network(network) = &mut network.unwrap().spec {
            network.labels.insert("a.b".into(), "c".into());
        }
        data(stack).labels.insert("backup".into(), "daily".into());
    });
    assert_eq!(world.refused(), Vec::<String>::new());
    let plan = world.plan();
    assert!(plan.steps.is_empty());
    let labels = |id, name: &str, label: &str| Notice::Labels {
        id,
        name: name.into(),
        labels: [label.to_owned()].into(),
    };
    for notice in [
        labels(ResourceId::network("wiki"), "acme-wiki", "a.b"),
        labels(
            ResourceId::volume("blog/database/data"),
            "acme-blog-database-data",
            "backup",
        ),
    ] {
        assert!(plan.notices.contains(&notice), "{:?}", plan.notices);
    }
}
