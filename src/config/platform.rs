//! `config/services.env`: what the platform services are set to.

use super::credentials::is_email;
use super::doc::Sp;
use super::env_file::{self, Dialect, Variable};
use super::products::Loaded;
use super::strength::weakness;
use super::{Folder, codes, load};
use crate::base::names;
use crate::diag::{Diagnostic, Diagnostics, Place, did_you_mean};
use std::collections::{BTreeMap, BTreeSet};

/// The platform services.
const SERVICES: &[&str] = &[
    "gitlab",
    "grafana",
    "influxdb",
    "mongodb",
    "postgres",
    "rabbitmq",
    "thingsboard",
];

/// Other names of them.
const ALIASES: &[(&str, &str)] = &[
    ("influx", "influxdb"),
    ("mongo", "mongodb"),
    ("postgresql", "postgres"),
    ("thingsboard-ce", "thingsboard"),
];

/// What a variable holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The platform's host name.
    Host,
    /// A port of the host.
    Port,
    /// One or more UDP ports of the host.
    Ports,
    /// A user's or group's number.
    Id,
    /// A name: of a user, an organisation, a database.
    Name,
    /// A password of the user that this other variable names, with so many characters at least.
    Password(&'static str, usize),
    /// An e-mail address.
    Email,
    /// On or off.
    Flag,
    /// A directory.
    Directory,
    /// A file in `config/`.
    File,
    /// A whole number of seconds.
    Seconds,
    /// `http` or `https`.
    Scheme,
}

use Form::{Directory, Email, File, Flag, Host, Id, Name, Password, Port, Ports, Scheme, Seconds};

/// A variable: its name, the service that reads it (none is all), what it holds, whether the service cannot do
/// without.
type Key = (&'static str, &'static str, Form, bool);

const KEYS: &[Key] = &[
    ("HOSTNAME", "", Host, true),
    ("USERID", "", Id, false),
    ("GROUPID", "", Id, false),
    ("CERTS_SRC", "", Directory, false),
    ("SSL_VERIFY", "", Flag, false),
    ("RABBITMQ_PORT", "rabbitmq", Port, true),
    ("RABBITMQ_MANAGEMENT_PORT", "rabbitmq", Port, true),
    ("RABBITMQ_MQTT_PORT", "rabbitmq", Port, true),
    ("RABBITMQ_ADMIN_USERNAME", "rabbitmq", Name, true),
    (
        "RABBITMQ_ADMIN_PASSWORD",
        "rabbitmq",
        Password("RABBITMQ_ADMIN_USERNAME", 1),
        true,
    ),
    ("RABBIT_UID", "rabbitmq", Id, false),
    ("INFLUXDB_PORT", "influxdb", Port, true),
    ("INFLUXDB_ADMIN_USERNAME", "influxdb", Name, true),
    (
        "INFLUXDB_ADMIN_PASSWORD",
        "influxdb",
        Password("INFLUXDB_ADMIN_USERNAME", 8),
        true,
    ),
    ("INFLUXDB_ORG", "influxdb", Name, true),
    ("INFLUXDB_BUCKET", "influxdb", Name, true),
    ("INFLUX_UID", "influxdb", Id, false),
    ("INFLUX_GID", "influxdb", Id, false),
    ("MONGODB_PORT", "mongodb", Port, true),
    ("MONGODB_ADMIN_USERNAME", "mongodb", Name, true),
    (
        "MONGODB_ADMIN_PASSWORD",
        "mongodb",
        Password("MONGODB_ADMIN_USERNAME", 1),
        true,
    ),
    ("MONGO_UID", "mongodb", Id, false),
    ("MONGO_GID", "mongodb", Id, false),
    ("GRAFANA_PORT", "grafana", Port, true),
    ("GRAFANA_ADMIN_USERNAME", "grafana", Name, true),
    (
        "GRAFANA_ADMIN_PASSWORD",
        "grafana",
        Password("GRAFANA_ADMIN_USERNAME", 1),
        true,
    ),
    ("POSTGRES_PORT", "postgres", Port, true),
    ("POSTGRES_DB", "postgres", Name, true),
    ("POSTGRES_USER", "postgres", Name, true),
    (
        "POSTGRES_PASSWORD",
        "postgres",
        Password("POSTGRES_USER", 1),
        true,
    ),
    ("POSTGRES_UID", "postgres", Id, false),
    ("POSTGRES_GID", "postgres", Id, false),
    ("THINGSBOARD_UID", "thingsboard", Id, false),
    ("THINGSBOARD_GID", "thingsboard", Id, false),
    ("THINGSBOARD_PORT", "thingsboard", Port, true),
    ("THINGSBOARD_EDGE_RPC_PORT", "thingsboard", Port, true),
    ("THINGSBOARD_MQTT_PORT", "thingsboard", Port, true),
    ("THINGSBOARD_MQTT_SSL_PORT", "thingsboard", Port, true),
    ("THINGSBOARD_COAP_LwM2M_PORTS", "thingsboard", Ports, true),
    ("THINGSBOARD_INSTALL_TIMEOUT", "thingsboard", Seconds, false),
    ("THINGSBOARD_SCHEME", "thingsboard", Scheme, false),
    ("TB_SYSADMIN_EMAIL", "thingsboard", Email, true),
    (
        "TB_SYSADMIN_NEW_PASSWORD",
        "thingsboard",
        Password("TB_SYSADMIN_EMAIL", 6),
        true,
    ),
    ("TB_TENANT_TITLE", "thingsboard", Name, true),
    ("TB_TENANT_ADMIN_EMAIL", "thingsboard", Email, true),
    (
        "TB_TENANT_ADMIN_PASSWORD",
        "thingsboard",
        Password("TB_TENANT_ADMIN_EMAIL", 6),
        true,
    ),
    ("GITLAB_PORT", "gitlab", Port, true),
    ("GITLAB_ROOT_NEW_PASSWORD", "gitlab", Password("", 8), true),
    ("OAUTH_APPS", "gitlab", File, false),
];

/// How many bytes a value may have.
const LONGEST: usize = 64 * 1024;

/// The file's name.
const FILE: &str = "config/services.env";

/// Which service a name of the deploy file's means; one that is none is an error.
fn service(name: &Sp<String>, d: &mut Diagnostics) -> Option<&'static str> {
    let own = name.value.trim().to_ascii_lowercase();
    let alias = ALIASES.iter().find(|(alias, _)| *alias == own);
    let own = alias.map_or(own.as_str(), |(_, service)| service);
    let found = SERVICES.iter().copied().find(|service| *service == own);
    if found.is_none() {
        let summary = format!("unknown service `{}`", name.value);
        let error = Diagnostic::error(codes::UNKNOWN_SERVICE, name.at.clone(), summary);
        let aliases = ALIASES.iter().map(|(alias, _)| *alias);
        d.push(
            match did_you_mean(own, SERVICES.iter().copied().chain(aliases)) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error.help(format!("one of {}", quoted(SERVICES.iter().copied()))),
            },
        );
    }
    found
}

fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// What the file sets, by name, as it stands there: what is filled in may be a secret.
pub(super) type Settings = BTreeMap<String, Sp<String>>;

/// The services that read a variable; none where it is of all or of none.
pub(super) fn read_by(name: &str) -> Option<&'static str> {
    let key = KEYS.iter().find(|key| key.0 == name)?;
    Some(key.1).filter(|service| !service.is_empty())
}

/// Checks the file, and that it has what the services of the deploy file need; what it sets.
pub(super) fn check(folder: &dyn Folder, wanted: &[Sp<String>], d: &mut Diagnostics) -> Settings {
    let mut services: BTreeMap<&'static str, &Sp<String>> = BTreeMap::new();
    for name in wanted {
        if let Some(service) = service(name, d) {
            services.insert(service, name);
        }
    }
    let source = match load(folder, FILE, d) {
        Loaded::Read(source) => source,
        Loaded::Broken => return Settings::new(),
        Loaded::Missing => {
            if let Some(first) = wanted.first() {
                let summary = format!("`{FILE}` is missing");
                d.push(
                    Diagnostic::error(codes::NO_FILE, first.at.clone(), summary)
                        .label("services are set there"),
                );
            }
            return Settings::new();
        }
    };
    let said = env_file::parse(&source, Dialect::Services, d);
    let mut settings = Settings::new();
    let values = values(&said, &mut settings, d);
    for key in KEYS {
        if let Some(value) = values.get(key.0) {
            check_value(key, value, &values, d);
        }
    }
    ports(&values, d);
    complete(&services, &said, &values, &Place::new(&source, 0..0), d);
    settings
}

/// A variable's value, with others in it replaced.
struct Set {
    /// Where its name stands.
    name: Sp<String>,
    /// What it is.
    value: Sp<String>,
}

type Values = BTreeMap<&'static str, Set>;

/// The variables that services read. Others may stand there: they are told, since they may be misspelt.
fn values(said: &[Variable], settings: &mut Settings, d: &mut Diagnostics) -> Values {
    let mut values = Values::new();
    let mut all: BTreeMap<&str, String> = BTreeMap::new();
    let mut first: BTreeMap<&str, &Sp<String>> = BTreeMap::new();
    let mut unknown_left = 150;
    for one in said {
        let name = one.name.value.as_str();
        let value = match &one.value {
            Some(value) => Sp {
                value: if one.expands {
                    expanded(value, &all, d)
                } else {
                    value.value.clone()
                },
                at: value.at.clone(),
            },
            None if one.broken => continue,
            None => {
                // A longer one is no name: it may be a line of a key that somebody pasted.
                let name = if name.len() < 40 { name } else { "NAME" };
                let summary = format!("`{name}` has no value");
                d.push(
                    Diagnostic::error(codes::SYNTAX, one.name.at.clone(), summary)
                        .help(format!("`{name}=value`")),
                );
                continue;
            }
        };
        if let Some(before) = first.insert(name, &one.name) {
            let summary = format!("`{name}` stands twice");
            let error = Diagnostic::error(codes::DUPLICATE_KEY, one.name.at.clone(), summary)
                .label("the second");
            d.push(match &before.at {
                Some(place) => error.related(place.clone(), "the first"),
                None => error,
            });
        }
        all.insert(name, value.value.clone());
        settings.extend(one.value.clone().map(|text| (name.to_owned(), text)));
        let Some(key) = KEYS.iter().find(|key| key.0 == name) else {
            // Suggestions take time; nobody looks at more of them.
            if unknown_left > 0 {
                d.push(unknown(&one.name));
                unknown_left -= 1;
            }
            continue;
        };
        let name = one.name.clone();
        values.insert(key.0, Set { name, value });
    }
    values
}

fn unknown(name: &Sp<String>) -> Diagnostic {
    let summary = format!("no service reads `{}`", name.value);
    let warning = Diagnostic::warning(codes::UNKNOWN_VARIABLE, name.at.clone(), summary);
    let upper = name.value.to_uppercase();
    let known = || KEYS.iter().map(|key| key.0);
    let same = known().find(|key| key.to_uppercase() == upper);
    match same.or_else(|| did_you_mean(&name.value, known())) {
        Some(near) => warning.help(format!("did you mean `{near}`?")),
        None => warning,
    }
}

/// Replaces `${NAME}` and `${NAME:-default}` by what stands above.
fn expanded(value: &Sp<String>, above: &BTreeMap<&str, String>, d: &mut Diagnostics) -> String {
    let mut text = String::new();
    let mut rest = value.value.as_str();
    while let Some((before, after)) = rest.split_once("${") {
        let Some((inner, next)) = after.split_once('}') else {
            break;
        };
        text.push_str(before);
        let (name, default) = match inner.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inner, None),
        };
        match (above.get(name).filter(|value| !value.is_empty()), default) {
            (Some(value), _) => text.push_str(value),
            (None, Some(default)) => text.push_str(default),
            (None, None) if above.contains_key(name) => {}
            (None, None) => {
                let summary = format!("`${{{name}}}` names no variable above");
                let error = Diagnostic::error(codes::UNKNOWN_PROPERTY, value.at.clone(), summary);
                d.push(match did_you_mean(name, above.keys().copied()) {
                    Some(near) => error.help(format!("did you mean `${{{near}}}`?")),
                    None => {
                        error.help("put the value into single quotes if it is meant as it stands")
                    }
                });
            }
        }
        if text.len() > LONGEST {
            let summary = "what stands above makes this value too long";
            d.push(Diagnostic::error(
                codes::TOO_LARGE,
                value.at.clone(),
                summary,
            ));
            return String::new();
        }
        rest = next;
    }
    text + rest
}

/// `from-to`, both ends included, or one port.
fn range(text: &str) -> Option<(u16, u16)> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let port = |text: &str| text.trim().parse().ok().filter(|port: &u16| *port > 0);
    let (from, to) = (port(from)?, port(to)?);
    (from <= to).then_some((from, to))
}

fn check_value(key: &Key, set: &Set, values: &Values, d: &mut Diagnostics) {
    let (name, _, form, needed) = *key;
    let text = set.value.value.as_str();
    if text.is_empty() {
        if needed {
            let summary = format!("`{name}` is empty");
            d.push(Diagnostic::error(
                codes::MISSING,
                set.name.at.clone(),
                summary,
            ));
        }
        return;
    }
    let number = || text.parse::<u32>().ok();
    let label = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let plain = !text.contains(char::is_control);
    let (fine, wanted) = match form {
        Host => (
            text.split('.').all(label),
            "a host name, such as `services.example.org`".into(),
        ),
        Port => (
            text.parse::<u16>().is_ok_and(|port| port > 0),
            "a port, 1 to 65535".into(),
        ),
        Ports => (
            range(text).is_some(),
            "a port or a range of them, such as `5683-5688`".into(),
        ),
        Id => (
            number().is_some_and(|id| id < u32::MAX),
            "the number of a user or group".into(),
        ),
        Name => (
            plain && text.trim() == text,
            "a name, with no blanks around it".to_owned(),
        ),
        Password(_, least) => (
            plain && text.chars().count() >= least,
            format!("at least {least} characters: the service takes no fewer"),
        ),
        Email => (is_email(text), "an e-mail address".into()),
        Flag => {
            const WORDS: &[&str] = &["true", "false", "1", "0", "yes", "no", "on", "off"];
            let lower = text.to_ascii_lowercase();
            (WORDS.contains(&lower.as_str()), "`True` or `False`".into())
        }
        Directory => (plain, "a directory".into()),
        File => (
            !text.starts_with('/') && names::path(text).is_some_and(|path| !path.is_empty()),
            "the name of a file in `config/`".into(),
        ),
        Seconds => (
            number().is_some_and(|seconds| seconds > 0),
            "a whole number of seconds".into(),
        ),
        Scheme => (matches!(text, "http" | "https"), "`http` or `https`".into()),
    };
    // What a password is has no place in a message.
    let secret = matches!(form, Password(..));
    if !fine {
        let summary = match secret {
            true => format!("`{name}` is not one that the service takes"),
            false => format!("`{name}` cannot be `{text}`"),
        };
        d.push(Diagnostic::error(codes::BAD_VALUE, set.value.at.clone(), summary).help(wanted));
        return;
    }
    if let Password(user, _) = form {
        let user = values
            .get(user)
            .map_or("root", |set| set.value.value.as_str());
        if let Some(why) = weakness(text, user) {
            let summary = format!("`{name}` is weak");
            d.push(
                Diagnostic::warning(codes::WEAK_PASSWORD, set.value.at.clone(), summary)
                    .label(why)
                    .help("a long random one, before anybody can reach the service"),
            );
        }
    }
}

/// Says which ports are given twice.
fn ports(values: &Values, d: &mut Diagnostics) {
    let mut taken: Vec<(bool, u16, u16, &Set)> = Vec::new();
    for (name, _, form, _) in KEYS {
        let Some(set) = values.get(name).filter(|_| matches!(form, Port | Ports)) else {
            continue;
        };
        let Some((from, to)) = range(&set.value.value) else {
            continue;
        };
        let udp = *form == Ports;
        let clash = taken
            .iter()
            .find(|(other, start, end, _)| *other == udp && from <= *end && to >= *start);
        if let Some((.., first)) = clash {
            let summary = format!("`{}` and `{name}` have one port", first.name.value);
            let error = Diagnostic::error(codes::PORT_TWICE, set.value.at.clone(), summary)
                .label("the second");
            d.push(match &first.value.at {
                Some(place) => error.related(place.clone(), "the first"),
                None => error,
            });
        }
        taken.push((udp, from, to, set));
    }
}

/// Says what is missing for the services that are wanted, and for those that are set in part.
fn complete(
    services: &BTreeMap<&'static str, &Sp<String>>,
    said: &[Variable],
    values: &Values,
    start: &Place,
    d: &mut Diagnostics,
) {
    let set: BTreeSet<&str> = said.iter().map(|one| one.name.value.as_str()).collect();
    let missing = |service: &str| -> Vec<&str> {
        let own = KEYS.iter().filter(|key| key.1 == service && key.3);
        own.map(|key| key.0)
            .filter(|name| !set.contains(name))
            .collect()
    };
    for (service, wanted) in services {
        for name in missing(service) {
            let summary = format!("`{name}` is missing, which `{service}` needs");
            let error = Diagnostic::error(codes::MISSING, Some(start.clone()), summary);
            d.push(match &wanted.at {
                Some(place) => error.related(place.clone(), "the service is listed here"),
                None => error,
            });
        }
    }
    if !services.is_empty() {
        for name in missing("") {
            let summary = format!("`{name}` is missing, which every service needs");
            d.push(Diagnostic::error(
                codes::MISSING,
                Some(start.clone()),
                summary,
            ));
        }
    }
    for service in SERVICES
        .iter()
        .filter(|service| !services.contains_key(*service))
    {
        let mut own = KEYS.iter().filter(|key| key.1 == *service);
        let Some(first) = own.find_map(|key| values.get(key.0)) else {
            continue;
        };
        let missing = missing(service);
        if !missing.is_empty() {
            let summary = format!("`{service}` is set in part");
            d.push(
                Diagnostic::warning(codes::HALF_A_SERVICE, first.name.at.clone(), summary)
                    .help(format!("missing: {}", quoted(missing.into_iter()))),
            );
        }
    }
}
