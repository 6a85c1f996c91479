//! Secrets and configs: files delivered into containers.

use super::service::Cx;
use super::text;
use crate::config::codes;
use crate::config::compose::{Bit, Field, Keys, Service, Str};
use crate::config::expand::{Container, Draft, File, values};
use crate::diag::{Diagnostic, Diagnostics, did_you_mean};
use crate::model;

/// Adds a service's secrets and configs to its container.
pub(super) fn add(
    cx: &Cx<'_>,
    draft: &mut Draft,
    container: &mut Container,
    service: &Service,
    d: &mut Diagnostics,
) {
    for file in &service.files {
        let (kind, declared) = match file.secret {
            true => ("secret", &cx.project.secrets),
            false => ("config", &cx.project.configs),
        };
        let Some(field) = declared.iter().find(|field| field.key == file.source) else {
            let summary = format!("there is no {kind} `{}`", file.source);
            let error = Diagnostic::error(codes::UNKNOWN_NAME, Some(file.at.clone()), summary);
            let near = did_you_mean(
                &file.source,
                declared.iter().map(|field| field.key.as_str()),
            );
            d.push(match near {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error.help(format!(
                    "declare it under `{kind}s`, at the file's outermost level"
                )),
            });
            continue;
        };
        let Some(content) = content(cx, draft, kind, field, d) else {
            continue;
        };
        if !draft.budget.text(content.len(), Some(&file.at), d) {
            return;
        }
        if let Some(other) = container
            .files
            .iter()
            .find(|other| other.target == file.target)
        {
            let summary = format!("two files at `{}` of `{}`", file.target, service.name);
            d.push(
                Diagnostic::error(codes::MOUNT_TWICE, Some(file.at.clone()), summary)
                    .related(other.at.clone(), "the first"),
            );
            continue;
        }
        // Also what is no secret is kept apart: it may be long, and labels are short.
        let hidden: Str = content
            .bits()
            .iter()
            .map(|bit| match bit {
                Bit::Plain(text) => Bit::Secret(text.clone()),
                other => other.clone(),
            })
            .collect();
        let address = container.data.clone();
        let content = text(draft, &address, &format!("file:{}", file.target), &hidden);
        container.files.push(File {
            target: file.target.clone(),
            spec: model::File {
                content,
                mode: file.mode,
                uid: file.uid,
                gid: file.gid,
            },
            at: file.at.clone(),
        });
    }
}

/// What is in a secret or config.
fn content(
    cx: &Cx<'_>,
    draft: &mut Draft,
    kind: &str,
    field: &Field,
    d: &mut Diagnostics,
) -> Option<Str> {
    let what = format!("{kind} `{}`", field.key);
    let mut keys = Keys::of(&field.item, what.clone(), d)?;
    let file = keys.plain("file", d);
    let variable = keys.plain("environment", d);
    let inline = keys.str("content", d);
    let external = keys
        .take("external")
        .is_some_and(|item| item.as_str().and_then(Str::as_plain) != Some("false"));
    let name = keys.plain("name", d).map(|(name, _)| name);
    keys.finish(
        &[
            ("driver", ""),
            ("driver_opts", ""),
            ("labels", ""),
            ("template_driver", ""),
        ],
        d,
    );
    let said = [
        file.is_some(),
        variable.is_some(),
        inline.is_some(),
        external,
    ];
    if said.iter().filter(|said| **said).count() != 1 {
        let summary = format!("{what} must say where it comes from");
        d.push(
            Diagnostic::error(codes::MISSING, Some(field.key_at.clone()), summary).help(
                "one of `file: PATH`, `environment: NAME`, `content: TEXT`, `external: true`",
            ),
        );
        return None;
    }
    if let Some((path, at)) = file {
        let source = cx.file(&path, &at.at, true, d)?;
        return Some(Str::plain(source.text.clone()));
    }
    if let Some((name, at)) = variable {
        let value = cx
            .project
            .vars_at(&at.at)
            .and_then(|vars| vars.get(&name))
            .cloned();
        if value.is_none() {
            let summary = format!("the variable `{name}` must be set");
            let error = Diagnostic::error(codes::UNSET_REQUIRED, Some(at.at.clone()), summary);
            d.push(error.help("set it in the env file, or in the site's `env`"));
        }
        return value;
    }
    if let Some((text, _)) = inline {
        return Some(text.clone());
    }
    // One that is not the file's to make: it is among the stack's secrets.
    let name = name.as_deref().unwrap_or(&field.key);
    let id = values::secret(cx.folder, name, true, Some(&field.key_at), draft, d)?;
    Some([Bit::Value(id)].into_iter().collect())
}
