//! Ctrl-C: whoever listens is asked to come to an end; a second one, and a first one if nobody listens, does not wait. A file
//! that is being written is finished first.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::SIGINT;

/// Exit status of a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

struct Signals {
    /// Ctrl-C was pressed.
    pressed: Arc<AtomicBool>,
    /// The next one ends the program.
    ends: Arc<AtomicBool>,
}

fn signals() -> &'static Signals {
    static SIGNALS: OnceLock<Signals> = OnceLock::new();
    SIGNALS.get_or_init(|| {
        let signals = Signals {
            pressed: Arc::default(),
            ends: Arc::new(AtomicBool::new(true)),
        };
        // What is registered first acts first: the first Ctrl-C makes the second one end the program. Flags need no thread
        // that waits for signals, which would cost a short command a fifth of its time. Only signals that cannot be handled
        // would be refused.
        use signal_hook::flag::{register, register_conditional_shutdown};
        let _ = register_conditional_shutdown(SIGINT, INTERRUPTED, signals.ends.clone());
        let _ = register(SIGINT, signals.ends.clone());
        let _ = register(SIGINT, signals.pressed.clone());
        signals
    })
}

/// A flag that Ctrl-C sets; who asks for it comes to an end by himself.
pub fn flag() -> Arc<AtomicBool> {
    let signals = signals();
    signals.ends.store(false, Ordering::Relaxed);
    signals.pressed.clone()
}

/// True once Ctrl-C was pressed.
pub fn is_set(flag: &Arc<AtomicBool>) -> bool {
    flag.load(Ordering::Relaxed)
}

/// As long as this lives, Ctrl-C waits. There is one at a time.
pub struct Held {
    ends: bool,
    pressed: bool,
}

/// Has Ctrl-C wait.
pub fn hold() -> Held {
    let signals = signals();
    Held {
        ends: signals.ends.swap(false, Ordering::Relaxed),
        pressed: signals.pressed.load(Ordering::Relaxed),
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if !self.ends {
            return;
        }
        let signals = signals();
        signals.ends.store(true, Ordering::Relaxed);
        if !self.pressed && signals.pressed.load(Ordering::Relaxed) {
            std::process::exit(INTERRUPTED);
        }
    }
}
