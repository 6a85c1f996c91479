//! How much memory and time a stranger's template may take: a few lines of it can ask for more than any machine has.

use crate::template::{Runner, Work};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};

/// In bytes: what is asked for at once, and all files of a product, older, newer and own, take less.
const MOST: u64 = 4 << 30;

/// What rendering one text may take, in bytes.
const TEXT: u64 = 512 << 20;

/// How long rendering all texts of a template may take.
const LONGEST: Duration = Duration::from_secs(60);

/// How often that is looked at.
const TICK: Duration = Duration::from_millis(5);

/// What nested templates and values are read and rendered on, in bytes: more than [`TEXT`], so that what goes too deep
/// is given up on before it is at the end of it. Only what is used takes memory, but some systems promise no more than
/// they have: there, less is asked for, and less may be taken.
const STACKS: [usize; 3] = [1 << 30, 256 << 20, 64 << 20];

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

/// Renders each text on a thread of its own, and looks at what that takes. One that takes too much cannot be stopped:
/// it goes with the program, which has nothing else to do then than to tell so.
pub(super) fn runner() -> Runner {
    within(LONGEST)
}

/// Likewise, with another time for all of it.
fn within(longest: Duration) -> Runner {
    let given_up: Arc<OnceLock<String>> = Arc::default();
    let spent: Mutex<Duration> = Mutex::default();
    Arc::new(move |work: Work| {
        if let Some(why) = given_up.get() {
            return Err(why.clone());
        }
        let mut spent = spent.lock().unwrap_or_else(PoisonError::into_inner);
        let started = Instant::now();
        let before = resident();
        let (end, stack, thread) = match interrupted() {
            true => return Err(given_up.get_or_init(|| INTERRUPTED.to_owned()).clone()),
            false => start(work)?,
        };
        let most = TEXT.min(stack as u64 / 2);
        loop {
            if end.recv_timeout(TICK) == Err(RecvTimeoutError::Disconnected) {
                // Its stack goes with it: the next one may need that room.
                let _ = thread.join();
                *spent += started.elapsed();
                return Ok(());
            }
            let why = match (before, resident()) {
                (Some(before), Some(now)) if now > before.saturating_add(most) => {
                    format!("it takes more than {} MB of memory", most >> 20)
                }
                _ if *spent + started.elapsed() > longest && spent.is_zero() => {
                    format!("it takes longer than {} seconds", longest.as_secs())
                }
                _ if *spent + started.elapsed() > longest => format!(
                    "with it, the template's texts take longer than {} seconds",
                    longest.as_secs()
                ),
                _ if interrupted() => INTERRUPTED.to_owned(),
                _ => continue,
            };
            return Err(given_up.get_or_init(|| why).clone());
        }
    })
}

/// Starts a thread that does the work; tells when it ends, and how large its stack is.
fn start(work: Work) -> Result<(Receiver<()>, usize, JoinHandle<()>), String> {
    let (done, end) = mpsc::channel::<()>();
    let work = Arc::new(Mutex::new(Some((work, done))));
    let mut failed = String::new();
    for stack in STACKS {
        let work = Arc::clone(&work);
        let thread = thread::Builder::new()
            .name(NAME.to_owned())
            .stack_size(stack);
        let run = move || {
            let work = work.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some((work, _done)) = work {
                work();
            }
        };
        match thread.spawn(run) {
            Ok(thread) => return Ok((end, stack, thread)),
            Err(error) => failed = error.to_string(),
        }
    }
    Err(format!("there is no thread for it: {failed}"))
}

/// What the system calls the thread.
const NAME: &str = "template";

const INTERRUPTED: &str = "it was interrupted";

/// Whether Ctrl-C was pressed since this was asked first. The thread that waits for it while all goes well is busy with
/// the template.
pub(super) fn interrupted() -> bool {
    static PRESSED: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| {
        let pressed: Arc<AtomicBool> = Arc::default();
        let told = Arc::clone(&pressed);
        let (ready, begun) = mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_io()
                .build();
            let Ok(runtime) = runtime else { return };
            runtime.block_on(async {
                let Ok(mut signals) = signal(SignalKind::interrupt()) else {
                    return;
                };
                drop(ready);
                if signals.recv().await.is_some() {
                    told.store(true, Ordering::Relaxed);
                }
            });
        });
        let _ = begun.recv_timeout(LONGEST) as Result<(), _>;
        pressed
    });
    PRESSED.load(Ordering::Relaxed)
}

/// The memory that this program has, in bytes; none where the system does not tell.
fn resident() -> Option<u64> {
    let told = fs::read_to_string("/proc/self/status").ok()?;
    let line = told.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_that_of_all_texts() {
        let run = within(Duration::from_secs(2));
        let short = || -> Work {
            Box::new(|| {
                let started = Instant::now();
                while started.elapsed() < Duration::from_millis(500) {
                    std::hint::spin_loop();
                }
            })
        };
        let ran: Vec<_> = (0..6).map(|_| run(short())).collect();
        assert_eq!(ran[0], Ok(()));
        let why = ran[5].clone().unwrap_err();
        assert!(
            why.starts_with("with it, the template's texts take"),
            "{why}"
        );
    }
}
