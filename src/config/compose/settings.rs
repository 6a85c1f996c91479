//! What a service says of its container that is one value each: limits, health, restart, Docker's own settings.

use super::devices;
use super::labels::labels;
use super::processors::{cpus, quota};
use super::service::{Pulled, Service};
use super::shared::{Join, OF_SERVICE};
use super::tree::{Field, Item, Keys, Str, Val};
use crate::base::{Span, size};
use crate::config::{codes, rules};
use crate::diag::{Diagnostic, Diagnostics};
use crate::model::{Health, Log, Restart, RestartName, Ulimit};
use std::collections::BTreeMap;

impl Service {
    pub(super) fn pull_policy(&mut self, keys: &mut Keys<'_>, d: &mut Diagnostics) {
        let Some((policy, item)) = keys.plain("pull_policy", d) else {
            return;
        };
        let at = Some(item.at.clone());
        match policy.as_str() {
            "never" => self.pulled = Pulled::Never,
            "build" if self.build.is_some() => {}
            "build" => d.push(item.bad("`pull_policy`", "`build` is for a service that has a `build`")),
            // The file says that a registry has the image: then it is not built.
            "missing" | "if_not_present" | "always" | "daily" | "weekly"
                if self.build.is_some() && self.image.is_some() =>
            {
                self.pulled = Pulled::Instead;
                let summary = format!("`build` of `{}` has no effect", self.name);
                let warning = Diagnostic::warning(codes::IGNORED, at, summary);
                d.push(
                    warning
                        .label("so the image is pulled")
                        .help("`pull_policy: build`, or none, builds it"),
                );
            }
            "missing" | "if_not_present" => {}
            "always" | "daily" | "weekly" => d.push(
                Diagnostic::warning(
                    codes::IGNORED,
                    at,
                    format!("`pull_policy: {policy}` has no effect"),
                )
                .help("an image is pulled where it is missing; `coasti plan --refresh` asks the registry for a newer one"),
            ),
            _ => d.push(item.bad("`pull_policy`", "`missing`, `never` or `build`")),
        }
    }

    pub(super) fn health(&mut self, item: Option<&Item>, what: &str, d: &mut Diagnostics) {
        let Some(item) = item else { return };
        let Some(mut keys) = Keys::of(item, format!("the health check of {what}"), d) else {
            return;
        };
        let off = keys.flag("disable", d).unwrap_or(false);
        let test = keys.take("test");
        let mut span = |key: &'static str, d: &mut Diagnostics| {
            let (text, at) = keys.plain(key, d)?;
            span(&text, at, &format!("`{key}`"), d)
        };
        let mut health = Health {
            test: Vec::new(),
            interval: span("interval", d),
            timeout: span("timeout", d),
            start_period: span("start_period", d),
            start_interval: span("start_interval", d),
            retries: None,
        };
        if let Some((retries, _)) = keys.int("retries", 0..=100_000, d) {
            health.retries = u32::try_from(retries).ok();
        }
        keys.finish(&[], d);
        self.test = match test.map(|item| (&item.value, item)) {
            _ if off => Some(vec![Str::plain("NONE")]),
            None => Some(Vec::new()),
            Some((Val::Text(text), _)) => Some(vec![Str::plain("CMD-SHELL"), text.clone()]),
            Some((Val::List(items), item)) => {
                let words: Vec<Str> = items
                    .iter()
                    .filter_map(|item| item.as_str().cloned())
                    .collect();
                let first = words.first().and_then(Str::as_plain);
                if words.len() != items.len()
                    || !matches!(first, None | Some("NONE" | "CMD" | "CMD-SHELL"))
                {
                    d.push(item.bad(
                        "`test`",
                        "text, or a list that begins with `CMD`, `CMD-SHELL` or `NONE`",
                    ));
                }
                Some(words)
            }
            Some((_, item)) => {
                d.push(item.wrong("`test`", "text or a list of texts"));
                None
            }
        };
        if off
            || self
                .test
                .as_ref()
                .is_some_and(|test| test.first() == Some(&Str::plain("NONE")))
        {
            health = Health {
                test: Vec::new(),
                interval: None,
                timeout: None,
                start_period: None,
                start_interval: None,
                retries: None,
            };
        }
        self.spec.health = Some(health);
    }

    /// What goes into the spec as it stands.
    pub(super) fn settings(&mut self, keys: &mut Keys<'_>, d: &mut Diagnostics) {
        let spec = &mut self.spec;
        let text = |found: Option<(String, &Item)>| found.map(|(text, _)| text);
        spec.domainname = text(keys.plain("domainname", d));
        for (key, to, rule) in [
            ("hostname", &mut spec.hostname, rules::hostname as Rule),
            ("user", &mut spec.user, rules::user),
            ("working_dir", &mut spec.working_dir, rules::absolute),
            ("stop_signal", &mut spec.stop_signal, rules::signal),
            ("cpuset", &mut spec.cpuset, rules::cpuset),
            ("runtime", &mut spec.runtime, any),
            ("cgroup_parent", &mut spec.cgroup_parent, any),
        ] {
            // Where a variable is empty, a service has what it would have without.
            let found = keys
                .plain(key, d)
                .filter(|(text, _)| key == "user" || !text.is_empty());
            check(key, found.as_slice(), rule, d);
            *to = text(found);
        }
        if let Some((text, at)) = keys.plain("stop_grace_period", d) {
            spec.stop_timeout = span(&text, at, "`stop_grace_period`", d);
        }
        for (key, to, words) in [
            ("pid", &mut spec.pid, &["host", "private", OF_SERVICE][..]),
            (
                "ipc",
                &mut spec.ipc,
                &["host", "private", "shareable", "none", OF_SERVICE][..],
            ),
            ("uts", &mut spec.uts, &["host"][..]),
            ("userns_mode", &mut spec.userns, &["host"][..]),
        ] {
            let Some((word, at)) = keys.plain(key, d) else {
                continue;
            };
            if words.contains(&OF_SERVICE)
                && let Some(other) = word.strip_prefix("service:").filter(|s| !s.is_empty())
            {
                self.joins.push(Join {
                    key,
                    service: other.to_owned(),
                    at: at.at.clone(),
                });
            } else if !words.contains(&word.as_str()) {
                let known: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
                d.push(at.bad(
                    &format!("`{key}`"),
                    &format!("supported is {}", known.join(", ")),
                ));
            } else if !(key == "pid" && word == "private") {
                *to = Some(word);
            }
        }
        spec.init = keys.flag("init", d);
        spec.privileged = keys.flag("privileged", d).unwrap_or(false);
        spec.read_only = keys.flag("read_only", d).unwrap_or(false);
        spec.tty = keys.flag("tty", d).unwrap_or(false);
        spec.stdin_open = keys.flag("stdin_open", d).unwrap_or(false);
        let capabilities = [
            ("cap_add", &mut spec.cap_add),
            ("cap_drop", &mut spec.cap_drop),
        ];
        for (key, to) in capabilities {
            *to = texts(keys, key, rules::capability, d).into_iter().collect();
        }
        spec.dns = texts(keys, "dns", rules::address, d);
        spec.dns_search = texts(keys, "dns_search", any, d);
        spec.dns_opt = texts(keys, "dns_opt", any, d);
        spec.security_opt = texts(keys, "security_opt", rules::security, d);
        spec.group_add = texts(keys, "group_add", any, d);
        spec.devices = devices::hosts(keys, d);
        spec.device_rules = texts(keys, "device_cgroup_rules", devices::rule, d);
        let pairs = |all: Vec<(String, String, &Item)>| {
            all.into_iter()
                .map(|(key, value, _)| (key, value))
                .collect::<BTreeMap<_, _>>()
        };
        spec.labels = labels(keys, d);
        spec.annotations = pairs(keys.table("annotations", d));
        let sysctls = keys.table("sysctls", d);
        for (name, _, at) in &sysctls {
            if let Err(help) = rules::sysctl(name) {
                let summary = format!("`{name}` cannot be set by `sysctls`");
                let error = Diagnostic::error(codes::BAD_VALUE, Some(at.at.clone()), summary);
                d.push(error.help(help));
            }
        }
        spec.sysctls = pairs(sysctls);
        if let Some(item) = keys.take("logging")
            && let Some(mut keys) = Keys::of(item, "`logging`", d)
        {
            let driver = keys.plain("driver", d).map(|(text, _)| text);
            let options = pairs(keys.table("options", d));
            keys.finish(&[], d);
            let driver = driver.unwrap_or_default();
            let log = Log { driver, options };
            if let Err(help) = rules::log(&log) {
                let summary = "these options of `logging` do not work";
                let error = Diagnostic::error(codes::BAD_VALUE, Some(item.at.clone()), summary);
                d.push(error.help(help));
            }
            spec.log = Some(log);
        }
        if let Some(item) = keys.take("ulimits") {
            for field in item.fields() {
                if let Some(limit) = ulimit(field, d) {
                    spec.ulimits.insert(field.key.clone(), limit);
                }
            }
        }
    }

    pub(super) fn limits(&mut self, keys: &mut Keys<'_>, d: &mut Diagnostics) {
        let spec = &mut self.spec;
        let mut bytes = |key: &'static str, d: &mut Diagnostics| {
            let (text, at) = keys.plain(key, d)?;
            bytes(&text, at, key, d)
        };
        spec.shm_size = bytes("shm_size", d);
        spec.live.memory = bytes("mem_limit", d);
        spec.memory_reservation = bytes("mem_reservation", d);
        spec.live.memory_swap = bytes("memswap_limit", d);
        if let Some((text, at)) = keys.plain("cpus", d) {
            spec.live.nano_cpus = cpus(&text, at, d);
        }
        if let Some((nanos, at)) = quota(keys, d)
            && spec.live.nano_cpus.replace(nanos).is_some()
        {
            let summary = "`cpus` and `cpu_quota` say the same";
            let error = Diagnostic::error(codes::BAD_VALUE, Some(at.at.clone()), summary);
            d.push(error.help("keep one of them"));
        }
        let int = |found: Option<(i64, &Item)>| found.map(|(int, _)| int);
        spec.live.pids = int(keys.int("pids_limit", -1..=i64::MAX, d)).filter(|pids| *pids > 0);
        spec.cpu_shares = match keys.int("cpu_shares", 0..=262_144, d) {
            Some((0, _)) | None => None,
            Some((1, at)) => {
                d.push(at.bad("`cpu_shares`", "at least 2"));
                None
            }
            Some((shares, _)) => Some(shares),
        };
        spec.oom_score_adj = int(keys.int("oom_score_adj", -1000..=1000, d));
    }

    pub(super) fn deploy(&mut self, item: Option<&Item>, d: &mut Diagnostics) {
        let Some(mut keys) = item.and_then(|item| Keys::of(item, "`deploy`", d)) else {
            return;
        };
        if let Some((mode, at)) = keys.plain("mode", d)
            // One for each engine: there is one.
            && !["replicated", "global"].contains(&mode.as_str())
        {
            d.push(at.bad("`mode`", "`replicated` or `global`"));
        }
        if let Some((count, at)) = keys.int("replicas", 0..=1000, d) {
            let count = u32::try_from(count).unwrap_or(1);
            if self.scale.is_some_and(|scale| scale != count) {
                d.push(two_limits("scale", "replicas", at));
            }
            self.replicas = count;
        }
        for key in [
            "labels",
            "placement",
            "update_config",
            "rollback_config",
            "endpoint_mode",
        ] {
            if let Some(item) = keys.take(key) {
                let summary = format!("`{key}` of `deploy` has no effect");
                d.push(
                    Diagnostic::warning(codes::IGNORED, Some(item.at.clone()), summary)
                        .label("it is for swarms, and there is one engine"),
                );
            }
        }
        if let Some(item) = keys.take("restart_policy")
            && let Some(mut policy) = Keys::of(item, "`restart_policy`", d)
        {
            let condition = policy
                .plain("condition", d)
                .map(|(text, at)| (text, at.clone()));
            let tries = policy
                .int("max_attempts", 0..=1_000_000, d)
                .map_or(0, |(tries, _)| tries);
            policy.accept(&["delay", "window"]);
            policy.finish(&[], d);
            let name = match condition.as_ref().map(|(text, _)| text.as_str()) {
                None | Some("any" | "always") => Some(RestartName::Always),
                Some("on-failure") => Some(RestartName::OnFailure),
                Some("unless-stopped") => Some(RestartName::UnlessStopped),
                Some("none" | "no") => Some(RestartName::No),
                Some(_) => None,
            };
            match (name, condition) {
                // It wins over `restart`, as with Compose.
                (Some(name), _) => {
                    let max_retries = if name == RestartName::OnFailure {
                        tries
                    } else {
                        0
                    };
                    self.restart = Some((Restart { name, max_retries }, item.at.clone()));
                }
                (None, Some((_, at))) => {
                    d.push(at.bad("`condition`", "`none`, `on-failure` or `any`"));
                }
                (None, None) => {}
            }
        }
        if let Some(item) = keys.take("resources")
            && let Some(mut resources) = Keys::of(item, "`resources`", d)
        {
            let (limits, reserved) = (resources.take("limits"), resources.take("reservations"));
            resources.finish(&[], d);
            if let Some(mut keys) = limits.and_then(|item| Keys::of(item, "`limits`", d)) {
                let live = &mut self.spec.live;
                if let Some((text, at)) = keys.plain("memory", d) {
                    let said = bytes(&text, at, "memory", d);
                    agree(&mut live.memory, said, ["mem_limit", "memory"], at, d);
                }
                if let Some((text, at)) = keys.plain("cpus", d) {
                    let said = cpus(&text, at, d);
                    agree(&mut live.nano_cpus, said, ["cpus", "cpus"], at, d);
                }
                if let Some((pids, at)) = keys.int("pids", -1..=i64::MAX, d) {
                    let said = Some(pids).filter(|pids| *pids > 0);
                    agree(&mut live.pids, said, ["pids_limit", "pids"], at, d);
                }
                keys.finish(&[], d);
            }
            if let Some(mut keys) = reserved.and_then(|item| Keys::of(item, "`reservations`", d)) {
                if let Some((text, at)) = keys.plain("memory", d) {
                    let said = bytes(&text, at, "mem_reservation", d);
                    let names = ["mem_reservation", "memory"];
                    agree(&mut self.spec.memory_reservation, said, names, at, d);
                }
                // An engine does not reserve processors; nothing is taken from the service by that.
                keys.accept(&["cpus"]);
                if let Some(item) = keys.take("devices") {
                    let requests = devices::reserved(item, d);
                    let origin = || item.at.clone();
                    self.origins
                        .entry("device_requests".to_owned())
                        .or_insert_with(origin);
                    self.spec.device_requests.extend(requests);
                }
                keys.finish(&[("generic_resources", "")], d);
            }
        }
        keys.finish(&[], d);
    }
}

/// Sets what was said in one of two ways, or in both alike.
fn agree(
    to: &mut Option<i64>,
    said: Option<i64>,
    [old, new]: [&str; 2],
    at: &Item,
    d: &mut Diagnostics,
) {
    if to.is_some() && said.is_some() && *to != said {
        d.push(two_limits(old, new, at));
    }
    *to = said.or(*to);
}

fn two_limits(old: &str, new: &str, at: &Item) -> Diagnostic {
    let summary = format!("`{new}` of `deploy` is not what `{old}` is");
    Diagnostic::error(codes::BAD_VALUE, Some(at.at.clone()), summary).help("leave one of them out")
}

type Rule = fn(&str) -> Result<(), String>;

/// What breaks no rule that is known here.
fn any(_: &str) -> Result<(), String> {
    Ok(())
}

/// Says which texts the engine would refuse.
pub(super) fn check(key: &str, found: &[(String, &Item)], rule: Rule, d: &mut Diagnostics) {
    for (text, at) in found {
        if let Err(help) = rule(text) {
            d.push(at.bad(&format!("`{key}`"), &help));
        }
    }
}

fn texts(keys: &mut Keys<'_>, key: &'static str, rule: Rule, d: &mut Diagnostics) -> Vec<String> {
    let found = keys.texts(key, d);
    check(key, &found, rule, d);
    found.into_iter().map(|(text, _)| text).collect()
}

fn span(text: &str, at: &Item, what: &str, d: &mut Diagnostics) -> Option<Span> {
    let span = duration(text.trim());
    if span.is_none() {
        d.push(at.bad(what, "a duration such as `30s`, `1m30s`, `1.5s`, `500ms`"));
    }
    span
}

/// `1h2m3.5s`: every part has its unit.
fn duration(text: &str) -> Option<Span> {
    const UNITS: [(&str, u128); 9] = [
        ("ns", 1),
        ("us", 1_000),
        ("µs", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("m", 60_000_000_000),
        ("h", 3_600_000_000_000),
        ("d", 86_400_000_000_000),
        ("w", 604_800_000_000_000),
    ];
    if text == "0" {
        return Some(Span::ZERO);
    }
    let (mut rest, mut nanos) = (text, 0u128);
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (digits, after) = rest.split_at_checked(number)?;
        let end = after.find(|c: char| c.is_ascii_digit() || c == '.');
        let (unit, after) = after.split_at_checked(end.unwrap_or(after.len()))?;
        let (_, unit) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let part = part.get(..part.len().min(9))?;
        if whole.len() + part.len() == 0 || whole.len() > 12 {
            return None;
        }
        let scale = 10u128.pow(u32::try_from(part.len()).ok()?);
        let number: u128 = format!("{whole}{part}").parse().ok()?;
        nanos += number * unit / scale;
        rest = after;
    }
    // Exact to the millisecond; Docker checks health no oftener.
    let millis = u64::try_from(nanos / 1_000_000).ok()?;
    (!text.is_empty() && (millis > 0 || nanos == 0)).then(|| Span::from_millis(millis))
}

pub(super) fn bytes(text: &str, at: &Item, key: &str, d: &mut Diagnostics) -> Option<i64> {
    match text.trim() {
        // No limit, which is not declaring one.
        "0" => None,
        "-1" if key == "memswap_limit" => Some(-1),
        text => match size::parse(text).filter(|bytes| *bytes > 0) {
            Some(bytes) => {
                if matches!(key, "mem_limit" | "memory")
                    && let Err(help) = rules::memory(bytes)
                {
                    d.push(at.bad(&format!("`{key}`"), &help));
                }
                Some(bytes)
            }
            None => {
                d.push(at.bad(&format!("`{key}`"), "bytes, or like `512m`, `2gb`"));
                None
            }
        },
    }
}

fn ulimit(field: &Field, d: &mut Diagnostics) -> Option<Ulimit> {
    let what = format!("the limit `{}`", field.key);
    if let Err(help) = rules::ulimit(&field.key) {
        let summary = format!("there is no limit `{}`", field.key);
        let at = Some(field.key_at.clone());
        d.push(Diagnostic::error(codes::BAD_VALUE, at, summary).help(help));
    }
    let number = |item: &Item| {
        let text = item.as_str().and_then(Str::as_plain)?;
        text.trim().parse::<i64>().ok().filter(|limit| *limit >= -1)
    };
    let both = match &field.item.value {
        Val::Map(_) => {
            let mut keys = Keys::of(&field.item, what.clone(), d)?;
            let (soft, hard) = (
                keys.take("soft").and_then(number),
                keys.take("hard").and_then(number),
            );
            keys.finish(&[], d);
            soft.zip(hard)
        }
        _ => number(&field.item).map(|limit| (limit, limit)),
    };
    match both {
        Some((soft, hard)) if hard == -1 || (soft != -1 && soft <= hard) => {
            Some(Ulimit { soft, hard })
        }
        _ => {
            d.push(field.item.bad(
                &what,
                "a number, or `soft` and `hard`, the first not above the second; -1 is no limit",
            ));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        for (text, millis) in [
            ("30s", 30_000),
            ("1m30s", 90_000),
            ("1.5s", 1_500),
            (".5m", 30_000),
            ("500ms", 500),
            ("1d2h", 93_600_000),
            ("2w", 1_209_600_000),
            ("1500us", 1),
            ("0", 0),
            ("0s", 0),
        ] {
            assert_eq!(duration(text), Some(Span::from_millis(millis)), "{text}");
        }
        for bad in [
            "",
            "10",
            "s",
            "1x",
            "-1s",
            "1s2",
            ".s",
            "100us",
            "9999999999999s",
        ] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }
}
