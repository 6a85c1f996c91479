//! `coasti secret`: values kept in the store, and secrets of the folder.

pub mod age;
pub(super) mod applied;
pub mod effect;
pub mod files;
pub mod list;

use super::error::OpError;
use super::gather::{owned, within_reach};
use super::rebuilt;
use super::recover::{Known, known};
use super::session::{Begin, Session, Who};
use super::values::{align, generate, values_of, versioned};
use crate::base::{Secret, StackId, StackName, ValueId};
use crate::config::Recipe;
use crate::engine::{Engine, Look, Scope};
use crate::exec::{Events, Stop, Values};
use crate::store::Store;
use crate::store::record::Outcome;
use std::collections::{BTreeMap, BTreeSet};

/// What a stack's values are.
pub struct Kept {
    /// Those in force: what runs has them.
    pub values: Values,
    /// Those of them for which another was taken in since.
    pub changed: BTreeSet<ValueId>,
    /// Where the store is gone, and these are what its containers tell: those that nobody knows.
    pub lost: Option<BTreeSet<ValueId>>,
}

/// All values of a stack.
pub async fn all<L: Look>(look: &L, name: &StackName, id: &StackId) -> Result<Kept, OpError> {
    within_reach(look, name, Some(id)).await?;
    let store = Store::new(look, name);
    let peek = store.peek().await?;
    if peek.key.is_none() {
        return without_store(look, name).await;
    }
    let head = peek.head.unwrap_or_default();
    let newest = store.values(&head).await?;
    let good = match &head.good {
        Some(id) => store.revision(id).await?,
        None => None,
    };
    let mut values = match (&good, &peek.key) {
        (Some(good), Some(key)) => values_of(&good.stack, &newest, key),
        _ => newest.clone(),
    };
    values.retain(|id, _| applied::is_value(id));
    // What runs proves nothing any more once another value was taken in.
    let imported = head.digest.is_none();
    let changed = values
        .iter()
        .filter(|(id, value)| imported && newest.get(*id) != Some(value))
        .map(|(id, _)| id.clone())
        .collect();
    Ok(Kept {
        values,
        changed,
        lost: None,
    })
}

/// What can be had where there is no store.
async fn without_store<L: Look>(look: &L, name: &StackName) -> Result<Kept, OpError> {
    let scope = Scope {
        stack: name.clone(),
        images: BTreeSet::new(),
        adopt: BTreeSet::new(),
    };
    let observed = look.observe(&scope).await?;
    let mut containers = observed.containers.values();
    if !containers.any(|container| container.owner.resource.is_some()) {
        return Err(OpError::usage(
            format!(
                "the engine keeps no values of `{name}`: nothing was applied, or its store and its containers are gone"
            ),
            &["a copy (coasti secret export) is taken in by `coasti secret import`"],
        ));
    }
    let mut values = Values::new();
    rebuilt::rebuild(look, name, &observed, &mut values).await?;
    let lost = Some(rebuilt::unknown(&observed, &values));
    Ok(Kept {
        values,
        changed: BTreeSet::new(),
        lost,
    })
}

/// One value, by `LABEL[/PROVIDER]/VAR`, and whether another was taken in since.
pub async fn get<L: Look>(
    look: &L,
    name: &StackName,
    id: &StackId,
    address: &str,
) -> Result<(Secret<String>, bool), OpError> {
    let Kept {
        values,
        changed,
        lost,
    } = all(look, name, id).await?;
    let wanted = ValueId::new(address);
    if lost.is_some_and(|lost| lost.contains(&wanted)) {
        return Err(OpError::usage(
            format!(
                "the store that kept {address} is gone, and no container is left that knows it"
            ),
            &["take it in from a copy: coasti secret set, or coasti secret import"],
        ));
    }
    if let Some(value) = values.get(&wanted) {
        return Ok((value.clone(), changed.contains(&wanted)));
    }
    let known: Vec<_> = values
        .keys()
        .map(ValueId::as_str)
        .filter(|id| !id.contains([':', '@']))
        .collect();
    let mut help = vec![if known.is_empty() {
        "nothing was generated yet".to_owned()
    } else {
        format!("there are: {}", known.join(", "))
    }];
    help.extend(
        crate::diag::did_you_mean(address, known.iter().copied())
            .map(|n| format!("did you mean `{n}`?")),
    );
    Err(OpError::Usage {
        what: format!("there is no generated value `{address}`"),
        help,
    })
}

/// Another generated value.
pub fn make(recipe: &Recipe) -> Result<Secret<String>, OpError> {
    let mut randomness = |bytes: &mut [u8]| getrandom::fill(bytes).is_ok();
    generate(recipe, &mut randomness).map(Secret::new)
}

/// What came of an import.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// How many values were taken in.
    pub count: usize,
    /// Those that what runs does not have: an apply gives them to it.
    pub changed: BTreeSet<ValueId>,
    /// Those of them that data was made with, by its volume: no apply changes them there.
    pub bound: BTreeMap<ValueId, String>,
}

/// Values that an image reads only when it initialises its data, by the volume that is initialised.
fn bound(known: &Known) -> BTreeMap<ValueId, String> {
    let mut bound = BTreeMap::new();
    for (_, resource, spec) in known.good.iter().flat_map(|good| good.stack.containers()) {
        let init_only = resource.about.iter().flat_map(|about| &about.init_only);
        for (variable, data) in init_only {
            let there = data.as_str().starts_with('/')
                || known.observed.volumes.contains_key(data.as_str());
            let values = spec.given(variable).text().into_iter();
            for value in values
                .flat_map(crate::model::Text::values)
                .filter(|_| there)
            {
                bound.insert(value.id.clone(), data.to_string());
            }
        }
    }
    bound
}

/// Takes values in: what an export gave, or what was changed inside a service.
pub async fn import<E: Engine>(
    engine: &E,
    name: &StackName,
    id: StackId,
    values: BTreeMap<String, String>,
    who: &Who,
    events: &Events,
    stop: &Stop,
) -> Result<Imported, OpError> {
    owned(engine, name, Some(&id)).await?;
    let session = Session::open(engine, name, id, who, "secret import", events, stop).await?;
    let result: Result<_, OpError> = async {
        let store = session.store();
        let known = known(engine, name, Some(&session.id), None).await?;
        super::adopt::not_begun(&known.adopted)?;
        let (peek, head) = (&known.peek, known.head.clone());
        let key = match &peek.key {
            Some(key) => key.clone(),
            None => crate::base::Key::new(super::gather::random()?),
        };
        let mut all = store.values(&head).await?;
        if let Some(good) = known.good.as_ref().filter(|_| head.digest.is_some()) {
            // What a run that was undone made is not taken in by the way.
            align(&mut all, &good.stack, &key, |_| true);
        }
        let in_force = match &known.good {
            Some(good) => values_of(&good.stack, &all, &key),
            None => Values::new(),
        };
        let mut imported = Imported {
            count: values.len(),
            ..Imported::default()
        };
        let bound = bound(&known);
        for (id, value) in values {
            let id = ValueId::new(id);
            if in_force.get(&id).is_some_and(|now| *now.expose() != value) {
                let data = bound.get(&id).map(|data| (id.clone(), data.clone()));
                imported.bound.extend(data);
                imported.changed.insert(id.clone());
            }
            if let Some(old) = all.insert(id.clone(), Secret::new(value)) {
                let digest = key.keyed(old.expose().as_bytes());
                all.insert(versioned(&id, &digest), old);
            }
        }
        let new_store = peek.key.is_none();
        let about = Vec::new();
        let begin = Begin {
            head: &head,
            new_store,
            key: &key,
            values: Some(&all),
            revision: None,
            about,
            adopted: Vec::new(),
        };
        let mut written = session.begin(begin).await?;
        if !imported.changed.is_empty() {
            // What runs proves by it that nothing changed.
            written.digest = None;
        }
        session
            .end(
                &mut written,
                Outcome::Done,
                format!("{} values", imported.count),
                None,
                None,
            )
            .await?;
        Ok(imported)
    }
    .await;
    let closed = session.close().await;
    let imported = result?;
    closed?;
    Ok(imported)
}
