//! Argument lists of processes.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Notes every argument list of the machine's processes, as `ps -ef` would show them, until it is asked for.
pub struct Arguments {
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<BTreeSet<Vec<u8>>>,
}

impl Arguments {
    /// From now on.
    pub fn watch() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut seen = BTreeSet::new();
            while !asked.load(Ordering::SeqCst) {
                let processes = std::fs::read_dir("/proc").unwrap().flatten();
                // One that ended meanwhile has none.
                let lists =
                    processes.filter_map(|one| std::fs::read(one.path().join("cmdline")).ok());
                seen.extend(lists.filter(|list| !list.is_empty()));
                std::thread::yield_now();
            }
            seen
        });
        Self { stop, thread }
    }

    /// All of them, a line each.
    pub fn seen(self) -> String {
        self.stop.store(true, Ordering::SeqCst);
        let seen = self.thread.join().unwrap();
        let lines = seen.iter().map(|list| String::from_utf8_lossy(list));
        lines.collect::<Vec<_>>().join("\n")
    }
}
