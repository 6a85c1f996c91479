//! Files that are made to do harm: each gets an error with its place, soon, and no more memory than there is.

use super::*;
use std::time::{Duration, Instant};

#[path = "../../../tests/support/hostile.rs"]
#[allow(dead_code, reason = "the other samples are read by the program itself")]
mod samples;

use samples::Sample;

/// Enough for what is not linear to show. With the 4 MB that a file may have, none takes over a second and
/// 200 MB in a release.
const MOST: usize = (1 << 20) - 16;

/// Reads a stack; what is said of it first, and how long all of it took.
fn first(sample: &Sample) -> (String, usize, Duration) {
    let folder = Map::new(
        sample
            .files
            .iter()
            .map(|(name, text)| (*name, text.as_str())),
    );
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

#[test]
fn each_is_told_with_its_place() {
    let mut told = String::new();
    for sample in samples::documents(MOST) {
        let what = sample.what;
        let (said, shown, took) = first(&sample);
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
    quotes: E0102 2:1 the quote is not closed
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
