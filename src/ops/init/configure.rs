//! The settings of a whole stack, asked for anew and written into its deploy file.

use super::{STACK, about, ask, known_only, template, usage};
use crate::config::{self, Setting, with_setting};
use crate::diag::{Diagnostics, Source};
use crate::ops::OpError;
use crate::ops::files::Change;
use crate::ops::folder::Disk;
use crate::template::{Ask, Given};
use serde_json::{Map, Value as Json, json};
use std::sync::Arc;

const SETTINGS: &str = include_str!("skeleton/settings.yml");

/// What is to be written.
pub struct Configured {
    /// The deploy file; none where the answers are as before.
    pub change: Option<Change>,
    /// Whether the stack gets another name.
    pub renamed: bool,
}

/// Asks for a stack's settings, with those of its deploy file as defaults.
pub fn configure(
    disk: &Disk,
    data: Map<String, Json>,
    somebody: &mut Ask<'_>,
) -> Result<Configured, OpError> {
    let mut d = Diagnostics::new();
    let settings = config::settings(disk, &mut d);
    let Some(settings) = settings.filter(|_| !d.has_errors()) else {
        return Err(OpError::Files(d));
    };
    let (from, to) = settings.ports;
    let mut given = Given {
        data,
        ..Given::default()
    };
    for (name, value) in [
        ("stack", json!(settings.stack.as_str())),
        ("ports_from", json!(from)),
        ("ports_to", json!(to)),
    ] {
        given.last.insert(name.to_owned(), value);
    }
    let template = template(&[STACK, SETTINGS], &[])?;
    let known: Vec<&str> = given.last.keys().map(String::as_str).collect();
    known_only(&given.data, &known)?;
    let answers = ask(&template, &about(disk), &given, somebody)?.values;
    let port = |name: &str| {
        let port = answers.get(name).and_then(Json::as_u64);
        port.and_then(|port| u16::try_from(port).ok())
            .ok_or_else(|| usage(format!("`{name}` is no port")))
    };
    let stack = answers
        .get("stack")
        .and_then(Json::as_str)
        .unwrap_or_default();
    let ports = (port("ports_from")?, port("ports_to")?);
    let renamed = stack != settings.stack.as_str();
    let mut wanted = Vec::new();
    if renamed {
        wanted.push(Setting::Stack(stack.to_owned()));
    }
    if ports != settings.ports {
        wanted.push(Setting::Ports(ports.0, ports.1));
    }
    let source = &settings.source;
    let mut text = source.text.clone();
    for setting in &wanted {
        let now = Source::new(source.name.clone(), source.path.clone(), text);
        text = with_setting(&now, setting).map_err(usage)?;
    }
    let change = (!wanted.is_empty()).then(|| Change {
        source: Arc::clone(source),
        text,
    });
    Ok(Configured { change, renamed })
}
