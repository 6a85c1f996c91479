//! Files that are made to do harm. The library's own tests read them in memory, those from outside with the
//! program.

/// Files of a stack, one of which is made to do harm.
pub(crate) struct Sample {
    /// What it does.
    pub(crate) what: &'static str,
    /// Paths and texts.
    pub(crate) files: Vec<(&'static str, String)>,
}

/// One file, beside as little as a stack needs.
fn sample(what: &'static str, name: &'static str, text: String) -> Sample {
    let mut files = vec![("config/products.yml", "products:\n".to_owned())];
    if !name.starts_with("config/deploy") {
        files.push(("config/deploy.yml", "stack: acme\n".to_owned()));
    }
    files.push((name, text));
    Sample { what, files }
}

/// A site that runs a product which is a compose file, with one laid over it and one of its variables.
fn composed(what: &'static str, compose: String, over: String, env: String) -> Sample {
    let own = |text: &str| text.to_owned();
    Sample {
        what,
        files: vec![
            ("config/products.yml", own("products:\n- id: a\n")),
            (
                "config/deploy.yml",
                own("version: 1\nstack: acme\nsite:\n- {label: a, image: a}\n"),
            ),
            (
                "products/a/info.yml",
                own("run: {compose: compose.yml, files: [over.yml], env-file: a.env}\n"),
            ),
            ("products/a/compose.yml", compose),
            ("products/a/over.yml", over),
            ("products/a/a.env", env),
        ],
    }
}

/// Sites that run a product.
fn sites(what: &'static str, app: String, deploy: String) -> Sample {
    let own = |text: &str| text.to_owned();
    Sample {
        what,
        files: vec![
            ("config/products.yml", own("products:\n- id: a\n")),
            (
                "config/deploy.yml",
                format!("version: 1\nstack: acme\nsite:\n{deploy}"),
            ),
            ("products/a/nua-config.yml", app),
        ],
    }
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

/// One file each, those that fill it with so many bytes.
pub(crate) fn documents(most: usize) -> Vec<Sample> {
    let yml = "config/deploy.yml";
    let fill = |unit: &str| unit.repeat(most / unit.len());
    let numbered = |unit: &dyn Fn(usize) -> String, count: usize| {
        let mut text = String::new();
        let mut n = 0;
        while n < count {
            let next = unit(n);
            if text.len() + next.len() > most {
                break;
            }
            text.push_str(&next);
            n += 1;
        }
        text
    };
    vec![
        sample("alias bomb", yml, bomb()),
        sample("heavy aliases", yml, heavy()),
        sample("nested anchors", yml, nested_anchors()),
        sample("flow lists", yml, fill("[")),
        sample("flow tables", yml, fill("{a: ")),
        sample("block lists", yml, fill("- ")),
        sample("block tables", yml, fill("? ")),
        sample("keys in a line", yml, fill("a: ")),
        sample("anchors", yml, fill("&a ")),
        sample("tags", yml, fill("!a ")),
        sample("aliases of nothing", yml, fill("*a ")),
        sample("percents", yml, fill("%a b\n")),
        sample("documents", yml, fill("---\n")),
        sample("comments", yml, fill("# x\n")),
        sample("one word", yml, fill("x")),
        sample("one quote", yml, format!("a: \"{}", fill("x"))),
        sample(
            "escapes",
            yml,
            format!("a: \"{}\"", "\\x41".repeat(1_000_000)),
        ),
        sample("blanks", yml, fill(" ")),
        sample("tabs", yml, fill("\t")),
        sample("lines", yml, fill("\n")),
        sample("a literal", yml, format!("a: |\n{}", fill(" x\n"))),
        sample(
            "indents",
            yml,
            numbered(&|n| format!("{}a:\n", " ".repeat(n)), 3000),
        ),
        sample("many values", yml, format!("a: [{}]", fill("1,"))),
        sample(
            "many keys",
            yml,
            numbered(&|n| format!("k{n}: 1\n"), 190_000),
        ),
        sample(
            "one key often",
            yml,
            numbered(&|_| "k: 1\n".to_owned(), 190_000),
        ),
        sample(
            "many sites",
            yml,
            format!(
                "stack: a\nsite:\n{}",
                numbered(&|_| "- {a: 1}\n".to_owned(), 60_000)
            ),
        ),
        sample("a long key", yml, format!("{}: 1\n", "k".repeat(1000))),
        sample(
            "a long image",
            yml,
            format!(
                "stack: a\nsite:\n- {{label: a, image: {}}}\n",
                "k".repeat(1 << 20)
            ),
        ),
        sample("zero bytes", yml, fill("\0")),
        sample("json lists", "config/deploy.json", fill("[")),
        sample("json tables", "config/deploy.json", fill("{\"a\":")),
        sample(
            "json closed lists",
            "config/deploy.json",
            format!("{}{}", "[".repeat(1 << 20), "]".repeat(1 << 20)),
        ),
        sample(
            "json keys",
            "config/deploy.json",
            format!(
                "{{{}\"z\":1}}",
                numbered(&|n| format!("\"k{n}\":1,"), 190_000)
            ),
        ),
        sample(
            "json one line often",
            "config/deploy.json",
            format!(
                "{{{}\"z\":1}}",
                numbered(&|_| "\"k\":1,".to_owned(), 190_000)
            ),
        ),
        sample(
            "json text",
            "config/deploy.json",
            format!("\"{}", fill("\\\"")),
        ),
        sample(
            "toml lists",
            "config/deploy.toml",
            format!("a={}", fill("[")),
        ),
        sample(
            "toml tables",
            "config/deploy.toml",
            format!("a={}", fill("{a=")),
        ),
        sample(
            "toml dots",
            "config/deploy.toml",
            format!("{}a=1", fill("a.")),
        ),
        sample(
            "toml heads",
            "config/deploy.toml",
            format!("[{}a]", fill("a.")),
        ),
        sample(
            "toml keys",
            "config/deploy.toml",
            numbered(&|n| format!("k{n}=1\n"), 90_000),
        ),
        sample(
            "toml tables often",
            "config/deploy.toml",
            numbered(&|_| "[[a]]\n".to_owned(), 140_000),
        ),
        sample(
            "variables",
            "config/services.env",
            numbered(&|n| format!("K{n}=1\n"), 1_000_000),
        ),
        sample(
            "one variable",
            "config/services.env",
            numbered(&|_| "K=1\n".to_owned(), 1_000_000),
        ),
        sample(
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
        sample("no variables", "config/services.env", fill("=\n")),
        sample("open quotes", "config/services.env", fill("A='\nB=\"\n")),
        sample(
            "users",
            "config/credentials.csv",
            format!("username,password,email\n{}", fill("a,b,c\n")),
        ),
        sample("commas", "config/credentials.csv", fill(",")),
        sample(
            "quotes",
            "config/credentials.csv",
            format!("username,password,email\n{}", fill("\"a\nb\",\n")),
        ),
    ]
}

/// All samples.
pub(crate) fn all(most: usize) -> Vec<Sample> {
    let fill = |unit: &str| unit.repeat(most / unit.len());
    let numbered = |unit: &dyn Fn(usize) -> String, count: usize| {
        let mut text = String::new();
        let mut n = 0;
        while n < count {
            let next = unit(n);
            if text.len() + next.len() > most {
                break;
            }
            text.push_str(&next);
            n += 1;
        }
        text
    };
    let mut all = documents(most);
    let one = "services: {a: {image: 'a/b:1'}}\n".to_owned();
    let none = || "services: {}\n".to_owned();
    let twice = |what: &'static str, line: &dyn Fn(usize) -> String| {
        let service = |text: String| format!("services:\n  a:\n    image: a/b:1\n{text}");
        let text = numbered(line, 190_000);
        composed(what, service(text.clone()), service(text), String::new())
    };
    let key = |n: usize| match n {
        0 => "    environment:\n".to_owned(),
        n => format!("      k{n}: 1\n"),
    };
    let item = |n: usize| match n {
        0 => "    cap_add:\n".to_owned(),
        n => format!("    - k{n}\n"),
    };
    let growing = |n: usize| match n {
        0 => format!("A0={}\n", "x".repeat(most.min(900_000) / 2)),
        n => format!("A{n}=${{A0}}\n"),
    };
    let doubling = |n: usize| match n {
        0 => "env:\n  A0: xx\n".to_owned(),
        n => format!("  A{n}: \"{{A{0}}}{{A{0}}}\"\n", n - 1),
    };
    let site = |n: usize| format!("- {{label: s{n}, image: a}}\n");
    all.extend([
        twice("compose keys laid over keys", &key),
        twice("compose items laid over items", &item),
        composed(
            "compose services",
            numbered(
                &|n| match n {
                    0 => "services:\n".to_owned(),
                    n => format!("  s{n}: {{image: 'a/b:1'}}\n"),
                },
                60_000,
            ),
            none(),
            String::new(),
        ),
        composed(
            "compose replicas",
            numbered(
                &|n| match n {
                    0 => "services:\n".to_owned(),
                    n => format!("  s{n}: {{image: 'a/b:1', scale: 1000}}\n"),
                },
                60_000,
            ),
            none(),
            String::new(),
        ),
        composed(
            "compose needs",
            numbered(
                &|n| match n {
                    0 => "services:\n".to_owned(),
                    n => format!("  s{n}: {{image: 'a/b:1', depends_on: [s{}]}}\n", n + 1),
                },
                40_000,
            ),
            none(),
            String::new(),
        ),
        composed(
            "compose variables",
            one.clone(),
            none(),
            numbered(&growing, 9_000),
        ),
        composed(
            "compose filled in",
            format!(
                "services:\n  a:\n    image: a/b:1\n    command: [{}]\n",
                "'$A',".repeat(most / 10)
            ),
            none(),
            format!("A={}\n", "x".repeat(most.min(900_000) / 2)),
        ),
        composed(
            "compose braces",
            format!("services: {{a: {{image: '{}'}}}}\n", fill("${A:-")),
            none(),
            String::new(),
        ),
        composed(
            "compose dollars",
            format!("services: {{a: {{image: '{}'}}}}\n", fill("$A")),
            none(),
            "A=1\n".to_owned(),
        ),
        composed(
            "compose aliases",
            bomb().replace("a8:", "x-a:"),
            none(),
            String::new(),
        ),
        sites(
            "metadata that grows",
            format!(
                "metadata: {{id: a, title: '{}', tagline: '{}', license: '{}'}}\nimage: 'a/b:{{title}}'\n",
                "{tagline}".repeat(most / 40),
                "{license}".repeat(most / 40),
                "{id}".repeat(most / 40)
            ),
            site(0),
        ),
        composed(
            "compose variables that are not set",
            format!(
                "services:\n  a:\n    image: a/b:1\n    command: [{}]\n",
                numbered(&|n| format!("$X{n}, "), 190_000)
            ),
            none(),
            numbered(&|n| format!("Y{n}=1\n"), 9_000),
        ),
        sites(
            "templates that double",
            "image: a/b:1\n".to_owned() + &numbered(&doubling, 60),
            site(0),
        ),
        sites(
            "templates in a chain",
            "image: a/b:1\n".to_owned()
                + &numbered(
                    &|n| match n {
                        0 => "env:\n  A0: xx\n".to_owned(),
                        n => format!("  A{n}: \"{{A{}}}\"\n", n - 1),
                    },
                    100_000,
                ),
            site(0),
        ),
        sites(
            "a template of braces",
            format!("image: a/b:1\nenv: {{A: '{}'}}\n", fill("{{")),
            site(0),
        ),
        sites(
            "sites",
            "image: a/b:1\n".to_owned(),
            numbered(&site, 60_000),
        ),
        sites(
            "sites with variables",
            "image: a/b:1\n".to_owned()
                + &numbered(
                    &|n| match n {
                        0 => "env:\n".to_owned(),
                        n => format!("  A{n}: x\n"),
                    },
                    100_000,
                ),
            numbered(&site, 60_000),
        ),
        sites(
            "sites with providers",
            "image: a/b:1\n".to_owned()
                + &numbered(
                    &|n| match n {
                        0 => "provider:\n".to_owned(),
                        n => format!("- {{name: p{n}, image: 'a/b:1'}}\n"),
                    },
                    40_000,
                ),
            numbered(&site, 60_000),
        ),
        sites(
            "sites with volumes",
            "image: a/b:1\n".to_owned()
                + &numbered(
                    &|n| match n {
                        0 => "volume:\n".to_owned(),
                        n => format!("- {{name: v{n}, target: /v{n}}}\n"),
                    },
                    40_000,
                ),
            site(0),
        ),
        sites(
            "sites of one label",
            "image: a/b:1\n".to_owned(),
            numbered(&|_| site(0), 60_000),
        ),
    ]);
    all.extend(crowded(most));
    all.extend(long_words());
    all
}

/// A line of each number, as many as a file of `most` bytes takes, at most `count`.
fn lines(most: usize, count: usize, line: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for n in 0..count {
        let line = line(n);
        if text.len() + line.len() + 100 > most {
            break;
        }
        text.push_str(&line);
    }
    text
}

/// Nearly as much of each as a stack may have: what is compared with all others shows.
fn crowded(most: usize) -> Vec<Sample> {
    const APP: &str = "image: a/b:1\n";
    let app = |text: &str| APP.to_owned() + text;
    let many = |count: usize, line: &dyn Fn(usize) -> String| lines(most, count, line);
    let site = |what: &'static str, rest: &dyn Fn(usize) -> String| {
        let line = |n: usize| format!("- {{label: s{n}, image: a{}}}\n", rest(n));
        sites(what, app(""), many(1_900, &line))
    };
    let one = |what: &'static str, rest: &str, app: String| {
        let deploy = format!("- {{label: a, image: a{rest}}}\n");
        sites(what, app, deploy)
    };
    let services = |what: &'static str, count: usize, line: &dyn Fn(usize) -> String| {
        let text = "services:\n".to_owned() + &many(count, line);
        composed(what, text, "services: {}\n".to_owned(), String::new())
    };
    let in_service = |what: &'static str, head: &str, line: &dyn Fn(usize) -> String| {
        let text = format!("services:\n  a:\n    image: a/b:1\n    {head}:\n");
        let text = text + &many(190_000, line);
        composed(what, text, "services: {}\n".to_owned(), String::new())
    };
    let product = |what: &'static str, line: &dyn Fn(usize) -> String| Sample {
        what,
        files: vec![
            (
                "config/products.yml",
                "products:\n".to_owned() + &many(900, line),
            ),
            (
                "config/deploy.yml",
                "version: 1\nstack: acme\nsite:\n".to_owned()
                    + &many(1_900, &|n| {
                        format!("- {{label: s{n}, image: product-{n}-x}}\n")
                    }),
            ),
        ],
    };
    let everywhere = |key: &'static str| move |_: usize| format!(", {key}");
    vec![
        site("crowd", &|_| String::new()),
        site("crowd at one domain", &everywhere("domain: a.org")),
        site("crowd at paths of one domain", &|n| {
            format!(", domain: a.org/{n}")
        }),
        site("crowd at paths within paths", &|n| {
            format!(", domain: 'a.org/{}'", "a/".repeat(n % 100))
        }),
        site(
            "crowd at one port",
            &everywhere("port: {web: {container: 80, host: 8200}}"),
        ),
        site("crowd at ports", &|n| {
            format!(", port: {{web: {{container: 80, host: {}}}}}", n + 10_000)
        }),
        site(
            "crowd at any port",
            &everywhere("port: {web: {container: 80, host: auto}}"),
        ),
        site(
            "crowd at any port of a range",
            &everywhere("port: {web: {container: 80, host: auto}, b: {container: 81, host: auto}}"),
        ),
        site(
            "crowd at one volume",
            &everywhere("volume: [{name: {name: one, external: true}, target: /data}]"),
        ),
        site(
            "crowd with an outer volume",
            &everywhere("volume: [{name: one, external: true, target: /data}]"),
        ),
        site(
            "crowd at one folder",
            &everywhere("volume: [{type: bind, source: /srv/a, target: /data}]"),
        ),
        site("crowd with volumes", &|n| {
            format!(", volume: [{{name: v{n}, target: /data}}, {{name: w, target: /b}}]")
        }),
        site("crowd that was", &|n| format!(", was: t{n}")),
        site("crowd that was one", &everywhere("was: old")),
        site("crowd that was each other", &|n| {
            format!(", was: s{}", n + 1)
        }),
        site("crowd that adopts", &|n| format!(", adopt: other{n}")),
        site("crowd that adopts one", &everywhere("adopt: other")),
        site("crowd with a wrong key", &everywhere("imago: x")),
        site(
            "crowd with wrong values",
            &everywhere("port: 7, volume: 8, env: 9, update: 1"),
        ),
        site(
            "crowd with a secret",
            &everywhere("env: {A: {secret: none}}"),
        ),
        site("crowd with secrets", &|n| {
            format!(", env: {{A: {{secret: s{n}}}}}")
        }),
        site(
            "crowd with generated values",
            &everywhere("env: {A: {random: true}, B: {random: true}}"),
        ),
        site(
            "crowd with databases",
            &everywhere(
                "provider: [{name: db, module-name: postgres, module-version: '>=10,<99'}]",
            ),
        ),
        site("crowd with unknown names", &|n| {
            format!(", env: {{A: '{{NO{n}}}'}}")
        }),
        site(
            "crowd of one long domain",
            &everywhere(
                "domain: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example.org",
            ),
        ),
        site(
            "crowd with files",
            &everywhere("healthcheck: {command: 'true', interval: 1s}"),
        ),
        one(
            "one adopts many",
            &format!(
                ", adopt: {{{}}}",
                many(45_000, &|n| format!("a{n}: b{n}, "))
            ),
            app(""),
        ),
        one(
            "providers that are adopted",
            &format!(
                ", adopt: {{{}}}",
                lines(most / 2, 1_900, |n| format!("p{n}: b{n}, "))
            ),
            app("provider:\n") + &many(1_900, &|n| format!("- {{name: p{n}, image: 'a/b:1'}}\n")),
        ),
        one(
            "providers laid over",
            &format!(
                ", provider: [{}]",
                lines(most / 2, 1_900, |n| format!(
                    "{{name: p{n}, env: {{A: b}}}}, "
                ))
            ),
            app("provider:\n") + &many(1_900, &|n| format!("- {{name: p{n}, image: 'a/b:1'}}\n")),
        ),
        one(
            "volumes laid over",
            &format!(
                ", volume: [{}]",
                lines(most, 900, |n| format!("{{name: w{n}, target: /v{n}}}, "))
            ),
            app("volume:\n") + &many(900, &|n| format!("- {{name: v{n}, target: /v{n}}}\n")),
        ),
        one(
            "folders within folders",
            "",
            app("volume:\n")
                + &many(900, &|n| {
                    let path = "/a".repeat(1 + n % 500);
                    format!("- {{name: v{n}, target: {path}/{n}}}\n")
                }),
        ),
        one(
            "folders of the host",
            "",
            app("volume:\n")
                + &many(900, &|n| {
                    format!("- {{type: bind, source: /srv/{n}, target: /v{n}}}\n")
                }),
        ),
        one(
            "ports of one",
            "",
            app("port:\n")
                + &many(900, &|n| {
                    format!("  p{n}: {{container: {}}}\n", n % 65_000 + 1)
                }),
        ),
        one(
            "ports of one that are given",
            "",
            app("port:\n")
                + &many(900, &|n| {
                    format!("  p{n}: {{container: {0}, host: {0}}}\n", n % 65_000 + 1)
                }),
        ),
        one(
            "one name often",
            "",
            app("env:\n  A0: x\n") + &many(45_000, &|n| format!("  A{}: '{{A0}}'\n", n + 1)),
        ),
        one(
            "names that are not there",
            "",
            app("env:\n") + &many(45_000, &|n| format!("  A{n}: '{{B{n}}}'\n")),
        ),
        one(
            "names in a circle",
            "",
            app("env:\n") + &many(45_000, &|n| format!("  A{n}: '{{A{}}}'\n", n + 1)) + "  Z: x\n",
        ),
        one(
            "names in circles",
            "",
            app("env:\n") + &many(45_000, &|n| format!("  A{n}: '{{A{}}}'\n", n ^ 1)),
        ),
        one(
            "metadata that is used",
            "",
            format!(
                "metadata: {{id: a, title: x}}\nimage: 'a/b:1'\nenv:\n{}",
                many(45_000, &|n| format!("  A{n}: '{{title}}{{id}}'\n"))
            ),
        ),
        one(
            "much metadata",
            "",
            format!(
                "metadata:\n  id: a\n{}image: 'a/b:1'\nenv:\n{}",
                lines(most / 2, 20_000, |n| format!("  m{n}: x\n")),
                lines(most / 2, 20_000, |n| format!("  A{n}: '{{m{n}}}'\n"))
            ),
        ),
        one(
            "providers that need each other",
            "",
            app("provider:\n")
                + &many(1_900, &|n| {
                    format!(
                        "- {{name: p{n}, image: 'a/b:1', env: {{A: {{from: p{}, key: A}}}}}}\n",
                        n + 1
                    )
                }),
        ),
        one(
            "values of providers that are not there",
            "",
            app("env:\n") + &many(45_000, &|n| format!("  A{n}: {{from: p{n}, key: B}}\n")),
        ),
        one(
            "values of one provider",
            "",
            app("provider: [{name: db, module-name: postgres}]\nenv:\n")
                + &many(45_000, &|n| format!("  A{n}: {{from: db, key: NO{n}}}\n")),
        ),
        one(
            "many secrets",
            "",
            app("env:\n") + &many(45_000, &|n| format!("  A{n}: {{secret: s{n}}}\n")),
        ),
        one(
            "a long version",
            "",
            app(&format!(
                "provider: [{{name: db, module-name: postgres, module-version: '{}'}}]\n",
                ">=1,".repeat(most / 5)
            )),
        ),
        one(
            "a command of words",
            "",
            app(&format!(
                "docker: {{command: '{}'}}\n",
                "a ".repeat(most / 3)
            )),
        ),
        one(
            "a command of quotes",
            "",
            app(&format!(
                "docker: {{command: \"{}\"}}\n",
                "''".repeat(most / 3)
            )),
        ),
        one(
            "a command in a list",
            "",
            app(&format!(
                "docker: {{command: [{}]}}\n",
                many(45_000, &|n| format!("a{n}, "))
            )),
        ),
        one(
            "options",
            "",
            app("docker:\n") + &many(45_000, &|n| format!("  o{n}: x\n")),
        ),
        one(
            "labels",
            "",
            app("docker:\n  labels:\n") + &many(45_000, &|n| format!("    o{n}: x\n")),
        ),
        product("products", &|n| format!("- id: product-{n}\n")),
        product("products of one id", &|_| "- id: a\n".to_owned()),
        product("products of one folder", &|n| {
            format!("- {{id: p{n}, dst_path: products/a}}\n")
        }),
        product("wrong products", &|n| format!("- {{id: p{n}, rope: x}}\n")),
        services("services", 1_900, &|n| {
            format!("  s{n}: {{image: 'a/b:1', environment: {{A: x, B: y, C: z}}}}\n")
        }),
        services("services that need all before", 1_900, &|n| {
            format!(
                "  s{n}: {{image: 'a/b:1', depends_on: [{}]}}\n",
                (n.saturating_sub(30)..n)
                    .map(|n| format!("s{n}"))
                    .collect::<Vec<_>>()
                    .join(", ")
            )
        }),
        services("services in a circle", 1_900, &|n| {
            format!(
                "  s{n}: {{image: 'a/b:1', depends_on: [s{}]}}\n",
                (n + 1) % 1_900
            )
        }),
        services("services that need what is not there", 8_000, &|n| {
            format!("  s{n}: {{image: 'a/b:1', depends_on: [t{n}]}}\n")
        }),
        services("services of volumes that are not there", 8_000, &|n| {
            format!("  s{n}: {{image: 'a/b:1', volumes: ['v{n}:/a']}}\n")
        }),
        services("services of networks that are not there", 8_000, &|n| {
            format!("  s{n}: {{image: 'a/b:1', networks: [v{n}]}}\n")
        }),
        services("services of configs that are not there", 8_000, &|n| {
            format!("  s{n}: {{image: 'a/b:1', configs: [v{n}]}}\n")
        }),
        services("services with a wrong key", 8_000, &|n| {
            format!("  s{n}: {{image: 'a/b:1', imago: [v{n}]}}\n")
        }),
        services("services at one port", 1_900, &|n| {
            format!("  s{n}: {{image: 'a/b:1', ports: ['8200:80']}}\n")
        }),
        services("services at all ports", 200, &|n| {
            format!("  s{n}: {{image: 'a/b:1', ports: ['1-65535:1-65535']}}\n")
        }),
        services("services that extend the one before", 1_900, &|n| match n {
            0 => "  s0: {image: 'a/b:1', environment: {A: x}}\n".to_owned(),
            n => format!(
                "  s{n}: {{extends: {{service: s{}}}, environment: {{A{n}: x}}}}\n",
                n - 1
            ),
        }),
        services("services that extend one", 8_000, &|n| match n {
            0 => format!(
                "  s0: {{image: 'a/b:1', environment: {{{}}}}}\n",
                lines(most / 2, 1_000, |n| format!("A{n}: x, "))
            ),
            n => format!("  s{n}: {{extends: {{service: s0}}}}\n"),
        }),
        services("replicas", 5, &|n| {
            let env = lines(most / 5, 38, |n| format!("A{n}: x, "));
            format!("  s{n}: {{image: 'a/b:1', scale: 380, environment: {{{env}}}}}\n")
        }),
        services("replicas of one address", 4, &|n| {
            format!(
                "  s{n}: {{image: 'a/b:1', scale: 1000, ports: ['8000-9000:80'], dns: [10.0.0.1]}}\n"
            )
        }),
        services("services of long commands", 1_000, &|n| {
            format!(
                "  s{n}: {{image: 'a/b:1', command: '{}'}}\n",
                "a ".repeat(50_000)
            )
        }),
        services("services of long words", 1_000, &|n| {
            format!(
                "  s{n}: {{image: 'a/b:1', command: '{}'}}\n",
                "a".repeat(100_000)
            )
        }),
        services("services that are built", 1_900, &|n| {
            format!("  s{n}: {{build: .}}\n")
        }),
        services("replicas that cannot be counted", 1, &|_| {
            "  s: {image: 'a/b:1', scale: 4000000000}\n".to_owned()
        }),
        services("env files", 1, &|_| {
            format!(
                "  s: {{image: 'a/b:1', env_file: [{}]}}\n",
                lines(most, 60_000, |_| "a.env, ".to_owned())
            )
        }),
        services("env files that are not there", 1, &|_| {
            format!(
                "  s: {{image: 'a/b:1', env_file: [{}]}}\n",
                lines(most, 190_000, |n| format!("b{n}.env, "))
            )
        }),
        services("includes", 1, &|_| {
            format!(
                "  s: {{image: 'a/b:1'}}\ninclude: [{}]\n",
                lines(most, 60_000, |_| "over.yml, ".to_owned())
            )
        }),
        services("includes of itself", 1, &|_| {
            format!(
                "  s: {{image: 'a/b:1'}}\ninclude: [{}]\n",
                lines(most, 60_000, |_| "compose.yml, ".to_owned())
            )
        }),
        services("networks", 1, &|_| {
            format!(
                "  s: {{image: 'a/b:1', networks: [{0}]}}\nnetworks: {{{1}}}\n",
                lines(most / 3, 900, |n| format!("n{n}, ")),
                lines(most / 3, 900, |n| format!("n{n}: {{}}, "))
            )
        }),
        services("subnets", 1, &|_| {
            format!(
                "  s: {{image: 'a/b:1'}}\nnetworks: {{{0}}}\n",
                lines(most, 8_000, |n| format!(
                    "n{n}: {{ipam: {{config: [{{subnet: 10.{}.{}.0/24}}]}}}}, ",
                    n / 250,
                    n % 250
                ))
            )
        }),
        services("configs", 1, &|_| {
            format!(
                "  s: {{image: 'a/b:1', configs: [{0}]}}\nconfigs: {{{1}}}\n",
                lines(most / 3, 900, |n| format!("n{n}, ")),
                lines(most / 3, 900, |n| format!("n{n}: {{content: x}}, "))
            )
        }),
        composed(
            "one config of many",
            format!(
                "configs: {{c: {{content: {}}}}}\nservices:\n{}",
                "x".repeat(most / 8),
                lines(most / 2, 1_900, |n| {
                    format!("  s{n}: {{image: 'a/b:1', configs: [c]}}\n")
                })
            ),
            "services: {}\n".to_owned(),
            String::new(),
        ),
        in_service("ports of a service", "ports", &|n| {
            format!("    - '{}:80'\n", n % 65_000 + 1)
        }),
        in_service("ports of a service in ranges", "ports", &|_| {
            "    - '1-65535:1-65535'\n".to_owned()
        }),
        in_service("volumes of a service", "volumes", &|n| {
            format!("    - '/a/{n}:/b/{n}'\n")
        }),
        in_service("volumes of a service within others", "volumes", &|n| {
            format!("    - '/a/{n}:{}/{n}'\n", "/b".repeat(n % 200))
        }),
        in_service("tmpfs of a service", "tmpfs", &|n| {
            format!("    - /b/{n}\n")
        }),
        in_service("variables of a service", "environment", &|n| {
            format!("      A{n}: x\n")
        }),
        in_service("variables of a service in a list", "environment", &|n| {
            format!("    - A{n}=$B{n}\n")
        }),
        in_service("hosts of a service", "extra_hosts", &|n| {
            format!("    - 'a{n}:10.0.0.1'\n")
        }),
        in_service("labels of a service", "labels", &|n| {
            format!("      a{n}: b\n")
        }),
        in_service("needs of a service", "depends_on", &|n| {
            format!("    - s{n}\n")
        }),
        in_service("devices of a service", "devices", &|n| {
            format!("    - /dev/a{n}:/dev/a{n}\n")
        }),
        in_service("sysctls of a service", "sysctls", &|n| {
            format!("      net.a{n}: 1\n")
        }),
        in_service("links of a service", "links", &|n| format!("    - a{n}\n")),
        in_service(
            "aliases of a service",
            "networks:\n      default:\n        aliases",
            &|n| format!("        - a{n}\n"),
        ),
        sample(
            "weak users",
            "config/credentials.csv",
            "username,password,email\n".to_owned()
                + &many(190_000, &|n| format!("u{n},a,u{n}@example.org\n")),
        ),
        sample(
            "long users",
            "config/credentials.csv",
            format!("username,password,email\n{},b,c\n", "u".repeat(most / 2)),
        ),
        sample(
            "columns",
            "config/credentials.csv",
            many(190_000, &|n| format!("c{n},")),
        ),
        sample(
            "one e-mail",
            "config/credentials.csv",
            "username,password,email\n".to_owned()
                + &many(190_000, &|n| format!("u{n},Sd7fGkj8-{n},a@example.org\n")),
        ),
        sample(
            "unknown services",
            "config/deploy.yml",
            format!(
                "stack: a\nservices: [{}]\n",
                many(190_000, &|n| format!("s{n}, "))
            ),
        ),
        sample(
            "one service often",
            "config/deploy.yml",
            format!(
                "stack: a\nservices: [{}]\n",
                many(190_000, &|_| "postgres, ".to_owned())
            ),
        ),
        sample(
            "misspelt variables",
            "config/services.env",
            many(9_900, &|n| format!("POSTGRES_PORTT{n}='a{n}\n")),
        ),
        sample(
            "merge keys",
            "config/deploy.yml",
            "m0: &m0 {a: 1}\n".to_owned()
                + &many(5_000, &|n| {
                    format!("m{0}: &m{0} {{<<: [*m{1}, *m{1}], k{0}: 1}}\n", n + 1, n)
                }),
        ),
        sample(
            "merge of many",
            "config/deploy.yml",
            format!(
                "m: &m {{{}}}\nn:\n{}",
                lines(most / 2, 1_000, |n| format!("k{n}: 1, ")),
                lines(most / 2, 20_000, |_| "- {<<: *m}\n".to_owned())
            ),
        ),
        sample(
            "toml sites",
            "config/deploy.toml",
            "version = 1\nstack = 'a'\n".to_owned()
                + &many(60_000, &|n| {
                    format!("[[site]]\nlabel = 's{n}'\nimage = 'a'\n")
                }),
        ),
        sample(
            "toml inline sites",
            "config/deploy.toml",
            format!(
                "version = 1\nstack = 'a'\nsite = [{}]\n",
                many(60_000, &|n| format!("{{label = 's{n}', image = 'a'}},"))
            ),
        ),
        sample(
            "toml dotted keys",
            "config/deploy.toml",
            "stack = 'a'\n".to_owned() + &many(60_000, &|n| format!("a.b{n}.c = 1\n")),
        ),
        sample(
            "toml table heads",
            "config/deploy.toml",
            "stack = 'a'\n".to_owned() + &many(60_000, &|n| format!("[a.b.c{n}]\n")),
        ),
        sample(
            "json sites",
            "config/deploy.json",
            format!(
                "{{\"version\":1,\"stack\":\"a\",\"site\":[{}{{}}]}}",
                many(60_000, &|n| format!(
                    "{{\"label\":\"s{n}\",\"image\":\"a\"}},"
                ))
            ),
        ),
        sample(
            "bad escapes",
            "config/deploy.json",
            format!(
                "{{\"a\":[{}1]}}",
                many(190_000, &|_| "\"\\ud800\",".to_owned())
            ),
        ),
        sample(
            "accents",
            "config/deploy.yml",
            format!("a: \"{}\"\n", "e\u{301}".repeat(most / 4)),
        ),
        sample(
            "a wide line",
            "config/deploy.yml",
            format!(
                "stack: a\nsite: [{}]\n",
                many(60_000, &|_| "{labl: 1}, ".to_owned())
            ),
        ),
        Sample {
            what: "an app in toml",
            files: vec![
                ("config/products.yml", "products:\n- id: a\n".to_owned()),
                (
                    "config/deploy.yml",
                    "version: 1\nstack: acme\nsite:\n- {label: a, image: a}\n".to_owned(),
                ),
                (
                    "products/a/nua-config.toml",
                    "image = 'a/b:1'\n".to_owned()
                        + &many(20_000, &|n| {
                            format!("[[volume]]\nname = 'v{n}'\ntarget = '/v{n}'\n")
                        }),
                ),
            ],
        },
        Sample {
            what: "an app in json",
            files: vec![
                ("config/products.yml", "products:\n- id: a\n".to_owned()),
                (
                    "config/deploy.yml",
                    "version: 1\nstack: acme\nsite:\n- {label: a, image: a}\n".to_owned(),
                ),
                (
                    "products/a/nua-config.json",
                    format!(
                        "{{\"image\":\"a/b:1\",\"env\":{{{}\"Z\":\"z\"}}}}",
                        many(60_000, &|n| format!("\"A{n}\":\"{{A{}}}\",", n + 1))
                    ),
                ),
            ],
        },
        Sample {
            what: "rules of what is sent",
            files: vec![
                ("config/products.yml", "products:\n- id: a\n".to_owned()),
                (
                    "config/deploy.yml",
                    "version: 1\nstack: acme\nsite:\n- {label: a, image: a}\n".to_owned(),
                ),
                (
                    "products/a/nua-config.yml",
                    "build: {context: .}\n".to_owned(),
                ),
                ("products/a/Dockerfile", "FROM a/b:1\n".to_owned()),
                (
                    "products/a/.dockerignore",
                    many(190_000, &|n| format!("**/a*b*c*d*{n}/**/x\n")),
                ),
            ],
        },
        Sample {
            what: "a long recipe",
            files: vec![
                ("config/products.yml", "products:\n- id: a\n".to_owned()),
                (
                    "config/deploy.yml",
                    "version: 1\nstack: acme\nsite:\n- {label: a, image: a}\n".to_owned(),
                ),
                (
                    "products/a/nua-config.yml",
                    "build: {context: .}\n".to_owned(),
                ),
                (
                    "products/a/Dockerfile",
                    many(190_000, &|n| {
                        format!("FROM a/b:${{A}} AS s{n}\nARG A{n}=${{A{n}}}${{A{n}}}\n")
                    }),
                ),
            ],
        },
    ]
}

/// Values that are wrong and long: what is said of them is short.
fn long_words() -> Vec<Sample> {
    let long = || "q".repeat(1 << 20);
    let deploy =
        |what, text: String| sample(what, "config/deploy.yml", format!("version: 1\n{text}"));
    let of_site = |what, text: String| {
        deploy(
            what,
            format!("stack: acme\nsite: [{{label: a, image: 'a/b:1', {text}}}]\n"),
        )
    };
    let of_service = |what, text: String| {
        composed(
            what,
            format!("services: {{a: {{image: 'a/b:1', {text}}}}}\n"),
            "services: {}\n".to_owned(),
            String::new(),
        )
    };
    vec![
        deploy("a long stack", format!("stack: {}\n", long())),
        deploy("a long id", format!("stack: acme\nid: {}\n", long())),
        deploy(
            "a long pool",
            format!("stack: acme\nnetworks: {{pool: {}}}\n", long()),
        ),
        deploy(
            "a long service",
            format!("stack: acme\nservices: [{}]\n", long()),
        ),
        deploy(
            "a long list of users",
            format!("stack: acme\nusers: {}\n", long()),
        ),
        deploy(
            "a long label",
            format!(
                "stack: acme\nsite: [{{label: {}, image: 'a/b:1'}}]\n",
                long()
            ),
        ),
        of_site("a long domain", format!("domain: {}", long())),
        of_site(
            "a long port",
            format!("port: {{web: {{container: {}}}}}", long()),
        ),
        of_site(
            "a long name of a port",
            format!("port: {{{}: {{container: x}}}}", "q".repeat(1000)),
        ),
        of_site(
            "a long secret",
            format!("env: {{A: {{secret: {}}}}}", long()),
        ),
        of_site(
            "a long source",
            format!("env: {{A: {{from: {}, key: B}}}}", long()),
        ),
        of_site(
            "a long key of a source",
            format!("env: {{A: {{from: app, key: {}}}}}", long()),
        ),
        of_site(
            "a long name in braces",
            format!("env: {{A: '{{{}}}'}}", "Q".repeat(1 << 20)),
        ),
        of_site("a long adopted", format!("adopt: {}", long())),
        of_site("a long before", format!("was: {}", long())),
        of_site("a long time", format!("update: {{settle: {}}}", long())),
        of_site("a long order", format!("update: {{order: {}}}", long())),
        of_site(
            "a long module",
            format!("provider: [{{name: a, module-name: {}}}]", long()),
        ),
        of_site(
            "a long range",
            format!(
                "provider: [{{name: a, module-name: postgres, module-version: {}}}]",
                long()
            ),
        ),
        of_site(
            "a long target",
            format!("volume: [{{name: a, target: {}}}]", long()),
        ),
        of_site(
            "a long volume",
            format!("volume: [{{name: {}, target: /a}}]", long()),
        ),
        of_site(
            "a long option",
            format!("docker: {{mem_limit: {}}}", long()),
        ),
        of_service("a long port of a service", format!("ports: ['{}']", long())),
        of_service(
            "a long volume of a service",
            format!("volumes: ['{}:/a']", long()),
        ),
        of_service("a long need", format!("depends_on: [{}]", long())),
        of_service("a long network", format!("networks: [{}]", long())),
        of_service("a long size", format!("mem_limit: {}", long())),
        of_service("a long user", format!("user: '{}:{}'", long(), long())),
        of_service("a long capability", format!("cap_add: [{}]", long())),
        of_service("a long restart", format!("restart: {}", long())),
        of_service("a long mode", format!("network_mode: {}", long())),
        of_service("a long env file", format!("env_file: [{}]", long())),
        of_service("a long base", format!("extends: {{service: {}}}", long())),
        of_service("a long device", format!("devices: ['{}:q']", long())),
        of_service("a long host", format!("extra_hosts: ['{}:q']", long())),
        of_service("a long sysctl", format!("sysctls: ['{}=q']", long())),
        of_service("a long limit", format!("ulimits: {{nofile: {}}}", long())),
        of_service("a long context", format!("build: {}", long())),
        of_service("a long operator", format!("command: '${{A:?{}}}'", long())),
        of_service("a long variable", format!("command: '${{{}}}'", long())),
    ]
}
