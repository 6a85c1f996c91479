//! What is imported from nua: deploy files and apps.
#![no_main]
use coasti_fuzz as fuzz;
use libfuzzer_sys::fuzz_target;

use coasti::config::{nua_app, nua_name, nua_sites, plain};
use coasti::diag::Diagnostics;

fuzz_target!(|data: &[u8]| {
    let text = fuzz::text(data);
    for end in ["yml", "toml", "json"] {
        let source = fuzz::source(&format!("a.{end}"), text.as_str());
        let mut d = Diagnostics::new();
        let _ = (nua_sites(&source, &mut d), nua_app(&source, &mut d));
        fuzz::show(&d);
    }
    assert!(nua_name(&text).chars().count() <= 128);
    let _ = plain(&text);
});
