//! What is written within values: command lines, sizes, times, versions, images, names.
#![no_main]
use coasti_fuzz as fuzz;
use libfuzzer_sys::fuzz_target;

use coasti::base::{Span, StackName, names, size, words};
use coasti::config::{self, Shape, secrecy};
use coasti::services::{Range, Version};

fuzz_target!(|data: &[u8]| {
    let text = fuzz::text(data);
    if let Some(words) = words::split(&text) {
        assert!(words.iter().all(|word| word.len() <= text.len()));
    }
    if let Some(bytes) = size::parse(&text) {
        let _ = size::show(bytes);
    }
    if let Ok(span) = text.parse::<Span>() {
        let shown = span.to_string();
        assert_eq!(shown.parse::<Span>().map(Span::nanos), Ok(span.nanos()), "{shown}");
    }
    let version = Version::parse(&text);
    let _ = Version::of_image(&text);
    if let (Ok(range), Some(version)) = (Range::parse(&text), version) {
        let _ = range.contains(&version);
    }
    let full = config::full_reference(&text);
    assert_eq!(config::full_reference(&full), full);
    let stack = config::migrate::stack_of(&text);
    assert!(stack.is_empty() || StackName::is_valid(&stack), "{stack:?}");
    assert!(names::fit(&names::sanitize(&text), 63).len() <= 63);
    let _ = names::path(&text);
    let _ = secrecy::has_credentials(&text);
    let _ = secrecy::masked("password", &text);
    if let Some(shape) = Shape::of(&text) {
        let mut dice = |bytes: &mut [u8]| bytes.fill(7);
        let word = text.trim_end_matches(['\r', '\n']);
        assert_eq!(shape.make(&mut dice).chars().count(), word.chars().count());
    }
    // All that a site says of a container, in which the text stands.
    let quoted = serde_json::Value::from(text.as_str()).to_string();
    let service = format!(
        "services: {{a: {{image: {quoted}, ports: [{quoted}], volumes: [{quoted}], mem_limit: {quoted}, \
         cpus: {quoted}, stop_grace_period: {quoted}, user: {quoted}, hostname: {quoted}, devices: [{quoted}], \
         extra_hosts: [{quoted}], shm_size: {quoted}, cpuset: {quoted}, sysctls: [{quoted}], tmpfs: [{quoted}], \
         ulimits: {{nofile: {quoted}}}, security_opt: [{quoted}], stop_signal: {quoted}, dns: [{quoted}], \
         cap_add: [{quoted}], expose: [{quoted}], restart: {quoted}, network_mode: {quoted}}}}}\n"
    );
    // A dollar would be a variable.
    fuzz::read(&fuzz::Map::composed(&service.replace('$', "$$"), "services: {}\n", ""));
    let app = format!(
        "image: a/b:1\nport: {{web: {{container: 80, host: {quoted}}}}}\n\
         docker: {{mem_limit: {quoted}, cpus: {quoted}, command: {quoted}}}\n\
         healthcheck: {{command: {quoted}, interval: {quoted}}}\n\
         provider: [{{name: db, module-name: postgres, module-version: {quoted}}}]\n\
         volume: [{{name: v, target: {quoted}}}]\n"
    );
    let deploy = format!("version: 1\nstack: acme\nsite: [{{label: a, image: a, domain: {quoted}, update: {{settle: {quoted}}}}}]\n");
    fuzz::read(&fuzz::Map::new([
        ("config/products.yml", "version: 1\nproducts: [{id: a}]\n"),
        ("config/deploy.yml", &deploy),
        ("products/a/nua-config.yml", &app),
    ]));
});
