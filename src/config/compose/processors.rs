//! How much of the processors a service may use.

use super::tree::{Item, Keys};
use crate::config::{codes, rules};
use crate::diag::{Diagnostic, Diagnostics};

pub(super) fn cpus(text: &str, at: &Item, d: &mut Diagnostics) -> Option<i64> {
    match text.trim().parse::<f64>() {
        Ok(0.0) => None,
        Ok(cpus) if cpus > 0.0 && cpus < 1e6 => {
            #[allow(clippy::cast_possible_truncation)]
            let nanos = (cpus * 1e9).round() as i64;
            if let Err(help) = rules::processors(nanos) {
                d.push(at.bad("`cpus`", &help));
            }
            Some(nanos)
        }
        _ => {
            d.push(at.bad("`cpus`", "a number of processors, such as `1.5`"));
            None
        }
    }
}

/// So many microseconds of each period: processors in another form.
pub(super) fn quota<'a>(keys: &mut Keys<'a>, d: &mut Diagnostics) -> Option<(i64, &'a Item)> {
    let period = keys.int("cpu_period", 0..=1_000_000, d);
    let period = period.filter(|(period, _)| *period != 0);
    if let Some((1..1000, at)) = period {
        d.push(at.bad("`cpu_period`", "microseconds from 1000 to 1000000"));
    }
    let quota = keys.int("cpu_quota", -1..=i64::MAX, d);
    let Some((quota, at)) = quota.filter(|(quota, _)| *quota > 0) else {
        if let Some((_, at)) = period {
            let at = Some(at.at.clone());
            let warning = Diagnostic::warning(codes::IGNORED, at, "`cpu_period` has no effect");
            d.push(warning.label("there is no `cpu_quota` of it"));
        }
        return None;
    };
    if quota < 1000 {
        d.push(at.bad("`cpu_quota`", "microseconds of a period, at least 1000"));
        return None;
    }
    let period = period.map_or(100_000, |(period, _)| period);
    let nanos = quota.saturating_mul(1_000_000_000) / period;
    if let Err(help) = rules::processors(nanos) {
        d.push(at.bad("`cpu_quota`", &help));
    }
    Some((nanos, at))
}
