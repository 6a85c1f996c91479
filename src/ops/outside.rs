//! Files of containers that are in none of their volumes: they go with the container that is replaced.

use crate::base::ResourceId;
use crate::diff::Action;
use crate::engine::Look;
use crate::model::Spec;
use crate::observe::{Container, Observed};
use crate::plan::{Outside, Plan};
use futures_util::future::join_all;

/// How many of them a plan names.
const NAMED: usize = 20;

/// What every container has of its own, and what nobody misses.
const NOISE: [&str; 15] = [
    "/.dockerenv",
    "/dev",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/mtab",
    "/etc/resolv.conf",
    "/proc",
    "/run",
    "/sys",
    "/tmp",
    "/var/cache",
    "/var/lock",
    "/var/log",
    "/var/run",
    "/var/tmp",
];

/// Tells in the plan which files are lost with the containers that it replaces, where those hold data. An engine
/// that does not tell is no reason for having no plan.
pub async fn tell<L: Look>(look: &L, observed: &Observed, plan: &mut Plan) {
    let asked = replaced(observed, plan).into_iter();
    let asked = asked.map(|(id, container)| async move {
        let paths = look.written(&container.id).await.ok()?;
        Some((id, outside(container, paths)?))
    });
    let found = join_all(asked).await;
    plan.outside = found.into_iter().flatten().collect();
}

/// The containers that hold data and that others take the place of.
fn replaced<'a>(observed: &'a Observed, plan: &Plan) -> Vec<(ResourceId, &'a Container)> {
    // Without a step nothing is lost.
    let changes = plan.changes.iter().filter(|_| !plan.steps.is_empty());
    let changes = changes.filter(|change| change.action != Action::Remove);
    let objects = changes.flat_map(|change| {
        let kept = change.container.iter().filter(|it| it.keep.is_none());
        let others = kept.flat_map(|it| &it.others);
        let gone = others.filter(|it| it.ever_started && (it.current || it.strange));
        gone.map(|object| (change.id.clone(), &object.name))
    });
    objects
        .filter_map(|(id, name)| {
            let ours = observed.containers.get(name);
            Some((id, ours.or_else(|| observed.adoptable.get(name))?))
        })
        .filter(|(_, container)| {
            let mut mounts = container.mounts.values();
            mounts.any(|mount| !mount.read_only && mount.source.data().is_some())
        })
        .collect()
}

/// What is left of the paths that a container wrote to.
fn outside(container: &Container, paths: Vec<String>) -> Option<Outside> {
    let delivered = match &container.owner.spec {
        Some(Spec::Container(spec)) => spec.files.keys().cloned().collect(),
        _ => Vec::new(),
    };
    let counts = |path: &String| {
        let mut mounts = container.mounts.keys();
        let own = delivered.iter().any(|file| within(path, file));
        // A folder that something is mounted in was made for that.
        let mounted = mounts.any(|mount| within(path, mount) || within(mount, path));
        !own && !mounted && !NOISE.iter().any(|noise| within(path, noise))
    };
    let mut files: Vec<String> = paths.into_iter().filter(counts).collect();
    files.sort();
    let more = files.len().saturating_sub(NAMED);
    files.truncate(NAMED);
    (!files.is_empty()).then_some(Outside { files, more })
}

/// Whether `path` is `folder` or beneath it.
fn within(path: &str, folder: &str) -> bool {
    let rest = path.strip_prefix(folder.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_within_itself_and_the_folders_above_it() {
        for (path, folder, is) in [
            ("/data", "/data", true),
            ("/data/a", "/data", true),
            ("/data/a", "/data/", true),
            ("/database", "/data", false),
            ("/data", "/data/a", false),
            ("/data", "/", true),
        ] {
            assert_eq!(within(path, folder), is, "{path} {folder}");
        }
    }
}
