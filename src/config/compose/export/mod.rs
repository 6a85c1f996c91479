//! A stack as one compose file, for whom wants to run it without coasti.

mod networks;
mod settings;

use self::networks::network_of;
use self::settings::{limits, settings};
use super::block::block;
use crate::base::{Kind, ResourceId, ValueId};
use crate::config::secrecy;
use crate::model::{
    ContainerSpec, MountOptions, MountSource, Need, Part, Propagation, Resource, Selinux, Spec,
    Stack, Text,
};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A stack as a compose file.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The file.
    pub text: String,
    /// Its variables, each with the value that it stands for: what is secret is not in the file.
    pub variables: BTreeMap<String, ValueId>,
    /// What Compose has no word for, in words for the user.
    pub left_out: Vec<String>,
    /// Images that coasti builds: the file has their names alone.
    pub built: BTreeSet<String>,
    /// Files that stand beside it, by name.
    pub files: BTreeMap<String, Beside>,
}

/// A file beside a compose file: Compose copies what stands in it into no container whose root is read-only.
#[derive(Clone, Debug)]
pub struct Beside {
    /// What is in it.
    pub content: Text,
    /// Permission bits.
    pub mode: u32,
    /// What it is, in words for the user.
    pub what: String,
}

/// Writes a stack as a compose file. `checked` tells whether an image brings a health check.
pub fn export(stack: &Stack, checked: &dyn Fn(&str) -> bool) -> Exported {
    let mut export = Export {
        stack,
        checked,
        names: BTreeMap::new(),
        taken: BTreeSet::new(),
        configs: Map::new(),
        left_out: Vec::new(),
        built: BTreeSet::new(),
        files: BTreeMap::new(),
    };
    let mut services = Map::new();
    for (id, resource, spec) in stack.containers() {
        services.insert(key(id), export.service(id, resource, spec));
    }
    let (mut volumes, mut networks) = (Map::new(), Map::new());
    for (id, resource) in &stack.resources {
        match &resource.spec {
            Spec::Volume(volume) => {
                let mut fields = Map::new();
                fields.insert("name".into(), json!(escape(&resource.name)));
                if volume.external {
                    fields.insert("external".into(), json!(true));
                } else {
                    put(&mut fields, "driver", volume.driver.as_ref());
                    let own = key(id);
                    let options = volume.options.iter().map(|(name, text)| {
                        let text = export.text(text, &format!("{own}_{name}"));
                        (name.clone(), text)
                    });
                    let options: Map<_, _> = options.collect();
                    if !options.is_empty() {
                        fields.insert("driver_opts".into(), Value::Object(options));
                    }
                    put_map(&mut fields, "labels", &volume.labels);
                }
                volumes.insert(key(id), Value::Object(fields));
            }
            Spec::Network(network) => {
                networks.insert(key(id), network_of(stack, &resource.name, network));
            }
            _ => {}
        }
    }
    let sections = [
        ("services", services),
        ("networks", networks),
        ("volumes", volumes),
        ("configs", std::mem::take(&mut export.configs)),
    ];
    let mut text = String::from("# Written by `coasti export compose`.\n");
    let name = json!(stack.name.as_str());
    text.push_str(&format!("name: {name}\n"));
    for (section, fields) in sections {
        if !fields.is_empty() {
            text.push_str(&format!("{section}:\n"));
            block(&Value::Object(fields), 2, &mut text);
        }
    }
    let names = export.names.into_iter();
    Exported {
        text,
        variables: names.map(|(id, name)| (name, id)).collect(),
        left_out: export.left_out,
        built: export.built,
        files: export.files,
    }
}

/// What a resource is called in the file.
fn key(id: &ResourceId) -> String {
    id.address.replace('/', "-")
}

/// Plain text, in which Compose shall see no variable.
fn escape(text: &str) -> String {
    text.replace('$', "$$")
}

struct Export<'a> {
    stack: &'a Stack,
    checked: &'a dyn Fn(&str) -> bool,
    names: BTreeMap<ValueId, String>,
    taken: BTreeSet<String>,
    configs: Map<String, Value>,
    left_out: Vec<String>,
    built: BTreeSet<String>,
    files: BTreeMap<String, Beside>,
}

fn put(fields: &mut Map<String, Value>, key: &str, text: Option<&String>) {
    if let Some(text) = text {
        fields.insert(key.to_owned(), json!(escape(text)));
    }
}

fn put_list<'t>(fields: &mut Map<String, Value>, key: &str, all: impl Iterator<Item = &'t String>) {
    let all: Vec<_> = all.map(|text| escape(text)).collect();
    if !all.is_empty() {
        fields.insert(key.to_owned(), json!(all));
    }
}

fn put_map(fields: &mut Map<String, Value>, key: &str, all: &BTreeMap<String, String>) {
    if !all.is_empty() {
        let all = all
            .iter()
            .map(|(name, text)| (name.clone(), json!(escape(text))));
        fields.insert(key.to_owned(), Value::Object(all.collect()));
    }
}

fn put_int(fields: &mut Map<String, Value>, key: &str, number: Option<i64>) {
    if let Some(number) = number {
        fields.insert(key.to_owned(), json!(number));
    }
}

fn put_flag(fields: &mut Map<String, Value>, key: &str, flag: bool) {
    if flag {
        fields.insert(key.to_owned(), json!(true));
    }
}

impl Export<'_> {
    /// The variable that stands for a value: named after what it is, or where it is used first.
    fn variable(&mut self, id: &ValueId, used: &str) -> String {
        if let Some(name) = self.names.get(id) {
            return name.clone();
        }
        let of = id.as_str();
        let of = match of.split_once(':') {
            Some(("secret", name)) => name,
            Some(_) => used,
            None => of,
        };
        let safe = |c: char| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        };
        let mut base: String = of.chars().map(safe).collect();
        if base.starts_with(|c: char| c.is_ascii_digit()) {
            base.insert(0, '_');
        }
        // Whoever reads the file shall know by the name that the value is not to be shown.
        if !secrecy::is_secret_name(&base) {
            base.push_str("_SECRET");
        }
        let mut name = base.clone();
        let mut number = 2;
        while !self.taken.insert(name.clone()) {
            name = format!("{base}_{number}");
            number += 1;
        }
        self.names.insert(id.clone(), name.clone());
        name
    }

    fn text(&mut self, text: &Text, used: &str) -> Value {
        let mut out = String::new();
        for part in text.parts() {
            match part {
                Part::Plain(text) => out.push_str(&escape(text)),
                Part::Value(value) => {
                    let name = self.variable(&value.id, used);
                    out.push_str(&format!("${{{name}:?}}"));
                }
            }
        }
        json!(out)
    }

    fn texts(&mut self, texts: &[Text], used: &str) -> Value {
        texts.iter().map(|text| self.text(text, used)).collect()
    }

    fn service(&mut self, id: &ResourceId, resource: &Resource, spec: &ContainerSpec) -> Value {
        let own = key(id);
        let mut to = Map::new();
        let fields = &mut to;
        put(fields, "image", Some(&spec.image));
        if self.is_built(resource) {
            put(fields, "pull_policy", Some(&"never".to_owned()));
            self.built.insert(spec.image.clone());
        }
        put(fields, "container_name", Some(&resource.name));
        for (key, words) in [("entrypoint", &spec.entrypoint), ("command", &spec.command)] {
            if let Some(words) = words {
                let words = self.texts(words, &format!("{own}_{key}"));
                fields.insert(key.to_owned(), words);
            }
        }
        if !spec.env.is_empty() {
            let mut env = Map::new();
            for (name, text) in &spec.env {
                env.insert(name.clone(), self.text(text, &format!("{own}_{name}")));
            }
            fields.insert("environment".into(), Value::Object(env));
        }
        settings(fields, spec, self.stack);
        limits(fields, spec);
        self.network(fields, spec);
        self.mounts(fields, &own, spec);
        if let Some(health) = &spec.health {
            let mut check = Map::new();
            if !health.test.is_empty() {
                check.insert(
                    "test".into(),
                    self.texts(&health.test, &format!("{own}_health")),
                );
            }
            for (key, span) in [
                ("interval", health.interval),
                ("timeout", health.timeout),
                ("start_period", health.start_period),
                ("start_interval", health.start_interval),
            ] {
                put(&mut check, key, span.map(|span| span.to_string()).as_ref());
            }
            put_int(&mut check, "retries", health.retries.map(i64::from));
            fields.insert("healthcheck".into(), Value::Object(check));
        }
        let needs = resource
            .needs
            .iter()
            .filter(|(need, _)| need.kind == Kind::Container);
        let about = resource.about.as_ref();
        let needs: Map<String, Value> = needs
            .filter_map(|(need, how)| {
                let other = self.stack.container(need)?;
                let checked = match &other.health {
                    Some(health) if !health.test.is_empty() => health.words() != ["NONE"],
                    _ => (self.checked)(&other.image),
                };
                let condition = match how {
                    Need::Completed => "service_completed_successfully",
                    // Compose waits for no health where there is no check.
                    Need::Healthy if checked => "service_healthy",
                    Need::Healthy | Need::Started | Need::Exists => "service_started",
                };
                let mut how = Map::new();
                how.insert("condition".into(), json!(condition));
                // A job of Compose's runs at each `up` anyway.
                let with =
                    about.is_some_and(|about| !about.job && about.renews_with.contains(need));
                put_flag(&mut how, "restart", with);
                if about.is_some_and(|about| about.optional.contains(need)) {
                    how.insert("required".into(), json!(false));
                }
                Some((key(need), Value::Object(how)))
            })
            .collect();
        if !needs.is_empty() {
            fields.insert("depends_on".into(), Value::Object(needs));
        }
        put(
            &mut to,
            "platform",
            about.and_then(|about| about.platform.as_ref()),
        );
        if !spec.post_run.is_empty() {
            let what = format!("commands that run in `{own}` once it works (`post-run`)");
            self.left_out.push(what);
        }
        Value::Object(to)
    }

    fn is_built(&self, container: &Resource) -> bool {
        let mut images = container
            .needs
            .keys()
            .filter_map(|need| self.stack.resources.get(need));
        images.any(|image| matches!(&image.spec, Spec::Image(image) if image.build.is_some()))
    }

    fn mounts(&mut self, fields: &mut Map<String, Value>, own: &str, spec: &ContainerSpec) {
        let mut all = Vec::new();
        for (target, mount) in &spec.mounts {
            let mut to = Map::new();
            match &mount.source {
                MountSource::Volume(name) => {
                    let volume = self.stack.by_name(Kind::Volume, name.as_str());
                    let volume = volume.map_or_else(|| name.to_string(), |(id, _)| key(id));
                    to.insert("type".into(), json!("volume"));
                    to.insert("source".into(), json!(volume));
                    if mount.options.no_copy {
                        to.insert("volume".into(), json!({ "nocopy": true }));
                    }
                }
                MountSource::Directory(path) => {
                    to.insert("type".into(), json!("bind"));
                    to.insert("source".into(), json!(escape(path)));
                    let mut how = Map::new();
                    let create = spec.create.contains(path);
                    how.insert("create_host_path".into(), json!(create));
                    let MountOptions {
                        selinux,
                        propagation,
                        no_copy: _,
                    } = mount.options;
                    let words = [
                        ("propagation", propagation.map(Propagation::word)),
                        ("selinux", selinux.map(Selinux::word)),
                    ];
                    for (key, word) in words {
                        put(&mut how, key, word.map(str::to_owned).as_ref());
                    }
                    to.insert("bind".into(), Value::Object(how));
                }
                MountSource::Tmpfs { size, mode } => {
                    to.insert("type".into(), json!("tmpfs"));
                    let mut options = Map::new();
                    put_int(&mut options, "size", *size);
                    put_int(&mut options, "mode", mode.map(i64::from));
                    if !options.is_empty() {
                        to.insert("tmpfs".into(), Value::Object(options));
                    }
                }
            }
            to.insert("target".into(), json!(escape(target)));
            put_flag(&mut to, "read_only", mount.read_only);
            all.push(Value::Object(to));
        }
        if !all.is_empty() {
            fields.insert("volumes".into(), json!(all));
        }
        let mut files = Vec::new();
        for (number, (target, file)) in spec.files.iter().enumerate() {
            let source = format!("{own}-file-{number}");
            if spec.read_only {
                let name = format!("{}-{source}", self.stack.name);
                let path = json!({ "file": format!("./{name}") });
                self.configs.insert(source.clone(), path);
                if (file.uid, file.gid) != (0, 0) {
                    let owner = format!("{}:{}", file.uid, file.gid);
                    let what = format!("the owner {owner} of `{target}` in `{own}` (chown {name})");
                    self.left_out.push(what);
                }
                let beside = Beside {
                    content: file.content.clone(),
                    mode: file.mode,
                    what: format!("`{target}` of `{own}`"),
                };
                self.files.insert(name, beside);
            } else {
                let content = self.text(&file.content, &format!("{own}_file_{target}"));
                let content = json!({ "content": content });
                self.configs.insert(source.clone(), content);
            }
            files.push(json!({
                "source": source,
                "target": escape(target),
                "uid": file.uid.to_string(),
                "gid": file.gid.to_string(),
                "mode": file.mode,
            }));
        }
        if !files.is_empty() {
            fields.insert("configs".into(), json!(files));
        }
    }
}
