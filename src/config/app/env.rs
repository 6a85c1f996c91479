//! Variables: text, or a table that says how the value is made.

use super::entries;
use crate::config::codes;
use crate::config::doc::{Node, Sp, Table, Value};
use crate::config::recipe::Recipe;
use crate::diag::{Diagnostic, Diagnostics};
use std::collections::BTreeMap;

/// A variable as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) struct EnvDef {
    /// Where its value comes from.
    pub kind: EnvKind,
    /// Whether the value is shown once after an apply (`display: true`).
    pub display: bool,
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
    /// Made once.
    Generated(Recipe),
    /// The content of a secret's file.
    Secret(String),
}

/// Text may be a password, so it is not shown.
impl std::fmt::Debug for EnvKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text(…)"),
            Self::Of { from, key } => write!(f, "Of({from}.{key})"),
            Self::Generated(recipe) => write!(f, "{recipe:?}"),
            Self::Secret(name) => write!(f, "Secret({name})"),
        }
    }
}

impl EnvKind {
    /// The variable itself.
    pub(in crate::config) fn plain(self) -> EnvDef {
        EnvDef {
            kind: self,
            display: false,
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
                         `{unique_db: true}`, `{external_ip: true}`, `{secret: NAME}`";
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
    let display = table.flag("display", d).is_some_and(|flag| flag.value);
    if let Some(kept) = table.flag("persistent", d).filter(|kept| !kept.value) {
        d.push(
            Diagnostic::warning(
                codes::IGNORED,
                kept.at,
                "`persistent: false` has no effect yet",
            )
            .label("the value is made once and kept"),
        );
    }
    table.accept(&["persist"]);
    table.finish(d);
    let on = |flag: Option<Sp<bool>>| flag.is_some_and(|flag| flag.value);

    // nua takes the first of these that is there.
    let kind = if let Some(key) = key {
        EnvKind::Of {
            from: from.map(|from| from.value).unwrap_or_default(),
            key: key.value,
        }
    } else if on(internal) {
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
    } else if on(external_ip) {
        EnvKind::Generated(Recipe::ExternalIp)
    } else if on(random) {
        let word = kind.as_ref().map_or("str", |kind| kind.value.as_str());
        match word {
            "str" | "string" => {
                let length = length.and_then(|length| usize::try_from(length.value).ok());
                EnvKind::Generated(Recipe::Password {
                    length: length.unwrap_or(24),
                })
            }
            "int" | "integer" => EnvKind::Generated(Recipe::Integer),
            _ => {
                if let Some(kind) = &kind {
                    super::one_of(kind, "`type` of a random value", &["str", "int"], d);
                }
                return None;
            }
        }
    } else if on(database) {
        EnvKind::Generated(Recipe::Database)
    } else if on(user) {
        EnvKind::Generated(Recipe::User)
    } else if let Some(secret) = secret {
        EnvKind::Secret(secret.value)
    } else {
        d.push(bad(name, node, FORMS));
        return None;
    };
    Some(EnvDef { kind, display })
}
