//! The links that a stack's folder has into its products' folders.

use crate::ops::root::{Root, Wrong, same};
use crate::template::{Entry, Tree};
use std::path::Path;

/// The parts of a product that the stack's folder has links to, each with where its link is.
const PARTS: [&str; 4] = ["config", "config/secrets", "data", "logs"];

/// The links of a product: where each is, and where it leads.
pub(super) fn links(id: &str, folder: &str) -> Vec<(String, String, String)> {
    let one = |part: &&str| {
        let up = "../".repeat(part.split('/').count());
        (
            (*part).to_owned(),
            format!("{part}/{id}"),
            format!("{up}{folder}/{part}"),
        )
    };
    PARTS.iter().map(one).collect()
}

/// Makes the links of a product, mends those that lead elsewhere; says which names are taken by something else.
pub(super) fn link(root: &Root, id: &str, folder: &str) -> Result<Vec<String>, Wrong> {
    let mut notes = Vec::new();
    for (part, at, target) in links(id, folder) {
        if !root.is_folder(&format!("{folder}/{part}")) {
            continue;
        }
        if root.is_folder(&at) {
            notes.push(format!(
                "{at} is a folder of its own: no link to {folder}/{part} is made"
            ));
            continue;
        }
        match root.read(&at)? {
            Some(Entry::Link(to)) if to == target => {}
            Some(Entry::File { .. }) => notes.push(format!(
                "{at} is a file: no link to {folder}/{part} is made"
            )),
            Some(Entry::Link(to)) => {
                root.write(&at, &Entry::Link(target))?;
                notes.push(format!(
                    "{at} led to {to}; it leads to {folder}/{part} again"
                ));
            }
            None => root.write(&at, &Entry::Link(target))?,
        }
    }
    Ok(notes)
}

/// Takes a product's links away: those that lead to it, nothing else.
pub(super) fn unlink(root: &Root, base: &Path, id: &str, folder: &str) -> Result<(), Wrong> {
    for (part, at, target) in links(id, folder) {
        let absolute = base.join(folder).join(&part);
        if let Ok(Some(Entry::Link(to))) = root.read(&at)
            && (to == target || Path::new(&to) == absolute)
        {
            root.remove(&at)?;
        }
    }
    Ok(())
}

/// The part that a path of a product's is in, where its user put that part elsewhere and left a link: what a template
/// has in it is nobody's business there.
pub(super) fn elsewhere(root: &Root, folder: &str, path: &str) -> Option<&'static str> {
    let (first, _) = path.split_once('/')?;
    let part = ["data", "logs"].into_iter().find(|part| *part == first)?;
    root.is_link(&format!("{folder}/{part}")).then_some(part)
}

/// That it is left out.
pub(super) fn left_out(part: &str) -> String {
    format!("{part} is a link: what the template has in it is left out")
}

/// Those of a tree that would take the place of something else.
pub(super) fn in_the_way(root: &Root, folder: &str, tree: &Tree) -> Result<Vec<String>, Wrong> {
    let mut found = Vec::new();
    for (path, entry) in tree.iter() {
        if elsewhere(root, folder, path).is_some() {
            continue;
        }
        let there = root.read(&format!("{folder}/{path}"))?;
        if there.is_some_and(|there| !same(&there, entry)) {
            found.push(path.to_owned());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::temporary::Temporary;
    use std::fs;

    fn file(text: &str) -> Entry {
        Entry::File {
            bytes: text.as_bytes().to_vec(),
            executable: false,
        }
    }

    #[test]
    fn links_are_made_mended_and_removed_and_nothing_else() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = Temporary::new().unwrap();
        let base = home.path();
        let root = Root::open(base).unwrap();
        root.write("products/shop/config/secrets/key", &file("k"))
            .unwrap();
        root.write("products/shop/config/.env", &file("k")).unwrap();
        root.write("products/shop/data/x", &file("x")).unwrap();
        root.write("data/keep", &file("x")).unwrap();
        let mode = |path: &str| fs::metadata(base.join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode("products/shop/config/secrets/key"), 0o600);
        assert_eq!(mode("products/shop/config/.env"), 0o600);
        assert_eq!(link(&root, "shop", "products/shop").unwrap(), [""; 0]);
        assert_eq!(
            fs::read_link(base.join("config/secrets/shop")).unwrap(),
            Path::new("../../products/shop/config/secrets")
        );
        assert_eq!(
            fs::read_to_string(base.join("config/shop/secrets/key")).unwrap(),
            "k"
        );
        assert!(!base.join("logs").exists());
        fs::remove_file(base.join("data/shop")).unwrap();
        std::os::unix::fs::symlink("/elsewhere", base.join("data/shop")).unwrap();
        assert_eq!(
            link(&root, "shop", "products/shop").unwrap(),
            ["data/shop led to /elsewhere; it leads to products/shop/data again"]
        );
        fs::remove_file(base.join("config/shop")).unwrap();
        fs::write(base.join("config/shop"), "mine").unwrap();
        assert_eq!(
            link(&root, "shop", "products/shop").unwrap(),
            ["config/shop is a file: no link to products/shop/config is made"]
        );
        unlink(&root, base, "shop", "products/shop").unwrap();
        assert_eq!(
            fs::read_to_string(base.join("config/shop")).unwrap(),
            "mine"
        );
        assert!(
            base.join("data/shop").symlink_metadata().is_err() && base.join("data/keep").exists()
        );
    }
}
