//! What labels may be called, wherever a file says them.

use super::codes;
use crate::diag::{Diagnostic, Place};

/// What is wrong with a label's name.
pub(super) fn own(name: &str, at: &Place) -> Option<Diagnostic> {
    name.starts_with("coasti.").then(|| {
        let summary = format!("`{name}` cannot be a label");
        let error = Diagnostic::error(codes::BAD_VALUE, Some(at.clone()), summary);
        error.help("labels that start with `coasti.` are coasti's own")
    })
}
