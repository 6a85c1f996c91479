//! Recipients, identities, and what is encrypted.
#![no_main]
use coasti_fuzz as fuzz;
use libfuzzer_sys::fuzz_target;

use coasti::ops::secrets::age;

fuzz_target!(|data: &[u8]| {
    if let Ok(recipients) = age::recipients(&fuzz::text(data)) {
        let keys = recipients.keys();
        let again = age::recipients(&keys.join("\n"));
        assert_eq!(again.map(|again| again.keys()), Ok(keys));
    }
    let key = fuzz::text(data);
    if !key.contains('\0') {
        // SAFETY: this process has one thread.
        unsafe { std::env::set_var(age::KEY, key) };
    }
    let identities = age::identities();
    let _ = age::decrypt(data, &identities);
});
