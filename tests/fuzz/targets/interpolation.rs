//! `${NAME}` in compose files and `{NAME}` in apps.
#![no_main]
use coasti_fuzz as fuzz;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = serde_json::Value::from(fuzz::text(data)).to_string();
    let compose = format!("services: {{a: {{image: 'a/b:1', environment: {{X: {text}}}, command: {text}}}}}\n");
    fuzz::read(&fuzz::Map::composed(&compose, "services: {}\n", "A=1\nB=\nC=\"${A}\"\n"));
    let app = format!("image: a/b:1\nenv: {{A: '1', B: '', X: {text}, Y: 'a{{X}}b'}}\n");
    fuzz::read(&fuzz::Map::new([
        ("config/products.yml", "version: 1\nproducts: [{id: a}]\n"),
        ("config/deploy.yml", "version: 1\nstack: acme\nsite: [{label: a, image: a}]\n"),
        ("products/a/nua-config.yml", &app),
    ]));
});
