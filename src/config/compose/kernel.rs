//! What only some kernels and storage drivers do for a service: weights of disks, swapping, real time.

use super::mounts::sized;
use super::service::Service;
use super::tree::{Item, Keys};
use crate::config::codes;
use crate::diag::{Diagnostic, Diagnostics};
use crate::model::Blkio;
use std::collections::BTreeMap;

impl Service {
    /// Reads them. What an engine has not, it says itself, or takes no notice of, as with Compose.
    pub(super) fn kernel(&mut self, keys: &mut Keys<'_>, d: &mut Diagnostics) {
        let spec = &mut self.spec;
        let int = |found: Option<(i64, &Item)>| found.map(|(int, _)| int);
        spec.swappiness = int(keys.int("mem_swappiness", -1..=100, d)).filter(|said| *said >= 0);
        spec.oom_kill_disable = keys.flag("oom_kill_disable", d).unwrap_or(false);
        for (key, to) in [
            ("cpu_rt_period", &mut spec.cpu_rt_period),
            ("cpu_rt_runtime", &mut spec.cpu_rt_runtime),
        ] {
            // Nothing is what it is without being said.
            *to = int(keys.int(key, 0..=i64::MAX, d)).filter(|micros| *micros > 0);
        }
        for (key, known) in [
            ("cgroup", &["host", "private"][..]),
            ("isolation", &["default"]),
        ] {
            let Some((word, at)) = keys.plain(key, d) else {
                continue;
            };
            if !known.contains(&word.as_str()) {
                let known: Vec<_> = known.iter().map(|word| format!("`{word}`")).collect();
                let help = format!("supported is {}", known.join(", "));
                d.push(at.bad(&format!("`{key}`"), &help));
            } else if key == "cgroup" {
                spec.cgroup = Some(word);
            }
        }
        for key in ["cpu_count", "cpu_percent"] {
            if let Some(item) = keys.take(key) {
                let summary = format!("`{key}` has no effect");
                d.push(
                    Diagnostic::warning(codes::IGNORED, Some(item.at.clone()), summary)
                        .label("it is for Windows")
                        .help("use `cpus`"),
                );
            }
        }
        let options = keys.table("storage_opt", d).into_iter();
        spec.storage_opt = options.map(|(key, value, _)| (key, value)).collect();
        if let Some(mut keys) = keys
            .take("blkio_config")
            .and_then(|item| Keys::of(item, "`blkio_config`", d))
        {
            spec.blkio = Blkio {
                weight: weight(&mut keys, d),
                weights: devices(&mut keys, "weight_device", weight, d),
                read_bps: devices(&mut keys, "device_read_bps", rate, d),
                write_bps: devices(&mut keys, "device_write_bps", rate, d),
                read_iops: devices(&mut keys, "device_read_iops", rate, d),
                write_iops: devices(&mut keys, "device_write_iops", rate, d),
            };
            keys.finish(&[], d);
        }
    }
}

fn weight(keys: &mut Keys<'_>, d: &mut Diagnostics) -> Option<u16> {
    let (weight, item) = keys.int("weight", 0..=1000, d)?;
    if (1..10).contains(&weight) {
        d.push(item.bad("`weight`", "a whole number from 10 to 1000"));
    }
    u16::try_from(weight).ok().filter(|weight| *weight > 0)
}

fn rate(keys: &mut Keys<'_>, d: &mut Diagnostics) -> Option<i64> {
    let (text, item) = keys.plain("rate", d)?;
    sized(&text, item, d)
}

/// A value for each device.
fn devices<T>(
    keys: &mut Keys<'_>,
    key: &'static str,
    value: fn(&mut Keys<'_>, &mut Diagnostics) -> Option<T>,
    d: &mut Diagnostics,
) -> BTreeMap<String, T> {
    let mut devices = BTreeMap::new();
    for item in keys.list(key, d) {
        let Some(mut keys) = Keys::of(item, format!("an entry of `{key}`"), d) else {
            continue;
        };
        let path = keys.plain("path", d);
        let value = value(&mut keys, d);
        keys.finish(&[], d);
        match path {
            Some((path, at)) if !path.starts_with('/') => {
                d.push(at.bad(
                    "`path`",
                    "a device of the engine's host, such as `/dev/sda`",
                ));
            }
            Some((path, _)) => devices.extend(value.map(|value| (path, value))),
            None => {
                let summary = format!("an entry of `{key}` has no `path`");
                let error = Diagnostic::error(codes::MISSING, Some(item.at.clone()), summary);
                d.push(error.help("the device that it is about, such as `/dev/sda`"));
            }
        }
    }
    devices
}
