//! Which line of the files an engine's refusal is about.

use crate::base::ResourceId;
use crate::diag::Origin;
use crate::model::{Resource, Stack, shown};

/// Where the value stands that `error` quotes, else where the resource does. Engines quote what they refuse, and
/// seldom say which field it was.
pub(super) fn blame(stack: &Stack, of: &ResourceId, error: &str) -> Option<Origin> {
    let resource = stack.resources.get(of)?;
    let field = quoted(resource, error).unwrap_or_else(|| {
        let field = match error {
            error if error.contains("healthy") => "health",
            error if error.contains("device driver") => "device_requests",
            _ => "",
        };
        field.to_owned()
    });
    resource.origin(&field).cloned()
}

/// The field with the longest value that `error` has in it, whole.
fn quoted(resource: &Resource, error: &str) -> Option<String> {
    let fields = shown(&resource.spec).into_iter();
    // What an app reads itself no engine refuses.
    let fields = fields.filter(|(field, _)| !field.starts_with("env."));
    fields
        .filter_map(|(field, value)| {
            let mut best = 0;
            for word in words(&value) {
                if word.len() >= SHORTEST && stands_in(error, &word) {
                    best = best.max(word.len());
                }
            }
            // A mount's path is in its field's name.
            if let Some(path) = field.strip_prefix("mounts.") {
                let path = path.rsplit_once('.').map_or(path, |(path, _)| path);
                if stands_in(error, path) {
                    best = best.max(path.len());
                }
            }
            (best > 0).then_some((best, field))
        })
        .max()
        .map(|(_, field)| field)
}

/// Shorter ones stand in any sentence.
const SHORTEST: usize = 3;

/// A value, or those of a list.
fn words(value: &str) -> Vec<String> {
    serde_json::from_str::<Vec<String>>(value).unwrap_or_else(|_| vec![value.to_owned()])
}

/// Whether `word` is in `text`, not as a part of a longer word.
fn stands_in(text: &str, word: &str) -> bool {
    let part_of_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let after = text
            .get(at + word.len()..)
            .and_then(|text| text.chars().next());
        !part_of_word(before) && !part_of_word(after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::fixture;

    #[test]
    fn a_refusal_is_laid_to_the_value_that_it_quotes() {
        let mut stack = fixture::usual();
        fixture::volume(&mut stack, "blog", "files", "/srv/files");
        let spec = fixture::spec_mut(&mut stack, "blog");
        spec.devices = ["/dev/kvmm".to_owned()].into();
        spec.command = Some(vec!["serve".into(), "--all".into()]);
        let blog = fixture::container_mut(&mut stack, "blog");
        blog.origins.clear();
        let lines = [
            "",
            "image",
            "command",
            "devices",
            "mounts./srv/files",
            "ports.80/tcp",
            "health",
            "device_requests",
        ];
        for (line, field) in lines.into_iter().enumerate() {
            let file = "config/deploy.yml".to_owned();
            blog.origins.insert(field.to_owned(), Origin { file, line });
        }
        let id = ResourceId::container("blog");
        for (error, field) in [
            (
                "error gathering device information for \"/dev/kvmm\": no such file",
                "devices",
            ),
            (
                "exec: \"serve\": executable file not found in $PATH: unknown",
                "command",
            ),
            (
                "Bind for 127.0.0.1:8101 failed: port is already allocated",
                "ports.80/tcp",
            ),
            (
                "error mounting \"/var/lib/x\" at \"/srv/files\": not a directory",
                "mounts./srv/files",
            ),
            ("No such image: docker.io/library/blog:1", "image"),
            // Neither a part of a word nor what says nothing.
            ("the server at 81011 is away", ""),
            ("it exited with code 1", ""),
            ("not healthy within 30s", "health"),
            (
                "could not select device driver \"\" with capabilities: [[gpu]]",
                "device_requests",
            ),
        ] {
            let line = blame(&stack, &id, error).unwrap().line;
            assert_eq!(lines[line], field, "{error}");
        }
        assert_eq!(blame(&stack, &ResourceId::container("shop"), "x"), None);
    }
}
