//! What a site's `image` names: a product, an archive, an image.

use super::{ImageChoice, build, codes};
use crate::base::StackName;
use crate::config::Folder;
use crate::config::doc::Sp;
use crate::config::image::checked;
use crate::config::info::Compose;
use crate::config::products::{Product, Products, archive, plain_id};
use crate::diag::{Diagnostic, Diagnostics, did_you_mean};

/// What a site runs.
pub(super) struct Found<'a> {
    /// The product, where it is one.
    pub product: Option<&'a Product>,
    /// The image.
    pub image: ImageChoice,
}

/// Finds what `image` names; none where that is nothing, which was said.
pub(super) fn find<'a>(
    stack: &StackName,
    image: &Sp<String>,
    products: &'a Products,
    folder: &dyn Folder,
    d: &mut Diagnostics,
) -> Option<Found<'a>> {
    let text = image.value.as_str();
    if let Some(product) = product(text, products) {
        let (_, tag) = split(text);
        return from_product(stack, image, product, tag, folder, d);
    }
    if is_archive(text) {
        let path = image.value.trim_start_matches("./");
        return from_archive(image, path, folder, d);
    }
    if is_nua(text) || !text.contains(['/', ':', '@']) {
        if !products.whole {
            // It may be in the list that cannot be read, which was said.
            return None;
        }
        let plain = plain_id(split(text).0);
        let known = products.all.iter();
        let known = known.map(|product| product.id.value.as_str());
        let error = Diagnostic::error(
            codes::UNKNOWN_IMAGE,
            image.at.clone(),
            format!("no product is called `{text}`"),
        )
        .label("a product's id, or an image reference");
        let near = did_you_mean(&plain, known.clone()).or_else(|| did_you_mean(text, known));
        let error = match near {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help("list the product in config/products.yml"),
        };
        d.push(if is_nua(text) {
            error
        } else {
            error.help(format!(
                "for the image of that name write `docker.io/library/{text}`"
            ))
        });
        return None;
    }
    let reference = checked(image, d)?;
    Some(Found {
        product: None,
        image: ImageChoice::Fixed {
            reference,
            archive: None,
            local: false,
            build: None,
            at: image.at.clone(),
        },
    })
}

fn is_nua(text: &str) -> bool {
    text.to_ascii_lowercase().starts_with("nua-")
}

/// A product's id and the version that is asked for: only nua writes both.
fn split(text: &str) -> (&str, Option<&str>) {
    match text.split_once(':') {
        Some((id, tag)) if is_nua(text) => (id, Some(tag)),
        _ => (text, None),
    }
}

/// The product that `image` names, be it one that cannot run.
pub(super) fn product<'a>(text: &str, products: &'a Products) -> Option<&'a Product> {
    let called = |plain: &str| {
        let mut all = products.all.iter();
        all.find(|product| product.is_called(plain))
    };
    // An archive's name may have a colon in it.
    called(&plain_id(split(text).0)).or_else(|| called(&plain_id(text)))
}

/// The product that `image` names, where it is a compose file.
pub(super) fn composed<'a>(
    image: &Sp<String>,
    products: &'a Products,
) -> Option<(&'a Product, &'a Compose)> {
    let product = product(&image.value, products)?;
    // One that is disabled gets its error where others do.
    let run = product
        .info
        .run
        .as_ref()
        .filter(|_| product.listed.enabled)?;
    Some((product, run))
}

fn is_archive(text: &str) -> bool {
    let ends = [".tar", ".tar.gz", ".tgz"]
        .iter()
        .any(|end| text.ends_with(end));
    ends || text.starts_with("./") || text.starts_with("../") || text.starts_with('/')
}

/// An archive's name is the reference of the image in it: `./nua-app:1.0-1.tar`, `./wiki.tar`.
fn from_archive<'a>(
    image: &Sp<String>,
    path: &str,
    folder: &dyn Folder,
    d: &mut Diagnostics,
) -> Option<Found<'a>> {
    if !folder.exists(path) {
        let summary = format!("there is no image archive `{path}`");
        d.push(
            Diagnostic::error(codes::UNKNOWN_IMAGE, image.at.clone(), summary)
                .help("its path is relative to the stack's folder"),
        );
        return None;
    }
    let file = path.rsplit('/').next().unwrap_or(path);
    let name = [".tar.gz", ".tgz", ".tar"]
        .iter()
        .find_map(|end| file.strip_suffix(end))
        .unwrap_or(file);
    let reference = if name.starts_with("nua-") {
        name.to_owned()
    } else {
        match crate::config::image::full(name) {
            Ok(reference) => reference.text,
            Err(why) => {
                let summary = format!("the archive's name `{file}` is no image reference");
                d.push(
                    Diagnostic::error(codes::BAD_REFERENCE, image.at.clone(), summary).help(why),
                );
                return None;
            }
        }
    };
    holds(image, path, &reference, folder, d)?;
    Some(Found {
        product: None,
        image: ImageChoice::Fixed {
            reference,
            archive: Some(path.to_owned()),
            local: true,
            build: None,
            at: image.at.clone(),
        },
    })
}

/// Whether the archive at `path` has that image in it, as far as can be told; says so where it has not.
fn holds(
    image: &Sp<String>,
    path: &str,
    reference: &str,
    folder: &dyn Folder,
    d: &mut Diagnostics,
) -> Option<()> {
    let full = |text: &str| crate::config::image::full(text).map_or(text.to_owned(), |r| r.text);
    let error =
        |summary: String| Diagnostic::error(codes::UNKNOWN_IMAGE, image.at.clone(), summary);
    let save = format!("make it with: docker save -o {path} {reference}");
    let tags = match folder.archived(path) {
        Ok(None) => return Some(()),
        Ok(Some(tags)) => tags,
        Err(why) => {
            let summary = format!("`{path}` is no archive of images: {why}");
            d.push(error(summary).help(save));
            return None;
        }
    };
    if tags.iter().any(|tag| full(tag) == full(reference)) {
        return Some(());
    }
    let all: Vec<_> = tags.iter().map(|tag| format!("`{tag}`")).collect();
    let has = match all.as_slice() {
        [] => "its image has no tag".to_owned(),
        all => format!("it has {}", all.join(", ")),
    };
    d.push(
        error(format!("the archive `{path}` has no image `{reference}`"))
            .label("the file's name is the reference of the image in it")
            .help(format!("{has}: name the file so, or"))
            .help(save),
    );
    None
}

/// That nothing tells how a product runs: it is not there yet, or does not tell.
fn no_app(image: &Sp<String>, product: &Product, folder: &dyn Folder) -> Diagnostic {
    let (id, listed) = (&product.id.value, &product.listed);
    let (list, word) = match listed.tool {
        true => ("tools", "tool"),
        false => ("products", "product"),
    };
    let error = |summary| Diagnostic::error(codes::NO_APP, image.at.clone(), summary);
    if listed.repo.is_some() && !folder.has_folder(&listed.path) {
        return error(format!("the {word} `{id}` is not installed"))
            .help(format!("coasti {word} install {id}"));
    }
    error(format!("the {word} `{id}` does not say how it runs"))
        .help(format!("write `app:` into {}/info.yml, with `image:` in it", listed.path))
        .help("or put a nua-config.toml (.yml, .json) there")
        .help(format!(
            "or name its compose file in config/{list}.yml, beside `id: {id}`: `run: {{compose: FILE}}`"
        ))
}

fn from_product<'a>(
    stack: &StackName,
    image: &Sp<String>,
    product: &'a Product,
    tag: Option<&str>,
    folder: &dyn Folder,
    d: &mut Diagnostics,
) -> Option<Found<'a>> {
    let id = &product.id.value;
    if !product.listed.enabled {
        let mut error = Diagnostic::error(
            codes::DISABLED,
            image.at.clone(),
            format!("the product `{id}` is disabled"),
        )
        .help("set `enabled: true` in config/products.yml, or remove the site");
        if let Some(place) = crate::config::products::place(product) {
            error = error.related(place, "listed here");
        }
        d.push(error);
        return None;
    }
    let Some(app) = &product.info.app else {
        if !product.broken {
            d.push(no_app(image, product, folder));
        }
        return None;
    };
    if let Some(build) = &app.build {
        let archive = app.image.as_ref().filter(|image| is_archive(&image.value));
        if let Some(archive) = archive {
            let summary = "`build` beside an image archive";
            let error = Diagnostic::error(codes::BAD_VALUE, archive.at.clone(), summary);
            d.push(error.help("keep one of them"));
            return None;
        }
        let cx = build::Cx {
            folder,
            dir: &product.listed.path,
            name: id.clone(),
            image: app.image.as_ref(),
            outer: &|_| None,
        };
        return Some(Found {
            product: Some(product),
            image: build::read(&cx, build, d)?.choice(stack),
        });
    }
    let own_tag = app.tag();
    if let (Some(asked), Some(own)) = (tag, &own_tag) {
        let asked = asked.trim_end_matches(".tar");
        if asked != own && Some(asked) != app.version.as_deref() {
            d.push(
                Diagnostic::error(
                    codes::UNKNOWN_IMAGE,
                    image.at.clone(),
                    format!("the product `{id}` is version {own}, not {asked}"),
                )
                .help(format!("write `image: {id}`, or install the other version")),
            );
            return None;
        }
    }
    if let Some(text) = &app.image {
        if is_archive(&text.value) {
            let path = format!(
                "{}/{}",
                product.listed.path,
                text.value.trim_start_matches("./")
            );
            let found = from_archive(text, &path, folder, d)?;
            return Some(Found {
                product: Some(product),
                ..found
            });
        }
        return Some(Found {
            product: Some(product),
            image: ImageChoice::Fixed {
                reference: checked(text, d)?,
                archive: None,
                local: false,
                build: None,
                at: text.at.clone(),
            },
        });
    }
    let Some(own_tag) = own_tag else {
        d.push(
            Diagnostic::error(
                codes::MISSING,
                Some(app.at.clone()),
                format!("the product `{id}` has neither `image` nor `metadata.version`"),
            )
            .help("write `image: REFERENCE`"),
        );
        return None;
    };
    let own_id = app.id.as_ref().unwrap_or(&product.id);
    let reference = format!("nua-{}:{own_tag}", plain_id(&own_id.value));
    let archive = archive(folder, product, &own_tag);
    if let Some(path) = &archive {
        holds(image, path, &reference, folder, d)?;
    }
    Some(Found {
        product: Some(product),
        image: ImageChoice::Fixed {
            reference,
            archive,
            local: true,
            build: None,
            at: image.at.clone(),
        },
    })
}
