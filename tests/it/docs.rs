//! Pages that are made from the code. `COASTI_BLESS=1` writes them anew.

use std::{fmt::Write as _, path::Path};

/// Compares a page with what the code says, or writes it.
fn page(name: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    if std::env::var_os("COASTI_BLESS").is_some() {
        std::fs::write(&path, made).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "{name} is not what the code says: COASTI_BLESS=1 cargo test --test it docs::"
    );
}

#[test]
fn the_reference_has_every_code() {
    let mut text = "# Errors\n\nEvery problem has a code that stays. `E` is an error in the files, `W` a warning, \
        `P` something that a plan\nrefuses to do. All problems of the files are shown at once, each with its place. \
        Exit codes: 3 for errors in the\nfiles, 6 for a refused plan.\n"
        .to_owned();
    for (title, codes) in [
        ("In the files", coasti::config::codes::CODES),
        ("Refused by a plan", coasti::diff::codes::CODES),
    ] {
        write!(text, "\n## {title}\n").unwrap();
        for (code, title, why) in codes {
            write!(text, "\n### {code}: {title}\n\n{why}\n").unwrap();
        }
    }
    page("docs/src/reference/errors.md", &text);
}
