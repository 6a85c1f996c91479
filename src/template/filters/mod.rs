//! The filters of Jinja and of Copier's own extension of it that product templates use.

mod bounds;
mod data;
pub(super) mod dates;
mod patterns;
mod python;
mod python_re;
pub(super) mod text;

use self::dates::Clock;
use super::jinja::Dice;
use crate::base::{digest::hex, names};
use base64::Engine as _;
use md5::Md5;
use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State};
use serde_json::Value as Json;
use sha1::Sha1;
use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};
use std::sync::Arc;

fn wrong(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, why.into())
}

/// Where a rendering keeps the numbers that its dice gave, for [`hash`].
const DRAWN: &str = "coasti-drawn";

pub(super) fn add(env: &mut Environment<'static>, dice: &Dice, clock: &Clock) {
    bounds::add(env);
    data::add(env, dice);
    dates::add(env, clock);
    patterns::add(env);
    python::add(env);
    text::add(env);
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
    let kinds = ["md5", "sha1", "sha256", "sha512"].map(|kind| (kind, kind));
    for (name, kind) in kinds.into_iter().chain([("checksum", "sha1")]) {
        let own = Arc::clone(dice);
        env.add_filter(name, move |state: &mut State<'_, '_>, of: Value| {
            hash(state, &of, Some(kind), &own)
        });
    }
    let own = Arc::clone(dice);
    env.add_function("make_secret", move || {
        bytes::<64>(&own).map(|drawn| hex(&drawn))
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
    env.add_filter("to_uuid", |of: Value| uuid(&of.to_string()));
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
    let clean = names::absolute(path);
    match path.starts_with('/') {
        true => clean,
        false => clean.trim_start_matches('/').to_owned(),
    }
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
    data::one_of(of, dice)
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
        "md5" => hex(&Md5::digest(&input)),
        "sha1" => hex(&Sha1::digest(&input)),
        "sha224" => hex(&Sha224::digest(&input)),
        "sha256" => hex(&Sha256::digest(&input)),
        "sha384" => hex(&Sha384::digest(&input)),
        "sha512" => hex(&Sha512::digest(&input)),
        other => {
            return Err(wrong(format!(
                "coasti does not have the digest `{other}`: md5, sha1, sha224, sha256, sha384, sha512"
            )));
        }
    })
}

/// An id made of a name (version 5), in the namespace of Copier's filters.
fn uuid(name: &str) -> String {
    const SPACE: u128 = 0x2085_1c88_ac15_449f_9ee7_7482_9105_da86;
    let space = SPACE.to_be_bytes();
    let digest = Sha1::new()
        .chain_update(space)
        .chain_update(name)
        .finalize();
    let mut id: Vec<u8> = digest.iter().copied().take(16).collect();
    for (at, keep, set) in [(6, 0x0f, 0x50), (8, 0x3f, 0x80)] {
        if let Some(byte) = id.get_mut(at) {
            *byte = *byte & keep | set;
        }
    }
    let mut text = hex(&id);
    for at in [20, 16, 12, 8] {
        text.insert(at, '-');
    }
    text
}

#[cfg(test)]
mod tests;
