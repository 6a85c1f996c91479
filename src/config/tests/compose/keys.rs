//! Every key of the Compose Specification: it is read, or said to mean nothing here, or refused by name.

use super::*;
use sections::SECTIONS;
use std::collections::BTreeSet;

mod sections;

/// What becomes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// The stack is another one for it.
    Read,
    /// It changes nothing, for Compose on one engine neither; docs/src/compose.md has it.
    Idle,
    /// It changes nothing, and a warning says so.
    Warned,
    /// An error names it.
    Refused,
}

/// A section of a file: `@` is where its keys stand, those of `base` unless they are looked at themselves.
struct Section {
    name: &'static str,
    file: &'static str,
    base: &'static [(&'static str, &'static str)],
    keys: &'static [(&'static str, &'static str, Fate)],
}

/// What all of them have.
const REST: &str = "\
networks:
  n: {enable_ipv6: true, ipam: {config: [{subnet: 172.30.9.0/24}, {subnet: 'fd00::/64'}]}}
  m: {}
volumes: {v: , w: }
secrets: {s: {environment: A}, t: {environment: B}}
configs: {c: {content: c}, e: {content: e}}
";

/// The files of a section, with a key of it or without.
fn files(section: &Section, key: Option<(&str, &str)>) -> Map {
    let others = section.base.iter().copied();
    let others = others.filter(|(own, _)| key.is_none_or(|(key, _)| key != *own));
    let all: Vec<_> = others.chain(key).collect();
    let said: Vec<_> = all
        .iter()
        .map(|(key, sample)| format!("{key}: {sample}"))
        .collect();
    let text = section.file.replace("REST", REST);
    let text = text.replace('@', &said.join(", "));
    let mut map = stack([
        ("compose.yml", text.as_str()),
        (
            "other.yml",
            "services:\n  b: {image: 'y:1', environment: {C: '${C:-none}'}, volumes: ['./x:/x']}\n",
        ),
        ("more.yml", "services:\n  b: {labels: {a: b}}\n"),
        (".env", "A=project\nB=other\n"),
        ("a.env", "A='quoted'\n"),
        ("b.env", "A='b'\nC='c'\n"),
        ("sub/.env", "A=sub\n"),
        ("app/Dockerfile", "FROM x AS first\nFROM x\n"),
        ("app/other", "FROM z\n"),
        ("sub/Dockerfile", "FROM x AS first\nFROM x\n"),
    ]);
    for name in ["s", "c"] {
        map.0
            .insert(format!("config/secrets/{name}"), "kept".into());
    }
    map
}

/// A stack as text; none where the files are refused.
fn shown(map: &Map) -> Option<String> {
    let mut d = Diagnostics::new();
    let desired = read(map, &mut d)?;
    let stack = seal(&desired, &world(map).facts(), &mut d)?.stack;
    let each = stack.resources.iter().map(|(id, resource)| {
        // All but where it stands.
        let (spec, needs, life) = (&resource.spec, &resource.needs, &resource.life);
        format!(
            "{id} {} {spec:?} {needs:?} {life:?} {:?}\n",
            resource.name, resource.about
        )
    });
    Some(each.collect())
}

#[test]
fn every_key_of_the_specification_has_its_fate() {
    let docs = include_str!("../../../../docs/src/compose.md");
    let mut wrong = Vec::new();
    for section in SECTIONS {
        let plain = shown(&files(section, None));
        for (key, sample, fate) in section.keys {
            let map = files(section, Some((key, sample)));
            let (stack, told) = (shown(&map), said(&map));
            // By its own name, or that of what stands in it.
            let mut words = sample.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            let named = told.contains(&format!("`{key}"))
                || words.any(|word| !word.is_empty() && told.contains(&format!("`{word}")));
            let found = match &stack {
                None if told.lines().any(|line| line.starts_with("E0104")) => None,
                None if named => Some(Fate::Refused),
                None => None,
                Some(_) if stack != plain => Some(Fate::Read),
                Some(_) if told.lines().any(|line| line.starts_with('W')) => Some(Fate::Warned),
                Some(_) => Some(Fate::Idle),
            };
            if found != Some(*fate) {
                wrong.push(format!(
                    "{} of {}: {found:?}, not {fate:?}\n{told}\n{}",
                    key, section.name, map.0["products/shop/compose.yml"]
                ));
            }
            if *fate == Fate::Idle && !docs.contains(&format!("`{key}`")) {
                wrong.push(format!("docs/src/compose.md does not have `{key}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_names_each_key_once() {
    for section in SECTIONS {
        let keys: Vec<_> = section.keys.iter().map(|(key, ..)| key).collect();
        assert!(keys.is_sorted(), "{}", section.name);
        let distinct: BTreeSet<_> = keys.iter().collect();
        assert_eq!(keys.len(), distinct.len(), "{}", section.name);
    }
}
