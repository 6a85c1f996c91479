//! json as a document, whatever stands in it.
#![no_main]
use coasti_fuzz as fuzz;
use libfuzzer_sys::fuzz_target;

use coasti::diag::Diagnostics;

fuzz_target!(|data: &[u8]| {
    let mut d = Diagnostics::new();
    let _ = coasti::template::read_answers(&fuzz::source("a.json", fuzz::text(data)), &mut d);
    fuzz::show(&d);
});
