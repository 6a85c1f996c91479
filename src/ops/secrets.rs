//! `coasti secret`: values kept in the store.

use super::error::OpError;
use super::session::{Begin, Session, Who};
use crate::base::{Secret, StackId, StackName, ValueId};
use crate::engine::{Engine, Look};
use crate::exec::{Events, Stop, Values};
use crate::store::Store;
use crate::store::record::Outcome;
use std::collections::BTreeMap;

/// All values of a stack.
pub async fn all<L: Look>(look: &L, name: &StackName) -> Result<Values, OpError> {
    let store = Store::new(look, name);
    let head = store.peek().await?.head.unwrap_or_default();
    Ok(store.values(&head).await?)
}

/// One value, by `LABEL[/PROVIDER]/VAR`.
pub async fn get<L: Look>(
    look: &L,
    name: &StackName,
    address: &str,
) -> Result<Secret<String>, OpError> {
    let values = all(look, name).await?;
    values.get(&ValueId::new(address)).cloned().ok_or_else(|| {
        let known: Vec<_> = values
            .keys()
            .map(ValueId::as_str)
            .filter(|id| !id.contains(':'))
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
        OpError::Usage {
            what: format!("there is no generated value `{address}`"),
            help,
        }
    })
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
) -> Result<usize, OpError> {
    let session = Session::open(engine, name, id, who, "secret import", events, stop).await?;
    let result: Result<_, OpError> = async {
        let store = session.store();
        let peek = store.peek().await?;
        let head = peek.head.clone().unwrap_or_default();
        let key = match &peek.key {
            Some(key) => key.clone(),
            None => crate::base::Key::new(super::gather::random()?),
        };
        let mut all = store.values(&head).await?;
        let count = values.len();
        for (id, value) in values {
            let id = ValueId::new(id);
            if let Some(old) = all.insert(id.clone(), Secret::new(value)) {
                let digest = key.keyed(old.expose().as_bytes());
                all.insert(super::apply::versioned(&id, &digest), old);
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
        };
        let mut written = session.begin(begin).await?;
        session
            .end(
                &mut written,
                Outcome::Done,
                format!("{count} values"),
                None,
                None,
            )
            .await?;
        Ok(count)
    }
    .await;
    let closed = session.close().await;
    let count = result?;
    closed?;
    Ok(count)
}
