//! `config/deploy.yml`: what runs.

use super::adopt::Adopts;
use super::app::{Parts, ProviderDef, one_of};
use super::doc::{Node, Sp, Table, Value, parse, wrong_type};
use super::overlay::{self, Laid};
use super::products::Loaded;
use super::{Folder, codes, load};
use crate::base::{Span, StackId, StackName, names};
use crate::diag::{Diagnostic, Diagnostics, Place, Source};
use crate::model::{Order, Subnet, Update};
use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

/// Where it is, in `config/`.
pub(super) const NAMES: &[&str] = &["deploy.yml", "deploy.yaml", "deploy.toml", "deploy.json"];

/// The deploy file, read.
#[derive(Clone, Debug)]
pub(super) struct Deploy {
    /// The file.
    pub source: Arc<Source>,
    /// The stack's name.
    pub stack: StackName,
    /// Its id.
    pub id: Option<StackId>,
    /// Ports to give away, both ends included.
    pub ports: (u16, u16),
    /// Addresses to give networks.
    pub pool: Option<Subnet>,
    /// What the internet knows the host as.
    pub external_ip: ExternalIp,
    /// The sites.
    pub sites: Vec<Site>,
    /// Platform services to run.
    pub services: Vec<Sp<String>>,
    /// The file of their users, in `config/`.
    pub users: Option<Sp<String>>,
    /// Where each of its keys stands, but for the sites.
    pub origins: BTreeMap<String, Place>,
    /// What the environment's file did to it.
    pub laid: Vec<Laid>,
}

/// A site as written.
#[derive(Clone, Debug)]
pub(super) struct Site {
    /// Where.
    pub at: Place,
    /// Its identity, as names have it.
    pub label: Sp<String>,
    /// What it runs.
    pub image: Sp<String>,
    /// `host` or `host/path`.
    pub domain: Option<Sp<String>>,
    /// What it says of its container.
    pub parts: Parts,
    /// What it says of its product's providers.
    pub providers: Vec<ProviderDef>,
    /// How it is updated.
    pub update: Update,
    /// Where `update.order` stands.
    pub order_at: Option<Place>,
    /// The label it had before.
    pub was: Option<Sp<String>>,
    /// `new-data: true`.
    pub new_data: bool,
    /// `protect: true`.
    pub protect: bool,
    /// The host's address that its ports are bound to.
    pub bind: Option<IpAddr>,
    /// Where each of its keys stands.
    pub origins: BTreeMap<String, Place>,
    /// What it takes over.
    pub adopts: Adopts,
}

impl Site {
    /// Where stands what a site says of its containers besides their specs.
    pub(super) fn of_containers(&self) -> impl Iterator<Item = (String, Place)> {
        const KEYS: &[&str] = &["bind", "domain", "new-data", "protect", "update", "was"];
        let own = KEYS
            .iter()
            .filter_map(|key| Some((*key, self.origins.get(*key)?)));
        let product = self.image.at.iter().map(|at| ("product", at));
        let all = own.chain(product);
        all.map(|(key, at)| (key.to_owned(), at.clone()))
    }
}

/// Finds the one file `config/NAME` with any of the ends; none where there is none, or no proper one.
fn find(folder: &dyn Folder, name: &str, help: &str, d: &mut Diagnostics) -> Option<Arc<Source>> {
    let mut found = Vec::new();
    let mut broken = false;
    for own in NAMES {
        let path = format!("config/{}", own.replacen("deploy", name, 1));
        match load(folder, &path, d) {
            Loaded::Read(source) => found.push(source),
            Loaded::Broken => broken = true,
            Loaded::Missing => {}
        }
    }
    match found.as_slice() {
        [source] => Some(Arc::clone(source)),
        [] if broken => None,
        [] => {
            let summary = format!("`config/{name}.yml` is missing");
            d.push(Diagnostic::error(codes::NO_FILE, None, summary).help(help));
            None
        }
        several => {
            let names: Vec<_> = several.iter().map(|s| format!("`{}`", s.name)).collect();
            let summary = format!("several deploy files: {}", names.join(", "));
            d.push(
                Diagnostic::error(codes::TWO_DEPLOY_FILES, None, summary).help("keep one of them"),
            );
            None
        }
    }
}

/// What an environment's file has to lay over the deploy file.
fn over(folder: &dyn Folder, environment: &str, d: &mut Diagnostics) -> Option<Node> {
    let fine = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    if environment.is_empty() || !environment.chars().all(fine) {
        let summary = format!("`{environment}` cannot be an environment");
        d.push(
            Diagnostic::error(codes::NO_FILE, None, summary)
                .help("letters, digits, `_` and `-`: `prod` is `config/deploy.prod.yml`"),
        );
        return None;
    }
    let help =
        "it says what the environment has that others do not; `--env` or COASTI_ENV named it";
    let source = find(folder, &format!("deploy.{environment}"), help, d)?;
    let mut root = parse(&source, d)?;
    super::check_version(&mut Table::of(&root, "", d)?, d);
    match &mut root.value {
        // The file's own, not the stack's.
        Value::Map(entries) => entries.retain(|entry| entry.key != "version"),
        value => *value = Value::Map(Vec::new()),
    }
    Some(root)
}

/// Reads the one deploy file, and what lies over it.
pub(super) fn read(
    folder: &dyn Folder,
    environment: Option<&str>,
    d: &mut Diagnostics,
) -> Option<Deploy> {
    let help = "it says what runs; `config/deploy.toml` and `config/deploy.json` serve as well";
    let over = environment.map(|environment| over(folder, environment, d));
    let source = find(folder, "deploy", help, d)?;
    let mut root = parse(&source, d)?;
    let mut laid = Vec::new();
    if let Some(over) = over {
        let over = over?;
        if matches!(root.value, Value::Map(_)) {
            (root, laid) = overlay::lay(root, over);
        }
    }
    let mut table = Table::of(&root, "", d)?;
    if table.is_empty() {
        // Cut off by a full disk, perhaps: what runs is not to be taken for all that is wanted.
        let summary = format!("`{}` says nothing", source.name);
        d.push(
            Diagnostic::error(codes::MISSING, Some(table.at.clone()), summary)
                .help("`stack: NAME` and `site: […]`; a stack without sites is `site: []`"),
        );
        return None;
    }
    let (stack, id) = whose(&root, &mut table, folder, d);
    let ports = ports(table.take("ports", d), d);
    let pool = pool(table.take("networks", d), d);
    let external_ip = external_ip(table.text("external-ip", d), d);
    let sites: Vec<Site> = match table.take("site", d).map(|node| (&node.value, node)) {
        None => Vec::new(),
        Some((Value::List(items), _)) => items.iter().filter_map(|item| site(item, d)).collect(),
        Some((_, node)) => {
            d.push(wrong_type("`site`", "a list", node));
            Vec::new()
        }
    };
    let services = table.texts("services", d);
    let users = table.text("users", d);
    for (key, at, help) in [
        (
            "services",
            services.first().map(|name| &name.at),
            "run them as a product that is a compose file: `coasti import dtaas DIR` makes it of a DTaaS services \
             project, and a site names it",
        ),
        (
            "users",
            users.as_ref().map(|users| &users.at),
            "leave it out: `validate` checks `config/credentials.csv` all the same, and nobody is made of it",
        ),
    ] {
        if let Some(at) = at {
            let summary = format!("`{key}` is not supported yet");
            d.push(Diagnostic::error(codes::NOT_YET, at.clone(), summary).help(help));
        }
    }
    let origins = table.places();
    table.finish(d);
    Some(Deploy {
        source,
        // Without a name there is an error, and the rest is only looked through for more.
        stack: stack.unwrap_or_else(|| StackName::new("stack")),
        id,
        ports,
        pool,
        external_ip,
        sites,
        services,
        users,
        origins,
        laid,
    })
}

/// What the deploy file says of the whole stack, and may be asked for anew.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The file.
    pub source: Arc<Source>,
    /// The stack's name.
    pub stack: StackName,
    /// The ports of the host that are given away, both ends included.
    pub ports: (u16, u16),
}

/// Reads the settings of the deploy file itself, whatever lies over it.
pub fn settings(folder: &dyn Folder, d: &mut Diagnostics) -> Option<Settings> {
    let deploy = read(folder, None, d)?;
    Some(Settings {
        source: deploy.source,
        stack: deploy.stack,
        ports: deploy.ports,
    })
}

/// The stack's name and id.
pub(super) fn whose(
    root: &Node,
    table: &mut Table<'_>,
    folder: &dyn Folder,
    d: &mut Diagnostics,
) -> (Option<StackName>, Option<StackId>) {
    let version = super::check_version(table, d);
    let stack = stack_name(
        table.text("stack", d),
        // Of nua's files, which have no name for the whole: the folder's serves.
        (version == 0 && root.get("site").is_some()).then(|| folder.name()),
        &table.at,
        d,
    );
    let id = table.text("id", d).and_then(|id| {
        let known = stack_id(&id.value);
        if known.is_none() {
            let summary = format!("`{}` is no stack id", id.value);
            d.push(
                Diagnostic::error(codes::BAD_ID, id.at, summary)
                    .help("leave it out: coasti makes one and writes it here"),
            );
        }
        known
    });
    (stack, id)
}

/// 32 hexadecimal digits.
pub(super) fn stack_id(text: &str) -> Option<StackId> {
    let fine = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
    fine.then(|| StackId::new(text.to_ascii_lowercase()))
}

fn stack_name(
    said: Option<Sp<String>>,
    folder: Option<String>,
    at: &Place,
    d: &mut Diagnostics,
) -> Option<StackName> {
    const HELP: &str = "1 to 40 of `a-z`, `0-9` and `-`, the ends letters or digits";
    match said {
        Some(said) if StackName::is_valid(&said.value) => Some(StackName::new(said.value)),
        Some(said) => {
            let summary = format!("`{}` cannot be a stack's name", said.value);
            d.push(Diagnostic::error(codes::BAD_STACK, said.at, summary).help(HELP));
            None
        }
        None => {
            let Some(folder) = folder else {
                d.push(
                    Diagnostic::error(codes::MISSING, Some(at.clone()), "the file has no `stack`")
                        .help("`stack: NAME` starts the name of everything that coasti makes"),
                );
                return None;
            };
            let name = super::migrate::stack_of(&folder);
            if StackName::is_valid(&name) {
                return Some(StackName::new(name));
            }
            let summary = format!("the folder's name `{folder}` cannot be the stack's");
            d.push(
                Diagnostic::error(codes::BAD_STACK, Some(at.clone()), summary)
                    .help("write `stack: NAME`")
                    .help(HELP),
            );
            None
        }
    }
}

/// The address that the internet sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum ExternalIp {
    /// Asked for at whoever is known to tell.
    #[default]
    Ask,
    /// Asked for there.
    AskAt(String),
    /// This one.
    Is(String),
}

impl ExternalIp {
    /// The address, where it is known.
    pub(super) fn known(&self) -> Option<&str> {
        match self {
            Self::Is(address) => Some(address),
            Self::Ask | Self::AskAt(_) => None,
        }
    }
}

fn external_ip(said: Option<Sp<String>>, d: &mut Diagnostics) -> ExternalIp {
    let Some(said) = said else {
        return ExternalIp::Ask;
    };
    let text = said.value.trim();
    if text.parse::<IpAddr>().is_ok() {
        return ExternalIp::Is(text.to_owned());
    }
    let place = text.strip_prefix("http://").unwrap_or_default();
    if place.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
        && !place.contains(|c: char| c.is_whitespace() || c == '@')
    {
        return ExternalIp::AskAt(text.to_owned());
    }
    let summary = format!("`{}` is no address", said.value);
    let error = Diagnostic::error(codes::BAD_VALUE, said.at, summary);
    d.push(match text.starts_with("https://") {
        true => error.label("who tells the address is asked in plain HTTP"),
        false => {
            error.help("as in `external-ip: 203.0.113.7`, or `http://…` of somebody who tells it")
        }
    });
    ExternalIp::Ask
}

fn ports(node: Option<&Node>, d: &mut Diagnostics) -> (u16, u16) {
    const DEFAULT: (u16, u16) = (8100, 8999);
    let Some(mut table) = node.and_then(|node| Table::of(node, "`ports`", d)) else {
        return DEFAULT;
    };
    let mut port = |key, d: &mut Diagnostics| {
        let port = table.int(key, 1..=65535, d);
        port.and_then(|port| u16::try_from(port.value).ok())
    };
    let from = port("from", d).or(port("start", d)).unwrap_or(DEFAULT.0);
    // nua's `end` is the first that is not given.
    let end = port("end", d).map(|end| end.saturating_sub(1));
    let to = port("to", d).or(end).unwrap_or(from.max(DEFAULT.1));
    let at = table.at.clone();
    table.finish(d);
    if from > to {
        d.push(Diagnostic::error(
            codes::BAD_VALUE,
            Some(at),
            format!("`ports` goes from {from} down to {to}"),
        ));
        return DEFAULT;
    }
    (from, to)
}

/// The pool that the file says.
fn pool(node: Option<&Node>, d: &mut Diagnostics) -> Option<Subnet> {
    let mut table = Table::of(node?, "`networks`", d)?;
    let pool = table.text("pool", d);
    table.finish(d);
    let pool = pool?;
    match pool.value.parse::<Subnet>() {
        Ok(subnet) if subnet.address.is_ipv4() && (8..=26).contains(&subnet.prefix) => Some(subnet),
        _ => {
            d.push(
                Diagnostic::error(
                    codes::BAD_VALUE,
                    pool.at,
                    format!("`{}` is no pool of addresses", pool.value),
                )
                .help("an IPv4 address and a prefix from 8 to 26, such as `172.24.0.0/14`"),
            );
            None
        }
    }
}

pub(super) fn site(node: &Node, d: &mut Diagnostics) -> Option<Site> {
    let mut table = Table::of(node, "a site", d)?;
    let label = table.text("label", d);
    let image = table.need_text("image", d);
    let domain = table.text("domain", d).and_then(|text| domain(&text, d));
    let mut parts = Parts::read(&mut table, d);
    let providers = ProviderDef::read_all(table.list("provider", d), d);
    let (update, order_at) = update(table.take("update", d), d);
    let was = table.text("was", d);
    let new_data = table.flag("new-data", d).is_some_and(|flag| flag.value);
    let protect = table.flag("protect", d).is_some_and(|flag| flag.value);
    let bind = table
        .text("bind", d)
        .and_then(|text| super::app::address(&text, d));
    let adopts = super::adopt::read(table.take("adopt", d), d);
    // nua's tests read this.
    table.accept(&["test"]);
    let at = table.at.clone();
    let origins = table.places();
    table.finish(d);
    let image = image?;
    let label = label.or_else(|| {
        let domain = domain.as_ref()?;
        let short = short_image(&image.value);
        Some(Sp::new(format!("{short}-{}", domain.value), &at))
    });
    let Some(label) = label else {
        d.push(
            Diagnostic::error(codes::MISSING, Some(at), "a site has no `label`")
                .help("the label is the site's identity; without a domain it must be written"),
        );
        return None;
    };
    let safe = names::sanitize(&label.value);
    if safe.is_empty() {
        let summary = format!("`{}` cannot be a label", label.value);
        d.push(
            Diagnostic::error(codes::BAD_LABEL, label.at, summary)
                .help("`a-z`, `0-9`, `.`, `_` and `-`, the ends letters or digits"),
        );
        return None;
    }
    let was = was.and_then(|was| {
        let value = names::sanitize(&was.value);
        if value.is_empty() {
            let summary = format!("`{}` cannot have been a label", was.value);
            let error = Diagnostic::error(codes::BAD_LABEL, was.at, summary);
            d.push(error.help("`was: OLD` names the label that the site had before"));
            return None;
        }
        Some(Sp { value, at: was.at })
    });
    parts
        .volumes
        .retain(|volume| !volume.target.value.is_empty());
    Some(Site {
        at,
        label: Sp {
            value: safe,
            at: label.at,
        },
        image,
        domain,
        parts,
        providers,
        update,
        order_at,
        was,
        new_data,
        protect,
        bind,
        origins,
        adopts,
    })
}

/// `hedgedoc` of `nua-hedgedoc:1.9.7-15` and of `docker.io/acme/hedgedoc:1`.
fn short_image(image: &str) -> String {
    let last = image.rsplit('/').next().unwrap_or(image);
    let name = last.split([':', '@']).next().unwrap_or(last);
    let name = name.strip_suffix(".tar").unwrap_or(name);
    name.strip_prefix("nua-").unwrap_or(name).to_owned()
}

/// `host` or `host/path`, in lower case where it does not matter; the scheme is left out.
fn domain(text: &Sp<String>, d: &mut Diagnostics) -> Option<Sp<String>> {
    let bare = text.value.trim();
    let bare = bare.split_once("://").map_or(bare, |(_, rest)| rest);
    let (host, path) = bare.split_once('/').unwrap_or((bare, ""));
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let part = |part: &str| {
        (1..=63).contains(&part.len())
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    let path = path.trim_matches('/');
    let path_fine = path.split('/').all(|part| {
        !matches!(part, "." | "..")
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c))
    });
    if host.len() > 253 || !host.split('.').all(part) || !path_fine || path.contains("//") {
        d.push(
            Diagnostic::error(
                codes::BAD_DOMAIN,
                text.at.clone(),
                format!("`{}` is no domain", text.value),
            )
            .help("`www.example.org`, or with a path `www.example.org/wiki`; no port"),
        );
        return None;
    }
    let value = if path.is_empty() {
        host
    } else {
        format!("{host}/{path}")
    };
    Some(Sp {
        value,
        at: text.at.clone(),
    })
}

fn update(node: Option<&Node>, d: &mut Diagnostics) -> (Update, Option<Place>) {
    let mut update = Update::default();
    let Some(mut table) = node.and_then(|node| Table::of(node, "`update`", d)) else {
        return (update, None);
    };
    let mut order_at = None;
    if let Some(order) = table.text("order", d) {
        const WORDS: &[&str] = &["auto", "stop-first", "start-first"];
        if one_of(&order, "`order` of `update`", WORDS, d) {
            update.order = match order.value.as_str() {
                "stop-first" => Order::StopFirst,
                "start-first" => Order::StartFirst,
                _ => Order::Auto,
            };
            order_at = order.at;
        }
    }
    if let Some(settle) = table.span("settle", d) {
        update.settle = settle.value;
    }
    if let Some(timeout) = table.span("timeout", d) {
        if timeout.value == Span::ZERO {
            d.push(
                Diagnostic::error(
                    codes::BAD_VALUE,
                    timeout.at,
                    "`timeout` of `update` cannot be 0",
                )
                .help("it is how long a container may take to work, such as `5m`"),
            );
        } else {
            update.timeout = timeout.value;
        }
    }
    table.finish(d);
    (update, order_at)
}
