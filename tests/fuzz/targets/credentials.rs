//! Users as CSV.
#![no_main]
use coasti_fuzz as fuzz;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    fuzz::read(&fuzz::Map::new([
        ("config/products.yml", "version: 1\nproducts: []\n"),
        ("config/deploy.yml", "version: 1\nstack: acme\nusers: credentials.csv\n"),
        ("config/credentials.csv", &fuzz::text(data)),
    ]));
});
