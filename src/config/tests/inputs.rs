//! Real files of nua's, where they are at hand: each parses and seals, with the names that are ours.

use super::*;
use std::path::{Path, PathBuf};

pub(super) fn inputs() -> Option<PathBuf> {
    let named = std::env::var_os("COASTI_TEST_INPUTS").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/inputs");
    let found = named
        .or(Some(beside))
        .filter(|path| path.join("nua/apps").is_dir());
    if found.is_none() {
        println!("skipped: no real inputs; COASTI_TEST_INPUTS names their folder");
    }
    found
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// All apps as products, with one deploy file.
fn folder(root: &Path, deploy: &Path) -> Map {
    let mut map = Map::default();
    let mut products = "coasti_version: 0.3.0\nproducts:\n".to_owned();
    for app in std::fs::read_dir(root.join("nua/apps")).unwrap() {
        let app = app.unwrap().path();
        let id = app.file_name().unwrap().to_str().unwrap().to_owned();
        products.push_str(&format!(
            "- id: {id}\n  vcs_repo: https://example.org/{id}.git\n"
        ));
        for file in std::fs::read_dir(&app).unwrap() {
            let file = file.unwrap().path();
            let name = file.file_name().unwrap().to_str().unwrap().to_owned();
            map.0.insert(format!("products/{id}/{name}"), text(&file));
        }
    }
    map.0.insert("config/products.yml".into(), products);
    let end = deploy.extension().unwrap().to_str().unwrap();
    map.0.insert(format!("config/deploy.{end}"), text(deploy));
    map
}

fn world(folder: &Map) -> World {
    let mut world = World::new();
    if let Some(desired) = read(folder, &mut Diagnostics::new()) {
        for reference in desired.images() {
            world.image(&reference, &[]);
        }
    }
    world
}

#[test]
fn every_app_of_nuas_seals() {
    let Some(root) = inputs() else { return };
    let mut seen = Vec::new();
    for app in std::fs::read_dir(root.join("nua/apps")).unwrap() {
        for file in std::fs::read_dir(app.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if !name.starts_with("sample_deploy") {
                continue;
            }
            let map = folder(&root, &path);
            let world = world(&map);
            let mut diagnostics = Diagnostics::new();
            let stack = read(&map, &mut diagnostics)
                .and_then(|desired| seal(&desired, &world.facts(), &mut diagnostics))
                .map(|sealed| sealed.stack);
            let errors = lines(&diagnostics);
            if path.to_str().unwrap().contains("new_redis_plus_sub_app") {
                // An app inside of an app is refused, with the reason, and nothing else is wrong.
                assert!(stack.is_none());
                assert_eq!(errors.matches("E0").count(), 1, "{errors}");
                assert!(errors.contains("E0140"), "{errors}");
                continue;
            }
            let stack = stack.unwrap_or_else(|| panic!("{}: {errors}", path.display()));
            seen.push(outline(&stack));
        }
    }
    assert!(seen.len() >= 14, "{}", seen.len());
}

#[test]
fn every_app_of_nuas_is_read_without_a_complaint() {
    let Some(root) = inputs() else { return };
    let deploy = root.join("nua/apps/hedgedoc/sample_deploy.json");
    let mut said = Vec::new();
    let mut map = folder(&root, &deploy);
    map.0.remove("config/deploy.json");
    for app in std::fs::read_dir(root.join("nua/apps")).unwrap() {
        let id = app.unwrap().file_name().into_string().unwrap();
        let site = format!("stack: acme\nsite:\n- {{label: x, image: {id}, domain: x.org}}\n");
        map.0.insert("config/deploy.yml".into(), site);
        let mut diagnostics = Diagnostics::new();
        let desired = read(&map, &mut diagnostics);
        assert_eq!(
            desired.is_none(),
            id == "new_redis_plus_sub_app",
            "{}",
            lines(&diagnostics)
        );
        if desired.is_some() && !diagnostics.is_empty() {
            said.push(lines(&diagnostics));
        }
    }
    // `auto_remove` of one of them is the only thing to say.
    let code = |line: &str| line.starts_with("E0") || line.starts_with("W0");
    let other = |line: &&str| code(line) && !line.starts_with("W0150");
    assert_eq!(said.iter().flat_map(|text| text.lines()).find(other), None);
}

#[test]
fn names_are_what_users_of_nua_expect() {
    let Some(root) = inputs() else { return };
    let of = |app: &str| {
        let map = folder(
            &root,
            &root.join("nua/apps").join(app).join("sample_deploy.json"),
        );
        sealed(&map, &world(&map)).stack
    };
    let names = |stack: &Stack, kind: crate::base::Kind| -> Vec<String> {
        let all = stack.resources.iter().filter(|(id, _)| id.kind == kind);
        all.map(|(_, resource)| resource.name.clone()).collect()
    };
    use crate::base::Kind::{Container, Network, Volume};

    let hedgedoc = of("hedgedoc");
    let site = "acme-hedgedoc-test1.example.com";
    assert_eq!(
        names(&hedgedoc, Container)[..2],
        [site.to_owned(), format!("{site}-database")]
    );
    assert_eq!(names(&hedgedoc, Network)[0], site);
    assert_eq!(
        names(&hedgedoc, Volume)[..2],
        [
            format!("{site}-database-postgres-data"),
            format!("{site}-hedgedoc_uploads")
        ]
    );
    let ports: Vec<_> = ["hedgedoc-test1.example.com", "hedgedoc-test2.example.com"]
        .map(|label| container(&hedgedoc, label).ports["3000/tcp"].host)
        .into();
    assert_eq!(ports, [8100, 8101]);
    let database = container(&hedgedoc, "hedgedoc-test1.example.com/database");
    assert_eq!(database.image, "docker.io/library/postgres:14.6");

    let doli = of("dolibarr");
    assert_eq!(names(&doli, Container), ["acme-doli", "acme-doli-database"]);
    assert_eq!(names(&doli, Network), ["acme-doli"]);
    assert_eq!(
        names(&doli, Volume),
        [
            "acme-doli-database-mariadb-data",
            "acme-doli-dolibarr_custom",
            "acme-doli-dolibarr_documents"
        ]
    );
    let app = container(&doli, "doli");
    assert_eq!(app.env["DOLI_DB_HOST"].as_plain(), Some("database"));
    assert_eq!(app.image, "docker.io/tuxgasy/dolibarr:16.0.4");
    assert_eq!(
        container(&doli, "doli/database").image,
        "docker.io/library/mariadb:10.6"
    );

    let mail = of("docker-mailserver");
    assert_eq!(names(&mail, Container), ["acme-mail"]);
    assert!(names(&mail, Network).is_empty());
    assert_eq!(
        names(&mail, Volume),
        [
            "acme-mail-config",
            "acme-mail-mail-data",
            "acme-mail-mail-logs",
            "acme-mail-mail-state"
        ]
    );
    let app = container(&mail, "mail");
    assert_eq!(app.ports["25/tcp"].host, 25);
    assert!(app.mounts["/etc/letsencrypt"].read_only);
    assert!(
        !serde_json::to_string(&mail)
            .unwrap()
            .contains("some_passwd")
    );
    assert_eq!(app.post_run.len(), 8);

    let galene = of("galene");
    let app = container(&galene, "galene1");
    assert!(app.ports.is_empty() && app.network_mode == crate::model::NetworkMode::Host);
    assert_eq!(
        names(&galene, Volume),
        ["acme-galene1-galene_data", "acme-galene1-galene_groups"]
    );

    let sqlite = of("new_flask_sqla_sqlite_volume");
    assert_eq!(names(&sqlite, Container), ["acme-sqlite"]);
    assert!(names(&sqlite, Network).is_empty());
    assert_eq!(names(&sqlite, Volume), ["acme-sqlite-database-data"]);
    let app = container(&sqlite, "sqlite");
    assert!(app.mounts.contains_key("/nua/app/sqlite"));
    assert_eq!(app.env["DB_FOLDER"].as_plain(), Some("/nua/app/sqlite"));
}

#[test]
fn what_is_not_built_is_refused_with_what_to_do() {
    let Some(root) = inputs() else { return };
    let mut map = folder(&root, &root.join("nua/apps/hedgedoc/sample_deploy.json"));
    let mut diagnostics = Diagnostics::new();
    let desired = read(&map, &mut diagnostics).unwrap();
    assert!(desired.images().contains("nua-hedgedoc:1.9.7-15"));
    let world = World::new();
    assert!(seal(&desired, &world.facts(), &mut diagnostics).is_none());
    assert!(lines(&diagnostics).contains("E0123"));
    map.0.insert(
        "products/hedgedoc/nua-hedgedoc:1.9.7-15.tar".into(),
        String::new(),
    );
    let with_archive = sealed(&map, &world);
    let image = ResourceId::image("nua-hedgedoc:1.9.7-15");
    let Spec::Image(spec) = &with_archive.stack.resources[&image].spec else {
        panic!()
    };
    assert_eq!(
        spec.archive.as_deref(),
        Some("products/hedgedoc/nua-hedgedoc:1.9.7-15.tar")
    );
}
