use super::Folder;
use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

const PRODUCTS: &str = "# Installed products and their source will appear here.\n\ncoasti_version: 0.2.3  # by init\n\n\
    products:   # all\n- vcs_repo:   https://example.org/wiki.git\n  vcs_auth_type: skip\n  vcs_auth_value: __skip__\n  \
    id: wiki # it\n  dst_path: ROOT/products/wiki # real\n  vcs_ref: main\n\n# the second\n- dst_path: '/home/me/products/shop'\n  \
    vcs_auth_type: Auth Token\n  vcs_auth_value: __file__\n  id: shop\n";

const DEPLOY: &str = "# what runs\nsite: # all\n- image:   wiki   # first\n  domain: wiki.example.org\n  env: {A: 'x',   B: y} # kept\n\n\
    # end\n";

const INFO: &str = "# of upstream\nid: wiki\nname:  'Wiki'\nversion: 1.2.0 # the product's\napp:\n  image: acme/wiki:1 # fixed\n";

fn folder(name: &str) -> Folder {
    let folder = Folder::new(
        name,
        &[
            ("config/tools.yml", "coasti_version: 0.2.3\n\ntools:\n"),
            ("config/deploy.yml", DEPLOY),
            (
                "config/deploy.prod.yml",
                "site: # more\n- {label: wiki-wiki.example.org, env: {A: z}}\n",
            ),
            ("products/wiki/info.yml", INFO),
            ("products/shop/coasti.yml", "app: {image: 'acme/shop:1'}\n"),
        ],
    );
    let products = PRODUCTS.replace("ROOT", folder.0.to_str().unwrap());
    folder.write("config/products.yml", &products);
    folder
}

/// The lines of `old` that are not in `new`, and those of `new` that are not in `old`, in order.
fn differing(old: &str, new: &str) -> (Vec<String>, Vec<String>) {
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    for change in similar::TextDiff::from_lines(old, new).iter_all_changes() {
        match change.tag() {
            similar::ChangeTag::Delete => gone.push(change.to_string()),
            similar::ChangeTag::Insert => come.push(change.to_string()),
            similar::ChangeTag::Equal => {}
        }
    }
    (gone, come)
}

const NAMES: [&str; 3] = [
    "config/products.yml",
    "config/tools.yml",
    "config/deploy.yml",
];

#[test]
fn todays_files_are_shown_then_written_then_left() {
    let folder = folder("migrate");
    let before = NAMES.map(|name| folder.read(name));
    let (_, graph, _) = folder.call(&["graph"]);
    assert!(graph.contains("acme/wiki:1"), "{graph}");

    let (code, shown, err) = folder.call(&["migrate", "--check"]);
    assert_eq!((code, err.as_str()), (2, ""));
    assert_eq!(NAMES.map(|name| folder.read(name)), before);

    let (code, out, err) = folder.call(&["migrate"]);
    assert_eq!((code, err.as_str()), (0, "wrote 3 files; commit them\n"));
    assert_eq!(out, shown);
    let mut told = Vec::new();
    for (name, old) in NAMES.iter().zip(&before) {
        let (gone, come) = differing(old, &folder.read(name));
        told.push(format!("{name}\n-{}\n+{}", gone.join("-"), come.join("+")));
    }
    let told = told
        .join("\n")
        .replace(folder.0.to_str().unwrap(), "ROOT")
        .replace(folder.0.file_name().unwrap().to_str().unwrap(), "FOLDER");
    insta::assert_snapshot!(told, @r##"
    config/products.yml
    -coasti_version: 0.2.3  # by init
    -  vcs_auth_type: skip
    -  vcs_auth_value: __skip__
    -  dst_path: ROOT/products/wiki # real
    -- dst_path: '/home/me/products/shop'
    -  vcs_auth_type: Auth Token
    -  vcs_auth_value: __file__

    +version: 1  # by init
    +  dst_path: products/wiki # real
    +- dst_path: products/shop
    +  auth: token

    config/tools.yml
    -coasti_version: 0.2.3
    -tools:

    +version: 1
    +tools: []

    config/deploy.yml
    -
    +version: 1
    +stack: FOLDER
    "##);

    assert_eq!(
        folder.call(&["migrate", "--check"]),
        (0, String::new(), String::new())
    );
    let (code, out, err) = folder.call(&["migrate"]);
    assert_eq!(
        (code, out.as_str(), err.as_str()),
        (0, "", "all files are of today's version\n")
    );
    // They mean what they meant; the stack's name is the folder's, as it was.
    assert_eq!(folder.call(&["graph"]).1, graph);
}

#[test]
fn named_files_are_written_too() {
    let folder = folder("migrate-named");
    let named = [
        "migrate",
        "products/wiki/info.yml",
        "products/shop/coasti.yml",
        "config/deploy.prod.yml",
    ];
    let (code, out, err) = folder.call(&named);
    assert_eq!((code, err.as_str()), (0, "wrote 3 files; commit them\n"));
    insta::assert_snapshot!(out, @r##"
    --- products/wiki/info.yml
    +++ products/wiki/info.yml
    @@ -1,6 +1,7 @@
     # of upstream
     id: wiki
     name:  'Wiki'
    -version: 1.2.0 # the product's
    +version: 1
    +product-version: 1.2.0 # the product's
     app:
       image: acme/wiki:1 # fixed
    --- products/shop/coasti.yml
    +++ products/shop/coasti.yml
    @@ -1 +1,2 @@
    +version: 1
     app: {image: 'acme/shop:1'}
    --- config/deploy.prod.yml
    +++ config/deploy.prod.yml
    @@ -1,2 +1,3 @@
    +version: 1
     site: # more
     - {label: wiki-wiki.example.org, env: {A: z}}
    "##);
    assert_eq!(folder.call(&named).2, "all files are of today's version\n");
    let (code, _, err) = folder.call(&["migrate", "config/absent.yml"]);
    assert_eq!(
        (code, err.as_str()),
        (1, "error: config/absent.yml is not there\n")
    );
    folder.write("config/products.yml", "products: [\n");
    let deploy = folder.read("config/deploy.yml");
    let (code, out, err) = folder.call(&["migrate"]);
    assert_eq!((code, out.as_str()), (3, ""));
    assert!(
        err.contains("E0102") && err.contains("config/products.yml:1:11"),
        "{err}"
    );
    assert_eq!(folder.read("config/deploy.yml"), deploy, "all or nothing");
}

#[test]
fn what_a_file_is_besides_its_text_stays() {
    let folder = folder("migrate-kept");
    // As another editor saves it, behind a link, for few to read.
    let windows = format!("\u{feff}{}", DEPLOY.replace('\n', "\r\n").trim_end());
    folder.write("kept/deploy.yml", &windows);
    fs::remove_file(folder.0.join("config/deploy.yml")).unwrap();
    symlink("../kept/deploy.yml", folder.0.join("config/deploy.yml")).unwrap();
    let kept = folder.0.join("kept/deploy.yml");
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(folder.call(&["migrate", "config/deploy.yml"]).0, 0);
    let at = folder.0.join("config/deploy.yml");
    assert!(at.symlink_metadata().unwrap().is_symlink());
    assert_eq!(kept.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    let name = folder.0.file_name().unwrap().to_str().unwrap();
    let with = format!("# what runs\r\nversion: 1\r\nstack: {name}\r\n");
    assert_eq!(
        folder.read("kept/deploy.yml"),
        windows.replace("# what runs\r\n", &with)
    );

    // Where nothing can be written, nothing is left beside it.
    let config = folder.0.join("config");
    fs::set_permissions(&config, fs::Permissions::from_mode(0o555)).unwrap();
    let left = || {
        let mut all: Vec<_> = fs::read_dir(&config)
            .unwrap()
            .map(|one| one.unwrap().file_name())
            .collect();
        all.sort();
        all
    };
    let before = left();
    let (code, _, err) = folder.call(&["migrate"]);
    fs::set_permissions(&config, fs::Permissions::from_mode(0o755)).unwrap();
    // Whoever may do everything may write here as well.
    if code != 0 {
        assert_eq!(code, 1);
        assert!(
            err.contains("config/products.yml cannot be written"),
            "{err}"
        );
    }
    assert_eq!(left(), before);
}

fn deploys(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            deploys(&path, found);
        } else if name.contains("deploy")
            && [".toml", ".json", ".yml"]
                .iter()
                .any(|end| name.ends_with(end))
        {
            found.push(path);
        }
    }
}

#[test]
fn other_peoples_files_keep_every_line() {
    let named = std::env::var_os("COASTI_TEST_INPUTS").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/inputs");
    let root = named.unwrap_or(beside).join("nua");
    if !root.is_dir() {
        println!("skipped: no real inputs; COASTI_TEST_INPUTS names their folder");
        return;
    }
    let mut found = Vec::new();
    deploys(&root, &mut found);
    assert!(found.len() > 10);
    for path in found {
        let folder = Folder::new(
            "migrate-real",
            &[("config/products.yml", "version: 1\nproducts: []\n")],
        );
        let end = path.extension().unwrap().to_str().unwrap();
        let name = format!("config/deploy.{end}");
        let old = fs::read_to_string(&path).unwrap();
        folder.write(&name, &old);
        let (code, _, err) = folder.call(&["migrate"]);
        assert_eq!(code, 0, "{}: {err}", path.display());
        let (gone, come) = differing(&old, &folder.read(&name));
        assert!(gone.is_empty(), "{}: {gone:?}", path.display());
        assert!(
            (2..=3).contains(&come.len()),
            "{}: {come:?}",
            path.display()
        );
        assert_eq!(
            folder.call(&["migrate", "--check"]).0,
            0,
            "{}",
            path.display()
        );
    }
}
