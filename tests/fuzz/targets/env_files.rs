//! Files of variables, in each dialect.
#![no_main]
use coasti_fuzz as fuzz;
use libfuzzer_sys::fuzz_target;

use coasti::diag::Diagnostics;

const COMPOSE: &str = "services:\n  a:\n    image: a/b:1\n    env_file: [a.env, {path: a.env, format: raw}]\n";

fuzz_target!(|data: &[u8]| {
    let text = fuzz::text(data);
    let mut d = Diagnostics::new();
    let _ = coasti::config::services_env(&fuzz::source("config/services.env", text.as_str()), &mut d);
    fuzz::show(&d);
    fuzz::read(&fuzz::Map::composed(COMPOSE, "services: {}\n", &text));
    let deploy = "version: 1\nstack: acme\nservices: [postgres, rabbitmq, mongodb, grafana, influxdb]\n";
    fuzz::read(&fuzz::Map::new([
        ("config/products.yml", "version: 1\nproducts: []\n"),
        ("config/deploy.yml", deploy),
        ("config/services.env", &text),
    ]));
});
