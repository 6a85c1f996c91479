//! What runs under one release of coasti runs on under the next.

use super::*;
use crate::base::Kind;
use crate::model::spec_hash;

/// A stack that says most of what can be said.
fn stack() -> Map {
    Map::new([
        (
            "config/products.yml",
            "version: 1\nproducts:\n- id: wiki\n- id: shop\n",
        ),
        ("config/deploy.yml", include_str!("upgrade/deploy.yml")),
        (
            "products/wiki/nua-config.yml",
            include_str!("upgrade/nua-config.yml"),
        ),
        ("products/shop/info.yml", "run: {compose: compose.yml}\n"),
        (
            "products/shop/compose.yml",
            include_str!("upgrade/compose.yml"),
        ),
        ("products/shop/token", "abc\n"),
        ("products/shop/labels.env", "a=file\nb.c=\"two words\"\n"),
    ])
}

/// Containers are compared by the hash that they were made with. Another hash for the same files, or another
/// name, and the next release makes everybody's containers anew. So where this fails, mend what changed the
/// form of a spec (leave out of it what is not declared, say); its files and hashes only ever grow.
#[test]
fn the_same_files_have_the_hashes_of_the_first_release() {
    let folder = stack();
    let mut world = World::new();
    let desired = read(&folder, &mut Diagnostics::new());
    for reference in desired.iter().flat_map(Desired::images) {
        world.image(&reference, &[]);
    }
    let stack = sealed(&folder, &world).stack;
    let mut text = String::new();
    let made = stack.resources.iter();
    for (id, resource) in made.filter(|(id, _)| id.kind != Kind::Image) {
        text += &format!("{id} {} {}\n", resource.name, spec_hash(&resource.spec));
    }
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/config/tests/upgrade/hashes.txt"
    );
    let known = std::fs::read_to_string(path).unwrap_or_default();
    if std::env::var_os("COASTI_BLESS").is_some() && known.is_empty() {
        std::fs::write(path, &text).unwrap();
        return;
    }
    assert_eq!(text, known);
}
