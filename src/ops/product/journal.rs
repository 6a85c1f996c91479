//! Changes to a product's files, all of them or none: they are written beside the product first, and what is to be
//! moved where is told by a journal. Once that is there, the next command finishes what was cut off.

use crate::ops::root::{Root, Wrong};
use crate::template::Entry;
use serde::{Deserialize, Serialize};

/// What is to be done, once all files are written.
#[derive(Debug, Serialize, Deserialize)]
struct Journal {
    /// Paths of files that take their places.
    files: Vec<String>,
    /// Paths of files that go.
    gone: Vec<String>,
}

/// Where a product's files are until they take their places.
fn beside(folder: &str) -> String {
    match folder.rsplit_once('/') {
        Some((above, name)) => format!("{above}/.{name}.coasti-update"),
        None => format!(".{folder}.coasti-update"),
    }
}

/// The journal of a product in `folder`.
pub(super) fn path(folder: &str) -> String {
    format!("{}/journal.json", beside(folder))
}

/// Puts entries at paths in a product's folder, and takes others away: all, or none.
pub(super) fn write(
    root: &Root,
    folder: &str,
    changes: &[(String, Option<Entry>)],
) -> Result<(), Wrong> {
    if changes.is_empty() {
        return Ok(());
    }
    let beside = beside(folder);
    root.remove_folder(&beside)?;
    let mut journal = Journal {
        files: Vec::new(),
        gone: Vec::new(),
    };
    let mut stage = || -> Result<(), Wrong> {
        for (path, entry) in changes {
            // That its place can be taken is known before anything is.
            root.read(&format!("{folder}/{path}"))?;
            match entry {
                Some(entry) => {
                    root.write(&format!("{beside}/new/{path}"), entry)?;
                    journal.files.push(path.clone());
                }
                None => journal.gone.push(path.clone()),
            }
        }
        let text = serde_json::to_vec(&journal).map_err(|error| error.to_string())?;
        let entry = Entry::File {
            bytes: text,
            executable: false,
        };
        root.write(&path(folder), &entry)
    };
    if let Err(why) = stage() {
        let _ = root.remove_folder(&beside);
        return Err(why);
    }
    apply(root, folder, &journal)
}

/// Finishes what was cut off; tells whether there was something.
pub(super) fn finish(root: &Root, folder: &str) -> Result<bool, Wrong> {
    let path = path(folder);
    let Some(entry) = root.read(&path)? else {
        // What was written is not all of it.
        root.remove_folder(&beside(folder))?;
        return Ok(false);
    };
    let journal = match entry {
        Entry::File { bytes, .. } => serde_json::from_slice::<Journal>(&bytes).ok(),
        Entry::Link(_) => None,
    };
    let journal = journal.ok_or_else(|| format!("{path} is none of coasti's"))?;
    apply(root, folder, &journal)?;
    Ok(true)
}

/// Takes away what is left of one.
pub(super) fn discard(root: &Root, folder: &str) -> Result<(), Wrong> {
    root.remove_folder(&beside(folder))
}

fn apply(root: &Root, folder: &str, journal: &Journal) -> Result<(), Wrong> {
    let beside = beside(folder);
    for path in &journal.files {
        let from = format!("{beside}/new/{path}");
        // Else it was moved before.
        if root.is_there(&from)? {
            root.rename(&from, &format!("{folder}/{path}"))?;
        }
    }
    for path in &journal.gone {
        root.remove(&format!("{folder}/{path}"))?;
    }
    root.remove_folder(&beside)
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

    fn changes() -> Vec<(String, Option<Entry>)> {
        vec![
            ("a".to_owned(), Some(file("new"))),
            ("b/.env".to_owned(), Some(file("new"))),
            ("link".to_owned(), Some(Entry::Link("a".to_owned()))),
            ("gone".to_owned(), None),
        ]
    }

    /// A product's folder: every path with what is there.
    fn look(base: &std::path::Path) -> String {
        let read = |path: &str| fs::read_to_string(base.join("products/x").join(path)).ok();
        let paths = ["a", "b/.env", "link", "gone"];
        let all = paths.map(|path| read(path).unwrap_or_else(|| "-".to_owned()));
        all.join(" ")
    }

    #[test]
    fn what_is_cut_off_after_the_journal_is_finished_and_before_it_is_nothing() {
        let home = Temporary::new().unwrap();
        let (base, root) = (home.path(), Root::open(home.path()).unwrap());
        let again = || {
            let _ = fs::remove_dir_all(base.join("products"));
            root.write("products/x/a", &file("old")).unwrap();
            root.write("products/x/gone", &file("old")).unwrap();
        };
        again();
        write(&root, "products/x", &changes()).unwrap();
        assert_eq!(look(base), "new new new -");
        assert_eq!(fs::read_dir(base.join("products")).unwrap().count(), 1);
        assert!(!finish(&root, "products/x").unwrap());
        // Nothing to finish where the journal is missing.
        again();
        root.write("products/.x.coasti-update/new/a", &file("new"))
            .unwrap();
        assert!(!finish(&root, "products/x").unwrap());
        assert_eq!(look(base), "old - - old");
        assert_eq!(fs::read_dir(base.join("products")).unwrap().count(), 1);
        // Cut off after each move.
        for done in 0..=3 {
            again();
            let mut journal = Journal {
                files: Vec::new(),
                gone: vec!["gone".to_owned()],
            };
            for (number, (path, entry)) in changes().iter().enumerate() {
                let Some(entry) = entry else { continue };
                journal.files.push(path.clone());
                let at = match number < done {
                    true => format!("products/x/{path}"),
                    false => format!("products/.x.coasti-update/new/{path}"),
                };
                root.write(&at, entry).unwrap();
            }
            let text = serde_json::to_string(&journal).unwrap();
            root.write(&path("products/x"), &file(&text)).unwrap();
            assert!(finish(&root, "products/x").unwrap());
            assert_eq!(look(base), "new new new -", "{done}");
            assert_eq!(fs::read_dir(base.join("products")).unwrap().count(), 1);
        }
        // A journal of somebody else's leads nowhere.
        root.write(
            &path("products/x"),
            &file("{\"files\": [], \"gone\": [\"../../kept\"]}"),
        )
        .unwrap();
        root.write("kept", &file("kept")).unwrap();
        assert!(finish(&root, "products/x").is_err());
        assert!(base.join("kept").exists());
    }

    #[test]
    fn what_cannot_be_written_changes_nothing() {
        let home = Temporary::new().unwrap();
        let (base, root) = (home.path(), Root::open(home.path()).unwrap());
        root.write("products/x/a", &file("old")).unwrap();
        fs::create_dir_all(base.join("products/x/link")).unwrap();
        assert!(write(&root, "products/x", &changes()).is_err());
        assert_eq!(look(base), "old - - -");
        assert_eq!(fs::read_dir(base.join("products")).unwrap().count(), 1);
    }
}
