//! `migrate` and what else is written into files: it can be read, and once is enough.
#![no_main]
use coasti_fuzz as fuzz;
use libfuzzer_sys::fuzz_target;

use coasti::base::StackId;
use coasti::config::migrate::migrate;
use coasti::config::{Setting, with_entry, with_id, with_setting, with_value, without_entry};
use coasti::diag::Diagnostics;
use coasti::template::read_answers;

fuzz_target!(|data: &[u8]| {
    let text = fuzz::text(data);
    for (name, key) in [
        ("config/deploy.yml", "site"),
        ("config/products.yml", "products"),
        ("products/a/info.yml", "site"),
        ("config/deploy.toml", "site"),
        ("config/deploy.json", "site"),
    ] {
        let source = fuzz::source(name, text.as_str());
        let sound = |text: &str| {
            let mut d = Diagnostics::new();
            let _ = read_answers(&fuzz::source(name, text), &mut d);
            assert!(!d.has_errors(), "{name}: {text:?}");
        };
        if let Ok(Some(text)) = migrate(&source, "acme") {
            sound(&text);
            let again = migrate(&fuzz::source(name, text.as_str()), "acme");
            assert!(matches!(again, Ok(None)), "{name}: {text:?}");
        }
        if name.starts_with("config/deploy") {
            let id = StackId::new("0123456789abcdef0123456789abcdef");
            let settings = [Setting::Stack("acme".to_owned()), Setting::Ports(1, 2)];
            let edits = settings.iter().map(|setting| with_setting(&source, setting));
            edits.chain([with_id(&source, &id)]).flatten().for_each(|text| sound(&text));
        } else if name.ends_with("products.yml") {
            for edit in [
                with_entry(&source, key, &[("id", "new".to_owned())]),
                without_entry(&source, key, 0),
                with_value(&source, key, 0, "enabled", "false"),
            ] {
                edit.iter().for_each(|text| sound(text));
            }
        }
    }
});
