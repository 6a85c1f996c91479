//! A product's archive, of each kind: the first byte says which.
#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some((kind, data)) = data.split_first() {
        coasti::ops::product::fuzz_archive(["a.tar", "a.tgz", "a.zip"][usize::from(kind % 3)], data);
    }
});
