//! Volumes of one container: managed ones, directories of the host, memory.

use super::container::origin;
use super::{Container, Draft, apart, codes};
use crate::base::{EngineId, ResourceId, names};
use crate::config::app::{VolumeDef, VolumeKind};
use crate::config::doc::Sp;
use crate::diag::{Diagnostic, Diagnostics, Place};
use crate::model::{Mount, MountOptions, MountSource, Propagation, VolumeSpec};
use std::collections::BTreeMap;

/// The volume's name on the engine.
pub(super) fn volume_name(
    draft: &Draft,
    address: &str,
    volume: &VolumeDef,
    name: &Sp<String>,
) -> String {
    match volume.kind.unwrap_or_default() {
        VolumeKind::Managed if volume.external != Some(true) => names::object(
            &draft.stack,
            &format!("{address}/{}", names::sanitize(&name.value)),
        ),
        _ => name.value.clone(),
    }
}

/// Whether Docker would make or have a volume of this name.
fn is_volume_name(name: &str) -> bool {
    (2..=255).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

/// What Docker's own driver would refuse.
fn local_options(options: &BTreeMap<String, String>) -> Option<String> {
    const KNOWN: &[&str] = &["type", "o", "device", "size"];
    if let Some(name) = options.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        return Some(format!("a volume has no option `{name}`"));
    }
    let has = |name: &str| options.get(name).is_some_and(|value| !value.is_empty());
    let missing = ["device", "type"].into_iter().find(|name| !has(name))?;
    let mounts = ["type", "o", "device"].into_iter().find(|name| has(name))?;
    Some(format!(
        "the option `{mounts}` of a volume needs `{missing}`"
    ))
}

/// Mounts a volume, and makes it one of the stack's where it is to be made.
pub(super) fn mount(
    draft: &mut Draft,
    container: &mut Container,
    data: &str,
    volume: &VolumeDef,
    owner: &Place,
    d: &mut Diagnostics,
) {
    let at = volume.at.clone().unwrap_or_else(|| owner.clone());
    let target = &volume.target.value;
    let bad = |summary: String| Diagnostic::error(codes::BAD_VOLUME, Some(at.clone()), summary);
    let kind = volume.kind.unwrap_or_default();
    let source = match (kind, &volume.name) {
        (VolumeKind::Tmpfs, _) => MountSource::Tmpfs {
            size: volume.size,
            mode: volume.mode,
        },
        (_, None) => {
            let error = bad(format!("the volume at `{target}` has no `name`"));
            d.push(if volume.size.is_some() || volume.mode.is_some() {
                error.help("did you mean `type: tmpfs`?")
            } else {
                error.help("its name keeps the data when the path changes")
            });
            return;
        }
        (VolumeKind::Directory, Some(path)) => {
            if !path.value.starts_with('/') {
                let summary = format!("the directory `{}` is not an absolute path", path.value);
                d.push(
                    Diagnostic::error(codes::RELATIVE_PATH, path.at.clone().or(Some(at)), summary)
                        .help(
                            "a directory is one of the engine's host, which may be another machine",
                        ),
                );
                return;
            }
            if volume.create == Some(true) {
                // The engine takes such a mount as one text, its parts separated by `:`.
                if path.value.contains(':') || target.contains(':') {
                    d.push(bad(
                        "`create: true` is not possible with a `:` in a path".to_owned()
                    ));
                    return;
                }
                let source = MountSource::directory(&path.value);
                container
                    .spec
                    .create
                    .extend(source.data().map(str::to_owned));
            }
            MountSource::directory(&path.value)
        }
        (VolumeKind::Managed, Some(name)) => {
            let safe = names::sanitize(&name.value);
            let external = volume.external == Some(true);
            let fine = match external {
                // The engine's own rule; other drivers have theirs.
                true if volume.driver.is_none() => is_volume_name(&name.value),
                true => !name.value.is_empty(),
                false => !safe.is_empty() && safe == name.value.to_ascii_lowercase(),
            };
            if !fine {
                let error = Diagnostic::error(
                    codes::BAD_VOLUME,
                    name.at.clone().or(Some(at)),
                    format!("`{}` cannot be a volume's name", name.value),
                );
                let error = error.help(if external {
                    "as the engine has it: letters, digits, `.`, `_` and `-`, a letter or digit first"
                } else {
                    "`a-z`, `0-9`, `.`, `_` and `-`, the ends letters or digits"
                });
                d.push(if name.value.starts_with(['/', '.', '~']) {
                    error.help("for a directory of the engine's host write `type: directory` and its whole path")
                } else {
                    error
                });
                return;
            }
            if volume.driver.is_none()
                && !external
                && let Some(why) = local_options(&volume.options)
            {
                d.push(bad(why).help("Docker's own volumes take `type`, `o` and `device`, as `mount` does; another `driver` takes others"));
                return;
            }
            let full = volume_name(draft, data, volume, name);
            let address = format!("{data}/{safe}");
            let options = apart::options(&volume.options, &address, &mut draft.given);
            let made = super::Volume {
                name: full.clone(),
                spec: VolumeSpec {
                    driver: volume.driver.clone(),
                    options,
                    labels: volume.labels.clone(),
                    external: volume.external == Some(true),
                },
                at: at.clone(),
                what: format!("the volume `{}` of `{}`", name.value, container.id.address),
            };
            let (what, spec) = (made.what.clone(), made.spec.clone());
            // The same volume at two paths is fine; two names that become one are not.
            if let Some(other) = draft.volumes.insert(address, made) {
                let error = if other.what != what {
                    let summary = format!("{} and {what} would be one, `{full}`", other.what);
                    Some(Diagnostic::error(
                        codes::NAME_CLASH,
                        Some(at.clone()),
                        summary,
                    ))
                } else if other.spec != spec {
                    let summary = format!("{what} is said in two ways");
                    let help =
                        "say `driver`, `options`, `labels` and `external` the same at each path";
                    Some(bad(summary).help(help))
                } else {
                    None
                };
                if let Some(error) = error {
                    d.push(error.related(other.at, "the first"));
                }
            }
            MountSource::Volume(EngineId::new(full))
        }
    };
    if kind != VolumeKind::Directory && volume.create == Some(true) {
        d.push(
            Diagnostic::warning(
                codes::IGNORED,
                Some(at.clone()),
                "`create: true` has no effect here",
            )
            .help("it makes the directory of `type: directory` where it is missing"),
        );
    }
    let managed = kind == VolumeKind::Managed;
    let directory = kind == VolumeKind::Directory;
    let external = volume.external == Some(true);
    let propagation = volume.propagation.is_some();
    for (idle, what) in [
        (volume.nocopy == Some(true) && !managed, "`nocopy`"),
        (
            !volume.labels.is_empty() && (!managed || external),
            "`labels`",
        ),
        (volume.selinux.is_some() && !directory, "`selinux`"),
        (propagation && !directory, "`propagation`"),
    ] {
        if idle {
            let summary = format!("{what} of the volume at `{target}` has no effect");
            let warning = Diagnostic::warning(codes::IGNORED, Some(at.clone()), summary);
            d.push(warning.help("`nocopy` and `labels` are for volumes that are made, `selinux` and `propagation` for `type: directory`"));
        }
    }
    if volume.selinux.is_some() && directory && volume.create != Some(true) {
        let summary = format!("`{target}` cannot be labelled for SELinux");
        let error = Diagnostic::error(codes::BAD_VOLUME, Some(at.clone()), summary);
        d.push(error.help("the engine labels only directories that it may make: `create: true`"));
    }
    let word = volume.propagation.as_deref().filter(|_| directory);
    let options = MountOptions {
        selinux: volume.selinux.filter(|_| directory),
        propagation: word.and_then(Propagation::of),
        no_copy: volume.nocopy == Some(true) && managed,
    };
    if kind != VolumeKind::Tmpfs
        && (volume.size.is_some() || volume.mode.is_some())
        && volume.name.is_some()
    {
        d.push(
            Diagnostic::warning(
                codes::IGNORED,
                Some(at.clone()),
                "size and mode mean nothing here",
            )
            .help("did you mean `type: tmpfs`?"),
        );
    }
    let mount = Mount {
        source,
        read_only: volume.read_only.unwrap_or(false),
        options,
    };
    if container
        .spec
        .mounts
        .insert(target.clone(), mount)
        .is_some()
    {
        let summary = format!("two volumes at `{target}` of `{}`", container.id.address);
        d.push(Diagnostic::error(
            codes::MOUNT_TWICE,
            Some(at.clone()),
            summary,
        ));
    }
    origin(
        &mut container.origins,
        format!("mounts.{target}"),
        Some(&at),
    );
}

/// Warns of a volume that is at another path already, which another file says: most likely that path was meant to
/// be changed.
pub(super) fn two_paths<'a>(
    volume: &VolumeDef,
    mut before: impl Iterator<Item = &'a VolumeDef>,
    id: &ResourceId,
    d: &mut Diagnostics,
) {
    let file = |volume: &VolumeDef| {
        let at = volume.name.as_ref()?.at.as_ref()?;
        Some(at.source.name.clone())
    };
    let name = |volume: &VolumeDef| volume.name.as_ref().map(|name| name.value.clone());
    let same = |other: &&VolumeDef| {
        let kinds = [other.kind, volume.kind].map(Option::unwrap_or_default);
        kinds == [VolumeKind::Managed; 2]
            && name(other) == name(volume)
            && file(other) != file(volume)
    };
    let (Some(other), Some(name)) = (before.find(same), name(volume)) else {
        return;
    };
    let summary = format!(
        "the volume `{name}` of `{}` is mounted twice, at `{}` and at `{}`",
        id.address, other.target.value, volume.target.value
    );
    let warning = Diagnostic::warning(codes::TWO_PATHS, volume.at.clone(), summary).help(format!(
        "to change the first one write `target: {}`",
        other.target.value
    ));
    d.push(match &other.at {
        Some(at) => warning.related(at.clone(), "the first"),
        None => warning,
    });
}
