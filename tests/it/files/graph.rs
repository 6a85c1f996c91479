use super::Folder;

#[test]
fn a_graph_is_the_same_each_time_and_needs_no_engine() {
    let folder = Folder::wiki("graph");
    let (code, out, err) = folder.call(&["graph"]);
    assert_eq!((code, err.as_str()), (0, ""));
    insta::assert_snapshot!(out, @r##"
    wiki · wiki.localhost
    ├─ wiki/database · healthy
    │  ├─ volume wiki/database/postgres-data
    │  ├─ network wiki
    │  └─ image docker.io/library/postgres:17.6
    ├─ network wiki
    └─ image docker.io/acme/wiki:1
    "##);
    for format in ["text", "dot", "mermaid", "json"] {
        let first = folder.call(&["graph", "--format", format]);
        assert_eq!((first.0, first.2.as_str()), (0, ""), "{format}");
        assert_eq!(first, folder.call(&["graph", "--format", format]));
    }
    let (_, out, _) = folder.call(&["graph", "--format", "json"]);
    let graph: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(graph["resources"][0]["address"], "wiki");
    folder.write("config/deploy.yml", "stack: [\n");
    let (code, out, _) = folder.call(&["graph", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &told["outcome"]["kind"]), (3, &"files".into()));
}
