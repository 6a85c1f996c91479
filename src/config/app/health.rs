//! Health checks.

use crate::base::Span;
use crate::config::doc::{Node, Sp, Table, Value};
use crate::diag::{Before, Diagnostics, Place};
use crate::model::Health;

/// A health check as written; what is not said may come from elsewhere.
#[derive(Clone, Debug)]
pub(in crate::config) struct HealthDef {
    /// Where.
    pub at: Place,
    test: Option<Vec<String>>,
    interval: Option<Span>,
    timeout: Option<Span>,
    start_period: Option<Span>,
    retries: Option<u32>,
}

impl HealthDef {
    pub(super) fn read(node: &Node, d: &mut Diagnostics) -> Option<Self> {
        let mut table = Table::of(node, "healthcheck", d)?;
        let command = table.any(&["command", "cmd", "test"], d);
        let off = table.flag("disable", d).is_some_and(|flag| flag.value);
        let value = |span: Option<Sp<Span>>| span.map(|span| span.value);
        let test = match command.map(|node| (&node.value, node)) {
            _ if off => Some(vec!["NONE".to_owned()]),
            None => None,
            Some((Value::List(items), node)) => {
                let words: Option<Vec<_>> = items.iter().map(|item| item.value.scalar()).collect();
                if words.is_none() {
                    d.push(crate::config::doc::wrong_type(
                        "`command` of healthcheck",
                        "text or a list of texts",
                        node,
                    ));
                }
                words.map(|words| match words.first().map(String::as_str) {
                    Some("CMD" | "CMD-SHELL" | "NONE") => words,
                    _ => std::iter::once("CMD".to_owned()).chain(words).collect(),
                })
            }
            Some((value, node)) => {
                let command = value.scalar();
                if command.is_none() {
                    d.push(crate::config::doc::wrong_type(
                        "`command` of healthcheck",
                        "text or a list of texts",
                        node,
                    ));
                }
                command.map(|command| vec!["CMD-SHELL".to_owned(), command])
            }
        };
        let health = Self {
            at: node.at.clone(),
            test,
            interval: value(table.span("interval", d)),
            timeout: value(table.span("timeout", d)),
            start_period: value(table.span("start-period", d)),
            retries: table
                .int("retries", 0..=1000, d)
                .and_then(|retries| u32::try_from(retries.value).ok()),
        };
        table.finish(d);
        Some(health)
    }

    pub(super) fn overlay(&mut self, over: &Self) {
        self.at = over.at.clone().over(Before::File(self.at.clone()));
        self.test = over.test.clone().or(self.test.take());
        self.interval = over.interval.or(self.interval);
        self.timeout = over.timeout.or(self.timeout);
        self.start_period = over.start_period.or(self.start_period);
        self.retries = over.retries.or(self.retries);
    }

    /// Docker's form, on top of what a service brings; none where there is nothing to run.
    ///
    /// nua meant these defaults; it passes zeros, which are Docker's.
    pub(in crate::config) fn health(&self, base: Option<Health>) -> Option<Health> {
        let own = base.as_ref();
        let test = self.test.clone().or(own.map(Health::words))?;
        let off = test.first().is_some_and(|word| word == "NONE");
        let test = test.into_iter().map(crate::model::Text::plain).collect();
        if off {
            return Some(Health {
                test,
                interval: None,
                timeout: None,
                start_period: None,
                retries: None,
                start_interval: None,
            });
        }
        let positive = |span: Option<Span>| span.filter(|span| *span > Span::ZERO);
        let or = |said: Option<Span>, base: Option<Option<Span>>, default: u64| {
            Some(said.or(base.flatten()).unwrap_or(Span::from_secs(default)))
        };
        Some(Health {
            interval: or(positive(self.interval), own.map(|b| b.interval), 5),
            timeout: or(positive(self.timeout), own.map(|b| b.timeout), 30),
            start_period: or(self.start_period, own.map(|b| b.start_period), 120),
            retries: self
                .retries
                .filter(|retries| *retries > 0)
                .or(own.and_then(|base| base.retries))
                .or(Some(3)),
            start_interval: None,
            test,
        })
    }
}
