use super::Folder;

#[test]
fn a_value_is_told_layer_by_layer() {
    let folder = Folder::wiki("explain");
    let (code, out, err) = folder.call(&["--env", "prod", "explain", "wiki.env.LOG_LEVEL"]);
    assert_eq!((code, err.as_str()), (0, ""));
    insta::assert_snapshot!(out, @r##"
    wiki · container · acme-wiki · config/deploy.yml:4

    env.LOG_LEVEL = warn
      environment prod  config/deploy.prod.yml:4  warn
      deploy file       config/deploy.yml:7       debug
      product           products/wiki/info.yml:5  info
    "##);
    let (code, out, _) = folder.call(&["explain", "wiki/database.env.POSTGRES_PASSWORD"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!(out, @r##"
    wiki/database · container · acme-wiki-database · products/wiki/info.yml:8

    env.POSTGRES_PASSWORD = (generated)
      coasti  made at the first apply and kept: coasti secret get wiki/database/POSTGRES_PASSWORD
      coasti  the service postgres brings it
    "##);
    let (code, out, _) = folder.call(&["--env", "prod", "explain"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!(out, @r##"
    wiki                                   acme-wiki                         config/deploy.yml:4
    wiki/database                          acme-wiki-database                products/wiki/info.yml:8
    volume wiki/database/postgres-data     acme-wiki-database-postgres-data  products/wiki/info.yml:8
    network wiki                           acme-wiki                         config/deploy.yml:4
    image docker.io/acme/wiki:1                                              products/wiki/info.yml:3
    image docker.io/library/postgres:17.6                                    products/wiki/info.yml:8

    ~  site.wiki.env.LOG_LEVEL  debug → warn  config/deploy.prod.yml:4
    "##);
}

#[test]
fn programs_get_one_document() {
    let folder = Folder::wiki("explain-json");
    let (code, out, _) = folder.call(&[
        "explain",
        "volume",
        "wiki/database/postgres-data",
        "--format",
        "json",
    ]);
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &told["explained"][0]["kind"]), (0, &"volume".into()));
    let (code, out, _) = folder.call(&["explain", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (code, &told["resources"][0]["address"]),
        (0, &"wiki".into())
    );
    let (code, out, err) = folder.call(&["explain", "wikki", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &told["outcome"]["kind"]), (1, &"usage".into()));
    assert!(err.contains("did you mean `wiki`?"), "{err}");
}

#[test]
fn wrong_files_are_told_first() {
    let folder = Folder::wiki("explain-wrong");
    folder.write("config/deploy.yml", "stack: [\n");
    let (code, out, err) = folder.call(&["explain", "wiki"]);
    assert_eq!((code, out.as_str()), (3, ""));
    assert!(err.contains("E0102"), "{err}");
}
