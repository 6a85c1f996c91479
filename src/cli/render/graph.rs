//! A stack's resources and what each needs of others, as a tree, for Graphviz and for Mermaid.

use super::style::{Style, Tone, clean};
use crate::base::{Kind, ResourceId};
use crate::model::{Need, Resource, Stack};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Containers first: what they need comes below them.
const KINDS: [Kind; 5] = [
    Kind::Container,
    Kind::File,
    Kind::Volume,
    Kind::Network,
    Kind::Image,
];

/// Resources in the order in which they are shown.
fn sorted<'a>(ids: impl Iterator<Item = &'a ResourceId>) -> Vec<&'a ResourceId> {
    let mut all: Vec<_> = ids.collect();
    let rank = |id: &ResourceId| KINDS.iter().position(|kind| *kind == id.kind);
    all.sort_by_key(|id| (rank(id), &id.address));
    all
}

/// What it is called: containers by their address alone.
fn called(id: &ResourceId) -> String {
    match id.kind {
        Kind::Container => id.address.clone(),
        kind => format!("{kind} {}", id.address),
    }
}

/// The word of a need, where it is more than to be there.
const fn word(need: Need) -> Option<&'static str> {
    match need {
        Need::Exists => None,
        Need::Started => Some("started"),
        Need::Healthy => Some("healthy"),
        Need::Completed => Some("completed"),
    }
}

/// One document for programs.
pub fn json(stack: &Stack) -> Value {
    let ids = || sorted(stack.resources.keys());
    let id = |id: &ResourceId| json!({ "kind": id.kind.word(), "address": id.address });
    let resources = ids().into_iter().filter_map(|own| {
        let resource = stack.resources.get(own)?;
        let about = resource.about.as_ref();
        Some(json!({
            "kind": own.kind.word(),
            "address": own.address,
            "name": resource.name,
            "product": about.map(|about| &about.product),
            "domain": about.and_then(|about| about.domain.as_ref()),
            "holds_data": resource.life.holds_data,
            "at": resource.origin(""),
        }))
    });
    let needs = ids().into_iter().flat_map(|own| {
        let needs = stack.resources.get(own).map(|resource| &resource.needs);
        let needs = needs.into_iter().flatten();
        needs.map(move |(other, need)| json!({ "from": id(own), "to": id(other), "need": need }))
    });
    json!({
        "format_version": "1.0",
        "stack": stack.name,
        "resources": resources.collect::<Vec<_>>(),
        "needs": needs.collect::<Vec<_>>(),
    })
}

/// A tree for people: what nobody needs, and below it what it needs.
pub fn text(stack: &Stack, style: &Style) -> String {
    let needed: BTreeSet<&ResourceId> = stack
        .resources
        .values()
        .flat_map(|resource| resource.needs.keys())
        .collect();
    let tops = stack.resources.keys().filter(|id| !needed.contains(id));
    let mut tree = Tree {
        stack,
        style,
        shown: BTreeSet::new(),
        text: String::new(),
    };
    for top in sorted(tops) {
        tree.node(top, None, "");
        tree.below(top, "", 0);
    }
    if tree.text.is_empty() {
        tree.text.push_str("nothing runs\n");
    }
    tree.text
}

/// Deeper is no tree that anybody reads.
const MAX_DEPTH: usize = 50;

struct Tree<'a> {
    stack: &'a Stack,
    style: &'a Style,
    shown: BTreeSet<&'a ResourceId>,
    text: String,
}

impl<'a> Tree<'a> {
    /// A line, after what leads to it.
    fn node(&mut self, id: &'a ResourceId, need: Option<Need>, lead: &str) {
        let resource = self.stack.resources.get(id);
        let name = clean(&called(id));
        let name = match id.kind {
            Kind::Container => self.style.paint(Tone::Strong, &name),
            _ => name,
        };
        let mut parts = vec![name];
        parts.extend(need.and_then(word).map(str::to_owned));
        let domain = resource.and_then(|resource| resource.about.as_ref()?.domain.clone());
        // Below another container of the same site it says nothing new.
        parts.extend(
            domain
                .filter(|_| need.is_none())
                .map(|domain| clean(&domain)),
        );
        if resource.is_some_and(is_external) {
            parts.push("somebody else's".to_owned());
        }
        let many = resource.is_some_and(|resource| !resource.needs.is_empty());
        if many && self.shown.contains(id) {
            parts.push(self.style.paint(Tone::Dim, "above"));
        }
        let parts = parts.join(&format!(" {} ", self.style.dot()));
        self.text.push_str(&format!("{lead}{parts}\n"));
    }

    /// What a resource needs, where that was not shown already.
    fn below(&mut self, id: &'a ResourceId, lead: &str, depth: usize) {
        if !self.shown.insert(id) {
            return;
        }
        if depth == MAX_DEPTH {
            self.text
                .push_str(&format!("{lead}{}\n", self.style.ellipsis()));
            return;
        }
        let Some(resource) = self.stack.resources.get(id) else {
            return;
        };
        let needs = sorted(resource.needs.keys());
        let (fork, end, bar) = match self.style.unicode {
            true => ("├─ ", "└─ ", "│  "),
            false => ("|- ", "`- ", "|  "),
        };
        for (n, other) in needs.iter().enumerate() {
            let last = n + 1 == needs.len();
            let need = resource.needs.get(*other).copied();
            let own = format!("{lead}{}", if last { end } else { fork });
            self.node(other, need, &own);
            let next = format!("{lead}{}", if last { "   " } else { bar });
            self.below(other, &next, depth + 1);
        }
    }
}

fn is_external(resource: &Resource) -> bool {
    use crate::model::Spec;
    match &resource.spec {
        Spec::Network(network) => network.external,
        Spec::Volume(volume) => volume.external,
        _ => false,
    }
}

/// For Graphviz: `coasti graph --format dot | dot -Tsvg`.
pub fn dot(stack: &Stack) -> String {
    let quoted = |text: &str| {
        format!(
            "\"{}\"",
            clean(text).replace('\\', "\\\\").replace('"', "\\\"")
        )
    };
    let mut text = format!("digraph {} {{\n", quoted(stack.name.as_str()));
    text.push_str("  rankdir=LR;\n  node [fontname=\"sans-serif\", shape=box];\n  edge [fontname=\"sans-serif\", fontsize=10];\n");
    for id in sorted(stack.resources.keys()) {
        let shape = match id.kind {
            Kind::Container => "box, style=bold",
            Kind::File => "note",
            Kind::Volume => "cylinder",
            Kind::Network => "hexagon",
            Kind::Image => "component",
        };
        let name = quoted(&id.to_string());
        let label = quoted(&id.address);
        let _ = writeln!(text, "  {name} [label={label}, shape={shape}];");
    }
    for (from, to, need) in edges(stack) {
        let (from, to) = (quoted(&from.to_string()), quoted(&to.to_string()));
        let label = word(need).map_or_else(String::new, |word| format!(" [label={word}]"));
        let _ = writeln!(text, "  {from} -> {to}{label};");
    }
    text + "}\n"
}

/// For Mermaid, as Markdown files on git servers show it.
pub fn mermaid(stack: &Stack) -> String {
    let ids = sorted(stack.resources.keys());
    let numbers: BTreeMap<&ResourceId, usize> =
        ids.iter().enumerate().map(|(n, id)| (*id, n)).collect();
    let mut text = "flowchart LR\n".to_owned();
    for (n, id) in ids.iter().enumerate() {
        let (open, close) = match id.kind {
            Kind::Container => ("[", "]"),
            Kind::File => ("[[", "]]"),
            Kind::Volume => ("[(", ")]"),
            Kind::Network => ("{{", "}}"),
            Kind::Image => ("([", "])"),
        };
        let mut label = String::new();
        for c in clean(&id.address).chars() {
            match c {
                // What Mermaid would take for its own.
                '"' | '<' | '>' | '&' | '#' | ';' => {
                    let _ = write!(label, "#{};", u32::from(c));
                }
                c => label.push(c),
            }
        }
        let _ = writeln!(text, "  n{n}{open}\"{label}\"{close}");
    }
    for (from, to, need) in edges(stack) {
        if let (Some(from), Some(to)) = (numbers.get(from), numbers.get(to)) {
            let arrow = match word(need) {
                Some(word) => format!("-->|{word}|"),
                None => "-->".to_owned(),
            };
            let _ = writeln!(text, "  n{from} {arrow} n{to}");
        }
    }
    text
}

/// Who needs whom, and how.
fn edges(stack: &Stack) -> impl Iterator<Item = (&ResourceId, &ResourceId, Need)> {
    sorted(stack.resources.keys()).into_iter().flat_map(|from| {
        let needs = stack.resources.get(from).map(|resource| &resource.needs);
        let needs: &BTreeMap<ResourceId, Need> = match needs {
            Some(needs) => needs,
            None => const { &BTreeMap::new() },
        };
        let all = sorted(needs.keys()).into_iter();
        all.filter_map(move |to| Some((from, to, *needs.get(to)?)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::StackName;
    use crate::model::{ImageSpec, NetworkSpec, Spec, VolumeSpec};

    fn add(stack: &mut Stack, id: ResourceId, spec: Spec, needs: &[(ResourceId, Need)]) {
        let resource = Resource {
            name: format!("acme-{}", id.address),
            spec,
            needs: needs.iter().cloned().collect(),
            life: Default::default(),
            about: None,
            origins: BTreeMap::new(),
        };
        stack.resources.insert(id, resource);
    }

    fn stack() -> Stack {
        let mut stack = Stack::empty(StackName::new("acme"), None);
        let image = ResourceId::image("docker.io/library/a\"b:1");
        let volume = ResourceId::volume("wiki/data");
        let network = ResourceId::network("wiki");
        let own = || Spec::Container(Box::default());
        let database = ResourceId::container("wiki/database");
        let exists = |id: &ResourceId| (id.clone(), Need::Exists);
        add(
            &mut stack,
            image.clone(),
            Spec::Image(ImageSpec::default()),
            &[],
        );
        let external = VolumeSpec {
            external: true,
            ..VolumeSpec::default()
        };
        add(&mut stack, volume.clone(), Spec::Volume(external), &[]);
        add(
            &mut stack,
            network.clone(),
            Spec::Network(NetworkSpec::default()),
            &[],
        );
        add(
            &mut stack,
            database.clone(),
            own(),
            &[exists(&image), exists(&volume)],
        );
        let job = ResourceId::container("wiki/job");
        add(
            &mut stack,
            job.clone(),
            own(),
            &[(database.clone(), Need::Started)],
        );
        let needs = [
            (database, Need::Healthy),
            (job, Need::Completed),
            exists(&network),
        ];
        add(&mut stack, ResourceId::container("wiki"), own(), &needs);
        stack
    }

    #[test]
    fn a_tree_has_each_thing_once_in_full() {
        insta::assert_snapshot!(text(&stack(), &Style::default()), @r##"
        wiki
        ├─ wiki/database · healthy
        │  ├─ volume wiki/data · somebody else's
        │  └─ image docker.io/library/a"b:1
        ├─ wiki/job · completed
        │  └─ wiki/database · started · above
        └─ network wiki
        "##);
        let ascii = Style {
            unicode: false,
            ..Style::default()
        };
        assert!(text(&stack(), &ascii).is_ascii());
        let mut deep = Stack::empty(StackName::new("acme"), None);
        let id = |n: usize| ResourceId::container(format!("c{n}"));
        for n in 0..50_000 {
            let own = Spec::Container(Box::default());
            add(&mut deep, id(n), own, &[(id(n + 1), Need::Started)]);
        }
        assert_eq!(text(&deep, &ascii).lines().count(), MAX_DEPTH + 2);
        let empty = Stack::empty(StackName::new("acme"), None);
        assert_eq!(text(&empty, &ascii), "nothing runs\n");
    }

    #[test]
    fn other_programs_can_draw_it() {
        insta::assert_snapshot!(dot(&stack()), @r##"
        digraph "acme" {
          rankdir=LR;
          node [fontname="sans-serif", shape=box];
          edge [fontname="sans-serif", fontsize=10];
          "container:wiki" [label="wiki", shape=box, style=bold];
          "container:wiki/database" [label="wiki/database", shape=box, style=bold];
          "container:wiki/job" [label="wiki/job", shape=box, style=bold];
          "volume:wiki/data" [label="wiki/data", shape=cylinder];
          "network:wiki" [label="wiki", shape=hexagon];
          "image:docker.io/library/a\"b:1" [label="docker.io/library/a\"b:1", shape=component];
          "container:wiki" -> "container:wiki/database" [label=healthy];
          "container:wiki" -> "container:wiki/job" [label=completed];
          "container:wiki" -> "network:wiki";
          "container:wiki/database" -> "volume:wiki/data";
          "container:wiki/database" -> "image:docker.io/library/a\"b:1";
          "container:wiki/job" -> "container:wiki/database" [label=started];
        }
        "##);
        insta::assert_snapshot!(mermaid(&stack()), @r##"
        flowchart LR
          n0["wiki"]
          n1["wiki/database"]
          n2["wiki/job"]
          n3[("wiki/data")]
          n4{{"wiki"}}
          n5(["docker.io/library/a#34;b:1"])
          n0 -->|healthy| n1
          n0 -->|completed| n2
          n0 --> n4
          n1 --> n3
          n1 --> n5
          n2 -->|started| n1
        "##);
        let json = json(&stack());
        assert_eq!(json["resources"].as_array().map(Vec::len), Some(6));
        assert_eq!(json["needs"].as_array().map(Vec::len), Some(6));
    }
}
