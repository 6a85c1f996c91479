//! How one option of `docker` is read.

use crate::base::{Span, size, words};
use crate::config::doc::{Node, Table, Value, wrong_type};
use crate::config::{codes, labels, rules};
use crate::diag::{Diagnostic, Diagnostics};
use crate::model::{Log, Mount, MountSource, NetworkMode, Restart, RestartName, Text};
use std::collections::BTreeMap;

/// An option with its name.
pub(super) struct Read<'a, 'd> {
    pub(super) name: &'a str,
    pub(super) node: &'a Node,
    pub(super) d: &'d mut Diagnostics,
}

impl Read<'_, '_> {
    fn wrong(&mut self, wanted: &str) {
        let what = format!("`{}` of `docker`", self.name);
        self.d.push(wrong_type(&what, wanted, self.node));
    }

    fn bad(&mut self, help: &str) {
        let shown = match self.node.value.scalar() {
            Some(text) if !text.contains(char::is_control) => format!("cannot be `{text}`"),
            _ => "is not right".to_owned(),
        };
        self.d.push(
            Diagnostic::error(
                codes::BAD_VALUE,
                Some(self.node.at.clone()),
                format!("`{}` of `docker` {shown}", self.name),
            )
            .help(help),
        );
    }

    fn text(&mut self) -> Option<String> {
        match &self.node.value {
            Value::Text(text) => Some(text.clone()),
            Value::Int(_, raw) => Some(raw.clone()),
            _ => {
                self.wrong("text");
                None
            }
        }
    }

    /// A text for which a rule holds.
    pub(super) fn one(&mut self, rule: fn(&str) -> Result<(), String>) -> Option<String> {
        let text = self.text()?;
        match rule(&text) {
            Ok(()) => Some(text),
            Err(help) => {
                self.bad(&help);
                None
            }
        }
    }

    /// Texts, a rule for each; what breaks it is said at its own place.
    pub(super) fn each(&mut self, rule: fn(&str) -> Result<(), String>) -> Vec<String> {
        let nodes = match &self.node.value {
            Value::List(items) => items.as_slice(),
            _ => std::slice::from_ref(self.node),
        };
        for node in nodes {
            if let Some(Err(help)) = node.value.scalar().map(|text| rule(&text)) {
                self.at(node).bad(&help);
            }
        }
        self.words()
    }

    fn at<'n>(&mut self, node: &'n Node) -> Read<'n, '_>
    where
        Self: 'n,
    {
        Read {
            name: self.name,
            node,
            d: self.d,
        }
    }

    pub(super) fn hosts(&mut self) -> BTreeMap<String, String> {
        let hosts = self.pairs(':');
        for (name, address) in &hosts {
            if let Err(help) = rules::host(name, address) {
                self.pair(name, address, &help);
            }
        }
        let trim = |(name, address): (String, String)| (name, address.trim().to_owned());
        hosts.into_iter().map(trim).collect()
    }

    pub(super) fn sysctls(&mut self) -> BTreeMap<String, String> {
        let sysctls = self.pairs('=');
        for (name, value) in &sysctls {
            if let Err(help) = rules::sysctl(name) {
                self.pair(name, value, &help);
            }
        }
        sysctls
    }

    /// One of several that is not right.
    fn pair(&mut self, name: &str, value: &str, help: &str) {
        let entries = match &self.node.value {
            Value::Map(entries) => entries.as_slice(),
            _ => &[],
        };
        let entry = entries.iter().find(|entry| entry.key == name);
        let at = entry.map_or(&self.node.at, |entry| &entry.key_at);
        let summary = format!(
            "`{}` of `docker` cannot have `{name}` with `{value}`",
            self.name
        );
        self.d
            .push(Diagnostic::error(codes::BAD_VALUE, Some(at.clone()), summary).help(help));
    }

    fn int(&mut self) -> Option<i64> {
        let int = self.node.value.whole();
        if int.is_none() {
            self.wrong("a whole number");
        }
        int
    }

    /// A number of processes. 0 and -1 are no limit, which is not declaring one.
    pub(super) fn pids(&mut self) -> Option<i64> {
        // The kernel's own limit.
        const MOST: i64 = 1 << 22;
        match self.int()? {
            -1..=0 => None,
            count if (1..=MOST).contains(&count) => Some(count),
            _ => {
                self.bad("a number of processes from 1 to 4194304");
                None
            }
        }
    }

    pub(super) fn nano_cpus(&mut self) -> Option<i64> {
        match self.int()? {
            0 => None,
            nanos => self.processors(nanos),
        }
    }

    /// So many microseconds of each period.
    pub(super) fn quota(&mut self, period: Option<&Node>) -> Option<i64> {
        let quota = match self.int()? {
            // No limit, which is not declaring one.
            -1..=0 => return None,
            quota => quota,
        };
        let period = match period.map(|node| &node.value) {
            Some(Value::Int(period, _)) if *period > 0 => *period,
            _ => 100_000,
        };
        if quota < 1000 {
            self.bad("microseconds of a period, at least 1000");
            return None;
        }
        self.processors(quota.saturating_mul(1_000_000_000) / period)
    }

    /// Its length in microseconds.
    pub(super) fn period(&mut self) -> Option<i64> {
        let period = self.int()?;
        if (1000..=1_000_000).contains(&period) {
            return Some(period);
        }
        self.bad("microseconds from 1000 to 1000000");
        None
    }

    fn processors(&mut self, nanos: i64) -> Option<i64> {
        match rules::processors(nanos) {
            Ok(()) => Some(nanos),
            Err(help) => {
                self.bad(&help);
                None
            }
        }
    }

    pub(super) fn memory(&mut self) -> Option<i64> {
        let memory = self.bytes()?;
        match rules::memory(memory) {
            Ok(()) => Some(memory),
            Err(help) => {
                self.bad(&help);
                None
            }
        }
    }

    pub(super) fn flag(&mut self) -> Option<bool> {
        let flag = match &self.node.value {
            Value::Bool(flag) => Some(*flag),
            Value::Text(text) => text.to_ascii_lowercase().parse().ok(),
            _ => None,
        };
        if flag.is_none() {
            self.wrong("`true` or `false`");
        }
        flag
    }

    pub(super) fn bytes(&mut self) -> Option<i64> {
        let bytes = match &self.node.value {
            Value::Text(text) if text.trim() == "-1" => Some(-1),
            Value::Text(text) => size::parse(text),
            value => value.whole(),
        };
        match bytes {
            // Nothing and 0 are no limit; saying so is not declaring one.
            Some(0) => None,
            Some(-1) if self.name == "memswap_limit" => Some(-1),
            Some(bytes) if bytes > 0 => Some(bytes),
            _ => {
                self.bad("a size, such as `512M` or `2G`");
                None
            }
        }
    }

    pub(super) fn cpus(&mut self) -> Option<i64> {
        let cpus = self
            .node
            .value
            .scalar()
            .and_then(|text| text.trim().parse::<f64>().ok());
        match cpus {
            Some(cpus) if cpus > 0.0 && cpus < 1e6 =>
            {
                #[allow(clippy::cast_possible_truncation)]
                self.processors((cpus * 1e9).round() as i64)
            }
            _ => {
                self.bad("a number of processors, such as `1.5`");
                None
            }
        }
    }

    pub(super) fn span(&mut self) -> Option<Span> {
        let span = match &self.node.value {
            float @ Value::Float(_) => float.whole().map(|whole| whole.to_string()),
            value => value.scalar(),
        };
        let span = span.and_then(|text| text.parse().ok());
        if span.is_none() {
            self.bad("seconds, or like `1m30s`");
        }
        span
    }

    fn words(&mut self) -> Vec<String> {
        let items = match &self.node.value {
            Value::List(items) => items.iter().map(|item| item.value.scalar()).collect(),
            value => value.scalar().map(|text| vec![text]),
        };
        if items.is_none() {
            self.wrong("a list of texts");
        }
        items.unwrap_or_default()
    }

    /// A command is a list, or one text that is split as a shell would.
    pub(super) fn command(&mut self) -> Option<Vec<Text>> {
        let argv = match &self.node.value {
            Value::Text(text) if text.len() > words::LONGEST => {
                self.bad("at most 128 KB in one line");
                return None;
            }
            Value::Text(text) => match words::split(text) {
                Some(argv) => argv,
                None => {
                    self.bad("a quote is not closed");
                    return None;
                }
            },
            _ => self.words(),
        };
        if argv.iter().any(|word| word.contains('\0')) {
            self.bad("no argument can hold a NUL byte");
            return None;
        }
        Some(argv.into_iter().map(Text::plain).collect())
    }

    fn pairs(&mut self, separator: char) -> BTreeMap<String, String> {
        let pairs: Option<BTreeMap<_, _>> = match &self.node.value {
            Value::Map(entries) => entries
                .iter()
                .map(|entry| Some((entry.key.clone(), entry.node.value.scalar()?)))
                .collect(),
            Value::List(items) => items
                .iter()
                .map(|item| {
                    let text = item.value.scalar()?;
                    let (key, value) = text.split_once(separator)?;
                    Some((key.to_owned(), value.to_owned()))
                })
                .collect(),
            _ => None,
        };
        if pairs.is_none() {
            self.wrong(&format!("a table, or a list of `NAME{separator}VALUE`"));
        }
        pairs.unwrap_or_default()
    }

    pub(super) fn labels(&mut self) -> BTreeMap<String, String> {
        let labels = match &self.node.value {
            Value::List(items)
                if items
                    .iter()
                    .all(|i| i.value.scalar().is_some_and(|t| !t.contains('='))) =>
            {
                let names = items.iter().filter_map(|item| item.value.scalar());
                names.map(|name| (name, String::new())).collect()
            }
            _ => self.pairs('='),
        };
        let wrong: Vec<_> = match &self.node.value {
            Value::Map(entries) => entries
                .iter()
                .filter_map(|entry| labels::own(&entry.key, &entry.key_at))
                .collect(),
            _ => labels
                .keys()
                .filter_map(|name| labels::own(name, &self.node.at))
                .collect(),
        };
        wrong.into_iter().for_each(|error| self.d.push(error));
        labels
    }

    pub(super) fn log(&mut self) -> Option<Log> {
        let mut table = Table::of(self.node, "`log_config`", self.d)?;
        let driver = table.any_text(&["type", "Type", "driver"], self.d);
        let config = table.any(&["config", "Config", "options"], self.d);
        table.finish(self.d);
        let options = config.map(|node| {
            Read {
                name: "log_config.config",
                node,
                d: self.d,
            }
            .pairs('=')
        });
        let log = Log {
            driver: driver.map_or_else(|| "json-file".to_owned(), |driver| driver.value),
            options: options.unwrap_or_default(),
        };
        if let Err(help) = rules::log(&log) {
            self.bad(&help);
        }
        Some(log)
    }

    pub(super) fn network(&mut self) -> Option<NetworkMode> {
        match self.text()?.as_str() {
            "host" => Some(NetworkMode::Host),
            "none" => Some(NetworkMode::None),
            "bridge" | "default" => Some(NetworkMode::Own),
            _ => {
                self.bad("`host` or `none`; an app's own network is made for it");
                None
            }
        }
    }

    pub(super) fn restart(&mut self) -> Option<Restart> {
        let (name, retries) = match &self.node.value {
            Value::Text(text) => match text.split_once(':') {
                Some((name, retries)) => (name.to_owned(), Some(retries.trim().to_owned())),
                None => (text.clone(), None),
            },
            _ => {
                let mut table = Table::of(self.node, "`restart_policy`", self.d)?;
                let name = table.any_text(&["name", "Name"], self.d);
                let retries = table.any(&["MaximumRetryCount", "maximum-retry-count"], self.d);
                table.finish(self.d);
                let retries = retries.and_then(|node| node.value.scalar());
                (name?.value, retries)
            }
        };
        let retries = match retries.map(|text| text.parse::<i64>()) {
            None => 0,
            Some(Ok(retries)) if retries >= 0 => retries,
            Some(_) => {
                self.bad("the number of tries is 0, for no end of them, or more");
                return None;
            }
        };
        let name = match name.as_str() {
            "always" => RestartName::Always,
            "no" | "" => RestartName::No,
            "on-failure" => RestartName::OnFailure,
            "unless-stopped" => RestartName::UnlessStopped,
            _ => {
                self.bad("`always`, `no`, `on-failure` or `unless-stopped`");
                return None;
            }
        };
        // Docker refuses a count with any other policy.
        let max_retries = if name == RestartName::OnFailure {
            retries
        } else {
            0
        };
        Some(Restart { name, max_retries })
    }

    pub(super) fn tmpfs(&mut self) -> BTreeMap<String, Mount> {
        let pairs = match &self.node.value {
            Value::Map(_) => self.pairs(':'),
            _ => {
                let each = self.words().into_iter();
                each.map(|text| match text.split_once(':') {
                    Some((path, options)) => (path.to_owned(), options.to_owned()),
                    None => (text, String::new()),
                })
                .collect()
            }
        };
        let mut mounts = BTreeMap::new();
        for (path, options) in pairs {
            let path = match crate::config::app::volume::target(&path) {
                Ok(path) => path,
                Err(help) => {
                    self.bad(help);
                    continue;
                }
            };
            let (mut size, mut mode, mut read_only) = (None, None, false);
            for option in options.split(',').map(str::trim) {
                let fine = match option.split_once('=') {
                    Some(("size", text)) => {
                        size = size::parse(text);
                        size.is_some()
                    }
                    Some(("mode", text)) => {
                        mode = u32::from_str_radix(text, 8).ok();
                        mode.is_some_and(|mode| mode <= 0o7777)
                    }
                    _ => {
                        read_only |= option == "ro";
                        // What Docker mounts with anyway.
                        matches!(option, "" | "ro" | "rw" | "noexec" | "nosuid" | "nodev")
                    }
                };
                if !fine {
                    self.bad(&format!(
                        "`{option}` is none of `size=64m`, `mode=1777`, `ro`, `rw`"
                    ));
                }
            }
            let source = MountSource::Tmpfs { size, mode };
            let mount = Mount {
                read_only,
                ..Mount::from(source)
            };
            mounts.insert(path, mount);
        }
        mounts
    }
}
