//! Formatting: what it makes of files, and that it changes nothing but their form.

use super::*;
use crate::config::format::{Formatted, format};
use crate::config::{compose, doc};
use proptest::prelude::*;

fn source(name: &str, text: &str) -> Arc<Source> {
    Arc::new(Source::new(name, name, text))
}

fn formatted(name: &str, text: &str) -> Formatted {
    format(&source(name, text)).unwrap_or_else(|d| panic!("{}\n{text}", lines(&d)))
}

/// The new text, which must be in the form itself.
fn new(name: &str, text: &str) -> String {
    match formatted(name, text) {
        Formatted::New(made) => {
            assert_eq!(formatted(name, &made), Formatted::Same, "{made}");
            made
        }
        Formatted::Same => text.to_owned(),
        Formatted::Left(why) => panic!("{name} {why}:\n{text}"),
    }
}

#[test]
fn files_get_one_form() {
    let text = r#"# what runs

version:   1
stack: 'acme'   # ours


site:
-   label: wiki
    image: wiki
    env: { A: '1',B: "it's" , C: "" }
    # why
    ports: [ 80,443 ]
- label: shop    
  image:    shop
  command: |
      run
        this
  long: {aaaaaaaaaaaaaaaaaaaa: bbbbbbbbbbbbbbbbbbbbbbbbb, cccccccccccccccccccccccccc: dddddddddddddddddddddddddddddd, e: ffffffffffffff}
#end"#;
    insta::assert_snapshot!(new("config/deploy.yml", text), @r##"
    # what runs

    version: 1
    stack: "acme" # ours

    site:
      - label: wiki
        image: wiki
        env: {A: "1", B: "it's", C: ""}
        # why
        ports: [80, 443]
      - label: shop
        image: shop
        command: |
          run
            this
        long: {
          aaaaaaaaaaaaaaaaaaaa: bbbbbbbbbbbbbbbbbbbbbbbbb,
          cccccccccccccccccccccccccc: dddddddddddddddddddddddddddddd,
          e: ffffffffffffff
        }
    #end
    "##);
    let crlf = new("config/deploy.yml", "a:   1 # x\r\nb:\r\n-   c\r\n");
    assert_eq!(crlf, "a: 1 # x\r\nb:\r\n  - c\r\n");
    insta::assert_snapshot!(new("config/deploy.json", r#"{"b":[1,2.50, {"é":"\u00e9\n"}],"a":{ },"c":[], "d": null}"#), @r##"
    {
      "b": [
        1,
        2.50,
        {
          "é": "é\n"
        }
      ],
      "a": {},
      "c": [],
      "d": null
    }
    "##);
    for (text, made) in [
        (
            "a:\n- b\n\n\n# end\n\n\n#more\n\n",
            "a:\n  - b\n\n# end\n\n#more\n",
        ),
        ("a:\n- b\n# of c\nc: 1\n", "a:\n  - b\n# of c\nc: 1\n"),
        (
            "a:\n- b: 1\n  # of c\n  c:\n  - d\n  # of e\n  e: 1\n# of f\n- f: 1\n# end\n",
            "a:\n  - b: 1\n    # of c\n    c:\n      - d\n    # of e\n    e: 1\n  # of f\n  - f: 1\n# end\n",
        ),
        ("a: |+\n  x\n\n# end\n", "a: |+\n  x\n\n# end\n"),
        ("---\na: 1\n", "---\na: 1\n"),
    ] {
        assert_eq!(new("config/deploy.yml", text), made);
    }
    for text in ["", "\n", "# nothing\n"] {
        assert_eq!(new("config/deploy.yml", text), text);
    }
    assert_eq!(formatted("config/deploy.json", " "), Formatted::Same);
}

#[test]
fn what_is_not_formatted_is_told() {
    let left = |name: &str, text: &str| match formatted(name, text) {
        Formatted::Left(why) => why,
        other => panic!("{other:?}"),
    };
    assert!(left("config/deploy.toml", "a   = 1\n").contains("TOML"));
    assert_eq!(
        left("config/services.env", "A=1\n"),
        "is neither YAML nor JSON"
    );
    let long = format!("a: 1\n{}", "# long\n".repeat(200_000));
    assert_eq!(left("config/deploy.yml", &long), "has more than 1 MB");
    // The formatter's own parser takes the first for a list, and counts tabs of the others as indentation.
    for text in [
        "#\n -#\na",
        "a: |\n \t\tx\n y\n",
        "a: |\n \r b\n \u{fffd}\n",
        "a: |\r  b\n  c\n",
        "a: |\n \t\n  b\n \u{fffd}\n",
    ] {
        let why = left("config/deploy.yml", text);
        assert_eq!(why, "has something in it that coasti does not format");
    }
    let wrong = format(&source("config/deploy.yml", "a: [\n")).unwrap_err();
    assert!(lines(&wrong).contains("E0102"));
}

/// What a file says, and its comments.
fn said(text: &str) -> (String, Option<Vec<String>>) {
    fn dump(node: &Node) -> String {
        match &node.value {
            Value::List(items) => {
                format!("[{}]", items.iter().map(dump).collect::<Vec<_>>().join(","))
            }
            Value::Map(entries) => {
                let entry = |entry: &Entry| format!("{:?}:{}", entry.key, dump(&entry.node));
                format!(
                    "{{{}}}",
                    entries.iter().map(entry).collect::<Vec<_>>().join(",")
                )
            }
            Value::Tagged(tag, inner) => format!("!{tag} {}", dump(inner)),
            scalar => format!("{scalar:?}"),
        }
    }
    let comments = doc::comments(text).map(|all| all.into_iter().map(|(_, text)| text).collect());
    let read = doc::parse_tagged(
        &source("f.yml", text),
        compose::TAGS,
        &mut Diagnostics::new(),
    );
    (read.map_or_else(String::new, |root| dump(&root)), comments)
}

/// A value as somebody might write it: its lines, the first of which may stand behind a key.
#[derive(Clone, Debug)]
enum Written {
    /// On the key's line.
    Inline(String),
    /// Below it, with the spaces by which it is indented at least.
    Below(Vec<String>, bool),
}

fn word() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9_-]{0,6}"
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        word(),
        "[a-z]{1,4}( [a-z:/#]{1,4}){0,3}[a-z]",
        Just(String::new()),
        "'[a-z \"#:]{0,8}'",
        "\"[a-z '#:\\\\n]{0,0}[a-z '#:]{0,8}\"",
        "-?[0-9]{1,5}(\\.[0-9]{1,3}0)?",
        Just("true".to_owned()),
        Just("~".to_owned()),
        Just("0o17".to_owned()),
        Just("'true'".to_owned()),
        Just("\"a\\tb\\n\"".to_owned()),
        Just("!reset null".to_owned()),
        Just("1.50".to_owned()),
    ]
}

fn flow() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![word(), "[0-9]{1,3}", "'[a-z,]{0,4}'", "\"[a-z\\]}]{0,4}\""];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let blank = || prop_oneof![Just(""), Just(" "), Just("  ")];
        prop_oneof![
            (prop::collection::vec(inner.clone(), 0..4), blank()).prop_map(|(all, blank)| format!(
                "[{blank}{}{blank}]",
                all.join(&format!(",{blank}"))
            )),
            (prop::collection::vec(inner, 0..4), blank()).prop_map(|(all, blank)| {
                let all: Vec<_> = all
                    .iter()
                    .enumerate()
                    .map(|(n, one)| format!("k{n}: {one}"))
                    .collect();
                format!("{{{blank}{}{blank}}}", all.join(&format!(",{blank}")))
            }),
        ]
    })
}

fn comment() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => Just(String::new()),
        1 => "[ ]{1,3}#[ a-z'\"{:-]{0,8}",
    ]
}

/// Lines of their own between entries: nothing, a gap, a comment at any depth.
fn between(wild: bool) -> impl Strategy<Value = Vec<String>> {
    let own = if wild {
        "[ ]{0,4}#[ a-z:]{0,6}"
    } else {
        "#[ a-z:]{0,6}"
    };
    prop::collection::vec(
        prop_oneof![4 => Just(None), 1 => Just(Some(String::new())), 1 => own.prop_map(Some)],
        0..2,
    )
    .prop_map(|lines| lines.into_iter().flatten().collect())
}

fn indented(lines: &[String], by: usize) -> Vec<String> {
    let blank = |line: &String| line.trim().is_empty();
    lines
        .iter()
        .map(|line| {
            if blank(line) {
                line.clone()
            } else {
                format!("{}{line}", " ".repeat(by))
            }
        })
        .collect()
}

fn written(wild: bool) -> impl Strategy<Value = Written> {
    let block = (
        prop_oneof![
            Just("|"),
            Just(">"),
            Just("|-"),
            Just(">+"),
            Just(if wild { "|2" } else { "|" })
        ],
        prop::collection::vec("[a-z ]{0,8}[a-z]", 1..4),
    )
        .prop_map(|(head, lines)| {
            let lines = lines.iter().map(|line| line.trim_start().to_owned());
            let mut all = vec![format!("\0{head}")];
            all.extend(lines);
            Written::Below(all, true)
        });
    let leaf = prop_oneof![
        4 => scalar().prop_map(Written::Inline),
        2 => flow().prop_map(Written::Inline),
        1 => block,
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let item = (inner.clone(), comment(), between(wild), 1usize..4);
        let entry = (
            word(),
            inner,
            comment(),
            between(wild),
            1usize..5,
            1usize..3,
        );
        prop_oneof![
            prop::collection::vec(item, 1..4).prop_map(|items| {
                let mut all = Vec::new();
                for (value, comment, between, gap) in items {
                    all.extend(between);
                    match value {
                        Written::Inline(text) => {
                            all.push(format!("-{}{text}{comment}", " ".repeat(gap)))
                        }
                        Written::Below(lines, true) => {
                            let head = lines[0].trim_start_matches('\0');
                            all.push(format!("- {head}"));
                            all.extend(indented(&lines[1..], 2));
                        }
                        Written::Below(lines, false) => {
                            let first = lines.iter().position(|line| {
                                !line.trim().is_empty() && !line.trim().starts_with('#')
                            });
                            match first {
                                Some(0) => {
                                    let lines = indented(&lines, gap + 1);
                                    all.push(format!("-{}", &lines[0][1..]));
                                    all.extend(lines[1..].iter().cloned());
                                }
                                _ => {
                                    all.push(format!("-{comment}"));
                                    all.extend(indented(&lines, gap + 1));
                                }
                            }
                        }
                    }
                }
                Written::Below(all, false)
            }),
            prop::collection::vec(entry, 1..4).prop_map(|entries| {
                let mut all = Vec::new();
                for (n, (key, value, comment, between, indent, gap)) in
                    entries.into_iter().enumerate()
                {
                    all.extend(between);
                    match value {
                        Written::Inline(text) => {
                            all.push(format!("{key}{n}:{}{text}{comment}", " ".repeat(gap)))
                        }
                        Written::Below(lines, true) => {
                            let head = lines[0].trim_start_matches('\0');
                            all.push(format!("{key}{n}: {head}"));
                            all.extend(indented(&lines[1..], 2));
                        }
                        Written::Below(lines, false) => {
                            all.push(format!("{key}{n}:{comment}"));
                            all.extend(indented(&lines, indent));
                        }
                    }
                }
                Written::Below(all, false)
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    /// Also of what stands strangely, which may be left as it is.
    #[test]
    fn whatever_is_written_keeps_its_meaning((wild, written) in any::<bool>().prop_flat_map(|wild| (Just(wild), written(wild))), crlf in any::<bool>()) {
        let mut text = match written {
            Written::Inline(text) => text,
            Written::Below(lines, true) => format!("a: {}\n{}", lines[0].trim_start_matches('\0'), indented(&lines[1..], 2).join("\n")),
            Written::Below(lines, false) => lines.join("\n"),
        } + "\n";
        if crlf {
            text = text.replace('\n', "\r\n");
        }
        let Ok(made) = format(&source("config/deploy.yml", &text)) else {
            return Ok(());
        };
        match made {
            Formatted::New(made) => {
                prop_assert_eq!(said(&text), said(&made));
                prop_assert_eq!(formatted("config/deploy.yml", &made), Formatted::Same);
            }
            Formatted::Same => {}
            Formatted::Left(_) => prop_assert!(wild, "{}", text),
        }
    }
}
