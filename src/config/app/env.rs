//! Variables: text, or a table that says how the value is made.

use super::entries;
use crate::config::codes;
use crate::config::doc::{Node, Sp, Table, Value};
use crate::config::recipe::{Generated, Recipe};
use crate::diag::{Diagnostic, Diagnostics, Place};
use std::collections::BTreeMap;

/// A variable as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) struct EnvDef {
    /// Where its value comes from.
    pub kind: EnvKind,
    /// Whether the value is shown once after an apply (`display: true`).
    pub display: bool,
    /// Where the value is delivered as a file; the variable then holds that path.
    pub file: Option<FileDef>,
}

/// How a value is delivered as a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) struct FileDef {
    /// Its path in the container; none where the value's own name says it.
    pub path: Option<Sp<String>>,
    /// Permission bits, where not those of every file.
    pub mode: Option<u32>,
    /// The owner's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
}

impl EnvDef {
    /// The path in the container of the file that holds the value; none where the variable itself does.
    pub(in crate::config) fn path(&self, variable: &str) -> Option<String> {
        let file = self.file.as_ref()?;
        if let Some(path) = &file.path {
            return Some(path.value.clone());
        }
        let name = match &self.kind {
            EnvKind::Secret(name) => name.clone(),
            _ => variable.to_lowercase(),
        };
        Some(format!("/run/secrets/{name}"))
    }
}

/// Where a variable's value comes from.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::config) enum EnvKind {
    /// Text, in which `{NAME}` stands for another variable.
    Text(String),
    /// A variable or property of a volume or provider; `""` is the app or provider itself.
    Of {
        /// Whose.
        from: String,
        /// Which.
        key: String,
    },
    /// Made by coasti.
    Generated(Generated),
    /// The content of a secret's file.
    Secret(String),
}

/// Text may be a password, so it is not shown.
impl std::fmt::Debug for EnvKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text(…)"),
            Self::Of { from, key } => write!(f, "Of({from}.{key})"),
            Self::Generated(generated) => write!(f, "{generated:?}"),
            Self::Secret(name) => write!(f, "Secret({name})"),
        }
    }
}

impl EnvKind {
    /// What it is, in words; for what coasti brings.
    pub(in crate::config) fn words(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Of { from, key } if from.is_empty() => format!("{{key: {key}}}"),
            Self::Of { from, key } => format!("{{from: {from}, key: {key}}}"),
            Self::Generated(_) => "(generated)".to_owned(),
            Self::Secret(name) => format!("{{secret: {name}}}"),
        }
    }

    /// The variable itself.
    pub(in crate::config) fn plain(self) -> EnvDef {
        EnvDef {
            kind: self,
            display: false,
            file: None,
        }
    }
}

/// Reads a table of variables.
pub(super) fn read(node: Option<&Node>, d: &mut Diagnostics) -> BTreeMap<String, Sp<EnvDef>> {
    let mut env = BTreeMap::new();
    for entry in entries(node, "`env`", d) {
        if entry.key.is_empty() || entry.key.contains(['=', '\0']) {
            d.push(Diagnostic::error(
                codes::BAD_VARIABLE,
                Some(entry.key_at.clone()),
                format!("`{}` is no name of a variable", entry.key),
            ));
            continue;
        }
        if let Some(def) = variable(&entry.key, &entry.node, d) {
            // The line of the key is what a user looks for, also where the value is a long table.
            env.insert(entry.key.clone(), Sp::new(def, &entry.node.at));
        }
    }
    env
}

fn variable(name: &str, node: &Node, d: &mut Diagnostics) -> Option<EnvDef> {
    let def = any(name, node, d)?;
    if matches!(&def.kind, EnvKind::Text(text) if text.contains('\0')) {
        d.push(bad(name, node, "no variable can hold a NUL byte"));
        return None;
    }
    Some(def)
}

fn any(name: &str, node: &Node, d: &mut Diagnostics) -> Option<EnvDef> {
    match &node.value {
        Value::Map(_) => dynamic(name, node, d),
        Value::List(items) => {
            let texts: Option<Vec<_>> = items.iter().map(|item| item.value.scalar()).collect();
            match texts {
                Some(texts) => Some(EnvKind::Text(texts.join(",")).plain()),
                None => {
                    d.push(bad(
                        name,
                        node,
                        "a list of a variable holds text and numbers",
                    ));
                    None
                }
            }
        }
        value => match value.scalar() {
            Some(text) => Some(EnvKind::Text(text).plain()),
            None => {
                d.push(bad(name, node, "for an empty value write `\"\"`"));
                None
            }
        },
    }
}

fn bad(name: &str, node: &Node, help: &str) -> Diagnostic {
    Diagnostic::error(
        codes::BAD_VARIABLE,
        Some(node.at.clone()),
        format!("the variable `{name}` has no proper value"),
    )
    .label(format!("this is {}", node.value.kind()))
    .help(help)
}

fn dynamic(name: &str, node: &Node, d: &mut Diagnostics) -> Option<EnvDef> {
    const FORMS: &str = "one of `{from: PROVIDER, key: NAME}`, `{random: true}`, `{unique_user: true}`, \
                         `{unique_db: true}`, `{external_ip: true}`, `{secret: NAME}`, each with `file: true` or \
                         `file: /PATH` to have it in a file";
    let what = format!("the variable `{name}`");
    let mut table = Table::of(node, &what, d)?;
    let from = table.text("from", d);
    let key = table.text("key", d);
    let internal = table.flag("nua-internal", d);
    let external_ip = table.flag("external-ip", d);
    let random = table.flag("random", d);
    let database = table.flag("unique-db", d);
    let user = table.flag("unique-user", d);
    let secret = table.text("secret", d);
    let kind = table.text("type", d);
    let length = table.int("length", 1..=512, d);
    let shown = table.flag("display", d);
    let fleeting = table.flag("persistent", d).filter(|kept| !kept.value);
    let persistent = fleeting.is_none();
    let generated = |recipe| EnvKind::Generated(Generated { recipe, persistent });
    let file = file(&mut table, d);
    table.accept(&["persist"]);
    table.finish(d);
    let on = |flag: &Option<Sp<bool>>| flag.as_ref().is_some_and(|flag| flag.value);
    let set = |flag: &Option<Sp<bool>>| flag.clone().filter(|flag| flag.value).map(|flag| flag.at);
    let said = |text: &Option<Sp<String>>| text.clone().map(|text| text.at);
    let functions = [
        (
            if key.is_some() { "key" } else { "from" },
            said(&key).or(said(&from)),
        ),
        ("nua_internal", set(&internal)),
        ("external_ip", set(&external_ip)),
        ("random", set(&random)),
        ("unique_db", set(&database)),
        ("unique_user", set(&user)),
        ("secret", said(&secret)),
    ];
    let parts = [
        ("length", length.clone().map(|length| length.at)),
        ("type", said(&kind)),
        ("display", set(&shown)),
    ];
    let mut functions = functions
        .into_iter()
        .filter_map(|(name, at)| Some((name, at?)));
    let first = functions.next();
    let second = functions.next();
    let stray = parts
        .into_iter()
        .find_map(|(name, at)| match (name, first.as_ref()?.0) {
            ("display", "secret")
            | (
                "length" | "type",
                "external_ip" | "unique_db" | "unique_user" | "secret" | "key" | "from",
            ) => Some((name, at?)),
            _ => None,
        });
    if let (Some((one, _)), Some((other, at))) = (&first, second.or(stray)) {
        let summary = format!("`{one}` and `{other}` in the one variable `{name}`");
        let help = match other {
            "length" | "type" => "`length` and `type` are of `random: true`",
            "display" => "`coasti secret get` shows a secret of the folder",
            _ => "leave one of them out: a value has one source",
        };
        d.push(Diagnostic::error(codes::BAD_VARIABLE, at, summary).help(help));
        return None;
    }

    // nua takes the first of these that is there.
    let kind = if let Some(key) = key {
        EnvKind::Of {
            from: from.map(|from| from.value).unwrap_or_default(),
            key: key.value,
        }
    } else if on(&internal) {
        d.push(
            Diagnostic::error(
                codes::NUA_INTERNAL,
                Some(node.at.clone()),
                format!("{what} asks for a password of nua's own"),
            )
            .help("run the database as a provider and write `{from: database, key: …}`")
            .help("or put the password into config/secrets/NAME and write `{secret: NAME}`"),
        );
        return None;
    } else if on(&external_ip) {
        generated(Recipe::ExternalIp)
    } else if on(&random) {
        let word = kind.as_ref().map_or("str", |kind| kind.value.as_str());
        match word {
            "str" | "string" => {
                let length = length.and_then(|length| usize::try_from(length.value).ok());
                generated(Recipe::Password {
                    length: length.unwrap_or(24),
                })
            }
            "int" | "integer" => generated(Recipe::Integer),
            _ => {
                if let Some(kind) = &kind {
                    super::one_of(kind, "`type` of a random value", &["str", "int"], d);
                }
                return None;
            }
        }
    } else if on(&database) {
        generated(Recipe::Database)
    } else if on(&user) {
        generated(Recipe::User)
    } else if let Some(secret) = secret {
        EnvKind::Secret(secret.value)
    } else {
        d.push(bad(name, node, FORMS));
        return None;
    };
    if let Some(fleeting) = fleeting
        && !matches!(kind, EnvKind::Generated(_))
    {
        d.push(
            Diagnostic::warning(
                codes::IGNORED,
                fleeting.at,
                "`persistent: false` has no effect here",
            )
            .label("this value is not generated"),
        );
    }
    Some(EnvDef {
        kind,
        display: on(&shown),
        file,
    })
}

/// `file: true` or `file: /PATH`, and `mode`, `uid` and `gid` with it.
fn file(table: &mut Table<'_>, d: &mut Diagnostics) -> Option<FileDef> {
    let said = table.take("file", d);
    let mode = table.any_text(&["mode"], d);
    let most = i64::from(u32::MAX - 1);
    let number = |number: Option<Sp<i64>>| u32::try_from(number?.value).ok();
    let uid = number(table.int("uid", 0..=most, d));
    let gid = number(table.int("gid", 0..=most, d));
    let error = |at: Option<Place>, summary: String, help: &str| {
        Diagnostic::error(codes::BAD_FILE, at, summary).help(help)
    };
    let mode = mode.and_then(|mode| {
        let bits = u32::from_str_radix(&mode.value, 8).ok();
        let bits = bits.filter(|bits| *bits <= 0o777);
        if bits.is_none() {
            let summary = format!("`{}` are no permission bits of a file", mode.value);
            d.push(error(
                mode.at,
                summary,
                "three octal digits in quotes, as in `mode: \"0400\"`",
            ));
        }
        bits
    });
    let path = match said.map(|node| (node, &node.value)) {
        None => {
            if mode.is_some() || uid.is_some() || gid.is_some() {
                let summary = "`mode`, `uid` and `gid` are of a file".to_owned();
                d.push(error(
                    Some(table.at.clone()),
                    summary,
                    "`file: true` delivers the value as one",
                ));
            }
            return None;
        }
        Some((_, Value::Bool(false))) => return None,
        Some((_, Value::Bool(true))) => None,
        Some((node, Value::Text(path))) => match super::volume::target(path) {
            Ok(path) => Some(Sp::new(path, &node.at)),
            Err(help) => {
                let summary = format!("`{path}` cannot be the path of a file");
                d.push(error(Some(node.at.clone()), summary, help));
                return None;
            }
        },
        Some((node, other)) => {
            let summary = format!("`file` is true or a path, and this is {}", other.kind());
            d.push(error(
                Some(node.at.clone()),
                summary,
                "as in `file: /run/secrets/key`",
            ));
            return None;
        }
    };
    Some(FileDef {
        path,
        mode,
        uid: uid.unwrap_or(0),
        gid: gid.unwrap_or(0),
    })
}
