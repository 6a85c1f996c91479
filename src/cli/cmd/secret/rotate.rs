//! `coasti secret rotate`: a new random value, and what comes of it.

use super::{Shell, is_address, kept, made_of, shape, shell_read, tell, told};
use crate::base::{Secret, ValueId};
use crate::cli::args::Random;
use crate::config::{Desired, Shape};
use crate::engine::docker::Docker;
use crate::ops::OpError;
use crate::ops::secrets::effect::{self, Effect, With};
use crate::ops::secrets::{self, files};

pub(super) async fn rotate(shell: &Shell, name: &str, random: Random) -> Result<(), OpError> {
    match is_address(name) {
        true => generated(shell, name, random).await,
        false => of_folder(shell, name, random).await,
    }
}

async fn of_folder(shell: &Shell, name: &str, random: Random) -> Result<(), OpError> {
    files::named(name)?;
    let (disk, _writing) = shell.writing()?;
    if !files::all(&disk)?.contains_key(name) {
        return Err(super::missing(&disk, name));
    }
    let shape = match shape(random) {
        Some(shape) => shape,
        None => {
            let old = files::get(&disk, name)?.ok_or_else(|| super::missing(&disk, name))?;
            Shape::of(old.expose()).ok_or_else(|| {
                OpError::usage(
                    format!("`{name}` is no random word: a key, a certificate, a sentence"),
                    &[
                        &format!("put another one in: coasti secret set {name}"),
                        "or say what it is to be: --length N, --hex, --base64 BYTES",
                    ],
                )
            })?
        }
    };
    let value = made_of(shell, &shape)?;
    let environment = shell.global.environment.as_deref();
    let other = With::new(&disk, name, &value)?;
    let effect = match effect::read(&other, environment) {
        None => None,
        Some(desired) => Some(look(shell, &desired, &effect::ids(name), None, name).await?),
    };
    let put = files::put(&disk, name, &value, None)?;
    shell.out.say(&format!("{name}: {}", shape.describe()));
    told(shell, &put);
    match effect {
        Some(effect) => tell(shell, &effect),
        None => shell.explain(
            "The files have errors (coasti validate): what the next apply does with it cannot be told.",
        ),
    }
    Ok(())
}

/// What the next apply does; refuses where it would do nothing but make two places disagree.
async fn look(
    shell: &Shell,
    desired: &Desired,
    ids: &std::collections::BTreeSet<ValueId>,
    other: Option<(&ValueId, &Secret<String>)>,
    name: &str,
) -> Result<Effect, OpError> {
    let asked = async {
        let engine: Docker = shell.engine().await?;
        Effect::of_plan(&engine, desired, ids, other).await
    };
    let effect = match asked.await {
        Ok(effect) => effect,
        Err(why) => {
            let effect = Effect::of_files(desired, ids);
            if let Some((one, (variable, _))) = effect
                .uses
                .iter()
                .find_map(|one| Some((one, one.once.clone()?)))
            {
                return Err(OpError::Usage {
                    what: format!(
                        "{} reads {variable} only when it initialises its data, and whether that is done is not \
                         known: {why}",
                        one.container
                    ),
                    help: vec![
                        "nothing was changed; try again where the engine can be reached".into(),
                    ],
                });
            }
            shell.explain(&format!("note: what runs is not known: {why}"));
            effect
        }
    };
    let Some((container, variable, data)) = effect.bound.first() else {
        return Ok(effect);
    };
    let label = container.split('/').next().unwrap_or_default();
    Err(OpError::Policy {
        what: format!(
            "the data in `{data}` was made with this very value: {container} reads {variable} only when it \
             initialises it, and another one would only make the two disagree (P0302)"
        ),
        help: vec![
            "nothing was changed".into(),
            format!(
                "change it inside the service, then: coasti secret set {name}, and coasti apply --new-data {label}"
            ),
        ],
    })
}

async fn generated(shell: &Shell, address: &str, random: Random) -> Result<(), OpError> {
    let disk = shell.folder()?;
    let (name, id) = shell.stack_with_id()?;
    let Some(desired) = shell_read(&disk, shell.global.environment.as_deref()) else {
        let what = "the files have errors: how the value is made is not known";
        return Err(OpError::usage(what, &["coasti validate"]));
    };
    let engine = shell.engine().await?;
    let value_id = ValueId::new(address);
    let Some(made) = desired.generated().get(&value_id) else {
        // What there is, is told by who looks for it.
        secrets::get(&engine, &name, &id, address).await?;
        let what = format!("the files do not generate `{address}`");
        return Err(OpError::usage(
            what,
            &["coasti secret list shows what they do"],
        ));
    };
    if !made.recipe.is_secret() {
        let what = format!("`{address}` is a name or an address, no secret: it stays");
        return Err(OpError::usage(what, &[]));
    }
    let value = match shape(random) {
        Some(shape) => made_of(shell, &shape)?,
        None => secrets::make(&made.recipe)?,
    };
    let other = Some((&value_id, &value));
    let ids = [value_id.clone()].into();
    let effect = look(shell, &desired, &ids, other, address).await?;
    if !effect.known {
        return Err(OpError::usage(
            "the engine keeps the value, and cannot be reached",
            &[],
        ));
    }
    let values = [(address.to_owned(), value.expose().clone())].into();
    kept::take_in(shell, &engine, &name, id, values).await?;
    shell.out.say(&format!("{address}: another value"));
    tell(shell, &effect);
    Ok(())
}
