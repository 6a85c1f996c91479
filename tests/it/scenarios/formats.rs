//! What programs read on standard output: one document, or one a line, also where things go wrong.

use super::{site, site_of};
use crate::support::stack::Stack;
use serde_json::Value;

#[test]
fn a_command_has_just_the_formats_that_it_has() {
    let Some(stack) = Stack::new("a_command_has_just_the_formats_that_it_has") else {
        return;
    };
    stack.sites(&site("app", ""));
    for (command, none) in [
        ("validate", "markdown"),
        ("status", "jsonl"),
        ("history", "markdown"),
        ("lock status", "jsonl"),
        ("plan", "jsonl"),
        ("apply", "markdown"),
        ("recover", "markdown"),
        ("stop app", "markdown"),
    ] {
        let mut words: Vec<_> = command.split(' ').collect();
        words.extend(["--format", none]);
        let ran = stack.coasti(&words).expect(64);
        assert_eq!(ran.out, "", "{command}");
    }
}

#[test]
fn a_program_reads_what_came_of_it_in_every_case() {
    let Some(stack) = Stack::new("a_program_reads_what_came_of_it_in_every_case") else {
        return;
    };
    // One document that says it, whoever found the files wrong.
    stack.sites("  - {label: app, imagee: x}\n");
    for command in ["validate", "plan", "apply --yes"] {
        let mut words: Vec<_> = command.split(' ').collect();
        words.extend(["--format", "json"]);
        let json = stack.coasti(&words).expect(3).json();
        assert_eq!(json["valid"], false, "{command}");
        assert!(json["diagnostics"][0]["line"].is_u64(), "{command}: {json}");
    }
    // Nothing has an id yet, and the files do not tell it.
    let json = stack
        .coasti(&["recover", "--yes", "--format", "json"])
        .expect(1)
        .json();
    assert_eq!(json["outcome"]["kind"], "usage");

    stack.sites(&site("app", ""));
    let json = stack
        .coasti(&["apply", "--yes", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(json["plan"]["changes"][0]["label"], "app", "{json}");
    assert_eq!(json["outcome"]["ok"], true);
    assert_eq!(json["outcome"]["revision"], "r1");

    stack.sites(&site_of("app", "coasti-test/tiny:1", r#"["false"]"#, ""));
    let json = stack
        .coasti(&["apply", "--yes", "--format", "json"])
        .expect(7)
        .json();
    assert_eq!(json["plan"]["changes"][0]["action"], "replace", "{json}");
    assert_eq!(json["outcome"]["ok"], false);
    assert_eq!(json["outcome"]["exit_code"], 7);
    assert_eq!(json["outcome"]["kind"], "failed");

    let ran = stack
        .coasti(&["apply", "--yes", "--format", "jsonl"])
        .expect(7);
    let lines: Vec<Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let events: Vec<_> = lines.iter().filter_map(|l| l["event"].as_str()).collect();
    assert_eq!(events.len(), lines.len());
    assert_eq!(events.first(), Some(&"plan"));
    assert!(events.contains(&"started"), "{events:?}");
    assert_eq!(events.last(), Some(&"outcome"));
    assert!(!ran.err.contains('{'), "{}", ran.err);

    stack.sites(&site("app", ""));
    let json = stack
        .coasti(&["stop", "app", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(json["outcome"]["ok"], true);
}
