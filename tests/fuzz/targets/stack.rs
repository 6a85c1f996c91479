//! A deploy file, the app that it runs, the products and the platform services beside it.
#![no_main]
use coasti_fuzz as fuzz;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [deploy, app, products, services, info] = fuzz::files(data);
    let products = if products.is_empty() { "version: 1\nproducts: [{id: wiki}]\n" } else { &products };
    let mut files = vec![
        ("config/products.yml", products),
        ("config/deploy.yml", deploy.as_str()),
        ("config/services.env", services.as_str()),
        ("config/secrets/one", "value of the secret"),
    ];
    match info.is_empty() {
        true => files.push(("products/wiki/nua-config.yml", app.as_str())),
        false => files.push(("products/wiki/info.yml", info.as_str())),
    }
    fuzz::read(&fuzz::Map::new(files));
});
