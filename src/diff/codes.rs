//! Every code that a refusal can have. A code is never given to something else.

/// Code, title and explanation of each, in order.
pub const CODES: &[(&str, &str, &str)] = &[
    (
        "P0201",
        "another stack of this name",
        "The engine has a stack of this name under another `id`. Two folders with one name must not remove each \
         other's containers.",
    ),
    (
        "P0202",
        "a name that is taken",
        "A container, network or volume has the name and does not bear this stack's labels.",
    ),
    (
        "P0203",
        "an image is missing",
        "It is not on the engine and the files say that it is never pulled.",
    ),
    (
        "P0204",
        "a network would have to be made anew",
        "The engine fixes whether a network is internal, and its driver's options, when it makes it.",
    ),
    (
        "P0205",
        "a volume would have to be made anew",
        "The engine cannot change a volume's driver or options, and its data stays.",
    ),
    (
        "P0206",
        "something external does not exist",
        "`external: true` says that it is not coasti's to make.",
    ),
    (
        "P0301",
        "another version on existing data",
        "A database's files belong to its major version, and no version reads those of a later one.",
    ),
    (
        "P0302",
        "a variable that is read only once changed",
        "The image reads it when it initialises its volume. Changing it later makes the two disagree.",
    ),
    (
        "P0303",
        "another product on existing data",
        "Under this label another product wrote the volumes.",
    ),
    (
        "P0304",
        "a volume is gone",
        "It was there at the last apply; a new one would be empty.",
    ),
    (
        "P0305",
        "an app would lose touch with its data",
        "What holds data goes while one of the same product comes: most likely it was renamed (`was: OLD` for a site).",
    ),
    (
        "P0306",
        "something protected would go",
        "It was applied with `protect: true`.",
    ),
    (
        "P0307",
        "more than half would go",
        "`--max-removals N` says that it is meant.",
    ),
    (
        "P0308",
        "a value that data was made with is lost",
        "The store that kept it is gone, and no container is left that knows it.",
    ),
    (
        "P0309",
        "somebody else runs on the volume",
        "A container that was renamed or copied by hand, or that `--target` leaves alone, or on a database anybody's, runs on \
         it, and two containers on one volume harm its data.",
    ),
    (
        "P0310",
        "something else in the place of data",
        "A volume was renamed in the files, became a directory or memory, or a directory became a volume; or `was:` \
         was dropped or names another label than the one that the data was made under; or the container that `adopt` \
         names writes to something that the new one does not have.",
    ),
    (
        "P0311",
        "a port that another container of the stack has",
        "It moved in the files from one app to another, and the one that has it is left alone: by `--target`, or because \
         it is held.",
    ),
    (
        "P0312",
        "a container cannot be taken over",
        "The one that `adopt` names belongs to another stack, is not the one that was meant, would be removed by the \
         engine as soon as it stops, or is half taken over by a run that was cut off and named no more.",
    ),
];

#[cfg(test)]
mod tests {
    use super::CODES;
    use std::{collections::BTreeSet, fs, path::Path};

    fn used(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with("tests") {
                continue;
            }
            if path.is_dir() {
                used(&path, found);
            } else if !path.ends_with("codes.rs") && !path.ends_with("tests.rs") {
                let text = fs::read_to_string(&path).unwrap();
                for (at, _) in text.match_indices("\"P0") {
                    found.insert(text[at + 1..at + 6].to_owned());
                }
            }
        }
    }

    #[test]
    fn every_code_is_used_and_every_one_used_is_explained() {
        let mut found = BTreeSet::new();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        for folder in ["diff", "ops"] {
            used(&root.join(folder), &mut found);
        }
        let listed: BTreeSet<_> = CODES.iter().map(|(code, ..)| (*code).to_owned()).collect();
        assert_eq!(found, listed);
    }
}
