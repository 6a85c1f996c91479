//! Generated projects: whatever Compose takes, coasti takes for the same, or says what it does not support.

use super::{Peer, Project, compare};
use proptest::{collection, option, prelude::*, sample, test_runner::TestRunner};
use std::{collections::BTreeMap, fmt};

/// How many projects; `PROPTEST_CASES` asks for more, `COASTI_TEST_SEED` for others.
fn config() -> ProptestConfig {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    ProptestConfig {
        cases: number("PROPTEST_CASES").map_or(48, |cases| u32::try_from(cases).unwrap()),
        rng_seed: proptest::test_runner::RngSeed::Fixed(number("COASTI_TEST_SEED").unwrap_or(1)),
        failure_persistence: None,
        max_shrink_iters: 200,
        ..ProptestConfig::default()
    }
}

/// YAML, written on one line.
#[derive(Clone, Debug)]
enum Y {
    /// As it stands.
    Raw(String),
    /// In quotes.
    Text(String),
    List(Vec<Y>),
    Map(Vec<(String, Y)>),
}

impl fmt::Display for Y {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raw(text) => f.write_str(text),
            Self::Text(text) => write!(f, "{}", serde_json::Value::from(text.as_str())),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(Self::to_string).collect();
                write!(f, "[{}]", items.join(", "))
            }
            Self::Map(fields) => {
                let pair = |(key, value): &(String, Y)| format!("{key}: {value}");
                let fields: Vec<_> = fields.iter().map(pair).collect();
                write!(f, "{{{}}}", fields.join(", "))
            }
        }
    }
}

fn raw(text: &str) -> Y {
    Y::Raw(text.to_owned())
}

type S = BoxedStrategy<Y>;

fn one_of(all: &'static [&'static str]) -> S {
    sample::select(all).prop_map(raw).boxed()
}

fn list_of(all: &'static [&'static str]) -> S {
    sample::subsequence(all, 1..all.len().min(4))
        .prop_map(|some| Y::List(some.into_iter().map(raw).collect()))
        .boxed()
}

/// A table, of which each key may be there.
fn table(fields: Vec<(&'static str, S)>, least: usize) -> S {
    let most = fields.len();
    let each: Vec<_> = fields
        .into_iter()
        .map(|(key, value)| value.prop_map(move |value| (key.to_owned(), value)))
        .collect();
    let which = sample::subsequence((0..most).collect::<Vec<_>>(), least..=most);
    (each, which)
        .prop_map(|(all, which)| {
            let chosen = which.into_iter().map(|n| all[n].clone());
            Y::Map(chosen.collect())
        })
        .boxed()
}

/// What may stand in a text of a compose file.
const BITS: &[&str] = &[
    "plain",
    "two words",
    "$$",
    "$$A",
    "$",
    "${A}",
    "$A",
    "${B:-d}",
    "${NO:-x y}",
    "${NO-y}",
    "${EMPTY:-z}",
    "${EMPTY-z}",
    "${EMPTY:+alt}",
    "${A:+alt $B}",
    "${NO+alt}",
    "${NO:-${A}}",
    "${NO:-a${B:-b}c}",
    "${NO:-{\"k\": 1}}",
    "${NO:-$$}",
    "${A:?must}",
    "${NO:-'q'}",
    "${NO:-\"q\"}",
    "${NO:-a:b?c+d-e}",
    "it's",
    "say \"x\"",
    "back\\slash",
    "a\tb",
    "a\nb",
    "#",
    ": ",
    "{}",
    "é\u{2028}\u{85}\u{7f}\u{feff}",
    "",
    " ",
    "=",
    "~",
    "`x`",
];

fn text() -> impl Strategy<Value = String> {
    collection::vec(sample::select(BITS), 1..4).prop_map(|bits| bits.concat())
}

fn number() -> impl Strategy<Value = &'static str> {
    sample::select(
        &[
            "1", "1.10", "0x1f", "017", "1e3", "-0.5", "true", "FALSE", "null", "yes", "1e7",
        ][..],
    )
}

/// Variables in both forms.
fn environment() -> S {
    let names = &["A", "B", "LEVEL", "EMPTY", "P_PASSWORD", "NO"][..];
    let value = prop_oneof![
        4 => text().prop_map(Y::Text),
        1 => number().prop_map(raw),
        1 => Just(raw("")),
    ];
    let pairs = collection::btree_map(sample::select(names), value, 1..4);
    let lines = collection::btree_map(sample::select(names), option::of(text()), 1..4);
    prop_oneof![
        pairs.prop_map(|all| {
            let pair = |(name, value): (&str, Y)| (name.to_owned(), value);
            Y::Map(all.into_iter().map(pair).collect())
        }),
        lines.prop_map(|all| {
            let line = |(name, value): (&str, Option<String>)| match value {
                Some(value) => Y::Text(format!("{name}={value}")),
                None => raw(name),
            };
            Y::List(all.into_iter().map(line).collect())
        }),
        Just(raw("{<<: *env, LEVEL: own}")),
    ]
    .boxed()
}

/// Words as a shell is given them.
fn command() -> S {
    let word = sample::select(
        &[
            "run",
            "--flag",
            "'two words'",
            "\"two words\"",
            "\"a \\\"q\\\" $A\"",
            "a\\ b",
            "''",
            "'$A'",
            "x\"y\"z",
            "'it'\\''s'",
            "$$HOME",
            "${B:-d e}",
            "a\\nb",
            "\"a\\nb\"",
            "`x y`",
            "$$(x y)",
            "a=b",
            "*",
            "#c",
            "-",
            "é",
            "a\\\\b",
            "1",
        ][..],
    );
    let line = collection::vec(word, 0..5).prop_map(|words| Y::Text(words.join(" ")));
    let list = collection::vec(text().prop_map(Y::Text), 0..4).prop_map(Y::List);
    prop_oneof![line, list, Just(raw("")), Just(raw("[]"))].boxed()
}

fn healthcheck() -> S {
    let test = prop_oneof![
        text().prop_map(Y::Text),
        text().prop_map(|text| Y::List(vec![raw("CMD-SHELL"), Y::Text(text)])),
        text().prop_map(|text| Y::List(vec![raw("CMD"), raw("x"), Y::Text(text)])),
        Just(raw("[NONE]")),
    ];
    let span = || {
        one_of(&[
            "30s",
            "1m30s",
            "500ms",
            "1.5s",
            "90s",
            "1h",
            "2m",
            "\"${SPAN}\"",
        ])
    };
    table(
        vec![
            ("test", test.boxed()),
            ("interval", span()),
            ("timeout", span()),
            ("start_period", span()),
            ("start_interval", span()),
            ("retries", one_of(&["1", "5", "\"${COUNT}\""])),
            ("disable", one_of(&["false", "true"])),
        ],
        1,
    )
}

fn deploy() -> S {
    let limits = || {
        table(
            vec![
                ("memory", one_of(&["64M", "128m", "\"${SIZE}\""])),
                ("cpus", one_of(&["\"0.5\"", "1", "0.25"])),
                ("pids", one_of(&["5", "-1"])),
            ],
            1,
        )
    };
    let reserved = table(
        vec![
            ("memory", one_of(&["16M", "32m"])),
            ("cpus", one_of(&["\"0.1\""])),
        ],
        1,
    );
    let restart = table(
        vec![
            ("condition", one_of(&["any", "none", "on-failure"])),
            ("max_attempts", one_of(&["2", "0"])),
        ],
        1,
    );
    table(
        vec![
            (
                "resources",
                table(vec![("limits", limits()), ("reservations", reserved)], 1),
            ),
            ("restart_policy", restart),
            ("replicas", one_of(&["0", "1", "2"])),
        ],
        1,
    )
}

fn ports() -> S {
    let port = sample::select(
        &[
            "\"19000:80\"",
            "\"127.0.0.1:19001:81\"",
            "\"19002:82/udp\"",
            "\"[::1]:19003:83\"",
            "\"19010-19012:90-92\"",
            "\"84\"",
            "85",
            "\"19006-19007:86-87/tcp\"",
            "{target: 88, published: 19008}",
            "{target: 89, published: \"19009\", protocol: udp, host_ip: 127.0.0.1}",
            "{target: 95, mode: host}",
            "\"${PORT}:96\"",
        ][..],
    );
    collection::vec(port, 1..4)
        .prop_map(|all| Y::List(all.into_iter().map(raw).collect()))
        .boxed()
}

fn volumes() -> S {
    list_of(&[
        "\"one:/v/one\"",
        "\"two:/v/two:ro\"",
        "\"one:/v/two\"",
        "\"./here:/v/here\"",
        "\"../above:/v/above:ro\"",
        "\"./a/../b:/v/b/\"",
        "/v/anon",
        "\"/srv/abs:/v/abs:rw\"",
        "\"${DIR}:/v/dir\"",
        "{type: volume, source: one, target: /v/long, read_only: true}",
        "{type: bind, source: ./here, target: /v/here, bind: {create_host_path: true}}",
        "{type: bind, source: ./there, target: /v/there, bind: {create_host_path: false}}",
        "{type: tmpfs, target: /v/mem, tmpfs: {size: 64m, mode: 0o1770}}",
        "{type: tmpfs, target: /v/mem2, tmpfs: {size: 1048576}}",
        "{type: volume, target: /v/anon2}",
    ])
}

fn networks() -> S {
    prop_oneof![
        Just(raw("[n1]")),
        Just(raw("[n1, default]")),
        Just(raw("{n1: {aliases: [x, \"y.${A}\"]}, n2: }")),
        Just(raw("{n1: , fixed: {ipv4_address: 172.30.9.9}}")),
        Just(raw("{n2: {aliases: [z]}}")),
    ]
    .boxed()
}

fn needs() -> S {
    prop_oneof![
        Just(raw("[base]")),
        Just(raw("{base: {condition: service_started}}")),
        Just(raw("{base: {condition: service_started, restart: true}, job: {condition: service_completed_successfully}}")),
        Just(raw("{checked: {condition: service_healthy}}")),
        Just(raw("{checked: {condition: service_healthy, required: false}}")),
        Just(raw("{hidden: {condition: service_started, required: false}}")),
    ]
    .boxed()
}

/// All that a service may say, each with what it may be.
fn keys() -> Vec<(&'static str, S)> {
    vec![
        ("environment", environment()),
        ("command", command()),
        ("entrypoint", command()),
        (
            "env_file",
            prop_oneof![
                Just(raw("a.env")),
                Just(raw("[a.env, b.env]")),
                Just(raw("[{path: b.env}, {path: no.env, required: false}]")),
            ]
            .boxed(),
        ),
        ("healthcheck", healthcheck()),
        ("deploy", deploy()),
        ("ports", ports()),
        ("volumes", volumes()),
        ("networks", networks()),
        ("depends_on", needs()),
        (
            "tmpfs",
            prop_oneof![
                Just(raw("/t/one")),
                list_of(&[
                    "/t/one",
                    "\"/t/one:size=1m\"",
                    "\"/t/two:size=64m,mode=1770\"",
                    "\"/t/three:ro\""
                ]),
            ]
            .boxed(),
        ),
        (
            "labels",
            prop_oneof![
                list_of(&["a=1", "b", "\"c=x=${A}\"", "\"d= e \""]),
                table(
                    vec![
                        ("a", one_of(&["1", "1.10", "true", "x"])),
                        ("b", one_of(&[""])),
                        ("c", text().prop_map(Y::Text).boxed())
                    ],
                    1
                ),
            ]
            .boxed(),
        ),
        (
            "extra_hosts",
            prop_oneof![
                list_of(&[
                    "\"h1:10.0.0.1\"",
                    "\"h2=10.0.0.2\"",
                    "\"gate:host-gateway\"",
                    "\"six=[::1]\"",
                    "\"six2:fe80::1\""
                ]),
                Just(raw("{h1: 10.0.0.1, h3: 10.0.0.3}")),
            ]
            .boxed(),
        ),
        (
            "dns",
            prop_oneof![
                Just(raw("10.0.0.1")),
                list_of(&["10.0.0.1", "10.0.0.2", "10.0.0.3"])
            ]
            .boxed(),
        ),
        (
            "dns_search",
            prop_oneof![Just(raw("a.org")), list_of(&["a.org", "b.org", "c.org"])].boxed(),
        ),
        ("dns_opt", list_of(&["\"ndots:2\"", "rotate", "use-vc"])),
        (
            "cap_add",
            list_of(&["NET_ADMIN", "SYS_TIME", "ALL", "KILL"]),
        ),
        ("cap_drop", list_of(&["CHOWN", "FOWNER", "MKNOD"])),
        (
            "sysctls",
            prop_oneof![
                list_of(&["net.core.somaxconn=10", "net.ipv4.tcp_syncookies=0"]),
                Just(raw("{net.core.somaxconn: 1024}")),
            ]
            .boxed(),
        ),
        (
            "ulimits",
            prop_oneof![
                Just(raw("{nofile: 100}")),
                Just(raw("{nofile: {soft: 10, hard: 20}, nproc: 5}")),
                Just(raw("{core: -1, nofile: {soft: \"${COUNT}\", hard: 2000}}")),
            ]
            .boxed(),
        ),
        (
            "logging",
            prop_oneof![
                Just(raw("{driver: json-file, options: {max-size: 10m}}")),
                Just(raw("{driver: local}")),
                Just(raw("{options: {max-file: \"3\"}}")),
                Just(raw(
                    "{driver: json-file, options: {max-file: 2, max-size: \"${SIZE}\"}}"
                )),
            ]
            .boxed(),
        ),
        (
            "secrets",
            list_of(&[
                "one",
                "{source: two, target: other, mode: 0400, uid: \"7\"}",
                "{source: one, target: /s/abs}",
            ]),
        ),
        (
            "configs",
            list_of(&[
                "conf",
                "{source: inline, target: /c/inline, mode: 0440}",
                "{source: conf, target: /c/conf}",
            ]),
        ),
        (
            "restart",
            one_of(&[
                "always",
                "\"no\"",
                "unless-stopped",
                "on-failure",
                "\"on-failure:3\"",
            ]),
        ),
        ("scale", one_of(&["1", "2", "0"])),
        (
            "mem_limit",
            one_of(&["64m", "134217728", "1.5g", "\"${SIZE}\"", "100 mb"]),
        ),
        ("memswap_limit", one_of(&["-1", "2g"])),
        ("mem_reservation", one_of(&["16m", "33554432"])),
        ("shm_size", one_of(&["64m", "1GB", "1048576"])),
        ("cpus", one_of(&["0.5", "\"1.25\"", "2", "\"${CPUS}\""])),
        ("cpuset", one_of(&["\"0\"", "0-1"])),
        ("cpu_shares", one_of(&["512", "\"100\""])),
        ("pids_limit", one_of(&["10", "-1", "\"${COUNT}\""])),
        ("oom_score_adj", one_of(&["-100", "500"])),
        (
            "user",
            one_of(&["\"1000\"", "www-data", "\"1:2\"", "\"${USERNAME:-root}\""]),
        ),
        ("working_dir", one_of(&["/w", "\"/w/${A}\""])),
        ("hostname", one_of(&["h", "h.example.org"])),
        ("domainname", one_of(&["example.org"])),
        ("container_name", one_of(&["given", "\"given-${A}\""])),
        ("stop_signal", one_of(&["SIGINT", "TERM", "\"9\""])),
        ("stop_grace_period", one_of(&["5s", "1m30s", "500ms"])),
        ("init", one_of(&["true", "false", "\"${YES}\""])),
        ("privileged", one_of(&["true", "false"])),
        ("read_only", one_of(&["true", "\"${YES}\""])),
        ("tty", one_of(&["true", "false"])),
        ("stdin_open", one_of(&["true"])),
        ("group_add", list_of(&["audio", "\"44\"", "video"])),
        (
            "security_opt",
            list_of(&[
                "\"no-new-privileges:true\"",
                "\"label=disable\"",
                "\"apparmor=x\"",
            ]),
        ),
        (
            "devices",
            list_of(&["/dev/a", "\"/dev/b:/dev/c\"", "\"/dev/d:/dev/a:r\""]),
        ),
        ("profiles", one_of(&["[on]", "[off]", "[on, off]"])),
        ("pull_policy", one_of(&["missing", "never"])),
        ("x-own", one_of(&["{a: b}"])),
    ]
}

/// A service, with few of all that it may say.
fn service() -> impl Strategy<Value = Vec<(String, Y)>> {
    let all = keys();
    let index: Vec<usize> = (0..all.len()).collect();
    sample::subsequence(index, 0..7).prop_flat_map(|which| {
        let all = keys();
        let chosen = which.into_iter().map(|n| {
            let (key, value) = all[n].clone();
            value.prop_map(move |value| (key.to_owned(), value))
        });
        chosen.collect::<Vec<_>>()
    })
}

/// What lies over a service: some of it reset or overridden.
fn over() -> impl Strategy<Value = Vec<(String, Y)>> {
    let tag = prop_oneof![6 => Just(""), 1 => Just("!override "), 1 => Just("!reset ")];
    (service(), collection::vec(tag, 8)).prop_map(|(fields, tags)| {
        let tagged = fields.into_iter().zip(tags).map(|((key, value), tag)| {
            let value = match (tag, &value) {
                ("", _) => value,
                // A tag stands before something.
                (tag, Y::Raw(text)) if text.is_empty() || text.contains('*') => {
                    raw(&format!("{tag}[]"))
                }
                (tag, value) => raw(&format!("{tag}{value}")),
            };
            (key, value)
        });
        tagged.collect()
    })
}

/// Values in a file of variables.
const VALUES: &[&str] = &[
    "x",
    "'a b'",
    "\"a b\"",
    "'it\\'s'",
    "\"say \\\"x\\\"\"",
    "$P1",
    "${P1}",
    "${P2:-d}",
    "${NO:-d e}",
    "\"${P1}\\n$P2\"",
    "'$P1'",
    "a#b",
    "a # b",
    "\"a # b\"",
    "a\\nb",
    "\"\\$P1\"",
    "$$P1",
    "\"$$\"",
    "",
    "''",
    "\"\"",
    "back\\\\slash",
    "\"back\\\\slash\"",
    "'back\\\\slash'",
    "a'b",
    "a=b",
    "http://x:1/y?z",
    "'two\nlines'",
    "\"two\nlines $P1\"",
    "5$",
    "\"a\\tb\\a\\0101\"",
    "é",
    " spaced ",
    "#c",
    "{\"k\": \"v\"}",
    "\"it's\"",
    "'say \"x\"'",
];

/// Lines of a file of variables.
fn variables(names: &'static [&'static str]) -> impl Strategy<Value = String> {
    let form = sample::select(&["NAME=", "export NAME=", "NAME: ", "  NAME =", "NAME= "][..]);
    let line = (form, sample::select(VALUES));
    collection::vec(line, names.len()).prop_map(move |lines| {
        let mut text = String::from("# variables\n\n");
        for (name, (form, value)) in names.iter().zip(lines) {
            text += &format!("{}{value}\n", form.replace("NAME", name));
        }
        text
    })
}

/// A service written out.
fn entry(name: &str, image: Option<&str>, fields: &[(String, Y)]) -> String {
    let mut text = format!("  {name}:\n");
    if let Some(image) = image {
        text += &format!("    image: {image}\n");
    }
    for (key, value) in fields {
        text += &format!("    {key}: {value}\n");
    }
    if image.is_none() && fields.is_empty() {
        text += "    labels: {}\n";
    }
    text
}

const SECTIONS: &str = "\
networks: {n1: , n2: {internal: true}, fixed: {ipam: {config: [{subnet: 172.30.9.0/24}]}}}
volumes: {one: , two: {driver_opts: {type: tmpfs, device: tmpfs, o: \"size=${SIZE}\"}}}
secrets: {one: {file: ./one.txt}, two: {environment: TOKEN}}
configs: {conf: {file: one.txt}, inline: {content: \"a=${A}\\nb=$$x\\n\"}}
";

const FIXED: &str = "\
A=a
B='b c'
EMPTY=
P1=first
P2='second $x'
SPAN=7s
COUNT=9
SIZE=48m
PORT=19050
DIR=./from-env
CPUS=0.75
YES=yes
TOKEN=t0k3n
";

fn project() -> impl Strategy<Value = Project> {
    let extends = sample::select(
        &[
            None,
            Some("base"),
            Some("{service: base}"),
            Some("{file: sub/base.yml, service: other}"),
            Some("{file: sub/base.yml, service: chained}"),
        ][..],
    );
    let services = (service(), service(), service(), service(), extends);
    let files = (
        variables(&["F1", "F2", "F3", "F4"]),
        variables(&["F3", "G1", "G2"]),
        variables(&["S1", "S2"]),
    );
    let around = (
        option::weighted(0.5, (over(), over())),
        option::weighted(0.4, service()),
        any::<bool>(),
    );
    (services, files, around).prop_map(|((base, main, other, chained, extends), (a, b, sub), (over, included, on))| {
        let mut files = BTreeMap::new();
        let mut text = String::from("x-env: &env {ANCHOR: \"${A}\", LEVEL: low}\n");
        let env = "x-env: &env {ANCHOR: x, LEVEL: low}\n";
        if included.is_some() {
            text += "include: [inc/compose.yml]\n";
        }
        text += "services:\n";
        text += &entry("base", Some("\"x/base:1\""), &without(base, &["depends_on"]));
        let mut fields = main;
        if let Some(extends) = extends {
            fields.insert(0, ("extends".to_owned(), raw(extends)));
        }
        text += &entry("main", Some("\"x/main:${B:+2}\""), &fields);
        text += "  job: {image: \"x/job:1\"}\n  checked: {image: \"x/checked:1\", healthcheck: {test: [CMD, x]}}\n";
        text += "  hidden: {image: \"x/hidden:1\", profiles: [hidden]}\n  shown: {image: \"x/shown:1\", profiles: [on]}\n";
        text += SECTIONS;
        files.insert("compose.yml".to_owned(), text);
        let alone = &["depends_on"];
        let mut text = format!("{env}services:\n");
        text += &entry("other", Some("\"x/other:1\""), &without(other, alone));
        let mut fields = without(chained, alone);
        fields.insert(0, ("extends".to_owned(), raw("other")));
        text += &entry("chained", None, &fields);
        files.insert("sub/base.yml".to_owned(), text);
        for path in ["a.env", "sub/a.env", "inc/a.env"] {
            files.insert(path.to_owned(), if path == "a.env" { a.clone() } else { sub.clone() });
        }
        for path in ["b.env", "sub/b.env", "inc/b.env"] {
            files.insert(path.to_owned(), b.clone());
        }
        for path in ["one.txt", "inc/one.txt"] {
            files.insert(path.to_owned(), format!("of {path}\n"));
        }
        files.insert(".env".to_owned(), FIXED.to_owned());
        let mut run = "compose: compose.yml".to_owned();
        if let Some((base, main)) = over {
            let text = format!("{env}services:\n{}{}", entry("base", None, &without(base, alone)), entry("main", None, &main));
            files.insert("over.yml".to_owned(), text);
            run += ", files: [over.yml]";
        }
        if let Some(fields) = included {
            // Names and variables are the whole project's.
            let fields = without(fields, &["depends_on", "networks", "secrets", "configs", "environment"]);
            let mut text = format!("{env}services:\n");
            text += &entry("inner", Some("\"x/inner:${OWN}${A}\""), &fields);
            if fields.iter().any(|(key, _)| key == "volumes") {
                text += "volumes: {one: , two: {driver_opts: {type: tmpfs, device: tmpfs, o: \"size=${SIZE}\"}}}\n";
            }
            files.insert("inc/compose.yml".to_owned(), text);
            files.insert("inc/.env".to_owned(), "OWN=own\nA=lost\n".to_owned());
        }
        if on {
            run += ", profiles: [on]";
        }
        files.insert("info.yml".to_owned(), format!("run: {{{run}}}\n"));
        Project(files)
    })
}

fn without(fields: Vec<(String, Y)>, keys: &[&str]) -> Vec<(String, Y)> {
    let kept = fields
        .into_iter()
        .filter(|(key, _)| !keys.contains(&key.as_str()));
    kept.collect()
}

/// What Compose refuses and means one thing only: an entry that stands in two files; a limit beside a `deploy`
/// that has others; no limit of swap, in quotes.
const LENIENT: &[&str] = &[
    "must be unique",
    "can't set distinct values",
    "invalid size: '-1'",
];

/// Codes of what coasti does not support, or what an engine would refuse.
const NAMED: &[&str] = &[
    "E0132 ",
    "E0136 ",
    "E0170 ",
    "`memswap_limit`",
    "a reservation of",
];

#[test]
fn generated_projects_are_taken_as_compose_takes_them() {
    let Some(peer) = Peer::find("generated projects beside Compose") else {
        return;
    };
    let seen = std::cell::RefCell::new((0, 0));
    let result = TestRunner::new(config()).run(&project(), |project| {
        let found = compare(&peer, &project);
        let wrong = match (&found.peer, &found.own) {
            (Ok(()), Ok(())) if found.differences.is_empty() => None,
            (Ok(()), Ok(())) => Some(found.differences.join("\n")),
            (Err(_), Err(_)) => None,
            (Ok(()), Err(own)) => {
                let named = own
                    .lines()
                    .all(|line| NAMED.iter().any(|what| line.contains(what)));
                (!named).then(|| format!("Compose takes it\n{own}"))
            }
            (Err(error), Ok(())) if LENIENT.iter().any(|what| error.contains(what)) => None,
            (Err(error), Ok(())) => Some(format!("Compose refuses it: {error}")),
        };
        let mut seen = seen.borrow_mut();
        seen.0 += 1;
        seen.1 += u32::from(found.own.is_ok() && found.peer.is_ok());
        match wrong {
            None => Ok(()),
            Some(wrong) => {
                let files: Vec<_> = project
                    .0
                    .iter()
                    .map(|(path, text)| format!("--- {path}\n{text}"))
                    .collect();
                Err(TestCaseError::fail(format!("{wrong}\n{}", files.concat())))
            }
        }
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    let (all, both) = *seen.borrow();
    // A generator whose projects are refused proves nothing.
    assert!(both * 2 > all, "only {both} of {all} are taken by both");
}
