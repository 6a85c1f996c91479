//! Services (being written on another branch).

/// Whether data of `from` may be run with `to`.
pub fn upgrade(_product: &str, _from: &str, _to: &str) -> Result<(), String> {
    Ok(())
}
