//! Devices: those of the host, and those that drivers of the engine give.

use super::settings::check;
use super::tree::{Item, Keys, Val, plain};
use crate::config::{codes, rules};
use crate::diag::{Diagnostic, Diagnostics};
use crate::model::DeviceRequest;

/// Devices of the host, in the short form or the long one.
pub(super) fn hosts(keys: &mut Keys<'_>, d: &mut Diagnostics) -> Vec<String> {
    let what = format!("an entry of {}", keys.name("devices"));
    let mut found = Vec::new();
    for item in keys.take("devices").map(Item::items).unwrap_or_default() {
        if !matches!(item.value, Val::Map(_)) {
            found.extend(plain(item, &what, d).map(|text| (text, item)));
            continue;
        }
        let Some(mut keys) = Keys::of(item, what.clone(), d) else {
            continue;
        };
        let mut text = |key| keys.plain(key, d).map(|(text, _)| text);
        let (source, target, rights) = (text("source"), text("target"), text("permissions"));
        keys.finish(&[], d);
        match source {
            Some(source) => {
                let target = target.unwrap_or_else(|| source.clone());
                let rights = rights.map(|rights| format!(":{rights}"));
                let text = format!("{source}:{target}{}", rights.unwrap_or_default());
                found.push((text, item));
            }
            None => d.push(Diagnostic::error(
                codes::MISSING,
                Some(item.at.clone()),
                format!("{what} has no `source`"),
            )),
        }
    }
    check("devices", &found, rules::device, d);
    found.into_iter().map(|(text, _)| text).collect()
}

/// What kinds of devices it may use, those included that are plugged in later: `c 189:* rwm`.
pub(super) fn rule(text: &str) -> Result<(), String> {
    let number = |text: &str| text == "*" || text.parse::<u32>().is_ok();
    let words: Vec<_> = text.split(' ').collect();
    let fine = match words[..] {
        [kind, numbers, rights] => {
            matches!(kind, "a" | "b" | "c")
                && numbers
                    .split_once(':')
                    .is_some_and(|(major, minor)| number(major) && number(minor))
                && (1..=3).contains(&rights.len())
                && rights.chars().all(|c| "rwm".contains(c))
        }
        _ => false,
    };
    let help = "`KIND MAJOR:MINOR RIGHTS`, such as `c 189:* rwm`";
    if fine { Ok(()) } else { Err(help.to_owned()) }
}

/// `gpus`: all of them, or a list of requests.
pub(super) fn gpus(item: Option<&Item>, d: &mut Diagnostics) -> Vec<DeviceRequest> {
    let Some(item) = item else { return Vec::new() };
    let mut requests = match &item.value {
        Val::List(items) => each(items, "an entry of `gpus`", d),
        _ if item
            .as_str()
            .is_some_and(|text| text.as_plain() == Some("all")) =>
        {
            let all = DeviceRequest {
                count: ALL,
                ..DeviceRequest::default()
            };
            vec![all]
        }
        _ => {
            d.push(item.bad("`gpus`", "`all`, or a list of tables: `[{count: 1}]`"));
            Vec::new()
        }
    };
    for request in &mut requests {
        request.capabilities.insert("gpu".to_owned());
    }
    requests
}

/// `devices` of what `deploy` reserves.
pub(super) fn reserved(item: &Item, d: &mut Diagnostics) -> Vec<DeviceRequest> {
    let what = "an entry of `devices`";
    let Val::List(items) = &item.value else {
        d.push(item.wrong("`devices` of `reservations`", "a list"));
        return Vec::new();
    };
    let requests = each(items, what, d);
    for (request, item) in requests.iter().zip(items) {
        if request.capabilities.is_empty() {
            let summary = format!("{what} of `reservations` has no `capabilities`");
            let error = Diagnostic::error(codes::MISSING, Some(item.at.clone()), summary);
            d.push(error.help("say what they must be able to do: `[gpu]`"));
        }
    }
    requests
}

/// As the engine counts them.
const ALL: i64 = -1;

fn each(items: &[Item], what: &str, d: &mut Diagnostics) -> Vec<DeviceRequest> {
    let requests = items
        .iter()
        .map(|item| request(item, what, d).unwrap_or_default());
    requests.collect()
}

fn request(item: &Item, what: &str, d: &mut Diagnostics) -> Option<DeviceRequest> {
    let mut keys = Keys::of(item, what, d)?;
    let (count, ids) = (keys.plain("count", d), keys.take("device_ids").is_some());
    let number = match &count {
        Some((text, _)) if text == "all" => Some(ALL),
        Some((text, _)) => text.trim().parse().ok().filter(|number| *number >= ALL),
        None if ids => Some(0),
        None => Some(ALL),
    };
    if let (None, Some((_, at))) = (number, &count) {
        d.push(at.bad("`count`", "`all`, or how many"));
    }
    if let (Some((_, at)), true) = (&count, ids) {
        let summary = format!("{what} has both `count` and `device_ids`");
        let error = Diagnostic::error(codes::BAD_VALUE, Some(at.at.clone()), summary);
        d.push(error.help("keep one of them"));
    }
    let mut words = |key| {
        keys.texts(key, d)
            .into_iter()
            .map(|(text, _)| text)
            .collect::<Vec<_>>()
    };
    let request = DeviceRequest {
        ids: words("device_ids"),
        capabilities: words("capabilities").into_iter().collect(),
        driver: keys
            .plain("driver", d)
            .map(|(text, _)| text)
            .unwrap_or_default(),
        count: number.unwrap_or_default(),
        options: keys
            .table("options", d)
            .into_iter()
            .map(|(key, value, _)| (key, value))
            .collect(),
    };
    keys.finish(&[], d);
    Some(request)
}
