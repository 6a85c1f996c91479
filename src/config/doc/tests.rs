use super::*;
use proptest::prelude::*;

fn source(name: &str, text: &str) -> Arc<Source> {
    Arc::new(Source::new(name, name, text))
}

fn show(value: &Value) -> String {
    match value {
        Value::Null => "~".into(),
        Value::Bool(flag) => flag.to_string(),
        Value::Int(int, raw) => format!("{int}i{raw}"),
        Value::Float(raw) => format!("{raw}f"),
        Value::Text(text) => format!("{text:?}"),
        Value::Date(raw) => format!("{raw}d"),
        Value::List(items) => {
            let items: Vec<_> = items.iter().map(|node| show(&node.value)).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Tagged(tag, inner) => format!("!{tag} {}", show(&inner.value)),
        Value::Map(entries) => {
            let entries: Vec<_> = entries
                .iter()
                .map(|e| format!("{}:{}", e.key, show(&e.node.value)))
                .collect();
            format!("{{{}}}", entries.join(" "))
        }
    }
}

fn read(name: &str, text: &str) -> String {
    let mut diagnostics = Diagnostics::new();
    let node = parse(&source(name, text), &mut diagnostics);
    let mut lines: Vec<String> = node.iter().map(|node| show(&node.value)).collect();
    for d in diagnostics.sorted() {
        let at = d.at.as_ref().map(Place::line_column).unwrap_or_default();
        lines.push(format!("{} {}:{} {}", d.code, at.0, at.1, d.summary));
    }
    lines.join("\n")
}

#[test]
fn the_three_formats_say_the_same() {
    let expected = "{a:1i1 b:[\"x\" true] c:{d:1.50f}}";
    assert_eq!(
        read("f.yml", "a: 1\nb: [x, true]\nc:\n  d: 1.50\n"),
        expected
    );
    assert_eq!(
        read("f.toml", "a = 1\nb = [\"x\", true]\n[c]\nd = 1.50\n"),
        expected
    );
    assert_eq!(
        read(
            "f.json",
            "{\"a\":1,\t\"b\":[\"x\",true],\r\n\"c\":{\"d\":1.50}}"
        ),
        expected
    );
}

#[test]
fn yaml_follows_the_core_schema() {
    let text =
        "a: yes\nb: 0700\nc: 0o17\nd: '1'\ne: ~\nf: 1e3\ng: !!str 5\nh: 1.2.3\ni: 0x1F\nj: -\n";
    assert_eq!(
        read("f.yml", text.trim_end_matches("j: -\n")),
        "{a:\"yes\" b:700i0700 c:15i0o17 d:\"1\" e:~ f:1e3f g:\"5\" h:\"1.2.3\" i:31i0x1F}"
    );
    assert_eq!(read("f.yml", ""), "~");
    assert_eq!(
        read("f.yml", "a: 1\r\nb: |\r\n  x\r\n  y\r\n"),
        "{a:1i1 b:\"x\\ny\\n\"}"
    );
}

#[test]
fn merge_keys_and_aliases() {
    let text = "base: &b {x: 1, y: 2}\nmore: &m {y: 3, z: 4}\nall:\n  <<: [*b, *m]\n  x: 9\n";
    assert_eq!(
        read("f.yml", text),
        "{base:{x:1i1 y:2i2} more:{y:3i3 z:4i4} all:{x:9i9 y:2i2 z:4i4}}"
    );
    assert_eq!(
        read("f.yml", "b: &b {x: 1}\na: {<<: *b, <<: *b}\n"),
        "E0102 2:13 `<<` stands twice in one table"
    );
    // Whoever reads the table says what is wrong with it.
    assert_eq!(read("f.yml", "a: {'': x}\n"), "{a:{:\"x\"}}");
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..9 {
        let list = vec![format!("*a{}", n - 1); 10].join(", ");
        bomb.push_str(&format!("a{n}: &a{n} [{list}]\n"));
    }
    assert_eq!(
        read("f.yml", &bomb),
        "E0108 5:9 `f.yml` has more than 200,000 values, aliases included"
    );
}

#[test]
fn json_strings_are_exact() {
    assert_eq!(
        read(
            "f.json",
            r#"{"a\/b": "\ud83d\ude00 \"\\", "n": [], "m": {}, "z": null}"#
        ),
        "{a/b:\"😀 \\\"\\\\\" n:[] m:{} z:~}"
    );
}

#[test]
fn what_is_wrong_has_a_place() {
    insta::assert_snapshot!(read("f.yml", "a: 1\nb: [1\nc: 2\n"), @r#"E0102 3:2 not YAML: illegal placement of ':' indicator"#);
    insta::assert_snapshot!(read("f.yml", "a: 1\na: 2\n"), @r#"E0103 2:1 `a` stands twice"#);
    insta::assert_snapshot!(read("f.yml", "a: *x\n"), @r#"E0102 1:4 not YAML: while parsing node, found unknown anchor"#);
    insta::assert_snapshot!(read("f.yml", "a: 1\n---\nb: 2\n"), @r#"E0102 2:1 a second document in one file"#);
    insta::assert_snapshot!(read("f.yml", "a: !env X\n"), @r#"E0102 1:4 a tag that coasti does not know"#);
    insta::assert_snapshot!(read("f.yml", "a: b\0c\n"), @r#"E0102 1:5 the file contains a zero byte"#);
    insta::assert_snapshot!(read("f.toml", "a = 1\na = 2\n"), @r#"E0102 2:1 not TOML: duplicate key"#);
    insta::assert_snapshot!(read("f.toml", "a = \n"), @r#"E0102 1:5 not TOML: string values must be quoted, expected literal string"#);
    insta::assert_snapshot!(read("f.json", "{\"a\": 1,\n \"b\": }"), @r#"E0102 2:7 not JSON: expected value"#);
    insta::assert_snapshot!(read("f.json", "{\"a\": 1,\n \"a\": 2}"), @r#"E0103 2:2 `a` stands twice"#);
    insta::assert_snapshot!(read("f.yml", &"[".repeat(200_000)), @r#"E0102 1:65 not YAML: recursion limit exceeded"#);
    insta::assert_snapshot!(read("f.json", &"[".repeat(200_000)), @r#"E0102 1:200000 not JSON: EOF while parsing a list"#);
    insta::assert_snapshot!(read("f.toml", &format!("a = {}", "[".repeat(200_000))), @r#"E0102 1:85 not TOML: cannot recurse further; max recursion depth met"#);
}

#[test]
fn the_id_is_written_and_the_rest_kept() {
    let id = crate::base::StackId::new("0123456789abcdef0123456789abcdef");
    for (name, text, want) in [
        (
            "d.yml",
            "# top\nversion: 1 # v\nstack: acme # name\nsite: []\n",
            "# top\nversion: 1 # v\nstack: acme # name\nid: 0123456789abcdef0123456789abcdef\nsite: []\n",
        ),
        (
            "d.yml",
            "stack: a",
            "stack: a\nid: 0123456789abcdef0123456789abcdef\n",
        ),
        (
            "d.yml",
            "# x\r\nsite: []\r\n",
            "# x\r\nid: 0123456789abcdef0123456789abcdef\r\nsite: []\r\n",
        ),
        (
            "d.json",
            "{\n  \"site\": []\n}\n",
            "{\n  \"id\": \"0123456789abcdef0123456789abcdef\",\n  \"site\": []\n}\n",
        ),
        (
            "d.toml",
            "# top\nstack = \"a\" # x\n\n[[site]]\nlabel = \"b\"\n",
            "# top\nstack = \"a\" # x\nid = \"0123456789abcdef0123456789abcdef\"\n\n[[site]]\nlabel = \"b\"\n",
        ),
    ] {
        assert_eq!(with_id(&source(name, text), &id).as_deref(), Ok(want));
    }
    let digits = crate::base::StackId::new("1".repeat(32));
    let out = with_id(&source("d.yml", "stack: a\n"), &digits).unwrap();
    assert_eq!(out, format!("stack: a\nid: \"{digits}\"\n"));
    assert!(with_id(&source("d.yml", "- a\n"), &id).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_makes_a_parser_panic(text in "\\PC*|[-:\\[\\]{}#&*!|>'\"%@`,?a-z0-9 \t\r\n=.\u{feff}]{0,200}") {
        for name in ["f.yml", "f.toml", "f.json"] {
            let _ = read(name, &text);
            let _ = with_id(&source(name, &text), &crate::base::StackId::new("ab"));
        }
    }
}

#[test]
fn a_merge_that_nobody_decided_is_told() {
    let mut d = Diagnostics::new();
    let text = "a: 1\n<<<<<<< yours\nb: 2\n=======\nb: 3\n>>>>>>> newer template\n";
    assert!(parse(&source("f.yml", text), &mut d).is_none());
    let said = d.sorted();
    assert_eq!(said.len(), 1);
    assert!(said[0].help[0].contains("between <<<<<<< and >>>>>>>"));
}

#[test]
fn a_tab_is_shown_where_it_stands() {
    for (text, at) in [
        ("a: 1\nb:\n\tc: 1\n", "3:1"),
        ("a:\n  b: 1\n\tc: 1\n", "3:1"),
        ("a:\n- x\n-\ty: 1\n\tz: 2\n", "4:1"),
        ("a:\n  - b: 1\n  \tc: 1\nd: 1\n", "3:3"),
        ("x: 1\n\ny:\n\n\tz: 1\n", "5:1"),
    ] {
        let want = format!("E0102 {at} not YAML: a tab at the start of a line");
        assert_eq!(read("f.yml", text), want, "{text:?}");
    }
    assert_eq!(
        read("f.yml", "a: [1,\n\t2]\nb:\tc\n"),
        "{a:[1i1 2i2] b:\"c\"}"
    );
}

#[test]
fn a_setting_is_written_where_it_stands_or_is_missing() {
    let ports = Setting::Ports(9000, 9100);
    for (name, text, want) in [
        (
            "d.yml",
            "# a\nstack: acme # ours\nsite: []\n",
            "# a\nstack: acme # ours\nports: {from: 9000, to: 9100}\nsite: []\n",
        ),
        (
            "d.yml",
            "stack: a\nports: {from: 8100, to: 8999} # b\nsite: []\n",
            "stack: a\nports: {from: 9000, to: 9100} # b\nsite: []\n",
        ),
        (
            "d.yml",
            "ports:\n  # first\n  from: 8100 # c\n  to: 8999\nsite:\n  - label: a\n",
            "ports:\n  # first\n  from: 9000 # c\n  to: 9100\nsite:\n  - label: a\n",
        ),
        (
            "d.yml",
            "stack: a\nports: {start: 1, end: 2}\n",
            "stack: a\nports: {from: 9000, to: 9100}\n",
        ),
        (
            "d.yml",
            "stack: a\r\nports:\r\n  to: 8999\r\nsite: []\r\n",
            "stack: a\r\nports:\r\n  {from: 9000, to: 9100}\r\nsite: []\r\n",
        ),
        (
            "d.json",
            "{\n  \"stack\": \"a\",\n  \"ports\": {\"to\": 5}\n}\n",
            "{\n  \"stack\": \"a\",\n  \"ports\": {\"from\": 9000, \"to\": 9100}\n}\n",
        ),
        (
            "d.toml",
            "stack = 'a' # b\n[[site]]\nlabel = 'c'\n",
            "stack = 'a' # b\nports = { from = 9000, to = 9100 }\n[[site]]\nlabel = 'c'\n",
        ),
    ] {
        assert_eq!(
            with_setting(&source(name, text), &ports).as_deref(),
            Ok(want)
        );
    }
    let named = |text: &str, stack: &str| {
        with_setting(&source("d.yml", text), &Setting::Stack(stack.to_owned()))
    };
    assert_eq!(
        named("stack: a # b\nid: 5\n", "c").as_deref(),
        Ok("stack: c # b\nid: 5\n")
    );
    assert_eq!(named("stack: a\n", "12").as_deref(), Ok("stack: \"12\"\n"));
    assert!(named("- a\n", "c").is_err());
    assert!(named("stack: ~\n", "c").is_err());
    assert!(with_setting(&source("d.yml", "stack: a\nports:\n"), &ports).is_err());
}
