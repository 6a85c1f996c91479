//! A template: its questions, their answers, its files.
#![no_main]
use coasti_fuzz as fuzz;
use libfuzzer_sys::fuzz_target;

use coasti::diag::Diagnostics;
use coasti::template::{About, Entry, Given, Jinja, Operation, Tree, ask, read, render};
use std::sync::Arc;

fuzz_target!(|data: &[u8]| {
    let [settings, file, name, data] = fuzz::files(data);
    let mut tree = Tree::default();
    let mut add = |path: &str, text: &str| {
        let bytes = text.as_bytes().to_vec();
        let _ = tree.add(path, Entry::File { bytes, executable: false });
    };
    add("copier.yml", &settings);
    add("a.txt.jinja", &file);
    add(&format!("{name}.jinja"), "{{ a }}");
    let tree = Arc::new(tree);
    let mut d = Diagnostics::new();
    let settings = read(&tree, &mut d);
    let dice = Arc::new(|bytes: &mut [u8]| {
        bytes.fill(7);
        Ok(())
    });
    if let Some(settings) = &settings
        && let Ok(jinja) = Jinja::new(&settings.envops, &tree, &(dice as _))
    {
        let about = About {
            source: "https://example.org/a".to_owned(),
            folder: "products/a".to_owned(),
            commit: None,
            hash: None,
            wanted: None,
            answers_file: ".copier-answers.yml".to_owned(),
            operation: Operation::Copy,
        };
        let given = Given { data: serde_json::from_str(&data).unwrap_or_default(), ..Given::default() };
        let answers = ask(settings, &jinja, &about.context(), &given, &mut |_| Ok(None), &mut d);
        if let Ok(answers) = answers {
            let _ = render(&tree, settings, &jinja, &about, &answers, &mut d);
        }
    }
    fuzz::show(&d);
});
