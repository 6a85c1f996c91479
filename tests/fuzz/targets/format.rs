//! `fmt`: what it writes says the same and has the form.
#![no_main]
use coasti_fuzz as fuzz;
use libfuzzer_sys::fuzz_target;

use coasti::config::format::Formatted;
use coasti::diag::Diagnostics;
use coasti::ops::files::formatted as format;
use coasti::template::read_answers;

fuzz_target!(|data: &[u8]| {
    for name in ["a.yml", "a.json"] {
        let before = fuzz::source(name, fuzz::text(data));
        if let Ok(Formatted::New(text)) = format(&before) {
            let after = fuzz::source(name, text);
            let read = |source| read_answers(source, &mut Diagnostics::new());
            assert_eq!(read(&before), read(&after));
            assert!(matches!(format(&after), Ok(Formatted::Same)), "{:?}", after.text);
        }
    }
});
