//! How much memory a stranger's template may take: a few lines of it can ask for more than any machine has.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// In bytes. All files of a product, older, newer and own, take less.
const MOST: u64 = 2 << 30;

/// While this is there, whatever needs more memory ends the program, and not others on its machine.
pub(super) struct Budget(Option<Rlimit>);

impl Budget {
    pub(super) fn new() -> Self {
        let before = getrlimit(Resource::Data);
        if before.current.is_some_and(|now| now <= MOST) {
            return Self(None);
        }
        let now = Rlimit {
            current: Some(MOST),
            maximum: before.maximum,
        };
        Self(setrlimit(Resource::Data, now).is_ok().then_some(before))
    }
}

impl Drop for Budget {
    fn drop(&mut self) {
        if let Some(before) = self.0.take() {
            let _ = setrlimit(Resource::Data, before);
        }
    }
}
