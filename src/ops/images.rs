//! Images of revisions: which they were, and that they stay.

use super::session::Session;
use crate::base::Kind;
use crate::engine::{Call, Engine};
use crate::model::Stack;
use crate::observe::Observed;
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

/// Tags images of the last revisions, so that nobody's clean-up takes what a rollback needs. Best effort.
pub(super) async fn keep_images<E: Engine>(
    session: &Session<'_, E>,
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
