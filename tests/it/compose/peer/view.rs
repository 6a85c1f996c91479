//! What Compose's `config` says, in a form in which an original and coasti's export of it can be compared.

use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Every field by its path (`web.environment.LEVEL`).
#[derive(Debug)]
pub(super) struct View(BTreeMap<String, Value>);

/// What is asked of the service itself and comes to other things: more containers, one that is not there, an alias,
/// a need.
const ELSEWHERE: &[&str] = &[
    "build",
    "container_name",
    "configs",
    "deploy",
    "expose",
    "profiles",
    "pull_policy",
    "scale",
    "secrets",
    "tmpfs",
];

/// Before a subnet in the path of a network's.
const SUBNET: &str = ".subnets.";

impl View {
    /// Of the files that coasti read; `folder` is theirs.
    pub(super) fn of_original(config: &Value, folder: &Path) -> Self {
        let mut view = Self(BTreeMap::new());
        let services = table(&config["services"]);
        for (name, service) in &services {
            let mut fields = service.clone();
            let mut aliases = BTreeSet::from([name.clone()]);
            aliases.extend(service["container_name"].as_str().map(str::to_owned));
            if let Some(networks) = fields["networks"].as_object_mut() {
                for joined in networks.values_mut() {
                    let mut all = aliases.clone();
                    all.extend(texts(&joined["aliases"]));
                    let (four, six) = (&joined["ipv4_address"], &joined["ipv6_address"]);
                    *joined = json!({"aliases": all, "ipv4_address": four, "ipv6_address": six});
                }
            }
            let files = files(config, service, Some(folder));
            names(&mut fields["links"], |of| Some(of.to_owned()));
            view.service(&services, name, fields, files);
        }
        view.rest(config, &services, |name| Some(name.to_owned()));
        view
    }

    /// Of what coasti exported of them, under the names that they have.
    pub(super) fn of_export(config: &Value, original: &Self) -> Self {
        let mut view = Self(BTreeMap::new());
        let own = |key: &str| key.strip_prefix("web-").map(str::to_owned);
        let network = |key: &str| match key {
            "web" => Some("default".to_owned()),
            key => own(key),
        };
        let services = table(&config["services"]);
        let named: BTreeMap<String, Value> = services
            .iter()
            .filter_map(|(name, service)| Some((own(name)?, service.clone())))
            .collect();
        for (name, service) in &named {
            let mut fields = service.clone();
            rename(&mut fields["networks"], network);
            rename(&mut fields["depends_on"], own);
            names(&mut fields["links"], own);
            if let Some(other) = fields["network_mode"]
                .as_str()
                .and_then(|mode| mode.strip_prefix("service:"))
            {
                fields["network_mode"] = json!(format!("service:{}", own(other).unwrap()));
            }
            for key in ["pid", "ipc"] {
                let mode = fields[key].as_str().unwrap_or_default();
                if let Some(other) = mode.strip_prefix("service:") {
                    fields[key] = json!(format!("service:{}", own(other).unwrap()));
                }
            }
            for mount in fields["volumes"].as_array_mut().into_iter().flatten() {
                if mount["type"] == "volume" {
                    let name = own(mount["source"].as_str().unwrap()).unwrap();
                    mount["source"] = match name.contains("anon-") {
                        true => Value::Null,
                        false => json!(name),
                    };
                }
            }
            // coasti's own defaults, where nothing was said.
            let unsaid = |key: &str| {
                original
                    .0
                    .keys()
                    .all(|path| path != &format!("{name}.{key}"))
            };
            if unsaid("hostname") {
                fields["hostname"] = Value::Null;
            }
            if unsaid("restart") {
                fields["restart"] = Value::Null;
            }
            if unsaid("stop_grace_period") && fields["stop_grace_period"] == "1m0s" {
                fields["stop_grace_period"] = Value::Null;
            }
            let files = files(config, service, None);
            view.service(&named, name, fields, files);
        }
        view.rest(config, &named, |name| network(name));
        // A subnet that was not said is of coasti's own choice.
        let said = |path: &String| !path.contains(SUBNET) || original.0.contains_key(path);
        view.0.retain(|path, _| said(path));
        // A port that was not said is the next free one.
        for (path, said) in &original.0 {
            let said: Vec<String> = texts(said).collect();
            if let Some(own) = view.0.get_mut(path)
                && said.iter().any(|place| place == "auto")
            {
                let known = |place: String| match said.contains(&place) {
                    true => place,
                    false => "auto".to_owned(),
                };
                let mut places: Vec<_> = texts(own).map(known).collect();
                places.sort();
                *own = json!(places);
            }
        }
        view
    }

    /// Where they differ, in words.
    pub(super) fn differences(&self, own: &Self) -> Vec<String> {
        let keys: BTreeSet<_> = self.0.keys().chain(own.0.keys()).collect();
        let shown = |value: Option<&Value>| match value {
            Some(value) => value.to_string(),
            None => "nothing".to_owned(),
        };
        keys.into_iter()
            .filter(|key| self.0.get(*key) != own.0.get(*key))
            .map(|key| {
                let (theirs, ours) = (shown(self.0.get(key)), shown(own.0.get(key)));
                format!("{key}: {theirs} for Compose, {ours} here")
            })
            .collect()
    }

    fn service(
        &mut self,
        services: &BTreeMap<String, Value>,
        name: &str,
        mut fields: Value,
        files: Value,
    ) {
        fields["image"] = image(&fields, services);
        let replicas = replicas(&fields);
        let deploy = fields["deploy"].take();
        limits(&mut fields, &deploy);
        fields["devices_given"] = given(&fields["gpus"].take(), &deploy);
        restart(&mut fields, &deploy);
        fields["ports"] = ports(&fields);
        fields["volumes"] = mounts(&fields, services);
        fields["volumes_from"] = Value::Null;
        fields["files"] = files;
        fields["depends_on"] = needs(&fields["depends_on"], services);
        // Who has another's network goes with it, whatever else is said.
        let whose = fields["network_mode"].as_str().unwrap_or_default();
        if let Some(other) = whose.strip_prefix("service:").map(str::to_owned)
            && let Some(need) = fields["depends_on"].get_mut(&other)
        {
            need["restart"] = json!(true);
        }
        let check = &fields["healthcheck"];
        if check["disable"] == true || check["test"][0] == "NONE" {
            fields["healthcheck"] = json!({"test": ["NONE"]});
        }
        for limit in fields["ulimits"]
            .as_object_mut()
            .into_iter()
            .flat_map(Map::values_mut)
        {
            if limit.is_number() {
                *limit = json!({"soft": limit, "hard": limit});
            }
        }
        for key in ["cap_add", "cap_drop", "extra_hosts"] {
            sort(&mut fields[key]);
        }
        // What is so anyway, or means nothing there.
        if fields["network_mode"] == "host" {
            fields["ports"] = Value::Null;
        }
        if fields["pid"] == "private" {
            fields["pid"] = Value::Null;
        }
        if fields["mem_swappiness"] == "-1" {
            fields["mem_swappiness"] = Value::Null;
        }
        for key in ["isolation", "cpu_count", "cpu_percent"] {
            fields[key] = Value::Null;
        }
        if fields["network_mode"] == "bridge" {
            fields["networks"] = json!({"default": {"aliases": [name]}});
            fields["network_mode"] = Value::Null;
        }
        for key in ELSEWHERE {
            fields.as_object_mut().unwrap().remove(*key);
        }
        for number in 1..=replicas {
            let name = match number {
                1 => name.to_owned(),
                more => format!("{name}-{more}"),
            };
            self.put(&name, &fields);
        }
    }

    /// Networks and volumes that services use.
    fn rest(
        &mut self,
        config: &Value,
        services: &BTreeMap<String, Value>,
        own: impl Fn(&str) -> Option<String>,
    ) {
        for (kind, key) in [("network", "networks"), ("volume", "volumes")] {
            for (name, fields) in table(&config[key]) {
                let running = services.values().filter(|service| replicas(service) > 0);
                let used = running.clone().any(|service| match kind {
                    "network" => {
                        joins(service).contains(&own(&name).unwrap_or_default())
                            || joins(service).contains(&name)
                    }
                    _ => service["volumes"]
                        .as_array()
                        .is_some_and(|all| all.iter().any(|mount| mount["source"] == name)),
                });
                let Some(shown) = own(&name) else { continue };
                let shown = match kind {
                    "volume" => shown.trim_start_matches("web-").to_owned(),
                    _ => shown,
                };
                if !used || shown.contains("anon-") {
                    continue;
                }
                let mut fields = fields.clone();
                if fields["external"] != true {
                    fields["name"] = Value::Null;
                }
                for plain in ["bridge", "default", "local"] {
                    if fields["driver"] == plain {
                        fields["driver"] = Value::Null;
                    }
                }
                let ipam = fields["ipam"].take();
                let fixed = running.clone().any(|service| {
                    let joined = service["networks"].as_object();
                    joined.is_some_and(|all| {
                        all.iter().any(|(network, how)| {
                            (network == &name || Some(network) == own(&name).as_ref())
                                && !(how["ipv4_address"].is_null() && how["ipv6_address"].is_null())
                        })
                    })
                });
                let own = !fields["driver"].is_null() || fields["enable_ipv6"] == true;
                for (subnet, addresses) in subnets(&ipam) {
                    let other = subnet.contains(':') && fields["enable_ipv6"] != true;
                    if (fixed || own || addresses != json!({})) && !other {
                        let path = format!("{kind} {shown}{SUBNET}{subnet}");
                        self.0.insert(path, addresses);
                    }
                }
                // For networks of several engines.
                fields["attachable"] = Value::Null;
                if fields["external"] == true {
                    fields["internal"] = Value::Null;
                }
                fields["there"] = json!(true);
                self.put(&format!("{kind} {shown}"), &fields);
            }
        }
    }

    /// Flattened; nothing said is nothing, whatever the form.
    fn put(&mut self, path: &str, value: &Value) {
        match value {
            Value::Null | Value::Bool(false) if !path.ends_with(".init") => {}
            Value::Object(fields) => {
                for (key, value) in fields {
                    self.put(&format!("{path}.{key}"), value);
                }
            }
            Value::Array(items)
                if items.is_empty()
                    && !path.ends_with("command")
                    && !path.ends_with("entrypoint") => {}
            Value::Null => {}
            value => drop(self.0.insert(path.to_owned(), value.clone())),
        }
    }
}

fn table(value: &Value) -> BTreeMap<String, Value> {
    let fields = value.as_object().cloned().unwrap_or_default();
    fields.into_iter().collect()
}

fn texts(value: &Value) -> impl Iterator<Item = String> {
    let items = value.as_array().cloned().unwrap_or_default();
    items
        .into_iter()
        .filter_map(|item| item.as_str().map(str::to_owned))
}

fn sort(value: &mut Value) {
    let all: BTreeSet<String> = texts(value).collect();
    *value = json!(all);
}

fn rename(value: &mut Value, to: impl Fn(&str) -> Option<String>) {
    if let Some(fields) = value.as_object() {
        let each = fields.iter();
        let each = each.map(|(key, value)| (to(key).unwrap_or_else(|| key.clone()), value.clone()));
        *value = Value::Object(each.collect());
    }
}

/// Subnets of a network, each with what its addresses are for; the gateway is the first where that is not said.
fn subnets(ipam: &Value) -> Vec<(String, Value)> {
    let all = ipam["config"].as_array().into_iter().flatten();
    all.filter_map(|config| {
        let subnet = config["subnet"].as_str()?;
        let mut addresses = config.clone();
        let fields = addresses.as_object_mut()?;
        fields.remove("subnet");
        let first = subnet.parse::<coasti::model::Subnet>().ok()?.gateway()?;
        if fields.get("gateway") == Some(&json!(first)) && !fields.contains_key("ip_range") {
            fields.remove("gateway");
        }
        Some((subnet.to_owned(), addresses))
    })
    .collect()
}

/// Names for others: one by its own name is a need and no more.
fn names(links: &mut Value, own: impl Fn(&str) -> Option<String>) {
    let all = texts(links).filter_map(|link| {
        let (of, name) = link.split_once(':')?;
        let of = own(of)?;
        (of != name).then(|| format!("{of}:{name}"))
    });
    *links = json!(all.collect::<BTreeSet<_>>());
}

fn joins(service: &Value) -> BTreeSet<String> {
    table(&service["networks"]).into_keys().collect()
}

fn replicas(service: &Value) -> u64 {
    let said = service["deploy"]["replicas"].as_u64();
    said.or(service["scale"].as_u64()).unwrap_or(1)
}

/// A reference, which coasti writes in full; what is built has names of coasti's own.
fn image(service: &Value, services: &BTreeMap<String, Value>) -> Value {
    let Some(image) = service["image"].as_str() else {
        return json!("built");
    };
    let short = image.trim_start_matches("docker.io/");
    let builds = |other: &Value| other["image"] == image && !other["build"].is_null();
    if short.starts_with("coasti/") || !service["build"].is_null() || services.values().any(builds)
    {
        return json!("built");
    }
    let short = short.trim_start_matches("library/");
    json!(short.trim_end_matches(":latest"))
}

/// What it waits for, of what is there.
fn needs(value: &Value, services: &BTreeMap<String, Value>) -> Value {
    let mut needs = Map::new();
    for (name, need) in table(value) {
        let Some(other) = services.get(&name) else {
            continue;
        };
        for number in 1..=replicas(other) {
            let name = match number {
                1 => name.clone(),
                more => format!("{name}-{more}"),
            };
            needs.insert(
                name,
                json!({"condition": need["condition"], "restart": need["restart"], "required": need["required"]}),
            );
        }
    }
    Value::Object(needs)
}

/// Devices that drivers give, in whichever of the two ways they are asked for.
fn given(gpus: &Value, deploy: &Value) -> Value {
    let reserved = &deploy["resources"]["reservations"]["devices"];
    let all = [(gpus, Some("gpu")), (reserved, None)].into_iter();
    let all = all.flat_map(|(all, more)| {
        let all = all.as_array().cloned().unwrap_or_default().into_iter();
        all.map(move |mut device| {
            let mut able: BTreeSet<_> = texts(&device["capabilities"]).collect();
            able.extend(more.map(str::to_owned));
            device["capabilities"] = json!(able);
            device
        })
    });
    json!(all.collect::<Vec<_>>())
}

/// Limits, whichever of the two ways they were said in.
fn limits(fields: &mut Value, deploy: &Value) {
    let (limits, reserved) = (
        &deploy["resources"]["limits"],
        &deploy["resources"]["reservations"],
    );
    for (key, from, other) in [
        ("mem_limit", limits, "memory"),
        ("cpus", limits, "cpus"),
        ("pids_limit", limits, "pids"),
        ("mem_reservation", reserved, "memory"),
    ] {
        if !from[other].is_null() {
            fields[key] = from[other].clone();
        }
    }
    // Microseconds of a period are processors as well.
    let period = fields["cpu_period"].take();
    let number = |value: &Value| {
        value
            .as_str()
            .map_or(value.as_f64(), |text| text.parse().ok())
    };
    if let Some(quota) = number(&fields["cpu_quota"].take()).filter(|quota| *quota > 0.0) {
        let period = number(&period).filter(|period| *period > 0.0);
        fields["cpus"] = json!(quota / period.unwrap_or(100_000.0));
    }
    for key in ["mem_limit", "mem_reservation", "cpus", "pids_limit"] {
        // None is no limit.
        let none = ["0", "0.0", "-1"].contains(&fields[key].to_string().trim_matches('"'));
        if none {
            fields[key] = Value::Null;
        }
    }
}

fn restart(fields: &mut Value, deploy: &Value) {
    let policy = &deploy["restart_policy"];
    if policy.is_null() {
        return;
    }
    let word = match policy["condition"].as_str() {
        Some("none" | "no") => "no".to_owned(),
        Some("unless-stopped") => "unless-stopped".to_owned(),
        Some("on-failure") => match policy["max_attempts"].as_u64() {
            Some(tries) if tries > 0 => format!("on-failure:{tries}"),
            _ => "on-failure".to_owned(),
        },
        _ => "always".to_owned(),
    };
    fields["restart"] = json!(word);
}

/// By the port in the container.
fn ports(fields: &Value) -> Value {
    let mut ports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for port in fields["ports"].as_array().into_iter().flatten() {
        let key = format!(
            "{}/{}",
            port["target"],
            port["protocol"].as_str().unwrap_or("tcp")
        );
        let address = port["host_ip"].as_str().filter(|text| !text.is_empty());
        let host = match port["published"].as_str() {
            None | Some("") => "auto".to_owned(),
            // One of them.
            Some(range) if range.contains('-') => "auto".to_owned(),
            Some(port) => format!("{} {port}", address.unwrap_or("::")),
        };
        ports.entry(key).or_default().insert(host);
    }
    json!(ports)
}

/// By their path in the container, memory of both kinds.
fn mounts(fields: &Value, services: &BTreeMap<String, Value>) -> Value {
    let mut mounts = Map::new();
    for mount in fields["volumes"].as_array().into_iter().flatten() {
        let mut to = json!({"type": mount["type"], "source": mount["source"], "read_only": mount["read_only"]});
        if mount["type"] == "bind" {
            to["create"] = mount["bind"]["create_host_path"].clone();
            to["selinux"] = mount["bind"]["selinux"].clone();
            let propagation = &mount["bind"]["propagation"];
            if propagation != "rprivate" {
                to["propagation"] = propagation.clone();
            }
        }
        if mount["type"] == "volume" {
            to["nocopy"] = mount["volume"]["nocopy"].clone();
        }
        if mount["type"] == "tmpfs" {
            to["size"] = mount["tmpfs"]["size"].clone();
            to["mode"] = mount["tmpfs"]["mode"].clone();
        }
        let target = mount["target"].as_str().unwrap().trim_end_matches('/');
        mounts.insert(target.to_owned(), to);
    }
    for line in texts(&fields["tmpfs"]) {
        let (path, options) = line.split_once(':').unwrap_or((&line, ""));
        let mut to = json!({"type": "tmpfs"});
        for option in options.split(',').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("size", size)) => {
                    let digits = size.trim_end_matches(|c: char| c.is_ascii_alphabetic());
                    let shift = match size.get(digits.len()..).unwrap() {
                        "" => 0,
                        "k" => 10,
                        "m" => 20,
                        _ => 30,
                    };
                    to["size"] = json!((digits.parse::<u64>().unwrap() << shift).to_string());
                }
                Some(("mode", mode)) => to["mode"] = json!(u32::from_str_radix(mode, 8).unwrap()),
                _ if option == "ro" => to["read_only"] = json!(true),
                _ => {}
            }
        }
        mounts.insert(path.trim_end_matches('/').to_owned(), to);
    }
    // What the engine would give it of the others, in files of its own.
    let from: Vec<_> = texts(&fields["volumes_from"]).collect();
    for from in from.iter().rev() {
        let (name, mode) = from.split_once(':').unwrap_or((from, "rw"));
        for (target, mut mount) in table(&self::mounts(&services[name], services)) {
            if mount["type"] == "tmpfs" {
                continue;
            }
            if mount["type"] == "volume" {
                mount["nocopy"] = json!(true);
            }
            if mode == "ro" {
                mount["read_only"] = json!(true);
            }
            mounts.entry(target).or_insert(mount);
        }
    }
    Value::Object(mounts)
}

/// Secrets and configs by their path in the container, with what is in them.
fn files(config: &Value, service: &Value, folder: Option<&Path>) -> Value {
    let mut files = Map::new();
    for (key, place) in [("secrets", "/run/secrets/"), ("configs", "/")] {
        for used in service[key].as_array().into_iter().flatten() {
            let source = used["source"].as_str().unwrap();
            let target = used["target"].as_str().unwrap_or(source);
            let target = match target.starts_with('/') {
                true => target.to_owned(),
                false => format!("{place}{target}"),
            };
            let from = &config[key][source];
            let content = match (&from["content"], &from["file"], &from["environment"]) {
                (Value::String(text), ..) => text.clone(),
                (_, Value::String(path), _) => fs::read_to_string(path).unwrap(),
                (.., Value::String(name)) => variable(folder.unwrap(), name),
                _ => "elsewhere".to_owned(),
            };
            let number = |key: &str| used[key].as_str().unwrap_or("0").to_owned();
            files.insert(
                target,
                json!({
                    "content": content,
                    "uid": number("uid"),
                    "gid": number("gid"),
                    "mode": used["mode"].as_u64().unwrap_or(0o444),
                }),
            );
        }
    }
    Value::Object(files)
}

/// The value of a variable of the plain `.env` beside the files.
fn variable(folder: &Path, name: &str) -> String {
    let text = fs::read_to_string(folder.join(".env")).unwrap_or_default();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name}=")));
    line.unwrap_or_default().trim_matches('\'').to_owned()
}
