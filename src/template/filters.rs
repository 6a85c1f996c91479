//! The filters of Copier's own Jinja extension that product templates use.

use super::jinja::Dice;
use super::yaml::to_yaml;
use crate::base::digest::hex;
use base64::Engine as _;
use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};
use std::sync::Arc;

fn wrong(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, why.into())
}

/// Where a rendering keeps the numbers that its dice gave, for [`hash`].
const DRAWN: &str = "coasti-drawn";

pub(super) fn add(env: &mut Environment<'static>, dice: &Dice) {
    let own = Arc::clone(dice);
    env.add_filter(
        "ans_random",
        move |state: &mut State<'_, '_>, of: Value, options: Kwargs| {
            random(state, &of, &options, &own)
        },
    );
    let own = Arc::clone(dice);
    env.add_filter(
        "hash",
        move |state: &mut State<'_, '_>, of: Value, kind: Option<String>| {
            hash(state, &of, kind.as_deref(), &own)
        },
    );
    for (name, kind) in [("sha256", "sha256"), ("sha512", "sha512")] {
        let own = Arc::clone(dice);
        env.add_filter(name, move |state: &mut State<'_, '_>, of: Value| {
            hash(state, &of, Some(kind), &own)
        });
    }
    let own = Arc::clone(dice);
    env.add_function("make_secret", move || {
        bytes::<64>(&own).map(|drawn| hex(&drawn))
    });
    env.add_filter("to_nice_yaml", |of: Value, options: Kwargs| {
        let indent = options
            .get::<Option<usize>>("indent")?
            .unwrap_or(4)
            .clamp(2, 16);
        // Options that change nothing of what is written here.
        for name in ["sort_keys", "width", "allow_unicode", "default_flow_style"] {
            let _ = options.get::<Option<Value>>(name)?;
        }
        options.assert_all_used()?;
        Ok::<_, Error>(to_yaml(&json(&of)?, indent))
    });
    env.add_filter("to_yaml", |of: Value| {
        Ok::<_, Error>(to_yaml(&json(&of)?, 2))
    });
    env.add_filter("to_json", |of: Value| {
        Ok::<_, Error>(json(&of)?.to_string())
    });
    env.add_filter("to_nice_json", |of: Value| {
        serde_json::to_string_pretty(&json(&of)?).map_err(|error| wrong(error.to_string()))
    });
    env.add_filter("from_json", |of: String| {
        let json: Json = serde_json::from_str(&of).map_err(|error| {
            wrong(format!(
                "not JSON at line {}, column {}",
                error.line(),
                error.column()
            ))
        })?;
        Ok::<_, Error>(Value::from(minijinja::value::Serde(json)))
    });
    env.add_filter("b64encode", |of: String| {
        base64::engine::general_purpose::STANDARD.encode(of)
    });
    env.add_filter("b64decode", |of: String| {
        let bytes = base64::engine::general_purpose::STANDARD.decode(of.trim());
        bytes
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or_else(|| wrong("not text in base64"))
    });
    env.add_filter("bool", |of: Value| match of.as_str() {
        Some(text) => super::question::truth(text),
        None => of.is_true(),
    });
    // One word for a shell, whatever is in it.
    env.add_filter("quote", |of: String| {
        format!("'{}'", of.replace('\'', r"'\''"))
    });
    env.add_filter("basename", |of: String| {
        of.rsplit('/').next().unwrap_or_default().to_owned()
    });
    env.add_filter("dirname", |of: String| {
        of.rsplit_once('/')
            .map(|(folder, _)| folder.to_owned())
            .unwrap_or_default()
    });
    // Without a look at the disk: a template's files are not there yet.
    env.add_filter("realpath", |of: String| normal(&of));
    env.add_filter(
        "ternary",
        |of: Value, yes: Value, no: Value| if of.is_true() { yes } else { no },
    );
    env.add_filter("mandatory", |of: Value| match of.is_undefined() {
        true => Err(wrong("a mandatory variable is not defined")),
        false => Ok(of),
    });
}

fn json(of: &Value) -> Result<Json, Error> {
    serde_json::to_value(of).map_err(|error| wrong(error.to_string()))
}

fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let root = if path.starts_with('/') { "/" } else { "" };
    format!("{root}{}", parts.join("/"))
}

fn bytes<const N: usize>(dice: &Dice) -> Result<[u8; N], Error> {
    let mut drawn = [0; N];
    dice(&mut drawn).map_err(|why| wrong(format!("the system gives no randomness: {why}")))?;
    Ok(drawn)
}

/// A number below `end`, each equally likely.
fn below(end: u64, dice: &Dice) -> Result<u64, Error> {
    if end == 0 {
        return Err(wrong("nothing to choose from"));
    }
    // What is left over at the top would favour low numbers; it is drawn again.
    let fair = u64::MAX - u64::MAX % end;
    loop {
        let drawn = u64::from_le_bytes(bytes::<8>(dice)?);
        if drawn < fair {
            return Ok(drawn % end);
        }
    }
}

fn random(
    state: &mut State<'_, '_>,
    of: &Value,
    options: &Kwargs,
    dice: &Dice,
) -> Result<Value, Error> {
    let start = options.get::<Option<u64>>("start")?.unwrap_or(0);
    let step = options.get::<Option<u64>>("step")?.unwrap_or(1).max(1);
    if options
        .get::<Option<Value>>("seed")?
        .is_some_and(|seed| !seed.is_none())
    {
        return Err(wrong(
            "`ans_random` with a seed is not random: coasti does not do that",
        ));
    }
    options.assert_all_used()?;
    if of.kind() == ValueKind::Number {
        let end = u64::try_from(of.clone())
            .map_err(|_| wrong("`ans_random` wants a positive number or a list"))?;
        let count = end
            .checked_sub(start)
            .map(|range| range.div_ceil(step))
            .unwrap_or_default();
        let drawn = start + step * below(count, dice)?;
        let mut all: Vec<Value> = match state.get_temp(DRAWN) {
            Some(all) => all.try_iter()?.collect(),
            None => Vec::new(),
        };
        all.push(Value::from(drawn.to_string()));
        state.set_temp(DRAWN, Value::from(all));
        return Ok(Value::from(drawn));
    }
    let items: Vec<Value> = of.try_iter()?.collect();
    let at = below(items.len() as u64, dice)?;
    usize::try_from(at)
        .ok()
        .and_then(|at| items.get(at).cloned())
        .ok_or_else(|| wrong("nothing to choose from"))
}

/// A digest in hexadecimal digits. Of a number from [`random`] it would be one of as many values as the dice
/// have faces (`64 | ans_random | hash('sha512')`: 64 passwords that anybody can list); it is taken of fresh
/// randomness instead.
fn hash(
    state: &mut State<'_, '_>,
    of: &Value,
    kind: Option<&str>,
    dice: &Dice,
) -> Result<String, Error> {
    let text = of.to_string();
    let drawn = match state.get_temp(DRAWN) {
        Some(all) => all
            .try_iter()?
            .any(|one| one.as_str() == Some(text.as_str())),
        None => false,
    };
    let input = if drawn {
        bytes::<64>(dice)?.to_vec()
    } else {
        text.into_bytes()
    };
    Ok(match kind.unwrap_or("sha1") {
        "sha224" => hex(&Sha224::digest(&input)),
        "sha256" => hex(&Sha256::digest(&input)),
        "sha384" => hex(&Sha384::digest(&input)),
        "sha512" => hex(&Sha512::digest(&input)),
        other => {
            return Err(wrong(format!(
                "coasti does not have the digest `{other}`: sha224, sha256, sha384, sha512"
            )));
        }
    })
}
