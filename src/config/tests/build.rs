//! Images that are built.

use super::*;
use crate::model::{BuildSpec, ImageSpec};

const FROM: (&str, &str) = ("app/Dockerfile", "FROM debian:12\nCOPY . /app\n");

/// A stack whose one site `web` runs a product that is these files.
fn stack<'a>(compose: &str, files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Map {
    let mut map = Map::new([
        ("config/products.yml", "version: 1\nproducts:\n- id: shop\n"),
        (
            "config/deploy.yml",
            "version: 1\nstack: acme\nsite:\n- {label: web, image: shop, env: {VERSION: '3', ADMIN_TOKEN: {random: true}}}\n",
        ),
        ("products/shop/info.yml", "run: {compose: compose.yml}\n"),
        ("products/shop/compose.yml", compose),
    ]);
    for (path, text) in files {
        let path = format!("products/shop/{path}");
        map.0.insert(path, text.to_owned());
    }
    map
}

fn made(map: &Map) -> Stack {
    sealed(map, &World::new()).stack
}

fn said(map: &Map) -> String {
    let mut diagnostics = Diagnostics::new();
    read(map, &mut diagnostics);
    lines(&diagnostics)
}

/// Said of one service `a` with that `build`.
fn of_build<'a>(build: &str, files: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    said(&stack(
        &format!("services:\n  a: {{build: {build}}}\n"),
        files,
    ))
}

/// How the image of the container at `address` is built.
fn built<'a>(stack: &'a Stack, address: &str) -> &'a BuildSpec {
    let id = ResourceId::image(&container(stack, address).image);
    match &stack.resources[&id].spec {
        Spec::Image(ImageSpec {
            build: Some(build), ..
        }) => build,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_build_says_all_that_compose_says() {
    let compose = "\
services:
  a:
    image: shop/a:2
    build:
      context: app
      dockerfile: web.Dockerfile
      args: [A=1, VERSION, UNSET]
      target: final
      labels: {team: shop}
      cache_from: [shop/a:1]
      network: host
      extra_hosts: ['one:10.0.0.1', 'two=10.0.0.2']
      shm_size: 128m
      platforms: [linux/amd64]
      pull: true
      no_cache: true
      tags: [shop/other]
  b: {image: shop/a:2, scale: 2}
  c: {build: app}
";
    let files = [
        (
            "app/web.Dockerfile",
            "FROM debian:12 AS base\nFROM base AS final\n",
        ),
        ("app/x", "1"),
        FROM,
    ];
    let map = stack(compose, files);
    assert_eq!(said(&map), "");
    let stack = made(&map);
    let build = built(&stack, "web/a");
    insta::assert_snapshot!(serde_json::to_string_pretty(build).unwrap(), @r#"
    {
      "context": "products/shop/app",
      "dockerfile": "web.Dockerfile",
      "args": {
        "A": "1",
        "VERSION": "3"
      },
      "target": "final",
      "labels": {
        "team": "shop"
      },
      "network": "host",
      "extra_hosts": {
        "one": "10.0.0.1",
        "two": "10.0.0.2"
      },
      "shm_size": 134217728,
      "platform": "linux/amd64",
      "cache_from": [
        "shop/a:1"
      ],
      "pull": true,
      "no_cache": true,
      "tags": [
        "docker.io/shop/a:2",
        "docker.io/shop/other:latest"
      ],
      "bases": [
        "docker.io/library/debian:12"
      ],
      "content": "cc98ce4f8753992cc54114cde97445e9fc791d81e2f6c87a1eb84fde1223a4b2",
      "files": {
        "Dockerfile": "8631a0a614b7",
        "web.Dockerfile": "91371ecf5003",
        "x": "8ee8542dd4f3"
      }
    }
    "#);
    // Whoever runs what another one builds runs that; replicas too.
    for other in ["web/b", "web/b-2"] {
        assert_eq!(
            container(&stack, other).image,
            container(&stack, "web/a").image
        );
    }
    assert!(
        container(&stack, "web/a")
            .image
            .starts_with("docker.io/coasti/acme-shop-a:")
    );
    assert_ne!(
        container(&stack, "web/c").image,
        container(&stack, "web/a").image
    );
    let id = ResourceId::image(&container(&stack, "web/a").image);
    assert_eq!(
        stack.resources[&id].origin("").unwrap().to_string(),
        "products/shop/compose.yml:4"
    );
}

#[test]
fn another_content_is_another_image_and_nothing_else_is() {
    let image = |edit: &dyn Fn(&mut Map)| {
        let mut map = stack(
            "services:\n  a: {build: app}\n",
            [FROM, ("app/x", "1"), ("app/.dockerignore", "*.md\n")],
        );
        edit(&mut map);
        container(&made(&map), "web/a").image.clone()
    };
    let set = |path: &str, text: &str| {
        let (path, text) = (format!("products/shop/{path}"), text.to_owned());
        image(&move |map: &mut Map| drop(map.0.insert(path.clone(), text.clone())))
    };
    let base = image(&|_| {});
    assert_eq!(set("app/readme.md", "x"), base);
    assert_eq!(set("app/.git/HEAD", "x"), base);
    assert_eq!(set("other", "x"), base);
    assert_eq!(
        set(
            "compose.yml",
            "services:\n  a: {build: ./app/, restart: 'no'}\n"
        ),
        base
    );
    for (path, text) in [
        ("app/x", "2"),
        ("app/y", "1"),
        ("app/Dockerfile", "FROM debian:13\n"),
        ("app/.dockerignore", "*.md\nx\n"),
        (
            "compose.yml",
            "services:\n  a: {build: {context: app, args: {A: 1}}}\n",
        ),
    ] {
        assert_ne!(set(path, text), base, "{path}");
    }
    assert_ne!(
        image(&|map| drop(map.0.remove("products/shop/app/x"))),
        base
    );
}

#[test]
fn a_dockerfile_may_stand_elsewhere_or_in_the_file() {
    let compose = "services:\n  a: {build: {context: app, dockerfile: ../docker/Dockerfile}}\n  b: {build: {context: app, dockerfile_inline: 'FROM debian:12'}}\n";
    let map = stack(
        compose,
        [("docker/Dockerfile", "FROM debian:12"), ("app/x", "1")],
    );
    let stack = made(&map);
    for address in ["web/a", "web/b"] {
        let build = built(&stack, address);
        assert_eq!(build.inline.as_deref(), Some("FROM debian:12"));
        assert_eq!((build.dockerfile.as_str(), build.files.len()), ("", 1));
    }
}

#[test]
fn images_start_from_others_of_the_stack() {
    let compose = "\
services:
  base: {image: 'shop/base', build: base, restart: 'no'}
  web: {build: {context: web, args: {FROM: 'shop/base:latest'}}}
";
    let files = |base: &'static str| {
        [
            ("base/Dockerfile", base),
            ("web/Dockerfile", "ARG FROM\nFROM ${FROM}\n"),
        ]
    };
    let first = made(&stack(compose, files("FROM debian:12\n")));
    let second = made(&stack(compose, files("FROM debian:13\n")));
    let image = |stack: &Stack, address: &str| container(stack, address).image.clone();
    for address in ["web/base", "web/web"] {
        assert_ne!(image(&first, address), image(&second, address));
    }
    let web = ResourceId::image(image(&first, "web/web"));
    let needs: Vec<_> = first.resources[&web].needs.keys().cloned().collect();
    assert_eq!(needs, [ResourceId::image(image(&first, "web/base"))]);
    let circle = "services:\n  a: {image: 'x/a', build: base}\n  b: {image: 'x/b', build: web}\n";
    let files = [
        ("base/Dockerfile", "FROM x/b\n"),
        ("web/Dockerfile", "FROM x/a\n"),
    ];
    insta::assert_snapshot!(said(&stack(circle, files)), @"E0127 products/shop/compose.yml:2:21 images are built from each other in a circle: `shop/a` → `shop/b` → `shop/a`");
    // What it was called before is no circle.
    let own = stack(
        "services:\n  a: {image: 'x/a', build: base}\n",
        [("base/Dockerfile", "FROM x/a\n")],
    );
    assert_eq!(said(&own), "");
}

#[test]
fn pull_policy_says_whether_it_is_built() {
    let files = [FROM];
    let with = |policy: &str| {
        stack(
            &format!("services:\n  a: {{image: 'shop/a:1', build: app, pull_policy: {policy}}}\n"),
            files,
        )
    };
    assert!(
        container(&made(&with("build")), "web/a")
            .image
            .starts_with("docker.io/coasti/")
    );
    for policy in ["missing", "always"] {
        let map = with(policy);
        assert_eq!(container(&made(&map), "web/a").image, "docker.io/shop/a:1");
        assert!(
            said(&map)
                .starts_with("W0150 products/shop/compose.yml:2:51 `build` of `a` has no effect"),
            "{}",
            said(&map)
        );
    }
    insta::assert_snapshot!(said(&stack("services:\n  a: {image: 'x:1', pull_policy: build}\n", [])), @r#"
    E0106 products/shop/compose.yml:2:34 `pull_policy` cannot be `build`
        help: `build` is for a service that has a `build`
    "#);
}

#[test]
fn an_app_may_be_built() {
    let app = "metadata: {id: wiki, version: '1.2'}\nimage: acme/wiki\nbuild: {context: src, args: {VERSION: '{version}'}}\n";
    let mut map = Map::wiki(
        app,
        "stack: acme\nsite:\n- {label: a, image: wiki}\n- {label: b, image: wiki}\n",
    );
    map.0.insert(
        "products/wiki/src/Dockerfile".into(),
        "FROM debian:12\n".into(),
    );
    let stack = made(&map);
    let build = built(&stack, "a");
    assert_eq!(build.args["VERSION"], "1.2");
    assert_eq!(Vec::from_iter(&build.tags), ["docker.io/acme/wiki:latest"]);
    assert_eq!(build.context, "products/wiki/src");
    // Sites of one product share an image.
    assert_eq!(container(&stack, "a").image, container(&stack, "b").image);
    let id = ResourceId::image(&container(&stack, "a").image);
    assert_eq!(
        stack.resources[&id].origin("").unwrap().to_string(),
        "products/wiki/nua-config.yml:3"
    );
    let short = Map::wiki(
        "build: src\n",
        "stack: acme\nsite:\n- {label: a, image: wiki}\n",
    );
    let short = Map(short
        .0
        .into_iter()
        .chain(
            map.0
                .into_iter()
                .filter(|(path, _)| path.ends_with("Dockerfile")),
        )
        .collect());
    assert_eq!(built(&made(&short), "a").tags.len(), 0);
}

#[test]
fn what_cannot_be_built_is_said() {
    insta::assert_snapshot!(of_build("app", []), @r#"
    E0101 products/shop/compose.yml:2:7 there is no Dockerfile `products/shop/app/Dockerfile`
        help: name it: `dockerfile: PATH`, relative to `context`
    "#);
    insta::assert_snapshot!(of_build("{context: app, dockerfile: nosuch}", [FROM]), @r#"
    E0101 products/shop/compose.yml:2:41 there is no Dockerfile `products/shop/app/nosuch`
        help: its path is relative to `context`
    "#);
    insta::assert_snapshot!(of_build("{context: app, dockerfile: Dockerfile, dockerfile_inline: 'FROM x'}", [FROM]), @r#"
    E0106 products/shop/compose.yml:2:41 `dockerfile` and `dockerfile_inline` are both said
        help: keep one of them
    "#);
    insta::assert_snapshot!(of_build("https://github.com/a/b.git#main", []), @r#"
    E0205 products/shop/compose.yml:2:14 `https://github.com/a/b.git#main` is not a folder of the stack
        ^ what is there may be something else tomorrow
        help: bring it into the stack's folder: as a product from git, or as a git submodule
    "#);
    insta::assert_snapshot!(of_build("../../../elsewhere", []), @r#"
    E0152 products/shop/compose.yml:2:14 `../../../elsewhere` is not in the stack's folder
        help: write it relative, and keep what the stack is made of in its folder
    "#);
    insta::assert_snapshot!(of_build("/srv/app", []), @r#"
    E0152 products/shop/compose.yml:2:14 `/srv/app` is not in the stack's folder
        help: write it relative, and keep what the stack is made of in its folder
    "#);
    insta::assert_snapshot!(of_build("{context: app, target: finale}", [("app/Dockerfile", "FROM a AS final\n")]), @r#"
    E0201 products/shop/compose.yml:2:37 the Dockerfile has no stage `finale`
        help: did you mean `final`?
    "#);
    insta::assert_snapshot!(of_build("app", [("app/Dockerfile", "# nothing\n")]), @r#"
    E0201 products/shop/app/Dockerfile:1:1 the Dockerfile has no `FROM`
        help: it begins with the image that it starts from: `FROM debian:12`
    "#);
    insta::assert_snapshot!(of_build("app", [("app/Dockerfile", "FROM x\nRUN --mount=type=cache,target=/c --mount=type=secret,id=a make\nRUN --mount=type=ssh make\n")]), @r#"
    E0202 products/shop/app/Dockerfile:2:1 `RUN --mount=type=secret`
        ^ BuildKit asks its caller for that while it builds, which coasti does not answer
        help: build it with `docker buildx build`, push it, and write `image`
    E0202 products/shop/app/Dockerfile:3:1 `RUN --mount=type=ssh`
        ^ BuildKit asks its caller for that while it builds, which coasti does not answer
        help: build it with `docker buildx build`, push it, and write `image`
    "#);
    insta::assert_snapshot!(of_build("app", [FROM, ("app/.dockerignore", "a\n[\n")]), @r#"
    E0206 products/shop/app/.dockerignore:2:1 `[` cannot be understood
        help: a path with `*`, `**`, `?` and `[a-z]`; `!` before it takes back
    "#);
    insta::assert_snapshot!(of_build("{context: app, platforms: [linux/amd64, linux/arm64], secrets: [x], ssh: [default], ulimits: {a: 1}, contexts: x}", [FROM]), @r#"
    E0170 products/shop/compose.yml:2:54 several `platforms` of service `a`
        help: the engine builds for one: leave it out, and that is its own
    E0170 products/shop/compose.yml:2:68 `secrets` of `build` of service `a` is not supported
        help: the engine's call for builds has nothing for it: build it with `docker buildx build`, push it, and name it under `image`
    E0170 products/shop/compose.yml:2:82 `ssh` of `build` of service `a` is not supported
        help: the engine's call for builds has nothing for it: build it with `docker buildx build`, push it, and name it under `image`
    E0170 products/shop/compose.yml:2:98 `ulimits` of `build` of service `a` is not supported
        help: commands of a build have the engine's own limits: change them in its settings
    E0104 products/shop/compose.yml:2:115 unknown key `contexts` in `build` of service `a`
        ^ not known here
        help: did you mean `context`?
    "#);
    insta::assert_snapshot!(of_build("{context: app, args: {NPM_TOKEN: abc, ADMIN_TOKEN: null, URL: 'https://u:p@x', FINE_TOKEN: ''}}", [FROM]), @r#"
    E0203 products/shop/compose.yml:2:36 the build argument `NPM_TOKEN` is a secret
        ^ whoever has the image can read it: `docker history` shows it
        help: give it to the container that runs: as a variable or a file
        help: fetch before what only the build needs: `COPY` takes it from the folder
    E0203 products/shop/compose.yml:2:52 the build argument `ADMIN_TOKEN` is a secret
        ^ whoever has the image can read it: `docker history` shows it
        help: give it to the container that runs: as a variable or a file
        help: fetch before what only the build needs: `COPY` takes it from the folder
    E0203 products/shop/compose.yml:2:71 the build argument `URL` is a secret
        ^ whoever has the image can read it: `docker history` shows it
        help: give it to the container that runs: as a variable or a file
        help: fetch before what only the build needs: `COPY` takes it from the folder
    "#);
}

#[test]
fn buildkit_builds_what_only_it_does() {
    let spec = |text: &str| {
        let map = stack("services: {a: {build: app}}\n", [("app/Dockerfile", text)]);
        built(&made(&map), "web/a").clone()
    };
    let classic = spec("# syntax=docker/dockerfile:1\nFROM x\n");
    assert!(!classic.buildkit && classic.frontend.is_none());
    let kit = spec("# syntax=docker/dockerfile:1\nFROM x\nRUN --mount=from=y,target=/y make\n");
    assert!(kit.buildkit);
    assert_eq!(kit.frontend.unwrap(), "docker.io/docker/dockerfile:1");
    assert_eq!(
        kit.bases.into_iter().collect::<Vec<_>>(),
        ["docker.io/library/x:latest", "docker.io/library/y:latest"]
    );
}
