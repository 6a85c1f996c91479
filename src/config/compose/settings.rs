//! What a service says of its container that is one value each: limits, health, restart, Docker's own settings.

use super::service::{Pulled, Service};
use super::tree::{Field, Item, Keys, Str, Val};
use crate::base::{Span, size};
use crate::config::codes;
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
        spec.hostname = text(keys.plain("hostname", d));
        spec.domainname = text(keys.plain("domainname", d));
        spec.user = text(keys.plain("user", d));
        spec.working_dir = text(keys.plain("working_dir", d));
        spec.stop_signal = text(keys.plain("stop_signal", d));
        spec.cpuset = text(keys.plain("cpuset", d));
        if let Some((text, at)) = keys.plain("stop_grace_period", d) {
            spec.stop_timeout = span(&text, at, "`stop_grace_period`", d);
        }
        for (key, to, words) in [
            ("pid", &mut spec.pid, &["host", "private"][..]),
            (
                "ipc",
                &mut spec.ipc,
                &["host", "private", "shareable", "none"][..],
            ),
            ("uts", &mut spec.uts, &["host"][..]),
            ("userns_mode", &mut spec.userns, &["host"][..]),
        ] {
            let Some((word, at)) = keys.plain(key, d) else {
                continue;
            };
            if !words.contains(&word.as_str()) {
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
        spec.cap_add = texts(keys, "cap_add", d).into_iter().collect();
        spec.cap_drop = texts(keys, "cap_drop", d).into_iter().collect();
        spec.dns = texts(keys, "dns", d).into_iter().collect();
        spec.dns_search = texts(keys, "dns_search", d).into_iter().collect();
        spec.dns_opt = texts(keys, "dns_opt", d).into_iter().collect();
        spec.security_opt = texts(keys, "security_opt", d).into_iter().collect();
        spec.group_add = texts(keys, "group_add", d).into_iter().collect();
        spec.devices = texts(keys, "devices", d).into_iter().collect();
        let pairs = |all: Vec<(String, String, &Item)>| {
            all.into_iter()
                .map(|(key, value, _)| (key, value))
                .collect::<BTreeMap<_, _>>()
        };
        spec.labels = pairs(keys.table("labels", d));
        spec.sysctls = pairs(keys.table("sysctls", d));
        spec.extra_hosts = pairs(keys.table("extra_hosts", d));
        if let Some(item) = keys.take("logging")
            && let Some(mut keys) = Keys::of(item, "`logging`", d)
        {
            let driver = keys.plain("driver", d).map(|(text, _)| text);
            let options = pairs(keys.table("options", d));
            keys.finish(&[], d);
            let driver = driver.unwrap_or_else(|| "json-file".to_owned());
            spec.log = Some(Log { driver, options });
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
        let int = |found: Option<(i64, &Item)>| found.map(|(int, _)| int);
        spec.live.pids = int(keys.int("pids_limit", -1..=i64::MAX, d)).filter(|pids| *pids > 0);
        spec.cpu_shares = int(keys.int("cpu_shares", 0..=i64::MAX, d)).filter(|shares| *shares > 0);
        spec.oom_score_adj = int(keys.int("oom_score_adj", -1000..=1000, d));
    }

    pub(super) fn deploy(&mut self, item: Option<&Item>, d: &mut Diagnostics) {
        let Some(mut keys) = item.and_then(|item| Keys::of(item, "`deploy`", d)) else {
            return;
        };
        if let Some((mode, at)) = keys.plain("mode", d)
            && mode != "replicated"
        {
            d.push(at.bad("`mode`", "`replicated`: there is one engine"));
        }
        if let Some((count, _)) = keys.int("replicas", 0..=1000, d) {
            self.replicas = u32::try_from(count).unwrap_or(1);
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
                None | Some("any") => Some(RestartName::Always),
                Some("on-failure") => Some(RestartName::OnFailure),
                Some("none") => Some(RestartName::No),
                Some(_) => None,
            };
            match (name, condition) {
                (Some(name), _) if self.restart.is_none() => {
                    let max_retries = if name == RestartName::OnFailure {
                        tries
                    } else {
                        0
                    };
                    self.restart = Some((Restart { name, max_retries }, item.at.clone()));
                }
                (None, Some((_, at))) => {
                    d.push(at.bad("`condition`", "`none`, `on-failure` or `any`"))
                }
                _ => {}
            }
        }
        if let Some(item) = keys.take("resources")
            && let Some(mut resources) = Keys::of(item, "`resources`", d)
        {
            let (limits, reserved) = (resources.take("limits"), resources.take("reservations"));
            resources.finish(&[], d);
            if let Some(mut keys) = limits.and_then(|item| Keys::of(item, "`limits`", d)) {
                let spec = &mut self.spec;
                if let Some((text, at)) = keys.plain("memory", d) {
                    spec.live.memory = bytes(&text, at, "memory", d);
                }
                if let Some((text, at)) = keys.plain("cpus", d) {
                    spec.live.nano_cpus = cpus(&text, at, d);
                }
                if let Some((pids, _)) = keys.int("pids", -1..=i64::MAX, d) {
                    spec.live.pids = Some(pids).filter(|pids| *pids > 0);
                }
                keys.finish(&[], d);
            }
            if let Some(mut keys) = reserved.and_then(|item| Keys::of(item, "`reservations`", d)) {
                if let Some((text, at)) = keys.plain("memory", d) {
                    self.spec.memory_reservation = bytes(&text, at, "memory", d);
                }
                // An engine does not reserve processors; nothing is taken from the service by that.
                keys.accept(&["cpus"]);
                keys.finish(&[("devices", ""), ("generic_resources", "")], d);
            }
        }
        keys.finish(&[], d);
    }
}

fn texts(keys: &mut Keys<'_>, key: &'static str, d: &mut Diagnostics) -> Vec<String> {
    let found = keys.texts(key, d).into_iter();
    found.map(|(text, _)| text).collect()
}

fn span(text: &str, at: &Item, what: &str, d: &mut Diagnostics) -> Option<Span> {
    let span = text.parse().ok();
    if span.is_none() {
        d.push(at.bad(what, "a duration such as `30s`, `1m30s`, `500ms`"));
    }
    span
}

pub(super) fn bytes(text: &str, at: &Item, key: &str, d: &mut Diagnostics) -> Option<i64> {
    match text.trim() {
        // No limit, which is not declaring one.
        "0" => None,
        "-1" if key == "memswap_limit" => Some(-1),
        text => match size::parse(text).filter(|bytes| *bytes > 0) {
            Some(bytes) => Some(bytes),
            None => {
                d.push(at.bad(&format!("`{key}`"), "bytes, or like `512m`, `2gb`"));
                None
            }
        },
    }
}

fn cpus(text: &str, at: &Item, d: &mut Diagnostics) -> Option<i64> {
    match text.trim().parse::<f64>() {
        Ok(0.0) => None,
        #[allow(clippy::cast_possible_truncation)]
        Ok(cpus) if cpus > 0.0 && cpus < 1e6 => Some((cpus * 1e9).round() as i64),
        _ => {
            d.push(at.bad("`cpus`", "a number of processors, such as `1.5`"));
            None
        }
    }
}

fn ulimit(field: &Field, d: &mut Diagnostics) -> Option<Ulimit> {
    let what = format!("the limit `{}`", field.key);
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
        Some((soft, hard)) => Some(Ulimit { soft, hard }),
        None => {
            d.push(
                field
                    .item
                    .bad(&what, "a number, or `soft` and `hard`; -1 is no limit"),
            );
            None
        }
    }
}
