//! Generated values and secrets of the files: made where they are missing, and kept under their digests where
//! others take their place.

use super::apply::{Options, narrow};
use super::error::OpError;
use super::gather::{Gathered, random};
use super::secrets::applied;
use super::session::Session;
use crate::base::{Digest, Key, Secret, ValueId};
use crate::config::{Desired, Generated, Recipe};
use crate::engine::Engine;
use crate::exec::{Event, Values};
use crate::model::{Stack, Text};
use std::collections::{BTreeMap, BTreeSet};

/// All values that the stack refers to; makes those that do not exist yet, and seals again with them.
pub(super) async fn values<E: Engine>(
    session: &Session<'_, E>,
    desired: &Desired,
    gathered: &mut Gathered,
    options: &Options<'_>,
) -> Result<(Values, Stack, bool), OpError> {
    let head = gathered.peek.head.clone().unwrap_or_default();
    let mut values = match gathered.values.take() {
        Some(values) => values,
        None => session.store().values(&head).await?,
    };
    let before = values.len();
    align(&mut values, &gathered.sealed.stack, &gathered.key, |_| true);
    for (id, value) in &gathered.sealed.given {
        values.entry(id.clone()).or_insert_with(|| value.clone());
    }
    // A secret file's content may change under its name: what it was stays, under its digest.
    let changed = gathered
        .sealed
        .given
        .iter()
        .any(|(id, value)| values.get(id) != Some(value));
    for (id, value) in &gathered.sealed.given {
        if let Some(old) = values.insert(id.clone(), value.clone())
            && old != *value
        {
            let digest = gathered.key.keyed(old.expose().as_bytes());
            values.insert(versioned(id, &digest), old);
        }
    }
    let noted = applied::keep(desired, &gathered.key, &mut values);
    let mut randomness = |bytes: &mut [u8]| getrandom::fill(bytes).is_ok();
    let mut made = false;
    let (sealed, base) = (&gathered.sealed, gathered.base.as_ref());
    let wanted = narrow(sealed.stack.clone(), base, &options.wishes);
    let wanted: BTreeSet<_> = wanted
        .texts()
        .flat_map(Text::values)
        .map(|value| &value.id)
        .collect();
    let missing = sealed.generate.iter().filter(|(id, _)| wanted.contains(id));
    for (id, Generated { recipe, .. }) in missing {
        if !values.contains_key(id) || gathered.fresh.contains(id) {
            let value = match recipe {
                Recipe::ExternalIp => address(session, desired, options, id).await?,
                _ => generate(recipe, &mut randomness)?,
            };
            if let Some(old) = values.insert(id.clone(), Secret::new(value)) {
                let digest = gathered.key.keyed(old.expose().as_bytes());
                values.insert(versioned(id, &digest), old);
            }
            made = true;
        }
    }
    let new = changed || noted || made || values.len() != before || gathered.peek.key.is_none();
    if !made {
        return Ok((values, gathered.sealed.stack.clone(), new));
    }
    let digests: BTreeMap<ValueId, Digest> = values
        .iter()
        .map(|(id, value)| (id.clone(), gathered.key.keyed(value.expose().as_bytes())))
        .collect();
    let stack = gathered.seal(desired, &digests)?.stack;
    Ok((values, stack, new))
}

/// The id under which a value is kept after another took its place.
pub(super) fn versioned(id: &ValueId, digest: &Digest) -> ValueId {
    ValueId::new(format!("{id}@{}", digest.short(16)))
}

/// The values that `stack` was sealed with, where today's are others.
pub(super) fn values_of(stack: &Stack, values: &Values, key: &Key) -> Values {
    let mut of = values.clone();
    align(&mut of, stack, key, |_| true);
    of
}

/// Makes the values that `stack` was sealed with today's, of those that `which` names. What they were is kept, like
/// all that once was.
pub(super) fn align(
    values: &mut Values,
    stack: &Stack,
    key: &Key,
    which: impl Fn(&ValueId) -> bool,
) {
    for value in stack.texts().flat_map(Text::values) {
        let Some(digest) = value.digest.as_ref().filter(|_| which(&value.id)) else {
            continue;
        };
        let Some(now) = values.get(&value.id).cloned() else {
            continue;
        };
        let other = key.keyed(now.expose().as_bytes());
        if other != *digest
            && let Some(then) = values.get(&versioned(&value.id, digest)).cloned()
        {
            values.insert(versioned(&value.id, &other), now);
            values.insert(value.id.clone(), then);
        }
    }
}

pub(super) fn generate(
    recipe: &Recipe,
    randomness: &mut dyn FnMut(&mut [u8]) -> bool,
) -> Result<String, OpError> {
    let mut ok = true;
    let value = recipe.make(&mut |bytes| ok &= randomness(bytes));
    if !ok {
        // Never a guessable secret.
        random::<1>()?;
        return Err(OpError::usage("the system gives no randomness", &[]));
    }
    value.ok_or_else(|| OpError::usage("a value that nothing makes", &["this is a bug"]))
}

/// The address that the internet sees of the engine's machine.
async fn address<E: Engine>(
    session: &Session<'_, E>,
    desired: &Desired,
    options: &Options<'_>,
    id: &ValueId,
) -> Result<String, OpError> {
    if !session.engine.info().local {
        return Err(OpError::usage(
            format!("{id} wants the public address of the engine's machine, which is another one"),
            &["set it in the deploy file: `external-ip: ADDRESS`"],
        ));
    }
    session.events.send(Event::Waiting {
        what: "somebody to tell this machine's public address".to_owned(),
    });
    let answer = (options.external_ip)(desired.ask_address_at.clone()).await?;
    session.events.send(Event::Learnt {
        what: format!(
            "public address {}, as {} say (kept as {id}; `external-ip` in the deploy file sets it)",
            answer.address,
            answer.from.join(", ")
        ),
    });
    Ok(answer.address.to_string())
}
