//! Files that are made to do harm: each gets an error with its place, soon, and no more memory than there is.

use super::*;
use std::time::{Duration, Instant};

/// Enough for what is not linear to show. With the 4 MB that a file may have, none takes over a second and
/// 200 MB in a release.
const MOST: usize = (1 << 20) - 16;

/// Reads one file of a stack; what is said of it first, and how long all of it took.
fn first(name: &str, text: String) -> (String, usize, Duration) {
    let mut folder = Map::new([
        ("config/products.yml", "products:\n"),
        ("config/deploy.yml", "stack: acme\n"),
    ]);
    if name.starts_with("config/deploy") {
        folder.0.remove("config/deploy.yml");
    }
    folder.0.insert(name.to_owned(), text);
    let start = Instant::now();
    let mut diagnostics = Diagnostics::new();
    read(&folder, &mut diagnostics);
    let shown = crate::cli::render::diag::human(&diagnostics, false, 80);
    let took = start.elapsed();
    let sorted = diagnostics.sorted();
    let is_error = |one: &&Diagnostic| one.severity == crate::diag::Severity::Error;
    let errors = sorted.iter().copied().filter(is_error);
    let mut all = errors.chain(sorted.iter().copied());
    let placed = all.find_map(|one| Some((one, one.at.as_ref()?)));
    let said = placed.map_or("nothing".to_owned(), |(one, at)| {
        let (line, column) = at.line_column();
        let summary: String = one.summary.chars().take(60).collect();
        format!("{} {line}:{column} {summary}", one.code)
    });
    (said, shown.len(), took)
}

fn bomb() -> String {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..9 {
        let list = vec![format!("*a{}", n - 1); 10].join(", ");
        text.push_str(&format!("a{n}: &a{n} [{list}]\n"));
    }
    text
}

/// A long text that many aliases stand for.
fn heavy() -> String {
    let text = "x".repeat(1 << 20);
    format!("a: &a {text}\nb: [{}]\n", "*a, ".repeat(100_000))
}

/// Anchors within anchors: each keeps a copy of all that is in it.
fn nested_anchors() -> String {
    let mut text = "a: ".to_owned();
    for n in 0..60 {
        text.push_str(&format!("&a{n} ["));
    }
    text.push_str(&"x,".repeat(190_000));
    text + &"]".repeat(60)
}

fn all() -> Vec<(&'static str, &'static str, String)> {
    let yml = "config/deploy.yml";
    let fill = |unit: &str| unit.repeat(MOST / unit.len());
    let numbered = |unit: &dyn Fn(usize) -> String, most: usize| {
        let mut text = String::new();
        let mut n = 0;
        while text.len() < MOST - 100 && n < most {
            text.push_str(&unit(n));
            n += 1;
        }
        text
    };
    vec![
        ("alias bomb", yml, bomb()),
        ("heavy aliases", yml, heavy()),
        ("nested anchors", yml, nested_anchors()),
        ("flow lists", yml, fill("[")),
        ("flow tables", yml, fill("{a: ")),
        ("block lists", yml, fill("- ")),
        ("block tables", yml, fill("? ")),
        ("keys in a line", yml, fill("a: ")),
        ("anchors", yml, fill("&a ")),
        ("tags", yml, fill("!a ")),
        ("aliases of nothing", yml, fill("*a ")),
        ("percents", yml, fill("%a b\n")),
        ("documents", yml, fill("---\n")),
        ("comments", yml, fill("# x\n")),
        ("one word", yml, fill("x")),
        ("one quote", yml, format!("a: \"{}", fill("x"))),
        (
            "escapes",
            yml,
            format!("a: \"{}\"", "\\x41".repeat(1_000_000)),
        ),
        ("blanks", yml, fill(" ")),
        ("tabs", yml, fill("\t")),
        ("lines", yml, fill("\n")),
        ("a literal", yml, format!("a: |\n{}", fill(" x\n"))),
        (
            "indents",
            yml,
            numbered(&|n| format!("{}a:\n", " ".repeat(n)), 3000),
        ),
        ("many values", yml, format!("a: [{}]", fill("1,"))),
        (
            "many keys",
            yml,
            numbered(&|n| format!("k{n}: 1\n"), 190_000),
        ),
        (
            "one key often",
            yml,
            numbered(&|_| "k: 1\n".to_owned(), 190_000),
        ),
        (
            "many sites",
            yml,
            format!(
                "stack: a\nsite:\n{}",
                numbered(&|_| "- {a: 1}\n".to_owned(), 60_000)
            ),
        ),
        ("a long key", yml, format!("{}: 1\n", "k".repeat(1000))),
        (
            "a long image",
            yml,
            format!(
                "stack: a\nsite:\n- {{label: a, image: {}}}\n",
                "k".repeat(1 << 20)
            ),
        ),
        ("zero bytes", yml, fill("\0")),
        ("json lists", "config/deploy.json", fill("[")),
        ("json tables", "config/deploy.json", fill("{\"a\":")),
        (
            "json closed lists",
            "config/deploy.json",
            format!("{}{}", "[".repeat(1 << 20), "]".repeat(1 << 20)),
        ),
        (
            "json keys",
            "config/deploy.json",
            format!(
                "{{{}\"z\":1}}",
                numbered(&|n| format!("\"k{n}\":1,"), 190_000)
            ),
        ),
        (
            "json one line often",
            "config/deploy.json",
            format!(
                "{{{}\"z\":1}}",
                numbered(&|_| "\"k\":1,".to_owned(), 190_000)
            ),
        ),
        (
            "json text",
            "config/deploy.json",
            format!("\"{}", fill("\\\"")),
        ),
        (
            "toml lists",
            "config/deploy.toml",
            format!("a={}", fill("[")),
        ),
        (
            "toml tables",
            "config/deploy.toml",
            format!("a={}", fill("{a=")),
        ),
        (
            "toml dots",
            "config/deploy.toml",
            format!("{}a=1", fill("a.")),
        ),
        (
            "toml heads",
            "config/deploy.toml",
            format!("[{}a]", fill("a.")),
        ),
        (
            "toml keys",
            "config/deploy.toml",
            numbered(&|n| format!("k{n}=1\n"), 90_000),
        ),
        (
            "toml tables often",
            "config/deploy.toml",
            numbered(&|_| "[[a]]\n".to_owned(), 140_000),
        ),
        (
            "variables",
            "config/services.env",
            numbered(&|n| format!("K{n}=1\n"), 1_000_000),
        ),
        (
            "one variable",
            "config/services.env",
            numbered(&|_| "K=1\n".to_owned(), 1_000_000),
        ),
        (
            "growing",
            "config/services.env",
            format!(
                "A0=xxxxxxxxxx\n{}",
                numbered(
                    &|n| format!("A{}={}\n", n + 1, format!("${{A{n}}}").repeat(10)),
                    20
                )
            ),
        ),
        ("no variables", "config/services.env", fill("=\n")),
        ("open quotes", "config/services.env", fill("A='\nB=\"\n")),
        (
            "users",
            "config/credentials.csv",
            format!("username,password,email\n{}", fill("a,b,c\n")),
        ),
        ("commas", "config/credentials.csv", fill(",")),
        (
            "quotes",
            "config/credentials.csv",
            format!("username,password,email\n{}", fill("\"a\nb\",\n")),
        ),
    ]
}

#[test]
fn each_is_told_with_its_place() {
    let mut told = String::new();
    for (what, name, text) in all() {
        let (said, shown, took) = first(name, text);
        // In a release it is a tenth of a second; this is where something is not linear.
        assert!(took < Duration::from_secs(20), "{what} took {took:?}");
        assert!(shown < 300_000, "{what} shows {shown} bytes");
        told.push_str(&format!("{what}: {said}\n"));
        println!("{what}: {said} {took:?} {shown}");
    }
    insta::assert_snapshot!(told, @r"
    alias bomb: E0108 5:9 `config/deploy.yml` has more than 200,000 values, aliases in
    heavy aliases: E0108 2:57 `config/deploy.yml` has more than 16 MB of text, aliases inc
    nested anchors: E0108 1:353 `config/deploy.yml` has more than 200,000 values, aliases in
    flow lists: E0102 1:65 not YAML: recursion limit exceeded
    flow tables: E0102 1:257 not YAML: recursion limit exceeded
    block lists: E0102 1:129 not YAML: recursion limit exceeded
    block tables: E0102 1:129 not YAML: recursion limit exceeded
    keys in a line: E0102 1:5 not YAML: mapping values are not allowed in this context
    anchors: E0102 1:4 not YAML: did not find expected <document start>
    tags: E0102 1:1 a tag that coasti does not know
    aliases of nothing: E0102 1:1 not YAML: while parsing node, found unknown anchor
    percents: E0102 209712:4 not YAML: did not find expected <document start>
    documents: E0102 2:1 a second document in one file
    comments: E0107 1:1 `config/deploy.yml` says nothing
    one word: E0105 1:1 the file must be a table
    one quote: E0102 1:4 not YAML: unclosed quote
    escapes: E0104 1:1 unknown key `a`
    blanks: E0107 1:1 `config/deploy.yml` says nothing
    tabs: E0107 1:1 `config/deploy.yml` says nothing
    lines: E0107 1:1 `config/deploy.yml` says nothing
    a literal: E0104 1:1 unknown key `a`
    indents: E0102 65:65 not YAML: recursion limit exceeded
    many values: E0108 1:399999 `config/deploy.yml` has more than 200,000 values, aliases in
    many keys: E0108 100000:9 `config/deploy.yml` has more than 200,000 values, aliases in
    one key often: E0108 100000:4 `config/deploy.yml` has more than 200,000 values, aliases in
    many sites: E0107 3:3 a site has no `image`
    a long key: E0104 1:1 unknown key `kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk
    a long image: E0118 3:21 no product is called `kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk
    zero bytes: E0102 1:1 the file contains a zero byte
    json lists: E0102 1:1048560 not JSON: EOF while parsing a list
    json tables: E0102 1:1048560 not JSON: EOF while parsing a value
    json closed lists: E0102 1:66 nested too deeply
    json keys: E0107 1:1 the file has no `stack`
    json one line often: E0103 1:8 `k` stands twice
    json text: E0102 1:1048561 not JSON: EOF while parsing a string
    toml lists: E0102 1:83 not TOML: cannot recurse further; max recursion depth met
    toml tables: E0102 1:243 not TOML: cannot recurse further; max recursion depth met
    toml dots: E0102 1:1 not TOML: recursion limit
    toml heads: E0102 1:1 not TOML: recursion limit
    toml keys: E0104 1:1 unknown key `k0`
    toml tables often: E0107 1:1 the file has no `stack`
    variables: E0108 10001:1 `config/services.env` has more than 10,000 variables
    one variable: E0103 2:1 `K` stands twice
    growing: E0108 5:4 what stands above makes this value too long
    no variables: E0174 1:1 this is no variable
    open quotes: E0103 7:1 `A` stands twice
    users: E0108 20001:1 `config/credentials.csv` has more than 20,000 lines
    commas: E0107 1:1 the first line does not name the columns
    quotes: E0108 40000:1 `config/credentials.csv` has more than 20,000 lines
    ");
}

#[test]
fn marks_and_line_ends_do_not_matter() {
    let app = "image: acme/wiki:1\nenv: {A: 'b'}\n";
    let deploy = "version: 1\nstack: acme\nsite:\n- label: a\n  image: wiki\n";
    let plain = sealed(&Map::wiki(app, deploy), &World::new()).stack;
    let windows = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let (app, deploy) = (windows(app), windows(deploy));
    let mut folder = Map::wiki(&app, &deploy);
    let products = windows("version: 1\nproducts:\n- id: wiki\n");
    folder.0.insert("config/products.yml".into(), products);
    folder
        .0
        .insert("config/services.env".into(), windows("HOSTNAME='a.org'\n"));
    let users = windows("username,password,email\na,kuchen-im-regen,a@b.org\n");
    folder.0.insert("config/credentials.csv".into(), users);
    let mut diagnostics = Diagnostics::new();
    assert!(read(&folder, &mut diagnostics).is_some());
    assert_eq!(lines(&diagnostics), "");
    assert_eq!(sealed(&folder, &World::new()).stack, plain);

    // Places are those of the text without the mark.
    let text = windows("version: 1\nstack: acme\nsites: []\n");
    folder.0.insert("config/deploy.yml".into(), text);
    read(&folder, &mut diagnostics);
    assert!(
        lines(&diagnostics).starts_with("E0104 config/deploy.yml:3:1 unknown key `sites`"),
        "{}",
        lines(&diagnostics)
    );
}
