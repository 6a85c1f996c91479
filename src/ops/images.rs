//! Images of revisions: which they were, and that they stay.

use super::session::Session;
use crate::base::{Kind, ResourceId, RevisionId};
use crate::engine::{Call, Engine};
use crate::model::{ImageSpec, Spec, Stack};
use crate::observe::Observed;
use crate::store::record::{Head, Outcome};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What the image references of `stack` name now.
pub(super) fn images(observed: &Observed, stack: &Stack) -> BTreeMap<String, String> {
    let references = stack
        .resources
        .iter()
        .filter(|(id, _)| id.kind == Kind::Image);
    references
        .filter_map(|(_, resource)| {
            let image = observed.images.get(&resource.name)?;
            Some((resource.name.clone(), image.id.clone()))
        })
        .collect()
}

/// How many good revisions keep their images, so that a rollback needs no registry.
const KEPT: usize = 10;

/// Tags images of the last revisions, so that nobody's clean-up takes what a rollback needs, and drops the tags
/// of the revision that falls behind. Best effort. A `destroy` drops none: the history stays, and so does the
/// way back.
pub(super) async fn keep_images<E: Engine>(
    session: &Session<'_, E>,
    head: &Head,
    observed: &Observed,
    stack: &Stack,
) {
    let ids: BTreeSet<String> = images(observed, stack).into_values().collect();
    let tags = ids.into_iter().map(|image| {
        let tag = keep_tag(session.stack.as_str(), &image);
        async move {
            let call = Call::TagImage { image, tag };
            session.engine.execute(&call, Duration::from_secs(30)).await
        }
    });
    let _ = futures_util::future::join_all(tags).await;
    if usize::try_from(head.revisions).is_ok_and(|count| count > KEPT) {
        let now = images(observed, stack).into_values().collect();
        for (image, built) in unused(session, now).await.unwrap_or_default() {
            for tag in built
                .into_iter()
                .chain([keep_tag(session.stack.as_str(), &image)])
            {
                let call = Call::UntagImage { tag };
                let _ = session.engine.execute(&call, Duration::from_secs(30)).await;
            }
        }
    }
}

/// Images of the good revision that falls behind the last [`KEPT`] which none of those has, each with the
/// references that it was built as: nobody else gave them. Nothing where something could not be read: what is
/// not known to be of no use stays.
async fn unused<E: Engine>(
    session: &Session<'_, E>,
    now: BTreeSet<String>,
) -> Option<BTreeMap<String, Vec<String>>> {
    let store = session.store();
    let mut good: Vec<RevisionId> = Vec::new();
    for run in store.runs().await.ok()? {
        let done = run.end.is_some_and(|end| end.outcome == Outcome::Done);
        good.extend(run.revision.filter(|_| done));
    }
    let behind = good.len().checked_sub(KEPT + 1)?;
    let ids = async |id: &RevisionId| {
        let revision = store.revision(id).await.ok()??;
        Some(revision.images.into_values().collect::<BTreeSet<_>>())
    };
    let old = store.revision(good.get(behind)?).await.ok()??;
    let mut unused: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (reference, id) in old.images {
        let built = unused.entry(id).or_default();
        let image = old.stack.resources.get(&ResourceId::image(&reference));
        if let Some(Spec::Image(ImageSpec { build: Some(_), .. })) = image.map(|it| &it.spec) {
            built.push(reference);
        }
    }
    unused.retain(|id, _| !now.contains(id));
    for id in good.iter().skip(behind + 1) {
        // Most often nothing is left to ask about.
        if unused.is_empty() {
            break;
        }
        let used = ids(id).await?;
        unused.retain(|id, _| !used.contains(id));
    }
    Some(unused)
}

/// The tag that keeps an image.
fn keep_tag(stack: &str, image: &str) -> String {
    let digits: String = image
        .rsplit(':')
        .next()
        .unwrap_or(image)
        .chars()
        .take(12)
        .collect();
    format!("coasti.keep/{stack}:{digits}")
}
