//! Taking over containers that are not coasti's: what a run must know of them, and which values they hold.

use super::error::OpError;
use crate::base::{Digest, Key, Secret, StackName, ValueId};
use crate::config::Sealed;
use crate::diff::{Adopted, Refusal};
use crate::engine::{EngineError, Look};
use crate::exec::Values;
use crate::model::{Given, Part, Resource, Stack, Text};
use crate::observe::{Container, Observed};
use crate::store::Store;
use crate::store::record::Head;
use std::collections::{BTreeMap, BTreeSet};

/// Names of containers that a stack takes over.
pub(super) fn names(stack: Option<&Stack>) -> BTreeSet<String> {
    let containers = stack.into_iter().flat_map(Stack::containers);
    let adopts = containers.filter_map(|(_, resource, _)| resource.life.adopt.as_ref());
    adopts.map(|adopt| adopt.container.clone()).collect()
}

/// What a run that did not end had begun to take over.
pub(super) async fn begun<L: Look>(
    look: &L,
    name: &StackName,
    head: &Head,
) -> Result<Vec<Adopted>, OpError> {
    let Some(open) = head.open else {
        return Ok(Vec::new());
    };
    let runs = Store::new(look, name).runs().await?;
    let run = runs.into_iter().find(|run| run.seq == open);
    Ok(run.map(|run| run.adopted).unwrap_or_default())
}

/// Looks at them, whatever they are called by now.
pub(super) async fn look_at<L: Look>(
    look: &L,
    adopted: &[Adopted],
    observed: &mut Observed,
) -> Result<(), EngineError> {
    for one in adopted {
        if let Some(container) = look.inspect(&one.id).await? {
            observed.adoptable.insert(container.name.clone(), container);
        }
    }
    Ok(())
}

/// Decisions about labels wait until it is known whose containers are whose.
pub(super) fn not_begun(adopted: &[Adopted]) -> Result<(), OpError> {
    let Some(one) = adopted.first() else {
        return Ok(());
    };
    Err(OpError::usage(
        format!(
            "a run that was cut off was about to take over container `{}`",
            one.name
        ),
        &["`coasti apply` goes on with it, `coasti recover` puts everything back"],
    ))
}

/// The container that a resource takes over, where it is there.
fn old<'a>(observed: &'a Observed, resource: &Resource) -> Option<&'a Container> {
    let adopt = resource.life.adopt.as_ref()?;
    observed.adoptable.get(&adopt.container)
}

/// Generated values that do not exist yet and that a container which is taken over has in its variables: data
/// was made with them.
pub(super) fn values(
    sealed: &Sealed,
    observed: &Observed,
    known: &BTreeMap<ValueId, Digest>,
) -> Values {
    let mut found = Values::new();
    for (_, resource, spec) in sealed.stack.containers() {
        let Some(old) = old(observed, resource) else {
            continue;
        };
        for (name, text) in &spec.env {
            let Some(real) = old.env.get(name) else {
                continue;
            };
            let read = text.read(real.expose());
            for (value, real) in read.into_iter().flatten() {
                let made = sealed.generate.contains_key(&value.id);
                if made && !known.contains_key(&value.id) && !real.is_empty() {
                    found
                        .entry(value.id.clone())
                        .or_insert_with(|| Secret::new(real.to_owned()));
                }
            }
        }
    }
    found
}

/// A refusal for each variable that data was made with and that would have another value than it has in the
/// container that is taken over.
pub(super) fn misfits(stack: &Stack, observed: &Observed, key: &Key) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    for (id, resource, spec) in stack.containers() {
        let Some(old) = old(observed, resource) else {
            continue;
        };
        for (variable, data) in resource.about.iter().flat_map(|about| &about.init_only) {
            let now = spec.given(variable);
            let was = old.env.get(variable).map(Secret::expose);
            // What is in a file of the old one's nobody knows.
            let unseen = matches!(now, Given::Unseen(_))
                || was.is_none() && old.env.contains_key(&format!("{variable}_FILE"));
            if unseen || fits(now.text(), was.map(String::as_str), key) {
                continue;
            }
            refusals.push(Refusal {
                code: "P0302".into(),
                id: id.clone(),
                summary: format!(
                    "`{variable}` of `{}` is another one than in container `{}`",
                    id.address, old.name
                ),
                why: format!(
                    "the data in `{data}` was made with that one, and the image reads {variable} only once"
                ),
                help: vec![
                    format!("give it the value that `{}` has, or", old.name),
                    format!(
                        "if it was changed inside the service meanwhile: `--new-data {}`",
                        id.label()
                    ),
                ],
                origin: resource.origin(&format!("env.{variable}")).cloned(),
            });
        }
    }
    refusals
}

/// Whether a text is that value, as far as digests tell.
fn fits(text: Option<&Text>, real: Option<&str>, key: &Key) -> bool {
    let (Some(text), Some(real)) = (text, real) else {
        return text.is_none() && real.is_none();
    };
    let Some(read) = text.read(real) else {
        // Two values beside each other cannot be told apart, and are no proof of anything.
        let parts = text.parts().windows(2);
        return parts
            .into_iter()
            .any(|two| matches!(two, [Part::Value(_), Part::Value(_)]));
    };
    // One that is not made yet is made from this very container.
    let same = |digest: &Digest, real: &str| *digest == key.keyed(real.as_bytes());
    read.iter()
        .all(|(value, real)| value.digest.as_ref().is_none_or(|d| same(d, real)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_fits_where_all_that_is_known_of_it_does() {
        let key = Key::new([7; 32]);
        let value = |text: &str| {
            let digest = Some(key.keyed(text.as_bytes()));
            Text::value(ValueId::new("a"), digest)
        };
        let plain = |text: &str| Text::plain(text.to_owned());
        for (text, real, fine) in [
            (Some(plain("x")), Some("x"), true),
            (Some(plain("x")), Some("y"), false),
            (Some(value("s3cret")), Some("s3cret"), true),
            (Some(value("s3cret")), Some("other"), false),
            (Some(Text::value(ValueId::new("a"), None)), Some("y"), true),
            (None, Some("y"), false),
            (Some(plain("x")), None, false),
            (None, None, true),
        ] {
            assert_eq!(fits(text.as_ref(), real, &key), fine, "{text:?} {real:?}");
        }
    }
}
