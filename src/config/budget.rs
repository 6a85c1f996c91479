//! What a stack may come to: a few files can stand for more than any memory holds, once products are put into
//! sites and variables into values.

use super::codes;
use crate::diag::{Diagnostic, Diagnostics, Place};

/// How many containers a stack may have.
const MAX_CONTAINERS: usize = 2_000;

/// How many variables, mounts, ports and other values they may have together.
const MAX_VALUES: usize = 50_000;

/// How many mounts, ports and the like one container may have: each is compared with all others.
const MAX_EACH: usize = 1_000;

/// How many bytes of text may be read for and filled into them.
const MAX_TEXT: usize = 16 << 20;

/// What was used up of that.
#[derive(Clone, Debug, Default)]
pub(super) struct Budget {
    containers: usize,
    values: usize,
    text: usize,
    full: bool,
}

impl Budget {
    /// Whether it is used up, which was said.
    pub(super) const fn is_full(&self) -> bool {
        self.full
    }

    /// Takes containers with values; says so where that is too much.
    pub(super) fn containers(
        &mut self,
        containers: usize,
        values: usize,
        at: Option<&Place>,
        d: &mut Diagnostics,
    ) -> bool {
        self.containers = self.containers.saturating_add(containers);
        self.values = self.values.saturating_add(values);
        if self.containers > MAX_CONTAINERS {
            return self.too_much("2,000 containers", at, d);
        }
        if self.values > MAX_VALUES {
            return self.too_much("50,000 values", at, d);
        }
        !self.full
    }

    /// Whether one container may have so many of something; says so where it may not.
    pub(super) fn each(
        &mut self,
        what: &str,
        count: usize,
        at: Option<&Place>,
        d: &mut Diagnostics,
    ) -> bool {
        if count > MAX_EACH {
            return self.too_much(&format!("1,000 {what} of one container"), at, d);
        }
        !self.full
    }

    /// Takes text; says so where that is too much.
    pub(super) fn text(&mut self, bytes: usize, at: Option<&Place>, d: &mut Diagnostics) -> bool {
        self.text = self.text.saturating_add(bytes);
        if self.text > MAX_TEXT {
            return self.too_much("16 MB of text", at, d);
        }
        !self.full
    }

    fn too_much(&mut self, what: &str, at: Option<&Place>, d: &mut Diagnostics) -> bool {
        if !std::mem::replace(&mut self.full, true) {
            let summary = format!("the stack comes to more than {what}");
            let error = Diagnostic::error(codes::TOO_LARGE, at.cloned(), summary);
            d.push(error.label("here it becomes too much"));
        }
        false
    }
}
