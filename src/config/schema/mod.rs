//! JSON Schemas (draft 7) of the files, for editors. They are kept in `schemas/`.

mod docker;
mod types;
mod words;

#[cfg(test)]
mod tests;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The files that have a schema.
pub const NAMES: &[&str] = &["deploy", "info", "nua-config", "products", "tools"];

/// The schema of one of [`NAMES`].
pub fn schema(name: &str) -> Option<Value> {
    let generator = SchemaSettings::draft07().into_generator();
    let schema = match name {
        "deploy" => generator.into_root_schema_for::<types::Deploy>(),
        "info" => generator.into_root_schema_for::<types::Info>(),
        "nua-config" => generator.into_root_schema_for::<types::App>(),
        "products" => generator.into_root_schema_for::<types::Products>(),
        "tools" => generator.into_root_schema_for::<types::Tools>(),
        _ => return None,
    };
    let mut schema = schema.to_value();
    spell(&mut schema);
    if let Value::Object(root) = &mut schema {
        root.insert("title".into(), format!("coasti: {name}").into());
        // A file with nothing in it is one with no keys.
        root.insert("type".into(), json!(["object", "null"]));
    }
    Some(schema)
}

/// As it is kept: sorted, indented, with a line's end.
pub fn text(name: &str) -> Option<String> {
    let text = serde_json::to_string_pretty(&schema(name)?).ok()?;
    Some(text + "\n")
}

/// Keys may be written with `-` or `_`: each is there in both spellings.
fn spell(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(spell),
        Value::Object(fields) => {
            if let Some(Value::Object(properties)) = fields.get_mut("properties") {
                both(properties);
            }
            fields.values_mut().for_each(spell);
        }
        _ => {}
    }
}

fn both(properties: &mut Map<String, Value>) {
    let other = |key: &str| match key.contains('-') {
        true => key.replace('-', "_"),
        false => key.replace('_', "-"),
    };
    let twins: Vec<_> = properties
        .iter()
        .map(|(key, value)| (other(key), value.clone()))
        .filter(|(key, _)| !properties.contains_key(key))
        .collect();
    properties.extend(twins);
}
