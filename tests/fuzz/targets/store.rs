//! What the engine keeps for coasti, as it is read back.
#![no_main]
use coasti_fuzz as fuzz;
use libfuzzer_sys::fuzz_target;

use coasti::store::record::{Head, Revision, RunRecord};

fuzz_target!(|data: &[u8]| {
    if let Some(head) = Head::from_text(&fuzz::text(data)) {
        assert_eq!(Head::from_text(&head.to_text()), Some(head));
    }
    if let Ok(run) = serde_json::from_slice::<RunRecord>(data) {
        let _ = serde_json::to_string(&run);
    }
    if let Ok(revision) = serde_json::from_slice::<Revision>(data) {
        let text = serde_json::to_string(&revision).unwrap_or_default();
        let again = serde_json::from_str::<Revision>(&text);
        assert_eq!(again.map(|again| again.stack.digest()).ok(), Some(revision.stack.digest()));
    }
    coasti::store::fuzz_archive(data);
});
