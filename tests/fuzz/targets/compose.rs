//! A compose file, one laid over it, and their variables.
#![no_main]
use coasti_fuzz as fuzz;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [compose, over, env] = fuzz::files(data);
    let over = if over.is_empty() { "services: {}\n" } else { &over };
    fuzz::read(&fuzz::Map::composed(&compose, over, &env));
});
